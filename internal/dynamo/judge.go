package dynamo

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"tocsin/internal/statuspage"
)

// How a point is judged. What the monitor's rules may need is read beside the write
// of the point, so that one which changes nothing costs no further call. What is read
// that way can be older than the write, so it only tells whether there may be
// something to do. Then settle reads all again, and its transaction asks that the hour of
// the newest point and now's are still as they were read: of writers at once the last
// one's judgement stands.

// A view is what the judging of a monitor's points rests on.
type view struct {
	hours  []viewedHour        // newest first
	alerts map[int64]openAlert // the open ones, by rule

	// Of a view that was read beside a write: what points returned just before that, and
	// whether the write could not tell.
	before  []statuspage.Point
	unknown bool
}

type viewedHour struct {
	hourPoints
	write string // what attrWrite of its item was
}

// A need is how many of a monitor's newest points a judgement asks for, and how many of
// those that have a latency.
type need struct{ points, measured int }

// needOf is what a condition needs.
func needOf(c statuspage.Condition) need {
	n := need{points: c.Points()}
	if c.For == statuspage.AlertLatency {
		n.measured = n.points
	}
	return n
}

// newestHours returns the monitor's newest hours that upTo has points of: so many that they
// have what is needed, or all that can matter. An hour that is past its time is left
// out.
func (s *Store) newestHours(ctx context.Context, monitorID int64, n need, now int64) ([]viewedHour, error) {
	in := &dynamodb.QueryInput{
		TableName: s.table, ConsistentRead: aws.Bool(true), ScanIndexForward: aws.Bool(false),
		KeyConditionExpression: aws.String(rowsQuery),
		ExpressionAttributeValues: item{
			":pk": str(monitorPK(monitorID)), ":low": str(hourPrefix), ":high": str(hourKey(monitorID, now+behind).sk),
		},
		Limit: limitOf(n.points), // an hour has a point at least, as a rule
	}
	var hours []viewedHour
	var newest int64
	found, measured := 0, 0
	for {
		out, err := s.client.Query(ctx, in)
		if err != nil {
			return nil, failure("query the newest points", err)
		}
		for _, it := range out.Items {
			h, err := readViewedHour(it, now)
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
		enough := found >= n.points && (measured >= n.measured || hours[len(hours)-1].start <= newest-statuspage.MeasuredWithin)
		if enough || out.LastEvaluatedKey == nil {
			return hours, nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
		if found >= n.points { // a day has few hours: all at once
			in.Limit = limitOf(statuspage.MeasuredWithin / hourSeconds)
		}
	}
}

func readViewedHour(it item, now int64) (viewedHour, error) {
	h, err := readHour(it, now)
	r := reader{item: it}
	return viewedHour{h, r.strOrEmpty(attrWrite)}, err
}

// behind is how long a request may have been at work since it read its clock, and how far
// that may be behind another one's, in seconds.
const behind = 2 * minuteSeconds

// upTo returns the points that are there at now: none of the future, which only a person
// can set. A posted one that is a little after now has come since the clock was read.
func (h hourPoints) upTo(now int64) []statuspage.Point {
	n := len(h.points)
	for n > 0 && h.points[n-1].Time > now && (h.points[n-1].Source != statuspage.SourceProbe || h.points[n-1].Time > now+behind) {
		n--
	}
	return h.points[:n]
}

// openAlerts returns the marks of the open alerts on the monitor.
func (s *Store) openAlerts(ctx context.Context, monitorID int64) (map[int64]openAlert, error) {
	alerts := map[int64]openAlert{}
	pages := dynamodb.NewQueryPaginator(s.client, &dynamodb.QueryInput{
		TableName: s.table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression: aws.String(rowsQuery),
		ExpressionAttributeValues: item{
			":pk": str(monitorPK(monitorID)), ":low": str(openAlertPrefix), ":high": str(openAlertPrefix + "~"),
		},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, failure("query open alerts", err)
		}
		for _, it := range page.Items {
			ruleID, open, err := readOpenAlert(it)
			if err != nil {
				return nil, err
			}
			alerts[ruleID] = open
		}
	}
	return alerts, nil
}

// look reads what the judging of the monitor's points needs; nil when no rule asks
// for them.
func (s *Store) look(ctx context.Context, w watched, now int64) (*view, error) {
	var n need
	for _, x := range w.watches {
		if x.For != statuspage.AlertNoData {
			its := needOf(x.Condition)
			n = need{max(n.points, its.points), max(n.measured, its.measured)}
		}
	}
	if n.points == 0 {
		return nil, nil
	}
	return s.viewOf(ctx, w.id, n, now)
}

// viewOf reads the hours with what is needed of a monitor's newest points, and its open
// alerts, at once.
func (s *Store) viewOf(ctx context.Context, monitorID int64, n need, now int64) (*view, error) {
	var v view
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		v.hours, err = s.newestHours(gctx, monitorID, n, now)
		return err
	})
	g.Go(func() (err error) {
		v.alerts, err = s.openAlerts(gctx, monitorID)
		return err
	})
	return &v, g.Wait()
}

