package page

import (
	"strconv"
	"strings"

	"tocsin/internal/site"
	"tocsin/internal/statuspage"
)

const (
	// maxUpdate is how much of one update a page shows, in UTF-16 units. It is more than a
	// comment of the API may have; older data can have longer ones.
	maxUpdate = 100_000

	// maxUpdates is how much of all updates together a page shows, in UTF-16 units.
	maxUpdates = 1_000_000

	describedUnits = 200 // of a description for search engines and previews
)

// IncidentFiles are the pages of an incident.
func IncidentFiles(s *site.Site, i site.Incident) []File {
	return inEachLanguage(s, func(lang string) File { return incidentPage(s, lang, i) })
}

// GoneFiles are the pages at the address of an incident that was deleted.
func GoneFiles(s *site.Site, id int64) []File {
	return inEachLanguage(s, func(lang string) File { return deadEnd(s, lang, incidentPath(id), 410, "Gone", "GoneHint") })
}

func incidentPage(s *site.Site, lang string, i site.Incident) File {
	w := wordsOf(s, lang)
	status := incidentColour(i)
	p := newPage(s, lang, head{
		path: incidentPath(i.ID), title: w.state(i.State) + ": " + w.title(i), description: w.lastWord(i), status: status,
	})
	p.raw(`<div class="hero"><div class="w"><p class="kind">`)
	p.statusLine(status, p.state(i.State))
	p.raw(`</p><h1 dir="auto">`)
	p.text(p.title(i))
	p.raw(`</h1>`)
	p.incidentTimes(i)
	p.raw(`</div></div><div class="w">`)
	p.impacts(i)
	p.body(i)
	p.timeline(i)
	p.raw(`</div>`)
	return p.end(200, Hourly)
}

// body writes what was said of the incident beside its updates.
func (p *page) body(i site.Incident) {
	if statuspage.TrimBlank(i.Body) == "" {
		return
	}
	p.raw(`<section>`)
	p.markdown(statuspage.Shorten(i.Body, maxUpdate))
	p.raw(`</section>`)
}

// incidentColour is the status whose colour the page of an incident has.
func incidentColour(i site.Incident) site.Status {
	if i.Resolved() {
		return site.Up
	}
	return impactColour(i.Status)
}

// title is what an incident is called.
func (w *words) title(i site.Incident) string {
	return orElse(i.Title, w.with("IncidentNumber", fields{"N": i.ID}))
}

// lastWord is the newest update in plain words, or if there is none what it is about.
func (w *words) lastWord(i site.Incident) string {
	says := ""
	if len(i.Updates) > 0 {
		says = plain(statuspage.Shorten(i.Updates[0].Text, 4*describedUnits))
	}
	return statuspage.Shorten(orElse(says, w.state(i.State)+": "+w.title(i)), describedUnits)
}

// incidentTitle leads to the incident by its title.
func (p *page) incidentTitle(i site.Incident) {
	p.raw(`<h3 dir="auto"><a`)
	p.attr("href", p.shared(incidentPath(i.ID)))
	p.raw(`>`)
	p.text(p.title(i))
	p.raw(`</a></h3>`)
}

// incidentTimes says when the incident began and, when it is over, when it ended.
func (p *page) incidentTimes(i site.Incident) {
	p.raw(`<dl class="facts"><div><dt>`)
	p.tell("Start")
	p.raw(`</dt><dd>`)
	p.time(i.Start)
	p.raw(`</dd></div>`)
	if i.End != nil {
		p.raw(`<div><dt>`)
		p.tell("End")
		p.raw(`</dt><dd>`)
		p.time(*i.End)
		p.raw(`</dd></div>`)
		p.fact(p.say("Duration"), p.duration(*i.End-i.Start))
	} else if i.Start <= p.site.AsOf {
		p.fact(p.say("End"), p.say("Ongoing"))
	}
	p.raw(`</dl>`)
}

// impacts lists what the incident does, or did, to which monitors.
func (p *page) impacts(i site.Incident) {
	if len(i.Affected) == 0 && !i.Global {
		return
	}
	p.begin("affected", p.say("AffectedServices"))
	p.hits(i.Affected, i.Global, len(i.Affected))
	p.raw(`</section>`)
}

