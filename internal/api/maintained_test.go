package api_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/apitest"
)

// maintained announces a maintenance of earth from one second on, for a time in seconds, and
// returns its id.
func maintained(t *testing.T, s *apitest.Server, impact string, start, duration int64) int64 {
	t.Helper()
	return made(t, s, "/api/v4/maintenances", fmt.Sprintf(`{"title":"M","start_date_time":%d,"rrule":"FREQ=MINUTELY;COUNT=1","duration_seconds":%d,"monitors":[{"monitor_tag":"earth","impact":%q}]}`, start, duration, impact))
}

// What a maintenance does to a monitor's minutes is decided when they are read: one that is
// entered late counts, one that is deleted or INACTIVE doesn't.
func TestMaintenanceOfMinutes(t *testing.T) {
	s, _ := start(t)
	monitorsNamed(t, s, "earth", "mars")
	post := func(at int64, status string, latency int) {
		t.Helper()
		body := ""
		for _, tag := range []string{"earth", "mars"} {
			body += fmt.Sprintf(`,{"monitor_tag":%q,"status":%q,"latency":%d,"timestamp":%d}`, tag, status, latency, at)
		}
		if got := s.Do("POST", "/api/v4/status", `{"points":[`+body[1:]+`]}`); got.Status != 200 || strings.Contains(got.Body, "error") {
			t.Fatalf("%d %s", got.Status, got.Body)
		}
	}
	post(midnight-120, "UP", 5)
	post(midnight-60, "DOWN", 900)
	post(midnight+60, "UP", 7)
	post(midnight+180, "DEGRADED", 11)
	list := fmt.Sprintf("%s?start_ts=%d&end_ts=%d", dataPath, midnight-300, midnight+360)
	minute := func(at int64) string { return fmt.Sprintf("%s/%d", dataPath, at) }
	point := func(at int64, status, latency, kind string) string {
		return fmt.Sprintf(`{"monitor_tag":"earth","timestamp":%d,"status":%q,"latency":%s,"type":%q}`, at, status, latency, kind)
	}
	data := func(points ...string) string { return `{"data":[` + strings.Join(points, ",") + `]}` }
	count := func(up, degraded, down, maintenance int, uptime, latency string) string {
		return fmt.Sprintf(`"minutes_up":%d,"minutes_degraded":%d,"minutes_down":%d,"minutes_maintenance":%d,"uptime":%s,"average_latency":%s}`, up, degraded, down, maintenance, uptime, latency)
	}
	uptime := func(yesterday, today, total string) string {
		return `{"uptime":{"monitor_tag":"earth","days":[{"date":"2026-01-14",` + yesterday + `,{"date":"2026-01-15",` + today + `],"total":{` + total + `}}`
	}
	same := func(what string, points []string, uptimes, legacyToday, legacyYesterday string) {
		t.Helper()
		answers(t, s, what, list, data(points...))
		back := slices.Clone(points)
		slices.Reverse(back)
		answers(t, s, what, list+"&order=desc", data(back...))
		for range 2 { // as it is made, and as it is stored
			answers(t, s, what, uptimePath+"?days=2", uptimes)
		}
		answers(t, s, what, "/api/status?tag=earth", legacyToday)
		answers(t, s, what, fmt.Sprintf("/api/status?tag=earth&timestamp=%d", midnight-1), legacyYesterday)
	}
	plain := func(what string) {
		t.Helper()
		same(what, []string{
			point(midnight-120, "UP", "5", "API"), point(midnight-60, "DOWN", "900", "API"), point(midnight+60, "UP", "7", "API"), point(midnight+180, "DEGRADED", "11", "API"),
		}, uptime(count(1, 0, 1, 0, "50", "5"), count(1, 1, 0, 0, "100", "9"), count(2, 1, 1, 0, "75", "7.666666666666667")),
			fmt.Sprintf(`{"status":"DEGRADED","uptime":"100","lastUpdatedAt":%d}`, midnight+180), fmt.Sprintf(`{"status":"DOWN","uptime":"50","lastUpdatedAt":%d}`, midnight-60))
		answers(t, s, what, minute(midnight-60), `{"data":`+point(midnight-60, "DOWN", "900", "API")+`}`)
		expect(t, s, "GET", minute(midnight), "", 404, fail("NOT_FOUND", fmt.Sprintf("No monitoring data found for monitor 'earth' at timestamp %d", midnight)))
	}
	plain("before")

	id := maintained(t, s, "MAINTENANCE", midnight-60, 240)
	underway := func(what string) {
		t.Helper()
		same(what, []string{
			point(midnight-120, "UP", "5", "API"), point(midnight-60, "MAINTENANCE", "900", "MAINTENANCE"), point(midnight, "MAINTENANCE", "null", "MAINTENANCE"),
			point(midnight+60, "MAINTENANCE", "7", "MAINTENANCE"), point(midnight+120, "MAINTENANCE", "null", "MAINTENANCE"), point(midnight+180, "DEGRADED", "11", "API"),
		}, uptime(count(1, 0, 0, 1, "100", "5"), count(0, 1, 0, 3, "100", "11"), count(1, 1, 0, 4, "100", "8")),
			fmt.Sprintf(`{"status":"DEGRADED","uptime":"100","lastUpdatedAt":%d}`, midnight+180), fmt.Sprintf(`{"status":"MAINTENANCE","uptime":"100","lastUpdatedAt":%d}`, midnight-60))
		answers(t, s, what, minute(midnight-60), `{"data":`+point(midnight-60, "MAINTENANCE", "900", "MAINTENANCE")+`}`)
		answers(t, s, what, minute(midnight), `{"data":`+point(midnight, "MAINTENANCE", "null", "MAINTENANCE")+`}`)
	}
	underway("entered late")
	answers(t, s, "another monitor", strings.Replace(minute(midnight-60), "earth", "mars", 1), strings.Replace(`{"data":`+point(midnight-60, "DOWN", "900", "API")+`}`, "earth", "mars", 1))
	if got := s.Do("GET", "/api/v4/monitors/mars/uptime?days=2", ""); !strings.Contains(got.Body, `"minutes_down":1,"minutes_maintenance":0,"uptime":50,`) {
		t.Errorf("another monitor: %s", got.Body)
	}

	t.Log("what is set in it is kept for when it is gone")
	expect(t, s, "PATCH", minute(midnight+120), `{"status":"DOWN","latency":3}`, 200, `{"data":`+point(midnight+120, "MAINTENANCE", "3", "MAINTENANCE")+`}`)
	change := func(method string, id int64, body string) {
		t.Helper()
		if got := s.Do(method, fmt.Sprintf("/api/v4/maintenances/%d", id), body); got.Status != 200 {
			t.Fatalf("%d %s", got.Status, got.Body)
		}
	}
	change("PATCH", id, `{"status":"INACTIVE"}`)
	answers(t, s, "INACTIVE", minute(midnight+120), `{"data":`+point(midnight+120, "DOWN", "3", "MANUAL")+`}`)
	expect(t, s, "DELETE", fmt.Sprintf("%s?start_ts=%d&end_ts=%d", dataPath, midnight+120, midnight+179), "", 200, `{"message":"Monitoring data deleted successfully","deleted_count":1}`)
	plain("INACTIVE")
	change("PATCH", id, `{"status":"ACTIVE"}`)
	underway("ACTIVE again")

	t.Log("the worst of several counts, and UP does nothing")
	down := maintained(t, s, "DOWN", midnight-60, 60)
	up := maintained(t, s, "UP", midnight-7200, 7200)
	answers(t, s, "DOWN before MAINTENANCE", minute(midnight-60), `{"data":`+point(midnight-60, "DOWN", "900", "MAINTENANCE")+`}`)
	answers(t, s, "DOWN before MAINTENANCE", uptimePath+"?days=2", uptime(count(1, 0, 1, 0, "50", "5"), count(0, 1, 0, 3, "100", "11"), count(1, 1, 1, 3, "83.33333333333334", "8")))
	change("DELETE", down, "")
	change("DELETE", up, "")
	underway("the others are deleted")
	expect(t, s, "PATCH", "/api/v4/monitors/earth", `{"monitor_settings_json":{"uptime_formula_numerator":"up + degraded","uptime_formula_denominator":"up + down + degraded"}}`, 200,
		monitorText(1, "earth", `"N"`, "monitor_settings_json", `{"uptime_formula_numerator":"up + degraded","uptime_formula_denominator":"up + down + degraded"}`))
	answers(t, s, "a formula without maintenance", uptimePath+"?days=2", uptime(count(1, 0, 0, 1, "100", "5"), count(0, 1, 0, 3, "100", "11"), count(1, 1, 0, 4, "100", "8")))
	answers(t, s, "a formula without maintenance", fmt.Sprintf("/api/status?tag=earth&timestamp=%d", midnight+59), fmt.Sprintf(`{"status":"MAINTENANCE","uptime":"-","lastUpdatedAt":%d}`, midnight))
	if got := s.Do("PATCH", "/api/v4/monitors/earth", `{"monitor_settings_json":null}`); got.Status != 200 {
		t.Fatal(got.Body)
	}

	change("DELETE", id, "")
	plain("deleted")
}

