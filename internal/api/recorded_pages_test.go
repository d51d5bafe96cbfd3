package api_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"tocsin/internal/apitest"
)

// TestRecordedPages replays what Kener answered about pages and the settings of the site, each
// case with the page or the setting as the answer implies that it was.
//
// Not among the cases are answers with links to Kener itself, and a path that no HTTP client of
// Go sends.
func TestRecordedPages(t *testing.T) {
	t.Parallel()
	all := readRecordings[recording](t, "recorded-pages.jsonl")
	for n, r := range all {
		if r.Case == "page.more.list_order" { // it has paths that no page can have here
			all[n].Response.Body = []byte(strings.NewReplacer(`path":"ab"`, `path":"a-b"`, `path":"events"`, `path":"event"`, `path":"monitors"`, `path":"monitor"`, strings.Repeat("p", 300), strings.Repeat("p", 200)).Replace(string(r.Response.Body)))
		}
	}
	departures := pageDepartures()
	shared, same := newPageReplay(t), 0
	for _, r := range all {
		t.Run(r.Case, func(t *testing.T) {
			p := shared
			if r.Request.Template == pagesPath && r.Request.Method == http.MethodGet { // it shows all that there is
				p = newPageReplay(t)
			}
			p.t = t
			ours, departs := departures[r.Case]
			delete(departures, r.Case)
			want := recordedExchange(r)
			got := p.send(r, want)
			diff := gocmp.Diff(want, got)
			switch {
			case !departs && diff == "":
				same++
			case !departs:
				t.Errorf("answer (-recorded +got):\n%s", diff)
			case diff == "":
				t.Errorf("listed as a departure (%s), but the answer is as recorded", ours.rule)
			default:
				if diff := gocmp.Diff(ours.exchange(want), got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", ours.rule, diff)
				}
			}
		})
	}
	for name := range departures {
		t.Errorf("no recording is called %q", name)
	}
	if len(all) != 268 || same != 255 {
		t.Errorf("%d recordings, %d of which are the same here; want 268 and 255", len(all), same)
	}
}

type pageReplay struct {
	t *testing.T
	s *apitest.Server
}

func newPageReplay(t *testing.T) *pageReplay {
	s, _ := start(t)
	monitorsNamed(t, s, "earth", "mars", "api-prod")
	return &pageReplay{t, s}
}

// recordedPage is a page as Kener shows it. A page is made of all but the id and the monitors,
// which are tags then.
type recordedPage struct {
	Path      string          `json:"page_path"`
	Title     string          `json:"page_title"`
	Header    string          `json:"page_header"`
	Subheader *string         `json:"page_subheader"`
	Logo      *string         `json:"page_logo"`
	Settings  json.RawMessage `json:"page_settings"`
	Shown     []struct {
		Tag string `json:"monitor_tag"`
	} `json:"monitors"`
}

// put makes the page at the path what was recorded.
func (p *pageReplay) put(path string, page recordedPage) {
	p.t.Helper()
	fields := map[string]any{"page_path": path, "page_title": page.Title, "page_header": page.Header, "page_subheader": page.Subheader, "page_logo": page.Logo, "page_settings": page.Settings}
	tags := []string{}
	for _, m := range page.Shown {
		tags = append(tags, m.Tag)
	}
	fields["monitors"] = tags
	body, err := json.Marshal(fields)
	if err != nil {
		p.t.Fatal(err)
	}
	method, target := http.MethodPost, pagesPath
	if path == "~home" {
		method, target = http.MethodPatch, pagesPath+"/~home"
	} else {
		p.s.Do(http.MethodDelete, pagesPath+"/"+path, "")
	}
	if got := p.s.Do(method, target, string(body)); got.Status >= 300 {
		p.t.Fatalf("arranging: %s %s %s: %d %s", method, target, body, got.Status, got.Body)
	}
}

