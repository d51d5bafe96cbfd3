package api_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/apitest"
	"tocsin/internal/dynamotest"
	"tocsin/internal/statuspage"
)

const (
	dataPath   = "/api/v4/monitors/earth/data"
	uptimePath = "/api/v4/monitors/earth/uptime"
)

// pointText is a point of earth; latency is JSON.
func pointText(at int64, status, latency, kind string) string {
	return fmt.Sprintf(`{"monitor_tag":"earth","timestamp":%d,"status":"%s","latency":%s,"type":"%s"}`, at, status, latency, kind)
}

func TestPointRefusals(t *testing.T) {
	s, _ := start(t)
	monitorsNamed(t, s, "earth")
	s.Do("GET", uptimePath+"?days=1", "") // notes the hour
	const (
		both     = "Both start_ts and end_ts query parameters are required"
		integers = "start_ts and end_ts must be valid integers (UTC timestamps in seconds)"
		order    = "start_ts must be less than end_ts"
		numbers  = "start_ts and end_ts must be numbers (UTC timestamps in seconds)"
		status   = "status is required and must be one of: UP, DOWN, DEGRADED"
		latency  = "latency is required and must be a non-negative number"
		deviate  = "deviation must be a non-negative number"
		instant  = "Timestamp must be a valid integer (UTC timestamp in seconds)"
		oneOf    = "status must be one of: UP, DOWN, DEGRADED"
		number   = "latency must be a non-negative number"
		days     = "days must be an integer between 1 and 366"
	)
	var rows []attempt
	add := func(method, path, body, message string) {
		rows = append(rows, attempt{method + " " + path + " " + body[:min(40, len(body))], method, path, body, 400, badRequest(message)})
	}
	for query, message := range map[string]string{
		"": both, "?start_ts=1": both, "?end_ts=1": both, "?start_ts=&end_ts=1": both, "?start_ts=x&end_ts=y": integers, "?start_ts=-60&end_ts=60": integers,
		"?start_ts=1.5e3&end_ts=-1": integers, "?start_ts=0&end_ts=253402300800": integers, "?start_ts=0&end_ts=" + strings.Repeat("9", 40): integers,
		"?start_ts=60&end_ts=60": order, "?start_ts=60&end_ts=119": order, "?start_ts=120&end_ts=60": order,
		"?start_ts=0&end_ts=60&limit=0": "limit must be an integer between 1 and 1000", "?start_ts=0&end_ts=60&limit=1001": "limit must be an integer between 1 and 1000",
		"?start_ts=0&end_ts=60&cursor=x": "Invalid cursor", "?start_ts=60&end_ts=120&cursor=ZC4w": "Invalid cursor", "?start_ts=0&end_ts=60&cursor=ZC42MA": "Invalid cursor", "?start_ts=0&end_ts=60&cursor=ZC41": "Invalid cursor",
	} {
		add("GET", dataPath+query, "", message)
	}
	for body, message := range map[string]string{
		`{bad`: "Invalid JSON body", `[]`: "Invalid JSON body",
		`{}`: "start_ts and end_ts are required", `{"start_ts":1}`: "start_ts and end_ts are required",
		`{"start_ts":null,"end_ts":2}`: numbers, `{"start_ts":1,"end_ts":"2"}`: numbers,
		`{"start_ts":-1,"end_ts":2}`: "start_ts must be a valid timestamp (UTC seconds)", `{"start_ts":1,"end_ts":1700000000000}`: "end_ts must be a valid timestamp (UTC seconds)",
		`{"start_ts":60,"end_ts":60}`: order, `{"start_ts":61,"end_ts":60}`: order,
		`{"start_ts":0,"end_ts":31622460}`: "The range must be at most 366 days",
		`{"start_ts":0,"end_ts":60}`:       status, `{"start_ts":0,"end_ts":60,"status":null}`: status, `{"start_ts":0,"end_ts":60,"status":"up"}`: status,
		`{"start_ts":0,"end_ts":60,"status":"UP"}`: latency, `{"start_ts":0,"end_ts":60,"status":"UP","latency":null}`: latency, `{"start_ts":0,"end_ts":60,"status":"UP","latency":-1}`: latency,
		`{"start_ts":0,"end_ts":60,"status":"UP","latency":"5"}`: latency, `{"start_ts":0,"end_ts":60,"status":"UP","latency":1e9,"deviation":-1}`: deviate, `{"start_ts":0,"end_ts":60,"status":"UP","latency":1,"deviation":"x"}`: deviate,
		`{"start_ts":0,"end_ts":60,"status":"UP","latency":1e308}`: latency,
	} {
		add("PATCH", dataPath, body, message)
	}
	for _, id := range []string{"abc", "-60", "253402300800", "%20", "1700000000000"} {
		add("GET", dataPath+"/"+id, "", instant)
		add("PATCH", dataPath+"/"+id, `{}`, instant)
	}
	for body, message := range map[string]string{
		`{`: "Invalid JSON body", `{"status":null}`: oneOf, `{"status":"x","latency":-1}`: oneOf, `{"latency":-1}`: number, `{"latency":null}`: number, `{"latency":"1"}`: number, `{"latency":1000000001}`: number,
	} {
		add("PATCH", dataPath+"/600", body, message)
	}
	for _, query := range []string{"0", "367", "x", "1.5", "+5", "-1", strings.Repeat("9", 40)} {
		add("GET", uptimePath+"?days="+query, "", days)
	}
	for body, message := range map[string]string{
		``: "Invalid JSON body", `[]`: "Invalid JSON body", `{}`: "points must be a non-empty array", `{"points":[]}`: "points must be a non-empty array", `{"points":{}}`: "points must be a non-empty array",
		`{"points":[` + strings.Repeat("5,", 100) + `5]}`: "At most 100 points",
	} {
		add("POST", "/api/v4/status", body, message)
	}
	for _, r := range [][3]string{
		{"GET", "/data?start_ts=0&end_ts=60", ""}, {"GET", "/data/0", ""}, {"GET", "/uptime", ""},
		{"PATCH", "/data", `{"start_ts":0,"end_ts":60,"status":"UP","latency":1}`}, {"PATCH", "/data/0", `{}`},
	} {
		rows = append(rows, attempt{r[0] + r[1] + " of no monitor", r[0], "/api/v4/monitors/pluto" + r[1], r[2], 404, notFound("Monitor with tag 'pluto' not found")})
	}
	rows = append(rows,
		attempt{"no point", "GET", dataPath + "/659", "", 404, notFound("No monitoring data found for monitor 'earth' at timestamp 600")},
		attempt{"PUT range", "PUT", dataPath, "", 405, fail("METHOD_NOT_ALLOWED", "PUT method not allowed")},
		attempt{"DELETE one", "DELETE", dataPath + "/600", "", 405, fail("METHOD_NOT_ALLOWED", "DELETE method not allowed")},
		attempt{"GET batch", "GET", "/api/v4/status", "", 405, fail("METHOD_NOT_ALLOWED", "GET method not allowed")},
		attempt{"PATCH uptime", "PATCH", uptimePath, "{}", 405, fail("METHOD_NOT_ALLOWED", "PATCH method not allowed")},
	)
	refusals(t, s, 0, rows)
	reader := s.NewKey(statuspage.NewAPIKey{Name: "reader", Scopes: []statuspage.Scope{statuspage.ScopeMonitorsRead}})
	for _, r := range [][3]string{{"PATCH", dataPath, "monitors:write"}, {"PATCH", dataPath + "/0", "monitors:write"}, {"POST", "/api/v4/status", "status:write"}} {
		got := s.DoWith(r[0], r[1], "{", http.Header{"Authorization": {"Bearer " + reader}})
		if got.Status != 403 || got.Body != fail("FORBIDDEN", "API key lacks the scope '"+r[2]+"'") {
			t.Errorf("%s %s with a key that may only read: %d %s", r[0], r[1], got.Status, got.Body)
		}
	}
}

