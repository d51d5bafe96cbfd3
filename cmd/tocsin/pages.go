package main

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"tocsin/internal/local"
	"tocsin/internal/publish"
	"tocsin/internal/site"
)

const (
	pagesEvery = time.Minute      // when nothing was changed
	pagesRetry = 10 * time.Second // after a failure
)

// pages keeps the public pages as new as the table is, in the process of the local gateway: on
// AWS a function does.
type pages struct {
	publisher *publish.Publisher
	changed   chan struct{} // has one when something may have been changed since the last pass began
	log       *slog.Logger
}

// newPages keeps the pages in the folder.
func newPages(store site.Store, config site.Config, folder string, c console) (*pages, error) {
	port, err := publish.OpenFolder(folder)
	if err != nil {
		return nil, err
	}
	return &pages{
		publisher: &publish.Publisher{Store: store, Config: config, Port: port},
		changed:   make(chan struct{}, 1),
		log:       slog.New(slog.NewJSONHandler(c.stderr, nil)),
	}, nil
}

// first makes the pages that a reader sees first. A failure is logged, and keep goes on.
func (p *pages) first(ctx context.Context) {
	if p.pass(ctx) < pagesEvery {
		p.wake()
	}
}

// keep makes a pass after each change and each minute, one at a time, until ctx ends.
func (p *pages) keep(ctx context.Context) {
	wait := pagesEvery
	for {
		again := time.NewTimer(wait)
		select {
		case <-p.changed:
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return
		}
		again.Stop()
		wait = p.pass(ctx)
	}
}

// pass makes one pass and returns how long the next one can wait. What is left of a longer
// work goes on at once.
func (p *pages) pass(ctx context.Context) time.Duration {
	more, err := p.publisher.Run(ctx, time.Now().Unix())
	switch {
	case err != nil && ctx.Err() == nil:
		p.log.Error("pages", "cause", err.Error())
		return pagesRetry
	case more:
		return 0
	}
	return pagesEvery
}

// wake says that something may have been changed. Several changes are one.
func (p *pages) wake() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// after wakes p after each request that may have changed something.
func (p *pages) after(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions {
			next.ServeHTTP(w, r)
			return
		}
		seen := &statusWriter{ResponseWriter: w}
		next.ServeHTTP(seen, r)
		if seen.status < http.StatusBadRequest {
			p.wake()
		}
	})
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// afterRuns wakes p after each run of a function on a schedule.
func (p *pages) afterRuns(t *local.Template, handlers map[string]lambda.Handler) {
	for _, f := range t.Functions {
		if len(f.Schedules) > 0 {
			handlers[f.ID] = wakesAfter{handlers[f.ID], p}
		}
	}
}

type wakesAfter struct {
	lambda.Handler
	pages *pages
}

// Invoke implements lambda.Handler.
func (w wakesAfter) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	defer w.pages.wake()
	return w.Handler.Invoke(ctx, payload)
}
