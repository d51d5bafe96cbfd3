package page

import (
	"strings"
	"testing"

	"golang.org/x/net/html"
)

func TestSafeAddress(t *testing.T) {
	for address, want := range map[string]bool{
		"https://example.com/x?y=1#z":   true,
		"http://example.com":            true,
		"HTTPS://EXAMPLE.COM":           true,
		"mailto:ops@example.com":        true,
		"/history":                      true,
		"/monitors/a%20b":               true,
		"":                              false,
		"history":                       false,
		"//example.com/x":               false,
		`/\example.com/x`:               false,
		`\\example.com`:                 false,
		"https:///x":                    false,
		"https:example.com":             false,
		"javascript:alert(1)":           false,
		"JavaScript:alert(1)":           false,
		" javascript:alert(1)":          false,
		"java\nscript:alert(1)":         false,
		"data:text/html,<script>":       false,
		"vbscript:x":                    false,
		"ftp://example.com":             false,
		"mailto:":                       false,
		"https://exa mple.com":          false,
		"/\tx":                          false,
		"javascript://example.com/%0ax": false,
	} {
		if got := safeAddress(address); got != want {
			t.Errorf("safeAddress(%q) is %v", address, got)
		}
	}
}

// Whatever the text, it comes back as it was, and makes no tag and no attribute.
func FuzzWriter(f *testing.F) {
	for _, s := range []string{"", "Checkout", `</script><script>alert(1)</script>`, `" onload="x`, "&amp;&#60;", "a\x00b\r\n", "\xff<", "\u202e\u2066x", "]]>", "<!--"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var w writer
		w.raw(`<!doctype html><p`)
		w.attr("title", s)
		w.link("lang", s)
		w.raw(`>`)
		w.text(s)
		w.raw(`</p><i></i>`)
		doc, err := html.Parse(strings.NewReader(string(w.b)))
		if err != nil {
			t.Fatal(err)
		}
		body := doc.LastChild.LastChild
		p := body.FirstChild
		if p.Data != "p" || p.NextSibling == nil || p.NextSibling.Data != "i" || p.NextSibling.NextSibling != nil {
			t.Fatalf("%q makes another tree: %s", s, w.b)
		}
		want := visible(s)
		text := ""
		if p.FirstChild != nil {
			text = p.FirstChild.Data
		}
		if text != want || p.Attr[0].Key != "title" || p.Attr[0].Val != want {
			t.Fatalf("%q comes back as %q and %q", s, text, p.Attr[0].Val)
		}
		if len(p.Attr) > 1 && (!safeAddress(s) || len(p.Attr) > 2 || p.Attr[1].Key != "lang" || p.Attr[1].Val != want) {
			t.Fatalf("%q gives the attributes %v", s, p.Attr)
		}
	})
}

// visible is the text that a browser may be sent instead of s.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\t' && r != '\n' || 0x7f <= r && r < 0xa0 || r&0xfffe == 0xfffe || 0xfdd0 <= r && r <= 0xfdef {
			return '\ufffd'
		}
		return r
	}, s)
}
