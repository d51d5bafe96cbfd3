package dynamo

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"tocsin/internal/ddb"
	"tocsin/internal/statuspage"
)

const (
	minuteSeconds = 60
	hourSeconds   = 60 * minuteSeconds
	daySeconds    = 24 * hourSeconds

	batchAtOnce = 50 // calls for a batch of points, which is small: its caller waits for it
)

const (
	hourPrefix = "HOUR#"
	hourLayout = "2006-01-02T15"
)

// hourKey is the item of the hour that holds t (UTC seconds) of a monitor.
func hourKey(monitorID, t int64) ddb.Key {
	return ddb.Key{PK: monitorPK(monitorID), SK: hourPrefix + time.Unix(t, 0).UTC().Format(hourLayout)}
}

// parseHour returns the start of an hour from its sort key.
func parseHour(sk string) (int64, error) {
	at, err := time.Parse(hourPrefix+hourLayout, sk)
	if err != nil {
		return 0, fmt.Errorf("sort key of an hour: %w", err)
	}
	return at.Unix(), nil
}

// Attributes of an hour, beside one a minute. Every write to the hour changes both of
// these, so that a transaction can ask whether there was one.
const (
	attrRevision = "rev" // a number that rises with each write, a repeated one's too, from a random one on
	// A random text. Programs before this one look at it alone, and change it alone.
	attrWriteToken = "w"
)

// An hour is an hour of a monitor, as its item holds it.
type hour struct {
	start    int64 // UTC seconds
	points   []statuspage.Point
	there    bool  // and not past its time
	until    int64 // UTC seconds: when it goes
	revision int64
	token    string
}

// mark is another text after each write, and "" for an hour that is not there; see
// ifUnwritten.
func (h hour) mark() string {
	if !h.there {
		return ""
	}
	return fmt.Sprintf("%d %s", h.revision, h.token)
}

// hourUntil is when the item of an hour that is written at now goes: never earlier for a
// later write.
func (s *Store) hourUntil(start, now int64) int64 { return max(start, now) + s.kept }

// minuteAttr is the attribute of an hour's item for the minute.
func minuteAttr(minute int64) string { return minuteAttrs[minute%hourSeconds/minuteSeconds] }

var minuteAttrs = func() (names [60]string) {
	for m := range names {
		names[m] = fmt.Sprintf("m%02d", m)
	}
	return names
}()

// The letters for status and source in a minute's attribute; the latency follows.
var (
	statusLetters = map[statuspage.Status]byte{statuspage.StatusUp: 'U', statuspage.StatusDegraded: 'G', statuspage.StatusDown: 'D'}
	sourceLetters = map[statuspage.Source]byte{statuspage.SourceProbe: 'a', statuspage.SourceManual: 'm'}
)

func pointText(p statuspage.Point) types.AttributeValue { return ddb.Str(textOf(p)) }

func textOf(p statuspage.Point) string {
	b := []byte{statusLetters[p.Status], sourceLetters[p.Source]}
	if p.Latency != nil {
		b = strconv.AppendFloat(b, *p.Latency, 'g', -1, 64)
	}
	return string(b)
}

func letterOf[T comparable](letters map[T]byte, c byte) (T, bool) {
	for v, letter := range letters {
		if letter == c {
			return v, true
		}
	}
	var none T
	return none, false
}

// readPoint undoes pointText.
func readPoint(text string, minute int64) (statuspage.Point, error) {
	malformed := fmt.Errorf("point %q is malformed", text)
	if len(text) < 2 {
		return statuspage.Point{}, malformed
	}
	status, known := letterOf(statusLetters, text[0])
	source, knownSource := letterOf(sourceLetters, text[1])
	p := statuspage.Point{Time: minute, Status: status, Source: source}
	if !known || !knownSource {
		return statuspage.Point{}, malformed
	}
	if text[2:] != "" {
		latency, err := strconv.ParseFloat(text[2:], 64)
		if err != nil {
			return statuspage.Point{}, malformed
		}
		p.Latency = &latency
	}
	return p, nil
}

