package chaos

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// page is what a client knows of one that nobody else writes.
type page struct {
	id    int64
	token string // its title begins with it
	path  string
	title string
	days  int      // that bars show
	tags  []string // in their order

	quiet   bool // no client writes to it any more
	deleted bool
	unsure  bool // a request about it was given up
}

type pageJSON struct {
	ID       int64  `json:"id"`
	Path     string `json:"page_path"`
	Title    string `json:"page_title"`
	Settings struct {
		Days struct{ Desktop int } `json:"monitor_status_history_days"`
	} `json:"page_settings"`
	Monitors []struct {
		Tag      string `json:"monitor_tag"`
		Position int
	}
}

func (m *page) differs(got pageJSON) string {
	var tags []string
	for n, shown := range got.Monitors {
		if tags = append(tags, shown.Tag); shown.Position != n {
			return fmt.Sprintf("the monitor %s has the position %d, not %d", shown.Tag, shown.Position, n)
		}
	}
	if got.ID == m.id && got.Path == m.path && got.Title == m.title && got.Settings.Days.Desktop == m.days && slices.Equal(tags, m.tags) {
		return ""
	}
	return fmt.Sprintf("it is %+v, not %+v", got, m)
}

const (
	pagesPath    = "/api/v4/pages"
	maxPages     = 8 // of a client at a time: there are at most 500
	maxLeftPages = 8 // of a client that a monitor is on which may be deleted
	defaultDays  = 90
)

func pagePath(path string) string { return pagesPath + "/" + path }

func (c *client) drawTags() []string {
	tags := slices.Clone(c.pool)
	c.random.Shuffle(len(tags), func(i, j int) { tags[i], tags[j] = tags[j], tags[i] })
	return tags[:c.random.IntN(len(tags))]
}

func (c *client) livePages() []*page {
	return slices.DeleteFunc(slices.Clone(c.pages), func(m *page) bool { return m.deleted || m.unsure || m.quiet })
}

func (c *client) createPage() {
	if len(c.livePages()) >= maxPages {
		c.deletePage()
		return
	}
	c.newPage(&page{tags: c.drawTags()})
}

func (c *client) newPage(m *page) {
	m.token = c.token("page")
	m.title, m.path, m.days = m.token, strings.Trim(strings.ReplaceAll(m.token, ".", "-"), "-"), defaultDays
	body := map[string]any{"page_path": m.path, "page_title": m.title, "page_header": "Header", "monitors": m.tags}
	c.post(&call{kind: "create page", method: http.MethodPost, path: pagesPath, body: body, key: c.keyFor(m.token, 0.1), token: m.title}, func(a answer, ok bool) {
		if !ok {
			return
		}
		var made struct{ Page pageJSON }
		a.decode(c, &made)
		m.id = made.Page.ID
		if diff := m.differs(made.Page); diff != "" {
			c.fail("page %s as it was made: %s", m.path, diff)
		}
		c.pages = append(c.pages, m)
	})
}

// newPageOf makes a page of a monitor that may be deleted.
func (c *client) newPageOf(m *monitor) {
	quiet := 0
	for _, p := range c.pages {
		if p.quiet {
			quiet++
		}
	}
	if quiet < maxLeftPages {
		m.page = &page{tags: []string{c.pool[0], m.tag, c.pool[1]}, quiet: true}
		c.newPage(m.page)
	}
}

// updatePage changes some fields.
func (c *client) updatePage() {
	live := c.livePages()
	if len(live) == 0 {
		return
	}
	m := one(c.random, live...)
	next := *m
	body := map[string]any{}
	c.seq++
	if c.chance(0.5) {
		next.title = fmt.Sprintf("%s%d", m.token, c.seq)
		body["page_title"] = next.title
	}
	if c.chance(0.5) {
		next.tags = c.drawTags()
		body["monitors"] = next.tags
	}
	if c.chance(0.5) {
		next.days = 1 + c.random.IntN(defaultDays)
		body["page_settings"] = map[string]any{"monitor_status_history_days": map[string]any{"desktop": next.days}}
	}
	c.patchPage(m, next, &call{kind: "PATCH page", method: http.MethodPatch, path: pagePath(m.path), body: body})
}

// movePage gives a page another path. A second try may find it moved by the first.
func (c *client) movePage() {
	live := c.livePages()
	if len(live) == 0 {
		return
	}
	m := one(c.random, live...)
	next := *m
	c.seq++
	next.path = fmt.Sprintf("%s-%d", strings.Trim(strings.ReplaceAll(m.token, ".", "-"), "-"), c.seq)
	c.patchPage(m, next, &call{kind: "PATCH the path of a page", method: http.MethodPatch, path: pagePath(m.path), body: map[string]any{"page_path": next.path}}, http.StatusNotFound)
}

