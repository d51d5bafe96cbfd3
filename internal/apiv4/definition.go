package apiv4

import (
	"tocsin/internal/opt"
	"tocsin/internal/statuspage"
	"tocsin/internal/web"
)

// DecodeMonitor reads a monitor as POST /api/v4/monitors takes it, for a program that
// makes monitors or brings them up to date without HTTP: m is the monitor where there
// is none of its tag, p what to change where there is one. The errors are the API's.
func DecodeMonitor(body []byte) (m statuspage.Monitor, p statuspage.MonitorPatch, err error) {
	f, err := web.DecodeBody(body)
	if err != nil {
		return m, p, err
	}
	if m, err = newMonitor(f); err != nil {
		return m, p, err
	}
	if p, err = monitorPatch(f); err != nil {
		return m, p, err
	}
	p.Name = opt.Value(m.Name)
	return m, p, nil
}

// EncodeMonitor returns the monitor as the API shows it.
func EncodeMonitor(m statuspage.Monitor) []byte { return web.Encode(toMonitorJSON(m)) }

// DecodeAlertRule is DecodeMonitor for a rule as POST /api/v4/alert-rules takes it. The
// monitors are not in p.
func DecodeAlertRule(body []byte) (n statuspage.NewAlertRule, p statuspage.AlertRulePatch, err error) {
	f, err := web.DecodeBody(body)
	if err != nil {
		return n, p, err
	}
	if n, err = newAlertRule(f); err != nil {
		return n, p, web.Worded(err)
	}
	delete(f, "monitor_tags")
	p, err = alertRulePatch(f, false)
	return n, p, err
}

// EncodeAlertRule returns the rule as the API shows it.
func EncodeAlertRule(r statuspage.AlertRule) []byte { return web.Encode(toAlertRuleJSON(r)) }
