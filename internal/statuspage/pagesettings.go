package statuspage

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
	DaysDesktop int64 // bars of a monitor on a wide screen
	DaysMobile  int64 // and on a narrow one

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

const maxHistoryDays = 365

// Names of settings that more than one place uses.
const (
	MetaPageTitle       = "meta_page_title"
	MetaPageDescription = "meta_page_description"
	PagePreviewImage    = "social_page_preview_image"
)

// pageSettings are all of them, in the order in which they are checked.
var pageSettings = []setting[PageSettings]{
	object[PageSettings]("incidents"), object[PageSettings]("incidents.ongoing"), object[PageSettings]("incidents.resolved"),
	object[PageSettings]("include_maintenances"), object[PageSettings]("include_maintenances.ongoing"),
	object[PageSettings]("include_maintenances.ongoing.past"), object[PageSettings]("include_maintenances.ongoing.upcoming"),

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

	oneOf("monitor_layout_style", func(s *PageSettings) *PageLayout { return &s.Layout }, PageLayouts()...),

	object[PageSettings]("monitor_status_history_days"),
	between("monitor_status_history_days.desktop", 1, maxHistoryDays, func(s *PageSettings) *int64 { return &s.DaysDesktop }),
	between("monitor_status_history_days.mobile", 1, maxHistoryDays, func(s *PageSettings) *int64 { return &s.DaysMobile }),

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
	return withSettings(s, pageSettings, o)
}
