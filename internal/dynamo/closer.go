package dynamo

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"tocsin/internal/statuspage"
)

// Attributes of how far the closer has come.
const (
	attrAfterStart = "after_start"
	attrAfterID    = "after_id"
	attrDay        = "day"
	attrDayAfter   = "day_after"
	attrDayDone    = "day_done" // present when it is
)

// CloserState implements statuspage.CloserStore.
func (s *Store) CloserState(ctx context.Context) (statuspage.CloserState, error) {
	it, err := s.get(ctx, closerKey())
	if err != nil || it == nil {
		return statuspage.CloserState{}, err
	}
	return readCloserState(it)
}

func readCloserState(it item) (statuspage.CloserState, error) {
	r := reader{item: it}
	st := statuspage.CloserState{
		Day: r.num(attrDay), Monitors: r.num(attrDayAfter), DayDone: r.flag(attrDayDone), Version: r.num(attrVersion),
	}
	if start := r.optNum(attrAfterStart); start != nil {
		st.After = &statuspage.IncidentPosition{Start: *start, ID: r.num(attrAfterID)}
	}
	return st, r.err
}

// SaveCloserState implements statuspage.CloserStore.
func (s *Store) SaveCloserState(ctx context.Context, st statuspage.CloserState) (statuspage.CloserState, bool, error) {
	e := newExpr().set(attrDay, num(st.Day)).set(attrDayAfter, num(st.Monitors)).set(attrVersion, num(st.Version+1))
	if st.DayDone {
		e.set(attrDayDone, &types.AttributeValueMemberBOOL{Value: true})
	} else {
		e.remove(attrDayDone)
	}
	if st.After != nil {
		e.set(attrAfterStart, num(st.After.Start)).set(attrAfterID, num(st.After.ID))
	} else {
		e.remove(attrAfterStart).remove(attrAfterID)
	}
	if st.Version == 0 {
		e.ifNew()
	} else {
		e.ifVersion(st.Version)
	}
	it, refused, err := s.updateInPlace(ctx, closerKey(), e, attrRequest, newToken())
	if err != nil {
		return st, false, err
	}
	if it == nil { // somebody removed it
		return statuspage.CloserState{}, false, nil
	}
	kept, err := readCloserState(it)
	return kept, !refused, err
}

// OpenIncidents implements statuspage.CloserStore.
func (s *Store) OpenIncidents(ctx context.Context, after *statuspage.IncidentPosition, limit int) ([]statuspage.Incident, *statuspage.IncidentPosition, []error, error) {
	low := timeAndID(0, 0)
	if after != nil {
		low = timeAndID(after.Start, after.ID+1)
	}
	out, err := s.client.Query(ctx, &dynamodb.QueryInput{
		TableName: s.table, IndexName: aws.String(indexGSI3), KeyConditionExpression: aws.String(gsi3Query),
		ExpressionAttributeValues: item{":pk": openOrClosed(false), ":low": str(low), ":high": str(maxTimeAndID(statuspage.MaxTimestamp))},
		Limit:                     limitOf(limit),
	})
	if err != nil {
		return nil, nil, nil, failure("query open incidents", err)
	}
	var open []statuspage.Incident
	var unreadable []error
	for _, it := range out.Items {
		i, err := readIncident(it)
		if err != nil {
			unreadable = append(unreadable, err)
			continue
		}
		open = append(open, i)
	}
	if out.LastEvaluatedKey == nil {
		return open, nil, unreadable, nil
	}
	r := reader{item: out.LastEvaluatedKey}
	start, id, err := parseTimeAndID(r.str(attrGSI1SK))
	return open, &statuspage.IncidentPosition{Start: start, ID: id}, unreadable, err
}

// IncidentsByID implements statuspage.CloserStore.
func (s *Store) IncidentsByID(ctx context.Context, ids []int64) (map[int64]statuspage.Incident, error) {
	keys := make([]key, len(ids))
	for n, id := range ids {
		keys[n] = incidentKey(id)
	}
	found, err := s.batchGet(ctx, keys)
	if err != nil {
		return nil, err
	}
	incidents := make(map[int64]statuspage.Incident, len(found))
	for _, it := range found {
		i, err := readIncident(it)
		if err != nil {
			return nil, err
		}
		incidents[i.ID] = i
	}
	return incidents, nil
}

