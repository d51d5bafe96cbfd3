package api_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/apitest"
	"tocsin/internal/statuspage"
)

const (
	dataPath   = "/api/v4/monitors/earth/data"
	uptimePath = "/api/v4/monitors/earth/uptime"

	midnight = testMinute - testMinute%86400
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
	for query, point := range map[string][2]string{
		`5`:                                     {`null`, `"BAD_REQUEST","message":"Each point must be an object"`},
		`{"monitor_tag":"pluto","status":"UP"}`: {`"pluto"`, `"NOT_FOUND","message":"Monitor with tag 'pluto' not found"`},
		fmt.Sprintf(`{"monitor_tag":"earth","status":"UP","timestamp":%d}`, testStart+61):          {`"earth"`, `"BAD_REQUEST","message":"timestamp must be at most 60 seconds in the future"`},
		fmt.Sprintf(`{"monitor_tag":"earth","status":"UP","timestamp":%d}`, testMinute-90*86400-1): {`"earth"`, `"BAD_REQUEST","message":"timestamp must not be older than 90 days"`},
	} {
		result := fmt.Sprintf(`{"monitor_tag":%s,"timestamp":null,"error":{"code":%s}}`, point[0], point[1])
		rows = append(rows, attempt{"POST only " + query, "POST", "/api/v4/status", `{"points":[` + query + `,` + query + `]}`, 400,
			`{"results":[` + result + `,` + result + `],"error":{"code":"BAD_REQUEST","message":"No point was accepted"}}`})
	}
	add := func(method, path, body, message string) {
		rows = append(rows, attempt{method + " " + path + " " + body[:min(40, len(body))], method, path, body, 400, badRequest(message)})
	}
	for query, message := range map[string]string{
		"": both, "?start_ts=1": both, "?end_ts=1": both, "?start_ts=&end_ts=1": both, "?start_ts=x&end_ts=y": integers, "?start_ts=-60&end_ts=60": integers,
		"?start_ts=1.5e3&end_ts=-1": integers, "?start_ts=0&end_ts=253402300800": integers, "?start_ts=0&end_ts=" + strings.Repeat("9", 40): integers,
		"?start_ts=60&end_ts=60": order, "?start_ts=60&end_ts=119": order, "?start_ts=120&end_ts=60": order,
		"?start_ts=0&end_ts=60&limit=0": "limit must be an integer between 1 and 1000", "?start_ts=0&end_ts=60&limit=1001": "limit must be an integer between 1 and 1000",
		"?start_ts=0&end_ts=60&cursor=x": "Invalid cursor", "?start_ts=60&end_ts=120&cursor=ZC4w": "Invalid cursor", "?start_ts=0&end_ts=60&cursor=ZC42MA": "Invalid cursor", "?start_ts=0&end_ts=60&cursor=ZC41": "Invalid cursor",
		"?start_ts=0&end_ts=60&order=ASC": "order must be asc or desc", "?start_ts=0&end_ts=60&order=x&cursor=x": "order must be asc or desc", "?start_ts=0&end_ts=60&order=x&limit=0": "limit must be an integer between 1 and 1000",
		"?start_ts=0&end_ts=60&order=desc&cursor=" + cursorOf("d.0"): "Invalid cursor", "?start_ts=0&end_ts=60&order=asc&cursor=" + cursorOf("dn.0"): "Invalid cursor",
		"?start_ts=0&end_ts=60&cursor=" + cursorOf("dn.0"): "Invalid cursor", "?start_ts=0&end_ts=60&order=desc&cursor=" + cursorOf("dn.60"): "Invalid cursor",
	} {
		add("GET", dataPath+query, "", message)
	}
	for body, message := range map[string]string{
		`{bad`: "Invalid JSON body", `[]`: "Invalid JSON body",
		`{}`: "start_ts and end_ts are required", `{"start_ts":1}`: "start_ts and end_ts are required",
		`{"start_ts":null,"end_ts":2}`: numbers, `{"start_ts":1,"end_ts":"2"}`: numbers,
		`{"start_ts":-1,"end_ts":2}`: "start_ts must be a valid timestamp (UTC seconds)", `{"start_ts":1,"end_ts":1700000000000}`: "end_ts must be a valid timestamp (UTC seconds)",
		`{"start_ts":60,"end_ts":60}`: order, `{"start_ts":61,"end_ts":60}`: order,
		`{"start_ts":0,"end_ts":31622460}`:                                      "The range must be at most 366 days",
		fmt.Sprintf(`{"start_ts":%d,"end_ts":%d}`, testMinute, testStart+86460): "end_ts must be at most one day from now", `{"start_ts":253402300000,"end_ts":253402300799}`: "end_ts must be at most one day from now",
		`{"start_ts":0,"end_ts":60}`: status, `{"start_ts":0,"end_ts":60,"status":null}`: status, `{"start_ts":0,"end_ts":60,"status":"up"}`: status,
		`{"start_ts":0,"end_ts":60,"status":"UP"}`: latency, `{"start_ts":0,"end_ts":60,"status":"UP","latency":null}`: latency, `{"start_ts":0,"end_ts":60,"status":"UP","latency":-1}`: latency,
		`{"start_ts":0,"end_ts":60,"status":"UP","latency":"5"}`: latency, `{"start_ts":0,"end_ts":60,"status":"UP","latency":1e9,"deviation":-1}`: deviate, `{"start_ts":0,"end_ts":60,"status":"UP","latency":1,"deviation":"x"}`: deviate,
		`{"start_ts":0,"end_ts":60,"status":"UP","latency":1e308}`: latency,
	} {
		add("PATCH", dataPath, body, message)
	}
	for query, message := range map[string]string{
		"": both, "?start_ts=1": both, "?end_ts=1": both, "?start_ts=&end_ts=1": both,
		"?start_ts=x&end_ts=y": "start_ts must be a valid timestamp (UTC seconds)", "?start_ts=60x&end_ts=120": "start_ts must be a valid timestamp (UTC seconds)", "?start_ts=-60&end_ts=60": "start_ts must be a valid timestamp (UTC seconds)",
		"?start_ts=60&end_ts=120abc": "end_ts must be a valid timestamp (UTC seconds)", "?start_ts=0&end_ts=253402300800": "end_ts must be a valid timestamp (UTC seconds)",
		"?start_ts=60&end_ts=60": order, "?start_ts=120&end_ts=60": order, "?start_ts=60.5&end_ts=60.5": order, "?start_ts=0&end_ts=31622460": "The range must be at most 366 days",
	} {
		add("DELETE", dataPath+query, "", message)
	}
	for _, id := range []int64{testStart + 86460, statuspage.MaxTimestamp} {
		add("PATCH", fmt.Sprint(dataPath, "/", id), `{`, "Timestamp must be at most one day from now")
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
	for query, message := range map[string]string{
		"?days=1&from=2026-01-01&to=2026-01-02": "days can't be combined with from and to", "?days=x&to=2026-01-02": "days can't be combined with from and to",
		"?from=2026-01-01": "from and to must be given together", "?from=&to=2026-01-01": "from and to must be given together",
		"?from=2026-01-01&to=x": "from and to must be UTC days (YYYY-MM-DD)", "?from=2026-1-1&to=2026-01-02": "from and to must be UTC days (YYYY-MM-DD)", "?from=2026-01-32&to=2026-02-01": "from and to must be UTC days (YYYY-MM-DD)",
		"?from=1969-12-31&to=1970-01-01": "from and to must be UTC days (YYYY-MM-DD)", "?from=1768435200&to=1768435200": "from and to must be UTC days (YYYY-MM-DD)", "?from=2026-01-01T00:00:00Z&to=2026-01-02": "from and to must be UTC days (YYYY-MM-DD)",
		"?from=2026-01-02&to=2026-01-01": "from must not be after to", "?from=2026-01-02&to=2026-01-16": "to must not be after today", "?from=2026-01-16&to=2026-01-16": "to must not be after today",
		"?from=2025-01-14&to=2026-01-15": "The range must be at most 366 days",
	} {
		add("GET", uptimePath+query, "", message)
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
		{"PATCH", "/data", `{"start_ts":0,"end_ts":60,"status":"UP","latency":1}`}, {"PATCH", "/data/0", `{}`}, {"DELETE", "/data?start_ts=0&end_ts=60", ""},
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
	for _, r := range [][3]string{
		{"PATCH", dataPath, "monitors:write"}, {"DELETE", dataPath + "?start_ts=0&end_ts=60", "monitors:write"}, {"PATCH", dataPath + "/0", "monitors:write"},
		{"POST", "/api/v4/status", "status:write"},
	} {
		body := "{"
		if r[0] == "DELETE" {
			body = ""
		}
		got := s.DoWith(r[0], r[1], body, http.Header{"Authorization": {"Bearer " + reader}})
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
			t0+300, testStart+61, testMinute-90*86400-1, testMinute-90*86400), 200,
			fmt.Sprintf(`{"results":[{"monitor_tag":"earth","timestamp":%d},{"monitor_tag":"earth","timestamp":%d},`, testMinute, t0+300) +
				`{"monitor_tag":null,"timestamp":null,"error":{"code":"BAD_REQUEST","message":"Each point must be an object"}},` +
				`{"monitor_tag":null,"timestamp":null,"error":{"code":"BAD_REQUEST","message":"monitor_tag must be a non-empty string"}},` +
				`{"monitor_tag":"pluto","timestamp":null,"error":{"code":"NOT_FOUND","message":"Monitor with tag 'pluto' not found"}},` +
				`{"monitor_tag":"earth","timestamp":null,"error":{"code":"BAD_REQUEST","message":"status must be one of: UP, DOWN, DEGRADED"}},` +
				`{"monitor_tag":"earth","timestamp":null,"error":{"code":"BAD_REQUEST","message":"latency must be a non-negative number"}},` +
				`{"monitor_tag":"earth","timestamp":null,"error":{"code":"BAD_REQUEST","message":"timestamp must be a valid timestamp (UTC seconds)"}},` +
				`{"monitor_tag":"earth","timestamp":null,"error":{"code":"BAD_REQUEST","message":"timestamp must be at most 60 seconds in the future"}},` +
				`{"monitor_tag":"earth","timestamp":null,"error":{"code":"BAD_REQUEST","message":"timestamp must not be older than 90 days"}},` +
				fmt.Sprintf(`{"monitor_tag":"earth","timestamp":%d}]}`, testMinute-90*86400)},
		{"what it left", "GET", fmt.Sprintf("%s?start_ts=%d&end_ts=%d", dataPath, t0+300, testMinute+60), "", 200, `{"data":[` + pointText(t0+300, "DOWN", "null", "API") + "," + pointText(testMinute, "UP", "3", "API") + `]}`},
		{"page", "GET", fmt.Sprintf("%s?start_ts=0&end_ts=%d&limit=1", dataPath, testMinute+60), "", 200,
			`{"data":[` + pointText(testMinute-90*86400, "UP", "null", "API") + `],"next_cursor":"` + pointCursor(t0) + `"}`},
		{"next page", "GET", fmt.Sprintf("%s?start_ts=0&end_ts=%d&limit=2&cursor=%s", dataPath, testMinute+60, pointCursor(t0)), "", 200,
			`{"data":[` + pointText(t0, "UP", "7.5", "MANUAL") + "," + pointText(t0+60, "DOWN", "1.25", "MANUAL") + `],"next_cursor":"` + pointCursor(t0+180) + `"}`},
		{"the newest page", "GET", fmt.Sprintf("%s?start_ts=0&end_ts=%d&limit=2&order=desc", dataPath, testMinute+60), "", 200,
			`{"data":[` + pointText(testMinute, "UP", "3", "API") + "," + pointText(t0+300, "DOWN", "null", "API") + `],"next_cursor":"` + cursorOf(fmt.Sprintf("dn.%d", t0+240)) + `"}`},
		{"the page before it", "GET", fmt.Sprintf("%s?start_ts=0&end_ts=%d&limit=2&order=desc&cursor=%s", dataPath, testMinute+60, cursorOf(fmt.Sprintf("dn.%d", t0+240))), "", 200,
			`{"data":[` + pointText(t0+240, "DEGRADED", "0", "MANUAL") + "," + pointText(t0+180, "UP", "0", "MANUAL") + `],"next_cursor":"` + cursorOf(fmt.Sprintf("dn.%d", t0+60)) + `"}`},
		{"all of it, the newest first", "GET", fmt.Sprintf("%s?start_ts=%d&end_ts=%d&order=desc", dataPath, t0, t0+120), "", 200,
			`{"data":[` + pointText(t0+60, "DOWN", "1.25", "MANUAL") + "," + pointText(t0, "UP", "7.5", "MANUAL") + `]}`},
		{"empty parameters are none", "GET", fmt.Sprintf("%s?start_ts=%d&end_ts=%d&order=&limit=&cursor=", dataPath, t0, t0+120), "", 200,
			`{"data":[` + pointText(t0, "UP", "7.5", "MANUAL") + "," + pointText(t0+60, "DOWN", "1.25", "MANUAL") + `]}`},
		{"a clock that is ahead", "POST", "/api/v4/status", fmt.Sprintf(`{"points":[{"monitor_tag":"earth","status":"DOWN","latency":4,"timestamp":%d}]}`, testStart+60), 200,
			fmt.Sprintf(`{"results":[{"monitor_tag":"earth","timestamp":%d}]}`, testMinute)},
		{"its point is of now", "GET", fmt.Sprintf("%s?start_ts=%d&end_ts=%d", dataPath, t0+301, testMinute+600), "", 200, `{"data":[` + pointText(t0+300, "DOWN", "null", "API") + "," + pointText(testMinute, "DOWN", "4", "API") + `]}`},
		{"a day ahead by hand", "PATCH", fmt.Sprint(dataPath, "/", testStart+86400), `{"status":"UP"}`, 200, `{"data":` + pointText(testMinute+86400, "UP", "0", "MANUAL") + `}`},
		{"up to a day ahead by hand", "PATCH", dataPath, fmt.Sprintf(`{"start_ts":%d,"end_ts":%d,"status":"UP","latency":0}`, testMinute+86340, testStart+86400), 200, `{"message":"Monitoring data updated successfully","updated_count":1}`},
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
	long := fmt.Sprintf("%s?start_ts=%d&end_ts=%d", dataPath, end-50*86400, end+60)
	whole := badRequest("The range has more minutes than one answer can hold: use limit and cursor, or a shorter range")
	if got := s.Do("GET", long, ""); got.Status != 400 || got.Body != whole {
		t.Errorf("as one answer: %d %.200s", got.Status, got.Body)
	}
	var orders [2][]string
	for n, order := range []string{"asc", "desc"} {
		pages := 0
		for cursor := ""; ; pages++ {
			got := s.Do("GET", long+"&order="+order+"&cursor="+cursor, "")
			if got.Status != 200 || len(got.Body) > 5_500_000 {
				t.Fatalf("a page: %d, %d bytes", got.Status, len(got.Body))
			}
			for _, point := range strings.Split(got.Body, `"timestamp":`)[1:] {
				orders[n] = append(orders[n], point[:10])
			}
			_, next, more := strings.Cut(got.Body, `"next_cursor":"`)
			if !more {
				break
			}
			cursor = strings.TrimSuffix(next, `"}`)
		}
		if len(orders[n]) != 50*1440+1 || pages == 0 {
			t.Errorf("%s: %d minutes in %d pages, want %d", order, len(orders[n]), pages+1, 50*1440+1)
		}
	}
	slices.Reverse(orders[1])
	if !slices.IsSorted(orders[0]) || !slices.Equal(orders[0], orders[1]) {
		t.Error("the two orders have not the same minutes, or not by time")
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
			return fmt.Sprintf(`"minutes_up":%d,"minutes_degraded":%d,"minutes_down":%d,"minutes_maintenance":0,"uptime":%s,"average_latency":%s}`, up, degraded, down, uptime, latency)
		}
		total := map[string]string{"NO": "60", "YES": "40"}[tt.include]
		want := `{"uptime":{"monitor_tag":"earth","days":[{"date":"2026-01-13",` + count(0, 0, 0, "null", "null") + `,{"date":"2026-01-14",` + count(0, 0, 1, "0", "null") + `,{"date":"2026-01-15",` + count(2, 1, 1, tt.percent, "20") +
			`],"total":{` + count(2, 1, 2, total, "20") + `}}`
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

// The uptime that the APIs show is that of the monitor's formula.
func TestUptimeFormulaOverHTTP(t *testing.T) {
	s, _ := start(t)
	made(t, s, "/api/v4/monitors", `{"tag":"earth","name":"E","monitor_settings_json":{"uptime_formula_numerator":"up"}}`)
	if got := s.Do("POST", "/api/v4/status", fmt.Sprintf(`{"points":[{"monitor_tag":"earth","status":"UP"},{"monitor_tag":"earth","status":"DEGRADED","timestamp":%d},`+
		`{"monitor_tag":"earth","status":"DOWN","timestamp":%d},{"monitor_tag":"earth","status":"UP","timestamp":%d}]}`, testMinute-60, testMinute-120, testMinute-180)); got.Status != 200 {
		t.Fatalf("%d %s", got.Status, got.Body)
	}
	for _, tt := range []struct{ patch, uptime, legacy string }{
		{"{}", "50", "50"},
		{`{"include_degraded_in_downtime":"YES"}`, "50", "50"},
		{`{"monitor_settings_json":{"uptime_formula_numerator":"up + degraded"}}`, "75", "75.0000"},
		{`{"monitor_settings_json":{"uptime_formula_numerator":"up + maintenance + degraded"}}`, "50", "50"},
		{`{"monitor_settings_json":null,"include_degraded_in_downtime":"NO"}`, "75", "75.0000"},
		{`{"monitor_settings_json":{"uptime_formula_denominator":"up+degraded"}}`, "100", "100"},
		{`{"monitor_settings_json":{"uptime_formula_denominator":"down - degraded"}}`, "null", "-"},
		{`{"monitor_settings_json":{"uptime_formula_numerator":"down - up","uptime_formula_denominator":"up"}}`, "-50", "-50"},
		{`{"monitor_settings_json":{"uptime_formula_numerator":"up * up * up","uptime_formula_denominator":"up + down"}}`, "266.66666666666663", "266.6667"},
	} {
		if got := s.Do("PATCH", "/api/v4/monitors/earth", tt.patch); got.Status != 200 {
			t.Fatalf("%s: %d %s", tt.patch, got.Status, got.Body)
		}
		count := `"minutes_up":2,"minutes_degraded":1,"minutes_down":1,"minutes_maintenance":0,"uptime":` + tt.uptime + `,"average_latency":null}`
		want := `{"uptime":{"monitor_tag":"earth","days":[{"date":"2026-01-15",` + count + `],"total":{` + count + `}}`
		if diff := cmp.Diff(want, s.Do("GET", uptimePath+"?days=1", "").Body); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.patch, diff)
		}
		want = fmt.Sprintf(`{"status":"UP","uptime":%q,"lastUpdatedAt":%d}`, tt.legacy, testMinute)
		if diff := cmp.Diff(want, s.Do("GET", "/api/status?tag=earth", "").Body); diff != "" {
			t.Errorf("%s, legacy (-want +got):\n%s", tt.patch, diff)
		}
	}
}

