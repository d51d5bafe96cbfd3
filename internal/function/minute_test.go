package function_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/google/go-cmp/cmp"

	"tocsin/internal/apitest"
	"tocsin/internal/dynamotest"
	"tocsin/internal/function"
	"tocsin/internal/statuspage"
)

const ruleMade = 1700000000 // 20 seconds into a minute

// newNoDataRule makes a monitor and a rule that fires after two minutes without data.
func newNoDataRule(t *testing.T, tb *dynamotest.Table, tag string) {
	t.Helper()
	store := tb.Store(nil)
	if _, err := store.CreateMonitor(t.Context(), statuspage.NewMonitor(tag, tag), ruleMade, nil); err != nil {
		t.Fatal(err)
	}
	_, err := store.CreateAlertRule(t.Context(), statuspage.NewAlertRule{
		Condition: statuspage.Condition{For: statuspage.AlertNoData, Limit: 2, Failures: 1, Successes: 1},
		Tags:      []string{tag}, Severity: statuspage.Warning, Active: true,
	}, ruleMade, nil)
	if err != nil {
		t.Fatal(err)
	}
}

// logLines decodes the log's lines, without their times.
func logLines(t *testing.T, text string) []map[string]any {
	t.Helper()
	var got []map[string]any
	for line := range strings.Lines(text) {
		var l map[string]any
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		if took, ok := l["durationMs"].(float64); !ok || took < 0 {
			t.Errorf("durationMs %v", l["durationMs"])
		}
		delete(l, "time")
		delete(l, "durationMs")
		got = append(got, l)
	}
	return got
}

// linesOf are the log's lines with the message.
func linesOf(t *testing.T, text, message string) []map[string]any {
	t.Helper()
	return slices.DeleteFunc(logLines(t, text), func(l map[string]any) bool { return l["msg"] != message })
}

// Every run judges the rules at its own time, whatever its event is, and logs one
// line about it.
func TestMinute(t *testing.T) {
	tb := dynamotest.NewTable(t)
	newNoDataRule(t, tb, "a")
	newNoDataRule(t, tb, "b")
	if err := tb.Store(nil).RecordPoint(t.Context(), "b", statuspage.Point{Time: 1700000040, Status: statuspage.StatusUp, Source: statuspage.SourceProbe}, 1700000040); err != nil {
		t.Fatal(err)
	}
	now := int64(ruleMade)
	var log apitest.Log
	h, err := function.NewWith(function.Minute, tb.Getenv(nil), function.Options{
		Now: func() time.Time { return time.Unix(now, 0) }, Log: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "id-1"})
	//lint:ignore SA1029 aws-lambda-go has this key
	ctx = context.WithValue(ctx, "x-amzn-trace-id", "Root=1-2-3;Sampled=0")
	line := func(level string, opened, resolved float64, cold bool) map[string]any {
		return map[string]any{"service": "minute", "lambdaRequestId": "id-1", "traceId": "1-2-3", "coldStart": cold, "level": level, "msg": "missing data", "rules": 2.0, "monitors": 2.0, "opened": opened, "resolved": resolved}
	}
	for _, tt := range []struct {
		name  string
		event string
		now   int64
		want  map[string]any
	}{
		{"too early", `{}`, 1699999980 + 3*60 - 1, line("DEBUG", 0, 0, true)},
		{"two whole minutes after a's rule", ``, 1699999980 + 3*60, line("INFO", 1, 0, false)},
		{"again", `null`, 1699999980 + 3*60, line("DEBUG", 0, 0, false)},
		{"two whole minutes after b's point", `not JSON`, 1700000040 + 3*60, line("INFO", 1, 0, false)},
	} {
		before := len(log.String())
		now = tt.now
		if out, err := h.Invoke(ctx, []byte(tt.event)); err != nil || string(out) != "null" {
			t.Errorf("%s: %s, %v", tt.name, out, err)
		}
		if diff := cmp.Diff([]map[string]any{tt.want}, linesOf(t, log.String()[before:], "missing data")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	if err := tb.Store(nil).RecordPoint(t.Context(), "a", statuspage.Point{Time: now - 60, Status: statuspage.StatusDown, Source: statuspage.SourceProbe}, now); err != nil {
		t.Fatal(err)
	}
	before := len(log.String())
	if _, err := h.Invoke(ctx, nil); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]map[string]any{line("INFO", 0, 1, false)}, linesOf(t, log.String()[before:], "missing data")); diff != "" {
		t.Errorf("data again (-want +got):\n%s", diff)
	}
}

