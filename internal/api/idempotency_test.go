package api_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/apitest"
	"tocsin/internal/dynamotest"
	"tocsin/internal/local"
	"tocsin/internal/statuspage"
)

// doWith is Do with more headers: pairs of a name and a value.
func doWith(s *apitest.Server, method, path, body string, headers ...string) apitest.Response {
	return s.DoWith(method, path, body, s.Header(headers...))
}

const (
	reusedBody  = `{"error":{"code":"IDEMPOTENCY_KEY_REUSED","message":"This Idempotency-Key was used for another request"}}`
	runningBody = `{"error":{"code":"IDEMPOTENCY_CONFLICT","message":"A request with this Idempotency-Key is still in progress"}}`
	newIncident = `{"title":"t","start_date_time":600}`
)

// replayed compares an answer with the first one, which it must be again.
func replayed(t *testing.T, first, got apitest.Response) {
	t.Helper()
	if got.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("idempotent-replayed: %q, want true", got.Header.Get("Idempotent-Replayed"))
	}
	type shown struct {
		Status     int
		Body, ETag string
	}
	if diff := cmp.Diff(shown{first.Status, first.Body, first.Header.Get("ETag")}, shown{got.Status, got.Body, got.Header.Get("ETag")}); diff != "" {
		t.Errorf("replay (-first +again):\n%s", diff)
	}
}

// posts is every POST of the service, with a body that can be sent to it again and
// again by itself, and another one. They need newIncident and a monitor called sun.
var posts = []struct{ path, body, other string }{
	{"/api/v4/incidents", newIncident, `{"title":"t","start_date_time":660}`},
	{"/api/v4/incidents/1/comments", `{"comment":"c","state":"IDENTIFIED"}`, `{"comment":"d","state":"IDENTIFIED"}`},
	{"/api/v4/maintenances", newMaintenance, `{"title":"N","start_date_time":1768478400,"rrule":"COUNT=1","duration_seconds":3600}`},
	{"/api/v4/monitors", `{"tag":"venus","name":"V"}`, `{"tag":"pluto","name":"V"}`},
	{"/api/v4/alert-rules", `{"alert_for":"STATUS","alert_value":"DOWN","monitor_tags":["sun"]}`, `{"alert_for":"NO_DATA","alert_value":5,"monitor_tags":["sun"]}`},
	{"/api/v4/pages", `{"page_path":"team","page_title":"T","page_header":"H"}`, `{"page_path":"crew","page_title":"T","page_header":"H"}`},
	{"/api/v4/keys", `{"name":"k","scopes":["admin"]}`, `{"name":"l","scopes":["admin"]}`},
}

