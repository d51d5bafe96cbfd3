package page

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"tocsin/internal/site"
	"tocsin/internal/site/sitetest"
)

// textsOf are all files of the site by path.
func textsOf(s *site.Site) map[string]string {
	all := map[string]string{}
	for _, f := range slices.Concat(Files(s), IncidentFiles(s, s.Open[0])) {
		all[f.Path] = string(f.Body)
	}
	return all
}

// Every setting is where a visitor expects it, and nowhere else.
func TestBrand(t *testing.T) {
	const logo = `<img class="logo" src="/assets/logo.svg" alt="Northwind Cloud">`
	all := textsOf(sitetest.Branded())
	for _, c := range []struct {
		path       string
		has, lacks []string
	}{
		{"/", []string{
			logo, `<link rel="icon" href="/assets/icon.svg">`, `<title>Some services are down · Northwind status</title>`, `content="How Northwind Cloud is doing."`,
			`property="og:image" content="https://status.northwind.example/assets/social.png"`, `<h1 class="name" dir="auto">Northwind Cloud status</h1>`,
			`<p class="name-of" dir="auto">Products and regions, minute by minute.</p>`, `<p class="h1">Some services are down</p>`,
			`<a dir="auto" href="https://docs.northwind.example" rel="noopener"><img class="i" alt="" src="/assets/icon.svg">Docs</a>`, `<a dir="auto" href="/support">Support</a>`,
			`<div class="foot"><p>© 2026 Northwind Cloud · <a href="https://northwind.example/imprint" rel="noopener">Imprint</a>`,
			`<link rel="stylesheet" href="/custom.css">`, ` 'self'; img-src data: 'self' https:; `, "--down:#ca3038;", "--degraded:#856d15;",
			`<aside id="notice" class="notice degraded" aria-label="Announcement" data-id="`, `data-again="24"`, `<strong>We move to a new data centre on 12 December</strong>`,
			`<a class="act" dir="auto" href="https://northwind.example/move" rel="noopener">What to do</a>`, `aria-label="Close this announcement"`,
			`<nav class="w pages" aria-label="Status pages"><ul class="row"><li><a dir="auto" href="/" aria-current="page">Everything</a></li><li><a dir="auto" href="/products">Products</a></li>`,
			"Last 90 days: 100", ".few .d{width:301.34%;margin-left:calc(100% - 301.34%)}", `<h2 id="ended" dir="auto">Past maintenance</h2>`, `media="(prefers-color-scheme:dark)"`, "/rss.xml",
		}, []string{`<h1>`, `class="grid"`, "region 5", `<div class="wide">`}},
		{"/de/", []string{logo, `aria-label="Ankündigung schließen"`, `<a dir="auto" href="/de/" aria-current="page">Everything</a>`, `<a dir="auto" href="/products/de">Products</a>`}, nil},
		{"/products", []string{
			`<a dir="auto" href="/products"><img class="logo" src="/assets/icon.svg" alt="Northwind Cloud">`, `<title>Some services are down · Products · Northwind status</title>`,
			`<article class="m c"><h3`, `<a dir="auto" href="/products" aria-current="page">`, "<h1", "A bar is a day.", `<div class="wide"><section aria-label="Legend">`,
		}, []string{logo, " uptime<", `class="ends`}},
		{"/regions", []string{`<title>Some services are down · Northwind regions</title>`, `content="The regions of Northwind Cloud."`, `<div class="grid">`, `<article class="m card">`, "Last 60 days: ", `viewBox="0 0 299 36"`}, []string{`viewBox="0 0 449 36"`}},
		{"/wall", []string{`<div class="grid"><article class="m c card">`, `<h1>Some services are down</h1>`}, []string{"A bar is a day.", "Happening now", "Past incidents", "Planned", "Dashboard does not load", "Database upgrade"}},
		{"/monitors/service-1", []string{logo, `<aside id="notice"`, `<a dir="auto" href="/">Everything</a>`, `class="foot"`, "Share"}, []string{"aria-current"}},
		{"/incidents/9", []string{logo, `class="foot"`}, []string{`<aside id="notice"`}},
		{"/custom.css", []string{".logo{border-radius:.25rem}\n"}, nil},
		{"/badge/service-1/status", []string{"#ca3038"}, nil},
		{"/embed/monitor-service-1", []string{"--down:#ca3038;"}, nil},
		{"/favicon.svg", []string{"#ca3038"}, nil},
	} {
		body := all[c.path]
		_, after, _ := strings.Cut(body, "</style>")
		for _, want := range c.has {
			if !strings.Contains(body, want) {
				t.Errorf("%s has no %s:\n%s", c.path, want, after)
			}
		}
		for _, not := range c.lacks {
			if strings.Contains(after, not) {
				t.Errorf("%s has %s", c.path, not)
			}
		}
	}
}

