package dynamo

import (
	"context"

	"golang.org/x/sync/errgroup"

	"tocsin/internal/statuspage"
)

// overlay returns what maintenances make of the monitor's minutes from one up to another, none
// of which is after now. It reads them, strongly consistent, at once with what else is given.
func (s *Store) overlay(ctx context.Context, monitorID, from, to, now int64, reads ...func(context.Context) error) (statuspage.Overlay, error) {
	g, gctx := errgroup.WithContext(ctx)
	var windows []statuspage.Window
	if to = min(to, now+1); from < to {
		g.Go(func() (err error) {
			windows, err = s.windows(gctx, monitorID, from, to)
			return err
		})
	}
	for _, read := range reads {
		g.Go(func() error { return read(gctx) })
	}
	err := g.Wait()
	return statuspage.OverlayOf(windows, now), err
}
