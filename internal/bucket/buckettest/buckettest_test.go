package buckettest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
)

const key = "public/a.html"

// ETags of the bodies one and two: their MD5, as md5sum says.
const (
	etagOne = `"f97c5d29941bfb1b2fdab0874906ab82"`
	etagTwo = `"b8a9f715dbb64fd5c56e7783c6820a61"`
)

// put puts a body on a condition: an ETag, * for none, or "" for no condition. It returns the
// ETag, or the code of the refusal.
func put(t *testing.T, c *s3.Client, body, condition string) string {
	t.Helper()
	in := &s3.PutObjectInput{Bucket: aws.String(Bucket), Key: aws.String(key), Body: strings.NewReader(body), ContentType: aws.String("text/html")}
	switch condition {
	case "":
	case "*":
		in.IfNoneMatch = aws.String("*")
	default:
		in.IfMatch = &condition
	}
	out, err := c.PutObject(t.Context(), in)
	if err != nil {
		return code(err)
	}
	return *out.ETag
}

// code is what S3 calls the error; "no answer" when it was not S3 that made it.
func code(err error) string {
	if known, ok := errors.AsType[smithy.APIError](err); ok {
		return known.ErrorCode()
	}
	return "no answer"
}

// get returns the body of the object, or the code of the refusal.
func get(t *testing.T, c *s3.Client) string {
	t.Helper()
	out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(Bucket), Key: aws.String(key)})
	if err != nil {
		return code(err)
	}
	defer out.Body.Close()
	body, err := io.ReadAll(out.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func client(s *Server, more ...func(*s3.Options)) *s3.Client {
	return s3.NewFromConfig(s.Config(), append([]func(*s3.Options){AtOnce, func(o *s3.Options) { o.UsePathStyle = true }}, more...)...)
}

func once(o *s3.Options) { o.RetryMaxAttempts = 1 }

func TestConditions(t *testing.T) {
	summed := func(o *s3.Options) { o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenSupported }
	for name, tt := range map[string]struct {
		start   func(testing.TB) *Server
		options []func(*s3.Options)
	}{
		"plain":                {New, nil},
		"plain with checksums": {New, []func(*s3.Options){summed}},
		"TLS":                  {NewTLS, nil},
		"TLS with checksums":   {NewTLS, []func(*s3.Options){summed}},
	} {
		t.Run(name, func(t *testing.T) {
			s := tt.start(t)
			c := client(s, tt.options...)
			for n, step := range []struct{ body, condition, want string }{
				{"one", etagOne, "NoSuchKey"},
				{"one", "*", etagOne},
				{"two", "*", "PreconditionFailed"},
				{"two", etagTwo, "PreconditionFailed"},
				{"two", etagOne, etagTwo},
				{"one", etagOne, "PreconditionFailed"},
				{"one", "", etagOne},
				{"one", etagOne, etagOne},
			} {
				if got := put(t, c, step.body, step.condition); got != step.want {
					t.Errorf("%d: %s, want %s", n, got, step.want)
				}
			}
			if got := get(t, c); got != "one" {
				t.Error(got)
			}
			want := map[string]int{"PUT 200": 4, "PUT 404": 1, "PUT 412": 3, "GET 200": 1}
			if d := cmp.Diff(want, s.Counts()); d != "" {
				t.Error(d)
			}
		})
	}
}

// What S3 does with metadata: names in small letters, what is more than ASCII as in mail.
func TestMetadata(t *testing.T) {
	s := New(t)
	c := client(s)
	in := &s3.PutObjectInput{Bucket: aws.String(Bucket), Key: aws.String("ä b"), Body: strings.NewReader(""), Metadata: map[string]string{"Plain": " a  b ", "Other": "ä"}}
	if _, err := c.PutObject(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	resp, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: in.Bucket, Key: in.Key})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string]string{"plain": "a  b", "other": "=?UTF-8?q?=C3=A4?="}, resp.Metadata); d != "" {
		t.Error(d)
	}
	in.Metadata = map[string]string{"a": strings.Repeat("b", maxMeta)}
	if _, err := c.PutObject(t.Context(), in); err == nil || code(err) != "MetadataTooLarge" {
		t.Errorf("too much metadata: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	s := New(t)
	for _, tt := range []struct {
		method, path string
		signed       bool
		status       int
	}{
		{"GET", "/site/a", false, 403},
		{"GET", "/site/a", true, 404},
		{"GET", "/other/a", true, 404},
		{"DELETE", "/site/a", true, 405},
		{"GET", "/site/" + strings.Repeat("a", 1025), true, 400},
		{"PUT", "/site/a", true, 400}, // without a digest
	} {
		r, err := http.NewRequestWithContext(t.Context(), tt.method, s.URL+tt.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if tt.signed {
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test")
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != tt.status {
			t.Errorf("%s %.20s: %d, want %d", tt.method, tt.path, resp.StatusCode, tt.status)
		}
	}
	s.Unlisted = true
	if got := get(t, client(s)); got != "AccessDenied" {
		t.Errorf("what is not there, for who may not list: %s", got)
	}
}

// What a client gets that tries once, and what is there then.
func TestFaults(t *testing.T) {
	for _, tt := range []struct {
		fault     Fault
		put, then string
	}{
		{None, etagTwo, "two"},
		{SlowDown, "SlowDown", "one"},
		{SlowAfter, "SlowDown", "two"},
		{Internal, "InternalError", "one"},
		{Refused, "PreconditionFailed", "one"},
		{Conflict, "ConditionalRequestConflict", "one"},
		{Lost, "no answer", "one"},
		{LostAfter, "no answer", "two"},
		{Late, etagTwo, "two"},
		{Held, etagTwo, "two"},
	} {
		t.Run(fmt.Sprint(tt.fault), func(t *testing.T) {
			s := New(t)
			var fault atomic.Int64
			s.Inject = func(Request) (Fault, time.Duration) { return Fault(fault.Swap(0)), 10 * time.Millisecond }
			c := client(s, once)
			put(t, c, "one", "*")
			fault.Store(int64(tt.fault))
			if got := put(t, c, "two", etagOne); got != tt.put {
				t.Errorf("PUT: %s, want %s", got, tt.put)
			}
			if got := get(t, c); got != tt.then {
				t.Errorf("then there is %s, want %s", got, tt.then)
			}
		})
	}
}

// A PUT of a client that gives up may be done all the same, at once or later.
func TestGivenUp(t *testing.T) {
	for _, tt := range []struct {
		fault       Fault
		first, then string
	}{
		{Late, "two", "two"},
		{Held, "one", "two"},
	} {
		s := New(t)
		ctx, cancel := context.WithCancel(t.Context())
		arrived := make(chan bool, 1)
		c := client(s)
		s.Inject = func(r Request) (Fault, time.Duration) {
			if r.Method == http.MethodGet || ctx.Err() != nil {
				return None, 0
			}
			arrived <- true
			return tt.fault, 300 * time.Millisecond
		}
		s.Stored = func(string, []byte) {}
		s.objects[key] = object{body: []byte("one"), etag: etagOne}
		go func() {
			<-arrived
			time.Sleep(50 * time.Millisecond)
			cancel()
		}()
		in := &s3.PutObjectInput{Bucket: aws.String(Bucket), Key: aws.String(key), Body: bytes.NewReader([]byte("two")), IfMatch: aws.String(etagOne)}
		if _, err := c.PutObject(ctx, in); !errors.Is(err, context.Canceled) {
			t.Errorf("%d: %v", tt.fault, err)
		}
		if got := get(t, c); got != tt.first {
			t.Errorf("%d: at first there is %s, want %s", tt.fault, got, tt.first)
		}
		s.Wait()
		if got := get(t, c); got != tt.then {
			t.Errorf("%d: then there is %s, want %s", tt.fault, got, tt.then)
		}
	}
}

func TestRandom(t *testing.T) {
	count := func(seed uint64, method string) map[Fault]int {
		inject, counts := Random(seed, 0.5, time.Second, SlowDown, Refused), map[Fault]int{}
		for range 1000 {
			f, delay := inject(Request{Method: method})
			if delay < 0 || delay > time.Second {
				t.Fatal(delay)
			}
			counts[f]++
		}
		return counts
	}
	if d := cmp.Diff(count(1, "PUT"), count(1, "PUT")); d != "" {
		t.Error(d)
	}
	if got := count(1, "PUT"); got[SlowDown] < 200 || got[Refused] < 200 || got[None] < 400 {
		t.Error(got)
	}
	if got := count(1, "GET"); got[SlowDown] < 200 || got[Refused] != 0 {
		t.Error(got)
	}
}
