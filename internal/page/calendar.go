package page

import (
	"strings"
	"time"
	"unicode/utf8"

	"tocsin/internal/site"
	"tocsin/internal/statuspage"
)

const (
	calendarPath = "/maintenances.ics"
	calendarType = "text/calendar; charset=utf-8"
)

// calendarFile has the maintenances as events for calendars (RFC 5545). Its bytes move only when
// one of them does.
func calendarFile(s *site.Site) File {
	w := mainWords(s)
	c := calendar{}
	c.line("BEGIN", "VCALENDAR")
	c.line("VERSION", "2.0")
	c.line("PRODID", "-//Tocsin//Status page//"+strings.ToUpper(w.lang))
	c.text("NAME", w.say("Maintenance")+": "+titleOf(s)) // RFC 7986
	c.text("X-WR-CALNAME", w.say("Maintenance")+": "+titleOf(s))
	c.line("REFRESH-INTERVAL;VALUE=DURATION", "PT1H") // RFC 7986
	if len(s.Maintenances) == 0 {
		c.nothing()
	}
	for _, m := range s.Maintenances {
		c.event(s, w, m)
	}
	c.line("END", "VCALENDAR")
	return File{Path: calendarPath, Type: calendarType, Status: 200, Body: []byte(c.String()), Every: Hourly}
}

// A calendar is text in the lines of RFC 5545.
type calendar struct{ strings.Builder }

// event writes one occurrence. Its UID is the same for ever.
func (c *calendar) event(s *site.Site, w *words, m site.Maintenance) {
	c.line("BEGIN", "VEVENT")
	c.line("UID", strings.TrimPrefix(stableID("maintenance", m.ID, m.Created), "urn:uuid:"))
	c.line("DTSTAMP", calendarTime(m.Updated))
	c.line("LAST-MODIFIED", calendarTime(m.Updated))
	c.line("CREATED", calendarTime(m.Created))
	c.line("DTSTART", calendarTime(m.Start))
	c.line("DTEND", calendarTime(m.End))
	c.text("SUMMARY", w.maintenanceTitle(m))
	about := plain(statuspage.Shorten(m.Description, maxText))
	if of := affectedText(w, m.Affected, m.Global); of != "" {
		about = strings.TrimSpace(about + "\n\n" + w.say("AffectedServices") + ": " + of)
	}
	if about != "" {
		c.text("DESCRIPTION", about)
	}
	if s.URL != "" {
		c.line("URL", link(s, occurrencePath(m.ID)))
	}
	status := "CONFIRMED"
	if m.State == statuspage.Cancelled {
		status = "CANCELLED"
	}
	c.line("STATUS", status)
	c.line("TRANSP", "TRANSPARENT") // nobody is busy because of it
	c.line("END", "VEVENT")
}

// nothing is what stands in a calendar without events, since it has to have something.
func (c *calendar) nothing() {
	c.line("BEGIN", "VTIMEZONE")
	c.line("TZID", "Etc/UTC")
	c.line("BEGIN", "STANDARD")
	c.line("DTSTART", "19700101T000000")
	c.line("TZOFFSETFROM", "+0000")
	c.line("TZOFFSETTO", "+0000")
	c.line("END", "STANDARD")
	c.line("END", "VTIMEZONE")
}

// calendarTime writes t (UTC seconds): "20261127T024221Z".
func calendarTime(t int64) string { return time.Unix(t, 0).UTC().Format("20060102T150405Z") }

var calendarText = strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\n", `\n`)

// text writes a property whose value is a text.
func (c *calendar) text(name, value string) {
	value = strings.Map(func(r rune) rune {
		if r == '\n' {
			return r
		}
		return statuspage.Printable(r)
	}, strings.ReplaceAll(value, "\r\n", "\n"))
	c.line(name, calendarText.Replace(value))
}

// line writes a property, folded so that no line has more than 75 bytes.
func (c *calendar) line(name, value string) {
	const most = 75
	rest := name + ":" + value
	for width := most; len(rest) > width; width = most - 1 {
		cut := width
		for cut > 1 && !utf8.RuneStart(rest[cut]) {
			cut--
		}
		c.WriteString(rest[:cut] + "\r\n ")
		rest = rest[cut:]
	}
	c.WriteString(rest + "\r\n")
}
