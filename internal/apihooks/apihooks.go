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
	PreviewStore

	// IntegrationByToken returns the integration that takes the token with the hash at now (UTC
	// seconds), whether it is active or not, or statuspage.ErrNoIntegrationToken.
	IntegrationByToken(ctx context.Context, hash string, now int64) (statuspage.Integration, error)

	// PinTopic makes the topic of SNS the one that the integration takes messages of, or returns an
	// error for one that has another.
	PinTopic(ctx context.Context, id int64, topic string, now int64) error
}

// Routes returns the routes on the store, which receiver works with too; fetcher asks SNS. A nil store
// is for who only looks at them.
func Routes(store Store, receiver delivery.Receiver, fetcher inbound.Fetcher) []web.Route {
	h := &hooks{store: store, receiver: receiver, fetcher: fetcher}
	h.tokens = web.NewMemory(statuspage.ErrNoIntegrationToken, func(ctx context.Context, hash string, now int64) (statuspage.Integration, error) {
		return store.IntegrationByToken(ctx, hash, now)
	})
	return slices.Concat(h.own(), h.pagerDuty(), h.opsgenie(), h.heartbeats(), h.withKey())
}

type hooks struct {
	store    Store
	receiver delivery.Receiver
	fetcher  inbound.Fetcher
	tokens   *web.Memory[statuspage.Integration] // by the hash of the token
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

// hook takes a message in the format of the integration's kind, as it is or as a topic of SNS sends
// it on.
func (h *hooks) hook(r *web.Request) (web.Action, error) {
	token, err := shown(r, strings.TrimSuffix(r.PathValue("token"), "/"))
	if err == statuspage.ErrNoIntegrationToken {
		token, err = shown(r, routingKey(r.Content))
	}
	if err != nil {
		return nil, err
	}
	if inbound.IsSNS(message(r)) {
		// The topics that it takes may have been none a moment ago, and what is refused does not come again.
		h.tokens.Forget(statuspage.HashSecret(token))
	}
	return h.take(r, token, http.StatusOK, func(ctx context.Context, i statuspage.Integration) (delivery.Content, error) {
		m := message(r)
		if i.Kind == statuspage.KindPagerDuty {
			if _, err := shown(r, token, routingKey(m.Body)); err != nil {
				return delivery.Content{}, err
			}
		}
		if inbound.IsSNS(m) {
			return h.sns(ctx, m, i, r.Now)
		}
		signals, err := inbound.Signals(i.Kind, m, i.Settings())
		return delivery.Content{Signals: signals}, err
	}, counts), nil
}

// message is what a request says, but for its path.
func message(r *web.Request) inbound.Message {
	return inbound.Message{Header: r.Header, Query: r.URL.Query(), Body: r.Content}
}

// sns takes a message of a topic. The first topic that asks is confirmed, and is the only one then,
// unless the integration's options say which.
func (h *hooks) sns(ctx context.Context, m inbound.Message, i statuspage.Integration, now int64) (delivery.Content, error) {
	s, err := inbound.OpenSNS(ctx, m, i, h.fetcher, now)
	if err != nil {
		return delivery.Content{}, err
	}
	switch s.Type {
	case inbound.SNSSubscribed:
		if len(i.Settings().Topics) == 0 {
			err = h.store.PinTopic(ctx, i.ID, s.Topic, now)
		}
		if err == nil {
			err = s.Confirm(ctx, h.fetcher)
		}
		return delivery.Content{Remark: "The subscription to the topic " + s.Topic + " was confirmed"}, err
	case inbound.SNSUnsubscribed:
		return delivery.Content{Remark: "The topic " + s.Topic + " sends no more: its subscription was deleted", Problem: true}, nil
	}
	signals, err := inbound.Signals(i.Kind, s.Content, i.Settings())
	return delivery.Content{Signals: signals}, err
}

// take returns the action that takes what read finds in the request for the integration with the
// token, and answers with the status and the body that answer makes of what came of it.
func (h *hooks) take(r *web.Request, token string, status int, read func(context.Context, statuspage.Integration) (delivery.Content, error), answer func(statuspage.Taken) any) web.Action {
	return func() (web.Answer, error) {
		i, err := h.integration(r, token)
		if err != nil {
			return web.Answer{}, unavailable(err)
		}
		tokens := []string{token}
		if other := routingKey(r.Content); statuspage.ValidIntegrationToken(other) {
			tokens = append(tokens, other) // of another integration, when its tool sends here
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
		taken, err := h.receiver.Receive(r.Context(), delivery.Delivery{
			Integration: i, Time: r.Milli, Body: body, Tokens: tokens,
			Read: func(ctx context.Context) (delivery.Content, error) { return read(ctx, i) },
			Status: func(err error) int {
				if err == nil {
					return status
				}
				return web.StatusOf(err)
			},
		})
		if err != nil {
			return web.Answer{}, err
		}
		h.tokens.Change(statuspage.HashSecret(token), func(i *statuspage.Integration) bool {
			*i, _ = i.Seen(r.Now, taken.LastError)
			return true
		})
		return web.JSON(status, web.Encode(answer(taken))), nil
	}
}

// sendsQueries reports whether tools of the kind can say all in the query of a GET.
func sendsQueries(kind statuspage.IntegrationKind) bool {
	return kind == statuspage.KindUptimeRobot || kind == statuspage.KindUptimeKuma
}

// counts is the answer in our own format.
func counts(t statuspage.Taken) any {
	return struct {
		Received int `json:"received"`
		Opened   int `json:"opened"`
		Resolved int `json:"resolved"`
		Ignored  int `json:"ignored"`
	}{t.Received, t.Opened, t.Resolved, t.Ignored}
}
