package api_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/apitest"
	"tocsin/internal/dynamotest"
)

var racesFlag = flag.Int("races", 70, "how often two writers race for one incident in each mode")

const changedBody = `{"error":{"code":"PRECONDITION_FAILED","message":"The incident was changed since: its ETag does not match If-Match"}}`

var etagForm = regexp.MustCompile(`^"[A-Za-z0-9_-]{22}"$`)

// Every answer with one incident carries its tag, which does not depend on the
// address that it was asked for at; no other answer carries one.
func TestETag(t *testing.T) {
	s, clock := start(t)
	elsewhere := apitest.New(t, apitest.Options{Table: s.Table, Now: clock.now, Parameters: map[string]string{"SiteUrl": "https://status.example"}})
	elsewhere.Key = s.Key
	made := s.Do(http.MethodPost, "/api/v4/incidents", newIncident)
	path := incidentPath(idOf(t, made.Body))
	tag := made.Header.Get("ETag")
	if !etagForm.MatchString(tag) {
		t.Errorf("etag %q", tag)
	}
	same := map[string]apitest.Response{
		"GET": s.Do(http.MethodGet, path, ""), "HEAD": s.Do(http.MethodHead, path, ""), "GET elsewhere": elsewhere.Do(http.MethodGet, path, ""),
		"PATCH of nothing in the same second": s.Do(http.MethodPatch, path, `{}`), "PATCH to what it is": s.Do(http.MethodPatch, path, `{"title":"t"}`),
	}
	for what, got := range same {
		if got.Header.Get("ETag") != tag {
			t.Errorf("%s: etag %q, want %q", what, got.Header.Get("ETag"), tag)
		}
	}
	if same["GET"].Body == same["GET elsewhere"].Body {
		t.Error("the url is the same elsewhere")
	}
	for what, got := range map[string]apitest.Response{
		"list": s.Do(http.MethodGet, "/api/v4/incidents", ""), "comments": s.Do(http.MethodGet, path+"/comments", ""),
		"comment": s.Do(http.MethodPost, path+"/comments", `{"comment":"c","state":"IDENTIFIED"}`), "monitors": s.Do(http.MethodGet, "/api/v4/monitors", ""),
		"no incident": s.Do(http.MethodGet, incidentPath(99), ""), "delete": s.Do(http.MethodDelete, path, ""),
	} {
		if tag := got.Header.Get("ETag"); tag != "" {
			t.Errorf("%s: etag %q", what, tag)
		}
	}
}

