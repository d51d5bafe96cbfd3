package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"tocsin/internal/apitest"
	"tocsin/internal/statuspage"
)

// newHeartbeat makes an integration of the kind heartbeat over HTTP and returns its id and its token.
// options are members of its options for the schedule.
func newHeartbeat(t *testing.T, s *apitest.Server, tag, options string) (id int64, token string) {
	t.Helper()
	got := s.Do("POST", integrationsPath, fmt.Sprintf(`{"name":"Job of %s","kind":"heartbeat","options":{"heartbeat":{"monitor":%q,%s}}}`, tag, tag, options))
	var answer struct {
		Integration struct {
			ID    int64
			Token string
		}
	}
	if err := json.Unmarshal([]byte(got.Body), &answer); err != nil || got.Status != http.StatusCreated || answer.Integration.Token == "" {
		t.Fatalf("%d %s", got.Status, got.Body)
	}
	return answer.Integration.ID, answer.Integration.Token
}

// pointOf is the point of a minute of the monitor: status and latency, "" for none.
func pointOf(t *testing.T, s *apitest.Server, tag string, at int64) string {
	t.Helper()
	got := s.Do("GET", fmt.Sprintf("/api/v4/monitors/%s/data/%d", tag, statuspage.FloorMinute(at)), "")
	if got.Status == http.StatusNotFound {
		return ""
	}
	var answer struct {
		Data struct {
			Status  string
			Latency *float64
		}
	}
	if err := json.Unmarshal([]byte(got.Body), &answer); err != nil || got.Status != http.StatusOK {
		t.Fatalf("%d %s", got.Status, got.Body)
	}
	if answer.Data.Latency == nil {
		return answer.Data.Status
	}
	return fmt.Sprint(answer.Data.Status, " ", *answer.Data.Latency)
}

// TestPingsOverHTTP has what each address answers, and which point it sets.
func TestPingsOverHTTP(t *testing.T) {
	s, clock := start(t)
	monitorsNamed(t, s, "job", "strict", "other")
	id, token := newHeartbeat(t, s, "job", `"period_seconds":3600`)
	strictID, strict := newHeartbeat(t, s, "strict", `"post_only":true`)
	_, lost := newHeartbeat(t, s, "nobody", `"cron":"0 3 * * *","time_zone":"Europe/Berlin"`)
	other := s.Do("POST", integrationsPath, `{"name":"Other","kind":"generic"}`)
	otherToken := between(other.Body, `"token":"`, `"`)
	const rid = "?rid=0d9c8b7a-6f5e-4d3c-8b2a-190817263544"
	for n, tt := range []struct {
		method, path, body string
		status             int
		answer             string
		tag, point         string // the point of the minute afterwards
	}{
		{"GET", "/ping/" + token + "/start" + rid, "", 200, "OK", "job", ""},
		{"POST", "/ping/" + token + rid, "exported 1,204 rows\n", 200, "OK", "job", "UP 60000"},
		{"HEAD", "/ping/" + token, "", 200, "", "job", "UP"},
		{"GET", "/ping/" + token + "/", "", 200, "OK", "job", "UP"},
		{"POST", "/ping/" + token + "/fail", "disk full\n", 200, "OK", "job", "DOWN"},
		{"GET", "/ping/" + token + "/0", "", 200, "OK", "job", "UP"},
		{"GET", "/ping/" + token + "/17", "", 200, "OK", "job", "DOWN"},
		{"GET", "/ping/" + token + "/255", "", 200, "OK", "job", "DOWN"},
		{"POST", "/ping/" + token + "/log", "note only\n", 200, "OK", "job", ""},
		{"GET", "/ping/" + token + "/256", "", 404, "not found", "job", ""},
		{"GET", "/ping/" + token + "/-1", "", 404, "not found", "job", ""},
		{"GET", "/ping/" + token + "/success", "", 404, "not found", "job", ""},
		{"GET", "/ping/" + token + "/0/0", "", 404, "not found", "job", ""},
		{"GET", "/ping/00000000000000000000000000000000", "", 404, "not found", "job", ""},
		{"GET", "/ping/x", "", 404, "not found", "job", ""},
		{"GET", "/ping/" + otherToken, "", 404, "not found", "other", ""},
		{"GET", "/ping/" + token + "?rid=" + strings.Repeat("x", 65), "", 400, "rid is longer than 64 characters", "job", ""},
		{"POST", "/ping/" + token, strings.Repeat("x", 20_000), 200, "OK", "job", "UP"},

		{"GET", "/ping/" + token + "?status=up&msg=OK&ping=12.5", "", 200, "OK", "job", "UP 12.5"},
		{"GET", "/ping/" + token + "?status=up&msg=OK&ping=", "", 200, "OK", "job", "UP"},
		{"GET", "/ping/" + token + "?status=up&ping=-1", "", 200, "OK", "job", "UP"},
		{"GET", "/ping/" + token + "?status=up&ping=NaN", "", 200, "OK", "job", "UP"},
		{"GET", "/ping/" + token + "?status=down&msg=no+luck", "", 200, "OK", "job", "DOWN"},

		{"GET", "/ping/" + strict, "", 200, "OK", "strict", ""},
		{"HEAD", "/ping/" + strict, "", 200, "", "strict", ""},
		{"POST", "/ping/" + strict, "", 200, "OK", "strict", "UP"},
		{"POST", "/ping/" + lost, "", 200, "OK", "job", ""},
	} {
		clock.seconds.Store(testStart + int64(n)*60)
		got := s.DoWith(tt.method, tt.path, tt.body, http.Header{})
		if got.Status != tt.status || got.Body != tt.answer || got.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("%s %s: %d %q %v, want %d %q", tt.method, tt.path, got.Status, got.Body, got.Header, tt.status, tt.answer)
		}
		if point := pointOf(t, s, tt.tag, testStart+int64(n)*60); point != tt.point {
			t.Errorf("%s %s: point %q, want %q", tt.method, tt.path, point, tt.point)
		}
	}

	t.Log("what is kept of them")
	deliveries := s.Do("GET", fmt.Sprintf("%s/%d/deliveries", integrationsPath, id), "").Body
	for _, want := range []string{"exported 1,204 rows", "disk full", "note only", "no luck", "exit status 17"} {
		if !strings.Contains(deliveries, want) {
			t.Errorf("no %q in %s", want, deliveries)
		}
	}
	if strings.Contains(deliveries, strings.Repeat("x", 10_001)) || !strings.Contains(deliveries, strings.Repeat("x", 10_000)) {
		t.Error("a long body is not kept up to its limit")
	}
	if got := s.Do("GET", fmt.Sprintf("%s/%d/deliveries", integrationsPath, strictID), "").Body; strings.Count(got, "only a POST is") != 2 {
		t.Errorf("of what did not count: %s", got)
	}
	if got := s.Do("GET", integrationsPath, "").Body; !strings.Contains(got, "Monitor with tag 'nobody' not found") {
		t.Errorf("no last error in %s", got)
	}
	for _, secret := range []string{token, strict, lost} {
		if strings.Contains(s.Log.String(), secret) {
			t.Errorf("a token is in the log")
		}
	}
}

