package dynamo_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/dynamo"
	"tocsin/internal/dynamo/dump"
	"tocsin/internal/dynamotest"
	"tocsin/internal/opt"
	"tocsin/internal/statuspage"
)

// killed runs f with a store whose process dies before its n-th call: that call and
// all later ones are lost and the context ends. It returns how many calls f made.
func killed(tb *dynamotest.Table, n int, f func(context.Context, *dynamo.Store)) (calls int) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var count atomic.Int64
	client := &dynamotest.Client{Inject: func(string, []byte) dynamotest.Fault {
		if count.Add(1) < int64(n) {
			return dynamotest.None
		}
		cancel()
		return dynamotest.LostCall
	}}
	f(ctx, tb.Store(client))
	return int(count.Load())
}

// cutOff is killed for a process that lives on without its connection.
func cutOff(tb *dynamotest.Table, n int, f func(context.Context, *dynamo.Store)) (calls int) {
	var count atomic.Int64
	client := &dynamotest.Client{Inject: func(string, []byte) dynamotest.Fault {
		if count.Add(1) < int64(n) {
			return dynamotest.None
		}
		return dynamotest.LostCall
	}}
	f(context.Background(), tb.Store(client))
	return int(count.Load())
}

var interruptions = []struct {
	name string
	run  func(tb *dynamotest.Table, n int, f func(context.Context, *dynamo.Store)) int
}{
	{"killed", killed},
	{"cut off", cutOff},
}

const commentsOfLarge = 60

// largeIncident writes incident 1 on monitor 1, with 60 comments.
func largeIncident(t *testing.T, s *dynamo.Store) {
	t.Helper()
	m := newMonitor("a")
	m.ID, m.Created, m.Updated, m.Version = 1, now, now, 1
	i := statuspage.Incident{
		ID: 1, Title: "Outage", Start: begin, State: statuspage.Identified, Type: statuspage.TypeIncident, Source: statuspage.SourceAPI,
		Created: now, Updated: now, Version: 1 + commentsOfLarge,
		Monitors: []statuspage.AffectedMonitor{{Tag: "a", MonitorID: 1, Impact: statuspage.Down}},
	}
	var comments []statuspage.Comment
	for id := range int64(commentsOfLarge) {
		comments = append(comments, statuspage.Comment{
			ID: id + 1, IncidentID: 1, Text: "News", Time: begin + id*minute, State: statuspage.Identified, Created: now, Updated: now, Version: 1,
		})
	}
	if err := dump.New(s).Load(context.Background(), slices.Values([]statuspage.Incident{i}), comments, []statuspage.Monitor{m}); err != nil {
		t.Fatal(err)
	}
}

// visible reports whether incident 1 is there, and fails the test when some reads
// show it, or a part of it, and others do not.
func visible(t *testing.T, s *dynamo.Store) bool {
	t.Helper()
	ctx := context.Background()
	_, err := s.Incident(ctx, 1)
	there := err == nil
	wantErr := error(nil)
	want := map[string]int{"list": 1, "open": 1, "tag": 1, "comments": commentsOfLarge, "comment": 1}
	if !there {
		wantErr, want = statuspage.IncidentNotFound[int64](1), map[string]int{}
	}
	if !errors.Is(err, wantErr) {
		t.Errorf("GET incident: %v", err)
	}
	got := map[string]int{}
	for name, q := range map[string]statuspage.IncidentQuery{
		"list": {}, "open": {Open: new(true)}, "tag": {Tags: []string{"a"}},
	} {
		q.To, q.Limit = statuspage.MaxTimestamp, 10
		if _, err := s.Incidents(ctx, q, func(statuspage.Incident) bool { got[name]++; return true }); err != nil {
			t.Error(err)
		}
	}
	_, err = s.Comments(ctx, 1, statuspage.CommentQuery{Limit: 1000}, func(statuspage.Comment) bool { got["comments"]++; return true })
	if !errors.Is(err, wantErr) {
		t.Errorf("list comments: %v", err)
	}
	switch _, err = s.Comment(ctx, 1, 30); {
	case err == nil:
		got["comment"]++
	case !errors.Is(err, wantErr):
		t.Errorf("GET comment: %v", err)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("reads show %v, want %v", got, want)
	}
	return there
}

