package api_test

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tocsin/internal/function"
	"tocsin/internal/statuspage"
)

// testNow is the clock of the fuzz targets: with a clock that stands still an input
// does the same each time.
var testNow = time.Unix(1_700_000_000, 0)

var oddSegments = []string{
	"1", "2", "4", "0", "-1", "-0", "--1", "-", "+1", "007", "0000000000000000000000004", "1.0", "1e0", "1 ", " 1", "1\n", "1abc", "0x1", "", ".", "..", "1/", "/1", "1/comments",
	"9007199254740991", "9007199254740992", "9223372036854775807", "9223372036854775808", "-9223372036854775809", "1000000000000000000000", strings.Repeat("9", 400),
	"%", "%31", "%%", "1%2Fcomments", "1?x=2", "1#x", "é", "１", "١", "\x00", "\xff", "null", "NaN", "Infinity", strings.Repeat("a", 2000), "..%2f", "*", "{incident_id}", "earth", "EARTH", " earth",
}

var oddQueries = []string{
	"", "?", "&&&", "=", "%", "a=%zz", "limit=1", "limit=0", "limit=1001", "limit=%2B1", "limit=1e1", "limit=1&limit=x", "limit=&limit=x", "limit=0001", "limit=-1", "limit=" + strings.Repeat("9", 40),
	"start_ts=0&end_ts=0", "start_ts=600&end_ts=600", "start_ts=601&end_ts=600", "start_ts=253402300799", "end_ts=253402300800", "start_ts=-1", "start_ts=1.5", "start_ts=1.", "end_ts=.5", "end_ts=599.9",
	"start_ts=" + strings.Repeat("9", 40), "start_ts=" + strings.Repeat("0", 40) + "600", "end_ts=1e308", "monitor_tags=earth", "monitor_tags=earth,mars,earth", "monitor_tags=,", "monitor_tags=%00", "monitor_tags=%20earth%C2%A0",
	"monitor_tags=" + strings.Repeat("earth,", 50), "monitor_tags=" + strings.Repeat("earth,", 51), "monitor_tags=" + strings.Repeat("x", 3000), "monitor_tags=EARTH",
	"status=open", "status=CLOSED", "status=", "status=x", "status=ACTIVE&category_name=All%20Categories&monitor_type=API&is_hidden=NO", "category_name=%ff", "category_name=All+Categories",
	"cursor=x", "cursor=aS42MDAuMQ", "cursor=Yy42MDAuMQ", "cursor=bS4y", "limit=2&cursor=aS42MDAuNA&monitor_tags=earth&status=open", "cursor=aS4wLjE&end_ts=1", "a=1;b=2", "ü=ü#x y\x00", "%6cimit=1", "limit=%31",
}

// oddCursors are cursors, and what is none.
func oddCursors() []string {
	cursors := []string{"!", "=", "aS42MDAuNA==", "aS42MDAuNA\n", " aS42MDAuNA", "aS42MDAuNB", "\xff", strings.Repeat("a", 5000)}
	for _, text := range []string{
		"", "i", "i.600.4", "i.600.3", "i.0.1", "i.0.2", "i.253402300799.9007199254740991", "i.253402300800.1", "i.1.0", "i.-1.1", "i.01.1", "i.+1.1", "i.1.1.1", "i.1", "i.1.9007199254740992",
		"c.600.4", "c.600.1", "c.600.5", "c.0.1", "m.1", "m.2", "m.3", "m.0", "m.9007199254740991", "m.9007199254740992", "m.1.1", "i.\x00.1", "x.1.1",
	} {
		cursors = append(cursors, base64.RawURLEncoding.EncodeToString([]byte(text)))
	}
	return cursors
}

