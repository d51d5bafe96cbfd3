package apiv4

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"tocsin/internal/opt"
	"tocsin/internal/statuspage"
	"tocsin/internal/web"
)

// IntegrationStore keeps integrations. That of CloudWatch is there from the start.
type IntegrationStore interface {
	// Integration returns the integration, or IntegrationNotFound.
	Integration(ctx context.Context, id int64) (statuspage.Integration, error)

	// Integrations lists the integrations by rising id.
	Integrations(ctx context.Context, q statuspage.IntegrationQuery, take func(statuspage.Integration) bool) (after int64, err error)

	// CreateIntegration makes the integration with a token that the caller has drawn. It returns
	// the error of CheckIntegrationOptions or ErrTooManyIntegrations, in this order.
	CreateIntegration(ctx context.Context, n statuspage.NewIntegration, token string, now int64, once *statuspage.Once[statuspage.Integration]) (statuspage.Integration, error)

	// UpdateIntegration applies the patch. It returns IntegrationNotFound, the error of
	// CheckIntegrationOptions, or ErrIntegrationChanged when the integration is not as expected,
	// in this order.
	UpdateIntegration(ctx context.Context, id int64, p statuspage.IntegrationPatch, now int64, expected statuspage.IntegrationPrecondition) (statuspage.Integration, error)

	// RotateIntegrationToken gives the integration another token, see statuspage.Integration.Rotated.
	// It returns IntegrationNotFound or ErrNoTokenToRotate.
	RotateIntegrationToken(ctx context.Context, id int64, token string, now int64, once *statuspage.Once[statuspage.Integration]) (statuspage.Integration, error)

	// DeleteIntegration removes the integration with its tokens. Its open alerts end later, see
	// Cleanup. It returns ErrCloudWatchStays, IntegrationNotFound, or ErrIntegrationChanged when the
	// integration is not as expected.
	DeleteIntegration(ctx context.Context, id int64, now int64, expected statuspage.IntegrationPrecondition) error

	// Deliveries returns the newest MaxDeliveries of the integration, the newest first, or
	// IntegrationNotFound.
	Deliveries(ctx context.Context, id, now int64) ([]statuspage.Delivery, error)
}

type integrations struct{ store IntegrationStore }

// Integrations returns the routes of integrations, but for those that signals are given to, see
// Signals.
func Integrations(store IntegrationStore) []web.Route {
	h := integrations{store}
	return []web.Route{
		{Group: web.Settings, Path: "/api/v4/integrations", Methods: []web.Method{
			web.GET(statuspage.ScopeIntegrationsRead, h.list()),
			web.POST(statuspage.ScopeIntegrationsWrite, web.Creates(h.create)),
		}},
		{Group: web.Settings, Path: "/api/v4/integrations/{integration_id}", Methods: []web.Method{
			web.GET(statuspage.ScopeIntegrationsRead, web.Acts(integrationID, h.get, showIntegration)),
			web.PATCH(statuspage.ScopeIntegrationsWrite, web.Acts(readIntegrationPatch, h.update, showIntegration)),
			web.DELETE(statuspage.ScopeIntegrationsWrite, web.Deletes(integrationID, h.remove, "Integration with id '%d' deleted successfully")),
		}},
		{Group: web.Settings, Path: "/api/v4/integrations/{integration_id}/rotate", Methods: []web.Method{
			web.POST(statuspage.ScopeIntegrationsWrite, web.Creates(h.rotate)),
		}},
		{Group: web.Settings, Path: "/api/v4/integrations/{integration_id}/deliveries", Methods: []web.Method{
			web.GET(statuspage.ScopeIntegrationsRead, web.Acts(integrationID, h.deliveries, showDeliveries)),
		}},
	}
}

var (
	errIntegrationID      = bad("Integration ID must be a valid integer")
	errIntegrationKind    = bad("kind must be one of: %s", kindNames())
	errIntegrationOptions = bad("options must be an object")

	integrationID = web.Existing("integration_id", errIntegrationID, statuspage.IntegrationNotFound[string])
)

