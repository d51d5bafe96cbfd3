package bench

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A stub is DynamoDB as far as a function can tell: what it was asked before it answers
// from memory, all else from the engine. Thus what is measured is the function.
type stub struct {
	engine string

	mu      sync.Mutex
	answers map[string]stubAnswer
}

type stubAnswer struct {
	status int
	body   []byte
}

// newStub starts a stub in front of the engine, over HTTP and over TLS with a certificate
// that only roots, the name of a file, vouch for.
func newStub(t testing.TB, engine, roots string) (plain, secure *stubServer) {
	t.Helper()
	s := &stub{engine: engine, answers: map[string]stubAnswer{}}
	plain, secure = s.server(), s.server()
	plain.Start()
	t.Cleanup(plain.Close)
	secure.TLS = &tls.Config{Certificates: []tls.Certificate{certificate(t, roots)}}
	secure.StartTLS()
	t.Cleanup(secure.Close)
	return plain, secure
}

// A stubServer counts what reached it.
type stubServer struct {
	*httptest.Server
	connections, requests atomic.Int64
}

func (s *stub) server() *stubServer {
	c := &stubServer{}
	c.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.requests.Add(1)
		s.ServeHTTP(w, r)
	}))
	c.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			c.connections.Add(1)
		}
	}
	return c
}

// seen is how many connections and requests there were.
func (c *stubServer) seen() (connections, requests int) {
	if c == nil {
		return 0, 0
	}
	return int(c.connections.Load()), int(c.requests.Load())
}

// ServeHTTP implements http.Handler.
func (s *stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		var a stubAnswer
		if a, err = s.answer(r, body); err == nil {
			w.Header().Set("Content-Type", "application/x-amz-json-1.0")
			w.WriteHeader(a.status)
			w.Write(a.body)
			return
		}
	}
	http.Error(w, err.Error(), http.StatusInternalServerError)
}

func (s *stub) answer(r *http.Request, body []byte) (stubAnswer, error) {
	key := r.Header.Get("X-Amz-Target") + canonical(body)
	s.mu.Lock()
	a, ok := s.answers[key]
	s.mu.Unlock()
	if ok {
		return a, nil
	}
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, s.engine, bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	for _, name := range []string{"X-Amz-Target", "Content-Type", "Authorization", "X-Amz-Date"} {
		req.Header[name] = r.Header[name]
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return a, err
	}
	defer resp.Body.Close()
	a.status = resp.StatusCode
	if a.body, err = io.ReadAll(resp.Body); err != nil {
		return a, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[key] = a
	return a, nil
}

// canonical is the same for every order of the keys of an object.
func canonical(body []byte) string {
	var v any
	if json.Unmarshal(body, &v) != nil {
		return string(body)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return string(body)
	}
	return string(text)
}

// someRoots is how many certificate authorities Amazon Linux trusts, about.
const someRoots = 145

// systemBundle is where Debian and its kin have theirs.
const systemBundle = "/etc/ssl/certs/ca-certificates.crt"

// certificate makes a server's certificate and writes roots: the authority behind it, last,
// after those of this machine, or as many made up ones.
func certificate(t testing.TB, roots string) tls.Certificate {
	t.Helper()
	bundle, err := os.ReadFile(systemBundle)
	if err != nil {
		for range someRoots - 1 {
			bundle = append(bundle, pemOf(sign(t, nil, newKey(t), nil))...)
		}
	}
	authorityKey := newKey(t)
	authority := sign(t, nil, authorityKey, nil)
	if err := os.WriteFile(roots, append(bundle, pemOf(authority)...), 0o600); err != nil {
		t.Fatal(err)
	}
	key := newKey(t)
	server := sign(t, authority, key, authorityKey)
	return tls.Certificate{Certificate: [][]byte{server.Raw}, PrivateKey: key}
}

func pemOf(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// sign makes a certificate for 127.0.0.1, or one of an authority when there is no parent.
func sign(t testing.TB, parent *x509.Certificate, key, parentKey *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: fmt.Sprint("Test ", serial)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, BasicConstraintsValid: true,
	}
	if parent == nil {
		c.IsCA, c.KeyUsage, c.IPAddresses = true, x509.KeyUsageCertSign, nil
		parent, parentKey = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, parentKey)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func rootsFile(t testing.TB) string { return filepath.Join(t.TempDir(), "roots.pem") }
