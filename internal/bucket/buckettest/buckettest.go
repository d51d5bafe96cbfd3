// Package buckettest is an S3 for tests, in this process: it understands the requests that
// package bucket sends, and fails as S3 does when a test wants it to. No function links it.
package buckettest

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Bucket is the name of the one bucket that there is.
const Bucket = "site"

// Server is an http.Handler that answers PUT and GET of objects, addressed by path. Like S3,
// it does one after the other what is asked of an object at the same time, and a GET has what
// the last PUT has put. It asks for a signature, but can't check one. Its fields may be set
// until the first request.
type Server struct {
	URL string

	// Inject says what happens to a request, and how long it takes; nil: nothing does.
	Inject func(Request) (Fault, time.Duration)

	// Stored is told of each object that was put, in the order in which they were; nil: nobody is.
	Stored func(key string, body []byte)

	// Unlisted makes an object that is not there a 403, as it is for who may not list the bucket.
	Unlisted bool

	http *httptest.Server

	mu      sync.Mutex
	objects map[string]object
	counts  map[string]int
	dialed  int
	running int        // requests that are not done yet
	idle    *sync.Cond // told when there is none of these
}

// A Request is one as it comes to the server.
type Request struct{ Method, Key string }

// object is what is kept under a key.
type object struct {
	body   []byte
	etag   string      // with its quotes
	header http.Header // see kept
}

// New starts a server, which ends with the test.
func New(t testing.TB) *Server { return start(t, (*httptest.Server).Start) }

// NewTLS is New with TLS, over which the SDK sends the body of a PUT in another form.
func NewTLS(t testing.TB) *Server { return start(t, (*httptest.Server).StartTLS) }

func start(t testing.TB, begin func(*httptest.Server)) *Server {
	s := &Server{objects: map[string]object{}, counts: map[string]int{}}
	s.idle = sync.NewCond(&s.mu)
	s.http = httptest.NewUnstartedServer(s)
	s.http.Config.ErrorLog = log.New(io.Discard, "", 0) // it would tell of every connection that a fault breaks
	s.http.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.dialed++
		}
	}
	begin(s.http)
	s.URL = s.http.URL
	t.Cleanup(func() {
		s.http.CloseClientConnections()
		s.http.Close()
	})
	return s
}

// Config returns what a client of the SDK is made of that trusts the server, with connections
// of its own.
func (s *Server) Config() aws.Config {
	own := *s.http.Client()
	own.Transport = own.Transport.(*http.Transport).Clone()
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: &s.URL, HTTPClient: &own, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
}

// AtOnce makes a client repeat a request at once, up to three times in all.
func AtOnce(o *s3.Options) {
	o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxBackoff = time.Millisecond
		o.RateLimiter = ratelimit.None
	})
}

// Counts returns how many requests were answered, by method and status, such as "PUT 412".
// One that got no answer has the status 0.
func (s *Server) Counts() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.counts)
}

// Connections returns how many there have been.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dialed
}

// Wait returns when no request is left to be done, not even one that nobody waits for any more.
func (s *Server) Wait() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.running > 0 {
		s.idle.Wait()
	}
}

// enter counts a request until leave is called.
func (s *Server) enter() (leave func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.running--; s.running == 0 {
			s.idle.Broadcast()
		}
	}
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer s.enter()()
	key, ok := strings.CutPrefix(r.URL.Path, "/"+Bucket+"/")
	var body []byte
	a, bad := answer{}, check(r)
	if bad == nil && r.Method == http.MethodPut {
		body, bad = readBody(r)
	}
	if !ok {
		bad = refuse(http.StatusNotFound, "NoSuchBucket")
	}
	fault, delay := None, time.Duration(0)
	if bad == nil && s.Inject != nil {
		fault, delay = s.Inject(Request{r.Method, key})
	}
	if fault == Held {
		time.Sleep(delay) // also when the client has gone
	}
	switch {
	case bad != nil:
		a = *bad
	case !fault.before():
		a = s.do(r, key, body)
	}
	if fault == Late {
		time.Sleep(delay)
	}
	if refusal := fault.refusal(); refusal != nil {
		a = *refusal
	}
	if fault.silent() {
		a.status = 0
	}
	s.mu.Lock()
	s.counts[fmt.Sprint(r.Method, " ", a.status)]++
	s.mu.Unlock()
	a.write(w)
}

// do is what is asked for, without faults.
func (s *Server) do(r *http.Request, key string, body []byte) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, found := s.objects[key]
	switch match := r.Header.Get("If-Match"); {
	case !found && s.Unlisted && r.Method == http.MethodGet:
		return *refuse(http.StatusForbidden, "AccessDenied")
	case !found && (r.Method == http.MethodGet || match != ""):
		return *refuse(http.StatusNotFound, "NoSuchKey")
	case r.Method == http.MethodGet:
		return answer{http.StatusOK, o.answered(), o.body}
	case match != "" && match != o.etag, found && r.Header.Get("If-None-Match") == "*":
		return *refuse(http.StatusPreconditionFailed, "PreconditionFailed")
	}
	sum := md5.Sum(body)
	o = object{body: body, etag: `"` + hex.EncodeToString(sum[:]) + `"`, header: kept(r.Header)}
	s.objects[key] = o
	if s.Stored != nil {
		s.Stored(key, body)
	}
	return answer{http.StatusOK, http.Header{"ETag": {o.etag}}, nil}
}
