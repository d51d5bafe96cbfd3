package dynamo_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tocsin/internal/dynamo"
	"tocsin/internal/dynamotest"
	"tocsin/internal/opt"
	"tocsin/internal/statuspage"
)

// maintained are the minutes of a monitor that have a status, from one up to another, by time:
// each is decided by itself.
func maintained(posted map[int64]statuspage.Point, windows []statuspage.Window, from, to, at int64) []statuspage.Point {
	var all []statuspage.Point
	for m := from; m < to; m += minute {
		p, known := posted[m]
		for _, impact := range []statuspage.Impact{statuspage.Degraded, statuspage.UnderMaintenance, statuspage.Down} {
			for _, w := range windows {
				if w.Impact == impact && w.From <= m && m < w.To && m <= at {
					p.Time, p.Status, p.Source, known = m, statuspage.Status(impact), statuspage.SourceMaintenance, true
				}
			}
		}
		if known {
			all = append(all, p)
		}
	}
	return all
}

func totalsOf(points []statuspage.Point) (t statuspage.Totals) {
	for _, p := range points {
		t.Add(p)
	}
	return t
}

// within are the points from one second up to another.
func within(points []statuspage.Point, from, to int64) []statuspage.Point {
	return slices.DeleteFunc(slices.Clone(points), func(p statuspage.Point) bool { return p.Time < from || p.Time >= to })
}

// agree looks that all that tells of minutes of monitor "a" tells the same as they are by
// posted and windows.
func agree(t rapid.TB, s *dynamo.Store, posted map[int64]statuspage.Point, windows []statuspage.Window, days int, at int64) {
	t.Helper()
	ctx := context.Background()
	from, end := statuspage.FloorDay(at)-int64(days-1)*day, statuspage.FloorMinute(at)+minute
	want := maintained(posted, windows, from, end, at)
	check := func(what string, want, got any, err error) {
		t.Helper()
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Fatalf("%s, %v (-want +got):\n%s", what, err, d)
		}
	}
	for _, newest := range []bool{false, true} {
		var got []statuspage.Point
		q := statuspage.PointQuery{From: from, To: end, Newest: newest}
		for pages, limit := 0, 7; ; pages, limit = pages+1, 1000 {
			n := 0
			next, err := s.Points(ctx, "a", q, at, func(p statuspage.Point) bool {
				if n == limit {
					return false
				}
				n++
				got = append(got, p)
				return true
			})
			if err != nil || pages > len(want) {
				t.Fatalf("points: page %d, %v", pages, err)
			}
			if next == nil {
				break
			}
			if newest {
				q.To = next.Time + minute
			} else {
				q.From = next.Time
			}
		}
		if newest {
			slices.Reverse(got)
		}
		check(fmt.Sprintf("points, newest %t", newest), want, got, nil)
	}
	for n := range 5 {
		at := from + int64(n)*(end-from)/5/minute*minute
		got, err := s.Point(ctx, "a", at, end)
		if of := within(want, at, at+minute); len(of) > 0 {
			check("a minute", of[0], got, err)
		} else if !errors.Is(err, statuspage.PointNotFound("a", at)) {
			t.Fatalf("a minute without a status: %+v, %v", got, err)
		}
		until := at + int64(n)
		_, totals, newest, err := s.DaySoFar(ctx, "a", until, end)
		so := within(want, statuspage.FloorDay(until), until+1)
		check("the day so far", totalsOf(so), totals, err)
		if len(so) > 0 {
			check("its newest minute", &so[len(so)-1], newest, nil)
		} else if newest != nil {
			t.Fatalf("its newest minute is %+v", newest)
		}
	}
	var wantDays []statuspage.DayTotals
	for start := from; start <= at; start += day {
		wantDays = append(wantDays, statuspage.DayTotals{Day: start, Totals: totalsOf(within(want, start, start+day))})
	}
	for range 2 { // made, then stored
		_, got, err := s.Uptime(ctx, "a", statuspage.LastDays(days, at), at)
		check("uptime", wantDays, got, err)
	}
	h, err := s.History(ctx, 1, statuspage.HistoryQuery{Days: statuspage.DayRange{From: from, To: from + day}, Hours: from + 2*day, Windows: windows}, at)
	check("days of the history", wantDays[:2], h.Days, err)
	var hours []statuspage.HourTotals
	for start := from + 2*day; start <= at; start += hour {
		if of := within(want, start, start+hour); len(of) > 0 {
			hours = append(hours, statuspage.HourTotals{Hour: start, Totals: totalsOf(of)})
		}
	}
	check("hours of the history", hours, h.Hours, nil)
	newest := slices.Max(append(slices.Collect(maps.Keys(posted)), 0))
	if h.Newest == nil && newest >= from || h.Newest != nil && !cmp.Equal(*h.Newest, posted[newest]) {
		t.Fatalf("the newest point is %+v, want that of %d", h.Newest, newest)
	}
}

