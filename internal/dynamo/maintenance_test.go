package dynamo_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tocsin/internal/dynamo"
	"tocsin/internal/dynamotest"
	"tocsin/internal/opt"
	"tocsin/internal/statuspage"
)

var maintenanceRules = []string{"FREQ=MINUTELY;COUNT=1", "FREQ=DAILY", "FREQ=HOURLY;INTERVAL=5", "FREQ=DAILY;COUNT=3"}

func drawSchedule(t *rapid.T, now int64) statuspage.Schedule {
	const hour = 3600
	return statuspage.Schedule{
		Start:    statuspage.FloorMinute(now + rapid.Int64Range(-50*hour, 80*hour).Draw(t, "start")),
		Rule:     rapid.SampledFrom(maintenanceRules).Draw(t, "rule"),
		Duration: rapid.SampledFrom([]int64{60, hour, 30 * hour}).Draw(t, "duration"),
	}
}

func drawLinks(t *rapid.T, tags []string) []statuspage.MonitorImpact {
	var links []statuspage.MonitorImpact
	for _, tag := range tags {
		if rapid.Bool().Draw(t, tag) {
			links = append(links, statuspage.MonitorImpact{Tag: tag, Impact: rapid.SampledFrom([]statuspage.Impact{statuspage.Down, statuspage.UnderMaintenance}).Draw(t, "impact")})
		}
	}
	return links
}

// occurrencesOf lists the occurrences of a maintenance.
func occurrencesOf(t rapid.TB, s *dynamo.Store, id, now int64) []statuspage.Occurrence {
	t.Helper()
	list, err := s.Occurrences(context.Background(), statuspage.OccurrenceQuery{MaintenanceID: id, Limit: 1000}, now)
	if err != nil {
		t.Fatal(err)
	}
	var all []statuspage.Occurrence
	for _, o := range list.Found {
		all = append(all, o.Occurrence)
	}
	return all
}

// Whatever is done to maintenances, their occurrences and their monitors: what the rows under
// a monitor say of it is what the maintenances say, and the records of occurrences are those
// that the maintenances know.
func TestMaintenancesAgreeWithTheirRows(t *testing.T) {
	dynamotest.Usually(t, "rapid.checks", 6)
	rapid.Check(t, func(rt *rapid.T) {
		tb := dynamotest.NewTable(t)
		s, ctx := tb.Store(nil), t.Context()
		at := int64(now)
		tags := []string{"earth", "mars"}
		ids := map[string]int64{}
		create := func(tag string) {
			m, err := s.CreateMonitor(ctx, statuspage.NewMonitor(tag, tag), at, nil)
			if err != nil {
				rt.Fatal(err)
			}
			ids[tag] = m.ID
		}
		for _, tag := range tags {
			create(tag)
		}
		var maintenances []int64
		some := func() int64 {
			if len(maintenances) == 0 {
				rt.Skip("no maintenance")
			}
			return rapid.SampledFrom(maintenances).Draw(rt, "maintenance")
		}
		one := func(id int64) statuspage.Occurrence {
			all := occurrencesOf(rt, s, id, at)
			if len(all) == 0 {
				rt.Skip("no occurrence")
			}
			return rapid.SampledFrom(all).Draw(rt, "occurrence")
		}
		check := func(err error) {
			if err != nil {
				rt.Fatal(err)
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"create": func(rt *rapid.T) {
				m, err := s.CreateMaintenance(ctx, statuspage.NewMaintenance{Title: "M", Schedule: drawSchedule(rt, at), Monitors: drawLinks(rt, tags)}, at, nil)
				check(err)
				maintenances = append(maintenances, m.ID)
			},
			"other schedule": func(rt *rapid.T) {
				sch := drawSchedule(rt, at)
				_, err := s.UpdateMaintenance(ctx, some(), statuspage.MaintenancePatch{Start: opt.Value(sch.Start), Rule: opt.Value(sch.Rule), Duration: opt.Value(sch.Duration)}, at, nil)
				check(err)
			},
			"other monitors": func(rt *rapid.T) {
				_, err := s.UpdateMaintenance(ctx, some(), statuspage.MaintenancePatch{Monitors: opt.Value(drawLinks(rt, tags))}, at, nil)
				check(err)
			},
			"other status": func(rt *rapid.T) {
				status := rapid.SampledFrom([]statuspage.MaintenanceStatus{statuspage.MaintenanceActive, statuspage.MaintenanceInactive}).Draw(rt, "status")
				_, err := s.UpdateMaintenance(ctx, some(), statuspage.MaintenancePatch{Status: opt.Value(status)}, at, nil)
				check(err)
			},
			"cancel": func(rt *rapid.T) {
				id := some()
				o := one(id)
				_, err := s.UpdateOccurrence(ctx, id, o.ID, statuspage.OccurrencePatch{State: statuspage.Cancelled}, at, nil)
				if state := o.State(at); (err != nil) != (state == statuspage.Completed || state == statuspage.Cancelled) {
					rt.Fatalf("cancelling one that is %s: %v", state, err)
				}
			},
			"other times": func(rt *rapid.T) {
				id := some()
				o := one(id)
				start := statuspage.FloorMinute(at + rapid.Int64Range(-200000, 200000).Draw(rt, "start"))
				_, err := s.UpdateOccurrence(ctx, id, o.ID, statuspage.OccurrencePatch{Start: start, End: start + 600}, at, nil)
				check(err)
			},
			"delete an occurrence": func(rt *rapid.T) {
				id := some()
				check(s.DeleteOccurrence(ctx, id, one(id).ID, at, nil))
			},
			"delete": func(rt *rapid.T) {
				id := some()
				check(s.DeleteMaintenance(ctx, id, at, nil))
				maintenances = slices.DeleteFunc(maintenances, func(n int64) bool { return n == id })
			},
			"another monitor of that tag": func(rt *rapid.T) {
				tag := rapid.SampledFrom(tags).Draw(rt, "tag")
				check(s.DeleteMonitor(ctx, tag, at))
				create(tag)
			},
			"time passes": func(rt *rapid.T) {
				at += rapid.SampledFrom([]int64{60, 3600, 86400, 9 * 86400}).Draw(rt, "seconds")
				due, err := s.DueMaintenances(ctx, at, 100)
				check(err)
				for _, id := range due {
					_, err := s.MakeOccurrences(ctx, id, at)
					check(err)
				}
			},
			"": func(rt *rapid.T) {
				for _, p := range tb.Contents(t).Check() {
					rt.Error(p)
				}
				const from, to = 0, now + 400*86400
				want := map[string][]statuspage.Window{}
				for _, id := range maintenances {
					m, err := s.Maintenance(ctx, id)
					check(err)
					for _, tag := range tags {
						want[tag] = append(want[tag], m.Windows(ids[tag], from, to)...)
					}
					records := occurrencesOf(rt, s, id, at)
					planned := map[int64]bool{}
					for _, o := range records {
						if planned[o.Planned] {
							rt.Fatalf("two are planned for %d: %+v", o.Planned, records)
						}
						planned[o.Planned] = true
						if known := slices.Contains(m.Recent, o); !known && o.End+86400 > at {
							rt.Fatalf("the maintenance does not know %+v", o)
						}
					}
					for _, o := range m.Recent {
						if !slices.Contains(records, o) {
							rt.Fatalf("no record of %+v", o)
						}
					}
				}
				for _, tag := range tags {
					got, err := s.Windows(ctx, ids[tag], from, to)
					check(err)
					by := func(a, b statuspage.Window) int {
						return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.Impact, b.Impact))
					}
					slices.SortFunc(want[tag], by)
					slices.SortFunc(got, by)
					if d := gocmp.Diff(want[tag], got); d != "" {
						rt.Fatalf("on %s: maintenances (-), rows (+):\n%s", tag, d)
					}
				}
			},
		})
	})
}

