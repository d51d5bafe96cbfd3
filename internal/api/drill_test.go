package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/apitest"
	"tocsin/internal/dynamo"
	"tocsin/internal/dynamo/dump"
	"tocsin/internal/dynamotest"
	"tocsin/internal/openapi"
	"tocsin/internal/opt"
	"tocsin/internal/statuspage"
)

// TestRecoveryDrill is the drill of docs/recovery.md: a table with records of every kind is
// exported, lost, and imported into a new one, once at a stroke and once with
// interruptions. Every GET route of both APIs answers the same bytes then, with the old
// keys, a request that was answered before is replayed, an interrupted deletion is
// finished, and the next records get the ids that they would have got.
func TestRecoveryDrill(t *testing.T) {
	t.Parallel()
	old, clock := startWithKey(t)
	reader := fillForDrill(t, old, clock)
	var file bytes.Buffer
	if _, _, err := old.Table.Dump(nil).Export(t.Context(), &file, dump.ExportOptions{}, clock.seconds.Load()); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(file.String(), old.Key) || strings.Contains(file.String(), reader) {
		t.Error("an API key is in the file")
	}
	for what, key := range map[string]string{
		"interrupted deletion": `"pk":{"S":"CLEANUP"},"sk":{"S":"INCIDENT#`, "interrupted deletion of a maintenance": `"pk":{"S":"CLEANUP"},"sk":{"S":"MAINTENANCE#`, "interrupted end of alerts": `"pk":{"S":"CLEANUP"},"sk":{"S":"ALERTS#`,
		"alert that joined an incident": `"pk":{"S":"INCIDENT#8"},"sk":{"S":"ALERT#`, "incident that open alerts share": `"sk":{"S":"OPENINCIDENT"}`,
	} {
		if !strings.Contains(file.String(), key) {
			t.Errorf("no %s is in the file", what)
		}
	}
	paths := drillPaths(t, old)
	want := map[string]apitest.Response{}
	for _, path := range paths {
		want[path] = old.Do(http.MethodGet, path, "")
	}
	creations := [][2]string{
		{"/api/v4/incidents", `{"title":"Next","start_date_time":1768471230,"monitors":[{"monitor_tag":"earth"}]}`},
		{"/api/v4/incidents/1/comments", `{"comment":"Next","state":"MONITORING"}`},
		{maintenancesPath, maintenanceWith("monitors", `[{"monitor_tag":"earth"}]`)},
		{"/api/v4/monitors", `{"tag":"next","name":"Next"}`},
		{"/api/v4/alert-rules", `{"alert_for":"LATENCY","alert_value":5,"monitor_tags":["mars"]}`},
		{"/api/incident", `{"title":"Next","tags":["mars"]}`},
		{"/api/incident/3/comment", `{"state":"next","body":"x","comment":"Next"}`},
		{"/api/v4/status", fmt.Sprintf(`{"points":[{"monitor_tag":"mars","status":"DOWN","timestamp":%d}]}`, clock.seconds.Load())},
	}
	made := map[string]string{}
	for name, stops := range map[string][]int64{"at a stroke": nil, "interrupted": {5, 20, 20}} {
		t.Run(name, func(t *testing.T) {
			table := dynamotest.NewTable(t)
			for _, puts := range stops {
				importInterrupted(t, table, file.Bytes(), puts, clock.seconds.Load())
			}
			r, err := table.Dump(nil).Import(t.Context(), bytes.NewReader(file.Bytes()), dump.ImportOptions{}, clock.seconds.Load())
			if err != nil || r.Changed != 0 || r.LeftOut != 0 {
				t.Fatalf("%+v, %v", r, err)
			}
			s := apitest.New(t, apitest.Options{Table: table, Now: clock.now, Parameters: map[string]string{"SiteUrl": "http://localhost:3000"}})
			s.Key = old.Key
			for _, path := range paths {
				got := s.Do(http.MethodGet, path, "")
				if path == "/api/v4/keys" { // the newest is the test's own
					got.Body = regexp.MustCompile(`\[\{"id":\d+,"name":"test".*?\},\{`).ReplaceAllString(got.Body, "[{")
				}
				if d := cmp.Diff(want[path].Body, got.Body); d != "" || got.Status != want[path].Status || got.Header.Get("ETag") != want[path].Header.Get("ETag") {
					t.Errorf("GET %s: %d, was %d (-was +is):\n%s", path, got.Status, want[path].Status, d)
				}
			}
			if got := s.DoWith(http.MethodGet, "/api/v4/monitors", "", http.Header{"Authorization": {"Bearer " + reader}}); got.Status != http.StatusOK {
				t.Errorf("another old key: %d %s", got.Status, got.Body)
			}
			if got := s.DoWith(http.MethodGet, "/api/v4/incidents", "", http.Header{"Authorization": {"Bearer " + reader}}); got.Status != http.StatusForbidden {
				t.Errorf("another old key, out of its scope: %d %s", got.Status, got.Body)
			}
			got := s.DoWith(http.MethodPost, "/api/v4/incidents", drillIncident, s.Header("Idempotency-Key", "deploy-4711"))
			if got.Status != http.StatusCreated || got.Header.Get("Idempotent-Replayed") != "true" {
				t.Errorf("a request that was answered before: %d %v %s", got.Status, got.Header, got.Body)
			}
			s.Tick()
			for _, it := range table.Items(t) {
				if it["pk"] == "CLEANUP" && it["swept"] == "" || it["pk"] == "INCIDENT#4" || it["pk"] == "MAINTENANCE#3" {
					t.Errorf("the deletion is not finished: %v", it)
				}
			}
			for _, c := range creations {
				got := s.Do(http.MethodPost, c[0], c[1])
				made[name] += fmt.Sprintf("%s: %d %s\n", c[0], got.Status, got.Body)
			}
		})
	}
	old.Tick()
	for _, c := range creations {
		got := old.Do(http.MethodPost, c[0], c[1])
		made["the old one"] += fmt.Sprintf("%s: %d %s\n", c[0], got.Status, got.Body)
		if got.Status >= 300 {
			t.Errorf("POST %s: %d %s", c[0], got.Status, got.Body)
		}
	}
	for name, text := range made {
		if d := cmp.Diff(made["the old one"], text); d != "" {
			t.Errorf("%s: what is made next (-old +new):\n%s", name, d)
		}
	}
}

