package publish_test

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/internal/dynamotest"
	"tocsin/internal/opt"
	"tocsin/internal/publish"
	"tocsin/internal/statuspage"
)

// counted is a Port that counts what is asked of it.
type counted struct {
	publish.Port

	mu   sync.Mutex
	gets []string // keys
	puts []string
}

func (c *counted) Get(ctx context.Context, key string) (publish.Object, string, error) {
	c.mu.Lock()
	c.gets = append(c.gets, key)
	c.mu.Unlock()
	return c.Port.Get(ctx, key)
}

func (c *counted) Put(ctx context.Context, key string, o publish.Object, etag string) (string, error) {
	c.mu.Lock()
	c.puts = append(c.puts, key)
	c.mu.Unlock()
	return c.Port.Put(ctx, key, o, etag)
}

// since returns what was asked for since the last time, sorted.
func (c *counted) since() (gets, puts []string) {
	gets, puts = c.gets, c.puts
	c.gets, c.puts = nil, nil
	slices.Sort(gets)
	slices.Sort(puts)
	return gets, puts
}

// in returns how many of the keys are in the folder.
func in(folder string, keys []string) int {
	n := 0
	for _, key := range keys {
		if path.Dir(key) == folder {
			n++
		}
	}
	return n
}

// oneADay puts so many incidents into the table, one a day, the newest with id 1 yesterday. All
// are over.
func oneADay(t *testing.T, table *dynamotest.Table, incidents, now int64) []statuspage.Incident {
	t.Helper()
	var all []statuspage.Incident
	for id := int64(1); id <= incidents; id++ {
		begins := now - id*day
		all = append(all, statuspage.Incident{
			ID: id, Title: fmt.Sprintf("Outage %d", id), Start: begins, State: statuspage.Resolved, Type: statuspage.TypeIncident, Source: statuspage.SourceAPI,
			Created: begins, Updated: begins, End: new(begins + hour), Closed: new(begins + hour), Version: 1,
		})
	}
	if err := table.Dump(nil).Load(t.Context(), slices.Values(all), nil, nil); err != nil {
		t.Fatal(err)
	}
	return all
}

// A sweep is gone on with by whatever publisher comes next.
func TestSweepOfManyPublishers(t *testing.T) {
	const incidents = 350
	table := dynamotest.NewTable(t)
	store, folder, now := table.Store(nil), openFolder(t), start()
	port := &counted{Port: folder}
	monitorNamed(t, store, "api", now)
	all := oneADay(t, table, incidents, now)
	passes := func(look string) (passes int) {
		t.Helper()
		for more := true; more; passes++ {
			next := config
			next.Notice = look
			p := &publish.Publisher{Store: store, Config: next, Port: port}
			var err error
			if more, err = p.Run(t.Context(), now); err != nil {
				t.Fatal(err)
			}
			if _, puts := port.since(); in("public/incidents", puts) > 160 {
				t.Fatalf("one pass put %d pages of incidents", in("public/incidents", puts))
			}
		}
		return passes
	}
	check := func(look string) {
		t.Helper()
		for _, i := range all {
			if o := at(t, folder, fmt.Sprintf("/de/incidents/%d", i.ID)); o.Status != 200 || !strings.Contains(string(o.Body), i.Title) || o.Time != now {
				t.Fatalf("%s: incident %d: %d, of %d", look, i.ID, o.Status, o.Time)
			}
			if month := "/events/" + time.Unix(i.Start, 0).UTC().Format("January-2006"); at(t, folder, month).Status != 200 {
				t.Fatalf("%s: %s is missing", look, month)
			}
		}
	}
	// Each pass has 100 incidents; the last one sees that there are no more months without any.
	if n := passes(""); n != 5 {
		t.Errorf("%d passes", n)
	}
	check("the first time")
	if n := passes(""); n != 1 {
		t.Errorf("%d passes when nothing is left to do", n)
	}
	if _, puts := port.since(); len(puts) != 0 {
		t.Errorf("%d puts when nothing is left to do", len(puts))
	}
}

// All makes again what somebody else has put there, also where nothing has changed.
func TestAll(t *testing.T) {
	table := dynamotest.NewTable(t)
	store, folder, now := table.Store(nil), openFolder(t), start()
	monitorNamed(t, store, "api", now)
	old := fmt.Sprintf("/incidents/%d", incidentOn(t, store, "Old", now-200*day, now, "api"))
	p := &publish.Publisher{Store: store, Config: config, Port: folder}
	run(t, p, now)
	for _, address := range []string{old, "/monitors/api", "/"} {
		key, _ := publish.Key(address)
		o, etag, err := folder.Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if o.Body = []byte("spoilt"); errors.Join(err, put(t, folder, key, o, etag)) != nil {
			t.Fatal(err)
		}
	}
	run(t, p, now+minute)
	if string(at(t, folder, old).Body) != "spoilt" {
		t.Error("a page that was right was looked at again")
	}
	if err := p.All(t.Context(), func() int64 { return now + 2*minute }); err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{old, "/monitors/api", "/"} {
		if string(at(t, folder, address).Body) == "spoilt" {
			t.Errorf("%s is still spoilt", address)
		}
	}
}

