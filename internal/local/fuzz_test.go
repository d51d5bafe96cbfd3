package local

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/google/go-cmp/cmp"
)

// hangLimit is how long one input may take. The fuzzer has no limit of its own: an
// input that never ends would only look like few executions.
const hangLimit = 20 * time.Second

// endsInTime ends the process when the input takes too long, which the fuzzer keeps
// as a failing input. The returned function says that it did not.
func endsInTime() (done func() bool) {
	return time.AfterFunc(hangLimit, func() { panic("the input takes too long") }).Stop
}

// smallTemplate is a template with one function and the lines given.
func smallTemplate(lines string) string {
	return lines + `
Resources:
  F: {Type: AWS::Serverless::Function, Properties: {CodeUri: f, Events: {E: {Type: HttpApi, Properties: {Path: /a, Method: GET}}}}}
  T: {Type: AWS::DynamoDB::Table, Properties: {BillingMode: PAY_PER_REQUEST, KeySchema: [{AttributeName: pk, KeyType: HASH}]}}
`
}

var oddTemplates = []string{
	"", "---\n---\n", "a: b", "- a", "~", "!Ref x", "{}", "{Resources: }", "Resources: []", "Resources: {F: }", "# nothing", "%YAML 9.9\n---\na: b", "\xff\xfe", "\ufeffa: b",
	smallTemplate(""), smallTemplate("Globals: {Function: {Timeout: 25}}"), smallTemplate("Globals: !If [A, {Function: {Timeout: 25}}, !Ref AWS::NoValue]"),
	smallTemplate("Globals: {Function: {Environment: {Variables: {A: !Ref P}}}}\nParameters: {P: {Default: x}}"),
	smallTemplate("Globals: {Function: {Environment: {Variables: {A: !Sub ['${x}${AWS::Region}${!y}', {x: !Sub '${P}'}]}}}}\nParameters: {P: {Default: x}}"),
	smallTemplate("Globals: {Function: {Environment: {Variables: {A: !If [C, yes, no]}}}}\nConditions: {C: !And [!Condition D, !Not [!Equals [a, b]]], D: !Or [{Condition: E}, !Condition E], E: !Equals [a, a]}"),
	smallTemplate("") + "  S: {Type: AWS::Lambda::EventSourceMapping, Properties: {FunctionName: !Ref F, EventSourceArn: !GetAtt T.StreamArn, StartingPosition: LATEST, FilterCriteria: {Filters: [{Pattern: '{}'}]}}}\n",
	smallTemplate("") + "  S: {Type: AWS::Serverless::Function, Properties: {CodeUri: s, Events: {E: {Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 minute)}}}}}\n",
	"Globals: &g {Function: {Timeout: 7}}\nOther: *g\n" + smallTemplate(""),
	"Resources:\n  F: &f {Type: AWS::Serverless::Function, Properties: {CodeUri: a/b, Events: {A: {Type: HttpApi}}}}\n  G: {Type: AWS::Serverless::Function, Properties: {CodeUri: c, Events: {A: &e {Type: HttpApi, Properties: {Path: '/{a}/{b+}'}}}}}\n",
}

// FuzzTemplate has any text read as a template. It becomes one that a gateway can be
// made of, the same each time, or is refused in words; reading it neither panics nor
// goes on for ever.
func FuzzTemplate(f *testing.F) {
	for _, file := range []string{"testdata/template.yaml", "../../template.yaml"} {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text, "", "")
		f.Add(text, "SiteUrl", "https://status.example.com")
	}
	for _, text := range oddTemplates {
		f.Add([]byte(text), "", "")
		f.Add([]byte(text), "P", "y")
	}
	f.Fuzz(func(t *testing.T, text []byte, parameter, value string) {
		defer endsInTime()()
		o := TemplateOptions{TableName: "table", Region: Region}
		if parameter != "" {
			o.Parameters = map[string]string{parameter: value}
		}
		got, err := parseTemplate(text, o)
		again, errAgain := parseTemplate(text, o)
		if fmt.Sprint(err) != fmt.Sprint(errAgain) || !cmp.Equal(got, again) {
			t.Errorf("read twice: %v, %v\n%s", err, errAgain, cmp.Diff(got, again))
		}
		if err != nil {
			if got != nil || strings.TrimSpace(err.Error()) == "" {
				t.Errorf("template %+v, error %q", got, err)
			}
			return
		}
		checkTemplate(t, got)
	})
}

