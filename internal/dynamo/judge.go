package dynamo

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"tocsin/internal/ddb"
	"tocsin/internal/statuspage"
)

// How points are judged. A monitor is judged after its points were written, by strongly
// consistent reads: of writers at once, the last one to read sees all points. Where the
// points ask for another state of an alert than there is, all is read again, and the
// transaction that opens or resolves the alert asks that nothing was written since to the
// hours that hold the newest point and now. So the last point's judgement stands.
//
// Maintenances are read with that second reading alone, so that most points cost nothing more.
// While one is on nothing opens or resolves, and points in one are left out. A maintenance
// that was entered or changed in that moment may be missed.

// maintainedWithin is for how many seconds before now points in a maintenance are left out:
// older ones than that matter to no rule, as good as certainly.
const maintainedWithin = 90 * daySeconds

// A window is how many of a monitor's newest points a judgement looks at, and how many of
// those that have a latency.
type window struct{ points, measured int }

func windowOf(c statuspage.Condition) window {
	w := window{points: c.Points()}
	if c.For == statuspage.AlertLatency {
		w.measured = w.points
	}
	return w
}

func (w window) covers(o window) bool { return w.points >= o.points && w.measured >= o.measured }

// newestHours returns the monitor's newest hours, the newest first: so many that they
// have the points of the window, or all that can matter. An hour that is past its time is
// left out; one whose points were all deleted is not. Points that the overlay has don't count;
// while a maintenance is on nothing can matter. The overlay is asked for after the first read.
func (s *Store) newestHours(ctx context.Context, monitorID int64, w window, overlay func() statuspage.Overlay, now int64) ([]hour, error) {
	q := ddb.Query{
		PK: monitorPK(monitorID), Low: hourPrefix, High: hourKey(monitorID, now+clockSkew).SK, Newest: true,
		Limit: w.points, // an hour has a point at least, as a rule
	}
	var hours []hour
	var newest int64
	var from ddb.Item
	for found, measured := 0, 0; ; {
		items, next, err := s.table.Page(ctx, q, from)
		if err != nil {
			return nil, err
		}
		o := overlay()
		for _, it := range items {
			h, err := readHour(it, now)
			if err != nil {
				return nil, err
			}
			if h.there {
				hours = append(hours, h)
			}
			for _, p := range o.Outside(h.upTo(now)) {
				newest = max(newest, p.Time)
				found++
				if p.Latency != nil {
					measured++
				}
			}
		}
		enough := found >= w.points && (measured >= w.measured || hours[len(hours)-1].start <= newest-statuspage.MeasuredWithin)
		if _, maintained := o.At(now); maintained {
			return hours, nil
		}
		if from = next; enough || from == nil {
			return hours, nil
		}
		if found >= w.points { // a day has few hours: all at once
			q.Limit = statuspage.MeasuredWithin / hourSeconds
		} else { // points were deleted, perhaps of many hours
			q.Limit *= 10
		}
	}
}

// clockSkew is how long a request may have been at work since it read its clock, and how far
// that may be behind another one's, in seconds.
const clockSkew = 2 * minuteSeconds

// upTo returns the points that are there at now: none of the future, which only a person
// can set. A posted one that is a little after now has come since the clock was read.
func (h hour) upTo(now int64) []statuspage.Point {
	n := len(h.points)
	for n > 0 && h.points[n-1].Time > now && (h.points[n-1].Source != statuspage.SourceProbe || h.points[n-1].Time > now+clockSkew) {
		n--
	}
	return h.points[:n]
}

// pointsUpTo returns the points of hours, the newest first, that are there at now and that the
// overlay does not have, by time.
func pointsUpTo(hours []hour, o statuspage.Overlay, now int64) []statuspage.Point {
	var points []statuspage.Point
	for _, h := range slices.Backward(hours) {
		points = append(points, o.Outside(h.upTo(now))...)
	}
	return points
}

// noOverlay is for who asks for nothing that a maintenance would keep from happening.
func noOverlay() statuspage.Overlay { return statuspage.Overlay{} }

// judge makes the alerts of a monitor what its points ask for, after some were written.
// Written points of which none is the monitor's newest, see upTo, change nothing.
func (s *Store) judge(ctx context.Context, m watched, written func(minute int64) bool, now int64) error {
	var all window
	for _, x := range m.watches {
		if x.For != statuspage.AlertNoData {
			w := windowOf(x.Condition)
			all = window{max(all.points, w.points), max(all.measured, w.measured)}
		}
	}
	if all.points == 0 || m.inactive {
		return nil
	}
	var hours []hour
	var on openings
	reads, rctx := errgroup.WithContext(ctx)
	reads.Go(func() (err error) {
		hours, err = s.newestHours(rctx, m.id, all, noOverlay, now)
		return err
	})
	reads.Go(func() (err error) {
		on, err = s.openOn(rctx, m.id)
		return err
	})
	if err := reads.Wait(); err != nil {
		return err
	}
	points := pointsUpTo(hours, noOverlay(), now)
	if len(points) == 0 || !written(points[len(points)-1].Time) {
		return nil
	}
	// One after the other, the oldest rule first: it opens the incident that others join.
	var failed error
	for _, x := range m.watches {
		_, isOpen := on.alerts[x.RuleID]
		if x.Judge(points, m.formula).Verdict.Asks(isOpen) {
			_, err := s.judgeRule(ctx, statuspage.RuleMonitor{Tag: m.tag, MonitorID: m.id}, x.RuleID, windowOf(x.Condition), now)
			failed = cmp.Or(failed, err)
		}
	}
	return failed
}

