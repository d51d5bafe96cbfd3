package statuspage

import "cmp"

// SignalKept is for how many seconds a problem that is over is remembered, so that signals which
// come late are known as such.
const SignalKept = 30 * day

// maxSignalLead is how far a tool's clock may be ahead, in milliseconds. A time beyond that is as
// none.
const maxSignalLead = day * 1000

// lateFor is for how many seconds after the end of a group what says that it fires can be a copy that
// comes late. After that it is a problem that began before the end of the others and was not told of,
// because it was silenced: its tool goes on to tell of it.
const lateFor = hour

// A SignalMark is what is kept of a problem of an integration: there is one for each key, and so
// at most one open alert.
//
// The source's own times say which signal came after which, as far as a signal has one. Those
// without one are taken in the order in which they arrive.
type SignalMark struct {
	Integration int64
	Key         string
	Open        bool   // its alert is TRIGGERED
	AlertID     int64  // the newest one; 0: there was none yet
	IncidentID  *int64 // of its last alert that had one; it may be deleted since
	Linked      bool   // the open alert has that incident
	MonitorID   int64  // of the outage that the open alert shares; 0: it shares none
	Impact      Impact // the worst so far of the open alert; "" it makes no incident
	Episode     string
	LastAt      int64  // UTC milliseconds: the latest time of the source; 0: it gave none
	Noted       int64  // UTC milliseconds: of the last note, or of what opened the alert
	Count       int64  // firing signals of the open alert
	LastSeen    int64  // UTC seconds: when the last signal came that fired or resolved
	Trouble     string // what is wrong with the signals, for the operator; "" nothing

	Opens *int64 // UTC seconds: when the alert, which waits, opens its incident
	Stale *int64 // UTC seconds: when it is told that the tool has fallen silent
	Over  *int64 // UTC seconds: when the alert is over although no signal said so

	Ended   *int64 // UTC seconds: when the last alert with an incident ended
	Version int64  // rises with every write
}

// SignalDoing is what a signal does.
type SignalDoing string

// What signals do.
const (
	SignalOpens        SignalDoing = "open"   // an alert, with an incident of its own or none
	SignalJoins        SignalDoing = "join"   // an alert, with an incident that is open
	SignalReopens      SignalDoing = "reopen" // an alert, and the incident that the last one had
	SignalWaits        SignalDoing = "wait"   // an alert, whose incident opens when the problem lasts
	SignalRepeats      SignalDoing = "repeat"
	SignalWorsens      SignalDoing = "worsen" // a repetition that says it is worse
	SignalAcknowledges SignalDoing = "acknowledge"
	SignalNotes        SignalDoing = "note"
	SignalResolves     SignalDoing = "resolve"
	SignalDoesNothing  SignalDoing = "nothing"
	SignalRemembered   SignalDoing = "remember" // nothing, but what comes late is to be known
)

// Fires reports whether an alert is opened.
func (d SignalDoing) Fires() bool {
	return d == SignalOpens || d == SignalJoins || d == SignalReopens || d == SignalWaits
}

// Stamp is the source's own time of the signal that came at now (UTC seconds), in milliseconds; 0
// without one that can be.
func (s Signal) Stamp(now int64) int64 {
	if s.At < 0 || s.At > now*1000+maxSignalLead {
		return 0
	}
	return s.At
}

// Asks returns what the signal that came at now (UTC seconds) does to the problem that the mark,
// nil for none, tells of, and why it does nothing. impact is what the signal says, "" for no
// incident. An alert that it opens is SignalOpens here: the incidents that are there say
// whether it joins one (docs/integrations.md, What a signal does).
func (m *SignalMark) Asks(s Signal, impact Impact, now int64) (SignalDoing, string) {
	at, open := s.Stamp(now), m != nil && m.Open
	switch s.Action {
	case SignalFiring:
		switch {
		case open && impact.Worse(m.Impact) != m.Impact:
			return SignalWorsens, ""
		case open:
			return SignalRepeats, ""
		case m != nil && at != 0 && at <= m.LastAt && !(s.Group && now-m.LastSeen > lateFor):
			return SignalDoesNothing, "it is older than what came before"
		case m != nil && s.Episode != "" && s.Episode == m.Episode:
			return SignalDoesNothing, "the problem that it tells of is over"
		}
		return SignalOpens, ""
	case SignalResolved:
		switch {
		case open && at != 0 && at < m.LastAt:
			return SignalDoesNothing, "it is older than what came before"
		case open:
			return SignalResolves, ""
		case at != 0 && (m == nil || at > m.LastAt):
			return SignalRemembered, NoAlert
		}
		return SignalDoesNothing, NoAlert
	case SignalAcknowledged:
		switch {
		case !open:
			return SignalDoesNothing, NoAlert
		case at != 0 && at < m.Noted: // of the time before
			return SignalDoesNothing, "it is older than what came before"
		}
		return SignalAcknowledges, ""
	case SignalNote:
		switch {
		case !open:
			return SignalDoesNothing, NoAlert
		case at != 0 && at <= m.Noted:
			return SignalDoesNothing, "it came before"
		}
		return SignalNotes, ""
	}
	return SignalDoesNothing, "it tells of no problem"
}

