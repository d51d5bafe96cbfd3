package page

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/site"
	"tocsin/internal/site/sitetest"
	"tocsin/internal/statuspage"
)

var update = flag.Bool("update", false, "write the files in testdata/machine anew")

// shop is a small site with one of each: a group and a monitor without one, an open incident, one
// that was resolved, one without an update that concerns everything, one that begins later, and
// a maintenance that is running and one to come.
func shop() *site.Site {
	const at = sitetest.Now - sitetest.Now%minute
	days := func(bad site.Status) []site.Day {
		var all []site.Day
		for d := range int64(site.Days) {
			all = append(all, site.Day{Start: statuspage.FloorDay(at) - (site.Days-1-d)*day, Status: site.Up, Counts: site.Counts{Up: 1440, Latency: new(80.0)}})
		}
		all[site.Days-8].Status = bad
		all[site.Days-8].Counts = site.Counts{Up: 1400, Down: 40, Latency: new(160.5)}
		all[site.Days-8].Incidents = []int64{11}
		return all
	}
	hours := func() []site.Hour {
		var all []site.Hour
		for h := range int64(48) {
			all = append(all, site.Hour{Start: statuspage.FloorHour(at) - (47-h)*hour, Counts: site.Counts{Up: 60, Latency: new(float64(70 + h))}})
		}
		return all
	}
	monitor := func(id int64, tag, name string, status site.Status) site.Monitor {
		return site.Monitor{
			ID: id, Tag: tag, Name: name, Created: at - 100*day, Updated: at - 3*day, Status: status, Measured: true, Newest: at - minute,
			Days: days(site.Down), Hours: hours(), Uptime: new(99.969135), Latency: new(80.89),
		}
	}
	checkout, api, search := monitor(1, "checkout", "Checkout & pay", site.Down), monitor(2, "api", "API", site.Degraded), monitor(7, "search", "Search", site.UnderMaintenance)
	checkout.Description, checkout.URL = "Orders and payment", "https://shop.example.com/"
	search.Days[site.Days-1].Status, search.Measured, search.Newest, search.Latency = site.UnderMaintenance, false, 0, nil

	updates := func(first, start int64, texts ...string) []site.Update {
		states := []statuspage.State{statuspage.Investigating, statuspage.Identified, statuspage.Monitoring, statuspage.Resolved}
		var all []site.Update
		for n, text := range texts {
			t := start + int64(n)*10*minute
			all = append([]site.Update{{ID: first + int64(n), Time: t, State: states[n], Text: text, Created: t + 5, Updated: t + 5}}, all...)
		}
		return all
	}
	down := []site.Affected{{MonitorID: 1, Tag: "checkout", Name: "Checkout & pay", Status: site.Down}, {MonitorID: 2, Tag: "api", Name: "API", Status: site.Degraded}}
	slow := []site.Affected{{MonitorID: 7, Tag: "search", Name: "Search", Status: site.Degraded}}
	const past = at - 7*day
	return &site.Site{
		Name: "Example Shop", URL: "https://status.example.com", AsOf: sitetest.Now, Changed: at - 2*minute, Status: site.Down,
		Groups: []site.Group{
			{Name: "Shop", Status: site.Down, Partial: true, Monitors: []site.Monitor{checkout, api}},
			{Status: site.UnderMaintenance, Monitors: []site.Monitor{search}},
		},
		Open: []site.Incident{{
			ID: 12, Title: "Orders fail <in> Europe", State: statuspage.Identified, Status: site.Down, Start: at - 30*minute, Created: at - 28*minute, Updated: at - 2*minute,
			Affected: down, Updates: updates(40, at-29*minute, "Orders fail for *some* customers.", "A bad release. We [roll it back](/incidents/11)."),
		}},
		Upcoming: []site.Incident{{
			ID: 13, Title: "A provider moves", State: statuspage.Investigating, Status: site.NoData, Start: at + day, Created: at - day, Updated: at - day, Affected: slow,
		}},
		Past: []site.Incident{
			{
				ID: 11, Title: "Search was slow", State: statuspage.Resolved, Status: site.Degraded, Start: past, End: new(int64(past + 40*minute)), Created: past + 9, Updated: past + 30*minute + 5,
				Affected: slow, Updates: updates(30, past, "We look into it.", "An index is missing.", "It is there again.", "Search answers in time."),
			},
			{
				ID: 9, Title: "Power was out", State: statuspage.Resolved, Status: site.Down, Start: past - 9*day, End: new(int64(past - 9*day + hour)),
				Created: past - 9*day, Updated: past - 9*day + hour, Global: true,
			},
		},
		Maintenances: []site.Maintenance{
			{
				ID: 2, Of: 8, Title: "Index check", Schedule: once, Start: at - 5*hour, End: at - 4*hour, State: statuspage.Completed, Status: site.UnderMaintenance,
				Affected: []site.Affected{{MonitorID: 7, Tag: "search", Name: "Search", Status: site.UnderMaintenance}}, Created: at - 3*day, Updated: at - 3*day,
			},
			{
				ID: 3, Of: 9, Title: "Index upgrade", Description: "Search may be **slow**.", Schedule: once, Start: at - 10*minute, End: at + hour, State: statuspage.Ongoing, Status: site.UnderMaintenance,
				Affected: []site.Affected{{MonitorID: 7, Tag: "search", Name: "Search", Status: site.UnderMaintenance}}, Created: at - 2*day, Updated: at - day,
			},
			{ID: 7, Of: 12, Title: "Lift check; not now, \\ later", Schedule: once, Start: at + day, End: at + day + hour, State: statuspage.Cancelled, Global: true, Created: at - 2*day, Updated: at - hour},
			{ID: 4, Of: 10, Title: "Network work", Schedule: weekly, Start: at + 4*day, End: at + 4*day + hour, State: statuspage.Scheduled, Status: site.Down, Global: true, Created: at - 2*day, Updated: at - 2*day},
			{ID: 5, Of: 10, Title: "Network work", Schedule: weekly, Start: at + 11*day, End: at + 11*day + hour, State: statuspage.Scheduled, Status: site.Down, Global: true, Created: at - 2*day, Updated: at - 2*day},
		},
	}
}

