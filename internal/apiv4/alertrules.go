package apiv4

import (
	"context"
	"math"
	"net/http"

	"tocsin/internal/opt"
	"tocsin/internal/statuspage"
	"tocsin/internal/web"
)

// AlertRuleStore keeps alert rules. The writes of PointStore judge the rules of their
// monitors: a point that is the monitor's newest at or before now opens and resolves
// alerts, and incidents, before the write returns. When that fails the point is set and
// the error is returned: the same write sent again judges again.
type AlertRuleStore interface {
	// AlertRule returns the rule, or AlertRuleNotFound.
	AlertRule(ctx context.Context, id int64) (statuspage.AlertRule, error)

	// AlertRules lists the rules, id falling.
	AlertRules(ctx context.Context, q statuspage.AlertRuleQuery, take func(statuspage.AlertRule) bool) (after int64, err error)

	// CreateAlertRule makes a rule. It returns UnknownMonitor for a tag without a
	// monitor, or TooManyRules.
	CreateAlertRule(ctx context.Context, n statuspage.NewAlertRule, now int64, once *statuspage.Once[statuspage.AlertRule]) (statuspage.AlertRule, error)

	// UpdateAlertRule applies the patch. It returns AlertRuleNotFound,
	// UnknownMonitor, the errors of AlertRule.Apply or TooManyRules. The open alerts of
	// a rule that is not active afterwards, and those on monitors that it does not
	// have any more, are resolved; their incidents stay.
	UpdateAlertRule(ctx context.Context, id int64, p statuspage.AlertRulePatch, now int64) (statuspage.AlertRule, error)

	// DeleteAlertRule removes the rule and resolves its open alerts, or returns
	// AlertRuleNotFound. The alerts and their incidents stay.
	DeleteAlertRule(ctx context.Context, id int64, now int64) error
}

type alertRules struct{ store AlertRuleStore }

// AlertRules returns the routes of alert rules.
func AlertRules(store AlertRuleStore) []web.Route {
	h := alertRules{store}
	return []web.Route{
		{Group: web.Monitors, Path: "/api/v4/alert-rules", Methods: []web.Method{
			web.GET(statuspage.ScopeMonitorsRead, h.list()),
			web.POST(statuspage.ScopeMonitorsWrite, web.Creates(h.create)),
		}},
		{Group: web.Monitors, Path: "/api/v4/alert-rules/{alert_rule_id}", Methods: []web.Method{
			web.GET(statuspage.ScopeMonitorsRead, web.Gets(ruleID, store.AlertRule, showAlertRule)),
			web.PATCH(statuspage.ScopeMonitorsWrite, web.Acts(readRulePatch, h.update, showAlertRule)),
			web.DELETE(statuspage.ScopeMonitorsWrite, web.Deletes(ruleID, h.remove, "Alert rule with id '%d' deleted successfully")),
		}},
	}
}

var (
	errRuleID             = bad("Alert rule ID must be a valid integer")
	errAlertForRequired   = bad("alert_for is required and must be one of: STATUS, LATENCY, UPTIME, NO_DATA")
	errAlertFor           = bad("alert_for must be one of: STATUS, LATENCY, UPTIME, NO_DATA")
	errAlertValueRequired = bad("alert_value is required")
	errAlertValue         = bad("alert_value must be a string or a number")
	errRuleTags           = bad("monitor_tags must be a non-empty array")
	errRuleTag            = bad("Each monitor tag must be a non-empty string")
	errTooManyRuleTags    = bad("At most %d monitors", statuspage.MaxRuleMonitors)
	errSeverity           = bad("severity must be one of: CRITICAL, WARNING")
	errRuleDescription    = bad("description must be at most %d characters", statuspage.MaxRuleDescription)
)

const ruleCursor = "r"

// ruleID is the rule that the path names, which can exist.
var ruleID = web.Existing("alert_rule_id", errRuleID, statuspage.AlertRuleNotFound[string])

