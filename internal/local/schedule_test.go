package local

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/google/go-cmp/cmp"
)

// TestSchedules runs functions for five minutes of a clock that does not wait.
func TestSchedules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var log bytes.Buffer
		var mu sync.Mutex
		handler := func(id string, at *[]time.Duration, takes time.Duration, err error) lambda.Handler {
			return handlerFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
				mu.Lock() // one that is late is not waited for
				*at = append(*at, time.Since(began))
				mu.Unlock()
				var e events.EventBridgeEvent
				if err := json.Unmarshal(payload, &e); err != nil || e.Source != "aws.scheduler" || !e.Time.Equal(time.Now()) || e.ID == "" {
					t.Errorf("event %s, %v", payload, err)
				}
				if lc, ok := lambdacontext.FromContext(ctx); !ok || !strings.HasSuffix(lc.InvokedFunctionArn, ":"+id) {
					t.Errorf("context %+v", lc)
				}
				if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) != 100*time.Second {
					t.Errorf("deadline in %s", time.Until(deadline))
				}
				time.Sleep(takes)
				return nil, err
			})
		}
		template := &Template{Functions: []Function{
			{ID: "Minute", Timeout: 100 * time.Second, Schedules: []time.Duration{time.Minute}},
			{ID: "Slow", Timeout: 100 * time.Second, Schedules: []time.Duration{time.Minute}},
			{ID: "Late", Timeout: 100 * time.Second, Schedules: []time.Duration{4 * time.Minute}},
			{ID: "Web", Routes: []Route{{"GET", "/"}}},
		}}
		var minute, slow, late []time.Duration
		handlers := map[string]lambda.Handler{
			"Minute": handler("Minute", &minute, 0, nil),
			"Slow":   handler("Slow", &slow, 70*time.Second, errors.New("no luck")),
			"Late":   handler("Late", &late, time.Hour, nil),
		}
		s, err := NewScheduler(template, handlers, GatewayOptions{Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(5*time.Minute-time.Second, cancel)
		s.Run(ctx)
		mu.Lock()
		defer mu.Unlock()
		const m = time.Minute
		for _, tt := range []struct {
			name      string
			got, want []time.Duration
		}{
			{"every minute", minute, []time.Duration{0, m, 2 * m, 3 * m, 4 * m}},
			{"slower than its rate", slow, []time.Duration{0, 70 * time.Second, 140 * time.Second, 210 * time.Second, 280 * time.Second}},
			{"over its timeout", late, []time.Duration{0, 4 * m}},
		} {
			if diff := cmp.Diff(tt.want, tt.got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.name, diff)
			}
		}
		text := log.String()
		if strings.Count(text, "Slow: no luck") != 4 || strings.Count(text, "Late took longer than its timeout of 1m40s") != 1 || strings.Contains(text, "Minute") {
			t.Errorf("log:\n%s", text)
		}
		time.Sleep(2 * time.Hour) // until the late ones have ended too
	})
}

func TestRunOnce(t *testing.T) {
	template := &Template{Functions: []Function{{ID: "A", Name: "a", Timeout: time.Minute, Schedules: []time.Duration{time.Minute}}}}
	if _, err := NewScheduler(template, nil, GatewayOptions{}); err == nil || err.Error() != "the function A has a schedule but no handler here" {
		t.Errorf("without a handler: %v", err)
	}
	for want, f := range map[string]handlerFunc{
		"":             func(context.Context, []byte) ([]byte, error) { return nil, nil },
		"A: broken":    func(context.Context, []byte) ([]byte, error) { return nil, errors.New("broken") },
		"A: panic: no": func(context.Context, []byte) ([]byte, error) { panic("no") },
	} {
		s, err := NewScheduler(template, map[string]lambda.Handler{"A": f}, GatewayOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.RunOnce(t.Context(), "another"); err != nil {
			t.Errorf("another function: %v", err)
		}
		if err := s.RunOnce(t.Context(), "another", "a"); (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
