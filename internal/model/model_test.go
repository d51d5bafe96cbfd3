package model_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tocsin/internal/apilegacy"
	"tocsin/internal/apiv4"
	"tocsin/internal/dynamo"
	"tocsin/internal/dynamotest"
	"tocsin/internal/jobs/closer"
	"tocsin/internal/jobs/nodata"
	"tocsin/internal/jobs/occurrences"
	"tocsin/internal/model"
	"tocsin/internal/site"
	"tocsin/internal/statuspage"
	"tocsin/internal/web"
)

// How many random sequences TestModel runs and how many steps these have on average,
// unless the flags -rapid.checks and -rapid.steps say otherwise.
const (
	sequences = 3
	steps     = 80
)

// begin is when each sequence begins: 21:30 UTC, so that it often goes past midnight.
const begin = 1_789_939_800

// Random sequences of calls of both APIs, of the closer, of the judge of missing data
// and of the clock, on the repository and on the model, through the same handlers: the
// answers are the same byte for byte, and so is everything that can be read.
func TestModel(t *testing.T) {
	dynamotest.Usually(t, "rapid.checks", sequences)
	dynamotest.Usually(t, "rapid.steps", steps)
	rapid.Check(t, func(rt *rapid.T) {
		p := newPair(t, rt)
		p.start(rt)
		steps := p.actions()
		rt.Repeat(map[string]func(*rapid.T){
			"":     p.sometimesSweep,
			"step": func(t *rapid.T) { steps[uniform(t, len(steps))](t) },
		})
		p.sweep(rt)
	})
}

// actions are what a step does; those that are here twice come twice as often.
func (p *pair) actions() []func(*rapid.T) {
	return []func(*rapid.T){
		p.createIncident, p.createIncident, p.patchIncident, p.patchIncident, p.patchIncident, p.relink,
		p.createComment, p.createComment, p.resolve, p.patchComment, p.deleteComment,
		p.report, p.report, p.progress, p.progress, p.replace, p.replace, p.note,
		p.createMonitor, p.patchMonitor, p.pauseMonitor, p.createRule, p.createRule, p.patchRule,
		p.points, p.points, p.points, p.post, p.post, p.probe, p.probe, p.probe,
		p.createMaintenance, p.patchMaintenance, p.patchEvent, p.patchEvent, p.deleteEvent, p.deleteMaintenance, p.makeOccurrences,
		p.createPage, p.patchPage, p.movePage, p.deletePage, p.setSite,
		p.deleteIncident, p.deleteMonitor, p.deleteRule,
		p.read, p.read, p.read, p.closer, p.closer, p.noData, p.tick, p.tick, p.tick,
	}
}

// uniform draws a number below n, at most 64, each as often as another. (The numbers that
// rapid draws are small ones, most often.)
func uniform(t *rapid.T, n int) int {
	drawn := 0
	for range 12 {
		drawn = drawn<<1 | map[bool]int{true: 1}[anyBool.Draw(t, "bit")]
	}
	return drawn % n
}

// start makes the first records, without which most calls would be refused.
func (p *pair) start(t *rapid.T) {
	for _, tag := range []string{"a", "b", "c"} {
		p.call(t, "POST", "/api/v4/monitors", map[string]any{"tag": tag, "name": "Monitor " + tag})
	}
	body := p.ruleFields(t)
	body["monitor_tags"], body["create_incident"], body["is_active"] = []string{"a", "b"}, true, true
	p.call(t, "POST", "/api/v4/alert-rules", body)
	body = p.ruleFields(t) // the alerts of both share an incident
	body["monitor_tags"], body["create_incident"], body["is_active"] = []string{"a"}, true, true
	p.call(t, "POST", "/api/v4/alert-rules", body)
	p.createIncident(t)
}

// A pair is the repository and its model, each behind handlers of its own, and what the
// drawing of calls has to know.
type pair struct {
	now   int64
	steps int
	real  side
	model side
	etags []string // that were shown
}

