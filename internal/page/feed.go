package page

import (
	"bytes"
	"cmp"
	"crypto/sha1"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"html"
	"slices"
	"strings"
	"time"

	"tocsin/internal/site"
	"tocsin/internal/statuspage"
)

// The feeds tell of incidents and of occurrences of maintenances, those that are announced
// included. RSS and JSON Feed have an item for each update, because many readers show only items
// that are new to them; of a maintenance, for each state that it comes to. Atom has an entry for
// each incident or occurrence, and its time of change moves with it.
//
// The bytes of a feed move only when one of these does: no time of making is in them. No date is
// ahead of the clock: an update that says that it is of later is dated by when it was written.
// An id is made of the record's number and of when it was made, and so is the same for ever,
// wherever the page moves to.

const (
	maxFeedIncidents = 50 // those that changed last
	maxFeedUpdates   = 200
	summaryLength    = 300 // UTF-16 units

	// The feeds of the monitors are shorter. An incident that concerns everything is in all of
	// them, three times each.
	maxMonitorIncidents = 10
	maxMonitorUpdates   = 20
)

// A feed is what the formats have in common.
type feed struct {
	site    *site.Site
	prefix  string // of the addresses of the page and the feeds that it belongs to: "" or "/monitors/api"
	title   string
	entries []*entry // the newest first
	most    int      // items
	empty   int64    // when it last changed if there is nothing in it
}

// An entry is an incident, or an occurrence of a maintenance.
type entry struct {
	number                    int64
	affected                  []site.Affected
	global                    bool
	id                        string
	url, title, summary, html string
	published, changed        int64
	items                     []item // the newest first
}

// An item is one update of an incident.
type item struct {
	number                    int64
	id                        string
	url, title, summary, html string
	tags                      []string
	published, changed        int64
}

// feedFiles are all feeds: of the site, and of each monitor.
func feedFiles(s *site.Site) []File {
	files, entries := wholeFeed(s).files(), feedEntries(s.Everything())
	rss, atom := files[0], files[1]
	rss.Path, atom.Path = "/history.rss", "/history.atom"
	files = append(files, rss, atom)
	for _, m := range s.Everything().Monitors() {
		part := feed{site: s, prefix: monitorPath(m.Tag), title: monitorName(m) + " · " + titleOf(s), entries: concerning(m, entries), most: maxMonitorUpdates, empty: m.Updated}
		files = append(files, part.files()...)
	}
	return files
}

// wholeFeed is the feed of everything that the page shows.
func wholeFeed(s *site.Site) feed {
	entries := feedEntries(s)
	return feed{site: s, prefix: s.Page.Base(), title: titleOf(s), entries: entries[:min(len(entries), maxFeedIncidents)], most: maxFeedUpdates, empty: s.Changed}
}

// feedEntries are all that feeds can tell of, what changed last first.
func feedEntries(s *site.Site) []*entry {
	var entries []*entry
	for _, i := range s.Incidents() {
		entries = append(entries, newEntry(s, i))
	}
	for _, m := range feedMaintenances(s) {
		entries = append(entries, maintenanceEntry(s, m))
	}
	slices.SortStableFunc(entries, func(a, b *entry) int {
		return cmp.Or(cmp.Compare(b.changed, a.changed), cmp.Compare(b.number, a.number), cmp.Compare(a.id, b.id))
	})
	return entries
}

// concerning are the newest entries that concern the monitor.
func concerning(m site.Monitor, entries []*entry) []*entry {
	var all []*entry
	for _, e := range entries {
		if len(all) < maxMonitorIncidents && concerns(e.affected, e.global, m.ID) {
			all = append(all, e)
		}
	}
	return all
}

// titleOf is what the site's page is called where only programs read.
func titleOf(s *site.Site) string { return mainWords(s).pageName(s) }

// pageName is the site's name, after the title of the page if it is not the home page.
func (w *words) pageName(s *site.Site) string {
	name := w.siteName(s)
	if s.Page.Path == "" {
		return name
	}
	return orElse(s.Page.Title, s.Page.Path) + " · " + name
}

func newEntry(s *site.Site, i site.Incident) *entry {
	w := mainWords(s)
	e := &entry{
		number: i.ID, affected: i.Affected, global: i.Global, id: stableID("incident", i.ID, i.Created), url: link(s, incidentPath(i.ID)), title: w.headed(i.State, i),
		published: notAhead(s, min(i.Start, i.Created)),
	}
	e.changed = max(e.published, notAhead(s, i.Updated))
	var content strings.Builder
	content.WriteString(w.affectedHTML(i.Affected, i.State != statuspage.Resolved))
	content.WriteString(w.timesHTML(i))
	for _, u := range updatesOf(i) {
		text, body := feedText(s, i, u)
		content.WriteString(w.headingHTML(u))
		content.WriteString(body)
		e.items = append(e.items, e.newItem(s, w, i, u, text, body))
	}
	e.summary, e.html = e.items[0].summary, content.String()
	return e
}

