package publish_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/internal/dynamo"
	"tocsin/internal/dynamotest"
	"tocsin/internal/opt"
	"tocsin/internal/page"
	"tocsin/internal/publish"
	"tocsin/internal/site"
	"tocsin/internal/statuspage"
)

func pageNamed(t *testing.T, s *dynamo.Store, path string, now int64, tags ...string) {
	t.Helper()
	if _, err := s.CreatePage(t.Context(), statuspage.NewPage{Path: path, Title: "Page " + path, Header: "Header", Tags: tags}, now, nil); err != nil {
		t.Fatal(err)
	}
}

func changePage(t *testing.T, s *dynamo.Store, path string, p statuspage.PagePatch, now int64) {
	t.Helper()
	if _, err := s.UpdatePage(t.Context(), path, p, now, nil); err != nil {
		t.Fatal(err)
	}
}

func set(t *testing.T, s *dynamo.Store, key, value string, now int64) {
	t.Helper()
	if _, err := s.SetSiteSetting(t.Context(), key, value, now, nil); err != nil {
		t.Fatal(err)
	}
}

// filesOfPage are the addresses of all files of a page.
func filesOfPage(path string) []string {
	var all []string
	for _, f := range page.PageFiles(&site.Site{Page: site.Page{Path: path}}) {
		all = append(all, f.Path)
	}
	return all
}

// The files of a page come, move and go with it, all in one pass.
func TestPagesComeAndGo(t *testing.T) {
	store, folder, now := dynamotest.NewTable(t).Store(nil), openFolder(t), start()
	monitorNamed(t, store, "api", now)
	monitorNamed(t, store, "web", now)
	incidentOn(t, store, "Of the API", now, now, "api")
	incidentOn(t, store, "Of the web", now, now, "web")
	new := func() *publish.Publisher { return &publish.Publisher{Store: store, Config: config, Port: folder} }
	p := new()
	run(t, p, now)
	pass := func() {
		t.Helper()
		now++
		if _, err := p.Run(t.Context(), now); err != nil {
			t.Fatal(err)
		}
	}
	check := func(path string, status int, has, hasNot string) {
		t.Helper()
		files := filesOfPage(path)
		if len(files) < 20 || !slices.Contains(files, "/"+path+"/de/history") || !slices.Contains(files, "/"+path+"/badge/_/status") {
			t.Fatalf("%q", files)
		}
		for _, address := range files {
			if o := at(t, folder, address); o.Status != status {
				t.Errorf("%s: %d, want %d", address, o.Status, status)
			}
		}
		for _, address := range []string{"/" + path, "/" + path + "/de", "/" + path + "/api/v2/summary.json", "/" + path + "/status.txt", "/" + path + "/feed.json"} {
			if o := at(t, folder, address); has != "" && !contains(o, has) || hasNot != "" && contains(o, hasNot) {
				t.Errorf("%s is %.2000s", address, o.Body)
			}
		}
	}
	pageNamed(t, store, "team", now, "api")
	pass()
	check("team", 200, "Of the API", "Of the web")
	changePage(t, store, "team", statuspage.PagePatch{Monitors: opt.Value([]string{"web"})}, now)
	pass()
	check("team", 200, "Of the web", "Of the API")
	changePage(t, store, "team", statuspage.PagePatch{Path: opt.Value("crew")}, now)
	pass()
	check("crew", 200, "Of the web", "")
	check("team", 404, "", "")
	p = new() // which knows of the page by the mark alone
	if err := store.DeletePage(t.Context(), "crew", now, nil); err != nil {
		t.Fatal(err)
	}
	now += 2 * day // and its change row is forgotten
	pass()
	check("crew", 404, "", "Of the web")
	pageNamed(t, store, "crew", now, "api")
	pass()
	check("crew", 200, "Of the API", "")
	// A path with which addresses of the service begin.
	for _, path := range []string{"status", "a"} {
		pageNamed(t, store, path, now, "web")
		pass()
		check(path, 200, "Of the web", "Of the API")
		says(t, folder, "/status.txt", 200, "Of the API")
		says(t, folder, "/api/v2/summary.json", 200, "Of the API")
	}
}

// What stands in place of a page or of a monitor that is gone does not go on naming other pages, which
// can be gone by then too.
func TestGoneFilesNameNoPages(t *testing.T) {
	store, folder, now := dynamotest.NewTable(t).Store(nil), openFolder(t), start()
	monitorNamed(t, store, "api", now)
	pageNamed(t, store, "team", now)
	pageNamed(t, store, "secret", now)
	p := &publish.Publisher{Store: store, Config: config, Port: folder}
	run(t, p, now)
	for _, remove := range []func() error{
		func() error { return store.DeletePage(t.Context(), "team", now, nil) },
		func() error { return store.DeleteMonitor(t.Context(), "api", now) },
		func() error { return store.DeletePage(t.Context(), "secret", now, nil) },
	} {
		if err := remove(); err != nil {
			t.Fatal(err)
		}
		now++
		run(t, p, now)
	}
	for _, address := range append(filesOfPage("team"), "/monitors/api", "/badge/api/status", "/data/api.json", "/404") {
		if o := at(t, folder, address); o.Status != 404 || contains(o, "secret") {
			t.Errorf("%s: %d, %.2000s", address, o.Status, o.Body)
		}
	}
}

