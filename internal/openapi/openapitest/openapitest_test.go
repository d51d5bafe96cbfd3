package openapitest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// TestExamples checks every body and every parameter of the document that has a
// schema: it has an example, and the examples are as the schema says.
func TestExamples(t *testing.T) {
	theDocument()
	l := loaderOf(t)
	checked := 0
	var visit func(p place)
	visit = func(p place) {
		fields, isObject := p.value.(map[string]any)
		if isObject && fields["$ref"] == nil && fields["schema"] != nil {
			checked++
			checkExamples(t, l, p, fields)
		}
		for key := range fields {
			visit(place{p.l, p.pointer + "/" + escapeToken(key), fields[key]})
		}
		for _, item := range p.items() {
			visit(item)
		}
	}
	for _, part := range []string{"paths", "components"} {
		visit(place{l, "/" + part, l.root.(map[string]any)[part]})
	}
	if checked < 50 {
		t.Errorf("only %d places have a schema", checked)
	}
}

func loaderOf(t *testing.T) *loader {
	t.Helper()
	l, err := newLoader()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func checkExamples(t *testing.T, l *loader, p place, fields map[string]any) {
	t.Helper()
	c := l.closed
	schema, err := p.get("schema").compile(c)
	if err != nil {
		t.Errorf("%s: %v", p.pointer, err)
		return
	}
	var examples []any
	for _, e := range p.get("examples").fields() {
		examples = append(examples, e.get("value").value)
	}
	if e, ok := fields["example"]; ok {
		examples = append(examples, e)
	}
	inBody := fields["in"] == nil && !strings.Contains(p.pointer, "/headers/")
	if inBody && len(examples) == 0 {
		t.Errorf("%s has no example", p.pointer)
	}
	for _, e := range examples {
		if err := schema.Validate(e); err != nil {
			t.Errorf("%s: the example %v: %v", p.pointer, e, err)
		}
	}
}

var (
	ownHeaders = http.Header{"Content-Type": {"application/json"}, "Cache-Control": {"no-store"}, "X-Request-Id": {"id"}}
	withKey    = http.Header{"Authorization": {"Bearer kener_"}}
)

const (
	incident = `{"id":1,"title":"t","start_date_time":600,"end_date_time":null,"state":"RESOLVED","incident_type":"INCIDENT","incident_source":"API",` +
		`"monitors":[],"created_at":"2026-11-24T10:00:00.000Z","updated_at":"2026-11-24T10:00:00.000Z","url":"http://localhost/incidents/1"}`
	created = `{"incident":` + incident + `}`
)

// exchange is one that is as it should be, but for what change does to it.
func exchange(change func(*Exchange)) Exchange {
	x := Exchange{
		Method: "POST", Path: "/api/v4/incidents", Header: withKey.Clone(), Body: `{"title":"t","start_date_time":600}`,
		Status: 201, AnswerHeader: ownHeaders.Clone(), AnswerBody: created,
	}
	change(&x)
	return x
}

func fails(status int, code string) func(*Exchange) {
	return func(x *Exchange) { x.Status, x.AnswerBody = status, `{"error":{"code":"`+code+`","message":"m"}}` }
}

func all(changes ...func(*Exchange)) func(*Exchange) {
	return func(x *Exchange) {
		for _, c := range changes {
			c(x)
		}
	}
}

func body(s string) func(*Exchange)       { return func(x *Exchange) { x.Body = s } }
func answer(s string) func(*Exchange)     { return func(x *Exchange) { x.AnswerBody = s } }
func request(m, p string) func(*Exchange) { return func(x *Exchange) { x.Method, x.Path = m, p } }
func query(q string) func(*Exchange)      { return func(x *Exchange) { x.Query = q } }

// listed makes it a list of incidents.
var listed = all(request("GET", "/api/v4/incidents"), body(""), func(x *Exchange) { x.Status = 200 }, answer(`{"incidents":[]}`))

func header(name, value string) func(*Exchange) {
	return func(x *Exchange) {
		if value == "" {
			x.AnswerHeader.Del(name)
		} else {
			x.AnswerHeader.Set(name, value)
		}
	}
}

func TestCheckPasses(t *testing.T) {
	title := func(text string) func(*Exchange) { return body(`{"start_date_time":600,"title":"` + text + `"}`) }
	for name, change := range map[string]func(*Exchange){
		"as it should be":              func(*Exchange) {},
		"unknown fields":               body(`{"title":"t","start_date_time":600,"more":[{}],"monitors":[{"monitor_tag":"a","more":1,"impact":null}]}`),
		"byte-order mark, bad UTF-8":   body("\ufeff{\"title\":\"\xff\",\"start_date_time\":1e-999999999}"),
		"255 characters":               title(strings.Repeat("€", 255)),
		"255 characters, blanks":       title(" \\ufeff" + strings.Repeat("a", 255) + "\\u2003\\n"),
		"255 units, mixed":             title(strings.Repeat("a", 200) + strings.Repeat("😀", 27) + "b"),
		"127 emoji":                    title(strings.Repeat("😀", 127)),
		"fraction":                     body(`{"title":"t","start_date_time":600.5,"end_date_time":253402300799}`),
		"key used":                     func(x *Exchange) { x.Header.Set("Idempotency-Key", "a,b") },
		"error":                        fails(400, "BAD_REQUEST"),
		"error with a request like no": all(body("{"), fails(400, "BAD_REQUEST")),
		"unknown path":                 all(request("GET", "/nothing"), fails(404, "NOT_FOUND")),
		"unknown path without a key":   all(request("GET", "/nothing"), fails(401, "UNAUTHORIZED"), header("Www-Authenticate", "Bearer")),
		"path of another function":     all(fails(404, "NOT_FOUND"), func(x *Exchange) { x.Unserved = true }),
		"wrong method":                 all(request("PUT", "/api/v4/incidents"), fails(405, "METHOD_NOT_ALLOWED"), header("Allow", "GET, POST, HEAD")),
		"slash": all(request("PUT", "/api/v4/incidents/"), func(x *Exchange) { x.Status, x.AnswerBody = 308, "" },
			func(x *Exchange) {
				x.AnswerHeader = http.Header{"Location": {"/api/v4/incidents"}, "X-Request-Id": {"id"}}
			}),
		"gateway": all(func(x *Exchange) {
			x.Status, x.AnswerBody, x.AnswerHeader = 500, `{"message":"Internal Server Error"}`, http.Header{"Content-Type": {"application/json"}}
		}),
		"list":                  listed,
		"HEAD":                  all(listed, request("HEAD", "/api/v4/incidents"), answer("")),
		"head":                  all(listed, request("head", "/api/v4/incidents"), answer("")),
		"query":                 all(listed, query("limit=007&cursor=&start_ts=001200.9&end_ts=&status=OPEN&monitor_tags=a,%20b,,&x=%zz&limit=x")),
		"id with leading zeros": all(listed, request("GET", "/api/v4/incidents/001"), answer(created)),
	} {
		if err := Check(exchange(change)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCheckFails(t *testing.T) {
	title := func(text string) func(*Exchange) { return body(`{"start_date_time":600,"title":"` + text + `"}`) }
	for name, change := range map[string]func(*Exchange){
		"undocumented status":    func(x *Exchange) { x.Status = 202 },
		"no request id":          header("X-Request-Id", ""),
		"to be kept":             header("Cache-Control", "max-age=1"),
		"content type":           header("Content-Type", "text/html"),
		"no content type":        header("Content-Type", ""),
		"bad ETag":               header("ETag", "abc"),
		"no body":                answer(""),
		"no JSON":                answer("x"),
		"field missing":          answer(strings.Replace(created, `"title":"t",`, "", 1)),
		"field too many":         answer(strings.Replace(created, `"title":"t",`, `"title":"t","more":1,`, 1)),
		"wrong type":             answer(strings.Replace(created, `"title":"t",`, `"title":5,`, 1)),
		"no minute":              answer(strings.Replace(created, `600`, `601`, 1)),
		"bad time":               answer(strings.Replace(created, `2026-11-24T10`, `2026-11-24T25`, 1)),
		"wrong code":             fails(400, "NOT_FOUND"),
		"gateway's 400":          all(fails(400, ""), answer(`{"message":"Bad Request"}`)),
		"both shapes":            all(fails(500, ""), answer(`{"message":"m","error":{"code":"INTERNAL_ERROR","message":"m"}}`)),
		"success without key":    func(x *Exchange) { x.Header.Del("Authorization") },
		"without title":          body(`{"start_date_time":600}`),
		"array":                  body(`[]`),
		"bad JSON":               body(`{`),
		"blank title":            title(` \u3000`),
		"empty title":            title(``),
		"256 characters":         title(strings.Repeat("a", 256)),
		"128 emoji":              title(strings.Repeat("😀", 128)),
		"256 units, mixed":       title(strings.Repeat("a", 200) + strings.Repeat("😀", 28)),
		"milliseconds":           body(`{"title":"t","start_date_time":1795514400000}`),
		"null start":             body(`{"title":"t","start_date_time":null}`),
		"impact":                 body(`{"title":"t","start_date_time":0,"monitors":[{"monitor_tag":"a","impact":"down"}]}`),
		"empty tag":              body(`{"title":"t","start_date_time":0,"monitors":[{"monitor_tag":""}]}`),
		"idempotency key":        func(x *Exchange) { x.Header.Set("Idempotency-Key", "a b") },
		"empty idempotency key":  func(x *Exchange) { x.Header["Idempotency-Key"] = []string{""} },
		"limit":                  all(listed, query("limit=1001")),
		"limit with a sign":      all(listed, query("limit=%2B5")),
		"start_ts":               all(listed, query("start_ts=1e5")),
		"status":                 all(listed, query("status=done")),
		"cursor":                 all(listed, query("cursor=a+b")),
		"id":                     all(listed, request("GET", "/api/v4/incidents/1a"), answer(created)),
		"type in a list":         all(listed, answer(`{"incidents":[`+incident+`]}`)),
		"success on no path":     all(listed, request("GET", "/nothing")),
		"success unserved":       func(x *Exchange) { x.Unserved = true },
		"HEAD with a body":       all(listed, request("HEAD", "/api/v4/incidents")),
		"no route on a route":    all(request("PUT", "/api/v4/incidents"), fails(404, "NOT_FOUND")),
		"405 on no route":        all(request("PUT", "/nothing"), fails(405, "METHOD_NOT_ALLOWED"), header("Allow", "GET")),
		"401 without a scheme":   all(request("GET", "/nothing"), fails(401, "UNAUTHORIZED")),
		"405 of a method it has": all(fails(405, "METHOD_NOT_ALLOWED"), header("Allow", "GET, POST, HEAD")),
		"wrong allow":            all(request("PUT", "/api/v4/incidents"), fails(405, "METHOD_NOT_ALLOWED"), header("Allow", "GET, POST")),
		"no allow":               all(request("PUT", "/api/v4/incidents"), fails(405, "METHOD_NOT_ALLOWED")),
		"403 on no route":        all(request("GET", "/nothing"), fails(403, "FORBIDDEN")),
		"redirect of no slash": all(request("GET", "/api/v4/nothing"), answer(""), func(x *Exchange) {
			x.Status, x.AnswerHeader = 308, http.Header{"Location": {"/"}, "X-Request-Id": {"id"}}
		}),
	} {
		if err := Check(exchange(change)); err == nil {
			t.Errorf("%s: nothing is found", name)
		} else if strings.Contains(err.Error(), "\x00") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestThresholds checks the one field that takes values of many kinds.
func TestThresholds(t *testing.T) {
	l := loaderOf(t)
	schema, err := (place{l, "", l.root}).target("#/components/schemas/ConfirmationThreshold").compile(l.open)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		`1`: true, `60`: true, `5.0`: true, `5e0`: true, `true`: true, `null`: true, `"5"`: true, `" 5.0\u2003"`: true, `"+060."`: true,
		`0`: false, `61`: false, `1.5`: false, `false`: false, `""`: false, `"x"`: false, `"0"`: false, `"61"`: false, `"1.5"`: false, `"-5"`: false, `[]`: false, `{}`: false,
	} {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := schema.Validate(v) == nil; got != want {
			t.Errorf("%s is taken: %v, want %v", text, got, want)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	for name, x := range map[string]Exchange{
		"one":   exchange(func(*Exchange) {}),
		"error": exchange(fails(400, "BAD_REQUEST")),
		"list": exchange(all(listed, answer(`{"incidents":[`+strings.TrimSuffix(strings.Repeat(
			strings.Replace(incident, `"incident_type":"INCIDENT",`, "", 1)+",", 10), ",")+`]}`))),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := Check(x); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func ExampleCheck() {
	err := Check(Exchange{
		Method: "GET", Path: "/healthcheck",
		Status: 200, AnswerHeader: ownHeaders, AnswerBody: `{"status":"up"}`,
	})
	fmt.Println(err != nil)
	// Output: true
}
