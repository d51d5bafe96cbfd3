package function_test

import (
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"tocsin/internal/apitest"
	"tocsin/internal/dynamotest"
	"tocsin/internal/function"
)

// panicking panics instead of calling DynamoDB, when it is to.
type panicking struct {
	http.Client
	armed atomic.Bool
}

func (p *panicking) Do(r *http.Request) (*http.Response, error) {
	if p.armed.Load() {
		panic("by the test")
	}
	return p.Client.Do(r)
}

// A panic on the schedule is an error with a line in the log, not the end of the
// process.
func TestPanicOnASchedule(t *testing.T) {
	for _, name := range []string{function.Minute, function.Closer} {
		var client panicking
		var log apitest.Log
		h, err := function.NewWith(name, dynamotest.NewTable(t).Getenv(nil), function.Options{HTTPClient: &client, Log: slog.New(slog.NewJSONHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		client.armed.Store(true)
		if _, err := h.Invoke(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "panic: by the test") {
			t.Errorf("%s: error %v", name, err)
		}
		if !strings.Contains(log.String(), "panic: by the test") || !strings.Contains(log.String(), `"level":"ERROR"`) {
			t.Errorf("%s: log %s", name, log.String())
		}
		client.armed.Store(false)
		if _, err := h.Invoke(t.Context(), nil); err != nil {
			t.Errorf("%s: after the panic: %v", name, err)
		}
	}
}
