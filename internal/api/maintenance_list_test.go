package api_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"tocsin/internal/apitest"
	"tocsin/internal/dynamotest"
)

func TestMaintenanceListFilters(t *testing.T) {
	t.Parallel()
	s, _ := start(t)
	monitorsNamed(t, s, "earth", "mars")
	for n := range 12 { // every third INACTIVE, every other on earth, the last four on mars too
		var links []string
		if n%2 == 0 {
			links = append(links, `{"monitor_tag":"earth"}`)
		}
		if n >= 8 {
			links = append(links, `{"monitor_tag":"mars","impact":"DOWN"}`)
		}
		id := made(t, s, maintenancesPath, maintenanceWith("monitors", "["+strings.Join(links, ",")+"]"))
		if n%3 == 0 {
			s.Do("PATCH", maintenancePath(id), `{"status":"INACTIVE"}`)
		}
	}
	all := []int64{12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1}
	active, inactive := []int64{12, 11, 9, 8, 6, 5, 3, 2}, []int64{10, 7, 4, 1}
	for query, want := range map[string][]int64{
		"": all, "status=": all, "status=active": all, "status=x": all, "status=ACTIVE%20": all, "monitor_tag=": all, "x=1": all,
		"status=ACTIVE": active, "status=INACTIVE": inactive, "status=ACTIVE&status=INACTIVE": active,
		"monitor_tag=earth": {11, 9, 7, 5, 3, 1}, "monitor_tag=mars": {12, 11, 10, 9}, "monitor_tag=EARTH": {}, "monitor_tag=pluto": {}, "monitor_tag=earth,mars": {}, "monitor_tag=%20earth": {},
		"monitor_tag=earth&status=ACTIVE": {11, 9, 5, 3}, "monitor_tag=mars&status=INACTIVE": {10},
	} {
		for _, limit := range []string{"", "limit=1", "limit=3", "limit=1000"} {
			path := maintenancesPath + "?" + query + "&" + limit
			if diff := cmp.Diff(want, idsOf(t, allPages(t, s, path, nil)...)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", path, diff)
			}
		}
	}
	one := strings.TrimSuffix(strings.TrimPrefix(s.Do("GET", maintenancePath(9), "").Body, `{"maintenance":`), "}")
	if list := s.Do("GET", maintenancesPath, "").Body; !strings.Contains(list, one) {
		t.Errorf("the list shows %s otherwise: %s", one, list)
	}

	cursor := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	var rows []attempt
	for query, message := range map[string]string{
		"limit=0": "limit must be an integer between 1 and 1000", "limit=1001": "limit must be an integer between 1 and 1000", "limit=x&cursor=x": "limit must be an integer between 1 and 1000",
		"cursor=x": "Invalid cursor", "cursor=" + cursor("m.1"): "Invalid cursor", "cursor=" + cursor("mt.0"): "Invalid cursor", "cursor=" + cursor("mt.1.1"): "Invalid cursor", "cursor=" + cursor("mt.01"): "Invalid cursor",
	} {
		rows = append(rows, attempt{query, "GET", maintenancesPath + "?" + query, "", 400, badRequest(message)})
	}
	for _, path := range []string{maintenancesPath + "/events", eventsPath(1)} {
		for _, text := range []string{"mt.1", "e.1", "e.600.0", "e.600.1.1", "c.600.1", "e.253402300800.1"} {
			rows = append(rows, attempt{path + " " + text, "GET", path + "?cursor=" + cursor(text), "", 400, badRequest("Invalid cursor")})
		}
	}
	rows = append(rows, attempt{"51 tags", "GET", maintenancesPath + "/events?monitors=" + strings.Repeat("a,", 51), "", 400, badRequest("At most 50 tags")})
	refusals(t, s, 0, rows)
}

// eventPage is a page of a list of events.
type eventPage struct {
	Events []json.RawMessage
	Page   int64
	Limit  int
	Total  *int
	Next   string `json:"next_cursor"`
}

func getEvents(t *testing.T, s *apitest.Server, path string) eventPage {
	t.Helper()
	got := s.Do("GET", path, "")
	var p eventPage
	if err := json.Unmarshal([]byte(got.Body), &p); err != nil || got.Status != 200 || p.Events == nil {
		t.Fatalf("GET %s: %d %.300s", path, got.Status, got.Body)
	}
	return p
}

