package api_test

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tocsin/internal/function"
	"tocsin/internal/statuspage"
)

// lifeCycleChecks is how many random sequences TestLifeCycle runs, unless the flag
// -rapid.checks says another number.
const lifeCycleChecks = 6

// Random sequences of calls on the service and on a model of its rules: the answers,
// the records and the lists are the same after every step.
func TestLifeCycle(t *testing.T) {
	const checks = "rapid.checks"
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == checks })
	if !given {
		before := flag.Lookup(checks).Value.String()
		if err := flag.Set(checks, strconv.Itoa(lifeCycleChecks)); err != nil {
			t.Fatal(err)
		}
		defer flag.Set(checks, before)
	}
	var clock atomic.Int64
	clock.Store(1_700_000_000)
	l := newLambdas(t, function.Options{Now: func() time.Time { return time.Unix(clock.Load(), 0) }})
	rapid.Check(t, func(t *rapid.T) {
		m := &model{lambdas: l, clock: &clock, incidents: map[int64]*incidentModel{}, monitors: map[string]int64{}}
		m.wipe(t)
		t.Repeat(map[string]func(*rapid.T){
			"":                m.compareAll,
			"time passes":     m.tick,
			"create monitor":  m.createMonitor,
			"delete monitor":  m.deleteMonitor,
			"create incident": m.createIncident,
			"update incident": m.updateIncident,
			"reopen incident": m.reopenIncident,
			"delete incident": m.deleteIncident,
			"create comment":  m.createComment,
			"resolve":         m.resolve,
			"update comment":  m.updateComment,
			"delete comment":  m.deleteComment,
			"list incidents":  m.listIncidents,
			"list comments":   m.listComments,
			"list monitors":   m.listMonitors,
		})
	})
}

// model is what the service should have in its table.
type model struct {
	*lambdas
	clock     *atomic.Int64
	incidents map[int64]*incidentModel
	monitors  map[string]int64 // ids by tag
}

type incidentModel struct {
	record   incidentRecord
	closed   bool
	links    []linkModel
	comments map[int64]*commentRecord
}

// linkModel is one of an incident's monitors. The id tells a monitor from one that
// is made later with its tag.
type linkModel struct {
	tag    string
	id     int64
	impact string
}

// The records as the API shows them.
type incidentRecord struct {
	ID       int64        `json:"id"`
	Title    string       `json:"title"`
	Start    int64        `json:"start_date_time"`
	End      *int64       `json:"end_date_time"`
	State    string       `json:"state"`
	Monitors []linkRecord `json:"monitors"`
	Created  string       `json:"created_at"`
	Updated  string       `json:"updated_at"`
}

type linkRecord struct {
	Tag    string `json:"monitor_tag"`
	Impact string `json:"impact"`
}

type commentRecord struct {
	ID         int64  `json:"id"`
	IncidentID int64  `json:"incident_id"`
	Comment    string `json:"comment"`
	Time       int64  `json:"timestamp"`
	State      string `json:"state"`
	Created    string `json:"created_at"`
	Updated    string `json:"updated_at"`
}

type monitorRecord struct {
	ID  int64  `json:"id"`
	Tag string `json:"tag"`
}

func (m *model) now() string {
	return time.Unix(m.clock.Load(), 0).UTC().Format("2006-01-02T15:04:05.000Z")
}

// shown is the incident as the API shows it.
func (i *incidentModel) shown() incidentRecord {
	r := i.record
	r.Monitors = []linkRecord{}
	for _, l := range i.links {
		r.Monitors = append(r.Monitors, linkRecord{l.tag, l.impact})
	}
	return r
}