func TestPointsOverHTTP(t *testing.T) {
	s, _ := start(t)
	made(t, s, "/api/v4/monitors", `{"tag":"earth","name":"E","default_status":"DEGRADED"}`)
	const t0 = testMinute - 600
	attempts(t, s, 0, []attempt{
		{"nothing yet", "GET", dataPath + "?start_ts=0&end_ts=253402300799", "", 200, `{"data":[]}`},
		{"range, the last minute too, not counted", "PATCH", dataPath, fmt.Sprintf(`{"start_ts":%d,"end_ts":%d.9,"status":"DOWN","latency":1.25,"deviation":null}`, t0+1, t0+119), 200, `{"message":"Monitoring data updated successfully","updated_count":1}`},
		{"range within a minute", "PATCH", dataPath, fmt.Sprintf(`{"start_ts":%d,"end_ts":%d,"status":"UP","latency":0}`, t0+180, t0+181), 200, `{"message":"Monitoring data updated successfully","updated_count":0}`},
		{"list, the end is not in it", "GET", fmt.Sprintf("%s?start_ts=%dx&end_ts=%d.5", dataPath, t0+59, t0+180), "", 200, `{"data":[` + pointText(t0, "DOWN", "1.25", "MANUAL") + "," + pointText(t0+60, "DOWN", "1.25", "MANUAL") + `]}`},
		{"one", "GET", fmt.Sprint(dataPath, "/", t0+239), "", 200, `{"data":` + pointText(t0+180, "UP", "0", "MANUAL") + `}`},
		{"one, by its leading digits", "GET", fmt.Sprint(dataPath, "/", t0, "abc"), "", 200, `{"data":` + pointText(t0, "DOWN", "1.25", "MANUAL") + `}`},
		{"change the latency", "PATCH", fmt.Sprint(dataPath, "/", t0+59), `{"latency":7.5}`, 200, `{"data":` + pointText(t0, "DOWN", "7.5", "MANUAL") + `}`},
		{"change the status", "PATCH", fmt.Sprint(dataPath, "/", t0), `{"status":"UP","x":1}`, 200, `{"data":` + pointText(t0, "UP", "7.5", "MANUAL") + `}`},
		{"change nothing", "PATCH", fmt.Sprint(dataPath, "/", t0), `{}`, 200, `{"data":` + pointText(t0, "UP", "7.5", "MANUAL") + `}`},
		{"a new one has the defaults", "PATCH", fmt.Sprint(dataPath, "/", t0+240), `{}`, 200, `{"data":` + pointText(t0+240, "DEGRADED", "0", "MANUAL") + `}`},
		{"batch", "POST", "/api/v4/status", fmt.Sprintf(`{"points":[{"monitor_tag":"earth","status":"UP","latency":3},{"monitor_tag":"earth","status":"DOWN","timestamp":%d.5},`+
			`5,{"status":"UP"},{"monitor_tag":"pluto","status":"UP"},{"monitor_tag":"earth","status":"up"},{"monitor_tag":"earth","status":"UP","latency":"3"},{"monitor_tag":"earth","status":"UP","timestamp":"0"},`+
			`{"monitor_tag":"earth","status":"UP","timestamp":%d},{"monitor_tag":"earth","status":"UP","timestamp":%d},{"monitor_tag":"earth","status":"UP","latency":null,"timestamp":%d}]}`,
			t0+300, testMinute+60, testMinute-90*86400-1, testMinute-90*86400), 200,
			fmt.Sprintf(`{"results":[{"monitor_tag":"earth","timestamp":%d},{"monitor_tag":"earth","timestamp":%d},`, testMinute, t0+300) +
				`{"monitor_tag":null,"timestamp":null,"error":{"code":"BAD_REQUEST","message":"Each point must be an object"}},` +
				`{"monitor_tag":null,"timestamp":null,"error":{"code":"BAD_REQUEST","message":"monitor_tag must be a non-empty string"}},` +
				`{"monitor_tag":"pluto","timestamp":null,"error":{"code":"NOT_FOUND","message":"Monitor with tag 'pluto' not found"}},` +
				`{"monitor_tag":"earth","timestamp":null,"error":{"code":"BAD_REQUEST","message":"status must be one of: UP, DOWN, DEGRADED"}},` +
				`{"monitor_tag":"earth","timestamp":null,"error":{"code":"BAD_REQUEST","message":"latency must be a non-negative number"}},` +
				`{"monitor_tag":"earth","timestamp":null,"error":{"code":"BAD_REQUEST","message":"timestamp must be a valid timestamp (UTC seconds)"}},` +
				`{"monitor_tag":"earth","timestamp":null,"error":{"code":"BAD_REQUEST","message":"timestamp must not be in the future"}},` +
				`{"monitor_tag":"earth","timestamp":null,"error":{"code":"BAD_REQUEST","message":"timestamp must not be older than 90 days"}},` +
				fmt.Sprintf(`{"monitor_tag":"earth","timestamp":%d}]}`, testMinute-90*86400)},
		{"what it left", "GET", fmt.Sprintf("%s?start_ts=%d&end_ts=%d", dataPath, t0+300, testMinute+60), "", 200, `{"data":[` + pointText(t0+300, "DOWN", "null", "API") + "," + pointText(testMinute, "UP", "3", "API") + `]}`},
		{"page", "GET", fmt.Sprintf("%s?start_ts=0&end_ts=%d&limit=1", dataPath, testMinute+60), "", 200,
			`{"data":[` + pointText(testMinute-90*86400, "UP", "null", "API") + `],"next_cursor":"` + pointCursor(t0) + `"}`},
		{"next page", "GET", fmt.Sprintf("%s?start_ts=0&end_ts=%d&limit=2&cursor=%s", dataPath, testMinute+60, pointCursor(t0)), "", 200,
			`{"data":[` + pointText(t0, "UP", "7.5", "MANUAL") + "," + pointText(t0+60, "DOWN", "1.25", "MANUAL") + `],"next_cursor":"` + pointCursor(t0+180) + `"}`},
		{"HEAD", "HEAD", dataPath + "?start_ts=0&end_ts=60", "", 200, ""},
	})
	// A deviation moves latencies by at most so much, and the same way each time.
	deviated := fmt.Sprintf(`{"start_ts":%d,"end_ts":%d,"status":"UP","latency":100,"deviation":5}`, t0-3600, t0-60)
	var seen []string
	for range 2 {
		s.Do("PATCH", dataPath, deviated)
		seen = append(seen, s.Do("GET", fmt.Sprintf("%s?start_ts=%d&end_ts=%d", dataPath, t0-3600, t0), "").Body)
	}
	var list struct{ Data []struct{ Latency float64 } }
	if err := json.Unmarshal([]byte(seen[0]), &list); err != nil || seen[0] != seen[1] || len(list.Data) != 60 {
		t.Fatalf("%v, %d minutes, twice the same: %t", err, len(list.Data), seen[0] == seen[1])
	}
	different := map[float64]bool{}
	for _, p := range list.Data {
		different[p.Latency] = true
		if p.Latency < 95 || p.Latency > 105 {
			t.Errorf("latency %v", p.Latency)
		}
	}
	if len(different) < 10 {
		t.Errorf("only %d different latencies", len(different))
	}
}

