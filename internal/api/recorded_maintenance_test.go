package api_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"tocsin/internal/apitest"
)

// A timedRecording is a recording with the time of the request, in UTC seconds.
type timedRecording struct {
	recording
	At int64
}

// TestRecordedMaintenances replays what Kener answered about maintenances, each case with a
// maintenance of its own, which is made to be what the answer implies.
//
// Not among the cases are events of rules that are refused here, and lists of all that the
// recorder had made.
func TestRecordedMaintenances(t *testing.T) {
	t.Parallel()
	all := readRecordings[timedRecording](t, "recorded-maintenances.jsonl")
	bodies := map[string]string{}
	for _, r := range all {
		bodies[r.Case] = string(r.Response.Body)
	}
	departures := maintenanceDepartures(bodies)
	shared, same := newMaintenanceReplay(t), 0
	for _, r := range all {
		t.Run(r.Case, func(t *testing.T) {
			p := shared
			if strings.Contains(r.Case, "list.") || strings.Contains(r.Case, "all_events.") { // it shows all that there is
				p = newMaintenanceReplay(t)
			}
			p.t = t
			ours, departs := departures[r.Case]
			delete(departures, r.Case)
			want := withoutHost(recordedExchange(r.recording))
			got := p.send(r, want)
			diff := gocmp.Diff(want, got)
			switch {
			case !departs && diff == "":
				same++
			case !departs:
				t.Errorf("answer (-recorded +got):\n%s", diff)
			case diff == "":
				t.Errorf("listed as a departure (%s), but the answer is as recorded", ours.rule)
			case ours.body == furtherEvents:
				if got.Body = slices.DeleteFunc(got.Body, isFurther(want)); !gocmp.Equal(want, got) {
					t.Errorf("%s (-recorded +got but for further events):\n%s", ours.rule, gocmp.Diff(want, got))
				}
			default:
				if diff := gocmp.Diff(withoutHost(ours.exchange(want)), got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", ours.rule, diff)
				}
			}
		})
	}
	for name := range departures {
		t.Errorf("no recording is called %q", name)
	}
	if len(all) != 164 || same != 125 {
		t.Errorf("%d recordings, %d of which are the same here; want 164 and 125", len(all), same)
	}
}

// recordedHost is the site, which had two addresses while they were recorded.
var recordedHost = regexp.MustCompile(`^(\.\S*url = )(?:http://localhost:3000|https://status\.example\.org)`)

func withoutHost(x exchange) exchange {
	for n := range x.Body {
		x.Body[n] = recordedHost.ReplaceAllString(x.Body[n], "$1")
	}
	return x
}

// furtherEvents is the body of a departure in which events follow those recorded.
const furtherEvents = "…"

var eventAt = regexp.MustCompile(`^\.events\[(\d+)\]`)

// isFurther reports whether a line of a body is about an event after those recorded.
func isFurther(recorded exchange) func(line string) bool {
	index := func(line string) int {
		if m := eventAt.FindStringSubmatch(line); m != nil {
			n, _ := strconv.Atoi(m[1])
			return n
		}
		return -1
	}
	last := -1
	for _, line := range recorded.Body {
		last = max(last, index(line))
	}
	return func(line string) bool { return index(line) > last }
}

type maintenanceReplay struct {
	t     *testing.T
	s     *apitest.Server
	clock *clock

	// What our ids are called in the recordings.
	maintenances, events map[string]string
}

func newMaintenanceReplay(t *testing.T) *maintenanceReplay {
	p := &maintenanceReplay{t: t, clock: &clock{}, maintenances: map[string]string{}, events: map[string]string{}}
	p.clock.seconds.Store(recordedAt)
	p.s = apitest.New(t, apitest.Options{Now: p.clock.now, Parameters: map[string]string{"SiteUrl": "http://localhost:3000"}})
	monitorsNamed(t, p.s, "earth", "mars", "api-prod")
	return p
}

// listedEvent is an event as a recorded list of all has it.
type listedEvent struct {
	Start       int64           `json:"event_start_date_time"`
	Title       string          `json:"maintenance_title"`
	Description *string         `json:"maintenance_description"`
	Rule        string          `json:"maintenance_rrule"`
	Duration    float64         `json:"maintenance_duration_seconds"`
	Monitors    json.RawMessage `json:"monitors"`
}

// recordedTimes is an event as it is recorded alone.
type recordedTimes struct {
	Start int64 `json:"start_date_time"`
	End   int64 `json:"end_date_time"`
}

