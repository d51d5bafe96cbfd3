//go:build browser

package pagetest

import (
	"bytes"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"tocsin/internal/dynamotest"
	"tocsin/internal/page"
	"tocsin/internal/site"
	"tocsin/internal/site/sitetest"
)

// address is a page of a site that is looked at.
type address struct{ name, path string }

// TestPages looks at the pages of some sites in every mode: axe-core finds nothing, nothing
// is wider than the window, one request brings all, none goes elsewhere, no cookie is set,
// nothing is refused by a policy, and the text is the same without JavaScript. The pictures
// go into .local/page.
func TestPages(t *testing.T) {
	b := newBrowser(t)
	now := time.Now().Unix()
	fifty, none, hostile, demo := sitetest.Sample(50, 7), sitetest.Sample(0, 0), hostileSite(), demoSite(t, now)
	for _, tt := range []struct {
		name      string
		site      *site.Site
		addresses []address
	}{
		{"demo", demo, []address{
			{"home", "/"}, {"monitor", "/monitors/checkout"}, {"incident", "/incidents/3"}, {"resolved", "/incidents/1"}, {"history", "/history"},
			{"month", monthPath(now)}, {"missing", "/nothing"}, {"gone", fmt.Sprintf("/incidents/%d", goneID)}, {"embed", "/embed/monitor-checkout"},
			{"german", "/de/"}, {"german-incident", "/de/incidents/3"}, {"maintenance", "/maintenances/1"}, {"german-series", "/de/maintenances/m/1"},
		}},
		{"fifty", fifty, []address{{"home", "/"}, {"monitor", "/monitors/service-1"}}},
		{"none", none, []address{{"home", "/"}, {"history", "/history"}}},
		{"hostile", hostile, []address{{"home", "/"}, {"monitor", "/monitors/service-2"}, {"incident", "/incidents/3"}, {"maintenance", "/maintenances/1"}, {"series", "/maintenances/m/1"}, {"embed", "/embed/monitor-service-4"}}},
	} {
		files := filesOf(tt.site)
		keepHTML(t, tt.name, files)
		origin := serve(t, files, tt.site.AsOf)
		for _, a := range tt.addresses {
			t.Run(tt.name+"-"+a.name, func(t *testing.T) {
				t.Parallel()
				looks := map[string]look{}
				for _, m := range modes {
					l := b.look(t, origin+a.path, m, tt.site.AsOf, "UTC")
					looks[m.name] = l
					keep(t, tt.name+"-"+a.name+"-"+m.name, l.Picture)
					l.verify(t, m, origin, a.path)
				}
				if diff := cmp.Diff(looks["light"].Text, looks["plain"].Text); diff != "" {
					t.Errorf("the text is another one without JavaScript (-with +without):\n%s", diff)
				}
			})
		}
	}
}

// verify says what is wrong with the look of a page.
func (l look) verify(t *testing.T, m mode, origin, path string) {
	t.Helper()
	for _, f := range l.Found {
		t.Errorf("%s: axe-core: %s", m.name, f)
	}
	if l.Passed < 10 {
		t.Errorf("%s: only %d rules of axe-core had something to look at", m.name, l.Passed)
	}
	if l.Width > m.width {
		t.Errorf("%s: the page is %d wide in a window of %d", m.name, l.Width, m.width)
	}
	// An embed has no icon: nobody sees one, but a browser asks for it when it is no frame.
	requests := slices.DeleteFunc(l.Requests, func(a string) bool {
		return strings.HasPrefix(path, "/embed/") && a == origin+"/favicon.ico" || m.own && (a == origin+"/custom.css" || strings.HasPrefix(a, origin+"/assets/"))
	})
	if diff := cmp.Diff([]string{origin + path}, requests); diff != "" {
		t.Errorf("%s: requests (-want +got):\n%s", m.name, diff)
	}
	if l.Cookies != "" {
		t.Errorf("%s: cookies: %s", m.name, l.Cookies)
	}
	if len(l.Problems) > 0 {
		t.Errorf("%s: the console says %q", m.name, l.Problems)
	}
	if strings.TrimSpace(l.Text) == "" {
		t.Errorf("%s: the page is empty", m.name)
	}
	if img, err := png.Decode(bytes.NewReader(l.Picture)); err != nil || img.Bounds().Dx() < int(m.width) {
		t.Errorf("%s: the picture: %v", m.name, err)
	}
}

// keep puts a picture where people look at it.
func keep(t *testing.T, name string, picture []byte) {
	t.Helper()
	write(t, filepath.Join(dynamotest.Root(t), ".local", "page", name+".png"), picture)
}

// keepHTML puts the HTML files where html-validate looks at them.
func keepHTML(t *testing.T, name string, files []page.File) {
	t.Helper()
	for _, f := range files {
		if strings.HasPrefix(f.Type, "text/html") {
			write(t, filepath.Join(dynamotest.Root(t), ".local", "page", "html", name, f.Path, "index.html"), f.Body)
		}
	}
}

