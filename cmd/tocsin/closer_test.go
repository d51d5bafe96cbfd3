package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestCloserCommand runs the closer by hand, beside a server whose own is off, and then lets
// the server's do the rest.
func TestCloserCommand(t *testing.T) {
	flags, dir := rootFlags(t)
	env := map[string]string{"PORT": freePort(t, dir), "CLOSER": "off", "DATA": "none"}
	s := startServer(t, env, flags...)
	key := s.key()
	began := time.Now().Unix()
	for _, end := range []string{"null", fmt.Sprint(began)} {
		call(t, s.url+"/api/v4/incidents", key, fmt.Sprintf(`{"title":"Outage","start_date_time":%d,"end_date_time":%s}`, began, end))
	}
	name := "closer"
	closing := func(args ...string) string {
		t.Helper()
		status, out, errs := tocsin(t, nil, append([]string{name, "--local", "--port", env["PORT"], "--dir", dir}, args...)...)
		if status != 0 {
			t.Fatalf("%s %q: %d, %s", name, args, status, errs)
		}
		return out
	}
	at := fmt.Sprint(began + 48*3600 + 3600)
	would := closing("--dry-run", "--now", at)
	if !strings.HasPrefix(would, `warn incident 1 "Outage": no activity since `) || !strings.Contains(would, `close incident 2 "Outage": its end has passed`) || !strings.Contains(would, "\n2 open, 1 warned, 1 closed;") {
		t.Errorf("dry run:\n%s", would)
	}
	if did := closing("--now", at); did != would {
		t.Errorf("the run:\n%s\nwant\n%s", did, would)
	}
	name = "close" // the old name
	if again := closing("--now", at, "--stale-after", "100h", "--warn-before", "1h"); !strings.HasPrefix(again, "1 open, 0 warned, 0 closed") {
		t.Errorf("again:\n%s", again)
	}
	s.stopAndWait(t)

	env["CLOSER"], env["CLOSER_EVERY"], env["STALE_AFTER"], env["WARN_BEFORE"] = "on", "1s", "4s", "1s"
	s = startServer(t, env, flags...)
	call(t, s.url+"/api/v4/incidents", key, fmt.Sprintf(`{"title":"Soon","start_date_time":%d}`, time.Now().Unix()-60))
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		comments := fmt.Sprint(call(t, s.url+"/api/v4/incidents/3/comments", key, "")["comments"])
		if strings.Contains(comments, "Nothing has happened here") && strings.Contains(comments, "Closed automatically") {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("comments %s", comments)
		}
	}
	s.stopAndWait(t)
}

func TestCloserOptions(t *testing.T) {
	for _, tt := range []struct {
		o    closerOptions
		want string
	}{
		{closerOptions{}, ""}, {closerOptions{closer: "off", every: "5s", staleAfter: "0", warnBefore: "2s"}, ""},
		{closerOptions{closer: "no"}, "CLOSER must be"}, {closerOptions{every: "5"}, "CLOSER_EVERY must be"}, {closerOptions{every: "100ms"}, "CLOSER_EVERY must be"},
		{closerOptions{staleAfter: "x"}, "STALE_AFTER must be"}, {closerOptions{warnBefore: "-1s"}, "WARN_BEFORE must be"},
	} {
		if err := tt.o.check(); (err == nil) != (tt.want == "") || err != nil && !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%+v: %v, want %q", tt.o, err, tt.want)
		}
	}
	for text, want := range map[string]int64{"0": 0, "1700000000": 1700000000, "2026-12-01T00:00:00Z": 1796083200, "-1": -1, "x": -1, "2026-12-01": -1, "999999999999": -1} {
		if got, err := parseNow(text); (err != nil) != (want < 0) || err == nil && got != want {
			t.Errorf("--now %q: %d, %v", text, got, err)
		}
	}
}