// team is a page of the shop with its first group, in German first.
func team() *site.Site {
	s := shop()
	s.Page = site.Page{ID: 2, Path: "team", Title: "Team"}
	s.Settings.Languages = []string{"de", "en"}
	s.Groups, s.Upcoming, s.Past, s.Maintenances = s.Groups[:1], nil, s.Past[1:], s.Maintenances[3:]
	return s
}

// figuresMoved is the site some time later, when nothing has happened but minutes.
func figuresMoved(s *site.Site) *site.Site {
	later := s.Still()
	later.AsOf = s.AsOf + 20*minute
	for g := range later.Groups {
		for m := range later.Groups[g].Monitors {
			monitor := &later.Groups[g].Monitors[m]
			monitor.Uptime, monitor.Latency, monitor.Newest = new(42.0), new(1.0), s.AsOf
			monitor.Hours = []site.Hour{{Start: statuspage.FloorHour(s.AsOf), Counts: site.Counts{Down: 3}}}
			for d := range monitor.Days {
				monitor.Days[d].Counts = site.Counts{Up: 7, Latency: new(3.0)}
			}
		}
	}
	return later
}

// hostile is the shop with texts that no format may be broken by.
func hostile() *site.Site {
	s := shop()
	const text = "]]>&<script>alert(1)</script>\x00\x1b[31m\u202e\ufffe\U0001F525\xff\"'"
	s.Name, s.Notice = text, text
	for g := range s.Groups {
		s.Groups[g].Name += text
		for m := range s.Groups[g].Monitors {
			monitor := &s.Groups[g].Monitors[m]
			monitor.Name, monitor.Description = strings.Repeat(text, 12), text
		}
	}
	for m := range s.Maintenances {
		s.Maintenances[m].Title, s.Maintenances[m].Description = text, strings.Repeat(text+"\r\n\n", 3)
		for a := range s.Maintenances[m].Affected {
			s.Maintenances[m].Affected[a].Name = text
		}
	}
	for _, list := range [][]site.Incident{s.Open, s.Upcoming, s.Past} {
		for i := range list {
			list[i].Title = text
			for u := range list[i].Updates {
				list[i].Updates[u].Text = text + "\n\n[" + text + "](javascript:alert(1))"
			}
			for a := range list[i].Affected {
				list[i].Affected[a].Name = text
			}
		}
	}
	return s
}

func sites() map[string]*site.Site {
	bare := shop()
	bare.URL, bare.Groups, bare.Open, bare.Upcoming, bare.Past, bare.Maintenances, bare.Status = "", nil, nil, nil, nil, nil, site.NoData
	declared := shop().Still()
	return map[string]*site.Site{
		"shop": shop(), "still": declared, "hostile": hostile(), "bare": bare, "empty": {}, "large": sitetest.Sample(50, 60), "single": sitetest.Sample(1, 0),
	}
}

func fileAt(t *testing.T, s *site.Site, path string) File {
	t.Helper()
	for _, f := range programFiles(s) {
		if f.Path == path {
			return f
		}
	}
	t.Fatalf("there is no file %s", path)
	return File{}
}

// TestMachineFiles compares all text files of the shop and of its page with those in testdata.
func TestMachineFiles(t *testing.T) {
	for _, f := range append(programFiles(shop()), PageFiles(team())...) {
		if strings.HasPrefix(f.Type, "image/png") || f.Type == htmlType {
			continue
		}
		name := filepath.Join("testdata", "machine", filepath.FromSlash(f.Path))
		if strings.HasPrefix(f.Type, "image/svg") && !strings.HasSuffix(name, ".svg") {
			name += ".svg"
		}
		if *update {
			if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, f.Body, 0o644)); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(name)
		if err != nil {
			t.Error(err)
			continue
		}
		if diff := cmp.Diff(string(want), string(f.Body)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", f.Path, diff)
		}
	}
}

