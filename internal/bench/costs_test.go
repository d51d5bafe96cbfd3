package bench

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"tocsin/internal/apitest"
	"tocsin/internal/apiv4"
	"tocsin/internal/awsenv"
	"tocsin/internal/dynamotest"
	"tocsin/internal/function"
	"tocsin/internal/statuspage"
)

var update = flag.Bool("update", false, "write what was measured into testdata instead of comparing")

// costsFile is where the exact costs stand.
const costsFile = "costs.json"

// The sizes of the table that a usual test run measures: as small as tables get, the
// smallest that fills a page of each list, and a large one.
var sizes = []int{10, 100, 10_000}

// A cost is what one request or one run of a scheduled function took.
type cost struct {
	Route       string  `json:"route"` // of a request, or the name of a scheduled function
	Case        string  `json:"case"`
	Incidents   int     `json:"incidents"`    // in the table before
	Calls       int     `json:"calls"`        // of DynamoDB that wait for one another
	AllCalls    int     `json:"all_calls"`    // of DynamoDB
	Read        float64 `json:"read"`         // read units as DynamoDB Local reports them
	Write       float64 `json:"write"`        // write units, likewise
	ReadAWS     float64 `json:"read_aws"`     // by the rules of AWS, see meter
	WriteAWS    float64 `json:"write_aws"`    // likewise
	AnswerBytes int     `json:"answer_bytes"` // of the body
	LogBytes    int     `json:"log_bytes"`    // of the function's own lines, without Lambda's

	Measured string `json:"measured,omitempty"` // on which day, in a table that only TestCostsOfMany measures
}

func (c cost) key() string { return fmt.Sprintf("%s, %s, %d incidents", c.Route, c.Case, c.Incidents) }

// TestCosts measures every route and every scheduled function through the whole service,
// and compares the figures with the file. What depends on the table's size fails it.
func TestCosts(t *testing.T) {
	var measured []cost
	for _, size := range sizes {
		measured = append(measured, measure(t, dynamotest.NewArchive(t, size))...)
	}
	measured = append(measured, schedules(t)...)
	checkSizes(t, measured)
	var known []cost
	readGolden(t, costsFile, &known)
	others := slices.DeleteFunc(slices.Clone(known), func(c cost) bool { return c.Incidents <= sizes[len(sizes)-1] })
	compareGolden(t, costsFile, sorted(append(measured, others...)), sorted(known))
}

// sorted puts the costs of a case together, in the order of the cases.
func sorted(costs []cost) []cost {
	order := map[string]int{}
	for n, r := range requests {
		order[r.route+"\n"+r.name] = n - len(requests)
	}
	place := func(c cost) int { return order[c.Route+"\n"+c.Case] }
	slices.SortStableFunc(costs, func(a, b cost) int {
		return cmp.Or(place(a)-place(b), cmp.Compare(a.Route, b.Route), cmp.Compare(a.Case, b.Case), a.Incidents-b.Incidents)
	})
	return costs
}

// checkSizes asks that a request costs the same in a table of any size that fills its
// answer.
func checkSizes(t *testing.T, costs []cost) {
	t.Helper()
	all := map[string][]cost{}
	for _, c := range costs {
		all[c.Route+"\n"+c.Case] = append(all[c.Route+"\n"+c.Case], c)
	}
	for _, r := range requests {
		var first *cost
		for _, c := range all[r.route+"\n"+r.name] {
			if r.growsToItsMaximum || r.list && c.Incidents < sizes[1] {
				continue
			}
			if first == nil {
				first = &c
				continue
			}
			want := c
			want.Calls, want.AllCalls, want.ReadAWS, want.WriteAWS = first.Calls, first.AllCalls, first.ReadAWS, first.WriteAWS
			if c.Incidents <= sizes[len(sizes)-1] { // a larger table may be in another engine
				want.Read, want.Write = first.Read, first.Write
			}
			if d := gocmp.Diff(want, c); d != "" {
				t.Errorf("%s: other than with %d incidents (-):\n%s", c.key(), first.Incidents, d)
			}
		}
	}
}