// readHour returns the points of an hour's item, by time; none of one whose time is
// past at now although DynamoDB has not removed it yet.
func readHour(it ddb.Item, now int64) (hour, error) {
	r := ddb.Reader{Item: it}
	start, err := parseHour(r.Str(ddb.AttrSK))
	if err != nil {
		return hour{}, err
	}
	h := hour{start: start, until: r.Num(ddb.AttrTTL)}
	if h.until <= now {
		return h, r.Err
	}
	h.there, h.revision, h.token = true, r.NumOrZero(attrRevision), r.StrOrEmpty(attrWriteToken)
	for n, name := range minuteAttrs {
		if r.Has(name) {
			p, err := readPoint(r.Str(name), start+int64(n)*minuteSeconds)
			if err != nil {
				return hour{}, err
			}
			h.points = append(h.points, p)
		}
	}
	return h, r.Err
}

// ifUnwritten asks that nothing was written to an hour since it was read with the mark,
// which is "" of one that was not there, or was past its time.
func ifUnwritten(mark string, now int64) *ddb.Expr {
	e := ddb.NewExpr()
	if mark == "" {
		return e.IfGone(now)
	}
	revision, token, _ := strings.Cut(mark, " ")
	if revision == "0" {
		e.IfHas(attrRevision, false)
	} else {
		e.IfEqual(attrRevision, &types.AttributeValueMemberN{Value: revision})
	}
	if token == "" {
		return e.IfHas(attrWriteToken, false)
	}
	return e.IfEqual(attrWriteToken, ddb.Str(token))
}

func writeToken() types.AttributeValue { return ddb.Str(ddb.NewToken()[:8]) }

// HourItem is the item of a whole hour of a monitor, written at now (UTC seconds) and kept
// for statuspage.DefaultRetention days. All points are of that hour.
func HourItem(monitorID int64, points []statuspage.Point, now int64) ddb.Item {
	return hourItem(monitorID, points, max(statuspage.FloorHour(points[0].Time), now)+statuspage.DefaultRetention*daySeconds)
}

func hourItem(monitorID int64, points []statuspage.Point, until int64) ddb.Item {
	start := statuspage.FloorHour(points[0].Time)
	it := hourKey(monitorID, start).Item()
	it[ddb.AttrTTL], it[attrRevision], it[attrWriteToken] = ddb.Num(until), ddb.Num(1+rand.Int64N(1<<48)), writeToken()
	for _, p := range points {
		it[minuteAttr(p.Time)] = pointText(p)
	}
	return it
}

// RecordPoint is RecordPoints for one.
func (s *Store) RecordPoint(ctx context.Context, tag string, p statuspage.Point, now int64) error {
	return s.RecordPoints(ctx, []statuspage.TaggedPoint{{Tag: tag, Point: p}}, now)[0]
}

// RecordPoints implements apiv4.PointStore. Points of the same monitor and hour
// are one write. The monitors are judged when all is written.
func (s *Store) RecordPoints(ctx context.Context, points []statuspage.TaggedPoint, now int64) []error {
	return s.recordPoints(ctx, points, false, now)
}

// FillPoints implements heartbeats.Store.
func (s *Store) FillPoints(ctx context.Context, points []statuspage.TaggedPoint, now int64) []error {
	return s.recordPoints(ctx, points, true, now)
}

