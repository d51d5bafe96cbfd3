// Package signals does what time alone asks for about the alarms of other tools: it opens the
// incidents of problems that have lasted, tells of tools that have fallen silent, and ends the
// alerts of those that never say that one is over. It knows neither AWS nor HTTP.
package signals

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/sync/errgroup"

	"tocsin/internal/statuspage"
)

const (
	aRun   = 500 // problems at most; the next run has the others
	atOnce = 8
)

// Store is what a run needs of a repository.
type Store interface {
	// DueSignals returns the problems about which something is due at now (UTC seconds), the oldest
	// first, at most so many. It follows a write within moments.
	DueSignals(ctx context.Context, now int64, most int) ([]statuspage.SignalMark, error)

	// SettleSignal does what is due about the problem as it is, in one transaction, and returns what
	// that was. Two at once do it once.
	SettleSignal(ctx context.Context, due statuspage.SignalMark, now int64) (statuspage.SignalDoing, error)
}

// A Summary is what a run did.
type Summary struct {
	Due      int // problems
	Opened   int // that opened, joined or reopened an incident
	Silent   int // of which it was told that nothing more was heard
	Resolved int // alerts
}

// Run does what is due at now (UTC seconds). A failure of one does not stop the others; all failures
// are returned together.
func Run(ctx context.Context, store Store, now int64) (Summary, error) {
	due, err := store.DueSignals(ctx, now, aRun)
	if err != nil {
		return Summary{}, err
	}
	sum := Summary{Due: len(due)}
	var failed []error
	var mu sync.Mutex
	var g errgroup.Group
	g.SetLimit(atOnce)
	for _, m := range due {
		g.Go(func() error {
			does, err := store.SettleSignal(ctx, m, now)
			mu.Lock()
			defer mu.Unlock()
			failed = append(failed, err)
			switch {
			case err != nil:
			case does.Fires():
				sum.Opened++
			case does == statuspage.SignalNotes:
				sum.Silent++
			case does == statuspage.SignalResolves:
				sum.Resolved++
			}
			return nil
		})
	}
	_ = g.Wait() // the errors are in failed
	return sum, errors.Join(failed...)
}
