package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/apitest"
	"tocsin/internal/statuspage"
)

const integrationsPath = "/api/v4/integrations"

// integrationFields is an integration as GET answers it when it was made at the test's start, with other
// values of fields like those of pageFields.
func integrationFields(id int64, kind string, fields ...string) string {
	time := `"` + testStartText + `"`
	return pageFields(append([]string{
		"id", fmt.Sprint(id), "name", `"I"`, "kind", `"` + kind + `"`, "is_active", "true", "options", "{}", "pinned_topics", "[]", "previous_token_valid_until", "null",
		"last_seen_at", "null", "last_error", "null", "last_error_at", "null", "created_at", time, "updated_at", time,
	}, fields...)...)
}

func integrationText(id int64, kind string, fields ...string) string {
	return `{"integration":` + integrationFields(id, kind, fields...) + "}"
}

// newIntegration makes an integration, or another token of one, and returns the token and the answer without it.
func newIntegration(t *testing.T, s *apitest.Server, path, body string, header ...string) (token, rest string, status int) {
	t.Helper()
	got := doWith(s, "POST", path, body, header...)
	var envelope struct{ Integration struct{ Token, URL string } }
	if err := json.Unmarshal([]byte(got.Body), &envelope); err != nil {
		t.Fatalf("%d %s: %v", got.Status, got.Body, err)
	}
	token = envelope.Integration.Token
	rest = strings.Replace(got.Body, fmt.Sprintf(`,"token":%q,"url":%q`, token, envelope.Integration.URL), "", 1)
	if token != "" && (!statuspage.ValidIntegrationToken(token) || !strings.HasSuffix(envelope.Integration.URL, "/"+token) || strings.Contains(rest, token)) {
		t.Errorf("token %q in %s", token, got.Body)
	}
	return token, rest, got.Status
}

func TestCreateIntegration(t *testing.T) {
	t.Parallel()
	s, _ := start(t)
	id := int64(1)
	for _, row := range []struct {
		name, body, kind string
		want             []string
	}{
		{"least", `{"name":"I","kind":"generic"}`, "generic", nil},
		{"all", `{"name":" N ","kind":"grafana","is_active":false,"options":{"publish":"title","rules":[{"label":"a","value":"b*","monitors":["m"],"impact":"DOWN"}]}}`, "grafana", []string{
			"name", `"N"`, "is_active", "false", "options", `{"publish":"title","rules":[{"label":"a","value":"b*","monitors":["m"],"impact":"DOWN"}]}`}},
		{"options null", `{"name":"I","kind":"generic","options":{"publish":null,"monitors":["x"],"rules":null}}`, "generic", []string{"options", `{"monitors":["x"]}`}},
		{"options twice", `{"name":"I","kind":"generic","options":{"publish":"title","publish":"nothing"}}`, "generic", []string{"options", `{"publish":"nothing"}`}},
		{"field map", `{"name":"I","kind":"fieldmap","options":{"fields":{"dedup_key":"a","status":"b[0].c"}}}`, "fieldmap", []string{"options", `{"fields":{"dedup_key":"a","status":"b[0].c"}}`}},
		{"another of the name", `{"name":"I","kind":"cloudwatch","x":1}`, "cloudwatch", nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			id++
			_, rest, status := newIntegration(t, s, integrationsPath, row.body)
			if diff := cmp.Diff(answer{201, integrationText(id, row.kind, row.want...)}, answer{status, rest}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			answered(t, s, "GET", fmt.Sprint(integrationsPath, "/", id), "", 200, integrationText(id, row.kind, row.want...))
		})
	}
	for _, kind := range statuspage.IntegrationKinds() {
		options := map[statuspage.IntegrationKind]string{statuspage.KindFieldMap: `{"fields":{"dedup_key":"a","status":"b"}}`, statuspage.KindHeartbeat: `{"heartbeat":{"monitor":"m"}}`}[kind]
		if options == "" {
			options = "{}"
		}
		if token, _, status := newIntegration(t, s, integrationsPath, fmt.Sprintf(`{"name":"I","kind":%q,"options":%s}`, kind, options)); status != 201 || token == "" {
			t.Errorf("%s: %d", kind, status)
		}
	}
}

