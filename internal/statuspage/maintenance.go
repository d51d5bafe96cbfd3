package statuspage

import (
	"cmp"
	"iter"
	"slices"
	"sync"
	"time"

	"tocsin/internal/opt"
	"tocsin/internal/recurrence"
)

// Limits of a maintenance (docs/api.md, Maintenances).
const (
	MaxMaintenanceTitle    = 1000  // UTF-16 units
	MaxMaintenanceText     = 65536 // UTF-16 units of a description
	MaxMaintenanceMonitors = 48
	MaxRule                = 1000 // bytes
	MaxTimeZone            = 64   // bytes
	MaxDuration            = 366 * day
	MaxAtOnce              = 24 // occurrences that are on at the same time
)

// Bounds of the occurrences that are made ahead.
const (
	occurrencesAhead = 10
	horizon          = 60 * day // those that begin within it; the next one always
	nextWithin       = 10 * 366 * day
)

// What is kept in the record of a maintenance of what was before.
const (
	finishedKept  = day    // occurrences that are over
	changesKept   = 500    // changes of single occurrences, the newest of those that are over
	schedulesKept = 100    // former schedules, likewise
	rulesKept     = 10_000 // bytes of the rules of former schedules, likewise
	recentKept    = 200    // occurrences that are to come, that are on, or that ended a day ago at most
)

// MaintenanceStatus says whether a maintenance counts.
type MaintenanceStatus string

// The statuses. No occurrence of an INACTIVE maintenance counts, those of the past included.
const (
	MaintenanceActive   MaintenanceStatus = "ACTIVE"
	MaintenanceInactive MaintenanceStatus = "INACTIVE"
)

// ValidMaintenanceStatus reports whether s is one of the two; case counts.
func ValidMaintenanceStatus(s MaintenanceStatus) bool {
	return s == MaintenanceActive || s == MaintenanceInactive
}

// A Maintenance is work that was announced, once or again and again. With monitors it
// concerns these, without everything, see Global.
//
// From its Calendar alone follows when it is on. The records of its occurrences give these
// an id for clients to name them by, and are made ahead of time.
type Maintenance struct {
	ID          int64
	Title       string
	Description *string
	Status      MaintenanceStatus
	Monitors    []AffectedMonitor // in the order in which they were linked, each once
	Orphan      Orphan            // how its last monitor was, if that was deleted; "" while it has monitors, or if none was ever named
	Created     int64             // UTC seconds
	Updated     int64             // UTC seconds
	Version     int64             // rises with every write of the record or of one of its occurrences

	Calendar
	Made int64 // occurrences of the schedule that are planned for up to this second have records

	// Recent are the occurrences that are to come, that are on, or that ended a day ago at
	// most when the record was written, by their planned start.
	Recent []Occurrence
}

// Global reports whether the maintenance concerns everything.
func (m Maintenance) Global() bool { return len(m.Monitors) == 0 && m.Orphan == "" }

// A Schedule says when occurrences are planned for.
type Schedule struct {
	Start    int64  // UTC seconds, a whole minute
	Rule     string // RRULE, from Start on; see package recurrence
	TimeZone string // IANA name of the zone whose wall clock the rule goes by; "": UTC
	Duration int64  // seconds, at least one
}

// made are series by their schedules, without durations: to make one means to count when its
// rule has a COUNT, and one is asked for many times.
var made = struct {
	sync.Mutex
	series map[Schedule]recurrence.Series
}{series: map[Schedule]recurrence.Series{}}

const mostMade = 1000 // then all are forgotten

// series are the planned starts. A schedule that a maintenance has was checked.
func (s Schedule) series() (recurrence.Series, bool) {
	s.Duration = 0
	made.Lock()
	series, ok := made.series[s]
	made.Unlock()
	if ok {
		return series, true
	}
	if series, ok = s.makeSeries(); ok {
		made.Lock()
		if len(made.series) == mostMade {
			clear(made.series)
		}
		made.series[s] = series
		made.Unlock()
	}
	return series, ok
}

