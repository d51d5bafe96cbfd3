package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/apitest"
	"tocsin/internal/statuspage"
)

// A legacyRecording is a request to Kener 2.0.0, the last release that served the
// legacy API, and what it answered. They were made one after the other in one run, of
// which testdata/legacy.jsonl holds a part: the state that a case met is arranged
// anew from what its answer implies.
type legacyRecording struct {
	Case    string
	At      int64 // UTC seconds
	Request struct {
		Method, Template string
		Headers          map[string]string
		Body             json.RawMessage
		BodyText         string `json:"body_text"`
	}
	Response struct {
		Status  int
		Headers map[string]string
		Body    json.RawMessage
	}
	Vars map[string]int64 // numbers of incidents that the template's braces stand for
}

// legacyIncident is an incident of the legacy API.
type legacyIncident struct {
	CreatedAt      int64    `json:"createdAt"`
	ClosedAt       *int64   `json:"closedAt"`
	Title          string   `json:"title"`
	Tags           []string `json:"tags"`
	IncidentNumber int64    `json:"incidentNumber"`
	StartDatetime  *int64   `json:"startDatetime"`
	EndDatetime    *int64   `json:"endDatetime"`
	Body           string   `json:"body"`
	Impact         *string  `json:"impact"`
	IsMaintenance  bool     `json:"isMaintenance"`
	IsIdentified   bool     `json:"isIdentified"`
	IsResolved     bool     `json:"isResolved"`
}

// A legacyAnswer is what of an answer is compared: the status, and the body as text,
// so that the order of the keys counts too.
type legacyAnswer struct {
	Status            int
	ContentType, Body string
}

// A legacyDeparture is how our answer differs from the recorded one, as a rule of our
// contract that is marked as chosen has it.
type legacyDeparture struct {
	rule   string
	change func(legacyAnswer) legacyAnswer
}

// says is the departure to another answer.
func says(rule string, status int, body string) legacyDeparture {
	return legacyDeparture{rule, func(a legacyAnswer) legacyAnswer { return legacyAnswer{status, a.ContentType, body} }}
}

// closesAt is the departure of an incident that isResolved closes at that time: it has
// an end.
func closesAt(at int64) legacyDeparture {
	return legacyDeparture{"isResolved true closes, and what is closed has an end", func(a legacyAnswer) legacyAnswer {
		var i legacyIncident
		if err := json.Unmarshal([]byte(a.Body), &i); err != nil {
			panic(err)
		}
		i.ClosedAt = &at
		if i.EndDatetime == nil {
			i.EndDatetime = new(statuspage.FloorMinute(at))
		}
		a.Body = jsonText(i)
		return a
	}}
}

// withoutResolved is the departure of a list of open incidents: resolved ones are
// closed.
var withoutResolved = legacyDeparture{"what is resolved is closed", func(a legacyAnswer) legacyAnswer {
	var list []legacyIncident
	if err := json.Unmarshal([]byte(a.Body), &list); err != nil {
		panic(err)
	}
	a.Body = jsonText(slices.DeleteFunc(list, func(i legacyIncident) bool { return i.IsResolved }))
	return a
}}

// onlyResolved is the departure of a list of closed incidents, in which all resolved
// ones of the search below are.
func onlyResolved(byCase map[string]legacyRecording) legacyDeparture {
	return legacyDeparture{"what is resolved is closed", func(a legacyAnswer) legacyAnswer {
		var list []legacyIncident
		if err := json.Unmarshal(byCase["search.default"].Response.Body, &list); err != nil {
			panic(err)
		}
		list = slices.DeleteFunc(list, func(i legacyIncident) bool { return !i.IsResolved || i.Title != "status" })
		for n := range list {
			list[n].ClosedAt = &list[n].CreatedAt
		}
		a.Body = jsonText(list)
		return a
	}}
}

