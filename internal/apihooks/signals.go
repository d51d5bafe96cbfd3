package apihooks

import (
	"context"
	"net/http"
	"net/url"

	"tocsin/internal/delivery"
	"tocsin/internal/inbound"
	"tocsin/internal/statuspage"
	"tocsin/internal/web"
)

// PreviewStore is what the routes need of a repository that a client with an API key calls.
type PreviewStore interface {
	// Integration returns the integration, or statuspage.IntegrationNotFound.
	Integration(ctx context.Context, id int64) (statuspage.Integration, error)

	// PreviewSignals returns what TakeSignals would do with the signals at now (UTC seconds), and
	// writes nothing.
	PreviewSignals(ctx context.Context, i statuspage.Integration, signals []statuspage.Signal, now int64) ([]statuspage.SignalPlan, error)
}

// withKey are the routes for clients with an API key, those of apiv4.Signals.
func (h *hooks) withKey() []web.Route {
	return []web.Route{
		{Group: web.Inbound, Path: "/api/v4/integrations/{integration_id}/signals", Methods: []web.Method{web.POST(statuspage.ScopeIncidentsWrite, web.Creates(h.signals))}},
		{Group: web.Inbound, Path: "/api/v4/integrations/{integration_id}/test", Methods: []web.Method{web.POST(statuspage.ScopeIntegrationsRead, web.Creates(h.try))}},
	}
}

var errIntegrationID = statuspage.Invalid("Integration ID must be a valid integer")

// signals takes signals in the format of our own, whatever the integration's kind.
func (h *hooks) signals(r *web.Request) (web.Creation[statuspage.Taken], error) {
	c := web.Creation[statuspage.Taken]{
		Repeatable: true, // what was taken already changes nothing
		Answer:     func(t statuspage.Taken) web.Answer { return web.OK(counts(t)) },
	}
	id, err := web.ParseID(r.PathValue("integration_id"), errIntegrationID)
	if err != nil {
		return c, err
	}
	signals, err := inbound.Signals(statuspage.KindGeneric, message(r), statuspage.DefaultIntegrationOptions())
	if err != nil {
		return c, err
	}
	if !id.Exists() {
		return c, statuspage.IntegrationNotFound(id.Text)
	}
	c.Create = func(ctx context.Context, _ *statuspage.Once[statuspage.Taken]) (statuspage.Taken, error) {
		i, err := h.store.Integration(ctx, id.N)
		if err != nil {
			return statuspage.Taken{}, err
		}
		if i.Kind == statuspage.KindHeartbeat {
			return statuspage.Taken{}, errHeartbeat
		}
		return h.receiver.Receive(ctx, delivery.Delivery{
			Integration: i, Time: r.Milli, Body: string(r.Content),
			Read:   func(context.Context) (delivery.Content, error) { return delivery.Content{Signals: signals}, nil },
			Status: web.StatusOf,
		})
	}
	return c, nil
}

// try says what a body in the format of the integration's kind would do.
func (h *hooks) try(r *web.Request) (web.Creation[[]statuspage.SignalPlan], error) {
	c := web.Creation[[]statuspage.SignalPlan]{Repeatable: true, Answer: showPlans}
	id, err := web.ParseID(r.PathValue("integration_id"), errIntegrationID)
	if err != nil {
		return c, err
	}
	m, err := tried(r)
	if err != nil {
		return c, err
	}
	if !id.Exists() {
		return c, statuspage.IntegrationNotFound(id.Text)
	}
	c.Create = func(ctx context.Context, _ *statuspage.Once[[]statuspage.SignalPlan]) ([]statuspage.SignalPlan, error) {
		i, err := h.store.Integration(ctx, id.N)
		if err != nil {
			return nil, err
		}
		signals, err := inbound.Signals(i.Kind, inbound.InsideSNS(m), i.Settings())
		if err != nil {
			return nil, err
		}
		plans, err := h.store.PreviewSignals(ctx, i, signals, r.Now)
		for n := range plans {
			if !i.Active {
				plans[n].Does, plans[n].Reason = statuspage.SignalDoesNothing, "The integration is not active"
			}
		}
		return plans, err
	}
	return c, nil
}

