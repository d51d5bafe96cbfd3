package page

import (
	"image/color"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"tocsin/internal/site"
	"tocsin/internal/statuspage"
)

// The kinds of badges.
const (
	badgeStatus  = "status"
	badgeUptime  = "uptime"
	badgeLatency = "latency"
	badgeDot     = "dot"
)

// labelLength limits a badge's label, in UTF-16 units.
const labelLength = 48

// figureColour is that of the figures of a badge, and labelColour that of its label.
var (
	figureColour = color.RGBA{0x0b, 0x5f, 0xc0, 255}
	labelColour  = color.RGBA{0x33, 0x33, 0x33, 255}
)

// Badge draws the badge of one kind, "status", "uptime", "latency" or "dot", as SVG; ok is false
// for another kind. What the query says is checked, and what is wrong in it is as if it were not
// there:
//
//   - label: text in place of the monitor's name. labelColor, color: three or six hexadecimal
//     digits, or a name of CSS. style: flat, flat-square, plastic, for-the-badge or social.
//     locale: one of Languages, in place of the data's.
//   - of uptime and latency, sinceLast: how many seconds to look back, 60 or more; up to two days
//     it is rounded up to whole hours, else to whole days, of which there are 90. The hour or day
//     that has just begun is one of them. hideDuration=true: the label doesn't say it.
//   - of latency, metric: average, maximum or minimum. There are averages of an hour or a day, so
//     the greatest and the least are of those.
//   - of dot, animate=ping: a ring that grows, unless the reader wants no motion. fillColor: as color.
func Badge(kind string, d Data, q url.Values) (svg []byte, ok bool) {
	b, ok := badgeOf(kind, d, q)
	if !ok {
		return nil, false
	}
	return b.svg(q), true
}

// A badge is what a badge says, and in which colours.
type badge struct {
	kind, label, message     string
	labelColour, valueColour color.RGBA
}

func badgeOf(kind string, d Data, q url.Values) (badge, bool) {
	lang, m := q.Get("locale"), d.Monitor
	if !slices.Contains(Languages, lang) {
		lang = d.Language
	}
	w := wordsIn(lang)
	b := badge{kind: kind, label: labelText(orElse(q.Get("label"), monitorName(m))), labelColour: labelColour, valueColour: figureColour}
	switch kind {
	case badgeStatus, badgeDot:
		b.message, b.valueColour = w.status(m.Status), palettesOf(d.Colours, d.DarkColours).statusColour(m.Status)
	case badgeUptime, badgeLatency:
		p := periodOf(m, q.Get("sinceLast"))
		b.message = w.say("NoData")
		if percent, counted := p.uptime(m); kind == badgeUptime && counted {
			b.message = w.percent(site.FormatUptime(percent))
		}
		if ms, measured := p.latency(q.Get("metric")); kind == badgeLatency && measured {
			b.message = w.milliseconds(ms)
		}
		if q.Get("hideDuration") != "true" {
			b.label = strings.TrimSpace(b.label + " " + p.name)
		}
	default:
		return badge{}, false
	}
	if c, ok := parseColour(q.Get("labelColor")); ok {
		b.labelColour = c
	}
	parameter := "color"
	if kind == badgeDot {
		parameter = "fillColor"
	}
	if c, ok := parseColour(q.Get(parameter)); ok {
		b.valueColour = c
	}
	return b, true
}

// svg draws the badge.
func (b badge) svg(q url.Values) []byte {
	if b.kind == badgeDot {
		return b.dot(q.Get("animate") == "ping")
	}
	return b.draw(q.Get("style"))
}

// labelText is a text as a badge shows it: on one line, and not too long.
func labelText(s string) string { return statuspage.Shorten(statuspage.OneLine(s), labelLength) }

// A period is how far back a badge looks.
type period struct {
	name   string // "90d", "5h"
	counts []site.Counts
}

// periodOf is that of the parameter sinceLast.
func periodOf(m site.Monitor, sinceLast string) period {
	seconds, err := strconv.ParseInt(sinceLast, 10, 64)
	if err != nil || seconds < minute || seconds > site.Days*day {
		seconds = site.Days * day
	}
	var p period
	if seconds <= 2*day {
		n := int((seconds + hour - 1) / hour)
		for _, h := range m.Hours[max(0, len(m.Hours)-n):] {
			p.counts = append(p.counts, h.Counts)
		}
		p.name = strconv.Itoa(n) + "h"
		if n%24 == 0 {
			p.name = strconv.Itoa(n/24) + "d"
		}
		return p
	}
	n := int((seconds + day - 1) / day)
	for _, d := range m.Days[max(0, len(m.Days)-n):] {
		p.counts = append(p.counts, d.Counts)
	}
	p.name = strconv.Itoa(n) + "d"
	return p
}

func (p period) uptime(m site.Monitor) (percent float64, counted bool) {
	return site.Sum(p.counts).Uptime(m.Formula)
}

// latency is milliseconds, and false when none was measured.
func (p period) latency(metric string) (ms float64, measured bool) {
	var all []float64
	for _, c := range p.counts {
		if c.Latency != nil {
			all = append(all, *c.Latency)
		}
	}
	if len(all) == 0 {
		return 0, false
	}
	switch metric {
	case "maximum":
		return slices.Max(all), true
	case "minimum":
		return slices.Min(all), true
	}
	return *site.Sum(p.counts).Latency, true
}

// badgePath is the address of a badge.
func badgePath(tag, kind string) string { return "/badge/" + url.PathEscape(tag) + "/" + kind }

// badgeFiles are the badges without parameters, and what shields.io draws them from.
func badgeFiles(d Data) []File {
	var files []File
	for _, kind := range []string{badgeStatus, badgeUptime, badgeLatency, badgeDot} {
		b, _ := badgeOf(kind, d, nil)
		path := badgePath(d.Monitor.Tag, kind)
		files = append(files, svgFile(path, b.svg(nil), every(d.Monitor.Status)))
		if kind == badgeDot {
			continue
		}
		files = append(files, jsonFile(path+".json", every(d.Monitor.Status), shieldJSON{1, b.label, b.message, hexColour(b.valueColour), 300}))
	}
	return files
}

func svgFile(path string, svg []byte, every int64) File {
	return File{Path: path, Type: "image/svg+xml; charset=utf-8", Status: 200, Body: svg, Every: every}
}

// A shieldJSON is what shields.io's endpoint badge reads.
type shieldJSON struct {
	SchemaVersion int    `json:"schemaVersion"`
	Label         string `json:"label"`
	Message       string `json:"message"`
	Color         string `json:"color"`
	CacheSeconds  int    `json:"cacheSeconds"`
}
