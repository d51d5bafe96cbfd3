package page

import (
	"slices"
	"strings"

	"tocsin/internal/site"
	"tocsin/internal/statuspage"
)

const (
	shownPast  = 6   // past incidents on the home page
	shownHits  = 8   // monitors of an incident on the home page
	shownWords = 600 // UTF-16 units of an update on the home page
)

// homePage is the first page: how everything is, what is going on, and how it was.
func homePage(s *site.Site, lang string) File {
	says := wordsIn(lang)
	status, headline := says.headline(s)
	p := newPage(s, lang, head{path: "/", title: headline, description: says.summary(s), status: status})
	p.hero(status, headline)
	p.raw(`<div class="w">`)
	p.notice()
	running, planned := divide(s.Maintenances)
	p.happening(running)
	p.plans(planned)
	p.services()
	p.pastIncidents()
	p.raw(`</div>`)
	return p.end(200, Soon)
}

// headlineOf is how the site is: the status that gives the page its colour, and a sentence. It
// never says that all is well beside an open incident, or when a monitor's status is unknown.
func headlineOf(s *site.Site) (site.Status, word) {
	number, all := map[site.Status]int{}, 0
	for _, m := range s.Monitors() {
		number[known(m.Status)]++
		all++
	}
	switch status := known(s.Status); {
	case status == site.Down && number[site.Down] == all:
		return status, "AllDown"
	case status == site.Down:
		return status, "SomeDown"
	case status == site.Degraded && number[site.Degraded] == 0: // because of an incident without impact
		return status, "OpenIncident"
	case status == site.Degraded && number[site.Degraded] == all:
		return status, "AllDegraded"
	case status == site.Degraded:
		return status, "SomeDegraded"
	case status == site.UnderMaintenance:
		return status, "InMaintenance"
	case len(s.Open) > 0:
		return site.Degraded, "OpenIncident"
	case all == 0:
		return site.NoData, "NoServices"
	case status == site.NoData:
		return status, "NothingKnown"
	case number[site.NoData] > 0:
		return status, "NoKnownProblem"
	}
	return site.Up, "AllUp"
}

// alone are the sentences of headlineOf that can name the one service that they are about.
var alone = map[word]word{"SomeDown": "OneDown", "AllDown": "OneDown", "SomeDegraded": "OneDegraded", "AllDegraded": "OneDegraded"}

const headlineName = 60 // UTF-16 units of a service's name in the headline

// headline says how the site is, and names the service if one alone has a problem.
func (w *words) headline(s *site.Site) (site.Status, string) {
	status, sentence := headlineOf(s)
	name, one := onlyProblem(s)
	if id, ok := alone[sentence]; ok && one {
		return status, w.with(id, fields{"Name": statuspage.Shorten(name, headlineName)})
	}
	return status, w.say(sentence)
}

// onlyProblem returns the name of the monitor that has a problem if it is the only one, and no
// incident concerns everything.
func onlyProblem(s *site.Site) (name string, one bool) {
	for _, i := range s.Open {
		if i.Global {
			return "", false
		}
	}
	number := 0
	for _, m := range s.Monitors() {
		if isProblem(known(m.Status)) {
			name = monitorName(m)
			number++
		}
	}
	return name, number == 1
}

// shownYesterday is how many services of yesterday are named.
const shownYesterday = 3

// yesterday says what there was on the day before today (UTC); "" when nothing is known of it.
func (w *words) yesterday(s *site.Site) string {
	var says []string
	told, incident := false, int64(0)
	for _, m := range s.Monitors() {
		if len(m.Days) < 2 {
			continue
		}
		d := m.Days[len(m.Days)-2]
		told = told || known(d.Status) != site.NoData
		if isProblem(d.Status) {
			says = append(says, monitorName(m)+" ("+w.dayText(d)+")")
		}
		if len(d.Incidents) > 0 {
			incident = d.Incidents[0]
		}
	}
	switch {
	case len(says) > shownYesterday:
		return w.count("YesterdayMany", int64(len(says)))
	case len(says) > 0:
		return w.with("Yesterday", fields{"What": strings.Join(says, ", ")})
	case incident != 0:
		return w.with("Yesterday", fields{"What": w.titleOf(s, incident)})
	case told:
		return w.say("YesterdayQuiet")
	}
	return ""
}

// summary says how many services have a problem and what is open.
func (w *words) summary(s *site.Site) string {
	var affected, unknown, all int64
	for _, m := range s.Monitors() {
		all++
		switch known(m.Status) {
		case site.Up:
		case site.NoData:
			unknown++
		default:
			affected++
		}
	}
	switch {
	case all == 0:
		return w.say("NoServicesHint")
	case affected > 0:
		return w.counted("Affected", affected, fields{"N": affected, "All": all})
	case len(s.Open) > 0:
		return w.count("OpenIncidents", int64(len(s.Open)))
	case unknown > 0:
		return w.counted("Unknown", unknown, fields{"N": unknown, "All": all})
	}
	return w.count("Services", all)
}

