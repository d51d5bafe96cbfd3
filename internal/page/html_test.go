package page

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"tocsin/internal/site"
	"tocsin/internal/site/sitetest"
	"tocsin/internal/statuspage"
)

var (
	once   = statuspage.Schedule{Start: 1795747320, Rule: "FREQ=MINUTELY;COUNT=1", Duration: hour}
	weekly = statuspage.Schedule{Start: 1795747320, Rule: "FREQ=WEEKLY", TimeZone: "Europe/Berlin", Duration: 2 * hour}
)

// seriesOf are the maintenances of the site's occurrences.
func seriesOf(s *site.Site) []site.Series {
	byID := map[int64]*site.Series{}
	for _, m := range s.Maintenances {
		if byID[m.Of] == nil {
			of := m
			of.ID, of.Start, of.End, of.State = 0, 0, 0, ""
			byID[m.Of] = &site.Series{Maintenance: of}
		}
		byID[m.Of].Occurrences = append(byID[m.Of].Occurrences, m)
	}
	var all []site.Series
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		all = append(all, *byID[id])
	}
	return all
}

// fullSite is a site that has something of everything.
func fullSite() *site.Site {
	s := sitetest.Sample(12, 6)
	s.Demo, s.Notice = "make run", "We *move* on Sunday."
	s.Groups[0].Monitors[2].Description, s.Groups[0].Monitors[2].URL = "Orders", "https://example.com/"
	m := &s.Groups[0].Monitors[3]
	m.Status, m.Formula = site.Degraded, statuspage.StrictFormula
	m.Days[80].Status, m.Days[80].Maintenance, m.Days[80].Incidents = site.UnderMaintenance, 75, []int64{3, 1}
	for i := range 40 {
		m.Days[i] = site.Day{Start: m.Days[i].Start, Status: site.NoData}
	}
	m = &s.Groups[0].Monitors[4]
	m.Status, m.Uptime, m.Latency, m.Hours = site.NoData, nil, nil, nil
	for i := range m.Days {
		m.Days[i] = site.Day{Start: m.Days[i].Start, Status: site.NoData}
	}
	s.Groups[1].Monitors[0].Days = nil
	s.Open = append(s.Open, site.Incident{ID: 90, Title: "Everything is slow", State: statuspage.Investigating, Status: site.NoData, Start: sitetest.Now - 3*day, Global: true})
	s.Upcoming = []site.Incident{{ID: 91, Title: "A move", State: statuspage.Investigating, Status: site.Degraded, Start: sitetest.Now + day, Affected: s.Open[0].Affected}}
	s.Maintenances = []site.Maintenance{
		{ID: 5, Of: 3, Title: "New floor", Schedule: once, Start: sitetest.Now - 3*hour, End: sitetest.Now - 2*hour, State: statuspage.Completed, Global: true},
		{ID: 1, Of: 1, Title: "New disks", Description: "All of them.", Schedule: weekly, Start: sitetest.Now - hour, End: sitetest.Now + hour, State: statuspage.Ongoing, Status: site.UnderMaintenance, Affected: s.Open[0].Affected},
		{ID: 3, Of: 4, Title: "Off", Schedule: once, Start: sitetest.Now + 2*minute, End: sitetest.Now + hour, State: statuspage.Cancelled, Global: true},
		{ID: 2, Of: 2, Title: "New racks", Schedule: once, Start: sitetest.Now + day, End: sitetest.Now + 2*day, State: statuspage.Scheduled, Global: true},
		{ID: 4, Of: 1, Title: "New disks", Description: "All of them.", Schedule: weekly, Start: sitetest.Now + 7*day, End: sitetest.Now + 7*day + 2*hour, State: statuspage.Scheduled, Status: site.UnderMaintenance, Affected: s.Open[0].Affected},
	}
	return s
}

// htmlOf are all pages that can be made of the site.
func htmlOf(s *site.Site) []File {
	files := append(LeadFiles(s)[:2], htmlFiles(s)...)
	for _, i := range s.Incidents() {
		files = append(files, IncidentFiles(s, i)...)
	}
	for _, m := range s.Maintenances {
		files = append(files, OccurrenceFiles(s, m)...)
	}
	for _, of := range seriesOf(s) {
		files = append(files, SeriesFiles(s, of)...)
	}
	files = append(files, GoneFiles(s, 1234)...)
	files = append(append(files, GoneOccurrenceFiles(s, 1234)...), GoneSeriesFiles(s, 1234)...)
	files = append(files, MonthFiles(s, site.Month{Start: statuspage.FloorMonth(sitetest.Now), End: statuspage.FloorMonth(sitetest.Now + 10*day), Incidents: s.Incidents(), Earlier: true})...)
	for _, m := range s.Monitors()[:min(3, len(s.Monitors()))] {
		for _, theme := range []string{"light", "dark"} {
			files = append(files, File{Path: "/embed/monitor-" + m.Tag + "?theme=" + theme, Type: htmlType, Status: 200, Body: Embed(dataAbout(s, m), theme, 30)})
		}
	}
	return files
}

