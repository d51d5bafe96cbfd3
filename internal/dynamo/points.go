package dynamo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"tocsin/internal/statuspage"
)

const (
	minuteSeconds = 60
	hourSeconds   = 60 * minuteSeconds
	daySeconds    = 24 * hourSeconds

	pointsKept = 400 * daySeconds

	// A range is being filled for at most so long, which is far above any function's
	// timeout: until then no totals of its days are stored.
	fillingTime = 5 * minuteSeconds

	callsAtOnce = 8  // of a write or a read that takes many
	batchAtOnce = 50 // of a batch of points, which is small: its caller waits for it
)

// hourPoints are the points of an hour of a monitor, as its item holds them.
type hourPoints struct {
	start  int64 // UTC seconds
	points []statuspage.Point
}

// keptUntil is when an item about the time from start on, that is written at now,
// goes: never earlier for a later write.
func keptUntil(start, now int64) int64 { return max(start, now) + pointsKept }

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

func pointText(p statuspage.Point) string {
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
func readHour(it item, now int64) (hourPoints, error) {
	r := reader{item: it}
	start, err := parseHour(r.str(attrSK))
	if err != nil {
		return hourPoints{}, err
	}
	h := hourPoints{start: start}
	if r.num(attrTTL) <= now {
		return h, r.err
	}
	for n, name := range minuteAttrs {
		if text := r.optStr(name); text != nil {
			p, err := readPoint(*text, start+int64(n)*minuteSeconds)
			if err != nil {
				return hourPoints{}, err
			}
			h.points = append(h.points, p)
		}
	}
	return h, r.err
}

// RecordPoint implements statuspage.PointStore.
func (s *Store) RecordPoint(ctx context.Context, tag string, p statuspage.Point, now int64) error {
	return s.RecordPoints(ctx, []statuspage.TaggedPoint{{Tag: tag, Point: p}}, now)[0]
}

// RecordPoints implements statuspage.PointStore. Points of the same monitor and hour
// are one write. What the alert rules of a monitor need is read beside its writes.
func (s *Store) RecordPoints(ctx context.Context, points []statuspage.TaggedPoint, now int64) []error {
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
	posts := map[string]*post{}
	for n, p := range points {
		m, ok := monitors[p.Tag]
		if !ok {
			errs[n] = statuspage.MonitorNotFound(p.Tag)
			continue
		}
		if posts[p.Tag] == nil {
			posts[p.Tag] = &post{monitor: m, hours: map[int64][]int{}, before: map[int64]item{}}
		}
		hour := statuspage.FloorHour(p.Time)
		posts[p.Tag].hours[hour] = append(posts[p.Tag].hours[hour], n)
	}
	// The reads come last: what they bring is newer then.
	var g errgroup.Group
	g.SetLimit(batchAtOnce)
	for _, m := range posts {
		for hour, members := range m.hours {
			g.Go(func() error {
				before, err := s.setPoints(ctx, m.monitor.id, plainPoints(points, members), now)
				m.mu.Lock()
				defer m.mu.Unlock()
				m.before[hour] = before
				for _, n := range members {
					errs[n] = err
				}
				return nil
			})
		}
	}
	for _, m := range posts {
		if len(m.monitor.watches) > 0 {
			g.Go(func() error {
				m.view, m.viewErr = s.look(ctx, m.monitor, now)
				return nil
			})
		}
	}
	_ = g.Wait() // each error is in its place
	for _, m := range posts {
		g.Go(func() error {
			if err := s.judgePost(ctx, m, points, now); err != nil {
				for _, members := range m.hours {
					for _, n := range members {
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

// A post is the points of one monitor that are written at once.
type post struct {
	monitor watched
	hours   map[int64][]int // the places of its points, by hour
	view    *view           // see look
	viewErr error

	mu     sync.Mutex
	before map[int64]item // the hours as they were before, see setPoints
}

func plainPoints(points []statuspage.TaggedPoint, places []int) []statuspage.Point {
	plain := make([]statuspage.Point, len(places))
	for i, n := range places {
		plain[i] = points[n].Point
	}
	return plain
}

// judgePost judges what was written of a post.
func (s *Store) judgePost(ctx context.Context, m *post, points []statuspage.TaggedPoint, now int64) error {
	if m.viewErr != nil || m.view == nil {
		return m.viewErr
	}
	for hour, before := range m.before {
		if err := m.view.stood(hour, before, now); err != nil {
			return err
		}
	}
	m.view.before = append([]statuspage.Point{}, m.view.points(now)...)
	written := map[int64]bool{}
	for _, members := range m.hours {
		for _, p := range plainPoints(points, members) {
			m.view.put(p)
			written[p.Time] = true
		}
	}
	return s.judge(ctx, m.monitor, m.view, func(minute int64) bool { return written[minute] }, now)
}

// setPoints sets points of one hour of a monitor, the last one of a minute, and
// returns the hour's item as it was before; nil when there was none, or where the write
// can't tell. A day that has ended may have totals: these go in the same transaction.
func (s *Store) setPoints(ctx context.Context, monitorID int64, points []statuspage.Point, now int64) (item, error) {
	start := statuspage.FloorHour(points[0].Time)
	e := newExpr()
	last := map[string]string{}
	for _, p := range points {
		last[minuteAttr(p.Time)] = pointText(p)
	}
	for _, name := range slices.Sorted(maps.Keys(last)) {
		e.set(name, str(last[name]))
	}
	for {
		it, refused, err := s.writeHour(ctx, monitorID, start, e, now)
		if err != nil || !refused {
			return it, err
		}
		if err := s.dropExpired(ctx, hourKey(monitorID, start), now); err != nil {
			return nil, err
		}
	}
}

// writeToken is another text for each write of an hour's item, so that it can be
// told whether the item was changed.
func writeToken() string { return newToken()[:8] }

// writeHour changes an hour's item as e says, unless the item is past its time:
// then, or when a condition of e does not hold, it is refused. It returns the item as it
// was before, see setPoints.
func (s *Store) writeHour(ctx context.Context, monitorID, start int64, e *expr, now int64) (before item, refused bool, err error) {
	k := hourKey(monitorID, start)
	e, token := e.clone().set(attrTTL, num(keptUntil(start, now))).ifCurrent(now), writeToken()
	if statuspage.NextDay(start) <= now {
		refusal, err := s.transact(ctx, s.update(k, e.set(attrWrite, str(token))), s.dirtyDay(monitorID, start, now))
		return nil, refusal != nil, err
	}
	return s.updateReturning(ctx, types.ReturnValueAllOld, k, e, attrWrite, token)
}

// ifCurrent asks that the item is not one that is past its time and only not yet
// removed: what is written to it would bring the rest back.
func (e *expr) ifCurrent(now int64) *expr {
	ttl := e.name(attrTTL)
	e.conditions = append(e.conditions, "(attribute_not_exists("+ttl+") OR "+ttl+" > "+e.value("now", num(now))+")")
	return e
}

// dropExpired removes an item that is past its time.
func (s *Store) dropExpired(ctx context.Context, k key, now int64) error {
	_, err := s.transact(ctx, s.remove(k, newExpr().ifCompare(attrTTL, "<=", "now", num(now))))
	return err
}

// dirtyDay takes the totals from the day that holds t, and makes sure that none that
// were computed before are stored.
func (s *Store) dirtyDay(monitorID, t, now int64) types.TransactWriteItem {
	start := statuspage.FloorDay(t)
	return s.update(dayKey(monitorID, start), dirtied(start, now))
}

func dirtied(dayStart, now int64) *expr {
	return newExpr().count(attrDayVersion).remove(attrTotals).set(attrTTL, num(keptUntil(dayStart, now)))
}

// UpdatePoint implements statuspage.PointStore.
func (s *Store) UpdatePoint(ctx context.Context, tag string, minute int64, p statuspage.PointPatch, now int64) (statuspage.Point, error) {
	m, err := s.Monitor(ctx, tag)
	if err != nil {
		return statuspage.Point{}, err
	}
	next, err := s.updatePoint(ctx, m, minute, p, now)
	if err != nil {
		return statuspage.Point{}, err
	}
	return next, s.judgeAfter(ctx, watchedOf(m), func(written int64) bool { return written == minute }, now)
}

func (s *Store) updatePoint(ctx context.Context, m statuspage.Monitor, minute int64, p statuspage.PointPatch, now int64) (statuspage.Point, error) {
	fresh := statuspage.Point{Time: minute, Status: m.DefaultStatusOrUp(), Latency: new(float64)}
	if p.Status != nil && p.Latency != nil {
		next := p.Apply(fresh)
		_, err := s.setPoints(ctx, m.ID, []statuspage.Point{next}, now)
		return next, err
	}
	for attempt := 0; ; attempt++ {
		old, err := s.point(ctx, m.ID, minute, now)
		if err != nil {
			return statuspage.Point{}, err
		}
		base, e := fresh, newExpr()
		if old == nil {
			e.ifHas(minuteAttr(minute), false)
		} else {
			base = *old
			e.ifCompare(minuteAttr(minute), "=", "old", str(pointText(*old)))
		}
		next := p.Apply(base)
		start := statuspage.FloorHour(minute)
		_, refused, err := s.writeHour(ctx, m.ID, start, e.set(minuteAttr(minute), str(pointText(next))), now)
		if err != nil || !refused {
			return next, err
		}
		// Another writer was there, or the hour is past its time.
		if err := s.dropExpired(ctx, hourKey(m.ID, start), now); err != nil {
			return statuspage.Point{}, err
		}
		if err := pause(ctx, attempt, errContended); err != nil {
			return statuspage.Point{}, err
		}
	}
}

// point returns the point of the minute, nil when there is none.
func (s *Store) point(ctx context.Context, monitorID, minute, now int64) (*statuspage.Point, error) {
	it, err := s.get(ctx, hourKey(monitorID, statuspage.FloorHour(minute)))
	if err != nil || it == nil {
		return nil, err
	}
	h, err := readHour(it, now)
	if err != nil {
		return nil, err
	}
	for _, p := range h.points {
		if p.Time == minute {
			return &p, nil
		}
	}
	return nil, nil
}

// Point implements statuspage.PointStore.
func (s *Store) Point(ctx context.Context, tag string, minute, now int64) (statuspage.Point, error) {
	m, err := s.Monitor(ctx, tag)
	if err != nil {
		return statuspage.Point{}, err
	}
	p, err := s.point(ctx, m.ID, minute, now)
	if err != nil {
		return statuspage.Point{}, err
	}
	if p == nil {
		return statuspage.Point{}, statuspage.PointNotFound(tag, minute)
	}
	return *p, nil
}

// Points implements statuspage.PointStore.
func (s *Store) Points(ctx context.Context, tag string, q statuspage.PointQuery, now int64, take func(statuspage.Point) bool) (int64, error) {
	m, err := s.Monitor(ctx, tag)
	if err != nil {
		return 0, err
	}
	var next int64
	err = s.eachPoint(ctx, m.ID, q.From, q.To-minuteSeconds, now, func(p statuspage.Point) bool {
		if !take(p) {
			next = p.Time
		}
		return next == 0
	})
	return next, err
}

// eachPoint calls f with the points from one minute to another, both included, time
// rising, until f returns false.
func (s *Store) eachPoint(ctx context.Context, monitorID, from, to, now int64, f func(statuspage.Point) bool) error {
	if from > to {
		return nil
	}
	pages := dynamodb.NewQueryPaginator(s.client, &dynamodb.QueryInput{
		TableName: s.table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression: aws.String(rowsQuery),
		ExpressionAttributeValues: item{
			":pk": str(monitorPK(monitorID)), ":low": str(hourKey(monitorID, from).sk), ":high": str(hourKey(monitorID, to).sk),
		},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return failure("query points", err)
		}
		for _, it := range page.Items {
			h, err := readHour(it, now)
			if err != nil {
				return err
			}
			for _, p := range h.points {
				if p.Time >= from && p.Time <= to && !f(p) {
					return nil
				}
			}
		}
	}
	return nil
}

// FillRange implements statuspage.PointStore. Whole hours are put as they will be, but
// for today's; of these, and of parts of an hour, the minutes are set. A day that has ended
// loses its totals before the first hour, and is marked as being filled: until the
// mark is old nobody stores new ones, so that a range which stops on the way leaves
// none that a reader made of a part of it.
func (s *Store) FillRange(ctx context.Context, tag string, r statuspage.Range, now int64) error {
	m, err := s.Monitor(ctx, tag)
	if err != nil {
		return err
	}
	var g errgroup.Group
	g.SetLimit(callsAtOnce)
	for start := statuspage.FloorDay(r.From); start <= r.To && start+daySeconds <= now; start += daySeconds {
		g.Go(func() error {
			e := dirtied(start, now).set(attrFilling, num(now+fillingTime))
			_, err := s.transact(ctx, s.update(dayKey(m.ID, start), e))
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if err := s.fillHours(ctx, m.ID, r, now); err != nil {
		return err
	}
	return s.judgeAfter(ctx, watchedOf(m), func(minute int64) bool { return minute >= r.From && minute <= r.To }, now)
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
		// A batch asks for nothing: one that comes late undoes what was set since, and it
		// takes an hour's fence away. Hours of today are written by others too.
		if len(points) < len(minuteAttrs) || start <= now && !statuspage.DayFinished(statuspage.FloorDay(start), now) {
			g.Go(func() error {
				_, err := s.setPoints(ctx, monitorID, points, now)
				return err
			})
			continue
		}
		it := hourKey(monitorID, start).attributes()
		it[attrTTL], it[attrWrite] = num(keptUntil(start, now)), str(writeToken())
		for _, p := range points {
			it[minuteAttr(p.Time)] = str(pointText(p))
		}
		whole = append(whole, types.WriteRequest{PutRequest: &types.PutRequest{Item: it}})
	}
	for chunk := range slices.Chunk(whole, batchWriteSize) {
		g.Go(func() error { return s.batchWrite(ctx, chunk) })
	}
	return g.Wait()
}

// DaySoFar implements statuspage.PointStore.
func (s *Store) DaySoFar(ctx context.Context, tag string, until, now int64) (statuspage.Monitor, statuspage.Totals, *statuspage.Point, error) {
	var totals statuspage.Totals
	var newest *statuspage.Point
	m, err := s.Monitor(ctx, tag)
	if err != nil {
		return m, totals, nil, err
	}
	err = s.eachPoint(ctx, m.ID, statuspage.FloorDay(until), statuspage.FloorMinute(until), now, func(p statuspage.Point) bool {
		totals.Add(p)
		newest = &p
		return true
	})
	return m, totals, newest, err
}

// Uptime implements statuspage.PointStore. The finished days have their totals, as a
// rule; those of the others, and of days whose totals are missing, are made from
// their points, and stored where the day is finished.
func (s *Store) Uptime(ctx context.Context, tag string, days int, now int64) (statuspage.Monitor, []statuspage.DayTotals, error) {
	m, err := s.Monitor(ctx, tag)
	if err != nil {
		return m, nil, err
	}
	today := statuspage.FloorDay(now)
	first := today - int64(days-1)*daySeconds
	unfinished := today
	if yesterday := today - daySeconds; !statuspage.DayFinished(yesterday, now) {
		unfinished = yesterday
	}
	stored := map[int64]dayItem{}
	open := map[int64]*statuspage.Totals{}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		stored, err = s.days(gctx, m.ID, first, unfinished-daySeconds, now)
		return err
	})
	g.Go(func() error {
		return s.sumDays(gctx, m.ID, max(first, unfinished), statuspage.FloorMinute(now), now, open)
	})
	if err := g.Wait(); err != nil {
		return m, nil, err
	}
	missing := map[int64]*statuspage.Totals{}
	g, gctx = errgroup.WithContext(ctx)
	g.SetLimit(callsAtOnce)
	// Days in a row that lack their totals are one query.
	for start := first; start < unfinished; start += daySeconds {
		if stored[start].totals != nil {
			continue
		}
		from := start
		sums := map[int64]*statuspage.Totals{}
		for ; start < unfinished && stored[start].totals == nil; start += daySeconds {
			sums[start] = &statuspage.Totals{}
			missing[start] = sums[start]
		}
		g.Go(func() error { return s.sumDays(gctx, m.ID, from, start-minuteSeconds, now, sums) })
	}
	if err := g.Wait(); err != nil {
		return m, nil, err
	}
	s.storeTotals(ctx, m.ID, stored, missing, now)
	var all []statuspage.DayTotals
	for start := first; start <= today; start += daySeconds {
		d := statuspage.DayTotals{Day: start}
		switch {
		case stored[start].totals != nil:
			d.Totals = *stored[start].totals
		case missing[start] != nil:
			d.Totals = *missing[start]
		case open[start] != nil:
			d.Totals = *open[start]
		}
		all = append(all, d)
	}
	return m, all, nil
}

// sumDays adds the points from one minute to another to the totals of their days,
// which it makes where there are none.
func (s *Store) sumDays(ctx context.Context, monitorID, from, to, now int64, days map[int64]*statuspage.Totals) error {
	return s.eachPoint(ctx, monitorID, from, to, now, func(p statuspage.Point) bool {
		start := statuspage.FloorDay(p.Time)
		if days[start] == nil {
			days[start] = &statuspage.Totals{}
		}
		days[start].Add(p)
		return true
	})
}

// dayItem is what the table has of a day.
type dayItem struct {
	version int64              // 0: no item
	filling int64              // UTC seconds until when a range may be being filled
	totals  *statuspage.Totals // nil: to be made from the points
}

// days reads the days from one to another, both included.
func (s *Store) days(ctx context.Context, monitorID, from, to, now int64) (map[int64]dayItem, error) {
	found := map[int64]dayItem{}
	if from > to {
		return found, nil
	}
	pages := dynamodb.NewQueryPaginator(s.client, &dynamodb.QueryInput{
		TableName: s.table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression: aws.String(rowsQuery),
		ExpressionAttributeValues: item{
			":pk": str(monitorPK(monitorID)), ":low": str(dayKey(monitorID, from).sk), ":high": str(dayKey(monitorID, to).sk),
		},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, failure("query days", err)
		}
		for _, it := range page.Items {
			start, d, err := readDay(it)
			if err != nil {
				return nil, err
			}
			if r := (reader{item: it}); r.num(attrTTL) <= now {
				d.totals = &statuspage.Totals{} // its points are as old
			}
			found[start] = d
		}
	}
	return found, nil
}

// storeTotals stores totals that were made from the points, unless a point was
// written since the days were read, or a range is being filled. A failure costs the
// next reader the same work.
func (s *Store) storeTotals(ctx context.Context, monitorID int64, read map[int64]dayItem, made map[int64]*statuspage.Totals, now int64) {
	var g errgroup.Group
	g.SetLimit(callsAtOnce)
	for start, totals := range made {
		if read[start].filling > now {
			continue
		}
		g.Go(func() error {
			e := newExpr().set(attrTotals, totalsMap(*totals)).set(attrTTL, num(keptUntil(start, now))).setIfAbsent(attrDayVersion, num(0))
			if d, ok := read[start]; ok {
				e.ifCompare(attrDayVersion, "=", "seen", num(d.version))
			} else {
				e.ifHas(attrDayVersion, false)
			}
			_, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
				TableName: s.table, Key: dayKey(monitorID, start).attributes(),
				UpdateExpression: e.update(), ConditionExpression: e.condition(),
				ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values,
			})
			if _, changed := errors.AsType[*types.ConditionalCheckFailedException](err); err != nil && !changed {
				s.log.WarnContext(ctx, "the totals of a day are not stored", "cause", err.Error())
			}
			return nil
		})
	}
	_ = g.Wait()
}

func totalsMap(t statuspage.Totals) types.AttributeValue {
	return &types.AttributeValueMemberM{Value: item{
		attrUp: num(t.Up), attrDegraded: num(t.Degraded), attrDown: num(t.Down),
		attrLatencySum: str(strconv.FormatFloat(t.LatencySum, 'g', -1, 64)), attrLatencyCount: num(t.LatencyCount),
	}}
}

func readDay(it item) (start int64, d dayItem, err error) {
	r := reader{item: it}
	at, err := time.Parse(time.DateOnly, r.str(attrSK)[len(dayPrefix):])
	if err != nil {
		return 0, d, fmt.Errorf("sort key of a day: %w", err)
	}
	d.version = r.num(attrDayVersion)
	if filling := r.optNum(attrFilling); filling != nil {
		d.filling = *filling
	}
	if m, ok := it[attrTotals].(*types.AttributeValueMemberM); ok {
		tr := reader{item: m.Value}
		d.totals = &statuspage.Totals{
			Up: tr.num(attrUp), Degraded: tr.num(attrDegraded), Down: tr.num(attrDown), LatencyCount: tr.num(attrLatencyCount),
		}
		if d.totals.LatencySum, err = strconv.ParseFloat(tr.str(attrLatencySum), 64); err != nil {
			return 0, d, fmt.Errorf("latencies of day %s: %w", r.str(attrSK), err)
		}
		if tr.err != nil {
			return 0, d, tr.err
		}
	}
	return at.Unix(), d, r.err
}
