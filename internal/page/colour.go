package page

import (
	"fmt"
	"image/color"
	"math"
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
func statusColour(s site.Status) color.RGBA {
	c, _ := parseColour(colour("light", statusName(s)))
	return c
}
