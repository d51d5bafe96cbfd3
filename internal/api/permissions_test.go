package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"tocsin/internal/apitest"
	"tocsin/internal/dynamo"
	"tocsin/internal/dynamotest"
	"tocsin/internal/statuspage"
)

// withoutSchema answers as if the table had no schema version yet, so that every function
// tries to put it.
type withoutSchema struct{ base aws.HTTPClient }

func (w withoutSchema) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".GetItem") && bytes.Contains(body, []byte(`"SCHEMA"`)) {
		return &http.Response{StatusCode: http.StatusOK, ContentLength: 2, Body: io.NopCloser(strings.NewReader("{}"))}, nil
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return w.base.Do(r)
}

// TestPermissionsAreTheLeast goes through all that the functions do with the table.
// What the template does not grant is refused, here and in every other test over
// HTTP; what it grants and nothing here needs is reported.
func TestPermissionsAreTheLeast(t *testing.T) {
	// While refuse is on, the table takes nothing but claims and releases.
	var refuse atomic.Bool
	clock := &clock{}
	clock.seconds.Store(testStart)
	s := apitest.New(t, apitest.Options{Now: clock.now, HTTPClient: withoutSchema{&dynamotest.Client{Inject: dynamotest.While(&refuse, isEffect, dynamotest.Throttle)}}})
	do := func(status int, method, path, body string, headers ...string) {
		t.Helper()
		if got := doWith(s, method, path, body, headers...); got.Status != status {
			t.Fatalf("%s %s %s: %d %s, want %d", method, path, body, got.Status, got.Body, status)
		}
	}

	for _, path := range everyFunction { // the first use of a key
		if got := s.DoWith("GET", path, "", keyWith(s, statuspage.ScopeAdmin)); got.Status != 200 && got.Status != 404 {
			t.Fatalf("GET %s: %d %s", path, got.Status, got.Body)
		}
	}

	monitorsNamed(t, s, "sun", "earth", "mars")
	do(200, "PATCH", "/api/v4/monitors/sun", `{"name":"S"}`)
	do(200, "GET", "/api/v4/monitors", "")
	do(404, "PATCH", "/api/v4/monitors/none", `{"name":"S"}`)

	key := made(t, s, "/api/v4/keys", `{"name":"k","scopes":["admin"]}`)
	do(200, "GET", "/api/v4/keys", "")
	do(200, "DELETE", fmt.Sprintf("/api/v4/keys/%d", key), "")
	refuse.Store(true)
	do(503, "POST", "/api/v4/keys", `{"name":"k","scopes":["admin"]}`, "Idempotency-Key", "refused")
	refuse.Store(false)

	incident := made(t, s, "/api/v4/incidents", fmt.Sprintf(`{"title":"t","start_date_time":%d,"monitors":[{"monitor_tag":"earth"}]}`, testMinute))
	path := incidentPath(incident)
	do(200, "PATCH", path, `{"title":"u"}`)
	do(200, "PATCH", path, fmt.Sprintf(`{"start_date_time":%d,"monitors":[{"monitor_tag":"sun"}]}`, testMinute-60))
	do(200, "GET", path, "")
	for _, query := range []string{"", "?status=open", "?status=closed", "?monitor_tags=sun"} {
		do(200, "GET", "/api/v4/incidents"+query, "")
	}
	do(200, "POST", "/api/incident", fmt.Sprintf(`{"title":"old","startDatetime":%d,"tags":["sun"],"body":"b"}`, testMinute))
	do(200, "GET", "/api/incident?status=OPEN", "")
	do(200, "POST", fmt.Sprintf("/api/incident/%d/status", incident), `{}`, "Idempotency-Key", "nothing")
	do(404, "POST", incidentPath(999)+"/comments", `{"comment":"c","state":"IDENTIFIED"}`, "Idempotency-Key", "refused")
	do(200, "GET", fmt.Sprintf("/api/incident/%d/comment", incident), "")
	comment := path + fmt.Sprintf("/comments/%d", made(t, s, path+"/comments", `{"comment":"c","state":"IDENTIFIED"}`))
	do(200, "GET", path+"/comments", "")
	do(200, "GET", comment, "")
	do(200, "PATCH", comment, `{"comment":"d"}`)
	do(200, "DELETE", comment, "")
	do(200, "DELETE", path, "")

	// Maintenances and their events.
	planned := made(t, s, maintenancesPath, fmt.Sprintf(`{"title":"m","start_date_time":%d,"rrule":"FREQ=DAILY","duration_seconds":600,"monitors":[{"monitor_tag":"sun"}]}`, testMinute))
	path = maintenancePath(planned)
	for _, query := range []string{"", "?monitor_tag=sun", "/events", "/events?monitors=sun", fmt.Sprintf("/%d/events", planned), fmt.Sprintf("/%d/events/2", planned)} {
		do(200, "GET", maintenancesPath+query, "")
	}
	do(200, "PATCH", path+"/events/2", `{"status":"CANCELLED"}`)
	do(200, "DELETE", path+"/events/2", "")
	do(200, "PATCH", path, `{"rrule":"FREQ=WEEKLY","monitors":[]}`)
	do(200, "DELETE", path, "")
	monitorsNamed(t, s, "venus")
	made(t, s, maintenancesPath, maintenanceWith("monitors", `[{"monitor_tag":"venus"}]`))
	do(200, "DELETE", "/api/v4/monitors/venus", "")

	// Pages and settings of the site.
	do(201, "POST", "/api/v4/pages", `{"page_path":"team","page_title":"T","page_header":"H","monitors":["sun","mars"]}`)
	do(404, "PATCH", "/api/v4/pages/none", `{"monitors":["none"]}`)
	do(200, "PATCH", "/api/v4/pages/team", `{"page_title":"U"}`)
	do(200, "PATCH", "/api/v4/pages/team", `{"page_path":"crew"}`)
	do(200, "GET", "/api/v4/pages", "")
	do(200, "PATCH", "/api/v4/site/siteName", `{"value":"S"}`)
	do(200, "GET", "/api/v4/site", "")
	do(400, "POST", "/api/v4/pages", `{"page_path":"crew","page_title":"T","page_header":"H"}`, "Idempotency-Key", "refused")

	// Integrations.
	tool := made(t, s, "/api/v4/integrations", `{"name":"I","kind":"generic"}`)
	path = fmt.Sprintf("/api/v4/integrations/%d", tool)
	for _, query := range []string{"/api/v4/integrations", path, path + "/deliveries"} {
		do(200, "GET", query, "")
	}
	do(200, "PATCH", path, `{"name":"J"}`)
	for range 2 {
		do(200, "POST", path+"/rotate", "")
	}
	do(200, "PATCH", "/api/v4/integrations/1", `{"name":"Alarms"}`)
	if got := s.DoWith("POST", path+"/test", `{"body":{"title":"t","status":"note"}}`, keyWith(s, statuspage.ScopeAdmin)); got.Status != 200 {
		t.Fatalf("with a key that was not used before: %d %s", got.Status, got.Body)
	}
	do(200, "POST", path+"/test", `{"body":{"title":"t","status":"firing","monitors":["earth"]}}`)
	do(404, "POST", "/api/v4/integrations/99/signals", `{"title":"t","status":"note"}`, "Idempotency-Key", "refused")
	for range 64 { // so many deliveries that older ones go
		do(200, "POST", path+"/signals", `{"title":"t","status":"note"}`, "Idempotency-Key", "note")
		do(200, "POST", path+"/signals", `{"title":"t","status":"note"}`)
	}
	do(200, "DELETE", path, "")

	// Points, and a monitor with more hours than its DELETE removes, and an incident after them.
	made(t, s, "/api/v4/incidents", fmt.Sprintf(`{"title":"t","start_date_time":%d,"monitors":[{"monitor_tag":"mars"}]}`, testMinute))
	made(t, s, rulesPath, downRule)
	for minute := range int64(4) {
		clock.seconds.Store(testStart + 60*minute)
		postStatus(t, s, testStart+60*minute, []string{"DOWN", "DOWN", "DOWN", "UP"}[minute], "earth", "sun")
	}
	do(200, "DELETE", incidentPath(4), "") // the alert's
	do(200, "POST", "/api/v4/status", `{"points":[{"monitor_tag":"sun","status":"UP"}]}`, "Idempotency-Key", "point")
	const day = 86400
	do(200, "PATCH", "/api/v4/monitors/mars/data", fmt.Sprintf(`{"start_ts":%d,"end_ts":%d,"status":"UP","latency":7}`, testMinute-12*day, testMinute-day))
	do(200, "GET", "/api/v4/monitors/mars/uptime?days=10", "")
	do(200, "GET", fmt.Sprintf("/api/v4/monitors/earth/data/%d", testMinute), "")
	do(200, "DELETE", "/api/v4/monitors/mars", "")
	do(200, "PATCH", rulesPath+"/1", `{"severity":"WARNING"}`)
	do(200, "GET", rulesPath, "")
	do(200, "GET", alertsPath, "")
	do(200, "GET", alertsPath+"?monitor_tag=earth", "")
	do(200, "GET", alertsPath+"/1", "")
	do(200, "DELETE", rulesPath+"/1", "")

	// What other tools send: alarms of which each has an incident, or shares one, a person resolves one
	// before the tool does; pings, after which a rule opens an alert; an event.
	for _, options := range []statuspage.JSONObject{`{}`, `{"group_by":"monitor"}`} {
		_, token := integrationOf(t, s, statuspage.KindGeneric, options)
		for _, status := range []string{"firing", "acknowledged", "firing", "resolved", "firing", "closed", "resolved"} {
			clock.seconds.Add(1)
			if status == "closed" {
				var newest struct{ Incidents []struct{ ID int64 } }
				if err := json.Unmarshal([]byte(s.Do("GET", "/api/v4/incidents?limit=1", "").Body), &newest); err != nil || len(newest.Incidents) != 1 {
					t.Fatal(newest, err)
				}
				do(201, "POST", incidentPath(newest.Incidents[0].ID)+"/comments", `{"comment":"c","state":"RESOLVED"}`)
				continue
			}
			do(200, "POST", "/hooks/"+token, signalBody("k", status, "earth"))
		}
	}
	monitorsNamed(t, s, "moon")
	made(t, s, rulesPath, `{"alert_for":"STATUS","alert_value":"DOWN","failure_threshold":1,"success_threshold":1,"monitor_tags":["moon"],"create_incident":true}`)
	_, ping := integrationOf(t, s, statuspage.KindHeartbeat, `{"heartbeat":{"monitor":"moon"}}`)
	for _, says := range []string{"/start", "", "/fail", "", "/fail"} {
		if clock.seconds.Add(60); says == "" {
			made(t, s, maintenancesPath, maintenanceWith("monitors", `[{"monitor_tag":"moon"}]`))
		}
		do(200, "GET", "/ping/"+ping+says, "")
	}
	do(400, "GET", "/ext/heartbeat/moon/none", "")
	if _, err := s.Put(fmt.Sprintf(alarmEvent, "errors", "ALARM", 3, "tocsin-monitor: earth")); err != nil {
		t.Fatal(err)
	}
	clock.seconds.Store(testStart + 180)
	// An alarm of another tool, which falls silent.
	tool = made(t, s, "/api/v4/integrations", `{"name":"I","kind":"generic","options":{"stale_after_seconds":60}}`)
	silent, err := s.Table.Store(nil).Integration(t.Context(), tool)
	if err != nil {
		t.Fatal(err)
	}
	alarm := []statuspage.Signal{{Key: "k", Action: statuspage.SignalFiring, Monitors: []string{"earth"}}}
	if _, err := s.Table.Store(nil).TakeSignals(t.Context(), silent, alarm, testStart, nil); err != nil {
		t.Fatal(err)
	}
	do(200, "GET", fmt.Sprintf("%s?integration_id=%d", alertsPath, tool), "")

	// What the schedules do: missing data of a monitor, a maintenance that goes on, and
	// incidents to warn of and to close.
	_, err = s.Table.Store(nil).CreateMaintenance(t.Context(), statuspage.NewMaintenance{
		Title: "Backup", Schedule: statuspage.Schedule{Start: testMinute, Rule: "FREQ=DAILY", Duration: 60},
	}, testStart, nil)
	if err != nil {
		t.Fatal(err)
	}
	do(201, "POST", "/api/v4/incidents", fmt.Sprintf(`{"title":"forgotten","start_date_time":%d,"monitors":[{"monitor_tag":"earth"}]}`, testMinute))
	made(t, s, rulesPath, `{"alert_for":"NO_DATA","alert_value":3,"monitor_tags":["sun"],"create_incident":true}`)
	do(201, "POST", "/api/v4/incidents", fmt.Sprintf(`{"title":"t","start_date_time":%d,"end_date_time":%d,"monitors":[{"monitor_tag":"earth"}]}`, testMinute, testMinute+600))
	for _, later := range []int64{0, 600, 660, 60 * 3600, 90 * 3600} {
		clock.seconds.Store(testStart + 300 + later)
		s.Tick()
		if later == 600 {
			postStatus(t, s, statuspage.FloorMinute(testStart+300+later), "UP", "sun")
		}
	}

	// And what interrupted deletions leave to them.
	left := made(t, s, maintenancesPath, maintenanceWith("monitors", `[{"monitor_tag":"sun"}]`))
	killed(t, s.Table, func(ctx context.Context, store *dynamo.Store) error {
		return store.DeleteMaintenance(ctx, left, clock.seconds.Load(), nil)
	})
	made(t, s, maintenancesPath, maintenanceWith("monitors", `[{"monitor_tag":"sun"}]`))
	killed(t, s.Table, func(ctx context.Context, store *dynamo.Store) error {
		return store.DeleteMonitor(ctx, "sun", clock.seconds.Load())
	})
	clock.seconds.Add(3600)
	s.Tick()

	if names := s.Permissions.Functions(); len(names) != 10 {
		t.Errorf("permissions of %v", names)
	}
	for _, name := range s.Permissions.Functions() {
		if unused := s.Permissions.Unused(name); len(unused) != 0 {
			t.Errorf("%s is granted and makes no use of %v", name, unused)
		}
	}
}
