package definitions_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/definitions"
	"tocsin/internal/dynamo"
	"tocsin/internal/dynamotest"
	"tocsin/internal/statuspage"
)

const now = 1_764_000_000 // UTC seconds

func TestMain(m *testing.M) { dynamotest.Main(m) }

// newStore returns a store with the monitors earth and google.
func newStore(t *testing.T) *dynamo.Store {
	t.Helper()
	s := dynamotest.NewTable(t).Store(nil)
	for _, m := range [][2]string{{"earth", "Earth"}, {"google", "Google"}} {
		if _, err := s.CreateMonitor(t.Context(), statuspage.NewMonitor(m[0], m[1]), now, nil); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// applied returns the lines of an application of the text, and its error's last.
func applied(t *testing.T, s definitions.Store, text string, dryRun bool) string {
	t.Helper()
	d, err := definitions.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	if err := d.Apply(t.Context(), s, now+60, definitions.Options{DryRun: dryRun, Line: func(line string) { lines.WriteString(line + "\n") }}); err != nil {
		lines.WriteString("error: " + err.Error() + "\n")
	}
	return lines.String()
}

func TestMonitors(t *testing.T) {
	s := newStore(t)
	const first = `
monitors:
  - {tag: earth, name: Mother Earth, cron: "* * * * *"}   # an example monitor
  - tag: mars
    name: Mars
    include_degraded_in_downtime: "YES"
    type_data: {url: https://mars.example, timeout: 5}
  - {tag: google, name: Google}                           # as it is
`
	want := `~ monitor earth: cron null → "* * * * *", name "Earth" → "Mother Earth"
+ monitor mars
monitors: 1 made, 1 changed, 1 as they should be`
	for _, tt := range []struct {
		dryRun bool
		want   string
	}{
		{true, want + " (dry run: nothing was written)\n"},
		{false, want + "\n"},
		{false, "monitors: 0 made, 0 changed, 3 as they should be\n"},
	} {
		if diff := cmp.Diff(tt.want, applied(t, s, first, tt.dryRun)); diff != "" {
			t.Errorf("dry run %t (-want +got):\n%s", tt.dryRun, diff)
		}
	}
	const second = "monitors: [{tag: mars, name: Mars, include_degraded_in_downtime: 'NO', cron: null, type_data: {timeout: 9}}]"
	want = `~ monitor mars: include_degraded_in_downtime "YES" → "NO", type_data (not shown)
monitors: 0 made, 1 changed, 0 as they should be
`
	if diff := cmp.Diff(want, applied(t, s, second, false)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestAlertRules makes rules about a monitor that is there and one of the same
// file, applies them again, and changes them.
func TestAlertRules(t *testing.T) {
	s := newStore(t)
	applying := func(name, text, want string, dryRun bool) {
		t.Helper()
		if diff := cmp.Diff(want, applied(t, s, text, dryRun)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	const first = `
monitors: [{tag: mars, name: Mars}]
alert_rules:
  - alert_for: STATUS
    alert_value: DOWN
    monitor_tags: [mars, earth, mars]
    failure_threshold: 3
    create_incident: true
  - {alert_for: STATUS, alert_value: DEGRADED, monitor_tags: [earth, mars], severity: WARNING, is_active: false}
  - {alert_for: LATENCY, alert_value: 800.5, monitor_tags: [google]}
`
	want := `+ monitor mars
monitors: 1 made, 0 changed, 0 as they should be
+ alert rule STATUS CRITICAL of earth, mars: DOWN
+ alert rule STATUS WARNING of earth, mars: DEGRADED
+ alert rule LATENCY CRITICAL of google: 800.5
alert rules: 3 made, 0 changed, 0 as they should be
`
	dry := strings.ReplaceAll(want, "as they should be", "as they should be (dry run: nothing was written)")
	applying("dry run", first, dry, true)
	applying("first", first, want, false)
	applying("again", first, "monitors: 0 made, 0 changed, 1 as they should be\nalert rules: 0 made, 0 changed, 3 as they should be\n", false)

	const second = `
alert_rules:
  - {alert_for: STATUS, alert_value: DEGRADED, monitor_tags: [earth, mars], failure_threshold: 5, description: Call Ada.}  # the tags in another order
  - {alert_for: LATENCY, alert_value: 900, monitor_tags: [google]}
  - {alert_for: LATENCY, alert_value: 900, monitor_tags: [google, earth]}
`
	want = `monitors: 0 made, 0 changed, 0 as they should be
~ alert rule 1, STATUS CRITICAL of earth, mars: alert_value "DOWN" → "DEGRADED", description null → "Call Ada.", failure_threshold 3 → 5
~ alert rule 3, LATENCY CRITICAL of google: alert_value 800.5 → 900
+ alert rule LATENCY CRITICAL of earth, google: 900
alert rules: 1 made, 2 changed, 0 as they should be
`
	applying("dry run of the second", second, strings.ReplaceAll(want, "as they should be", "as they should be (dry run: nothing was written)"), true)
	applying("second", second, want, false)
	applying("second again", second, "monitors: 0 made, 0 changed, 0 as they should be\nalert rules: 0 made, 0 changed, 3 as they should be\n", false)

	// What the file does not name stays, and nothing is deleted.
	var got []string
	if _, err := s.AlertRules(t.Context(), statuspage.AlertRuleQuery{Limit: 10}, func(r statuspage.AlertRule) bool {
		tags := make([]string, len(r.Monitors))
		for n, m := range r.Monitors {
			tags[n] = m.Tag
		}
		got = append(got, fmt.Sprintf("%d %s %s %d %s %t %t", r.ID, r.Value(), tags, r.Failures, r.Severity, r.CreateIncident, r.Active))
		return true
	}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{
		"4 900 [google earth] 1 CRITICAL false true", "3 900 [google] 1 CRITICAL false true", "2 DEGRADED [earth mars] 1 WARNING false false", "1 DEGRADED [mars earth] 5 CRITICAL true true",
	}, got); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}

	// What can't be done is found before anything is.
	const unknown = "monitors: [{tag: venus, name: Venus}]\nalert_rules: [{alert_for: NO_DATA, alert_value: 5, monitor_tags: [venus, pluto]}]"
	applying("unknown monitor", unknown, "error: alert rule 1: Monitor with tag 'pluto' not found\n", false)
	applying("unknown monitor, dry run", unknown, "error: alert rule 1: Monitor with tag 'pluto' not found\n", true)
	if _, err := s.CreateAlertRule(t.Context(), statuspage.NewAlertRule{
		Condition: statuspage.Condition{For: statuspage.AlertLatency, Limit: 1, Failures: 1, Successes: 1}, Tags: []string{"google"}, Severity: statuspage.Critical, Active: true,
	}, now, nil); err != nil {
		t.Fatal(err)
	}
	applying("two of a kind", "monitors: [{tag: venus, name: Venus}]\n"+second[1:], "error: alert rule 2: there are two for LATENCY CRITICAL of google, 3 and 5: delete or change one of them\n", false)
	if _, err := s.Monitor(t.Context(), "venus"); !errors.Is(err, statuspage.MonitorNotFound("venus")) {
		t.Errorf("venus: %v", err)
	}
}

// A file with a mistake in it does nothing, and says where the mistake is.
func TestMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"monitors: [{tag: a, name: A}, {tag: b}]":          "monitor 2: Name is required and must be a non-empty string",
		"monitors: [{tag: A, name: A}]":                    "monitor 1: Tag must be URL-friendly",
		"monitors: [{tag: a, name: A, latency: 5}]":        "monitor 1: unknown field latency: there are tag, name,",
		"monitors: [{tag: a, name: A}, {tag: a, name: B}]": "monitor 2: the tag a is there twice",
		"monitors: [{tag: a, name: A, image: 5}]":          "monitor 1: image must be a string",
		"monitors: [{tag: a, name: A, type_data: {1: 2}}]": "monitor 1: ",
		"pages: []": "there is no pages to define: only monitors and alert_rules",
		"alert_rules: [{alert_for: STATUS, alert_value: DOWN}]":                                                                                                        "alert rule 1: monitor_tags must be a non-empty array",
		"alert_rules: [{alert_for: NO_DATA, alert_value: DOWN, monitor_tags: [a]}]":                                                                                    "alert rule 1: alert_value must be a whole number of minutes",
		"alert_rules: [{alert_for: NO_DATA, alert_value: 5, monitor_tags: [a], is_active: off}]":                                                                       "alert rule 1: is_active must be a boolean",
		"alert_rules: [{alert_for: NO_DATA, alert_value: 5, monitor_tags: [a], minutes: 5}]":                                                                           "alert rule 1: unknown field minutes: there are alert_for,",
		"alert_rules: [&r {alert_for: NO_DATA, alert_value: 5, monitor_tags: [a, b]}, *r]":                                                                             "alert rule 2: there are two for NO_DATA CRITICAL of a, b",
		"alert_rules: [{alert_for: NO_DATA, alert_value: 5, monitor_tags: [a, b]}, {alert_for: NO_DATA, alert_value: 6, monitor_tags: [b, a, b], severity: CRITICAL}]": "alert rule 2: there are two for NO_DATA CRITICAL of a, b",
		"monitors: [5]":    "it is not YAML of lists",
		"monitors: {a: b}": "it is not YAML of lists",
		"monitors: [":      "it is not YAML of lists",
		"monitors: [{tag: a, name: A, confirmation_threshold: 61}]": "monitor 1: confirmation_threshold must be an integer between 1 and 60",
	} {
		_, err := definitions.Parse([]byte(text))
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s…", text, err, want)
		}
	}
}
