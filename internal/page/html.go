package page

import "tocsin/internal/site"

// htmlFiles are the pages for people, but for the first one.
func htmlFiles(s *site.Site) []File {
	var files []File
	files = append(files, inEachLanguage(s, func(lang string) File { return historyPage(s, lang) })...)
	files = append(files, inEachLanguage(s, func(lang string) File { return missingPage(s, lang) })...)
	for _, m := range s.Everything().Monitors() {
		files = append(files, inEachLanguage(s, func(lang string) File { return monitorPage(s.Everything(), lang, m) })...)
		files = append(files, embedFile(s, m))
	}
	return files
}

// missing is the address of the page that is answered where nothing is.
const missing = "/404"

// missingPage is what an address answers where nothing is.
func missingPage(s *site.Site, lang string) File {
	return deadEnd(s, lang, missing, 404, "Missing", "MissingHint")
}

// deadEnd is a page that has nothing but a way back.
func deadEnd(s *site.Site, lang, path string, status int, headline, hint word) File {
	w := wordsOf(s, lang)
	p := newPage(s, lang, head{path: path, title: w.say(headline), description: w.say(hint), status: site.NoData, plain: true, unlisted: true})
	p.raw(`<div class="hero"><div class="w"><h1>`)
	p.tell(headline)
	p.raw(`</h1><p class="as">`)
	p.tell(hint)
	p.raw(`</p></div></div><div class="w"><section><ul class="row">`)
	p.listLink(p.href("/"), "BackToStatus")
	p.listLink(p.href("/history"), "AllIncidents")
	p.raw(`</ul></section></div>`)
	return p.end(status, Hourly)
}
