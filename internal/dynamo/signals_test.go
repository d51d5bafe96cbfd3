package dynamo_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/dynamo"
	"tocsin/internal/statuspage"
)

// prometheus is an integration of the kind generic with the options, a JSON object.
func prometheus(options string) statuspage.Integration {
	return statuspage.Integration{ID: 2, Name: "Prometheus", Kind: statuspage.KindGeneric, Options: statuspage.JSONObject(options), Active: true, Version: 1}
}

// A told is a signal in a test: its times are seconds after now.
type told struct {
	action  statuspage.SignalAction
	key     string
	at      int64 // of the source; 0: none
	arrives int64
	with    func(*statuspage.Signal)
}

const (
	firing       = statuspage.SignalFiring
	resolved     = statuspage.SignalResolved
	acknowledged = statuspage.SignalAcknowledged
	note         = statuspage.SignalNote
)

func (x told) signal() statuspage.Signal {
	s := statuspage.Signal{Key: x.key, Action: x.action, Title: "Disk full", Message: "on db-1", Monitors: []string{"a"}, Severity: "critical"}
	if x.at != 0 {
		s.At = (now + x.at) * 1000
	}
	if x.with != nil {
		x.with(&s)
	}
	return s
}

func send(t testing.TB, s *dynamo.Store, i statuspage.Integration, arrives int64, told ...told) statuspage.Taken {
	t.Helper()
	var signals []statuspage.Signal
	for _, x := range told {
		signals = append(signals, x.signal())
	}
	taken, err := s.TakeSignals(context.Background(), i, signals, now+arrives, nil)
	if err != nil {
		t.Fatal(err)
	}
	return taken
}

// TestLifeOfASignal goes from the first signal over a repetition to the end, field by field.
func TestLifeOfASignal(t *testing.T) {
	t.Parallel()
	tb, s := newPoints(t, "a")
	i := prometheus(``)
	x := told{action: firing, key: "disk", at: 1, with: func(s *statuspage.Signal) {
		s.Started, s.Episode, s.Link, s.Labels = (now-90)*1000, "e1", "https://tool.example.com/1", map[string]string{"host": "db-1"}
	}}
	if got := send(t, s, i, 2, x); got != (statuspage.Taken{Received: 1, Opened: 1}) {
		t.Errorf("taken %+v", got)
	}
	x.at = 60
	if got := send(t, s, i, 61, x); got != (statuspage.Taken{Received: 1}) {
		t.Errorf("a repetition: %+v", got)
	}
	alert := statuspage.Alert{
		ID: 1, Tag: "a", MonitorID: 1, Severity: statuspage.Critical, State: statuspage.Triggered, IncidentID: new(int64(1)), Created: now + 2, Updated: now + 2, Version: 1,
		Signal: &statuspage.SignalAlert{
			IntegrationID: i.ID, Key: "disk", Title: "Disk full", Message: "on db-1", Link: "https://tool.example.com/1", Severity: "critical",
			Labels: map[string]string{"host": "db-1"}, Impact: statuspage.Down, Monitors: []statuspage.AffectedMonitor{{Tag: "a", MonitorID: 1, Impact: statuspage.Down}},
			Started: now - 90, Count: 2, LastSeen: now + 61,
		},
	}
	if d := cmp.Diff([]statuspage.Alert{alert}, alertsOf(t, s, statuspage.AlertQuery{Tag: "a", IntegrationID: i.ID})); d != "" {
		t.Errorf("alerts (-want +got):\n%s", d)
	}
	incident := statuspage.Incident{
		ID: 1, Title: "a: down", Start: statuspage.FloorMinute(now - 90), State: statuspage.Investigating, Type: statuspage.TypeIncident, Source: "ALERT",
		Monitors: alert.Signal.Monitors, Created: now + 2, Updated: now + 2, AlertID: new(int64(1)), Version: 1,
	}
	if d := cmp.Diff(incident, getIncident(t, s, 1)); d != "" {
		t.Errorf("incident (-want +got):\n%s", d)
	}
	opening := statuspage.Comment{
		ID: 1, IncidentID: 1, Time: incident.Start, State: statuspage.Investigating, Created: now + 2, Updated: now + 2, Version: 1,
		Text: "Opened automatically by the integration Prometheus.",
	}
	if d := cmp.Diff([]statuspage.Comment{opening}, commentsOf(t, s, 1)); d != "" {
		t.Errorf("comments (-want +got):\n%s", d)
	}
	checkFinished(t, tb)
	end := told{action: resolved, key: "disk", at: 200, with: func(s *statuspage.Signal) { s.Ended = (now + 190) * 1000 }}
	if got := send(t, s, i, 201, end); got != (statuspage.Taken{Received: 1, Resolved: 1}) {
		t.Errorf("resolved: %+v", got)
	}
	alert.State, alert.Resolved, alert.Updated, alert.Version = statuspage.AlertResolved, new(int64(now+201)), now+201, 2
	if d := cmp.Diff([]statuspage.Alert{alert}, alertsOf(t, s, statuspage.AlertQuery{})); d != "" {
		t.Errorf("alerts at the end (-want +got):\n%s", d)
	}
	incident.State, incident.End, incident.Closed = statuspage.Resolved, new(statuspage.FloorMinute(now+190)), new(int64(now+201))
	incident.Updated, incident.Version = now+201, 2
	if d := cmp.Diff(incident, getIncident(t, s, 1)); d != "" {
		t.Errorf("incident at the end (-want +got):\n%s", d)
	}
	closing := statuspage.Comment{
		ID: 2, IncidentID: 1, Time: *incident.End, State: statuspage.Resolved, Created: now + 201, Updated: now + 201, Version: 1,
		Text: "Resolved automatically by the integration Prometheus.",
	}
	if d := cmp.Diff([]statuspage.Comment{opening, closing}, commentsOf(t, s, 1)); d != "" {
		t.Errorf("comments at the end (-want +got):\n%s", d)
	}
	checkFinished(t, tb)
}