func (h alertRules) list() web.Handler {
	return web.List[statuspage.AlertRuleQuery, statuspage.AlertRule, int64]{
		Name: "alert_rules",
		Query: func(r *web.Request) (q statuspage.AlertRuleQuery, limit int, err error) {
			q.Limit, q.After, err = r.Query().Page(ruleCursor)
			return q, q.Limit, err
		},
		Read:   h.store.AlertRules,
		Show:   func(_ *web.Request, rule statuspage.AlertRule) any { return toAlertRuleJSON(rule) },
		Cursor: web.IDCursor(ruleCursor),
	}.Handler()
}

func (h alertRules) create(r *web.Request) (web.Creation[statuspage.AlertRule], error) {
	var c web.Creation[statuspage.AlertRule]
	f, err := web.DecodeBody(r.Content)
	if err != nil {
		return c, err
	}
	n, err := newAlertRule(f)
	if err != nil {
		return c, err
	}
	if n.CreateIncident && !r.Key.OpensIncidents() {
		return c, statuspage.ErrRuleOpensIncidents
	}
	c.Create = func(ctx context.Context, once *statuspage.Once[statuspage.AlertRule]) (statuspage.AlertRule, error) {
		return h.store.CreateAlertRule(ctx, n, r.Now, once)
	}
	c.Answer = func(made statuspage.AlertRule) web.Answer {
		return web.One(http.StatusCreated, "alert_rule", toAlertRuleJSON(made))
	}
	return c, nil
}

