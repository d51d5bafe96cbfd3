package api_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/apitest"
	"tocsin/internal/dynamotest"
	"tocsin/internal/statuspage"
)

// integrationOf makes an integration of the kind whose token it returns.
func integrationOf(t testing.TB, s *apitest.Server, kind statuspage.IntegrationKind, options statuspage.JSONObject) (id int64, token string) {
	t.Helper()
	token = statuspage.NewIntegrationToken()
	i, err := s.Table.Store(nil).CreateIntegration(t.Context(), statuspage.NewIntegration{Name: string(kind), Kind: kind, Options: options, Active: true}, token, testStart, nil)
	if err != nil {
		t.Fatal(err)
	}
	return i.ID, token
}

// signalBody is a body of our own format about a monitor.
func signalBody(key, status string, tags ...string) string {
	body, err := json.Marshal(map[string]any{"dedup_key": key, "status": status, "title": "Broken", "monitors": tags})
	if err != nil {
		panic(err)
	}
	return string(body)
}

const (
	nothingDone  = `{"received":1,"opened":0,"resolved":0,"ignored":1}`
	oneOpened    = `{"received":1,"opened":1,"resolved":0,"ignored":0}`
	oneResolved  = `{"received":1,"opened":0,"resolved":1,"ignored":0}`
	noToken      = `{"error":{"code":"UNAUTHORIZED","message":"Missing or invalid integration token"}}`
	twoTokens    = `{"error":{"code":"UNAUTHORIZED","message":"The request has two different tokens"}}`
	nothingThere = `{"error":{"code":"NOT_FOUND","message":"There is nothing at this address"}}`
)

// TestTokens goes through every place that a tool can put the token of its integration in.
func TestTokens(t *testing.T) {
	s, _ := start(t)
	monitorsNamed(t, s, "sun")
	_, token := integrationOf(t, s, statuspage.KindGeneric, "")
	_, other := integrationOf(t, s, statuspage.KindGeneric, "")
	unknown := strings.Repeat("0", 32)
	basic := func(user, password string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
	}
	resolve := signalBody("k", "resolved", "sun")
	for _, tt := range []struct {
		name, path string
		header     http.Header
		body       string
		status     int
		answer     string
	}{
		{"path", "/hooks/" + token, nil, resolve, 200, nothingDone},
		{"slash at the end", "/hooks/" + token + "/", nil, resolve, 200, nothingDone},
		{"bearer", "/hooks", http.Header{"Authorization": {"Bearer " + token}}, resolve, 200, nothingDone},
		{"bearer in another case", "/hooks", http.Header{"Authorization": {"bearer " + token}}, resolve, 200, nothingDone},
		{"Opsgenie's scheme", "/hooks", http.Header{"Authorization": {"GenieKey " + token}}, resolve, 200, nothingDone},
		{"token", "/hooks", http.Header{"Authorization": {"Token " + token}}, resolve, 200, nothingDone},
		{"password", "/hooks", http.Header{"Authorization": {basic("any", token)}}, resolve, 200, nothingDone},
		{"header of our own", "/hooks", http.Header{"X-Tocsin-Token": {token}}, resolve, 200, nothingDone},
		{"query", "/hooks?token=" + token, nil, resolve, 200, nothingDone},
		{"body", "/hooks", nil, strings.Replace(resolve, "{", `{"routing_key":"`+token+`",`, 1), 200, nothingDone},
		{"the same one everywhere", "/hooks/" + token + "?token=" + token, http.Header{"Authorization": {"Bearer " + token}, "X-Tocsin-Token": {token}}, resolve, 200, nothingDone},
		{"signed identity besides", "/hooks/" + token, http.Header{"Authorization": {"Bearer eyJhbGciOiJub25lIn0.e30."}}, resolve, 200, nothingDone},
		{"none", "/hooks", nil, resolve, 401, noToken},
		{"unknown", "/hooks/" + unknown, nil, resolve, 401, noToken},
		{"too short", "/hooks/abc", nil, resolve, 401, noToken},
		{"upper case", "/hooks/" + strings.ToUpper(token), nil, resolve, 401, noToken},
		{"API key", "/hooks", s.Header(), resolve, 401, noToken},
		{"more of the path", "/hooks/" + token + "/x", nil, resolve, 401, noToken},
		{"path and header", "/hooks/" + token, http.Header{"Authorization": {"Bearer " + other}}, resolve, 401, twoTokens},
		{"path and unknown header", "/hooks/" + token, http.Header{"X-Tocsin-Token": {unknown}}, resolve, 401, twoTokens},
		{"two in the query", "/hooks?token=" + token + "&token=" + other, nil, resolve, 401, twoTokens},
		{"header and query", "/hooks?token=" + token, http.Header{"Authorization": {basic("", other)}}, resolve, 401, twoTokens},
	} {
		got := s.DoWith("POST", tt.path, tt.body, tt.header)
		if got.Status != tt.status || got.Body != tt.answer {
			t.Errorf("%s: %d %s, want %d %s", tt.name, got.Status, got.Body, tt.status, tt.answer)
		}
		if tt.status == 401 && got.Header.Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%s: %q", tt.name, got.Header)
		}
	}
}

