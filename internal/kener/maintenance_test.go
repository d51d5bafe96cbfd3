package kener_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/dynamotest"
	"tocsin/internal/jobs/occurrences"
	"tocsin/internal/kener"
	"tocsin/internal/statuspage"
)

const (
	hour = 3600
	day  = 24 * hour
)

// maintenanceOf is a maintenance as Kener shows it, and eventOf one of its events.
func maintenanceOf(id int, start int64, rule, duration, more string) string {
	return fmt.Sprintf(`{"id":%d,"title":"M%d","description":"d","start_date_time":%d,"rrule":%q,"duration_seconds":%s,"status":"ACTIVE","monitors":[{"monitor_tag":"earth","impact":"DOWN"}],`+
		`"created_at":"2026-11-22T11:34:13.000Z","updated_at":"2026-11-22T11:34:14.000Z","url":"http://localhost:3000/maintenances/%d?type=maintenance"%s}`, id, id, start, rule, duration, id, more)
}

func eventOf(id int, start, end int64, status, updated string) string {
	return fmt.Sprintf(`{"id":%d,"maintenance_id":1,"start_date_time":%d,"end_date_time":%d,"status":%q,"created_at":"2026-11-20T00:00:00.000Z","updated_at":%q,"url":""}`, id, start, end, status, updated)
}

// planned is a Kener with maintenances of every kind. It began at 2026-11-22 23:23:00 UTC.
func planned() *fake {
	f := oddities()
	const weeks = begun - 10*7*day
	var weekly []string
	for n := range 12 { // the last one is a week ahead, as far as Kener makes them
		start := int64(weeks + n*7*day)
		status := "COMPLETED"
		if n > 10 {
			status = "SCHEDULED"
		} else if n == 10 {
			status = "ONGOING"
		}
		weekly = append(weekly, eventOf(100+n, start, start+hour, status, "2026-11-20T00:00:00.000Z"))
	}
	weekly[3] = eventOf(103, weeks+21*day+600, weeks+21*day+1200, "COMPLETED", "2026-11-20T00:00:00.000Z") // moved
	weekly[4] = eventOf(104, weeks+28*day, weeks+28*day+hour, "CANCELLED", "2026-01-01T00:00:00.000Z")     // before it began
	weekly[5] = eventOf(105, weeks+35*day, weeks+35*day+120, "CANCELLED", "2026-11-21T00:00:00.000Z")      // while it was on
	weekly[11] = eventOf(111, begun+7*day, begun+7*day+hour, "CANCELLED", "2026-11-21T00:00:00.000Z")
	var many []string
	for n := range 250 {
		start := int64(begun - 300*day + n*day)
		many = append(many, eventOf(300+n, start, start+60, "COMPLETED", "2026-11-20T00:00:00.000Z"))
	}
	f.maintenances = []string{
		maintenanceOf(10, begun-300*day, "FREQ=HOURLY", "31622400", ""),
		maintenanceOf(9, begun-300*day, "FREQ=DAILY;UNTIL=20260901T000000Z", "60", ""),
		maintenanceOf(8, begun-day, "FREQ=SECONDLY", "60.5", `,"monitors":[{"monitor_tag":"pluto"}],"status":"PAUSED","description":null`),
		maintenanceOf(7, begun-3*day, "FREQ=MINUTELY;COUNT=1", "600", `,"title":"moved"`),
		maintenanceOf(6, begun-3*day, "FREQ=MINUTELY;COUNT=1", "600", `,"title":"it has no event"`),
		maintenanceOf(5, begun+30*day, "FREQ=DAILY;COUNT=10", "600", `,"title":"one by mistake","monitors":[]`),
		maintenanceOf(4, begun+2*day, "FREQ=MINUTELY;COUNT=1", "7200", `,"monitors":[{"monitor_tag":"earth","impact":null},{"monitor_tag":"mars","impact":"UP"}]`),
		maintenanceOf(3, begun-hour, "FREQ=MINUTELY;COUNT=1", "7200", ""),
		maintenanceOf(2, begun-hour, "FREQ=DAILY", "600", `,"title":"gone meanwhile"`),
		maintenanceOf(1, weeks, "FREQ=WEEKLY", "3600", `,"status":"ACTIVE"`),
	}
	f.events = map[int64][]string{
		1: weekly,
		3: {eventOf(1, begun-hour, begun+hour, "ONGOING", "2026-11-20T00:00:00.000Z")},
		4: {eventOf(2, begun+2*day, begun+2*day+7200, "SCHEDULED", "2026-11-20T00:00:00.000Z")},
		5: {eventOf(3, begun+30*day, begun+30*day+600, "SCHEDULED", "2026-11-20T00:00:00.000Z")},
		6: {}, 10: {},
		7: {eventOf(4, begun-2*day, begun-2*day+600, "COMPLETED", "2026-11-20T00:00:00.000Z")},
		8: {eventOf(5, begun-600, begun-600, "COMPLETED", "2026-11-20T00:00:00.000Z"), eventOf(6, begun-600, begun+600, "COMPLETED", "2026-11-20T00:00:00.000Z")},
		9: many,
	}
	return f
}

