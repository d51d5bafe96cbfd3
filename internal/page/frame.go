package page

import (
	"net/url"
	"strconv"
	"strings"

	"tocsin/internal/site"
)

const htmlType = "text/html; charset=utf-8"

// A page is an HTML page in the making.
type page struct {
	writer
	*words
	site  *site.Site
	head  head
	look  look
	drawn map[site.Status]bool // the icons that it has
}

// head is what the frame of a page has to know of it.
type head struct {
	path        string      // in English
	title       string      // what begins the page's title
	description string      // for search engines and previews
	status      site.Status // gives the page its colour and icon
	tag         string      // of the monitor that the page is about, whose feeds are offered
	plain       bool        // its top has no colour: it is not about how things are now
	images      bool        // it shows images of monitors
	unlisted    bool        // search engines are not to keep it
}

// newPage begins a page in the language: everything up to its main part.
func newPage(s *site.Site, lang string, h head) *page {
	w := wordsOf(s, lang)
	p := &page{words: w, site: s, head: h, look: lookOf(s, h, w.script()), drawn: map[site.Status]bool{}}
	p.raw(`<!doctype html><html`)
	p.attr("lang", p.lang)
	p.raw(`><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy"`)
	p.attr("content", p.look.policy)
	p.raw(`><meta name="viewport" content="width=device-width"><title>`)
	p.text(h.title + " · " + p.siteTitle())
	p.raw(`</title>`)
	p.meta(`name="description" property="og:description"`, h.description)
	p.meta(`property="og:title"`, h.title)
	p.addresses()
	p.themes()
	p.raw(`<link rel="icon"`)
	p.attr("href", orElse(p.look.favicon, p.look.tabIcon(h.status)))
	p.raw(`><style>`, raw(p.look.style), `</style>`)
	if s.Settings.CSS != "" {
		p.raw(`<link rel="stylesheet" href="`, StylePath, `">`)
	}
	p.raw(`</head><body class="`, h.class(), `"><a class="skip" href="#main">`)
	p.tell("Skip")
	p.raw(`</a>`)
	p.announcement()
	p.demo()
	p.top()
	p.raw(`<main id="main">`)
	return p
}

// class is that of a page, by which its top gets its colour.
func (h head) class() raw {
	if h.plain {
		return "plain"
	}
	return raw(statusName(h.status))
}

// script is the page's script. A site that has a format of times has its own, whose text is in
// the policy.
func (w *words) script() string {
	if !w.formats.given {
		return script
	}
	return strings.Replace(script, zonedTime, w.formats.dateAndTime.javascript(), 1)
}

// zonedTime is where the script writes the Date at in the form of the browser.
const zonedTime = `zoned.format(at).replace(/:\d\d /, ' ')`

// end writes what comes after the main part, and returns the page's file.
func (p *page) end(status int, every int64) File {
	p.sprite()
	p.raw(`</main>`)
	p.footer()
	p.raw(`<script>`, raw(p.script()), `</script></body></html>`)
	return File{Path: p.href(p.head.path), Type: htmlType, Status: status, Body: p.b, Every: every}
}

// tell writes a message that has no places.
func (p *page) tell(id word) { p.text(p.say(id)) }

// siteName is the site's name, or what stands for it.
func (w *words) siteName(s *site.Site) string { return orElse(s.Name, w.say("Status")) }

// href is the address of a page of the same site in the same language.
func (p *page) href(path string) string { return address(p.site, p.lang, path) }

// shared is the address of a page in the same language that there is once for all pages.
func (p *page) shared(path string) string { return shared(p.site, p.lang, path) }

func monitorPath(tag string) string      { return "/monitors/" + url.PathEscape(tag) }
func embedPath(tag string) string        { return "/embed/monitor-" + url.PathEscape(tag) }
func incidentPath(id int64) string       { return "/incidents/" + strconv.FormatInt(id, 10) }
func (p *page) whole(path string) string { return p.site.URL + path }

func (p *page) meta(name raw, content string) {
	p.raw(`<meta `, name)
	p.attr("content", content)
	p.raw(`>`)
}

// addresses says where the page, its translations, its feeds and its picture are.
func (p *page) addresses() {
	h := p.head
	if h.unlisted {
		p.raw(`<meta name="robots" content="noindex">`)
	} else if p.site.URL != "" {
		p.raw(`<link rel="canonical"`)
		p.link("href", p.whole(p.href(h.path)))
		p.raw(`>`)
		p.translations()
	}
	if picture := p.picture(); picture != "" {
		p.meta(`property="og:image"`, picture)
	}
	if !p.site.Settings.NoFeeds {
		p.feeds(p.feedBase())
	}
}

// translations says where the page is in each language, if it is in several. Who reads none of
// them gets the main one.
func (p *page) translations() {
	all := languagesOf(p.site)
	if len(all) == 1 {
		return
	}
	for _, lang := range all {
		p.translation(lang, address(p.site, lang, p.head.path))
	}
	if p.site.Settings.Languages != nil {
		p.translation("x-default", address(p.site, all[0], p.head.path))
	}
}

func (p *page) translation(lang, path string) {
	p.raw(`<link rel="alternate"`)
	p.attr("hreflang", lang)
	p.link("href", p.whole(path))
	p.raw(`>`)
}

