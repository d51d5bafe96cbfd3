package statuspage

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// PageSettings are the settings of a page with what they are by default (docs/api.md, Pages).
type PageSettings struct {
	Incidents         bool // whether the page shows any
	OngoingIncidents  bool
	ResolvedIncidents PastEvents

	Maintenances         bool // whether the page shows any
	OngoingMaintenances  bool
	PastMaintenances     PastEvents
	UpcomingMaintenances PastEvents // Days are those to come

	Layout      PageLayout
	DaysDesktop int // bars of a monitor on a wide screen
	DaysMobile  int // and on a narrow one

	MetaTitle       *string // nil: as the site's
	MetaDescription *string
	PreviewImage    *string
}

// PastEvents says which of the events that are over, or to come, are shown.
type PastEvents struct {
	Show bool
	Max  int64 // how many
	Days int64 // how far away
}

// PageLayout is how a page shows its monitors.
type PageLayout string

// The layouts.
const (
	DefaultList PageLayout = "default-list"
	DefaultGrid PageLayout = "default-grid"
	CompactList PageLayout = "compact-list"
	CompactGrid PageLayout = "compact-grid"
)

// PageLayouts lists every layout.
func PageLayouts() []PageLayout {
	return []PageLayout{DefaultList, DefaultGrid, CompactList, CompactGrid}
}

// DefaultPageSettings are those of a page that has none of its own.
func DefaultPageSettings() PageSettings {
	return PageSettings{
		Incidents: true, OngoingIncidents: true, ResolvedIncidents: PastEvents{true, 5, 7},
		Maintenances: true, OngoingMaintenances: true, PastMaintenances: PastEvents{true, 5, 7}, UpcomingMaintenances: PastEvents{true, 5, 30},
		Layout: DefaultList, DaysDesktop: 90, DaysMobile: 30,
	}
}

// Names of settings that more than one place uses.
const (
	MetaPageTitle       = "meta_page_title"
	MetaPageDescription = "meta_page_description"
	PagePreviewImage    = "social_page_preview_image"
)

// A pageSetting is one of the settings, by the names of the objects that it is in and its own
// with dots in between: what it has to be, as an error says it, and where it goes.
type pageSetting struct {
	name string
	must string
	put  func(s *PageSettings, value any) bool // false: it is not what it has to be
}

// pageSettings are all of them, in the order in which they are checked.
var pageSettings = []pageSetting{
	object("incidents"), object("incidents.ongoing"), object("incidents.resolved"),
	object("include_maintenances"), object("include_maintenances.ongoing"),
	object("include_maintenances.ongoing.past"), object("include_maintenances.ongoing.upcoming"),

	flag("incidents.enabled", func(s *PageSettings) *bool { return &s.Incidents }),
	flag("incidents.ongoing.show", func(s *PageSettings) *bool { return &s.OngoingIncidents }),
	flag("incidents.resolved.show", func(s *PageSettings) *bool { return &s.ResolvedIncidents.Show }),
	count("incidents.resolved.max_count", func(s *PageSettings) *int64 { return &s.ResolvedIncidents.Max }),
	count("incidents.resolved.days_in_past", func(s *PageSettings) *int64 { return &s.ResolvedIncidents.Days }),

	flag("include_maintenances.enabled", func(s *PageSettings) *bool { return &s.Maintenances }),
	flag("include_maintenances.ongoing.show", func(s *PageSettings) *bool { return &s.OngoingMaintenances }),
	flag("include_maintenances.ongoing.past.show", func(s *PageSettings) *bool { return &s.PastMaintenances.Show }),
	count("include_maintenances.ongoing.past.max_count", func(s *PageSettings) *int64 { return &s.PastMaintenances.Max }),
	count("include_maintenances.ongoing.past.days_in_past", func(s *PageSettings) *int64 { return &s.PastMaintenances.Days }),
	flag("include_maintenances.ongoing.upcoming.show", func(s *PageSettings) *bool { return &s.UpcomingMaintenances.Show }),
	count("include_maintenances.ongoing.upcoming.max_count", func(s *PageSettings) *int64 { return &s.UpcomingMaintenances.Max }),
	count("include_maintenances.ongoing.upcoming.days_in_future", func(s *PageSettings) *int64 { return &s.UpcomingMaintenances.Days }),

	{"monitor_layout_style", "one of: " + layoutNames(), func(s *PageSettings, value any) bool {
		text, _ := value.(string)
		s.Layout = PageLayout(text)
		return slices.Contains(PageLayouts(), s.Layout)
	}},

	object("monitor_status_history_days"),
	days("monitor_status_history_days.desktop", func(s *PageSettings) *int { return &s.DaysDesktop }),
	days("monitor_status_history_days.mobile", func(s *PageSettings) *int { return &s.DaysMobile }),

	text(MetaPageTitle, func(s *PageSettings) **string { return &s.MetaTitle }),
	text(MetaPageDescription, func(s *PageSettings) **string { return &s.MetaDescription }),
	text(PagePreviewImage, func(s *PageSettings) **string { return &s.PreviewImage }),
}

