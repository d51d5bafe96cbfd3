package statuspage

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"slices"
	"sort"
)

// An Overlay is what maintenances make of a monitor's minutes. In a window a minute has the
// window's status, whether or not a point was posted. Its zero value changes nothing.
type Overlay struct {
	spans []overlaid // in order; they neither overlap nor touch, unless their statuses differ
}

// overlaid is the minutes from one up to another, UTC seconds.
type overlaid struct {
	from, to int64
	status   Status
}

// overlays are the impacts that do something to a minute, that of several which counts first.
var overlays = []struct {
	Impact
	Status
}{{Down, StatusDown}, {UnderMaintenance, StatusMaintenance}, {Degraded, StatusDegraded}}

// OverlayOf returns what the windows make of the minutes up to that of now (UTC seconds). Of
// several impacts at a time DOWN counts first, then MAINTENANCE, then DEGRADED; UP does
// nothing. A minute is in a window if its first second is.
func OverlayOf(windows []Window, now int64) Overlay {
	type edge struct {
		at     int64
		impact int // its place in overlays
		n      int // how many windows more are open from here on
	}
	var edges []edge
	end := FloorMinute(now) + minute
	for _, w := range windows {
		from, to := ceilMinute(w.From), min(ceilMinute(w.To), end)
		for i, o := range overlays {
			if w.Impact == o.Impact && from < to {
				edges = append(edges, edge{from, i, 1}, edge{to, i, -1})
			}
		}
	}
	slices.SortFunc(edges, func(a, b edge) int { return cmp.Compare(a.at, b.at) })
	var o Overlay
	open := make([]int, len(overlays))
	for n, e := range edges {
		open[e.impact] += e.n
		if n+1 == len(edges) || edges[n+1].at == e.at {
			continue
		}
		if i := slices.IndexFunc(open, func(n int) bool { return n > 0 }); i >= 0 {
			o.add(overlaid{e.at, edges[n+1].at, overlays[i].Status})
		}
	}
	return o
}

// add adds a span that begins where the last one ends, or later.
func (o *Overlay) add(s overlaid) {
	if last := len(o.spans) - 1; last >= 0 && o.spans[last].to == s.from && o.spans[last].status == s.status {
		o.spans[last].to = s.to
		return
	}
	o.spans = append(o.spans, s)
}

func ceilMinute(t int64) int64 { return FloorMinute(t + minute - 1) }

// from is the place of the first span that ends after t.
func (o Overlay) from(t int64) int {
	return sort.Search(len(o.spans), func(n int) bool { return o.spans[n].to > t })
}

// At returns the status of the minute that holds the second t, and false when no window has
// it.
func (o Overlay) At(t int64) (Status, bool) {
	if n := o.from(t); n < len(o.spans) && o.spans[n].from <= t {
		return o.spans[n].status, true
	}
	return "", false
}

// Point returns the point as it counts. One in a window keeps its latency.
func (o Overlay) Point(p Point) Point {
	if status, in := o.At(p.Time); in {
		p.Status, p.Source = status, SourceMaintenance
	}
	return p
}

// Outside returns the points that are in no window.
func (o Overlay) Outside(points []Point) []Point {
	return slices.DeleteFunc(slices.Clone(points), func(p Point) bool {
		_, in := o.At(p.Time)
		return in
	})
}

// Over returns the minutes of a query that have a status, in its order: posted are its points
// in that order.
func (o Overlay) Over(q PointQuery, posted iter.Seq[Point]) iter.Seq[Point] {
	return func(yield func(Point) bool) {
		from, to := q.From, q.To // of what is still to come
		for p := range posted {
			gap := MinuteRange{from, p.Time}
			from = p.Time + minute
			if q.Newest {
				gap = MinuteRange{p.Time + minute, to}
				from, to = q.From, p.Time
			}
			if !o.yield(gap, q.Newest, yield) || !yield(o.Point(p)) {
				return
			}
		}
		o.yield(MinuteRange{from, to}, q.Newest, yield)
	}
}

// yield yields the minutes of windows in the range, without its last one, as if nothing was
// posted, and returns false when it was told to stop.
func (o Overlay) yield(r MinuteRange, newest bool, yield func(Point) bool) bool {
	spans := o.within(r.From, r.To)
	if newest {
		slices.Reverse(spans)
	}
	for _, s := range spans {
		for n := range (s.to - s.from) / minute {
			at := s.from + n*minute
			if newest {
				at = s.to - (n+1)*minute
			}
			if !yield(Point{Time: at, Status: s.status, Source: SourceMaintenance}) {
				return false
			}
		}
	}
	return true
}

// within are the spans from one minute up to another, cut to these.
func (o Overlay) within(from, to int64) []overlaid {
	var all []overlaid
	for _, s := range o.spans[o.from(from):] {
		if s.from >= to {
			break
		}
		all = append(all, overlaid{max(s.from, from), min(s.to, to), s.status})
	}
	return all
}

// Gaps yields the times from one minute up to another that are in no window.
func (o Overlay) Gaps(from, to int64) iter.Seq[MinuteRange] {
	return func(yield func(MinuteRange) bool) {
		if from >= to {
			return
		}
		for _, s := range o.within(from, to) {
			if from < s.from && !yield(MinuteRange{from, s.from}) {
				return
			}
			from = s.to
		}
		if from < to {
			yield(MinuteRange{from, to})
		}
	}
}

// Count counts the minutes of windows from one minute up to another.
func (o Overlay) Count(from, to int64) Totals {
	var t Totals
	for _, s := range o.within(from, to) {
		t = t.Plus(minutesOf(s.status, (s.to-s.from)/minute))
	}
	return t
}

// LastBefore returns the newest minute of a window at or before the second t, and false when
// there is none.
func (o Overlay) LastBefore(t int64) (last int64, ok bool) {
	before := o.within(0, FloorMinute(t)+minute)
	if len(before) == 0 {
		return 0, false
	}
	return before[len(before)-1].to - minute, true
}

// Digest returns a text that is another one, as good as certainly, when windows make something
// else of the day that starts at the second, and "" when they make nothing of it.
func (o Overlay) Digest(start int64) string {
	spans := o.within(start, start+day)
	if len(spans) == 0 {
		return ""
	}
	text := ""
	for _, s := range spans {
		text += fmt.Sprintf("%d %d %s\n", s.from-start, s.to-start, s.status)
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}
