package lambdahttp_test

import (
	"log/slog"
	"net/http"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"tocsin/internal/lambdahttp"
)

func TestPreflight(t *testing.T) {
	preflight := map[string]string{"origin": "https://a.example", "access-control-request-method": "GET"}
	for _, tt := range []struct {
		name     string
		answered bool // Handler.Preflight
		method   string
		headers  map[string]string
		want     int // 418: the handler's
	}{
		{"preflight", true, "OPTIONS", preflight, http.StatusNoContent},
		{"preflight that nobody allowed", false, "OPTIONS", preflight, http.StatusTeapot},
		{"other method", true, "GET", preflight, http.StatusTeapot},
		{"no origin", true, "OPTIONS", map[string]string{"access-control-request-method": "GET"}, http.StatusTeapot},
		{"no method to ask for", true, "OPTIONS", map[string]string{"origin": "https://a.example"}, http.StatusTeapot},
		{"no headers", true, "OPTIONS", nil, http.StatusTeapot},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var log logBuffer
			h := lambdahttp.New(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }),
				[]byte(failure), slog.New(slog.NewJSONHandler(&log, nil)))
			h.Preflight = tt.answered
			got := invoke(t, h, t.Context(), event(t, func(e *events.APIGatewayV2HTTPRequest) {
				e.RequestContext.HTTP.Method, e.Headers = tt.method, tt.headers
			}))
			if got.StatusCode != tt.want {
				t.Errorf("status %d, want %d", got.StatusCode, tt.want)
			}
			lines := log.lines(t)
			if tt.want != http.StatusNoContent {
				if len(lines) != 1 {
					t.Errorf("%d lines in the log, want 1", len(lines))
				}
				return
			}
			if diff := cmp.Diff(events.APIGatewayV2HTTPResponse{StatusCode: http.StatusNoContent}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(lines) != 0 {
				t.Errorf("the log has %v", lines)
			}
			invoke(t, h, t.Context(), event(t, nil))
			if lines := log.lines(t); len(lines) != 1 || lines[0]["coldStart"] != false {
				t.Errorf("after it the log has %v, want one line without a cold start", lines)
			}
		})
	}
}
