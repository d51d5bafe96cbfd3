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

const rulesPath = "/api/v4/alert-rules"

// ruleRecord is a rule about earth being DOWN as it is made when nothing else is
// given, at the test's start, with fields replaced: pairs of a name and its value in
// JSON.
func ruleRecord(id int64, fields ...string) string {
	text := fmt.Sprintf(`{"id":%d,"alert_for":"STATUS","alert_value":"DOWN","monitor_tags":["earth"],"failure_threshold":1,"success_threshold":1,`+
		`"severity":"CRITICAL","create_incident":false,"description":null,"is_active":true,"created_at":"%s","updated_at":"%s"}`, id, testStartText, testStartText)
	return replaced(text, fields...)
}

// replaced puts values in the place of those of a flat JSON object's fields.
func replaced(text string, fields ...string) string {
	for i := 0; i < len(fields); i += 2 {
		_, rest, found := strings.Cut(text, `"`+fields[i]+`":`)
		if !found {
			panic("no field " + fields[i])
		}
		end := strings.Index(rest, `,"`)
		if end < 0 {
			end = strings.Index(rest, "}")
		}
		if strings.HasPrefix(rest, "[") {
			end = strings.Index(rest, "]") + 1
		}
		text = strings.Replace(text, `"`+fields[i]+`":`+rest[:end], `"`+fields[i]+`":`+fields[i+1], 1)
	}
	return text
}

func ruleText(id int64, fields ...string) string {
	return `{"alert_rule":` + ruleRecord(id, fields...) + `}`
}

// The messages about the fields of a rule.
const (
	forRequired  = "alert_for is required and must be one of: STATUS, LATENCY, UPTIME, NO_DATA"
	forOneOf     = "alert_for must be one of: STATUS, LATENCY, UPTIME, NO_DATA"
	statusValue  = "alert_value must be DOWN or DEGRADED when alert_for is STATUS"
	latencyValue = "alert_value must be a number of milliseconds above 0 and at most 1000000000 when alert_for is LATENCY"
	uptimeValue  = "alert_value must be a percentage above 0 and at most 100 when alert_for is UPTIME"
	silenceValue = "alert_value must be a whole number of minutes from 1 to 43200 when alert_for is NO_DATA"
	anyValue     = "alert_value must be a string or a number"
	ruleTags     = "monitor_tags must be a non-empty array"
	ruleTag      = "Each monitor tag must be a non-empty string"
	failuresForm = "failure_threshold must be an integer between 1 and 60"
	successForm  = "success_threshold must be an integer between 1 and 60"
	severityForm = "severity must be one of: CRITICAL, WARNING"
)

// manyTags is a JSON array of so many tags, m0 and so on.
func manyTags(n int) string {
	var tags []string
	for i := range n {
		tags = append(tags, fmt.Sprintf(`"m%d"`, i))
	}
	return "[" + strings.Join(tags, ",") + "]"
}

