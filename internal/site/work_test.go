package site_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/dynamotest"
	"tocsin/internal/opt"
	"tocsin/internal/site"
	"tocsin/internal/statuspage"
)

// maintenance makes one at a time.
func (w *world) maintenance(title string, start int64, rule string, duration, at int64, monitors ...statuspage.MonitorImpact) statuspage.Maintenance {
	w.t.Helper()
	n := statuspage.NewMaintenance{Title: title, Schedule: statuspage.Schedule{Start: statuspage.FloorMinute(start), Rule: rule, Duration: duration}, Monitors: monitors}
	m, err := w.store.CreateMaintenance(w.t.Context(), n, at, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return m
}

func (w *world) patchMaintenance(id int64, p statuspage.MaintenancePatch) {
	w.t.Helper()
	if _, err := w.store.UpdateMaintenance(w.t.Context(), id, p, now, nil); err != nil {
		w.t.Fatal(err)
	}
}

func on(tag string, impact statuspage.Impact) statuspage.MonitorImpact {
	return statuspage.MonitorImpact{Tag: tag, Impact: impact}
}

const (
	once  = "FREQ=MINUTELY;COUNT=1"
	daily = "FREQ=DAILY"
)

// said are titles, states and starts in minutes from now.
func said(maintenances []site.Maintenance) (all []string) {
	for _, m := range maintenances {
		all = append(all, m.Title+" "+string(m.State))
	}
	return all
}

// What is on, what is to come, and what ended a day ago at most is shown, unless it concerns
// only monitors that are not, or is INACTIVE.
func TestLoadMaintenances(t *testing.T) {
	w := newWorld(t)
	w.monitor("api", nil)
	w.monitor("db", nil)
	w.monitor("secret", func(m *statuspage.Monitor) { m.Hidden = new(statuspage.Yes) })
	w.maintenance("ended long ago", now-2*day, once, hour, now-3*day)
	w.maintenance("ended", now-3*hour, once, hour, now-3*day, on("api", statuspage.Degraded))
	running := w.maintenance("on", now-10*minute, once, hour, now-day, on("secret", statuspage.Down), on("db", statuspage.UnderMaintenance), on("api", statuspage.Degraded))
	w.maintenance("soon", now+30*minute, once, hour, now-day)
	w.maintenance("hidden", now-10*minute, once, hour, now-day, on("secret", statuspage.Down))
	off := w.maintenance("inactive", now-10*minute, once, hour, now-day)
	w.patchMaintenance(off.ID, statuspage.MaintenancePatch{Status: opt.Value(statuspage.MaintenanceInactive)})
	w.maintenance("daily", now+5*hour, daily, hour, now-day)

	s := w.load()
	want := []string{"ended COMPLETED", "on ONGOING", "soon READY"}
	for range 10 {
		want = append(want, "daily SCHEDULED")
	}
	if d := cmp.Diff(want, said(s.Maintenances)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"on ONGOING", "soon READY", "daily SCHEDULED"}, said(site.Next(s.Maintenances))); d != "" {
		t.Error(d)
	}
	m := s.Maintenances[1]
	if m.Of != running.ID || m.ID != running.Recent[0].ID || m.Status != site.Degraded || m.Global || m.Start != statuspage.FloorMinute(now-10*minute) || m.End != m.Start+hour ||
		len(m.Affected) != 2 || m.Affected[0].Tag != "db" || m.Affected[1].Status != site.Degraded {
		t.Errorf("%+v", m)
	}
	if api, db := s.Monitors()[0], s.Monitors()[1]; api.Status != site.Degraded || db.Status != site.UnderMaintenance || s.Status != site.Degraded {
		t.Errorf("%s, %s: %s", api.Status, db.Status, s.Status)
	}
	if s.Ended != nil {
		t.Errorf("nobody asked for %q", said(s.Ended))
	}
	for value, want := range map[string][]string{
		`{"maintenances":{"past":{"show":true,"maxCount":5,"daysInPast":7}}}`:  {"ended COMPLETED", "ended long ago COMPLETED"},
		`{"maintenances":{"past":{"show":true,"maxCount":5,"daysInPast":1}}}`:  {"ended COMPLETED"},
		`{"maintenances":{"past":{"show":true,"maxCount":1,"daysInPast":7}}}`:  {"ended COMPLETED"},
		`{"maintenances":{"past":{"show":false,"maxCount":1,"daysInPast":7}}}`: nil,
	} {
		w.set("eventDisplaySettings", value)
		if d := cmp.Diff(want, said(w.load().Ended)); d != "" {
			t.Errorf("%s: %s", value, d)
		}
	}
}

