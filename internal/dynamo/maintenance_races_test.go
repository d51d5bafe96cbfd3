package dynamo_test

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"tocsin/internal/dynamo"
	"tocsin/internal/opt"
	"tocsin/internal/statuspage"
)

const (
	firstStart = begin + 120*minute
	muchLater  = now + 12*86400 // when more occurrences of a daily maintenance are due
)

// ahead is a schedule with three occurrences, all of which are to come; the others go on.
var (
	ahead  = statuspage.Schedule{Start: firstStart, Rule: "FREQ=DAILY;COUNT=3", Duration: 10 * minute}
	goesOn = statuspage.Schedule{Start: firstStart, Rule: "FREQ=DAILY", Duration: 10 * minute}
)

// maintenance adds a maintenance of the monitors.
func (w *world) maintenance(s statuspage.Schedule, tags ...string) int64 {
	w.maintenances = append(w.maintenances, statuspage.NewMaintenance{Title: "Work", Schedule: s, Monitors: links(statuspage.Down, tags...)})
	return int64(len(w.maintenances))
}

// occurrence is the first one of a maintenance whose schedule is ahead, as they all are in
// that world.
func occurrence(maintenance int64) int64 { return 3*maintenance - 2 }

func patchMaintenance(id, at int64, p statuspage.MaintenancePatch) op {
	return func(ctx context.Context, s *dynamo.Store) error {
		_, err := s.UpdateMaintenance(ctx, id, p, at, nil)
		return err
	}
}

func deleteMaintenance(id, at int64) op {
	return func(ctx context.Context, s *dynamo.Store) error { return s.DeleteMaintenance(ctx, id, at, nil) }
}

func postMaintenance(s statuspage.Schedule, tag string) op {
	return func(ctx context.Context, store *dynamo.Store) error {
		_, err := store.CreateMaintenance(ctx, statuspage.NewMaintenance{Title: "New", Schedule: s, Monitors: links(statuspage.Down, tag)}, later, nil)
		return err
	}
}

func patchOccurrence(maintenance, id int64, p statuspage.OccurrencePatch) op {
	return func(ctx context.Context, s *dynamo.Store) error {
		_, err := s.UpdateOccurrence(ctx, maintenance, id, p, later, nil)
		return err
	}
}

func deleteOccurrence(maintenance, id int64) op {
	return func(ctx context.Context, s *dynamo.Store) error {
		return s.DeleteOccurrence(ctx, maintenance, id, later, nil)
	}
}

func makeOccurrences(id, at int64) op {
	return func(ctx context.Context, s *dynamo.Store) error {
		_, err := s.MakeOccurrences(ctx, id, at)
		return err
	}
}

var (
	cancel     = statuspage.OccurrencePatch{State: statuspage.Cancelled}
	moved      = statuspage.OccurrencePatch{Start: firstStart + minute, End: firstStart + 5*minute}
	longer     = statuspage.MaintenancePatch{Duration: opt.Value[int64](20 * minute)}
	otherTitle = statuspage.MaintenancePatch{Title: opt.Value("New")}
)

func (r *result) maintenance(id int64) statuspage.Maintenance {
	r.t.Helper()
	m, err := r.store.Maintenance(context.Background(), id)
	if err != nil {
		r.errorf("maintenance %d: %v", id, err)
	}
	return m
}

func (r *result) maintenanceGone(id int64) {
	r.t.Helper()
	if _, err := r.store.Maintenance(context.Background(), id); !errors.Is(err, statuspage.MaintenanceNotFound(id)) {
		r.errorf("maintenance %d after its deletion: %v", id, err)
	}
	if left := occurrencesOf(r.t, r.store, id, later); len(left) > 0 {
		r.errorf("occurrences of the deleted maintenance %d: %+v", id, left)
	}
}

// occurrences are those of the maintenance, no two of which are planned for the same time.
func (r *result) occurrences(id int64) []statuspage.Occurrence {
	r.t.Helper()
	all := occurrencesOf(r.t, r.store, id, later)
	planned := map[int64]bool{}
	for _, o := range all {
		if planned[o.Planned] {
			r.errorf("two are planned for %d: %+v", o.Planned, all)
		}
		planned[o.Planned] = true
	}
	return all
}