// While a maintenance is on, a monitor is what it says up to this minute, also one that nobody
// posts to.
func TestMaintenanceIsOn(t *testing.T) {
	s, clock := start(t)
	monitorsNamed(t, s, "earth")
	maintained(t, s, "DOWN", testMinute+60, 180)
	list := fmt.Sprintf("%s?start_ts=%d&end_ts=%d", dataPath, testMinute, testMinute+900)
	for n, tt := range []struct {
		points []int64 // minutes after testMinute
		legacy string
	}{
		{nil, `{"status":null,"uptime":"-","lastUpdatedAt":null}`},
		{[]int64{1}, `{"status":"DOWN","uptime":"0","lastUpdatedAt":%d}`},
		{[]int64{1, 2}, `{"status":"DOWN","uptime":"0","lastUpdatedAt":%d}`},
		{[]int64{1, 2, 3}, `{"status":"DOWN","uptime":"0","lastUpdatedAt":%d}`},
		{[]int64{1, 2, 3}, `{"status":"DOWN","uptime":"0","lastUpdatedAt":%d}`},
	} {
		clock.seconds.Store(testStart + int64(n)*60)
		var points []string
		legacy := tt.legacy
		for _, m := range tt.points {
			points = append(points, fmt.Sprintf(`{"monitor_tag":"earth","timestamp":%d,"status":"DOWN","latency":null,"type":"MAINTENANCE"}`, testMinute+m*60))
			legacy = fmt.Sprintf(strings.Replace(tt.legacy, "%d", "%[1]d", 1), testMinute+m*60)
		}
		what := fmt.Sprintf("minute %d", n)
		answers(t, s, what, list, `{"data":[`+strings.Join(points, ",")+`]}`)
		answers(t, s, what, "/api/status?tag=earth", legacy)
	}
	t.Log("one that is completed by hand ends with this minute")
	id := maintained(t, s, "DEGRADED", testMinute+240, 6000)
	var events struct{ Events []struct{ ID int64 } }
	path := fmt.Sprintf("/api/v4/maintenances/%d/events", id)
	if err := json.Unmarshal([]byte(s.Do("GET", path, "").Body), &events); err != nil || len(events.Events) != 1 {
		t.Fatalf("%+v, %v", events, err)
	}
	clock.seconds.Store(testStart + 360)
	if got := s.Do("PATCH", fmt.Sprintf("%s/%d", path, events.Events[0].ID), `{"status":"COMPLETED"}`); got.Status != 200 {
		t.Fatalf("%d %s", got.Status, got.Body)
	}
	clock.seconds.Store(testStart + 600)
	answers(t, s, "completed", "/api/status?tag=earth", fmt.Sprintf(`{"status":"DEGRADED","uptime":"40","lastUpdatedAt":%d}`, testMinute+300))
	if got := s.Do("GET", fmt.Sprintf("/api/status?tag=earth&timestamp=%d", testMinute+86400), ""); got.Body != `{"status":null,"uptime":"-","lastUpdatedAt":null}` {
		t.Errorf("tomorrow: %s", got.Body)
	}
}

