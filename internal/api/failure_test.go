package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	gocmp "github.com/google/go-cmp/cmp"

	"tocsin/internal/apilegacy"
	"tocsin/internal/apiv4"
	"tocsin/internal/dynamo"
	"tocsin/internal/dynamotest"
	"tocsin/internal/function"
	"tocsin/internal/lambdahttp"
	"tocsin/internal/statuspage"
	"tocsin/internal/web"
)

const (
	unavailableBody = `{"error":{"code":"SERVICE_UNAVAILABLE","message":"Service unavailable, try again"}}`
	internalBody    = `{"error":{"code":"INTERNAL_ERROR","message":"Internal server error"}}`
)

// everyRoute is a request to each route of a table withAlerts, in order, all of which need the table.
func (l *lambdas) everyRoute() []request {
	incident := fmt.Sprintf("/api/v4/incidents/%d", l.incident)
	comment := fmt.Sprintf("%s/comments/%d", incident, l.comment)
	return []request{
		{method: "GET", path: "/api/v4/incidents"},
		{method: "GET", path: "/api/v4/incidents", query: "monitor_tags=earth&status=open"},
		{method: "GET", path: incident},
		{method: "GET", path: incident + "/comments"},
		{method: "GET", path: comment},
		{method: "GET", path: "/api/v4/monitors"},
		{method: "GET", path: "/api/v4/monitors/earth"},
		{method: "POST", path: "/api/v4/incidents", body: `{"title":"t","start_date_time":600,"monitors":[{"monitor_tag":"mars"}]}`},
		{method: "PATCH", path: incident, body: `{"title":"t"}`},
		{method: "PATCH", path: incident, body: `{"start_date_time":600,"monitors":[{"monitor_tag":"mars"}]}`},
		{method: "POST", path: incident + "/comments", body: `{"comment":"c","state":"RESOLVED"}`},
		{method: "PATCH", path: comment, body: `{"comment":"c"}`},
		{method: "DELETE", path: comment},
		{method: "POST", path: "/api/v4/monitors", body: `{"tag":"new","name":"n"}`},
		{method: "PATCH", path: "/api/v4/monitors/earth", body: `{"name":"n"}`},
		{method: "POST", path: "/api/v4/alert-rules", body: `{"alert_for":"NO_DATA","alert_value":5,"monitor_tags":["mars"]}`},
		{method: "PATCH", path: "/api/v4/alert-rules/1", body: `{"alert_value":"DEGRADED","monitor_tags":["mars"]}`},
		{method: "GET", path: "/api/v4/alert-rules"},
		{method: "GET", path: "/api/v4/alert-rules/1"},
		{method: "GET", path: "/api/v4/alerts"},
		{method: "GET", path: "/api/v4/alerts", query: "monitor_tag=earth"},
		{method: "GET", path: "/api/v4/alerts/1"},
		{method: "DELETE", path: "/api/v4/alert-rules/1"},
		{method: "DELETE", path: "/api/v4/monitors/earth"},
		{method: "DELETE", path: incident},
		{method: "GET", path: "/api/incident"},
		{method: "GET", path: "/api/incident/1"},
		{method: "GET", path: "/api/incident/1/comment"},
		{method: "GET", path: "/api/status", query: "tag=earth"},
		{method: "POST", path: "/api/incident", body: `{"title":"t","tags":["mars"],"body":"b"}`},
		{method: "PATCH", path: "/api/incident/1", body: `{"title":"t","tags":["mars"],"body":"b"}`},
		{method: "POST", path: "/api/incident/1/status", body: `{"isResolved":true}`},
		{method: "POST", path: "/api/incident/1/comment", body: `{"body":"b"}`},
		{method: "POST", path: "/api/status", body: `{"status":"UP","latency":1,"tag":"earth"}`},
	}
}

// asShown is the body of an error, which is flat on a path of the legacy API.
func asShown(path, body string) string {
	var e struct{ Error struct{ Message string } }
	if legacyPattern(path) == "" || json.Unmarshal([]byte(body), &e) != nil {
		return body
	}
	return flat(e.Error.Message)
}

func isWrite(r request) bool { return r.method != "GET" }

// warm makes every function remember the key and the table's version, so that what
// fails afterwards is what the route itself needs.
func (l *lambdas) warm(t testing.TB) {
	t.Helper()
	for _, path := range []string{"/api/v4/incidents", fmt.Sprintf("/api/v4/incidents/%d/comments", l.incident), "/api/v4/monitors", "/nothing"} {
		if a, err := l.call(t.Context(), request{method: "GET", path: path}); err != nil || a.Status >= 500 {
			t.Fatalf("GET %s: %+v, %v", path, a, err)
		}
	}
}

