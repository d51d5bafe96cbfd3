package dynamo

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"tocsin/internal/ddb"
	"tocsin/internal/statuspage"
)

// How points are judged. A monitor is judged after its points were written, by strongly
// consistent reads: of writers at once, the last one to read sees all points. Where the
// points ask for another state of an alert than there is, all is read again, and the
// transaction that opens or resolves the alert asks that nothing was written since to the
// hours that hold the newest point and now. So the last point's judgement stands.

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
// left out.
func (s *Store) newestHours(ctx context.Context, monitorID int64, w window, now int64) ([]hour, error) {
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
		for _, it := range items {
			h, err := readHour(it, now)
			if err != nil {
				return nil, err
			}
			if len(h.points) > 0 {
				hours = append(hours, h)
			}
			for _, p := range h.upTo(now) {
				newest = max(newest, p.Time)
				found++
				if p.Latency != nil {
					measured++
				}
			}
		}
		enough := found >= w.points && (measured >= w.measured || hours[len(hours)-1].start <= newest-statuspage.MeasuredWithin)
		if from = next; enough || from == nil {
			return hours, nil
		}
		if found >= w.points { // a day has few hours: all at once
			q.Limit = statuspage.MeasuredWithin / hourSeconds
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

// pointsUpTo returns the points of hours, the newest first, that are there at now, by time.
func pointsUpTo(hours []hour, now int64) []statuspage.Point {
	var points []statuspage.Point
	for _, h := range slices.Backward(hours) {
		points = append(points, h.upTo(now)...)
	}
	return points
}

// hoursAndAlerts reads the hours of the window, and the open alerts, of a monitor at once.
func (s *Store) hoursAndAlerts(ctx context.Context, monitorID int64, w window, now int64) (hours []hour, open map[int64]openAlert, err error) {
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		hours, err = s.newestHours(gctx, monitorID, w, now)
		return err
	})
	g.Go(func() (err error) {
		open, err = s.openAlerts(gctx, monitorID)
		return err
	})
	err = g.Wait()
	return hours, open, err
}

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
	if all.points == 0 {
		return nil
	}
	hours, open, err := s.hoursAndAlerts(ctx, m.id, all, now)
	if err != nil {
		return err
	}
	points := pointsUpTo(hours, now)
	if len(points) == 0 || !written(points[len(points)-1].Time) {
		return nil
	}
	var g errgroup.Group
	for _, x := range m.watches {
		_, isOpen := open[x.RuleID]
		if x.Judge(points, m.degradedIsDown).Verdict.Asks(isOpen) {
			g.Go(func() error {
				_, err := s.judgeRule(ctx, m, x.RuleID, windowOf(x.Condition), now)
				return err
			})
		}
	}
	return g.Wait()
}

// What judgeRule did.
type outcome int

const (
	nothing outcome = iota
	opened
	resolved
)

// judgeRule opens or resolves the alert of a rule on a monitor if the points ask for it at
// now. w is the rule's window, as far as it is known.
func (s *Store) judgeRule(ctx context.Context, on watched, ruleID int64, w window, now int64) (did outcome, err error) {
	var ids statuspage.FiringIDs
	err = ddb.Retry(ctx, func() (done bool, err error) {
		var m statuspage.Monitor
		var r *statuspage.AlertRule
		var open *openAlert
		var hours []hour
		g, gctx := errgroup.WithContext(ctx)
		g.Go(func() (err error) {
			m, r, open, err = s.ruleOn(gctx, on, ruleID)
			return err
		})
		g.Go(func() (err error) {
			hours, err = s.newestHours(gctx, on.id, w, now)
			return err
		})
		if err := g.Wait(); err != nil || r == nil {
			return true, err
		}
		if needed := windowOf(r.Condition); !w.covers(needed) { // the rule was changed since
			w = needed
			return false, nil
		}
		j := verdictOf(*r, m, pointsUpTo(hours, now), now)
		if !j.Verdict.Asks(open != nil) {
			return true, nil
		}
		next, writes := resolved, []ddb.Write(nil)
		if open == nil {
			next = opened
			if err := s.drawFiring(ctx, &ids, true, r.CreateIncident); err != nil {
				return false, err
			}
			writes = s.firingWrites(ctx, r.Fired(m, j, ids, now), *r, now)
		} else if writes, err = s.recoveryWrites(ctx, on.id, *r, *open, j, &ids, now); err != nil {
			return false, err
		}
		refused, err := s.table.Transact(ctx, append(writes, s.ifNoNewPoint(on.id, hours, now)...)...)
		if err == nil && refused == nil {
			did = next
		}
		return refused == nil, err
	})
	return did, err
}

// ruleOn reads the rule with its monitor and the open alert there. The rule is nil
// when it does not judge that monitor, or either is gone.
func (s *Store) ruleOn(ctx context.Context, on watched, ruleID int64) (statuspage.Monitor, *statuspage.AlertRule, *openAlert, error) {
	mark := openAlertKey(on.id, ruleID)
	found, err := s.table.BatchGet(ctx, []ddb.Key{monitorKey(on.tag), ruleKey(ruleID), mark})
	if err != nil || found[monitorKey(on.tag)] == nil || found[ruleKey(ruleID)] == nil {
		return statuspage.Monitor{}, nil, nil, err
	}
	m, err := readMonitor(found[monitorKey(on.tag)])
	if err != nil {
		return m, nil, nil, err
	}
	r, err := readRule(found[ruleKey(ruleID)])
	if err != nil || m.ID != on.id || !r.Active || !watches(r, m.ID) {
		return m, nil, nil, err
	}
	if found[mark] == nil {
		return m, &r, nil, nil
	}
	_, open, err := readOpenAlert(found[mark])
	return m, &r, &open, err
}