func put(t *testing.T, port publish.Port, key string, o publish.Object, etag string) error {
	_, err := port.Put(t.Context(), key, o, etag)
	return err
}

// An incident that has gone on for many years is in the pages of all its months, of which a
// pass makes a few, whatever becomes of the pass.
func TestManyMonths(t *testing.T) {
	const months, aPass = 241, 24
	table := dynamotest.NewTable(t)
	store, folder, now := table.Store(nil), openFolder(t), time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC).Unix()
	ending := &flaky{Port: folder, after: -1}
	port := &counted{Port: ending}
	monitorNamed(t, store, "api", now)
	p := &publish.Publisher{Store: store, Config: config, Port: port}
	run(t, p, now)
	port.since()
	begins := time.Date(2006, 11, 3, 0, 0, 0, 0, time.UTC).Unix()
	id := incidentOn(t, store, "Ancient", begins, now, "api")
	passes := func(now int64) (made map[string]bool) {
		t.Helper()
		made = map[string]bool{}
		for n, more := 0, true; more; n++ {
			ending.after = -1
			if n%5 == 2 { // the process ends in the middle of the pass
				ending.after = 20
			}
			var err error
			if more, err = p.Run(t.Context(), now); err != nil {
				if !errors.Is(err, errEnded) {
					t.Fatal(err)
				}
				p, more = &publish.Publisher{Store: store, Config: config, Port: port}, true
			}
			gets, puts := port.since()
			if in("public/events", puts) > aPass+1 {
				t.Fatalf("a pass has put %d months", in("public/events", puts))
			}
			for _, key := range slices.Concat(gets, puts) {
				made[key] = true
			}
		}
		return made
	}
	passes(now)
	told := 0
	for month := statuspage.FloorMonth(begins); month <= now; month = statuspage.NextMonth(month) {
		address := "/de/events/" + time.Unix(month, 0).UTC().Format("January-2006")
		if o := at(t, folder, address); o.Status != 200 || !strings.Contains(string(o.Body), "Ancient") {
			t.Fatalf("%s: %d", address, o.Status)
		}
		told++
	}
	if told != months {
		t.Fatalf("%d months", told)
	}
	// When it is moved, no month goes on to tell of it.
	if _, err := store.UpdateIncident(t.Context(), id, statuspage.IncidentPatch{Start: opt.Value(now - 2*hour)}, now+hour, nil); err != nil {
		t.Fatal(err)
	}
	passes(now + hour)
	for month := statuspage.FloorMonth(begins); month < now-40*day; month = statuspage.NextMonth(month) {
		address := "/events/" + time.Unix(month, 0).UTC().Format("January-2006")
		if o := at(t, folder, address); strings.Contains(string(o.Body), "Ancient") {
			t.Fatalf("%s still tells of it", address)
		}
	}
}

// A pass that can have nothing to tell reads the mark alone and puts nothing. One whose figures
// are due looks at the lead files too, and puts no mark.
func TestQuietPasses(t *testing.T) {
	table := dynamotest.NewTable(t)
	store, now := table.Store(nil), statuspage.FloorHour(start())
	port := &counted{Port: openFolder(t)}
	monitorNamed(t, store, "api", now-day)
	monitorNamed(t, store, "web", now-day)
	p, other := &publish.Publisher{Store: store, Config: config, Port: port}, &publish.Publisher{Store: store, Config: config, Port: port}
	pass := func(p *publish.Publisher, now int64) {
		t.Helper()
		for _, tag := range []string{"api", "web"} {
			if err := store.RecordPoint(t.Context(), tag, statuspage.Point{Time: now, Status: statuspage.StatusUp, Source: statuspage.SourceProbe}, now); err != nil {
				t.Fatal(err)
			}
		}
		run(t, p, now)
	}
	pass(p, now)
	pass(p, now+minute)
	port.since()
	lead := []string{"public/api/v2/status.json", "public/api/v2/summary.json", "public/de/index.html", "public/index.html"}
	mark := []string{"publisher.json"}
	looks := slices.Concat(lead, []string{"public/status.txt"}, mark)
	slices.Sort(looks)
	for _, tt := range []struct {
		name       string
		by         *publish.Publisher
		at         int64
		gets, puts []string
	}{
		{"nothing is due", p, now + 2*minute, mark, nil},
		{"figures are due", p, now + 5*minute, looks, lead},
		{"nothing is due again", p, now + 6*minute, mark, nil},
		{"figures are due again", p, now + 10*minute, looks, lead},
	} {
		pass(tt.by, tt.at)
		gets, puts := port.since()
		if !slices.Equal(gets, tt.gets) || !slices.Equal(puts, tt.puts) {
			t.Errorf("%s: read %q, put %q", tt.name, gets, puts)
		}
	}
	// Two that take turns learn of one another's files, and of no others.
	pass(other, now+15*minute)
	port.since()
	for n, by := range []*publish.Publisher{p, other, p, other} {
		pass(by, now+int64(20+5*n)*minute)
		gets, puts := port.since()
		if len(gets) > 6 || len(slices.DeleteFunc(puts, func(key string) bool { return key == "public/status.txt" })) != len(lead) {
			t.Errorf("turn %d: read %q, put %q", n, gets, puts)
		}
	}
}

