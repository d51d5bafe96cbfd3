package memstore

import (
	"context"
	"maps"
	"slices"

	"tocsin/internal/statuspage"
)

func (s *Store) rule(id int64) (*statuspage.AlertRule, error) {
	if r := s.rules[id]; r != nil {
		return r, nil
	}
	return nil, statuspage.AlertRuleNotFound(id)
}

// AlertRule implements statuspage.AlertStore.
func (s *Store) AlertRule(_ context.Context, id int64) (statuspage.AlertRule, error) {
	r, err := s.rule(id)
	if err != nil {
		return statuspage.AlertRule{}, err
	}
	return *r, nil
}

// AlertRules implements statuspage.AlertStore.
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

// CreateAlertRule implements statuspage.AlertStore.
func (s *Store) CreateAlertRule(ctx context.Context, n statuspage.NewAlertRule, now int64, once *statuspage.Once[statuspage.AlertRule]) (statuspage.AlertRule, error) {
	r := statuspage.AlertRule{
		Condition: n.Condition, Severity: n.Severity, CreateIncident: n.CreateIncident, Description: n.Description, Active: n.Active,
		Created: now, Updated: now,
	}
	if err := r.Check(); err != nil {
		return r, err
	}
	var err error
	if r.Monitors, err = s.ruleMonitors(n.Tags); err != nil {
		return r, err
	}
	if err := s.tooMany(r); err != nil {
		return r, err
	}
	_, err = s.reference.AlertRules(ctx, statuspage.AlertRuleQuery{Limit: 1}, func(made statuspage.AlertRule) bool {
		r.ID = max(r.ID, made.ID)
		return false
	})
	r.ID = fresh(s.rules, r.ID)
	s.rules[r.ID] = &r
	keep(s, once, r)
	return r, err
}

// UpdateAlertRule implements statuspage.AlertStore.
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
	s.endAlerts(id, func(monitorID int64) bool {
		return !next.Active || !slices.ContainsFunc(next.Monitors, func(m statuspage.RuleMonitor) bool { return m.MonitorID == monitorID })
	}, now)
	return next, nil
}

// DeleteAlertRule implements statuspage.AlertStore.
func (s *Store) DeleteAlertRule(_ context.Context, id int64, now int64) error {
	if _, err := s.rule(id); err != nil {
		return err
	}
	delete(s.rules, id)
	s.endAlerts(id, func(int64) bool { return true }, now)
	return nil
}

// endAlerts resolves the open alerts of a rule on some monitors. Incidents stay.
func (s *Store) endAlerts(ruleID int64, on func(monitorID int64) bool, now int64) {
	for _, a := range s.alerts {
		if a.RuleID == ruleID && a.State == "TRIGGERED" && on(a.MonitorID) {
			a.State, a.Resolved, a.Updated = "RESOLVED", &now, now
		}
	}
}

// Alert implements statuspage.AlertStore.
func (s *Store) Alert(_ context.Context, id int64) (statuspage.Alert, error) {
	if a := s.alerts[id]; a != nil {
		return *a, nil
	}
	return statuspage.Alert{}, statuspage.AlertNotFound(id)
}

// Alerts implements statuspage.AlertStore.
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
// before now says anything.
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
		if _, err := s.settle(ctx, m, r, r.Judge(points, m.CountsDegradedAsDown()), now); err != nil {
			return err
		}
	}
	return nil
}

// settle makes the alert of a rule on a monitor what the judgement asks for, and reports
// whether there was something to do.
func (s *Store) settle(ctx context.Context, m *monitor, r *statuspage.AlertRule, j statuspage.Judgement, now int64) (bool, error) {
	var open *statuspage.Alert
	for _, a := range s.alerts {
		if a.RuleID == r.ID && a.MonitorID == m.ID && a.State == "TRIGGERED" {
			open = a
		}
	}
	switch {
	case j.Verdict == statuspage.Failing && open == nil:
		return true, s.fire(ctx, m, r, j, now)
	case j.Verdict == statuspage.Recovered && open != nil:
		return true, s.recover(ctx, r, open, j, now)
	}
	return false, nil
}

