package site

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"tocsin/internal/statuspage"
)

// values are the settings of the site that somebody has set, by key. What does not have the shape
// that it should have is as if nobody had set it: no value breaks a page.
type values map[string]string

func valuesOf(settings []statuspage.SiteSetting) values {
	v := values{}
	for _, s := range settings {
		v[s.Key] = s.Value
	}
	return v
}

// SettingsOf returns what the settings that somebody has set say about the pages (docs/api.md, Site).
func SettingsOf(settings []statuspage.SiteSetting) Settings {
	v := valuesOf(settings)
	s := Settings{
		Logo: image(v["logo"]), Favicon: image(v["favicon"]), SocialImage: image(v["socialPreviewImage"]),
		MetaTitle: statuspage.TrimBlank(v["metaSiteTitle"]), Description: statuspage.TrimBlank(v["metaSiteDescription"]),
		Footer: v["footerHTML"], CSS: v["customCSS"],
		Colours: v.colours("colors"), DarkColours: v.colours("colorsDark"),
		Notice: v.notice(), Languages: v.languages(), Sitemap: v.sitemap(),
	}
	if theme := v["theme"]; theme == "light" || theme == "dark" {
		s.Theme = theme
	}
	for _, of := range v.tree("nav").list() {
		l := Link{Name: statuspage.TrimBlank(of.at("name").text()), URL: of.at("url").text(), Icon: image(of.at("iconURL").text())}
		if l.Name != "" && isTarget(l.URL) {
			s.Nav = append(s.Nav, l)
		}
	}
	formats := v.tree("dateAndTimeFormat")
	s.Formats = Formats{DateAndTime: formats.at("datePlusTime").text(), Date: formats.at("dateOnly").text(), Time: formats.at("timeOnly").text()}
	menu, visibility := v.tree("subMenuOptions"), v.tree("globalPageVisibilitySettings")
	s.NoFeeds, s.NoBadges, s.NoEmbeds = menu.at("showRssFeed").isFalse(), menu.at("showShareBadgeMonitor").isFalse(), menu.at("showShareEmbedMonitor").isFalse()
	s.NoSwitcher, s.Exclusive = visibility.at("showSwitcher").isFalse(), visibility.at("forceExclusivity").isTrue()
	return s
}

// config is what the operator says about the pages, with the site's name and address if these
// are set.
func (v values) config(c Config) Config {
	c.Name = cmp.Or(statuspage.TrimBlank(v[statuspage.SiteNameKey]), c.Name)
	if url := strings.TrimRight(v[statuspage.SiteURLKey], "/"); isURL(url) {
		c.URL = url
	}
	return c
}

func (v values) colours(key string) map[string]string {
	var all map[string]string
	tree, _ := v.tree(key).value.(map[string]any)
	for name, colour := range tree {
		if text, is := colour.(string); is {
			if all == nil {
				all = map[string]string{}
			}
			all[name] = text
		}
	}
	return all
}

func (v values) notice() *Notice {
	t := v.tree("announcement")
	n := Notice{
		Title: statuspage.TrimBlank(t.at("title").text()), Text: statuspage.TrimBlank(t.at("message").text()), Kind: t.at("type").text(),
		Closable: t.at("cancellable").isTrue(), ActionURL: t.at("ctaURL").text(), ActionOf: statuspage.TrimBlank(t.at("ctaText").text()),
	}
	if n.Title == "" && n.Text == "" {
		return nil
	}
	if n.Kind != "WARNING" && n.Kind != "ERROR" {
		n.Kind = "INFO"
	}
	if n.ActionOf == "" || !isTarget(n.ActionURL) {
		n.ActionURL, n.ActionOf = "", ""
	}
	if again := t.at("reshowAfterInHours"); again.count() != nil {
		n.Again = *again.count()
	} else if hours, err := strconv.ParseInt(again.text(), 10, 32); err == nil && hours > 0 {
		n.Again = hours
	}
	return &n
}

// languages are the default one and then those that are shown.
func (v values) languages() []string {
	t := v.tree("i18n")
	var all []string
	if code := t.at("defaultLocale").text(); code != "" {
		all = []string{code}
	}
	for _, of := range t.at("locales").list() {
		if code := of.at("code").text(); code != "" && of.at("selected").isTrue() && !slices.Contains(all, code) {
			all = append(all, code)
		}
	}
	return all
}

func (v values) sitemap() Sitemap {
	t := v.tree("sitemap")
	switch t.at("mode").text() {
	case "off":
		return Sitemap{Off: true}
	case "manual":
		s := Sitemap{URLs: []string{}}
		for _, of := range t.at("urls").list() {
			if url := statuspage.TrimBlank(of.at("loc").text()); isURL(url) {
				s.URLs = append(s.URLs, url)
			}
		}
		return s
	}
	return Sitemap{}
}

// order are the ids of pages in the order in which pages lead to them. Those that are not among
// them come after these.
func (v values) order() []int64 {
	t := v.tree("pageOrderingSettings")
	if !t.at("enabled").isTrue() {
		return nil
	}
	var ids []int64
	for _, of := range t.at("order").list() {
		if id := of.count(); id != nil {
			ids = append(ids, *id)
		}
	}
	return ids
}

// An eventRule is what settings say about events of one kind; nil: nothing.
type eventRule struct {
	all, shown *bool // whether there are events, and those of the kind
	most, days *int64
}

func ruleOf(all, of tree, most, days string) eventRule {
	return eventRule{all.at("enabled").flag(), of.at("show").flag(), of.at(most).count(), of.at(days).count()}
}

