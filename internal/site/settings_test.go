package site_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/opt"
	"tocsin/internal/site"
	"tocsin/internal/statuspage"
)

func settings(keysAndValues ...string) []statuspage.SiteSetting {
	var all []statuspage.SiteSetting
	for n := 0; n < len(keysAndValues); n += 2 {
		all = append(all, statuspage.SiteSetting{Key: keysAndValues[n], Value: keysAndValues[n+1]})
	}
	return all
}

func TestSettings(t *testing.T) {
	for _, tt := range []struct {
		key, value string
		want       site.Settings
	}{
		{"logo", "/assets/logo.svg", site.Settings{Logo: "/assets/logo.svg"}},
		{"logo", "https://example.com/l.png", site.Settings{Logo: "https://example.com/l.png"}},
		{"logo", "http://example.com/l.png", site.Settings{}},
		{"logo", "javascript:alert(1)", site.Settings{}},
		{"favicon", "/f.ico", site.Settings{Favicon: "/f.ico"}},
		{"favicon", "data:image/png;base64,AA", site.Settings{}},
		{"socialPreviewImage", "/s.png", site.Settings{SocialImage: "/s.png"}},
		{"metaSiteTitle", " T ", site.Settings{MetaTitle: "T"}},
		{"metaSiteDescription", "D", site.Settings{Description: "D"}},
		{"footerHTML", "<b>x</b>", site.Settings{Footer: "<b>x</b>"}},
		{"customCSS", "a{}", site.Settings{CSS: "a{}"}},
		{"theme", "dark", site.Settings{Theme: "dark"}},
		{"theme", "none", site.Settings{}},
		{"theme", "system", site.Settings{}},
		{"colors", `{"UP":"#00ff00","X":5,"ACCENT":"red"}`, site.Settings{Colours: map[string]string{"UP": "#00ff00", "ACCENT": "red"}}},
		{"colorsDark", `{"UP":"#00ff00"}`, site.Settings{DarkColours: map[string]string{"UP": "#00ff00"}}},
		{"nav", `[{"name":"Docs","url":"https://docs.example.com","iconURL":"/i.svg"},{"name":"Mail","url":"mailto:a@example.com","iconURL":"http://x/i.png"},` +
			`{"name":"Team","url":"/team"},{"name":"Bad","url":"javascript:alert(1)"},{"name":" ","url":"/x"},{"name":5,"url":"/x"},{"url":"//evil.example"},null,"x"]`,
			site.Settings{Nav: []site.Link{{"Docs", "https://docs.example.com", "/i.svg"}, {"Mail", "mailto:a@example.com", ""}, {"Team", "/team", ""}}}},
		{"announcement", `{"title":"Soon","message":"We move.","type":"WARNING","cancellable":true,"reshowAfterInHours":12,"ctaURL":"/move","ctaText":"More"}`,
			site.Settings{Notice: &site.Notice{Title: "Soon", Text: "We move.", Kind: "WARNING", Closable: true, Again: 12, ActionURL: "/move", ActionOf: "More"}}},
		{"announcement", `{"title":"Soon","message":5,"type":"X","reshowAfterInHours":null,"ctaURL":"javascript:x","ctaText":"More"}`,
			site.Settings{Notice: &site.Notice{Title: "Soon", Kind: "INFO"}}},
		{"announcement", `{"title":" ","message":"","type":"ERROR"}`, site.Settings{}},
		{"i18n", `{"defaultLocale":"de","locales":[{"code":"en","selected":true,"disabled":false},{"code":"de","selected":true,"disabled":true},{"code":"fr","selected":false}]}`,
			site.Settings{Languages: []string{"de", "en"}}},
		{"i18n", `{"defaultLocale":5,"locales":[{"code":"de","selected":"yes"},7]}`, site.Settings{}},
		{"dateAndTimeFormat", `{"datePlusTime":"yyyy-MM-dd HH:mm","dateOnly":"yyyy-MM-dd","timeOnly":5}`,
			site.Settings{Formats: site.Formats{DateAndTime: "yyyy-MM-dd HH:mm", Date: "yyyy-MM-dd"}}},
		{"subMenuOptions", `{"showShareBadgeMonitor":false,"showShareEmbedMonitor":false,"showRssFeed":false}`, site.Settings{NoBadges: true, NoEmbeds: true, NoFeeds: true}},
		{"subMenuOptions", `{"showShareBadgeMonitor":0,"showRssFeed":true}`, site.Settings{}},
		{"globalPageVisibilitySettings", `{"showSwitcher":false,"forceExclusivity":true}`, site.Settings{NoSwitcher: true, Exclusive: true}},
		{"globalPageVisibilitySettings", `{"showSwitcher":"no","forceExclusivity":"yes"}`, site.Settings{}},
		{"sitemap", `{"mode":"off","urls":[]}`, site.Settings{Sitemap: site.Sitemap{Off: true}}},
		{"sitemap", `{"mode":"auto"}`, site.Settings{}},
		{"sitemap", `{"mode":"manual","urls":[{"loc":" https://a.example/ "},{"loc":"x"},5]}`, site.Settings{Sitemap: site.Sitemap{URLs: []string{"https://a.example/"}}}},
		{"sitemap", `{"mode":"manual"}`, site.Settings{Sitemap: site.Sitemap{URLs: []string{}}}},
		{"title", "T", site.Settings{}},
	} {
		if d := cmp.Diff(tt.want, site.SettingsOf(settings(tt.key, tt.value))); d != "" {
			t.Errorf("%s = %s: %s", tt.key, tt.value, d)
		}
	}
}

