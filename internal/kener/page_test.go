package kener_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/dynamotest"
	"tocsin/internal/kener"
	"tocsin/internal/publish"
	"tocsin/internal/statuspage"
)

const (
	pngBytes = "\x89PNG\r\n\x1a\n"
	svgText  = `<svg xmlns="http://www.w3.org/2000/svg"/>`

	// What Kener shows of a page that has no settings of its own.
	shownSettings = `"incidents":{"enabled":true,"ongoing":{"show":true},"resolved":{"show":true,"max_count":5,"days_in_past":7}},` +
		`"include_maintenances":{"enabled":true,"ongoing":{"show":true,"past":{"show":true,"max_count":5,"days_in_past":7},"upcoming":{"show":true,"max_count":5,"days_in_future":30}}},` +
		`"monitor_status_history_days":{"desktop":90,"mobile":30}`
)

// branded is a Kener with pages, settings and pictures.
func branded() *fake {
	page := func(id int64, path, more string) string {
		return fmt.Sprintf(`{"id":%d,"page_path":%q,"page_title":"T","page_header":"H","page_subheader":null,"page_logo":null,"page_settings":{%s,"monitor_layout_style":"default-list"},`+
			`"monitors":[],"created_at":"2026-11-29T19:27:20.000Z","updated_at":"2026-11-29T19:28:20.000Z"%s}`, id, path, shownSettings, more)
	}
	setting := func(key, value string) string {
		return fmt.Sprintf(`{"key":%q,"value":%s,"data_type":"string"}`, key, value)
	}
	return &fake{
		monitors: []string{
			`{"id":1,"tag":"earth","name":"Earth","image":"/assets/images/img_a1","created_at":"2026-11-22T12:03:11.000Z","updated_at":"2026-11-22T12:03:11.000Z"}`,
			`{"id":2,"tag":"mars","name":"Mars","image":"https://cdn.example/mars.png","created_at":"2026-11-22T12:03:11.000Z","updated_at":"2026-11-22T12:03:11.000Z"}`,
		},
		pages: []string{
			page(1, "~home", `,"page_header":"Service Status","page_subheader":"Real-time status of our services","page_logo":"","monitors":[{"monitor_tag":"mars","position":0},{"monitor_tag":"pluto","position":1},{"monitor_tag":"earth","position":2},{"monitor_tag":"mars","position":3}]`),
			page(4, "team", `,"page_title":"Team","page_subheader":"Ours","page_logo":"/uploads/my logo.jpeg","page_settings":{`+shownSettings+`,"monitor_layout_style":"compact-grid","mine":{"x":[1,2.50]},"social_page_preview_image":"/assets/images/img_a1"}`),
			page(5, "events", ``), page(6, "Team Two", ``), page(1, "one", ``), page(4, "other", ``),
			page(7, "broken", `,"page_settings":{"monitor_layout_style":"wide"}`),
		},
		site: []string{
			setting("title", `"Kener - Open source status page system"`), setting("siteName", `"Example & Sons"`), setting("siteURL", `"https://status.example.org"`), setting("home", `"/"`),
			setting("logo", `"/assets/images/logo_X-9"`), setting("favicon", `"/logo96.png"`), setting("hero", `{"title":"Build stunning status pages in minutes","subtitle":"Let your users know what's going on."}`),
			setting("nav", `[{"name":"Documentation","url":"https://kener.ing/docs","iconURL":""},{"name":"Shop","url":"https://shop.example","iconURL":"/uploads/shop.svg?v=2"},{"name":"Login","iconURL":"","url":"/account/signin"}]`),
			setting("footerHTML", kenerFooter), setting("metaTags", `[{"key":"og:title","value":"Mine"}]`), setting("i18n", `{"defaultLocale":"en","locales":[{"code":"en","name":"English","selected":true,"disabled":false}]}`),
			setting("theme", `"none"`), setting("tzToggle", `"NO"`), setting("homeIncidentCount", `"5.0"`), setting("homeIncidentStartTimeWithin", `"60"`),
			setting("colors", `{"UP":"#67ab95","DOWN":"#ca3038","DEGRADED":"#e6ca61","MAINTENANCE":"#6679cc","ACCENT":"#f4f4f5","ACCENT_FOREGROUND":"#e96e2d"}`),
			setting("colorsDark", `{"UP":"#00ff00","DOWN":"#ca3038","DEGRADED":"#e6ca61","MAINTENANCE":"#6679cc"}`), setting("barStyle", `"WAVY"`),
			setting("analytics.umami", `{"isEnabled":true,"requirements":{"id":"x"}}`), setting("socialPreviewImage", `"/assets/images/missing"`), setting("lunch", `"12"`), setting("customCSS", `"h1 { color: <red> }"`),
		},
		pictures: map[string]string{
			"/assets/images/img_a1": "image/png " + pngBytes, "/assets/images/logo_X-9": "image/svg+xml " + svgText, "/uploads/my%20logo.jpeg": "image/jpeg \xff\xd8\xff", "/uploads/shop.svg?v=2": "image/svg+xml;charset=utf-8 " + svgText,
		},
	}
}

