package lambdajob

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/aws/aws-lambda-go/lambda"

	"tocsin/internal/awsenv"
	"tocsin/internal/jobs/nodata"
)

// Minute is the function that judges the alert rules about missing data, every minute.
var Minute = awsenv.Function{Name: "minute", New: func(e awsenv.Env) (lambda.Handler, error) {
	return &noDataRun{Env: e}, nil
}}

// noDataRun is one run about missing data. It makes no use of the event.
type noDataRun struct {
	awsenv.Env
	warm atomic.Bool
}

// Invoke judges every rule once and logs what came of it in one line, which has the
// level DEBUG when nothing did. It returns an error when a rule could not be judged,
// so that the platform counts it and tries again.
func (j *noDataRun) Invoke(ctx context.Context, _ []byte) ([]byte, error) {
	began := j.Now()
	sum, err := j.judge(ctx, began.Unix())
	level := slog.LevelDebug
	if sum.Opened > 0 || sum.Resolved > 0 {
		level = slog.LevelInfo
	}
	attrs := []slog.Attr{
		slog.Int("rules", sum.Rules), slog.Int("monitors", sum.Monitors),
		slog.Int("opened", sum.Opened), slog.Int("resolved", sum.Resolved),
		slog.Int64("durationMs", j.Now().Sub(began).Milliseconds()),
		slog.Bool("coldStart", !j.warm.Swap(true)),
	}
	if err != nil {
		level = slog.LevelError
		attrs = append(attrs, slog.String("cause", err.Error()))
	}
	j.Log.LogAttrs(ctx, level, "missing data", attrs...)
	if err != nil {
		return nil, fmt.Errorf("judging missing data: %w", err)
	}
	return []byte("null"), nil
}

func (j *noDataRun) judge(ctx context.Context, now int64) (sum nodata.Summary, err error) {
	defer panicked(&err)
	if err := j.Ready(ctx); err != nil {
		return sum, err
	}
	return nodata.Run(ctx, j.Store, now)
}