// records returns what is in the table but counters, which may run ahead, and when a key
// was last used: that note may come late.
func (l *lambdas) records(t *testing.T) []map[string]string {
	t.Helper()
	var records []map[string]string
	for _, item := range l.table.Items(t) {
		if item["pk"] != "SYSTEM" {
			delete(item, "last_used")
			records = append(records, item)
		}
	}
	return records
}

// A failureLine is the log line of a request that failed.
type failureLine struct {
	Level, RequestID, Method, Route, Cause string
	Status                                 int
}

func failureLines(t *testing.T, text string) []failureLine {
	t.Helper()
	var lines []failureLine
	for line := range strings.Lines(text) {
		var l failureLine
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("log line %q: %v", line, err)
		}
		if l.Status >= 500 {
			lines = append(lines, l)
		}
	}
	return lines
}

// allAtOnce sends the requests at once, with so much time each, and looks at the
// answers: all have the status and the body, in time, and the log has a line for
// each with its cause, of which the client sees nothing.
func (l *lambdas) allAtOnce(t *testing.T, requests []request, timeout time.Duration, status int, body, cause string) {
	t.Helper()
	before := len(l.log.String())
	var g sync.WaitGroup
	for _, r := range requests {
		g.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			defer cancel()
			a, err := l.call(ctx, r)
			if err != nil {
				t.Errorf("%s %s: %v", r.method, r.path, err)
				return
			}
			if ctx.Err() != nil {
				t.Errorf("%s %s was answered after its function's deadline", r.method, r.path)
			}
			want := reply{status, map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store", "X-Request-Id": eventRequestID}, asShown(r.path, body)}
			if status == http.StatusServiceUnavailable {
				want.Header["Retry-After"] = "1"
			}
			if diff := gocmp.Diff(want, a); diff != "" {
				t.Errorf("%s %s %s (-want +got):\n%s", r.method, r.path, r.body, diff)
			}
		})
	}
	g.Wait()
	lines := failureLines(t, l.log.String()[before:])
	if len(lines) != len(requests) {
		t.Errorf("%d log lines of failed requests, want %d", len(lines), len(requests))
	}
	for _, line := range lines {
		if line.Level != "ERROR" || line.RequestID != eventRequestID || line.Status != status || line.Route == "" || !strings.Contains(line.Cause, cause) {
			t.Errorf("log line %+v, want the cause %q", line, cause)
		}
	}
	if line := l.log.leak(); line != "" {
		t.Errorf("a secret is in the log: %s", line)
	}
}

// DynamoDB refuses every call for as long as a function has time.
func TestThrottledForEver(t *testing.T) {
	t.Parallel()
	var on atomic.Bool
	l := newLambdas(t, function.Options{HTTPClient: &dynamotest.Client{Inject: dynamotest.While(&on, dynamotest.Throttle.Applies, dynamotest.Throttle)}})
	l.withAlerts(t)
	l.warm(t)
	before := l.records(t)
	on.Store(true)
	// Eight tries with pauses of half a second at most.
	l.allAtOnce(t, l.everyRoute(), 8*time.Second, http.StatusServiceUnavailable, unavailableBody, "ProvisionedThroughputExceededException")
	// A function that has no time for them says so in time.
	l.allAtOnce(t, l.everyRoute(), 1200*time.Millisecond, http.StatusServiceUnavailable, unavailableBody, "")
	if diff := gocmp.Diff(before, l.records(t)); diff != "" {
		t.Errorf("the table was changed (-before +after):\n%s", diff)
	}
	on.Store(false)
	l.warm(t)
}

// With no memory of the key a throttled table is no reason to call the key bad.
func TestThrottledKey(t *testing.T) {
	t.Parallel()
	var on atomic.Bool
	l := newLambdas(t, function.Options{HTTPClient: &dynamotest.Client{Inject: dynamotest.While(&on, dynamotest.Reads("APIKEY#"), dynamotest.Throttle)}})
	on.Store(true)
	l.allAtOnce(t, []request{
		{method: "GET", path: "/api/v4/incidents"}, {method: "PUT", path: "/api/v4/monitors"},
	}, 8*time.Second, http.StatusServiceUnavailable, unavailableBody, "ProvisionedThroughputExceededException")
	on.Store(false)
	if a, err := l.try(t.Context(), request{method: "GET", path: "/api/v4/incidents"}); err != nil || a.Status != http.StatusOK {
		t.Errorf("afterwards: %+v, %v", a, err)
	}
}

