package chaos

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"tocsin/internal/apitest"
	"tocsin/internal/dynamotest"
	"tocsin/internal/function"
	"tocsin/internal/local"
)

var (
	writesFlag = flag.Int("writes", 150, "how many writes are to be acknowledged")
	seedFlag   = flag.Uint64("seed", 1, "what the clients and the faults are drawn from; how they meet is the machine's to say")
	alsoFlag   = flag.String("also", "", "a git revision, whose functions half of the processes run; empty: all processes run this checkout's")
)

func TestMain(m *testing.M) {
	if flag.Parse(); testing.Short() {
		*writesFlag = min(*writesFlag, 20)
	}
	slog.SetDefault(slog.New(slog.DiscardHandler)) // the gateway tells of every process that was killed
	dynamotest.Main(m)
}

const (
	clients     = 12   // that write at once
	ownMonitors = 3    // of each client that are never deleted
	processes   = 0.3  // of the events are for processes of their own
	ofVersions  = 0.75 // the same when they are of two versions, so that each answers about a third of all events
	killed      = 0.05 // of the events that a process gets end it at a moment that nothing else decides

	callTimeout = 2 * time.Second // of one try of one call of DynamoDB, in this process

	day = 24 * 60 * 60
)

// The functions' clocks. The claim of a killed request lapses after a minute, which is
// long for a test: what runs in this process is as far ahead of the processes, so that it
// takes over at once what they leave, also what they are still at. The closer's is so
// far ahead that incidents are forgotten.
const (
	ahead       = 65 * time.Second
	aheadAtEnd  = 130 * time.Second // when what was put aside is sent for the last time
	aheadAfter  = 240 * time.Second // when all is done: no data is missed after two minutes without
	closerAhead = 2 * time.Hour
	closerAtEnd = 4 * time.Hour
)

// A run is one test: the service, what happens to it, and what all clients know.
type run struct {
	t        *testing.T
	writes   int
	server   *apitest.Server
	table    *dynamotest.Table
	weather  *weather
	platform *platform
	here     sync.WaitGroup // events that are being worked on
	alone    atomic.Bool    // this process works on all events
	clock    atomic.Int64   // of this process's functions, how far ahead
	closerBy atomic.Int64   // the closer's
	random   struct {
		sync.Mutex
		*rand.Rand
	}
	schedules map[string]lambda.Handler
	closed    buffer // what the closer of this process says

	today      int64
	pointsFrom int64
	pool       []string // tags of monitors that incidents are linked to
	commonTag  string   // of the monitor that all write to
	currentTag string   // of the one with minutes of the last hour
	newest     []string // of those that all set the minute of now
	shared     []int64  // incidents that all comment on
	counterID  int64
	fieldsID   int64
	clients    []*client

	integrations []*integration

	acks, retries, replays, observed, lost, doubled, violations atomic.Int64
	scheduled, unscheduled                                      atomic.Int64 // runs of the closer and of the alerts that ended well, and that did not

	mu       sync.Mutex
	kinds    map[string]int
	answers  map[string]int
	events   map[string]int // answered by each version, and in this process, while clients wrote
	posts    []*posted
	given    map[string]bool               // tokens of what was given up
	comments map[int64]map[string]struct{} // of the shared incidents
}

// A buffer keeps what is written to it, until the next Reset.
type buffer struct {
	mu sync.Mutex
	bytes.Buffer
}

// Write implements io.Writer.
func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

// posted is a POST that makes something, and what came of it.
type posted struct {
	call   *call
	answer *answer // nil: it was given up
}

func (r *run) acknowledge(c *call) {
	if c.method == "GET" {
		return
	}
	r.acks.Add(1)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kinds[c.kind]++
}

