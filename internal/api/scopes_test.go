package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"tocsin/internal/apitest"
	"tocsin/internal/statuspage"
)

// keyWith makes a key with the scopes and returns its header.
func keyWith(s *apitest.Server, scopes ...statuspage.Scope) http.Header {
	return http.Header{"Authorization": {"Bearer " + s.NewKey(statuspage.NewAPIKey{Name: "k", Scopes: scopes})}}
}

// earlyKey makes a key as programs did before keys had a version of their scopes.
func earlyKey(t *testing.T, s *apitest.Server, scopes ...statuspage.Scope) http.Header {
	t.Helper()
	header := keyWith(s, scopes...)
	makeEarly(t, s, strings.TrimPrefix(header.Get("Authorization"), "Bearer "))
	return header
}

// makeEarly makes a key's record what such a program has written.
func makeEarly(t *testing.T, s *apitest.Server, secret string) {
	t.Helper()
	_, err := s.Table.DynamoDB(nil).UpdateItem(context.Background(), &dynamodb.UpdateItemInput{
		TableName: &s.Table.Name, UpdateExpression: new("REMOVE scopes_version"), ConditionExpression: new("attribute_exists(scopes_version)"),
		Key: map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "APIKEY#" + statuspage.HashSecret(secret)}, "sk": &types.AttributeValueMemberS{Value: "META"}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestTypeDataIsForWriters goes through every answer that has a monitor in it.
func TestTypeDataIsForWriters(t *testing.T) {
	s, _ := start(t)
	const secret = `{"headers":[{"key":"Authorization","value":"Bearer 42"}]}`
	const body = `{"tag":"earth","name":"E","type_data":` + secret + `,"monitor_settings_json":{"a":1}}`
	shown := monitorText(1, "earth", `"E"`, "type_data", secret, "monitor_settings_json", `{"a":1}`)
	hidden := monitorText(1, "earth", `"E"`, "monitor_settings_json", `{"a":1}`)
	list := func(answer string) string {
		return `{"monitors":[` + strings.TrimSuffix(strings.TrimPrefix(answer, `{"monitor":`), "}") + `]}`
	}

	writer := keyWith(s, statuspage.ScopeMonitorsWrite)
	writer.Set("Idempotency-Key", "k")
	for _, what := range []string{"POST", "POST again"} {
		if got := s.DoWith("POST", "/api/v4/monitors", body, writer); got.Status != 201 || got.Body != shown {
			t.Errorf("%s: %d %s", what, got.Status, got.Body)
		}
	}
	writer.Del("Idempotency-Key")
	if got := s.DoWith("PATCH", "/api/v4/monitors/earth", `{}`, writer); got.Status != 200 || got.Body != shown {
		t.Errorf("PATCH: %d %s", got.Status, got.Body)
	}
	for _, tt := range []struct {
		name string
		key  http.Header
		want string
	}{
		{"monitors:write", writer, shown},
		{"admin", keyWith(s, statuspage.ScopeAdmin), shown},
		{"monitors:read", keyWith(s, statuspage.ScopeMonitorsRead), hidden},
		{"every scope but the two", keyWith(s, statuspage.ScopeMonitorsRead, statuspage.ScopeIncidentsWrite, statuspage.ScopeStatusWrite), hidden},
		{"an early reader", earlyKey(t, s, statuspage.ScopeMonitorsRead), hidden},
	} {
		for path, want := range map[string]string{"/api/v4/monitors/earth": tt.want, "/api/v4/monitors": list(tt.want)} {
			got := s.DoWith("GET", path, "", tt.key)
			if diff := cmp.Diff(answer{200, want}, answer{got.Status, got.Body}); diff != "" {
				t.Errorf("%s: GET %s (-want +got):\n%s", tt.name, path, diff)
			}
		}
	}
	if log := s.Log.String(); strings.Contains(log, "Bearer 42") {
		t.Errorf("the log has it: %s", log)
	}
}

// TestStatusWriteAlone posts statuses with a key that may do nothing else.
func TestStatusWriteAlone(t *testing.T) {
	s, _ := start(t)
	monitorsNamed(t, s, "earth")
	secret, _ := newKey(t, s, `{"name":"probe","scopes":["status:write"]}`)
	probe := http.Header{"Authorization": {"Bearer " + secret}}
	for _, tt := range []attempt{
		{"v4", "POST", "/api/v4/status", `{"points":[{"monitor_tag":"earth","status":"UP"}]}`, 200, `{"results":[{"monitor_tag":"earth","timestamp":1768471200}]}`},
		{"legacy", "POST", "/api/status", `{"tag":"earth","status":"UP","latency":1}`, 200, `{"status":200,"message":"success at 1768471200"}`},
		{"legacy reading", "GET", "/api/status?tag=earth", "", 403, flat("API key lacks the scope 'monitors:read'")},
		{"monitor", "GET", "/api/v4/monitors/earth", "", 403, fail("FORBIDDEN", "API key lacks the scope 'monitors:read'")},
		{"minute", "PATCH", "/api/v4/monitors/earth/data/600", "{}", 403, fail("FORBIDDEN", "API key lacks the scope 'monitors:write'")},
		{"incident", "GET", "/api/v4/incidents", "", 403, fail("FORBIDDEN", "API key lacks the scope 'incidents:read'")},
	} {
		got := s.DoWith(tt.method, tt.path, tt.body, probe)
		if diff := cmp.Diff(answer{tt.status, tt.want}, answer{got.Status, got.Body}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// TestRulesThatOpenIncidents makes and changes rules with keys that may and may not write
// incidents.
func TestRulesThatOpenIncidents(t *testing.T) {
	s, _ := start(t)
	monitorsNamed(t, s, "earth")
	const (
		opens  = `{"alert_for":"STATUS","alert_value":"DOWN","monitor_tags":["earth"],"create_incident":true}`
		silent = `{"alert_for":"STATUS","alert_value":"DOWN","monitor_tags":["earth"]}`
	)
	made(t, s, rulesPath, opens)  // 1
	made(t, s, rulesPath, silent) // 2
	lacks := answer{403, fail("FORBIDDEN", "API key lacks the scope 'incidents:write'")}
	monitors := keyWith(s, statuspage.ScopeMonitorsWrite, statuspage.ScopeIncidentsRead)
	s.DoWith("GET", rulesPath, "", monitors) // notes the hour

	before := records(t, s)
	for _, tt := range []attempt{
		{"make one", "POST", rulesPath, opens, 0, ""},
		{"make one that is not active", "POST", rulesPath, strings.Replace(opens, "{", `{"is_active":false,`, 1), 0, ""},
		{"make it open", "PATCH", rulesPath + "/2", `{"create_incident":true}`, 0, ""},
		{"change one that does", "PATCH", rulesPath + "/1", `{"severity":"WARNING"}`, 0, ""},
		{"change nothing", "PATCH", rulesPath + "/1", `{}`, 0, ""},
		{"a value that does not fit", "PATCH", rulesPath + "/1", `{"alert_value":5}`, 0, ""},
	} {
		got := s.DoWith(tt.method, tt.path, tt.body, monitors)
		if diff := cmp.Diff(lacks, answer{got.Status, got.Body}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	withKey := monitors.Clone()
	withKey.Set("Idempotency-Key", "k")
	if got := s.DoWith("POST", rulesPath, opens, withKey); got.Status != 403 {
		t.Errorf("with an Idempotency-Key: %d %s", got.Status, got.Body)
	}
	if diff := cmp.Diff(before, records(t, s)); diff != "" {
		t.Errorf("refused requests have written (-before +after):\n%s", diff)
	}

	for _, tt := range []struct {
		name         string
		key          http.Header
		method, path string
		body         string
		status       int
	}{
		{"one that opens none", monitors, "POST", rulesPath, strings.Replace(silent, "DOWN", "DEGRADED", 1), 201},
		{"change one that opens none", monitors, "PATCH", rulesPath + "/2", `{"severity":"WARNING"}`, 200},
		{"from now on none", monitors, "PATCH", rulesPath + "/1", `{"create_incident":false}`, 200},
		{"again", keyWith(s, statuspage.ScopeMonitorsWrite, statuspage.ScopeIncidentsWrite), "PATCH", rulesPath + "/1", `{"create_incident":true}`, 200},
		{"by an admin", keyWith(s, statuspage.ScopeAdmin), "PATCH", rulesPath + "/1", `{"severity":"WARNING"}`, 200},
		{"an early key changes", earlyKey(t, s, statuspage.ScopeMonitorsWrite), "PATCH", rulesPath + "/1", `{"severity":"CRITICAL"}`, 200},
		{"an early key makes", earlyKey(t, s, statuspage.ScopeMonitorsWrite), "POST", rulesPath, strings.Replace(opens, "DOWN", "DEGRADED", 1), 201},
		{"an early key that may not write monitors", earlyKey(t, s, statuspage.ScopeIncidentsWrite), "POST", rulesPath, opens, 403},
		{"delete", monitors, "DELETE", rulesPath + "/1", "", 200},
	} {
		if got := s.DoWith(tt.method, tt.path, tt.body, tt.key); got.Status != tt.status {
			t.Errorf("%s: %d %s, want %d", tt.name, got.Status, got.Body, tt.status)
		}
	}
}
