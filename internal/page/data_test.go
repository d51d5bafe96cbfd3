package page

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tocsin/internal/site"
	"tocsin/internal/site/sitetest"
	"tocsin/internal/statuspage"
)

// TestDataRoundTrip looks that nothing is lost between a monitor and what is read from its file.
func TestDataRoundTrip(t *testing.T) {
	for name, s := range sites() {
		if name == "hostile" { // JSON has no invalid UTF-8
			continue
		}
		for _, d := range dataOf(s) {
			got, err := ParseData(d.file().Body)
			if diff := cmp.Diff(d, got); err != nil || diff != "" {
				t.Errorf("%s: %v (-want +got):\n%s", d.Monitor.Tag, err, diff)
			}
		}
	}
}

func TestDataProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		figure := rapid.Ptr(rapid.Float64Range(0, 1e9), true)
		minutes := rapid.Int64Range(0, 1440)
		counts := rapid.Custom(func(t *rapid.T) site.Counts {
			return site.Counts{Up: minutes.Draw(t, "up"), Degraded: minutes.Draw(t, "degraded"), Maintenance: minutes.Draw(t, "maintenance"), Down: minutes.Draw(t, "down"), Latency: figure.Draw(t, "latency")}
		})
		status := rapid.SampledFrom(site.Statuses)
		want := Data{Site: rapid.String().Draw(t, "site"), AsOf: rapid.Int64().Draw(t, "as of"), Language: rapid.SampledFrom([]string{"", "de"}).Draw(t, "language"), DateFormat: rapid.String().Draw(t, "format"), Colours: rapid.SampledFrom([]map[string]string{nil, {"UP": "#123456"}}).Draw(t, "colours"), Monitor: site.Monitor{
			ID: rapid.Int64().Draw(t, "id"), Tag: "x", Name: rapid.String().Draw(t, "name"), Status: status.Draw(t, "status"),
			Uptime: figure.Draw(t, "uptime"), Latency: figure.Draw(t, "latency"), Formula: rapid.SampledFrom([]statuspage.UptimeFormula{{}, statuspage.DefaultFormula, statuspage.StrictFormula, {Numerator: "up", Denominator: "up + down"}}).Draw(t, "formula"),
		}}
		for range rapid.IntRange(0, site.Days).Draw(t, "days") {
			want.Monitor.Days = append(want.Monitor.Days, site.Day{Start: rapid.Int64().Draw(t, "start"), Status: status.Draw(t, "status"), Counts: counts.Draw(t, "counts"), Incidents: rapid.SampledFrom([][]int64{nil, {7}, {1, 2}}).Draw(t, "incidents")})
		}
		for range rapid.IntRange(0, 48).Draw(t, "hours") {
			want.Monitor.Hours = append(want.Monitor.Hours, site.Hour{Start: rapid.Int64().Draw(t, "start"), Counts: counts.Draw(t, "counts")})
		}
		got, err := ParseData(want.file().Body)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	})
}

// TestDataOfAll looks that the minutes of all monitors are added, each by its own measure.
func TestDataOfAll(t *testing.T) {
	s := &site.Site{Name: "Both", Status: site.Down, Groups: []site.Group{{Monitors: []site.Monitor{
		{ID: 1, Newest: 5, Days: []site.Day{{Start: 0, Status: site.Up, Counts: site.Counts{Up: 5}}, {Start: day, Status: site.Degraded, Counts: site.Counts{Up: 3, Degraded: 1, Latency: new(10.0)}}}},
		{ID: 2, Newest: 9, Measured: true, Formula: statuspage.StrictFormula, Days: []site.Day{{Start: day, Status: site.Degraded, Counts: site.Counts{Up: 3, Degraded: 1, Latency: new(20.0)}}}, Hours: []site.Hour{{Start: day, Counts: site.Counts{Degraded: 2}}}},
	}}}}
	want := site.Monitor{
		Tag: "_", Name: "Both", Formula: statuspage.DefaultFormula, Status: site.Down, Measured: true, Newest: 9, Uptime: new(12.0 / 13 * 100), Latency: new(15.0),
		Days: []site.Day{
			{Start: 0, Status: site.Up, Counts: site.Counts{Up: 5}},
			{Start: day, Status: site.Degraded, Counts: site.Counts{Up: 6, Degraded: 1, Down: 1, Latency: new(15.0)}},
		},
		Hours: []site.Hour{{Start: day, Counts: site.Counts{Down: 2}}},
	}
	got := together(s)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseDataErrors(t *testing.T) {
	for _, body := range []string{"", "{}", "null", `[]`, `{"version":2,"status":"UP"}`, `{"version":1,"status":"BAD"}`, `{"version":1,"status":"UP","days":7}`} {
		if d, err := ParseData([]byte(body)); err == nil {
			t.Errorf("%s is %+v", body, d)
		}
	}
}

// FuzzParseData looks that whatever can be read can be drawn, and written again the same.
func FuzzParseData(f *testing.F) {
	for _, d := range dataOf(sitetest.Sample(1, 0)) {
		d.Monitor.Days, d.Monitor.Hours = d.Monitor.Days[site.Days-2:], d.Monitor.Hours[46:]
		f.Add(d.file().Body)
	}
	f.Add([]byte(`{"version":1,"status":"UP","days":[{"up":-1}],"hours":[{"latency":1e308},{"latency":1e308}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		d, err := ParseData(body)
		if err != nil {
			return
		}
		again, err := ParseData(d.file().Body)
		if diff := cmp.Diff(d, again); err != nil || diff != "" {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		for _, kind := range []string{badgeStatus, badgeUptime, badgeLatency, badgeDot} {
			if svg, _ := Badge(kind, d, nil); wellFormed(svg) != nil {
				t.Errorf("%s", svg)
			}
		}
	})
}
