package dynamo_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"tocsin/internal/dynamo"
	"tocsin/internal/dynamotest"
	"tocsin/internal/jobs/signals"
	"tocsin/internal/statuspage"
)

// made makes the integration prometheus with the options, with the id 2.
func made(t testing.TB, s *dynamo.Store, options string) statuspage.Integration {
	t.Helper()
	n := statuspage.NewIntegration{Name: "Prometheus", Kind: statuspage.KindGeneric, Options: statuspage.JSONObject(options), Active: true}
	i, err := s.CreateIntegration(context.Background(), n, statuspage.NewIntegrationToken(), now, nil)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// TestSignalsInTime has what time alone does, at each second of a run of the job.
func TestSignalsInTime(t *testing.T) {
	t.Parallel()
	fires := told{action: firing, key: "k", at: 1, arrives: 1}
	for _, tt := range []struct {
		name, options string
		runs          []int64 // seconds after now
		sums          []signals.Summary
		want          string
	}{
		{"nothing", ``, []int64{1000}, []signals.Summary{{}}, "alert triggered x1 of 1; 1 investigating a=down +Opened automatically"},
		{"it lasts", `{"open_after_seconds":60}`, []int64{60, 61, 62}, []signals.Summary{{}, {Due: 1, Opened: 1}, {}}, "alert triggered x1 of 1; 1 investigating a=down +Opened automatically"},
		{"the tool is silent", `{"stale_after_seconds":60}`, []int64{60, 61, 1000}, []signals.Summary{{}, {Due: 1, Silent: 1}, {}},
			"alert triggered x1 of 1; 1 investigating a=down +Opened automatically +The integration"},
		{"it never says that it is over", `{"auto_resolve_hours":1}`, []int64{3600, 3601, 9999}, []signals.Summary{{}, {Due: 1, Resolved: 1}, {}},
			"alert resolved x1 of 1; 1 resolved a=down +Opened automatically +Resolved automatically:"},
		{"all of it", `{"open_after_seconds":60,"stale_after_seconds":120,"auto_resolve_hours":1}`, []int64{61, 121, 3601}, []signals.Summary{{Due: 1, Opened: 1}, {Due: 1, Silent: 1}, {Due: 1, Resolved: 1}},
			"alert resolved x1 of 1; 1 resolved a=down +Opened automatically +The integration +Resolved automatically:"},
		{"by monitor", `{"open_after_seconds":60,"group_by":"monitor"}`, []int64{61, 62}, []signals.Summary{{Due: 1, Opened: 1}, {}}, "alert triggered x1 of 1; 1 investigating a=down +Opened automatically"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tb, s := newPoints(t, "a")
			i := made(t, s, tt.options)
			send(t, s, i, 1, fires)
			for n, at := range tt.runs {
				sum, err := signals.Run(t.Context(), s, now+at)
				if sum != tt.sums[n] || err != nil {
					t.Errorf("at %d: %+v, %v; want %+v", at, sum, err, tt.sums[n])
				}
				checkTable(t, tb)
			}
			if got := outline(t, s); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			checkFinished(t, tb)
		})
	}
}

// TestPeopleAndSignals has what people do to the incident of an alarm that is on, and what becomes of
// it when the alarm is over.
func TestPeopleAndSignals(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	comment := func(state statuspage.State) func(*dynamo.Store) error {
		return func(s *dynamo.Store) error {
			_, err := s.CreateComment(ctx, 1, statuspage.NewComment{Text: "We look.", Time: statuspage.FloorMinute(now), State: state}, now+5, nil)
			return err
		}
	}
	for _, tt := range []struct {
		name, options string
		does          func(*dynamo.Store) error
		want          string
	}{
		{"writes", ``, comment(statuspage.Identified), "alert resolved x2 of 1; 1 monitoring a=down +Opened automatically +We look. +The alarm"},
		{"resolves", ``, comment(statuspage.Resolved), "alert resolved x2 of 1; 1 resolved a=down +Opened automatically +We look."},
		{"deletes it", ``, func(s *dynamo.Store) error { return s.DeleteIncident(ctx, 1, now+5, nil) }, "alert resolved x2"},
		{"deletes it by monitor", `{"group_by":"monitor"}`, func(s *dynamo.Store) error { return s.DeleteIncident(ctx, 1, now+5, nil) }, "alert resolved x2"},
		{"deletes the monitor", ``, func(s *dynamo.Store) error { return s.DeleteMonitor(ctx, "a", now+5) }, "alert resolved x2 of 1; 1 resolved +Opened automatically +Resolved automatically"},
		{"deletes the monitor by monitor", `{"group_by":"monitor"}`, func(s *dynamo.Store) error { return s.DeleteMonitor(ctx, "a", now+5) },
			"alert resolved x2 of 1; 1 resolved +Opened automatically +Resolved automatically"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tb, s := newPoints(t, "a")
			i := made(t, s, tt.options)
			send(t, s, i, 1, told{action: firing, key: "k", at: 1})
			if err := tt.does(s); err != nil {
				t.Fatal(err)
			}
			checkTable(t, tb)
			send(t, s, i, 6, told{action: firing, key: "k", at: 6})
			send(t, s, i, 7, told{action: resolved, key: "k", at: 7})
			if got := outline(t, s); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			checkFinished(t, tb)
		})
	}
}

