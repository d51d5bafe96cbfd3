package api_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"tocsin/internal/dynamotest"
	"tocsin/internal/function"
	"tocsin/internal/statuspage"
)

// lambdas is the service without a network in front: its functions, which are
// called with events, and a table with an incident, comments and monitors in it.
type lambdas struct {
	table    *dynamotest.Table
	handlers map[string]lambda.Handler
	key      string // an API key with every scope
	log      *watchedLog

	// What is in the table. The texts have a mark that only data has.
	incident, comment int64
}

const dataMark = "only for those with a key"

// testKey is the same in every process: the fuzzer keeps inputs with the key in them.
var testKey = "kener_" + strings.Repeat("5eed", 16)

var functionNames = []string{function.Incidents, function.Comments, function.Monitors, function.Settings, function.Edge}

func newLambdas(tb testing.TB, o function.Options) *lambdas {
	tb.Helper()
	l := &lambdas{table: dynamotest.NewTable(tb), handlers: map[string]lambda.Handler{}, key: testKey}
	tb.Cleanup(func() { l.table.CheckKinds(tb) })
	l.log = &watchedLog{secrets: []string{statuspage.HashSecret(l.key)}}
	o.Log = slog.New(slog.NewJSONHandler(l.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	for _, name := range functionNames {
		h, err := function.NewWith(name, l.table.Getenv(nil), o)
		if err != nil {
			tb.Fatal(err)
		}
		l.handlers[name] = h
	}
	ctx, now, store := context.Background(), int64(1700000000), l.table.Store(nil)
	check := func(err error) {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
	}
	_, err := store.CreateAPIKey(ctx, l.key, statuspage.NewAPIKey{Name: "test", Scopes: statuspage.Scopes()}, now, nil)
	check(err)
	for _, tag := range []string{"earth", "mars"} {
		_, err = store.CreateMonitor(ctx, statuspage.Monitor{Tag: tag, Name: dataMark, ConfirmationThreshold: 1}, now, nil)
		check(err)
	}
	for n := range int64(4) {
		i, err := store.CreateIncident(ctx, statuspage.NewIncident{
			Title: dataMark, Start: 600 * (n / 2), Source: statuspage.SourceAPI, // two at each time
			Monitors: []statuspage.MonitorImpact{{Tag: "earth", Impact: statuspage.Down}},
		}, now, nil)
		check(err)
		c, err := store.CreateComment(ctx, i.ID, statuspage.NewComment{Text: dataMark, Time: 600, State: statuspage.Identified}, now, nil)
		check(err)
		l.incident, l.comment = i.ID, c.ID
		_, err = store.CreateMaintenance(ctx, statuspage.NewMaintenance{ // of the incident's id, and so is its occurrence
			Title: dataMark, Schedule: statuspage.Schedule{Start: 1700003580 + 60*n, Rule: "FREQ=MINUTELY;COUNT=1", Duration: 600},
			Monitors: []statuspage.MonitorImpact{{Tag: "earth", Impact: statuspage.Down}},
		}, now, nil)
		check(err)
	}
	return l
}

// withAlerts makes a rule that many points bring into question, with an alert that is
// on and its incident.
func (l *lambdas) withAlerts(tb testing.TB) *lambdas {
	tb.Helper()
	ctx, now, store := context.Background(), int64(1700000000), l.table.Store(nil)
	_, err := store.CreateAlertRule(ctx, statuspage.NewAlertRule{
		Condition: statuspage.Condition{For: statuspage.AlertStatus, Status: statuspage.StatusDown, Failures: 1, Successes: 1},
		Tags:      []string{"earth", "mars"}, Severity: statuspage.Critical, CreateIncident: true, Description: new(dataMark), Active: true,
	}, now, nil)
	if err == nil {
		err = store.RecordPoint(ctx, "earth", statuspage.Point{Time: 1699999980, Status: statuspage.StatusDown, Source: statuspage.SourceProbe}, now)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

// watchedLog is a log that remembers the last lines, and whether there was ever a
// secret or a panic in it.
type watchedLog struct {
	mu       sync.Mutex
	secrets  []string // beside every API key
	text     bytes.Buffer
	leaked   string
	panicked string
	panics   int
}

const watchedLogSize = 1 << 20

// Every API key begins so, and nothing else in a log does.
const keyMark = "kener_"

func (w *watchedLog) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	in := func(text string) bool { return bytes.Contains(line, []byte(text)) }
	if in(keyMark) || slices.ContainsFunc(w.secrets, in) {
		w.leaked = string(line)
	}
	if in("panic: ") { // as package lambdahttp says it
		w.panicked = string(line)
		w.panics++
	}
	if w.text.Len() > watchedLogSize {
		w.text.Reset()
	}
	return w.text.Write(line)
}

func (w *watchedLog) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// leak returns a line with a secret in it, "" when there was none.
func (w *watchedLog) leak() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.leaked
}

// panicLine returns the last line that tells of a panic, "" when there was none, and
// how many there were.
func (w *watchedLog) panicLine() (string, int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.panicked, w.panics
}

// A request is what an event is made of.
type request struct {
	function     string // "" is the one whose route the path is
	method, path string // the path as the gateway delivers it, decoded
	query        string
	header       map[string]string
	cookies      []string
	body         string
	isBase64     bool
	noKey        bool
	key          string // not l.key but this one, which may lack a scope or be revoked
}

func (r request) hasHeader(name string) bool {
	for n := range r.header {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

// A reply is a function's answer.
type reply struct {
	Status int
	Header map[string]string
	Body   string
}

const eventRequestID = "request-1"

func (l *lambdas) event(r request) ([]byte, error) {
	e := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: "$default", RawPath: r.path, RawQueryString: r.query, Cookies: r.cookies,
		Headers: map[string]string{}, Body: r.body, IsBase64Encoded: r.isBase64,
	}
	if !r.noKey {
		e.Headers["authorization"] = "Bearer " + cmp.Or(r.key, l.key)
	}
	maps.Copy(e.Headers, r.header)
	e.RequestContext.RequestID = eventRequestID
	e.RequestContext.DomainName = "api.example.com"
	e.RequestContext.HTTP.Method = r.method
	e.RequestContext.HTTP.Path = r.path
	return json.Marshal(e)
}

// call sends the request to its function, with as much time as a function has.
func (l *lambdas) call(ctx context.Context, r request) (reply, error) {
	payload, err := l.event(r)
	if err != nil {
		return reply{}, err
	}
	if r.function == "" {
		r.function = functionOf(r.path)
	}
	ctx, cancel := context.WithTimeout(ctx, 25*time.Second)
	defer cancel()
	out, err := l.handlers[r.function].Invoke(ctx, payload)
	if err != nil {
		return reply{}, err
	}
	var response events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal(out, &response); err != nil {
		return reply{}, err
	}
	if response.IsBase64Encoded && response.Headers["Content-Encoding"] == "gzip" {
		body, err := base64.StdEncoding.DecodeString(response.Body)
		if err != nil {
			return reply{}, err
		}
		response.Body, response.IsBase64Encoded = string(body), false
	}
	if response.IsBase64Encoded || len(response.Cookies) > 0 || len(out) > 6<<20 {
		return reply{}, fmt.Errorf("odd response of %d bytes: %+v", len(out), response)
	}
	return reply{response.StatusCode, response.Headers, response.Body}, nil
}

// routePattern is the route that a path is on, "" for none.
func routePattern(path string) string {
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	if path == "/healthcheck" {
		return path
	}
	if pattern := legacyPattern(path); pattern != "" {
		return pattern
	}
	if !strings.HasPrefix(path, "/") || len(segments) < 3 || len(segments) > 6 || segments[0] != "api" || segments[1] != "v4" {
		return ""
	}
	for _, s := range segments {
		if s == "" || s == "." || s == ".." {
			return ""
		}
	}
	pattern := "/api/v4/" + segments[2]
	if len(segments) == 4 && segments[2] == "maintenances" && segments[3] == "events" {
		return pattern + "/events"
	}
	for i, s := range segments[3:] {
		switch i {
		case 1:
			pattern += "/" + s
		default:
			pattern += "/{}"
		}
	}
	if _, ok := wrappers[pattern]; !ok {
		return ""
	}
	return pattern
}

var legacyPaths = regexp.MustCompile(`^/api/(?:status|incident(?:/[^/]+(?:/(?:status|comment))?)?)$`)

// legacyPattern is the route of the legacy API that a path is on, "" for none.
func legacyPattern(path string) string {
	segments := strings.Split(path, "/")
	if !legacyPaths.MatchString(path) || len(segments) > 3 && (segments[3] == "." || segments[3] == "..") {
		return ""
	}
	if len(segments) > 3 {
		segments[3] = "{}"
	}
	return strings.Join(segments, "/")
}

// wrappers is what wraps the answer to each method of each route.
var wrappers = map[string]map[string]string{
	"/healthcheck":                      {"GET": "status"},
	"/api/v4/incidents":                 {"GET": "incidents", "POST": "incident"},
	"/api/v4/incidents/{}":              {"GET": "incident", "PATCH": "incident", "DELETE": "message"},
	"/api/v4/incidents/{}/comments":     {"GET": "comments", "POST": "comment"},
	"/api/v4/incidents/{}/comments/{}":  {"GET": "comment", "PATCH": "comment", "DELETE": "message"},
	"/api/v4/maintenances":              {"GET": "maintenances", "POST": "maintenance"},
	"/api/v4/maintenances/{}":           {"GET": "maintenance", "PATCH": "maintenance", "DELETE": "message"},
	"/api/v4/maintenances/events":       nil,
	"/api/v4/maintenances/{}/events":    nil,
	"/api/v4/maintenances/{}/events/{}": {"GET": "event", "PATCH": "event", "DELETE": "message"},
	"/api/v4/monitors":                  {"GET": "monitors", "POST": "monitor"},
	"/api/v4/monitors/{}":               {"GET": "monitor", "PATCH": "monitor", "DELETE": "message"},
	"/api/v4/monitors/{}/data":          nil, // these bodies are left to the OpenAPI document
	"/api/v4/monitors/{}/data/{}":       nil,
	"/api/v4/monitors/{}/uptime":        nil,
	"/api/v4/status":                    nil,
	"/api/v4/alert-rules":               {"GET": "alert_rules", "POST": "alert_rule"},
	"/api/v4/alert-rules/{}":            {"GET": "alert_rule", "PATCH": "alert_rule", "DELETE": "message"},
	"/api/v4/alerts":                    {"GET": "alerts"},
	"/api/v4/alerts/{}":                 {"GET": "alert"},
	"/api/v4/pages":                     {"GET": "pages", "POST": "page"},
	"/api/v4/pages/{}":                  {"GET": "page", "PATCH": "page", "DELETE": "message"},
	"/api/v4/site":                      nil,
	"/api/v4/site/{}":                   nil,
}

// functionOf is the function that the gateway calls for the path.
func functionOf(path string) string {
	switch pattern := routePattern(path); {
	case pattern == "/api/incident/{}/comment":
		return function.Comments
	case strings.HasPrefix(pattern, "/api/incident"):
		return function.Incidents
	case pattern == "/api/status":
		return function.Monitors
	case strings.HasSuffix(pattern, "/comments"), strings.HasSuffix(pattern, "/comments/{}"):
		return function.Comments
	case strings.HasPrefix(pattern, "/api/v4/incidents"), strings.HasPrefix(pattern, "/api/v4/maintenances"):
		return function.Incidents
	case strings.HasPrefix(pattern, "/api/v4/monitors"), strings.HasPrefix(pattern, "/api/v4/alert"), pattern == "/api/v4/status":
		return function.Monitors
	case strings.HasSuffix(pattern, "/integrations/{}/signals"), strings.HasSuffix(pattern, "/integrations/{}/test"):
		return function.Inbound
	case strings.HasPrefix(pattern, "/api/v4/pages"), strings.HasPrefix(pattern, "/api/v4/site"), strings.HasPrefix(pattern, "/api/v4/integrations"):
		return function.Settings
	}
	return function.Edge
}

// recordKeys are the keys of the records, in order, without those that an incident or a
// maintenance has only when they were set.
var recordKeys = map[string]string{
	"incident":    "id title start_date_time end_date_time state incident_type incident_source monitors created_at updated_at url",
	"maintenance": "id title description start_date_time rrule duration_seconds status monitors created_at updated_at url",
	"event":       "id maintenance_id start_date_time end_date_time status created_at updated_at url",
	"comment":     "id incident_id comment timestamp state created_at updated_at",
	"monitor": "id tag name description image cron default_status status category_name monitor_type down_trigger degraded_trigger type_data " +
		"day_degraded_minimum_count day_down_minimum_count include_degraded_in_downtime created_at updated_at is_hidden monitor_settings_json " +
		"external_url confirmation_threshold",
	"alert_rule": "id alert_for alert_value monitor_tags failure_threshold success_threshold severity create_incident description is_active created_at updated_at",
	"page":       "id page_path page_title page_header page_subheader page_logo page_settings monitors created_at updated_at",
	"alert":      "id alert_rule_id monitor_tag alert_for alert_value severity alert_status incident_id created_at updated_at resolved_at",
}

var errorCodes = map[int]string{
	http.StatusBadRequest: "BAD_REQUEST", http.StatusUnauthorized: "UNAUTHORIZED", http.StatusForbidden: "FORBIDDEN", http.StatusNotFound: "NOT_FOUND",
	http.StatusMethodNotAllowed: "METHOD_NOT_ALLOWED", http.StatusConflict: "IDEMPOTENCY_CONFLICT", http.StatusPreconditionFailed: "PRECONDITION_FAILED",
	http.StatusRequestEntityTooLarge: "PAYLOAD_TOO_LARGE", http.StatusUnprocessableEntity: "IDEMPOTENCY_KEY_REUSED",
}

// mayBe reports whether such a request can be answered with the status at all.
func (r request) mayBe(status int) bool {
	switch status {
	case http.StatusForbidden:
		return r.key != ""
	case http.StatusConflict, http.StatusUnprocessableEntity:
		return strings.EqualFold(r.method, http.MethodPost) && r.hasHeader("idempotency-key")
	case http.StatusPreconditionFailed:
		return r.hasHeader("if-match")
	case http.StatusOK, http.StatusCreated:
		return true
	}
	return errorCodes[status] != ""
}

// What is there for everyone, beside the health check. These are no records: their
// text is tested elsewhere.
var publicPages = map[string]bool{"/openapi.json": true, "/docs": true}

// try sends the request and returns what is wrong with its answer, whatever the
// request was: no function fails or panics, every answer has the contract's shape,
// nobody gets data without a key, and no secret gets into the log.
func (l *lambdas) try(ctx context.Context, r request) (reply, error) {
	r.path = statuspage.ValidText(r.path) // an event is JSON and can carry no other
	a, err := l.call(ctx, r)
	if err == nil {
		err = l.wrong(r, a)
	}
	if err == nil {
		err = l.described(r, a)
	}
	if line := l.log.leak(); err == nil && line != "" {
		err = fmt.Errorf("a secret is in the log: %s", line)
	}
	if line, n := l.log.panicLine(); err == nil && n > 0 {
		err = fmt.Errorf("a panic is in the log: %s", line)
	}
	if err != nil {
		err = fmt.Errorf("%w\nrequest: %.2000q\nanswer: %.2000q", err, fmt.Sprintf("%+v", r), fmt.Sprintf("%+v", a))
	}
	return a, err
}

// wrong says how the answer to the request is not as documented. Every answer to a
// request that was made up goes through here.
func (l *lambdas) wrong(r request, a reply) error {
	own := r.function == "" || r.function == functionOf(r.path)
	public := own && (r.path == "/healthcheck" || publicPages[r.path])
	if a.Header["X-Request-Id"] != eventRequestID {
		return fmt.Errorf("x-request-id %q", a.Header["X-Request-Id"])
	}
	if a.Status == http.StatusPermanentRedirect {
		if len(a.Header) != 2 || a.Body != "" || !strings.HasSuffix(r.path, "/") || strings.HasSuffix(r.path, "//") {
			return fmt.Errorf("redirected")
		}
		to, err := url.Parse(a.Header["Location"])
		if err != nil || to.IsAbs() || to.Host != "" || to.Path+"/" != r.path {
			return fmt.Errorf("redirected to %q", a.Header["Location"])
		}
		return nil
	}
	if own && publicPages[r.path] && (a.Status == http.StatusOK || a.Status == http.StatusNotModified) && !strings.Contains(a.Body, dataMark) {
		return nil
	}
	if a.Header["Content-Type"] != "application/json" || a.Header["Cache-Control"] != "no-store" {
		return fmt.Errorf("headers %v", a.Header)
	}
	if r.noKey && !public && a.Status != http.StatusUnauthorized {
		return fmt.Errorf("without a key: %d", a.Status)
	}
	if r.noKey && strings.Contains(a.Body, dataMark) {
		return fmt.Errorf("data without a key")
	}
	success := a.Status == http.StatusOK || a.Status == http.StatusCreated
	if !r.mayBe(a.Status) {
		return fmt.Errorf("status %d", a.Status)
	}
	if success && !own {
		return fmt.Errorf("a function answers another's route")
	}
	// The adapter turns methods into upper case.
	method := strings.ToUpper(r.method)
	if method == http.MethodHead { // which a function answers as GET
		method = http.MethodGet
	}
	pattern := routePattern(r.path)
	if own && legacyPattern(r.path) != "" {
		return wrongLegacy(method, pattern, a)
	}
	if keys, _, err := topLevel(a.Body); err == nil && a.Status == http.StatusBadRequest && pattern == "/api/v4/status" && strings.Join(keys, " ") == "results error" {
		if errorMessage(a) != "No point was accepted" {
			return fmt.Errorf("body of the error")
		}
		return nil
	}
	if !success {
		want, err := json.Marshal(map[string]any{"error": map[string]string{"code": errorCodes[a.Status], "message": errorMessage(a)}})
		if err != nil || errorMessage(a) == "" || !sameJSON(a.Body, string(want)) {
			return fmt.Errorf("body of the error")
		}
		return nil
	}
	if strings.HasPrefix(r.path, "/api/v4/keys") || wrappers[pattern] == nil {
		_, _, err := topLevel(a.Body)
		return err
	}
	if wantCreated := method == http.MethodPost; (a.Status == http.StatusCreated) != wantCreated {
		return fmt.Errorf("status %d", a.Status)
	}
	return wrongBody(wrappers[pattern][method], a.Body)
}

// wrongLegacy says what is wrong with the body of an answer of the legacy API: it is
// 200 whatever was done, and an error is flat.
func wrongLegacy(method, pattern string, a reply) error {
	if a.Status == http.StatusOK && method == http.MethodGet && (pattern == "/api/incident" || strings.HasSuffix(pattern, "/comment")) {
		if !strings.HasPrefix(a.Body, "[") || !json.Valid([]byte(a.Body)) {
			return fmt.Errorf("no list")
		}
		return nil
	}
	keys, _, err := topLevel(a.Body)
	want := "error"
	switch {
	case err != nil || a.Status == http.StatusCreated:
		return fmt.Errorf("status %d, %v", a.Status, err)
	case a.Status == http.StatusOK:
		return nil
	case a.Status == http.StatusBadRequest && method == http.MethodPost && pattern == "/api/status":
		want = "error status"
	}
	if strings.Join(keys, " ") != want {
		return fmt.Errorf("body of the error")
	}
	return nil
}

func errorMessage(a reply) string {
	var body struct {
		Error struct{ Code, Message string }
	}
	if json.Unmarshal([]byte(a.Body), &body) != nil {
		return ""
	}
	return body.Error.Message
}

// wrongBody says what is wrong with the body of a success, which has one key
// around it.
func wrongBody(wrapper, body string) error {
	keys, values, err := topLevel(body)
	if err != nil {
		return err
	}
	list := recordKeys[strings.TrimSuffix(wrapper, "s")] != "" && strings.HasSuffix(wrapper, "s")
	if list && len(keys) == 2 && keys[1] == "next_cursor" {
		keys = keys[:1]
	}
	if len(keys) != 1 || keys[0] != wrapper || wrapper == "" {
		return fmt.Errorf("keys %q, want %q", keys, wrapper)
	}
	want, isRecord := recordKeys[strings.TrimSuffix(wrapper, "s")]
	records := values
	switch {
	case list:
		if err := json.Unmarshal([]byte(values[0]), &records); err != nil || records == nil {
			return fmt.Errorf("%s is no list: %v", wrapper, err)
		}
		want = strings.Replace(want, " incident_type", "", 1)
	case !isRecord:
		return nil
	}
	for _, record := range records {
		keys, _, err := topLevel(string(record))
		if err != nil {
			return err
		}
		if got := strings.NewReplacer(" auto_close_after", "", " time_zone", "").Replace(strings.Join(keys, " ")); got != want {
			return fmt.Errorf("a record has the keys %q, want %q", got, want)
		}
	}
	return nil
}

// topLevel returns the keys of a JSON object in order, and their values.
func topLevel(text string) ([]string, []json.RawMessage, error) {
	if !json.Valid([]byte(text)) {
		return nil, nil, fmt.Errorf("not JSON")
	}
	dec := json.NewDecoder(strings.NewReader(text))
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return nil, nil, fmt.Errorf("no object")
	}
	var keys []string
	var values []json.RawMessage
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, nil, err
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, nil, err
		}
		keys, values = append(keys, key.(string)), append(values, value)
	}
	return keys, values, nil
}

