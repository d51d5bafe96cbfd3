package statuspage

import (
	"maps"
	"slices"
)

// A SignalAlert is what an alert of an integration has instead of a condition.
type SignalAlert struct {
	IntegrationID  int64
	Key            string
	Title, Message string            // as the tool has them, on one line, and without control characters
	Link           string            // to the tool; "" none
	Severity       string            // in its words; "" none
	Labels         map[string]string // nil: none
	Impact         Impact            // "": it makes no incident
	Monitors       []AffectedMonitor // that it concerns, as they were then
	Started        int64             // UTC seconds
	Count          int64             // how often it was told of; of an open one see SignalMark
	LastSeen       int64             // UTC seconds, likewise
}

// maxStartAge is how long before its first signal a problem can have begun, in seconds. A time
// before that is taken for a mistake.
const maxStartAge = day

// started is when the problem of a signal began that came at now (UTC seconds).
func (s Signal) started(now int64) int64 {
	start := s.Started
	if start == 0 {
		start = s.Stamp(now)
	}
	if start /= 1000; start <= now-maxStartAge || start > now {
		return now
	}
	return start
}

// EndedAt is the minute (UTC seconds) in which the problem was over of a resolved signal that came
// at now (UTC seconds).
func (s Signal) EndedAt(now int64) int64 {
	end := s.Ended
	if end == 0 {
		end = s.Stamp(now)
	}
	if end /= 1000; end <= 0 || end > now {
		end = now
	}
	return FloorMinute(end)
}

// Alert returns the alert with the id that the signal opens at now (UTC seconds), without an
// incident.
func (i Integration) Alert(id int64, s Signal, impact Impact, monitors []AffectedMonitor, now int64) Alert {
	a := Alert{ID: id, Severity: severityOf(impact), State: Triggered, Created: now, Updated: now, Version: 1}
	if len(monitors) > 0 {
		a.Tag, a.MonitorID = monitors[0].Tag, monitors[0].MonitorID
	}
	a.Signal = &SignalAlert{
		IntegrationID: i.ID, Key: s.Key, Title: Shorten(OneLine(s.Title), MaxTitle), Message: Shorten(ManyLines(s.Message), maxSignalMessage),
		Severity: Shorten(OneLine(s.Severity), maxSignalWord), Labels: keptLabels(s.Labels), Impact: impact, Monitors: monitors,
		Started: s.started(now), Count: 1, LastSeen: now,
	}
	if Length(s.Link) <= maxSignalLink && ValidLink(s.Link) {
		a.Signal.Link = s.Link
	}
	return a
}

// keptLabels are the labels that are kept: the first ones by name, cut.
func keptLabels(labels map[string]string) map[string]string {
	if len(labels) == 0 {
		return nil
	}
	kept := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		if len(kept) == maxSignalLabels {
			break
		}
		if short := Shorten(OneLine(name), maxSignalLabel); short != "" {
			kept[short] = Shorten(OneLine(labels[name]), maxSignalLabel)
		}
	}
	return kept
}

// Tags are those of the alert's monitors.
func (a SignalAlert) Tags() []string {
	var tags []string
	for _, m := range a.Monitors {
		tags = append(tags, m.Tag)
	}
	return tags
}

// Worsened returns the alert of an integration with a worse impact, at now (UTC seconds).
func (a Alert) Worsened(impact Impact, now int64) Alert {
	signal := *a.Signal
	signal.Impact = signal.Impact.Worse(impact)
	signal.Monitors = slices.Clone(signal.Monitors)
	for n := range signal.Monitors {
		signal.Monitors[n].Impact = signal.Impact
	}
	a.Signal, a.Severity, a.Updated = &signal, severityOf(signal.Impact), now
	a.Version++
	return a
}

// Touched returns the alert after a write at now (UTC seconds).
func (a Alert) Touched(now int64) Alert {
	a.Updated = now
	a.Version++
	return a
}

func severityOf(impact Impact) Severity {
	switch impact {
	case Down:
		return Critical
	case Degraded:
		return Warning
	}
	return ""
}

// Incidental reports whether the alert is one that makes an incident: it says what is wrong, and
// with which monitors unless the integration may say that of everything.
func (a SignalAlert) Incidental(o IntegrationOptions) bool {
	return a.Impact != "" && (len(a.Monitors) > 0 || o.AllowGlobal)
}

// OpensAt is when the alert of an integration opens its incident (UTC seconds); nil: now.
func (a SignalAlert) OpensAt(o IntegrationOptions, now int64) *int64 {
	if at := a.Started + o.OpenAfter; at > now {
		return &at
	}
	return nil
}

// alarm is what the alert says at now (UTC seconds); name is that of its first monitor.
func (i Integration) alarm(a Alert, name string) alarm {
	o := i.Settings()
	start := FloorMinute(a.Signal.Started)
	return alarm{
		alert: a, title: i.incidentTitle(o, *a.Signal, name), start: start, told: start, shares: o.GroupBy == GroupByMonitor && a.MonitorID != 0,
		monitors: a.Signal.Monitors, opening: i.openingComment(o, *a.Signal), joining: i.joiningComment(o, *a.Signal),
	}
}

// Shares reports whether alerts of the integration on a monitor share an incident, see Outage.
func (i Integration) Shares() bool { return i.Settings().GroupBy == GroupByMonitor }

