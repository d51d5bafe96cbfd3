package site

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"tocsin/internal/statuspage"
)

// Bounds of what is read.
const (
	MaxMonitors  = 2000 // the newest ones
	MaxIncidents = 500  // of each list: open ones, ended ones of the last Days, those of a month
	MaxUpdates   = 500  // of an incident, the newest
)

const (
	minute = 60
	hour   = 60 * minute
	day    = 24 * hour

	hoursShown = 48

	// lag is for how many seconds an index may not have a write yet. What was changed in
	// that time is read by its key.
	lag = 10 * minute

	monitorsAtOnce  = 50 // whose history is read, by two calls each
	incidentsAtOnce = 50 // whose updates are read
)

// Store is what the pages need of a repository.
type Store interface {
	// Monitors lists monitors, the newest first.
	Monitors(ctx context.Context, q statuspage.MonitorQuery, take func(statuspage.Monitor) bool) (next int64, err error)

	// Incidents lists incidents, the newest start first. It may lag behind writes.
	Incidents(ctx context.Context, q statuspage.IncidentQuery, take func(statuspage.Incident) bool) (next *statuspage.IncidentPosition, err error)

	// IncidentsByID returns the incidents with the ids, as they are now; one that does not
	// exist is missing.
	IncidentsByID(ctx context.Context, ids []int64) (map[int64]statuspage.Incident, error)

	// LegacyIncident returns the incident with its body, as it is now, or IncidentNotFound.
	LegacyIncident(ctx context.Context, id int64) (statuspage.LegacyIncident, error)

	// NewestComments returns so many comments of the incident, as they are now, newest time
	// first, then id falling; none when there is no such incident.
	NewestComments(ctx context.Context, incidentID int64, limit int) ([]statuspage.Comment, error)

	// ChangesSince returns the changes since a time (UTC seconds), as they are now, in no
	// order. A change whose writer's clock is ahead of now is among them.
	ChangesSince(ctx context.Context, since, now int64) ([]statuspage.Change, error)

	// History returns the points of the monitor with the id, counted. The newest hours are as
	// they are now, the totals of days as they were a moment ago.
	History(ctx context.Context, monitorID int64, q statuspage.HistoryQuery, now int64) (statuspage.History, error)
}

// Config is what an operator says about the pages.
type Config struct {
	Name   string // of the whole
	URL    string // origin of the pages, without a slash at the end; "" when it is not known
	Notice string // above everything; "" none
	Demo   string // command that clears the data, which is invented; "" when it is not
}

// Load reads the site as it is at now (UTC seconds).
//
// The indexes by which incidents are listed lag behind writes. So every incident that was
// changed in the last ten minutes is read by its key too, strongly consistent, and counts
// instead of what an index has: a deleted one is not shown and a new one is. Monitors,
// comments and the newest hours are read strongly consistent, totals of days before
// yesterday eventually.
//
// For 50 monitors and 50 incidents the calls wait for one another at most four times: the
// lists; histories, comments and changed incidents; the hours of days that have no totals;
// the writing of these.
//
// Of monitors and incidents the newest MaxMonitors and MaxIncidents are read. An incident
// that began more than Days ago and is over is known only while it is among the Newest.
//
// Who loads again and again uses a Loader.
func Load(ctx context.Context, store Store, c Config, now int64) (*Site, error) {
	return NewLoader(store, c).Load(ctx, now)
}

// A Loader loads a site, and remembers what seldom changes. It is safe for use by many
// goroutines; their loads wait for one another.
type Loader struct {
	store  Store
	config Config

	mu     sync.Mutex
	memory memory
}

// NewLoader returns a loader that remembers nothing yet.
func NewLoader(store Store, c Config) *Loader { return &Loader{store: store, config: c} }

// Load is as the function Load is, but for what the loader remembers: of each monitor the
// newest two hours are read each time, the other hours and the days once an hour and
// whenever a client has set or deleted some of them. So points that a probe posts more than
// an hour late are shown up to an hour late. The comments of an incident are read again
// when it was changed.
func (l *Loader) Load(ctx context.Context, now int64) (*Site, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := reader{store: l.store, now: now}
	listed, err := r.lists(ctx, []statuspage.IncidentQuery{
		{To: statuspage.MaxTimestamp, Open: new(true), Limit: MaxIncidents},
		{To: statuspage.MaxTimestamp, Open: new(false), Limit: Newest},
		{From: dayRange(now).From, To: statuspage.MaxTimestamp, Open: new(false), Limit: MaxIncidents},
	})
	if err != nil {
		return nil, err
	}
	known := l.memory.at(now, r.changes)
	of := material{monitors: r.monitors}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		of.histories, err = r.histories(gctx, known.histories)
		return err
	})
	g.Go(func() (err error) {
		shown := append(ids(slices.Concat(listed[:2]...)), r.changedIDs()...)
		of.comments, err = r.comments(gctx, shown, known.comments)
		return err
	})
	g.Go(func() (err error) {
		of.incidents, err = r.merge(gctx, slices.Concat(listed...))
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	l.memory = memory{loaded: now, histories: of.histories, comments: of.comments}
	return build(l.config, of, now), nil
}

// A reader reads what pages are made of.
type reader struct {
	store    Store
	now      int64
	monitors []statuspage.Monitor // those that are shown, by id
	changes  []statuspage.Change  // of the last ten minutes
}

// lists reads the monitors, the changes and lists of incidents, at once.
func (r *reader) lists(ctx context.Context, queries []statuspage.IncidentQuery) ([][]statuspage.Incident, error) {
	found := make([][]statuspage.Incident, len(queries))
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		r.monitors, err = shownMonitors(gctx, r.store)
		return err
	})
	g.Go(func() (err error) {
		r.changes, err = r.store.ChangesSince(gctx, r.now-lag, r.now)
		return err
	})
	for n, q := range queries {
		g.Go(func() error {
			_, err := r.store.Incidents(gctx, q, func(i statuspage.Incident) bool {
				if len(found[n]) == q.Limit {
					return false
				}
				found[n] = append(found[n], i)
				return true
			})
			return err
		})
	}
	return found, g.Wait()
}