func TestIdempotencyKey(t *testing.T) {
	s, clock := start(t)
	monitorsNamed(t, s, "sun")
	made(t, s, "/api/v4/incidents", newIncident)
	monitorsNamed(t, s, "earth")
	other := *s
	other.Key = s.NewKey(statuspage.NewAPIKey{Name: "other", Scopes: statuspage.Scopes()})
	for n, p := range posts {
		t.Run(p.path, func(t *testing.T) {
			clock.seconds.Store(testStart)
			key := strings.ReplaceAll(p.path, "/", "-")
			first := doWith(s, http.MethodPost, p.path, p.body, "Idempotency-Key", key)
			if first.Status != http.StatusCreated || first.Header.Get("Idempotent-Replayed") != "" {
				t.Fatalf("at first: %d %s, replayed %q", first.Status, first.Body, first.Header.Get("Idempotent-Replayed"))
			}
			before := records(t, s)
			if p.path == "/api/v4/keys" { // the key itself is shown only once
				secret := first.Body[strings.Index(first.Body, `"kener_`):strings.LastIndex(first.Body, "}}")]
				if want := `{"api_key":{"id":3,"name":"k","scopes":["admin"],"created_at":"` + testStartText + `","expires_at":null,"last_used_at":null,"revoked_at":null,"key":` + secret + `}}`; first.Body != want {
					t.Errorf("body %s, want %s", first.Body, want)
				}
				first.Body = strings.Replace(first.Body, secret, "null", 1)
			}
			clock.seconds.Store(testStart + 24*60*60 - 1)
			replayed(t, first, doWith(s, http.MethodPost, p.path, p.body, "Idempotency-Key", key))
			for what, got := range map[string]apitest.Response{
				"another body": doWith(s, http.MethodPost, p.path, p.other, "Idempotency-Key", key),
				"another path": doWith(s, http.MethodPost, posts[(n+1)%len(posts)].path, posts[(n+1)%len(posts)].body, "Idempotency-Key", key),
				"a blank more": doWith(s, http.MethodPost, p.path, p.body+" ", "Idempotency-Key", key),
			} {
				if got.Status != http.StatusUnprocessableEntity || got.Body != reusedBody {
					t.Errorf("%s: %d %s", what, got.Status, got.Body)
				}
			}
			// The hour's use of the key is noted beside the requests above.
			after := records(t, s)
			for key := range after {
				if strings.HasPrefix(key, "APIKEY#") {
					delete(after[key], "last_used")
					delete(before[key], "last_used")
				}
			}
			if diff := cmp.Diff(before, after); diff != "" {
				t.Errorf("a replay has written (-before +after):\n%s", diff)
			}
			if got := doWith(&other, http.MethodPost, p.path, p.other, "Idempotency-Key", key); got.Status != http.StatusCreated || got.Header.Get("Idempotent-Replayed") != "" {
				t.Errorf("with another API key: %d %s", got.Status, got.Body)
			}
			clock.seconds.Store(testStart + 24*60*60)
			got := doWith(s, http.MethodPost, p.path, p.body, "Idempotency-Key", key)
			wantStatus := http.StatusCreated
			if p.path == "/api/v4/monitors" || p.path == pagesPath {
				wantStatus = http.StatusBadRequest // the monitor, or the page, is there
			}
			if got.Status != wantStatus || got.Header.Get("Idempotent-Replayed") != "" {
				t.Errorf("a day later: %d %s", got.Status, got.Body)
			}
		})
	}
	if strings.Contains(s.Log.String(), "kener_") {
		t.Error("a key is in the log")
	}
	for key, item := range records(t, s) {
		if strings.Contains(fmt.Sprint(item), "kener_") {
			t.Errorf("the table holds a key: %s %v", key, item)
		}
	}
}

// templateRoutes is every method and path that template.yaml lists.
func templateRoutes(t *testing.T) []string {
	t.Helper()
	template, err := local.ReadTemplate(filepath.Join(dynamotest.Root(t), "template.yaml"), local.TemplateOptions{TableName: "t", Region: dynamotest.Region})
	if err != nil {
		t.Fatal(err)
	}
	var routes []string
	for _, f := range template.Functions {
		for _, r := range f.Routes {
			if r.Method != "ANY" {
				routes = append(routes, r.Method+" "+r.Path)
			}
		}
	}
	return routes
}

// Posting statuses changes nothing when it is repeated, so its record is written
// after the effect: a try that is late makes no difference.
func TestStatusesSentAgain(t *testing.T) {
	s, clock := start(t)
	monitorsNamed(t, s, "earth")
	body := `{"points":[{"monitor_tag":"earth","status":"DOWN"},{"monitor_tag":"pluto","status":"UP"}]}`
	first := doWith(s, http.MethodPost, "/api/v4/status", body, "Idempotency-Key", "k")
	if first.Status != http.StatusOK || first.Header.Get("Idempotent-Replayed") != "" {
		t.Fatalf("at first: %d %s", first.Status, first.Body)
	}
	clock.seconds.Add(60)
	before := records(t, s)
	replayed(t, first, doWith(s, http.MethodPost, "/api/v4/status", body, "Idempotency-Key", "k"))
	if got := doWith(s, http.MethodPost, "/api/v4/status", body+" ", "Idempotency-Key", "k"); got.Status != http.StatusUnprocessableEntity || got.Body != reusedBody {
		t.Errorf("another body: %d %s", got.Status, got.Body)
	}
	if diff := cmp.Diff(before, records(t, s)); diff != "" {
		t.Errorf("a replay has written (-before +after):\n%s", diff)
	}
}

// legacyPosts is every POST of the legacy API, with a body and another one.
var legacyPosts = []struct{ path, body, other string }{
	{"/api/incident", `{"title":"t","tags":["earth"]}`, `{"title":"u","tags":["earth"]}`},
	{"/api/incident/1/status", `{"isResolved":true}`, `{"isResolved":false}`},
	{"/api/incident/1/status", `{}`, `{"isResolved":false}`},
	{"/api/incident/1/comment", `{"body":"c"}`, `{"body":"d"}`},
	{"/api/status", `{"status":"UP","latency":1,"tag":"earth"}`, `{"status":"DOWN","latency":1,"tag":"earth"}`},
}