// checkTemplate says what Lambda or DynamoDB would refuse of a template that was
// read, and calls each of its routes.
func checkTemplate(t *testing.T, got *Template) {
	t.Helper()
	if got.Table.PartitionKey == "" {
		t.Error("the table has no partition key")
	}
	handlers := map[string]lambda.Handler{}
	for _, f := range got.Functions {
		if f.ID == "" || f.Name == "" || strings.Contains(f.Name, "/") {
			t.Errorf("function %q in the folder %q", f.ID, f.Name)
		}
		for _, s := range f.Streams {
			if s.BatchSize < 1 || s.Retries < -1 || s.MaxAge < 0 {
				t.Errorf("function %s: stream %+v", f.ID, s)
			}
		}
		if f.Timeout < time.Second || f.Timeout > 15*time.Minute || f.MemoryMB < 128 || f.MemoryMB > 10240 {
			t.Errorf("function %s: timeout %s, %d MB", f.ID, f.Timeout, f.MemoryMB)
		}
		handlers[f.ID] = handlerFunc(func(context.Context, []byte) ([]byte, error) {
			return fmt.Appendf(nil, `{"statusCode":200,"headers":{"function":%q}}`, f.ID), nil
		})
	}
	g, err := NewGateway(got, handlers, GatewayOptions{Log: quiet})
	if err != nil {
		if !strings.Contains(err.Error(), "both have the route") {
			t.Errorf("no gateway: %v", err)
		}
		return
	}
	for _, f := range got.Functions {
		for _, route := range f.Routes {
			method, path := route.Method, "/any"
			if method == anyMethod {
				method = http.MethodPatch
			} else if !slices.Contains(routeMethods, method) {
				t.Errorf("%s has the route %s", f.ID, route.key())
			}
			if route.Path != defaultRoute {
				path = strings.NewReplacer("{", "", "}", "", "+", "").Replace(route.Path)
			}
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Method, r.URL.Path = method, path
			w := httptest.NewRecorder()
			g.ServeHTTP(w, r)
			// A more specific route may be another function's.
			if w.Code != http.StatusOK {
				t.Errorf("%s %q, for the route %s of %s: %d %s", method, path, route.key(), f.ID, w.Code, w.Body)
			}
		}
	}
}

// FuzzPattern has any text read as the pattern of a filter. It is refused in words, or says of
// each record whether it matches; written in another way it is the same.
func FuzzPattern(f *testing.F) {
	for _, text := range []string{
		"", "{}", "[]", `{"dynamodb":{}}`, `{"dynamodb":{"Keys":{"pk":{"S":["a",true]}}}}`, `{"dynamodb":{"NewImage":{"pk":{"S":[{"prefix":"CHANGES#"}]}}}}`,
		`{"dynamodb":{"NewImage":{"a":{"S":[{"exists":false}]},"b":{"L":{"S":[{"anything-but":["x","y"]}]}}}}}`, `{"dynamodb":{"SizeBytes":[{"numeric":[">",0,"<=",1e3]}]}}`,
		`{"dynamodb":{"a":["x"],"a":[{"$or":[]}]}}`, `{"dynamodb":{"a":[{"numeric":["=",1e400]}]}}`, `{"dynamodb":{"":[""]}}`, "{\"dynamodb\":{\"\xff\":[\"\xff\"]}}",
	} {
		f.Add(text)
	}
	var records []any
	for _, text := range []string{sampleRecord, `{}`, `{"dynamodb":{"Keys":{"pk":{"S":"a"}}}}`, `null`} {
		var record any
		if err := json.Unmarshal([]byte(text), &record); err != nil {
			f.Fatal(err)
		}
		records = append(records, record)
	}
	f.Fuzz(func(t *testing.T, text string) {
		defer endsInTime()()
		p, err := parsePattern(text)
		if err != nil {
			if strings.TrimSpace(err.Error()) == "" || !cmp.Equal(p, Pattern{}) {
				t.Errorf("%+v, error %q", p, err)
			}
			return
		}
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatalf("a pattern that is not JSON: %v", err)
		}
		other, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		again, err := parsePattern(string(other))
		if err != nil || !cmp.Equal(p, again) {
			t.Errorf("written as %s: %v\n%s", other, err, cmp.Diff(p, again))
		}
		for _, record := range records {
			if p.matches(record) != again.matches(record) {
				t.Errorf("%s and %s differ at %v", text, other, record)
			}
		}
	})
}

