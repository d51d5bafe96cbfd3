package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/apitest"
	"tocsin/internal/statuspage"
)

// isoText is a UTC second as the API writes it, in quotes.
func isoText(t int64) string {
	return `"` + strings.Replace(testStartText, "10:00:30", fmt.Sprintf("%02d:%02d:%02d", t/3600%24, t/60%60, t%60), 1) + `"`
}

// alertRecord is an alert about earth being DOWN. incident and resolved are JSON.
func alertRecord(id, rule int64, state, incident string, created, updated int64, resolved string, fields ...string) string {
	return replaced(fmt.Sprintf(`{"id":%d,"alert_rule_id":%d,"monitor_tag":"earth","alert_for":"STATUS","alert_value":"DOWN","severity":"CRITICAL","alert_status":"%s",`+
		`"incident_id":%s,"created_at":%s,"updated_at":%s,"resolved_at":%s}`, id, rule, state, incident, isoText(created), isoText(updated), resolved), fields...)
}

// postStatus posts a status of each of the monitors for the minute of now.
func postStatus(t *testing.T, s *apitest.Server, now int64, status string, tags ...string) {
	t.Helper()
	var points, results []string
	for _, tag := range tags {
		points = append(points, fmt.Sprintf(`{"monitor_tag":%q,"status":%q,"timestamp":%d}`, tag, status, statuspage.FloorMinute(now)))
		results = append(results, fmt.Sprintf(`{"monitor_tag":%q,"timestamp":%d}`, tag, statuspage.FloorMinute(now)))
	}
	got := s.Do("POST", "/api/v4/status", `{"points":[`+strings.Join(points, ",")+`]}`)
	if want := `{"results":[` + strings.Join(results, ",") + `]}`; got.Status != 200 || got.Body != want {
		t.Fatalf("posting: %d %s, want %s", got.Status, got.Body, want)
	}
}

// answers compares what GET answers.
func answers(t *testing.T, s *apitest.Server, what, path, want string) {
	t.Helper()
	got := s.Do("GET", path, "")
	if diff := cmp.Diff(answer{200, want}, answer{got.Status, got.Body}); diff != "" {
		t.Errorf("%s: GET %s (-want +got):\n%s", what, path, diff)
	}
}

const (
	alertsPath = "/api/v4/alerts"
	downRule   = `{"alert_for":"STATUS","alert_value":"DOWN","monitor_tags":["earth"],"failure_threshold":3,"create_incident":true,"description":"Call Ada."}`
)

