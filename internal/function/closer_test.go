package function_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/google/go-cmp/cmp"

	"tocsin/internal/apitest"
	"tocsin/internal/dynamotest"
	"tocsin/internal/function"
	"tocsin/internal/lambdajob"
	"tocsin/internal/statuspage"
)

// The closer's summary is one line, and what CloudWatch makes metrics of.
func TestCloser(t *testing.T) {
	tb := dynamotest.NewTable(t)
	store := tb.Store(nil)
	const made = 1700000040
	for _, end := range []*int64{nil, new(int64(made + 600)), new(int64(made + 36000))} {
		if _, err := store.CreateIncident(t.Context(), statuspage.NewIncident{Title: "Outage", Start: made, End: end, Source: statuspage.SourceAPI}, made, nil); err != nil {
			t.Fatal(err)
		}
	}
	now := int64(made + 1800)
	var log apitest.Log
	h, err := function.NewWith(function.Closer, tb.Getenv(map[string]string{"STALE_AFTER": "1h", "WARN_BEFORE": "30m", "METRICS": "true", "AWS_LAMBDA_FUNCTION_NAME": "the-closer"}), function.Options{
		Now: func() time.Time { return time.Unix(now, 0) }, Log: slog.New(slog.NewJSONHandler(&log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "id-1"})
	//lint:ignore SA1029 aws-lambda-go has this key
	ctx = context.WithValue(ctx, "x-amzn-trace-id", "Parent=5;Root=1-2-3")
	invoke := func() []map[string]any {
		t.Helper()
		before := len(log.String())
		if out, err := h.Invoke(ctx, []byte(`not JSON`)); err != nil || string(out) != "null" {
			t.Errorf("%s, %v", out, err)
		}
		var lines []map[string]any
		for line := range strings.Lines(log.String()[before:]) {
			var l map[string]any
			if err := json.Unmarshal([]byte(line), &l); err != nil {
				t.Fatalf("line %q: %v", line, err)
			}
			delete(l, "time")
			lines = append(lines, l)
		}
		return lines
	}
	lines := invoke()
	if len(lines) != 3 || !strings.HasPrefix(lines[0]["msg"].(string), `warn incident 1 "Outage": `) || !strings.HasPrefix(lines[1]["msg"].(string), `close incident 2 "Outage": `) {
		t.Fatalf("lines %v", lines)
	}
	for _, line := range lines[:2] {
		if line["service"] != "closer" || line["lambdaRequestId"] != "id-1" || line["traceId"] != "1-2-3" {
			t.Errorf("line %v", line)
		}
	}
	sum := lines[2]
	// Every metric is a number of the line, with a dimension of it.
	aws := sum["_aws"].(map[string]any)
	spec := aws["CloudWatchMetrics"].([]any)[0].(map[string]any)
	for _, m := range spec["Metrics"].([]any) {
		name := m.(map[string]any)["Name"].(string)
		if _, ok := sum[name].(float64); !ok {
			t.Errorf("metric %s is %v", name, sum[name])
		}
	}
	if n := len(spec["Metrics"].([]any)); n > 6 || aws["Timestamp"] != float64(now*1000) || spec["Namespace"] != lambdajob.MetricsNamespace {
		t.Errorf("metrics %v", aws)
	}
	if d := cmp.Diff([]any{[]any{"FunctionName"}}, spec["Dimensions"]); d != "" {
		t.Error(d)
	}
	if calls := sum["CloserCalls"].(float64); calls < 6 || calls > 20 {
		t.Errorf("%v calls", calls)
	}
	delete(sum, "_aws")
	delete(sum, "CloserCalls")
	delete(sum, "CloserDuration")
	want := map[string]any{
		"level": "INFO", "msg": "closer", "service": "closer", "coldStart": true, "lambdaRequestId": "id-1", "traceId": "1-2-3", "FunctionName": "the-closer",
		"OpenIncidents": 3.0, "IncidentsWarned": 1.0, "IncidentsClosed": 1.0, "CloserFailures": 0.0,
		"skipped": map[string]any{"end ahead": 1.0}, "cleaned": 0.0, "dayTotals": 0.0, "goesOn": false,
	}
	if d := cmp.Diff(want, sum); d != "" {
		t.Errorf("summary (-want +got):\n%s", d)
	}
	now += 1800
	if lines = invoke(); len(lines) != 2 || lines[1]["IncidentsClosed"] != 1.0 || lines[1]["coldStart"] != false {
		t.Errorf("half an hour later: %v", lines)
	}
}

// A run that can't do its work fails, and its line counts it.
func TestCloserFailure(t *testing.T) {
	tb := dynamotest.NewTable(t)
	var c refusal
	c.refuse.Store(true)
	var log apitest.Log
	h, err := function.NewWith(function.Closer, tb.Getenv(nil), function.Options{HTTPClient: &c, Log: slog.New(slog.NewJSONHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"the schema can't be read", "the state can't be read"} {
		before := len(log.String())
		out, err := h.Invoke(t.Context(), nil)
		if err == nil || !strings.HasPrefix(err.Error(), "closing incidents: ") || out != nil {
			t.Errorf("%s: %s, %v", name, out, err)
		}
		var line map[string]any
		if err := json.Unmarshal([]byte(log.String()[before:]), &line); err != nil {
			t.Fatal(err)
		}
		// Without METRICS the line has the same numbers, of which CloudWatch makes nothing.
		if line["level"] != "ERROR" || line["CloserFailures"] != 1.0 || line["_aws"] != nil || line["FunctionName"] != nil || !strings.Contains(line["cause"].(string), "refused by the test") {
			t.Errorf("%s: log %v", name, line)
		}
		c.refuse.Store(false)
		if _, err := h.Invoke(t.Context(), nil); err != nil {
			t.Errorf("while DynamoDB answers: %v", err)
		}
		c.refuse.Store(true)
	}
}

func TestCloserPolicyMustBeDurations(t *testing.T) {
	_, err := function.New(function.Closer, func(name string) string {
		return map[string]string{"TABLE_NAME": "t", "STALE_AFTER": "72"}[name]
	})
	if err == nil || !strings.Contains(err.Error(), "STALE_AFTER") {
		t.Errorf("error %v", err)
	}
}
