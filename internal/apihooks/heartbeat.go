package apihooks

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tocsin/internal/delivery"
	"tocsin/internal/statuspage"
	"tocsin/internal/web"
)

// A HeartbeatStore keeps what jobs say of themselves. All that it does may be done twice.
type HeartbeatStore interface {
	// Ping keeps what a ping says of the job of an integration, and sets a point of its monitor. It
	// returns statuspage.MonitorNotFound when there is no such monitor.
	Ping(ctx context.Context, i statuspage.Integration, p statuspage.Ping) error

	// PingMonitor sets a point UP of a monitor that is pinged by its tag and its secret, at now (UTC
	// seconds). It returns statuspage.ErrNoPingedMonitor or statuspage.ErrPingSecret.
	PingMonitor(ctx context.Context, tag, secret string, now int64) error
}

// maxPingBody is how much of the body of a ping is kept, in bytes.
const maxPingBody = 10_000

// heartbeats are the routes at which jobs say that they have run: those of healthchecks.io, with what
// Uptime Kuma has in the query; Opsgenie's; and Kener's.
func (h *hooks) heartbeats() []web.Route {
	route := func(path string, d web.Dialect, handle web.Handler, more ...web.Method) web.Route {
		methods := append([]web.Method{web.GET(web.Public, handle), web.POST(web.Public, handle)}, more...)
		return web.Route{Group: web.Inbound, Path: path, Dialect: d, MaxBody: maxBody, Methods: methods}
	}
	return []web.Route{
		route("/ping/{token...}", web.Standard, h.ping),
		route("/v2/heartbeats/{heartbeat...}", opsgenieDialect{web.Standard}, h.opsgeniePing, web.PUT(web.Public, h.opsgeniePing)),
		route("/ext/heartbeat/{heartbeat...}", kenerDialect{web.Standard}, h.kenerPing),
	}
}

// plain is an answer of a few words.
func plain(status int, text string) web.Answer {
	return web.Answer{
		Status: status, Type: "text/plain; charset=utf-8", Cache: web.NoStore, Body: []byte(text),
		Header: http.Header{"Ping-Body-Limit": {strconv.Itoa(maxPingBody)}},
	}
}

var noHeartbeat = web.Always(plain(http.StatusNotFound, "not found"))

// ping takes a ping of a job, whose path has the token and what the job says.
func (h *hooks) ping(r *web.Request) (web.Action, error) {
	token, says, _ := strings.Cut(strings.TrimSuffix(r.PathValue("token"), "/"), "/")
	p, remark, known := pingOf(says, r.URL.Query())
	if !known {
		return noHeartbeat(r)
	}
	if p.Run = r.URL.Query().Get("rid"); len(p.Run) > statuspage.MaxRunName {
		return web.Always(plain(http.StatusBadRequest, "rid is longer than "+strconv.Itoa(statuspage.MaxRunName)+" characters"))(r)
	}
	return func() (web.Answer, error) {
		err := h.pinged(r, token, p, remark)
		switch {
		case err == statuspage.ErrNoIntegrationToken:
			return plain(http.StatusNotFound, "not found"), nil
		case err != nil:
			return web.Answer{}, err
		}
		return plain(http.StatusOK, "OK"), nil
	}, nil
}

// pingOf is what the end of a path says, and the query when the path ends with the token. remark
// is it in words, "" for what each run says.
func pingOf(says string, query url.Values) (p statuspage.Ping, remark string, known bool) {
	p.Kind = statuspage.PingSuccess
	switch says {
	case "":
		if status := query.Get("status"); status != "" && status != "up" {
			p.Kind, remark = statuspage.PingFail, "down"
		}
		if ms, err := strconv.ParseFloat(query.Get("ping"), 64); err == nil && 0 <= ms && ms <= statuspage.MaxLatency {
			p.Latency = &ms
		}
		return p, remark, true
	case "start":
		p.Kind = statuspage.PingStart
		return p, "", true
	case "fail":
		p.Kind = statuspage.PingFail
		return p, "fail", true
	case "log":
		p.Kind = statuspage.PingLog
		return p, "log", true
	}
	code, err := strconv.ParseUint(says, 10, 8)
	if code != 0 {
		p.Kind, remark = statuspage.PingFail, "exit status "+says
	}
	return p, remark, err == nil
}

