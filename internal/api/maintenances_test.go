package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/apitest"
)

const maintenancesPath = "/api/v4/maintenances"

func maintenancePath(id int64) string { return fmt.Sprintf("%s/%d", maintenancesPath, id) }

// newMaintenance is a one-time maintenance of an hour that begins two hours after testMinute.
const (
	newMaintenance = `{"title":"M","start_date_time":1768478400,"rrule":"FREQ=MINUTELY;COUNT=1","duration_seconds":3600}`
)

// maintenanceWith is newMaintenance with other fields: pairs of a name and its value in JSON,
// "" for none.
func maintenanceWith(fields ...string) string {
	texts := map[string]string{"title": `"M"`, "start_date_time": "1768478400", "rrule": `"FREQ=MINUTELY;COUNT=1"`, "duration_seconds": "3600"}
	names := []string{"title", "start_date_time", "rrule", "duration_seconds"}
	for i := 0; i < len(fields); i += 2 {
		if _, known := texts[fields[i]]; !known {
			names = append(names, fields[i])
		}
		texts[fields[i]] = fields[i+1]
	}
	var parts []string
	for _, name := range names {
		if texts[name] != "" {
			parts = append(parts, fmt.Sprintf("%q:%s", name, texts[name]))
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// maintenanceText is a maintenance as GET answers it when newMaintenance made it at the
// test's start, with fields replaced like those of maintenanceWith.
func maintenanceText(id int64, fields ...string) string {
	text := fmt.Sprintf(`{"maintenance":{"id":%d,"title":"M","description":null,"start_date_time":1768478400,"rrule":"FREQ=MINUTELY;COUNT=1",`+
		`"duration_seconds":3600,"status":"ACTIVE","monitors":[],"created_at":"%s","updated_at":"%s","url":"http://localhost:3000/maintenances/%d?type=maintenance"}}`,
		id, testStartText, testStartText, id)
	defaults := map[string]string{
		"title": `"M"`, "description": "null", "start_date_time": "1768478400", "rrule": `"FREQ=MINUTELY;COUNT=1"`, "duration_seconds": "3600",
		"status": `"ACTIVE"`, "monitors": "[]", "updated_at": `"` + testStartText + `"`,
	}
	for i := 0; i < len(fields); i += 2 {
		name, value := fields[i], fields[i+1]
		if name == "time_zone" {
			text = strings.Replace(text, `,"duration_seconds"`, `,"time_zone":`+value+`,"duration_seconds"`, 1)
			continue
		}
		text = strings.Replace(text, `"`+name+`":`+defaults[name], `"`+name+`":`+value, 1)
	}
	return text
}

// eventText is an event of a maintenance, made and last changed at the test's start, without
// the name around it.
func eventText(id, maintenance, start, end int64, status string) string {
	return fmt.Sprintf(`{"id":%d,"maintenance_id":%d,"start_date_time":%d,"end_date_time":%d,"status":"%s","created_at":"%s","updated_at":"%s","url":"http://localhost:3000/maintenances/%d"}`,
		id, maintenance, start, end, status, testStartText, testStartText, id)
}

func eventsText(page, limit int, events ...string) string {
	return fmt.Sprintf(`{"events":[%s],"page":%d,"limit":%d}`, strings.Join(events, ","), page, limit)
}

func answered(t *testing.T, s *apitest.Server, method, path, body string, status int, want string) {
	t.Helper()
	got := s.Do(method, path, body)
	if diff := cmp.Diff(answer{status, want}, answer{got.Status, got.Body}); diff != "" {
		t.Errorf("%s %s %.300s (-want +got):\n%s", method, path, body, diff)
	}
}

func TestCreateMaintenance(t *testing.T) {
	t.Parallel()
	s, _ := start(t)
	monitorsNamed(t, s, "earth", "mars")
	const start = 1768478400
	id := int64(0)
	for _, row := range []struct {
		name string
		body string
		want []string // fields that differ from newMaintenance's
	}{
		{"least", newMaintenance, nil},
		{"all", maintenanceWith("description", `"d"`, "time_zone", `"Europe/Berlin"`, "monitors", `[{"monitor_tag":"earth"},{"monitor_tag":"mars","impact":"DOWN"}]`), []string{
			"description", `"d"`, "time_zone", `"Europe/Berlin"`, "monitors", `[{"monitor_tag":"earth","impact":"MAINTENANCE"},{"monitor_tag":"mars","impact":"DOWN"}]`}},
		{"title trimmed", maintenanceWith("title", `" \u00a0 a<b>&  "`), []string{"title", `"a<b>&"`}},
		{"title of 1000", maintenanceWith("title", `"`+strings.Repeat("x", 1000)+`"`), []string{"title", `"` + strings.Repeat("x", 1000) + `"`}},
		{"description null", maintenanceWith("description", "null"), nil},
		{"description empty", maintenanceWith("description", `""`), nil},
		{"description blank", maintenanceWith("description", `" "`), []string{"description", `" "`}},
		{"start floored", maintenanceWith("start_date_time", "1768478459.9"), nil},
		{"start 59", maintenanceWith("start_date_time", "59"), []string{"start_date_time", "0"}},
		{"start 0", maintenanceWith("start_date_time", "0"), []string{"start_date_time", "0"}},
		{"duration floored", maintenanceWith("duration_seconds", "60.5"), []string{"duration_seconds", "60"}},
		{"duration 1", maintenanceWith("duration_seconds", "1"), []string{"duration_seconds", "1"}},
		{"duration of a leap year", maintenanceWith("duration_seconds", "31622400"), []string{"duration_seconds", "31622400"}},
		{"rule in lower case", maintenanceWith("rrule", `"freq=daily"`), []string{"rrule", `"freq=daily"`}},
		{"rule without FREQ", maintenanceWith("rrule", `"COUNT=1"`), []string{"rrule", `"COUNT=1"`}},
		{"24 at once", maintenanceWith("rrule", `"FREQ=HOURLY"`, "duration_seconds", "86400"), []string{"rrule", `"FREQ=HOURLY"`, "duration_seconds", "86400"}},
		{"time zone null", maintenanceWith("time_zone", "null"), nil},
		{"time zone UTC", maintenanceWith("time_zone", `"UTC"`), []string{"time_zone", `"UTC"`}},
		{"no monitors", maintenanceWith("monitors", "[]"), nil},
		{"impact null", maintenanceWith("monitors", `[{"monitor_tag":"earth","impact":null}]`), []string{"monitors", `[{"monitor_tag":"earth","impact":"MAINTENANCE"}]`}},
		{"impact empty", maintenanceWith("monitors", `[{"monitor_tag":"earth","impact":""}]`), []string{"monitors", `[{"monitor_tag":"earth","impact":"MAINTENANCE"}]`}},
		{"impact false", maintenanceWith("monitors", `[{"monitor_tag":"earth","impact":false}]`), []string{"monitors", `[{"monitor_tag":"earth","impact":"MAINTENANCE"}]`}},
		{"a tag twice", maintenanceWith("monitors", `[{"monitor_tag":"mars"},{"monitor_tag":"earth"},{"monitor_tag":"mars","impact":"UP"}]`), []string{
			"monitors", `[{"monitor_tag":"mars","impact":"UP"},{"monitor_tag":"earth","impact":"MAINTENANCE"}]`}},
		{"fields that it has not", maintenanceWith("status", `"INACTIVE"`, "id", "99", "is_global", `"NO"`, "x", "{}"), nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			id++
			want := maintenanceText(id, row.want...)
			answered(t, s, "POST", maintenancesPath, row.body, http.StatusCreated, want)
			answered(t, s, "GET", maintenancePath(id), "", http.StatusOK, want)
		})
	}
	answered(t, s, "GET", maintenancePath(1)+"/events", "", http.StatusOK, eventsText(1, 20, eventText(1, 1, start, start+3600, "SCHEDULED")))
}

func TestRefusedMaintenance(t *testing.T) {
	t.Parallel()
	s, _ := start(t)
	monitorsNamed(t, s, "earth")
	id := made(t, s, maintenancesPath, newMaintenance)
	post := func(name, body, message string) attempt {
		return attempt{name, "POST", maintenancesPath, body, 400, badRequest(message)}
	}
	patch := func(name, body, message string) attempt {
		return attempt{"patch: " + name, "PATCH", maintenancesPath + "/{id}", body, 400, badRequest(message)}
	}
	const (
		title       = "title is required and must be a non-empty string"
		noTitle     = "title must be a non-empty string"
		rule        = "rrule is required and must be a non-empty string"
		noRule      = "rrule must be a non-empty string"
		badRule     = "rrule is not a valid iCalendar RRULE string"
		badStart    = "start_date_time must be a valid timestamp (UTC seconds)"
		badDuration = "duration_seconds must be a positive number"
		duration    = "duration_seconds must be between 1 and 31622400"
		zone        = "time_zone must be the name of a time zone such as Europe/Berlin, or null"
		tag         = "Each monitor must have a valid monitor_tag"
		status      = "status must be 'ACTIVE' or 'INACTIVE'"
		dense       = "More than 24 events of the maintenance would be on at the same time"
		late        = "start_date_time plus duration_seconds must not be after the year 9999"
	)
	many := func(n int) string {
		return `[` + strings.TrimSuffix(strings.Repeat(`{"monitor_tag":"earth%d"},`, n), ",") + `]`
	}
	var tags []any
	for n := range 49 {
		tags = append(tags, n)
	}
	tooMany := fmt.Sprintf(many(49), tags...)
	rows := []attempt{
		post("no body", "", "Invalid JSON body"), post("null", "null", "Invalid JSON body"), post("array", "[]", "Invalid JSON body"), post("half", `{"title":`, "Invalid JSON body"),
		post("no title", maintenanceWith("title", ""), title), post("title null", maintenanceWith("title", "null"), title), post("title blank", maintenanceWith("title", `" "`), title),
		post("title number", maintenanceWith("title", "5"), title), post("title too long", maintenanceWith("title", `"`+strings.Repeat("x", 1001)+`"`), "title must be at most 1000 characters"),
		post("no start", maintenanceWith("start_date_time", ""), "start_date_time is required"), post("start null", maintenanceWith("start_date_time", "null"), "start_date_time is required"),
		post("start string", maintenanceWith("start_date_time", `"1768478400"`), badStart), post("start true", maintenanceWith("start_date_time", "true"), badStart),
		post("start before 1970", maintenanceWith("start_date_time", "-61"), badStart), post("milliseconds", maintenanceWith("start_date_time", "1768478400000"), badStart),
		post("no rule", maintenanceWith("rrule", ""), rule), post("rule null", maintenanceWith("rrule", "null"), rule), post("rule empty", maintenanceWith("rrule", `""`), rule),
		post("rule blank", maintenanceWith("rrule", `" \n"`), rule), post("rule number", maintenanceWith("rrule", "1"), rule),
		post("nonsense", maintenanceWith("rrule", `"nonsense"`), badRule), post("blanks around", maintenanceWith("rrule", `" FREQ=DAILY "`), badRule),
		post("RRULE: in front", maintenanceWith("rrule", `"RRULE:FREQ=DAILY"`), badRule),
		post("too long a rule", maintenanceWith("rrule", `"FREQ=DAILY`+strings.Repeat(";FREQ=DAILY", 100)+`"`), "rrule must be at most 1000 bytes"),
		post("seconds", maintenanceWith("rrule", `"FREQ=SECONDLY"`), "rrule: FREQ=SECONDLY is not supported"),
		post("no duration", maintenanceWith("duration_seconds", ""), "duration_seconds is required"), post("duration null", maintenanceWith("duration_seconds", "null"), "duration_seconds is required"),
		post("duration string", maintenanceWith("duration_seconds", `"60"`), badDuration), post("duration 0", maintenanceWith("duration_seconds", "0"), badDuration),
		post("duration negative", maintenanceWith("duration_seconds", "-1"), badDuration), post("less than a second", maintenanceWith("duration_seconds", "0.9"), duration),
		post("over a year", maintenanceWith("duration_seconds", "31622401"), duration), post("endless", maintenanceWith("duration_seconds", "1e999"), duration),
		post("monitors null", maintenanceWith("monitors", "null"), "monitors must be an array"), post("monitors object", maintenanceWith("monitors", "{}"), "monitors must be an array"),
		post("monitor null", maintenanceWith("monitors", "[null]"), tag), post("monitor string", maintenanceWith("monitors", `["earth"]`), tag), post("no tag", maintenanceWith("monitors", `[{}]`), tag),
		post("tag empty", maintenanceWith("monitors", `[{"monitor_tag":""}]`), tag), post("tag number", maintenanceWith("monitors", `[{"monitor_tag":5}]`), tag),
		post("impact", maintenanceWith("monitors", `[{"monitor_tag":"earth","impact":"down"}]`), "Invalid impact 'down'. Must be one of: UP, DOWN, DEGRADED, MAINTENANCE"),
		post("impact number", maintenanceWith("monitors", `[{"monitor_tag":"earth","impact":5}]`), "Invalid impact '5'. Must be one of: UP, DOWN, DEGRADED, MAINTENANCE"),
		post("49 monitors", maintenanceWith("monitors", tooMany), "At most 48 monitors"),
		post("unknown monitor", maintenanceWith("monitors", `[{"monitor_tag":"earth"},{"monitor_tag":"pluto"}]`), "Monitor with tag 'pluto' not found"),
		post("description number", maintenanceWith("description", "5"), "description must be a string"), post("description object", maintenanceWith("description", "{}"), "description must be a string"),
		post("description too long", maintenanceWith("description", `"`+strings.Repeat("x", 65537)+`"`), "description must be at most 65536 characters"),
		post("time zone empty", maintenanceWith("time_zone", `""`), zone), post("time zone number", maintenanceWith("time_zone", "1"), zone), post("no such zone", maintenanceWith("time_zone", `"Europe/Atlantis"`), zone),
		post("zone of the machine", maintenanceWith("time_zone", `"Local"`), zone), post("path", maintenanceWith("time_zone", `"../etc/passwd"`), zone),
		post("year 10000", maintenanceWith("start_date_time", "253402300740"), late),
		post("25 at once", maintenanceWith("rrule", `"FREQ=HOURLY"`, "duration_seconds", "86401"), dense),
		patch("25 at once", `{"rrule":"FREQ=DAILY;BYMONTH=3","duration_seconds":2073601}`, dense),
		post("the first error", `{"title":"","start_date_time":"x","rrule":"x","duration_seconds":0,"monitors":1,"description":1,"time_zone":1}`, title),
		post("start before rule", maintenanceWith("start_date_time", `"x"`, "rrule", `"x"`), badStart),
		post("rule before duration", maintenanceWith("duration_seconds", "0", "rrule", `"x"`), badRule),
		post("duration before monitors", maintenanceWith("duration_seconds", "0", "monitors", "1"), badDuration),
		post("monitors before description", maintenanceWith("description", "0", "monitors", "1"), "monitors must be an array"),

		patch("no body", "", "Invalid JSON body"), patch("null", "null", "Invalid JSON body"), patch("array", "[]", "Invalid JSON body"),
		patch("title null", `{"title":null}`, noTitle), patch("title number", `{"title":5}`, noTitle), patch("title true", `{"title":true}`, noTitle),
		patch("title empty", `{"title":""}`, noTitle), patch("title blank", `{"title":" "}`, noTitle),
		patch("title too long", `{"title":"`+strings.Repeat("x", 1001)+`"}`, "title must be at most 1000 characters"),
		patch("description object", `{"description":{}}`, "description must be a string"), patch("description number", `{"description":5}`, "description must be a string"),
		patch("start null", `{"start_date_time":null}`, badStart), patch("start true", `{"start_date_time":true}`, badStart), patch("start string", `{"start_date_time":"1"}`, badStart),
		patch("start negative", `{"start_date_time":-60}`, badStart), patch("start out of range", `{"start_date_time":8640000000001}`, badStart),
		patch("rule null", `{"rrule":null}`, noRule), patch("rule blank", `{"rrule":" "}`, noRule), patch("rule number", `{"rrule":1}`, noRule),
		patch("rule", `{"rrule":"x"}`, badRule), patch("blanks around", `{"rrule":" FREQ=DAILY "}`, badRule),
		patch("rule too long", `{"rrule":"`+strings.Repeat("x", 1001)+`"}`, "rrule must be at most 1000 bytes"),
		patch("duration null", `{"duration_seconds":null}`, badDuration), patch("duration 0", `{"duration_seconds":0}`, badDuration), patch("duration string", `{"duration_seconds":"60"}`, badDuration),
		patch("duration 0.5", `{"duration_seconds":0.5}`, duration), patch("over a year", `{"duration_seconds":1e9}`, duration),
		patch("status null", `{"status":null}`, status), patch("status in lower case", `{"status":"active"}`, status), patch("status number", `{"status":1}`, status),
		patch("monitors null", `{"monitors":null}`, "monitors must be an array"), patch("monitor null", `{"monitors":[null]}`, tag),
		patch("49 monitors", `{"monitors":`+tooMany+`}`, "At most 48 monitors"), patch("unknown monitor", `{"monitors":[{"monitor_tag":"pluto"}]}`, "Monitor with tag 'pluto' not found"),
		patch("zone", `{"time_zone":"x"}`, zone), patch("year 10000", `{"start_date_time":253402300740}`, late),
		patch("rule before duration", `{"duration_seconds":0,"rrule":""}`, noRule), patch("duration before status", `{"status":0,"duration_seconds":0}`, badDuration),
		patch("status before monitors", `{"monitors":0,"status":0}`, status), patch("monitors before title", `{"title":0,"monitors":0}`, "monitors must be an array"),
		patch("nothing written with a bad part", `{"title":"x","description":"x","monitors":[],"start_date_time":null}`, badStart),
	}
	for _, segment := range []string{"abc", "9abc", "1.5", "+1", "%20", "0x1", "1'"} {
		for _, method := range []string{"GET", "PATCH", "DELETE"} {
			body := ""
			if method == "PATCH" {
				body = "{}"
			}
			path := maintenancesPath + "/" + segment
			rows = append(rows, attempt{method + " " + segment, method, path, body, 400, badRequest("Maintenance ID must be a valid integer")},
				attempt{method + " " + segment + "/events/1", method, path + "/events/1", body, 400, badRequest("Maintenance ID must be a valid integer")})
		}
		rows = append(rows, attempt{"events of " + segment, "GET", maintenancesPath + "/" + segment + "/events", "", 400, badRequest("Maintenance ID must be a valid integer")})
	}
	for segment, shown := range map[string]string{"0": "0", "-1": "-1", "999": "999", "0999": "999", "100000000000000000000": "100000000000000000000"} {
		missing := notFound("Maintenance with id '" + shown + "' not found")
		for _, path := range []string{"", "/events/1"} {
			rows = append(rows, attempt{"GET " + segment + path, "GET", maintenancesPath + "/" + segment + path, "", 404, missing},
				attempt{"PATCH " + segment + path, "PATCH", maintenancesPath + "/" + segment + path, `{"status":"INACTIVE"}`, 404, missing},
				attempt{"DELETE " + segment + path, "DELETE", maintenancesPath + "/" + segment + path, "", 404, missing})
		}
		rows = append(rows, attempt{"events of " + segment, "GET", maintenancesPath + "/" + segment + "/events", "", 404, missing})
	}
	for n := range rows { // a PATCH of an event that can't be right is a 400 first
		if rows[n].method == "PATCH" && strings.HasSuffix(rows[n].path, "/events/1") && rows[n].status == 404 {
			rows[n].body = `{"status":"CANCELLED"}`
		}
	}
	refusals(t, s, id, rows)
}

func TestUpdateMaintenance(t *testing.T) {
	t.Parallel()
	s, clock := start(t)
	monitorsNamed(t, s, "earth", "mars")
	id := made(t, s, maintenancesPath, newMaintenance)
	clock.seconds.Add(60)
	const later = `"2026-01-15T10:01:30.000Z"`
	have := []string{"updated_at", later}
	for _, row := range []struct {
		name, body string
		changed    []string
	}{
		{"nothing", `{}`, nil},
		{"title", `{"title":"  N  "}`, []string{"title", `"N"`}},
		{"description", `{"description":"d"}`, []string{"description", `"d"`}},
		{"description empty", `{"description":""}`, []string{"description", `""`}},
		{"description null", `{"description":null}`, []string{"description", "null"}},
		{"monitors", `{"monitors":[{"monitor_tag":"mars"},{"monitor_tag":"earth","impact":"DEGRADED"}]}`, []string{"monitors", `[{"monitor_tag":"mars","impact":"MAINTENANCE"},{"monitor_tag":"earth","impact":"DEGRADED"}]`}},
		{"no monitors", `{"monitors":[]}`, []string{"monitors", "[]"}},
		{"status", `{"status":"INACTIVE"}`, []string{"status", `"INACTIVE"`}},
		{"schedule", `{"start_date_time":1768482001,"rrule":"FREQ=WEEKLY","duration_seconds":60.9}`, []string{"start_date_time", "1768482000", "rrule", `"FREQ=WEEKLY"`, "duration_seconds", "60"}},
		{"time zone", `{"time_zone":"Asia/Tokyo"}`, []string{"time_zone", `"Asia/Tokyo"`}},
	} {
		t.Run(row.name, func(t *testing.T) {
			for i := 0; i < len(row.changed); i += 2 {
				have = setField(have, row.changed[i], row.changed[i+1])
			}
			want := maintenanceText(id, have...)
			answered(t, s, "PATCH", maintenancePath(id), row.body, 200, want)
			answered(t, s, "GET", maintenancePath(id), "", 200, want)
		})
	}
	have = have[:len(have)-2]
	answered(t, s, "PATCH", maintenancePath(id), `{"time_zone":null}`, 200, maintenanceText(id, have...))

	answered(t, s, "DELETE", maintenancePath(id), "", 200, fmt.Sprintf(`{"message":"Maintenance with id '%d' deleted successfully"}`, id))
	answered(t, s, "GET", maintenancePath(id), "", 404, notFound(fmt.Sprintf("Maintenance with id '%d' not found", id)))
}

// setField sets one of the fields, pairs of a name and a value.
func setField(fields []string, name, value string) []string {
	for i := 0; i < len(fields); i += 2 {
		if fields[i] == name {
			fields[i+1] = value
			return fields
		}
	}
	return append(fields, name, value)
}