// Monitors that home does not show have their pages, badges and data; what home tells of is what
// is shown anywhere, or its own alone.
func TestHomeShowsSome(t *testing.T) {
	store, folder, now := dynamotest.NewTable(t).Store(nil), openFolder(t), start()
	monitorNamed(t, store, "api", now)
	monitorNamed(t, store, "web", now)
	of := fmt.Sprintf("/incidents/%d", incidentOn(t, store, "Of the API", now, now, "api"))
	p := &publish.Publisher{Store: store, Config: config, Port: folder}
	run(t, p, now)
	changePage(t, store, "", statuspage.PagePatch{Monitors: opt.Value([]string{"web"})}, now)
	run(t, p, now)
	month := "/events/" + time.Unix(now, 0).UTC().Format("January-2006")
	for _, address := range []string{"/monitors/api", "/de/monitors/api", "/embed/monitor-api", "/badge/api/status", "/data/api.json", "/monitors/api/rss.xml", of} {
		says(t, folder, address, 200, "")
	}
	says(t, folder, "/monitors/api", 200, "Of the API")
	says(t, folder, "/monitors/api/rss.xml", 200, "Of the API")
	told := func(is bool, addresses ...string) {
		t.Helper()
		for _, address := range addresses {
			if o := at(t, folder, address); o.Status != 200 || contains(o, "Of the API") != is {
				t.Errorf("%s tells of it: %t", address, !is)
			}
		}
	}
	lists := []string{"/", "/history", "/rss.xml", "/api/v2/incidents.json", "/status.txt"}
	told(false, lists...)
	told(true, month)
	for tag, is := range map[string]bool{"api": false, "web": true} {
		if contains(at(t, folder, "/"), `<h3 dir="auto"><a href="/monitors/`+tag+`"`) != is {
			t.Errorf("home shows %s: %t", tag, !is)
		}
	}
	set(t, store, "globalPageVisibilitySettings", `{"forceExclusivity":true}`, now)
	run(t, p, now)
	told(false, append(lists, month)...)
	told(true, of, "/monitors/api", "/monitors/api/rss.xml")
	changePage(t, store, "", statuspage.PagePatch{Monitors: opt.Value([]string{"web", "api"})}, now)
	run(t, p, now)
	told(true, append(lists, month)...)
}

// Pages are in the languages of the site, the default one at the addresses without a language,
// and in no others: those of the past too.
func TestLanguages(t *testing.T) {
	table, now := dynamotest.NewTable(t), start()
	store, folder := table.Store(nil), openFolder(t)
	monitorNamed(t, store, "api", now)
	pageNamed(t, store, "team", now, "api")
	oneADay(t, table, 130, now)
	m := maintenanceOf(t, store, "Backup", now, daily, hour, now)
	for range 130 {
		now += day
		if _, err := store.MakeOccurrences(t.Context(), m.ID, now); err != nil {
			t.Fatal(err)
		}
	}
	p := &publish.Publisher{Store: store, Config: config, Port: folder}
	run(t, p, now)
	month := "/events/" + time.Unix(now-200*day, 0).UTC().Format("January-2006")
	check := func(name, main string, also ...string) {
		t.Helper()
		for _, path := range []string{"/", "/history", "/404", "/monitors/api", month, "/incidents/1", "/incidents/130", "/maintenances/1", "/maintenances/130", fmt.Sprintf("/maintenances/m/%d", m.ID), "/team", "/team/history"} {
			for _, lang := range append([]string{""}, page.Languages...) {
				address, is, want := "/"+lang+path, lang, 404
				if rest, of := strings.CutPrefix(path, "/team"); of {
					address = "/team/" + lang + rest
				}
				if lang == "" {
					address, is = path, main
				}
				if lang == "" || slices.Contains(also, lang) {
					want = 200
				}
				o := at(t, folder, address)
				if path == "/404" {
					want = 404
				}
				if want == 404 && o.Status == 0 { // there never was one
					continue
				}
				if o.Status != want || want == 200 && !contains(o, `lang="`+is+`"><head>`) {
					t.Errorf("%s: %s is %d %.60s", name, address, o.Status, o.Body)
				}
			}
		}
	}
	check("nobody said anything", "en", "de")
	for _, c := range []struct{ value, main, also string }{
		{`{"defaultLocale":"de","locales":[{"code":"de","selected":true},{"code":"en","selected":true}]}`, "de", "en"},
		{`{"defaultLocale":"en","locales":[{"code":"de","selected":true},{"code":"en","selected":true}]}`, "en", "de"},
		{`{"defaultLocale":"en","locales":[{"code":"de","selected":false},{"code":"en","selected":true}]}`, "en", ""},
		{`{"defaultLocale":"de","locales":[]}`, "de", ""},
		{`5`, "en", "de"},
	} {
		now += minute
		set(t, store, "i18n", c.value, now)
		run(t, p, now)
		check(c.value, c.main, c.also)
		p = &publish.Publisher{Store: store, Config: config, Port: folder}
		run(t, p, now+1)
		check(c.value+" again", c.main, c.also)
	}
}