var (
	errTriedBody   = statuspage.Invalid("body is required: what the tool sends, as JSON or as a string")
	errTriedFields = statuspage.Invalid("headers and query must be objects of strings")
)

// tried is the message that a request describes: its body, a text as it is and anything else as
// JSON, and perhaps its headers and its query.
func tried(r *web.Request) (m inbound.Message, err error) {
	f, err := web.DecodeBody(r.Content)
	if err != nil {
		return m, err
	}
	switch text, is := f.Text("body"); {
	case f.Kind("body") == web.KindAbsent:
		return m, errTriedBody
	case is:
		m.Body = []byte(text)
	default:
		if m.Body, err = f.JSON("body"); err != nil {
			return m, err
		}
	}
	m.Header, m.Query = http.Header{}, url.Values{}
	for _, part := range []struct {
		name string
		set  func(name, value string)
	}{{"headers", m.Header.Set}, {"query", m.Query.Set}} {
		if k := f.Kind(part.name); k == web.KindAbsent || k == web.KindNull {
			continue
		}
		fields, err := web.DecodeObject(f[part.name])
		if err != nil {
			return m, errTriedFields
		}
		for name := range fields {
			text, is := fields.Text(name)
			if !is {
				return m, errTriedFields
			}
			part.set(name, text)
		}
	}
	return m, nil
}

// planJSON is what a signal would do (docs/api.md, Integrations).
type planJSON struct {
	Signal   signalJSON `json:"signal"`
	Monitors []string   `json:"monitors"`
	Unknown  []string   `json:"unknown_monitors"`
	Impact   *string    `json:"impact"`
	Does     string     `json:"does"`
	Reason   *string    `json:"reason"`
}

type signalJSON struct {
	Key      string            `json:"dedup_key"`
	Action   string            `json:"action"`
	At       *string           `json:"at"`
	Started  *string           `json:"started_at"`
	Ended    *string           `json:"ended_at"`
	Episode  *string           `json:"episode"`
	Title    *string           `json:"title"`
	Message  *string           `json:"message"`
	Link     *string           `json:"link"`
	Severity *string           `json:"severity"`
	Monitors []string          `json:"monitors"`
	Impact   *string           `json:"impact"`
	Labels   map[string]string `json:"labels"`
	Unclear  *string           `json:"unclear"`
}

func showPlans(plans []statuspage.SignalPlan) web.Answer {
	shown := make([]planJSON, len(plans))
	for n, p := range plans {
		s := p.Signal
		shown[n] = planJSON{
			Signal: signalJSON{
				Key: s.Key, Action: string(s.Action), At: milliseconds(s.At), Started: milliseconds(s.Started), Ended: milliseconds(s.Ended), Episode: orNull(s.Episode),
				Title: orNull(s.Title), Message: orNull(s.Message), Link: orNull(s.Link), Severity: orNull(s.Severity),
				Monitors: append([]string{}, s.Monitors...), Impact: orNull(string(s.Impact)), Labels: s.Labels, Unclear: orNull(s.Unclear),
			},
			Monitors: append([]string{}, p.Monitors...), Unknown: append([]string{}, p.Unknown...), Impact: orNull(string(p.Impact)), Does: string(p.Does), Reason: orNull(p.Reason),
		}
		if s.Labels == nil {
			shown[n].Signal.Labels = map[string]string{}
		}
	}
	return web.One(http.StatusOK, "signals", shown)
}

func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// milliseconds is a time, nil for 0.
func milliseconds(t int64) *string {
	if t == 0 {
		return nil
	}
	return new(web.ISOMilliseconds(t))
}
