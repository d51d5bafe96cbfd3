package page

import (
	"strconv"
	"strings"

	"tocsin/internal/site"
)

// Days are drawn as lines, 5 long and of them 4 drawn, in a picture that is 36 high: so a row of
// days that were up is one line of dashes. The style gives each status a width, and barHeights
// says where its line is, so that the statuses differ in shape, not in colour alone: a bar that
// was down is longer at both ends, a degraded one is half as high, one with a maintenance is
// parted, and one without data is a stub.
var barHeights = map[site.Status]raw{
	site.Up: " 18h", site.Degraded: " 23.5h", site.UnderMaintenance: " 11h4m-4 14h", site.Down: " 18h", site.NoData: " 27h",
}

const barWidth = 5

// A stretch is one day or, of days that were up or have no data, several in a row.
type stretch struct {
	from, to int // indexes of its first day, and of the one after its last
	status   site.Status
}

// stretches divides the days.
func stretches(days []site.Day) []stretch {
	var all []stretch
	for i, d := range days {
		status := known(d.Status)
		if last := len(all) - 1; last >= 0 && all[last].status == status && !isProblem(status) {
			all[last].to++
			continue
		}
		all = append(all, stretch{i, i + 1, status})
	}
	return all
}

// isProblem reports whether a day with the status is worth a mention.
func isProblem(s site.Status) bool {
	return s == site.Degraded || s == site.UnderMaintenance || s == site.Down
}

// bars draws the days of a monitor.
func (p *page) bars(m site.Monitor) {
	if len(m.Days) == 0 {
		return
	}
	p.raw(`<svg class="d" preserveAspectRatio="none" role="img" viewBox="0 0 `)
	p.number(int64(len(m.Days)*barWidth - 1))
	p.raw(` 36"`)
	p.attr("aria-label", p.daysSummary(m))
	p.raw(`>`)
	p.goodBars(m.Days)
	for i, d := range m.Days {
		if isProblem(d.Status) {
			p.raw(`<path class="`, raw(statusName(d.Status)), `" d="`, bar(i, 1, d.Status), `"><title>`)
			p.text(p.date(d.Start) + ": " + p.dayText(d))
			p.raw(`</title></path>`)
		}
	}
	p.raw(`</svg>`)
}

// goodBars draws the days that were up, and those without data, all of a kind at once.
func (p *page) goodBars(days []site.Day) {
	lines := map[site.Status]raw{}
	for _, s := range stretches(days) {
		lines[s.status] += bar(s.from, s.to-s.from, s.status)
	}
	for _, s := range []site.Status{site.Up, site.NoData} {
		if lines[s] != "" {
			p.raw(`<path class="`, raw(statusName(s)), `" d="`, lines[s], `"/>`)
		}
	}
}

// bar is the line of so many days from the one with the index on.
func bar(from, days int, s site.Status) raw {
	return raw("M"+strconv.Itoa(from*barWidth)) + barHeights[s] + raw(strconv.Itoa(days*barWidth-1))
}

// daysSummary says in a sentence what the bars show.
func (p *page) daysSummary(m site.Monitor) string {
	return strings.Join(append([]string{p.count("InDays", int64(len(m.Days)))}, p.daysCounts(m)...), ", ")
}

// daysCounts says how many days had a problem and how many have no data.
func (p *page) daysCounts(m site.Monitor) []string {
	var problems, unknown int64
	for _, d := range m.Days {
		switch {
		case isProblem(d.Status):
			problems++
		case known(d.Status) == site.NoData:
			unknown++
		}
	}
	var says []string
	if problems > 0 || unknown < int64(len(m.Days)) {
		says = append(says, p.count("ProblemDays", problems))
	}
	if unknown > 0 {
		says = append(says, p.count("DaysWithoutData", unknown))
	}
	return says
}

// dayText says how a day was: for how long it was down, degraded and in maintenance.
func (w *words) dayText(d site.Day) string {
	var says []string
	for _, part := range []struct {
		id      word
		minutes int64
	}{{"DownFor", d.Down}, {"DegradedFor", d.Degraded}, {"MaintenanceFor", d.Maintenance}} {
		if part.minutes > 0 {
			says = append(says, w.with(part.id, fields{"Time": w.duration(part.minutes * minute)}))
		}
	}
	if len(says) == 0 {
		return w.status(d.Status)
	}
	return strings.Join(says, ", ")
}

