package page

import "tocsin/internal/site"

// embedFile is the embed of a monitor at its plain address.
func embedFile(m site.Monitor) File {
	return File{Path: embedPath(m.Tag), Type: htmlType, Status: 200, Body: Embed(m, "", site.Days), Every: Hourly}
}

// Embed is a small page about the monitor that other sites show in a frame. The theme is
// "light", "dark" or "", which is that of the reader's system. It shows so many of the newest
// days, at least one.
func Embed(m site.Monitor, theme string, days int) []byte {
	rules := colours(theme) + packed(sharedRules+embedRules)
	days = max(1, days)
	m.Days = m.Days[max(0, len(m.Days)-days):]
	if days < site.Days {
		m.Uptime, m.Latency = nil, sum(m, days).Latency
		if percent, counted := sum(m, days).Uptime(m.DegradedIsDown); counted {
			m.Uptime = &percent
		}
	}
	p := &page{words: wordsIn(Languages[0]), site: &site.Site{}, drawn: map[site.Status]bool{}}
	p.raw(`<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy"`)
	p.attr("content", policy(rules, ""))
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