// between is the text between two others.
func between(text, before, after string) string {
	_, text, _ = strings.Cut(text, before)
	text, _, _ = strings.Cut(text, after)
	return text
}

// TestLifeOfAHeartbeat has a clock that goes on by minutes. The job pings each five of them, then no more,
// and then again.
func TestLifeOfAHeartbeat(t *testing.T) {
	s, clock := start(t)
	monitorsNamed(t, s, "earth")
	made(t, s, rulesPath, downRule) // three minutes
	_, token := newHeartbeat(t, s, "earth", `"period_seconds":300,"grace_seconds":120`)
	ping := func() {
		t.Helper()
		if got := s.DoWith("GET", "/ping/"+token, "", http.Header{}); got.Status != 200 {
			t.Fatalf("%d %s", got.Status, got.Body)
		}
	}
	var history strings.Builder
	minute := func(n int64, pings bool) {
		t.Helper()
		clock.seconds.Store(testMinute + n*60 + 5)
		s.Tick()
		clock.seconds.Store(testMinute + n*60 + 30)
		if pings {
			ping()
		}
		switch pointOf(t, s, "earth", testMinute+n*60) {
		case "UP":
			history.WriteByte('U')
		case "DOWN":
			history.WriteByte('D')
		default:
			history.WriteByte('.')
		}
	}
	for n := range int64(30) {
		minute(n, n%5 == 1 && n < 12 || n == 25)
	}
	// Made in the first minute, pinged at the minutes 1, 6 and 11, so late from 18:30 on.
	if want := "UUUUUUUUUUUUUUUUUUUDDDDDDUUUUU"; history.String() != want {
		t.Errorf("%s, want %s", history.String(), want)
	}
	got := s.Do("GET", "/api/v4/incidents", "").Body
	if strings.Count(got, `"id":`) != 1 || !strings.Contains(got, `"state":"RESOLVED"`) || !strings.Contains(got, fmt.Sprintf(`"start_date_time":%d`, testMinute+19*60)) {
		t.Errorf("incidents: %s", got)
	}

	t.Log("one that never pinged is late too")
	monitorsNamed(t, s, "mars")
	newHeartbeat(t, s, "mars", `"period_seconds":60,"grace_seconds":60`)
	var mars []string
	for n := int64(30); n < 34; n++ {
		minute(n, n == 30)
		mars = append(mars, pointOf(t, s, "mars", testMinute+n*60))
	}
	if fmt.Sprint(mars) != "[UP UP DOWN DOWN]" {
		t.Errorf("never pinged: %v", mars)
	}
}