// stood makes the view hold an hour as it was just before it was written, which may be
// before or after it was read.
func (v *view) stood(start int64, it item, now int64) error {
	if it == nil {
		// The hour is new, and the one before may have been written since it was read; or
		// the write can't tell.
		v.unknown = true
		return nil
	}
	h, err := readViewedHour(it, now)
	*v.hour(start) = h
	return err
}

// hour returns the hour of the view, which may be a new one.
func (v *view) hour(start int64) *viewedHour {
	at, found := slices.BinarySearchFunc(v.hours, start, func(h viewedHour, start int64) int { return int(start - h.start) })
	if !found {
		v.hours = slices.Insert(v.hours, at, viewedHour{hourPoints: hourPoints{start: start}})
	}
	return &v.hours[at]
}

// put makes the view hold a point that was written.
func (v *view) put(p statuspage.Point) {
	h := v.hour(statuspage.FloorHour(p.Time))
	n, there := slices.BinarySearchFunc(h.points, p.Time, func(q statuspage.Point, t int64) int { return int(q.Time - t) })
	if there {
		h.points[n] = p
	} else {
		h.points = slices.Insert(h.points, n, p)
	}
}

// points returns the points that are there at now, by time, see upTo.
func (v *view) points(now int64) []statuspage.Point {
	var points []statuspage.Point
	for _, h := range slices.Backward(v.hours) {
		points = append(points, h.upTo(now)...)
	}
	return points
}

// unsettled returns the rules for which the points ask for something else than there
// is. Where the write has changed the verdict, what was read of the open alerts may be
// older than what followed from the verdict before, so these are looked at again too.
func (v *view) unsettled(w watched, points []statuspage.Point) []int64 {
	var rules []int64
	for _, x := range w.watches {
		_, open := v.alerts[x.RuleID]
		verdict := x.Judge(points, w.degradedIsDown).Verdict
		turned := v.before != nil && x.Judge(v.before, w.degradedIsDown).Verdict != verdict
		if verdict != statuspage.Undecided && (turned || (verdict == statuspage.Failing) != open) {
			rules = append(rules, x.RuleID)
		}
	}
	return rules
}

// judge settles the rules that points which were just written bring into question.
// Points of which none is the monitor's newest, see upTo, change nothing.
func (s *Store) judge(ctx context.Context, w watched, v *view, written func(minute int64) bool, now int64) error {
	if v == nil {
		return nil
	}
	points := v.points(now)
	if len(points) == 0 || !written(points[len(points)-1].Time) {
		return nil
	}
	if v.unknown {
		return s.judgeAfter(ctx, w, written, now)
	}
	var g errgroup.Group
	for _, ruleID := range v.unsettled(w, points) {
		g.Go(func() error {
			_, err := s.settle(ctx, w, ruleID, now)
			return err
		})
	}
	return g.Wait()
}

// judgeAfter is judge for a write that has not read beside itself.
func (s *Store) judgeAfter(ctx context.Context, w watched, written func(minute int64) bool, now int64) error {
	v, err := s.look(ctx, w, now)
	if err != nil {
		return err
	}
	return s.judge(ctx, w, v, written, now)
}

// What settle did.
type settled int

const (
	nothing settled = iota
	opened
	resolved
)

