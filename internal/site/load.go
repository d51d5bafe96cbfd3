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

	MaxMaintenances = 500 // those that are the last to be over for good
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

	// MaintenancesSince lists the maintenances that are not over for good before a time (UTC
	// seconds), the last ones to be so first. It may lag behind writes.
	MaintenancesSince(ctx context.Context, since int64, take func(statuspage.Maintenance) bool) error

	// MaintenancesByID returns the maintenances with the ids, as they are now; one that does
	// not exist is missing.
	MaintenancesByID(ctx context.Context, ids []int64) (map[int64]statuspage.Maintenance, error)

	// OccurrencesByID returns the occurrences of a maintenance with the ids, as they are now; one
	// that does not exist is missing.
	OccurrencesByID(ctx context.Context, maintenanceID int64, ids []int64) (map[int64]statuspage.Occurrence, error)

	// OccurrencesBefore lists the occurrences that stand before a position in the order of
	// starts and then of ids, the newest first: of a maintenance as they are now or, with the id
	// 0, of all, which may lag behind writes.
	OccurrencesBefore(ctx context.Context, maintenanceID int64, before statuspage.OccurrencePosition, take func(statuspage.Occurrence) bool) error

	// Pages lists pages, by id: first the home page, which is there also when nobody has made it.
	Pages(ctx context.Context, q statuspage.PageQuery, take func(statuspage.Page) bool) (next int64, err error)

	// SiteSettings returns the settings of the site that somebody has set, in no order.
	SiteSettings(ctx context.Context) ([]statuspage.SiteSetting, error)

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
// The indexes by which incidents and maintenances are listed lag behind writes. So every one
// that was changed in the last ten minutes is read by its key too, strongly consistent, and
// counts instead of what an index has: a deleted one is not shown and a new one is. Monitors,
// comments and the newest hours are read strongly consistent, totals of days before
// yesterday eventually.
//
// For 50 monitors and 50 incidents the calls wait for one another at most four times: the
// lists; histories, comments and changed incidents; the hours of days that have no totals;
// the writing of these. Maintenances that were changed lately are one call more.
//
// Of monitors and incidents the newest MaxMonitors and MaxIncidents are read, of maintenances
// MaxMaintenances. An incident
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
// an hour late are shown up to an hour late. Monitors and the lists of incidents are read
// every ten minutes; monitors also when one of them was changed, and an incident and its comments
// when it was.
func (l *Loader) Load(ctx context.Context, now int64) (*Site, error) {
	s, _, err := l.LoadSince(ctx, now, now, false)
	return s, err
}

// LoadSince is as Load is, and also returns what was changed since a time, UTC seconds. That
// is read before the site: what the site does not tell yet, the next changes tell of. A change
// is as old as the request that made it, which may have taken half a minute: ask from some time
// before the last look on.
//
// A lax load is cheaper: the newest hours of monitors may be as they were a moment ago. It is for
// finding out whether there is something new.
func (l *Loader) LoadSince(ctx context.Context, since, now int64, lax bool) (*Site, []statuspage.Change, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := reader{store: l.store, now: now, lax: lax}
	known := l.memory.at(now)
	changes, err := r.listAll(ctx, min(since, now-lag), &known)
	if err != nil {
		return nil, nil, err
	}
	known.forget(r.changes)
	if err := known.relist(ctx, l.store); err != nil {
		return nil, nil, err
	}
	r.monitors = known.monitors
	of := material{monitors: r.monitors, pages: known.pages, settings: known.settings}
	maintenances, err := mergeMaintenances(ctx, l.store, r.changes, known.maintenances)
	if err != nil {
		return nil, nil, err
	}
	r.works = worksOf(maintenances, r.monitors, now)
	of.works = r.works
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		of.histories, err = r.histories(gctx, known.histories)
		return err
	})
	g.Go(func() (err error) {
		of.comments, err = r.comments(gctx, append(told(known.incidents, known.pages), r.changedIDs()...), known.comments)
		return err
	})
	g.Go(func() (err error) {
		of.incidents, err = r.merge(gctx, known.incidents)
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, nil, err
	}
	l.memory = memory{
		loaded: now, listed: known.listed, monitors: of.monitors, incidents: of.incidents, maintenances: maintenances, histories: of.histories, comments: of.comments,
		pages: of.pages, settings: of.settings,
	}
	return build(l.config, of, now), slices.DeleteFunc(changes, func(c statuspage.Change) bool { return c.Time < since }), nil
}

