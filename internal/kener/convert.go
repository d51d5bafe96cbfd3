package kener

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"tocsin/internal/opt"
	"tocsin/internal/statuspage"
)

// What Kener answers is often what somebody once stored, of any type: fields that
// Kener does not check are read as raw JSON and made sense of here. warn is told
// of everything that can't be kept as it is.
type warnFunc func(format string, args ...any)

// incidentJSON is an incident as Kener shows it.
type incidentJSON struct {
	ID        int64           `json:"id"`
	Title     json.RawMessage `json:"title"`
	Start     json.RawMessage `json:"start_date_time"`
	End       json.RawMessage `json:"end_date_time"`
	State     json.RawMessage `json:"state"`
	Type      json.RawMessage `json:"incident_type"`
	Source    json.RawMessage `json:"incident_source"`
	Monitors  []affectedJSON  `json:"monitors"`
	AutoClose json.RawMessage `json:"auto_close_after"` // ours, not Kener's
	Created   json.RawMessage `json:"created_at"`
	Updated   json.RawMessage `json:"updated_at"`
}

type affectedJSON struct {
	Tag    string          `json:"monitor_tag"`
	Impact json.RawMessage `json:"impact"`
}

// commentJSON is a comment as Kener shows it.
type commentJSON struct {
	ID        int64           `json:"id"`
	Comment   json.RawMessage `json:"comment"`
	Timestamp json.RawMessage `json:"timestamp"`
	State     json.RawMessage `json:"state"`
	Created   json.RawMessage `json:"created_at"`
	Updated   json.RawMessage `json:"updated_at"`
}

// monitorJSON is a monitor as Kener shows it.
type monitorJSON struct {
	ID            int64           `json:"id"`
	Tag           string          `json:"tag"`
	Name          json.RawMessage `json:"name"`
	Description   json.RawMessage `json:"description"`
	Image         json.RawMessage `json:"image"`
	Cron          json.RawMessage `json:"cron"`
	DefaultStatus json.RawMessage `json:"default_status"`
	Status        json.RawMessage `json:"status"`
	Category      json.RawMessage `json:"category_name"`
	Type          json.RawMessage `json:"monitor_type"`
	DownTrigger   json.RawMessage `json:"down_trigger"`
	DegrTrigger   json.RawMessage `json:"degraded_trigger"`
	TypeData      json.RawMessage `json:"type_data"`
	DayDegraded   json.RawMessage `json:"day_degraded_minimum_count"`
	DayDown       json.RawMessage `json:"day_down_minimum_count"`
	IncludeDegr   json.RawMessage `json:"include_degraded_in_downtime"`
	Hidden        json.RawMessage `json:"is_hidden"`
	Settings      json.RawMessage `json:"monitor_settings_json"`
	ExternalURL   json.RawMessage `json:"external_url"`
	Threshold     json.RawMessage `json:"confirmation_threshold"`
	Created       json.RawMessage `json:"created_at"`
	Updated       json.RawMessage `json:"updated_at"`
}

// pointJSON is a monitor's status in one minute as Kener shows it.
type pointJSON struct {
	Timestamp int64           `json:"timestamp"`
	Status    string          `json:"status"`
	Latency   json.RawMessage `json:"latency"`
	Type      string          `json:"type"`
}

// maxRecord is how many bytes of texts a monitor may have so that it surely fits into the
// repository.
const maxRecord = 300_000

