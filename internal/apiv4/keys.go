package apiv4

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"tocsin/internal/statuspage"
	"tocsin/internal/web"
)

// KeyStore keeps API keys.
type KeyStore interface {
	// APIKeys lists the keys, revoked and expired ones too, id falling.
	APIKeys(ctx context.Context, q statuspage.KeyQuery, take func(statuspage.APIKey) bool) (after int64, err error)

	// CreateAPIKey makes the record of a key that the caller has drawn; secret must
	// be a ValidSecret.
	CreateAPIKey(ctx context.Context, secret string, n statuspage.NewAPIKey, now int64, once *statuspage.Once[statuspage.APIKey]) (statuspage.APIKey, error)

	// RevokeAPIKey ends the key, or returns KeyNotFound. A key that is revoked
	// already keeps the time it was revoked at. The key is found by an index, which
	// follows its making within moments.
	RevokeAPIKey(ctx context.Context, id int64, now int64) (statuspage.APIKey, error)
}

type keys struct{ store KeyStore }

// Keys returns the routes of API keys.
func Keys(store KeyStore) []web.Route {
	h := keys{store}
	id := web.Existing("key_id", errKeyID, statuspage.KeyNotFound[string])
	return []web.Route{
		{Group: web.Edge, Path: "/api/v4/keys", Methods: []web.Method{
			web.GET(statuspage.ScopeAdmin, h.list()),
			web.POST(statuspage.ScopeAdmin, web.Creates(h.create)),
		}},
		{Group: web.Edge, Path: "/api/v4/keys/{key_id}", Methods: []web.Method{
			web.DELETE(statuspage.ScopeAdmin, web.Deletes(id, h.revoke, "API key with id '%d' revoked successfully")),
		}},
	}
}

var (
	errKeyID      = bad("Key ID must be a valid integer")
	errScopes     = bad("scopes must be a non-empty array")
	errExpiryPast = bad("expires_at must be in the future")
)

const keyCursor = "k"

func (h keys) list() web.Handler {
	return web.List[statuspage.KeyQuery, statuspage.APIKey, int64]{
		Name: "keys",
		Query: func(r *web.Request) (q statuspage.KeyQuery, limit int, err error) {
			q.Limit, q.After, err = r.Query().Page(keyCursor)
			return q, q.Limit, err
		},
		Read:   h.store.APIKeys,
		Show:   func(_ *web.Request, k statuspage.APIKey) any { return toKeyJSON(k) },
		Cursor: web.IDCursor(keyCursor),
	}.Handler()
}

// create makes a key. The key itself is in the answer alone: an answer that is kept to be
// given again has null in its place.
func (h keys) create(r *web.Request) (web.Creation[statuspage.APIKey], error) {
	var c web.Creation[statuspage.APIKey]
	f, err := web.DecodeBody(r.Content)
	if err != nil {
		return c, err
	}
	var n statuspage.NewAPIKey
	if n.Name, err = f.Trimmed("name", statuspage.MaxKeyName, errNameRequired, errNameLong); err != nil {
		return c, err
	}
	if n.Scopes, err = scopes(f); err != nil {
		return c, err
	}
	if n.Expires, err = expiry(f); err != nil {
		return c, err
	}
	if n.Expires != nil && *n.Expires <= r.Now {
		c.Refused = errExpiryPast // the key may have been made before it expired
	}
	secret := statuspage.NewSecret()
	c.Create = func(ctx context.Context, once *statuspage.Once[statuspage.APIKey]) (statuspage.APIKey, error) {
		return h.store.CreateAPIKey(ctx, secret, n, r.Now, once)
	}
	c.Answer = func(k statuspage.APIKey) web.Answer { return newKeyAnswer(k, &secret) }
	c.Replay = func(k statuspage.APIKey) web.Answer { return newKeyAnswer(k, nil) }
	return c, nil
}

// scopes returns the scopes of a new key, each once and in the usual order.
func scopes(f web.Fields) ([]statuspage.Scope, error) {
	elements, err := f.Array("scopes", errScopes)
	if err != nil {
		return nil, err
	}
	if len(elements) == 0 {
		return nil, errScopes
	}
	var asked []statuspage.Scope
	for _, raw := range elements {
		scope := statuspage.Scope(raw) // what is no string is shown as it was sent
		if web.KindOf(raw) == web.KindString {
			scope = statuspage.Scope(web.DecodeString(raw))
		}
		if !statuspage.ValidScope(scope) {
			return nil, errScope(scope)
		}
		asked = append(asked, scope)
	}
	return slices.DeleteFunc(statuspage.Scopes(), func(s statuspage.Scope) bool { return !slices.Contains(asked, s) }), nil
}

func errScope(s statuspage.Scope) error {
	var names []string
	for _, known := range statuspage.Scopes() {
		names = append(names, string(known))
	}
	return bad("Invalid scope '%s'. Must be one of: %s", s, strings.Join(names, ", "))
}

// expiry returns when a new key ends, to the second; nil: never.
func expiry(f web.Fields) (*int64, error) {
	const name = "expires_at"
	switch f.Kind(name) {
	case web.KindAbsent, web.KindNull:
		return nil, nil
	}
	t, err := f.Seconds(name)
	return &t, err
}

// revoke ends a key. This function stops taking it at once, the others when they have
// forgotten it.
func (h keys) revoke(r *web.Request, id int64) error {
	k, err := h.store.RevokeAPIKey(r.Context(), id, r.Now)
	if err == nil {
		r.ForgetKey(k.Hash)
	}
	return err
}

// keyJSON is an API key. Only the answer to its making has the key itself, and a
// replay of that answer null in its place.
type keyJSON struct {
	ID       int64    `json:"id"`
	Name     string   `json:"name"`
	Scopes   []string `json:"scopes"`
	Created  string   `json:"created_at"`
	Expires  *int64   `json:"expires_at"`
	LastUsed *string  `json:"last_used_at"`
	Revoked  *string  `json:"revoked_at"`
}

type newKeyJSON struct {
	keyJSON
	Key *string `json:"key"`
}

func toKeyJSON(k statuspage.APIKey) keyJSON {
	scopes := make([]string, len(k.Scopes))
	for i, s := range k.Scopes {
		scopes[i] = string(s)
	}
	return keyJSON{
		ID: k.ID, Name: k.Name, Scopes: scopes, Created: web.ISOTime(k.Created), Expires: k.Expires,
		LastUsed: web.ISOTimeOrNull(k.LastUsed), Revoked: web.ISOTimeOrNull(k.Revoked),
	}
}

func newKeyAnswer(k statuspage.APIKey, secret *string) web.Answer {
	return web.One(http.StatusCreated, "api_key", newKeyJSON{toKeyJSON(k), secret})
}