// fire opens an alert, under the ids that it and its incident have in the reference.
func (s *Store) fire(ctx context.Context, m *monitor, r *statuspage.AlertRule, j statuspage.Judgement, now int64) error {
	condition := r.Condition
	condition.Failures, condition.Successes = 0, 0
	a := &statuspage.Alert{
		RuleID: r.ID, Tag: m.Tag, MonitorID: m.ID, Condition: condition, Severity: r.Severity, State: "TRIGGERED", Created: now, Updated: now,
	}
	var incidentID int64
	q := statuspage.AlertQuery{Tag: m.Tag, RuleID: r.ID, Limit: 1}
	_, err := s.reference.Alerts(ctx, q, func(made statuspage.Alert) bool {
		if a.ID == 0 && s.alerts[made.ID] == nil {
			a.ID = made.ID
			if made.IncidentID != nil {
				incidentID = fresh(s.incidents, *made.IncidentID)
			}
		}
		return false
	})
	s.alerts[a.ID] = a
	if err != nil || !r.CreateIncident {
		return err
	}
	a.IncidentID = &incidentID
	i := &incident{comments: map[int64]*statuspage.Comment{}, Incident: statuspage.Incident{
		ID: incidentID, Title: r.IncidentTitle(m.Name), Start: j.Since, State: "INVESTIGATING", Type: "INCIDENT", Source: "ALERT", AlertID: &a.ID,
		Monitors: []statuspage.AffectedMonitor{{Tag: m.Tag, MonitorID: m.ID, Impact: r.IncidentImpact()}},
		Created:  now, Updated: now,
	}}
	s.incidents[incidentID] = i
	_, err = s.add(ctx, i, statuspage.Comment{
		Text: r.OpeningComment(j), Time: statuspage.FloorMinute(now), State: "INVESTIGATING", Created: now, Updated: now,
	})
	return err
}

// recover resolves an alert, and its incident unless that is gone or closed.
func (s *Store) recover(ctx context.Context, r *statuspage.AlertRule, a *statuspage.Alert, j statuspage.Judgement, now int64) error {
	a.State, a.Resolved, a.Updated = "RESOLVED", &now, now
	if a.IncidentID == nil || s.incidents[*a.IncidentID].Closed != nil {
		return nil
	}
	i := s.incidents[*a.IncidentID]
	c, err := s.add(ctx, i, statuspage.Comment{
		Text: statuspage.ClosingComment(r.ID, j), Time: max(statuspage.FloorMinute(now), i.Start), State: "RESOLVED", Created: now, Updated: now,
	})
	if err == nil {
		i.follow(c, now)
	}
	return err
}

// JudgeSilence implements statuspage.AlertStore.
func (s *Store) JudgeSilence(ctx context.Context, now int64) (statuspage.Silence, error) {
	var did statuspage.Silence
	looked := map[string]bool{}
	for _, id := range slices.Sorted(maps.Keys(s.rules)) {
		r := s.rules[id]
		if !r.Active || r.For != "NO_DATA" {
			continue
		}
		did.Rules++
		for _, at := range r.Monitors {
			looked[at.Tag] = true
			m := s.monitors[at.Tag]
			newest, has := statuspage.FloorMinute(r.Created), false
			if points := m.upTo(now); len(points) > 0 {
				newest, has = points[len(points)-1].Time, true
			}
			j := r.JudgeSilence(newest, has, now)
			done, err := s.settle(ctx, m, r, j, now)
			switch {
			case err != nil:
				return did, err
			case done && j.Verdict == statuspage.Failing:
				did.Opened++
			case done:
				did.Resolved++
			}
		}
	}
	did.Monitors = len(looked)
	return did, nil
}
