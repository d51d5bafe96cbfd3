package site_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/site"
	"tocsin/internal/statuspage"
)

// A monitor whose probe was silent has no data, and still the minute of its newest point;
// after 30 days it is as declared, but for the days that were measured.
func TestLoadSilent(t *testing.T) {
	today := statuspage.FloorDay(now)
	for _, tt := range []struct {
		name     string
		last     int64 // minute of the newest point
		measured bool
		status   site.Status
		before   site.Status // of the day before today
	}{
		{"14 minutes", statuspage.FloorMinute(now) - 14*minute, true, site.Down, site.NoData},
		{"15 minutes", statuspage.FloorMinute(now) - 15*minute, true, site.NoData, site.NoData},
		{"in the shown hours", today - hour, true, site.NoData, site.Down},
		{"20 days", today - 20*day + 5*hour + 7*minute, true, site.NoData, site.NoData},
		{"40 days", today - 40*day + 5*hour + 7*minute, false, site.Up, site.Up},
		{"100 days", today - 100*day, false, site.Up, site.Up},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.monitor("api", nil)
			w.fill("api", tt.last-9*minute, tt.last, statuspage.StatusDown)
			m := w.load().Monitors()[0]
			if m.Measured != tt.measured || m.Status != tt.status || m.Days[site.Days-2].Status != tt.before {
				t.Errorf("measured %v, %s, yesterday %s", m.Measured, m.Status, m.Days[site.Days-2].Status)
			}
			inDays := tt.last >= m.Days[0].Start
			if want := map[bool]int64{true: tt.last}[inDays]; m.Newest != want {
				t.Errorf("the newest point is of %d, want %d", m.Newest, want)
			}
			if want := map[bool]site.Status{true: site.Down, false: site.NoData}[inDays]; m.Last != want {
				t.Errorf("its status was %s, want %s", m.Last, want)
			}
			for _, d := range m.Days {
				if of := statuspage.FloorDay(tt.last); d.Start == of && (d.Down != 10 || d.Minutes() != 10) {
					t.Errorf("its day: %+v", d)
				}
			}
		})
	}
}

// What was declared counts from the minute on in which the monitor was made; a monitor that
// declares nothing has no data but what incidents say.
func TestLoadDeclaredSinceCreation(t *testing.T) {
	today := statuspage.FloorDay(now)
	created := today - 2*day + 18*hour + 30 // six hours of that day are left
	incident := func(w *world) int64 { return w.incident(today-day+hour, now-day, down("api")).ID }
	for _, tt := range []struct {
		name    string
		declare *string
		days    []site.Day // the last four
		status  site.Status
	}{
		{"UP", new("UP"), []site.Day{
			{Status: site.NoData}, {Status: site.Up, Counts: site.Counts{Up: 360}},
			{Status: site.Down, Counts: site.Counts{Up: 60, Down: 1380}}, {Status: site.Down, Counts: site.Counts{Down: 731}},
		}, site.Down},
		{"NONE", new("NONE"), []site.Day{
			{Status: site.NoData}, {Status: site.NoData},
			{Status: site.Down, Counts: site.Counts{Down: 1380}}, {Status: site.Down, Counts: site.Counts{Down: 731}},
		}, site.Down},
		{"null", nil, []site.Day{
			{Status: site.NoData}, {Status: site.NoData},
			{Status: site.Down, Counts: site.Counts{Down: 1380}}, {Status: site.Down, Counts: site.Counts{Down: 731}},
		}, site.Down},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			m := statuspage.NewMonitor("api", "API")
			m.DefaultStatus = tt.declare
			if _, err := w.store.CreateMonitor(t.Context(), m, created, nil); err != nil {
				t.Fatal(err)
			}
			before := w.load().Monitors()[0]
			if want := map[bool]site.Status{true: site.Up, false: site.NoData}[tt.name == "UP"]; before.Status != want || (before.Uptime != nil) != (want == site.Up) {
				t.Errorf("without an incident: %s, uptime %v", before.Status, before.Uptime)
			}
			id := incident(w)
			got := w.load().Monitors()[0]
			for n := range tt.days {
				tt.days[n].Start = today - int64(3-n)*day
			}
			tt.days[2].Incidents, tt.days[3].Incidents = []int64{id}, []int64{id}
			if d := cmp.Diff(tt.days, got.Days[site.Days-4:]); d != "" || got.Status != tt.status {
				t.Errorf("%s: %s", got.Status, d)
			}
		})
	}
}

// Addresses that a page could not link to safely are not in it.
func TestLoadLinks(t *testing.T) {
	w := newWorld(t)
	for n, tt := range []struct{ url, image, wantURL, wantImage string }{
		{"https://example.com/x", "https://example.com/x.png", "https://example.com/x", "https://example.com/x.png"},
		{"http://example.com", "/logo.svg", "http://example.com", "/logo.svg"},
		{"javascript:alert(1)", "data:image/png;base64,AA", "", ""},
		{"/path", "http://example.com/x.png", "", ""},
		{"//example.com", "//example.com/x.png", "", ""},
		{"HTTPS://example.com", "HTTPS://example.com/x.png", "HTTPS://example.com", "HTTPS://example.com/x.png"},
		{"", "", "", ""},
	} {
		w.monitor(string(rune('a'+n)), func(m *statuspage.Monitor) { m.ExternalURL, m.Image = &tt.url, &tt.image })
		monitors := w.load().Monitors()
		if m := monitors[n]; m.URL != tt.wantURL || m.Image != tt.wantImage {
			t.Errorf("%q, %q: %q, %q", tt.url, tt.image, m.URL, m.Image)
		}
	}
}