// hero is the top of the page: an icon, the headline, and when that was known.
func (p *page) hero(status site.Status, headline string) {
	p.raw(`<div class="hero"><div class="w"><div class="lead">`)
	p.icon(status)
	p.raw(`<h1>`)
	p.text(headline)
	p.raw(`</h1></div><p class="as">`)
	p.text(p.summary(p.site))
	if p.site.AsOf != 0 {
		p.text(" " + p.say("AsOf") + " ")
		p.raw(`<time id="asof" datetime="`, raw(machineTime(p.site.AsOf)), `">`)
		p.text(p.instant(p.site.AsOf))
		p.raw(`</time>`)
	}
	p.aroundNow()
	p.raw(`</p><p id="old" class="old" hidden>`)
	p.tell("Old")
	p.raw(`</p></div></div>`)
}

// aroundNow says how yesterday was, and that nothing is planned if nothing is.
func (p *page) aroundNow() {
	var says []string
	if yesterday := p.yesterday(p.site); yesterday != "" {
		says = append(says, yesterday)
	}
	if len(p.site.Groups) > 0 && len(p.site.Maintenances)+len(p.site.Upcoming) == 0 {
		says = append(says, p.say("NothingPlanned"))
	}
	if len(says) > 0 {
		p.raw(`<br>`)
		p.text(strings.Join(says, " "))
	}
}

// notice is what the operator has to say.
func (p *page) notice() {
	if p.site.Notice == "" {
		return
	}
	p.raw(`<section class="card"`)
	p.attr("aria-label", p.say("Notice"))
	p.raw(`>`)
	p.markdown(p.site.Notice)
	p.raw(`</section>`)
}

// happening tells of the open incidents, each with its newest update, and of the maintenances
// that are running.
func (p *page) happening(running []site.Maintenance) {
	if len(p.site.Open)+len(running) == 0 {
		return
	}
	p.begin("open", p.say("HappeningNow"))
	for _, i := range p.site.Open {
		p.openIncident(i)
	}
	for _, m := range running {
		p.maintenance(m)
	}
	p.raw(`</section>`)
}

func (p *page) openIncident(i site.Incident) {
	p.raw(`<article class="card inc `, raw(statusName(impactColour(i.Status))), `">`)
	p.raw(`<div class="head">`)
	p.incidentTitle(i)
	p.statusLine(incidentColour(i), p.state(i.State))
	p.raw(`</div><p class="dim">`)
	p.text(p.say("Since") + " ")
	p.time(i.Start)
	p.raw(`</p>`)
	p.hits(i.Affected, i.Global, shownHits)
	if len(i.Updates) > 0 {
		p.raw(`<div class="said">`)
		p.update(i.Updates[0], shownWords)
		p.raw(`</div>`)
	}
	p.raw(`<p class="row more"><a`)
	p.attr("href", p.href(incidentPath(i.ID)))
	p.raw(`>`)
	if len(i.Updates) > 1 {
		p.text(p.count("AllUpdates", int64(len(i.Updates))))
	} else {
		p.tell("Details")
	}
	p.raw(`<span class="sr">: `)
	p.text(p.title(i))
	p.raw(`</span></a></p></article>`)
}

// impactColour is the status whose colour an incident has. One that does nothing to a monitor
// is something to look at nevertheless.
func impactColour(s site.Status) site.Status {
	if s = known(s); s == site.NoData || s == site.Up {
		return site.Degraded
	}
	return s
}

// plans tells of what is announced: maintenances, and incidents that start later.
func (p *page) plans(maintenances []site.Maintenance) {
	if len(maintenances)+len(p.site.Upcoming) == 0 {
		return
	}
	p.begin("plans", p.say("Planned"))
	for _, m := range maintenances {
		p.maintenance(m)
	}
	for _, i := range p.site.Upcoming {
		p.raw(`<article class="card maintenance">`)
		p.raw(`<div class="head">`)
		p.incidentTitle(i)
		p.raw(`</div><p class="dim">`)
		p.text(p.say("From") + " ")
		p.time(i.Start)
		p.raw(`</p>`)
		p.hits(i.Affected, i.Global, shownHits)
		p.raw(`</article>`)
	}
	p.raw(`</section>`)
}

// divide parts the maintenances that are running from those to come.
func divide(all []site.Maintenance) (running, planned []site.Maintenance) {
	for _, m := range all {
		if m.Running {
			running = append(running, m)
		} else {
			planned = append(planned, m)
		}
	}
	return running, planned
}