// TestHooks holds the answers at /hooks against what senders count on.
func TestHooks(t *testing.T) {
	s, _ := start(t)
	monitorsNamed(t, s, "sun")
	id, token := integrationOf(t, s, statuspage.KindGeneric, "")
	_, kuma := integrationOf(t, s, statuspage.KindUptimeKuma, "")
	_, heartbeat := integrationOf(t, s, statuspage.KindHeartbeat, `{"heartbeat":{"monitor":"sun"}}`)
	path := "/hooks/" + token
	mebibyte := strings.Repeat(" ", 1<<20-len(signalBody("k", "resolved"))) + signalBody("k", "resolved")
	type answer struct {
		Status int
		Body   string
	}
	for _, tt := range []struct {
		name, method, path, body string
		want                     answer
	}{
		{"opens", "POST", path, signalBody("k", "firing", "sun"), answer{200, oneOpened}},
		{"again", "PUT", path, signalBody("k", "firing", "sun"), answer{200, `{"received":1,"opened":0,"resolved":0,"ignored":0}`}},
		{"resolves", "PUT", path, signalBody("k", "resolved", "sun"), answer{200, oneResolved}},
		{"nothing to resolve", "POST", path, signalBody("k", "resolved", "sun"), answer{200, nothingDone}},
		{"1 MiB", "POST", path, mebibyte, answer{200, nothingDone}},
		{"more than 1 MiB", "POST", path, mebibyte + " ", answer{413, `{"error":{"code":"PAYLOAD_TOO_LARGE","message":"The request body must be at most 1024 KiB"}}`}},
		{"no message for a heartbeat", "POST", "/hooks/" + heartbeat, "{}", answer{400, badRequest("An integration of the kind 'heartbeat' takes no messages here")}},
		{"GET", "GET", path, "", answer{405, fail("METHOD_NOT_ALLOWED", "GET method not allowed")}},
		{"HEAD", "HEAD", "/hooks/" + kuma, "", answer{405, ""}},
		{"DELETE", "DELETE", path, "", answer{405, fail("METHOD_NOT_ALLOWED", "DELETE method not allowed")}},
		{"GET without a token", "GET", "/hooks", "", answer{401, noToken}},
		{"unknown path", "POST", "/v2/none", "{}", answer{404, nothingThere}},
		{"empty segments", "POST", "/hooks//" + token, "{}", answer{401, noToken}},
	} {
		got := s.DoWith(tt.method, tt.path, tt.body, nil)
		if diff := cmp.Diff(tt.want, answer{got.Status, got.Body}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		if got.Status == 405 && !strings.HasPrefix(got.Header.Get("Allow"), "POST, PUT") {
			t.Errorf("%s: allow %q", tt.name, got.Header.Get("Allow"))
		}
		if got.Status/100 == 3 || got.Status == 429 || got.Header.Get("Location") != "" {
			t.Errorf("%s: %d %q", tt.name, got.Status, got.Header)
		}
	}
	if got := s.DoWith("POST", path, "x", nil); got.Status != 400 || !strings.HasPrefix(got.Body, `{"error":{"code":"BAD_REQUEST","message":"`) {
		t.Errorf("no JSON: %d %s", got.Status, got.Body)
	}

	incidents := s.Do("GET", "/api/v4/incidents", "")
	if n := strings.Count(incidents.Body, `"incident_source":"ALERT"`); n != 1 {
		t.Errorf("%d incidents: %s", n, incidents.Body)
	}
	rows, err := s.Table.Store(nil).Deliveries(t.Context(), id, testStart)
	if err != nil {
		t.Fatal(err)
	}
	kept := map[string]int{}
	for _, d := range rows {
		kept[fmt.Sprintf("%d %+v", d.Outcome.Status, d.Outcome.Opened+d.Outcome.Resolved)]++
	}
	if diff := cmp.Diff(map[string]int{"200 1": 2, "200 0": 3, "400 0": 1}, kept); diff != "" {
		t.Errorf("deliveries by status and what they did (-want +got):\n%s", diff)
	}
}

// TestInactiveIntegration has a tool that goes on sending to an integration that is switched off:
// it is told that all is well, or it would switch off its webhook, and nothing is done.
func TestInactiveIntegration(t *testing.T) {
	s, _ := start(t)
	monitorsNamed(t, s, "sun")
	token := statuspage.NewIntegrationToken()
	i, err := s.Table.Store(nil).CreateIntegration(t.Context(), statuspage.NewIntegration{Name: "off", Kind: statuspage.KindGeneric}, token, testStart, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.DoWith("POST", "/hooks/"+token, signalBody("k", "firing", "sun"), nil); got.Status != 200 || got.Body != nothingDone {
		t.Errorf("%d %s", got.Status, got.Body)
	}
	if got := s.Do("GET", "/api/v4/incidents", ""); strings.Contains(got.Body, "incident_source") {
		t.Errorf("incidents %s", got.Body)
	}
	rows, err := s.Table.Store(nil).Deliveries(t.Context(), i.ID, testStart)
	if err != nil || len(rows) != 1 || rows[0].Reason != "The integration is not active" {
		t.Errorf("deliveries %+v, %v", rows, err)
	}
}

// TestPagerDuty holds PagerDuty's routes against what its clients count on.
func TestPagerDuty(t *testing.T) {
	s, _ := start(t)
	monitorsNamed(t, s, "sun")
	id, token := integrationOf(t, s, statuspage.KindPagerDuty, `{"monitors":["sun"]}`)
	other, generic := integrationOf(t, s, statuspage.KindGeneric, `{"monitors":["sun"]}`)
	event := func(key, action, more string) string {
		return fmt.Sprintf(`{"routing_key":%q,"event_action":%q%s}`, key, action, more)
	}
	const payload = `,"payload":{"summary":"Broken","source":"s","severity":"critical"}`
	const processed = `{"status":"success","message":"Event processed","dedup_key":"a/b"}`
	invalid := func(errors string) string {
		return `{"status":"invalid event","message":"Event object is invalid","errors":[` + errors + `]}`
	}
	for _, tt := range []struct {
		name, path, body string
		status           int
		answer           string
	}{
		{"trigger", "/v2/enqueue", event(token, "trigger", `,"dedup_key":"a/b"`+payload), 202, processed},
		{"slash at the end", "/v2/enqueue/", event(token, "acknowledge", `,"dedup_key":"a/b"`), 202, processed},
		{"resolve with a payload", "/v2/enqueue", event(token, "resolve", `,"dedup_key":"a/b"`+payload), 202, processed},
		{"resolve of nothing", "/v2/enqueue", event(token, "resolve", `,"dedup_key":"a/b","payload":null`), 202, processed},
		{"integration of another kind", "/v2/enqueue", event(generic, "resolve", `,"dedup_key":"a/b"`), 202, processed},
		{"change", "/v2/change/enqueue", `{"routing_key":"` + token + `","payload":{"summary":"Deployed","source":"ci"}}`, 202, `{"status":"success","message":"Change event processed"}`},
		{"change without a summary", "/v2/change/enqueue", `{"routing_key":"` + token + `","payload":{}}`, 400, invalid(`"'payload.summary' is missing or blank"`)},
		{"short key", "/v2/enqueue", event("abc", "", ""), 400, invalid(`"Length of 'routing_key' is incorrect (should be 32 characters)","'event_action' is missing or blank"`)},
		{"unknown key", "/v2/enqueue", event(strings.Repeat("0", 32), "trigger", payload), 400, invalid(`"Missing or invalid integration token"`)},
		{"no action", "/v2/enqueue", event(token, "", payload), 400, invalid(`"'event_action' is missing or blank"`)},
		{"too large", "/v2/enqueue", strings.Repeat(" ", 1<<20) + event(token, "trigger", payload), 413, invalid(`"The request body must be at most 1024 KiB"`)},
		{"version 1", "/generic/2010-04-15/create_event.json", `{"service_key":"` + token + `","event_type":"trigger","incident_key":"old","description":"Broken"}`, 200, `{"status":"success","message":"Event processed","incident_key":"old"}`},
	} {
		got := s.DoWith("POST", tt.path, tt.body, nil)
		if got.Status != tt.status || got.Body != tt.answer {
			t.Errorf("%s: %d %s, want %d %s", tt.name, got.Status, got.Body, tt.status, tt.answer)
		}
	}
	made := map[string]bool{}
	for range 2 {
		got := s.DoWith("POST", "/v2/enqueue", event(token, "trigger", payload), nil)
		key := regexp.MustCompile(`^{"status":"success","message":"Event processed","dedup_key":"([0-9A-Za-z-]{16,})"}$`).FindStringSubmatch(got.Body)
		if got.Status != 202 || key == nil || made[key[1]] {
			t.Fatalf("without a key: %d %s", got.Status, got.Body)
		}
		made[key[1]] = true
	}
	if got := s.DoWith("POST", "/v2/enqueue", event(token, "trigger", payload), http.Header{"X-Tocsin-Token": {generic}}); got.Status != 400 || got.Body != invalid(`"The request has two different tokens"`) {
		t.Errorf("two tokens: %d %s", got.Status, got.Body)
	}
	noTokenInDeliveries(t, s, id, token)
	// Nor in those of another integration, which is shown one of its own and whose tool says anything.
	if got := s.DoWith("POST", "/hooks/"+generic, strings.Replace(signalBody("k", "resolved"), "{", `{"routing_key":"`+token+`",`, 1), nil); got.Status != 200 {
		t.Errorf("with a routing key: %d %s", got.Status, got.Body)
	}
	noTokenInDeliveries(t, s, other, token)
}

// TestOpsgenie holds Opsgenie's routes against what its clients count on.
func TestOpsgenie(t *testing.T) {
	s, _ := start(t)
	monitorsNamed(t, s, "sun")
	id, token := integrationOf(t, s, statuspage.KindOpsgenie, `{"monitors":["sun"]}`)
	key := http.Header{"Authorization": {"GenieKey " + token}}
	number := regexp.MustCompile(`"took":[0-9.e-]+,"requestId":"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"`)
	const changed = `202 {"result":"Request will be processed",#}`
	for _, tt := range []struct{ name, method, path, body, want string }{
		{"create", "POST", "/v2/alerts", `{"message":"Broken","alias":"check/out 1/2","priority":"P1"}`, changed},
		{"acknowledge", "POST", "/v2/alerts/check%2Fout%201%2F2/acknowledge?identifierType=alias", `{}`, changed},
		{"message", "PUT", "/v2/alerts/check%2Fout%201%2F2/message?identifierType=alias", `{"message":"Very broken"}`, changed},
		{"description", "PUT", "/v2/alerts/check%2Fout%201%2F2/description?identifierType=alias", `{"description":"d"}`, changed},
		{"close", "POST", "/v2/alerts/check%2Fout%201%2F2/close?identifierType=alias", ``, changed},
		{"close of nothing", "POST", "/v2/alerts/none/close/", `{}`, changed},
		{"empty segments in an alias", "POST", "/v2/alerts/https:%2F%2Fa%2F%2Fb/close?identifierType=alias", `{}`, changed},
		{"no JSON", "POST", "/v2/alerts/none/close", `x`, `422 {"message":"The body is not JSON: invalid character 'x' looking for beginning of value",#}`},
		{"unknown action", "POST", "/v2/alerts/none/explode", `{}`, `422 {"message":"Unknown action 'explode'",#}`},
		{"no alias", "POST", "/v2/alerts/close", `{}`, `422 {"message":"The identifier of the alert is missing",#}`},
		{"method", "GET", "/v2/alerts/none", ``, `405 {"message":"GET method not allowed",#}`},
	} {
		got := s.DoWith(tt.method, tt.path, tt.body, key)
		if text := fmt.Sprintf("%d %s", got.Status, number.ReplaceAllString(got.Body, "#")); text != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, text, tt.want)
		}
	}
	if got := s.DoWith("POST", "/v2/alerts", `{"alias":"a"}`, key); got.Status != 422 {
		t.Errorf("without a message: %d %s", got.Status, got.Body)
	}
	if got := s.DoWith("POST", "/v2/alerts", `{"message":"m"}`, nil); got.Status != 401 || !strings.HasPrefix(got.Body, `{"message":"Missing or invalid integration token"`) {
		t.Errorf("without a token: %d %s", got.Status, got.Body)
	}

	// An alert without an alias has the id that its sender was told.
	got := s.DoWith("POST", "/v2/alerts", `{"message":"m","priority":"P1"}`, key)
	var answer struct{ RequestID string }
	if err := json.Unmarshal([]byte(got.Body), &answer); err != nil {
		t.Fatal(err)
	}
	before := strings.Count(s.Do("GET", "/api/v4/incidents?status=open", "").Body, `"incident_source"`)
	s.DoWith("POST", "/v2/alerts/"+answer.RequestID+"/close", `{}`, key)
	if after := strings.Count(s.Do("GET", "/api/v4/incidents?status=open", "").Body, `"incident_source"`); before != 1 || after != 0 {
		t.Errorf("%d open incidents, then %d", before, after)
	}
	noTokenInDeliveries(t, s, id, token)
}

