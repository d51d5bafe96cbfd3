package nodata

import (
	"slices"

	"tocsin/internal/statuspage"
)

// concerns reports whether the rule is one that a run judges.
func concerns(r statuspage.AlertRule) bool { return r.Active && r.For == statuspage.AlertNoData }

// byMonitor returns the rules on each monitor.
func byMonitor(rules []statuspage.AlertRule) map[statuspage.RuleMonitor][]statuspage.AlertRule {
	on := map[statuspage.RuleMonitor][]statuspage.AlertRule{}
	for _, r := range rules {
		for _, m := range r.Monitors {
			on[m] = append(on[m], r)
		}
	}
	return on
}

// asking returns those of a monitor's rules that ask for another state of their alert
// than there is at now (UTC seconds). newest is the monitor's newest point, nil for none,
// and alerting are the ids of the rules that have an alert open on it. Maintenances are not
// known here: they only keep a rule from what it asks for.
func asking(rules []statuspage.AlertRule, newest *statuspage.Point, alerting []int64, now int64) []statuspage.AlertRule {
	var ask []statuspage.AlertRule
	for _, r := range rules {
		if r.JudgeNoData(newest, statuspage.Overlay{}, now).Verdict.Asks(slices.Contains(alerting, r.ID)) {
			ask = append(ask, r)
		}
	}
	return ask
}
