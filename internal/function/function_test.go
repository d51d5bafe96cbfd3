package function_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"tocsin/internal/apitest"
	"tocsin/internal/dynamotest"
	"tocsin/internal/function"
	"tocsin/internal/statuspage"
)

func TestMain(m *testing.M) { dynamotest.Main(m) }

// names are those that answer HTTP.
var names = []string{function.Incidents, function.Comments, function.Monitors, function.Edge}

// paths has a route of each function.
var paths = map[string]string{
	function.Incidents: "/api/v4/incidents",
	function.Comments:  "/api/v4/incidents/1/comments",
	function.Monitors:  "/api/v4/monitors",
	function.Edge:      "/api/v4/nothing",
}

const failure = `{"error":{"code":"INTERNAL_ERROR","message":"Internal server error"}}`

func get(t *testing.T, h lambda.Handler, path, key string) events.APIGatewayV2HTTPResponse {
	t.Helper()
	return invoke(t, h, http.MethodGet, path, key)
}

// invoke sends an event with a key, if it is not empty, and more headers: pairs of a name
// and a value.
func invoke(t *testing.T, h lambda.Handler, method, path, key string, headers ...string) events.APIGatewayV2HTTPResponse {
	t.Helper()
	e := events.APIGatewayV2HTTPRequest{Headers: map[string]string{}}
	e.RawPath, e.RawQueryString, _ = strings.Cut(path, "?")
	for i := 0; i < len(headers); i += 2 {
		e.Headers[headers[i]] = headers[i+1]
	}
	if key != "" {
		e.Headers["authorization"] = "Bearer " + key
	}
	e.RequestContext.HTTP.Method = method
	e.RequestContext.RequestID = "id-1"
	e.RequestContext.DomainName = "api.example.com"
	payload, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	out, err := h.Invoke(t.Context(), payload)
	if err != nil {
		t.Fatal(err)
	}
	var response events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal(out, &response); err != nil {
		t.Fatal(err)
	}
	return response
}

func newKey(t *testing.T, tb *dynamotest.Table) string {
	t.Helper()
	secret := statuspage.NewSecret()
	n := statuspage.NewAPIKey{Name: "test", Scopes: statuspage.Scopes()}
	if _, err := tb.Store(nil).CreateAPIKey(t.Context(), secret, n, time.Now().Unix(), nil); err != nil {
		t.Fatal(err)
	}
	return secret
}

// refusal is an aws.HTTPClient that refuses calls, as DynamoDB does a bad one, for
// as long as refuse is true, and keeps the last call.
type refusal struct {
	refuse atomic.Bool
	next   dynamotest.Client
	schema atomic.Int32 // calls for the table's schema version

	mu   sync.Mutex
	last *http.Request
}

func (c *refusal) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	c.mu.Lock()
	c.last = r
	c.mu.Unlock()
	if bytes.Contains(body, []byte(`"SCHEMA"`)) {
		c.schema.Add(1)
	}
	if !c.refuse.Load() {
		return c.next.Do(r)
	}
	const text = `{"__type":"com.amazon.coral.validate#ValidationException","message":"refused by the test"}`
	return &http.Response{
		StatusCode: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body: io.NopCloser(strings.NewReader(text)), ContentLength: int64(len(text)),
	}, nil
}

