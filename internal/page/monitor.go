package page

import (
	"fmt"
	"math"
	"net/url"
	"slices"
	"strings"

	"tocsin/internal/site"
	"tocsin/internal/statuspage"
)

// shownConcerning is how many incidents the page of a monitor lists.
const shownConcerning = 20

// monitorPage is all that there is to know of one monitor.
func monitorPage(s *site.Site, lang string, m site.Monitor) File {
	w := wordsOf(s, lang)
	name := monitorName(m)
	p := newPage(s, lang, head{
		path: monitorPath(m.Tag), title: w.status(m.Status) + ": " + name, description: w.monitorSummary(m), status: known(m.Status), tag: m.Tag, images: hasImage(m),
	})
	p.raw(`<div class="hero"><div class="w"><p class="kind">`)
	p.statusLine(m.Status, p.status(m.Status))
	p.raw(`</p><h1 dir="auto">`)
	p.symbol(m.Image)
	p.text(name)
	p.raw(`</h1>`)
	p.about(m)
	p.raw(`</div></div><div class="w">`)
	p.maintenancesOf(m)
	p.availability(m)
	p.latency(m)
	p.concerning(m)
	p.share(m)
	p.raw(`</div>`)
	return p.end(200, every(m.Status))
}

// monitorSummary describes the monitor for search engines and previews.
func (w *words) monitorSummary(m site.Monitor) string {
	if statuspage.TrimBlank(m.Description) != "" {
		return statuspage.Shorten(m.Description, describedUnits)
	}
	return w.with("MonitorSummary", fields{"Name": monitorName(m)})
}

// about writes what the operator says of the monitor.
func (p *page) about(m site.Monitor) {
	if m.Description != "" {
		p.raw(`<p class="as" dir="auto">`)
		p.text(m.Description)
		p.raw(`</p>`)
	}
	if safeAddress(m.URL) {
		p.raw(`<p class="as"><a dir="auto" rel="noopener"`)
		p.link("href", m.URL)
		p.raw(`>`)
		p.text(m.URL)
		p.raw(`</a></p>`)
	}
}

// availability shows the days: in figures, as bars, and those that had a problem in words.
func (p *page) availability(m site.Monitor) {
	p.begin("days", p.say("Availability"))
	p.raw(`<div class="card">`)
	p.uptimes(m)
	p.bars(m)
	p.ends(m.Days)
	p.raw(`</div>`)
	if !m.Measured {
		p.raw(`<p class="dim">`)
		p.tell("NotMeasured")
		p.raw(`</p>`)
	}
	p.raw(`</section>`)
	p.legend(p.whatCounts(m))
	p.problemDays(m)
}

// uptimes writes the uptime of the last 90, 30 and 7 days.
func (p *page) uptimes(m site.Monitor) {
	p.raw(`<dl class="facts">`)
	for _, days := range []int{site.Days, 30, 7} {
		p.fact(p.count("LastDays", int64(days)), p.uptimeOf(m, days))
	}
	p.raw(`</dl>`)
}

// uptimeOf is the uptime of the newest of the days, or what says that there is none.
func (p *page) uptimeOf(m site.Monitor, days int) string {
	percent, counted := sum(m, days).Uptime(m.Formula)
	if days == site.Days && m.Uptime != nil {
		percent, counted = *m.Uptime, true
	}
	if !counted {
		return p.status(site.NoData)
	}
	return p.percent(site.FormatUptime(percent))
}

// sum counts the minutes of the newest of a monitor's days.
func sum(m site.Monitor, days int) site.Counts {
	var all site.Counts
	for _, d := range m.Days[max(0, len(m.Days)-days):] {
		all = all.Plus(d.Counts)
	}
	return all
}

// fact writes what something is called and its value.
func (p *page) fact(name, value string) {
	p.raw(`<div><dt>`)
	p.text(name)
	p.raw(`</dt><dd>`)
	p.text(value)
	p.raw(`</dd></div>`)
}

// problemDays lists the days that were not simply up.
func (p *page) problemDays(m site.Monitor) {
	p.begin("problems", p.say("ProblemDaysHeading"))
	if !p.isEventful(m) {
		p.raw(`<p>`)
		p.tell("NoProblemDays")
		p.raw(`</p></section>`)
		return
	}
	p.dayList(m)
	p.raw(`</section>`)
}

// A measure is one point of a latency curve; nil: nothing was measured.
type measure = *float64