// sharedRuleRows are refused by POST and by PATCH alike, with what makes the rest of
// the body right put before them.
var sharedRuleRows = [][2]string{
	{`"monitor_tags":null`, ruleTags}, {`"monitor_tags":"earth"`, ruleTags}, {`"monitor_tags":{"0":"earth"}`, ruleTags}, {`"monitor_tags":[]`, ruleTags},
	{`"monitor_tags":["earth",""]`, ruleTag}, {`"monitor_tags":[5]`, ruleTag}, {`"monitor_tags":[null]`, ruleTag}, {`"monitor_tags":[{"monitor_tag":"earth"}]`, ruleTag},
	{`"monitor_tags":` + manyTags(49), "At most 48 monitors"},
	{`"failure_threshold":null`, failuresForm}, {`"failure_threshold":0`, failuresForm}, {`"failure_threshold":61`, failuresForm}, {`"failure_threshold":1.5`, failuresForm},
	{`"failure_threshold":"3"`, failuresForm}, {`"failure_threshold":true`, failuresForm}, {`"failure_threshold":-1`, failuresForm}, {`"failure_threshold":1e400`, failuresForm},
	{`"success_threshold":null`, successForm}, {`"success_threshold":0`, successForm}, {`"success_threshold":61`, successForm}, {`"success_threshold":[]`, successForm},
	{`"severity":null`, severityForm}, {`"severity":"critical"`, severityForm}, {`"severity":""`, severityForm}, {`"severity":1`, severityForm},
	{`"create_incident":null`, "create_incident must be a boolean"}, {`"create_incident":"true"`, "create_incident must be a boolean"}, {`"create_incident":1`, "create_incident must be a boolean"},
	{`"description":5`, "description must be a string"}, {`"description":["x"]`, "description must be a string"},
	{`"description":"` + strings.Repeat("d", 1025) + `"`, "description must be at most 1024 characters"},
	{`"description":"` + strings.Repeat("🔥", 513) + `"`, "description must be at most 1024 characters"},
	{`"is_active":null`, "is_active must be a boolean"}, {`"is_active":"no"`, "is_active must be a boolean"}, {`"is_active":0`, "is_active must be a boolean"},
	// In the order of the fields.
	{`"monitor_tags":5,"failure_threshold":0`, ruleTags}, {`"failure_threshold":0,"success_threshold":0`, failuresForm}, {`"success_threshold":0,"severity":0`, successForm},
	{`"severity":0,"create_incident":0`, severityForm}, {`"create_incident":0,"description":0`, "create_incident must be a boolean"}, {`"description":0,"is_active":0`, "description must be a string"},
}

// valueRows are alert_for and alert_value together, and the message for them.
var valueRows = [][2]string{
	{`"alert_for":"STATUS","alert_value":"UP"`, statusValue}, {`"alert_for":"STATUS","alert_value":"down"`, statusValue}, {`"alert_for":"STATUS","alert_value":5`, statusValue},
	{`"alert_for":"STATUS","alert_value":null`, statusValue}, {`"alert_for":"STATUS","alert_value":["DOWN"]`, statusValue}, {`"alert_for":"STATUS","alert_value":""`, statusValue},
	{`"alert_for":"LATENCY","alert_value":0`, latencyValue}, {`"alert_for":"LATENCY","alert_value":-0.5`, latencyValue}, {`"alert_for":"LATENCY","alert_value":1000000000.5`, latencyValue},
	{`"alert_for":"LATENCY","alert_value":"800"`, latencyValue}, {`"alert_for":"LATENCY","alert_value":1e400`, latencyValue}, {`"alert_for":"LATENCY","alert_value":"DOWN"`, latencyValue},
	{`"alert_for":"LATENCY","alert_value":1e-400`, latencyValue}, {`"alert_for":"LATENCY","alert_value":true`, latencyValue},
	{`"alert_for":"UPTIME","alert_value":0`, uptimeValue}, {`"alert_for":"UPTIME","alert_value":100.01`, uptimeValue}, {`"alert_for":"UPTIME","alert_value":{}`, uptimeValue},
	{`"alert_for":"NO_DATA","alert_value":0`, silenceValue}, {`"alert_for":"NO_DATA","alert_value":1.5`, silenceValue}, {`"alert_for":"NO_DATA","alert_value":43201`, silenceValue},
	{`"alert_for":"NO_DATA","alert_value":"5"`, silenceValue}, {`"alert_for":"NO_DATA","alert_value":false`, silenceValue},
}

