package closer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"tocsin/internal/opt"
	"tocsin/internal/statuspage"
)

// fake is a Store in memory.
type fake struct {
	mu        sync.Mutex
	state     statuspage.CloserState
	others    int // so many runs keep a state before this one's
	incidents []statuspage.Incident
	pageSize  int              // open incidents a page; 0: all
	inactive  map[string]int64 // ids of monitors by their tags
	facts     map[int64]statuspage.MonitorFacts
	comments  []statuspage.Comment
	lastID    int64 // of a comment

	pending []string
	due     bool
	cleaned int

	monitors []statuspage.Monitor // id falling
	missing  map[int64][]int64    // by monitor

	between func(f *fake, id int64) // what happens before an incident is written
	fails   map[string]error        // by the call
	calls   map[string]int
}

// call counts a call and returns its error.
func (f *fake) call(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calls == nil {
		f.calls = map[string]int{}
	}
	f.calls[name]++
	return f.fails[name]
}

func (f *fake) incident(id int64) *statuspage.Incident {
	if n := slices.IndexFunc(f.incidents, func(i statuspage.Incident) bool { return i.ID == id }); n >= 0 {
		return &f.incidents[n]
	}
	return nil
}

func (f *fake) CloserState(context.Context) (statuspage.CloserState, error) {
	return f.state, f.call("CloserState")
}

func (f *fake) SaveCloserState(_ context.Context, st statuspage.CloserState) (statuspage.CloserState, bool, error) {
	if f.others > 0 {
		f.others--
		f.state.Version++
	}
	if st.Version != f.state.Version {
		return f.state, false, f.call("SaveCloserState")
	}
	st.Version++
	f.state = st
	return st, true, f.call("SaveCloserState")
}

func (f *fake) OpenIncidents(_ context.Context, after *statuspage.IncidentPosition, _ int) ([]statuspage.Incident, *statuspage.IncidentPosition, []error, error) {
	if err := f.call("OpenIncidents"); err != nil {
		return nil, nil, nil, err
	}
	var unreadable []error
	var page []statuspage.Incident
	for _, i := range slices.SortedFunc(slices.Values(f.incidents), func(a, b statuspage.Incident) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.ID, b.ID))
	}) {
		switch {
		case i.Closed != nil || after != nil && passed(*after, i):
		case len(page) == f.pageSize && f.pageSize > 0:
			last := page[len(page)-1]
			return page, &statuspage.IncidentPosition{Start: last.Start, ID: last.ID}, unreadable, nil
		case i.Title == "unreadable":
			unreadable = append(unreadable, fmt.Errorf("unreadable %d", i.ID))
		default:
			page = append(page, i)
		}
	}
	return page, nil, unreadable, nil
}

func (f *fake) IncidentsByID(_ context.Context, ids []int64) (map[int64]statuspage.Incident, error) {
	err := f.call("IncidentsByID")
	f.mu.Lock()
	defer f.mu.Unlock()
	found := map[int64]statuspage.Incident{}
	for _, id := range ids {
		if i := f.incident(id); i != nil {
			found[id] = *i
		}
	}
	return found, err
}

func (f *fake) InactiveMonitors(_ context.Context, tags []string) (map[int64]bool, error) {
	inactive := map[int64]bool{}
	for _, tag := range tags {
		if id, ok := f.inactive[tag]; ok {
			inactive[id] = true
		}
	}
	return inactive, f.call("InactiveMonitors")
}

func (f *fake) SignalsOf(context.Context, int64) ([]statuspage.SignalMark, error) {
	return nil, f.call("SignalsOf")
}

func (f *fake) MonitorFacts(_ context.Context, monitorID, since, _ int64) (statuspage.MonitorFacts, error) {
	err := f.call(fmt.Sprint("MonitorFacts ", monitorID))
	f.mu.Lock()
	defer f.mu.Unlock()
	facts := f.facts[monitorID]
	facts.MonitorID, facts.Since = monitorID, since
	return facts, err
}

func (f *fake) CommentIDs(_ context.Context, n int) (int64, error) {
	first := f.lastID + 1
	f.lastID += int64(n)
	return first, f.call("CommentIDs")
}

