package dynamo_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/dynamo"
	"tocsin/internal/statuspage"
)

// newHeartbeat makes an integration of the kind heartbeat whose job pings once an hour.
func newHeartbeat(t *testing.T, s *dynamo.Store, tag string) statuspage.Integration {
	t.Helper()
	i, err := s.CreateIntegration(t.Context(), statuspage.NewIntegration{
		Name: "Job of " + tag, Kind: statuspage.KindHeartbeat, Active: true,
		Options: statuspage.JSONObject(fmt.Sprintf(`{"heartbeat":{"monitor":%q,"period_seconds":3600,"grace_seconds":600}}`, tag)),
	}, statuspage.NewIntegrationToken(), now, nil)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// stateOf is what the table has of a heartbeat.
func stateOf(t *testing.T, s *dynamo.Store, id, at int64) statuspage.HeartbeatState {
	t.Helper()
	all, err := s.Heartbeats(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range all.Jobs {
		if j.Integration.ID == id {
			return j.State
		}
	}
	t.Fatalf("no integration %d in %+v", id, all)
	return statuspage.HeartbeatState{}
}

func idOf(t *testing.T, s *dynamo.Store, tag string) int64 {
	t.Helper()
	m, err := s.Monitor(t.Context(), tag)
	if err != nil {
		t.Fatal(err)
	}
	return m.ID
}

func upPoint(at int64, latency ...float64) statuspage.Point {
	p := statuspage.Point{Time: at, Status: statuspage.StatusUp, Source: statuspage.SourceProbe}
	if len(latency) > 0 {
		p.Latency = &latency[0]
	}
	return p
}

func downPoint(at int64) statuspage.Point {
	p := upPoint(at)
	p.Status = statuspage.StatusDown
	return p
}

// TestPings goes through the pings of a job: what is kept of each, and which point it sets.
func TestPings(t *testing.T) {
	t.Parallel()
	_, s := newPoints(t, "a")
	i := newHeartbeat(t, s, "a")
	start := statuspage.FloorMinute(now)
	if got := stateOf(t, s, i.ID, now); got != (statuspage.HeartbeatState{}) {
		t.Errorf("before the first ping: %+v", got)
	}
	for n, tt := range []struct {
		name  string
		ping  statuspage.Ping
		ms    int64 // after the start of a minute of its own
		state statuspage.HeartbeatState
		point *statuspage.Point
	}{
		{"log", statuspage.Ping{Kind: statuspage.PingLog}, 0, statuspage.HeartbeatState{}, nil},
		{"success", statuspage.Ping{Kind: statuspage.PingSuccess}, 5, statuspage.HeartbeatState{Succeeded: 5, Version: 1}, new(upPoint(0))},
		{"start", statuspage.Ping{Kind: statuspage.PingStart, Run: "x"}, 7, statuspage.HeartbeatState{Succeeded: 5 - minute*1000, Started: 7, Run: "x", Version: 2}, nil},
		{"its end", statuspage.Ping{Kind: statuspage.PingSuccess, Run: "x"}, 1007, statuspage.HeartbeatState{Succeeded: 1007, Version: 3}, new(upPoint(0, minute*1000+1000))},
		{"fail", statuspage.Ping{Kind: statuspage.PingFail}, 0, statuspage.HeartbeatState{Succeeded: 1007 - minute*1000, Failed: 0, Version: 4}, new(downPoint(0))},
		{"start after it", statuspage.Ping{Kind: statuspage.PingStart}, 0, statuspage.HeartbeatState{Succeeded: 1007 - 2*minute*1000, Failed: -minute * 1000, Started: 0, Version: 5}, nil},
		{"the job's own latency", statuspage.Ping{Kind: statuspage.PingSuccess, Latency: new(2.5)}, 0, statuspage.HeartbeatState{Succeeded: 0, Version: 6}, new(upPoint(0, 2.5))},
	} {
		at := start + int64(n)*minute
		tt.ping.At = at*1000 + tt.ms
		// Times in the table above are from the start of the ping's minute.
		shift := func(v *int64, set bool) {
			if set {
				*v += at * 1000
			}
		}
		shift(&tt.state.Succeeded, tt.name != "log")
		shift(&tt.state.Failed, tt.name == "fail" || tt.name == "start after it")
		shift(&tt.state.Started, strings.HasPrefix(tt.name, "start"))
		if err := s.Ping(t.Context(), i, tt.ping); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if got := stateOf(t, s, i.ID, at); got != tt.state {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.state)
		}
		var want []statuspage.Point
		if tt.point != nil {
			tt.point.Time = at
			want = append(want, *tt.point)
		}
		if d := cmp.Diff(want, pointsOf(t, s, at, at+minute, at)); d != "" {
			t.Errorf("%s: points (-want +got):\n%s", tt.name, d)
		}
	}

	t.Log("a ping that comes twice")
	last := stateOf(t, s, i.ID, now)
	for range 2 {
		if err := s.Ping(t.Context(), i, statuspage.Ping{Kind: statuspage.PingSuccess, At: last.Succeeded}); err != nil {
			t.Error(err)
		}
	}
	if got := stateOf(t, s, i.ID, now); got != last {
		t.Errorf("twice: %+v, want %+v", got, last)
	}

	t.Log("while it is not active only the state is kept")
	i.Active = false
	at := start + 20*minute
	if err := s.Ping(t.Context(), i, statuspage.Ping{Kind: statuspage.PingFail, At: at * 1000}); err != nil {
		t.Error(err)
	}
	if got := stateOf(t, s, i.ID, at); got.Failed != at*1000 || pointsOf(t, s, at, at+minute, at) != nil {
		t.Errorf("%+v, points %v", got, pointsOf(t, s, at, at+minute, at))
	}

	t.Log("a monitor that is not there")
	lost := newHeartbeat(t, s, "lost")
	if err := s.Ping(t.Context(), lost, statuspage.Ping{Kind: statuspage.PingSuccess, At: at * 1000}); !errors.Is(err, statuspage.MonitorNotFound("lost")) {
		t.Errorf("ping: %v", err)
	}
	if got := stateOf(t, s, lost.ID, at); got.Succeeded != at*1000 {
		t.Errorf("%+v", got)
	}

	t.Log("after 800 days nothing is known")
	if got := stateOf(t, s, lost.ID, at+800*day); got != (statuspage.HeartbeatState{}) {
		t.Errorf("%+v", got)
	}
	if err := s.Ping(t.Context(), lost, statuspage.Ping{Kind: statuspage.PingStart, At: (at + 801*day) * 1000}); err != nil {
		t.Errorf("ping: %v", err)
	}
	if got := stateOf(t, s, lost.ID, at+801*day); got != (statuspage.HeartbeatState{Started: (at + 801*day) * 1000, Version: 1}) {
		t.Errorf("%+v", got)
	}
}

// Of pings at once none is lost: each writer sees what the other one wrote.
func TestPingsAtOnce(t *testing.T) {
	t.Parallel()
	_, s := newPoints(t, "a")
	i := newHeartbeat(t, s, "a")
	const pings = 20
	var g sync.WaitGroup
	for n := range int64(pings) {
		g.Go(func() {
			kind := statuspage.PingSuccess
			if n == 7 {
				kind = statuspage.PingStart
			}
			if err := s.Ping(context.Background(), i, statuspage.Ping{Kind: kind, At: now*1000 + n, Run: fmt.Sprint("run", n)}); err != nil {
				t.Error(err)
			}
		})
	}
	g.Wait()
	want := statuspage.HeartbeatState{Succeeded: now*1000 + pings - 1, Started: now*1000 + 7, Run: "run7"}
	got := stateOf(t, s, i.ID, now)
	// A success that is older than another one which is there changes nothing, and writes nothing.
	if got.Version < 2 || got.Version > pings {
		t.Errorf("version %d after %d pings", got.Version, pings)
	}
	if got.Version = 0; got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// A minute that has a point keeps it, an INACTIVE monitor gets none, and alert rules are judged.
func TestFillPoints(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	_, s := newPoints(t, "a", "idle", "watched")
	setStatus(t, s, "idle", statuspage.MonitorInactive, now)
	newRule(t, s, downRule(2, "watched"))
	start := statuspage.FloorMinute(now)
	fill := func(at int64, point func(int64) statuspage.Point) {
		t.Helper()
		points := []statuspage.TaggedPoint{{Tag: "a", Point: point(at)}, {Tag: "nobody", Point: point(at)}, {Tag: "idle", Point: point(at)}, {Tag: "watched", Point: point(at)}}
		errs := s.FillPoints(ctx, points, at+1)
		if errs[0] != nil || !errors.Is(errs[1], statuspage.MonitorNotFound("nobody")) || errs[2] != nil || errs[3] != nil {
			t.Errorf("%v", errs)
		}
	}
	if err := s.RecordPoint(ctx, "a", upPoint(start, 7.5), now); err != nil {
		t.Fatal(err)
	}
	fill(start, downPoint)
	fill(start+minute, downPoint)
	fill(start+minute, func(at int64) statuspage.Point { return upPoint(at) })
	if d := cmp.Diff([]statuspage.Point{upPoint(start, 7.5), downPoint(start + minute)}, pointsOf(t, s, start, start+hour, now)); d != "" {
		t.Errorf("points (-want +got):\n%s", d)
	}
	if _, err := s.Point(ctx, "idle", start, now); !errors.Is(err, statuspage.PointNotFound("idle", start)) {
		t.Errorf("a point of an INACTIVE monitor: %v", err)
	}
	if open, err := s.AlertingRules(ctx, idOf(t, s, "watched")); err != nil || len(open) != 1 {
		t.Errorf("open alerts of the rules %v, %v", open, err)
	}
}

// A ping and the run of the same minute come at once, in any order: the ping's point stays.
func TestPingWhileFilled(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	_, s := newPoints(t, "a")
	i := newHeartbeat(t, s, "a")
	start := statuspage.FloorMinute(now)
	for n := range int64(20) {
		at := start + n*minute
		var g sync.WaitGroup
		g.Go(func() {
			if err := s.Ping(ctx, i, statuspage.Ping{Kind: statuspage.PingFail, At: at * 1000}); err != nil {
				t.Error(err)
			}
		})
		g.Go(func() {
			if errs := s.FillPoints(ctx, []statuspage.TaggedPoint{{Tag: "a", Point: upPoint(at)}}, at); errs[0] != nil {
				t.Error(errs[0])
			}
		})
		g.Wait()
		if d := cmp.Diff([]statuspage.Point{downPoint(at)}, pointsOf(t, s, at, at+minute, at)); d != "" {
			t.Errorf("minute %d (-want +got):\n%s", n, d)
		}
	}
}

// TestPingedMonitors goes through the pings of monitors by tag and secret.
func TestPingedMonitors(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	tb, s := newPoints(t, "plain")
	for tag, status := range map[string]string{"a": statuspage.MonitorActive, "idle": statuspage.MonitorInactive} {
		m := newMonitor(tag)
		m.Type, m.Status, m.TypeData = new("HEARTBEAT"), &status, `{"secretString":"s3cret"}`
		if _, err := s.CreateMonitor(ctx, m, now, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		tag, secret string
		want        error
	}{
		{"nobody", "s3cret", statuspage.ErrNoPingedMonitor},
		{"", "s3cret", statuspage.ErrNoPingedMonitor},
		{"NO TAG", "s3cret", statuspage.ErrNoPingedMonitor},
		{"plain", "", statuspage.ErrNoPingedMonitor},
		{"idle", "s3cret", statuspage.ErrNoPingedMonitor},
		{"a", "secret", statuspage.ErrPingSecret},
		{"a", "", statuspage.ErrPingSecret},
	} {
		if err := s.PingMonitor(ctx, tt.tag, tt.secret, now); !errors.Is(err, tt.want) {
			t.Errorf("ping of %q: %v, want %v", tt.tag, err, tt.want)
		}
	}
	start := statuspage.FloorMinute(now)
	if got := pointsOf(t, s, start, start+day, now); got != nil {
		t.Errorf("points after what was refused: %v", got)
	}

	for _, at := range []int64{now + 5, now, now + 5} { // of which the second comes late
		if err := s.PingMonitor(ctx, "a", "s3cret", at); err != nil {
			t.Fatal(err)
		}
	}
	if got := pointsOf(t, s, start, start+day, now); len(got) == 0 || got[0].Status != statuspage.StatusUp {
		t.Errorf("points %v", got)
	}
	pinged := func() map[string]int64 {
		t.Helper()
		all, err := s.Heartbeats(ctx, now)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]int64{}
		for _, p := range all.Monitors {
			got[p.Monitor.Tag] = p.Last
		}
		return got
	}
	if d := cmp.Diff(map[string]int64{"a": now + 5}, pinged()); d != "" {
		t.Errorf("pinged (-want +got):\n%s", d)
	}

	t.Log("one that is retired is none, and is again")
	for _, status := range []string{statuspage.MonitorInactive, statuspage.MonitorActive} {
		setStatus(t, s, "a", status, now)
		if got := pinged(); (len(got) == 1) != (status == statuspage.MonitorActive) {
			t.Errorf("%s: %v", status, got)
		}
	}

	t.Log("rows of what was deleted go, also when the tag is used again")
	gone := newHeartbeat(t, s, "plain")
	if err := s.Ping(ctx, gone, statuspage.Ping{Kind: statuspage.PingSuccess, At: now * 1000}); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteIntegration(ctx, gone.ID, now, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteMonitor(ctx, "a", now); err != nil {
		t.Fatal(err)
	}
	m := newMonitor("a")
	m.Type, m.TypeData = new("HEARTBEAT"), `{"secretString":"s3cret"}`
	if _, err := s.CreateMonitor(ctx, m, now, nil); err != nil {
		t.Fatal(err)
	}
	rows := func() (n int) {
		for _, it := range tb.Scan(t) {
			if strings.Contains(fmt.Sprint(it["pk"]), "HEARTBEATS") {
				n++
			}
		}
		return n
	}
	if before, got, after := rows(), pinged(), rows(); before != 2 || len(got) != 0 || after != 0 {
		t.Errorf("%d rows, pinged %v, then %d rows", before, got, after)
	}
}
