package api

import "tocsin/internal/statuspage"

const alertCursor = "a"

// listAlerts is GET /api/v4/alerts.
func listAlerts(s *service, r *request) (answer, error) {
	params := queryOf(r)
	q := statuspage.AlertQuery{Tag: params.Get("monitor_tag"), State: statuspage.AlertState(params.Get("alert_status"))}
	if q.State != "" && !statuspage.ValidAlertState(q.State) {
		return answer{}, errAlertState
	}
	if text := params.Get("alert_rule_id"); text != "" {
		id, err := parseID(text, errRuleFilter)
		if err != nil {
			return answer{}, err
		}
		if !id.exists() {
			return answer{}, errRuleFilter
		}
		q.RuleID = id.n
	}
	var err error
	if q.Limit, err = params.limit(); err != nil {
		return answer{}, err
	}
	if q.After, err = params.idCursor(alertCursor); err != nil {
		return answer{}, err
	}
	p := page{name: "alerts", limit: q.Limit}
	next, err := s.store(r).Alerts(r.Context(), q, func(a statuspage.Alert) bool { return p.add(toAlertJSON(a)) })
	if err != nil {
		return answer{}, err
	}
	return p.answer(encodeIDCursor(alertCursor, next)), nil
}

// getAlert is GET /api/v4/alerts/{alert_id}.
func getAlert(s *service, r *request) (answer, error) {
	id, err := parseID(r.PathValue("alert_id"), errAlertID)
	if err != nil {
		return answer{}, err
	}
	if !id.exists() {
		return answer{}, statuspage.AlertNotFound(id.text)
	}
	a, err := s.store(r).Alert(r.Context(), id.n)
	if err != nil {
		return answer{}, err
	}
	return ok(alertEnvelope{toAlertJSON(a)}), nil
}
