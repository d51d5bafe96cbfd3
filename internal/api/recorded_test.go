package api_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/apitest"
	"tocsin/internal/statuspage"
)

// A recording is a request to Kener 4.1.2 and what it answered. They were made one
// after the other in one run, of which testdata/recorded.jsonl holds a part:
// the state that a case met is arranged anew from what its answer implies.
type recording struct {
	Case    string
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
	Vars map[string]int64 // ids that the template's braces stand for
}

// recordedAt is when they were made.
const recordedAt = 1795348992

// readRecordings reads a file of testdata, a recording a line.
func readRecordings[R any](t *testing.T, name string) []R {
	t.Helper()
	f, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []R
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var r R
		if err := json.Unmarshal(expandCut(lines.Bytes()), &r); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

var cutText = regexp.MustCompile(`([\x21-\x7e])\.\.\.\((\d+) characters\)`)

// expandCut gives texts that the recorder has cut their length back.
func expandCut(line []byte) []byte {
	const shown = 40 // characters before the cut
	return cutText.ReplaceAllFunc(line, func(cut []byte) []byte {
		m := cutText.FindSubmatch(cut)
		n, _ := strconv.Atoi(string(m[2]))
		return bytes.Repeat(m[1], n-shown+1)
	})
}

func TestRecordedAnswers(t *testing.T) {
	t.Parallel()
	recordings := readRecordings[recording](t, "recorded.jsonl")
	if got, want := len(recordings), 271; got != want {
		t.Fatalf("%d recordings, want %d", got, want)
	}
	byCase := map[string]recording{}
	for _, r := range recordings {
		byCase[r.Case] = r
	}
	departures := allDepartures(byCase)
	for name := range departures {
		if _, ok := byCase[name]; !ok {
			t.Errorf("no recording is called %q", name)
		}
	}
	// Lists show all there is, so they have a table that no other case writes to.
	writes, lists := newReplay(t, byCase), newReplay(t, byCase)
	lists.arrangeLists(byCase)
	for _, r := range recordings {
		t.Run(r.Case, func(t *testing.T) {
			replay := writes
			if r.Request.Method == http.MethodGet && (strings.HasPrefix(r.Case, "inc.list.") || strings.HasPrefix(r.Case, "mon.")) {
				replay = lists
			}
			replay.t = t
			got := replay.send(r)
			recorded := recordedExchange(r)
			ours, departs := departures[r.Case]
			switch diff := cmp.Diff(recorded, got); {
			case departs && diff == "":
				t.Errorf("listed as a departure (%s), but the answer is as recorded", ours.rule)
			case departs:
				if diff := cmp.Diff(ours.exchange(recorded), got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", ours.rule, diff)
				}
			case diff != "":
				t.Errorf("answer (-recorded +got):\n%s", diff)
			}
		})
	}
}

// An exchange is what of an answer is compared. The body is one line a value, in
// order, so that the order of the keys counts too.
type exchange struct {
	Status                       int
	ContentType, Allow, Location string
	Body                         []string
}

func recordedExchange(r recording) exchange {
	h := r.Response.Headers
	return exchange{
		r.Response.Status, h["content-type"], h["allow"], h["location"],
		flatten(r.Response.Body, func(_, value string) string { return value }),
	}
}

// A departure is an answer of ours that differs from the recorded one, as the rule of
// our contract has it.
type departure struct {
	rule   string
	status int
	body   string
}

// exchange is the departure as a whole. The methods allowed stay as recorded.
func (d departure) exchange(recorded exchange) exchange {
	kind := "application/json"
	if !json.Valid([]byte(d.body)) {
		kind = "text/plain; charset=utf-8"
	}
	return exchange{
		Status: d.status, ContentType: kind, Allow: recorded.Allow,
		Body: flatten([]byte(d.body), func(_, value string) string { return value }),
	}
}

// replay sends recorded requests to one service.
type replay struct {
	t       *testing.T
	s       *apitest.Server
	revoked string

	// What our ids are called in the recordings.
	incidents, comments, monitors map[int64]int64
}

func newReplay(t *testing.T, byCase map[string]recording) *replay {
	t.Helper()
	p := &replay{t: t, incidents: map[int64]int64{}, comments: map[int64]int64{}, monitors: map[int64]int64{}}
	p.s = apitest.New(t, apitest.Options{
		Now:        func() time.Time { return time.Unix(recordedAt, 0) },
		Parameters: map[string]string{"SiteUrl": "http://localhost:3000"},
	})
	p.revoked = p.s.NewKey(statuspage.NewAPIKey{Name: "revoked", Scopes: statuspage.Scopes()})
	store := p.s.Table.Store(nil)
	key, err := store.APIKeyByHash(context.Background(), statuspage.HashSecret(p.revoked))
	if err == nil {
		_, err = store.RevokeAPIKey(context.Background(), key.ID, recordedAt)
	}
	if err != nil {
		t.Fatal(err)
	}
	var list struct{ Monitors []recordedMonitor }
	decodeInto(t, byCase["mon.list"].Response.Body, &list)
	slices.Reverse(list.Monitors) // ids fall in a list
	for _, m := range list.Monitors {
		p.createMonitor(m)
	}
	return p
}

// recordedMonitor is a monitor as Kener writes it.
type recordedMonitor struct {
	ID                    int64
	Tag, Name             string
	Description           *string
	Image                 *string
	Cron                  *string
	DefaultStatus         *string `json:"default_status"`
	Status                *string
	Category              *string         `json:"category_name"`
	Type                  *string         `json:"monitor_type"`
	TypeData              json.RawMessage `json:"type_data"`
	DayDegraded           *int64          `json:"day_degraded_minimum_count"`
	DayDown               *int64          `json:"day_down_minimum_count"`
	IncludeDegraded       *string         `json:"include_degraded_in_downtime"`
	Hidden                *string         `json:"is_hidden"`
	Settings              json.RawMessage `json:"monitor_settings_json"`
	ExternalURL           *string         `json:"external_url"`
	ConfirmationThreshold int64           `json:"confirmation_threshold"`
}

// createMonitor goes past the API, which can't set every field.
func (p *replay) createMonitor(m recordedMonitor) {
	p.t.Helper()
	made, err := p.s.Table.Store(nil).CreateMonitor(context.Background(), statuspage.Monitor{
		Tag: m.Tag, Name: m.Name, Description: m.Description, Image: m.Image, Cron: m.Cron,
		DefaultStatus: m.DefaultStatus, Status: m.Status, Category: m.Category, Type: m.Type,
		TypeData: compactObject(m.TypeData), DayDegradedMinimum: m.DayDegraded, DayDownMinimum: m.DayDown,
		IncludeDegraded: m.IncludeDegraded, Hidden: m.Hidden, Settings: compactObject(m.Settings),
		ExternalURL: m.ExternalURL, ConfirmationThreshold: m.ConfirmationThreshold,
	}, recordedAt, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	p.monitors[made.ID] = m.ID
}

func compactObject(raw json.RawMessage) statuspage.JSONObject {
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		panic(err)
	}
	return statuspage.JSONObject(b.String())
}

type recordedIncident struct {
	Title    string          `json:"title"`
	Start    int64           `json:"start_date_time"`
	End      *int64          `json:"end_date_time"`
	Monitors json.RawMessage `json:"monitors,omitempty"`
}

type recordedComment struct {
	Comment   string `json:"comment"`
	State     string `json:"state"`
	Timestamp int64  `json:"timestamp"`
}

// arrangeLists makes what the recorded lists show and we can have.
func (p *replay) arrangeLists(byCase map[string]recording) {
	p.t.Helper()
	var rows []recordedRow
	for _, name := range []string{"inc.list.window", "inc.list.start_ts_empty"} {
		rows = append(rows, listedIncidents(byCase[name])...)
	}
	slices.SortFunc(rows, func(a, b recordedRow) int { return int(a.id - b.id) })
	for _, row := range rows {
		if row.incident.Start >= 0 {
			p.createIncident(row.id, row.incident)
		}
	}
}

type recordedRow struct {
	id       int64
	incident recordedIncident
	raw      json.RawMessage
}

func listedIncidents(r recording) []recordedRow {
	var list struct{ Incidents []json.RawMessage }
	if err := json.Unmarshal(r.Response.Body, &list); err != nil {
		panic(err)
	}
	var rows []recordedRow
	for _, raw := range list.Incidents {
		row := recordedRow{raw: raw}
		var id struct{ ID int64 }
		if err := errors.Join(json.Unmarshal(raw, &row.incident), json.Unmarshal(raw, &id)); err != nil {
			panic(err)
		}
		row.id = id.ID
		rows = append(rows, row)
	}
	return rows
}

// must sends a request of the arrangement, which must succeed.
func (p *replay) must(method, path string, body any) json.RawMessage {
	p.t.Helper()
	text := ""
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			p.t.Fatal(err)
		}
		text = string(b)
	}
	r := p.s.Do(method, path, text)
	if r.Status >= http.StatusBadRequest {
		p.t.Fatalf("arranging: %s %s %s: %d %s", method, path, text, r.Status, r.Body)
	}
	return json.RawMessage(r.Body)
}

