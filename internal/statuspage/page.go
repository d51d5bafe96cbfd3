package statuspage

import (
	"strings"

	"tocsin/internal/opt"
)

// Limits of a page (docs/api.md, Pages).
const (
	MaxPagePath     = 200
	MaxPageText     = 1000 // UTF-16 units of a title, header, subheader or logo
	MaxPageMonitors = 1000
	MaxPageSettings = 32 * 1024 // bytes
	MaxPages        = 100       // beside the home page; all are made in one pass of the publisher
)

// HomePath is what clients call the home page, whose path is empty.
const HomePath = "~home"

// PageName is what clients call the page with the path.
func PageName(path string) string {
	if path == "" {
		return HomePath
	}
	return path
}

// PathNamed is the path of the page that clients call so.
func PathNamed(name string) string {
	if name == HomePath {
		return ""
	}
	return name
}

// HomePageID is the id of the home page, which is there from the start.
const HomePageID = 1

// A Page is a public page that shows some of the monitors, and what concerns them.
type Page struct {
	ID        int64
	Path      string // its address, without a slash; "" of the home page
	Title     string
	Header    string
	Subheader *string
	Logo      *string
	Settings  JSONObject    // what was set, see PageSettings; "" nothing
	Monitors  []PageMonitor // in order, each once
	All       bool          // it shows every Public monitor, as the home page does until somebody says otherwise; Monitors is nil then
	Created   int64         // UTC seconds; 0 of a home page that nobody has changed, whose first change sets it
	Updated   int64         // UTC seconds
	Version   int64         // rises with every write; 0 of a home page that nobody has changed
}

// A PageMonitor is a monitor that a page shows.
type PageMonitor struct {
	MonitorID int64
	Tag       string
}

// DefaultHome is the home page before anybody has changed it.
func DefaultHome() Page {
	return Page{ID: HomePageID, Title: "Home", Header: "Status", All: true}
}

// Home reports whether the page is the home page.
func (p Page) Home() bool { return p.Path == "" }

// Shows returns the monitors that the page shows, in its order, of those that are shown
// anywhere.
func (p Page) Shows(shown []Monitor) []Monitor {
	if p.All {
		return shown
	}
	byID := map[int64]Monitor{}
	for _, m := range shown {
		byID[m.ID] = m
	}
	var all []Monitor
	for _, of := range p.Monitors {
		if m, is := byID[of.MonitorID]; is {
			all = append(all, m)
		}
	}
	return all
}

// WithoutMonitor returns the page after the monitor with the id was deleted, and whether it
// showed it.
func (p Page) WithoutMonitor(id int64) (next Page, changed bool) {
	var kept []PageMonitor
	for _, m := range p.Monitors {
		if m.MonitorID != id {
			kept = append(kept, m)
		}
	}
	if len(kept) == len(p.Monitors) {
		return p, false
	}
	p.Monitors = kept
	p.Version++
	return p, true
}

// PagePath is the path that a client's text stands for: lower case, blanks at its ends left
// out and others a hyphen, all but ASCII letters, digits, hyphens and underscores dropped
// (docs/api.md, Pages).
func PagePath(text string) string {
	text = strings.Join(strings.Fields(strings.ToLower(text)), "-")
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return -1
	}, text)
}

// reservedPaths are first segments of addresses that the service has or is going to have.
var reservedPaths = map[string]bool{}

func init() {
	for word := range strings.FieldsSeq("404 api assets badge confirm console data docs embed events ext healthcheck history hooks incidents index " +
		"maintenances manage monitors og ping subscribe unsubscribe v2") {
		reservedPaths[word] = true
	}
}

// ReservedPath reports whether a page can't have the path because the service needs it: the
// first segments of its own addresses, and all of two letters, which are languages.
func ReservedPath(path string) bool {
	letter := func(c byte) bool { return 'a' <= c && c <= 'z' }
	return reservedPaths[path] || len(path) == 2 && letter(path[0]) && letter(path[1])
}

// NewPage is what a client gives to make a page. Tags are of the monitors that it shows, in
// order and each once.
type NewPage struct {
	Path      string
	Title     string
	Header    string
	Subheader *string
	Logo      *string
	Settings  JSONObject // passes CheckPageSettings
	Tags      []string
}

// Made returns the page with the id as it is made at now (UTC seconds). monitors are those of
// Tags.
func (n NewPage) Made(id int64, monitors []PageMonitor, now int64) Page {
	return Page{
		ID: id, Path: n.Path, Title: n.Title, Header: n.Header, Subheader: n.Subheader, Logo: n.Logo,
		Settings: n.Settings, Monitors: monitors, Created: now, Updated: now, Version: 1,
	}
}

// PageQuery says which part of the list of pages is asked for.
type PageQuery struct {
	After int64 // an id; 0: from the start
	Limit int
}

// PagePatch is a partial update of a page; null clears a field that can be empty. Settings are
// merged into what is there, objects key by key.
type PagePatch struct {
	Path      opt.Field[string]
	Title     opt.Field[string]
	Header    opt.Field[string]
	Subheader opt.Field[string]
	Logo      opt.Field[string]
	Settings  opt.Field[JSONObject]
	Monitors  opt.Field[[]string] // tags, each once
}

// Patched returns the page with the patch in it at now (UTC seconds). monitors are those of the
// patch's tags, in their order. It returns ErrHomePagePath for another path of the home page,
// and ErrPageTooLarge when the settings are over MaxPageSettings.
func (p Page) Patched(patch PagePatch, monitors []PageMonitor, now int64) (Page, error) {
	if p.Home() && patch.Path.Or("") != "" {
		return Page{}, ErrHomePagePath
	}
	p.Path = patch.Path.Or(p.Path)
	p.Title = patch.Title.Or(p.Title)
	p.Header = patch.Header.Or(p.Header)
	p.Subheader = patch.Subheader.Ptr(p.Subheader)
	p.Logo = patch.Logo.Ptr(p.Logo)
	if settings, given := patch.Settings.Get(); given {
		p.Settings = p.Settings.MergeAll(settings)
	}
	if patch.Monitors.IsSet() {
		p.Monitors, p.All = monitors, false
	}
	if p.Version == 0 {
		p.Created = now
	}
	p.Updated = now
	p.Version++
	if len(p.Settings) > MaxPageSettings {
		return Page{}, ErrPageTooLarge
	}
	return p, nil
}

// A PagePrecondition is for a page what Precondition is for an incident.
type PagePrecondition func(Page) bool