// writesRefused asks that nothing can be done to incident 1, which is deleted.
func writesRefused(t *testing.T, s *dynamo.Store) {
	t.Helper()
	ctx := context.Background()
	want := statuspage.IncidentNotFound[int64](1)
	for _, o := range []struct {
		name string
		op   op
	}{
		{"PATCH incident", patchIncident(1, titled("New"))},
		{"PATCH start", patchIncident(1, statuspage.IncidentPatch{Start: startOf(begin)})},
		{"DELETE incident", deleteIncident(1)},
		{"POST comment", postComment(1, statuspage.Monitoring, begin)},
		{"PATCH comment", patchComment(1, 30, statuspage.CommentPatch{Text: textOf("Other")})},
		{"DELETE comment", func(ctx context.Context, s *dynamo.Store) error { return s.DeleteComment(ctx, 1, 30, later) }},
	} {
		if err := o.op(ctx, s); !errors.Is(err, want) {
			t.Errorf("%s of a deleted incident: %v", o.name, err)
		}
	}
}

// TestDeleteIncidentInterrupted stops the deletion before each of its calls.
func TestDeleteIncidentInterrupted(t *testing.T) {
	for _, how := range interruptions {
		t.Run(how.name, func(t *testing.T) {
			t.Parallel()
			tb := dynamotest.NewTable(t)
			s := tb.Store(nil)
			took := map[bool]int{}
			for n := 1; ; n++ {
				largeIncident(t, s)
				var err error
				calls := how.run(tb, n, func(ctx context.Context, s *dynamo.Store) { err = s.DeleteIncident(ctx, 1, later, nil) })
				there := visible(t, s)
				if there != (err != nil) {
					t.Errorf("stopped before call %d: the incident is there: %t, answer %v", n, there, err)
				}
				took[!there]++
				checkTable(t, tb)
				if there {
					if err := s.DeleteIncident(context.Background(), 1, later, nil); err != nil {
						t.Error(err)
					}
				} else {
					writesRefused(t, s)
					cleanUp(t, s)
				}
				nothingLeft(t, tb)
				if calls < n {
					break
				}
			}
			// Query, transaction, three batches of 60 comments, CLEANUP row; then once undisturbed.
			if took[false] != 2 || took[true] != 5 {
				t.Errorf("stopped before it took effect %d times and after it %d times, want 2 and 5", took[false], took[true])
			}
		})
	}
}

// TestPatchCommentWhileDeleted deletes the incident, but not yet its comments,
// after the comment was read and before it is written.
func TestPatchCommentWhileDeleted(t *testing.T) {
	t.Parallel()
	tb := dynamotest.NewTable(t)
	s := tb.Store(nil)
	largeIncident(t, s)
	client := &dynamotest.Client{Inject: dynamotest.Before(dynamotest.Writes("COMMENT#"), func() {
		killed(tb, 3, func(ctx context.Context, s *dynamo.Store) {
			if err := s.DeleteIncident(ctx, 1, later, nil); err != nil {
				t.Error(err)
			}
		})
	})}
	err := patchComment(1, 30, statuspage.CommentPatch{Text: textOf("Other")})(context.Background(), tb.Store(client))
	if !errors.Is(err, statuspage.IncidentNotFound[int64](1)) {
		t.Errorf("PATCH comment: %v", err)
	}
	cleanUp(t, s)
	nothingLeft(t, tb)
}

func cleanUp(t *testing.T, s *dynamo.Store) (finished int) {
	t.Helper()
	finished, err := s.Cleanup(context.Background(), later)
	if err != nil {
		t.Errorf("cleanup: %v", err)
	}
	return finished
}

// nothingLeft asks that of incident 1 nothing is in the table.
func nothingLeft(t *testing.T, tb *dynamotest.Table) {
	t.Helper()
	if c := checkFinished(t, tb); len(c.Incidents)+len(c.Comments)+len(c.Rows) > 0 {
		t.Errorf("%d incidents, comments of %d, rows of %d monitors are left", len(c.Incidents), len(c.Comments), len(c.Rows))
	}
}

// TestCleanupInterrupted stops the cleanup before each of its calls, and runs two
// at once.
func TestCleanupInterrupted(t *testing.T) {
	t.Parallel()
	tb := dynamotest.NewTable(t)
	s := tb.Store(nil)
	half := func() {
		largeIncident(t, s)
		killed(tb, 4, func(ctx context.Context, s *dynamo.Store) {
			if err := s.DeleteIncident(ctx, 1, later, nil); err != nil {
				t.Error(err)
			}
		})
	}
	for n := 1; ; n++ {
		half()
		var err error
		calls := killed(tb, n, func(ctx context.Context, s *dynamo.Store) { _, err = s.Cleanup(ctx, later) })
		if visible(t, s) {
			t.Errorf("the incident is back after a cleanup that was stopped before call %d", n)
		}
		checkTable(t, tb)
		if calls < n {
			break
		}
		if err == nil {
			t.Errorf("a cleanup that was stopped before call %d says it is done", n)
		}
		cleanUp(t, s)
		nothingLeft(t, tb)
	}
	nothingLeft(t, tb)
	for range 10 {
		half()
		forAll(4, 4, func(int) { cleanUp(t, s) })
		nothingLeft(t, tb)
	}
	if n := cleanUp(t, s); n != 0 {
		t.Errorf("a cleanup with nothing to do finished %d deletions", n)
	}
}

