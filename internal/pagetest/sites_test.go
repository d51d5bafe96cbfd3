//go:build browser

package pagetest

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"tocsin/internal/demo"
	"tocsin/internal/dynamotest"
	"tocsin/internal/page"
	"tocsin/internal/site"
	"tocsin/internal/site/sitetest"
	"tocsin/internal/statuspage"
)

func TestMain(m *testing.M) { dynamotest.Main(m) }

// demoSite is what the first make run shows at now (UTC seconds).
func demoSite(t *testing.T, now int64) *site.Site {
	t.Helper()
	store := dynamotest.NewTable(t).Dump(nil)
	if err := demo.Load(t.Context(), store, now); err != nil {
		t.Fatal(err)
	}
	s, err := site.Load(t.Context(), store, site.Config{Name: demo.Company, Demo: "make run FRESH=1 DATA=none"}, now)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// hostileSite has what nobody should be able to break a page with.
func hostileSite() *site.Site {
	s := sitetest.Sample(6, 2)
	names := []string{
		strings.Repeat("🔥", 255), "مراقبة الدفع \u202e abc", `</title></script><script>alert(1)</script>`,
		`" onmouseover="alert(1)" x="`, strings.Repeat("Donaudampfschifffahrtselektrizitätenhauptbetriebswerk", 5), "\u0000 \ufffe &amp; <b>",
	}
	n := 0
	for g := range s.Groups {
		s.Groups[g].Name = names[2]
		for m := range s.Groups[g].Monitors {
			monitor := &s.Groups[g].Monitors[m]
			monitor.Name, monitor.Description = names[n], names[(n+2)%len(names)]
			monitor.URL = "https://example.com/?q=" + `"><script>alert(1)</script>`
			n++
		}
	}
	// Without data, and of no use to a screen reader.
	last := &s.Groups[0].Monitors[5]
	last.Status, last.Measured, last.Newest, last.Uptime, last.Latency, last.Hours = site.NoData, false, 0, nil, nil, nil
	for d := range last.Days {
		last.Days[d].Status, last.Days[d].Counts = site.NoData, site.Counts{}
	}
	text := names[2] + "\n\n<img src=x onerror=alert(1)> [x](javascript:alert(1)) ![x](https://example.com/x.png)\n\n```\n" + names[4] + "\n```\n\n| a | b |\n|---|---|\n| " + names[4] + " | " + names[4] + " |\n\n# Heading\n\n- list\n"
	for i := range s.Open {
		s.Open[i].Title, s.Open[i].Updates[0].Text = names[1]+names[0], text
		s.Open[i].Affected[0].Name = names[4]
	}
	for n := range int64(3) {
		start := s.AsOf - hour + n*7*day
		m := site.Maintenance{
			ID: n + 1, Of: 1, Title: names[1] + names[0], Description: text, Schedule: statuspage.Schedule{Start: start, Rule: "FREQ=WEEKLY", TimeZone: "Europe/Berlin", Duration: 2 * hour},
			Start: start, End: start + 2*hour, State: statuspage.Scheduled, Status: site.Down, Affected: s.Open[0].Affected,
		}
		if n == 0 {
			m.State = statuspage.Ongoing
		}
		s.Maintenances = append(s.Maintenances, m)
	}
	s.Past[0].Title, s.Past[0].Updates[0].Text = names[4], strings.Repeat("word ", 200_000)
	return s
}

// filesOf are all files of the site, with the pages of its incidents, of their months, of
// maintenances and of a deleted incident.
func filesOf(s *site.Site) []page.File {
	files := append(page.Files(s), page.GoneFiles(s, goneID)...)
	months := map[int64]*site.Month{}
	for _, i := range append(s.Incidents(), site.Incident{Start: s.AsOf}) {
		at := time.Unix(i.Start, 0).UTC()
		start := time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC)
		if months[start.Unix()] == nil {
			months[start.Unix()] = &site.Month{Start: start.Unix(), End: start.AddDate(0, 1, 0).Unix()}
		}
		if i.ID == 0 {
			continue
		}
		files = append(files, page.IncidentFiles(s, i)...)
		month := months[start.Unix()]
		month.Incidents = append(month.Incidents, i)
	}
	series := map[int64]*site.Series{}
	for _, m := range s.Maintenances {
		files = append(files, page.OccurrenceFiles(s, m)...)
		if series[m.Of] == nil {
			series[m.Of] = &site.Series{Maintenance: m}
		}
		series[m.Of].Occurrences = append(series[m.Of].Occurrences, m)
	}
	for _, of := range series {
		files = append(files, page.SeriesFiles(s, *of)...)
	}
	for _, m := range months {
		files = append(files, page.MonthFiles(s, *m)...)
	}
	return files
}

// assets are the images of sitetest.Branded.
var assets = []page.File{
	{Path: "/assets/logo.svg", Type: "image/svg+xml", Status: 200, Body: []byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 48"><path fill="#2a86a6" d="M4 40 24 8l20 32z"/><path fill="#e96e2d" d="m24 40 12-19 12 19z"/><text x="58" y="33" font-family="Verdana,DejaVu Sans,sans-serif" font-size="24" font-weight="bold" fill="#2a86a6">Northwind</text></svg>`)},
	{Path: "/assets/icon.svg", Type: "image/svg+xml", Status: 200, Body: []byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48"><path fill="#2a86a6" d="M4 40 24 8l20 32z"/></svg>`)},
}

// goneID is an incident that nobody has made.
const goneID = 404404

// serve answers with the files, as whoever serves them does.
func serve(t *testing.T, files []page.File, now int64) string {
	t.Helper()
	byPath := map[string]page.File{}
	for _, f := range files {
		if _, twice := byPath[f.Path]; twice {
			t.Errorf("there are two files %s", f.Path)
		}
		byPath[f.Path] = f
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, ok := byPath[r.URL.Path]
		if !ok {
			f = byPath["/404"]
		}
		header := w.Header()
		header.Set("Date", time.Unix(now, 0).UTC().Format(http.TimeFormat))
		header.Set("Content-Type", f.Type)
		header.Set("Content-Length", strconv.Itoa(len(f.Body)))
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "strict-origin-when-cross-origin")
		if !strings.HasPrefix(r.URL.Path, "/embed/") {
			header.Set("Content-Security-Policy", "frame-ancestors 'none'")
		}
		w.WriteHeader(f.Status)
		w.Write(f.Body)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// monthPath is the page of the month that a time is in.
func monthPath(at int64) string { return page.MonthPath(statuspage.FloorDay(at)) }
