package statuspage

import (
	"cmp"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// MaxIncidentBody is the length limit of an incident's body in UTF-16 units
// (docs/api.md, The legacy API 1.0.0).
const MaxIncidentBody = 65536

// LegacyFields are what an incident has for the legacy API 1.0.0 alone. They hold only what
// the other fields leave out, so that what a v4 client changes shows in both APIs. The zero
// value is an incident as v4 makes it.
type LegacyFields struct {
	NoStart      bool  // no start was given: the incident's is the minute of its making
	StartSeconds int64 // seconds of the start as given, which v4 floors to the minute
	EndSeconds   int64 // the same of the end
	NoImpact     bool  // no impact was given: its monitors are DOWN only for v4
	Identified   bool  // the cause was found once; kept when the incident is resolved
	Maintenance  bool
}

// Patched returns the fields after a v4 client's patch: what it sets is all that is
// known from then on.
func (f LegacyFields) Patched(p IncidentPatch) LegacyFields {
	if p.Start.IsSet() {
		f.NoStart, f.StartSeconds = false, 0
	}
	if p.End.IsSet() {
		f.EndSeconds = 0
	}
	if p.Monitors.IsSet() {
		f.NoImpact = false
	}
	return f
}

// A LegacyIncident is an incident with its body, which only the legacy API shows.
type LegacyIncident struct {
	Incident
	Body string
}

// LegacyStart is the incident's start to the second (UTC), nil when none was given.
func (i Incident) LegacyStart() *int64 {
	if i.Legacy.NoStart {
		return nil
	}
	return new(i.Start + i.Legacy.StartSeconds)
}

// LegacyEnd is the incident's end to the second (UTC), nil while none is known.
func (i Incident) LegacyEnd() *int64 {
	if i.End == nil {
		return nil
	}
	return new(*i.End + i.Legacy.EndSeconds)
}

// LegacyTags are the tags of the incident's monitors, by monitor id.
func (i Incident) LegacyTags() []string {
	monitors := slices.SortedFunc(slices.Values(i.Monitors), func(a, b AffectedMonitor) int { return cmp.Compare(a.MonitorID, b.MonitorID) })
	tags := make([]string, len(monitors))
	for n, m := range monitors {
		tags[n] = m.Tag
	}
	return tags
}

// LegacyImpact is the worst that the incident does to any of its monitors of what the
// legacy API has a word for, Down and Degraded; "" when that is nothing or none was given
// (docs/api.md, The legacy API 1.0.0).
func (i Incident) LegacyImpact() Impact {
	worst := Impact("")
	for _, m := range i.Monitors {
		if !i.Legacy.NoImpact && (m.Impact == Down || m.Impact == Degraded) {
			worst = worst.Worse(m.Impact)
		}
	}
	return worst
}

// IsIdentified reports whether the cause of the incident was found.
func (i Incident) IsIdentified() bool {
	return i.Legacy.Identified || i.State == Identified || i.State == Monitoring
}

// setStart sets the start to the second, nil for none.
func (i *Incident) setStart(t *int64) {
	i.Legacy.NoStart, i.Legacy.StartSeconds = t == nil, 0
	i.Start = FloorMinute(i.Created)
	if t != nil {
		i.Start = FloorMinute(*t)
		i.Legacy.StartSeconds = *t - i.Start
	}
}

// setEnd sets the end to the second, nil for none.
func (i *Incident) setEnd(t *int64) {
	i.End, i.Legacy.EndSeconds = nil, 0
	if t != nil {
		i.End = new(FloorMinute(*t))
		i.Legacy.EndSeconds = *t - *i.End
	}
}

// work makes the incident one that is being worked on: open, and in the state that
// goes with the flag. The end stays.
func (i *Incident) work(identified bool) {
	i.Closed = nil
	i.Legacy.Identified = identified
	i.State = Investigating
	if identified {
		i.State = Identified
	}
}

// resolve closes the incident at now (UTC seconds), unless it is closed. What is
// closed has an end: this minute, when none is known.
func (i *Incident) resolve(now int64) {
	i.Legacy.Identified = i.IsIdentified()
	i.State = Resolved
	if i.Closed == nil {
		i.Closed = &now
	}
	if i.End == nil {
		i.setEnd(new(FloorMinute(now)))
	}
}

// A LegacyReport is a whole incident as a legacy client gives it.
type LegacyReport struct {
	Title       string // as given, not trimmed
	Body        string // without white space around it
	Tags        []string
	Start, End  *int64 // UTC seconds as given; nil: none
	Impact      Impact // Down, Degraded or "" for none
	Maintenance bool
	Identified  bool
	Resolved    bool
}

// Links are the monitors of the report, each once. Without an impact they are DOWN,
// as v4 has it.
func (r LegacyReport) Links() []MonitorImpact {
	impact := r.Impact
	if impact == "" {
		impact = Down
	}
	links := make([]MonitorImpact, len(r.Tags))
	for n, tag := range r.Tags {
		links[n] = MonitorImpact{tag, impact}
	}
	return UniqueImpacts(links)
}

// Opened returns the incident with the id as the report makes it at now (UTC seconds),
// linked to the monitors, which are those of Links (docs/api.md, The legacy API 1.0.0).
func (r LegacyReport) Opened(id int64, monitors []AffectedMonitor, now int64) Incident {
	return Incident{ID: id, Type: TypeIncident, Source: SourceAPI, Created: now}.Reported(r, monitors, now)
}

// Reported returns the incident as the report has it at now (UTC seconds), linked to the
// monitors, which are those of Links: all but its id, its making and, while it stays
// resolved, the time at which it was closed is replaced.
func (i Incident) Reported(r LegacyReport, monitors []AffectedMonitor, now int64) Incident {
	i.Title = r.Title
	i.Monitors, i.Orphan = RelinkMonitors(i.Monitors, monitors), ""
	i.Legacy = LegacyFields{NoImpact: r.Impact == "", Maintenance: r.Maintenance}
	i.setStart(r.Start)
	i.setEnd(r.End)
	closed := i.Closed
	i.work(r.Identified)
	if r.Resolved {
		i.Closed = closed
		i.resolve(now)
	}
	return i.handled(now)
}

// LegacyProgress is what a legacy client says of how the work on an incident goes.
// What is nil stays.
type LegacyProgress struct {
	Identified *bool
	Resolved   *bool
	End        *int64 // UTC seconds as given
}

// Empty reports whether nothing of the progress is set.
func (p LegacyProgress) Empty() bool { return p == LegacyProgress{} }

// Progressed returns the incident with the progress in it at now (UTC seconds). Only one
// that was closed and is reopened loses its end (docs/api.md, The legacy API 1.0.0).
func (i Incident) Progressed(p LegacyProgress, now int64) Incident {
	identified := i.IsIdentified()
	if p.Identified != nil {
		identified = *p.Identified
		i.Legacy.Identified = identified
		if i.State != Resolved {
			closed := i.Closed
			i.work(identified)
			i.Closed = closed
		}
	}
	if p.Resolved != nil && !*p.Resolved {
		if i.Closed != nil {
			i.setEnd(nil)
		}
		i.work(identified)
	}
	if p.End != nil {
		i.setEnd(p.End)
	}
	if p.Resolved != nil && *p.Resolved {
		i.resolve(now)
	}
	return i.handled(now)
}

// Noted returns the incident after a legacy client's comment on it at now (UTC seconds),
// which takes its state and changes nothing else of it (docs/api.md, The legacy API 1.0.0).
func (i Incident) Noted(now int64) Incident { return i.handled(now) }

// LegacyQuery says which incidents a legacy search finds: newest made first.
type LegacyQuery struct {
	Closed      bool     // closed ones, else open ones
	From, To    int64    // bounds of the time of making, inclusive, UTC seconds
	Tags        []string // any of them; nil: no filter, empty: nothing matches
	Title       string   // all its words, in any order, whatever their case
	Skip, Limit int      // which part of what is found
}

// Filtered reports whether Matches passes over some incidents.
func (q LegacyQuery) Filtered() bool { return q.Tags != nil || TrimBlank(q.Title) != "" }

// Matcher returns what reports whether an incident passes the filters by tags and
// title.
func (q LegacyQuery) Matcher() func(Incident) bool {
	words := strings.FieldsFunc(strings.ToLower(q.Title), isBlank)
	tags := make(map[string]bool, len(q.Tags))
	for _, tag := range q.Tags {
		tags[tag] = true
	}
	return func(i Incident) bool {
		if q.Tags != nil && !slices.ContainsFunc(i.Monitors, func(m AffectedMonitor) bool { return tags[m.Tag] }) {
			return false
		}
		title := strings.ToLower(i.Title)
		return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(title, word) })
	}
}

