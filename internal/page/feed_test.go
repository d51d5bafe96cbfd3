package page

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mmcdole/gofeed"

	"tocsin/internal/site"
	"tocsin/internal/site/sitetest"
	"tocsin/internal/statuspage"
)

func readFeed(t *testing.T, s *site.Site, path string) *gofeed.Feed {
	t.Helper()
	feed, err := gofeed.NewParser().Parse(bytes.NewReader(fileAt(t, s, path).Body))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return feed
}

func titles(f *gofeed.Feed) []string {
	var all []string
	for _, i := range f.Items {
		all = append(all, i.Title)
	}
	return all
}

var formats = []string{"/rss.xml", "/atom.xml", "/feed.json"}

// incidentsAlone is the shop without maintenances.
func incidentsAlone() *site.Site {
	s := shop()
	s.Maintenances = nil
	return s
}

// TestFeeds reads the feeds back.
func TestFeeds(t *testing.T) {
	updates := []string{
		"Identified: Orders fail <in> Europe", "Investigating: Orders fail <in> Europe", "Investigating: A provider moves",
		"Resolved: Search was slow", "Monitoring: Search was slow", "Identified: Search was slow", "Investigating: Search was slow", "Resolved: Power was out",
	}
	incidents := []string{"Identified: Orders fail <in> Europe", "Investigating: A provider moves", "Resolved: Search was slow", "Resolved: Power was out"}
	for _, c := range []struct {
		path string
		want []string
	}{
		{"/rss.xml", updates},
		{"/history.rss", updates},
		{"/feed.json", updates},
		{"/atom.xml", incidents},
		{"/history.atom", incidents},
		{"/monitors/search/rss.xml", updates[2:]},
		{"/monitors/search/feed.json", updates[2:]},
		{"/monitors/search/atom.xml", incidents[1:]},
		{"/monitors/api/atom.xml", []string{incidents[0], incidents[3]}},
	} {
		feed := readFeed(t, incidentsAlone(), c.path)
		if diff := cmp.Diff(c.want, titles(feed)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.path, diff)
		}
		for _, i := range feed.Items {
			if !strings.HasPrefix(i.Link, "https://status.example.com/incidents/") || i.GUID == "" || i.PublishedParsed == nil || i.Content == "" {
				t.Errorf("%s: %+v", c.path, i)
			}
		}
	}
}

// TestPageFeeds reads the feeds of a page: they say whose they are and where, and are others than
// those of the whole, whose items they have.
func TestPageFeeds(t *testing.T) {
	const at = "https://status.example.com/team"
	read := func(s *site.Site, path string) (*gofeed.Feed, string) {
		t.Helper()
		for _, f := range PageFiles(s) {
			if f.Path == path {
				feed, err := gofeed.NewParser().Parse(bytes.NewReader(f.Body))
				if err != nil {
					t.Fatalf("%s: %v", path, err)
				}
				return feed, string(f.Body)
			}
		}
		t.Fatalf("there is no file %s", path)
		return nil, ""
	}
	for _, format := range formats {
		feed, _ := read(team(), "/team"+format)
		if feed.Title != "Team · Example Shop" || feed.Link != at || feed.FeedLink != at+format || feed.Language != "de" {
			t.Errorf("%s: %q, %s, %s, %s", format, feed.Title, feed.Link, feed.FeedLink, feed.Language)
		}
		want := readFeed(t, incidentsAlone(), format).Items[0]
		if i := feed.Items[0]; i.GUID != want.GUID || i.Link != want.Link || i.Title != "Ursache gefunden: Orders fail <in> Europe" {
			t.Errorf("%s: %+v", format, i)
		}
	}
	id := func(s *site.Site, path string) string {
		t.Helper()
		_, body := read(s, path)
		_, body, _ = strings.Cut(body, "<id>")
		body, _, _ = strings.Cut(body, "</id>")
		return body
	}
	moved, other := team(), team()
	moved.Page.Path, other.Page.ID = "crew", 3
	if a, b, c := id(team(), "/team/atom.xml"), id(moved, "/crew/atom.xml"), id(other, "/team/atom.xml"); a != b || a == c || strings.Contains(string(fileAt(t, shop(), "/atom.xml").Body), a) {
		t.Errorf("the ids are %s, %s, %s", a, b, c)
	}
}

