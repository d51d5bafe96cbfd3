package apihooks

import (
	"context"
	"net/http"
	"strings"

	"tocsin/internal/delivery"
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
		route("/v2/enqueue", h.pagerDutyEvent(inbound.ReadPagerDuty, http.StatusAccepted, func(e inbound.PagerDutyEvent) any {
			return pagerDutyJSON{Status: "success", Message: "Event processed", DedupKey: e.Key}
		})),
		route("/v2/change/enqueue", h.pagerDutyEvent(inbound.ReadPagerDutyChange, http.StatusAccepted, func(inbound.PagerDutyEvent) any {
			return pagerDutyJSON{Status: "success", Message: "Change event processed"}
		})),
		route("/generic/2010-04-15/create_event.json", h.pagerDutyEvent(inbound.ReadPagerDuty, http.StatusOK, func(e inbound.PagerDutyEvent) any {
			return pagerDutyJSON{Status: "success", Message: "Event processed", IncidentKey: e.Key}
		})),
	}
}

type pagerDutyJSON struct {
	Status      string   `json:"status"`
	Message     string   `json:"message"`
	Errors      []string `json:"errors,omitempty"`
	DedupKey    string   `json:"dedup_key,omitempty"`
	IncidentKey string   `json:"incident_key,omitempty"`
}

// pagerDutyEvent takes an event, which is answered with the status and what answer makes of it.
func (h *hooks) pagerDutyEvent(read func([]byte) (inbound.PagerDutyEvent, error), status int, answer func(inbound.PagerDutyEvent) any) web.Handler {
	return func(r *web.Request) (web.Action, error) {
		e, err := read(r.Content)
		if err != nil {
			return nil, err
		}
		token, err := shown(r, e.RoutingKey)
		switch {
		case err == errTokens:
			return nil, err
		case !statuspage.ValidIntegrationToken(token) && len(e.KeyErrors()) > 0:
			return nil, pagerDutyError(append(e.KeyErrors(), e.Errors...))
		}
		return h.take(r, token, status, func(_ context.Context, i statuspage.Integration) (delivery.Content, error) {
			switch {
			case i.Kind == statuspage.KindHeartbeat:
				return delivery.Content{}, errHeartbeat
			case len(e.Errors) > 0:
				return delivery.Content{}, pagerDutyError(e.Errors)
			}
			return delivery.Content{Signals: []statuspage.Signal{e.Signal}}, nil
		}, func(statuspage.Taken) any { return answer(e) }), nil
	}
}

// pagerDutyError is the error for a request about which all of this is wrong.
func pagerDutyError(wrong []string) error {
	return statuspage.Invalid("%s", strings.Join(wrong, pagerDutyNext))
}

// pagerDutyNext parts what is wrong with a request in the message of its error.
const pagerDutyNext = "; "

var errHeartbeat = statuspage.Invalid("An integration of the kind '%s' takes no messages here", statuspage.KindHeartbeat)

// pagerDutyDialect words errors as PagerDuty does.
type pagerDutyDialect struct{ web.Dialect }

// Error implements web.Dialect: a wrong token is a bad request.
func (pagerDutyDialect) Error(_ string, e web.Shown, status int) (any, int) {
	if status >= http.StatusInternalServerError {
		return pagerDutyJSON{Status: "error", Message: e.Message}, status
	}
	if status == http.StatusUnauthorized {
		status = http.StatusBadRequest
	}
	return pagerDutyJSON{Status: "invalid event", Message: "Event object is invalid", Errors: strings.Split(e.Message, pagerDutyNext)}, status
}