func decodeInto(t testing.TB, raw []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(raw, v); err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
}

func (p *replay) createIncident(recorded int64, i recordedIncident) int64 {
	p.t.Helper()
	var made struct{ Incident struct{ ID int64 } }
	decodeInto(p.t, p.must(http.MethodPost, "/api/v4/incidents", i), &made)
	p.incidents[made.Incident.ID] = recorded
	return made.Incident.ID
}

// createComment makes a comment with any time: a new one that resolves must not lie
// before the start, one that is moved there afterwards may.
func (p *replay) createComment(recorded, incident int64, c recordedComment) int64 {
	p.t.Helper()
	at := c.Timestamp
	c.Timestamp = recordedAt
	var made struct{ Comment struct{ ID int64 } }
	path := fmt.Sprintf("/api/v4/incidents/%d/comments", incident)
	decodeInto(p.t, p.must(http.MethodPost, path, c), &made)
	p.must(http.MethodPatch, fmt.Sprintf("%s/%d", path, made.Comment.ID), map[string]int64{"timestamp": at})
	p.comments[made.Comment.ID] = recorded
	return made.Comment.ID
}

// arrange brings the service into the state that the recorded answer implies, and
// returns our ids for the case's variables.
func (p *replay) arrange(r recording) map[string]int64 {
	p.t.Helper()
	var sent map[string]json.RawMessage
	json.Unmarshal(r.Request.Body, &sent) // any body but an object names no fields
	var answered struct {
		Incident *recordedIncident
		Comment  *recordedComment
		Comments []recordedRowComment
		Monitor  *recordedMonitor
		Error    struct{ Message string }
	}
	if len(r.Response.Body) > 0 {
		decodeInto(p.t, r.Response.Body, &answered)
	}
	patch := r.Request.Method == http.MethodPatch
	ours := map[string]int64{}
	for _, name := range incidentVars {
		recorded, ok := r.Vars[name]
		if !ok {
			continue
		}
		before := recordedIncident{Title: "arranged", Start: 1699999980}
		if answered.Incident != nil {
			before = *answered.Incident
			if patch {
				before = before.without(sent)
			}
		}
		if len(commentsBefore[r.Case]) > 0 {
			before.End = nil // the comments' work
		}
		if m, ok := monitorsBefore[r.Case]; ok {
			before.Monitors = json.RawMessage(m)
		}
		ours[name] = p.createIncident(recorded, before)
		path := fmt.Sprintf("/api/v4/incidents/%d", ours[name])
		for _, body := range commentsBefore[r.Case] {
			// What the service refuses is a departure, and shows in the answer.
			p.s.Do(http.MethodPost, path+"/comments", body)
		}
		if answered.Error.Message == fmt.Sprintf("Incident with id '%d' not found", recorded) {
			p.must(http.MethodDelete, path, nil)
		}
	}
	for _, name := range commentVars {
		recorded, ok := r.Vars[name]
		if !ok {
			continue
		}
		incident := ours["k"]
		if _, other := r.Vars["o"]; other {
			incident = p.createIncident(0, recordedIncident{Title: "arranged", Start: 1699999980})
		}
		before := recordedComment{"arranged", "IDENTIFIED", 1700000640}
		if answered.Comment != nil {
			before = *answered.Comment
			if patch {
				before = before.without(sent)
			}
		}
		ours[name] = p.createComment(recorded, incident, before)
	}
	slices.SortFunc(answered.Comments, func(a, b recordedRowComment) int { return int(a.ID - b.ID) })
	for _, c := range answered.Comments {
		p.createComment(c.ID, ours["k"], c.recordedComment)
	}
	if answered.Monitor != nil && r.Request.Method != http.MethodGet {
		p.s.Do(http.MethodDelete, "/api/v4/monitors/"+answered.Monitor.Tag, "")
		if patch {
			p.createMonitor(answered.Monitor.without(p.t, r.Response.Body, sent))
		}
	}
	return ours
}