func TestNewErrors(t *testing.T) {
	for _, tt := range []struct {
		name, function string
		env            map[string]string
		want           string
	}{
		{"no name", "", nil, `no function is called ""`},
		{"unknown name", "pages", nil, `no function is called "pages"`},
		{"case counts", "Incidents", nil, `no function is called "Incidents"`},
		{"no table", function.Incidents, map[string]string{"TABLE_NAME": ""}, "TABLE_NAME must name the table"},
		{"no retention", function.Monitors, map[string]string{"RETENTION_DAYS": "29"}, `RETENTION_DAYS must be a number of days from 30 to 800, not "29"`},
		{"too long a retention", function.Monitors, map[string]string{"RETENTION_DAYS": "801"}, `RETENTION_DAYS must be a number of days from 30 to 800, not "801"`},
		{"a retention of no days", function.Monitors, map[string]string{"RETENTION_DAYS": "30d"}, `RETENTION_DAYS must be a number of days from 30 to 800, not "30d"`},
		{"bad level", function.Edge, map[string]string{"LOG_LEVEL": "LOUD"}, `LOG_LEVEL "LOUD" is none of DEBUG, INFO, WARN, ERROR`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			getenv := (&dynamotest.Table{Name: "none", Endpoint: "http://127.0.0.1:1"}).Getenv(tt.env)
			h, err := function.New(tt.function, getenv)
			if err == nil || !strings.Contains(err.Error(), tt.want) || h != nil {
				t.Errorf("New = %v, %v, want an error with %q", h, err, tt.want)
			}
		})
	}
}

// Each function serves its own routes, and any other path as one that does not exist.
func TestRoutes(t *testing.T) {
	tb := dynamotest.NewTable(t)
	key := newKey(t, tb)
	for _, name := range names {
		h, err := function.NewWith(name, tb.Getenv(nil), function.Options{Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		for of, path := range paths {
			want := `{"error":{"code":"NOT_FOUND","message":"No API route matches '` + path + `'"}}`
			if of == name {
				want = map[string]string{
					function.Incidents: `{"incidents":[]}`,
					function.Comments:  `{"error":{"code":"NOT_FOUND","message":"Incident with id '1' not found"}}`,
					function.Monitors:  `{"monitors":[]}`,
					function.Edge:      want,
				}[name]
			}
			if got := get(t, h, path, key); got.Body != want {
				t.Errorf("%s: GET %s: %d %s, want %s", name, path, got.StatusCode, got.Body, want)
			}
			if got := get(t, h, path, ""); got.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s: GET %s without a key: %d %s", name, path, got.StatusCode, got.Body)
			}
		}
	}
}

func TestEndpoint(t *testing.T) {
	for _, tt := range []struct {
		name string
		env  map[string]string
		want string
	}{
		{"AWS's own", nil, "https://dynamodb.eu-central-1.amazonaws.com"},
		{"for all services", map[string]string{"AWS_ENDPOINT_URL": "http://all.example:1"}, "http://all.example:1"},
		{"for DynamoDB", map[string]string{"AWS_ENDPOINT_URL": "http://all.example:1", "AWS_ENDPOINT_URL_DYNAMODB": "http://db.example:2"},
			"http://db.example:2"},
		{"ours", map[string]string{
			"AWS_ENDPOINT_URL": "http://all.example:1", "AWS_ENDPOINT_URL_DYNAMODB": "http://db.example:2", "DYNAMODB_ENDPOINT": "http://ours.example:3",
		}, "http://ours.example:3"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env := map[string]string{
				"TABLE_NAME": "table-1", "AWS_REGION": "eu-central-1",
				"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "SECRET", "AWS_SESSION_TOKEN": "TOKEN",
			}
			for k, v := range tt.env {
				env[k] = v
			}
			var c refusal
			c.refuse.Store(true)
			var log apitest.Log
			_, err := function.NewWith(function.Incidents, func(name string) string { return env[name] },
				function.Options{HTTPClient: &c, Log: slog.New(slog.NewJSONHandler(&log, nil))})
			if err != nil {
				t.Fatal(err)
			}
			if c.last == nil {
				t.Fatal("DynamoDB was not called")
			}
			if got := c.last.URL.Scheme + "://" + c.last.URL.Host; got != tt.want {
				t.Errorf("the call went to %s, want %s", got, tt.want)
			}
			signature := c.last.Header.Get("Authorization")
			if !strings.Contains(signature, "Credential=AKID/") || !strings.Contains(signature, "/eu-central-1/dynamodb/") {
				t.Errorf("signed %s", signature)
			}
			if got := c.last.Header.Get("X-Amz-Security-Token"); got != "TOKEN" {
				t.Errorf("session token %q, want TOKEN", got)
			}
			if text := log.String(); !strings.Contains(text, "refused by the test") || strings.Contains(text, "SECRET") || strings.Contains(text, "TOKEN") {
				t.Errorf("log: %s", text)
			}
		})
	}
}

