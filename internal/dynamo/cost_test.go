package dynamo_test

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"tocsin/internal/apitest"
	"tocsin/internal/dynamo"
	"tocsin/internal/dynamotest"
	"tocsin/internal/statuspage"
)

const (
	fewIncidents  = 40 // fills a page of ten with each filter
	manyIncidents = 10_000

	commented     = 8  // the oldest incidents have a comment of their own id
	largeComments = 30 // the next ones have so many
	large         = 4

	overlap = 15 * time.Millisecond // of each answer: calls at the same time must overlap, also on a busy machine
)

// archive is a table with many incidents: all on the monitor "all", the open ones
// on the monitor "open" too, every third one closed. Seen from the newest it is
// the same whatever its size.
type archive struct {
	tb        *dynamotest.Table
	store     *dynamo.Store
	incidents []statuspage.Incident // newest first
}

func newArchive(t *testing.T, size int) *archive {
	t.Helper()
	a := &archive{tb: dynamotest.NewTable(t)}
	a.store = a.tb.Store(nil)
	monitors := []statuspage.Monitor{newMonitor("all"), newMonitor("open")}
	for n := range monitors {
		m := &monitors[n]
		m.ID, m.Created, m.Updated, m.Version = int64(n+1), now, now, 1
	}
	var comments []statuspage.Comment
	for n := range size {
		id := int64(size - n)
		i := statuspage.Incident{
			ID: id, Title: "Outage", Start: begin - int64(n/3)*minute, State: statuspage.Investigating,
			Type: statuspage.TypeIncident, Source: statuspage.SourceAPI, Created: now, Updated: now, Version: 1,
			Monitors: []statuspage.AffectedMonitor{{Tag: "all", MonitorID: 1, Impact: statuspage.Down}},
		}
		if n%3 == 2 {
			i.State, i.End, i.Closed = statuspage.Resolved, new(i.Start), new(int64(now))
		} else {
			i.Monitors = append(i.Monitors, statuspage.AffectedMonitor{Tag: "open", MonitorID: 2, Impact: statuspage.Degraded})
		}
		a.incidents = append(a.incidents, i)
		c := statuspage.Comment{ID: id, IncidentID: id, Text: "News", Time: i.Start, State: statuspage.Identified, Created: now, Updated: now, Version: 1}
		switch {
		case id <= commented:
			comments = append(comments, c)
		case id <= commented+large:
			for n := range int64(largeComments) {
				c.ID = 100*id + n
				comments = append(comments, c)
			}
		}
	}
	if err := a.store.Load(context.Background(), a.incidents, comments, monitors); err != nil {
		t.Fatal(err)
	}
	return a
}

// A request is what is measured. {i} in its path is the id of an incident that was
// not used before, with a comment of the same id; {l} one with 30 comments; {m} in
// path, body or header is the tag of a new monitor.
type request struct {
	name              string
	method, path      string
	body              string
	header            [2]string // name and value
	status            int
	sequential        int
	growsToItsMaximum bool // its capacity does not depend on the table's size from a certain size on
}

const (
	incidentsPath = "/api/v4/incidents"

	// of a request with the idempotency key "replayed" that was sent before
	replayedBody = `{"title":"Outage","start_date_time":60}`
)