const drillIncident = `{"title":"Deploy 4711 failed","start_date_time":1768471230,"monitors":[{"monitor_tag":"mars","impact":"DEGRADED"}]}`

// fillForDrill makes records of every kind over HTTP, and returns a key that reads monitors.
func fillForDrill(t *testing.T, s *apitest.Server, clock *clock) (reader string) {
	t.Helper()
	do := func(method, path, body string) {
		t.Helper()
		if r := s.Do(method, path, body); r.Status >= 300 {
			t.Fatalf("%s %s: %d %s", method, path, r.Status, r.Body)
		}
	}
	do("POST", "/api/v4/monitors", `{"tag":"earth","name":"Earth","type_data":{"headers":[{"key":"x","value":"\"\\\u0000é😀"}],"n":1.0},"include_degraded_in_downtime":"YES"}`)
	do("POST", "/api/v4/monitors", `{"tag":"mars","name":"Mars"}`)
	do("POST", "/api/v4/monitors", `{"tag":"venus","name":"Venus"}`)
	do("POST", "/api/v4/alert-rules", `{"alert_for":"STATUS","alert_value":"DOWN","monitor_tags":["earth","venus"],"failure_threshold":2,"create_incident":true,"description":"Runbook"}`)
	do("POST", "/api/v4/alert-rules", `{"alert_for":"NO_DATA","alert_value":10,"monitor_tags":["mars"],"is_active":false}`)
	do("PATCH", "/api/v4/monitors/mars/data", fmt.Sprintf(`{"start_ts":%d,"end_ts":%d,"status":"UP","latency":90,"deviation":7}`, testMinute-3*86400, testMinute-600))
	do("GET", "/api/v4/monitors/mars/uptime?days=5", "") // makes the totals of days
	do("POST", "/api/v4/incidents", `{"title":"First \"<é😀>\"","start_date_time":1768470000,"monitors":[{"monitor_tag":"earth"},{"monitor_tag":"mars","impact":"UP"},{"monitor_tag":"venus"}],"auto_close_after":7200}`)
	if r := s.DoWith("POST", "/api/v4/incidents", drillIncident, s.Header("Idempotency-Key", "deploy-4711")); r.Status != http.StatusCreated {
		t.Fatalf("%d %s", r.Status, r.Body)
	}
	report(t, s, `{"title":"Old","tags":["mars"],"startDatetime":1768470001,"body":"A long body","impact":"DOWN","isIdentified":true,"isMaintenance":true}`)
	made(t, s, "/api/v4/incidents", `{"title":"To be deleted","start_date_time":1768470000,"monitors":[{"monitor_tag":"mars"}]}`)
	for range 3 {
		made(t, s, "/api/v4/incidents/4/comments", `{"comment":"Goes with it","state":"IDENTIFIED"}`)
	}
	do("POST", "/api/v4/incidents/1/comments", `{"comment":"Looking","state":"IDENTIFIED"}`)
	do("POST", "/api/v4/incidents/1/comments", `{"comment":"Deleted","state":"MONITORING"}`)
	do("DELETE", "/api/v4/incidents/1/comments/5", "")
	do("POST", "/api/v4/incidents/2/comments", `{"comment":"Fixed","state":"RESOLVED"}`)
	do("POST", maintenancesPath, `{"title":"Backup <é😀>","description":"","start_date_time":1768470000,"rrule":"FREQ=DAILY;BYHOUR=3","duration_seconds":1800,"time_zone":"Europe/Berlin"}`)
	do("POST", maintenancesPath, maintenanceWith("description", `"d"`, "monitors", `[{"monitor_tag":"mars","impact":"DOWN"},{"monitor_tag":"venus"}]`))
	do("PATCH", maintenancesPath+"/1", `{"rrule":"FREQ=DAILY;BYHOUR=4","monitors":[{"monitor_tag":"mars"}]}`)
	do("PATCH", maintenancesPath+"/1/events/12", `{"status":"CANCELLED"}`)
	do("PATCH", maintenancesPath+"/1/events/13", `{"start_date_time":1768600000,"end_date_time":1768660000}`)
	do("DELETE", maintenancesPath+"/1/events/14", "")
	do("POST", pagesPath, `{"page_path":"team","page_title":"Team <é😀>","page_header":"H","page_logo":"","page_settings":{"x":{"y":1.0},"meta_page_title":"\u0000"},"monitors":["mars","earth"]}`)
	do("POST", integrationsPath, `{"name":"Prometheus <é>","kind":"alertmanager","options":{"monitors":["mars"]}}`)
	do("POST", pagesPath, newPage("gone"))
	do("DELETE", pagesPath+"/gone", "")
	do("PATCH", pagesPath+"/~home", `{"page_header":"Changed"}`)
	do("PATCH", sitePath+"/siteName", `{"value":"A name <é😀>"}`)
	do("PATCH", sitePath+"/nav", `{"value":[{"name":"a","url":"/","x":1.0}]}`)
	clock.seconds.Add(60)
	for minute := range int64(3) {
		do("POST", "/api/v4/status", fmt.Sprintf(`{"points":[{"monitor_tag":"earth","status":"DOWN","timestamp":%d},{"monitor_tag":"venus","status":"DOWN","timestamp":%d}]}`, testMinute-120+60*minute, testMinute-120+60*minute))
	}
	clock.seconds.Add(60)
	do("POST", "/api/v4/status", fmt.Sprintf(`{"points":[{"monitor_tag":"earth","status":"UP","latency":12.25,"timestamp":%d}]}`, testMinute+60))
	do("DELETE", "/api/v4/monitors/venus", "")
	reader, _ = newKey(t, s, `{"name":"page","scopes":["monitors:read"],"expires_at":1900000000}`)
	newKey(t, s, `{"name":"gone","scopes":["admin"]}`)
	do("DELETE", "/api/v4/keys/4", "")

	// A deletion that is interrupted after its first part, the one that counts.
	ctx, die := context.WithCancel(t.Context())
	client := &dynamotest.Client{Inject: dynamotest.Before(dynamotest.Deletes("COMMENT#"), die)}
	if err := s.Table.Store(client).DeleteIncident(ctx, 4, clock.seconds.Load(), nil); err != nil {
		t.Fatal(err)
	}
	do("POST", maintenancesPath, maintenanceWith("rrule", `"FREQ=DAILY"`))
	killed(t, s.Table, func(ctx context.Context, store *dynamo.Store) error {
		return store.DeleteMaintenance(ctx, 3, clock.seconds.Load(), nil)
	})

	// Incidents that two rules share: one is open, one resolved, and of one the alerts are
	// still to end.
	for _, tag := range []string{"saturn", "jupiter", "uranus"} {
		do("POST", "/api/v4/monitors", fmt.Sprintf(`{"tag":%q,"name":"N"}`, tag))
	}
	for _, severity := range []string{"WARNING", "CRITICAL"} {
		do("POST", "/api/v4/alert-rules", fmt.Sprintf(`{"alert_for":"STATUS","alert_value":"DOWN","monitor_tags":["saturn","jupiter","uranus"],"severity":%q,"create_incident":true}`, severity))
	}
	for _, tag := range []string{"saturn", "jupiter", "uranus"} {
		do("POST", "/api/v4/status", fmt.Sprintf(`{"points":[{"monitor_tag":%q,"status":"DOWN","timestamp":%d}]}`, tag, testMinute))
	}
	do("POST", "/api/v4/status", fmt.Sprintf(`{"points":[{"monitor_tag":"jupiter","status":"UP","timestamp":%d}]}`, testMinute+60))
	ctx, die = context.WithCancel(t.Context())
	client = &dynamotest.Client{Inject: dynamotest.Before(dynamotest.Deletes("OPENALERT#"), die)}
	if _, err := s.Table.Store(client).UpdateMonitor(ctx, "uranus", statuspage.MonitorPatch{Status: opt.Value("INACTIVE")}, clock.seconds.Load()); err != nil {
		t.Fatal(err)
	}
	return reader
}