// TestLifeOfAnAlertOverHTTP posts a status a minute: three minutes of DOWN in a row
// open one alert with one incident, UP resolves both, and the next three are another.
func TestLifeOfAnAlertOverHTTP(t *testing.T) {
	s, clock := start(t)
	monitorsNamed(t, s, "earth")
	made(t, s, rulesPath, downRule)
	at := func(n int64) int64 {
		clock.seconds.Store(testStart + 60*n)
		return testStart + 60*n
	}
	incident := func(end, state string, updated int64) string {
		return fmt.Sprintf(`{"id":1,"title":"N STATUS: DOWN","start_date_time":%d,"end_date_time":%s,"state":"%s","incident_source":"ALERT","monitors":[{"monitor_tag":"earth","impact":"DOWN"}],`+
			`"created_at":%s,"updated_at":%s,"url":"http://localhost:3000/incidents/1"}`, testMinute, end, state, isoText(testStart+120), isoText(updated))
	}
	comment := func(id int64, text string, n int64, state string) string {
		return fmt.Sprintf(`{"id":%d,"incident_id":1,"comment":"%s","timestamp":%d,"state":"%s","created_at":%s,"updated_at":%s}`,
			id, text, testMinute+60*n, state, isoText(testStart+60*n), isoText(testStart+60*n))
	}
	for n := range int64(2) {
		postStatus(t, s, at(n), "DOWN", "earth")
		answers(t, s, "before the third minute", alertsPath+"?monitor_tag=earth", `{"alerts":[]}`)
	}
	answers(t, s, "before the third minute", "/api/v4/incidents", `{"incidents":[]}`)
	for range 3 { // a retry opens nothing more
		postStatus(t, s, at(2), "DOWN", "earth")
	}
	postStatus(t, s, at(3), "DOWN", "earth")
	opening := comment(1, `Opened automatically by alert rule 1: status DOWN in the last 3 recorded minutes, 2026-01-15 10:00 UTC to 2026-01-15 10:02 UTC.\n\nCall Ada.`, 2, "INVESTIGATING")
	open := alertRecord(1, 1, "TRIGGERED", "1", testStart+120, testStart+120, "null")
	answers(t, s, "open", "/api/v4/incidents", `{"incidents":[`+incident("null", "INVESTIGATING", testStart+120)+`]}`)
	answers(t, s, "open", "/api/v4/incidents/1/comments", `{"comments":[`+opening+`]}`)
	answers(t, s, "open", alertsPath, `{"alerts":[`+open+`]}`)
	answers(t, s, "open", alertsPath+"/01", `{"alert":`+open+`}`)

	postStatus(t, s, at(4), "UP", "earth")
	postStatus(t, s, at(5), "UP", "earth")
	closing := comment(2, `Resolved automatically by alert rule 1: status UP in the minute 2026-01-15 10:04 UTC.`, 4, "RESOLVED")
	over := alertRecord(1, 1, "RESOLVED", "1", testStart+120, testStart+240, isoText(testStart+240))
	answers(t, s, "resolved", "/api/v4/incidents?status=closed", `{"incidents":[`+incident(fmt.Sprint(testMinute+240), "RESOLVED", testStart+240)+`]}`)
	answers(t, s, "resolved", "/api/v4/incidents/1/comments", `{"comments":[`+closing+","+opening+`]}`)
	answers(t, s, "resolved", alertsPath+"?monitor_tag=earth", `{"alerts":[`+over+`]}`)

	t.Log("the next time is another alert, and deleting its incident leaves the alert")
	for n := int64(6); n < 9; n++ {
		postStatus(t, s, at(n), "DOWN", "earth")
	}
	again := alertRecord(2, 1, "TRIGGERED", "2", testStart+480, testStart+480, "null")
	answers(t, s, "again", alertsPath+"?monitor_tag=earth", `{"alerts":[`+again+","+over+`]}`)
	if got := s.Do("DELETE", "/api/v4/incidents/2", ""); got.Status != 200 {
		t.Fatalf("%d %s", got.Status, got.Body)
	}
	answers(t, s, "its incident is deleted", alertsPath+"/2", `{"alert":`+replaced(again, "incident_id", "null")+`}`)
	postStatus(t, s, at(9), "UP", "earth")
	answers(t, s, "recovered without an incident", alertsPath+"/2", `{"alert":`+alertRecord(2, 1, "RESOLVED", "null", testStart+480, testStart+540, isoText(testStart+540))+`}`)

	t.Log("an incident that a person resolved gets no second comment")
	for n := int64(10); n < 13; n++ {
		postStatus(t, s, at(n), "DOWN", "earth")
	}
	made(t, s, "/api/v4/incidents/3/comments", `{"comment":"It was the cable.","state":"RESOLVED"}`)
	postStatus(t, s, at(13), "UP", "earth")
	answers(t, s, "resolved by a person", alertsPath+"?alert_status=RESOLVED&limit=1", `{"alerts":[`+
		alertRecord(3, 1, "RESOLVED", "3", testStart+720, testStart+780, isoText(testStart+780))+`],"next_cursor":"`+cursorOf("a.3")+`"}`)
	got := s.Do("GET", "/api/v4/incidents/3/comments", "")
	if got.Status != 200 || strings.Count(got.Body, `"id"`) != 2 || strings.Contains(got.Body, "Resolved automatically") || !strings.Contains(got.Body, fmt.Sprint(testMinute+720)) {
		t.Errorf("comments of the third incident: %d %s", got.Status, got.Body)
	}
}

// TestTitleOfALongName opens incidents for monitors whose names leave no room in a title.
func TestTitleOfALongName(t *testing.T) {
	s, _ := start(t)
	family := "👨‍👩‍👧" // eight units
	for n, tt := range []struct{ name, want string }{
		{strings.Repeat("n", 242), strings.Repeat("n", 242) + " STATUS: DOWN"},
		{strings.Repeat("n", 243), strings.Repeat("n", 241) + "… STATUS: DOWN"},
		{strings.Repeat("n", 240) + " Database", strings.Repeat("n", 240) + "… STATUS: DOWN"},
		{strings.Repeat("n", 235) + family + "n", strings.Repeat("n", 235) + "… STATUS: DOWN"},
		{strings.Repeat("n", 233) + family + "nn", strings.Repeat("n", 233) + family + "… STATUS: DOWN"},
	} {
		tag := fmt.Sprintf("m%d", n)
		made(t, s, "/api/v4/monitors", fmt.Sprintf(`{"tag":%q,"name":%q}`, tag, tt.name))
		made(t, s, rulesPath, fmt.Sprintf(`{"alert_for":"STATUS","alert_value":"DOWN","monitor_tags":[%q],"create_incident":true}`, tag))
		postStatus(t, s, testStart, "DOWN", tag)
		answers(t, s, tt.name, "/api/v4/incidents?monitor_tags="+tag, fmt.Sprintf(`{"incidents":[{"id":%d,"title":"%s","start_date_time":%d,"end_date_time":null,"state":"INVESTIGATING",`+
			`"incident_source":"ALERT","monitors":[{"monitor_tag":"%s","impact":"DOWN"}],"created_at":"%s","updated_at":"%s","url":"http://localhost:3000/incidents/%[1]d"}]}`,
			n+1, tt.want, testMinute, tag, testStartText, testStartText))
	}
}

