package lambdahttp_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tocsin/internal/apitest"
	"tocsin/internal/lambdahttp"
	"tocsin/internal/web"
)

const failure = `{"error":{"code":"INTERNAL_ERROR","message":"Internal server error"}}`

// The adapter prints what it can't do on the standard log.
func TestMain(m *testing.M) {
	log.SetOutput(io.Discard)
	os.Exit(m.Run())
}

// logBuffer is a log that many goroutines write to.
type logBuffer struct{ apitest.Log }

// lines returns the log's lines, decoded.
func (b *logBuffer) lines(t *testing.T) []map[string]any {
	t.Helper()
	var lines []map[string]any
	for line := range strings.Lines(b.String()) {
		var l map[string]any
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("log line %q: %v", line, err)
		}
		lines = append(lines, l)
	}
	return lines
}

// event returns the JSON of a usual event with a change in it.
func event(t testing.TB, change func(*events.APIGatewayV2HTTPRequest)) []byte {
	t.Helper()
	e := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: "$default", RawPath: "/a",
		Headers: map[string]string{"host": "api.example.com"},
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			RequestID: "id-1", Stage: "$default", DomainName: "api.example.com",
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{Method: "GET", Path: "/a", SourceIP: "192.0.2.1"},
		},
	}
	if change != nil {
		change(&e)
	}
	payload, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

// seen is what the http.Handler got.
type seen struct {
	Method, Path, RawQuery, Host, RemoteAddr string
	Header                                   http.Header
	Body                                     string
	Call                                     web.Call
}

// serve passes the event through a Handler and returns what arrives behind it.
func serve(t testing.TB, ctx context.Context, payload []byte) seen {
	t.Helper()
	var got seen
	served := 0
	h := lambdahttp.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		served++
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got = seen{r.Method, r.URL.Path, r.URL.RawQuery, r.Host, r.RemoteAddr, r.Header, string(body), *web.CallFrom(r.Context())}
		w.WriteHeader(http.StatusNoContent)
	}), []byte(failure), slog.New(slog.DiscardHandler))
	if response := invoke(t, h, ctx, payload); response.StatusCode != http.StatusNoContent || served != 1 {
		t.Fatalf("the event %s was served %d times and answered %+v", payload, served, response)
	}
	return got
}

func invoke(t testing.TB, h *lambdahttp.Handler, ctx context.Context, payload []byte) events.APIGatewayV2HTTPResponse {
	t.Helper()
	out, err := h.Invoke(ctx, payload)
	if err != nil {
		t.Fatal(err)
	}
	var response events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal(out, &response); err != nil {
		t.Fatal(err)
	}
	return response
}

// An event with all that API Gateway puts into one, and a field it may add one day.
const wholeEvent = `{
	"version": "2.0",
	"routeKey": "POST /api/v4/incidents/{incident_id}/comments",
	"rawPath": "/api/v4/incidents/7/comments",
	"rawQueryString": "a=1&a=2&b=%20x",
	"cookies": ["one=1", "two=2"],
	"headers": {
		"authorization": "Bearer secret, with a comma",
		"x-list":        "a,b, c , ,",
		"content-length": "15",
		"content-type": "application/json; charset=utf-8, really",
		"host": "abc123.execute-api.eu-central-1.amazonaws.com",
		"user-agent": "curl/8.5.0, as it says",
		"x-amzn-trace-id": "Root=1-5e9f0c65-1de4d666d4dd26aced652b6c",
		"x-forwarded-for": "192.0.2.1, 198.51.100.2",
		"x-forwarded-host": "evil.example",
		"x-forwarded-port": "443",
		"x-forwarded-proto": "https"
	},
	"queryStringParameters": {"a": "1,2", "b": " x"},
	"pathParameters": {"incident_id": "7"},
	"stageVariables": {"stage": "live"},
	"requestContext": {
		"accountId": "123456789012",
		"apiId": "abc123",
		"authentication": {"clientCert": {"clientCertPem": "PEM", "issuerDN": "CN=CA", "serialNumber": "1", "subjectDN": "CN=client",
			"validity": {"notAfter": "Aug  5 00:28:21 2120 GMT", "notBefore": "Aug 29 00:28:21 2020 GMT"}}},
		"authorizer": {"jwt": {"claims": {"claim": "value"}, "scopes": ["a"]}},
		"domainName": "abc123.execute-api.eu-central-1.amazonaws.com",
		"domainPrefix": "abc123",
		"http": {"method": "POST", "path": "/api/v4/incidents/7/comments", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "curl/8.5.0"},
		"requestId": "JKJaXmPLvHcESHA=",
		"routeKey": "POST /api/v4/incidents/{incident_id}/comments",
		"stage": "$default",
		"time": "12/Mar/2026:19:03:58 +0000",
		"timeEpoch": 1773342238000
	},
	"body": "{\"comment\":\"ü\"}",
	"isBase64Encoded": false,
	"somethingNew": {"a": [1]}
}`