func TestAlertRuleRefusals(t *testing.T) {
	s, _ := start(t)
	monitorsNamed(t, s, "earth", "mars")
	made(t, s, rulesPath, `{"alert_for":"STATUS","alert_value":"DOWN","monitor_tags":["earth"]}`)
	made(t, s, rulesPath, `{"alert_for":"LATENCY","alert_value":800,"monitor_tags":["earth"]}`)
	for range 18 {
		made(t, s, rulesPath, `{"alert_for":"NO_DATA","alert_value":5,"monitor_tags":["earth"]}`)
	}
	made(t, s, rulesPath, `{"alert_for":"NO_DATA","alert_value":5,"monitor_tags":["mars"]}`)
	made(t, s, rulesPath, `{"alert_for":"NO_DATA","alert_value":5,"monitor_tags":["earth"],"is_active":false}`)
	s.Do("GET", rulesPath, "") // notes the hour
	var rows []attempt
	add := func(method, path, body, message string) {
		rows = append(rows, attempt{method + path + body[:min(60, len(body))], method, path, body, 400, badRequest(message)})
	}
	for _, r := range [][2]string{
		{``, "Invalid JSON body"}, {`[]`, "Invalid JSON body"}, {`{`, "Invalid JSON body"},
		{`{}`, forRequired}, {`{"alert_value":"DOWN","monitor_tags":["earth"]}`, forRequired}, {`{"alert_for":null}`, forOneOf}, {`{"alert_for":"status"}`, forOneOf}, {`{"alert_for":5}`, forOneOf},
		{`{"alert_for":"STATUS"}`, "alert_value is required"}, {`{"alert_for":"STATUS","monitor_tags":5}`, "alert_value is required"},
		{`{"alert_for":"STATUS","alert_value":"DOWN"}`, ruleTags},
		{`{"alert_for":"STATUS","alert_value":"UP","monitor_tags":5}`, statusValue}, // in the order of the fields
		{`{"alert_for":"STATUS","alert_value":"DOWN","monitor_tags":["pluto"]}`, "Monitor with tag 'pluto' not found"},
		{`{"alert_for":"STATUS","alert_value":"DOWN","monitor_tags":["earth","EARTH "]}`, "Monitor with tag 'EARTH ' not found"},
		{`{"alert_for":"STATUS","alert_value":"DOWN","monitor_tags":["mars","earth"]}`, "Monitor 'earth' has 20 active alert rules already"},
	} {
		add("POST", rulesPath, r[0], r[1])
	}
	for _, r := range valueRows {
		add("POST", rulesPath, `{"monitor_tags":["earth"],`+r[0]+`}`, r[1])
		add("PATCH", rulesPath+"/1", `{`+r[0]+`}`, r[1])
	}
	for _, r := range sharedRuleRows {
		tags := `"monitor_tags":["mars"],`
		if strings.Contains(r[0], "monitor_tags") {
			tags = ""
		}
		add("POST", rulesPath, `{"alert_for":"STATUS","alert_value":"DOWN",`+tags+r[0]+`}`, r[1])
		add("PATCH", rulesPath+"/1", `{`+r[0]+`}`, r[1])
	}
	for _, r := range [][3]string{
		{"1", `[]`, "Invalid JSON body"}, {"1", `{"alert_for":null,"alert_value":null}`, forOneOf},
		{"1", `{"alert_value":null}`, anyValue}, {"1", `{"alert_value":true}`, anyValue}, {"1", `{"alert_value":[]}`, anyValue},
		{"1", `{"alert_value":"UP"}`, statusValue}, {"1", `{"alert_value":5}`, statusValue}, {"1", `{"alert_for":"LATENCY"}`, latencyValue}, {"1", `{"alert_for":"NO_DATA"}`, silenceValue},
		{"2", `{"alert_value":"DOWN"}`, latencyValue}, {"2", `{"alert_for":"UPTIME"}`, uptimeValue}, {"2", `{"alert_for":"STATUS"}`, statusValue}, {"2", `{"alert_value":0}`, latencyValue},
		{"1", `{"monitor_tags":["pluto"],"alert_value":"UP"}`, "Monitor with tag 'pluto' not found"},
		{"21", `{"monitor_tags":["mars","earth"]}`, "Monitor 'earth' has 20 active alert rules already"},
		{"22", `{"is_active":true}`, "Monitor 'earth' has 20 active alert rules already"},
	} {
		add("PATCH", rulesPath+"/"+r[0], r[1], r[2])
	}
	for _, id := range []string{"x", "1x", "1.0", "+1", "%20"} {
		for _, method := range []string{"GET", "PATCH", "DELETE"} {
			add(method, rulesPath+"/"+id, map[string]string{"PATCH": `{`}[method], "Alert rule ID must be a valid integer")
		}
		add("GET", "/api/v4/alerts/"+id, "", "Alert ID must be a valid integer")
	}
	for _, query := range []string{"limit=0", "limit=1001", "limit=x"} {
		add("GET", rulesPath+"?"+query, "", "limit must be an integer between 1 and 1000")
		add("GET", "/api/v4/alerts?"+query, "", "limit must be an integer between 1 and 1000")
	}
	for _, cursor := range []string{"x", cursorOf("a.1"), cursorOf("m.1"), cursorOf("r.0"), cursorOf("r.1.1")} {
		add("GET", rulesPath+"?cursor="+cursor, "", "Invalid cursor")
	}
	add("GET", "/api/v4/alerts?cursor="+cursorOf("r.1"), "", "Invalid cursor")
	for _, status := range []string{"triggered", "OPEN", "x", "%20"} {
		add("GET", "/api/v4/alerts?alert_rule_id=x&alert_status="+status, "", "alert_status must be one of: TRIGGERED, RESOLVED")
	}
	for _, id := range []string{"x", "1.5", "1,2", "%20", "0", "-1", "9007199254740992", "99999999999999999999"} {
		add("GET", "/api/v4/alerts?limit=0&alert_rule_id="+id, "", "alert_rule_id must be a valid id")
	}
	for _, id := range []string{"99", "0", "-1", "9007199254740992", strings.Repeat("9", 30)} {
		shown := map[string]string{strings.Repeat("9", 30): "1e+30"}[id]
		if shown == "" {
			shown = id
		}
		missing := notFound("Alert rule with id '" + shown + "' not found")
		rows = append(rows,
			attempt{"GET " + id, "GET", rulesPath + "/" + id, "", 404, missing},
			attempt{"DELETE " + id, "DELETE", rulesPath + "/" + id, "", 404, missing},
			attempt{"alert " + id, "GET", "/api/v4/alerts/" + id, "", 404, notFound("Alert with id '" + shown + "' not found")},
		)
	}
	rows = append(rows,
		attempt{"PATCH of none", "PATCH", rulesPath + "/99", `{"monitor_tags":["pluto"]}`, 404, notFound("Alert rule with id '99' not found")},
		attempt{"alerts of no monitor", "GET", "/api/v4/alerts?monitor_tag=pluto", "", 404, notFound("Monitor with tag 'pluto' not found")},
		attempt{"PUT", "PUT", rulesPath, "{}", 405, fail("METHOD_NOT_ALLOWED", "PUT method not allowed")},
		attempt{"POST of an alert", "POST", "/api/v4/alerts", "{}", 405, fail("METHOD_NOT_ALLOWED", "POST method not allowed")},
		attempt{"DELETE of an alert", "DELETE", "/api/v4/alerts/1", "", 405, fail("METHOD_NOT_ALLOWED", "DELETE method not allowed")},
	)
	refusals(t, s, 0, rows)
	reader := s.NewKey(statuspage.NewAPIKey{Name: "reader", Scopes: []statuspage.Scope{statuspage.ScopeMonitorsRead}})
	for _, r := range [][2]string{{"POST", rulesPath}, {"PATCH", rulesPath + "/1"}, {"DELETE", rulesPath + "/1"}} {
		got := s.DoWith(r[0], r[1], "", http.Header{"Authorization": {"Bearer " + reader}})
		if got.Status != 403 || got.Body != fail("FORBIDDEN", "API key lacks the scope 'monitors:write'") {
			t.Errorf("%s %s with a key that may only read: %d %s", r[0], r[1], got.Status, got.Body)
		}
	}
	incidents := s.NewKey(statuspage.NewAPIKey{Name: "incidents", Scopes: []statuspage.Scope{statuspage.ScopeIncidentsWrite}})
	for _, path := range []string{rulesPath, rulesPath + "/1", "/api/v4/alerts", "/api/v4/alerts/1"} {
		got := s.DoWith("GET", path, "", http.Header{"Authorization": {"Bearer " + incidents}})
		if got.Status != 403 || got.Body != fail("FORBIDDEN", "API key lacks the scope 'monitors:read'") {
			t.Errorf("GET %s with a key for incidents: %d %s", path, got.Status, got.Body)
		}
	}
}