func pointCursor(minute int64) string { return cursorOf(fmt.Sprintf("d.%d", minute)) }

// A long range is written whole, and read in pages below the limit of a function's
// answer.
func TestLongRanges(t *testing.T) {
	s, clock := start(t)
	monitorsNamed(t, s, "earth")
	end := statuspage.FloorDay(clock.now().Unix())
	body := fmt.Sprintf(`{"start_ts":%d,"end_ts":%d,"status":"DEGRADED","latency":1}`, end-366*86400, end)
	if got := s.Do("PATCH", dataPath, body); got.Status != 200 || got.Body != `{"message":"Monitoring data updated successfully","updated_count":527040}` {
		t.Fatalf("366 days: %d %s", got.Status, got.Body)
	}
	total, pages := 0, 0
	for cursor := ""; ; pages++ {
		got := s.Do("GET", fmt.Sprintf("%s?start_ts=%d&end_ts=%d&cursor=%s", dataPath, end-50*86400, end+60, cursor), "")
		if got.Status != 200 || len(got.Body) > 5_500_000 {
			t.Fatalf("a page: %d, %d bytes", got.Status, len(got.Body))
		}
		total += strings.Count(got.Body, `"monitor_tag"`)
		_, next, more := strings.Cut(got.Body, `"next_cursor":"`)
		if !more {
			break
		}
		cursor = strings.TrimSuffix(next, `"}`)
	}
	if total != 50*1440+1 || pages == 0 {
		t.Errorf("%d minutes in %d pages, want %d", total, pages+1, 50*1440+1)
	}
	var uptime struct {
		Uptime struct {
			Total struct {
				Degraded int64 `json:"minutes_degraded"`
			}
		}
	}
	got := s.Do("GET", uptimePath+"?days=366", "")
	if err := json.Unmarshal([]byte(got.Body), &uptime); err != nil || uptime.Uptime.Total.Degraded != 365*1440+1 {
		t.Errorf("%v, %+v", err, uptime)
	}
}