// TestCleanupFinishesAll leaves many deletions to one cleanup.
func TestCleanupFinishesAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mode{})
	const many = 120 // more than a page of CLEANUP rows
	for range many {
		w.comment(w.incident(w.monitor()))
	}
	w.load()
	forAll(many, atOnce, func(n int) {
		killed(w.tb, 3, func(ctx context.Context, s *dynamo.Store) {
			if err := s.DeleteIncident(ctx, int64(n)+1, later, nil); err != nil {
				t.Error(err)
			}
		})
	})
	if n := cleanUp(t, w.store); n != many {
		t.Errorf("the cleanup finished %d deletions, want %d", n, many)
	}
	nothingLeft(t, w.tb)
}

const incidentsOfLarge = 40

// largeMonitor writes monitor id with the tag a, linked to 40 incidents that are on
// monitor 1 too, with other rows beside.
func largeMonitor(t *testing.T, s *dynamo.Store, id int64) {
	t.Helper()
	a, b := newMonitor("a"), newMonitor("b")
	a.ID, a.Created, a.Updated, a.Version = id, now, now, 1
	b.ID, b.Created, b.Updated, b.Version = 1, now, now, 1
	var incidents []statuspage.Incident
	for n := range int64(incidentsOfLarge) {
		incidents = append(incidents, statuspage.Incident{
			ID: n + 1, Title: "Outage", Start: begin + n*minute, State: statuspage.Identified, Type: statuspage.TypeIncident, Source: statuspage.SourceAPI,
			Created: now, Updated: now, Version: 1,
			Monitors: []statuspage.AffectedMonitor{{Tag: "b", MonitorID: 1, Impact: statuspage.Up}, {Tag: "a", MonitorID: id, Impact: statuspage.Down}},
		})
	}
	if err := dump.New(s).Load(context.Background(), slices.Values(incidents), nil, []statuspage.Monitor{a, b}); err != nil {
		t.Fatal(err)
	}
	for hour := range 3 {
		if err := s.LoadRow(context.Background(), id, fmt.Sprintf("HOUR#2026-11-22T%02d", hour)); err != nil {
			t.Fatal(err)
		}
	}
}

// monitorGone asks that nothing shows the monitor with the tag a, which is deleted.
func monitorGone(t *testing.T, s *dynamo.Store) {
	t.Helper()
	if _, err := s.Monitor(context.Background(), "a"); !errors.Is(err, statuspage.MonitorNotFound("a")) {
		t.Errorf("GET monitor: %v", err)
	}
	if got := listed(t, s, statuspage.IncidentQuery{Tags: []string{"a"}}); len(got) != 0 {
		t.Errorf("%d incidents of a deleted monitor", len(got))
	}
	_, err := s.CreateIncident(context.Background(), statuspage.NewIncident{Title: "Outage", Monitors: links(statuspage.Down, "a")}, later, nil)
	if !errors.Is(err, statuspage.UnknownMonitor("a")) {
		t.Errorf("POST incident on a deleted monitor: %v", err)
	}
}

// TestDeleteMonitorStepByStep looks at the table before every call of the deletion,
// which is as a crash there would leave it.
func TestDeleteMonitorStepByStep(t *testing.T) {
	t.Parallel()
	tb := dynamotest.NewTable(t)
	s := tb.Store(nil)
	largeMonitor(t, s, 2)
	calls := 0
	client := &dynamotest.Client{Inject: func(string, []byte) dynamotest.Fault {
		calls++
		if calls > 2 {
			monitorGone(t, s)
			checkTable(t, tb)
		} else if got := listed(t, s, statuspage.IncidentQuery{Tags: []string{"a"}}); len(got) != incidentsOfLarge {
			t.Errorf("before call %d: %d incidents of the monitor, want %d", calls, len(got), incidentsOfLarge)
		}
		return dynamotest.None
	}}
	if err := tb.Store(client).DeleteMonitor(context.Background(), "a", later); err != nil {
		t.Fatal(err)
	}
	checkFinished(t, tb)
}