// recordPoints sets points. With fill it leaves minutes that have one, and monitors that are
// INACTIVE, as they are.
func (s *Store) recordPoints(ctx context.Context, points []statuspage.TaggedPoint, fill bool, now int64) []error {
	errs := make([]error, len(points))
	tags := make([]string, len(points))
	for n, p := range points {
		tags[n] = p.Tag
	}
	monitors, err := s.watchedMonitors(ctx, tags)
	if err != nil {
		for n := range errs {
			errs[n] = err
		}
		return errs
	}
	type monitorHour struct{ monitorID, start int64 }
	hours := map[monitorHour][]int{} // the places of their points
	for n, p := range points {
		m, ok := monitors[p.Tag]
		if !ok {
			errs[n] = statuspage.MonitorNotFound(p.Tag)
			continue
		}
		if fill && m.inactive {
			continue
		}
		h := monitorHour{m.id, statuspage.FloorHour(p.Time)}
		hours[h] = append(hours[h], n)
	}
	var g errgroup.Group
	g.SetLimit(batchAtOnce)
	for h, places := range hours {
		g.Go(func() error {
			plain := make([]statuspage.Point, len(places))
			for i, n := range places {
				plain[i] = points[n].Point
			}
			err := s.setPoints(ctx, h.monitorID, plain, fill, now)
			for _, n := range places {
				errs[n] = err
			}
			return nil
		})
	}
	_ = g.Wait() // each error is in its place
	for tag, m := range monitors {
		g.Go(func() error {
			written := func(minute int64) bool {
				return slices.ContainsFunc(points, func(p statuspage.TaggedPoint) bool { return p.Tag == tag && p.Time == minute })
			}
			if err := s.judge(ctx, m, written, now); err != nil {
				for n, p := range points {
					if p.Tag == tag {
						errs[n] = errors.Join(errs[n], err)
					}
				}
			}
			return nil
		})
	}
	_ = g.Wait()
	return errs
}

// setPoints sets points of one hour of a monitor, the last one of a minute, with fill only
// where the minute has none.
func (s *Store) setPoints(ctx context.Context, monitorID int64, points []statuspage.Point, fill bool, now int64) error {
	start := statuspage.FloorHour(points[0].Time)
	last := map[string]types.AttributeValue{}
	for _, p := range points {
		last[minuteAttr(p.Time)] = pointText(p)
	}
	e := ddb.NewExpr()
	for _, name := range slices.Sorted(maps.Keys(last)) {
		if fill {
			e.SetIfAbsent(name, last[name])
		} else {
			e.Set(name, last[name])
		}
	}
	return ddb.Retry(ctx, func() (done bool, err error) {
		var refused bool
		if statuspage.NextDay(start) > now {
			_, refused, err = s.table.UpdateAtLeastOnce(ctx, hourKey(monitorID, start), s.touched(e, start, now))
		} else {
			refused, err = s.writeHour(ctx, monitorID, start, e, now)
		}
		if err != nil || !refused {
			return true, err
		}
		return false, s.deleteExpired(ctx, hourKey(monitorID, start), now)
	})
}

// touched is an expression with what every write to an hour does beside its own, refused
// when the hour is past its time.
func (s *Store) touched(e *ddb.Expr, start, now int64) *ddb.Expr {
	return e.Clone().Set(ddb.AttrTTL, ddb.Num(s.hourUntil(start, now))).Set(attrWriteToken, writeToken()).Add(attrRevision, 1).IfLive(now)
}

// writeHour changes an hour as e says, together with what else is given, in a transaction.
// A day that has ended may have totals: these go in the same one. refused says that a
// condition of e did not hold, or that the hour is past its time. The error can be
// DayClosed.
func (s *Store) writeHour(ctx context.Context, monitorID, start int64, e *ddb.Expr, now int64, also ...ddb.Write) (refused bool, err error) {
	writes := append([]ddb.Write{s.table.Update(hourKey(monitorID, start), s.touched(e, start, now))}, also...)
	return s.writeDay(ctx, monitorID, start, writes, now)
}

// writeDay is a transaction that changes hours of the day that holds t. A day that has
// ended loses its totals in the same one. The error can be DayClosed.
func (s *Store) writeDay(ctx context.Context, monitorID, t int64, writes []ddb.Write, now int64) (refused bool, err error) {
	ended := statuspage.NextDay(t) <= now
	if ended {
		writes = append(writes, s.table.Update(dayKey(monitorID, t), withoutTotals(statuspage.FloorDay(t), now)))
	}
	refusal, err := s.table.Transact(ctx, writes...)
	if err == nil && refusal != nil && ended && refusal.Failed(len(writes)-1) {
		return true, statuspage.DayClosed(statuspage.FloorDay(t))
	}
	return refusal != nil, err
}