func parse(t testing.TB, f File) *html.Node {
	t.Helper()
	doc, err := html.Parse(bytes.NewReader(f.Body))
	if err != nil {
		t.Fatalf("%s: %v", f.Path, err)
	}
	return doc
}

func attribute(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

func elements(doc *html.Node) []*html.Node {
	var all []*html.Node
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode {
			all = append(all, n)
		}
	}
	return all
}

func textIn(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode && d.Parent.Data != "style" && d.Parent.Data != "script" {
			b.WriteString(d.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// What holds on every page: what a screen reader, a browser's policy and a search engine need.
func TestEveryPage(t *testing.T) {
	empty := &site.Site{Status: site.NoData, AsOf: sitetest.Now}
	working := sitetest.Sample(1, 0) // on which a maintenance is
	working.Groups[0].Monitors[0].Status, working.Maintenances = site.UnderMaintenance, fullSite().Maintenances
	for _, s := range []*site.Site{fullSite(), fullSite().Still(), working, empty, empty.Still(), sitetest.Sample(1, 0)} {
		for _, f := range htmlOf(s) {
			checkPage(t, f)
		}
	}
}

func checkPage(t *testing.T, f File) {
	t.Helper()
	ids, count, level := map[string]bool{}, map[string]int{}, 0
	all := elements(parse(t, f))
	for _, n := range all {
		if n.Namespace == "" {
			count[n.Data]++
		}
		if id, ok := attribute(n, "id"); ok {
			if ids[id] {
				t.Errorf("%s: two elements have the id %q", f.Path, id)
			}
			ids[id] = true
		}
		if len(n.Data) == 2 && n.Data[0] == 'h' && '1' <= n.Data[1] && n.Data[1] <= '6' {
			if l := int(n.Data[1] - '0'); l > level+1 {
				t.Errorf("%s: %q is a heading of level %d after one of level %d", f.Path, textIn(n), l, level)
			} else {
				level = l
			}
			if textIn(n) == "" {
				t.Errorf("%s: an empty heading", f.Path)
			}
		}
	}
	for _, one := range []string{"h1", "main", "title", "style"} {
		if count[one] != 1 {
			t.Errorf("%s has %d %s", f.Path, count[one], one)
		}
	}
	csp := ""
	for _, n := range all {
		if v, _ := attribute(n, "http-equiv"); v == "Content-Security-Policy" {
			csp, _ = attribute(n, "content")
		}
	}
	for _, n := range all {
		for _, a := range n.Attr {
			switch {
			case a.Key == "style" || strings.HasPrefix(a.Key, "on"):
				t.Errorf("%s: <%s %s=%q> is refused by the policy", f.Path, n.Data, a.Key, a.Val)
			case a.Key == "aria-labelledby", a.Key == "href" && strings.HasPrefix(a.Val, "#"):
				if !ids[strings.TrimPrefix(a.Val, "#")] {
					t.Errorf("%s: <%s %s=%q> leads nowhere", f.Path, n.Data, a.Key, a.Val)
				}
			case a.Key == "src":
				t.Errorf("%s: <%s src=%q> is another request", f.Path, n.Data, a.Val)
			}
		}
		switch n.Data {
		case "style", "script":
			if !strings.Contains(csp, hash(n.FirstChild.Data)) {
				t.Errorf("%s: the policy refuses the %s", f.Path, n.Data)
			}
		case "svg":
			role, _ := attribute(n, "role")
			label, _ := attribute(n, "aria-label")
			hidden, _ := attribute(n, "aria-hidden")
			if hidden != "true" && (role != "img" || label == "") {
				t.Errorf("%s: a picture without words", f.Path)
			}
		case "a":
			if textIn(n) == "" {
				t.Errorf("%s: a link without words", f.Path)
			}
		}
	}
	if lang, _ := attribute(all[0], "lang"); lang == "" || strings.HasPrefix(f.Path, "/de/") != (lang == "de") {
		t.Errorf("%s is in %q", f.Path, lang)
	}
}

// The title, the description and the addresses of a page are those that a search engine, a
// messenger and a feed reader look for.
func TestHead(t *testing.T) {
	s := fullSite()
	for _, f := range slices.Concat(htmlFiles(s), LeadFiles(s)[:2], IncidentFiles(s, s.Open[0])) {
		head := map[string]string{}
		for _, n := range elements(parse(t, f)) {
			name := ""
			for _, key := range []string{"rel", "property", "name"} {
				if v, ok := attribute(n, key); ok {
					name = v
				}
			}
			if lang, ok := attribute(n, "hreflang"); ok && n.Data == "link" {
				name += " " + lang
			}
			value, _ := attribute(n, "content")
			if value == "" {
				value, _ = attribute(n, "href")
			}
			if n.Data == "title" && n.Namespace == "" {
				name, value = "title", textIn(n)
			}
			head[name] = value
		}
		for path, want := range map[string]map[string]string{
			"/": {
				"title": "Some services are down · Example", "canonical": "https://status.example.com/",
				"alternate en": "https://status.example.com/", "alternate de": "https://status.example.com/de/",
				"og:image": "https://status.example.com/og/down.png", "description": "2 of 12 services have a problem.", "robots": "",
			},
			"/de/monitors/service-3": {
				"title": "Beeinträchtigt: Service number 3 · Example", "canonical": "https://status.example.com/de/monitors/service-3",
				"alternate en": "https://status.example.com/monitors/service-3", "og:image": "https://status.example.com/og/degraded.png",
			},
			"/incidents/7": {"title": "Identified: Checkout is slow in region 7 · Example", "description": "A bad release. Details"},
			"/404":         {"title": "There is no page here · Example", "robots": "noindex", "canonical": ""},
		} {
			if path != f.Path {
				continue
			}
			for name, value := range want {
				if head[name] != value {
					t.Errorf("%s: %s is %q, not %q", path, name, head[name], value)
				}
			}
		}
	}
}

// Every link to a path leads to a page, or to a file for machines.
func TestLinks(t *testing.T) {
	s := fullSite()
	there := map[string]bool{}
	files := append(htmlOf(s), programFiles(s)...)
	for _, f := range files {
		there[f.Path] = true
	}
	for _, f := range files {
		if f.Type != htmlType {
			continue
		}
		for _, n := range elements(parse(t, f)) {
			href, _ := attribute(n, "href")
			href = strings.TrimPrefix(href, s.URL)
			if !strings.HasPrefix(href, "/") || there[href] || strings.Contains(href, "/events/") || href == "/status.txt" {
				continue
			}
			t.Errorf("%s: <%s href=%q> leads nowhere", f.Path, n.Data, href)
			there[href] = true
		}
	}
}

// shape is the tree without its text and without the values of attributes. Of Markdown it has
// nothing but checks what the text has been made into.
func shape(t testing.TB, doc *html.Node) string {
	var b strings.Builder
	var walk func(n *html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.ElementNode {
			b.WriteString("<" + n.Data)
			for _, a := range n.Attr {
				b.WriteString(" " + a.Key)
			}
			b.WriteString(">")
			if class, _ := attribute(n, "class"); class == "md" {
				checkMarkdown(t, n)
				return
			}
		}
		for c := range n.ChildNodes() {
			walk(c)
		}
		b.WriteString("/")
	}
	walk(doc)
	return b.String()
}

var markdownTags = []string{"p", "em", "strong", "a", "ul", "ol", "li", "code", "pre", "blockquote", "hr", "br"}

func checkMarkdown(t testing.TB, md *html.Node) {
	for _, n := range elements(md) {
		if !slices.Contains(markdownTags, n.Data) {
			t.Errorf("Markdown makes <%s>", n.Data)
		}
		for _, a := range n.Attr {
			scheme, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(a.Val)), ":")
			if !slices.Contains([]string{"href", "title", "class", "start"}, a.Key) ||
				a.Key == "href" && slices.Contains([]string{"javascript", "vbscript", "file"}, scheme) {
				t.Errorf("Markdown makes <%s %s=%q>", n.Data, a.Key, a.Val)
			}
		}
	}
}

// named returns a site that has something of everything, with all its texts replaced.
func named(text string) *site.Site {
	s := fullSite()
	replaceTexts(reflect.ValueOf(s).Elem(), text)
	return s
}

func replaceTexts(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			switch name := v.Type().Field(i).Name; name {
			case "Tag", "URL", "Image":
			default:
				replaceTexts(v.Field(i), text)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			replaceTexts(v.Index(i), text)
		}
	case reflect.String:
		if v.Type() == reflect.TypeFor[string]() && v.String() != "" {
			v.SetString(text)
		}
	}
}

