package lambdajob

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"tocsin/internal/awsenv"
	"tocsin/internal/jobs/closer"
)

// MetricsNamespace is where CloudWatch has the metrics of a stack's functions.
const MetricsNamespace = "Tocsin"

// Closer is the function that closes forgotten incidents. Of its environment it reads,
// beside what all functions do, its policy from STALE_AFTER and WARN_BEFORE, see
// closer.ParsePolicy, and from METRICS whether CloudWatch is to make metrics of its
// log: true, or anything else for no.
var Closer = awsenv.Function{Name: "closer", New: func(e awsenv.Env) (lambda.Handler, error) {
	policy, err := closer.ParsePolicy(e.Getenv("STALE_AFTER"), e.Getenv("WARN_BEFORE"))
	if err != nil {
		return nil, err
	}
	return &closerRun{Env: e, policy: policy, metrics: e.Getenv("METRICS") == "true"}, nil
}}

// closerRun is one run of the closer. It makes no use of the event.
type closerRun struct {
	awsenv.Env
	policy  closer.Policy
	metrics bool
	warm    atomic.Bool
}

// Invoke makes one run and logs what it did in one line, which can also be its metrics
// (CloudWatch's embedded metric format), with a line before it for each incident that
// it warned or closed. It returns an error when something could not be done, so that
// the platform counts it and tries again.
func (c *closerRun) Invoke(ctx context.Context, _ []byte) ([]byte, error) {
	began := c.Now()
	sum, err := c.run(ctx, began.Unix())
	c.summarize(ctx, sum, began, err)
	if err != nil {
		return nil, fmt.Errorf("closing incidents: %w", err)
	}
	return []byte("null"), nil
}

func (c *closerRun) run(ctx context.Context, now int64) (sum closer.Summary, err error) {
	defer panicked(&err)
	if err := c.Ready(ctx); err != nil {
		return sum, err
	}
	return closer.Run(ctx, c.Store, c.policy, now, closer.Options{
		Calls: c.Calls,
		Line:  func(line string) { c.Log.InfoContext(ctx, line) },
	})
}

// closerMetrics are the names and units of the metrics in the summary: few, since
// CloudWatch bills each by the month.
var closerMetrics = []struct{ Name, Unit string }{
	{"OpenIncidents", "Count"}, {"IncidentsWarned", "Count"}, {"IncidentsClosed", "Count"}, {"CloserFailures", "Count"}, {"CloserCalls", "Count"}, {"CloserDuration", "Milliseconds"},
}

// CustomMetrics returns the names of the metrics that a stack's functions make, when
// they are to make any.
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
		slog.Bool("coldStart", !c.warm.Swap(true)),
	}
	if c.metrics {
		attrs = append(attrs, slog.String("FunctionName", c.Getenv("AWS_LAMBDA_FUNCTION_NAME")),
			slog.Any("_aws", map[string]any{
				"Timestamp": began.UnixMilli(),
				"CloudWatchMetrics": []any{map[string]any{
					"Namespace": MetricsNamespace, "Dimensions": [][]string{{"FunctionName"}}, "Metrics": closerMetrics,
				}},
			}))
	}
	if err != nil {
		attrs = append(attrs, slog.String("cause", err.Error()))
	}
	c.Log.LogAttrs(ctx, level, "closer", attrs...)
}
