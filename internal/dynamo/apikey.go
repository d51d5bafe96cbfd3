package dynamo

import (
	"context"
	"errors"
	"slices"

	"tocsin/internal/ddb"
	"tocsin/internal/statuspage"
)

const (
	apiKeyPrefix = "APIKEY#"
	allAPIKeys   = "APIKEYS" // partition of gsi1
)

func apiKeyKey(hash string) ddb.Key { return ddb.Key{PK: apiKeyPrefix + hash, SK: meta} }

// Attributes of an API key.
const (
	attrScopes   = "scopes"
	attrExpires  = "expires_at" // not ddb.AttrTTL: an expired key is kept
	attrRevoked  = "revoked"
	attrLastUsed = "last_used"
	attrHash     = "hash"

	// attrScopesVersion is absent from a key that a program made before a rule that opens
	// incidents asked for incidents:write.
	attrScopesVersion = "scopes_version"
	scopesVersion     = 2
)

func apiKeyItem(k statuspage.APIKey) ddb.Item {
	it := apiKeyKey(k.Hash).Item()
	it[ddb.AttrGSI1PK] = ddb.Str(allAPIKeys)
	it[ddb.AttrGSI1SK] = ddb.Str(padID(k.ID))
	it[ddb.AttrID] = ddb.Num(k.ID)
	it[attrHash] = ddb.Str(k.Hash)
	it[attrName] = ddb.Str(k.Name)
	if len(k.Scopes) > 0 {
		it[attrScopes] = ddb.Set(k.Scopes)
	}
	if !k.Early {
		it[attrScopesVersion] = ddb.Num(scopesVersion)
	}
	it[attrCreated] = ddb.Num(k.Created)
	ddb.PutNum(it, attrExpires, k.Expires)
	ddb.PutNum(it, attrRevoked, k.Revoked)
	ddb.PutNum(it, attrLastUsed, k.LastUsed)
	return it
}

func readAPIKey(it ddb.Item) (statuspage.APIKey, error) {
	r := ddb.Reader{Item: it}
	k := statuspage.APIKey{
		ID:       r.Num(ddb.AttrID),
		Hash:     r.Str(attrHash),
		Name:     r.Str(attrName),
		Created:  r.Num(attrCreated),
		Expires:  r.OptNum(attrExpires),
		Revoked:  r.OptNum(attrRevoked),
		LastUsed: r.OptNum(attrLastUsed),
		Early:    !r.Has(attrScopesVersion),
	}
	// A set has no order: show the scopes in ours.
	names := r.Set(attrScopes)
	for _, s := range statuspage.Scopes() {
		if slices.Contains(names, string(s)) {
			k.Scopes = append(k.Scopes, s)
		}
	}
	return k, r.Err
}

func keyChange(k statuspage.APIKey, what statuspage.ChangeKind, fields []string) statuspage.Change {
	return statuspage.Change{Record: statuspage.RecordAPIKey, ID: k.ID, What: what, Fields: fields}
}

// APIKeyByHash implements web.Store.
func (s *Store) APIKeyByHash(ctx context.Context, hash string) (statuspage.APIKey, error) {
	return find(ctx, s, apiKeyKey(hash), readAPIKey, func() error { return statuspage.ErrKeyNotFound })
}

// CreateAPIKey implements apiv4.KeyStore.
func (s *Store) CreateAPIKey(ctx context.Context, secret string, n statuspage.NewAPIKey, now int64, once *statuspage.Once[statuspage.APIKey]) (statuspage.APIKey, error) {
	if !statuspage.ValidSecret(secret) {
		return statuspage.APIKey{}, errors.New("an API key is kener_ and 64 lower-case hexadecimal digits")
	}
	id, err := s.nextID(ctx, apiKeyIDs)
	if err != nil {
		return statuspage.APIKey{}, err
	}
	k := n.Made(id, secret, now)
	refused, err := s.transact(ctx, completion(s, once, k), s.table.PutNew(apiKeyItem(k)), s.changeRow(ctx, keyChange(k, statuspage.Created, nil), now))
	if err != nil {
		return statuspage.APIKey{}, err
	}
	if refused != nil {
		return statuspage.APIKey{}, errKeyExists
	}
	return k, nil
}

var errKeyExists = errors.New("this API key exists already")

