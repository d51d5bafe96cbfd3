package main

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
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
		for {
			if _, body := page(t, s.url+"/"); strings.Contains(body, what) {
				t.Logf("%q after %s", what, time.Since(since))
				return
			}
			if time.Since(since) > 3*time.Second {
				t.Fatalf("%q is not on the page after three seconds", what)
			}
			time.Sleep(10 * time.Millisecond)
		}
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