// sameJSON reports whether the texts are the same JSON, whatever the escapes.
func sameJSON(a, b string) bool {
	normal := func(s string) (string, bool) {
		var v any
		if json.Unmarshal([]byte(s), &v) != nil {
			return "", false
		}
		out, err := json.Marshal(v)
		return string(out), err == nil
	}
	x, ok := normal(a)
	y, ok2 := normal(b)
	return ok && ok2 && x == y
}

// recordedRequests returns requests that clients of Kener have sent, to both of
// its APIs.
func recordedRequests(tb testing.TB, l *lambdas) []request {
	tb.Helper()
	var all []request
	for _, name := range []string{"testdata/recorded.jsonl", "testdata/recorded-maintenances.jsonl", "testdata/legacy.jsonl"} {
		file, err := os.Open(name)
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, readRequests(tb, l, file)...)
		file.Close()
	}
	return all
}

func readRequests(tb testing.TB, l *lambdas, file io.Reader) []request {
	tb.Helper()
	variable := regexp.MustCompile(`\{\w+\}`)
	var requests []request
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var line struct {
			Request struct {
				Method, Template string
				Headers          map[string]string
				Body             json.RawMessage
				BodyText         string `json:"body_text"`
			}
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			tb.Fatal(err)
		}
		path, query, _ := strings.Cut(variable.ReplaceAllString(line.Request.Template, strconv.FormatInt(l.incident, 10)), "?")
		if decoded, err := url.PathUnescape(path); err == nil {
			path = decoded
		}
		r := request{method: line.Request.Method, path: path, query: query, header: map[string]string{}, body: string(line.Request.Body)}
		if r.body == "" {
			r.body = line.Request.BodyText
		}
		for name, value := range line.Request.Headers {
			if value = strings.NewReplacer("$KENER_API_KEY", l.key, "$LEGACY_KEY", l.key).Replace(value); name != "Authorization" || value != "Bearer "+l.key {
				r.header[strings.ToLower(name)] = value
			}
		}
		if _, ok := r.header["authorization"]; ok {
			r.noKey = !strings.Contains(r.header["authorization"], l.key)
		}
		requests = append(requests, r)
	}
	if err := lines.Err(); err != nil || len(requests) == 0 {
		tb.Fatalf("%d recorded requests, %v", len(requests), err)
	}
	return requests
}

