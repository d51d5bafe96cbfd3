package apiv4

import (
	"context"
	"net/http"
	"slices"

	"tocsin/internal/opt"
	"tocsin/internal/statuspage"
	"tocsin/internal/web"
)

// PageStore keeps pages. The path of home is "".
type PageStore interface {
	// Page returns the page, or PageNotFound. Home is there from the start.
	Page(ctx context.Context, path string) (statuspage.Page, error)

	// Pages lists the pages by rising id, home first.
	Pages(ctx context.Context, q statuspage.PageQuery, take func(statuspage.Page) bool) (after int64, err error)

	// CreatePage makes the page. It returns PageExists, UnknownPageMonitor or
	// ErrTooManyPages, in this order.
	CreatePage(ctx context.Context, n statuspage.NewPage, now int64, once *statuspage.Once[statuspage.Page]) (statuspage.Page, error)

	// UpdatePage applies the patch. It returns PageNotFound, ErrHomePagePath,
	// ErrPageTooLarge, PageExists, UnknownPageMonitor, or ErrPageChanged when the page is
	// not as expected, in this order.
	UpdatePage(ctx context.Context, path string, p statuspage.PagePatch, now int64, expected statuspage.PagePrecondition) (statuspage.Page, error)

	// DeletePage removes the page. It returns ErrHomePageStays, PageNotFound, or
	// ErrPageChanged when the page is not as expected.
	DeletePage(ctx context.Context, path string, now int64, expected statuspage.PagePrecondition) error

	// Monitors is that of MonitorStore.
	Monitors(ctx context.Context, q statuspage.MonitorQuery, take func(statuspage.Monitor) bool) (after int64, err error)
}

type pages struct{ store PageStore }

// Pages returns the routes of pages.
func Pages(store PageStore) []web.Route {
	h := pages{store}
	return []web.Route{
		{Group: web.Settings, Path: "/api/v4/pages", Methods: []web.Method{
			web.GET(statuspage.ScopePagesRead, h.list()),
			web.POST(statuspage.ScopePagesWrite, web.Creates(h.create)),
		}},
		{Group: web.Settings, Path: "/api/v4/pages/{page_path}", Methods: []web.Method{
			web.GET(statuspage.ScopePagesRead, web.Gets(pathOfPage, h.get, showPage)),
			web.PATCH(statuspage.ScopePagesWrite, web.Acts(readPagePatch, h.update, showPage)),
			web.DELETE(statuspage.ScopePagesWrite, web.Acts(pathOfPage, h.remove, showPageGone)),
		}},
	}
}

var (
	errPagePathRequired   = bad("page_path is required and must be a string")
	errPagePath           = bad("page_path must be a string")
	errPagePathLong       = bad("page_path must be at most %d characters", statuspage.MaxPagePath)
	errPageTitleRequired  = bad("page_title is required and must be a non-empty string")
	errPageTitle          = bad("page_title must be a non-empty string")
	errPageTitleLong      = bad("page_title must be at most %d characters", statuspage.MaxPageText)
	errPageHeaderRequired = bad("page_header is required and must be a non-empty string")
	errPageHeader         = bad("page_header must be a non-empty string")
	errPageHeaderLong     = bad("page_header must be at most %d characters", statuspage.MaxPageText)
	errPageMonitors       = bad("monitors must be an array of monitor tags")
	errPageManyMonitors   = bad("At most %d monitors", statuspage.MaxPageMonitors)
	errPageSettings       = bad("page_settings must be an object")
)

func errReservedPath(path string) error { return bad("Page path '%s' is reserved", path) }
func errTagTwice(tag string) error      { return bad("Monitor with tag '%s' is there twice", tag) }
func errPageTextLong(name string) error {
	return bad("%s must be at most %d characters", name, statuspage.MaxPageText)
}

const pageCursor = "pg"

func (h pages) list() web.Handler {
	return web.List[statuspage.PageQuery, statuspage.Page, int64]{
		Name: "pages",
		Query: func(r *web.Request) (q statuspage.PageQuery, limit int, err error) {
			q.Limit, q.After, err = r.Query().Page(pageCursor)
			return q, q.Limit, err
		},
		Read: func(ctx context.Context, q statuspage.PageQuery, take func(statuspage.Page) bool) (int64, error) {
			var failed error
			next, err := h.store.Pages(ctx, q, func(p statuspage.Page) bool {
				p, failed = h.whole(ctx, p)
				return failed == nil && take(p)
			})
			if failed != nil {
				err = failed
			}
			return next, err
		},
		Show:   func(_ *web.Request, p statuspage.Page) any { return toPageJSON(p) },
		Cursor: web.IDCursor(pageCursor),
	}.Handler()
}

