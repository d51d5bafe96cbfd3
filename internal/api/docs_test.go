package api_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/apitest"
	"tocsin/internal/openapi"
)

// noDatabase is a connection over which nothing can be asked.
type noDatabase struct{}

func (noDatabase) Do(*http.Request) (*http.Response, error) {
	return nil, errors.New("the test has cut the connection")
}

// TestDescription asks for what describes the API, with a database that does not
// answer: neither a key nor the table is looked at.
func TestDescription(t *testing.T) {
	s := apitest.New(t, apitest.Options{HTTPClient: noDatabase{}})
	for _, tt := range []struct {
		path, body string
		header     http.Header
	}{
		{"/openapi.json", string(openapi.JSON), http.Header{
			"Content-Type": {"application/json"}, "Cache-Control": {"no-store"},
		}},
		{"/docs", string(openapi.Page), http.Header{
			"Content-Type": {"text/html; charset=utf-8"}, "Cache-Control": {"no-store"}, "X-Content-Type-Options": {"nosniff"},
			"Content-Security-Policy": {"default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
		}},
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			for _, key := range []string{"", "Bearer " + s.Key, "nonsense"} {
				t.Run(method+" "+tt.path+" "+key, func(t *testing.T) {
					header := http.Header{}
					if key != "" {
						header.Set("Authorization", key)
					}
					got := s.DoWith(method, tt.path, "", header)
					body := tt.body
					if method == http.MethodHead {
						body = ""
					}
					if diff := cmp.Diff(answer{200, body}, answer{got.Status, got.Body}); diff != "" {
						t.Errorf("answer (-want +got):\n%.2000s", diff)
					}
					for _, own := range []string{"Content-Length", "Date", "X-Request-Id", "Apigw-Requestid"} {
						if got.Header.Get(own) == "" {
							t.Errorf("the header %s is missing", own)
						}
						got.Header.Del(own)
					}
					if diff := cmp.Diff(tt.header, got.Header); diff != "" {
						t.Errorf("headers (-want +got):\n%s", diff)
					}
				})
			}
		}
	}
}
