package page

import (
	"slices"
	"strconv"
	"strings"

	"tocsin/internal/site"
	"tocsin/internal/statuspage"
)

// shownDates is how many maintenances the page of a monitor lists.
const shownDates = 5

const (
	occurrencePrefix = "/maintenances/"
	seriesPrefix     = "/maintenances/m/"
)

func occurrencePath(id int64) string { return occurrencePrefix + strconv.FormatInt(id, 10) }
func seriesPath(id int64) string     { return seriesPrefix + strconv.FormatInt(id, 10) }

// OccurrencePaths are the addresses of the page of the occurrence with the id, one a language.
func OccurrencePaths(s *site.Site, id int64) []string { return everywhere(s, occurrencePath(id)) }

// SeriesPaths are the addresses of the page of the maintenance with the id, one a language.
func SeriesPaths(s *site.Site, id int64) []string { return everywhere(s, seriesPath(id)) }

// SeriesAddress returns the address of the page of the maintenance that an address of an
// occurrence is about when its query says type=maintenance, as in answers of the API: its number
// is then that of the maintenance.
func SeriesAddress(path string) (address string, ok bool) {
	before, id, ok := strings.Cut(path, occurrencePrefix)
	if !ok || id == "" || strings.Trim(id, "0123456789") != "" || !slices.Contains(Homes(), before+"/") {
		return "", false
	}
	return before + seriesPrefix + id, true
}

// OccurrenceFiles are the pages of one occurrence of a maintenance.
func OccurrenceFiles(s *site.Site, m site.Maintenance) []File {
	return inEachLanguage(s, func(lang string) File { return occurrencePage(s, lang, m) })
}

// SeriesFiles are the pages of a maintenance.
func SeriesFiles(s *site.Site, of site.Series) []File {
	return inEachLanguage(s, func(lang string) File { return seriesPage(s, lang, of) })
}

// GoneOccurrenceFiles are the pages at the address of an occurrence that was deleted.
func GoneOccurrenceFiles(s *site.Site, id int64) []File {
	return goneMaintenance(s, occurrencePath(id))
}

// GoneSeriesFiles are the pages at the address of a maintenance that was deleted.
func GoneSeriesFiles(s *site.Site, id int64) []File { return goneMaintenance(s, seriesPath(id)) }

func goneMaintenance(s *site.Site, path string) []File {
	return inEachLanguage(s, func(lang string) File { return deadEnd(s, lang, path, 410, "MaintenanceGone", "GoneHint") })
}

var occurrenceWords = map[statuspage.OccurrenceState]word{
	statuspage.Scheduled: "Scheduled", statuspage.Ready: "StartsSoon", statuspage.Ongoing: "InProgress", statuspage.Completed: "Completed", statuspage.Cancelled: "Cancelled",
}

// occurrenceState says how far an occurrence of a maintenance is.
func (w *words) occurrenceState(s statuspage.OccurrenceState) string {
	if id, ok := occurrenceWords[s]; ok {
		return w.say(id)
	}
	return string(s)
}

// occurrenceColour is the status whose colour an occurrence has.
func occurrenceColour(s statuspage.OccurrenceState) site.Status {
	switch s {
	case statuspage.Completed:
		return site.Up
	case statuspage.Cancelled:
		return site.NoData
	}
	return site.UnderMaintenance
}

// maintenanceTitle is what a maintenance is called.
func (w *words) maintenanceTitle(m site.Maintenance) string {
	return orElse(m.Title, w.with("MaintenanceNumber", fields{"N": m.Of}))
}

// about is what is said of a maintenance in plain words, or else its title.
func (w *words) aboutMaintenance(m site.Maintenance) string {
	says := plain(statuspage.Shorten(m.Description, 4*describedUnits))
	return statuspage.Shorten(orElse(says, w.maintenanceTitle(m)), describedUnits)
}