func TestLegacyPostsSentAgain(t *testing.T) {
	t.Parallel()
	s, clock := start(t)
	monitorsNamed(t, s, "earth")
	report(t, s, `{"title":"one","tags":["earth"],"body":"b"}`)
	for n, p := range legacyPosts {
		key := fmt.Sprint("k", n)
		first := doWith(s, http.MethodPost, p.path, p.body, "Idempotency-Key", key)
		if first.Status != http.StatusOK || first.Header.Get("Idempotent-Replayed") != "" {
			t.Fatalf("%s at first: %d %s", p.path, first.Status, first.Body)
		}
		clock.seconds.Add(60)
		if p.path == "/api/incident/1/status" { // the answer is kept whatever came after it
			s.Do(http.MethodPost, p.path, p.other)
		}
		before := records(t, s)
		replayed(t, first, doWith(s, http.MethodPost, p.path, p.body, "Idempotency-Key", key))
		if got := doWith(s, http.MethodPost, p.path, p.other, "Idempotency-Key", key); got.Status != 422 || got.Body != flat("This Idempotency-Key was used for another request") {
			t.Errorf("%s with another body: %d %s", p.path, got.Status, got.Body)
		}
		if diff := cmp.Diff(before, records(t, s)); diff != "" {
			t.Errorf("%s: a replay has written (-before +after):\n%s", p.path, diff)
		}
		// One that is refused can be sent again.
		bad := map[string]string{
			"/api/incident": `{"title":"t","tags":["nope"]}`, "/api/incident/1/status": `{"endDatetime":"x"}`, "/api/incident/1/comment": `{}`, "/api/status": `{"status":"UP","latency":1,"tag":"nope"}`,
		}[p.path]
		for range 2 {
			if got := doWith(s, http.MethodPost, p.path, bad, "Idempotency-Key", key+"-bad"); got.Status != 400 {
				t.Errorf("%s refused: %d %s", p.path, got.Status, got.Body)
			}
		}
	}
}

// A new POST must be in the tables above, or have a test of its own.
func TestEveryPostIsIdempotent(t *testing.T) {
	known := map[string]bool{"/api/v4/status": true} // see TestStatusesSentAgain
	for _, p := range legacyPosts {
		known[strings.Replace(p.path, "/1/", "/{incidentNumber}/", 1)] = true
	}
	for _, p := range posts {
		known[strings.Replace(p.path, "/1/", "/{incident_id}/", 1)] = true
	}
	for _, path := range []string{
		"/api/v4/integrations", "/api/v4/integrations/{integration_id}/rotate", // see TestIntegrationLife: a token is not shown again
		"/api/v4/integrations/{integration_id}/signals", // a repetition does nothing, see TestSignals of the repository
		"/api/v4/integrations/{integration_id}/test",    // it writes nothing
	} {
		known[path] = true
	}
	for _, route := range templateRoutes(t) {
		if path, post := strings.CutPrefix(route, "POST "); post && !known[path] {
			t.Errorf("no test sends %s again", route)
		}
	}
}

// The answer of the first request is given again whatever became of what it made.
func TestReplayOfWhatChanged(t *testing.T) {
	s, _ := start(t)
	first := doWith(s, http.MethodPost, "/api/v4/incidents", newIncident, "Idempotency-Key", "k")
	id := idOf(t, first.Body)
	s.Do(http.MethodPatch, incidentPath(id), `{"title":"other"}`)
	replayed(t, first, doWith(s, http.MethodPost, "/api/v4/incidents", newIncident, "Idempotency-Key", "k"))
	s.Do(http.MethodDelete, incidentPath(id), "")
	replayed(t, first, doWith(s, http.MethodPost, "/api/v4/incidents", newIncident, "Idempotency-Key", "k"))
	if got := s.Do(http.MethodGet, incidentPath(id), ""); got.Status != http.StatusNotFound {
		t.Errorf("the deleted incident is back: %d %s", got.Status, got.Body)
	}
}