func (f *fake) AutoClose(_ context.Context, c statuspage.AutoClosing, now int64) (statuspage.Outcome, error) {
	if err := f.call(fmt.Sprint("AutoClose ", c.Incident.ID)); err != nil {
		return statuspage.IncidentChanged, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.between != nil {
		f.between(f, c.Incident.ID)
	}
	i := f.incident(c.Incident.ID)
	if i == nil || i.Version != c.Incident.Version {
		return statuspage.IncidentChanged, nil
	}
	for _, rest := range c.Rests {
		if !slices.Equal(rest.Seen, f.facts[rest.MonitorID].Seen) {
			return statuspage.MonitorsChanged, nil
		}
	}
	*i = i.AutoClosed(c, now)
	f.comments = append(f.comments, c.Comment)
	return statuspage.Written, nil
}

func (f *fake) PendingCleanups(context.Context, int64) ([]string, bool, error) {
	return f.pending, f.due, f.call("PendingCleanups")
}

func (f *fake) Cleanup(ctx context.Context, _ int64) (int, error) {
	return f.cleaned, f.call("Cleanup")
}

func (f *fake) Monitors(_ context.Context, q statuspage.MonitorQuery, take func(statuspage.Monitor) bool) (int64, error) {
	last := q.After
	for _, m := range f.monitors {
		if q.After != 0 && m.ID >= q.After {
			continue
		}
		if !take(m) {
			return last, f.call("Monitors")
		}
		last = m.ID
	}
	return 0, f.call("Monitors")
}

func (f *fake) MissingTotals(_ context.Context, m statuspage.Monitor, _ int, look bool, _ int64) ([]int64, error) {
	if err := f.call("MissingTotals"); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	missing := f.missing[m.ID]
	if !look {
		delete(f.missing, m.ID)
	}
	return missing, nil
}

// runs makes a run at now and returns what it did.
func (f *fake) runs(t *testing.T, now int64, o Options) (Summary, []string, error) {
	t.Helper()
	var lines []string
	o.Line = func(line string) { lines = append(lines, line) }
	sum, err := Run(t.Context(), f, policy, now, o)
	return sum, lines, err
}

func numbered(id, at int64, changes ...func(*statuspage.Incident)) statuspage.Incident {
	i := with(append(changes, starts(at), updated(at))...)
	i.ID, i.Title, i.Version = id, fmt.Sprintf("Outage %d", id), 1
	return i
}

func on(monitors ...int64) func(*statuspage.Incident) {
	return func(i *statuspage.Incident) {
		for _, id := range monitors {
			i.Monitors = append(i.Monitors, statuspage.AffectedMonitor{Tag: fmt.Sprint("m", id), MonitorID: id, Impact: statuspage.Down})
		}
	}
}

// optFields lets cmp look into the fields of incidents.
var optFields = gocmp.AllowUnexported(opt.Field[int64]{})

// TestRun shows what a run does, and that a dry one tells the same and does nothing.
func TestRun(t *testing.T) {
	const now = start + 48*hour
	f := &fake{
		incidents: []statuspage.Incident{
			numbered(1, start), numbered(2, start+1), numbered(3, start, ends(now)), numbered(4, start, ends(now+60)),
			numbered(5, start-hour, on(7, 8)), numbered(6, start-2*hour, on(7)), numbered(7, start-24*hour, warned(start, start)),
		},
		facts:  map[int64]statuspage.MonitorFacts{8: {Newest: point(now, statuspage.StatusDown)}},
		lastID: 10,
	}
	want := Summary{Looked: 7, Warned: 2, Closed: 2, Skipped: map[Reason]int{KeepActive: 1, KeepEnd: 1, KeepFailing: 1}}
	check := func(name string, o Options) []string {
		t.Helper()
		f.calls = nil
		sum, lines, err := f.runs(t, now, o)
		sum.Took = 0
		if d := gocmp.Diff(want, sum); d != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, d)
		}
		if f.calls["MonitorFacts 7"] != 1 || f.calls["MonitorFacts 8"] != 1 {
			t.Errorf("%s: the facts of a monitor are read once: %v", name, f.calls)
		}
		return lines
	}
	before := slices.Clone(f.incidents)
	dry := check("dry run", Options{DryRun: true})
	if d := gocmp.Diff(before, f.incidents, optFields); d != "" || f.comments != nil || f.lastID != 10 {
		t.Errorf("the dry run wrote %v (-before +after):\n%s", f.comments, d)
	}
	if d := gocmp.Diff(dry, check("run", Options{})); d != "" || len(dry) != 4 {
		t.Errorf("lines (-dry +run):\n%s", d)
	}
	var closed []int64
	for _, i := range f.incidents {
		if i.Closed != nil {
			closed = append(closed, i.ID)
		}
	}
	if !slices.Equal(closed, []int64{3, 7}) || len(f.comments) != 4 || f.lastID != 14 {
		t.Errorf("closed %v, comments %+v", closed, f.comments)
	}
	for _, c := range f.comments {
		if i := f.incident(c.IncidentID); c.ID <= 10 || c.ID > 14 || c.Time != now || (c.State == statuspage.Resolved) != (i.Closed != nil) || i.Version != 2 {
			t.Errorf("comment %+v of %+v", c, i)
		}
	}
}

