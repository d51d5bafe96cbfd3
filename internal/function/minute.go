package function

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
	"time"

	"tocsin/internal/jobs/nodata"
)

// noDataRun is what the schedule starts: it judges the alert rules about missing
// data. The event says nothing that it needs.
type noDataRun struct {
	store nodata.Store
	now   func() time.Time
	ready func(context.Context) error
	log   *slog.Logger
	warm  atomic.Bool
}

// Invoke judges every rule once and logs what came of it in one line, which has the
// level DEBUG when nothing did. It returns an error when a rule could not be judged,
// so that the platform counts it and tries again.
func (j *noDataRun) Invoke(ctx context.Context, _ []byte) ([]byte, error) {
	began := j.now()
	sum, err := j.judge(ctx, began.Unix())
	level := slog.LevelDebug
	if sum.Opened > 0 || sum.Resolved > 0 {
		level = slog.LevelInfo
	}
	attrs := []slog.Attr{
		slog.Int("rules", sum.Rules), slog.Int("monitors", sum.Monitors),
		slog.Int("opened", sum.Opened), slog.Int("resolved", sum.Resolved),
		slog.Int64("durationMs", j.now().Sub(began).Milliseconds()),
		slog.Bool("coldStart", !j.warm.Swap(true)),
	}
	if err != nil {
		level = slog.LevelError
		attrs = append(attrs, slog.String("cause", err.Error()))
	}
	j.log.LogAttrs(ctx, level, "missing data", attrs...)
	if err != nil {
		return nil, fmt.Errorf("judging missing data: %w", err)
	}
	return []byte("null"), nil
}

func (j *noDataRun) judge(ctx context.Context, now int64) (sum nodata.Summary, err error) {
	defer panicked(&err)
	if err := j.ready(ctx); err != nil {
		return sum, err
	}
	return nodata.Run(ctx, j.store, now)
}

// panicked makes an error of a panic, which would end the process without a line in
// the log. It is for defer.
func panicked(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
	}
}