// feedText is what an update says, as plain text and as HTML.
func feedText(s *site.Site, i site.Incident, u site.Update) (text, body string) {
	if u.ID == 0 {
		title := mainWords(s).title(i)
		return title, "<p>" + html.EscapeString(title) + "</p>\n"
	}
	text = statuspage.Shorten(u.Text, maxText)
	return plain(text), string(markdown(s.URL, text))
}

func (e *entry) newItem(s *site.Site, w *words, of site.Incident, u site.Update, text, body string) item {
	i := item{
		number: u.ID, id: stableID("update", u.ID, u.Created), url: fmt.Sprintf("%s#update-%d", e.url, u.ID), title: w.headed(u.State, of),
		summary: statuspage.Shorten(text, summaryLength), html: body + w.affectedHTML(of.Affected, u.State != statuspage.Resolved),
		tags: []string{strings.ToLower(string(u.State))}, published: notAhead(s, min(u.Time, u.Created)),
	}
	if u.ID == 0 { // it stands for the incident
		i.id, i.url = stableID("opening", of.ID, of.Created), e.url
	}
	for _, a := range of.Affected {
		i.tags = append(i.tags, a.Name)
	}
	if of.Start > of.Created { // it was announced
		i.html += w.timesHTML(of)
	}
	i.changed = max(i.published, notAhead(s, u.Updated))
	return i
}

// feedMaintenances are those that feeds tell of: the next one of each maintenance, and those that
// are on, were cancelled or are over.
func feedMaintenances(s *site.Site) []site.Maintenance {
	all := site.Next(s.Maintenances)
	for _, m := range s.Maintenances {
		if !m.Running() && !m.Planned() {
			all = append(all, m)
		}
	}
	return all
}

// maintenanceEntry tells of an occurrence of a maintenance, with an item for each state that it
// has come to.
func maintenanceEntry(s *site.Site, m site.Maintenance) *entry {
	w := mainWords(s)
	e := &entry{
		number: m.ID, affected: m.Affected, global: m.Global, id: stableID("maintenance", m.ID, m.Created), url: link(s, occurrencePath(m.ID)),
		published: notAhead(s, m.Created),
	}
	text := statuspage.Shorten(m.Description, maxText)
	when := w.span(m.Start, m.End)
	if !m.Schedule.OneTime() {
		when += ". " + w.schedule(m.Schedule)
	}
	e.html = w.affectedHTML(m.Affected, true) + "<p>" + html.EscapeString(when) + "</p>\n" + string(markdown(s.URL, text))
	e.summary = statuspage.Shorten(orElse(plain(text), when), summaryLength)
	tell := func(state statuspage.OccurrenceState, at int64) {
		at = notAhead(s, at)
		i := item{
			number: m.ID, id: uuidOf(fmt.Sprintf("maintenance/%d/%d/%s", m.ID, m.Created, state)), url: e.url, title: w.say("Maintenance") + " · " + w.occurrenceState(state) + ": " + w.maintenanceTitle(m),
			summary: e.summary, html: e.html, tags: []string{strings.ToLower(string(state))}, published: at, changed: at,
		}
		for _, a := range m.Affected {
			i.tags = append(i.tags, a.Name)
		}
		e.title, e.changed, e.items = i.title, max(e.changed, at), append([]item{i}, e.items...)
	}
	tell(statuspage.Scheduled, m.Created)
	e.changed = max(e.changed, notAhead(s, m.Updated))
	e.items[0].changed = e.changed
	switch {
	case m.State == statuspage.Cancelled:
		tell(statuspage.Cancelled, m.Updated)
	case m.Running() || m.State == statuspage.Completed:
		tell(statuspage.Ongoing, m.Start)
	}
	if m.State == statuspage.Completed {
		tell(statuspage.Completed, m.End)
	}
	return e
}

// notAhead is t, or the time when the site was read if that is earlier and known. It matters
// only when the clocks of two machines differ.
func notAhead(s *site.Site, t int64) int64 {
	if s.AsOf > 0 {
		return min(t, s.AsOf)
	}
	return t
}

// stableID is a name-based UUID (RFC 9562, version 5) as a URN.
func stableID(kind string, number, created int64) string {
	return uuidOf(fmt.Sprintf("%s/%d/%d", kind, number, created))
}

