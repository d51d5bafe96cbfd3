package web

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
	store Store

	mu   sync.Mutex
	seen map[string]seenKey // by hash
}

type seenKey struct {
	key   statuspage.APIKey
	known bool
	until int64 // UTC seconds
}

func newKeyring(store Store) *keyring {
	return &keyring{store: store, seen: map[string]seenKey{}}
}

// bearer returns the key that an Authorization header carries: a scheme "Bearer", in
// any case, one space, and the key (docs/api.md, Keys). A string
// that can't be a key is refused here: it is not worth a read.
func bearer(headers []string) (secret string, err error) {
	parts := strings.Split(strings.Join(headers, ","), " ")
	if len(parts) != 2 || !strings.EqualFold(parts[0], "Bearer") {
		return "", ErrNoKey
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

// due reports whether the key's use in the hour (UTC seconds) has yet to be noted. It
// counts as noted from then on, so that this function notes it once.
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

// ForgetKey makes the next request with the key, named by its hash, read it again.
func (r *Request) ForgetKey(hash string) { r.server.keys.forget(hash) }

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

// noteUse begins to note, once an hour, that the request's key was used; nil when there is
// nothing to note. A failure is ignored: the key's last use is then shown too early.
func (k *keyring) noteUse(r *Request) *usage {
	hour := statuspage.FloorHour(r.Now)
	if r.Key.ID == 0 || !k.due(r.Key.Hash, hour) {
		return nil
	}
	ctx, cancel := context.WithCancel(r.Context())
	u := &usage{make(chan struct{}), cancel}
	go func() {
		defer close(u.done)
		_ = k.store.MarkAPIKeyUsed(ctx, r.Key.Hash, hour)
	}()
	return u
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
