// Package demo fills a new table with what a status page could have to show after 90 days:
// incidents, open and closed, with their comments, and a status of each monitor every five
// minutes. It is invented, and the same whenever it is made, but for the time that it ends at.
package demo

import (
	"context"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"

	"tocsin/internal/statuspage"
)

const (
	// Days is how far back the demo data goes.
	Days = 90

	every  = 5 * minute // between two points
	minute = 60
	hour   = 60 * minute
	day    = 24 * hour
)

// Store is what the demo data is put into.
type Store interface {
	CreateIncident(ctx context.Context, n statuspage.NewIncident, now int64, once *statuspage.Once[statuspage.Incident]) (statuspage.Incident, error)
	CreateComment(ctx context.Context, incidentID int64, n statuspage.NewComment, now int64, once *statuspage.Once[statuspage.Comment]) (statuspage.Comment, error)

	// LoadPoints writes hours of points by the ids of their monitors, which have none yet.
	LoadPoints(ctx context.Context, hours iter.Seq2[int64, []statuspage.Point], now int64) error
}

// Begin is when the demo data begins that ends at now (both UTC seconds).
func Begin(now int64) int64 { return statuspage.FloorDay(now) - (Days-1)*day }

// Load puts the demo data of the monitors with the ids, by tag, into the store: from Begin
// to now (UTC seconds). The store must have no other data of them. An incident is about
// those of its monitors that there are.
func Load(ctx context.Context, store Store, monitors map[string]int64, now int64) error {
	all := events(now)
	if err := store.LoadPoints(ctx, hours(monitors, all, now), now); err != nil {
		return fmt.Errorf("the points of the demo data: %w", err)
	}
	for _, e := range all {
		n := statuspage.NewIncident{Title: e.title, Start: e.start, Source: statuspage.SourceAPI}
		for _, m := range e.monitors {
			if monitors[m.Tag] != 0 {
				n.Monitors = append(n.Monitors, m)
			}
		}
		i, err := store.CreateIncident(ctx, n, e.start+2*minute, nil)
		if err != nil {
			return fmt.Errorf("an incident of the demo data: %w", err)
		}
		for _, c := range e.comments {
			at := e.start + c.after*minute
			if _, err := store.CreateComment(ctx, i.ID, statuspage.NewComment{Text: c.text, Time: at, State: c.state}, at, nil); err != nil {
				return fmt.Errorf("a comment of the demo data: %w", err)
			}
		}
	}
	return nil
}

// An event is an incident, and what the monitors measured.
type event struct {
	title    string
	start    int64 // UTC seconds, a whole minute
	monitors []statuspage.MonitorImpact
	comments []comment
}

type comment struct {
	after int64 // minutes after the start
	state statuspage.State
	text  string
}

// end is when the event ends, or a time that never comes.
func (e event) end() int64 {
	if last := e.comments[len(e.comments)-1]; last.state == statuspage.Resolved {
		return e.start + last.after*minute
	}
	return math.MaxInt64
}

