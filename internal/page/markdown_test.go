package page

import (
	"strings"
	"testing"
)

func TestMarkdown(t *testing.T) {
	for _, c := range []struct{ name, source, want, plain string }{
		{"nothing", "", "", ""},
		{"words", "A *bad* release.\nRolling **back**.", "<p>A <em>bad</em> release.\nRolling <strong>back</strong>.</p>\n", "A bad release. Rolling back."},
		{"raw HTML", "a <b onclick=x()>b</b>", "<p>a <!-- raw HTML omitted -->b<!-- raw HTML omitted --></p>\n", "a b"},
		{"script", "<script>alert(1)</script>", "<!-- raw HTML omitted -->\n", ""},
		{"link that runs", "[x](javascript:alert(1))", `<p><a href="">x</a></p>` + "\n", "x"},
		{"link", "[x](https://example.org/?a&b)", `<p><a href="https://example.org/?a&amp;b">x</a></p>` + "\n", "x"},
		{"link to a path", "[x](/incidents/3)", `<p><a href="https://s.example/incidents/3">x</a></p>` + "\n", "x"},
		{"link to another host", "[x](//example.org/)", `<p><a href="//example.org/">x</a></p>` + "\n", "x"},
		{"address", "<https://example.org/>", `<p><a href="https://example.org/">https://example.org/</a></p>` + "\n", "https://example.org/"},
		{"picture", "![a *graph*](https://example.org/1.png)", `<p><a href="https://example.org/1.png">a <em>graph</em></a></p>` + "\n", "a graph"},
		{"picture that runs", "![x](javascript:alert(1))", `<p><a href="">x</a></p>` + "\n", "x"},
		{"picture in a link", "[![pic](/1.png) more](/x)", `<p><a href="https://s.example/x">pic more</a></p>` + "\n", "pic more"},
		{"picture in a picture", "![a ![b](/2.png)](/1.png)", `<p><a href="/1.png">a b</a></p>` + "\n", "a b"},
		{"blocks", "# Head\n\n- one\n- two\n\n```\nx <y>\n```\n", "<h1>Head</h1>\n<ul>\n<li>one</li>\n<li>two</li>\n</ul>\n<pre><code>x &lt;y&gt;\n</code></pre>\n", "Head one two x <y>"},
		{"break", "a  \nb", "<p>a<br>\nb</p>\n", "a b"},
		{"code", "`a &amp; \\*`", "<p><code>a &amp;amp; \\*</code></p>\n", `a &amp; \*`},
		{"entity", "a &amp; b \\* c", "<p>a &amp; b * c</p>\n", "a & b * c"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := string(markdown("https://s.example", c.source)); got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
			if got := plain(c.source); got != c.plain {
				t.Errorf("plain: got %q, want %q", got, c.plain)
			}
		})
	}
}

func FuzzMarkdown(f *testing.F) {
	f.Add("a ![b [c](d)](e) <script>")
	f.Fuzz(func(t *testing.T, source string) {
		html := string(markdown("https://s.example", source))
		for _, never := range []string{"<script", "<img", "<iframe", `"javascript:`, "<style"} {
			if strings.Contains(html, never) {
				t.Errorf("%q became %q", source, html)
			}
		}
		if strings.ContainsAny(plain(source), "\n\r") {
			t.Errorf("%q has more than one line", source)
		}
	})
}