// nested is JSON of so many arrays in each other.
func nested(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }

// oddBodies are bodies that are not what a client should send, or only just.
var oddBodies = []string{
	"", " ", "null", "true", "0", `""`, "[]", "[[]]", "{}", " {} ", "{", "}", "{}{}", `{"title"`, `{"title":}`, "\ufeff{}", "\ufeff", "\x00", "{\"title\":\"\xff\"}",
	`{"title":null,"start_date_time":null,"monitors":null,"comment":null,"timestamp":null,"state":null,"tag":null,"name":null,"type_data":null}`,
	`{"title":"a","title":"b","start_date_time":60,"start_date_time":"x"}`, `{"TITLE":"a","Start_Date_Time":60}`,
	`{"title":"` + strings.Repeat("a", 256) + `","start_date_time":60}`, `{"title":"` + strings.Repeat("🔥", 128) + `","start_date_time":60}`,
	`{"title":"` + strings.Repeat(`\u00e9`, 255) + `","start_date_time":60}`, `{"title":"\u0000\ud800\udc00\ud800","start_date_time":60}`,
	`{"title":"a","start_date_time":1e308}`, `{"title":"a","start_date_time":1e400}`, `{"title":"a","start_date_time":` + strings.Repeat("9", 40) + `}`,
	`{"title":"a","start_date_time":60,"end_date_time":0}`, `{"title":"a","start_date_time":253402300799.5}`, `{"title":"a","start_date_time":-0}`,
	`{"title":"a","start_date_time":60,"monitors":[{"monitor_tag":"earth"},{"monitor_tag":"earth","impact":"UP"},{"monitor_tag":"mars","impact":"MAINTENANCE"}]}`,
	`{"title":"a","start_date_time":60,"monitors":[{"monitor_tag":"EARTH%00"}]}`, `{"title":"a","start_date_time":60,"monitors":` + nested(9000) + `}`,
	`{"title":"a","start_date_time":60,"monitors":[{"monitor_tag":"` + strings.Repeat("x", 5000) + `"}]}`, `{"end_date_time":null}`, `{"monitors":[]}`,
	`{"comment":"c","state":"RESOLVED","timestamp":0}`, `{"comment":"c","state":"RESOLVED"}`, `{"comment":"c","state":"IDENTIFIED","timestamp":253402300799}`,
	`{"comment":"` + strings.Repeat("€", 65536) + `","state":"MONITORING"}`, `{"comment":"` + strings.Repeat("a", 65537) + `","state":"MONITORING"}`,
	`{"comment":"c","state":"resolved"}`, `{"comment":"c","state":["RESOLVED"]}`,
	`{"tag":"a-b_c","name":"n","type_data":{"a":1e308,"b":{"c":[1,{"d":null}]},"\ud800":2},"monitor_settings_json":{}}`, `{"tag":"A","name":"n"}`,
	`{"tag":"` + strings.Repeat("a", 257) + `","name":"n"}`, `{"tag":" earth ","name":"n"}`, `{"tag":"x","name":"n","confirmation_threshold":"0x10"}`,
	`{"tag":"y","name":"n","confirmation_threshold":1e400}`, `{"name":"` + strings.Repeat("a", 65000) + `"}`, `{"description":"` + strings.Repeat("a", 65537) + `"}`,
	`{"tag":"w","name":"n","status":"INACTIVE","default_status":"NO_DATA","monitor_type":"NONE","is_hidden":true,"include_degraded_in_downtime":false,"image":"/i","external_url":"HTTPS://a"}`,
	`{"status":"INACTIVE"}`, `{"status":"ACTIVE","is_hidden":false,"include_degraded_in_downtime":"YES"}`, `{"status":"active"}`, `{"is_hidden":1}`, `{"image":"//a"}`, `{"external_url":"javascript:a"}`, `{"external_url":"/\\ta"}`,
	`{"tag":"z","name":"n","type_data":{"a":` + nested(9000) + `}}`, `{"type_data":{"` + strings.Repeat("k", 60000) + `":1}}`,
	`{"title":"a","start_date_time":60,"rrule":"FREQ=DAILY;COUNT=1","duration_seconds":60.5,"description":"","time_zone":"Europe/Berlin","monitors":[{"monitor_tag":"mars","impact":false}]}`,
	`{"title":"a","start_date_time":1700000000,"rrule":"freq=weekly;bYdAy=MO,-1FR","duration_seconds":1e-9,"time_zone":null}`, `{"rrule":"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30","status":"INACTIVE"}`,
	`{"rrule":"FREQ=HOURLY;INTERVAL=5","duration_seconds":31622400,"start_date_time":1600000000}`, `{"status":"CANCELLED"}`, `{"start_date_time":1700000000,"end_date_time":1700009999.9}`,
	`{"title":"a","start_date_time":253402300740,"rrule":"FREQ=DAILY","duration_seconds":60}`, `{"rrule":"FREQ=DAILY;` + strings.Repeat("COUNT=9;", 120) + `COUNT=9"}`, `{"time_zone":"../x"}`,
	`{"alert_for":"STATUS","alert_value":"DOWN","monitor_tags":["earth","earth"],"failure_threshold":1.0,"x":1}`, `{"alert_for":"LATENCY","alert_value":5e-324,"monitor_tags":["mars"]}`,
	`{"alert_for":"UPTIME","alert_value":1e400,"monitor_tags":["mars"]}`, `{"alert_for":"NO_DATA","alert_value":43200,"monitor_tags":[{"monitor_tag":"mars"}],"failure_threshold":60.5}`,
	`{"alert_value":-0}`, `{"alert_for":"STATUS"}`, `{"monitor_tags":["` + strings.Repeat("x", 5000) + `","EARTH%00"]}`, `{"description":"` + strings.Repeat("🔥", 513) + `"}`,
	`{"deep":` + nested(20000) + `}`, nested(20000), strings.Repeat(`{"a":`, 20000),
	`{"title":"a","start_date_time":60,"x":"` + strings.Repeat("a", 256*1024) + `"}`, strings.Repeat(" ", 256*1024-2) + "{}", strings.Repeat(" ", 256*1024-1) + "{}",
}

