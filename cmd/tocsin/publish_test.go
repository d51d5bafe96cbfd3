package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"tocsin/internal/dynamotest"
	"tocsin/internal/publish"
	"tocsin/internal/site"
	"tocsin/internal/statuspage"
)

// The command says how many files it has put. Without --all it sees what the records tell of,
// with it also what happened to a file.
func TestMakePages(t *testing.T) {
	store, now := dynamotest.NewTable(t).Store(nil), time.Now().Unix()
	then := statuspage.FloorMinute(now - 60*86400)
	i, err := store.CreateIncident(t.Context(), statuspage.NewIncident{Title: "Outage", Start: then, Source: statuspage.SourceAPI}, then, nil)
	if err == nil { // a pass always looks at what is open
		_, err = store.CreateComment(t.Context(), i.ID, statuspage.NewComment{Text: "Over", Time: then, State: statuspage.Resolved}, then, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	publishes := func(ctx context.Context, all bool) (stdout, stderr string, err error) {
		t.Helper()
		folder, err := publish.OpenFolder(dir)
		if err != nil {
			t.Fatal(err)
		}
		p := &publish.Publisher{Store: store, Config: site.Config{Name: "Example", URL: "https://status.example.com"}, Port: folder}
		var out, errs bytes.Buffer
		err = makePages(ctx, p, "folder", all, func() int64 { return now }, console{stdout: &out, stderr: &errs})
		return out.String(), errs.String(), err
	}
	first, _, err := publishes(t.Context(), false)
	files, there := 0, 0
	if _, scan := fmt.Sscanf(first, "files put into the folder: %d\n", &files); scan != nil || err != nil {
		t.Fatalf("first: %q, %v, %v", first, scan, err)
	}
	err = filepath.WalkDir(filepath.Join(dir, "public"), func(_ string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			there++
		}
		return err
	})
	if err != nil || files != there {
		t.Errorf("%d files put, %d are there, %v", files, there, err)
	}

	page := filepath.Join(dir, "public", "events", time.Unix(then, 0).UTC().Format("January-2006")+".html")
	before, err := os.ReadFile(page)
	if err != nil || !strings.Contains(string(before), "Outage") {
		t.Fatalf("%s, %v", before, err)
	}
	if err := os.Remove(page); err != nil {
		t.Fatal(err)
	}
	stopped, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("Ctrl-C"))
	if out, _, err := publishes(stopped, true); out != "files put into the folder: 0\n" || err == nil || err.Error() != "stopped before all was done: each file is whole, and the next run goes on" {
		t.Errorf("stopped: %q, %v", out, err)
	}
	if out, errs, err := publishes(t.Context(), false); out != "files put into the folder: 0\n" || errs != "" || err != nil {
		t.Errorf("without --all: %q, %q, %v", out, errs, err)
	}
	out, errs, err := publishes(t.Context(), true)
	if after, _ := os.ReadFile(page); out != "files put into the folder: 1\n" || err != nil || !bytes.Equal(after, before) {
		t.Errorf("--all: %q, %v, the page is as before: %t", out, err, bytes.Equal(after, before))
	}
	if looked := regexp.MustCompile(`^((\d+) files looked at in [\d.]+ s, \d+ a second\n)+$`).FindStringSubmatch(errs); looked == nil || looked[2] == "0" {
		t.Errorf("--all tells of its progress: %q", errs)
	}
}

func TestStackCommands(t *testing.T) {
	for _, tt := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"publish"}, 1, "tocsin: say which stack: --stack NAME\n"},
		{[]string{"doctor"}, 1, "tocsin: say what to look at: either --stack NAME or --local\n"},
		{[]string{"doctor", "--local", "--stack", "x"}, 1, "tocsin: say what to look at: either --stack NAME or --local\n"},
	} {
		if status, out, errs := tocsin(t, nil, tt.args...); status != tt.status || out != "" || errs != tt.want {
			t.Errorf("%q: %d, %q, %q", tt.args, status, out, errs)
		}
	}
}

// A server on this machine is as it should be.
func TestDoctorLocal(t *testing.T) {
	flags, dir := rootFlags(t)
	env := map[string]string{"PORT": freePort(t, dir), "DATA": "none"}
	s := startServer(t, env, flags...)
	status, out, errs := tocsin(t, nil, "doctor", "--local", "--port", env["PORT"], "--dir", dir)
	line := regexp.MustCompile(`^ok       schema version: that of this program
ok       page: ` + regexp.QuoteMeta(s.url) + `/api/v2/status.json is \d+ s old
ok       API: ` + regexp.QuoteMeta(s.url) + `/healthcheck answers
$`)
	if status != 0 || errs != "" || !line.MatchString(out) {
		t.Errorf("%d, %q, %s", status, errs, out)
	}
	if status, out, errs := tocsin(t, nil, "doctor", "--local", "--port", env["PORT"], "--dir", dir, "--json"); status != 0 || errs != "" ||
		!strings.HasPrefix(out, "[\n  {\n    \"level\": \"ok\",\n    \"about\": \"schema version\",\n") {
		t.Errorf("%d, %q, %s", status, errs, out)
	}
}