var incidentVars, commentVars = []string{"min", "full", "p", "k", "o", "x", "y"}, []string{"c0", "c1"}

type recordedRowComment struct {
	ID int64
	recordedComment
}

// monitorsBefore are the links that a PATCH met where the answer does not tell.
var monitorsBefore = map[string]string{
	"inc.patch.monitors_order": `[{"monitor_tag":"api-prod","impact":"DOWN"}]`,
}

// commentsBefore are the comments that had been made on the incident before.
var commentsBefore = map[string][]string{
	"com.create.state_INVESTIGATING.incident": {
		`{"comment":"c","timestamp":1700000059,"state":"INVESTIGATING"}`,
	},
	"com.create.state_MONITORING.incident": {
		`{"comment":"c","timestamp":1700000659,"state":"IDENTIFIED"}`,
		`{"comment":"c","timestamp":1700001259,"state":"MONITORING"}`,
	},
	"com.create.reopen.incident": {
		`{"comment":"c RESOLVED","timestamp":1700001859,"state":"RESOLVED"}`,
		`{"comment":"again","timestamp":1700006000,"state":"INVESTIGATING"}`,
	},
	"com.create.resolved_zero.incident": {
		`{"comment":"r 0","timestamp":0,"state":"RESOLVED"}`,
	},
	"com.patch.state.incident": {
		`{"comment":"r 0","timestamp":0,"state":"RESOLVED"}`,
		`{"comment":"s2","timestamp":1700000601,"state":"MONITORING"}`,
	},
}

