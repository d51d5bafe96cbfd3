package apihooks

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"tocsin/internal/inbound"
	"tocsin/internal/statuspage"
	"tocsin/internal/web"
)

// pagerDuty are the routes of PagerDuty's Events API, version 2 and the one before. The token is
// the routing key; whatever the kind of its integration, the format is PagerDuty's.
func (h *hooks) pagerDuty() []web.Route {
	route := func(path string, handle web.Handler) web.Route {
		return web.Route{Group: web.Inbound, Path: path, Dialect: pagerDutyDialect{web.Standard}, MaxBody: maxBody, Methods: []web.Method{web.POST(web.Public, handle)}}
	}
	return []web.Route{
		route("/v2/enqueue", h.pagerDutyEvent(http.StatusAccepted, "routing_key", "event_action", "dedup_key")),
		route("/v2/change/enqueue", h.pagerDutyChange),
		route("/generic/2010-04-15/create_event.json", h.pagerDutyEvent(http.StatusOK, "service_key", "event_type", "incident_key")),
	}
}

// pagerDutyEvent takes an event about an alert, in which the token, the action and the key of the
// alert have these names. It is answered with the status, and with the key.
func (h *hooks) pagerDutyEvent(status int, tokenName, actionName, keyName string) web.Handler {
	return func(r *web.Request) (web.Action, error) {
		token, err := pagerDutyToken(r, tokenName, actionName)
		if err != nil {
			return nil, err
		}
		return h.take(r, token, status, func(ctx context.Context, i statuspage.Integration) ([]statuspage.Signal, string, error) {
			if i.Kind == statuspage.KindHeartbeat {
				return nil, "", errHeartbeat
			}
			signals, err := inbound.Signals(statuspage.KindPagerDuty, message(r), i.Settings())
			return signals, "", err
		}, func(signals []statuspage.Signal, _ statuspage.Taken) any {
			answer := map[string]string{"status": "success", "message": "Event processed"}
			if len(signals) > 0 {
				answer[keyName] = signals[0].Key
			}
			return answer
		}), nil
	}
}

// pagerDutyChange takes an event about a change, such as a deployment. It is kept as a delivery, and
// never is an alert.
func (h *hooks) pagerDutyChange(r *web.Request) (web.Action, error) {
	token, err := pagerDutyToken(r, "routing_key")
	if err != nil {
		return nil, err
	}
	return h.take(r, token, http.StatusAccepted, func(context.Context, statuspage.Integration) ([]statuspage.Signal, string, error) {
		var change struct {
			Payload struct {
				Summary string `json:"summary"`
			} `json:"payload"`
		}
		if err := json.Unmarshal(r.Content, &change); err != nil || change.Payload.Summary == "" {
			return nil, "", statuspage.Invalid("'payload.summary' is missing or blank")
		}
		return nil, "A change, which is no alarm", nil
	}, func([]statuspage.Signal, statuspage.Taken) any {
		return map[string]string{"status": "success", "message": "Change event processed"}
	}), nil
}

// pagerDutyToken returns the token of a request. The error for one that is none also tells which of
// the fields have no text, as PagerDuty does: that is how its clients are tried out.
func pagerDutyToken(r *web.Request, tokenName string, needed ...string) (string, error) {
	token, err := shown(r, routingKey(r.Content))
	if err == errTokens || statuspage.ValidIntegrationToken(token) {
		return token, err
	}
	var fields map[string]any
	if err := json.Unmarshal(r.Content, &fields); err != nil {
		return "", statuspage.Invalid("The body is no JSON object")
	}
	wrong := []string{fmt.Sprintf("Length of '%s' is incorrect (should be 32 characters)", tokenName)}
	if len(token) == 32 {
		wrong[0] = statuspage.ErrNoIntegrationToken.Message
	}
	for _, name := range needed {
		if text, _ := fields[name].(string); text == "" {
			wrong = append(wrong, fmt.Sprintf("'%s' is missing or blank", name))
		}
	}
	return "", &statuspage.Error{Code: statuspage.CodeUnauthorized, Message: strings.Join(wrong, "\n")}
}

var errHeartbeat = statuspage.Invalid("An integration of the kind '%s' takes no messages here", statuspage.KindHeartbeat)

// pagerDutyDialect words errors as PagerDuty does.
type pagerDutyDialect struct{ web.Dialect }

// Error implements web.Dialect: a wrong token is a bad request.
func (pagerDutyDialect) Error(_ string, e web.Shown, status int) (any, int) {
	type errorJSON struct {
		Status  string   `json:"status"`
		Message string   `json:"message"`
		Errors  []string `json:"errors"`
	}
	if status >= http.StatusInternalServerError {
		return errorJSON{"error", e.Message, []string{e.Message}}, status
	}
	if status == http.StatusUnauthorized {
		status = http.StatusBadRequest
	}
	return errorJSON{"invalid event", "Event object is invalid", strings.Split(e.Message, "\n")}, status
}
