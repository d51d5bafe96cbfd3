package bucket_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"tocsin/internal/awsclient"
	"tocsin/internal/bucket"
	"tocsin/internal/bucket/buckettest"
	"tocsin/internal/publish"
	"tocsin/internal/publish/publishtest"
)

const key = "public/a.html"

// open returns the bucket, whose calls are repeated at once.
func open(s *buckettest.Server) *bucket.Bucket {
	return bucket.New(s3.New(bucket.NewClient(s.Config(), s.URL).Options(), fast), buckettest.Bucket)
}

// fast repeats a call as often as the client does, but at once.
func fast(o *s3.Options) {
	attempts := o.Retryer.MaxAttempts()
	buckettest.AtOnce(o)
	o.RetryMaxAttempts = attempts
}

func TestBucketIsAPort(t *testing.T) {
	for name, start := range map[string]func(testing.TB) *buckettest.Server{"plain": buckettest.New, "TLS": buckettest.NewTLS} {
		t.Run(name, func(t *testing.T) {
			publishtest.Contract(t, func(t *testing.T) publish.Port { return open(start(t)) })
		})
	}
}

// What becomes of a call that meets a fault, the first time or always: how often it is tried,
// and what the caller hears of it.
func TestFaults(t *testing.T) {
	for _, tt := range []struct {
		name      string
		fault     buckettest.Fault
		always    bool
		puts      int
		put       error // nil: it is put
		gets      int
		got       bool
		mentioned string // in errors that are no answer about the file
	}{
		{"slow down", buckettest.SlowDown, false, 2, nil, 2, true, ""},
		{"slow down for long", buckettest.SlowDown, true, 4, errOther, 4, false, "SlowDown"},
		{"slow down, but done", buckettest.SlowAfter, false, 2, publish.ErrChanged, 2, true, ""},
		{"internal error", buckettest.Internal, false, 2, nil, 2, true, ""},
		{"internal error for long", buckettest.Internal, true, 4, errOther, 4, false, "InternalError"},
		{"refused", buckettest.Refused, true, 1, publish.ErrChanged, 1, true, ""},
		{"conflict", buckettest.Conflict, true, 1, publish.ErrChanged, 1, true, ""},
		{"connection lost", buckettest.Lost, false, 2, nil, 2, true, ""},
		{"connection lost for long", buckettest.Lost, true, 4, errOther, 4, false, "EOF"},
		{"answer lost", buckettest.LostAfter, false, 2, publish.ErrChanged, 2, true, ""},
		{"no answer in time", buckettest.Late, false, 2, publish.ErrChanged, 2, true, ""},
		{"done too late", buckettest.Held, false, 2, nil, 2, true, ""},
		{"no answer for long", buckettest.Late, true, 4, errOther, 4, false, "deadline exceeded"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := buckettest.New(t)
			var mu sync.Mutex // the server goes on with a request that the client has given up
			tries := map[string]int{}
			s.Inject = func(r buckettest.Request) (buckettest.Fault, time.Duration) {
				mu.Lock()
				defer mu.Unlock()
				tries[r.Method]++
				if (tries[r.Method] > 1 && !tt.always) || r.Method == http.MethodGet && (tt.fault == buckettest.Refused || tt.fault == buckettest.Conflict) {
					return buckettest.None, 0
				}
				return tt.fault, 500 * time.Millisecond
			}
			cfg := s.Config()
			cfg.HTTPClient = awsclient.NewHTTPClient(100 * time.Millisecond)
			b := bucket.New(s3.New(bucket.NewClient(cfg, s.URL).Options(), fast), buckettest.Bucket)
			heard := func(what string, err, want error) {
				t.Helper()
				known := errors.Is(err, publish.ErrChanged) || errors.Is(err, publish.ErrNotFound)
				if want == errOther && (err == nil || known || !strings.Contains(err.Error(), tt.mentioned)) || want != errOther && !errors.Is(err, want) {
					t.Errorf("%s: %v, want %v", what, err, want)
				}
			}
			_, err := b.Put(t.Context(), key, publish.Object{Body: []byte("one"), Type: "text/plain", Status: 200}, "")
			heard("Put", err, tt.put)
			o, _, err := b.Get(t.Context(), key)
			want := errOther
			if tt.got {
				want = nil
			}
			if tt.always && (tt.fault == buckettest.Refused || tt.fault == buckettest.Conflict) {
				want = publish.ErrNotFound
			}
			heard("Get", err, want)
			if err == nil && string(o.Body) != "one" {
				t.Errorf("Get has %q", o.Body)
			}
			s.Wait()
			if d := cmp.Diff(map[string]int{"PUT": tt.puts, "GET": tt.gets}, tries); d != "" {
				t.Error(d)
			}
		})
	}
}

