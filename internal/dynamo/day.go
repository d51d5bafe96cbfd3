package dynamo

import (
	"cmp"
	"context"
	"fmt"
	"slices"
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
	attrDayVersion         = "v"       // rises with every write to the day after its end
	attrTotals             = "totals"  // absent until they are made from the points
	attrFilling            = "filling" // UTC seconds until when a range may be being filled
	attrUp                 = "up"
	attrDegraded           = "degraded"
	attrDown               = "down"
	attrMaintenanceMinutes = "maintenance" // absent for none
	attrLatencySum         = "latency_sum"
	attrLatencyCount       = "latency_count"

	// UTC seconds when the first of the hours goes that totals were made of. Programs before
	// this one made totals without it, and counted the latencies of DOWN minutes.
	attrHoursUntil = "until"

	attrWindows = "windows" // statuspage.Overlay.Digest of what maintenances made of the day; absent for ""
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
	windows string             // statuspage.Overlay.Digest of what maintenances made of totals
	until   int64              // UTC seconds when the first of the hours goes of which totals can be made again
}

// totalsWith returns the day's totals with the overlay, at now; nil when they are to be made
// from the points. Those that were made with another one are taken when the points are gone.
func (d dayRecord) totalsWith(o statuspage.Overlay, now int64) *statuspage.Totals {
	if d.totals != nil && now < d.until && d.windows != o.Digest(d.start) {
		return nil
	}
	return d.totals
}

// A dayCount is the totals of a day as they are made of its hours.
type dayCount struct {
	statuspage.Totals
	windows string // statuspage.Overlay.Digest of what maintenances made of the day
	until   int64  // UTC seconds when the first of the hours goes; 0: there was none
}

func (t *dayCount) attribute() types.AttributeValue {
	it := ddb.Item{
		attrUp: ddb.Num(t.Up), attrDegraded: ddb.Num(t.Degraded), attrDown: ddb.Num(t.Down),
		attrLatencySum: ddb.Float(t.LatencySum), attrLatencyCount: ddb.Num(t.LatencyCount),
		attrHoursUntil: ddb.Num(cmp.Or(t.until, statuspage.MaxTimestamp)),
	}
	if t.Maintenance > 0 {
		it[attrMaintenanceMinutes] = ddb.Num(t.Maintenance)
	}
	if t.windows != "" {
		it[attrWindows] = ddb.Str(t.windows)
	}
	return ddb.Map(it)
}

// DayItem is the item of an ended day of a monitor of which there are totals alone, written at
// now (UTC seconds): no point can be set in it any more.
func DayItem(monitorID int64, t statuspage.DayTotals, now int64) ddb.Item {
	it := dayKey(monitorID, t.Day).Item()
	it[attrTotals] = (&dayCount{Totals: t.Totals, until: t.Day + daySeconds}).attribute()
	it[ddb.AttrTTL], it[attrDayVersion] = ddb.Num(totalsUntil(t.Day, now)), ddb.Num(0)
	return it
}

func readTotals(it ddb.Item) (*dayCount, error) {
	r := ddb.Reader{Item: it}
	t := &dayCount{statuspage.Totals{
		Up: r.Num(attrUp), Degraded: r.Num(attrDegraded), Down: r.Num(attrDown), Maintenance: r.NumOrZero(attrMaintenanceMinutes),
		LatencySum: r.Float(attrLatencySum), LatencyCount: r.Num(attrLatencyCount),
	}, r.StrOrEmpty(attrWindows), r.NumOrZero(attrHoursUntil)}
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
		d.windows, d.until = t.windows, cmp.Or(t.until, d.start+olderRetention)
		if t.until != 0 || t.Down == 0 || now >= d.until {
			d.totals = &t.Totals
		}
	}
	if r.Num(ddb.AttrTTL) <= now {
		d.totals, d.until = &statuspage.Totals{}, 0
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
	q := statuspage.PointQuery{From: statuspage.FloorDay(until), To: statuspage.FloorMinute(until) + minuteSeconds}
	var posted []statuspage.Point
	overlay, err := s.overlay(ctx, m.ID, q.From, q.To, now, func(ctx context.Context) error {
		return s.eachPoint(ctx, m.ID, q, now, func(p statuspage.Point) bool {
			posted = append(posted, p)
			return true
		})
	})
	if err != nil {
		return m, totals, nil, err
	}
	for p := range overlay.Over(q, slices.Values(posted)) {
		totals.Add(p)
		newest = &p
	}
	return m, totals, newest, nil
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
	var open []hour // of the days that are not finished
	overlay, err := s.overlay(ctx, m.ID, first, end, now, func(ctx context.Context) (err error) {
		stored, err = s.days(ctx, m.ID, first, finished-daySeconds, now, false)
		return err
	}, func(ctx context.Context) error {
		q := statuspage.PointQuery{From: max(first, unfinished), To: min(end, statuspage.FloorMinute(now)+minuteSeconds)}
		return s.eachHour(ctx, m.ID, q, now, func(h hour) bool {
			open = append(open, h)
			return true
		})
	})
	if err != nil {
		return m, nil, err
	}
	var lacking []int64
	for start := first; start < finished; start += daySeconds {
		if stored[start].totalsWith(overlay, now) == nil {
			lacking = append(lacking, start)
		}
	}
	made, err := s.countDays(ctx, m.ID, lacking, overlay, now)
	if err != nil {
		return m, nil, err
	}
	s.storeTotals(ctx, m.ID, stored, made, now)
	for start := max(first, unfinished); start < end; start += daySeconds {
		made[start] = newDayCount(start, overlay)
	}
	for _, h := range open {
		made[statuspage.FloorDay(h.start)].add(h, overlay)
	}
	var all []statuspage.DayTotals
	for start := first; start < end; start += daySeconds {
		d := statuspage.DayTotals{Day: start}
		if of := made[start]; of != nil {
			d.Totals = of.Totals
		} else {
			d.Totals = *stored[start].totals
		}
		all = append(all, d)
	}
	return m, all, nil
}

// newDayCount counts what maintenances make of the day that starts at the second.
func newDayCount(start int64, o statuspage.Overlay) *dayCount {
	return &dayCount{Totals: o.Count(start, start+daySeconds), windows: o.Digest(start)}
}

// add adds an hour of the day, but for the minutes that the overlay has.
func (t *dayCount) add(h hour, o statuspage.Overlay) {
	addPoints(&t.Totals, h.points, o)
	if t.until == 0 || h.until < t.until {
		t.until = h.until
	}
}

// addPoints adds the points that the overlay does not have.
func addPoints(t *statuspage.Totals, points []statuspage.Point, o statuspage.Overlay) {
	for _, p := range points {
		if _, in := o.At(p.Time); !in {
			t.Add(p)
		}
	}
}

// countDays makes the totals of days, by their first seconds in order. Days in a row are
// one query.
func (s *Store) countDays(ctx context.Context, monitorID int64, days []int64, o statuspage.Overlay, now int64) (map[int64]*dayCount, error) {
	made := map[int64]*dayCount{}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(callsAtOnce)
	for len(days) > 0 {
		from, to := days[0], days[0]
		sums := map[int64]*dayCount{}
		for ; len(days) > 0 && days[0] == to; days = days[1:] {
			sums[to] = newDayCount(to, o)
			made[to] = sums[to]
			to += daySeconds
		}
		g.Go(func() error {
			return s.eachHour(gctx, monitorID, statuspage.PointQuery{From: from, To: to}, now, func(h hour) bool {
				sums[statuspage.FloorDay(h.start)].add(h, o)
				return true
			})
		})
	}
	return made, g.Wait()
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
