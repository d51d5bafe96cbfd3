// Package demo fills a new table with what a status page has to show after 90 days: the
// monitors of a company that does not exist, how they were in each minute, two incidents of
// the past, one that is going on, and a maintenance tomorrow. While tocsin serve runs, Continue goes on with it.
//
// The story is the same whenever it is loaded, but for the time that it ends at.
package demo

import (
	"context"
	"fmt"
	"iter"

	"tocsin/internal/statuspage"
)

const (
	// Days is how far back the demo data goes, today included.
	Days = 90

	// minutesKept is of how many whole days before today the single minutes are loaded. Of the
	// days before them there are totals alone: loading all minutes would take the first run two
	// minutes, since DynamoDB Local writes some hundred items a second to the disk.
	minutesKept = 2

	minute = 60
	hour   = 60 * minute
	day    = 24 * hour
)

// marker is the type_data of the monitors that Load makes, and by which Continue knows them.
const marker statuspage.JSONObject = `{"demo":true}`

// Store is what the demo data is put into.
type Store interface {
	CreateMonitor(ctx context.Context, m statuspage.Monitor, now int64, once *statuspage.Once[statuspage.Monitor]) (statuspage.Monitor, error)
	Monitors(ctx context.Context, q statuspage.MonitorQuery, take func(statuspage.Monitor) bool) (int64, error)
	CreateIncident(ctx context.Context, n statuspage.NewIncident, now int64, once *statuspage.Once[statuspage.Incident]) (statuspage.Incident, error)
	Incidents(ctx context.Context, q statuspage.IncidentQuery, take func(statuspage.Incident) bool) (*statuspage.IncidentPosition, error)
	CreateComment(ctx context.Context, incidentID int64, n statuspage.NewComment, now int64, once *statuspage.Once[statuspage.Comment]) (statuspage.Comment, error)
	CreateMaintenance(ctx context.Context, n statuspage.NewMaintenance, now int64, once *statuspage.Once[statuspage.Maintenance]) (statuspage.Maintenance, error)
	Points(ctx context.Context, tag string, q statuspage.PointQuery, now int64, take func(statuspage.Point) bool) (*statuspage.Point, error)
	RecordPoints(ctx context.Context, points []statuspage.TaggedPoint, now int64) []error

	// LoadPoints writes hours of points by the ids of their monitors, which have none yet.
	LoadPoints(ctx context.Context, hours iter.Seq2[int64, []statuspage.Point], now int64) error

	// LoadDays writes totals of days by the ids of their monitors, which have no points in them.
	LoadDays(ctx context.Context, days iter.Seq2[int64, statuspage.DayTotals], now int64) error
}

// Begin is when the demo data begins that ends at now (both UTC seconds).
func Begin(now int64) int64 { return statuspage.FloorDay(now) - (Days-1)*day }

// Load makes the monitors in a table that has none, and tells their story up to now (UTC
// seconds).
func Load(ctx context.Context, store Store, now int64) error {
	var services []service
	for _, m := range Monitors() {
		m.TypeData = marker
		made, err := store.CreateMonitor(ctx, m, Begin(now), nil)
		if err != nil {
			return fmt.Errorf("a monitor of the demo data: %w", err)
		}
		services = append(services, service{id: made.ID, tag: m.Tag})
	}
	told := incidents(now)
	if err := write(ctx, store, services, append(spans(told), disturbances(now)...), Begin(now), now); err != nil {
		return err
	}
	for _, i := range told {
		made, err := store.CreateIncident(ctx, statuspage.NewIncident{Title: i.title, Start: i.start, Monitors: i.monitors, Source: statuspage.SourcePerson}, i.start+2*minute, nil)
		if err != nil {
			return fmt.Errorf("an incident of the demo data: %w", err)
		}
		for _, c := range i.comments {
			if err := comment(ctx, store, made.ID, i.start, c); err != nil {
				return err
			}
		}
	}
	if _, err := store.CreateMaintenance(ctx, maintenance(now), now-2*day, nil); err != nil {
		return fmt.Errorf("the maintenance of the demo data: %w", err)
	}
	return nil
}

func comment(ctx context.Context, store Store, incidentID, start int64, u update) error {
	at := start + u.after*minute
	if _, err := store.CreateComment(ctx, incidentID, statuspage.NewComment{Text: u.text, Time: at, State: u.state}, at, nil); err != nil {
		return fmt.Errorf("a comment of the demo data: %w", err)
	}
	return nil
}

// write puts down how the services were from the beginning of an hour up to the minute of now (UTC
// seconds). From that hour on there must be no points yet.
func write(ctx context.Context, store Store, services []service, all []span, from, now int64) error {
	end, kept := statuspage.FloorMinute(now), statuspage.FloorDay(now)-minutesKept*day
	isDay := func(at int64) bool { return at < kept && at == statuspage.FloorDay(at) }
	days := func(yield func(int64, statuspage.DayTotals) bool) {
		for _, s := range services {
			for at := statuspage.FloorDay(from + day - 1); at < kept; at += day {
				if !yield(s.id, s.total(at, all)) {
					return
				}
			}
		}
	}
	hours := func(yield func(int64, []statuspage.Point) bool) {
		for _, s := range services {
			for at := from; at < end; {
				if isDay(at) {
					at += day
					continue
				}
				if !yield(s.id, s.points(at, min(at+hour, end), all)) {
					return
				}
				at += hour
			}
		}
	}
	if err := store.LoadDays(ctx, days, now); err != nil {
		return fmt.Errorf("the days of the demo data: %w", err)
	}
	if err := store.LoadPoints(ctx, hours, now); err != nil {
		return fmt.Errorf("the points of the demo data: %w", err)
	}
	return nil
}