var errOther = errors.New("neither of those of package publish")

// A bucket that is not there, or may not be read, is no file that is not there: publishers
// would make it for ever.
func TestNoAccess(t *testing.T) {
	s := buckettest.New(t)
	s.Unlisted = true
	other := bucket.New(bucket.NewClient(s.Config(), s.URL), "other")
	for name, tt := range map[string]struct {
		b         *bucket.Bucket
		mentioned string
	}{"unlisted": {open(s), "AccessDenied"}, "no bucket": {other, "NoSuchBucket"}} {
		if _, _, err := tt.b.Get(t.Context(), key); err == nil || errors.Is(err, publish.ErrNotFound) || !strings.Contains(err.Error(), tt.mentioned) {
			t.Errorf("%s: Get: %v", name, err)
		}
	}
	for _, etag := range []string{"", `"a"`} {
		if _, err := other.Put(t.Context(), key, publish.Object{}, etag); err == nil || errors.Is(err, publish.ErrChanged) || !strings.Contains(err.Error(), "NoSuchBucket") {
			t.Errorf("no bucket: Put: %v", err)
		}
	}
}

// Objects that somebody put by hand are pages.
func TestPutByHand(t *testing.T) {
	s := buckettest.New(t)
	client := bucket.NewClient(s.Config(), s.URL)
	b := bucket.New(client, buckettest.Bucket)
	for name, tt := range map[string]struct {
		metadata map[string]string
		want     publish.Object
	}{
		"nothing":    {nil, publish.Object{Status: 200}},
		"all":        {map[string]string{"Status": "410", "STATE": "a", "note": "b", "time": "7"}, publish.Object{Status: 410, State: "a", Note: "b", Time: 7}},
		"text":       {map[string]string{"status": "ok", "time": "now", "note": "%zz"}, publish.Object{Status: 200, Note: "%zz"}},
		"impossible": {map[string]string{"status": "99", "time": "-"}, publish.Object{Status: 200}},
		"too large":  {map[string]string{"status": "1000", "time": "1e9"}, publish.Object{Status: 200}},
	} {
		_, err := client.PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: aws.String(buckettest.Bucket), Key: aws.String(key), Body: strings.NewReader("by hand"), ContentType: aws.String("text/html"), Metadata: tt.metadata,
		})
		if err != nil {
			t.Fatal(err)
		}
		tt.want.Body, tt.want.Type = []byte("by hand"), "text/html"
		got, etag, err := b.Get(t.Context(), key)
		if d := cmp.Diff(tt.want, got); d != "" || err != nil {
			t.Errorf("%s: %v\n%s", name, err, d)
		}
		if _, err := b.Put(t.Context(), key, tt.want, etag); err != nil {
			t.Errorf("%s: Put: %v", name, err)
		}
	}
}

