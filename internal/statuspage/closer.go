package statuspage

// FailingNow is for how many seconds a point tells how a monitor is now.
const FailingNow = 15 * minute

// MonitorFacts are what the closer needs to know of a monitor that an incident is
// linked to.
type MonitorFacts struct {
	MonitorID int64
	Newest    *Point // at or before now; nil: none
	Changed   *int64 // UTC seconds: the minute whose status is the last that differs from the one recorded before it
	NotUp     *int64 // UTC seconds: the last minute that is not UP
	Alert     bool   // an alert on the monitor is TRIGGERED

	Windows []Window // what maintenances do to the monitor, as far as it has begun

	// What was before Since (UTC seconds) may be left out, unless the facts are
	// Complete. Nothing is left out that changes what is decided of an incident that
	// starts at Since or later.
	Since    int64
	Complete bool

	Seen []SeenHour // to these nothing may be written before a write that rests on the facts
}

// SeenHour is the state in which the points of an hour were read.
type SeenHour struct {
	Start int64  // UTC seconds
	Mark  string // another after each write; "": nothing was there
}

// AddEarlier adds a point to the facts. The points are added backwards, from the newest at
// or before now (UTC seconds) on; later is the one added before, nil for the first. It
// reports whether earlier points can't change the facts.
func (f *MonitorFacts) AddEarlier(p Point, later *Point, now int64) (enough bool) {
	if f.Newest == nil {
		f.Newest = &p
	}
	if later != nil && later.Status != p.Status && f.Changed == nil {
		f.Changed = &later.Time
	}
	if p.Status != StatusUp && f.NotUp == nil {
		f.NotUp = &p.Time
	}
	// A failing monitor protects its incidents, whatever was before.
	f.Complete = f.Failing(now) || f.Changed != nil && f.NotUp != nil
	return f.Complete || p.Time < f.Since
}

// Failing reports whether the monitor fails at now (UTC seconds): its newest point,
// if it is of the last 15 minutes, is not UP.
func (f MonitorFacts) Failing(now int64) bool {
	return f.Newest != nil && f.Newest.Status != StatusUp && now-f.Newest.Time <= FailingNow
}

// Covers reports whether the facts tell all about an incident that starts at the
// given second.
func (f MonitorFacts) Covers(start int64) bool { return f.Complete || start >= f.Since }

// AutoClosing is what the closer writes to an incident: a warning, or its closing. A
// warning leaves the incident's update time, since no person changed it.
type AutoClosing struct {
	Incident Incident // as it was read; only this version of it is written
	Comment  Comment  // what says so
	Warning  *CloserWarning
	End      int64 // UTC seconds, of a closing

	Rests []MonitorFacts // nothing may have been written since to what they were read from
}

// AutoClosed returns the incident after the closer's write at now (UTC seconds). The end
// keeps the seconds that a legacy client gave it: one that is known is what it is closed at.
func (i Incident) AutoClosed(c AutoClosing, now int64) Incident {
	if c.Warning != nil {
		i.Warning = c.Warning
		i.Version++
		return i
	}
	i.State, i.End, i.Closed = Resolved, new(c.End), &now
	return i.worked(now)
}

// Outcome is what became of an AutoClosing.
type Outcome int

// The outcomes.
const (
	Written         Outcome = iota
	IncidentChanged         // somebody wrote to the incident, or deleted it
	MonitorsChanged         // there are newer points
)

// CloserState is how far the closer has come. The zero value is of one that never
// ran.
type CloserState struct {
	After    *IncidentPosition // the next run goes on after it; nil: from the first
	Day      int64             // UTC seconds: the last day on which day totals were made
	Monitors int64             // the id of the last monitor whose totals were made on it; 0: none
	DayDone  bool              // those of all monitors were
	Version  int64             // rises with every write
}