// The maintenances of a Kener go on here: history and what persons did stay, and what is to
// come is made. What counts is what the records say.
func TestMaintenances(t *testing.T) {
	t.Parallel()
	for _, stops := range [][]int64{nil, {25, 28, 32}} {
		t.Run(fmt.Sprint(stops), func(t *testing.T) {
			t.Parallel()
			table := dynamotest.NewTable(t)
			s := table.Store(nil)
			var warned []string
			report := imported(t, planned(), table, stops, &warned)
			if report.Maintenances != 9 || report.Events != 12+1+1+1+1+2+250 {
				t.Errorf("%+v", report)
			}
			for _, want := range []string{
				"maintenance 2: it was deleted meanwhile",
				`maintenance 10: its rule "FREQ=HOURLY" can't be kept, it has too many events on at a time`,
				`maintenance 8: its status "PAUSED" is kept as INACTIVE`,
				`maintenance 8: its link to monitor "pluto" is left out: there is none`,
				`maintenance 8: event 5: its end 1795389180 is no time after its start: it is 2026-11-22 23:14:00 UTC`,
				`maintenance 8: its rule "FREQ=SECONDLY" can't be kept, `,
				`maintenance 5: its rule "FREQ=DAILY;COUNT=10" was for one event in Kener, and is for as many as it says here`,
			} {
				if !slices.ContainsFunc(warned, func(line string) bool { return strings.HasPrefix(line, want) }) {
					t.Errorf("no warning %s in %q", want, warned)
				}
			}
			if sum, err := occurrences.Run(t.Context(), s, begun+10); err != nil || sum.Maintenances != 2 || sum.Made != 7+9 {
				t.Errorf("the clock: %+v, %v", sum, err)
			}
			for id, want := range map[int64]struct {
				status   statuspage.MaintenanceStatus
				monitors string
				spans    int // until now
				records  string
			}{
				1: {"ACTIVE", "earth DOWN", 10, "100 COMPLETED, 101 COMPLETED, 102 COMPLETED, 103 COMPLETED, 104 CANCELLED, 105 CANCELLED, 106 COMPLETED, 107 COMPLETED, 108 COMPLETED, 109 COMPLETED, 110 ONGOING, 111 CANCELLED" + strings.Repeat(", new SCHEDULED", 7)},
				3: {"ACTIVE", "earth DOWN", 1, "1 ONGOING"},
				4: {"ACTIVE", "earth MAINTENANCE, mars UP", 0, "2 SCHEDULED"},
				5: {"ACTIVE", "everything", 0, "3 SCHEDULED" + strings.Repeat(", new SCHEDULED", 9)},
				6: {"ACTIVE", "earth DOWN", 0, ""},
				7: {"ACTIVE", "earth DOWN", 1, "4 COMPLETED"},
				8: {"INACTIVE", "", 2, "5 COMPLETED, 6 COMPLETED"},
			} {
				m, err := s.Maintenance(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				var monitors []string
				for _, a := range m.Monitors {
					monitors = append(monitors, a.Tag+" "+string(a.Impact))
				}
				if m.Global() {
					monitors = []string{"everything"}
				}
				if got := strings.Join(monitors, ", "); got != want.monitors || m.Status != want.status {
					t.Errorf("maintenance %d is %s and on %s", id, m.Status, got)
				}
				spans := m.Spans(0, begun+10)
				if len(spans) != want.spans {
					t.Errorf("maintenance %d was on %v", id, spans)
				}
				list, err := s.Occurrences(t.Context(), statuspage.OccurrenceQuery{MaintenanceID: id, Limit: 1000}, begun+10)
				if err != nil {
					t.Fatal(err)
				}
				var records []string
				var on []statuspage.Span
				for _, o := range list.Found {
					name := fmt.Sprint(o.ID)
					if o.ID > 549 {
						name = "new"
					}
					records = append(records, name+" "+string(o.State(begun+10)))
					if o.Start <= begun+10 && o.ID != 104 {
						on = append(on, statuspage.Span{From: o.Start, To: o.End})
					}
				}
				if d := cmp.Diff(want.records, strings.Join(records, ", ")); d != "" {
					t.Errorf("maintenance %d (-want +got):\n%s", id, d)
				}
				if d := cmp.Diff(on, spans); d != "" {
					t.Errorf("maintenance %d: records (-), calendar (+):\n%s", id, d)
				}
			}
			for _, p := range table.Contents(t).Check() {
				t.Error(p)
			}
		})
	}
}

// imported imports from the fake, with interruptions after so many requests, and returns the report of
// the last run.
func imported(t *testing.T, f *fake, table *dynamotest.Table, stops []int64, warned *[]string) kener.Report {
	t.Helper()
	c := f.client(t, kenerKey)
	o := kener.Options{DataDays: 1, Warn: func(format string, args ...any) { *warned = append(*warned, fmt.Sprintf(format, args...)) }}
	for _, stop := range stops {
		ctx, cancel := context.WithCancel(t.Context())
		first := f.requests.Load()
		f.failWith(func(n int64, _ http.ResponseWriter, _ *http.Request) bool {
			if n-first > stop {
				cancel()
			}
			return false
		})
		if _, err := kener.Import(ctx, c, table.Dump(nil), o, begun+7); err == nil {
			t.Errorf("an import that was stopped after %d requests is done", stop)
		}
		cancel()
	}
	f.failWith(nil)
	report, err := kener.Import(t.Context(), c, table.Dump(nil), o, begun+7)
	if err != nil {
		t.Fatal(err)
	}
	return report
}
