package inbound

import (
	"cmp"
	"crypto/rand"
	"strings"

	"tocsin/internal/statuspage"
)

// opsgenie reads a message as Opsgenie takes them to create an alert, see ReadOpsgenieAlert, or as
// its webhook sends them of an alert, with the action beside it.
func opsgenie(m Message, _ statuspage.IntegrationOptions) ([]statuspage.Signal, error) {
	fields, err := readObject(m.Body)
	if err != nil {
		return nil, err
	}
	alert, action := fields.object("alert"), strings.ToLower(fields.text("action"))
	if alert == nil || action == "" {
		alert, action = fields, "create"
	}
	s, err := opsgenieAlert(alert)
	if err != nil {
		return nil, err
	}
	if action != "create" {
		s.Action = cmp.Or(opsgenieActions[action], statuspage.SignalNote)
	}
	s.At = alert.time("updatedAt", "createdAt")
	switch s.Action {
	case statuspage.SignalFiring:
		s.Started = s.At
	case statuspage.SignalResolved:
		s.Ended = s.At
	}
	return []statuspage.Signal{s}, nil
}

// ReadOpsgenieAlert reads the body of POST /v2/alerts: a firing signal, tidied, whose key is the alias, or
// one that was made for an alert without. It returns a *statuspage.Error.
func ReadOpsgenieAlert(body []byte) (statuspage.Signal, error) {
	fields, err := readObject(body)
	if err != nil {
		return statuspage.Signal{}, err
	}
	s, err := opsgenieAlert(fields)
	return tidied(s), err
}

func opsgenieAlert(fields object) (statuspage.Signal, error) {
	if fields.text("message") == "" {
		return statuspage.Signal{}, statuspage.Invalid("Message can not be empty.")
	}
	_, labels := details(fields["details"])
	tags := fields.text("tags")
	for name, value := range pairs(tags) {
		labels[name] = cmp.Or(labels[name], value)
	}
	fields.setLabels(labels, "entity", "source", "tags", "user")
	s := statuspage.Signal{
		Key: cmp.Or(fields.text("alias", "alertId"), rand.Text()), Action: statuspage.SignalFiring, Title: undecorated(fields.text("message")), Message: fields.text("description"),
		Severity: cmp.Or(fields.text("priority"), "P3"), Labels: labels,
	}
	s.Guesses = [][]string{tagList(fields.text("entity")), tagList(tags)}
	return s, nil
}

// opsgenieActions are what the last part of the path of a request about an alert stands for. What
// only changes who is told, or what is said, is a note.
var opsgenieActions = map[string]statuspage.SignalAction{
	"close": statuspage.SignalResolved, "acknowledge": statuspage.SignalAcknowledged,
	"unacknowledge": statuspage.SignalNote, "notes": statuspage.SignalNote, "snooze": statuspage.SignalNote,
	"message": statuspage.SignalNote, "description": statuspage.SignalNote, "priority": statuspage.SignalNote,
	"tags": statuspage.SignalNote, "details": statuspage.SignalNote, "assign": statuspage.SignalNote, "escalate": statuspage.SignalNote, "responders": statuspage.SignalNote,
}

// ReadOpsgenieAction reads the body of a request about an alert: POST
// /v2/alerts/{identifier}/close, acknowledge, notes and so on, and PUT
// /v2/alerts/{identifier}/message, description and priority. The identifier is taken for the key of the alert, whatever
// type it is said to have: aliases and the keys that ReadOpsgenieAlert made are keys. It returns
// a *statuspage.Error, which also says that there is no such action.
func ReadOpsgenieAction(action, identifier string, body []byte) (statuspage.Signal, error) {
	kind, known := opsgenieActions[action]
	if !known {
		return statuspage.Signal{}, statuspage.Invalid("Unknown action '%s'", action)
	}
	if identifier == "" {
		return statuspage.Signal{}, statuspage.Invalid("The identifier of the alert is missing")
	}
	fields := object{}
	if len(body) > 0 {
		var err error
		if fields, err = readObject(body); err != nil {
			return statuspage.Signal{}, err
		}
	}
	return tidied(statuspage.Signal{
		Key: identifier, Action: kind, Title: undecorated(fields.text("message")), Message: fields.text("note", "description"), Severity: fields.text("priority"),
	}), nil
}
