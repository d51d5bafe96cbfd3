package page

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

func TestHarmless(t *testing.T) {
	for _, c := range []struct{ source, want string }{
		{"", ""},
		{" \n", ""},
		{"© Example & Söhne", "© Example &amp; Söhne"},
		{`<p class="x">By <a href="https://example.com/?a=1&b=2">us</a></p>`, `<p class="x">By <a href="https://example.com/?a=1&amp;b=2" rel="noopener">us</a></p>`},
		{`<a href="/imprint">Imprint</a> <a href="mailto:a@example.com">Mail</a>`, `<a href="/imprint">Imprint</a> <a href="mailto:a@example.com" rel="noopener">Mail</a>`},
		{`<img src="/assets/l.png" alt="Logo" width="20" height="2em"><img src="http://example.com/x.png"><img src="data:image/png;base64,x">`, `<img src="/assets/l.png" alt="Logo" width="20">`},
		{`<img src=https://example.com/x.png onerror=alert(1)>`, `<img src="https://example.com/x.png" alt="">`},
		{`<script>alert(1)</script><style>*{}</style><iframe src="/"></iframe>a`, `a`},
		{`<a href="javascript:alert(1)" onclick="alert(1)">x</a>`, `x`},
		{`<a href=" jAvAsCrIpT:alert(1)">x</a><a href="//example.com">y</a><a href="data:text/html,x">z</a>`, `xyz`},
		{`<b>bold <i>both</b> slanted</i>`, `<b>bold <i>both</i></b><i> slanted</i>`},
		{`<div><p>one<p>two`, `<div><p>one</p><p>two</p></div>`},
		{`</div></footer><h1 id="main" style="color:red">Title</h1>`, `Title`},
		{`<table><tr><td>cell</table>`, `cell`},
		{`<ul><li>a<li>b</ul><li>c`, `<ul><li>a</li><li>b</li></ul>c`},
		{`<p>a<button><p>b</button>`, `<p>ab</p>`},
		{`<a href="/x">1<object><a href="/y">2</a></object></a>`, `<a href="/x">1</a>`},
		{`<svg><script>alert(1)</script><a href="/">x</a></svg><!-- c --><form action="/"><input>f</form>`, `f`},
		{`<img src="/a&quot;onerror=&quot;alert(1)">`, `<img src="/a&#34;onerror=&#34;alert(1)" alt="">`},
		{strings.Repeat("<div>", 1000) + "x", ""},
	} {
		if got := harmless(c.source); got != c.want {
			t.Errorf("%.80q becomes\n%s, not\n%s", c.source, got, c.want)
		}
	}
}

// FuzzHarmless tries any HTML: what comes out has nothing but the known elements and attributes,
// each tag is closed, and it stays as it is when it goes in again.
func FuzzHarmless(f *testing.F) {
	for _, seed := range []string{
		`<p class="x">By <a href="https://example.com/">us</a>, <b>bold <i>both</b> slanted</i></p>`, `<ul><li>a<li>b<ol><li>c</ol></ul><hr><br>`,
		`<p><button><p>x</button><table><tr><td><a href="/">a<table><a href="/b">b`, `<svg><foreignObject><p>x</svg><math><mi><img src=/x>`, "<a href='/\x00'>\r\nx\ufffe</a>",
		`<b><b><b><b><div>x</b></b></b></b><p>y`, `<select><option><p>x</select><template><img src=/x></template>`, `<noscript><p title="</noscript><img src=x onerror=alert(1)>">`,
		`<a href=/x><p>1<a href=/y>2</p>3`, `<code><pre>x</code>y</pre>`, `<li><p><li>x`, `<i><p><i><ul><i><li>x</i>`, `<frameset><body class=x><html>`, `<nobr><b><nobr>x</b>`, `<font><p></font>x`,
	} {
		f.Add(seed)
	}
	known := slices.Concat(inlineElements, blockElements, emptyElements)
	f.Fuzz(func(t *testing.T, source string) {
		out := harmless(source)
		var open []string
		for z := html.NewTokenizer(strings.NewReader(out)); ; {
			kind := z.Next()
			if kind == html.ErrorToken {
				break
			}
			token := z.Token()
			switch kind {
			case html.StartTagToken:
				if !slices.Contains(known, token.Data) {
					t.Fatalf("%q makes <%s>", source, token.Data)
				}
				for _, a := range token.Attr {
					switch {
					case a.Key == "href" && safeAddress(a.Val) && token.Data == "a", a.Key == "src" && safeImage(a.Val) && token.Data == "img":
					case slices.Contains([]string{"class", "alt", "width", "height"}, a.Key), a.Key == "rel" && a.Val == "noopener":
					default:
						t.Fatalf("%q makes <%s %s=%q>", source, token.Data, a.Key, a.Val)
					}
				}
				if !slices.Contains(emptyElements, token.Data) {
					open = append(open, token.Data)
				}
			case html.EndTagToken:
				if len(open) == 0 || open[len(open)-1] != token.Data {
					t.Fatalf("%q makes %q, where </%s> closes nothing", source, out, token.Data)
				}
				open = open[:len(open)-1]
			case html.CommentToken, html.DoctypeToken, html.SelfClosingTagToken:
				t.Fatalf("%q makes %s", source, token)
			}
		}
		if len(open) > 0 {
			t.Fatalf("%q makes %q, where %v stays open", source, out, open)
		}
		if again := harmless(out); again != out {
			t.Fatalf("%q makes\n%q, and that\n%q", source, out, again)
		}
	})
}
