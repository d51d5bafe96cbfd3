package page

import (
	"slices"
	"time"

	"tocsin/internal/site"
	"tocsin/internal/statuspage"
)

// MonthPath is the address of the page of the month that holds t (UTC seconds), in English:
// "/events/November-2026".
func MonthPath(t int64) string { return "/events/" + time.Unix(t, 0).UTC().Format("January-2006") }

// MonthPaths are the addresses of that page, one a language.
func MonthPaths(s *site.Site, t int64) []string { return everywhere(s, MonthPath(t)) }

// DayPaths are the addresses of the pages that the days of the month that holds t (UTC seconds)
// have if it has too many incidents for one page, in all languages.
func DayPaths(s *site.Site, t int64) []string {
	var all []string
	for at := statuspage.FloorMonth(t); at < statuspage.NextMonth(t); at += day {
		all = append(all, everywhere(s, dayPath(at))...)
	}
	return all
}

// dayPath is the address of the page of the day that holds t: "/events/November-2026/17".
func dayPath(t int64) string { return MonthPath(t) + time.Unix(t, 0).UTC().Format("/2") }

// historyPage lists the newest incidents by the month in which they began.
func historyPage(s *site.Site, lang string) File {
	w := wordsOf(s, lang)
	p := newPage(s, lang, head{path: "/history", title: w.say("History"), description: w.with("HistorySummary", fields{"Name": w.pageName(s)}), status: site.NoData, plain: true})
	p.plainHero(p.say("History"), p.say("HistoryHint"))
	incidents := s.Incidents()
	if len(incidents) == 0 {
		p.raw(`<section><p>`)
		p.tell("NoPastIncidents")
		p.raw(`</p></section>`)
	}
	for len(incidents) > 0 {
		month, n := statuspage.FloorMonth(incidents[0].Start), 0
		for n < len(incidents) && statuspage.FloorMonth(incidents[n].Start) == month {
			n++
		}
		p.monthSection(month, incidents[:n])
		incidents = incidents[n:]
	}
	p.raw(`</div>`)
	return p.end(200, Hourly)
}

// plainHero is the top of a page that has no status, and opens what holds the rest.
func (p *page) plainHero(title, says string) {
	p.raw(`<div class="hero"><div class="w"><h1>`)
	p.text(title)
	p.raw(`</h1><p class="as">`)
	p.text(says)
	p.raw(`</p></div></div><div class="w">`)
}

func (p *page) monthSection(month int64, incidents []site.Incident) {
	id := "m" + raw(time.Unix(month, 0).UTC().Format("2006-01"))
	p.raw(`<section aria-labelledby="`, id, `"><h2 id="`, id, `">`)
	if hasBegun(p.site, month) {
		p.raw(`<a`)
		p.attr("href", p.shared(MonthPath(month)))
		p.raw(`>`)
		p.text(p.month(month))
		p.raw(`</a>`)
	} else {
		p.text(p.month(month))
	}
	p.raw(`</h2>`)
	p.incidentList(incidents)
	p.raw(`</section>`)
}

// hasBegun reports whether the month that begins at start has: only then it has a page.
func hasBegun(s *site.Site, start int64) bool { return s.AsOf == 0 || start <= s.AsOf }

// MonthFiles are the pages of a month. They lead to the month before it if m.Earlier says so,
// and to the one after it if that has begun. With more than site.MaxIncidents incidents they
// list the month's days, each of which has pages of its own.
func MonthFiles(s *site.Site, m site.Month) []File {
	end := m.End // of the days that have begun
	if s.AsOf != 0 {
		end = min(end, s.AsOf-s.AsOf%day+day)
		m.Incidents = slices.DeleteFunc(slices.Clone(m.Incidents), func(i site.Incident) bool { return i.Start >= end })
	}
	var files []File
	files = append(files, inEachLanguage(s, func(lang string) File { return monthPage(s, lang, m, end) })...)
	for at := m.Start; at < end && isLarge(m); at += day {
		files = append(files, inEachLanguage(s, func(lang string) File { return dayPage(s, lang, m, at, end) })...)
	}
	return files
}

// isLarge reports whether the month has too many incidents for one page.
func isLarge(m site.Month) bool { return len(m.Incidents) > site.MaxIncidents }

func monthPage(s *site.Site, lang string, m site.Month, end int64) File {
	w := wordsOf(s, lang)
	title, says := w.month(m.Start), w.count("IncidentsInMonth", int64(len(m.Incidents)))
	if isLarge(m) {
		says = w.say("DaysHavePages")
	}
	p := newPage(s, lang, head{path: MonthPath(m.Start), title: title, description: w.with("MonthSummary", fields{"Month": title, "Name": w.siteName(s)}), status: site.NoData, plain: true})
	p.plainHero(title, says)
	p.begin("days", p.say("DayByDay"))
	p.raw(`<ol class="list">`)
	quiet := end // the end of the days without incidents that were not told yet
	for at := end - day; at >= m.Start; at -= day {
		going := onDay(m.Incidents, at)
		if len(going) == 0 {
			continue
		}
		p.quietDays(at+day, quiet)
		if isLarge(m) {
			p.dayEntry(at, len(going))
		} else {
			p.eventDay(at, going)
		}
		quiet = at
	}
	p.quietDays(m.Start, quiet)
	p.raw(`</ol></section>`)
	p.monthPager(m)
	p.raw(`</div>`)
	return p.end(200, Hourly)
}