// With every setting of a wrong shape the files are those of a site without settings.
func TestSettingsThatSayNothing(t *testing.T) {
	store, plain, odd, now := dynamotest.NewTable(t).Store(nil), t.TempDir(), t.TempDir(), start()
	monitorNamed(t, store, "api", now)
	incidentOn(t, store, "First", now, now, "api")
	files := func(dir string) map[string]string {
		t.Helper()
		folder, err := publish.OpenFolder(dir)
		if err != nil {
			t.Fatal(err)
		}
		run(t, &publish.Publisher{Store: store, Config: config, Port: folder}, now)
		bodies := map[string]string{}
		for key := range keysIn(t, dir) {
			o, _, err := folder.Get(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			bodies[key] = string(o.Body)
		}
		return bodies
	}
	want := files(plain)
	for _, k := range statuspage.SiteKeys() {
		if k.Type == statuspage.ObjectData {
			set(t, store, k.Key, "5", now)
		}
	}
	got := files(odd)
	if len(got) != len(want) || len(got) < 20 {
		t.Errorf("%d files, want %d", len(got), len(want))
	}
	for key, body := range want {
		if got[key] != body {
			t.Errorf("%s differs", key)
		}
	}
}

// The operator's style is a file that is there as long as there is one; an announcement is on the
// pages that are made of the site alone.
func TestStyleAndAnnouncement(t *testing.T) {
	store, folder, now := dynamotest.NewTable(t).Store(nil), openFolder(t), start()
	monitorNamed(t, store, "api", now)
	incident := fmt.Sprintf("/incidents/%d", incidentOn(t, store, "First", now, now, "api"))
	pageNamed(t, store, "team", now, "api")
	p := &publish.Publisher{Store: store, Config: config, Port: folder}
	run(t, p, now)
	for _, css := range []string{"a{color:red}", "", "a{color:blue}", ""} {
		now++
		set(t, store, "customCSS", css, now)
		run(t, p, now)
		if o := at(t, folder, page.StylePath); css != "" && (o.Status != 200 || string(o.Body) != css || o.Type != "text/css; charset=utf-8") || css == "" && o.Status != 404 {
			t.Errorf("%q: %+v", css, o)
		}
		for _, address := range []string{"/", "/team", incident} {
			if contains(at(t, folder, address), page.StylePath) != (css != "") {
				t.Errorf("%q: %s leads to it: %t", css, address, css == "")
			}
		}
	}
	set(t, store, "announcement", `{"title":"We move"}`, now)
	if _, err := p.Run(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"/", "/de/", "/team", "/team/de/history", "/history", "/monitors/api"} {
		says(t, folder, address, 200, "We move")
	}
	if contains(at(t, folder, incident), "We move") {
		t.Error("the page of an incident has it")
	}
}

// What only files have that are made of the site alone lets those of the past be.
func TestSettingsThatAreNoLook(t *testing.T) {
	const incidents = site.Newest + 10
	table, now := dynamotest.NewTable(t), start()
	store, port := table.Store(nil), &counted{Port: openFolder(t)}
	monitorNamed(t, store, "api", now)
	oneADay(t, table, incidents, now)
	old := fmt.Sprintf("public/incidents/%d.html", incidents) // which a publisher forgets
	pageNamed(t, store, "team", now, "api")
	p := &publish.Publisher{Store: store, Config: config, Port: port}
	run(t, p, now)
	port.since()
	for _, c := range []struct {
		key, value string
		look       bool
	}{
		{"announcement", `{"title":"Soon"}`, false},
		{"eventDisplaySettings", `{"incidents":{"enabled":false}}`, false},
		{"sitemap", `{"mode":"off"}`, false},
		{"analytics", `[]`, false},
		{"siteName", `Shop`, true},
		{"nav", `[{"name":"Docs","url":"/docs"}]`, true},
		{"nav", `[{"name":"Docs","url":"javascript:"}]`, true},
		{"nav", `[]`, false},
	} {
		now++
		set(t, store, c.key, c.value, now)
		run(t, p, now)
		if gets, _ := port.since(); slices.Contains(gets, old) != c.look {
			t.Errorf("%s: the page of an old incident is looked at: %t", c.key, !c.look)
		}
	}
	now++
	changePage(t, store, "team", statuspage.PagePatch{Settings: opt.Value(statuspage.JSONObject(`{"monitor_layout_style":"compact-grid"}`))}, now)
	run(t, p, now)
	if gets, _ := port.since(); slices.Contains(gets, old) {
		t.Error("layout: the page of an old incident is looked at")
	}
}
