package statuspage

import (
	"slices"

	"tocsin/internal/opt"
)

// Limits of an incident (docs/api.md, Bodies and paths).
const (
	MaxTitle            = 255 // UTF-16 units
	MaxIncidentMonitors = 48
	MaxFilterTags       = 50

	MinAutoClose = 3600     // seconds
	MaxAutoClose = 31536000 // seconds
)

// State is how far the work on an incident is. It follows the newest comment.
type State string

// The states, in their usual order.
const (
	Investigating State = "INVESTIGATING"
	Identified    State = "IDENTIFIED"
	Monitoring    State = "MONITORING"
	Resolved      State = "RESOLVED"
)

// ValidState reports whether s is one of the four states; case counts.
func ValidState(s State) bool {
	switch s {
	case Investigating, Identified, Monitoring, Resolved:
		return true
	}
	return false
}

// Impact is what an incident does to a monitor.
type Impact string

// The impacts.
const (
	Up               Impact = "UP"
	Degraded         Impact = "DEGRADED"
	UnderMaintenance Impact = "MAINTENANCE"
	Down             Impact = "DOWN"
)

// impacts are all of them, the worst last.
var impacts = []Impact{Up, Degraded, UnderMaintenance, Down}

// ValidImpact reports whether i is one of the impacts; case counts.
func ValidImpact(i Impact) bool { return slices.Contains(impacts, i) }

// Worse returns the worse of the two. Anything is worse than what is no impact.
func (i Impact) Worse(other Impact) Impact {
	if slices.Index(impacts, other) > slices.Index(impacts, i) {
		return other
	}
	return i
}

// Where an incident came from, and the one type there is. An alert has a source of its
// own, SourceAlert.
const (
	SourceAPI    = "API"
	SourcePerson = "MANUAL" // who says so in the request
	TypeIncident = "INCIDENT"
)

// An Incident is something that is, was or will be broken.
type Incident struct {
	ID       int64
	Title    string
	Start    int64  // UTC seconds, a whole minute
	End      *int64 // UTC seconds, a whole minute; nil while none is known
	State    State
	Type     string
	Source   string
	Monitors []AffectedMonitor // in the order in which they were linked, each once
	Created  int64             // UTC seconds
	Updated  int64             // UTC seconds
	Closed   *int64            // UTC seconds; nil while the incident is open
	Legacy   LegacyFields

	Orphan Orphan // how its last monitor was, if that was deleted; "" while it has monitors, or if none was ever named

	AlertID        *int64 // of the alert that opened it; nil: none did
	AlertMonitorID int64  // of the monitor whose alerts share it; 0: none do, or not kept by an older version of the program
	Handled        bool   // a person has changed it since an alert opened it, or written of it; never of others

	// AutoCloseAfter is after how many seconds without activity the closer resolves
	// the incident; null: never; absent: as its policy says.
	AutoCloseAfter opt.Field[int64]

	Warning *CloserWarning // the closer's last one, nil when a person has written since

	// Version rises with every write of the incident's own record, so that a
	// writer can say which one it has seen.
	Version int64
}

// Orphan is how a monitor was that an incident was the last one of. An incident without
// monitors concerns everything; one whose monitors were deleted concerns nothing any more.
type Orphan string

// The kinds of orphans: whether public pages showed the monitor, see Monitor.Public.
const (
	OrphanOfPublic  Orphan = "PUBLIC"
	OrphanOfPrivate Orphan = "PRIVATE"
)

// worked returns the incident after a write that counts as work on it at now (UTC seconds):
// its update time and its version rise, and the closer's warning is removed.
func (i Incident) worked(now int64) Incident {
	i.Updated = now
	i.Warning = nil
	i.Version++
	return i
}

// handled returns the incident after the work of a person at now (UTC seconds).
func (i Incident) handled(now int64) Incident {
	i.Handled = i.AlertID != nil
	return i.worked(now)
}

// A CloserWarning is the closer's announcement that it is going to resolve an incident. It
// is void after activity that the closer did not know.
type CloserWarning struct {
	Time     int64 // UTC seconds
	Activity int64 // UTC seconds: the last activity that the closer knew
}

// AffectedMonitor links an incident to a monitor.
type AffectedMonitor struct {
	Tag       string
	MonitorID int64
	Impact    Impact
}

// MonitorImpact is a link as a client asks for it, by the monitor's tag.
type MonitorImpact struct {
	Tag    string
	Impact Impact
}

// UniqueImpacts returns the links with each tag once, at its first place and with its last
// impact (docs/api.md, Incidents).
func UniqueImpacts(links []MonitorImpact) []MonitorImpact {
	out := make([]MonitorImpact, 0, len(links))
	at := make(map[string]int, len(links))
	for _, l := range links {
		if i, ok := at[l.Tag]; ok {
			out[i].Impact = l.Impact
			continue
		}
		at[l.Tag] = len(out)
		out = append(out, l)
	}
	return out
}

// RelinkMonitors returns the links after asked replaces old: a monitor that stays
// keeps its place and gets the new impact, new ones follow in the order asked
// (docs/api.md, Incidents). A monitor stays when its id does: one that was
// deleted and made anew under its tag is another monitor.
func RelinkMonitors(old, asked []AffectedMonitor) []AffectedMonitor {
	impact := make(map[int64]Impact, len(asked))
	for _, a := range asked {
		impact[a.MonitorID] = a.Impact
	}
	out := make([]AffectedMonitor, 0, len(asked))
	for _, o := range old {
		if i, ok := impact[o.MonitorID]; ok {
			o.Impact = i
			out = append(out, o)
			delete(impact, o.MonitorID)
		}
	}
	for _, a := range asked {
		if _, ok := impact[a.MonitorID]; ok {
			out = append(out, a)
		}
	}
	return out
}