func jsonText(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// legacyReplay sends recorded requests to one service.
type legacyReplay struct {
	t     *testing.T
	s     *apitest.Server
	clock *clock
}

func newLegacyReplay(t *testing.T) *legacyReplay {
	s, clock := start(t)
	monitorsNamed(t, s, "earth", "google", "mars")
	made(t, s, "/api/v4/monitors", `{"tag":"strict","name":"N","include_degraded_in_downtime":"YES"}`)
	return &legacyReplay{t, s, clock}
}

// incident makes the incident as it is shown, and returns its number.
func (p *legacyReplay) incident(i legacyIncident) int64 {
	p.t.Helper()
	p.clock.seconds.Store(i.CreatedAt)
	id := report(p.t, p.s, jsonText(map[string]any{
		"title": i.Title, "tags": i.Tags, "startDatetime": i.StartDatetime, "body": i.Body, "impact": i.Impact,
		"isMaintenance": i.IsMaintenance, "isIdentified": i.IsIdentified,
	}))
	if i.ClosedAt != nil {
		p.clock.seconds.Store(*i.ClosedAt)
	}
	// The end on its own, which may be before the start then.
	status := map[string]any{"endDatetime": i.EndDatetime, "isResolved": i.IsResolved}
	if got := p.s.Do(http.MethodPost, fmt.Sprintf("/api/incident/%d/status", id), jsonText(status)); got.Status != http.StatusOK {
		p.t.Fatalf("arranging: %d %s", got.Status, got.Body)
	}
	return id
}

// before is the incident as it may have been before a request that was answered
// with it.
func before(i legacyIncident, sent map[string]json.RawMessage, replaced bool) legacyIncident {
	if replaced {
		return legacyIncident{CreatedAt: i.CreatedAt, Title: "before", Tags: []string{"mars"}, Body: "before", StartDatetime: new(int64(600)), Impact: new("DOWN")}
	}
	if end, ok := sent["endDatetime"]; ok && string(end) != "0" && string(end) != "null" {
		i.EndDatetime = new(int64(1731999999))
	}
	if _, ok := sent["isIdentified"]; ok {
		i.IsIdentified = !i.IsIdentified
	}
	if _, ok := sent["isResolved"]; ok {
		i.IsResolved = !i.IsResolved
	}
	return i
}

var pointsInName = regexp.MustCompile(`(\d+)(UP|DOWN|DEGRADED)`)

// points sets so many minutes of the tag, the last one at the given time.
func (p *legacyReplay) points(tag, counts string, last int64) {
	p.t.Helper()
	var points []statuspage.TaggedPoint
	for _, m := range pointsInName.FindAllStringSubmatch(counts, -1) {
		n, _ := strconv.Atoi(m[1])
		for range n {
			points = append(points, statuspage.TaggedPoint{Tag: tag, Point: statuspage.Point{Status: statuspage.Status(m[2]), Source: statuspage.SourceProbe}})
		}
	}
	for n := range points {
		points[n].Time = last - int64(len(points)-1-n)*60
	}
	for _, err := range p.s.Table.Store(nil).RecordPoints(context.Background(), points, p.clock.seconds.Load()) {
		if err != nil {
			p.t.Fatal(err)
		}
	}
}

// arrange brings the service into the state that the recorded answer implies, and
// returns the path to send the request to.
func (p *legacyReplay) arrange(r legacyRecording) string {
	p.t.Helper()
	path := r.Request.Template
	var sent map[string]json.RawMessage
	json.Unmarshal(r.Request.Body, &sent) // any body but an object names no fields
	var i legacyIncident
	json.Unmarshal(r.Response.Body, &i) // errors and lists name no incident
	if i.CreatedAt == 0 || len(i.Tags) == 0 {
		i = legacyIncident{CreatedAt: r.At, Title: "arranged", Tags: []string{"earth"}}
	}
	for name := range r.Vars {
		id := p.incident(before(i, sent, r.Request.Method == http.MethodPatch))
		path = strings.ReplaceAll(path, "{"+name+"}", strconv.FormatInt(id, 10))
	}
	p.clock.seconds.Store(r.At)
	if i.IncidentNumber != 0 && r.Vars == nil {
		p.clock.seconds.Store(i.CreatedAt) // what is made is made then
	}
	return path
}

// send sends the request and returns the answer.
func (p *legacyReplay) send(r legacyRecording, path string) legacyAnswer {
	p.t.Helper()
	header := http.Header{}
	for name, value := range r.Request.Headers {
		header[http.CanonicalHeaderKey(name)] = []string{strings.ReplaceAll(value, "$LEGACY_KEY", p.s.Key)}
	}
	body := r.Request.BodyText
	if len(r.Request.Body) > 0 {
		body = string(r.Request.Body)
	}
	got := p.s.DoWith(r.Request.Method, path, body, header)
	return legacyAnswer{got.Status, got.Header.Get("Content-Type"), got.Body}
}

var numberInAnswer = regexp.MustCompile(`"(?:incidentNumber|commentID)": ?\d+`)

// sameNumbers puts the numbers of recorded incidents and comments in the place of
// ours, one after the other.
func sameNumbers(ours, recorded string) string {
	numbers := numberInAnswer.FindAllString(recorded, -1)
	return numberInAnswer.ReplaceAllStringFunc(ours, func(own string) string {
		if len(numbers) == 0 {
			return own
		}
		number := strings.Replace(numbers[0], ": ", ":", 1)
		numbers = numbers[1:]
		return number
	})
}

func recordedLegacyAnswer(r legacyRecording) legacyAnswer {
	return legacyAnswer{r.Response.Status, r.Response.Headers["content-type"], string(compactValue(r.Response.Body))}
}

func TestRecordedLegacyAnswers(t *testing.T) {
	t.Parallel()
	recordings := readRecordings[legacyRecording](t, "legacy.jsonl")
	if got, want := len(recordings), 196; got != want {
		t.Fatalf("%d recordings, want %d", got, want)
	}
	byCase := map[string]legacyRecording{}
	for _, r := range recordings {
		byCase[r.Case] = r
	}
	// Lists show all there is, so they have tables that no other case writes to.
	writes, closed, search := newLegacyReplay(t), newLegacyReplay(t), newLegacyReplay(t)
	var found []legacyIncident
	decodeInto(t, byCase["search.default"].Response.Body, &found)
	slices.Reverse(found)
	for _, i := range found {
		search.incident(i)
	}
	decodeInto(t, byCase["incident.closed.listed"].Response.Body, &found)
	closed.incident(found[0])
	writes.incident(legacyIncident{CreatedAt: 1795350860, Title: "first", Tags: []string{"earth"}}) // number 1, which some name
	departures := legacyDepartures(byCase)
	for _, name := range slices.Sorted(maps.Keys(departures)) {
		if _, ok := byCase[name]; !ok {
			t.Errorf("no recording is called %q", name)
		}
	}
	for _, r := range recordings {
		t.Run(r.Case, func(t *testing.T) {
			p := writes
			switch {
			case strings.HasPrefix(r.Case, "search."), r.Case == "incident.status.resolved_is_not_closed":
				p = search
			case r.Case == "incident.closed.listed":
				p = closed
			}
			p.t = t
			path := p.arrange(r)
			switch name := strings.Split(r.Case, "."); {
			case strings.HasPrefix(r.Case, "status.get.uptime."):
				var shown struct{ LastUpdatedAt int64 }
				decodeInto(t, r.Response.Body, &shown)
				p.points(name[3], name[4], shown.LastUpdatedAt)
			case r.Case == "status.get.timestamp.noon":
				p.points("mars", "1UP1DOWN1DEGRADED", 1791849720)
			case r.Case == "status.get.today.down_becomes_up":
				p.points("google", "1UP", 1795350600)
				p.points("google", "1DEGRADED", 1795350720)
			}
			got, want := p.send(r, path), recordedLegacyAnswer(r)
			ours, departs := departures[r.Case]
			if departs {
				as := want
				if want = ours.change(want); want == as {
					t.Errorf("listed as a departure (%s), but it is none", ours.rule)
				}
			}
			got.Body = sameNumbers(got.Body, want.Body)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("answer %s (-want +got):\n%s", ours.rule, diff)
			}
		})
	}
}