// In a declared monitor's days the minutes of maintenances count as these say, also where an
// incident says otherwise; all others as declared. Now the incident counts too, if it is worse.
func TestLoadDeclaredInMaintenance(t *testing.T) {
	w := newWorld(t)
	w.monitor("api", nil)
	today := statuspage.FloorDay(now)
	w.maintenance("a", today+2*hour, once, 90*minute, now-day, on("api", statuspage.UnderMaintenance))
	w.maintenance("b", today+3*hour, once, hour+1, now-day, on("api", statuspage.Down)) // up to 04:00:01
	w.maintenance("c", now-minute, once, hour, now-day, on("api", statuspage.UnderMaintenance))
	w.maintenance("nothing", today, once, 10*hour, now-day, on("api", statuspage.Up))
	w.incident(today+hour, now-5*hour, on("api", statuspage.Degraded))
	m := w.load().Monitors()[0]
	got := m.Days[site.Days-1]
	// 00:00 up, 01:00 incident, 02:00 maintenance, 03:00 down to 04:01, incident to 12:09, maintenance to 12:11
	want := site.Counts{Up: 60, Degraded: 60 + 8*60 + 8, Maintenance: 60 + 2, Down: 61}
	if d := cmp.Diff(want, got.Counts); d != "" || got.Status != site.Down {
		t.Errorf("%s: %s", got.Status, d)
	}
	if m.Status != site.Degraded || m.Measured {
		t.Errorf("%+v", m.Status)
	}
	if h := m.Hours[len(m.Hours)-10]; h.Counts != (site.Counts{Down: 60}) { // 03:00
		t.Errorf("%+v", h)
	}
}

// What is on counts for a measured monitor, whatever its probe says. A loader that knows the
// past counts anew what a maintenance that was entered late, or is deleted, makes of it.
func TestLoadMeasuredInMaintenance(t *testing.T) {
	w := newWorld(t)
	w.monitor("api", nil)
	at := statuspage.FloorMinute(now)
	w.fill("api", at-9*minute, at, statuspage.StatusDown)
	w.fill("api", at-3*day, at-3*day+9*minute, statuspage.StatusUp)
	w.maintenance("a", at-minute, once, hour, now-day)
	loader := site.NewLoader(w.store, site.Config{})
	days := func(now int64) (old, today site.Counts, status site.Status) {
		t.Helper()
		s, err := loader.Load(t.Context(), now)
		if err != nil {
			t.Fatal(err)
		}
		m := s.Monitors()[0]
		old, today = m.Days[site.Days-4].Counts, m.Days[site.Days-1].Counts
		old.Latency, today.Latency = nil, nil
		return old, today, m.Status
	}
	old, today, status := days(now)
	if status != site.UnderMaintenance || today != (site.Counts{Down: 8, Maintenance: 2}) || old != (site.Counts{Up: 10}) {
		t.Errorf("%s, %+v, %+v", status, today, old)
	}
	late := w.maintenance("late", at-3*day-minute, once, 3*minute, now, on("api", statuspage.Degraded))
	old, _, _ = days(now + minute)
	if old != (site.Counts{Up: 8, Degraded: 3}) {
		t.Errorf("%+v", old)
	}
	if err := w.store.DeleteMaintenance(t.Context(), late.ID, now+minute, nil); err != nil {
		t.Fatal(err)
	}
	if old, _, _ = days(now + 2*minute); old != (site.Counts{Up: 10}) {
		t.Errorf("%+v", old)
	}
}