// TestDeleteMonitorInterrupted stops the deletion before its calls, but for some of
// the many alike ones, and lets the cleanup do the rest. Meanwhile the tag is used
// again: the new monitor must inherit nothing.
func TestDeleteMonitorInterrupted(t *testing.T) {
	t.Parallel()
	tb := dynamotest.NewTable(t)
	s := tb.Store(nil)
	largeMonitor(t, s, 2)
	deletion := func(ctx context.Context, s *dynamo.Store) error { return s.DeleteMonitor(ctx, "a", later) }
	all := killed(tb, math.MaxInt, func(ctx context.Context, s *dynamo.Store) {
		if err := deletion(ctx, s); err != nil {
			t.Fatal(err)
		}
	})
	for n := 1; n <= all; n++ {
		if n > 8 && n < all-4 && n%13 != 0 {
			continue
		}
		id := int64(2*n + 2)
		largeMonitor(t, s, id)
		var err error
		killed(tb, n, func(ctx context.Context, s *dynamo.Store) { err = deletion(ctx, s) })
		if n <= 2 {
			if err == nil {
				t.Errorf("stopped before call %d: a success", n)
			}
			if err := deletion(context.Background(), s); err != nil {
				t.Error(err)
			}
		} else {
			if err != nil {
				t.Errorf("stopped before call %d, when the deletion stood: %v", n, err)
			}
			monitorGone(t, s)
			m, err := s.CreateMonitor(context.Background(), newMonitor("a"), later, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := listed(t, s, statuspage.IncidentQuery{Tags: []string{"a"}}); len(got) != 0 {
				t.Errorf("monitor %d inherited %d incidents from monitor %d", m.ID, len(got), id)
			}
			forAll(1+n%2, 2, func(int) { cleanUp(t, s) })
		}
		c := checkFinished(t, tb)
		if len(c.Rows[id])+len(c.Other[id]) > 0 || len(c.Incidents) != incidentsOfLarge || len(c.Rows[1]) != incidentsOfLarge {
			t.Errorf("left: %d and %d rows of the monitor, %d incidents, %d rows of the other monitor",
				len(c.Rows[id]), len(c.Other[id]), len(c.Incidents), len(c.Rows[1]))
		}
	}
}

// TestSweptByAnEarlierClock has a monitor that is deleted during a run of the closer, whose
// clock is older: its rows are looked for again six minutes after the deletion, not after
// the beginning of that run.
func TestSweptByAnEarlierClock(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mode{})
	tag := w.monitor()
	w.load()
	cutOff(w.tb, 3, func(ctx context.Context, s *dynamo.Store) { // after the deletion itself
		if err := s.DeleteMonitor(ctx, tag, now); err != nil {
			t.Fatal(err)
		}
	})
	for _, tt := range []struct {
		at   int64
		left int // rows under CLEANUP
	}{{now - 100, 1}, {now + 6*minute - 1, 1}, {now + 6*minute, 0}} {
		if _, err := w.store.Cleanup(t.Context(), tt.at); err != nil {
			t.Error(err)
		}
		if got := len(w.tb.Contents(t).Cleanups); got != tt.left {
			t.Errorf("%d rows under CLEANUP after %d seconds, want %d", got, tt.at-now, tt.left)
		}
	}
	checkFinished(t, w.tb)
}

// TestUnlinkAgain has two sweeps of one deleted monitor. When the second is about to remove
// the row of an incident that the first has unlinked, a PATCH that has seen the monitor
// links it anew: the incident must not name it for ever.
func TestUnlinkAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mode{})
	tag := w.monitor()
	incident := w.incident(tag)
	w.load()
	seen, goOn, patched := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	patching := w.tb.Store(&dynamotest.Client{Inject: dynamotest.Before(dynamotest.Writes("INCIDENT#"), func() {
		close(seen)
		<-goOn
	})})
	go func() {
		_, err := patching.UpdateIncident(context.Background(), incident, statuspage.IncidentPatch{Monitors: opt.Value(links(statuspage.Down, tag))}, now, nil)
		patched <- err
	}()
	<-seen
	swept := false
	var second, third sync.Once
	readsIncident := dynamotest.Reads("INCIDENT#")
	deleting := w.tb.Store(&dynamotest.Client{Inject: func(operation string, body []byte) dynamotest.Fault {
		switch {
		case readsIncident(operation, body):
			second.Do(func() {
				if _, err := w.store.Cleanup(context.Background(), now); err != nil {
					t.Error(err)
				}
				swept = true
			})
		case swept:
			third.Do(func() {
				close(goOn)
				if err := <-patched; err != nil {
					t.Error(err)
				}
			})
		}
		return dynamotest.None
	}})
	if err := deleting.DeleteMonitor(t.Context(), tag, now); err != nil {
		t.Fatal(err)
	}
	checkFinished(t, w.tb)
	if i, err := w.store.Incident(t.Context(), incident); err != nil || len(i.Monitors) != 0 {
		t.Errorf("%+v, %v", i, err)
	}
}