func write(t *testing.T, file string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestBranded looks at the pages of a site whose settings say something about all that they can, as
// TestPages does, but for the files of the site's own.
func TestBranded(t *testing.T) {
	b := newBrowser(t)
	for _, theme := range []string{"", "dark"} {
		s := sitetest.Branded()
		s.Settings.Theme = theme
		files := append(filesOf(s), assets...)
		name := "branded" + theme
		keepHTML(t, name, files)
		origin := serve(t, files, s.AsOf)
		addresses := []address{{"home", "/"}, {"german", "/de/"}, {"incident", "/incidents/9"}}
		if theme == "" {
			addresses = append(addresses, address{"monitor", "/monitors/service-1"}, address{"compact", "/products"}, address{"grid", "/regions/de"}, address{"wall", "/wall"}, address{"history", "/history"})
		}
		for _, a := range addresses {
			t.Run(name+"-"+a.name, func(t *testing.T) {
				t.Parallel()
				looks := map[string]look{}
				for _, m := range append(modes, mode{name: "dark-phone", width: 390, zoom: 2, dark: true}) {
					m.own = true
					l := b.look(t, origin+a.path, m, s.AsOf, "UTC")
					looks[m.name] = l
					keep(t, name+"-"+a.name+"-"+m.name, l.Picture)
					l.verify(t, m, origin, a.path)
				}
				if diff := cmp.Diff(looks["light"].Text, looks["plain"].Text); diff != "" {
					t.Errorf("the text is another one without JavaScript (-with +without):\n%s", diff)
				}
			})
		}
	}
}

// TestNotice closes the announcement, after which it is not there, until its hours are over.
func TestNotice(t *testing.T) {
	b := newBrowser(t)
	s := sitetest.Branded()
	origin := serve(t, append(filesOf(s), assets...), s.AsOf)
	const shown = `!document.getElementById("notice").hidden`
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	defer cancel()
	visit := func(now int64) bool {
		must(t, origin, call(ctx, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: fmt.Sprintf("Date.now = () => %d", now*1000)}))
		must(t, origin, chromedp.Do(ctx, chromedp.Navigate(origin+"/")))
		return evaluate[bool](t, ctx, shown)
	}
	if !visit(s.AsOf) {
		t.Fatal("the announcement is not shown")
	}
	if focus := evaluate[string](t, ctx, `document.querySelector("#notice button").click(), document.activeElement.className + document.activeElement.tagName`); focus != "A" {
		t.Errorf("the focus is on %s", focus)
	}
	if evaluate[bool](t, ctx, shown) || visit(s.AsOf+23*3600) {
		t.Error("it is shown after it was closed")
	}
	if !visit(s.AsOf + 25*3600) {
		t.Error("it is not shown again")
	}
}

// TestZone has a visitor elsewhere, whose script shows the times in their zone. What was there
// before is the element's title.
func TestZone(t *testing.T) {
	b := newBrowser(t)
	s := sitetest.Sample(3, 2)
	origin := serve(t, filesOf(s), s.AsOf)
	m := modes[0]
	there, here := b.look(t, origin+"/", m, s.AsOf, "Asia/Tokyo"), b.look(t, origin+"/", m, s.AsOf, "UTC")
	if !strings.Contains(there.Text, "GMT+9") || strings.Contains(here.Text, "GMT") || !strings.Contains(here.Text, "UTC") {
		t.Errorf("in Tokyo:\n%s\nin UTC:\n%s", there.Text, here.Text)
	}
	there.verify(t, m, origin, "/")
}

// TestFormats has a visitor in Berlin of a site with a format of times, which the script writes in
// their zone as the page is written in UTC.
func TestFormats(t *testing.T) {
	b := newBrowser(t)
	m := modes[0]
	for _, c := range []struct{ format, path, here, there string }{
		{"PPp", "/en/", "Nov 27, 2026, 2:42 AM UTC", "Nov 27, 2026, 3:42 AM GMT+1"},
		{"PPp", "/", "27. Nov. 2026 02:42 UTC", "27. Nov. 2026 03:42 GMT+1"},
		{"yyyy-MM-dd HH:mm", "/", "2026-11-27 02:42 UTC", "2026-11-27 03:42 GMT+1"},
		{"EEEE, do MMMM yyyy, HH:mm:ss zzzz", "/en/", "Friday, 27th November 2026, 02:42:21 GMT+00:00", "Friday, 27th November 2026, 03:42:21 GMT+01:00"},
	} {
		s := sitetest.Sample(3, 2)
		s.Settings.Languages, s.Settings.Formats.DateAndTime = []string{"de", "en"}, c.format
		origin := serve(t, filesOf(s), s.AsOf)
		there, here := b.look(t, origin+c.path, m, s.AsOf, "Europe/Berlin"), b.look(t, origin+c.path, m, s.AsOf, "UTC")
		if !strings.Contains(there.Text, c.there) || strings.Contains(there.Text, c.here) || !strings.Contains(here.Text, c.here) {
			t.Errorf("%s, in Berlin:\n%s\nin UTC:\n%s", c.format, there.Text, here.Text)
		}
		there.verify(t, m, origin, c.path)
	}
}

// TestOldPage has a page that was made an hour before it was asked for: the script asks again,
// and then says so.
func TestOldPage(t *testing.T) {
	b := newBrowser(t)
	s := sitetest.Sample(3, 2)
	later := s.AsOf + 3600
	origin := serve(t, filesOf(s), later)
	aged := modes[0]
	aged.until = `!document.getElementById("old").hidden`
	old, fresh := b.look(t, origin+"/", aged, later, "UTC"), b.look(t, origin+"/", modes[0], s.AsOf, "UTC")
	if len(old.Requests) != 2 || len(fresh.Requests) != 1 {
		t.Errorf("requests %v and %v", old.Requests, fresh.Requests)
	}
	if old.Text == fresh.Text {
		t.Errorf("it does not say how old it is:\n%s", old.Text)
	}
	keep(t, "old-home-light", old.Picture)
}