func TestWholeEvent(t *testing.T) {
	got := serve(t, t.Context(), []byte(wholeEvent))
	want := seen{
		Method: "POST", Path: "/api/v4/incidents/7/comments", RawQuery: "a=1&a=2&b=%20x",
		Host: "gateway.invalid", RemoteAddr: "192.0.2.1", Body: `{"comment":"ü"}`,
		Header: http.Header{
			"Authorization":     {"Bearer secret, with a comma"},
			"Content-Length":    {"15"},
			"Content-Type":      {"application/json; charset=utf-8, really"},
			"Cookie":            {"one=1", "two=2"},
			"Host":              {"abc123.execute-api.eu-central-1.amazonaws.com"},
			"User-Agent":        {"curl/8.5.0, as it says"},
			"X-Amzn-Trace-Id":   {"Root=1-5e9f0c65-1de4d666d4dd26aced652b6c"},
			"X-Forwarded-For":   {"192.0.2.1, 198.51.100.2"}, // as it was delivered: the adapter would cut it
			"X-Forwarded-Host":  {"evil.example"},
			"X-Forwarded-Port":  {"443"},
			"X-Forwarded-Proto": {"https"},
			"X-List":            {"a,b, c , ,"},
		},
		Call: web.Call{RequestID: "JKJaXmPLvHcESHA=", Origin: "https://abc123.execute-api.eu-central-1.amazonaws.com"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPath(t *testing.T) {
	for _, tt := range []struct{ name, rawPath, contextPath, want string }{
		{"plain", "/a/b", "/a/b", "/a/b"},
		{"percent sign", "/monitors/100%", "", "/monitors/100%"},
		{"two percent signs", "/%%", "", "/%%"},
		{"what looks encoded is not", "/a%2Fb%00", "", "/a%2Fb%00"},
		{"question mark", "/item/a?b=c", "", "/item/a?b=c"},
		{"number sign", "/item/a#b", "", "/item/a#b"},
		{"question mark and number sign", "/?#?#", "", "/?#?#"},
		{"space", "/a b/ ", "", "/a b/ "},
		{"plus", "/a+b", "", "/a+b"},
		{"unicode", "/Grüße/日本/🔥", "", "/Grüße/日本/🔥"},
		{"control characters", "/a\x00\n\r\tb\x7f", "", "/a\x00\n\r\tb\x7f"},
		{"bytes that JSON could not carry", "/a\ufffdb", "", "/a\ufffdb"},
		{"two slashes", "//a//b//", "", "//a//b//"},
		{"another host", "//evil.example/a", "", "//evil.example/a"},
		{"userinfo", "/@evil.example:80/", "", "/@evil.example:80/"},
		{"dots", "/../a/./../b/..", "", "/../a/./../b/.."},
		{"backslash", `/a\..\b`, "", `/a\..\b`},
		{"brackets, quotes", `/[a]{b}"'<>|^;,=&$!*()`, "", `/[a]{b}"'<>|^;,=&$!*()`},
		{"colon", "/a:b", "", "/a:b"},
		{"no slash in front", "a/b", "", "/a/b"},
		{"an address", "http://evil.example/a", "", "/http://evil.example/a"},
		{"empty", "", "/from/context%", "/from/context%"},
		{"both empty", "", "", "/"},
		{"asterisk", "*", "", "/*"},
		{"long", "/" + strings.Repeat("%/", 4000), "", "/" + strings.Repeat("%/", 4000)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := serve(t, t.Context(), event(t, func(e *events.APIGatewayV2HTTPRequest) {
				e.RawPath, e.RequestContext.HTTP.Path, e.RawQueryString = tt.rawPath, tt.contextPath, "q=1"
			}))
			if got.Path != tt.want || got.RawQuery != "q=1" {
				t.Errorf("path %q, query %q, want path %q, query q=1", got.Path, got.RawQuery, tt.want)
			}
		})
	}
}

func TestAnyPath(t *testing.T) {
	segment := rapid.OneOf(rapid.String(), rapid.StringOf(rapid.SampledFrom([]rune(`%?#/.\:@;+&= ~*[]"'0Fa`))))
	rapid.Check(t, func(rt *rapid.T) {
		path := "/" + segment.Draw(rt, "path")
		got := serve(t, t.Context(), event(t, func(e *events.APIGatewayV2HTTPRequest) { e.RawPath = path }))
		if got.Path != path {
			rt.Errorf("path %q, want %q", got.Path, path)
		}
	})
}

func TestQuery(t *testing.T) {
	for _, tt := range []struct{ name, raw, want string }{
		{"empty", "", ""},
		{"plain", "a=1&b=2", "a=1&b=2"},
		{"repeated", "a=1&a=2&a=", "a=1&a=2&a="},
		{"encoded", "a=%20%C3%BC%2B+", "a=%20%C3%BC%2B+"},
		{"bad escapes stay", "a=%zz&b=%&c=1%", "a=%zz&b=%&c=1%"},
		{"space", "a=b c", "a=b%20c"},
		{"number sign", "a=#b", "a=%23b"},
		{"control characters", "a=\x00\n\x7f", "a=%00%0A%7F"},
		{"not ASCII", "a=ü", "a=%C3%BC"},
		{"question marks", "?a=?b", "?a=?b"},
		{"only separators", "&&=;&", "&&=;&"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := serve(t, t.Context(), event(t, func(e *events.APIGatewayV2HTTPRequest) {
				e.RawQueryString = tt.raw
				e.QueryStringParameters = map[string]string{"other": "value"} // the raw form is the one that counts
			}))
			if got.RawQuery != tt.want || got.Path != "/a" {
				t.Errorf("query %q, path %q, want %q, /a", got.RawQuery, got.Path, tt.want)
			}
		})
	}
}

func TestAnyQuery(t *testing.T) {
	any := rapid.OneOf(rapid.String(), rapid.StringOf(rapid.SampledFrom([]rune("%?#&=;+ \x00\x1f\x7fü🔥4aF"))))
	rapid.Check(t, func(rt *rapid.T) {
		raw := any.Draw(rt, "query")
		got := serve(t, t.Context(), event(t, func(e *events.APIGatewayV2HTTPRequest) { e.RawQueryString = raw }))
		u, err := url.Parse("https://gateway.invalid/a?" + got.RawQuery)
		if err != nil {
			rt.Fatalf("query %q became %q: %v", raw, got.RawQuery, err)
		}
		want, _ := url.ParseQuery(raw) // what can't be decoded is left out in both
		if diff := cmp.Diff(want, u.Query()); diff != "" {
			rt.Errorf("query %q became %q (-want +got):\n%s", raw, got.RawQuery, diff)
		}
	})
}

func TestBody(t *testing.T) {
	binary := "\x00\xff\xfe{\"a\":1}"
	for _, tt := range []struct {
		name, body string
		isBase64   bool
		want       string
	}{
		{"none", "", false, ""},
		{"text", `{"a":"ü"}`, false, `{"a":"ü"}`},
		{"text that looks like base64", "aGFsbG8=", false, "aGFsbG8="},
		{"base64", base64.StdEncoding.EncodeToString([]byte(binary)), true, binary},
		{"empty base64", "", true, ""},
		{"not base64", `{"a":1}`, true, `{"a":1}`},
		{"base64 cut short", "aGFsbG8", true, "aGFsbG8"},
		{"base64 of the other alphabet", "_-8=", true, "_-8="},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := serve(t, t.Context(), event(t, func(e *events.APIGatewayV2HTTPRequest) {
				e.RequestContext.HTTP.Method, e.Body, e.IsBase64Encoded = "POST", tt.body, tt.isBase64
			}))
			if got.Body != tt.want {
				t.Errorf("body %q, want %q", got.Body, tt.want)
			}
		})
	}
}