// TestEndOfAnAlertsIncident judges recoveries long after the minute in which the monitor
// recovered. The incident ends in that minute, in both APIs; the comment and the alert are of
// the judging.
func TestEndOfAnAlertsIncident(t *testing.T) {
	const late = testStart + 1200
	point := func(n int64, status string) string {
		return fmt.Sprintf(`{"monitor_tag":"earth","status":"%s","timestamp":%d}`, status, testMinute+60*n)
	}
	latency := func(n, ms int64) string {
		return fmt.Sprintf(`{"monitor_tag":"earth","status":"UP","latency":%d,"timestamp":%d}`, ms, testMinute+60*n)
	}
	run := func(from, to int64, status string) string {
		var points []string
		for n := from; n <= to; n++ {
			points = append(points, point(n, status))
		}
		return strings.Join(points, ",")
	}
	for _, tt := range []struct {
		name, rule, value string   // of the rule, and what its alert has
		thresholds        string   // of the rule
		failing           string   // points, at testStart
		recovered         []string // points, a POST each, at late
		start, end        int64    // minutes from testMinute
		reason            string
	}{
		{"a late point", `"STATUS"`, `"DOWN"`, "", point(0, "DOWN"), []string{point(1, "UP")}, 0, 1, "status UP in the minute 2026-01-15 10:01 UTC"},
		{"many points", `"STATUS"`, `"DOWN"`, "", point(0, "DOWN"), []string{point(1, "DOWN") + "," + run(2, 9, "UP")}, 0, 2, "status UP in the minute 2026-01-15 10:09 UTC"},
		{"two that it takes", `"STATUS"`, `"DOWN"`, `"success_threshold":2,`, point(0, "DOWN"), []string{point(1, "UP"), point(5, "DOWN"), point(6, "UP"), run(7, 9, "UP")}, 0, 6,
			"status UP in the last 2 recorded minutes, 2026-01-15 10:08 UTC to 2026-01-15 10:09 UTC"},
		{"points of three hours", `"STATUS"`, `"DOWN"`, "", run(-90, -88, "DOWN"), []string{run(-87, 12, "UP")}, -88, -87, "status UP in the minute 2026-01-15 10:12 UTC"},
		{"degraded before", `"STATUS"`, `"DEGRADED"`, "", point(0, "DOWN"), []string{point(1, "DEGRADED") + "," + run(3, 9, "UP")}, 0, 3, "status UP in the minute 2026-01-15 10:09 UTC"},
		{"latency", `"LATENCY"`, "500", "", latency(0, 501), []string{latency(1, 502) + "," + point(2, "UP") + "," + latency(3, 500) + "," + point(4, "DOWN") + "," + latency(5, 7)}, 0, 3,
			"latency 7 ms on average and 7 ms at most, limit 500 ms, in the minute 2026-01-15 10:05 UTC"},
		{"uptime", `"UPTIME"`, "75", `"failure_threshold":4,"success_threshold":4,`, run(-3, -1, "UP") + "," + point(0, "DOWN") + "," + point(1, "DOWN"), []string{run(2, 9, "UP")}, -2, 2,
			"uptime 100 %, limit 75 %, in the last 4 recorded minutes, 2026-01-15 10:06 UTC to 2026-01-15 10:09 UTC"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, clock := start(t)
			monitorsNamed(t, s, "earth")
			made(t, s, rulesPath, `{"alert_for":`+tt.rule+`,"alert_value":`+tt.value+`,`+tt.thresholds+`"monitor_tags":["earth"],"create_incident":true}`)
			post := func(points string) {
				t.Helper()
				if got := s.Do("POST", "/api/v4/status", `{"points":[`+points+`]}`); got.Status != 200 || strings.Contains(got.Body, "error") {
					t.Fatalf("%d %s", got.Status, got.Body)
				}
			}
			clock.seconds.Store(testStart + 60)
			post(tt.failing)
			clock.seconds.Store(late)
			for _, points := range tt.recovered {
				post(points)
			}
			begin, end := testMinute+60*tt.start, testMinute+60*tt.end
			impact := "DOWN"
			if tt.rule == `"LATENCY"` || tt.value == `"DEGRADED"` {
				impact = "DEGRADED"
			}
			title := "N " + strings.Trim(tt.rule, `"`) + ": " + strings.Trim(tt.value, `"`)
			answers(t, s, "v4", "/api/v4/incidents/1", fmt.Sprintf(`{"incident":{"id":1,"title":"%s","start_date_time":%d,"end_date_time":%d,"state":"RESOLVED","incident_type":"INCIDENT",`+
				`"incident_source":"ALERT","monitors":[{"monitor_tag":"earth","impact":"%s"}],"created_at":%s,"updated_at":%s,"url":"http://localhost:3000/incidents/1"}}`,
				title, begin, end, impact, isoText(testStart+60), isoText(late)))
			answers(t, s, "legacy", "/api/incident/1", fmt.Sprintf(`{"createdAt":%d,"closedAt":%d,"title":"%s","tags":["earth"],"incidentNumber":1,"startDatetime":%d,"endDatetime":%d,"body":"","impact":"%s",`+
				`"isMaintenance":false,"isIdentified":false,"isResolved":true}`, testStart+60, late, title, begin, end, impact))
			answers(t, s, "comment", "/api/v4/incidents/1/comments?limit=1", fmt.Sprintf(`{"comments":[{"id":2,"incident_id":1,"comment":"Resolved automatically by alert rule 1: %s.",`+
				`"timestamp":%d,"state":"RESOLVED","created_at":%s,"updated_at":%s}],"next_cursor":"%s"}`, tt.reason, testMinute+1200, isoText(late), isoText(late), cursorOf(fmt.Sprintf("c.%d.2", testMinute+1200))))
			answers(t, s, "alert", alertsPath+"/1", `{"alert":`+alertRecord(1, 1, "RESOLVED", "1", testStart+60, late, isoText(late), "alert_for", tt.rule, "alert_value", tt.value)+`}`)
		})
	}
}

