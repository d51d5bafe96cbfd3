package api_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"tocsin/internal/apitest"
)

// eventsPath is the path of the events of a maintenance.
func eventsPath(id int64) string { return maintenancePath(id) + "/events" }

// schedule is a maintenance that begins so many seconds after testMinute, and lasts so long.
func schedule(after, duration int64, rule string, fields ...string) string {
	return maintenanceWith(append([]string{"start_date_time", fmt.Sprint(testMinute + after), "duration_seconds", fmt.Sprint(duration), "rrule", strconv.Quote(rule)}, fields...)...)
}

const once = "FREQ=MINUTELY;COUNT=1"

// TestEventsOfASchedule makes maintenances and looks at the events that there are.
func TestEventsOfASchedule(t *testing.T) {
	t.Parallel()
	s, clock := start(t)
	const day = 86400
	for _, tt := range []struct {
		name            string
		after, duration int64
		rule            string
		want            []string // start after testMinute, and status
	}{
		{"to come", 7200, 3600, once, []string{"7200 SCHEDULED"}},
		{"in 61 minutes", 61 * 60, 3600, once, []string{"3660 SCHEDULED"}},
		{"in an hour, half a minute of which is over", 60 * 60, 3600, once, []string{"3600 READY"}},
		{"in this minute", 0, 3600, once, []string{"0 ONGOING"}},
		{"on", -60, 3600, once, []string{"-60 ONGOING"}},
		{"its last second but one", -60, 91, once, []string{"-60 ONGOING"}},
		{"it has just ended", -60, 90, once, []string{"-60 COMPLETED"}},
		{"long ago", -100 * day, 3600, once, []string{"-8640000 COMPLETED"}},
		{"on since more than a day ago", -2 * day, 3 * day, once, []string{"-172800 ONGOING"}},
		{"once a month", day, 60, "FREQ=MONTHLY;COUNT=4", []string{"86400 SCHEDULED", "2764800 SCHEDULED", "5184000 SCHEDULED"}},
		{"one that is on and one to come", -60, 600, "FREQ=YEARLY", []string{"-60 ONGOING", "31535940 SCHEDULED"}},
		{"those that are over are not made", -3*day - 600, 600, "FREQ=DAILY;COUNT=5", []string{"85800 SCHEDULED"}},
		{"an end in the past", 60, 600, "FREQ=DAILY;UNTIL=20200101", nil},
		{"the first one in more than ten years", 20 * 365 * day, 600, "FREQ=YEARLY", []string{"630720000 SCHEDULED"}},
		{"never", 60, 600, "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			id := made(t, s, maintenancesPath, schedule(tt.after, tt.duration, tt.rule))
			got := s.Do("GET", eventsPath(id), "")
			var have []string
			for _, m := range regexp.MustCompile(`"start_date_time":(\d+),"end_date_time":(\d+),"status":"(\w+)"`).FindAllStringSubmatch(got.Body, -1) {
				from, _ := strconv.ParseInt(m[1], 10, 64)
				to, _ := strconv.ParseInt(m[2], 10, 64)
				have = append(have, fmt.Sprint(from-testMinute, " ", m[3]))
				if to-from != tt.duration {
					t.Errorf("from %d to %d", from, to)
				}
			}
			if got.Status != 200 || strings.Join(have, ",") != strings.Join(tt.want, ",") {
				t.Errorf("%q, want %q", have, tt.want)
			}
		})
	}
	t.Run("ten at most within 60 days", func(t *testing.T) {
		id := made(t, s, maintenancesPath, schedule(day, 60, "FREQ=DAILY"))
		if got := strings.Count(s.Do("GET", eventsPath(id)+"?limit=100", "").Body, `"SCHEDULED"`); got != 10 {
			t.Errorf("%d events", got)
		}
	})
	t.Run("by the clock of a zone", func(t *testing.T) {
		clock.seconds.Store(1774620000)
		// Three in the morning in Berlin is two o'clock UTC in winter, one in summer.
		id := made(t, s, maintenancesPath, maintenanceWith("start_date_time", "1774659600", "rrule", `"FREQ=DAILY;BYHOUR=3;BYMINUTE=0;COUNT=3"`, "time_zone", `"Europe/Berlin"`))
		for _, start := range []int64{1774663200, 1774746000, 1774832400} {
			if got := s.Do("GET", eventsPath(id), "").Body; !strings.Contains(got, fmt.Sprintf(`"start_date_time":%d,`, start)) {
				t.Errorf("none at %d in %s", start, got)
			}
		}
	})
}

