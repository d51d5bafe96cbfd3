package local

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/google/go-cmp/cmp"
)

// templateWithCORS is the good template with another CorsConfiguration.
func templateWithCORS(t *testing.T, configuration string) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "      CorsConfiguration: ") {
			lines[i] = "      CorsConfiguration: " + configuration + "\n"
			return []byte(strings.Join(lines, ""))
		}
	}
	t.Fatal("the template has no CorsConfiguration")
	return nil
}

func TestReadCORS(t *testing.T) {
	tests := []struct {
		name, text string
		want       *CORS
	}{
		{"no value", "!Ref AWS::NoValue", nil},
		{"a condition that does not hold", "!If [IsTest, {AllowOrigins: ['*']}, !Ref AWS::NoValue]", nil},
		{"only origins", "{AllowOrigins: ['*']}", &CORS{Origins: []string{"*"}}},
		{"forms of origins", "{AllowOrigins: ['https://*', 'http://*', 'https://a.example', 'http://127.0.0.1:8080', 'http://[::1]:3000']}",
			&CORS{Origins: []string{"https://*", "http://*", "https://a.example", "http://127.0.0.1:8080", "http://[::1]:3000"}}},
		{"all", "{AllowOrigins: ['https://a.example'], AllowMethods: [GET, '*'], AllowHeaders: [Authorization, X-B, '*'], ExposeHeaders: [ETag, '*'], MaxAge: 86400, AllowCredentials: true}",
			&CORS{
				Origins: []string{"https://a.example"}, Methods: []string{"GET", "*"}, Headers: []string{"authorization", "x-b", "*"}, Expose: []string{"etag", "*"},
				MaxAge: new(86400), Credentials: true,
			}},
		{"a split text", "{AllowOrigins: !Split [',', 'https://a.example,https://b.example']}", &CORS{Origins: []string{"https://a.example", "https://b.example"}}},
		{"a split text in the long form", "{AllowOrigins: {'Fn::Split': [' ', !Sub 'https://${AWS::Region}.example https://b.example']}}",
			&CORS{Origins: []string{"https://local.example", "https://b.example"}}},
		{"a list chosen by a condition", "{AllowOrigins: !If [IsProd, !Split [',', 'https://a.example'], ['*']], AllowMethods: !If [IsTest, [GET], [POST]]}",
			&CORS{Origins: []string{"https://a.example"}, Methods: []string{"POST"}}},
		{"values that are not there", "{AllowOrigins: ['*'], MaxAge: !Ref AWS::NoValue, AllowMethods: !If [IsTest, [GET], !Ref AWS::NoValue], AllowCredentials: false}",
			&CORS{Origins: []string{"*"}}},
		{"no caching", "{AllowOrigins: ['*'], MaxAge: -1}", &CORS{Origins: []string{"*"}, MaxAge: new(-1)}},
	}
	for _, test := range tests {
		got, err := parseTemplate(templateWithCORS(t, test.text), TemplateOptions{TableName: "things", Region: Region})
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if diff := cmp.Diff(test.want, got.CORS); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestReadCORSRefuses(t *testing.T) {
	const at = "Resources.Api.Properties.CorsConfiguration"
	tests := []struct{ name, text, want string }{
		{"shorthand", "true", at + ": must be a mapping"},
		{"other function", "!GetAtt Nothing.AtAll", at + ": Fn::GetAtt is not understood here"},
		{"unknown key", "{AllowOrigins: ['*'], AllowOrigin: '*'}", at + ".AllowOrigin: is not understood here"},
		{"no origins", "{AllowMethods: [GET]}", at + ": AllowOrigins must name an origin"},
		{"empty list", "{AllowOrigins: []}", at + ": AllowOrigins must name an origin"},
		{"no list", "{AllowOrigins: '*'}", at + ".AllowOrigins: must be a list"},
		{"function for a list", "{AllowOrigins: !Cidr [a, b]}", at + ".AllowOrigins: Fn::Cidr is not understood here"},
		{"function in a list", "{AllowOrigins: [!Split [',', a]]}", at + ".AllowOrigins[0]: Fn::Split is not understood here"},
		{"split without a text", "{AllowOrigins: !Split [',']}", at + ".AllowOrigins: Fn::Split takes a delimiter and a text"},
		{"split of no list", "{AllowOrigins: !Split ','}", at + ".AllowOrigins: must be a list"},
		{"split by nothing", "{AllowOrigins: !Split ['', a]}", at + ".AllowOrigins[0]: the delimiter is empty"},
		{"split of a list", "{AllowOrigins: !Split [',', [a]]}", at + ".AllowOrigins[1]: must be a text or a number"},
		{"path", "{AllowOrigins: ['https://a.example/']}", at + `.AllowOrigins: an origin must be *, https://*, http://* or like https://status.example.com, not "https://a.example/"`},
		{"subdomains", "{AllowOrigins: ['https://*.a.example']}", `not "https://*.a.example"`},
		{"no scheme", "{AllowOrigins: [a.example]}", `not "a.example"`},
		{"other scheme", "{AllowOrigins: ['ftp://a.example']}", `not "ftp://a.example"`},
		{"empty origin", "{AllowOrigins: !Split [',', 'https://a.example,']}", `not ""`},
		{"method", "{AllowOrigins: ['*'], AllowMethods: [get]}", at + `.AllowMethods: a method must be one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, *, not "get"`},
		{"header", "{AllowOrigins: ['*'], AllowHeaders: ['a b']}", at + `.AllowHeaders: "a b" is no name of a header`},
		{"exposed header", "{AllowOrigins: ['*'], ExposeHeaders: ['']}", at + `.ExposeHeaders: "" is no name of a header`},
		{"age of no number", "{AllowOrigins: ['*'], MaxAge: 5m}", at + `.MaxAge: must be a whole number from -1 to 86400, not "5m"`},
		{"great age", "{AllowOrigins: ['*'], MaxAge: 86401}", `not "86401"`},
		{"negative age", "{AllowOrigins: ['*'], MaxAge: -2}", `not "-2"`},
		{"credentials of no boolean", "{AllowOrigins: ['https://*'], AllowCredentials: yes}", at + `.AllowCredentials: must be true or false, not "yes"`},
		{"credentials for all", "{AllowOrigins: ['https://a.example', '*'], AllowCredentials: true}", at + ".AllowCredentials: AWS refuses credentials together with the origin *"},
	}
	for _, test := range tests {
		_, err := parseTemplate(templateWithCORS(t, test.text), TemplateOptions{TableName: "things"})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error = %v, want one with %q", test.name, err, test.want)
		}
	}
}

// TestGatewayCORS has the exact headers of every answer. The function answers the
// routes ANY /any and GET /only, with a status and headers of its own.
func TestGatewayCORS(t *testing.T) {
	const page = "https://a.example"
	const answer = `{"statusCode":418,"headers":{"etag":"\"1\"","vary":"accept","Access-Control-Allow-Origin":"evil","access-control-expose-headers":"x","access-control-allow-credentials":"true",
		"access-control-allow-methods":"PUT","access-control-allow-headers":"x","access-control-max-age":"1"},"body":"x"}`
	own := http.Header{"Etag": {`"1"`}, "Vary": {"accept"}, "Content-Length": {"1"}}
	with := func(h http.Header, more ...string) http.Header {
		h = h.Clone()
		for i := 0; i < len(more); i += 2 {
			h.Add(more[i], more[i+1])
		}
		return h
	}
	none := http.Header{}
	gateways := http.Header{"Content-Type": {"application/json"}, "Content-Length": {"23"}} // of {"message":"Not Found"}
	listed := &CORS{
		Origins: []string{"https://b.example", page}, Methods: []string{"GET", "PATCH"}, Headers: []string{"authorization", "content-type"}, Expose: []string{"etag", "x-request-id"},
		MaxAge: new(600),
	}
	everything := &CORS{Origins: []string{"*"}, Methods: []string{"*"}, Headers: []string{"authorization", "*"}, Expose: []string{"*"}, MaxAge: new(0)}
	secure := &CORS{Origins: []string{"https://*"}, Methods: []string{"GET"}, Credentials: true}
	unsafe := &CORS{Origins: []string{"http://*"}}
	preflight := func(origin, method string, headers ...string) []string {
		h := []string{"Origin", origin, "Access-Control-Request-Method", method}
		for _, line := range headers {
			h = append(h, "Access-Control-Request-Headers", line)
		}
		return h
	}
	granted := []string{
		"Access-Control-Allow-Origin", page, "Vary", "origin", "Access-Control-Allow-Methods", "GET,PATCH", "Access-Control-Allow-Headers", "authorization,content-type",
		"Access-Control-Max-Age", "600",
	}
	tests := []struct {
		name         string
		cors         *CORS
		method, path string
		request      []string
		status       int
		want         http.Header
	}{
		{"no configuration, the function's headers stand", nil, "GET", "/only", []string{"Origin", page}, 418,
			with(own, allowOrigin, "evil", exposeHeaders, "x", allowCredentials, "true", allowMethods, "PUT", allowHeaders, "x", maxAge, "1")},
		{"no configuration, preflight", nil, "OPTIONS", "/only", preflight(page, "GET"), 404, gateways},

		{"allowed origin", listed, "GET", "/only", []string{"Origin", page}, 418, with(own, allowOrigin, page, "Vary", "origin", exposeHeaders, "etag,x-request-id")},
		{"foreign origin", listed, "GET", "/only", []string{"Origin", "https://c.example"}, 418, own},
		{"other port", listed, "GET", "/only", []string{"Origin", page + ":8443"}, 418, own},
		{"other scheme", listed, "GET", "/only", []string{"Origin", "http://a.example"}, 418, own},
		{"other case", listed, "GET", "/only", []string{"Origin", "https://A.example"}, 418, own},
		{"opaque origin", listed, "GET", "/only", []string{"Origin", "null"}, 418, own},
		{"no origin", listed, "GET", "/only", nil, 418, own},
		{"no page, but a preflight's header", listed, "GET", "/only", []string{"Access-Control-Request-Method", "GET"}, 418, own},
		{"the gateway's own error", listed, "POST", "/only", []string{"Origin", page}, 404, with(gateways, allowOrigin, page, "Vary", "origin", exposeHeaders, "etag,x-request-id")},
		{"the gateway's own error to a foreign origin", listed, "POST", "/only", []string{"Origin", "https://c.example"}, 404, gateways},

		{"preflight without a route", listed, "OPTIONS", "/only", preflight(page, "PATCH", "content-type, Authorization"), 204, with(none, granted...)},
		{"preflight of no headers", listed, "OPTIONS", "/only", preflight(page, "GET"), 204, with(none, granted...)},
		{"preflight of a path without any route", listed, "OPTIONS", "/nothing", preflight(page, "GET", "", ","), 204, with(none, granted...)},
		{"preflight of a foreign origin", listed, "OPTIONS", "/only", preflight("https://c.example", "GET"), 204, none},
		{"preflight of another method", listed, "OPTIONS", "/only", preflight(page, "DELETE"), 204, none},
		{"preflight of a method in lower case", listed, "OPTIONS", "/only", preflight(page, "get"), 204, none},
		{"preflight of another header", listed, "OPTIONS", "/only", preflight(page, "GET", "authorization,x-other"), 204, none},
		{"preflight of another header in a line of its own", listed, "OPTIONS", "/only", preflight(page, "GET", "authorization", "x-other"), 204, none},
		{"no preflight: no method", listed, "OPTIONS", "/only", []string{"Origin", page}, 204, none},
		{"no preflight: no origin", listed, "OPTIONS", "/only", []string{"Access-Control-Request-Method", "GET"}, 204, none},
		{"preflight that a route takes", listed, "OPTIONS", "/any", preflight(page, "GET"), 418, with(own, granted...)},
		{"preflight of a foreign origin that a route takes", listed, "OPTIONS", "/any", preflight("https://c.example", "GET"), 418, own},
		{"no preflight, and a route takes it", listed, "OPTIONS", "/any", []string{"Origin", page}, 418, own},

		{"every origin", everything, "GET", "/only", []string{"Origin", page}, 418, with(own, allowOrigin, "*", exposeHeaders, "*")},
		{"every origin: opaque", everything, "GET", "/only", []string{"Origin", "null"}, 418, with(own, allowOrigin, "*", exposeHeaders, "*")},
		{"every origin: none", everything, "GET", "/only", nil, 418, own},
		{"preflight of everything", everything, "OPTIONS", "/only", preflight(page, "DELETE", "x-other"), 204,
			with(none, allowOrigin, "*", allowMethods, "*", allowHeaders, "authorization,*", maxAge, "0")},

		{"every secure origin", secure, "GET", "/only", []string{"Origin", page}, 418, with(own, allowOrigin, page, "Vary", "origin", allowCredentials, "true")},
		{"every secure origin: not one", secure, "GET", "/only", []string{"Origin", "http://a.example"}, 418, own},
		{"every secure origin: preflight", secure, "OPTIONS", "/only", preflight(page, "GET"), 204,
			with(none, allowOrigin, page, "Vary", "origin", allowCredentials, "true", allowMethods, "GET")},
		{"no headers allowed", secure, "OPTIONS", "/only", preflight(page, "GET", "authorization"), 204, none},
		{"every insecure origin", unsafe, "GET", "/only", []string{"Origin", "http://a.example:8080"}, 418, with(own, allowOrigin, "http://a.example:8080", "Vary", "origin")},
		{"no methods allowed", unsafe, "OPTIONS", "/only", preflight("http://a.example", "GET"), 204, none},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			called := false
			function := handlerFunc(func(context.Context, []byte) ([]byte, error) {
				called = true
				return []byte(answer), nil
			})
			template := &Template{
				Functions: []Function{{ID: "F", Timeout: time.Second, Routes: []Route{{anyMethod, "/any"}, {"GET", "/only"}}}},
				CORS:      test.cors,
			}
			g, err := NewGateway(template, map[string]lambda.Handler{"F": function}, GatewayOptions{Log: quiet})
			if err != nil {
				t.Fatal(err)
			}
			server := httptest.NewServer(g)
			defer server.Close()
			r, err := http.NewRequest(test.method, server.URL+test.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header = with(none, test.request...)
			resp, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			maps.DeleteFunc(resp.Header, func(name string, _ []string) bool { return name == "Date" || name == "Apigw-Requestid" })
			if resp.StatusCode != test.status || called != (test.status == 418) {
				t.Errorf("status %d, want %d; function called: %t", resp.StatusCode, test.status, called)
			}
			if diff := cmp.Diff(test.want, resp.Header); diff != "" {
				t.Errorf("header (-want +got):\n%s", diff)
			}
		})
	}
}

