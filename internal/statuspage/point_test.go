package statuspage_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tocsin/internal/statuspage"
)

func measured(s statuspage.Status, latency float64) statuspage.Point {
	return statuspage.Point{Status: s, Latency: &latency}
}

func TestTotals(t *testing.T) {
	for _, tt := range []struct {
		name    string
		points  []statuspage.Point
		want    statuspage.Totals
		latency float64
		ok      bool
	}{
		{"none", nil, statuspage.Totals{}, 0, false},
		{"without a latency", []statuspage.Point{{Status: statuspage.StatusUp}}, statuspage.Totals{Up: 1}, 0, false},
		{"up and degraded", []statuspage.Point{measured(statuspage.StatusUp, 1), measured(statuspage.StatusDegraded, 3)}, statuspage.Totals{Up: 1, Degraded: 1, LatencySum: 4, LatencyCount: 2}, 2, true},
		{"a timeout is no latency", []statuspage.Point{measured(statuspage.StatusUp, 1), measured(statuspage.StatusDown, 30000)}, statuspage.Totals{Up: 1, Down: 1, LatencySum: 1, LatencyCount: 1}, 1, true},
		{"down alone", []statuspage.Point{measured(statuspage.StatusDown, 30000)}, statuspage.Totals{Down: 1}, 0, false},
	} {
		var got statuspage.Totals
		for _, p := range tt.points {
			got.Add(p)
		}
		latency, ok := got.Latency()
		if d := cmp.Diff(tt.want, got); d != "" || ok != tt.ok || ok && latency != tt.latency {
			t.Errorf("%s: latency %v, %t (-want +got):\n%s", tt.name, latency, ok, d)
		}
	}
}

func TestLastDays(t *testing.T) {
	const day = 86400
	for _, tt := range []struct {
		n    int
		now  int64
		want statuspage.DayRange
	}{
		{1, 5 * day, statuspage.DayRange{From: 5 * day, To: 5 * day}},
		{1, 6*day - 1, statuspage.DayRange{From: 5 * day, To: 5 * day}},
		{3, 5*day + 1, statuspage.DayRange{From: 3 * day, To: 5 * day}},
	} {
		if got := statuspage.LastDays(tt.n, tt.now); got != tt.want || got.Days() != int64(tt.n) {
			t.Errorf("the last %d days at %d: %+v, %d days, want %+v", tt.n, tt.now, got, got.Days(), tt.want)
		}
	}
}

// The totals of points are those of their parts together, wherever they are parted.
func TestTotalsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		points := rapid.SliceOf(rapid.Custom(func(t *rapid.T) statuspage.Point {
			p := statuspage.Point{Status: rapid.SampledFrom([]statuspage.Status{statuspage.StatusUp, statuspage.StatusDegraded, statuspage.StatusDown}).Draw(t, "status")}
			if rapid.Bool().Draw(t, "measured") {
				p.Latency = new(float64(rapid.IntRange(0, 1e6).Draw(t, "latency")))
			}
			return p
		})).Draw(t, "points")
		at := rapid.IntRange(0, len(points)).Draw(t, "at")
		var all, before, after statuspage.Totals
		for n, p := range points {
			all.Add(p)
			if n < at {
				before.Add(p)
			} else {
				after.Add(p)
			}
		}
		if d := cmp.Diff(all, before.Plus(after)); d != "" {
			t.Errorf("parted at %d (-all +parts):\n%s", at, d)
		}
		if all.Minutes() != int64(len(points)) || all.LatencyCount > all.Up+all.Degraded {
			t.Errorf("%+v of %d points", all, len(points))
		}
	})
}