func TestStatusOfAnEvent(t *testing.T) {
	t.Parallel()
	s, clock := start(t)
	id := made(t, s, maintenancesPath, schedule(7200, 600, once))
	for _, tt := range []struct {
		at   int64 // after testMinute
		want string
	}{{3599, "SCHEDULED"}, {3600, "READY"}, {7199, "READY"}, {7200, "ONGOING"}, {7799, "ONGOING"}, {7800, "COMPLETED"}, {7800 + 90*86400, "COMPLETED"}} {
		clock.seconds.Store(testMinute + tt.at)
		answered(t, s, "GET", eventsPath(id)+"/1", "", 200, `{"event":`+eventText(1, id, testMinute+7200, testMinute+7800, tt.want)+`}`)
	}
}

// changedEvent is eventText of an event that was changed last so many seconds after testMinute.
func changedEvent(text string, after int64) string {
	return `{"event":` + strings.Replace(text, `"updated_at":"`+testStartText+`"`, `"updated_at":`+isoText(testMinute+after), 1) + `}`
}

func TestChangeEvent(t *testing.T) {
	t.Parallel()
	s, clock := start(t)
	const m = testMinute
	eventOf := map[int64]int64{} // the one event of a maintenance
	newOne := func(after, duration int64) int64 {
		id := made(t, s, maintenancesPath, schedule(after, duration, once))
		eventOf[id] = id
		return id
	}
	for _, tt := range []struct {
		name            string
		after, duration int64
		at              int64 // of the PATCH, after testMinute
		body            string
		status          int
		want            string // start and end after testMinute, and status; or the message
	}{
		{"move", 7200, 600, 60, fmt.Sprintf(`{"start_date_time":%d,"end_date_time":%d}`, m+7319, m+9059), 200, "7260 9000 SCHEDULED"},
		{"move into the past", 7200, 600, 60, fmt.Sprintf(`{"start_date_time":%d,"end_date_time":%d}`, m-600, m-60), 200, "-600 -60 COMPLETED"},
		{"move what is over into the future", -7200, 600, 60, fmt.Sprintf(`{"start_date_time":%d,"end_date_time":%d}`, m+600, m+660), 200, "600 660 READY"},
		{"longer", -60, 600, 60, fmt.Sprintf(`{"start_date_time":%d,"end_date_time":%d}`, m-60, m+6000), 200, "-60 6000 ONGOING"},
		{"cancel what is to come", 7200, 600, 60, `{"status":"CANCELLED"}`, 200, "7200 7800 CANCELLED"},
		{"cancel what is ready", 600, 600, 60, `{"status":"CANCELLED"}`, 200, "600 1200 CANCELLED"},
		{"cancel what is on", 0, 600, 130, `{"status":"CANCELLED"}`, 200, "0 120 CANCELLED"},
		{"complete what is on", 0, 600, 130, `{"status":"COMPLETED"}`, 200, "0 120 COMPLETED"},
		{"in its first minute", 0, 600, 59, `{"status":"COMPLETED"}`, 200, "0 60 COMPLETED"},
		{"one of less than a minute", 0, 40, 35, `{"status":"COMPLETED"}`, 200, "0 40 COMPLETED"},
		{"complete what is to come", 7200, 600, 60, `{"status":"COMPLETED"}`, 400, "Cannot transition event from SCHEDULED to COMPLETED"},
		{"complete what is ready", 600, 600, 60, `{"status":"COMPLETED"}`, 400, "Cannot transition event from READY to COMPLETED"},
		{"complete what is over", -7200, 600, 60, `{"status":"COMPLETED"}`, 400, "Cannot transition event from COMPLETED to COMPLETED"},
		{"cancel what is over", -7200, 600, 60, `{"status":"CANCELLED"}`, 400, "Cannot transition event from COMPLETED to CANCELLED"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			clock.seconds.Store(testStart)
			id := newOne(tt.after, tt.duration)
			clock.seconds.Store(testMinute + tt.at)
			path := fmt.Sprintf("%s/%d", eventsPath(id), eventOf[id])
			before := s.Do("GET", path, "").Body
			if tt.status != 200 {
				answered(t, s, "PATCH", path, tt.body, tt.status, badRequest(tt.want))
				answered(t, s, "GET", path, "", 200, before)
				return
			}
			var from, to int64
			var status string
			if _, err := fmt.Sscan(tt.want, &from, &to, &status); err != nil {
				t.Fatal(err)
			}
			want := changedEvent(eventText(eventOf[id], id, m+from, m+to, status), tt.at)
			answered(t, s, "PATCH", path, tt.body, 200, want)
			answered(t, s, "GET", path, "", 200, want)
		})
	}

	t.Run("nothing leaves CANCELLED but other times", func(t *testing.T) {
		clock.seconds.Store(testStart)
		id := newOne(7200, 600)
		path := fmt.Sprintf("%s/%d", eventsPath(id), id)
		s.Do("PATCH", path, `{"status":"CANCELLED"}`)
		for _, status := range []string{"COMPLETED", "CANCELLED"} {
			answered(t, s, "PATCH", path, `{"status":"`+status+`"}`, 400, badRequest("Cannot transition event from CANCELLED to "+status))
		}
		answered(t, s, "PATCH", path, fmt.Sprintf(`{"start_date_time":%d,"end_date_time":%d}`, m, m+60), 200, `{"event":`+eventText(id, id, m, m+60, "CANCELLED")+`}`)
	})
	t.Run("deleted", func(t *testing.T) {
		id := newOne(7200, 600)
		path := fmt.Sprintf("%s/%d", eventsPath(id), id)
		answered(t, s, "DELETE", path, "", 200, fmt.Sprintf(`{"message":"Event with id '%d' deleted successfully"}`, id))
		for _, method := range []string{"GET", "DELETE"} {
			answered(t, s, method, path, "", 404, notFound(fmt.Sprintf("Event with id '%d' not found for this maintenance", id)))
		}
		answered(t, s, "GET", eventsPath(id), "", 200, eventsText(1, 20))
		s.Tick() // and does not come back
		answered(t, s, "GET", eventsPath(id), "", 200, eventsText(1, 20))
	})
}

