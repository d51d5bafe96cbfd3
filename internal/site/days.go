package site

import (
	"slices"

	"tocsin/internal/statuspage"
)

// A span is a time, from one second up to another, in which an incident did something to a
// monitor.
type span struct {
	from, to int64
	status   Status
}

// declaredCounts counts the minutes, from one second up to another, of a monitor without
// points: it was as declared, or worse while spans say so. NoData counts nowhere.
func declaredCounts(from, to int64, declared Status, spans []span) Counts {
	var c Counts
	if from >= to {
		return c
	}
	cuts := []int64{from, to}
	for _, s := range spans {
		cuts = append(cuts, min(max(s.from, from), to), min(max(s.to, from), to))
	}
	slices.Sort(cuts)
	for n, begin := range cuts[:len(cuts)-1] {
		status := declared
		for _, s := range spans {
			if s.from <= begin && begin < s.to {
				status = status.with(s.status)
			}
		}
		c.add(status, (cuts[n+1]-begin)/minute)
	}
	return c
}

// add counts minutes of the status.
func (c *Counts) add(s Status, minutes int64) {
	switch s {
	case Up:
		c.Up += minutes
	case Degraded:
		c.Degraded += minutes
	case UnderMaintenance:
		c.Maintenance += minutes
	case Down:
		c.Down += minutes
	}
}

// measuredCounts are the counts of points.
func measuredCounts(t statuspage.Totals) Counts {
	c := Counts{Up: t.Up, Degraded: t.Degraded, Down: t.Down}
	if latency, measured := t.Latency(); measured {
		c.Latency = &latency
	}
	return c
}
