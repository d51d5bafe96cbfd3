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

// ValidText returns s with each invalid UTF-8 byte replaced by U+FFFD, as a JSON
// decoder would deliver it.
func ValidText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}
