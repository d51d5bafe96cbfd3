package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tocsin/internal/statuspage"
)

const (
	apiTimeout   = 35 * time.Second // of one try; the gateway gives up after 30
	apiTries     = 5                // of one request
	apiFirstWait = 500 * time.Millisecond
	apiMaxWait   = 10 * time.Second
	maxAPIAnswer = 8 << 20 // bytes; Lambda answers with 6 MB at most
)

// An apiClient speaks the API v4 of one service.
type apiClient struct {
	base  string // without a slash at the end
	key   string
	wait  func(ctx context.Context, d time.Duration) error
	again func(err error) // is told why a request is going to be sent again
}

func newAPIClient(address, key string) (*apiClient, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, usagef("TOCSIN_URL must be the address of the API, like https://api.example.com, not %q", address)
	}
	if !statuspage.ValidSecret(key) {
		return nil, usagef("TOCSIN_KEY must be an API key: kener_ and 64 lower-case hexadecimal digits")
	}
	base := strings.TrimSuffix(strings.TrimRight(u.String(), "/"), "/api/v4")
	return &apiClient{base: base, key: key, wait: waitFor, again: func(error) {}}, nil
}

func waitFor(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// noRedirects is an http.Client that keeps the key at the address that it is for.
var noRedirects = &http.Client{
	Timeout:       apiTimeout,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// get reads what is at a path below /api/v4 into answer.
func (c *apiClient) get(ctx context.Context, path string, answer any) error {
	return c.do(ctx, http.MethodGet, path, nil, nil, answer)
}

// post sends a body. It has one Idempotency-Key in all its tries: the service does once
// what it is asked twice.
func (c *apiClient) post(ctx context.Context, path string, header http.Header, body, answer any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	header = header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Set("Content-Type", "application/json")
	header.Set("Idempotency-Key", strings.TrimPrefix(statuspage.NewSecret(), "kener_")) // as random as a key
	return c.do(ctx, http.MethodPost, path, header, text, answer)
}

// do sends a request. What is likely to pass (no answer, 5xx, 429, and 409: an earlier try
// is still being worked on) is sent again, later each time, or when the answer says.
func (c *apiClient) do(ctx context.Context, method, path string, header http.Header, body []byte, answer any) error {
	for try := 1; ; try++ {
		after, err := c.once(ctx, method, path, header, body, answer)
		if err == nil || after < 0 || try == apiTries {
			return err
		}
		c.again(err)
		if after == 0 {
			after = apiFirstWait << (try - 1)
		}
		after = min(after, apiMaxWait)
		if c.wait(ctx, after+rand.N(after/4+1)) != nil {
			return err
		}
	}
}

// once sends a request once. after is how long to wait before it is sent again: 0 for the
// usual time, negative for ever.
func (c *apiClient) once(ctx context.Context, method, path string, header http.Header, body []byte, answer any) (after time.Duration, err error) {
	const never = -1
	r, err := http.NewRequestWithContext(ctx, method, c.base+"/api/v4"+path, bytes.NewReader(body))
	if err != nil {
		return never, err
	}
	for name, values := range header {
		r.Header[name] = values
	}
	r.Header.Set("Authorization", "Bearer "+c.key)
	resp, err := noRedirects.Do(r)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err
		}
		err = fmt.Errorf("no answer from %s: %w", c.base, err)
		if _, unknown := errors.AsType[*net.DNSError](err); unknown || ctx.Err() != nil {
			return never, err
		}
		return 0, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAPIAnswer))
	if err != nil {
		return 0, fmt.Errorf("no whole answer from %s: %w", c.base, err)
	}
	status := resp.StatusCode
	if status >= 200 && status < 300 {
		if err := json.Unmarshal(text, answer); err != nil {
			return never, fmt.Errorf("what answers at %s is not this API: %w", c.base, err)
		}
		return never, nil
	}
	err = refusal(c.base, resp.Status, text)
	if status == http.StatusTooManyRequests || status == http.StatusConflict || status >= 500 {
		seconds, _ := strconv.ParseUint(resp.Header.Get("Retry-After"), 10, 16)
		return time.Duration(seconds) * time.Second, err
	}
	return never, err
}

// refusal is what the answer to a request that failed says: in the API's words, in the
// gateway's, or by its status alone.
func refusal(base, status string, text []byte) error {
	var said struct {
		Error   struct{ Message string }
		Message string
	}
	if json.Unmarshal(text, &said) == nil {
		if said.Error.Message != "" {
			return errors.New(said.Error.Message)
		}
		if said.Message != "" {
			return fmt.Errorf("%s (%s answers %s)", said.Message, base, status)
		}
	}
	return fmt.Errorf("%s answers %s: is it the address of the API?", base, status)
}