func TestHeaders(t *testing.T) {
	got := serve(t, t.Context(), event(t, func(e *events.APIGatewayV2HTTPRequest) {
		e.Headers = map[string]string{
			"AUTHORIZATION": "Bearer a,b", "X-Custom": "1", "x-list": "a, b,c", "": "nameless",
			"bad name": "\x00\n", "x-empty": "", "Content-type": "a, b",
		}
		e.Cookies = []string{"a=1", "b=\"2, 3\""}
	}))
	want := http.Header{
		"Authorization": {"Bearer a,b"}, "X-Custom": {"1"}, "X-List": {"a, b,c"}, "": {"nameless"},
		"bad name": {"\x00\n"}, "X-Empty": {""}, "Content-Type": {"a, b"}, "Cookie": {"a=1", "b=\"2, 3\""},
	}
	if diff := cmp.Diff(want, got.Header); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	got = serve(t, t.Context(), event(t, func(e *events.APIGatewayV2HTTPRequest) { e.Headers = nil }))
	if len(got.Header) != 0 {
		t.Errorf("without headers: %v", got.Header)
	}
}

func TestMethod(t *testing.T) {
	for _, tt := range []struct{ method, want string }{
		{"GET", "GET"}, {"PATCH", "PATCH"}, {"CONNECT", "CONNECT"}, {"TRACE", "TRACE"}, {"X-ODD!", "X-ODD!"},
		{"get", "GET"}, {"Patch", "PATCH"}, // the adapter's
		{"GE T", "INVALID"}, {" GET", "INVALID"}, {"GET\n", "INVALID"}, {"GÉT", "INVALID"}, {"GET/", "INVALID"}, {"\x00", "INVALID"}, {"日本", "INVALID"},
		{"po\u017ft", "INVALID"}, // would be POST in upper case
	} {
		got := serve(t, t.Context(), event(t, func(e *events.APIGatewayV2HTTPRequest) { e.RequestContext.HTTP.Method = tt.method }))
		if got.Method != tt.want {
			t.Errorf("method %q became %q, want %q", tt.method, got.Method, tt.want)
		}
	}
}