// A long maintenance comes in pages, in either order, each minute once.
func TestPagesOfAMaintenance(t *testing.T) {
	s, _ := start(t)
	monitorsNamed(t, s, "earth")
	const days = 40
	maintained(t, s, "MAINTENANCE", testMinute-days*86400, 86400*(days+5))
	for n := range int64(3) {
		if got := s.Do("PATCH", fmt.Sprintf("%s/%d", dataPath, testMinute-n*86400*13), `{"status":"UP","latency":7}`); got.Status != 200 {
			t.Fatal(got.Body)
		}
	}
	list := fmt.Sprintf("%s?start_ts=%d&end_ts=%d", dataPath, 0, testMinute+86400)
	expect(t, s, "GET", list, "", 400, fail("BAD_REQUEST", "The range has more minutes than one answer can hold: use limit and cursor, or a shorter range"))
	var orders [2][]int64
	for n, order := range []string{"asc", "desc"} {
		measured := 0
		for pages, cursor := 0, ""; pages == 0 || cursor != ""; pages++ {
			var page struct {
				Data []struct {
					Timestamp int64
					Status    string
					Latency   *float64
				}
				Next string `json:"next_cursor"`
			}
			got := s.Do("GET", list+"&limit=1000&order="+order+"&cursor="+cursor, "")
			if err := json.Unmarshal([]byte(got.Body), &page); err != nil || got.Status != 200 || page.Next != "" && len(page.Data) != 1000 || pages > 100 {
				t.Fatalf("page %d: %d, %v, %d minutes", pages, got.Status, err, len(page.Data))
			}
			for _, p := range page.Data {
				orders[n] = append(orders[n], p.Timestamp)
				if p.Latency != nil {
					measured++
				}
				if p.Status != "MAINTENANCE" {
					t.Fatalf("%+v", p)
				}
			}
			cursor = page.Next
		}
		if len(orders[n]) != days*1440+1 || measured != 3 {
			t.Errorf("%s: %d minutes, %d measured", order, len(orders[n]), measured)
		}
	}
	slices.Reverse(orders[1])
	if diff := cmp.Diff(orders[0][:1440], orders[1][:1440]); diff != "" || !slices.Equal(orders[0], orders[1]) || !slices.IsSorted(orders[0]) {
		t.Errorf("the two orders have not the same minutes, or not by time:\n%s", diff)
	}
	if got := s.Do("GET", uptimePath+"?days=50", ""); !strings.Contains(got.Body, fmt.Sprintf(`"total":{"minutes_up":0,"minutes_degraded":0,"minutes_down":0,"minutes_maintenance":%d,"uptime":100,"average_latency":null}`, days*1440+1)) {
		t.Errorf("uptime: %s", got.Body)
	}
}

