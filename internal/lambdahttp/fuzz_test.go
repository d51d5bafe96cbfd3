package lambdahttp_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"tocsin/internal/lambdahttp"
	"tocsin/internal/web"
)

// What the handler of FuzzInvoke does.
const (
	answers = iota
	panics
	answersNothing
	panicsHalfway
	deeds
)

// FuzzInvoke gives a function any bytes as an event, and a handler that does anything.
// The bytes are refused as no event, or the handler gets the request that they say and
// the answer is the handler's, or the constant 500 with the cause in the log. Nothing
// panics, and no status is one that HTTP doesn't have.
func FuzzInvoke(f *testing.F) {
	for _, payload := range [][]byte{
		nil, []byte("null"), []byte("{}"), []byte("[]"), []byte(`{"requestContext":{"http":{"method":""}}}`), []byte(`{"httpMethod":"GET","path":"/a"}`), []byte(wholeEvent), event(f, nil),
		event(f, func(e *events.APIGatewayV2HTTPRequest) { e.RawPath, e.RequestContext.HTTP.Path = "", "%" }),
		event(f, func(e *events.APIGatewayV2HTTPRequest) {
			e.RawPath, e.RawQueryString = "//a?b#c/../%zz\x00", "a=%zz&#;b=ü \n"
		}),
		event(f, func(e *events.APIGatewayV2HTTPRequest) {
			e.RawPath, e.QueryStringParameters = "a", map[string]string{"b": "c"}
		}),
		event(f, func(e *events.APIGatewayV2HTTPRequest) { e.RequestContext.HTTP.Method, e.Body = "pOsT", `{"a":1}` }),
		event(f, func(e *events.APIGatewayV2HTTPRequest) { e.RequestContext.HTTP.Method = "G T" }),
		event(f, func(e *events.APIGatewayV2HTTPRequest) { e.Body, e.IsBase64Encoded = "AP8=", true }),
		event(f, func(e *events.APIGatewayV2HTTPRequest) { e.Body, e.IsBase64Encoded = "no base64", true }),
		event(f, func(e *events.APIGatewayV2HTTPRequest) { e.RequestContext.DomainName = "[::1]:80" }),
		event(f, func(e *events.APIGatewayV2HTTPRequest) {
			e.Headers, e.Cookies = map[string]string{"": ",", "a b": "\x00"}, []string{"", "a=\n"}
		}),
		[]byte(`{"requestContext":{"http":{"method":"GET"}}}`),
	} {
		for deed := range uint8(deeds) {
			f.Add(payload, deed, 200, []byte("ok"))
		}
	}
	for _, status := range []int{-2, 0, 99, 100, 101, 199, 204, 308, 599, 600, 999, 1000, 1 << 40} {
		f.Add(event(f, nil), uint8(answers), status, []byte("\xff"))
	}
	f.Fuzz(func(t *testing.T, payload []byte, deed uint8, status int, body []byte) {
		if status == -1 {
			return // what the adapter has for none
		}
		var got *seen
		var log logBuffer
		h := lambdahttp.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			sent, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			got = &seen{Method: r.Method, Path: r.URL.Path, RawQuery: r.URL.RawQuery, Body: string(sent), Call: *web.CallFrom(r.Context())}
			switch deed % deeds {
			case panics:
				panic("as told")
			case answersNothing:
				return
			}
			w.Header().Set("X-Handler", "1")
			w.WriteHeader(status)
			w.Write(body)
			if deed%deeds == panicsHalfway {
				panic("as told")
			}
		}), []byte(failure), slog.New(slog.NewJSONHandler(&log, nil)))
		out, err := h.Invoke(t.Context(), payload)
		if err != nil {
			if got != nil || out != nil || log.String() != "" {
				t.Errorf("no event (%v), but: request %+v, answer %q, log %s", err, got, out, log.String())
			}
			return
		}
		if got == nil {
			t.Fatalf("the event was answered %s without the handler", out)
		}
		checkSeen(t, payload, got)
		var a events.APIGatewayV2HTTPResponse
		if err := json.Unmarshal(out, &a); err != nil {
			t.Fatalf("answer %q: %v", out, err)
		}
		want := events.APIGatewayV2HTTPResponse{StatusCode: status, Body: string(body)}
		if !utf8.Valid(body) {
			want.Body, want.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
		}
		failed := deed%deeds != answers || status < 200 || status > 599
		if failed {
			want = events.APIGatewayV2HTTPResponse{StatusCode: http.StatusInternalServerError, Body: failure}
		}
		if a.StatusCode != want.StatusCode || a.Body != want.Body || a.IsBase64Encoded != want.IsBase64Encoded || len(a.Cookies) > 0 || (a.Headers["X-Handler"] == "1") == failed {
			t.Errorf("answer %+v, want %+v", a, want)
		}
		checkLog(t, &log, a.StatusCode, failed, deed%deeds == panics || deed%deeds == panicsHalfway)
	})
}

// checkSeen compares what the handler got with the event.
func checkSeen(t *testing.T, payload []byte, got *seen) {
	t.Helper()
	var e events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(payload, &e); err != nil {
		t.Fatalf("%q is no event and was served", payload)
	}
	path := e.RawPath
	if path == "" {
		path = e.RequestContext.HTTP.Path
	}
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	if got.Path != path {
		t.Errorf("path %q, want %q", got.Path, path)
	}
	sent, _ := url.ParseQuery(e.RawQueryString) // what can't be decoded is left out in both
	arrived, _ := url.ParseQuery(got.RawQuery)
	if diff := cmp.Diff(sent, arrived); diff != "" {
		t.Errorf("query %q became %q (-want +got):\n%s", e.RawQueryString, got.RawQuery, diff)
	}
	if got.Method != strings.ToUpper(e.RequestContext.HTTP.Method) && got.Method != "INVALID" {
		t.Errorf("method %q became %q", e.RequestContext.HTTP.Method, got.Method)
	}
	body := e.Body
	if decoded, err := base64.StdEncoding.DecodeString(e.Body); e.IsBase64Encoded && err == nil {
		body = string(decoded)
	}
	if got.Body != body {
		t.Errorf("body %q became %q", e.Body, got.Body)
	}
	if !strings.HasSuffix(got.Call.Origin, "://"+e.RequestContext.DomainName) {
		t.Errorf("domain %q became the origin %q", e.RequestContext.DomainName, got.Call.Origin)
	}
}

// checkLog expects one line that says the status and, of a failure, the cause.
func checkLog(t *testing.T, log *logBuffer, status int, failed, panicked bool) {
	t.Helper()
	lines := log.lines(t)
	if len(lines) != 1 || lines[0]["msg"] != "request" || lines[0]["status"] != float64(status) {
		t.Fatalf("log %s", log.String())
	}
	cause, _ := lines[0]["cause"].(string)
	if (cause != "") != failed || strings.HasPrefix(cause, "panic: as told\n") != panicked {
		t.Errorf("log %s", log.String())
	}
}