// A rule about the uptime judges by the formula.
func TestUptimeFormulaOfARule(t *testing.T) {
	s, _ := start(t)
	made(t, s, "/api/v4/monitors", `{"tag":"earth","name":"E","monitor_settings_json":{"uptime_formula_numerator":"up"}}`)
	made(t, s, rulesPath, `{"alert_for":"UPTIME","alert_value":80,"monitor_tags":["earth"]}`)
	post := func() {
		if got := s.Do("POST", "/api/v4/status", `{"points":[{"monitor_tag":"earth","status":"DEGRADED"}]}`); got.Status != 200 {
			t.Fatalf("%d %s", got.Status, got.Body)
		}
	}
	open := func() int {
		return strings.Count(s.Do("GET", "/api/v4/alerts?alert_status=TRIGGERED", "").Body, `"id":`)
	}
	if post(); open() != 1 {
		t.Errorf("a degraded minute, which is no uptime, opened %d alerts", open())
	}
	if got := s.Do("PATCH", "/api/v4/monitors/earth", `{"monitor_settings_json":null}`); got.Status != 200 {
		t.Fatalf("%d %s", got.Status, got.Body)
	}
	if post(); open() != 0 {
		t.Errorf("%d alerts are open while a degraded minute is uptime", open())
	}
}

