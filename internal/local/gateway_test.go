package local

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// handlerFunc is a function as a lambda.Handler.
type handlerFunc func(ctx context.Context, event []byte) ([]byte, error)

func (f handlerFunc) Invoke(ctx context.Context, event []byte) ([]byte, error) { return f(ctx, event) }

var quiet = slog.New(slog.DiscardHandler)

// newTestGateway has one function, with the routes given or else only the default
// one.
func newTestGateway(t *testing.T, f handlerFunc, routes ...Route) *Gateway {
	t.Helper()
	if len(routes) == 0 {
		routes = []Route{{anyMethod, defaultRoute}}
	}
	template := &Template{Functions: []Function{{ID: "F", Timeout: 25 * time.Second, Routes: routes}}}
	g, err := NewGateway(template, map[string]lambda.Handler{"F": f}, GatewayOptions{
		Log: quiet,
		Now: func() time.Time { return time.UnixMilli(1587481701067) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestRouterMatch(t *testing.T) {
	r, err := newRouter([]Function{
		{ID: "Edge", Routes: []Route{{"ANY", "$default"}, {"ANY", "/files/{path+}"}, {"ANY", "/files/{name}/raw/{rest+}"}, {"GET", "/{all+}"}}},
		{ID: "Items", Routes: []Route{
			{"ANY", "/items"}, {"GET", "/items"}, {"ANY", "/items/{id}"}, {"GET", "/items/{id}"}, {"GET", "/items/new"},
			{"POST", "/items/{id}/parts/{part}"}, {"GET", "/{kind}/new"}, {"GET", "/"},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		method, path, want string
		variables          map[string]string
	}{
		{"GET", "/items", "GET /items", nil},
		{"POST", "/items", "ANY /items", nil},
		{"GET", "/items/7", "GET /items/{id}", map[string]string{"id": "7"}},
		{"HEAD", "/items/7", "ANY /items/{id}", map[string]string{"id": "7"}},
		{"GET", "/items/new", "GET /items/new", nil},
		{"PUT", "/items/new", "ANY /items/{id}", map[string]string{"id": "new"}},
		{"GET", "/things/new", "GET /{kind}/new", map[string]string{"kind": "things"}},
		{"POST", "/items/a b/parts/ü", "POST /items/{id}/parts/{part}", map[string]string{"id": "a b", "part": "ü"}},
		{"GET", "/items/7/parts/8", "GET /{all+}", map[string]string{"all": "items/7/parts/8"}},
		{"PUT", "/items/7/parts/8", "$default", nil},
		{"POST", "/items/", "$default", nil},
		{"GET", "/items/", "GET /{all+}", map[string]string{"all": "items/"}},
		{"POST", "//items", "$default", nil},
		{"POST", "/Items", "$default", nil},
		{"GET", "/", "GET /", nil},
		{"POST", "/", "$default", nil},
		{"PUT", "/files/a/b//c", "ANY /files/{path+}", map[string]string{"path": "a/b//c"}},
		{"GET", "/files/a", "ANY /files/{path+}", map[string]string{"path": "a"}},
		{"GET", "/files/a/raw/b/c", "ANY /files/{name}/raw/{rest+}", map[string]string{"name": "a", "rest": "b/c"}},
		{"PUT", "/files/", "$default", nil},
		{"PUT", "/files", "$default", nil},
	}
	for _, test := range tests {
		got, variables, ok := r.match(test.method, test.path)
		if !ok || got.key() != test.want || !cmp.Equal(variables, test.variables) {
			t.Errorf("%s %s: %s %v (%t), want %s %v", test.method, test.path, got.key(), variables, ok, test.want, test.variables)
		}
	}
}

func TestNewGatewayRefuses(t *testing.T) {
	get := Route{"GET", "/x"}
	tests := []struct {
		name      string
		functions []Function
		want      string
	}{
		{"no handler", []Function{{ID: "F", Routes: []Route{get}}}, "the function F has routes but no handler here"},
		{"the same route twice", []Function{{ID: "F", Routes: []Route{get}}, {ID: "G", Routes: []Route{get}}}, "F and G both have the route GET /x"},
	}
	for _, test := range tests {
		if _, err := NewGateway(&Template{Functions: test.functions}, nil, GatewayOptions{}); err == nil || err.Error() != test.want {
			t.Errorf("%s: %v, want %s", test.name, err, test.want)
		}
	}
	if _, err := NewGateway(&Template{Functions: []Function{{ID: "Scheduled"}}}, nil, GatewayOptions{}); err != nil {
		t.Errorf("a function without routes needs no handler: %v", err)
	}
}

func TestGatewayEvent(t *testing.T) {
	var payload []byte
	var invocation *lambdacontext.LambdaContext
	var remaining time.Duration
	g := newTestGateway(t, func(ctx context.Context, event []byte) ([]byte, error) {
		payload = event
		invocation, _ = lambdacontext.FromContext(ctx)
		deadline, _ := ctx.Deadline()
		remaining = time.Until(deadline)
		return []byte(`{"statusCode":204}`), nil
	}, Route{"POST", "/items/{id}"})

	r := httptest.NewRequest("POST", "http://api.example.com:3000/items/a%2Bb%25%3F%20%C3%BC?x=1&y=a%20b&x=2&z&%zz=%q&p=1+1", strings.NewReader(`{"<":"ü"}`))
	r.RemoteAddr = "192.0.2.7:51234"
	r.Header = http.Header{
		"Content-Type":    {"application/json; charset=utf-8"},
		"User-Agent":      {"curl/7.58.0"},
		"X-Many":          {"a", "b, c"},
		"Cookie":          {"a=1; b=2", "c=3"},
		"Connection":      {"keep-alive"},
		"X-Forwarded-For": {"203.0.113.1"},
	}
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)

	var got events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(payload, &got); err != nil {
		t.Fatal(err)
	}
	path := "/items/a+b%? ü"
	want := events.APIGatewayV2HTTPRequest{
		Version:        "2.0",
		RouteKey:       "POST /items/{id}",
		RawPath:        path,
		RawQueryString: "x=1&y=a%20b&x=2&z&%zz=%q&p=1+1",
		Cookies:        []string{"a=1", "b=2", "c=3"},
		Headers: map[string]string{
			"host":              "api.example.com:3000",
			"content-length":    "10",
			"content-type":      "application/json; charset=utf-8",
			"user-agent":        "curl/7.58.0",
			"x-many":            "a,b, c",
			"x-forwarded-for":   "203.0.113.1, 192.0.2.7",
			"x-forwarded-port":  "3000",
			"x-forwarded-proto": "http",
		},
		QueryStringParameters: map[string]string{"x": "1,2", "y": "a b", "z": "", "%zz": "%q", "p": "1 1"},
		PathParameters:        map[string]string{"id": "a+b%? ü"},
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			RouteKey:     "POST /items/{id}",
			AccountID:    "000000000000",
			Stage:        "$default",
			RequestID:    w.Header().Get("Apigw-Requestid"),
			APIID:        "local",
			DomainName:   "localhost",
			DomainPrefix: "localhost",
			Time:         "21/Apr/2020:15:08:21 +0000",
			TimeEpoch:    1587481701067,
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{
				Method: "POST", Path: path, Protocol: "HTTP/1.1", SourceIP: "192.0.2.7", UserAgent: "curl/7.58.0",
			},
		},
		Body: `{"<":"ü"}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
	if len(got.RequestContext.RequestID) != 16 {
		t.Errorf("requestId = %q", got.RequestContext.RequestID)
	}
	if invocation == nil || len(invocation.AwsRequestID) != 36 {
		t.Errorf("lambda context = %+v", invocation)
	}
	if remaining < 20*time.Second || remaining > 25*time.Second {
		t.Errorf("the function has %s left of its 25s", remaining)
	}
}

func TestGatewayEventBody(t *testing.T) {
	tests := []struct {
		contentType, body string
		want              string
		base64            bool
	}{
		{"", "", "", false},
		{"", "{}", "{}", false},
		{"application/json", "ü", "ü", false},
		{"application/problem+json", "{}", "{}", false},
		{"Text/Plain;charset=x;charset", "a", "a", false},
		{"application/x-www-form-urlencoded", "a=b", "YT1i", true},
		{"application/octet-stream", "a", "YQ==", true},
		{"nonsense;;=", "a", "YQ==", true},
		{"application/json", "\xff\x00", "/wA=", true},
		{"image/png", "", "", false},
	}
	for _, test := range tests {
		r := httptest.NewRequest("POST", "/", nil)
		r.Header.Set("Content-Type", test.contentType)
		if test.contentType == "" {
			r.Header.Del("Content-Type")
		}
		got := newEvent(r, []byte(test.body), eventFacts{})
		if got.Body != test.want || got.IsBase64Encoded != test.base64 {
			t.Errorf("%q %q: body %q, base64 %t", test.contentType, test.body, got.Body, got.IsBase64Encoded)
		}
	}
}

// TestGatewayInvalidUTF8 has bytes that are not UTF-8 arrive as U+FFFD.
func TestGatewayInvalidUTF8(t *testing.T) {
	var got events.APIGatewayV2HTTPRequest
	g := newTestGateway(t, func(_ context.Context, event []byte) ([]byte, error) {
		return []byte(`{"statusCode":204}`), json.Unmarshal(event, &got)
	})
	r := httptest.NewRequest("GET", "/%FF%31?q=%FF", nil)
	r.Header.Set("X-Raw", "\xfe")
	g.ServeHTTP(httptest.NewRecorder(), r)
	if got.RawPath != "/\ufffd1" || got.Headers["x-raw"] != "\ufffd" || got.RawQueryString != "q=%FF" {
		t.Errorf("path %q, header %q, query %q", got.RawPath, got.Headers["x-raw"], got.RawQueryString)
	}
}

// TestGatewayPathRoundTrip has any path arrive decoded, over a real connection.
func TestGatewayPathRoundTrip(t *testing.T) {
	var got events.APIGatewayV2HTTPRequest
	g := newTestGateway(t, func(_ context.Context, event []byte) ([]byte, error) {
		return []byte(`{"statusCode":204}`), json.Unmarshal(event, &got)
	}, Route{"GET", "/p/{x}"}, Route{anyMethod, defaultRoute})
	server := httptest.NewServer(g)
	defer server.Close()
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.String().Draw(t, "x")
		got = events.APIGatewayV2HTTPRequest{}
		resp, err := http.Get(server.URL + "/p/" + url.PathEscape(x))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got.RawPath != "/p/"+x {
			t.Fatalf("rawPath = %q, want %q", got.RawPath, "/p/"+x)
		}
		if one := x != "" && !strings.Contains(x, "/"); one && got.PathParameters["x"] != x {
			t.Fatalf("pathParameters = %q, want %q", got.PathParameters, x)
		}
	})
}

func TestGatewayAnswer(t *testing.T) {
	type header = map[string][]string
	tests := []struct {
		name, method, answer string
		status               int
		header               header
		body                 string
	}{
		{"full", "GET", `{"statusCode":201,"headers":{"content-type":"text/x","X-N":7,"x-b":true},"cookies":["a=1","b=2"],"body":"hi"}`,
			201, header{"Content-Type": {"text/x"}, "X-N": {"7"}, "X-B": {"true"}, "Set-Cookie": {"a=1", "b=2"}, "Content-Length": {"2"}}, "hi"},
		{"base64", "GET", `{"statusCode":200,"body":"/wA=","isBase64Encoded":true}`, 200, header{"Content-Length": {"2"}}, "\xff\x00"},
		{"many values", "GET", `{"statusCode":200,"headers":{"a":"x"},"multiValueHeaders":{"A":["1","2"],"B":["3","4"]}}`,
			200, header{"A": {"x"}, "B": {"3", "4"}, "Content-Length": {"0"}}, ""},
		{"own length", "GET", `{"statusCode":200,"headers":{"Content-Length":"99","Connection":"close"},"body":"hi"}`, 200, header{"Content-Length": {"2"}}, "hi"},
		{"HEAD", "HEAD", `{"statusCode":200,"body":"hi"}`, 200, header{"Content-Length": {"2"}}, ""},
		{"no content", "GET", `{"statusCode":204,"body":"hi"}`, 204, header{}, ""},
		{"redirect", "GET", `{"statusCode":308,"headers":{"location":"/x"}}`, 308, header{"Location": {"/x"}, "Content-Length": {"0"}}, ""},
		{"inferred object", "GET", `{"message":"hi"}`, 200, header{"Content-Type": {"application/json"}, "Content-Length": {"16"}}, `{"message":"hi"}`},
		{"inferred list", "GET", `[1]`, 200, header{"Content-Type": {"application/json"}, "Content-Length": {"3"}}, `[1]`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := newTestGateway(t, func(context.Context, []byte) ([]byte, error) { return []byte(test.answer), nil })
			server := httptest.NewServer(g)
			defer server.Close()
			req, err := http.NewRequest(test.method, server.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			if resp.Header.Get("Apigw-Requestid") == "" {
				t.Error("no request id")
			}
			resp.Header.Del("Apigw-Requestid")
			resp.Header.Del("Date")
			if resp.StatusCode != test.status || string(body) != test.body {
				t.Errorf("got %d %q, want %d %q", resp.StatusCode, body, test.status, test.body)
			}
			if diff := cmp.Diff(test.header, header(resp.Header)); diff != "" {
				t.Errorf("header (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGatewayFailures(t *testing.T) {
	says := func(s string) handlerFunc {
		return func(context.Context, []byte) ([]byte, error) { return []byte(s), nil }
	}
	large := strings.Repeat("x", maxPayload)
	const internal = `{"message":"Internal Server Error"}`
	tests := []struct {
		name    string
		handler handlerFunc
		method  string
		target  string
		body    io.Reader
		status  int
		want    string
	}{
		{"error", func(context.Context, []byte) ([]byte, error) { return nil, errors.New("secret") }, "GET", "/", nil, 500, internal},
		{"panic", func(context.Context, []byte) ([]byte, error) { panic("secret") }, "GET", "/", nil, 500, internal},
		{"not JSON", says("secret"), "GET", "/", nil, 500, internal},
		{"nothing", says(""), "GET", "/", nil, 500, internal},
		{"bad status", says(`{"statusCode":"many"}`), "GET", "/", nil, 500, internal},
		{"status out of range", says(`{"statusCode":42}`), "GET", "/", nil, 500, internal},
		{"bad base64", says(`{"statusCode":200,"body":"?","isBase64Encoded":true}`), "GET", "/", nil, 500, internal},
		{"bad header", says(`{"statusCode":200,"headers":{"a":[]}}`), "GET", "/", nil, 500, internal},
		{"header name with a space", says(`{"statusCode":200,"headers":{"a b":"x"}}`), "GET", "/", nil, 500, internal},
		{"header without a name", says(`{"statusCode":200,"headers":{"":"x"}}`), "GET", "/", nil, 500, internal},
		{"header in two lines", says(`{"statusCode":200,"headers":{"a":"x\r\nb: y"}}`), "GET", "/", nil, 500, internal},
		{"cookie with a control character", says(`{"statusCode":200,"cookies":["\b"]}`), "GET", "/", nil, 500, internal},
		{"large answer", says(`{"statusCode":200,"body":"` + large + `"}`), "GET", "/", nil, 500, internal},
		{"large body", says("{}"), "POST", "/", strings.NewReader(strings.Repeat("x", maxBody+1)), 413, `{"message":"Request Entity Too Large"}`},
		{"large body of unknown length", says("{}"), "POST", "/", io.MultiReader(strings.NewReader(strings.Repeat("x", maxBody+1))), 413, `{"message":"Request Entity Too Large"}`},
		{"large event", says("{}"), "POST", "/", strings.NewReader(large), 413, `{"message":"Request Entity Too Large"}`},
		{"no route", says("{}"), "POST", "/other", nil, 404, `{"message":"Not Found"}`},
		{"no path", says("{}"), "OPTIONS", "*", nil, 400, `{"message":"Bad Request"}`},
		{"HEAD", func(context.Context, []byte) ([]byte, error) { return nil, errors.New("x") }, "HEAD", "/", nil, 500, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := newTestGateway(t, test.handler, Route{anyMethod, "/"})
			w := httptest.NewRecorder()
			g.ServeHTTP(w, httptest.NewRequest(test.method, test.target, test.body))
			if w.Code != test.status || w.Body.String() != test.want || w.Header().Get("Content-Type") != "application/json" {
				t.Errorf("got %d %q (%s), want %d %q", w.Code, w.Body, w.Header().Get("Content-Type"), test.status, test.want)
			}
		})
	}
}

func TestGatewayLogsTheCause(t *testing.T) {
	var log bytes.Buffer
	template := &Template{Functions: []Function{{ID: "F", Timeout: time.Second, Routes: []Route{{anyMethod, defaultRoute}}}}}
	g, err := NewGateway(template, map[string]lambda.Handler{
		"F": handlerFunc(func(context.Context, []byte) ([]byte, error) { panic("boom") }),
	}, GatewayOptions{Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	g.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/x", nil))
	for _, want := range []string{"level=ERROR", "status=500", "route=$default", "F: panic: boom", "gateway_test.go"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q: %s", want, log.String())
		}
	}
}

func TestGatewayTimeouts(t *testing.T) {
	tests := []struct {
		function time.Duration
		takes    time.Duration
		after    time.Duration
		want     string
	}{
		{25 * time.Second, 24 * time.Second, 24 * time.Second, "200 {}"},
		{25 * time.Second, time.Hour, 25 * time.Second, `500 {"message":"Internal Server Error"}`},
		{60 * time.Second, 29 * time.Second, 29 * time.Second, "200 {}"},
		{60 * time.Second, time.Hour, 30 * time.Second, `503 {"message":"Service Unavailable"}`},
		{30 * time.Second, time.Hour, 30 * time.Second, `503 {"message":"Service Unavailable"}`},
	}
	for _, test := range tests {
		synctest.Test(t, func(t *testing.T) {
			template := &Template{Functions: []Function{{ID: "F", Timeout: test.function, Routes: []Route{{anyMethod, defaultRoute}}}}}
			g, err := NewGateway(template, map[string]lambda.Handler{
				"F": handlerFunc(func(context.Context, []byte) ([]byte, error) {
					time.Sleep(test.takes)
					return []byte("{}"), nil
				}),
			}, GatewayOptions{Log: quiet})
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			w := httptest.NewRecorder()
			g.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
			if got := fmt.Sprint(w.Code, " ", w.Body); got != test.want || time.Since(began) != test.after {
				t.Errorf("%+v: %s after %s", test, got, time.Since(began))
			}
			time.Sleep(test.takes) // the function is not killed: it ends in its own time
		})
	}
}

// TestGatewayClientGone lets a function end its work for a client that has left.
func TestGatewayClientGone(t *testing.T) {
	g := newTestGateway(t, func(ctx context.Context, _ []byte) ([]byte, error) {
		return []byte(`{"statusCode":204}`), ctx.Err()
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := httptest.NewRecorder()
	g.ServeHTTP(w, httptest.NewRequest("GET", "/", nil).WithContext(ctx))
	if w.Code != http.StatusNoContent {
		t.Errorf("status %d", w.Code)
	}
}

func TestHandlers(t *testing.T) {
	template := &Template{Functions: []Function{
		{ID: "Items", Name: "items", MemoryMB: 256, Environment: map[string]string{"A": "1", "AWS_REGION": ""}, Routes: []Route{{anyMethod, defaultRoute}}},
		{ID: "Closer", Name: "closer", MemoryMB: 128, Schedules: []time.Duration{time.Hour}},
		{ID: "Idle", Name: "idle"},
	}}
	made := map[string][]string{}
	handlers, err := template.Handlers(func(name string, getenv func(string) string) (lambda.Handler, error) {
		for _, v := range []string{"A", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "PATH"} {
			made[name] = append(made[name], getenv(v))
		}
		return handlerFunc(nil), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string][]string{"items": {"1", "", "local", "Items", "256", ""}, "closer": {"", "local", "local", "Closer", "128", ""}}, made); diff != "" {
		t.Errorf("environments (-want +got):\n%s", diff)
	}
	if len(handlers) != 2 || handlers["Items"] == nil || handlers["Closer"] == nil {
		t.Errorf("handlers = %v", handlers)
	}
	_, err = template.Handlers(func(string, func(string) string) (lambda.Handler, error) { return nil, errors.New("no table") })
	if err == nil || err.Error() != "Items: no table" {
		t.Errorf("error = %v", err)
	}
}

// TestDomainName names hosts in requests that come to an address of this machine.
func TestDomainName(t *testing.T) {
	own := &net.TCPAddr{IP: net.ParseIP("192.0.2.7"), Port: 3000}
	for host, want := range map[string]string{
		"localhost:3000": "localhost:3000", "LOCALHOST": "LOCALHOST", "127.0.0.1:8080": "127.0.0.1:8080", "127.1.2.3": "127.1.2.3", "[::1]:3000": "[::1]:3000", "[::1]": "[::1]",
		"192.0.2.7:3000": "192.0.2.7:3000", "192.0.2.7": "192.0.2.7",
		"evil.example": "192.0.2.7:3000", "evil.example:3000": "192.0.2.7:3000", "192.0.2.8:3000": "192.0.2.7:3000", "localhost.evil.example": "192.0.2.7:3000", "evil.example.localhost.": "192.0.2.7:3000",
		"localhost:80@evil.example": "192.0.2.7:3000", "localhost:80/evil": "192.0.2.7:3000", "localhost:": "192.0.2.7:3000", "localhost:99999": "192.0.2.7:3000", "[::1]evil.example": "192.0.2.7:3000",
		"": "192.0.2.7:3000", ":3000": "192.0.2.7:3000", "0.0.0.0:3000": "192.0.2.7:3000",
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = host
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(own)))
		if got := domainName(r); got != want {
			t.Errorf("%q: %q, want %q", host, got, want)
		}
	}
}
