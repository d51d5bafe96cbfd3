package statuspage_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/opt"
	"tocsin/internal/statuspage"
)

const noon = 1_763_812_800 // 2025-11-22 12:00 UTC

// series makes points a minute apart from noon on: a letter is a status, a number
// after it a latency, a full stop a minute without a point.
func series(text string) []statuspage.Point {
	statuses := map[byte]statuspage.Status{'U': statuspage.StatusUp, 'G': statuspage.StatusDegraded, 'D': statuspage.StatusDown}
	var points []statuspage.Point
	for n, word := range strings.Fields(text) {
		if word == "." {
			continue
		}
		p := statuspage.Point{Time: noon + int64(n)*60, Status: statuses[word[0]]}
		if len(word) > 1 {
			latency := 0.0
			for _, digit := range word[1:] {
				latency = 10*latency + float64(digit-'0')
			}
			p.Latency = &latency
		}
		points = append(points, p)
	}
	return points
}

func TestJudge(t *testing.T) {
	down := statuspage.Condition{For: statuspage.AlertStatus, Status: statuspage.StatusDown, Failures: 3, Successes: 2}
	degraded := statuspage.Condition{For: statuspage.AlertStatus, Status: statuspage.StatusDegraded, Failures: 2, Successes: 1}
	slow := statuspage.Condition{For: statuspage.AlertLatency, Limit: 500, Failures: 2, Successes: 2}
	uptime := statuspage.Condition{For: statuspage.AlertUptime, Limit: 75, Failures: 4, Successes: 2}
	quickToFail := statuspage.Condition{For: statuspage.AlertUptime, Limit: 75, Failures: 2, Successes: 4}
	noData := statuspage.Condition{For: statuspage.AlertNoData, Limit: 5, Failures: 1, Successes: 1}
	for _, tt := range []struct {
		name      string
		condition statuspage.Condition
		points    string
		want      statuspage.Verdict
		since     int // place of the first point that it rests on
		reason    string
	}{
		{"no point", down, "", statuspage.Undecided, 0, ""},
		{"one short of the threshold", down, "U D D", statuspage.Undecided, 0, ""},
		{"the threshold", down, "U D D D", statuspage.Failing, 1, "status DOWN in the last 3 recorded minutes, 2025-11-22 12:01 UTC to 2025-11-22 12:03 UTC"},
		{"fewer points than the threshold", down, "D D", statuspage.Undecided, 0, ""},
		{"not in a row", down, "D D U D", statuspage.Undecided, 0, ""},
		{"degraded is not down", down, "D D G", statuspage.Undecided, 0, ""},
		{"one short of recovery", down, "D D D U", statuspage.Undecided, 0, ""},
		{"recovery", down, "D D D U G", statuspage.Recovered, 3, "status DEGRADED and UP in the last 2 recorded minutes, 2025-11-22 12:03 UTC to 2025-11-22 12:04 UTC"},
		{"down is degraded too", degraded, "G D", statuspage.Failing, 0, "status DOWN and DEGRADED in the last 2 recorded minutes, 2025-11-22 12:00 UTC to 2025-11-22 12:01 UTC"},
		{"up after degraded", degraded, "G G U", statuspage.Recovered, 2, "status UP in the minute 2025-11-22 12:02 UTC"},
		{"at the limit", slow, "U500 U501", statuspage.Undecided, 0, ""},
		{"above the limit", slow, "U501 U700", statuspage.Failing, 0, "latency 600.5 ms on average and 700 ms at most, limit 500 ms, in the last 2 recorded minutes, 2025-11-22 12:00 UTC to 2025-11-22 12:01 UTC"},
		{"without a latency", slow, "U501 D U502 D", statuspage.Failing, 0, "latency 501.5 ms on average and 502 ms at most, limit 500 ms, in the last 2 recorded minutes, 2025-11-22 12:00 UTC to 2025-11-22 12:02 UTC"},
		{"fast again", slow, "U501 U700 U500 U0", statuspage.Recovered, 2, "latency 250 ms on average and 500 ms at most, limit 500 ms, in the last 2 recorded minutes, 2025-11-22 12:02 UTC to 2025-11-22 12:03 UTC"},
		{"uptime at the limit", uptime, "U U D U", statuspage.Undecided, 0, ""},
		{"uptime below the limit", uptime, "U U D D", statuspage.Failing, 0, "uptime 50 %, limit 75 %, in the last 4 recorded minutes, 2025-11-22 12:00 UTC to 2025-11-22 12:03 UTC"},
		{"still below the limit", uptime, "D U D U U", statuspage.Recovered, 3, "uptime 100 %, limit 75 %, in the last 2 recorded minutes, 2025-11-22 12:03 UTC to 2025-11-22 12:04 UTC"},
		{"good of late and not over all", uptime, "D D U U", statuspage.Failing, 0, "uptime 50 %, limit 75 %, in the last 4 recorded minutes, 2025-11-22 12:00 UTC to 2025-11-22 12:03 UTC"},
		{"too few points to fail, enough to recover", uptime, "U U", statuspage.Recovered, 0, "uptime 100 %, limit 75 %, in the last 2 recorded minutes, 2025-11-22 12:00 UTC to 2025-11-22 12:01 UTC"},
		{"good of late, not yet for long", quickToFail, "D D U U", statuspage.Undecided, 0, ""},
		{"good for long", quickToFail, "D D U U U", statuspage.Recovered, 1, "uptime 75 %, limit 75 %, in the last 4 recorded minutes, 2025-11-22 12:01 UTC to 2025-11-22 12:04 UTC"},
		{"good for long, bad of late", quickToFail, "U U U D", statuspage.Failing, 2, "uptime 50 %, limit 75 %, in the last 2 recorded minutes, 2025-11-22 12:02 UTC to 2025-11-22 12:03 UTC"},
		{"degraded counts as up", uptime, "G G G U", statuspage.Recovered, 2, "uptime 100 %, limit 75 %, in the last 2 recorded minutes, 2025-11-22 12:02 UTC to 2025-11-22 12:03 UTC"},
		{"points say nothing of missing data", noData, "D D D D D D D", statuspage.Undecided, 0, ""},
	} {
		got := tt.condition.Judge(series(tt.points), statuspage.DefaultFormula)
		want := statuspage.Judgement{Verdict: tt.want, Reason: tt.reason}
		if tt.want != statuspage.Undecided {
			want.Since = noon + int64(tt.since)*60
		}
		if got != want {
			t.Errorf("%s:\n got %+v\nwant %+v", tt.name, got, want)
		}
	}
	if got := uptime.Judge(series("G G G U"), statuspage.StrictFormula).Verdict; got != statuspage.Failing {
		t.Errorf("degraded counted as downtime: verdict %d, want failing", got)
	}
}

