// Package occurrences makes the occurrences of maintenances ahead of time, on a schedule:
// whoever announced work once for every week wants to see the next weeks. It knows neither
// AWS nor HTTP.
package occurrences

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/sync/errgroup"
)

// What one run does at most. What is left stays due, so that the next run does it.
const (
	maintenancesARun = 500
	stepsARun        = 1000 // calls of MakeOccurrences; a round that has begun is finished
	atOnce           = 8    // maintenances at the same time
)

// Store is what a run needs of a repository.
type Store interface {
	// DueMaintenances returns the ids of maintenances of which occurrences are due at now
	// (UTC seconds), those that have been for longest first, most of them at most. It may lag
	// behind writes.
	DueMaintenances(ctx context.Context, now int64, most int) ([]int64, error)

	// MakeOccurrences makes occurrences that are due of the maintenance at now, as
	// statuspage.Maintenance.Due says, in one transaction, and returns how many. When none is,
	// it notes when the next one will be. Two at once make none twice. A maintenance that is
	// not there has none.
	MakeOccurrences(ctx context.Context, id, now int64) (made int, err error)
}

// A Summary is what a run did.
type Summary struct {
	Maintenances int // that were due
	Made         int // occurrences
}

// Run makes all occurrences that are due at now (UTC seconds). When many were missed, each
// maintenance gets some in turn. A failure of one does not stop the others; all failures are
// returned together.
func Run(ctx context.Context, store Store, now int64) (Summary, error) {
	due, err := store.DueMaintenances(ctx, now, maintenancesARun)
	if err != nil {
		return Summary{}, err
	}
	sum := Summary{Maintenances: len(due)}
	var failed []error
	for steps := 0; len(due) > 0 && steps < stepsARun; {
		steps += len(due)
		made, more, err := round(ctx, store, due, now)
		sum.Made, failed, due = sum.Made+made, append(failed, err), more
	}
	return sum, errors.Join(failed...)
}

// round makes occurrences of each maintenance once. It returns how many, and the maintenances
// of which more may be due.
func round(ctx context.Context, store Store, due []int64, now int64) (made int, more []int64, err error) {
	var failed []error
	var mu sync.Mutex
	var g errgroup.Group
	g.SetLimit(atOnce)
	for _, id := range due {
		g.Go(func() error {
			n, err := store.MakeOccurrences(ctx, id, now)
			mu.Lock()
			defer mu.Unlock()
			made, failed = made+n, append(failed, err)
			if mayHaveMore(n) {
				more = append(more, id)
			}
			return nil
		})
	}
	_ = g.Wait() // the errors are in failed
	return made, more, errors.Join(failed...)
}
