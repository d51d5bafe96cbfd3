package site

import (
	"math"

	"tocsin/internal/statuspage"
)

// Uptime is the percentage of the minutes that the formula counts as up, and false when it
// counts none.
func (c Counts) Uptime(f statuspage.UptimeFormula) (float64, bool) { return f.Percent(c.totals()) }

// totals are the minutes alone.
func (c Counts) totals() statuspage.Totals {
	return statuspage.Totals{Up: c.Up, Degraded: c.Degraded, Down: c.Down, Maintenance: c.Maintenance}
}

// As returns counts whose uptime is, by the default formula, what c's is by f: so the minutes
// of monitors with different formulas can be added.
func (c Counts) As(f statuspage.UptimeFormula) Counts {
	if f.IsDefault() {
		return c
	}
	all := Counts{Latency: c.Latency}
	if up, counted, ok := f.Share(c.totals()); ok {
		all.Up, all.Down = int64(math.Round(up)), int64(math.Round(counted-up))
	}
	return all
}

// Plus adds the minutes of o. The latency becomes the mean of both, by their minutes.
func (c Counts) Plus(o Counts) Counts {
	sum := Counts{Up: c.Up + o.Up, Degraded: c.Degraded + o.Degraded, Maintenance: c.Maintenance + o.Maintenance, Down: c.Down + o.Down}
	switch a, b := float64(c.Minutes()), float64(o.Minutes()); {
	case c.Latency == nil:
		sum.Latency = o.Latency
	case o.Latency == nil || a+b == 0:
		sum.Latency = c.Latency
	default:
		sum.Latency = new((*c.Latency*a + *o.Latency*b) / (a + b))
	}
	return sum
}

// Sum adds the minutes of all. The latency is the mean of those that have one, by their minutes.
func Sum(all []Counts) Counts {
	var sum, measured Counts
	for _, c := range all {
		sum = sum.Plus(c)
		if c.Latency != nil {
			measured = measured.Plus(c)
		}
	}
	sum.Latency = measured.Latency
	return sum
}