// lasting asks that so many occurrences of the maintenance last so long.
func (r *result) lasting(id, duration int64, want int) {
	r.t.Helper()
	n := 0
	for _, o := range r.occurrences(id) {
		if o.End-o.Start == duration {
			n++
		}
	}
	if n != want {
		r.errorf("%d occurrences of maintenance %d last %d seconds, want %d", n, id, duration, want)
	}
}

// maintenanceScenarios are the pairs of writers to maintenances.
var maintenanceScenarios = []scenario{
	{"PATCH title, PATCH monitors of a maintenance", false, func(w *world) race {
		one, other := w.monitor(), w.monitor()
		id := w.maintenance(ahead, one)
		return race{
			patchMaintenance(id, later, otherTitle),
			patchMaintenance(id, later, statuspage.MaintenancePatch{Monitors: opt.Value(links(statuspage.Up, other))}),
			func(r *result) {
				r.bothStand()
				m := r.maintenance(id)
				r.diff("title, monitors, version", []any{"New", other, 1, int64(3)}, []any{m.Title, m.Monitors[0].Tag, len(m.Monitors), m.Version})
				r.lasting(id, 10*minute, 3)
			},
		}
	}},
	{"PATCH title, PATCH duration of a maintenance", false, func(w *world) race {
		id := w.maintenance(ahead, w.monitor())
		return race{
			patchMaintenance(id, later, otherTitle), patchMaintenance(id, later, longer),
			func(r *result) {
				r.bothStand()
				m := r.maintenance(id)
				r.diff("title, duration, version", []any{"New", int64(20 * minute), int64(3)}, []any{m.Title, m.Duration, m.Version})
				r.lasting(id, 20*minute, 3)
			},
		}
	}},
	{"PATCH start, PATCH duration of a maintenance", false, func(w *world) race {
		id := w.maintenance(ahead)
		return race{
			patchMaintenance(id, later, statuspage.MaintenancePatch{Start: opt.Value[int64](firstStart + 60*minute)}), patchMaintenance(id, later, longer),
			func(r *result) {
				r.bothStand()
				m := r.maintenance(id)
				r.diff("start, duration", []any{int64(firstStart + 60*minute), int64(20 * minute)}, []any{m.Start, m.Duration})
				r.lasting(id, 20*minute, 3)
			},
		}
	}},
	{"PATCH, DELETE of a maintenance", false, func(w *world) race {
		id := w.maintenance(ahead, w.monitor())
		return race{
			patchMaintenance(id, later, longer), deleteMaintenance(id, later),
			func(r *result) {
				r.oneOf(r.a, statuspage.MaintenanceNotFound(id))
				r.oneOf(r.b)
				r.maintenanceGone(id)
			},
		}
	}},
	{"DELETE, DELETE of a maintenance", true, func(w *world) race {
		id := w.maintenance(ahead, w.monitor())
		return race{
			deleteMaintenance(id, later), deleteMaintenance(id, later),
			func(r *result) {
				r.oneOf(r.a, statuspage.MaintenanceNotFound(id))
				r.oneOf(r.b, statuspage.MaintenanceNotFound(id))
				if r.a != nil && r.b != nil {
					r.errorf("nobody deleted it")
				}
				r.maintenanceGone(id)
			},
		}
	}},
	{"a maintenance as it was seen, twice", false, func(w *world) race {
		id := w.maintenance(ahead)
		asSeen := func(title string) op {
			return func(ctx context.Context, s *dynamo.Store) error {
				_, err := s.UpdateMaintenance(ctx, id, statuspage.MaintenancePatch{Title: opt.Value(title)}, later, func(m statuspage.Maintenance) bool { return m.Version == 1 })
				return err
			}
		}
		return race{asSeen("a"), asSeen("b"), func(r *result) {
			r.oneOf(r.a, statuspage.ErrMaintenanceChanged)
			r.oneOf(r.b, statuspage.ErrMaintenanceChanged)
			if (r.a == nil) == (r.b == nil) {
				r.errorf("not exactly one was first")
			}
			if m := r.maintenance(id); m.Version != 2 || (m.Title == "a") != (r.a == nil) {
				r.errorf("%+v", m)
			}
		}}
	}},
	{"PATCH title of a maintenance, its occurrence is cancelled", false, func(w *world) race {
		id := w.maintenance(ahead, w.monitor())
		return race{
			patchMaintenance(id, later, otherTitle), patchOccurrence(id, occurrence(id), cancel),
			func(r *result) {
				r.bothStand()
				m, all := r.maintenance(id), r.occurrences(id)
				r.diff("title, version, first occurrence", []any{"New", int64(3), statuspage.Cancelled}, []any{m.Title, m.Version, all[0].Said})
			},
		}
	}},
	{"another schedule, an occurrence is cancelled", false, func(w *world) race {
		id := w.maintenance(ahead, w.monitor())
		return race{
			patchMaintenance(id, later, longer), patchOccurrence(id, occurrence(id), cancel),
			func(r *result) {
				r.oneOf(r.a)
				r.oneOf(r.b, statuspage.OccurrenceNotFound(occurrence(id)))
				cancelled := slices.ContainsFunc(r.occurrences(id), func(o statuspage.Occurrence) bool { return o.ID == occurrence(id) && o.Said == statuspage.Cancelled })
				if cancelled != (r.b == nil) {
					r.errorf("cancelled: %t", cancelled)
				}
				// One that was cancelled is history, and not planned again.
				want := 3
				if cancelled {
					want = 2
				}
				r.lasting(id, 20*minute, want)
			},
		}
	}},
	{"another schedule, an occurrence is moved", false, func(w *world) race {
		id := w.maintenance(ahead)
		return race{
			patchMaintenance(id, later, longer), patchOccurrence(id, occurrence(id), moved),
			func(r *result) {
				r.oneOf(r.a)
				r.oneOf(r.b, statuspage.OccurrenceNotFound(occurrence(id)))
				r.lasting(id, 20*minute, 3)
				if n := len(r.occurrences(id)); n != 3 {
					r.errorf("%d occurrences", n)
				}
			},
		}
	}},
	{"an occurrence is moved and cancelled", false, func(w *world) race {
		id := w.maintenance(ahead, w.monitor())
		return race{
			patchOccurrence(id, occurrence(id), moved), patchOccurrence(id, occurrence(id), cancel),
			func(r *result) {
				r.bothStand()
				o := r.occurrences(id)[0]
				r.diff("start, end, state", []any{int64(moved.Start), int64(moved.End), statuspage.Cancelled}, []any{o.Start, o.End, o.Said})
			},
		}
	}},
	{"an occurrence is moved, and is deleted", false, func(w *world) race {
		id := w.maintenance(ahead, w.monitor())
		return race{
			patchOccurrence(id, occurrence(id), moved), deleteOccurrence(id, occurrence(id)),
			func(r *result) {
				r.oneOf(r.a, statuspage.OccurrenceNotFound(occurrence(id)))
				r.oneOf(r.b)
				if n := len(r.occurrences(id)); n != 2 {
					r.errorf("%d occurrences", n)
				}
			},
		}
	}},
	{"an occurrence is cancelled, its maintenance deleted", true, func(w *world) race {
		id := w.maintenance(ahead, w.monitor())
		return race{
			patchOccurrence(id, occurrence(id), cancel), deleteMaintenance(id, later),
			func(r *result) {
				r.oneOf(r.a, statuspage.MaintenanceNotFound(id), statuspage.OccurrenceNotFound(occurrence(id)))
				r.oneOf(r.b)
				r.maintenanceGone(id)
			},
		}
	}},
	{"POST maintenance, DELETE of its monitor", false, func(w *world) race {
		tag := w.monitor()
		return race{
			postMaintenance(ahead, tag), deleteMonitor(tag),
			func(r *result) {
				r.oneOf(r.a, statuspage.UnknownMonitor(tag))
				r.oneOf(r.b)
			},
		}
	}},
	{"PATCH monitors of a maintenance, DELETE of one", false, func(w *world) race {
		tag, other := w.monitor(), w.monitor()
		id := w.maintenance(ahead, other)
		return race{
			patchMaintenance(id, later, statuspage.MaintenancePatch{Monitors: opt.Value(links(statuspage.Down, tag, other))}), deleteMonitor(tag),
			func(r *result) {
				r.oneOf(r.a, statuspage.UnknownMonitor(tag))
				r.oneOf(r.b)
				if m := r.maintenance(id); !slices.ContainsFunc(m.Monitors, func(a statuspage.AffectedMonitor) bool { return a.Tag == other }) {
					r.errorf("maintenance %d is of %v", id, m.Monitors)
				}
			},
		}
	}},
	{"PATCH duration of a maintenance, DELETE of its monitor", false, func(w *world) race {
		tag := w.monitor()
		id := w.maintenance(ahead, tag)
		return race{
			patchMaintenance(id, later, longer), deleteMonitor(tag),
			func(r *result) {
				r.bothStand()
				if m := r.maintenance(id); len(m.Monitors) != 0 || m.Global() || m.Duration != 20*minute {
					r.errorf("%+v", m)
				}
				r.lasting(id, 20*minute, 3)
			},
		}
	}},
	{"DELETE of a maintenance, DELETE of its monitor", true, func(w *world) race {
		tag := w.monitor()
		id := w.maintenance(ahead, tag)
		return race{
			deleteMaintenance(id, later), deleteMonitor(tag),
			func(r *result) {
				r.bothStand()
				r.maintenanceGone(id)
			},
		}
	}},
	{"the clock makes occurrences, twice", false, func(w *world) race {
		id := w.maintenance(goesOn, w.monitor())
		return race{makeOccurrences(id, muchLater), makeOccurrences(id, muchLater), func(r *result) {
			r.bothStand()
			r.diff("occurrences", 12+10, len(r.occurrences(id)))
			r.madeAll(id)
		}}
	}},
	{"the clock makes occurrences, another schedule", false, func(w *world) race {
		id := w.maintenance(goesOn, w.monitor())
		return race{makeOccurrences(id, muchLater), patchMaintenance(id, muchLater, longer), func(r *result) {
			r.bothStand()
			r.lasting(id, 20*minute, 10)
			r.lasting(id, 10*minute, 12)
			r.madeAll(id)
		}}
	}},
	{"the clock makes occurrences, another title", true, func(w *world) race {
		id := w.maintenance(goesOn)
		return race{makeOccurrences(id, muchLater), patchMaintenance(id, muchLater, otherTitle), func(r *result) {
			r.bothStand()
			r.diff("title, occurrences", []any{"New", 12 + 10}, []any{r.maintenance(id).Title, len(r.occurrences(id))})
			r.madeAll(id)
		}}
	}},
	{"the clock makes occurrences of what is deleted", false, func(w *world) race {
		id := w.maintenance(goesOn, w.monitor())
		return race{makeOccurrences(id, muchLater), deleteMaintenance(id, muchLater), func(r *result) {
			r.bothStand()
			r.maintenanceGone(id)
		}}
	}},
	{"the clock makes occurrences, DELETE of the monitor", true, func(w *world) race {
		tag := w.monitor()
		id := w.maintenance(goesOn, tag)
		return race{makeOccurrences(id, muchLater), deleteMonitor(tag), func(r *result) {
			r.bothStand()
			r.diff("occurrences", 12+10, len(r.occurrences(id)))
			r.madeAll(id)
		}}
	}},
}

// madeAll asks that no occurrence is due after the clock has made them.
func (r *result) madeAll(id int64) {
	r.t.Helper()
	if due := r.maintenance(id).Due(muchLater); len(due) > 0 {
		r.errorf("still due: %s", fmt.Sprint(due))
	}
}