// over returns the rule with what the other one says where it says nothing.
func (r eventRule) over(other eventRule) eventRule {
	return eventRule{cmp.Or(r.all, other.all), cmp.Or(r.shown, other.shown), cmp.Or(r.most, other.most), cmp.Or(r.days, other.days)}
}

func (r eventRule) hidden() bool {
	return r.all != nil && !*r.all || r.shown != nil && !*r.shown
}

// show is what is shown of events that just are there or not; nil: as it comes.
func (r eventRule) show() *bool {
	if r.hidden() {
		return new(false)
	}
	return nil
}

// within is how many are shown; nil: as it comes. Of two limits one may be said alone: then the
// other one is what the settings are by default.
func (r eventRule) within(byDefault statuspage.PastEvents) *Range {
	switch {
	case r.hidden():
		return &Range{}
	case r.most == nil && r.days == nil:
		return nil
	}
	const longest = 100 * 366 // days
	return &Range{Most: *cmp.Or(r.most, &byDefault.Max), Days: min(*cmp.Or(r.days, &byDefault.Days), longest)}
}

// events say which events a page shows: as its own settings say, and where they say nothing, as
// those of the site.
func (v values) events(page statuspage.JSONObject) Events {
	site, own := v.tree("eventDisplaySettings"), treeOf(string(page))
	incidents, maintenances := site.at("incidents"), site.at("maintenances")
	ownIncidents, ownMaintenances := own.at("incidents"), own.at("include_maintenances")
	ongoing, past, upcoming := ownMaintenances.at("ongoing"), ownMaintenances.at("ongoing").at("past"), ownMaintenances.at("ongoing").at("upcoming")
	d := statuspage.DefaultPageSettings()
	return Events{
		Open: ruleOf(ownIncidents, ownIncidents.at("ongoing"), "", "").over(ruleOf(incidents, incidents.at("ongoing"), "", "")).show(),
		Past: ruleOf(ownIncidents, ownIncidents.at("resolved"), "max_count", "days_in_past").
			over(ruleOf(incidents, incidents.at("resolved"), "maxCount", "daysInPast")).within(d.ResolvedIncidents),
		Running: ruleOf(ownMaintenances, ongoing, "", "").over(ruleOf(maintenances, maintenances.at("ongoing"), "", "")).show(),
		Ended: ruleOf(ownMaintenances, past, "max_count", "days_in_past").
			over(ruleOf(maintenances, maintenances.at("past"), "maxCount", "daysInPast")).within(d.PastMaintenances),
		Planned: ruleOf(ownMaintenances, upcoming, "max_count", "days_in_future").
			over(ruleOf(maintenances, maintenances.at("upcoming"), "maxCount", "daysInFuture")).within(d.UpcomingMaintenances),
	}
}

// page is what a page says of itself. Of the home page the title and the header that it has until
// somebody gives it others say nothing.
func (v values) page(p statuspage.Page) Page {
	events := v.events(p.Settings)
	if p.Home() && p.Version == 0 {
		return Page{Events: events}
	}
	if byDefault := statuspage.DefaultHome(); p.Home() {
		if p.Title == byDefault.Title {
			p.Title = ""
		}
		if p.Header == byDefault.Header {
			p.Header = ""
		}
	}
	s := statuspage.PageSettings{}.With(p.Settings)
	return Page{
		ID: p.ID, Path: p.Path, Title: p.Title, Header: p.Header, Subheader: text(p.Subheader), Logo: image(text(p.Logo)),
		Layout: Layout{Grid: s.Layout == statuspage.DefaultGrid || s.Layout == statuspage.CompactGrid, Compact: s.Layout == statuspage.CompactList || s.Layout == statuspage.CompactGrid},
		Days:   int(min(s.DaysDesktop, Days)), MobileDays: int(min(s.DaysMobile, Days)),
		MetaTitle: statuspage.TrimBlank(text(s.MetaTitle)), Description: statuspage.TrimBlank(text(s.MetaDescription)), SocialImage: image(text(s.PreviewImage)),
		Events: events,
	}
}

// image is the text if it is the address of an image that a page can show, else "".
func image(s string) string {
	if IsImage(s) {
		return s
	}
	return ""
}

// isTarget reports whether a page can lead to the address: http, https, mailto, or a path.
func isTarget(s string) bool {
	scheme, rest, _ := strings.Cut(s, ":")
	mail := strings.EqualFold(scheme, "mailto") && rest != "" && !strings.ContainsFunc(rest, func(r rune) bool { return r <= ' ' || r == 0x7f })
	return mail || statuspage.ValidLink(s)
}

// A tree is JSON of any shape. What is asked of it and is not there, or is something else, is
// empty.
type tree struct{ value any }

func treeOf(text string) tree {
	var t tree
	if json.Unmarshal([]byte(text), &t.value) != nil {
		return tree{}
	}
	return t
}

func (v values) tree(key string) tree { return treeOf(v[key]) }

func (t tree) at(name string) tree {
	of, _ := t.value.(map[string]any)
	return tree{of[name]}
}

func (t tree) list() []tree {
	of, _ := t.value.([]any)
	var all []tree
	for _, value := range of {
		all = append(all, tree{value})
	}
	return all
}

func (t tree) text() string {
	s, _ := t.value.(string)
	return s
}

// flag is nil for what is no boolean.
func (t tree) flag() *bool {
	if b, is := t.value.(bool); is {
		return &b
	}
	return nil
}

func (t tree) isTrue() bool  { return t.value == true }
func (t tree) isFalse() bool { return t.value == false }

// count is nil for what is no whole number from 0 on.
func (t tree) count() *int64 {
	f, is := t.value.(float64)
	if !is || f < 0 || f > statuspage.MaxID || f != math.Trunc(f) {
		return nil
	}
	return new(int64(f))
}
