package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tocsin/internal/statuspage"
)

// ErrIdempotencyKey says that an Idempotency-Key is none.
var ErrIdempotencyKey = statuspage.Invalid("Idempotency-Key must be 1 to 255 visible characters")

// A Creation is a POST that is in order as far as can be said without the table:
// what it makes and how it is answered.
type Creation[T any] struct {
	// Refused is why the request can't be carried out after all; nil: it can. One with an
	// Idempotency-Key that was carried out before gets its answer again all the same.
	Refused error

	Create func(context.Context, *statuspage.Once[T]) (T, error)
	Answer func(T) Answer // of a Repeatable one it can be a refusal, which is not kept
	Replay func(T) Answer // the answer when the request is sent again; nil: the same

	// Repeatable says that doing it twice has the same effect as doing it once. The reply
	// is then kept after the effect and not in the same transaction: if that fails, a
	// request that is sent again is carried out again.
	Repeatable bool
}

// Creates returns the handler of a POST. It is the one place that knows the
// Idempotency-Key header (docs/api.md, Sending a request again), so every POST
// goes through it: prepare looks at the request alone, and only what it returns has
// an effect.
func Creates[T any](prepare func(*Request) (Creation[T], error)) Handler {
	return func(r *Request) (Action, error) {
		c, err := prepare(r)
		if err != nil {
			return nil, err
		}
		key, given, err := idempotencyKey(r)
		if err != nil {
			return nil, err
		}
		if given {
			return func() (Answer, error) { return createOnce(r, key, c) }, nil
		}
		if c.Refused != nil {
			return nil, c.Refused
		}
		return func() (Answer, error) {
			made, err := c.Create(r.Context(), nil)
			if err != nil {
				return Answer{}, err
			}
			return c.Answer(made), nil
		}, nil
	}
}

// idempotencyKey reads the header. A comma is part of the key.
func idempotencyKey(r *Request) (key string, given bool, err error) {
	values := r.Header.Values("Idempotency-Key")
	if values == nil {
		return "", false, nil
	}
	key = strings.Join(values, ",")
	if !statuspage.ValidIdempotencyKey(key) {
		return "", false, ErrIdempotencyKey
	}
	return key, true, nil
}

// createOnce carries the request out unless it was before, in which case its answer
// is given again.
func createOnce[T any](r *Request, key string, c Creation[T]) (Answer, error) {
	store := r.server.Store
	claim, kept, err := store.Claim(r.Context(), statuspage.IdempotentRequest{
		APIKeyID: r.Key.ID, Key: key, Digest: requestDigest(r),
	}, r.Now)
	if err != nil {
		return Answer{}, err
	}
	if kept != nil {
		return decodeReply(kept)
	}
	replay := c.Replay
	if replay == nil {
		replay = c.Answer
	}
	once := &statuspage.Once[T]{Claim: claim, Reply: func(made T) []byte { return encodeReply(replay(made)) }}
	made, err := create(r, c, once)
	if err != nil {
		afterwards(r, releaseTimeout, func(ctx context.Context) error { return store.Release(ctx, claim) })
		return Answer{}, err
	}
	a := c.Answer(made)
	if a.Status >= http.StatusBadRequest { // it was carried out and nothing came of it
		afterwards(r, releaseTimeout, func(ctx context.Context) error { return store.Release(ctx, claim) })
		return a, nil
	}
	if c.Repeatable {
		afterwards(r, completeTimeout, func(ctx context.Context) error { return store.Complete(ctx, claim, once.Reply(made)) })
	}
	return a, nil
}

func create[T any](r *Request, c Creation[T], once *statuspage.Once[T]) (made T, err error) {
	if c.Refused != nil {
		return made, c.Refused
	}
	return c.Create(r.Context(), once)
}

const (
	// releaseTimeout is short enough to fit between the end of a request's time and the
	// function's own.
	releaseTimeout  = 500 * time.Millisecond
	completeTimeout = time.Second
)

// afterwards ends a claim, also when the request's time is over. If that fails the claim
// lapses by itself, and the request can be sent again a minute later.
func afterwards(r *Request, timeout time.Duration, end func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), timeout)
	defer cancel()
	_ = end(ctx)
}

// requestDigest is a digest of method, path and body, which are the same in a request that
// is sent again. A method and a quoted path hold no line end, so the parts can't run into
// each other.
func requestDigest(r *Request) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%q\n", r.Method, r.URL.Path)
	h.Write(r.Content)
	return hex.EncodeToString(h.Sum(nil))
}

// A kept reply is a line with the status and the entity tag, then the body.

func encodeReply(a Answer) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%d %s\n", a.Status, a.ETag)
	b.Write(a.Body)
	return b.Bytes()
}

func decodeReply(kept []byte) (Answer, error) {
	b := bytes.NewBuffer(kept)
	line, err := b.ReadString('\n')
	if err != nil {
		return Answer{}, fmt.Errorf("a kept reply has no first line: %w", io.ErrUnexpectedEOF)
	}
	code, etag, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
	status, err := strconv.Atoi(code)
	if err != nil {
		return Answer{}, fmt.Errorf("the status of a kept reply: %w", err)
	}
	a := JSON(status, b.Bytes())
	a.ETag, a.replayed = etag, true
	return a, nil
}