// TestInactiveMonitors has incidents of the same monitors, which fail, had an alert, and
// changed their status: those that are INACTIVE hold up none, and tell no end.
func TestInactiveMonitors(t *testing.T) {
	const now = start + 48*hour
	facts := map[int64]statuspage.MonitorFacts{
		7: {Newest: point(now, statuspage.StatusDown)}, 8: {Alert: true}, 9: {Changed: new(int64(now)), NotUp: new(int64(now - hour))}, 10: {NotUp: new(int64(start + hour))},
	}
	for _, tt := range []struct {
		name     string
		inactive []int64
		want     map[Reason]int
		warned   int
		closed   int
	}{
		{"none", nil, map[Reason]int{KeepFailing: 1, KeepAlert: 1, KeepActive: 2}, 0, 0},
		{"others", []int64{6, 10}, map[Reason]int{KeepFailing: 1, KeepAlert: 1, KeepActive: 2}, 0, 0},
		{"one", []int64{7}, map[Reason]int{KeepAlert: 1, KeepActive: 2}, 1, 0},
		{"all", []int64{7, 8, 9}, map[Reason]int{}, 3, 1},
	} {
		f := &fake{
			incidents: []statuspage.Incident{
				numbered(1, start, on(7)), numbered(2, start, on(8)), numbered(3, start, on(9)), numbered(4, start-24*hour, on(9, 10), warned(start, start)),
			},
			facts: facts, inactive: map[string]int64{},
		}
		for _, id := range tt.inactive {
			f.inactive[fmt.Sprint("m", id)] = id
		}
		sum, _, err := f.runs(t, now, Options{})
		sum.Took = 0
		if d := gocmp.Diff(Summary{Looked: 4, Warned: tt.warned, Closed: tt.closed, Skipped: tt.want}, sum); d != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", tt.name, err, d)
		}
		for _, id := range tt.inactive {
			if f.calls[fmt.Sprint("MonitorFacts ", id)] != 0 {
				t.Errorf("%s: the facts of monitor %d are read", tt.name, id)
			}
		}
		if end := f.incident(4).End; tt.closed > 0 && *end != start+hour {
			t.Errorf("%s: it ends at %+d", tt.name, *end-start)
		}
		if f.calls["InactiveMonitors"] != 1 {
			t.Errorf("%s: %v", tt.name, f.calls)
		}
	}
	f := &fake{incidents: []statuspage.Incident{numbered(1, start, on(7))}, fails: map[string]error{"InactiveMonitors": errors.New("broken")}}
	if sum, _, err := f.runs(t, now, Options{}); err == nil || sum.Warned != 0 || len(f.comments) != 0 {
		t.Errorf("%+v, %v", sum, err)
	}
	// Of an incident whose end has passed no monitor is looked at.
	f = &fake{incidents: []statuspage.Incident{numbered(1, start, on(7), ends(now))}}
	if sum, _, err := f.runs(t, now, Options{}); err != nil || sum.Closed != 1 || f.calls["InactiveMonitors"] != 0 {
		t.Errorf("%+v, %v, %v", sum, err, f.calls)
	}
}

