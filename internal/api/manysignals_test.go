package api_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"testing"
	"time"

	"tocsin/internal/apitest"
	"tocsin/internal/dynamotest"
	"tocsin/internal/statuspage"
)

// 1,000 are what a message of 1 MiB can have; a machine that does other work takes long for them.
var manyAlerts = flag.Int("alerts", 200, "how many alerts a large group has")

// groupBody is a message of Alertmanager with so many alerts of a group.
func groupBody(status string, alerts int) string {
	var list []map[string]any
	for n := range alerts {
		a := map[string]any{
			"status": status, "fingerprint": fmt.Sprintf("%016x", n), "labels": map[string]string{"alertname": "Down", "instance": fmt.Sprint(n), "severity": "critical"},
			"annotations": map[string]string{"summary": fmt.Sprintf("Instance %d is down", n)}, "startsAt": time.Unix(testStart-60, 0).UTC(), "endsAt": "0001-01-01T00:00:00Z",
		}
		if status == "resolved" {
			a["endsAt"] = time.Unix(testStart-1, 0).UTC()
		}
		list = append(list, a)
	}
	body, err := json.Marshal(map[string]any{
		"version": "4", "groupKey": `{}:{alertname="Down"}`, "status": status, "receiver": "tocsin", "alerts": list,
		"groupLabels": map[string]string{"alertname": "Down"}, "commonLabels": map[string]string{"alertname": "Down"}, "commonAnnotations": map[string]string{},
	})
	if err != nil {
		panic(err)
	}
	return string(body)
}

// TestManyAlertsAtOnce sends all alerts of a large group at once, and their ends.
func TestManyAlertsAtOnce(t *testing.T) {
	many := *manyAlerts
	for _, tt := range []struct {
		groupBy           string
		alerts, incidents int
		calls             int // at most so many one after another, of DynamoDB
	}{
		{"group", 1, 1, 20},
		{"dedup_key", many, many, 20 + many*7/10},
		{"monitor", many, 1, 20 + many*13/10}, // a repetition takes one each
	} {
		t.Run(tt.groupBy, func(t *testing.T) {
			calls := &dynamotest.Client{}
			s := apitest.New(t, apitest.Options{HTTPClient: calls, Now: func() time.Time { return time.Unix(testStart, 0) }})
			monitorsNamed(t, s, "sun")
			_, token := integrationOf(t, s, statuspage.KindAlertmanager, statuspage.JSONObject(fmt.Sprintf(`{"monitors":["sun"],"group_by":%q}`, tt.groupBy)))
			send := func(body, want string) {
				t.Helper()
				calls.Reset()
				began := time.Now()
				got := s.DoWith("POST", "/hooks/"+token, body, nil)
				took := time.Since(began)
				if got.Status != 200 || got.Body != want {
					t.Errorf("%d %s, want %s", got.Status, got.Body, want)
				}
				read, write := calls.Capacity()
				t.Logf("%.1f s, %d calls, %d one after another, %.0f read units, %.0f write units: %s", took.Seconds(), len(calls.Calls()), calls.Sequential(), read, write, got.Body)
				if n := calls.Sequential(); n > tt.calls {
					t.Errorf("%d calls one after another", n)
				}
			}
			check := func(state statuspage.State, alerts statuspage.AlertState) {
				t.Helper()
				contents := s.Table.Contents(t)
				for _, problem := range contents.Check() {
					t.Error(problem)
				}
				if len(contents.Alerts) != tt.alerts || len(contents.Incidents) != tt.incidents {
					t.Errorf("%d alerts and %d incidents", len(contents.Alerts), len(contents.Incidents))
				}
				for id, a := range contents.Alerts {
					if a.Text("state") != string(alerts) || contents.Incidents[a.Num("incident_id")] == nil {
						t.Fatalf("alert %d: %v", id, a)
					}
				}
				for id, i := range contents.Incidents {
					if i.Text("state") != string(state) {
						t.Fatalf("incident %d: %v", id, i)
					}
				}
			}
			send(groupBody("firing", many), fmt.Sprintf(`{"received":%d,"opened":%[1]d,"resolved":0,"ignored":0}`, tt.alerts))
			check(statuspage.Investigating, statuspage.Triggered)
			send(groupBody("firing", many), fmt.Sprintf(`{"received":%d,"opened":0,"resolved":0,"ignored":0}`, tt.alerts))
			send(groupBody("resolved", many), fmt.Sprintf(`{"received":%d,"opened":0,"resolved":%[1]d,"ignored":0}`, tt.alerts))
			check(statuspage.Resolved, statuspage.AlertResolved)
		})
	}
}
