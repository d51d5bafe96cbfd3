package dynamo_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"tocsin/internal/dynamo"
	"tocsin/internal/dynamotest"
	"tocsin/internal/jobs/nodata"
	"tocsin/internal/opt"
	"tocsin/internal/statuspage"
)

// downRule fires after so many minutes of DOWN in a row, and recovers after one that
// is not.
func downRule(failures int64, tags ...string) statuspage.NewAlertRule {
	return statuspage.NewAlertRule{
		Condition: statuspage.Condition{For: statuspage.AlertStatus, Status: statuspage.StatusDown, Failures: failures, Successes: 1},
		Tags:      tags, Severity: statuspage.Critical, CreateIncident: true, Active: true,
	}
}

func newRule(t testing.TB, s *dynamo.Store, n statuspage.NewAlertRule) statuspage.AlertRule {
	t.Helper()
	r, err := s.CreateAlertRule(context.Background(), n, now, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// post records statuses of a monitor, the last one in the minute of now.
func post(t testing.TB, s *dynamo.Store, tag string, at int64, statuses ...statuspage.Status) {
	t.Helper()
	for _, p := range points(tag, at, statuses...) {
		if err := s.RecordPoint(context.Background(), tag, p.Point, max(at, p.Point.Time)); err != nil {
			t.Fatal(err)
		}
	}
}

// setStatus patches a monitor's status.
func setStatus(t testing.TB, s *dynamo.Store, tag, status string, at int64) {
	t.Helper()
	if _, err := s.UpdateMonitor(context.Background(), tag, statuspage.MonitorPatch{Status: opt.Value(status)}, at); err != nil {
		t.Fatal(err)
	}
}

// points has a minute for each status, the last one that of at.
func points(tag string, at int64, statuses ...statuspage.Status) []statuspage.TaggedPoint {
	var list []statuspage.TaggedPoint
	for n, status := range statuses {
		list = append(list, statuspage.TaggedPoint{Tag: tag, Point: probe(statuspage.FloorMinute(at)-int64(len(statuses)-1-n)*minute, status, 10)})
	}
	return list
}

const (
	up       = statuspage.StatusUp
	down     = statuspage.StatusDown
	degraded = statuspage.StatusDegraded
)

func alertsOf(t testing.TB, s *dynamo.Store, q statuspage.AlertQuery) []statuspage.Alert {
	t.Helper()
	q.Limit = 100
	var all []statuspage.Alert
	if _, err := s.Alerts(context.Background(), q, func(a statuspage.Alert) bool {
		all = append(all, a)
		return true
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func commentsOf(t testing.TB, s *dynamo.Store, incident int64) []statuspage.Comment {
	t.Helper()
	var all []statuspage.Comment
	if _, err := s.Comments(context.Background(), incident, statuspage.CommentQuery{Limit: 100}, func(c statuspage.Comment) bool {
		all = append(all, c)
		return true
	}); err != nil {
		t.Fatal(err)
	}
	slices.Reverse(all)
	return all
}

// TestLifeOfAnAlert shows what opens and ends an alert and its incident, field by
// field.
func TestLifeOfAnAlert(t *testing.T) {
	t.Parallel()
	tb, s := newPoints(t, "a")
	n := downRule(3, "a")
	n.Description = new("Call Ada.")
	rule := newRule(t, s, n)
	post(t, s, "a", now, down, down)
	if got := alertsOf(t, s, statuspage.AlertQuery{Tag: "a"}); got != nil {
		t.Fatalf("alerts after two minutes: %+v", got)
	}
	post(t, s, "a", now+minute, down)
	post(t, s, "a", now+2*minute, down) // again: nothing more
	alert := statuspage.Alert{
		ID: 1, RuleID: rule.ID, Tag: "a", MonitorID: 1,
		Condition: statuspage.Condition{For: statuspage.AlertStatus, Status: down}, Severity: statuspage.Critical,
		State: statuspage.Triggered, IncidentID: new(int64(1)), Created: now + minute, Updated: now + minute, Version: 1,
	}
	if d := cmp.Diff([]statuspage.Alert{alert}, alertsOf(t, s, statuspage.AlertQuery{Tag: "a"})); d != "" {
		t.Errorf("alerts (-want +got):\n%s", d)
	}
	incident := statuspage.Incident{
		ID: 1, Title: "a STATUS: DOWN", Start: begin - minute, State: statuspage.Investigating, Type: statuspage.TypeIncident, Source: "ALERT",
		Monitors: []statuspage.AffectedMonitor{{Tag: "a", MonitorID: 1, Impact: statuspage.Down}},
		Created:  now + minute, Updated: now + minute, AlertID: new(int64(1)), AlertMonitorID: 1, Version: 1,
	}
	got, err := s.Incident(t.Context(), 1)
	if d := cmp.Diff(incident, got); d != "" || err != nil {
		t.Errorf("incident (-want +got):\n%s%v", d, err)
	}
	opening := statuspage.Comment{
		ID: 1, IncidentID: 1, Time: begin + minute, State: statuspage.Investigating, Created: now + minute, Updated: now + minute, Version: 1,
		Text: "Opened automatically by alert rule 1: status DOWN in the last 3 recorded minutes, 2025-11-22 08:25 UTC to 2025-11-22 08:27 UTC.\n\nCall Ada.",
	}
	if d := cmp.Diff([]statuspage.Comment{opening}, commentsOf(t, s, 1)); d != "" {
		t.Errorf("comments (-want +got):\n%s", d)
	}
	post(t, s, "a", now+3*minute, degraded)
	alert.State, alert.Resolved, alert.Updated, alert.Version = statuspage.AlertResolved, new(int64(now+3*minute)), now+3*minute, 2
	if d := cmp.Diff([]statuspage.Alert{alert}, alertsOf(t, s, statuspage.AlertQuery{})); d != "" {
		t.Errorf("alerts after recovery (-want +got):\n%s", d)
	}
	incident.State, incident.End, incident.Closed = statuspage.Resolved, new(int64(begin+3*minute)), new(int64(now+3*minute))
	incident.Updated, incident.Version = now+3*minute, 2
	got, err = s.Incident(t.Context(), 1)
	if d := cmp.Diff(incident, got); d != "" || err != nil {
		t.Errorf("incident after recovery (-want +got):\n%s%v", d, err)
	}
	comments := commentsOf(t, s, 1)
	if len(comments) != 2 || comments[1].State != statuspage.Resolved || comments[1].Time != begin+3*minute ||
		comments[1].Text != "Resolved automatically by alert rule 1: status DEGRADED in the minute 2025-11-22 08:29 UTC." {
		t.Errorf("comments after recovery: %+v", comments)
	}
	// The next failure is another alert.
	post(t, s, "a", now+6*minute, down, down, down)
	if got := alertsOf(t, s, statuspage.AlertQuery{State: statuspage.Triggered}); len(got) != 1 || got[0].ID == 1 || *got[0].IncidentID == 1 {
		t.Errorf("alerts after the next failure: %+v", got)
	}
	checkFinished(t, tb)
}

// TestNewestPointIsJudged shows which points are judged: those that are the newest at
// or before now, however they came.
func TestNewestPointIsJudged(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for _, tt := range []struct {
		name  string
		write func(s *dynamo.Store) error
		opens bool
	}{
		{"a post", func(s *dynamo.Store) error { return s.RecordPoint(ctx, "a", probe(begin, down, 1), now) }, true},
		{"a late one", func(s *dynamo.Store) error { return s.RecordPoint(ctx, "a", probe(begin-3*minute, down, 1), now) }, false},
		{"one of the future", func(s *dynamo.Store) error {
			_, err := s.UpdatePoint(ctx, "a", begin+minute, statuspage.PointPatch{Status: new(down)}, now)
			return err
		}, false},
		{"a correction", func(s *dynamo.Store) error {
			_, err := s.UpdatePoint(ctx, "a", begin-minute, statuspage.PointPatch{Status: new(down), Latency: new(1.0)}, now)
			return err
		}, true},
		{"a range up to now", func(s *dynamo.Store) error {
			return s.FillRange(ctx, "a", statuspage.Range{From: begin - 2*day, To: begin, Status: down, Latency: func(int64) float64 { return 1 }}, now)
		}, true},
		{"a range of the past", func(s *dynamo.Store) error {
			return s.FillRange(ctx, "a", statuspage.Range{From: begin - 2*day, To: begin - 2*minute, Status: down, Latency: func(int64) float64 { return 1 }}, now)
		}, false},
		{"a batch with a newer one", func(s *dynamo.Store) error {
			return errors.Join(s.RecordPoints(ctx, []statuspage.TaggedPoint{{Tag: "a", Point: probe(begin, up, 1)}, {Tag: "a", Point: probe(begin-minute, down, 1)}}, now)...)
		}, false},
		{"a batch", func(s *dynamo.Store) error {
			return errors.Join(s.RecordPoints(ctx, []statuspage.TaggedPoint{{Tag: "b", Point: probe(begin, up, 1)}, {Tag: "a", Point: probe(begin, down, 1)}}, now)...)
		}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tb, s := newPoints(t, "a", "b")
			newRule(t, s, downRule(1, "a", "b"))
			post(t, s, "a", now-minute, up)
			if err := tt.write(s); err != nil {
				t.Fatal(err)
			}
			if got := alertsOf(t, s, statuspage.AlertQuery{State: statuspage.Triggered}); (len(got) == 1) != tt.opens || len(got) > 1 {
				t.Errorf("open alerts: %+v", got)
			}
			checkFinished(t, tb)
		})
	}
}

// TestDeletionsAreJudged shows when what remains after a deletion is judged: when the newest
// point was in the range. An hour without points is no hindrance to what comes after.
func TestDeletionsAreJudged(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for _, tt := range []struct {
		name     string
		from, to int64
		resolves bool
		left     int64 // points
	}{
		{"the newest ones", begin - 2*minute, begin, true, 1},
		{"the newest ones and the time after them", begin - 2*minute, begin + 90*day, true, 1},
		{"not the newest", begin - 2*minute, begin - minute, false, 2},
		{"the newest one alone, before which there is the same", begin, begin, false, 3},
		{"all", begin - 300*day, begin, false, 0},
		{"the future", begin + minute, begin + 2*minute, false, 4},
		{"nothing of the past", begin - 5*day, begin - 3*day, false, 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tb, s := newPoints(t, "a")
			newRule(t, s, downRule(2, "a"))
			for _, p := range []statuspage.Point{probe(begin-2*day, up, 1), probe(begin-2*minute, down, 1), probe(begin-minute, down, 1), probe(begin, down, 1)} {
				if err := s.RecordPoint(ctx, "a", p, now); err != nil {
					t.Fatal(err)
				}
			}
			open := func() bool {
				return len(alertsOf(t, s, statuspage.AlertQuery{State: statuspage.Triggered})) == 1
			}
			if !open() {
				t.Fatal("no open alert")
			}
			for n := range int64(2) { // sent again it finds nothing
				deleted, err := s.DeleteRange(ctx, "a", statuspage.MinuteRange{From: tt.from, To: tt.to}, now)
				if want := (4 - tt.left) * (1 - n); err != nil || deleted != want {
					t.Errorf("%d deleted, %v, want %d", deleted, err, want)
				}
				if open() == tt.resolves {
					t.Errorf("the alert is open: %t", open())
				}
			}
			if got := int64(len(pointsOf(t, s, 0, begin+100*day, now))); got != tt.left {
				t.Errorf("%d points left, want %d", got, tt.left)
			}
			post(t, s, "a", begin+2*minute, up, up)
			if open() {
				t.Error("the alert is open after two points")
			}
			post(t, s, "a", begin+4*minute, down, down)
			if !open() {
				t.Error("no open alert after two more")
			}
			checkFinished(t, tb)
		})
	}
}

// TestPointsAfterManyDeletedHours judges a point before which all points of a year were
// deleted, in a few calls.
func TestPointsAfterManyDeletedHours(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	tb, s := newPoints(t, "a")
	r := statuspage.MinuteRange{From: begin - 366*day, To: begin - minute}
	if err := s.FillRange(ctx, "a", statuspage.Range{From: r.From, To: r.To, Status: down, Latency: func(int64) float64 { return 1 }}, now); err != nil {
		t.Fatal(err)
	}
	if deleted, err := s.DeleteRange(ctx, "a", r, now); err != nil || deleted != 366*24*60 {
		t.Fatalf("%d deleted, %v", deleted, err)
	}
	newRule(t, s, downRule(1, "a"))
	client := &dynamotest.Client{}
	if err := tb.Store(client).RecordPoint(ctx, "a", probe(begin, down, 1), now); err != nil {
		t.Fatal(err)
	}
	if got := alertsOf(t, s, statuspage.AlertQuery{State: statuspage.Triggered}); len(got) != 1 {
		t.Errorf("open alerts: %+v", got)
	}
	if _, err := tb.Store(client).NewestPoint(ctx, 1, now); err != nil {
		t.Error(err)
	}
	if deleted, err := tb.Store(client).DeleteRange(ctx, "a", statuspage.MinuteRange{From: begin, To: begin}, now); err != nil || deleted != 1 {
		t.Errorf("%d deleted, %v", deleted, err)
	}
	if got := len(client.Calls()); got > 30 {
		t.Errorf("%d calls", got)
	}
}

// TestPointsFarApart shows that points of many hours, and of an earlier day, count.
func TestPointsFarApart(t *testing.T) {
	t.Parallel()
	_, s := newPoints(t, "a")
	newRule(t, s, downRule(60, "a"))
	for n := range int64(60) {
		at := begin - (59-n)*7*hour
		if got := alertsOf(t, s, statuspage.AlertQuery{}); got != nil {
			t.Fatalf("after %d points: %+v", n, got)
		}
		if err := s.RecordPoint(t.Context(), "a", probe(at, down, 1), max(at, now-90*day)); err != nil {
			t.Fatal(err)
		}
	}
	got := alertsOf(t, s, statuspage.AlertQuery{State: statuspage.Triggered})
	if len(got) != 1 {
		t.Fatalf("after 60 points: %+v", got)
	}
	if i, err := s.Incident(t.Context(), *got[0].IncidentID); err != nil || i.Start != begin-59*7*hour {
		t.Errorf("the incident starts at %d, %v", i.Start, err)
	}
	if err := s.RecordPoint(t.Context(), "a", probe(midnight+day, up, 1), midnight+day+hour); err != nil { // an earlier hour
		t.Fatal(err)
	}
	if got := alertsOf(t, s, statuspage.AlertQuery{State: statuspage.Triggered}); got != nil {
		t.Errorf("open after recovery: %+v", got)
	}
}

// TestPointsWithoutLatency shows that a rule about latencies finds those that it asks for
// behind hours without any, up to a day before the newest point.
func TestPointsWithoutLatency(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		ago   int64 // of the older of two slow points
		other int64 // points without a latency between them, one an hour
		want  int   // alerts
	}{
		{"next to each other", 5 * hour, 0, 1},
		{"far apart", 90 * hour, 0, 1},
		{"one hour between", 2 * hour, 1, 1},
		{"many hours between", 23 * hour, 20, 1},
		{"within a day", day - minute, 3, 1},
		{"a day", day, 3, 0},
	} {
		_, s := newPoints(t, "a")
		newRule(t, s, statuspage.NewAlertRule{
			Condition: statuspage.Condition{For: statuspage.AlertLatency, Limit: 100, Failures: 2, Successes: 1}, Tags: []string{"a"}, Severity: statuspage.Warning, Active: true,
		})
		record := func(ago int64, p statuspage.Point) {
			p.Time = begin - ago
			if err := s.RecordPoint(t.Context(), "a", p, begin-ago); err != nil {
				t.Fatal(err)
			}
		}
		record(tt.ago, probe(0, up, 250))
		for n := range tt.other {
			record((tt.other-n)*hour, statuspage.Point{Status: up, Source: statuspage.SourceProbe})
		}
		record(0, probe(0, up, 250))
		if got := alertsOf(t, s, statuspage.AlertQuery{}); len(got) != tt.want {
			t.Errorf("%s: %d alerts, want %d", tt.name, len(got), tt.want)
		}
	}
}

// TestWhatEndsAnAlert shows each way in which an alert ends or loses its incident
// without the monitor recovering.
func TestWhatEndsAnAlert(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	patch := func(p statuspage.AlertRulePatch) func(*dynamo.Store) error {
		return func(s *dynamo.Store) error {
			_, err := s.UpdateAlertRule(ctx, 1, p, later)
			return err
		}
	}
	for _, tt := range []struct {
		name  string
		act   func(s *dynamo.Store) error
		state statuspage.AlertState // "": gone
		open  bool                  // the incident
	}{
		{"nothing", func(*dynamo.Store) error { return nil }, statuspage.Triggered, true},
		{"the rule goes", func(s *dynamo.Store) error { return s.DeleteAlertRule(ctx, 1, later) }, statuspage.AlertResolved, true},
		{"the rule is not active", patch(statuspage.AlertRulePatch{Active: opt.Value(false)}), statuspage.AlertResolved, true},
		{"the rule leaves the monitor", patch(statuspage.AlertRulePatch{Tags: opt.Value([]string{"b"})}), statuspage.AlertResolved, true},
		{"the rule gets a monitor more", patch(statuspage.AlertRulePatch{Tags: opt.Value([]string{"c", "a", "b"})}), statuspage.Triggered, true},
		{"the rule gets another name for it", patch(statuspage.AlertRulePatch{Description: opt.Value("New")}), statuspage.Triggered, true},
		{"the monitor goes", func(s *dynamo.Store) error { return s.DeleteMonitor(ctx, "a", later) }, "", true},
		{"the monitor is INACTIVE", patchStatus(ctx, "a", statuspage.MonitorInactive), statuspage.AlertResolved, true},
		{"the monitor has another status", patchStatus(ctx, "a", "inactive"), statuspage.Triggered, true},
		{"the other monitor is INACTIVE", patchStatus(ctx, "b", statuspage.MonitorInactive), statuspage.Triggered, true},
		{"the other monitor goes", func(s *dynamo.Store) error { return s.DeleteMonitor(ctx, "b", later) }, statuspage.Triggered, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tb, s := newPoints(t, "a", "b", "c")
			newRule(t, s, downRule(1, "a", "b"))
			post(t, s, "a", now, down)
			if err := tt.act(s); err != nil {
				t.Fatal(err)
			}
			a, err := s.Alert(ctx, 1)
			if tt.state == "" {
				if !errors.Is(err, statuspage.AlertNotFound(int64(1))) {
					t.Errorf("alert %+v, %v", a, err)
				}
			} else if err != nil || a.State != tt.state || a.IncidentID == nil || (a.Resolved != nil) != (a.State == statuspage.AlertResolved) {
				t.Errorf("alert %+v, %v", a, err)
			}
			if i, err := s.Incident(ctx, 1); err != nil || (i.Closed == nil) != tt.open {
				t.Errorf("incident %+v, %v", i, err)
			}
			checkFinished(t, tb)
		})
	}
}

func patchStatus(ctx context.Context, tag, status string) func(*dynamo.Store) error {
	return func(s *dynamo.Store) error {
		_, err := s.UpdateMonitor(ctx, tag, statuspage.MonitorPatch{Status: opt.Value(status)}, later)
		return err
	}
}

// TestInactiveMonitorIsNotJudged shows that the alerts of all rules end with the status, that
// points are kept and judge nothing, and that the next one after it is judged.
func TestInactiveMonitorIsNotJudged(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	tb, s := newPoints(t, "a")
	newRule(t, s, downRule(1, "a"))
	newRule(t, s, downRule(2, "a"))
	open := func(want int) {
		t.Helper()
		if got := alertsOf(t, s, statuspage.AlertQuery{State: statuspage.Triggered}); len(got) != want {
			t.Errorf("%d open alerts, want %d: %+v", len(got), want, got)
		}
	}
	post(t, s, "a", now+minute, down, down)
	open(2)
	setStatus(t, s, "a", statuspage.MonitorInactive, now+minute)
	open(0)
	client := &dynamotest.Client{}
	post(t, tb.Store(client), "a", now+2*minute, down)
	open(0)
	if calls := len(client.Calls()); calls != 2 {
		t.Errorf("a point of an INACTIVE monitor takes %d calls, want that of the monitor and that of the hour", calls)
	}
	status := down
	if _, err := s.UpdatePoint(ctx, "a", begin+2*minute, statuspage.PointPatch{Status: &status}, now+2*minute); err != nil {
		t.Fatal(err)
	}
	for _, on := range []int64{1, 2} { // as a run about missing data does
		if state, err := s.JudgeRule(ctx, on, statuspage.RuleMonitor{Tag: "a", MonitorID: 1}, now+2*minute); state != "" || err != nil {
			t.Errorf("rule %d: %q, %v", on, state, err)
		}
	}
	open(0)
	setStatus(t, s, "a", statuspage.MonitorActive, now+2*minute)
	open(0)
	post(t, s, "a", now+3*minute, down)
	open(2)
	if got := listed(t, s, statuspage.IncidentQuery{}); len(got) != 2 || got[1].Closed != nil {
		t.Errorf("incidents: %+v", got)
	}
	checkFinished(t, tb)
}

// TestInactiveLeavesLaterAlerts works off what a PATCH to INACTIVE left after the monitor
// was made ACTIVE again and has fired: that alert stays. One that has a mark of the program
// before ends with the next PATCH, also when the monitor was INACTIVE already.
func TestInactiveLeavesLaterAlerts(t *testing.T) {
	t.Parallel()
	tb, s := newPoints(t, "a")
	newRule(t, s, downRule(1, "a"))
	post(t, s, "a", now, down)
	store, ctx, dead := dying(tb, 3, false) // after the monitor and the transaction
	if _, err := store.UpdateMonitor(ctx, "a", statuspage.MonitorPatch{Status: opt.Value(statuspage.MonitorInactive)}, now); err != nil || !dead() {
		t.Fatalf("%v", err)
	}
	if a, err := s.Alert(t.Context(), 1); err != nil || a.State != statuspage.Triggered {
		t.Fatalf("%+v, %v", a, err)
	}
	setStatus(t, s, "a", statuspage.MonitorActive, now)
	post(t, s, "a", now+minute, up)
	post(t, s, "a", now+2*minute, down)
	if _, err := s.Cleanup(t.Context(), now+2*minute); err != nil {
		t.Fatal(err)
	}
	if got := alertsOf(t, s, statuspage.AlertQuery{State: statuspage.Triggered}); len(got) != 1 || got[0].ID != 2 {
		t.Errorf("%+v", got)
	}
	checkFinished(t, tb)

	retiredBefore(t, tb)
	if _, err := s.UpdateMonitor(t.Context(), "a", statuspage.MonitorPatch{Name: opt.Value("New")}, now+4*minute); err != nil {
		t.Fatal(err)
	}
	if got := alertsOf(t, s, statuspage.AlertQuery{State: statuspage.Triggered}); got != nil {
		t.Errorf("%+v", got)
	}
	checkFinished(t, tb)
}

// retiredBefore makes every monitor INACTIVE as the program before did: open alerts stay,
// and their marks don't tell the monitor's version.
func retiredBefore(t testing.TB, tb *dynamotest.Table) {
	t.Helper()
	for _, it := range tb.Scan(t) {
		switch a := dynamotest.Attributes(it); {
		case a.Text("pk") == "MONITORS":
			it["status"] = &types.AttributeValueMemberS{Value: "INACTIVE"}
		case strings.HasPrefix(a.Text("sk"), "OPENALERT#"):
			delete(it, "monitor_version")
		default:
			continue
		}
		if _, err := tb.DynamoDB(nil).PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &tb.Name, Item: it}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestIncidentOfAnAlert shows how an alert and a person share an incident.
func TestIncidentOfAnAlert(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	t.Run("a person resolved it", func(t *testing.T) {
		t.Parallel()
		tb, s := newPoints(t, "a")
		newRule(t, s, downRule(1, "a"))
		post(t, s, "a", now, down)
		if _, err := s.CreateComment(ctx, 1, statuspage.NewComment{Text: "Done", Time: begin, State: statuspage.Resolved}, later, nil); err != nil {
			t.Fatal(err)
		}
		post(t, s, "a", now+minute, up)
		if a, err := s.Alert(ctx, 1); err != nil || a.State != statuspage.AlertResolved {
			t.Errorf("alert %+v, %v", a, err)
		}
		if got := commentsOf(t, s, 1); len(got) != 2 {
			t.Errorf("comments: %+v", got)
		}
		checkFinished(t, tb)
	})
	t.Run("it was deleted", func(t *testing.T) {
		t.Parallel()
		tb, s := newPoints(t, "a")
		newRule(t, s, downRule(1, "a"))
		post(t, s, "a", now, down)
		if err := s.DeleteIncident(ctx, 1, later, nil); err != nil {
			t.Fatal(err)
		}
		if a, err := s.Alert(ctx, 1); err != nil || a.IncidentID != nil || a.State != statuspage.Triggered {
			t.Errorf("alert %+v, %v", a, err)
		}
		post(t, s, "a", now+minute, up)
		if a, err := s.Alert(ctx, 1); err != nil || a.State != statuspage.AlertResolved {
			t.Errorf("alert %+v, %v", a, err)
		}
		checkFinished(t, tb)
	})
	t.Run("it goes after its monitor", func(t *testing.T) {
		t.Parallel()
		tb, s := newPoints(t, "a")
		newRule(t, s, downRule(1, "a"))
		post(t, s, "a", now, down)
		if err := errors.Join(s.DeleteMonitor(ctx, "a", later), s.DeleteIncident(ctx, 1, later, nil)); err != nil {
			t.Fatal(err)
		}
		checkFinished(t, tb)
	})
	t.Run("the rule makes none", func(t *testing.T) {
		t.Parallel()
		tb, s := newPoints(t, "a")
		n := downRule(1, "a")
		n.CreateIncident = false
		newRule(t, s, n)
		post(t, s, "a", now, down)
		if a, err := s.Alert(ctx, 1); err != nil || a.IncidentID != nil {
			t.Errorf("alert %+v, %v", a, err)
		}
		post(t, s, "a", now+minute, up)
		if got := listed(t, s, statuspage.IncidentQuery{}); len(got) != 0 {
			t.Errorf("incidents: %+v", got)
		}
		checkFinished(t, tb)
	})
}

func TestAlertRules(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	tb, s := newPoints(t, "a", "b")
	if _, err := s.CreateAlertRule(ctx, downRule(1, "a", "pluto", "x"), now, nil); !errors.Is(err, statuspage.UnknownMonitor("pluto")) {
		t.Errorf("an unknown monitor: %v", err)
	}
	first := newRule(t, s, downRule(1, "b", "a"))
	if got, err := s.AlertRule(ctx, first.ID); err != nil || cmp.Diff(first, got) != "" {
		t.Errorf("rule %+v, %v; made as %+v", got, err, first)
	}
	for range statuspage.MaxMonitorRules - 1 {
		newRule(t, s, downRule(1, "a"))
	}
	if _, err := s.CreateAlertRule(ctx, downRule(1, "b", "a"), now, nil); !errors.Is(err, statuspage.TooManyRules("a")) {
		t.Errorf("one rule too many: %v", err)
	}
	idle := downRule(1, "a")
	idle.Active = false
	spare := newRule(t, s, idle)
	activate := statuspage.AlertRulePatch{Active: opt.Value(true)}
	if _, err := s.UpdateAlertRule(ctx, spare.ID, activate, later); !errors.Is(err, statuspage.TooManyRules("a")) {
		t.Errorf("one active rule too many: %v", err)
	}
	// The rules that are there can still be changed, and one that goes makes place.
	if got, err := s.UpdateAlertRule(ctx, first.ID, statuspage.AlertRulePatch{Failures: opt.Value[int64](5), Tags: opt.Value([]string{"a"})}, later); err != nil ||
		got.Failures != 5 || got.Updated != later || len(got.Monitors) != 1 {
		t.Errorf("rule %+v, %v", got, err)
	}
	if err := s.DeleteAlertRule(ctx, first.ID, later); err != nil {
		t.Fatal(err)
	}
	if _, err := s.UpdateAlertRule(ctx, spare.ID, activate, later); err != nil {
		t.Error(err)
	}
	for _, err := range []error{
		s.DeleteAlertRule(ctx, first.ID, later),
		func() error { _, err := s.AlertRule(ctx, first.ID); return err }(),
		func() error { _, err := s.UpdateAlertRule(ctx, first.ID, activate, later); return err }(),
	} {
		if !errors.Is(err, statuspage.AlertRuleNotFound(first.ID)) {
			t.Errorf("a rule that is gone: %v", err)
		}
	}
	var ids []int64
	for after := int64(0); ; {
		n := 0
		next, err := s.AlertRules(ctx, statuspage.AlertRuleQuery{Limit: 7, After: after}, func(r statuspage.AlertRule) bool {
			if n++; n <= 7 {
				ids = append(ids, r.ID)
			}
			return n <= 7
		})
		if err != nil {
			t.Fatal(err)
		}
		if after = next; after == 0 {
			break
		}
	}
	if len(ids) != statuspage.MaxMonitorRules || !slices.IsSortedFunc(ids, func(a, b int64) int { return int(b - a) }) || slices.Contains(ids, first.ID) {
		t.Errorf("rules %v", ids)
	}
	// A PATCH of the monitor keeps its rules.
	if _, err := s.UpdateMonitor(ctx, "a", statuspage.MonitorPatch{Name: opt.Value("New")}, later); err != nil {
		t.Fatal(err)
	}
	checkFinished(t, tb)
}

func TestListAlerts(t *testing.T) {
	t.Parallel()
	_, s := newPoints(t, "a", "b")
	newRule(t, s, downRule(1, "a", "b"))
	newRule(t, s, downRule(1, "a"))
	for n := range int64(4) {
		post(t, s, "a", now+2*n*minute, down)
		post(t, s, "b", now+2*n*minute, down)
		post(t, s, "a", now+(2*n+1)*minute, up)
	}
	ids := func(q statuspage.AlertQuery) (ids []int64) {
		for q.Limit = 2; ; {
			n := 0
			next, err := s.Alerts(t.Context(), q, func(a statuspage.Alert) bool {
				if n++; n <= q.Limit {
					ids = append(ids, a.ID)
				}
				return n <= q.Limit
			})
			if err != nil {
				t.Fatal(err)
			}
			if q.After = next; next == 0 {
				return ids
			}
		}
	}
	all, ofB := ids(statuspage.AlertQuery{}), ids(statuspage.AlertQuery{Tag: "b"})
	if len(all) != 9 || !slices.IsSortedFunc(all, func(a, b int64) int { return int(b - a) }) || len(ofB) != 1 {
		t.Errorf("all %v, of b %v", all, ofB)
	}
	if got := len(ids(statuspage.AlertQuery{Tag: "a"})); got != 8 {
		t.Errorf("%d of a", got)
	}
	if got := ids(statuspage.AlertQuery{State: statuspage.Triggered}); !slices.Equal(got, ofB) {
		t.Errorf("open %v", got)
	}
	if got := len(ids(statuspage.AlertQuery{RuleID: 2})); got != 4 {
		t.Errorf("%d of rule 2", got)
	}
	if got := len(ids(statuspage.AlertQuery{Tag: "a", RuleID: 1, State: statuspage.AlertResolved})); got != 4 {
		t.Errorf("%d of rule 1 on a", got)
	}
	if _, err := s.Alerts(t.Context(), statuspage.AlertQuery{Tag: "pluto", Limit: 1}, nil); !errors.Is(err, statuspage.MonitorNotFound("pluto")) {
		t.Errorf("of no monitor: %v", err)
	}
}

// TestNoData judges rules about missing data at their limit to the second.
func TestNoData(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	tb, s := newPoints(t, "a", "b")
	noData := downRule(1, "a", "b")
	noData.Condition = statuspage.Condition{For: statuspage.AlertNoData, Limit: 2, Failures: 1, Successes: 1}
	newRule(t, s, noData) // made at now: b counts from then
	idle := noData
	idle.Active = false
	newRule(t, s, idle)
	newRule(t, s, downRule(1, "a"))
	post(t, s, "a", now+minute, up)
	judged := func(at int64, opened, resolved int, open ...string) {
		t.Helper()
		got, err := nodata.Run(ctx, s, at)
		if want := (nodata.Summary{Rules: 1, Monitors: 2, Opened: opened, Resolved: resolved}); got != want || err != nil {
			t.Errorf("at %+d: %+v, %v; want %+v", at-begin, got, err, want)
		}
		var tags []string
		for _, a := range alertsOf(t, s, statuspage.AlertQuery{State: statuspage.Triggered}) {
			tags = append(tags, a.Tag)
		}
		slices.Sort(tags)
		if !slices.Equal(tags, open) {
			t.Errorf("at %+d: open alerts on %v, want %v", at-begin, tags, open)
		}
	}
	judged(begin+3*minute-1, 0, 0)
	judged(begin+3*minute, 1, 0, "b")
	judged(begin+4*minute-1, 0, 0, "b")
	judged(begin+4*minute, 1, 0, "a", "b")
	judged(begin+5*minute, 0, 0, "a", "b")
	post(t, s, "a", begin+5*minute, down) // opens an alert of the other rule
	judged(begin+5*minute+30, 0, 1, "a", "b")
	if i, err := s.Incident(ctx, 1); err != nil || i.Title != "b NO_DATA: 2" || i.Start != begin+minute || i.Monitors[0].Impact != statuspage.Down {
		t.Errorf("incident %+v, %v", i, err)
	}
	if got := commentsOf(t, s, 1); len(got) != 1 || got[0].Text != "Opened automatically by alert rule 1: no data for 2 minutes, there is no point since the rule was made at 2025-11-22 08:26 UTC." {
		t.Errorf("comments %+v", got)
	}
	// An INACTIVE monitor is not judged: its alerts end, and no other one opens.
	setStatus(t, s, "b", statuspage.MonitorInactive, begin+6*minute)
	judged(begin+6*minute, 0, 0, "a")
	setStatus(t, s, "b", statuspage.MonitorActive, begin+6*minute)
	judged(begin+6*minute+30, 1, 0, "a", "b")
	// Points that have gone by their time are none.
	judged(begin+5*minute+400*day, 1, 0, "a", "a", "b")
	checkFinished(t, tb)
}

// dying returns a store whose function is killed at the n-th call, counted from 1:
// that call takes effect when applied, and none after it does.
func dying(tb *dynamotest.Table, n int, applied bool) (*dynamo.Store, context.Context, func() bool) {
	ctx, cancel := context.WithCancel(context.Background())
	var mu sync.Mutex
	calls := 0
	return tb.Store(&dynamotest.Client{Inject: func(string, []byte) dynamotest.Fault {
			mu.Lock()
			defer mu.Unlock()
			calls++
			switch {
			case calls < n:
				return dynamotest.None
			case calls == n && applied:
				cancel()
				return dynamotest.LostAnswer
			}
			cancel()
			return dynamotest.Hang
		}}), ctx, func() bool {
			mu.Lock()
			defer mu.Unlock()
			return calls >= n
		}
}

// TestAlertsAfterAKill kills the function at every call of what opens and ends
// alerts, sends the same again and cleans up: the table is as if it had lived.
func TestAlertsAfterAKill(t *testing.T) {
	t.Parallel()
	record := func(status statuspage.Status, at int64) op {
		return func(ctx context.Context, s *dynamo.Store) error {
			return s.RecordPoint(ctx, "a", probe(at, status, 1), at)
		}
	}
	steps := []struct {
		name string
		run  op
		done error // what doing it again may say
	}{
		{"a point that fires", record(down, begin), nil},
		{"a point that recovers", record(up, begin+minute), nil},
		{"a point that fires again", record(down, begin+2*minute), nil},
		{"the rule is not active", func(ctx context.Context, s *dynamo.Store) error {
			_, err := s.UpdateAlertRule(ctx, 1, statuspage.AlertRulePatch{Active: opt.Value(false)}, begin+3*minute)
			return err
		}, nil},
		{"it is again", func(ctx context.Context, s *dynamo.Store) error {
			_, err := s.UpdateAlertRule(ctx, 1, statuspage.AlertRulePatch{Active: opt.Value(true)}, begin+4*minute)
			return err
		}, nil},
		{"a third time", record(down, begin+5*minute), nil},
		{"its minutes go, and those of the second", func(ctx context.Context, s *dynamo.Store) error {
			_, err := s.DeleteRange(ctx, "a", statuspage.MinuteRange{From: begin + 2*minute, To: begin + 5*minute}, begin+6*minute)
			return err
		}, nil},
		{"a fourth time", record(down, begin+6*minute), nil},
		{"the monitor is INACTIVE", func(ctx context.Context, s *dynamo.Store) error {
			return patchStatus(ctx, "a", statuspage.MonitorInactive)(s)
		}, nil},
		{"nothing is judged", record(down, begin+7*minute), nil},
		{"the monitor is ACTIVE", func(ctx context.Context, s *dynamo.Store) error {
			return patchStatus(ctx, "a", statuspage.MonitorActive)(s)
		}, nil},
		{"a fifth time", record(down, begin+8*minute), nil},
		{"the rule goes", func(ctx context.Context, s *dynamo.Store) error { return s.DeleteAlertRule(ctx, 1, begin+9*minute) }, statuspage.AlertRuleNotFound(int64(1))},
		{"the monitor goes", func(ctx context.Context, s *dynamo.Store) error { return s.DeleteMonitor(ctx, "a", begin+10*minute) }, statuspage.MonitorNotFound("a")},
	}
	for _, applied := range []bool{false, true} {
		t.Run(fmt.Sprintf("applied %v", applied), func(t *testing.T) {
			t.Parallel()
			for kill := 1; ; kill++ {
				tb, s := newPoints(t, "a")
				newRule(t, s, downRule(1, "a"))
				killed := false
				for _, step := range steps {
					store, ctx, dead := dying(tb, kill, applied)
					if err := step.run(ctx, store); err != nil && !dead() {
						t.Fatalf("%s: %v", step.name, err)
					}
					if !dead() {
						continue
					}
					killed = true
					if err := step.run(context.Background(), s); err != nil && !errors.Is(err, step.done) {
						t.Errorf("%s, killed at call %d, again: %v", step.name, kill, err)
					}
					if _, err := s.Cleanup(context.Background(), begin+11*minute); err != nil {
						t.Errorf("%s, killed at call %d, cleanup: %v", step.name, kill, err)
					}
				}
				checkFinished(t, tb)
				if got := listed(t, s, statuspage.IncidentQuery{}); len(got) != 5 || got[0].Closed != nil || got[1].Closed != nil || got[2].Closed == nil || got[3].Closed != nil || got[4].Closed == nil {
					t.Errorf("killed at call %d: incidents %+v", kill, got)
				}
				if !killed {
					return
				}
			}
		})
	}
}

// An alertRace is writers at once around the alert of one rule on one monitor. What
// they leave must be what some order of them leaves.
type alertRace struct {
	name   string
	before []statuspage.Status // a minute each, the last one a minute before begin
	ops    []alertOp
	check  func(t testing.TB, s *dynamo.Store, alerts []statuspage.Alert, incidents []statuspage.Incident)
}

// alertCase is what the writers of one race are about.
type alertCase struct {
	tag      string
	monitor  int64
	rule     int64
	other    int64 // another rule, 0: none
	incident int64 // 0: none yet
}

type alertOp func(alertCase) op

var alertRaces = []alertRace{
	{"the same minute twice", []statuspage.Status{down, down}, []alertOp{recordAt(begin, down), recordAt(begin, down)}, oneAlert},
	{"five minutes at once", nil, []alertOp{recordAt(begin, down), recordAt(begin-minute, down), recordAt(begin-2*minute, down), recordAt(begin-3*minute, down), recordAt(begin-4*minute, down)}, noMoreThanOne},
	{"the next minute too", []statuspage.Status{down, down}, []alertOp{recordAt(begin, down), recordAt(begin-minute, down), recordAt(begin+minute, down)}, oneAlert},
	{"a late one", []statuspage.Status{down, down, down}, []alertOp{recordAt(begin, down), recordAt(begin-2*minute, down)}, oneAlert},
	{"recovery at once", []statuspage.Status{down, down, down}, []alertOp{recordAt(begin, up), recordAt(begin, up)}, allResolved},
	{"down and up at once", []statuspage.Status{down, down}, []alertOp{recordAt(begin, down), recordAt(begin+minute, up)}, allResolved},
	{"a point and the rule's end", []statuspage.Status{down, down}, []alertOp{recordAt(begin, down), endRule}, noOpenAlert},
	{"a point and a rule that is not active", []statuspage.Status{down, down, down}, []alertOp{recordAt(begin, up), idleRule}, noOpenAlert},
	{"a point and a monitor that is INACTIVE", []statuspage.Status{down, down}, []alertOp{recordAt(begin, down), retire}, noOpenAlert},
	{"recovery and a monitor that is INACTIVE", []statuspage.Status{down, down, down}, []alertOp{recordAt(begin, up), retire}, noOpenAlert},
	{"two points, and a monitor that is INACTIVE for a moment", []statuspage.Status{down, down}, []alertOp{recordAt(begin, down), recordAt(begin, down), retireForAMoment}, noMoreThanOneOpen},
	{"a point and the monitor's end", []statuspage.Status{down, down}, []alertOp{recordAt(begin, down), endMonitor}, nil},
	{"recovery and a person", []statuspage.Status{down, down, down}, []alertOp{recordAt(begin, up), person}, allResolved},
	{"a deletion and a point that recovers", []statuspage.Status{down, down, down}, []alertOp{deleteMinutes, recordAt(begin, up)}, allResolved},
	{"a deletion twice", []statuspage.Status{up, down, down, down}, []alertOp{deleteMinutes, deleteMinutes}, allResolved},
	{"a deletion and a late point", []statuspage.Status{up, down, down, down}, []alertOp{deleteMinutes, recordAt(begin-9*minute, up)}, allResolved},
	{"a deletion and the point that would fire", []statuspage.Status{down, down}, []alertOp{deleteMinutes, recordAt(begin, down)}, noMoreThanOne},
	{"a deletion and the rule's end", []statuspage.Status{up, down, down, down}, []alertOp{deleteMinutes, endRule}, noOpenAlert},
	{"recovery and the incident's end", []statuspage.Status{down, down, down}, []alertOp{recordAt(begin, up), endIncident}, noOpenAlert},
}

var noDataRaces = []alertRace{
	{"two runs about missing data", nil, []alertOp{judgeNoData, judgeNoData}, oneAlert},
	{"a run about missing data and a monitor that is INACTIVE", nil, []alertOp{judgeNoData, retire}, noOpenAlert},
	{"a run about missing data and a point", nil, []alertOp{judgeNoData, recordAt(begin, up)}, noMoreThanOne},
}

// recordAt allows for the monitor to be gone.
func recordAt(at int64, status statuspage.Status) alertOp {
	return func(c alertCase) op {
		return func(ctx context.Context, s *dynamo.Store) error {
			err := s.RecordPoint(ctx, c.tag, probe(at, status, 1), now+minute)
			if errors.Is(err, statuspage.MonitorNotFound(c.tag)) {
				return nil
			}
			return err
		}
	}
}

// deleteMinutes removes the three minutes before begin.
func deleteMinutes(c alertCase) op {
	return func(ctx context.Context, s *dynamo.Store) error {
		_, err := s.DeleteRange(ctx, c.tag, statuspage.MinuteRange{From: begin - 3*minute, To: begin - minute}, now+minute)
		return err
	}
}

func endRule(c alertCase) op {
	return func(ctx context.Context, s *dynamo.Store) error { return s.DeleteAlertRule(ctx, c.rule, later) }
}

func idleRule(c alertCase) op {
	return func(ctx context.Context, s *dynamo.Store) error {
		_, err := s.UpdateAlertRule(ctx, c.rule, statuspage.AlertRulePatch{Active: opt.Value(false)}, later)
		return err
	}
}

func retire(c alertCase) op {
	return func(ctx context.Context, s *dynamo.Store) error {
		return patchStatus(ctx, c.tag, statuspage.MonitorInactive)(s)
	}
}

func retireForAMoment(c alertCase) op {
	return func(ctx context.Context, s *dynamo.Store) error {
		return errors.Join(patchStatus(ctx, c.tag, statuspage.MonitorInactive)(s), patchStatus(ctx, c.tag, statuspage.MonitorActive)(s))
	}
}

func endMonitor(c alertCase) op  { return deleteMonitor(c.tag) }
func endIncident(c alertCase) op { return deleteIncident(c.incident) }
func person(c alertCase) op      { return postComment(c.incident, statuspage.Resolved, begin) }

func judgeNoData(alertCase) op {
	return func(ctx context.Context, s *dynamo.Store) error {
		_, err := nodata.Run(ctx, s, now+minute)
		return err
	}
}

func noMoreThanOne(t testing.TB, _ *dynamo.Store, alerts []statuspage.Alert, incidents []statuspage.Incident) {
	if len(alerts) > 1 || len(incidents) > 1 || len(alerts) != len(incidents) {
		t.Errorf("%d alerts and %d incidents", len(alerts), len(incidents))
	}
}

// noMoreThanOneOpen allows for a second alert where the first one ended in between.
func noMoreThanOneOpen(t testing.TB, _ *dynamo.Store, alerts []statuspage.Alert, incidents []statuspage.Incident) {
	open := 0
	for _, a := range alerts {
		if a.State == statuspage.Triggered {
			open++
		}
	}
	if open > 1 || len(alerts) > 2 || len(alerts) != len(incidents) {
		t.Errorf("%d alerts, %d of them open, and %d incidents", len(alerts), open, len(incidents))
	}
}

func oneAlert(t testing.TB, s *dynamo.Store, alerts []statuspage.Alert, incidents []statuspage.Incident) {
	if len(alerts) != 1 || alerts[0].State != statuspage.Triggered || len(incidents) != 1 || incidents[0].Closed != nil {
		t.Errorf("alerts %+v and incidents %+v, want one of each, open", alerts, incidents)
		return
	}
	if got := commentsOf(t, s, incidents[0].ID); len(got) != 1 {
		t.Errorf("%d comments", len(got))
	}
}

func noOpenAlert(t testing.TB, _ *dynamo.Store, alerts []statuspage.Alert, incidents []statuspage.Incident) {
	if len(alerts) > 1 || len(incidents) > 1 {
		t.Errorf("%d alerts and %d incidents", len(alerts), len(incidents))
	}
	for _, a := range alerts {
		if a.State == statuspage.Triggered {
			t.Errorf("alert %+v is open", a)
		}
	}
}

// allResolved allows for a person's comment beside the automatic ones.
func allResolved(t testing.TB, s *dynamo.Store, alerts []statuspage.Alert, incidents []statuspage.Incident) {
	noOpenAlert(t, s, alerts, incidents)
	for _, i := range incidents {
		closing := 0
		for _, c := range commentsOf(t, s, i.ID) {
			if strings.HasPrefix(c.Text, "Resolved automatically") {
				closing++
			}
		}
		if i.Closed == nil || closing > 1 {
			t.Errorf("incident %+v with %d closing comments", i, closing)
		}
	}
}

// alertTries is how often each race is run: they are slow, so that only a long run has
// as many as the flag says.
func alertTries() int {
	if *racesFlag >= 200 {
		return *racesFlag
	}
	return *racesFlag / 7
}

// TestAlertRaces runs the races of every kind, each try on a monitor and a rule of its
// own, without faults, with conflicts and with lost answers.
func TestAlertRaces(t *testing.T) {
	for _, m := range modes {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			random := seed(t)
			w := newWorld(t, m)
			type try struct {
				alertRace
				tag string
			}
			var tries []try
			for _, r := range alertRaces {
				for range alertTries() {
					tries = append(tries, try{r, w.monitor()})
				}
			}
			w.load()
			forAll(len(tries), atOnce, func(n int) {
				w.alertRace(tries[n].alertRace, tries[n].tag, downRule(3, tries[n].tag), random+uint64(n))
			})
			checkFinished(t, w.tb)
		})
	}
}

