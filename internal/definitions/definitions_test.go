package definitions_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/assets"
	"tocsin/internal/definitions"
	"tocsin/internal/dynamo"
	"tocsin/internal/dynamotest"
	"tocsin/internal/page"
	"tocsin/internal/publish"
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
= monitors: 1 made, 1 changed, 1 as they should be`
	for _, tt := range []struct {
		dryRun bool
		want   string
	}{
		{true, want + " (dry run: nothing was written)\n"},
		{false, want + "\n"},
		{false, "= monitors: 3 as they should be\nnothing to change\n"},
	} {
		if diff := cmp.Diff(tt.want, applied(t, s, first, tt.dryRun)); diff != "" {
			t.Errorf("dry run %t (-want +got):\n%s", tt.dryRun, diff)
		}
	}
	const second = "monitors: [{tag: mars, name: Mars, include_degraded_in_downtime: 'NO', cron: null, type_data: {timeout: 9}}]"
	want = `~ monitor mars: include_degraded_in_downtime "YES" → "NO", type_data (not shown)
= monitors: 1 changed
`
	if diff := cmp.Diff(want, applied(t, s, second, false)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A file of nothing does nothing, and says so.
func TestNothing(t *testing.T) {
	if got := applied(t, newStore(t), "monitors: []", false); got != "nothing to change\n" {
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
= monitors: 1 made
+ alert rule STATUS CRITICAL of earth, mars: DOWN
+ alert rule STATUS WARNING of earth, mars: DEGRADED
+ alert rule LATENCY CRITICAL of google: 800.5
= alert rules: 3 made
`
	dry := strings.ReplaceAll(want, " made", " made (dry run: nothing was written)")
	applying("dry run", first, dry, true)
	applying("first", first, want, false)
	applying("again", first, "= monitors: 1 as they should be\n= alert rules: 3 as they should be\nnothing to change\n", false)

	const second = `
alert_rules:
  - {alert_for: STATUS, alert_value: DEGRADED, monitor_tags: [earth, mars], failure_threshold: 5, description: Call Ada.}  # the tags in another order
  - {alert_for: LATENCY, alert_value: 900, monitor_tags: [google]}
  - {alert_for: LATENCY, alert_value: 900, monitor_tags: [google, earth]}
`
	want = `~ alert rule 1, STATUS CRITICAL of earth, mars: alert_value "DOWN" → "DEGRADED", description null → "Call Ada.", failure_threshold 3 → 5
~ alert rule 3, LATENCY CRITICAL of google: alert_value 800.5 → 900
+ alert rule LATENCY CRITICAL of earth, google: 900
= alert rules: 1 made, 2 changed
`
	applying("dry run of the second", second, strings.ReplaceAll(want, "2 changed", "2 changed (dry run: nothing was written)"), true)
	applying("second", second, want, false)
	applying("second again", second, "= alert rules: 3 as they should be\nnothing to change\n", false)

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

