package statuspage_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/statuspage"
)

func optionsOf(text string) statuspage.IntegrationOptions {
	return statuspage.Integration{Options: statuspage.JSONObject(text)}.Settings()
}

func TestPlainText(t *testing.T) {
	for in, want := range map[string]string{
		"":                       "",
		"plain text, 50% (full)": "plain text, 50% (full)",
		"**bold** _it_ `code`":   "\\*\\*bold\\*\\* \\_it\\_ \\`code\\`",
		"<script> & [x](y)":      "\\<script\\> \\& \\[x\\](y)",
		"# title":                "\\# title",
		"- item\n+ item":         "\\- item\\\n\\+ item",
		"1. one\n2) two":         "1\\. one\\\n2\\) two",
		"    code":               "code",
		"one\n\ntwo":             "one\n\ntwo",
		"a\r\nb":                 "a\\\nb",
		"a\\":                    "a\\\\",
	} {
		if got := statuspage.PlainText(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestImpactOf(t *testing.T) {
	for _, tt := range []struct {
		name, options string
		signal        statuspage.Signal
		want          statuspage.Impact
	}{
		{"nothing", ``, statuspage.Signal{}, "DOWN"},
		{"the default", `{"default_impact":"DEGRADED"}`, statuspage.Signal{}, "DEGRADED"},
		{"an unknown word", ``, statuspage.Signal{Severity: "purple"}, "DOWN"},
		{"a word, whatever its case", ``, statuspage.Signal{Severity: " Warning"}, "DEGRADED"},
		{"not bad enough", ``, statuspage.Signal{Severity: "P5"}, ""},
		{"an own word", `{"severities":{"critical":"NONE"}}`, statuspage.Signal{Severity: "CRITICAL"}, ""},
		{"the payload's", ``, statuspage.Signal{Severity: "info", Impact: "DEGRADED"}, "DEGRADED"},
		{"what is no impact of an alarm", ``, statuspage.Signal{Severity: "info", Impact: "MAINTENANCE"}, ""},
		{"a rule's", `{"rules":[{"label":"job","value":"db-*","monitors":["a"],"impact":"DEGRADED"}]}`, statuspage.Signal{Severity: "critical", Labels: map[string]string{"job": "db-1"}}, "DEGRADED"},
	} {
		if got := optionsOf(tt.options).ImpactOf(tt.signal); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestChoose(t *testing.T) {
	const options = `{"rules":[{"label":"job","value":"db","monitors":["b"]}],"monitors":["c"]}`
	monitors := map[string]statuspage.Monitor{}
	for id, tag := range map[int64]string{1: "a", 2: "b", 3: "c"} {
		monitors[tag] = statuspage.Monitor{ID: id, Tag: tag}
	}
	monitors["off"] = statuspage.Monitor{ID: 4, Tag: "off", Status: new("INACTIVE")}
	label := func(name, value string) statuspage.Signal {
		return statuspage.Signal{Labels: map[string]string{name: value}}
	}
	for _, tt := range []struct {
		name           string
		signal         statuspage.Signal
		found, unknown string
	}{
		{"the default", statuspage.Signal{}, "c", ""},
		{"named", statuspage.Signal{Monitors: []string{"a", "a", "b"}}, "a b", ""},
		{"guessed", statuspage.Signal{Guesses: [][]string{{"x"}, {"b", "x", "a"}, {"c"}}}, "b a", ""},
		{"guessed wrongly", statuspage.Signal{Guesses: [][]string{{"x"}}}, "c", ""},
		{"by a rule", label("job", "db"), "b", ""},
		{"unknown", statuspage.Signal{Monitors: []string{"x"}, Labels: map[string]string{"job": "db"}}, "b", "x"},
		{"one of two", statuspage.Signal{Monitors: []string{"x", "a"}}, "a", "x"},
		{"INACTIVE", statuspage.Signal{Monitors: []string{"off"}}, "c", "off"},
	} {
		found, unknown := statuspage.Choose(optionsOf(options).Concerns(tt.signal), monitors, statuspage.Down)
		var tags []string
		for _, m := range found {
			tags = append(tags, m.Tag)
		}
		if d := cmp.Diff([]string{tt.found, tt.unknown}, []string{strings.Join(tags, " "), strings.Join(unknown, " ")}); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
	}
}

// TestPublished has what of a tool's words becomes public.
func TestPublished(t *testing.T) {
	s := statuspage.Signal{Key: "k", Title: "Disk\x00 full\non db-1", Message: "see <b>db-1</b>", Link: "https://tool.example.com/a b", Severity: "critical"}
	for _, tt := range []struct{ options, link, title, comment string }{
		{``, "https://tool.example.com/1", "Shop and 1 more: down", "Opened automatically by the integration My\\_Tool."},
		{`{"publish":"title"}`, "", "Disk full on db-1", "Opened automatically by the integration My\\_Tool."},
		{`{"publish":"title_and_message"}`, "", "Disk full on db-1", "Opened automatically by the integration My\\_Tool.\n\nsee \\<b\\>db-1\\</b\\>"},
		{`{"publish_link":true}`, "https://tool.example.com/1", "Shop and 1 more: down", "Opened automatically by the integration My\\_Tool.\n\n<https://tool.example.com/1>"},
		{`{"publish_link":true}`, "https://tool.example.com/a b", "Shop and 1 more: down", "Opened automatically by the integration My\\_Tool."},
		{`{"publish_link":true}`, "javascript:alert(1)", "Shop and 1 more: down", "Opened automatically by the integration My\\_Tool."},
	} {
		i := statuspage.Integration{ID: 2, Name: "My_Tool", Options: statuspage.JSONObject(tt.options)}
		s.Link = tt.link
		a := i.Alert(1, s, statuspage.Down, []statuspage.AffectedMonitor{{"shop", 1, "DOWN"}, {"cart", 2, "DOWN"}}, 1_800_000_000)
		f := i.Opened(a, "Shop", statuspage.FiringIDs{Alert: 1, Incident: 2, Comment: 3}, 1_800_000_000)
		if f.Incident.Title != tt.title || f.Comment.Text != tt.comment {
			t.Errorf("%s: %q and %q, want %q and %q", tt.options, f.Incident.Title, f.Comment.Text, tt.title, tt.comment)
		}
	}
}

// TestTitleOfWorse has the title of an incident whose monitors were degraded and are down.
func TestTitleOfWorse(t *testing.T) {
	const now = 1_800_000_000
	on := func(impact statuspage.Impact) []statuspage.AffectedMonitor {
		return []statuspage.AffectedMonitor{{Tag: "shop", MonitorID: 1, Impact: impact}}
	}
	i := statuspage.Integration{ID: 2, Name: "Tool"}
	alert := func(impact statuspage.Impact) statuspage.Alert {
		return i.Alert(3, statuspage.Signal{Key: "k"}, impact, on(impact), now)
	}
	for _, tt := range []struct {
		title    string
		was, is  statuspage.Impact
		want     string
		noChange bool // whether the alert that is open says nothing new
	}{
		{"Shop: degraded", statuspage.Degraded, statuspage.Down, "Shop: down", false},
		{"Shop and 1 more: degraded", statuspage.Degraded, statuspage.Down, "Shop and 1 more: down", false},
		{"Payments fail", statuspage.Degraded, statuspage.Down, "Payments fail", false},
		{"Shop: degraded", statuspage.Degraded, statuspage.Degraded, "Shop: degraded", true},
		{"Shop: degraded", statuspage.Down, statuspage.Down, "Shop: degraded", true}, // a person's word
		{"Shop: down", statuspage.Down, statuspage.Degraded, "Shop: down", true},
	} {
		of := statuspage.Incident{ID: 1, Title: tt.title, State: statuspage.Investigating, Start: now, Monitors: on(tt.was)}
		worse, _, changed := i.Worse(of, *alert(tt.is).Signal, 9, now)
		again := i.Again(alert(tt.is), of, statuspage.FiringIDs{Comment: 9}, now)
		joined := i.Joined(alert(tt.is), of, statuspage.Outage{IncidentID: 1, Start: now}, statuspage.FiringIDs{Comment: 9}, now)
		got := []string{worse.Title, again.Incident.Title, joined.Incident.Title}
		if d := cmp.Diff([]string{tt.want, tt.want, tt.want}, got); d != "" || changed == tt.noChange {
			t.Errorf("%q from %s to %s: changed %v (-want +got):\n%s", tt.title, tt.was, tt.is, changed, d)
		}
	}
}

// TestSignalKey has keys of every sort: the table can keep each as it is.
func TestSignalKey(t *testing.T) {
	long := strings.Repeat("a", 256)
	for in, want := range map[string]string{
		"":                         "",
		"disk \x00 é":              "disk \x00 é",
		long[:255]:                 long[:255],
		long:                       "sha256:02d7160d77e18c6447be80c2e355c7ed4388545271702c50253b0914c65ce5fe",
		"\xff\xfe":                 "\ufffd\ufffd",
		"\xc3(":                    "\ufffd(",
		strings.Repeat("\xff", 85): strings.Repeat("\ufffd", 85),
		strings.Repeat("\xff", 86): statuspage.SignalKey(strings.Repeat("\ufffd", 86)),
	} {
		if got := statuspage.SignalKey(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
