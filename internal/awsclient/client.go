package awsclient

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

const (
	idleConnections = 32 // of one service: a function makes no more calls at once
	idleTimeout     = 90 * time.Second
)

// HTTPClient is an aws.HTTPClient that calls AWS by net/http's transport alone. http.Client
// around it follows redirects, keeps cookies and copies headers, none of which these calls need.
type HTTPClient struct {
	transport *http.Transport
	timeout   time.Duration // of one exchange, the body included
}

// NewHTTPClient returns a client with connections of its own, which gives up an exchange after
// the timeout. DynamoDB and S3 speak HTTP/1.1 only.
func NewHTTPClient(timeout time.Duration) *HTTPClient {
	return &HTTPClient{timeout: timeout, transport: &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: timeout, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:   timeout,
		MaxIdleConnsPerHost:   idleConnections,
		IdleConnTimeout:       idleTimeout,
		ExpectContinueTimeout: time.Second,
	}}
}

// Do implements aws.HTTPClient.
//
// The transport gets a copy of the body, see CopyBodies. With it, it can also send the
// request again when the connection turns out to have been closed while the function was
// frozen.
func (c *HTTPClient) Do(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(r.Context(), c.timeout)
	r = r.WithContext(ctx)
	if err := copyBody(r); err != nil {
		cancel()
		return nil, err
	}
	resp, err := c.transport.RoundTrip(r)
	if err != nil {
		cancel()
		return nil, err
	}
	resp.Body = &timedBody{resp.Body, cancel}
	return resp, nil
}

// CopyBodies returns a client that sends copies of the requests' bodies: the SDK closes its own
// as soon as there is an answer, and a transport that is about to see the body's end then
// takes the connection for broken.
func CopyBodies(c aws.HTTPClient) aws.HTTPClient { return copyingClient{c} }

type copyingClient struct{ aws.HTTPClient }

// Do implements aws.HTTPClient.
func (c copyingClient) Do(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if err := copyBody(r); err != nil {
		return nil, err
	}
	return c.HTTPClient.Do(r)
}

func copyBody(r *http.Request) error {
	if r.Body == nil {
		return nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	if err := r.Body.Close(); err != nil {
		return err
	}
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	r.Body, err = r.GetBody()
	return err
}

// timedBody is a body whose time limit ends when it is closed.
type timedBody struct {
	io.ReadCloser
	cancel context.CancelFunc
}

// Close implements io.Closer.
func (b *timedBody) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}