// kenerFooter is the footer of a Kener whose footer nobody has changed, but for line ends.
const kenerFooter = `"<div\n class=\"container relative mt-4 max-w-[655px]\"\n   >\n   <div class=\"block items-center gap-4 px-8 md:flex-row md:gap-2 md:px-0 mx-auto\">\n      <p class=\"text-center text-xs leading-loose text-muted-foreground \">\n         Made using \n         ` +
	`<a href=\"https://github.com/rajnandan1/kener\" target=\"_blank\"  class=\"font-medium underline underline-offset-4 hover:text-accent-foreground\">\n         Kener\n         </a>\n         an open source status page system built with Svelte and TailwindCSS.<br/>\n         Created with ❤️ by ` +
	`<a href=\"https://rajnandan.com\" target=\"_blank\"  class=\"font-medium hover:text-accent-foreground underline underline-offset-4\">Raj Nandan Sharma</a>.\n      </p>\n   </div>\n</div>"`

// TestBrand takes the pages, the settings and the pictures, but for what Kener has set itself.
func TestBrand(t *testing.T) {
	t.Parallel()
	f := branded()
	c := f.client(t, kenerKey)
	table := dynamotest.NewTable(t)
	files, err := publish.OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var warnings []string
	options := kener.Options{Files: files, Warn: func(format string, args ...any) {
		warnings = append(warnings, strings.ReplaceAll(fmt.Sprintf(format, args...), c.Address(), "KENER"))
	}}
	report, err := kener.Import(t.Context(), c, table.Dump(nil), options, begun)
	if err != nil {
		t.Fatal(err)
	}
	if want := (kener.Report{Monitors: 2, Pages: 4, Settings: 11, Pictures: 4}); report != want {
		t.Errorf("%+v, want %+v", report, want)
	}
	slices.Sort(warnings)
	if diff := cmp.Diff([]string{
		`page "Team Two": left out: its path or id is one that no page can have here`,
		`page "broken": its page_settings are left out: monitor_layout_style must be one of: default-list, default-grid, compact-list, compact-grid`,
		`page "events": its path is needed by the service: it is events-page`,
		`page "one": left out: its path or id is one that no page can have here`,
		`page "other": left out: there is another one with its id 4 or its path`,
		`page "~home": monitor "pluto" is left out: there is none`,
		`site "barStyle": left out: Invalid value for config key 'barStyle'`,
		`site "lunch": left out: there is no such setting here`,
		`site "siteURL": links begin with https://status.example.org: set another siteURL when the page has another address`,
		`site "socialPreviewImage": its value stays at KENER/assets/images/missing: GET KENER/assets/images/missing: it answers 404 Not Found`,
	}, warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}

	store := table.Store(nil)
	var pages []string
	if _, err := store.Pages(t.Context(), statuspage.PageQuery{Limit: 100}, func(p statuspage.Page) bool {
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, string(text))
		return true
	}); err != nil {
		t.Fatal(err)
	}
	rest := func(settings, monitors string) string {
		return `"Settings":` + settings + `,"Monitors":` + monitors + `,"All":false,"Created":1795980440,"Updated":1795980500,"Version":1}`
	}
	if diff := cmp.Diff([]string{
		`{"ID":1,"Path":"","Title":"T","Header":"Status","Subheader":null,"Logo":"",` + rest(`""`, `[{"MonitorID":2,"Tag":"mars"},{"MonitorID":1,"Tag":"earth"}]`),
		`{"ID":4,"Path":"team","Title":"Team","Header":"H","Subheader":"Ours","Logo":"/assets/kener/6ff18e0c-my-logo.jpeg",` +
			rest(`"{\"mine\":{\"x\":[1,2.50]},\"monitor_layout_style\":\"compact-grid\",\"social_page_preview_image\":\"/assets/kener/img_a1.png\"}"`, `null`),
		`{"ID":5,"Path":"events-page","Title":"T","Header":"H","Subheader":null,"Logo":null,` + rest(`""`, `null`),
		`{"ID":7,"Path":"broken","Title":"T","Header":"H","Subheader":null,"Logo":null,` + rest(`""`, `null`),
	}, pages); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}

	settings, err := store.SiteSettings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range settings {
		got = append(got, v.Key+" "+strings.ReplaceAll(v.Value, c.Address(), "KENER"))
		if v.Created != begun || v.Updated != begun || v.Version != 1 {
			t.Errorf("%+v", v)
		}
	}
	if diff := cmp.Diff([]string{
		`analytics.umami {"isEnabled":true,"requirements":{"id":"x"}}`,
		`colorsDark {"UP":"#00ff00","DOWN":"#ca3038","DEGRADED":"#e6ca61","MAINTENANCE":"#6679cc"}`,
		`customCSS h1 { color: <red> }`,
		`homeIncidentStartTimeWithin 60`,
		`logo /assets/kener/logo_X-9.svg`,
		`metaTags [{"key":"og:title","value":"Mine"}]`,
		`nav [{"iconURL":"/assets/kener/3a8e6a76-shop.svg-v-2.svg","name":"Shop","url":"https://shop.example"}]`,
		`siteName Example & Sons`,
		`siteURL https://status.example.org`,
		`socialPreviewImage KENER/assets/images/missing`,
		`tzToggle NO`,
	}, got); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	for key, want := range map[string]string{
		"img_a1.png": "image/png " + pngBytes, "logo_X-9.svg": "image/svg+xml " + svgText, "6ff18e0c-my-logo.jpeg": "image/jpeg \xff\xd8\xff", "3a8e6a76-shop.svg-v-2.svg": "image/svg+xml " + svgText,
	} {
		o, _, err := files.Get(t.Context(), "public/assets/kener/"+key)
		if got := o.Type + " " + string(o.Body); err != nil || got != want {
			t.Errorf("%s: %q, %v", key, got, err)
		}
	}
	for tag, want := range map[string]string{"earth": "/assets/kener/img_a1.png", "mars": "https://cdn.example/mars.png"} {
		if m, err := store.Monitor(t.Context(), tag); err != nil || *m.Image != want {
			t.Errorf("%s: %s, %v", tag, *m.Image, err)
		}
	}
	if p, err := store.CreatePage(t.Context(), statuspage.NewPage{Path: "next", Title: "T", Header: "H"}, begun, nil); err != nil || p.ID != 8 {
		t.Errorf("the next page: %+v, %v", p, err)
	}
}