// TestOpsgenieHeartbeat has the key of the heartbeat where Opsgenie has its own.
func TestOpsgenieHeartbeat(t *testing.T) {
	s, _ := start(t)
	monitorsNamed(t, s, "job")
	_, token := newHeartbeat(t, s, "job", `"period_seconds":3600`)
	for _, method := range []string{"GET", "POST", "PUT"} {
		got := s.DoWith(method, "/v2/heartbeats/nightly/ping", "", http.Header{"Authorization": {"GenieKey " + token}})
		if got.Status != 202 || !strings.HasPrefix(got.Body, `{"result":"PONG - Heartbeat received","took":`) {
			t.Errorf("%s: %d %s", method, got.Status, got.Body)
		}
	}
	if got := pointOf(t, s, "job", testStart); got != "UP" {
		t.Errorf("point %q", got)
	}
	for _, tt := range []struct {
		path, key string
		status    int
	}{
		{"/v2/heartbeats/nightly/ping", "GenieKey 00000000000000000000000000000000", 401},
		{"/v2/heartbeats/nightly/ping", "", 401},
		{"/v2/heartbeats/nightly", "GenieKey " + token, 404},
		{"/v2/heartbeats/ping", "GenieKey " + token, 404},
	} {
		header := http.Header{}
		if tt.key != "" {
			header.Set("Authorization", tt.key)
		}
		if got := s.DoWith("GET", tt.path, "", header); got.Status != tt.status || !strings.HasPrefix(got.Body, `{"message":`) {
			t.Errorf("%s with %q: %d %s", tt.path, tt.key, got.Status, got.Body)
		}
	}
}

// TestKenerHeartbeat pings a monitor by its tag and secret, then no more.
func TestKenerHeartbeat(t *testing.T) {
	s, clock := start(t)
	made(t, s, "/api/v4/monitors", `{"tag":"job","name":"Job","monitor_type":"HEARTBEAT","type_data":{"secretString":"s3cr:t","degradedRemainingMinutes":2,"downRemainingMinutes":4}}`)
	monitorsNamed(t, s, "plain")
	for _, tt := range []struct {
		method, path string
		status       int
		answer       string
	}{
		{"GET", "/ext/heartbeat/job/wrong", 400, `{"error":"Invalid heartbeat secret"}`},
		{"GET", "/ext/heartbeat/job/", 400, `{"error":"Invalid heartbeat secret"}`},
		{"GET", "/ext/heartbeat/job", 400, `{"error":"Invalid heartbeat secret"}`},
		{"GET", "/ext/heartbeat/plain/x", 400, `{"error":"Monitor not found"}`},
		{"POST", "/ext/heartbeat/nobody/x", 400, `{"error":"Monitor not found"}`},
		{"GET", "/ext/heartbeat/:", 400, `{"error":"Monitor not found"}`},
	} {
		if got := s.DoWith(tt.method, tt.path, "", http.Header{}); got.Status != tt.status || got.Body != tt.answer {
			t.Errorf("%s %s: %d %s, want %d %s", tt.method, tt.path, got.Status, got.Body, tt.status, tt.answer)
		}
	}
	s.Tick()
	if got := pointOf(t, s, "job", testStart); got != "" {
		t.Errorf("a point %q before the first ping", got)
	}
	for _, tt := range []struct{ method, path string }{{"GET", "/ext/heartbeat/job/s3cr:t"}, {"POST", "/ext/heartbeat/job:s3cr:t"}} {
		if got := s.DoWith(tt.method, tt.path, "", http.Header{}); got.Status != 200 || got.Body != `{"status":"OK"}` {
			t.Errorf("%s %s: %d %s", tt.method, tt.path, got.Status, got.Body)
		}
	}
	var got []string
	for n := range int64(7) {
		clock.seconds.Store(testStart + n*60)
		s.Tick()
		got = append(got, pointOf(t, s, "job", testStart+n*60))
	}
	if fmt.Sprint(got) != "[UP UP UP DEGRADED DEGRADED DOWN DOWN]" {
		t.Errorf("%v", got)
	}
	if strings.Contains(s.Log.String(), "s3cr") {
		t.Error("a secret is in the log")
	}
}