// hits names the monitors that an incident or a maintenance concerns, at most so many, with
// what it does to them.
func (p *page) hits(affected []site.Affected, global bool, most int) {
	if len(affected) == 0 && !global {
		return
	}
	p.raw(`<ul class="row hits">`)
	if global {
		p.raw(`<li>`)
		p.tell("EverythingAffected")
		p.raw(`</li>`)
	}
	for _, a := range affected[:min(most, len(affected))] {
		p.raw(`<li class="`, raw(statusName(a.Status)), `"><a dir="auto"`)
		p.attr("href", p.shared(monitorPath(a.Tag)))
		p.raw(`>`)
		p.icon(a.Status)
		p.text(orElse(a.Name, a.Tag))
		p.raw(`</a> `)
		p.coloured(p.status(a.Status))
		p.raw(`</li>`)
	}
	if more := len(affected) - most; more > 0 {
		p.raw(`<li>`)
		p.text(p.count("MoreServices", int64(more)))
		p.raw(`</li>`)
	}
	p.raw(`</ul>`)
}

// coloured writes words in the colour of the status around them.
func (p *page) coloured(says string) {
	p.raw(`<span class="s">`)
	p.text(says)
	p.raw(`</span>`)
}

// timeline tells the updates, the newest first.
func (p *page) timeline(i site.Incident) {
	p.begin("updates", p.say("Updates"))
	if len(i.Updates) == 0 {
		p.raw(`<p class="dim">`)
		p.tell("NoUpdates")
		p.raw(`</p></section>`)
		return
	}
	p.raw(`<ol class="time `, raw(statusName(incidentColour(i))), `">`)
	shown := newestOf(i.Updates, maxUpdate, maxUpdates)
	for _, u := range shown {
		p.raw(`<li id="update-`, raw(strconv.FormatInt(u.ID, 10)), `">`)
		p.update(u, maxUpdate)
		p.raw(`</li>`)
	}
	p.raw(`</ol>`)
	if len(shown) < len(i.Updates) {
		p.raw(`<p class="dim">`)
		p.tell("TextCut")
		p.raw(`</p>`)
	}
	p.raw(`</section>`)
}

// update writes one, and of its text at most so many UTF-16 units.
func (p *page) update(u site.Update, units int) {
	p.raw(`<p class="dim"><strong>`)
	p.text(p.state(u.State))
	p.raw(`</strong> · `)
	p.time(u.Time)
	p.raw(`</p>`)
	text := statuspage.Shorten(u.Text, units)
	p.markdown(text)
	if units == maxUpdate && text != u.Text {
		p.raw(`<p class="dim">`)
		p.tell("TextCut")
		p.raw(`</p>`)
	}
}

// headings are what stands for the headings of a text: it may not give the page another h1,
// or a level where none belongs.
var headings = func() *strings.Replacer {
	var pairs []string
	for level := '1'; level <= '6'; level++ {
		pairs = append(pairs, "<h"+string(level)+">", "<p><strong>", "</h"+string(level)+">", "</strong></p>")
	}
	return strings.NewReplacer(pairs...)
}()

// markdown writes a text. What the renderer returns has no tag that stood in the text.
func (p *page) markdown(text string) {
	p.raw(`<div class="md" dir="auto">`, raw(headings.Replace(string(markdown("", text)))), `</div>`)
}

// incidentList lists incidents that are over, or not, each in a few words.
func (p *page) incidentList(incidents []site.Incident) {
	p.raw(`<ol class="list">`)
	for _, i := range incidents {
		p.raw(`<li><p class="dim">`)
		p.day(i.Start)
		p.raw(`</p><div class="`, raw(statusName(incidentColour(i))), `">`)
		p.incidentTitle(i)
		p.raw(`<p class="dim">`)
		p.coloured(p.state(i.State))
		p.text(p.outline(i))
		p.raw(`</p></div></li>`)
	}
	p.raw(`</ol>`)
}

// outline is how long an incident took and what it did to which monitors, after its state.
func (p *page) outline(i site.Incident) string {
	says := ""
	if i.End != nil {
		says = " · " + p.duration(*i.End-i.Start)
	}
	if i.Global {
		says += " · " + p.say("EverythingAffected")
	}
	const most = 3
	var names []string
	for _, a := range i.Affected[:min(most, len(i.Affected))] {
		names = append(names, orElse(a.Name, a.Tag)+" ("+p.status(a.Status)+")")
	}
	if more := len(i.Affected) - most; more > 0 {
		names = append(names, p.count("MoreServices", int64(more)))
	}
	if len(names) > 0 {
		says += " · " + strings.Join(names, ", ")
	}
	return says
}