func TestAlertRulesOverHTTP(t *testing.T) {
	s, clock := start(t)
	monitorsNamed(t, s, "earth", "mars", "venus")
	for i := range 48 {
		monitorsNamed(t, s, fmt.Sprintf("m%d", i))
	}
	const later = `"2026-01-15T10:01:00.000Z"`
	long := `"` + strings.Repeat("🔥", 512) + `"`
	attempts(t, s, 0, []attempt{
		{"none yet", "GET", rulesPath, "", 200, `{"alert_rules":[]}`},
		{"as little as there must be", "POST", rulesPath, `{"alert_for":"STATUS","alert_value":"DOWN","monitor_tags":["earth"]}`, 201, ruleText(1)},
		{"everything", "POST", rulesPath, `{"alert_for":"LATENCY","alert_value":0.25,"monitor_tags":["mars","earth","mars"],"failure_threshold":60,"success_threshold":2.0,"severity":"WARNING",` +
			`"create_incident":true,"description":" Call <Ada>. ","is_active":false,"id":99,"x":1}`, 201,
			ruleText(2, "alert_for", `"LATENCY"`, "alert_value", "0.25", "monitor_tags", `["mars","earth"]`, "failure_threshold", "60", "success_threshold", "2", "severity", `"WARNING"`,
				"create_incident", "true", "description", `" Call <Ada>. "`, "is_active", "false")},
		{"uptime of many", "POST", rulesPath, `{"alert_for":"UPTIME","alert_value":1e2,"monitor_tags":` + manyTags(48) + `}`, 201,
			ruleText(3, "alert_for", `"UPTIME"`, "alert_value", "100", "monitor_tags", manyTags(48))},
		{"no data, degraded", "POST", rulesPath, `{"alert_for":"NO_DATA","alert_value":43200.0,"monitor_tags":["venus"],"description":null}`, 201,
			ruleText(4, "alert_for", `"NO_DATA"`, "alert_value", "43200", "monitor_tags", `["venus"]`)},
		{"get", "GET", rulesPath + "/01", "", 200, ruleText(1)},
		{"delete", "DELETE", rulesPath + "/03", "", 200, `{"message":"Alert rule with id '3' deleted successfully"}`},
		{"it is gone", "GET", rulesPath + "/3", "", 404, notFound("Alert rule with id '3' not found")},
		{"delete again", "DELETE", rulesPath + "/3", "", 404, notFound("Alert rule with id '3' not found")},
		{"list", "GET", rulesPath, "", 200, `{"alert_rules":[` +
			ruleRecord(4, "alert_for", `"NO_DATA"`, "alert_value", "43200", "monitor_tags", `["venus"]`) + "," +
			ruleRecord(2, "alert_for", `"LATENCY"`, "alert_value", "0.25", "monitor_tags", `["mars","earth"]`, "failure_threshold", "60", "success_threshold", "2", "severity", `"WARNING"`,
				"create_incident", "true", "description", `" Call <Ada>. "`, "is_active", "false") + "," + ruleRecord(1) + `]}`},
		{"first page", "GET", rulesPath + "?limit=2", "", 200, `{"alert_rules":[` +
			ruleRecord(4, "alert_for", `"NO_DATA"`, "alert_value", "43200", "monitor_tags", `["venus"]`) + "," +
			ruleRecord(2, "alert_for", `"LATENCY"`, "alert_value", "0.25", "monitor_tags", `["mars","earth"]`, "failure_threshold", "60", "success_threshold", "2", "severity", `"WARNING"`,
				"create_incident", "true", "description", `" Call <Ada>. "`, "is_active", "false") + `],"next_cursor":"` + cursorOf("r.2") + `"}`},
		{"last page", "GET", rulesPath + "?limit=1&cursor=" + cursorOf("r.2"), "", 200, `{"alert_rules":[` + ruleRecord(1) + `]}`},
		{"after the last", "GET", rulesPath + "?cursor=" + cursorOf("r.1"), "", 200, `{"alert_rules":[]}`},
	})
	clock.seconds.Store(testMinute + 60)
	updated := func(fields ...string) string { return ruleText(1, append(fields, "updated_at", later)...) }
	attempts(t, s, 0, []attempt{
		{"change nothing", "PATCH", rulesPath + "/1", `{}`, 200, updated()},
		{"the value alone", "PATCH", rulesPath + "/1", `{"alert_value":"DEGRADED"}`, 200, updated("alert_value", `"DEGRADED"`)},
		{"what is watched, with its value", "PATCH", rulesPath + "/1", `{"alert_for":"LATENCY","alert_value":50}`, 200, updated("alert_for", `"LATENCY"`, "alert_value", "50")},
		{"what is watched alone, where the value fits", "PATCH", rulesPath + "/1", `{"alert_for":"UPTIME"}`, 200, updated("alert_for", `"UPTIME"`, "alert_value", "50")},
		{"the number alone", "PATCH", rulesPath + "/1", `{"alert_value":99.95}`, 200, updated("alert_for", `"UPTIME"`, "alert_value", "99.95")},
		{"back", "PATCH", rulesPath + "/1", `{"alert_for":"STATUS","alert_value":"DOWN"}`, 200, updated()},
		{"the rest", "PATCH", rulesPath + "/1", `{"monitor_tags":["venus","earth","venus"],"failure_threshold":3,"severity":"WARNING","create_incident":true,"description":` + long + `,"is_active":false}`, 200,
			updated("monitor_tags", `["venus","earth"]`, "failure_threshold", "3", "severity", `"WARNING"`, "create_incident", "true", "description", long, "is_active", "false")},
		{"what is not sent stays", "PATCH", rulesPath + "/1", `{"success_threshold":2,"id":7,"created_at":"x","description":null}`, 200,
			updated("monitor_tags", `["venus","earth"]`, "failure_threshold", "3", "success_threshold", "2", "severity", `"WARNING"`, "create_incident", "true", "is_active", "false")},
	})
	if got := s.Do("DELETE", "/api/v4/monitors/venus", ""); got.Status != 200 {
		t.Fatalf("%d %s", got.Status, got.Body)
	}
	want := updated("monitor_tags", `["earth"]`, "failure_threshold", "3", "success_threshold", "2", "severity", `"WARNING"`, "create_incident", "true", "is_active", "false")
	if got := s.Do("GET", rulesPath+"/1", ""); got.Body != want {
		t.Errorf("after its monitor was deleted: %s, want %s", got.Body, want)
	}
	if got := s.Do("GET", rulesPath+"/4", ""); got.Body != ruleText(4, "alert_for", `"NO_DATA"`, "alert_value", "43200", "monitor_tags", `[]`) {
		t.Errorf("after its only monitor was deleted: %s", got.Body)
	}
}

