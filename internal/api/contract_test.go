package api_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/apitest"
	"tocsin/internal/dynamotest"
	"tocsin/internal/statuspage"
)

// clock is a time that only the test moves, in UTC seconds.
type clock struct{ seconds atomic.Int64 }

func (c *clock) now() time.Time { return time.Unix(c.seconds.Load(), 0) }

// testStart is when every test's clock starts, and how the API writes it;
// testMinute is the start of its minute.
const (
	testStart     = 1768471230
	testStartText = "2026-01-15T10:00:30.000Z"
	testMinute    = 1768471200
)

// start runs the service with a clock of the test's own.
func start(t *testing.T) (*apitest.Server, *clock) {
	t.Helper()
	c := &clock{}
	c.seconds.Store(testStart)
	return apitest.New(t, apitest.Options{
		Now: c.now, Parameters: map[string]string{"SiteUrl": "http://localhost:3000"},
	}), c
}

// made is a resource that a test needs, with its id.
func made(t testing.TB, s *apitest.Server, path, body string) int64 {
	t.Helper()
	r := s.Do(http.MethodPost, path, body)
	if r.Status != http.StatusCreated {
		t.Fatalf("POST %s %.200s: %d %.300s", path, body, r.Status, r.Body)
	}
	return idOf(t, r.Body)
}

// idOf returns the id of the one resource in an answer.
func idOf(t testing.TB, body string) int64 {
	t.Helper()
	var envelope map[string]struct{ ID int64 }
	if err := json.Unmarshal([]byte(body), &envelope); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	for _, v := range envelope {
		return v.ID
	}
	t.Fatalf("no resource in %s", body)
	return 0
}

func incidentPath(id int64) string { return "/api/v4/incidents/" + strconv.FormatInt(id, 10) }

// monitorsNamed makes monitors with these tags.
func monitorsNamed(t testing.TB, s *apitest.Server, tags ...string) {
	t.Helper()
	for _, tag := range tags {
		made(t, s, "/api/v4/monitors", fmt.Sprintf(`{"tag":%q,"name":"N"}`, tag))
	}
}

// fail is the body of an error.
func fail(code, message string) string {
	text, err := json.Marshal(message)
	if err != nil {
		panic(err)
	}
	plain := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(text))
	return `{"error":{"code":"` + code + `","message":` + plain + `}}`
}

func badRequest(message string) string { return fail("BAD_REQUEST", message) }

func notFound(message string) string { return fail("NOT_FOUND", message) }

const invalidBody = `{"error":{"code":"BAD_REQUEST","message":"Invalid JSON body"}}`

// incidentText is an incident as GET answers it, made and last changed at the
// test's start. title and monitors are JSON, end too.
func incidentText(id int64, title string, start int64, end, state, monitors string) string {
	return fmt.Sprintf(`{"incident":{"id":%d,"title":%s,"start_date_time":%d,"end_date_time":%s,"state":"%s","incident_type":"INCIDENT",`+
		`"incident_source":"API","monitors":%s,"created_at":"%s","updated_at":"%s","url":"http://localhost:3000/incidents/%d"}}`,
		id, title, start, end, state, monitors, testStartText, testStartText, id)
}

// commentText is a comment, made and last changed at the test's start. text is JSON.
func commentText(id, incident int64, text string, at int64, state string) string {
	return fmt.Sprintf(`{"comment":{"id":%d,"incident_id":%d,"comment":%s,"timestamp":%d,"state":"%s","created_at":"%s","updated_at":"%s"}}`,
		id, incident, text, at, state, testStartText, testStartText)
}

// monitorText is a monitor as it is made when only tag and name are given, with
// fields replaced: pairs of a name and its value in JSON.
func monitorText(id int64, tag, name string, fields ...string) string {
	text := fmt.Sprintf(`{"monitor":{"id":%d,"tag":"%s","name":%s,"description":null,"image":null,"cron":null,"default_status":"UP",`+
		`"status":"ACTIVE","category_name":null,"monitor_type":"API","down_trigger":null,"degraded_trigger":null,"type_data":{},`+
		`"day_degraded_minimum_count":null,"day_down_minimum_count":null,"include_degraded_in_downtime":"NO",`+
		`"created_at":"%s","updated_at":"%s","is_hidden":"NO",`+
		`"monitor_settings_json":{"uptime_formula_numerator":"up + maintenance + degraded","uptime_formula_denominator":"up + down + degraded + maintenance"},`+
		`"external_url":null,"confirmation_threshold":1}}`, id, tag, name, testStartText, testStartText)
	defaults := map[string]string{
		"default_status": `"UP"`, "status": `"ACTIVE"`, "monitor_type": `"API"`, "type_data": `{}`, "include_degraded_in_downtime": `"NO"`,
		"is_hidden": `"NO"`, "confirmation_threshold": `1`,
		"monitor_settings_json": `{"uptime_formula_numerator":"up + maintenance + degraded","uptime_formula_denominator":"up + down + degraded + maintenance"}`,
	}
	for i := 0; i < len(fields); i += 2 {
		old, ok := defaults[fields[i]]
		if !ok {
			old = "null"
		}
		text = strings.Replace(text, `"`+fields[i]+`":`+old, `"`+fields[i]+`":`+fields[i+1], 1)
	}
	return text
}

// An attempt is a request and its whole answer. In path and want, {id} is the
// resource that the table of attempts is about.
type attempt struct {
	name   string
	method string
	path   string
	body   string
	status int
	want   string
}

// attempts sends each request and compares status and body.
func attempts(t *testing.T, s *apitest.Server, id int64, rows []attempt) {
	t.Helper()
	fill := func(text string) string { return strings.ReplaceAll(text, "{id}", strconv.FormatInt(id, 10)) }
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			got := s.Do(row.method, fill(row.path), row.body)
			if diff := cmp.Diff(answer{row.status, fill(row.want)}, answer{got.Status, got.Body}); diff != "" {
				t.Errorf("%s %s %.300s (-want +got):\n%s", row.method, row.path, row.body, diff)
			}
		})
	}
}

// answer is what attempts compares.
type answer struct {
	Status int
	Body   string
}

// refusals is attempts for requests that must not change anything in the table. Ids
// may be drawn.
func refusals(t *testing.T, s *apitest.Server, id int64, rows []attempt) {
	t.Helper()
	before := records(t, s)
	for _, row := range rows {
		if row.status < http.StatusBadRequest {
			t.Fatalf("%s: a refusal with status %d", row.name, row.status)
		}
	}
	attempts(t, s, id, rows)
	if diff := cmp.Diff(before, records(t, s)); diff != "" {
		t.Errorf("refused requests have written (-before +after):\n%s", diff)
	}
}

// records is the table's items but for the counters, by key.
func records(t *testing.T, s *apitest.Server) map[string]map[string]string {
	t.Helper()
	all := map[string]map[string]string{}
	for _, item := range s.Table.Items(t) {
		if !strings.HasPrefix(item["sk"], "COUNTER#") {
			all[item["pk"]+" "+item["sk"]] = item
		}
	}
	return all
}

// withoutTraces leaves out of records what a deletion leaves: the change rows, and
// the note that a monitor's rows are looked for once more.
func withoutTraces(records map[string]map[string]string) map[string]map[string]string {
	maps.DeleteFunc(records, func(key string, it map[string]string) bool {
		return strings.HasPrefix(key, "CHANGES#") || strings.HasPrefix(key, "CLEANUP ") && it["swept"] != ""
	})
	return records
}

func TestFirstErrorIsTheAnswer(t *testing.T) {
	s, _ := start(t)
	id := made(t, s, "/api/v4/incidents", `{"title":"t","start_date_time":600}`)
	reader := s.NewKey(statuspage.NewAPIKey{Name: "reader", Scopes: []statuspage.Scope{statuspage.ScopeIncidentsRead}})
	huge := `{"title":"` + strings.Repeat("a", 300_000)
	unknownTag := `"monitors":[{"monitor_tag":"pluto"}]`
	for _, tt := range []struct {
		name              string
		key, method, path string
		body              string
		status            int
		want              string
	}{
		{"a slash at the end before the key", "", "PUT", "/api/v4/incidents/abc/", huge, 308, ""},
		{"the key before the route", "", "PUT", "/api/v4/nothing", huge, 401, fail("UNAUTHORIZED", "Missing or invalid authorization header")},
		{"the key before the method", "", "PUT", "/api/v4/incidents/abc", huge, 401, fail("UNAUTHORIZED", "Missing or invalid authorization header")},
		{"the key before OPTIONS", "", "OPTIONS", "/api/v4/incidents", "", 401, fail("UNAUTHORIZED", "Missing or invalid authorization header")},
		{"a bad key before the method", "kener_x", "PUT", "/api/v4/incidents/abc", huge, 401, fail("UNAUTHORIZED", "Invalid API key")},
		{"the route before the scope and the body", reader, "PATCH", "/api/v4/nothing", huge, 404, notFound("No API route matches '/api/v4/nothing'")},
		{"the method before the scope and the body", reader, "PUT", "/api/v4/incidents/abc", huge, 405, fail("METHOD_NOT_ALLOWED", "PUT method not allowed")},
		{"the scope before the body", reader, "PATCH", "/api/v4/incidents/abc", huge, 403, fail("FORBIDDEN", "API key lacks the scope 'incidents:write'")},
		{"the size of the body before the id", s.Key, "PATCH", "/api/v4/incidents/abc", huge, 413, fail("PAYLOAD_TOO_LARGE", "The request body must be at most 256 KiB")},
		{"the id before the JSON", s.Key, "PATCH", "/api/v4/incidents/abc", `{`, 400, badRequest("Incident ID must be a valid integer")},
		{"the comment's id before the JSON", s.Key, "PATCH", "/api/v4/incidents/99/comments/abc", `{`, 400, badRequest("Comment ID must be a valid integer")},
		{"the incident's id before the comment's", s.Key, "PATCH", "/api/v4/incidents/x/comments/abc", `{`, 400, badRequest("Incident ID must be a valid integer")},
		{"the JSON before the fields", s.Key, "PATCH", "/api/v4/incidents/99", `{"title":"",}`, 400, invalidBody},
		{"the fields before the row", s.Key, "PATCH", "/api/v4/incidents/99", `{"title":"",` + unknownTag + `}`, 400, badRequest("Title must be a non-empty string")},
		{"the row before unknown monitors", s.Key, "PATCH", "/api/v4/incidents/99", `{"end_date_time":0,` + unknownTag + `}`, 404, notFound("Incident with id '99' not found")},
		{"the row before unknown monitors, for an id that can't be", s.Key, "PATCH", "/api/v4/incidents/0", `{"end_date_time":0,` + unknownTag + `}`, 404, notFound("Incident with id '0' not found")},
		{"unknown monitors before the times", s.Key, "PATCH", incidentPath(id), `{"end_date_time":0,` + unknownTag + `}`, 400, badRequest("Monitor with tag 'pluto' not found")},
		{"unknown monitors before the times, in POST", s.Key, "POST", "/api/v4/incidents", `{"title":"t","start_date_time":600,"end_date_time":0,` + unknownTag + `}`, 400, badRequest("Monitor with tag 'pluto' not found")},
		{"the times at last", s.Key, "PATCH", incidentPath(id), `{"end_date_time":0}`, 400, badRequest("end_date_time must not be before start_date_time")},
		{"the row before a comment's time", s.Key, "POST", "/api/v4/incidents/99/comments", `{"comment":"c","state":"RESOLVED","timestamp":0}`, 404, notFound("Incident with id '99' not found")},
		{"a monitor's fields before its existence", s.Key, "PATCH", "/api/v4/monitors/pluto", `{"name":""}`, 400, badRequest("Name must be a non-empty string")},
		{"a page's fields before its existence", s.Key, "PATCH", "/api/v4/pages/none", `{"page_title":"","monitors":["pluto"]}`, 400, badRequest("page_title must be a non-empty string")},
		{"a page's existence before unknown monitors", s.Key, "PATCH", "/api/v4/pages/none", `{"monitors":["pluto"]}`, 404, notFound("Page with path 'none' not found")},
		{"a setting's key before the JSON", s.Key, "PATCH", "/api/v4/site/sitename", `{`, 404, notFound("Config key 'sitename' is not a valid configuration key")},
		{"a monitor's existence at last", s.Key, "PATCH", "/api/v4/monitors/pluto", `{"name":"n"}`, 404, notFound("Monitor with tag 'pluto' not found")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			header := http.Header{}
			if tt.key != "" {
				header.Set("Authorization", "Bearer "+tt.key)
			}
			before := records(t, s)
			got := s.DoWith(tt.method, tt.path, tt.body, header)
			if diff := cmp.Diff(answer{tt.status, tt.want}, answer{got.Status, got.Body}); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, records(t, s)); diff != "" {
				t.Errorf("a refused request has written (-before +after):\n%s", diff)
			}
		})
	}
}

// everyRoute is every route with a path that exists; {i}, {c}, {r}, {a} stand for ids.
var everyRoute = []struct{ path, allow string }{
	{"/api/v4/incidents", "GET, POST, HEAD"},
	{"/api/v4/incidents/{i}", "GET, PATCH, DELETE, HEAD"},
	{"/api/v4/incidents/{i}/comments", "GET, POST, HEAD"},
	{"/api/v4/incidents/{i}/comments/{c}", "GET, PATCH, DELETE, HEAD"},
	{"/api/v4/monitors", "GET, POST, HEAD"},
	{"/api/v4/monitors/earth", "GET, PATCH, DELETE, HEAD"},
	{"/api/v4/status", "POST"},
	{"/api/v4/alert-rules", "GET, POST, HEAD"},
	{"/api/v4/alert-rules/{r}", "GET, PATCH, DELETE, HEAD"},
	{"/api/v4/alerts", "GET, HEAD"},
	{"/api/v4/alerts/{a}", "GET, HEAD"},
	{"/api/v4/pages", "GET, POST, HEAD"},
	{"/api/v4/pages/~home", "GET, PATCH, DELETE, HEAD"},
	{"/api/v4/site", "GET, HEAD"},
	{"/api/v4/site/siteName", "GET, PATCH, HEAD"},
	{"/api/v4/integrations", "GET, POST, HEAD"},
	{"/api/v4/integrations/1", "GET, PATCH, DELETE, HEAD"},
	{"/api/v4/integrations/1/rotate", "POST"},
	{"/api/v4/integrations/1/deliveries", "GET, HEAD"},
	{"/api/v4/integrations/1/signals", "POST"},
	{"/api/v4/integrations/1/test", "POST"},
	{"/healthcheck", "GET, HEAD"},
	{"/openapi.json", "GET, HEAD"},
	{"/docs", "GET, HEAD"},
}

