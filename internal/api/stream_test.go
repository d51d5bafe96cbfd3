package api

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/google/go-cmp/cmp"

	"tocsin/internal/apitest"
	"tocsin/internal/dynamo/dump"
	"tocsin/internal/dynamotest"
	"tocsin/internal/function"
	"tocsin/internal/local"
)

// woken is a function that tells of the records that it is called with.
type woken chan events.DynamoDBEventRecord

func (w woken) Invoke(_ context.Context, payload []byte) ([]byte, error) {
	var e events.DynamoDBEvent
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, err
	}
	for _, r := range e.Records {
		w <- r
	}
	return nil, nil
}

// TestWhatWakesThePublisher has the template's filter look at what the API writes: a change of a
// record wakes the publisher, once. A minute that a probe posts does not, and neither does a row
// that expires.
func TestWhatWakesThePublisher(t *testing.T) {
	s := apitest.New(t, apitest.Options{})
	template, err := local.ReadTemplate(filepath.Join(dynamotest.Root(t), "template.yaml"), local.TemplateOptions{TableName: s.Table.Name, Region: dynamotest.Region})
	if err != nil {
		t.Fatal(err)
	}
	client := s.Table.DynamoDB(nil)
	arn, err := dump.EnableStream(t.Context(), client, s.Table.Name, template.Table)
	if err != nil {
		t.Fatal(err)
	}
	streams := dynamodbstreams.New(dynamodbstreams.Options{
		Region: dynamotest.Region, BaseEndpoint: aws.String(s.Table.Endpoint), Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	wakes, handlers := make(woken, 100), map[string]lambda.Handler{}
	for _, f := range template.Functions {
		if f.Name == function.Publisher {
			handlers[f.ID] = wakes
		}
	}
	poller, err := local.NewPoller(t.Context(), template, handlers, streams, arn, local.GatewayOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan bool)
	go func() { poller.Run(ctx); close(done) }()
	defer func() { cancel(); <-done }()

	wakesOnce := func(what string) map[string]events.DynamoDBAttributeValue {
		t.Helper()
		select {
		case r := <-wakes:
			if r.EventName != "INSERT" || r.EventSourceArn != arn {
				t.Errorf("%s: record %+v", what, r)
			}
			return r.Change.NewImage
		case <-time.After(10 * time.Second):
			t.Fatalf("%s does not wake the publisher", what)
			return nil
		}
	}
	do := func(method, path, body string) {
		t.Helper()
		if got := s.Do(method, path, body); got.Status >= 300 {
			t.Fatalf("%s %s: %d %s", method, path, got.Status, got.Body)
		}
	}
	do("POST", "/api/v4/monitors", `{"tag":"earth","name":"Earth"}`)
	row := wakesOnce("a monitor")
	do("POST", "/api/v4/status", `{"points":[{"monitor_tag":"earth","status":"DOWN"}]}`)
	_, err = client.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &s.Table.Name, Key: map[string]types.AttributeValue{
		"pk": &types.AttributeValueMemberS{Value: row["pk"].String()}, "sk": &types.AttributeValueMemberS{Value: row["sk"].String()},
	}})
	if err != nil {
		t.Fatal(err)
	}
	// Records come in the order of the writes, so none of those two came.
	do("POST", "/api/v4/incidents", fmt.Sprintf(`{"title":"Bad release","start_date_time":%d}`, time.Now().Unix()/60*60))
	second := wakesOnce("an incident")
	do("POST", "/api/v4/incidents/1/comments", `{"comment":"We look into it.","state":"INVESTIGATING"}`)
	third := wakesOnce("a comment")
	var kinds []string
	for _, image := range []map[string]events.DynamoDBAttributeValue{row, second, third} {
		kinds = append(kinds, image["gsi2pk"].String())
	}
	if diff := cmp.Diff([]string{"CHANGES#MONITOR#1", "CHANGES#INCIDENT#1", "CHANGES#INCIDENT#1"}, kinds); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}
