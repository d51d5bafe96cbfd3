package page

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/site"
	"tocsin/internal/site/sitetest"
)

// TestLanguagesOfASite looks at where pages are, in which language, and what leads from one
// language to another.
func TestLanguagesOfASite(t *testing.T) {
	const at = "https://status.example.com"
	for _, c := range []struct {
		languages        []string
		homes, histories []string // code, address
		alternates       []string // of the histories
	}{
		{nil, []string{"en /", "de /de/"}, []string{"en /history", "de /de/history"}, []string{"en " + at + "/history", "de " + at + "/de/history"}},
		{[]string{"en", "de"}, []string{"en /", "de /de/"}, []string{"en /history", "de /de/history"}, []string{"en " + at + "/history", "de " + at + "/de/history", "x-default " + at + "/history"}},
		{[]string{"de", "en"}, []string{"de /", "en /en/"}, []string{"de /history", "en /en/history"}, []string{"de " + at + "/history", "en " + at + "/en/history", "x-default " + at + "/history"}},
		{[]string{"tlh", "de", "en"}, []string{"de /", "en /en/"}, []string{"de /history", "en /en/history"}, []string{"de " + at + "/history", "en " + at + "/en/history", "x-default " + at + "/history"}},
		{[]string{"en"}, []string{"en /"}, []string{"en /history"}, nil},
		{[]string{"de"}, []string{"de /"}, []string{"de /history"}, nil},
		{[]string{"tlh"}, []string{"en /", "de /de/"}, []string{"en /history", "de /de/history"}, []string{"en " + at + "/history", "de " + at + "/de/history", "x-default " + at + "/history"}},
	} {
		s := shop()
		s.Settings.Languages = c.languages
		var homes, histories []string
		for _, f := range Files(s) {
			if f.Type != htmlType {
				continue
			}
			var lang, canonical string
			var alternates, leads []string
			for _, n := range elements(parse(t, f)) {
				href, _ := attribute(n, "href")
				code, translated := attribute(n, "hreflang")
				switch rel, _ := attribute(n, "rel"); {
				case n.Data == "html":
					lang, _ = attribute(n, "lang")
				case rel == "canonical":
					canonical = href
				case n.Data == "link" && translated:
					alternates = append(alternates, code+" "+href)
				case n.Data == "a" && translated:
					leads = append(leads, code+" "+href)
				}
			}
			says := lang + " " + f.Path
			switch {
			case strings.Trim(f.Path, "/") == "" || len(f.Path) == len("/de/") && strings.HasSuffix(f.Path, "/"):
				homes = append(homes, says)
			case strings.HasSuffix(f.Path, "/history"):
				histories = append(histories, says)
				if diff := cmp.Diff(c.alternates, alternates); diff != "" || canonical != at+f.Path {
					t.Errorf("%q: %s is %s, and has others (-want +got):\n%s", c.languages, f.Path, canonical, diff)
				}
				want := slices.DeleteFunc(slices.Clone(c.histories), func(other string) bool { return other == says })
				if !slices.Equal(leads, want) {
					t.Errorf("%q: %s leads to %q, not %q", c.languages, f.Path, leads, want)
				}
			}
		}
		if !slices.Equal(homes, c.homes) || !slices.Equal(histories, c.histories) {
			t.Errorf("%q: homes %q, histories %q", c.languages, homes, histories)
		}
	}
}

