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
// after it a latency.
func series(text string) []statuspage.Point {
	statuses := map[byte]statuspage.Status{'U': statuspage.StatusUp, 'G': statuspage.StatusDegraded, 'D': statuspage.StatusDown}
	var points []statuspage.Point
	for n, word := range strings.Fields(text) {
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
		{"degraded counts as up", uptime, "G G G U", statuspage.Recovered, 2, "uptime 100 %, limit 75 %, in the last 2 recorded minutes, 2025-11-22 12:02 UTC to 2025-11-22 12:03 UTC"},
		{"points say nothing of missing data", noData, "D D D D D D D", statuspage.Undecided, 0, ""},
	} {
		got := tt.condition.Judge(series(tt.points), false)
		want := statuspage.Judgement{Verdict: tt.want, Reason: tt.reason}
		if tt.want != statuspage.Undecided {
			want.Since = noon + int64(tt.since)*60
		}
		if got != want {
			t.Errorf("%s:\n got %+v\nwant %+v", tt.name, got, want)
		}
	}
	if got := uptime.Judge(series("G G G U"), true).Verdict; got != statuspage.Failing {
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
		if got := c.Judge(points, false).Verdict; got != want {
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
		if got := r.JudgeNoData(tt.newest, tt.now); got != tt.want {
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
			ID: 6, Title: "A STATUS: DEGRADED", Start: noon - 120, State: "INVESTIGATING", Type: "INCIDENT", Source: "ALERT", AlertID: at(5),
			Monitors: []statuspage.AffectedMonitor{{Tag: "a", MonitorID: 1, Impact: "DEGRADED"}}, Created: now, Updated: now, Version: 1,
		},
		Opening: statuspage.Comment{
			ID: 7, IncidentID: 6, Text: "Opened automatically by alert rule 4: status DOWN.\n\nd", Time: noon, State: "INVESTIGATING",
			Created: now, Updated: now, Version: 1,
		},
	}
	if diff := cmp.Diff(want, r.Fired(m, j, ids, now)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	r.CreateIncident = false
	want.Alert.IncidentID, want.Incident, want.Opening = nil, nil, statuspage.Comment{}
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
	for _, tt := range []struct {
		name        string
		start, want int64
	}{
		{"of this minute", noon - 600, noon},
		{"started this minute", noon, noon},
		{"still to start", noon + 600, noon + 600},
	} {
		i := statuspage.Incident{ID: 6, Start: tt.start, State: "INVESTIGATING"}
		want := statuspage.Comment{
			ID: 8, IncidentID: 6, Text: "Resolved automatically by alert rule 4: status UP.", Time: tt.want, State: "RESOLVED",
			Created: noon + 59, Updated: noon + 59, Version: 1,
		}
		if diff := cmp.Diff(want, i.RecoveryComment(8, 4, statuspage.Judgement{Reason: "status UP"}, noon+59)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}
