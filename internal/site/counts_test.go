package site_test

import (
	"testing"

	"tocsin/internal/site"
	"tocsin/internal/statuspage"
)

func TestUptime(t *testing.T) {
	lax, strict := statuspage.DefaultFormula, statuspage.StrictFormula
	without := statuspage.UptimeFormula{Numerator: "up + degraded", Denominator: "up + down + degraded"}
	for _, c := range []struct {
		name    string
		counts  site.Counts
		formula statuspage.UptimeFormula
		want    float64
		ok      bool
	}{
		{"nothing", site.Counts{}, lax, 0, false},
		{"only maintenance", site.Counts{Maintenance: 9}, lax, 100, true},
		{"maintenance is up", site.Counts{Up: 1, Down: 1, Maintenance: 2}, lax, 75, true},
		{"maintenance is up, degraded is down", site.Counts{Up: 1, Degraded: 1, Maintenance: 2}, strict, 75, true},
		{"maintenance counts neither way", site.Counts{Up: 3, Down: 1, Maintenance: 100}, without, 75, true},
		{"only maintenance, which counts neither way", site.Counts{Maintenance: 9}, without, 0, false},
		{"degraded is up", site.Counts{Up: 1, Degraded: 1}, lax, 100, true},
		{"degraded is down", site.Counts{Up: 1, Degraded: 1}, strict, 50, true},
		{"down", site.Counts{Down: 5}, lax, 0, true},
	} {
		got, ok := c.counts.Uptime(c.formula)
		if ok != c.ok || ok && got != c.want {
			t.Errorf("%s: got %v, %v, want %v, %v", c.name, got, ok, c.want, c.ok)
		}
	}
}

// Counts whose formula was taken in can be added: the uptime of the sum is that of all minutes
// that count, each by its own formula.
func TestAs(t *testing.T) {
	without := statuspage.UptimeFormula{Numerator: "up + degraded", Denominator: "up + down + degraded"}
	counts := site.Counts{Up: 3, Degraded: 1, Maintenance: 6, Down: 2}
	for _, c := range []struct {
		formula statuspage.UptimeFormula
		want    site.Counts
	}{
		{statuspage.DefaultFormula, counts},
		{statuspage.StrictFormula, site.Counts{Up: 9, Down: 3}},
		{without, site.Counts{Up: 4, Down: 2}},
		{statuspage.UptimeFormula{Numerator: "up", Denominator: "up - up"}, site.Counts{}},
	} {
		got := counts.As(c.formula)
		if got != c.want {
			t.Errorf("%v: got %+v, want %+v", c.formula, got, c.want)
		}
		percent, ok := got.Uptime(statuspage.DefaultFormula)
		if want, wantOK := counts.Uptime(c.formula); ok != wantOK || ok && percent != want {
			t.Errorf("%v: got %v, %t, want %v, %t", c.formula, percent, ok, want, wantOK)
		}
	}
}

func TestPlus(t *testing.T) {
	measured := site.Counts{Up: 3, Latency: new(100.0)}
	for _, c := range []struct {
		name string
		a, b site.Counts
		want *float64 // latency
	}{
		{"not measured", site.Counts{Up: 1}, site.Counts{Up: 1}, nil},
		{"one measured", site.Counts{Up: 1}, measured, new(100.0)},
		{"the other one measured", measured, site.Counts{Up: 1}, new(100.0)},
		{"both", measured, site.Counts{Up: 1, Latency: new(20.0)}, new(80.0)},
		{"without minutes", site.Counts{Latency: new(5.0)}, site.Counts{Latency: new(7.0)}, new(5.0)},
	} {
		got := c.a.Plus(c.b).Latency
		if (got == nil) != (c.want == nil) || got != nil && *got != *c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
	sum := site.Counts{Up: 1, Degraded: 2, Maintenance: 3, Down: 4}.Plus(site.Counts{Up: 10, Degraded: 20, Maintenance: 30, Down: 40})
	if want := (site.Counts{Up: 11, Degraded: 22, Maintenance: 33, Down: 44}); sum != want {
		t.Errorf("got %+v, want %+v", sum, want)
	}
}

func TestSum(t *testing.T) {
	sum := site.Sum([]site.Counts{{Up: 1000}, {Up: 3, Latency: new(100.0)}, {Down: 1, Latency: new(20.0)}, {Up: 7}})
	if sum.Up != 1010 || sum.Down != 1 || sum.Latency == nil || *sum.Latency != 80 {
		t.Errorf("got %+v, %v", sum, sum.Latency)
	}
	if sum := site.Sum(nil); sum != (site.Counts{}) {
		t.Errorf("got %+v", sum)
	}
}