func TestOrigin(t *testing.T) {
	for _, tt := range []struct{ domain, want string }{
		{"abc.execute-api.eu-central-1.amazonaws.com", "https://abc.execute-api.eu-central-1.amazonaws.com"},
		{"status.example.com", "https://status.example.com"},
		{"status.example.com:8443", "https://status.example.com:8443"},
		{"192.0.2.1", "https://192.0.2.1"},
		{"[2001:db8::1]:443", "https://[2001:db8::1]:443"},
		{"localhost.example.com", "https://localhost.example.com"},
		{"127.0.0.1.example.com", "https://127.0.0.1.example.com"},
		{"localhost", "http://localhost"},
		{"localhost:3000", "http://localhost:3000"},
		{"LocalHost:3000", "http://LocalHost:3000"},
		{"127.0.0.1:3000", "http://127.0.0.1:3000"},
		{"127.8.9.10", "http://127.8.9.10"},
		{"[::1]:3000", "http://[::1]:3000"},
		{"[::1]", "http://[::1]"},
	} {
		got := serve(t, t.Context(), event(t, func(e *events.APIGatewayV2HTTPRequest) { e.RequestContext.DomainName = tt.domain }))
		if got.Call.Origin != tt.want {
			t.Errorf("domain %q: origin %q, want %q", tt.domain, got.Call.Origin, tt.want)
		}
	}
}

// Whatever the domain name is, the request is served and its path is the one sent.
func TestDomainName(t *testing.T) {
	for _, domain := range []string{
		"", " ", "a b", "user:pw@example.com", "example.com/evil", "example.com?evil", "example.com#evil", "://", "[::1", "a\nb", "%zz", "ü.example",
	} {
		got := serve(t, t.Context(), event(t, func(e *events.APIGatewayV2HTTPRequest) {
			e.RequestContext.DomainName, e.RawQueryString = domain, "q=1"
			e.Headers = map[string]string{"host": domain, "x-forwarded-host": domain}
		}))
		if got.Path != "/a" || got.RawQuery != "q=1" || got.Host != "gateway.invalid" {
			t.Errorf("domain %q: host %q, path %q, query %q", domain, got.Host, got.Path, got.RawQuery)
		}
	}
}

