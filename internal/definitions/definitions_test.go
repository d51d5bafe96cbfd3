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
		{false, "monitors: 3 as they should be\n"},
	} {
		if diff := cmp.Diff(tt.want, applied(t, s, first, tt.dryRun)); diff != "" {
			t.Errorf("dry run %t (-want +got):\n%s", tt.dryRun, diff)
		}
	}
	const second = "monitors: [{tag: mars, name: Mars, include_degraded_in_downtime: 'NO', cron: null, type_data: {timeout: 9}}]"
	want = `~ monitor mars: include_degraded_in_downtime "YES" → "NO", type_data (not shown)
monitors: 1 changed
`
	if diff := cmp.Diff(want, applied(t, s, second, false)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A file of nothing does nothing, and says so.
func TestNothing(t *testing.T) {
	if got := applied(t, newStore(t), "monitors: []", false); got != "monitors: 0 made\n" {
		t.Errorf("%q", got)
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
monitors: 1 made
+ alert rule STATUS CRITICAL of earth, mars: DOWN
+ alert rule STATUS WARNING of earth, mars: DEGRADED
+ alert rule LATENCY CRITICAL of google: 800.5
alert rules: 3 made
`
	dry := strings.ReplaceAll(want, " made", " made (dry run: nothing was written)")
	applying("dry run", first, dry, true)
	applying("first", first, want, false)
	applying("again", first, "monitors: 1 as they should be\nalert rules: 3 as they should be\n", false)

	const second = `
alert_rules:
  - {alert_for: STATUS, alert_value: DEGRADED, monitor_tags: [earth, mars], failure_threshold: 5, description: Call Ada.}  # the tags in another order
  - {alert_for: LATENCY, alert_value: 900, monitor_tags: [google]}
  - {alert_for: LATENCY, alert_value: 900, monitor_tags: [google, earth]}
`
	want = `~ alert rule 1, STATUS CRITICAL of earth, mars: alert_value "DOWN" → "DEGRADED", description null → "Call Ada.", failure_threshold 3 → 5
~ alert rule 3, LATENCY CRITICAL of google: alert_value 800.5 → 900
+ alert rule LATENCY CRITICAL of earth, google: 900
alert rules: 1 made, 2 changed
`
	applying("dry run of the second", second, strings.ReplaceAll(want, "2 changed", "2 changed (dry run: nothing was written)"), true)
	applying("second", second, want, false)
	applying("second again", second, "alert rules: 3 as they should be\n", false)

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
	applying("unknown monitor", unknown, "error: line 2: alert rule 1: Monitor with tag 'pluto' not found\n", false)
	applying("unknown monitor, dry run", unknown, "error: line 2: alert rule 1: Monitor with tag 'pluto' not found\n", true)
	if _, err := s.CreateAlertRule(t.Context(), statuspage.NewAlertRule{
		Condition: statuspage.Condition{For: statuspage.AlertLatency, Limit: 1, Failures: 1, Successes: 1}, Tags: []string{"google"}, Severity: statuspage.Critical, Active: true,
	}, now, nil); err != nil {
		t.Fatal(err)
	}
	applying("two of a kind", "monitors: [{tag: venus, name: Venus}]\n"+second[1:], "error: line 4: alert rule 2: there are two for LATENCY CRITICAL of google, 3 and 5: delete or change one of them\n", false)
	if _, err := s.Monitor(t.Context(), "venus"); !errors.Is(err, statuspage.MonitorNotFound("venus")) {
		t.Errorf("venus: %v", err)
	}
}

// A file with a mistake in it does nothing. The error says where the mistake is, and what
// to write.
func TestMistakes(t *testing.T) {
	const (
		needLists  = "the file must have a list that begins with monitors: or alert_rules:"
		notAligned = "the line is not indented as those before it: put each - of a list, and all fields of an entry, below one another; or a value goes on after its quotes or brackets: put all of it into quotes"
		monitors   = "there are tag, name, description, image, cron, default_status, status, category_name, monitor_type, type_data, include_degraded_in_downtime, is_hidden, monitor_settings_json, external_url, confirmation_threshold"
		rule       = "alert_rules:\n- alert_for: NO_DATA\n  alert_value: 5\n  monitor_tags: [a, b]\n"
	)
	for _, tt := range []struct{ text, want string }{
		// The text is no YAML.
		{"monitors:\n\t- tag: a\n", "line 2: it is indented with a tab: YAML takes only spaces"},
		{"monitors:\n  - tag: a\n\tname: A\n", "line 3: it is indented with a tab: YAML takes only spaces"},
		{"monitors:\n  - tag: a\n  \tname: A\n", "line 3: it is indented with a tab: YAML takes only spaces"},
		{"monitors:\n  - tag: a\n    name: Shop: the best\n", `line 3: there is a second ": " in the line, or it is indented too far: put a value with ": " into quotes`},
		{"monitors:\n  - tag: a\n      name: A\n", `line 3: there is a second ": " in the line, or it is indented too far: put a value with ": " into quotes`},
		{"monitors:\n  - tag: a\n   name: A\n", "line 3: " + notAligned},
		{"monitors:\n  - tag: a\n    name: \"A\" and B\n", "line 3: " + notAligned},
		{"- a\nmonitors: []\n", "line 2: " + notAligned},
		{"monitors:\n  - tag: a\n    name: @home\n", "line 3: no value can begin with this character: put it into quotes"},
		{"monitors:\n  - tag: a\n    name: \"\\q\"\n", `line 3: there is no such escape: write \\ for a backslash, or put the value into single quotes`},
		{"monitors:\n  - tag: a\n    name: 'A\n  - tag: b\n    name: B\n", "line 3: the quotes that begin here are not closed"},
		{"monitors:\n- {tag: a, name: A\n- {tag: b, name: B}\n", "line 2: the bracket is not closed, or a comma is missing in it"},
		{"monitors: [\n", "line 1: a value is missing, or a bracket is not closed"},
		{"monitors:\n  - tag: a\n    name\n    image: x\n", `line 3: a field must have ": " after its name`},
		{"monitors:\n  - tag: a\n    name: A\n    image\n", `line 4: a field must have ": " after its name`},
		{"monitors: - tag: a\n", "line 1: an entry that begins with - must have a line of its own"},
		{"monitors:\n  - tag: a\n    name: *home\n", "line 3: there is no &home for *home: put a text that begins with * into quotes"},
		{"monitors: []\n---\nalert_rules: []\n", "line 2: the file must be one document: leave out the lines ---"},
		{"monitors:\n  - tag: a\n    name: \xff\n", "line 3: there is a character that is none of UTF-8 text: save the file as UTF-8, without control characters"},
		{"monitors:\n  - tag: a\n    name: \x01\n", "line 3: there is a character that is none of UTF-8 text: save the file as UTF-8, without control characters"},
		{"%YAML 3.0\n---\nmonitors: []\n", "line 1: it is not YAML: found incompatible YAML document"},
		{"", "line 1: " + needLists},
		{"# monitors:\n", "line 1: " + needLists},
		// It is, but not of these lists.
		{"null\n", "line 1: " + needLists},
		{"- tag: a\n", "line 1: the file must begin with monitors: or alert_rules:; this one is a list: write monitors: above it"},
		{"monitors\n", "line 1: " + needLists + `, not with the text "monitors"`},
		{"monitors: []\npages: []\n", "line 2: there is no pages to define: only monitors and alert_rules"},
		{"monitors: []\nmonitors: []\n", "line 2: monitors is there twice in the file, the first time in line 1: keep one"},
		{"monitors:\n  tag: a\n", "line 1: monitors must be a list, each entry of it beginning with -, not fields"},
		{"alert_rules: none\n", `line 1: alert_rules must be a list, each entry of it beginning with -, not the text "none"`},
		{"monitors:\n- tag: a\n  name: A\n- b\n", `line 4: monitor 2 must have fields, such as tag: VALUE, not the text "b"`},
		{"monitors:\n- tag: a\n  name: A\n-\n", "line 4: monitor 2 must have fields, such as tag: VALUE, not nothing"},
		{"alert_rules:\n- 5\n", "line 2: alert rule 1 must have fields, such as alert_for: VALUE, not the number 5"},
		{"alert_rules:\n- [5]\n", "line 2: alert rule 1 must have fields, such as alert_for: VALUE, not a list"},
		// Fields.
		{"monitors:\n- tag: a\n  nmae: A\n", "line 3: monitor 1: unknown field nmae: write name"},
		{"monitors:\n- tag: a\n  name: A\n  Confirmation-Threshold: 5\n", "line 4: monitor 1: unknown field Confirmation-Threshold: write confirmation_threshold"},
		{"monitors:\n- tag: a\n  name: A\n  latency: 5\n", "line 4: monitor 1: unknown field latency: " + monitors},
		{rule + "  monitorTags: 5\n", "line 5: alert rule 1: unknown field monitorTags: write monitor_tags"},
		{"monitors:\n- tag: a\n  name: A\n  name: B\n", "line 4: name is there twice in monitor 1, the first time in line 3: keep one"},
		{"monitors:\n- tag: a\n  name: A\n  5: B\n", `line 4: the name of a field must be a text, not the number 5: write "5"`},
		{"monitors:\n- tag: a\n  name: A\n  ? [b]\n  : B\n", "line 4: the name of a field must be a text, not a list"},
		// Values.
		{"monitors:\n- tag: a\n  name: A\n  type_data:\n    true: 2\n", `line 5: the name of a field must be a text, not the truth value true: write "true"`},
		{"monitors:\n- tag: a\n  name: A\n  type_data:\n    x: 1\n    x: 2\n", "line 6: x is there twice in one mapping, the first time in line 5: keep one"},
		{"monitors:\n- tag: a\n  name: A\n  type_data:\n    x: [.nan]\n", `line 5: .nan is no number that can be kept: write digits, or ".nan" for a text`},
		{"monitors:\n- tag: a\n  name: A\n  confirmation_threshold: !!int five\n", "line 4: five is not what !!int says: leave !!int out"},
		{"monitors:\n- tag: a\n  name: !home A\n", "line 3: !home means nothing here: leave it out"},
		{"monitors:\n- tag: a\n  name: A\n  type_data: &x\n    x: [*x]\n", "line 4: &x contains itself"},
		{"monitors:\n- &x\n  tag: a\n  <<: *x\n", "line 2: &x contains itself"},
		{"monitors:\n- tag: a\n  <<: 5\n", "line 3: << takes the fields of another entry, not the number 5: write <<: *NAME, and &NAME at that entry"},
		{laughs, "line 5: the file has too many values"},
		// What the API would not take, in the line of the field, or of the entry when the field is not there.
		{"monitors:\n- tag: a\n  name: A\n- tag: b\n", "line 4: monitor 2: Name is required and must be a non-empty string"},
		{"monitors:\n- name: A\n  tag: A\n", "line 3: monitor 1: Tag must be URL-friendly: only lowercase letters, numbers, hyphens, and underscores. Must start and end with a letter or number."},
		{"monitors:\n- tag: 404\n  name: A\n", `line 2: monitor 1: Tag is required and must be a non-empty string: write tag: "404"`},
		{"monitors:\n- tag: a\n  name: A\n  image: 5\n", `line 4: monitor 1: image must be a string: write image: "5"`},
		{"monitors:\n- tag: a\n  name: A\n  image: [5]\n", `line 4: monitor 1: image must be a string: write "5"`},
		{"monitors:\n- tag: a\n  name: A\n  description: true\n", `line 4: monitor 1: description must be a string: write description: "true"`},
		{"monitors:\n- tag: a\n  name: A\n  type_data: 5\n", "line 4: monitor 1: type_data must be an object: write type_data: {NAME: VALUE}"},
		{"monitors:\n- tag: a\n  name: A\n  confirmation_threshold: 61\n", "line 4: monitor 1: confirmation_threshold must be an integer between 1 and 60"},
		{"alert_rules:\n- alert_for: STATUS\n  alert_value: DOWN\n", "line 2: alert rule 1: monitor_tags must be a non-empty array"},
		{"alert_rules:\n- alert_for: STATUS\n  alert_value: DOWN\n  monitor_tags: a\n", "line 4: alert rule 1: monitor_tags must be a non-empty array: write monitor_tags: [a]"},
		{"alert_rules:\n- alert_for: STATUS\n  alert_value: DOWN\n  monitor_tags: [404]\n", `line 4: alert rule 1: Each monitor tag must be a non-empty string: write "404"`},
		{"alert_rules:\n- alert_for: NO_DATA\n  alert_value: DOWN\n  monitor_tags: [a]\n", "line 3: alert rule 1: alert_value must be a whole number of minutes from 1 to 43200 when alert_for is NO_DATA"},
		{rule + "  is_active: off\n", "line 5: alert rule 1: is_active must be a boolean: write is_active: true or is_active: false"},
		// Entries.
		{"monitors:\n- tag: a\n  name: A\n\n- tag: a\n  name: B\n", "line 5: monitor 2: the tag a is there twice, the first time in line 2: give it another tag, or leave it out"},
		{rule + "- {alert_for: NO_DATA, alert_value: 6, monitor_tags: [b, a, b], severity: CRITICAL}\n", "line 5: alert rule 2: there are two for NO_DATA CRITICAL of a, b, the first in line 2: give it another severity, or leave it out"},
		{"alert_rules:\n- &r {alert_for: NO_DATA, alert_value: 5, monitor_tags: [a, b]}\n- *r\n", "line 3: alert rule 2: there are two for NO_DATA CRITICAL of a, b, the first in line 2: give it another severity, or leave it out"},
	} {
		_, err := definitions.Parse([]byte(tt.text))
		if err == nil || err.Error() != tt.want {
			t.Errorf("%q\n%v, want\n%s", tt.text, err, tt.want)
		}
	}
}

// laughs is a short file of very many values.
var laughs = func() string {
	text := "monitors:\n- tag: a\n  name: A\n  type_data:\n    a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for n := 1; n < 9; n++ {
		text += fmt.Sprintf("    a%d: &a%d [%s]\n", n, n, strings.Repeat(fmt.Sprintf("*a%d, ", n-1), 10))
	}
	return text
}()

// What an entry takes over from another is its own, but for the fields that it has itself,
// and a date is a text.
func TestMerge(t *testing.T) {
	s := newStore(t)
	const text = `
monitors:
- &base {tag: mars, name: Mars, description: 2026-11-30, confirmation_threshold: 0x10}
- <<: [*base, {image: /one.png}, {image: /two.png}]
  tag: venus
alert_rules: null
`
	if got := applied(t, s, text, false); got != "+ monitor mars\n+ monitor venus\nmonitors: 2 made\n" {
		t.Fatalf("%q", got)
	}
	m, err := s.Monitor(t.Context(), "venus")
	if err != nil || m.Name != "Mars" || m.Description == nil || *m.Description != "2026-11-30" || m.Image == nil || *m.Image != "/one.png" {
		t.Errorf("%+v, %v", m, err)
	}
}