// TestFirstStart takes nothing of what a Kener has that nobody has changed, as recorded.
func TestFirstStart(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(dynamotest.Root(t), "internal", "api", "testdata", "recorded-pages.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{}
	known := map[string]bool{statuspage.SiteNameKey: true} // which the recording has changed by then
	for line := range strings.Lines(string(text)) {
		var r struct {
			Case     string
			Response struct{ Body json.RawMessage }
		}
		var shown struct {
			Key   string
			Value json.RawMessage
		}
		if json.Unmarshal([]byte(line), &r) != nil || !regexp.MustCompile(`^site\.(get|more\.get|more\.restore)\.`).MatchString(r.Case) || json.Unmarshal(r.Response.Body, &shown) != nil {
			continue
		}
		if key, ok := statuspage.SiteKeyOf(shown.Key); ok && key.Default != nil && !known[shown.Key] {
			known[shown.Key] = true
			f.site = append(f.site, string(r.Response.Body))
		}
	}
	if len(f.site) < 20 {
		t.Fatalf("only %d settings are recorded", len(f.site))
	}
	report, err := kener.Import(t.Context(), f.client(t, kenerKey), dynamotest.NewTable(t).Dump(nil), kener.Options{Warn: func(format string, args ...any) { t.Errorf(format, args...) }}, begun)
	if err != nil || report != (kener.Report{}) {
		t.Errorf("%+v, %v", report, err)
	}
}

// Without a place for pictures they stay at Kener.
func TestPicturesStay(t *testing.T) {
	t.Parallel()
	f := &fake{monitors: branded().monitors[:1], pictures: branded().pictures}
	c := f.client(t, kenerKey)
	table := dynamotest.NewTable(t)
	var warnings []string
	if _, err := kener.Import(t.Context(), c, table.Dump(nil), kener.Options{Warn: func(format string, args ...any) {
		if warning := fmt.Sprintf(format, args...); strings.Contains(warning, "image") {
			warnings = append(warnings, strings.ReplaceAll(warning, c.Address(), "KENER"))
		}
	}}, begun); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{`monitor "earth": its image stays at KENER/assets/images/img_a1: it is not known where pictures are here`}, warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	if m, err := table.Store(nil).Monitor(t.Context(), "earth"); err != nil || *m.Image != c.Address()+"/assets/images/img_a1" {
		t.Errorf("%v, %v", m.Image, err)
	}
}
