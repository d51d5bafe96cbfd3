package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/apitest"
	"tocsin/internal/statuspage"
)

const (
	pagesPath = "/api/v4/pages"
	sitePath  = "/api/v4/site"
)

// newPage is the least that makes a page, with fields of pairs of a name and its value in JSON.
func newPage(path string, fields ...string) string {
	return pageFields(append([]string{"page_path", `"` + path + `"`, "page_title", `"T"`, "page_header", `"H"`}, fields...)...)
}

// pageFields is an object of pairs of a name and its value; the last of a name counts, and ""
// is none.
func pageFields(pairs ...string) string {
	values := map[string]string{}
	var names []string
	for i := 0; i < len(pairs); i += 2 {
		if !slices.Contains(names, pairs[i]) {
			names = append(names, pairs[i])
		}
		values[pairs[i]] = pairs[i+1]
	}
	var parts []string
	for _, name := range names {
		if values[name] != "" {
			parts = append(parts, fmt.Sprintf("%q:%s", name, values[name]))
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

const defaultPageSettings = `{"incidents":{"enabled":true,"ongoing":{"show":true},"resolved":{"show":true,"max_count":5,"days_in_past":7}},` +
	`"include_maintenances":{"enabled":true,"ongoing":{"show":true,"past":{"show":true,"max_count":5,"days_in_past":7},"upcoming":{"show":true,"max_count":5,"days_in_future":30}}},` +
	`"monitor_status_history_days":{"desktop":90,"mobile":30},"monitor_layout_style":"default-list"}`

// pageText is a page as GET answers it when newPage made it at the test's start, with other
// values of fields like those of pageFields.
func pageText(id int64, path string, fields ...string) string {
	time := `"` + testStartText + `"`
	return `{"page":` + pageFields(append([]string{
		"id", fmt.Sprint(id), "page_path", `"` + path + `"`, "page_title", `"T"`, "page_header", `"H"`, "page_subheader", "null", "page_logo", "null",
		"page_settings", defaultPageSettings, "monitors", "[]", "created_at", time, "updated_at", time,
	}, fields...)...) + "}"
}

// withSettings is defaultPageSettings with texts replaced.
func withSettings(pairs ...string) string {
	text := defaultPageSettings
	for i := 0; i < len(pairs); i += 2 {
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	return text
}

// monitorsText are the monitors of a page.
func monitorsText(tags ...string) string {
	parts := make([]string, len(tags))
	for n, tag := range tags {
		parts[n] = fmt.Sprintf(`{"monitor_tag":%q,"position":%d}`, tag, n)
	}
	return "[" + strings.Join(parts, ",") + "]"
}

func TestCreatePage(t *testing.T) {
	t.Parallel()
	s, _ := start(t)
	monitorsNamed(t, s, "earth", "mars", "5")
	id := int64(1)
	for _, row := range []struct {
		name, body, path string
		want             []string // fields that differ from newPage's
	}{
		{"least", newPage("least"), "least", nil},
		{"all", newPage("all", "page_subheader", `"s"`, "page_logo", `"/l.png"`, "page_settings", `{"monitor_layout_style":"compact-grid","x":1}`, "monitors", `["mars","earth"]`), "all", []string{
			"page_subheader", `"s"`, "page_logo", `"/l.png"`, "page_settings", withSettings("default-list", "compact-grid"), "monitors", monitorsText("mars", "earth")}},
		{"path in order", newPage(`  Big  Page! 2_x `), "big-page-2_x", nil},
		{"path of other letters", newPage("éclair"), "clair", nil},
		{"path of home's name", newPage("~home"), "home", nil},
		{"path with slashes", newPage("a/b/c"), "abc", nil},
		{"path of a letter", newPage("a"), "a", nil},
		{"path of a letter and a digit", newPage("a1"), "a1", nil},
		{"path of 200", newPage(strings.Repeat("p", 200)), strings.Repeat("p", 200), nil},
		{"texts trimmed", newPage("trimmed", "page_title", `" \u00a0 a<b>& "`, "page_header", `"\th\n"`), "trimmed", []string{"page_title", `"a<b>&"`, "page_header", `"h"`}},
		{"texts of 1000", newPage("long", "page_title", `"`+strings.Repeat("t", 1000)+`"`, "page_subheader", `"`+strings.Repeat("s", 1000)+`"`), "long", []string{
			"page_title", `"` + strings.Repeat("t", 1000) + `"`, "page_subheader", `"` + strings.Repeat("s", 1000) + `"`}},
		{"texts null", newPage("nulls", "page_subheader", "null", "page_logo", "null"), "nulls", nil},
		{"texts empty", newPage("empty", "page_subheader", `""`, "page_logo", `" "`), "empty", []string{"page_subheader", `""`, "page_logo", `" "`}},
		{"no monitors", newPage("none", "monitors", "[]"), "none", nil},
		{"monitors null", newPage("m1", "monitors", "null"), "m1", nil},
		{"monitors a text", newPage("m2", "monitors", `"earth"`), "m2", nil},
		{"monitors an object", newPage("m3", "monitors", `{"monitor_tag":"earth"}`), "m3", nil},
		{"a number for a tag", newPage("m4", "monitors", `[5.0]`), "m4", []string{"monitors", monitorsText("5")}},
		{"settings of none", newPage("s1", "page_settings", "{}"), "s1", nil},
		{"settings in other words", newPage("s2", "page_settings", `{"metaPageTitle":"t","metaPageDescription":"","socialPagePreviewImage":"/i"}`), "s2", []string{
			"page_settings", withSettings(`"default-list"`, `"default-list","meta_page_title":"t","meta_page_description":"","social_page_preview_image":"/i"`)}},
		{"fields that it has not", newPage("other", "id", "99", "created_at", "0", "x", "{}"), "other", nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			id++
			want := pageText(id, row.path, row.want...)
			answered(t, s, "POST", pagesPath, row.body, http.StatusCreated, want)
			answered(t, s, "GET", pagesPath+"/"+row.path, "", http.StatusOK, want)
		})
	}
}

func TestRefusedPage(t *testing.T) {
	t.Parallel()
	s, _ := start(t)
	monitorsNamed(t, s, "earth", "mars")
	answered(t, s, "POST", pagesPath, newPage("team"), 201, pageText(2, "team"))
	answered(t, s, "POST", pagesPath, newPage("crew"), 201, pageText(3, "crew"))
	post := func(name, body, message string) attempt {
		return attempt{name, "POST", pagesPath, body, 400, badRequest(message)}
	}
	patch := func(name, body, message string) attempt {
		return attempt{"patch: " + name, "PATCH", pagesPath + "/team", body, 400, badRequest(message)}
	}
	const (
		path       = "page_path is required and must be a string"
		title      = "page_title is required and must be a non-empty string"
		header     = "page_header is required and must be a non-empty string"
		otherPath  = "page_path must be a string"
		otherTitle = "page_title must be a non-empty string"
		tags       = "monitors must be an array of monitor tags"
	)
	rows := []attempt{
		post("no body", "", "Invalid JSON body"), post("null", "null", "Invalid JSON body"),
		post("no path", newPage("x", "page_path", ""), path), post("path null", newPage("x", "page_path", "null"), path), post("path empty", newPage(""), path),
		post("path number", newPage("x", "page_path", "5"), path), post("the path first", `{}`, path),
		post("no title", newPage("x", "page_title", ""), title), post("title blank", newPage("x", "page_title", `" "`), title), post("title number", newPage("x", "page_title", "5"), title),
		post("the title before the header", newPage("x", "page_title", "null", "page_header", "null"), title),
		post("no header", newPage("x", "page_header", ""), header), post("header null", newPage("x", "page_header", "null"), header),
		post("title too long", newPage("x", "page_title", `"`+strings.Repeat("t", 1001)+`"`), "page_title must be at most 1000 characters"),
		post("header too long", newPage("x", "page_header", `"`+strings.Repeat("😀", 501)+`"`), "page_header must be at most 1000 characters"),
		post("path of nothing", newPage("!!!", "monitors", "[{}]"), "Page with path '' already exists"), post("path blank", newPage("  "), "Page with path '' already exists"),
		post("path taken", newPage("TEAM"), "Page with path 'team' already exists"), post("path taken before monitors", newPage("team", "monitors", `["pluto"]`), "Page with path 'team' already exists"),
		post("path too long", newPage(strings.Repeat("p", 201)), "page_path must be at most 200 characters"),
		post("path of the service", newPage("Monitors"), "Page path 'monitors' is reserved"), post("path of a language", newPage("FR"), "Page path 'fr' is reserved"),
		post("tag that is not there", newPage("x", "monitors", `["earth","pluto","venus"]`), "Monitor with tag 'pluto' does not exist"),
		post("tag null", newPage("x", "monitors", `[null]`), "Monitor with tag 'null' does not exist"), post("tag true", newPage("x", "monitors", `[true]`), "Monitor with tag 'true' does not exist"),
		post("tag that none can have", newPage("x", "monitors", `["Earth"]`), "Monitor with tag 'Earth' does not exist"), post("tag empty", newPage("x", "monitors", `[""]`), "Monitor with tag '' does not exist"),
		post("tag an object", newPage("x", "monitors", `["earth",{"monitor_tag":"mars"}]`), tags), post("tag an array", newPage("x", "monitors", `[["earth"]]`), tags),
		post("tag twice", newPage("x", "monitors", `["earth","mars","earth"]`), "Monitor with tag 'earth' is there twice"),
		post("monitors before settings", newPage("x", "monitors", `[{}]`, "page_settings", "null"), tags),
		post("subheader number", newPage("x", "page_subheader", "5"), "page_subheader must be a string"), post("logo object", newPage("x", "page_logo", "{}"), "page_logo must be a string"),
		post("logo too long", newPage("x", "page_logo", `"`+strings.Repeat("l", 1001)+`"`), "page_logo must be at most 1000 characters"),

		patch("path null", `{"page_path":null}`, otherPath), patch("path number before title", `{"page_path":5,"page_title":""}`, otherPath),
		patch("path of nothing", `{"page_path":"!!"}`, "Page with path '' already exists"), patch("home's path", `{"page_path":""}`, "Page with path '' already exists"),
		patch("another's path", `{"page_path":"Crew","monitors":["pluto"]}`, "Page with path 'crew' already exists"),
		patch("path of the service", `{"page_path":"docs"}`, "Page path 'docs' is reserved"),
		patch("path too long", `{"page_path":"`+strings.Repeat("p", 201)+`"}`, "page_path must be at most 200 characters"),
		patch("title null", `{"page_title":null}`, otherTitle), patch("title before header", `{"page_title":" ","page_header":5}`, otherTitle),
		patch("header number", `{"page_header":5}`, "page_header must be a non-empty string"),
		patch("title too long", `{"page_title":"`+strings.Repeat("t", 1001)+`"}`, "page_title must be at most 1000 characters"),
		patch("tag that is not there", `{"page_title":"not kept","monitors":["earth","pluto"]}`, "Monitor with tag 'pluto' does not exist"),
		patch("tag twice", `{"page_title":"not kept","monitors":["earth","earth"]}`, "Monitor with tag 'earth' is there twice"),
		{"patch: home's path", "PATCH", pagesPath + "/~home", `{"page_path":"start"}`, 400, badRequest("Home page path cannot be changed")},
		{"patch: no page", "PATCH", pagesPath + "/none", `{}`, 404, notFound("Page with path 'none' not found")},
		{"patch: case matters", "PATCH", pagesPath + "/Team", `{}`, 404, notFound("Page with path 'Team' not found")},
		{"delete: home", "DELETE", pagesPath + "/%7Ehome", "", 400, badRequest("Cannot delete the home page")},
		{"delete: no page", "DELETE", pagesPath + "/none", "", 404, notFound("Page with path 'none' not found")},
		{"get: no page", "GET", pagesPath + "/Team", "", 404, notFound("Page with path 'Team' not found")},
		{"get: home's path", "GET", pagesPath + "/home", "", 404, notFound("Page with path 'home' not found")},
		{"get: two segments", "GET", pagesPath + "/team/x", "", 404, notFound("No API route matches '/api/v4/pages/team/x'")},
		{"get: a slash that is escaped", "GET", pagesPath + "/team%2Fx", "", 404, notFound("No API route matches '/api/v4/pages/team/x'")},
	}
	var tooMany []string
	for n := range statuspage.MaxPageMonitors + 1 {
		tooMany = append(tooMany, fmt.Sprint(n))
	}
	rows = append(rows, post("too many monitors", newPage("x", "monitors", "["+strings.Join(tooMany, ",")+"]"), "At most 1000 monitors"))
	for _, bad := range [][2]string{
		{`null`, "page_settings must be an object"}, {`[]`, "page_settings must be an object"}, {`"x"`, "page_settings must be an object"},
		{`{"incidents":null}`, "incidents must be an object"}, {`{"incidents":{"ongoing":1}}`, "incidents.ongoing must be an object"}, {`{"incidents":{"resolved":[]}}`, "incidents.resolved must be an object"},
		{`{"include_maintenances":"x","incidents":{"enabled":1}}`, "include_maintenances must be an object"},
		{`{"include_maintenances":{"ongoing":null}}`, "include_maintenances.ongoing must be an object"}, {`{"include_maintenances":{"ongoing":{"past":1}}}`, "include_maintenances.ongoing.past must be an object"},
		{`{"include_maintenances":{"ongoing":{"upcoming":[]}}}`, "include_maintenances.ongoing.upcoming must be an object"},
		{`{"incidents":{"enabled":1,"ongoing":{"show":"x"}}}`, "incidents.enabled must be a boolean"}, {`{"incidents":{"ongoing":{"show":"x"}}}`, "incidents.ongoing.show must be a boolean"},
		{`{"incidents":{"resolved":{"show":null,"max_count":-1}}}`, "incidents.resolved.show must be a boolean"},
		{`{"incidents":{"resolved":{"max_count":-1,"days_in_past":-1}}}`, "incidents.resolved.max_count must be a non-negative integer"},
		{`{"incidents":{"resolved":{"days_in_past":1.5}}}`, "incidents.resolved.days_in_past must be a non-negative integer"},
		{`{"incidents":{"resolved":{"max_count":1e999}}}`, "incidents.resolved.max_count must be a non-negative integer"},
		{`{"include_maintenances":{"enabled":0}}`, "include_maintenances.enabled must be a boolean"}, {`{"include_maintenances":{"ongoing":{"show":0}}}`, "include_maintenances.ongoing.show must be a boolean"},
		{`{"include_maintenances":{"ongoing":{"past":{"show":0}}}}`, "include_maintenances.ongoing.past.show must be a boolean"},
		{`{"include_maintenances":{"ongoing":{"past":{"max_count":"1"}}}}`, "include_maintenances.ongoing.past.max_count must be a non-negative integer"},
		{`{"include_maintenances":{"ongoing":{"past":{"days_in_past":null}}}}`, "include_maintenances.ongoing.past.days_in_past must be a non-negative integer"},
		{`{"include_maintenances":{"ongoing":{"upcoming":{"show":0}}}}`, "include_maintenances.ongoing.upcoming.show must be a boolean"},
		{`{"include_maintenances":{"ongoing":{"upcoming":{"max_count":-1}}}}`, "include_maintenances.ongoing.upcoming.max_count must be a non-negative integer"},
		{`{"include_maintenances":{"ongoing":{"upcoming":{"days_in_future":true}}}}`, "include_maintenances.ongoing.upcoming.days_in_future must be a non-negative integer"},
		{`{"monitor_layout_style":"list","monitor_status_history_days":5}`, "monitor_layout_style must be one of: default-list, default-grid, compact-list, compact-grid"},
		{`{"monitor_layout_style":null}`, "monitor_layout_style must be one of: default-list, default-grid, compact-list, compact-grid"},
		{`{"monitor_status_history_days":5,"meta_page_title":5}`, "monitor_status_history_days must be an object"},
		{`{"monitor_status_history_days":{"desktop":0,"mobile":0}}`, "monitor_status_history_days.desktop must be an integer between 1 and 365"},
		{`{"monitor_status_history_days":{"mobile":366}}`, "monitor_status_history_days.mobile must be an integer between 1 and 365"},
		{`{"meta_page_title":null,"meta_page_description":5}`, "meta_page_title must be a string"}, {`{"metaPageTitle":5}`, "meta_page_title must be a string"},
		{`{"meta_page_description":{}}`, "meta_page_description must be a string"}, {`{"social_page_preview_image":5}`, "social_page_preview_image must be a string"},
		{`{"x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, "page_settings must be nested at most 100 levels deep"},
		{`{"x":"` + strings.Repeat("x", statuspage.MaxPageSettings) + `"}`, "page_settings must be at most 32 KiB"},
	} {
		rows = append(rows, post("settings "+bad[0][:min(60, len(bad[0]))], newPage("x", "page_settings", bad[0]), bad[1]),
			patch("settings "+bad[0][:min(60, len(bad[0]))], `{"page_title":"not kept","page_settings":`+bad[0]+`}`, bad[1]))
	}
	before := records(t, s)
	attempts(t, s, 0, rows)
	if diff := cmp.Diff(before, records(t, s)); diff != "" {
		t.Errorf("refused requests have written (-before +after):\n%s", diff)
	}
}

func TestUpdatePage(t *testing.T) {
	t.Parallel()
	s, clock := start(t)
	monitorsNamed(t, s, "earth", "mars", "sun")
	answered(t, s, "POST", pagesPath, newPage("team", "page_settings", `{"x":{"y":1}}`, "monitors", `["sun","earth"]`), 201, pageText(2, "team", "monitors", monitorsText("sun", "earth")))
	clock.seconds.Add(60)
	path := "team"
	fields := []string{"monitors", monitorsText("sun", "earth"), "updated_at", strings.ReplaceAll(`"`+testStartText+`"`, ":00:30", ":01:30")}
	for _, step := range []struct {
		name, body string
		path       string   // the new one
		change     []string // fields
	}{
		{"nothing", `{}`, "team", nil},
		{"texts", `{"page_title":" T2 ","page_header":"H2","page_subheader":"S","page_logo":"/l"}`, "team", []string{"page_title", `"T2"`, "page_header", `"H2"`, "page_subheader", `"S"`, "page_logo", `"/l"`}},
		{"texts null", `{"page_subheader":null,"page_logo":null}`, "team", []string{"page_subheader", "null", "page_logo", "null"}},
		{"its own path", `{"page_path":" TEAM "}`, "team", nil},
		{"another path", `{"page_path":"The Crew"}`, "the-crew", nil},
		{"another order", `{"monitors":["earth","mars","sun"]}`, "the-crew", []string{"monitors", monitorsText("earth", "mars", "sun")}},
		{"monitors that are no array", `{"monitors":null,"page_title":"T3"}`, "the-crew", []string{"page_title", `"T3"`}},
		{"no monitors", `{"monitors":[]}`, "the-crew", []string{"monitors", "[]"}},
		{"one leaf", `{"page_settings":{"incidents":{"resolved":{"max_count":9}}}}`, "the-crew", []string{"page_settings", withSettings(`"max_count":5`, `"max_count":9`)}},
		{"another leaf", `{"page_settings":{"incidents":{"resolved":{"days_in_past":0.0},"enabled":false}}}`, "the-crew", []string{
			"page_settings", withSettings(`{"incidents":{"enabled":true`, `{"incidents":{"enabled":false`, `"max_count":5,"days_in_past":7`, `"max_count":9,"days_in_past":0`)}},
		{"and one that is unknown", `{"page_settings":{"x":{"z":2},"incidents":{"q":[]}}}`, "the-crew", nil},
	} {
		t.Run(step.name, func(t *testing.T) {
			fields = append(fields, step.change...)
			want := pageText(2, step.path, fields...)
			answered(t, s, "PATCH", pagesPath+"/"+path, step.body, 200, want)
			answered(t, s, "GET", pagesPath+"/"+step.path, "", 200, want)
			if step.path != path {
				answered(t, s, "GET", pagesPath+"/"+path, "", 404, notFound("Page with path '"+path+"' not found"))
				answered(t, s, "POST", pagesPath, newPage(path), 201, strings.ReplaceAll(pageText(3, path), ":00:30", ":01:30"))
			}
			path = step.path
		})
	}
	p, err := s.Table.Store(nil).Page(t.Context(), path)
	if want := `{"x":{"y":1,"z":2},"incidents":{"resolved":{"max_count":9,"days_in_past":0.0},"enabled":false,"q":[]}}`; err != nil || string(p.Settings) != want {
		t.Errorf("what is kept: %v, %v, want %s", p.Settings, err, want)
	}
	answered(t, s, "DELETE", pagesPath+"/"+path, "", 200, `{"message":"Page 'the-crew' deleted successfully"}`)
	answered(t, s, "GET", pagesPath+"/"+path, "", 404, notFound("Page with path 'the-crew' not found"))
}

// The home page shows every monitor that is neither hidden nor retired, until somebody says
// which.
func TestHomePage(t *testing.T) {
	t.Parallel()
	s, clock := start(t)
	const never = `"1970-01-01T00:00:00.000Z"`
	home := []string{"page_title", `"Home"`, "page_header", `"Status"`, "created_at", never, "updated_at", never}
	get := func(fields ...string) {
		t.Helper()
		want := pageText(1, "~home", append(slices.Clone(home), fields...)...)
		answered(t, s, "GET", pagesPath+"/~home", "", 200, want)
		answered(t, s, "GET", pagesPath+"/%7Ehome", "", 200, want)
		answered(t, s, "GET", pagesPath, "", 200, strings.Replace(strings.TrimSuffix(want, "}"), `{"page":`, `{"pages":[`, 1)+"]}")
	}
	get()
	monitorsNamed(t, s, "zeta", "earth", "mars", "sun")
	get("monitors", monitorsText("zeta", "earth", "mars", "sun"))
	for _, hide := range []string{`{"is_hidden":"YES"}`, `{"is_hidden":"NO","status":"INACTIVE"}`} {
		s.Do("PATCH", "/api/v4/monitors/earth", hide)
		get("monitors", monitorsText("zeta", "mars", "sun"))
	}
	tag := s.Do("GET", pagesPath+"/~home", "").Header.Get("ETag")
	home = append(home, "page_title", `"Ours"`, "created_at", `"`+testStartText+`"`, "updated_at", `"`+testStartText+`"`)
	if got := doWith(s, "PATCH", pagesPath+"/~home", `{"page_path":"~home","page_title":"Ours"}`, "If-Match", tag); got.Status != 200 {
		t.Fatalf("%d %s", got.Status, got.Body)
	}
	get("monitors", monitorsText("zeta", "mars", "sun"))
	tag = s.Do("GET", pagesPath+"/~home", "").Header.Get("ETag")
	monitorsNamed(t, s, "venus") // the page is not what was read any more
	if got := doWith(s, "PATCH", pagesPath+"/~home", `{"page_title":"Not kept"}`, "If-Match", tag); got.Status != 412 {
		t.Errorf("%d %s", got.Status, got.Body)
	}
	get("monitors", monitorsText("zeta", "mars", "sun", "venus"))
	answered(t, s, "PATCH", pagesPath+"/~home", `{"page_path":"","monitors":["sun","earth"]}`, 200, pageText(1, "~home", append(home, "monitors", monitorsText("sun", "earth"))...))
	monitorsNamed(t, s, "moon")
	get("monitors", monitorsText("sun", "earth"))
	s.Do("DELETE", "/api/v4/monitors/sun", "")
	get("monitors", monitorsText("earth"))
	clock.seconds.Add(60)
}

func TestPageList(t *testing.T) {
	t.Parallel()
	s, _ := start(t)
	want := []int64{1}
	for n := range 5 {
		want = append(want, made(t, s, pagesPath, newPage(fmt.Sprintf("p%d", 9-n))))
	}
	for _, limit := range []string{"", "?limit=1", "?limit=2", "?limit=6", "?limit=7"} {
		var got []int64
		for path := pagesPath + limit; ; {
			var list struct {
				Pages []struct{ ID int64 }
				Next  string `json:"next_cursor"`
			}
			decodeInto(t, []byte(s.Do("GET", path, "").Body), &list)
			for _, p := range list.Pages {
				got = append(got, p.ID)
			}
			if list.Next == "" {
				break
			}
			path = pagesPath + limit + "&cursor=" + list.Next
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", limit, got, want)
		}
	}
}

// settingText is a setting as it is answered.
func settingText(key, value, kind string) string {
	return fmt.Sprintf(`{"key":%q,"value":%s,"data_type":%q}`, key, value, kind)
}

func TestSite(t *testing.T) {
	t.Parallel()
	_, clock := start(t)
	s := apitest.New(t, apitest.Options{Now: clock.now, Parameters: map[string]string{"SiteUrl": "https://status.example", "SiteName": "Example <Shop>"}})

	// What there is by default.
	var shown []string
	for _, k := range statuspage.SiteKeys() {
		if k.Default == nil {
			answered(t, s, "GET", sitePath+"/"+k.Key, "", 404, notFound("Config key '"+k.Key+"' not found"))
			continue
		}
		value, kind := *k.Default, string(k.Type)
		switch {
		case k.Key == "siteName":
			value = "Example <Shop>"
		case k.Key == "siteURL":
			value = "https://status.example"
		case k.DefaultType != "":
			kind = string(k.DefaultType)
		}
		if k.Type == statuspage.TextData {
			value = `"` + value + `"`
		} else if !json.Valid([]byte(value)) {
			t.Errorf("the default of %s is no JSON", k.Key)
		}
		if err := k.Check(*k.Default); err != nil && k.Key != "siteName" {
			t.Errorf("the default of %s: %v", k.Key, err)
		}
		text := settingText(k.Key, value, kind)
		answered(t, s, "GET", sitePath+"/"+k.Key, "", 200, text)
		shown = append(shown, text)
	}
	if len(shown) != 36 || len(statuspage.SiteKeys()) != 51 {
		t.Errorf("%d of %d settings have a default", len(shown), len(statuspage.SiteKeys()))
	}
	list := func(texts []string) string { return `{"site_data":[` + strings.Join(texts, ",") + `]}` }
	answered(t, s, "GET", sitePath, "", 200, list(shown))

	for _, row := range []struct{ key, sent, value, kind string }{
		{"siteName", `"TF Acc Site"`, `"TF Acc Site"`, "string"},
		{"siteName", `["a",1,null,[true,{}]]`, `"a,1,,true,[object Object]"`, "string"},
		{"siteName", `1.50e1`, `"15"`, "string"}, {"siteName", `1e21`, `"1e+21"`, "string"}, {"siteName", `-0.0`, `"0"`, "string"}, {"siteName", `1e-7`, `"1e-7"`, "string"},
		{"siteName", `null`, `"null"`, "string"}, {"siteName", ` " a " `, `" a "`, "string"},
		{"siteURL", `"https://status.example.org///"`, `"https://status.example.org///"`, "string"}, {"siteURL", `""`, `""`, "string"},
		{"siteURL", `"http://localhost:3000"`, `"http://localhost:3000"`, "string"}, {"siteURL", `"a.example.org/x y"`, `"a.example.org/x y"`, "string"},
		{"logo", `{"a":1}`, `"[object Object]"`, "string"},
		{"nav", ` [ { "name" : "a", "url" : "/b", "x" : 1.0 } ] `, `[{"name":"a","url":"/b","x":1.0}]`, "object"}, {"nav", `[]`, `[]`, "object"},
		{"hero", `{}`, `{}`, "object"}, {"hero", `[]`, `[]`, "object"}, {"hero", `{"title":"","subtitle":5}`, `{"title":"","subtitle":5}`, "object"},
		{"theme", `"dark"`, `"dark"`, "string"},
		{"colors", `{"UP":"#00ff00","DOWN":"#FF0000","DEGRADED":"#ffff00","MAINTENANCE":"#0000ff","X":5}`, `{"UP":"#00ff00","DOWN":"#FF0000","DEGRADED":"#ffff00","MAINTENANCE":"#0000ff","X":5}`, "object"},
		{"homeIncidentCount", `0`, `"0"`, "string"}, {"homeIncidentCount", `" 7 days"`, `" 7 days"`, "string"}, {"homeIncidentStartTimeWithin", `1.5`, `"1.5"`, "string"},
		{"i18n", `null`, `null`, "object"}, {"font", `5`, `5`, "object"}, {"sitemap", `"x"`, `"x"`, "object"},
		{"announcement", `{"title":"<b>&"}`, `{"title":"<b>&"}`, "object"}, {"customCSS", `"a{}"`, `"a{}"`, "string"},
		{"customCSS", `"` + strings.Repeat("a", statuspage.MaxSiteValue) + `"`, `"` + strings.Repeat("a", statuspage.MaxSiteValue) + `"`, "string"},
		{"analytics", `[{"id":"","type":""}]`, `[{"id":"","type":""}]`, "object"}, {"analytics.umami", `false`, `false`, "object"},
	} {
		want := settingText(row.key, row.value, row.kind)
		answered(t, s, "PATCH", sitePath+"/"+row.key, `{"value":`+row.sent+`,"x":1}`, 200, want)
		answered(t, s, "GET", sitePath+"/"+row.key, "", 200, want)
	}
	answered(t, s, "GET", sitePath+"/site%4eame", "", 200, settingText("siteName", `" a "`, "string"))

	invalid := func(key, value string) attempt {
		return attempt{key + " " + value, "PATCH", sitePath + "/" + key, `{"value":` + value + `}`, 400, badRequest("Invalid value for config key '" + key + "'")}
	}
	rows := []attempt{
		{"unknown", "GET", sitePath + "/sitename", "", 404, notFound("Config key 'sitename' is not a valid configuration key")},
		{"unknown before the body", "PATCH", sitePath + "/nothing", "{", 404, notFound("Config key 'nothing' is not a valid configuration key")},
		{"no JSON", "PATCH", sitePath + "/siteName", "{", 400, badRequest("Invalid JSON body")}, {"null", "PATCH", sitePath + "/siteName", "null", 400, badRequest("Invalid JSON body")},
		{"no value", "PATCH", sitePath + "/siteName", "{}", 400, badRequest("Value is required")}, {"array", "PATCH", sitePath + "/siteName", "[]", 400, badRequest("Value is required")},
		{"a text", "PATCH", sitePath + "/siteName", `"x"`, 400, badRequest("Value is required")},
		{"a long name", "PATCH", sitePath + "/siteName", `{"value":"` + strings.Repeat("a", statuspage.MaxSiteText+1) + `"}`, 400, badRequest("The value of config key 'siteName' must be at most 1000 bytes")},
		{"too large", "PATCH", sitePath + "/customCSS", `{"value":"` + strings.Repeat("a", statuspage.MaxSiteValue+1) + `"}`, 400, badRequest("The value of config key 'customCSS' must be at most 100000 bytes")},
		{"too deep", "PATCH", sitePath + "/font", `{"value":` + strings.Repeat("[", 101) + strings.Repeat("]", 101) + `}`, 400, badRequest("value must be nested at most 100 levels deep")},
		{"two segments", "GET", sitePath + "/a/b", "", 404, notFound("No API route matches '/api/v4/site/a/b'")},
	}
	for _, method := range []string{"POST", "PUT", "DELETE"} {
		for _, key := range []string{"siteName", "nothing"} {
			rows = append(rows, attempt{method + " " + key, method, sitePath + "/" + key, "{}", 405, fail("METHOD_NOT_ALLOWED", method+" method not allowed")})
		}
		rows = append(rows, attempt{method, method, sitePath, "{}", 405, fail("METHOD_NOT_ALLOWED", method+" method not allowed")})
	}
	for key, values := range map[string][]string{
		"title": {`" "`, `[]`}, "siteName": {`""`, `" \u00a0"`}, "home": {`[[]]`}, "incidentGroupView": {`""`},
		"siteURL": {`"not a url !"`, `"ftp://a.example.org"`, `"https://1.2.3.4"`, `"https://a_b.example.org"`, `"https://a.museumsmuseum"`, `"https://a.example.org?x=1"`, `null`},
		"nav":     {`[{"name":"x"}]`, `[null]`, `[5]`, `{}`, `null`, `"x"`, `[{"name":"","url":"/"}]`, `[[]]`},
		"hero":    {`null`, `5`, `"x"`, `{"title":"t"}`, `{"title":5,"subtitle":"s"}`},
		"pattern": {`"stripes"`, `""`}, "theme": {`"blue"`, `["dark","x"]`}, "barStyle": {`"partial"`}, "barRoundness": {`true`}, "summaryStyle": {`5`},
		"colors":            {`{}`, `[]`, `null`, `"x"`, `{"UP":"#00ff00","DOWN":"#ff0000","DEGRADED":"#ffff00"}`, `{"UP":"#0f0","DOWN":"#ff0000","DEGRADED":"#ffff00","MAINTENANCE":"#0000ff"}`, `{"UP":"#00ff00","DOWN":"#ff0000","DEGRADED":"#ffff00","MAINTENANCE":"#0000ff","ACCENT":"red"}`, `{"UP":"#00ff00","DOWN":"#ff0000","DEGRADED":"#ffff00","MAINTENANCE":"#0000ff","ACCENT_FOREGROUND":null}`},
		"homeIncidentCount": {`-1`, `"x"`, `null`, `""`}, "homeIncidentStartTimeWithin": {`0`, `0.9`, `"-5"`}, "monitorSort": {`{}`, `null`},
		"analytics": {`{}`, `[null]`, `[{"id":"a"}]`, `[{"id":"a","type":5}]`},
	} {
		for _, value := range values {
			rows = append(rows, invalid(key, value))
		}
	}
	before := records(t, s)
	attempts(t, s, 0, rows)
	if diff := cmp.Diff(before, records(t, s)); diff != "" {
		t.Errorf("refused requests have written (-before +after):\n%s", diff)
	}
}

func TestSiteList(t *testing.T) {
	t.Parallel()
	s, _ := start(t)
	var want []string
	for _, k := range statuspage.SiteKeys() {
		if k.Default != nil || k.Key == "metaSiteTitle" {
			want = append(want, k.Key)
		}
	}
	s.Do("PATCH", sitePath+"/metaSiteTitle", `{"value":"t"}`)
	for _, limit := range []string{"", "?limit=1", "?limit=5", "?limit=36", "?limit=37"} {
		var got []string
		for path := sitePath + limit; ; {
			var list struct {
				Data []struct{ Key string } `json:"site_data"`
				Next string                 `json:"next_cursor"`
			}
			decodeInto(t, []byte(s.Do("GET", path, "").Body), &list)
			for _, v := range list.Data {
				got = append(got, v.Key)
			}
			if list.Next == "" {
				break
			}
			path = sitePath + limit + "&cursor=" + list.Next
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", limit, diff)
		}
	}
}

// TestETagsOfPages is about pages and settings, those too that nobody has changed.
func TestETagsOfPages(t *testing.T) {
	t.Parallel()
	s, _ := start(t)
	first := s.Do("POST", pagesPath, newPage("team"))
	for _, tt := range []struct{ path, first, second, changed string }{
		{pagesPath + "/team", `{"page_title":"a"}`, `{"page_title":"b"}`, "The page was changed since: its ETag does not match If-Match"},
		{pagesPath + "/~home", `{"page_title":"a"}`, `{"page_title":"b"}`, "The page was changed since: its ETag does not match If-Match"},
		{sitePath + "/siteName", `{"value":"a"}`, `{"value":"b"}`, "The setting was changed since: its ETag does not match If-Match"},
	} {
		tag := s.Do("GET", tt.path, "").Header.Get("ETag")
		if !etagForm.MatchString(tag) || tt.path == pagesPath+"/team" && tag != first.Header.Get("ETag") {
			t.Errorf("%s: etag %q", tt.path, tag)
		}
		got := doWith(s, "PATCH", tt.path, tt.first, "If-Match", tag)
		if got.Status != 200 || got.Header.Get("ETag") == tag || got.Header.Get("ETag") != s.Do("GET", tt.path, "").Header.Get("ETag") {
			t.Errorf("%s: %d %q, was %q", tt.path, got.Status, got.Header.Get("ETag"), tag)
		}
		before := records(t, s)
		for _, header := range []string{tag, "W/" + got.Header.Get("ETag"), "", `"*"`} {
			if got := doWith(s, "PATCH", tt.path, tt.second, "If-Match", header); got.Status != 412 || got.Body != fail("PRECONDITION_FAILED", tt.changed) {
				t.Errorf("%s with %s: %d %s", tt.path, header, got.Status, got.Body)
			}
		}
		if diff := cmp.Diff(before, records(t, s)); diff != "" {
			t.Errorf("refused requests have written (-before +after):\n%s", diff)
		}
		if got := doWith(s, "PATCH", tt.path, tt.second, "If-Match", "*"); got.Status != 200 {
			t.Errorf("%s: %d %s", tt.path, got.Status, got.Body)
		}
	}
	for _, tag := range []string{`""`, `"x"`, ""} { // of a setting that is not there
		if got := doWith(s, "PATCH", sitePath+"/customCSS", `{"value":"a"}`, "If-Match", tag); got.Status != 412 {
			t.Errorf("%s: %d %s", tag, got.Status, got.Body)
		}
	}
	if got := doWith(s, "DELETE", pagesPath+"/team", "", "If-Match", first.Header.Get("ETag")); got.Status != 412 {
		t.Errorf("%d %s", got.Status, got.Body)
	}
	if got := doWith(s, "DELETE", pagesPath+"/team", "", "If-Match", s.Do("GET", pagesPath+"/team", "").Header.Get("ETag")); got.Status != 200 {
		t.Errorf("%d %s", got.Status, got.Body)
	}
	for _, path := range []string{pagesPath, sitePath} {
		if tag := s.Do("GET", path, "").Header.Get("ETag"); tag != "" {
			t.Errorf("%s: etag %q", path, tag)
		}
	}
}