// shownMonitors returns the monitors that are shown, by id.
func shownMonitors(ctx context.Context, store Store) ([]statuspage.Monitor, error) {
	var shown []statuspage.Monitor
	_, err := store.Monitors(ctx, statuspage.MonitorQuery{Limit: MaxMonitors}, func(m statuspage.Monitor) bool {
		if m.Public() {
			shown = append(shown, m)
		}
		return true
	})
	slices.SortFunc(shown, func(a, b statuspage.Monitor) int { return cmp.Compare(a.ID, b.ID) })
	return shown, err
}

// histories reads those of the monitors, by monitor id. Of those that are known only the
// newest hours are read.
func (r *reader) histories(ctx context.Context, known map[int64]history) (map[int64]history, error) {
	all := map[int64]history{}
	var mu sync.Mutex
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(monitorsAtOnce)
	for _, m := range r.monitors {
		g.Go(func() error {
			h, is := known[m.ID]
			q := newestHours(r.now)
			if !is {
				q = wholeHistory(r.now)
				h = history{read: r.now}
			}
			more, err := r.store.History(gctx, m.ID, q, r.now)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			all[m.ID] = h.with(more, q)
			return nil
		})
	}
	return all, g.Wait()
}

// comments reads the newest ones of the incidents with the ids, by incident id, but for
// those that are known.
func (r *reader) comments(ctx context.Context, ids []int64, known map[int64][]statuspage.Comment) (map[int64][]statuspage.Comment, error) {
	slices.Sort(ids)
	all := map[int64][]statuspage.Comment{}
	var mu sync.Mutex
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(incidentsAtOnce)
	for _, id := range slices.Compact(ids) {
		if of, is := known[id]; is {
			mu.Lock()
			all[id] = of
			mu.Unlock()
			continue
		}
		g.Go(func() error {
			of, err := r.store.NewestComments(gctx, id, MaxUpdates)
			mu.Lock()
			defer mu.Unlock()
			all[id] = of
			return err
		})
	}
	return all, g.Wait()
}

// changedIDs are the incidents that were changed in the last ten minutes.
func (r *reader) changedIDs() []int64 {
	return slices.Collect(maps.Keys(incidentVersions(r.changes)))
}

// merge returns the incidents, each once, the newest start first: as they are by their keys
// if they were changed in the last ten minutes, else as they were listed.
func (r *reader) merge(ctx context.Context, listed []statuspage.Incident) ([]statuspage.Incident, error) {
	versions := incidentVersions(r.changes)
	fresh, err := readFresh(ctx, r.store, versions)
	if err != nil {
		return nil, err
	}
	byID := map[int64]statuspage.Incident{}
	for _, i := range listed {
		if _, changed := versions[i.ID]; !changed {
			byID[i.ID] = i
		}
	}
	maps.Copy(byID, fresh)
	return slices.SortedFunc(maps.Values(byID), func(a, b statuspage.Incident) int {
		return cmp.Or(cmp.Compare(b.Start, a.Start), cmp.Compare(b.ID, a.ID))
	}), nil
}

// gone is the version of an incident that was deleted.
const gone = -1

// incidentVersions are the versions that the changes left of incidents, by id; gone of one
// that was deleted.
func incidentVersions(changes []statuspage.Change) map[int64]int64 {
	versions := map[int64]int64{}
	for _, c := range changes {
		switch was, seen := versions[c.ID]; {
		case c.Record != statuspage.RecordIncident || seen && was == gone:
		case c.What == statuspage.Deleted:
			versions[c.ID] = gone
		default:
			versions[c.ID] = max(was, c.Version)
		}
	}
	return versions
}

// freshTries is how often incidents are read that are older than their change rows. The
// items of a transaction can become visible one after another, within moments.
const freshTries = 4

// readFresh reads incidents by their keys until they have the versions, or newer ones. One
// that is missing each time was deleted since. One that stays older is taken as it is.
func readFresh(ctx context.Context, store Store, versions map[int64]int64) (map[int64]statuspage.Incident, error) {
	fresh := map[int64]statuspage.Incident{}
	var want []int64
	for id, version := range versions {
		if version != gone {
			want = append(want, id)
		}
	}
	for range freshTries {
		if len(want) == 0 {
			break
		}
		found, err := store.IncidentsByID(ctx, want)
		if err != nil {
			return nil, err
		}
		maps.Copy(fresh, found)
		want = slices.DeleteFunc(want, func(id int64) bool {
			i, there := found[id]
			return there && i.Version >= versions[id]
		})
	}
	return fresh, nil
}

func ids(incidents []statuspage.Incident) []int64 {
	all := make([]int64, len(incidents))
	for n, i := range incidents {
		all[n] = i.ID
	}
	return all
}

// dayRange are the days that a page shows.
func dayRange(now int64) statuspage.DayRange { return statuspage.LastDays(Days, now) }

// firstHour is the first of the hours that a page shows.
func firstHour(now int64) int64 { return statuspage.FloorHour(now) - (hoursShown-1)*hour }