// importInterrupted imports until so many records are put.
func importInterrupted(t *testing.T, table *dynamotest.Table, file []byte, most, now int64) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var left atomic.Int64
	left.Store(most)
	puts := dynamotest.Writes("")
	client := &dynamotest.Client{Inject: func(operation string, body []byte) dynamotest.Fault {
		if puts(operation, body) && left.Add(-1) < 0 {
			cancel()
		}
		return dynamotest.None
	}}
	if _, err := table.Dump(client).Import(ctx, bytes.NewReader(file), dump.ImportOptions{}, now); err == nil {
		t.Error("the import was not interrupted")
	}
}

// drillPaths are paths of every GET operation of the OpenAPI document, with parameters
// that there is something for, and something that there is not.
func drillPaths(t *testing.T, s *apitest.Server) []string {
	t.Helper()
	paths := []string{
		"/api/v4/incidents", "/api/v4/incidents?status=open", "/api/v4/incidents?status=closed&limit=1", "/api/v4/incidents?monitor_tags=earth,mars", "/api/v4/incidents?start_ts=1768470001",
		maintenancesPath, maintenancesPath + "?monitor_tag=mars", maintenancesPath + "/1", maintenancesPath + "/2", maintenancesPath + "/3",
		maintenancesPath + "/events?event_start_date_time=0&limit=100", maintenancesPath + "/events?monitors=mars", maintenancesPath + "/1/events", maintenancesPath + "/2/events", maintenancesPath + "/1/events/12", maintenancesPath + "/1/events/13", maintenancesPath + "/1/events/14",
		"/api/v4/monitors", "/api/v4/monitors?status=ACTIVE", "/api/v4/monitors/earth", "/api/v4/monitors/mars", "/api/v4/monitors/venus", "/api/v4/monitors/uranus",
		fmt.Sprintf("/api/v4/monitors/earth/data?start_ts=%d&end_ts=%d", testMinute-86400, testMinute+3600), fmt.Sprintf("/api/v4/monitors/mars/data?start_ts=%d&end_ts=%d", testMinute-4*86400, testMinute),
		fmt.Sprintf("/api/v4/monitors/earth/data/%d", testMinute), fmt.Sprintf("/api/v4/monitors/earth/data/%d", testMinute+600),
		"/api/v4/monitors/earth/uptime?days=5", "/api/v4/monitors/mars/uptime?days=90",
		"/api/v4/alert-rules", "/api/v4/alert-rules/1", "/api/v4/alert-rules/2", "/api/v4/alert-rules/3", "/api/v4/alerts", "/api/v4/alerts?monitor_tag=saturn", "/api/v4/alerts?monitor_tag=jupiter", "/api/v4/alerts?monitor_tag=uranus", "/api/v4/alerts?monitor_tag=earth", "/api/v4/alerts?alert_status=TRIGGERED",
		integrationsPath, integrationsPath + "/1", integrationsPath + "/2", integrationsPath + "/2/deliveries",
		pagesPath, pagesPath + "/~home", pagesPath + "/team", pagesPath + "/gone", sitePath, sitePath + "/siteName", sitePath + "/nav", sitePath + "/customCSS",
		"/api/v4/keys", "/healthcheck", "/openapi.json", "/docs",
		"/api/status?tag=earth", "/api/status?tag=mars", "/api/status?tag=venus", "/api/incident?status=OPEN", "/api/incident?status=CLOSED", "/api/incident?status=OPEN&tags=mars",
	}
	for id := range 12 {
		paths = append(paths, fmt.Sprintf("/api/v4/incidents/%d", id+1), fmt.Sprintf("/api/v4/incidents/%d/comments", id+1), fmt.Sprintf("/api/v4/incidents/1/comments/%d", id+1),
			fmt.Sprintf("/api/v4/alerts/%d", id+1), fmt.Sprintf("/api/incident/%d", id+1), fmt.Sprintf("/api/incident/%d/comment", id+1))
	}
	var document struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(openapi.JSON.Unpacked(), &document); err != nil {
		t.Fatal(err)
	}
	for route, operations := range document.Paths {
		if operations["get"] == nil {
			continue
		}
		match := regexp.MustCompile("^" + regexp.MustCompile(`\\\{\w+\\\}`).ReplaceAllString(regexp.QuoteMeta(route), `[^/]+`) + `(\?.*)?$`)
		found := false
		for _, path := range paths {
			found = found || match.MatchString(path) && s.Do(http.MethodGet, path, "").Status == http.StatusOK
		}
		if !found {
			t.Errorf("the drill has no GET %s that is answered with 200", route)
		}
	}
	return paths
}
