package model

import (
	"context"
	"maps"
	"slices"

	"tocsin/internal/jobs/nodata"
	"tocsin/internal/statuspage"
)

func (s *Store) rule(id int64) (*statuspage.AlertRule, error) {
	if r := s.rules[id]; r != nil {
		return r, nil
	}
	return nil, statuspage.AlertRuleNotFound(id)
}

// AlertRule implements apiv4.AlertRuleStore.
func (s *Store) AlertRule(_ context.Context, id int64) (statuspage.AlertRule, error) {
	r, err := s.rule(id)
	if err != nil {
		return statuspage.AlertRule{}, err
	}
	return *r, nil
}

// AlertRules implements apiv4.AlertRuleStore.
func (s *Store) AlertRules(_ context.Context, q statuspage.AlertRuleQuery, take func(statuspage.AlertRule) bool) (int64, error) {
	last := q.After
	for _, r := range falling(s.rules) {
		if q.After != 0 && r.ID >= q.After {
			continue
		}
		if !take(*r) {
			return last, nil
		}
		last = r.ID
	}
	return 0, nil
}

func (s *Store) ruleMonitors(tags []string) ([]statuspage.RuleMonitor, error) {
	var monitors []statuspage.RuleMonitor
	for _, tag := range tags {
		m := s.monitors[tag]
		if m == nil {
			return nil, statuspage.UnknownMonitor(tag)
		}
		monitors = append(monitors, statuspage.RuleMonitor{Tag: tag, MonitorID: m.ID})
	}
	return monitors, nil
}

// tooMany returns TooManyRules when one of the rule's monitors has enough others.
func (s *Store) tooMany(next statuspage.AlertRule) error {
	for _, m := range next.Monitors {
		others := 0
		for _, r := range s.rules {
			if r.ID != next.ID && r.Active && slices.Contains(r.Monitors, m) {
				others++
			}
		}
		if next.Active && others >= 20 {
			return statuspage.TooManyRules(m.Tag)
		}
	}
	return nil
}

// CreateAlertRule implements apiv4.AlertRuleStore.
func (s *Store) CreateAlertRule(ctx context.Context, n statuspage.NewAlertRule, now int64, once *statuspage.Once[statuspage.AlertRule]) (statuspage.AlertRule, error) {
	monitors, err := s.ruleMonitors(n.Tags)
	if err != nil {
		return statuspage.AlertRule{}, err
	}
	var id int64
	_, err = s.reference.AlertRules(ctx, statuspage.AlertRuleQuery{Limit: 1}, func(made statuspage.AlertRule) bool {
		id = max(id, made.ID)
		return false
	})
	if err != nil {
		return statuspage.AlertRule{}, err
	}
	r, err := n.Made(fresh(s.rules, id), monitors, now)
	if err != nil {
		return statuspage.AlertRule{}, err
	}
	if err := s.tooMany(r); err != nil {
		return statuspage.AlertRule{}, err
	}
	s.rules[r.ID] = &r
	keep(s, once, r)
	return r, nil
}

// UpdateAlertRule implements apiv4.AlertRuleStore.
func (s *Store) UpdateAlertRule(_ context.Context, id int64, p statuspage.AlertRulePatch, now int64) (statuspage.AlertRule, error) {
	r, err := s.rule(id)
	if err != nil {
		return statuspage.AlertRule{}, err
	}
	monitors := r.Monitors
	if tags, ok := p.Tags.Get(); ok {
		if monitors, err = s.ruleMonitors(tags); err != nil {
			return statuspage.AlertRule{}, err
		}
	}
	next, err := r.Apply(p, now)
	if err != nil {
		return statuspage.AlertRule{}, err
	}
	next.Monitors = monitors
	if err := s.tooMany(next); err != nil {
		return statuspage.AlertRule{}, err
	}
	*r = next
	s.endAlerts(func(a statuspage.Alert) bool {
		return a.RuleID == id && (!next.Active || !slices.ContainsFunc(next.Monitors, func(m statuspage.RuleMonitor) bool { return m.MonitorID == a.MonitorID }))
	}, now)
	return next, nil
}

// DeleteAlertRule implements apiv4.AlertRuleStore.
func (s *Store) DeleteAlertRule(_ context.Context, id int64, now int64) error {
	if _, err := s.rule(id); err != nil {
		return err
	}
	delete(s.rules, id)
	s.endAlerts(func(a statuspage.Alert) bool { return a.RuleID == id }, now)
	return nil
}