// factHours is how many hours the first query for a monitor's facts reads: most
// monitors need no second one.
const factHours = 25

// MonitorFacts implements statuspage.CloserStore. It goes back from the newest point
// until all is known that can matter.
func (s *Store) MonitorFacts(ctx context.Context, monitorID, since, now int64) (statuspage.MonitorFacts, error) {
	f := statuspage.MonitorFacts{MonitorID: monitorID, Since: since}
	var alerts map[int64]openAlert
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		alerts, err = s.openAlerts(gctx, monitorID)
		return err
	})
	g.Go(func() error { return s.history(gctx, &f, now) })
	err := g.Wait()
	f.Alert = len(alerts) > 0
	return f, err
}

func (s *Store) history(ctx context.Context, f *statuspage.MonitorFacts, now int64) error {
	in := &dynamodb.QueryInput{
		TableName: s.table, ConsistentRead: aws.Bool(true), ScanIndexForward: aws.Bool(false),
		KeyConditionExpression: aws.String(rowsQuery),
		ExpressionAttributeValues: item{
			":pk": str(monitorPK(f.MonitorID)), ":low": str(hourPrefix), ":high": str(hourKey(f.MonitorID, now).sk),
		},
		Limit: limitOf(factHours),
	}
	var later *statuspage.Point
	for {
		out, err := s.client.Query(ctx, in)
		if err != nil {
			return failure("query a monitor's history", err)
		}
		hours := make([]viewedHour, len(out.Items))
		for n, it := range out.Items {
			if hours[n], err = readViewedHour(it, now); err != nil {
				return err
			}
		}
		if f.Seen == nil {
			f.Seen = seenHours(hours, now)
		}
		for _, h := range hours {
			for _, p := range slices.Backward(h.upTo(now)) {
				if done := learn(f, p, later, now); done {
					return nil
				}
				later = &p
			}
		}
		if out.LastEvaluatedKey == nil {
			f.Complete = true
			return nil
		}
		in.ExclusiveStartKey, in.Limit = out.LastEvaluatedKey, nil
	}
}

// learn adds a point to the facts, after those that are later, and reports whether
// they need no more.
func learn(f *statuspage.MonitorFacts, p statuspage.Point, later *statuspage.Point, now int64) bool {
	if f.Newest == nil {
		f.Newest = &p
	}
	if later != nil && later.Status != p.Status && f.Changed == nil {
		f.Changed = &later.Time
	}
	if p.Status != statuspage.StatusUp && f.NotUp == nil {
		f.NotUp = &p.Time
	}
	// A failing monitor protects its incidents, whatever was before.
	f.Complete = f.Failing(now) || f.Changed != nil && f.NotUp != nil
	return f.Complete || p.Time < f.Since
}

// hoursOfNow are the hours that hold the points by which a monitor may fail at now.
func hoursOfNow(now int64) []int64 {
	return slices.Compact([]int64{statuspage.FloorHour(now), statuspage.FloorHour(now - statuspage.FailingNow)})
}

// seenHours are the hours of now and the one with the newest point.
func seenHours(hours []viewedHour, now int64) []statuspage.SeenHour {
	seen := []statuspage.SeenHour{}
	for _, h := range hours {
		newest := len(h.upTo(now)) > 0
		if newest || slices.Contains(hoursOfNow(now), h.start) {
			seen = append(seen, statuspage.SeenHour{Start: h.start, Write: h.write})
		}
		if newest && !slices.Contains(hoursOfNow(now), h.start) {
			break
		}
	}
	return seen
}

