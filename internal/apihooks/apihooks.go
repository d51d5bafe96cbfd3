// Package apihooks takes what other tools send of their alarms over HTTP: at /hooks in the format of
// the integration's kind, and in the formats of PagerDuty and Opsgenie at the paths of these
// (docs/integrations.md). In place of an API key a tool shows the token of an integration, which
// can do nothing else.
//
// The answers are what senders expect. Whatever fails here is a 503 with Retry-After, which all of
// them repeat; nothing is a 429 or a redirect, which some take for the end.
package apihooks

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"tocsin/internal/delivery"
	"tocsin/internal/inbound"
	"tocsin/internal/statuspage"
	"tocsin/internal/web"
)

// maxBody is the limit of a body in bytes: Alertmanager sends all alerts of a group at once.
const maxBody = 1 << 20

// Store is what the routes need of a repository.
type Store interface {
	delivery.Store
	HeartbeatStore

	// IntegrationByToken returns the integration that takes the token with the hash at now (UTC
	// seconds), whether it is active or not, or statuspage.ErrNoIntegrationToken.
	IntegrationByToken(ctx context.Context, hash string, now int64) (statuspage.Integration, error)
}

// Routes returns the routes on the store, which receiver works with too. A nil store is for who only
// looks at them.
func Routes(store Store, receiver delivery.Receiver) []web.Route {
	h := &hooks{receiver: receiver, heartbeat: store}
	h.tokens = web.NewMemory(statuspage.ErrNoIntegrationToken, func(ctx context.Context, hash string, now int64) (statuspage.Integration, error) {
		return store.IntegrationByToken(ctx, hash, now)
	})
	return slices.Concat(h.own(), h.pagerDuty(), h.opsgenie(), h.heartbeats())
}

type hooks struct {
	receiver  delivery.Receiver
	heartbeat HeartbeatStore
	tokens    *web.Memory[statuspage.Integration] // by the hash of the token
}

// integration returns the integration that takes the token, or statuspage.ErrNoIntegrationToken.
func (h *hooks) integration(r *web.Request, token string) (statuspage.Integration, error) {
	if !statuspage.ValidIntegrationToken(token) {
		return statuspage.Integration{}, statuspage.ErrNoIntegrationToken
	}
	if err := r.Ready(); err != nil {
		return statuspage.Integration{}, err
	}
	hash := statuspage.HashSecret(token)
	i, err := h.tokens.Get(r.Context(), hash, r.Now)
	if err == nil && !i.Takes(hash, r.Now) {
		err = statuspage.ErrNoIntegrationToken
	}
	return i, err
}

// own are the routes at which each integration has the format of its kind.
func (h *hooks) own() []web.Route {
	route := func(path string) web.Route {
		return web.Route{Group: web.Inbound, Path: path, MaxBody: maxBody, Methods: []web.Method{
			web.POST(web.Public, h.hook), web.PUT(web.Public, h.hook), web.GET(web.Public, h.hook),
		}}
	}
	return []web.Route{route("/hooks"), route("/hooks/{token...}")}
}

// hook takes a message in the format of the integration's kind.
func (h *hooks) hook(r *web.Request) (web.Action, error) {
	token, err := shown(r, strings.TrimSuffix(r.PathValue("token"), "/"))
	if err == statuspage.ErrNoIntegrationToken {
		token, err = shown(r, routingKey(r.Content))
	}
	if err != nil {
		return nil, err
	}
	return h.take(r, token, http.StatusOK, func(ctx context.Context, i statuspage.Integration) ([]statuspage.Signal, string, error) {
		if i.Kind == statuspage.KindPagerDuty {
			if _, err := shown(r, token, routingKey(r.Content)); err != nil {
				return nil, "", err
			}
		}
		signals, err := inbound.Signals(i.Kind, message(r), i.Settings())
		return signals, "", err
	}, counts), nil
}

// message is what a request says, but for its path.
func message(r *web.Request) inbound.Message {
	return inbound.Message{Header: r.Header, Query: r.URL.Query(), Body: r.Content}
}

// A reader returns the signals of a message for an integration, see delivery.Delivery.
type reader func(context.Context, statuspage.Integration) ([]statuspage.Signal, string, error)

// take returns the action that takes the signals that read returns for the integration with the
// token, and answers with the status and the body that answer makes of what came of them.
func (h *hooks) take(r *web.Request, token string, status int, read reader, answer func([]statuspage.Signal, statuspage.Taken) any) web.Action {
	return func() (web.Answer, error) {
		i, err := h.integration(r, token)
		if err != nil {
			return web.Answer{}, unavailable(err)
		}
		body := string(r.Content)
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			if r.Method == http.MethodHead || !sendsQueries(i.Kind) {
				refused := r.Failed(web.Standard, errNotPosted)
				refused.Header = http.Header{"Allow": {"POST, PUT"}}
				return refused, nil
			}
			body = r.URL.RawQuery
		}
		var signals []statuspage.Signal
		taken, err := h.receiver.Receive(r.Context(), delivery.Delivery{
			Integration: i, Time: r.Milli, Body: body, Token: token,
			Read: func(ctx context.Context) (found []statuspage.Signal, remark string, err error) {
				found, remark, err = read(ctx, i)
				signals = named(found)
				return signals, remark, err
			},
			Status: func(err error) int {
				if err == nil {
					return status
				}
				_, status := web.ShownOf(err)
				return status
			},
		})
		if err != nil {
			return web.Answer{}, err
		}
		h.tokens.Change(statuspage.HashSecret(token), func(i *statuspage.Integration) bool {
			i.LastSeen, i.LastError = new(statuspage.FloorMinute(r.Now)), taken.LastError
			return true
		})
		return web.JSON(status, web.Encode(answer(signals, taken))), nil
	}
}

// sendsQueries reports whether tools of the kind can say all in the query of a GET.
func sendsQueries(kind statuspage.IntegrationKind) bool {
	return kind == statuspage.KindUptimeRobot || kind == statuspage.KindUptimeKuma
}

// named gives a key of its own to each signal whose sender leaves that to who receives it.
func named(signals []statuspage.Signal) []statuspage.Signal {
	for n := range signals {
		if signals[n].Key == "" {
			signals[n].Key = newUUID()
		}
	}
	return signals
}

// counts is the answer in the format of our own.
func counts(_ []statuspage.Signal, t statuspage.Taken) any {
	return struct {
		Received int `json:"received"`
		Opened   int `json:"opened"`
		Resolved int `json:"resolved"`
		Ignored  int `json:"ignored"`
	}{t.Received, t.Opened, t.Resolved, t.Ignored}
}
