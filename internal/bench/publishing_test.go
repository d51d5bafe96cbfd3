package bench

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tocsin/internal/apitest"
	"tocsin/internal/ddb"
	"tocsin/internal/dynamo"
	"tocsin/internal/dynamotest"
	"tocsin/internal/publish"
	"tocsin/internal/site"
	"tocsin/internal/statuspage"
)

var days = flag.Bool("days", false, "let TestPublishing go through whole days, and not only some hours")

// publishingFile is where stands what publishing took.
const publishingFile = "publishing.json"

// A publishing is what keeping the public pages took while the clock went on minute by minute.
type publishing struct {
	Monitors   int     `json:"monitors"`   // that get a point each minute
	Noise      string  `json:"noise"`      // see noises
	Containers int     `json:"containers"` // publishers that take turns
	Minutes    int     `json:"minutes"`
	Passes     int     `json:"passes"` // one a minute and one for each change
	Gets       int     `json:"gets"`   // of files
	Puts       int     `json:"puts"`   // likewise
	PutBytes   int     `json:"put_bytes"`
	Files      int     `json:"files"` // there are at the end
	FileBytes  int     `json:"file_bytes"`
	Read       float64 `json:"read_aws"`  // units of DynamoDB, see meter
	Write      float64 `json:"write_aws"` // likewise
	Waits      int     `json:"waits"`     // calls of DynamoDB and of the files that wait for one another, about
	CPU        float64 `json:"cpu_ms"`    // of this machine's processor, milliseconds in all; it is not compared

	Measured string `json:"measured,omitempty"` // on which day, when it took whole days
}

func (p publishing) key() string {
	return fmt.Sprintf("%d monitors, %s, %d containers, %d minutes", p.Monitors, p.Noise, p.Containers, p.Minutes)
}

// The kinds of days.
const (
	idle   = "idle"  // nobody posts anything
	quiet  = "quiet" // all monitors are UP all day
	noisy  = "noisy"
	stormy = "stormy"
)

// noises say how many days go by between two spells of a monitor, on average, and how many
// incidents people write a day.
var noises = map[string]struct{ days, incidents int }{noisy: {3, 1}, stormy: {1, 3}}

// simulations are those that TestPublishing goes through. Only the short ones are a part of
// every test run.
var simulations = []publishing{
	{Monitors: 0, Noise: idle, Containers: 1, Minutes: 120},
	{Monitors: 20, Noise: noisy, Containers: 1, Minutes: 120},
	{Monitors: 20, Noise: noisy, Containers: 2, Minutes: 120},
	{Monitors: 0, Noise: idle, Containers: 1, Minutes: aDay},
	{Monitors: 20, Noise: quiet, Containers: 1, Minutes: aDay},
	{Monitors: 20, Noise: noisy, Containers: 1, Minutes: aDay},
	{Monitors: 20, Noise: stormy, Containers: 1, Minutes: aDay},
	{Monitors: 20, Noise: stormy, Containers: 2, Minutes: aQuarter},
	{Monitors: 100, Noise: quiet, Containers: 1, Minutes: aQuarter},
	{Monitors: 100, Noise: noisy, Containers: 1, Minutes: aQuarter},
	{Monitors: 100, Noise: stormy, Containers: 1, Minutes: aQuarter},
	{Monitors: 100, Noise: stormy, Containers: 2, Minutes: aQuarter},
}

const (
	aDay     = 24 * 60
	aQuarter = aDay / 4
	short    = 120
)

// TestPublishing holds what publishing takes against the file: of two hours, with -days of
// whole days too. Calls and files are compared exactly, bytes, units and waits to two percent, since
// months have names of different lengths, and what the processor takes not at all.
func TestPublishing(t *testing.T) {
	var known, measured []publishing
	readGolden(t, publishingFile, &known)
	for _, s := range simulations {
		at := slices.IndexFunc(known, func(p publishing) bool { return p.key() == s.key() })
		if s.Minutes > short && !*days {
			if at >= 0 {
				measured = append(measured, known[at])
			}
			continue
		}
		t.Run(s.key(), func(t *testing.T) {
			w := newWeather(t, s)
			for range s.Minutes {
				w.minute()
			}
			got := w.end()
			if s.Minutes > short {
				got.Measured = time.Now().UTC().Format(time.DateOnly)
			}
			t.Logf("%+v", got)
			if at >= 0 && !*update {
				got = got.near(known[at])
			}
			measured = append(measured, got)
		})
	}
	compareGolden(t, publishingFile, measured, known)
}

// near returns p with what differs little from what is known as it is known.
func (p publishing) near(known publishing) publishing {
	little := func(a, b float64) bool { return math.Abs(a-b) <= 0.02*b }
	p.CPU, p.Measured = known.CPU, known.Measured
	if little(float64(p.PutBytes), float64(known.PutBytes)) && little(float64(p.FileBytes), float64(known.FileBytes)) {
		p.PutBytes, p.FileBytes = known.PutBytes, known.FileBytes
	}
	if little(p.Read, known.Read) && little(p.Write, known.Write) && little(float64(p.Waits), float64(known.Waits)) {
		p.Read, p.Write, p.Waits = known.Read, known.Write, known.Waits
	}
	return p
}

