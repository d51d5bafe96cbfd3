package inbound

import (
	"slices"
	"strconv"
	"strings"

	"tocsin/internal/statuspage"
)

// fieldMap reads any JSON object, form or query by the option fields
// (docs/integrations.md, Any other tool).
func fieldMap(m Message, o statuspage.IntegrationOptions) ([]statuspage.Signal, error) {
	fields, err := readFields(m)
	if err != nil {
		return nil, err
	}
	s, err := mapped(fields, o.Fields, o)
	if err != nil {
		return nil, err
	}
	return []statuspage.Signal{s}, nil
}

// mapped returns the signal that the map finds in fields. A status that is none of the map's words
// makes an ignored one. Labels are what the rules of the integration ask for: theirs are paths too.
func mapped(fields object, f statuspage.FieldMap, o statuspage.IntegrationOptions) (statuspage.Signal, error) {
	key, status := fields.textAt(f.Key), fields.textAt(f.Status)
	switch {
	case key == "":
		return statuspage.Signal{}, statuspage.Invalid("The body has nothing at %s", f.Key)
	case status == "":
		return statuspage.Signal{}, statuspage.Invalid("The body has nothing at %s", f.Status)
	}
	s := statuspage.Signal{
		Key: key, Action: statuspage.SignalIgnored,
		At: fields.timeAt(f.At), Started: fields.timeAt(f.Started), Ended: fields.timeAt(f.Ended),
		Title: fields.textAt(f.Title), Message: fields.textAt(f.Message), Link: fields.textAt(f.Link), Severity: fields.textAt(f.Severity),
		Monitors: tagList(fields.textAt(f.Monitors)), Labels: map[string]string{},
	}
	for _, name := range []string{"tocsin_monitor", "tocsin-monitor", "tocsin_impact", "tocsin-impact", "monitor"} {
		s.Labels[name] = fields.textAt(name)
	}
	for _, rule := range o.Rules {
		s.Labels[rule.Label] = fields.textAt(rule.Label)
	}
	is := func(words []string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, status) })
	}
	switch {
	case is(f.Firing):
		s.Action = statuspage.SignalFiring
	case is(f.Acknowledged):
		s.Action = statuspage.SignalAcknowledged
	case is(f.Resolved):
		s.Action = statuspage.SignalResolved
	}
	return timed(s), nil
}

// ignored is the signal of what a tool sends besides its problems.
func ignored(what string) []statuspage.Signal {
	return []statuspage.Signal{{Key: what, Action: statuspage.SignalIgnored, Title: what}}
}

// timed returns the signal of a tool that says one time with each change: it is that of the
// start, or of the end. What does not belong to the action is dropped.
func timed(s statuspage.Signal) statuspage.Signal {
	switch s.Action {
	case statuspage.SignalFiring:
		s.Episode, s.Ended = episode(s.Started), 0
		if s.Started == 0 {
			s.Started = s.At
		}
	case statuspage.SignalResolved:
		if s.Ended == 0 {
			s.Ended = s.At
		}
	default:
		s.Ended = 0
	}
	return s
}

// textAt returns what textOf makes of the value at the path, without white space around it.
func (o object) textAt(path string) string { return strings.TrimSpace(textOf(o.at(path))) }

// timeAt returns what timeOf makes of the value at the path.
func (o object) timeAt(path string) int64 { return timeOf(o.at(path)) }

// at returns the value at a path such as a.b[0].c, with or without $ before it, or nil.
func (o object) at(path string) any {
	if path == "" {
		return nil
	}
	var value any = map[string]any(o)
	for part := range strings.SplitSeq(strings.TrimPrefix(path, "$."), ".") {
		name, indexes, _ := strings.Cut(part, "[")
		value = objectOf(value)[name]
		for indexes != "" {
			digits, after, closed := strings.Cut(indexes, "]")
			list, _ := value.([]any)
			n, err := strconv.Atoi(digits)
			if !closed || err != nil || n < 0 || n >= len(list) {
				return nil
			}
			value, indexes = list[n], strings.TrimPrefix(after, "[")
		}
	}
	return value
}