// monitor returns the monitor, or false for one that can't be kept.
func (m monitorJSON) monitor(now int64, warn warnFunc) (statuspage.Monitor, bool) {
	warn = under(warn, fmt.Sprintf("monitor %q", m.Tag))
	if !statuspage.ValidID(m.ID) || !statuspage.ValidTag(m.Tag) {
		warn("left out, with its data: its tag or id is one that no monitor can have here")
		return statuspage.Monitor{}, false
	}
	out := statuspage.Monitor{
		ID: m.ID, Tag: m.Tag, Name: cut(textOr(m.Name, m.Tag), statuspage.MaxMonitorName, warn, "name"),
		Description: text(m.Description), Image: link(m.Image, warn, "image"), Cron: text(m.Cron), Category: text(m.Category),
		DefaultStatus: oneOf(m.DefaultStatus, statuspage.DefaultStatuses, "NONE", warn, "default_status"),
		// What is not ACTIVE is not watched there, and what is not NO is not shown.
		Status:      oneOf(m.Status, statuspage.MonitorStatuses, statuspage.MonitorInactive, warn, "status"),
		Hidden:      yesOrNo(m.Hidden, statuspage.Yes, warn, "is_hidden"),
		Type:        oneOf(m.Type, statuspage.MonitorTypes, "NONE", warn, "monitor_type"),
		DownTrigger: text(m.DownTrigger), DegradedTrigger: text(m.DegrTrigger),
		TypeData: object(m.TypeData, warn, "type_data"), Settings: object(m.Settings, warn, "monitor_settings_json"),
		DayDegradedMinimum: integer(m.DayDegraded), DayDownMinimum: integer(m.DayDown),
		IncludeDegraded: yesOrNo(m.IncludeDegr, statuspage.No, warn, "include_degraded_in_downtime"),
		ExternalURL:     link(m.ExternalURL, warn, "external_url"), ConfirmationThreshold: statuspage.DefaultThreshold,
		Version: 1,
	}
	if n := integer(m.Threshold); n != nil && *n >= 1 && *n <= statuspage.MaxThreshold {
		out.ConfirmationThreshold = *n
	}
	out.Created = instant(m.Created, now, warn, "created_at")
	out.Updated = instant(m.Updated, out.Created, warn, "updated_at")
	if out.Size() > maxRecord {
		warn("left out, with its data: it has %d bytes", out.Size())
		return statuspage.Monitor{}, false
	}
	return out, true
}

// incident returns the incident as it is here. ids are the monitors that were imported.
func (i incidentJSON) incident(ids map[string]int64, comments []statuspage.Comment, now int64, warn warnFunc) statuspage.Incident {
	warn = under(warn, fmt.Sprintf("incident %d", i.ID))
	out := statuspage.Incident{
		ID: i.ID, Title: cut(textOr(i.Title, ""), statuspage.MaxTitle, warn, "title"),
		State: state(i.State, warn), Type: textOr(i.Type, statuspage.TypeIncident), Source: textOr(i.Source, statuspage.SourceAPI), Version: 1,
	}
	if out.Type != statuspage.TypeIncident {
		out.Legacy.Maintenance = out.Type == "MAINTENANCE"
		if !out.Legacy.Maintenance {
			warn("its type %q is kept as %s", out.Type, statuspage.TypeIncident)
		}
		out.Type = statuspage.TypeIncident
	}
	out.Created = instant(i.Created, now, warn, "created_at")
	out.Updated = instant(i.Updated, out.Created, warn, "updated_at")
	out.Start = minuteOr(i.Start, statuspage.FloorMinute(out.Created), warn, "start_date_time")
	if !isNull(i.End) {
		end := minuteOr(i.End, out.Start, warn, "end_date_time")
		if end < out.Start {
			warn("its end is before its start: it ends where it starts")
			end = out.Start
		}
		out.End = &end
	}
	// Resolved and over: Kener has no other mark of a closed incident. One that is
	// resolved without an end was opened again (docs/api.md, Incidents).
	if out.State == statuspage.Resolved && out.End != nil {
		closed := int64(0)
		for _, c := range comments {
			if c.State == statuspage.Resolved {
				closed = max(closed, c.Created)
			}
		}
		out.Closed = new(cmp.Or(closed, out.Updated))
	}
	if isNumber(i.AutoClose) {
		out.AutoCloseAfter = opt.Value(*integer(i.AutoClose))
	} else if string(i.AutoClose) == "null" {
		out.AutoCloseAfter = opt.Null[int64]()
	}
	out.Monitors = links(i.Monitors, ids, statuspage.Down, statuspage.MaxIncidentMonitors, warn)
	return out
}

