package demo_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/demo"
	"tocsin/internal/dynamo/dump"
	"tocsin/internal/dynamotest"
	"tocsin/internal/statuspage"
)

const (
	now = 1_796_010_015 // 2026-11-30 03:40:15 UTC

	minute = 60
	hour   = 60 * minute
	day    = 24 * hour
)

func TestMain(m *testing.M) { dynamotest.Main(m) }

func loaded(t *testing.T) *dump.Dump {
	t.Helper()
	s := dynamotest.NewTable(t).Dump(nil)
	if err := demo.Load(t.Context(), s, now); err != nil {
		t.Fatal(err)
	}
	return s
}

func incidents(t *testing.T, s *dump.Dump) []statuspage.Incident {
	t.Helper()
	var all []statuspage.Incident
	_, err := s.Incidents(t.Context(), statuspage.IncidentQuery{To: now + 100*day, Limit: 100}, func(i statuspage.Incident) bool {
		all = append(all, i)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// days are the totals of a monitor up to today.
func days(t *testing.T, s *dump.Dump, tag string, now int64) []statuspage.DayTotals {
	t.Helper()
	_, all, err := s.Uptime(t.Context(), tag, statuspage.DayRange{From: demo.Begin(now), To: statuspage.FloorDay(now)}, now)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func points(t *testing.T, s *dump.Dump, tag string, from, to, now int64) []statuspage.Point {
	t.Helper()
	var all []statuspage.Point
	_, err := s.Points(t.Context(), tag, statuspage.PointQuery{From: from, To: to}, now, func(p statuspage.Point) bool {
		all = append(all, p)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func minutes(t statuspage.DayTotals) int64 { return t.Minutes() }

// All minutes of all days are there, and what the incidents tell of was measured.
func TestLoad(t *testing.T) {
	s := loaded(t)
	down := map[string]int64{}
	for _, m := range demo.Monitors() {
		all := days(t, s, m.Tag, now)
		if len(all) != demo.Days {
			t.Fatalf("%s has %d days", m.Tag, len(all))
		}
		for _, d := range all {
			want := min(24*60, (now-d.Day)/minute)
			if minutes(d) != want || d.LatencyCount != d.Up+d.Degraded || want == 24*60 && d.Up < want*9/10 {
				t.Errorf("%s, of %d minutes: %+v", m.Tag, want, d)
			}
			down[m.Tag] += d.Down
		}
	}
	if diff := cmp.Diff(map[string]int64{"website": 0, "search": 0, "checkout": 37, "accounts": 84, "email": 0, "api": 0}, down); diff != "" {
		t.Errorf("minutes of DOWN (-want +got):\n%s", diff)
	}
	states, comments := map[statuspage.State]int{}, 0
	for _, i := range incidents(t, s) {
		states[i.State]++
		times := []int64{i.Start, i.Created, i.Updated}
		if _, err := s.Comments(t.Context(), i.ID, statuspage.CommentQuery{Limit: 100}, func(c statuspage.Comment) bool {
			comments++
			times = append(times, c.Time, c.Created)
			return true
		}); err != nil {
			t.Fatal(err)
		}
		for _, at := range times {
			if at < demo.Begin(now) || at > now {
				t.Errorf("%s has the time %d", i.Title, at)
			}
		}
	}
	if diff := cmp.Diff(map[statuspage.State]int{statuspage.Resolved: 2, statuspage.Monitoring: 1}, states); diff != "" || comments != 10 {
		t.Errorf("%d comments, incidents by state (-want +got):\n%s", comments, diff)
	}
}

// The story is the same twice, to the last latency.
// There is a maintenance tomorrow, and nothing of it yet.
func TestMaintenance(t *testing.T) {
	s := loaded(t)
	m, err := s.Maintenance(t.Context(), 1)
	if err != nil || len(m.Recent) != 1 {
		t.Fatalf("%+v, %v", m, err)
	}
	if o := m.Recent[0]; statuspage.FloorDay(o.Start) != statuspage.FloorDay(now)+day || o.State(now) != statuspage.Scheduled || len(m.Monitors) != 2 {
		t.Errorf("%+v", m)
	}
}

func TestLoadTwice(t *testing.T) {
	one, two := loaded(t), loaded(t)
	for _, m := range demo.Monitors() {
		from := statuspage.FloorDay(now) - day
		if diff := cmp.Diff(points(t, one, m.Tag, from, now, now), points(t, two, m.Tag, from, now, now)); diff != "" {
			t.Errorf("%s (-one +two):\n%s", m.Tag, diff)
		}
		if diff := cmp.Diff(days(t, one, m.Tag, now), days(t, two, m.Tag, now)); diff != "" {
			t.Errorf("%s (-one +two):\n%s", m.Tag, diff)
		}
	}
}

// Four days after it was loaded, in which nothing ran, the story has gone on: but for the
// rest of one hour no minute is missing, and the incident is over.
func TestCatchUp(t *testing.T) {
	s := loaded(t)
	const later = now + 4*day + 5*hour
	for range 2 { // the second time there is nothing to do
		if going, err := demo.CatchUp(t.Context(), s, later); err != nil || !going {
			t.Fatalf("%v, %v", going, err)
		}
	}
	last := incidents(t, s)[0]
	if last.State != statuspage.Resolved || *last.End != last.Start+4*hour {
		t.Errorf("the incident is %+v", last)
	}
	for _, m := range demo.Monitors() {
		for _, d := range days(t, s, m.Tag, later) {
			want, missing := min(24*60, (later-d.Day)/minute), int64(0)
			if d.Day == statuspage.FloorDay(now) {
				missing = 60 - now%hour/minute
			}
			if minutes(d) != want-missing {
				t.Errorf("%s, of %d minutes: %+v", m.Tag, want, d)
			}
		}
	}
	after := points(t, s, "email", statuspage.FloorHour(now)+hour, *last.End+hour, later)
	for _, p := range after {
		if degraded := p.Status == statuspage.StatusDegraded; degraded != (p.Time < *last.End) {
			t.Errorf("the incident ended at %d, and there is the point %+v", *last.End, p)
		}
	}
	if len(after) < 60 {
		t.Errorf("%d points", len(after))
	}
}

// A minute is as bad as the open incidents say, of the story or not.
func TestPost(t *testing.T) {
	s := loaded(t)
	const later = now + 2*minute
	_, err := s.CreateIncident(t.Context(), statuspage.NewIncident{
		Title: "Fire", Start: statuspage.FloorMinute(now), Monitors: []statuspage.MonitorImpact{{Tag: "api", Impact: statuspage.Down}}, Source: statuspage.SourceAPI,
	}, now, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := demo.Post(t.Context(), s, later); err != nil {
		t.Fatal(err)
	}
	got := map[string]statuspage.Status{}
	for _, m := range demo.Monitors() {
		for _, p := range points(t, s, m.Tag, later-minute, later+minute, later) {
			got[m.Tag] = p.Status
		}
	}
	up := statuspage.StatusUp
	want := map[string]statuspage.Status{"website": up, "search": up, "checkout": up, "accounts": up, "email": statuspage.StatusDegraded, "api": statuspage.StatusDown}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("posted (-want +got):\n%s", diff)
	}
}

// Monitors of somebody else are left alone, whatever their tags are.
func TestNoDemo(t *testing.T) {
	s := dynamotest.NewTable(t).Dump(nil)
	for _, m := range demo.Monitors() {
		if _, err := s.CreateMonitor(t.Context(), m, now, nil); err != nil {
			t.Fatal(err)
		}
	}
	if going, err := demo.CatchUp(t.Context(), s, now); err != nil || going {
		t.Errorf("%v, %v", going, err)
	}
	if err := demo.Post(t.Context(), s, now); err != nil {
		t.Error(err)
	}
	if all := points(t, s, "api", now-day, now+minute, now); len(all) > 0 {
		t.Errorf("points %v", all)
	}
}