func noTokenInDeliveries(t *testing.T, s *apitest.Server, id int64, token string) {
	t.Helper()
	rows, err := s.Table.Store(nil).Deliveries(t.Context(), id, testStart)
	if err != nil || len(rows) == 0 {
		t.Fatalf("%d deliveries, %v", len(rows), err)
	}
	if text := fmt.Sprintf("%+v", rows); strings.Contains(text, token) {
		t.Errorf("a delivery has the token: %s", text)
	}
}

// TestHooksThatFail has the table fail: every format is answered 503 with Retry-After, so that the
// tool comes again, and then all is done once. No token is in any line of the log.
func TestHooksThatFail(t *testing.T) {
	var broken atomic.Bool
	clock := &clock{}
	clock.seconds.Store(testStart)
	s := apitest.New(t, apitest.Options{Now: clock.now, HTTPClient: &dynamotest.Client{Inject: dynamotest.While(&broken, isEffect, dynamotest.Throttle)}})
	monitorsNamed(t, s, "sun")
	_, token := integrationOf(t, s, statuspage.KindPagerDuty, `{"monitors":["sun"]}`)
	_, generic := integrationOf(t, s, statuspage.KindGeneric, `{"monitors":["sun"]}`)
	event := `{"routing_key":"` + token + `","event_action":"trigger","dedup_key":"k","payload":{"summary":"Broken","source":"s","severity":"critical"}}`
	requests := []struct {
		path, body string
		header     http.Header
		status     int
	}{
		{"/v2/enqueue", event, nil, 202},
		{"/v2/alerts", `{"message":"m","alias":"a"}`, http.Header{"Authorization": {"GenieKey " + token}}, 202},
		{"/hooks/" + generic, signalBody("k", "firing"), nil, 200},
	}
	broken.Store(true)
	for _, r := range requests {
		if got := s.DoWith("POST", r.path, r.body, r.header); got.Status != 503 || got.Header.Get("Retry-After") == "" || !strings.Contains(got.Body, "Service unavailable, try again") {
			t.Errorf("%s: %d %s %q", r.path, got.Status, got.Body, got.Header)
		}
	}
	broken.Store(false)
	for range 2 {
		for _, r := range requests {
			if got := s.DoWith("POST", r.path, r.body, r.header); got.Status != r.status {
				t.Errorf("%s: %d %s", r.path, got.Status, got.Body)
			}
		}
	}
	if n := strings.Count(s.Do("GET", "/api/v4/incidents", "").Body, `"incident_source":"ALERT"`); n != 3 {
		t.Errorf("%d incidents, want 3", n)
	}
	for _, path := range []string{"/hooks/" + token + "/x", "/v2/" + token, "/ping/" + token, "/hooks?token=" + token} {
		s.DoWith("GET", path, "", nil)
	}
	log := s.Log.String()
	if strings.Contains(log, token) || strings.Contains(log, generic) {
		t.Error("a token is in the log")
	}
	for _, route := range []string{"POST /hooks/{token...}", "POST /v2/enqueue", "POST /v2/alerts"} {
		if !strings.Contains(log, `"route":"`+route+`"`) {
			t.Errorf("no line about %s", route)
		}
	}
}