// requests are the design's round trips: calls of DynamoDB that wait for one
// another.
var requests = []request{
	{name: "list", path: "?limit=10", sequential: 1},
	{name: "list open", path: "?limit=10&status=open", sequential: 1},
	{name: "list closed", path: "?limit=10&status=closed", sequential: 1},
	{name: "list by start", path: "?limit=10&start_ts=1&end_ts=1763799960", sequential: 1},
	{name: "list by tag", path: "?limit=10&monitor_tags=all", sequential: 3},
	{name: "list by tags", path: "?limit=10&monitor_tags=all,open", sequential: 3},
	{name: "list by unknown tag", path: "?limit=10&monitor_tags=pluto", sequential: 1},
	{name: "list open by the tag of open ones", path: "?limit=10&monitor_tags=open&status=open", sequential: 3},
	// The status is known only from the incidents: two thirds of them, or one, match,
	// so a second step has to look at more.
	{name: "list open by tag", path: "?limit=10&monitor_tags=all&status=open", sequential: 5, growsToItsMaximum: true},
	{name: "list closed by tag", path: "?limit=10&monitor_tags=all&status=closed", sequential: 5, growsToItsMaximum: true},
	{name: "GET incident", path: "/{i}", sequential: 1},
	{name: "GET no incident", path: "/999999", status: 404, sequential: 1},
	{name: "list comments", path: "/{l}/comments", sequential: 1},
	{name: "GET comment", path: "/1/comments/1", sequential: 1},
	{name: "PATCH title", method: "PATCH", path: "/1", body: `{"title":"New"}`, sequential: 1},
	{name: "PATCH end", method: "PATCH", path: "/1", body: `{"end_date_time":1763800020}`, sequential: 1},
	{name: "PATCH end null", method: "PATCH", path: "/1", body: `{"end_date_time":null}`, sequential: 1},
	{name: "PATCH start", method: "PATCH", path: "/2", body: `{"start_date_time":60}`, sequential: 2},
	{name: "PATCH monitors", method: "PATCH", path: "/3", body: `{"monitors":[{"monitor_tag":"all"},{"monitor_tag":"open"}]}`, sequential: 2},
	{name: "POST incident", method: "POST", path: "", body: `{"title":"Outage","start_date_time":60,"monitors":[{"monitor_tag":"all"},{"monitor_tag":"open"}]}`, status: 201, sequential: 2},
	{name: "POST comment", method: "POST", path: "/1/comments", body: `{"comment":"News","state":"RESOLVED"}`, status: 201, sequential: 2},
	{name: "PATCH comment", method: "PATCH", path: "/1/comments/1", body: `{"comment":"Other"}`, sequential: 2},
	{name: "DELETE comment", method: "DELETE", path: "/{i}/comments/{i}", sequential: 1},
	{name: "DELETE no comment", method: "DELETE", path: "/1/comments/999999", status: 404, sequential: 1},
	// Keys, transaction, a batch of 25, CLEANUP row.
	{name: "DELETE incident", method: "DELETE", path: "/{i}", sequential: 4},
	{name: "DELETE incident with many comments", method: "DELETE", path: "/{l}", sequential: 5},
	{name: "DELETE no incident", method: "DELETE", path: "/999999", status: 404, sequential: 1},
	{name: "legacy search", path: "/api/incident", sequential: 2},
	{name: "legacy search, closed", path: "/api/incident?state=closed&per_page=5", sequential: 2},
	{name: "legacy search, nothing found", path: "/api/incident?created_before_utc=5", sequential: 1},
	{name: "legacy GET incident", path: "/api/incident/{i}", sequential: 1},
	{name: "legacy GET no incident", path: "/api/incident/999999", status: 404, sequential: 1},
	{name: "legacy POST incident", method: "POST", path: "/api/incident", body: `{"title":"Outage","tags":["all","open"],"body":"text","isResolved":true}`, sequential: 2},
	{name: "legacy PATCH incident", method: "PATCH", path: "/api/incident/3", body: `{"title":"Outage","tags":["all"],"body":"text"}`, sequential: 2},
	{name: "legacy POST incident status", method: "POST", path: "/api/incident/3/status", body: `{"isIdentified":true}`, sequential: 2},
	{name: "legacy POST incident status, nothing", method: "POST", path: "/api/incident/3/status", body: `{}`, sequential: 1},
	{name: "legacy list comments", path: "/api/incident/{l}/comment", sequential: 1},
	{name: "legacy POST comment", method: "POST", path: "/api/incident/1/comment", body: `{"body":"News"}`, sequential: 2},
	{name: "legacy POST status", method: "POST", path: "/api/status", body: `{"status":"UP","latency":1,"tag":"all"}`, sequential: 2},
	{name: "legacy GET status", path: "/api/status?tag=all", sequential: 2},
	{name: "legacy POST comment, idempotency key", method: "POST", path: "/api/incident/1/comment", body: `{"body":"News"}`, header: [2]string{"Idempotency-Key", "{m}"}, sequential: 3},
	{name: "list monitors", path: "/api/v4/monitors", sequential: 1},
	{name: "GET monitor", path: "/api/v4/monitors/all", sequential: 1},
	{name: "POST monitor", method: "POST", path: "/api/v4/monitors", body: `{"tag":"{m}","name":"New"}`, status: 201, sequential: 2},
	{name: "PATCH monitor", method: "PATCH", path: "/api/v4/monitors/all", body: `{"name":"New"}`, sequential: 2},
	{name: "list keys", path: "/api/v4/keys", sequential: 1},
	{name: "POST key", method: "POST", path: "/api/v4/keys", body: `{"name":"k","scopes":["admin"]}`, status: 201, sequential: 2},
	{name: "DELETE key", method: "DELETE", path: "/api/v4/keys/2", sequential: 2},
	{name: "healthcheck", path: "/healthcheck", sequential: 0},
	// What the headers cost beside the same requests above.
	{name: "POST incident, idempotency key", method: "POST", path: "", body: `{"title":"Outage","start_date_time":60,"monitors":[{"monitor_tag":"all"},{"monitor_tag":"open"}]}`,
		header: [2]string{"Idempotency-Key", "{m}"}, status: 201, sequential: 3},
	{name: "POST incident, replayed", method: "POST", path: "", body: replayedBody, header: [2]string{"Idempotency-Key", "replayed"}, status: 201, sequential: 1},
	{name: "POST comment, idempotency key", method: "POST", path: "/1/comments", body: `{"comment":"News","state":"RESOLVED"}`, header: [2]string{"Idempotency-Key", "{m}"}, status: 201, sequential: 3},
	{name: "POST monitor, idempotency key", method: "POST", path: "/api/v4/monitors", body: `{"tag":"{m}","name":"New"}`, header: [2]string{"Idempotency-Key", "{m}"}, status: 201, sequential: 3},
	{name: "POST key, idempotency key", method: "POST", path: "/api/v4/keys", body: `{"name":"k","scopes":["admin"]}`, header: [2]string{"Idempotency-Key", "{m}"}, status: 201, sequential: 3},
	{name: "POST monitor refused, idempotency key", method: "POST", path: "/api/v4/monitors", body: `{"tag":"all","name":"New"}`, header: [2]string{"Idempotency-Key", "{m}"}, status: 400, sequential: 4},
	{name: "PATCH title, If-Match any", method: "PATCH", path: "/1", body: `{"title":"New"}`, header: [2]string{"If-Match", "*"}, sequential: 1},
	{name: "PATCH title, If-Match", method: "PATCH", path: "/1", body: `{"title":"New"}`, header: [2]string{"If-Match", "{etag}"}, sequential: 2},
	{name: "PATCH monitors, If-Match", method: "PATCH", path: "/3", body: `{"monitors":[{"monitor_tag":"all"},{"monitor_tag":"open"}]}`, header: [2]string{"If-Match", "{etag}"}, sequential: 2},
	{name: "PATCH refused, If-Match", method: "PATCH", path: "/1", body: `{"title":"New"}`, header: [2]string{"If-Match", `"old"`}, status: 412, sequential: 1},
	{name: "DELETE incident, If-Match", method: "DELETE", path: "/{i}", header: [2]string{"If-Match", "{etag}"}, sequential: 4},
}

