package kener

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"tocsin/internal/statuspage"
)

// pageJSON is a page as Kener shows it.
type pageJSON struct {
	ID        int64           `json:"id"`
	Path      string          `json:"page_path"`
	Title     json.RawMessage `json:"page_title"`
	Header    json.RawMessage `json:"page_header"`
	Subheader json.RawMessage `json:"page_subheader"`
	Logo      json.RawMessage `json:"page_logo"`
	Settings  json.RawMessage `json:"page_settings"`
	Monitors  []struct {
		Tag string `json:"monitor_tag"`
	} `json:"monitors"`
	Created json.RawMessage `json:"created_at"`
	Updated json.RawMessage `json:"updated_at"`
}

// settingJSON is a setting of the site as Kener shows it.
type settingJSON struct {
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value"`
}

// What Kener's home page says when nobody has changed it.
const (
	kenerHeader    = "Service Status"
	kenerSubheader = "Real-time status of our services"
)

// neverChanged is when the home page was made that nobody has changed, of this service: it shows all
// monitors, also those to come.
const neverChanged = "1970-01-01T00:00:00.000Z"

// kenerPageSettings are those of a page that has none of its own. Kener shows them all; what a page
// has as its own here counts before what the site has.
const kenerPageSettings = `{"incidents":{"enabled":true,"ongoing":{"show":true},"resolved":{"show":true,"max_count":5,"days_in_past":7}},` +
	`"include_maintenances":{"enabled":true,"ongoing":{"show":true,"past":{"show":true,"max_count":5,"days_in_past":7},"upcoming":{"show":true,"max_count":5,"days_in_future":30}}},` +
	`"monitor_status_history_days":{"desktop":90,"mobile":30},"monitor_layout_style":"default-list"}`

// kenerValues are what Kener sets at its first start, in this version or that, where it is
// about Kener itself or no decision of anybody.
var kenerValues = map[string][]string{
	"title":      {"Kener - Open source status page system"},
	"siteName":   {"Kener", "Kener.ing"},
	"siteURL":    {"http://localhost:3000", "https://kener.ing"},
	"logo":       {"/logo.png", "https://kener.ing/logo.png"},
	"favicon":    {"/logo96.png", "https://kener.ing/logo96.png"},
	"i18n":       {`{"defaultLocale":"en","locales":[{"code":"en","disabled":false,"name":"English","selected":true}]}`},
	"categories": {`[{"description":"Monitors for Home Page","isHidden":false,"name":"Home"}]`},
	"kenerTheme": {"default"},
}

// kenerTexts are as kenerValues, as the beginnings of the SHA-256 of their words: a footer with a
// credit, titles and tags about Kener.
var kenerTexts = map[string][]string{
	"footerHTML": {"5e3cf1d122faf7d6", "21a96f689525f9cf"},
	"hero":       {"c1548e04e6ca0d12"},
	"metaTags":   {"a45a02c24cc0d394", "14d87f57dc96e327"},
}

// kenerLinks are where links lead that Kener has at its first start: to itself, and to the sign-in
// that is not here.
var kenerLinks = []string{"https://kener.ing", "https://github.com/rajnandan1/kener", "/account/signin"}

// takePages takes the pages.
func (i *importer) takePages(ctx context.Context) error {
	var pages []statuspage.Page
	var last int64
	ids, paths := map[int64]bool{}, map[string]bool{}
	_, err := list(ctx, i.c, "/pages", nil, "pages", func(shown pageJSON) {
		p, ok := i.page(ctx, shown)
		if ok && (ids[p.ID] || paths[p.Path]) {
			i.warn("page %q: left out: there is another one with its id %d or its path", shown.Path, shown.ID)
			ok = false
		}
		if ok {
			ids[p.ID], paths[p.Path] = true, true
			last = max(last, p.ID)
			pages = append(pages, p)
		}
	})
	if err != nil {
		return err
	}
	if err := i.store.RaiseIDs(ctx, statuspage.LastIDs{Page: last}); err != nil {
		return err
	}
	for _, p := range pages {
		made, err := i.store.ImportPage(ctx, p)
		if err != nil {
			return err
		}
		i.made(made, func(r *Report) { r.Pages++ })
	}
	return nil
}

