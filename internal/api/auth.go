package api

import (
	"context"
	"errors"
	"strings"
	"sync"

	"tocsin/internal/statuspage"
)

// How long, in seconds, and how many keys are remembered. A revoked key stops
// working when it is forgotten, at most knownFor later.
const (
	knownFor   = 60
	unknownFor = 10
	maxKeys    = 200
)

// keyring authenticates API keys and remembers them for a while, so that a warm
// function does not read the key on every request.
type keyring struct {
	store statuspage.KeyStore

	mu   sync.Mutex
	seen map[string]seenKey // by hash
}

type seenKey struct {
	key   statuspage.APIKey
	known bool
	until int64 // UTC seconds
}

func newKeyring(store statuspage.KeyStore) *keyring {
	return &keyring{store: store, seen: map[string]seenKey{}}
}

// bearer returns the key that an Authorization header carries: a scheme "Bearer", in
// any case, one space, and the key (contract v4, section 1, Authentication). A string
// that can't be a key is refused here: it is not worth a read.
func bearer(headers []string) (secret string, err error) {
	parts := strings.Split(strings.Join(headers, ","), " ")
	if len(parts) != 2 || !strings.EqualFold(parts[0], "Bearer") {
		return "", errNoKey
	}
	if !statuspage.ValidSecret(parts[1]) {
		return "", errBadKey
	}
	return parts[1], nil
}

// authenticate returns the record of a key that may be used at now (UTC seconds).
func (k *keyring) authenticate(ctx context.Context, secret string, now int64) (statuspage.APIKey, error) {
	seen, err := k.lookup(ctx, statuspage.HashSecret(secret), now)
	if err != nil {
		return statuspage.APIKey{}, err
	}
	if !seen.known || seen.key.Revoked != nil {
		return statuspage.APIKey{}, errBadKey
	}
	if seen.key.Expires != nil && now >= *seen.key.Expires {
		return statuspage.APIKey{}, errExpiredKey
	}
	return seen.key, nil
}

func (k *keyring) lookup(ctx context.Context, hash string, now int64) (seenKey, error) {
	k.mu.Lock()
	seen, ok := k.seen[hash]
	k.mu.Unlock()
	if ok && now < seen.until {
		return seen, nil
	}
	key, err := k.store.APIKeyByHash(ctx, hash)
	switch {
	case err == nil:
		seen = seenKey{key: key, known: true, until: now + knownFor}
	case errors.Is(err, statuspage.ErrKeyNotFound):
		seen = seenKey{until: now + unknownFor}
	default:
		return seenKey{}, err
	}
	k.remember(hash, seen, now)
	return seen, nil
}

// remember keeps the key. When there are too many, those out of date go first,
// then unknown ones, so that guessing can't push the real keys out.
func (k *keyring) remember(hash string, seen seenKey, now int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	drop := func(which func(seenKey) bool) {
		for h, s := range k.seen {
			if len(k.seen) < maxKeys {
				return
			}
			if which(s) {
				delete(k.seen, h)
			}
		}
	}
	drop(func(s seenKey) bool { return now >= s.until })
	drop(func(s seenKey) bool { return !s.known })
	drop(func(seenKey) bool { return true })
	k.seen[hash] = seen
}