// Names and texts change no page's tree.
func TestHostileTexts(t *testing.T) {
	var want []string
	for _, f := range htmlOf(named("Harmless")) {
		want = append(want, shape(t, parse(t, f)))
	}
	for _, text := range []string{
		`</script><script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' autofocus onfocus='x`, "</title></style></svg><!--", "<![CDATA[x]]>", "&lt;b&gt;", "# One\n\n## Two",
		strings.Repeat("👩🏽‍🚒", 255), "\u202eעברית\u2066 مرحبا", "a\x00b\xff\r\n\u2028", "   ", "\t", strings.Repeat("wide ", 2_000), "{{.N}}", "%s%d", "![x](javascript:alert(1)) [y](data:text/html,x)",
	} {
		for i, f := range htmlOf(named(text)) {
			if got := shape(t, parse(t, f)); got != want[i] {
				t.Errorf("%s: %.40q changes the tree", f.Path, text)
			}
		}
	}
}

// fewPages are a page of each kind.
func fewPages(s *site.Site) []File {
	m := s.Groups[0].Monitors[3]
	return []File{
		homePage(s, "en"), monitorPage(s, "de", m), IncidentFiles(s, s.Open[0])[0], historyPage(s, "en"), missingPage(s, "en"), embedFile(s, m),
		MonthFiles(s, site.Month{Start: statuspage.FloorMonth(sitetest.Now), End: sitetest.Now, Incidents: s.Past})[0],
		dayPage(s, "en", site.Month{Start: statuspage.FloorMonth(sitetest.Now), End: sitetest.Now, Incidents: s.Past}, statuspage.FloorDay(s.Past[0].Start), sitetest.Now),
	}
}