// page returns the page as it is here, or false for one that can't be kept.
func (i *importer) page(ctx context.Context, shown pageJSON) (statuspage.Page, bool) {
	warn := under(i.warn, fmt.Sprintf("page %q", shown.Path))
	p := statuspage.Page{
		ID: shown.ID, Path: shown.Path, Title: cut(textOr(shown.Title, ""), statuspage.MaxPageText, warn, "page_title"),
		Header: cut(textOr(shown.Header, ""), statuspage.MaxPageText, warn, "page_header"), Version: 1,
	}
	home := shown.Path == statuspage.HomePath || shown.Path == ""
	switch {
	case home && textOr(shown.Created, "") == neverChanged:
		return p, false
	case home:
		p.ID, p.Path = statuspage.HomePageID, ""
		if p.Header == kenerHeader {
			p.Header = statuspage.DefaultHome().Header
		}
	case statuspage.ReservedPath(p.Path):
		p.Path += "-page"
		warn("its path is needed by the service: it is %s", p.Path)
	}
	if p.Path != statuspage.PagePath(p.Path) || len(p.Path) > statuspage.MaxPagePath || !home && (p.ID <= statuspage.HomePageID || !statuspage.ValidID(p.ID)) {
		warn("left out: its path or id is one that no page can have here")
		return p, false
	}
	if s := text(shown.Subheader); s != nil && !(home && *s == kenerSubheader) {
		p.Subheader = new(cut(*s, statuspage.MaxPageText, warn, "page_subheader"))
	}
	if logo := text(shown.Logo); logo != nil {
		p.Logo = new(i.picture(ctx, *logo, warn, "page_logo"))
		if statuspage.Length(*p.Logo) > statuspage.MaxPageText {
			warn("its page_logo is too long and is left out")
			p.Logo = nil
		}
	}
	p.Settings = i.pageSettings(ctx, shown.Settings, warn)
	for _, m := range shown.Monitors {
		id := i.ids[m.Tag]
		switch {
		case id == 0:
			warn("monitor %q is left out: there is none", m.Tag)
		case len(p.Monitors) == statuspage.MaxPageMonitors:
			warn("monitor %q is left out: a page has %d at most", m.Tag, len(p.Monitors))
		case !slices.ContainsFunc(p.Monitors, func(is statuspage.PageMonitor) bool { return is.MonitorID == id }):
			p.Monitors = append(p.Monitors, statuspage.PageMonitor{MonitorID: id, Tag: m.Tag})
		}
	}
	p.Created = instant(shown.Created, i.now, warn, "created_at")
	p.Updated = instant(shown.Updated, p.Created, warn, "updated_at")
	return p, true
}

// pageSettings are those that differ from Kener's own.
func (i *importer) pageSettings(ctx context.Context, raw json.RawMessage, warn warnFunc) statuspage.JSONObject {
	set, _ := without(decoded(raw), decoded([]byte(kenerPageSettings))).(map[string]any)
	if image, is := set[statuspage.PagePreviewImage].(string); is {
		set[statuspage.PagePreviewImage] = i.picture(ctx, image, warn, statuspage.PagePreviewImage)
	}
	if len(set) == 0 {
		return ""
	}
	settings := statuspage.JSONObject(encoded(set))
	if err := statuspage.CheckPageSettings(settings); err != nil {
		warn("its page_settings are left out: %v", err)
		return ""
	}
	if len(settings) > statuspage.MaxPageSettings {
		warn("its page_settings are left out: they have %d bytes", len(settings))
		return ""
	}
	return settings
}

