package bench

import (
	"context"
	"flag"
	"fmt"
	"iter"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"tocsin/internal/dynamotest"
	"tocsin/internal/opt"
	"tocsin/internal/publish"
	"tocsin/internal/site"
	"tocsin/internal/statuspage"
)

var (
	past   = flag.Int("past", 400, "how many incidents of the past TestChangeAmongMany has beside those of 100 days")
	perDay = flag.Int("per-day", 1, "how many of them a day has; a million fit into the time since 1970 with 300")
)

// A work is what a publisher does for something.
type work struct {
	Passes, Calls, Gets, Puts int // passes; calls of DynamoDB; files read and put
	Read                      float64
}

// TestChangeAmongMany publishes the pages of few and of many incidents, as many each day, and then
// a change of one of them. The change takes the same; a remake takes more by the files of the
// incidents.
func TestChangeAmongMany(t *testing.T) {
	few := 100 * *perDay
	var changes []work
	for _, incidents := range []int{few, *past} {
		remake, change := publishingAmong(t, incidents)
		if least := 2 * incidents; remake.Puts < least || remake.Passes < incidents/100 {
			t.Errorf("%d incidents: the remake was %+v", incidents, remake)
		}
		changes = append(changes, change)
	}
	if d := gocmp.Diff(changes[0], changes[1]); d != "" {
		t.Errorf("a change among %d incidents (-) and among %d (+) differ:\n%s", few, *past, d)
	}
}

// publishingAmong measures the remake of all pages and a change of one of the incidents.
func publishingAmong(t *testing.T, incidents int) (remake, change work) {
	t.Helper()
	const day = 24 * 3600
	table := dynamotest.NewTable(t)
	at := clock.Unix()
	m := statuspage.NewMonitor("api", "API")
	m.ID, m.Created, m.Updated, m.Version = 1, at-day, at-day, 1
	if err := table.Dump(nil).Load(t.Context(), pastIncidents(incidents, at), nil, []statuspage.Monitor{m}); err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, table: table, meter: newMeter(t, table)}
	b.client = &dynamotest.Client{Base: b.meter}
	port := &countedPort{Port: &memoryPort{files: map[string]publish.Object{}, etags: map[string]int64{}}, size: map[string]int{}}
	p := &publish.Publisher{Store: table.Store(b.client), Config: site.Config{Name: "Example", URL: "https://status.example.com"}, Port: port}
	do := func(what string) (w work) {
		t.Helper()
		b.client.Reset()
		b.meter.reset()
		port.gets, port.puts = 0, 0
		began := time.Now()
		for more := true; more; w.Passes++ {
			var err error
			if more, err = p.Run(t.Context(), at); err != nil {
				t.Fatal(err)
			}
			w.Calls += len(b.client.Calls())
			b.client.Reset() // it remembers each call
		}
		w.Gets, w.Puts = port.gets, port.puts
		w.Read, _ = b.meter.units()
		t.Logf("%d incidents, %s: %+v, %d files in all, %s", incidents, what, w, len(port.size), time.Since(began).Round(time.Millisecond))
		return w
	}
	remake = do("all pages")
	title := statuspage.IncidentPatch{Title: opt.Value("Another title")}
	if _, err := table.Store(nil).UpdateIncident(t.Context(), int64(incidents-5), title, at, nil); err != nil {
		t.Fatal(err)
	}
	change = do("a change")
	held := heap()
	p = nil
	t.Logf("%d incidents: the publisher holds %.1f MB", incidents, float64(held-heap())/1e6)
	return remake, change
}

// heap is how many bytes are in use. A sync.Pool lets go of what it has in the second collection.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// pastIncidents yields incidents that are over, -per-day of them a day, the newest of yesterday.
func pastIncidents(incidents int, at int64) iter.Seq[statuspage.Incident] {
	return func(yield func(statuspage.Incident) bool) {
		for id := int64(incidents); id > 0; id-- {
			start := statuspage.FloorMinute(at - (int64(incidents)-id+int64(*perDay))*24*3600/int64(*perDay))
			i := statuspage.Incident{
				ID: id, Title: fmt.Sprintf("Orders fail for some customers %07d", id), Start: start, State: statuspage.Resolved, Type: statuspage.TypeIncident, Source: statuspage.SourceAPI,
				Monitors: []statuspage.AffectedMonitor{{Tag: "api", MonitorID: 1, Impact: statuspage.Down}},
				Created:  start, Updated: start + 1800, End: new(start + 1800), Closed: new(start + 1800), Version: 2,
			}
			if !yield(i) {
				return
			}
		}
	}
}

// A memoryPort is a Port that keeps files in memory, without the bodies of incidents' pages: those
// of a million would not fit.
type memoryPort struct {
	mu    sync.Mutex
	files map[string]publish.Object
	etags map[string]int64
	last  int64 // ETag
}

func (p *memoryPort) Get(_ context.Context, key string) (publish.Object, string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	o, there := p.files[key]
	if !there {
		return publish.Object{}, "", publish.ErrNotFound
	}
	return o, p.etag(key), nil
}

func (p *memoryPort) Put(_ context.Context, key string, o publish.Object, etag string) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if etag != p.etag(key) {
		return "", publish.ErrChanged
	}
	if o.State = strings.Clone(o.State); strings.Contains(key, "/incidents/") { // State is a part of something larger
		o.Body = nil
	}
	p.last++
	p.files[key], p.etags[key] = o, p.last
	return p.etag(key), nil
}

func (p *memoryPort) etag(key string) string {
	if n := p.etags[key]; n > 0 {
		return fmt.Sprint(n)
	}
	return ""
}
