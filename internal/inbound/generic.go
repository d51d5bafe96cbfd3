package inbound

import (
	"encoding/base64"
	"slices"
	"strings"

	"tocsin/internal/statuspage"
)

// maxGeneric is how many signals a body may have.
const maxGeneric = 100

// generic reads Tocsin's own format: a signal or an array of them, each of which may be the data of
// a CloudEvent 1.0 (docs/integrations.md, Generic JSON).
func generic(m Message, _ statuspage.IntegrationOptions) ([]statuspage.Signal, error) {
	body, err := readJSON(m.Body)
	if err != nil {
		return nil, err
	}
	elements, is := body.([]any)
	if !is {
		elements = []any{body}
	}
	if len(elements) > maxGeneric {
		return nil, statuspage.Invalid("At most %d signals in a request", maxGeneric)
	}
	at := timeOf(m.Header.Get("Ce-Time"))
	signals := make([]statuspage.Signal, len(elements))
	for n, e := range elements {
		fields, is := e.(map[string]any)
		if !is {
			return nil, statuspage.Invalid("The body must be a JSON object or an array of them")
		}
		if signals[n], err = genericSignal(fields, at); err != nil {
			return nil, err
		}
	}
	return signals, nil
}

var genericActions = []string{string(statuspage.SignalFiring), string(statuspage.SignalAcknowledged), string(statuspage.SignalResolved), string(statuspage.SignalNote)}

// genericSignal reads one signal. at is its time when it says none itself.
func genericSignal(fields object, at int64) (statuspage.Signal, error) {
	if fields.text("specversion") != "" {
		var err error
		if at = fields.time("time"); fields["data_base64"] != nil {
			var data []byte
			if data, err = base64.StdEncoding.DecodeString(fields.text("data_base64")); err == nil {
				fields, err = readObject(data)
			}
		} else {
			fields = fields.object("data")
		}
		if err != nil || fields == nil {
			return statuspage.Signal{}, statuspage.Invalid("data of the CloudEvent must be a JSON object")
		}
	}
	for _, name := range []string{"dedup_key", "title", "message", "severity", "link"} {
		if _, is := fields[name].(string); !is && fields[name] != nil {
			return statuspage.Signal{}, statuspage.Invalid("%s must be a string", name)
		}
	}
	for _, name := range []string{"at", "started_at", "ended_at"} {
		if fields[name] != nil && fields.time(name) == 0 {
			return statuspage.Signal{}, statuspage.Invalid("%s must be a time: seconds since 1970, or as in 2026-11-25T09:14:03Z", name)
		}
	}
	s := statuspage.Signal{
		Key: fields.text("dedup_key", "title"), Action: statuspage.SignalAction(fields.text("status")),
		At: fields.time("at"), Started: fields.time("started_at"), Ended: fields.time("ended_at"),
		Title: fields.text("title"), Message: fields.text("message"), Link: fields.text("link"), Severity: fields.text("severity"),
		Impact: impactOf(fields.text("impact")), Labels: fields.object("labels").labels(),
	}
	if s.At == 0 {
		s.At = at
	}
	monitors, isList := fields["monitors"].([]any)
	for _, tag := range monitors {
		text, is := tag.(string)
		isList = isList && is
		s.Monitors = append(s.Monitors, text)
	}
	switch {
	case s.Key == "":
		return s, statuspage.Invalid("dedup_key or title is required")
	case !slices.Contains(genericActions, string(s.Action)):
		return s, statuspage.Invalid("status must be one of: %s", strings.Join(genericActions, ", "))
	case fields["impact"] != nil && s.Impact == "":
		return s, statuspage.Invalid("impact must be one of: DOWN, DEGRADED")
	case fields["monitors"] != nil && !isList:
		return s, statuspage.Invalid("monitors must be an array of strings")
	case fields["labels"] != nil && fields.object("labels") == nil:
		return s, statuspage.Invalid("labels must be an object")
	}
	return timed(s), nil
}
