package inbound

import (
	"crypto/x509"
	"net/http"
)

// NewFetcherTrusting is NewFetcher with other roots than the system's.
func NewFetcherTrusting(transport http.RoundTripper, roots *x509.CertPool) Fetcher {
	return &fetcher{transport: transport, roots: roots}
}