// latency draws how long the monitor took to answer, by day and by hour.
func (p *page) latency(m site.Monitor) {
	var days, hours []measure
	for _, d := range m.Days {
		days = append(days, d.Latency)
	}
	for _, h := range m.Hours {
		hours = append(hours, h.Latency)
	}
	if !anyMeasured(days) && !anyMeasured(hours) {
		return
	}
	p.begin("latency", p.say("Latency"))
	p.raw(`<div class="card">`)
	if anyMeasured(days) {
		p.curve(p.count("LastDays", int64(len(days))), "DaysFromTo", days, m.Latency)
		p.ends(m.Days)
	}
	if anyMeasured(hours) {
		p.curve(p.count("LastHours", int64(len(hours))), "HoursFromTo", hours, nil)
		p.raw(`<p class="ends dim">`)
		p.time(m.Hours[0].Start)
		p.time(m.Hours[len(hours)-1].Start)
		p.raw(`</p>`)
	}
	p.raw(`</div></section>`)
}

func anyMeasured(points []measure) bool {
	for _, v := range points {
		if v != nil {
			return true
		}
	}
	return false
}

// curve draws the points and says the average, and their least and most in the words of
// fromTo. Without a known average it is that of the points, which count alike.
func (p *page) curve(heading string, fromTo word, points []measure, average measure) {
	least, most, total, n := math.Inf(1), 0.0, 0.0, 0.0
	for _, v := range points {
		if v != nil {
			least, most, total, n = min(least, *v), max(most, *v), total+*v, n+1
		}
	}
	if average == nil {
		average = new(total / n)
	}
	says := p.with(fromTo, fields{"Average": p.milliseconds(*average), "Least": p.milliseconds(least), "Most": p.milliseconds(most)})
	p.raw(`<h3>`)
	p.text(heading)
	p.raw(`</h3><p class="dim">`)
	p.text(says)
	p.raw(`</p><svg class="spark" preserveAspectRatio="none" role="img" viewBox="0 0 `)
	p.number(int64(max(1, len(points)-1)))
	p.raw(` 100"`)
	p.attr("aria-label", heading+": "+says)
	p.raw(`><path d="`, curves(points, most, true), `"/><path d="`, curves(points, most, false), `"/></svg>`)
}

const (
	floor  = 100 // of a curve's picture
	height = 90  // of its greatest value
)

// curves are the points joined by lines, or the areas below these. There is a gap where
// nothing was measured; a point between gaps is a dash.
func curves(points []measure, most float64, areas bool) raw {
	var b strings.Builder
	for i := 0; i < len(points); i++ {
		first, move := i, "M"
		if areas && points[i] != nil {
			fmt.Fprintf(&b, "M%d %d", i, floor)
			move = "L"
		}
		for ; i < len(points) && points[i] != nil; i++ {
			fmt.Fprintf(&b, "%s%d %.1f", move, i, floor-height*share(*points[i], most))
			move = "L"
		}
		switch last := i - 1; {
		case last < first:
		case areas:
			fmt.Fprintf(&b, "L%d %dz", last, floor)
		case last == first:
			b.WriteString("m-.5 0h1")
		}
	}
	return raw(b.String())
}

// share is how much of the most the value is; of nothing it is nothing.
func share(value, most float64) float64 {
	if most <= 0 {
		return 0
	}
	return value / most
}

// concerning lists the newest incidents that concern the monitor.
func (p *page) concerning(m site.Monitor) {
	var found []site.Incident
	for _, i := range p.site.Incidents() {
		if len(found) < shownConcerning && concerns(i.Affected, i.Global, m.ID) {
			found = append(found, i)
		}
	}
	p.begin("incidents", p.say("Incidents"))
	if len(found) == 0 {
		p.raw(`<p>`)
		p.tell("NoIncidents")
		p.raw(`</p></section>`)
		return
	}
	p.incidentList(found)
	p.raw(`</section>`)
}

// concerns reports whether an incident or a maintenance is about the monitor with the id.
func concerns(affected []site.Affected, global bool, monitor int64) bool {
	return global || slices.ContainsFunc(affected, func(a site.Affected) bool { return a.MonitorID == monitor })
}

// share leads to what others can put into their own pages.
func (p *page) share(m site.Monitor) {
	of := p.site.Settings
	if of.NoBadges && of.NoEmbeds {
		return
	}
	badges := "/badge/" + url.PathEscape(m.Tag)
	p.begin("share", p.say("Share"))
	p.raw(`<ul class="row">`)
	if !of.NoBadges {
		p.listLink(badges+"/status", "StatusBadge")
		p.listLink(badges+"/uptime", "UptimeBadge")
		p.listLink(badges+"/latency", "LatencyBadge")
	}
	if !of.NoEmbeds {
		p.listLink(embedPath(m.Tag), "Embedded")
	}
	p.raw(`</ul></section>`)
}