// A maintenance of which as many events to come were changed as its record takes is refused
// another such change, and stays as it is.
func TestGrownMaintenance(t *testing.T) {
	t.Parallel()
	s, ctx := dynamotest.NewTable(t).Store(nil), t.Context()
	m, err := s.CreateMaintenance(ctx, statuspage.NewMaintenance{Title: "M", Schedule: statuspage.Schedule{Start: now, Rule: "FREQ=HOURLY", Duration: 60}}, now, nil)
	if err != nil {
		t.Fatal(err)
	}
	for n := range int64(499) {
		at := now + (100+n)*3600
		m.Changed = append(m.Changed, statuspage.ChangedOccurrence{Planned: at, From: at, To: at})
	}
	if err := s.StoreMaintenance(ctx, m, now); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteOccurrence(ctx, m.ID, m.Recent[5].ID, now, nil); err != nil {
		t.Fatalf("the 500th: %v", err)
	}
	before, err := s.Maintenance(ctx, m.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteOccurrence(ctx, m.ID, m.Recent[6].ID, now, nil); !errors.Is(err, statuspage.ErrMaintenanceGrown) {
		t.Errorf("the 501st: %v", err)
	}
	_, err = s.UpdateOccurrence(ctx, m.ID, m.Recent[6].ID, statuspage.OccurrencePatch{State: statuspage.Cancelled}, now, nil)
	if !errors.Is(err, statuspage.ErrMaintenanceGrown) {
		t.Errorf("the 501st, cancelled: %v", err)
	}
	after, err := s.Maintenance(ctx, m.ID)
	if d := gocmp.Diff(before, after); err != nil || d != "" {
		t.Errorf("%v, %s", err, d)
	}
	if made, err := s.MakeOccurrences(ctx, m.ID, now+4*3600); made == 0 || err != nil {
		t.Errorf("the clock makes %d: %v", made, err)
	}
	if _, err := s.UpdateMaintenance(ctx, m.ID, statuspage.MaintenancePatch{Title: opt.Value("N")}, now+4*3600, nil); err != nil {
		t.Errorf("another title: %v", err)
	}
}
