package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"tocsin/internal/statuspage"
)

// A creation is a POST that is in order as far as can be said without the table:
// what it makes and how it is answered.
type creation[T any] struct {
	create func(*statuspage.Once[T]) (T, error)
	answer func(T) answer
	replay func(T) answer // the answer when the request is sent again; nil: the same
}

// creates returns the handler of a POST. It is the one place that knows the
// Idempotency-Key header (contract v4, part A, Beyond the original), so every POST
// goes through it: prepare looks at the request alone, and only what it returns has
// an effect.
func creates[T any](prepare func(*service, *request) (creation[T], error)) handlerFunc {
	return func(s *service, r *request) (answer, error) {
		c, err := prepare(s, r)
		if err != nil {
			return answer{}, err
		}
		key, given, err := idempotencyKey(r)
		if err != nil {
			return answer{}, err
		}
		if given {
			return createOnce(s, r, key, c)
		}
		made, err := c.create(nil)
		if err != nil {
			return answer{}, err
		}
		return c.answer(made), nil
	}
}

// idempotencyKey reads the header. A comma is part of the key.
func idempotencyKey(r *request) (key string, given bool, err error) {
	values := r.Header.Values("Idempotency-Key")
	if values == nil {
		return "", false, nil
	}
	key = strings.Join(values, ",")
	if !statuspage.ValidIdempotencyKey(key) {
		return "", false, errIdempotencyKey
	}
	return key, true, nil
}

// createOnce carries the request out unless it was before, in which case its answer
// is given again.
func createOnce[T any](s *service, r *request, key string, c creation[T]) (answer, error) {
	claim, kept, err := s.store(r).Claim(r.Context(), statuspage.IdempotentRequest{
		APIKeyID: r.key.ID, Key: key, Digest: requestDigest(r),
	}, r.now)
	if err != nil {
		return answer{}, err
	}
	if kept != nil {
		return decodeReply(kept)
	}
	replay := c.replay
	if replay == nil {
		replay = c.answer
	}
	made, err := c.create(&statuspage.Once[T]{Claim: claim, Reply: func(made T) []byte { return encodeReply(replay(made)) }})
	if err != nil {
		s.release(r, claim)
		return answer{}, err
	}
	return c.answer(made), nil
}

// releaseTimeout is short enough to fit between the end of a request's time and the
// function's own.
const releaseTimeout = 500 * time.Millisecond

// release gives the claim of a failed request back. If that fails too the claim
// lapses by itself, and the request can be sent again a minute later.
func (s *service) release(r *request, claim statuspage.Claim) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), releaseTimeout)
	defer cancel()
	_ = s.store(r).Release(ctx, claim)
}

// requestDigest is of what makes two requests the same: method, path and body. None
// of the first two can hold the line end that parts them from the next.
func requestDigest(r *request) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%q\n", r.Method, r.URL.Path)
	h.Write(r.body)
	return hex.EncodeToString(h.Sum(nil))
}

// A kept reply is a line with the status and the entity tag, then the body.

func encodeReply(a answer) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%d %s\n", a.status, a.etag)
	b.Write(a.encoded())
	return b.Bytes()
}

func decodeReply(kept []byte) (answer, error) {
	b := bytes.NewBuffer(kept)
	line, err := b.ReadString('\n')
	if err != nil {
		return answer{}, fmt.Errorf("a kept reply has no first line: %w", io.ErrUnexpectedEOF)
	}
	code, etag, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
	status, err := strconv.Atoi(code)
	if err != nil {
		return answer{}, fmt.Errorf("the status of a kept reply: %w", err)
	}
	return answer{status: status, etag: etag, body: b.Bytes(), replayed: true}, nil
}