// send sends a request that must be answered with the status; into, when not nil,
// gets what is in the answer's wrapper.
func (m *model) send(t *rapid.T, method, path string, body map[string]any, status int, into any) reply {
	t.Helper()
	r := request{method: method}
	r.path, r.query, _ = strings.Cut(path, "?")
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		r.body = string(text)
	}
	a, err := m.try(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	if a.Status != status {
		t.Fatalf("%s %s %s: %d %s, want %d", method, path, r.body, a.Status, a.Body, status)
	}
	if into != nil {
		var wrapped map[string]json.RawMessage
		if err := json.Unmarshal([]byte(a.Body), &wrapped); err != nil {
			t.Fatal(err)
		}
		for name, value := range wrapped {
			if name != "next_cursor" {
				if err := json.Unmarshal(value, into); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return a
}

// refused sends a request that must be refused with the message.
func (m *model) refused(t *rapid.T, method, path string, body map[string]any, status int, message string) {
	t.Helper()
	if a := m.send(t, method, path, body, status, nil); errorMessage(a) != message {
		t.Fatalf("%s %s %v: %s, want %s", method, path, body, a.Body, message)
	}
}

func same(t *rapid.T, what string, want, got any) {
	t.Helper()
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

func incidentAt(id int64) string { return fmt.Sprintf("/api/v4/incidents/%d", id) }

func commentAt(incident, id int64) string {
	return fmt.Sprintf("/api/v4/incidents/%d/comments/%d", incident, id)
}

// wipe deletes all there is.
func (m *model) wipe(t *rapid.T) {
	var incidents []incidentRecord
	m.send(t, "GET", "/api/v4/incidents", nil, http.StatusOK, &incidents)
	for _, i := range incidents {
		m.send(t, "DELETE", incidentAt(i.ID), nil, http.StatusOK, nil)
	}
	var monitors []monitorRecord
	m.send(t, "GET", "/api/v4/monitors", nil, http.StatusOK, &monitors)
	for _, mon := range monitors {
		m.send(t, "DELETE", "/api/v4/monitors/"+mon.Tag, nil, http.StatusOK, nil)
	}
}

// What is drawn is drawn from few values, so that the same ones meet.
var (
	anyMinute = rapid.Custom(func(t *rapid.T) int64 { return 600 + 60*rapid.Int64Range(0, 3).Draw(t, "minute") })
	anyTag    = rapid.SampledFrom([]string{"a", "b", "c", "d"})
	anyState  = rapid.SampledFrom([]string{"INVESTIGATING", "IDENTIFIED", "MONITORING", "RESOLVED"})
	anyTitle  = rapid.SampledFrom([]string{"one", "two", " Grüße 🔥 "})
)

// sent is a time within the minute, which counts as the minute.
func sent(t *rapid.T, minute int64) float64 {
	return float64(minute) + rapid.SampledFrom([]float64{0, 1, 59, 59.5}).Draw(t, "seconds")
}

func (m *model) anyIncident(t *rapid.T) *incidentModel {
	if len(m.incidents) == 0 {
		m.createIncident(t)
	}
	if len(m.incidents) == 0 { // the creation was one that is refused
		return nil
	}
	return m.incidents[rapid.SampledFrom(slices.Sorted(maps.Keys(m.incidents))).Draw(t, "incident")]
}

func (m *model) tick(t *rapid.T) {
	m.clock.Add(rapid.SampledFrom([]int64{1, 30, 60, 3600}).Draw(t, "seconds"))
}

func (m *model) createMonitor(t *rapid.T) {
	tag := anyTag.Draw(t, "tag")
	body := map[string]any{"tag": tag, "name": "n"}
	if _, ok := m.monitors[tag]; ok {
		m.refused(t, "POST", "/api/v4/monitors", body, http.StatusBadRequest, fmt.Sprintf("Monitor with tag '%s' already exists", tag))
		return
	}
	var got monitorRecord
	m.send(t, "POST", "/api/v4/monitors", body, http.StatusCreated, &got)
	for _, id := range m.monitors {
		if got.ID <= id {
			t.Fatalf("the new monitor has the id %d, an older one %d", got.ID, id)
		}
	}
	m.monitors[tag] = got.ID
}

func (m *model) deleteMonitor(t *rapid.T) {
	tag := anyTag.Draw(t, "tag")
	id, ok := m.monitors[tag]
	if !ok {
		m.refused(t, "DELETE", "/api/v4/monitors/"+tag, nil, http.StatusNotFound, fmt.Sprintf("Monitor with tag '%s' not found", tag))
		return
	}
	m.send(t, "DELETE", "/api/v4/monitors/"+tag, nil, http.StatusOK, nil)
	delete(m.monitors, tag)
	for _, i := range m.incidents {
		i.links = slices.DeleteFunc(i.links, func(l linkModel) bool { return l.id == id })
	}
}

// drawLinks draws the monitors of a body: what is sent, what comes of it, and the
// first tag that no monitor has.
func (m *model) drawLinks(t *rapid.T) (body []map[string]any, links []linkModel, unknown string) {
	body = []map[string]any{}
	for range rapid.IntRange(0, 3).Draw(t, "monitors") {
		tag := anyTag.Draw(t, "tag")
		if len(m.monitors) > 0 && rapid.IntRange(0, 9).Draw(t, "that exists") > 0 {
			tag = rapid.SampledFrom(slices.Sorted(maps.Keys(m.monitors))).Draw(t, "tag")
		}
		link := map[string]any{"monitor_tag": tag}
		impact := rapid.SampledFrom([]string{"", "DOWN", "DEGRADED", "UP", "MAINTENANCE"}).Draw(t, "impact")
		if impact != "" {
			link["impact"] = impact
		}
		body = append(body, link)
		id, ok := m.monitors[tag]
		if !ok && unknown == "" {
			unknown = tag
		}
		l := linkModel{tag, id, cmp.Or(impact, "DOWN")}
		if at := slices.IndexFunc(links, func(l linkModel) bool { return l.tag == tag }); at >= 0 {
			links[at] = l
		} else {
			links = append(links, l)
		}
	}
	return body, links, unknown
}

func (m *model) createIncident(t *rapid.T) {
	title, start := anyTitle.Draw(t, "title"), anyMinute.Draw(t, "start")
	links, affected, unknown := m.drawLinks(t)
	body := map[string]any{"title": title, "start_date_time": sent(t, start), "monitors": links}
	end := rapid.Ptr(anyMinute, true).Draw(t, "end")
	if end != nil {
		body["end_date_time"] = sent(t, *end)
	}
	switch {
	case unknown != "":
		m.refused(t, "POST", "/api/v4/incidents", body, http.StatusBadRequest, fmt.Sprintf("Monitor with tag '%s' not found", unknown))
		return
	case end != nil && *end < start:
		m.refused(t, "POST", "/api/v4/incidents", body, http.StatusBadRequest, "end_date_time must not be before start_date_time")
		return
	}
	var got incidentRecord
	m.send(t, "POST", "/api/v4/incidents", body, http.StatusCreated, &got)
	for id := range m.incidents {
		if got.ID <= id {
			t.Fatalf("the new incident has the id %d, an older one %d", got.ID, id)
		}
	}
	i := &incidentModel{
		record: incidentRecord{
			ID: got.ID, Title: strings.TrimSpace(title), Start: start, End: end, State: "INVESTIGATING", Created: m.now(), Updated: m.now(),
		},
		links: affected, comments: map[int64]*commentRecord{},
	}
	same(t, "POST of an incident", i.shown(), got)
	m.incidents[got.ID] = i
}

func (m *model) updateIncident(t *rapid.T) {
	i := m.anyIncident(t)
	if i == nil {
		return
	}
	next, links := i.record, i.links
	body := map[string]any{}
	unknown, timesSet, reopened := "", false, false
	if rapid.Bool().Draw(t, "with title") {
		title := anyTitle.Draw(t, "title")
		body["title"], next.Title = title, strings.TrimSpace(title)
	}
	if rapid.Bool().Draw(t, "with start") {
		next.Start = anyMinute.Draw(t, "start")
		body["start_date_time"], timesSet = sent(t, next.Start), true
	}
	if rapid.Bool().Draw(t, "with end") {
		if next.End = rapid.Ptr(anyMinute, true).Draw(t, "end"); next.End == nil {
			body["end_date_time"], reopened = nil, true
		} else {
			body["end_date_time"] = sent(t, *next.End)
		}
		timesSet = true
	}
	if rapid.Bool().Draw(t, "with monitors") {
		var asked []linkModel
		body["monitors"], asked, unknown = m.drawLinks(t)
		links = relinked(i.links, asked)
	}
	path := incidentAt(i.record.ID)
	switch {
	case unknown != "":
		m.refused(t, "PATCH", path, body, http.StatusBadRequest, fmt.Sprintf("Monitor with tag '%s' not found", unknown))
		return
	case timesSet && next.End != nil && *next.End < next.Start:
		m.refused(t, "PATCH", path, body, http.StatusBadRequest, "end_date_time must not be before start_date_time")
		return
	}
	next.Updated = m.now()
	i.record, i.links = next, links
	if reopened {
		i.closed = false
	}
	var got incidentRecord
	m.send(t, "PATCH", path, body, http.StatusOK, &got)
	same(t, "PATCH of an incident", i.shown(), got)
}

// relinked keeps the place of what stays.
func relinked(old, asked []linkModel) []linkModel {
	var kept, added []linkModel
	for _, o := range old {
		for _, a := range asked {
			if a.id == o.id {
				kept = append(kept, a)
			}
		}
	}
	for _, a := range asked {
		if !slices.ContainsFunc(old, func(o linkModel) bool { return o.id == a.id }) {
			added = append(added, a)
		}
	}
	return append(kept, added...)
}

func (m *model) reopenIncident(t *rapid.T) {
	i := m.anyIncident(t)
	if i == nil {
		return
	}
	i.record.End, i.record.Updated, i.closed = nil, m.now(), false // the state stays
	var got incidentRecord
	m.send(t, "PATCH", incidentAt(i.record.ID), map[string]any{"end_date_time": nil}, http.StatusOK, &got)
	same(t, "reopening", i.shown(), got)
}

func (m *model) deleteIncident(t *rapid.T) {
	i := m.anyIncident(t)
	if i == nil {
		return
	}
	id := i.record.ID
	m.send(t, "DELETE", incidentAt(id), nil, http.StatusOK, nil)
	delete(m.incidents, id)
	gone := fmt.Sprintf("Incident with id '%d' not found", id)
	m.refused(t, "DELETE", incidentAt(id), nil, http.StatusNotFound, gone)
	m.refused(t, "GET", incidentAt(id), nil, http.StatusNotFound, gone)
	m.refused(t, "PATCH", incidentAt(id), map[string]any{}, http.StatusNotFound, gone)
	m.refused(t, "GET", incidentAt(id)+"/comments", nil, http.StatusNotFound, gone)
	m.refused(t, "POST", incidentAt(id)+"/comments", map[string]any{"comment": "c", "state": "RESOLVED"}, http.StatusNotFound, gone)
	for c := range i.comments {
		m.refused(t, "GET", commentAt(id, c), nil, http.StatusNotFound, gone)
	}
}

func (m *model) createComment(t *rapid.T) { m.comment(t, anyState.Draw(t, "state")) }

func (m *model) resolve(t *rapid.T) { m.comment(t, "RESOLVED") }

func (m *model) comment(t *rapid.T, state string) {
	i := m.anyIncident(t)
	if i == nil {
		return
	}
	body := map[string]any{"comment": " text ", "state": state}
	at := statuspage.FloorMinute(m.clock.Load())
	if rapid.Bool().Draw(t, "with timestamp") {
		at = anyMinute.Draw(t, "timestamp")
		body["timestamp"] = sent(t, at)
	}
	path := incidentAt(i.record.ID) + "/comments"
	if state == "RESOLVED" && at < i.record.Start {
		m.refused(t, "POST", path, body, http.StatusBadRequest, "timestamp must not be before the incident's start_date_time")
		return
	}
	i.record.State, i.record.Updated = state, m.now()
	switch {
	case state == "RESOLVED":
		i.record.End, i.closed = &at, true
	case i.closed:
		i.record.End, i.closed = nil, false
	}
	var got commentRecord
	m.send(t, "POST", path, body, http.StatusCreated, &got)
	for _, other := range m.incidents {
		for id := range other.comments {
			if got.ID <= id {
				t.Fatalf("the new comment has the id %d, an older one %d", got.ID, id)
			}
		}
	}
	c := &commentRecord{got.ID, i.record.ID, "text", at, state, m.now(), m.now()}
	same(t, "POST of a comment", *c, got)
	i.comments[got.ID] = c
}

// anyComment draws an incident and one of its comments, or one of another's, or
// none.
func (m *model) anyComment(t *rapid.T) (*incidentModel, int64, *commentRecord) {
	i := m.anyIncident(t)
	if i == nil {
		return nil, 0, nil
	}
	ids := []int64{1}
	for _, other := range m.incidents {
		if other == i || rapid.IntRange(0, 3).Draw(t, "of another") == 0 {
			ids = append(ids, slices.Collect(maps.Keys(other.comments))...)
		}
	}
	slices.Sort(ids)
	id := ids[len(ids)-1-rapid.IntRange(0, len(ids)-1).Draw(t, "comment")]
	return i, id, i.comments[id]
}

func (m *model) updateComment(t *rapid.T) {
	i, id, c := m.anyComment(t)
	if i == nil {
		return
	}
	body := map[string]any{}
	var next commentRecord
	if c != nil {
		next = *c
	}
	if rapid.Bool().Draw(t, "with comment") {
		body["comment"], next.Comment = "\t changed ", "changed"
	}
	if rapid.Bool().Draw(t, "with timestamp") {
		next.Time = anyMinute.Draw(t, "timestamp")
		body["timestamp"] = sent(t, next.Time)
	}
	if rapid.Bool().Draw(t, "with state") {
		next.State = anyState.Draw(t, "state")
		body["state"] = next.State
	}
	path := commentAt(i.record.ID, id)
	if c == nil {
		m.refused(t, "PATCH", path, body, http.StatusNotFound, fmt.Sprintf("Comment with id '%d' not found for incident '%d'", id, i.record.ID))
		return
	}
	next.Updated = m.now()
	*c = next // and the incident does not follow
	var got commentRecord
	m.send(t, "PATCH", path, body, http.StatusOK, &got)
	same(t, "PATCH of a comment", *c, got)
}

func (m *model) deleteComment(t *rapid.T) {
	i, id, c := m.anyComment(t)
	if i == nil {
		return
	}
	gone := fmt.Sprintf("Comment with id '%d' not found for incident '%d'", id, i.record.ID)
	path := commentAt(i.record.ID, id)
	if c != nil {
		m.send(t, "DELETE", path, nil, http.StatusOK, nil)
		delete(i.comments, id)
		m.refused(t, "GET", path, nil, http.StatusNotFound, gone)
	}
	m.refused(t, "DELETE", path, nil, http.StatusNotFound, gone)
}

// pages reads a list page by page. A page but the last is full, and the last has
// no cursor.
func pages[T any](t *rapid.T, m *model, path string, query url.Values, limit int) []T {
	t.Helper()
	if limit > 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	var all []T
	for {
		var page []T
		a := m.send(t, "GET", path+"?"+query.Encode(), nil, http.StatusOK, &page)
		var next struct {
			Cursor string `json:"next_cursor"`
		}
		if err := json.Unmarshal([]byte(a.Body), &next); err != nil {
			t.Fatal(err)
		}
		all = append(all, page...)
		if next.Cursor == "" {
			if len(all) > 0 && len(page) == 0 || limit > 0 && len(page) > limit {
				t.Fatalf("GET %s?%s: the last page has %d", path, query.Encode(), len(page))
			}
			return all
		}
		if len(page) != limit {
			t.Fatalf("GET %s?%s: a page has %d, and there is a next", path, query.Encode(), len(page))
		}
		query.Set("cursor", next.Cursor)
	}
}

var anyLimit = rapid.SampledFrom([]int{0, 1, 2, 3, 5})

// incidentList is the list of those that keep says, in order.
func (m *model) incidentList(keep func(*incidentModel) bool) []incidentRecord {
	var want []incidentRecord
	for _, i := range m.incidents {
		if keep(i) {
			want = append(want, i.shown())
		}
	}
	slices.SortFunc(want, func(a, b incidentRecord) int {
		return cmp.Or(cmp.Compare(b.Start, a.Start), cmp.Compare(b.ID, a.ID))
	})
	return want
}

func (m *model) listIncidents(t *rapid.T) {
	query := url.Values{}
	from := rapid.Ptr(anyMinute, true).Draw(t, "start_ts")
	if from != nil {
		query.Set("start_ts", strconv.FormatInt(*from, 10))
	}
	to := rapid.Ptr(anyMinute, true).Draw(t, "end_ts")
	if to != nil {
		query.Set("end_ts", strconv.FormatInt(*to, 10))
	}
	tags := rapid.SliceOfN(anyTag, 0, 3).Draw(t, "monitor_tags")
	if len(tags) > 0 {
		query.Set("monitor_tags", strings.Join(tags, ","))
	}
	status := rapid.SampledFrom([]string{"", "open", "closed", "Open"}).Draw(t, "status")
	if status != "" {
		query.Set("status", status)
	}
	want := m.incidentList(func(i *incidentModel) bool {
		return (from == nil || i.record.Start >= *from) && (to == nil || i.record.Start <= *to) &&
			(len(tags) == 0 || slices.ContainsFunc(i.links, func(l linkModel) bool { return slices.Contains(tags, l.tag) })) &&
			(status == "" || strings.EqualFold(status, "closed") == i.closed)
	})
	same(t, "GET incidents?"+query.Encode(), want, pages[incidentRecord](t, m, "/api/v4/incidents", query, anyLimit.Draw(t, "limit")))
}

func (m *model) listComments(t *rapid.T) {
	if i := m.anyIncident(t); i != nil {
		m.compareComments(t, i, anyLimit.Draw(t, "limit"))
	}
}

func (m *model) compareComments(t *rapid.T, i *incidentModel, limit int) {
	var want []commentRecord
	for _, c := range i.comments {
		want = append(want, *c)
	}
	slices.SortFunc(want, func(a, b commentRecord) int {
		return cmp.Or(cmp.Compare(b.Time, a.Time), cmp.Compare(b.ID, a.ID))
	})
	same(t, "GET comments", want, pages[commentRecord](t, m, incidentAt(i.record.ID)+"/comments", url.Values{}, limit))
}

func (m *model) listMonitors(t *rapid.T) {
	var want []monitorRecord
	for tag, id := range m.monitors {
		want = append(want, monitorRecord{id, tag})
	}
	slices.SortFunc(want, func(a, b monitorRecord) int { return cmp.Compare(b.ID, a.ID) })
	same(t, "GET monitors", want, pages[monitorRecord](t, m, "/api/v4/monitors", url.Values{}, anyLimit.Draw(t, "limit")))
}

// compareAll compares all incidents, open and closed ones and those of monitors,
// and one of them with its comments in full.
func (m *model) compareAll(t *rapid.T) {
	var all []incidentRecord
	for _, status := range []string{"open", "closed"} {
		want := m.incidentList(func(i *incidentModel) bool { return i.closed == (status == "closed") })
		got := pages[incidentRecord](t, m, "/api/v4/incidents", url.Values{"status": {status}}, 0)
		same(t, status+" incidents", want, got)
		all = append(all, got...)
	}
	if len(all) != len(m.incidents) {
		t.Fatalf("%d incidents are open or closed, there are %d", len(all), len(m.incidents))
	}
	if len(m.incidents) == 0 {
		return
	}
	want := m.incidentList(func(i *incidentModel) bool { return len(i.links) > 0 })
	same(t, "incidents of all monitors", want, pages[incidentRecord](t, m, "/api/v4/incidents", url.Values{"monitor_tags": {"a,b,c,d"}}, 0))
	// The one that was worked on last, most often.
	i := slices.MaxFunc(slices.Collect(maps.Values(m.incidents)), func(a, b *incidentModel) int {
		return cmp.Or(cmp.Compare(a.record.Updated, b.record.Updated), cmp.Compare(a.record.ID, b.record.ID))
	})
	var got incidentRecord
	m.send(t, "GET", incidentAt(i.record.ID), nil, http.StatusOK, &got)
	same(t, "GET of an incident", i.shown(), got)
	m.compareComments(t, i, 0)
}
