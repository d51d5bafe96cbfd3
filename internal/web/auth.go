package web

import (
	"context"
	"errors"
	"strings"
	"time"

	"tocsin/internal/statuspage"
)

// keyring authenticates API keys.
type keyring struct {
	store Store
	keys  *Memory[statuspage.APIKey]
}

func newKeyring(store Store) *keyring {
	return &keyring{store, NewMemory(statuspage.ErrKeyNotFound, func(ctx context.Context, hash string, _ int64) (statuspage.APIKey, error) {
		return store.APIKeyByHash(ctx, hash)
	})}
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
	key, err := k.keys.Get(ctx, statuspage.HashSecret(secret), now)
	switch {
	case errors.Is(err, statuspage.ErrKeyNotFound) || err == nil && key.Revoked != nil:
		return statuspage.APIKey{}, errBadKey
	case err != nil:
		return statuspage.APIKey{}, err
	case key.Expires != nil && now >= *key.Expires:
		return statuspage.APIKey{}, errExpiredKey
	}
	return key, nil
}

// due reports whether the key's use in the hour (UTC seconds) has yet to be noted. It
// counts as noted from then on, so that this function notes it once.
func (k *keyring) due(hash string, hour int64) bool {
	return k.keys.Change(hash, func(key *statuspage.APIKey) bool {
		if key.LastUsed != nil && *key.LastUsed >= hour {
			return false
		}
		key.LastUsed = &hour
		return true
	})
}

// ForgetKey makes the next request with the key, named by its hash, read it again.
func (r *Request) ForgetKey(hash string) { r.server.keys.keys.Forget(hash) }

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