// TestMaintenances makes maintenances on a monitor that is there and one of the same file,
// applies them again, and changes them.
func TestMaintenances(t *testing.T) {
	s := newStore(t)
	applying := func(name, text, want string, dryRun bool) {
		t.Helper()
		if diff := cmp.Diff(want, applied(t, s, text, dryRun)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	const first = `
monitors: [{tag: mars, name: Mars}]
maintenances:
  - title: Backup
    start_date_time: 2026-01-05T03:00:00+01:00
    rrule: FREQ=WEEKLY;BYDAY=MO
    time_zone: Europe/Berlin
    duration_seconds: 3600
    description: ""
    monitors: [{monitor_tag: mars}, {monitor_tag: earth, impact: DEGRADED}]
  - {title: Move, start_date_time: 1764000000, rrule: FREQ=MINUTELY;COUNT=1, duration_seconds: 600, status: INACTIVE}
`
	want := `+ monitor mars
= monitors: 1 made
+ maintenance "Backup": FREQ=WEEKLY;BYDAY=MO
+ maintenance "Move": FREQ=MINUTELY;COUNT=1
= maintenances: 2 made
`
	applying("dry run", first, strings.ReplaceAll(want, " made", " made (dry run: nothing was written)"), true)
	applying("first", first, want, false)
	applying("again", first, "= monitors: 1 as they should be\n= maintenances: 2 as they should be\nnothing to change\n", false)
	show := func() (shown []string) {
		t.Helper()
		if _, err := s.Maintenances(t.Context(), statuspage.MaintenanceQuery{Limit: 10}, func(m statuspage.Maintenance) bool {
			var monitors []string
			for _, a := range m.Monitors {
				monitors = append(monitors, a.Tag+" "+string(a.Impact))
			}
			shown = append(shown, fmt.Sprintf("%d %s %d %s %q %d %s %q, %d ahead", m.ID, m.Title, m.Start, m.Rule, m.TimeZone, m.Duration, m.Status, monitors, len(m.Recent)))
			return true
		}); err != nil {
			t.Fatal(err)
		}
		return shown
	}
	if diff := cmp.Diff([]string{
		`2 Move 1764000000 FREQ=MINUTELY;COUNT=1 "" 600 INACTIVE [], 1 ahead`,
		`1 Backup 1767578400 FREQ=WEEKLY;BYDAY=MO "Europe/Berlin" 3600 ACTIVE ["mars MAINTENANCE" "earth DEGRADED"], 3 ahead`,
	}, show()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	// What the file does not name stays.
	const second = `
monitors: [{tag: venus, name: Venus}]
maintenances:
  - title: Backup
    start_date_time: 1767578400
    rrule: FREQ=WEEKLY;BYDAY=TU
    time_zone: null
    duration_seconds: 3600
    monitors: [{monitor_tag: earth, impact: DEGRADED}, {monitor_tag: venus}]
  - {title: Move, start_date_time: 1764000000, rrule: FREQ=MINUTELY;COUNT=1, duration_seconds: 600}
`
	want = `+ monitor venus
= monitors: 1 made
~ maintenance 1, "Backup": monitors ["mars MAINTENANCE","earth DEGRADED"] → ["earth DEGRADED","venus MAINTENANCE"], rrule "FREQ=WEEKLY;BYDAY=MO" → "FREQ=WEEKLY;BYDAY=TU", time_zone "Europe/Berlin" → null
= maintenances: 1 changed, 1 as they should be
`
	applying("dry run of the second", second, strings.ReplaceAll(strings.ReplaceAll(want, "1 made", "1 made (dry run: nothing was written)"), "should be", "should be (dry run: nothing was written)"), true)
	applying("second", second, want, false)
	applying("second again", second, "= monitors: 1 as they should be\n= maintenances: 2 as they should be\nnothing to change\n", false)

	// What can't be done is found before anything is.
	const one = "{title: Backup, start_date_time: 1767578400, rrule: FREQ=DAILY, duration_seconds: 60"
	applying("unknown monitor", "monitors: [{tag: new, name: New}]\nmaintenances:\n- "+one+",\n   monitors: [{monitor_tag: pluto}]}", "error: line 4: maintenance 1: Monitor with tag 'pluto' not found\n", false)
	if _, err := s.CreateMaintenance(t.Context(), statuspage.NewMaintenance{Title: "Backup", Schedule: statuspage.Schedule{Start: now, Rule: "FREQ=DAILY", Duration: 60}}, now, nil); err != nil {
		t.Fatal(err)
	}
	applying("two of a title", "monitors: [{tag: new, name: New}]\nmaintenances: ["+one+"}]", `error: line 2: maintenance 1: there are two with the title "Backup", 1 and 3: give one of them another title, or delete it`+"\n", false)
	if _, err := s.Monitor(t.Context(), "new"); !errors.Is(err, statuspage.MonitorNotFound("new")) {
		t.Errorf("new: %v", err)
	}
}

// TestPages makes pages of monitors that are there and of the same file, applies them again, and
// changes them.
func TestPages(t *testing.T) {
	s := newStore(t)
	applying := func(name, text, want string, dryRun bool) {
		t.Helper()
		if diff := cmp.Diff(want, applied(t, s, text, dryRun)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	const first = `
monitors: [{tag: mars, name: Mars}]
pages:
  - page_path: ~home
    page_subheader: All of it
    monitors: [earth, mars]
  - page_path: Team Two
    page_title: Team
    page_header: Ours
    page_settings: {monitor_layout_style: compact-list}
    monitors: [mars, google]
  - {page_path: empty, page_title: E, page_header: E}
`
	want := `+ monitor mars
= monitors: 1 made
~ page ~home: monitors "all" → ["earth","mars"], page_subheader null → "All of it"
+ page team-two
+ page empty
= pages: 2 made, 1 changed
`
	dry := strings.NewReplacer("1 made\n", "1 made (dry run: nothing was written)\n", "1 changed\n", "1 changed (dry run: nothing was written)\n").Replace(want)
	applying("dry run", first, dry, true)
	applying("first", first, want, false)
	applying("again", first, "= monitors: 1 as they should be\n= pages: 3 as they should be\nnothing to change\n", false)
	const second = `
monitors: [{tag: venus, name: Venus}]
pages:
  - page_path: team-two
    page_title: Team
    page_header: Ours
    page_logo: /assets/team.png
    page_settings: {incidents: {enabled: false}}
    monitors: [google, venus]
  - {page_path: ~home, page_subheader: null}
`
	applying("second", second, `+ monitor venus
= monitors: 1 made
~ page team-two: monitors ["mars","google"] → ["google","venus"], page_logo null → "/assets/team.png", page_settings.incidents null → {"enabled":false}
~ page ~home: page_subheader "All of it" → null
= pages: 2 changed
`, false)
	applying("second again", second, "= monitors: 1 as they should be\n= pages: 2 as they should be\nnothing to change\n", false)
	var got []string
	if _, err := s.Pages(t.Context(), statuspage.PageQuery{Limit: 10}, func(p statuspage.Page) bool {
		got = append(got, fmt.Sprintf("%d %q %s %s %v %t %s", p.ID, p.Path, p.Title, p.Header, p.Monitors, p.All, p.Settings))
		return true
	}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{
		`1 "" Home Status [{1 earth} {3 mars}] false `,
		`2 "team-two" Team Ours [{2 google} {4 venus}] false {"monitor_layout_style":"compact-list","incidents":{"enabled":false}}`,
		`3 "empty" E E [] false `,
	}, got); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}

	// What can't be done is found before anything is.
	applying("unknown monitor", "monitors: [{tag: new, name: New}]\npages:\n- {page_path: next, page_title: T, page_header: H, monitors: [new, pluto]}", "error: line 3: page 1: Monitor with tag 'pluto' not found\n", false)
	long := "monitors: [{tag: new, name: New}]\npages:\n- page_path: ~home\n  page_settings: {meta_page_title: " + strings.Repeat("a", 20_000) + "}"
	applying("much", strings.Replace(long, "title", "description", 1)[len("monitors: [{tag: new, name: New}]\n"):], `~ page ~home: page_settings.meta_page_description null → "`+strings.Repeat("a", 78)+"…\n= pages: 1 changed\n", false)
	applying("too much", long, "error: line 4: page 1: page_settings must be at most 32 KiB\n", false)
	if _, err := s.Monitor(t.Context(), "new"); !errors.Is(err, statuspage.MonitorNotFound("new")) {
		t.Errorf("new: %v", err)
	}
}

// TestSite sets settings of the site: texts, and YAML that becomes JSON.
func TestSite(t *testing.T) {
	s := newStore(t)
	applying := func(name, text, want string, dryRun bool) {
		t.Helper()
		if diff := cmp.Diff(want, applied(t, s, text, dryRun)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	const first = `
site:
  siteName: Example & Sons
  theme: none             # as it is by default, but now somebody has said so
  homeIncidentCount: 7
  nav: [{url: https://shop.example, name: Shop}]
  footerHTML: |
    <p>Call <b>us</b></p>
  analytics.umami: {isEnabled: true, requirements: {id: secret}}
`
	want := `+ site siteName: "Example & Sons"
+ site theme: "none"
+ site homeIncidentCount: "7"
+ site nav: [{"name":"Shop","url":"https://shop.example"}]
+ site footerHTML: "<p>Call <b>us</b></p>\n"
+ site analytics.umami: (not shown)
= settings of the site: 6 made`
	applying("dry run", first, want+" (dry run: nothing was written)\n", true)
	applying("first", first, want+"\n", false)
	applying("again", first, "= settings of the site: 6 as they should be\nnothing to change\n", false)
	const second = `
site:
  siteName: Example
  nav: [{name: Shop, url: https://shop.example}, {name: Blog, url: https://blog.example}]
  analytics.umami: {isEnabled: true, requirements: {id: other}}
  subMenuOptions: {showRssFeed: false}
`
	applying("second", second, `~ site siteName: "Example & Sons" → "Example"
~ site nav: [{"name":"Shop","url":"https://shop.example"}] → [{"name":"Shop","url":"https://shop.example"},{"name":"Blog","url":"https://blo…
~ site analytics.umami: (not shown)
+ site subMenuOptions: {"showRssFeed":false}
= settings of the site: 1 made, 3 changed
`, false)
	applying("a field of one", "site:\n  subMenuOptions: {showRssFeed: true}", "~ site subMenuOptions: showRssFeed false → true\n= settings of the site: 1 changed\n", false)
	settings, err := s.SiteSettings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range settings {
		got = append(got, v.Key+" "+v.Value)
	}
	if diff := cmp.Diff([]string{
		`analytics.umami {"isEnabled":true,"requirements":{"id":"other"}}`, "footerHTML <p>Call <b>us</b></p>\n", "homeIncidentCount 7",
		`nav [{"name":"Shop","url":"https://shop.example"},{"name":"Blog","url":"https://blog.example"}]`, "siteName Example", `subMenuOptions {"showRssFeed":true}`, "theme none",
	}, got); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}

// Pictures that are nowhere, and colours that can't be seen, are said.
func TestWarnings(t *testing.T) {
	s := newStore(t)
	files, err := publish.OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := files.Put(t.Context(), "public/assets/there.svg", publish.Object{Type: "image/svg+xml", Status: 200}, ""); err != nil {
		t.Fatal(err)
	}
	beside, err := assets.New("beside.svg", []byte("<svg/>"))
	if err != nil {
		t.Fatal(err)
	}
	d, err := definitions.Parse([]byte(`
monitors: [{tag: mars, name: Mars, image: /assets/mars.png}, {tag: venus, name: Venus, image: /assets/there.svg}, {tag: io, name: Io, image: https://io.example/assets/io.png}]
pages:
- {page_path: ~home, page_logo: /assets/home.png, page_settings: {social_page_preview_image: /assets/preview.png}}
- {page_path: team, page_title: T, page_header: H, page_logo: /assets/beside.svg}
site:
  logo: /assets/logo
  favicon: /assets/beside.svg
  socialPreviewImage: /elsewhere.png
  nav: [{name: A, url: /, iconURL: /assets/a.png}, {name: B, url: /, iconURL: assets/b.png}]
  dateAndTimeFormat: {datePlusTime: YYYY-MM-DD, dateOnly: dd.MM.yyyy}
  colors: {UP: '#f0f0f0', DOWN: '#ca3038', DEGRADED: '#8a6d00', MAINTENANCE: '#6679cc'}
`))
	if err != nil {
		t.Fatal(err)
	}
	var colours []string
	for _, warning := range page.ColourWarnings(map[string]string{"UP": "#f0f0f0", "DOWN": "#ca3038", "DEGRADED": "#8a6d00", "MAINTENANCE": "#6679cc"}, nil) {
		colours = append(colours, "! site "+warning)
	}
	if !slices.ContainsFunc(colours, func(line string) bool {
		return strings.HasPrefix(line, "! site colors.UP #f0f0f0 has 1.0:1 on the page, bars need 3:1: ")
	}) {
		t.Errorf("%q", colours)
	}
	always := append([]string{
		"! site nav: assets/b.png is neither a path that begins with a slash nor an address of https: no page shows it",
		`! site dateAndTimeFormat.datePlusTime "YYYY-MM-DD" is no pattern of a time: the form is the language's own`,
	}, colours...)
	for _, tt := range []struct {
		files publish.Port
		want  []string
	}{
		{files, []string{
			"! monitor mars: /assets/mars.png is neither beside the file nor there already", "! page ~home: /assets/home.png is neither beside the file nor there already",
			"! page ~home: /assets/preview.png is neither beside the file nor there already", "! site logo: /assets/logo is neither beside the file nor there already",
			"! site nav: /assets/a.png is neither beside the file nor there already",
		}},
		{nil, nil},
	} {
		var got []string
		o := definitions.Options{DryRun: true, Files: tt.files, Line: func(line string) {
			if strings.HasPrefix(line, "! ") {
				got = append(got, line)
			}
		}}
		if tt.files != nil {
			o.Assets = []assets.Asset{beside}
		}
		if err := d.Apply(t.Context(), s, now, o); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(append(tt.want, always...), got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// A file with a mistake in it does nothing. The error says where the mistake is, and what
// to write.
func TestMistakes(t *testing.T) {
	const (
		needLists  = "the file must have monitors:, alert_rules:, maintenances:, pages:, site: or integrations:, each with what it is to define"
		notAligned = "the line is not indented as those before it: put each - of a list, and all fields of an entry, below one another; or a value goes on after its quotes or brackets: put all of it into quotes"
		monitors   = "there are tag, name, description, image, cron, default_status, status, category_name, monitor_type, type_data, include_degraded_in_downtime, is_hidden, monitor_settings_json, external_url, confirmation_threshold"
		work       = "maintenances:\n- title: Backup\n  start_date_time: 1764000000\n  rrule: FREQ=DAILY\n  duration_seconds: 600\n"
		team       = "pages:\n- page_path: team\n  page_title: T\n  page_header: H\n"
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
		{"- tag: a\n", "line 1: the file must begin with one of monitors, alert_rules, maintenances, pages, site, integrations, and a colon; this one is a list: write monitors: above it"},
		{"monitors\n", "line 1: " + needLists + `, not with the text "monitors"`},
		{"monitors: []\npage: []\n", "line 2: there is no page to define: write pages"},
		{"monitors: []\nincidents: []\n", "line 2: there is no incidents to define: there are monitors, alert_rules, maintenances, pages, site, integrations"},
		{"site: [logo]\n", "line 1: site must have fields, such as siteName: VALUE, not a list"},
		{"site: /logo.png\n", `line 1: site must have fields, such as siteName: VALUE, not the text "/logo.png"`},
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
		{"maintenances:\n- start_date_time: 5\n", "line 2: maintenance 1: title is required and must be a non-empty string"},
		{"maintenances:\n- title: Backup\n  start_date_time: tomorrow\n", "line 3: maintenance 1: start_date_time must be a valid timestamp (UTC seconds), or a date with its offset such as start_date_time: 2026-12-07T03:00:00+01:00"},
		{"maintenances:\n- title: Backup\n  start_date_time: 2026-12-01\n", "line 3: maintenance 1: start_date_time must be a valid timestamp (UTC seconds), or a date with its offset such as start_date_time: 2026-12-07T03:00:00+01:00"},
		{"maintenances:\n- title: Backup\n  start_date_time: 5\n  rrule: daily\n", "line 4: maintenance 1: rrule is not a valid iCalendar RRULE string"},
		{"maintenances:\n- title: Backup\n  start_date_time: 5\n  rrule: FREQ=SECONDLY\n", "line 4: maintenance 1: rrule: FREQ=SECONDLY is not supported"},
		{work + "  status: PAUSED\n", "line 6: maintenance 1: status must be 'ACTIVE' or 'INACTIVE'"},
		{work + "  time_zone: Mars/Tharsis\n", "line 6: maintenance 1: time_zone must be the name of a time zone such as Europe/Berlin, or null"},
		{work + "  monitors: [{monitor_tag: a, impact: PURPLE}]\n", "line 6: maintenance 1: Invalid impact 'PURPLE'. Must be one of: UP, DOWN, DEGRADED, MAINTENANCE"},
		{work + "  monitors: [{monitor_tag: 5}]\n", "line 6: maintenance 1: Each monitor must have a valid monitor_tag"},
		{work + "  timezone: UTC\n", "line 6: maintenance 1: unknown field timezone: write time_zone"},
		{work + "- <<: {title: ' Backup ', start_date_time: 6, rrule: FREQ=WEEKLY, duration_seconds: 6}\n", `line 6: maintenance 2: the title "Backup" is there twice, the first time in line 2: give it another title, or leave it out`},
		{"pages:\n- page_title: T\n  page_header: H\n", "line 2: page 1: page_path is required and must be a string"},
		{"pages:\n- page_path: 5\n  page_title: T\n  page_header: H\n", `line 2: page 1: page_path is required and must be a string: write page_path: "5"`},
		{team + "  page_heading: H\n", "line 5: page 1: unknown field page_heading: write page_header"},
		{team + "  monitors: a\n", `line 5: page 1: monitors must be a list of tags, not the text "a": write monitors: [TAG]`},
		{team + "  monitors: [{monitor_tag: a}]\n", "line 5: page 1: monitors must be an array of monitor tags"},
		{team + "  monitors: [a, b, a]\n", "line 5: page 1: Monitor with tag 'a' is there twice"},
		{team + "  page_settings: {monitor_layout_style: wide}\n", "line 2: page 1: monitor_layout_style must be one of: default-list, default-grid, compact-list, compact-grid"},
		{team + "  page_settings:\n    incidents:\n      resolved: {max: 3}\n", "line 7: page 1: page_settings: incidents: resolved: unknown field max: there are show, max_count, days_in_past"},
		{team + "  page_settings:\n    monitor_layout_sytle: compact-list\n", "line 6: page 1: page_settings: unknown field monitor_layout_sytle: write monitor_layout_style"},
		{team + "  page_settings:\n    monitor_status_history_days: {dektop: 3}\n", "line 6: page 1: page_settings: monitor_status_history_days: unknown field dektop: write desktop"},
		{"pages:\n- page_path: events\n  page_title: T\n  page_header: H\n", "line 2: page 1: Page path 'events' is reserved"},
		{"pages:\n- page_path: ~home\n  page_title: ''\n", "line 3: page 1: page_title must be a non-empty string"},
		{"site:\n  sitename: A\n", "line 2: site: unknown field sitename: write siteName"},
		{"site:\n  colours: {}\n", "line 2: site: unknown field colours: write colors"},
		{"site:\n  siteName: ' '\n", "line 2: site: Invalid value for config key 'siteName'"},
		{"site:\n  siteName: 5\n", `line 2: site: siteName must be a text, not the number 5: write "5"`},
		{"site:\n  tzToggle: true\n", `line 2: site: tzToggle must be a text, not the truth value true: write "true"`},
		{"site:\n  logo:\n", "line 2: site: logo must be a text, not nothing"},
		{"site:\n  theme: light\n  nav: [{name: Shop}]\n", "line 3: site: Invalid value for config key 'nav'"},
		{"site:\n  theme: light\n  theme: dark\n", "line 3: theme is there twice in site, the first time in line 2: keep one"},
		{"integrations:\n- name: A\n  kind: generic\n  options:\n    publsh: title\n", "line 5: integration 1: options: unknown field publsh: write publish"},
		{"integrations:\n- name: A\n  kind: generic\n  options: {heartbeat: {perod_seconds: 60}}\n", "line 4: integration 1: options: heartbeat: unknown field perod_seconds: write period_seconds"},
		{"integrations:\n- name: A\n  kind: generic\n  options: title\n", "line 4: integration 1: options must be an object: write options: {NAME: VALUE}"},
		{"integrations:\n- name: A\n  kind: generic\n  options: {publish: all}\n", "line 2: integration 1: publish must be one of: nothing, title, title_and_message"},
		{"integrations:\n- name: A\n  kind: generic\n- name: A\n  kind: grafana\n", `line 4: integration 2: the name "A" is there twice, the first time in line 2: give it another name, or leave it out`},
		// Entries.
		{team + "- {page_path: ' TEAM ', page_title: T, page_header: H}\n", "line 5: page 2: the path team is there twice, the first time in line 2: give it another path, or leave it out"},
		{"pages:\n- page_path: ~home\n- page_path: ~home\n", "line 3: page 2: the path ~home is there twice, the first time in line 2: give it another path, or leave it out"},
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

// TestIntegrations makes integrations, whose tokens are said once, and finds them again by their names.
func TestIntegrations(t *testing.T) {
	s := newStore(t)
	token := regexp.MustCompile(`[0-9a-f]{32}`)
	var tokens []string
	applying := func(name, text, want string, dryRun bool) {
		t.Helper()
		got := applied(t, s, text, dryRun)
		if !dryRun {
			tokens = append(tokens, token.FindAllString(got, -1)...)
		}
		if diff := cmp.Diff(want, token.ReplaceAllString(got, "TOKEN")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	const first = `
monitors: [{tag: mars, name: Mars}]
integrations:
  - name: Alertmanager
    kind: alertmanager
    options:
      monitors: [earth]
      rules: [{label: job, value: "mars-*", monitors: [mars], impact: DEGRADED}]
      severities: {critical: DOWN, info: NONE}
      reopen_minutes: 5
  - {name: Backup, kind: heartbeat, options: {heartbeat: {monitor: google, period_seconds: 3600}}}
  - {name: CloudWatch, kind: cloudwatch, options: {insufficient_data: open}}
`
	applying("dry run", first, `+ monitor mars
= monitors: 1 made (dry run: nothing was written)
+ integration "Alertmanager": alertmanager
+ integration "Backup": heartbeat
~ integration 1, "CloudWatch": options.insufficient_data null → "open"
= integrations: 2 made, 1 changed (dry run: nothing was written)
`, true)
	applying("first", first, `+ monitor mars
= monitors: 1 made
+ integration "Alertmanager": alertmanager
  its token, shown this once: TOKEN (the address to send to: /hooks/TOKEN)
+ integration "Backup": heartbeat
  its token, shown this once: TOKEN (the address to send to: /ping/TOKEN)
~ integration 1, "CloudWatch": options.insufficient_data null → "open"
= integrations: 2 made, 1 changed
`, false)
	applying("again", first, "= monitors: 1 as they should be\n= integrations: 3 as they should be\nnothing to change\n", false)
	for n, id := range map[int]int64{0: 2, 2: 3} {
		i, err := s.IntegrationByToken(t.Context(), statuspage.HashSecret(tokens[n]), now+60)
		if err != nil || i.ID != id || tokens[n] != tokens[n+1] {
			t.Errorf("token %d is of %v, %v", n, i, err)
		}
	}
	const second = `
integrations:
  - {name: Alertmanager, kind: alertmanager, is_active: false, options: {reopen_minutes: null, publish: title}}
  - {name: Backup, kind: heartbeat, options: {heartbeat: {monitor: google, period_seconds: 7200}}}
`
	applying("second", second, `~ integration 2, "Alertmanager": is_active true → false, options.publish null → "title", options.reopen_minutes 5 → null
~ integration 3, "Backup": options.heartbeat.period_seconds 3600 → 7200
= integrations: 2 changed
`, false)
	applying("second again", second, "= integrations: 2 as they should be\nnothing to change\n", false)

	// What can't be done is found before anything is.
	applying("another kind", "integrations:\n- {name: New, kind: generic}\n- {name: Backup, kind: grafana}", "error: line 3: integration 2: kind can't be changed: make another integration\n", false)
	applying("unknown monitor", "integrations:\n- {name: New, kind: generic, options: {rules: [{label: a, value: b, monitors: [pluto]}]}}", "error: line 2: integration 1: Monitor with tag 'pluto' not found\n", false)
	for range 2 {
		if _, err := s.CreateIntegration(t.Context(), statuspage.NewIntegration{Name: "Twice", Kind: statuspage.KindGeneric}, statuspage.NewIntegrationToken(), now, nil); err != nil {
			t.Fatal(err)
		}
	}
	applying("two of a name", "integrations: [{name: Twice, kind: generic}]", "error: line 1: integration 1: there are two with the name \"Twice\", 4 and 5: give one of them another name, or delete it\n", false)
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
	if got := applied(t, s, text, false); got != "+ monitor mars\n+ monitor venus\n= monitors: 2 made\n" {
		t.Fatalf("%q", got)
	}
	m, err := s.Monitor(t.Context(), "venus")
	if err != nil || m.Name != "Mars" || m.Description == nil || *m.Description != "2026-11-30" || m.Image == nil || *m.Image != "/one.png" {
		t.Errorf("%+v, %v", m, err)
	}
}
