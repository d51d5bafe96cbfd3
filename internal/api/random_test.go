package api_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/internal/function"
)

// How many random requests are sent, and what they start from; more are sent with
// these variables.
const (
	randomRequestsVariable = "TOCSIN_RANDOM_REQUESTS"
	randomSeedVariable     = "TOCSIN_RANDOM_SEED"
	randomRequests         = 3000
)

// Whatever is sent, in any combination, no function fails and every answer has the
// contract's shape.
func TestRandomRequests(t *testing.T) {
	t.Parallel()
	const senders = 4 // at once, each with requests of its own
	total, seed := variableOr(t, randomRequestsVariable, randomRequests), variableOr(t, randomSeedVariable, 1)
	l := newLambdas(t, function.Options{}).withAlerts(t)
	recorded := recordedRequests(t, l)
	var mu sync.Mutex
	statuses := map[int]int{}
	began := time.Now()
	var g sync.WaitGroup
	for sender := range senders {
		g.Go(func() {
			draw := &randomRequest{Rand: rand.New(rand.NewPCG(uint64(seed), uint64(sender))), recorded: recorded}
			for n := range total / senders {
				r := draw.next()
				a, err := l.try(context.Background(), r)
				if err != nil {
					t.Errorf("%s=%d, sender %d, request %d: %v", randomSeedVariable, seed, sender, n, err)
					return
				}
				draw.learn(r, a)
				mu.Lock()
				statuses[a.Status]++
				mu.Unlock()
			}
		})
	}
	g.Wait()
	failures := 0
	for status, n := range statuses {
		if status >= 500 {
			failures += n
		}
	}
	if t.Failed() {
		return
	}
	// Had there been one of these, the test would have failed by now.
	t.Logf("%d requests in %.0f s, by status %v; 5xx: %d, answers outside the OpenAPI document: 0, panics in the log: 0",
		total, time.Since(began).Seconds(), statuses, failures)
	// Requests that are all refused would test little.
	least := map[int]int{200: total / 10, 201: total / 50, 308: 1, 400: 1, 401: 1, 404: 1, 405: 1, 412: 1, 413: 1, 422: 1}
	for status, n := range least {
		if statuses[status] < n {
			t.Errorf("of %d requests %d were answered %d, want at least %d", total, statuses[status], status, n)
		}
	}
}

