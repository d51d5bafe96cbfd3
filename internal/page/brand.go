package page

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"tocsin/internal/site"
)

// A look is how the settings of a site make a page look.
type look struct {
	palettes
	style   string // inline
	policy  string
	logo    string // address of an image, "" none
	favicon string // likewise
	footer  string // HTML
}

// plainLooks are those of a site that nobody has said anything about: of home, and of other pages.
var plainLooks = map[bool]look{
	true:  {style: homeStyle, policy: policy(homeStyle, false, false, script)},
	false: {style: detailStyle, policy: policy(detailStyle, false, false, script)},
}

// lookOf is the look of a page of the site that ends with a script. The home page, which has to be
// light, has no rules that only other pages need.
func lookOf(s *site.Site, h head, ending string) look {
	of := s.Settings
	l := look{palettes: palettesOf(of.Colours, of.DarkColours), footer: harmless(of.Footer)}
	for _, address := range []string{s.Page.Logo, of.Logo} {
		if l.logo == "" && safeImage(address) {
			l.logo = address
		}
	}
	if safeImage(of.Favicon) {
		l.favicon = of.Favicon
	}
	images := h.images || l.logo != "" || l.favicon != "" || of.CSS != "" || strings.Contains(l.footer, "<img")
	for _, n := range of.Nav {
		images = images || safeImage(n.Icon)
	}
	home := h.path == "/"
	if !images && !h.isBranded(s) {
		plain := plainLooks[home]
		if ending != script {
			plain.policy = policy(plain.style, false, false, ending)
		}
		return plain
	}
	l.style = pageColours(of.Theme, l.palettes) + packed(sharedRules+pageRules)
	if !home {
		l.style += packed(detailRules)
	}
	l.style += packed(brandRules) + l.rules()
	if narrow := narrowDays(s.Page); home && narrow > 0 {
		l.style += fewerBars(wideDays(s.Page), narrow)
	}
	scripts := []string{ending}
	if h.announces(s) && s.Settings.Notice.Closable {
		scripts = append(scripts, noticeScript)
	}
	l.policy = policy(l.style, of.CSS != "", images, scripts...)
	return l
}

// pageColours are as colours, but a dark page is light on paper, and for readers who have colours of
// their own.
func pageColours(theme string, of palettes) string {
	if theme == "dark" {
		const auto = "(prefers-color-scheme:dark){:root{"
		return strings.Replace(colours("", of), auto, "(forced-colors:none),screen and "+auto+"color-scheme:dark;", 1)
	}
	return colours(theme, of)
}

// isBranded reports whether the style has to have rules for what the settings add.
func (h head) isBranded(s *site.Site) bool {
	of, p := s.Settings, s.Page
	return of.Theme != "" || len(of.Colours)+len(of.DarkColours) > 0 || of.CSS != "" || of.Footer != "" || h.announces(s) ||
		h.switches(s) || h.path == "/" && (p.Header != "" || p.Subheader != "" || p.Layout != site.Layout{} || narrowDays(p) > 0)
}

// safeImage reports whether a page may show the image of an address: a path of the same site, or
// one of https.
func safeImage(address string) bool {
	return safeAddress(address) && (strings.HasPrefix(address, "/") || strings.HasPrefix(strings.ToLower(address), "https:"))
}

func hasImage(m site.Monitor) bool { return safeImage(m.Image) }

// symbol is a small image before a name, which says no more than the name; of an address that no
// page can show, nothing.
func (p *page) symbol(address string) {
	if safeImage(address) {
		p.raw(`<img class="i" alt=""`)
		p.attr("src", address)
		p.raw(`>`)
	}
}

// StylePath is the address of the site's own style.
const StylePath = "/custom.css"

// cssFiles are the file of the site's own style, if it has one.
func cssFiles(s *site.Site) []File {
	if s.Settings.CSS == "" {
		return nil
	}
	return []File{{Path: StylePath, Type: "text/css; charset=utf-8", Status: 200, Body: []byte(s.Settings.CSS), Every: Hourly}}
}

// siteTitle stands for the site in the title of a page.
func (p *page) siteTitle() string {
	of := p.site.Page
	title := orElse(of.MetaTitle, orElse(p.site.Settings.MetaTitle, p.siteName(p.site)))
	if of.Path != "" && of.MetaTitle == "" && of.Title != "" {
		return of.Title + " · " + title
	}
	return title
}

// describe says what is said of a home page, or else what the page says of itself.
func describe(s *site.Site, says string) string {
	return orElse(s.Page.Description, orElse(s.Settings.Description, says))
}

// picture is the whole address of what others show beside a link to the page; "" none.
func (p *page) picture() string {
	for _, address := range []string{p.site.Page.SocialImage, p.site.Settings.SocialImage} {
		switch {
		case !safeImage(address):
		case !strings.HasPrefix(address, "/"):
			return address
		case p.site.URL != "":
			return p.whole(address)
		}
	}
	if p.site.URL == "" {
		return ""
	}
	return p.whole("/og/" + statusName(p.head.status) + ".png")
}

// brand is the site's logo, or its name.
func (p *page) brand() {
	if p.look.logo == "" {
		p.raw(`<strong>`)
		p.text(p.siteName(p.site))
		p.raw(`</strong>`)
		return
	}
	p.raw(`<img class="logo"`)
	p.attr("src", p.look.logo)
	p.attr("alt", p.siteName(p.site))
	p.raw(`>`)
}

// navigation are the links that the settings add to those of the pages.
func (p *page) navigation() {
	for _, l := range p.site.Settings.Nav {
		if !safeAddress(l.URL) {
			continue
		}
		p.raw(`<li><a dir="auto"`)
		p.outward(l.URL)
		p.raw(`>`)
		p.symbol(l.Icon)
		p.text(orElse(l.Name, l.URL))
		p.raw(`</a></li>`)
	}
}