func TestIntegrationErrors(t *testing.T) {
	t.Parallel()
	s, _ := start(t)
	newIntegration(t, s, integrationsPath, `{"name":"I","kind":"generic"}`)
	const kinds = "kind must be one of: generic, fieldmap, cloudwatch, aws-health, alertmanager, grafana, datadog, pagerduty, opsgenie, uptimekuma, uptimerobot, betterstack, pingdom, sentry, newrelic, azure, gcp, github, heartbeat"
	with := func(options string) string { return `{"name":"I","kind":"generic","options":` + options + `}` }
	path := integrationsPath + "/2"
	before := records(t, s)
	for _, row := range []attempt{
		{"no name", "POST", integrationsPath, `{"kind":"generic"}`, 400, "Name is required and must be a non-empty string"},
		{"long name", "POST", integrationsPath, `{"name":"` + strings.Repeat("n", 256) + `","kind":"generic"}`, 400, "Name must be at most 255 characters"},
		{"no kind", "POST", integrationsPath, `{"name":"I"}`, 400, kinds},
		{"another kind", "POST", integrationsPath, `{"name":"I","kind":"Generic"}`, 400, kinds},
		{"a kind that is a number", "POST", integrationsPath, `{"name":"I","kind":1}`, 400, kinds},
		{"active", "POST", integrationsPath, `{"name":"I","kind":"generic","is_active":1}`, 400, "is_active must be a boolean"},
		{"options null", "POST", integrationsPath, with("null"), 400, "options must be an object"},
		{"options a list", "POST", integrationsPath, with("[]"), 400, "options must be an object"},
		{"unknown option", "POST", integrationsPath, with(`{"publish":"title","a":{"b":1}}`), 400, "Unknown option 'a'"},
		{"unknown field of a field map", "POST", integrationsPath, with(`{"fields":{"x":"y"}}`), 400, "Unknown option 'fields.x'"},
		{"too many monitors", "POST", integrationsPath, with(`{"monitors":["` + strings.Repeat(`a","`, 48) + `a"]}`), 400, "monitors must be an array of strings, at most 48"},
		{"a rule without monitors", "POST", integrationsPath, with(`{"rules":[{"label":"a","value":"b","monitors":[]}]}`), 400, "rules must be an array of at most 100 objects with label, value and monitors, and perhaps impact: DOWN or DEGRADED"},
		{"a severity", "POST", integrationsPath, with(`{"severities":{"a":"UP"}}`), 400, "severities must be an object whose values are DOWN, DEGRADED or NONE"},
		{"too long a delay", "POST", integrationsPath, with(`{"open_after_seconds":3601}`), 400, "open_after_seconds must be an integer between 0 and 3600"},
		{"too large", "POST", integrationsPath, with(`{"severities":{"` + strings.Repeat("s", 17_000) + `":"DOWN"}}`), 400, "options must be at most 16 KiB"},
		{"too deep", "POST", integrationsPath, with(strings.Repeat(`{"a":`, 101) + "1" + strings.Repeat("}", 101)), 400, "options must be nested at most 100 levels deep"},
		{"field map", "POST", integrationsPath, `{"name":"I","kind":"fieldmap"}`, 400, "options.fields needs dedup_key and status"},
		{"heartbeat", "POST", integrationsPath, `{"name":"I","kind":"heartbeat"}`, 400, "options.heartbeat needs monitor"},
		{"no JSON", "POST", integrationsPath, `{`, 400, "Invalid JSON body"},
		{"no id", "GET", integrationsPath + "/x", ``, 400, "Integration ID must be a valid integer"},
		{"unknown id", "GET", integrationsPath + "/99", ``, 404, "Integration with id '99' not found"},
		{"id 0", "GET", integrationsPath + "/0", ``, 404, "Integration with id '0' not found"},
		{"deliveries of none", "GET", integrationsPath + "/99/deliveries", ``, 404, "Integration with id '99' not found"},
		{"patch of none", "PATCH", integrationsPath + "/99", `{"options":{"a":1}}`, 404, "Integration with id '99' not found"},
		{"patch of no id", "PATCH", integrationsPath + "/x", `{`, 400, "Integration ID must be a valid integer"},
		{"patch of a name", "PATCH", path, `{"name":null}`, 400, "Name must be a non-empty string"},
		{"patch of the kind", "PATCH", path, `{"kind":"grafana"}`, 400, "kind can't be changed: make another integration"},
		{"patch of the kind to null", "PATCH", path, `{"kind":null}`, 400, kinds},
		{"patch of options", "PATCH", path, `{"options":{"group_by":"host"}}`, 400, "group_by must be one of: dedup_key, group, monitor"},
		{"patch of CloudWatch's", "PATCH", integrationsPath + "/1", `{"options":{"fields":{"at":1}}}`, 400, "fields.at must be a string of at most 500 characters"},
		{"another token of none", "POST", integrationsPath + "/99/rotate", ``, 404, "Integration with id '99' not found"},
		{"another token of CloudWatch", "POST", integrationsPath + "/1/rotate", ``, 400, "The integration of CloudWatch has no token: its alarms come by EventBridge"},
		{"CloudWatch's goes", "DELETE", integrationsPath + "/1", ``, 400, "The integration of CloudWatch can't be deleted: switch it off"},
		{"none goes", "DELETE", integrationsPath + "/99", ``, 404, "Integration with id '99' not found"},
	} {
		code := map[int]string{400: "BAD_REQUEST", 404: "NOT_FOUND"}[row.status]
		got := s.Do(row.method, row.path, row.body)
		if diff := cmp.Diff(answer{row.status, fail(code, row.want)}, answer{got.Status, got.Body}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.name, diff)
		}
	}
	if diff := cmp.Diff(before, records(t, s)); diff != "" {
		t.Errorf("what was refused has changed something (-before +after):\n%s", diff)
	}
}