// deleteExpired removes an item that is past its time.
func (s *Store) deleteExpired(ctx context.Context, k ddb.Key, now int64) error {
	_, err := s.table.Transact(ctx, s.table.Delete(k, ddb.NewExpr().IfCompare(ddb.AttrTTL, "<=", "now", ddb.Num(now))))
	return err
}

// UpdatePoint implements apiv4.PointStore.
func (s *Store) UpdatePoint(ctx context.Context, tag string, minute int64, p statuspage.PointPatch, now int64) (statuspage.Point, error) {
	m, err := s.Monitor(ctx, tag)
	if err != nil {
		return statuspage.Point{}, err
	}
	start, attr := statuspage.FloorHour(minute), minuteAttr(minute)
	var next statuspage.Point
	var overlay statuspage.Overlay
	err = ddb.Retry(ctx, func() (done bool, err error) {
		var old *statuspage.Point
		old, overlay, err = s.point(ctx, m.ID, minute, now)
		if err != nil {
			return false, err
		}
		e := ddb.NewExpr()
		before := statuspage.Point{Time: minute, Status: m.DefaultStatusOrUp(), Latency: new(float64)}
		if old == nil {
			e.IfHas(attr, false)
		} else {
			before = *old
			e.IfEqual(attr, pointText(before))
		}
		next = p.Apply(before)
		var row []ddb.Write
		if old == nil || textOf(next) != textOf(before) {
			row = append(row, s.changeRow(ctx, monitorChange(m, statuspage.DataUpdated, nil), now))
		}
		refused, err := s.writeHour(ctx, m.ID, start, e.Set(attr, pointText(next)), now, row...)
		if err != nil || !refused {
			return true, err
		}
		// Another writer was there, or the hour is past its time.
		return false, s.deleteExpired(ctx, hourKey(m.ID, start), now)
	})
	if err != nil {
		return statuspage.Point{}, err
	}
	return overlay.Point(next), s.judge(ctx, watchedOf(m), func(written int64) bool { return written == minute }, now)
}

// point returns the point that the minute was set to, nil when there is none, and what
// maintenances make of it.
func (s *Store) point(ctx context.Context, monitorID, minute, now int64) (*statuspage.Point, statuspage.Overlay, error) {
	var it ddb.Item
	overlay, err := s.overlay(ctx, monitorID, minute, minute+minuteSeconds, now, func(ctx context.Context) (err error) {
		it, err = s.table.Get(ctx, hourKey(monitorID, minute))
		return err
	})
	if err != nil || it == nil {
		return nil, overlay, err
	}
	h, err := readHour(it, now)
	if err != nil {
		return nil, overlay, err
	}
	for _, p := range h.points {
		if p.Time == minute {
			return &p, overlay, nil
		}
	}
	return nil, overlay, nil
}

// Point implements apiv4.PointStore.
func (s *Store) Point(ctx context.Context, tag string, minute, now int64) (statuspage.Point, error) {
	m, err := s.Monitor(ctx, tag)
	if err != nil {
		return statuspage.Point{}, err
	}
	posted, overlay, err := s.point(ctx, m.ID, minute, now)
	if err != nil {
		return statuspage.Point{}, err
	}
	var of []statuspage.Point
	if posted != nil {
		of = []statuspage.Point{*posted}
	}
	for p := range overlay.Over(statuspage.PointQuery{From: minute, To: minute + minuteSeconds}, slices.Values(of)) {
		return p, nil
	}
	return statuspage.Point{}, statuspage.PointNotFound(tag, minute)
}