// events are in the order of their starts. The last two are open.
func events(now int64) []event {
	ago := func(days, hours, minutes int64) int64 {
		return statuspage.FloorDay(now) - days*day + hours*hour + minutes*minute
	}
	down, degraded := statuspage.Down, statuspage.Degraded
	return []event{
		{"Database failover took too long", ago(76, 3, 12),
			[]statuspage.MonitorImpact{{Tag: "database", Impact: down}, {Tag: "checkout-service", Impact: degraded}},
			[]comment{
				{4, statuspage.Investigating, "The primary database does not answer. The failover has begun."},
				{16, statuspage.Identified, "The replica waited for a long transaction before it took over."},
				{24, statuspage.Resolved, "The replica has taken over, and writes go through."},
			}},
		{"Slow answers of the API gateway", ago(41, 14, 5),
			[]statuspage.MonitorImpact{{Tag: "api-gateway", Impact: degraded}},
			[]comment{
				{9, statuspage.Investigating, "Requests take up to two seconds. We are looking for the cause."},
				{52, statuspage.Identified, "One of three nodes has a full disk and writes its logs slowly."},
				{95, statuspage.Monitoring, "The node is replaced. We keep an eye on it."},
				{180, statuspage.Resolved, "Answers have been quick for an hour."},
			}},
		{"Payments fail", ago(12, 9, 48),
			[]statuspage.MonitorImpact{{Tag: "checkout-service", Impact: down}},
			[]comment{
				{3, statuspage.Investigating, "Orders end with an error at the last step."},
				{21, statuspage.Identified, "The certificate of the payment provider's test system is in the last release. Rolling back."},
				{47, statuspage.Resolved, "Rolled back. Orders that failed were not charged."},
			}},
		{"Google can't be reached", ago(2, 21, 30),
			[]statuspage.MonitorImpact{{Tag: "google", Impact: down}},
			[]comment{
				{9, statuspage.Resolved, "It was a broken route of our own provider, for nine minutes."},
			}},
		{"Images load slowly in Asia", statuspage.FloorMinute(now) - 5*hour,
			nil,
			[]comment{
				{12, statuspage.Investigating, "Some visitors from Asia report slow images. Our own checks are fine."},
				{100, statuspage.Monitoring, "The provider of our content network has moved traffic to another place."},
			}},
		{"Checkout is slow", statuspage.FloorMinute(now) - 50*minute,
			[]statuspage.MonitorImpact{{Tag: "checkout-service", Impact: degraded}},
			[]comment{
				{6, statuspage.Investigating, "Orders take about four seconds. None is lost."},
				{31, statuspage.Identified, "A report runs on the same database. It ends within the hour."},
			}},
	}
}

// usual is the usual latency of the monitors, in milliseconds.
var usual = map[string]float64{"earth": 84, "google": 31, "api-gateway": 18, "checkout-service": 140, "database": 6}

// hours returns the points of the monitors before now, an hour of one after another.
func hours(monitors map[string]int64, all []event, now int64) iter.Seq2[int64, []statuspage.Point] {
	return func(yield func(int64, []statuspage.Point) bool) {
		for tag, id := range monitors {
			p := newProbe(tag, all)
			for start := Begin(now); start < statuspage.FloorMinute(now); start += hour {
				var points []statuspage.Point
				for at := start; at < min(start+hour, statuspage.FloorMinute(now)); at += every {
					points = append(points, p.point(at))
				}
				if !yield(id, points) {
					return
				}
			}
		}
	}
}

// A probe measures one monitor, time after time.
type probe struct {
	tag    string
	events []event
	random *rand.Rand
	bad    int // points that a short disturbance still takes
	status statuspage.Status
}

func newProbe(tag string, events []event) *probe {
	seed := uint64(0)
	for _, letter := range tag {
		seed = seed*31 + uint64(letter)
	}
	return &probe{tag: tag, events: events, random: rand.New(rand.NewPCG(seed, Days))}
}

// point is the next measurement. Besides what incidents tell of there are short
// disturbances, about one a week.
func (p *probe) point(at int64) statuspage.Point {
	status := statuspage.StatusUp
	if p.bad == 0 && p.random.IntN(2_000) == 0 {
		p.bad, p.status = 1+p.random.IntN(2), statuspage.StatusDegraded
		if p.random.IntN(3) == 0 {
			p.status = statuspage.StatusDown
		}
	}
	if p.bad > 0 {
		p.bad--
		status = p.status
	}
	for _, e := range p.events {
		if at < e.start || at >= e.end() {
			continue
		}
		for _, m := range e.monitors {
			if m.Tag == p.tag {
				status = statuspage.Status(m.Impact)
			}
		}
	}
	// Busier by day, and never twice the same.
	latency := usual[p.tag] * (1 + 0.2*math.Sin(2*math.Pi*float64(at%day)/day-math.Pi/2)) * math.Exp(0.1*p.random.NormFloat64())
	point := statuspage.Point{Time: at, Status: status, Source: statuspage.SourceProbe}
	switch status {
	case statuspage.StatusDown:
		return point // no answer
	case statuspage.StatusDegraded:
		latency *= 12
	}
	point.Latency = new(math.Round(latency*10) / 10)
	return point
}