// TestNoDataRaces is TestAlertRaces for rules about missing data, of which a run
// judges all: one after another.
func TestNoDataRaces(t *testing.T) {
	for _, m := range modes {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			random := seed(t)
			w := newWorld(t, m)
			var tags []string
			for range alertTries() {
				tags = append(tags, w.monitor())
			}
			w.load()
			for n, tag := range tags {
				rule := downRule(1, tag)
				rule.Condition = statuspage.Condition{For: statuspage.AlertNoData, Limit: 5, Failures: 1, Successes: 1}
				w.alertRace(noDataRaces[n%len(noDataRaces)], tag, rule, random+uint64(n))
				if err := w.store.DeleteMonitor(t.Context(), tag, later); err != nil {
					t.Fatal(err)
				}
			}
			checkFinished(t, w.tb)
		})
	}
}

func (w *world) alertRace(r alertRace, tag string, n statuspage.NewAlertRule, seed uint64) {
	t := &namedTB{w.t, r.name}
	rule, err := w.store.CreateAlertRule(context.Background(), n, now-hour, nil)
	if err != nil {
		t.Errorf("%v", err)
		return
	}
	if before := points(tag, begin-minute, r.before...); len(before) > 0 {
		if err := errors.Join(w.store.RecordPoints(context.Background(), before, begin-minute)...); err != nil {
			t.Errorf("%v", err)
			return
		}
	}
	c := alertCase{tag: tag, rule: rule.ID}
	alerts := func() []statuspage.Alert { return alertsOf(t, w.store, statuspage.AlertQuery{Tag: tag}) }
	if int64(len(r.before)) >= n.Failures {
		open := alerts()
		if len(open) != 1 {
			t.Errorf("%d alerts before the race, want one", len(open))
			return
		}
		c.incident = *open[0].IncidentID
	}
	var wg sync.WaitGroup
	for i, make := range r.ops {
		f, s := make(c), w.faulty(seed+uint64(i)<<32)
		wg.Go(func() {
			ctx, cancel := background()
			defer cancel()
			if err := f(ctx, s); err != nil {
				t.Errorf("%v", err)
			}
		})
	}
	wg.Wait()
	if r.check != nil {
		r.check(t, w.store, alerts(), listed(t, w.store, statuspage.IncidentQuery{Tags: []string{tag}}))
	}
}