// arrange makes the maintenances that the answer implies, and returns the numbers that the
// variables of the case stand for. A field of the answer that we can't have is left as it is
// by default.
func (p *maintenanceReplay) arrange(r timedRecording) map[string]int64 {
	p.t.Helper()
	var sent map[string]json.RawMessage
	json.Unmarshal(r.Request.Body, &sent) // any body but an object names no fields
	var answered struct {
		Maintenance map[string]json.RawMessage
		Event       *recordedTimes
		Events      []json.RawMessage
	}
	json.Unmarshal(r.Response.Body, &answered) // a text has none of them
	ours := map[string]int64{}
	if strings.Contains(r.Case, "all_events.") {
		for _, raw := range answered.Events {
			var e listedEvent
			decodeInto(p.t, raw, &e)
			body, err := json.Marshal(map[string]any{
				"title": e.Title, "description": e.Description, "rrule": e.Rule, "start_date_time": e.Start, "duration_seconds": e.Duration, "monitors": e.Monitors,
			})
			if err != nil {
				p.t.Fatal(err)
			}
			made(p.t, p.s, maintenancesPath, string(body))
		}
	}
	var event string
	for name, recorded := range r.Vars {
		if name == "e" || strings.HasPrefix(name, "e_") {
			event = name
			continue
		}
		fields := slices.Clone(beforeRecording[r.Case].fields)
		for field, value := range answered.Maintenance {
			_, isSent := sent[field]
			settable := slices.Contains([]string{"title", "description", "start_date_time", "rrule", "duration_seconds", "monitors"}, field)
			if settable && !isSent && !slices.Contains([]string{`""`, "-60", "60.5"}, string(value)) && !slices.Contains(fields, field) {
				fields = append(fields, field, string(value))
			}
		}
		for _, raw := range answered.Events[:min(1, len(answered.Events))] {
			var e recordedTimes
			decodeInto(p.t, raw, &e)
			answered.Event = &e
		}
		if e := answered.Event; e != nil && !slices.Contains(fields, "start_date_time") {
			fields = append(fields, "start_date_time", fmt.Sprint(e.Start), "duration_seconds", fmt.Sprint(e.End-e.Start))
		}
		if len(fields) == 0 {
			fields = []string{"start_date_time", "4102444800"}
		}
		id := made(p.t, p.s, maintenancesPath, maintenanceWith(fields...))
		ours[name] = id
		p.maintenances[fmt.Sprint(id)] = fmt.Sprint(recorded)
		if string(answered.Maintenance["status"]) == `"INACTIVE"` && sent["status"] == nil {
			p.s.Do("PATCH", maintenancePath(id), `{"status":"INACTIVE"}`)
		}
	}
	if event != "" {
		id := made(p.t, p.s, maintenancesPath, newMaintenance) // whose event it is if there is no other
		for name, of := range ours {
			if name != "mw" {
				id = of
			}
		}
		first := getEvents(p.t, p.s, eventsPath(id)).ids(p.t)[0]
		ours[event] = first
		p.events[fmt.Sprint(first)] = fmt.Sprint(r.Vars[event])
	}
	for _, request := range beforeRecording[r.Case].requests {
		method, path, _ := strings.Cut(request[0], " ")
		if got := p.s.Do(method, fillVars(path, ours), request[1]); got.Status >= 300 {
			p.t.Fatalf("%s %s: %d %s", method, path, got.Status, got.Body)
		}
	}
	return ours
}

func fillVars(path string, ours map[string]int64) string {
	for name, id := range ours {
		path = strings.ReplaceAll(path, "{"+name+"}", fmt.Sprint(id))
	}
	return path
}

// send arranges the case's state, sends its request and returns the answer with the recorded
// ids in place of ours. An id that is new is called what the recording has in its place.
func (p *maintenanceReplay) send(r timedRecording, recorded exchange) exchange {
	p.t.Helper()
	p.clock.seconds.Store(r.At)
	ours := p.arrange(r)
	body := r.Request.BodyText
	if len(r.Request.Body) > 0 {
		body = string(r.Request.Body)
	}
	resp := p.s.Do(r.Request.Method, fillVars(r.Request.Template, ours), body)
	inPlace := map[string]string{}
	for _, line := range recorded.Body {
		path, value, _ := strings.Cut(line, " = ")
		inPlace[path] = value
	}
	value := func(path, value string) string {
		names := map[string]map[string]string{"id": p.maintenances, "maintenance_id": p.maintenances, "event_id": p.events}[path[strings.LastIndex(path, ".")+1:]]
		if strings.HasSuffix(path, ".id") && strings.HasPrefix(path, ".event") {
			names = p.events
		}
		if names != nil && value != "" {
			if names[value] == "" {
				names[value] = cmp.Or(inPlace[path], "new")
			}
			return names[value]
		}
		return idInMaintenanceText.ReplaceAllStringFunc(strings.TrimPrefix(value, "http://localhost:3000"), func(text string) string {
			m := idInMaintenanceText.FindStringSubmatch(text)
			if names = p.events; m[1] == "Maintenance with id '" || m[3] == "?" {
				names = p.maintenances
			}
			if names[m[2]] == "" {
				return text
			}
			return m[1] + names[m[2]] + m[3]
		})
	}
	return exchange{resp.Status, resp.Header.Get("Content-Type"), resp.Header.Get("Allow"), resp.Header.Get("Location"), flatten([]byte(resp.Body), value)}
}