// TestDeleteMonitorWithManyRows leaves to the cleanup what is too much for one
// request.
func TestDeleteMonitorWithManyRows(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mode{})
	a, b := w.monitor(), w.monitor()
	const many = 320
	for range many {
		w.incident(a, b)
	}
	w.load()
	if err := w.store.DeleteMonitor(context.Background(), a, later); err != nil {
		t.Fatal(err)
	}
	c := checkTable(t, w.tb)
	if left := len(c.Rows[1]); left == 0 || left == many || !c.Cleaning("MONITOR", 1) {
		t.Errorf("%d rows are left to the cleanup", left)
	}
	cleanUp(t, w.store)
	if c := checkFinished(t, w.tb); len(c.Rows[1]) != 0 || len(c.Rows[2]) != many {
		t.Errorf("%d and %d rows are left", len(c.Rows[1]), len(c.Rows[2]))
	}
	for _, i := range listed(t, w.store, statuspage.IncidentQuery{Tags: []string{b}}) {
		if len(i.Monitors) != 1 || i.Monitors[0].Tag != b || i.Updated != now || i.Version != 2 {
			t.Fatalf("incident %+v", i)
		}
	}
}

// TestOrphans has incidents lose their last monitor and says whether public pages may go on to
// show them. Those of the hidden one are so many that the cleanup does the rest.
func TestOrphans(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		incidents int
		patch     statuspage.MonitorPatch
		want      statuspage.Orphan
	}{
		{"shown", 1, statuspage.MonitorPatch{}, statuspage.OrphanOfPublic},
		{"hidden", 210, statuspage.MonitorPatch{Hidden: opt.Value(statuspage.Yes)}, statuspage.OrphanOfPrivate},
		{"retired", 1, statuspage.MonitorPatch{Status: opt.Value(statuspage.MonitorInactive)}, statuspage.OrphanOfPrivate},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, mode{})
			tag, other := w.monitor(), w.monitor()
			for range tt.incidents {
				w.incident(tag)
			}
			kept := w.incident(tag, other)
			w.load()
			if _, err := w.store.UpdateMonitor(t.Context(), tag, tt.patch, now); err != nil {
				t.Fatal(err)
			}
			if err := w.store.DeleteMonitor(t.Context(), tag, later); err != nil {
				t.Fatal(err)
			}
			if left := len(checkTable(t, w.tb).Rows[1]); left > 0 != (tt.incidents > 200) {
				t.Fatalf("%d rows are left to the cleanup", left)
			}
			cleanUp(t, w.store)
			lost := 0
			for _, i := range listed(t, w.store, statuspage.IncidentQuery{}) {
				switch {
				case i.ID == kept && i.Orphan != "":
					t.Errorf("an incident with a monitor: %+v", i)
				case i.ID != kept && i.Orphan != tt.want:
					t.Fatalf("%+v", i)
				case i.ID != kept:
					lost++
				}
			}
			if lost != tt.incidents {
				t.Errorf("%d incidents, want %d", lost, tt.incidents)
			}
		})
	}
}

// TestCleanupUnknownKind shows that a CLEANUP row of a later version is an error,
// is not taken for done, and does not keep other deletions from being finished.
func TestCleanupUnknownKind(t *testing.T) {
	t.Parallel()
	tb := dynamotest.NewTable(t)
	unknown := map[string]string{"pk": "CLEANUP", "sk": "ALERT#0000000000000001"}
	putItem(t, tb, unknown)
	putItem(t, tb, map[string]string{"pk": "CLEANUP", "sk": "INCIDENT#0000000000000007"})
	putItem(t, tb, map[string]string{"pk": "INCIDENT#7", "sk": "COMMENT#0000000000000001"})
	finished, err := tb.Store(nil).Cleanup(context.Background(), now)
	if finished != 1 || err == nil || !strings.Contains(err.Error(), "ALERT") {
		t.Errorf("finished %d, error %v", finished, err)
	}
	if d := cmp.Diff([]map[string]string{unknown}, tb.Items(t)); d != "" {
		t.Errorf("items left (-want +got):\n%s", d)
	}
}
