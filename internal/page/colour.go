package page

import (
	"cmp"
	"fmt"
	"image/color"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/image/colornames"

	"tocsin/internal/site"
)

// parseColour reads a colour as badges take it: three or six hexadecimal digits, with or without
// a #, or a name of CSS.
func parseColour(s string) (color.RGBA, bool) {
	s = strings.ToLower(strings.TrimSpace(s))
	if c, ok := colornames.Map[s]; ok {
		return c, true
	}
	s = strings.TrimPrefix(s, "#")
	if len(s) == 3 {
		s = string([]byte{s[0], s[0], s[1], s[1], s[2], s[2]})
	}
	n, err := strconv.ParseUint(s, 16, 32)
	if err != nil || len(s) != 6 {
		return color.RGBA{}, false
	}
	return color.RGBA{uint8(n >> 16), uint8(n >> 8), uint8(n), 255}, true
}

// hexColour writes a colour as SVG and CSS read it, "#1b7a50".
func hexColour(c color.RGBA) string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }

// contrast is the contrast ratio of two colours as WCAG 2 has it, 1 to 21.
func contrast(a, b color.RGBA) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(c color.RGBA) float64 {
	linear := func(v uint8) float64 {
		if f := float64(v) / 255; f > 0.04045 {
			return math.Pow((f+0.055)/1.055, 2.4)
		} else {
			return f / 12.92
		}
	}
	return 0.2126*linear(c.R) + 0.7152*linear(c.G) + 0.0722*linear(c.B)
}

var (
	white = color.RGBA{255, 255, 255, 255}
	black = color.RGBA{17, 17, 17, 255}
)

// inkOn is white or black, whichever is easier to read on the colour.
func inkOn(c color.RGBA) color.RGBA {
	if contrast(c, white) >= contrast(c, black) {
		return white
	}
	return black
}

// statusColour is the colour that the status has on the light pages.
func (of palettes) statusColour(s site.Status) color.RGBA {
	c, _ := parseColour(of.colour("light", statusName(s)))
	return c
}

// Least contrasts, as WCAG 2.2 has them.
const (
	textContrast  = 4.5 // of text with its ground
	shapeContrast = 3   // of shapes, such as bars
)

// How much of a status's colour is in the ground that has its tint: less when it would be hard to
// read on that alone.
const mostTint, leastTint = 0.12, 0.06

// A palette is what the settings of a site change of a theme's colours, by the names of the
// style's variables.
type palette map[string]color.RGBA

// css are the variables, in order.
func (p palette) css() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(p)) {
		b.WriteString("--" + name + ":" + hexColour(p[name]) + ";")
	}
	return b.String()
}

// palettes are those of both themes.
type palettes struct{ light, dark palette }

// palettesOf are those of settings that name colours, of which those for the dark theme come before
// the others in it.
func palettesOf(colours, dark map[string]string) palettes {
	var p palettes
	p.light, _ = newPalette("light", colours, nil)
	p.dark, _ = newPalette("dark", colours, dark)
	return p
}

// colour is the value of a variable in a theme of the site.
func (of palettes) colour(theme, name string) string {
	p := of.light
	if theme == "dark" {
		p = of.dark
	}
	if c, ok := p[name]; ok {
		return hexColour(c)
	}
	return colour(theme, name)
}

// rules are what the style needs for the colours beside their values.
func (of palettes) rules() string {
	var rules string
	_, light := of.light["accent"]
	if _, dark := of.dark["accent"]; light || dark {
		rules = ".pages [aria-current],.act{background:var(--accent);color:var(--accent-ink);border-radius:.4rem;padding:.3rem .6rem}.pages [aria-current]{margin:0 -.6rem}"
	}
	return rules
}

// ColourWarnings say which colours of the settings, those for both themes and those for the dark
// one, can't be seen well enough, and what is shown in place of them.
func ColourWarnings(colours, dark map[string]string) []string {
	_, light := newPalette("light", colours, nil)
	_, more := newPalette("dark", colours, dark)
	return append(light, more...)
}

// A ground is what something is shown on.
type ground struct {
	name   string
	colour color.RGBA
}