// ids are the events' ids.
func (p eventPage) ids(t *testing.T) []int64 {
	t.Helper()
	ids := []int64{}
	for _, raw := range p.Events {
		var e struct {
			ID      int64 `json:"id"`
			EventID int64 `json:"event_id"`
		}
		if err := json.Unmarshal(raw, &e); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, e.ID+e.EventID)
	}
	return ids
}

func TestEventLists(t *testing.T) {
	t.Parallel()
	s, clock := start(t)
	monitorsNamed(t, s, "earth", "mars")
	const day = 86400
	// 1: on; 2 to 6: daily, the first is over; 7 and 8: later
	running := made(t, s, maintenancesPath, schedule(-60, 600, once, "monitors", `[{"monitor_tag":"earth"}]`))
	daily := made(t, s, maintenancesPath, schedule(60, 30, "FREQ=DAILY;COUNT=5", "monitors", `[{"monitor_tag":"mars","impact":"DOWN"},{"monitor_tag":"earth"}]`, "description", `"d"`, "time_zone", `"UTC"`))
	made(t, s, maintenancesPath, schedule(2*day, 600, once))
	last := made(t, s, maintenancesPath, schedule(2*day, 600, once, "monitors", `[{"monitor_tag":"mars"}]`))
	clock.seconds.Store(testMinute + 120)
	s.Do("PATCH", eventsPath(daily)+"/4", `{"status":"CANCELLED"}`)
	clock.seconds.Store(testStart + 120)

	all := maintenancesPath + "/events"
	since := func(after int64) string { return fmt.Sprintf("event_start_date_time=%d", testMinute+after) }
	for query, want := range map[string]struct {
		ids         []int64
		page, total int
		limit       int
	}{
		"":       {[]int64{3, 7, 8, 4, 5, 6}, 1, 6, 20},
		"page=1": {[]int64{3, 7, 8, 4, 5, 6}, 1, 6, 20},
		"event_start_date_time=x&maintenance_id=x&event_status=x&page=x&limit=x": {[]int64{3, 7, 8, 4, 5, 6}, 1, 6, 20},
		"event_start_date_time=&maintenance_id=&event_status=&monitors=":         {[]int64{3, 7, 8, 4, 5, 6}, 1, 6, 20},
		"event_start_date_time=0":          {[]int64{1, 2, 3, 7, 8, 4, 5, 6}, 1, 8, 20},
		"event_start_date_time=-5":         {[]int64{1, 2, 3, 7, 8, 4, 5, 6}, 1, 8, 20},
		since(-60):                         {[]int64{1, 2, 3, 7, 8, 4, 5, 6}, 1, 8, 20},
		since(-1):                          {[]int64{1, 2, 3, 7, 8, 4, 5, 6}, 1, 8, 20},
		since(0):                           {[]int64{2, 3, 7, 8, 4, 5, 6}, 1, 7, 20},
		since(2*day + 59):                  {[]int64{7, 8, 4, 5, 6}, 1, 5, 20},
		since(2*day) + ".9abc":             {[]int64{7, 8, 4, 5, 6}, 1, 5, 20},
		"event_start_date_time=9999999999": {[]int64{}, 1, 0, 20},
		"event_start_date_time=99999999999999999999": {[]int64{}, 1, 0, 20},
		"limit=1":                        {[]int64{3}, 1, 6, 1},
		"limit=2&page=2":                 {[]int64{8, 4}, 2, 6, 2},
		"limit=2.9&page=3.9":             {[]int64{5, 6}, 3, 6, 2},
		"limit=4&page=2":                 {[]int64{5, 6}, 2, 6, 4},
		"page=99999":                     {[]int64{}, 99999, 6, 20},
		"page=0":                         {[]int64{3, 7, 8, 4, 5, 6}, 1, 6, 20},
		"page=-3&limit=-1":               {[]int64{3}, 1, 6, 1},
		"limit=0":                        {[]int64{3, 7, 8, 4, 5, 6}, 1, 6, 20},
		"limit=500":                      {[]int64{3, 7, 8, 4, 5, 6}, 1, 6, 100},
		"event_status=cancelled":         {[]int64{4}, 1, 1, 20},
		"event_status=SCHEDULED&limit=2": {[]int64{3, 7}, 1, 5, 2},
		"event_status=ongoing&event_start_date_time=1":   {[]int64{1}, 1, 1, 20},
		"event_status=Completed&event_start_date_time=1": {[]int64{2}, 1, 1, 20},
		"event_status=READY":                             {[]int64{}, 1, 0, 20},
		"monitors=mars":                                  {[]int64{3, 8, 4, 5, 6}, 1, 5, 20},
		"monitors=earth&event_start_date_time=0":         {[]int64{1, 2, 3, 4, 5, 6}, 1, 6, 20},
		"monitors=%20earth,pluto":                        {[]int64{3, 4, 5, 6}, 1, 4, 20},
		"monitors=pluto":                                 {[]int64{}, 1, 0, 20},
		"monitors=,":                                     {[]int64{}, 1, 0, 20},
		"monitors=earth,mars&limit=2&page=2":             {[]int64{4, 5}, 2, 5, 2},
		fmt.Sprintf("maintenance_id=%d", last):           {[]int64{8}, 1, 1, 20},
		fmt.Sprintf("maintenance_id=%dabc", daily):       {[]int64{3, 4, 5, 6}, 1, 4, 20},
		"maintenance_id=0":                               {[]int64{3, 7, 8, 4, 5, 6}, 1, 6, 20},
		"maintenance_id=-1":                              {[]int64{}, 1, 0, 20},
		"maintenance_id=99999999999999999999":            {[]int64{}, 1, 0, 20},
		fmt.Sprintf("maintenance_id=%d&monitors=earth&event_status=scheduled&event_start_date_time=0", daily): {[]int64{3, 5, 6}, 1, 3, 20},
		fmt.Sprintf("maintenance_id=%d&monitors=earth", last):                                                 {[]int64{}, 1, 0, 20},
	} {
		got := getEvents(t, s, all+"?"+query)
		if !slices.Equal(got.ids(t), want.ids) || got.Page != int64(want.page) || got.Limit != want.limit || got.Total == nil || *got.Total != want.total || got.Next != "" {
			t.Errorf("%s: %v, page %d, limit %d, total %d, next %q; want %+v", query, got.ids(t), got.Page, got.Limit, *got.Total, got.Next, want)
		}
	}
	answered(t, s, "GET", all+"?limit=1", "", 200, fmt.Sprintf(`{"events":[{"maintenance_id":%d,"event_id":3,"event_start_date_time":%d,"event_end_date_time":%d,"event_status":"SCHEDULED",`+
		`"maintenance_title":"M","maintenance_description":"d","maintenance_status":"ACTIVE","maintenance_rrule":"FREQ=DAILY;COUNT=5","maintenance_time_zone":"UTC","maintenance_duration_seconds":30,`+
		`"monitors":[{"monitor_tag":"mars","impact":"DOWN"},{"monitor_tag":"earth","impact":"MAINTENANCE"}],"url":"http://localhost:3000/maintenances/3"}],"page":1,"limit":1,"total":6}`,
		daily, testMinute+60+day, testMinute+90+day))

	for query, want := range map[string][]int64{
		"": {2, 3, 4, 5, 6}, "?page=2&limit=2": {4, 5}, "?page=3&limit=2": {6}, "?page=4&limit=2": {}, "?limit=0": {2, 3, 4, 5, 6}, "?limit=-1": {2}, "?event_status=CANCELLED": {2, 3, 4, 5, 6},
	} {
		got := getEvents(t, s, eventsPath(daily)+query)
		if !slices.Equal(got.ids(t), want) || got.Total != nil || got.Next != "" {
			t.Errorf("events%s: %v, total %v, next %q; want %v", query, got.ids(t), got.Total, got.Next, want)
		}
	}
	answered(t, s, "GET", eventsPath(running)+"?page=7&limit=500", "", 200, eventsText(7, 100))

	s.Do("DELETE", maintenancePath(last), "")
	if got := getEvents(t, s, all); !slices.Equal(got.ids(t), []int64{3, 7, 4, 5, 6}) || *got.Total != 5 {
		t.Errorf("after a deletion: %v of %d", got.ids(t), *got.Total)
	}
	s.Do("PATCH", maintenancePath(daily), `{"status":"INACTIVE"}`)
	if got := getEvents(t, s, all); *got.Total != 5 || !strings.Contains(string(got.Events[0]), `"maintenance_status":"INACTIVE"`) {
		t.Errorf("INACTIVE: %s", got.Events)
	}
}

