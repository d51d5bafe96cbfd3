package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"tocsin/internal/dynamotest"
)

// page returns the status and the body that the address answers.
func page(t *testing.T, address string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// shows waits until the home page has the text, or with "not " before it has it no more, and
// returns how long after since that is. Longer than limit is a failure.
func (s *server) shows(t *testing.T, what string, since time.Time, limit time.Duration) time.Duration {
	t.Helper()
	for {
		_, body := page(t, s.url+"/")
		took := time.Since(since)
		if gone, not := strings.CutPrefix(what, "not "); strings.Contains(body, gone) != not {
			return took
		}
		if took > limit {
			t.Fatalf("%q is not on the page after %s: %s", what, limit, body)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// An incident that is posted is on the page within three seconds, and what its page links to
// is there by then. So is an update of it, and its end.
func TestPageFollowsTheAPI(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	flags, dir := rootFlags(t)
	s := startServer(t, map[string]string{"PORT": freePort(t, dir), "DATA": "memory", "SITE_NAME": "Example & Sons"}, flags...)
	if !strings.Contains(s.hello, "\nPage: "+s.url+"/\n") {
		t.Errorf("it says %s", s.hello)
	}
	if status, body := page(t, s.url+"/"); status != 200 || !strings.Contains(body, "Example &amp; Sons") {
		t.Errorf("when it is ready the page is %d %.300s", status, body)
	}
	shows := func(what string, since time.Time) {
		t.Helper()
		t.Logf("%q after %s", what, s.shows(t, what, since, 3*time.Second))
	}
	call(t, s.url+"/api/v4/monitors", s.key(), `{"tag":"checkout","name":"Checkout"}`)
	shows("Checkout", time.Now())
	begun := time.Now()
	call(t, s.url+"/api/v4/incidents", s.key(), fmt.Sprintf(`{"title":"A bad release","start_date_time":%d,"monitors":[{"monitor_tag":"checkout","impact":"DOWN"}]}`, begun.Unix()/60*60))
	shows("A bad release", begun)
	if status, body := page(t, s.url+"/incidents/1"); status != 200 || !strings.Contains(body, "A bad release") {
		t.Errorf("its page is %d", status)
	}
	begun = time.Now()
	call(t, s.url+"/api/v4/incidents/1/comments", s.key(), `{"comment":"We roll back.","state":"IDENTIFIED"}`)
	shows("We roll back.", begun)

	folders := filepath.Join(temporary, "tocsin-site-*")
	if found, err := filepath.Glob(folders); err != nil || len(found) != 1 {
		t.Errorf("temporary folders %v, %v", found, err)
	}
	s.stopAndWait(t)
	if left, err := filepath.Glob(folders); err != nil || len(left) != 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
}

// A page that is made, moved or deleted, and a setting of the site, are seen within three seconds.
func TestPagesFollowTheAPI(t *testing.T) {
	const limit = 3 * time.Second
	flags, dir := rootFlags(t)
	s := startServer(t, map[string]string{"PORT": freePort(t, dir), "DATA": "memory", "LOG_LEVEL": "WARN"}, flags...)
	call(t, s.url+"/api/v4/monitors", s.key(), `{"tag":"checkout","name":"Checkout"}`)
	s.shows(t, "Checkout", time.Now(), limit)
	shows := func(address string, status int, text string, since time.Time) {
		t.Helper()
		for {
			got, answer := page(t, s.url+address)
			took := time.Since(since)
			if got == status && strings.Contains(answer, text) {
				t.Logf("%s after %s", address, took)
				return
			}
			if took > limit {
				t.Fatalf("%s is still %d: %.300s", address, got, answer)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	change := func(method, path, body, address string, status int, text string) {
		t.Helper()
		since := time.Now()
		r, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+s.key())
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode >= 300 {
			t.Fatalf("%s %s: %s", method, path, response.Status)
		}
		shows(address, status, text, since)
	}
	change("POST", "/api/v4/pages", `{"page_path":"team","page_title":"Team","page_header":"How the team is","monitors":["checkout"]}`, "/team", 200, "How the team is")
	change("PATCH", "/api/v4/pages/team", `{"page_header":"Fine"}`, "/team/de", 200, "Fine")
	change("PATCH", "/api/v4/pages/team", `{"page_path":"crew"}`, "/crew/api/v2/summary.json", 200, "Checkout")
	change("PATCH", "/api/v4/pages/crew", `{"monitors":[]}`, "/crew/api/v2/summary.json", 200, `"components":[]`)
	change("PATCH", "/api/v4/site/siteName", `{"value":"The shop"}`, "/", 200, "The shop")
	deleted := time.Now()
	change("DELETE", "/api/v4/pages/crew", "", "/crew", 404, "")
	for _, address := range []string{"/team", "/team/history", "/crew/de", "/crew/badge/_/status"} {
		shows(address, 404, "", deleted)
	}
}

// TestPageLatency measures from a request to the changed home page: changes of incidents, of which
// the table's stream tells, and a status that a probe posts, which the schedule finds.
func TestPageLatency(t *testing.T) {
	const (
		incidents      = 16 // with three changes each
		limit          = 3 * time.Second
		scheduledLimit = 65 * time.Second
	)
	flags, dir := rootFlags(t)
	s := startServer(t, map[string]string{"PORT": freePort(t, dir), "DATA": "memory", "LOG_LEVEL": "WARN"}, flags...)
	for _, tag := range []string{"checkout", "search"} {
		call(t, s.url+"/api/v4/monitors", s.key(), fmt.Sprintf(`{"tag":%q,"name":"The %[1]s"}`, tag))
	}
	var took []time.Duration
	change := func(path, body, shown string) {
		t.Helper()
		since := time.Now()
		call(t, s.url+"/api/v4/incidents"+path, s.key(), body)
		took = append(took, s.shows(t, shown, since, 20*time.Second))
	}
	for i := range incidents {
		start, id := time.Now().Unix()/60*60, i+1
		change("", fmt.Sprintf(`{"title":"Bad release %d","start_date_time":%d,"monitors":[{"monitor_tag":"checkout","impact":"DEGRADED"}]}`, id, start), fmt.Sprintf("Bad release %d<", id))
		change(fmt.Sprintf("/%d/comments", id), fmt.Sprintf(`{"comment":"We roll release %d back.","state":"IDENTIFIED"}`, id), fmt.Sprintf("We roll release %d back.", id))
		change(fmt.Sprintf("/%d/comments", id), fmt.Sprintf(`{"comment":"Release %d is gone.","state":"RESOLVED"}`, id), fmt.Sprintf("not We roll release %d back.", id))
	}
	slices.Sort(took)
	p99 := took[(len(took)*99+99)/100-1]
	t.Logf("%d changes: median %s, p99 %s", len(took), took[len(took)/2], p99)
	if p99 > limit {
		t.Errorf("a change takes %s to the page", p99)
	}

	since := time.Now()
	call(t, s.url+"/api/v4/status", s.key(), `{"points":[{"monitor_tag":"search","status":"DOWN"}]}`)
	t.Logf("a monitor that goes down: %s", s.shows(t, "The search is down", since, scheduledLimit))
}

// TestServeWithoutStream has an engine that knows no streams: that is said, and the pages are there.
func TestServeWithoutStream(t *testing.T) {
	target, err := url.Parse(dynamotest.Endpoint(t))
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{ErrorLog: log.New(io.Discard, "", 0), Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	engine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Header.Get("X-Amz-Target"), "DynamoDBStreams") {
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, `{"__type":"com.amazonaws.dynamodb.v20120810#UnknownOperationException","message":"no streams here"}`)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	defer engine.Close()
	client := newLocalClient(target.String())
	t.Cleanup(func() {
		if _, err := client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: aws.String(localTable)}); err != nil {
			t.Error(err)
		}
	})
	flags, dir := rootFlags(t)
	s := startServer(t, map[string]string{"PORT": freePort(t, dir), "DATA": "none", "DYNAMODB_ENDPOINT": engine.URL, "LOG_LEVEL": "WARN"}, flags...)
	if status, body := page(t, s.url+"/"); status != 200 || !strings.Contains(body, "Status") {
		t.Errorf("the page is %d %.300s", status, body)
	}
	s.stopAndWait(t)
	if said := s.stderr.String(); !strings.Contains(said, "the table's stream can't be read: the public pages show a change up to a minute late") || !strings.Contains(said, "no streams here") {
		t.Errorf("it says %s", said)
	}
}
