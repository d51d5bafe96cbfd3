package dynamo_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/dynamotest"
	"tocsin/internal/local"
	"tocsin/internal/opt"
	"tocsin/internal/statuspage"
)

// TestSearchReadsSoMuch shows that a search ends when it has read 20 MB of the index,
// and that it needs no more calls than it must. Whether the item that goes past 1 MB is
// on the page or not, each engine decides for itself.
func TestSearchReadsSoMuch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mode{})
	const large, pages = 300_000, 20
	page := 3 // items
	if dynamotest.EngineOf(t) == local.DynamoDBLocal {
		page = 4
	}
	count := pages*page + 2
	for n := range count {
		w.incidents[w.incident()-1].Title = fmt.Sprintf("n%d %s", n+1, strings.Repeat("x", large))
		w.incidents[n].Created = now + int64(n)
	}
	w.load()
	client := &dynamotest.Client{}
	s := w.tb.Store(client)
	newest := fmt.Sprintf("n%d", count/10) // the tens that the last two have
	for _, tt := range []struct {
		name  string
		query statuspage.LegacyQuery
		found int
		calls int // of the index
		err   error
	}{
		{"nothing matches", statuspage.LegacyQuery{Title: "nothing", To: statuspage.MaxTimestamp}, 0, pages, statuspage.ErrSearchTooWide},
		{"narrowed to twenty pages", statuspage.LegacyQuery{Title: "n1", To: now + int64(count) - 4, Limit: 50}, 11, pages, nil},
		{"narrowed", statuspage.LegacyQuery{Title: "nothing", From: now + int64(count) - 3, To: statuspage.MaxTimestamp}, 0, 1, nil},
		{"the oldest", statuspage.LegacyQuery{Title: "n1", To: now}, 1, 1, nil},
		{"full before the end", statuspage.LegacyQuery{Title: newest, To: statuspage.MaxTimestamp, Limit: 3}, 3, 1, nil},
		{"no filter", statuspage.LegacyQuery{To: statuspage.MaxTimestamp, Skip: 1, Limit: 2}, 2, 1, nil},
		{"closed ones", statuspage.LegacyQuery{Closed: true, Title: "nothing", To: statuspage.MaxTimestamp}, 0, 1, nil},
		{"the wrong way round", statuspage.LegacyQuery{From: now + 5, To: now + 4}, 0, 0, nil},
		{"all of time", statuspage.LegacyQuery{From: -1, To: statuspage.MaxTimestamp + 1, Limit: 2}, 2, 1, nil},
	} {
		q := tt.query
		if q.Limit == 0 {
			q.Limit = 10
		}
		client.Reset()
		found, err := s.SearchIncidents(context.Background(), q)
		calls := 0
		for _, c := range client.Calls() {
			if c.Operation == "Query" {
				calls++
			}
		}
		if len(found) != tt.found || calls != tt.calls || !errors.Is(err, tt.err) {
			t.Errorf("%s: %d found after %d calls, %v; want %d, %d, %v", tt.name, len(found), calls, err, tt.found, tt.calls, tt.err)
		}
	}
}