// dayPage is the page of a day of a large month, of which the days up to end have begun.
func dayPage(s *site.Site, lang string, m site.Month, at, end int64) File {
	w := wordsOf(s, lang)
	going := onDay(m.Incidents, at)
	title, says := w.date(at), w.incidentsOnDay(len(going))
	if len(going) > site.MaxIncidents {
		going, says = going[:site.MaxIncidents], w.with("NewestOfDay", fields{"N": site.MaxIncidents})
	}
	p := newPage(s, lang, head{path: dayPath(at), title: title, description: w.with("DaySummary", fields{"Date": title, "Name": w.siteName(s)}), status: site.NoData, plain: true})
	p.plainHero(title, says)
	p.begin("day", p.say("Incidents"))
	p.raw(`<ol class="list">`)
	if len(going) == 0 {
		p.quietDays(at, at+day)
	} else {
		p.eventDay(at, going)
	}
	p.raw(`</ol></section>`)
	p.dayPager(m, at, end)
	p.raw(`</div>`)
	return p.end(200, Hourly)
}

// incidentsOnDay says how many incidents a day had.
func (w *words) incidentsOnDay(n int) string {
	if n > site.MaxIncidents {
		return w.with("MoreIncidents", fields{"N": site.MaxIncidents})
	}
	return w.count("IncidentsOnDay", int64(n))
}

// dayEntry leads to the page of a day on which so many incidents were going on.
func (p *page) dayEntry(at int64, incidents int) {
	p.raw(`<li><p class="dim"><a`)
	p.attr("href", p.shared(dayPath(at)))
	p.raw(`>`)
	p.text(p.dayOfYear(at))
	p.raw(`</a></p><p>`)
	p.text(p.incidentsOnDay(incidents))
	p.raw(`</p></li>`)
}

// onDay are the incidents that were going on in the day that begins at start. One that ended
// as the day began is not among them, unless it had begun no earlier.
func onDay(incidents []site.Incident, start int64) []site.Incident {
	var found []site.Incident
	for _, i := range incidents {
		if i.Start < start+day && (i.Start >= start || i.End == nil || *i.End > start) {
			found = append(found, i)
		}
	}
	return found
}

// quietDays says that nothing was going on in the days from start to end.
func (p *page) quietDays(start, end int64) {
	if start >= end {
		return
	}
	p.raw(`<li><p class="dim">`)
	p.text(p.daysOfMonth(start, end-day))
	p.raw(`</p><p class="dim">`)
	p.tell("NoIncidents")
	p.raw(`</p></li>`)
}

// eventDay tells of the incidents of one day: of one that began earlier only that it went on.
func (p *page) eventDay(start int64, incidents []site.Incident) {
	p.raw(`<li><p class="dim">`)
	p.text(p.dayOfYear(start))
	p.raw(`</p><div class="day">`)
	for _, i := range incidents {
		p.raw(`<div class="`, raw(statusName(incidentColour(i))), `">`)
		p.incidentTitle(i)
		p.raw(`<p class="dim">`)
		if i.Start < start {
			p.tell("WentOn")
		} else {
			p.coloured(p.state(i.State))
			p.text(p.outline(i))
		}
		p.raw(`</p></div>`)
	}
	p.raw(`</div></li>`)
}

// monthPager leads to the months beside it.
func (p *page) monthPager(m site.Month) {
	p.beginPager("Months")
	if m.Earlier {
		p.pagerLink(MonthPath(m.Start-1), "←", p.month(m.Start-1))
	}
	p.listLink(p.href("/history"), "AllIncidents")
	if m.End <= p.site.AsOf {
		p.pagerLink(MonthPath(m.End), "→", p.month(m.End))
	}
	p.raw(`</ul></nav>`)
}

// dayPager leads to the days beside one of a month, of which the days up to end have begun, and to the month.
func (p *page) dayPager(m site.Month, at, end int64) {
	p.beginPager("DaysOfTheMonth")
	if at > m.Start {
		p.pagerLink(dayPath(at-day), "←", p.dayOfYear(at-day))
	}
	p.raw(`<li><a`)
	p.attr("href", p.shared(MonthPath(at)))
	p.raw(`>`)
	p.text(p.month(at))
	p.raw(`</a></li>`)
	if at+day < end {
		p.pagerLink(dayPath(at+day), "→", p.dayOfYear(at+day))
	}
	p.raw(`</ul></nav>`)
}

func (p *page) beginPager(label word) {
	p.raw(`<nav`)
	p.attr("aria-label", p.say(label))
	p.raw(`><ul class="row pager">`)
}

func (p *page) pagerLink(path, arrow, name string) {
	p.raw(`<li><a`)
	p.attr("href", p.href(path))
	p.raw(`><span aria-hidden="true">`)
	p.text(arrow)
	p.raw(`</span> `)
	p.text(name)
	p.raw(`</a></li>`)
}
