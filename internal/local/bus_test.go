package local

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-lambda-go/lambda"
)

// TestBus calls the function whose rule an event matches, with the event as it came.
func TestBus(t *testing.T) {
	template, err := parseTemplate([]byte(`
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
  Taker:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/taker/
      Events:
        Changed:
          Type: EventBridgeRule
          Properties:
            Pattern: {source: [aws.cloudwatch], detail: {state: {value: [ALARM, OK]}}}
            DeadLetterConfig: {Arn: !GetAtt Queue.Arn}
`), TemplateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	bus, err := NewBus(template, map[string]lambda.Handler{"Taker": handlerFunc(func(_ context.Context, event []byte) ([]byte, error) {
		got = append(got, string(event))
		if len(got) == 2 {
			return nil, errors.New("full")
		}
		return []byte("null"), nil
	})})
	if err != nil {
		t.Fatal(err)
	}
	const alarm = `{"source":"aws.cloudwatch","detail":{"state":{"value":"ALARM"}}}`
	for _, tt := range []struct {
		event   string
		matched int
		failed  bool
	}{
		{alarm, 1, false},
		{`{"source":"aws.ec2","detail":{"state":{"value":"ALARM"}}}`, 0, false},
		{`{"source":"aws.cloudwatch","detail":{"state":{"value":"INSUFFICIENT_DATA"}}}`, 0, false},
		{alarm, 1, true},
		{`x`, 0, true},
	} {
		matched, err := bus.Put(t.Context(), []byte(tt.event))
		if matched != tt.matched || (err != nil) != tt.failed {
			t.Errorf("%s: %d rules match, %v", tt.event, matched, err)
		}
	}
	if len(got) != 2 || got[0] != alarm {
		t.Errorf("called with %q", got)
	}
	if _, err := NewBus(template, nil); err == nil {
		t.Error("a bus without the function's handler")
	}
}
