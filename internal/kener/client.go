// Package kener takes the monitors, incidents, comments, maintenances and monitoring data of a running
// Kener 4 over its REST API v4, and converts the monitors.yaml of older ones. It knows HTTP
// and Kener's words, and no DynamoDB.
package kener

import (
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

	"tocsin/internal/version"
)

const (
	requestTimeout = 60 * time.Second
	tries          = 7 // of one request
	firstWait      = 500 * time.Millisecond
	maxWait        = 30 * time.Second
	maxAnswer      = 256 << 20 // bytes; Kener gives a list of incidents whole
)

// A Client reads from one Kener. It is safe for use by many goroutines.
type Client struct {
	base string // without a slash at the end
	key  string
	http *http.Client
	wait func(ctx context.Context, d time.Duration) error
}

// NewClient returns a client for the Kener at an address such as
// https://status.example.org, with one of its API keys.
func NewClient(address, key string) (*Client, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, errors.New("the address of Kener must be like https://status.example.org")
	}
	if key == "" || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("the API key of Kener is missing or has characters that no key has")
	}
	base := strings.TrimRight(u.String(), "/")
	base = strings.TrimSuffix(base, "/api/v4")
	return &Client{base: base, key: key, wait: sleep, http: &http.Client{
		Timeout: requestTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse // the key is for this address only
		},
	}}, nil
}

// Address is where the Kener is, in the same spelling for every spelling of it.
func (c *Client) Address() string { return c.base }

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// errGone is the error for a record that is not there, or not any more.
var errGone = errors.New("there is no such record")

// errNoRoute ends the error for an address that is none of the API.
var errNoRoute = errors.New("which is not Kener's API v4: is this the address of Kener 4, with its base path?")

// get reads the JSON object at a path into v. It returns errGone for a 404 of the API.
func (c *Client) get(ctx context.Context, path string, query url.Values, v any) error {
	address := c.base + "/api/v4" + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	return c.send(ctx, address, func(resp *http.Response, body []byte) error {
		isJSON := strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json")
		switch status := resp.StatusCode; {
		case status == http.StatusOK && len(body) > maxAnswer:
			return errors.New("the answer is too large")
		case status == http.StatusOK && isJSON && json.Unmarshal(body, v) == nil:
			return nil
		case status == http.StatusUnauthorized && isJSON:
			return errors.New("it does not accept the API key")
		case status == http.StatusForbidden:
			return errors.New("the API key is not allowed to read this")
		case status == http.StatusNotFound && isJSON && !strings.Contains(string(body), "No API route"):
			return errGone
		case status >= 300 && status < 400:
			return fmt.Errorf("it answers %s, to %s: give the address where Kener really is", resp.Status, resp.Header.Get("Location"))
		}
		return fmt.Errorf("it answers %s, %w", resp.Status, errNoRoute)
	})
}

// send calls take with the answer of an address and its body, cut after maxAnswer. What is likely
// to pass (429, 5xx, no answer) is tried again, later each time, or when the answer says.
func (c *Client) send(ctx context.Context, address string, take func(resp *http.Response, body []byte) error) error {
	for try := 1; ; try++ {
		wait, err := c.once(ctx, address, take)
		if err == nil || errors.Is(err, errGone) {
			return err
		}
		if wait < 0 || try == tries {
			return fmt.Errorf("GET %s: %w", address, err)
		}
		if wait == 0 {
			wait = firstWait << (try - 1)
		}
		wait = min(wait, maxWait)
		if c.wait(ctx, wait+rand.N(wait/4+1)) != nil {
			return fmt.Errorf("GET %s: %w", address, err)
		}
	}
}

// final says that a request need not be sent again.
const final = -1

// once sends a request once. The duration is how long to wait before the next try, 0 for
// as long as usual, final for none.
func (c *Client) once(ctx context.Context, address string, take func(resp *http.Response, body []byte) error) (time.Duration, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return final, err
	}
	r.Header.Set("Authorization", "Bearer "+c.key)
	r.Header.Set("Accept", "application/json, image/*")
	r.Header.Set("User-Agent", version.UserAgent)
	resp, err := c.http.Do(r)
	if err != nil {
		if _, unknown := errors.AsType[*net.DNSError](err); unknown || ctx.Err() != nil {
			return final, withoutURL(err)
		}
		return 0, withoutURL(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return 0, fmt.Errorf("reading the answer: %w", withoutURL(err))
	}
	if status := resp.StatusCode; status == http.StatusTooManyRequests || status >= 500 {
		seconds, _ := strconv.ParseUint(resp.Header.Get("Retry-After"), 10, 16)
		return time.Duration(seconds) * time.Second, fmt.Errorf("it answers %s", resp.Status)
	}
	return final, take(resp, body)
}

// withoutURL leaves the address, which the caller says, out of an error of net/http.
func withoutURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}
