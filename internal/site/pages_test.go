package site_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/opt"
	"tocsin/internal/site"
	"tocsin/internal/statuspage"
)

func TestLoadMonth(t *testing.T) {
	w := newWorld(t)
	w.monitor("api", nil)
	w.monitor("hidden", func(m *statuspage.Monitor) { m.Hidden = new(statuspage.Yes) })
	date := func(month time.Month, day int) int64 {
		return time.Date(2026, month, day, 12, 0, 0, 0, time.UTC).Unix()
	}
	over := func(start, end int64) int64 {
		i := w.incident(start, start, down("api"))
		w.comment(i.ID, end, statuspage.Resolved)
		return i.ID
	}
	first := over(date(3, 1), date(3, 1)+hour)
	long := over(date(4, 20), date(5, 10))
	inMay := over(date(5, 2), date(5, 2)+hour)
	open := w.incident(date(5, 30), date(5, 30), down("api")).ID
	w.incident(date(5, 3), date(5, 3), down("hidden"))
	inJuly := over(date(7, 31)+11*hour+59*minute, date(8, 1)+hour)
	planned := w.incident(date(9, 20), date(8, 1), down("api")).ID

	at := date(9, 1)
	for _, tt := range []struct {
		month   time.Month
		want    []int64
		earlier bool
	}{
		{2, nil, false},
		{3, []int64{first}, false},
		{4, []int64{long}, true},
		{5, []int64{open, inMay, long}, true},
		{6, []int64{open}, true},
		{7, []int64{inJuly, open}, true},
		{8, []int64{inJuly, open}, true},
		{9, []int64{planned, open}, true},
		{10, nil, true},
	} {
		start := time.Date(2026, tt.month, 1, 0, 0, 0, 0, time.UTC)
		m, err := w.shown().LoadMonth(t.Context(), w.store, start.Unix(), at)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(tt.want, incidentIDs(m.Incidents)); d != "" || m.Earlier != tt.earlier || m.Start != start.Unix() || m.End != start.AddDate(0, 1, 0).Unix() {
			t.Errorf("%s: earlier %v, %s", tt.month, m.Earlier, d)
		}
		for _, i := range m.Incidents {
			if i.Updates != nil {
				t.Errorf("%s: %+v", tt.month, i)
			}
		}
	}
}

// One that was opened again without a word is in the state that it had before.
func TestReopenedInMonth(t *testing.T) {
	w := newWorld(t)
	id := w.incident(now-hour, now-hour).ID
	w.comment(id, now-30*minute, statuspage.Identified)
	w.comment(id, now-20*minute, statuspage.Resolved)
	if _, err := w.store.UpdateIncident(t.Context(), id, statuspage.IncidentPatch{End: opt.Null[int64]()}, now-10*minute, nil); err != nil {
		t.Fatal(err)
	}
	m, err := w.shown().LoadMonth(t.Context(), w.store, statuspage.FloorMonth(now-hour), now)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Incidents) != 1 || m.Incidents[0].State != statuspage.Identified {
		t.Errorf("%+v", m.Incidents)
	}
}

// A month in which more incidents began than a list has is read day by day.
func TestLoadLargeMonth(t *testing.T) {
	w := newWorld(t)
	w.monitor("api", nil)
	start := statuspage.FloorMonth(now - 40*day)
	end := statuspage.NextMonth(start)
	var all []statuspage.Incident
	add := func(n int, at int64) {
		for range n {
			id := int64(len(all) + 1)
			all = append(all, statuspage.Incident{
				ID: id, Title: "Outage", Start: at, State: statuspage.Resolved, Type: statuspage.TypeIncident, Source: statuspage.SourceAPI,
				Created: at, Updated: at, End: new(at + hour), Closed: new(at + hour), Version: 1,
			})
		}
	}
	add(1, start-minute)
	add(200, start)
	add(200, start+day-minute)
	add(600, start+day)
	add(300, end-minute)
	add(1, end)
	if err := w.table.Dump(nil).Load(t.Context(), slices.Values(all), nil, nil); err != nil {
		t.Fatal(err)
	}
	m, err := w.shown().LoadMonth(t.Context(), w.store, start, now)
	if err != nil {
		t.Fatal(err)
	}
	perDay := map[int64]int{}
	for _, i := range m.Incidents {
		perDay[(i.Start-start+day)/day]++
	}
	if d := cmp.Diff(map[int64]int{0: 1, 1: 400, 2: site.MaxIncidents + 1, (end - start) / day: 300}, perDay); d != "" {
		t.Error(d)
	}
}