// whole returns the page with the monitors that it shows when it shows all.
func (h pages) whole(ctx context.Context, p statuspage.Page) (statuspage.Page, error) {
	if !p.All {
		return p, nil
	}
	for q := (statuspage.MonitorQuery{Limit: statuspage.MaxPageMonitors}); ; {
		next, err := h.store.Monitors(ctx, q, func(m statuspage.Monitor) bool {
			if m.Public() {
				p.Monitors = append(p.Monitors, statuspage.PageMonitor{MonitorID: m.ID, Tag: m.Tag})
			}
			return true
		})
		if err != nil {
			return p, err
		}
		if q.After = next; next == 0 {
			slices.Reverse(p.Monitors)
			return p, nil
		}
	}
}

// pathOfPage is the path in the request's own.
func pathOfPage(r *web.Request) (string, error) {
	return statuspage.PathNamed(r.PathValue("page_path")), nil
}

func (h pages) get(ctx context.Context, path string) (statuspage.Page, error) {
	p, err := h.store.Page(ctx, path)
	if err != nil {
		return p, err
	}
	return h.whole(ctx, p)
}

func (h pages) create(r *web.Request) (web.Creation[statuspage.Page], error) {
	var c web.Creation[statuspage.Page]
	f, err := web.DecodeBody(r.Content)
	if err != nil {
		return c, err
	}
	n, err := newPage(f)
	if err != nil {
		return c, err
	}
	c.Create = func(ctx context.Context, once *statuspage.Once[statuspage.Page]) (statuspage.Page, error) {
		return h.store.CreatePage(ctx, n, r.Now, once)
	}
	c.Answer = func(p statuspage.Page) web.Answer { return pageAnswer(http.StatusCreated, p) }
	return c, nil
}

// newPage checks what Kener checks, in its order.
func newPage(f web.Fields) (n statuspage.NewPage, err error) {
	path, _ := f.Text("page_path")
	if path == "" {
		return n, errPagePathRequired
	}
	if n.Title, err = f.Trimmed("page_title", statuspage.MaxPageText, errPageTitleRequired, errPageTitleLong); err != nil {
		return n, err
	}
	if n.Header, err = f.Trimmed("page_header", statuspage.MaxPageText, errPageHeaderRequired, errPageHeaderLong); err != nil {
		return n, err
	}
	if n.Path = statuspage.PagePath(path); n.Path == "" {
		return n, statuspage.PageExists("")
	}
	tags, err := pageTags(f)
	if err != nil {
		return n, err
	}
	settings, err := pageSettings(f)
	if err != nil {
		return n, err
	}
	subheader, logo, err := pageTexts(f)
	if err != nil {
		return n, err
	}
	n.Tags, n.Settings, n.Subheader, n.Logo = tags.Or(nil), settings.Or(""), subheader.Ptr(nil), logo.Ptr(nil)
	return n, checkPagePath(n.Path)
}

// checkPagePath returns the error for a path that Kener would take.
func checkPagePath(path string) error {
	switch {
	case statuspage.ReservedPath(path):
		return errReservedPath(path)
	case len(path) > statuspage.MaxPagePath:
		return errPagePathLong
	}
	return nil
}

// pageTags returns the tags of a page's monitors. As Kener does, it takes a number for its
// digits, and what is no array for nothing.
func pageTags(f web.Fields) (tags opt.Field[[]string], err error) {
	if f.Kind("monitors") != web.KindArray {
		return tags, nil
	}
	elements, err := f.Array("monitors", errPageMonitors)
	if err != nil {
		return tags, err
	}
	all := make([]string, len(elements))
	seen := map[string]bool{}
	for n, raw := range elements {
		if k := web.KindOf(raw); k == web.KindObject || k == web.KindArray {
			return tags, errPageMonitors
		}
		all[n] = web.ECMAText(raw)
		if seen[all[n]] {
			return tags, errTagTwice(all[n])
		}
		seen[all[n]] = true
	}
	if len(all) > statuspage.MaxPageMonitors {
		return tags, errPageManyMonitors
	}
	return opt.Value(all), nil
}

