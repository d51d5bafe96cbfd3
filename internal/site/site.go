// Package site is what the public pages show: the monitors with their last 90 days, the
// incidents with their updates, and one status for all of it. It is made of a repository's
// records by Load and its kin, and knows no HTML, no HTTP and no AWS. Package page writes it
// down.
//
// Nothing private is in it: no hidden or INACTIVE monitor, no incident that concerns only
// such monitors, no type_data, no key, no change row. So what is not here can't leak.
//
// Instants are UTC Unix seconds. A day is a UTC day, named by its first second.
package site

import "tocsin/internal/statuspage"

// Days is how many days a page shows of a monitor, today included.
const Days = 90

// Status is how a monitor, a group or the whole is.
type Status string

// The statuses.
const (
	Up               Status = "UP"
	Degraded         Status = "DEGRADED"
	UnderMaintenance Status = "MAINTENANCE"
	Down             Status = "DOWN"
	NoData           Status = "NO_DATA" // nothing is known; it counts nowhere
)

// Statuses lists them, the worst first.
var Statuses = []Status{Down, Degraded, UnderMaintenance, Up, NoData}

// Worse returns the worse of the two: DOWN, DEGRADED, MAINTENANCE, UP. Anything is worse
// than no data.
func (s Status) Worse(other Status) Status {
	for _, worst := range Statuses {
		if s == worst || other == worst {
			return worst
		}
	}
	return s
}

// A Site is everything that the pages show at one time.
type Site struct {
	Name   string // of the whole, "Example status"
	URL    string // origin of the links that have to be whole, without a slash at the end; "" when it is not known
	Notice string // what the operator has to say above everything; "" nothing
	Demo   string // command that clears the data, which is invented, as the pages say; "" when it is not

	Settings Settings
	Page     Page    // what this one is
	Pages    []*Site // of the home page: the others, in the order in which pages lead to them
	Siblings []Page  // all pages that this one leads to, itself among them, in that order; nil: it is alone

	// Whole is, of a home page that doesn't show everything, what is shown anywhere. The pages,
	// badges and data of monitors are made of it, since there is one of each for all pages.
	Whole *Site

	// Taken are the beginnings of addresses of languages that pages are not in any more, such as
	// "/de". What is there is to be taken away.
	Taken []string

	AsOf    int64 // when this was read
	Changed int64 // when something that is shown last changed, other than a minute of a monitor

	Status Status  // the worst of its monitors and of the incidents that are open; NoData when there is neither
	Groups []Group // the monitors, by category, in the order of the first monitor of each

	// Each with its newest update first. The lists hold incidents that concern something
	// that is shown.
	Open     []Incident // begun and not resolved, the newest start first
	Upcoming []Incident // open, but they start later; the next one first
	Past     []Incident // resolved, the newest start first; as far as Newest goes

	// Maintenances are those that are on or to come, and those that ended a day ago at most, by
	// start. They concern something that is shown.
	Maintenances []Maintenance

	// Ended are those that are over, the newest start first, as far as the page's Events ask for them.
	Ended []Maintenance
}

// Newest is how many of the newest incidents a Site has, beside all that are open.
const Newest = 50

// A Group is the monitors of one category. It has at least one.
type Group struct {
	Name     string // "" for the monitors without a category
	Status   Status // the worst of its monitors
	Partial  bool   // some of them are better than Status
	Monitors []Monitor
}

// A Monitor is what the pages show of one.
type Monitor struct {
	ID          int64
	Tag         string
	Name        string
	Description string // "" none
	URL         string // external_url if it is one; "" none
	Image       string // an https URL or a path; "" none
	Created     int64
	Updated     int64 // of its record; no minute moves it

	Status   Status
	Measured bool   // it has a point of the last 30 days; if not, its days are made of what was declared: default status and incidents
	Newest   int64  // the minute of its newest point; 0: none
	Last     Status // of its newest point, however old it is; NoData: none

	Days    []Day    // Days of them, the oldest first; the last is today
	Uptime  *float64 // percent of the minutes that were counted in Days; nil: none was
	Latency *float64 // milliseconds, on average in Days; nil: not measured
	Hours   []Hour   // the last 48, the oldest first; the last is the hour of AsOf

	Formula statuspage.UptimeFormula // of Uptime, and that of any other time
}

// Counts are minutes, by how the monitor was in them, and their latency.
type Counts struct {
	Up, Degraded, Maintenance, Down int64    // minutes
	Latency                         *float64 // milliseconds, on average; nil: not measured
}

// Minutes is how many minutes were counted.
func (c Counts) Minutes() int64 { return c.Up + c.Degraded + c.Maintenance + c.Down }

// A Day is one day of a monitor.
type Day struct {
	Start  int64
	Status Status // the worst of its minutes that the monitor's thresholds let count; NoData when there are none
	Counts

	Incidents []int64 // ids of incidents that are shown and were going on in it, and concern the monitor
}

