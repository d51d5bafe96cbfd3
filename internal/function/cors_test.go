package function_test

import (
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/apitest"
	"tocsin/internal/dynamotest"
)

// browse sends a request as a browser does, which asks for methods that the API does
// not have, and returns of the answer's headers those that decide what a page may do
// with it.
func browse(t *testing.T, method, url string, header http.Header) (status int, body string, cors http.Header) {
	t.Helper()
	r, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	cors = resp.Header
	maps.DeleteFunc(cors, func(name string, _ []string) bool {
		return !strings.HasPrefix(name, "Access-Control-") && name != "Vary"
	})
	return resp.StatusCode, string(text), cors
}

// TestCORS asks the whole service, with the configuration of template.yaml, as the
// pages of two origins would: one that is allowed and one that is not.
func TestCORS(t *testing.T) {
	const page, foreign = "https://status.example.com", "https://evil.example"
	const unauthorized = `{"error":{"code":"UNAUTHORIZED","message":"Missing or invalid authorization header"}}`
	client := &dynamotest.Client{}
	on := apitest.New(t, apitest.Options{HTTPClient: client, Parameters: map[string]string{"AllowedOrigins": "http://localhost:5173," + page}})
	off := apitest.New(t, apitest.Options{Table: on.Table})
	key := func(s *apitest.Server, origin string) http.Header {
		return http.Header{"Origin": {origin}, "Authorization": {"Bearer " + s.Key}}
	}
	preflight := func(origin, method string) http.Header {
		return http.Header{
			"Origin": {origin}, "Access-Control-Request-Method": {method}, "Access-Control-Request-Headers": {"authorization,content-type,idempotency-key,if-match"},
		}
	}
	read := http.Header{
		"Access-Control-Allow-Origin": {page}, "Access-Control-Expose-Headers": {"etag,x-request-id,idempotent-replayed,retry-after"}, "Vary": {"origin"},
	}
	send := http.Header{
		"Access-Control-Allow-Origin": {page}, "Access-Control-Allow-Methods": {"GET,HEAD,POST,PATCH,DELETE"},
		"Access-Control-Allow-Headers": {"authorization,content-type,idempotency-key,if-match"}, "Access-Control-Max-Age": {"600"}, "Vary": {"origin"},
	}
	tests := []struct {
		name         string
		server       *apitest.Server
		method, path string
		header       http.Header
		status       int
		body         string
		want         http.Header
	}{
		{"GET", on, "GET", "/api/v4/incidents", key(on, page), 200, `{"incidents":[]}`, read},
		{"GET without a key", on, "GET", "/api/v4/incidents", http.Header{"Origin": {page}}, 401, unauthorized, read},
		{"GET of no route", on, "GET", "/api/v4/nothing", key(on, page), 404, `{"error":{"code":"NOT_FOUND","message":"No API route matches '/api/v4/nothing'"}}`, read},
		{"GET of a foreign page", on, "GET", "/api/v4/incidents", key(on, foreign), 200, `{"incidents":[]}`, http.Header{}},
		{"GET of no page", on, "GET", "/api/v4/incidents", http.Header{"Authorization": {"Bearer " + on.Key}}, 200, `{"incidents":[]}`, http.Header{}},
		{"OPTIONS that is no preflight", on, "OPTIONS", "/api/v4/incidents", http.Header{"Origin": {page}}, 401, unauthorized, http.Header{}},

		{"preflight of incidents", on, "OPTIONS", "/api/v4/incidents", preflight(page, "POST"), 204, "", send},
		{"preflight of an incident", on, "OPTIONS", "/api/v4/incidents/1", preflight(page, "PATCH"), 204, "", send},
		{"preflight of a comment", on, "OPTIONS", "/api/v4/incidents/1/comments/1", preflight(page, "DELETE"), 204, "", send},
		{"preflight of monitors", on, "OPTIONS", "/api/v4/monitors", preflight(page, "GET"), 204, "", send},
		{"preflight of the health check", on, "OPTIONS", "/healthcheck", preflight(page, "GET"), 204, "", send},
		{"preflight of no route", on, "OPTIONS", "/api/v4/nothing/", preflight(page, "HEAD"), 204, "", send},
		{"preflight of a method that no route has", on, "OPTIONS", "/api/v4/monitors", preflight(page, "PUT"), 204, "", http.Header{}},
		{"preflight of a foreign page", on, "OPTIONS", "/api/v4/incidents", preflight(foreign, "POST"), 204, "", http.Header{}},

		{"GET, no origins", off, "GET", "/api/v4/incidents", key(off, page), 200, `{"incidents":[]}`, http.Header{}},
		{"preflight, no origins", off, "OPTIONS", "/api/v4/incidents", preflight(page, "POST"), 401, unauthorized, http.Header{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			client.Reset()
			logged := on.Log.String()
			status, body, header := browse(t, test.method, test.server.URL+test.path, test.header)
			if status != test.status || body != test.body {
				t.Errorf("%d %s, want %d %s", status, body, test.status, test.body)
			}
			if diff := cmp.Diff(test.want, header); diff != "" {
				t.Errorf("header (-want +got):\n%s", diff)
			}
			if test.status != http.StatusNoContent {
				return
			}
			if calls := client.Calls(); len(calls) != 0 {
				t.Errorf("it called DynamoDB: %v", calls)
			}
			if more := strings.TrimPrefix(on.Log.String(), logged); more != "" {
				t.Errorf("it logged %s", more)
			}
		})
	}
	if client.Reset(); on.Do("GET", "/api/v4/incidents", "").Status != 200 || len(client.Calls()) == 0 {
		t.Error("the client does not count the calls")
	}
}