// legacyDepartures are the recordings that we don't follow, with the rule that says so.
func legacyDepartures(byCase map[string]legacyRecording) map[string]legacyDeparture {
	d := map[string]legacyDeparture{
		"status.get.unknown_tag":                    says("an unknown tag is a 400", 400, `{"error":"invalid tag"}`),
		"status.get.timestamp.empty":                says("an empty timestamp is a 400", 400, `{"error":"Invalid timestamp"}`),
		"incident.create.body_field.65537":          says("no message of GitHub's", 400, `{"error":"Invalid body"}`),
		"incident.status.resolved_is_not_closed":    onlyResolved(byCase),
		"incident.create.isResolved.true":           closesAt(1795350864),
		"incident.create.resolved_only":             closesAt(1795350864),
		"incident.get.made":                         closesAt(1795350864),
		"incident.patch.number.01":                  closesAt(1795350860),
		"incident.status.number.01":                 closesAt(1795350860),
		"incident.patch.after_bad_bodies":           closesAt(1795350864),
		"incident.patch.null.impact":                closesAt(1795350867),
		"incident.patch.null.isMaintenance":         closesAt(1795350867),
		"incident.patch.closed.made":                closesAt(1795350867),
		"incident.status.resolved":                  closesAt(1795350869),
		"incident.status.not_identified":            closesAt(1795350868),
		"incident.status.identified_string":         closesAt(1795350868),
		"incident.status.other_fields":              closesAt(1795350868),
		"incident.status.identified_unresolves_not": closesAt(1795350868),
	}
	for _, name := range []string{`body_field."[start_datetime:1000]"`, `body_field."x [end_datetime:2000] y"`} {
		d["incident.create."+name] = legacyDeparture{"a body is text", func(a legacyAnswer) legacyAnswer {
			var i, sent legacyIncident
			if err := errors.Join(json.Unmarshal([]byte(a.Body), &i), json.Unmarshal(byCase["incident.create."+name].Request.Body, &sent)); err != nil {
				panic(err)
			}
			i.StartDatetime, i.EndDatetime, i.Body = nil, nil, sent.Body
			a.Body = jsonText(i)
			return a
		}}
	}
	for rule, group := range map[string]struct {
		status int
		body   string
		cases  []string
	}{
		"a body that is no object is a 400": {400, `{"error":"Invalid JSON body"}`, []string{
			"incident.create.body.true", "incident.patch.body.array", "incident.patch.body.number", "incident.patch.body.true",
			"incident.status.body.array", "incident.status.body.array_of_object", "incident.status.body.number",
			"incident.status.bad_number.body.array", "incident.status.bad_number.body.number", "incident.status.bad_number.body.string", "incident.status.bad_number.body.true",
			"comment.create.body.array", "comment.create.body.array_of_object", "comment.create.body.number",
		}},
		"a start is a whole number up to the year 9999": {400, `{"error":"Invalid startDatetime"}`, []string{
			"incident.create.start.fraction", "incident.create.start.milliseconds", "incident.create.start_end.both_fraction",
		}},
		"an end is a whole number up to the year 9999": {400, `{"error":"Invalid endDatetime"}`, []string{
			"incident.create.end.negative", "incident.create.end.milliseconds",
		}},
		"the message is the published one": {400, `{"error":"unknown tags"}`, []string{
			`incident.create.tags.[""]`, `incident.create.tags.["earth", "nope"]`,
		}},
		"an unknown incident is a 404 everywhere": {404, `{"error":"incident not found"}`, []string{
			"incident.patch.number.0", "incident.status.number.0", "comment.create.number.1.5", "comment.list.number.1e0", "comment.create.number.1e0", "comment.create.number.0x1",
			"incident.status.number.999999999999999999999999999999", "comment.list.number.999999999999999999999999999999",
		}},
	} {
		for _, name := range group.cases {
			d[name] = says(rule, group.status, group.body)
		}
	}
	for _, name := range []string{
		"default", "title", "title_case", "title_empty", "tags_empty", "page_empty", "after_negative", "after_empty", "after_fraction", "between", "all_filters",
	} {
		d["search."+name] = withoutResolved
	}
	d["search.page_0"] = says("pages are counted from 1", 400, `{"error":"Invalid page"}`)
	return d
}