func TestRequestID(t *testing.T) {
	noID := event(t, func(e *events.APIGatewayV2HTTPRequest) { e.RequestContext.RequestID = "" })
	inLambda := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "lambda-1"})
	for _, tt := range []struct {
		name    string
		ctx     context.Context
		payload []byte
		want    string
	}{
		{"the gateway's", inLambda, event(t, nil), "id-1"},
		{"else Lambda's", inLambda, noID, "lambda-1"},
		{"else none", t.Context(), noID, "unknown"},
	} {
		if got := serve(t, tt.ctx, tt.payload).Call.RequestID; got != tt.want {
			t.Errorf("%s: request id %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestNoEvent(t *testing.T) {
	for _, payload := range []string{
		"", "null", "{}", "[]", "1", `"GET /"`, "{", "\xff",
		`{"version":"1.0","httpMethod":"GET","path":"/a","requestContext":{"httpMethod":"GET"}}`, // payload format 1.0
		`{"Records":[{"eventSource":"aws:sqs"}]}`,
		`{"requestContext":{"http":{"method":""}}}`,
		`{"requestContext":{"http":{"method":5}}}`,
		`{"rawPath":"/a","headers":["x"],"requestContext":{"http":{"method":"GET"}}}`,
	} {
		h := lambdahttp.New(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Errorf("%q was served", payload) }),
			[]byte(failure), slog.New(slog.DiscardHandler))
		if out, err := h.Invoke(t.Context(), []byte(payload)); err == nil {
			t.Errorf("%q was answered %s", payload, out)
		}
	}
}

func TestAnswer(t *testing.T) {
	h := lambdahttp.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header()["X-Many"] = []string{"a", "b"}
		w.Header()["Set-Cookie"] = []string{"a=1", "b=2"}
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, strings.TrimPrefix(r.URL.Path, "/"))
	}), []byte(failure), slog.New(slog.DiscardHandler))
	for _, tt := range []struct {
		name, body string
		want       events.APIGatewayV2HTTPResponse
	}{
		{"text", "<ü>&\u2028", events.APIGatewayV2HTTPResponse{Body: "<ü>&\u2028"}},
		{"empty", "", events.APIGatewayV2HTTPResponse{}},
	} {
		got := invoke(t, h, t.Context(), event(t, func(e *events.APIGatewayV2HTTPRequest) { e.RawPath = "/" + tt.body }))
		tt.want.StatusCode = http.StatusCreated
		tt.want.Headers = map[string]string{"Content-Type": "application/json", "X-Many": "a,b"}
		tt.want.Cookies = []string{"a=1", "b=2"}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	h = lambdahttp.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "\xff\x00") }),
		[]byte(failure), slog.New(slog.DiscardHandler))
	if got := invoke(t, h, t.Context(), event(t, nil)); !got.IsBase64Encoded || got.Body != "/wA=" {
		t.Errorf("bytes that are no text were answered %+v", got)
	}
}