// No rule fires or recovers while a maintenance is on, and what was posted in one says
// nothing afterwards.
func TestRulesInAMaintenance(t *testing.T) {
	s, clock := start(t)
	monitorsNamed(t, s, "earth")
	made(t, s, rulesPath, `{"alert_for":"STATUS","alert_value":"DOWN","monitor_tags":["earth"],"failure_threshold":2,"success_threshold":2,"create_incident":true}`)
	maintained(t, s, "MAINTENANCE", testMinute+3*60, 3*60)
	maintained(t, s, "DEGRADED", testMinute+8*60, 3*60)
	maintained(t, s, "UP", testMinute+13*60, 5*60)
	none, open, resolved := `{"alerts":[]}`, "", ""
	for n, tt := range []struct {
		status, want string // of its alerts
	}{
		{"UP", "none"},
		{"UP", "none"},
		{"DOWN", "none"}, // the first one
		{"DOWN", "none"}, // a maintenance is on
		{"DOWN", "none"},
		{"DOWN", "none"},
		{"DOWN", "open"}, // the second one that is in none
		{"UP", "open"},
		{"UP", "open"}, // a maintenance is on
		{"UP", "open"},
		{"DOWN", "open"},
		{"UP", "open"},     // the newest two in a row are not both UP
		{"UP", "resolved"}, // the second one that is in none
		{"DOWN", "resolved"},
		{"DOWN", "again"}, // a maintenance that does nothing
	} {
		now := testStart + int64(n)*60
		clock.seconds.Store(now)
		switch {
		case tt.want == "open" && open == "":
			open = alertRecord(1, 1, "TRIGGERED", "1", now, now, "null")
		case tt.want == "resolved" && resolved == "":
			resolved = alertRecord(1, 1, "RESOLVED", "1", testStart+6*60, now, isoText(now))
		}
		postStatus(t, s, now, tt.status, "earth")
		want := map[string]string{"none": none, "open": `{"alerts":[` + open + `]}`, "resolved": `{"alerts":[` + resolved + `]}`, "again": `{"alerts":[` + alertRecord(2, 1, "TRIGGERED", "2", now, now, "null") + "," + resolved + `]}`}[tt.want]
		answers(t, s, fmt.Sprintf("minute %d", n), alertsPath+"?monitor_tag=earth", want)
	}
	want := fmt.Sprintf(`{"incident":{"id":1,"title":"N STATUS: DOWN","start_date_time":%d,"end_date_time":%d,"state":"RESOLVED",`, testMinute+2*60, testMinute+7*60)
	if got := s.Do("GET", "/api/v4/incidents/1", ""); !strings.HasPrefix(got.Body, want) {
		t.Errorf("the incident: %s, want %s…", got.Body, want)
	}
	if got := s.Do("GET", "/api/v4/incidents/1/comments", ""); !strings.Contains(got.Body, "status DOWN in the last 2 recorded minutes, 2026-01-15 10:02 UTC to 2026-01-15 10:06 UTC.") {
		t.Errorf("its comments: %s", got.Body)
	}
}

