package page

import "tocsin/internal/site"

// embedFile is the embed of a monitor at its plain address.
func embedFile(s *site.Site, m site.Monitor) File {
	return File{Path: embedPath(m.Tag), Type: htmlType, Status: 200, Body: Embed(dataAbout(s, m), "", site.Days), Every: every(m.Status)}
}

// Embed is a small page about the monitor of the data that other sites show in a frame. The theme is
// "light", "dark" or "", which is that of the reader's system. It shows so many of the newest
// days, at least one.
func Embed(d Data, theme string, days int) []byte {
	m := newest(d.Monitor, max(1, days))
	rules := colours(theme, palettesOf(d.Colours, d.DarkColours)) + packed(sharedRules+embedRules)
	p := &page{words: wordsIn(d.Language).dressed(site.Formats{Date: d.DateFormat}), site: &site.Site{}, drawn: map[site.Status]bool{}}
	p.raw(`<!doctype html><html`)
	p.attr("lang", p.lang)
	p.raw(`><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy"`)
	p.attr("content", policy(rules, false, false))
	p.raw(`><meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex"><title>`)
	p.text(p.status(m.Status) + ": " + monitorName(m))
	p.raw(`</title><style>`, raw(rules), `</style></head><body><main><div class="head"><h1 dir="auto"><a target="_blank" rel="noopener"`)
	p.attr("href", monitorPath(m.Tag))
	p.raw(`>`)
	p.text(monitorName(m))
	p.raw(`</a></h1>`)
	p.statusLine(m.Status, p.status(m.Status))
	p.raw(`</div>`)
	p.bars(m)
	p.ends(m.Days)
	p.raw(`<p class="dim">`)
	p.text(p.figures(m))
	p.raw(`</p>`)
	p.sprite()
	p.raw(`</main></body></html>`)
	return p.b
}

// newest is the monitor with so many of its newest days, and with their uptime and latency.
func newest(m site.Monitor, days int) site.Monitor {
	if days >= site.Days {
		return m
	}
	m.Days = m.Days[max(0, len(m.Days)-days):]
	of := sum(m, days)
	m.Uptime, m.Latency = nil, of.Latency
	if percent, counted := of.Uptime(m.Formula); counted {
		m.Uptime = &percent
	}
	return m
}
