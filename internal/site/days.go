package site

import (
	"cmp"
	"slices"

	"tocsin/internal/statuspage"
)

// A span is a time, from one second up to another, in which an incident did something to a
// monitor.
type span struct {
	from, to int64
	status   Status
}

// A cover is when incidents made a monitor at least so bad: spans in order that do not touch
// each other.
type cover struct{ down, degraded, maintenance []span }

func coverOf(spans []span) cover {
	spans = slices.SortedFunc(slices.Values(spans), func(a, b span) int { return cmp.Compare(a.from, b.from) })
	atLeast := func(statuses ...Status) []span {
		var all []span
		for _, s := range spans {
			switch n := len(all); {
			case !slices.Contains(statuses, s.status) || s.from >= s.to:
			case n > 0 && s.from <= all[n-1].to:
				all[n-1].to = max(all[n-1].to, s.to)
			default:
				all = append(all, s)
			}
		}
		return all
	}
	return cover{atLeast(Down), atLeast(Down, Degraded), atLeast(Down, Degraded, UnderMaintenance)}
}

// minutesOf counts the minutes of the spans from one second up to another.
func minutesOf(spans []span, from, to int64) int64 {
	seconds := int64(0)
	for _, s := range spans {
		seconds += max(0, min(s.to, to)-max(s.from, from))
	}
	return seconds / minute
}

// declaredCounts counts the minutes, from one second up to another, of a monitor without
// points: it was as declared, or worse while incidents say so. NoData counts nowhere.
func declaredCounts(from, to int64, declared Status, incidents cover) Counts {
	var c Counts
	if from >= to {
		return c
	}
	down := minutesOf(incidents.down, from, to)
	degraded := minutesOf(incidents.degraded, from, to)
	maintenance := minutesOf(incidents.maintenance, from, to)
	c.add(declared.with(Down), down)
	c.add(declared.with(Degraded), degraded-down)
	c.add(declared.with(UnderMaintenance), maintenance-degraded)
	c.add(declared, (to-from)/minute-maintenance)
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
	c := Counts{Up: t.Up, Degraded: t.Degraded, Maintenance: t.Maintenance, Down: t.Down}
	if latency, measured := t.Latency(); measured {
		c.Latency = &latency
	}
	return c
}