// Bad minutes go, with what they made of uptime and of alerts.
func TestDeletedData(t *testing.T) {
	s, _ := start(t)
	monitorsNamed(t, s, "earth")
	made(t, s, rulesPath, `{"alert_for":"STATUS","alert_value":"DOWN","monitor_tags":["earth"],"failure_threshold":3,"create_incident":true}`)
	const t0 = testMinute - 600
	patched := `{"message":"Monitoring data updated successfully","updated_count":%d}`
	deleted := func(n int) string {
		return fmt.Sprintf(`{"message":"Monitoring data deleted successfully","deleted_count":%d}`, n)
	}
	remove := func(from, to any) string { return fmt.Sprintf("%s?start_ts=%v&end_ts=%v", dataPath, from, to) }
	list := fmt.Sprintf("%s?start_ts=%d&end_ts=%d", dataPath, midnight-86400, testMinute+600)
	days := uptimePath + "?from=2026-01-14&to=2026-01-15"
	none := `"minutes_up":0,"minutes_degraded":0,"minutes_down":0,"minutes_maintenance":0,"uptime":null,"average_latency":null}`
	up := `"minutes_up":2,"minutes_degraded":0,"minutes_down":0,"minutes_maintenance":0,"uptime":100,"average_latency":4}`
	uptime := func(yesterday, today, total string) string {
		return `{"uptime":{"monitor_tag":"earth","days":[{"date":"2026-01-14",` + yesterday + `,{"date":"2026-01-15",` + today + `],"total":{` + total + `}}`
	}
	attempts(t, s, 0, []attempt{
		{"nothing to delete", "DELETE", remove(0, 60), "", 200, deleted(0)},
		{"good minutes", "PATCH", dataPath, fmt.Sprintf(`{"start_ts":%d,"end_ts":%d,"status":"UP","latency":4}`, t0, t0+60), 200, fmt.Sprintf(patched, 1)},
		{"bad ones around midnight", "PATCH", dataPath, fmt.Sprintf(`{"start_ts":%d,"end_ts":%d,"status":"DOWN","latency":4}`, midnight-120, midnight+60), 200, fmt.Sprintf(patched, 3)},
		{"bad ones of now", "PATCH", dataPath, fmt.Sprintf(`{"start_ts":%d,"end_ts":%d,"status":"DOWN","latency":9}`, t0+120, testMinute), 200, fmt.Sprintf(patched, 8)},
		{"by which the rule fires", "GET", alertsPath, "", 200, `{"alerts":[` + alertRecord(1, 1, "TRIGGERED", "1", testStart, testStart, "null") + `]}`},
		{"uptime before", "GET", days, "", 200, uptime(`"minutes_up":0,"minutes_degraded":0,"minutes_down":2,"minutes_maintenance":0,"uptime":0,"average_latency":null}`,
			`"minutes_up":2,"minutes_degraded":0,"minutes_down":11,"minutes_maintenance":0,"uptime":15.384615384615385,"average_latency":4}`, `"minutes_up":2,"minutes_degraded":0,"minutes_down":13,"minutes_maintenance":0,"uptime":13.333333333333334,"average_latency":4}`)},
		{"those around midnight", "DELETE", remove(midnight-61, fmt.Sprint(midnight+60, ".9")), "", 200, deleted(4)},
		{"the alert is on", "GET", alertsPath, "", 200, `{"alerts":[` + alertRecord(1, 1, "TRIGGERED", "1", testStart, testStart, "null") + `]}`},
		{"those of now, the last one too", "DELETE", remove(t0+120, testMinute), "", 200, deleted(9)},
		{"the same again", "DELETE", remove(t0+120, testMinute), "", 200, deleted(0)},
		{"the alert is over", "GET", alertsPath, "", 200, `{"alerts":[` + alertRecord(1, 1, "RESOLVED", "1", testStart, testStart, isoText(testStart)) + `]}`},
		{"what remains", "GET", list, "", 200, `{"data":[` + pointText(t0, "UP", "4", "MANUAL") + "," + pointText(t0+60, "UP", "4", "MANUAL") + `]}`},
		{"one that is gone", "GET", fmt.Sprint(dataPath, "/", testMinute), "", 404, notFound(fmt.Sprintf("No monitoring data found for monitor 'earth' at timestamp %d", testMinute))},
		{"uptime after", "GET", days, "", 200, uptime(none, up, up)},
		{"uptime as stored", "GET", days, "", 200, uptime(none, up, up)},
		{"the legacy status", "GET", "/api/status?tag=earth", "", 200, fmt.Sprintf(`{"status":"UP","uptime":"100","lastUpdatedAt":%d}`, t0+60)},
		{"a new point in its place", "POST", "/api/v4/status", `{"points":[{"monitor_tag":"earth","status":"UP"}]}`, 200, fmt.Sprintf(`{"results":[{"monitor_tag":"earth","timestamp":%d}]}`, testMinute)},
		{"minutes of the future", "PATCH", fmt.Sprint(dataPath, "/", testMinute+7200), `{"status":"DOWN"}`, 200, `{"data":` + pointText(testMinute+7200, "DOWN", "0", "MANUAL") + `}`},
		{"go too", "DELETE", remove(testMinute+60, testMinute+86400*365), "", 200, deleted(1)},
	})
	got := s.Do("GET", "/api/v4/incidents/1/comments", "")
	if want := `Resolved automatically by alert rule 1: status UP in the minute 2026-01-15 09:51 UTC.`; !strings.Contains(got.Body, want) {
		t.Errorf("the incident's comments: %s, want %q in them", got.Body, want)
	}
}