// TestThousandAlerts has Alertmanager send a thousand alerts of a group at once.
func TestThousandAlerts(t *testing.T) {
	s, _ := start(t)
	monitorsNamed(t, s, "sun")
	_, token := integrationOf(t, s, statuspage.KindAlertmanager, `{"monitors":["sun"]}`)
	var alerts []string
	for n := range 1000 {
		alerts = append(alerts, fmt.Sprintf(`{"status":"firing","labels":{"alertname":"Down","instance":"%d"},"annotations":{},"startsAt":"2026-01-15T09:59:00Z","endsAt":"0001-01-01T00:00:00Z","fingerprint":"%016x"}`, n, n))
	}
	body := `{"version":"4","groupKey":"{}:{}","status":"firing","receiver":"r","groupLabels":{},"commonLabels":{"severity":"critical"},"commonAnnotations":{},"externalURL":"","alerts":[` + strings.Join(alerts, ",") + `]}`
	for _, answer := range []string{`"opened":1,`, `"opened":0,`} {
		began := time.Now()
		got := s.DoWith("POST", "/hooks/"+token, body, nil)
		t.Logf("%d bytes in %s", len(body), time.Since(began))
		if got.Status != 200 || !strings.Contains(got.Body, answer) {
			t.Fatalf("%d %s", got.Status, got.Body)
		}
	}
	if n := strings.Count(s.Do("GET", "/api/v4/incidents", "").Body, `"incident_source":"ALERT"`); n != 1 {
		t.Errorf("%d incidents", n)
	}
}

