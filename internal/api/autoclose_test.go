package api_test

import (
	"net/http"
	"strings"
	"testing"
)

const errAutoClose = "auto_close_after must be an integer between 3600 and 31536000, or null"

// TestAutoCloseAfterIsShownWhenSet goes through the three states of the field, in
// every answer that holds an incident.
func TestAutoCloseAfterIsShownWhenSet(t *testing.T) {
	s, _ := start(t)
	shown := func(when, got, want string) {
		t.Helper()
		has := strings.Contains(got, `"auto_close_after"`)
		if want == "" && has || want != "" && !strings.Contains(got, `"monitors":[],"auto_close_after":`+want+`,"created_at"`) {
			t.Errorf("%s: %s, want auto_close_after %q", when, got, want)
		}
	}
	look := func(when, path, want string) {
		t.Helper()
		shown("GET after "+when, s.Do("GET", path, "").Body, want)
		shown("list after "+when, s.Do("GET", "/api/v4/incidents?limit=1", "").Body, want)
	}
	post := func(when, body, want string) {
		t.Helper()
		got := s.Do("POST", "/api/v4/incidents", body)
		if got.Status != http.StatusCreated {
			t.Fatalf("%s: %d %s", when, got.Status, got.Body)
		}
		shown(when, got.Body, want)
	}
	post("POST of seconds", `{"title":"t","start_date_time":60,"auto_close_after":7200}`, "7200")
	post("POST of null", `{"title":"t","start_date_time":120,"auto_close_after":null}`, "null")
	look("POST of null", "/api/v4/incidents/2", "null")
	post("POST without", `{"title":"t","start_date_time":180}`, "")
	look("POST without", "/api/v4/incidents/3", "")

	const path = "/api/v4/incidents/3"
	for _, step := range []struct{ body, want string }{
		{`{"title":"other"}`, ""}, {`{"auto_close_after":3600}`, "3600"}, {`{"title":"more"}`, "3600"}, {`{"start_date_time":240,"monitors":[]}`, "3600"},
		{`{"auto_close_after":null}`, "null"}, {`{"start_date_time":300}`, "null"}, {`{"start_date_time":360,"auto_close_after":31536000}`, "31536000"},
	} {
		got := s.Do("PATCH", path, step.body)
		if got.Status != http.StatusOK {
			t.Fatalf("PATCH %s: %d %s", step.body, got.Status, got.Body)
		}
		shown("PATCH "+step.body, got.Body, step.want)
		look("PATCH "+step.body, path, step.want)
	}
	// Monitors come first, and a refusal changes nothing.
	for body, message := range map[string]string{
		`{"title":"no","auto_close_after":3599}`:  errAutoClose,
		`{"monitors":"x","auto_close_after":"x"}`: "monitors must be an array",
	} {
		if got := s.Do("PATCH", path, body); got.Status != http.StatusBadRequest || got.Body != badRequest(message) {
			t.Errorf("PATCH %s: %d %s", body, got.Status, got.Body)
		}
	}
	if got := s.Do("POST", "/api/v4/incidents", `{"title":"t","start_date_time":60,"auto_close_after":0}`); got.Status != http.StatusBadRequest || got.Body != badRequest(errAutoClose) {
		t.Errorf("POST: %d %s", got.Status, got.Body)
	}
	look("refusals", path, "31536000")
}