// copyEvent makes n records of events like that with the id 1 of the maintenance 1, a day
// after another. It goes past the API.
func copyEvent(t *testing.T, s *apitest.Server, n int64) {
	t.Helper()
	var model dynamotest.Attributes
	for _, it := range s.Table.Scan(t) {
		if a := dynamotest.Attributes(it); a.Text("pk") == "MAINTENANCE#1" {
			model = a
		}
	}
	var writes []types.WriteRequest
	for i := range n {
		it := maps.Clone(model)
		id, start := i+2, model.Num("start")+(i+1)*86400
		num := func(name string, n int64) { it[name] = &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)} }
		num("id", id)
		num("start", start)
		num("planned", start)
		num("end", start+60)
		text := func(name, format string, args ...any) {
			it[name] = &types.AttributeValueMemberS{Value: fmt.Sprintf(format, args...)}
		}
		text("sk", "OCCURRENCE#%016d", id)
		text("lsi1sk", "%012d#%016d", start, id)
		text("gsi1sk", "%012d#%016d", start, id)
		writes = append(writes, types.WriteRequest{PutRequest: &types.PutRequest{Item: it}})
	}
	for chunk := range slices.Chunk(writes, 25) {
		if err := s.Table.Store(nil).Table().BatchWrite(t.Context(), chunk); err != nil {
			t.Fatal(err)
		}
	}
}