// pageSettingAliases are names in which Kener takes settings too.
var pageSettingAliases = map[string]string{
	"metaPageTitle":          statuspage.MetaPageTitle,
	"metaPageDescription":    statuspage.MetaPageDescription,
	"socialPagePreviewImage": statuspage.PagePreviewImage,
}

func pageSettings(f web.Fields) (opt.Field[statuspage.JSONObject], error) {
	settings, err := f.Object("page_settings")
	if err != nil {
		return settings, err
	}
	given, is := settings.Get()
	if !is {
		if settings.IsNull() {
			err = errPageSettings
		}
		return settings, err
	}
	given = given.Renamed(pageSettingAliases)
	if len(given) > statuspage.MaxPageSettings {
		return settings, statuspage.ErrPageTooLarge
	}
	return opt.Value(given), statuspage.CheckPageSettings(given)
}

func pageTexts(f web.Fields) (subheader, logo opt.Field[string], err error) {
	read := func(name string) (text opt.Field[string]) {
		if err != nil {
			return text
		}
		if text, err = f.NullableText(name); err == nil && statuspage.Length(text.Or("")) > statuspage.MaxPageText {
			err = errPageTextLong(name)
		}
		return text
	}
	return read("page_subheader"), read("page_logo"), err
}

// pagePatch is what a PATCH changes, and of which page.
type pagePatch struct {
	path string
	statuspage.PagePatch
}

func readPagePatch(r *web.Request) (p pagePatch, err error) {
	p.path, _ = pathOfPage(r)
	f, err := web.DecodeBody(r.Content)
	if err != nil {
		return p, err
	}
	p.PagePatch, err = patchOfPage(p.path, f)
	return p, err
}

// patchOfPage checks what Kener checks, in its order.
func patchOfPage(path string, f web.Fields) (p statuspage.PagePatch, err error) {
	if f.Kind("page_path") != web.KindAbsent {
		text, is := f.Text("page_path")
		if !is {
			return p, errPagePath
		}
		next := statuspage.PagePath(text)
		switch {
		case path == "" && text != "" && text != statuspage.HomePath:
			return p, statuspage.ErrHomePagePath
		case path != "" && next == "":
			return p, statuspage.PageExists("")
		case path != "" && next != path:
			p.Path = opt.Value(next)
		}
	}
	for _, text := range []struct {
		name        string
		empty, long error
		field       *opt.Field[string]
	}{
		{"page_title", errPageTitle, errPageTitleLong, &p.Title},
		{"page_header", errPageHeader, errPageHeaderLong, &p.Header},
	} {
		if f.Kind(text.name) != web.KindAbsent {
			s, err := f.Trimmed(text.name, statuspage.MaxPageText, text.empty, text.long)
			if err != nil {
				return p, err
			}
			*text.field = opt.Value(s)
		}
	}
	if p.Monitors, err = pageTags(f); err != nil {
		return p, err
	}
	if p.Settings, err = pageSettings(f); err != nil {
		return p, err
	}
	if p.Subheader, p.Logo, err = pageTexts(f); err != nil {
		return p, err
	}
	return p, checkPagePath(p.Path.Or(""))
}

func (h pages) update(r *web.Request, p pagePatch) (statuspage.Page, error) {
	expected, err := h.expected(r, p.path)
	if err != nil {
		return statuspage.Page{}, err
	}
	next, err := h.store.UpdatePage(r.Context(), p.path, p.PagePatch, r.Now, expected)
	if err != nil {
		return next, err
	}
	return h.whole(r.Context(), next)
}

func (h pages) remove(r *web.Request, path string) (string, error) {
	expected, err := h.expected(r, path)
	if err != nil {
		return path, err
	}
	return path, h.store.DeletePage(r.Context(), path, r.Now, expected)
}

// expected is what If-Match expects of the page. Home may show every monitor, which the tag
// that a client has seen counts in.
func (h pages) expected(r *web.Request, path string) (statuspage.PagePrecondition, error) {
	var all []statuspage.PageMonitor
	if path == "" && r.Header.Get("If-Match") != "" {
		shown, err := h.whole(r.Context(), statuspage.DefaultHome())
		if err != nil {
			return nil, err
		}
		all = shown.Monitors
	}
	return ifMatch(r, func(p statuspage.Page) string {
		if p.All {
			p.Monitors = all
		}
		return entityTag(toPageJSON(p))
	}), nil
}