func TestIntegrationLife(t *testing.T) {
	t.Parallel()
	s, clock := start(t)
	first, rest, status := newIntegration(t, s, integrationsPath, `{"name":"I","kind":"alertmanager"}`, "Idempotency-Key", "once")
	if diff := cmp.Diff(answer{201, integrationText(2, "alertmanager")}, answer{status, rest}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// Sent again it makes no other one, and has no token.
	again := doWith(s, "POST", integrationsPath, `{"name":"I","kind":"alertmanager"}`, "Idempotency-Key", "once")
	want := strings.TrimSuffix(integrationText(2, "alertmanager"), "}}") + `,"token":null,"url":null}}`
	if diff := cmp.Diff(answer{201, want}, answer{again.Status, again.Body}); diff != "" || again.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("sent again, %v (-want +got):\n%s", again.Header, diff)
	}
	path := integrationsPath + "/2"
	cloudWatch := integrationFields(1, "cloudwatch", "name", `"CloudWatch"`, "created_at", `"1970-01-01T00:00:00.000Z"`, "updated_at", `"1970-01-01T00:00:00.000Z"`)
	answered(t, s, "GET", integrationsPath, "", 200, `{"integrations":[`+cloudWatch+","+integrationFields(2, "alertmanager")+"]}")
	answered(t, s, "GET", integrationsPath+"/1", "", 200, `{"integration":`+cloudWatch+"}")

	t.Log("another token takes the place of the first, which works for another day")
	clock.seconds.Add(60)
	second, rest, status := newIntegration(t, s, path+"/rotate", "")
	rotated := integrationText(2, "alertmanager", "previous_token_valid_until", `"2026-01-16T10:01:30.000Z"`, "updated_at", `"2026-01-15T10:01:30.000Z"`)
	if diff := cmp.Diff(answer{200, rotated}, answer{status, rest}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	store := s.Table.Store(nil)
	for n, token := range []string{first, second} {
		for _, at := range []int64{testStart + 60, testStart + 60 + 86399, testStart + 60 + 86400} {
			i, err := store.IntegrationByToken(t.Context(), statuspage.HashSecret(token), at)
			if works := n == 1 || at < testStart+60+86400; works != (err == nil && i.ID == 2) {
				t.Errorf("token %d at %d: %v, %v", n, at, i, err)
			}
		}
	}
	clock.seconds.Add(86400)
	answered(t, s, "GET", path, "", 200, integrationText(2, "alertmanager", "updated_at", `"2026-01-15T10:01:30.000Z"`))

	t.Log("what its deliveries change does not change its tag, and what a person changes does")
	tag := s.Do("GET", path, "").Header.Get("ETag")
	i, err := store.Integration(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.NoteIntegrationSeen(t.Context(), i, clock.seconds.Load(), new("no monitor")); err != nil {
		t.Fatal(err)
	}
	if err := store.RecordDelivery(t.Context(), statuspage.Delivery{
		Integration: 2, Time: testStart*1000 + 5, Body: "<b>", Outcome: statuspage.DeliveryOutcome{Status: 200, Received: 4, Opened: 1, Resolved: 2, Ignored: 1}, Reason: "no monitor",
	}); err != nil {
		t.Fatal(err)
	}
	seen := []string{
		"updated_at", `"2026-01-15T10:01:30.000Z"`, "last_seen_at", `"2026-01-16T10:01:00.000Z"`, "last_error", `"no monitor"`, "last_error_at", `"2026-01-16T10:01:00.000Z"`,
	}
	answered(t, s, "GET", path, "", 200, integrationText(2, "alertmanager", seen...))
	answered(t, s, "GET", path+"/deliveries", "", 200,
		`{"deliveries":[{"received_at":"2026-01-15T10:00:30.005Z","status":200,"received":4,"opened":1,"resolved":2,"ignored":1,"reason":"no monitor","body":"<b>","body_cut":false}]}`)
	patched := doWith(s, "PATCH", path, `{"options":{"publish":"title","reopen_minutes":0}}`, "If-Match", tag)
	next := integrationText(2, "alertmanager", "updated_at", `"2026-01-16T10:01:30.000Z"`, "last_seen_at", `"2026-01-16T10:01:00.000Z"`, "options", `{"publish":"title","reopen_minutes":0}`)
	if diff := cmp.Diff(answer{200, next}, answer{patched.Status, patched.Body}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, method := range []string{"PATCH", "DELETE"} {
		got := doWith(s, method, path, `{"name":"x"}`, "If-Match", tag)
		if want := (answer{412, fail("PRECONDITION_FAILED", "The integration was changed since: its ETag does not match If-Match")}); want != (answer{got.Status, got.Body}) {
			t.Errorf("%s: %d %s", method, got.Status, got.Body)
		}
	}
	answered(t, s, "PATCH", path, `{"options":{"reopen_minutes":null,"publish_link":true}}`, 200, strings.Replace(next, `"reopen_minutes":0`, `"publish_link":true`, 1))

	t.Log("it goes with its token")
	answered(t, s, "DELETE", path, "", 200, `{"message":"Integration with id '2' deleted successfully"}`)
	answered(t, s, "GET", path, "", 404, fail("NOT_FOUND", "Integration with id '2' not found"))
	if _, err := store.IntegrationByToken(t.Context(), statuspage.HashSecret(second), clock.seconds.Load()); err == nil {
		t.Error("its token works")
	}
	s.Tick()
	if c := s.Table.Contents(t); len(c.Check()) > 0 || len(c.Deliveries) > 0 {
		t.Errorf("%v, %v", c.Check(), c.Deliveries)
	}
	for _, token := range []string{first, second} {
		for _, it := range s.Table.Items(t) {
			if strings.Contains(fmt.Sprint(it), token) {
				t.Errorf("a token is in %v", it)
			}
		}
	}
	if _, _, status := newIntegration(t, s, integrationsPath, `{"name":"I","kind":"heartbeat","options":{"heartbeat":{"monitor":"m"}}}`); status != http.StatusCreated {
		t.Errorf("a heartbeat: %d", status)
	}
}