// Points implements apiv4.PointStore. Of a long window only the minutes that are taken are made.
func (s *Store) Points(ctx context.Context, tag string, q statuspage.PointQuery, now int64, take func(statuspage.Point) bool) (next *statuspage.Point, err error) {
	m, err := s.Monitor(ctx, tag)
	if err != nil {
		return nil, err
	}
	var failed error
	pull, stop := iter.Pull(func(yield func(statuspage.Point) bool) { failed = s.eachPoint(ctx, m.ID, q, now, yield) })
	defer stop()
	var first statuspage.Point
	var more bool
	overlay, err := s.overlay(ctx, m.ID, q.From, q.To, now, func(context.Context) error {
		first, more = pull()
		return failed
	})
	if err != nil {
		return nil, err
	}
	posted := func(yield func(statuspage.Point) bool) {
		for p, ok := first, more; ok && yield(p); {
			p, ok = pull()
		}
	}
	for p := range overlay.Over(q, posted) {
		if failed != nil {
			break // what follows may lack points
		}
		if !take(p) {
			return &p, nil
		}
	}
	return nil, failed
}

// eachPoint calls f with the points of the query in its order until f returns false.
func (s *Store) eachPoint(ctx context.Context, monitorID int64, of statuspage.PointQuery, now int64, f func(statuspage.Point) bool) error {
	return s.eachHour(ctx, monitorID, of, now, func(h hour) bool {
		for _, p := range h.points {
			if !f(p) {
				return false
			}
		}
		return true
	})
}

// eachHour calls f with the hours that have points of the query, cut to these, in its order
// until f returns false.
func (s *Store) eachHour(ctx context.Context, monitorID int64, of statuspage.PointQuery, now int64, f func(hour) bool) error {
	return s.eachHourAs(ctx, monitorID, of, false, now, f)
}

// eachHourAs is eachHour, and may read eventually consistent.
func (s *Store) eachHourAs(ctx context.Context, monitorID int64, of statuspage.PointQuery, eventual bool, now int64, f func(hour) bool) error {
	if of.From >= of.To {
		return nil
	}
	q := ddb.Query{
		PK: monitorPK(monitorID), Low: hourKey(monitorID, of.From).SK, High: hourKey(monitorID, of.To-minuteSeconds).SK, Newest: of.Newest, Eventual: eventual,
	}
	for it, err := range s.table.Items(ctx, q) {
		if err != nil {
			return err
		}
		h, err := readHour(it, now)
		if err != nil {
			return err
		}
		h.points = slices.DeleteFunc(h.points, func(p statuspage.Point) bool { return p.Time < of.From || p.Time >= of.To })
		if of.Newest {
			slices.Reverse(h.points)
		}
		if len(h.points) > 0 && !f(h) {
			return nil
		}
	}
	return nil
}

// FillRange implements apiv4.PointStore. Whole hours are replaced by batches; in hours of days
// that are not over, and in hours of which the range has a part, the minutes are set. A day that has
// ended loses its totals before the first hour, and is marked as being filled: until the
// mark is old nobody stores new ones, so that a range which stops on the way leaves none
// that a reader made of a part of it. The change row is written last.
func (s *Store) FillRange(ctx context.Context, tag string, r statuspage.Range, now int64) error {
	m, err := s.Monitor(ctx, tag)
	if err != nil {
		return err
	}
	if err := s.markFilling(ctx, m.ID, r, now); err != nil {
		return err
	}
	if err := s.fillHours(ctx, m.ID, r, now); err != nil {
		return err
	}
	if _, err := s.table.Transact(ctx, s.changeRow(ctx, monitorChange(m, statuspage.DataUpdated, nil), now)); err != nil {
		return err
	}
	return s.judge(ctx, watchedOf(m), func(minute int64) bool { return minute >= r.From && minute <= r.To }, now)
}