func TestIfMatch(t *testing.T) {
	s, clock := start(t)
	monitorsNamed(t, s, "earth")
	id := made(t, s, "/api/v4/incidents", `{"title":"t","start_date_time":600,"monitors":[{"monitor_tag":"earth"}]}`)
	path := incidentPath(id)
	old := s.Do(http.MethodGet, path, "").Header.Get("ETag")
	clock.seconds.Add(1)
	tag := s.Do(http.MethodPatch, path, `{}`).Header.Get("ETag")
	if old == tag {
		t.Fatal("the tag did not change with updated_at")
	}
	before := records(t, s)
	for _, tt := range []struct {
		name, method, path, body string
		header                   string
		status                   int
		want                     string
	}{
		{"an old tag", "PATCH", path, `{"title":"x"}`, old, 412, changedBody},
		{"an old tag, start", "PATCH", path, `{"start_date_time":0}`, old, 412, changedBody},
		{"an old tag, monitors", "PATCH", path, `{"monitors":[]}`, old, 412, changedBody},
		{"an old tag, nothing", "PATCH", path, `{}`, old, 412, changedBody},
		{"an old tag, DELETE", "DELETE", path, ``, old, 412, changedBody},
		{"a weak tag", "PATCH", path, `{"title":"x"}`, "W/" + tag, 412, changedBody},
		{"no quotes", "PATCH", path, `{"title":"x"}`, strings.Trim(tag, `"`), 412, changedBody},
		{"an empty header", "PATCH", path, `{"title":"x"}`, "", 412, changedBody},
		{"an empty header, DELETE", "DELETE", path, ``, "", 412, changedBody},
		{"a star in quotes", "PATCH", path, `{"title":"x"}`, `"*"`, 412, changedBody},
		{"a list without it", "PATCH", path, `{"title":"x"}`, old + `, "other",,`, 412, changedBody},
		{"JSON first", "PATCH", path, `{`, old, 400, invalidBody},
		{"fields first", "PATCH", path, `{"title":""}`, old, 400, badRequest("Title must be a non-empty string")},
		{"the row first", "PATCH", incidentPath(99), `{"title":"x"}`, old, 404, notFound("Incident with id '99' not found")},
		{"the row first, even for a star", "PATCH", incidentPath(99), `{"title":"x"}`, "*", 404, notFound("Incident with id '99' not found")},
		{"the row first, DELETE", "DELETE", incidentPath(99), ``, old, 404, notFound("Incident with id '99' not found")},
		{"an id that nothing has", "DELETE", incidentPath(-1), ``, old, 404, notFound("Incident with id '-1' not found")},
		{"monitors first", "PATCH", path, `{"monitors":[{"monitor_tag":"pluto"}]}`, old, 400, badRequest("Monitor with tag 'pluto' not found")},
		{"times first", "PATCH", path, `{"end_date_time":0}`, old, 400, badRequest("end_date_time must not be before start_date_time")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := doWith(s, tt.method, tt.path, tt.body, "If-Match", tt.header)
			if diff := cmp.Diff(answer{tt.status, tt.want}, answer{got.Status, got.Body}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if diff := cmp.Diff(before, records(t, s)); diff != "" {
		t.Errorf("refused requests have written (-before +after):\n%s", diff)
	}
	for n, header := range []string{"TAG", "*", ` "other" ,  TAG`, "TAG,TAG", `W/"x",TAG`, ` * `} {
		tag := s.Do(http.MethodGet, path, "").Header.Get("ETag")
		body := fmt.Sprintf(`{"title":"title %d"}`, n)
		got := doWith(s, http.MethodPatch, path, body, "If-Match", strings.ReplaceAll(header, "TAG", tag))
		if got.Status != http.StatusOK || !strings.Contains(got.Body, fmt.Sprintf("title %d", n)) || got.Header.Get("ETag") == tag {
			t.Errorf("%s: %d %s", header, got.Status, got.Body)
		}
	}
	got := doWith(s, http.MethodGet, path, "", "If-Match", old)
	if got.Status != http.StatusOK {
		t.Errorf("GET: %d %s", got.Status, got.Body)
	}
	if got := doWith(s, http.MethodDelete, path, "", "If-Match", got.Header.Get("ETag")); got.Status != http.StatusOK {
		t.Errorf("DELETE: %d %s", got.Status, got.Body)
	}
}

// The tag changes exactly when the representation does: over a random history no two
// representations, url aside, share a tag, and none has two.
func TestETagFollowsTheRepresentation(t *testing.T) {
	s, clock := start(t)
	monitorsNamed(t, s, "a", "b", "c")
	random := rand.New(rand.NewPCG(1, 2))
	tags, shown := map[string]string{}, map[string]string{}
	look := func(path string) {
		got := s.Do(http.MethodGet, path, "")
		if got.Status == http.StatusNotFound {
			return
		}
		var envelope struct{ Incident map[string]any }
		if err := json.Unmarshal([]byte(got.Body), &envelope); err != nil {
			t.Fatal(err)
		}
		delete(envelope.Incident, "url")
		text, err := json.Marshal(envelope.Incident)
		if err != nil {
			t.Fatal(err)
		}
		tag, representation := got.Header.Get("ETag"), string(text)
		if old, ok := tags[representation]; ok && old != tag {
			t.Errorf("two tags, %s and %s, of %s", old, tag, representation)
		}
		if old, ok := shown[tag]; ok && old != representation {
			t.Errorf("one tag, %s, of %s and %s", tag, old, representation)
		}
		tags[representation], shown[tag] = tag, representation
	}
	pick := func(from ...string) string { return from[random.IntN(len(from))] }
	var paths []string
	for range 3 {
		paths = append(paths, incidentPath(made(t, s, "/api/v4/incidents", newIncident)))
	}
	for range 250 {
		path := paths[random.IntN(len(paths))]
		switch random.IntN(5) {
		case 0:
			s.Do(http.MethodPost, path+"/comments", fmt.Sprintf(`{"comment":"c","state":%q,"timestamp":%s}`, pick("INVESTIGATING", "RESOLVED", "IDENTIFIED"), pick("600", "1200")))
		case 1:
			clock.seconds.Add(1)
		case 2: // a monitor that goes takes itself out of incidents
			tag := pick("a", "b", "c")
			s.Do(http.MethodDelete, "/api/v4/monitors/"+tag, "")
			monitorsNamed(t, s, tag)
		default:
			s.Do(http.MethodPatch, path, pick(`{}`, `{"title":"t"}`, `{"title":"<u>"}`, `{"end_date_time":1200}`, `{"end_date_time":null}`, `{"start_date_time":600}`, `{"start_date_time":540}`,
				`{"monitors":[]}`, `{"monitors":[{"monitor_tag":"a"},{"monitor_tag":"b"}]}`, `{"monitors":[{"monitor_tag":"b","impact":"UP"},{"monitor_tag":"a"}]}`))
		}
		look(path)
	}
	if len(tags) < 50 {
		t.Errorf("only %d representations were seen", len(tags))
	}
}

// Two writers who have seen the same incident: one changes it, the other is told,
// whoever is first, also when the answer to the first try is lost and the SDK tries
// again.
func TestIfMatchRaces(t *testing.T) {
	races := *racesFlag
	for name, fault := range map[string]dynamotest.Fault{"plain": dynamotest.None, "lost answers": dynamotest.LostAnswer, "conflicts": dynamotest.Conflict} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := &clock{}
			clock.seconds.Store(testStart)
			var faults atomic.Int64
			var mu sync.Mutex
			inject := dynamotest.First(fault)
			client := &dynamotest.Client{Inject: func(operation string, body []byte) dynamotest.Fault {
				if fault == dynamotest.None || !isEffect(operation, body) || !strings.Contains(string(body), "was_version") {
					return dynamotest.None
				}
				mu.Lock()
				defer mu.Unlock()
				f := inject(operation, body)
				if f != dynamotest.None {
					faults.Add(1)
				}
				return f
			}}
			s := apitest.New(t, apitest.Options{HTTPClient: client, Now: clock.now})
			for race := range races {
				first := s.Do(http.MethodPost, "/api/v4/incidents", newIncident)
				path, tag := incidentPath(idOf(t, first.Body)), first.Header.Get("ETag")
				writes := []struct{ method, body string }{
					{http.MethodPatch, fmt.Sprintf(`{"title":"a %d"}`, race)},
					{http.MethodPatch, fmt.Sprintf(`{"title":"b %d","start_date_time":%d}`, race, 600+60*(race%2))},
				}
				if race%4 == 3 {
					writes[1].method, writes[1].body = http.MethodDelete, ""
				}
				var answers [2]apitest.Response
				var g sync.WaitGroup
				for n, w := range writes {
					g.Go(func() { answers[n] = doWith(s, w.method, path, w.body, "If-Match", tag) })
				}
				g.Wait()
				now := s.Do(http.MethodGet, path, "")
				a, b := answers[0], answers[1]
				late := func(r apitest.Response) bool {
					return r.Status == http.StatusPreconditionFailed && r.Body == changedBody
				}
				switch {
				case a.Status == http.StatusOK && late(b):
					if now.Body != a.Body {
						t.Errorf("race %d: %s, want the first's %s", race, now.Body, a.Body)
					}
				case b.Status == http.StatusOK && writes[1].method == http.MethodDelete:
					if now.Status != http.StatusNotFound || a.Status != http.StatusNotFound {
						t.Errorf("race %d: deleted, the other: %d %s, now %d %s", race, a.Status, a.Body, now.Status, now.Body)
					}
				case b.Status == http.StatusOK && late(a):
					if now.Body != b.Body {
						t.Errorf("race %d: %s, want the second's %s", race, now.Body, b.Body)
					}
				default:
					t.Errorf("race %d: %d %s and %d %s", race, a.Status, a.Body, b.Status, b.Body)
				}
			}
			if (faults.Load() > 0) != (fault != dynamotest.None) {
				t.Errorf("%d faults", faults.Load())
			}
			t.Logf("%d races, %d faults", races, faults.Load())
		})
	}
}

