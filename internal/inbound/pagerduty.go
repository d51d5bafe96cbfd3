package inbound

import (
	"cmp"
	"crypto/rand"
	"maps"
	"slices"
	"strings"

	"tocsin/internal/statuspage"
)

// pagerDuty reads an event as PagerDuty takes them, see ReadPagerDuty. An invalid one is an error.
func pagerDuty(m Message, _ statuspage.IntegrationOptions) ([]statuspage.Signal, error) {
	e, err := ReadPagerDuty(m.Body)
	if err != nil {
		return nil, err
	}
	if len(e.Errors) > 0 {
		return nil, statuspage.Invalid("Event object is invalid: %s", strings.Join(e.Errors, ", "))
	}
	return []statuspage.Signal{e.Signal}, nil
}

// A PagerDutyEvent is an event in one of the formats of PagerDuty.
type PagerDutyEvent struct {
	Signal statuspage.Signal // tidied; of use when there are no errors
	Key    string            // the sender's dedup_key or incident_key; one that was made for a trigger without
	Errors []string          // what is wrong, in PagerDuty's words, but for the routing key; nil: nothing

	RoutingKey string // or the service key; "" none
	V1         bool   // whether it is one of the Events API v1
}

// KeyErrors returns what is wrong with the routing key, in PagerDuty's words. Nil: nothing.
func (e PagerDutyEvent) KeyErrors() []string {
	switch {
	case len(e.RoutingKey) == 32:
		return nil
	case e.V1:
		return []string{"Service key is the wrong length (should be 32 characters)"}
	case e.RoutingKey == "":
		return []string{"'routing_key' cannot be blank"}
	}
	return []string{"Length of 'routing_key' is incorrect (should be 32 characters)"}
}

// pagerDutyActions are what the actions of an event stand for.
var pagerDutyActions = map[string]statuspage.SignalAction{
	"trigger": statuspage.SignalFiring, "acknowledge": statuspage.SignalAcknowledged, "resolve": statuspage.SignalResolved,
}

// pagerDutySeverities are those that PagerDuty takes.
var pagerDutySeverities = []string{"critical", "warning", "error", "info"}

// ReadPagerDuty reads an event of PagerDuty's Events API v2, or v1, which is told by its
// service_key or event_type. It returns a *statuspage.Error for a body that is no JSON object.
func ReadPagerDuty(body []byte) (PagerDutyEvent, error) {
	fields, err := readObject(body)
	switch {
	case err != nil:
		return PagerDutyEvent{}, err
	case fields["service_key"] != nil || fields["event_type"] != nil:
		return pagerDutyV1(fields), nil
	}
	payload, action := fields.object("payload"), fields.text("event_action")
	e := PagerDutyEvent{RoutingKey: fields.text("routing_key"), Key: fields.text("dedup_key")}
	must := func(holds bool, problem string) {
		if !holds {
			e.Errors = append(e.Errors, problem)
		}
	}

	must(action != "", "'event_action' is missing or blank")
	kind, known := pagerDutyActions[action]
	must(known || action == "", "'event_action' is invalid (must be one of the following: 'trigger', 'acknowledge' or 'resolve')")
	switch {
	case kind == statuspage.SignalFiring && payload == nil:
		must(false, "'payload' is missing or blank")
	case kind == statuspage.SignalFiring:
		must(payload.text("summary") != "", "'payload.summary' is missing or blank")
		must(payload.text("source") != "", "'payload.source' is missing or blank")
		severity := payload.text("severity")
		must(severity != "", "'payload.severity' is missing or blank")
		must(severity == "" || slices.Contains(pagerDutySeverities, strings.ToLower(severity)),
			"'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')")
	case known:
		must(e.Key != "", "'dedup_key' is missing or blank")
	}
	if e.Key == "" {
		e.Key = rand.Text()
	}

	// Alertmanager has the alerts of the group in the details.
	s, inDetails := statuspage.Signal{}, payload.object("custom_details")
	if alerts := readAlerts(slices.Concat(inDetails.objects("firing"), inDetails.objects("resolved"))); len(alerts) > 0 {
		s = alertGroup{}.signal(alerts, statuspage.DefaultIntegrationOptions())
	} else if s.At = payload.time("timestamp"); kind == statuspage.SignalFiring {
		s.Started, s.Episode = s.At, episode(s.At)
	} else if kind == statuspage.SignalResolved {
		s.Ended = s.At
	}
	s.Key, s.Action, s.Title, s.Severity, s.Link = e.Key, kind, undecorated(payload.text("summary")), payload.text("severity"), fields.text("client_url")
	description, labels := details(payload["custom_details"])
	s.Message = cmp.Or(description, s.Message)
	maps.Copy(labels, s.Labels)
	s.Labels = labels
	payload.setLabels(s.Labels, "component", "group", "class", "source")
	linked(&s, fields.objects("links"))
	e.Signal = tidied(s)
	return e, nil
}

