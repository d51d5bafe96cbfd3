package page

import (
	"image/color"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A badgeLook is how a style of badges is drawn. Lengths are pixels.
type badgeLook struct {
	height, radius int
	font           raw
	size           float64 // of the font
	spacing        float64 // between letters, beside that of the font
	padding        float64 // on both sides of a text
	baseline       int
	gloss          raw // gradient over it, "" without
	capitals       bool
	outlined       bool // dark words on light ground in a frame, instead of colours
}

const (
	verdana  = `font-family="Verdana,Geneva,DejaVu Sans,sans-serif" font-size="11"`
	flatten  = `<linearGradient id="g" x2="0" y2="100%"><stop offset="0" stop-color="#bbb" stop-opacity=".1"/><stop offset="1" stop-opacity=".1"/></linearGradient>`
	plastics = `<linearGradient id="g" x2="0" y2="100%"><stop offset="0" stop-color="#fff" stop-opacity=".3"/><stop offset=".1" stop-color="#aaa" stop-opacity=".1"/><stop offset=".9" stop-opacity=".15"/><stop offset="1" stop-opacity=".3"/></linearGradient>`
)

var (
	flat       = badgeLook{height: 20, radius: 3, font: verdana, size: 11, padding: 5, baseline: 14, gloss: flatten}
	badgeLooks = map[string]badgeLook{
		"flat-square":   {height: 20, font: verdana, size: 11, padding: 5, baseline: 14},
		"plastic":       {height: 18, radius: 4, font: verdana, size: 11, padding: 5, baseline: 13, gloss: plastics},
		"for-the-badge": {height: 28, font: `font-family="Verdana,Geneva,DejaVu Sans,sans-serif" font-size="10" font-weight="bold"`, size: 11.5, spacing: 1, padding: 10, baseline: 18, capitals: true},
		"social":        {height: 20, radius: 3, font: `font-family="Helvetica Neue,Helvetica,Arial,sans-serif" font-size="11" font-weight="bold"`, size: 10.5, padding: 6, baseline: 14, outlined: true},
	}
)

// draw writes the badge in the style, or in the flat one if there is no such style.
func (b badge) draw(style string) []byte {
	look, ok := badgeLooks[style]
	if !ok {
		look = flat
	}
	label, message := b.label, b.message
	if look.capitals {
		label, message = strings.ToUpper(label), strings.ToUpper(message)
	}
	left, right := look.width(label), look.width(message)
	w := badgeWriter{look: look}
	w.open(left+right, look.height, b.words())
	switch {
	case look.outlined:
		w.frame(0, left, "#fafafa")
		w.frame(left, right, "#fff")
		w.words(label, 0, left, black)
		w.words(message, left, right, black)
	default:
		w.ground(left, right, b)
		w.raw(`<g text-anchor="middle" `, look.font, `>`)
		w.words(label, 0, left, inkOn(b.labelColour))
		w.words(message, left, right, inkOn(b.valueColour))
		w.raw(`</g>`)
	}
	w.raw(`</svg>`)
	return w.b
}

// words are what a screen reader says.
func (b badge) words() string {
	if b.label == "" {
		return b.message
	}
	return b.label + ": " + b.message
}

// width is that of a part of the badge with the text, and 0 without text.
func (l badgeLook) width(text string) int {
	if text == "" {
		return 0
	}
	return int(math.Round(l.length(text) + 2*l.padding))
}

func (l badgeLook) length(text string) float64 {
	return textWidth(text)*l.size/11 + l.spacing*float64(utf8.RuneCountInString(text))
}

type badgeWriter struct {
	writer
	look badgeLook
}

func (w *badgeWriter) open(width, height int, says string) {
	w.raw(`<svg xmlns="http://www.w3.org/2000/svg" width="`)
	w.number(int64(width))
	w.raw(`" height="`)
	w.number(int64(height))
	w.raw(`" role="img"`)
	w.attr("aria-label", says)
	w.raw(`><title>`)
	w.text(says)
	w.raw(`</title>`)
}

// ground draws the two parts, and a gradient over them if the look has one.
func (w *badgeWriter) ground(left, right int, b badge) {
	w.raw(w.look.gloss)
	r := w.look.radius
	if left > 0 {
		w.part(0, left, r, 0, raw(hexColour(b.labelColour)))
		w.part(left, right, 0, r, raw(hexColour(b.valueColour)))
	} else {
		w.part(0, right, r, r, raw(hexColour(b.valueColour)))
	}
	if w.look.gloss != "" {
		w.part(0, left+right, r, r, "url(#g)")
	}
}

// part draws a rectangle over the whole height, whose corners on the left and on the right have
// these radii.
func (w *badgeWriter) part(x, width, left, right int, fill raw) {
	w.raw(`<path fill="`, fill, `" d="M`, whole(x+left), ` 0H`, whole(x+width-right))
	w.corner(right, right, right)
	w.raw(`V`, whole(w.look.height-right))
	w.corner(right, -right, right)
	w.raw(`H`, whole(x+left))
	w.corner(left, -left, -left)
	w.raw(`V`, whole(left))
	w.corner(left, left, -left)
	w.raw(`z"/>`)
}

// corner draws a quarter of a circle to the point that is so far away.
func (w *badgeWriter) corner(radius, dx, dy int) {
	if radius > 0 {
		w.raw(`a`, whole(radius), ` `, whole(radius), ` 0 0 1 `, whole(dx), ` `, whole(dy))
	}
}

func whole(n int) raw { return raw(strconv.Itoa(n)) }

// frame draws a part of an outlined badge.
func (w *badgeWriter) frame(x, width int, fill raw) {
	if width == 0 {
		return
	}
	w.raw(`<rect x="`, whole(x), `.5" y=".5" width="`)
	w.number(int64(width - 1))
	w.raw(`" height="`)
	w.number(int64(w.look.height - 1))
	w.raw(`" rx="`)
	w.number(int64(w.look.radius))
	w.raw(`" fill="`, fill, `" stroke="#767676"/>`)
}

// words writes a text into the middle of a part. Its length is given, so that it fits whichever
// font the reader has.
func (w *badgeWriter) words(text string, x, width int, ink color.RGBA) {
	if text == "" {
		return
	}
	w.raw(`<text x="`, decimalRaw(float64(x)+float64(width)/2), `" y="`)
	w.number(int64(w.look.baseline))
	w.raw(`" fill="`, raw(hexColour(ink)), `" textLength="`, decimalRaw(w.look.length(text)), `"`)
	if w.look.outlined {
		w.raw(` text-anchor="middle" `, w.look.font)
	}
	w.raw(`>`)
	w.text(text)
	w.raw(`</text>`)
}

// decimalRaw writes a number to one decimal.
func decimalRaw(f float64) raw {
	return raw(strconv.FormatFloat(math.Round(f*10)/10, 'f', -1, 64))
}

// dot draws a circle of 16 pixels in the middle of 32.
func (b badge) dot(ping bool) []byte {
	var w badgeWriter
	w.open(32, 32, b.words())
	fill := raw(hexColour(b.valueColour))
	if ping {
		w.raw(`<style>@media(prefers-reduced-motion:no-preference){.p{transform-origin:16px 16px;animation:p 1.5s ease-out infinite}}@keyframes p{to{transform:scale(2);opacity:0}}</style>`)
		w.raw(`<circle class="p" cx="16" cy="16" r="8" fill="`, fill, `"/>`)
	}
	w.raw(`<circle cx="16" cy="16" r="8" fill="`, fill, `"/></svg>`)
	return w.b
}

// verdanaWidths are how wide the characters from the space to the tilde are in Verdana, in
// hundredths of a pixel at a size of 11 pixels.
var verdanaWidths = [...]int{
	387, 433, 505, 900, 699, 1184, 800, 296, 500, 500, 699, 900, 400, 500, 400, 500, // space to /
	699, 699, 699, 699, 699, 699, 699, 699, 699, 699, 500, 500, 900, 900, 900, 600, // 0 to ?
	1100, 752, 754, 768, 848, 696, 632, 853, 827, 463, 500, 762, 612, 927, 823, 866, // @ to O
	663, 866, 765, 752, 678, 805, 752, 1088, 754, 677, 754, 500, 500, 500, 900, 699, // P to _
	699, 661, 685, 573, 685, 655, 387, 685, 696, 302, 379, 651, 302, 1070, 696, 668, // ` to o
	685, 685, 469, 573, 433, 696, 651, 900, 651, 651, 578, 698, 500, 698, 900, // p to ~
}

// textWidth is about how many pixels wide the text is in Verdana of 11 pixels.
func textWidth(text string) float64 {
	sum := 0
	for _, r := range text {
		switch {
		case ' ' <= r && r <= '~':
			sum += verdanaWidths[r-' ']
		case r < 0x1100:
			sum += 700
		default: // Chinese, Japanese, Korean, emoji
			sum += 1200
		}
	}
	return float64(sum) / 100
}