func TestRefusedEventChange(t *testing.T) {
	t.Parallel()
	s, _ := start(t)
	id := made(t, s, maintenancesPath, newMaintenance)
	other := made(t, s, maintenancesPath, newMaintenance)
	path := eventsPath(id) + "/1"
	patch := func(name, body, message string) attempt {
		return attempt{name, "PATCH", path, body, 400, badRequest(message)}
	}
	const (
		both  = "Cannot update status and start/end times in the same request"
		state = "status must be COMPLETED or CANCELLED"
		start = "start_date_time is required"
		end   = "end_date_time is required"
		order = "end_date_time must be after start_date_time"
	)
	badTime := func(name string) string { return name + " must be a valid timestamp (UTC seconds)" }
	rows := []attempt{
		patch("no body", "", "Invalid JSON body"), patch("null", "null", "Invalid JSON body"), patch("array", "[]", "Invalid JSON body"),
		patch("nothing", "{}", start), patch("unknown", `{"x":1}`, start), patch("start null", `{"start_date_time":null,"end_date_time":5}`, start),
		patch("no end", `{"start_date_time":60}`, end), patch("end null", `{"start_date_time":60,"end_date_time":null}`, end), patch("no end and a bad start", `{"start_date_time":"x"}`, end),
		patch("start string", `{"start_date_time":"x","end_date_time":4102444800}`, badTime("start_date_time")), patch("end string", `{"start_date_time":60,"end_date_time":"x"}`, badTime("end_date_time")),
		patch("both strings", `{"start_date_time":"x","end_date_time":"x"}`, badTime("start_date_time")),
		patch("start negative", `{"start_date_time":-1,"end_date_time":60}`, badTime("start_date_time")), patch("end out of range", `{"start_date_time":60,"end_date_time":8640000000001}`, badTime("end_date_time")),
		patch("swapped", `{"start_date_time":120,"end_date_time":60}`, order), patch("the same", `{"start_date_time":60,"end_date_time":60}`, order),
		patch("within one minute", `{"start_date_time":60,"end_date_time":119}`, order),
		patch("status and start", `{"status":"CANCELLED","start_date_time":60}`, both), patch("status and end null", `{"status":"CANCELLED","end_date_time":null}`, both), patch("bad status and start", `{"status":1,"start_date_time":60}`, both),
		patch("status null", `{"status":null}`, state), patch("status number", `{"status":1}`, state), patch("status in lower case", `{"status":"cancelled"}`, state), patch("by the clock", `{"status":"ONGOING"}`, state),
	}
	for _, segment := range []string{"abc", "9abc", "1.5", "+1"} {
		for _, method := range []string{"GET", "PATCH", "DELETE"} {
			rows = append(rows, attempt{method + " " + segment, method, eventsPath(id) + "/" + segment, bodyFor(method), 404, notFound("Event not found")})
		}
	}
	for segment, shown := range map[string]string{"0": "0", "-1": "-1", "999": "999", "100000000000000000000": "100000000000000000000", "2": "2"} { // 2 is of another
		for _, method := range []string{"GET", "PATCH", "DELETE"} {
			rows = append(rows, attempt{method + " " + segment, method, eventsPath(id) + "/" + segment, bodyFor(method), 404, notFound("Event with id '" + shown + "' not found for this maintenance")})
		}
	}
	for _, method := range []string{"POST", "PUT"} {
		rows = append(rows, attempt{method + " one", method, path, "{}", 405, fail("METHOD_NOT_ALLOWED", method+" method not allowed")},
			attempt{method + " list", method, eventsPath(id), "{}", 405, fail("METHOD_NOT_ALLOWED", method+" method not allowed")})
	}
	for _, method := range []string{"POST", "PATCH", "DELETE"} {
		rows = append(rows, attempt{method + " all", method, maintenancesPath + "/events", "{}", 405, fail("METHOD_NOT_ALLOWED", method+" method not allowed")})
	}
	refusals(t, s, id, rows)
	answered(t, s, "GET", eventsPath(other)+"/2", "", 200, `{"event":`+eventText(2, other, 1768478400, 1768482000, "SCHEDULED")+`}`)
}

