package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The calls that Kener documents for incidents and comments, in the order of its
// documentation and with the values of its examples. Times that are no whole minute
// are answered floored, as the documentation says beside its examples, and the
// answers have the url that it leaves out.
func TestDocumentedCalls(t *testing.T) {
	s, clock := start(t)
	at := func(hour, minute int) {
		clock.seconds.Store(time.Date(2026, 1, 15, hour, minute, 0, 0, time.UTC).Unix())
	}
	call := func(name, method, path, body string, status int, want string) {
		t.Helper()
		header := http.Header{"Authorization": {"Bearer " + s.Key}}
		if body != "" {
			header.Set("Content-Type", "application/json")
		}
		got := s.DoWith(method, path, body, header)
		if diff := cmp.Diff(answer{status, want}, answer{got.Status, got.Body}); diff != "" {
			t.Errorf("%s: %s %s (-want +got):\n%s", name, method, path, diff)
		}
	}
	at(9, 0)
	for _, tag := range []string{"api-gateway", "checkout-service", "database"} {
		made(t, s, "/api/v4/monitors", `{"tag":"`+tag+`","name":"`+tag+`"}`)
	}

	// The list's example is an incident that is over, the next one's the same while
	// it lasts: the list comes again when it is.
	at(10, 0)
	made(t, s, "/api/v4/incidents", `{"title":"API Gateway Outage","start_date_time":1737000000,"monitors":[{"monitor_tag":"api-gateway","impact":"DOWN"}]}`)
	made(t, s, "/api/v4/incidents/1/comments", `{"comment":"We are investigating increased error rates.","state":"INVESTIGATING","timestamp":1737000000}`)

	const running = `{"id":1,"title":"API Gateway Outage","start_date_time":1737000000,"end_date_time":null,"state":"INVESTIGATING",` +
		`"incident_source":"API","monitors":[{"monitor_tag":"api-gateway","impact":"DOWN"}],` +
		`"created_at":"2026-01-15T10:00:00.000Z","updated_at":"2026-01-15T10:00:00.000Z","url":"http://localhost:3000/incidents/1"}`
	call("list incidents", "GET", "/api/v4/incidents", "", 200, `{"incidents":[`+running+`]}`)
	call("list by time", "GET", "/api/v4/incidents?start_ts=1737000000&end_ts=1737000000", "", 200, `{"incidents":[`+running+`]}`)
	call("list by a later time", "GET", "/api/v4/incidents?start_ts=1737000001", "", 200, `{"incidents":[]}`)
	call("list by an earlier time", "GET", "/api/v4/incidents?end_ts=1736999999", "", 200, `{"incidents":[]}`)
	call("list by monitors", "GET", "/api/v4/incidents?monitor_tags=api-gateway,checkout-service", "", 200, `{"incidents":[`+running+`]}`)
	call("list by another monitor", "GET", "/api/v4/incidents?monitor_tags=database", "", 200, `{"incidents":[]}`)

	call("get an incident", "GET", "/api/v4/incidents/1", "", 200,
		`{"incident":{"id":1,"title":"API Gateway Outage","start_date_time":1737000000,"end_date_time":null,"state":"INVESTIGATING",`+
			`"incident_type":"INCIDENT","incident_source":"API","monitors":[{"monitor_tag":"api-gateway","impact":"DOWN"}],`+
			`"created_at":"2026-01-15T10:00:00.000Z","updated_at":"2026-01-15T10:00:00.000Z","url":"http://localhost:3000/incidents/1"}}`)

	second := func(title, end, state, monitors, updated string) string {
		return `{"incident":{"id":2,"title":"` + title + `","start_date_time":1737009960,"end_date_time":` + end + `,"state":"` + state + `",` +
			`"incident_type":"INCIDENT","incident_source":"API","monitors":` + monitors + `,` +
			`"created_at":"2026-01-15T12:00:00.000Z","updated_at":"2026-01-15T` + updated + `:00.000Z","url":"http://localhost:3000/incidents/2"}}`
	}
	const database = `[{"monitor_tag":"database","impact":"DEGRADED"}]`
	at(12, 0)
	call("create an incident", "POST", "/api/v4/incidents",
		`{"title":"Database Slowdown","start_date_time":1737010000,"monitors":[{"monitor_tag":"database","impact":"DEGRADED"}]}`,
		201, second("Database Slowdown", "null", "INVESTIGATING", database, "12:00"))
	at(13, 0)
	call("update an incident", "PATCH", "/api/v4/incidents/2", `{"end_date_time":1737013600,"title":"Database Slowdown (resolved)"}`,
		200, second("Database Slowdown (resolved)", "1737013560", "INVESTIGATING", database, "13:00"))
	at(13, 1)
	call("reopen an incident", "PATCH", "/api/v4/incidents/2", `{"end_date_time":null}`,
		200, second("Database Slowdown (resolved)", "null", "INVESTIGATING", database, "13:01"))
	at(13, 2)
	call("replace the monitors", "PATCH", "/api/v4/incidents/2", `{"monitors":[{"monitor_tag":"checkout-service"}]}`,
		200, second("Database Slowdown (resolved)", "null", "INVESTIGATING", `[{"monitor_tag":"checkout-service","impact":"DOWN"}]`, "13:02"))
	at(13, 3)
	call("remove all monitors", "PATCH", "/api/v4/incidents/2", `{"monitors":[]}`,
		200, second("Database Slowdown (resolved)", "null", "INVESTIGATING", `[]`, "13:03"))

	call("delete an incident", "DELETE", "/api/v4/incidents/2", "", 200, `{"message":"Incident with id '2' deleted successfully"}`)
	call("it is gone", "GET", "/api/v4/incidents/2", "", 404, notFound("Incident with id '2' not found"))
	call("its comments too", "GET", "/api/v4/incidents/2/comments", "", 404, notFound("Incident with id '2' not found"))

	const first = `{"id":1,"incident_id":1,"comment":"We are investigating increased error rates.","timestamp":1737000000,"state":"INVESTIGATING",` +
		`"created_at":"2026-01-15T10:00:00.000Z","updated_at":"2026-01-15T10:00:00.000Z"}`
	call("list comments", "GET", "/api/v4/incidents/1/comments", "", 200, `{"comments":[`+first+`]}`)
	call("get a comment", "GET", "/api/v4/incidents/1/comments/1", "", 200, `{"comment":`+first+`}`)

	comment := func(text, updated string) string {
		return `{"comment":{"id":2,"incident_id":1,"comment":"` + text + `","timestamp":1737001800,"state":"IDENTIFIED",` +
			`"created_at":"2026-01-15T10:30:00.000Z","updated_at":"2026-01-15T` + updated + `:00.000Z"}}`
	}
	at(10, 30)
	call("create a comment", "POST", "/api/v4/incidents/1/comments",
		`{"comment":"Root cause identified — rolling back deployment.","state":"IDENTIFIED","timestamp":1737001800}`,
		201, comment("Root cause identified — rolling back deployment.", "10:30"))
	at(10, 35)
	call("update a comment", "PATCH", "/api/v4/incidents/1/comments/2", `{"comment":"Root cause identified — rollback in progress."}`,
		200, comment("Root cause identified — rollback in progress.", "10:35"))
	call("delete a comment", "DELETE", "/api/v4/incidents/1/comments/2", "", 200, `{"message":"Comment with id '2' deleted successfully"}`)
	call("it is gone", "GET", "/api/v4/incidents/1/comments/2", "", 404, notFound("Comment with id '2' not found for incident '1'"))
	call("from the list too", "GET", "/api/v4/incidents/1/comments", "", 200, `{"comments":[`+first+`]}`)

	at(11, 0)
	call("a RESOLVED comment", "POST", "/api/v4/incidents/1/comments", `{"comment":"Fixed.","state":"RESOLVED","timestamp":1737003600}`, 201,
		`{"comment":{"id":3,"incident_id":1,"comment":"Fixed.","timestamp":1737003600,"state":"RESOLVED",`+
			`"created_at":"2026-01-15T11:00:00.000Z","updated_at":"2026-01-15T11:00:00.000Z"}}`)
	call("list incidents when it is over", "GET", "/api/v4/incidents", "", 200,
		`{"incidents":[{"id":1,"title":"API Gateway Outage","start_date_time":1737000000,"end_date_time":1737003600,"state":"RESOLVED",`+
			`"incident_source":"API","monitors":[{"monitor_tag":"api-gateway","impact":"DOWN"}],`+
			`"created_at":"2026-01-15T10:00:00.000Z","updated_at":"2026-01-15T11:00:00.000Z","url":"http://localhost:3000/incidents/1"}]}`)
}