// Whatever is posted, and whatever is done to maintenances and when: all that tells of a
// monitor's minutes agrees, totals of days that were stored before among them.
func TestMaintainedMinutes(t *testing.T) {
	dynamotest.Usually(t, "rapid.checks", 4)
	const days = 4
	rapid.Check(t, func(rt *rapid.T) {
		_, s := newPoints(t, "a", "b")
		ctx, at := t.Context(), int64(now)
		posted := map[int64]statuspage.Point{}
		begin := int64(midnight - (days-1)*day)
		someMinute := func() int64 {
			return begin + minute*rapid.Int64Range(0, (now-begin)/minute).Draw(rt, "minute")
		}
		var ids []int64
		some := func() int64 {
			if len(ids) == 0 {
				rt.Skip("no maintenance")
			}
			return rapid.SampledFrom(ids).Draw(rt, "maintenance")
		}
		patch := func(p statuspage.MaintenancePatch) {
			if _, err := s.UpdateMaintenance(ctx, some(), p, at, nil); err != nil {
				rt.Fatal(err)
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"": func(rt *rapid.T) {
				found, err := s.MaintenancesByID(ctx, ids)
				if err != nil {
					rt.Fatal(err)
				}
				var windows []statuspage.Window
				for _, m := range found {
					windows = append(windows, m.Windows(1, begin, at+1)...)
				}
				agree(rt, s, posted, windows, days, at)
			},
			"post": func(rt *rapid.T) {
				var points []statuspage.TaggedPoint
				for range rapid.IntRange(1, 40).Draw(rt, "points") {
					p := probe(someMinute(), rapid.SampledFrom([]statuspage.Status{"UP", "DOWN", "DEGRADED"}).Draw(rt, "status"), float64(rapid.IntRange(0, 99).Draw(rt, "latency")))
					points = append(points, statuspage.TaggedPoint{Tag: "a", Point: p})
					posted[p.Time] = p
				}
				if err := errors.Join(s.RecordPoints(ctx, points, at)...); err != nil {
					rt.Fatal(err)
				}
			},
			"remove": func(rt *rapid.T) {
				r := statuspage.MinuteRange{From: someMinute()}
				r.To = r.From + rapid.Int64Range(1, 300).Draw(rt, "minutes")*minute
				if _, err := s.DeleteRange(ctx, "a", r, at); err != nil {
					rt.Fatal(err)
				}
				maps.DeleteFunc(posted, func(m int64, _ statuspage.Point) bool { return m >= r.From && m <= r.To })
			},
			"announce": func(rt *rapid.T) {
				n := statuspage.NewMaintenance{Title: "M", Schedule: statuspage.Schedule{
					Start:    someMinute(),
					Rule:     rapid.SampledFrom([]string{"FREQ=MINUTELY;COUNT=1", "FREQ=DAILY", "FREQ=HOURLY;INTERVAL=5"}).Draw(rt, "rule"),
					Duration: rapid.SampledFrom([]int64{30, 60, 90, hour, 30 * hour}).Draw(rt, "duration"),
				}}
				for _, tag := range rapid.SampledFrom([][]string{nil, {"a"}, {"a"}, {"b"}, {"a", "b"}}).Draw(rt, "monitors") {
					n.Monitors = append(n.Monitors, statuspage.MonitorImpact{Tag: tag, Impact: rapid.SampledFrom([]statuspage.Impact{"UP", "DOWN", "DEGRADED", "MAINTENANCE"}).Draw(rt, "impact")})
				}
				m, err := s.CreateMaintenance(ctx, n, at, nil)
				if err != nil {
					rt.Fatal(err)
				}
				ids = append(ids, m.ID)
			},
			"stop": func(rt *rapid.T) {
				patch(statuspage.MaintenancePatch{Status: opt.Value(statuspage.MaintenanceInactive)})
			},
			"go on": func(rt *rapid.T) {
				patch(statuspage.MaintenancePatch{Status: opt.Value(statuspage.MaintenanceActive)})
			},
			"move": func(rt *rapid.T) {
				patch(statuspage.MaintenancePatch{Start: opt.Value(someMinute())})
			},
			"cancel": func(rt *rapid.T) {
				id := some()
				if err := s.DeleteMaintenance(ctx, id, at, nil); err != nil {
					rt.Fatal(err)
				}
				ids = slices.DeleteFunc(ids, func(i int64) bool { return i == id })
			},
			"wait": func(rt *rapid.T) {
				at = min(at+rapid.SampledFrom([]int64{30, 10 * minute}).Draw(rt, "seconds"), now+hour)
			},
		})
	})
}

// storedDay is what is stored of the day of monitor 1 that starts at midnight.
func storedDay(t *testing.T, tb *dynamotest.Table) string {
	t.Helper()
	return itemsByKey(t, tb)["MONITOR#1 DAY#2025-11-22"]["totals"]
}