// routed makes a resource of each kind and returns the routes with their ids.
func routed(t *testing.T, s *apitest.Server) func(path string) string {
	t.Helper()
	monitorsNamed(t, s, "earth")
	i := made(t, s, "/api/v4/incidents", `{"title":"t","start_date_time":600}`)
	c := made(t, s, incidentPath(i)+"/comments", `{"comment":"c","state":"MONITORING"}`)
	r := made(t, s, "/api/v4/alert-rules", `{"alert_for":"STATUS","alert_value":"DOWN","monitor_tags":["earth"]}`)
	if got := s.Do(http.MethodPost, "/api/v4/status", `{"points":[{"monitor_tag":"earth","status":"DOWN"}]}`); got.Status != http.StatusOK {
		t.Fatalf("%d %s", got.Status, got.Body)
	}
	return strings.NewReplacer("{i}", strconv.FormatInt(i, 10), "{c}", strconv.FormatInt(c, 10), "{r}", strconv.FormatInt(r, 10), "{a}", "1").Replace
}

func TestWrongMethodIsTold(t *testing.T) {
	s, _ := start(t)
	path := routed(t, s)
	before := records(t, s)
	for _, route := range everyRoute {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"} {
			if strings.Contains(route.allow, method) {
				continue
			}
			t.Run(method+" "+route.path, func(t *testing.T) {
				got := s.Do(method, path(route.path), "")
				want := answer{405, fail("METHOD_NOT_ALLOWED", method+" method not allowed")}
				if diff := cmp.Diff(want, answer{got.Status, got.Body}); diff != "" {
					t.Errorf("answer (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(route.allow, got.Header.Get("Allow")); diff != "" {
					t.Errorf("allow (-want +got):\n%s", diff)
				}
				checkHeaders(t, got)
			})
		}
	}
	if diff := cmp.Diff(before, records(t, s)); diff != "" {
		t.Errorf("refused requests have written (-before +after):\n%s", diff)
	}
}

// checkHeaders checks what every JSON answer has.
func checkHeaders(t *testing.T, r apitest.Response) {
	t.Helper()
	if diff := cmp.Diff([]string{"application/json"}, r.Header.Values("Content-Type")); diff != "" {
		t.Errorf("content-type (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"no-store"}, r.Header.Values("Cache-Control")); diff != "" {
		t.Errorf("cache-control (-want +got):\n%s", diff)
	}
	if ids := r.Header.Values("X-Request-Id"); len(ids) != 1 || ids[0] == "" || ids[0] != r.Header.Get("Apigw-Requestid") {
		t.Errorf("x-request-id %q, want the gateway's %q", ids, r.Header.Get("Apigw-Requestid"))
	}
	var scheme []string
	if r.Status == http.StatusUnauthorized {
		scheme = []string{"Bearer"}
	}
	if diff := cmp.Diff(scheme, r.Header.Values("Www-Authenticate")); diff != "" {
		t.Errorf("www-authenticate (-want +got):\n%s", diff)
	}
}

// HEAD has the headers of GET, the length of its body too, on every route, whatever the
// answer is and for whom.
func TestHeadIsGetWithoutABody(t *testing.T) {
	s, _ := start(t)
	routed(t, s)
	narrow := s.NewKey(statuspage.NewAPIKey{Name: "narrow", Scopes: []statuspage.Scope{statuspage.ScopeMonitorsRead}})
	s.Do(http.MethodGet, "/api/v4/keys", "") // notes the use of the key, which the list then shows
	paths := map[string]bool{
		"/api/v4/nothing": true, "/api": true, "/api/v4/incidents/99": true, "/api/v4/incidents/abc": true, "/api/v4/incidents?limit=0": true, "/api/v4/monitors/": true,
		"/api/incident/99": true, "/api/incident?state=x": true, "/api/v4/monitors/earth/data?start_ts=0&end_ts=9999999999": true,
	}
	for _, route := range servedRoutes() {
		_, path, _ := strings.Cut(route, " ")
		path = strings.NewReplacer("{monitor_tag}", "earth", "{timestamp}", "600").Replace(path)
		paths[pathParameter.ReplaceAllString(path, "1")] = true
	}
	for p := range paths {
		for name, header := range map[string]http.Header{
			"with a key": s.Header(), "without one": {}, "with a key of one scope": {"Authorization": {"Bearer " + narrow}},
			"compressed": s.Header("Accept-Encoding", "gzip"), "seen": s.Header("If-None-Match", "*"),
		} {
			get, head := s.DoWith(http.MethodGet, p, "", header), s.DoWith(http.MethodHead, p, "", header)
			if head.Body != "" || head.Status != get.Status {
				t.Errorf("HEAD %s %s: %d %q, GET %d", p, name, head.Status, head.Body, get.Status)
			}
			if length := get.Header.Get("Content-Length"); get.Status != http.StatusNotModified && length != strconv.Itoa(len(get.Body)) {
				t.Errorf("GET %s %s: content-length %q of %d bytes", p, name, length, len(get.Body))
			}
			for _, h := range []http.Header{get.Header, head.Header} {
				for _, own := range []string{"Date", "X-Request-Id", "Apigw-Requestid"} {
					h.Del(own)
				}
			}
			if diff := cmp.Diff(get.Header, head.Header); diff != "" {
				t.Errorf("headers of %s %s (-GET +HEAD):\n%s", p, name, diff)
			}
		}
	}
}

// pathParameter is a place for an id, a tag or a time in a route's path.
var pathParameter = regexp.MustCompile(`\{[^}]+\}`)

// A body that can't be read is the first error, before what the path names is looked for:
// the table is not asked, and neither an id that nothing can have nor a tag without a
// monitor is told.
func TestBodiesAreJudgedBeforeRows(t *testing.T) {
	client := &dynamotest.Client{}
	s := apitest.New(t, apitest.Options{HTTPClient: client})
	for _, path := range everyFunction { // which know the key then
		s.Do(http.MethodGet, path, "")
	}
	s.Do(http.MethodGet, "/api/v4/integrations/1/test", "") // is answered by the function inbound, too
	// Fields of all resources with values that none of them takes.
	const wrong = `{"title":5,"comment":5,"body":5,"state":5,"alert_for":5,"name":5,"status":5,"latency":"x","startDatetime":"x","endDatetime":"x","start_ts":"x","tag":5,"points":5,"scopes":5,"page_title":5}`
	seen := 0
	for _, route := range servedRoutes() {
		method, pattern, _ := strings.Cut(route, " ")
		for _, id := range []string{"99999999999999999999", "9007199254740992", "0", "-5", "1" + strings.Repeat("0", 400)} {
			named := strings.NewReplacer("{monitor_tag}", "pluto", "{timestamp}", "600", "{page_path}", "team", "{key}", "siteName").Replace(pattern)
			path := pathParameter.ReplaceAllString(named, id)
			bodies, want := []string{"", "{", "[]", wrong}, http.StatusBadRequest
			switch {
			case strings.HasSuffix(pattern, "/rotate"): // it takes no body
				want = http.StatusNotFound
			case strings.HasSuffix(pattern, "/signals"): // an array of none is a good body
				bodies = []string{"", "{", "[5]", wrong}
			case strings.HasSuffix(pattern, "/test"): // so is any object with a body
				bodies = []string{"", "{", "[]", `{"headers":{}}`}
			case method == http.MethodPost || method == http.MethodPatch:
			case path != named: // a GET or DELETE of what nothing can be
				bodies, want = []string{""}, http.StatusNotFound
			default:
				continue
			}
			for _, body := range bodies {
				client.Reset()
				got := s.Do(method, path, body)
				seen++
				if got.Status != want {
					t.Errorf("%s %s %s: %d %s, want %d", method, path, body, got.Status, got.Body, want)
				}
				if calls := client.Calls(); len(calls) > 0 {
					t.Errorf("%s %s %s: the table was asked: %d calls", method, path, body, len(calls))
				}
			}
		}
	}
	if seen < 100 {
		t.Errorf("only %d requests were sent", seen)
	}
}

func TestHeadersOfEveryAnswer(t *testing.T) {
	s, _ := start(t)
	path := routed(t, s)
	for _, route := range everyRoute {
		if !strings.Contains(route.allow, "GET") {
			continue
		}
		t.Run("GET "+route.path, func(t *testing.T) {
			got := s.Do(http.MethodGet, path(route.path), "")
			if got.Status != http.StatusOK {
				t.Errorf("status %d: %s", got.Status, got.Body)
			}
			if !publicPages[route.path] { // which have headers of their own
				checkHeaders(t, got)
			}
		})
	}
	for _, tt := range []struct {
		name, method, path, body string
		status                   int
	}{
		{"an incident is made", "POST", "/api/v4/incidents", `{"title":"t","start_date_time":0}`, 201},
		{"a comment is made", "POST", "/api/v4/incidents/{i}/comments", `{"comment":"c","state":"RESOLVED"}`, 201},
		{"a monitor is made", "POST", "/api/v4/monitors", `{"tag":"mars","name":"M"}`, 201},
		{"an incident is changed", "PATCH", "/api/v4/incidents/{i}", `{}`, 200},
		{"a comment is changed", "PATCH", "/api/v4/incidents/{i}/comments/{c}", `{}`, 200},
		{"a monitor is changed", "PATCH", "/api/v4/monitors/earth", `{}`, 200},
		{"a rule is made", "POST", "/api/v4/alert-rules", `{"alert_for":"NO_DATA","alert_value":5,"monitor_tags":["earth"]}`, 201},
		{"a rule is changed", "PATCH", "/api/v4/alert-rules/{r}", `{}`, 200},
		{"a rule is deleted", "DELETE", "/api/v4/alert-rules/{r}", ``, 200},
		{"a bad body", "POST", "/api/v4/incidents", `{`, 400},
		{"no such route", "GET", "/api/v4/nothing", ``, 404},
		{"no such row", "GET", "/api/v4/incidents/99", ``, 404},
		{"a body too large", "POST", "/api/v4/incidents", strings.Repeat(" ", 262_145), 413},
		{"a comment is deleted", "DELETE", "/api/v4/incidents/{i}/comments/{c}", ``, 200},
		{"an incident is deleted", "DELETE", "/api/v4/incidents/{i}", ``, 200},
		{"a monitor is deleted", "DELETE", "/api/v4/monitors/earth", ``, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := s.Do(tt.method, path(tt.path), tt.body)
			if got.Status != tt.status {
				t.Errorf("status %d, want %d: %s", got.Status, tt.status, got.Body)
			}
			checkHeaders(t, got)
		})
	}
	t.Run("no key", func(t *testing.T) { checkHeaders(t, s.DoWith("GET", "/api/v4/incidents", "", nil)) })
}

func TestHealthcheckNeedsNoKey(t *testing.T) {
	s, _ := start(t)
	for _, header := range []http.Header{nil, {"Authorization": {"Bearer nonsense"}}} {
		got := s.DoWith(http.MethodGet, "/healthcheck", "", header)
		if diff := cmp.Diff(answer{200, `{"status":"ok"}`}, answer{got.Status, got.Body}); diff != "" {
			t.Errorf("answer (-want +got):\n%s", diff)
		}
	}
}

func TestSlashAtTheEndRedirects(t *testing.T) {
	s, _ := start(t)
	for _, tt := range []struct{ path, location string }{
		{"/api/", "/api"},
		{"/api/v4/incidents/", "/api/v4/incidents"},
		{"/api/v4/incidents/?limit=1&x=%20", "/api/v4/incidents?limit=1&x=%20"},
		{"/api/v4/incidents/1/", "/api/v4/incidents/1"},
		{"/api/v4/incidents/abc/", "/api/v4/incidents/abc"},
		{"/api/v4/incidents/1/comments/", "/api/v4/incidents/1/comments"},
		{"/api/v4/incidents/1/comments/2/", "/api/v4/incidents/1/comments/2"},
		{"/api/v4/monitors/", "/api/v4/monitors"},
		{"/api/v4/monitors/a%20b/", "/api/v4/monitors/a%20b"},
		{"/api/v4/monitors/a%3Fb/", "/api/v4/monitors/a%3Fb"},
		{"/api/v4/monitors/a%0Ab/", "/api/v4/monitors/a%0Ab"},
		{"/api/v4/monitors/earth%2F", "/api/v4/monitors/earth"},
		{"/healthcheck/", "/healthcheck"},
		{"/openapi.json/", "/openapi.json"},
		{"/docs/", "/docs"},
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "DELETE", "OPTIONS", "PURGE"} {
			t.Run(method+" "+tt.path, func(t *testing.T) {
				got := s.DoWith(method, tt.path, "", nil)
				if diff := cmp.Diff(answer{308, ""}, answer{got.Status, got.Body}); diff != "" {
					t.Errorf("answer (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(tt.location, got.Header.Get("Location")); diff != "" {
					t.Errorf("location (-want +got):\n%s", diff)
				}
				if types := got.Header.Values("Content-Type"); len(types) > 0 {
					t.Errorf("content type %q of no body", types)
				}
			})
		}
	}
}

