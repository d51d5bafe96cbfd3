package statuspage

// Status is how a monitor is in one minute.
type Status string

// The statuses; case counts. Nobody can set MAINTENANCE: it is that of a minute in a
// maintenance with that impact.
const (
	StatusUp          Status = "UP"
	StatusDegraded    Status = "DEGRADED"
	StatusDown        Status = "DOWN"
	StatusMaintenance Status = "MAINTENANCE"
)

// ValidStatus reports whether a point can be set to s.
func ValidStatus(s Status) bool { return s == StatusUp || s == StatusDegraded || s == StatusDown }

// Limits of points (docs/api.md, Monitoring data).
const (
	MaxLatency   = 1e9 // milliseconds
	MaxRangeDays = 366 // of a range that is written at once
	MaxBatch     = 100 // points in one call
	MaxClockLead = 60  // seconds that the time of a posted point may be ahead: it is one of now

	DefaultRetention = 400 // days that minutes are kept, unless an operator says another number
	MinRetention     = 30
	MaxRetention     = 800
	TotalsRetention  = 800 // days that the totals of a day are kept

	MaxPointLead = day // seconds that a point may be set ahead of its time
)

// Source is where a point comes from.
type Source string

// The sources: a probe's call, or a correction by hand. Nobody posts what is in a window of a
// maintenance, see Overlay.
const (
	SourceProbe       Source = "API"
	SourceManual      Source = "MANUAL"
	SourceMaintenance Source = "MAINTENANCE"
)

// A Point is a monitor's status in one minute. A monitor has at most one a minute;
// a later one replaces it.
type Point struct {
	Time    int64    // UTC seconds, a whole minute
	Status  Status   //
	Latency *float64 // milliseconds; nil: not measured
	Source  Source
}

// A TaggedPoint is a point of the monitor with the tag.
type TaggedPoint struct {
	Tag string
	Point
}

// PointPatch is a partial update of a point. What is not set stays; of a point that
// is not there it is the monitor's default status and a latency of 0.
type PointPatch struct {
	Status  *Status
	Latency *float64 // milliseconds
}

// Apply returns the point with the patch in it.
func (p PointPatch) Apply(old Point) Point {
	if p.Status != nil {
		old.Status = *p.Status
	}
	if p.Latency != nil {
		old.Latency = p.Latency
	}
	old.Source = SourceManual
	return old
}

// A MinuteRange is every minute from one to another, both included.
type MinuteRange struct {
	From, To int64 // UTC seconds, whole minutes
}

// A Range is a status for every minute from one to another, both included.
type Range struct {
	From, To int64 // UTC seconds, whole minutes
	Status   Status
	Latency  func(minute int64) float64 // milliseconds; the same for the same minute each time
}

// PointQuery says which of a monitor's points a list holds.
type PointQuery struct {
	From, To int64 // UTC seconds, whole minutes; To is not included
	Newest   bool  // the newest point first
}

// DefaultStatusOrUp is the status of a minute that is set without one: the monitor's
// default status if that is a status, else UP.
func (m Monitor) DefaultStatusOrUp() Status {
	if m.DefaultStatus != nil && ValidStatus(Status(*m.DefaultStatus)) {
		return Status(*m.DefaultStatus)
	}
	return StatusUp
}

// CountsDegradedAsDown reports whether a degraded minute of the monitor is downtime.
func (m Monitor) CountsDegradedAsDown() bool {
	return m.IncludeDegraded != nil && *m.IncludeDegraded == Yes
}

// Totals count points. Their zero value counts none.
type Totals struct {
	Up, Degraded, Down, Maintenance int64   // minutes
	LatencySum                      float64 // milliseconds, of the points that have a latency and count, see Add
	LatencyCount                    int64
}

// Add counts a point. The latency of one that is DOWN is that of a failure, often a
// timeout's, and says nothing of how quick the monitor is, and neither does one of a
// maintenance (docs/api.md, Monitoring data). Sums of the same points are equal to the last bit only when
// they are added in the same order: add them by time.
func (t *Totals) Add(p Point) {
	*t = t.Plus(minutesOf(p.Status, 1))
	if p.Latency != nil && p.Status != StatusDown && p.Source != SourceMaintenance {
		t.LatencySum += *p.Latency
		t.LatencyCount++
	}
}

// minutesOf are so many minutes of the status.
func minutesOf(s Status, n int64) Totals {
	switch s {
	case StatusUp:
		return Totals{Up: n}
	case StatusDegraded:
		return Totals{Degraded: n}
	case StatusDown:
		return Totals{Down: n}
	case StatusMaintenance:
		return Totals{Maintenance: n}
	}
	return Totals{}
}

// Plus returns the totals of both.
func (t Totals) Plus(o Totals) Totals {
	return Totals{
		Up: t.Up + o.Up, Degraded: t.Degraded + o.Degraded, Down: t.Down + o.Down, Maintenance: t.Maintenance + o.Maintenance,
		LatencySum: t.LatencySum + o.LatencySum, LatencyCount: t.LatencyCount + o.LatencyCount,
	}
}

// Minutes is how many points were counted.
func (t Totals) Minutes() int64 { return t.Up + t.Degraded + t.Down + t.Maintenance }

// Latency returns the average latency in milliseconds, and false when none was
// measured.
func (t Totals) Latency() (float64, bool) {
	return t.LatencySum / float64(t.LatencyCount), t.LatencyCount > 0
}

// A DayRange is the UTC days from one to another, both included.
type DayRange struct {
	From, To int64 // UTC seconds of their first seconds
}

// LastDays returns the last n days, that of now (UTC seconds) included.
func LastDays(n int, now int64) DayRange {
	today := FloorDay(now)
	return DayRange{today - int64(n-1)*day, today}
}

// Days is how many days the range has.
func (r DayRange) Days() int64 { return (r.To-r.From)/day + 1 }

// DayTotals are the totals of one UTC day.
type DayTotals struct {
	Day int64 // UTC seconds of its first second
	Totals
}

const day = 24 * hour

// FloorDay returns the start of the UTC day that holds the second t, which must not
// be negative.
func FloorDay(t int64) int64 { return t - t%day }

// NextDay returns the start of the UTC day after the one that holds the second t.
func NextDay(t int64) int64 { return FloorDay(t) + day }

// DayFinished reports whether the totals of the day that starts at the given second
// may be stored at now. A call that was made before the day's end can take effect
// for a while after it, so a day is finished only a quarter of an hour later.
func DayFinished(start, now int64) bool { return now >= start+day+15*minute }