// outline says in a few words what is there: the states of the alerts, the older ones first, and of
// each incident its state, impact and the beginnings of its comments.
func outline(t testing.TB, s *dynamo.Store) string {
	t.Helper()
	var parts []string
	alerts := alertsOf(t, s, statuspage.AlertQuery{})
	slices.Reverse(alerts)
	for _, a := range alerts {
		of := ""
		if a.IncidentID != nil {
			of = fmt.Sprintf(" of %d", *a.IncidentID)
		}
		parts = append(parts, fmt.Sprintf("alert %s x%d%s", strings.ToLower(string(a.State)), a.Signal.Count, of))
	}
	incidents := listed(t, s, statuspage.IncidentQuery{})
	slices.SortFunc(incidents, func(a, b statuspage.Incident) int { return int(a.ID - b.ID) })
	for _, i := range incidents {
		text := fmt.Sprintf("%d %s", i.ID, strings.ToLower(string(i.State)))
		for _, m := range i.Monitors {
			text += fmt.Sprintf(" %s=%s", m.Tag, strings.ToLower(string(m.Impact)))
		}
		comments := commentsOf(t, s, i.ID)
		slices.SortFunc(comments, func(a, b statuspage.Comment) int { return int(a.ID - b.ID) })
		for _, c := range comments {
			words := strings.Fields(c.Text)
			text += " +" + strings.Join(words[:min(2, len(words))], " ")
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "; ")
}

// TestSignals has what signals do, one after the other, each at a second of its own.
func TestSignals(t *testing.T) {
	t.Parallel()
	fires := func(at int64) told { return told{action: firing, key: "k", at: at, arrives: at} }
	ends := func(at int64) told { return told{action: resolved, key: "k", at: at, arrives: at} }
	with := func(x told, f func(*statuspage.Signal)) told {
		x.with = f
		return x
	}
	severity := func(word string) func(*statuspage.Signal) {
		return func(s *statuspage.Signal) { s.Severity = word }
	}
	on := func(tags ...string) func(*statuspage.Signal) {
		return func(s *statuspage.Signal) { s.Monitors = tags }
	}
	comes := func(x told, arrives int64) told {
		x.arrives = arrives
		return x
	}
	episode := func(e string) func(*statuspage.Signal) {
		return func(s *statuspage.Signal) { s.Episode = e }
	}
	clockless := func(action statuspage.SignalAction, arrives int64) told {
		return told{action: action, key: "k", arrives: arrives}
	}
	for _, tt := range []struct {
		name, options string
		signals       []told
		want          string
	}{
		{"fires", ``, []told{fires(1)}, "alert triggered x1 of 1; 1 investigating a=down +Opened automatically"},
		{"repeats", ``, []told{fires(1), fires(2), fires(3)}, "alert triggered x3 of 1; 1 investigating a=down +Opened automatically"},
		{"late repetition", ``, []told{fires(3), comes(fires(1), 4)}, "alert triggered x2 of 1; 1 investigating a=down +Opened automatically"},
		{"resolves what is not known", ``, []told{ends(1)}, ""},
		{"acknowledges what is not known", ``, []told{{action: acknowledged, key: "k", at: 1}}, ""},
		{"resolves", ``, []told{fires(1), ends(2)}, "alert resolved x1 of 1; 1 resolved a=down +Opened automatically +Resolved automatically"},
		{"resolves twice", ``, []told{fires(1), ends(2), ends(3)}, "alert resolved x1 of 1; 1 resolved a=down +Opened automatically +Resolved automatically"},
		{"the end comes first", ``, []told{comes(ends(5), 1), comes(fires(1), 2)}, ""},
		{"an end of before", ``, []told{fires(3), comes(ends(2), 4)}, "alert triggered x1 of 1; 1 investigating a=down +Opened automatically"},
		{"late after the end", ``, []told{fires(1), ends(3), comes(fires(2), 4)}, "alert resolved x1 of 1; 1 resolved a=down +Opened automatically +Resolved automatically"},
		{"long after the end", `{"reopen_minutes":0}`, []told{fires(1), ends(3), comes(fires(2), 3604)}, "alert resolved x1 of 1; 1 resolved a=down +Opened automatically +Resolved automatically"},
		{"the same episode again", ``, []told{with(fires(1), episode("e")), ends(3), with(fires(4), episode("e"))}, "alert resolved x1 of 1; 1 resolved a=down +Opened automatically +Resolved automatically"},
		{"another episode", `{"reopen_minutes":0}`, []told{with(fires(1), episode("e")), ends(3), with(fires(4), episode("f"))},
			"alert resolved x1 of 1; alert triggered x1 of 2; 1 resolved a=down +Opened automatically +Resolved automatically; 2 investigating a=down +Opened automatically"},
		{"reopens", ``, []told{fires(1), ends(3), fires(15*60 + 3)},
			"alert resolved x1 of 1; alert triggered x1 of 1; 1 investigating a=down +Opened automatically +Resolved automatically +Found again"},
		{"reopens and ends", ``, []told{fires(1), ends(3), fires(15*60 + 3), fires(1000), ends(1001)},
			"alert resolved x1 of 1; alert resolved x2 of 1; 1 resolved a=down +Opened automatically +Resolved automatically +Found again +Resolved automatically"},
		{"too late to reopen", ``, []told{fires(1), ends(3), fires(15*60 + 4)},
			"alert resolved x1 of 1; alert triggered x1 of 2; 1 resolved a=down +Opened automatically +Resolved automatically; 2 investigating a=down +Opened automatically"},
		{"without a clock", `{"reopen_minutes":0}`, []told{clockless(firing, 1), clockless(firing, 1), clockless(resolved, 1), clockless(firing, 1), clockless(resolved, 1)},
			"alert resolved x2 of 1; alert resolved x1 of 2; 1 resolved a=down +Opened automatically +Resolved automatically; 2 resolved a=down +Opened automatically +Resolved automatically"},
		{"some without a clock", `{"reopen_minutes":0}`, []told{comes(fires(-100), 1), clockless(resolved, 2), comes(fires(-90), 3)},
			"alert resolved x1 of 1; alert triggered x1 of 2; 1 resolved a=down +Opened automatically +Resolved automatically; 2 investigating a=down +Opened automatically"},
		{"acknowledged", ``, []told{fires(1), {action: acknowledged, key: "k", at: 2, arrives: 2}, {action: acknowledged, key: "k", at: 2, arrives: 3}},
			"alert triggered x1 of 1; 1 identified a=down +Opened automatically +Somebody works"},
		{"acknowledged before it was over and came back", ``, []told{fires(1), ends(3), fires(1000), {action: acknowledged, key: "k", at: 2, arrives: 1001}},
			"alert resolved x1 of 1; alert triggered x1 of 2; 1 resolved a=down +Opened automatically +Resolved automatically; 2 investigating a=down +Opened automatically"},
		{"a note that says nothing in public", ``, []told{fires(1), {action: note, key: "k", at: 2, arrives: 2}}, "alert triggered x1 of 1; 1 investigating a=down +Opened automatically"},
		{"a note", `{"publish":"title_and_message"}`, []told{fires(1), {action: note, key: "k", at: 2, arrives: 2}, {action: note, key: "k", at: 2, arrives: 3}},
			"alert triggered x1 of 1; 1 investigating a=down +Opened automatically +A note"},
		{"a note without data", ``, []told{fires(1), with(told{action: note, key: "k", at: 2, arrives: 2}, func(s *statuspage.Signal) { s.Unclear = "There is no data." })},
			"alert triggered x1 of 1; 1 investigating a=down +Opened automatically +A note"},
		{"over, but how", ``, []told{fires(1), with(ends(2), func(s *statuspage.Signal) { s.Unclear = "the alarm was deleted" })},
			"alert resolved x1 of 1; 1 monitoring a=down +Opened automatically +The alarm"},
		{"again while it is left to a person", ``, []told{fires(1), with(ends(2), func(s *statuspage.Signal) { s.Unclear = "the alarm was deleted" }), fires(9000), ends(9001)},
			"alert resolved x1 of 1; alert resolved x1 of 1; 1 resolved a=down +Opened automatically +The alarm +Found again +Resolved automatically"},
		{"degraded", ``, []told{with(fires(1), severity("warning"))}, "alert triggered x1 of 1; 1 investigating a=degraded +Opened automatically"},
		{"worse", ``, []told{with(fires(1), severity("warning")), fires(2), with(fires(3), severity("warning"))},
			"alert triggered x3 of 1; 1 investigating a=down +Opened automatically +The integration"},
		{"no incident", ``, []told{with(fires(1), severity("info")), with(fires(2), severity("info")), ends(3)}, "alert resolved x2"},
		{"no incident, then one", ``, []told{with(fires(1), severity("info")), fires(2)}, "alert triggered x2 of 1; 1 investigating a=down +Opened automatically"},
		{"an own severity", `{"severities":{"Oops":"DEGRADED"}}`, []told{with(fires(1), severity("OOPS"))}, "alert triggered x1 of 1; 1 investigating a=degraded +Opened automatically"},
		{"no monitor", ``, []told{with(fires(1), on()), ends(2)}, "alert resolved x1"},
		{"an unknown monitor", ``, []told{with(fires(1), on("gone"))}, "alert triggered x1"},
		{"one of two", ``, []told{with(fires(1), on("gone", "b"))}, "alert triggered x1 of 1; 1 investigating b=down +Opened automatically"},
		{"the default monitors", `{"monitors":["b","a"]}`, []told{with(fires(1), on("gone"))}, "alert triggered x1 of 1; 1 investigating b=down a=down +Opened automatically"},
		{"everything", `{"allow_global":true}`, []told{with(fires(1), on())}, "alert triggered x1 of 1; 1 investigating +Opened automatically"},
		{"two problems", ``, []told{fires(1), {action: firing, key: "l", at: 1}}, "alert triggered x1 of 1; alert triggered x1 of 2; 1 investigating a=down +Opened automatically; 2 investigating a=down +Opened automatically"},
		{"by monitor", `{"group_by":"monitor"}`, []told{fires(1), {action: firing, key: "l", at: 2, arrives: 2}, ends(3)},
			"alert resolved x1 of 1; alert triggered x1 of 1; 1 investigating a=down +Opened automatically +Found by"},
		{"by monitor, both end", `{"group_by":"monitor"}`, []told{fires(1), {action: firing, key: "l", at: 2, arrives: 2}, ends(3), {action: resolved, key: "l", at: 200, arrives: 200}},
			"alert resolved x1 of 1; alert resolved x1 of 1; 1 resolved a=down +Opened automatically +Found by +Resolved automatically"},
		{"by monitor, again", `{"group_by":"monitor"}`, []told{fires(1), ends(3), fires(4), {action: firing, key: "l", at: 5, arrives: 5}, ends(6), {action: resolved, key: "l", at: 7, arrives: 7}},
			"alert resolved x1 of 1; alert resolved x1 of 1; alert resolved x1 of 1; 1 resolved a=down +Opened automatically +Resolved automatically +Found again +Found by +Resolved automatically"},
		{"by monitor, again on another one", `{"group_by":"monitor"}`, []told{fires(1), {action: firing, key: "l", at: 2, arrives: 2}, ends(3), with(fires(4), on("b")), {action: resolved, key: "l", at: 5, arrives: 5}},
			"alert resolved x1 of 1; alert resolved x1 of 1; alert triggered x1 of 3; 1 resolved a=down +Opened automatically +Found by +Resolved automatically; 3 investigating b=down +Opened automatically"},
		{"waits and goes", `{"open_after_seconds":60}`, []told{fires(1), fires(30), ends(59)}, "alert resolved x2"},
		{"a clock that can't be", ``, []told{comes(fires(3*24*3600), 1), comes(ends(2), 2)}, "alert resolved x1 of 1; 1 resolved a=down +Opened automatically +Resolved automatically"},
		{"a test", ``, []told{{action: statuspage.SignalIgnored, key: "k"}}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tb, s := newPoints(t, "a", "b")
			i := prometheus(tt.options)
			for _, x := range tt.signals {
				send(t, s, i, x.arrives, x)
				checkTable(t, tb)
			}
			if got := outline(t, s); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			checkFinished(t, tb)
			// All again changes nothing that anybody sees but counts.
			if len(tt.signals) > 0 && !strings.Contains(tt.name, "clock") {
				for _, x := range tt.signals {
					if x.at != 0 {
						send(t, s, i, x.arrives+1, x)
					}
				}
				if got := outline(t, s); uncounted(got) != uncounted(tt.want) {
					t.Errorf("again\ngot  %s\nwant %s", got, tt.want)
				}
			}
		})
	}
}