// TestDeletedIntegration deletes one whose alarms are on: the alerts end, the incidents stay.
func TestDeletedIntegration(t *testing.T) {
	t.Parallel()
	for _, options := range []string{`{}`, `{"group_by":"monitor"}`} {
		tb, s := newPoints(t, "a")
		i := made(t, s, options)
		send(t, s, i, 1, told{action: firing, key: "k", at: 1}, told{action: firing, key: "l", at: 1})
		if err := s.DeleteIntegration(t.Context(), i.ID, now+2, nil); err != nil {
			t.Fatal(err)
		}
		for _, at := range []int64{now + 2, longAfter} {
			if _, err := s.Cleanup(t.Context(), at); err != nil {
				t.Fatal(err)
			}
		}
		checkFinished(t, tb)
		for _, a := range alertsOf(t, s, statuspage.AlertQuery{}) {
			if a.State != statuspage.AlertResolved {
				t.Errorf("%s: alert %+v", options, a)
			}
		}
		for _, i := range listed(t, s, statuspage.IncidentQuery{}) {
			if i.Closed != nil {
				t.Errorf("%s: incident %+v", options, i)
			}
		}
	}
}

// TestSendersAtOnce lets eight senders tell of one problem at once, then of its end, with conflicts
// and with answers that are lost: there is one incident, with one opening and one closing.
func TestSendersAtOnce(t *testing.T) {
	for _, m := range modes {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			random := seed(t)
			for n, options := range []string{`{}`, `{"group_by":"monitor"}`, `{"open_after_seconds":60}`} {
				w := newWorld(t, m)
				tag := w.monitor()
				w.load()
				i := prometheus(options)
				all := func(x told) {
					x.with = func(s *statuspage.Signal) { s.Monitors = []string{tag} }
					var wg sync.WaitGroup
					for k := range uint64(8) {
						s := w.faulty(random + uint64(n)<<8 + k)
						wg.Go(func() {
							ctx, cancel := background()
							defer cancel()
							if _, err := s.TakeSignals(ctx, i, []statuspage.Signal{x.signal()}, now+x.arrives, nil); err != nil {
								t.Errorf("%s: %v", options, err)
							}
						})
					}
					wg.Wait()
				}
				all(told{action: firing, key: "k", at: 1, arrives: 1})
				all(told{action: resolved, key: "k", at: 9, arrives: 9})
				want := "alert resolved of 1; 1 resolved " + tag + "=down +Opened automatically +Resolved automatically"
				if strings.Contains(options, "after") {
					want = "alert resolved"
				}
				got := uncounted(outline(t, w.store))
				if alerts := alertsOf(t, w.store, statuspage.AlertQuery{}); len(alerts) != 1 || strings.Count(got, "+Opened") != strings.Count(want, "+Opened") || strings.Count(got, "+Resolved") != strings.Count(want, "+Resolved") {
					t.Errorf("%s\ngot  %s\nwant %s", options, got, want)
				}
				checkFinished(t, w.tb)
			}
		})
	}
}

// TestAnyOrder sends what a tool says of a problem in any order and any number of times: nothing is
// open in the end, there is at most one incident, and at most one opening and one closing of it.
func TestAnyOrder(t *testing.T) {
	dynamotest.Usually(t, "rapid.checks", 20)
	rapid.Check(t, func(rt *rapid.T) {
		tb := dynamotest.NewTable(scopedTB{t, rt})
		s := tb.Store(nil)
		if _, err := s.CreateMonitor(context.Background(), newMonitor("a"), now, nil); err != nil {
			rt.Fatal(err)
		}
		i := prometheus(rapid.SampledFrom([]string{`{}`, `{"group_by":"monitor"}`, `{"reopen_minutes":0}`}).Draw(rt, "options"))
		said := []told{{action: firing, key: "k", at: 10}, {action: firing, key: "k", at: 20}, {action: resolved, key: "k", at: 30}}
		order := rapid.Permutation([]int{0, 1, 2, 0, 1, 2}).Draw(rt, "order")
		order = append(order, rapid.SliceOfN(rapid.IntRange(0, 2), 0, 3).Draw(rt, "more")...)
		for n, k := range order {
			send(scopedTB{t, rt}, s, i, int64(40+n), said[k])
		}
		got := outline(t, s)
		if strings.Contains(got, "triggered") || strings.Contains(got, "investigating") || strings.Count(got, "+Opened") > 1 || strings.Count(got, "+Resolved") != strings.Count(got, "+Opened") {
			rt.Errorf("%v: %s", order, got)
		}
		for _, p := range tb.Contents(t).Check() {
			rt.Error(p)
		}
	})
}