func bodyFor(method string) string {
	if method == http.MethodPatch {
		return `{"status":"CANCELLED"}`
	}
	return ""
}

// TestScheduleChanged looks at the events before and after changes of a schedule.
func TestScheduleChanged(t *testing.T) {
	t.Parallel()
	const day = 86400
	shown := func(s *apitest.Server, id int64) string {
		var have []string
		for _, m := range regexp.MustCompile(`"id":(\d+),"maintenance_id":\d+,"start_date_time":(\d+),"end_date_time":(\d+),"status":"(\w+)"`).FindAllStringSubmatch(s.Do("GET", eventsPath(id), "").Body, -1) {
			from, _ := strconv.ParseInt(m[2], 10, 64)
			to, _ := strconv.ParseInt(m[3], 10, 64)
			have = append(have, fmt.Sprintf("%s %d+%d %s", m[1], from-testMinute, to-from, m[4]))
		}
		return strings.Join(have, ", ")
	}
	for _, tt := range []struct {
		name            string
		after, duration int64
		rule            string
		at              int64 // of the PATCHes, after testMinute
		patches         []string
		before, then    string
	}{
		{"another start", 7200, 600, once, 60, []string{fmt.Sprintf(`{"start_date_time":%d}`, testMinute+9000)}, "1 7200+600 SCHEDULED", "2 9000+600 SCHEDULED"},
		{"the same start, not floored", 7200, 600, once, 60, []string{fmt.Sprintf(`{"start_date_time":%d}`, testMinute+7230)}, "1 7200+600 SCHEDULED", "1 7200+600 SCHEDULED"},
		{"another title", 7200, 600, once, 60, []string{`{"title":"N","description":"d"}`}, "1 7200+600 SCHEDULED", "1 7200+600 SCHEDULED"},
		{"what is ready is replaced", 600, 600, "FREQ=YEARLY", 60, []string{`{"duration_seconds":1200}`}, "1 600+600 READY", "2 600+1200 READY"},
		{"what is on stays", -60, 600, "FREQ=YEARLY", 60, []string{`{"duration_seconds":1200}`}, "1 -60+600 ONGOING, 2 31535940+600 SCHEDULED", "1 -60+600 ONGOING, 3 31535940+1200 SCHEDULED"},
		{"one time that is on stays", -60, 600, once, 60, []string{fmt.Sprintf(`{"start_date_time":%d}`, testMinute+7200)}, "1 -60+600 ONGOING", "1 -60+600 ONGOING, 2 7200+600 SCHEDULED"},
		{"what is over stays", -7200, 600, once, 60, []string{fmt.Sprintf(`{"start_date_time":%d}`, testMinute+7200)}, "1 -7200+600 COMPLETED", "1 -7200+600 COMPLETED, 2 7200+600 SCHEDULED"},
		{"once instead of yearly", 7200, 600, "FREQ=YEARLY", 60, []string{`{"rrule":"COUNT=1"}`}, "1 7200+600 SCHEDULED", "2 7200+600 SCHEDULED"},
		{"yearly instead of once", 7200, 600, once, 60, []string{`{"rrule":"FREQ=YEARLY"}`}, "1 7200+600 SCHEDULED", "2 7200+600 SCHEDULED"},
		{"INACTIVE and back", 7200, 600, once, 60, []string{`{"status":"INACTIVE"}`, `{"status":"ACTIVE"}`}, "1 7200+600 SCHEDULED", "1 7200+600 SCHEDULED"},
		{"there and back", 7200, 600, once, 60, []string{fmt.Sprintf(`{"start_date_time":%d}`, testMinute+9000), fmt.Sprintf(`{"start_date_time":%d}`, testMinute+7200)}, "1 7200+600 SCHEDULED", "3 7200+600 SCHEDULED"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, clock := start(t)
			id := made(t, s, maintenancesPath, schedule(tt.after, tt.duration, tt.rule))
			clock.seconds.Store(testMinute + tt.at)
			if got := shown(s, id); got != tt.before {
				t.Errorf("before: %s, want %s", got, tt.before)
			}
			for _, body := range tt.patches {
				if got := s.Do("PATCH", maintenancePath(id), body); got.Status != 200 {
					t.Fatalf("%d %s", got.Status, got.Body)
				}
			}
			if got := shown(s, id); got != tt.then {
				t.Errorf("then: %s, want %s", got, tt.then)
			}
		})
	}
	t.Run("a cancelled one stays, and the moved one goes", func(t *testing.T) {
		s, _ := start(t)
		id := made(t, s, maintenancesPath, schedule(7200, 600, "FREQ=DAILY;COUNT=3"))
		s.Do("PATCH", eventsPath(id)+"/1", `{"status":"CANCELLED"}`)
		s.Do("PATCH", eventsPath(id)+"/2", fmt.Sprintf(`{"start_date_time":%d,"end_date_time":%d}`, testMinute+3*day, testMinute+3*day+60))
		s.Do("PATCH", maintenancePath(id), `{"duration_seconds":60}`)
		const want = "1 7200+600 CANCELLED, 4 93600+60 SCHEDULED, 5 180000+60 SCHEDULED"
		if got := shown(s, id); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
}
