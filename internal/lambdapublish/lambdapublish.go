// Package lambdapublish makes the Lambda function that keeps the public pages as new as the
// table is.
package lambdapublish

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"tocsin/internal/awsenv"
	"tocsin/internal/bucket"
	"tocsin/internal/publish"
	"tocsin/internal/site"
)

// Function is the function. Of its environment it reads, beside what all functions do and where
// the files are, see bucket.FromEnv:
//
//	SITE_URL   address of the page, without a slash at its end
//	SITE_NAME  name of the whole
//	SITE_DEMO  the command that starts without demo data; "": there are none
//
// It is started by the table's stream and each minute, and makes no use of the event: what was
// changed the table says.
var Function = awsenv.Function{Name: "publisher", New: func(e awsenv.Env) (lambda.Handler, error) {
	files, err := bucket.FromEnv(e.Getenv)
	if err != nil {
		return nil, err
	}
	if files == nil {
		return nil, errors.New("the environment variable SITE_BUCKET must name the bucket of the pages")
	}
	return &run{Env: e, publisher: Publisher(e.Getenv, e.Store, files)}, nil
}}

// Publisher returns what makes the pages as the environment of the function says. Whoever else
// makes pages of the same stack has to do it so, or all are made again and again.
func Publisher(getenv func(string) string, store site.Store, files publish.Port) *publish.Publisher {
	config := site.Config{Name: getenv("SITE_NAME"), URL: strings.TrimRight(getenv("SITE_URL"), "/"), Demo: getenv("SITE_DEMO")}
	return &publish.Publisher{Store: store, Config: config, Port: files, Table: getenv("TABLE_NAME")}
}

// run is one run of the publisher.
type run struct {
	awsenv.Env
	publisher *publish.Publisher
	mu        sync.Mutex // Lambda calls a process one event at a time; the local gateway need not
	warm      atomic.Bool
}

// Invoke makes passes until nothing is left to be done, or half of the time is over: the next
// run goes on. It logs what it did in one line, which has the level DEBUG unless it failed.
// It returns an error when the pages may not be as new as the table is, so that the platform
// counts it.
func (r *run) Invoke(ctx context.Context, _ []byte) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	began := r.Now()
	passes, err := r.passes(ctx)
	level := slog.LevelDebug
	attrs := []slog.Attr{
		slog.Int("passes", passes), slog.Int64("durationMs", r.Now().Sub(began).Milliseconds()), slog.Bool("coldStart", !r.warm.Swap(true)),
	}
	if err != nil {
		level = slog.LevelError
		attrs = append(attrs, slog.String("cause", err.Error()))
	}
	r.Log.LogAttrs(ctx, level, "pages", attrs...)
	if err != nil {
		return nil, fmt.Errorf("publishing the pages: %w", err)
	}
	return []byte("null"), nil
}

func (r *run) passes(ctx context.Context) (passes int, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	if err := r.Ready(ctx); err != nil {
		return 0, err
	}
	began, half := time.Now(), time.Duration(0) // of the platform's time, whatever clock the records have
	if deadline, ok := ctx.Deadline(); ok {
		half = time.Until(deadline) / 2 // the other half is for a pass that has begun
	}
	for more := true; more && (passes == 0 || time.Since(began) < half); passes++ {
		if more, err = r.publisher.Run(ctx, r.Now().Unix()); err != nil {
			return passes, err
		}
	}
	return passes, nil
}