// namedTB puts a name before each error.
type namedTB struct {
	testing.TB
	name string
}

func (n *namedTB) Errorf(format string, args ...any) {
	n.Helper()
	n.TB.Errorf("%s: %s", n.name, fmt.Sprintf(format, args...))
}

func (n *namedTB) Error(args ...any) {
	n.Helper()
	n.TB.Error(append([]any{n.name + ":"}, args...)...)
}

// TestPointAppliedAgain lets a point whose answer was lost be applied a second time, after
// another writer's, while a run that saw its first time is about to open an alert for want
// of data: the run must see that the hour was written since.
func TestPointAppliedAgain(t *testing.T) {
	t.Parallel()
	tb, s := newPoints(t, "a")
	rule := downRule(1, "a")
	rule.Condition = statuspage.Condition{For: statuspage.AlertNoData, Limit: 5, Failures: 1, Successes: 1}
	newRule(t, s, rule)
	old := statuspage.FloorHour(now) + hour
	clock := old + 50*minute
	appliedAgain, judged := make(chan struct{}), make(chan struct{})
	other := make(chan struct{})
	run := tb.Store(&dynamotest.Client{Inject: dynamotest.Before(dynamotest.Writes("ALERT#"), func() {
		set(t, s, clock, up, clock)
		close(other)
		<-appliedAgain
	})})
	tries := 0
	setsThePoint := dynamotest.Writes("HOUR#")
	writer := tb.Store(&dynamotest.Client{Inject: func(operation string, body []byte) dynamotest.Fault {
		if !setsThePoint(operation, body) {
			return dynamotest.None
		}
		if tries++; tries == 1 {
			return dynamotest.LostAnswer
		}
		go func() {
			defer close(judged)
			if _, err := nodata.Run(t.Context(), run, clock); err != nil {
				t.Error(err)
			}
		}()
		select {
		case <-other:
		case <-judged:
			t.Error("the run found nothing to do")
		}
		return dynamotest.None
	}})
	if err := writer.RecordPoint(t.Context(), "a", probe(old, up, 1), clock); err != nil {
		t.Error(err)
	}
	close(appliedAgain)
	<-judged
	if got := alertsOf(t, s, statuspage.AlertQuery{}); tries != 2 || len(got) != 0 {
		t.Errorf("after %d tries, with a point of this minute, the alerts %+v", tries, got)
	}
}

