package dynamo

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"tocsin/internal/ddb"
	"tocsin/internal/statuspage"
)

func closerKey() ddb.Key { return ddb.Key{PK: system, SK: "CLOSER"} }

// Attributes of statuspage.CloserState.
const (
	attrAfterStart = "after_start"
	attrAfterID    = "after_id"
	attrDay        = "day"
	attrDayAfter   = "day_after"
	attrDayDone    = "day_done"
)

func closerItem(st statuspage.CloserState) ddb.Item {
	it := closerKey().Item()
	it[attrDay], it[attrDayAfter], it[ddb.AttrVersion] = ddb.Num(st.Day), ddb.Num(st.Monitors), ddb.Num(st.Version)
	ddb.PutFlag(it, attrDayDone, st.DayDone)
	if st.After != nil {
		it[attrAfterStart], it[attrAfterID] = ddb.Num(st.After.Start), ddb.Num(st.After.ID)
	}
	return it
}

func readCloserState(it ddb.Item) (statuspage.CloserState, error) {
	if it == nil {
		return statuspage.CloserState{}, nil
	}
	r := ddb.Reader{Item: it}
	st := statuspage.CloserState{
		Day: r.Num(attrDay), Monitors: r.Num(attrDayAfter), DayDone: r.Has(attrDayDone), Version: r.Num(ddb.AttrVersion),
	}
	if start := r.OptNum(attrAfterStart); start != nil {
		st.After = &statuspage.IncidentPosition{Start: *start, ID: r.Num(attrAfterID)}
	}
	return st, r.Err
}

// CloserState implements closer.Store.
func (s *Store) CloserState(ctx context.Context) (statuspage.CloserState, error) {
	it, err := s.table.Get(ctx, closerKey())
	if err != nil {
		return statuspage.CloserState{}, err
	}
	return readCloserState(it)
}

// SaveCloserState implements closer.Store.
func (s *Store) SaveCloserState(ctx context.Context, st statuspage.CloserState) (statuspage.CloserState, bool, error) {
	e := ddb.NewExpr()
	if st.Version == 0 {
		e.IfNew()
	} else {
		e.IfEqual(ddb.AttrVersion, ddb.Num(st.Version))
	}
	st.Version++
	refused, err := s.table.Transact(ctx, s.table.PutIf(closerItem(st), e))
	if err != nil || refused == nil {
		return st, err == nil, err
	}
	kept, err := readCloserState(refused.Item(0))
	return kept, false, err
}

// OpenIncidents implements closer.Store.
func (s *Store) OpenIncidents(ctx context.Context, after *statuspage.IncidentPosition, limit int) ([]statuspage.Incident, *statuspage.IncidentPosition, []error, error) {
	low := timeAndID(0, 0)
	if after != nil {
		low = timeAndID(after.Start, after.ID+1)
	}
	items, next, err := s.table.Page(ctx, ddb.Query{
		Index: ddb.GSI3, PK: openOrClosed(false), Low: low, High: maxTimeAndID(statuspage.MaxTimestamp), Limit: limit,
	}, nil)
	if err != nil {
		return nil, nil, nil, err
	}
	var open []statuspage.Incident
	var unreadable []error
	for _, it := range items {
		i, err := readIncident(it)
		if err != nil {
			unreadable = append(unreadable, err)
			continue
		}
		open = append(open, i)
	}
	if next == nil {
		return open, nil, unreadable, nil
	}
	r := ddb.Reader{Item: next}
	start, id, err := parseTimeAndID(r.Str(ddb.AttrGSI1SK))
	return open, &statuspage.IncidentPosition{Start: start, ID: id}, unreadable, err
}

// InactiveMonitors implements closer.Store.
func (s *Store) InactiveMonitors(ctx context.Context, tags []string) (map[int64]bool, error) {
	monitors, err := s.watchedMonitors(ctx, tags)
	inactive := map[int64]bool{}
	for _, m := range monitors {
		if m.inactive {
			inactive[m.id] = true
		}
	}
	return inactive, err
}

// factHours is how many hours the first query for a monitor's facts reads: most
// monitors need no second one.
const factHours = 25

// MonitorFacts implements closer.Store. It reads backwards from the newest point, see
// MonitorFacts.AddEarlier.
func (s *Store) MonitorFacts(ctx context.Context, monitorID, since, now int64) (statuspage.MonitorFacts, error) {
	f := statuspage.MonitorFacts{MonitorID: monitorID, Since: since}
	var on openings
	var windows []statuspage.Window
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		on, err = s.openOn(gctx, monitorID)
		return err
	})
	g.Go(func() (err error) {
		windows, err = s.windows(gctx, monitorID, 0, now+1)
		return err
	})
	g.Go(func() error { return s.readHistory(gctx, &f, now) })
	err := g.Wait()
	f.Alert, f.Windows = len(on.alerts) > 0, windows
	return f, err
}