func (r *run) count(c *call, a answer, err error) {
	what := fmt.Sprint(a.status)
	if err != nil {
		what = "none: the client stopped waiting"
	} else if a.byGateway() {
		what += " by the gateway"
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answers[what]++
}

func (r *run) made(c *call, a answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.posts = append(r.posts, &posted{c, &a})
}

func (r *run) abandoned(c *call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.posts = append(r.posts, &posted{c, nil})
	if c.token != "" {
		r.given[c.token] = true
	}
}

func (r *run) wasGivenUp(token string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.given[token]
}

func (r *run) together(incident int64, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.comments[incident] == nil {
		r.comments[incident] = map[string]struct{}{}
	}
	r.comments[incident][text] = struct{}{}
}

func (r *run) chance(p float64) bool {
	r.random.Lock()
	defer r.random.Unlock()
	return r.random.Float64() < p
}

// Every acknowledged write is there exactly once, whatever happens on the way.
func TestChaos(t *testing.T) {
	r := newRun(t, *writesFlag, *seedFlag)
	began := time.Now()
	if r.prepare(); t.Failed() {
		return
	}
	// The closer makes the totals of ended days once, and now: its clock is hours ahead, so that
	// it would not see that a range is being filled, which is marked for a quarter of an hour.
	r.runOut(function.Closer)
	r.weather.off.Store(false)
	stop := make(chan struct{})
	var behind sync.WaitGroup
	behind.Go(func() { r.runSchedules(stop) })
	behind.Go(func() { r.tell(began, stop) })
	r.each(func(c *client) {
		for int(r.acks.Load()) < r.writes && r.violations.Load() < 50 {
			c.act()
		}
	})
	for _, tag := range r.newest {
		at := thisMinute()
		r.each(func(c *client) { c.postNewestPoint(tag, at) })
	}
	// What was put aside is still sent in the weather that there is.
	r.clock.Store(int64(aheadAtEnd))
	r.each(func(c *client) {
		for len(c.aside) > 0 && r.violations.Load() < 50 {
			c.seeToAside(true)
		}
	})
	close(stop)
	behind.Wait()
	r.here.Wait()
	r.weather.off.Store(true)
	r.alone.Store(*alsoFlag != "") // as after a deployment, today's code alone sees to what both have left
	r.clock.Store(int64(aheadAfter))
	wrote := time.Since(began)
	r.stage("the schedules end what is left")
	r.finish()
	r.verify()
	r.verifyProcesses()
	r.report(wrote, time.Since(began))
}

func newRun(t *testing.T, writes int, seed uint64) *run {
	r := &run{
		t: t, writes: writes, table: dynamotest.NewTable(t), weather: newWeather(seed), schedules: map[string]lambda.Handler{},
		kinds: map[string]int{}, answers: map[string]int{}, events: map[string]int{}, given: map[string]bool{}, comments: map[int64]map[string]struct{}{},
	}
	r.random.Rand = rand.New(rand.NewPCG(seed, 2))
	r.weather.off.Store(true)
	r.clock.Store(int64(ahead))
	r.closerBy.Store(int64(closerAhead))
	r.today = time.Now().Unix() / day * day
	r.pointsFrom = r.today - 60*day
	proxy := dynamotest.NewProxy(t, r.table)
	proxy.Inject = r.weather.inject
	log := &apitest.Log{}
	r.platform = newPlatform(t, proxy, log, *alsoFlag)
	proxy.Kill = r.platform.Kill
	caller := awshttp.NewBuildableClient().WithTimeout(callTimeout)
	r.server = apitest.New(t, apitest.Options{
		Table: r.table, HTTPClient: caller, Parameters: map[string]string{"DynamoDBEndpoint": proxy.Endpoint(inProcess)},
		Now: func() time.Time { return time.Now().Add(time.Duration(r.clock.Load())) },
		Handler: func(f local.Function, h lambda.Handler) lambda.Handler {
			if f.Name == function.Closer {
				h = r.closer(f, caller)
			}
			mixed := &mixture{run: r, here: h, processes: r.platform.pools(f, r.fate)}
			if len(f.Schedules) > 0 {
				r.schedules[f.Name] = mixed
			}
			return mixed
		},
	})
	for n := range clients {
		r.clients = append(r.clients, &client{run: r, n: n, random: rand.New(rand.NewPCG(seed, uint64(100+n))), own: own{common: map[int64]point{}, current: map[int64]point{}}})
	}
	t.Cleanup(func() {
		for _, text := range []string{log.String(), r.server.Log.String()} {
			if i := strings.Index(text, "panic"); i >= 0 {
				t.Errorf("a panic is in the log: %.2000s", text[i:])
			}
		}
	})
	return r
}

// closer returns the closer with a clock of its own.
func (r *run) closer(f local.Function, caller *awshttp.BuildableClient) lambda.Handler {
	env := map[string]string{"AWS_REGION": dynamotest.Region, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
	maps.Copy(env, f.Environment)
	h, err := function.NewWith(f.Name, func(name string) string { return env[name] }, function.Options{
		HTTPClient: caller, Log: slog.New(slog.NewJSONHandler(&r.closed, nil)),
		Now: func() time.Time { return time.Now().Add(time.Duration(r.closerBy.Load())) },
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return h
}

// fate is when a process is killed.
func (r *run) fate() time.Duration {
	if r.weather.off.Load() || !r.chance(killed) {
		return 0
	}
	r.random.Lock()
	defer r.random.Unlock()
	return time.Duration(1+r.random.IntN(80)) * time.Millisecond
}

// apart reports whether a process of its own gets an event.
func (r *run) apart() bool {
	switch {
	case r.alone.Load():
		return false
	case *alsoFlag != "":
		return r.chance(ofVersions)
	}
	return r.chance(processes)
}

// A mixture runs some events in this process and some in processes of their own, whose
// versions take turns.
type mixture struct {
	run       *run
	here      lambda.Handler
	processes []*pool
	turns     atomic.Int64
}

// Invoke implements lambda.Handler.
func (m *mixture) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	m.run.here.Add(1)
	defer m.run.here.Done()
	by, handler := "the test's process", m.here
	if m.run.apart() {
		p := m.processes[m.turns.Add(1)%int64(len(m.processes))]
		by, handler = p.version.name, p
	}
	answer, err := handler.Invoke(ctx, payload)
	if err == nil && !m.run.weather.off.Load() {
		m.run.mu.Lock()
		m.run.events[by]++
		m.run.mu.Unlock()
	}
	return answer, err
}

// each lets all clients work at once.
func (r *run) each(f func(*client)) {
	var g sync.WaitGroup
	for _, c := range r.clients {
		g.Go(func() { f(c) })
	}
	g.Wait()
}

// prepare makes what the clients share, and what each of them has from the beginning,
// while nothing fails.
func (r *run) prepare() {
	c := r.clients[0]
	incident := func(title string) int64 {
		var made struct{ Incident incidentJSON }
		a, ok := c.do(&call{kind: "create incident", method: "POST", path: "/api/v4/incidents", body: map[string]any{"title": title, "start_date_time": r.today - 4*day}})
		if ok {
			a.decode(c, &made)
		}
		return made.Incident.ID
	}
	monitor := func(c *client, tag string) {
		c.do(&call{kind: "create monitor", method: "POST", path: "/api/v4/monitors", body: map[string]any{"tag": tag, "name": tag}})
	}
	rule := func(c *client, body map[string]any) {
		c.do(&call{kind: "create alert rule", method: "POST", path: "/api/v4/alert-rules", body: body})
	}
	for n := range 6 {
		tag := fmt.Sprintf("pool-%d", n)
		monitor(c, tag)
		r.pool = append(r.pool, tag)
	}
	r.commonTag, r.currentTag = "common", "current"
	for n := range 40 + r.writes/500 {
		r.newest = append(r.newest, fmt.Sprintf("newest-%d", n))
	}
	monitor(c, r.commonTag)
	for _, tag := range append([]string{r.currentTag}, r.newest...) {
		monitor(c, tag)
		rule(c, map[string]any{"alert_for": "STATUS", "alert_value": "DOWN", "monitor_tags": []string{tag}})
	}
	r.missMaintenances()
	r.prepareSignals()
	for _, i := range r.integrations {
		for _, tag := range i.tags {
			monitor(c, tag)
		}
	}
	r.counterID, r.fieldsID = incident(formatCounts(make([]int, clients))), incident("common fields")
	for n := range 2 + r.writes/4000 {
		r.shared = append(r.shared, incident(fmt.Sprintf("shared incident %d", n)))
	}
	r.each(func(c *client) {
		for range ownMonitors {
			c.newMonitor("key-" + c.token("m"))
		}
		c.alert.tag, c.alert.minute, c.noData = fmt.Sprintf("alert-%d", c.n), r.today-9*day, fmt.Sprintf("no-data-%d", c.n)
		monitor(c, c.alert.tag)
		monitor(c, c.noData)
		rule(c, map[string]any{"alert_for": "STATUS", "alert_value": "DOWN", "monitor_tags": []string{c.alert.tag}, "create_incident": true})
		rule(c, map[string]any{"alert_for": "NO_DATA", "alert_value": 1, "monitor_tags": []string{c.noData}, "create_incident": true})
	})
	r.acks.Store(0)
	clear(r.kinds)
	clear(r.answers)
}

// runSchedules lets the closer and the alerts run in between.
func (r *run) runSchedules(stop chan struct{}) {
	for {
		for _, name := range []string{function.Closer, function.Minute} {
			ctx, cancel := context.WithTimeout(context.Background(), 25*time.Second)
			if _, err := r.schedules[name].Invoke(ctx, []byte(`{}`)); err == nil {
				r.scheduled.Add(1)
			} else {
				r.unscheduled.Add(1)
			}
			cancel()
		}
		select {
		case <-stop:
			return
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// tell says every now and then how far it is.
func (r *run) tell(began time.Time, stop chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(10 * time.Second):
			fmt.Fprintf(os.Stderr, "chaos: %d of %d writes acknowledged after %.0f s\n", r.acks.Load(), r.writes, time.Since(began).Seconds())
		}
	}
}

// stage says what is done after the writes.
func (r *run) stage(what string) {
	fmt.Fprintf(os.Stderr, "chaos: %s (%s)\n", what, time.Now().Format(time.TimeOnly))
}

// finish lets the schedules do what is left, with nothing in their way: first the closer
// warns of what was forgotten, some hours later it closes it.
func (r *run) finish() {
	for _, by := range []time.Duration{closerAhead, closerAtEnd} {
		r.closerBy.Store(int64(by))
		r.runOut(function.Closer, function.Minute)
	}
}

// runOut runs schedules, with nothing in their way, until the closer has nothing left to do.
func (r *run) runOut(names ...string) {
	for busy := true; busy; {
		for _, name := range names {
			r.closed.Reset()
			if _, err := r.schedules[name].(*mixture).here.Invoke(context.Background(), []byte(`{}`)); err != nil {
				r.t.Errorf("%s fails with nothing in its way: %v", name, err)
				return
			}
			if name == function.Closer {
				busy = r.closerWasBusy()
			}
		}
	}
}

// closerWasBusy reads what the closer said of its last run.
func (r *run) closerWasBusy() bool {
	var said struct {
		GoesOn                                    bool
		IncidentsWarned, IncidentsClosed, Cleaned int
	}
	lines := strings.Split(strings.TrimSpace(r.closed.String()), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &said); err != nil {
		r.t.Errorf("the closer says %q: %v", lines, err)
	}
	return said.GoesOn || said.IncidentsWarned+said.IncidentsClosed+said.Cleaned > 0
}

func (r *run) report(wrote, whole time.Duration) {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	acks := r.acks.Load()
	line("%d writes acknowledged by %d clients in %.0f s (%.0f s with the checks), seed %d", acks, clients, wrote.Seconds(), whole.Seconds(), *seedFlag)
	table := func(title string, counts map[string]int) {
		line("%s", title)
		for _, name := range slices.SortedFunc(maps.Keys(counts), func(a, b string) int { return cmp.Or(counts[b]-counts[a], strings.Compare(a, b)) }) {
			line("  %8d  %s", counts[name], name)
		}
	}
	table("acknowledged writes", r.kinds)
	faults, sum := map[string]int{}, 0
	for f, n := range r.weather.injected {
		faults[f.String()], sum = n, sum+n
	}
	table(fmt.Sprintf("faults: %d, in %.0f %% of %d calls of DynamoDB", sum, 100*float64(sum)/float64(max(r.weather.calls, 1)), r.weather.calls), faults)
	table("answers", r.answers)
	table("events answered while clients wrote, and by what", r.events)
	for _, v := range r.platform.versions {
		line("%s: started %d, killed %d", v.name, v.started, v.killed)
	}
	line("retries %d, replays %d; closer and alerts: %d runs ended well, %d did not",
		r.retries.Load(), r.replays.Load(), r.scheduled.Load(), r.unscheduled.Load())
	line("given up %d, found to have been done by an earlier try %d", len(r.given), r.observed.Load())
	line("lost %d, doubled %d, answers or records that are wrong %d", r.lost.Load(), r.doubled.Load(), r.violations.Load())
	r.t.Log("\n" + b.String())
}