func (p *page) maintenance(m site.Maintenance) {
	p.raw(`<article class="card maintenance"><div class="head"><h3 dir="auto">`)
	p.text(orElse(m.Title, p.say("Maintenance")))
	p.raw(`</h3>`)
	if m.Running {
		p.statusLine(site.UnderMaintenance, p.say("InProgress"))
	}
	p.raw(`</div><p class="dim">`)
	p.time(m.Start)
	p.text(" " + p.say("To") + " ")
	p.time(m.End)
	p.text(" (" + p.duration(m.End-m.Start) + ")")
	p.raw(`</p>`)
	p.hits(m.Affected, m.Global, shownHits)
	if m.Description != "" {
		p.raw(`<div class="said">`)
		p.markdown(statuspage.Shorten(m.Description, shownWords))
		p.raw(`</div>`)
	}
	p.raw(`</article>`)
}

// services shows the monitors of each category.
func (p *page) services() {
	if len(p.site.Groups) == 0 {
		return
	}
	for n, g := range p.site.Groups {
		p.group(n, g)
	}
	p.legend(whatCounts(p.site.Monitors()...))
}

func (p *page) group(n int, g site.Group) {
	p.raw(`<section aria-labelledby="g`)
	p.number(int64(n))
	p.raw(`"><div class="head"><h2 dir="auto" id="g`)
	p.number(int64(n))
	p.raw(`">`)
	p.text(p.groupName(g))
	p.raw(`</h2>`)
	if len(g.Monitors) > 1 {
		p.statusLine(g.Status, p.groupStatus(g))
	}
	p.raw(`</div><div class="card">`)
	for _, m := range g.Monitors {
		p.monitor(m)
	}
	if len(g.Monitors) > 0 {
		p.ends(g.Monitors[0].Days)
	}
	p.raw(`</div></section>`)
}

func (p *page) groupName(g site.Group) string {
	switch {
	case statuspage.TrimBlank(g.Name) != "":
		return g.Name
	case len(p.site.Groups) > 1:
		return p.say("OtherServices")
	}
	return p.say("ServicesHeading")
}

var partly = map[site.Status]word{site.Down: "PartlyDown", site.Degraded: "PartlyDegraded", site.UnderMaintenance: "PartlyMaintenance"}

func (p *page) groupStatus(g site.Group) string {
	if id, ok := partly[g.Status]; ok && g.Partial {
		return p.say(id)
	}
	return p.status(g.Status)
}

// monitor shows one in the list of its category.
func (p *page) monitor(m site.Monitor) {
	p.raw(`<article class="m"><div class="head"><h3 dir="auto"><a`)
	p.attr("href", p.href(monitorPath(m.Tag)))
	p.raw(`>`)
	p.text(monitorName(m))
	p.raw(`</a></h3>`)
	p.statusLine(m.Status, p.status(m.Status))
	p.raw(`</div>`)
	p.bars(m)
	p.raw(`<div class="head dim"><p>`)
	p.text(p.figures(m))
	p.raw(`</p>`)
	p.days(m)
	p.raw(`</div></article>`)
}

// figures are a monitor's uptime and latency.
func (p *page) figures(m site.Monitor) string {
	says := ""
	if m.Uptime != nil {
		says = p.uptime(*m.Uptime)
	}
	if m.Latency != nil {
		if says != "" {
			says += " · "
		}
		says += p.with("OnAverage", fields{"Latency": p.milliseconds(*m.Latency)})
	}
	return says
}

// days tells what the bars show in words, for those who open it.
func (p *page) days(m site.Monitor) {
	if !p.isEventful(m) {
		return
	}
	says := p.daysCounts(m)
	p.raw(`<details`)
	p.attr("id", "days-"+m.Tag)
	p.raw(`><summary>`)
	for n, s := range says {
		if n > 0 {
			p.text(", ")
		}
		p.text(s)
	}
	p.raw(`</summary>`)
	p.dayList(m)
	p.raw(`</details>`)
}

// isEventful reports whether there was more than days that were up.
func (p *page) isEventful(m site.Monitor) bool {
	return slices.ContainsFunc(m.Days, func(d site.Day) bool { return known(d.Status) != site.Up })
}

// pastIncidents lists the newest ones.
func (p *page) pastIncidents() {
	past := p.site.Past
	p.begin("past", p.say("PastIncidents"))
	if len(past) == 0 {
		p.raw(`<p class="dim">`)
		p.tell("NoPastIncidents")
		p.raw(`</p></section>`)
		return
	}
	p.incidentList(past[:min(len(past), shownPast)])
	p.raw(`<p class="row more"><a`)
	p.attr("href", p.href("/history"))
	p.raw(`>`)
	p.tell("AllIncidents")
	p.raw(`</a></p></section>`)
}

// monitorName is what a monitor is called: its tag if its name can't be seen.
func monitorName(m site.Monitor) string { return orElse(m.Name, m.Tag) }

// orElse returns s, or other when s is blank.
func orElse(s, other string) string {
	if statuspage.TrimBlank(s) == "" {
		return other
	}
	return s
}
