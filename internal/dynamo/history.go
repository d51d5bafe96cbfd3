package dynamo

import (
	"context"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"tocsin/internal/ddb"
	"tocsin/internal/statuspage"
)

// storedAtOnce is how many days of a monitor get their totals stored by one History: enough
// for the day that ends, and not so many that an import of many monitors holds up a page.
const storedAtOnce = 4

// newestPageSize is how many hours a call reads in search of the newest point.
const newestPageSize = 4

// History implements site.Store. The hours are read strongly consistent unless q.Lax, totals of days
// eventually. Totals that are missing are made of the hours, and stored for the next reader,
// storedAtOnce a call; one that may not write gets the same history, and a warning in the
// log.
func (s *Store) History(ctx context.Context, monitorID int64, q statuspage.HistoryQuery, now int64) (statuspage.History, error) {
	var h statuspage.History
	var stored map[int64]dayRecord
	var hours []hour
	overlay := statuspage.OverlayOf(q.Windows, now)
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		stored, err = s.days(gctx, monitorID, q.Days.From, q.Days.To, now, true)
		return err
	})
	g.Go(func() error {
		all := statuspage.PointQuery{From: q.Hours, To: statuspage.FloorMinute(now) + minuteSeconds}
		return s.eachHourAs(gctx, monitorID, all, q.Lax, now, func(of hour) bool {
			hours = append(hours, of)
			h.Newest = &of.points[len(of.points)-1]
			return true
		})
	})
	if err := g.Wait(); err != nil {
		return statuspage.History{}, err
	}
	h.Hours = hourTotals(hours, q.Hours, overlay, now)
	made, older, err := s.olderHistory(ctx, monitorID, q.Days, stored, overlay, h.Newest == nil, now)
	if err != nil {
		return statuspage.History{}, err
	}
	if older != nil {
		h.Newest = older
	}
	s.storeSome(ctx, monitorID, stored, made, now)
	for day := q.Days.From; day <= q.Days.To; day += daySeconds {
		d := statuspage.DayTotals{Day: day}
		if of := made[day]; of != nil {
			d.Totals = of.Totals
		} else {
			d.Totals = *stored[day].totals
		}
		h.Days = append(h.Days, d)
	}
	return h, nil
}

// hourTotals are those of the hours from one second to now that have minutes.
func hourTotals(hours []hour, from int64, o statuspage.Overlay, now int64) []statuspage.HourTotals {
	var all []statuspage.HourTotals
	for start := from; start <= now; start += hourSeconds {
		t := statuspage.HourTotals{Hour: start, Totals: o.Count(start, start+hourSeconds)}
		if len(hours) > 0 && hours[0].start == start {
			addPoints(&t.Totals, hours[0].points, o)
			hours = hours[1:]
		}
		if t.Minutes() > 0 {
			all = append(all, t)
		}
	}
	return all
}

// olderHistory makes the totals of days that have none stored, and finds the newest point of
// the days if it is wanted.
func (s *Store) olderHistory(ctx context.Context, monitorID int64, days statuspage.DayRange, stored map[int64]dayRecord, o statuspage.Overlay, wantNewest bool, now int64) (made map[int64]*dayCount, newest *statuspage.Point, err error) {
	var lacking []int64
	last := int64(-1) // of the days that may have points
	for day := days.From; day <= days.To; day += daySeconds {
		totals := stored[day].totalsWith(o, now)
		if totals == nil {
			lacking = append(lacking, day)
		}
		if totals == nil || totals.Minutes() > 0 {
			last = day
		}
	}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		made, err = s.countDays(gctx, monitorID, lacking, o, now)
		return err
	})
	if wantNewest && last >= 0 {
		g.Go(func() (err error) {
			newest, err = s.newestPoint(gctx, monitorID, days.From, last+daySeconds-minuteSeconds, now)
			return err
		})
	}
	err = g.Wait()
	return made, newest, err
}

// newestPoint returns the newest point from one minute to another; nil when there is none.
func (s *Store) newestPoint(ctx context.Context, monitorID, from, to, now int64) (*statuspage.Point, error) {
	q := ddb.Query{PK: monitorPK(monitorID), Low: hourKey(monitorID, from).SK, High: hourKey(monitorID, to).SK, Newest: true, Limit: newestPageSize}
	for it, err := range s.table.Items(ctx, q) {
		if err != nil {
			return nil, err
		}
		h, err := readHour(it, now)
		if err != nil {
			return nil, err
		}
		if n := len(h.points); n > 0 {
			return &h.points[n-1], nil
		}
	}
	return nil, nil
}

// storeSome stores the oldest of the totals that were made.
func (s *Store) storeSome(ctx context.Context, monitorID int64, read map[int64]dayRecord, made map[int64]*dayCount, now int64) {
	some := map[int64]*dayCount{}
	for _, day := range slices.Sorted(maps.Keys(made)) {
		if len(some) < storedAtOnce {
			some[day] = made[day]
		}
	}
	s.storeTotals(ctx, monitorID, read, some, now)
}