// cost is what a request took.
type cost struct {
	Sequential  int
	Read, Write float64
}

// TestCosts counts the calls of every route through the whole service, and compares
// the capacity that they take in a small table and in a large one.
func TestCosts(t *testing.T) {
	costs := map[int][]cost{}
	for _, size := range []int{fewIncidents, manyIncidents} {
		a := newArchive(t, size)
		if size == manyIncidents {
			t.Run("lists", a.testLists)
			t.Run("rows read", a.testRowsRead)
		}
		t.Run(fmt.Sprintf("%d incidents", size), func(t *testing.T) { costs[size] = a.costs(t) })
	}
	for n, r := range requests {
		small, big := costs[fewIncidents][n], costs[manyIncidents][n]
		if d := gocmp.Diff(small, big); d != "" && !r.growsToItsMaximum {
			t.Errorf("%s: cost with %d incidents (-) and with %d (+):\n%s", r.name, fewIncidents, manyIncidents, d)
		}
		t.Logf("%-38s %d calls, %5.1f read and %4.1f write units", r.name, big.Sequential, big.Read, big.Write)
	}
}

func (a *archive) costs(t *testing.T) []cost {
	client := &dynamotest.Client{Delay: overlap}
	server := apitest.New(t, apitest.Options{Table: a.tb, HTTPClient: client})
	for _, path := range []string{"/api/v4/incidents/1", "/api/v4/incidents/1/comments", "/api/v4/monitors/all"} { // one of each function
		client.Reset()
		if got := server.Do("GET", path, ""); got.Status != http.StatusOK || client.Sequential() != 2 {
			t.Errorf("GET %s with a key that is not cached: %d after %d calls, want 200 after 2", path, got.Status, client.Sequential())
		}
	}
	if got := server.DoWith("POST", incidentsPath, replayedBody, server.Header("Idempotency-Key", "replayed")); got.Status != http.StatusCreated {
		t.Fatalf("the request to replay: %d %s", got.Status, got.Body)
	}
	server.NewKey(statuspage.NewAPIKey{Name: "to revoke", Scopes: statuspage.Scopes()})
	fresh, freshLarge, tags := int64(3), int64(commented), 0 // 1 to 3 are used by their number
	var costs []cost
	for _, r := range requests {
		var c cost
		// A pause of the machine can pull calls apart, never push them together: the
		// lowest of a few counts is the right one.
		for range 3 {
			path, body, header := r.path, r.body, r.header[1]
			if strings.Contains(path, "{i}") {
				fresh++
				path = strings.ReplaceAll(path, "{i}", fmt.Sprint(fresh))
			}
			if strings.Contains(path, "{l}") {
				freshLarge++
				path = strings.ReplaceAll(path, "{l}", fmt.Sprint(freshLarge))
			}
			tags++
			body = strings.ReplaceAll(body, "{m}", fmt.Sprintf("new-%d", tags))
			header = strings.ReplaceAll(header, "{m}", fmt.Sprintf("new-%d", tags))
			if !strings.HasPrefix(path, "/api") && path != "/healthcheck" {
				path = incidentsPath + path
			}
			if header == "{etag}" {
				header = server.Do("GET", path, "").Header.Get("ETag")
			}
			headers := server.Header()
			if r.header[0] != "" {
				headers = server.Header(r.header[0], header)
			}
			client.Reset()
			got := server.DoWith(cmp.Or(r.method, "GET"), path, body, headers)
			if want := cmp.Or(r.status, http.StatusOK); got.Status != want {
				t.Fatalf("%s: %s %s: %d, want %d: %s", r.name, r.method, path, got.Status, want, got.Body)
			}
			c.Sequential = client.Sequential()
			c.Read, c.Write = client.Capacity()
			if c.Sequential == r.sequential {
				break
			}
		}
		if c.Sequential != r.sequential {
			t.Errorf("%s: %d calls that wait for one another, want %d", r.name, c.Sequential, r.sequential)
		}
		costs = append(costs, c)
	}
	return costs
}

