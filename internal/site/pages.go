package site

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"tocsin/internal/statuspage"
)

// LoadIncident reads one incident as it is at now (UTC seconds), strongly consistent. It
// returns the IncidentNotFound of package statuspage when there is none, or when it
// concerns only monitors that are not shown.
func LoadIncident(ctx context.Context, store Store, id, now int64) (Incident, error) {
	var record statuspage.LegacyIncident
	var monitors []statuspage.Monitor
	var comments []statuspage.Comment
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		record, err = store.LegacyIncident(gctx, id)
		return err
	})
	g.Go(func() (err error) {
		monitors, err = shownMonitors(gctx, store)
		return err
	})
	g.Go(func() (err error) {
		comments, err = store.NewestComments(gctx, id, MaxUpdates)
		return err
	})
	if err := g.Wait(); err != nil {
		return Incident{}, err
	}
	shown := episodes([]statuspage.Incident{record.Incident}, monitors)
	if len(shown) == 0 {
		return Incident{}, statuspage.IncidentNotFound(id)
	}
	i := shown[0].view(comments)
	i.Body = record.Body
	return i, nil
}

// reach is how long before a month an incident that is over may have begun, for its part in
// that month to be found.
const reach = 31 * day

// monthsLookedAt is how many of the newest incidents before a month are looked at, for one
// that is shown.
const monthsLookedAt = 50

// LoadMonth reads the incidents that were going on in the UTC month that begins at start, as
// they are at now (both UTC seconds). Their records are as fresh as those of Load. The
// newest MaxIncidents that began in the month are read, as many of the 31 days before it,
// and as many open ones: an incident that began earlier, reached into the month and is over
// is not found.
func LoadMonth(ctx context.Context, store Store, start, now int64) (Month, error) {
	r := reader{store: store, now: now}
	m := Month{Start: start, End: statuspage.NextMonth(start)}
	listed, err := r.lists(ctx, []statuspage.IncidentQuery{
		{From: start, To: m.End - 1, Limit: MaxIncidents},
		{From: max(start-reach, 0), To: start - 1, Limit: MaxIncidents},
		{To: start - 1, Open: new(true), Limit: MaxIncidents},
		{To: start - 1, Limit: monthsLookedAt},
	})
	if err != nil {
		return Month{}, err
	}
	incidents, err := r.merge(ctx, slices.Concat(listed...))
	if err != nil {
		return Month{}, err
	}
	var wanted []episode
	for _, e := range episodes(incidents, r.monitors) {
		m.Earlier = m.Earlier || e.Start < start
		if e.wasIn(m, now) {
			wanted = append(wanted, e)
		}
	}
	if len(wanted) > MaxIncidents {
		wanted = wanted[:MaxIncidents]
	}
	comments, err := r.comments(ctx, episodeIDs(wanted), nil)
	if err != nil {
		return Month{}, err
	}
	for _, e := range wanted {
		m.Incidents = append(m.Incidents, e.view(comments[e.ID]))
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