// A range of days is the same days as the last ones are.
func TestUptimeOfARange(t *testing.T) {
	s, _ := start(t)
	monitorsNamed(t, s, "earth")
	attempts(t, s, 0, []attempt{
		{"two days", "PATCH", dataPath, fmt.Sprintf(`{"start_ts":%d,"end_ts":%d,"status":"UP","latency":4}`, midnight-86400-120, midnight-86400+60), 200, `{"message":"Monitoring data updated successfully","updated_count":3}`},
		{"slow when it failed", "PATCH", fmt.Sprint(dataPath, "/", midnight-86400), `{"status":"DOWN","latency":30000}`, 200, `{"data":` + pointText(midnight-86400, "DOWN", "30000", "MANUAL") + `}`},
		{"today", "PATCH", fmt.Sprint(dataPath, "/", midnight), `{"status":"UP","latency":10}`, 200, `{"data":` + pointText(midnight, "UP", "10", "MANUAL") + `}`},
		{"later today", "PATCH", fmt.Sprint(dataPath, "/", testMinute+60), `{"status":"DOWN","latency":10}`, 200, `{"data":` + pointText(testMinute+60, "DOWN", "10", "MANUAL") + `}`},
	})
	counts := map[string]string{
		"2026-01-12": `"minutes_up":0,"minutes_degraded":0,"minutes_down":0,"minutes_maintenance":0,"uptime":null,"average_latency":null}`,
		"2026-01-13": `"minutes_up":2,"minutes_degraded":0,"minutes_down":0,"minutes_maintenance":0,"uptime":100,"average_latency":4}`,
		"2026-01-14": `"minutes_up":1,"minutes_degraded":0,"minutes_down":1,"minutes_maintenance":0,"uptime":50,"average_latency":4}`,
		"2026-01-15": `"minutes_up":1,"minutes_degraded":0,"minutes_down":0,"minutes_maintenance":0,"uptime":100,"average_latency":10}`,
	}
	for query, want := range map[string]struct {
		days  []string
		total string
	}{
		"?from=2026-01-12&to=2026-01-15":       {[]string{"2026-01-12", "2026-01-13", "2026-01-14", "2026-01-15"}, `"minutes_up":4,"minutes_degraded":0,"minutes_down":1,"minutes_maintenance":0,"uptime":80,"average_latency":5.5}`},
		"?from=2026-01-12&to=2026-01-15&days=": {[]string{"2026-01-12", "2026-01-13", "2026-01-14", "2026-01-15"}, `"minutes_up":4,"minutes_degraded":0,"minutes_down":1,"minutes_maintenance":0,"uptime":80,"average_latency":5.5}`},
		"?from=2026-01-13&to=2026-01-14":       {[]string{"2026-01-13", "2026-01-14"}, `"minutes_up":3,"minutes_degraded":0,"minutes_down":1,"minutes_maintenance":0,"uptime":75,"average_latency":4}`},
		"?from=2026-01-13&to=2026-01-13":       {[]string{"2026-01-13"}, counts["2026-01-13"]},
		"?from=2026-01-15&to=2026-01-15":       {[]string{"2026-01-15"}, counts["2026-01-15"]},
		"?days=2":                              {[]string{"2026-01-14", "2026-01-15"}, `"minutes_up":2,"minutes_degraded":0,"minutes_down":1,"minutes_maintenance":0,"uptime":66.66666666666666,"average_latency":7}`},
	} {
		var days []string
		for _, day := range want.days {
			days = append(days, `{"date":"`+day+`",`+counts[day])
		}
		body := `{"uptime":{"monitor_tag":"earth","days":[` + strings.Join(days, ",") + `],"total":{` + want.total + `}}`
		for range 2 { // made, then stored
			if got := s.Do("GET", uptimePath+query, ""); got.Status != 200 || got.Body != body {
				t.Errorf("%s: %d %s, want %s", query, got.Status, got.Body, body)
			}
		}
	}
	for query, days := range map[string]int{"?from=2025-01-15&to=2026-01-15": 366, "?from=1970-01-01&to=1971-01-01": 366} {
		if got := s.Do("GET", uptimePath+query, ""); got.Status != 200 || strings.Count(got.Body, `"date"`) != days {
			t.Errorf("%s: %d, %d days", query, got.Status, strings.Count(got.Body, `"date"`))
		}
	}
}

