package site

import (
	"cmp"
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

	works []work // the maintenances that are shown, by id

	pages    []statuspage.Page // the home page among them, by id
	settings []statuspage.SiteSetting
}

// build makes the site as it is at now.
func build(c Config, of material, now int64) *Site {
	v := valuesOf(of.settings)
	c = v.config(c)
	whole := selection{monitors: of.monitors, episodes: episodes(of.incidents, of.monitors), works: of.works}
	b := builder{comments: of.comments, views: map[int64]Monitor{}, now: now}
	for _, m := range of.monitors {
		b.views[m.ID] = monitorView(m, of.histories[m.ID], whole.episodes, windowsOn(of.works, m.ID), now)
	}
	b.blank = Site{Name: c.Name, URL: c.URL, Notice: c.Notice, Demo: c.Demo, Settings: SettingsOf(of.settings), AsOf: now}
	pages := inOrder(of.pages, v.order())
	for _, p := range pages {
		if len(pages) > 1 && !b.blank.Settings.NoSwitcher {
			b.blank.Siblings = append(b.blank.Siblings, v.page(p))
		}
	}
	var home *Site
	var others []*Site
	for _, p := range pages {
		of := whole
		of.monitors = p.Shows(whole.monitors)
		if !p.All {
			of = whole.on(of.monitors, p.Home())
		}
		s := b.site(of, v.page(p))
		if !p.Home() {
			others = append(others, s)
			continue
		}
		if home = s; !p.All {
			home.Whole = b.site(whole, home.Page)
		}
	}
	home.Pages = others
	return home
}

// inOrder are the pages with the ids, in their order, and then the others.
func inOrder(pages []statuspage.Page, ids []int64) []statuspage.Page {
	place := func(p statuspage.Page) int {
		if n := slices.Index(ids, p.ID); n >= 0 {
			return n
		}
		return len(ids)
	}
	all := slices.Clone(pages)
	slices.SortStableFunc(all, func(a, b statuspage.Page) int { return cmp.Compare(place(a), place(b)) })
	return all
}

// A selection is of what a page tells.
type selection struct {
	monitors []statuspage.Monitor
	episodes []episode
	works    []work
}

// on is what concerns some of the monitors, which alone it then affects, or everything; with
// orphans also what concerned a monitor that was deleted.
func (s selection) on(monitors []statuspage.Monitor, orphans bool) selection {
	byID := monitorsByID(monitors)
	those := func(all []Affected) (some []Affected) {
		for _, a := range all {
			if _, is := byID[a.MonitorID]; is {
				some = append(some, a)
			}
		}
		return some
	}
	of := selection{monitors: monitors}
	for _, e := range s.episodes {
		orphan := orphans && e.Orphan == statuspage.OrphanOfPublic
		if e.affected = those(e.affected); e.global || orphan || len(e.affected) > 0 {
			of.episodes = append(of.episodes, e)
		}
	}
	for _, w := range s.works {
		orphan := orphans && w.Orphan == statuspage.OrphanOfPublic
		if w.affected = those(w.affected); w.Global() || orphan || len(w.affected) > 0 {
			of.works = append(of.works, w)
		}
	}
	return of
}

// A builder makes sites of the same material.
type builder struct {
	blank    Site
	comments map[int64][]statuspage.Comment
	views    map[int64]Monitor
	now      int64
}

// site makes the site that the page shows.
func (b builder) site(of selection, page Page) *Site {
	s := b.blank
	s.Page = page
	var statuses, running []Status
	for _, e := range of.episodes {
		comments, read := b.comments[e.ID]
		switch {
		case !read: // it is only in the days
		case e.running(b.now):
			s.Open = append(s.Open, e.view(comments))
			running = append(running, e.status())
		case !e.resolved():
			s.Upcoming = append(s.Upcoming, e.view(comments))
		case len(s.Past) < Newest:
			s.Past = append(s.Past, e.view(comments))
		}
	}
	slices.Reverse(s.Upcoming)
	for _, w := range of.works {
		s.Maintenances = append(s.Maintenances, w.occurrences(w.Recent, b.now)...)
	}
	sortMaintenances(s.Maintenances)
	if r := page.Events.Ended; r != nil {
		for _, w := range of.works {
			s.Ended = append(s.Ended, w.ended(r.Days, b.now)...)
		}
		sortMaintenances(s.Ended)
		slices.Reverse(s.Ended)
		s.Ended = s.Ended[:min(int64(len(s.Ended)), r.Most)]
	}
	for _, m := range of.monitors {
		view := b.views[m.ID]
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
	return &s
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

// lastChange is when a record that is shown was last written, or a maintenance last began or
// ended; 0 when there is none.
func (s *Site) lastChange() int64 {
	last := int64(0)
	for _, m := range s.Monitors() {
		last = max(last, m.Updated)
	}
	for _, i := range s.Incidents() {
		last = max(last, i.Updated)
	}
	for _, m := range s.Maintenances {
		last = max(last, m.Updated)
		for _, moved := range []int64{m.Start, m.End} {
			if moved <= s.AsOf && m.State != statuspage.Cancelled {
				last = max(last, moved)
			}
		}
	}
	return min(last, s.AsOf) // clocks differ
}

// monitorView is what the pages show of the monitor, with its history, all incidents and
// what maintenances do to it.
func monitorView(m statuspage.Monitor, h history, episodes []episode, windows []statuspage.Window, now int64) Monitor {
	v := Monitor{
		ID: m.ID, Tag: m.Tag, Name: m.Name, Description: text(m.Description), Created: m.Created, Updated: m.Updated,
		Measured: isMeasured(h.Newest, now), Last: NoData, Formula: m.UptimeFormula(),
	}
	if link := text(m.ExternalURL); isURL(link) {
		v.URL = link
	}
	if image := text(m.Image); IsImage(image) {
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
	d.overlay = statuspage.OverlayOf(windows, now)
	if status, on := d.overlay.At(now); on {
		v.Status = Status(status)
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
	if percent, counted := all.Uptime(v.Formula); counted {
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

	overlay statuspage.Overlay // what maintenances do to it
}

// counts are those of the points and of maintenances, if there are any points, or of
// maintenances and else as declared, in the time from one second up to another.
func (d declaration) counts(points statuspage.Totals, from, to int64) Counts {
	overlaid := d.overlay.Count(from, to)
	if d.measured || points.Minutes() > overlaid.Minutes() {
		return measuredCounts(points)
	}
	c := measuredCounts(overlaid)
	for gap := range d.overlay.Gaps(max(from, d.created), min(to, statuspage.FloorMinute(d.now)+minute)) {
		c = c.Plus(declaredCounts(gap.From, gap.To, d.status, d.incidents))
	}
	return c
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

// IsImage reports whether the text is the address of an image that a page can show: a path,
// or an https URL.
func IsImage(s string) bool {
	return statuspage.ValidLink(s) && (strings.HasPrefix(s, "/") || strings.HasPrefix(strings.ToLower(s), "https:"))
}