// The lists of maintenances are read before a change, and all else after it: what is shown is
// as after it.
func TestLoadMaintenancesWithLaggingIndex(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(w *world, m statuspage.Maintenance)
	}{
		{"made", func(w *world, _ statuspage.Maintenance) {
			w.maintenance("new", now-minute, once, hour, now, on("api", statuspage.Down))
		}},
		{"deleted", func(w *world, m statuspage.Maintenance) {
			if err := w.store.DeleteMaintenance(w.t.Context(), m.ID, now, nil); err != nil {
				w.t.Fatal(err)
			}
		}},
		{"inactive", func(w *world, m statuspage.Maintenance) {
			w.patchMaintenance(m.ID, statuspage.MaintenancePatch{Status: opt.Value(statuspage.MaintenanceInactive)})
		}},
		{"ended by a person", func(w *world, m statuspage.Maintenance) {
			p := statuspage.OccurrencePatch{State: statuspage.Completed}
			if _, err := w.store.UpdateOccurrence(w.t.Context(), m.ID, m.Recent[0].ID, p, now, nil); err != nil {
				w.t.Fatal(err)
			}
		}},
		{"other schedule", func(w *world, m statuspage.Maintenance) {
			w.patchMaintenance(m.ID, statuspage.MaintenancePatch{Start: opt.Value(m.Start + 2*hour)})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.monitor("api", nil)
			m := w.maintenance("old", now-hour, daily, 2*hour, now-2*day)
			before := w.load()
			listed := make(chan bool)
			isList := dynamotest.Reads("MAINTENANCES")
			client := &dynamotest.Client{
				Inject: dynamotest.Before(dynamotest.Reads("CHANGES#"), func() { <-listed; tt.change(w, m) }),
				Answered: func(operation string, body []byte) {
					if operation == "Query" && isList(operation, body) {
						close(listed)
					}
				},
			}
			got, err := site.Load(t.Context(), w.table.Store(client), site.Config{Name: "Example", URL: "https://status.example.com"}, now)
			if err != nil {
				t.Fatal(err)
			}
			after := w.load()
			if d := cmp.Diff(after, got); d != "" {
				t.Error(d)
			}
			if cmp.Equal(before, after) {
				t.Error("the change changes nothing")
			}
		})
	}
}

// The page of a maintenance has what is to come, what is on and the newest of the past, and
// tells of any occurrence that is asked for.
func TestLoadSeries(t *testing.T) {
	w := newWorld(t)
	w.monitor("api", nil)
	m := w.maintenance("daily", now-20*day, daily, 2*hour, now-20*day, on("api", statuspage.Down))
	for at := now - 20*day; at <= now; at += day {
		if _, err := w.store.MakeOccurrences(t.Context(), m.ID, at); err != nil {
			t.Fatal(err)
		}
	}
	const first = 1
	series, found, err := w.shown().LoadSeries(t.Context(), w.store, m.ID, []int64{first, 999}, now)
	if err != nil || series.Title != "daily" || series.Of != m.ID || series.Status != site.Down || len(series.Affected) != 1 {
		t.Fatalf("%+v, %v", series, err)
	}
	counts := map[statuspage.OccurrenceState]int{}
	for _, o := range series.Occurrences {
		counts[o.State]++
	}
	if d := cmp.Diff(map[statuspage.OccurrenceState]int{statuspage.Completed: 9, statuspage.Ongoing: 1, statuspage.Scheduled: 10}, counts); d != "" {
		t.Error(d)
	}
	if o := found[first]; len(found) != 1 || o.Start != m.Start || o.State != statuspage.Completed || o.Title != "daily" {
		t.Errorf("%+v", found)
	}
	w.patchMaintenance(m.ID, statuspage.MaintenancePatch{Status: opt.Value(statuspage.MaintenanceInactive)})
	for _, id := range []int64{m.ID, 99} {
		if _, _, err := w.shown().LoadSeries(t.Context(), w.store, id, nil, now); err == nil {
			t.Errorf("maintenance %d is shown", id)
		}
	}
}
