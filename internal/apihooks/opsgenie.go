package apihooks

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

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

// opsgenieAlert takes a new alert.
func (h *hooks) opsgenieAlert(r *web.Request) (web.Action, error) {
	return h.opsgenieSignals(r, func(_ context.Context, i statuspage.Integration) ([]statuspage.Signal, string, error) {
		signals, err := inbound.Signals(statuspage.KindOpsgenie, message(r), i.Settings())
		return signals, "", err
	})
}

// opsgenieActions are what can be done to an alert, by the last segment of the path. All but the
// first two change nothing here.
var opsgenieActions = map[string]statuspage.SignalAction{"close": statuspage.SignalResolved, "acknowledge": statuspage.SignalAcknowledged}

var opsgenieNotes = []string{
	"unacknowledge", "notes", "snooze", "message", "description", "priority", "tags", "details", "responders", "teams", "assign", "escalate", "actions",
}

// opsgenieChange takes a change of an alert, which the path names by its alias, or by the id that it
// was given here, and says what is done to it.
func (h *hooks) opsgenieChange(r *web.Request) (web.Action, error) {
	path := strings.TrimSuffix(r.PathValue("alert"), "/")
	at := max(strings.LastIndexByte(path, '/'), 0)
	alias, name := path[:at], strings.TrimPrefix(path[at:], "/")
	action, known := opsgenieActions[name]
	if !known && slices.Contains(opsgenieNotes, name) {
		action, known = statuspage.SignalNote, true
	}
	if !known || alias == "" {
		return nil, errOpsgeniePath
	}
	return h.opsgenieSignals(r, func(context.Context, statuspage.Integration) ([]statuspage.Signal, string, error) {
		var said struct {
			Note        string `json:"note"`
			Message     string `json:"message"`
			Description string `json:"description"`
		}
		if len(r.Content) > 0 {
			if err := json.Unmarshal(r.Content, &said); err != nil {
				return nil, "", web.ErrBody
			}
		}
		return []statuspage.Signal{{
			Key: statuspage.SignalKey(alias), Action: action, Title: said.Message, Message: strings.TrimSpace(said.Description + "\n" + said.Note),
		}}, "", nil
	})
}

var errOpsgeniePath = &statuspage.Error{Code: statuspage.CodeNotFound, Message: "There is nothing at this address"}

// opsgenieSignals takes the signals that read returns.
func (h *hooks) opsgenieSignals(r *web.Request, read reader) (web.Action, error) {
	token, err := shown(r)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	return h.take(r, token, http.StatusAccepted, func(ctx context.Context, i statuspage.Integration) ([]statuspage.Signal, string, error) {
		if i.Kind == statuspage.KindHeartbeat {
			return nil, "", errHeartbeat
		}
		return read(ctx, i)
	}, func(signals []statuspage.Signal, _ statuspage.Taken) any {
		return opsgenieJSON{Result: "Request will be processed", Took: time.Since(began).Seconds(), RequestID: requestID(signals)}
	}), nil
}

// requestID is the id of a request for its client. Of an alert without an alias it is the alert's.
func requestID(signals []statuspage.Signal) string {
	if len(signals) == 1 && isUUID(signals[0].Key) {
		return signals[0].Key
	}
	return newUUID()
}

type opsgenieJSON struct {
	Result    string  `json:"result,omitempty"`
	Message   string  `json:"message,omitempty"`
	Took      float64 `json:"took"`
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