func TestSiteURL(t *testing.T) {
	tb := dynamotest.NewTable(t)
	key := newKey(t, tb)
	i, err := tb.Store(nil).CreateIncident(t.Context(), statuspage.NewIncident{Title: "t", Source: statuspage.SourceAPI}, 1700000000, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ site, want string }{
		{"", "https://api.example.com/incidents/1"},
		{"https://status.example.com", "https://status.example.com/incidents/1"},
		{"https://status.example.com/base//", "https://status.example.com/base/incidents/1"},
	} {
		h, err := function.NewWith(function.Incidents, tb.Getenv(map[string]string{"SITE_URL": tt.site}),
			function.Options{Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		var body struct {
			Incident struct {
				ID  int64
				URL string
			}
		}
		got := get(t, h, "/api/v4/incidents/1", key)
		if err := json.Unmarshal([]byte(got.Body), &body); err != nil || body.Incident.ID != i.ID || body.Incident.URL != tt.want {
			t.Errorf("site %q: %s, want url %s", tt.site, got.Body, tt.want)
		}
	}
}

// The clock of the options is the one that the answers' times are from.
func TestNow(t *testing.T) {
	tb := dynamotest.NewTable(t)
	key := newKey(t, tb)
	h, err := function.NewWith(function.Monitors, tb.Getenv(nil), function.Options{
		Now: func() time.Time { return time.Unix(1700000000, 999) }, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	e := events.APIGatewayV2HTTPRequest{RawPath: "/api/v4/monitors", Headers: map[string]string{"authorization": "Bearer " + key}, Body: `{"tag":"a","name":"A"}`}
	e.RequestContext.HTTP.Method = http.MethodPost
	payload, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	out, err := h.Invoke(t.Context(), payload)
	if err != nil || !bytes.Contains(out, []byte(`2023-11-14T22:13:20.000Z`)) {
		t.Errorf("answered %s, %v", out, err)
	}
}

// A table of another layout is never read: every request fails, but the one that
// needs no table.
func TestSchemaOfAnotherVersion(t *testing.T) {
	tb := dynamotest.NewTable(t)
	key := newKey(t, tb)
	_, err := tb.DynamoDB(nil).PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &tb.Name, Item: map[string]types.AttributeValue{
		"pk": &types.AttributeValueMemberS{Value: "SYSTEM"}, "sk": &types.AttributeValueMemberS{Value: "SCHEMA"},
		"version": &types.AttributeValueMemberN{Value: "999"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			var log apitest.Log
			h, err := function.NewWith(name, tb.Getenv(nil), function.Options{Log: slog.New(slog.NewJSONHandler(&log, nil))})
			if err != nil {
				t.Fatal(err)
			}
			if text := log.String(); !strings.Contains(text, "the table is not ready") || !strings.Contains(text, "schema version 999") {
				t.Errorf("log at the start: %s", text)
			}
			before := len(log.String())
			got := get(t, h, paths[name], key)
			if got.StatusCode != http.StatusInternalServerError || got.Body != failure {
				t.Errorf("GET %s: %d %s, want 500 %s", paths[name], got.StatusCode, got.Body, failure)
			}
			if text := log.String()[before:]; !strings.Contains(text, "schema version 999") || !strings.Contains(text, `"level":"ERROR"`) || strings.Contains(text, key) {
				t.Errorf("log of the request: %s", text)
			}
			if got := get(t, h, paths[name], ""); got.StatusCode != http.StatusUnauthorized {
				t.Errorf("GET %s without a key: %d %s, want 401: the table is not asked yet", paths[name], got.StatusCode, got.Body)
			}
			if name == function.Edge {
				if got := get(t, h, "/healthcheck", ""); got.StatusCode != http.StatusOK || got.Body != `{"status":"ok"}` {
					t.Errorf("GET /healthcheck: %d %s", got.StatusCode, got.Body)
				}
			}
		})
	}
}

// A check that failed at the start is repeated until it passes, and not after.
func TestSchemaCheckIsRepeated(t *testing.T) {
	tb := dynamotest.NewTable(t)
	key := newKey(t, tb)
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			var c refusal
			c.refuse.Store(true)
			h, err := function.NewWith(name, tb.Getenv(nil), function.Options{HTTPClient: &c, Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			if got := get(t, h, paths[name], key); got.StatusCode != http.StatusInternalServerError || got.Body != failure {
				t.Errorf("while DynamoDB refuses: %d %s", got.StatusCode, got.Body)
			}
			if n := c.schema.Load(); n != 2 {
				t.Errorf("the schema was asked for %d times until then, want 2", n)
			}
			c.refuse.Store(false)
			for range 3 {
				if got := get(t, h, paths[name], key); got.StatusCode >= http.StatusInternalServerError {
					t.Errorf("afterwards: %d %s", got.StatusCode, got.Body)
				}
			}
			after := c.schema.Load()
			get(t, h, paths[name], key)
			if n := c.schema.Load(); n != after || n < 3 {
				t.Errorf("the schema was asked for %d times, then %d: it is known by then", after, n)
			}
		})
	}
}

// Every function marks an empty table as theirs.
func TestSchemaOfAnEmptyTable(t *testing.T) {
	for _, name := range append(names, function.Minute) {
		tb := dynamotest.NewTable(t)
		if _, err := function.NewWith(name, tb.Getenv(nil), function.Options{Log: slog.New(slog.DiscardHandler)}); err != nil {
			t.Fatal(err)
		}
		want := []map[string]string{{"pk": "SYSTEM", "sk": "SCHEMA", "version": "1"}}
		if diff := cmp.Diff(want, tb.Items(t)); diff != "" {
			t.Errorf("%s: items (-want +got):\n%s", name, diff)
		}
	}
}

// withStderr returns what f writes to the standard error.
func withStderr(t *testing.T, f func()) string {
	t.Helper()
	file, err := os.CreateTemp(t.TempDir(), "stderr")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	old := os.Stderr
	os.Stderr = file
	defer func() { os.Stderr = old }()
	f()
	text, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The log is one JSON object a line, with the names of Lambda's JSON format.
func TestLog(t *testing.T) {
	tb := dynamotest.NewTable(t)
	text := withStderr(t, func() {
		h, err := function.New(function.Edge, tb.Getenv(map[string]string{"LOG_LEVEL": ""}))
		if err != nil {
			t.Fatal(err)
		}
		get(t, h, "/healthcheck", "")
		get(t, h, "/nothing", "")
	})
	var got []map[string]any
	for line := range strings.Lines(text) {
		var l map[string]any
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		if at, err := time.Parse(time.RFC3339, l["timestamp"].(string)); err != nil || time.Since(at) > time.Minute {
			t.Errorf("timestamp %v", l["timestamp"])
		}
		if _, ok := l["durationMs"].(float64); !ok {
			t.Errorf("durationMs %v", l["durationMs"])
		}
		delete(l, "timestamp")
		delete(l, "durationMs")
		got = append(got, l)
	}
	want := []map[string]any{
		{"level": "INFO", "message": "request", "service": "edge", "requestId": "id-1", "method": "GET", "route": "GET /healthcheck", "status": 200.0, "coldStart": true},
		{"level": "INFO", "message": "request", "service": "edge", "requestId": "id-1", "method": "GET", "route": "", "status": 401.0, "coldStart": false},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLogLevel(t *testing.T) {
	tb := dynamotest.NewTable(t)
	for _, tt := range []struct {
		level string
		lines int
	}{{"DEBUG", 1}, {"INFO", 1}, {"WARN", 0}, {"ERROR", 0}} {
		text := withStderr(t, func() {
			h, err := function.New(function.Edge, tb.Getenv(map[string]string{"LOG_LEVEL": tt.level}))
			if err != nil {
				t.Fatal(err)
			}
			get(t, h, "/healthcheck", "")
		})
		if n := strings.Count(text, "\n"); n != tt.lines {
			t.Errorf("LOG_LEVEL %s: %d lines, want %d: %s", tt.level, n, tt.lines, text)
		}
	}
}

// A DynamoDB that never answers holds a cold start up for a few seconds at most.
func TestStartDoesNotHang(t *testing.T) {
	began := time.Now()
	var log apitest.Log
	h, err := function.NewWith(function.Edge, func(name string) string { return map[string]string{"TABLE_NAME": "t", "AWS_REGION": "local"}[name] },
		function.Options{HTTPClient: silent{}, Log: slog.New(slog.NewJSONHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the start took %s", took)
	}
	if text := log.String(); !strings.Contains(text, "deadline exceeded") {
		t.Errorf("log: %s", text)
	}
	if got := get(t, h, "/healthcheck", ""); got.StatusCode != http.StatusOK {
		t.Errorf("GET /healthcheck: %d %s", got.StatusCode, got.Body)
	}
	// What needs the table is told to come back, while there is time to tell.
	e := events.APIGatewayV2HTTPRequest{RawPath: "/nothing", Headers: map[string]string{"authorization": "Bearer " + statuspage.NewSecret()}}
	e.RequestContext.HTTP.Method = http.MethodGet
	payload, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	out, err := h.Invoke(ctx, payload)
	if err != nil || ctx.Err() != nil || !bytes.Contains(out, []byte("SERVICE_UNAVAILABLE")) {
		t.Errorf("answered %s, %v; the function's own deadline: %v", out, err, ctx.Err())
	}
}

// silent is an aws.HTTPClient that never answers.
type silent struct{}

func (silent) Do(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// A function answers HEAD with the body that GET would get, so that the gateway, which
// sends it to nobody, says the length of that.
func TestHeadHasTheLengthOfGet(t *testing.T) {
	tb := dynamotest.NewTable(t)
	key := newKey(t, tb)
	for _, tt := range []struct {
		function, path, key, accept string
		status                      int
	}{
		{function.Incidents, "/api/v4/incidents", key, "", 200},
		{function.Incidents, "/api/v4/incidents", "", "", 401},
		{function.Incidents, "/api/v4/incidents/1", key, "", 404},
		{function.Incidents, "/api/incident/1/status", key, "", 405},
		{function.Comments, "/api/incident/x/comment", key, "", 400},
		{function.Monitors, "/api/v4/status", key, "", 405},
		{function.Edge, "/api/v4/nothing", key, "", 404},
		{function.Edge, "/docs", "", "", 200},
		{function.Edge, "/docs", "", "gzip", 200},
	} {
		h, err := function.NewWith(tt.function, tb.Getenv(nil), function.Options{Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		ask := func(method string) events.APIGatewayV2HTTPResponse {
			r := invoke(t, h, method, tt.path, tt.key, "accept-encoding", tt.accept)
			delete(r.Headers, "X-Request-Id")
			return r
		}
		got := ask(http.MethodGet)
		if got.StatusCode != tt.status || got.Body == "" {
			t.Errorf("GET %s: %d %.100q, want %d", tt.path, got.StatusCode, got.Body, tt.status)
		}
		if diff := cmp.Diff(got, ask(http.MethodHead)); diff != "" {
			t.Errorf("%s (-GET +HEAD):\n%.1000s", tt.path, diff)
		}
	}
}
