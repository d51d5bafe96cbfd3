package function

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
	"time"

	"tocsin/internal/statuspage"
)

// silenceJudge is what the schedule starts: it judges the alert rules about missing
// data. The event says nothing that it needs.
type silenceJudge struct {
	store interface {
		// JudgeSilence judges every active rule about missing data at now, and returns how
		// many alerts it opened and resolved. One that can't be judged does not keep the
		// others from it. Two at once open no alert twice.
		JudgeSilence(ctx context.Context, now int64) (statuspage.Silence, error)
	}
	now   func() time.Time
	ready func(context.Context) error
	log   *slog.Logger
	warm  atomic.Bool
}

// Invoke judges every rule once and logs what came of it in one line, which has the
// level DEBUG when nothing did. It returns an error when a rule could not be judged,
// so that the platform counts it and tries again.
func (j *silenceJudge) Invoke(ctx context.Context, _ []byte) ([]byte, error) {
	began := j.now()
	silence, err := j.judge(ctx, began.Unix())
	level := slog.LevelDebug
	if silence.Opened > 0 || silence.Resolved > 0 {
		level = slog.LevelInfo
	}
	attrs := []slog.Attr{
		slog.Int("rules", silence.Rules), slog.Int("monitors", silence.Monitors),
		slog.Int("opened", silence.Opened), slog.Int("resolved", silence.Resolved),
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

func (j *silenceJudge) judge(ctx context.Context, now int64) (silence statuspage.Silence, err error) {
	defer panicked(&err)
	if err := j.ready(ctx); err != nil {
		return silence, err
	}
	return j.store.JudgeSilence(ctx, now)
}

// panicked makes an error of a panic, which would end the process without a line in
// the log. It is for defer.
func panicked(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
	}
}