// FuzzRead reads records and lists, with any segment for an id or a tag and any query.
// The answer is what a model of the lists says: the page, the page after it, or the
// message.
func FuzzRead(f *testing.F) {
	l := newLambdas(f, function.Options{Now: func() time.Time { return testNow }})
	for route := range readRoutes {
		for _, segment := range oddSegments {
			f.Add(uint8(route), segment, "")
		}
	}
	for _, query := range oddQueries {
		for route := range listPaths {
			f.Add(uint8(route), "4", query)
		}
	}
	for _, cursor := range oddCursors() {
		for route := range listPaths {
			f.Add(uint8(route), "4", "limit=1&cursor="+url.QueryEscape(cursor))
		}
	}
	f.Fuzz(func(t *testing.T, route uint8, segment, query string) {
		l.checkRead(t, readRoutes[int(route)%len(readRoutes)](segment), query)
	})
}

// readRoutes are the paths that are read, made of a segment; the lists come first.
var readRoutes = []func(segment string) string{
	func(string) string { return "/api/v4/incidents" },
	func(s string) string { return "/api/v4/incidents/" + s + "/comments" },
	func(string) string { return "/api/v4/monitors" },
	func(s string) string { return "/api/v4/incidents/" + s },
	func(s string) string { return "/api/v4/incidents/4/comments/" + s },
	func(s string) string { return "/api/v4/incidents/" + s + "/comments/4" },
	func(s string) string { return "/api/v4/monitors/" + s },
}

var listPaths = []string{readRoutes[0](""), readRoutes[1]("4"), readRoutes[2]("")}

// A row is a record in a list.
type row struct {
	ID    int64
	Start int64 `json:"start_date_time"`
	Time  int64 `json:"timestamp"`
}

// checkRead reads what is at the path and compares the answer with what newLambdas
// has put there: the status, the message or the records, and the page after this one.
func (l *lambdas) checkRead(t *testing.T, path, query string) {
	t.Helper()
	a, err := l.try(t.Context(), request{method: http.MethodGet, path: path, query: query})
	if err != nil {
		t.Fatal(err)
	}
	path, query = statuspage.ValidText(path), statuspage.ValidText(query)
	if a.Status == http.StatusPermanentRedirect {
		return // try has looked at it
	}
	var want expected
	pattern, segments := routePattern(path), strings.Split(path, "/")
	switch {
	case pattern == "":
		want = expected{http.StatusNotFound, []string{fmt.Sprintf("No API route matches '%s'", path)}, nil, nil}
	case strings.HasSuffix(pattern, "s"): // a list
		want = expectedList(pattern, segments, query)
	case strings.HasPrefix(pattern, "/api/v4/monitors"):
		want = expected{status: http.StatusOK}
		if tag := segments[4]; tag != "earth" && tag != "mars" {
			want = expected{http.StatusNotFound, []string{fmt.Sprintf("Monitor with tag '%s' not found", tag)}, nil, nil}
		}
	default:
		want = expectedIDs(segments)
	}
	if a.Status != want.status || want.status != http.StatusOK && !want.says(errorMessage(a)) {
		t.Fatalf("GET %s?%s: %d %s, want %d %q", path, query, a.Status, a.Body, want.status, want.messages)
	}
	if want.rows == nil {
		return
	}
	ids, next := pageOf(t, a)
	if !slices.Equal(ids, want.rows) || (next != "") != (len(want.rest) > 0) {
		t.Fatalf("GET %s?%s: %v, next %q, want %v, then %v", path, query, ids, next, want.rows, want.rest)
	}
	if next == "" {
		return
	}
	// The first of repeated parameters counts.
	a, err = l.try(t.Context(), request{method: http.MethodGet, path: path, query: "limit=1000&cursor=" + next + "&" + query})
	if err != nil {
		t.Fatal(err)
	}
	if ids, next = pageOf(t, a); !slices.Equal(ids, want.rest) || next != "" {
		t.Errorf("GET %s?%s, the page after: %v, next %q, want %v", path, query, ids, next, want.rest)
	}
}

// expected is what an answer must be.
type expected struct {
	status   int
	messages []string // any of them, when the status is not 200; one that ends in … is a beginning
	rows     []int64  // of a list: the ids on the page, and of those after it
	rest     []int64
}

func (e expected) says(message string) bool {
	return slices.ContainsFunc(e.messages, func(m string) bool {
		beginning, cut := strings.CutSuffix(m, "…")
		return m == message || cut && strings.HasPrefix(message, beginning)
	})
}

