package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// definitionFile writes a file of definitions.
func definitionFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "monitors.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestImportMonitors(t *testing.T) {
	flags, dir := rootFlags(t)
	port := freePort(t, dir)
	startServer(t, map[string]string{"PORT": port}, flags...)
	first := definitionFile(t, `
monitors:
  - {tag: earth, name: Mother Earth, cron: "* * * * *"}   # an example monitor
  - tag: mars
    name: Mars
    include_degraded_in_downtime: "YES"
    type_data: {url: https://mars.example, timeout: 5}
  - {tag: google, name: Google}                           # as it is
`)
	want := `~ monitor earth: cron null → "* * * * *", name "Earth" → "Mother Earth"
+ monitor mars
monitors: 1 made, 1 changed, 1 as they should be`
	again := "monitors: 0 made, 0 changed, 3 as they should be\n"
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"--dry-run"}, want + " (dry run: nothing was written)\n"},
		{nil, want + "\n"},
		{nil, again},
	} {
		status, out, errs := tocsin(t, nil, append([]string{"monitors", "import", "--local", "--port", port, "--dir", dir, first}, tt.args...)...)
		if diff := cmp.Diff(tt.want, out); status != 0 || diff != "" {
			t.Errorf("%v: %d, %s (-want +got):\n%s", tt.args, status, errs, diff)
		}
	}
	second := definitionFile(t, "monitors: [{tag: mars, name: Mars, include_degraded_in_downtime: 'NO', cron: null, type_data: {timeout: 9}}]")
	status, out, errs := tocsin(t, nil, "monitors", "import", "--local", "--port", port, "--dir", dir, second)
	want = `~ monitor mars: include_degraded_in_downtime "YES" → "NO", type_data {"timeout":5,"url":"https://mars.example"} → {"timeout":9,"url":"https://mars.example"}
monitors: 0 made, 1 changed, 0 as they should be
`
	if diff := cmp.Diff(want, out); status != 0 || diff != "" {
		t.Errorf("%d, %s (-want +got):\n%s", status, errs, diff)
	}
}

// The example monitors come into a table that has none, with the names that the first
// run gives them, and a table that has them stays as it is.
func TestImportExamples(t *testing.T) {
	flags, dir := rootFlags(t)
	port := freePort(t, dir)
	s := startServer(t, map[string]string{"PORT": port, "DATA": "memory"}, flags...)
	for _, tt := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"--examples", "monitors.yaml"}, 1, "tocsin: say either which file or --examples, not both\n"},
		{[]string{"--examples"}, 0, "+ monitor earth\n+ monitor google\n+ monitor api-gateway\n+ monitor checkout-service\n+ monitor database\nmonitors: 5 made, 0 changed, 0 as they should be\n"},
		{[]string{"--examples"}, 0, "monitors: 0 made, 0 changed, 5 as they should be\n"},
	} {
		status, out, errs := tocsin(t, nil, append([]string{"monitors", "import", "--local", "--port", port, "--dir", dir}, tt.args...)...)
		if diff := cmp.Diff(tt.want, out+errs); status != tt.status || diff != "" {
			t.Errorf("%v: %d (-want +got):\n%s", tt.args, status, diff)
		}
	}
	monitor := call(t, s.url+"/api/v4/monitors/checkout-service", s.key(), "")["monitor"].(map[string]any)
	if monitor["name"] != "Checkout Service" {
		t.Errorf("name %v", monitor["name"])
	}
}

// TestImportAlertRules makes rules about a monitor that is there and one of the same
// file, imports them again, and changes them.
func TestImportAlertRules(t *testing.T) {
	flags, dir := rootFlags(t)
	port := freePort(t, dir)
	s := startServer(t, map[string]string{"PORT": port}, flags...)
	importing := func(name, file string, want string, args ...string) {
		t.Helper()
		status, out, errs := tocsin(t, nil, append([]string{"monitors", "import", "--local", "--port", port, "--dir", dir, definitionFile(t, file)}, args...)...)
		wantStatus := 0
		if strings.HasPrefix(want, "tocsin: ") {
			wantStatus = 1
		}
		if got := out + errs; status != wantStatus || !strings.HasSuffix(got, want) || wantStatus == 0 && got != want {
			t.Errorf("%s: %d\n%swant\n%s", name, status, got, want)
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
	importing("dry run", first, dry, "--dry-run")
	importing("first", first, want)
	importing("again", first, "monitors: 0 made, 0 changed, 1 as they should be\nalert rules: 0 made, 0 changed, 3 as they should be\n")

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
	importing("dry run of the second", second, strings.ReplaceAll(want, "as they should be", "as they should be (dry run: nothing was written)"), "--dry-run")
	importing("second", second, want)
	importing("second again", second, "monitors: 0 made, 0 changed, 0 as they should be\nalert rules: 0 made, 0 changed, 3 as they should be\n")

	// What the file does not name stays, and nothing is deleted.
	rules := call(t, s.url+"/api/v4/alert-rules", s.key(), "")["alert_rules"].([]any)
	var got []string
	for _, r := range rules {
		r := r.(map[string]any)
		got = append(got, strings.TrimSpace(fmt.Sprintln(r["id"], r["alert_value"], r["monitor_tags"], r["failure_threshold"], r["severity"], r["create_incident"], r["is_active"])))
	}
	if diff := cmp.Diff([]string{
		"4 900 [google earth] 1 CRITICAL false true", "3 900 [google] 1 CRITICAL false true", "2 DEGRADED [earth mars] 1 WARNING false false", "1 DEGRADED [mars earth] 5 CRITICAL true true",
	}, got); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}

	// What can't be done is found before anything is.
	const unknown = "monitors: [{tag: venus, name: Venus}]\nalert_rules: [{alert_for: NO_DATA, alert_value: 5, monitor_tags: [venus, pluto]}]"
	importing("unknown monitor", unknown, "tocsin: alert rule 1: Monitor with tag 'pluto' not found\n")
	importing("unknown monitor, dry run", unknown, "tocsin: alert rule 1: Monitor with tag 'pluto' not found\n", "--dry-run")
	call(t, s.url+"/api/v4/alert-rules", s.key(), `{"alert_for":"LATENCY","alert_value":1,"monitor_tags":["google"]}`)
	importing("two of a kind", "monitors: [{tag: venus, name: Venus}]\n"+second[1:], "tocsin: alert rule 2: there are two for LATENCY CRITICAL of google, 3 and 5: delete or change one of them\n")
	if tags := s.monitorTags(t, s.key()); slices.Contains(tags, "venus") {
		t.Errorf("monitors %v", tags)
	}
}

// A file with a mistake in it does nothing, and says where the mistake is.
func TestImportMistakes(t *testing.T) {
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
		_, err := parseDefinitions([]byte(text))
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s…", text, err, want)
		}
	}
	status, out, errs := tocsin(t, nil, "monitors", "import", "--local", "no-such-file.yaml")
	if status != 1 || out != "" || !strings.HasPrefix(errs, "tocsin: reading the definitions: ") {
		t.Errorf("no such file: %d %q %q", status, out, errs)
	}
}
