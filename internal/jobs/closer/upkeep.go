package closer

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"tocsin/internal/statuspage"
)

const (
	monitorsAtOnce = 100
	totalsDays     = 7 // how far back missing day totals are looked for
)

// cleanup finishes deletions. One that takes longer than there is time goes on in
// the next run.
func (r *run) cleanup(ctx context.Context) error {
	if !r.More() {
		r.sum.Goes = true
		return nil
	}
	pending, due, err := r.store.PendingCleanups(ctx, r.now)
	if err != nil || !due {
		return err
	}
	for _, name := range pending {
		r.Line("finish the deletion " + name)
	}
	if r.DryRun {
		r.sum.Cleaned = len(pending)
		return nil
	}
	limited, cancel := context.WithCancel(ctx)
	defer cancel()
	if deadline, ok := ctx.Deadline(); ok {
		limited, cancel = context.WithDeadline(ctx, deadline.Add(-time.Until(deadline)/4))
		defer cancel()
	}
	r.sum.Cleaned, err = r.store.Cleanup(limited, r.now)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		r.sum.Goes = true
		return nil
	}
	if err != nil { // that of one deletion
		r.failed = append(r.failed, err)
	}
	return nil
}

// totals makes the day totals that are missing, once a UTC day for each monitor.
func (r *run) totals(ctx context.Context) error {
	today := statuspage.FloorDay(r.now)
	if !statuspage.DayFinished(today-24*3600, r.now) || r.state.Day > today || r.state.Day == today && r.state.DayDone {
		return nil
	}
	after := r.state.Monitors
	if r.state.Day != today {
		after = 0
	}
	for {
		if !r.More() {
			r.sum.Goes = true
			return nil
		}
		var monitors []statuspage.Monitor
		next, err := r.store.Monitors(ctx, statuspage.MonitorQuery{After: after, Limit: monitorsAtOnce}, func(m statuspage.Monitor) bool {
			if len(monitors) == monitorsAtOnce {
				return false
			}
			monitors = append(monitors, m)
			return true
		})
		if err != nil {
			return err
		}
		missing := make([][]int64, len(monitors))
		errs := make([]error, len(monitors))
		var days atomic.Int64
		r.each(len(monitors), func(n int) {
			missing[n], errs[n] = r.store.MissingTotals(ctx, monitors[n], totalsDays, r.DryRun, r.now)
			days.Add(int64(len(missing[n])))
		})
		if err := errors.Join(errs...); err != nil {
			return err
		}
		r.sum.Days += int(days.Load())
		for n, m := range monitors {
			for _, start := range missing[n] {
				r.Line(fmt.Sprintf("make the totals of monitor %s for %s", m.Tag, time.Unix(start, 0).UTC().Format(time.DateOnly)))
			}
		}
		after = next
		err = r.save(ctx, func(st *statuspage.CloserState) { st.Day, st.Monitors, st.DayDone = today, after, after == 0 })
		if err != nil || after == 0 {
			return err
		}
	}
}