// Other transactions are in the way for as long as a function has time.
func TestConflictsForEver(t *testing.T) {
	t.Parallel()
	var on atomic.Bool
	l := newLambdas(t, function.Options{HTTPClient: &dynamotest.Client{Inject: dynamotest.While(&on, dynamotest.Conflict.Applies, dynamotest.Conflict)}})
	l.withAlerts(t)
	l.warm(t)
	before := l.records(t)
	on.Store(true)
	var writes, reads []request
	for _, r := range l.everyRoute() {
		if isWrite(r) {
			writes = append(writes, r)
		} else {
			reads = append(reads, r)
		}
	}
	l.allAtOnce(t, writes, 3*time.Second, http.StatusServiceUnavailable, unavailableBody, "Transact")
	if diff := gocmp.Diff(before, l.records(t)); diff != "" {
		t.Errorf("the table was changed (-before +after):\n%s", diff)
	}
	for _, r := range reads {
		if a, err := l.try(t.Context(), r); err != nil || a.Status != http.StatusOK {
			t.Errorf("%s %s: %+v, %v", r.method, r.path, a, err)
		}
	}
}

// refusing is an aws.HTTPClient that gives DynamoDB's answer to calls while on is
// true.
type refusing struct {
	on     atomic.Bool
	answer func(*http.Request) (*http.Response, error)
	next   dynamotest.Client
}

func (c *refusing) Do(r *http.Request) (*http.Response, error) {
	if !c.on.Load() {
		return c.next.Do(r)
	}
	return c.answer(r)
}

const dynamoRequestID = "DYNAMODBREQUESTID0123456789"

// refusedWith is an error of DynamoDB's. Its message says what nobody outside must
// see.
func refusedWith(status int, code string) func(*http.Request) (*http.Response, error) {
	text := fmt.Sprintf(`{"__type":"com.amazonaws.dynamodb.v20120810#%s","message":"arn:aws:dynamodb:eu-central-1:123456789012:table/secret"}`, code)
	return func(*http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: status, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}, "X-Amzn-Requestid": {dynamoRequestID}},
			Body: io.NopCloser(strings.NewReader(text)), ContentLength: int64(len(text)),
		}, nil
	}
}

// What is neither throttling nor a conflict is answered 500, with nothing of the
// cause, which is in the log with DynamoDB's request id.
func TestOtherFailures(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		answer func(*http.Request) (*http.Response, error)
		causes []string
	}{
		{"validation", refusedWith(http.StatusBadRequest, "ValidationException"), []string{"ValidationException", dynamoRequestID}},
		{"access denied", refusedWith(http.StatusBadRequest, "AccessDeniedException"), []string{"AccessDeniedException", dynamoRequestID}},
		{"no table", refusedWith(http.StatusBadRequest, "ResourceNotFoundException"), []string{"ResourceNotFoundException", dynamoRequestID}},
		{"bad signature", refusedWith(http.StatusBadRequest, "UnrecognizedClientException"), []string{"UnrecognizedClientException", dynamoRequestID}},
		{"internal", refusedWith(http.StatusInternalServerError, "InternalServerError"), []string{"InternalServerError", dynamoRequestID}},
		{"no JSON", func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("<html>"))}, nil
		}, []string{"deserialization failed"}},
		{"no address", func(*http.Request) (*http.Response, error) { return nil, errors.New("no such host") }, []string{"no such host"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client := &refusing{answer: tt.answer}
			l := newLambdas(t, function.Options{HTTPClient: client})
			l.withAlerts(t)
			l.warm(t)
			before := l.records(t)
			client.on.Store(true)
			for _, cause := range tt.causes {
				l.allAtOnce(t, l.everyRoute(), 8*time.Second, http.StatusInternalServerError, internalBody, cause)
			}
			if diff := gocmp.Diff(before, l.records(t)); diff != "" {
				t.Errorf("the table was changed (-before +after):\n%s", diff)
			}
		})
	}
}

// A DynamoDB that does not answer is given up in time to say so.
func TestNoAnswerFromDynamoDB(t *testing.T) {
	t.Parallel()
	client := &refusing{answer: func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}}
	l := newLambdas(t, function.Options{HTTPClient: client})
	l.withAlerts(t)
	l.warm(t)
	client.on.Store(true)
	l.allAtOnce(t, l.everyRoute(), 2*time.Second, http.StatusServiceUnavailable, unavailableBody, "deadline exceeded")
}