// pageJSON is a page (docs/api.md, Pages).
type pageJSON struct {
	ID        int64             `json:"id"`
	Path      string            `json:"page_path"`
	Title     string            `json:"page_title"`
	Header    string            `json:"page_header"`
	Subheader *string           `json:"page_subheader"`
	Logo      *string           `json:"page_logo"`
	Settings  pageSettingsJSON  `json:"page_settings"`
	Monitors  []pageMonitorJSON `json:"monitors"`
	Created   string            `json:"created_at"`
	Updated   string            `json:"updated_at"`
}

type pageMonitorJSON struct {
	Tag      string `json:"monitor_tag"`
	Position int    `json:"position"`
}

type pageSettingsJSON struct {
	Incidents struct {
		Enabled bool       `json:"enabled"`
		Ongoing shownJSON  `json:"ongoing"`
		Past    eventsJSON `json:"resolved"`
	} `json:"incidents"`
	Maintenances struct {
		Enabled bool `json:"enabled"`
		Ongoing struct {
			shownJSON
			Past     eventsJSON `json:"past"`
			Upcoming struct {
				Show bool  `json:"show"`
				Max  int64 `json:"max_count"`
				Days int64 `json:"days_in_future"`
			} `json:"upcoming"`
		} `json:"ongoing"`
	} `json:"include_maintenances"`
	Days struct {
		Desktop int64 `json:"desktop"`
		Mobile  int64 `json:"mobile"`
	} `json:"monitor_status_history_days"`
	Layout          statuspage.PageLayout `json:"monitor_layout_style"`
	MetaTitle       *string               `json:"meta_page_title,omitempty"`
	MetaDescription *string               `json:"meta_page_description,omitempty"`
	PreviewImage    *string               `json:"social_page_preview_image,omitempty"`
}

type shownJSON struct {
	Show bool `json:"show"`
}

type eventsJSON struct {
	Show bool  `json:"show"`
	Max  int64 `json:"max_count"`
	Days int64 `json:"days_in_past"`
}

func toPageJSON(p statuspage.Page) pageJSON {
	monitors := make([]pageMonitorJSON, len(p.Monitors))
	for n, m := range p.Monitors {
		monitors[n] = pageMonitorJSON{m.Tag, n}
	}
	return pageJSON{
		ID: p.ID, Path: statuspage.PageName(p.Path), Title: p.Title, Header: p.Header, Subheader: p.Subheader, Logo: p.Logo,
		Settings: toPageSettingsJSON(statuspage.DefaultPageSettings().With(p.Settings)), Monitors: monitors,
		Created: web.ISOTime(p.Created), Updated: web.ISOTime(p.Updated),
	}
}

func toPageSettingsJSON(s statuspage.PageSettings) pageSettingsJSON {
	j := pageSettingsJSON{Layout: s.Layout, MetaTitle: s.MetaTitle, MetaDescription: s.MetaDescription, PreviewImage: s.PreviewImage}
	j.Incidents.Enabled, j.Incidents.Ongoing.Show, j.Incidents.Past = s.Incidents, s.OngoingIncidents, eventsJSON(s.ResolvedIncidents)
	in := &j.Maintenances
	in.Enabled, in.Ongoing.Show, in.Ongoing.Past = s.Maintenances, s.OngoingMaintenances, eventsJSON(s.PastMaintenances)
	in.Ongoing.Upcoming.Show, in.Ongoing.Upcoming.Max, in.Ongoing.Upcoming.Days = s.UpcomingMaintenances.Show, s.UpcomingMaintenances.Max, s.UpcomingMaintenances.Days
	j.Days.Desktop, j.Days.Mobile = s.DaysDesktop, s.DaysMobile
	return j
}

// pageAnswer shows one page, with the tag that If-Match is compared with.
func pageAnswer(status int, p statuspage.Page) web.Answer {
	shown := toPageJSON(p)
	a := web.One(status, "page", shown)
	a.ETag = entityTag(shown)
	return a
}

func showPage(_ *web.Request, p statuspage.Page) web.Answer { return pageAnswer(http.StatusOK, p) }

func showPageGone(_ *web.Request, path string) web.Answer {
	return web.Message("Page '%s' deleted successfully", path)
}