func (c *client) patchPage(m *page, next page, r *call, also ...int) {
	a, ok := c.do(r, also...)
	if m.unsure = !ok; !ok {
		return
	}
	*m = next
	if a.status == http.StatusNotFound {
		return
	}
	var now struct{ Page pageJSON }
	a.decode(c, &now)
	if diff := m.differs(now.Page); diff != "" {
		c.fail("page %s after a PATCH: %s", m.path, diff)
	}
}

func (c *client) deletePage() {
	live := c.livePages()
	if len(live) == 0 {
		return
	}
	m := one(c.random, live...)
	_, ok := c.do(&call{kind: "DELETE page", method: http.MethodDelete, path: pagePath(m.path)}, http.StatusNotFound)
	m.deleted, m.unsure = ok, !ok
}

// settingNames are settings of which each client writes its own, so that all must stand.
var settingNames = [clients]string{
	"title", "home", "logo", "favicon", "footerHTML", "kenerTheme", "showSiteStatus", "customCSS", "metaSiteTitle", "metaSiteDescription", "incidentGroupView", "socialPreviewImage",
}

// countedSetting is one that all clients change.
const countedSetting = "siteName"

type settingJSON struct{ Key, Value string }

func settingPath(key string) string { return "/api/v4/site/" + key }

func (c *client) writeSetting() {
	c.seq++
	value := fmt.Sprintf("setting %d of %d", c.seq, c.n)
	_, ok := c.do(&call{kind: "PATCH setting", method: http.MethodPatch, path: settingPath(settingNames[c.n]), body: map[string]any{"value": value}})
	if ok {
		c.setting = value
	}
}

// countSetting raises this client's number in a setting that all clients change, with
// If-Match.
func (c *client) countSetting() {
	var seen settingJSON
	a := c.get(settingPath(countedSetting), &seen)
	counts := parseCounts(seen.Value)
	if counts[c.n] != c.settingCounter {
		c.fail("the count of client %d in a setting is %d, not %d", c.n, counts[c.n], c.settingCounter)
		c.settingCounter = counts[c.n]
	}
	counts[c.n]++
	r := &call{
		kind: "PATCH a counting setting, If-Match", method: http.MethodPatch, path: settingPath(countedSetting), match: a.header.Get("ETag"),
		body: map[string]any{"value": formatCounts(counts)},
	}
	a, answered, _ := c.send(r)
	switch {
	case !answered:
		c.fail("the counting setting has no answer")
	case a.ok():
		c.acknowledge(r)
		c.settingCounter++
	case a.status != http.StatusPreconditionFailed:
		c.fail("the counting setting is answered %d %s", a.status, a.body)
	case r.ambiguous: // an earlier try may have had its effect
		c.get(settingPath(countedSetting), &seen)
		if now := parseCounts(seen.Value)[c.n]; now == c.settingCounter+1 {
			c.settingCounter++
			c.observed.Add(1)
		}
	}
}

// verifyPages: those that were acknowledged are there, and no others but home; deleted monitors
// are on none.
func (r *run) verifyPages(c *client) {
	shown := map[string]pageJSON{}
	for _, m := range all[pageJSON](c, pagesPath+"?", "pages") {
		shown[m.Path] = m
	}
	delete(shown, "~home")
	for _, c := range r.clients {
		for _, m := range c.pages {
			got, there := shown[m.path]
			delete(shown, m.path)
			switch {
			case m.unsure:
			case there == m.deleted:
				r.lost.Add(1)
				c.fail("page %s is there: %v, deleted: %v", m.path, there, m.deleted)
			case there:
				if diff := m.differs(got); diff != "" {
					r.lost.Add(1)
					c.fail("page %s: %s", m.path, diff)
				}
			}
		}
	}
	for path, m := range shown {
		if !r.wasGivenUp(m.Title) {
			r.doubled.Add(1)
			c.fail("page %s %q is one too many", path, m.Title)
		}
	}
}

func (r *run) verifySettings(c *client) {
	var counted settingJSON
	c.get(settingPath(countedSetting), &counted)
	counts := parseCounts(counted.Value)
	for _, c := range r.clients {
		if counts[c.n] != c.settingCounter {
			r.lost.Add(1)
			c.fail("counted to %d in a setting, not to %d", counts[c.n], c.settingCounter)
		}
		if c.setting == "" {
			continue
		}
		var got settingJSON
		if c.get(settingPath(settingNames[c.n]), &got); got.Value != c.setting {
			r.lost.Add(1)
			c.fail("the setting %s is %q, not %q", settingNames[c.n], got.Value, c.setting)
		}
	}
}