// judgeRule opens or resolves the alert of a rule on a monitor if the points ask for it at
// now, and returns the state that it gave it, "" when there was nothing to do. w is the
// rule's window, as far as it is known.
func (s *Store) judgeRule(ctx context.Context, monitor statuspage.RuleMonitor, ruleID int64, w window, now int64) (did statuspage.AlertState, err error) {
	var ids statuspage.FiringIDs
	err = ddb.Retry(ctx, func() (done bool, err error) {
		var m statuspage.Monitor
		var r *statuspage.AlertRule
		var on openings
		var hours []hour
		var overlay statuspage.Overlay
		overlaid := make(chan struct{}) // closed when overlay is read
		g, gctx := errgroup.WithContext(ctx)
		g.Go(func() (err error) {
			defer close(overlaid)
			overlay, err = s.overlay(gctx, monitor.MonitorID, now-maintainedWithin, now+1, now)
			return err
		})
		g.Go(func() (err error) {
			m, r, err = s.ruleOn(gctx, monitor, ruleID)
			return err
		})
		g.Go(func() (err error) {
			on, err = s.openOn(gctx, monitor.MonitorID)
			return err
		})
		g.Go(func() (err error) {
			hours, err = s.newestHours(gctx, monitor.MonitorID, w, func() statuspage.Overlay {
				<-overlaid
				return overlay
			}, now)
			return err
		})
		if err := g.Wait(); err != nil || r == nil {
			return true, err
		}
		if _, maintained := overlay.At(now); maintained {
			return true, nil
		}
		if needed := windowOf(r.Condition); !w.covers(needed) { // the rule was changed since
			w = needed
			return false, nil
		}
		j := verdictOf(*r, m, pointsUpTo(hours, overlay, now), overlay, now)
		_, isOpen := on.alerts[ruleID]
		if !j.Verdict.Asks(isOpen) {
			return true, nil
		}
		next, writes := statuspage.AlertResolved, []ddb.Write(nil)
		if isOpen {
			writes, err = s.recoveryWrites(ctx, m, *r, on, j, seen{hours, overlay}, &ids, now)
		} else {
			next = statuspage.Triggered
			writes, err = s.firingWrites(ctx, m, *r, on, j, &ids, now)
		}
		if err != nil {
			return false, err
		}
		refused, err := s.table.Transact(ctx, append(writes, s.ifNoNewPoint(monitor.MonitorID, hours, now)...)...)
		if err == nil && refused == nil {
			did = next
		}
		ids.Comment = 0 // of two comments of one minute the later one has the greater id
		return refused == nil, err
	})
	return did, err
}

// ruleOn reads the rule with its monitor. The rule is nil when it does not judge that
// monitor, which is INACTIVE perhaps, or either is gone.
func (s *Store) ruleOn(ctx context.Context, on statuspage.RuleMonitor, ruleID int64) (statuspage.Monitor, *statuspage.AlertRule, error) {
	found, err := s.table.BatchGet(ctx, []ddb.Key{monitorKey(on.Tag), ruleKey(ruleID)})
	if err != nil || found[monitorKey(on.Tag)] == nil || found[ruleKey(ruleID)] == nil {
		return statuspage.Monitor{}, nil, err
	}
	m, err := readMonitor(found[monitorKey(on.Tag)])
	if err != nil {
		return m, nil, err
	}
	r, err := readRule(found[ruleKey(ruleID)])
	if err != nil || m.ID != on.MonitorID || m.Inactive() || !r.Active || !watches(r, m.ID) {
		return m, nil, err
	}
	return m, &r, nil
}

// verdictOf is what the rule says at now of the monitor's points outside of the overlay.
func verdictOf(r statuspage.AlertRule, m statuspage.Monitor, points []statuspage.Point, o statuspage.Overlay, now int64) statuspage.Judgement {
	if r.For != statuspage.AlertNoData {
		return r.Judge(points, m.UptimeFormula())
	}
	return r.JudgeNoData(newestOf(points), o, now)
}

// newestOf returns the last of points by time, nil when there are none.
func newestOf(points []statuspage.Point) *statuspage.Point {
	if len(points) == 0 {
		return nil
	}
	return &points[len(points)-1]
}

