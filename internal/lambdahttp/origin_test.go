package lambdahttp_test

import (
	"log/slog"
	"net/http"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"tocsin/internal/lambdahttp"
)

func TestOriginSecret(t *testing.T) {
	const (
		ofText    = "982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1" // of "text"
		ofNothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	)
	for _, tt := range []struct {
		name, sha256 string
		headers      map[string]string
		want         int // 418: the handler's
	}{
		{"open", "", nil, http.StatusTeapot},
		{"the secret", ofText, map[string]string{"x-origin-1": "text"}, http.StatusTeapot},
		{"another", ofText, map[string]string{"x-origin-1": "text "}, http.StatusForbidden},
		{"its digest", ofText, map[string]string{"x-origin-1": ofText}, http.StatusForbidden},
		{"none", ofText, nil, http.StatusForbidden},
		{"none, and the digest of nothing", ofNothing, nil, http.StatusForbidden},
		{"a digest that is none", "text", map[string]string{"x-origin-1": "text"}, http.StatusForbidden},
	} {
		h := lambdahttp.New(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }), []byte(failure), slog.New(slog.DiscardHandler))
		h.Origin = lambdahttp.Origin{Header: "x-origin-1", SHA256: tt.sha256}
		got := invoke(t, h, t.Context(), event(t, func(e *events.APIGatewayV2HTTPRequest) { e.Headers = tt.headers }))
		if got.StatusCode != tt.want {
			t.Errorf("%s: status %d, want %d", tt.name, got.StatusCode, tt.want)
		}
	}
}
