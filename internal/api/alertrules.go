package api

import (
	"fmt"
	"math"
	"strconv"

	"tocsin/internal/opt"
	"tocsin/internal/statuspage"
)

const ruleCursor = "r"

// listAlertRules is GET /api/v4/alert-rules.
func listAlertRules(s *service, r *request) (answer, error) {
	params := queryOf(r)
	var q statuspage.AlertRuleQuery
	var err error
	if q.Limit, err = params.limit(); err != nil {
		return answer{}, err
	}
	if q.After, err = params.idCursor(ruleCursor); err != nil {
		return answer{}, err
	}
	p := page{name: "alert_rules", limit: q.Limit}
	next, err := s.store(r).AlertRules(r.Context(), q, func(rule statuspage.AlertRule) bool { return p.add(toAlertRuleJSON(rule)) })
	if err != nil {
		return answer{}, err
	}
	return p.answer(encodeIDCursor(ruleCursor, next)), nil
}

// ruleID is the rule that the path names, which can exist.
func ruleID(r *request) (int64, error) {
	id, err := parseID(r.PathValue("alert_rule_id"), errRuleID)
	if err == nil && !id.exists() {
		err = statuspage.AlertRuleNotFound(id.text)
	}
	return id.n, err
}

// getAlertRule is GET /api/v4/alert-rules/{alert_rule_id}.
func getAlertRule(s *service, r *request) (answer, error) {
	id, err := ruleID(r)
	if err != nil {
		return answer{}, err
	}
	rule, err := s.store(r).AlertRule(r.Context(), id)
	if err != nil {
		return answer{}, err
	}
	return ok(alertRuleEnvelope{toAlertRuleJSON(rule)}), nil
}

// createAlertRule is POST /api/v4/alert-rules.
func createAlertRule(s *service, r *request) (creation[statuspage.AlertRule], error) {
	f, err := decodeBody(r.body)
	if err != nil {
		return creation[statuspage.AlertRule]{}, err
	}
	n, err := newAlertRule(f)
	if err != nil {
		return creation[statuspage.AlertRule]{}, err
	}
	return creation[statuspage.AlertRule]{
		create: func(once *statuspage.Once[statuspage.AlertRule]) (statuspage.AlertRule, error) {
			return s.store(r).CreateAlertRule(r.Context(), n, r.now, once)
		},
		answer: func(made statuspage.AlertRule) answer { return created(alertRuleEnvelope{toAlertRuleJSON(made)}) },
	}, nil
}

// newAlertRule reads the rule that a POST makes. What is not given is CRITICAL,
// active, makes no incident, and needs one point to fire and one to recover.
func newAlertRule(f fields) (statuspage.NewAlertRule, error) {
	p, err := alertRulePatch(f, true)
	if err != nil {
		return statuspage.NewAlertRule{}, err
	}
	return statuspage.NewAlertRule{
		Condition: statuspage.Condition{
			For: p.For.Or(""), Status: p.Status.Or(""), Limit: p.Limit.Or(0), Failures: p.Failures.Or(1), Successes: p.Successes.Or(1),
		},
		Tags: p.Tags.Or(nil), Severity: p.Severity.Or(statuspage.Critical), CreateIncident: p.CreateIncident.Or(false),
		Description: p.Description.Ptr(nil), Active: p.Active.Or(true),
	}, nil
}

// alertRulePatch reads the fields of a rule. A whole rule must say what it watches.
// In a part of one a value that does not fit alert_for is found only when the rule
// is known, unless both are there.
func alertRulePatch(f fields, whole bool) (statuspage.AlertRulePatch, error) {
	var p statuspage.AlertRulePatch
	var err error
	if p.For, err = f.alertFor(whole); err != nil {
		return p, err
	}
	if p.Status, p.Limit, err = f.alertValue(p.For, whole); err != nil {
		return p, err
	}
	if p.Tags, err = f.ruleTags(whole); err != nil {
		return p, err
	}
	if p.Failures, err = f.alertThreshold("failure_threshold"); err != nil {
		return p, err
	}
	if p.Successes, err = f.alertThreshold("success_threshold"); err != nil {
		return p, err
	}
	if p.Severity, err = f.severity(); err != nil {
		return p, err
	}
	if p.CreateIncident, err = f.boolean("create_incident"); err != nil {
		return p, err
	}
	if p.Description, err = f.nullableText("description"); err != nil {
		return p, err
	}
	if statuspage.Length(p.Description.Or("")) > statuspage.MaxRuleDescription {
		return p, errRuleDescription
	}
	p.Active, err = f.boolean("is_active")
	return p, err
}

func (f fields) alertFor(required bool) (opt.Field[statuspage.AlertFor], error) {
	const name = "alert_for"
	if f.kind(name) == kindAbsent {
		if required {
			return opt.Field[statuspage.AlertFor]{}, errAlertForRequired
		}
		return opt.Field[statuspage.AlertFor]{}, nil
	}
	text, _ := f.text(name)
	if !statuspage.ValidAlertFor(statuspage.AlertFor(text)) {
		return opt.Field[statuspage.AlertFor]{}, errAlertFor
	}
	return opt.Value(statuspage.AlertFor(text)), nil
}

