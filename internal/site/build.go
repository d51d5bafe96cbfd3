package site

import (
	"slices"
	"strings"

	"tocsin/internal/statuspage"
)

// material is what a site is made of.
type material struct {
	monitors  []statuspage.Monitor  // that are shown, by id
	histories map[int64]history     // by monitor id
	incidents []statuspage.Incident // the newest start first
	comments  map[int64][]statuspage.Comment
}

// build makes the site as it is at now.
func build(c Config, of material, now int64) *Site {
	s := &Site{Name: c.Name, URL: c.URL, Notice: c.Notice, Demo: c.Demo, AsOf: now}
	all := episodes(of.incidents, of.monitors)
	var running []Status
	for _, e := range all {
		comments, read := of.comments[e.ID]
		switch {
		case !read: // it is only in the days
		case e.running(now):
			s.Open = append(s.Open, e.view(comments))
			running = append(running, e.status())
		case !e.resolved():
			s.Upcoming = append(s.Upcoming, e.view(comments))
		case len(s.Past) < Newest:
			s.Past = append(s.Past, e.view(comments))
		}
	}
	slices.Reverse(s.Upcoming)
	var statuses []Status
	for _, m := range of.monitors {
		view := monitorView(m, of.histories[m.ID], all, now)
		statuses = append(statuses, view.Status)
		s.addTo(category(m), view)
	}
	// Monitors without a category stand below those that have one.
	slices.SortStableFunc(s.Groups, func(a, b Group) int { return compareUnnamed(a.Name, b.Name) })
	for n := range s.Groups {
		s.Groups[n].judge()
	}
	s.Status = headline(statuses, running)
	s.Changed = s.lastChange()
	return s
}

func category(m statuspage.Monitor) string {
	if m.Category == nil {
		return ""
	}
	return strings.TrimSpace(*m.Category)
}

// addTo adds the monitor to the group of the name.
func (s *Site) addTo(name string, m Monitor) {
	n := slices.IndexFunc(s.Groups, func(g Group) bool { return g.Name == name })
	if n < 0 {
		n = len(s.Groups)
		s.Groups = append(s.Groups, Group{Name: name})
	}
	s.Groups[n].Monitors = append(s.Groups[n].Monitors, m)
}

// compareUnnamed puts what has no name last.
func compareUnnamed(a, b string) int {
	switch {
	case (a == "") == (b == ""):
		return 0
	case a == "":
		return 1
	}
	return -1
}

// judge sets the group's status.
func (g *Group) judge() {
	members := make([]Status, len(g.Monitors))
	for n, m := range g.Monitors {
		members[n] = m.Status
	}
	g.Status, g.Partial = groupStatus(members)
}

// lastChange is when a record that is shown was last written; 0 when there is none.
func (s *Site) lastChange() int64 {
	last := int64(0)
	for _, m := range s.Monitors() {
		last = max(last, m.Updated)
	}
	for _, i := range s.Incidents() {
		last = max(last, i.Updated)
	}
	return min(last, s.AsOf) // clocks differ
}

// monitorView is what the pages show of the monitor, with its history and all incidents.
func monitorView(m statuspage.Monitor, h history, episodes []episode, now int64) Monitor {
	v := Monitor{
		ID: m.ID, Tag: m.Tag, Name: m.Name, Description: text(m.Description), Created: m.Created, Updated: m.Updated,
		Measured: isMeasured(h.Newest, now), Last: NoData, DegradedIsDown: m.CountsDegradedAsDown(),
	}
	if link := text(m.ExternalURL); isURL(link) {
		v.URL = link
	}
	if image := text(m.Image); isImage(image) {
		v.Image = image
	}
	if h.Newest != nil {
		v.Newest, v.Last = h.Newest.Time, Status(h.Newest.Status)
	}
	d := declaration{status: declaredStatus(m), created: statuspage.FloorMinute(m.Created), measured: v.Measured, now: now}
	v.Status = d.status
	if v.Measured {
		v.Status = measuredStatus(*h.Newest, now)
	}
	var spans []span
	for _, e := range episodes {
		effect, on := e.on(m.ID)
		if !on {
			continue
		}
		if e.running(now) {
			v.Status = v.Status.with(effect)
		}
		if e.Start <= now {
			spans = append(spans, span{e.Start, e.until(now), effect})
			d.concerning = append(d.concerning, e)
		}
	}
	d.incidents = coverOf(spans)
	points, all := statuspage.Totals{}, Counts{}
	for _, of := range allDays(h, now) {
		day := d.day(of, m)
		points, all = points.Plus(of.Totals), all.Plus(day.Counts)
		v.Days = append(v.Days, day)
	}
	v.Latency = measuredCounts(points).Latency
	if percent, counted := all.Uptime(v.DegradedIsDown); counted {
		v.Uptime = &percent
	}
	v.Hours = d.hours(h.Hours)
	return v
}

// allDays are the days that are shown, of a history that has totals of all but the last two
// and the hours of these.
func allDays(h history, now int64) []statuspage.DayTotals {
	days := slices.Clone(h.Days)
	for start := statuspage.FloorDay(now) - day; start <= now; start += day {
		of := statuspage.DayTotals{Day: start}
		for _, hour := range h.Hours {
			if statuspage.FloorDay(hour.Hour) == start {
				of.Totals = of.Plus(hour.Totals)
			}
		}
		days = append(days, of)
	}
	return days
}

// A declaration is what is known of a monitor beside its points.
type declaration struct {
	status     Status // as declared
	created    int64  // the minute from which on that is said
	measured   bool   // minutes without a point are unknown
	now        int64
	incidents  cover     // what they did to it
	concerning []episode // the incidents that have begun
}

// counts are those of the points, if there are any, or as declared, in the time from one
// second up to another.
func (d declaration) counts(points statuspage.Totals, from, to int64) Counts {
	if d.measured || points.Minutes() > 0 {
		return measuredCounts(points)
	}
	return declaredCounts(max(from, d.created), min(to, statuspage.FloorMinute(d.now)+minute), d.status, d.incidents)
}

func (d declaration) day(of statuspage.DayTotals, m statuspage.Monitor) Day {
	end := of.Day + day
	v := Day{Start: of.Day, Counts: d.counts(of.Totals, of.Day, end)}
	v.Status = dayStatus(v.Counts, m)
	for _, e := range d.concerning {
		if e.touches(of.Day, end, d.now) {
			v.Incidents = append(v.Incidents, e.ID)
		}
	}
	return v
}

// hours are all hours that are shown.
func (d declaration) hours(known []statuspage.HourTotals) []Hour {
	byHour := map[int64]statuspage.Totals{}
	for _, h := range known {
		byHour[h.Hour] = h.Totals
	}
	var all []Hour
	for start := firstHour(d.now); start <= d.now; start += hour {
		all = append(all, Hour{Start: start, Counts: d.counts(byHour[start], start, start+hour)})
	}
	return all
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// isURL reports whether the text is an http or https URL that a page can link to.
func isURL(s string) bool { return statuspage.ValidLink(s) && !strings.HasPrefix(s, "/") }

// isImage reports whether the text is the address of an image that a page can show: a path,
// or an https URL.
func isImage(s string) bool {
	return statuspage.ValidLink(s) && (strings.HasPrefix(s, "/") || strings.HasPrefix(strings.ToLower(s), "https:"))
}