// Uptime counts each minute once, whatever the order and number of its posts.
func TestUptimeOverHTTP(t *testing.T) {
	for _, tt := range []struct{ include, percent string }{{"NO", "75"}, {"YES", "50"}} {
		s, _ := start(t)
		made(t, s, "/api/v4/monitors", `{"tag":"earth","name":"E","include_degraded_in_downtime":"`+tt.include+`"}`)
		points := []string{
			fmt.Sprintf(`{"monitor_tag":"earth","status":"UP","latency":10,"timestamp":%d}`, testMinute), fmt.Sprintf(`{"monitor_tag":"earth","status":"DEGRADED","latency":20,"timestamp":%d}`, testMinute-60),
			fmt.Sprintf(`{"monitor_tag":"earth","status":"DOWN","timestamp":%d}`, testMinute-120), fmt.Sprintf(`{"monitor_tag":"earth","status":"UP","latency":30,"timestamp":%d}`, testMinute-180),
			fmt.Sprintf(`{"monitor_tag":"earth","status":"DOWN","latency":1,"timestamp":%d}`, testMinute-86400),
		}
		count := func(up, degraded, down int, uptime, latency string) string {
			return fmt.Sprintf(`"minutes_up":%d,"minutes_degraded":%d,"minutes_down":%d,"uptime":%s,"average_latency":%s}`, up, degraded, down, uptime, latency)
		}
		total := map[string]string{"NO": "60", "YES": "40"}[tt.include]
		want := `{"uptime":{"monitor_tag":"earth","days":[{"date":"2026-01-13",` + count(0, 0, 0, "null", "null") + `,{"date":"2026-01-14",` + count(0, 0, 1, "0", "1") + `,{"date":"2026-01-15",` + count(2, 1, 1, tt.percent, "20") +
			`],"total":{` + count(2, 1, 2, total, "15.25") + `}}`
		for round := range 3 {
			for _, n := range rand.New(rand.NewPCG(uint64(round), 0)).Perm(len(points)) {
				if got := s.Do("POST", "/api/v4/status", `{"points":[`+points[n]+`]}`); got.Status != 200 || strings.Contains(got.Body, "error") {
					t.Fatalf("%d %s", got.Status, got.Body)
				}
			}
			if diff := cmp.Diff(want, s.Do("GET", uptimePath+"?days=3", "").Body); diff != "" {
				t.Errorf("include %s, round %d (-want +got):\n%s", tt.include, round, diff)
			}
		}
	}
}