// readGolden reads a file of testdata, or nothing when it is not there yet.
func readGolden(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if os.IsNotExist(err) && *update {
		return
	}
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// compareGolden compares what was measured with the file, or writes it there. The file has
// one entry a line, so that a change shows what it changed.
func compareGolden[T any](t *testing.T, name string, measured, known []T) {
	t.Helper()
	if d := gocmp.Diff(known, measured); d != "" && !*update {
		t.Errorf("%s (-) and what was measured (+) differ; when that is meant: go test ./internal/bench -update\n%s", name, d)
	}
	if !*update || t.Failed() {
		return
	}
	var text bytes.Buffer
	text.WriteString("[\n")
	for n, c := range measured {
		line, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(line)
		if n < len(measured)-1 {
			text.WriteByte(',')
		}
		text.WriteByte('\n')
	}
	text.WriteString("]\n")
	if err := os.WriteFile(filepath.Join("testdata", name), text.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// clock is the time of all requests: always the same time of day, since that is how much
// of the day an uptime counts, and not long ago, since the engine deletes what is out of
// date by its own clock.
var clock = time.Now().UTC().Truncate(24 * time.Hour).Add(-12 * time.Hour)

func now() time.Time { return clock }

// delay holds DynamoDB's answers back, so that calls at the same time overlap.
const delay = 15 * time.Millisecond

// A bench is the service on an archive, with all that measures it.
type bench struct {
	t      testing.TB
	table  *dynamotest.Table
	size   int
	server *apitest.Server
	client *dynamotest.Client
	meter  *meter
	made   int // new tags so far
}

func infoLog(w io.Writer) *slog.Logger {
	log, err := awsenv.NewLog(w, "INFO")
	if err != nil {
		panic(err)
	}
	return log
}

func newBench(t testing.TB, table *dynamotest.Table, size int) *bench {
	t.Helper()
	b := &bench{t: t, table: table, size: size, meter: newMeter(t, table)}
	b.client = &dynamotest.Client{Base: b.meter}
	b.server = b.start()
	return b
}

// start returns the service with nothing in its memory.
func (b *bench) start() *apitest.Server {
	b.t.Helper()
	return apitest.New(b.t, apitest.Options{
		Table: b.table, Now: now, HTTPClient: b.client, NewLog: infoLog, Parameters: map[string]string{"SiteUrl": "https://status.example.com"},
	})
}

// measure sends every request to the service on the archive.
func measure(t *testing.T, a *dynamotest.Archive) []cost {
	b := newBench(t, a.Table, a.Size)
	costs := b.keys()
	b.warm()
	for n, r := range requests {
		if n == lists {
			b.prepare()
		}
		costs = append(costs, b.request(r))
	}
	return costs
}

// keys measures what an API key costs that a function has not seen yet, beside getOne.
func (b *bench) keys() []cost {
	first := b.cost(getOne.route, "one, first use of the key in an hour", func() int { return len(b.send(getOne, getOne.path, "", "").Body) })
	if first.Calls != 2 || first.AllCalls != 3 {
		b.t.Errorf("GET with a key that is not cached: %d calls in turn and %d in all, want 2 and 3: the key, then the incident and the note of its use", first.Calls, first.AllCalls)
	}
	key := b.server.Key
	b.server = b.start()
	b.server.Key = key
	again := b.cost(getOne.route, "one, key not in the cache", func() int { return len(b.send(getOne, getOne.path, "", "").Body) })
	if again.Calls != 2 || again.AllCalls != 2 {
		b.t.Errorf("GET with a key that is not cached but was used in this hour: %d calls in turn and %d in all, want 2 and 2", again.Calls, again.AllCalls)
	}
	return []cost{first, again}
}

// warm lets every function see the key, so that the others find it in the cache.
func (b *bench) warm() {
	for _, path := range []string{incidents + "/1", incidents + "/1/comments", monitors + "/all", keysPath} {
		if got := b.server.Do("GET", path, ""); got.Status != http.StatusOK {
			b.t.Fatalf("GET %s: %d %s", path, got.Status, got.Body)
		}
	}
}

// prepare makes what the requests expect beside the archive.
func (b *bench) prepare() {
	b.t.Helper()
	store := b.table.Store(nil)
	ctx := b.t.Context()
	at := clock.Unix()
	for _, tag := range append(tags(fewPoints), "filled", "watched") {
		if _, err := store.CreateMonitor(ctx, statuspage.NewMonitor(tag, tag), at, nil); err != nil {
			b.t.Fatal(err)
		}
	}
	down := statuspage.Condition{For: statuspage.AlertStatus, Status: statuspage.StatusDown, Failures: 1, Successes: 1}
	if _, err := store.CreateAlertRule(ctx, statuspage.NewAlertRule{Condition: down, Tags: []string{"watched"}, Severity: statuspage.Warning, Active: true}, at, nil); err != nil {
		b.t.Fatal(err)
	}
	days := statuspage.Range{From: at - 91*24*3600, To: at, Status: statuspage.StatusUp, Latency: func(int64) float64 { return 123.4 }}
	// Totals of days are stored only some time after a range was filled.
	if err := store.FillRange(ctx, "filled", days, at-24*3600); err != nil {
		b.t.Fatal(err)
	}
	if _, _, err := store.Uptime(ctx, "filled", statuspage.LastDays(90, at), at); err != nil {
		b.t.Fatal(err)
	}
	if got := b.server.DoWith("POST", incidents, replayedBody, b.server.Header("Idempotency-Key", "replayed")); got.Status != http.StatusCreated {
		b.t.Fatalf("the request to replay: %d %s", got.Status, got.Body)
	}
	b.server.NewKey(statuspage.NewAPIKey{Name: "to revoke", Scopes: statuspage.Scopes()})
}

// incident makes an incident with so many comments and returns its id and that of the
// last comment.
func (b *bench) incident(comments int) (id, comment int64) {
	b.t.Helper()
	store := b.table.Store(nil)
	ctx := b.t.Context()
	i, err := store.CreateIncident(ctx, statuspage.NewIncident{
		Title: "Outage", Start: 60, Source: statuspage.SourceAPI,
		Monitors: []statuspage.MonitorImpact{{Tag: "all", Impact: statuspage.Down}, {Tag: "open", Impact: statuspage.Down}},
	}, clock.Unix(), nil)
	if err != nil {
		b.t.Fatal(err)
	}
	for range comments {
		c, err := store.CreateComment(ctx, i.ID, statuspage.NewComment{Text: "News", Time: clock.Unix(), State: statuspage.Identified}, clock.Unix(), nil)
		if err != nil {
			b.t.Fatal(err)
		}
		comment = c.ID
	}
	return i.ID, comment
}

var minutesAgo = regexp.MustCompile(`\{minute-\d+\}`)

// fill replaces the placeholders of a request.
func (b *bench) fill(r request) (path, body, header string) {
	b.t.Helper()
	b.made++
	with := []string{
		"{m}", fmt.Sprintf("new-%03d", b.made), "{minute}", fmt.Sprint(clock.Unix()), "{hour}", fmt.Sprint(clock.Unix() - 3600),
	}
	if strings.Contains(r.path, "{i}") {
		id, comment := b.incident(1)
		with = append(with, "{i}", fmt.Sprint(id), "{c}", fmt.Sprint(comment))
	}
	if strings.Contains(r.path, "{l}") {
		id, _ := b.incident(dynamotest.ArchiveComments)
		with = append(with, "{l}", fmt.Sprint(id))
	}
	if strings.Contains(r.path, "{k}") {
		k, err := b.table.Store(nil).CreateAPIKey(b.t.Context(), statuspage.NewSecret(), statuspage.NewAPIKey{Name: "to revoke", Scopes: statuspage.Scopes()}, clock.Unix(), nil)
		if err != nil {
			b.t.Fatal(err)
		}
		with = append(with, "{k}", fmt.Sprint(k.ID))
	}
	replace := strings.NewReplacer(with...).Replace
	body = minutesAgo.ReplaceAllStringFunc(replace(r.body), func(s string) string {
		var n int64
		fmt.Sscanf(s, "{minute-%d}", &n)
		return fmt.Sprint(clock.Unix() - 60*n)
	})
	path, header = replace(r.path), replace(r.header[1])
	if header == "{etag}" {
		header = b.server.Do("GET", path, "").Header.Get("ETag")
	}
	return path, body, header
}

// request measures a request. A pause of the machine can pull calls apart that are made at
// the same time, never push them together: the lowest of a few counts is the right one.
// All else is the same every time.
func (b *bench) request(r request) cost {
	b.t.Helper()
	want := r.sequential
	if r.growsToItsMaximum && b.size < sizes[1] {
		want -= 2 // nothing more to look at
	}
	var first *cost
	for range 3 {
		path, body, header := b.fill(r)
		c := b.cost(r.route, r.name, func() int { return len(b.send(r, path, body, header).Body) })
		if first == nil {
			first = &c
		}
		first.Calls = min(first.Calls, c.Calls)
		if first.Calls == want {
			break
		}
	}
	if first.Calls != want {
		b.t.Errorf("%s: %d calls that wait for one another, want %d", first.key(), first.Calls, want)
	}
	return *first
}

func (b *bench) send(r request, path, body, header string) apitest.Response {
	b.t.Helper()
	headers := b.server.Header()
	if r.header[0] != "" {
		headers = b.server.Header(r.header[0], header)
	}
	got := b.server.DoWith(cmp.Or(r.method, "GET"), path, body, headers)
	if want := cmp.Or(r.status, http.StatusOK); got.Status != want {
		b.t.Fatalf("%s, %s: %s: %d, want %d: %s", r.route, r.name, path, got.Status, want, got.Body)
	}
	return got
}

// cost measures what do takes, which returns how many bytes it was answered.
func (b *bench) cost(route, name string, do func() int) cost {
	b.t.Helper()
	logged := len(b.server.Log.String())
	b.client.Delay = delay
	b.client.Reset()
	b.meter.reset()
	c := cost{Route: route, Case: name, Incidents: b.size, AnswerBytes: do()}
	b.client.Delay = 0
	c.Calls, c.AllCalls = b.client.Sequential(), len(b.client.Calls())
	c.Read, c.Write = b.client.Capacity()
	c.ReadAWS, c.WriteAWS = b.meter.units()
	c.LogBytes = logBytes(b.server.Log.String()[logged:])
	return c
}

var (
	logTime     = regexp.MustCompile(`"timestamp":"[^"]*"`)
	logDuration = regexp.MustCompile(`"(durationMs|CloserDuration)":[0-9.]+`)
)

// logBytes counts the bytes of the lines, with every time and duration as long as the
// others.
func logBytes(lines string) int {
	lines = logTime.ReplaceAllString(lines, `"timestamp":"2026-11-22T10:00:00.123456789Z"`)
	return len(logDuration.ReplaceAllString(lines, `"$1":12.345`))
}

// schedules measures runs of the functions that have a schedule and nothing to do.
func schedules(t *testing.T) []cost {
	var costs []cost
	at := clock.Unix()
	for _, tt := range []struct {
		function, name string
		incidents      int
		prepare        func(context.Context, apiv4.AlertRuleStore) error
		calls          int
	}{
		{function.Closer, "nothing open", 0, nil, 3},
		{function.Closer, "10 open, nothing to do", 10, nil, 3},
		{function.Minute, "no rule", 0, nil, 1},
		{function.Minute, "a rule on one monitor, nothing to do", 0, func(ctx context.Context, s apiv4.AlertRuleStore) error {
			_, err := s.CreateAlertRule(ctx, statuspage.NewAlertRule{
				Condition: statuspage.Condition{For: statuspage.AlertNoData, Limit: 2, Failures: 1, Successes: 1},
				Tags:      []string{"a"}, Severity: statuspage.Warning, Active: true,
			}, at, nil)
			return err
		}, 2},
	} {
		table := dynamotest.NewTable(t)
		store := table.Store(nil)
		if _, err := store.CreateMonitor(t.Context(), statuspage.NewMonitor("a", "a"), at, nil); err != nil {
			t.Fatal(err)
		}
		for range tt.incidents {
			n := statuspage.NewIncident{Title: "Outage", Start: at, Source: statuspage.SourceAPI, Monitors: []statuspage.MonitorImpact{{Tag: "a", Impact: statuspage.Down}}}
			if _, err := store.CreateIncident(t.Context(), n, at, nil); err != nil {
				t.Fatal(err)
			}
		}
		if tt.prepare != nil {
			if err := tt.prepare(t.Context(), store); err != nil {
				t.Fatal(err)
			}
		}
		b := newBench(t, table, tt.incidents)
		handler, err := function.NewWith(tt.function, table.Getenv(map[string]string{"STALE_AFTER": "72h", "WARN_BEFORE": "24h", "AWS_LAMBDA_FUNCTION_NAME": "status-CloserFunction-123456789012"}),
			function.Options{Now: now, HTTPClient: b.client, Log: infoLog(b.server.Log)})
		if err != nil {
			t.Fatal(err)
		}
		run := func() int {
			answer, err := handler.Invoke(t.Context(), []byte("{}"))
			if err != nil {
				t.Error(err)
			}
			return len(answer)
		}
		run() // the first run of a new table leaves its state behind
		c := b.cost(tt.function, tt.name, run)
		for tries := 0; c.Calls != tt.calls && tries < 2; tries++ {
			c.Calls = min(c.Calls, b.cost(tt.function, tt.name, run).Calls)
		}
		if c.Calls != tt.calls {
			t.Errorf("%s: %d calls that wait for one another, want %d", c.key(), c.Calls, tt.calls)
		}
		costs = append(costs, c)
	}
	return costs
}
