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
			{"german", "/de/"}, {"german-incident", "/de/incidents/3"},
		}},
		{"fifty", fifty, []address{{"home", "/"}, {"monitor", "/monitors/service-1"}}},
		{"none", none, []address{{"home", "/"}, {"history", "/history"}}},
		{"hostile", hostile, []address{{"home", "/"}, {"monitor", "/monitors/service-2"}, {"incident", "/incidents/3"}, {"embed", "/embed/monitor-service-4"}}},
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
	requests := slices.DeleteFunc(l.Requests, func(a string) bool { return strings.HasPrefix(path, "/embed/") && a == origin+"/favicon.ico" })
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