func TestFeedContent(t *testing.T) {
	const html = "<p>A bad release. We <a href=\"https://status.example.com/incidents/11\">roll it back</a>.</p>\n"
	const affected = "<p>Affected: Checkout &amp; pay (down), API (degraded)</p>\n"
	for _, path := range []string{"/rss.xml", "/feed.json"} {
		i := readFeed(t, incidentsAlone(), path).Items[0]
		if i.Content != html+affected || i.Description != "A bad release. We roll it back." || i.Link != "https://status.example.com/incidents/12#update-41" {
			t.Errorf("%s: %q, %q, %s", path, i.Content, i.Description, i.Link)
		}
	}
	atom := readFeed(t, incidentsAlone(), "/atom.xml").Items[0]
	want := affected + "<p>Start: 27 November 2026, 02:12 UTC</p>\n" +
		"<h3>Identified, <time datetime=\"2026-11-27T02:23:00Z\">27 November 2026, 02:23 UTC</time></h3>\n" + html +
		"<h3>Investigating, <time datetime=\"2026-11-27T02:13:00Z\">27 November 2026, 02:13 UTC</time></h3>\n<p>Orders fail for <em>some</em> customers.</p>\n"
	if diff := cmp.Diff(want, atom.Content); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestFeedTimes looks that it is said when an incident ended, and when one that is announced begins.
func TestFeedTimes(t *testing.T) {
	const start = "<p>Start: 28 November 2026, 02:42 UTC</p>\n"
	atom, rss := readFeed(t, incidentsAlone(), "/atom.xml").Items, readFeed(t, incidentsAlone(), "/rss.xml").Items
	if !strings.Contains(atom[1].Content, start) || !strings.HasSuffix(rss[2].Content, start) || strings.Contains(rss[0].Content, "Start") {
		t.Errorf("%q, %q, %q", atom[1].Content, rss[2].Content, rss[0].Content)
	}
	if want := "<p>Start: 20 November 2026, 02:42 UTC. End: 20 November 2026, 03:22 UTC. Duration: 40 minutes</p>\n"; !strings.Contains(atom[2].Content, want) {
		t.Errorf("%q", atom[2].Content)
	}
}

// An occurrence of a maintenance has an item for each state that it came to, and is one entry. No
// date is ahead, and of a maintenance that repeats the next occurrence alone is told of.
func TestMaintenancesInFeeds(t *testing.T) {
	s := shop()
	s.Open, s.Upcoming, s.Past = nil, nil, nil
	const running, off, check, network = "In progress: Index upgrade", `Cancelled: Lift check; not now, \ later`, "Completed: Index check", "Scheduled: Network work"
	for _, c := range []struct {
		path string
		want []string
	}{
		{"/rss.xml", []string{running, off, check, "In progress: Index check", `Scheduled: Lift check; not now, \ later`, network, "Scheduled: Index upgrade", "Scheduled: Index check"}},
		{"/atom.xml", []string{running, off, check, network}},
		{"/monitors/checkout/atom.xml", []string{off, network}},
	} {
		var want []string
		for _, title := range c.want {
			want = append(want, "Maintenance · "+title)
		}
		feed := readFeed(t, s, c.path)
		if diff := cmp.Diff(want, titles(feed)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.path, diff)
		}
		for _, i := range feed.Items {
			if !strings.HasPrefix(i.Link, "https://status.example.com/maintenances/") || i.PublishedParsed.Unix() > s.AsOf || i.Content == "" {
				t.Errorf("%s: %+v", c.path, i)
			}
		}
	}
	first := readFeed(t, s, "/rss.xml").Items[0]
	want := "<p>Affected: Search (maintenance)</p>\n<p>27 November 2026, 02:32 UTC to 03:42 UTC</p>\n<p>Search may be <strong>slow</strong>.</p>\n"
	if first.Content != want || first.Description != "Search may be slow." {
		t.Errorf("%q, %q", first.Content, first.Description)
	}
}

// TestFeedIDs looks that an id stays, whatever else changes, and that no two are the same.
func TestFeedIDs(t *testing.T) {
	moved := shop()
	moved.Name, moved.URL, moved.AsOf = "Another name", "https://elsewhere.example.org", moved.AsOf+30*day
	moved.Open[0].Title, moved.Open[0].State, moved.Open[0].Updated = "Another title", statuspage.Monitoring, moved.AsOf
	moved.Open[0].Updates[0].Text, moved.Open[0].Updates[0].Updated = "Another text", moved.AsOf
	for _, path := range formats {
		var before, after []string
		for _, i := range readFeed(t, shop(), path).Items {
			before = append(before, i.GUID)
		}
		for _, i := range readFeed(t, moved, path).Items {
			after = append(after, i.GUID)
		}
		slices.Sort(before)
		slices.Sort(after)
		if diff := cmp.Diff(before, after); diff != "" || len(slices.Compact(before)) != len(after) {
			t.Errorf("%s: %v (-before +after):\n%s", path, before, diff)
		}
		if !strings.HasPrefix(before[0], "urn:uuid:") {
			t.Errorf("%s: %s", path, before[0])
		}
	}
}