// newPalette makes what is shown of colours in a theme: each one that can't be seen well enough is
// changed until it can, and a warning says so.
func newPalette(theme string, colours, dark map[string]string) (p palette, warnings []string) {
	p = palette{}
	given := func(name string) (c color.RGBA, setting string, ok bool) {
		if c, ok := parseColour(dark[name]); ok {
			return c, "colorsDark." + name, true
		}
		c, ok = parseColour(colours[name])
		return c, "colors." + name, ok
	}
	of := func(name string) color.RGBA {
		c, _ := parseColour(colour(theme, name))
		return c
	}
	page, card, tint := ground{"the page", of("paper")}, ground{"a card", of("card")}, "its tint"
	lightest := card.colour // in the dark theme the darkest: what is on it is seen best
	if theme == "dark" {
		page.name, card.name, tint = "the dark page", "a dark card", "its dark tint"
		lightest = page.colour
	}
	show := func(variable, setting string, c color.RGBA, what string, least float64, grounds ...ground) {
		shown := readable(c, least, grounds...)
		if p[variable] = shown; shown != c {
			on := worst(c, grounds)
			warnings = append(warnings, fmt.Sprintf("%s %s has %.1f:1 on %s, %s %g:1: shown as %s",
				setting, hexColour(c), math.Floor(10*contrast(c, on.colour))/10, on.name, what, least, hexColour(shown)))
		}
	}
	for _, s := range site.Statuses {
		c, setting, ok := given(string(s))
		if !ok || s == site.NoData {
			continue
		}
		name, tinted, share := statusName(s), ground{tint, mix(lightest, c, mostTint)}, mostTint
		if readable(c, textContrast, page, card) == c {
			for share > leastTint && contrast(c, tinted.colour) < textContrast {
				share -= 0.01
				tinted.colour = mix(lightest, c, share)
			}
		}
		p[name+"-tint"] = tinted.colour
		show(name+"-bar", setting, c, "bars need", shapeContrast, page, card)
		show(name, setting, c, "text needs", textContrast, page, card, tinted)
	}
	accent, _, is := given("ACCENT")
	ink, setting, inked := given("ACCENT_FOREGROUND")
	if is || inked {
		on := card
		if is {
			on = ground{"ACCENT", accent}
		}
		if !inked {
			ink = inkOn(on.colour)
		}
		p["accent"] = on.colour
		if inked {
			show("accent-ink", setting, ink, "text needs", textContrast, on)
		} else {
			p["accent-ink"] = readable(ink, textContrast, on)
		}
	}
	return p, warnings
}

// readable returns the colour if it has at least that contrast with all grounds, and else the next
// one of its hue that has: darker in hundredths, or lighter on dark grounds. At their end are black
// and white, one of which has 4.5 with any ground.
func readable(c color.RGBA, least float64, grounds ...ground) color.RGBA {
	h, s, l := hsl(c)
	step, end := -0.01, color.RGBA{0, 0, 0, 255}
	if contrast(white, worst(white, grounds).colour) > contrast(end, worst(end, grounds).colour) {
		step, end = 0.01, white
	}
	for contrast(c, worst(c, grounds).colour) < least && c != end {
		if l += step; l <= 0 || l >= 1 {
			return end
		}
		c = rgb(h, s, l)
	}
	return c
}

// worst is the ground on which the colour is seen worst.
func worst(c color.RGBA, grounds []ground) ground {
	return slices.MinFunc(grounds, func(a, b ground) int { return cmp.Compare(contrast(c, a.colour), contrast(c, b.colour)) })
}

// mix lays so much of a colour, 0 to 1, over another one.
func mix(under, over color.RGBA, share float64) color.RGBA {
	m := func(a, b uint8) uint8 { return uint8(math.Round(float64(a)*(1-share) + float64(b)*share)) }
	return color.RGBA{m(under.R, over.R), m(under.G, over.G), m(under.B, over.B), 255}
}

// hsl are the hue (0 to 6), the saturation and the lightness (0 to 1) of a colour.
func hsl(c color.RGBA) (h, s, l float64) {
	r, g, b := float64(c.R)/255, float64(c.G)/255, float64(c.B)/255
	most, least := max(r, g, b), min(r, g, b)
	l = (most + least) / 2
	d := most - least
	if d == 0 {
		return 0, 0, l
	}
	s = d / (1 - math.Abs(2*l-1))
	switch most {
	case r:
		h = math.Mod((g-b)/d+6, 6)
	case g:
		h = (b-r)/d + 2
	default:
		h = (r-g)/d + 4
	}
	return h, s, l
}

// rgb is the colour with them.
func rgb(h, s, l float64) color.RGBA {
	chroma := s * (1 - math.Abs(2*l-1))
	part := func(offset float64) uint8 {
		k := math.Mod(h+offset, 6)
		v := l - chroma/2 + chroma*min(1, max(0, math.Abs(k-3)-1))
		return uint8(math.Round(255 * min(1, max(0, v))))
	}
	return color.RGBA{part(0), part(4), part(2), 255}
}