// NoAlert is why a signal about an alert that is not open does nothing.
const NoAlert = "no alert is open for it"

// mark is the mark of a problem of which nothing is known yet.
func (i Integration) mark(key string) SignalMark { return SignalMark{Integration: i.ID, Key: key} }

// took returns the mark, nil for none, with the time and the episode of the signal.
func (i Integration) took(m *SignalMark, s Signal, now int64) SignalMark {
	next := i.mark(s.Key)
	if m != nil {
		next = *m
	}
	next.LastAt = max(next.LastAt, s.Stamp(now))
	next.Episode = cmp.Or(s.Episode, next.Episode)
	next.Version++
	return next
}

// Repeated returns the mark after a firing signal at now (UTC seconds) of the alert that is open.
func (i Integration) Repeated(m SignalMark, s Signal, impact Impact, now int64) SignalMark {
	next := i.took(&m, s, now)
	next.Count++
	next.Impact = next.Impact.Worse(impact)
	return i.Settings().seen(next, now)
}

// Fired returns the mark after a firing signal at now (UTC seconds) that opens the alert. The
// incident of the last one stays named until the alert has one.
func (i Integration) Fired(m *SignalMark, s Signal, alertID int64, impact Impact, now int64) SignalMark {
	next := i.took(m, s, now)
	next.Open, next.AlertID, next.Linked, next.MonitorID, next.Impact, next.Count, next.Noted = true, alertID, false, 0, impact, 1, s.Stamp(now)
	next.Opens, next.Trouble = nil, ""
	return i.Settings().seen(next, now)
}

// seen returns the mark of an open alert that was heard of at now (UTC seconds).
func (o IntegrationOptions) seen(m SignalMark, now int64) SignalMark {
	m.LastSeen, m.Stale, m.Over = now, nil, nil
	if o.StaleAfter > 0 {
		m.Stale = new(now + o.StaleAfter)
	}
	if o.ResolveAfter > 0 {
		m.Over = new(now + o.ResolveAfter*hour)
	}
	return m
}

// LinkedTo returns the mark whose alert has the incident now. monitorID is that of the outage
// that it shares, 0 for none.
func (m SignalMark) LinkedTo(incidentID, monitorID int64) SignalMark {
	m.IncidentID, m.Linked, m.MonitorID, m.Opens = &incidentID, true, monitorID, nil
	return m
}

// Resolved returns the mark, nil for none, after a resolved signal at now (UTC seconds).
func (i Integration) Resolved(m *SignalMark, s Signal, now int64) SignalMark {
	next := i.took(m, s, now)
	next.LastSeen = now
	if m == nil || !m.Open { // it is remembered only
		return next
	}
	return next.Closed(now)
}

// Closed returns the mark of an alert that ended at now (UTC seconds). The incident that it had
// stays named, so that the next alert can open it again; one without an incident leaves what the
// alert before had.
func (m SignalMark) Closed(now int64) SignalMark {
	if m.Linked {
		m.Ended = &now
	}
	m.Open, m.Linked, m.MonitorID, m.Opens, m.Stale, m.Over, m.Trouble = false, false, 0, nil, nil, nil, ""
	return m
}

// Noted returns the mark of an open alert after a signal at now (UTC seconds) that neither fires nor
// resolves.
func (i Integration) Noted(m SignalMark, s Signal, now int64) SignalMark {
	if s.Action == SignalNote {
		m.Noted = max(m.Noted, s.Stamp(now))
	}
	m.Version++
	return m
}

// Told returns the mark of an alert of which it was told that the tool has fallen silent.
func (m SignalMark) Told() SignalMark {
	m.Stale = nil
	m.Version++
	return m
}

// Due is when something is due about the open alert, whatever comes (UTC seconds); nil: nothing is.
func (m SignalMark) Due() *int64 {
	var due *int64
	for _, t := range []*int64{m.Opens, m.Stale, m.Over} {
		if m.Open && t != nil && (due == nil || *t < *due) {
			due = t
		}
	}
	return due
}

// Reopens reports whether an alert that opens at now (UTC seconds) reopens the incident, which is
// that of the mark's last alert: it was closed when that one ended, and not long ago.
func (m SignalMark) Reopens(i Incident, o IntegrationOptions, now int64) bool {
	return i.Closed != nil && m.Ended != nil && *i.Closed == *m.Ended && now-*m.Ended <= o.Reopen*minute && o.Reopen > 0
}

// HeardOf returns the open alert of the mark with what the mark knows of it.
func (m SignalMark) HeardOf(a Alert) Alert {
	signal := *a.Signal
	signal.Count, signal.LastSeen = m.Count, m.LastSeen
	a.Signal = &signal
	return a
}