// TestMachineFilesAreWhole looks at what every file must have, for all kinds of sites.
func TestMachineFilesAreWhole(t *testing.T) {
	for name, s := range sites() {
		t.Run(name, func(t *testing.T) {
			seen := map[string]bool{}
			for _, f := range programFiles(s) {
				if seen[f.Path] {
					t.Errorf("%s is there twice", f.Path)
				}
				seen[f.Path] = true
				if !strings.HasPrefix(f.Path, "/") || f.Type == "" || f.Status == 0 || len(f.Body) == 0 || !slices.Contains([]int64{Soon, Hourly, Slowly}, f.Every) {
					t.Errorf("%s: %q, %d, %d bytes, every %d", f.Path, f.Type, f.Status, len(f.Body), f.Every)
				}
				if strings.Contains(f.Type, "xml") {
					if err := wellFormed(f.Body); err != nil {
						t.Errorf("%s: %v", f.Path, err)
					}
				}
				if strings.Contains(f.Type, "xml") && bytes.Contains(f.Body, []byte("<script")) {
					t.Errorf("%s has a script: %s", f.Path, f.Body)
				}
			}
		})
	}
}

// wellFormed reads a whole XML document.
func wellFormed(body []byte) error {
	for d := xml.NewDecoder(bytes.NewReader(body)); ; {
		if _, err := d.Token(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// TestMachineFilesAreStable looks that the same site gives the same bytes, and that those that
// may not move with figures do not.
func TestMachineFilesAreStable(t *testing.T) {
	for name, s := range sites() {
		if s.AsOf == 0 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			again, later := programFiles(s), programFiles(figuresMoved(s))
			for n, f := range programFiles(s) {
				if !bytes.Equal(f.Body, again[n].Body) || f.Path != again[n].Path {
					t.Errorf("%s is not the same again", f.Path)
				}
				if f.Path != later[n].Path {
					t.Fatalf("%s is %s later", f.Path, later[n].Path)
				}
				if !moves(f.Path) && !bytes.Equal(f.Body, later[n].Body) {
					t.Errorf("%s moved (-before +after):\n%s", f.Path, cmp.Diff(string(f.Body), string(later[n].Body)))
				}
			}
		})
	}
}

// moves reports whether figures or the time of reading are in the file.
func moves(path string) bool {
	switch path {
	case "/api/v2/status.json", "/api/v2/summary.json", "/status.txt":
		return true
	}
	return strings.HasPrefix(path, "/data/") || strings.HasPrefix(path, "/badge/") && (strings.Contains(path, "/uptime") || strings.Contains(path, "/latency"))
}

// TestMachineTypes looks at content types and at how often a file may move, by its address.
func TestMachineTypes(t *testing.T) {
	for _, c := range []struct {
		path, contentType string
		every             int64
	}{
		{"/api/v2/status.json", "application/json; charset=utf-8", Soon},
		{"/api/v2/summary.json", "application/json; charset=utf-8", Soon},
		{"/api/v2/incidents/unresolved.json", "application/json; charset=utf-8", Hourly},
		{"/rss.xml", "application/rss+xml; charset=utf-8", Hourly},
		{"/history.rss", "application/rss+xml; charset=utf-8", Hourly},
		{"/history.atom", "application/atom+xml; charset=utf-8", Hourly},
		{"/monitors/api/atom.xml", "application/atom+xml; charset=utf-8", Hourly},
		{"/monitors/api/feed.json", "application/feed+json; charset=utf-8", Hourly},
		{"/sitemap.xml", "application/xml; charset=utf-8", Hourly},
		{"/robots.txt", "text/plain; charset=utf-8", Hourly},
		{"/llms.txt", "text/plain; charset=utf-8", Hourly},
		{"/status.txt", "text/plain; charset=utf-8", Hourly},
		{"/badge/_/status", "image/svg+xml; charset=utf-8", Hourly},
		{"/badge/api/dot", "image/svg+xml; charset=utf-8", Hourly},
		{"/badge/api/latency.json", "application/json; charset=utf-8", Hourly},
		{"/data/_.json", "application/json; charset=utf-8", Hourly},
		{"/data/api.json", "application/json; charset=utf-8", Hourly},
		{"/og/nodata.png", "image/png", Hourly},
		{"/favicon.svg", "image/svg+xml; charset=utf-8", Hourly},
	} {
		if f := fileAt(t, shop(), c.path); f.Type != c.contentType || f.Every != c.every || f.Status != 200 {
			t.Errorf("%s: %s, every %d, %d", c.path, f.Type, f.Every, f.Status)
		}
	}
	for alias, path := range map[string]string{"/history.rss": "/rss.xml", "/history.atom": "/atom.xml"} {
		if !bytes.Equal(fileAt(t, shop(), alias).Body, fileAt(t, shop(), path).Body) {
			t.Errorf("%s is not %s", alias, path)
		}
	}
}

// programFiles are all that programs read.
func programFiles(s *site.Site) []File { return append(wholeFiles(s), machineFiles(s)...) }
