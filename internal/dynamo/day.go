package dynamo

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"tocsin/internal/ddb"
	"tocsin/internal/statuspage"
)

const dayPrefix = "DAY#"

// dayKey is the item of the UTC day that holds t (UTC seconds) of a monitor.
func dayKey(monitorID, t int64) ddb.Key {
	return ddb.Key{PK: monitorPK(monitorID), SK: dayPrefix + time.Unix(t, 0).UTC().Format(time.DateOnly)}
}

// Attributes of a day of a monitor.
const (
	attrDayVersion   = "v"       // rises with every write to the day after its end
	attrTotals       = "totals"  // absent until they are made from the points
	attrFilling      = "filling" // UTC seconds until when a range may be being filled
	attrUp           = "up"
	attrDegraded     = "degraded"
	attrDown         = "down"
	attrLatencySum   = "latency_sum"
	attrLatencyCount = "latency_count"

	// UTC seconds when the first of the hours goes that totals were made of. Programs before
	// this one made totals without it, and counted the latencies of DOWN minutes.
	attrHoursUntil = "until"
)

// fillingTime is for how many seconds a range may be being filled, which is far above any
// function's timeout and the time that a call can be held up: until then no totals of its
// days are stored.
const fillingTime = 15 * minuteSeconds

// A dayRecord is what the table has of a day.
type dayRecord struct {
	start   int64              // UTC seconds
	version int64              // 0: no item
	filling int64              // UTC seconds until when a range may be being filled
	totals  *statuspage.Totals // nil: to be made from the points
}

// A dayCount is the totals of a day as they are made of its hours.
type dayCount struct {
	statuspage.Totals
	until int64 // UTC seconds when the first of the hours goes; 0: there was none
}

func (t *dayCount) attribute() types.AttributeValue {
	return ddb.Map(ddb.Item{
		attrUp: ddb.Num(t.Up), attrDegraded: ddb.Num(t.Degraded), attrDown: ddb.Num(t.Down),
		attrLatencySum: ddb.Float(t.LatencySum), attrLatencyCount: ddb.Num(t.LatencyCount),
		attrHoursUntil: ddb.Num(cmp.Or(t.until, statuspage.MaxTimestamp)),
	})
}

// DayItem is the item of an ended day of a monitor of which there are totals alone, written at
// now (UTC seconds): no point can be set in it any more.
func DayItem(monitorID int64, t statuspage.DayTotals, now int64) ddb.Item {
	it := dayKey(monitorID, t.Day).Item()
	it[attrTotals] = (&dayCount{t.Totals, t.Day + daySeconds}).attribute()
	it[ddb.AttrTTL], it[attrDayVersion] = ddb.Num(totalsUntil(t.Day, now)), ddb.Num(0)
	return it
}

func readTotals(it ddb.Item) (*dayCount, error) {
	r := ddb.Reader{Item: it}
	t := &dayCount{statuspage.Totals{
		Up: r.Num(attrUp), Degraded: r.Num(attrDegraded), Down: r.Num(attrDown),
		LatencySum: r.Float(attrLatencySum), LatencyCount: r.Num(attrLatencyCount),
	}, r.NumOrZero(attrHoursUntil)}
	return t, r.Err
}

// readDay reads a day's item. The totals of one that is past its time are none: its points
// are as old. Totals of a program before this one that would be others now count as missing
// while all of the day's hours are there.
func readDay(it ddb.Item, now int64) (dayRecord, error) {
	r := ddb.Reader{Item: it}
	at, err := time.Parse(dayPrefix+time.DateOnly, r.Str(ddb.AttrSK))
	if err != nil {
		return dayRecord{}, fmt.Errorf("sort key of a day: %w", err)
	}
	d := dayRecord{start: at.Unix(), version: r.Num(attrDayVersion), filling: r.NumOrZero(attrFilling)}
	if r.Has(attrTotals) {
		t := ddb.ReadMap(&r, attrTotals, readTotals)
		if r.Err != nil {
			return d, r.Err
		}
		if t.until != 0 || t.Down == 0 || now >= d.start+olderRetention {
			d.totals = &t.Totals
		}
	}
	if r.Num(ddb.AttrTTL) <= now {
		d.totals = &statuspage.Totals{}
	}
	return d, r.Err
}