// LegacyUptime is the share of minutes that count as up, as the legacy API writes it:
// a percentage without decimals when it is 0, 100 or another multiple of ten, else
// with four, and "-" when nothing was counted. The arithmetic is ECMAScript's, so
// that the last digit is the one that clients know (docs/api.md, The legacy API 1.0.0).
func LegacyUptime(t Totals, f UptimeFormula) string {
	percent, counted := f.Percent(t)
	if !counted {
		return "-"
	}
	if math.Mod(percent, 10) == 0 {
		return strconv.FormatFloat(percent, 'f', 0, 64)
	}
	return fixed4(percent)
}

// fixed4 writes a number with four decimals as ECMAScript's toFixed does: it
// rounds the exact value of the double, half up. (strconv rounds half to even.)
func fixed4(x float64) string {
	if x < 0 {
		return "-" + fixed4(-x)
	}
	scaled := new(big.Rat).SetFloat64(x)
	scaled.Mul(scaled, big.NewRat(10000, 1)).Add(scaled, big.NewRat(1, 2))
	digits := new(big.Int).Quo(scaled.Num(), scaled.Denom()).String()
	for len(digits) < 5 {
		digits = "0" + digits
	}
	return digits[:len(digits)-4] + "." + digits[len(digits)-4:]
}
