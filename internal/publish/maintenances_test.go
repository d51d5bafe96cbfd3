package publish_test

import (
	"fmt"
	"slices"
	"testing"

	"tocsin/internal/dynamo"
	"tocsin/internal/dynamotest"
	"tocsin/internal/opt"
	"tocsin/internal/publish"
	"tocsin/internal/statuspage"
)

const once, daily = "FREQ=MINUTELY;COUNT=1", "FREQ=DAILY"

func maintenanceOf(t *testing.T, s *dynamo.Store, title string, begins int64, rule string, duration, now int64, tags ...string) statuspage.Maintenance {
	t.Helper()
	n := statuspage.NewMaintenance{Title: title, Schedule: statuspage.Schedule{Start: begins, Rule: rule, Duration: duration}}
	for _, tag := range tags {
		n.Monitors = append(n.Monitors, statuspage.MonitorImpact{Tag: tag, Impact: statuspage.UnderMaintenance})
	}
	m, err := s.CreateMaintenance(t.Context(), n, now, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func patch(t *testing.T, s *dynamo.Store, id int64, p statuspage.MaintenancePatch, now int64) statuspage.Maintenance {
	t.Helper()
	m, err := s.UpdateMaintenance(t.Context(), id, p, now, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// says fails the test unless the file of the address has the status and the text.
func says(t *testing.T, port publish.Port, address string, status int, text string) {
	t.Helper()
	if o := at(t, port, address); o.Status != status || !contains(o, text) {
		t.Errorf("%s is answered %d and does not say %q", address, o.Status, text)
	}
}

// The pages of a maintenance are there before the home page leads to them, and say what the
// clock says, also when nobody changes anything.
func TestMaintenanceByTheClock(t *testing.T) {
	store, now, folder := dynamotest.NewTable(t).Store(nil), start(), openFolder(t)
	monitorNamed(t, store, "api", now)
	p := &publish.Publisher{Store: store, Config: config, Port: folder}
	run(t, p, now)
	port := &counted{Port: folder}
	p.Port = port
	m := maintenanceOf(t, store, "New disks", now+2*hour, once, hour, now, "api")
	id := m.Recent[0].ID
	event, series := fmt.Sprintf("/maintenances/%d", id), fmt.Sprintf("/maintenances/m/%d", m.ID)
	run(t, p, now)
	key, _ := publish.Key(event)
	if page, home := slices.Index(port.puts, key), slices.Index(port.puts, "public/index.html"); page < 0 || home < page {
		t.Errorf("%q", port.puts)
	}
	for _, c := range []struct {
		after                int64
		event, series, home  string
		monitor, calendarHas string
	}{
		{0, "Scheduled: New disks", "Scheduled: New disks", "New disks", "Operational", "SUMMARY:New disks"},
		{hour, "Starts soon: New disks", "Starts soon", "Starts soon", "Operational", "DTSTART"},
		{2*hour - 1, "Starts soon: New disks", "Starts soon", "Planned", "Operational", "DTSTART"},
		{2 * hour, "In progress: New disks", "In progress", "Maintenance in progress", "<title>Maintenance: ", "DTSTART"},
		{3*hour - 1, "In progress: New disks", "In progress", "Happening now", "<title>Maintenance: ", "DTSTART"},
		{3 * hour, "Completed: New disks", "Completed", "No maintenance planned", "Operational", "STATUS:CONFIRMED"},
	} {
		run(t, p, now+c.after)
		says(t, folder, event, 200, c.event)
		says(t, folder, "/de"+event, 200, "New disks")
		says(t, folder, series, 200, c.series)
		says(t, folder, "/", 200, c.home)
		says(t, folder, "/monitors/api", 200, c.monitor)
		says(t, folder, "/maintenances.ics", 200, c.calendarHas)
	}
	// The pages of one that went by while no publisher ran.
	later := now + 5*day
	m = maintenanceOf(t, store, "New racks", later+hour, once, hour, later)
	event = fmt.Sprintf("/maintenances/%d", m.Recent[0].ID)
	run(t, p, later)
	says(t, folder, event, 200, "Starts soon: New racks")
	run(t, &publish.Publisher{Store: store, Config: config, Port: folder}, later+9*day)
	says(t, folder, event, 200, "Completed: New racks")
}

// What is no more is answered 410, and what is not shown 404.
func TestMaintenanceGone(t *testing.T) {
	store, now, folder := dynamotest.NewTable(t).Store(nil), start(), openFolder(t)
	monitorNamed(t, store, "api", now)
	p := &publish.Publisher{Store: store, Config: config, Port: folder}
	m := maintenanceOf(t, store, "Backup", now-minute, daily, hour, now, "api")
	series, event := fmt.Sprintf("/maintenances/m/%d", m.ID), func(n int) string { return fmt.Sprintf("/maintenances/%d", m.Recent[n].ID) }
	run(t, p, now)
	says(t, folder, event(0), 200, "In progress")
	says(t, folder, event(3), 200, "Scheduled")
	says(t, folder, series, 200, "Every day")

	// Another schedule replaces what has not begun.
	now += minute
	next := patch(t, store, m.ID, statuspage.MaintenancePatch{Start: opt.Value(m.Start + 5*hour)}, now)
	run(t, p, now)
	says(t, folder, event(0), 200, "In progress")
	says(t, folder, event(3), 410, "deleted")
	says(t, folder, fmt.Sprintf("/maintenances/%d", next.Recent[1].ID), 200, "Scheduled")

	if err := store.DeleteOccurrence(t.Context(), m.ID, next.Recent[1].ID, now, nil); err != nil {
		t.Fatal(err)
	}
	run(t, p, now)
	says(t, folder, fmt.Sprintf("/maintenances/%d", next.Recent[1].ID), 410, "deleted")

	now += 3 * minute
	patch(t, store, m.ID, statuspage.MaintenancePatch{Status: opt.Value(statuspage.MaintenanceInactive)}, now)
	run(t, p, now)
	says(t, folder, event(0), 404, "")
	says(t, folder, series, 404, "")
	says(t, folder, "/", 200, "No maintenance planned")
	patch(t, store, m.ID, statuspage.MaintenancePatch{Status: opt.Value(statuspage.MaintenanceActive)}, now)
	run(t, p, now)
	says(t, folder, event(0), 200, "In progress")

	now += minute
	if err := store.DeleteMaintenance(t.Context(), m.ID, now, nil); err != nil {
		t.Fatal(err)
	}
	run(t, &publish.Publisher{Store: store, Config: config, Port: folder}, now)
	says(t, folder, event(0), 410, "deleted")
	says(t, folder, series, 410, "deleted")
	says(t, folder, fmt.Sprintf("/maintenances/%d", next.Recent[5].ID), 410, "deleted")
}

// A maintenance with more occurrences than one pass makes the pages of: all become others when
// its title does, and are gone with it, whoever goes on with that.
func TestManyOccurrences(t *testing.T) {
	table, now := dynamotest.NewTable(t), start()
	store, folder := table.Store(nil), openFolder(t)
	m := maintenanceOf(t, store, "Backup", now, daily, hour, now)
	const days = 230
	for range days {
		now += day
		if _, err := store.MakeOccurrences(t.Context(), m.ID, now); err != nil {
			t.Fatal(err)
		}
	}
	new := func() *publish.Publisher {
		return &publish.Publisher{Store: store, Config: config, Port: folder, Table: "t"}
	}
	run(t, new(), now)
	check := func(status int, text string) {
		t.Helper()
		for id := range int64(days) {
			says(t, folder, fmt.Sprintf("/maintenances/%d", id+1), status, text)
		}
	}
	check(200, "Backup")
	// takes makes one pass of each of many publishers, as long as something is left to do.
	takes := func() (passes int) {
		for more := true; more; passes++ {
			var err error
			if more, err = new().Run(t.Context(), now); err != nil {
				t.Fatal(err)
			}
		}
		return passes
	}
	now += 20 * minute
	patch(t, store, m.ID, statuspage.MaintenancePatch{Title: opt.Value("Copies")}, now)
	if n := takes(); n < 2 {
		t.Errorf("%d passes", n)
	}
	check(200, "Copies")
	now += 20 * minute
	if err := store.DeleteMaintenance(t.Context(), m.ID, now, nil); err != nil {
		t.Fatal(err)
	}
	takes()
	check(410, "deleted")
}

// A table of an earlier moment does not have the newest maintenances.
func TestMaintenancesOfAnEarlierMoment(t *testing.T) {
	now, folder := start(), openFolder(t)
	newer, older := dynamotest.NewTable(t).Store(nil), dynamotest.NewTable(t).Store(nil)
	for n, store := range []*dynamo.Store{newer, newer, newer, older} {
		maintenanceOf(t, store, fmt.Sprintf("Work %d", n), now+day, once, hour, now)
	}
	run(t, &publish.Publisher{Store: newer, Config: config, Port: folder, Table: "newer"}, now)
	says(t, folder, "/maintenances/3", 200, "Work 2")
	run(t, &publish.Publisher{Store: older, Config: config, Port: folder, Table: "older"}, now+minute)
	says(t, folder, "/maintenances/1", 200, "Work 3")
	for _, address := range []string{"/maintenances/2", "/maintenances/3", "/de/maintenances/m/3"} {
		says(t, folder, address, 410, "")
	}
}