// weather is a service whose clock goes on by a minute at a time, the monitors that are posted
// to it, and the publishers of its pages.
type weather struct {
	t          *testing.T
	is         publishing
	at         int64
	random     *rand.Rand
	table      *dynamotest.Table
	server     *apitest.Server
	client     *dynamotest.Client
	meter      *meter
	port       *countedPort
	publishers []*publish.Publisher
	until      []int64 // when the spell of each monitor is over; 0: it has none
	status     []statuspage.Status
	people     []step // what people will do, in order
}

// step is one thing that somebody does.
type step struct {
	at int64
	do func(w *weather)
}

// start is midnight of a day in the last month, with no other month near.
func newWeather(t *testing.T, of publishing) *weather {
	t.Helper()
	today := time.Now().UTC()
	w := &weather{
		t: t, is: of, at: time.Date(today.Year(), today.Month()-1, 10, 0, 0, 0, 0, time.UTC).Unix(),
		random: rand.New(rand.NewPCG(1, uint64(of.Monitors))), table: dynamotest.NewTable(t),
		until: make([]int64, of.Monitors), status: make([]statuspage.Status, of.Monitors),
	}
	w.server = apitest.New(t, apitest.Options{Table: w.table, Now: func() time.Time { return time.Unix(w.at, 0) }})
	w.meter = newMeter(t, w.table)
	w.client = &dynamotest.Client{Base: w.meter}
	folder, err := publish.OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w.port = &countedPort{Port: folder, size: map[string]int{}}
	for range of.Containers {
		w.publishers = append(w.publishers, &publish.Publisher{
			Store: w.table.Store(w.client), Config: site.Config{Name: "Example", URL: "https://status.example.com"}, Port: w.port,
		})
	}
	w.makeMonitors()
	w.planPeople()
	for range 3 * of.Containers { // the first look at everything is no part of a usual day
		w.pass()
	}
	w.is, w.port.gets, w.port.puts, w.port.putBytes = of, 0, 0, 0
	w.meter.reset()
	return w
}

// makeMonitors makes them with a history of 90 days. Every fourth one has an alert rule that
// opens an incident after three minutes.
func (w *weather) makeMonitors() {
	w.t.Helper()
	store := w.table.Store(nil)
	var items []types.WriteRequest
	for n := range w.is.Monitors {
		m := statuspage.NewMonitor(fmt.Sprintf("service-%03d", n), fmt.Sprintf("Service %03d", n))
		m.Description, m.Category = new("What customers use it for"), new(fmt.Sprintf("Group %d", n/10))
		m, err := store.CreateMonitor(w.t.Context(), m, w.at-100*24*3600, nil)
		if err != nil {
			w.t.Fatal(err)
		}
		for ago := int64(1); ago <= 90*24; ago++ {
			if start := w.at - ago*3600; ago <= 3*24 || start%(24*3600) == 0 {
				items = append(items, ddb.PutRequest(dynamo.HourItem(m.ID, hourOf(start, w.at-60), w.at-24*3600)))
			}
		}
	}
	for chunk := range slices.Chunk(items, ddb.BatchWriteSize) {
		if err := store.Table().BatchWrite(w.t.Context(), chunk); err != nil {
			w.t.Fatal(err)
		}
	}
	for n := range w.is.Monitors {
		tag := fmt.Sprintf("service-%03d", n)
		if _, _, err := store.Uptime(w.t.Context(), tag, statuspage.LastDays(site.Days, w.at), w.at); err != nil { // stores the totals
			w.t.Fatal(err)
		}
		if n%4 == 0 && noises[w.is.Noise].days > 0 {
			rule := statuspage.NewAlertRule{
				Condition: statuspage.Condition{For: statuspage.AlertStatus, Status: statuspage.StatusDown, Failures: 3, Successes: 3},
				Tags:      []string{tag}, Severity: statuspage.Critical, CreateIncident: true, Active: true,
			}
			if _, err := store.CreateAlertRule(w.t.Context(), rule, w.at-3600, nil); err != nil {
				w.t.Fatal(err)
			}
		}
	}
}

// planPeople plans the incidents, each with a new title and three updates, of which the last one
// ends it.
func (w *weather) planPeople() {
	noise, is := noises[w.is.Noise]
	if !is {
		return
	}
	for n := range noise.incidents * w.is.Minutes / aDay {
		w.plan(w.at+int64(w.random.IntN(w.is.Minutes-90))*60, n)
	}
	if w.is.Minutes < aDay { // one at least
		w.plan(w.at+15*60, 9)
	}
	slices.SortStableFunc(w.people, func(a, b step) int { return cmp.Compare(a.at, b.at) })
}