// Shown returns the monitors of the last Load.
func (l *Loader) Shown() Shown {
	l.mu.Lock()
	defer l.mu.Unlock()
	return shownOf(l.memory.monitors, l.memory.pages, l.memory.settings)
}

// listAll reads the changes since a time, and at once all lists if they are not known.
func (r *reader) listAll(ctx context.Context, since int64, known *memory) (changes []statuspage.Change, err error) {
	var listed [][]statuspage.Incident
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		changes, err = r.store.ChangesSince(gctx, since, r.now)
		return err
	})
	if known.listed == 0 {
		g.Go(func() error { return known.relist(gctx, r.store) })
		g.Go(func() (err error) {
			listed, err = r.lists(gctx, []statuspage.IncidentQuery{
				{To: statuspage.MaxTimestamp, Open: new(true), Limit: MaxIncidents},
				{To: statuspage.MaxTimestamp, Open: new(false), Limit: Newest},
				{From: dayRange(r.now).From, To: statuspage.MaxTimestamp, Open: new(false), Limit: MaxIncidents},
			})
			return err
		})
		g.Go(func() (err error) {
			known.maintenances, err = listMaintenances(gctx, r.store, r.now)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if known.listed == 0 {
		known.listed, known.incidents = r.now, unique(slices.Concat(listed...))
	}
	for _, c := range changes {
		if c.Time >= r.now-lag {
			r.changes = append(r.changes, c)
		}
	}
	return changes, nil
}

// relist reads those lists of monitors, pages and settings that are not known, at once.
func (m *memory) relist(ctx context.Context, store Store) error {
	g, gctx := errgroup.WithContext(ctx)
	if m.monitors == nil {
		g.Go(func() (err error) {
			m.monitors, err = shownMonitors(gctx, store)
			return err
		})
	}
	if m.pages == nil {
		g.Go(func() (err error) {
			m.pages, err = listPages(gctx, store)
			return err
		})
	}
	if m.settings == nil {
		g.Go(func() (err error) {
			m.settings, err = listSettings(gctx, store)
			return err
		})
	}
	return g.Wait()
}

// listPages returns the pages by id, the home page among them.
func listPages(ctx context.Context, store Store) ([]statuspage.Page, error) {
	var all []statuspage.Page
	_, err := store.Pages(ctx, statuspage.PageQuery{Limit: statuspage.MaxPages + 1}, func(p statuspage.Page) bool {
		all = append(all, p)
		return true
	})
	return all, err
}

// listSettings returns the settings that somebody has set, by key; not nil.
func listSettings(ctx context.Context, store Store) ([]statuspage.SiteSetting, error) {
	all, err := store.SiteSettings(ctx)
	all = slices.SortedFunc(slices.Values(all), func(a, b statuspage.SiteSetting) int { return cmp.Compare(a.Key, b.Key) })
	return append([]statuspage.SiteSetting{}, all...), err
}

// told are the incidents whose updates are shown: the open ones, and of those that are over the
// newest of all and the newest that concern each page. The newest start comes first.
func told(incidents []statuspage.Incident, pages []statuspage.Page) []int64 {
	over := make([]int, len(pages)+1) // of each page, and of all
	shows := make([]map[int64]bool, len(pages))
	for n, p := range pages {
		shows[n] = map[int64]bool{}
		for _, m := range p.Monitors {
			shows[n][m.MonitorID] = true
		}
	}
	var all []int64
	for _, i := range incidents {
		isTold := i.Closed == nil
		for n := range over {
			concerns := n == len(pages) || len(i.Monitors) == 0 ||
				slices.ContainsFunc(i.Monitors, func(m statuspage.AffectedMonitor) bool { return shows[n][m.MonitorID] })
			if i.Closed != nil && concerns {
				over[n]++
				isTold = isTold || over[n] <= Newest
			}
		}
		if isTold {
			all = append(all, i.ID)
		}
	}
	return all
}

// A reader reads what pages are made of.
type reader struct {
	store    Store
	now      int64
	lax      bool
	monitors []statuspage.Monitor // those that are shown, by id
	works    []work               // the maintenances that are
	changes  []statuspage.Change  // of the last ten minutes
}

// lists reads lists of incidents, at once.
func (r *reader) lists(ctx context.Context, queries []statuspage.IncidentQuery) ([][]statuspage.Incident, error) {
	found := make([][]statuspage.Incident, len(queries))
	g, gctx := errgroup.WithContext(ctx)
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

// shownMonitors returns the monitors that are shown, by id; not nil.
func shownMonitors(ctx context.Context, store Store) ([]statuspage.Monitor, error) {
	shown := []statuspage.Monitor{}
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
			windows := windowsOn(r.works, m.ID)
			q := newestHours(r.now)
			if q.Lax = r.lax; !is || !h.madeOf(windows) {
				q = wholeHistory(r.now)
				h = history{read: r.now, windows: windows}
			}
			q.Windows = windows
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
	return slices.Collect(maps.Keys(versionsIn(r.changes, statuspage.RecordIncident)))
}

// merge returns the incidents, each once, the newest start first: as they are by their keys
// if they were changed in the last ten minutes, else as they were listed.
func (r *reader) merge(ctx context.Context, listed []statuspage.Incident) ([]statuspage.Incident, error) {
	versions := versionsIn(r.changes, statuspage.RecordIncident)
	fresh, err := readFresh(ctx, versions, r.store.IncidentsByID, func(i statuspage.Incident) int64 { return i.Version })
	if err != nil {
		return nil, err
	}
	all := slices.Collect(maps.Values(fresh))
	for _, i := range listed {
		if _, changed := versions[i.ID]; !changed {
			all = append(all, i)
		}
	}
	return unique(all), nil
}

// unique returns the incidents, each once, the newest start first.
func unique(incidents []statuspage.Incident) []statuspage.Incident {
	byID := map[int64]statuspage.Incident{}
	for _, i := range incidents {
		byID[i.ID] = i
	}
	return slices.SortedFunc(maps.Values(byID), func(a, b statuspage.Incident) int {
		return cmp.Or(cmp.Compare(b.Start, a.Start), cmp.Compare(b.ID, a.ID))
	})
}

// gone is the version of a record that was deleted.
const gone = -1

// versionsIn are the versions that the changes left of records of the kind, by id; gone of one
// that was deleted.
func versionsIn(changes []statuspage.Change, kind statuspage.RecordKind) map[int64]int64 {
	versions := map[int64]int64{}
	for _, c := range changes {
		switch was, seen := versions[c.ID]; {
		case c.Record != kind || seen && was == gone:
		case c.What == statuspage.Deleted:
			versions[c.ID] = gone
		default:
			versions[c.ID] = max(was, c.Version)
		}
	}
	return versions
}

// freshTries is how often records are read that are older than their change rows. The items
// of a transaction can become visible one after another, within moments.
const freshTries = 4

// readFresh reads records by their keys until they have the versions, or newer ones. One
// that is missing each time was deleted since. One that stays older is taken as it is.
func readFresh[R any](ctx context.Context, versions map[int64]int64, read func(context.Context, []int64) (map[int64]R, error), version func(R) int64) (map[int64]R, error) {
	fresh := map[int64]R{}
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
		found, err := read(ctx, want)
		if err != nil {
			return nil, err
		}
		maps.Copy(fresh, found)
		want = slices.DeleteFunc(want, func(id int64) bool {
			r, there := found[id]
			return there && version(r) >= versions[id]
		})
	}
	return fresh, nil
}

// dayRange are the days that a page shows.
func dayRange(now int64) statuspage.DayRange { return statuspage.LastDays(Days, now) }

// firstHour is the first of the hours that a page shows.
func firstHour(now int64) int64 { return statuspage.FloorHour(now) - (hoursShown-1)*hour }