// occurrencePage tells of one occurrence of a maintenance.
func occurrencePage(s *site.Site, lang string, m site.Maintenance) File {
	w := wordsOf(s, lang)
	says, status := w.occurrenceState(m.State), occurrenceColour(m.State)
	p := newPage(s, lang, head{path: occurrencePath(m.ID), title: says + ": " + w.maintenanceTitle(m), description: w.aboutMaintenance(m), status: status})
	p.maintenanceHero(m, status, says)
	p.raw(`<dl class="facts">`)
	p.timeFact("Start", m.Start)
	p.timeFact("End", m.End)
	p.fact(p.say("Duration"), p.duration(m.End-m.Start))
	p.raw(`</dl>`)
	p.repeatsLine(m)
	p.raw(`</div></div><div class="w">`)
	p.maintenanceText(m)
	p.maintenanceHits(m)
	if !m.Schedule.OneTime() {
		p.raw(`<section><p class="row"><a`)
		p.attr("href", p.shared(seriesPath(m.Of)))
		p.raw(`>`)
		p.tell("AllDates")
		p.raw(`</a></p></section>`)
	}
	p.raw(`</div>`)
	return p.end(200, Hourly)
}

// seriesPage tells of a maintenance with its occurrences.
func seriesPage(s *site.Site, lang string, of site.Series) File {
	w := wordsOf(s, lang)
	m := of.Maintenance
	state, found := statuspage.Completed, false
	var dates, earlier []site.Maintenance
	for _, o := range of.Occurrences {
		switch cancelled := o.State == statuspage.Cancelled && o.Start > s.AsOf; {
		case cancelled:
			dates = append(dates, o)
		case o.Running() || o.Planned():
			if state != statuspage.Ongoing && (!found || o.Running()) {
				state, found = o.State, true
			}
			dates = append(dates, o)
		default:
			earlier = append(earlier, o)
		}
	}
	slices.Reverse(earlier)
	says, status := w.occurrenceState(state), occurrenceColour(state)
	p := newPage(s, lang, head{path: seriesPath(m.Of), title: says + ": " + w.maintenanceTitle(m), description: w.aboutMaintenance(m), status: status})
	p.maintenanceHero(m, status, says)
	p.repeatsLine(m)
	p.raw(`</div></div><div class="w">`)
	p.maintenanceText(m)
	p.maintenanceHits(m)
	p.begin("dates", p.say("Dates"))
	if len(dates) == 0 {
		p.raw(`<p>`)
		p.tell("NoDates")
		p.raw(`</p>`)
	}
	p.dates(dates)
	p.raw(`<p class="row more"><a`)
	p.attr("href", calendarPath)
	p.raw(`>`)
	p.tell("CalendarFile")
	p.raw(`</a></p></section>`)
	if len(earlier) > 0 {
		p.begin("earlier", p.say("Earlier"))
		p.dates(earlier)
		p.raw(`</section>`)
	}
	p.raw(`</div>`)
	return p.end(200, Hourly)
}

// maintenanceHero begins the top of a page about a maintenance.
func (p *page) maintenanceHero(m site.Maintenance, status site.Status, says string) {
	p.raw(`<div class="hero"><div class="w"><p class="kind">`)
	p.statusLine(status, p.say("Maintenance")+": "+says)
	p.raw(`</p><h1 dir="auto">`)
	p.text(p.maintenanceTitle(m))
	p.raw(`</h1>`)
}

// repeatsLine says when the maintenance takes place, if that is more than once.
func (p *page) repeatsLine(m site.Maintenance) {
	if m.Schedule.OneTime() {
		return
	}
	p.raw(`<p class="as">`)
	p.text(p.schedule(m.Schedule))
	p.raw(`</p>`)
}

func (p *page) maintenanceText(m site.Maintenance) {
	if m.Description == "" {
		return
	}
	p.begin("about", p.say("AboutMaintenance"))
	p.markdown(statuspage.Shorten(m.Description, maxUpdate))
	p.raw(`</section>`)
}