// An Hour is one hour of a monitor.
type Hour struct {
	Start int64
	Counts
}

// An Incident is what the pages show of one.
type Incident struct {
	ID       int64
	Title    string
	State    statuspage.State
	Status   Status // the worst that it does to a monitor that is shown; of one without an impact NoData
	Start    int64
	End      *int64 // set exactly when it is resolved
	Created  int64
	Updated  int64 // of the record or one of its updates, the last
	Global   bool  // it names no monitor and concerns everything
	Affected []Affected
	Updates  []Update // the newest first
	Body     string   // Markdown that a legacy client gave beside the updates, "" none; only LoadIncident reads it
}

// Resolved reports whether the incident is over.
func (i Incident) Resolved() bool { return i.State == statuspage.Resolved }

// Affected is a monitor that an incident or a maintenance concerns, and that is shown.
type Affected struct {
	MonitorID int64
	Tag, Name string
	Status    Status // what is done to it
}

// An Update is one comment of an incident.
type Update struct {
	ID      int64
	Time    int64
	State   statuspage.State
	Text    string // Markdown
	Created int64
	Updated int64
}

// A Maintenance is one occurrence of a maintenance.
type Maintenance struct {
	ID          int64 // of the occurrence
	Of          int64 // the id of the maintenance
	Title       string
	Description string              // Markdown; "" none
	Schedule    statuspage.Schedule // of the maintenance now
	Start, End  int64
	State       statuspage.OccurrenceState
	Status      Status // the worst that it does to a monitor that is shown; of one that does nothing UP
	Global      bool   // it names no monitor and concerns everything
	Affected    []Affected
	Created     int64
	Updated     int64 // of the maintenance or the occurrence, the last
}

// Running reports whether the maintenance is on.
func (m Maintenance) Running() bool { return m.State == statuspage.Ongoing }

// Planned reports whether the maintenance is to come.
func (m Maintenance) Planned() bool {
	return m.State == statuspage.Scheduled || m.State == statuspage.Ready
}

// Next are of each maintenance that is on or to come the occurrences that are on, and else the
// next one.
func Next(all []Maintenance) []Maintenance {
	var next []Maintenance
	on := map[int64]bool{}
	for _, m := range all {
		on[m.Of] = on[m.Of] || m.Running()
	}
	seen := map[int64]bool{}
	for _, m := range all {
		if m.Running() || m.Planned() && !on[m.Of] && !seen[m.Of] {
			next = append(next, m)
			seen[m.Of] = true
		}
	}
	return next
}

// A Series is a maintenance with its occurrences.
type Series struct {
	Maintenance               // what all of them have; of an occurrence it has nothing
	Occurrences []Maintenance // the newest ones, by start
}

// A Month is the incidents that went on in one UTC month.
type Month struct {
	Start, End int64      // its first second, and that of the next one
	Incidents  []Incident // those that were going on in it, the newest start first, without their updates
	Earlier    bool       // there is something in a month before it
}

// Everything is the site with all that is shown anywhere.
func (s *Site) Everything() *Site {
	if s.Whole != nil {
		return s.Whole
	}
	return s
}

// Monitors are those of all groups, in order.
func (s *Site) Monitors() []Monitor {
	var all []Monitor
	for _, g := range s.Groups {
		all = append(all, g.Monitors...)
	}
	return all
}

// Incidents are all incidents that the site has, the newest start first.
func (s *Site) Incidents() []Incident {
	all := make([]Incident, 0, len(s.Upcoming)+len(s.Open)+len(s.Past))
	for i := range s.Upcoming {
		all = append(all, s.Upcoming[len(s.Upcoming)-1-i])
	}
	open, past := s.Open, s.Past
	for len(open) > 0 || len(past) > 0 {
		if len(past) == 0 || len(open) > 0 && open[0].Start >= past[0].Start {
			all, open = append(all, open[0]), open[1:]
		} else {
			all, past = append(all, past[0]), past[1:]
		}
	}
	return all
}

// Still returns the site without the figures that move though nothing has happened: times of
// reading, minutes, uptimes and latencies. Words and colours stay. Two sites that are the same
// when still differ in nothing that a reader has to know at once.
func (s *Site) Still() *Site {
	still := *s
	still.AsOf = 0
	still.Groups = nil
	for _, g := range s.Groups {
		monitors := g.Monitors
		g.Monitors = nil
		for _, m := range monitors {
			m.Uptime, m.Latency, m.Newest, m.Hours = nil, nil, 0, nil
			days := m.Days
			m.Days = nil
			for _, d := range days {
				d.Counts = Counts{}
				m.Days = append(m.Days, d)
			}
			g.Monitors = append(g.Monitors, m)
		}
		still.Groups = append(still.Groups, g)
	}
	still.Pages = nil
	for _, other := range s.Pages {
		still.Pages = append(still.Pages, other.Still())
	}
	if s.Whole != nil {
		still.Whole = s.Whole.Still()
	}
	return &still
}
