package page

import (
	"slices"
	"strings"

	"tocsin/internal/site"
	"tocsin/internal/statuspage"
)

const (
	shownPast  = 6   // past incidents on the home page
	shownPlans = 5   // maintenances to come on the home page
	shownHits  = 8   // monitors of an incident on the home page
	shownWords = 600 // UTF-16 units of an update on the home page
	shortBars  = 30  // days of a monitor that has one line
)

// homePage is the first page: how everything is, what is going on, and how it was.
func homePage(s *site.Site, lang string) File {
	says := wordsOf(s, lang)
	status, headline := says.headline(s)
	p := newPage(s, lang, head{path: "/", title: headline, description: describe(s, says.summary(s)), status: status, images: slices.ContainsFunc(s.Monitors(), hasImage)})
	p.hero(status, headline)
	p.raw(`<div class="w">`)
	p.notice()
	e := eventsOf(s)
	p.happening(e.open, e.running)
	p.plans(e.planned, e.mostPlanned, e.upcoming)
	p.services()
	if e.mostPast > 0 {
		p.pastIncidents(e.past, e.mostPast)
	}
	p.endedMaintenances(s.Ended)
	p.raw(`</div>`)
	return p.end(200, LeadEvery(s))
}

// events are what a home page shows of what has happened and will.
type events struct {
	open, upcoming, past  []site.Incident
	running, planned      []site.Maintenance
	mostPlanned, mostPast int
}

// eventsOf are those that the settings of the page let it show.
func eventsOf(s *site.Site) events {
	e := events{open: s.Open, upcoming: s.Upcoming, past: s.Past, mostPlanned: shownPlans, mostPast: shownPast}
	e.running, e.planned = divide(site.Next(s.Maintenances))
	says := s.Page.Events
	if says.Open != nil && !*says.Open {
		e.open, e.upcoming = nil, nil
	}
	if says.Running != nil && !*says.Running {
		e.running = nil
	}
	if r := says.Past; r != nil {
		e.mostPast = within(*r)
		e.past = filtered(e.past, func(i site.Incident) bool { return i.End == nil || *i.End > s.AsOf-r.Days*day })
	}
	if r := says.Planned; r != nil {
		e.mostPlanned = within(*r)
		e.planned = filtered(e.planned, func(m site.Maintenance) bool { return s.AsOf == 0 || m.Start <= s.AsOf+r.Days*day })
		if e.mostPlanned == 0 {
			e.planned = nil
		}
	}
	return e
}

// within is how much of a range is shown.
func within(r site.Range) int {
	if r.Days <= 0 {
		return 0
	}
	return int(max(0, min(r.Most, site.Newest)))
}

func filtered[T any](all []T, keep func(T) bool) []T {
	var kept []T
	for _, of := range all {
		if keep(of) {
			kept = append(kept, of)
		}
	}
	return kept
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
	p.raw(`<div class="hero"><div class="w">`)
	heading, end := p.pageName()
	p.raw(`<div class="lead">`)
	p.icon(status)
	p.raw(heading)
	p.text(headline)
	p.raw(end, `</div><p class="as">`)
	p.text(p.summary(p.site))
	if p.site.AsOf != 0 {
		p.text(" " + p.say("AsOf") + " ")
		// The script says that the page is old 15 minutes after the time with this id.
		if LeadEvery(p.site) == Hourly {
			p.time(p.site.AsOf)
			p.raw(`<time hidden id="asof" datetime="`, raw(machineTime(p.site.AsOf+2*Hourly-15*minute)), `"></time>`)
		} else {
			p.raw(`<time id="asof" datetime="`, raw(machineTime(p.site.AsOf)), `">`)
			p.text(p.instant(p.site.AsOf))
			p.raw(`</time>`)
		}
	}
	p.aroundNow()
	p.raw(`</p><p id="old" class="old" hidden>`)
	p.tell("Old")
	p.raw(`</p></div></div>`)
}