func (p *page) maintenanceHits(m site.Maintenance) {
	if len(m.Affected) == 0 && !m.Global {
		return
	}
	p.begin("affected", p.say("AffectedServices"))
	p.hits(m.Affected, m.Global, len(m.Affected))
	p.raw(`</section>`)
}

// timeFact writes what a time is called and the time.
func (p *page) timeFact(name word, t int64) {
	p.raw(`<div><dt>`)
	p.text(p.say(name))
	p.raw(`</dt><dd>`)
	p.time(t)
	p.raw(`</dd></div>`)
}

// dates lists occurrences of a maintenance, which has a name already.
func (p *page) dates(all []site.Maintenance) {
	if len(all) == 0 {
		return
	}
	p.raw(`<ol class="list">`)
	for _, m := range all {
		p.raw(`<li class="`, raw(statusName(occurrenceColour(m.State))), `"><p class="dim">`)
		p.coloured(p.occurrenceState(m.State))
		p.raw(`</p><div><h3><a`)
		p.attr("href", p.shared(occurrencePath(m.ID)))
		p.raw(`>`)
		p.time(m.Start)
		p.raw(`</a></h3><p class="dim">`)
		p.text(p.duration(m.End - m.Start))
		p.raw(`</p></div></li>`)
	}
	p.raw(`</ol>`)
}

// maintenance tells of an occurrence that is on or to come.
func (p *page) maintenance(m site.Maintenance) {
	p.raw(`<article class="card maintenance"><div class="head"><h3 dir="auto"><a`)
	p.attr("href", p.shared(occurrencePath(m.ID)))
	p.raw(`>`)
	p.text(p.maintenanceTitle(m))
	p.raw(`</a></h3>`)
	if m.State != statuspage.Scheduled {
		p.statusLine(occurrenceColour(m.State), p.occurrenceState(m.State))
	}
	p.raw(`</div><p class="dim">`)
	p.time(m.Start)
	p.text(" " + p.say("To") + " ")
	p.raw(`<time datetime="`, raw(machineTime(m.End)), `">`)
	p.text(p.until(m.Start, m.End))
	p.raw(`</time>`)
	p.text(" (" + p.duration(m.End-m.Start) + ")")
	if !m.Schedule.OneTime() {
		p.raw(`<br>`)
		p.text(p.schedule(m.Schedule))
	}
	p.raw(`</p>`)
	p.hits(m.Affected, m.Global, shownHits)
	if m.Description != "" {
		p.raw(`<div class="said">`)
		p.markdown(statuspage.Shorten(m.Description, shownWords))
		p.raw(`</div>`)
	}
	p.raw(`</article>`)
}

// maintenancesOf lists the maintenances of a monitor that are on or to come.
func (p *page) maintenancesOf(m site.Monitor) {
	var found []site.Maintenance
	for _, o := range site.Next(p.site.Maintenances) {
		if len(found) < shownDates && concerns(o.Affected, o.Global, m.ID) {
			found = append(found, o)
		}
	}
	if len(found) == 0 {
		return
	}
	p.begin("plans", p.say("Maintenance"))
	p.raw(`<ol class="list">`)
	for _, o := range found {
		p.raw(`<li class="maintenance"><p class="dim">`)
		p.coloured(p.occurrenceState(o.State))
		p.raw(`</p><div><h3 dir="auto"><a`)
		p.attr("href", p.shared(occurrencePath(o.ID)))
		p.raw(`>`)
		p.text(p.maintenanceTitle(o))
		p.raw(`</a></h3><p class="dim">`)
		p.time(o.Start)
		p.text(" · " + p.duration(o.End-o.Start))
		if !o.Schedule.OneTime() {
			p.text(" · " + p.schedule(o.Schedule))
		}
		p.raw(`</p></div></li>`)
	}
	p.raw(`</ol></section>`)
}