// ReadPagerDutyChange reads a change event of PagerDuty: a deployment, say, which is no problem.
// It returns a *statuspage.Error for a body that is no JSON object.
func ReadPagerDutyChange(body []byte) (PagerDutyEvent, error) {
	fields, err := readObject(body)
	if err != nil {
		return PagerDutyEvent{}, err
	}
	payload := fields.object("payload")
	e := PagerDutyEvent{RoutingKey: fields.text("routing_key"), Key: rand.Text()}
	switch {
	case payload == nil:
		e.Errors = []string{"'payload' is missing or blank"}
	case payload.text("summary") == "":
		e.Errors = []string{"'payload.summary' is missing or blank"}
	}
	s := statuspage.Signal{Key: e.Key, Action: statuspage.SignalNote, At: payload.time("timestamp"), Title: payload.text("summary")}
	s.Message, s.Labels = details(payload["custom_details"])
	payload.setLabels(s.Labels, "source")
	linked(&s, fields.objects("links"))
	e.Signal = tidied(s)
	return e, nil
}

func pagerDutyV1(fields object) PagerDutyEvent {
	e := PagerDutyEvent{V1: true, RoutingKey: fields.text("service_key"), Key: fields.text("incident_key")}
	action := fields.text("event_type")
	kind, known := pagerDutyActions[action]
	switch {
	case action == "":
		e.Errors = []string{"Event type is missing or blank"}
	case !known:
		e.Errors = []string{"Event type is invalid (must be one of the following: trigger, acknowledge or resolve)"}
	case kind == statuspage.SignalFiring && fields.text("description") == "":
		e.Errors = []string{"Description is missing or blank"}
	case kind != statuspage.SignalFiring && e.Key == "":
		e.Errors = []string{"Incident key is missing or blank"}
	}
	if e.Key == "" {
		e.Key = rand.Text()
	}
	s := statuspage.Signal{Key: e.Key, Action: kind, Title: undecorated(fields.text("description")), Link: fields.text("client_url")}
	s.Message, s.Labels = details(fields["details"])
	linked(&s, fields.objects("contexts"))
	e.Signal = tidied(s)
	return e
}

// details returns what an event has of details, an object or, in the wild, a text: a description, and
// labels.
func details(value any) (description string, labels map[string]string) {
	fields := objectOf(value)
	if text, is := value.(string); is && fields == nil {
		description = text
	}
	return cmp.Or(description, fields.text("description")), fields.labels()
}

// linked gives a signal the links of an event: in a label, and as its own if it has none.
func linked(s *statuspage.Signal, links []object) {
	var addresses []string
	for _, link := range links {
		if href := webAddress(link.text("href")); href != "" {
			addresses = append(addresses, href)
		}
	}
	if len(addresses) == 0 {
		return
	}
	s.Link = cmp.Or(s.Link, addresses[0])
	s.Labels["links"] = strings.Join(addresses, " ")
}
