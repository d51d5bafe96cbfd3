package statuspage

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// TrimBlank cuts the white space at both ends of s as ECMAScript's trim does:
// Unicode spaces, tabs, line ends and the byte-order mark.
func TrimBlank(s string) string { return strings.TrimFunc(s, isBlank) }

func isBlank(r rune) bool {
	switch r {
	case '\t', '\n', '\v', '\f', '\r', ' ', '\u00a0', '\u2028', '\u2029', '\ufeff':
		return true
	}
	return unicode.Is(unicode.Zs, r)
}

// Length counts the UTF-16 units of s, the characters in which every limit on a
// text is given.
func Length(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > 0xffff {
			n++
		}
	}
	return n
}

// Shorten returns s if it has at most so many UTF-16 units, at least one, else its
// beginning with an ellipsis, which is as long as that allows. What a reader sees as one
// character is not taken apart, and there is no white space before the ellipsis.
func Shorten(s string, units int) string {
	if Length(s) <= units {
		return s
	}
	kept, n, regional, last := 0, 0, 0, rune(0)
	for at, r := range s {
		if n >= units { // the ellipsis has one
			break
		}
		if !joined(last, r, regional) {
			kept = at
		}
		if regional++; !isRegional(r) {
			regional = 0
		}
		n++
		if r > 0xffff {
			n++
		}
		last = r
	}
	return strings.TrimRightFunc(s[:kept], isBlank) + "…"
}

// joined reports whether r is seen as one character with last, the one before it, after so
// many regional indicators, of which two are a flag. It is the part of Unicode's grapheme
// clusters (UAX 29) that needs no more than the tables of package unicode.
func joined(last, r rune, regional int) bool {
	const zeroWidthJoiner = '\u200d'
	switch {
	case last == zeroWidthJoiner, r == zeroWidthJoiner:
		return true
	case last == '\r' && r == '\n':
		return true
	case isRegional(r):
		return regional%2 == 1
	case 0x1f3fb <= r && r <= 0x1f3ff: // skin tones
		return true
	case 0xe0020 <= r && r <= 0xe007f: // tags, of the flags of regions
		return true
	case 0x1160 <= r && r <= 0x11ff: // vowels and ends of a Korean syllable in parts
		return true
	}
	return unicode.Is(unicode.M, r) // marks, variation selectors too
}

// isRegional reports whether r is a letter of a flag.
func isRegional(r rune) bool { return 0x1f1e6 <= r && r <= 0x1f1ff }

// ValidText returns s with each invalid UTF-8 byte replaced by U+FFFD, as a JSON
// decoder would deliver it.
func ValidText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}

// invisible reports whether r is a control character, or turns the direction of what stands after it.
func invisible(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Bidi_Control) }

// Printable returns r, a space for every blank, and -1 for what is invisible. It is for strings.Map.
func Printable(r rune) rune {
	switch {
	case unicode.IsSpace(r):
		return ' '
	case invisible(r):
		return -1
	}
	return r
}

// OneLine returns s on one line, of what is Printable.
func OneLine(s string) string { return strings.Join(strings.Fields(strings.Map(Printable, s)), " ") }

// ManyLines returns s without what is invisible but the ends of lines and tabs, and without blanks
// at its ends.
func ManyLines(s string) string {
	return TrimBlank(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == '\r' || r == '\u2028' || r == '\u2029':
			return ' '
		case invisible(r):
			return -1
		}
		return r
	}, strings.ReplaceAll(s, "\r\n", "\n")))
}