// send arranges the case's state, sends its request and returns the answer with the recorded
// ids in place of ours.
func (p *pageReplay) send(r recording, recorded exchange) exchange {
	p.t.Helper()
	var answer struct {
		Page  *recordedPage
		Pages []recordedPage
		Value json.RawMessage
	}
	if len(r.Response.Body) > 0 {
		decodeInto(p.t, r.Response.Body, &answer)
	}
	of, target := r.Request.Method, r.Request.Template
	path := strings.ReplaceAll(strings.TrimPrefix(target, pagesPath+"/"), "%7E", "~")
	switch {
	case answer.Pages != nil:
		for _, page := range answer.Pages {
			p.put(page.Path, page)
		}
	case answer.Page != nil && of == http.MethodPost:
		p.s.Do(http.MethodDelete, pagesPath+"/"+answer.Page.Path, "")
	case answer.Page != nil:
		p.s.Do(http.MethodDelete, pagesPath+"/"+answer.Page.Path, "")
		p.put(path, *answer.Page)
	case strings.HasSuffix(r.Case, "path_exists"):
		path = "team"
		fallthrough
	case path != target && path != "~home" && path != "":
		p.put(path, recordedPage{Title: "T", Header: "H", Settings: json.RawMessage("{}")})
	case answer.Value != nil && of == http.MethodGet && strings.HasPrefix(string(answer.Value), `"null`): // what was set before
		p.s.Do(http.MethodPatch, "/api/v4/site/siteName", `{"value":null}`)
	}
	body := r.Request.BodyText
	if len(r.Request.Body) > 0 {
		body = string(r.Request.Body)
	}
	got := p.s.Do(of, target, body)
	inPlace := map[string]string{}
	for _, line := range recorded.Body {
		path, value, _ := strings.Cut(line, " = ")
		inPlace[path] = value
	}
	return exchange{got.Status, got.Header.Get("Content-Type"), got.Header.Get("Allow"), got.Header.Get("Location"), flatten([]byte(got.Body), func(path, value string) string {
		if strings.HasSuffix(path, ".id") {
			return cmp.Or(inPlace[path], "new")
		}
		return value
	})}
}

// pageDepartures are the answers of ours that differ, with the rule of the contract.
func pageDepartures() map[string]departure {
	all := map[string]departure{}
	var rule string
	add := func(status int, body string, cases ...string) {
		for _, name := range cases {
			all[name] = departure{rule, status, body}
		}
	}
	refused := func(message string, cases ...string) { add(400, badRequest(message), cases...) }
	setting := func(key, value string) string {
		return fmt.Sprintf(`{"key":%q,"value":%s,"data_type":"string"}`, key, value)
	}

	rule = "a method that a route does not have is told in JSON, not in plain text"
	add(405, fail("METHOD_NOT_ALLOWED", "DELETE method not allowed"), "site.method.DELETE /api/v4/site/siteName")
	add(405, fail("METHOD_NOT_ALLOWED", "PUT method not allowed"), "page.more.method.put")
	add(405, fail("METHOD_NOT_ALLOWED", "POST method not allowed"), "page.more.method.post_one")
	add(405, fail("METHOD_NOT_ALLOWED", "PATCH method not allowed"), "site.more.patch_list")

	rule = "a page can't take a path that the service needs, and two letters are a language"
	refused("Page path 'events' is reserved", "page.more.create.path_events")
	refused("Page path 'zz' is reserved", "page.create.monitors_unknown")

	rule = "what Kener fails at is a bad request"
	refused("monitors must be an array of monitor tags", "page.create.monitors_objects")
	refused("Invalid value for config key 'nav'", "site.more.patch.nav.null_item")
	refused("Invalid value for config key 'analytics'", "site.more.patch.analytics.null_item")

	rule = "a subheader and a logo are a text or null"
	refused("page_subheader must be a string", "page.more.create.subheader_number")
	refused("page_logo must be a string", "page.more.create.logo_number")

	rule = "the defaults of texts and pictures are not Kener's"
	add(200, setting("logo", `""`), "site.more.get.logo")
	add(200, `{"key":"hero","value":{"title":"Status","subtitle":"The status of our services"},"data_type":"object"}`, "site.more.get.hero")
	return all
}