const alarmEvent = `{"version":"0","id":"c4c1c1c9-6542-e61b-6ef0-8c4d36933a92","detail-type":"CloudWatch Alarm State Change","source":"aws.cloudwatch","account":"210987654321",` +
	`"time":"2026-01-15T10:00:04Z","region":"eu-central-1","resources":["arn:aws:cloudwatch:eu-central-1:210987654321:alarm:%[1]s"],"detail":{"alarmName":"%[1]s",` +
	`"state":{"value":"%[2]s","reason":"Threshold Crossed","timestamp":"2026-01-15T10:00:0%[3]d.121+0000"},"previousState":{"value":"OK","timestamp":"2026-01-15T09:00:03.121+0000"},` +
	`"configuration":{"description":"%[4]s","metrics":[]}}}`

// TestAlarmEvents has CloudWatch's alarms come by EventBridge and by SNS: no token, and one incident
// for each that names a monitor.
func TestAlarmEvents(t *testing.T) {
	var broken atomic.Bool
	clock := &clock{}
	clock.seconds.Store(testStart)
	s := apitest.New(t, apitest.Options{Now: clock.now, HTTPClient: &dynamotest.Client{Inject: dynamotest.While(&broken, isEffect, dynamotest.Throttle)}})
	monitorsNamed(t, s, "sun")
	put := func(event string, matches int) {
		t.Helper()
		if n, err := s.Put(event); n != matches || err != nil {
			t.Fatalf("%d rules match, %v", n, err)
		}
	}
	states := func() string {
		t.Helper()
		var states []string
		for _, m := range regexp.MustCompile(`"state":"(\w+)"`).FindAllStringSubmatch(s.Do("GET", "/api/v4/incidents", "").Body, -1) {
			states = append(states, m[1])
		}
		return strings.Join(states, " ")
	}
	const of = "Too many errors. tocsin-monitor: sun"
	fires := fmt.Sprintf(alarmEvent, "errors", "ALARM", 3, of)
	broken.Store(true)
	if n, err := s.Put(fires); n != 1 || err == nil {
		t.Errorf("while the table fails: %d, %v", n, err)
	}
	broken.Store(false)
	put(fires, 1)
	put(fires, 1)
	if got := states(); got != "INVESTIGATING" {
		t.Errorf("incidents: %s", got)
	}
	put(fmt.Sprintf(alarmEvent, "errors", "OK", 9, of), 1)
	if got := states(); got != "RESOLVED" {
		t.Errorf("incidents: %s", got)
	}

	// Of those that concern no monitor nothing is kept, and other events are not taken at all.
	rows := func() int {
		t.Helper()
		rows, err := s.Table.Store(nil).Deliveries(t.Context(), statuspage.CloudWatchID, testStart)
		if err != nil {
			t.Fatal(err)
		}
		return len(rows)
	}
	before := rows()
	put(fmt.Sprintf(alarmEvent, "scaling", "ALARM", 3, ""), 1)
	put(strings.Replace(fires, "aws.cloudwatch", "aws.ec2", 1), 0)
	put(strings.Replace(fires, "State Change", "Contributor", 1), 0)
	if after := rows(); after != before || before == 0 {
		t.Errorf("%d deliveries, then %d", before, after)
	}
	message, err := json.Marshal(`{"AlarmName":"latency","AlarmDescription":"` + of + `","AWSAccountId":"210987654321","NewStateValue":"ALARM","NewStateReason":"r","StateChangeTime":"2026-01-15T10:00:10.121+0000",` +
		`"Region":"EU (Frankfurt)","AlarmArn":"arn:aws:cloudwatch:eu-central-1:210987654321:alarm:latency","OldStateValue":"OK","OKActions":["a"],"AlarmActions":["a"],"InsufficientDataActions":[],"Trigger":{}}`)
	if err != nil {
		t.Fatal(err)
	}
	record := `{"Records":[{"EventSource":"aws:sns","EventVersion":"1.0","EventSubscriptionArn":"arn","Sns":{"Type":"Notification","MessageId":"m","TopicArn":"arn:aws:sns:eu-central-1:210987654321:alarms","Message":` + string(message) + `,"Timestamp":"2026-01-15T10:00:11.000Z"}}]}`
	for range 2 {
		if err := s.Invoke("inbound", record); err != nil {
			t.Fatal(err)
		}
	}
	if got := states(); !strings.Contains(got, "INVESTIGATING") || strings.Count(got, " ") > 1 {
		t.Errorf("incidents: %s", got)
	}
	// What is no alarm is not sent again.
	if err := s.Invoke("inbound", strings.Replace(record, string(message), `"Hello"`, 1)); err != nil {
		t.Error(err)
	}
}