// TestJudgeByCounting compares the judgement of a rule about statuses with one that
// counts the points at the end one by one.
func TestJudgeByCounting(t *testing.T) {
	for seed := range uint64(20_000) {
		random := rand.New(rand.NewPCG(seed, 0))
		c := statuspage.Condition{For: statuspage.AlertStatus, Status: statuspage.StatusDown, Failures: 1 + random.Int64N(5), Successes: 1 + random.Int64N(5)}
		if random.IntN(2) == 0 {
			c.Status = statuspage.StatusDegraded
		}
		var word []string
		for range random.IntN(12) {
			word = append(word, string("UUGD"[random.IntN(4)]))
		}
		points := series(strings.Join(word, " "))
		failing, good := int64(0), int64(0)
		for _, w := range word {
			if w == "D" || w == "G" && c.Status == statuspage.StatusDegraded {
				failing, good = failing+1, 0
			} else {
				failing, good = 0, good+1
			}
		}
		want := statuspage.Undecided
		if failing >= c.Failures {
			want = statuspage.Failing
		} else if good >= c.Successes {
			want = statuspage.Recovered
		}
		if got := c.Judge(points, statuspage.DefaultFormula).Verdict; got != want {
			t.Fatalf("%+v on %v: verdict %d, want %d", c, word, got, want)
		}
	}
}

func TestJudgeNoData(t *testing.T) {
	r := statuspage.AlertRule{Condition: statuspage.Condition{For: statuspage.AlertNoData, Limit: 5}, Created: noon + 59}
	point := &statuspage.Point{Time: noon}
	for _, tt := range []struct {
		name   string
		newest *statuspage.Point
		now    int64
		want   statuspage.Judgement
	}{
		{"the same minute", point, noon + 59, statuspage.Judgement{Verdict: statuspage.Recovered, Since: noon, Reason: "there is a point of 2025-11-22 12:00 UTC"}},
		{"a second before five whole minutes", point, noon + 359, statuspage.Judgement{Verdict: statuspage.Recovered, Since: noon, Reason: "there is a point of 2025-11-22 12:00 UTC"}},
		{"five whole minutes", point, noon + 360, statuspage.Judgement{Verdict: statuspage.Failing, Since: noon + 60, Reason: "no data for 5 minutes, the newest point is of 2025-11-22 12:00 UTC"}},
		{"no point yet", nil, noon + 359, statuspage.Judgement{}},
		{"no point", nil, noon + 360, statuspage.Judgement{Verdict: statuspage.Failing, Since: noon + 60, Reason: "no data for 5 minutes, there is no point since the rule was made at 2025-11-22 12:00 UTC"}},
	} {
		if got := r.JudgeNoData(tt.newest, statuspage.Overlay{}, tt.now); got != tt.want {
			t.Errorf("%s:\n got %+v\nwant %+v", tt.name, got, tt.want)
		}
	}
}

