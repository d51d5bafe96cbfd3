package apihooks

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"tocsin/internal/delivery"
	"tocsin/internal/inbound"
	"tocsin/internal/statuspage"
	"tocsin/internal/web"
)

// opsgenie are the routes of Opsgenie's alert API. The token is the key that follows GenieKey; whatever
// the kind of its integration, the format is Opsgenie's.
func (h *hooks) opsgenie() []web.Route {
	route := func(path string, methods ...web.Method) web.Route {
		return web.Route{Group: web.Inbound, Path: path, Dialect: opsgenieDialect{web.Standard}, MaxBody: maxBody, Methods: methods}
	}
	return []web.Route{
		route("/v2/alerts", web.POST(web.Public, h.opsgenieAlert)),
		// An alias is in the path, and can have slashes in it.
		route("/v2/alerts/{alert...}", web.POST(web.Public, h.opsgenieChange), web.PUT(web.Public, h.opsgenieChange)),
	}
}

// opsgenieAlert takes a new alert. Without an alias its key is the id that the sender is told.
func (h *hooks) opsgenieAlert(r *web.Request) (web.Action, error) {
	var named struct {
		Alias any `json:"alias"`
	}
	id := newUUID()
	return h.opsgenieSignal(r, id, func() (statuspage.Signal, error) {
		s, err := inbound.ReadOpsgenieAlert(r.Content)
		if json.Unmarshal(r.Content, &named) == nil && (named.Alias == nil || named.Alias == "") {
			s.Key = id
		}
		return s, err
	})
}

// opsgenieChange takes a change of an alert. The path names the alert, by its alias or by the id that
// its sender was told, and ends in what is done to it.
func (h *hooks) opsgenieChange(r *web.Request) (web.Action, error) {
	path := strings.TrimSuffix(r.PathValue("alert"), "/")
	at := max(strings.LastIndexByte(path, '/'), 0)
	return h.opsgenieSignal(r, newUUID(), func() (statuspage.Signal, error) {
		return inbound.ReadOpsgenieAction(strings.TrimPrefix(path[at:], "/"), path[:at], r.Content)
	})
}

// opsgenieSignal takes the signal that read returns. The id is that of the request.
func (h *hooks) opsgenieSignal(r *web.Request, id string, read func() (statuspage.Signal, error)) (web.Action, error) {
	token, err := shown(r)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	return h.take(r, token, http.StatusAccepted, func(_ context.Context, i statuspage.Integration) (delivery.Content, error) {
		if i.Kind == statuspage.KindHeartbeat {
			return delivery.Content{}, errHeartbeat
		}
		s, err := read()
		return delivery.Content{Signals: []statuspage.Signal{s}}, err
	}, func(statuspage.Taken) any {
		return opsgenieJSON{Result: "Request will be processed", Took: time.Since(began).Seconds(), RequestID: id}
	}), nil
}

type opsgenieJSON struct {
	Result    string  `json:"result,omitempty"`
	Message   string  `json:"message,omitempty"`
	Took      float64 `json:"took"` // seconds
	RequestID string  `json:"requestId"`
}

// opsgenieDialect words errors as Opsgenie does.
type opsgenieDialect struct{ web.Dialect }

// Error implements web.Dialect: a body that is wrong can't be processed.
func (opsgenieDialect) Error(_ string, e web.Shown, status int) (any, int) {
	if status == http.StatusBadRequest {
		status = http.StatusUnprocessableEntity
	}
	return opsgenieJSON{Message: e.Message, RequestID: newUUID()}, status
}
