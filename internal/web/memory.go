package web

import (
	"context"
	"errors"
	"sync"
)

// How long, in seconds, and how much a Memory remembers. What was revoked stops working when
// it is forgotten, at most knownFor later.
const (
	knownFor   = 60
	unknownFor = 10
	maxKnown   = 200
)

// A Memory remembers for a while what a store has under the hashes of secrets, so that a warm
// function does not read it on every request.
type Memory[V any] struct {
	unknown error
	read    func(ctx context.Context, hash string, now int64) (V, error)

	mu   sync.Mutex
	seen map[string]remembered[V] // by hash
}

type remembered[V any] struct {
	value V
	known bool
	until int64 // UTC seconds
}

// NewMemory returns the memory of what read returns at now (UTC seconds). unknown is read's error
// for a hash that nothing is under, which is remembered too.
func NewMemory[V any](unknown error, read func(ctx context.Context, hash string, now int64) (V, error)) *Memory[V] {
	return &Memory[V]{unknown: unknown, read: read, seen: map[string]remembered[V]{}}
}

// Get returns what is under the hash at now (UTC seconds), as it is or was up to a minute ago. It
// returns the errors of read.
func (m *Memory[V]) Get(ctx context.Context, hash string, now int64) (V, error) {
	m.mu.Lock()
	found, ok := m.seen[hash]
	m.mu.Unlock()
	if !ok || now >= found.until {
		value, err := m.read(ctx, hash, now)
		switch {
		case err == nil:
			found = remembered[V]{value: value, known: true, until: now + knownFor}
		case errors.Is(err, m.unknown):
			found = remembered[V]{until: now + unknownFor}
		default:
			return value, err
		}
		m.remember(hash, found, now)
	}
	if !found.known {
		return found.value, m.unknown
	}
	return found.value, nil
}

// remember keeps what was found. When it is too much, what is out of date goes first, then
// what is unknown, so that guessing can't push the real ones out.
func (m *Memory[V]) remember(hash string, found remembered[V], now int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	drop := func(which func(remembered[V]) bool) {
		for h, r := range m.seen {
			if len(m.seen) < maxKnown {
				return
			}
			if which(r) {
				delete(m.seen, h)
			}
		}
	}
	drop(func(r remembered[V]) bool { return now >= r.until })
	drop(func(r remembered[V]) bool { return !r.known })
	drop(func(remembered[V]) bool { return true })
	m.seen[hash] = found
}

// Change changes what is remembered under the hash, if anything is and f returns true, and returns
// whether that was so.
func (m *Memory[V]) Change(hash string, f func(*V) bool) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	found, ok := m.seen[hash]
	if !ok || !f(&found.value) {
		return false
	}
	m.seen[hash] = found
	return true
}

// Forget makes the next Get of the hash read it again.
func (m *Memory[V]) Forget(hash string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.seen, hash)
}