// queries are the filters of lists.
var queries = []struct {
	name  string
	query statuspage.IncidentQuery
}{
	{"all", statuspage.IncidentQuery{}},
	{"open", statuspage.IncidentQuery{Open: new(true)}},
	{"closed", statuspage.IncidentQuery{Open: new(false)}},
	{"tag", statuspage.IncidentQuery{Tags: []string{"all"}}},
	{"tags", statuspage.IncidentQuery{Tags: []string{"open", "pluto", "all", "open"}}},
	{"tag of open ones", statuspage.IncidentQuery{Tags: []string{"open"}}},
	{"closed by tag", statuspage.IncidentQuery{Tags: []string{"all"}, Open: new(false)}},
	{"closed by the tag of open ones", statuspage.IncidentQuery{Tags: []string{"open"}, Open: new(false)}},
	{"no tag", statuspage.IncidentQuery{Tags: []string{}}},
}

func isOpen(i statuspage.Incident) bool { return i.Closed == nil }

func newestFirst(a, b statuspage.Incident) int {
	return cmp.Or(cmp.Compare(b.Start, a.Start), cmp.Compare(b.ID, a.ID))
}

// testLists asks that pages of 1000 hold every match once, in order.
func (a *archive) testLists(t *testing.T) {
	slices.SortFunc(a.incidents, newestFirst)
	forAll(len(queries), 2, func(n int) {
		tt := queries[n]
		var want, got []int64
		for _, i := range a.incidents {
			linked := tt.query.Tags == nil || slices.ContainsFunc(i.Monitors, func(m statuspage.AffectedMonitor) bool { return slices.Contains(tt.query.Tags, m.Tag) })
			if linked && (tt.query.Open == nil || *tt.query.Open == isOpen(i)) {
				want = append(want, i.ID)
			}
		}
		q := tt.query
		q.Limit = 1000
		for _, i := range listed(t, a.store, q) {
			got = append(got, i.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %d incidents, want %d in order", tt.name, len(got), len(want))
		}
	})
}

// testRowsRead asks that no page of a list reads more than it may, however few of
// the rows match.
func (a *archive) testRowsRead(t *testing.T) {
	client := &dynamotest.Client{Delay: overlap}
	s := a.tb.Store(client)
	for _, tt := range queries {
		for _, limit := range []int{1, 10, 1000} {
			q := tt.query
			q.To, q.Limit = statuspage.MaxTimestamp, limit
			client.Reset()
			taken := 0
			next, err := s.Incidents(context.Background(), q, func(statuspage.Incident) bool {
				taken++
				return taken <= limit
			})
			if err != nil {
				t.Fatal(err)
			}
			incidents, rows := 0, 0
			for n, c := range client.Calls() {
				switch {
				case c.Operation == "Query":
					rows += c.Items
				case n > 0: // the first reads the monitors
					incidents += c.Items
				}
			}
			if incidents > dynamo.MaxRowsRead || rows > max(1, len(q.Tags))*dynamo.MaxRowsRead {
				t.Errorf("%s, limit %d: a page read %d rows and %d incidents", tt.name, limit, rows, incidents)
			}
			if calls := client.Sequential(); calls > 12 {
				t.Errorf("%s, limit %d: a page took %d calls", tt.name, limit, calls)
			}
			if tt.name == "closed by the tag of open ones" && (next == nil || taken > 0) {
				t.Errorf("%s, limit %d: the first page holds %d incidents and ends at %v, want none and a position", tt.name, limit, taken, next)
			}
		}
	}
}
