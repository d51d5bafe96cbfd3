// Package heartbeats sets a point a minute of the monitors that jobs ping: a ping that does not
// come starts no request, and between two pings a monitor is UP. It knows neither AWS nor HTTP.
package heartbeats

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/sync/errgroup"

	"tocsin/internal/statuspage"
)

// atOnce is how many batches of points are written at the same time.
const atOnce = 4

// Store is what a run needs of a repository.
type Store interface {
	// Heartbeats returns all that jobs ping, with what is known of the pings up to now (UTC
	// seconds), which is read strongly consistent.
	Heartbeats(ctx context.Context, now int64) (statuspage.Heartbeats, error)

	// FillPoints is RecordPoints of apiv4.PointStore, but that a minute that has a point already
	// stays as it is, and that nothing is set of a monitor that is INACTIVE.
	FillPoints(ctx context.Context, points []statuspage.TaggedPoint, now int64) (errs []error)
}

// A Summary is what a run did.
type Summary struct {
	Monitors int // that are pinged and exist
	Late     int // of these
	Missing  int // tags without a monitor
}

// Run sets the points of the minute of now (UTC seconds) where there are none. It may run twice. A
// failure of one does not stop the others; all failures are returned together.
func Run(ctx context.Context, store Store, now int64) (Summary, error) {
	all, err := store.Heartbeats(ctx, now)
	if err != nil {
		return Summary{}, err
	}
	var sum Summary
	var failed []error
	var mu sync.Mutex
	var g errgroup.Group
	g.SetLimit(atOnce)
	for _, points := range batches(all, now) {
		g.Go(func() error {
			errs := store.FillPoints(ctx, points, now)
			mu.Lock()
			defer mu.Unlock()
			for n, p := range points {
				switch {
				case errors.Is(errs[n], statuspage.MonitorNotFound(p.Tag)):
					sum.Missing++
					continue
				case errs[n] != nil:
					failed = append(failed, errs[n])
				}
				sum.Monitors++
				if p.Status != statuspage.StatusUp {
					sum.Late++
				}
			}
			return nil
		})
	}
	_ = g.Wait() // the errors are in failed
	return sum, errors.Join(failed...)
}
