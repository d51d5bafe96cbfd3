package function_test

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"tocsin/internal/bucket/buckettest"
	"tocsin/internal/demo"
	"tocsin/internal/dynamotest"
	"tocsin/internal/function"
	"tocsin/internal/statuspage"
)

// The table and all other functions are gone, and the page function answers every address as
// before: pages, feeds, badges, JSON, embeds and data, with the same bytes.
func TestEverythingOff(t *testing.T) {
	const site = "https://status.example.com"
	tb := dynamotest.NewTable(t)
	if err := demo.Load(t.Context(), tb.Dump(nil), time.Now().Unix()); err != nil {
		t.Fatal(err)
	}
	if _, err := tb.Store(nil).CreatePage(t.Context(), statuspage.NewPage{Path: "team", Title: "Team", Header: "Team"}, time.Now().Unix(), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := tb.Store(nil).SetSiteSetting(t.Context(), "customCSS", "a{color:red}", time.Now().Unix(), nil); err != nil {
		t.Fatal(err)
	}
	engine, err := url.Parse(tb.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	database := httptest.NewServer(httputil.NewSingleHostReverseProxy(engine))
	defer database.Close()
	s3 := buckettest.New(t)
	var mu sync.Mutex
	stored := map[string]bool{} // addresses
	s3.Stored = func(key string, _ []byte) {
		mu.Lock()
		defer mu.Unlock()
		if address, ok := addressOf(key); ok {
			stored[address] = true
		}
	}
	env := map[string]string{
		"DYNAMODB_ENDPOINT": database.URL, "SITE_BUCKET": buckettest.Bucket, "AWS_ENDPOINT_URL_S3": s3.URL, "SITE_URL": site, "SITE_NAME": "Example", "LOG_LEVEL": "ERROR",
	}
	handlers := map[string]lambda.Handler{}
	quiet := function.Options{Log: slog.New(slog.DiscardHandler)}
	for _, name := range append(names, function.Publisher) {
		if handlers[name], err = function.NewWith(name, tb.Getenv(env), quiet); err != nil {
			t.Fatal(err)
		}
	}
	env["DYNAMODB_ENDPOINT"], env["TABLE_NAME"] = "http://127.0.0.1:1", "" // the page function has no use for them
	pages, err := function.NewWith(function.Page, tb.Getenv(env), quiet)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := handlers[function.Publisher].Invoke(t.Context(), nil); err != nil {
		t.Fatal(err)
	}

	addresses := map[string]bool{}
	for address := range stored {
		addresses[address] = true
		if kind := kindOf(address); kind == "badge" || kind == "embed" {
			addresses[address+"?label=Other&theme=dark&days=30"] = true
		}
	}
	for _, address := range sitemap(t, pages, site) {
		if !stored[address] {
			t.Errorf("%s is in the sitemap and was not put", address)
		}
		addresses[address] = true
	}
	before := map[string]answered{}
	kinds := map[string]int{}
	for address := range addresses {
		before[address] = answer(t, pages, address)
		kinds[kindOf(address)]++
		if want := wanted(address); before[address].status != want {
			t.Errorf("%s: %d, want %d", address, before[address].status, want)
		}
	}
	for _, address := range []string{"/team", "/team/de/history", "/team/atom.xml", "/team/badge/_/status?label=Other&theme=dark&days=30", "/team/api/v2/status.json", "/custom.css"} {
		if before[address].status != http.StatusOK {
			t.Errorf("%s: %d", address, before[address].status)
		}
	}
	for kind, least := range map[string]int{"page": 20, "feed": 20, "badge": 50, "JSON": 6, "embed": 10, "data": 5, "text": 3} {
		if kinds[kind] < least {
			t.Errorf("only %d addresses of the kind %s: %v", kinds[kind], kind, kinds)
		}
	}

	database.Close()
	key := newKey(t, tb)
	for _, name := range []string{function.Incidents, function.Comments, function.Monitors} {
		if a := get(t, handlers[name], paths[name], key); a.StatusCode < 500 {
			t.Errorf("%s answers %d: it is not off", name, a.StatusCode)
		}
	}
	if _, err := handlers[function.Publisher].Invoke(t.Context(), nil); err == nil {
		t.Error("the publisher is not off")
	}
	for address, want := range before {
		if got := answer(t, pages, address); got.status != want.status || got.kind != want.kind || !bytes.Equal(got.body, want.body) {
			t.Errorf("%s: %d %s with %d bytes, before %d %s with %d", address, got.status, got.kind, len(got.body), want.status, want.kind, len(want.body))
		}
	}
	t.Logf("%d addresses: %v", len(before), kinds)
}

// addressOf undoes publish.Key.
func addressOf(key string) (address string, ok bool) {
	address, ok = strings.CutPrefix(key, "public")
	if folder, ok := strings.CutSuffix(address, "index.html"); ok {
		return folder, true
	}
	if badge, is := strings.CutSuffix(address, ".svg"); is && strings.Contains(address, "/badge/") {
		return badge, true
	}
	return strings.TrimSuffix(address, ".html"), ok
}

func kindOf(address string) string {
	if below, is := strings.CutPrefix(address, "/team/"); is {
		return kindOf("/" + below)
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(address, "/"), "/")
	switch ext := path.Ext(address); {
	case first == "badge" || first == "embed" || first == "data":
		return first
	case strings.HasPrefix(address, "/api/v2/"):
		return "JSON"
	case strings.Contains(address, "rss") || strings.Contains(address, "atom") || strings.HasSuffix(address, "feed.json"):
		return "feed"
	case ext == ".txt":
		return "text"
	case ext == "":
		return "page"
	default:
		return ext
	}
}

// wanted is the status of an address: the pages about unknown ones say that they are that.
func wanted(address string) int {
	if strings.HasSuffix(address, "/404") {
		return http.StatusNotFound
	}
	return http.StatusOK
}

type answered struct {
	status int
	kind   string // content type
	body   []byte
}

func answer(t *testing.T, pages lambda.Handler, address string) answered {
	t.Helper()
	a := get(t, pages, address, "")
	body := []byte(a.Body)
	if a.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(a.Body); err != nil {
			t.Fatal(err)
		}
	}
	return answered{a.StatusCode, a.Headers["Content-Type"], body}
}

// sitemap returns the addresses in it.
func sitemap(t *testing.T, pages lambda.Handler, site string) []string {
	t.Helper()
	var x struct {
		URLs []string `xml:"url>loc"`
	}
	if err := xml.Unmarshal(answer(t, pages, "/sitemap.xml").body, &x); err != nil {
		t.Fatal(err)
	}
	for n, u := range x.URLs {
		address, ok := strings.CutPrefix(u, site)
		if !ok {
			t.Fatalf("%s is elsewhere", u)
		}
		x.URLs[n] = address
	}
	return x.URLs
}