// Silence counts from the end of the last maintenance on, and only a point ends it.
func TestJudgeNoDataAfterAMaintenance(t *testing.T) {
	r := statuspage.AlertRule{Condition: statuspage.Condition{For: statuspage.AlertNoData, Limit: 5}, Created: noon}
	overlay := func(now int64) statuspage.Overlay {
		return statuspage.OverlayOf([]statuspage.Window{{From: noon + 120, To: noon + 600, Impact: statuspage.Degraded}, {From: noon + 60, To: noon + 6000, Impact: statuspage.Up}}, now)
	}
	for _, tt := range []struct {
		name   string
		newest *statuspage.Point
		now    int64
		want   statuspage.Judgement
	}{
		{"in it", &statuspage.Point{Time: noon}, noon + 599, statuspage.Judgement{}},
		{"five whole minutes after it, but for a second", &statuspage.Point{Time: noon}, noon + 899, statuspage.Judgement{}},
		{"five whole minutes after it", &statuspage.Point{Time: noon}, noon + 900, statuspage.Judgement{
			Verdict: statuspage.Failing, Since: noon + 600, Reason: "no data for 5 minutes, the newest point is of 2025-11-22 12:00 UTC, the last maintenance ended at 2025-11-22 12:10 UTC",
		}},
		{"never a point", nil, noon + 900, statuspage.Judgement{
			Verdict: statuspage.Failing, Since: noon + 600, Reason: "no data for 5 minutes, there is no point since the rule was made at 2025-11-22 12:00 UTC, the last maintenance ended at 2025-11-22 12:10 UTC",
		}},
		{"a point after it", &statuspage.Point{Time: noon + 660}, noon + 1019, statuspage.Judgement{Verdict: statuspage.Recovered, Since: noon + 660, Reason: "there is a point of 2025-11-22 12:11 UTC"}},
		{"silence after that", &statuspage.Point{Time: noon + 660}, noon + 1020, statuspage.Judgement{Verdict: statuspage.Failing, Since: noon + 720, Reason: "no data for 5 minutes, the newest point is of 2025-11-22 12:11 UTC"}},
	} {
		if got := r.JudgeNoData(tt.newest, overlay(tt.now), tt.now); got != tt.want {
			t.Errorf("%s:\n got %+v\nwant %+v", tt.name, got, tt.want)
		}
	}
}

func TestConditionCheck(t *testing.T) {
	for _, tt := range []struct {
		condition statuspage.Condition
		want      string
	}{
		{statuspage.Condition{For: statuspage.AlertStatus, Status: statuspage.StatusDown}, ""},
		{statuspage.Condition{For: statuspage.AlertStatus, Status: statuspage.StatusDegraded}, ""},
		{statuspage.Condition{For: statuspage.AlertStatus, Status: statuspage.StatusUp}, "A rule about a status is about DOWN or DEGRADED"},
		{statuspage.Condition{For: statuspage.AlertStatus, Limit: 5}, "A rule about a status is about DOWN or DEGRADED"},
		{statuspage.Condition{For: statuspage.AlertLatency, Limit: 0.5}, ""},
		{statuspage.Condition{For: statuspage.AlertLatency, Limit: 1e9}, ""},
		{statuspage.Condition{For: statuspage.AlertLatency, Limit: 0}, "The limit of a latency must be above 0 and at most 1000000000 milliseconds"},
		{statuspage.Condition{For: statuspage.AlertLatency, Status: statuspage.StatusDown}, "The limit of a latency must be above 0 and at most 1000000000 milliseconds"},
		{statuspage.Condition{For: statuspage.AlertUptime, Limit: 100}, ""},
		{statuspage.Condition{For: statuspage.AlertUptime, Limit: 100.5}, "The limit of an uptime must be a percentage above 0 and at most 100"},
		{statuspage.Condition{For: statuspage.AlertNoData, Limit: 1}, ""},
		{statuspage.Condition{For: statuspage.AlertNoData, Limit: 43200}, ""},
		{statuspage.Condition{For: statuspage.AlertNoData, Limit: 43201}, "The limit of missing data must be a whole number of minutes from 1 to 43200"},
		{statuspage.Condition{For: statuspage.AlertNoData, Limit: 1.5}, "The limit of missing data must be a whole number of minutes from 1 to 43200"},
	} {
		got := ""
		if err := tt.condition.Check(); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.condition, got, tt.want)
		}
	}
}