type side struct {
	store    store
	noData   func(ctx context.Context, now int64) (nodata.Summary, error)
	makes    func(ctx context.Context, now int64) (occurrences int, err error)
	handlers map[web.Group]http.Handler
}

// scoped is a test whose cleanup is a sequence's.
type scoped struct {
	testing.TB
	t *rapid.T
}

func (s scoped) Cleanup(f func()) { s.t.Cleanup(f) }

var secret = "kener_" + strings.Repeat("0a", 32)

func newPair(t *testing.T, rt *rapid.T) *pair {
	store := dynamotest.NewTable(scoped{t, rt}).Store(nil)
	key, err := store.CreateAPIKey(context.Background(), secret, statuspage.NewAPIKey{Name: "test", Scopes: statuspage.Scopes()}, begin, nil)
	if err != nil {
		rt.Fatal(err)
	}
	p := &pair{now: begin}
	p.real = newSide(p, store, func(ctx context.Context, now int64) (nodata.Summary, error) { return nodata.Run(ctx, store, now) })
	m := model.New(store, key)
	p.model = newSide(p, m, m.NoData)
	p.real.makes, p.model.makes = func(ctx context.Context, now int64) (made int, err error) {
		for {
			sum, err := occurrences.Run(ctx, store, now)
			if made += sum.Made; err != nil || sum.Made == 0 {
				return made, err
			}
		}
	}, m.MakeOccurrences
	return p
}

type store interface {
	model.APIs
	closer.Store
	site.Store
}

func newSide(p *pair, store store, noData func(context.Context, int64) (nodata.Summary, error)) side {
	s := side{store: store, noData: noData, handlers: map[web.Group]http.Handler{}}
	routes := slices.Concat(
		apiv4.Incidents(store), apiv4.Comments(store), apiv4.Monitors(store), apiv4.Points(store), apiv4.AlertRules(store), apiv4.Alerts(store),
		apiv4.Maintenances(store), apiv4.Occurrences(store), apiv4.Pages(store), apiv4.Site(store),
		apilegacy.Incidents(store), apilegacy.Comments(store), apilegacy.Status(store),
	)
	for _, group := range []web.Group{web.Incidents, web.Comments, web.Monitors, web.Settings} {
		s.handlers[group] = web.New(group, web.Config{
			Store: store, Now: func() time.Time { return time.Unix(p.now, 0) }, SiteURL: "https://status.example.com",
		}, routes)
	}
	return s
}

// An exchange is a call with its answer.
type exchange struct {
	Method, Path, Body string
	Header             http.Header
	Status             int
	AnswerHeader       http.Header
	Answer             string
}

func (s side) send(x exchange) exchange {
	group := web.Incidents
	switch {
	case aboutSettings(x.Path):
		group = web.Settings
	case strings.Contains(x.Path, "/comment"):
		group = web.Comments
	case !strings.Contains(x.Path, "/incident") && !strings.Contains(x.Path, "/maintenances"):
		group = web.Monitors
	}
	r := httptest.NewRequest(x.Method, x.Path, strings.NewReader(x.Body))
	r.Header = x.Header.Clone()
	r.Header.Set("Authorization", "Bearer "+secret)
	w := httptest.NewRecorder()
	s.handlers[group].ServeHTTP(w, r)
	x.Status, x.AnswerHeader, x.Answer = w.Code, w.Header(), w.Body.String()
	return x
}

// call sends a call to both, which must answer the same, and returns the answer.
func (p *pair) call(t *rapid.T, method, path string, body map[string]any, header ...string) exchange {
	t.Helper()
	x := exchange{Method: method, Path: path, Header: http.Header{}}
	for n := 0; n < len(header); n += 2 {
		x.Header.Set(header[n], header[n+1])
	}
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		x.Body = string(text)
	}
	got := p.real.send(x)
	want := p.model.send(x)
	if method != http.MethodGet {
		t.Logf("%s %s %s %s %v: %d", time.Unix(p.now, 0).UTC().Format(time.DateTime), method, path, x.Body, header, got.Status)
	}
	if got.Status >= 500 || want.Status >= 500 {
		t.Fatalf("%s %s %s: %d %s, the model %d %s", method, path, x.Body, got.Status, got.Answer, want.Status, want.Answer)
	}
	if d := gocmp.Diff(readable(want), readable(got)); d != "" {
		t.Fatalf("%s %s %s %v (-model +real):\n%s", method, path, x.Body, header, d)
	}
	if tag := got.AnswerHeader.Get("ETag"); tag != "" && !slices.Contains(p.etags, tag) {
		p.etags = append(p.etags, tag)
	}
	return got
}