// totalsUntil is when the item of a day that is written at now goes.
func totalsUntil(dayStart, now int64) int64 {
	return max(dayStart, now) + statuspage.TotalsRetention*daySeconds
}

const (
	// olderRetention is how long programs that stored totals without attrHoursUntil kept
	// hours after the time and the last write.
	olderRetention = 400 * daySeconds

	// remakeTime is how long before its first hour goes a day is not changed any more: in it
	// the closer makes the totals that a change has taken.
	remakeTime = 2 * daySeconds
)

// withoutTotals takes the totals from a day, and makes sure that none that were computed
// before are stored. It is refused when they could not be made again of the hours.
func withoutTotals(dayStart, now int64) *ddb.Expr {
	e := ddb.NewExpr().Add(attrDayVersion, 1).Remove(attrTotals).Set(ddb.AttrTTL, ddb.Num(totalsUntil(dayStart, now)))
	totals := e.Name(attrTotals)
	until := totals + "." + e.Name(attrHoursUntil)
	absent := until // of totals that say nothing the hours go by olderRetention
	if now+remakeTime >= dayStart+olderRetention {
		absent = totals
	}
	return e.If("(attribute_not_exists(" + absent + ") OR " + until + " > " + e.Value("gone", ddb.Num(now+remakeTime)) + ")")
}

// markFilling marks the days of a range that have ended as being filled.
func (s *Store) markFilling(ctx context.Context, monitorID int64, r statuspage.Range, now int64) error {
	var g errgroup.Group
	g.SetLimit(callsAtOnce)
	for start := statuspage.FloorDay(r.From); start <= r.To && start+daySeconds <= now; start += daySeconds {
		g.Go(func() error {
			e := withoutTotals(start, now).Set(attrFilling, ddb.Num(now+fillingTime))
			refused, err := s.table.Transact(ctx, s.table.Update(dayKey(monitorID, start), e))
			if err == nil && refused != nil {
				err = statuspage.DayClosed(start)
			}
			return err
		})
	}
	return g.Wait()
}

// days reads the days from one to another, both included, by their start. An eventual read
// costs half and may miss what was written a moment ago.
func (s *Store) days(ctx context.Context, monitorID, from, to, now int64, eventual bool) (map[int64]dayRecord, error) {
	found := map[int64]dayRecord{}
	if from > to {
		return found, nil
	}
	q := ddb.Query{PK: monitorPK(monitorID), Low: dayKey(monitorID, from).SK, High: dayKey(monitorID, to).SK, Eventual: eventual}
	for it, err := range s.table.Items(ctx, q) {
		if err != nil {
			return nil, err
		}
		d, err := readDay(it, now)
		if err != nil {
			return nil, err
		}
		found[d.start] = d
	}
	return found, nil
}

// DaySoFar implements apilegacy.StatusStore.
func (s *Store) DaySoFar(ctx context.Context, tag string, until, now int64) (statuspage.Monitor, statuspage.Totals, *statuspage.Point, error) {
	var totals statuspage.Totals
	var newest *statuspage.Point
	m, err := s.Monitor(ctx, tag)
	if err != nil {
		return m, totals, nil, err
	}
	err = s.eachPoint(ctx, m.ID, statuspage.PointQuery{From: statuspage.FloorDay(until), To: statuspage.FloorMinute(until) + minuteSeconds}, now, func(p statuspage.Point) bool {
		totals.Add(p)
		newest = &p
		return true
	})
	return m, totals, newest, err
}