// set sets a point of monitor a.
func set(t *testing.T, s *dynamo.Store, at int64, status statuspage.Status, clock int64) {
	t.Helper()
	if err := s.RecordPoint(t.Context(), "a", probe(at, status, 1), clock); err != nil {
		t.Error(err)
	}
}

// wantOpen asks how many alerts are open.
func wantOpen(t *testing.T, s *dynamo.Store, want int) {
	t.Helper()
	if got := alertsOf(t, s, statuspage.AlertQuery{State: statuspage.Triggered}); len(got) != want {
		t.Errorf("open alerts: %+v, want %d", got, want)
	}
}

// TestOpenAlertsReadBeforeHours lets another writer's point, of the same minute or of the
// one before, come between a judgement's look at the open alerts and its look at the points.
func TestOpenAlertsReadBeforeHours(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name       string
		before     []statuspage.Status
		other, own statuspage.Status
		at         int64 // of its own point
		failures   int64
		wantOpen   int
	}{
		{"it opens", []statuspage.Status{down, down}, down, up, begin, 3, 1},
		{"it is resolved", []statuspage.Status{down, down, down}, up, down, begin, 1, 0},
		{"it would have opened", []statuspage.Status{down, down}, down, up, begin + minute, 3, 0},
		{"it would have been resolved", []statuspage.Status{down, down, down}, up, down, begin + minute, 1, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tb, s := newPoints(t, "a")
			newRule(t, s, downRule(tt.failures, "a"))
			post(t, s, "a", begin-minute, tt.before...)
			marks := make(chan struct{})
			haveMarks := sync.OnceFunc(func() { close(marks) })
			readsMarks := dynamotest.Reads("OPENALERT#")
			client := &dynamotest.Client{
				Answered: func(operation string, body []byte) {
					if readsMarks(operation, body) {
						haveMarks()
					}
				},
				Inject: dynamotest.Before(dynamotest.Reads("HOUR#"), func() {
					<-marks
					set(t, s, begin, tt.other, now+minute)
				}),
			}
			set(t, tb.Store(client), tt.at, tt.own, now+minute)
			wantOpen(t, s, tt.wantOpen)
		})
	}
}