// TestGermanSite looks at what each kind of file says when the site is in German first.
func TestGermanSite(t *testing.T) {
	s := shop()
	s.Name, s.Settings.Languages = "", []string{"de", "en"}
	s.Past[1].Title = ""
	for path, want := range map[string]string{
		"/":                                   "Einige Dienste sind ausgefallen",
		"/en/":                                "Some services are down",
		"/rss.xml":                            "<description>Vorfälle und Wartungen von Status</description><language>de</language>",
		"/atom.xml":                           `xml:lang="de"`,
		"/feed.json":                          `Betroffen: Checkout &amp; pay (ausgefallen), API (beeinträchtigt)`,
		"/monitors/search/feed.json":          `"language":"de"`,
		"/monitors/search/atom.xml":           "Wartung · Läuft: Index upgrade",
		"/status.txt":                         "Search (Wartung)",
		"/llms.txt":                           "/status.txt",
		"/maintenances.ics":                   "-//Tocsin//Status page//DE",
		"/favicon.svg":                        "<title>Einige Dienste sind ausgefallen</title>",
		"/badge/_/status":                     "Ausgefallen",
		"/badge/api/status.json":              `"message":"Beeinträchtigt"`,
		"/badge/api/uptime":                   "99,969",
		"/embed/monitor-api":                  `<html lang="de">`,
		"/data/api.json":                      `"language":"de"`,
		"/data/_.json":                        `"language":"de"`,
		"/api/v2/scheduled-maintenances.json": "Die Wartung ist vorbei.",
		"/api/v2/incidents.json":              `"name":"Vorfall 9"`,
		"/sitemap.xml":                        "<loc>https://status.example.com/en/monitors/api</loc>",
		"/api/v2/incidents/unresolved.json":   `"name":"Status"`,
		"/404":                                "Hier ist keine Seite",
		"/en/404":                             "There is no page here",
		"/en/monitors/api":                    "Degraded",
		"/monitors/api":                       "Beeinträchtigt",
		"/api/v2/summary.json":                "Die Wartung hat begonnen.",
	} {
		n := slices.IndexFunc(Files(s), func(f File) bool { return f.Path == path })
		if n < 0 {
			t.Errorf("there is no %s", path)
		} else if body := string(Files(s)[n].Body); !strings.Contains(strings.ReplaceAll(body, "\r\n ", ""), want) {
			t.Errorf("%s does not say %q:\n%s", path, want, body)
		}
	}
	d, err := ParseData(fileAt(t, s, "/data/api.json").Body)
	if err != nil {
		t.Fatal(err)
	}
	for locale, want := range map[string]string{"": "Beeinträchtigt", "tlh": "Beeinträchtigt", "en": "Degraded"} {
		if svg, _ := Badge(badgeStatus, d, map[string][]string{"locale": {locale}}); !strings.Contains(string(svg), want) {
			t.Errorf("locale %q: %s", locale, svg)
		}
	}
	if got, want := string(Embed(d, "", site.Days)), string(embedFile(s, s.Monitors()[1]).Body); got != want {
		t.Errorf("made of the data the embed is another one:\n%s", cmp.Diff(want, got))
	}
}

// TestNamesOfAPage looks at what a page is called, in its titles and elsewhere.
func TestNamesOfAPage(t *testing.T) {
	s := team()
	s.Name = ""
	for lang, want := range map[string]string{"de": "Verlauf · Team · Status: Vorfälle von Team · Status, nach Monaten.", "en": "History · Team · Status: Incidents of Team · Status, by month."} {
		got := ""
		for _, n := range elements(parse(t, historyPage(s, lang))) {
			if name, _ := attribute(n, "name"); n.Data == "title" && n.Namespace == "" {
				got += textIn(n)
			} else if name == "description" {
				content, _ := attribute(n, "content")
				got += ": " + content
			}
		}
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	s.Page.Title = ""
	if got := titleOf(s); got != "team · Status" {
		t.Error(got)
	}
	s.Page = site.Page{ID: 1, Title: "Home"}
	if got := titleOf(s); got != "Status" {
		t.Error(got)
	}
}

// TestTakenLanguages looks at what stands where pages of a language were that the site had.
func TestTakenLanguages(t *testing.T) {
	s := sitetest.Sample(1, 1)
	s.Settings.Languages, s.Taken = []string{"de"}, []string{"/de", "/en"}
	want := map[string]string{}
	for _, f := range append(Files(s), IncidentFiles(s, s.Past[0])...) {
		if f.Type == htmlType && (strings.HasPrefix(f.Path, "/de") || strings.HasPrefix(f.Path, "/en/")) {
			want[f.Path] = "gone"
			if !f.Gone || f.Status != 404 || !strings.Contains(string(f.Body), `<html lang="de">`) {
				t.Errorf("%s: %d, gone is %v:\n%s", f.Path, f.Status, f.Gone, f.Body)
			}
		}
	}
	for _, path := range []string{"/de/", "/en/", "/de/history", "/en/history", "/de/404", "/en/monitors/" + s.Monitors()[0].Tag, "/de" + incidentPath(s.Past[0].ID)} {
		if want[path] == "" {
			t.Errorf("nothing stands at %s, where a page was", path)
		}
	}
}