// TestEndAfterMissingData lets points come again after a silence: the incident ends with the
// first of them, also when that is of an hour before, and never before its start.
func TestEndAfterMissingData(t *testing.T) {
	const back = testMinute + 90*60
	for _, tt := range []struct {
		name       string
		patch      string // of the incident
		points     []int64
		start, end int64
	}{
		{"the newest", "{}", []int64{back}, testMinute + 60, back},
		{"some", "{}", []int64{back - 120, back - 60, back}, testMinute + 60, back - 120},
		{"of two hours", "{}", []int64{back - 31*60, back - 30*60, back}, testMinute + 60, back},
		{"of two hours, near enough", "{}", []int64{back - 50*60, back - 40*60, back - 30*60, back - 20*60, back}, testMinute + 60, back - 50*60},
		{"the silence is filled", "{}", []int64{testMinute + 120, testMinute + 20*60, testMinute + 45*60, testMinute + 70*60, back}, testMinute + 60, testMinute + 120},
		{"it starts later", fmt.Sprintf(`{"start_date_time":%d}`, back+600), []int64{back}, back + 600, back + 600},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, clock := start(t)
			monitorsNamed(t, s, "earth")
			made(t, s, rulesPath, `{"alert_for":"NO_DATA","alert_value":28,"monitor_tags":["earth"],"create_incident":true}`)
			postStatus(t, s, testStart, "UP", "earth")
			clock.seconds.Store(testMinute + 30*60)
			s.Tick()
			if got := s.Do("PATCH", "/api/v4/incidents/1", tt.patch); got.Status != 200 {
				t.Fatalf("%d %s", got.Status, got.Body)
			}
			clock.seconds.Store(back + 30)
			var points []string
			for _, at := range tt.points {
				points = append(points, fmt.Sprintf(`{"monitor_tag":"earth","status":"DOWN","timestamp":%d}`, at))
			}
			if got := s.Do("POST", "/api/v4/status", `{"points":[`+strings.Join(points, ",")+`]}`); got.Status != 200 {
				t.Fatalf("%d %s", got.Status, got.Body)
			}
			clock.seconds.Store(back + 60)
			s.Tick()
			answers(t, s, "incident", "/api/v4/incidents", fmt.Sprintf(`{"incidents":[{"id":1,"title":"N NO_DATA: 28","start_date_time":%d,"end_date_time":%d,"state":"RESOLVED","incident_source":"ALERT",`+
				`"monitors":[{"monitor_tag":"earth","impact":"DOWN"}],"created_at":%s,"updated_at":%s,"url":"http://localhost:3000/incidents/1"}]}`,
				tt.start, tt.end, isoText(testMinute+30*60), isoText(back+60)))
			answers(t, s, "alert", alertsPath+"/1", `{"alert":`+alertRecord(1, 1, "RESOLVED", "1", testMinute+30*60, back+60, isoText(back+60), "alert_for", `"NO_DATA"`, "alert_value", "28")+`}`)
		})
	}
}