func pageOf(t *testing.T, a reply) (ids []int64, next string) {
	t.Helper()
	var body map[string]json.RawMessage
	if err := json.Unmarshal([]byte(a.Body), &body); err != nil || a.Status != http.StatusOK {
		t.Fatalf("no page: %d %s", a.Status, a.Body)
	}
	ids = []int64{}
	for name, value := range body {
		if name == "next_cursor" {
			if err := json.Unmarshal(value, &next); err != nil || next == "" {
				t.Errorf("next_cursor %s", value)
			}
			continue
		}
		var rows []row
		if err := json.Unmarshal(value, &rows); err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			ids = append(ids, r.ID)
		}
	}
	return ids, next
}

var wholeNumber = regexp.MustCompile(`^-?[0-9]+$`)

// expectedIDs is what is expected of a path with one or two ids.
func expectedIDs(segments []string) expected {
	ids := map[string]string{"Incident": segments[4]}
	if len(segments) > 6 {
		ids["Comment"] = segments[6]
	}
	for _, of := range []string{"Incident", "Comment"} {
		if id, ok := ids[of]; ok && !wholeNumber.MatchString(id) {
			return expected{status: http.StatusBadRequest, messages: []string{of + " ID must be a valid integer"}}
		}
	}
	incident, unknown := knownID(ids["Incident"])
	if unknown != "" {
		return expected{status: http.StatusNotFound, messages: []string{"Incident with id '" + unknown}}
	}
	if ids["Comment"] == "" {
		return expected{status: http.StatusOK}
	}
	comment, unknown := knownID(ids["Comment"])
	if comment != incident { // each incident has the comment of its own number
		unknown = cmp.Or(unknown, strconv.FormatInt(comment, 10)+"' not found…")
		return expected{status: http.StatusNotFound, messages: []string{"Comment with id '" + unknown}}
	}
	return expected{status: http.StatusOK}
}

// knownID returns the number of a record that is there, or how the message goes on
// that says it is not.
func knownID(digits string) (id int64, unknown string) {
	n, _ := new(big.Int).SetString(digits, 10)
	switch {
	case n.CmpAbs(big.NewInt(statuspage.MaxID)) > 0:
		return 0, "…" // as ECMAScript prints it
	case n.Sign() > 0 && n.Cmp(big.NewInt(4)) <= 0:
		return n.Int64(), ""
	}
	return 0, n.String() + "' not found…"
}

// parameter returns the first parameter of the name.
func parameter(query, name string) string {
	decode := func(s string) string {
		if decoded, err := url.QueryUnescape(s); err == nil {
			return decoded
		}
		return s
	}
	for pair := range strings.SplitSeq(query, "&") {
		if n, value, _ := strings.Cut(pair, "="); pair != "" && decode(n) == name {
			return decode(value)
		}
	}
	return ""
}

var (
	limitForm = regexp.MustCompile(`^0*([1-9][0-9]{0,2}|1000)$`)
	boundForm = regexp.MustCompile(`^([0-9]+)(\.[0-9]+)?$`)

	// The cursors of each list. The time of one is never above the greatest there is.
	cursorForms = map[string]*regexp.Regexp{
		"/api/v4/incidents":             regexp.MustCompile(`^i\.(0|[1-9][0-9]{0,11})\.([1-9][0-9]{0,15})$`),
		"/api/v4/incidents/{}/comments": regexp.MustCompile(`^c\.(0|[1-9][0-9]{0,11})\.([1-9][0-9]{0,15})$`),
		"/api/v4/monitors":              regexp.MustCompile(`^m\.()([1-9][0-9]{0,15})$`),
	}
)