func TestUnknownRoute(t *testing.T) {
	s, _ := start(t)
	for _, tt := range []struct{ path, shown string }{
		{"/api", "/api"},
		{"/api/v4", "/api/v4"},
		{"/api/v4/", "/api/v4/"},
		{"/api/v4/nothing?x=1", "/api/v4/nothing"},
		{"/api/v4/nothing/", "/api/v4/nothing/"},
		{"/api/v3/incidents", "/api/v3/incidents"},
		{"/api/v4/Incidents", "/api/v4/Incidents"},
		{"/api/v4/incidents/1/comments/2/3", "/api/v4/incidents/1/comments/2/3"},
		{"/api/v4/incidents/1/nothing", "/api/v4/incidents/1/nothing"},
		{"/api/v4/n%C3%B6thing", "/api/v4/nöthing"},
		{"/api/v4/%3Cb%3E", "/api/v4/<b>"},
		{"/api//v4/incidents", "/api//v4/incidents"},
		{"/api/v4/./incidents", "/api/v4/./incidents"},
		{"/api/v4/x/../incidents", "/api/v4/x/../incidents"},
		{"/api/v4/incidents//", "/api/v4/incidents//"},
	} {
		for _, method := range []string{"GET", "POST", "PURGE"} {
			t.Run(method+" "+tt.path, func(t *testing.T) {
				got := s.Do(method, tt.path, "")
				want := answer{404, notFound("No API route matches '" + tt.shown + "'")}
				if diff := cmp.Diff(want, answer{got.Status, got.Body}); diff != "" {
					t.Errorf("answer (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// TestUnknownPage asks for what is outside /api, with a key or without: there the public
// pages are.
func TestUnknownPage(t *testing.T) {
	s, _ := start(t)
	for _, path := range []string{"/", "/nothing", "/API/v4/incidents", "//api/v4/incidents", "/healthcheck/x", "/docs/x", "/openapi.yaml"} {
		for _, header := range []http.Header{nil, s.Header()} {
			if got := s.DoWith("GET", path, "", header); got.Status != 404 || got.Body != "Not found\n" {
				t.Errorf("GET %s: %d %s", path, got.Status, got.Body)
			}
			if got := s.DoWith("POST", path, "{}", header); got.Status != 405 || got.Header.Get("Allow") != "GET, HEAD" {
				t.Errorf("POST %s: %d %s", path, got.Status, got.Body)
			}
		}
	}
}

func TestBodyMustBeAJSONObject(t *testing.T) {
	s, _ := start(t)
	path := routed(t, s)
	writes := []struct{ method, path string }{
		{"POST", "/api/v4/incidents"},
		{"PATCH", "/api/v4/incidents/{i}"},
		{"POST", "/api/v4/incidents/{i}/comments"},
		{"PATCH", "/api/v4/incidents/{i}/comments/{c}"},
		{"POST", "/api/v4/monitors"},
		{"PATCH", "/api/v4/monitors/earth"},
		{"POST", "/api/v4/alert-rules"},
		{"PATCH", "/api/v4/alert-rules/{r}"},
		{"POST", "/api/v4/pages"},
		{"PATCH", "/api/v4/pages/~home"},
	}
	before := records(t, s)
	for _, w := range writes {
		for _, tt := range []struct{ name, body string }{
			{"absent", ""},
			{"blank", " \r\n\t"},
			{"null", "null"},
			{"array", "[]"},
			{"array of an object", `[{"title":"t","start_date_time":0}]`},
			{"string", `"x"`},
			{"number", "5"},
			{"true", "true"},
			{"false", "false"},
			{"not JSON", "{bad"},
			{"only an opening brace", "{"},
			{"trailing comma", `{"title":"t","start_date_time":0,}`},
			{"two objects", `{"title":"t","start_date_time":0}{}`},
			{"text after the object", `{"title":"t","start_date_time":0} x`},
			{"comment in the JSON", `{/**/}`},
			{"single quotes", `{'title':'t'}`},
			{"NaN", `{"title":"t","start_date_time":NaN}`},
			{"number with a leading zero", `{"title":"t","start_date_time":01}`},
			{"raw control character in a string", "{\"title\":\"a\nb\",\"start_date_time\":0}"},
			{"only a byte-order mark", "\ufeff"},
			{"two byte-order marks", "\ufeff\ufeff{}"},
			{"NUL after the object", "{}\x00"},
			{"nested too deep", `{"a":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}`},
		} {
			t.Run(w.method+" "+w.path+" "+tt.name, func(t *testing.T) {
				got := s.Do(w.method, path(w.path), tt.body)
				if diff := cmp.Diff(answer{400, invalidBody}, answer{got.Status, got.Body}); diff != "" {
					t.Errorf("answer (-want +got):\n%s", diff)
				}
			})
		}
	}
	if diff := cmp.Diff(before, records(t, s)); diff != "" {
		t.Errorf("refused requests have written (-before +after):\n%s", diff)
	}
}

func TestContentTypeIsNotLookedAt(t *testing.T) {
	s, _ := start(t)
	const body = `{"title":"tä","start_date_time":60}`
	for _, contentType := range []string{
		"", "application/json", "application/json; charset=utf-8", "text/plain", "application/x-www-form-urlencoded",
		"multipart/form-data; boundary=x", "application/octet-stream", "application/xml", "image/png", "nonsense", "; ;",
	} {
		for _, origin := range []string{"", "https://elsewhere.example", "null"} {
			t.Run(contentType+" from "+origin, func(t *testing.T) {
				r, err := http.NewRequest(http.MethodPost, s.URL+"/api/v4/incidents", strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				for name, value := range map[string]string{"Authorization": "Bearer " + s.Key, "Content-Type": contentType, "Origin": origin} {
					if value != "" {
						r.Header.Set(name, value)
					}
				}
				resp, err := http.DefaultClient.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				got, err := io.ReadAll(resp.Body)
				if err != nil {
					t.Fatal(err)
				}
				if resp.StatusCode != http.StatusCreated {
					t.Fatalf("%d %s", resp.StatusCode, got)
				}
				want := incidentText(idOf(t, string(got)), `"tä"`, 60, "null", "INVESTIGATING", "[]")
				if diff := cmp.Diff(want, string(got)); diff != "" {
					t.Errorf("answer (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestBodyOf256KiBIsTheLargest(t *testing.T) {
	s, _ := start(t)
	path := routed(t, s)
	sized := func(fields string, size int) string {
		open := `{` + fields + `"x":"`
		return open + strings.Repeat("a", size-len(open)-len(`"}`)) + `"}`
	}
	for _, contentType := range []string{"application/json", "application/octet-stream"} {
		for _, tt := range []struct {
			method, path, fields string
			status               int
		}{
			{"POST", "/api/v4/incidents", `"title":"t","start_date_time":0,`, 201},
			{"PATCH", "/api/v4/incidents/{i}", ``, 200},
			{"POST", "/api/v4/incidents/{i}/comments", `"comment":"c","state":"MONITORING",`, 201},
			{"PATCH", "/api/v4/incidents/{i}/comments/{c}", ``, 200},
			{"POST", "/api/v4/monitors", `"tag":"` + strings.TrimPrefix(contentType, "application/") + `","name":"N",`, 201},
			{"PATCH", "/api/v4/monitors/earth", ``, 200},
		} {
			t.Run(tt.method+" "+tt.path+" "+contentType, func(t *testing.T) {
				header := http.Header{"Authorization": {"Bearer " + s.Key}, "Content-Type": {contentType}}
				before := records(t, s)
				got := s.DoWith(tt.method, path(tt.path), sized(tt.fields, 256*1024+1), header)
				want := answer{413, fail("PAYLOAD_TOO_LARGE", "The request body must be at most 256 KiB")}
				if diff := cmp.Diff(want, answer{got.Status, got.Body}); diff != "" {
					t.Errorf("one byte too many (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(before, records(t, s)); diff != "" {
					t.Errorf("a refused request has written (-before +after):\n%s", diff)
				}
				got = s.DoWith(tt.method, path(tt.path), sized(tt.fields, 256*1024), header)
				if got.Status != tt.status {
					t.Errorf("256 KiB: %d %s", got.Status, got.Body)
				}
			})
		}
	}
}

func TestIDsInPaths(t *testing.T) {
	s, _ := start(t)
	id := made(t, s, "/api/v4/incidents", `{"title":"t","start_date_time":600}`)
	comment := made(t, s, incidentPath(id)+"/comments", `{"comment":"c","state":"INVESTIGATING","timestamp":600}`)
	if id != 1 || comment != 1 {
		t.Fatalf("the first ids are %d and %d, want 1 and 1", id, comment)
	}
	const (
		found = iota
		absent
		malformed
	)
	for _, tt := range []struct {
		name, segment string
		outcome       int
		shown         string
	}{
		{"as it is", "1", found, ""},
		{"leading zeros", "001", found, ""},
		{"400 leading zeros", strings.Repeat("0", 400) + "1", found, ""},
		{"percent-encoded digit", "%31", found, ""},
		{"zero", "0", absent, "0"},
		{"zeros", "000", absent, "0"},
		{"negative", "-1", absent, "-1"},
		{"negative with zeros", "-007", absent, "-7"},
		{"negative zero", "-0", absent, "0"},
		{"nobody's", "999999", absent, "999999"},
		{"nobody's with zeros", "0999999", absent, "999999"},
		{"the greatest that can be", "9007199254740991", absent, "9007199254740991"},
		{"the greatest and one", "9007199254740992", absent, "9007199254740992"},
		{"the greatest and two, as a float shows it", "9007199254740993", absent, "9007199254740992"},
		{"64 bits", "9223372036854775807", absent, "9223372036854776000"},
		{"64 bits and one", "9223372036854775808", absent, "9223372036854776000"},
		{"20 digits", "99999999999999999999", absent, "100000000000000000000"},
		{"21 digits", "123456789012345678901", absent, "123456789012345680000"},
		{"22 digits", "1234567890123456789012", absent, "1.2345678901234568e+21"},
		{"negative 22 digits", "-1234567890123456789012", absent, "-1.2345678901234568e+21"},
		{"400 digits", strings.Repeat("9", 400), absent, "Infinity"},
		{"negative 400 digits", "-" + strings.Repeat("9", 400), absent, "-Infinity"},
		{"plus", "+1", malformed, ""},
		{"encoded plus", "%2B1", malformed, ""},
		{"blank before", "%201", malformed, ""},
		{"blank after", "1%20", malformed, ""},
		{"letters after", "1abc", malformed, ""},
		{"word", "abc", malformed, ""},
		{"fraction", "1.5", malformed, ""},
		{"fraction of zero", "1.0", malformed, ""},
		{"exponent", "1e0", malformed, ""},
		{"hexadecimal", "0x1", malformed, ""},
		{"underscore", "1_0", malformed, ""},
		{"quote", "1'", malformed, ""},
		{"comma", "1,2", malformed, ""},
		{"minus alone", "-", malformed, ""},
		{"two minuses", "--1", malformed, ""},
		{"NUL", "1%00", malformed, ""},
		{"Arabic digit", "%D9%A1", malformed, ""},
		{"fullwidth digit", "%EF%BC%91", malformed, ""},
		{"not UTF-8", "%FF", malformed, ""},
		{"brace", "%7Bincident_id%7D", malformed, ""},
		{"encoded percent", "%2531", malformed, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			expect := func(method, path, body string, want answer) {
				t.Helper()
				got := s.Do(method, path, body)
				if diff := cmp.Diff(want, answer{got.Status, got.Body}); diff != "" {
					t.Errorf("%s %.80s (-want +got):\n%s", method, path, diff)
				}
			}
			incident, comments := "/api/v4/incidents/"+tt.segment, "/api/v4/incidents/"+tt.segment+"/comments"
			one := incidentPath(id) + "/comments/" + tt.segment
			wanted := answer{200, incidentText(1, `"t"`, 600, "null", "INVESTIGATING", "[]")}
			wantedComment := answer{200, commentText(1, 1, `"c"`, 600, "INVESTIGATING")}
			wantedList := answer{200, `{"comments":[` + strings.TrimSuffix(strings.TrimPrefix(wantedComment.Body, `{"comment":`), "}") + `]}`}
			switch tt.outcome {
			case absent:
				wanted = answer{404, notFound("Incident with id '" + tt.shown + "' not found")}
				wantedComment = answer{404, notFound("Comment with id '" + tt.shown + "' not found for incident '1'")}
				wantedList = wanted
			case malformed:
				wanted = answer{400, badRequest("Incident ID must be a valid integer")}
				wantedComment = answer{400, badRequest("Comment ID must be a valid integer")}
				wantedList = wanted
			}
			expect("GET", incident, "", wanted)
			expect("PATCH", incident, "{}", wanted)
			expect("GET", comments, "", wantedList)
			expect("GET", one, "", wantedComment)
			expect("PATCH", one, "{}", wantedComment)
			if tt.outcome == found {
				return
			}
			expect("DELETE", incident, "", wanted)
			expect("POST", comments, `{"comment":"c","state":"RESOLVED"}`, wanted)
			expect("GET", comments+"/1", "", wanted)
			expect("PATCH", comments+"/1", "{}", wanted)
			expect("DELETE", comments+"/1", "", wanted)
			expect("DELETE", one, "", wantedComment)
		})
	}
	t.Run("an encoded slash is two segments", func(t *testing.T) {
		got := s.Do("GET", "/api/v4/incidents/1%2Fcomments", "")
		plain := s.Do("GET", "/api/v4/incidents/1/comments", "")
		if diff := cmp.Diff(plain.Body, got.Body); diff != "" || got.Status != 200 {
			t.Errorf("%d (-plain +encoded):\n%s", got.Status, diff)
		}
	})
	t.Run("of two absent ids the incident's is told", func(t *testing.T) {
		for _, path := range []string{"/api/v4/incidents/99/comments/98", "/api/v4/incidents/99/comments/0", "/api/v4/incidents/0/comments/0"} {
			id, _, _ := strings.Cut(strings.TrimPrefix(path, "/api/v4/incidents/"), "/")
			for method, body := range map[string]string{"GET": "", "PATCH": "{}", "DELETE": ""} {
				got := s.Do(method, path, body)
				if diff := cmp.Diff(answer{404, notFound("Incident with id '" + id + "' not found")}, answer{got.Status, got.Body}); diff != "" {
					t.Errorf("%s %s (-want +got):\n%s", method, path, diff)
				}
			}
		}
	})
}

// monitorList is JSON for so many links, to monitors m1, m2 and so on.
func monitorList(n int) string {
	links := make([]string, n)
	for i := range links {
		links[i] = fmt.Sprintf(`{"monitor_tag":"m%d"}`, i+1)
	}
	return "[" + strings.Join(links, ",") + "]"
}

const (
	errTitle    = "Title is required and must be a non-empty string"
	errImpact   = "Invalid impact '%s'. Must be one of: UP, DOWN, DEGRADED, MAINTENANCE"
	errTag      = "Each monitor must have a valid monitor_tag"
	errTimes    = "end_date_time must not be before start_date_time"
	errText     = "comment is required and must be a non-empty string"
	errStates   = "state must be one of: INVESTIGATING, IDENTIFIED, MONITORING, RESOLVED"
	errTagForm  = "Tag must be URL-friendly: only lowercase letters, numbers, hyphens, and underscores. Must start and end with a letter or number."
	errMinutes  = "confirmation_threshold must be an integer between 1 and 60"
	errTooLarge = "Monitor must be at most 64 KiB"
)

func timestampError(field string) string { return field + " must be a valid timestamp (UTC seconds)" }

// badTimestamps is JSON that is no timestamp.
var badTimestamps = []string{
	"-1", "-0.5", "-1e-9", "253402300800", "253402300799.5", "1700000000000", "8640000000000", "1e12", "1e308", "-1e308", "1e400", "-1e400",
	strings.Repeat("9", 40), `""`, `"0"`, `"abc"`, `"1700000000"`, `"2026-01-15T10:00:00Z"`, "true", "false", "[]", "[1]", "{}",
}

// goodTimestamps is JSON that is one, and the minute it is in.
var goodTimestamps = map[string]int64{
	"0": 0, "-0": 0, "0.9": 0, "1": 0, "59": 0, "59.999": 0, "60": 60, "1.7e9": 1699999980, "1700000059.9": 1700000040, "17000000000e-1": 1699999980,
	"2147483648": 2147483640, "253402300799": 253402300740, "253402300740": 253402300740, "2.53402300799e11": 253402300740,
}

func TestPostIncidentFields(t *testing.T) {
	s, _ := start(t)
	tags := make([]string, 49)
	for i := range tags {
		tags[i] = fmt.Sprintf("m%d", i+1)
	}
	monitorsNamed(t, s, append(tags, "earth", "mars")...)

	const ok = `"start_date_time":60`
	var refused []attempt
	refuse := func(name, body, message string) {
		refused = append(refused, attempt{name, "POST", "/api/v4/incidents", body, 400, badRequest(message)})
	}
	for _, title := range []string{
		`null`, `""`, `"   "`, `"\t\n\u000b\f\r"`, `"\u00a0\u2003\u3000\ufeff\u2028\u2029"`, `5`, `true`, `false`, `["x"]`, `{}`,
	} {
		refuse("title "+title, `{"title":`+title+`,`+ok+`}`, errTitle)
	}
	refuse("no title", `{`+ok+`}`, errTitle)
	refuse("title of another case", `{"Title":"t","TITLE":"t",`+ok+`}`, errTitle)
	refuse("last of two titles is bad", `{"title":"t","title":"",`+ok+`}`, errTitle)
	refuse("title of 256 characters", `{"title":"`+strings.Repeat("a", 256)+`",`+ok+`}`, "Title must be at most 255 characters")
	refuse("title of 128 surrogate pairs", `{"title":"`+strings.Repeat("😀", 128)+`",`+ok+`}`, "Title must be at most 255 characters")
	refuse("no start", `{"title":"t"}`, "start_date_time is required")
	refuse("start null", `{"title":"t","start_date_time":null}`, "start_date_time is required")
	refuse("start of another case", `{"title":"t","Start_Date_Time":1}`, "start_date_time is required")
	for _, v := range badTimestamps {
		refuse("start "+v, `{"title":"t","start_date_time":`+v+`}`, timestampError("start_date_time"))
		refuse("end "+v, `{"title":"t",`+ok+`,"end_date_time":`+v+`}`, timestampError("end_date_time"))
	}
	refuse("end before the start", `{"title":"t","start_date_time":120,"end_date_time":119}`, errTimes)
	refuse("end of zero is no null", `{"title":"t",`+ok+`,"end_date_time":0}`, errTimes)
	for _, v := range []string{`null`, `"earth"`, `{"monitor_tag":"earth"}`, `1`, `true`, `""`} {
		refuse("monitors "+v, `{"title":"t",`+ok+`,"monitors":`+v+`}`, "monitors must be an array")
	}
	for _, v := range []string{`null`, `"earth"`, `1`, `[]`, `{}`, `{"monitor_tag":null}`, `{"monitor_tag":""}`, `{"monitor_tag":5}`, `{"tag":"earth"}`, `{"Monitor_Tag":"earth"}`} {
		refuse("monitors of "+v, `{"title":"t",`+ok+`,"monitors":[`+v+`]}`, errTag)
		refuse("monitors, the second "+v, `{"title":"t",`+ok+`,"monitors":[{"monitor_tag":"earth"},`+v+`]}`, errTag)
	}
	for _, v := range []struct{ json, shown string }{
		{`"PURPLE"`, "PURPLE"}, {`"down"`, "down"}, {`" DOWN"`, " DOWN"}, {`"Maintenance"`, "Maintenance"}, {`""`, ""}, {`"<b>"`, "<b>"}, {`5`, "5"}, {`true`, "true"}, {`{}`, "{}"}, {`[]`, "[]"},
	} {
		refuse("impact "+v.json, `{"title":"t",`+ok+`,"monitors":[{"monitor_tag":"earth","impact":`+v.json+`}]}`, fmt.Sprintf(errImpact, v.shown))
	}
	refuse("a bad impact before a bad tag after it", `{"title":"t",`+ok+`,"monitors":[{"monitor_tag":"earth","impact":"x"},{}]}`, fmt.Sprintf(errImpact, "x"))
	refuse("a bad tag before its impact", `{"title":"t",`+ok+`,"monitors":[{"impact":"x"}]}`, errTag)
	refuse("49 monitors", `{"title":"t",`+ok+`,"monitors":`+monitorList(49)+`}`, "At most 48 monitors")
	for tag, shown := range map[string]string{
		`pluto`: "pluto", `EARTH`: "EARTH", ` earth`: " earth", `a\u0000`: "a\x00", `a\ud800`: "a\ufffd", `<b>`: "<b>",
		strings.Repeat("a", 3000): strings.Repeat("a", 3000),
	} {
		refuse("unknown monitor "+shown[:min(len(shown), 20)], `{"title":"t",`+ok+`,"monitors":[{"monitor_tag":"earth"},{"monitor_tag":"`+tag+`"}]}`, "Monitor with tag '"+shown+"' not found")
	}
	refuse("of two unknown monitors the first is told", `{"title":"t",`+ok+`,"monitors":[{"monitor_tag":"pluto"},{"monitor_tag":"ceres"}]}`, "Monitor with tag 'pluto' not found")
	refuse("title before start", `{"title":"","start_date_time":"x","end_date_time":"x","monitors":"x"}`, errTitle)
	refuse("start before end", `{"title":"t","start_date_time":"x","end_date_time":"x","monitors":"x"}`, timestampError("start_date_time"))
	refuse("end before monitors", `{"title":"t",`+ok+`,"end_date_time":"x","monitors":"x"}`, timestampError("end_date_time"))
	refusals(t, s, 0, refused)

	type accepted struct {
		name, body, title string
		start             int64
		end, monitors     string
	}
	rows := []accepted{
		{"title and start", `{"title":"t","start_date_time":1700000039}`, `"t"`, 1699999980, "null", "[]"},
		{"title is trimmed", `{"title":" \ufeff\u00a0a  b\n",` + ok + `}`, `"a  b"`, 60, "null", "[]"},
		{"title of 255 characters", `{"title":"` + strings.Repeat("a", 255) + `",` + ok + `}`, `"` + strings.Repeat("a", 255) + `"`, 60, "null", "[]"},
		{"title of 255 characters when trimmed", `{"title":"  ` + strings.Repeat("ä", 255) + `  ",` + ok + `}`, `"` + strings.Repeat("ä", 255) + `"`, 60, "null", "[]"},
		{"title of 127 surrogate pairs and one", `{"title":"` + strings.Repeat("😀", 127) + `a",` + ok + `}`, `"` + strings.Repeat("😀", 127) + `a"`, 60, "null", "[]"},
		{"HTML stays", `{"title":"<script>alert('1')</script> & \"x\"",` + ok + `}`, `"<script>alert('1')</script> & \"x\""`, 60, "null", "[]"},
		{"control characters stay", `{"title":"a\u0000\u001f\u007f\tb",` + ok + `}`, "\"a\\u0000\\u001f\u007f\\tb\"", 60, "null", "[]"},
		{"lone surrogates become U+FFFD", `{"title":"a\ud800b\udc00",` + ok + `}`, "\"a\ufffdb\ufffd\"", 60, "null", "[]"},
		{"surrogate pair in escapes", `{"title":"\ud83d\ude00",` + ok + `}`, `"😀"`, 60, "null", "[]"},
		{"invalid UTF-8 becomes U+FFFD", "{\"title\":\"a\xffb\"," + ok + `}`, "\"a\ufffdb\"", 60, "null", "[]"},
		{"byte-order mark", "\ufeff{\"title\":\"t\"," + ok + `}`, `"t"`, 60, "null", "[]"},
		{"white space around the object", " \r\n\t{\"title\":\"t\"," + ok + "} \n", `"t"`, 60, "null", "[]"},
		{"last of two keys wins", `{"title":"","title":"t","start_date_time":"x","start_date_time":120}`, `"t"`, 120, "null", "[]"},
		{"keys of another case are others", `{"title":"t","Title":"","TITLE":5,` + ok + `,"Start_date_time":"x","Monitors":5}`, `"t"`, 60, "null", "[]"},
		{"escaped key", `{"titl\u0065":"t",` + ok + `}`, `"t"`, 60, "null", "[]"},
		{"end null", `{"title":"t",` + ok + `,"end_date_time":null}`, `"t"`, 60, "null", "[]"},
		{"end", `{"title":"t",` + ok + `,"end_date_time":1700000600.7}`, `"t"`, 60, "1700000580", "[]"},
		{"end in the minute of the start", `{"title":"t","start_date_time":119,"end_date_time":60}`, `"t"`, 60, "60", "[]"},
		{"end of zero", `{"title":"t","start_date_time":0,"end_date_time":0}`, `"t"`, 0, "0", "[]"},
		{"no monitors", `{"title":"t",` + ok + `,"monitors":[]}`, `"t"`, 60, "null", "[]"},
		{"impact left out or null is DOWN", `{"title":"t",` + ok + `,"monitors":[{"monitor_tag":"mars"},{"monitor_tag":"earth","impact":null,"nonsense":1}]}`, `"t"`, 60, "null",
			`[{"monitor_tag":"mars","impact":"DOWN"},{"monitor_tag":"earth","impact":"DOWN"}]`},
		{"impacts", `{"title":"t",` + ok + `,"monitors":[{"monitor_tag":"mars","impact":"UP"},{"monitor_tag":"earth","impact":"DEGRADED"},{"monitor_tag":"m1","impact":"DOWN"},{"monitor_tag":"m2","impact":"MAINTENANCE"}]}`, `"t"`, 60, "null",
			`[{"monitor_tag":"mars","impact":"UP"},{"monitor_tag":"earth","impact":"DEGRADED"},{"monitor_tag":"m1","impact":"DOWN"},{"monitor_tag":"m2","impact":"MAINTENANCE"}]`},
		{"same tag twice, the last wins", `{"title":"t",` + ok + `,"monitors":[{"monitor_tag":"mars","impact":"UP"},{"monitor_tag":"earth"},{"monitor_tag":"mars","impact":"DEGRADED"}]}`, `"t"`, 60, "null",
			`[{"monitor_tag":"mars","impact":"DEGRADED"},{"monitor_tag":"earth","impact":"DOWN"}]`},
		{"48 monitors", `{"title":"t",` + ok + `,"monitors":` + monitorList(48) + `}`, `"t"`, 60, "null", strings.ReplaceAll(monitorList(48), `"}`, `","impact":"DOWN"}`)},
		{"what can't be set is passed over", `{"id":99,"title":"t",` + ok + `,"state":"RESOLVED","is_global":"NO","status":"CLOSED","incident_type":"X","incident_source":"X","comment":5,"created_at":1,"url":"x","nonsense":{}}`,
			`"t"`, 60, "null", "[]"},
	}
	for v, minute := range goodTimestamps {
		rows = append(rows, accepted{"start " + v, `{"title":"t","start_date_time":` + v + `}`, `"t"`, minute, "null", "[]"})
		rows = append(rows, accepted{"end " + v, `{"title":"t","start_date_time":0,"end_date_time":` + v + `}`, `"t"`, 0, strconv.FormatInt(minute, 10), "[]"})
	}
	last := int64(0)
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			got := s.Do("POST", "/api/v4/incidents", row.body)
			if got.Status != http.StatusCreated {
				t.Fatalf("%d %s", got.Status, got.Body)
			}
			id := idOf(t, got.Body)
			if id <= last {
				t.Errorf("id %d after %d", id, last)
			}
			last = id
			want := incidentText(id, row.title, row.start, row.end, "INVESTIGATING", row.monitors)
			if diff := cmp.Diff(want, got.Body); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(want, s.Do("GET", incidentPath(id), "").Body); diff != "" {
				t.Errorf("GET afterwards (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPatchIncidentFields(t *testing.T) {
	s, _ := start(t)
	tags := make([]string, 49)
	for i := range tags {
		tags[i] = fmt.Sprintf("m%d", i+1)
	}
	monitorsNamed(t, s, append(tags, "earth", "mars")...)
	const original = `{"title":"t","start_date_time":600,"end_date_time":1200,"monitors":[{"monitor_tag":"earth","impact":"DEGRADED"}]}`
	const links = `[{"monitor_tag":"earth","impact":"DEGRADED"}]`
	id := made(t, s, "/api/v4/incidents", original)

	var refused []attempt
	refuse := func(name, body, message string) {
		refused = append(refused, attempt{name, "PATCH", "/api/v4/incidents/{id}", body, 400, badRequest(message)})
	}
	for _, title := range []string{`null`, `""`, `"   "`, `"\ufeff"`, `5`, `true`, `["x"]`, `{}`} {
		refuse("title "+title, `{"title":`+title+`}`, "Title must be a non-empty string")
	}
	refuse("title of 256 characters", `{"title":"`+strings.Repeat("a", 256)+`"}`, "Title must be at most 255 characters")
	refuse("title of 128 surrogate pairs", `{"title":"`+strings.Repeat("😀", 128)+`"}`, "Title must be at most 255 characters")
	refuse("start null", `{"start_date_time":null}`, timestampError("start_date_time"))
	for _, v := range badTimestamps {
		refuse("start "+v, `{"start_date_time":`+v+`}`, timestampError("start_date_time"))
		refuse("end "+v, `{"end_date_time":`+v+`}`, timestampError("end_date_time"))
	}
	refuse("end before the start", `{"end_date_time":599}`, errTimes)
	refuse("end before the start, with a title", `{"title":"x","end_date_time":0}`, errTimes)
	refuse("start after the end", `{"start_date_time":1260}`, errTimes)
	refuse("both, in the wrong order", `{"start_date_time":1860,"end_date_time":1800}`, errTimes)
	refuse("end before the start, with monitors", `{"end_date_time":0,"monitors":[]}`, errTimes)
	for _, v := range []string{`null`, `"earth"`, `{}`, `1`} {
		refuse("monitors "+v, `{"monitors":`+v+`}`, "monitors must be an array")
	}
	for _, v := range []string{`null`, `"earth"`, `{}`, `{"monitor_tag":""}`, `{"monitor_tag":5}`} {
		refuse("monitors of "+v, `{"monitors":[`+v+`]}`, errTag)
	}
	refuse("impact", `{"monitors":[{"monitor_tag":"earth","impact":"PURPLE"}]}`, fmt.Sprintf(errImpact, "PURPLE"))
	refuse("49 monitors", `{"monitors":`+monitorList(49)+`}`, "At most 48 monitors")
	refuse("unknown monitor", `{"title":"must not change","monitors":[{"monitor_tag":"mars"},{"monitor_tag":"pluto"}]}`, "Monitor with tag 'pluto' not found")
	refuse("title before start", `{"title":"","start_date_time":"x","end_date_time":"x","monitors":"x"}`, "Title must be a non-empty string")
	refuse("start before end", `{"start_date_time":"x","end_date_time":"x","monitors":"x"}`, timestampError("start_date_time"))
	refuse("end before monitors", `{"end_date_time":"x","monitors":"x"}`, timestampError("end_date_time"))
	refusals(t, s, id, refused)

	type accepted struct {
		name, body, title string
		start             int64
		end, monitors     string
	}
	rows := []accepted{
		{"nothing", `{}`, `"t"`, 600, "1200", links},
		{"title is trimmed", `{"title":"  spaced\n"}`, `"spaced"`, 600, "1200", links},
		{"title of 255 characters", `{"title":"` + strings.Repeat("😀", 127) + `a"}`, `"` + strings.Repeat("😀", 127) + `a"`, 600, "1200", links},
		{"last of two titles", `{"title":"a","title":"b"}`, `"b"`, 600, "1200", links},
		{"keys of another case are others", `{"Title":"","END_DATE_TIME":0}`, `"t"`, 600, "1200", links},
		{"start", `{"start_date_time":0}`, `"t"`, 0, "1200", links},
		{"start up to the end", `{"start_date_time":1259.9}`, `"t"`, 1200, "1200", links},
		{"end", `{"end_date_time":1859}`, `"t"`, 600, "1800", links},
		{"end down to the start", `{"end_date_time":600}`, `"t"`, 600, "600", links},
		{"end null", `{"end_date_time":null}`, `"t"`, 600, "null", links},
		{"both", `{"start_date_time":6000,"end_date_time":6060}`, `"t"`, 6000, "6060", links},
		{"start beyond an end that goes", `{"start_date_time":6000,"end_date_time":null}`, `"t"`, 6000, "null", links},
		{"no monitors", `{"monitors":[]}`, `"t"`, 600, "1200", `[]`},
		{"a monitor that stays gets the default impact", `{"monitors":[{"monitor_tag":"earth"}]}`, `"t"`, 600, "1200", `[{"monitor_tag":"earth","impact":"DOWN"}]`},
		{"a monitor that stays keeps its place", `{"monitors":[{"monitor_tag":"mars"},{"monitor_tag":"m2","impact":"UP"},{"monitor_tag":"earth","impact":"UP"}]}`, `"t"`, 600, "1200",
			`[{"monitor_tag":"earth","impact":"UP"},{"monitor_tag":"mars","impact":"DOWN"},{"monitor_tag":"m2","impact":"UP"}]`},
		{"monitors replaced", `{"monitors":[{"monitor_tag":"mars"}]}`, `"t"`, 600, "1200", `[{"monitor_tag":"mars","impact":"DOWN"}]`},
		{"same tag twice, the last wins", `{"monitors":[{"monitor_tag":"mars","impact":"UP"},{"monitor_tag":"m3"},{"monitor_tag":"mars","impact":"DEGRADED"}]}`, `"t"`, 600, "1200",
			`[{"monitor_tag":"mars","impact":"DEGRADED"},{"monitor_tag":"m3","impact":"DOWN"}]`},
		{"maintenance", `{"monitors":[{"monitor_tag":"earth","impact":"MAINTENANCE"}]}`, `"t"`, 600, "1200", `[{"monitor_tag":"earth","impact":"MAINTENANCE"}]`},
		{"48 monitors", `{"monitors":` + monitorList(48) + `}`, `"t"`, 600, "1200", strings.ReplaceAll(monitorList(48), `"}`, `","impact":"DOWN"}`)},
		{"all at once", `{"title":"all","start_date_time":660,"end_date_time":720,"monitors":[]}`, `"all"`, 660, "720", `[]`},
		{"what can't be set is passed over", `{"id":99,"state":"RESOLVED","is_global":"NO","status":"CLOSED","incident_type":"X","incident_source":"X","created_at":1,"nonsense":{}}`, `"t"`, 600, "1200", links},
	}
	for v, minute := range goodTimestamps {
		rows = append(rows, accepted{"start " + v, `{"start_date_time":` + v + `,"end_date_time":null}`, `"t"`, minute, "null", links})
		rows = append(rows, accepted{"end " + v, `{"start_date_time":0,"end_date_time":` + v + `}`, `"t"`, 0, strconv.FormatInt(minute, 10), links})
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			id := made(t, s, "/api/v4/incidents", original)
			want := answer{200, incidentText(id, row.title, row.start, row.end, "INVESTIGATING", row.monitors)}
			got := s.Do("PATCH", incidentPath(id), row.body)
			if diff := cmp.Diff(want, answer{got.Status, got.Body}); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(want.Body, s.Do("GET", incidentPath(id), "").Body); diff != "" {
				t.Errorf("GET afterwards (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPostCommentFields(t *testing.T) {
	s, _ := start(t)
	id := made(t, s, "/api/v4/incidents", `{"title":"t","start_date_time":600}`)
	var refused []attempt
	refuse := func(name, body, message string) {
		refused = append(refused, attempt{name, "POST", "/api/v4/incidents/{id}/comments", body, 400, badRequest(message)})
	}
	const state = `"state":"IDENTIFIED"`
	for _, text := range []string{`null`, `""`, `"  \u3000\ufeff"`, `5`, `true`, `["x"]`, `{}`} {
		refuse("comment "+text, `{"comment":`+text+`,`+state+`}`, errText)
	}
	refuse("no comment", `{`+state+`}`, errText)
	refuse("comment of another case", `{"Comment":"c",`+state+`}`, errText)
	refuse("comment of 65,537 characters", `{"comment":"`+strings.Repeat("a", 65537)+`",`+state+`}`, "comment must be at most 65536 characters")
	refuse("comment of 32,769 surrogate pairs", `{"comment":"`+strings.Repeat("😀", 32769)+`",`+state+`}`, "comment must be at most 65536 characters")
	for _, v := range badTimestamps {
		refuse("timestamp "+v, `{"comment":"c","timestamp":`+v+`,`+state+`}`, timestampError("timestamp"))
	}
	for _, v := range []string{`null`, `""`, `5`, `["RESOLVED"]`, `{}`, `true`} {
		refuse("state "+v, `{"comment":"c","state":`+v+`}`, "state is required")
	}
	refuse("no state", `{"comment":"c"}`, "state is required")
	for _, v := range []string{`"resolved"`, `"CLOSED"`, `" RESOLVED"`, `"RESOLVED\u0000"`} {
		refuse("state "+v, `{"comment":"c","state":`+v+`}`, errStates)
	}
	refuse("comment before timestamp", `{"timestamp":"x","state":"x"}`, errText)
	refuse("timestamp before state", `{"comment":"c","timestamp":"x","state":"x"}`, timestampError("timestamp"))
	refuse("RESOLVED before the start", `{"comment":"c","timestamp":599,"state":"RESOLVED"}`, "timestamp must not be before the incident's start_date_time")
	refusals(t, s, id, refused)

	type accepted struct {
		name, body, text string
		at               int64
		state            string
	}
	rows := []accepted{
		{"time is the current minute", `{"comment":"c",` + state + `}`, `"c"`, testMinute, "IDENTIFIED"},
		{"time null is the current minute", `{"comment":"c","timestamp":null,` + state + `}`, `"c"`, testMinute, "IDENTIFIED"},
		{"comment is trimmed", `{"comment":"\ufeff  a\nb \u00a0",` + state + `}`, `"a\nb"`, testMinute, "IDENTIFIED"},
		{"comment of 65,536 characters", `{"comment":"` + strings.Repeat("a", 65536) + `",` + state + `}`, `"` + strings.Repeat("a", 65536) + `"`, testMinute, "IDENTIFIED"},
		{"comment of 65,536 characters when trimmed", `{"comment":" ` + strings.Repeat("€", 65536) + ` ",` + state + `}`, `"` + strings.Repeat("€", 65536) + `"`, testMinute, "IDENTIFIED"},
		{"comment of 32,768 surrogate pairs", `{"comment":"` + strings.Repeat("😀", 32768) + `",` + state + `}`, `"` + strings.Repeat("😀", 32768) + `"`, testMinute, "IDENTIFIED"},
		{"markup stays", `{"comment":"**b** <script>&amp;</script>\n- \"a\"",` + state + `}`, `"**b** <script>&amp;</script>\n- \"a\""`, testMinute, "IDENTIFIED"},
		{"last of two states", `{"comment":"c","state":"x","state":"MONITORING"}`, `"c"`, testMinute, "MONITORING"},
		{"INVESTIGATING", `{"comment":"c","state":"INVESTIGATING"}`, `"c"`, testMinute, "INVESTIGATING"},
		{"RESOLVED at the start", `{"comment":"c","state":"RESOLVED","timestamp":600}`, `"c"`, 600, "RESOLVED"},
		{"another state before the start", `{"comment":"c","state":"MONITORING","timestamp":0}`, `"c"`, 0, "MONITORING"},
		{"what can't be set is passed over", `{"id":99,"incident_id":99,"comment":"c",` + state + `,"created_at":1,"nonsense":1}`, `"c"`, testMinute, "IDENTIFIED"},
	}
	for v, minute := range goodTimestamps {
		rows = append(rows, accepted{"timestamp " + v, `{"comment":"c","timestamp":` + v + `,` + state + `}`, `"c"`, minute, "IDENTIFIED"})
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			got := s.Do("POST", incidentPath(id)+"/comments", row.body)
			if got.Status != http.StatusCreated {
				t.Fatalf("%d %s", got.Status, got.Body)
			}
			comment := idOf(t, got.Body)
			want := commentText(comment, id, row.text, row.at, row.state)
			if diff := cmp.Diff(want, got.Body); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(want, s.Do("GET", fmt.Sprintf("%s/comments/%d", incidentPath(id), comment), "").Body); diff != "" {
				t.Errorf("GET afterwards (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPatchCommentFields(t *testing.T) {
	s, _ := start(t)
	incident := made(t, s, "/api/v4/incidents", `{"title":"t","start_date_time":600}`)
	path := incidentPath(incident) + "/comments"
	const original = `{"comment":"c","state":"IDENTIFIED","timestamp":1200}`
	id := made(t, s, path, original)
	var refused []attempt
	refuse := func(name, body, message string) {
		refused = append(refused, attempt{name, "PATCH", path + "/{id}", body, 400, badRequest(message)})
	}
	for _, v := range []string{`null`, `""`, `"resolved"`, `"CLOSED"`, `5`, `true`, `["RESOLVED"]`, `{}`} {
		refuse("state "+v, `{"state":`+v+`}`, errStates)
	}
	for _, v := range []string{`null`, `""`, `"  "`, `5`, `true`, `["x"]`, `{}`} {
		refuse("comment "+v, `{"comment":`+v+`}`, "comment must be a non-empty string")
	}
	refuse("comment of 65,537 characters", `{"comment":"`+strings.Repeat("a", 65537)+`"}`, "comment must be at most 65536 characters")
	refuse("timestamp null", `{"timestamp":null}`, timestampError("timestamp"))
	for _, v := range badTimestamps {
		refuse("timestamp "+v, `{"timestamp":`+v+`}`, timestampError("timestamp"))
	}
	refuse("state before the others", `{"comment":"","timestamp":"x","state":"x"}`, errStates)
	refuse("comment before the timestamp", `{"comment":"","timestamp":"x"}`, "comment must be a non-empty string")
	refusals(t, s, id, refused)

	type accepted struct {
		name, body, text string
		at               int64
		state            string
	}
	rows := []accepted{
		{"nothing", `{}`, `"c"`, 1200, "IDENTIFIED"},
		{"comment is trimmed", `{"comment":"  edited "}`, `"edited"`, 1200, "IDENTIFIED"},
		{"comment of 65,536 characters", `{"comment":"` + strings.Repeat("a", 65536) + `"}`, `"` + strings.Repeat("a", 65536) + `"`, 1200, "IDENTIFIED"},
		{"state", `{"state":"RESOLVED"}`, `"c"`, 1200, "RESOLVED"},
		{"RESOLVED before the start", `{"state":"RESOLVED","timestamp":0}`, `"c"`, 0, "RESOLVED"},
		{"all", `{"comment":"x","state":"MONITORING","timestamp":1859}`, `"x"`, 1800, "MONITORING"},
		{"what can't be set is passed over", `{"id":9,"incident_id":9,"status":"DELETED","nonsense":1}`, `"c"`, 1200, "IDENTIFIED"},
	}
	for v, minute := range goodTimestamps {
		rows = append(rows, accepted{"timestamp " + v, `{"timestamp":` + v + `}`, `"c"`, minute, "IDENTIFIED"})
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			comment := made(t, s, path, original)
			one := fmt.Sprintf("%s/%d", path, comment)
			want := answer{200, commentText(comment, incident, row.text, row.at, row.state)}
			got := s.Do("PATCH", one, row.body)
			if diff := cmp.Diff(want, answer{got.Status, got.Body}); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(want.Body, s.Do("GET", one, "").Body); diff != "" {
				t.Errorf("GET afterwards (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("a comment of another incident", func(t *testing.T) {
		other := made(t, s, "/api/v4/incidents", `{"title":"t","start_date_time":600}`)
		message := fmt.Sprintf("Comment with id '%d' not found for incident '%d'", id, other)
		one := fmt.Sprintf("%s/comments/%d", incidentPath(other), id)
		refusals(t, s, id, []attempt{
			{"GET", "GET", one, "", 404, notFound(message)},
			{"PATCH", "PATCH", one, `{"comment":"x"}`, 404, notFound(message)},
			{"DELETE", "DELETE", one, "", 404, notFound(message)},
		})
	})
}

func TestPostMonitorFields(t *testing.T) {
	s, _ := start(t)
	monitorsNamed(t, s, "earth")
	var refused []attempt
	refuse := func(name, body, message string) {
		refused = append(refused, attempt{name, "POST", "/api/v4/monitors", body, 400, badRequest(message)})
	}
	for _, v := range []string{`null`, `""`, `"  \ufeff"`, `5`, `true`, `[]`, `{}`} {
		refuse("tag "+v, `{"tag":`+v+`,"name":"N"}`, "Tag is required and must be a non-empty string")
		refuse("name "+v, `{"tag":"new","name":`+v+`}`, "Name is required and must be a non-empty string")
	}
	refuse("no fields", `{}`, "Tag is required and must be a non-empty string")
	refuse("no name", `{"tag":"new"}`, "Name is required and must be a non-empty string")
	refuse("tag of another case", `{"Tag":"new","name":"N"}`, "Tag is required and must be a non-empty string")
	for _, tag := range []string{
		"a b", "-a", "a-", "_a", "a_", "-", "_", "--", "A", "earTh", "é", "a.b", "a/b", "a%20b", "a#", "a?", "a😀", `a\u0000`, `\ud800`, "١", "ſ", "K", "a,b",
	} {
		refuse("tag "+tag, `{"tag":"`+tag+`","name":"N"}`, errTagForm)
	}
	refuse("tag of 257 characters", `{"tag":"`+strings.Repeat("a", 257)+`","name":"N"}`, "Tag must be at most 256 characters")
	refuse("name of 256 characters", `{"tag":"new","name":"`+strings.Repeat("a", 256)+`"}`, "Name must be at most 255 characters")
	refuse("name of 128 surrogate pairs", `{"tag":"new","name":"`+strings.Repeat("😀", 128)+`"}`, "Name must be at most 255 characters")
	refuse("tag that is taken", `{"tag":"earth","name":"N"}`, "Monitor with tag 'earth' already exists")
	refuse("tag that is taken, blanks around", `{"tag":" earth ","name":"N"}`, "Monitor with tag 'earth' already exists")
	for _, v := range []string{`0`, `61`, `-1`, `1.5`, `60.5`, `1e9`, `1e400`, `"x"`, `""`, `"61"`, `"1.5"`, `"1_0"`, `"Infinity"`, `false`, `[]`, `{}`} {
		refuse("confirmation_threshold "+v, `{"tag":"new","name":"N","confirmation_threshold":`+v+`}`, errMinutes)
	}
	for _, v := range badMonitorFields() {
		refuse(v.field, `{"tag":"new","name":"N",`+v.field+`}`, v.message)
	}
	for _, name := range []string{"type_data", "monitor_settings_json"} {
		for _, v := range []string{`5`, `true`, `[]`, `"x"`} {
			refuse(name+" "+v, `{"tag":"new","name":"N","`+name+`":`+v+`}`, name+" must be an object")
		}
	}
	refuse("tag before name", `{"tag":"A","name":""}`, errTagForm)
	refuse("name before threshold", `{"tag":"new","name":"","confirmation_threshold":0}`, "Name is required and must be a non-empty string")
	refuse("the first of several fields", `{"tag":"new","name":"N","external_url":5,"is_hidden":5,"monitor_type":5,"status":5,"default_status":5,"image":5}`, "image must be a string")
	refuse("threshold before the tag that is taken", `{"tag":"earth","name":"N","confirmation_threshold":0}`, errMinutes)
	refuse("a byte over 64 KiB", monitorOfSize("big", 65537), errTooLarge)
	refusals(t, s, 0, refused)

	last := int64(0)
	type accepted struct {
		name, body, tag, title string
		fields                 []string
	}
	rows := []accepted{
		{"tag and name", `{"tag":"a","name":"N"}`, "a", `"N"`, nil},
		{"tag and name are trimmed", `{"tag":"  blanks\n","name":"\ufeff N  N "}`, "blanks", `"N  N"`, nil},
		{"tag of digits", `{"tag":"0","name":"N"}`, "0", `"N"`, nil},
		{"tag with all that is allowed", `{"tag":"0a-_--__9","name":"N"}`, "0a-_--__9", `"N"`, nil},
		{"tag of 256 characters", `{"tag":"` + strings.Repeat("a", 256) + `","name":"N"}`, strings.Repeat("a", 256), `"N"`, nil},
		{"name of 255 characters", `{"tag":"n255","name":"` + strings.Repeat("😀", 127) + `a"}`, "n255", `"` + strings.Repeat("😀", 127) + `a"`, nil},
		{"names may repeat", `{"tag":"again","name":"N"}`, "again", `"N"`, nil},
		{"threshold", `{"tag":"t1","name":"N","confirmation_threshold":60}`, "t1", `"N"`, []string{"confirmation_threshold", "60"}},
		{"threshold as a whole fraction", `{"tag":"t2","name":"N","confirmation_threshold":5.0}`, "t2", `"N"`, []string{"confirmation_threshold", "5"}},
		{"threshold in a string", `{"tag":"t3","name":"N","confirmation_threshold":"5"}`, "t3", `"N"`, []string{"confirmation_threshold", "5"}},
		{"threshold in a string with blanks", `{"tag":"t4","name":"N","confirmation_threshold":" 5.0 "}`, "t4", `"N"`, []string{"confirmation_threshold", "5"}},
		{"threshold true", `{"tag":"t5","name":"N","confirmation_threshold":true}`, "t5", `"N"`, nil},
		{"threshold null", `{"tag":"t6","name":"N","confirmation_threshold":null}`, "t6", `"N"`, nil},
		{"a client's own words", `{"tag":"texts","name":"N","description":"<d> \"q\"","image":"","cron":"nonsense","category_name":"c","external_url":null}`,
			"texts", `"N"`, []string{"description", `"<d> \"q\""`, "image", `""`, "cron", `"nonsense"`, "category_name", `"c"`}},
		{"null is the default", `{"tag":"null","name":"N","default_status":null,"status":null,"monitor_type":null,"is_hidden":null,"include_degraded_in_downtime":null}`, "null", `"N"`, nil},
		{"objects keep their order", `{"tag":"objects","name":"N","type_data":{"z":1, "a":{"y":[1,2.50],"x":null}},"monitor_settings_json":{"b":"<","a":1e3}}`,
			"objects", `"N"`, []string{"type_data", `{"z":1,"a":{"y":[1,2.50],"x":null}}`, "monitor_settings_json", `{"b":"<","a":1e3}`}},
		{"objects have each key once, the last wins", `{"tag":"once","name":"N","type_data":{"a":1,"b":2,"a":3}}`, "once", `"N"`, []string{"type_data", `{"a":3,"b":2}`}},
		{"null objects are the default", `{"tag":"nulls","name":"N","type_data":null,"monitor_settings_json":null}`, "nulls", `"N"`, nil},
		{"what can't be set is passed over", `{"id":99,"tag":"ignored","name":"N","down_trigger":"x","degraded_trigger":"x","day_down_minimum_count":5,"created_at":"x","nonsense":1}`, "ignored", `"N"`, nil},
		{"64 KiB", monitorOfSize("full", 65536), "full", `"N"`, []string{"description", `"` + strings.Repeat("a", 65536-monitorBase-len("full")) + `"`}},
	}
	for n, v := range goodMonitorFields() {
		tag := fmt.Sprint("field-", n)
		rows = append(rows, accepted{v.name + " " + v.sent, `{"tag":"` + tag + `","name":"N","` + v.name + `":` + v.sent + `}`, tag, `"N"`, []string{v.name, v.shown}})
	}
	for _, tt := range rows {
		t.Run(tt.name, func(t *testing.T) {
			got := s.Do("POST", "/api/v4/monitors", tt.body)
			if got.Status != http.StatusCreated {
				t.Fatalf("%d %s", got.Status, got.Body)
			}
			id := idOf(t, got.Body)
			if id <= last {
				t.Errorf("id %d after %d", id, last)
			}
			last = id
			want := monitorText(id, tt.tag, tt.title, tt.fields...)
			if diff := cmp.Diff(want, got.Body); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(want, s.Do("GET", "/api/v4/monitors/"+tt.tag, "").Body); diff != "" {
				t.Errorf("GET afterwards (-want +got):\n%s", diff)
			}
		})
	}
}

// monitorBase is how many bytes of texts a monitor has beside its tag and its
// description, when its name has one: the default_status UP, status ACTIVE,
// monitor_type API, is_hidden NO and include_degraded_in_downtime NO count too.
const monitorBase = len("N" + "UP" + "ACTIVE" + "API" + "NO" + "NO")

// monitorOfSize is a monitor whose texts have so many bytes together.
func monitorOfSize(tag string, size int) string {
	return `{"tag":"` + tag + `","name":"N","description":"` + strings.Repeat("a", size-monitorBase-len(tag)) + `"}`
}

func TestPatchMonitorFields(t *testing.T) {
	s, _ := start(t)
	const original = `"name":"N","description":"d","type_data":{"a":1,"n":{"x":1}}`
	id := made(t, s, "/api/v4/monitors", `{"tag":"m",`+original+`}`)
	var refused []attempt
	refuse := func(name, body, message string) {
		refused = append(refused, attempt{name, "PATCH", "/api/v4/monitors/m", body, 400, badRequest(message)})
	}
	for _, v := range []string{`null`, `""`, `"  \ufeff"`, `5`, `true`, `[]`, `{}`} {
		refuse("name "+v, `{"name":`+v+`}`, "Name must be a non-empty string")
	}
	refuse("name of 256 characters", `{"name":"`+strings.Repeat("a", 256)+`"}`, "Name must be at most 255 characters")
	for _, v := range []string{`0`, `61`, `1.5`, `"x"`, `false`, `[]`, `{}`} {
		refuse("confirmation_threshold "+v, `{"confirmation_threshold":`+v+`}`, errMinutes)
	}
	for _, v := range badMonitorFields() {
		refuse(v.field, `{`+v.field+`}`, v.message)
	}
	for _, name := range []string{"type_data", "monitor_settings_json"} {
		refuse(name+" of an array", `{"`+name+`":[]}`, name+" must be an object")
		refuse(name+" of a string", `{"`+name+`":"x"}`, name+" must be an object")
	}
	refuse("name before threshold", `{"name":"","confirmation_threshold":0}`, "Name must be a non-empty string")
	refuse("over 64 KiB", `{"description":"`+strings.Repeat("a", 65536)+`"}`, errTooLarge)
	refuse("over 64 KiB when merged", `{"type_data":{"b":"`+strings.Repeat("a", 65536-len(`{"a":1,"n":{"x":1},"b":""}`)-monitorBase-len("m"+"d")+1)+`"}}`, errTooLarge)
	refusals(t, s, id, refused)

	base := []string{"description", `"d"`, "type_data", `{"a":1,"n":{"x":1}}`}
	large := strings.Repeat("a", 65536-len(`{"a":1,"n":{"x":1},"b":""}`)-monitorBase-len("p-")-20-len("d"))
	type accepted struct {
		name, body, title string
		fields            []string
	}
	rows := []accepted{
		{"nothing", `{}`, `"N"`, base},
		{"name is trimmed", `{"name":"  N 2 "}`, `"N 2"`, base},
		{"tag is passed over", `{"tag":"other"}`, `"N"`, base},
		{"a bad tag is passed over", `{"tag":5}`, `"N"`, base},
		{"texts", `{"description":"","image":"/i","cron":"* * * * *","default_status":"DOWN","status":"INACTIVE","category_name":"c","monitor_type":"NONE","is_hidden":"YES","external_url":"http://u","include_degraded_in_downtime":"YES"}`, `"N"`,
			[]string{
				"description", `""`, "type_data", `{"a":1,"n":{"x":1}}`, "image", `"/i"`, "cron", `"* * * * *"`, "default_status", `"DOWN"`, "status", `"INACTIVE"`, "category_name", `"c"`,
				"monitor_type", `"NONE"`, "is_hidden", `"YES"`, "external_url", `"http://u"`, "include_degraded_in_downtime", `"YES"`,
			}},
		{"null clears a value", `{"default_status":null,"status":null,"monitor_type":null,"is_hidden":null,"include_degraded_in_downtime":null}`, `"N"`,
			append([]string{"default_status", "null", "status", "null", "monitor_type", "null", "is_hidden", "null", "include_degraded_in_downtime", "null"}, base...)},
		{"null clears a text", `{"description":null}`, `"N"`, []string{"type_data", `{"a":1,"n":{"x":1}}`}},
		{"threshold", `{"confirmation_threshold":"7"}`, `"N"`, append([]string{"confirmation_threshold", "7"}, base...)},
		{"threshold null is 1", `{"confirmation_threshold":null}`, `"N"`, base},
		{"objects are merged one level deep", `{"type_data":{"b":2,"n":{"y":1}}}`, `"N"`, []string{"description", `"d"`, "type_data", `{"a":1,"n":{"y":1},"b":2}`}},
		{"an empty object changes nothing", `{"type_data":{}}`, `"N"`, base},
		{"null clears an object", `{"type_data":null}`, `"N"`, []string{"description", `"d"`}},
		{"a null in an object stays", `{"type_data":{"a":null}}`, `"N"`, []string{"description", `"d"`, "type_data", `{"a":null,"n":{"x":1}}`}},
		{"settings are merged into the default", `{"monitor_settings_json":{"uptime_formula_numerator":"up","x":1}}`, `"N"`,
			append([]string{"monitor_settings_json", `{"uptime_formula_numerator":"up","uptime_formula_denominator":"up + down + degraded + maintenance","x":1}`}, base...)},
		{"a formula is null", `{"monitor_settings_json":{"uptime_formula_numerator":null}}`, `"N"`,
			append([]string{"monitor_settings_json", `{"uptime_formula_numerator":null,"uptime_formula_denominator":"up + down + degraded + maintenance"}`}, base...)},
		{"64 KiB when merged", `{"type_data":{"b":"` + large + `"}}`, `"N"`, []string{"description", `"d"`, "type_data", `{"a":1,"n":{"x":1},"b":"` + large + `"}`}},
		{"what can't be set is passed over", `{"id":99,"down_trigger":"x","created_at":"x","day_down_minimum_count":5,"Name":"","nonsense":1}`, `"N"`, base},
	}
	for _, v := range goodMonitorFields() {
		rows = append(rows, accepted{v.name + " " + v.sent, `{"` + v.name + `":` + v.sent + `}`, `"N"`, append([]string{v.name, v.shown}, base...)})
	}
	for n, tt := range rows {
		t.Run(tt.name, func(t *testing.T) {
			tag := fmt.Sprintf("p-%020d", n)
			id := made(t, s, "/api/v4/monitors", `{"tag":"`+tag+`",`+original+`}`)
			want := answer{200, monitorText(id, tag, tt.title, tt.fields...)}
			got := s.Do("PATCH", "/api/v4/monitors/"+tag, tt.body)
			if diff := cmp.Diff(want, answer{got.Status, got.Body}); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(want.Body, s.Do("GET", "/api/v4/monitors/"+tag, "").Body); diff != "" {
				t.Errorf("GET afterwards (-want +got):\n%s", diff)
			}
		})
	}
}

// badMonitorField is a field of a monitor that POST and PATCH refuse.
type badMonitorField struct{ field, message string }

func badMonitorFields() []badMonitorField {
	var bad []badMonitorField
	for _, name := range []string{"description", "image", "cron", "category_name", "external_url"} {
		for _, v := range []string{`5`, `true`, `[]`, `{}`} {
			bad = append(bad, badMonitorField{`"` + name + `":` + v, name + " must be a string"})
		}
	}
	for _, name := range []string{"uptime_formula_numerator", "uptime_formula_denominator"} {
		for _, v := range []string{`"up +"`, `"(up)"`, `"up * 2"`, `"UP"`, `"no_data"`, `""`, `7`, `{}`, `["up"]`, `"` + strings.Repeat("up+", 333) + `up"`} {
			bad = append(bad, badMonitorField{`"monitor_settings_json":{"x":1,"` + name + `":` + v + `}`,
				name + " in monitor_settings_json must be up, down, degraded and maintenance with + - * or / between them, such as 'up + degraded', in at most 1000 bytes"})
		}
	}
	for name, values := range map[string]string{
		"default_status": "UP, DOWN, DEGRADED, MAINTENANCE, NO_DATA, NONE", "status": "ACTIVE, INACTIVE",
		"monitor_type":                 "API, PING, TCP, DNS, NONE, GROUP, SSL, SQL, HEARTBEAT, GAMEDIG, GRPC, PROMETHEUS, DOCKER",
		"include_degraded_in_downtime": "YES, NO", "is_hidden": "YES, NO",
	} {
		for sent, shown := range map[string]string{
			`"PURPLE"`: "PURPLE", `""`: "", `"active"`: "active", `" UP"`: " UP", `"up"`: "up", `"api"`: "api", `"yes"`: "yes", `"YES "`: "YES ", `"true"`: "true",
			`5`: "5", `1`: "1", `[]`: "[]", `["YES"]`: `["YES"]`, `{}`: "{}",
		} {
			bad = append(bad, badMonitorField{`"` + name + `":` + sent, "Invalid " + name + " '" + shown + "'. Must be one of: " + values})
		}
		if values != "YES, NO" {
			bad = append(bad, badMonitorField{`"` + name + `":true`, "Invalid " + name + " 'true'. Must be one of: " + values})
		}
	}
	for _, name := range []string{"image", "external_url"} {
		for _, v := range []string{
			"javascript:alert(1)", "JavaScript:alert(1)", "java\\tscript:alert(1)", " javascript:alert(1)", "javascript://example.org/%0aalert(1)", "javascript:/*http://*/alert(1)",
			"data:image/png;base64,AAAA", "vbscript:x", "file:///etc/passwd", "ftp://example.org", "mailto:a@example.org", "i", "logo.png", "./logo.png", "example.org", "example.org/logo.png", "?x", "#x",
			"//example.org", "//", "/\\\\example.org", "\\\\example.org", "/\\t/example.org", "/a\\nb", "/a\\u0000", "/\\u007f", " /logo.png", " https://example.org", "https://exa\\tmple.org",
			"http:", "http:/", "http://", "https://", "https:///example.org", "https:\\\\example.org", "https://\\\\example.org", "https:example.org", "httpx://example.org", "://example.org",
		} {
			bad = append(bad, badMonitorField{`"` + name + `":"` + v + `"`, name + " must be an http or https URL, or a path that begins with one slash"})
		}
	}
	return bad
}

// goodMonitorField is a field of a monitor as it is sent and shown.
type goodMonitorField struct{ name, sent, shown string }

func goodMonitorFields() []goodMonitorField {
	var good []goodMonitorField
	same := func(name string, values ...string) {
		for _, v := range values {
			good = append(good, goodMonitorField{name, `"` + v + `"`, `"` + v + `"`})
		}
	}
	same("default_status", "UP", "DOWN", "DEGRADED", "MAINTENANCE", "NO_DATA", "NONE")
	same("status", "ACTIVE", "INACTIVE")
	same("monitor_type", "API", "PING", "TCP", "DNS", "NONE", "GROUP", "SSL", "SQL", "HEARTBEAT", "GAMEDIG", "GRPC", "PROMETHEUS", "DOCKER")
	for _, name := range []string{"include_degraded_in_downtime", "is_hidden"} {
		same(name, "YES", "NO")
		good = append(good, goodMonitorField{name, `true`, `"YES"`}, goodMonitorField{name, `false`, `"NO"`})
	}
	for _, name := range []string{"image", "external_url"} {
		same(name, "", "/", "/logo.png", "/a//b?c=http://d#e", "http://a", "https://example.org", "HTTPS://Example.ORG:8443/a b?c#d", "https://user@example.org/é", "http://[::1]/")
	}
	return good
}

// Records that were made when a monitor's fields could be anything are shown as they are,
// and what is changed of them is another field.
func TestMonitorsOfOtherValues(t *testing.T) {
	s, _ := start(t)
	m := statuspage.NewMonitor("odd", "N")
	m.DefaultStatus, m.Status, m.Type, m.Hidden, m.IncludeDegraded = new("PURPLE"), new("PURPLE"), new("odd"), new("maybe"), new("")
	m.Image, m.ExternalURL = new("i"), new("javascript:alert(1)")
	if _, err := s.Table.Store(nil).CreateMonitor(t.Context(), m, testStart, nil); err != nil {
		t.Fatal(err)
	}
	fields := []string{
		"default_status", `"PURPLE"`, "status", `"PURPLE"`, "monitor_type", `"odd"`, "is_hidden", `"maybe"`, "include_degraded_in_downtime", `""`,
		"image", `"i"`, "external_url", `"javascript:alert(1)"`,
	}
	expect(t, s, "GET", "/api/v4/monitors/odd", "", 200, monitorText(1, "odd", `"N"`, fields...))
	expect(t, s, "PATCH", "/api/v4/monitors/odd", `{"name":"New","description":"d"}`, 200, monitorText(1, "odd", `"New"`, append([]string{"description", `"d"`}, fields...)...))
	expect(t, s, "PATCH", "/api/v4/monitors/odd", `{"status":"PURPLE"}`, 400, badRequest("Invalid status 'PURPLE'. Must be one of: ACTIVE, INACTIVE"))
	expect(t, s, "PATCH", "/api/v4/monitors/odd", `{"status":"ACTIVE","name":"N"}`, 200, monitorText(1, "odd", `"N"`, append([]string{"description", `"d"`, "status", `"ACTIVE"`}, append(fields[:2:2], fields[4:]...)...)...))
}

func TestMonitorTagsInPaths(t *testing.T) {
	s, _ := start(t)
	id := made(t, s, "/api/v4/monitors", `{"tag":"earth","name":"N"}`)
	want := monitorText(id, "earth", `"N"`)
	for _, segment := range []string{"earth", "e%61rth", "%65%61%72%74%68"} {
		t.Run("found as "+segment, func(t *testing.T) {
			got := s.Do("GET", "/api/v4/monitors/"+segment, "")
			if diff := cmp.Diff(answer{200, want}, answer{got.Status, got.Body}); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
	var rows []attempt
	for segment, shown := range map[string]string{
		"pluto": "pluto", "EARTH": "EARTH", "earth%20": "earth ", "%20earth": " earth", "ear": "ear", "earth'": "earth'", "%25": "%", "1": "1", "e%2561rth": "e%61rth",
		"%00": "\x00", "%E2%80%8Bearth": "\u200bearth", "%C3%A9": "é", "%22": `"`, "{monitor_tag}": "{monitor_tag}",
		strings.Repeat("a", 257): strings.Repeat("a", 257), strings.Repeat("a", 4000): strings.Repeat("a", 4000),
	} {
		for method, body := range map[string]string{"GET": "", "PATCH": `{"name":"x"}`, "DELETE": ""} {
			rows = append(rows, attempt{method + " " + segment[:min(len(segment), 20)], method, "/api/v4/monitors/" + segment, body, 404, notFound("Monitor with tag '" + shown + "' not found")})
		}
	}
	refusals(t, s, id, rows)
}

func TestMonitorListFilters(t *testing.T) {
	s, _ := start(t)
	for _, body := range []string{
		`{"tag":"a","name":"N","category_name":"Home"}`,
		`{"tag":"b","name":"N","status":"INACTIVE","monitor_type":"NONE"}`,
		`{"tag":"c","name":"N","category_name":"All Categories","is_hidden":"YES"}`,
		`{"tag":"d","name":"N","category_name":"home","status":"INACTIVE","is_hidden":"YES"}`,
	} {
		made(t, s, "/api/v4/monitors", body)
	}
	for query, want := range map[string][]string{
		"":                                {"d", "c", "b", "a"},
		"?status=ACTIVE":                  {"c", "a"},
		"?status=active":                  nil,
		"?status=":                        {"d", "c", "b", "a"},
		"?status=PURPLE":                  nil,
		"?category_name=Home":             {"a"},
		"?category_name=All%20Categories": {"d", "c", "b", "a"},
		"?category_name=All+Categories":   {"d", "c", "b", "a"},
		"?monitor_type=API":               {"d", "c", "a"},
		"?is_hidden=YES":                  {"d", "c"},
		"?is_hidden=YES&status=INACTIVE":  {"d"},
		"?status=INACTIVE&status=ACTIVE":  {"d", "b"},
		"?tag=a&name=N&sort=asc":          {"d", "c", "b", "a"},
		"?category_name=a;b":              nil,
		"?category_name=%zz":              nil,
	} {
		t.Run(query, func(t *testing.T) {
			got := s.Do("GET", "/api/v4/monitors"+query, "")
			var list struct{ Monitors []struct{ Tag string } }
			if err := json.Unmarshal([]byte(got.Body), &list); err != nil {
				t.Fatalf("%v in %d %s", err, got.Status, got.Body)
			}
			var tags []string
			for _, m := range list.Monitors {
				tags = append(tags, m.Tag)
			}
			if diff := cmp.Diff(want, tags); diff != "" {
				t.Errorf("tags (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("an empty list is an array", func(t *testing.T) {
		if diff := cmp.Diff(`{"monitors":[]}`, s.Do("GET", "/api/v4/monitors?status=x", "").Body); diff != "" {
			t.Errorf("answer (-want +got):\n%s", diff)
		}
	})
	t.Run("a list has the monitors as they are shown alone", func(t *testing.T) {
		one := s.Do("GET", "/api/v4/monitors/a", "").Body
		want := `{"monitors":[` + strings.TrimSuffix(strings.TrimPrefix(one, `{"monitor":`), "}") + `]}`
		if diff := cmp.Diff(want, s.Do("GET", "/api/v4/monitors?category_name=Home", "").Body); diff != "" {
			t.Errorf("answer (-want +got):\n%s", diff)
		}
	})
}

// life is what of an incident its life cycle changes.
type life struct {
	State  string
	End    string
	Closed bool
}

func lifeOf(t *testing.T, s *apitest.Server, id int64) life {
	t.Helper()
	var one struct {
		Incident struct {
			State string
			End   json.RawMessage `json:"end_date_time"`
		}
	}
	got := s.Do("GET", incidentPath(id), "")
	if err := json.Unmarshal([]byte(got.Body), &one); err != nil {
		t.Fatalf("%v in %d %s", err, got.Status, got.Body)
	}
	l := life{State: one.Incident.State, End: string(one.Incident.End)}
	lists := map[string]bool{}
	for _, status := range []string{"open", "closed"} {
		var list struct{ Incidents []struct{ ID int64 } }
		if err := json.Unmarshal([]byte(s.Do("GET", "/api/v4/incidents?status="+status, "").Body), &list); err != nil {
			t.Fatal(err)
		}
		for _, i := range list.Incidents {
			lists[status] = lists[status] || i.ID == id
		}
	}
	if lists["open"] == lists["closed"] {
		t.Errorf("the incident is in the lists %v, want in one of open and closed", lists)
	}
	l.Closed = lists["closed"]
	return l
}

func TestLifeCycleSteps(t *testing.T) {
	s, clock := start(t)
	comment := func(state string, at int64) string {
		return fmt.Sprintf(`POST {"comment":"c","state":"%s","timestamp":%d}`, state, at)
	}
	for _, tt := range []struct {
		name  string
		end   string // of the new incident
		steps []string
		want  life
	}{
		{"a new incident is open", "null", nil, life{"INVESTIGATING", "null", false}},
		{"an end does not close", "1200", nil, life{"INVESTIGATING", "1200", false}},
		{"the state follows each comment", "null", []string{comment("MONITORING", 660), comment("IDENTIFIED", 720)}, life{"IDENTIFIED", "null", false}},
		{"the state follows an older comment too", "null", []string{comment("MONITORING", 1200), comment("IDENTIFIED", 60)}, life{"IDENTIFIED", "null", false}},
		{"a comment leaves a planned end", "1200", []string{comment("MONITORING", 660)}, life{"MONITORING", "1200", false}},
		{"RESOLVED ends and closes", "null", []string{comment("RESOLVED", 1259)}, life{"RESOLVED", "1200", true}},
		{"RESOLVED replaces the end", "6000", []string{comment("RESOLVED", 1200)}, life{"RESOLVED", "1200", true}},
		{"RESOLVED at the start", "null", []string{comment("RESOLVED", 600)}, life{"RESOLVED", "600", true}},
		{"RESOLVED again replaces the end", "null", []string{comment("RESOLVED", 1200), comment("RESOLVED", 900)}, life{"RESOLVED", "900", true}},
		{"RESOLVED without a time ends now", "null", []string{`POST {"comment":"c","state":"RESOLVED"}`}, life{"RESOLVED", "1768471260", true}},
		{"another state reopens", "null", []string{comment("RESOLVED", 1200), comment("MONITORING", 1800)}, life{"MONITORING", "null", false}},
		{"another state with an older time reopens", "null", []string{comment("RESOLVED", 1200), comment("INVESTIGATING", 0)}, life{"INVESTIGATING", "null", false}},
		{"RESOLVED after reopening closes again", "null", []string{comment("RESOLVED", 1200), comment("MONITORING", 1800), comment("RESOLVED", 2400)}, life{"RESOLVED", "2400", true}},
		{"PATCH of the end to null reopens, the state stays", "null", []string{comment("RESOLVED", 1200), `PATCH {"end_date_time":null}`}, life{"RESOLVED", "null", false}},
		{"such a state stays until the next comment", "null", []string{comment("RESOLVED", 1200), `PATCH {"end_date_time":null}`, comment("MONITORING", 1800)}, life{"MONITORING", "null", false}},
		{"RESOLVED closes what PATCH reopened", "null", []string{comment("RESOLVED", 1200), `PATCH {"end_date_time":null}`, comment("RESOLVED", 1800)}, life{"RESOLVED", "1800", true}},
		{"an end after such a reopening does not close", "null", []string{comment("RESOLVED", 1200), `PATCH {"end_date_time":null}`, `PATCH {"end_date_time":1800}`}, life{"RESOLVED", "1800", false}},
		{"nor does the next comment clear it", "null", []string{comment("RESOLVED", 1200), `PATCH {"end_date_time":null}`, `PATCH {"end_date_time":1800}`, comment("IDENTIFIED", 700)}, life{"IDENTIFIED", "1800", false}},
		{"PATCH of the end null with the start and monitors reopens", "null", []string{comment("RESOLVED", 1200), `PATCH {"end_date_time":null,"start_date_time":60,"monitors":[]}`}, life{"RESOLVED", "null", false}},
		{"PATCH of a closed one's end leaves it closed", "null", []string{comment("RESOLVED", 1200), `PATCH {"end_date_time":1800}`}, life{"RESOLVED", "1800", true}},
		{"PATCH of a closed one's start and title leaves it closed", "null", []string{comment("RESOLVED", 1200), `PATCH {"start_date_time":660,"title":"x"}`}, life{"RESOLVED", "1200", true}},
		{"PATCH without an end leaves it closed", "null", []string{comment("RESOLVED", 1200), `PATCH {}`, `PATCH {"state":"INVESTIGATING"}`}, life{"RESOLVED", "1200", true}},
		{"PATCH of the end to null on an open one", "1200", []string{`PATCH {"end_date_time":null}`}, life{"INVESTIGATING", "null", false}},
		{"a comment's PATCH changes nothing", "null", []string{comment("RESOLVED", 1200), `PATCHCOMMENT {"state":"INVESTIGATING","timestamp":1800}`}, life{"RESOLVED", "1200", true}},
		{"a comment's PATCH to RESOLVED changes nothing", "null", []string{comment("MONITORING", 1200), `PATCHCOMMENT {"state":"RESOLVED"}`}, life{"MONITORING", "null", false}},
		{"a comment's DELETE changes nothing", "null", []string{comment("RESOLVED", 1200), `DELETECOMMENT`}, life{"RESOLVED", "1200", true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			clock.seconds.Store(testStart)
			id := made(t, s, "/api/v4/incidents", `{"title":"t","start_date_time":600,"end_date_time":`+tt.end+`}`)
			last := ""
			for _, step := range tt.steps {
				clock.seconds.Add(60)
				method, body, _ := strings.Cut(step, " ")
				path, want := incidentPath(id), http.StatusOK
				switch {
				case method == "POST":
					path, want = path+"/comments", http.StatusCreated
				case strings.HasSuffix(method, "COMMENT"):
					method, path = strings.TrimSuffix(method, "COMMENT"), last
				}
				before := s.Do("GET", incidentPath(id), "").Body
				got := s.Do(method, path, body)
				if got.Status != want {
					t.Fatalf("%s: %d %s", step, got.Status, got.Body)
				}
				if method == "POST" {
					last = fmt.Sprintf("%s/%d", path, idOf(t, got.Body))
				}
				after := s.Do("GET", incidentPath(id), "").Body
				if path == last && method != "POST" {
					// Not even the update time.
					if diff := cmp.Diff(before, after); diff != "" {
						t.Errorf("%s changed the incident (-before +after):\n%s", step, diff)
					}
				} else if want := `"updated_at":"` + clock.now().UTC().Format("2006-01-02T15:04:05.000Z") + `"`; !strings.Contains(after, want) {
					t.Errorf("%s: no %s in %s", step, want, after)
				}
				if !strings.Contains(after, `"created_at":"`+testStartText+`"`) {
					t.Errorf("%s moved created_at: %s", step, after)
				}
			}
			if diff := cmp.Diff(tt.want, lifeOf(t, s, id)); diff != "" {
				t.Errorf("incident (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("the time of closing keeps its first value", func(t *testing.T) {
		clock.seconds.Store(testStart)
		id := made(t, s, "/api/v4/incidents", `{"title":"t","start_date_time":600}`)
		closed := func() *int64 {
			i, err := s.Table.Store(nil).Incident(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			return i.Closed
		}
		for _, step := range []struct {
			state string
			want  *int64
		}{
			{"RESOLVED", new(int64(testStart + 60))}, {"RESOLVED", new(int64(testStart + 60))}, {"IDENTIFIED", nil}, {"RESOLVED", new(int64(testStart + 240))},
		} {
			clock.seconds.Add(60)
			made(t, s, incidentPath(id)+"/comments", `{"comment":"c","state":"`+step.state+`"}`)
			if diff := cmp.Diff(step.want, closed()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", step.state, diff)
			}
		}
	})
}

func TestUpdateTimes(t *testing.T) {
	s, clock := start(t)
	monitorsNamed(t, s, "earth")
	i := made(t, s, "/api/v4/incidents", `{"title":"t","start_date_time":600,"monitors":[{"monitor_tag":"earth"}]}`)
	c := made(t, s, incidentPath(i)+"/comments", `{"comment":"c","state":"MONITORING"}`)
	one := fmt.Sprintf("%s/comments/%d", incidentPath(i), c)
	for _, path := range []string{incidentPath(i), one, "/api/v4/monitors/earth"} {
		for _, body := range []string{`{}`, `{"nonsense":1}`} {
			clock.seconds.Add(1)
			got := s.Do("PATCH", path, body)
			for _, want := range []string{`"created_at":"` + testStartText + `"`, `"updated_at":"` + clock.now().UTC().Format("2006-01-02T15:04:05.000Z") + `"`} {
				if !strings.Contains(got.Body, want) {
					t.Errorf("PATCH %s %s: no %s in %s", path, body, want, got.Body)
				}
			}
		}
	}
	t.Run("a monitor's deletion leaves the incident's", func(t *testing.T) {
		before := s.Do("GET", incidentPath(i), "").Body
		clock.seconds.Add(1)
		s.Do("DELETE", "/api/v4/monitors/earth", "")
		want := strings.Replace(before, `[{"monitor_tag":"earth","impact":"DOWN"}]`, `[]`, 1)
		if diff := cmp.Diff(want, s.Do("GET", incidentPath(i), "").Body); diff != "" {
			t.Errorf("incident (-want +got):\n%s", diff)
		}
	})
}

func TestDeleteIncidentIsComplete(t *testing.T) {
	s, _ := start(t)
	monitorsNamed(t, s, "earth", "mars")
	before := records(t, s)
	id := made(t, s, "/api/v4/incidents", `{"title":"t","start_date_time":600,"monitors":[{"monitor_tag":"earth"},{"monitor_tag":"mars"}]}`)
	var comments []string
	for _, state := range []string{"MONITORING", "RESOLVED", "IDENTIFIED"} {
		c := made(t, s, incidentPath(id)+"/comments", `{"comment":"c","state":"`+state+`"}`)
		comments = append(comments, fmt.Sprintf("%s/comments/%d", incidentPath(id), c))
	}
	got := s.Do("DELETE", comments[0], "")
	want := answer{200, `{"message":"Comment with id '` + strings.TrimPrefix(comments[0], incidentPath(id)+"/comments/") + `' deleted successfully"}`}
	if diff := cmp.Diff(want, answer{got.Status, got.Body}); diff != "" {
		t.Errorf("DELETE of a comment (-want +got):\n%s", diff)
	}
	// Leading zeros are not shown, and a body is not looked at.
	got = s.Do("DELETE", strings.Replace(incidentPath(id), "incidents/", "incidents/00", 1), `{bad`)
	if diff := cmp.Diff(answer{200, fmt.Sprintf(`{"message":"Incident with id '%d' deleted successfully"}`, id)}, answer{got.Status, got.Body}); diff != "" {
		t.Errorf("DELETE (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(withoutTraces(before), withoutTraces(records(t, s))); diff != "" {
		t.Errorf("something is left (-before +after):\n%s", diff)
	}
	missing := notFound("Incident with id '{id}' not found")
	refusals(t, s, id, []attempt{
		{"DELETE again", "DELETE", "/api/v4/incidents/{id}", "", 404, missing},
		{"GET", "GET", "/api/v4/incidents/{id}", "", 404, missing},
		{"PATCH", "PATCH", "/api/v4/incidents/{id}", `{"title":"x"}`, 404, missing},
		{"comments", "GET", "/api/v4/incidents/{id}/comments", "", 404, missing},
		{"new comment", "POST", "/api/v4/incidents/{id}/comments", `{"comment":"c","state":"RESOLVED"}`, 404, missing},
		{"comment", "GET", comments[1], "", 404, missing},
		{"PATCH of a comment", "PATCH", comments[1], "{}", 404, missing},
		{"DELETE of a comment", "DELETE", comments[1], "", 404, missing},
	})
	for _, query := range []string{"", "?monitor_tags=earth", "?status=open", "?status=closed", "?status=open&monitor_tags=mars"} {
		if diff := cmp.Diff(`{"incidents":[]}`, s.Do("GET", "/api/v4/incidents"+query, "").Body); diff != "" {
			t.Errorf("list %s (-want +got):\n%s", query, diff)
		}
	}
	if next := made(t, s, "/api/v4/incidents", `{"title":"t","start_date_time":600}`); next <= id {
		t.Errorf("id %d is used again after %d", next, id)
	}
}

func TestDeletedCommentIsGone(t *testing.T) {
	s, _ := start(t)
	id := made(t, s, "/api/v4/incidents", `{"title":"t","start_date_time":600}`)
	gone := made(t, s, incidentPath(id)+"/comments", `{"comment":"gone","state":"RESOLVED","timestamp":660}`)
	kept := made(t, s, incidentPath(id)+"/comments", `{"comment":"kept","state":"RESOLVED","timestamp":600}`)
	got := s.Do("DELETE", fmt.Sprintf("%s/comments/%d", incidentPath(id), gone), "")
	if diff := cmp.Diff(answer{200, fmt.Sprintf(`{"message":"Comment with id '%d' deleted successfully"}`, gone)}, answer{got.Status, got.Body}); diff != "" {
		t.Errorf("DELETE (-want +got):\n%s", diff)
	}
	missing := notFound(fmt.Sprintf("Comment with id '{id}' not found for incident '%d'", id))
	refusals(t, s, gone, []attempt{
		{"DELETE again", "DELETE", incidentPath(id) + "/comments/{id}", "", 404, missing},
		{"GET", "GET", incidentPath(id) + "/comments/{id}", "", 404, missing},
		{"PATCH", "PATCH", incidentPath(id) + "/comments/{id}", `{"comment":"x"}`, 404, missing},
	})
	one := commentText(kept, id, `"kept"`, 600, "RESOLVED")
	want := `{"comments":[` + strings.TrimSuffix(strings.TrimPrefix(one, `{"comment":`), "}") + `]}`
	if diff := cmp.Diff(want, s.Do("GET", incidentPath(id)+"/comments", "").Body); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
}

func TestDeleteMonitorShrinksIncidents(t *testing.T) {
	s, _ := start(t)
	monitorsNamed(t, s, "earth", "mars")
	before := records(t, s)
	const links = `[{"monitor_tag":"earth","impact":"DEGRADED"},{"monitor_tag":"mars","impact":"DOWN"}]`
	both := made(t, s, "/api/v4/incidents", `{"title":"t","start_date_time":600,"monitors":`+links+`}`)
	only := made(t, s, "/api/v4/incidents", `{"title":"t","start_date_time":600,"monitors":[{"monitor_tag":"earth"}]}`)
	got := s.Do("DELETE", "/api/v4/monitors/earth", "")
	if diff := cmp.Diff(answer{200, `{"message":"Monitor 'earth' deleted successfully"}`}, answer{got.Status, got.Body}); diff != "" {
		t.Errorf("DELETE (-want +got):\n%s", diff)
	}
	refusals(t, s, 0, []attempt{
		{"DELETE again", "DELETE", "/api/v4/monitors/earth", "", 404, notFound("Monitor with tag 'earth' not found")},
		{"GET", "GET", "/api/v4/monitors/earth", "", 404, notFound("Monitor with tag 'earth' not found")},
		{"PATCH", "PATCH", "/api/v4/monitors/earth", `{"name":"x"}`, 404, notFound("Monitor with tag 'earth' not found")},
		{"new incident", "POST", "/api/v4/incidents", `{"title":"t","start_date_time":0,"monitors":[{"monitor_tag":"earth"}]}`, 400, badRequest("Monitor with tag 'earth' not found")},
	})
	expect := func(id int64, monitors string) {
		t.Helper()
		want := incidentText(id, `"t"`, 600, "null", "INVESTIGATING", monitors)
		if diff := cmp.Diff(want, s.Do("GET", incidentPath(id), "").Body); diff != "" {
			t.Errorf("incident (-want +got):\n%s", diff)
		}
	}
	expect(both, `[{"monitor_tag":"mars","impact":"DOWN"}]`)
	expect(only, `[]`)

	again := made(t, s, "/api/v4/monitors", `{"tag":"earth","name":"N"}`)
	if diff := cmp.Diff(monitorText(again, "earth", `"N"`), s.Do("GET", "/api/v4/monitors/earth", "").Body); diff != "" {
		t.Errorf("made again (-want +got):\n%s", diff)
	}
	expect(both, `[{"monitor_tag":"mars","impact":"DOWN"}]`)
	expect(only, `[]`)
	if diff := cmp.Diff(`{"incidents":[]}`, s.Do("GET", "/api/v4/incidents?monitor_tags=earth", "").Body); diff != "" {
		t.Errorf("the new monitor inherits (-want +got):\n%s", diff)
	}
	for _, path := range []string{incidentPath(both), incidentPath(only), "/api/v4/monitors/earth"} {
		if got := s.Do("DELETE", path, ""); got.Status != http.StatusOK {
			t.Errorf("DELETE %s: %d %s", path, got.Status, got.Body)
		}
	}
	for k := range before {
		if strings.Contains(k, "earth") {
			delete(before, k)
		}
	}
	if diff := cmp.Diff(withoutTraces(before), withoutTraces(records(t, s))); diff != "" {
		t.Errorf("something is left (-before +after):\n%s", diff)
	}
}

func TestLinksOfIncidents(t *testing.T) {
	for _, tt := range []struct {
		name   string
		site   string
		host   string // that the request names; "" is the address of the gateway
		header http.Header
		want   string // "" is the address of the gateway
	}{
		{"the site", "https://status.example.com", "", nil, "https://status.example.com"},
		{"the site with a path and slashes at its end", "https://example.com/status//", "", nil, "https://example.com/status"},
		{"no site: the address that the request came to", "", "", nil, ""},
		{"no site: this machine by its name", "", "localhost:8080", nil, "http://localhost:8080"},
		{"no foreign host counts", "", "evil.example", nil, ""},
		{"no forwarded header counts", "", "", http.Header{
			"X-Forwarded-Host": {"evil.example"}, "X-Forwarded-Proto": {"https"}, "Forwarded": {"host=evil.example"}, "X-Forwarded-Port": {"1"}, "Origin": {"https://evil.example"},
		}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := apitest.New(t, apitest.Options{Parameters: map[string]string{"SiteUrl": tt.site}})
			s.Host = tt.host
			id := made(t, s, "/api/v4/incidents", `{"title":"t","start_date_time":600}`)
			header := http.Header{"Authorization": {"Bearer " + s.Key}}
			for name, values := range tt.header {
				header[name] = values
			}
			if tt.want == "" {
				tt.want = s.URL
			}
			want := fmt.Sprintf(`"url":"%s/incidents/%d"}`, tt.want, id)
			for _, path := range []string{incidentPath(id), "/api/v4/incidents"} {
				if got := s.DoWith("GET", path, "", header); !strings.Contains(got.Body, want) {
					t.Errorf("GET %s: no %s in %s", path, want, got.Body)
				}
			}
		})
	}
}

// The header Tocsin-Source says where an incident comes from; whatever else it is, nothing
// is written.
func TestIncidentSource(t *testing.T) {
	s, _ := start(t)
	for _, tt := range []struct {
		values []string
		want   answer
	}{
		{nil, answer{201, "API"}},
		{[]string{"API"}, answer{201, "API"}},
		{[]string{"MANUAL"}, answer{201, "MANUAL"}},
		{[]string{"manual"}, answer{400, badRequest("Tocsin-Source must be API or MANUAL")}},
		{[]string{""}, answer{400, badRequest("Tocsin-Source must be API or MANUAL")}},
		{[]string{"ALERT"}, answer{400, badRequest("Tocsin-Source must be API or MANUAL")}},
		{[]string{"API", "MANUAL"}, answer{400, badRequest("Tocsin-Source must be API or MANUAL")}},
	} {
		header := s.Header()
		header["Tocsin-Source"] = tt.values
		before := records(t, s)
		got := s.DoWith("POST", "/api/v4/incidents", newIncident, header)
		if tt.want.Status == 201 {
			shown := s.Do("GET", incidentPath(idOf(t, got.Body)), "").Body
			if source := `"incident_source":"` + tt.want.Body + `"`; got.Status != 201 || !strings.Contains(got.Body, source) || !strings.Contains(shown, source) {
				t.Errorf("%q: %d %s, then %s", tt.values, got.Status, got.Body, shown)
			}
			continue
		}
		if diff := cmp.Diff(tt.want, answer{got.Status, got.Body}); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.values, diff)
		}
		if diff := cmp.Diff(before, records(t, s)); diff != "" {
			t.Errorf("%q has written (-before +after):\n%s", tt.values, diff)
		}
	}
	if got := s.DoWith("POST", "/api/v4/incidents", `{}`, s.Header("Tocsin-Source", "x")); got.Body != badRequest("Title is required and must be a non-empty string") {
		t.Errorf("the body comes first: %s", got.Body)
	}
}