func FuzzPages(f *testing.F) {
	var want []string
	for _, file := range fewPages(named("Harmless")) {
		want = append(want, shape(f, parse(f, file)))
	}
	f.Add("Checkout")
	f.Add("</script><b x=\"'>")
	f.Fuzz(func(t *testing.T, text string) {
		if text == "" { // something that is not there
			t.Skip()
		}
		for i, file := range fewPages(named(text)) {
			if got := shape(t, parse(t, file)); got != want[i] {
				t.Errorf("%s: %q changes the tree", file.Path, text)
			}
		}
	})
}

// A monitor's link is shown when it leads to a page, and not at all when it is anything else.
func TestHostileLink(t *testing.T) {
	for address, shown := range map[string]bool{"https://example.com/?a=1&b=2": true, "javascript:alert(1)": false, `https://x"onclick=y`: false, "//evil.example": false} {
		s := sitetest.Sample(1, 0)
		s.Groups[0].Monitors[0].URL = address
		found := false
		for _, n := range elements(parse(t, monitorPage(s, "en", s.Groups[0].Monitors[0]))) {
			href, _ := attribute(n, "href")
			found = found || href == address
		}
		if found != shown {
			t.Errorf("a link to %q: %v", address, found)
		}
	}
}

// The page says what it knows, and not more.
func TestHeadlines(t *testing.T) {
	up, down, unknown := site.Monitor{Tag: "a", Status: site.Up}, site.Monitor{Name: "Search", Tag: "b", Status: site.Down}, site.Monitor{Tag: "c", Status: site.NoData}
	open := []site.Incident{{ID: 1, State: statuspage.Investigating, Status: site.NoData}}
	of := func(status site.Status, open []site.Incident, monitors ...site.Monitor) *site.Site {
		s := &site.Site{Status: status, Open: open}
		if len(monitors) > 0 {
			s.Groups = []site.Group{{Status: status, Monitors: monitors}}
		}
		return s
	}
	for _, c := range []struct {
		name   string
		site   *site.Site
		status site.Status
		want   string
	}{
		{"all up", of(site.Up, nil, up, up), site.Up, "All services are running"},
		{"one unknown", of(site.Up, nil, up, unknown), site.Up, "No known problems"},
		{"incident that hurts nothing", of(site.Up, open, up), site.Degraded, "We are looking into an incident"},
		{"incident that hurts nothing makes the whole degraded", of(site.Degraded, open, up, unknown), site.Degraded, "We are looking into an incident"},
		{"incident without monitors", of(site.NoData, open), site.Degraded, "We are looking into an incident"},
		{"incident where there are no monitors", of(site.Degraded, open), site.Degraded, "We are looking into an incident"},
		{"two down", of(site.Down, nil, up, down, down), site.Down, "Some services are down"},
		{"one down, another degraded", of(site.Down, nil, up, down, site.Monitor{Status: site.Degraded}), site.Down, "Some services are down"},
		{"one down", of(site.Down, nil, up, down), site.Down, "Search is down"},
		{"one down, and an incident without monitors", of(site.Down, []site.Incident{{Global: true}}, up, down), site.Down, "Some services are down"},
		{"all down", of(site.Down, open, down, down), site.Down, "All services are down"},
		{"incident takes all down", of(site.Down, open, up), site.Down, "Some services are down"},
		{"degraded", of(site.Degraded, nil, up, site.Monitor{Name: "Search", Status: site.Degraded}), site.Degraded, "Search is degraded"},
		{"degraded, with a long name", of(site.Degraded, nil, up, site.Monitor{Name: strings.Repeat("n", 61), Status: site.Degraded}), site.Degraded, strings.Repeat("n", 59) + "… is degraded"},
		{"all degraded", of(site.Degraded, nil, site.Monitor{Status: site.Degraded}, site.Monitor{Status: site.Degraded}), site.Degraded, "All services are degraded"},
		{"maintenance", of(site.UnderMaintenance, nil, up), site.UnderMaintenance, "Maintenance in progress"},
		{"nothing known", of(site.NoData, nil, unknown), site.NoData, "No current data"},
		{"nothing there", of(site.NoData, nil), site.NoData, "No services yet"},
	} {
		if status, got := wordsIn("en").headline(c.site); got != c.want || status != c.status {
			t.Errorf("%s: %s, %q", c.name, status, got)
		}
	}
}