// TestEndOfALongOutage ends incidents for which so many hours are read that they take pages.
func TestEndOfALongOutage(t *testing.T) {
	const hour = 3600
	type step struct {
		at                 int64 // the hour of the request
		method, path, body string
	}
	// post posts points at hours from the one to the other, at the last of them.
	post := func(from, to int64, fields string) step {
		var points []string
		for n := from; n <= to; n++ {
			points = append(points, fmt.Sprintf(`{"monitor_tag":"earth",%s,"timestamp":%d}`, fields, testMinute+n*hour))
		}
		return step{to, "POST", "/api/v4/status", `{"points":[` + strings.Join(points, ",") + `]}`}
	}
	latency := `{"alert_for":"LATENCY","alert_value":%s,"monitor_tags":["earth"],"create_incident":true}`
	for _, tt := range []struct {
		name  string
		rules []string
		steps []step
		end   int64 // hours from testMinute
	}{
		{"latencies that no point had", []string{fmt.Sprintf(latency, "1000"), `{"alert_for":"STATUS","alert_value":"DOWN","monitor_tags":["earth"],"create_incident":true}`}, []step{
			post(0, 0, `"status":"UP","latency":5000`), post(1, 30, `"status":"DOWN"`), post(31, 31, `"status":"UP","latency":20`),
		}, 31},
		{"a rule that was changed", []string{fmt.Sprintf(latency, "100")}, []step{
			post(0, 0, `"status":"UP","latency":5000`), post(1, 70, `"status":"UP","latency":500`), {70, "PATCH", rulesPath + "/1", `{"alert_value":1000}`}, post(71, 71, `"status":"UP","latency":500`),
		}, 1},
		{"points that were deleted", []string{`{"alert_for":"NO_DATA","alert_value":60,"monitor_tags":["earth"],"create_incident":true}`}, []step{
			post(0, 33, `"status":"UP"`), {33, "DELETE", fmt.Sprintf("%s?start_ts=%d&end_ts=%d", dataPath, testMinute+hour, testMinute+33*hour), ""}, post(34, 34, `"status":"UP"`),
		}, 34},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, clock := start(t)
			monitorsNamed(t, s, "earth")
			for _, r := range tt.rules {
				made(t, s, rulesPath, r)
			}
			for _, step := range tt.steps {
				clock.seconds.Store(testStart + step.at*hour)
				if got := s.Do(step.method, step.path, step.body); got.Status != 200 || strings.Contains(got.Body, "error") {
					t.Fatalf("%s %s: %d %s", step.method, step.path, got.Status, got.Body)
				}
				s.Tick()
			}
			got := s.Do("GET", "/api/v4/incidents", "")
			if want := fmt.Sprintf(`"end_date_time":%d,"state":"RESOLVED"`, testMinute+tt.end*hour); got.Status != 200 || !strings.Contains(got.Body, want) || strings.Count(got.Body, `"id"`) != 1 {
				t.Errorf("%d %s, want one incident with %s", got.Status, got.Body, want)
			}
			answers(t, s, "no alert is open", alertsPath+"?alert_status=TRIGGERED", `{"alerts":[]}`)
		})
	}
}

// TestPatchesOfDataAreJudged opens and resolves an alert by what somebody sets by
// hand.
func TestPatchesOfDataAreJudged(t *testing.T) {
	s, _ := start(t)
	monitorsNamed(t, s, "earth")
	made(t, s, rulesPath, `{"alert_for":"LATENCY","alert_value":800,"monitor_tags":["earth"],"failure_threshold":3,"severity":"WARNING","create_incident":true}`)
	patch := func(path, body string) {
		t.Helper()
		if got := s.Do("PATCH", path, body); got.Status != 200 {
			t.Fatalf("PATCH %s: %d %s", path, got.Status, got.Body)
		}
	}
	patch(dataPath, fmt.Sprintf(`{"start_ts":%d,"end_ts":%d,"status":"UP","latency":900}`, testMinute-600, testMinute-60))
	alert := alertRecord(1, 1, "TRIGGERED", "1", testStart, testStart, "null", "alert_for", `"LATENCY"`, "alert_value", "800", "severity", `"WARNING"`)
	answers(t, s, "a range", alertsPath+"?monitor_tag=earth&alert_status=TRIGGERED", `{"alerts":[`+alert+`]}`)
	answers(t, s, "a range", "/api/v4/incidents", fmt.Sprintf(`{"incidents":[{"id":1,"title":"N LATENCY: 800","start_date_time":%d,"end_date_time":null,"state":"INVESTIGATING","incident_source":"ALERT",`+
		`"monitors":[{"monitor_tag":"earth","impact":"DEGRADED"}],"created_at":"%s","updated_at":"%s","url":"http://localhost:3000/incidents/1"}]}`, testMinute-180, testStartText, testStartText))
	patch(fmt.Sprint(dataPath, "/", testMinute+60), `{"status":"UP","latency":5}`) // in the future
	patch(fmt.Sprint(dataPath, "/", testMinute-120), `{"latency":5}`)              // not the newest
	answers(t, s, "what is not the newest", alertsPath+"/1", `{"alert":`+alert+`}`)
	patch(fmt.Sprint(dataPath, "/", testMinute-60), `{"latency":800}`)
	answers(t, s, "the newest", alertsPath+"/1", `{"alert":`+replaced(alert, "alert_status", `"RESOLVED"`, "resolved_at", isoText(testStart))+`}`)
}