// TestCompressedAnswer has a handler answer in gzip's format. JSON can't carry that, so
// it must be in base64; an answer without a body is none.
func TestCompressedAnswer(t *testing.T) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, "a page")
	w.Close()
	h := lambdahttp.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Etag", `"1"`)
		if r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Content-Encoding", r.Header.Get("Accept-Encoding"))
		w.WriteHeader(http.StatusOK)
		if r.Method != http.MethodHead {
			w.Write(b.Bytes())
		}
	}), []byte(failure), slog.New(slog.DiscardHandler))
	whole := map[string]string{"Etag": `"1"`, "Content-Type": "text/html", "Content-Encoding": "gzip"}
	for _, tt := range []struct {
		name, method, tag string
		want              events.APIGatewayV2HTTPResponse
	}{
		{"GET", "GET", "", events.APIGatewayV2HTTPResponse{StatusCode: 200, Headers: whole, Body: base64.StdEncoding.EncodeToString(b.Bytes()), IsBase64Encoded: true}},
		{"HEAD", "HEAD", "", events.APIGatewayV2HTTPResponse{StatusCode: 200, Headers: whole}},
		{"what the client has", "GET", `"1"`, events.APIGatewayV2HTTPResponse{StatusCode: 304, Headers: map[string]string{"Etag": `"1"`}}},
	} {
		got := invoke(t, h, t.Context(), event(t, func(e *events.APIGatewayV2HTTPRequest) {
			e.RequestContext.HTTP.Method, e.Headers["accept-encoding"] = tt.method, "gzip"
			if tt.tag != "" {
				e.Headers["if-none-match"] = tt.tag
			}
		}))
		tt.want.Cookies = []string{}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// A handler that fails is answered in the API's own words, and the log says why.
func TestFailures(t *testing.T) {
	const key = "kener_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	for _, tt := range []struct {
		name  string
		h     http.HandlerFunc
		cause []string // parts of the log's cause
	}{
		{"panic", func(http.ResponseWriter, *http.Request) { panic("the sky fell") },
			[]string{"panic: the sky fell", "goroutine ", "lambdahttp_test.go:"}},
		{"panic with an error", func(http.ResponseWriter, *http.Request) { panic(errors.New("broken")) }, []string{"panic: broken"}},
		{"a nil pointer", func(http.ResponseWriter, *http.Request) { var r *http.Request; _ = r.URL.Path },
			[]string{"nil pointer dereference", "lambdahttp_test.go:"}},
		{"panic after half an answer", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Half", "1")
			w.WriteHeader(http.StatusOK)
			io.WriteString(w, "half")
			panic("then this")
		}, []string{"panic: then this"}},
		{"abort", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, []string{"panic: net/http: abort Handler"}},
		{"nothing written", func(http.ResponseWriter, *http.Request) {}, []string{"Status code not set"}},
		{"a status that no answer has", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(0) }, []string{"the handler answered with the status 0"}},
		{"a status that is no last one", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusContinue) }, []string{"the status 100"}},
		{"a status out of range", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(600) }, []string{"the status 600"}},
		{"only a header written", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Half", "1") }, []string{"Status code not set"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var log logBuffer
			h := lambdahttp.New(tt.h, []byte(failure), slog.New(slog.NewJSONHandler(&log, nil)))
			got := invoke(t, h, t.Context(), event(t, func(e *events.APIGatewayV2HTTPRequest) {
				e.Headers = map[string]string{"authorization": "Bearer " + key}
				e.RawQueryString, e.Body = "key="+key, key
			}))
			want := events.APIGatewayV2HTTPResponse{
				StatusCode: http.StatusInternalServerError,
				Headers:    map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store", "X-Request-Id": "id-1"},
				Body:       failure,
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			lines := log.lines(t)
			if len(lines) != 1 || lines[0]["level"] != "ERROR" || lines[0]["status"] != 500.0 || lines[0]["requestId"] != "id-1" {
				t.Fatalf("log: %v", lines)
			}
			cause, _ := lines[0]["cause"].(string)
			for _, part := range tt.cause {
				if !strings.Contains(cause, part) {
					t.Errorf("the cause %q does not say %q", cause, part)
				}
			}
			if strings.Contains(log.String(), key) {
				t.Errorf("the API key is in the log: %s", &log)
			}
			// The handler still answers.
			if again := invoke(t, h, t.Context(), event(t, nil)); again.StatusCode != http.StatusInternalServerError {
				t.Errorf("the next request: %+v", again)
			}
		})
	}
}