// Which header values are keys, and what is said of the others.
func TestIdempotencyKeyForm(t *testing.T) {
	s, _ := start(t)
	const refused = `{"error":{"code":"BAD_REQUEST","message":"Idempotency-Key must be 1 to 255 visible characters"}}`
	for _, key := range []string{"", "a b", "a\tb", "é", "a, b", "a ,b", strings.Repeat("k", 256)} {
		if got := doWith(s, http.MethodPost, "/api/v4/incidents", newIncident, "Idempotency-Key", key); got.Status != http.StatusBadRequest || got.Body != refused {
			t.Errorf("%.20q: %d %s", key, got.Status, got.Body)
		}
	}
	var bodies []string
	for _, key := range []string{"k", "K", "a,b", "a,,b", ",", `"k"`, "#", strings.Repeat("~", 255)} {
		first := doWith(s, http.MethodPost, "/api/v4/incidents", newIncident, "Idempotency-Key", key)
		if first.Status != http.StatusCreated {
			t.Errorf("%.20q: %d %s", key, first.Status, first.Body)
		}
		replayed(t, first, doWith(s, http.MethodPost, "/api/v4/incidents", newIncident, "Idempotency-Key", key))
		for _, body := range bodies {
			if body == first.Body {
				t.Errorf("%.20q got the answer to another key: %s", key, body)
			}
		}
		bodies = append(bodies, first.Body)
	}
	// Other methods have effects that a retry does not repeat anyway.
	for _, r := range []attempt{
		{method: http.MethodGet, path: "/api/v4/incidents", status: http.StatusOK},
		{method: http.MethodPatch, path: "/api/v4/incidents/1", body: `{"title":"x"}`, status: http.StatusOK},
		{method: http.MethodDelete, path: "/api/v4/incidents/1", status: http.StatusOK},
		{method: http.MethodDelete, path: "/api/v4/incidents/1", status: http.StatusNotFound},
	} {
		if got := doWith(s, r.method, r.path, r.body, "Idempotency-Key", ""); got.Status != r.status {
			t.Errorf("%s %s: %d %s", r.method, r.path, got.Status, got.Body)
		}
	}
}

// A refused request leaves no claim: the same request can succeed later, and a
// mended one may have its key.
func TestRefusalsAreNotKept(t *testing.T) {
	s, _ := start(t)
	onPluto := `{"title":"t","start_date_time":600,"monitors":[{"monitor_tag":"pluto"}]}`
	before := records(t, s)
	for _, r := range []attempt{
		{"JSON", "", "/api/v4/incidents", `{"title":`, http.StatusBadRequest, invalidBody},
		{"field", "", "/api/v4/incidents", `{"title":"t"}`, http.StatusBadRequest, badRequest("start_date_time is required")},
		{"unknown monitor", "", "/api/v4/incidents", onPluto, http.StatusBadRequest, badRequest("Monitor with tag 'pluto' not found")},
		{"times", "", "/api/v4/incidents", `{"title":"t","start_date_time":600,"end_date_time":0}`, http.StatusBadRequest, badRequest("end_date_time must not be before start_date_time")},
		{"no incident", "", "/api/v4/incidents/9/comments", `{"comment":"c","state":"RESOLVED"}`, http.StatusNotFound, notFound("Incident with id '9' not found")},
		{"no such id", "", "/api/v4/incidents/-9/comments", `{"comment":"c","state":"RESOLVED"}`, http.StatusNotFound, notFound("Incident with id '-9' not found")},
		{"no route", "", "/api/v4/nothing", `{}`, http.StatusNotFound, notFound("No API route matches '/api/v4/nothing'")},
		{"method", "", "/api/v4/incidents/1", `{}`, http.StatusMethodNotAllowed, fail("METHOD_NOT_ALLOWED", "POST method not allowed")},
		{"expiry", "", "/api/v4/keys", `{"name":"k","scopes":["admin"],"expires_at":600}`, http.StatusBadRequest, badRequest("expires_at must be in the future")},
	} {
		for range 2 {
			got := doWith(s, http.MethodPost, r.path, r.body, "Idempotency-Key", "k")
			if diff := cmp.Diff(answer{r.status, r.want}, answer{got.Status, got.Body}); diff != "" {
				t.Errorf("%s (-want +got):\n%s", r.name, diff)
			}
		}
	}
	after := records(t, s)
	for key := range after {
		delete(after[key], "last_used")
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("refused requests have written (-before +after):\n%s", diff)
	}
	monitorsNamed(t, s, "pluto")
	if got := doWith(s, http.MethodPost, "/api/v4/incidents", onPluto, "Idempotency-Key", "k"); got.Status != http.StatusCreated {
		t.Errorf("once the monitor is there: %d %s", got.Status, got.Body)
	}
}