// links are at most so many, with an impact where Kener has none.
func links(monitors []affectedJSON, ids map[string]int64, fallback statuspage.Impact, most int, warn warnFunc) []statuspage.AffectedMonitor {
	var asked []statuspage.MonitorImpact
	for _, m := range monitors {
		if ids[m.Tag] == 0 {
			warn("its link to monitor %q is left out: there is none", m.Tag)
			continue
		}
		asked = append(asked, statuspage.MonitorImpact{Tag: m.Tag, Impact: impact(m.Impact, fallback, warn)})
	}
	out := []statuspage.AffectedMonitor{}
	for _, m := range statuspage.UniqueImpacts(asked) {
		if len(out) == most {
			warn("only its first %d monitors are kept", most)
			break
		}
		out = append(out, statuspage.AffectedMonitor{Tag: m.Tag, MonitorID: ids[m.Tag], Impact: m.Impact})
	}
	return out
}

// impact is the fallback where Kener has none, or one that it made no sense of.
func impact(raw json.RawMessage, fallback statuspage.Impact, warn warnFunc) statuspage.Impact {
	s := textOr(raw, "")
	switch i := statuspage.Impact(s); {
	case statuspage.ValidImpact(i):
		return i
	case s == "":
		return fallback
	}
	warn("the impact %q on a monitor is kept as %s", s, fallback)
	return fallback
}

func (c commentJSON) comment(incidentID, now int64, warn warnFunc) statuspage.Comment {
	warn = under(warn, fmt.Sprintf("comment %d of incident %d", c.ID, incidentID))
	out := statuspage.Comment{
		ID: c.ID, IncidentID: incidentID, Text: cut(textOr(c.Comment, ""), statuspage.MaxComment, warn, "text"), State: state(c.State, warn), Version: 1,
	}
	out.Created = instant(c.Created, now, warn, "created_at")
	out.Updated = instant(c.Updated, out.Created, warn, "updated_at")
	out.Time = minuteOr(c.Timestamp, statuspage.FloorMinute(out.Created), warn, "timestamp")
	return out
}

func state(raw json.RawMessage, warn warnFunc) statuspage.State {
	s := statuspage.State(textOr(raw, ""))
	if !statuspage.ValidState(s) {
		warn("the state %q is kept as %s", s, statuspage.Investigating)
		return statuspage.Investigating
	}
	return s
}

// maintenance is a status that Kener's probes give a minute of a maintenance. Its uptime
// counts it as up.
const maintenance = "MAINTENANCE"

// point returns the point, or false for a minute that has no status.
func (p pointJSON) point() (statuspage.Point, bool) {
	out := statuspage.Point{Time: statuspage.FloorMinute(p.Timestamp), Status: statuspage.Status(p.Status), Source: statuspage.SourceProbe}
	if p.Status == maintenance {
		out.Status = statuspage.StatusUp
	}
	if p.Type == string(statuspage.SourceManual) {
		out.Source = statuspage.SourceManual
	}
	var latency float64
	if !isNull(p.Latency) && json.Unmarshal(p.Latency, &latency) == nil && latency >= 0 && latency <= statuspage.MaxLatency {
		out.Latency = &latency
	}
	return out, statuspage.ValidStatus(out.Status) && p.Timestamp >= 0 && p.Timestamp <= statuspage.MaxTimestamp
}

func under(warn warnFunc, what string) warnFunc {
	return func(format string, args ...any) { warn("%s: %s", what, fmt.Sprintf(format, args...)) }
}

func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

func isNumber(raw json.RawMessage) bool { return integer(raw) != nil }

// text returns a text, nil for null; what is no text is its JSON.
func text(raw json.RawMessage) *string {
	if isNull(raw) {
		return nil
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		s = compact(raw)
	}
	return &s
}

func textOr(raw json.RawMessage, fallback string) string {
	if s := text(raw); s != nil {
		return *s
	}
	return fallback
}

