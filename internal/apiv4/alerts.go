package apiv4

import (
	"context"
	"net/http"

	"tocsin/internal/statuspage"
	"tocsin/internal/web"
)

// AlertStore keeps alerts. The writes of PointStore open and resolve them.
type AlertStore interface {
	// Alert returns the alert, or AlertNotFound.
	Alert(ctx context.Context, id int64) (statuspage.Alert, error)

	// Alerts lists the alerts that match, id falling; without a tag it follows a write
	// within moments. It returns MonitorNotFound for a tag without a monitor.
	Alerts(ctx context.Context, q statuspage.AlertQuery, take func(statuspage.Alert) bool) (after int64, err error)
}

// Alerts returns the routes of alerts.
func Alerts(store AlertStore) []web.Route {
	id := web.Existing("alert_id", errAlertID, statuspage.AlertNotFound[string])
	list := web.List[statuspage.AlertQuery, statuspage.Alert, int64]{
		Name:   "alerts",
		Query:  readAlertQuery,
		Read:   store.Alerts,
		Show:   func(_ *web.Request, a statuspage.Alert) any { return alertAsJSON(a) },
		Cursor: web.IDCursor(alertCursor),
	}
	return []web.Route{
		{Group: web.Monitors, Path: "/api/v4/alerts", Methods: []web.Method{web.GET(statuspage.ScopeMonitorsRead, list.Handler())}},
		{Group: web.Monitors, Path: "/api/v4/alerts/{alert_id}", Methods: []web.Method{
			web.GET(statuspage.ScopeMonitorsRead, web.Gets(id, store.Alert, showAlert)),
		}},
	}
}

var (
	errAlertID    = bad("Alert ID must be a valid integer")
	errAlertState = bad("alert_status must be one of: TRIGGERED, RESOLVED")
	errRuleFilter = bad("alert_rule_id must be a valid id")

	errIntegrationFilter = bad("integration_id must be a valid id")
)

const alertCursor = "a"

func readAlertQuery(r *web.Request) (q statuspage.AlertQuery, limit int, err error) {
	params := r.Query()
	q = statuspage.AlertQuery{Tag: params.Get("monitor_tag"), State: statuspage.AlertState(params.Get("alert_status"))}
	if q.State != "" && !statuspage.ValidAlertState(q.State) {
		return q, 0, errAlertState
	}
	for _, f := range []struct {
		name  string
		id    *int64
		wrong error
	}{{"alert_rule_id", &q.RuleID, errRuleFilter}, {"integration_id", &q.IntegrationID, errIntegrationFilter}} {
		text := params.Get(f.name)
		if text == "" {
			continue
		}
		id, err := web.ParseID(text, f.wrong)
		if err != nil {
			return q, 0, err
		}
		if !id.Exists() {
			return q, 0, f.wrong
		}
		*f.id = id.N
	}
	q.Limit, q.After, err = params.Page(alertCursor)
	return q, q.Limit, err
}

// alertJSON is an alert of a rule.
type alertJSON struct {
	ID         int64   `json:"id"`
	RuleID     int64   `json:"alert_rule_id"`
	Tag        string  `json:"monitor_tag"`
	For        string  `json:"alert_for"`
	Value      any     `json:"alert_value"`
	Severity   string  `json:"severity"`
	State      string  `json:"alert_status"`
	IncidentID *int64  `json:"incident_id"`
	Created    string  `json:"created_at"`
	Updated    string  `json:"updated_at"`
	Resolved   *string `json:"resolved_at"`
}

func toAlertJSON(a statuspage.Alert) alertJSON {
	return alertJSON{
		ID: a.ID, RuleID: a.RuleID, Tag: a.Tag, For: string(a.For), Value: alertValueJSON(a.Condition), Severity: string(a.Severity),
		State: string(a.State), IncidentID: a.IncidentID,
		Created: web.ISOTime(a.Created), Updated: web.ISOTime(a.Updated), Resolved: web.ISOTimeOrNull(a.Resolved),
	}
}

// signalAlertJSON is an alert of an integration. It has the fields of a rule's first, null where it
// says nothing of them.
type signalAlertJSON struct {
	ID            int64             `json:"id"`
	RuleID        *int64            `json:"alert_rule_id"`
	Tag           *string           `json:"monitor_tag"`
	For           *string           `json:"alert_for"`
	Value         any               `json:"alert_value"`
	Severity      *string           `json:"severity"`
	State         string            `json:"alert_status"`
	IncidentID    *int64            `json:"incident_id"`
	Created       string            `json:"created_at"`
	Updated       string            `json:"updated_at"`
	Resolved      *string           `json:"resolved_at"`
	IntegrationID int64             `json:"integration_id"`
	Key           string            `json:"dedup_key"`
	Title         string            `json:"title"`
	Message       string            `json:"message"`
	Link          *string           `json:"link"`
	SignalSaid    *string           `json:"signal_severity"`
	Impact        *string           `json:"impact"`
	Monitors      []string          `json:"monitors"`
	Labels        map[string]string `json:"labels"`
	Started       string            `json:"started_at"`
	Count         int64             `json:"count"`
	LastSeen      string            `json:"last_seen_at"`
}

func toSignalAlertJSON(a statuspage.Alert) signalAlertJSON {
	s := a.Signal
	text := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	j := signalAlertJSON{
		ID: a.ID, Tag: text(a.Tag), Severity: text(string(a.Severity)), State: string(a.State), IncidentID: a.IncidentID,
		Created: web.ISOTime(a.Created), Updated: web.ISOTime(a.Updated), Resolved: web.ISOTimeOrNull(a.Resolved),
		IntegrationID: s.IntegrationID, Key: s.Key, Title: s.Title, Message: s.Message, Link: text(s.Link), SignalSaid: text(s.Severity), Impact: text(string(s.Impact)),
		Monitors: append([]string{}, s.Tags()...), Labels: s.Labels, Started: web.ISOTime(s.Started), Count: s.Count, LastSeen: web.ISOTime(s.LastSeen),
	}
	if j.Labels == nil {
		j.Labels = map[string]string{}
	}
	return j
}

func alertAsJSON(a statuspage.Alert) any {
	if a.Signal != nil {
		return toSignalAlertJSON(a)
	}
	return toAlertJSON(a)
}

func showAlert(_ *web.Request, a statuspage.Alert) web.Answer {
	return web.One(http.StatusOK, "alert", alertAsJSON(a))
}