// An incident is told of on the days that it touched: not on the one that begins as it ends.
func TestMonthDays(t *testing.T) {
	const begin = 1793491200 // 2026-11-01
	span := func(start, end int64) site.Incident {
		return site.Incident{ID: 1, Title: "Slow", State: statuspage.Resolved, Start: begin + start, End: new(begin + end)}
	}
	for _, c := range []struct {
		incident site.Incident
		want     []int
	}{
		{span(hour, 2*hour), []int{1}},
		{span(hour, day), []int{1}},
		{span(hour, day+minute), []int{1, 2}},
		{span(day, day), []int{2}}, // it ended as it began
		{span(day, 2*day), []int{2}},
		{span(-hour, 0), nil},
		{span(-hour, minute), []int{1}},
		{span(-day, 30*day), []int{1, 2, 29, 30}},
	} {
		for _, number := range []int{1, 2, 29, 30} {
			is := len(onDay([]site.Incident{c.incident}, begin+int64(number-1)*day)) > 0
			if want := slices.Contains(c.want, number); is != want {
				t.Errorf("from %d to %d, on day %d: %t", c.incident.Start-begin, *c.incident.End-begin, number, is)
			}
		}
	}
}

// What begins in a month to come is told of in the history, but that month has no page yet. The
// page of this month counts only what it tells of.
func TestIncidentsToCome(t *testing.T) {
	s := sitetest.Sample(2, 3)
	s.Upcoming = []site.Incident{{ID: 99, Title: "Next year", Start: s.AsOf + 365*day, State: statuspage.Investigating}}
	path := MonthPath(s.Upcoming[0].Start)
	for _, f := range []File{historyPage(s, "en"), historyPage(s, "de"), sitemapFile(s)} {
		if strings.Contains(string(f.Body), path) || !strings.Contains(string(f.Body), "/incidents/99") {
			t.Errorf("%s: leads to %s, or not to the incident", f.Path, path)
		}
		if !strings.Contains(string(f.Body), MonthPath(s.AsOf)) {
			t.Errorf("%s does not lead to this month", f.Path)
		}
	}
	s.Upcoming[0].Start = s.AsOf + 2*day
	month := site.Month{Start: statuspage.FloorMonth(s.AsOf), End: statuspage.FloorMonth(s.AsOf + 10*day), Incidents: append(s.Upcoming, s.Open...)}
	if text := textIn(parse(t, MonthFiles(s, month)[0])); !strings.Contains(text, "1 incident in this month") || strings.Contains(text, "Next year") {
		t.Errorf("the month: %s", text)
	}
}