func (s Schedule) makeSeries() (recurrence.Series, bool) {
	rule, err := recurrence.Parse(s.Rule)
	if err != nil {
		return recurrence.Series{}, false
	}
	zone := time.UTC
	if s.TimeZone != "" {
		if zone, err = recurrence.LoadZone(s.TimeZone); err != nil {
			return recurrence.Series{}, false
		}
	}
	return rule.From(s.Start, zone), true
}

// OneTime reports whether the schedule is for one occurrence: its rule says exactly COUNT=1.
func (s Schedule) OneTime() bool {
	rule, err := recurrence.Parse(s.Rule)
	return err == nil && rule.OneTime()
}

// Check returns ErrMaintenanceTooLate for a schedule whose first occurrence would end after
// MaxTimestamp, and ErrMaintenanceDense for one with more than MaxAtOnce occurrences on at the
// same time. It looks at those of the first two years, after which rules repeat themselves,
// and at a thousand of them at most.
func (s Schedule) Check() error {
	if s.Start+s.Duration > MaxTimestamp {
		return ErrMaintenanceTooLate
	}
	series, ok := s.series()
	if !ok {
		return nil
	}
	starts := make([]int64, 0, 1000)
	for at := range series.Between(s.Start, s.Start+2*366*day) {
		if n := len(starts) - MaxAtOnce; n >= 0 && at < starts[n]+s.Duration {
			return ErrMaintenanceDense
		}
		if starts = append(starts, at); len(starts) == cap(starts) {
			break
		}
	}
	return nil
}

// between are the planned starts from one second up to another.
func (s Schedule) between(from, to int64) []int64 {
	series, ok := s.series()
	if !ok || from >= to {
		return nil
	}
	return slices.Collect(series.Between(from, to))
}

// A Period is a schedule and when it was in force: it plans the starts from one second up
// to another.
type Period struct {
	Schedule
	From, To int64
}

// A Calendar says when a maintenance is on: by its schedule, by the schedules it had
// before, and by what persons did to single occurrences.
type Calendar struct {
	Schedule
	Since  int64    // the schedule plans starts from this second on
	Former []Period // only those in which something began, the oldest first

	Changed []ChangedOccurrence // by the planned start, each once
}

// A ChangedOccurrence is one that counts otherwise than planned, from one second up to
// another; not at all when these are the same.
type ChangedOccurrence struct{ Planned, From, To int64 }

// A Span is a time, from one UTC second up to another.
type Span struct{ From, To int64 }