// Whatever is set, a setting of a wrong shape is as if nobody had set it.
func TestSettingsOfWrongShapes(t *testing.T) {
	for _, k := range statuspage.SiteKeys() {
		if k.Type != statuspage.ObjectData {
			continue
		}
		for _, value := range []string{"null", "5", "-1e300", `"x"`, "true", "[]", "{}", "[null]", `[[]]`, `{"mode":[]}`, `{"locales":{}}`, `{"locales":[null]}`, `{"title":{}}`, `{"UP":null}`, "", "{"} {
			if d := cmp.Diff(site.Settings{}, site.SettingsOf(settings(k.Key, value))); d != "" {
				t.Errorf("%s = %s: %s", k.Key, value, d)
			}
		}
	}
}

// set sets a setting of the site.
func (w *world) set(key, value string) {
	w.t.Helper()
	if _, err := w.store.SetSiteSetting(w.t.Context(), key, value, now-hour, nil); err != nil {
		w.t.Fatal(err)
	}
}

// page makes a page with the monitors.
func (w *world) page(path, settings string, tags ...string) statuspage.Page {
	w.t.Helper()
	n := statuspage.NewPage{Path: path, Title: "Page " + path, Header: "Header", Settings: statuspage.JSONObject(settings), Tags: tags}
	p, err := w.store.CreatePage(w.t.Context(), n, now-hour, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// home changes the home page.
func (w *world) home(p statuspage.PagePatch) {
	w.t.Helper()
	if _, err := w.store.UpdatePage(w.t.Context(), "", p, now-hour, nil); err != nil {
		w.t.Fatal(err)
	}
}

func TestNameAndAddress(t *testing.T) {
	for _, tt := range []struct{ name, url, wantName, wantURL string }{
		{"Shop", "https://shop.example.com/", "Shop", "https://shop.example.com"},
		{"", "", "Example", "https://status.example.com"},
		{"", "shop.example.com", "Example", "https://status.example.com"},
	} {
		w := newWorld(t)
		w.set("siteURL", tt.url)
		if tt.name != "" {
			w.set("siteName", tt.name)
		}
		if s := w.load(); s.Name != tt.wantName || s.URL != tt.wantURL {
			t.Errorf("%q, %q: %q, %q", tt.name, tt.url, s.Name, s.URL)
		}
	}
}

// outline is what a page shows: its path, its monitors by group, and incidents and maintenances by
// their titles.
func outline(s *site.Site) string {
	var groups, events []string
	for _, g := range s.Groups {
		var tags []string
		for _, m := range g.Monitors {
			tags = append(tags, m.Tag)
		}
		groups = append(groups, g.Name+":"+strings.Join(tags, ","))
	}
	for _, i := range s.Incidents() {
		events = append(events, fmt.Sprint(i.ID))
	}
	for _, m := range s.Maintenances {
		events = append(events, "m"+fmt.Sprint(m.Of))
	}
	return strings.Join([]string{s.Page.Path, strings.Join(groups, " "), strings.Join(events, " "), string(s.Status)}, "|")
}

func outlines(s *site.Site) []string {
	all := []string{outline(s)}
	for _, other := range s.Pages {
		all = append(all, outline(other))
	}
	if s.Whole != nil {
		all = append(all, "whole "+outline(s.Whole))
	}
	return all
}

func TestPages(t *testing.T) {
	w := newWorld(t)
	for _, tag := range []string{"api", "web", "db"} {
		w.monitor(tag, func(m *statuspage.Monitor) {
			if tag != "web" {
				m.Category = new("Back")
			}
		})
	}
	w.monitor("hidden", func(m *statuspage.Monitor) { m.Hidden = new(statuspage.Yes) })
	w.incident(now-3*hour, now-3*hour, down("api"), statuspage.MonitorImpact{Tag: "web", Impact: statuspage.Degraded})
	w.incident(now-2*hour, now-2*hour, statuspage.MonitorImpact{Tag: "db", Impact: statuspage.Degraded})
	global := w.incident(now-hour, now-hour)
	w.comment(global.ID, now-30*minute, statuspage.Resolved)
	if _, err := w.store.CreateMaintenance(t.Context(), statuspage.NewMaintenance{Title: "M", Monitors: []statuspage.MonitorImpact{{Tag: "db", Impact: statuspage.MaintenanceImpact}},
		Schedule: statuspage.Schedule{Start: statuspage.FloorMinute(now) + hour, Rule: "FREQ=DAILY;COUNT=1", Duration: hour}}, now-hour, nil); err != nil {
		t.Fatal(err)
	}
	check := func(name string, want ...string) *site.Site {
		t.Helper()
		s := w.load()
		if d := cmp.Diff(want, outlines(s)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		return s
	}
	const all = "|Back:api,db :web|3 2 1 m1|DOWN"
	if s := check("nobody has made a page", all); s.Siblings != nil || s.Page != (site.Page{}) {
		t.Errorf("%+v, %+v", s.Siblings, s.Page)
	}
	team := w.page("team", "", "web", "hidden")
	w.page("data", "", "db", "api")
	w.page("empty", "")
	others := []string{"team|:web|3 1|DEGRADED", "data|Back:db,api|3 2 1 m1|DOWN", "empty||3|NO_DATA"}
	s := check("three pages", append([]string{all}, others...)...)
	if paths := pathsOf(s.Siblings); paths != " team data empty" || pathsOf(s.Pages[1].Siblings) != paths {
		t.Errorf("they lead to %q", paths)
	}
	if a := s.Pages[0].Open[0].Affected; len(a) != 1 || a[0].Tag != "web" {
		t.Errorf("on the page of web an incident affects %+v", a)
	}

	w.home(statuspage.PagePatch{Monitors: opt.Value([]string{"web"})})
	check("home shows one", append(append([]string{"|:web|3 1|DEGRADED"}, others...), "whole "+all)...)
	months := func(want ...int64) {
		t.Helper()
		m, err := w.shown().LoadMonth(t.Context(), w.store, statuspage.FloorMonth(now-3*hour), now)
		if err != nil || !slices.Equal(incidentIDs(m.Incidents), want) {
			t.Errorf("months tell of %v, %v", incidentIDs(m.Incidents), err)
		}
	}
	months(3, 2, 1)
	if s := w.load(); s.Page.Title != "" || s.Page.Header != "" || s.Page.ID != statuspage.HomePageID {
		t.Errorf("%+v", s.Page)
	}
	w.set("globalPageVisibilitySettings", `{"showSwitcher":true,"forceExclusivity":true}`)
	s = check("and months too tell of its own alone", append(append([]string{"|:web|3 1|DEGRADED"}, others...), "whole "+all)...)
	months(3, 1)
	if _, err := w.shown().LoadIncident(t.Context(), w.store, 2); err != nil {
		t.Errorf("an incident that other pages lead to: %v", err)
	}
	if s.Still().Pages[0].AsOf != 0 || s.Still().Whole.AsOf != 0 {
		t.Error("what stands still has a time")
	}

	w.set("pageOrderingSettings", fmt.Sprintf(`{"enabled":true,"order":[4,%d,99]}`, statuspage.HomePageID))
	if s := w.load(); pathsOf(s.Siblings) != "empty  team data" || s.Pages[0].Page.Path != "empty" {
		t.Errorf("in the order %q", pathsOf(s.Siblings))
	}
	w.set("globalPageVisibilitySettings", `{"showSwitcher":false}`)
	if s := w.load(); s.Siblings != nil || len(s.Pages) != 3 {
		t.Errorf("without a switcher they lead to %+v", s.Siblings)
	}
	if err := w.store.DeletePage(t.Context(), team.Path, now, nil); err != nil {
		t.Fatal(err)
	}
	if s := w.load(); len(s.Pages) != 2 {
		t.Errorf("%d pages", len(s.Pages))
	}
}

func pathsOf(pages []site.Page) string {
	var all []string
	for _, p := range pages {
		all = append(all, p.Path)
	}
	return strings.Join(all, " ")
}

func TestPageSettings(t *testing.T) {
	no := new(false)
	for _, tt := range []struct {
		name, site, page string
		want             site.Page
	}{
		{"nothing", "", "", site.Page{}},
		{"layout", "", `{"monitor_layout_style":"compact-grid"}`, site.Page{Layout: site.Layout{Grid: true, Compact: true}}},
		{"layout by default", "", `{"monitor_layout_style":"default-list"}`, site.Page{}},
		{"days", "", `{"monitor_status_history_days":{"desktop":365,"mobile":7}}`, site.Page{Days: 90, MobileDays: 7}},
		{"meta", "", `{"meta_page_title":"T","meta_page_description":"","social_page_preview_image":"/x.png"}`, site.Page{MetaTitle: "T", SocialImage: "/x.png"}},
		{"no incidents", "", `{"incidents":{"enabled":false}}`, site.Page{Events: site.Events{Open: no, Past: &site.Range{}}}},
		{"what is as it is", `{"incidents":{"enabled":true,"ongoing":{"show":true},"resolved":{"show":true}}}`, `{"incidents":{"enabled":true}}`, site.Page{}},
		{"of the site", `{"incidents":{"resolved":{"maxCount":3}},"maintenances":{"ongoing":{"show":false},"upcoming":{"daysInFuture":2}}}`, "",
			site.Page{Events: site.Events{Past: &site.Range{Most: 3, Days: 7}, Running: no, Planned: &site.Range{Most: 5, Days: 2}}}},
		{"the page's wins", `{"incidents":{"enabled":false},"maintenances":{"past":{"maxCount":3,"daysInPast":3}}}`,
			`{"incidents":{"enabled":true,"resolved":{"days_in_past":2}},"include_maintenances":{"ongoing":{"past":{"max_count":9}}}}`,
			site.Page{Events: site.Events{Past: &site.Range{Most: 5, Days: 2}, Ended: &site.Range{Most: 9, Days: 3}}}},
		{"wrong shapes", `{"incidents":5,"maintenances":{"past":{"maxCount":-1,"show":"no"},"upcoming":[]}}`, "", site.Page{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			if tt.site != "" {
				w.set("eventDisplaySettings", tt.site)
			}
			p := w.page("team", tt.page)
			tt.want.ID, tt.want.Path, tt.want.Title, tt.want.Header = p.ID, "team", "Page team", "Header"
			s := w.load()
			if d := cmp.Diff(tt.want, s.Pages[0].Page); d != "" {
				t.Error(d)
			}
			if tt.site == "" && s.Page != (site.Page{}) {
				t.Errorf("home: %+v", s.Page)
			}
		})
	}
}

// A page lists as many incidents that are over as home does, also when they are older.
func TestPastOfPages(t *testing.T) {
	w := newWorld(t)
	w.monitor("api", nil)
	w.monitor("web", nil)
	over := func(at int64, tag string) {
		i := w.incident(at, at, down(tag))
		w.comment(i.ID, at+minute, statuspage.Resolved)
	}
	for n := range int64(3) {
		over(now-20*day-n*hour, "web")
	}
	for n := range int64(site.Newest + 2) {
		over(now-10*day-n*hour, "api")
	}
	w.page("team", "", "web")
	s := w.load()
	if len(s.Past) != site.Newest || len(s.Pages[0].Past) != 3 || len(s.Pages[0].Past[0].Updates) != 1 {
		t.Errorf("%d of all, %d of the page", len(s.Past), len(s.Pages[0].Past))
	}
}

// A loader follows changes of pages and settings at once, and reads them no more than it has to.
func TestLoaderFollowsPages(t *testing.T) {
	w := newWorld(t)
	w.monitor("api", nil)
	l := site.NewLoader(w.store, site.Config{Name: "Example"})
	load := func(at int64) *site.Site {
		t.Helper()
		s, err := l.Load(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	load(now)
	set := func(at int64, key, value string) {
		t.Helper()
		if _, err := w.store.SetSiteSetting(t.Context(), key, value, at, nil); err != nil {
			t.Fatal(err)
		}
	}
	set(now+1, "siteName", "Shop")
	if s := load(now + 1); s.Name != "Shop" {
		t.Errorf("its name is %q", s.Name)
	}
	p, err := w.store.CreatePage(t.Context(), statuspage.NewPage{Path: "team", Title: "T", Header: "H", Tags: []string{"api"}}, now+2, nil)
	if err != nil {
		t.Fatal(err)
	}
	if s := load(now + 2); len(s.Pages) != 1 {
		t.Errorf("%d pages", len(s.Pages))
	}
	if _, err := w.store.UpdatePage(t.Context(), p.Path, statuspage.PagePatch{Path: opt.Value("crew")}, now+3, nil); err != nil {
		t.Fatal(err)
	}
	if s := load(now + 3); len(s.Pages) != 1 || s.Pages[0].Page.Path != "crew" {
		t.Errorf("%q", outlines(s))
	}
	if err := w.store.DeletePage(t.Context(), "crew", now+4, nil); err != nil {
		t.Fatal(err)
	}
	if s := load(now + 4); len(s.Pages) != 0 {
		t.Errorf("%q", outlines(s))
	}
}
