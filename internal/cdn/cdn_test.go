// Package cdn has the tests of what template.yaml sets in front of the public pages: the code
// that CloudFront runs at each request, and the headers that it adds. Both have to do what
// packages publish and pagehttp do where there is no CloudFront.
package cdn

import (
	"context"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dop251/goja"
	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"tocsin/internal/dynamotest"
	"tocsin/internal/page"
	"tocsin/internal/pagehttp"
	"tocsin/internal/publish"
	"tocsin/internal/site"
	"tocsin/internal/site/sitetest"
	"tocsin/internal/statuspage"
)

// properties decodes the properties of a resource of template.yaml into p.
func properties(t *testing.T, resource string, p any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dynamotest.Root(t), "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Resources map[string]struct {
			Properties yaml.Node `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	found, ok := template.Resources[resource]
	if !ok {
		t.Fatalf("template.yaml has no %s", resource)
	}
	if err := found.Properties.Decode(p); err != nil {
		t.Fatal(err)
	}
}

// An edge is an engine with the code of one of the two functions.
type edge struct {
	t  *testing.T
	vm *goja.Runtime
}

func newEdge(t *testing.T, resource string) edge {
	t.Helper()
	var function struct {
		FunctionCode string `yaml:"FunctionCode"`
	}
	properties(t, resource, &function)
	vm := goja.New()
	if _, err := vm.RunString(function.FunctionCode); err != nil {
		t.Fatalf("%s: %v", resource, err)
	}
	return edge{t, vm}
}

// A header is one value of a header, as CloudFront writes it.
type header struct {
	Value string `json:"value"`
}

// A message is a request or a response, as CloudFront writes it.
type message struct {
	Method            string            `json:"method,omitempty"`
	URI               string            `json:"uri"`
	StatusCode        int               `json:"statusCode,omitempty"`
	StatusDescription string            `json:"statusDescription,omitempty"`
	Headers           map[string]header `json:"headers"`
	Query             map[string]header `json:"querystring"`
}

// handle calls the function with an event that has the message under the name.
func (e edge) handle(name string, m message) message {
	e.t.Helper()
	event, err := json.Marshal(map[string]message{name: m})
	if err != nil {
		e.t.Fatal(err)
	}
	if err := e.vm.Set("event", string(event)); err != nil {
		e.t.Fatal(err)
	}
	v, err := e.vm.RunString("JSON.stringify(handler(JSON.parse(event)))")
	if err != nil {
		e.t.Fatalf("%+v: %v", m, err)
	}
	var out message
	if err := json.Unmarshal([]byte(v.String()), &out); err != nil {
		e.t.Fatal(err)
	}
	return out
}

// request returns what becomes of a request for the address: another one, or the answer.
func (e edge) request(address string) message { return e.ask(address, map[string]header{}) }

func (e edge) ask(address string, query map[string]header) message {
	e.t.Helper()
	return e.handle("request", message{Method: "GET", URI: address, Headers: map[string]header{"host": {"status.example.com"}}, Query: query})
}

// wanted is what pagehttp sends elsewhere or, in the bucket's words, the file that publish finds.
func wanted(address string) message {
	w := httptest.NewRecorder()
	pages := &pagehttp.Handler{}
	pages.ServeHTTP(w, &http.Request{Method: http.MethodGet, URL: &url.URL{Path: address}, Header: http.Header{}})
	if w.Code == http.StatusPermanentRedirect {
		return message{StatusCode: w.Code, StatusDescription: http.StatusText(w.Code), Headers: map[string]header{
			"location": {w.Header().Get("Location")}, "cache-control": {w.Header().Get("Cache-Control")},
		}}
	}
	if key, ok := publish.Key(address); ok {
		address = strings.TrimPrefix(key, "public")
	}
	return message{Method: "GET", URI: address, Headers: map[string]header{"host": {"status.example.com"}}, Query: map[string]header{}}
}

// TestMaintenanceByQuery asks where an address of a maintenance leads that answers of the API have.
func TestMaintenanceByQuery(t *testing.T) {
	e := newEdge(t, "PageRequestFunction")
	for _, query := range []map[string]header{{"type": {"maintenance"}}, {"type": {"Maintenance"}}, {"type": {""}}, {"a": {"b"}}, {}} {
		for _, address := range []string{
			"/maintenances/7", "/de/maintenances/7", "/maintenances/007", "/maintenances/7/", "/maintenances/", "/maintenances/m/7", "/maintenances/7a", "/maintenances/٣",
			"/de/de/maintenances/7", "/en/maintenances/7", "/x/maintenances/7", "/maintenances/maintenances/7", "/incidents/7", "/maintenances/7/maintenances/8", "/de",
		} {
			path := address
			if to, ok := page.SeriesAddress(address); ok && query["type"].Value == "maintenance" {
				path = to
			}
			want := wanted(path)
			if want.StatusCode == 0 {
				want.Query = query
			}
			if diff := cmp.Diff(want, e.ask(address, query)); diff != "" {
				t.Errorf("%q, %v (-want +got):\n%s", address, query, diff)
			}
		}
	}
	if to, ok := page.SeriesAddress("/de/maintenances/7"); !ok || to != "/de/maintenances/m/7" {
		t.Errorf("%q, %v", to, ok)
	}
}

// TestRequests compares the function with publish and pagehttp at addresses of all kinds.
func TestRequests(t *testing.T) {
	e := newEdge(t, "PageRequestFunction")
	long := "/" + strings.Repeat("a", 511)
	addresses := []string{
		"/", "/index.html", "/de", "/de/", "/de/index.html", "/de/de", "/de/de/", "/en", "/en/", "/dex", "/de.html",
		"/monitors/api", "/monitors/api/", "/de/monitors/api/", "/monitors", "/monitors/", "/events/November-2026", "/events/November-2026/7", "/404", "/de/404",
		"/incidents/7", "/incidents/7/", "/maintenances/7", "/maintenances/m/7", "/maintenances.ics", "/incidents/7.html", "/incidents.rss", "/sitemap.xml", "/robots.txt", "/favicon.ico",
		"/badge/api/status", "/badge/api/status/", "/badge/api/status.svg", "/badge/", "/badge", "/badges/api", "/de/badge/api", "/xbadge/api",
		"/embed/monitor-api", "/embed/monitor-api/", "/data/_.json", "/api/v2/summary.json", "/api/v2/summary", "/api/v2/", "/api/v2",
		"/a.b/c", "/a.b/", "/a.", "/a./b", "/-", "/_", "/-/_", "/.a", "/a/.b", "/.", "/..", "/../publisher.json", "/a/../b", "/a/..",
		"//", "//a", "/a//", "/a//b", "///", "/de//", "//de/", "/%64e", "/%2e%2e/x", "/a%2Fb", "/a%", "/a%00", "/a\x00b", "/a\n", "/a\n/",
		"/a b", "/a+b", "/a~b", "/a\\b", "/a?b", "/a#b", "/a:b", "/a@b", "/a'b", "/a\"b", "/<script>", "/ü", "/a/ü/", "/\u212a", "/\u017f", "/\U0001F600",
		"", "a", "de/", "https://evil.example/", "//evil.example/de/", "/constructor", "/__proto__", "/__proto__/",
		long, long + "a", long[:511] + "/", long + "/", "/" + strings.Repeat("a/", 255), "/" + strings.Repeat("a/", 256),
		"/" + strings.Repeat("é", 255), "/" + strings.Repeat("é", 511),
	}
	const parts = "///..--__aZ09%~ \\?#éde/badge/"
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		address := "/"
		for range random.IntN(12) {
			address += string([]rune(parts)[random.IntN(len([]rune(parts)))])
		}
		addresses = append(addresses, address)
	}
	moved, found := 0, 0
	for _, address := range addresses {
		want := wanted(address)
		if diff := cmp.Diff(want, e.request(address)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", address, diff)
		}
		if want.StatusCode != 0 {
			moved++
		} else if want.URI != address {
			found++
		}
	}
	if moved < 100 || found < 100 {
		t.Errorf("of these addresses only %d are moved and %d find a file", moved, found)
	}
}

// TestHomes looks that the function knows the homes of all languages that pages can be in.
func TestHomes(t *testing.T) {
	e := newEdge(t, "PageRequestFunction")
	homes, err := e.vm.RunString("homes.join()")
	if err != nil || homes.String() != strings.Join(page.Homes(), ",") {
		t.Errorf("%v, %v, want %q", homes, err, page.Homes())
	}
	for _, home := range page.Homes() {
		address := home + "maintenances/7"
		to, ok := page.SeriesAddress(address)
		if got := e.ask(address, map[string]header{"type": {"maintenance"}}); !ok || got.URI != to+".html" {
			t.Errorf("%s: %s, want %s", address, got.URI, to)
		}
	}
}

// TestEveryFile asks that the function finds every file that packages page and publish make.
func TestEveryFile(t *testing.T) {
	e := newEdge(t, "PageRequestFunction")
	s := sitetest.Sample(12, 6)
	tag := strings.Repeat("x", statuspage.MaxTag)
	s.Groups[0].Monitors[0].Tag, s.Groups[0].Monitors[1].Tag = tag, "_"
	files := append(page.Files(s), page.MonthFiles(s, site.Month{Start: statuspage.FloorMonth(sitetest.Now), End: sitetest.Now, Incidents: s.Past})...)
	for _, i := range s.Incidents() {
		for _, path := range append(page.IncidentPaths(&site.Site{}, i.ID), page.DayPaths(&site.Site{}, i.Start)...) {
			files = append(files, page.File{Path: path})
		}
	}
	for _, path := range slices.Concat(page.OccurrencePaths(&site.Site{}, 7), page.SeriesPaths(&site.Site{}, 7)) {
		files = append(files, page.File{Path: path})
	}
	for _, f := range files {
		key, ok := publish.Key(f.Path)
		if got := e.request(f.Path); !ok || got.URI != strings.TrimPrefix(key, "public") || got.StatusCode != 0 {
			t.Errorf("%s: the key is %q, %v, CloudFront asks for %+v", f.Path, key, ok, got)
		}
	}
}

// TestResponses asks what becomes of an answer of the bucket.
func TestResponses(t *testing.T) {
	e := newEdge(t, "PageResponseFunction")
	for _, tt := range []struct {
		code, want int
		meta       string // the file's status; "": the answer does not say it
		text       string
	}{
		{200, 200, "200", "OK"},
		{200, 404, "404", "Not Found"},
		{200, 410, "410", "Gone"},
		{200, 200, "", "OK"},
		{200, 200, "500", "OK"},
		{200, 200, "__proto__x", "OK"},
		{304, 304, "410", "OK"},
		{206, 206, "410", "OK"},
		{308, 308, "", "OK"},
	} {
		headers := map[string]header{
			"cache-control": {"public, max-age=5"}, "content-type": {"text/html"}, "etag": {`"1"`}, "content-security-policy": {"frame-ancestors 'none'"},
		}
		want := message{StatusCode: tt.want, StatusDescription: tt.text, Headers: maps.Clone(headers)}
		for _, name := range []string{"x-amz-meta-state", "x-amz-meta-note", "x-amz-meta-time", "x-amz-version-id", "x-amz-server-side-encryption"} {
			headers[name] = header{"1"}
		}
		if tt.meta != "" {
			headers["x-amz-meta-status"] = header{tt.meta}
		}
		got := e.handle("response", message{StatusCode: tt.code, StatusDescription: "OK", Headers: headers})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d with the status %q (-want +got):\n%s", tt.code, tt.meta, diff)
		}
	}
}

// A headersPolicy is the part of a policy for the headers of answers that is compared.
type headersPolicy struct {
	Config struct {
		CORS struct {
			Origins struct {
				Items []string `yaml:"Items"`
			} `yaml:"AccessControlAllowOrigins"`
		} `yaml:"CorsConfig"`
		Custom struct {
			Items []struct {
				Header string `yaml:"Header"`
				Value  string `yaml:"Value"`
			} `yaml:"Items"`
		} `yaml:"CustomHeadersConfig"`
		Security struct {
			CSP struct {
				Value string `yaml:"ContentSecurityPolicy"`
			} `yaml:"ContentSecurityPolicy"`
			NoSniff *struct {
				Override bool `yaml:"Override"`
			} `yaml:"ContentTypeOptions"`
			Referrer struct {
				Value string `yaml:"ReferrerPolicy"`
			} `yaml:"ReferrerPolicy"`
		} `yaml:"SecurityHeadersConfig"`
	} `yaml:"ResponseHeadersPolicyConfig"`
}

// headers returns the headers that the policy adds, those of HTTPS aside.
func (p headersPolicy) headers() map[string]string {
	all := map[string]string{
		"Access-Control-Allow-Origin": strings.Join(p.Config.CORS.Origins.Items, ","),
		"Content-Security-Policy":     p.Config.Security.CSP.Value,
		"Referrer-Policy":             p.Config.Security.Referrer.Value,
	}
	if p.Config.Security.NoSniff != nil {
		all["X-Content-Type-Options"] = "nosniff"
	}
	for _, h := range p.Config.Custom.Items {
		all[h.Header] = h.Value
	}
	maps.DeleteFunc(all, func(_, value string) bool { return value == "" })
	return all
}

// TestHeaders compares the policies with what pagehttp sends. Who may read an answer is the one
// difference: CloudFront lets every page read HTML too.
func TestHeaders(t *testing.T) {
	files, err := publish.OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	pages := &pagehttp.Handler{Files: files}
	for _, tt := range []struct{ path, policy string }{
		{"/api/v2/summary.json", "PageHeadersPolicy"},
		{"/incidents.rss", "PageHeadersPolicy"},
		{"/embed/monitor-api.svg", "EmbedHeadersPolicy"},
		{"/assets/logo.svg", "AssetHeadersPolicy"},
	} {
		key, _ := publish.Key(tt.path)
		if _, err := files.Put(context.Background(), key, publish.Object{Status: http.StatusOK, Type: "application/json", Body: []byte("{}")}, ""); err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		pages.ServeHTTP(w, httptest.NewRequest(http.MethodGet, tt.path, nil))
		got := map[string]string{}
		for name, values := range w.Header() {
			got[name] = strings.Join(values, ",")
		}
		for _, name := range []string{"Cache-Control", "Content-Type", "Etag", "Vary"} { // those of the file itself
			delete(got, name)
		}
		var policy headersPolicy
		properties(t, tt.policy, &policy)
		if diff := cmp.Diff(got, policy.headers()); w.Code != http.StatusOK || diff != "" {
			t.Errorf("%s: %d (-pagehttp +CloudFront):\n%s", tt.path, w.Code, diff)
		}
	}
}