// What CloudFront and a person who looks into the bucket see.
func TestHeaders(t *testing.T) {
	s := buckettest.New(t)
	client := bucket.NewClient(s.Config(), s.URL)
	for _, tt := range []struct {
		key    string
		status int
		cache  string
	}{
		{"public/a.html", 200, "public, max-age=5, s-maxage=10, stale-while-revalidate=30, stale-if-error=604800"},
		{"public/b.html", 410, "public, max-age=5, s-maxage=10"},
		{"public/assets/logo.png", 200, "public, max-age=86400, stale-if-error=604800"},
		{"public/assets/gone.png", 404, "public, max-age=5, s-maxage=10"},
	} {
		o := publish.Object{Body: []byte("a"), Type: "text/html; charset=utf-8", Status: tt.status, State: "0123", Note: "4 5", Time: 6}
		if _, err := bucket.New(client, buckettest.Bucket).Put(t.Context(), tt.key, o, ""); err != nil {
			t.Fatal(err)
		}
		out, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(buckettest.Bucket), Key: &tt.key})
		if err != nil {
			t.Fatal(err)
		}
		out.Body.Close()
		if *out.CacheControl != tt.cache || *out.ContentType != o.Type {
			t.Errorf("%s: %s, %s", tt.key, *out.CacheControl, *out.ContentType)
		}
		if d := cmp.Diff(map[string]string{"status": fmt.Sprint(tt.status), "state": "0123", "note": "4+5", "time": "6"}, out.Metadata); d != "" {
			t.Error(d)
		}
	}
}

// One connection serves calls one after another, whatever they are answered.
func TestConnections(t *testing.T) {
	s := buckettest.New(t)
	port, err := bucket.FromEnv(env(map[string]string{"SITE_BUCKET": buckettest.Bucket, "AWS_ENDPOINT_URL": s.URL}))
	if err != nil {
		t.Fatal(err)
	}
	for n := range 20 {
		key := fmt.Sprint("public/", n)
		if _, _, err := port.Get(t.Context(), key); !errors.Is(err, publish.ErrNotFound) {
			t.Fatal(err)
		}
		if _, err := port.Put(t.Context(), key, publish.Object{Body: make([]byte, n<<16), Type: "a/b", Status: 200}, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := port.Put(t.Context(), key, publish.Object{Type: "a/b"}, ""); !errors.Is(err, publish.ErrChanged) {
			t.Fatal(err)
		}
		if _, _, err := port.Get(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.Connections(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func env(values map[string]string) func(string) string {
	return func(name string) string {
		if value, ok := values[name]; ok {
			return value
		}
		return map[string]string{"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}[name]
	}
}

func TestFromEnv(t *testing.T) {
	s := buckettest.New(t)
	for name, values := range map[string]map[string]string{
		"S3_ENDPOINT":         {"S3_ENDPOINT": s.URL, "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
		"AWS_ENDPOINT_URL_S3": {"AWS_ENDPOINT_URL_S3": s.URL, "AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
		"AWS_ENDPOINT_URL":    {"AWS_ENDPOINT_URL": s.URL},
	} {
		values["SITE_BUCKET"] = buckettest.Bucket
		port, err := bucket.FromEnv(env(values))
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := port.Get(t.Context(), key); !errors.Is(err, publish.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	dir := t.TempDir()
	folder, err := publish.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	port, err := bucket.FromEnv(env(map[string]string{"SITE_DIR": dir, "SITE_BUCKET": "other"}))
	if err != nil || port != publish.Port(folder) {
		t.Errorf("SITE_DIR: %v, %v", port, err)
	}
	if port, err := bucket.FromEnv(env(nil)); err != nil || port != nil {
		t.Errorf("nothing: %v, %v", port, err)
	}
}

// At AWS the bucket's name is in front of the address.
func TestAddress(t *testing.T) {
	var host string
	cfg := aws.Config{Region: "eu-central-1", Credentials: aws.AnonymousCredentials{}, HTTPClient: httpClient(func(r *http.Request) (*http.Response, error) {
		host = r.URL.Scheme + "://" + r.URL.Host
		return nil, context.Canceled
	})}
	if _, _, err := bucket.New(bucket.NewClient(cfg, ""), "site").Get(t.Context(), key); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if host != "https://site.s3.eu-central-1.amazonaws.com" {
		t.Error(host)
	}
}

type httpClient func(*http.Request) (*http.Response, error)

func (c httpClient) Do(r *http.Request) (*http.Response, error) { return c(r) }