// TestNextMinuteJudgedBefore lets the point of the next minute be set and judged while a
// slow request, whose clock is still in its own minute, judges its point.
func TestNextMinuteJudgedBefore(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		call dynamotest.Match
		at   int64
	}{
		{"before it reads", dynamotest.Reads("RULES"), begin},
		{"before it writes", dynamotest.Writes("ALERT#"), begin},
		{"in the next hour, before it reads", dynamotest.Reads("RULES"), statuspage.FloorHour(begin) + hour - minute},
		{"in the next hour, before it writes", dynamotest.Writes("ALERT#"), statuspage.FloorHour(begin) + hour - minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tb, s := newPoints(t, "a")
			newRule(t, s, downRule(1, "a"))
			post(t, s, "a", tt.at-2*minute, up)
			next := func() {
				set(t, s, tt.at+minute, up, tt.at+minute+1)
			}
			set(t, tb.Store(&dynamotest.Client{Inject: dynamotest.Before(tt.call, next)}), tt.at, down, tt.at+minute-1)
			wantOpen(t, s, 0)
		})
	}
}

// TestInactiveJustNow makes a monitor INACTIVE, for good or for a moment, while the alert
// of a point or of missing data is about to open.
func TestInactiveJustNow(t *testing.T) {
	t.Parallel()
	rule, monitor := dynamotest.Reads("RULES"), dynamotest.Reads("MONITORS")
	for when, call := range map[string]dynamotest.Match{
		"it reads":  func(operation string, body []byte) bool { return rule(operation, body) && monitor(operation, body) },
		"it writes": dynamotest.Writes("ALERT#"),
	} {
		for _, moment := range []bool{false, true} {
			for _, noData := range []bool{false, true} {
				t.Run(fmt.Sprintf("before %s, for a moment %t, missing data %t", when, moment, noData), func(t *testing.T) {
					t.Parallel()
					tb, s := newPoints(t, "a")
					rule := downRule(1, "a")
					if noData {
						rule.Condition = statuspage.Condition{For: statuspage.AlertNoData, Limit: 5, Failures: 1, Successes: 1}
					}
					newRule(t, s, rule)
					post(t, s, "a", now, up)
					store := tb.Store(&dynamotest.Client{Inject: dynamotest.Before(call, func() {
						setStatus(t, s, "a", statuspage.MonitorInactive, now)
						if moment {
							setStatus(t, s, "a", statuspage.MonitorActive, now)
						}
					})})
					if noData {
						if _, err := nodata.Run(t.Context(), store, now+7*minute); err != nil {
							t.Fatal(err)
						}
					} else {
						set(t, store, begin+minute, down, now+minute)
					}
					wantOpen(t, s, map[bool]int{false: 0, true: 1}[moment])
					checkFinished(t, tb)
				})
			}
		}
	}
}