func (s *Store) readHistory(ctx context.Context, f *statuspage.MonitorFacts, now int64) error {
	q := ddb.Query{PK: monitorPK(f.MonitorID), Low: hourPrefix, High: hourKey(f.MonitorID, now).SK, Newest: true, Limit: factHours}
	var later *statuspage.Point
	var from ddb.Item
	for {
		items, next, err := s.table.Page(ctx, q, from)
		if err != nil {
			return err
		}
		hours := make([]hour, len(items))
		for n, it := range items {
			if hours[n], err = readHour(it, now); err != nil {
				return err
			}
		}
		if f.Seen == nil {
			f.Seen = seenHours(hours, now)
		}
		for _, h := range hours {
			for _, p := range slices.Backward(h.upTo(now)) {
				if enough := f.AddEarlier(p, later, now); enough {
					return nil
				}
				later = &p
			}
		}
		if from = next; from == nil {
			f.Complete = true
			return nil
		}
		q.Limit = 0
	}
}

// seenHours are the hours to which nothing may be written until the closing, at most two:
// those of the last 15 minutes, whose points say whether the monitor fails, and, if that is
// one hour, the hour of the newest point.
func seenHours(hours []hour, now int64) []statuspage.SeenHour {
	starts := slices.Compact([]int64{statuspage.FloorHour(now), statuspage.FloorHour(now - statuspage.FailingNow)})
	newest := slices.IndexFunc(hours, func(h hour) bool { return len(h.upTo(now)) > 0 })
	if len(starts) == 1 && newest >= 0 && hours[newest].start != starts[0] {
		starts = append(starts, hours[newest].start)
	}
	seen := make([]statuspage.SeenHour, len(starts))
	for n, start := range starts {
		seen[n] = statuspage.SeenHour{Start: start}
		if at := slices.IndexFunc(hours, func(h hour) bool { return h.start == start }); at >= 0 {
			seen[n].Mark = hours[at].mark()
		}
	}
	return seen
}

// CommentIDs implements closer.Store. A try whose answer was lost leaves
// ids unused.
func (s *Store) CommentIDs(ctx context.Context, n int) (int64, error) {
	last, err := s.table.Count(ctx, CounterKey(CommentIDs), AttrLast, int64(n))
	return last - int64(n) + 1, err
}

// AutoClose implements closer.Store. It is one transaction, which is refused when a person
// or another run has written to the incident since it was read.
func (s *Store) AutoClose(ctx context.Context, c statuspage.AutoClosing, now int64) (statuspage.Outcome, error) {
	ctx = statuspage.WithActor(ctx, statuspage.Actor{Kind: statuspage.ByCloser})
	writes := s.incidentWrites(ctx, c.Incident, s.withComment(c.Incident.AutoClosed(c, now), c.Comment, nil), now)
	for _, f := range c.Rests {
		for _, h := range f.Seen {
			writes = append(writes, s.table.Check(hourKey(f.MonitorID, h.Start), ifUnwritten(h.Mark, now)))
		}
	}
	refused, err := s.table.Transact(ctx, writes...)
	switch {
	case err != nil:
		return statuspage.IncidentChanged, err
	case refused == nil:
		return statuspage.Written, nil
	case refused.Failed(0):
		return statuspage.IncidentChanged, nil
	default:
		return statuspage.MonitorsChanged, nil
	}
}

// MissingTotals implements closer.Store. A day before the monitor was made, or before those
// that are looked for, counts only when something was written to it.
func (s *Store) MissingTotals(ctx context.Context, m statuspage.Monitor, days int, look bool, now int64) ([]int64, error) {
	last := statuspage.FloorDay(now) - daySeconds
	if !statuspage.DayFinished(last, now) {
		last -= daySeconds
	}
	from := max(statuspage.FloorDay(now)-int64(days)*daySeconds, statuspage.FloorDay(m.Created))
	first := max(0, statuspage.FloorDay(now)-statuspage.TotalsRetention*daySeconds)
	stored, err := s.days(ctx, m.ID, first, last, now, false)
	if err != nil {
		return nil, err
	}
	var starts []int64
	for start := first; start <= last; start += daySeconds {
		d, there := stored[start]
		if d.totals == nil && d.filling <= now && (there || start >= from) {
			starts = append(starts, start)
		}
	}
	if look || len(starts) == 0 {
		return starts, nil
	}
	overlay, err := s.overlay(ctx, m.ID, starts[0], last+daySeconds, now)
	if err != nil {
		return nil, err
	}
	missing, err := s.countDays(ctx, m.ID, starts, overlay, now)
	if err != nil {
		return nil, err
	}
	s.storeTotals(ctx, m.ID, stored, missing, now)
	return starts, nil
}
