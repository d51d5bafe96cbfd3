package pagetest

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// public are addresses that every site has.
var public = []string{
	"/", "/history", "/sitemap.xml", "/robots.txt", "/status.txt", "/rss.xml", "/atom.xml", "/feed.json", "/maintenances.ics",
	"/badge/_/status", "/badge/_/uptime", "/badge/_/latency", "/badge/_/dot", "/badge/_/status.json",
	"/api/v2/summary.json", "/api/v2/status.json", "/api/v2/components.json", "/api/v2/incidents.json", "/api/v2/incidents/unresolved.json",
	"/api/v2/scheduled-maintenances.json", "/api/v2/scheduled-maintenances/upcoming.json", "/api/v2/scheduled-maintenances/active.json",
}

var links = regexp.MustCompile(`(?:href|src|content|url)"?[=:] ?"([^"]+)"|<(?:loc|link|id|guid|comments)[^>]*>([^<]+)</`)

// crawl follows all links within the site from the paths on, and returns the paths that it has
// read. Nothing that is linked may be missing, and nothing sets a cookie. look gets each
// answer: its headers, an empty line, and its body.
func crawl(t *testing.T, origin string, paths []string, look func(path, text string)) []string {
	t.Helper()
	paths = slices.Clone(paths)
	for n := 0; n < len(paths); n++ {
		resp, err := http.Get(origin + paths[n])
		if err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		resp.Header.Write(&text)
		text.WriteString("\r\n")
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK || len(body) == 0 {
			t.Errorf("%s is answered %s with %d bytes, %v", paths[n], resp.Status, len(body), err)
			continue
		}
		if resp.Header.Get("Set-Cookie") != "" || resp.Header.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(resp.Header.Get("Cache-Control"), "public, ") {
			t.Errorf("%s has the headers %v", paths[n], resp.Header)
		}
		text.Write(body)
		look(paths[n], text.String())
		for _, m := range links.FindAllStringSubmatch(string(body), -1) {
			path := pathOf(origin, paths[n], m[1]+m[2])
			if path != "" && !slices.Contains(paths, path) {
				paths = append(paths, path)
			}
		}
	}
	return paths
}

// pathOf is the path that a link on a page leads to, "" if it leaves the site.
func pathOf(origin, page, link string) string {
	base, err := url.Parse(origin + page)
	if err != nil {
		return ""
	}
	to, err := base.Parse(strings.ReplaceAll(link, "&amp;", "&"))
	if err != nil || to.Scheme+"://"+to.Host != origin || !strings.HasPrefix(link, "/") && !strings.HasPrefix(link, origin) {
		return ""
	}
	to.Fragment = ""
	return to.RequestURI()
}
