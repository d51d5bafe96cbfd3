package page

import (
	"strconv"
	"strings"

	"tocsin/internal/site"
)

// Days are drawn as bars, 5 wide and of them 4 filled, in a picture that is 36 high. A day
// that was up stands between 7 and 29; the others differ from it in shape, not in colour
// alone: one that was down is longer at both ends, a degraded one is half as high, one with a
// maintenance is parted, and one without data is a stub.
var barShapes = map[site.Status]raw{
	site.Degraded:         "18h4v11h-4z",
	site.UnderMaintenance: "7h4v8h-4zm0 14h4v8h-4z",
	site.Down:             "0h4v36h-4z",
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
		if last := len(all) - 1; last >= 0 && all[last].status == status && barShapes[status] == "" {
			all[last].to++
			continue
		}
		all = append(all, stretch{i, i + 1, status})
	}
	return all
}

// isProblem reports whether the day is worth a mention: it was neither up nor without data.
func isProblem(d site.Day) bool { return barShapes[d.Status] != "" }

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
	for _, s := range stretches(m.Days) {
		p.bar(m.Days, s)
	}
	p.raw(`</svg>`)
}

func (p *page) bar(days []site.Day, s stretch) {
	x := raw(strconv.Itoa(s.from * barWidth))
	if shape := barShapes[s.status]; shape != "" {
		p.raw(`<path class="`, raw(statusName(s.status)), `" d="M`, x, ` `, shape, `"><title>`)
		p.text(p.date(days[s.from].Start) + ": " + p.dayText(days[s.from]))
		p.raw(`</title></path>`)
		return
	}
	fill := raw("u")
	if s.status == site.NoData {
		fill = "z"
	}
	width := raw(strconv.Itoa((s.to - s.from) * barWidth))
	p.raw(`<path fill="url(#`, fill, `)" d="M`, x, ` 0h`, width, `v36h-`, width, `z"/>`)
}

// daysSummary says in a sentence what the bars show.
func (p *page) daysSummary(m site.Monitor) string {
	says := []string{p.count("InDays", int64(len(m.Days)))}
	if m.Uptime != nil {
		says = append(says, p.uptime(*m.Uptime))
	}
	return strings.Join(append(says, p.daysCounts(m)...), ", ")
}

// daysCounts says how many days had a problem and how many have no data.
func (p *page) daysCounts(m site.Monitor) []string {
	var problems, unknown int64
	for _, d := range m.Days {
		switch {
		case isProblem(d):
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
func (p *page) dayText(d site.Day) string {
	var says []string
	for _, part := range []struct {
		id      word
		minutes int64
	}{{"DownFor", d.Down}, {"DegradedFor", d.Degraded}, {"MaintenanceFor", d.Maintenance}} {
		if part.minutes > 0 {
			says = append(says, p.with(part.id, fields{"Time": p.duration(part.minutes * minute)}))
		}
	}
	if len(says) == 0 {
		return p.status(d.Status)
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
		p.attr("href", p.href(incidentPath(id)))
		p.raw(`>`)
		p.text(p.incidentTitle(id))
		p.raw(`</a>`)
	}
}

// incidentTitle is the title of one of the site's incidents, or its number if it is older
// than those.
func (p *page) incidentTitle(id int64) string {
	for _, list := range [][]site.Incident{p.site.Open, p.site.Upcoming, p.site.Past} {
		for _, i := range list {
			if i.ID == id {
				return p.title(i)
			}
		}
	}
	return p.with("IncidentNumber", fields{"N": id})
}

// ends writes the first and the last day below bars.
func (p *page) ends(days []site.Day) {
	if len(days) == 0 {
		return
	}
	p.raw(`<p class="ends">`)
	p.day(days[0].Start)
	p.day(days[len(days)-1].Start)
	p.raw(`</p>`)
}

// legend says what the bars and figures mean.
func (p *page) legend() {
	p.raw(`<section`)
	p.attr("aria-label", p.say("Legend"))
	p.raw(`><ul class="legend">`)
	for _, s := range []site.Status{site.Up, site.Degraded, site.Down, site.UnderMaintenance, site.NoData} {
		p.raw(`<li><svg class="k" preserveAspectRatio="none" viewBox="0 0 4 36" aria-hidden="true"><path class="b `, raw(statusName(s)), `" d="M0 `)
		switch s {
		case site.Up:
			p.raw("7h4v22h-4z")
		case site.NoData:
			p.raw("25h4v4h-4z")
		default:
			p.raw(barShapes[s])
		}
		p.raw(`"/></svg>`)
		p.text(p.status(s))
		p.raw(`</li>`)
	}
	p.raw(`</ul><p class="dim">`)
	p.tell("WhatCounts")
	p.raw(`</p></section>`)
}

// uptime writes a percentage of time.
func (p *page) uptime(percent float64) string {
	return p.with("Uptime", fields{"Percent": p.percent(site.FormatUptime(percent))})
}