// What the settings turn off is not there, and what can do harm neither.
func TestBrandOff(t *testing.T) {
	s := sitetest.Branded()
	s.Settings.NoFeeds, s.Settings.NoBadges, s.Settings.NoSwitcher = true, true, true
	s.Settings.Theme, s.Settings.CSS, s.Settings.Notice.Closable = "dark", "", false
	s.Settings.Logo, s.Settings.Favicon = "javascript:alert(1)", "http://example.com/x.png"
	s.Settings.Nav = []site.Link{{Name: "Bad", URL: "javascript:alert(1)"}, {Name: "Good", URL: "/x", Icon: "javascript:alert(1)"}}
	s.Settings.Footer, s.Settings.SocialImage = "<script>alert(2)</script>Ours", "data:x"
	all := textsOf(s)
	home, monitor := all["/"], all["/monitors/service-1"]
	for _, not := range []string{"rss.xml", "atom.xml", "feed.json", `class="w pages"`, "/custom.css", `media="(prefers-color-scheme`, "alert(", ">Bad<", "<img", "data-again", "<button", noticeScript, "https:;"} {
		if strings.Contains(home, not) {
			t.Errorf("home has %s", not)
		}
	}
	for _, want := range []string{`<strong>Northwind Cloud</strong>`, `<a dir="auto" href="/x">Good</a>`, `<div class="foot">Ours</div>`, "@media screen and (forced-colors:none),screen and (prefers-color-scheme:dark){:root{color-scheme:dark;", "/og/down.png", `<aside id="notice"`} {
		if !strings.Contains(home, want) {
			t.Errorf("home has no %s", want)
		}
	}
	if strings.Contains(monitor, "/badge/") || !strings.Contains(monitor, "/embed/monitor-service-1") {
		t.Error("the page of a monitor leads to badges, or not to its embed")
	}
	s.Settings.NoEmbeds = true
	if monitor := textsOf(s)["/monitors/service-1"]; strings.Contains(monitor, `id="share"`) {
		t.Error("the page of a monitor has an empty section")
	}
}

// The policy of a branded page lets in what the page has, and each page is sound.
func TestBrandedPages(t *testing.T) {
	s := sitetest.Branded()
	for _, f := range slices.Concat(htmlOf(s), PageFiles(s.Pages[0]), PageFiles(s.Pages[1]), PageFiles(s.Pages[2])) {
		if f.Type != htmlType {
			continue
		}
		embed := strings.HasPrefix(f.Path, "/embed/")
		doc := parse(t, f)
		policy := ""
		for _, n := range elements(doc) {
			if v, _ := attribute(n, "http-equiv"); v != "" {
				policy, _ = attribute(n, "content")
			}
		}
		h1 := 0
		for _, n := range elements(doc) {
			switch n.Data {
			case "h1":
				h1++
			case "style", "script":
				if !strings.Contains(policy, hash(n.FirstChild.Data)) {
					t.Errorf("%s: the policy refuses the %s", f.Path, n.Data)
				}
			case "img":
				if _, alt := attribute(n, "alt"); !alt || embed {
					t.Errorf("%s: an image without words", f.Path)
				}
			}
			for _, a := range n.Attr {
				if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
					t.Errorf("%s: <%s %s>", f.Path, n.Data, a.Key)
				}
			}
		}
		if h1 != 1 {
			t.Errorf("%s has %d h1", f.Path, h1)
		}
		if !embed && !strings.Contains(policy, "img-src data: 'self' https:;") {
			t.Errorf("%s: the policy is %s", f.Path, policy)
		}
	}
}

// Hostile texts of settings change no page's tree.
func TestHostileSettings(t *testing.T) {
	shapes := func(text string) []string {
		s := sitetest.Branded()
		s.Settings.Colours = map[string]string{"UP": text, text: "#fff"}
		s.Settings.Nav[0].Name, s.Settings.MetaTitle, s.Settings.Description = text, text, text
		s.Settings.Notice.Title, s.Settings.Notice.Text, s.Settings.Notice.Kind, s.Settings.Notice.ActionOf = text, text, text, text
		s.Page.Header, s.Page.Subheader, s.Page.Title, s.Page.MetaTitle = text, text, text, text
		s.Siblings = []site.Page{s.Page, {Path: "x", Title: text}}
		var all []string
		for _, f := range fewPages(s) {
			all = append(all, shape(t, parse(t, f)))
		}
		return all
	}
	want := shapes("Harmless")
	for _, text := range []string{`</script><script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, "</title></style></svg><!--", ";}*{display:none}"} {
		if got := shapes(text); !slices.Equal(got, want) {
			t.Errorf("%q changes a tree", text)
		}
	}
}

// The footer of a site stays in its place, whatever it is.
func TestHostileFooter(t *testing.T) {
	for _, text := range []string{"</div></div></footer></body><p>", "<!--", "<title>x", "<plaintext>", "<div><div>"} {
		s := sitetest.Branded()
		s.Settings.Footer = text + "END"
		f := homePage(s, "en")
		for n := range parse(t, f).Descendants() {
			if n.Type == html.TextNode && strings.Contains(n.Data, "END") {
				if class, _ := attribute(n.Parent, "class"); class != "foot" && n.Parent.Data != "p" && n.Parent.Data != "div" {
					t.Errorf("%q: it is in <%s class=%q>", text, n.Parent.Data, class)
				}
			}
		}
		if !strings.HasSuffix(string(f.Body), `</div></footer><script>`+script+`</script></body></html>`) {
			t.Errorf("%q: the page ends with %.200s", text, f.Body[len(f.Body)-200:])
		}
	}
}

// A monitor's image stands before its name, and lets images into the pages that show it alone.
func TestMonitorImage(t *testing.T) {
	s := sitetest.Sample(2, 1)
	s.Groups[0].Monitors[0].Image = "/assets/shop.svg"
	all := textsOf(s)
	tag := s.Groups[0].Monitors[0].Tag
	const shown, allowed = `<img class="i" alt="" src="/assets/shop.svg">`, "img-src data: 'self' https:;"
	for path, is := range map[string]bool{"/": true, "/monitors/" + tag: true, "/history": false} {
		if body := all[path]; strings.Contains(body, shown) != is || strings.Contains(body, allowed) != is {
			t.Errorf("%s shows it: %t:\n%s", path, !is, body)
		}
	}
	s.Groups[0].Monitors[0].Image = "http://example.com/a.png"
	for path, body := range textsOf(s) {
		if strings.Contains(body, "<img") || strings.Contains(body, allowed) {
			t.Errorf("%s has an image", path)
		}
	}
}
