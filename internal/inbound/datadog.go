package inbound

import (
	"cmp"
	"maps"
	"strings"

	"tocsin/internal/statuspage"
)

// datadog reads the webhook of Datadog with the payload of docs/integrations.md, or with the one that
// Datadog has by default, whose title alone says what happened.
func datadog(m Message, o statuspage.IntegrationOptions) ([]statuspage.Signal, error) {
	body, err := readObject(m.Body)
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(body, func(_ string, value any) bool { return unset(textOf(value)) })
	decorated := body.text("title")
	title := undecorated(strings.TrimPrefix(decorated, "[TEST]"))
	key := body.text("dedup_key", "aggreg_key")
	if id := body.text("monitor_id"); key == "" && id != "" {
		key = id + "/" + body.text("scope")
	}
	if key = cmp.Or(key, title); key == "" {
		return nil, statuspage.Invalid("This is no message of Datadog: it has no dedup_key and no title")
	}

	s := statuspage.Signal{
		Key: key, Action: statuspage.SignalIgnored, At: body.time("date_ms", "date", "last_updated_ms", "last_updated"), Episode: body.text("dedup_key"),
		Title: title, Message: body.text("message", "body"), Link: body.text("link"),
		Severity: body.text("priority", "alert_type"), Labels: pairs(body.text("scope")),
	}
	maps.Copy(s.Labels, pairs(body.text("tags")))
	body.setLabels(s.Labels, "monitor_id", "scope", "hostname")

	switch strings.ToLower(cmp.Or(body.text("transition"), transition(decorated))) {
	case "triggered", "re-triggered", "renotify":
		s.Action = statuspage.SignalFiring
	case "warn", "re-warn":
		s.Action, s.Severity = statuspage.SignalFiring, "warning"
	case "no data", "re-no data":
		s.Action = statuspage.SignalNote
		if o.NoData {
			s.Action = statuspage.SignalFiring
		}
	case "recovered":
		s.Action, s.Ended = statuspage.SignalResolved, s.At
	}
	switch {
	case strings.HasPrefix(decorated, "[TEST]"):
		s.Action = statuspage.SignalIgnored
	case s.Action == statuspage.SignalFiring:
		s.Started = s.At
		if body.text("alert_type") == "warning" {
			s.Severity = "warning"
		}
	}
	return []statuspage.Signal{s}, nil
}

// unset reports whether a value of a payload is a variable that Datadog had no value for.
func unset(text string) bool {
	return strings.HasPrefix(text, "$") && strings.Trim(text[1:], "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == "" || text == "null"
}

// transition is what a title has in brackets: Triggered of [P1] [Triggered on {host:a}] Name.
func transition(title string) string {
	for rest := title; strings.HasPrefix(rest, "["); {
		inner, after, _ := strings.Cut(rest[1:], "]")
		word, _, _ := strings.Cut(inner, " on ")
		if rest = strings.TrimSpace(after); len(word) > 2 && word != "TEST" {
			return word
		}
	}
	return ""
}
