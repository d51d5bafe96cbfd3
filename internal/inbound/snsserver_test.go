package inbound_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/internal/inbound"
)

// An snsServer stands for SNS: it has the host's certificate for TLS, and signing certificates.
type snsServer struct {
	key     *rsa.PrivateKey
	fetcher inbound.Fetcher

	mu   sync.Mutex
	asks []string // paths and queries that were asked for
}

func (s *snsServer) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asks
}

// An issuer issues certificates; its own is at http://NAME/issuer.cer.
type issuer struct {
	key  *rsa.PrivateKey
	cert *x509.Certificate
	name string
}

func newIssuer(t *testing.T, name string, parent *issuer) issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Unix(0, 0), NotAfter: time.Unix(2*snsNow, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	if parent == nil {
		parent = &issuer{key, template, name}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent.cert, &key.PublicKey, parent.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return issuer{key, cert, name}
}

// issue makes a certificate, as PEM.
func (i issuer) issue(t *testing.T, key *rsa.PrivateKey, name string, from, to time.Time) []byte {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: from, NotAfter: to}
	if i.name != "" {
		template.IssuingCertificateURL = []string{"http://" + i.name + "/issuer.cer"}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, i.cert, &key.PublicKey, i.key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func newSNS(t *testing.T) *snsServer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	day := func(days int) time.Time { return time.Unix(snsNow, 0).AddDate(0, 0, days) }
	root := newIssuer(t, "root.test", nil)
	amazon, stranger, down := newIssuer(t, "amazon.test", &root), newIssuer(t, "stranger.test", nil), newIssuer(t, "down.test", &root)
	silent := amazon
	silent.name = ""
	files := map[string][]byte{
		certPath("a"): amazon.issue(t, key, "sns.amazonaws.com", day(-100), day(100)),
		certPath("b"): amazon.issue(t, key, "sns.amazonaws.com", day(-100), day(-1)),
		certPath("c"): amazon.issue(t, key, "sns.amazonaws.com", day(1), day(100)),
		certPath("d"): amazon.issue(t, key, "sns.example.com", day(-100), day(100)),
		certPath("e"): []byte("no certificate"),
		certPath("0"): amazon.issue(t, key, "sns-signing.eu-central-1.amazonaws.com", day(-100), day(100)),
		certPath("2"): stranger.issue(t, key, "sns.amazonaws.com", day(-100), day(100)),
		certPath("3"): silent.issue(t, key, "sns.amazonaws.com", day(-100), day(100)),
		certPath("4"): down.issue(t, key, "sns.amazonaws.com", day(-100), day(100)),
	}
	issuers := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Host {
		case "amazon.test":
			w.Write(amazon.cert.Raw)
		case "stranger.test":
			w.Write(stranger.cert.Raw)
		default:
			w.WriteHeader(http.StatusBadGateway)
		}
	}))
	t.Cleanup(issuers.Close)
	s := &snsServer{key: key}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asks = append(s.asks, r.URL.RequestURI())
		s.mu.Unlock()
		switch file, there := files[r.URL.Path]; {
		case there:
			w.Write(file)
		case r.URL.Path == certPath("f"):
			w.Header().Set("Location", certPath("a"))
			w.WriteHeader(http.StatusFound)
			w.Write(files[certPath("a")])
		case r.URL.Path == certPath("5"):
			w.WriteHeader(http.StatusServiceUnavailable)
		case r.URL.Path == "/" && r.URL.Query().Get("Token") == "moved":
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		case r.URL.Path == "/":
			w.Write([]byte("<ConfirmSubscriptionResponse/>"))
		default:
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(root.cert)
	s.fetcher = inbound.NewFetcherTrusting(&http.Transport{
		DialContext: func(ctx context.Context, network, to string) (net.Conn, error) {
			listener := server.Listener
			if strings.HasSuffix(to, ".test:80") {
				listener = issuers.Listener
			}
			return (&net.Dialer{}).DialContext(ctx, network, listener.Addr().String())
		},
		TLSClientConfig: &tls.Config{RootCAs: server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, ServerName: "example.com"},
	}, roots)
	return s
}

// sign signs a message as SNS does, whatever its version says.
func (s *snsServer) sign(t *testing.T, key *rsa.PrivateKey, message map[string]any) {
	t.Helper()
	names := []string{"Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"}
	if message["Type"] != "Notification" {
		names = []string{"Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"}
	}
	var text strings.Builder
	for _, name := range names {
		if value, there := message[name].(string); there {
			text.WriteString(name + "\n" + value + "\n")
		}
	}
	hash, sum := crypto.SHA256, sha256.Sum256([]byte(text.String()))
	digest := sum[:]
	if message["SignatureVersion"] == "1" {
		old := sha1.Sum([]byte(text.String()))
		hash, digest = crypto.SHA1, old[:]
	}
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, hash, digest)
	if err != nil {
		t.Fatal(err)
	}
	message["Signature"] = base64.StdEncoding.EncodeToString(signature)
}