// alertValue returns a status or a number, checked when it is known for what.
func (f fields) alertValue(of opt.Field[statuspage.AlertFor], required bool) (status opt.Field[statuspage.Status], limit opt.Field[float64], err error) {
	const name = "alert_value"
	kind := f.kind(name)
	if kind == kindAbsent {
		if required {
			err = errAlertValueRequired
		}
		return status, limit, err
	}
	condition, known := statuspage.Condition{}, of.IsSet()
	condition.For = of.Or("")
	switch {
	case kind == kindString && (!known || condition.For == statuspage.AlertStatus):
		condition.Status = statuspage.Status(decodeString(f[name]))
		status = opt.Value(condition.Status)
	case kind == kindNumber && (!known || condition.For != statuspage.AlertStatus):
		condition.Limit, _ = strconv.ParseFloat(string(f[name]), 64) // infinity when out of range
		limit = opt.Value(condition.Limit)
	case !known:
		return status, limit, errAlertValue
	}
	if known {
		err = condition.Check() // what is of another kind is 0 or "" by now, which none can be
	}
	return status, limit, err
}

// ruleTags returns the monitors of a rule, each once.
func (f fields) ruleTags(required bool) (opt.Field[[]string], error) {
	const name = "monitor_tags"
	if f.kind(name) == kindAbsent && !required {
		return opt.Field[[]string]{}, nil
	}
	elements, err := f.array(name, errRuleTags)
	if err != nil {
		return opt.Field[[]string]{}, err
	}
	var tags []string
	seen := map[string]bool{}
	for _, raw := range elements {
		tag := ""
		if kindOf(raw) == kindString {
			tag = decodeString(raw)
		}
		if tag == "" {
			return opt.Field[[]string]{}, errRuleTag
		}
		if !seen[tag] {
			seen[tag] = true
			tags = append(tags, tag)
		}
	}
	switch {
	case len(tags) == 0:
		return opt.Field[[]string]{}, errRuleTags
	case len(tags) > statuspage.MaxRuleMonitors:
		return opt.Field[[]string]{}, errTooManyRuleTags
	}
	return opt.Value(tags), nil
}

// alertThreshold returns a number of points.
func (f fields) alertThreshold(name string) (opt.Field[int64], error) {
	n := 0.0
	switch f.kind(name) {
	case kindAbsent:
		return opt.Field[int64]{}, nil
	case kindNumber:
		n, _ = strconv.ParseFloat(string(f[name]), 64)
	}
	if n != math.Trunc(n) || n < 1 || n > statuspage.MaxAlertThreshold {
		return opt.Field[int64]{}, bad("%s must be an integer between 1 and %d", name, statuspage.MaxAlertThreshold)
	}
	return opt.Value(int64(n)), nil
}

func (f fields) severity() (opt.Field[statuspage.Severity], error) {
	const name = "severity"
	if f.kind(name) == kindAbsent {
		return opt.Field[statuspage.Severity]{}, nil
	}
	text, _ := f.text(name)
	if !statuspage.ValidSeverity(statuspage.Severity(text)) {
		return opt.Field[statuspage.Severity]{}, errSeverity
	}
	return opt.Value(statuspage.Severity(text)), nil
}

// boolean returns a field that is true or false.
func (f fields) boolean(name string) (opt.Field[bool], error) {
	switch f.kind(name) {
	case kindAbsent:
		return opt.Field[bool]{}, nil
	case kindBool:
		return opt.Value(string(f[name]) == "true"), nil
	}
	return opt.Field[bool]{}, bad("%s must be a boolean", name)
}

// updateAlertRule is PATCH /api/v4/alert-rules/{alert_rule_id}.
func updateAlertRule(s *service, r *request) (answer, error) {
	id, err := ruleID(r)
	if err != nil {
		return answer{}, err
	}
	f, err := decodeBody(r.body)
	if err != nil {
		return answer{}, err
	}
	p, err := alertRulePatch(f, false)
	if err != nil {
		return answer{}, err
	}
	rule, err := s.store(r).UpdateAlertRule(r.Context(), id, p, r.now)
	if err != nil {
		return answer{}, err
	}
	return ok(alertRuleEnvelope{toAlertRuleJSON(rule)}), nil
}

// deleteAlertRule is DELETE /api/v4/alert-rules/{alert_rule_id}.
func deleteAlertRule(s *service, r *request) (answer, error) {
	id, err := ruleID(r)
	if err != nil {
		return answer{}, err
	}
	if err := s.store(r).DeleteAlertRule(r.Context(), id, r.now); err != nil {
		return answer{}, err
	}
	return ok(messageJSON{fmt.Sprintf("Alert rule with id '%d' deleted successfully", id)}), nil
}