// endAlerts resolves those of the open alerts. Incidents stay.
func (s *Store) endAlerts(those func(statuspage.Alert) bool, now int64) {
	for _, a := range s.alerts {
		if a.State == "TRIGGERED" && those(*a) {
			*a = a.Ended(now)
			s.leaveOutage(a, 0)
		}
	}
}

// shares reports whether the alert is one of those that share the outage.
func shares(a *statuspage.Alert, o *statuspage.Outage) bool {
	return o != nil && a.IncidentID != nil && *a.IncidentID == o.IncidentID
}

// leaveOutage takes an alert that has ended out of the outage on its monitor, and reports
// whether others still share that.
func (s *Store) leaveOutage(ended *statuspage.Alert, recovered int64) (others bool) {
	o := s.outages[ended.MonitorID]
	if !shares(ended, o) {
		return false
	}
	for _, a := range s.alerts {
		others = others || a.MonitorID == ended.MonitorID && a.State == "TRIGGERED" && shares(a, o)
	}
	if *o = o.Left(recovered); !others {
		delete(s.outages, ended.MonitorID)
	}
	return others
}

// Alert implements apiv4.AlertStore.
func (s *Store) Alert(_ context.Context, id int64) (statuspage.Alert, error) {
	if a := s.alerts[id]; a != nil {
		return *a, nil
	}
	return statuspage.Alert{}, statuspage.AlertNotFound(id)
}

// Alerts implements apiv4.AlertStore.
func (s *Store) Alerts(_ context.Context, q statuspage.AlertQuery, take func(statuspage.Alert) bool) (int64, error) {
	if q.Tag != "" && s.monitors[q.Tag] == nil {
		return 0, statuspage.MonitorNotFound(q.Tag)
	}
	last := q.After
	for _, a := range falling(s.alerts) {
		if q.After != 0 && a.ID >= q.After || q.Tag != "" && a.Tag != q.Tag {
			continue
		}
		if q.Matches(*a) && !take(*a) {
			return last, nil
		}
		last = a.ID
	}
	return 0, nil
}

// judge judges the rules of a monitor after a write: only one of its newest point at or
// before now says anything, and only of a rule that asks for something also if there was no
// maintenance. Points in one are left out then.
func (s *Store) judge(ctx context.Context, tag string, written func(t int64) bool, now int64) error {
	m := s.monitors[tag]
	points := m.upTo(now)
	if len(points) == 0 || !written(points[len(points)-1].Time) {
		return nil
	}
	for _, id := range slices.Sorted(maps.Keys(s.rules)) {
		r := s.rules[id]
		if !r.Active || r.For == "NO_DATA" || !slices.Contains(r.Monitors, statuspage.RuleMonitor{Tag: tag, MonitorID: m.ID}) {
			continue
		}
		if !r.Judge(points, m.UptimeFormula()).Verdict.Asks(s.openAlert(r.ID, m.ID) != nil) {
			continue
		}
		j := r.Judge(s.judged(m.ID, now).Outside(points), m.UptimeFormula())
		if _, err := s.openOrResolve(ctx, m, r, j, now); err != nil {
			return err
		}
	}
	return nil
}

// openOrResolve opens or resolves the alert of a rule on a monitor if the judgement asks
// for it, and reports whether it did: never on one that is INACTIVE, or while a maintenance
// is on there.
func (s *Store) openOrResolve(ctx context.Context, m *monitor, r *statuspage.AlertRule, j statuspage.Judgement, now int64) (bool, error) {
	if m.Status != nil && *m.Status == "INACTIVE" {
		return false, nil
	}
	if _, on := s.judged(m.ID, now).At(now); on {
		return false, nil
	}
	open := s.openAlert(r.ID, m.ID)
	switch {
	case j.Verdict == statuspage.Failing && open == nil:
		return true, s.fire(ctx, m, r, j, now)
	case j.Verdict == statuspage.Recovered && open != nil:
		return true, s.recover(ctx, m, r, open, j, now)
	}
	return false, nil
}

// openAlert is the open alert of a rule on a monitor, nil when there is none.
func (s *Store) openAlert(ruleID, monitorID int64) *statuspage.Alert {
	for _, a := range s.alerts {
		if a.RuleID == ruleID && a.MonitorID == monitorID && a.State == "TRIGGERED" {
			return a
		}
	}
	return nil
}