// A month with more incidents than fit on one page lists its days, each of which has a page.
func TestLargeMonth(t *testing.T) {
	s := sitetest.Sample(2, 1)
	m := site.Month{Start: statuspage.FloorMonth(s.AsOf), End: statuspage.NextMonth(s.AsOf), Earlier: true}
	first := m.Start + 2*day
	add := func(n int, start, took int64) {
		for range n {
			id := int64(len(m.Incidents) + 1)
			m.Incidents = append(m.Incidents, site.Incident{ID: id, Title: fmt.Sprintf("Outage %d.", id), State: statuspage.Resolved, Start: start, End: new(start + took)})
		}
	}
	add(1, s.AsOf+2*day, hour) // in a day that has not begun
	add(site.MaxIncidents-1, first, hour)
	add(1, m.Start+hour, 2*day+3*hour)
	if files := MonthFiles(s, m); len(files) != len(Languages) {
		t.Fatalf("%d files of a month that is not large", len(files))
	}
	add(1, m.Start, hour)
	days := int(statuspage.FloorDay(s.AsOf)-m.Start)/day + 1
	files := MonthFiles(s, m)
	if len(files) != (1+days)*len(Languages) {
		t.Fatalf("%d files, %d days", len(files), days)
	}
	pages := map[string]string{}
	for _, f := range files {
		checkPage(t, f)
		pages[f.Path] = textIn(parse(t, f))
	}
	path := MonthPath(s.AsOf)
	for address, want := range map[string][]string{
		path:                 {"each day has its own", "3 November 500 incidents 2 November 1 incident 1 November 2 incidents"},
		path + "/1":          {"Outage 501.", "Outage 502.", "→ 2 November"},
		path + "/2":          {"1 incident", "Went on", "← 1 November November 2026 → 3 November"},
		path + "/3":          {"500 incidents", "Outage 2.", "Outage 501."},
		path + "/4":          {"No incidents"},
		"/de" + path + "/1":  {"1. November 2026", "2 Vorfälle"},
		"/de" + path + "/27": {"Keine Vorfälle"},
	} {
		for _, text := range want {
			if !strings.Contains(pages[address], text) {
				t.Errorf("%s lacks %q: %.300s", address, text, pages[address])
			}
		}
	}
	if strings.Contains(pages[path], "Outage") || strings.Contains(pages[path+"/1"], "←") || strings.Contains(pages[path+"/27"], "→") {
		t.Errorf("%.300s, %.300s, %.300s", pages[path], pages[path+"/1"], pages[path+"/27"])
	}
	m.Incidents = m.Incidents[:0]
	add(site.MaxIncidents+1, first, hour)
	for _, f := range MonthFiles(s, m) {
		if f.Path == path || f.Path == path+"/3" {
			pages[f.Path] = textIn(parse(t, f))
		}
	}
	if month, day := pages[path], pages[path+"/3"]; !strings.Contains(month, "More than 500 incidents") || !strings.Contains(day, "More than 500 incidents on this day") || strings.Contains(day, "Outage 501.") || !strings.Contains(day, "Outage 500.") {
		t.Errorf("%.300s, %s", month, day)
	}
	for _, path := range DayPaths(&site.Site{}, s.AsOf) {
		delete(pages, path)
	}
	if len(pages) != len(Languages) {
		t.Errorf("%d pages that are of no day", len(pages))
	}
}

func TestIncidentBody(t *testing.T) {
	s := sitetest.Sample(2, 1)
	i := s.Open[0]
	i.Body = "Some **orders** are <b>lost</b>."
	for _, f := range IncidentFiles(s, i) {
		if !strings.Contains(string(f.Body), "Some <strong>orders</strong> are") || strings.Contains(string(f.Body), "<b>") {
			t.Errorf("%s does not have the body as it should", f.Path)
		}
	}
}

