package api

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

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

// due reports whether the key's use in the hour (UTC seconds) is still to be noted,
// and takes it as noted from then on: what this function has seen need not be
// written again.
func (k *keyring) due(hash string, hour int64) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	seen, ok := k.seen[hash]
	if !ok || seen.key.LastUsed != nil && *seen.key.LastUsed >= hour {
		return false
	}
	seen.key.LastUsed = &hour
	k.seen[hash] = seen
	return true
}

// forget makes the next request with the key read it again.
func (k *keyring) forget(hash string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.seen, hash)
}

// usage is a note of a key's use that is on its way to the table.
type usage struct {
	done   chan struct{}
	cancel context.CancelFunc
}

// usagePatience is how long an answer that is ready waits for such a note. A
// function may be frozen once it has answered, so the note is not left running.
const usagePatience = 100 * time.Millisecond

// store returns the repository, for the calls of a request that its key allows.
// With the first of them, and beside it, goes the note that the key was used, once
// an hour: a request that asks nothing of the table pays nothing for it. That note
// failing is nobody's concern but that of who reads when a key was last used.
func (s *service) store(r *request) Store {
	hour := statuspage.FloorHour(r.now)
	if r.usage == nil && r.key.ID != 0 && s.keys.due(r.key.Hash, hour) {
		ctx, cancel := context.WithCancel(r.Context())
		r.usage = &usage{make(chan struct{}), cancel}
		go func() {
			defer close(r.usage.done)
			_ = s.Store.MarkAPIKeyUsed(ctx, r.key.Hash, hour)
		}()
	}
	return s.Store
}

// finish ends the note, if there is one.
func (u *usage) finish() {
	if u == nil {
		return
	}
	defer u.cancel()
	select {
	case <-u.done:
	case <-time.After(usagePatience):
		u.cancel()
		<-u.done
	}
}
