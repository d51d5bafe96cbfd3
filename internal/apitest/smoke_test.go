package apitest_test

import (
	"net/http"
	"strings"
	"testing"

	"tocsin/internal/apitest"
	"tocsin/internal/dynamotest"
)

func TestMain(m *testing.M) { dynamotest.Main(m) }

// TestSmoke goes once through both APIs, over the local gateway, on an engine: what make
// check has of the whole.
func TestSmoke(t *testing.T) {
	s := apitest.New(t, apitest.Options{})
	for _, step := range []struct {
		method, path, body string
		status             int
		want               string // a part of the answer
	}{
		{http.MethodGet, "/healthcheck", "", 200, ""},
		{http.MethodPost, "/api/v4/monitors", `{"tag":"earth","name":"Earth"}`, 201, `"tag":"earth"`},
		{http.MethodPost, "/api/v4/incidents", `{"title":"Quake","start_date_time":600,"monitors":[{"monitor_tag":"earth"}]}`, 201, `"id":1,`},
		{http.MethodPatch, "/api/v4/incidents/1", `{"title":"Earthquake"}`, 200, `"title":"Earthquake"`},
		{http.MethodPost, "/api/v4/incidents/1/comments", `{"comment":"Over","state":"RESOLVED"}`, 201, `"state":"RESOLVED"`},
		{http.MethodGet, "/api/v4/incidents?monitor_tags=earth", "", 200, `"title":"Earthquake"`},
		{http.MethodGet, "/api/incident/1", "", 200, `"title":"Earthquake"`},
		{http.MethodPost, "/api/v4/alert-rules", `{"alert_for":"STATUS","alert_value":"DOWN","monitor_tags":["earth"],"create_incident":true}`, 201, `"id":1,`},
		{http.MethodPost, "/api/v4/status", `{"points":[{"monitor_tag":"earth","status":"DOWN"}]}`, 200, ``},
		{http.MethodGet, "/api/v4/alerts", "", 200, `"TRIGGERED"`},
		{http.MethodDelete, "/api/v4/monitors/earth", "", 200, ``},
		{http.MethodGet, "/api/v4/monitors/earth", "", 404, `"NOT_FOUND"`},
		{http.MethodGet, "/api/v4/nowhere", "", 404, `"NOT_FOUND"`},
		{http.MethodGet, "/nowhere", "", 404, "Not found"},
	} {
		if got := s.Do(step.method, step.path, step.body); got.Status != step.status || !strings.Contains(got.Body, step.want) {
			t.Fatalf("%s %s: %d %s", step.method, step.path, got.Status, got.Body)
		}
	}
	s.Tick()
	if c := s.Table.Contents(t); len(c.Check()) > 0 || len(c.Changes) == 0 {
		t.Errorf("%v, %d change rows", c.Check(), len(c.Changes))
	}
}
