package model_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tocsin/internal/dynamotest"
)

// TestPages is TestModel for pages and the settings of the site, while monitors come and go.
func TestPages(t *testing.T) {
	dynamotest.Usually(t, "rapid.checks", sequences)
	dynamotest.Usually(t, "rapid.steps", steps)
	rapid.Check(t, func(rt *rapid.T) {
		p := newPair(t, rt)
		for _, tag := range []string{"a", "b", "c"} {
			p.call(rt, "POST", "/api/v4/monitors", map[string]any{"tag": tag, "name": "Monitor " + tag})
		}
		steps := []func(*rapid.T){
			p.createPage, p.createPage, p.createPage, p.patchPage, p.patchPage, p.patchPage, p.patchPage, p.patchPage, p.movePage, p.movePage, p.deletePage,
			p.setSite, p.setSite, p.setSite, p.listPages, p.listSite, p.createMonitor, p.patchMonitor, p.deleteMonitor, p.clock,
		}
		rt.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) {
				if p.steps++; p.steps%5 == 0 {
					p.sweepPages(t)
					p.pages(t)
				}
			},
			"step": func(t *rapid.T) { steps[uniform(t, len(steps))](t) },
		})
		p.sweepPages(rt)
	})
}

const pagesPath = "/api/v4/pages"

// pagePaths are those of the pages that there are.
func (p *pair) pagePaths(t *rapid.T) (all []string) {
	var list struct {
		Pages []struct {
			Path string `json:"page_path"`
		}
	}
	if err := json.Unmarshal([]byte(p.call(t, "GET", pagesPath+"?limit=1000", nil).Answer), &list); err != nil {
		t.Fatal(err)
	}
	for _, page := range list.Pages {
		all = append(all, page.Path)
	}
	return all
}

func (p *pair) aPage(t *rapid.T) string {
	if maybe(t, 1) {
		return pagesPath + "/" + oneOf(t, "missing", "Team", "%7Ehome", "api")
	}
	return pagesPath + "/" + oneOf(t, p.pagePaths(t)...)
}

func aPath(t *rapid.T) any {
	return oneOf[any](t, "team", "ops", "internal", "Team One", "o/p!s", "team", "~home", "", "api", "de", "!!", nil, 5)
}

func (p *pair) pageFields(t *rapid.T) map[string]any {
	body := map[string]any{
		"page_title": oneOf[any](t, "Team", " The team ", "Grüße 🔥", "Ops", "Team", "Ops", " ", nil), "page_header": oneOf[any](t, "All well", "Header", "A", "B", "C", ""),
		"page_subheader": oneOf[any](t, nil, "", "Below", 5), "page_logo": oneOf[any](t, nil, "/assets/logo.svg", "https://example.com/l.png"),
		"monitors": oneOf[any](t, anyTags.Draw(t, "monitors"), []string{"a", "b"}, []string{"b", "a"}, []string{"c", "a"}, []string{}, "a", nil, []any{5}),
	}
	settings := map[string]any{
		"monitor_layout_style":        oneOf(t, "compact-grid", "default-list", "compact-list", "wide"),
		"monitor_status_history_days": oneOf[any](t, map[string]any{"desktop": 60}, map[string]any{"mobile": 7}, map[string]any{"desktop": 366}),
		"incidents":                   oneOf[any](t, map[string]any{"enabled": false}, map[string]any{"resolved": map[string]any{"max_count": 3}}, map[string]any{"resolved": map[string]any{"days_in_past": 1.0, "x": "y"}}),
		"include_maintenances":        oneOf[any](t, map[string]any{"enabled": true}, map[string]any{"ongoing": map[string]any{"upcoming": map[string]any{"days_in_future": 60}}}, "no"),
		"meta_page_title":             oneOf[any](t, "A title", ""),
		"nobody_knows":                oneOf[any](t, 1, map[string]any{"a": nil}, map[string]any{"b": []int{1}}),
	}
	body["page_settings"] = rare(t, settings)
	return body
}

// rare keeps each field with a chance of one in four.
func rare(t *rapid.T, body map[string]any) map[string]any { return some(t, some(t, body)) }

func (p *pair) createPage(t *rapid.T) {
	body := rare(t, p.pageFields(t))
	for name, value := range map[string]any{"page_path": aPath(t), "page_title": "A page", "page_header": "Header"} {
		if _, drawn := body[name]; !drawn {
			body[name] = value
		}
	}
	p.create(t, pagesPath, body)
}

func (p *pair) patchPage(t *rapid.T) {
	path := p.aPage(t)
	p.call(t, "PATCH", path, some(t, p.pageFields(t)), p.ifMatch(t, path)...)
}

// movePage gives a page another path, or one that is taken.
func (p *pair) movePage(t *rapid.T) {
	path := p.aPage(t)
	body := rare(t, p.pageFields(t))
	body["page_path"] = aPath(t)
	p.call(t, "PATCH", path, body, p.ifMatch(t, path)...)
}

func (p *pair) deletePage(t *rapid.T) {
	path := p.aPage(t)
	p.call(t, "DELETE", path, nil, p.ifMatch(t, path)...)
}

var siteKeys = []string{"siteName", "siteURL", "nav", "colors", "theme", "homeIncidentCount", "customCSS", "analytics.plausible", "announcement", "pageOrderingSettings", "sitename"}

func (p *pair) setSite(t *rapid.T) {
	path := "/api/v4/site/" + oneOf(t, siteKeys...)
	body := map[string]any{"value": oneOf[any](t, "Example", "https://status.example.com", "dark", 5, -1, " ", nil, true, []any{}, []any{nil},
		[]any{map[string]any{"name": "Shop", "url": "https://shop.example.com"}}, map[string]any{"enabled": true, "order": []int{2, 1}},
		map[string]any{"UP": "#1a7f37", "DOWN": "#cf222e", "DEGRADED": "#9a6700", "MAINTENANCE": "#0969da", "x": 1})}
	if maybe(t, 1) {
		body = map[string]any{"Value": 1}
	}
	p.call(t, "PATCH", path, body, p.ifMatch(t, path)...)
}

func (p *pair) listPages(t *rapid.T) { p.listInParts(t, pagesPath) }

func (p *pair) listSite(t *rapid.T) { p.listInParts(t, "/api/v4/site") }

// listInParts reads a list to its end.
func (p *pair) listInParts(t *rapid.T, path string) {
	for query := (url.Values{"limit": {fmt.Sprint(rapid.IntRange(1, 3).Draw(t, "limit"))}}); ; {
		var part struct {
			Cursor string `json:"next_cursor"`
		}
		if err := json.Unmarshal([]byte(p.call(t, "GET", path+"?"+query.Encode(), nil).Answer), &part); err != nil {
			t.Fatal(err)
		}
		if part.Cursor == "" {
			return
		}
		query.Set("cursor", part.Cursor)
	}
}

// sweepPages reads all pages and all settings, in lists and one by one.
func (p *pair) sweepPages(t *rapid.T) {
	for _, path := range p.pagePaths(t) {
		p.call(t, "GET", pagesPath+"/"+path, nil)
	}
	p.call(t, "GET", "/api/v4/site?limit=1000", nil)
	for _, key := range siteKeys {
		p.call(t, "GET", "/api/v4/site/"+key, nil)
	}
}

func aboutSettings(path string) bool {
	return strings.HasPrefix(path, pagesPath) || strings.HasPrefix(path, "/api/v4/site")
}