// TestFeedDates looks that no date is ahead of the clock, though an update and an incident say
// that they are of tomorrow, and that an edit moves the time of change alone.
func TestFeedDates(t *testing.T) {
	s := incidentsAlone()
	s.Open[0].Updates[0].Time = s.AsOf + day
	s.Open[0].Updated, s.Open[0].Updates[0].Updated = s.AsOf-minute, s.AsOf-minute
	for _, path := range formats {
		feed := readFeed(t, s, path)
		for _, i := range feed.Items {
			for _, at := range []*time.Time{i.PublishedParsed, i.UpdatedParsed} {
				if at != nil && at.Unix() > s.AsOf {
					t.Errorf("%s: %q is of %v", path, i.Title, at)
				}
			}
		}
		first := feed.Items[0]
		if published := first.PublishedParsed.Unix(); path != "/atom.xml" && published != s.Open[0].Updates[0].Created {
			t.Errorf("%s: %v", path, first.PublishedParsed)
		}
		if first.UpdatedParsed != nil && first.UpdatedParsed.Unix() != s.AsOf-minute {
			t.Errorf("%s: changed at %v", path, first.UpdatedParsed)
		}
	}
	if feed := readFeed(t, s, "/atom.xml"); feed.UpdatedParsed.Unix() != s.AsOf-minute {
		t.Errorf("the feed changed at %v", feed.UpdatedParsed)
	}
	s.AsOf -= hour // a clock that is behind
	for _, i := range readFeed(t, s, "/feed.json").Items {
		if i.PublishedParsed.Unix() > s.AsOf || i.UpdatedParsed.Unix() > s.AsOf {
			t.Errorf("%q is of %v, changed at %v", i.Title, i.PublishedParsed, i.UpdatedParsed)
		}
	}
}

// TestFeedLimits looks that an old incident that changes stays in the feed, and how much it has.
func TestFeedLimits(t *testing.T) {
	s := sitetest.Sample(3, 60)
	s.Open[0].Start, s.Open[0].Created, s.Open[0].Updated = s.AsOf-300*day, s.AsOf-300*day, s.AsOf-hour
	atom := readFeed(t, s, "/atom.xml")
	if len(atom.Items) != maxFeedIncidents || atom.Items[0].Title != "Identified: "+s.Open[0].Title {
		t.Errorf("%d entries, the first one is %q", len(atom.Items), atom.Items[0].Title)
	}
	many := s.Past[0].Updates[0]
	for n := range int64(500) {
		many.ID = 10_000 + n
		s.Past[0].Updates = append(s.Past[0].Updates, many)
	}
	if rss := readFeed(t, s, "/rss.xml"); len(rss.Items) != maxFeedUpdates {
		t.Errorf("%d items", len(rss.Items))
	}
	s.Past[0].Updates = []site.Update{{ID: 1, Text: strings.Repeat("a ", 500_000), State: statuspage.Resolved}}
	for _, path := range formats {
		if n := len(fileAt(t, s, path).Body); n > 200_000 {
			t.Errorf("%s has %d bytes", path, n)
		}
	}
}

// The feeds of all monitors repeat what concerns everything, but not all of it.
func TestMonitorFeedLimits(t *testing.T) {
	s := sitetest.Sample(3, 60)
	for n := range s.Past {
		s.Past[n].Global = true
	}
	path := "/monitors/" + s.Monitors()[0].Tag
	if n := len(readFeed(t, s, path+"/atom.xml").Items); n != maxMonitorIncidents {
		t.Errorf("%d entries", n)
	}
	if n := len(readFeed(t, s, path+"/rss.xml").Items); n == 0 || n > maxMonitorUpdates {
		t.Errorf("%d items", n)
	}
}

// An incident with hundreds of long updates makes no file that nobody can read.
func TestManyLongUpdates(t *testing.T) {
	s := sitetest.Sample(1, 1)
	i := &s.Past[0]
	i.Updates = nil
	for n := range int64(500) {
		i.Updates = append(i.Updates, site.Update{ID: 500 - n, Text: strings.Repeat("word ", 13_000), State: statuspage.Identified})
	}
	for path, most := range map[string]int{"/atom.xml": 2 * maxTexts, "/api/v2/incidents.json": 2 * maxTexts, "/rss.xml": 2 * maxTexts} {
		if n := len(fileAt(t, s, path).Body); n < maxTexts/2 || n > most {
			t.Errorf("%s has %d bytes", path, n)
		}
	}
	text := string(IncidentFiles(s, *i)[0].Body)
	if len(text) > 2*maxUpdates || !strings.Contains(text, `id="update-500"`) || !strings.Contains(text, "too long to be shown") {
		t.Errorf("the page has %d bytes", len(text))
	}
}

func TestFeedWithoutIncidents(t *testing.T) {
	s := sitetest.Sample(1, 0)
	for _, path := range formats {
		feed := readFeed(t, s, path)
		if len(feed.Items) != 0 || feed.Title != "Example" || path == "/atom.xml" && feed.UpdatedParsed.Unix() != s.Changed {
			t.Errorf("%s: %+v", path, feed)
		}
	}
}