// TestLegacyBody shows where the body of an incident is, and that it comes and goes
// with it.
func TestLegacyBody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mode{})
	tag := w.monitor()
	w.load()
	ctx := context.Background()
	bodies := func() (texts []string) {
		for _, it := range w.tb.Items(t) {
			if it["sk"] == "BODY" {
				texts = append(texts, it["pk"]+" "+it["text"])
			}
		}
		slices.Sort(texts)
		return texts
	}
	expect := func(what string, want ...string) {
		t.Helper()
		if d := cmp.Diff(want, bodies()); d != "" {
			t.Errorf("bodies %s (-want +got):\n%s", what, d)
		}
	}
	report := func(body string) statuspage.LegacyReport {
		return statuspage.LegacyReport{Title: "t", Tags: []string{tag}, Body: body}
	}
	for n, body := range []string{"text", ""} {
		made, err := w.store.ReportIncident(ctx, report(body), now, nil)
		if err != nil || made.Body != body || made.ID != int64(n+1) {
			t.Fatalf("made %+v, %v", made, err)
		}
		got, err := w.store.LegacyIncident(ctx, made.ID)
		if d := cmp.Diff(made, got); d != "" || err != nil {
			t.Errorf("read (-made +read), %v:\n%s", err, d)
		}
	}
	expect("of one with and one without", "INCIDENT#1 text")
	for _, step := range []struct {
		id   int64
		body string
		want []string
	}{{2, "new", []string{"INCIDENT#1 text", "INCIDENT#2 new"}}, {1, "", []string{"INCIDENT#2 new"}}, {1, "", []string{"INCIDENT#2 new"}}, {2, "newer", []string{"INCIDENT#2 newer"}}} {
		replaced, err := w.store.ReplaceIncident(ctx, step.id, report(step.body), later)
		if err != nil || replaced.Body != step.body {
			t.Fatalf("replaced %+v, %v", replaced, err)
		}
		expect("after a replacement", step.want...)
		got, err := w.store.LegacyIncident(ctx, step.id)
		if d := cmp.Diff(replaced, got); d != "" || err != nil {
			t.Errorf("read (-replaced +read), %v:\n%s", err, d)
		}
	}
	if _, err := w.store.UpdateIncident(ctx, 2, statuspage.IncidentPatch{Title: opt.Value("v4")}, later, nil); err != nil {
		t.Error(err)
	}
	if p, err := w.store.ProgressIncident(ctx, 2, statuspage.LegacyProgress{Identified: new(true)}, later, nil); err != nil || p.Body != "newer" || p.Title != "v4" {
		t.Errorf("%+v, %v", p, err)
	}
	found, err := w.store.SearchIncidents(ctx, statuspage.LegacyQuery{To: now, Limit: 10})
	if err != nil || len(found) != 2 || found[0].Body != "newer" || found[1].Body != "" {
		t.Errorf("found %+v, %v", found, err)
	}
	if err := w.store.DeleteIncident(ctx, 2, later, nil); err != nil {
		t.Error(err)
	}
	expect("after the deletion")
	for _, op := range []func() error{
		func() error { _, err := w.store.LegacyIncident(ctx, 2); return err },
		func() error { _, err := w.store.ReplaceIncident(ctx, 2, report("x"), later); return err },
		func() error {
			_, err := w.store.ProgressIncident(ctx, 2, statuspage.LegacyProgress{}, later, nil)
			return err
		},
		func() error { _, err := w.store.AddNote(ctx, 2, "x", later, nil); return err },
		func() error { return w.store.Notes(ctx, 2, func(statuspage.Comment) bool { return true }) },
	} {
		if err := op(); !errors.Is(err, statuspage.IncidentNotFound[int64](2)) {
			t.Errorf("of a deleted incident: %v", err)
		}
	}
	// A crash between the two parts of a deletion leaves the body to the cleanup.
	if _, err := w.store.ReplaceIncident(ctx, 1, report("left"), later); err != nil {
		t.Error(err)
	}
	dying, die := context.WithCancel(ctx)
	client := &dynamotest.Client{Inject: dynamotest.Before(dynamotest.Deletes("BODY"), die)}
	if err := w.tb.Store(client).DeleteIncident(dying, 1, later, nil); err != nil {
		t.Error(err)
	}
	expect("after a crash", "INCIDENT#1 left")
	if _, err := w.store.Cleanup(ctx, later); err != nil {
		t.Error(err)
	}
	expect("after the cleanup")
	checkFinished(t, w.tb)
}

// TestV4ChangesOfALegacyIncident shows that every v4 write answers with what it stores
// of the fields that only the legacy API shows, whichever way it writes.
func TestV4ChangesOfALegacyIncident(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mode{})
	tag := w.monitor()
	all := statuspage.LegacyFields{NoStart: true, StartSeconds: 1, EndSeconds: 2, NoImpact: true, Identified: true, Maintenance: true}
	patches := []statuspage.IncidentPatch{
		titled("New"),
		{Start: opt.Value[int64](begin - minute)},
		{End: opt.Value[int64](begin + 2*minute)},
		{End: opt.Null[int64]()},
		{Monitors: opt.Value(links(statuspage.Degraded, tag))},
		{Monitors: opt.Value(links(statuspage.Degraded, tag)), Start: opt.Value[int64](begin), End: opt.Value[int64](begin)},
	}
	for range 2 * len(patches) {
		i := &w.incidents[w.incident(tag)-1]
		i.End, i.Legacy = new(int64(begin+minute)), all
	}
	w.load()
	ctx := context.Background()
	for n, p := range patches {
		for k, expected := range []statuspage.Precondition{nil, unchanged} {
			id := int64(2*n + k + 1)
			answered, err := w.store.UpdateIncident(ctx, id, p, later, expected)
			if err != nil {
				t.Fatal(err)
			}
			stored, err := w.store.Incident(ctx, id)
			if d := cmp.Diff(answered, stored); d != "" || err != nil {
				t.Errorf("patch %d (-answered +stored), %v:\n%s", n, err, d)
			}
			if d := cmp.Diff(all.Patched(p), stored.Legacy); d != "" {
				t.Errorf("patch %d (-want +got):\n%s", n, d)
			}
		}
	}
	checkFinished(t, w.tb)
}
