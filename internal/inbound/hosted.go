package inbound

import (
	"strings"

	"tocsin/internal/statuspage"
)

// This file has the monitors of websites that others run: field maps, and what these can't say.

// uptimeRobotFields are those of the body that docs/integrations.md gives to paste, which are
// also what UptimeRobot sends in a query or a form.
var uptimeRobotFields = statuspage.FieldMap{
	Key: "monitorID", Status: "alertType", Firing: []string{"1"}, Resolved: []string{"2"},
	Title: "monitorFriendlyName", Message: "alertDetails", At: "alertDateTime",
}

// uptimeRobot reads a message of UptimeRobot. A variable without a value stays as it is written
// in the template, such as *alertDuration*. What is neither down nor up, such as a certificate that
// is about to expire, is a note.
func uptimeRobot(m Message, o statuspage.IntegrationOptions) ([]statuspage.Signal, error) {
	fields, err := readFields(m)
	if err != nil {
		return nil, err
	}
	for name, value := range fields {
		if text, _ := value.(string); len(text) > 1 && strings.HasPrefix(text, "*") && strings.HasSuffix(text, "*") {
			delete(fields, name)
		}
	}
	s, err := mapped(fields, uptimeRobotFields, o)
	if s.Action == statuspage.SignalIgnored {
		s.Action = statuspage.SignalNote
	}
	return one(s, err)
}

var betterStackFields = statuspage.FieldMap{
	Key: "data.id", Status: "data.type", Title: "data.attributes.name", Message: "data.attributes.cause",
	Started: "data.attributes.started_at",
}

// betterStack reads an incident of Better Stack. Its times say what it is. One that is opened again
// has no end any more, or keeps the one that it had, before the time at which it was opened again.
func betterStack(m Message, o statuspage.IntegrationOptions) ([]statuspage.Signal, error) {
	fields, err := readObject(m.Body)
	if err != nil {
		return nil, err
	}
	s, err := mapped(fields, betterStackFields, o)
	acknowledged, resolved := fields.timeAt("data.attributes.acknowledged_at"), fields.timeAt("data.attributes.resolved_at")
	reopened := fields.timeAt("data.attributes.reopened_at")
	switch {
	case fields.textAt("data.type") != "incident":
		return one(s, err)
	case resolved > reopened:
		s.Action, s.At, s.Ended = statuspage.SignalResolved, resolved, resolved
	case acknowledged > reopened:
		s.Action, s.At = statuspage.SignalAcknowledged, acknowledged
	case reopened != 0:
		s.Action, s.At, s.Started = statuspage.SignalFiring, reopened, reopened
	default:
		s.Action = statuspage.SignalFiring
		if strings.EqualFold(fields.textAt("data.attributes.status"), "started") {
			s.At, s.Episode = s.Started, episode(s.Started)
		}
	}
	return one(s, err)
}

var pingdomFields = statuspage.FieldMap{
	Key: "check_id", Status: "current_state", Firing: []string{"DOWN", "FAILING"}, Resolved: []string{"UP", "SUCCESS"},
	Title: "check_name", Message: "long_description", At: "state_changed_timestamp",
}

// pingdom reads a message of Pingdom. Its importance says whom it tells, not how bad it is.
func pingdom(m Message, o statuspage.IntegrationOptions) ([]statuspage.Signal, error) {
	fields, err := readObject(m.Body)
	if err != nil {
		return nil, err
	}
	if fields.text("current_state") == "" && fields.text("check_id") != "" { // some checks leave it out
		fields["current_state"] = "DOWN"
		if fields.text("long_description") == "OK" {
			fields["current_state"] = "UP"
		}
	}
	s, err := mapped(fields, pingdomFields, o)
	for _, tag := range tagList(fields.text("tags")) {
		if monitor, is := strings.CutPrefix(tag, "tocsin-"); is {
			s.Monitors = append(s.Monitors, monitor)
		}
	}
	return one(s, err)
}

func one(s statuspage.Signal, err error) ([]statuspage.Signal, error) {
	if err != nil {
		return nil, err
	}
	return []statuspage.Signal{s}, nil
}
