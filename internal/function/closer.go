package function

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"tocsin/internal/jobs/closer"
)

// MetricsNamespace is where CloudWatch has the metrics of a stack's functions.
const MetricsNamespace = "Tocsin"

// closerRun is what the schedule starts: one run of the closer. The event says
// nothing that it needs.
type closerRun struct {
	store  closer.Store
	policy closer.Policy
	name   string // of the function, the dimension of its metrics
	now    func() time.Time
	ready  func(context.Context) error
	calls  func() int64
	log    *slog.Logger
	warm   atomic.Bool
}

// Invoke makes one run and logs what it did in one line, which is also its metrics
// (CloudWatch's embedded metric format), with a line before it for each incident that
// it warned or closed. It returns an error when something could not be done, so that
// the platform counts it and tries again.
func (c *closerRun) Invoke(ctx context.Context, _ []byte) ([]byte, error) {
	began := c.now()
	sum, err := c.run(ctx, began.Unix())
	c.summarize(ctx, sum, began, err)
	if err != nil {
		return nil, fmt.Errorf("closing incidents: %w", err)
	}
	return []byte("null"), nil
}

func (c *closerRun) run(ctx context.Context, now int64) (sum closer.Summary, err error) {
	defer panicked(&err)
	if err := c.ready(ctx); err != nil {
		return sum, err
	}
	return closer.Run(ctx, c.store, c.policy, now, closer.Options{
		Calls: c.calls,
		Line:  func(line string) { c.log.InfoContext(ctx, line) },
	})
}

// closerMetrics are the names and units of the metrics in the summary: few, since
// CloudWatch bills each by the month.
var closerMetrics = []struct{ Name, Unit string }{
	{"OpenIncidents", "Count"}, {"IncidentsWarned", "Count"}, {"IncidentsClosed", "Count"}, {"CloserFailures", "Count"}, {"CloserCalls", "Count"}, {"CloserDuration", "Milliseconds"},
}

// CustomMetrics returns the names of the metrics that a stack's functions make.
func CustomMetrics() []string {
	var names []string
	for _, m := range closerMetrics {
		names = append(names, m.Name)
	}
	return names
}

func (c *closerRun) summarize(ctx context.Context, sum closer.Summary, began time.Time, err error) {
	level, failures := slog.LevelInfo, sum.Failed
	if err != nil {
		level, failures = slog.LevelError, max(failures, 1)
	}
	skipped := make([]any, 0, len(sum.Skipped))
	for _, reason := range closer.Reasons {
		if n := sum.Skipped[reason]; n > 0 {
			skipped = append(skipped, slog.Int(string(reason), n))
		}
	}
	attrs := []slog.Attr{
		slog.Int("OpenIncidents", sum.Looked), slog.Int("IncidentsWarned", sum.Warned), slog.Int("IncidentsClosed", sum.Closed),
		slog.Int("CloserFailures", failures), slog.Int64("CloserCalls", sum.Calls), slog.Int64("CloserDuration", sum.Took.Milliseconds()),
		slog.Group("skipped", skipped...),
		slog.Int("cleaned", sum.Cleaned), slog.Int("dayTotals", sum.Days), slog.Bool("goesOn", sum.Goes),
		slog.Bool("coldStart", !c.warm.Swap(true)), slog.String("FunctionName", c.name),
		slog.Any("_aws", map[string]any{
			"Timestamp": began.UnixMilli(),
			"CloudWatchMetrics": []any{map[string]any{
				"Namespace": MetricsNamespace, "Dimensions": [][]string{{"FunctionName"}}, "Metrics": closerMetrics,
			}},
		}),
	}
	if err != nil {
		attrs = append(attrs, slog.String("cause", err.Error()))
	}
	c.log.LogAttrs(ctx, level, "closer", attrs...)
}