// What others write between the run's reading and its writing is decided by.
func TestOthersWrite(t *testing.T) {
	const now = start + 48*hour
	for _, tt := range []struct {
		name    string
		between func(f *fake, n int)
		want    Summary
		err     string
	}{
		{"a person works on it", func(f *fake, _ int) {
			f.incidents[0].Version, f.incidents[0].Updated = 2, now
		}, Summary{Skipped: map[Reason]int{KeepActive: 1}}, ""},
		{"it is deleted", func(f *fake, _ int) { f.incidents = nil }, Summary{Skipped: map[Reason]int{KeepGone: 1}}, ""},
		{"it is closed", func(f *fake, _ int) {
			f.incidents[0].Version, f.incidents[0].Closed = 2, new(int64(now))
		}, Summary{Skipped: map[Reason]int{KeepClosed: 1}}, ""},
		{"its monitor fails", func(f *fake, _ int) {
			f.facts[7] = statuspage.MonitorFacts{Newest: point(now, statuspage.StatusDown), Seen: []statuspage.SeenHour{{Start: start, Mark: "2"}}}
		}, Summary{Skipped: map[Reason]int{KeepFailing: 1}}, ""},
		{"its monitor has a point that says nothing", func(f *fake, n int) {
			f.facts[7] = statuspage.MonitorFacts{Newest: point(now, statuspage.StatusUp), Seen: []statuspage.SeenHour{{Start: start, Mark: "2"}}}
		}, Summary{Warned: 1, Skipped: map[Reason]int{}}, ""},
		{"something that says nothing, each time", func(f *fake, n int) { f.incidents[0].Version++ },
			Summary{Failed: 1, Skipped: map[Reason]int{}}, "others wrote to it at every try"},
	} {
		f := &fake{incidents: []statuspage.Incident{numbered(1, start, on(7))}, facts: map[int64]statuspage.MonitorFacts{7: {}}}
		n := 0
		f.between = func(f *fake, _ int64) {
			n++
			tt.between(f, n)
		}
		sum, _, err := f.runs(t, now, Options{})
		tt.want.Looked, sum.Took = 1, 0
		if d := gocmp.Diff(tt.want, sum); d != "" || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %v (-want +got):\n%s", tt.name, err, d)
		}
		if want := min(len(f.comments), 1); sum.Warned != want {
			t.Errorf("%s: %d comments", tt.name, len(f.comments))
		}
	}
}

// What fails keeps no other part and no other incident from its turn, and is told.
func TestFailures(t *testing.T) {
	const now = start + 48*hour
	f := &fake{
		incidents: []statuspage.Incident{numbered(1, start), numbered(2, start), numbered(3, start, on(7)), {ID: 4, Start: start, Title: "unreadable"}},
		fails:     map[string]error{}, due: true, cleaned: 2,
		monitors: []statuspage.Monitor{{ID: 1, Tag: "a"}}, missing: map[int64][]int64{1: {start}},
	}
	for _, name := range []string{"AutoClose 1", "MonitorFacts 7", "Cleanup", "MissingTotals"} {
		f.fails[name] = errors.New(name)
	}
	sum, _, err := f.runs(t, now, Options{})
	if sum.Failed != 3 || sum.Warned != 1 || sum.Cleaned != 2 || err == nil {
		t.Errorf("%+v, %v", sum, err)
	}
	for _, told := range []string{"incident 1: AutoClose 1", "incident 3: MonitorFacts 7", "unreadable 4", "Cleanup", "MissingTotals"} {
		if err != nil && !strings.Contains(err.Error(), told) {
			t.Errorf("the error lacks %q: %v", told, err)
		}
	}
	f.fails = map[string]error{"OpenIncidents": errors.New("OpenIncidents"), "PendingCleanups": errors.New("PendingCleanups")}
	if sum, _, err := f.runs(t, now, Options{}); sum.Days != 1 || err == nil || err.Error() != "OpenIncidents\nPendingCleanups" {
		t.Errorf("%+v, %v", sum, err)
	}
	f.fails = map[string]error{"CloserState": errors.New("CloserState")}
	if _, _, err := f.runs(t, now, Options{}); err == nil || f.calls["OpenIncidents"] != 2 {
		t.Errorf("without a state: %v, %v", err, f.calls)
	}
}

