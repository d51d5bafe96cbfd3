package api_test

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"tocsin/internal/function"
	"tocsin/internal/statuspage"
)

// writeCounter is an HTTP client that counts the calls of DynamoDB that write.
type writeCounter struct {
	aws.HTTPClient
	writes atomic.Int64
}

func (c *writeCounter) Do(r *http.Request) (*http.Response, error) {
	switch _, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), "."); operation {
	case "GetItem", "BatchGetItem", "Query":
	default:
		c.writes.Add(1)
	}
	return c.HTTPClient.Do(r)
}

// late are the refusals for which the table is asked.
var late = regexp.MustCompile(`^(start_date_time plus duration_seconds|More than 24 events|Monitor with tag '|end_date_time must not be before|timestamp must not be before the incident|Monitor must be at most 64 KiB|Cannot transition event from |Too much for one request)`)

// FuzzWrite sends bodies to every route that has one. A body is refused as no JSON
// object exactly when it is none, one that is refused leaves everything as it is, and
// what another one asked for is in the answer and is what is read afterwards.
func FuzzWrite(f *testing.F) {
	client := &writeCounter{HTTPClient: http.DefaultClient}
	l := newLambdas(f, function.Options{HTTPClient: client, Now: func() time.Time { return testNow }})
	l.warm(f)
	routes := []request{
		{method: "POST", path: "/api/v4/incidents"},
		{method: "PATCH", path: fmt.Sprintf("/api/v4/incidents/%d", l.incident)},
		{method: "POST", path: fmt.Sprintf("/api/v4/incidents/%d/comments", l.incident)},
		{method: "PATCH", path: fmt.Sprintf("/api/v4/incidents/%d/comments/%d", l.incident, l.comment)},
		{method: "POST", path: "/api/v4/monitors"},
		{method: "PATCH", path: "/api/v4/monitors/earth"},
	}
	addBodies(f, l, routes)
	known := map[string]string{} // what is at the paths of the routes, since the last write
	f.Fuzz(func(t *testing.T, route uint8, body []byte) {
		r := routes[int(route)%len(routes)]
		before, ok := known[r.path]
		if !ok {
			before = l.read(t, r.path)
			known[r.path] = before
		}
		writes := client.writes.Load()
		r.body, r.isBase64 = base64.StdEncoding.EncodeToString(body), true
		a, err := l.try(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		if tooLarge := len(body) > 256*1024; tooLarge != (a.Status == http.StatusRequestEntityTooLarge) {
			t.Fatalf("%d bytes are answered %d", len(body), a.Status)
		}
		message := errorMessage(a)
		asked, isObject := object(body)
		if refused := message == "Invalid JSON body"; a.Status != http.StatusRequestEntityTooLarge && refused == isObject {
			t.Fatalf("the body %.200q is an object: %t, answer %d %.200s", body, isObject, a.Status, a.Body)
		}
		if message != "" && !late.MatchString(message) {
			if client.writes.Load() != writes {
				t.Errorf("%s %s %.200q is refused (%s) but the table was written to", r.method, r.path, body, message)
			}
			return
		}
		if message != "" {
			if after := l.read(t, r.path); after != before {
				t.Errorf("%s %s %.200q is refused (%s), and\n%s\nbecame\n%s", r.method, r.path, body, message, before, after)
			}
			return
		}
		clear(known)
		var old map[string]any // nothing for a POST
		if r.method == "PATCH" {
			old = record(t, before)
		}
		got := record(t, a.Body)
		for _, name := range slices.Sorted(maps.Keys(got)) {
			if want, ok := wantedField(routePattern(r.path), name, asked, old); ok && !reflect.DeepEqual(want, got[name]) {
				t.Errorf("%s %s %.2000q: %s is %v, want %v", r.method, r.path, body, name, got[name], want)
			}
		}
		path := r.path
		if r.method == "POST" {
			path = fmt.Sprintf("%s/%v", path, cmp.Or(got["tag"], got["id"]))
		}
		if read := l.read(t, path); read != a.Body {
			t.Errorf("%s %s was answered\n%s, and is read as\n%s", r.method, r.path, a.Body, read)
		}
		// So that the table stays small.
		switch {
		case r.method == "POST":
			l.send(t, request{method: "DELETE", path: path})
		case len(a.Body) > 8000:
			l.send(t, request{method: "PATCH", path: path, body: `{"title":"t","comment":"c","name":"n","description":null,"image":null,"cron":null,"default_status":null,"status":null,"category_name":null,
				"monitor_type":null,"is_hidden":null,"include_degraded_in_downtime":null,"external_url":null,"type_data":null,"monitor_settings_json":null}`})
		}
	})
}

// addBodies gives the fuzzer bodies for the routes, by their place in the list.
func addBodies(f *testing.F, l *lambdas, routes []request) {
	field := regexp.MustCompile(`"(title|start_|end_|monitors)|"(comment|state)"|"(tag|name|description|type_data)"`)
	for _, body := range oddBodies {
		is := field.FindStringSubmatch(body)
		for route := range routes {
			// To the routes that have such a field, or to all when none has.
			if is == nil || is[1+route/2] != "" {
				f.Add(uint8(route), []byte(body))
				if len(body) > 100_000 { // slow, and refused before the routes differ
					break
				}
			}
		}
	}
	for _, r := range recordedRequests(f, l) {
		for route := range routes {
			if pattern := routePattern(r.path); routes[route].method == r.method && routePattern(routes[route].path) == pattern {
				f.Add(uint8(route), []byte(r.body))
			}
		}
	}
}

// send sends a request that must succeed, and returns the body of the answer.
func (l *lambdas) send(t *testing.T, r request) string {
	t.Helper()
	a, err := l.try(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if a.Status != http.StatusOK {
		t.Fatalf("%s %s: %d %s", r.method, r.path, a.Status, a.Body)
	}
	return a.Body
}

func (l *lambdas) read(t *testing.T, path string) string {
	t.Helper()
	return l.send(t, request{method: "GET", path: path})
}

// object decodes a JSON object as a client means it. Numbers stay as they are spelled.
func object(body []byte) (map[string]any, bool) {
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	var o map[string]any
	if !json.Valid(body) {
		return nil, false
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	return o, dec.Decode(&o) == nil && o != nil
}

// record returns what is in the answer's wrapper.
func record(t *testing.T, body string) map[string]any {
	t.Helper()
	wrapped, _ := object([]byte(body))
	for _, r := range wrapped {
		if r, ok := r.(map[string]any); ok && len(wrapped) == 1 {
			return r
		}
	}
	t.Fatalf("no record: %s", body)
	return nil
}

// The texts of a monitor that can be null, and what they are in a new one that is given
// none.
var monitorTexts = map[string]any{
	"description": nil, "image": nil, "cron": nil, "default_status": "UP", "status": "ACTIVE", "category_name": nil, "monitor_type": "API",
	"include_degraded_in_downtime": "NO", "is_hidden": "NO", "external_url": nil,
}

var monitorObjects = map[string]string{"type_data": "{}", "monitor_settings_json": string(statuspage.DefaultSettings)}

// wantedField returns what the field of a record must be after a body was accepted that
// asked for these fields; old is the record before, nil for a new one. It is false for
// a field that the body does not decide.
func wantedField(pattern, name string, asked, old map[string]any) (want any, ok bool) {
	value, given := asked[name]
	isNew := old == nil
	monitor := strings.HasPrefix(pattern, "/api/v4/monitors")
	comment := strings.Contains(pattern, "/comments")
	kept := func(otherwise any) (any, bool) {
		if isNew {
			return otherwise, true
		}
		return old[name], true
	}
	switch name {
	case "title", "comment", "name":
		if !given {
			return kept(nil)
		}
		return statuspage.TrimBlank(fmt.Sprint(value)), true
	case "tag":
		if !isNew {
			return old[name], true
		}
		return statuspage.TrimBlank(fmt.Sprint(value)), true
	case "state":
		switch {
		case !comment && isNew:
			return "INVESTIGATING", true
		case !comment || !given:
			return kept(nil)
		}
		return value, true
	case "start_date_time", "timestamp", "end_date_time":
		if given && value != nil {
			return floored(value), true
		}
		if name == "end_date_time" && (given || isNew) {
			return nil, true
		}
		return kept(floored(json.Number(strconv.FormatInt(testNow.Unix(), 10))))
	case "monitors":
		if !given {
			return kept([]any{})
		}
		var before []any
		if !isNew {
			before = old[name].([]any)
		}
		return wantedLinks(value.([]any), before, "DOWN"), true
	case "auto_close_after":
		if number, ok := value.(json.Number); ok {
			n, _ := number.Float64()
			return json.Number(strconv.FormatFloat(n, 'f', -1, 64)), true
		}
		if given {
			return nil, true
		}
		return kept(nil)
	case "confirmation_threshold":
		if number, ok := value.(json.Number); ok {
			n, _ := number.Float64()
			return json.Number(strconv.FormatFloat(n, 'f', -1, 64)), true
		}
		if given && value != nil {
			return nil, false // what ECMAScript makes of it, see TestThreshold
		}
		if given {
			return json.Number("1"), true
		}
		return kept(json.Number("1"))
	case "id", "created_at", "url", "incident_id", "incident_type", "incident_source":
		return old[name], !isNew
	case "updated_at":
		return testNow.UTC().Format("2006-01-02T15:04:05.000Z"), true
	}
	if !monitor {
		return nil, false
	}
	if first, isText := monitorTexts[name]; isText {
		if yes, isBool := value.(bool); isBool {
			value = map[bool]any{true: "YES", false: "NO"}[yes]
		}
		switch {
		case given && (value != nil || !isNew):
			return value, true
		case !given:
			return kept(first)
		}
		return first, true
	}
	if first, isObject := monitorObjects[name]; isObject {
		empty, _ := object([]byte(first))
		added, ok := value.(map[string]any)
		switch {
		case ok && isNew:
			return added, true
		case ok:
			merged := maps.Clone(old[name].(map[string]any))
			maps.Copy(merged, added)
			return merged, true
		case given:
			return empty, true
		}
		return kept(empty)
	}
	return kept(nil) // what no client can set
}

// floored is the minute of a timestamp.
func floored(value any) any {
	number, _ := value.(json.Number)
	n, err := number.Float64()
	if err != nil {
		return err
	}
	return json.Number(strconv.FormatFloat(math.Floor(n/60)*60+0, 'f', -1, 64))
}

// wantedLinks is the monitors of a record that had those of before: each once, with the impact
// that was asked for last, or the fallback; the ones that stay come first, in their order.
func wantedLinks(asked, before []any, fallback string) []any {
	tagOf := func(link any) any { return link.(map[string]any)["monitor_tag"] }
	impact := map[any]any{}
	var order []any
	for _, link := range before {
		order = append(order, tagOf(link))
	}
	for _, link := range asked {
		order = append(order, tagOf(link))
		switch said := link.(map[string]any)["impact"]; said {
		case nil, "", false, json.Number("0"): // but null they are refused for incidents
			impact[tagOf(link)] = fallback
		default:
			impact[tagOf(link)] = said
		}
	}
	links := []any{}
	for _, tag := range order {
		if i, ok := impact[tag]; ok {
			links = append(links, map[string]any{"monitor_tag": tag, "impact": i})
			delete(impact, tag)
		}
	}
	return links
}