func (w *weather) plan(at int64, n int) {
	path := ""
	w.people = append(w.people, step{at, func(w *weather) {
		got := w.send("POST", incidents, fmt.Sprintf(`{"title":"Orders fail for some customers","start_date_time":%d,"monitors":[{"monitor_tag":"service-%03d","impact":"DOWN"},{"monitor_tag":"service-%03d","impact":"DEGRADED"}]}`, w.at, n, n+1), http.StatusCreated)
		var made struct {
			Incident struct{ ID int64 }
		}
		if err := json.Unmarshal([]byte(got.Body), &made); err != nil || made.Incident.ID == 0 {
			w.t.Fatalf("%v: %s", err, got.Body)
		}
		path = fmt.Sprintf("%s/%d", incidents, made.Incident.ID)
	}}, step{at + 10*60, func(w *weather) {
		w.send("POST", path+"/comments", `{"comment":"We have found the cause and are working on it.","state":"IDENTIFIED"}`, http.StatusCreated)
	}}, step{at + 12*60, func(w *weather) {
		w.send("PATCH", path, `{"title":"Orders fail for customers in Europe"}`, http.StatusOK)
	}},
		step{at + 25*60, func(w *weather) {
			w.send("POST", path+"/comments", `{"comment":"The change is out. We are looking at the numbers.","state":"MONITORING"}`, http.StatusCreated)
		}}, step{at + 60*60, func(w *weather) {
			w.send("POST", path+"/comments", `{"comment":"All orders go through again.","state":"RESOLVED"}`, http.StatusCreated)
		}})
}

func (w *weather) send(method, path, body string, want int) apitest.Response {
	w.t.Helper()
	got := w.server.Do(method, path, body)
	if got.Status != want {
		w.t.Fatalf("%s %s: %d %s", method, path, got.Status, got.Body)
	}
	return got
}

// minute is one of the day: the probe posts, people do what they do, and passes are made: by
// what was changed, and by the schedule.
func (w *weather) minute() {
	w.post()
	for len(w.people) > 0 && w.people[0].at <= w.at {
		w.people[0].do(w)
		w.people = w.people[1:]
	}
	w.at += 5
	changes, err := w.table.Store(nil).ChangesSince(w.t.Context(), w.at-5, w.at)
	if err != nil {
		w.t.Fatal(err)
	}
	if len(changes) > 0 {
		w.pass()
	}
	w.at += 25
	w.pass()
	w.at += 30
}

// post sends a point of each monitor. In a spell it is DOWN or DEGRADED for 3 to 12 minutes.
func (w *weather) post() {
	var points []string
	for n := range w.is.Monitors {
		if days := noises[w.is.Noise].days; days > 0 && w.random.IntN(days*aDay) < 1 && w.until[n] <= w.at {
			w.until[n] = w.at + 60*int64(3+w.random.IntN(10))
			w.status[n] = []statuspage.Status{statuspage.StatusDown, statuspage.StatusDegraded}[w.random.IntN(2)]
		}
		status := statuspage.StatusUp
		if w.until[n] > w.at {
			status = w.status[n]
		}
		points = append(points, fmt.Sprintf(`{"monitor_tag":"service-%03d","status":"%s","latency":%d}`, n, status, 80+w.random.IntN(60)))
	}
	if w.is.Noise == idle {
		return
	}
	for chunk := range slices.Chunk(points, 100) {
		w.send("POST", statusPath, `{"points":[`+strings.Join(chunk, ",")+`]}`, http.StatusOK)
	}
}

// pass lets the next publisher make passes until nothing is left.
func (w *weather) pass() {
	p := w.publishers[w.is.Passes%len(w.publishers)]
	w.client.Reset()
	gets, puts, cpu := w.port.gets, w.port.puts, processor(w.t)
	for more := true; more; {
		var err error
		if more, err = p.Run(w.t.Context(), w.at); err != nil {
			w.t.Fatal(err)
		}
	}
	w.is.CPU += processor(w.t) - cpu
	w.is.Passes++
	// The first calls wait for one another, and of the others so many are made at once.
	const atOnce = 16
	for _, calls := range []int{len(w.client.Calls()), w.port.gets - gets, w.port.puts - puts} {
		w.is.Waits += (calls + atOnce - 1) / atOnce
	}
}

func (w *weather) end() publishing {
	w.is.Gets, w.is.Puts, w.is.PutBytes = w.port.gets, w.port.puts, w.port.putBytes
	w.is.Read, w.is.Write = w.meter.units()
	for _, size := range w.port.size {
		w.is.Files++
		w.is.FileBytes += size
	}
	return w.is
}

// processor is how many milliseconds of a processor this process has used.
func processor(t *testing.T) float64 {
	t.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return float64(used.Utime.Nano()+used.Stime.Nano()) / 1e6
}

// countedPort is a Port that counts what is asked of it.
type countedPort struct {
	publish.Port

	mu         sync.Mutex
	gets, puts int
	putBytes   int
	size       map[string]int // of each file
}

func (p *countedPort) Get(ctx context.Context, key string) (publish.Object, string, error) {
	p.mu.Lock()
	p.gets++
	p.mu.Unlock()
	return p.Port.Get(ctx, key)
}

func (p *countedPort) Put(ctx context.Context, key string, o publish.Object, etag string) (string, error) {
	p.mu.Lock()
	p.puts++
	p.putBytes += len(o.Body)
	p.size[key] = len(o.Body)
	p.mu.Unlock()
	return p.Port.Put(ctx, key, o, etag)
}