// EnsureAPIKey makes the key exist, active and with exactly these scopes and this
// expiry, whether it was there before, revoked or not.
func (s *Store) EnsureAPIKey(ctx context.Context, secret string, n statuspage.NewAPIKey, now int64) (statuspage.APIKey, error) {
	k, err := s.changeAPIKey(ctx, statuspage.HashSecret(secret), now, func(k statuspage.APIKey) statuspage.APIKey {
		k.Revoked, k.Scopes, k.Early, k.Expires = nil, n.Scopes, false, n.Expires
		return k
	})
	if !errors.Is(err, statuspage.ErrKeyNotFound) {
		return k, err
	}
	k, err = s.CreateAPIKey(ctx, secret, n, now, nil)
	if errors.Is(err, errKeyExists) { // somebody else made it since
		return s.EnsureAPIKey(ctx, secret, n, now)
	}
	return k, err
}

// changeAPIKey stores what change makes of the key, unless that changes nothing. It returns
// ErrKeyNotFound.
func (s *Store) changeAPIKey(ctx context.Context, hash string, now int64, change func(statuspage.APIKey) statuspage.APIKey) (next statuspage.APIKey, err error) {
	err = ddb.Retry(ctx, func() (done bool, err error) {
		it, err := s.table.Get(ctx, apiKeyKey(hash))
		if err == nil && it == nil {
			err = statuspage.ErrKeyNotFound
		}
		if err != nil {
			return false, err
		}
		old, err := readAPIKey(it)
		if err != nil {
			return false, err
		}
		next = change(old)
		was, is := apiKeyItem(old), apiKeyItem(next)
		fields := ddb.Differences(was, is)
		if fields == nil {
			return true, nil
		}
		e := ddb.NewExpr().IfExists()
		for _, name := range fields {
			// The value is the table's: its scopes can have one that this program does not
			// know.
			if it[name] == nil {
				e.IfHas(name, false)
			} else {
				e.IfEqual(name, it[name])
			}
			e.SetOrRemove(name, is[name])
		}
		refused, err := s.table.Transact(ctx, s.table.Update(apiKeyKey(hash), e), s.changeRow(ctx, keyChange(next, statuspage.Updated, changedFields(statuspage.RecordAPIKey, was, is)), now))
		return refused == nil, err
	})
	return next, err
}

// APIKeys implements apiv4.KeyStore.
func (s *Store) APIKeys(ctx context.Context, q statuspage.KeyQuery, take func(statuspage.APIKey) bool) (int64, error) {
	in := ddb.Query{Index: ddb.GSI1, PK: allAPIKeys, Low: padID(0), High: beforeID(q.After), Newest: true, Limit: q.Limit + 1}
	return ddb.List(ctx, s.table, ddb.Listing[statuspage.APIKey, int64]{
		Query: in, Read: ddb.Each(readAPIKey), Take: take, After: q.After, Position: func(k statuspage.APIKey) int64 { return k.ID },
	})
}

// RevokeAPIKey implements apiv4.KeyStore.
func (s *Store) RevokeAPIKey(ctx context.Context, id int64, now int64) (statuspage.APIKey, error) {
	if !statuspage.ValidID(id) {
		return statuspage.APIKey{}, statuspage.KeyNotFound(id)
	}
	items, _, err := s.table.Page(ctx, ddb.Query{Index: ddb.GSI1, PK: allAPIKeys, Low: padID(id), High: padID(id)}, nil)
	if err != nil {
		return statuspage.APIKey{}, err
	}
	if len(items) == 0 {
		return statuspage.APIKey{}, statuspage.KeyNotFound(id)
	}
	indexed, err := readAPIKey(items[0])
	if err != nil {
		return statuspage.APIKey{}, err
	}
	k, err := s.changeAPIKey(ctx, indexed.Hash, now, func(k statuspage.APIKey) statuspage.APIKey {
		if k.Revoked == nil {
			k.Revoked = &now
		}
		return k
	})
	if errors.Is(err, statuspage.ErrKeyNotFound) {
		return k, statuspage.KeyNotFound(id)
	}
	return k, err
}

// MarkAPIKeyUsed implements web.Store.
func (s *Store) MarkAPIKeyUsed(ctx context.Context, hash string, hour int64) error {
	_, _, err := s.table.UpdateAtLeastOnce(ctx, apiKeyKey(hash), ddb.NewExpr().IfExists().Raise(attrLastUsed, hour))
	return err
}