// A run that has no more time leaves its place to the next one, which goes to the end and
// then from the beginning to there.
func TestStop(t *testing.T) {
	f := &fake{pageSize: 2}
	for n := range int64(7) {
		f.incidents = append(f.incidents, numbered(n+1, start+n))
	}
	after := func(parts int) func() bool {
		return func() bool { parts--; return parts >= 0 }
	}
	// A page and each of its chunks are parts.
	for _, tt := range []struct {
		parts, others int
		looked        int
		place         int64 // of the incident after which the next run goes on
		goes          bool
	}{{4, 0, 4, 4, true}, {3, 1, 2, 6, true}, {5, 0, 3, 2, true}, {99, 0, 7, 0, false}} {
		f.others = tt.others
		sum, _, err := f.runs(t, start, Options{More: after(tt.parts)})
		var place int64
		if f.state.After != nil {
			place = f.state.After.ID
		}
		if err != nil || sum.Looked != tt.looked || sum.Goes != tt.goes || place != tt.place {
			t.Errorf("%d parts: %+v, %v, place %d; want %+v", tt.parts, sum, err, place, tt)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	if sum, err := Run(ctx, f, policy, start, Options{}); err != nil || !sum.Goes || sum.Looked != 0 {
		t.Errorf("less than five seconds: %+v, %v", sum, err)
	}
}

// Deletions are finished when some are due, and only named by a dry run.
func TestDeletions(t *testing.T) {
	for _, tt := range []struct {
		pending      []string
		due, dry     bool
		calls, count int
	}{{nil, false, false, 0, 0}, {nil, true, false, 1, 0}, {[]string{"INCIDENT#1"}, true, false, 1, 1}, {[]string{"INCIDENT#1"}, true, true, 0, 1}} {
		f := &fake{pending: tt.pending, due: tt.due, cleaned: len(tt.pending)}
		sum, lines, err := f.runs(t, start, Options{DryRun: tt.dry})
		if err != nil || f.calls["Cleanup"] != tt.calls || sum.Cleaned != tt.count || len(lines) != tt.count || tt.count == 1 && lines[0] != "finish the deletion INCIDENT#1" {
			t.Errorf("%+v: %+v, %q, %v, %v", tt, sum, lines, err, f.calls)
		}
	}
}

// Day totals are made once a UTC day, each monitor's once.
func TestTotals(t *testing.T) {
	day := statuspage.FloorDay(start)
	yesterday := day - 24*hour
	f := &fake{missing: map[int64][]int64{}}
	for id := int64(150); id > 0; id-- {
		f.monitors = append(f.monitors, statuspage.Monitor{ID: id, Tag: fmt.Sprint(id)})
	}
	lack := func() { f.missing[150], f.missing[1] = []int64{yesterday}, []int64{yesterday} }
	lack()
	stop := func(parts int) func() bool { // after so many pages of monitors
		return func() bool { parts--; return parts >= -2 }
	}
	for _, tt := range []struct {
		name string
		now  int64
		o    Options
		days int
		done bool
		goes bool
	}{
		{"too early in the day", day + 60, Options{}, 0, false, false},
		{"a dry run", day + 12*hour, Options{DryRun: true}, 2, false, false}, // of both monitors in one line
		{"a page", day + 12*hour, Options{More: stop(1)}, 1, false, true},
		{"the rest", day + 12*hour, Options{}, 1, true, false},
		{"again", day + 13*hour, Options{}, 0, true, false},
		{"the next day", day + 36*hour, Options{}, 0, true, false},
	} {
		sum, lines, err := f.runs(t, tt.now, tt.o)
		if err != nil || sum.Days != tt.days || sum.Goes != tt.goes || f.state.DayDone != tt.done {
			t.Errorf("%s: %+v, %v, state %+v", tt.name, sum, err, f.state)
		}
		date := time.Unix(yesterday, 0).UTC().Format(time.DateOnly)
		var want []string
		if tt.days > 0 {
			want = []string{fmt.Sprintf("make %d day totals of %d monitors, from %s to %s", tt.days, tt.days, date, date)}
		}
		if !slices.Equal(lines, want) {
			t.Errorf("%s: it says %q, want %q", tt.name, lines, want)
		}
	}
	lack()
	if sum, _, err := f.runs(t, day+12*hour, Options{}); err != nil || sum.Days != 0 {
		t.Errorf("a clock that went back: %+v, %v", sum, err)
	}
}