func TestLogLine(t *testing.T) {
	const key = "kener_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	var log logBuffer
	h := lambdahttp.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		call := web.CallFrom(r.Context())
		status := http.StatusOK
		switch r.URL.Path {
		case "/ok":
			call.Route, call.KeyID = "GET /ok", 7
		case "/refused":
			status = http.StatusUnauthorized
		case "/unavailable":
			call.Route, call.Cause, status = "GET /unavailable", errors.New("throttled"), http.StatusServiceUnavailable
		}
		w.WriteHeader(status)
	}), []byte(failure), slog.New(slog.NewJSONHandler(&log, nil)))
	const trace = "1-5759e988-bd862e3fe1be46a994272793"
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "lambda-1"})
	//lint:ignore SA1029 aws-lambda-go has this key
	ctx = context.WithValue(ctx, "x-amzn-trace-id", "Root="+trace+";Parent=53995c3f42cd8ad8;Sampled=0")
	for _, path := range []string{"/ok", "/refused", "/unavailable"} {
		invoke(t, h, ctx, event(t, func(e *events.APIGatewayV2HTTPRequest) {
			e.RawPath, e.RequestContext.RequestID = path, "id"+path
			e.Headers = map[string]string{"authorization": "Bearer " + key, "x-key": key}
			e.RawQueryString, e.Body, e.Cookies = "key="+key, key, []string{key}
		}))
	}
	got := log.lines(t)
	for _, l := range got {
		took, ok := l["durationMs"].(float64)
		if at, err := time.Parse(time.RFC3339, l["time"].(string)); !ok || took < 0 || took > 60_000 || err != nil || time.Since(at) > time.Minute {
			t.Errorf("time and duration of %v", l)
		}
		delete(l, "durationMs")
		delete(l, "time")
	}
	want := []map[string]any{
		{"level": "INFO", "msg": "request", "requestId": "id/ok", "method": "GET", "route": "GET /ok", "status": 200.0,
			"coldStart": true, "keyId": 7.0, "lambdaRequestId": "lambda-1", "traceId": trace},
		{"level": "INFO", "msg": "request", "requestId": "id/refused", "method": "GET", "route": "", "status": 401.0,
			"coldStart": false, "lambdaRequestId": "lambda-1", "traceId": trace},
		{"level": "ERROR", "msg": "request", "requestId": "id/unavailable", "method": "GET", "route": "GET /unavailable", "status": 503.0,
			"coldStart": false, "lambdaRequestId": "lambda-1", "traceId": trace, "cause": "throttled"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if strings.Contains(log.String(), key) {
		t.Errorf("the API key is in the log: %s", &log)
	}
}

// The gateway on this machine has one function serve many requests at once.
func TestColdStartOnce(t *testing.T) {
	var log logBuffer
	h := lambdahttp.New(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }),
		[]byte(failure), slog.New(slog.NewJSONHandler(&log, nil)))
	var g sync.WaitGroup
	for range 50 {
		g.Go(func() { invoke(t, h, t.Context(), event(t, nil)) })
	}
	g.Wait()
	cold := 0
	lines := log.lines(t)
	for _, l := range lines {
		if l["coldStart"] == true {
			cold++
		}
	}
	if len(lines) != 50 || cold != 1 {
		t.Errorf("%d lines, %d of them with coldStart, want 50 and 1", len(lines), cold)
	}
}

func TestDeadline(t *testing.T) {
	type limit struct {
		At    time.Time
		Given bool
		Over  bool // the context has ended when the handler begins
	}
	now := time.Now()
	for _, tt := range []struct {
		name     string
		deadline time.Time
		want     limit
	}{
		{"none", time.Time{}, limit{}},
		{"a second less", now.Add(25 * time.Second), limit{At: now.Add(24 * time.Second), Given: true}},
		{"less than a second left", now.Add(500 * time.Millisecond), limit{At: now.Add(-500 * time.Millisecond), Given: true, Over: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx := t.Context()
			if !tt.deadline.IsZero() {
				var cancel context.CancelFunc
				ctx, cancel = context.WithDeadline(ctx, tt.deadline)
				defer cancel()
			}
			var got limit
			h := lambdahttp.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got.At, got.Given = r.Context().Deadline()
				got.Over = r.Context().Err() != nil
				w.WriteHeader(http.StatusOK)
			}), []byte(failure), slog.New(slog.DiscardHandler))
			if response := invoke(t, h, ctx, event(t, nil)); response.StatusCode != http.StatusOK {
				t.Errorf("answered %+v", response)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("the handler's deadline (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLogger(t *testing.T) {
	var log logBuffer
	logger := lambdahttp.Logger(slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn})))
	ctx := web.WithCall(t.Context(), &web.Call{RequestID: "id-1"})
	logger.InfoContext(ctx, "below the level")
	logger.WarnContext(ctx, "in a request")
	logger.Warn("in none")
	logger.With("a", 1).WarnContext(ctx, "with attributes")
	got := log.lines(t)
	for _, l := range got {
		delete(l, "time")
	}
	want := []map[string]any{
		{"level": "WARN", "msg": "in a request", "requestId": "id-1"},
		{"level": "WARN", "msg": "in none"},
		{"level": "WARN", "msg": "with attributes", "requestId": "id-1", "a": 1.0},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCallFromNothing(t *testing.T) {
	if diff := cmp.Diff(&web.Call{}, web.CallFrom(t.Context())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