// without is a value without those parts of objects that are the same in other, nil when nothing
// is left.
func without(v, other any) any {
	from, is := v.(map[string]any)
	what, _ := other.(map[string]any)
	switch {
	case reflect.DeepEqual(v, other):
		return nil
	case !is:
		return v
	}
	left := map[string]any{}
	for name, value := range from {
		if value = without(value, what[name]); value != nil {
			left[name] = value
		}
	}
	if len(left) == 0 {
		return nil
	}
	return left
}

// takeSettings takes the settings of the site, but for what Kener has set itself.
func (i *importer) takeSettings(ctx context.Context) error {
	var settings []statuspage.SiteSetting
	_, err := list(ctx, i.c, "/site", nil, "site_data", func(shown settingJSON) {
		if v, ok := i.setting(ctx, shown); ok {
			settings = append(settings, v)
		}
	})
	if err != nil {
		return err
	}
	for _, v := range settings {
		made, err := i.store.ImportSiteSetting(ctx, v)
		if err != nil {
			return err
		}
		i.made(made, func(r *Report) { r.Settings++ })
	}
	return nil
}

// setting returns the setting as it is here, or false for one that is not taken.
func (i *importer) setting(ctx context.Context, shown settingJSON) (statuspage.SiteSetting, bool) {
	v := statuspage.SiteSetting{Key: shown.Key, Created: i.now, Updated: i.now, Version: 1}
	warn := under(i.warn, fmt.Sprintf("site %q", shown.Key))
	key, known := statuspage.SiteKeyOf(shown.Key)
	if !known {
		warn("left out: there is no such setting here")
		return v, false
	}
	v.Value = compact(shown.Value)
	if key.Type == statuspage.TextData {
		v.Value = textOr(shown.Value, "")
	}
	if byKener(v.Key, shown.Value) || key.Default != nil && same(v.Value, *key.Default) {
		return v, false
	}
	switch v.Key {
	case "logo", "favicon", "socialPreviewImage":
		v.Value = i.picture(ctx, v.Value, warn, "value")
	case "nav":
		links, _ := decoded(shown.Value).([]any)
		links = slices.DeleteFunc(links, ofKener)
		for _, link := range links {
			link, _ := link.(map[string]any)
			if icon, is := link["iconURL"].(string); is {
				link["iconURL"] = i.picture(ctx, icon, warn, "iconURL")
			}
		}
		if len(links) == 0 {
			return v, false
		}
		v.Value = encoded(links)
	case statuspage.SiteURLKey:
		warn("links begin with %s: set another siteURL when the page has another address", v.Value)
	}
	if err := key.Check(v.Value); err != nil {
		warn("left out: %v", err)
		return v, false
	}
	return v, true
}

// byKener reports whether Kener has set the value, which is JSON, itself.
func byKener(key string, raw json.RawMessage) bool {
	value, is := decoded(raw).(string)
	if !is {
		value = encoded(decoded(raw))
	}
	sum := sha256.Sum256([]byte(strings.Join(strings.Fields(value), " ")))
	return slices.Contains(kenerValues[key], value) || slices.Contains(kenerTexts[key], hex.EncodeToString(sum[:8]))
}

// ofKener reports whether a link of the page's head is one that Kener has set itself.
func ofKener(link any) bool {
	fields, _ := link.(map[string]any)
	to, _ := fields["url"].(string)
	return slices.ContainsFunc(kenerLinks, func(begins string) bool { return to == begins || strings.HasPrefix(to, begins+"/") })
}

// same reports whether two values are the same text or the same JSON.
func same(a, b string) bool {
	x, y := decoded([]byte(a)), decoded([]byte(b))
	return a == b || x != nil && reflect.DeepEqual(x, y)
}

// decoded returns what JSON says, numbers as they are written; nil for what is none.
func decoded(text []byte) (v any) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if dec.Decode(&v) != nil {
		return nil
	}
	return v
}

// encoded is compact JSON, the fields of objects in the order of their names.
func encoded(v any) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(errors.Join(errors.New("kener: JSON that was decoded can't be encoded"), err))
	}
	return strings.TrimSuffix(b.String(), "\n")
}