// WithoutMonitor returns the incident after the monitor with the id was deleted, and
// whether it was linked to it. public says whether the monitor was shown, see Orphan. The
// update time and the closer's warning stay, since no person changed the incident.
func (i Incident) WithoutMonitor(id int64, public bool) (next Incident, changed bool) {
	kept, orphan := withoutMonitor(i.Monitors, i.Orphan, id, public)
	if len(kept) == len(i.Monitors) {
		return i, false
	}
	i.Monitors, i.Orphan = kept, orphan
	i.Version++
	return i, true
}

// withoutMonitor takes the monitor with the id out of the links of an incident or a
// maintenance. Of one that loses its last monitor it returns what kind of orphan it is from
// then on, of another one what it was.
func withoutMonitor(links []AffectedMonitor, was Orphan, id int64, public bool) (kept []AffectedMonitor, is Orphan) {
	kept = slices.DeleteFunc(slices.Clone(links), func(m AffectedMonitor) bool { return m.MonitorID == id })
	switch {
	case len(kept) > 0 || len(links) == 0:
		return kept, was
	case public:
		return kept, OrphanOfPublic
	}
	return kept, OrphanOfPrivate
}

// NewIncident is what a client gives to create an incident.
type NewIncident struct {
	Title    string
	Start    int64 // UTC seconds, a whole minute
	End      *int64
	Monitors []MonitorImpact // at most MaxIncidentMonitors, each tag once
	Source   string

	AutoCloseAfter opt.Field[int64] // seconds, see Incident
}

// Opened returns the incident with the id as it is made at now (UTC seconds), linked to
// the monitors, which are those of Monitors: open and under investigation (docs/api.md, Incidents). It returns ErrEndBeforeStart.
func (n NewIncident) Opened(id int64, monitors []AffectedMonitor, now int64) (Incident, error) {
	if err := CheckTimes(n.Start, n.End); err != nil {
		return Incident{}, err
	}
	return n.opened(id, monitors, now), nil
}

func (n NewIncident) opened(id int64, monitors []AffectedMonitor, now int64) Incident {
	return Incident{
		ID: id, Title: n.Title, Start: n.Start, End: n.End, State: Investigating, Type: TypeIncident, Source: n.Source,
		Monitors: monitors, AutoCloseAfter: n.AutoCloseAfter, Created: now, Updated: now, Version: 1,
	}
}

// IncidentPatch is a partial update of an incident. What is not set stays.
type IncidentPatch struct {
	Title    opt.Field[string]
	Start    opt.Field[int64]
	End      opt.Field[int64] // null clears the end and reopens the incident
	Monitors opt.Field[[]MonitorImpact]

	AutoCloseAfter opt.Field[int64] // seconds; null: the closer never resolves it
}

// Patched returns the incident with the patch in it at now (UTC seconds). asked are the
// monitors of the patch's links, which replace the incident's as RelinkMonitors has it;
// when the patch has none the links stay. An end of null opens it again (docs/api.md, Incidents). It returns ErrEndBeforeStart of a patch that
// sets one of the two times: a legacy client may have given an end before the start, and
// then everything else can still be patched.
func (i Incident) Patched(p IncidentPatch, asked []AffectedMonitor, now int64) (Incident, error) {
	i.Title = p.Title.Or(i.Title)
	i.Start = p.Start.Or(i.Start)
	i.End = p.End.Ptr(i.End)
	if p.End.IsNull() {
		i.Closed = nil
	}
	if p.Monitors.IsSet() {
		i.Monitors, i.Orphan = RelinkMonitors(i.Monitors, asked), ""
	}
	i.Legacy = i.Legacy.Patched(p)
	if p.AutoCloseAfter.IsSet() {
		i.AutoCloseAfter = p.AutoCloseAfter
	}
	if p.Start.IsSet() || p.End.IsSet() {
		if err := CheckTimes(i.Start, i.End); err != nil {
			return Incident{}, err
		}
	}
	return i.handled(now), nil
}

// CheckTimes returns the error for an end before the start, nil otherwise.
func CheckTimes(start int64, end *int64) error {
	if end != nil && *end < start {
		return ErrEndBeforeStart
	}
	return nil
}

// Commented returns the incident after its new comment, made at now (UTC seconds): RESOLVED
// ends and closes it, and one that is closed already keeps the time at which it was; any
// other state on a closed one reopens it and clears its end, on an open one it leaves the
// end alone. It returns ErrCommentBeforeStart of a comment that would end the incident
// before its start (docs/api.md, Incidents).
func (i Incident) Commented(c Comment, now int64) (Incident, error) {
	switch resolved, closed := c.State == Resolved, i.Closed != nil; {
	case resolved && c.Time < i.Start:
		return Incident{}, ErrCommentBeforeStart
	case resolved:
		i.End, i.Legacy.EndSeconds = &c.Time, 0
		if !closed {
			i.Closed = &now
		}
	case closed:
		i.End, i.Legacy.EndSeconds, i.Closed = nil, 0, nil
		fallthrough
	default:
		i.Legacy.Identified = c.State != Investigating
	}
	i.State = c.State
	return i.handled(now), nil
}