// Uptime implements apiv4.PointStore. The finished days have their totals, as a
// rule; those of the others, and of days whose totals are missing, are made from
// their points, and stored where the day is finished.
func (s *Store) Uptime(ctx context.Context, tag string, days statuspage.DayRange, now int64) (statuspage.Monitor, []statuspage.DayTotals, error) {
	m, err := s.Monitor(ctx, tag)
	if err != nil {
		return m, nil, err
	}
	today := statuspage.FloorDay(now)
	first, end := days.From, days.To+daySeconds
	unfinished := today
	if yesterday := today - daySeconds; !statuspage.DayFinished(yesterday, now) {
		unfinished = yesterday
	}
	finished := min(end, unfinished)
	stored := map[int64]dayRecord{}
	open := map[int64]*dayCount{}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		stored, err = s.days(gctx, m.ID, first, finished-daySeconds, now, false)
		return err
	})
	g.Go(func() error {
		return s.sumDays(gctx, m.ID, max(first, unfinished), min(end, statuspage.FloorMinute(now)+minuteSeconds), now, open)
	})
	if err := g.Wait(); err != nil {
		return m, nil, err
	}
	var lacking []int64
	for start := first; start < finished; start += daySeconds {
		if stored[start].totals == nil {
			lacking = append(lacking, start)
		}
	}
	missing, err := s.countDays(ctx, m.ID, lacking, now)
	if err != nil {
		return m, nil, err
	}
	s.storeTotals(ctx, m.ID, stored, missing, now)
	var all []statuspage.DayTotals
	for start := first; start < end; start += daySeconds {
		d := statuspage.DayTotals{Day: start}
		switch {
		case stored[start].totals != nil:
			d.Totals = *stored[start].totals
		case missing[start] != nil:
			d.Totals = missing[start].Totals
		case open[start] != nil:
			d.Totals = open[start].Totals
		}
		all = append(all, d)
	}
	return m, all, nil
}

// countDays makes the totals of days, by their first seconds in order. Days in a row are
// one query.
func (s *Store) countDays(ctx context.Context, monitorID int64, days []int64, now int64) (map[int64]*dayCount, error) {
	made := map[int64]*dayCount{}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(callsAtOnce)
	for len(days) > 0 {
		from, to := days[0], days[0]
		sums := map[int64]*dayCount{}
		for ; len(days) > 0 && days[0] == to; days = days[1:] {
			sums[to] = &dayCount{}
			made[to] = sums[to]
			to += daySeconds
		}
		g.Go(func() error { return s.sumDays(gctx, monitorID, from, to, now, sums) })
	}
	return made, g.Wait()
}

// sumDays adds the points from one minute up to another to the totals of their days,
// which it makes where there are none.
func (s *Store) sumDays(ctx context.Context, monitorID, from, to, now int64, days map[int64]*dayCount) error {
	return s.eachHour(ctx, monitorID, statuspage.PointQuery{From: from, To: to}, now, func(h hour) bool {
		d := days[statuspage.FloorDay(h.start)]
		if d == nil {
			d = &dayCount{}
			days[statuspage.FloorDay(h.start)] = d
		}
		for _, p := range h.points {
			d.Add(p)
		}
		if d.until == 0 || h.until < d.until {
			d.until = h.until
		}
		return true
	})
}

// storeTotals stores totals that were made from the points, unless a point was
// written since the days were read, or a range is being filled. A failure costs the
// next reader the same work.
func (s *Store) storeTotals(ctx context.Context, monitorID int64, read map[int64]dayRecord, made map[int64]*dayCount, now int64) {
	var g errgroup.Group
	g.SetLimit(callsAtOnce)
	for start, t := range made {
		// Who asks for days of long ago leaves nothing behind.
		if read[start].filling > now || now >= start+statuspage.TotalsRetention*daySeconds {
			continue
		}
		g.Go(func() error {
			e := ddb.NewExpr().Set(attrTotals, t.attribute()).Set(ddb.AttrTTL, ddb.Num(totalsUntil(start, now))).SetIfAbsent(attrDayVersion, ddb.Num(0))
			if d, ok := read[start]; ok {
				e.IfEqual(attrDayVersion, ddb.Num(d.version))
			} else {
				e.IfHas(attrDayVersion, false)
			}
			if _, _, err := s.table.UpdateAtLeastOnce(ctx, dayKey(monitorID, start), e); err != nil {
				s.log.WarnContext(ctx, "the totals of a day are not stored", "cause", err.Error())
			}
			return nil
		})
	}
	_ = g.Wait()
}
