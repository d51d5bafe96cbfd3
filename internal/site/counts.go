package site

// Uptime is the percentage of the counted minutes in which it was up, and false when there are
// none. A degraded minute is one of them, unless degradedIsDown. The minutes of a maintenance
// count neither way: they were announced.
func (c Counts) Uptime(degradedIsDown bool) (float64, bool) {
	up := c.Up
	if !degradedIsDown {
		up += c.Degraded
	}
	all := c.Up + c.Degraded + c.Down
	return float64(up) / float64(all) * 100, all > 0
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
