package main

import "testing"

func TestPrintable(t *testing.T) {
	for s, want := range map[string]string{
		"":                               "",
		`Zoë's "Shop" \ 🔥 日本`:            `Zoë's "Shop" \ 🔥 日本`,
		"\x1b[31mred\x1b[0m":             `\x1b[31mred\x1b[0m`,
		"a\r\nb\tc\x00\a":                `a\r\nb\tc\x00\a`,
		"\u009b31m\u0085":                `\u009b31m\u0085`,
		"\x9b31m":                        `\x9b31m`,
		"abc\u202etxt\u2066\u200b\ufeff": `abc\u202etxt\u2066\u200b\ufeff`,
		"\u2028\u2029\x7f":               `\u2028\u2029\x7f`,
		"\ufffd":                         "\ufffd",
	} {
		if got := printable(s); got != want {
			t.Errorf("printable(%q) = %q, want %q", s, got, want)
		}
	}
}