// FuzzEvent sends whole events to each function, also those that its gateway would
// not send it.
func FuzzEvent(f *testing.F) {
	l := newLambdas(f, function.Options{}).withAlerts(f)
	functions := []string{"", function.Incidents, function.Comments, function.Monitors, function.Edge, function.Settings}
	add := func(r request, functions ...int) {
		for _, n := range functions {
			name, value := "accept", "*/*"
			for name, value = range r.header {
				break
			}
			f.Add(uint8(n), !r.noKey, r.method, r.path, r.query, name, value, r.body, r.isBase64)
		}
	}
	for _, path := range []string{
		"", "/", "//", "/api", "/api/", "/api/v4", "/api/v4/", "/API/V4/incidents", "/api/v4/incidents", "/api/v4/incidents/", "/api/v4//incidents", "//api/v4/incidents",
		"/api/v4/incidents/../incidents", "/api/v4/./incidents", "/api/v4/incidents/..", "/healthcheck/../api/v4/incidents", "/healthcheck", "/healthcheck/", "/healthcheck/x", "/api/v4/incidents/4/comments/4",
		"/api/v4/incidents/4/comments/4/", "/api/v4/incidents/4%2Fcomments", "/api/v4/incidents/4?x", "/api/v4/incidents/4#x", "/api/v4/%69ncidents", "/api/v4/incidents%00", "/api/v4/monitors/earth",
		"/api/v4/monitors/100%", "/api/v4/monitors/a b", "/api/v4/monitors/🔥/", "/api/v4/alert-rules", "/api/v4/alert-rules/1", "/api/v4/alerts", "/api/v4/alerts/1/", "/api/v4/alerts/x", "api/v4/incidents", "/api/status", "/api/status/", "/api/incident", "/api/incident/", "/api/incident//", "/api/incident/1", "/api/incident/1/status", "/api/incident/1/comment",
		"/api/incident/1/comment/", "/api/incident/../incident", "/api/incident/1/nothing", "/API/incident", "/api/incident/0x1", "/api/incident/%00", "http://evil.example/api/v4/incidents", "/api/v4/incidents\\4", "*",
	} {
		add(request{method: "GET", path: path}, 0, 1, 2, 3, 4)
		add(request{method: "GET", path: path, noKey: true, header: map[string]string{"X-API-Key": l.key}}, 0, 1, 2, 3, 4)
		add(request{method: "HEAD", path: path}, 0)
		add(request{method: "OPTIONS", path: path, noKey: true}, 0)
	}
	for _, method := range []string{"PUT", "TRACE", "CONNECT", "get", "pAtCh", "GE T", "\x00", "日本"} {
		add(request{method: method, path: "/api/v4/incidents/4"}, 0, 4)
		add(request{method: method, path: "/healthcheck", noKey: true}, 0, 1)
	}
	for _, r := range recordedRequests(f, l) {
		add(r, 0)
	}
	f.Fuzz(func(t *testing.T, n uint8, key bool, method, path, query, name, value, body string, isBase64 bool) {
		if method == "" {
			return // no gateway makes an event without a method, see package lambdahttp
		}
		r := request{
			function: functions[int(n)%len(functions)], method: method, path: path, query: query,
			header: map[string]string{name: value}, cookies: []string{value}, body: body, isBase64: isBase64, noKey: !key,
		}
		if strings.EqualFold(name, "authorization") && key {
			r.noKey = !strings.Contains(value, l.key)
			if !r.noKey {
				delete(r.header, name) // may be well-formed or not: tested elsewhere
			}
		}
		if r.path == "" || r.path[0] != '/' {
			r.path = "/" + r.path
		}
		if _, err := l.try(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	})
}
