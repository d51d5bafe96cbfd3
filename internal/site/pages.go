package site

import (
	"context"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"tocsin/internal/statuspage"
)

// Shown are the monitors that are shown, as they were when they were read. The pages of
// incidents and months name them.
type Shown struct {
	monitors []statuspage.Monitor
	home     []statuspage.Monitor // of whose incidents alone months tell; nil: of all
}

// LoadShown reads them, strongly consistent.
func LoadShown(ctx context.Context, store Store) (Shown, error) {
	var m memory
	err := m.relist(ctx, store)
	return shownOf(m.monitors, m.pages, m.settings), err
}

func shownOf(monitors []statuspage.Monitor, pages []statuspage.Page, settings []statuspage.SiteSetting) Shown {
	s := Shown{monitors: monitors}
	for _, p := range pages {
		if p.Home() && !p.All && SettingsOf(settings).Exclusive {
			s.home = append([]statuspage.Monitor{}, p.Shows(monitors)...)
		}
	}
	return s
}

// LoadIncident reads one incident as it is now, strongly consistent. It
// returns the IncidentNotFound of package statuspage when there is none, or when it
// concerns only monitors that are not shown.
func (s Shown) LoadIncident(ctx context.Context, store Store, id int64) (Incident, error) {
	var record statuspage.LegacyIncident
	var comments []statuspage.Comment
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		record, err = store.LegacyIncident(gctx, id)
		return err
	})
	g.Go(func() (err error) {
		comments, err = store.NewestComments(gctx, id, MaxUpdates)
		return err
	})
	if err := g.Wait(); err != nil {
		return Incident{}, err
	}
	shown := episodes([]statuspage.Incident{record.Incident}, s.monitors)
	if len(shown) == 0 {
		return Incident{}, statuspage.IncidentNotFound(id)
	}
	i := shown[0].view(comments)
	i.Body = record.Body
	return i, nil
}

// seriesPast is how many occurrences of a maintenance that have begun its page shows.
const seriesPast = 10

// LoadSeries reads a maintenance as it is at now (UTC seconds), with its occurrences that are to
// come and the newest that have begun, and of those with the asked ids the ones that exist, by
// id; strongly consistent. It returns the MaintenanceNotFound of package statuspage when there
// is none, when it is INACTIVE or never on, or when it concerns only monitors that are not shown.
func (s Shown) LoadSeries(ctx context.Context, store Store, id int64, asked []int64, now int64) (Series, map[int64]Maintenance, error) {
	records, err := store.MaintenancesByID(ctx, []int64{id})
	if err != nil {
		return Series{}, nil, err
	}
	works := worksOf(slices.Collect(maps.Values(records)), s.monitors, now)
	if len(works) == 0 {
		return Series{}, nil, statuspage.MaintenanceNotFound(id)
	}
	w := works[0]
	byID := map[int64]statuspage.Occurrence{}
	for _, o := range w.Recent {
		byID[o.ID] = o
	}
	var more map[int64]statuspage.Occurrence
	past := 0
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		return store.OccurrencesBefore(gctx, id, statuspage.OccurrencePosition{Start: now + 1}, func(o statuspage.Occurrence) bool {
			byID[o.ID] = o
			past++
			return past < seriesPast
		})
	})
	g.Go(func() (err error) {
		more, err = store.OccurrencesByID(gctx, id, asked)
		return err
	})
	if err := g.Wait(); err != nil {
		return Series{}, nil, err
	}
	series := Series{Maintenance: w.view()}
	for _, o := range byID {
		series.Occurrences = append(series.Occurrences, w.occurrence(o, now))
	}
	if len(byID) == 0 && len(more) == 0 {
		return Series{}, nil, statuspage.MaintenanceNotFound(id)
	}
	sortMaintenances(series.Occurrences)
	found := map[int64]Maintenance{}
	for _, o := range more {
		found[o.ID] = w.occurrence(o, now)
	}
	return series, found, nil
}

// reach is how long before a month an incident that is over may have begun, for its part in
// that month to be found.
const reach = 31 * day

// monthsLookedAt is how many of the newest incidents before a month are looked at, for one
// that is shown.
const monthsLookedAt = 50

// LoadMonth reads the incidents that were going on in the UTC month that begins at start, as
// they are at now (both UTC seconds). Their records are as fresh as those of Load. The
// newest MaxIncidents+1 that began in the month are read and, if there are so many, as many of
// each of its days; MaxIncidents of the 31 days before it, and as many open ones: an incident that
// began earlier, reached into the month and is over is not found.
func (s Shown) LoadMonth(ctx context.Context, store Store, start, now int64) (Month, error) {
	r := reader{store: store, now: now}
	m := Month{Start: start, End: statuspage.NextMonth(start)}
	var listed [][]statuspage.Incident
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		r.changes, err = store.ChangesSince(gctx, now-lag, now)
		return err
	})
	g.Go(func() (err error) {
		listed, err = r.lists(gctx, []statuspage.IncidentQuery{
			{From: start, To: m.End - 1, Limit: MaxIncidents + 1},
			{From: max(start-reach, 0), To: start - 1, Limit: MaxIncidents},
			{To: start - 1, Open: new(true), Limit: MaxIncidents},
			{To: start - 1, Limit: monthsLookedAt},
		})
		return err
	})
	if err := g.Wait(); err != nil {
		return Month{}, err
	}
	if len(listed[0]) > MaxIncidents {
		var days []statuspage.IncidentQuery
		for at := start; at < m.End; at += day {
			days = append(days, statuspage.IncidentQuery{From: at, To: at + day - 1, Limit: MaxIncidents + 1})
		}
		more, err := r.lists(ctx, days)
		if err != nil {
			return Month{}, err
		}
		listed = append(listed, more...)
	}
	incidents, err := r.merge(ctx, slices.Concat(listed...))
	if err != nil {
		return Month{}, err
	}
	var wanted, reopened []episode
	of := s.monitors
	if s.home != nil {
		of = s.home
	}
	for _, e := range episodes(incidents, of) {
		m.Earlier = m.Earlier || e.Start < start
		if e.wasIn(m, now) {
			wanted = append(wanted, e)
		}
		if e.reopened() {
			reopened = append(reopened, e)
		}
	}
	comments, err := r.comments(ctx, episodeIDs(reopened), nil)
	if err != nil {
		return Month{}, err
	}
	for _, e := range wanted {
		i := e.view(comments[e.ID])
		i.Updates = nil
		m.Incidents = append(m.Incidents, i)
	}
	return m, nil
}

// wasIn reports whether the incident began in the month or reached into it. One that is to
// begin later is in the month of its start.
func (e episode) wasIn(m Month, now int64) bool {
	return e.Start >= m.Start && e.Start < m.End || e.touches(m.Start, m.End, now)
}

func episodeIDs(episodes []episode) []int64 {
	all := make([]int64, len(episodes))
	for n, e := range episodes {
		all[n] = e.ID
	}
	return all
}