// TestPointsOfTheFuture has a point of the future, which a person has set, in the hour after
// the one of which two writers set the newest minute.
func TestPointsOfTheFuture(t *testing.T) {
	t.Parallel()
	tb, s := newPoints(t, "a")
	newRule(t, s, downRule(1, "a"))
	next := statuspage.FloorHour(begin) + hour
	clock := next + 30
	post(t, s, "a", next-2*minute, up)
	if _, err := s.UpdatePoint(t.Context(), "a", next+30*minute, statuspage.PointPatch{Status: new(up)}, clock); err != nil {
		t.Fatal(err)
	}
	other := func() {
		set(t, s, next-minute, up, clock)
	}
	set(t, tb.Store(&dynamotest.Client{Inject: dynamotest.Before(dynamotest.Writes("ALERT#"), other)}), next-minute, down, clock)
	wantOpen(t, s, 0)
}

// TestFirstPointOfAnHour lets the last minute of the hour before be set before an hour's
// first point, and between that and its judgement.
func TestFirstPointOfAnHour(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]dynamotest.Match{"before it is set": dynamotest.Writes("HOUR#"), "before it is judged": dynamotest.Reads("HOUR#")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tb, s := newPoints(t, "a")
			newRule(t, s, downRule(2, "a"))
			first := statuspage.FloorHour(begin) + hour
			clock := first + 30
			post(t, s, "a", first-2*minute, up)
			other := func() { set(t, s, first-minute, down, clock) }
			set(t, tb.Store(&dynamotest.Client{Inject: dynamotest.Before(call, other)}), first, down, clock)
			wantOpen(t, s, 1)
		})
	}
}

