package closer

import (
	"context"
	"errors"
	"fmt"
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
	// One line for all of them: after the first import of much data there are thousands.
	var made madeTotals
	defer func() {
		r.sum.Days = made.days
		if made.days > 0 {
			r.Line(made.String())
		}
	}()
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
		r.each(len(monitors), func(n int) {
			missing[n], errs[n] = r.store.MissingTotals(ctx, monitors[n], totalsDays, r.DryRun, r.now)
		})
		for _, starts := range missing {
			made.add(starts)
		}
		if err := errors.Join(errs...); err != nil {
			return err
		}
		after = next
		err = r.save(ctx, func(st *statuspage.CloserState) { st.Day, st.Monitors, st.DayDone = today, after, after == 0 })
		if err != nil || after == 0 {
			return err
		}
	}
}

// madeTotals counts the day totals that were missing.
type madeTotals struct {
	days, monitors int
	first, last    int64 // starts of days, UTC seconds
}

// add counts those of a monitor, by the starts of their days, rising.
func (m *madeTotals) add(starts []int64) {
	if len(starts) == 0 {
		return
	}
	if m.days == 0 {
		m.first = starts[0]
	}
	m.first, m.last = min(m.first, starts[0]), max(m.last, starts[len(starts)-1])
	m.days += len(starts)
	m.monitors++
}

func (m *madeTotals) String() string {
	date := func(start int64) string { return time.Unix(start, 0).UTC().Format(time.DateOnly) }
	return fmt.Sprintf("make %d day totals of %d monitors, from %s to %s", m.days, m.monitors, date(m.first), date(m.last))
}