// Totals that were stored before a maintenance was entered are made again, and so are those that
// were made with one that is gone. When the minutes of the day are gone they stay.
func TestTotalsWithAMaintenance(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	tb, s := newPoints(t, "a")
	for n, status := range []statuspage.Status{statuspage.StatusUp, statuspage.StatusDown, statuspage.StatusUp} {
		if err := s.RecordPoint(ctx, "a", probe(midnight+int64(n)*minute, status, 7), now); err != nil {
			t.Fatal(err)
		}
	}
	looked := func(what string, at int64, want statuspage.Totals) {
		t.Helper()
		for range 2 {
			_, got, err := s.Uptime(ctx, "a", statuspage.DayRange{From: midnight, To: midnight}, at)
			if d := cmp.Diff([]statuspage.DayTotals{{Day: midnight, Totals: want}}, got); d != "" || err != nil {
				t.Errorf("%s, %v (-want +got):\n%s", what, err, d)
			}
		}
	}
	announce := func(from, at int64) int64 {
		m, err := s.CreateMaintenance(ctx, statuspage.NewMaintenance{
			Title: "M", Schedule: statuspage.Schedule{Start: from, Rule: "FREQ=MINUTELY;COUNT=1", Duration: 120},
		}, at, nil)
		if err != nil {
			t.Fatal(err)
		}
		return m.ID
	}
	const tomorrow = now + day
	plain := statuspage.Totals{Up: 2, Down: 1, LatencySum: 14, LatencyCount: 2}
	with := statuspage.Totals{Up: 1, Maintenance: 2, LatencySum: 7, LatencyCount: 1}
	looked("before", tomorrow, plain)
	without := storedDay(t, tb)
	if without == "" || strings.Contains(without, "windows") || strings.Contains(without, "maintenance") {
		t.Errorf("stored: %s", without)
	}
	id := announce(midnight+minute, tomorrow)
	looked("entered late", tomorrow, with)
	stored := storedDay(t, tb)
	if !strings.Contains(stored, "windows") || !strings.Contains(stored, "maintenance") {
		t.Errorf("stored: %s", stored)
	}
	t.Log("another one that makes the same of the day changes nothing")
	other := announce(midnight+minute, tomorrow)
	looked("twice", tomorrow, with)
	if got := storedDay(t, tb); got != stored {
		t.Errorf("stored: %s, want %s", got, stored)
	}
	for _, id := range []int64{id, other} {
		if err := s.DeleteMaintenance(ctx, id, tomorrow, nil); err != nil {
			t.Fatal(err)
		}
	}
	looked("deleted", tomorrow, plain)
	if got := storedDay(t, tb); got != without {
		t.Errorf("stored: %s, want %s", got, without)
	}

	t.Log("the closer makes missing ones with maintenances")
	if _, err := s.DeleteRange(ctx, "a", statuspage.MinuteRange{From: midnight + hour, To: midnight + hour}, tomorrow); err != nil {
		t.Fatal(err)
	}
	if err := s.RecordPoint(ctx, "a", probe(midnight+2*minute, statuspage.StatusUp, 7), tomorrow); err != nil { // as it was
		t.Fatal(err)
	}
	id = announce(midnight+minute, tomorrow)
	m, err := s.Monitor(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	if made, err := s.MissingTotals(ctx, m, 7, false, tomorrow); err != nil || len(made) != 1 || !strings.Contains(storedDay(t, tb), "windows") {
		t.Errorf("made %v, %v: %s", made, err, storedDay(t, tb))
	}

	t.Log("when the minutes are gone, the totals stay")
	const gone = tomorrow + 401*day
	if err := s.DeleteMaintenance(ctx, id, gone, nil); err != nil {
		t.Fatal(err)
	}
	looked("deleted too late", gone, with)
	looked("deleted too late, before", tomorrow, plain) // by a clock of then
	announce(midnight, gone)
	looked("entered too late", gone, plain)
}

// The facts by which the closer decides have the maintenances of the monitor and of everything.
func TestFactsOfAMaintenance(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	_, s := newPoints(t, "a", "b")
	for n, tags := range [][]statuspage.MonitorImpact{nil, {{Tag: "a", Impact: statuspage.Down}}, {{Tag: "b", Impact: statuspage.Down}}} {
		start := statuspage.FloorMinute(now) - int64(n+1)*day
		if _, err := s.CreateMaintenance(ctx, statuspage.NewMaintenance{
			Title: "M", Schedule: statuspage.Schedule{Start: start, Rule: "FREQ=MINUTELY;COUNT=1", Duration: hour}, Monitors: tags,
		}, now, nil); err != nil {
			t.Fatal(err)
		}
	}
	f, err := s.MonitorFacts(ctx, 1, now-60*day, now)
	begun := statuspage.FloorMinute(now)
	want := []statuspage.Window{{From: begun - 2*day, To: begun - 2*day + hour, Impact: statuspage.Down}, {From: begun - day, To: begun - day + hour, Impact: statuspage.UnderMaintenance}}
	if d := cmp.Diff(want, f.Windows); d != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
}
