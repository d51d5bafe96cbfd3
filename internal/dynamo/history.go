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

// History implements site.Store. The hours are read strongly consistent, also today's and
// yesterday's whole, which are counted from them. Of the days before, the totals are read
// eventually consistent. Totals that are missing are made of the hours, and stored for the
// next reader, storedAtOnce a call; who may not write gets the same history, and a warning
// in the log.
func (s *Store) History(ctx context.Context, monitorID int64, q statuspage.HistoryQuery, now int64) (statuspage.History, error) {
	counted := statuspage.FloorDay(now) - daySeconds // the first day that is counted from its hours
	hours := newHourCount(q.Hours)
	var stored map[int64]dayRecord
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		stored, err = s.days(gctx, monitorID, q.Days.From, counted-daySeconds, now, true)
		return err
	})
	g.Go(func() error {
		all := statuspage.PointQuery{From: min(q.Hours, counted), To: statuspage.FloorMinute(now) + minuteSeconds}
		return s.eachHour(gctx, monitorID, all, now, hours.add)
	})
	if err := g.Wait(); err != nil {
		return statuspage.History{}, err
	}
	var lacking []int64
	for day := q.Days.From; day < counted; day += daySeconds {
		if stored[day].totals == nil {
			lacking = append(lacking, day)
		}
	}
	made, newest, err := s.olderHistory(ctx, monitorID, stored, lacking, hours.newest, now)
	if err != nil {
		return statuspage.History{}, err
	}
	s.storeSome(ctx, monitorID, stored, made, now)
	h := statuspage.History{Hours: hours.hours, Newest: newest}
	for day := q.Days.From; day <= q.Days.To; day += daySeconds {
		d := statuspage.DayTotals{Day: day, Totals: hours.days[day]}
		if totals := stored[day].totals; totals != nil {
			d.Totals = *totals
		} else if made[day] != nil {
			d.Totals = made[day].Totals
		}
		h.Days = append(h.Days, d)
	}
	return h, nil
}

// olderHistory makes the totals that are lacking and, unless a newer point is known, finds
// the newest one of the days before.
func (s *Store) olderHistory(ctx context.Context, monitorID int64, stored map[int64]dayRecord, lacking []int64, newest *statuspage.Point, now int64) (made map[int64]*dayCount, _ *statuspage.Point, err error) {
	first, last := int64(-1), int64(-1) // of the days that may have points
	if newest == nil {
		may := slices.Clone(lacking)
		for day, d := range stored {
			if d.totals != nil && d.totals.Minutes() > 0 {
				may = append(may, day)
			}
		}
		if len(may) > 0 {
			first, last = slices.Min(may), slices.Max(may)
		}
	}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		made, err = s.countDays(gctx, monitorID, lacking, now)
		return err
	})
	if last >= 0 {
		g.Go(func() (err error) {
			newest, err = s.newestPoint(gctx, monitorID, first, last+daySeconds-minuteSeconds, now)
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

// An hourCount counts hours as they are read, by hour and by day.
type hourCount struct {
	from   int64 // the first hour that is wanted by itself
	hours  []statuspage.HourTotals
	days   map[int64]statuspage.Totals
	newest *statuspage.Point
}

func newHourCount(from int64) *hourCount {
	return &hourCount{from: from, days: map[int64]statuspage.Totals{}}
}

// add counts an hour that has points. It returns true.
func (c *hourCount) add(h hour) bool {
	day := statuspage.FloorDay(h.start)
	of, ofDay := statuspage.HourTotals{Hour: h.start}, c.days[day]
	for _, p := range h.points {
		of.Add(p)
		ofDay.Add(p)
	}
	c.days[day] = ofDay
	if h.start >= c.from {
		c.hours = append(c.hours, of)
	}
	c.newest = &h.points[len(h.points)-1]
	return true
}
