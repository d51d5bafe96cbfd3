package statuspage_test

import (
	"regexp"
	"slices"
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

// Each text is cut to so many units; a reader's characters are in one piece.
func TestShorten(t *testing.T) {
	const family, england, keycap = "👨‍👩‍👧", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "1\ufe0f\u20e3"
	for _, tt := range []struct {
		in    string
		units int
		want  string
	}{
		{"", 1, ""},
		{"abc", 3, "abc"},
		{"abcd", 3, "ab…"},
		{"abcd", 1, "…"},
		{"ab  cd", 5, "ab…"},
		{"ab\u3000\ufeffcd", 5, "ab…"},
		{"    ", 3, "…"},
		{"a🔥b", 3, "a…"},
		{"a🔥bc", 4, "a🔥…"},
		{"e\u0301e\u0301e\u0301", 5, "e\u0301e\u0301…"}, // a letter and its accent
		{"e\u0301e\u0301e\u0301", 4, "e\u0301…"},
		{"ab\u20ddc", 3, "a…"},         // a letter in a circle
		{"कि कि", 4, "कि…"},            // a letter and its vowel
		{"a" + family + "bc", 9, "a…"}, // eight units
		{"a" + family + "bc", 10, "a" + family + "…"},
		{"a" + england + "bc", 15, "a…"}, // fourteen units
		{"a" + england + "bc", 16, "a" + england + "…"},
		{"👍🏽👍🏽👍🏽", 8, "👍🏽…"},   // a thumb and its colour
		{"🇩🇪🇫🇷🇮🇹", 9, "🇩🇪🇫🇷…"}, // flags
		{"🇩🇪🇫🇷🇮🇹", 8, "🇩🇪…"},
		{"a🇩🇪🇫🇷", 6, "a🇩🇪…"},
		{keycap + keycap, 5, keycap + "…"},
		{keycap + keycap, 3, "…"},
		{"\u1112\u1161\u11ab\u1112\u1161\u11ab", 5, "\u1112\u1161\u11ab…"}, // a Korean syllable in three parts
		{"ab\r\ncd", 4, "ab…"},
		{strings.Repeat("\u0301", 9), 4, "…"},
	} {
		if got := statuspage.Shorten(tt.in, tt.units); got != tt.want {
			t.Errorf("Shorten(%+q, %d) = %+q, want %+q", tt.in, tt.units, got, tt.want)
		}
	}
}

// FuzzShorten holds what is cut against its definition: a beginning that ends where no
// character is taken apart, and is the longest of those that fit.
func FuzzShorten(f *testing.F) {
	for _, s := range []string{"Database", "e\u0301\u0302 x", "👨‍👩‍👧👍🏽", "a🇩🇪🇫🇷🇮", "\u1112\u1161\u11ab", " \xff\u200d", "🏴\U000e0067\U000e007f"} {
		for units := range 9 {
			f.Add(s, uint8(units))
		}
	}
	continues := regexp.MustCompile(`^(\p{M}|[\x{200d}\x{1f3fb}-\x{1f3ff}\x{e0020}-\x{e007f}\x{1160}-\x{11ff}])`)
	flags := regexp.MustCompile(`[\x{1f1e6}-\x{1f1ff}]*$`)
	whole := func(before, after string) bool {
		regional := utf8.RuneCountInString(flags.FindString(before))
		next, _ := utf8.DecodeRuneInString(after)
		return before == "" || !continues.MatchString(after) && !strings.HasSuffix(before, "\u200d") &&
			!(strings.HasSuffix(before, "\r") && next == '\n') && !(regional%2 == 1 && flags.MatchString(string(next)) && flags.FindString(string(next)) != "")
	}
	f.Fuzz(func(t *testing.T, s string, limit uint8) {
		units := int(limit)%40 + 1
		got := statuspage.Shorten(s, units)
		if statuspage.Length(s) <= units {
			if got != s {
				t.Fatalf("Shorten(%+q, %d) = %+q", s, units, got)
			}
			return
		}
		kept, cut := strings.CutSuffix(got, "…")
		if !cut || statuspage.Length(got) > units || !strings.HasPrefix(s, kept) || kept != strings.TrimRightFunc(kept, func(r rune) bool { return slices.Contains(ecmaBlank, r) }) {
			t.Fatalf("Shorten(%+q, %d) = %+q", s, units, got)
		}
		longest := ""
		for at := range s {
			if statuspage.Length(s[:at]) < units && whole(s[:at], s[at:]) {
				longest = s[:at]
			}
		}
		if want := strings.TrimRightFunc(longest, func(r rune) bool { return slices.Contains(ecmaBlank, r) }); kept != want {
			t.Fatalf("Shorten(%+q, %d) = %+q, want %+q", s, units, got, want+"…")
		}
	})
}
