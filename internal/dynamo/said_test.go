package dynamo

import (
	"testing"

	"tocsin/internal/statuspage"
)

// TestSaid tells the operator why an alarm opened no incident, and what is wrong with it.
func TestSaid(t *testing.T) {
	on := []statuspage.AffectedMonitor{{MonitorID: 1}}
	for _, c := range []struct {
		name            string
		allowGlobal     bool
		alert           statuspage.SignalAlert
		last            bool
		unknown         []string
		reason, trouble string
	}{
		{"opens an incident", false, statuspage.SignalAlert{Title: "Slow", Impact: statuspage.Down, Monitors: on}, false, nil, "", ""},
		{"a low severity", false, statuspage.SignalAlert{Title: "Slow", Monitors: on}, false, nil, "its severity opens no incident", ""},
		{"a low severity, no monitor", false, statuspage.SignalAlert{Title: "Slow"}, false, nil, "its severity opens no incident", ""},
		{"no monitor", false, statuspage.SignalAlert{Title: "Slow", Impact: statuspage.Down}, false, nil, "", "No monitor was found for the alarm Slow, so it opened no incident"},
		{"no monitor and no title", false, statuspage.SignalAlert{Impact: statuspage.Down}, false, nil, "", "No monitor was found for the alarm key, so it opened no incident"},
		{"concerns everything", true, statuspage.SignalAlert{Title: "Slow", Impact: statuspage.Down}, false, nil, "", ""},
		{"an unknown monitor", false, statuspage.SignalAlert{Title: "Slow", Impact: statuspage.Down, Monitors: on}, false, []string{"a", "b"}, "", "No active monitor has the tag a, b"},
		{"never over", false, statuspage.SignalAlert{Title: "Slow", Impact: statuspage.Down, Monitors: on}, true, nil, "", "The alarm Slow never reports its recovery"},
	} {
		reason, trouble := said(statuspage.IntegrationOptions{AllowGlobal: c.allowGlobal}, statuspage.Signal{Key: "key", Last: c.last}, c.alert, c.unknown)
		if reason != c.reason || trouble != c.trouble {
			t.Errorf("%s: %q, %q, want %q, %q", c.name, reason, trouble, c.reason, c.trouble)
		}
	}
}