func TestSummary(t *testing.T) {
	up, down, unknown := site.Monitor{Status: site.Up}, site.Monitor{Status: site.Down}, site.Monitor{Status: site.NoData}
	for _, c := range []struct {
		monitors []site.Monitor
		open     int
		want     string
	}{
		{nil, 0, "Services appear here as soon as monitors exist."},
		{[]site.Monitor{up, up}, 0, "2 services."},
		{[]site.Monitor{up, unknown}, 0, "1 of 2 services has no current data."},
		{[]site.Monitor{up, unknown}, 1, "1 open incident."},
		{[]site.Monitor{up, unknown, down}, 1, "1 of 3 services has a problem."},
	} {
		s := &site.Site{Open: make([]site.Incident, c.open)}
		if len(c.monitors) > 0 {
			s.Groups = []site.Group{{Monitors: c.monitors}}
		}
		if got := wordsIn("en").summary(s); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestYesterday(t *testing.T) {
	of := func(days ...site.Day) *site.Site {
		s := &site.Site{Groups: []site.Group{{}}, Past: []site.Incident{{ID: 3, Title: "All is slow"}}}
		for n, d := range days {
			s.Groups[0].Monitors = append(s.Groups[0].Monitors, site.Monitor{Name: fmt.Sprint("Service ", n+1), Days: []site.Day{d, {Status: site.Down}}})
		}
		return s
	}
	up, unknown := site.Day{Status: site.Up}, site.Day{Status: site.NoData}
	down := site.Day{Status: site.Down, Counts: site.Counts{Down: 61, Degraded: 1}}
	for _, c := range []struct {
		site *site.Site
		want string
	}{
		{of(), ""},
		{of(unknown), ""},
		{of(unknown, up), "Yesterday: no problems."},
		{of(up, down, down), "Yesterday: Service 2 (1 hour 1 minute down, 1 minute degraded), Service 3 (1 hour 1 minute down, 1 minute degraded)."},
		{of(down, down, down, down), "Yesterday 4 services had problems."},
		{of(up, site.Day{Status: site.Up, Incidents: []int64{3}}), "Yesterday: All is slow."},
		{of(up, down).Still(), "Yesterday: Service 2 (Down)."},
	} {
		if got := wordsIn("en").yesterday(c.site); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// What the home page of the full site says to those who only read it, in order.
func TestHomeText(t *testing.T) {
	text := textIn(parse(t, homePage(fullSite(), "en")))
	for _, want := range []string{
		"Some services are down", "2 of 12 services have a problem. As of 27 November 2026, 02:42 UTC", "We move on Sunday.",
		"Happening now", "Checkout is slow in region 7", "Identified", "Since 27 November 2026, 02:02 UTC", "Service number 1 Down",
		"Identified · 27 November 2026, 02:20 UTC A bad release. Details", "All 2 updates",
		"Everything is slow", "All services",
		"New disks", "In progress", "27 November 2026, 01:42 UTC to 03:42 UTC (2 hours) Every Friday, 03:42 to 05:42, Berlin time", "Planned", "New racks", "28 November 2026, 02:42 UTC to 29 November 2026, 02:42 UTC (1 day)", "A move",
		"Group 1", "Partly down", "Service number 0 Operational", "99.993% uptime · 83 ms on average 2 days with problems", "23 November 2026: 8 minutes down", "31 October 2026: 1 hour 37 minutes degraded",
		"Service number 1 Down", "Service number 3 Degraded", "3 days with problems, 40 days without data",
		"18 November 2026: 1 hour 15 minutes in maintenance · Checkout is slow in region 3", "30 August 2026 to 8 October 2026: No data",
		"Service number 4 No data", "90 days without data",
		"Operational Degraded Down Maintenance No data A bar is a day.",
		"Past incidents", "25 November 2026 Checkout is slow in region 6 Resolved · 55 minutes · Service number 1 (Down)", "All incidents",
	} {
		_, rest, found := strings.Cut(text, want)
		if !found {
			t.Fatalf("the page doesn't say %q after what comes before it; from there it says:\n%.600s", want, text)
		}
		text = rest
	}
}

// A text that is too long is cut, on the home page soon, and the page says so or leads on.
func TestLongTexts(t *testing.T) {
	s := sitetest.Sample(2, 0)
	s.Open[0].Updates[0].Text = strings.Repeat("word ", 200_000)
	if home := len(homePage(s, "en").Body); home > 30_000 {
		t.Errorf("the home page has %d bytes", home)
	}
	page := IncidentFiles(s, s.Open[0])[0]
	if text := textIn(parse(t, page)); len(page.Body) > 2*maxUpdate || !strings.Contains(text, "The rest of this text is too long to be shown.") {
		t.Errorf("the incident's page has %d bytes", len(page.Body))
	}
	s.Open[0].Updates[0].Text = strings.Repeat("word ", statuspage.MaxComment/5)
	page = IncidentFiles(s, s.Open[0])[0]
	if text := textIn(parse(t, page)); strings.Contains(text, "too long") || strings.Count(text, "word") != statuspage.MaxComment/5 {
		t.Errorf("a text that the API takes is cut")
	}
}

// An embed has the theme and the days that were asked for, and figures of these days.
func TestEmbed(t *testing.T) {
	m := sitetest.Sample(1, 0).Groups[0].Monitors[0] // down for 8 minutes four days ago
	for _, c := range []struct {
		theme        string
		days         int
		scheme, text string
		width        string
	}{
		{"", 90, "light dark", "99.993% uptime", "0 0 449 36"},
		{"light", 7, "light", "99.909% uptime", "0 0 34 36"},
		{"dark", 2, "dark", "100.000% uptime", "0 0 9 36"},
		{"dark", 0, "dark", "100.000% uptime", "0 0 4 36"},
		{"", 1000, "light dark", "99.993% uptime", "0 0 449 36"},
	} {
		body := string(Embed(Data{Monitor: m}, c.theme, c.days))
		for _, want := range []string{"{color-scheme:" + c.scheme + ";", c.text, `viewBox="` + c.width + `"`, `content="noindex"`} {
			if !strings.Contains(body, want) {
				t.Errorf("theme %q, %d days: no %s", c.theme, c.days, want)
			}
		}
		if strings.Contains(body, "prefers-color-scheme") != (c.theme == "") || strings.Contains(body, "<script") {
			t.Errorf("theme %q, %d days: %s", c.theme, c.days, body)
		}
	}
}

func zipped(b []byte) int {
	var z bytes.Buffer
	w, _ := gzip.NewWriterLevel(&z, gzip.BestCompression)
	_, _ = w.Write(b)
	_ = w.Close()
	return z.Len()
}

// The home page stays light: one request, whose answer fits into the first flight of a new
// connection.
func TestWeight(t *testing.T) {
	for _, c := range []struct{ monitors, past, zipped, raw, elements int }{
		{50, 6, 8 << 10, 100 << 10, 1300},
		{10, 3, 5 << 10, 25 << 10, 400},
	} {
		f := homePage(sitetest.Sample(c.monitors, c.past), "en")
		z, n := zipped(f.Body), len(elements(parse(t, f)))
		t.Logf("%d monitors: %d bytes, %d zipped, %d elements", c.monitors, len(f.Body), z, n)
		if z > c.zipped || len(f.Body) > c.raw || n > c.elements {
			t.Errorf("%d monitors: more than %d bytes, %d zipped or %d elements", c.monitors, c.raw, c.zipped, c.elements)
		}
	}
	if len(script) > 1536 {
		t.Errorf("the script has %d bytes", len(script))
	}
	if n := len(elements(parse(t, homePage(sitetest.Sample(500, 6), "en")))); n > 14_000 {
		t.Errorf("500 monitors make %d elements", n)
	}
}

// The legend says of degraded minutes what the figures beside it do with them.
func TestLegend(t *testing.T) {
	lax, strict := site.Monitor{}, site.Monitor{Formula: statuspage.StrictFormula}
	own := site.Monitor{Formula: statuspage.UptimeFormula{Numerator: "up", Denominator: "up + down"}}
	for _, c := range []struct {
		monitors []site.Monitor
		want     string
	}{
		{nil, "Degraded and maintenance count as uptime; "},
		{[]site.Monitor{lax, lax}, "Degraded and maintenance count as uptime; "},
		{[]site.Monitor{strict, strict}, "Degraded counts as down, maintenance as uptime; "},
		{[]site.Monitor{strict, lax}, "Degraded and maintenance count as uptime, but for services whose page says otherwise; "},
		{[]site.Monitor{own}, "Uptime is (up) / (up + down), in minutes; "},
		{[]site.Monitor{own, own}, "Degraded and maintenance count as uptime, but for services whose page says otherwise; "},
	} {
		if got := wordsIn("en").whatCounts(c.monitors...); !strings.Contains(got, c.want) {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestCurves(t *testing.T) {
	v := func(f float64) measure { return &f }
	for _, c := range []struct {
		points     []measure
		line, area string
	}{
		{nil, "", ""},
		{[]measure{nil, nil}, "", ""},
		{[]measure{v(10), v(5)}, "M0 10.0L1 55.0", "M0 100L0 10.0L1 55.0L1 100z"},
		{[]measure{nil, v(10), nil, v(0), v(10)}, "M1 10.0m-.5 0h1M3 100.0L4 10.0", "M1 100L1 10.0L1 100zM3 100L3 100.0L4 10.0L4 100z"},
	} {
		if line, area := string(curves(c.points, 10, false)), string(curves(c.points, 10, true)); line != c.line || area != c.area {
			t.Errorf("got %q and %q, want %q and %q", line, area, c.line, c.area)
		}
	}
	if got := curves([]measure{v(0)}, 0, false); got != "M0 100.0m-.5 0h1" {
		t.Errorf("got %q", got)
	}
}

func TestStretches(t *testing.T) {
	var days []site.Day
	for _, s := range []site.Status{site.NoData, "", site.Up, site.Up, site.Down, site.Down, site.Up} {
		days = append(days, site.Day{Status: s})
	}
	want := "[{0 2 NO_DATA} {2 4 UP} {4 5 DOWN} {5 6 DOWN} {6 7 UP}]"
	if got := fmt.Sprint(stretches(days)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Text has a contrast of at least 4.5 with what it stands on, bars and icons one of at least
// 3, in both themes.
func BenchmarkHome(b *testing.B) {
	s := sitetest.Sample(50, 6)
	b.ReportAllocs()
	for b.Loop() {
		homePage(s, "en")
	}
}

// A date that was cancelled before it came stands among those to come until it would have begun.
func TestCancelledDate(t *testing.T) {
	s := sitetest.Sample(1, 0)
	at := func(id, start int64, state statuspage.OccurrenceState) site.Maintenance {
		return site.Maintenance{ID: id, Of: 1, Title: "Backup", Schedule: statuspage.Schedule{Start: start, Rule: "FREQ=DAILY", Duration: hour}, Start: start, End: start + hour, State: state, Global: true}
	}
	off, next, past := at(1, sitetest.Now+hour, statuspage.Cancelled), at(2, sitetest.Now+day, statuspage.Scheduled), at(3, sitetest.Now-day, statuspage.Cancelled)
	of := site.Series{Maintenance: next, Occurrences: []site.Maintenance{past, off, next}}
	text := textIn(parse(t, SeriesFiles(s, of)[0]))
	before, after, _ := strings.Cut(text, "Earlier")
	if strings.Count(before, "Cancelled") != 1 || strings.Count(after, "Cancelled") != 1 || !strings.HasPrefix(text, "Scheduled: Backup") {
		t.Errorf("%s", text)
	}
}