// TestOwnTemplateCORS holds the service's own configuration to its routes: what a page
// may send must be all that the API understands.
func TestOwnTemplateCORS(t *testing.T) {
	read := func(origins string) *Template {
		t.Helper()
		template, err := ReadTemplate("../../template.yaml", TemplateOptions{
			Parameters: map[string]string{"AllowedOrigins": origins}, TableName: "tocsin", Region: Region,
		})
		if err != nil {
			t.Fatal(err)
		}
		return template
	}
	if none := read(""); none.CORS != nil {
		t.Errorf("without origins CORS = %+v", none.CORS)
	}
	template := read("https://status.example.com,http://localhost:5173")
	c := template.CORS
	if want := []string{"https://status.example.com", "http://localhost:5173"}; !slices.Equal(c.Origins, want) {
		t.Errorf("origins = %q, want %q", c.Origins, want)
	}
	methods := []string{http.MethodHead} // works wherever GET does
	for _, f := range template.Functions {
		if f.Environment["ALLOWED_ORIGINS"] == "" {
			t.Errorf("%s does not answer preflight requests", f.ID)
		}
		for _, route := range f.Routes {
			if route.Method != anyMethod {
				methods = append(methods, route.Method)
			}
		}
	}
	for _, m := range methods {
		if !slices.Contains(c.Methods, m) {
			t.Errorf("AllowMethods %q lacks %s", c.Methods, m)
		}
	}
	for _, h := range []string{"authorization", "content-type", "idempotency-key", "if-match"} {
		if !slices.Contains(c.Headers, h) { // by name: * would not stand for authorization
			t.Errorf("AllowHeaders %q lacks %s", c.Headers, h)
		}
	}
	if c.Credentials {
		t.Error("AllowCredentials: the API knows no cookies")
	}
}

// TestAllowedOrigins has the parameter refuse what AWS would refuse only after the
// stack's other parts are made.
func TestAllowedOrigins(t *testing.T) {
	for origins, ok := range map[string]bool{
		"":                                      true,
		"*":                                     true,
		"https://*":                             true,
		"https://a.example,http://b.example:80": true,
		"https://*,http://localhost:3000":       true,
		"*,https://a.example":                   false,
		"https://a.example/":                    false,
		"https://a.example, https://b.example":  false,
		"https://a.example,":                    false,
		"https://*.a.example":                   false,
		"a.example":                             false,
		"https://":                              false,
	} {
		_, err := ReadTemplate("../../template.yaml", TemplateOptions{Parameters: map[string]string{"AllowedOrigins": origins}})
		const want = "../../template.yaml: Parameters.AllowedOrigins: must be empty, * or origins like https://status.example.com (no path), separated by commas without blanks, not "
		if ok && err != nil || !ok && (err == nil || !strings.HasPrefix(err.Error(), want)) {
			t.Errorf("%q: error = %v", origins, err)
		}
	}
}