// FuzzAnswer gives the gateway any text as a function's answer. What reaches the
// client is an HTTP answer, of the function or of the gateway.
func FuzzAnswer(f *testing.F) {
	for _, out := range []string{
		"", "null", "0", `"text"`, "[]", "{}", `{"statusCode":null}`, `{"statusCode":"200"}`, `{"statusCode":200.0}`, `{"statusCode":1e2}`, `{"statusCode":99}`, `{"statusCode":100}`, `{"statusCode":101}`,
		`{"statusCode":199}`, `{"statusCode":600}`, `{"statusCode":204,"body":"x"}`, `{"statusCode":304,"body":"x"}`, `{"statusCode":200,"STATUSCODE":500,"Body":"x","body":"y"}`,
		`{"statusCode":200,"headers":{"a":1,"b":true,"c":1e400,"":"x","a b":"x","content-length":"7","Transfer-Encoding":"chunked","trailer":"x"},"cookies":["a=1","b\r\n=2"]}`,
		`{"statusCode":200,"headers":{"a":null}}`, `{"statusCode":200,"headers":{"a":["x"]}}`, `{"statusCode":200,"multiValueHeaders":{"a":["x","y"],"A":[]},"headers":{"A":"z"}}`,
		`{"statusCode":200,"body":"aGFsbG8=","isBase64Encoded":true}`, `{"statusCode":200,"body":"!","isBase64Encoded":true}`, `{"statusCode":200,"body":5}`, `{"statusCode":200} {}`, "{\"statusCode\":200,\"body\":\"\xff\"}",
	} {
		f.Add([]byte(out), false)
		f.Add([]byte(out), true)
	}
	f.Fuzz(func(t *testing.T, out []byte, head bool) {
		defer endsInTime()()
		g := newTestGateway(t, func(context.Context, []byte) ([]byte, error) { return out, nil })
		method := http.MethodGet
		if head {
			method = http.MethodHead
		}
		resp, body := exchange(t, g, httptest.NewRequest(method, "http://api.example.com/", nil))
		want, err := parseAnswer(out)
		if err != nil {
			if resp.StatusCode != http.StatusInternalServerError || !head && body != `{"message":"Internal Server Error"}` {
				t.Errorf("%q (%v) is answered %d %s", out, err, resp.StatusCode, body)
			}
			return
		}
		if !json.Valid(out) {
			t.Errorf("%q is no JSON and is answered %d %s", out, resp.StatusCode, body)
		}
		wantBody := string(want.body)
		if head || want.status == http.StatusNoContent || want.status == http.StatusNotModified {
			wantBody = ""
		}
		if resp.StatusCode != want.status || body != wantBody {
			t.Errorf("%q is answered %d %q, want %d %q", out, resp.StatusCode, body, want.status, wantBody)
		}
	})
}