// TestJudgingFollowsTheMonitor changes what degraded minutes count as: rules about uptime
// judge by it from the next point on.
func TestJudgingFollowsTheMonitor(t *testing.T) {
	s, clock := start(t)
	monitorsNamed(t, s, "earth")
	made(t, s, rulesPath, `{"alert_for":"UPTIME","alert_value":50,"monitor_tags":["earth"],"failure_threshold":2,"success_threshold":2}`)
	at := func(n int64) int64 {
		clock.seconds.Store(testStart + 60*n)
		return testStart + 60*n
	}
	count := func(n int64, body, shown string) {
		t.Helper()
		expect(t, s, "PATCH", "/api/v4/monitors/earth", `{"include_degraded_in_downtime":`+body+`}`, 200,
			strings.Replace(monitorText(1, "earth", `"N"`, "include_degraded_in_downtime", shown), `"updated_at":"`+testStartText+`"`, `"updated_at":`+isoText(at(n)), 1))
	}
	alert := func(state string, updated int64, resolved string) string {
		return alertRecord(1, 1, state, "null", testStart+120, updated, resolved, "alert_for", `"UPTIME"`, "alert_value", "50")
	}
	postStatus(t, s, at(0), "DEGRADED", "earth")
	postStatus(t, s, at(1), "DEGRADED", "earth")
	count(1, `"YES"`, `"YES"`)
	answers(t, s, "before a point", alertsPath, `{"alerts":[]}`)
	postStatus(t, s, at(2), "DEGRADED", "earth")
	answers(t, s, "degraded is down", alertsPath, `{"alerts":[`+alert("TRIGGERED", testStart+120, "null")+`]}`)
	count(3, `false`, `"NO"`)
	answers(t, s, "before a point", alertsPath, `{"alerts":[`+alert("TRIGGERED", testStart+120, "null")+`]}`)
	postStatus(t, s, at(4), "DEGRADED", "earth")
	answers(t, s, "degraded is up", alertsPath, `{"alerts":[`+alert("RESOLVED", testStart+240, isoText(testStart+240))+`]}`)
}

// TestAlertsEndWithTheirReason takes from alerts what they rest on, one way each. The
// incident stays open.
func TestAlertsEndWithTheirReason(t *testing.T) {
	for _, tt := range []struct{ name, method, path, body string }{
		{"the rule is deleted", "DELETE", rulesPath + "/1", ""},
		{"the rule is not active", "PATCH", rulesPath + "/1", `{"is_active":false}`},
		{"the rule has another monitor", "PATCH", rulesPath + "/1", `{"monitor_tags":["mars"]}`},
		{"the monitor is INACTIVE", "PATCH", "/api/v4/monitors/earth", `{"status":"INACTIVE"}`},
		{"the monitor is deleted", "DELETE", "/api/v4/monitors/earth", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, clock := start(t)
			monitorsNamed(t, s, "earth", "mars")
			made(t, s, rulesPath, `{"alert_for":"STATUS","alert_value":"DOWN","monitor_tags":["mars","earth"],"create_incident":true}`)
			postStatus(t, s, testStart, "DOWN", "earth")
			answers(t, s, "before", alertsPath, `{"alerts":[`+alertRecord(1, 1, "TRIGGERED", "1", testStart, testStart, "null")+`]}`)
			clock.seconds.Add(60)
			if got := s.Do(tt.method, tt.path, tt.body); got.Status != 200 {
				t.Fatalf("%s %s: %d %s", tt.method, tt.path, got.Status, got.Body)
			}
			if strings.Contains(tt.path, "monitors") && tt.method == "DELETE" {
				answers(t, s, "the alerts go with the monitor", alertsPath, `{"alerts":[]}`)
				answers(t, s, "the rule stays", rulesPath+"/1", ruleText(1, "monitor_tags", `["mars"]`, "create_incident", "true"))
				if got := s.Do("GET", alertsPath+"/1", ""); got.Status != 404 || got.Body != notFound("Alert with id '1' not found") {
					t.Errorf("the alert: %d %s", got.Status, got.Body)
				}
			} else {
				answers(t, s, "after", alertsPath, `{"alerts":[`+alertRecord(1, 1, "RESOLVED", "1", testStart, testStart+60, isoText(testStart+60))+`]}`)
				postStatus(t, s, testStart+60, "DOWN", "earth")
				answers(t, s, "nothing is judged any more", alertsPath+"?alert_status=TRIGGERED", `{"alerts":[]}`)
			}
			if got := s.Do("GET", "/api/v4/incidents/1", ""); got.Status != 200 || !strings.Contains(got.Body, `"end_date_time":null,"state":"INVESTIGATING"`) {
				t.Errorf("the incident: %d %s", got.Status, got.Body)
			}
			answers(t, s, "no other incident", "/api/v4/incidents?limit=1&monitor_tags=mars", `{"incidents":[]}`)
		})
	}
}