// A POST with an Idempotency-Key makes one rule.
func TestAlertRuleOnce(t *testing.T) {
	s, clock := start(t)
	monitorsNamed(t, s, "earth")
	post := func(body string) apitest.Response {
		return s.DoWith("POST", rulesPath, body, s.Header("Idempotency-Key", "rule-1"))
	}
	const body = `{"alert_for":"STATUS","alert_value":"DOWN","monitor_tags":["earth"]}`
	if got := post(body); got.Status != 201 || got.Body != ruleText(1) || got.Header.Get("Idempotent-Replayed") != "" {
		t.Errorf("first: %d %s", got.Status, got.Body)
	}
	clock.seconds.Add(3600)
	s.Do("PATCH", rulesPath+"/1", `{"is_active":false}`)
	if got := post(body); got.Status != 201 || got.Body != ruleText(1) || got.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("again: %d %s", got.Status, got.Body)
	}
	if got := post(strings.Replace(body, "DOWN", "DEGRADED", 1)); got.Status != 422 {
		t.Errorf("another body: %d %s", got.Status, got.Body)
	}
	want := `{"alert_rules":[` + ruleRecord(1, "is_active", "false", "updated_at", `"2026-01-15T11:00:30.000Z"`) + `]}`
	if diff := cmp.Diff(want, s.Do("GET", rulesPath, "").Body); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
}
