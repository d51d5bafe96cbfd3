package function_test

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"testing"

	"tocsin/internal/apitest"
)

// TestOriginSecret asks every function of a stack behind a CDN, with and without the CDN's
// header.
func TestOriginSecret(t *testing.T) {
	const name, secret = "X-Origin-7", "0123456789abcdefghijklmnopqrstuv"
	sum := sha256.Sum256([]byte(secret))
	s := apitest.New(t, apitest.Options{Parameters: map[string]string{
		"OriginSecretSHA256": hex.EncodeToString(sum[:]), "OriginHeaderName": "x-origin-7", "AllowedOrigins": "*",
	}})
	ask := func(method, path string, header http.Header) (*http.Response, string) {
		t.Helper()
		r, err := http.NewRequest(method, s.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header = header
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, string(body)
	}
	preflight := http.Header{"Origin": {"https://a.example"}, "Access-Control-Request-Method": {"GET"}}
	for _, path := range []string{"/api/v4/incidents", "/api/v4/incidents/1/comments", "/api/v4/monitors", "/api/status", "/healthcheck", "/docs", "/nothing"} {
		for what, header := range map[string]http.Header{
			"none": {}, "empty": {name: {""}}, "another": {name: {secret + "0"}}, "in another header": {"X-Origin-1": {secret}}, "its SHA-256": {name: {hex.EncodeToString(sum[:])}}, "twice": {name: {secret, secret}},
			"with a key": {"Authorization": {"Bearer " + s.Key}}, "a preflight": preflight,
		} {
			method := "GET"
			if what == "a preflight" {
				method = "OPTIONS"
			}
			resp, body := ask(method, path, header)
			if resp.StatusCode != 403 || body != `{"message":"Forbidden"}` || resp.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s, %s: %d %s", path, what, resp.StatusCode, body)
			}
		}
	}
	if log := s.Log.String(); strings.Contains(log, `"msg":"request"`) {
		t.Errorf("the log has %s", log)
	}
	if resp, body := ask("GET", "/healthcheck", http.Header{name: {secret}}); resp.StatusCode != 200 || strings.Contains(body, secret) {
		t.Errorf("with the secret: %d %s", resp.StatusCode, body)
	}
	withHeader := preflight.Clone()
	withHeader.Set(name, secret)
	if resp, _ := ask("OPTIONS", "/api/v4/monitors", withHeader); resp.StatusCode != 204 {
		t.Errorf("a preflight with the secret: %d", resp.StatusCode)
	}
	if strings.Contains(s.Log.String(), secret) {
		t.Errorf("the log has the secret: %s", s.Log)
	}
}
