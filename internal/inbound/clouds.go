package inbound

import (
	"strings"

	"tocsin/internal/statuspage"
)

// This file has New Relic, Azure and Google Cloud: field maps, and what these can't say.

var newRelicFields = statuspage.FieldMap{
	Key: "id", Status: "state", Title: "title", Link: "issueUrl", Severity: "priority", At: "updatedAt", Started: "createdAt",
	Firing: []string{"CREATED", "ACTIVATED"}, Acknowledged: []string{"ACKNOWLEDGED"}, Resolved: []string{"CLOSED", "DEACTIVATED", "RESOLVED"},
}

// newRelic reads an issue of New Relic, as the default template of a webhook has it.
func newRelic(m Message, o statuspage.IntegrationOptions) ([]statuspage.Signal, error) {
	fields, err := readObject(m.Body)
	if err != nil {
		return nil, err
	}
	s, err := mapped(fields, newRelicFields, o)
	if titles, is := fields["title"].([]any); is && len(titles) > 0 { // in older templates
		s.Title = textOf(titles[0])
	}
	trigger := strings.ToUpper(fields.text("trigger"))
	if s.Action == statuspage.SignalFiring && strings.Contains(trigger, "ACKNOWLEDGED") && !strings.Contains(trigger, "UNACKNOWLEDGED") {
		s.Action, s.Episode = statuspage.SignalAcknowledged, ""
	}
	return one(s, err)
}

const azureSchema = "azureMonitorCommonAlertSchema"

var azureFields = statuspage.FieldMap{
	Key: "data.essentials.alertId", Status: "data.essentials.monitorCondition", Firing: []string{"Fired"}, Resolved: []string{"Resolved"},
	Title: "data.essentials.alertRule", Message: "data.essentials.description", Link: "data.essentials.investigationLink", Severity: "data.essentials.severity",
	Started: "data.essentials.firedDateTime", Ended: "data.essentials.resolvedDateTime", Monitors: "data.customProperties.tocsin_monitor",
}

// azure reads an alert of Azure Monitor in the common schema. Alerts of the activity log are never
// resolved.
func azure(m Message, o statuspage.IntegrationOptions) ([]statuspage.Signal, error) {
	fields, err := readObject(m.Body)
	if err != nil {
		return nil, err
	}
	if fields.text("schemaId") != azureSchema {
		return nil, statuspage.Invalid("schemaId must be %s: turn on the common alert schema in the action group", azureSchema)
	}
	s, err := mapped(fields, azureFields, o)
	if s.At = s.Started; s.Action == statuspage.SignalResolved {
		s.At = s.Ended
	}
	s.Last = s.Action == statuspage.SignalFiring && strings.EqualFold(fields.textAt("data.essentials.signalType"), "Activity Log")
	return one(s, err)
}

var googleCloudFields = statuspage.FieldMap{
	Key: "incident.incident_id", Status: "incident.state", Firing: []string{"open"}, Acknowledged: []string{"acknowledged"}, Resolved: []string{"closed"},
	Title: "incident.policy_name", Message: "incident.summary", Link: "incident.url", Severity: "incident.severity",
	Started: "incident.started_at", Ended: "incident.ended_at", Monitors: "incident.policy_user_labels.tocsin_monitor",
}

// googleCloud reads an incident of Google Cloud Monitoring. The version of a test is the word test.
func googleCloud(m Message, o statuspage.IntegrationOptions) ([]statuspage.Signal, error) {
	fields, err := readObject(m.Body)
	if err != nil {
		return nil, err
	}
	if strings.EqualFold(fields.text("version"), "test") {
		return ignored("Test of the notification channel"), nil
	}
	s, err := mapped(fields, googleCloudFields, o)
	if s.At = s.Started; s.Action == statuspage.SignalResolved {
		s.At = s.Ended
	}
	if strings.EqualFold(s.Severity, "No severity") {
		s.Severity = ""
	}
	return one(s, err)
}
