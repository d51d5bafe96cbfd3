package dynamotest

import (
	"fmt"
	"slices"
	"strings"
)

// checkSignals compares the marks of integrations with their alerts, and what alerts of
// integrations share on monitors with the outages there.
func (c *Contents) checkSignals() {
	open := map[int64]bool{} // alerts that a mark says are open
	for name, m := range c.Signals {
		alert, is := m.Num("id"), m.Has("open")
		a := c.Alerts[alert]
		if c.Cleaning("INTEGRATION", m.Num("integration_id")) {
			open[alert] = true
			continue
		}
		if is == m.Has("expires") || m.Num("version") < 1 {
			c.problem("the mark %s: open %v, expires %q, version %d", name, is, m.Text("expires"), m.Num("version"))
		}
		if is != (a != nil && a.Text("state") == "TRIGGERED") {
			c.problem("the mark %s is open: %v; its alert %d is %v", name, is, alert, a)
		}
		if !is {
			continue
		}
		open[alert] = true
		if a.Text("dedup_key") != m.Text("dedup_key") || a.Text("integration_id") != m.Text("integration_id") {
			c.problem("the mark %s and its alert %d are of other problems: %v", name, alert, a)
		}
		// A deleted incident is no alert's, but a mark may still name it.
		incident := m.Num("incident_id")
		there := c.Incidents[incident] != nil
		if m.Has("linked") != a.Has("incident_id") && there || a.Has("incident_id") && a.Num("incident_id") != incident {
			c.problem("the mark %s has incident %d, linked %v; its alert %v", name, incident, m.Has("linked"), a)
		}
		if want := fmt.Sprintf("%016d#%016d", incident, alert); m.Has("linked") && (m.Text("gsi1pk") != "SIGNALS" || m.Text("gsi1sk") != want) {
			c.problem("the mark %s is in the index as %s %s", name, m.Text("gsi1pk"), m.Text("gsi1sk"))
		}
		if due := earliest(m.Num("opens"), m.Num("stale"), m.Num("over")); (due < 0) == m.Has("gsi2pk") || due >= 0 && m.Text("gsi2sk") != timeAndID(due, 0) {
			c.problem("the mark %s is due at %d, in the index as %s", name, due, m.Text("gsi2sk"))
		}
		monitor := m.Num("monitor_id")
		if m.Has("monitor_id") && !c.Cleaning("MONITOR", monitor) && c.monitorThere(monitor) &&
			!slices.Contains(c.Other[monitor], fmt.Sprintf("OPENALERT#SIGNAL#%016d", alert)) {
			c.problem("the mark %s shares the outage on monitor %d, which has no mark of it", name, monitor)
		}
	}
	for id, a := range c.Alerts {
		if !a.Has("integration_id") {
			continue
		}
		if a.Text("state") == "TRIGGERED" && !open[id] {
			c.problem("alert %d of integration %s is open without a mark", id, a.Text("integration_id"))
		}
		monitor := a.Num("monitor_id")
		if monitor > 0 && c.monitorThere(monitor) && !slices.Contains(c.Other[monitor], fmt.Sprintf("ALERT#%016d", id)) {
			c.problem("alert %d has no row under monitor %d", id, monitor)
		}
	}
	for monitor, sks := range c.Other {
		for _, sk := range sks {
			if digits, is := strings.CutPrefix(sk, "OPENALERT#SIGNAL#"); is && !c.Cleaning("MONITOR", monitor) {
				var id int64
				_, _ = fmt.Sscanf(digits, "%d", &id)
				if !open[id] {
					c.problem("%s under monitor %d, but alert %d is not open", sk, monitor, id)
				}
			}
		}
	}
}

func (c *Contents) monitorThere(id int64) bool {
	for _, m := range c.Monitors {
		if m.Num("id") == id {
			return true
		}
	}
	return false
}

// earliest is the lowest of the times that there are, -1 for none.
func earliest(times ...int64) int64 {
	first := int64(-1)
	for _, t := range times {
		if t >= 0 && (first < 0 || t < first) {
			first = t
		}
	}
	return first
}