func kindNames() string {
	var names []string
	for _, k := range statuspage.IntegrationKinds() {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}

const integrationCursor = "in"

func (h integrations) list() web.Handler {
	return web.List[statuspage.IntegrationQuery, statuspage.Integration, int64]{
		Name: "integrations",
		Query: func(r *web.Request) (q statuspage.IntegrationQuery, limit int, err error) {
			q.Limit, q.After, err = r.Query().Page(integrationCursor)
			return q, q.Limit, err
		},
		Read:   h.store.Integrations,
		Show:   func(r *web.Request, i statuspage.Integration) any { return toIntegrationJSON(i, r.Now) },
		Cursor: web.IDCursor(integrationCursor),
	}.Handler()
}

func (h integrations) get(r *web.Request, id int64) (statuspage.Integration, error) {
	return h.store.Integration(r.Context(), id)
}

// create makes an integration. Its token is in the answer alone: an answer that is kept to be
// given again has null in its place.
func (h integrations) create(r *web.Request) (web.Creation[statuspage.Integration], error) {
	f, err := web.DecodeBody(r.Content)
	if err != nil {
		return web.Creation[statuspage.Integration]{}, err
	}
	n, err := newIntegration(f)
	if err != nil {
		return web.Creation[statuspage.Integration]{}, err
	}
	return givesToken(r, http.StatusCreated, func(ctx context.Context, token string, once *statuspage.Once[statuspage.Integration]) (statuspage.Integration, error) {
		return h.store.CreateIntegration(ctx, n, token, r.Now, once)
	}), nil
}

func (h integrations) rotate(r *web.Request) (web.Creation[statuspage.Integration], error) {
	id, err := integrationID(r)
	return givesToken(r, http.StatusOK, func(ctx context.Context, token string, once *statuspage.Once[statuspage.Integration]) (statuspage.Integration, error) {
		return h.store.RotateIntegrationToken(ctx, id, token, r.Now, once)
	}), err
}

// givesToken is a request whose answer, with the status, has a new token.
func givesToken(r *web.Request, status int,
	give func(ctx context.Context, token string, once *statuspage.Once[statuspage.Integration]) (statuspage.Integration, error),
) web.Creation[statuspage.Integration] {
	token := statuspage.NewIntegrationToken()
	shown := func(i statuspage.Integration, token *string) web.Answer {
		given := givenIntegrationJSON{integrationJSON: toIntegrationJSON(i, r.Now), Token: token}
		if token != nil {
			given.URL = new(IntegrationURL(r.Site(), i.Kind, *token))
		}
		a := web.One(status, "integration", given)
		a.ETag = given.etag()
		return a
	}
	return web.Creation[statuspage.Integration]{
		Create: func(ctx context.Context, once *statuspage.Once[statuspage.Integration]) (statuspage.Integration, error) {
			return give(ctx, token, once)
		},
		Answer: func(i statuspage.Integration) web.Answer { return shown(i, &token) },
		Replay: func(i statuspage.Integration) web.Answer { return shown(i, nil) },
	}
}

// IntegrationURL is where a tool that can be given nothing but an address sends its alarms to, and
// a job its pings; site is the origin.
func IntegrationURL(site string, kind statuspage.IntegrationKind, token string) string {
	if kind == statuspage.KindHeartbeat {
		return site + "/ping/" + token
	}
	return site + "/hooks/" + token
}

func newIntegration(f web.Fields) (n statuspage.NewIntegration, err error) {
	if n.Name, err = f.Trimmed("name", statuspage.MaxIntegrationName, errNameRequired, errNameLong); err != nil {
		return n, err
	}
	if n.Kind, err = integrationKind(f); err != nil {
		return n, err
	}
	options, err := integrationOptions(f)
	if err != nil {
		return n, err
	}
	active, err := f.Boolean("is_active")
	if err != nil {
		return n, err
	}
	n.Options, n.Active = options.Or(""), active.Or(true)
	_, err = n.Made(0, "", 0)
	return n, err
}

func integrationKind(f web.Fields) (statuspage.IntegrationKind, error) {
	text, _ := f.Text("kind")
	kind := statuspage.IntegrationKind(text)
	if !slices.Contains(statuspage.IntegrationKinds(), kind) {
		return "", errIntegrationKind
	}
	return kind, nil
}

func integrationOptions(f web.Fields) (opt.Field[statuspage.JSONObject], error) {
	options, err := f.Object("options")
	if err == nil && options.IsNull() {
		err = errIntegrationOptions
	}
	return options, err
}

// integrationPatch is what a PATCH changes, and of which integration.
type integrationPatch struct {
	id int64
	statuspage.IntegrationPatch
}

func readIntegrationPatch(r *web.Request) (p integrationPatch, err error) {
	id, err := web.ParseID(r.PathValue("integration_id"), errIntegrationID)
	if err != nil {
		return p, err
	}
	f, err := web.DecodeBody(r.Content)
	if err != nil {
		return p, err
	}
	if p.IntegrationPatch, err = patchOfIntegration(f); err != nil {
		return p, err
	}
	if !id.Exists() {
		return p, statuspage.IntegrationNotFound(id.Text)
	}
	p.id = id.N
	return p, nil
}

func patchOfIntegration(f web.Fields) (p statuspage.IntegrationPatch, err error) {
	if f.Kind("name") != web.KindAbsent {
		name, err := f.Trimmed("name", statuspage.MaxIntegrationName, errNameEmpty, errNameLong)
		if err != nil {
			return p, err
		}
		p.Name = opt.Value(name)
	}
	if f.Kind("kind") != web.KindAbsent {
		if p.Kind, err = integrationKind(f); err != nil {
			return p, err
		}
	}
	if p.Options, err = integrationOptions(f); err != nil {
		return p, err
	}
	p.Active, err = f.Boolean("is_active")
	return p, err
}

func (h integrations) update(r *web.Request, p integrationPatch) (statuspage.Integration, error) {
	return h.store.UpdateIntegration(r.Context(), p.id, p.IntegrationPatch, r.Now, expectedIntegration(r))
}

func (h integrations) remove(r *web.Request, id int64) error {
	return h.store.DeleteIntegration(r.Context(), id, r.Now, expectedIntegration(r))
}

func expectedIntegration(r *web.Request) statuspage.IntegrationPrecondition {
	return ifMatch(r, func(i statuspage.Integration) string { return toIntegrationJSON(i, r.Now).etag() })
}

func (h integrations) deliveries(r *web.Request, id int64) ([]statuspage.Delivery, error) {
	return h.store.Deliveries(r.Context(), id, r.Now)
}

// integrationJSON is an integration (docs/api.md, Integrations).
type integrationJSON struct {
	ID          int64           `json:"id"`
	Name        string          `json:"name"`
	Kind        string          `json:"kind"`
	Active      bool            `json:"is_active"`
	Options     json.RawMessage `json:"options"`
	Topics      []string        `json:"pinned_topics"`
	Former      *string         `json:"previous_token_valid_until"`
	LastSeen    *string         `json:"last_seen_at"`
	LastError   *string         `json:"last_error"`
	LastErrorAt *string         `json:"last_error_at"`
	Created     string          `json:"created_at"`
	Updated     string          `json:"updated_at"`
}

// givenIntegrationJSON is an integration with its new token, which a replay of the answer has not.
type givenIntegrationJSON struct {
	integrationJSON
	Token *string `json:"token"`
	URL   *string `json:"url"`
}

// toIntegrationJSON shows the integration as it is at now (UTC seconds).
func toIntegrationJSON(i statuspage.Integration, now int64) integrationJSON {
	return integrationJSON{
		ID: i.ID, Name: i.Name, Kind: string(i.Kind), Active: i.Active, Options: json.RawMessage(cmp.Or(string(i.Options), "{}")),
		Topics: append([]string{}, i.Topics...), Former: web.ISOTimeOrNull(i.Former(now)),
		LastSeen: web.ISOTimeOrNull(i.LastSeen), LastError: i.LastError, LastErrorAt: web.ISOTimeOrNull(i.LastErrorAt),
		Created: web.ISOTime(i.Created), Updated: web.ISOTime(i.Updated),
	}
}

// etag is the entity tag of the integration as one is shown, but for what changes by itself.
func (i integrationJSON) etag() string {
	i.Former, i.LastSeen, i.LastError, i.LastErrorAt = nil, nil, nil, nil
	return entityTag(i)
}

func showIntegration(r *web.Request, i statuspage.Integration) web.Answer {
	shown := toIntegrationJSON(i, r.Now)
	a := web.One(http.StatusOK, "integration", shown)
	a.ETag = shown.etag()
	return a
}

// deliveryJSON is a delivery (docs/api.md, Integrations).
type deliveryJSON struct {
	At       string  `json:"received_at"`
	Status   int     `json:"status"`
	Received int     `json:"received"`
	Opened   int     `json:"opened"`
	Resolved int     `json:"resolved"`
	Ignored  int     `json:"ignored"`
	Reason   *string `json:"reason"`
	Body     string  `json:"body"`
	Cut      bool    `json:"body_cut"`
}

func showDeliveries(_ *web.Request, all []statuspage.Delivery) web.Answer {
	shown := make([]deliveryJSON, len(all))
	for n, d := range all {
		shown[n] = deliveryJSON{
			At: web.ISOMilliseconds(d.Time), Status: d.Outcome.Status,
			Received: d.Outcome.Received, Opened: d.Outcome.Opened, Resolved: d.Outcome.Resolved, Ignored: d.Outcome.Ignored,
			Body: d.Body, Cut: d.Cut,
		}
		if d.Reason != "" {
			shown[n].Reason = &d.Reason
		}
	}
	return web.One(http.StatusOK, "deliveries", shown)
}