func TestLoadIncident(t *testing.T) {
	w := newWorld(t)
	w.monitor("api", nil)
	r := statuspage.LegacyReport{Title: "Slow", Body: "It is *slow*.", Tags: []string{"api"}, Start: new(now - hour + 17)}
	made, err := w.store.ReportIncident(t.Context(), r, now, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := w.comment(made.ID, now, statuspage.Identified)
	got, err := w.shown().LoadIncident(t.Context(), w.store, made.ID)
	if err != nil {
		t.Fatal(err)
	}
	want := site.Incident{
		ID: made.ID, Title: "Slow", State: statuspage.Identified, Status: site.NoData, Start: made.Start, Created: now, Updated: now, Body: "It is *slow*.",
		Affected: []site.Affected{{MonitorID: 1, Tag: "api", Name: "Monitor api", Status: site.NoData}},
		Updates:  []site.Update{{ID: c.ID, Time: c.Time, State: statuspage.Identified, Text: "News", Created: now, Updated: now}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	// No impact was given: the monitor stays as it is, and the headline does not.
	if s := w.load(); s.Status != site.Degraded || s.Groups[0].Status != site.Up || s.Open[0].Body != "" {
		t.Errorf("%s, %s, %+v", s.Status, s.Groups[0].Status, s.Open[0])
	}
}

// An incident whose last monitor was deleted concerns nothing; it is shown if the monitor was.
func TestOrphansOfDeletedMonitors(t *testing.T) {
	w := newWorld(t)
	w.monitor("api", nil)
	w.monitor("old", nil)
	w.monitor("hidden", func(m *statuspage.Monitor) { m.Hidden = new(statuspage.Yes) })
	shown := w.incident(now-hour, now-hour, down("old"))
	w.incident(now-hour, now-hour, down("hidden"))
	for _, tag := range []string{"old", "hidden"} {
		if err := w.store.DeleteMonitor(t.Context(), tag, now); err != nil {
			t.Fatal(err)
		}
	}
	s := w.load()
	if d := cmp.Diff([]int64{shown.ID}, incidentIDs(s.Incidents())); d != "" {
		t.Error(d)
	}
	today := s.Groups[0].Monitors[0].Days[site.Days-1]
	if i := s.Open[0]; i.Global || len(i.Affected) != 0 || len(today.Incidents) != 0 {
		t.Errorf("%+v, %+v", i, today)
	}
}

func TestChanges(t *testing.T) {
	w := newWorld(t)
	midnight := statuspage.FloorDay(now)
	old := w.incident(midnight-hour, midnight-hour)
	kept := w.incident(midnight-5*minute, midnight-5*minute)
	w.comment(kept.ID, midnight+minute, statuspage.Identified)
	gone := w.incident(midnight, midnight)
	if err := w.store.DeleteIncident(t.Context(), gone.ID, midnight+2*minute, nil); err != nil {
		t.Fatal(err)
	}
	m := statuspage.NewMonitor("api", "API")
	if _, err := w.store.CreateMonitor(t.Context(), m, midnight-minute, nil); err != nil {
		t.Fatal(err)
	}
	if err := w.store.DeleteMonitor(t.Context(), "api", midnight+minute); err != nil {
		t.Fatal(err)
	}
	if _, err := w.store.CreateMonitor(t.Context(), m, midnight+minute, nil); err != nil {
		t.Fatal(err)
	}
	changes := func(since, now int64) site.Changed {
		t.Helper()
		_, changes, err := site.NewLoader(w.store, site.Config{}).LoadSince(t.Context(), since, now, false)
		if err != nil {
			t.Fatal(err)
		}
		return site.ChangedIn(changes)
	}
	want := site.Changed{
		Incidents: []site.ChangedIncident{{ID: kept.ID}, {ID: gone.ID, Deleted: true}},
		Monitors:  []site.ChangedMonitor{{ID: 1, Tag: "api", Deleted: true}, {ID: 2, Tag: "api"}},
	}
	got := changes(midnight-10*minute, midnight+3*minute)
	if d := cmp.Diff(want, got); d != "" || !got.Any() {
		t.Error(d)
	}
	if none := changes(midnight+4*minute, midnight+5*minute); none.Any() {
		t.Errorf("%+v", none)
	}
	if all := changes(old.Created, midnight); len(all.Incidents) != 3 {
		t.Errorf("a clock that is ahead: %+v", all)
	}
}

// A loader that remembers shows what one shows that does not, through minutes, hours and
// midnight, whatever is changed.
func TestLoaderRemembers(t *testing.T) {
	w := newWorld(t)
	w.monitor("api", nil)
	w.monitor("db", nil)
	at := statuspage.FloorDay(now) - 100*minute
	w.fillAt("api", at-3*day, at-minute, statuspage.StatusUp, at-minute)
	i := w.incident(at-hour, at-hour, down("db"))
	patch := func(tag string, p statuspage.MonitorPatch) {
		t.Helper()
		if _, err := w.store.UpdateMonitor(t.Context(), tag, p, at); err != nil {
			t.Fatal(err)
		}
	}
	changes := map[int]func(){
		1: func() { patch("db", statuspage.MonitorPatch{Name: opt.Value("Database")}) },
		3: func() { w.comment(i.ID, at, statuspage.Identified) },
		5: func() { w.fillAt("api", at-2*day, at-2*day+hour, statuspage.StatusDown, at) },
		7: func() { w.fillAt("api", at-5*hour, at-4*hour, statuspage.StatusDegraded, at) },
		9: func() { patch("db", statuspage.MonitorPatch{Hidden: opt.Value(statuspage.Yes)}) },
		11: func() {
			if _, err := w.store.CreateMonitor(t.Context(), statuspage.NewMonitor("new", "New"), at, nil); err != nil {
				t.Fatal(err)
			}
		},
		31: func() { patch("db", statuspage.MonitorPatch{Hidden: opt.Value(statuspage.No)}) },
		40: func() { w.comment(i.ID, at, statuspage.Resolved) },
		52: func() {
			if err := w.store.DeleteIncident(t.Context(), i.ID, at, nil); err != nil {
				t.Fatal(err)
			}
		},
		53: func() {
			if err := w.store.DeleteMonitor(t.Context(), "new", at); err != nil {
				t.Fatal(err)
			}
		},
		98:  func() { w.incident(at, at, down("api")) },
		120: func() { w.deleteMinutes("api", at-30*hour, at-29*hour, at) },
		130: func() { w.deleteMinutes("api", at-30*minute, at+minute, at) },
	}
	loader := site.NewLoader(w.store, site.Config{Name: "Example"})
	for n := 0; n < 180; n++ {
		if change := changes[n]; change != nil {
			change()
		}
		if n < 140 {
			w.point("api", at, at+5)
		}
		if _, changed := changes[n]; changed || n%10 == 0 {
			got, err := loader.Load(t.Context(), at+10)
			if err != nil {
				t.Fatal(err)
			}
			want, err := site.Load(t.Context(), w.store, site.Config{Name: "Example"}, at+10)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Fatalf("minute %d: %s", n, d)
			}
		}
		at += minute
	}
}

func TestLoadManyMonitors(t *testing.T) {
	w := newWorld(t)
	const many = 500
	var monitors []statuspage.Monitor
	for n := range int64(many) {
		m := statuspage.NewMonitor(fmt.Sprintf("m%d", n), "Monitor")
		m.ID, m.Created, m.Updated, m.Version = n+1, now-day, now-day, 1
		m.Category = new(fmt.Sprintf("Group %d", n/20))
		monitors = append(monitors, m)
	}
	if err := w.table.Dump(nil).Load(t.Context(), func(func(statuspage.Incident) bool) {}, nil, monitors); err != nil {
		t.Fatal(err)
	}
	s := w.load()
	if got := s.Monitors(); len(got) != many || len(s.Groups) != many/20 || got[0].ID != 1 || got[many-1].ID != many || s.Status != site.Up {
		t.Errorf("%d monitors in %d groups, %s", len(got), len(s.Groups), s.Status)
	}
}

// Groups stand in the order of their first monitors, the monitors without a category below.
func TestGroups(t *testing.T) {
	w := newWorld(t)
	for n, category := range []string{"", "b", "a", "b", "  ", "a"} {
		w.monitor(fmt.Sprintf("m%d", n), func(m *statuspage.Monitor) {
			m.Category = &category
			if n == 3 {
				m.DefaultStatus = new("DOWN")
			}
		})
	}
	type group struct {
		Name    string
		Status  site.Status
		Partial bool
		Tags    []string
	}
	var got []group
	for _, g := range w.load().Groups {
		of := group{Name: g.Name, Status: g.Status, Partial: g.Partial}
		for _, m := range g.Monitors {
			of.Tags = append(of.Tags, m.Tag)
		}
		got = append(got, of)
	}
	want := []group{{"b", site.Down, true, []string{"m1", "m3"}}, {"a", site.Up, false, []string{"m2", "m5"}}, {"", site.Up, false, []string{"m0", "m4"}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