// TestETagsOfMaintenances is about one maintenance and one of its events.
func TestETagsOfMaintenances(t *testing.T) {
	t.Parallel()
	s, clock := start(t)
	elsewhere := apitest.New(t, apitest.Options{Table: s.Table, Now: clock.now, Parameters: map[string]string{"SiteUrl": "https://status.example"}})
	elsewhere.Key = s.Key
	first := s.Do(http.MethodPost, maintenancesPath, newMaintenance)
	id := idOf(t, first.Body)
	event := eventsPath(id) + "/1"
	tagOf := func(path string) string { return s.Do(http.MethodGet, path, "").Header.Get("ETag") }
	for _, path := range []string{maintenancesPath, maintenancesPath + "/events", eventsPath(id)} {
		if tag := tagOf(path); tag != "" {
			t.Errorf("GET %s: etag %q", path, tag)
		}
	}
	if tag := first.Header.Get("ETag"); !etagForm.MatchString(tag) || tag != tagOf(maintenancePath(id)) {
		t.Errorf("POST: etag %q", tag)
	}
	for _, tt := range []struct {
		path, nothing, change string
		changed               string
	}{
		{maintenancePath(id), `{}`, `{"title":"%d"}`, "The maintenance was changed since: its ETag does not match If-Match"},
		{event, "", `{"start_date_time":%d,"end_date_time":1768490000}`, "The event was changed since: its ETag does not match If-Match"},
	} {
		tag := tagOf(tt.path)
		if here, there := s.Do(http.MethodGet, tt.path, ""), elsewhere.Do(http.MethodGet, tt.path, ""); !etagForm.MatchString(tag) || there.Header.Get("ETag") != tag || here.Body == there.Body {
			t.Errorf("%s: etag %q, elsewhere %q", tt.path, tag, there.Header.Get("ETag"))
		}
		if tt.nothing != "" {
			if got := s.Do(http.MethodPatch, tt.path, tt.nothing); got.Header.Get("ETag") != tag {
				t.Errorf("%s: etag %q after nothing, was %q", tt.path, got.Header.Get("ETag"), tag)
			}
		}
		body := func(n int) string { return fmt.Sprintf(tt.change, 1768480020+60*n) }
		if got := s.Do(http.MethodPatch, tt.path, body(0)); got.Status != http.StatusOK || got.Header.Get("ETag") == tag || got.Header.Get("ETag") != tagOf(tt.path) {
			t.Errorf("%s: %d %q, was %q", tt.path, got.Status, got.Header.Get("ETag"), tag)
		}
		before := records(t, s)
		want := answer{412, fail("PRECONDITION_FAILED", tt.changed)}
		for _, header := range []string{tag, "W/" + tagOf(tt.path), "", `"*"`, tag + `, "other"`} {
			for _, method := range []string{http.MethodPatch, http.MethodDelete} {
				got := doWith(s, method, tt.path, body(1), "If-Match", header)
				if diff := cmp.Diff(want, answer{got.Status, got.Body}); diff != "" {
					t.Errorf("%s %s with %s (-want +got):\n%s", method, tt.path, header, diff)
				}
			}
		}
		if diff := cmp.Diff(before, records(t, s)); diff != "" {
			t.Errorf("refused requests have written (-before +after):\n%s", diff)
		}
		for n, header := range []string{tagOf(tt.path), "*"} {
			if got := doWith(s, http.MethodPatch, tt.path, body(n+2), "If-Match", header); got.Status != http.StatusOK {
				t.Errorf("PATCH %s with %s: %d %s", tt.path, header, got.Status, got.Body)
			}
		}
	}

	seen := tagOf(event)
	clock.seconds.Store(1768483200) // by then it is on
	if got := doWith(s, http.MethodPatch, event, `{"status":"CANCELLED"}`, "If-Match", seen); got.Status != http.StatusPreconditionFailed {
		t.Errorf("an event that the clock has changed: %d %s", got.Status, got.Body)
	}
	for _, tt := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"PATCH", maintenancePath(99), `{"title":"x"}`, 404, notFound("Maintenance with id '99' not found")},
		{"PATCH", maintenancePath(id), `{"monitors":[{"monitor_tag":"pluto"}]}`, 400, badRequest("Monitor with tag 'pluto' not found")},
		{"DELETE", eventsPath(id) + "/99", "", 404, notFound("Event with id '99' not found for this maintenance")},
		{"PATCH", event, `{"status":"x"}`, 400, badRequest("status must be COMPLETED or CANCELLED")},
	} {
		got := doWith(s, tt.method, tt.path, tt.body, "If-Match", `"other"`)
		if diff := cmp.Diff(answer{tt.status, tt.want}, answer{got.Status, got.Body}); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", tt.method, tt.path, diff)
		}
	}
	for _, path := range []string{event, maintenancePath(id)} {
		if got := doWith(s, http.MethodDelete, path, "", "If-Match", tagOf(path)); got.Status != http.StatusOK {
			t.Errorf("DELETE %s: %d %s", path, got.Status, got.Body)
		}
	}
}