// Spans returns when the maintenance is on, as far as that touches the time from one second
// up to another, by start. They may overlap.
func (c Calendar) Spans(from, to int64) []Span {
	if from >= to {
		return nil
	}
	var spans []Span
	seen := map[int64]bool{} // planned starts
	for _, ch := range c.Changed {
		seen[ch.Planned] = true
		if ch.From < ch.To && ch.From < to && ch.To > from {
			spans = append(spans, Span{ch.From, ch.To})
		}
	}
	// All look equally far back, so that a start of a former schedule that is over is known not
	// to be one of a later schedule whose occurrences take longer.
	periods := c.periods()
	longest := slices.MaxFunc(periods, func(a, b Period) int { return cmp.Compare(a.Duration, b.Duration) }).Duration
	for _, p := range periods {
		for _, at := range p.between(max(p.From, from-longest+1), min(p.To, to)) {
			if !seen[at] {
				seen[at] = true
				if at+p.Duration > from {
					spans = append(spans, Span{at, at + p.Duration})
				}
			}
		}
	}
	slices.SortFunc(spans, func(a, b Span) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	return spans
}

// periods are the former ones, and that of the schedule.
func (c Calendar) periods() []Period {
	return append(slices.Clip(c.Former), Period{c.Schedule, c.Since, MaxTimestamp})
}

// plans reports whether a start is planned by a former schedule, or was by one that planned
// an occurrence which a person changed.
func (c Calendar) plans(start int64) bool {
	return slices.ContainsFunc(c.Changed, func(ch ChangedOccurrence) bool { return ch.Planned == start }) ||
		slices.ContainsFunc(c.Former, func(p Period) bool {
			return p.From <= start && start < p.To && len(p.between(start, start+1)) > 0
		})
}

// LastEnd is when the maintenance is over for good, in UTC seconds: MaxTimestamp when it
// goes on for ever, 0 when it is never on.
func (c Calendar) LastEnd() int64 {
	var last int64
	for _, ch := range c.Changed {
		last = max(last, ch.To)
	}
	for _, p := range c.Former {
		last = max(last, p.To+p.Duration)
	}
	if series, ok := c.series(); ok {
		switch at, ends := series.Last(); {
		case !ends:
			return MaxTimestamp
		case at >= c.Since:
			last = max(last, at+c.Duration)
		}
	}
	return last
}

// change notes that the occurrence with the planned start counts from one second up to
// another.
func (c *Calendar) change(planned, from, to int64) {
	kept := slices.DeleteFunc(slices.Clone(c.Changed), func(ch ChangedOccurrence) bool { return ch.Planned == planned })
	at, _ := slices.BinarySearchFunc(kept, planned, func(ch ChangedOccurrence, p int64) int { return cmp.Compare(ch.Planned, p) })
	c.Changed = slices.Insert(kept, at, ChangedOccurrence{planned, from, to})
}

// A Window is a time in which a maintenance does something to a monitor, from one UTC second
// up to another.
type Window struct {
	From, To int64
	Impact   Impact
}

// SortWindows sorts windows by start.
func SortWindows(windows []Window) {
	slices.SortStableFunc(windows, func(a, b Window) int { return cmp.Compare(a.From, b.From) })
}

// MaintenanceImpact is what a maintenance does to a monitor when a client does not say it.
const MaintenanceImpact = UnderMaintenance

// Windows returns when the maintenance does what to the monitor with the id, as far as that
// touches the time from one second up to another. There are none of one that is INACTIVE.
func (m Maintenance) Windows(monitorID, from, to int64) []Window {
	if m.Status != MaintenanceActive {
		return nil
	}
	impact := MaintenanceImpact
	if !m.Global() {
		n := slices.IndexFunc(m.Monitors, func(a AffectedMonitor) bool { return a.MonitorID == monitorID })
		if n < 0 {
			return nil
		}
		impact = m.Monitors[n].Impact
	}
	return m.Calendar.Windows(impact, from, to)
}

// Windows are the Spans, with an impact.
func (c Calendar) Windows(impact Impact, from, to int64) []Window {
	var windows []Window
	for _, s := range c.Spans(from, to) {
		windows = append(windows, Window{s.From, s.To, impact})
	}
	return windows
}

// OccurrenceState is how far an occurrence is.
type OccurrenceState string

// The states. A person can make an occurrence COMPLETED or CANCELLED; all else says the
// clock.
const (
	Scheduled OccurrenceState = "SCHEDULED"
	Ready     OccurrenceState = "READY"
	Ongoing   OccurrenceState = "ONGOING"
	Completed OccurrenceState = "COMPLETED"
	Cancelled OccurrenceState = "CANCELLED"
)

// ValidOccurrenceState reports whether s is one of the states; case counts.
func ValidOccurrenceState(s OccurrenceState) bool {
	switch s {
	case Scheduled, Ready, Ongoing, Completed, Cancelled:
		return true
	}
	return false
}

// Reminder is for how many seconds before its start an occurrence is READY.
const Reminder = hour

// An Occurrence is one time at which a maintenance takes place. The v4 API calls it an event.
type Occurrence struct {
	ID            int64 // unique across maintenances
	MaintenanceID int64
	Planned       int64           // UTC seconds: the start by the schedule; no two of a maintenance have the same
	Start, End    int64           // UTC seconds, from one up to the other
	Said          OccurrenceState // by a person: Completed, Cancelled, or "" when none did
	Created       int64           // UTC seconds
	Updated       int64           // UTC seconds
}

// State is how far the occurrence is at now (UTC seconds).
func (o Occurrence) State(now int64) OccurrenceState {
	switch {
	case o.Said != "":
		return o.Said
	case now >= o.End:
		return Completed
	case now >= o.Start:
		return Ongoing
	case o.Start-now <= Reminder:
		return Ready
	}
	return Scheduled
}

// begun reports whether it has begun at now, or was cancelled before it did: it is history
// then.
func (o Occurrence) begun(now int64) bool { return o.Start <= now || o.Said != "" }

// NewMaintenance is what a client gives to create a maintenance.
type NewMaintenance struct {
	Title       string
	Description *string
	Schedule
	Monitors []MonitorImpact // at most MaxMaintenanceMonitors, each tag once
}

// Opened returns the maintenance with the id as it is made at now (UTC seconds), ACTIVE and
// linked to the monitors, which are those of Monitors. Its occurrences are still to be made,
// see Due.
func (n NewMaintenance) Opened(id int64, monitors []AffectedMonitor, now int64) Maintenance {
	m := Maintenance{
		ID: id, Title: n.Title, Description: n.Description, Status: MaintenanceActive, Monitors: monitors,
		Created: now, Updated: now, Version: 1,
	}
	m.begin(n.Schedule, now)
	return m
}

// begin puts the schedule in force at now: of its occurrences in the past only those count
// that are still on, but the one of a one-time schedule always.
func (m *Maintenance) begin(s Schedule, now int64) {
	m.Schedule, m.Since = s, FloorMinute(now)+minute
	if s.OneTime() {
		m.Since = s.Start
	} else {
		for _, at := range s.between(now-s.Duration+1, now+1) {
			if !m.plans(at) {
				m.Since = at
				break
			}
		}
	}
	m.Made = m.Since - 1
}

// Due returns the planned starts of which a record is to be made at now (UTC seconds),
// rising: those that have begun, and so many that ten are to come within 60 days, one in any
// case. There are at most MaxDue of them; ask again then.
func (m Maintenance) Due(now int64) []int64 {
	if m.OneTime() {
		if m.Made >= m.Start || m.plans(m.Start) {
			return nil
		}
		return []int64{m.Start}
	}
	ahead, _ := m.ahead(now)
	var due []int64
	for at := range m.unmade(now) {
		if at > now {
			if ahead >= occurrencesAhead || ahead > 0 && at > now+horizon {
				break
			}
			ahead++
		}
		if due = append(due, at); len(due) == MaxDue {
			break
		}
	}
	return due
}

// unmade are the planned starts without a record, rising: those within ten years of the
// first second that there can be one, or of now.
func (m Maintenance) unmade(now int64) iter.Seq[int64] {
	return func(yield func(int64) bool) {
		series, ok := m.series()
		if !ok {
			return
		}
		from := max(m.Since, m.Made+1, m.Start)
		for at := range series.Between(from, max(from, now)+nextWithin) {
			if !m.plans(at) && !yield(at) {
				return
			}
		}
	}
}

// MaxDue is how many occurrences of a maintenance are made at once.
const MaxDue = 20

// Missed reports whether one that has begun at now (UTC seconds) has no record. It has to get
// one before another schedule replaces that which planned it.
func (m Maintenance) Missed(now int64) bool {
	due := m.Due(now)
	return len(due) > 0 && due[0] <= now
}

// WithOccurrences returns the maintenance with new occurrences, which have the ids and the
// planned starts, made at now (UTC seconds).
func (m Maintenance) WithOccurrences(ids, planned []int64, now int64) (next Maintenance, made []Occurrence) {
	for n, at := range planned {
		made = append(made, Occurrence{
			ID: ids[n], MaintenanceID: m.ID, Planned: at, Start: at, End: at + m.Duration, Created: now, Updated: now,
		})
		m.Made = max(m.Made, at)
	}
	m.Recent = slices.Concat(m.Recent, made)
	return m.tidied(now), made
}

// Taken returns the maintenance, which was elsewhere until now (UTC seconds), as it goes on here
// with the occurrences that it had there, each with another planned start. Its schedule plans
// what begins from the next minute on. All that was there is in Changed, the newest of it if
// there is too much: so it counts by its records, whatever the schedule says, and is not made
// again. One that was cancelled before it began does not count.
func (m Maintenance) Taken(occurrences []Occurrence, now int64) Maintenance {
	m.Since, m.Former, m.Changed = FloorMinute(now)+minute, nil, nil
	m.Made = m.Since - 1
	if m.OneTime() {
		m.Made = m.Start // there is no other, also when the one was deleted
		m.Changed = []ChangedOccurrence{{m.Start, m.Start, m.Start}}
	}
	occurrences = slices.SortedFunc(slices.Values(occurrences), func(a, b Occurrence) int { return cmp.Compare(a.Planned, b.Planned) })
	for _, o := range occurrences[max(0, len(occurrences)-changesKept):] {
		to := o.End
		if o.Said == Cancelled && o.Updated < o.Start {
			to = o.Start
		}
		m.change(o.Planned, o.Start, to)
	}
	m.Recent = occurrences
	return m.tidied(now)
}

// tidied leaves out of Recent what has been over for long enough, and of what is over what is
// too much.
func (m Maintenance) tidied(now int64) Maintenance {
	for len(m.Changed) > changesKept && max(m.Changed[0].Planned, m.Changed[0].To) <= now {
		m.Changed = m.Changed[1:]
	}
	for tooMany(m.Former) && m.Former[0].To+m.Former[0].Duration <= now {
		m.Former = m.Former[1:]
	}
	m.Recent = slices.DeleteFunc(slices.Clone(m.Recent), func(o Occurrence) bool { return o.End+finishedKept <= now })
	slices.SortFunc(m.Recent, func(a, b Occurrence) int { return cmp.Compare(a.Planned, b.Planned) })
	return m
}

func tooMany(former []Period) bool {
	rules := 0
	for _, p := range former {
		rules += len(p.Rule)
	}
	return len(former) > schedulesKept || rules > rulesKept
}

// Grown reports whether a change made more of the maintenance than its record takes.
func (m Maintenance) Grown(was Maintenance) bool {
	return len(m.Recent) > max(recentKept, len(was.Recent)) || len(m.Changed) > max(changesKept, len(was.Changed)) ||
		tooMany(m.Former) && len(m.Former) > len(was.Former)
}

// NextDue is when Due has to be asked again, UTC seconds; MaxTimestamp: never. It is of a
// maintenance all of whose due occurrences are made.
func (m Maintenance) NextDue(now int64) int64 {
	if m.OneTime() {
		return MaxTimestamp
	}
	if len(m.Due(now)) > 0 {
		return now
	}
	next := int64(MaxTimestamp) // the first without a record
	for at := range m.unmade(now) {
		next = at
		break
	}
	if next == MaxTimestamp {
		if series, ok := m.series(); ok {
			if _, ends := series.Last(); !ends {
				return now + nextWithin/2
			}
		}
		return MaxTimestamp
	}
	// One more is due when the next one has begun, or when it comes into sight.
	ahead, first := m.ahead(now)
	if ahead < occurrencesAhead {
		first = min(first, max(next-horizon, now+minute))
	}
	return min(first, next)
}

// ahead is how many occurrences are to come at now, and the start of the first one;
// MaxTimestamp when there is none.
func (m Maintenance) ahead(now int64) (n int, first int64) {
	first = MaxTimestamp
	for _, o := range m.Recent {
		if o.Start > now {
			n++
			first = min(first, o.Start)
		}
	}
	return n, first
}

// MaintenancePatch is a partial update of a maintenance. What is not set stays.
type MaintenancePatch struct {
	Title       opt.Field[string]
	Description opt.Field[string]
	Start       opt.Field[int64]
	Rule        opt.Field[string]
	TimeZone    opt.Field[string] // null: UTC
	Duration    opt.Field[int64]
	Status      opt.Field[MaintenanceStatus]
	Monitors    opt.Field[[]MonitorImpact]
}

// Patched returns the maintenance with the patch in it at now (UTC seconds), and the
// occurrences that are gone: a change of the schedule replaces those that have not begun,
// and leaves the others as they are. Its new occurrences are still to be made, see Due.
// asked are the monitors of the patch's links, see Incident.Patched.
func (m Maintenance) Patched(p MaintenancePatch, asked []AffectedMonitor, now int64) (next Maintenance, gone []Occurrence) {
	m.Title = p.Title.Or(m.Title)
	m.Description = p.Description.Ptr(m.Description)
	m.Status = p.Status.Or(m.Status)
	if p.Monitors.IsSet() {
		m.Monitors, m.Orphan = RelinkMonitors(m.Monitors, asked), ""
	}
	s := m.Schedule
	s.Start, s.Rule, s.Duration = p.Start.Or(s.Start), p.Rule.Or(s.Rule), p.Duration.Or(s.Duration)
	if p.TimeZone.IsSet() {
		s.TimeZone = p.TimeZone.Or("")
	}
	if s != m.Schedule {
		gone = m.replace(s, now)
	}
	return m.worked(now), gone
}

// replace puts another schedule in force at now, and returns the occurrences that are gone.
func (m *Maintenance) replace(s Schedule, now int64) (gone []Occurrence) {
	if until := FloorMinute(now) + minute; len(m.between(m.Since, until)) > 0 {
		m.Former = append(slices.Clip(m.Former), Period{m.Schedule, m.Since, until})
	}
	var kept []Occurrence
	for _, o := range m.Recent {
		if o.begun(now) {
			kept = append(kept, o)
		} else {
			gone = append(gone, o)
		}
	}
	m.Recent = kept
	m.Changed = slices.DeleteFunc(slices.Clone(m.Changed), func(c ChangedOccurrence) bool {
		return slices.ContainsFunc(gone, func(o Occurrence) bool { return o.Planned == c.Planned })
	})
	for _, o := range gone {
		if o.Planned <= now { // it was put off, and the schedule of then still plans it
			m.change(o.Planned, o.Planned, o.Planned)
		}
	}
	m.begin(s, now)
	return gone
}

func (m Maintenance) worked(now int64) Maintenance {
	m.Updated = now
	m.Version++
	return m.tidied(now)
}

// WithoutMonitor returns the maintenance after the monitor with the id was deleted, and
// whether it was linked to it; see Incident.WithoutMonitor.
func (m Maintenance) WithoutMonitor(id int64, public bool) (next Maintenance, changed bool) {
	kept, orphan := withoutMonitor(m.Monitors, m.Orphan, id, public)
	if len(kept) == len(m.Monitors) {
		return m, false
	}
	m.Monitors, m.Orphan = kept, orphan
	m.Version++
	return m, true
}

// OccurrencePatch is a change of one occurrence: either its times or its state.
type OccurrencePatch struct {
	Start, End int64           // UTC seconds, whole minutes, End after Start; looked at when State is ""
	State      OccurrenceState // Completed or Cancelled
}

// Patched returns the occurrence with the patch in it at now (UTC seconds), and the
// maintenance with that. A state of Completed is for one that is on, Cancelled for one that is
// not over; either ends one that is on with this minute, but a minute after its start at the
// earliest. New times leave the state that a person gave it. It returns the error of a state
// that the occurrence can't have.
func (o Occurrence) Patched(m Maintenance, p OccurrencePatch, now int64) (Maintenance, Occurrence, error) {
	was := o
	switch state := o.State(now); {
	case p.State == "":
		o.Start, o.End = p.Start, p.End
	case p.State == Completed && state == Ongoing, p.State == Cancelled && state == Ongoing:
		o.End = min(o.End, max(FloorMinute(now), o.Start+minute))
		o.Said = p.State
	case p.State == Cancelled && (state == Scheduled || state == Ready):
		o.Said = p.State
	default:
		return m, o, Invalid("Cannot transition event from %s to %s", state, p.State)
	}
	o.Updated = now
	m.Calendar = m.withOccurrence(o, was, now)
	m.Recent = slices.DeleteFunc(slices.Clone(m.Recent), func(r Occurrence) bool { return r.ID == o.ID })
	m.Recent = append(m.Recent, o)
	m.Version++
	return m.tidied(now), o, nil
}

// withOccurrence is the calendar in which the occurrence counts as it is. One that was
// cancelled before it began doesn't.
func (c Calendar) withOccurrence(o, was Occurrence, now int64) Calendar {
	from, to := o.Start, o.End
	if o.Said == Cancelled && !c.counts(was, now) {
		to = from
	}
	c.change(o.Planned, from, to)
	return c
}

// counts reports whether an occurrence that is cancelled at now, or was before, counts: it
// had begun.
func (c Calendar) counts(o Occurrence, now int64) bool {
	if o.Said != Cancelled {
		return o.Start <= now
	}
	n := slices.IndexFunc(c.Changed, func(ch ChangedOccurrence) bool { return ch.Planned == o.Planned })
	return n >= 0 && c.Changed[n].From < c.Changed[n].To
}

// WithoutOccurrence returns the maintenance after the occurrence was deleted at now: it does
// not count, and is not made again.
func (m Maintenance) WithoutOccurrence(o Occurrence, now int64) Maintenance {
	m.change(o.Planned, o.Planned, o.Planned)
	m.Recent = slices.DeleteFunc(slices.Clone(m.Recent), func(r Occurrence) bool { return r.ID == o.ID })
	m.Version++
	return m.tidied(now)
}

// A MaintenancePrecondition is for a maintenance what Precondition is for an incident.
type MaintenancePrecondition func(Maintenance) bool

// An OccurrencePrecondition is for an occurrence what Precondition is for an incident.
type OccurrencePrecondition func(Occurrence) bool

// MaintenanceQuery says which maintenances a list holds.
type MaintenanceQuery struct {
	Status MaintenanceStatus // "": no filter
	Tag    string            // of a monitor that it names; "": no filter
	After  int64             // an id; 0: from the start
	Limit  int
}

// OccurrenceQuery says which occurrences a list holds, by start, then id.
type OccurrenceQuery struct {
	MaintenanceID int64               // 0: of all
	From          int64               // UTC seconds: those that start then or later
	State         OccurrenceState     // "": no filter
	Tags          []string            // of monitors that their maintenances name, any of them; nil: no filter
	After         *OccurrencePosition // those after it; nil: from the start
	Skip, Limit   int
}

// OccurrencePosition is the place of an occurrence in a list.
type OccurrencePosition struct{ Start, ID int64 }

// MaxOccurrencesCounted is how many occurrences a list looks at to count those that match.
const MaxOccurrencesCounted = 10000

// A ListedOccurrence is an occurrence with its maintenance.
type ListedOccurrence struct {
	Occurrence
	Maintenance Maintenance
}

// OccurrenceList is a part of a list of occurrences.
type OccurrenceList struct {
	Found []ListedOccurrence
	Total int                 // how many match, as far as they were counted
	Next  *OccurrencePosition // the last one that was looked at, when there are more; nil: that was all
}
