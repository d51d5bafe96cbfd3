package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/statuspage"
)

// An incident is opened, followed and resolved by hand, at the server on this machine and
// at one that is named.
func TestIncident(t *testing.T) {
	flags, dir := rootFlags(t)
	port := freePort(t, dir)
	s := startServer(t, map[string]string{"PORT": port, "DATA": "none"}, flags...)
	local := []string{"--local", "--port", port, "--dir", dir}
	if status, _, errs := tocsin(t, nil, append([]string{"monitors", "import", "--examples"}, local...)...); status != 0 {
		t.Fatal(errs)
	}
	named := map[string]string{"TOCSIN_URL": s.url + "/", "TOCSIN_KEY": s.key()}
	narrow := map[string]string{"TOCSIN_URL": s.url, "TOCSIN_KEY": statuspage.NewSecret()}
	page := func(id int) string { return fmt.Sprintf("%s/incidents/%d", s.url, id) }
	for _, tt := range []struct {
		env    map[string]string
		args   []string
		status int
		want   string
	}{
		{nil, []string{"list"}, 0, "no open incidents\n"},
		{nil, []string{"open", "Checkout", "is", "down", "--monitor", "checkout", "--monitor", "website=degraded", "--comment", "Looking into it"}, 0, "1  INVESTIGATING  Checkout is down  " + page(1) + "\n"},
		{nil, []string{"update", "1", "identified", "A bad release,", "rolling back"}, 0, "1  IDENTIFIED  Checkout is down  " + page(1) + "\n"},
		{named, []string{"open", "  Search is slow "}, 0, "2  INVESTIGATING  Search is slow  " + page(2) + "\n"},
		{named, []string{"list"}, 0, "2  INVESTIGATING  Search is slow    " + page(2) + "\n1  IDENTIFIED     Checkout is down  " + page(1) + "\n"},
		{nil, []string{"resolve", "1", "Rolled back"}, 0, "1  RESOLVED  Checkout is down  " + page(1) + "\n"},
		{nil, []string{"list"}, 0, "2  INVESTIGATING  Search is slow  " + page(2) + "\n"},
		{nil, []string{"list", "--all"}, 0, "2  INVESTIGATING  Search is slow    " + page(2) + "\n1  RESOLVED       Checkout is down  " + page(1) + "\n"},
		{nil, []string{"open", "x", "--monitor", "pluto"}, 1, "tocsin: Monitor with tag 'pluto' not found\n"},
		{nil, []string{"open", "x", "--monitor", "website=purple"}, 1, "tocsin: Invalid impact 'PURPLE'. Must be one of: "},
		{nil, []string{"update", "1", "done", "x"}, 1, "tocsin: state must be one of: INVESTIGATING, IDENTIFIED, MONITORING, RESOLVED\n"},
		{nil, []string{"resolve", "99", "x"}, 1, "tocsin: Incident with id '99' not found\n"},
		{narrow, []string{"list"}, 1, "tocsin: Invalid API key\n"},
		{nil, []string{"open"}, 2, "tocsin: say what is broken: tocsin incident open TITLE\n"},
		{nil, []string{"open", "x", "--monitor", "=DOWN"}, 2, "tocsin: --monitor takes TAG or TAG=IMPACT, such as api=DEGRADED, not \"=DOWN\"\n"},
		{nil, []string{"open", "x", "--impact", "DOWN"}, 2, "tocsin: unknown flag: --impact\n"},
		{nil, []string{"close", "1"}, 2, "tocsin: unknown command \"close\" for \"tocsin incident\"\n"},
		{nil, []string{"list", "1"}, 2, "tocsin: unknown command \"1\" for \"tocsin incident list\"\n"},
		{nil, []string{"update", "1", "IDENTIFIED"}, 2, "tocsin: say which incident, its state and what to tell: tocsin incident update ID STATE TEXT\n"},
		{nil, []string{"resolve", "1"}, 2, "tocsin: say which incident and what to tell: tocsin incident resolve ID TEXT\n"},
		{nil, []string{"resolve", "one", "x"}, 2, "tocsin: \"one\" is no id of an incident: tocsin incident list shows them\n"},
		{map[string]string{"TOCSIN_URL": s.url}, []string{"list"}, 2, "tocsin: say which API: set TOCSIN_URL and TOCSIN_KEY, or say --local\n"},
		{map[string]string{"TOCSIN_URL": "localhost", "TOCSIN_KEY": s.key()}, []string{"list"}, 2, "tocsin: TOCSIN_URL must be the address of the API, like https://api.example.com, not \"localhost\"\n"},
		{map[string]string{"TOCSIN_URL": s.url, "TOCSIN_KEY": "x"}, []string{"list"}, 2, "tocsin: TOCSIN_KEY must be an API key: kener_ and 64 lower-case hexadecimal digits\n"},
	} {
		args := append([]string{"incident"}, tt.args...)
		if tt.env == nil {
			args = append(args, local...)
		}
		status, out, errs := tocsin(t, tt.env, args...)
		if strings.HasSuffix(tt.want, ": ") && strings.HasPrefix(out+errs, tt.want) {
			errs, out = tt.want, ""
		}
		if diff := cmp.Diff(tt.want, out+errs); status != tt.status || diff != "" {
			t.Errorf("%q: %d (-want +got):\n%s", tt.args, status, diff)
		}
	}
	first := fmt.Sprint(call(t, s.url+"/api/v4/incidents/1", s.key(), "")["incident"])
	for _, want := range []string{"incident_source:MANUAL", "map[impact:DOWN monitor_tag:checkout]", "map[impact:DEGRADED monitor_tag:website]"} {
		if !strings.Contains(first, want) {
			t.Errorf("the first incident is %s, without %s", first, want)
		}
	}
	comments := fmt.Sprint(call(t, s.url+"/api/v4/incidents/1/comments", s.key(), "")["comments"])
	for _, want := range []string{"comment:Looking into it", "comment:A bad release, rolling back", "comment:Rolled back"} {
		if !strings.Contains(comments, want) {
			t.Errorf("the comments are %s, without %s", comments, want)
		}
	}
	status, keys, _ := tocsin(t, nil, append([]string{"keys", "list"}, local...)...)
	if status != 0 || strings.Count(keys, `"tocsin incident"`) != 1 || !strings.Contains(keys, "incidents:write  ") {
		t.Errorf("the keys are %s", keys)
	}
	// A key that was revoked stays so, and another is made.
	id := regexp.MustCompile(`(?m)^(\d+) .*"tocsin incident"`).FindStringSubmatch(keys)
	if id == nil {
		t.Fatalf("no key in %s", keys)
	}
	if status, out, errs := tocsin(t, nil, append([]string{"keys", "revoke", id[1]}, local...)...); status != 0 {
		t.Fatalf("%d %s%s", status, out, errs)
	}
	for range 2 {
		if status, out, errs := tocsin(t, nil, append([]string{"incident", "list", "--all"}, local...)...); status != 0 || !strings.HasPrefix(out, "2 ") {
			t.Errorf("with a revoked key: %d %s%s", status, out, errs)
		}
	}
	_, keys, _ = tocsin(t, nil, append([]string{"keys", "list"}, local...)...)
	revoked := regexp.MustCompile(`"tocsin incident"  incidents:write +\S+ +never +\d`).FindAllString(keys, -1)
	if len(revoked) != 1 || strings.Count(keys, `"tocsin incident"`) != 2 {
		t.Errorf("the keys are %s", keys)
	}
	if info, err := os.Stat(dir + "/data/" + port + "/incident-key"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file of the key: %v, %v", info, err)
	}
}

