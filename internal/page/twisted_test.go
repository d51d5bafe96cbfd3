package page

import (
	"strings"
	"testing"
)

// Each of these texts, as long as a comment of the API can be, would keep the Markdown parser
// busy for longer than this test may take.
func TestTwistedTexts(t *testing.T) {
	const length = 65_536
	for _, part := range []string{"[a](", "[](", "![](", "> ", ">", "1. ", "+ ", "* - "} {
		source := strings.Repeat(part, length/len(part))
		if !isTwisted(source) {
			t.Errorf("%q repeated is read as Markdown", part)
			continue
		}
		if got := string(markdown("", source)); len(got) < length || !strings.HasPrefix(got, "<pre>") {
			t.Errorf("%q repeated becomes %.40q", part, got)
		}
		if got := plain(source); got != strings.TrimSpace(source) {
			t.Errorf("%q repeated is in plain words %.40q", part, got)
		}
	}
	if got := string(markdown("", "<b>\x00"+strings.Repeat("[", 2000))); !strings.HasPrefix(got, "<pre>&lt;b&gt;\ufffd[[") {
		t.Errorf("a text as it was written: %.40q", got)
	}
}

// What people write is read as Markdown.
func TestOrdinaryTextsAreNotTwisted(t *testing.T) {
	for _, source := range []string{
		"", "a", "\n", "-", "12", "12.", strings.Repeat("-", 200), strings.Repeat("*", 200), strings.Repeat("=", 200), strings.Repeat("1", 200),
		strings.Repeat("- [a](https://a.example)\n", 900), strings.Repeat("> ", 20) + "quoted", strings.Repeat("> quoted\n", 2000),
		strings.Repeat("1. one\n", 3000), strings.Repeat("-1 +2 *a* 3.5 ", 200),
	} {
		if isTwisted(source) {
			t.Errorf("%.40q is not read as Markdown", source)
		}
	}
}
