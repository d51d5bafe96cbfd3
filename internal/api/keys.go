package api

import (
	"fmt"
	"slices"
	"strings"

	"tocsin/internal/statuspage"
)

const keyCursor = "k"

// listKeys is GET /api/v4/keys.
func listKeys(s *service, r *request) (answer, error) {
	params := queryOf(r)
	var q statuspage.KeyQuery
	var err error
	if q.Limit, err = params.limit(); err != nil {
		return answer{}, err
	}
	if q.After, err = params.idCursor(keyCursor); err != nil {
		return answer{}, err
	}
	p := page{name: "keys", limit: q.Limit}
	next, err := s.store(r).APIKeys(r.Context(), q, func(k statuspage.APIKey) bool { return p.add(toKeyJSON(k)) })
	if err != nil {
		return answer{}, err
	}
	return p.answer(encodeIDCursor(keyCursor, next)), nil
}

// createKey is POST /api/v4/keys. The key itself is in its answer alone: an answer
// that is kept to be given again has null in its place.
func createKey(s *service, r *request) (creation[statuspage.APIKey], error) {
	f, err := decodeBody(r.body)
	if err != nil {
		return creation[statuspage.APIKey]{}, err
	}
	var n statuspage.NewAPIKey
	if n.Name, err = f.trimmed("name", statuspage.MaxKeyName, errNameRequired, errNameLong); err != nil {
		return creation[statuspage.APIKey]{}, err
	}
	if n.Scopes, err = f.scopes(); err != nil {
		return creation[statuspage.APIKey]{}, err
	}
	if n.Expires, err = f.expiry(); err != nil {
		return creation[statuspage.APIKey]{}, err
	}
	secret := statuspage.NewSecret()
	return creation[statuspage.APIKey]{
		create: func(once *statuspage.Once[statuspage.APIKey]) (statuspage.APIKey, error) {
			// Asked only here, so that a request which was in order when it was first
			// sent gets its answer again even when the key has expired since.
			if n.Expires != nil && *n.Expires <= r.now {
				return statuspage.APIKey{}, errExpiryPast
			}
			return s.store(r).CreateAPIKey(r.Context(), secret, n, r.now, once)
		},
		answer: func(k statuspage.APIKey) answer { return created(newKeyEnvelope{newKeyJSON{toKeyJSON(k), &secret}}) },
		replay: func(k statuspage.APIKey) answer { return created(newKeyEnvelope{newKeyJSON{toKeyJSON(k), nil}}) },
	}, nil
}

// scopes returns the scopes of a new key, each once and in the usual order.
func (f fields) scopes() ([]statuspage.Scope, error) {
	elements, err := f.array("scopes", errScopes)
	if err != nil {
		return nil, err
	}
	if len(elements) == 0 {
		return nil, errScopes
	}
	var asked []statuspage.Scope
	for _, raw := range elements {
		scope := statuspage.Scope(raw) // what is no string is shown as it was sent
		if kindOf(raw) == kindString {
			scope = statuspage.Scope(decodeString(raw))
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
func (f fields) expiry() (*int64, error) {
	const name = "expires_at"
	switch f.kind(name) {
	case kindAbsent, kindNull:
		return nil, nil
	}
	t, err := f.seconds(name)
	return &t, err
}

// revokeKey is DELETE /api/v4/keys/{key_id}. This function stops taking the key at
// once, the others when they have forgotten it.
func revokeKey(s *service, r *request) (answer, error) {
	id, err := parseID(r.PathValue("key_id"), errKeyID)
	if err != nil {
		return answer{}, err
	}
	if !id.exists() {
		return answer{}, statuspage.KeyNotFound(id.text)
	}
	k, err := s.store(r).RevokeAPIKey(r.Context(), id.n, r.now)
	if err != nil {
		return answer{}, err
	}
	s.keys.forget(k.Hash)
	return ok(messageJSON{fmt.Sprintf("API key with id '%d' revoked successfully", k.ID)}), nil
}