// noWait does not wait, and notes for how long it would have.
type noWait []time.Duration

func (w *noWait) wait(_ context.Context, d time.Duration) error {
	*w = append(*w, d)
	return nil
}

// An answer that is lost on its way is asked for again, and there is one incident.
func TestIncidentOpensOnce(t *testing.T) {
	flags, dir := rootFlags(t)
	s := startServer(t, map[string]string{"PORT": freePort(t, dir), "DATA": "memory"}, flags...)
	target, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	proxy, lost := httputil.NewSingleHostReverseProxy(target), map[string]bool{}
	between := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path := r.URL.Path; !lost[path] {
			lost[path] = true
			proxy.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		proxy.ServeHTTP(w, r)
	}))
	defer between.Close()
	api, err := newAPIClient(between.URL, s.key())
	if err != nil {
		t.Fatal(err)
	}
	var waits noWait
	api.wait = waits.wait
	made, err := openIncident(t.Context(), api, "Checkout is down", nil, "Looking into it", time.Now())
	if err != nil || made.ID != 1 || len(waits) == 0 || len(lost) != 2 { // net/http may send the second one again by itself
		t.Errorf("incident %d after %v, without the first answers of %v: %v", made.ID, waits, lost, err)
	}
	incidents := call(t, s.url+"/api/v4/incidents", s.key(), "")["incidents"].([]any)
	comments := call(t, s.url+"/api/v4/incidents/1/comments", s.key(), "")["comments"].([]any)
	if len(incidents) != 1 || len(comments) != 1 {
		t.Errorf("%d incidents, %d comments", len(incidents), len(comments))
	}
}

