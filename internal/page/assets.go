package page

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"strings"

	"tocsin/internal/site"
)

var (
	//go:embed assets/light.css
	lightColours string
	//go:embed assets/dark.css
	darkColours string
	//go:embed assets/shared.css
	sharedRules string
	//go:embed assets/page.css
	pageRules string
	//go:embed assets/detail.css
	detailRules string
	//go:embed assets/embed.css
	embedRules string
	//go:embed assets/brand.css
	brandRules string
	//go:embed assets/page.js
	pageScript string
	//go:embed assets/notice.js
	closingScript string
)

var (
	homeStyle    = colours("", palettes{}) + packed(sharedRules+pageRules)
	detailStyle  = homeStyle + packed(detailRules)
	script       = packed(pageScript)
	noticeScript = packed(closingScript)
)

// colours are the style's variables in a theme, with those of the site: "light", "dark", or "" for
// the one that the reader's system has.
func colours(theme string, of palettes) string {
	light, dark := packed(lightColours)+of.light.css(), packed(darkColours)+of.dark.css()
	switch theme {
	case "light":
		return ":root{color-scheme:light;" + light + "}"
	case "dark":
		return ":root{color-scheme:dark;" + light + dark + "}"
	}
	return ":root{color-scheme:light dark;" + light + "}@media screen and (prefers-color-scheme:dark){:root{" + dark + "}}"
}

// packed is a style or a script without what only its authors need: line ends, indents and
// lines that are comments. Each statement of a script ends with a semicolon or a brace.
func packed(source string) string {
	var b strings.Builder
	for line := range strings.Lines(source) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "/*") || strings.HasPrefix(line, "//") {
			continue
		}
		b.WriteString(line)
	}
	return b.String()
}

// policy is the content security policy of a page with these as its inline style and scripts. It
// lets in nothing else, and nothing from other hosts, but for a style of the site's own and images
// if there are any.
func policy(style string, ownStyle, images bool, scripts ...string) string {
	p := "default-src 'none'; style-src " + hash(style)
	if ownStyle {
		p += " 'self'"
	}
	p += "; img-src data:"
	if images {
		p += " 'self' https:"
	}
	p += "; base-uri 'none'; form-action 'none'"
	for n, s := range scripts {
		if n == 0 {
			p += "; script-src"
		}
		p += " " + hash(s)
	}
	if len(scripts) > 0 {
		p += "; connect-src 'self'"
	}
	return p
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// shapes are the icons of the statuses, 16 by 16. Each has an outline of its own, so that they
// can be told apart without their colours. Class g is a glyph on the shape, class r a ring.
var shapes = map[site.Status]raw{
	site.Up:               `<circle cx="8" cy="8" r="8"/><path class="g" d="m4.4 8.3 2.5 2.5 4.7-5"/>`,
	site.Degraded:         `<path d="M6.5 1.4a1.7 1.7 0 0 1 3 0l6.3 11.4a1.7 1.7 0 0 1-1.5 2.5H1.7a1.7 1.7 0 0 1-1.5-2.5z"/><path class="g" d="M8 5.2v4M8 12v.1"/>`,
	site.UnderMaintenance: `<rect width="16" height="16" rx="4"/><path class="g" d="M8 4v4.2l2.7 1.9"/>`,
	site.Down:             `<path d="M4.7 0h6.6L16 4.7v6.6L11.3 16H4.7L0 11.3V4.7z"/><path class="g" d="m5.2 5.2 5.6 5.6m0-5.6-5.6 5.6"/>`,
	site.NoData:           `<circle class="r" cx="8" cy="8" r="7"/><path class="r" d="M5 8h6"/>`,
}

// icon draws the status; words stand beside it.
func (p *page) icon(s site.Status) {
	s = known(s)
	p.drawn[s] = true
	p.raw(`<svg class="i" aria-hidden="true"><use href="#`, raw(statusName(s)), `"/></svg>`)
}

// sprite holds the icons that have been drawn.
func (p *page) sprite() {
	p.raw(`<svg class="sr" aria-hidden="true">`)
	for _, s := range site.Statuses {
		if p.drawn[s] {
			p.raw(`<symbol id="`, raw(statusName(s)), `" viewBox="0 0 16 16">`, shapes[s], `</symbol>`)
		}
	}
	p.raw(`</svg>`)
}

// tabIcon is the icon of a page in the browser's tab, as an address: the outline alone, in the
// colour of the light theme.
func (of palettes) tabIcon(s site.Status) string {
	shape, _, _ := strings.Cut(string(shapes[known(s)]), "/>")
	c := "%23" + strings.TrimPrefix(of.colour("light", statusName(s)), "#")
	shape = strings.NewReplacer(`class="r"`, "fill='none' stroke-width='2' stroke='"+c+"'", `"`, "'", "<", "%3C").Replace(shape)
	return "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16' fill='" + c + "'%3E" + shape + "/%3E%3C/svg%3E"
}

// colour is the value of a variable in a theme: "light" or "dark". What the dark one doesn't
// say is as in the light one, and a value can be that of another variable.
func colour(theme, name string) string {
	colours := lightColours
	if theme == "dark" {
		colours += darkColours
	}
	begin := "--" + name + ":"
	value, _, _ := strings.Cut(colours[strings.LastIndex(colours, begin)+len(begin):], ";")
	if other, ok := strings.CutPrefix(value, "var(--"); ok {
		return colour(theme, strings.TrimSuffix(other, ")"))
	}
	return value
}
