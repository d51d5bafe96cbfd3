package page

import (
	"fmt"
	"strings"
	"unicode"

	"tocsin/internal/site"
	"tocsin/internal/statuspage"
)

const (
	textColumns = 80   // how wide plain text is, as terminals are
	textLength  = 1000 // of an update in it, in UTF-16 units
)

const textType = "text/plain; charset=utf-8"

// textFiles tell programs what is here.
func textFiles(s *site.Site) []File {
	return []File{
		{Path: "/robots.txt", Type: textType, Status: 200, Body: robotsText(s), Every: Hourly},
		{Path: "/llms.txt", Type: textType, Status: 200, Body: llmsText(s), Every: Hourly},
	}
}

// A sheet is plain text of 80 columns. What comes from outside has no control characters, which
// a terminal would obey, and takes up one line or is wrapped.
type sheet struct {
	*words
	strings.Builder
}

// statusText is the state of the whole, what is open and planned, and the monitors.
func statusText(s *site.Site) []byte {
	t := sheet{words: mainWords(s)}
	_, headline := t.headline(s)
	t.lines("", headline)
	t.lines("", titleOf(s)+". "+t.say("AsOf")+" "+t.instant(s.AsOf)+".")
	if yesterday := t.yesterday(s); yesterday != "" {
		t.lines("", yesterday)
	}
	if s.Demo != "" {
		t.lines("", t.say("DemoNote"))
		t.WriteString("  " + statuspage.OneLine(s.Demo) + "\n") // in one line, to be pasted
	}
	if s.Notice != "" {
		t.heading("Notice")
		t.lines("", plain(s.Notice))
	}
	running, planned := divide(site.Next(s.Maintenances))
	if len(s.Open)+len(running) > 0 {
		t.heading("HappeningNow")
	}
	for _, i := range s.Open {
		t.incident(s, i, t.state(i.State)+". "+t.say("Since")+" "+t.instant(i.Start)+".")
	}
	for _, m := range running {
		t.maintenance(s, m)
	}
	if len(planned)+len(s.Upcoming) > 0 {
		t.heading("Planned")
	}
	for _, m := range planned {
		t.maintenance(s, m)
	}
	for _, i := range s.Upcoming {
		t.incident(s, i, t.say("From")+" "+t.instant(i.Start)+".")
	}
	if len(s.Groups) > 0 {
		t.heading("ServicesHeading")
	}
	for _, g := range s.Groups {
		t.group(g, len(s.Groups) == 1)
	}
	t.WriteString("\n")
	t.lines("", t.say("AllIncidents")+": "+link(s, address(s, t.lang, "/history")))
	return []byte(t.String())
}

func (t *sheet) heading(id word) { t.WriteString("\n" + strings.ToUpper(t.say(id)) + "\n") }

func (t *sheet) incident(s *site.Site, i site.Incident, when string) {
	t.lines("* ", t.title(i))
	t.lines("  ", when)
	t.affected(i.Affected, i.Global)
	if len(i.Updates) > 0 {
		u := i.Updates[0]
		t.lines("  ", t.instant(u.Time)+": "+plain(statuspage.Shorten(u.Text, textLength)))
	}
	t.WriteString("  " + link(s, incidentPath(i.ID)) + "\n")
}

func (t *sheet) maintenance(s *site.Site, m site.Maintenance) {
	t.lines("* ", t.maintenanceTitle(m))
	t.lines("  ", t.occurrenceState(m.State)+". "+t.span(m.Start, m.End)+".")
	if !m.Schedule.OneTime() {
		t.lines("  ", t.schedule(m.Schedule)+".")
	}
	t.affected(m.Affected, m.Global)
	t.lines("  ", plain(statuspage.Shorten(m.Description, textLength)))
	t.WriteString("  " + link(s, occurrencePath(m.ID)) + "\n")
}

func (t *sheet) affected(affected []site.Affected, global bool) {
	t.lines("  ", affectedText(t.words, affected, global))
}

// affectedText names the monitors that an incident or a maintenance concerns, with what it does
// to them.
func affectedText(w *words, affected []site.Affected, global bool) string {
	var all []string
	for _, a := range affected {
		all = append(all, a.Name+" ("+w.inText(a.Status)+")")
	}
	if global {
		all = append(all, w.say("EverythingAffected"))
	}
	return strings.Join(all, ", ")
}