var idInMaintenanceText = regexp.MustCompile(`(/maintenances/|Maintenance with id '|Event with id ')(\d+)([?']?)`)

// beforeRecording is what a case met that its answer does not imply: fields of the
// maintenance, pairs of a name and its value, and requests.
var beforeRecording = map[string]struct {
	fields   []string
	requests [][2]string
}{
	"maint.more.rrule.byday.events":                 {fields: []string{"start_date_time", "1795991280", "rrule", `"FREQ=WEEKLY;BYDAY=MO"`}},
	"maint.more.rrule.byday_nth.events":             {fields: []string{"start_date_time", "1795991280", "rrule", `"FREQ=MONTHLY;BYDAY=1SU"`}},
	"maint.more.rrule.byday_last.events":            {fields: []string{"start_date_time", "1795991280", "rrule", `"FREQ=MONTHLY;BYDAY=-1FR"`}},
	"maint.more.rrule.bymonthday_last.events":       {fields: []string{"start_date_time", "1795991280", "rrule", `"FREQ=MONTHLY;BYMONTHDAY=-1"`}},
	"maint.more.rrule.bysetpos.events":              {fields: []string{"start_date_time", "1795991280", "rrule", `"FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"`}},
	"maint.more.rrule.byweekno.events":              {fields: []string{"start_date_time", "1795991280", "rrule", `"FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO"`}},
	"maint.more.rrule.byyearday.events":             {fields: []string{"start_date_time", "1795991280", "rrule", `"FREQ=YEARLY;BYYEARDAY=100"`}},
	"maint.more.rrule.bysecond.events":              {fields: []string{"start_date_time", "1795991280", "rrule", `"FREQ=DAILY;BYHOUR=3;BYMINUTE=30;BYSECOND=15;UNTIL=20261130T120000Z"`}},
	"maint.more.rrule.count_1.events":               {fields: []string{"start_date_time", "1795991280", "rrule", `"FREQ=DAILY;COUNT=1"`}},
	"maint.more.rrule.count_10.events":              {fields: []string{"start_date_time", "1795991280", "rrule", `"FREQ=DAILY;COUNT=10"`}},
	"maint.more.rrule.freq_twice.events":            {fields: []string{"start_date_time", "1795991280", "rrule", `"FREQ=DAILY;FREQ=WEEKLY"`}},
	"maint.more.rrule.mixed_value.events":           {fields: []string{"start_date_time", "1795991280", "rrule", `"FREQ=daily"`}},
	"maint.more.rrule.monthly.events":               {fields: []string{"start_date_time", "1795991280", "rrule", `"FREQ=MONTHLY"`}},
	"maint.more.rrule.yearly.events":                {fields: []string{"start_date_time", "1795991280", "rrule", `"FREQ=YEARLY"`}},
	"maint.more.rrule.no_freq.events":               {fields: []string{"start_date_time", "1795991280", "rrule", `"INTERVAL=2"`}},
	"maint.more.rrule.only_count.events":            {fields: []string{"start_date_time", "1795991280", "rrule", `"COUNT=1"`}},
	"maint.more.recurring.past_daily.events":        {fields: []string{"start_date_time", "1700000000", "rrule", `"FREQ=DAILY;BYHOUR=22;BYMINUTE=13"`}},
	"maint.more.event.transition.ended.0.COMPLETED": {fields: []string{"start_date_time", "1795973280"}},
	"maint.more.event.transition.ended.1.CANCELLED": {fields: []string{"start_date_time", "1795973280"}},
	"maint.all_events.page=1&limit=1":               {requests: slices.Repeat([][2]string{{"POST /api/v4/maintenances", maintenanceWith("start_date_time", "4102444860")}}, 4)},
	"maint.more.monitor_gone.create":                {requests: [][2]string{{"POST /api/v4/monitors", `{"tag":"goner","name":"Goner"}`}}},
	"maint.more.delete.events_after":                {requests: [][2]string{{"DELETE /api/v4/maintenances/{gone}", ""}}},
	"maint.event.delete.again":                      {requests: [][2]string{{"DELETE /api/v4/maintenances/{m}/events/{e}", ""}}},
}