// namespace is that of all ids that are made here: 16 bytes that nobody else has.
var namespace = []byte{0x5b, 0x1d, 0x0e, 0xc7, 0x92, 0x44, 0x4c, 0x3a, 0xb6, 0x60, 0x8e, 0x37, 0xd1, 0xf9, 0x2a, 0x05}

func uuidOf(name string) string {
	sum := sha1.Sum(append(slices.Clone(namespace), name...))
	sum[6], sum[8] = sum[6]&0x0f|0x50, sum[8]&0x3f|0x80
	h := hex.EncodeToString(sum[:16])
	return "urn:uuid:" + h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// items are the updates of all entries, the newest first.
func (f feed) items() []item {
	var all []item
	for _, e := range f.entries {
		all = append(all, e.items...)
	}
	slices.SortStableFunc(all, func(a, b item) int {
		return cmp.Or(cmp.Compare(b.published, a.published), cmp.Compare(b.number, a.number))
	})
	return all[:min(len(all), f.most)]
}

// changed is when something in the feed last changed; of an empty one, when something of what it
// is about did.
func (f feed) changed() int64 {
	if len(f.entries) == 0 {
		return notAhead(f.site, f.empty)
	}
	return f.entries[0].changed
}

// home is the page that the feed belongs to.
func (f feed) home() string { return link(f.site, cmp.Or(f.prefix, "/")) }

// id is that of the Atom feed. That of a page stays when the page's address changes.
func (f feed) id() string {
	if f.site.Page.Path != "" {
		return uuidOf(fmt.Sprintf("feed/%s/pages/%d", f.site.URL, f.site.Page.ID))
	}
	return uuidOf("feed/" + link(f.site, f.prefix+"/atom.xml"))
}

// about says what the feed is.
func (f feed) about() string { return mainWords(f.site).with("FeedSummary", fields{"Name": f.title}) }

func (f feed) files() []File {
	return []File{
		xmlFile(f.prefix+"/rss.xml", "application/rss+xml; charset=utf-8", f.rss()),
		xmlFile(f.prefix+"/atom.xml", "application/atom+xml; charset=utf-8", f.atom()),
		f.json(),
	}
}

// headed is a title with the state in front: "Resolved: Checkout is slow".
func (w *words) headed(state statuspage.State, i site.Incident) string {
	return w.state(state) + ": " + w.title(i)
}

// affectedHTML names the monitors, and what is done to them unless it is over.
func (w *words) affectedHTML(affected []site.Affected, done bool) string {
	var all []string
	for _, a := range affected {
		name := a.Name
		if done {
			name += " (" + w.inText(a.Status) + ")"
		}
		all = append(all, html.EscapeString(name))
	}
	if len(all) == 0 {
		return ""
	}
	return "<p>" + html.EscapeString(w.say("AffectedAre")) + ": " + strings.Join(all, ", ") + "</p>\n"
}

// timesHTML says when the incident began, or will begin, and when it ended.
func (w *words) timesHTML(i site.Incident) string {
	says := w.say("Start") + ": " + w.instant(i.Start)
	if i.End != nil {
		says += ". " + w.say("End") + ": " + w.instant(*i.End) + ". " + w.say("Duration") + ": " + w.duration(*i.End-i.Start)
	}
	return "<p>" + html.EscapeString(says) + "</p>\n"
}

// headingHTML says of what state and time an update is.
func (w *words) headingHTML(u site.Update) string {
	return fmt.Sprintf("<h3>%s, <time datetime=\"%s\">%s</time></h3>\n", html.EscapeString(w.state(u.State)), machineTime(u.Time), html.EscapeString(w.instant(u.Time)))
}

func xmlFile(path, contentType string, v any) File {
	b := bytes.NewBufferString(xml.Header)
	if err := xml.NewEncoder(b).Encode(v); err != nil {
		panic(err) // v is of a type of this package, which always can be written
	}
	b.WriteByte('\n')
	return File{Path: path, Type: contentType, Status: 200, Body: b.Bytes(), Every: Hourly}
}

type rssXML struct {
	XMLName xml.Name `xml:"rss"`
	Version string   `xml:"version,attr"`
	Atom    string   `xml:"xmlns:atom,attr"`
	Content string   `xml:"xmlns:content,attr"`
	Channel struct {
		Title       string    `xml:"title"`
		Link        string    `xml:"link"`
		Description string    `xml:"description"`
		Language    string    `xml:"language"`
		Self        linkXML   `xml:"atom:link"`
		Items       []itemXML `xml:"item"`
	} `xml:"channel"`
}

type linkXML struct {
	Href string `xml:"href,attr"`
	Rel  string `xml:"rel,attr,omitempty"`
	Type string `xml:"type,attr,omitempty"`
}

type itemXML struct {
	Title string `xml:"title"`
	Link  string `xml:"link"`
	GUID  struct {
		Permalink bool   `xml:"isPermaLink,attr"`
		ID        string `xml:",chardata"`
	} `xml:"guid"`
	Date        string `xml:"pubDate"`
	Description string `xml:"description"`
	Content     string `xml:"content:encoded"`
}

func (f feed) rss() rssXML {
	r := rssXML{Version: "2.0", Atom: "http://www.w3.org/2005/Atom", Content: "http://purl.org/rss/1.0/modules/content/"}
	c := &r.Channel
	c.Title, c.Link, c.Description, c.Language = f.title, f.home(), f.about(), mainLanguage(f.site)
	c.Self = linkXML{link(f.site, f.prefix+"/rss.xml"), "self", "application/rss+xml"}
	for _, i := range f.items() {
		x := itemXML{Title: i.title, Link: i.url, Date: time.Unix(i.published, 0).UTC().Format(time.RFC1123Z), Description: i.summary, Content: i.html}
		x.GUID.ID = i.id
		c.Items = append(c.Items, x)
	}
	return r
}

type atomXML struct {
	XMLName  xml.Name `xml:"http://www.w3.org/2005/Atom feed"`
	Language string   `xml:"xml:lang,attr"`
	ID       string   `xml:"id"`
	Title    string   `xml:"title"`
	Subtitle string   `xml:"subtitle"`
	Updated  string   `xml:"updated"`
	Author   struct {
		Name string `xml:"name"`
	} `xml:"author"`
	Links   []linkXML  `xml:"link"`
	Entries []entryXML `xml:"entry"`
}

type entryXML struct {
	ID        string  `xml:"id"`
	Title     string  `xml:"title"`
	Link      linkXML `xml:"link"`
	Published string  `xml:"published"`
	Updated   string  `xml:"updated"`
	Summary   string  `xml:"summary"`
	Content   struct {
		Type string `xml:"type,attr"`
		HTML string `xml:",chardata"`
	} `xml:"content"`
}

func (f feed) atom() atomXML {
	self := link(f.site, f.prefix+"/atom.xml")
	a := atomXML{Language: mainLanguage(f.site), ID: f.id(), Title: f.title, Subtitle: f.about(), Updated: machineTime(f.changed())}
	a.Author.Name = mainWords(f.site).siteName(f.site)
	a.Links = []linkXML{{self, "self", "application/atom+xml"}, {f.home(), "alternate", "text/html"}}
	for _, e := range f.entries {
		x := entryXML{
			ID: e.id, Title: e.title, Link: linkXML{Href: e.url, Rel: "alternate", Type: "text/html"},
			Published: machineTime(e.published), Updated: machineTime(e.changed), Summary: e.summary,
		}
		x.Content.Type, x.Content.HTML = "html", e.html
		a.Entries = append(a.Entries, x)
	}
	return a
}

type feedJSON struct {
	Version     string         `json:"version"`
	Title       string         `json:"title"`
	HomePageURL string         `json:"home_page_url"`
	FeedURL     string         `json:"feed_url"`
	Description string         `json:"description"`
	Language    string         `json:"language"`
	Items       []feedItemJSON `json:"items"`
}

type feedItemJSON struct {
	ID            string   `json:"id"`
	URL           string   `json:"url"`
	Title         string   `json:"title"`
	Summary       string   `json:"summary"`
	ContentHTML   string   `json:"content_html"`
	DatePublished string   `json:"date_published"`
	DateModified  string   `json:"date_modified"`
	Tags          []string `json:"tags"`
}

func (f feed) json() File {
	j := feedJSON{
		Version: "https://jsonfeed.org/version/1.1", Title: f.title, HomePageURL: f.home(), FeedURL: link(f.site, f.prefix+"/feed.json"),
		Description: f.about(), Language: mainLanguage(f.site), Items: []feedItemJSON{},
	}
	for _, i := range f.items() {
		j.Items = append(j.Items, feedItemJSON{
			ID: i.id, URL: i.url, Title: i.title, Summary: i.summary, ContentHTML: i.html,
			DatePublished: machineTime(i.published), DateModified: machineTime(i.changed), Tags: i.tags,
		})
	}
	file := jsonFile(f.prefix+"/feed.json", Hourly, j)
	file.Type = "application/feed+json; charset=utf-8"
	return file
}