// without returns the incident as it may have been before a PATCH of the fields
// that were sent.
func (i recordedIncident) without(sent map[string]json.RawMessage) recordedIncident {
	if _, ok := sent["title"]; ok {
		i.Title = "before"
	}
	if _, ok := sent["start_date_time"]; ok {
		i.Start = 1699990020
	}
	if _, ok := sent["end_date_time"]; ok {
		i.End = new(int64(1700009940))
	}
	if _, ok := sent["monitors"]; ok {
		i.Monitors = json.RawMessage(`[{"monitor_tag":"earth","impact":"DOWN"},{"monitor_tag":"mars","impact":"DEGRADED"}]`)
	}
	return i
}

func (c recordedComment) without(sent map[string]json.RawMessage) recordedComment {
	if _, ok := sent["comment"]; ok {
		c.Comment = "before"
	}
	if _, ok := sent["timestamp"]; ok {
		c.Timestamp = 1700009940
	}
	if _, ok := sent["state"]; ok {
		c.State = "IDENTIFIED"
	}
	return c
}

// without replaces what was sent by "before": a text, or the keys of an object.
func (m *recordedMonitor) without(t *testing.T, answer json.RawMessage, sent map[string]json.RawMessage) recordedMonitor {
	t.Helper()
	var envelope struct{ Monitor map[string]json.RawMessage }
	decodeInto(t, answer, &envelope)
	before := []byte(`"before"`)
	for name, value := range sent {
		var keys map[string]json.RawMessage
		old, known := envelope.Monitor[name]
		switch {
		case !known || name == "confirmation_threshold" || name == "include_degraded_in_downtime":
		case json.Unmarshal(value, &keys) == nil && keys != nil:
			object := string(compactObject(old))
			for k, v := range keys {
				object = strings.Replace(object, strconv.Quote(k)+":"+string(compactValue(v)), strconv.Quote(k)+":"+string(before), 1)
			}
			envelope.Monitor[name] = json.RawMessage(object)
		default:
			envelope.Monitor[name] = before
		}
	}
	changed, err := json.Marshal(envelope.Monitor)
	if err != nil {
		t.Fatal(err)
	}
	var out recordedMonitor
	decodeInto(t, changed, &out)
	return out
}