// The longest answers that there can be are kept and given again as they were.
func TestLargeReplies(t *testing.T) {
	s, _ := start(t)
	id := made(t, s, "/api/v4/incidents", newIncident)
	for name, text := range map[string]string{
		"the most characters that the answer spells in six bytes": "x" + strings.Repeat("\u2028", statuspage.MaxComment-2) + "x",
		"the most that fit into a request as escapes":             strings.Repeat(`\u0001`, 43_000),
		"not UTF-8": strings.Repeat("\xff", statuspage.MaxComment),
	} {
		body := `{"state":"IDENTIFIED","comment":"` + text + `"}`
		key := strings.ReplaceAll(name, " ", "-")
		first := doWith(s, http.MethodPost, incidentPath(id)+"/comments", body, "Idempotency-Key", key)
		if first.Status != http.StatusCreated {
			t.Fatalf("%s: %d %.300s", name, first.Status, first.Body)
		}
		replayed(t, first, doWith(s, http.MethodPost, incidentPath(id)+"/comments", body, "Idempotency-Key", key))
	}
}

// The same request twenty times at once has one effect, and everyone is told of it
// or to come back.
func TestSameKeyAtOnce(t *testing.T) {
	s, _ := start(t)
	const rounds, atOnce = 10, 20
	for round := range rounds {
		body := fmt.Sprintf(`{"title":"round %d","start_date_time":600}`, round)
		var mu sync.Mutex
		var first []apitest.Response
		var replays []apitest.Response
		conflicts := 0
		var g sync.WaitGroup
		for range atOnce {
			g.Go(func() {
				got := doWith(s, http.MethodPost, "/api/v4/incidents", body, "Idempotency-Key", fmt.Sprint(round))
				mu.Lock()
				defer mu.Unlock()
				switch {
				case got.Status == http.StatusConflict && got.Body == runningBody && got.Header.Get("Retry-After") == "1":
					conflicts++
				case got.Status == http.StatusCreated && got.Header.Get("Idempotent-Replayed") == "true":
					replays = append(replays, got)
				case got.Status == http.StatusCreated:
					first = append(first, got)
				default:
					t.Errorf("%d %s", got.Status, got.Body)
				}
			})
		}
		g.Wait()
		if len(first) != 1 || len(first)+len(replays)+conflicts != atOnce {
			t.Fatalf("%d first answers, %d replays, %d conflicts, want one first of %d", len(first), len(replays), conflicts, atOnce)
		}
		for _, r := range replays {
			replayed(t, first[0], r)
		}
		replayed(t, first[0], doWith(s, http.MethodPost, "/api/v4/incidents", body, "Idempotency-Key", fmt.Sprint(round)))
	}
	if got := strings.Count(s.Do(http.MethodGet, "/api/v4/incidents", "").Body, `"title"`); got != rounds {
		t.Errorf("%d incidents, want %d", got, rounds)
	}
}

// isEffect reports whether a call changes records, and is not the claim of an idempotency
// key or its release alone.
var isEffect = dynamotest.Writes("CHANGES#")

// A killed function is one whose next call of DynamoDB never comes to its end: held
// holds the n-th transaction before or after it takes effect.
type held struct {
	next    dynamotest.Client
	armed   atomic.Bool
	after   bool // it takes effect, and the answer never comes
	reached chan struct{}
	goOn    chan struct{}
}

func newHeld(after bool) *held {
	return &held{after: after, reached: make(chan struct{}), goOn: make(chan struct{})}
}

// Do implements aws.HTTPClient.
func (h *held) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if !isEffect(operation, body) || !h.armed.CompareAndSwap(true, false) {
		return h.next.Do(r)
	}
	if h.after {
		resp, err := h.next.Do(r)
		close(h.reached)
		<-h.goOn
		return resp, err
	}
	close(h.reached)
	<-h.goOn
	return h.next.Do(r)
}