// Opened returns the alert of the integration with an incident of its own at now (UTC seconds).
// name is that of its first monitor.
func (i Integration) Opened(a Alert, name string, ids FiringIDs, now int64) Firing {
	return i.alarm(a, name).opens(ids, now)
}

// Joined returns the alert of the integration that joins others on its monitor at now (UTC
// seconds), which share the incident.
func (i Integration) Joined(a Alert, of Incident, o Outage, ids FiringIDs, now int64) Firing {
	f := i.alarm(a, "").joins(of, o, ids, now)
	f.Incident.retitle(of.Monitors)
	return f
}

// Again returns the alert of the integration with the incident that its last one had: one that is
// open, or that it reopens. Where alerts share it the outage begins anew.
func (i Integration) Again(a Alert, of Incident, ids FiringIDs, now int64) Firing {
	says := i.alarm(a, "")
	f := Firing{Alert: a, Incident: &of}
	f.Alert.IncidentID = &of.ID
	if of.Closed != nil {
		of.Closed, of.End, of.Legacy.EndSeconds = nil, nil, 0
	}
	was := of.Monitors
	of.affects(says.monitors)
	of.retitle(was)
	if of.State == Resolved || of.State == Monitoring {
		of.State, of.Legacy.Identified = Investigating, false
	}
	of = of.worked(now)
	if says.shares && of.AlertMonitorID == a.MonitorID {
		f.Outage = Outage{IncidentID: of.ID, Start: of.Start, Version: 1}
	}
	again := i.comment(of, i.againComment(i.Settings(), *a.Signal), FloorMinute(now), ids.Comment, now)
	f.Comment = &again
	return f
}

// Worse returns the incident after a signal at now (UTC seconds) that says that it is worse, with
// the comment of the id; false when nothing of it changes.
func (i Integration) Worse(of Incident, a SignalAlert, commentID, now int64) (Incident, Comment, bool) {
	was := of.Monitors
	of.affects(a.Monitors)
	if of.Closed != nil || slices.Equal(was, of.Monitors) {
		return of, Comment{}, false
	}
	of.retitle(was)
	of = of.worked(now)
	return of, i.comment(of, i.worseComment(i.Settings(), a), FloorMinute(now), commentID, now), true
}

// Acknowledged returns the incident after somebody took notice in the tool at now (UTC seconds),
// with the comment of the id; false when that is known.
func (i Integration) Acknowledged(of Incident, commentID, now int64) (Incident, Comment, bool) {
	if of.Closed != nil || of.State != Investigating {
		return of, Comment{}, false
	}
	of.State, of.Legacy.Identified = Identified, true
	return of.worked(now), i.comment(of, i.acknowledgedComment(), FloorMinute(now), commentID, now), true
}

// NoteOn returns the incident after a note at now (UTC seconds), with the comment of the id;
// false when there is nothing to say in public.
func (i Integration) NoteOn(of Incident, s Signal, commentID, now int64) (Incident, Comment, bool) {
	text := i.noteComment(i.Settings(), s)
	if of.Closed != nil || text == "" {
		return of, Comment{}, false
	}
	return of.worked(now), i.comment(of, text, FloorMinute(now), commentID, now), true
}

// Ended returns the incident after its last alert has ended by the signal at now (UTC seconds),
// with the comment of the id: it is resolved at the signal's end, or when another alert on its
// monitor recovered, if that is later (recovered, UTC seconds; 0: none did). One that a person has
// worked on, and one that is not clear to be over, is left to a person, in the state
// MONITORING. It returns false for one that is closed.
func (i Integration) Ended(of Incident, s Signal, recovered, commentID, now int64) (Incident, Comment, bool) {
	switch {
	case of.Closed != nil:
		return of, Comment{}, false
	case of.Handled || s.Unclear != "":
		of.State, of.Legacy.Identified = Monitoring, true
		return of.worked(now), i.comment(of, i.recoveredComment(s.Unclear), FloorMinute(now), commentID, now), true
	}
	at := max(s.EndedAt(now), recovered)
	of = of.Recovered(at, now)
	return of, i.comment(of, i.resolvedComment(), at, commentID, now), true
}

// Over returns the incident after its alert ended at now (UTC seconds) because no signal came any
// more, as Ended does.
func (i Integration) Over(of Incident, m SignalMark, recovered, commentID, now int64) (Incident, Comment, bool) {
	next, c, is := i.Ended(of, Signal{}, recovered, commentID, now)
	if is && next.State == Resolved {
		c.Text = i.overComment(m)
	}
	return next, c, is
}

// Silent returns the incident after the tool has fallen silent, with the comment of the id that
// says so at now (UTC seconds); false when it is closed. It is no activity, so that the
// closer waits no longer for it.
func (i Integration) Silent(of Incident, m SignalMark, commentID, now int64) (Incident, Comment, bool) {
	if of.Closed != nil {
		return of, Comment{}, false
	}
	of.Version++
	return of, i.comment(of, i.staleComment(m), FloorMinute(now), commentID, now), true
}

func (i Integration) comment(of Incident, text string, at, id, now int64) Comment {
	return NewComment{Text: text, Time: max(at, of.Start), State: of.State}.Made(of.ID, id, now)
}