// asSeen asks that nothing was written to the hours that the facts rest on.
func (s *Store) asSeen(f statuspage.MonitorFacts, now int64) []types.TransactWriteItem {
	var checks []types.TransactWriteItem
	absent := hoursOfNow(now)
	for _, h := range f.Seen {
		absent = slices.DeleteFunc(absent, func(start int64) bool { return start == h.Start })
		checks = append(checks, s.check(hourKey(f.MonitorID, h.Start), newExpr().ifWrite(h.Write)))
	}
	for _, start := range absent {
		checks = append(checks, s.check(hourKey(f.MonitorID, start), newExpr().ifNew()))
	}
	return checks
}

// CommentIDs implements statuspage.CloserStore. A try whose answer was lost leaves
// ids unused.
func (s *Store) CommentIDs(ctx context.Context, n int) (int64, error) {
	last, err := s.nextIDs(ctx, commentIDs, n)
	return last - int64(n) + 1, err
}

// AutoClose implements statuspage.CloserStore. It is one transaction, for the version
// of the incident that was read: a person's write, or another run's, makes it refused.
func (s *Store) AutoClose(ctx context.Context, c statuspage.AutoClosing, now int64) (statuspage.Outcome, error) {
	e := newExpr().ifVersion(c.Incident.Version).ifHas(attrClosed, false).increment(attrVersion)
	if c.Warning != nil {
		e.set(attrWarned, num(c.Warning.Time)).set(attrWarnedOf, num(c.Warning.Activity))
	} else {
		e.set(attrState, str(string(statuspage.Resolved))).set(attrEnd, num(c.End)).set(attrClosed, num(now)).set(attrUpdated, num(now)).
			set(attrGSI2PK, openOrClosed(true)).remove(attrWarned).remove(attrWarnedOf)
	}
	writes := []types.TransactWriteItem{s.update(incidentKey(c.Incident.ID), e), s.putNew(commentItem(c.Comment))}
	for _, f := range c.Rests {
		writes = append(writes, s.asSeen(f, now)...)
	}
	refused, err := s.transact(ctx, writes...)
	switch {
	case err != nil:
		return statuspage.IncidentChanged, err
	case refused == nil:
		return statuspage.Written, nil
	case refused.failed(0):
		return statuspage.IncidentChanged, nil
	default:
		return statuspage.MonitorsChanged, nil
	}
}

// MissingTotals implements statuspage.CloserStore. A day before the monitor was made
// counts only when something was written to it.
func (s *Store) MissingTotals(ctx context.Context, m statuspage.Monitor, days int, look bool, now int64) ([]int64, error) {
	last := statuspage.FloorDay(now) - daySeconds
	if !statuspage.DayFinished(last, now) {
		last -= daySeconds
	}
	first := statuspage.FloorDay(now) - int64(days)*daySeconds
	stored, err := s.days(ctx, m.ID, first, last, now)
	if err != nil {
		return nil, err
	}
	missing := map[int64]*statuspage.Totals{}
	var starts []int64
	for start := first; start <= last; start += daySeconds {
		d, there := stored[start]
		if d.totals == nil && d.filling <= now && (there || start+daySeconds > m.Created) {
			starts = append(starts, start)
			missing[start] = &statuspage.Totals{}
		}
	}
	if look || len(starts) == 0 {
		return starts, nil
	}
	sums := map[int64]*statuspage.Totals{}
	if err := s.sumDays(ctx, m.ID, starts[0], starts[len(starts)-1]+daySeconds-minuteSeconds, now, sums); err != nil {
		return nil, err
	}
	for start, totals := range sums {
		if missing[start] != nil {
			missing[start] = totals
		}
	}
	s.storeTotals(ctx, m.ID, stored, missing, now)
	return starts, nil
}

// PendingCleanups implements statuspage.CloserStore.
func (s *Store) PendingCleanups(ctx context.Context) ([]string, error) {
	var names []string
	var start item
	for {
		in := s.under(cleanups)
		in.ExclusiveStartKey = start
		_, page, err := s.query(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, k := range page.keys {
			names = append(names, k.sk)
		}
		if page.next == nil {
			return names, nil
		}
		start = page.next
	}
}