// scopedTB is a test whose cleanup is a check's.
type scopedTB struct {
	testing.TB
	t *rapid.T
}

func (s scopedTB) Cleanup(f func()) { s.t.Cleanup(f) }

// TestManySignals takes 60 problems of one delivery: each its own incident, or all the same one.
func TestManySignals(t *testing.T) {
	t.Parallel()
	for options, want := range map[string]int{`{}`: 60, `{"group_by":"monitor"}`: 1} {
		tb, s := newPoints(t, "a")
		var all []told
		for n := range 60 {
			all = append(all, told{action: firing, key: fmt.Sprint("k", n), at: 1})
		}
		if got := send(t, s, prometheus(options), 2, all...); got.Opened != len(all) {
			t.Errorf("%s: %+v", options, got)
		}
		if got := len(listed(t, s, statuspage.IncidentQuery{})); got != want {
			t.Errorf("%s: %d incidents, want %d", options, got, want)
		}
		checkTable(t, tb)
	}
}

// TestStartAndEndTogether has a problem that begins and ends in one delivery, without times, whose end
// names no monitor.
func TestStartAndEndTogether(t *testing.T) {
	t.Parallel()
	for _, options := range []string{`{}`, `{"group_by":"monitor"}`} {
		tb, s := newPoints(t, "a")
		var all []told
		for n := range 10 {
			key := fmt.Sprint("k", n)
			all = append(all, told{action: firing, key: key}, told{action: resolved, key: key, with: func(s *statuspage.Signal) { s.Monitors = nil }})
		}
		want := statuspage.Taken{Received: 20, Opened: 10, Resolved: 10}
		if got := send(t, s, prometheus(options), 2, all...); got != want {
			t.Errorf("%s: %+v, want %+v", options, got, want)
		}
		checkFinished(t, tb)
	}
}

// TestPreview compares what signals would do with what they do.
func TestPreview(t *testing.T) {
	t.Parallel()
	tb, s := newPoints(t, "a")
	i := prometheus(`{}`)
	plan := func(want string, x ...told) {
		t.Helper()
		var all []statuspage.Signal
		for _, x := range x {
			all = append(all, x.signal())
		}
		before := len(tb.Scan(t))
		plans, err := s.PreviewSignals(t.Context(), i, all, now+100)
		if err != nil {
			t.Fatal(err)
		}
		var does []string
		for _, p := range plans {
			does = append(does, string(p.Does))
		}
		if got := strings.Join(does, " "); got != want || len(tb.Scan(t)) != before {
			t.Errorf("%s, want %s", got, want)
		}
	}
	fires, ends, again := told{action: firing, key: "k", at: 1}, told{action: resolved, key: "k", at: 2}, told{action: firing, key: "k", at: 3}
	plan("open repeat resolve nothing", fires, again, told{action: resolved, key: "k", at: 4}, ends)
	send(t, s, i, 1, fires)
	plan("repeat", again)
	send(t, s, i, 2, ends)
	plan("nothing reopen acknowledge", fires, again, told{action: acknowledged, key: "k", at: 3})
}

// TestCallsOfSignals counts the calls of DynamoDB: a repetition is one. An alert opens and ends in
// three that wait for one another: the mark; ids, monitors and incident at once; the transaction.
func TestCallsOfSignals(t *testing.T) {
	t.Parallel()
	tb, s := newPoints(t, "a")
	i := prometheus(`{}`)
	calls := 0
	var mu sync.Mutex
	counted := tb.Store(&dynamotest.Client{Inject: func(string, []byte) dynamotest.Fault {
		mu.Lock()
		defer mu.Unlock()
		calls++
		return dynamotest.None
	}})
	for n, tt := range []struct {
		told
		want int
	}{
		{told{action: firing, key: "k", at: 1}, 1 + 4 + 1},
		{told{action: firing, key: "k", at: 2}, 1},
		{told{action: resolved, key: "k", at: 3}, 1 + 2 + 1},
		{told{action: resolved, key: "k", at: 3}, 1},
		{told{action: firing, key: "k", at: 2}, 1},
	} {
		calls = 0
		send(t, counted, i, 10, tt.told)
		if calls != tt.want {
			t.Errorf("signal %d: %d calls, want %d", n, calls, tt.want)
		}
	}
	if got := outline(t, s); got != "alert resolved x2 of 1; 1 resolved a=down +Opened automatically +Resolved automatically" {
		t.Error(got)
	}
}