// readable has an answer in lines, so that a difference shows only itself.
func readable(x exchange) exchange {
	var lines bytes.Buffer
	if json.Indent(&lines, []byte(x.Answer), "", " ") == nil {
		x.Answer = lines.String()
	}
	return x
}

func (p *pair) tick(t *rapid.T) {
	p.now += oneOf[int64](t, 1, 30, 60, 60, 300, 900, 900, 3600, 3600, 3600, 7200, 9000, 30*3600, 30*3600, 40*86400, 401*86400)
	t.Logf("it is %s", time.Unix(p.now, 0).UTC().Format(time.DateTime))
}

// closer lets the closer run on both. The policy is a quick one.
func (p *pair) closer(t *rapid.T) {
	policy := closer.Policy{StaleAfter: 7200, WarnBefore: 1800}
	run := func(s side) (string, []string) {
		var lines []string
		sum, err := closer.Run(context.Background(), s.store, policy, p.now, closer.Options{Line: func(line string) {
			if !strings.Contains(line, " day totals of ") { // the model has none
				lines = append(lines, line)
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		sum.Days = 0
		return sum.String(), lines
	}
	got, gotLines := run(p.real)
	want, wantLines := run(p.model)
	t.Logf("the closer: %s", got)
	if d := gocmp.Diff(wantLines, gotLines); d != "" || got != want {
		t.Fatalf("the closer: %s, the model's: %s; what it did (-model +real):\n%s", got, want, d)
	}
}

// noData judges the rules about missing data on both.
func (p *pair) noData(t *rapid.T) {
	got, err := p.real.noData(context.Background(), p.now)
	if err != nil {
		t.Fatal(err)
	}
	want, err := p.model.noData(context.Background(), p.now)
	t.Logf("missing data: %+v", got)
	if err != nil || got != want {
		t.Fatalf("missing data: %+v, the model's %+v, %v", got, want, err)
	}
}

// What is drawn is drawn from few values, so that the same ones meet.
var (
	anyTag    = rapid.SampledFrom([]string{"a", "b", "a", "b", "a", "b", "c", "d"})
	anyTags   = rapid.SliceOfN(anyTag, 0, 3)
	anyTitle  = rapid.SampledFrom([]string{"one", "two", "One more", "Grüße 🔥"})
	anyStatus = rapid.SampledFrom([]string{"UP", "DOWN", "DEGRADED"})
	anyState  = rapid.SampledFrom([]string{"INVESTIGATING", "IDENTIFIED", "MONITORING", "RESOLVED"})
	anyBool   = rapid.Bool()
)

// near is a time around now.
func (p *pair) near(t *rapid.T) int64 {
	return p.now + oneOf[int64](t, 0, 0, -1, -60, 61, -600, -3600, 3600, -7200, -86400, 86400, -401*86400)
}

func oneOf[V any](t *rapid.T, values ...V) V { return values[uniform(t, len(values))] }

// maybe reports yes in so many of ten cases.
func maybe(t *rapid.T, ofTen int) bool { return uniform(t, 10) >= 10-ofTen }

// ids reads the ids of a list, the newest first.
func (p *pair) ids(t *rapid.T, path string) []int64 {
	t.Helper()
	var list map[string]json.RawMessage
	if err := json.Unmarshal([]byte(p.call(t, "GET", path, nil).Answer), &list); err != nil {
		t.Fatal(err)
	}
	var ids []int64
	for _, items := range list {
		var records []struct{ ID int64 }
		if json.Unmarshal(items, &records) == nil {
			for _, r := range records {
				ids = append(ids, r.ID)
			}
		}
	}
	slices.Sort(ids)
	slices.Reverse(ids)
	return ids
}

// someID draws one of a list's ids, or one that is not there.
func (p *pair) someID(t *rapid.T, path string) int64 {
	ids := p.ids(t, path)
	if len(ids) == 0 || maybe(t, 1) {
		return 77
	}
	return oneOf(t, ids...)
}

func (p *pair) anIncident(t *rapid.T) string {
	return "/api/v4/incidents/" + strconv.FormatInt(p.someID(t, "/api/v4/incidents"), 10)
}

func (p *pair) aLegacyIncident(t *rapid.T) string {
	return strings.Replace(p.anIncident(t), "/v4/incidents/", "/incident/", 1)
}

func (p *pair) aRule(t *rapid.T) string {
	return "/api/v4/alert-rules/" + strconv.FormatInt(p.someID(t, "/api/v4/alert-rules"), 10)
}

// create sends a POST, with an idempotency key at times.
func (p *pair) create(t *rapid.T, path string, body map[string]any) {
	if key := oneOf(t, "", "", "", "", "", "", "k1", "k2"); key != "" {
		p.call(t, "POST", path, body, "Idempotency-Key", key)
		if maybe(t, 5) {
			p.call(t, "POST", path, body, "Idempotency-Key", key)
		}
		return
	}
	p.call(t, "POST", path, body)
}

// ifMatch is a header, at times.
func (p *pair) ifMatch(t *rapid.T, path string) []string {
	switch uniform(t, 8) {
	case 0:
		if tag := p.call(t, "GET", path, nil).AnswerHeader.Get("ETag"); tag != "" {
			return []string{"If-Match", tag}
		}
	case 1:
		if len(p.etags) > 0 {
			return []string{"If-Match", oneOf(t, p.etags...)}
		}
	}
	return nil
}

// some keeps each field of a body with a chance of one in two.
func some(t *rapid.T, body map[string]any) map[string]any {
	for _, name := range slices.Sorted(maps.Keys(body)) {
		if anyBool.Draw(t, "without "+name) {
			delete(body, name)
		}
	}
	return body
}

func (p *pair) links(t *rapid.T) []any {
	links := []any{}
	for _, tag := range anyTags.Draw(t, "monitors") {
		link := map[string]any{"monitor_tag": tag}
		if impact := oneOf(t, "", "DOWN", "DEGRADED", "UP", "MAINTENANCE"); impact != "" {
			link["impact"] = impact
		}
		links = append(links, link)
	}
	return links
}

func (p *pair) incidentFields(t *rapid.T) map[string]any {
	body := map[string]any{"title": anyTitle.Draw(t, "title"), "start_date_time": p.near(t), "monitors": p.links(t), "end_date_time": nil}
	if maybe(t, 4) {
		body["end_date_time"] = p.near(t) + oneOf[int64](t, 7200, 0)
	}
	switch uniform(t, 6) {
	case 0:
		body["auto_close_after"] = nil
	case 1:
		body["auto_close_after"] = 3600
	}
	return body
}

func (p *pair) createIncident(t *rapid.T) { p.create(t, "/api/v4/incidents", p.incidentFields(t)) }

func (p *pair) patchIncident(t *rapid.T) {
	path := p.anIncident(t)
	p.call(t, "PATCH", path, some(t, p.incidentFields(t)), p.ifMatch(t, path)...)
}

// relink replaces nothing but the monitors.
func (p *pair) relink(t *rapid.T) {
	p.call(t, "PATCH", p.anIncident(t), map[string]any{"monitors": p.links(t)})
}

func (p *pair) createComment(t *rapid.T) { p.commentOn(t, anyState.Draw(t, "state")) }

func (p *pair) resolve(t *rapid.T) { p.commentOn(t, "RESOLVED") }

func (p *pair) commentOn(t *rapid.T, state string) {
	body := map[string]any{"comment": anyTitle.Draw(t, "comment"), "state": state}
	if maybe(t, 5) {
		body["timestamp"] = p.near(t)
	}
	p.create(t, p.anIncident(t)+"/comments", body)
}

// aComment draws a comment of an incident, or another's.
func (p *pair) aComment(t *rapid.T) string {
	of := p.anIncident(t)
	id := p.someID(t, of+"/comments")
	if maybe(t, 1) {
		of = p.anIncident(t)
	}
	return fmt.Sprintf("%s/comments/%d", of, id)
}

func (p *pair) patchComment(t *rapid.T) {
	p.call(t, "PATCH", p.aComment(t), some(t, map[string]any{"comment": "changed", "state": anyState.Draw(t, "state"), "timestamp": p.near(t)}))
}

func (p *pair) deleteComment(t *rapid.T) { p.call(t, "DELETE", p.aComment(t), nil) }

func (p *pair) monitorFields(t *rapid.T) map[string]any {
	body := some(t, map[string]any{
		"status": oneOf(t, "ACTIVE", "INACTIVE"), "category_name": oneOf[any](t, nil, "Home", "Core"), "is_hidden": oneOf[any](t, "YES", "NO", true, false),
		"default_status": oneOf[any](t, nil, "UP", "DOWN", "NO_DATA"), "include_degraded_in_downtime": oneOf(t, "YES", "NO"),
		"type_data": map[string]any{oneOf(t, "x", "y"): oneOf[any](t, 1, "z", nil)}, "confirmation_threshold": 3,
	})
	body["name"] = anyTitle.Draw(t, "name")
	return body
}

func (p *pair) createMonitor(t *rapid.T) {
	body := p.monitorFields(t)
	body["tag"] = anyTag.Draw(t, "tag")
	p.create(t, "/api/v4/monitors", body)
}

func (p *pair) patchMonitor(t *rapid.T) {
	p.call(t, "PATCH", "/api/v4/monitors/"+anyTag.Draw(t, "tag"), p.monitorFields(t))
}

// pauseMonitor takes a monitor out of service and back: its alerts end, and their incidents stay.
func (p *pair) pauseMonitor(t *rapid.T) {
	path := "/api/v4/monitors/" + anyTag.Draw(t, "tag")
	for _, status := range []string{"INACTIVE", "ACTIVE"} {
		p.call(t, "PATCH", path, map[string]any{"status": status})
	}
}

func (p *pair) deleteIncident(t *rapid.T) {
	path := p.anIncident(t)
	p.call(t, "DELETE", path, nil, p.ifMatch(t, path)...)
}

func (p *pair) deleteRule(t *rapid.T) { p.call(t, "DELETE", p.aRule(t), nil) }

// deleteMonitor finishes the deletion at once: that of many rows is left to later.
func (p *pair) deleteMonitor(t *rapid.T) {
	p.call(t, "DELETE", "/api/v4/monitors/"+anyTag.Draw(t, "tag"), nil)
	if _, err := p.real.store.Cleanup(context.Background(), p.now); err != nil {
		t.Fatal(err)
	}
}

func (p *pair) ruleFields(t *rapid.T) map[string]any {
	about := oneOf(t, "STATUS", "STATUS", "LATENCY", "UPTIME", "NO_DATA")
	value := map[string]any{"STATUS": oneOf(t, "DOWN", "DEGRADED"), "LATENCY": 100, "UPTIME": 60, "NO_DATA": 5}[about]
	return map[string]any{
		"alert_for": about, "alert_value": value, "failure_threshold": rapid.IntRange(1, 3).Draw(t, "failures"),
		"success_threshold": rapid.IntRange(1, 3).Draw(t, "successes"), "create_incident": maybe(t, 7), "is_active": maybe(t, 9),
		"severity": oneOf(t, "CRITICAL", "WARNING"), "description": oneOf[any](t, nil, "Call somebody."),
	}
}

// ruleTags are those of a rule, most often of monitors that are there.
func (p *pair) ruleTags(t *rapid.T) []string {
	return slices.Compact(slices.Sorted(slices.Values(rapid.SliceOfN(anyTag, 1, 2).Draw(t, "monitor_tags"))))
}

func (p *pair) createRule(t *rapid.T) {
	body := p.ruleFields(t)
	body["monitor_tags"] = p.ruleTags(t)
	p.create(t, "/api/v4/alert-rules", body)
}

func (p *pair) patchRule(t *rapid.T) {
	body := some(t, p.ruleFields(t))
	if maybe(t, 3) {
		body["monitor_tags"] = p.ruleTags(t)
	}
	p.call(t, "PATCH", p.aRule(t), body)
}

func (p *pair) reportFields(t *rapid.T) map[string]any {
	body := some(t, map[string]any{
		"startDatetime": p.near(t), "endDatetime": p.now + 7200, "impact": oneOf(t, "DOWN", "DEGRADED"),
		"isMaintenance": anyBool.Draw(t, "isMaintenance"), "isIdentified": anyBool.Draw(t, "isIdentified"), "isResolved": maybe(t, 3),
	})
	if maybe(t, 7) {
		body["body"] = oneOf(t, "a body", "another", "")
	}
	body["title"], body["tags"] = anyTitle.Draw(t, "title"), rapid.SliceOfN(anyTag, 1, 3).Draw(t, "tags")
	return body
}

func (p *pair) report(t *rapid.T) { p.create(t, "/api/incident", p.reportFields(t)) }

func (p *pair) replace(t *rapid.T) { p.call(t, "PATCH", p.aLegacyIncident(t), p.reportFields(t)) }

func (p *pair) progress(t *rapid.T) {
	p.create(t, p.aLegacyIncident(t)+"/status", some(t, map[string]any{
		"isIdentified": anyBool.Draw(t, "isIdentified"), "isResolved": anyBool.Draw(t, "isResolved"), "endDatetime": p.now + 7200,
	}))
}

func (p *pair) note(t *rapid.T) {
	p.create(t, p.aLegacyIncident(t)+"/comment", map[string]any{"body": "a note"})
}

// points writes points in each of the ways that a post is not.
func (p *pair) points(t *rapid.T) {
	tag, status := anyTag.Draw(t, "tag"), anyStatus.Draw(t, "status")
	switch uniform(t, 4) {
	case 0:
		p.create(t, "/api/status", map[string]any{"tag": tag, "status": status, "latency": oneOf[any](t, 10, 150.25, "7"), "timestampInSeconds": p.near(t)})
	case 1:
		body := some(t, map[string]any{"status": status, "latency": oneOf(t, 1, 150)})
		p.call(t, "PATCH", fmt.Sprintf("/api/v4/monitors/%s/data/%d", tag, p.near(t)), body)
	case 2:
		from := p.near(t)
		p.call(t, "PATCH", fmt.Sprintf("/api/v4/monitors/%s/data", tag), map[string]any{
			"start_ts": from, "end_ts": from + oneOf[int64](t, 60, 600, 5000, 9000, 30*3600), "status": status, "latency": 20, "deviation": oneOf(t, 0, 5),
		})
	case 3:
		from := p.near(t)
		p.call(t, "DELETE", fmt.Sprintf("/api/v4/monitors/%s/data?start_ts=%d&end_ts=%d", tag, from, from+oneOf[int64](t, 1, 60, 600, 9000, 30*3600)), nil)
	}
}

// probe posts a minute's status of each monitor, as a probe does.
func (p *pair) probe(t *rapid.T) {
	p.now += 60
	points := []any{}
	for _, tag := range []string{"a", "b"} {
		if maybe(t, 8) {
			points = append(points, map[string]any{"monitor_tag": tag, "status": anyStatus.Draw(t, "status"), "latency": anyLatency.Draw(t, "latency")})
		}
	}
	if len(points) > 0 {
		p.call(t, "POST", "/api/v4/status", map[string]any{"points": points})
	}
}

var anyLatency = rapid.SampledFrom([]any{nil, 10, 99.5, 100, 101, 250})

// post posts points of one or more monitors.
func (p *pair) post(t *rapid.T) {
	points := []any{}
	for range rapid.IntRange(1, 4).Draw(t, "points") {
		point := map[string]any{"monitor_tag": anyTag.Draw(t, "tag"), "status": anyStatus.Draw(t, "status"), "latency": anyLatency.Draw(t, "latency")}
		if maybe(t, 6) {
			point["timestamp"] = p.now - 60*oneOf[int64](t, 0, 0, 1, 2, 3, 30, 61, 90)
		}
		points = append(points, point)
	}
	p.create(t, "/api/v4/status", map[string]any{"points": points})
}

// read reads something that a sweep does not.
func (p *pair) read(t *rapid.T) {
	query := url.Values{}
	maybeSet := func(name string, value any) {
		if maybe(t, 4) {
			query.Set(name, fmt.Sprint(value))
		}
	}
	tag := anyTag.Draw(t, "tag")
	path := ""
	switch uniform(t, 8) {
	case 0:
		path = "/api/v4/incidents"
		maybeSet("status", oneOf(t, "open", "closed"))
		maybeSet("monitor_tags", strings.Join(anyTags.Draw(t, "monitor_tags"), ","))
		maybeSet("start_ts", p.near(t))
		maybeSet("end_ts", p.near(t))
	case 1:
		path = "/api/v4/monitors"
		maybeSet("status", oneOf(t, "ACTIVE", "INACTIVE"))
		maybeSet("category_name", oneOf(t, "Home", "Core", "All Categories"))
		maybeSet("is_hidden", oneOf(t, "YES", "NO"))
	case 2:
		path = "/api/v4/alerts"
		maybeSet("alert_status", oneOf(t, "TRIGGERED", "RESOLVED"))
		maybeSet("monitor_tag", tag)
		maybeSet("alert_rule_id", rapid.IntRange(1, 4).Draw(t, "rule"))
	case 3:
		path = "/api/v4/monitors/" + tag + "/data"
		from := p.near(t)
		query.Set("start_ts", fmt.Sprint(from))
		query.Set("end_ts", fmt.Sprint(from+oneOf[int64](t, 60, 3600, 90000)))
		maybeSet("order", oneOf(t, "asc", "desc"))
	case 4:
		path = "/api/incident"
		maybeSet("state", oneOf(t, "open", "closed"))
		maybeSet("tags", strings.Join(anyTags.Draw(t, "tags"), ","))
		maybeSet("title_like", oneOf(t, "one", "MORE one", "ü", "three"))
		maybeSet("created_after_utc", p.near(t))
		maybeSet("created_before_utc", p.near(t))
		maybeSet("per_page", rapid.IntRange(1, 3).Draw(t, "per_page"))
		maybeSet("page", rapid.IntRange(1, 2).Draw(t, "page"))
	case 5:
		path = "/api/status"
		query.Set("tag", tag)
		maybeSet("timestamp", p.near(t))
	case 6:
		path = fmt.Sprintf("/api/v4/monitors/%s/data/%d", tag, p.near(t))
	case 7:
		path = p.anIncident(t) + "/comments"
	}
	if !strings.HasPrefix(path, "/api/v4") {
		p.call(t, "GET", path+"?"+query.Encode(), nil)
		return
	}
	maybeSet("limit", rapid.IntRange(1, 3).Draw(t, "limit"))
	for range 3 { // pages
		var page struct {
			Cursor string `json:"next_cursor"`
		}
		if err := json.Unmarshal([]byte(p.call(t, "GET", path+"?"+query.Encode(), nil).Answer), &page); err != nil {
			t.Fatal(err)
		}
		if page.Cursor == "" {
			return
		}
		query.Set("cursor", page.Cursor)
	}
}

// sometimesSweep is a sweep in every tenth step.
func (p *pair) sometimesSweep(t *rapid.T) {
	if p.steps++; p.steps%10 == 0 {
		p.sweep(t)
	}
}

// sweep reads all there is, in every list and one by one.
func (p *pair) sweep(t *rapid.T) {
	get := func(format string, args ...any) { t.Helper(); p.call(t, "GET", fmt.Sprintf(format, args...), nil) }
	for _, id := range p.ids(t, "/api/v4/incidents") {
		get("/api/v4/incidents/%d", id)
		get("/api/v4/incidents/%d/comments", id)
		var made struct{ CreatedAt int64 }
		if err := json.Unmarshal([]byte(p.call(t, "GET", fmt.Sprintf("/api/incident/%d", id), nil).Answer), &made); err != nil {
			t.Fatal(err)
		}
		for _, state := range []string{"open", "closed"} { // the bounds are in the range
			get("/api/incident?state=%s&created_after_utc=%d&created_before_utc=%d", state, made.CreatedAt, made.CreatedAt)
		}
		get("/api/incident/%d/comment", id)
	}
	for _, state := range []string{"open", "closed"} {
		get("/api/v4/incidents?status=%s", state)
		get("/api/v4/incidents?status=%s&monitor_tags=a,b,c,d", state)
		get("/api/incident?per_page=100&state=%s", state)
	}
	get("/api/v4/monitors")
	for _, tag := range []string{"a", "b", "c", "d"} {
		if p.call(t, "GET", "/api/v4/monitors/"+tag, nil).Status != http.StatusOK {
			continue
		}
		get("/api/v4/incidents?monitor_tags=%s", tag)
		get("/api/v4/incidents?monitor_tags=%s&limit=1", tag)
		get("/api/v4/monitors/%s/data?start_ts=%d&end_ts=%d", tag, p.now-50*3600, p.now+50*3600)
		get("/api/v4/monitors/%s/uptime?days=3", tag)
		get("/api/v4/monitors/%s/uptime?days=45", tag)
		day := func(ago int64) string { return time.Unix(p.now-ago*86400, 0).UTC().Format(time.DateOnly) }
		get("/api/v4/monitors/%s/uptime?from=%s&to=%s", tag, day(40), day(1))
		get("/api/v4/monitors/%s/uptime?from=%s&to=%s", tag, day(1), day(0))
		get("/api/status?tag=%s", tag)
		get("/api/v4/alerts?monitor_tag=%s", tag)
	}
	for _, id := range p.ids(t, "/api/v4/alert-rules") {
		get("/api/v4/alert-rules/%d", id)
	}
	for _, id := range p.ids(t, "/api/v4/alerts") {
		get("/api/v4/alerts/%d", id)
	}
	p.sweepMaintenances(t)
	p.sweepPages(t)
}

// pages compares what public pages show.
func (p *pair) pages(t *rapid.T) {
	now := time.Unix(p.now, 0).UTC()
	ids := p.ids(t, "/api/v4/incidents")
	month := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	type pages struct {
		Site      *site.Site
		Incidents map[int64]site.Incident
		Months    []site.Month
	}
	read := func(s site.Store) (all pages, err error) {
		all.Incidents = map[int64]site.Incident{}
		if all.Site, err = site.Load(context.Background(), s, site.Config{Name: "Example"}, p.now); err != nil {
			return all, err
		}
		shown, err := site.LoadShown(context.Background(), s)
		if err != nil {
			return all, err
		}
		for _, id := range append(ids, 1_000_000) {
			i, err := shown.LoadIncident(context.Background(), s, id)
			if err == nil {
				all.Incidents[id] = i
			} else if !errors.Is(err, statuspage.IncidentNotFound(id)) {
				return all, err
			}
		}
		for ago := range 3 {
			m, err := shown.LoadMonth(context.Background(), s, month.AddDate(0, -ago, 0).Unix(), p.now)
			if err != nil {
				return all, err
			}
			all.Months = append(all.Months, m)
		}
		return all, nil
	}
	got, err := read(p.real.store)
	want, errModel := read(p.model.store)
	if err := cmp.Or(err, errModel); err != nil {
		t.Fatal(err)
	}
	if d := gocmp.Diff(want, got); d != "" {
		t.Fatalf("pages (-model +real):\n%s", d)
	}
}

var _ model.Reference = (*dynamo.Store)(nil)
