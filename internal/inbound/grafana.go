package inbound

import (
	"cmp"
	"strings"

	"tocsin/internal/statuspage"
)

// grafana reads the webhook of Grafana's unified alerting, which is much like Alertmanager's, and
// the one that Grafana had before version 11.
func grafana(m Message, o statuspage.IntegrationOptions) ([]statuspage.Signal, error) {
	body, err := readObject(m.Body)
	if err != nil {
		return nil, err
	}
	if body["alerts"] == nil && body["ruleId"] != nil && body["state"] != nil {
		return []statuspage.Signal{legacyGrafana(body, o)}, nil
	}
	g, err := readGroup(body)
	if err != nil {
		return nil, err
	}
	var signals []statuspage.Signal
	var alerts []groupAlert
	for _, a := range g.alerts {
		// That a rule has no data, or no answer, is an alert of its own, which may be grouped with
		// those of the rule. It says nothing of them.
		switch name := a.labels["alertname"]; {
		case name == "TestAlert" && a.labels["instance"] == "Grafana":
			signals = append(signals, statuspage.Signal{Key: a.fingerprint, Action: statuspage.SignalIgnored, Title: "Test of the contact point", Labels: a.labels})
		case name == "DatasourceNoData" || name == "DatasourceError":
			alone := alertGroup{labels: map[string]string{"rulename": a.labels["rulename"]}, link: g.link}.signal([]groupAlert{a}, o)
			alone.Key = a.fingerprint
			if !o.NoData {
				alone.Action = statuspage.SignalNote
			}
			signals = append(signals, alone)
		default:
			alerts = append(alerts, a)
		}
	}
	if len(alerts) > 0 {
		signals = append(signals, g.signals(alerts, o)...)
	}
	return signals, nil
}

// unclear returns why the end of an alert does not mean that all is well: "" if it does. Grafana
// gives a reason when it ended an alert without having measured that it is over.
func (a groupAlert) unclear() string {
	switch reason := a.annotations["grafana_state_reason"]; reason {
	case "":
		return ""
	case "Updated":
		return "the alert rule was changed"
	case "Paused":
		return "the alert rule was paused"
	case "RuleDeleted":
		return "the alert rule was deleted"
	default: // MissingSeries, NoData, Error, KeepLast
		return "there is no data any more"
	}
}

func legacyGrafana(body object, o statuspage.IntegrationOptions) statuspage.Signal {
	s := statuspage.Signal{
		Key: body.text("orgId") + "/" + body.text("ruleId"), Action: statuspage.SignalIgnored,
		Title:   cmp.Or(body.text("ruleName"), undecorated(body.text("title"))),
		Message: body.text("message"), Link: body.text("ruleUrl"), Labels: body.object("tags").labels(),
	}
	body.setLabels(s.Labels, "ruleName")
	switch strings.ToLower(body.text("state")) {
	case "alerting":
		s.Action = statuspage.SignalFiring
	case "ok":
		s.Action = statuspage.SignalResolved
	case "paused":
		s.Action = statuspage.SignalNote
	case "no_data":
		s.Action = statuspage.SignalNote
		if o.NoData {
			s.Action = statuspage.SignalFiring
		}
	}
	if s.Title == "Test notification" {
		s.Action = statuspage.SignalIgnored
	}
	return s
}
