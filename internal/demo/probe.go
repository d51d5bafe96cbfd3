package demo

import (
	"hash/fnv"
	"math"
	"math/rand/v2"

	"tocsin/internal/statuspage"
)

// usual is the usual latency of the monitors, in milliseconds.
var usual = map[string]float64{"website": 64, "search": 148, "checkout": 212, "accounts": 91, "email": 780, "api": 36}

// A service is a monitor of the demo data.
type service struct {
	id  int64
	tag string
}

// points are those from one minute up to another.
func (s service) points(from, to int64, all []span) []statuspage.Point {
	near := overlapping(all, s.tag, from, to)
	points := make([]statuspage.Point, 0, (to-from)/minute)
	for at := from; at < to; at += minute {
		points = append(points, s.point(at, near))
	}
	return points
}

// total is that of the day that begins at start.
func (s service) total(start int64, all []span) statuspage.DayTotals {
	t := statuspage.DayTotals{Day: start}
	for _, p := range s.points(start, start+day, all) {
		t.Add(p)
	}
	return t
}

// overlapping are the spans of a service that touch the time.
func overlapping(all []span, tag string, from, to int64) []span {
	var near []span
	for _, s := range all {
		if s.tag == tag && s.from < to && s.to > from {
			near = append(near, s)
		}
	}
	return near
}

// point is what a probe measures in the minute. It is the same each time.
func (s service) point(at int64, all []span) statuspage.Point {
	status := statuspage.StatusUp
	for _, span := range all {
		if span.from <= at && at < span.to {
			status = span.status
		}
	}
	point := statuspage.Point{Time: at, Status: status, Source: statuspage.SourceProbe}
	if status == statuspage.StatusDown {
		return point // no answer
	}
	name := fnv.New64a()
	name.Write([]byte(s.tag))
	random := rand.New(rand.NewPCG(name.Sum64(), uint64(at)))
	// Slowest at 20:00 UTC, and never twice the same.
	latency := usual[s.tag] * (1 + 0.22*math.Cos(2*math.Pi*float64(at%day-20*hour)/day)) * math.Exp(0.09*random.NormFloat64())
	if status == statuspage.StatusDegraded {
		latency *= 7
	}
	point.Latency = new(math.Round(latency*10) / 10)
	return point
}