// pageName is what the settings say that the page is about. It returns the element for the headline:
// the page's first heading, unless the page has a name for that.
func (p *page) pageName() (heading, end raw) {
	of := p.site.Page
	heading, end = `<h1>`, `</h1>`
	if orElse(of.Header, "") != "" {
		p.raw(`<h1 class="name" dir="auto">`)
		p.text(of.Header)
		p.raw(`</h1>`)
		heading, end = `<p class="h1">`, `</p>`
	}
	if orElse(of.Subheader, "") != "" {
		p.raw(`<p class="name-of" dir="auto">`)
		p.text(of.Subheader)
		p.raw(`</p>`)
	}
	return heading, end
}

// aroundNow says how yesterday was, and that nothing is planned if nothing is.
func (p *page) aroundNow() {
	var says []string
	if yesterday := p.yesterday(p.site); yesterday != "" {
		says = append(says, yesterday)
	}
	if len(p.site.Groups) > 0 && len(site.Next(p.site.Maintenances))+len(p.site.Upcoming) == 0 {
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
func (p *page) happening(open []site.Incident, running []site.Maintenance) {
	if len(open)+len(running) == 0 {
		return
	}
	p.begin("open", p.say("HappeningNow"))
	for _, i := range open {
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
	p.attr("href", p.shared(incidentPath(i.ID)))
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

// plans tells of what is announced: maintenances, at most so many, and incidents that start later.
func (p *page) plans(maintenances []site.Maintenance, most int, upcoming []site.Incident) {
	if len(maintenances)+len(upcoming) == 0 {
		return
	}
	p.begin("plans", p.say("Planned"))
	for _, m := range maintenances[:min(most, len(maintenances))] {
		p.maintenance(m)
	}
	if more := len(maintenances) - most; more > 0 {
		p.raw(`<p class="row more">`)
		p.text(p.count("MorePlanned", int64(more)) + " ")
		p.raw(`<a`)
		p.attr("href", calendarPath)
		p.raw(`>`)
		p.tell("CalendarFile")
		p.raw(`</a></p>`)
	}
	for _, i := range upcoming {
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
		if m.Running() {
			running = append(running, m)
		} else {
			planned = append(planned, m)
		}
	}
	return running, planned
}

// services shows the monitors of each category.
func (p *page) services() {
	if len(p.site.Groups) == 0 {
		return
	}
	for n, g := range p.site.Groups {
		p.group(n, g)
	}
	switch {
	case p.site.Page.Layout.Compact && p.hasBars(): // whose bars a narrow screen has no room for
		p.raw(`<div class="wide">`)
		p.legend(p.whatCounts(p.site.Monitors()...))
		p.raw(`</div>`)
	case p.hasBars():
		p.legend(p.whatCounts(p.site.Monitors()...))
	}
}

// hasBars reports whether the page shows the days of its monitors: the smallest layout has no room.
func (p *page) hasBars() bool { return p.site.Page.Layout != site.Layout{Grid: true, Compact: true} }

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
	layout := p.site.Page.Layout
	if layout.Grid {
		p.raw(`</div><div class="grid">`)
	} else {
		p.raw(`</div><div class="card">`)
	}
	for _, m := range g.Monitors {
		if wide := wideDays(p.site.Page); wide > 0 {
			m = newest(m, wide)
		}
		if layout.Compact {
			p.compactMonitor(newest(m, shortBars))
		} else {
			p.monitor(m)
		}
	}
	if len(g.Monitors) > 0 && layout == (site.Layout{}) {
		p.endsOfBars(g.Monitors[0].Days)
	}
	p.raw(`</div></section>`)
}

// endsOfBars writes the first and the last day below the bars of a home page.
func (p *page) endsOfBars(days []site.Day) {
	if wide := wideDays(p.site.Page); wide > 0 {
		days = days[max(0, len(days)-wide):]
	}
	narrow := narrowDays(p.site.Page)
	if narrow == 0 || len(days) <= narrow {
		p.ends(days)
		return
	}
	p.raw(`<p class="ends dim"><span><span class="wide">`)
	p.day(days[0].Start)
	p.raw(`</span><span class="narrow">`)
	p.day(days[len(days)-narrow].Start)
	p.raw(`</span></span><span>`)
	p.day(days[len(days)-1].Start)
	p.raw(`</span></p>`)
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
	if p.site.Page.Layout.Grid {
		p.raw(`<article class="m card"><div class="head">`)
	} else {
		p.raw(`<article class="m"><div class="head">`)
	}
	p.monitorTitle(m)
	p.statusLine(m.Status, p.status(m.Status))
	p.raw(`</div>`)
	p.shownBars(m)
	if p.site.Page.Layout.Grid {
		p.endsOfBars(m.Days)
	}
	p.raw(`<div class="head dim"><p>`)
	p.text(p.figuresOfDays(m))
	p.raw(`</p>`)
	p.days(m)
	p.raw(`</div></article>`)
}

// compactMonitor shows one in a line.
func (p *page) compactMonitor(m site.Monitor) {
	if p.site.Page.Layout.Grid {
		p.raw(`<article class="m c card">`)
	} else {
		p.raw(`<article class="m c">`)
	}
	p.monitorTitle(m)
	if p.hasBars() {
		p.bars(m)
	}
	p.statusLine(m.Status, p.status(m.Status))
	p.raw(`</article>`)
}

func (p *page) monitorTitle(m site.Monitor) {
	p.raw(`<h3 dir="auto"><a`)
	p.attr("href", p.shared(monitorPath(m.Tag)))
	p.raw(`>`)
	p.symbol(m.Image)
	p.text(monitorName(m))
	p.raw(`</a></h3>`)
}

// shownBars draws the days of a monitor, on narrow screens fewer of them if the page says so.
func (p *page) shownBars(m site.Monitor) {
	if narrowDays(p.site.Page) == 0 {
		p.bars(m)
		return
	}
	p.raw(`<div class="few">`)
	p.bars(m)
	p.raw(`</div>`)
}

// figuresOfDays are the figures of a monitor on a home page, with their days if the page chooses
// these.
func (p *page) figuresOfDays(m site.Monitor) string {
	says := p.figures(m)
	if of := p.site.Page; says != "" && (wideDays(of) > 0 || narrowDays(of) > 0) {
		return p.count("LastDays", int64(len(m.Days))) + ": " + says
	}
	return says
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

// pastIncidents lists the newest ones, at most so many.
func (p *page) pastIncidents(past []site.Incident, most int) {
	p.begin("past", p.say("PastIncidents"))
	if len(past) == 0 {
		p.raw(`<p class="dim">`)
		p.tell("NoPastIncidents")
		p.raw(`</p></section>`)
		return
	}
	p.incidentList(past[:min(len(past), most)])
	p.raw(`<p class="row more"><a`)
	p.attr("href", p.href("/history"))
	p.raw(`>`)
	p.tell("AllIncidents")
	p.raw(`</a></p></section>`)
}

// endedMaintenances lists some that are over.
func (p *page) endedMaintenances(ended []site.Maintenance) {
	if len(ended) == 0 {
		return
	}
	p.begin("ended", p.say("PastMaintenances"))
	p.raw(`<ol class="list">`)
	for _, m := range ended {
		p.raw(`<li class="`, raw(statusName(occurrenceColour(m.State))), `"><p class="dim">`)
		p.time(m.Start)
		p.raw(`</p><div><h3 dir="auto"><a`)
		p.attr("href", p.shared(occurrencePath(m.ID)))
		p.raw(`>`)
		p.text(p.maintenanceTitle(m))
		p.raw(`</a></h3><p class="dim">`)
		p.coloured(p.occurrenceState(m.State))
		p.text(" · " + p.duration(m.End-m.Start))
		p.raw(`</p></div></li>`)
	}
	p.raw(`</ol></section>`)
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