// oneOf is text for one that is among the values; what is not becomes the fallback.
func oneOf(raw json.RawMessage, values []string, fallback string, warn warnFunc, field string) *string {
	s := text(raw)
	if s == nil || slices.Contains(values, *s) {
		return s
	}
	warn("its %s %q is kept as %s", field, *s, fallback)
	return &fallback
}

// yesOrNo is oneOf for YES and NO, which Kener also has as the boolean that it was
// sent, or as what its database makes of that.
func yesOrNo(raw json.RawMessage, fallback string, warn warnFunc, field string) *string {
	switch textOr(raw, "") {
	case "true", "1", "1.0":
		return new(statuspage.Yes)
	case "false", "0", "0.0":
		return new(statuspage.No)
	}
	return oneOf(raw, statuspage.YesOrNo, fallback, warn, field)
}

// link is text for an address that a page can link to; another is left out.
func link(raw json.RawMessage, warn warnFunc, field string) *string {
	s := text(raw)
	if s == nil || *s == "" || statuspage.ValidLink(*s) {
		return s
	}
	warn("its %s %q is no http or https URL and no path, and is left out", field, *s)
	return nil
}

func compact(raw json.RawMessage) string {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return string(raw)
	}
	return b.String()
}

func object(raw json.RawMessage, warn warnFunc, field string) statuspage.JSONObject {
	if isNull(raw) {
		return ""
	}
	if !strings.HasPrefix(string(raw), "{") {
		warn("its %s is no JSON object and is left out", field)
		return ""
	}
	return statuspage.JSONObject(compact(raw))
}

// cut shortens a text to so many UTF-16 units.
func cut(s string, max int, warn warnFunc, field string) string {
	if statuspage.Length(s) <= max {
		return s
	}
	warn("its %s is cut to %d characters", field, max)
	return statuspage.Shorten(s, max)
}

// integer returns a whole number, nil for anything else.
func integer(raw json.RawMessage) *int64 {
	var n float64
	if isNull(raw) || json.Unmarshal(raw, &n) != nil || n != math.Trunc(n) || math.Abs(n) > statuspage.MaxID {
		return nil
	}
	return new(int64(n))
}

// minuteOr returns a time in UTC seconds, floored to its minute. Kener took
// negative ones, and milliseconds for seconds.
func minuteOr(raw json.RawMessage, fallback int64, warn warnFunc, field string) int64 {
	n := integer(raw)
	switch {
	case n == nil:
		warn("its %s %s is no time: it is %s", field, raw, utc(fallback))
		return fallback
	case *n < 0:
		warn("its %s %d is before 1970: it is 0", field, *n)
		return 0
	case *n > statuspage.MaxTimestamp && *n/1000 <= statuspage.MaxTimestamp:
		warn("its %s %d is taken as milliseconds", field, *n)
		return statuspage.FloorMinute(*n / 1000)
	case *n > statuspage.MaxTimestamp:
		warn("its %s %d is no time: it is %s", field, *n, utc(fallback))
		return fallback
	}
	return statuspage.FloorMinute(*n)
}

// instant returns the UTC second of a time as Kener writes it: ISO 8601, or a
// database's text without a zone.
func instant(raw json.RawMessage, fallback int64, warn warnFunc, field string) int64 {
	s := textOr(raw, "")
	for _, layout := range []string{time.RFC3339Nano, time.DateTime, "2006-01-02 15:04:05.999999999-07", "2006-01-02 15:04:05.999999999-07:00", "2006-01-02T15:04:05"} {
		if at, err := time.Parse(layout, s); err == nil && at.Unix() >= 0 && at.Unix() <= statuspage.MaxTimestamp {
			return at.Unix()
		}
	}
	warn("its %s %q is no time: it is %s", field, s, utc(fallback))
	return fallback
}

func utc(t int64) string { return time.Unix(t, 0).UTC().Format("2006-01-02 15:04:05 UTC") }