// TestInactiveMonitor makes monitors that are INACTIVE, or become it: points are kept, no
// rule fires, missing data is none, and from ACTIVE on the next point is judged.
func TestInactiveMonitor(t *testing.T) {
	s, clock := start(t)
	made(t, s, "/api/v4/monitors", `{"tag":"earth","name":"N","status":"INACTIVE"}`)
	made(t, s, rulesPath, `{"alert_for":"STATUS","alert_value":"DOWN","monitor_tags":["earth"],"create_incident":true}`)
	made(t, s, rulesPath, `{"alert_for":"NO_DATA","alert_value":1,"monitor_tags":["earth"],"create_incident":true}`)
	at := func(n int64) int64 {
		clock.seconds.Store(testStart + 60*n)
		return testStart + 60*n
	}
	status := func(now int64, value string) {
		t.Helper()
		want := strings.Replace(monitorText(1, "earth", `"N"`, "status", value), `"updated_at":"`+testStartText+`"`, `"updated_at":`+isoText(now), 1)
		expect(t, s, "PATCH", "/api/v4/monitors/earth", `{"status":`+value+`}`, 200, want)
	}
	nothing := func(what string) {
		t.Helper()
		s.Tick()
		answers(t, s, what, alertsPath+"?monitor_tag=earth", `{"alerts":[]}`)
		answers(t, s, what, "/api/v4/incidents", `{"incidents":[]}`)
	}
	nothing("made INACTIVE")
	postStatus(t, s, at(1), "DOWN", "earth")
	expect(t, s, "PATCH", fmt.Sprint(dataPath, "/", testMinute+60), `{"latency":5}`, 200, fmt.Sprintf(`{"data":{"monitor_tag":"earth","timestamp":%d,"status":"DOWN","latency":5,"type":"MANUAL"}}`, testMinute+60))
	nothing("points of an INACTIVE monitor")
	at(9)
	nothing("no point for 8 minutes")
	answers(t, s, "points are kept", fmt.Sprintf("%s?start_ts=%d&end_ts=%d", dataPath, testMinute, testMinute+600),
		fmt.Sprintf(`{"data":[{"monitor_tag":"earth","timestamp":%d,"status":"DOWN","latency":5,"type":"MANUAL"}]}`, testMinute+60))
	status(at(10), `"ACTIVE"`)
	answers(t, s, "ACTIVE, before a point", alertsPath+"?monitor_tag=earth", `{"alerts":[]}`)
	postStatus(t, s, at(10), "DOWN", "earth")
	s.Tick()
	alert := alertRecord(1, 1, "TRIGGERED", "1", testStart+600, testStart+600, "null")
	answers(t, s, "ACTIVE", alertsPath+"?monitor_tag=earth", `{"alerts":[`+alert+`]}`)
	at(12)
	s.Tick()
	got := s.Do("GET", alertsPath+"?monitor_tag=earth&alert_status=TRIGGERED", "")
	if strings.Count(got.Body, `"alert_status"`) != 2 {
		t.Fatalf("no point for a minute: %s", got.Body)
	}
	incidents := s.Do("GET", "/api/v4/incidents", "").Body
	status(at(13), `"INACTIVE"`)
	s.Tick()
	answers(t, s, "INACTIVE again", alertsPath+"?monitor_tag=earth&alert_status=TRIGGERED", `{"alerts":[]}`)
	answers(t, s, "INACTIVE again", alertsPath+"/1", `{"alert":`+alertRecord(1, 1, "RESOLVED", "1", testStart+600, testStart+780, isoText(testStart+780))+`}`)
	answers(t, s, "the incidents stay", "/api/v4/incidents", incidents)
	postStatus(t, s, at(14), "UP", "earth")
	answers(t, s, "the incidents stay", "/api/v4/incidents", incidents)
	// Null is as good as ACTIVE.
	status(at(15), `null`)
	postStatus(t, s, at(15), "DOWN", "earth")
	if got := s.Do("GET", alertsPath+"?alert_status=TRIGGERED&monitor_tag=earth&alert_rule_id=1", ""); strings.Count(got.Body, `"alert_status"`) != 1 {
		t.Errorf("ACTIVE again: %s", got.Body)
	}
	status(at(16), `"INACTIVE"`)
	expect(t, s, "DELETE", "/api/v4/monitors/earth", "", 200, `{"message":"Monitor 'earth' deleted successfully"}`)
	answers(t, s, "deleted", alertsPath, `{"alerts":[]}`)
	for _, problem := range s.Table.Contents(t).Check() {
		t.Error(problem)
	}
}

// TestAlertFilters lists alerts of two rules on three monitors.
func TestAlertFilters(t *testing.T) {
	s, clock := start(t)
	monitorsNamed(t, s, "earth", "mars", "venus")
	made(t, s, rulesPath, `{"alert_for":"STATUS","alert_value":"DOWN","monitor_tags":["earth","mars"]}`)
	made(t, s, rulesPath, `{"alert_for":"STATUS","alert_value":"DEGRADED","monitor_tags":["earth"],"severity":"WARNING"}`)
	postStatus(t, s, testStart, "DOWN", "mars")
	clock.seconds.Add(60)
	postStatus(t, s, testStart+60, "UP", "mars")
	postStatus(t, s, testStart+60, "DEGRADED", "earth")
	clock.seconds.Add(60)
	postStatus(t, s, testStart+120, "DOWN", "earth")
	mars := alertRecord(1, 1, "RESOLVED", "null", testStart, testStart+60, isoText(testStart+60), "monitor_tag", `"mars"`)
	degraded := alertRecord(2, 2, "TRIGGERED", "null", testStart+60, testStart+60, "null", "alert_value", `"DEGRADED"`, "severity", `"WARNING"`)
	down := alertRecord(3, 1, "TRIGGERED", "null", testStart+120, testStart+120, "null")
	for query, want := range map[string][]string{
		"": {down, degraded, mars},
		"?monitor_tag=&alert_status=&alert_rule_id=&limit=&cursor=": {down, degraded, mars},
		"?monitor_tag=earth":                                 {down, degraded},
		"?monitor_tag=mars&monitor_tag=earth":                {mars},
		"?monitor_tag=venus":                                 nil,
		"?alert_status=TRIGGERED":                            {down, degraded},
		"?alert_status=RESOLVED":                             {mars},
		"?alert_rule_id=1":                                   {down, mars},
		"?alert_rule_id=002":                                 {degraded},
		"?alert_rule_id=3":                                   nil,
		"?alert_rule_id=1&monitor_tag=earth":                 {down},
		"?alert_rule_id=1&alert_status=TRIGGERED":            {down},
		"?alert_status=RESOLVED&monitor_tag=earth":           nil,
		"?limit=2&x=y":                                       {down, degraded, `next ` + cursorOf("a.2")},
		"?limit=2&cursor=" + cursorOf("a.2"):                 {mars},
		"?limit=1&monitor_tag=earth":                         {down, `next ` + cursorOf("a.3")},
		"?monitor_tag=earth&cursor=" + cursorOf("a.3"):       {degraded},
		"?cursor=" + cursorOf("a.1"):                         nil,
		"?limit=1&alert_rule_id=1&cursor=" + cursorOf("a.3"): {mars},
	} {
		next := ""
		if n := len(want); n > 0 {
			if cursor, ok := strings.CutPrefix(want[n-1], "next "); ok {
				want, next = want[:n-1], `,"next_cursor":"`+cursor+`"`
			}
		}
		answers(t, s, "filter", alertsPath+query, `{"alerts":[`+strings.Join(want, ",")+`]`+next+`}`)
	}
}