// settle makes the alert of a rule on a monitor what the points ask for at now.
func (s *Store) settle(ctx context.Context, w watched, ruleID, now int64) (settled, error) {
	needed := need{points: 1}
	for _, x := range w.watches {
		if x.RuleID == ruleID {
			needed = needOf(x.Condition)
		}
	}
	var ids firingIDs
	for attempt := 0; ; attempt++ {
		var m statuspage.Monitor
		var r *statuspage.AlertRule
		var open *openAlert
		var v view
		g, gctx := errgroup.WithContext(ctx)
		g.Go(func() (err error) {
			m, r, open, err = s.ruleOn(gctx, w, ruleID)
			return err
		})
		g.Go(func() (err error) {
			v.hours, err = s.newestHours(gctx, w.id, needed, now)
			return err
		})
		if err := g.Wait(); err != nil || r == nil {
			return nothing, err
		}
		if n := needOf(r.Condition); n.points > needed.points || n.measured > needed.measured { // the rule was changed since
			needed = n
			continue
		}
		j := judgement(*r, m, v.points(now), now)
		var writes []types.TransactWriteItem
		var err error
		did := nothing
		switch {
		case j.Verdict == statuspage.Failing && open == nil:
			did = opened
			if err = s.draw(ctx, &ids, true, r.CreateIncident); err == nil {
				writes = newFiring(*r, m, j, ids, now).writes(s, *r)
			}
		case j.Verdict == statuspage.Recovered && open != nil:
			did = resolved
			writes, err = s.recovery(ctx, w.id, *r, *open, j, &ids, now)
		default:
			return nothing, nil
		}
		if err != nil {
			return nothing, err
		}
		refused, err := s.transact(ctx, append(writes, s.unchanged(w.id, v, now)...)...)
		if err != nil {
			return nothing, err
		}
		if refused == nil {
			return did, nil
		}
		if err := pause(ctx, attempt, errContended); err != nil {
			return nothing, err
		}
	}
}

// ruleOn reads the rule with its monitor and the open alert there. The rule is nil
// when it does not judge that monitor, or either is gone.
func (s *Store) ruleOn(ctx context.Context, w watched, ruleID int64) (statuspage.Monitor, *statuspage.AlertRule, *openAlert, error) {
	mark := openAlertKey(w.id, ruleID)
	found, err := s.batchGet(ctx, []key{monitorKey(w.tag), ruleKey(ruleID), mark})
	if err != nil || found[monitorKey(w.tag)] == nil || found[ruleKey(ruleID)] == nil {
		return statuspage.Monitor{}, nil, nil, err
	}
	m, err := readMonitor(found[monitorKey(w.tag)])
	if err != nil {
		return m, nil, nil, err
	}
	r, err := readRule(found[ruleKey(ruleID)])
	if err != nil || m.ID != w.id || !r.Active || !watches(r, m.ID) {
		return m, nil, nil, err
	}
	if found[mark] == nil {
		return m, &r, nil, nil
	}
	_, open, err := readOpenAlert(found[mark])
	return m, &r, &open, err
}

// judgement is what the rule says of the monitor's points at now.
func judgement(r statuspage.AlertRule, m statuspage.Monitor, points []statuspage.Point, now int64) statuspage.Judgement {
	if r.For != statuspage.AlertNoData {
		return r.Judge(points, m.CountsDegradedAsDown())
	}
	if len(points) == 0 {
		return r.JudgeSilence(statuspage.FloorMinute(r.Created), false, now)
	}
	return r.JudgeSilence(points[len(points)-1].Time, true, now)
}

// unchanged asks that the hours with the newest points are as they were read, and that
// nothing was written to now's hour where there was nothing.
func (s *Store) unchanged(monitorID int64, v view, now int64) []types.TransactWriteItem {
	var checks []types.TransactWriteItem
	for _, start := range slices.Compact([]int64{statuspage.FloorHour(now), statuspage.FloorHour(now + behind)}) {
		if slices.ContainsFunc(v.hours, func(h viewedHour) bool { return h.start == start }) {
			continue
		}
		e := newExpr()
		ttl := e.name(attrTTL)
		e.conditions = append(e.conditions, "(attribute_not_exists("+ttl+") OR "+ttl+" <= "+e.value("now", num(now))+")")
		checks = append(checks, s.check(hourKey(monitorID, start), e))
	}
	for _, h := range v.hours {
		checks = append(checks, s.check(hourKey(monitorID, h.start), newExpr().ifWrite(h.write)))
		if len(h.upTo(now)) > 0 {
			break
		}
	}
	return checks
}