// A deletion stands although what is left of it can't be removed at once; the log
// says so under the request's id.
func TestDeletionIsLeftToTheCleanup(t *testing.T) {
	t.Parallel()
	var on atomic.Bool
	l := newLambdas(t, function.Options{HTTPClient: &dynamotest.Client{Inject: dynamotest.While(&on, dynamotest.Deletes("COMMENT#"), dynamotest.Throttle)}})
	on.Store(true)
	path := fmt.Sprintf("/api/v4/incidents/%d", l.incident)
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
	defer cancel()
	if a, err := l.try(ctx, request{method: "DELETE", path: path}); err != nil || a.Status != http.StatusOK || ctx.Err() != nil {
		t.Errorf("DELETE %s: %+v, %v, %v", path, a, err, ctx.Err())
	}
	var warned bool
	for line := range strings.Lines(l.log.String()) {
		var w struct{ Level, Cause, RequestID string }
		if err := json.Unmarshal([]byte(line), &w); err != nil {
			t.Fatal(err)
		}
		warned = warned || w.Level == "WARN" && w.RequestID == eventRequestID && strings.Contains(w.Cause, "ProvisionedThroughputExceededException")
	}
	if !warned {
		t.Errorf("no warning in the log: %s", l.log)
	}
	on.Store(false)
	for _, p := range []string{path, path + "/comments", fmt.Sprintf("%s/comments/%d", path, l.comment)} {
		if a, err := l.try(t.Context(), request{method: "GET", path: p}); err != nil || a.Status != http.StatusNotFound {
			t.Errorf("GET %s: %+v, %v", p, a, err)
		}
	}
	if finished, err := l.table.Store(nil).Cleanup(t.Context(), 1700000000); err != nil || finished != 1 {
		t.Errorf("the cleanup finished %d, %v", finished, err)
	}
}

// brokenStore is a real store but for one call.
type brokenStore struct {
	*dynamo.Store
	incident func() (statuspage.Incident, error)
}

func (s brokenStore) Incident(context.Context, int64) (statuspage.Incident, error) {
	return s.incident()
}

func (s brokenStore) LegacyIncident(context.Context, int64) (statuspage.LegacyIncident, error) {
	i, err := s.incident()
	return statuspage.LegacyIncident{Incident: i}, err
}

func TestBrokenStore(t *testing.T) {
	l := newLambdas(t, function.Options{})
	for _, tt := range []struct {
		name     string
		incident func() (statuspage.Incident, error)
		cause    []string
	}{
		{"panic", func() (statuspage.Incident, error) { panic("index out of order") }, []string{"panic: index out of order", "failure_test.go"}},
		{"an error of no code", func() (statuspage.Incident, error) {
			return statuspage.Incident{}, &statuspage.Error{Message: "hidden"}
		}, []string{"hidden"}},
		{"an error of an unknown code", func() (statuspage.Incident, error) {
			return statuspage.Incident{}, &statuspage.Error{Code: "TEAPOT", Message: "hidden"}
		}, []string{"hidden"}},
		{"an internal one with a cause", func() (statuspage.Incident, error) {
			return statuspage.Incident{}, fmt.Errorf("get: %w", errors.New("item without a title"))
		}, []string{"get: item without a title"}},
	} {
		for path, route := range map[string]string{"/api/v4/incidents/1": "GET /api/v4/incidents/{incident_id}", "/api/incident/1": "GET /api/incident/{incidentNumber}"} {
			t.Run(tt.name+" "+path, func(t *testing.T) {
				log := &watchedLog{secrets: []string{l.key}}
				store := brokenStore{l.table.Store(nil), tt.incident}
				routes := slices.Concat(apiv4.Incidents(store), apilegacy.Incidents(store))
				h := lambdahttp.New(web.New(web.Incidents, web.Config{Store: store, Now: time.Now}, routes),
					web.InternalError(), slog.New(slog.NewJSONHandler(log, nil)))
				payload, err := l.event(request{method: "GET", path: path})
				if err != nil {
					t.Fatal(err)
				}
				out, err := h.Invoke(t.Context(), payload)
				if err != nil {
					t.Fatal(err)
				}
				var got events.APIGatewayV2HTTPResponse
				if err := json.Unmarshal(out, &got); err != nil {
					t.Fatal(err)
				}
				want := reply{http.StatusInternalServerError, map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store", "X-Request-Id": eventRequestID}, asShown(path, internalBody)}
				if diff := gocmp.Diff(want, reply{got.StatusCode, got.Headers, got.Body}); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				lines := failureLines(t, log.String())
				if len(lines) != 1 || lines[0].Level != "ERROR" || lines[0].Route != route {
					t.Fatalf("log: %s", log)
				}
				for _, part := range tt.cause {
					if !strings.Contains(lines[0].Cause, part) {
						t.Errorf("the cause %q does not say %q", lines[0].Cause, part)
					}
				}
				if line := log.leak(); line != "" {
					t.Errorf("a secret is in the log: %s", line)
				}
			})
		}
	}
}
