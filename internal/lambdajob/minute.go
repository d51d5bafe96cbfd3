package lambdajob

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/aws/aws-lambda-go/lambda"

	"tocsin/internal/awsenv"
	"tocsin/internal/jobs/heartbeats"
	"tocsin/internal/jobs/nodata"
	"tocsin/internal/jobs/occurrences"
	"tocsin/internal/jobs/signals"
)

// Minute is the function that does what is due every minute: it judges the alert rules about
// missing data, makes the occurrences of maintenances, and sets the points of heartbeats.
var Minute = awsenv.Function{Name: "minute", New: func(e awsenv.Env) (lambda.Handler, error) {
	return &minuteRun{Env: e}, nil
}}

// minuteRun is one run. It makes no use of the event.
type minuteRun struct {
	awsenv.Env
	warm atomic.Bool
}

// Invoke does all at once and logs what came of each in a line, which has the level DEBUG
// when nothing did. It returns an error when something could not be done, so that the
// platform counts it and tries again.
func (j *minuteRun) Invoke(ctx context.Context, _ []byte) ([]byte, error) {
	cold := slog.Bool("coldStart", !j.warm.Swap(true))
	ready := j.ready(ctx)
	jobs := []struct {
		name string
		do   minuteJob
	}{
		{"missing data", j.judge},
		{"maintenances", j.makeOccurrences},
		{"heartbeats", j.setHeartbeats},
		{"signals", j.settleSignals},
	}
	failed := make([]error, len(jobs))
	var g sync.WaitGroup
	for n, job := range jobs {
		g.Go(func() { failed[n] = j.do(ctx, job.name, cold, ready, job.do) })
	}
	g.Wait()
	if err := errors.Join(failed...); err != nil {
		return nil, err
	}
	return []byte("null"), nil
}

func (j *minuteRun) ready(ctx context.Context) (err error) {
	defer panicked(&err)
	return j.Ready(ctx)
}

// A minuteJob does a job at now (UTC seconds). It returns what its line tells, and whether
// anything came of it.
type minuteJob func(ctx context.Context, now int64) (told []slog.Attr, did bool, err error)

// do does a job, unless ready is the error of a function that is not, and logs its line.
func (j *minuteRun) do(ctx context.Context, name string, cold slog.Attr, ready error, job minuteJob) error {
	began := j.Now()
	attrs, did, err := try(ctx, began.Unix(), ready, job)
	level := slog.LevelDebug
	if did {
		level = slog.LevelInfo
	}
	attrs = append(attrs, slog.Int64("durationMs", j.Now().Sub(began).Milliseconds()), cold)
	if err != nil {
		level = slog.LevelError
		attrs = append(attrs, slog.String("cause", err.Error()))
		err = fmt.Errorf("%s: %w", name, err)
	}
	j.Log.LogAttrs(ctx, level, name, attrs...)
	return err
}

func try(ctx context.Context, now int64, ready error, job minuteJob) (told []slog.Attr, did bool, err error) {
	defer panicked(&err)
	if ready != nil {
		return nil, false, ready
	}
	return job(ctx, now)
}

func (j *minuteRun) judge(ctx context.Context, now int64) (told []slog.Attr, did bool, err error) {
	sum, err := nodata.Run(ctx, j.Store, now)
	return []slog.Attr{
		slog.Int("rules", sum.Rules), slog.Int("monitors", sum.Monitors), slog.Int("opened", sum.Opened), slog.Int("resolved", sum.Resolved),
	}, sum.Opened > 0 || sum.Resolved > 0, err
}

func (j *minuteRun) makeOccurrences(ctx context.Context, now int64) (told []slog.Attr, did bool, err error) {
	sum, err := occurrences.Run(ctx, j.Store, now)
	return []slog.Attr{slog.Int("due", sum.Maintenances), slog.Int("made", sum.Made)}, sum.Made > 0, err
}

// setHeartbeats says at the level DEBUG what it did: it does that every minute.
func (j *minuteRun) setHeartbeats(ctx context.Context, now int64) (told []slog.Attr, did bool, err error) {
	sum, err := heartbeats.Run(ctx, j.Store, now)
	return []slog.Attr{slog.Int("monitors", sum.Monitors), slog.Int("late", sum.Late), slog.Int("missing", sum.Missing)}, false, err
}

func (j *minuteRun) settleSignals(ctx context.Context, now int64) (told []slog.Attr, did bool, err error) {
	sum, err := signals.Run(ctx, j.Store, now)
	return []slog.Attr{
		slog.Int("due", sum.Due), slog.Int("opened", sum.Opened), slog.Int("silent", sum.Silent), slog.Int("resolved", sum.Resolved),
	}, sum.Due > 0, err
}