// exchange sends the request to the gateway and returns the answer as a client reads
// it from the wire.
func exchange(t *testing.T, g *Gateway, r *http.Request) (*http.Response, string) {
	t.Helper()
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	answer := w.Result()
	answer.Request = r
	var wire bytes.Buffer
	if err := answer.Write(&wire); err != nil {
		t.Fatalf("the answer can't be sent: %v", err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(&wire), r)
	if err != nil {
		t.Fatalf("the answer can't be read: %v\n%s", err, wire.String())
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// FuzzGateway sends any bytes as an HTTP request. The function gets an event that
// says what was sent, with the path decoded, or the gateway answers by itself.
func FuzzGateway(f *testing.F) {
	for _, raw := range []string{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET /items/7?a=1&a=2&b HTTP/1.1\r\nHost: a.example:80\r\nCookie: a=1; b=2\r\nCookie: c\r\n\r\n", "POST /items/%31%2F%3f%00%ff HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n{}\n",
		"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", "GET http://evil.example/items HTTP/1.1\r\nHost: a\r\n\r\n", "GET //a//b HTTP/1.1\r\nHost: a\r\n\r\n", "G@T /?# HTTP/1.0\r\n\r\n",
		"POST /items HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n\xff\xfe\r\n0\r\n\r\n", "POST /files/a/b HTTP/1.1\r\nHost: [::1]:3000\r\nContent-Type: image/png; x\r\nContent-Length: 1\r\n\r\na",
		"POST /items HTTP/1.1\r\nHost: a\r\nContent-Type: application/problem+json\r\nX-A: \xff\r\nX-A: b\r\nConnection: close\r\nContent-Length: 2\r\n\r\nab", "GET /?%zz=%&%41=%41;+&&= HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n",
	} {
		f.Add([]byte(raw))
	}
	var payload []byte
	routes := []Route{{"GET", "/items"}, {"ANY", "/items/{id}"}, {"ANY", "/files/{path+}"}, {anyMethod, defaultRoute}}
	f.Fuzz(func(t *testing.T, raw []byte) {
		defer endsInTime()()
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
		if err != nil {
			return // net/http answers it
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body, r.RemoteAddr = io.NopCloser(bytes.NewReader(body)), "192.0.2.7:51234"
		payload = nil
		g := newTestGateway(t, func(_ context.Context, event []byte) ([]byte, error) {
			payload = event
			return []byte(`{"statusCode":200,"body":"ok"}`), nil
		}, routes...)
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		if payload == nil {
			if ours := !strings.HasPrefix(r.URL.Path, "/"); !ours || w.Code != http.StatusBadRequest {
				t.Errorf("%s %q is answered %d %s by the gateway", r.Method, r.URL.Path, w.Code, w.Body)
			}
			return
		}
		if w.Code != http.StatusOK || w.Body.String() != "ok" {
			t.Errorf("%s %q is answered %d %s", r.Method, r.URL.Path, w.Code, w.Body)
		}
		checkEvent(t, payload, r, body)
	})
}

// checkEvent compares an event with the request that it is of.
func checkEvent(t *testing.T, payload []byte, r *http.Request, body []byte) {
	t.Helper()
	var e events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(payload, &e); err != nil {
		t.Fatalf("the event is no JSON: %v", err)
	}
	text := func(s string) string { return strings.ToValidUTF8(s, "\ufffd") }
	if utf8.ValidString(r.URL.Path) && e.RawPath != r.URL.Path || e.RawPath != e.RequestContext.HTTP.Path {
		t.Errorf("path %q became %q and %q", r.URL.Path, e.RawPath, e.RequestContext.HTTP.Path)
	}
	if e.RequestContext.HTTP.Method != text(r.Method) {
		t.Errorf("method %q became %q", r.Method, e.RequestContext.HTTP.Method)
	}
	if utf8.ValidString(r.URL.RawQuery) && e.RawQueryString != r.URL.RawQuery {
		t.Errorf("query %q became %q", r.URL.RawQuery, e.RawQueryString)
	}
	got := []byte(e.Body)
	if e.IsBase64Encoded {
		var err error
		if got, err = base64.StdEncoding.DecodeString(e.Body); err != nil {
			t.Error(err)
		}
	}
	if !bytes.Equal(got, body) {
		t.Errorf("body %q became %q", body, got)
	}
	for name := range e.Headers {
		if name != strings.ToLower(name) || hopByHop[http.CanonicalHeaderKey(name)] || name == "cookie" {
			t.Errorf("the event has the header %q", name)
		}
	}
	segments := strings.Split(e.RawPath, "/")
	for _, name := range slices.Sorted(maps.Keys(e.PathParameters)) {
		want := segments[len(segments)-1]
		if name == "path" {
			want = strings.Join(segments[2:], "/")
		}
		if value := e.PathParameters[name]; value == "" || value != want {
			t.Errorf("%s of %q is %q", name, e.RawPath, value)
		}
	}
}
