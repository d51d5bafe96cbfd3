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
	//go:embed assets/embed.css
	embedRules string
	//go:embed assets/page.js
	pageScript string
)

var (
	style  = colours("") + packed(sharedRules+pageRules)
	script = packed(pageScript)
)

// colours are the style's variables in a theme: "light", "dark", or "" for the one that the
// reader's system has.
func colours(theme string) string {
	light, dark := ":root{"+packed(lightColours)+"}", ":root{"+packed(darkColours)+"}"
	switch theme {
	case "light":
		return light
	case "dark":
		return dark
	}
	return light + "@media(prefers-color-scheme:dark){" + dark + "}"
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

// policy is the content security policy of a page with these as its inline style and script;
// "" none. It lets in nothing else, and nothing from other hosts.
func policy(style, script string) string {
	p := "default-src 'none'; style-src " + hash(style) + "; img-src 'self' data:; base-uri 'none'; form-action 'none'"
	if script != "" {
		p += "; script-src " + hash(script) + "; connect-src 'self'"
	}
	return p
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

var pagePolicy = policy(style, script)

// shapes are the icons of the statuses, 16 by 16. Each has an outline of its own, so that they
// can be told apart without their colours. Class g is a glyph on the shape, class r a ring.
var shapes = map[site.Status]raw{
	site.Up:               `<circle cx="8" cy="8" r="8"/><path class="g" d="m4.4 8.3 2.5 2.5 4.7-5"/>`,
	site.Degraded:         `<path d="M6.5 1.4a1.7 1.7 0 0 1 3 0l6.3 11.4a1.7 1.7 0 0 1-1.5 2.5H1.7a1.7 1.7 0 0 1-1.5-2.5z"/><path class="g" d="M8 5.2v4M8 12v.1"/>`,
	site.UnderMaintenance: `<rect width="16" height="16" rx="4"/><path class="g" d="M8 4v4.2l2.7 1.9"/>`,
	site.Down:             `<path d="M4.7 0h6.6L16 4.7v6.6L11.3 16H4.7L0 11.3V4.7z"/><path class="g" d="m5.2 5.2 5.6 5.6m0-5.6-5.6 5.6"/>`,
	site.NoData:           `<circle class="r" cx="8" cy="8" r="7"/><path class="r" d="M5 8h6"/>`,
}

// sprite holds the icons, for icon, and the pattern of days that were up or have no data.
func sprite() raw {
	var b strings.Builder
	b.WriteString(`<svg class="sr" aria-hidden="true"><defs>`)
	for _, s := range site.Statuses {
		b.WriteString(`<symbol id="` + statusName(s) + `" viewBox="0 0 16 16">` + string(shapes[s]) + `</symbol>`)
	}
	b.WriteString(`<pattern id="u" width="5" height="36" patternUnits="userSpaceOnUse"><path class="u" d="M0 7h4v22h-4z"/></pattern>` +
		`<pattern id="z" width="5" height="36" patternUnits="userSpaceOnUse"><path class="z" d="M0 25h4v4h-4z"/></pattern></defs></svg>`)
	return raw(b.String())
}

var icons = sprite()

// icon draws the status; words stand beside it.
func (p *page) icon(s site.Status) {
	p.raw(`<svg class="i" aria-hidden="true"><use href="#`, raw(statusName(s)), `"/></svg>`)
}

var iconColours = map[site.Status]string{site.Up: "%231b7a50", site.Degraded: "%239c5700", site.UnderMaintenance: "%233b5bb8", site.Down: "%23bf2430", site.NoData: "%23656970"}

// tabIcon is the icon of a page in the browser's tab, as an address.
func tabIcon(s site.Status) string {
	s = known(s)
	shape := strings.NewReplacer(
		`class="g"`, `fill='none' stroke='%23fff' stroke-width='1.7' stroke-linecap='round'`,
		`class="r"`, `fill='none' stroke='`+iconColours[s]+`' stroke-width='2'`,
		`"`, "'", "<", "%3C", ">", "%3E",
	).Replace(string(shapes[s]))
	return "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16' fill='" + iconColours[s] + "'%3E" + shape + "%3C/svg%3E"
}