// A patch of the kind without a value of that kind is refused, whatever the value
// was before.
func TestApplyToAlertRule(t *testing.T) {
	r := statuspage.AlertRule{Condition: statuspage.Condition{For: statuspage.AlertStatus, Status: statuspage.StatusDown, Failures: 1, Successes: 1}}
	if _, err := r.Apply(statuspage.AlertRulePatch{For: opt.Value(statuspage.AlertLatency)}, 0); err == nil {
		t.Error("a status became a latency")
	}
	next, err := r.Apply(statuspage.AlertRulePatch{For: opt.Value(statuspage.AlertLatency), Limit: opt.Value(5.0)}, 7)
	if err != nil || next.Limit != 5 || next.Status != "" || next.Updated != 7 || next.Version != 1 {
		t.Errorf("%+v, %v", next, err)
	}
	if _, err := next.Apply(statuspage.AlertRulePatch{Status: opt.Value(statuspage.StatusDown)}, 0); err == nil {
		t.Error("a latency became a status")
	}
}

func TestIncidentTitleOfAlert(t *testing.T) {
	r := statuspage.AlertRule{Condition: statuspage.Condition{For: statuspage.AlertStatus, Status: statuspage.StatusDown}}
	if got := r.IncidentTitle("Earth"); got != "Earth STATUS: DOWN" {
		t.Errorf("title %q", got)
	}
	for _, tt := range []struct{ name, want string }{
		{strings.Repeat("n", 255-13), strings.Repeat("n", 255-13)}, // the rest has 13
		{strings.Repeat("n", 255-12), strings.Repeat("n", 255-14) + "…"},
		{strings.Repeat("n", 255), strings.Repeat("n", 255-14) + "…"},
		{strings.Repeat("𝛼", 127), strings.Repeat("𝛼", 120) + "…"},
		{strings.Repeat("n", 240) + " " + strings.Repeat("n", 14), strings.Repeat("n", 240) + "…"},
	} {
		got := r.IncidentTitle(tt.name)
		if want := tt.want + " STATUS: DOWN"; got != want || statuspage.Length(got) > statuspage.MaxTitle {
			t.Errorf("a name of %d: a title of %d units:\n got %q\nwant %q", statuspage.Length(tt.name), statuspage.Length(got), got, want)
		}
	}
	r.Condition = statuspage.Condition{For: statuspage.AlertUptime, Limit: 99.5}
	if got := r.IncidentTitle("Earth"); got != "Earth UPTIME: 99.5" {
		t.Errorf("title %q", got)
	}
}