// Data that is missing in a maintenance is not missed, and neither is what was missing before
// it: the silence counts from its end.
func TestNoDataInAMaintenance(t *testing.T) {
	s, clock := start(t)
	monitorsNamed(t, s, "earth")
	made(t, s, rulesPath, `{"alert_for":"NO_DATA","alert_value":3,"monitor_tags":["earth"],"create_incident":true}`)
	maintained(t, s, "MAINTENANCE", testMinute+2*60, 5*60)
	maintained(t, s, "MAINTENANCE", testMinute+12*60, 3*60)
	open := func() string {
		return fmt.Sprint(strings.Count(s.Do("GET", alertsPath+"?monitor_tag=earth&alert_status=TRIGGERED", "").Body, `"id"`))
	}
	postStatus(t, s, testStart, "UP", "earth")
	var got []string
	for n := range int64(20) {
		clock.seconds.Store(testStart + n*60)
		switch n {
		case 13, 16: // the first one is in a maintenance
			postStatus(t, s, testStart+n*60, "UP", "earth")
		}
		s.Tick()
		got = append(got, open())
	}
	// From minute 7 on there is no maintenance: after three whole minutes, in minute 10, it fires. It stays open from 12 to 15.
	if diff := cmp.Diff(strings.Fields("0 0 0 0 0 0 0 0 0 0 1 1 1 1 1 1 0 0 0 0"), got); diff != "" {
		t.Errorf("open alerts by minute (-want +got):\n%s", diff)
	}
	want := `no data for 3 minutes, the newest point is of 2026-01-15 10:00 UTC, the last maintenance ended at 2026-01-15 10:07 UTC.`
	if got := s.Do("GET", "/api/v4/incidents/1/comments", ""); !strings.Contains(got.Body, want) {
		t.Errorf("comments: %s", got.Body)
	}
	if got := s.Do("GET", "/api/v4/incidents/1", ""); !strings.Contains(got.Body, fmt.Sprintf(`"start_date_time":%d,`, testMinute+7*60)) {
		t.Errorf("the incident: %s", got.Body)
	}
}

// The closer does not count the time of maintenances as silence.
func TestCloserInAMaintenance(t *testing.T) {
	const hour = 3600
	s, clock := start(t)
	monitorsNamed(t, s, "earth", "mars")
	for _, tag := range []string{"earth", "mars"} {
		made(t, s, "/api/v4/incidents", fmt.Sprintf(`{"title":"t","start_date_time":%d,"monitors":[{"monitor_tag":%q}]}`, testMinute, tag))
	}
	maintained(t, s, "MAINTENANCE", testMinute+10*hour, 20*hour)
	maintained(t, s, "DOWN", testMinute+20*hour, 20*hour) // 30 hours together
	maintained(t, s, "UP", testMinute+50*hour, 20*hour)
	var got []string
	for n := int64(0); n <= 110; n += 6 {
		clock.seconds.Store(testStart + n*hour)
		s.Tick()
		all := s.Do("GET", "/api/v4/incidents?status=open", "").Body
		state := fmt.Sprint(n)
		for id, tag := range []string{"", "earth", "mars"} {
			if tag == "" {
				continue
			}
			comments := strings.Count(s.Do("GET", fmt.Sprintf("/api/v4/incidents/%d/comments", id), "").Body, `"id"`)
			if state += fmt.Sprintf(" %s %d", tag, comments); !strings.Contains(all, fmt.Sprintf(`{"id":%d,`, id)) {
				state += " closed"
			}
		}
		got = append(got, state)
	}
	// Mars is warned after 48 hours and closed after 72, earth 30 hours later.
	var want []string
	for n := 0; n <= 110; n += 6 {
		state := fmt.Sprint(n)
		for _, of := range []struct {
			tag  string
			more int
		}{{"earth", 30}, {"mars", 0}} {
			switch {
			case n >= 72+of.more:
				state += fmt.Sprintf(" %s 2 closed", of.tag)
			case n >= 48+of.more:
				state += fmt.Sprintf(" %s 1", of.tag)
			default:
				state += fmt.Sprintf(" %s 0", of.tag)
			}
		}
		want = append(want, state)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("comments of incidents by hour (-want +got):\n%s", diff)
	}
}