// The calls that points take, whatever the history.
func TestPointCosts(t *testing.T) {
	client := &dynamotest.Client{Delay: 15 * time.Millisecond}
	clock := &clock{}
	clock.seconds.Store(testStart)
	s := apitest.New(t, apitest.Options{HTTPClient: client, Now: clock.now})
	var tags []string
	for n := range 20 {
		tags = append(tags, fmt.Sprintf("m%d", n))
	}
	monitorsNamed(t, s, append(tags, "earth")...)
	var points []string
	for n := range 100 {
		points = append(points, fmt.Sprintf(`{"monitor_tag":"m%d","status":"UP","latency":1,"timestamp":%d}`, n%20, testMinute-int64(n/20)*60))
	}
	batch := `{"points":[` + strings.Join(points, ",") + `]}`
	for history := range 2 {
		for _, r := range []struct {
			method, path, body string
			calls              int
		}{
			{"POST", "/api/v4/status", `{"points":[{"monitor_tag":"earth","status":"UP"}]}`, 2}, {"POST", "/api/v4/status", batch, 2},
			{"GET", fmt.Sprintf("%s?start_ts=%d&end_ts=%d", dataPath, testMinute-3600, testMinute+60), "", 2}, {"GET", fmt.Sprint(dataPath, "/", testMinute), "", 2},
			{"PATCH", fmt.Sprint(dataPath, "/", testMinute), `{"status":"UP","latency":1}`, 3}, {"PATCH", fmt.Sprint(dataPath, "/", testMinute), `{"status":"DOWN"}`, 3},
			{"GET", uptimePath, "", 2},
		} {
			s.Do("GET", uptimePath, "") // stores the totals of the days
			got := 0
			for range 3 { // a pause of the machine pulls calls apart, never together
				client.Reset()
				if a := s.Do(r.method, r.path, r.body); a.Status != 200 {
					t.Fatalf("%s %s: %d %s", r.method, r.path, a.Status, a.Body)
				}
				if got = client.Sequential(); got == r.calls {
					break
				}
			}
			if got != r.calls {
				t.Errorf("history %d: %s %s: %d calls after one another, want %d", history, r.method, r.path, got, r.calls)
			}
		}
		s.Do("PATCH", dataPath, fmt.Sprintf(`{"start_ts":%d,"end_ts":%d,"status":"UP","latency":1}`, testMinute-60*86400, testMinute))
		clock.seconds.Add(15 * 60) // then the totals of its days can be stored
	}
}

// cursorOf spells a cursor.
func cursorOf(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