// A publisher that has made all pages has forgotten what those of the past are like: a table may
// have more of them than a process can remember.
func TestSweepForgets(t *testing.T) {
	const incidents = 120
	table := dynamotest.NewTable(t)
	store, now := table.Store(nil), start()
	port := &counted{Port: openFolder(t)}
	monitorNamed(t, store, "api", now)
	oneADay(t, table, incidents, now)
	p := &publish.Publisher{Store: store, Config: config, Port: port}
	run(t, p, now)
	port.since()
	retitle(t, store, incidents, "Another", now+minute)
	run(t, p, now+minute)
	if gets, puts := port.since(); in("public/incidents", gets) != 1 || in("public/incidents", puts) != 1 {
		t.Errorf("read %q, put %q", gets, puts)
	}
	retitle(t, store, 1, "Another", now+2*minute)
	run(t, p, now+2*minute)
	if gets, puts := port.since(); in("public/incidents", gets) != 0 || in("public/incidents", puts) != 1 {
		t.Errorf("of the newest: read %q, put %q", gets, puts)
	}
}

// The days of a month that has too many incidents for one page have pages, as long as it has.
func TestLargeMonth(t *testing.T) {
	table := dynamotest.NewTable(t)
	store, port, now := table.Store(nil), openFolder(t), start()
	monitorNamed(t, store, "api", now)
	m := statuspage.NewMonitor("busy", "Busy")
	busy, err := store.CreateMonitor(t.Context(), m, now, nil)
	if err != nil {
		t.Fatal(err)
	}
	month := statuspage.FloorMonth(now - 60*day)
	var all []statuspage.Incident
	for id := int64(1); id <= 510; id++ {
		begins := month + 4*day + id*hour
		i := statuspage.Incident{
			ID: id, Title: fmt.Sprintf("Outage %d.", id), Start: begins, State: statuspage.Resolved, Type: statuspage.TypeIncident, Source: statuspage.SourceAPI,
			Created: begins, Updated: begins, End: new(begins + minute), Closed: new(begins + minute), Version: 1,
		}
		if id <= 20 {
			i.Monitors = []statuspage.AffectedMonitor{{Tag: "busy", MonitorID: busy.ID, Impact: statuspage.Down}}
		}
		all = append(all, i)
	}
	if err := table.Dump(nil).Load(t.Context(), slices.Values(all), nil, nil); err != nil {
		t.Fatal(err)
	}
	p := &publish.Publisher{Store: store, Config: config, Port: port}
	run(t, p, now)
	address := "/events/" + time.Unix(month, 0).UTC().Format("January-2006")
	holds := func(address string, status int, texts ...string) {
		t.Helper()
		for _, address := range []string{address, "/de" + address} {
			o := at(t, port, address)
			if o.Status != status {
				t.Errorf("%s: %d", address, o.Status)
			}
			for _, text := range texts {
				if !contains(o, text) {
					t.Errorf("%s does not say %q", address, text)
				}
			}
		}
	}
	holds(address, 200, address+"/5", address+"/6")
	holds(address+"/5", 200, "Outage 1.", "Outage 23.")
	holds(address+"/6", 200, "Outage 24.", "Outage 47.")
	holds(address+"/28", 200, address+"/27")

	retitle(t, store, 30, "Another title", now+minute)
	run(t, p, now+minute)
	holds(address+"/6", 200, "Another title")

	// 20 of them are shown no more.
	if _, err := store.UpdateMonitor(t.Context(), "busy", statuspage.MonitorPatch{Hidden: opt.Value(statuspage.Yes)}, now+2*minute); err != nil {
		t.Fatal(err)
	}
	run(t, &publish.Publisher{Store: store, Config: config, Port: port}, now+2*minute)
	holds(address, 200, "Another title", "Outage 510.")
	for n := range 28 {
		holds(fmt.Sprint(address, "/", n+1), 404)
	}

	if _, err := store.UpdateMonitor(t.Context(), "busy", statuspage.MonitorPatch{Hidden: opt.Value(statuspage.No)}, now+3*minute); err != nil {
		t.Fatal(err)
	}
	run(t, p, now+3*minute)
	holds(address, 200, address+"/5")
	holds(address+"/5", 200, "Outage 1.")
}
