package closer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"tocsin/internal/statuspage"
)

// atOnce is how many writes and reads are made at the same time.
const atOnce = 16

// Options change a run. The zero value writes, and stops in time before the context's
// deadline.
type Options struct {
	DryRun bool              // print what a run would do, and write nothing
	Line   func(line string) // gets a line for all that is done, in order; nil: none does
	Calls  func() int64      // counts the calls of the store so far; nil: not counted
	More   func() bool       // whether there is time to begin another part; nil: see above
}

// A Summary is what a run did, or would do.
type Summary struct {
	Looked  int            // open incidents
	Warned  int            //
	Closed  int            //
	Skipped map[Reason]int // those that were kept, by the reason
	Failed  int            // those that could not be decided or written, see the error
	Cleaned int            // deletions that were finished
	Days    int            // totals of a day of a monitor that were made
	Goes    bool           // time was up: the next run goes on from there
	Calls   int64
	Took    time.Duration
}

// String says it in one line.
func (s Summary) String() string {
	text := fmt.Sprintf("%d open, %d warned, %d closed", s.Looked, s.Warned, s.Closed)
	for _, reason := range Reasons {
		if n := s.Skipped[reason]; n > 0 {
			text += fmt.Sprintf(", %d kept (%s)", n, reason)
		}
	}
	if s.Failed > 0 {
		text += fmt.Sprintf(", %d failed", s.Failed)
	}
	return text + fmt.Sprintf("; %d deletions finished, %d day totals made", s.Cleaned, s.Days)
}

// run is one run.
type run struct {
	Options
	store  Store
	policy Policy
	now    int64
	state  statuspage.CloserState
	sum    Summary
	failed []error

	inactive map[int64]bool // those of the monitors that are decided by

	mu    sync.Mutex
	facts map[int64]*monitorFacts // by monitor
}

// monitorFacts are read once a run, unless a write finds that they are old.
type monitorFacts struct {
	mu   sync.Mutex
	read bool
	statuspage.MonitorFacts
}

// Run looks at the open incidents at now (UTC seconds), warns and closes those that the
// policy says, finishes deletions and makes missing day totals. A failure of one does not
// stop the others; all failures are returned together.
func Run(ctx context.Context, store Store, p Policy, now int64, o Options) (Summary, error) {
	began := time.Now()
	if o.Line == nil {
		o.Line = func(string) {}
	}
	if o.Calls == nil {
		o.Calls = func() int64 { return 0 }
	}
	if o.More == nil {
		o.More = moreUntil(ctx, began)
	}
	calls := o.Calls()
	r := &run{Options: o, store: store, policy: p, now: now, facts: map[int64]*monitorFacts{}}
	r.sum.Skipped = map[Reason]int{}
	var err error
	if r.state, err = store.CloserState(ctx); err != nil {
		return r.sum, err
	}
	for _, part := range []func(context.Context) error{r.incidents, r.cleanup, r.totals} {
		if err := part(ctx); err != nil {
			r.failed = append(r.failed, err)
		}
	}
	r.sum.Calls, r.sum.Took = o.Calls()-calls, time.Since(began)
	return r.sum, errors.Join(r.failed...)
}

// moreUntil leaves a quarter of the time, and five seconds at least, for what has
// begun by then.
func moreUntil(ctx context.Context, began time.Time) func() bool {
	deadline, ok := ctx.Deadline()
	if !ok {
		return func() bool { return ctx.Err() == nil }
	}
	until := deadline.Add(-max(deadline.Sub(began)/4, 5*time.Second))
	return func() bool { return ctx.Err() == nil && time.Now().Before(until) }
}

// save stores what change makes of the state. When another run has stored a state since,
// change is applied to that one. If that is refused too, some work is done twice.
func (r *run) save(ctx context.Context, change func(*statuspage.CloserState)) error {
	if r.DryRun {
		return nil
	}
	for range 2 {
		next := r.state
		change(&next)
		kept, saved, err := r.store.SaveCloserState(ctx, next)
		if err != nil {
			return err
		}
		r.state = kept
		if saved {
			return nil
		}
	}
	return nil
}

// each calls f with the numbers below n, many at once.
func (r *run) each(n int, f func(int)) {
	var g errgroup.Group
	g.SetLimit(atOnce)
	for i := range n {
		g.Go(func() error {
			f(i)
			return nil
		})
	}
	_ = g.Wait()
}