// The stack says how long minutes are kept; the days' totals stay, and what they were made of
// can't be changed any more.
func TestRetentionOverHTTP(t *testing.T) {
	for _, tt := range []struct {
		days  map[string]string // parameters
		after int64             // days
	}{{map[string]string{"RetentionDays": "30"}, 30}, {nil, 400}, {map[string]string{"RetentionDays": "800"}, 799}} {
		c := &clock{}
		c.seconds.Store(testStart)
		s := apitest.New(t, apitest.Options{Now: c.now, Parameters: tt.days})
		monitorsNamed(t, s, "earth")
		at := int64(midnight - 60)
		attempts(t, s, 0, []attempt{{"yesterday's last minute", "PATCH", fmt.Sprint(dataPath, "/", at), `{"status":"UP","latency":4}`, 200, `{"data":` + pointText(at, "UP", "4", "MANUAL") + `}`}})
		uptime := attempt{"uptime", "GET", uptimePath + "?from=2026-01-14&to=2026-01-14", "", 200, `{"uptime":{"monitor_tag":"earth","days":[{"date":"2026-01-14","minutes_up":1,"minutes_degraded":0,"minutes_down":0,"minutes_maintenance":0,"uptime":100,"average_latency":4}],` +
			`"total":{"minutes_up":1,"minutes_degraded":0,"minutes_down":0,"minutes_maintenance":0,"uptime":100,"average_latency":4}}}`}
		list := fmt.Sprintf("%s?start_ts=%d&end_ts=%d", dataPath, at, at+60)
		attempts(t, s, 0, []attempt{uptime})
		c.seconds.Store(testStart + tt.after*86400 - 1)
		attempts(t, s, 0, []attempt{uptime, {"the last second", "GET", list, "", 200, `{"data":[` + pointText(at, "UP", "4", "MANUAL") + `]}`}})
		closed := badRequest("Minutes of 2026-01-14 can't be changed: of that UTC day only the totals are kept")
		if tt.after == 799 { // the totals go before the minutes
			continue
		}
		c.seconds.Add(1)
		attempts(t, s, 0, []attempt{
			uptime, {"after it", "GET", list, "", 200, `{"data":[]}`},
			{"a change", "PATCH", fmt.Sprint(dataPath, "/", at), `{"status":"UP"}`, 400, closed},
			{"a range", "PATCH", dataPath, fmt.Sprintf(`{"start_ts":%d,"end_ts":%d,"status":"UP","latency":1}`, at-60, at), 400, closed},
			{"a deletion of nothing", "DELETE", fmt.Sprintf("%s?start_ts=%d&end_ts=%d", dataPath, at-60, at), "", 200, `{"message":"Monitoring data deleted successfully","deleted_count":0}`},
			uptime,
		})
		if tt.after == 30 {
			attempts(t, s, 0, []attempt{
				{"a late post", "POST", "/api/v4/status", fmt.Sprintf(`{"points":[{"monitor_tag":"earth","status":"UP","timestamp":%d}]}`, at), 400,
					`{"results":[{"monitor_tag":"earth","timestamp":null,"error":{"code":"BAD_REQUEST","message":"Minutes of 2026-01-14 can't be changed: of that UTC day only the totals are kept"}}],"error":{"code":"BAD_REQUEST","message":"No point was accepted"}}`},
				{"a late legacy post", "POST", "/api/status", fmt.Sprintf(`{"tag":"earth","status":"UP","latency":1,"timestampInSeconds":%d}`, at), 400,
					`{"error":"Minutes of 2026-01-14 can't be changed: of that UTC day only the totals are kept","status":400}`},
				uptime,
			})
		}
	}
}