// expectedList is what is expected of a list of the records that newLambdas makes.
func expectedList(pattern string, segments []string, query string) expected {
	var wrong []string
	unknown := "" // how a message says that there is no such incident
	limit, rows := 1000, []row{{ID: 4, Start: 600}, {ID: 3, Start: 600}, {ID: 2}, {ID: 1}}
	if text := parameter(query, "limit"); text != "" {
		if limit, _ = strconv.Atoi(text); !limitForm.MatchString(text) {
			wrong = append(wrong, "limit must be an integer between 1 and 1000")
		}
	}
	switch pattern {
	case "/api/v4/incidents/{}/comments":
		if !wholeNumber.MatchString(segments[4]) {
			return expected{status: http.StatusBadRequest, messages: []string{"Incident ID must be a valid integer"}}
		}
		var id int64
		id, unknown = knownID(segments[4])
		rows = []row{{ID: id, Time: 600}}
	case "/api/v4/monitors":
		rows = []row{{ID: 2}, {ID: 1}}
		for _, name := range []string{"status", "category_name", "monitor_type", "is_hidden"} {
			if text := parameter(query, name); text != "" && (name != "category_name" || text != "All Categories") {
				rows = nil // they have none of these
			}
		}
	default:
		var more []string
		rows, more = expectedIncidents(rows, query)
		wrong = append(wrong, more...)
	}
	place, bad := cursorPlace(pattern, query)
	if bad {
		wrong = append(wrong, "Invalid cursor")
	}
	if len(wrong) > 0 {
		return expected{status: http.StatusBadRequest, messages: wrong}
	}
	if unknown != "" {
		return expected{status: http.StatusNotFound, messages: []string{"Incident with id '" + unknown}}
	}
	e := expected{status: http.StatusOK, rows: []int64{}}
	for _, r := range rows {
		if place != nil && cmp.Or(cmp.Compare(r.Start+r.Time, place.Time), cmp.Compare(r.ID, place.ID)) >= 0 {
			continue
		}
		if len(e.rows) < limit {
			e.rows = append(e.rows, r.ID)
		} else {
			e.rest = append(e.rest, r.ID)
		}
	}
	return e
}

// expectedIncidents filters the incidents, all of which are open and on earth.
func expectedIncidents(rows []row, query string) (kept []row, wrong []string) {
	bounds := map[string]int64{"start_ts": 0, "end_ts": statuspage.MaxTimestamp}
	for name := range bounds {
		text := parameter(query, name)
		if text == "" {
			continue
		}
		form := boundForm.FindStringSubmatch(text)
		n, most := new(big.Int), big.NewInt(statuspage.MaxTimestamp)
		if form != nil {
			n.SetString(form[1], 10)
		}
		if form == nil || n.Cmp(most) > 0 {
			wrong = append(wrong, name+" must be a valid timestamp (UTC seconds)")
		} else if n.Sign() > 0 {
			bounds[name] = n.Int64()
		}
	}
	tags, named := 0, parameter(query, "monitor_tags")
	earth := named == ""
	for tag := range strings.SplitSeq(named, ",") {
		if tag = statuspage.TrimBlank(tag); tag != "" {
			tags++
			earth = earth || tag == "earth"
		}
	}
	if tags > 50 {
		wrong = append(wrong, "At most 50 tags")
	}
	status := strings.ToLower(parameter(query, "status"))
	if status != "" && status != "open" && status != "closed" {
		wrong = append(wrong, "status must be open or closed")
	}
	for _, r := range rows {
		if earth && status != "closed" && r.Start >= bounds["start_ts"] && r.Start <= bounds["end_ts"] {
			kept = append(kept, r)
		}
	}
	return kept, wrong
}

// cursorPlace returns the place that the query's cursor names, nil when it has none,
// and whether it has a bad one.
func cursorPlace(pattern, query string) (place *row, bad bool) {
	cursor := parameter(query, "cursor")
	if cursor == "" {
		return nil, false
	}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	form := cursorForms[pattern].FindStringSubmatch(string(raw))
	if err != nil || form == nil || base64.RawURLEncoding.EncodeToString(raw) != cursor {
		return nil, true
	}
	place = &row{}
	place.Time, _ = strconv.ParseInt("0"+form[1], 10, 64)
	place.ID, _ = strconv.ParseInt(form[2], 10, 64)
	return place, place.Time > statuspage.MaxTimestamp || place.ID > statuspage.MaxID
}