// A function that stops between its claim and its effect holds the key for a minute.
// Then the request is carried out by who sends it again, and what is left of the
// first try comes too late, should it come at all.
func TestKilledBeforeTheEffect(t *testing.T) {
	for _, p := range posts {
		t.Run(p.path, func(t *testing.T) {
			hold := newHeld(false)
			clock := &clock{}
			clock.seconds.Store(testStart)
			dying := apitest.New(t, apitest.Options{Now: clock.now, HTTPClient: hold})
			s := apitest.New(t, apitest.Options{Now: clock.now, Table: dying.Table})
			s.Key = dying.Key
			monitorsNamed(t, s, "sun")
			made(t, s, "/api/v4/incidents", newIncident)
			monitorsNamed(t, s, "earth")

			hold.armed.Store(true)
			late := make(chan apitest.Response)
			go func() { late <- doWith(dying, http.MethodPost, p.path, p.body, "Idempotency-Key", "k") }()
			<-hold.reached
			clock.seconds.Add(59)
			for _, want := range []struct {
				body   string
				status int
				answer string
			}{{p.body, http.StatusConflict, runningBody}, {p.other, http.StatusUnprocessableEntity, reusedBody}} {
				if got := doWith(s, http.MethodPost, p.path, want.body, "Idempotency-Key", "k"); got.Status != want.status || got.Body != want.answer {
					t.Errorf("59 seconds later: %d %s", got.Status, got.Body)
				}
			}
			clock.seconds.Add(1)
			first := doWith(s, http.MethodPost, p.path, p.body, "Idempotency-Key", "k")
			if first.Status != http.StatusCreated || first.Header.Get("Idempotent-Replayed") != "" {
				t.Fatalf("60 seconds later: %d %s", first.Status, first.Body)
			}
			before := records(t, s)
			close(hold.goOn)
			if got := <-late; got.Status != http.StatusConflict || got.Body != runningBody {
				t.Errorf("the first try, when it goes on: %d %s", got.Status, got.Body)
			}
			if diff := cmp.Diff(before, records(t, s)); diff != "" {
				t.Errorf("the first try has written after all (-before +after):\n%s", diff)
			}
			again := doWith(s, http.MethodPost, p.path, p.body, "Idempotency-Key", "k")
			if p.path != "/api/v4/keys" {
				replayed(t, first, again)
			}
		})
	}
}

// A function that stops after its effect has left its answer too: it is given at
// once to who sends the request again.
func TestKilledAfterTheEffect(t *testing.T) {
	for _, p := range posts {
		t.Run(p.path, func(t *testing.T) {
			hold := newHeld(true)
			clock := &clock{}
			clock.seconds.Store(testStart)
			dying := apitest.New(t, apitest.Options{Now: clock.now, HTTPClient: hold})
			s := apitest.New(t, apitest.Options{Now: clock.now, Table: dying.Table, Parameters: map[string]string{"SiteUrl": "http://other.example"}})
			s.Key = dying.Key
			monitorsNamed(t, s, "sun")
			made(t, s, "/api/v4/incidents", newIncident)
			monitorsNamed(t, s, "earth")

			hold.armed.Store(true)
			late := make(chan apitest.Response)
			go func() { late <- doWith(dying, http.MethodPost, p.path, p.body, "Idempotency-Key", "k") }()
			<-hold.reached
			before := records(t, s)
			again := doWith(s, http.MethodPost, p.path, p.body, "Idempotency-Key", "k")
			if diff := cmp.Diff(before, records(t, s)); diff != "" {
				t.Errorf("the second try has written (-before +after):\n%s", diff)
			}
			close(hold.goOn)
			first := <-late
			if p.path == "/api/v4/keys" {
				first.Body = first.Body[:strings.Index(first.Body, `"kener_`)] + "null}}"
			}
			replayed(t, first, again)
		})
	}
}

// When the table is throttled so long that a request is given up, its key is free:
// the request can be sent again at once.
func TestReleasedWhenUnavailable(t *testing.T) {
	var refuse atomic.Bool
	client := &dynamotest.Client{Inject: dynamotest.While(&refuse, isEffect, dynamotest.Throttle)}
	s := apitest.New(t, apitest.Options{HTTPClient: client})
	refuse.Store(true)
	if got := doWith(s, http.MethodPost, "/api/v4/incidents", newIncident, "Idempotency-Key", "k"); got.Status != http.StatusServiceUnavailable {
		t.Fatalf("throttled: %d %s", got.Status, got.Body)
	}
	refuse.Store(false)
	first := doWith(s, http.MethodPost, "/api/v4/incidents", newIncident, "Idempotency-Key", "k")
	if first.Status != http.StatusCreated || first.Header.Get("Idempotent-Replayed") != "" {
		t.Errorf("afterwards: %d %s", first.Status, first.Body)
	}
}