// cursorOf spells a cursor.
func cursorOf(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// A post of which no point was accepted had no effect: its Idempotency-Key is free again.
func TestRefusedPointsKeepNoKey(t *testing.T) {
	s, _ := start(t)
	post := func(tag string) apitest.Response {
		return s.DoWith("POST", "/api/v4/status", `{"points":[{"monitor_tag":"`+tag+`","status":"UP"}]}`, s.Header("Idempotency-Key", "k"))
	}
	if got := post("earth"); got.Status != 400 || got.Body != `{"results":[{"monitor_tag":"earth","timestamp":null,"error":{"code":"NOT_FOUND","message":"Monitor with tag 'earth' not found"}}],`+
		`"error":{"code":"BAD_REQUEST","message":"No point was accepted"}}` {
		t.Errorf("of no monitor: %d %s", got.Status, got.Body)
	}
	monitorsNamed(t, s, "earth")
	want := fmt.Sprintf(`{"results":[{"monitor_tag":"earth","timestamp":%d}]}`, testMinute)
	for _, replayed := range []string{"", "true"} {
		if got := post("earth"); got.Status != 200 || got.Body != want || got.Header.Get("Idempotent-Replayed") != replayed {
			t.Errorf("of a monitor: %d %v %s", got.Status, got.Header, got.Body)
		}
	}
	if got := post("pluto"); got.Status != 422 {
		t.Errorf("another request with the key: %d %s", got.Status, got.Body)
	}
}