// newAlertRule reads the rule that a POST makes. What is not given is CRITICAL,
// active, makes no incident, and needs one point to fire and one to recover.
func newAlertRule(f web.Fields) (statuspage.NewAlertRule, error) {
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
func alertRulePatch(f web.Fields, whole bool) (statuspage.AlertRulePatch, error) {
	var p statuspage.AlertRulePatch
	var err error
	if p.For, err = alertFor(f, whole); err != nil {
		return p, err
	}
	if p.Status, p.Limit, err = alertValue(f, p.For, whole); err != nil {
		return p, err
	}
	if p.Tags, err = ruleTags(f, whole); err != nil {
		return p, err
	}
	if p.Failures, err = alertThreshold(f, "failure_threshold"); err != nil {
		return p, err
	}
	if p.Successes, err = alertThreshold(f, "success_threshold"); err != nil {
		return p, err
	}
	if p.Severity, err = severity(f); err != nil {
		return p, err
	}
	if p.CreateIncident, err = f.Boolean("create_incident"); err != nil {
		return p, err
	}
	if p.Description, err = f.NullableText("description"); err != nil {
		return p, err
	}
	if statuspage.Length(p.Description.Or("")) > statuspage.MaxRuleDescription {
		return p, errRuleDescription
	}
	p.Active, err = f.Boolean("is_active")
	return p, err
}

func alertFor(f web.Fields, required bool) (opt.Field[statuspage.AlertFor], error) {
	const name = "alert_for"
	if f.Kind(name) == web.KindAbsent {
		if required {
			return opt.Field[statuspage.AlertFor]{}, errAlertForRequired
		}
		return opt.Field[statuspage.AlertFor]{}, nil
	}
	text, _ := f.Text(name)
	if !statuspage.ValidAlertFor(statuspage.AlertFor(text)) {
		return opt.Field[statuspage.AlertFor]{}, errAlertFor
	}
	return opt.Value(statuspage.AlertFor(text)), nil
}

// alertValue returns a status or a number, checked when it is known for what.
func alertValue(f web.Fields, of opt.Field[statuspage.AlertFor], required bool) (status opt.Field[statuspage.Status], limit opt.Field[float64], err error) {
	const name = "alert_value"
	kind := f.Kind(name)
	if kind == web.KindAbsent {
		if required {
			err = errAlertValueRequired
		}
		return status, limit, err
	}
	condition, known := statuspage.Condition{}, of.IsSet()
	condition.For = of.Or("")
	switch {
	case kind == web.KindString && (!known || condition.For == statuspage.AlertStatus):
		condition.Status = statuspage.Status(web.DecodeString(f[name]))
		status = opt.Value(condition.Status)
	case kind == web.KindNumber && (!known || condition.For != statuspage.AlertStatus):
		condition.Limit, _ = f.Float(name)
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
func ruleTags(f web.Fields, required bool) (opt.Field[[]string], error) {
	const name = "monitor_tags"
	if f.Kind(name) == web.KindAbsent && !required {
		return opt.Field[[]string]{}, nil
	}
	elements, err := f.Array(name, errRuleTags)
	if err != nil {
		return opt.Field[[]string]{}, err
	}
	var tags []string
	seen := map[string]bool{}
	for _, raw := range elements {
		tag := ""
		if web.KindOf(raw) == web.KindString {
			tag = web.DecodeString(raw)
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
func alertThreshold(f web.Fields, name string) (opt.Field[int64], error) {
	if f.Kind(name) == web.KindAbsent {
		return opt.Field[int64]{}, nil
	}
	n, _ := f.Float(name)
	if n != math.Trunc(n) || n < 1 || n > statuspage.MaxAlertThreshold {
		return opt.Field[int64]{}, bad("%s must be an integer between 1 and %d", name, statuspage.MaxAlertThreshold)
	}
	return opt.Value(int64(n)), nil
}

func severity(f web.Fields) (opt.Field[statuspage.Severity], error) {
	const name = "severity"
	if f.Kind(name) == web.KindAbsent {
		return opt.Field[statuspage.Severity]{}, nil
	}
	text, _ := f.Text(name)
	if !statuspage.ValidSeverity(statuspage.Severity(text)) {
		return opt.Field[statuspage.Severity]{}, errSeverity
	}
	return opt.Value(statuspage.Severity(text)), nil
}

// rulePatch is what a PATCH changes, and of which rule.
type rulePatch struct {
	id int64
	statuspage.AlertRulePatch
}

func readRulePatch(r *web.Request) (p rulePatch, err error) {
	id, err := web.ParseID(r.PathValue("alert_rule_id"), errRuleID)
	if err != nil {
		return p, err
	}
	f, err := web.DecodeBody(r.Content)
	if err != nil {
		return p, err
	}
	if p.AlertRulePatch, err = alertRulePatch(f, false); err != nil {
		return p, err
	}
	if !id.Exists() {
		return p, statuspage.AlertRuleNotFound(id.Text)
	}
	p.id = id.N
	p.NoIncidents = !r.Key.OpensIncidents()
	return p, nil
}

func (h alertRules) update(r *web.Request, p rulePatch) (statuspage.AlertRule, error) {
	return h.store.UpdateAlertRule(r.Context(), p.id, p.AlertRulePatch, r.Now)
}

func (h alertRules) remove(r *web.Request, id int64) error {
	return h.store.DeleteAlertRule(r.Context(), id, r.Now)
}

// alertRuleJSON is an alert rule.
type alertRuleJSON struct {
	ID             int64    `json:"id"`
	For            string   `json:"alert_for"`
	Value          any      `json:"alert_value"`
	Tags           []string `json:"monitor_tags"`
	Failures       int64    `json:"failure_threshold"`
	Successes      int64    `json:"success_threshold"`
	Severity       string   `json:"severity"`
	CreateIncident bool     `json:"create_incident"`
	Description    *string  `json:"description"`
	Active         bool     `json:"is_active"`
	Created        string   `json:"created_at"`
	Updated        string   `json:"updated_at"`
}

func toAlertRuleJSON(r statuspage.AlertRule) alertRuleJSON {
	tags := make([]string, len(r.Monitors))
	for n, m := range r.Monitors {
		tags[n] = m.Tag
	}
	return alertRuleJSON{
		ID: r.ID, For: string(r.For), Value: alertValueJSON(r.Condition), Tags: tags, Failures: r.Failures, Successes: r.Successes,
		Severity: string(r.Severity), CreateIncident: r.CreateIncident, Description: r.Description, Active: r.Active,
		Created: web.ISOTime(r.Created), Updated: web.ISOTime(r.Updated),
	}
}

// alertValueJSON is a status or a number.
func alertValueJSON(c statuspage.Condition) any {
	if c.For == statuspage.AlertStatus {
		return string(c.Status)
	}
	return c.Limit
}

func showAlertRule(_ *web.Request, rule statuspage.AlertRule) web.Answer {
	return web.One(http.StatusOK, "alert_rule", toAlertRuleJSON(rule))
}
