package local

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

// A Scheduler does what EventBridge Scheduler does with the template's schedules: it
// calls functions at their rates, for the first time when it starts. A run that fails
// is not tried again before the next one is due; one that takes longer than the rate
// leaves those out that were due meanwhile.
type Scheduler struct {
	due []scheduled
	log *slog.Logger // gets what went wrong; a function logs by itself what it did
	now func() time.Time
}

type scheduled struct {
	invoker
	every time.Duration
}

// NewScheduler returns the scheduler of the template's functions. handlers has one for
// each function that has schedules, by its logical id.
func NewScheduler(t *Template, handlers map[string]lambda.Handler, o GatewayOptions) (*Scheduler, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Scheduler{log: o.Log, now: o.Now}
	for _, f := range t.Functions {
		for _, every := range f.Schedules {
			if handlers[f.ID] == nil {
				return nil, fmt.Errorf("the function %s has a schedule but no handler here", f.ID)
			}
			s.due = append(s.due, scheduled{invoker{f, handlers[f.ID]}, every})
		}
	}
	return s, nil
}

// Run calls the functions until ctx ends, and returns when the last of them has.
func (s *Scheduler) Run(ctx context.Context) {
	var g sync.WaitGroup
	for _, d := range s.due {
		g.Go(func() {
			tick := time.NewTicker(d.every)
			defer tick.Stop()
			for ctx.Err() == nil {
				if err := s.call(ctx, d); err != nil && ctx.Err() == nil {
					s.log.Error("schedule", "function", d.function.ID, "cause", err.Error())
				}
				select {
				case <-tick.C:
				case <-ctx.Done():
				}
			}
		})
	}
	g.Wait()
}

// RunOnce calls every function that has a schedule, or those with one of the names, one after
// another, as if each were due, and returns the first failure.
func (s *Scheduler) RunOnce(ctx context.Context, names ...string) error {
	for _, d := range s.due {
		if len(names) > 0 && !slices.Contains(names, d.function.Name) {
			continue
		}
		if err := s.call(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// call runs a function as the schedule does.
func (s *Scheduler) call(ctx context.Context, d scheduled) error {
	event, err := json.Marshal(events.EventBridgeEvent{
		Version: "0", ID: newInvocationID(), DetailType: "Scheduled Event", Source: "aws.scheduler", AccountID: localAccount,
		Time: s.now().UTC().Truncate(time.Second), Region: Region, Resources: []string{}, Detail: json.RawMessage(`"{}"`),
	})
	if err != nil {
		return fmt.Errorf("making the event of a schedule: %w", err)
	}
	return d.run(ctx, event)
}