// fire opens an alert, under the ids that it and its incident have in the reference.
func (s *Store) fire(ctx context.Context, m *monitor, r *statuspage.AlertRule, j statuspage.Judgement, now int64) error {
	var ids statuspage.FiringIDs
	q := statuspage.AlertQuery{Tag: m.Tag, RuleID: r.ID, Limit: 1}
	_, err := s.reference.Alerts(ctx, q, func(made statuspage.Alert) bool {
		if s.alerts[made.ID] == nil {
			ids.Alert = made.ID
			if made.IncidentID != nil {
				ids.Incident = fresh(s.incidents, *made.IncidentID)
			}
		}
		return false
	})
	if err != nil {
		return err
	}
	var joined *incident
	o := s.outages[m.ID]
	if r.CreateIncident && o != nil {
		joined = s.incidents[o.IncidentID]
		ids.Comment, err = s.newCommentID(ctx, joined.ID, joined.last)
	} else if r.CreateIncident {
		ids.Comment, err = s.newCommentID(ctx, ids.Incident, 0)
	}
	if err != nil {
		return err
	}
	f := r.Fired(m.Monitor, j, ids, now)
	if joined != nil {
		f = r.Joined(m.Monitor, j, joined.Incident, *o, ids, now)
	}
	s.alerts[f.Alert.ID] = &f.Alert
	if f.Incident == nil {
		return nil
	}
	s.outages[m.ID] = &f.Outage
	if joined == nil {
		joined = s.open(*f.Incident, "")
	}
	joined.Incident = *f.Incident
	if f.Comment != nil {
		joined.becomes(*f.Incident, *f.Comment)
	}
	return nil
}

// recover resolves an alert, and its incident unless that is gone or does not follow it, or
// others share it.
func (s *Store) recover(ctx context.Context, m *monitor, r *statuspage.AlertRule, a *statuspage.Alert, j statuspage.Judgement, now int64) error {
	*a = a.Ended(now)
	if a.IncidentID == nil {
		return nil
	}
	i := s.incidents[*a.IncidentID]
	recoveredAt := func(start int64) int64 {
		at, _ := r.RecoveredAt(s.judged(m.ID, now).Outside(m.upTo(now)), m.UptimeFormula(), start)
		return at
	}
	at := recoveredAt(i.Start)
	if o := s.outages[m.ID]; shares(a, o) {
		at = max(at, o.Recovered)
		if others := s.leaveOutage(a, recoveredAt(o.Start)); others {
			return nil
		}
	}
	if !i.Follows(m.ID) {
		return nil
	}
	id, err := s.newCommentID(ctx, i.ID, i.last)
	if err != nil {
		return err
	}
	i.becomes(i.Recovered(at, now), i.RecoveryComment(id, r.ID, j, now))
	return nil
}

// NoData judges the rules about missing data at now, as a run of internal/jobs/nodata does.
func (s *Store) NoData(ctx context.Context, now int64) (nodata.Summary, error) {
	var sum nodata.Summary
	looked := map[string]bool{}
	for _, id := range slices.Sorted(maps.Keys(s.rules)) {
		r := s.rules[id]
		if !r.Active || r.For != "NO_DATA" {
			continue
		}
		sum.Rules++
		for _, on := range r.Monitors {
			looked[on.Tag] = true
			m := s.monitors[on.Tag]
			if posted := newestOf(m.upTo(now)); !r.JudgeNoData(posted, statuspage.Overlay{}, now).Verdict.Asks(s.openAlert(r.ID, m.ID) != nil) {
				continue
			}
			overlay := s.judged(m.ID, now)
			j := r.JudgeNoData(newestOf(overlay.Outside(m.upTo(now))), overlay, now)
			done, err := s.openOrResolve(ctx, m, r, j, now)
			switch {
			case err != nil:
				return sum, err
			case done && j.Verdict == statuspage.Failing:
				sum.Opened++
			case done:
				sum.Resolved++
			}
		}
	}
	sum.Monitors = len(looked)
	return sum, nil
}

// newestOf is the last point by time, nil when there is none.
func newestOf(points []statuspage.Point) *statuspage.Point {
	if len(points) == 0 {
		return nil
	}
	return &points[len(points)-1]
}