// verdictOf is what the rule says of the monitor's points at now.
func verdictOf(r statuspage.AlertRule, m statuspage.Monitor, points []statuspage.Point, now int64) statuspage.Judgement {
	if r.For != statuspage.AlertNoData {
		return r.Judge(points, m.CountsDegradedAsDown())
	}
	if len(points) == 0 {
		return r.JudgeSilence(statuspage.FloorMinute(r.Created), false, now)
	}
	return r.JudgeSilence(points[len(points)-1].Time, true, now)
}

// ifNoNewPoint asks that the hours with the newest points are as they were read, and that
// nothing was written to now's hour where there was nothing.
func (s *Store) ifNoNewPoint(monitorID int64, hours []hour, now int64) []ddb.Write {
	var checks []ddb.Write
	check := func(start int64, mark string) {
		checks = append(checks, s.table.Check(hourKey(monitorID, start), ifUnwritten(mark, now)))
	}
	for _, start := range slices.Compact([]int64{statuspage.FloorHour(now), statuspage.FloorHour(now + clockSkew)}) {
		if !slices.ContainsFunc(hours, func(h hour) bool { return h.start == start }) {
			check(start, "")
		}
	}
	for _, h := range hours {
		check(h.start, h.mark())
		if len(h.upTo(now)) > 0 {
			break
		}
	}
	return checks
}

// recoveryWrites resolve the open alert, and its incident unless somebody did.
func (s *Store) recoveryWrites(ctx context.Context, monitorID int64, r statuspage.AlertRule, open openAlert, j statuspage.Judgement, ids *statuspage.FiringIDs, now int64) ([]ddb.Write, error) {
	writes := append(s.endAlert(openAlertKey(monitorID, r.ID), open.alertID, now), s.table.Check(ruleKey(r.ID), ddb.NewExpr().IfSame(ruleItem(r))))
	if open.incidentID == nil {
		return writes, nil
	}
	var it ddb.Item
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		it, err = s.table.Get(gctx, incidentKey(*open.incidentID))
		return err
	})
	g.Go(func() error { return s.drawFiring(gctx, ids, false, true) })
	if err := g.Wait(); err != nil || it == nil {
		return writes, err
	}
	i, err := readIncident(it)
	if err != nil {
		return nil, err
	}
	if i.Closed != nil {
		// A person resolved it. It must not be open again by the time the alert ends.
		return append(writes, s.table.Check(incidentKey(i.ID), ddb.NewExpr().IfHas(attrClosed, true))), nil
	}
	c := i.RecoveryComment(ids.Comment, r.ID, j, now)
	next, err := i.Commented(c, now)
	if err != nil {
		return nil, err
	}
	return append(writes, s.incidentWrites(byRule(ctx, r), i, s.withComment(next, c, nil), now)...), nil
}

// JudgeSilence does what function.Alerts runs. It reads the rules, and of each of
// their monitors the newest hour and the open alerts.
func (s *Store) JudgeSilence(ctx context.Context, now int64) (statuspage.Silence, error) {
	about, err := s.rulesThat(ctx, func(r statuspage.AlertRule) bool { return r.Active && r.For == statuspage.AlertNoData })
	if err != nil {
		return statuspage.Silence{}, err
	}
	rules := map[statuspage.RuleMonitor][]statuspage.AlertRule{}
	for _, r := range about {
		for _, m := range r.Monitors {
			rules[m] = append(rules[m], r)
		}
	}
	var did [resolved + 1]atomic.Int64
	failed := make(chan error, len(rules))
	var g errgroup.Group
	g.SetLimit(callsAtOnce)
	for m, on := range rules {
		g.Go(func() error {
			failed <- s.judgeSilent(ctx, m, on, now, func(d outcome) { did[d].Add(1) })
			return nil
		})
	}
	_ = g.Wait() // the errors are in failed
	close(failed)
	var errs []error
	for err := range failed {
		errs = append(errs, err)
	}
	return statuspage.Silence{
		Rules: len(about), Monitors: len(rules), Opened: int(did[opened].Load()), Resolved: int(did[resolved].Load()),
	}, errors.Join(errs...)
}

// judgeSilent judges the rules about missing data on one monitor.
func (s *Store) judgeSilent(ctx context.Context, m statuspage.RuleMonitor, rules []statuspage.AlertRule, now int64, did func(outcome)) error {
	newest := window{points: 1}
	hours, open, err := s.hoursAndAlerts(ctx, m.MonitorID, newest, now)
	if err != nil {
		return err
	}
	points := pointsUpTo(hours, now)
	var failed []error
	for _, r := range rules {
		_, isOpen := open[r.ID]
		if !verdictOf(r, statuspage.Monitor{}, points, now).Verdict.Asks(isOpen) {
			continue
		}
		d, err := s.judgeRule(ctx, watched{id: m.MonitorID, tag: m.Tag}, r.ID, newest, now)
		did(d)
		if err != nil {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}