// Every run makes the occurrences that are due at its own time, and logs one line about it.
func TestMinuteMakesOccurrences(t *testing.T) {
	tb := dynamotest.NewTable(t)
	const daily = "FREQ=DAILY"
	_, err := tb.Store(nil).CreateMaintenance(t.Context(), statuspage.NewMaintenance{
		Title: "Backup", Schedule: statuspage.Schedule{Start: 1700000040, Rule: daily, Duration: 3600},
	}, ruleMade, nil)
	if err != nil {
		t.Fatal(err)
	}
	now := int64(ruleMade)
	var log apitest.Log
	h, err := function.NewWith(function.Minute, tb.Getenv(nil), function.Options{
		Now: func() time.Time { return time.Unix(now, 0) }, Log: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	const day = 24 * 3600
	for _, tt := range []struct {
		name  string
		now   int64
		level string
		due   float64
		made  float64
	}{
		{"ten are ahead", ruleMade, "DEBUG", 0, 0},
		{"one begins", 1700000040, "INFO", 1, 1},
		{"again", 1700000040, "DEBUG", 0, 0},
		{"a month later", 1700000040 + 30*day, "INFO", 1, 30},
	} {
		before := len(log.String())
		now = tt.now
		if out, err := h.Invoke(t.Context(), nil); err != nil || string(out) != "null" {
			t.Errorf("%s: %s, %v", tt.name, out, err)
		}
		want := map[string]any{"service": "minute", "coldStart": before == 0, "level": tt.level, "msg": "maintenances", "due": tt.due, "made": tt.made}
		if diff := cmp.Diff([]map[string]any{want}, linesOf(t, log.String()[before:], "maintenances")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// A run that can't do its work fails, and says why in its line.
func TestMinuteFailure(t *testing.T) {
	tb := dynamotest.NewTable(t)
	newNoDataRule(t, tb, "a")
	var c refusal
	c.refuse.Store(true)
	var log apitest.Log
	h, err := function.NewWith(function.Minute, tb.Getenv(nil), function.Options{HTTPClient: &c, Log: slog.New(slog.NewJSONHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		prepare func()
		schema  int32 // calls for the schema so far
	}{
		{"the schema can't be read", func() {}, 2},
		{"the rules can't be read", func() {
			c.refuse.Store(false)
			if _, err := h.Invoke(t.Context(), nil); err != nil {
				t.Errorf("while DynamoDB answers: %v", err)
			}
			c.refuse.Store(true)
		}, 4}, // the table is new: it was marked as ours
	} {
		tt.prepare()
		before := len(log.String())
		out, err := h.Invoke(t.Context(), nil)
		jobs := []string{"missing data: ", "\nmaintenances: ", "\nheartbeats: ", "\nsignals: "}
		if err == nil || out != nil || strings.Count(err.Error(), "refused by the test") != len(jobs) ||
			slices.ContainsFunc(jobs, func(name string) bool { return !strings.Contains("\n"+err.Error(), name) }) {
			t.Errorf("%s: %s, %v", tt.name, out, err)
		}
		lines := logLines(t, log.String()[before:])
		if len(lines) != len(jobs) {
			t.Errorf("%s: log %v", tt.name, lines)
		}
		for _, l := range lines {
			if l["level"] != "ERROR" || !strings.Contains(l["cause"].(string), "refused by the test") {
				t.Errorf("%s: log %v", tt.name, lines)
			}
		}
		if n := c.schema.Load(); n != tt.schema {
			t.Errorf("%s: the schema was asked for %d times, want %d", tt.name, n, tt.schema)
		}
	}
}