// ifNoNewPoint asks that the hours with the newest points are as they were read, and that
// nothing was written to now's hour where there was nothing.
func (s *Store) ifNoNewPoint(monitorID int64, hours []hour, now int64) []ddb.Write {
	var checks []ddb.Write
	check := func(start int64, mark string) {
		checks = append(checks, s.table.Check(hourKey(monitorID, start), ifUnwritten(mark, now)))
	}
	current := slices.Compact([]int64{statuspage.FloorHour(now), statuspage.FloorHour(now + clockSkew)})
	for _, start := range current {
		if !slices.ContainsFunc(hours, func(h hour) bool { return h.start == start }) {
			check(start, "")
		}
	}
	for _, h := range hours {
		// One without points that nothing of now can be written to is as none.
		if len(h.points) > 0 || slices.Contains(current, h.start) {
			check(h.start, h.mark())
		}
		if len(h.upTo(now)) > 0 {
			break
		}
	}
	return checks
}

// seen is what was read of a monitor: hours, the newest first, and what maintenances make of
// them.
type seen struct {
	hours   []hour
	overlay statuspage.Overlay
}

// recoveredAt returns the minute in which the monitor recovered for the rule, as the hours
// say that were read. Where they don't reach back far enough, those before them are read, as
// far as start (UTC seconds).
func (s *Store) recoveredAt(ctx context.Context, m statuspage.Monitor, c statuspage.Condition, of seen, start, now int64) (int64, error) {
	hours := of.hours
	at, enough := c.RecoveredAt(pointsUpTo(hours, of.overlay, now), m.UptimeFormula(), start)
	if enough {
		return at, nil
	}
	before := hours[len(hours)-1].start - hourSeconds
	q := ddb.Query{PK: monitorPK(m.ID), Low: hourKey(m.ID, start).SK, High: hourKey(m.ID, before).SK, Newest: true, Limit: factHours}
	for from := ddb.Item(nil); !enough; q.Limit = 0 { // a page's place is refused in another range
		items, next, err := s.table.Page(ctx, q, from)
		if err != nil {
			return 0, err
		}
		for _, it := range items {
			h, err := readHour(it, now)
			if err != nil {
				return 0, err
			}
			hours = append(hours, h)
		}
		if at, enough = c.RecoveredAt(pointsUpTo(hours, of.overlay, now), m.UptimeFormula(), start); next == nil {
			break
		}
		from = next
	}
	return at, nil
}

// recoveryWrites resolve the rule's open alert, and its incident unless that does not follow
// it or other alerts share it.
func (s *Store) recoveryWrites(ctx context.Context, m statuspage.Monitor, r statuspage.AlertRule, on openings, j statuspage.Judgement, of seen, ids *statuspage.FiringIDs, now int64) ([]ddb.Write, error) {
	open := on.alerts[r.ID]
	shared := on.shares(open.alertID)
	writes := append(s.endAlert(openAlertKey(m.ID, r.ID), open.alertID, now), s.table.Check(ruleKey(r.ID), ddb.NewExpr().IfSame(ruleItem(r))))
	switch {
	case open.incidentID == nil:
		return writes, nil
	case shared && on.sharedByOthers(open.alertID):
		at, err := s.recoveredAt(ctx, m, r.Condition, of, on.outage.Start, now)
		return append(writes, s.leaveOutage(m.ID, open.alertID, on, at)...), err
	}
	writes = append(writes, s.leaveOutage(m.ID, open.alertID, on, 0)...)
	var it ddb.Item
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		it, err = s.table.Get(gctx, incidentKey(*open.incidentID))
		return err
	})
	g.Go(func() error { return s.drawFiring(gctx, ids, false, false, true) })
	if err := g.Wait(); err != nil || it == nil {
		return writes, err
	}
	i, err := readIncident(it)
	if err != nil {
		return nil, err
	}
	if !i.Follows(m.ID) { // nor by the time the alert ends
		return append(writes, s.table.Check(incidentKey(i.ID), ddb.NewExpr().IfEqual(ddb.AttrVersion, ddb.Num(i.Version)))), nil
	}
	at, err := s.recoveredAt(ctx, m, r.Condition, of, i.Start, now)
	if err != nil {
		return nil, err
	}
	if shared {
		at = max(at, on.outage.Recovered)
	}
	c := i.RecoveryComment(ids.Comment, r.ID, j, now)
	return append(writes, s.incidentWrites(byRule(ctx, r), i, s.withComment(i.Recovered(at, now), c, nil), now)...), nil
}

// What internal/jobs/nodata needs beside the rules.

// NewestPoint implements nodata.Store.
func (s *Store) NewestPoint(ctx context.Context, monitorID, now int64) (*statuspage.Point, error) {
	hours, err := s.newestHours(ctx, monitorID, window{points: 1}, noOverlay, now)
	return newestOf(pointsUpTo(hours, noOverlay(), now)), err
}

// AlertingRules implements nodata.Store.
func (s *Store) AlertingRules(ctx context.Context, monitorID int64) ([]int64, error) {
	on, err := s.openOn(ctx, monitorID)
	return slices.Collect(maps.Keys(on.alerts)), err
}

// JudgeRule implements nodata.Store.
func (s *Store) JudgeRule(ctx context.Context, ruleID int64, on statuspage.RuleMonitor, now int64) (statuspage.AlertState, error) {
	return s.judgeRule(ctx, on, ruleID, window{points: 1}, now)
}
