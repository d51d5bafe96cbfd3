package pagehttp_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"tocsin/internal/dynamotest"
	"tocsin/internal/lambdapage"
	"tocsin/internal/local"
	"tocsin/internal/page"
	"tocsin/internal/pagehttp"
	"tocsin/internal/publish"
	"tocsin/internal/site"
	"tocsin/internal/site/sitetest"
)

const (
	home   = "<!doctype html><title>Home</title>"
	cached = "public, max-age=5, s-maxage=10, stale-while-revalidate=30, stale-if-error=604800"
)

var long = strings.Repeat("All is well. ", 100)

// picture is no UTF-8, so that it can't travel as text.
var picture = append([]byte("\x89PNG\r\n\x1a\n"), bytes.Repeat([]byte{0, 0xff, 'a'}, 400)...)

// files are those that the tests read, by address.
var files = map[string]publish.Object{
	"/":                     {Body: []byte(home), Type: "text/html; charset=utf-8", Status: 200},
	"/404":                  {Body: []byte("no such page"), Type: "text/html; charset=utf-8", Status: 404},
	"/de/":                  {Body: []byte("Startseite"), Type: "text/html; charset=utf-8", Status: 200},
	"/de/404":               {Body: []byte("keine solche Seite"), Type: "text/html; charset=utf-8", Status: 404},
	"/history":              {Body: []byte(long), Type: "text/html; charset=utf-8", Status: 200},
	"/incidents/7":          {Body: []byte("was deleted"), Type: "text/html; charset=utf-8", Status: 410},
	"/maintenances/7":       {Body: []byte("occurrence 7"), Type: "text/html; charset=utf-8", Status: 200},
	"/maintenances/m/7":     {Body: []byte("maintenance 7"), Type: "text/html; charset=utf-8", Status: 200},
	"/de/maintenances/m/7":  {Body: []byte("Wartung 7"), Type: "text/html; charset=utf-8", Status: 200},
	"/rss.xml":              {Body: []byte("<rss>" + long + "</rss>"), Type: "application/rss+xml; charset=utf-8", Status: 200},
	"/api/v2/status.json":   {Body: []byte(`{"page":{}}`), Type: "application/json; charset=utf-8", Status: 200},
	"/data/api.json":        {Body: []byte(`{}`), Type: "application/json; charset=utf-8", Status: 200},
	"/og-up.png":            {Body: picture, Type: "image/png", Status: 200},
	"/badge/api/status":     {Body: []byte("<svg>" + long + "</svg>"), Type: "image/svg+xml", Status: 200},
	"/embed/monitor-api":    {Body: []byte("embedded"), Type: "text/html; charset=utf-8", Status: 200},
	"/assets/logo.svg":      {Body: []byte("<svg>" + long + "</svg>"), Type: "image/svg+xml", Status: 200},
	"/assets/team/a.png":    {Body: picture, Type: "image/png", Status: 200},
	"/monitors/api/rss.xml": {Body: []byte("<rss/>"), Type: "application/rss+xml; charset=utf-8", Status: 200},
}

