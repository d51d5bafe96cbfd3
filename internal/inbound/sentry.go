package inbound

import (
	"strings"

	"tocsin/internal/statuspage"
)

// noIncident is a severity that opens no incident unless the integration's severities say so.
const noIncident = "none"

// sentry reads what an internal integration of Sentry sends: metric alerts, alerts of issues, and
// changes of issues (docs/integrations.md, Sentry). What it is about is told by its data, as the header
// Sentry-Hook-Resource does too.
func sentry(m Message, o statuspage.IntegrationOptions) ([]statuspage.Signal, error) {
	body, err := readObject(m.Body)
	if err != nil {
		return nil, err
	}
	action, data := body.text("action"), body.object("data")
	var s statuspage.Signal
	switch {
	case action == "" || data == nil:
		return nil, statuspage.Invalid("The body must be a webhook of a Sentry integration, with action and data")
	case data.object("metric_alert") != nil:
		s = sentryMetric(action, data)
	case data.object("event") != nil && action == "triggered":
		s = sentryIssueAlert(data, o)
	case data.object("issue") != nil:
		s = sentryIssue(action, data.object("issue"), o)
		s.At = timeOf(m.Header.Get("Sentry-Hook-Timestamp"))
	default:
		return ignored("Webhook with the action " + action), nil
	}
	if strings.HasSuffix(s.Key, "/") {
		return nil, statuspage.Invalid("The alert or issue has no id")
	}
	return []statuspage.Signal{timed(s)}, nil
}

// sentryMetric reads a metric alert, whose id is that of one episode.
func sentryMetric(action string, data object) statuspage.Signal {
	alert := data.object("metric_alert")
	s := statuspage.Signal{
		Key: "metric_alert/" + alert.text("id", "identifier"), Action: statuspage.SignalIgnored, Severity: action,
		Title: alert.text("title"), Message: data.text("description_text"), Link: data.text("web_url"),
		Started: alert.time("date_started"), Ended: alert.time("date_closed"), Labels: map[string]string{},
	}
	if s.Title == "" {
		s.Title = data.text("description_title")
		for _, word := range []string{"Critical: ", "Warning: ", "Resolved: "} {
			s.Title = strings.TrimPrefix(s.Title, word)
		}
	}
	alert.setLabels(s.Labels, "projects")
	alert.object("alert_rule").setLabels(s.Labels, "environment")
	s.Labels["alert_rule"] = alert.object("alert_rule").text("name")
	switch action {
	case "critical", "warning":
		s.Action, s.At = statuspage.SignalFiring, alert.time("date_detected", "date_created")
	case "resolved":
		s.Action, s.At, s.Severity = statuspage.SignalResolved, s.Ended, ""
	}
	return s
}

// sentryIssueAlert reads an alert of an issue. No alert says that it is over: that is a change of
// the issue. An error is no outage, so it opens an incident only if the options say so.
func sentryIssueAlert(data object, o statuspage.IntegrationOptions) statuspage.Signal {
	e := data.object("event")
	s := statuspage.Signal{
		Key: "issue/" + e.text("issue_id"), Action: statuspage.SignalFiring, Severity: sentrySeverity(e, o),
		Title: e.text("title"), Message: e.text("culprit"), Link: e.text("web_url"), At: e.time("datetime", "timestamp"), Labels: map[string]string{},
	}
	tags, _ := e["tags"].([]any)
	for _, tag := range tags {
		if pair, _ := tag.([]any); len(pair) == 2 {
			s.Labels[textOf(pair[0])] = textOf(pair[1])
		}
	}
	data.setLabels(s.Labels, "triggered_rule")
	return s
}

func sentryIssue(action string, issue object, o statuspage.IntegrationOptions) statuspage.Signal {
	s := statuspage.Signal{
		Key: "issue/" + issue.text("id"), Action: statuspage.SignalIgnored, Severity: sentrySeverity(issue, o),
		Title: issue.text("title"), Message: issue.text("culprit"), Link: issue.text("web_url", "permalink"), Labels: map[string]string{},
	}
	if project := issue.object("project").text("slug"); project != "" {
		s.Labels["project"] = project
	}
	switch action {
	case "unresolved":
		s.Action = statuspage.SignalFiring
	case "resolved", "archived", "ignored":
		s.Action = statuspage.SignalResolved
	}
	return s
}

func sentrySeverity(of object, o statuspage.IntegrationOptions) string {
	if !o.IssueAlerts {
		return noIncident
	}
	return of.text("level")
}
