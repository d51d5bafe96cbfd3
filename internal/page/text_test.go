package page

import (
	"encoding/xml"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tocsin/internal/site"
	"tocsin/internal/statuspage"
)

// TestStatusText looks that every line fits into a terminal and has nothing that it obeys.
func TestStatusText(t *testing.T) {
	for name, s := range sites() {
		body := string(fileAt(t, s, "/status.txt").Body)
		for line := range strings.Lines(body) {
			line = strings.TrimSuffix(line, "\n")
			if columns(line) > textColumns && !strings.Contains(line, "https://") {
				t.Errorf("%s: %d columns: %s", name, columns(line), line)
			}
			for _, r := range line {
				if unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Bidi_Control, r) {
					t.Errorf("%s: %U in %q", name, r, line)
				}
			}
		}
	}
}

// TestStatusTextLength looks that a long update doesn't drown the rest.
func TestStatusTextLength(t *testing.T) {
	s := shop()
	s.Open[0].Updates[0].Text = strings.Repeat("word ", 200_000)
	if n := strings.Count(string(statusText(s)), "\n"); n > 60 {
		t.Errorf("%d lines", n)
	}
}

// TestStatusTextFirstLine looks that the state comes first.
func TestStatusTextFirstLine(t *testing.T) {
	well := shop()
	well.Status, well.Open, well.Groups = site.Up, nil, well.Groups[:1]
	for n := range well.Groups[0].Monitors {
		well.Groups[0].Monitors[n].Status = site.Up
	}
	for want, s := range map[string]*site.Site{"Some services are down": shop(), "All services are running": well, "No services yet": {}} {
		first, _, _ := strings.Cut(string(statusText(s)), "\n")
		if first != want {
			t.Errorf("got %q, want %q", first, want)
		}
	}
}

func TestWrapped(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{"", nil},
		{"one", []string{"one"}},
		{"one two three", []string{"one two", "three"}},
		{"one two x", []string{"one two", "x"}},
		{"12345678 90", []string{"12345678", "90"}},
		{"123456789", []string{"12345678", "9"}},
		{"日本語日本語", []string{"日本語日", "本語"}},
	} {
		if diff := cmp.Diff(c.want, wrapped(c.text, 8)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", c.text, diff)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text, width := statuspage.OneLine(rapid.String().Draw(t, "text")), rapid.IntRange(2, 20).Draw(t, "width")
		all := wrapped(text, width)
		for _, line := range all {
			if columns(line) > width {
				t.Errorf("%q is wider than %d", line, width)
			}
		}
		if got, want := strings.ReplaceAll(strings.Join(all, ""), " ", ""), strings.ReplaceAll(text, " ", ""); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestSitemap(t *testing.T) {
	var got struct {
		URLs []struct {
			Location string `xml:"loc"`
			Changed  string `xml:"lastmod"`
		} `xml:"url"`
	}
	if err := xml.Unmarshal(fileAt(t, shop(), "/sitemap.xml").Body, &got); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, u := range got.URLs {
		path, ok := strings.CutPrefix(u.Location, "https://status.example.com")
		if !ok {
			t.Errorf("%s is another site", u.Location)
		}
		if (strings.Contains(path, "/incidents/") || strings.Contains(path, "/maintenances/")) != (u.Changed != "") {
			t.Errorf("%s changed at %q", path, u.Changed)
		}
		all = append(all, path)
	}
	var want []string
	for _, path := range []string{"/", "/history", "/monitors/checkout", "/monitors/api", "/monitors/search", "/maintenances/m/9", "/maintenances/3", "/maintenances/m/10", "/maintenances/4", "/incidents/13", "/incidents/12", "/incidents/11", "/incidents/9", "/events/November-2026"} {
		want = append(want, path, "/de"+path)
	}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestSitemapSettings looks at what a sitemap has, and whether robots.txt names it.
func TestSitemapSettings(t *testing.T) {
	const at = "https://status.example.com"
	pages := shop()
	pages.Groups, pages.Open, pages.Upcoming, pages.Past, pages.Maintenances = nil, nil, nil, nil, nil
	pages.Settings.Languages = []string{"de", "en"}
	pages.Pages = []*site.Site{team()}
	homes := []string{at + "/", at + "/en/", at + "/history", at + "/en/history", at + "/team", at + "/team/en", at + "/team/history", at + "/team/en/history"}
	for _, c := range []struct {
		name    string
		setting site.Sitemap
		url     string
		want    []string // nil: there is none
		says    string
	}{
		{"nothing", site.Sitemap{}, at, homes, ""},
		{"off", site.Sitemap{Off: true, URLs: []string{at}}, at, nil, "Es gibt keine Sitemap.\n"},
		{"its own", site.Sitemap{URLs: []string{at + "/team", "https://shop.example.com/?a=1&b=2"}}, at, []string{at + "/team", "https://shop.example.com/?a=1&b=2"}, ""},
		{"nowhere", site.Sitemap{URLs: []string{at}}, "", nil, "Es gibt keine Sitemap, weil die Adresse dieser Seite nicht bekannt ist.\n"},
	} {
		pages.Settings.Sitemap, pages.URL = c.setting, c.url
		f := fileAt(t, pages, "/sitemap.xml")
		robots := string(fileAt(t, pages, "/robots.txt").Body)
		if strings.Contains(robots, "Sitemap: "+at+"/sitemap.xml\n") != (c.want != nil) {
			t.Errorf("%s: %s", c.name, robots)
		}
		if c.want == nil {
			if f.Status != 404 || string(f.Body) != c.says {
				t.Errorf("%s: %d, %s", c.name, f.Status, f.Body)
			}
			continue
		}
		var got struct {
			URLs []string `xml:"url>loc"`
		}
		if err := xml.Unmarshal(f.Body, &got); err != nil || f.Status != 200 || !slices.Equal(got.URLs, c.want) {
			t.Errorf("%s: %v, %d, %q, want %q", c.name, err, f.Status, got.URLs, c.want)
		}
	}
}

// TestPagesInLLMs looks that a program that reads of the site learns of its pages.
func TestPagesInLLMs(t *testing.T) {
	s := shop()
	s.Pages = []*site.Site{team()}
	const want = "- [/team/status.txt](https://status.example.com/team/status.txt): the same of some of the services: Team · Example Shop\n"
	if body := string(fileAt(t, s, "/llms.txt").Body); !strings.HasSuffix(body, want) {
		t.Error(body)
	}
}

// TestWithoutURL looks that a site whose address is not known has no sitemap, and links by paths.
func TestWithoutURL(t *testing.T) {
	s := shop()
	s.URL = ""
	if f := fileAt(t, s, "/sitemap.xml"); f.Status != 404 {
		t.Errorf("%d: %s", f.Status, f.Body)
	}
	if body := string(fileAt(t, s, "/robots.txt").Body); strings.Contains(body, "Sitemap") {
		t.Error(body)
	}
	if got := fileAt(t, s, "/api/v2/incidents.json").Body; !strings.Contains(string(got), `"url":"/"`) || !strings.Contains(string(got), `"shortlink":"/incidents/12"`) {
		t.Errorf("%s", got)
	}
	s.Maintenances = nil
	if link := readFeed(t, s, "/rss.xml").Items[0].Link; link != "/incidents/12#update-41" {
		t.Error(link)
	}
}

func TestMonthsOf(t *testing.T) {
	const december, january = 1796083200, 1798761600 // 2026-12-01, 2027-01-01
	got := monthsOf([]site.Incident{{Start: january - 1, End: new(int64(january))}, {Start: december + 5}, {Start: december - 1}})
	if want := []int64{january, december, december - 30*day}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