func variableOr(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// randomRequest draws requests: mostly in order, with something odd here and there.
type randomRequest struct {
	*rand.Rand
	recorded []request

	etag  string    // of an incident that was seen lately
	known []string  // ids of incidents and comments that were made and are there
	tidy  []request // deletions of what else was made, so that the table does not grow
}

// next is a deletion of something that was made, or a new request.
func (d *randomRequest) next() request {
	if len(d.tidy) == 0 {
		return d.request()
	}
	r := d.tidy[0]
	d.tidy = d.tidy[1:]
	return r
}

// learn remembers what an answer tells: a tag to send back, and what was made. Some of
// that stays until a request deletes it, as long as it is not much.
func (d *randomRequest) learn(r request, a reply) {
	if tag := a.Header["Etag"]; tag != "" {
		d.etag = tag
	}
	if r.method == http.MethodDelete && a.Status == http.StatusOK {
		d.known = slices.DeleteFunc(d.known, func(id string) bool { return strings.HasSuffix(r.path, "/"+id) })
	}
	var reported struct{ IncidentNumber int64 }
	if r.path == "/api/incident" && r.method == http.MethodPost && a.Status == http.StatusOK && json.Unmarshal([]byte(a.Body), &reported) == nil {
		one := strconv.FormatInt(reported.IncidentNumber, 10)
		if len(d.known) < 30 {
			d.known = append(d.known, one)
		} else {
			d.tidy = append(d.tidy, request{method: http.MethodDelete, path: "/api/v4/incidents/" + one, header: map[string]string{}})
		}
	}
	if a.Status != http.StatusCreated || strings.HasPrefix(r.path, "/api/v4/keys") || strings.HasPrefix(r.path, "/api/v4/pages") || a.Header["Idempotent-Replayed"] != "" {
		return
	}
	var made map[string]struct {
		ID  int64
		Tag string
	}
	if json.Unmarshal([]byte(a.Body), &made) != nil {
		return
	}
	for _, m := range made {
		one := strconv.FormatInt(m.ID, 10)
		switch {
		case m.Tag != "":
			one = m.Tag
		case len(d.known) < 30:
			d.known = append(d.known, one)
			continue
		}
		d.tidy = append(d.tidy, request{method: http.MethodDelete, path: strings.TrimSuffix(r.path, "/") + "/" + one, header: map[string]string{}})
	}
}

// one in n is odd.
func (d *randomRequest) odd(n int) bool { return d.IntN(n) == 0 }

func pick[T any](d *randomRequest, from ...T) T { return from[d.IntN(len(from))] }

func (d *randomRequest) request() request {
	r := d.plain()
	if d.odd(8) {
		r = d.recorded[d.IntN(len(d.recorded))]
		header := map[string]string{} // the recording's own stays as it is
		for k, v := range r.header {
			header[k] = v
		}
		r.header = header
	}
	if r.body == "" && d.odd(20) {
		r.body = d.oddBody()
	}
	if d.odd(15) {
		r.method = pick(d, "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get", "PROPFIND", "GE T", "\n", "INVALID")
	}
	if d.odd(15) {
		r.path = d.oddPath(r.path)
	}
	if d.odd(10) {
		r.query = strings.TrimPrefix(r.query+"&"+d.query(), "&")
	}
	for d.odd(8) {
		r.header[pick(d, "X-Forwarded-Host", "HOST", "x-a,b", "IF-MATCH", "accept", "CONTENT-TYPE", "content-length", "transfer-encoding", "idempotency-key")] =
			pick(d, "", "a,b, c", "evil.example", "\x00\n", "🔥", "text/html", "chunked", strings.Repeat("x,", 500))
	}
	if d.odd(4) {
		r.header["idempotency-key"] = d.idempotencyKey()
	}
	if d.odd(6) {
		r.header["if-match"] = pick(d, "*", d.etag, d.etag, `"other", `+d.etag, `"x"`, `W/`+d.etag, "", "x", `"`, ",", "*, \"x\"", strings.Repeat(`"x",`, 300))
	}
	switch {
	case d.odd(15):
		r.noKey = true
		r.header["authorization"] = pick(d, "", "Bearer", "Bearer ", "Basic x", "Bearer kener_"+strings.Repeat("0", 64), "Bearer  x", "bearer\tx", "kener_x", "Bearer a b")
	case d.odd(30):
		r.cookies = []string{"a=1", "b=\"x, y\"", ""}
	}
	switch {
	case d.odd(5) && !r.isBase64:
		r.body, r.isBase64 = base64.StdEncoding.EncodeToString([]byte(r.body)), true
	case d.odd(40):
		r.isBase64 = true // it is not
	}
	return r
}

// plain is a request to one of the routes, with a body that is mostly right.
func (d *randomRequest) plain() request {
	method := pick(d, "GET", "GET", "GET", "POST", "POST", "PATCH", "PATCH", "DELETE")
	one := "/api/v4/incidents/" + d.id()
	r := request{method: method, header: map[string]string{}}
	type form struct{ list, one, create, update string }
	f := pick(d,
		form{"/api/v4/incidents", one,
			`"title":S,"start_date_time":T,"end_date_time":E,"monitors":M,"auto_close_after":W`, `"title":S,"start_date_time":T,"end_date_time":E,"monitors":M,"auto_close_after":W`},
		form{one + "/comments", one + "/comments/" + d.id(),
			`"comment":S,"state":C,"timestamp":T`, `"comment":S,"state":C,"timestamp":T`},
		form{"/api/v4/monitors", "/api/v4/monitors/" + d.tag(),
			`"tag":G,"name":S,"description":S,"type_data":O,"monitor_settings_json":O,"confirmation_threshold":N,"status":X,"image":U,"include_degraded_in_downtime":V`,
			`"name":S,"description":S,"type_data":O,"monitor_settings_json":O,"confirmation_threshold":N,"status":X,"is_hidden":V,"external_url":U`},
	)
	switch method {
	case "POST":
		r.path, r.body = f.list, d.object(f.create, false)
	case "PATCH":
		r.path, r.body = f.one, d.object(f.update, true)
	case "DELETE":
		r.path = f.one
	default:
		if r.path = f.one; d.odd(2) {
			r.path, r.query = f.list, d.query()
		}
	}
	switch {
	case d.odd(8):
		r = d.points(method)
	case d.odd(10):
		r = d.alerts(method)
	case d.odd(5):
		r = d.legacy(method)
	case d.odd(20):
		r = d.pages(method)
	case d.odd(40):
		r = request{method: method, path: pick(d, "/healthcheck", "/healthcheck", "/docs", "/openapi.json"), header: r.header}
		r.header["accept-encoding"], r.header["if-none-match"] = pick(d, "", "gzip", "gzip;q=0, *"), pick(d, "", "*", `"another"`)
	case d.odd(100):
		r = request{method: method, path: "/api/v4/keys", query: d.query(), header: r.header}
		if method == "POST" {
			r.body, r.query = d.object(`"name":S,"scopes":K,"expires_at":T`, false), ""
		}
	case d.odd(100):
		r = request{method: pick(d, "POST", "PATCH"), path: one, body: `{"title":"` + strings.Repeat("a", 256*1024), header: r.header}
		if r.method == "POST" {
			r.path = "/api/v4/incidents"
		}
	case d.odd(60):
		r = request{method: "POST", path: "/api/v4/incidents", body: fmt.Sprintf(`{"title":"%d","start_date_time":0}`, d.IntN(10)), header: r.header}
		r.header["idempotency-key"] = "the-same"
	case d.odd(60):
		r = request{method: pick(d, "PATCH", "DELETE"), path: one, header: r.header}
		r.header["if-match"] = `"another"`
		if r.method == "PATCH" {
			r.body = `{"title":"New"}`
		}
	case d.odd(100): // the first key is the test's own
		r = request{method: method, path: "/api/v4/keys/" + pick(d, "2", "3", "07", strconv.Itoa(2+d.IntN(100)), "0", "-1", "x", "", "999999999999999999999"), header: r.header}
	}
	if r.body != "" && d.odd(12) {
		r.body = d.oddBody()
	}
	return r
}

// pages is a request about pages, of which there are few, or settings of the site.
func (d *randomRequest) pages(method string) request {
	const page = `"page_path":J,"page_title":S,"page_header":S,"page_subheader":S,"page_logo":U,"monitors":Q,"page_settings":D`
	r := request{method: method, path: "/api/v4/pages", header: map[string]string{}}
	one := r.path + "/" + pick(d, "team", "team", "team", "team", "~home", "~home", "%7Ehome", "ops", "a-page", "api", "TEAM", "", "%ff", "🔥")
	if d.odd(2) {
		r.path = "/api/v4/site"
		one = r.path + "/" + pick(d, "siteName", "siteName", "nav", "colors", "homeIncidentCount", "customCSS", "announcement", "analytics.umami", "sitename", "%00", "🔥")
	}
	switch method {
	case "POST":
		r.body = d.object(page, false)
	case "PATCH":
		if r.body = d.object(page, true); r.path == "/api/v4/site" {
			r.body = d.object(`"value":Z`, false)
		}
		r.path = one
	case "DELETE":
		r.path = one
	default:
		if d.odd(2) {
			r.path = one
		} else if d.odd(2) {
			r.query = d.query()
		}
	}
	return r
}

// legacy is a request to the legacy API.
func (d *randomRequest) legacy(method string) request {
	r := request{method: method, path: "/api/incident", header: map[string]string{}}
	one := "/api/incident/" + d.id()
	report := `"title":S,"tags":A,"startDatetime":T,"endDatetime":E,"body":S,"impact":I,"isMaintenance":B,"isIdentified":B,"isResolved":B`
	switch kind := d.IntN(4); {
	case method == "GET" && kind == 0:
		r.query = d.legacyQuery()
	case method == "GET" && kind == 1:
		r.path, r.query = "/api/status", "tag="+d.tag()+pick(d, "", "&timestamp=", "&timestamp=1700000000", "&timestamp=0x10", "&timestamp=-5.5", "&timestamp=x", "&timestamp=1e300")
	case method == "GET":
		r.path = one + pick(d, "", "/comment")
	case method == "PATCH":
		r.path, r.body = one, d.object(report, false)
	case kind == 0:
		r.body = d.object(report, false)
	case kind == 1:
		r.path, r.body = one+"/status", d.object(`"isIdentified":B,"isResolved":B,"endDatetime":E`, true)
	case kind == 2:
		r.path, r.body = one+"/comment", d.object(`"body":S`, false)
	default:
		r.path, r.body = "/api/status", d.object(`"status":P,"latency":L,"tag":G`, false)
	}
	if d.odd(10) {
		r.header["authorization"] = pick(d, testKey, "Bearer "+testKey)
	}
	return r
}

func (d *randomRequest) legacyQuery() string {
	var parts []string
	for range d.IntN(5) {
		parts = append(parts, pick(d, "state=open", "state=closed", "state=", "state=x", "tags=earth", "tags=earth,%20mars,pluto", "tags=,", "tags="+strings.Repeat("x,", 500),
			"page=1", "page=2", "page=", "page=0", "page=1001", "page="+strings.Repeat("9", 40), "per_page=1", "per_page=100", "per_page=1000", "per_page=x", "per_page=-1",
			"created_after_utc=1700000000", "created_after_utc=-5.5", "created_after_utc=x", "created_after_utc=1e300", "created_after_utc=%20", "created_after_utc=0x10",
			"created_before_utc=253402300799", "created_before_utc=8640000000000", "created_before_utc=-1", "created_before_utc=Infinity",
			"title_like=text", "title_like=TEXT%20trimmed", "title_like=%ff", "title_like=%00", "title_like="+strings.Repeat("a", 3000)))
	}
	return strings.Join(parts, "&")
}

// points is a request about a monitor's minutes.
func (d *randomRequest) points(method string) request {
	r := request{method: method, path: "/api/v4/monitors/" + d.tag(), header: map[string]string{}}
	at := func() string {
		return pick(d, "0", "59", "600.5", "1700000000", "1700003600", "253402300799", "1700000000x", "-60", "x", "", " 60", "+60", "1e9", strings.Repeat("9", 40))
	}
	one := d.odd(2)
	switch {
	case method == "POST":
		var points []string
		for range 1 + d.IntN(5) {
			points = append(points, d.object(`"monitor_tag":G,"status":P,"latency":L,"timestamp":T`, false))
		}
		r.path, r.body = "/api/v4/status", `{"points":[`+strings.Join(points, ",")+`]}`
		if d.odd(10) {
			r.body = `{"points":` + d.oddValue() + `}`
		}
	case one && method == "PATCH":
		r.path, r.body = r.path+"/data/"+at(), d.object(`"status":P,"latency":L`, true)
	case method == "PATCH":
		r.path, r.body = r.path+"/data", d.object(`"start_ts":R,"end_ts":T,"status":P,"latency":L,"deviation":L`, false)
	case one:
		r.path += pick(d, "/uptime", "/data/"+at(), "/data/1700000000")
		r.query = pick(d, "", "days=", "days=1", "days=366", "days=367", "days=x")
	default:
		r.path, r.query = r.path+"/data", "start_ts="+at()+"&end_ts="+at()+"&limit="+pick(d, "", "1", "0", "1000")
	}
	return r
}

// alerts is a request about alert rules or alerts.
func (d *randomRequest) alerts(method string) request {
	r := request{method: method, path: "/api/v4/alert-rules", header: map[string]string{}}
	one := r.path + "/" + d.id()
	rest := `,"failure_threshold":H,"success_threshold":H,"severity":Y,"create_incident":F,"description":S,"is_active":F`
	value := pick(d, `"alert_for":"STATUS","alert_value":P`, `"alert_for":"LATENCY","alert_value":L`, `"alert_for":"UPTIME","alert_value":99.5`, `"alert_for":"NO_DATA","alert_value":H`)
	switch method {
	case "POST":
		r.body = d.object(value+`,"monitor_tags":Q`+rest, false)
	case "PATCH":
		r.path, r.body = one, d.object(value+`,"monitor_tags":Q`+rest, true)
	case "DELETE":
		r.path = one
	default:
		r.path = pick(d, r.path, one, "/api/v4/alerts", "/api/v4/alerts/"+d.id())
		r.query = pick(d, "", "", "alert_status=TRIGGERED", "alert_status=RESOLVED", "alert_status=x", "monitor_tag="+d.tag(), "alert_rule_id="+d.id(), "monitor_tag=earth&alert_rule_id=1&limit=1", d.query())
	}
	return r
}

func (d *randomRequest) idempotencyKey() string {
	if d.odd(5) {
		return pick(d, "", " ", "a b", "a, b", "a,b", ",", "é", "\x00", strings.Repeat("k", 255), strings.Repeat("k", 256))
	}
	return strconv.Itoa(d.IntN(500))
}

func (d *randomRequest) id() string {
	if d.odd(8) {
		return pick(d, "0", "-1", "007", "+1", "1.0", "1e3", "1abc", "%31", "%", "%%", "1?x=2", "1#x", "1%2Fcomments", " 1", "1\n", "é", "１", "\x00", "a/b", "",
			".", "..", "9007199254740992", "9223372036854775808", strings.Repeat("9", 40), strings.Repeat("9", 400), strings.Repeat("x", 3000))
	}
	if len(d.known) > 0 && !d.odd(4) {
		return pick(d, d.known...)
	}
	return strconv.Itoa(1 + d.IntN(25))
}

func (d *randomRequest) tag() string {
	if d.odd(8) {
		return pick(d, "EARTH", "e%61rth", "earth%20", " earth", "100%", "a?b", "a#b", "é", "\x00", "a/b", "", ".", "..", strings.Repeat("a", 256), strings.Repeat("a", 257))
	}
	return pick(d, "earth", "mars", "venus", "pluto", "a-b_c", "7")
}

func (d *randomRequest) oddPath(path string) string {
	return pick(d, path+"/", path+"//", "/"+path, strings.ReplaceAll(path, "/", "//"), path+"/..", path+"/../incidents", "/healthcheck/.."+path, path+"%2F", path+"?x", path+"#x",
		path+"\x00", strings.ToUpper(path), strings.TrimPrefix(path, "/api"), "/api", "/api/", "/", "", "*", "/api/v4", path+"/nothing", "/\u202e"+path, path+strings.Repeat("/a", 500))
}

func (d *randomRequest) query() string {
	var parts []string
	for range d.IntN(4) {
		name := pick(d, "limit", "cursor", "start_ts", "end_ts", "monitor_tags", "status", "category_name", "monitor_type", "is_hidden", "page", "", "%zz")
		parts = append(parts, name+"="+pick(d, "1", "3", "1000", "", "0", "-1", "600", "1.5", "1e308", strings.Repeat("9", 40), "253402300799", "open", "CLOSED", "ACTIVE", "earth", "earth,mars,,%20",
			strings.Repeat("x,", 60), "aS42MDAuMg", "Yy42MDAuMg", "bS4y", "ci4y", "YS4y", "%", "%00", "%ff", "a b", "#", "🔥", "?", "a;b", "+", "x"))
	}
	return strings.Join(parts, "&")
}

func (d *randomRequest) oddBody() string {
	if d.odd(3) {
		return oddBodies[d.IntN(len(oddBodies))]
	}
	return pick(d, "", "null", "[]", "{", "\"x\"", "5", "\xff\xfe{}", "{}", `{"a":1}`)
}

// object fills the form in: each capital letter stands for a kind of value. Fields
// are left out at times, in an update more often, and values are of another kind.
func (d *randomRequest) object(form string, update bool) string {
	var fields []string
	for field := range strings.SplitSeq(form, ",") {
		if update && d.odd(2) || d.odd(12) {
			continue
		}
		name, kind, _ := strings.Cut(field, ":")
		value := d.value(kind)
		if d.odd(12) {
			value = d.oddValue()
		}
		fields = append(fields, name+":"+value)
		if d.odd(60) { // once more: the last counts
			fields = append(fields, name+":"+d.oddValue())
		}
	}
	if d.odd(10) {
		fields = append(fields, pick(d, `"id":7`, `"state":"RESOLVED"`, `"x":1e308`, `"__proto__":{}`, `"":0`, `"TITLE":"x"`, `"x":`+nested(500)))
	}
	d.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
	return "{" + strings.Join(fields, ",") + "}"
}

func (d *randomRequest) value(kind string) string {
	switch kind {
	case "S":
		return pick(d, `"text"`, `" trimmed "`, `"ACTIVE"`, `"100% <b>&\u2028\u0000"`, `"🔥"`, `"\ud83d\udd25"`, `"YES"`)
	case "T":
		return pick(d, "0", "59.5", "600", "1200", "1700000000", "253402300799")
	case "E":
		return pick(d, "null", "1700000000", "253402300799", "600")
	case "W":
		return pick(d, "null", "3600", "259200.0", "31536000", "3599")
	case "C":
		return pick(d, `"INVESTIGATING"`, `"IDENTIFIED"`, `"MONITORING"`, `"RESOLVED"`)
	case "G":
		return pick(d, `"venus"`, `"pluto"`, `" a-b_c "`, `"7"`, fmt.Sprintf(`"m%d"`, d.IntN(30)))
	case "A":
		return pick(d, `["earth"]`, `["mars","earth"]`, `["earth","earth"]`, `["earth","pluto9"]`, `["venus"]`, `[""]`, `["%00"]`)
	case "I":
		return pick(d, `"DOWN"`, `"DEGRADED"`, "null", `""`)
	case "B":
		return pick(d, "true", "true", "false", "null")
	case "P":
		return pick(d, `"UP"`, `"DOWN"`, `"DEGRADED"`)
	case "L":
		return pick(d, "0", "12.5", "1e9", "1e-9", "null")
	case "R":
		return pick(d, "0", "1", "599", "1699999000", "1700000000")
	case "H":
		return pick(d, "1", "2", "60", "5.0")
	case "Y":
		return pick(d, `"CRITICAL"`, `"WARNING"`)
	case "F":
		return pick(d, "true", "false")
	case "Q":
		return pick(d, `["earth"]`, `["mars","earth"]`, `["mars","mars"]`, `["venus"]`)
	case "J":
		return pick(d, `"team"`, `"ops"`, `" A page "`, `"team"`, `"ops"`, `"~home"`, `"api"`, `"/"`)
	case "D":
		return pick(d, "{}", `{"monitor_layout_style":"compact-grid"}`, `{"incidents":{"resolved":{"max_count":1e3,"x":[]}}}`, `{"monitor_status_history_days":{"desktop":7,"mobile":365.0}}`, `{"meta_page_title":"","a":{"b":1e308}}`, `{"incidents":null}`)
	case "Z":
		return pick(d, `"text"`, `"🔥"`, "5", "null", "[]", `[{"name":"a","url":"/b"}]`, `{"UP":"#1a7f37","DOWN":"#cf222e","DEGRADED":"#9a6700","MAINTENANCE":"#0969DA","x":{}}`, `{"a":1e400}`)
	case "K":
		return pick(d, `["admin"]`, `["incidents:read","incidents:read"]`, `["monitors:write","incidents:write"]`, `[]`, `["all"]`)
	case "X":
		return pick(d, `"ACTIVE"`, `"ACTIVE"`, `"INACTIVE"`, "null", `"PURPLE"`)
	case "V":
		return pick(d, `"YES"`, `"NO"`, "true", "false", "null", `"yes"`)
	case "U":
		return pick(d, `"https://example.org/a b?c"`, `"/logo.png"`, `""`, "null", `"javascript:alert(1)"`, `"//example.org"`)
	case "N":
		return pick(d, "1", "60", `"5"`, "null", "true", "1.0")
	case "O":
		return pick(d, "{}", `{"a":1}`, `{"a":{"b":[1e308,`+strings.Repeat("9", 40)+`]},"ü":null}`, `{"a":1,"\u0061":2}`, "null")
	}
	var links []string // M
	for range d.IntN(4) {
		links = append(links, pick(d, `{"monitor_tag":"earth"}`, `{"monitor_tag":"mars","impact":"DEGRADED"}`, `{"monitor_tag":"earth","impact":"UP","x":1}`, `{"monitor_tag":"earth","impact":"MAINTENANCE"}`, `{"monitor_tag":"mars","impact":null}`))
	}
	return "[" + strings.Join(links, ",") + "]"
}

func (d *randomRequest) oddValue() string {
	if d.odd(10) {
		return pick(d, nested(9000), nested(20000), `"`+strings.Repeat("a", 70_000)+`"`, `"`+strings.Repeat("€", 256)+`"`, `{"a":`+nested(9000)+`}`, strings.Repeat("9", 5000))
	}
	return pick(d, "null", "true", "false", "0", "-0", "-1", "0.1", "1e308", "-1e308", "1e400", strings.Repeat("9", 40), "1700000000000", "253402300799.5", `""`, `" "`, `"\u0000"`, `"\ud800"`,
		`"1700000000"`, `"resolved"`, "[]", "[null]", "[[]]", "[5]", "{}", `{"a":{"a":{}}}`, `[{"monitor_tag":"pluto9"}]`, `[{"monitor_tag":""}]`, `[{"monitor_tag":"%00"}]`, `[{"monitor_tag":"earth","impact":"x"}]`)
}

// The requests that no function answers: what is no event is an error, and nothing
// of it is served.
func TestNoEvents(t *testing.T) {
	l := newLambdas(t, function.Options{})
	for name, h := range l.handlers {
		for _, payload := range []string{"", "null", "{}", `{"requestContext":{"http":{"method":""}}}`, `{"httpMethod":"GET","path":"/healthcheck"}`} {
			if out, err := h.Invoke(t.Context(), []byte(payload)); err == nil {
				t.Errorf("%s answers %q with %s", name, payload, out)
			}
		}
	}
}

// Each spelling of a path that a gateway may deliver, without a key.
func TestNoDataWithoutAKey(t *testing.T) {
	l := newLambdas(t, function.Options{})
	for _, path := range []string{
		"/api/v4/incidents", "/api/v4//incidents", "//api/v4/incidents", "/api/v4/incidents/.", "/api/v4/./incidents", "/api/v4/incidents/4/..", "/healthcheck/../api/v4/incidents", "/healthcheck//api/v4/incidents",
		"/API/V4/INCIDENTS", "/api/v4/Incidents", "/api/v4/%69ncidents", "/api%2Fv4%2Fincidents", "/api/v4/incidents%2F4", "/api/v4/incidents?", "/api/v4/incidents#", "/api/v4/incidents;a=b", "/api/v4/incidents\\4",
		"/api/v4/incidents/4", "/api/v4/incidents/4/comments", "/api/v4/incidents/4/comments/4", "/api/v4/monitors", "/api/v4/monitors/earth", "/api/v4/monitors/e%61rth", "/api/v4/pages", "/api/v4/pages/%7Ehome", "/api/v4/site/siteName", "/healthcheck?/api/v4/incidents",
		"/\u212api/v4/incidents", "/api/v4/incidents\x00", "/..", "/", "",
	} {
		for _, f := range functionNames {
			for _, method := range []string{"GET", "HEAD", "POST", "OPTIONS", "CONNECT"} {
				a, err := l.try(t.Context(), request{function: f, method: method, path: path, noKey: true, header: map[string]string{"x-api-key": l.key}, query: "key=" + l.key, cookies: []string{"key=" + l.key}})
				if err != nil || a.Status != http.StatusUnauthorized {
					t.Errorf("%s: %s %q: %d %s %v", f, method, path, a.Status, a.Body, err)
				}
			}
		}
	}
}