// outward writes the address of a link that may lead to another site.
func (w *writer) outward(address string) {
	w.link("href", address)
	if !strings.HasPrefix(address, "/") {
		w.raw(` rel="noopener"`)
	}
}

// switches reports whether the page leads to the other pages of the site: all do, but for those where
// nothing is, which stay as they are when another page gets another name or is deleted.
func (h head) switches(s *site.Site) bool {
	return len(s.Siblings) > 1 && !s.Settings.NoSwitcher && !h.unlisted
}

// switcher leads to the other pages of the site.
func (p *page) switcher() {
	if !p.head.switches(p.site) {
		return
	}
	p.raw(`<nav class="w pages"`)
	p.attr("aria-label", p.say("OtherPages"))
	p.raw(`><ul class="row">`)
	for _, of := range p.site.Siblings {
		p.raw(`<li><a dir="auto"`)
		p.attr("href", below(of.Base(), prefix(p.site, p.lang), "/"))
		if of.Path == p.site.Page.Path && p.ofPage() {
			p.raw(` aria-current="page"`)
		}
		p.raw(`>`)
		p.text(orElse(of.Title, p.say("Status")))
		p.raw(`</a></li>`)
	}
	p.raw(`</ul></nav>`)
}

// ofPage reports whether it is a page that each page of the site has one of.
func (p *page) ofPage() bool { return p.head.path == "/" || p.head.path == "/history" }

// announces reports whether the page has the announcement of the settings: all have, but for those
// of the past, which are not made again because of one.
func (h head) announces(s *site.Site) bool {
	n := s.Settings.Notice
	kept := h.unlisted
	for _, begin := range []string{"/incidents/", "/maintenances/", "/events/"} {
		kept = kept || strings.HasPrefix(h.path, begin)
	}
	return n != nil && orElse(n.Title, orElse(n.Text, "")) != "" && !kept
}

// noticeStatus is the status whose colour and icon an announcement has.
func noticeStatus(kind string) site.Status {
	switch kind {
	case "ERROR":
		return site.Down
	case "WARNING":
		return site.Degraded
	}
	return site.UnderMaintenance
}

// announcement is what the operator has to say above everything. Its script is beside it, so that one
// that was closed is not seen for a moment.
func (p *page) announcement() {
	if !p.head.announces(p.site) {
		return
	}
	n := p.site.Settings.Notice
	status := noticeStatus(n.Kind)
	p.raw(`<aside id="notice" class="notice `, raw(statusName(status)), `"`)
	p.attr("aria-label", p.say("Announcement"))
	if n.Closable {
		sum := sha256.Sum256([]byte(strings.Join([]string{n.Kind, n.Title, n.Text, n.ActionURL, n.ActionOf}, "\x00")))
		p.attr("data-id", hex.EncodeToString(sum[:6]))
		p.attr("data-again", strconv.FormatInt(n.Again, 10))
	}
	p.raw(`><div class="w">`)
	if status == site.UnderMaintenance {
		p.raw(`<svg class="i" viewBox="0 0 16 16" aria-hidden="true"><circle cx="8" cy="8" r="8"/><path class="g" d="M8 7.5v4M8 4.4v.1"/></svg>`)
	} else {
		p.raw(`<svg class="i" viewBox="0 0 16 16" aria-hidden="true">`, shapes[status], `</svg>`)
	}
	p.raw(`<div class="says">`)
	if orElse(n.Title, "") != "" {
		p.raw(`<p dir="auto"><strong>`)
		p.text(n.Title)
		p.raw(`</strong></p>`)
	}
	if orElse(n.Text, "") != "" {
		p.raw(`<p dir="auto">`)
		p.text(n.Text)
		p.raw(`</p>`)
	}
	if safeAddress(n.ActionURL) {
		p.raw(`<a class="act" dir="auto"`)
		p.outward(n.ActionURL)
		p.raw(`>`)
		p.text(orElse(n.ActionOf, n.ActionURL))
		p.raw(`</a>`)
	}
	p.raw(`</div>`)
	if n.Closable {
		p.raw(`<button type="button" hidden`)
		p.attr("aria-label", p.say("Close"))
		p.raw(`><svg viewBox="0 0 16 16" aria-hidden="true"><path d="m3 3 10 10m0-10L3 13"/></svg></button>`)
	}
	p.raw(`</div></aside>`)
	if n.Closable {
		p.raw(`<script>`, raw(noticeScript), `</script>`)
	}
}

// ownFooter is the HTML that the settings add to the end of the page.
func (p *page) ownFooter() {
	if p.look.footer != "" {
		p.raw(`<div class="foot">`, raw(p.look.footer), `</div>`)
	}
}

// wideDays is how many days the bars of a page show, 0: all.
func wideDays(of site.Page) int { return max(0, min(of.Days, site.Days)) % site.Days }

// narrowDays is how many of these are shown on narrow screens, 0: all.
func narrowDays(of site.Page) int {
	wide := wideDays(of)
	if wide == 0 {
		wide = site.Days
	}
	if of.MobileDays <= 0 || of.MobileDays >= wide {
		return 0
	}
	return of.MobileDays
}

// fewerBars are the rules by which narrow screens show the newest bars alone: all are drawn, and the
// older ones stand out of the page.
func fewerBars(wide, narrow int) string {
	if wide == 0 {
		wide = site.Days
	}
	width := strconv.FormatFloat(100*float64(wide*barWidth-1)/float64(narrow*barWidth-1), 'f', 2, 64)
	return "@media(max-width:34rem){.few .d{width:" + width + "%;margin-left:calc(100% - " + width + "%)}}"
}