// DeleteRange implements apiv4.PointStore. A day's points go in one transaction, with the
// totals of a day that has ended: the items of hours stay, with a revision that no hour has
// had. The first of these transactions has the row about the change. The points that remain
// are judged also when there was nothing to remove, since an earlier try may have removed
// them and come no further.
func (s *Store) DeleteRange(ctx context.Context, tag string, r statuspage.MinuteRange, now int64) (deleted int64, err error) {
	m, err := s.Monitor(ctx, tag)
	if err != nil {
		return 0, err
	}
	all := statuspage.PointQuery{From: r.From, To: r.To + minuteSeconds}
	var days [][]hour
	err = s.eachHour(ctx, m.ID, all, now, func(h hour) bool {
		if n := len(days); n > 0 && statuspage.FloorDay(days[n-1][0].start) == statuspage.FloorDay(h.start) {
			days[n-1] = append(days[n-1], h)
		} else {
			days = append(days, []hour{h})
		}
		return true
	})
	if err != nil {
		return 0, err
	}
	row := s.changeRow(ctx, monitorChange(m, statuspage.DataDeleted, nil), now)
	for deleted == 0 && len(days) > 0 {
		if deleted, err = s.deletePoints(ctx, m.ID, days[0], all, now, row); err != nil {
			return 0, err
		}
		days = days[1:]
	}
	counts := make([]int64, len(days))
	var g errgroup.Group
	g.SetLimit(callsAtOnce)
	for n, hours := range days {
		g.Go(func() (err error) {
			counts[n], err = s.deletePoints(ctx, m.ID, hours, all, now)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return 0, err
	}
	for _, n := range counts {
		deleted += n
	}
	if r.From > now {
		return deleted, nil
	}
	return deleted, s.judge(ctx, watchedOf(m), func(newest int64) bool { return newest <= r.To }, now)
}

// deletePoints removes the points of hours of one day, together with what else is given, in
// a transaction. When one of the hours has gone since, it looks again for points of all in
// that day.
func (s *Store) deletePoints(ctx context.Context, monitorID int64, hours []hour, all statuspage.PointQuery, now int64, also ...ddb.Write) (deleted int64, err error) {
	day := statuspage.FloorDay(hours[0].start)
	err = ddb.Retry(ctx, func() (done bool, err error) {
		if deleted = 0; len(hours) == 0 {
			return true, nil
		}
		var writes []ddb.Write
		for _, h := range hours {
			e := ddb.NewExpr().IfExists()
			for _, p := range h.points {
				e.Remove(minuteAttr(p.Time))
				deleted++
			}
			writes = append(writes, s.table.Update(hourKey(monitorID, h.start), s.touched(e, h.start, now)))
		}
		refused, err := s.writeDay(ctx, monitorID, day, append(writes, also...), now)
		if err != nil || !refused {
			return true, err
		}
		hours = nil
		within := statuspage.PointQuery{From: max(all.From, day), To: min(all.To, day+daySeconds)}
		err = s.eachHour(ctx, monitorID, within, now, func(h hour) bool {
			hours = append(hours, h)
			return true
		})
		return false, err
	})
	return deleted, err
}

func (s *Store) fillHours(ctx context.Context, monitorID int64, r statuspage.Range, now int64) error {
	var g errgroup.Group
	g.SetLimit(callsAtOnce)
	var whole []types.WriteRequest
	for start := statuspage.FloorHour(r.From); start <= r.To; start += hourSeconds {
		from, to := max(start, r.From), min(start+hourSeconds-minuteSeconds, r.To)
		var points []statuspage.Point
		for t := from; t <= to; t += minuteSeconds {
			points = append(points, statuspage.Point{Time: t, Status: r.Status, Latency: new(r.Latency(t)), Source: statuspage.SourceManual})
		}
		// A batch has no conditions: one that arrives late undoes what was set since.
		// Others write to the hours of a day that is not over too, now or when their time
		// has come, so these are not in a batch.
		if len(points) < len(minuteAttrs) || !statuspage.DayFinished(statuspage.FloorDay(start), now) {
			g.Go(func() error { return s.setPoints(ctx, monitorID, points, false, now) })
			continue
		}
		whole = append(whole, ddb.PutRequest(hourItem(monitorID, points, s.hourUntil(start, now))))
	}
	for chunk := range slices.Chunk(whole, ddb.BatchWriteSize) {
		g.Go(func() error { return s.table.BatchWrite(ctx, chunk) })
	}
	return g.Wait()
}