// TestAlertBeforeTheWrite lets another writer's point, of the minute before or of the same
// one, open, or resolve, the alert just before a point's write.
func TestAlertBeforeTheWrite(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name                  string
		before                []statuspage.Status
		other, own            statuspage.Status
		at, clock             int64 // of its own point
		fault                 dynamotest.Fault
		wantOpen, wantAllOver int // alerts
	}{
		{"it opens", []statuspage.Status{down, down}, down, up, begin + minute, now + minute, dynamotest.None, 0, 1},
		{"it opens in the same minute", []statuspage.Status{down, down}, down, up, begin, now + minute, dynamotest.None, 0, 1},
		{"it opens in the same minute of a day that is over", []statuspage.Status{down, down}, down, up, begin, now + 2*day, dynamotest.None, 0, 1},
		{"it is resolved", []statuspage.Status{down, down, down}, up, down, begin + minute, now + minute, dynamotest.None, 1, 2},
		{"it is resolved in the same minute", []statuspage.Status{down, down, down}, up, down, begin, now + minute, dynamotest.None, 1, 2},
		{"it is resolved in the same minute of a day that is over", []statuspage.Status{down, down, down}, up, down, begin, now + 2*day, dynamotest.None, 1, 2},
		{"it opens, and the answer is lost", []statuspage.Status{down, down}, down, up, begin, now + minute, dynamotest.LostAnswer, 0, 1},
		{"it is resolved, and the answer is lost", []statuspage.Status{down, down, down}, up, down, begin, now + minute, dynamotest.LostAnswer, 1, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tb, s := newPoints(t, "a")
			rule := downRule(3, "a")
			if tt.own == down {
				rule.Failures = 1
			}
			newRule(t, s, rule)
			post(t, s, "a", begin-minute, tt.before...)
			var once sync.Once
			setsThePoint := dynamotest.Writes("HOUR#")
			client := &dynamotest.Client{Inject: func(operation string, body []byte) dynamotest.Fault {
				fault := dynamotest.None
				if setsThePoint(operation, body) {
					once.Do(func() {
						fault = tt.fault
						set(t, s, begin, tt.other, tt.clock)
					})
				}
				return fault
			}}
			set(t, tb.Store(client), tt.at, tt.own, tt.clock)
			wantOpen(t, s, tt.wantOpen)
			if got := alertsOf(t, s, statuspage.AlertQuery{}); len(got) != tt.wantAllOver {
				t.Errorf("alerts: %+v", got)
			}
			checkFinished(t, tb)
		})
	}
}