// TestProblemOfAGroup tells of a problem that began before the end of the others of its group. At first
// it is taken for a copy that comes late. Its tool goes on to tell of it when it is none.
func TestProblemOfAGroup(t *testing.T) {
	t.Parallel()
	_, s := newPoints(t, "a")
	i := prometheus(`{"reopen_minutes":0}`)
	before := told{action: firing, key: "k", at: 2, with: func(s *statuspage.Signal) { s.Group = true }}
	send(t, s, i, 1, told{action: firing, key: "k", at: 1})
	send(t, s, i, 3, told{action: resolved, key: "k", at: 3})
	over := "alert resolved x1 of 1; 1 resolved a=down +Opened automatically +Resolved automatically"
	for _, tt := range []struct {
		arrives int64
		want    string
	}{
		{4, over},
		{3603, over},
		{3604, "alert resolved x1 of 1; alert triggered x1 of 2; 1 resolved a=down +Opened automatically +Resolved automatically; 2 investigating a=down +Opened automatically"},
	} {
		send(t, s, i, tt.arrives, before)
		if got := outline(t, s); got != tt.want {
			t.Errorf("at %d: got %s\nwant %s", tt.arrives, got, tt.want)
		}
	}
}

// uncounted is an outline without how often an alert was told of.
func uncounted(text string) string {
	var words []string
	for _, w := range strings.Fields(text) {
		if len(w) < 2 || w[0] != 'x' {
			words = append(words, w)
		}
	}
	return strings.Join(words, " ")
}
