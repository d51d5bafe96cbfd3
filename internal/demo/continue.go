package demo

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"tocsin/internal/statuspage"
)

// loaded are the monitors that Load has made and that are still there.
func loaded(ctx context.Context, store Store) ([]service, error) {
	var services []service
	_, err := store.Monitors(ctx, statuspage.MonitorQuery{Limit: 1000}, func(m statuspage.Monitor) bool {
		if m.TypeData == marker && !m.Inactive() {
			services = append(services, service{id: m.ID, tag: m.Tag})
		}
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("the monitors of the demo data: %w", err)
	}
	return services, nil
}

// CatchUp tells what happened since Load or the last call of Post, while nothing ran: nothing
// much, and the end of the incident that was going on. It reports whether the table has demo
// data at all. Nobody else must write meanwhile.
func CatchUp(ctx context.Context, store Store, now int64) (bool, error) {
	services, err := loaded(ctx, store)
	if err != nil || len(services) == 0 {
		return false, err
	}
	all, err := open(ctx, store, now)
	if err != nil {
		return false, err
	}
	for _, s := range services {
		newest, err := newestPoint(ctx, store, s, now)
		if err != nil {
			return false, err
		}
		// What is missing of the hour of the newest point stays missing.
		from := max(statuspage.FloorHour(newest)+hour, Begin(now))
		if err := write(ctx, store, []service{s}, all, from, now); err != nil {
			return false, err
		}
	}
	return true, nil
}

// newestPoint is the minute of the service's newest point, 0 for none in Days. Minutes of a
// maintenance tell nothing: they are there without points. The hours from there on are written
// again, as they were.
func newestPoint(ctx context.Context, store Store, s service, now int64) (int64, error) {
	var newest int64
	q := statuspage.PointQuery{From: Begin(now), To: statuspage.FloorMinute(now) + minute, Newest: true}
	_, err := store.Points(ctx, s.tag, q, now, func(p statuspage.Point) bool {
		if p.Source != statuspage.SourceMaintenance {
			newest = p.Time
		}
		return newest == 0
	})
	if err != nil {
		return 0, fmt.Errorf("the newest point of %s: %w", s.tag, err)
	}
	return newest, nil
}

// Post measures the services in the minute of now (UTC seconds): each is as bad as the open
// incidents say that concern it.
func Post(ctx context.Context, store Store, now int64) error {
	services, err := loaded(ctx, store)
	if err != nil {
		return err
	}
	all, err := open(ctx, store, now)
	if err != nil {
		return err
	}
	var points []statuspage.TaggedPoint
	for _, s := range services {
		points = append(points, statuspage.TaggedPoint{Tag: s.tag, Point: s.point(statuspage.FloorMinute(now), overlapping(all, s.tag, now, now+1))})
	}
	return errors.Join(store.RecordPoints(ctx, points, now)...)
}

// Run calls Post each minute until ctx ends, and tells report of what fails.
func Run(ctx context.Context, store Store, report func(error)) {
	tick := time.NewTicker(minute * time.Second)
	defer tick.Stop()
	for {
		if err := Post(ctx, store, time.Now().Unix()); err != nil && ctx.Err() == nil {
			report(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// open is what the open incidents do to the services. The one of the story ends here when its
// time has come.
func open(ctx context.Context, store Store, now int64) ([]span, error) {
	var all []span
	var over []statuspage.Incident
	_, err := store.Incidents(ctx, statuspage.IncidentQuery{To: now, Open: new(true), Limit: 100}, func(i statuspage.Incident) bool {
		end := int64(math.MaxInt64)
		if i.Title == openTitle && i.Source == statuspage.SourcePerson {
			if end = i.Start + theEnd.after*minute; end <= now {
				over = append(over, i)
			}
		}
		for _, m := range i.Monitors {
			all = append(all, span{m.Tag, i.Start, end, statuspage.Status(m.Impact)})
		}
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("the open incidents of the demo data: %w", err)
	}
	for _, i := range over {
		if err := comment(ctx, store, i.ID, i.Start, theEnd); err != nil {
			return nil, err
		}
	}
	return all, nil
}