// pinged takes a ping for the integration with the token. It returns ErrNoIntegrationToken for a token
// that is no heartbeat's. What each run says is not kept as a delivery, unless it has a body.
func (h *hooks) pinged(r *web.Request, token string, p statuspage.Ping, remark string) error {
	i, err := h.integration(r, token)
	if err != nil {
		return unavailable(err)
	}
	if i.Kind != statuspage.KindHeartbeat {
		return statuspage.ErrNoIntegrationToken
	}
	p.At = r.Milli
	if i.Settings().Heartbeat.PostOnly && r.Method != http.MethodPost {
		remark = "Not counted: only a POST is"
	} else {
		err = h.store.Ping(r.Context(), i, p)
	}
	body := string(r.Content[:min(len(r.Content), maxPingBody)])
	if body == "" && remark != "" {
		body = r.URL.Query().Get("msg") // of Uptime Kuma
	}
	missing := errors.Is(err, statuspage.MonitorNotFound(i.Settings().Heartbeat.Monitor))
	if err != nil && !missing {
		return statuspage.Unavailable(err)
	}
	if !missing && remark == "" && body == "" {
		h.receiver.Seen(r.Context(), i, r.Now)
	} else {
		h.receiver.Receive(r.Context(), delivery.Delivery{
			Integration: i, Time: r.Milli, Body: body, Tokens: []string{token},
			Read: func(context.Context) (delivery.Content, error) {
				if remark == "" {
					remark = string(p.Kind)
				}
				return delivery.Content{Remark: remark}, err
			},
			Status: func(error) int { return http.StatusOK }, // what is wrong is the operator's to know
		})
	}
	h.tokens.Change(statuspage.HashSecret(token), func(i *statuspage.Integration) bool {
		i.LastSeen = new(statuspage.FloorMinute(r.Now))
		return true
	})
	return nil
}

// opsgeniePing takes a ping of Opsgenie's heartbeat API. The token says which heartbeat it is, and the
// name in the path nothing.
func (h *hooks) opsgeniePing(r *web.Request) (web.Action, error) {
	token, err := shown(r)
	if err != nil {
		return nil, err
	}
	if name, is := strings.CutSuffix(strings.TrimSuffix(r.PathValue("heartbeat"), "/"), "/ping"); !is || name == "" {
		return nil, errOpsgeniePath
	}
	began := time.Now()
	return func() (web.Answer, error) {
		if err := h.pinged(r, token, statuspage.Ping{Kind: statuspage.PingSuccess}, ""); err != nil {
			return web.Answer{}, err
		}
		return web.JSON(http.StatusAccepted, web.Encode(opsgenieJSON{
			Result: "PONG - Heartbeat received", Took: time.Since(began).Seconds(), RequestID: newUUID(),
		})), nil
	}, nil
}

// kenerPing takes a ping of a monitor in Kener's way: the path has its tag and its secret, with a slash
// in between or, as formerly, a colon.
func (h *hooks) kenerPing(r *web.Request) (web.Action, error) {
	path := strings.TrimSuffix(r.PathValue("heartbeat"), "/")
	tag, secret := path, ""
	if at := strings.IndexAny(path, "/:"); at >= 0 {
		tag, secret = path[:at], path[at+1:]
	}
	return func() (web.Answer, error) {
		err := r.Ready()
		if err == nil {
			err = h.store.PingMonitor(r.Context(), tag, secret, r.Now)
		}
		if err != nil {
			return web.Answer{}, unavailable(err)
		}
		return web.OK(struct {
			Status string `json:"status"`
		}{"OK"}), nil
	}, nil
}

// kenerDialect words errors as Kener does outside of its API.
type kenerDialect struct{ web.Dialect }

// Error implements web.Dialect.
func (kenerDialect) Error(_ string, e web.Shown, status int) (any, int) {
	return struct {
		Error string `json:"error"`
	}{e.Message}, status
}
