package bench

import (
	"bytes"
	"cmp"
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
	"tocsin/internal/dynamotest"
	"tocsin/internal/function"
	"tocsin/internal/lambdahttp"
	"tocsin/internal/statuspage"
)

var update = flag.Bool("update", false, "write what was measured into testdata instead of comparing")

// costsFile is where the exact costs stand.
const costsFile = "costs.json"

// The sizes of the table that a usual test run measures: as small as tables get, the
// smallest that fills a page of each list, and a large one.
var sizes = []int{10, 100, 10_000}

// A cost is what one request, one run of a scheduled function or one reading of the public
// pages took.
type cost struct {
	Route       string  `json:"route"` // of a request, or the name of a scheduled function, or pages
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
	var known, measured []cost
	readGolden(t, costsFile, &known)
	for _, size := range sizes {
		measured = append(measured, measure(t, dynamotest.NewArchive(t, size), known)...)
	}
	for _, r := range runs {
		measured = append(measured, fewest(known, func() cost { return r.measure(t) }))
	}
	measured = append(measured, measurePages(t, known)...)
	checkSizes(t, measured)
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

// fewest measures up to three times, until there are as many calls as are known. A pause of
// the machine can pull calls apart that are made at the same time, never push them together:
// the lowest of a few counts is the right one. All else is the same every time.
func fewest(known []cost, measure func() cost) cost {
	first := measure()
	at := slices.IndexFunc(known, func(c cost) bool { return c.key() == first.key() })
	for tries := 1; tries < 3 && (at < 0 || first.Calls != known[at].Calls); tries++ {
		first.Calls = min(first.Calls, measure().Calls)
	}
	return first
}

// checkSizes asks that a request or a run costs the same in a table of any size that fills
// its answer.
func checkSizes(t *testing.T, costs []cost) {
	t.Helper()
	cases := map[string]request{}
	for _, r := range requests {
		cases[r.route+"\n"+r.name] = r
	}
	firsts := map[string]cost{}
	for _, c := range costs {
		name := c.Route + "\n" + c.Case
		if r := cases[name]; r.growsToItsMaximum || r.list && c.Incidents < sizes[1] {
			continue
		}
		first, ok := firsts[name]
		if !ok {
			firsts[name] = c
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
	made   int    // new tags so far
	token  string // of the integration that tool makes; "" not yet
}

func infoLog(w io.Writer) *slog.Logger {
	log, err := lambdahttp.NewLog(w, "INFO")
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
func measure(t *testing.T, a *dynamotest.Archive, known []cost) []cost {
	b := newBench(t, a.Table, a.Size)
	costs := b.keys()
	b.warm()
	for n, r := range requests {
		if n == lists {
			b.prepare()
		}
		costs = append(costs, fewest(known, func() cost {
			path, body, header := b.fill(r)
			return b.cost(r.route, r.name, func() int { return len(b.send(r, path, body, header).Body) })
		}))
	}
	return costs
}

// keys measures what an API key costs that a function has not seen yet, beside getOne: the
// key, then the incident and, once an hour, the note of its use.
func (b *bench) keys() []cost {
	get := func(name string) cost {
		return b.cost(getOne.route, name, func() int { return len(b.send(getOne, getOne.path, "", "").Body) })
	}
	first := get("one, first use of the key in an hour")
	key := b.server.Key
	b.server = b.start()
	b.server.Key = key
	return []cost{first, get("one, key not in the cache")}
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
	for _, tag := range append(tags(fewPoints), "filled", "nightly", "dense", "sparse") {
		b.monitor(tag)
	}
	b.monitor("worked")
	b.monitor("idle")
	b.loadMaintenances()
	// However much is made, because something is measured again, ids have as many digits.
	if err := b.table.Dump(nil).RaiseIDs(ctx, statuspage.LastIDs{Page: 1000, Maintenance: 20_000, Occurrence: 200_000}); err != nil {
		b.t.Fatal(err)
	}
	for n := range statuspage.MaxMonitorRules {
		b.rule([]statuspage.Condition{
			{For: statuspage.AlertStatus, Status: statuspage.StatusDown, Failures: 60, Successes: 1},
			{For: statuspage.AlertLatency, Limit: 500, Failures: 60, Successes: 60},
			{For: statuspage.AlertUptime, Limit: 50, Failures: 60, Successes: 60},
			{For: statuspage.AlertNoData, Limit: 5, Failures: 1, Successes: 1},
		}[n%4], "dense", "sparse")
	}
	b.watched("watched")
	b.down("down")
	days := statuspage.Range{From: at - 91*24*3600, To: at, Status: statuspage.StatusUp, Latency: func(int64) float64 { return 123.4 }}
	// Totals of days are stored only some time after a range was filled.
	for _, tag := range []string{"filled", "nightly", "dense"} {
		if tag == "dense" {
			days.From, days.To = at-5*24*3600, at-60
		}
		if err := store.FillRange(ctx, tag, days, at-24*3600); err != nil {
			b.t.Fatal(err)
		}
	}
	backup := statuspage.NewMaintenance{
		Title: "Backup", Schedule: statuspage.Schedule{Start: statuspage.FloorDay(days.From) - 86*24*3600 + 2*3600, Rule: "FREQ=DAILY", Duration: 3600},
		Monitors: []statuspage.MonitorImpact{{Tag: "nightly", Impact: statuspage.UnderMaintenance}},
	}
	if _, err := store.CreateMaintenance(ctx, backup, backup.Start, nil); err != nil {
		b.t.Fatal(err)
	}
	for n := range int64(70) {
		b.point("sparse", statuspage.StatusUp, at-(n+1)*5*3600)
	}
	for _, tag := range []string{"filled", "nightly", "open"} {
		if _, _, err := store.Uptime(ctx, tag, statuspage.LastDays(90, at), at); err != nil {
			b.t.Fatal(err)
		}
	}
	if got := b.server.DoWith("POST", incidents, replayedBody, b.server.Header("Idempotency-Key", "replayed")); got.Status != http.StatusCreated {
		b.t.Fatalf("the request to replay: %d %s", got.Status, got.Body)
	}
	b.server.NewKey(statuspage.NewAPIKey{Name: "to revoke", Scopes: statuspage.Scopes()})
}

// loadMaintenances makes as many maintenances as there are incidents, each of one event, a
// third of them to come.
func (b *bench) loadMaintenances() {
	b.t.Helper()
	worked, err := b.table.Store(nil).Monitor(b.t.Context(), "worked")
	if err != nil {
		b.t.Fatal(err)
	}
	at := clock.Unix()
	var all []statuspage.Maintenance
	var events []statuspage.Occurrence
	for id := int64(1); id <= int64(b.size); id++ {
		start := statuspage.FloorMinute(at) - 100*24*3600 - id*60
		if id%3 == 0 {
			start += 200 * 24 * 3600
		}
		n := statuspage.NewMaintenance{Title: "Move", Schedule: statuspage.Schedule{Start: start, Rule: "FREQ=MINUTELY;COUNT=1", Duration: 600}}
		m, made := n.Opened(id, []statuspage.AffectedMonitor{{Tag: worked.Tag, MonitorID: worked.ID, Impact: statuspage.Down}}, at).WithOccurrences([]int64{id}, []int64{start}, at)
		all, events = append(all, m), append(events, made...)
	}
	if err := b.table.Dump(nil).LoadMaintenances(b.t.Context(), slices.Values(all), events, at); err != nil {
		b.t.Fatal(err)
	}
}

// monitor makes a monitor.
func (b *bench) monitor(tag string) {
	b.t.Helper()
	if _, err := b.table.Store(nil).CreateMonitor(b.t.Context(), statuspage.NewMonitor(tag, tag), clock.Unix(), nil); err != nil {
		b.t.Fatal(err)
	}
}

// rule makes an alert rule and returns its id.
func (b *bench) rule(c statuspage.Condition, tags ...string) int64 {
	b.t.Helper()
	n := statuspage.NewAlertRule{Condition: c, Tags: tags, Severity: statuspage.Warning, CreateIncident: true, Active: true}
	r, err := b.table.Store(nil).CreateAlertRule(b.t.Context(), n, clock.Unix(), nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return r.ID
}

// watched makes a monitor with an alert rule, whose id it returns, that one point fires.
func (b *bench) watched(tag string) int64 {
	b.t.Helper()
	b.monitor(tag)
	return b.rule(statuspage.Condition{For: statuspage.AlertStatus, Status: statuspage.StatusDown, Failures: 1, Successes: 1}, tag)
}

// down makes a watched monitor whose alert is open.
func (b *bench) down(tag string) int64 {
	b.t.Helper()
	rule := b.watched(tag)
	b.point(tag, statuspage.StatusDown, clock.Unix()-60)
	return rule
}

func (b *bench) point(tag string, status statuspage.Status, at int64) {
	b.t.Helper()
	p := statuspage.Point{Time: at, Status: status, Latency: new(123.4), Source: statuspage.SourceProbe}
	if err := b.table.Store(nil).RecordPoint(b.t.Context(), tag, p, clock.Unix()); err != nil {
		b.t.Fatal(err)
	}
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

// maintenance makes one that is on each day from tomorrow on.
func (b *bench) maintenance() statuspage.Maintenance {
	b.t.Helper()
	m, err := b.table.Store(nil).CreateMaintenance(b.t.Context(), statuspage.NewMaintenance{
		Title: "Backup", Schedule: statuspage.Schedule{Start: clock.Unix() + 24*3600, Rule: "FREQ=DAILY", Duration: 600},
		Monitors: []statuspage.MonitorImpact{{Tag: "all", Impact: statuspage.Down}, {Tag: "open", Impact: statuspage.Down}},
	}, clock.Unix(), nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return m
}

var minutesAgo = regexp.MustCompile(`\{minute-\d+\}`)

// fill replaces the placeholders of a request.
func (b *bench) fill(r request) (path, body, header string) {
	b.t.Helper()
	b.made++
	with := []string{
		"{m}", fmt.Sprintf("new-%03d", b.made), "{minute}", fmt.Sprint(clock.Unix()), "{hour}", fmt.Sprint(clock.Unix() - 3600),
	}
	tag := fmt.Sprintf("made-%03d", b.made)
	with = append(with, "{t}", tag, "{w}", tag, "{d}", tag)
	switch has := func(placeholder string) bool { return strings.Contains(r.path+r.body, placeholder) }; {
	case has("{t}"):
		b.monitor(tag)
	case has("{w}") || has("{r}"):
		with = append(with, "{r}", fmt.Sprint(b.watched(tag)))
	case has("{d}") || has("{o}"):
		with = append(with, "{o}", fmt.Sprint(b.down(tag)))
	}
	if strings.Contains(r.path, "{i}") {
		id, comment := b.incident(1)
		with = append(with, "{i}", fmt.Sprint(id), "{c}", fmt.Sprint(comment))
	}
	if strings.Contains(r.path, "{l}") {
		id, _ := b.incident(dynamotest.ArchiveComments)
		with = append(with, "{l}", fmt.Sprint(id))
	}
	if strings.Contains(r.path, "{s}") {
		m := b.maintenance()
		with = append(with, "{s}", fmt.Sprint(m.ID), "{e}", fmt.Sprint(m.Recent[0].ID))
	}
	if strings.Contains(r.path, "{p}") {
		_, err := b.table.Store(nil).CreatePage(b.t.Context(), statuspage.NewPage{Path: tag, Title: "T", Header: "H", Tags: []string{"all", "open"}}, clock.Unix(), nil)
		if err != nil {
			b.t.Fatal(err)
		}
		with = append(with, "{p}", tag)
	}
	if strings.Contains(r.path, "{n}") {
		n := statuspage.NewIntegration{Name: "I", Kind: statuspage.KindGeneric, Active: true}
		i, err := b.table.Store(nil).CreateIntegration(b.t.Context(), n, statuspage.NewIntegrationToken(), clock.Unix(), nil)
		if err != nil {
			b.t.Fatal(err)
		}
		with = append(with, "{n}", fmt.Sprint(i.ID))
	}
	if strings.Contains(r.path, "{h}") {
		token := b.tool()
		with = append(with, "{h}", token)
		if strings.Contains(r.body, "{g}") {
			b.send(signal("", tag, "firing"), "/hooks/"+token, fmt.Sprintf(`{"dedup_key":%q,"status":"firing","title":"T"}`, tag), "")
			with = append(with, "{g}", tag)
		}
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

// tool returns the token of an integration that the functions know.
func (b *bench) tool() string {
	b.t.Helper()
	if b.token != "" {
		return b.token
	}
	b.token = statuspage.NewIntegrationToken()
	n := statuspage.NewIntegration{Name: "I", Kind: statuspage.KindGeneric, Options: `{"monitors":["all"]}`, Active: true}
	if _, err := b.table.Store(nil).CreateIntegration(b.t.Context(), n, b.token, clock.Unix(), nil); err != nil {
		b.t.Fatal(err)
	}
	r := signal("", "known", "firing")
	b.send(r, "/hooks/"+b.token, r.body, "")
	return b.token
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
	return b.costWith(route, name, delay, do)
}

// costWith is cost with another delay of DynamoDB's answers.
func (b *bench) costWith(route, name string, delay time.Duration, do func() int) cost {
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

// A run is one of a function that has a schedule. Its table has the monitors m0 to m4, m0 with
// a point in each minute of 60 hours, and incidents on two of them each: open ones, which began
// an hour before their last change, and closed ones.
type run struct {
	function, name string
	open, closed   int
	idle           time.Duration             // since the last change of the open ones
	rules          []statuspage.NewAlertRule // beside them
	due            int                       // maintenances, daily ones of which an event begins
	heartbeats     int                       // of monitors from m1 on, each of which was pinged once
	before         []time.Duration           // earlier runs, how long ago
}

var (
	noData = statuspage.NewAlertRule{
		Condition: statuspage.Condition{For: statuspage.AlertNoData, Limit: 2, Failures: 1, Successes: 1},
		Tags:      []string{"m0"}, Severity: statuspage.Warning, Active: true,
	}
	// The first run of a table leaves its state behind, and the first of a day makes totals.
	once    = []time.Duration{time.Hour}
	andADay = []time.Duration{24 * time.Hour, time.Hour}
	runs    = []run{
		{function: function.Closer, name: "nothing open", before: once},
		{function: function.Closer, name: "10 open, nothing to do", open: 10, before: once},
		{function: function.Closer, name: "10 open, all warned", open: 10, closed: 10, idle: 48 * time.Hour, before: once},
		{function: function.Closer, name: "10 open, all warned", open: 10, closed: 1000, idle: 48 * time.Hour, before: once},
		{function: function.Closer, name: "10 open, all closed", open: 10, closed: 10, idle: 72 * time.Hour, before: andADay},
		{function: function.Closer, name: "10 open, all closed", open: 10, closed: 1000, idle: 72 * time.Hour, before: andADay},
		{function: function.Minute, name: "no rule"},
		{function: function.Minute, name: "a rule on one monitor, nothing to do", rules: []statuspage.NewAlertRule{noData}},
		{function: function.Minute, name: "no rule, an event begins", due: 1},
		{function: function.Minute, name: "no rule, a heartbeat", heartbeats: 1},
		{function: function.Minute, name: "no rule, 4 heartbeats", heartbeats: 4},
	}
)

// measure does the earlier runs, in a table of its own, and measures the one at clock.
func (r run) measure(t *testing.T) cost {
	t.Helper()
	table, at := dynamotest.NewTable(t), clock.Unix()
	store := table.Store(nil)
	for n := range 5 {
		if _, err := store.CreateMonitor(t.Context(), statuspage.NewMonitor(fmt.Sprint("m", n), "m"), at, nil); err != nil {
			t.Fatal(err)
		}
	}
	minutes := statuspage.Range{From: at - 60*3600, To: at - 60, Status: statuspage.StatusUp, Latency: func(int64) float64 { return 123.4 }}
	if err := store.FillRange(t.Context(), "m0", minutes, at-24*3600); err != nil {
		t.Fatal(err)
	}
	var incidents []statuspage.Incident
	for n := range r.open + r.closed {
		changed := at - int64(r.idle.Seconds())
		i := statuspage.Incident{
			ID: int64(n + 1), Title: "Outage", Start: changed - 3600, State: statuspage.Identified, Type: statuspage.TypeIncident, Source: statuspage.SourceAPI,
			Created: changed, Updated: changed, Version: 1,
		}
		for _, m := range []int{n % 5, (n + 1) % 5} {
			i.Monitors = append(i.Monitors, statuspage.AffectedMonitor{Tag: fmt.Sprint("m", m), MonitorID: int64(m + 1), Impact: statuspage.Down})
		}
		if n >= r.open {
			i.State, i.End, i.Closed = statuspage.Resolved, &changed, &changed
		}
		incidents = append(incidents, i)
	}
	if err := table.Dump(nil).Load(t.Context(), slices.Values(incidents), nil, nil); err != nil {
		t.Fatal(err)
	}
	for range r.due {
		n := statuspage.NewMaintenance{Title: "Backup", Schedule: statuspage.Schedule{Start: at, Rule: "FREQ=DAILY", Duration: 600}}
		if _, err := store.CreateMaintenance(t.Context(), n, at-3600, nil); err != nil {
			t.Fatal(err)
		}
	}
	for n := range r.heartbeats {
		i, err := store.CreateIntegration(t.Context(), statuspage.NewIntegration{
			Name: "Job", Kind: statuspage.KindHeartbeat, Active: true, Options: statuspage.JSONObject(fmt.Sprintf(`{"heartbeat":{"monitor":"m%d"}}`, n+1)),
		}, statuspage.NewIntegrationToken(), at, nil)
		if err == nil {
			err = store.Ping(t.Context(), i, statuspage.Ping{Kind: statuspage.PingSuccess, At: (at - 3600) * 1000})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, rule := range r.rules {
		if _, err := store.CreateAlertRule(t.Context(), rule, at, nil); err != nil {
			t.Fatal(err)
		}
	}
	b := newBench(t, table, r.open+r.closed)
	now := clock
	handler, err := function.NewWith(r.function, table.Getenv(map[string]string{"STALE_AFTER": "72h", "WARN_BEFORE": "24h", "AWS_LAMBDA_FUNCTION_NAME": "status-CloserFunction-123456789012"}),
		function.Options{Now: func() time.Time { return now }, HTTPClient: b.client, Log: infoLog(b.server.Log)})
	if err != nil {
		t.Fatal(err)
	}
	do := func() int {
		answer, err := handler.Invoke(t.Context(), []byte("{}"))
		if err != nil {
			t.Error(err)
		}
		return len(answer)
	}
	for _, ago := range r.before {
		now = clock.Add(-ago)
		do()
	}
	now = clock
	return b.cost(r.function, r.name, do)
}