// dayList writes the days that had a problem or no data, the newest first, with the
// incidents that were going on.
func (p *page) dayList(m site.Monitor) {
	p.raw(`<ul class="days">`)
	all := stretches(m.Days)
	for i := len(all) - 1; i >= 0; i-- {
		switch s := all[i]; s.status {
		case site.Up:
		case site.NoData:
			p.raw(`<li>`)
			p.unknownDays(m.Days[s.from:s.to])
			p.raw(`</li>`)
		default:
			d := m.Days[s.from]
			p.raw(`<li>`)
			p.day(d.Start)
			p.text(": " + p.dayText(d))
			p.dayIncidents(d)
			p.raw(`</li>`)
		}
	}
	p.raw(`</ul>`)
}

func (p *page) unknownDays(days []site.Day) {
	p.day(days[0].Start)
	if len(days) > 1 {
		p.text(" " + p.say("To") + " ")
		p.day(days[len(days)-1].Start)
	}
	p.text(": " + p.status(site.NoData))
}

// dayIncidents leads to the incidents of a day, by their titles as far as they are known.
func (p *page) dayIncidents(d site.Day) {
	for _, id := range d.Incidents {
		p.raw(` · <a dir="auto"`)
		p.attr("href", p.shared(incidentPath(id)))
		p.raw(`>`)
		p.text(p.titleOf(p.site, id))
		p.raw(`</a>`)
	}
}

// titleOf is the title of one of the site's incidents, or its number if it is older
// than those.
func (w *words) titleOf(s *site.Site, id int64) string {
	for _, list := range [][]site.Incident{s.Open, s.Upcoming, s.Past} {
		for _, i := range list {
			if i.ID == id {
				return w.title(i)
			}
		}
	}
	return w.with("IncidentNumber", fields{"N": id})
}

// ends writes the first and the last day below bars.
func (p *page) ends(days []site.Day) {
	if len(days) == 0 {
		return
	}
	p.raw(`<p class="ends dim"><span>`)
	p.day(days[0].Start)
	p.raw(`</span><span>`)
	p.day(days[len(days)-1].Start)
	p.raw(`</span></p>`)
}

// legend says what the bars mean and, in the sentence counts, what the figures count.
func (p *page) legend(counts string) {
	p.raw(`<section`)
	p.attr("aria-label", p.say("Legend"))
	p.raw(`><ul class="row legend dim">`)
	for _, s := range []site.Status{site.Up, site.Degraded, site.Down, site.UnderMaintenance, site.NoData} {
		p.raw(`<li><svg class="d" preserveAspectRatio="none" viewBox="0 0 4 36" aria-hidden="true"><path class="`, raw(statusName(s)), `" d="`, bar(0, 1, s), `"/></svg>`)
		p.text(p.status(s))
		p.raw(`</li>`)
	}
	p.raw(`</ul><p class="dim">`)
	p.text(counts)
	p.raw(`</p></section>`)
}

// whatCounts is the sentence about what the uptimes of the monitors count.
func (w *words) whatCounts(monitors ...site.Monitor) string {
	lax, strict := 0, 0
	for _, m := range monitors {
		if m.Formula.IsDefault() {
			lax++
		} else if m.Formula.IsStrict() {
			strict++
		}
	}
	switch {
	case lax == len(monitors):
		return w.say("WhatCounts")
	case strict == len(monitors):
		return w.say("WhatCountsStrictly")
	case len(monitors) == 1:
		return w.with("WhatCountsOwn", fields{"Numerator": monitors[0].Formula.Numerator, "Denominator": monitors[0].Formula.Denominator})
	}
	return w.say("WhatCountsDiffers")
}

// uptime writes a percentage of time.
func (p *page) uptime(percent float64) string {
	return p.with("Uptime", fields{"Percent": p.percent(site.FormatUptime(percent))})
}