// TestMissingData runs what the schedule runs, at the edges of the rule's minutes.
func TestMissingData(t *testing.T) {
	s, clock := start(t)
	monitorsNamed(t, s, "earth", "mars")
	made(t, s, rulesPath, `{"alert_for":"NO_DATA","alert_value":3,"monitor_tags":["earth","mars"],"create_incident":true}`)
	postStatus(t, s, testStart, "UP", "earth")
	alert := func(id int64, tag, incident string, fields ...string) string {
		return alertRecord(id, 1, "TRIGGERED", incident, testMinute+240, testMinute+240, "null",
			append([]string{"monitor_tag", `"` + tag + `"`, "alert_for", `"NO_DATA"`, "alert_value", "3"}, fields...)...)
	}
	// The minutes 10:01, 10:02 and 10:03 must be over.
	clock.seconds.Store(testMinute + 239)
	s.Tick()
	answers(t, s, "a second before", alertsPath, `{"alerts":[]}`)
	clock.seconds.Store(testMinute + 240)
	for range 2 {
		s.Tick()
	}
	list := func(tag string) string { return alertsPath + "?monitor_tag=" + tag }
	first, second := s.Do("GET", list("earth"), "").Body, s.Do("GET", list("mars"), "").Body
	earth, mars := int64(1), int64(2) // or the other way round: they are judged at once
	if strings.Contains(first, `"id":2,`) {
		earth, mars = mars, earth
	}
	incidentOf := func(body string) string {
		_, rest, _ := strings.Cut(body, `"incident_id":`)
		id, _, _ := strings.Cut(rest, ",")
		return id
	}
	answers(t, s, "earth", list("earth"), `{"alerts":[`+alert(earth, "earth", incidentOf(first))+`]}`)
	answers(t, s, "mars, which never had data", list("mars"), `{"alerts":[`+alert(mars, "mars", incidentOf(second))+`]}`)
	got := s.Do("GET", "/api/v4/incidents/"+incidentOf(first)+"/comments", "")
	if want := "Opened automatically by alert rule 1: no data for 3 minutes, the newest point is of 2026-01-15 10:00 UTC."; !strings.Contains(got.Body, want) {
		t.Errorf("comments of earth's incident: %d %s", got.Status, got.Body)
	}
	got = s.Do("GET", "/api/v4/incidents/"+incidentOf(second)+"/comments", "")
	if want := "no data for 3 minutes, there is no point since the rule was made at 2026-01-15 10:00 UTC."; !strings.Contains(got.Body, want) {
		t.Errorf("comments of mars' incident: %d %s", got.Status, got.Body)
	}
	clock.seconds.Store(testMinute + 300)
	postStatus(t, s, testMinute+300, "DOWN", "earth") // any point will do
	s.Tick()
	answers(t, s, "data again", list("earth"), `{"alerts":[`+alert(earth, "earth", incidentOf(first), "alert_status", `"RESOLVED"`, "updated_at", isoText(testMinute+300), "resolved_at", isoText(testMinute+300))+`]}`)
	answers(t, s, "still none", list("mars"), `{"alerts":[`+alert(mars, "mars", incidentOf(second))+`]}`)
	if log := s.Log.String(); strings.Count(log, `"msg":"missing data","service":"minute","rules":1,"monitors":2,"opened":2,"resolved":0`) != 1 || strings.Count(log, `"opened":0,"resolved":1`) != 1 {
		t.Errorf("log: %s", log)
	}
	if got := s.DoWith(http.MethodHead, alertsPath, "", s.Header()); got.Status != 200 || got.Body != "" {
		t.Errorf("HEAD: %d %s", got.Status, got.Body)
	}
}