// ifWrite asks that the hour was not written since it was read, when attrWrite was this
// text.
func (e *expr) ifWrite(write string) *expr {
	if write == "" {
		return e.ifHas(attrWrite, false)
	}
	return e.ifCompare(attrWrite, "=", attrWrite, str(write))
}

// recovery resolves the open alert, and its incident unless somebody did.
func (s *Store) recovery(ctx context.Context, monitorID int64, r statuspage.AlertRule, open openAlert, j statuspage.Judgement, ids *firingIDs, now int64) ([]types.TransactWriteItem, error) {
	writes := append(s.endAlert(openAlertKey(monitorID, r.ID), open.alertID, now), s.check(ruleKey(r.ID), newExpr().ifVersion(r.Version)))
	if open.incidentID == nil {
		return writes, nil
	}
	var it item
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		it, err = s.get(gctx, incidentKey(*open.incidentID))
		return err
	})
	g.Go(func() error { return s.draw(gctx, ids, false, true) })
	if err := g.Wait(); err != nil || it == nil {
		return writes, err
	}
	i, err := readIncident(it)
	if err != nil {
		return nil, err
	}
	if i.Closed != nil {
		// A person resolved it. It must not be open again by the time the alert ends.
		return append(writes, s.check(incidentKey(i.ID), newExpr().ifHas(attrClosed, true))), nil
	}
	c := statuspage.Comment{
		ID: ids.comment, IncidentID: i.ID, Text: statuspage.ClosingComment(r.ID, j),
		Time: max(statuspage.FloorMinute(now), i.Start), State: statuspage.Resolved, Created: now, Updated: now, Version: 1,
	}
	e, err := transition(i, c, now)
	if err != nil {
		return nil, err
	}
	return append(writes, s.update(incidentKey(i.ID), e), s.putNew(commentItem(c))), nil
}

// JudgeSilence implements statuspage.AlertStore. It reads the rules, and of each of
// their monitors the newest hour and the open alerts.
func (s *Store) JudgeSilence(ctx context.Context, now int64) (statuspage.Silence, error) {
	var silence statuspage.Silence
	rules := map[statuspage.RuleMonitor][]statuspage.AlertRule{}
	err := s.eachRule(ctx, s.allOfRules(), func(r statuspage.AlertRule) bool {
		if r.Active && r.For == statuspage.AlertNoData {
			silence.Rules++
			for _, m := range r.Monitors {
				rules[m] = append(rules[m], r)
			}
		}
		return true
	})
	if err != nil {
		return silence, err
	}
	silence.Monitors = len(rules)
	var did [resolved + 1]atomic.Int64
	errs := make([]error, 0, len(rules))
	failed := make(chan error, len(rules))
	var g errgroup.Group
	g.SetLimit(callsAtOnce)
	for m, on := range rules {
		g.Go(func() error {
			failed <- s.judgeSilent(ctx, m, on, now, func(d settled) { did[d].Add(1) })
			return nil
		})
	}
	_ = g.Wait() // the errors are in failed
	close(failed)
	for err := range failed {
		errs = append(errs, err)
	}
	silence.Opened, silence.Resolved = int(did[opened].Load()), int(did[resolved].Load())
	return silence, errors.Join(errs...)
}

// judgeSilent judges the rules about missing data on one monitor.
func (s *Store) judgeSilent(ctx context.Context, m statuspage.RuleMonitor, rules []statuspage.AlertRule, now int64, did func(settled)) error {
	v, err := s.viewOf(ctx, m.MonitorID, need{points: 1}, now)
	if err != nil {
		return err
	}
	points := v.points(now)
	var failed []error
	for _, r := range rules {
		_, open := v.alerts[r.ID]
		verdict := judgement(r, statuspage.Monitor{}, points, now).Verdict
		if verdict == statuspage.Undecided || (verdict == statuspage.Failing) == open {
			continue
		}
		d, err := s.settle(ctx, watched{id: m.MonitorID, tag: m.Tag}, r.ID, now)
		did(d)
		if err != nil {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// alertOfRow is the alert that a row under a monitor is about.
func alertOfRow(row key) (key, error) {
	id, err := parseID(strings.TrimPrefix(row.sk, alertRowPrefix))
	return alertKey(id), err
}