// PageSettingNames lists the settings, each with the names of the objects that it is in and dots in
// between, and these objects.
func PageSettingNames() []string {
	var names []string
	for _, p := range pageSettings {
		names = append(names, p.name)
	}
	return names
}

func layoutNames() string {
	var names []string
	for _, l := range PageLayouts() {
		names = append(names, string(l))
	}
	return strings.Join(names, ", ")
}

func object(name string) pageSetting {
	return pageSetting{name, "an object", func(_ *PageSettings, value any) bool {
		_, is := value.(map[string]any)
		return is
	}}
}

func flag(name string, of func(*PageSettings) *bool) pageSetting {
	return pageSetting{name, "a boolean", func(s *PageSettings, value any) bool {
		on, is := value.(bool)
		*of(s) = on
		return is
	}}
}

func count(name string, of func(*PageSettings) *int64) pageSetting {
	return pageSetting{name, "a non-negative integer", func(s *PageSettings, value any) bool {
		n, is := wholeNumber(value)
		*of(s) = n
		return is && n >= 0
	}}
}

func days(name string, of func(*PageSettings) *int) pageSetting {
	const most = 365
	return pageSetting{name, fmt.Sprintf("an integer between 1 and %d", most), func(s *PageSettings, value any) bool {
		n, is := wholeNumber(value)
		*of(s) = int(n)
		return is && n >= 1 && n <= most
	}}
}

func text(name string, of func(*PageSettings) **string) pageSetting {
	return pageSetting{name, "a string", func(s *PageSettings, value any) bool {
		text, is := value.(string)
		*of(s) = &text
		return is
	}}
}

// wholeNumber returns a JSON number without a fraction, which can be as large as an id.
func wholeNumber(value any) (n int64, is bool) {
	digits, is := value.(json.Number)
	f, err := strconv.ParseFloat(string(digits), 64)
	if !is || err != nil || f != math.Trunc(f) || math.Abs(f) > MaxID {
		return 0, false
	}
	return int64(f), true
}

// tree returns the object with its numbers as they are written.
func (o JSONObject) tree() map[string]any {
	var tree map[string]any
	dec := json.NewDecoder(strings.NewReader(string(o)))
	dec.UseNumber()
	if dec.Decode(&tree) != nil {
		return nil
	}
	return tree
}

// find returns the value by the names of the objects that it is in, and its own.
func find(tree map[string]any, names ...string) (value any, there bool) {
	value = tree
	for _, name := range names {
		in, _ := value.(map[string]any)
		if value, there = in[name]; !there {
			return nil, false
		}
	}
	return value, true
}

// CheckPageSettings returns the error for the first setting that is not what it has to be.
// Unknown ones are kept.
func CheckPageSettings(o JSONObject) error {
	_, err := DefaultPageSettings().with(o)
	return err
}

// With returns the settings with those of a page over them.
func (s PageSettings) With(o JSONObject) PageSettings {
	s, _ = s.with(o)
	return s
}

func (s PageSettings) with(o JSONObject) (PageSettings, error) {
	tree := o.tree()
	for _, p := range pageSettings {
		value, there := find(tree, strings.Split(p.name, ".")...)
		next := s
		if !there {
			continue
		}
		if !p.put(&next, value) {
			return s, Invalid("%s must be %s", p.name, p.must)
		}
		s = next
	}
	return s, nil
}
