package statuspage_test

import (
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"pgregory.net/rapid"

	"tocsin/internal/statuspage"
)

// ecmaBlank is white space and line ends as ECMAScript lists them (12.2 and 12.3).
var ecmaBlank = []rune{
	'\t', '\v', '\f', '\ufeff', // TAB, VT, FF, ZWNBSP
	' ', '\u00a0', '\u1680', '\u2000', '\u2001', '\u2002', '\u2003', '\u2004', '\u2005', '\u2006',
	'\u2007', '\u2008', '\u2009', '\u200a', '\u202f', '\u205f', '\u3000', // USP
	'\n', '\r', '\u2028', '\u2029', // line ends
}

func TestTrimBlank(t *testing.T) {
	blank := map[rune]bool{}
	for _, r := range ecmaBlank {
		blank[r] = true
	}
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		in := string(r) + "a" + string(r) + "b" + string(r)
		want := in
		if blank[r] {
			want = "a" + string(r) + "b"
		}
		if got := statuspage.TrimBlank(in); got != want {
			t.Errorf("TrimBlank(%+q) = %+q, want %+q", in, got, want)
		}
	}
	for _, tt := range []struct{ in, want string }{
		{"", ""},
		{" \t\n\u00a0\ufeff\u3000", ""},
		{"\u0085 x \u0085", "\u0085 x \u0085"}, // NEL is white space for Unicode, not for ECMAScript
		{"\u200bx\u200b", "\u200bx\u200b"},     // zero width space
		{"\u180ex\u180e", "\u180ex\u180e"},     // was white space until Unicode 6.3
		{"\ufeff \U0001f525 down \U0001f525 ", "\U0001f525 down \U0001f525"}, // beyond UTF-16's first plane
	} {
		if got := statuspage.TrimBlank(tt.in); got != tt.want {
			t.Errorf("TrimBlank(%+q) = %+q, want %+q", tt.in, got, tt.want)
		}
	}
}

func TestLength(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want int
	}{
		{"", 0},
		{"abc", 3},
		{"Grüße", 5},
		{"日本", 2},
		{"\uffff", 1},
		{"\U00010000", 2},
		{"\U0001f525!", 3},
		{"e\u0301", 2}, // a letter and its accent are two
		{strings.Repeat("€", 255), 255},
	} {
		if got := statuspage.Length(tt.in); got != tt.want {
			t.Errorf("Length(%+q) = %d, want %d", tt.in, got, tt.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		if got, want := statuspage.Length(s), len(utf16.Encode([]rune(s))); got != want {
			t.Errorf("Length(%+q) = %d, want %d", s, got, want)
		}
	})
}

func TestValidText(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", ""},
		{"Grüße", "Grüße"},
		{"a\xffb", "a\ufffdb"},
		{"a\xff\xfeb", "a\ufffd\ufffdb"},
		{"cut \xe2\x82", "cut \ufffd\ufffd"},
		{"\xed\xa0\x80", "\ufffd\ufffd\ufffd"}, // a surrogate in UTF-8
	} {
		if got := statuspage.ValidText(tt.in); got != tt.want {
			t.Errorf("ValidText(%+q) = %+q, want %+q", tt.in, got, tt.want)
		}
	}
}