// maintenanceDepartures are the answers of ours that differ, with the rule of the contract.
func maintenanceDepartures(recorded map[string]string) map[string]departure {
	all := map[string]departure{}
	var rule string
	add := func(status int, body string, cases ...string) {
		for _, name := range cases {
			all["maint."+name] = departure{rule, status, body}
		}
	}
	refused := func(message string, cases ...string) { add(400, badRequest(message), cases...) }
	// edited is the recorded answer with some texts replaced.
	edited := func(name string, pairs ...string) {
		add(200, strings.NewReplacer(pairs...).Replace(recorded["maint."+name]), name)
	}

	rule = "a method that a route does not have is told in JSON, not in plain text"
	add(405, fail("METHOD_NOT_ALLOWED", "PUT method not allowed"), "method.PUT /api/v4/maintenances")
	add(405, fail("METHOD_NOT_ALLOWED", "POST method not allowed"), "method.POST /api/v4/maintenances/{mw}/events", "method.POST /api/v4/maintenances/events")

	rule = "a body must be a JSON object"
	refused("Invalid JSON body", "patch.body_null", "event.patch.body_null", "more.patch.body_array")

	rule = "digits that no maintenance can have are the id of one that is not there"
	add(404, notFound("Maintenance with id '0' not found"), "get.0")

	rule = "timestamps are numbers from 1970 to the year 9999, 0 among them"
	add(201, `{"maintenance":{"id":"new","title":"M","description":null,"start_date_time":0,"rrule":"FREQ=MINUTELY;COUNT=1","duration_seconds":3600,"status":"ACTIVE",`+
		`"monitors":[],"created_at":"a time","updated_at":"a time","url":"/maintenances/new?type=maintenance"}}`, "create.start_zero", "create.start_59")
	refused("start_date_time must be a valid timestamp (UTC seconds)", "more.create.start_negative", "more.create.start_past_max", "more.patch.start_null")
	refused("end_date_time must be a valid timestamp (UTC seconds)", "more.event.patch.window_past_max")

	rule = "a title is not empty, in PATCH as in POST"
	refused("title must be a non-empty string", "patch.title_empty", "more.patch.title_blank")
	for _, name := range []string{"patch.description_null", "patch.duration", "patch.status", "patch.monitors"} {
		edited(name, `"title":""`, `"title":"M"`)
	}

	rule = "a description is a string or null"
	refused("description must be a string", "create.description_object")

	rule = "a duration is in whole seconds"
	edited("more.patch.duration_float", `"title":""`, `"title":"M"`, `"description":""`, `"description":null`, `-60`, `1768478400`, `60.5`, `60`)
	edited("more.patch.is_global", `"title":""`, `"title":"M"`, `"description":""`, `"description":null`, `-60`, `1768478400`, `60.5`, `3600`)
	for _, name := range []string{"event_status=scheduled", "event_status=x", "event_start_date_time=x"} {
		edited("all_events."+name, "4102444860.5", "4102444860", "60.5", "60")
	}

	rule = "a rule is one that can be followed: no seconds or minutes, one line, no zone or start of its own, no number out of range"
	refused("rrule: COUNT must be at least 1", "more.rrule.count_word")
	refused("rrule: FREQ=MINUTELY is supported only with COUNT=1", "more.rrule.minutely")
	refused("rrule: TZID is not supported inside the rule: use time_zone", "more.rrule.tzid_prefix")
	refused("rrule: only one line is supported", "more.rrule.exrule_line")

	rule = "an event begins with a minute"
	edited("more.rrule.bysecond.events", "1796009415", "1796009400", "1796013015", "1796013000")

	rule = "a recurring maintenance has more events ahead than the next one"
	add(200, furtherEvents, "more.rrule.mixed_value.events", "more.rrule.byday.events", "more.rrule.byday_nth.events", "more.rrule.bymonthday_last.events",
		"more.rrule.bysetpos.events", "more.rrule.monthly.events", "more.rrule.freq_twice.events", "more.recurring.past_daily.events")

	rule = "a rule with COUNT=10 is for ten times"
	add(200, furtherEvents, "more.rrule.count_10.events")
	return all
}