// group writes the monitors of a group, which may be the only one.
func (t *sheet) group(g site.Group, only bool) {
	if g.Name != "" {
		t.lines("", g.Name)
	} else if !only {
		t.lines("", t.say("OtherServices"))
	}
	for _, m := range g.Monitors {
		uptime := ""
		if m.Uptime != nil {
			uptime = t.percent(site.FormatUptime(*m.Uptime))
		}
		const figure = 9
		state := 0
		for id := range statusNames {
			state = max(state, columns(t.status(id))+2)
		}
		t.WriteString(padded("  "+padded(t.status(m.Status), state)+statuspage.OneLine(monitorName(m)), textColumns-figure))
		t.WriteString(strings.Repeat(" ", max(0, figure-columns(uptime))) + uptime + "\n")
	}
}

// lines writes a paragraph, its first line after the lead and all others indented as far. An
// empty one is left out.
func (t *sheet) lines(lead, text string) {
	for _, line := range wrapped(statuspage.OneLine(text), textColumns-len(lead)) {
		t.WriteString(lead + line + "\n")
		lead = strings.Repeat(" ", len(lead))
	}
}

// columns is about how many columns of a terminal the text takes up.
func columns(s string) int {
	n := 0
	for _, r := range s {
		n += columnsOf(r)
	}
	return n
}

func columnsOf(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case r >= 0x1100 && unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana) || r >= 0x1f000:
		return 2
	}
	return 1
}

// headOf is as much of the text as fits into so many columns, and the rest.
func headOf(s string, width int) (fits, rest string) {
	n := 0
	for at, r := range s {
		if n += columnsOf(r); n > width {
			return s[:at], s[at:]
		}
	}
	return s, ""
}

// padded is the text in exactly so many columns: cut, or with spaces after it.
func padded(s string, width int) string {
	if columns(s) >= width {
		s, _ = headOf(s, width-2)
		s += "…"
	}
	return s + strings.Repeat(" ", width-columns(s))
}

// wrapped breaks a text that is on one line into lines of at most so many columns.
func wrapped(s string, width int) []string {
	var all []string
	for s != "" {
		line, rest := headOf(s, width)
		if rest != "" && !strings.HasPrefix(rest, " ") {
			if at := strings.LastIndexByte(line, ' '); at > 0 {
				line, rest = s[:at], s[at:]
			}
		}
		all = append(all, strings.TrimRight(line, " "))
		s = strings.TrimLeft(rest, " ")
	}
	return all
}

// robotsText lets everybody in. Pages that are not to be listed say so themselves.
func robotsText(s *site.Site) []byte {
	text := "User-agent: *\nAllow: /\n"
	if hasSitemap(s) {
		text += "Sitemap: " + s.URL + sitemapPath + "\n"
	}
	return []byte(text)
}

// llmsText tells a language model what the site is and where it finds that as data.
func llmsText(s *site.Site) []byte {
	var b strings.Builder
	w := mainWords(s)
	fmt.Fprintf(&b, "# %s\n\n> %s\n\n", statuspage.OneLine(titleOf(s)), w.say("AboutSite"))
	tell := func(path, says string) { fmt.Fprintf(&b, "- [%s](%s): %s\n", path, link(s, path), says) }
	tell("/status.txt", w.say("AboutText"))
	tell("/api/v2/summary.json", w.say("AboutSummary"))
	tell("/api/v2/status.json", w.say("AboutStatus"))
	tell("/api/v2/incidents.json", w.say("AboutIncidents"))
	tell("/feed.json", w.say("AboutFeed"))
	tell(calendarPath, w.say("AboutCalendar"))
	tell("/history", w.say("AboutHistory"))
	if monitors := s.Everything().Monitors(); len(monitors) > 0 { // by the first one of them
		tell(dataPath(monitors[0].Tag), w.say("AboutData"))
	}
	for _, other := range s.Pages {
		tell(other.Page.Base()+"/status.txt", w.with("AboutPage", fields{"Name": statuspage.OneLine(titleOf(other))}))
	}
	return []byte(b.String())
}