// serve runs the gateway with the page function, and with stubs in place of all others. They
// say their name.
func serve(t *testing.T, dir string, parameters map[string]string) string {
	t.Helper()
	all := map[string]string{"SiteDir": dir}
	for name, value := range parameters {
		all[name] = value
	}
	template, err := local.ReadTemplate(filepath.Join(dynamotest.Root(t), "template.yaml"), local.TemplateOptions{Parameters: all, TableName: "none", Region: "local"})
	if err != nil {
		t.Fatal(err)
	}
	handlers, err := template.Handlers(func(name string, getenv func(string) string) (lambda.Handler, error) {
		if name == lambdapage.Name {
			return lambdapage.New(getenv, slog.New(slog.DiscardHandler))
		}
		return other(name), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	gateway, err := local.NewGateway(template, handlers, local.GatewayOptions{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gateway)
	t.Cleanup(server.Close)
	return server.URL
}

type other string

func (o other) Invoke(context.Context, []byte) ([]byte, error) {
	return json.Marshal(events.APIGatewayV2HTTPResponse{StatusCode: 299, Body: string(o)})
}

// folder has the files.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	f, err := publish.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	for address, o := range files {
		key, ok := publish.Key(address)
		if !ok {
			t.Fatalf("%s has no key", address)
		}
		if _, err := f.Put(t.Context(), key, o, ""); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

type answer struct {
	status int
	header http.Header
	body   string
}

var client = &http.Client{
	Transport:     &http.Transport{DisableCompression: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// ask sends a request with headers, pairs of a name and a value. The path is sent as it is.
func ask(t *testing.T, method, base, path string, headers ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, base, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.URL.Opaque = path
	if strings.HasPrefix(path, "//") { // which Opaque would take for a host
		r.URL.Opaque = base + path
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(body)}
}

func TestFiles(t *testing.T) {
	url := serve(t, folder(t), nil)
	for address, o := range files {
		got := ask(t, "GET", url, address)
		if got.status != o.Status || got.body != string(o.Body) || got.header.Get("Content-Type") != o.Type {
			t.Errorf("GET %s: %d %s %.60q, want %d %s", address, got.status, got.header.Get("Content-Type"), got.body, o.Status, o.Type)
		}
	}
}

func TestHeaders(t *testing.T) {
	url := serve(t, folder(t), nil)
	for _, tt := range []struct {
		path string
		want map[string]string // "": none
	}{
		{"/", map[string]string{
			"Cache-Control": cached, "Vary": "Accept-Encoding", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "strict-origin-when-cross-origin",
			"Content-Security-Policy": "frame-ancestors 'none'", "X-Robots-Tag": "", "Access-Control-Allow-Origin": "", "Set-Cookie": "",
		}},
		{"/embed/monitor-api", map[string]string{
			"Cache-Control": cached, "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "", "X-Robots-Tag": "noindex", "Access-Control-Allow-Origin": "",
		}},
		{"/api/v2/status.json", map[string]string{"Access-Control-Allow-Origin": "*", "Cache-Control": cached, "Content-Security-Policy": "frame-ancestors 'none'"}},
		{"/data/api.json", map[string]string{"Access-Control-Allow-Origin": "*"}},
		{"/rss.xml", map[string]string{"Access-Control-Allow-Origin": "*", "Vary": "Accept-Encoding"}},
		{"/badge/api/status", map[string]string{"Access-Control-Allow-Origin": "*", "Vary": "", "X-Content-Type-Options": "nosniff"}},
		{"/og-up.png", map[string]string{"Vary": "", "Content-Encoding": ""}},
		{"/assets/logo.svg", map[string]string{
			"Cache-Control": "public, max-age=86400, stale-if-error=604800", "Etag": `"57afccce318dae4a"`, "Content-Type": "image/svg+xml", "X-Content-Type-Options": "nosniff",
			"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'none'",
		}},
		{"/assets/team/a.png", map[string]string{"Cache-Control": "public, max-age=86400, stale-if-error=604800", "Content-Type": "image/png"}},
		{"/assets/nothing.png", map[string]string{"Cache-Control": "public, max-age=5, s-maxage=10", "Etag": "", "Content-Type": "text/html; charset=utf-8"}},
		{"/nothing", map[string]string{"Cache-Control": "public, max-age=5, s-maxage=10", "Etag": "", "X-Content-Type-Options": "nosniff"}},
		{"/incidents/7", map[string]string{"Cache-Control": "public, max-age=5, s-maxage=10", "Etag": ""}},
		{"/api/v2/nothing.json", map[string]string{"Content-Type": "application/json", "Access-Control-Allow-Origin": "*"}},
	} {
		got := ask(t, "GET", url, tt.path)
		for name, want := range tt.want {
			if value := strings.Join(got.header.Values(name), "|"); value != want {
				t.Errorf("GET %s: %s is %q, want %q", tt.path, name, value, want)
			}
		}
	}
}

// A path that no file can have is one that does not exist, and never a failure.
func TestPaths(t *testing.T) {
	url := serve(t, folder(t), nil)
	for _, tt := range []struct {
		path   string
		status int
		says   string // body, or Location of a redirect
	}{
		{"/de", 308, "/de/"},
		{"/de?x=1", 308, "/de/?x=1"},
		{"/history/", 308, "/history"},
		{"/history/?x=%2F", 308, "/history?x=%2F"},
		{"/api/", 308, "/api"},
		{"/?utm=1", 200, home},
		{"/history?days=7", 200, long},
		{"/monitors/api", 404, "no such page"},
		{"/de/monitors/api", 404, "keine solche Seite"},
		{"/en/monitors/api", 404, "no such page"},
		{"/dex", 404, "no such page"},
		{"/api/v2/nothing.json", 404, `{"error":{"code":"NOT_FOUND","message":"No API route matches '/api/v2/nothing.json'"}}`},
		{"/team/api/v2/nothing.json", 404, `{"error":{"code":"NOT_FOUND","message":"No API route matches '/team/api/v2/nothing.json'"}}`},
		{"/a/b/api/v2/nothing.json", 404, "no such page"},
		{"/team/", 308, "/team"},
		{"/hooks/", 404, "no such page"},
		{"/ping/", 404, "no such page"},
		{"/generic/2010-04-15/create_event.json/", 404, "no such page"},
		{"/api/v2/a%22b", 404, `{"error":{"code":"NOT_FOUND","message":"No API route matches '/api/v2/a\"b'"}}`},
		{"//", 404, "no such page"},
		{"//elsewhere.example/", 404, "no such page"},
		{"//elsewhere.example/%2e%2e", 404, "no such page"},
		{"/\\elsewhere.example/", 404, "no such page"},
		{"/..", 404, "no such page"},
		{"/../../etc/passwd", 404, "no such page"},
		{"/%2e%2e/%2e%2e/etc/passwd", 404, "no such page"},
		{"/..%2f..%2fetc%2fpasswd", 404, "no such page"},
		{"/..%5c..%5cetc", 404, "no such page"},
		{"/%252e%252e%252fetc", 404, "no such page"},
		{"/a%00b", 404, "no such page"},
		{"/a%0d%0ab", 404, "no such page"},
		{"/%ff%fe", 404, "no such page"},
		{"/.state", 404, "no such page"},
		{"/state/public/index.html", 404, "no such page"},
		{"/de/..", 404, "keine solche Seite"},
		{"/history//", 404, "no such page"},
		{"/" + strings.Repeat("a", 7000), 404, "no such page"},
		{"/" + strings.Repeat("a", 300), 404, "no such page"},
		{strings.Repeat("/a", 200), 404, "no such page"},
		{"/index.html/", 308, "/index.html"},
		{"/healthcheck", 299, "edge"},
		{"/docs", 299, "edge"},
		{"/api", 299, "edge"},
		{"/api/nothing", 299, "edge"},
		{"/api/v4/nothing", 299, "edge"},
		{"/api/v4/incidents", 299, "incidents"},
	} {
		got := ask(t, "GET", url, tt.path)
		says := got.body
		if got.status == http.StatusPermanentRedirect {
			says = got.header.Get("Location")
		}
		if got.status != tt.status || says != tt.says {
			t.Errorf("GET %.80s: %d %.80q, want %d %.80q", tt.path, got.status, says, tt.status, tt.says)
		}
	}
}

// Answers of the API lead to a maintenance by its number and a query.
func TestMaintenanceByQuery(t *testing.T) {
	url := serve(t, folder(t), nil)
	for path, want := range map[string]string{
		"/maintenances/7": "occurrence 7", "/maintenances/7?type=maintenance": "maintenance 7", "/de/maintenances/7?a=b&type=maintenance": "Wartung 7",
		"/maintenances/7?type=event": "occurrence 7", "/maintenances/m/7?type=maintenance": "maintenance 7",
		"/maintenances/8?type=maintenance": "no such page", "/incidents/7?type=maintenance": "was deleted",
	} {
		if got := ask(t, "GET", url, path); got.body != want {
			t.Errorf("%s: %q, want %q", path, got.body, want)
		}
	}
}

func TestMethods(t *testing.T) {
	url := serve(t, folder(t), nil)
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"} {
		for path, to := range map[string]string{"/api/": "/api", "/healthcheck/": "/healthcheck", "/docs/": "/docs", "/openapi.json/": "/openapi.json", "/history/": "/history", "/de": "/de/"} {
			if got := ask(t, method, url, path); got.status != 308 || got.header.Get("Location") != to || got.body != "" {
				t.Errorf("%s %s: %d %v %q", method, path, got.status, got.header["Location"], got.body)
			}
		}
		for _, path := range []string{"/", "/nothing", "/api/v2/status.json"} {
			got := ask(t, method, url, path)
			if got.status != 405 || got.header.Get("Allow") != "GET, HEAD" || strings.HasPrefix(path, "/api/") != json.Valid([]byte(got.body)) {
				t.Errorf("%s %s: %d %v %q", method, path, got.status, got.header["Allow"], got.body)
			}
		}
	}
	for _, path := range []string{"/", "/history", "/nothing", "/de", "/og-up.png"} {
		for _, accepts := range []string{"", "gzip"} {
			got, want := ask(t, "HEAD", url, path, "Accept-Encoding", accepts), ask(t, "GET", url, path, "Accept-Encoding", accepts)
			if got.body != "" || got.status != want.status {
				t.Errorf("HEAD %s: %d %q", path, got.status, got.body)
			}
			for name := range want.header {
				if name != "Date" && name != "Apigw-Requestid" && got.header.Get(name) != want.header.Get(name) {
					t.Errorf("HEAD %s: %s is %q, of GET %q", path, name, got.header.Get(name), want.header.Get(name))
				}
			}
		}
	}
}

func TestGzip(t *testing.T) {
	url := serve(t, folder(t), nil)
	for _, tt := range []struct {
		path, accepts string
		packed        bool
	}{
		{"/history", "gzip", true},
		{"/history", "gzip, deflate, br", true},
		{"/history", "br;q=1, gzip;q=0.5", true},
		{"/history", "*", true},
		{"/history", "", false},
		{"/history", "br", false},
		{"/history", "gzip;q=0", false},
		{"/history", "*;q=0", false},
		{"/history", "gzip;q=0.2, identity;q=0.8", false},
		{"/rss.xml", "gzip", true},
		{"/", "gzip", false}, // too small
		{"/og-up.png", "gzip", false},
		{"/badge/api/status", "gzip", false},
	} {
		got := ask(t, "GET", url, tt.path, "Accept-Encoding", tt.accepts)
		encoding, body := got.header.Get("Content-Encoding"), got.body
		if encoding == "gzip" {
			z, err := gzip.NewReader(strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			unpacked, err := io.ReadAll(z)
			if err != nil {
				t.Fatal(err)
			}
			body = string(unpacked)
		}
		if want := files[tt.path]; (encoding == "gzip") != tt.packed || body != string(want.Body) || got.header.Get("Content-Type") != want.Type {
			t.Errorf("GET %s accepting %q: %q %.40q", tt.path, tt.accepts, encoding, body)
		}
	}
}

func TestETags(t *testing.T) {
	url := serve(t, folder(t), nil)
	plain := ask(t, "GET", url, "/history").header.Get("Etag")
	packed := ask(t, "GET", url, "/history", "Accept-Encoding", "gzip").header.Get("Etag")
	if plain == packed || !strings.HasPrefix(plain, `"`) || !strings.HasPrefix(packed, `"`) {
		t.Fatalf("etags %s and %s: want strong ones, one for each form", plain, packed)
	}
	for _, tt := range []struct {
		accepts, known string
		status         int
	}{
		{"", plain, 304}, {"", packed, 200}, {"gzip", packed, 304}, {"gzip", plain, 200},
		{"", "W/" + plain, 304}, {"", `"x", ` + plain, 304}, {"", "*", 304}, {"", `"x"`, 200}, {"", "x", 200}, {"", "", 200},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			got := ask(t, method, url, "/history", "Accept-Encoding", tt.accepts, "If-None-Match", tt.known)
			if got.status != tt.status || got.status == 304 && (got.body != "" || got.header.Get("Etag") == "" || got.header.Get("Cache-Control") != cached || got.header.Get("Vary") != "Accept-Encoding") {
				t.Errorf("%s accepting %q with %s: %d %v, want %d", method, tt.accepts, tt.known, got.status, got.header, tt.status)
			}
		}
	}
	if got := ask(t, "GET", url, "/incidents/7", "If-None-Match", "*"); got.status != 410 {
		t.Errorf("a deleted incident's page with If-None-Match: %d", got.status)
	}
}

// Badges and embeds with a query are drawn of the published data.
func TestDrawn(t *testing.T) {
	dir := t.TempDir()
	f, err := publish.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	s, team := sitetest.Sample(2, 1), sitetest.Sample(1, 0)
	team.Page.Path, s.Pages = "team", []*site.Site{team}
	for _, file := range page.Files(s) {
		key, ok := publish.Key(file.Path)
		if !ok {
			t.Fatalf("%s has no key", file.Path)
		}
		if _, err := f.Put(t.Context(), key, publish.Object{Body: file.Body, Type: file.Type, Status: file.Status}, ""); err != nil {
			t.Fatal(err)
		}
	}
	url := serve(t, dir, nil)
	const svg, html = "image/svg+xml; charset=utf-8", "text/html; charset=utf-8"
	for _, tt := range []struct {
		path   string
		status int
		kind   string
		says   string // which the file without a query does not
	}{
		{"/badge/service-0/status?label=Our%20API", 200, svg, "Our API"},
		{"/badge/_/uptime?label=%3Cb%3E", 200, svg, "&lt;b&gt;"},
		{"/badge/service-0/latency?color=abcdef", 200, svg, "abcdef"},
		{"/embed/monitor-service-0?theme=dark", 200, html, ":root{color-scheme:dark"},
		{"/team/badge/_/status?label=Our%20team", 200, svg, "Our team"},
		{"/team/badge/service-0/status?label=x", 404, html, ""},
		{"/crew/badge/_/status?label=x", 404, html, ""},
		{"//badge/_/status?label=x", 404, html, ""},
		{"/badge/none/status?label=x", 404, html, ""},
		{"/badge/service-0/other?label=x", 404, html, ""},
		{"/badge/service-0?label=x", 404, html, ""},
		{"/badge/../x?label=x", 404, html, ""},
		{"/embed/monitor-none?theme=dark", 404, html, ""},
		{"/embed/monitor-?theme=dark", 404, html, ""},
		{"/badge/service-0/status?%zz&label=%ff", 200, svg, ""},
		{"/embed/monitor-service-0?days=0", 200, html, ""},
		{"/embed/monitor-service-0?days=-1&theme=%22", 200, html, ""},
		{"/embed/monitor-service-0?days=99999999999999999999", 200, html, ""},
	} {
		got := ask(t, "GET", url, tt.path)
		plain, _, _ := strings.Cut(tt.path, "?")
		without := ask(t, "GET", url, plain)
		if got.status != tt.status || got.header.Get("Content-Type") != tt.kind || !strings.Contains(got.body, tt.says) || tt.says != "" && strings.Contains(without.body, tt.says) {
			t.Errorf("GET %s: %d %s %.200s", tt.path, got.status, got.header.Get("Content-Type"), got.body)
		}
		if tt.status != 200 {
			continue
		}
		if again := ask(t, "GET", url, tt.path, "If-None-Match", got.header.Get("Etag")); again.status != 304 {
			t.Errorf("GET %s again: %d", tt.path, again.status)
		}
		embed := tt.kind == html
		if (got.header.Get("Content-Security-Policy") == "") != embed || (got.header.Get("X-Robots-Tag") == "noindex") != embed || got.header.Get("Cache-Control") != cached {
			t.Errorf("GET %s: %v", tt.path, got.header)
		}
	}
	whole, week := ask(t, "GET", url, "/embed/monitor-service-0?days=90"), ask(t, "GET", url, "/embed/monitor-service-0?days=7")
	if whole.body != ask(t, "GET", url, "/embed/monitor-service-0").body || whole.body == week.body {
		t.Error("an embed of 90 days is not the plain one, or one of 7 is")
	}
}

// With allowed origins the gateway alone says who may read an answer.
func TestAllowedOrigins(t *testing.T) {
	url := serve(t, folder(t), map[string]string{"AllowedOrigins": "https://status.example.com"})
	for origin, want := range map[string]string{"https://status.example.com": "https://status.example.com", "https://elsewhere.example": ""} {
		if got := ask(t, "GET", url, "/data/api.json", "Origin", origin).header.Get("Access-Control-Allow-Origin"); got != want {
			t.Errorf("of %s: %q, want %q", origin, got, want)
		}
	}
	if got := ask(t, "OPTIONS", url, "/data/api.json", "Origin", "https://status.example.com", "Access-Control-Request-Method", "GET"); got.status != 204 {
		t.Errorf("preflight: %d %s", got.status, got.body)
	}
}

// Behind a CDN nobody else reads the pages.
func TestOrigin(t *testing.T) {
	const secret, sum = "s3cret", "1ec1c26b50d5d3c58d9583181af8076655fe00756bf7285940ba3670f99fcba0"
	url := serve(t, folder(t), map[string]string{"OriginSecretSHA256": sum})
	if got := ask(t, "GET", url, "/"); got.status != 403 {
		t.Errorf("without the secret: %d", got.status)
	}
	if got := ask(t, "GET", url, "/", "X-Origin-1", secret); got.status != 200 {
		t.Errorf("with the secret: %d %s", got.status, got.body)
	}
}

// Without a place to read from the page says so, and an API that reads JSON gets JSON.
func TestNoPlace(t *testing.T) {
	url := serve(t, "", map[string]string{"SiteName": "<Example>"})
	for _, path := range []string{"/nothing", "/de/nothing", "/robots.txt"} {
		if got := ask(t, "GET", url, path); got.status != 404 || !strings.Contains(got.body, "SITE_BUCKET") {
			t.Errorf("GET %s: %d %s", path, got.status, got.body)
		}
	}
	for _, path := range []string{"/", "/de/"} {
		got := ask(t, "GET", url, path)
		if got.status != 503 || got.header.Get("Retry-After") == "" || got.header.Get("Cache-Control") != "no-store" || !strings.Contains(got.body, "SITE_BUCKET") ||
			!strings.Contains(got.body, "&lt;Example&gt;") || strings.Contains(got.body, "<Example>") {
			t.Errorf("GET %s: %d %v %s", path, got.status, got.header, got.body)
		}
	}
	if got := ask(t, "GET", url, "/api/v2/status.json"); got.status != 503 || !json.Valid([]byte(got.body)) || got.header.Get("Retry-After") == "" {
		t.Errorf("JSON: %d %s", got.status, got.body)
	}
	if got := ask(t, "POST", url, "/"); got.status != 405 {
		t.Errorf("POST: %d", got.status)
	}
}

// An empty folder is a place: nothing is there yet, not even the page that says so.
func TestEmptyFolder(t *testing.T) {
	url := serve(t, t.TempDir(), nil)
	if got := ask(t, "GET", url, "/"); got.status != 404 || got.body != "Not found\n" || got.header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("%d %v %s", got.status, got.header, got.body)
	}
}

// broken is a place that fails.
type broken struct{}

func (broken) Get(context.Context, string) (publish.Object, string, error) {
	return publish.Object{}, "", errors.New("S3 is slow today")
}

func (broken) Put(context.Context, string, publish.Object, string) (string, error) {
	return "", errors.New("S3 is slow today")
}

func TestBrokenPlace(t *testing.T) {
	w := httptest.NewRecorder()
	(&pagehttp.Handler{Files: broken{}}).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/", nil))
	if w.Code != 503 || w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), "SITE_BUCKET") || strings.Contains(w.Body.String(), "slow today") {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}