// TestManyEvents lists more events than are counted.
func TestManyEvents(t *testing.T) {
	t.Parallel()
	s, _ := start(t)
	monitorsNamed(t, s, "earth")
	made(t, s, maintenancesPath, schedule(7200, 60, once, "monitors", `[{"monitor_tag":"earth"}]`))
	const n = 10_250
	copyEvent(t, s, n-1)
	for _, path := range []string{maintenancesPath + "/events?", maintenancesPath + "/events?monitors=earth&", maintenancesPath + "/events?maintenance_id=1&", eventsPath(1) + "?"} {
		counts := strings.Contains(path, "/events?") && !strings.HasPrefix(path, eventsPath(1))
		first := getEvents(t, s, path+"limit=100")
		if !slices.Equal(first.ids(t)[:3], []int64{1, 2, 3}) || len(first.Events) != 100 || counts != (first.Total != nil) || counts && *first.Total != 10_000 || counts != (first.Next != "") {
			t.Errorf("%s: %v, total %v, next %q", path, first.ids(t), first.Total, first.Next)
		}
		last := getEvents(t, s, path+"limit=100&page=100")
		if ids := last.ids(t); len(ids) != 100 || ids[99] != 10_000 {
			t.Errorf("%s: the page 100 is %v", path, ids)
		}
		beyond := getEvents(t, s, path+"limit=100&page=101")
		if len(beyond.Events) != 0 || beyond.Next == "" {
			t.Errorf("%s: page 101 has %d, next %q", path, len(beyond.Events), beyond.Next)
		}
		rest := getEvents(t, s, path+"limit=100&page=3&cursor="+beyond.Next)
		if ids := rest.ids(t); len(ids) != 50 || ids[0] != 10_201 || ids[49] != n || counts && *rest.Total != 250 || rest.Next != "" {
			t.Errorf("%s: after it %v, total %v, next %q", path, ids, rest.Total, rest.Next)
		}
	}
	if got := getEvents(t, s, maintenancesPath+"/events?event_status=CANCELLED"); len(got.Events) != 0 || *got.Total != 0 || got.Next == "" {
		t.Errorf("none of the 10,000 looked at: %+v", got)
	}
}

// TestLargeEvents asks for more than fits into an answer.
func TestLargeEvents(t *testing.T) {
	t.Parallel()
	s, _ := start(t)
	made(t, s, maintenancesPath, schedule(7200, 60, once, "description", `"`+strings.Repeat("ä", 65536)+`"`))
	copyEvent(t, s, 99)
	answered(t, s, "GET", maintenancesPath+"/events?limit=100", "", 400, badRequest("The events do not fit into one answer: ask for them with a lower limit"))
	if got := getEvents(t, s, maintenancesPath+"/events?limit=20"); len(got.Events) != 20 || *got.Total != 100 {
		t.Errorf("%d of %d", len(got.Events), *got.Total)
	}
}