func compactValue(raw json.RawMessage) []byte {
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// send arranges the case's state, sends its request and returns the answer with
// the recorded ids in place of ours.
func (p *replay) send(r recording) exchange {
	p.t.Helper()
	ours := p.arrange(r)
	path := r.Request.Template
	for name, id := range ours {
		path = strings.ReplaceAll(path, "{"+name+"}", strconv.FormatInt(id, 10))
	}
	header := http.Header{}
	for name, value := range r.Request.Headers {
		value = strings.ReplaceAll(value, "$KENER_API_KEY less its last character", p.s.Key[:len(p.s.Key)-1])
		value = strings.ReplaceAll(value, "$KENER_API_KEY", p.s.Key)
		value = strings.ReplaceAll(value, "$KENER_REVOKED_KEY", p.revoked)
		header[http.CanonicalHeaderKey(name)] = []string{value}
	}
	body := r.Request.BodyText
	if len(r.Request.Body) > 0 {
		body = string(r.Request.Body)
	}
	resp := p.s.DoWith(r.Request.Method, path, body, header)
	return exchange{
		resp.Status, resp.Header.Get("Content-Type"), resp.Header.Get("Allow"), p.recordedText(resp.Header.Get("Location")),
		flatten([]byte(resp.Body), func(path, value string) string { return p.recordedValue(r, path, value) }),
	}
}

var (
	incidentIDAt = regexp.MustCompile(`^(\.incident|\.incidents\[\d+\])\.id$|^(\.comment|\.comments\[\d+\])\.incident_id$`)
	commentIDAt  = regexp.MustCompile(`^(\.comment|\.comments\[\d+\])\.id$`)
	monitorIDAt  = regexp.MustCompile(`^(\.monitor|\.monitors\[\d+\])\.id$`)
	createdIDAt  = regexp.MustCompile(`^\.(incident|comment|monitor)\.id$`)
	idInText     = regexp.MustCompile(`(?i)((?:incident|comment)(?:s/| with id '| '))(\d+)`)
)

// recordedValue puts the recorded id in place of ours.
func (p *replay) recordedValue(r recording, path, value string) string {
	var names map[int64]int64
	switch {
	case incidentIDAt.MatchString(path):
		names = p.incidents
	case commentIDAt.MatchString(path):
		names = p.comments
	case monitorIDAt.MatchString(path):
		names = p.monitors
	default:
		return p.recordedText(value)
	}
	id, err := strconv.ParseInt(value, 10, 64)
	if err != nil || id < 1 {
		return "not an id: " + value
	}
	if _, ok := names[id]; !ok && r.Response.Status == http.StatusCreated && createdIDAt.MatchString(path) {
		// What this request has made: its id is as good as the recorded one.
		var made struct{ Incident, Comment, Monitor struct{ ID int64 } }
		decodeInto(p.t, r.Response.Body, &made)
		names[id] = made.Incident.ID + made.Comment.ID + made.Monitor.ID
	}
	return strconv.FormatInt(names[id], 10)
}

// recordedText does so in an address or a message. Ids that nothing was arranged
// for stay.
func (p *replay) recordedText(s string) string {
	return idInText.ReplaceAllStringFunc(s, func(m string) string {
		parts := idInText.FindStringSubmatch(m)
		id, err := strconv.ParseInt(parts[2], 10, 64)
		if err != nil {
			return m
		}
		names := p.incidents
		if strings.HasPrefix(strings.ToLower(parts[1]), "comment") {
			names = p.comments
		}
		if recorded, ok := names[id]; ok {
			return parts[1] + strconv.FormatInt(recorded, 10)
		}
		return m
	})
}

var (
	isoTime    = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$`)
	sqlTime    = regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$`)
	timeAt     = regexp.MustCompile(`\.(created|updated)_at$`)
	monitorRow = regexp.MustCompile(`^\.monitors?[.\[]`)
)

// flatten returns a line for each value of a JSON text, in its order. Of times only
// the form counts; monitors have another one in the recordings.
func flatten(text []byte, value func(path, value string) string) []string {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil
	}
	var lines []string
	add := func(path, v string) {
		if timeAt.MatchString(path) && (isoTime.MatchString(v) || sqlTime.MatchString(v) && monitorRow.MatchString(path)) {
			v = "a time"
		}
		v = value(path, v)
		if len(v) > 300 { // a long text would bury the difference
			v = fmt.Sprintf("%.40s… (%d bytes, checksum %x)", v, len(v), crc32.ChecksumIEEE([]byte(v)))
		}
		lines = append(lines, path+" = "+v)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var walk func(path string) error
	walk = func(path string) error {
		tok, err := dec.Token()
		if err != nil {
			return err
		}
		switch tok := tok.(type) {
		case json.Delim:
			add(path, tok.String())
			for i := 0; dec.More(); i++ {
				child := fmt.Sprintf("%s[%d]", path, i)
				if tok == '{' {
					key, err := dec.Token()
					if err != nil {
						return err
					}
					child = fmt.Sprintf("%s.%v", path, key)
				}
				if err := walk(child); err != nil {
					return err
				}
			}
			_, err := dec.Token()
			return err
		case nil:
			add(path, "null")
		case string:
			add(path, tok)
		default:
			add(path, fmt.Sprint(tok))
		}
		return nil
	}
	if err := walk(""); err != nil {
		return []string{string(text)}
	}
	if _, err := dec.Token(); err != io.EOF {
		return []string{string(text)}
	}
	return lines
}