func TestAlertRuleMade(t *testing.T) {
	n := statuspage.NewAlertRule{
		Condition: statuspage.Condition{For: statuspage.AlertLatency, Limit: 500, Failures: 3, Successes: 2}, Tags: []string{"a"},
		Severity: statuspage.Warning, CreateIncident: true, Description: new("d"), Active: true,
	}
	monitors := []statuspage.RuleMonitor{{Tag: "a", MonitorID: 1}}
	got, err := n.Made(4, monitors, noon)
	want := statuspage.AlertRule{
		ID: 4, Condition: n.Condition, Monitors: monitors, Severity: "WARNING", CreateIncident: true, Description: new("d"), Active: true,
		Created: noon, Updated: noon, Version: 1,
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	n.Limit = 0
	if got, err := n.Made(4, monitors, noon); err == nil || !cmp.Equal(statuspage.AlertRule{}, got) {
		t.Errorf("a limit of 0: %+v, %v", got, err)
	}
}

func TestFired(t *testing.T) {
	r := statuspage.AlertRule{
		ID: 4, Condition: statuspage.Condition{For: statuspage.AlertStatus, Status: statuspage.StatusDegraded, Failures: 3, Successes: 2},
		Monitors: []statuspage.RuleMonitor{{Tag: "a", MonitorID: 1}}, Severity: statuspage.Critical, CreateIncident: true, Description: new("d"), Active: true,
		Created: 1, Updated: 2, Version: 3,
	}
	m := statuspage.Monitor{ID: 1, Tag: "a", Name: "A", Version: 9}
	j := statuspage.Judgement{Verdict: statuspage.Failing, Since: noon - 120, Reason: "status DOWN"}
	ids := statuspage.FiringIDs{Alert: 5, Incident: 6, Comment: 7}
	now := int64(noon + 59)
	want := statuspage.Firing{
		Alert: statuspage.Alert{
			ID: 5, RuleID: 4, Tag: "a", MonitorID: 1, Condition: statuspage.Condition{For: "STATUS", Status: "DEGRADED"}, Severity: "CRITICAL", State: "TRIGGERED",
			IncidentID: at(6), Created: now, Updated: now, Version: 1,
		},
		Incident: &statuspage.Incident{
			ID: 6, Title: "A STATUS: DEGRADED", Start: noon - 120, State: "INVESTIGATING", Type: "INCIDENT", Source: "ALERT", AlertID: at(5), AlertMonitorID: 1,
			Monitors: []statuspage.AffectedMonitor{{Tag: "a", MonitorID: 1, Impact: "DEGRADED"}}, Created: now, Updated: now, Version: 1,
		},
		Comment: &statuspage.Comment{
			ID: 7, IncidentID: 6, Text: "Opened automatically by alert rule 4: status DOWN.\n\nd", Time: noon, State: "INVESTIGATING",
			Created: now, Updated: now, Version: 1,
		},
		Outage: statuspage.Outage{IncidentID: 6, Start: noon - 120, Version: 1},
	}
	if diff := cmp.Diff(want, r.Fired(m, j, ids, now)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	r.CreateIncident = false
	want.Alert.IncidentID, want.Incident, want.Comment, want.Outage = nil, nil, nil, statuspage.Outage{}
	if diff := cmp.Diff(want, r.Fired(m, j, statuspage.FiringIDs{Alert: 5}, now)); diff != "" {
		t.Errorf("without an incident (-want +got):\n%s", diff)
	}
}

func TestAlertEnded(t *testing.T) {
	alert := func() statuspage.Alert {
		return statuspage.Alert{
			ID: 5, RuleID: 4, Tag: "a", MonitorID: 1, Condition: statuspage.Condition{For: "UPTIME", Limit: 99}, Severity: "WARNING", State: "TRIGGERED",
			IncidentID: at(6), Created: 1, Updated: 2, Version: 3,
		}
	}
	before, want := alert(), alert()
	want.State, want.Resolved, want.Updated, want.Version = "RESOLVED", at(noon), noon, 4
	if diff := cmp.Diff(want, before.Ended(noon)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(alert(), before); diff != "" {
		t.Errorf("the alert was changed (-before +after):\n%s", diff)
	}
}

func TestRecoveryComment(t *testing.T) {
	for _, start := range []int64{noon - 600, noon, noon + 600} { // still to start
		i := statuspage.Incident{ID: 6, Start: start, State: "INVESTIGATING"}
		want := statuspage.Comment{
			ID: 8, IncidentID: 6, Text: "Resolved automatically by alert rule 4: status UP.", Time: noon, State: "RESOLVED",
			Created: noon + 59, Updated: noon + 59, Version: 1,
		}
		if diff := cmp.Diff(want, i.RecoveryComment(8, 4, statuspage.Judgement{Reason: "status UP"}, noon+59)); diff != "" {
			t.Errorf("start %d (-want +got):\n%s", start, diff)
		}
	}
}

func TestRecovered(t *testing.T) {
	for _, tt := range []struct {
		name           string
		start, seconds int64
		end            *int64
		endSeconds     int64
		want           int64
		wantSeconds    int64
	}{
		{"after the start", noon - 600, 0, nil, 0, noon, 0},
		{"where it starts", noon, 0, nil, 0, noon, 0},
		{"before it starts", noon + 600, 0, nil, 0, noon + 600, 0},
		{"an end ahead", noon - 600, 0, at(noon + 1260), 0, noon, 0},
		{"an end ahead by a second", noon - 600, 0, at(noon + 1200), 60, noon, 0},
		{"an end that has passed", noon - 600, 0, at(noon + 1200), 59, noon + 1200, 59},
		{"an early end", noon - 600, 0, at(noon - 60), 0, noon - 60, 0},
		{"a start to the second", noon - 600, 30, nil, 0, noon, 0},
		{"in the minute of such a start", noon, 30, nil, 0, noon, 30},
		{"before the minute of such a start", noon + 60, 30, at(noon + 1800), 5, noon + 60, 30},
	} {
		i := statuspage.Incident{
			ID: 6, Start: tt.start, End: tt.end, State: "IDENTIFIED", Created: 1, Updated: 2, Version: 3, Warning: &statuspage.CloserWarning{},
			Legacy: statuspage.LegacyFields{StartSeconds: tt.seconds, EndSeconds: tt.endSeconds, Identified: true},
		}
		want := i
		want.State, want.End, want.Closed, want.Updated, want.Version, want.Warning = "RESOLVED", &tt.want, at(noon+1259), noon+1259, 4, nil
		want.Legacy.EndSeconds = tt.wantSeconds
		if diff := cmp.Diff(want, i.Recovered(noon, noon+1259)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// The points are those of series; start and want are places among them.
func TestRecoveredAt(t *testing.T) {
	rule := func(what statuspage.AlertFor, status statuspage.Status, limit float64, failures, successes int64) statuspage.Condition {
		return statuspage.Condition{For: what, Status: status, Limit: limit, Failures: failures, Successes: successes}
	}
	down, degraded := rule("STATUS", "DOWN", 0, 2, 2), rule("STATUS", "DEGRADED", 0, 1, 1)
	slow, noData := rule("LATENCY", "", 500, 1, 2), rule("NO_DATA", "", 3, 1, 1)
	for _, tt := range []struct {
		name      string
		condition statuspage.Condition
		points    string
		start     int
		want      int
		enough    bool
	}{
		{"the last point", degraded, "D D U", 0, 2, true},
		{"some points", degraded, "D D U U U", 0, 2, true},
		{"as many as it takes", down, "D D U G", 0, 2, true},
		{"more than it takes", down, "D D U G U U", 0, 2, true},
		{"not the first try", down, "D D U D U U U", 0, 4, true},
		{"degraded is not down", down, "D G U U", 0, 1, true},
		{"degraded is degraded", degraded, "D G U U", 0, 2, true},
		{"no point fails any more", down, "U U U U", 1, 1, true},
		{"one before it would tell", down, "G U U", -1, 0, false},
		{"one before the start does not count", down, "D U U U", 2, 2, true},
		{"it is still to start", down, "D U U", 9, 9, true},
		{"fast again", slow, "U600 U500 U1", 0, 1, true},
		{"points without a latency", slow, "U600 U D U500 U U1 D", 0, 3, true},
		{"slow before", slow, "U600 U1 U600 U2 U3 U4", 0, 3, true},
		{"fast as far as is known", slow, "U U1 U2", -5, 1, false},
		{"the first after the silence", noData, "D . . . U U U", 1, 4, true},
		{"a silence too short", noData, "D . . . U . . U U", 1, 4, true},
		{"of two silences the second", noData, "D . . . U . . . U", 1, 8, true},
		{"silence before what is known", noData, "U U U", -9, 0, false},
		{"the first ever", noData, ". . . . U U", 0, 4, false},
		{"filled since", noData, "U U U U U U", 1, 1, true},
		{"uptime", rule("UPTIME", "", 75, 4, 2), "U D U D U U U", 0, 4, true},
		{"uptime, the longer run", rule("UPTIME", "", 75, 4, 4), "U D U D U U U U U", 0, 4, true},
		{"uptime that allows for some", rule("UPTIME", "", 50, 4, 4), "D D D D U U", 0, 4, true},
		{"uptime of one run of all", rule("UPTIME", "", 100, 3, 3), "U D U U U", 0, 2, true},
		{"uptime with a down point since", rule("UPTIME", "", 75, 4, 4), "D D U U U D", 0, 2, true},
		{"uptime without a failure", rule("UPTIME", "", 75, 4, 2), "U U U U U U", 2, 2, true},
		{"uptime as far as is known", rule("UPTIME", "", 75, 2, 2), "U U U", -3, 0, false},
		{"uptime that fails over many", rule("UPTIME", "", 80, 10, 1), strings.Repeat("U ", 10) + "D D D D D" + strings.Repeat(" U", 8), 10, 15, true},
		{"uptime that fails over some", rule("UPTIME", "", 70, 4, 2), "U U D D U U U", 0, 4, true},
		{"uptime with degraded ones", rule("UPTIME", "", 75, 2, 2), "D D G U", 0, 2, true},
	} {
		at, enough := tt.condition.RecoveredAt(series(tt.points), statuspage.DefaultFormula, noon+int64(tt.start)*60)
		if want := int64(noon + tt.want*60); at != want || enough != tt.enough {
			t.Errorf("%s: place %d, %v, want %d, %v", tt.name, (at-noon)/60, enough, tt.want, tt.enough)
		}
	}
	if at, enough := rule("UPTIME", "", 75, 2, 2).RecoveredAt(series("D D G U U"), statuspage.StrictFormula, noon); at != noon+180 || !enough {
		t.Errorf("degraded counted as downtime: %d, %v", (at-noon)/60, enough)
	}
}

// TestRecoveredAtByJudging gives a rule its points one by one. It recovers at the point that
// RecoveredAt finds when it is judged by the last of all: the first of the newest judgements in
// a row.
func TestRecoveredAtByJudging(t *testing.T) {
	for seed := range uint64(20_000) {
		random := rand.New(rand.NewPCG(seed, 1))
		c := statuspage.Condition{
			For: "STATUS", Status: []statuspage.Status{"DOWN", "DEGRADED"}[random.IntN(2)], Failures: 1 + random.Int64N(4), Successes: 1 + random.Int64N(4),
		}
		if random.IntN(2) == 0 {
			c.For, c.Limit = "LATENCY", 500
		}
		var word []string
		for range 2 + random.IntN(12) {
			word = append(word, []string{"U400", "U", "G600", "D"}[random.IntN(4)])
		}
		points := series(strings.Join(word, " "))
		if c.Judge(points, statuspage.DefaultFormula).Verdict != statuspage.Recovered {
			continue
		}
		want := int64(0)
		for n := range points {
			j := c.Judge(points[:n+1], statuspage.DefaultFormula)
			switch {
			case c.For == "LATENCY" && points[n].Latency == nil: // it says nothing
			case j.Verdict != statuspage.Recovered:
				want = 0
			case want == 0:
				want = j.Since
			}
		}
		if at, _ := c.RecoveredAt(points, statuspage.DefaultFormula, 0); at != want {
			t.Fatalf("%+v on %v: place %d, want %d", c, word, (at-noon)/60, (want-noon)/60)
		}
	}
}

func TestJoined(t *testing.T) {
	r := statuspage.AlertRule{
		ID: 4, Condition: statuspage.Condition{For: statuspage.AlertStatus, Status: statuspage.StatusDown, Failures: 3, Successes: 2},
		Severity: statuspage.Critical, CreateIncident: true, Description: new("d"), Active: true, Version: 3,
	}
	m := statuspage.Monitor{ID: 1, Tag: "a", Name: "A"}
	other := statuspage.AffectedMonitor{Tag: "b", MonitorID: 2, Impact: "UP"}
	on := func(impact statuspage.Impact, others ...statuspage.AffectedMonitor) []statuspage.AffectedMonitor {
		return append(others, statuspage.AffectedMonitor{Tag: "a", MonitorID: 1, Impact: impact})
	}
	incident := func(change func(i *statuspage.Incident)) statuspage.Incident {
		i := statuspage.Incident{
			ID: 6, Title: "T", Start: noon - 60, State: "IDENTIFIED", Source: "ALERT", Monitors: on("DEGRADED"), Created: 1, Updated: 2, Version: 3,
			AlertID: at(1), AlertMonitorID: 1, Warning: &statuspage.CloserWarning{},
		}
		change(&i)
		return i
	}
	now := int64(noon + 59)
	worked := func(i *statuspage.Incident) { i.Updated, i.Version, i.Warning = now, 4, nil }
	passedOver := func(i *statuspage.Incident) { i.Version = 4 }
	for _, tt := range []struct {
		name    string
		is      func(i *statuspage.Incident)
		since   int64
		impact  statuspage.AlertFor // what the rule is about, "": STATUS of DOWN
		becomes func(i *statuspage.Incident)
		comment statuspage.State // "": none
		outage  int64            // its start
	}{
		{"worse", func(i *statuspage.Incident) {}, noon - 60, "", func(i *statuspage.Incident) { worked(i); i.Monitors = on("DOWN") }, "IDENTIFIED", noon - 60},
		{"worse, later", func(i *statuspage.Incident) {}, noon, "", func(i *statuspage.Incident) { worked(i); i.Monitors = on("DOWN") }, "IDENTIFIED", noon - 60},
		{"worse, earlier", func(i *statuspage.Incident) {}, noon - 120, "", func(i *statuspage.Incident) { worked(i); i.Monitors, i.Start = on("DOWN"), noon-120 }, "IDENTIFIED", noon - 120},
		{"less bad", func(i *statuspage.Incident) { i.Monitors = on("DOWN") }, noon, "LATENCY", worked, "IDENTIFIED", noon - 60},
		{"less bad than maintenance", func(i *statuspage.Incident) { i.Monitors = on("MAINTENANCE") }, noon, "LATENCY", worked, "IDENTIFIED", noon - 60},
		{"worse than maintenance", func(i *statuspage.Incident) { i.Monitors = on("MAINTENANCE") }, noon, "", func(i *statuspage.Incident) { worked(i); i.Monitors = on("DOWN") }, "IDENTIFIED", noon - 60},
		{"worse than up", func(i *statuspage.Incident) { i.Monitors = on("UP") }, noon, "LATENCY", func(i *statuspage.Incident) { worked(i); i.Monitors = on("DEGRADED") }, "IDENTIFIED", noon - 60},
		{"among others", func(i *statuspage.Incident) { i.Monitors = on("UP", other) }, noon - 120, "", func(i *statuspage.Incident) { worked(i); i.Monitors = on("DOWN", other) }, "IDENTIFIED", noon - 60},
		{"another start", func(i *statuspage.Incident) { i.Start = noon - 180 }, noon - 240, "", func(i *statuspage.Incident) { worked(i); i.Monitors = on("DOWN") }, "IDENTIFIED", noon - 60},
		{"a start to the second", func(i *statuspage.Incident) { i.Legacy.StartSeconds = 5 }, noon - 240, "", func(i *statuspage.Incident) { worked(i); i.Monitors = on("DOWN") }, "IDENTIFIED", noon - 60},
		{"no start", func(i *statuspage.Incident) { i.Legacy.NoStart = true }, noon - 240, "", func(i *statuspage.Incident) { worked(i); i.Monitors = on("DOWN") }, "IDENTIFIED", noon - 60},
		{"open in the state RESOLVED", func(i *statuspage.Incident) { i.State, i.Legacy.Identified = "RESOLVED", true }, noon, "", func(i *statuspage.Incident) {
			worked(i)
			i.Monitors, i.State, i.Legacy.Identified = on("DOWN"), "INVESTIGATING", false
		}, "INVESTIGATING", noon - 60},
		{"with an end", func(i *statuspage.Incident) { i.End = at(noon + 600) }, noon, "", func(i *statuspage.Incident) { worked(i); i.Monitors = on("DOWN") }, "IDENTIFIED", noon - 60},
		{"closed", func(i *statuspage.Incident) { i.State, i.End, i.Closed = "RESOLVED", at(noon), at(noon) }, noon - 120, "", passedOver, "", noon - 60},
		{"of other monitors", func(i *statuspage.Incident) { i.Monitors = []statuspage.AffectedMonitor{other} }, noon - 120, "", passedOver, "", noon - 60},
		{"of none", func(i *statuspage.Incident) { i.Monitors = nil }, noon - 120, "", passedOver, "", noon - 60},
	} {
		r := r
		if tt.impact != "" {
			r.Condition = statuspage.Condition{For: tt.impact, Limit: 5, Failures: 1, Successes: 1}
		}
		condition := r.Condition
		condition.Failures, condition.Successes = 0, 0
		before, next := incident(tt.is), incident(tt.is)
		tt.becomes(&next)
		want := statuspage.Firing{
			Alert: statuspage.Alert{
				ID: 5, RuleID: 4, Tag: "a", MonitorID: 1, Condition: condition, Severity: "CRITICAL", State: "TRIGGERED", IncidentID: at(6), Created: now, Updated: now, Version: 1,
			},
			Incident: &next, Outage: statuspage.Outage{IncidentID: 6, Start: tt.outage, Recovered: 7, Version: 9},
		}
		if tt.comment != "" {
			want.Comment = &statuspage.Comment{ID: 7, IncidentID: 6, Text: "Found by alert rule 4 too: status DOWN.", Time: noon, State: tt.comment, Created: now, Updated: now, Version: 1}
		}
		j := statuspage.Judgement{Verdict: statuspage.Failing, Since: tt.since, Reason: "status DOWN"}
		o := statuspage.Outage{IncidentID: 6, Start: noon - 60, Recovered: 7, Version: 8}
		if diff := cmp.Diff(want, r.Joined(m, j, before, o, statuspage.FiringIDs{Alert: 5, Comment: 7}, now)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		if diff := cmp.Diff(incident(tt.is), before); diff != "" {
			t.Errorf("%s: the incident was changed (-before +after):\n%s", tt.name, diff)
		}
	}
}

func TestOutageLeft(t *testing.T) {
	o := statuspage.Outage{IncidentID: 6, Start: noon, Version: 1}
	for n, tt := range []struct{ recovered, want int64 }{{0, 0}, {noon + 120, noon + 120}, {noon + 60, noon + 120}, {0, noon + 120}, {noon + 180, noon + 180}} {
		o = o.Left(tt.recovered)
		if want := (statuspage.Outage{IncidentID: 6, Start: noon, Recovered: tt.want, Version: int64(n) + 2}); o != want {
			t.Errorf("after %d: %+v, want %+v", tt.recovered, o, want)
		}
	}
}