// What passes is sent again under the same Idempotency-Key and with the same body; what
// does not is an error at once.
func TestAPIClientTriesAgain(t *testing.T) {
	type said struct {
		status       int
		after, body  string
		wait, atMost time.Duration // before the next try
	}
	const made = `{"incident":{"id":7,"state":"INVESTIGATING","title":"t","url":"u"}}`
	busy := said{503, "", `{"error":{"code":"SERVICE_UNAVAILABLE","message":"Service unavailable, try again"}}`, 0, 0}
	for name, tt := range map[string]struct {
		answers []said
		want    string // the error; "" for none
	}{
		"at once": {[]said{{201, "", made, 0, 0}}, ""},
		"after faults": {[]said{
			{503, "1", busy.body, time.Second, 1250 * time.Millisecond},
			{429, "", `{"message":"Too Many Requests"}`, time.Second, 1250 * time.Millisecond},
			{409, "3", `{"error":{"code":"IDEMPOTENCY_CONFLICT","message":"in progress"}}`, 3 * time.Second, 3750 * time.Millisecond},
			{502, "9999", ``, 10 * time.Second, 12500 * time.Millisecond},
			{201, "", made, 0, 0},
		}, ""},
		"never":              {[]said{busy, busy, busy, busy, busy}, "Service unavailable, try again"},
		"the gateway, never": {[]said{{429, "", `{"message":"Too Many Requests"}`, 0, 0}, busy, busy, busy, {429, "", `{"message":"Too Many Requests"}`, 0, 0}}, "Too Many Requests (URL answers 429 Too Many Requests)"},
		"refused":            {[]said{{400, "", `{"error":{"code":"BAD_REQUEST","message":"At most 48 monitors"}}`, 0, 0}}, "At most 48 monitors"},
		"elsewhere":          {[]said{{302, "", ``, 0, 0}}, "URL answers 302 Found: is it the address of the API?"},
		"a page":             {[]said{{200, "", `<html>`, 0, 0}}, "what answers at URL is not this API: invalid character '<' looking for beginning of value"},
	} {
		t.Run(name, func(t *testing.T) {
			var seen []string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				seen = append(seen, fmt.Sprint(r.Header.Get("Idempotency-Key"), r.Header.Get("Tocsin-Source"), string(body)))
				a := tt.answers[len(seen)-1]
				if a.after != "" {
					w.Header().Set("Retry-After", a.after)
				}
				w.Header().Set("Location", "http://127.0.0.1:1/")
				w.WriteHeader(a.status)
				io.WriteString(w, a.body)
			}))
			defer server.Close()
			api, err := newAPIClient(server.URL, statuspage.NewSecret())
			if err != nil {
				t.Fatal(err)
			}
			var waits noWait
			api.wait = waits.wait
			told := 0
			api.again = func(error) { told++ }
			got, err := openIncident(t.Context(), api, "t", nil, "", time.Unix(600, 0))
			message := ""
			if err != nil {
				message = strings.ReplaceAll(err.Error(), server.URL, "URL")
			}
			if message != tt.want || (err == nil) != (got.ID == 7) {
				t.Errorf("incident %d, error %q, want %q", got.ID, message, tt.want)
			}
			if len(seen) != len(tt.answers) || len(waits) != len(seen)-1 || told != len(waits) {
				t.Fatalf("%d tries, want %d; %d waits, %d times told why", len(seen), len(tt.answers), len(waits), told)
			}
			for n := range seen {
				if seen[n] != seen[0] || len(seen[n]) < 64+len("MANUAL") || !strings.HasSuffix(seen[n], `MANUAL{"start_date_time":600,"title":"t"}`) {
					t.Errorf("try %d sends %s", n+1, seen[n])
				}
				if want := tt.answers[n]; want.wait != 0 && (waits[n] < want.wait || waits[n] > want.atMost) {
					t.Errorf("wait %d is %s, want %s", n+1, waits[n], want.wait)
				}
			}
		})
	}
}

// What comes from the service can't move the terminal's cursor or turn its text around.
func TestIncidentsOfAHostileServer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, `{"error":{"code":"X","message":"no\u001b[31m\r\nway"}}`)
			return
		}
		io.WriteString(w, `{"incidents":[{"id":1,"state":"\u001bX","title":"a\nb\u001b]0;x\u0007","url":"http://x\u0000"}]}`)
	}))
	defer server.Close()
	env := map[string]string{"TOCSIN_URL": server.URL, "TOCSIN_KEY": statuspage.NewSecret()}
	for _, tt := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"incident", "list"}, 0, `1  \x1bX  a\nb\x1b]0;x\a  http://x\x00` + "\n"},
		{[]string{"incident", "open", "x"}, 1, `tocsin: no\x1b[31m; way` + "\n"},
	} {
		status, out, errs := tocsin(t, env, tt.args...)
		if status != tt.status || out+errs != tt.want {
			t.Errorf("%v: %d %q, want %q", tt.args, status, out+errs, tt.want)
		}
	}
}

// Who waits is told why.
func TestWaitingIsSaid(t *testing.T) {
	var errs strings.Builder
	env := map[string]string{"TOCSIN_URL": "https://api.example.com", "TOCSIN_KEY": statuspage.NewSecret()}
	api, err := (&localFlags{}).api(t.Context(), console{func(name string) string { return env[name] }, io.Discard, &errs})
	if err != nil {
		t.Fatal(err)
	}
	api.again(fmt.Errorf("busy\x1b[2J"))
	if want := `tocsin: busy\x1b[2J; trying again` + "\n"; errs.String() != want {
		t.Errorf("%q, want %q", errs.String(), want)
	}
}