// feedBase is where the addresses of the page's feeds begin.
func (p *page) feedBase() string {
	if p.head.tag != "" {
		return monitorPath(p.head.tag)
	}
	return p.site.Page.Base()
}

// feeds offers the feeds below the path to programs that look for them.
func (p *page) feeds(path string) {
	for _, f := range []struct{ kind, name string }{{"application/atom+xml", "atom.xml"}, {"application/rss+xml", "rss.xml"}, {"application/feed+json", "feed.json"}} {
		p.raw(`<link rel="alternate"`)
		p.attr("type", f.kind)
		p.link("href", path+"/"+f.name)
		p.raw(`>`)
	}
}

// themes gives the colour that a browser may surround the page with: that of its top.
func (p *page) themes() {
	if theme := p.site.Settings.Theme; theme != "" {
		p.meta(`name="theme-color"`, p.topColour(theme))
		return
	}
	for _, theme := range []string{"light", "dark"} {
		p.raw(`<meta name="theme-color"`)
		p.attr("content", p.topColour(theme))
		p.attr("media", "(prefers-color-scheme:"+theme+")")
		p.raw(`>`)
	}
}

// topColour is the colour of the page's top in a theme.
func (p *page) topColour(theme string) string {
	if p.head.plain {
		return colour(theme, "paper")
	}
	return p.look.colour(theme, statusName(p.head.status)+"-tint")
}

// demo says that the data is invented.
func (p *page) demo() {
	if p.site.Demo == "" {
		return
	}
	p.raw(`<aside class="demo dim"`)
	p.attr("aria-label", p.say("DemoLabel"))
	p.raw(`><p class="w">`)
	p.tell("DemoNote")
	p.raw(` <code>`)
	p.text(p.site.Demo)
	p.raw(`</code></p></aside>`)
}

// top writes the site's name and the way to the other pages. The paragraph at its end is
// where a script says that the state has changed.
func (p *page) top() {
	p.raw(`<header class="top"><div class="w head row"><a dir="auto"`)
	p.attr("href", p.href("/"))
	p.raw(`>`)
	p.brand()
	p.raw(`</a><nav`)
	p.attr("aria-label", p.say("Pages"))
	p.raw(`><ul class="row">`)
	p.listLink(p.href("/"), "Status")
	p.listLink(p.href("/history"), "History")
	p.navigation()
	p.raw(`</ul></nav><p id="live" class="sr" role="status"></p></div>`)
	p.switcher()
	p.raw(`</header>`)
}

// footer writes the other forms of the page, its languages, and what its times are.
func (p *page) footer() {
	type form struct{ name, path string }
	feeds := p.feedBase()
	forms := []form{{"Atom", feeds + "/atom.xml"}, {"RSS", feeds + "/rss.xml"}, {"JSON Feed", feeds + "/feed.json"}}
	if p.site.Settings.NoFeeds {
		forms = nil
	}
	base := p.site.Page.Base()
	p.raw(`<footer class="dim"><div class="w"><ul class="row">`)
	for _, l := range append(forms, form{"JSON", base + "/api/v2/summary.json"}, form{p.say("PlainText"), base + "/status.txt"}) {
		p.raw(`<li><a`)
		p.attr("href", l.path)
		p.raw(`>`)
		p.text(l.name)
		p.raw(`</a></li>`)
	}
	p.languageSwitch()
	p.raw(`</ul><p>`)
	p.tell("TimesAreUTC")
	p.raw(`</p>`)
	p.ownFooter()
	p.raw(`</div></footer>`)
}

// languageSwitch leads to the same page in the other languages. A page that is nowhere has
// none: its address is that of what was asked for.
func (p *page) languageSwitch() {
	for _, lang := range languagesOf(p.site) {
		if lang == p.lang || p.head.unlisted {
			continue
		}
		p.raw(`<li><a`)
		p.attr("lang", lang)
		p.attr("hreflang", lang)
		p.attr("href", address(p.site, lang, p.head.path))
		p.raw(`>`)
		p.text(wordsIn(lang).say("Language"))
		p.raw(`</a></li>`)
	}
}

// time writes an instant (UTC seconds) in a form that the script makes the reader's own.
func (p *page) time(t int64) {
	p.raw(`<time datetime="`, raw(machineTime(t)), `">`)
	p.text(p.instant(t))
	p.raw(`</time>`)
}

// day writes the UTC day of t.
func (p *page) day(t int64) { p.text(p.date(t)) }

// statusLine writes a status with its icon, in words of the caller.
func (p *page) statusLine(s site.Status, says string) {
	p.raw(`<span class="s `, raw(statusName(s)), `">`)
	p.icon(s)
	p.text(says)
	p.raw(`</span>`)
}

// begin opens a section with a heading. The id is one of the page's own.
func (p *page) begin(id raw, heading string) {
	p.raw(`<section aria-labelledby="`, id, `"><h2 id="`, id, `" dir="auto">`)
	p.text(heading)
	p.raw(`</h2>`)
}

// listLink writes an entry of a list that leads to a path.
func (p *page) listLink(path string, name word) {
	p.raw(`<li><a`)
	p.attr("href", path)
	p.raw(`>`)
	p.tell(name)
	p.raw(`</a></li>`)
}