// allDepartures lists the cases that our contract answers in another way than Kener,
// under the rule that says so.
func allDepartures(byCase map[string]recording) map[string]departure {
	all := map[string]departure{}
	var rule string
	add := func(status int, body string, cases ...string) {
		for _, name := range cases {
			if _, twice := all[name]; twice {
				panic(name + " is listed twice")
			}
			all[name] = departure{rule, status, body}
		}
	}
	refused := func(message string, cases ...string) {
		add(http.StatusBadRequest, badRequest(message), cases...)
	}
	// incidents is a list of incidents as the recordings have them, in this order.
	rows := map[int64]string{}
	for _, name := range []string{"inc.list.window", "inc.list.start_ts_empty"} {
		for _, row := range listedIncidents(byCase[name]) {
			rows[row.id] = string(row.raw)
		}
	}
	incidents := func(ids ...int64) string {
		var texts []string
		for _, id := range ids {
			texts = append(texts, rows[id])
		}
		return `{"incidents":[` + strings.Join(texts, ",") + `]}`
	}

	rule = "where no page was published, an unknown one is told in plain text"
	add(http.StatusNotFound, "Not found\n", "route.upper_case")

	rule = "a method that a route does not have is told in JSON, not in plain text"
	for method, cases := range map[string][]string{
		"PUT":     {"route.incidents.put", "mon.method.PUT earth"},
		"PATCH":   {"route.incidents.patch", "com.method.PATCH list"},
		"POST":    {"inc.get.method_post", "com.method.POST one"},
		"DELETE":  {"com.method.DELETE list", "mon.method.DELETE monitors"},
		"OPTIONS": {"route.incidents.options"},
	} {
		add(http.StatusMethodNotAllowed, fail("METHOD_NOT_ALLOWED", method+" method not allowed"), cases...)
	}

	rule = "a body must be a JSON object"
	refused("Invalid JSON body",
		"inc.create.body_array", "inc.create.body_string", "inc.create.body_number", "inc.patch.body_string", "com.create.body_array")

	rule = "a body over 256 KiB is told to be too large"
	add(http.StatusRequestEntityTooLarge, fail("PAYLOAD_TOO_LARGE", "The request body must be at most 256 KiB"), "inc.create.body_4mb")

	rule = "a request is judged without the table first, so its body comes before the row"
	refused("Invalid JSON body", "inc.patch.unknown_id_bad_json", "com.patch.unknown_bad_json")

	rule = "an id is nothing but digits: what follows them is not dropped"
	refused("Incident ID must be a valid integer", "inc.get.id_suffix", "inc.get.id_quote", "inc.delete.suffix")

	rule = "no spelling of a path leads to another one: one with dots has no route"
	add(http.StatusNotFound, notFound("No API route matches '/api/v4/incidents/.'"), "inc.get.id_dot")

	rule = "paths are judged percent-decoded"
	add(http.StatusOK, string(byCase["mon.get"].Response.Body), "mon.get.encoded")
	add(http.StatusNotFound, notFound("Monitor with tag 'earth ' not found"), "mon.get.space")

	rule = "a title has at most 255 characters, a comment 65,536"
	refused("Title must be at most 255 characters", "inc.create.title_10000")
	refused("comment must be at most 65536 characters", "com.create.comment_long")

	rule = "timestamps are numbers from 1970 to the year 9999, so milliseconds are none"
	refused("start_date_time must be a valid timestamp (UTC seconds)",
		"inc.create.start_negative", "inc.create.start_ms", "inc.patch.start_empty")
	refused("end_date_time must be a valid timestamp (UTC seconds)",
		"inc.create.end_true", "inc.create.end_false", "inc.create.end_array_two", "inc.create.end_negative", "inc.create.end_ms",
		"inc.patch.end_string_digits", "inc.patch.end_string", "inc.patch.end_true", "inc.patch.end_negative", "inc.patch.end_object")
	refused("timestamp must be a valid timestamp (UTC seconds)",
		"com.create.timestamp_negative", "com.create.timestamp_ms", "com.patch.timestamp_string_digits", "com.patch.timestamp_negative")
	add(http.StatusOK, incidents(), "inc.list.start_only_far_future")

	rule = "an incident does not end before it starts"
	refused("end_date_time must not be before start_date_time",
		"inc.create.end_before_start", "inc.patch.end_before_start", "inc.patch.end_zero")
	refused("timestamp must not be before the incident's start_date_time",
		"com.create.resolved_before_start", "com.create.resolved_zero")
	add(http.StatusOK, commented(`"end_date_time":null,"state":"INVESTIGATING"`), "com.create.resolved_zero.incident")
	add(http.StatusOK, commented(`"end_date_time":null,"state":"MONITORING"`), "com.patch.state.incident")

	rule = "a comment with another state reopens a closed incident and clears its end"
	add(http.StatusOK, commented(`"end_date_time":null,"state":"INVESTIGATING"`), "com.create.reopen.incident")

	rule = "an impact is DOWN, DEGRADED, UP or MAINTENANCE"
	for impact, name := range map[string]string{
		"PURPLE": "unknown", "5": "number", "true": "true", "{}": "object",
	} {
		refused("Invalid impact '"+impact+"'. Must be one of: UP, DOWN, DEGRADED, MAINTENANCE", "inc.create.monitors_impact_"+name)
	}

	rule = "PATCH checks and trims what it is sent as POST does"
	add(http.StatusOK, strings.Replace(string(byCase["inc.patch.title_spaces_kept"].Response.Body), "  spaced  ", "spaced", 1), "inc.patch.title_spaces_kept")
	refused("Title must be a non-empty string", "inc.patch.title_number", "inc.patch.title_true")
	refused("comment must be a non-empty string", "com.patch.comment_blank", "com.patch.comment_number", "com.patch.comment_true")
	for _, name := range []string{"com.patch.comment", "com.patch.state"} {
		add(http.StatusOK, strings.Replace(string(byCase[name].Response.Body), "  edited  ", "edited", 1), name)
	}

	rule = "a text of a monitor is a string, its settings are an object"
	refused("description must be a string", "mon.create.description_object")
	refused("monitor_settings_json must be an object", "mon.create.settings_string")

	rule = "a monitor's status is ACTIVE or INACTIVE"
	refused("Invalid status 'PURPLE'. Must be one of: ACTIVE, INACTIVE", "mon.create.status_unknown", "mon.patch.status_unknown")

	rule = "PATCH of a monitor sets include_degraded_in_downtime"
	add(http.StatusOK, strings.Replace(string(byCase["mon.patch.include_degraded_ignored"].Response.Body), `"include_degraded_in_downtime": "NO"`, `"include_degraded_in_downtime": "YES"`, 1),
		"mon.patch.include_degraded_ignored")

	rule = "a list has the newest start first"
	add(http.StatusOK, incidents(76, 73, 75, 74),
		"inc.list.window", "inc.list.start_ts_twice", "inc.list.monitor_tag_singular", "inc.list.ignored.status=OPEN",
		"inc.list.ignored.sort=asc", "inc.list.ignored.id=1", "inc.list.body_ignored")
	add(http.StatusOK, incidents(73, 74), "inc.list.monitor_tags_mars", "inc.list.monitor_tags_unknown_and_known")
	add(http.StatusOK, incidents(73, 75, 74), "inc.list.monitor_tags_encoded_comma")

	rule = "no incident starts before 1970"
	add(http.StatusOK, incidents(68, 26, 20), "inc.list.start_ts_empty")

	rule = "a bound of a list that is no timestamp is an error, not passed over"
	refused("start_ts must be a valid timestamp (UTC seconds)", "inc.list.start_ts_word", "inc.list.start_ts_hex", "inc.list.start_ts_huge")

	return all
}

// commented is incident 78, on which the recorded comments were made.
func commented(endAndState string) string {
	return `{"incident":{"id":78,"title":"commented","start_date_time":1699999980,` + endAndState + `,"incident_type":"INCIDENT",` +
		`"incident_source":"API","monitors":[],"created_at":"2026-11-22T12:03:13.000Z","updated_at":"2026-11-22T12:03:13.000Z",` +
		`"url":"http://localhost:3000/incidents/78"}}`
}
