package api_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"tocsin/internal/apitest"
	"tocsin/internal/statuspage"
)

// listPage is one page of a list: its items as they were sent.
type listPage struct {
	items []json.RawMessage
	next  string
	size  int // of the whole answer as a Lambda function returns it
}

// getPage reads one page. path has its query already.
func getPage(t testing.TB, s *apitest.Server, path string) listPage {
	t.Helper()
	got := s.Do("GET", path, "")
	if got.Status != http.StatusOK {
		t.Fatalf("GET %s: %d %.300s", path, got.Status, got.Body)
	}
	var list struct {
		Incidents, Comments, Maintenances, Monitors []json.RawMessage
		Next                                        *string `json:"next_cursor"`
	}
	if err := json.Unmarshal([]byte(got.Body), &list); err != nil {
		t.Fatalf("GET %s: %v in %.300s", path, err, got.Body)
	}
	var p listPage
	for _, items := range [][]json.RawMessage{list.Incidents, list.Comments, list.Maintenances, list.Monitors} {
		if items == nil {
			continue
		}
		if p.items != nil {
			t.Fatalf("GET %s: two lists in %.300s", path, got.Body)
		}
		p.items = items
	}
	if p.items == nil {
		t.Fatalf("GET %s: no list in %.300s", path, got.Body)
	}
	if list.Next != nil {
		if p.next = *list.Next; p.next == "" {
			t.Fatalf("GET %s: an empty next_cursor", path)
		}
	}
	response := events.APIGatewayV2HTTPResponse{StatusCode: got.Status, Headers: map[string]string{}, Body: got.Body}
	for name := range got.Header {
		response.Headers[name] = got.Header.Get(name)
	}
	encoded, err := json.Marshal(response)
	if err != nil {
		t.Fatal(err)
	}
	p.size = len(encoded)
	return p
}

// allPages follows the cursor to the list's end. between runs before each page but
// the first.
func allPages(t testing.TB, s *apitest.Server, path string, between func()) []listPage {
	t.Helper()
	separator := "?"
	if strings.Contains(path, "?") {
		separator = "&"
	}
	pages := []listPage{getPage(t, s, path)}
	for pages[len(pages)-1].next != "" {
		if len(pages) > 300 {
			t.Fatalf("GET %s: the list does not end", path)
		}
		if between != nil {
			between()
		}
		pages = append(pages, getPage(t, s, path+separator+"cursor="+pages[len(pages)-1].next))
	}
	return pages
}

// idsOf returns the ids of the items, which are their first field.
func idsOf(t testing.TB, pages ...listPage) []int64 {
	t.Helper()
	ids := []int64{}
	for _, p := range pages {
		for _, raw := range p.items {
			digits, _, _ := strings.Cut(strings.TrimPrefix(string(raw), `{"id":`), ",")
			id, err := strconv.ParseInt(digits, 10, 64)
			if err != nil {
				t.Fatalf("no id in %.300s", raw)
			}
			ids = append(ids, id)
		}
	}
	return ids
}

// startingAt makes incidents with these starts.
func startingAt(t testing.TB, s *apitest.Server, starts ...int64) []int64 {
	t.Helper()
	var ids []int64
	for _, at := range starts {
		ids = append(ids, made(t, s, "/api/v4/incidents", fmt.Sprintf(`{"title":"t","start_date_time":%d,"monitors":[{"monitor_tag":"earth"}]}`, at)))
	}
	return ids
}

func TestListHasIncidentsAsTheyAreShownAlone(t *testing.T) {
	s, _ := start(t)
	monitorsNamed(t, s, "earth", "mars")
	made(t, s, "/api/v4/incidents", `{"title":"<a> & \"b\"","start_date_time":600,"end_date_time":6000,"monitors":[{"monitor_tag":"mars","impact":"UP"},{"monitor_tag":"earth"}]}`)
	one := s.Do("GET", "/api/v4/incidents/1", "").Body
	want := strings.Replace(strings.TrimSuffix(strings.TrimPrefix(one, `{"incident":`), "}"), `"incident_type":"INCIDENT",`, "", 1)
	for _, query := range []string{"", "?monitor_tags=mars", "?status=open"} {
		if diff := cmp.Diff(`{"incidents":[`+want+`]}`, s.Do("GET", "/api/v4/incidents"+query, "").Body); diff != "" {
			t.Errorf("list %s (-want +got):\n%s", query, diff)
		}
	}
}

func TestIncidentListFilters(t *testing.T) {
	s, _ := start(t)
	monitorsNamed(t, s, "earth", "mars", "venus")
	names := map[int64]string{}
	add := func(name string, at int64, closed bool, tags ...string) {
		var links []string
		for _, tag := range tags {
			links = append(links, `{"monitor_tag":"`+tag+`"}`)
		}
		id := made(t, s, "/api/v4/incidents", fmt.Sprintf(`{"title":"t","start_date_time":%d,"monitors":[%s]}`, at, strings.Join(links, ",")))
		if closed {
			made(t, s, incidentPath(id)+"/comments", fmt.Sprintf(`{"comment":"c","state":"RESOLVED","timestamp":%d}`, at))
		}
		names[id] = name
	}
	add("c", 1800, true, "earth", "mars")
	add("b", 1200, true, "mars")
	add("a", 600, false, "earth")
	add("d", 2400, false)
	add("e", 1200, false, "venus")
	add("z", 253402300740, true, "venus")
	many := func(n int, tag string) string {
		tags := []string{tag}
		for len(tags) < n {
			tags = append(tags, fmt.Sprintf("x%d", len(tags)))
		}
		return strings.Join(tags, ",")
	}
	for query, want := range map[string]string{
		"": "z d c e b a", // newest start first, then id falling

		"start_ts=1200":                             "z d c e b",
		"start_ts=1201":                             "z d c",
		"start_ts=1200.9":                           "z d c e b",
		"start_ts=0":                                "z d c e b a",
		"start_ts=000":                              "z d c e b a",
		"start_ts=":                                 "z d c e b a",
		"start_ts=001200":                           "z d c e b",
		"start_ts=253402300799":                     "",
		"start_ts=253402300740":                     "z",
		"end_ts=1200":                               "e b a",
		"end_ts=1199":                               "a",
		"end_ts=599":                                "",
		"end_ts=0":                                  "z d c e b a",
		"end_ts=":                                   "z d c e b a",
		"end_ts=253402300799":                       "z d c e b a",
		"end_ts=253402300739":                       "d c e b a",
		"start_ts=1200&end_ts=1200":                 "e b",
		"start_ts=1200&end_ts=1800":                 "c e b",
		"start_ts=1801&end_ts=1800":                 "",
		"start_ts=2400&end_ts=600":                  "",
		"start_ts=1800&start_ts=0&start_ts=x":       "z d c",
		"start_ts=%31200":                           "z d c e b",
		"monitor_tags=earth":                        "c a",
		"monitor_tags=mars":                         "c b",
		"monitor_tags=earth,mars":                   "c b a",
		"monitor_tags=mars,venus,earth":             "z c e b a",
		"monitor_tags=earth%2Cmars":                 "c b a",
		"monitor_tags=earth%2cmars":                 "c b a",
		"monitor_tags=%20earth%20,%09mars%0A":       "c b a",
		"monitor_tags=+earth,+mars":                 "c b a",
		"monitor_tags=earth,earth":                  "c a",
		"monitor_tags=e%61rth":                      "c a",
		"monitor_tags=earth,":                       "c a",
		"monitor_tags=,,earth,,":                    "c a",
		"monitor_tags=pluto":                        "",
		"monitor_tags=pluto,mars":                   "c b",
		"monitor_tags=ear":                          "",
		"monitor_tags=EARTH":                        "",
		"monitor_tags=earths":                       "",
		"monitor_tags=,":                            "",
		"monitor_tags=%2C":                          "",
		"monitor_tags=":                             "z d c e b a",
		"monitor_tags":                              "z d c e b a",
		"monitor_tags=earth&monitor_tags=mars":      "c a",
		"monitor_tags=&monitor_tags=mars":           "z d c e b a",
		"monitor_tags=earth;mars":                   "",
		"monitor_tags=%zz":                          "",
		"monitor_tags=earth%":                       "",
		"monitor_tags=%00":                          "",
		"monitor_tags=%FF":                          "",
		"monitor_tags=" + strings.Repeat("a", 4000): "",
		"monitor_tags=" + many(50, "earth"):         "c a",
		"x=1;y=2&monitor_tags=earth":                "c a",
		"%zz=1&monitor_tags=earth":                  "c a",
		"&&monitor_tags=earth&":                     "c a",
		"monitor%5Ftags=earth":                      "c a",

		"status=open":                                        "d e a",
		"status=OPEN":                                        "d e a",
		"status=Open":                                        "d e a",
		"status=closed":                                      "z c b",
		"status=CLOSED":                                      "z c b",
		"status=cLoSeD":                                      "z c b",
		"status=":                                            "z d c e b a",
		"status=open&status=closed&status=x":                 "d e a",
		"status=closed&monitor_tags=earth":                   "c",
		"status=open&monitor_tags=earth":                     "a",
		"status=open&monitor_tags=mars":                      "",
		"status=closed&monitor_tags=venus,mars":              "z c b",
		"status=open&start_ts=1200":                          "d e",
		"status=closed&end_ts=1200":                          "b",
		"status=closed&start_ts=1200&end_ts=1800":            "c b",
		"monitor_tags=earth&start_ts=1200":                   "c",
		"monitor_tags=earth&end_ts=1200":                     "a",
		"monitor_tags=earth,venus&start_ts=1200&end_ts=1800": "c e",
		"monitor_tags=venus,earth&start_ts=1200&end_ts=1800&status=open": "e",
		"monitor_tags=mars,earth&start_ts=600&end_ts=1200&status=closed": "b",
		"limit=1000": "z d c e b a",
		"limit=":     "z d c e b a",
		"cursor=":    "z d c e b a",
		"page=2&sort=asc&state=RESOLVED&monitor_tag=mars&id=1&tags=earth": "z d c e b a",
		"START_TS=99999999999&Monitor_Tags=mars":                          "z d c e b a",
	} {
		t.Run(query, func(t *testing.T) {
			var got []string
			for _, id := range idsOf(t, getPage(t, s, "/api/v4/incidents?"+query)) {
				got = append(got, names[id])
			}
			if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
				t.Errorf("incidents (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("a body is not looked at", func(t *testing.T) {
		got := s.Do("GET", "/api/v4/incidents?status=open&start_ts=2400", `{bad`)
		if got.Status != http.StatusOK || !strings.Contains(got.Body, `"start_date_time":2400`) {
			t.Errorf("%d %s", got.Status, got.Body)
		}
	})
}

func TestListParametersThatAreBad(t *testing.T) {
	s, _ := start(t)
	id := made(t, s, "/api/v4/incidents", `{"title":"t","start_date_time":600}`)
	const (
		badLimit  = "limit must be an integer between 1 and 1000"
		badCursor = "Invalid cursor"
		badStatus = "status must be open or closed"
	)
	incidents, comments, monitors := "/api/v4/incidents", incidentPath(id)+"/comments", "/api/v4/monitors"
	cursor := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	var rows []attempt
	refuse := func(path, query, message string) {
		rows = append(rows, attempt{strings.TrimPrefix(path, "/api/v4/") + " " + query[:min(len(query), 60)], "GET", path + "?" + query, "", 400, badRequest(message)})
	}
	for _, name := range []string{"start_ts", "end_ts"} {
		for _, v := range []string{
			"abc", "-1", "-0.5", "1e9", "0x10", "%2B1", "+1", "1+", "%201", "1.", ".5", "1.2.3", "1,2", "1_000", "NaN", "Infinity", "null", "12xyz", "253402300800", "1700000000000",
			strings.Repeat("9", 40), "%D9%A1", "%00", "%", "%zz", "1;2", "2026-01-15T10:00:00Z", "%20",
		} {
			refuse(incidents, name+"="+v, timestampError(name))
		}
	}
	for _, path := range []string{incidents, comments, monitors} {
		for _, v := range []string{"0", "-1", "1001", "abc", "1.5", "1.0", "1e2", "0x10", "%2010", "10%20", "99999999999999999999", "null", "1;2", "%", "%D9%A1", "%20"} {
			refuse(path, "limit="+v, badLimit)
		}
		for _, v := range []string{
			"x", "%20", "%", "null", "0", "=", "aQ==", "!!", "i.600.1", cursor("i"), cursor("."), cursor("..."), cursor("{}"), cursor("\x00"), strings.Repeat("A", 3000),
		} {
			refuse(path, "cursor="+v, badCursor)
		}
	}
	// What base64 decoders like to pass over.
	for path, good := range map[string]string{incidents: "i.600.1", comments: "c.600.1", monitors: "m.1"} {
		v := cursor(good)
		refuse(path, "cursor="+v+"%0A", badCursor)
		refuse(path, "cursor="+v[:2]+"%0D%0A"+v[2:], badCursor)
		refuse(path, "cursor="+v+"=", badCursor)
		if rest := len(v) % 4; rest != 0 {
			refuse(path, "cursor="+v[:len(v)-1]+string(v[len(v)-1]+1), badCursor)
		}
	}
	for path, good := range map[string]string{incidents: "i", comments: "c"} {
		for _, v := range []string{
			"m.1", "x.600.1", strings.ToUpper(good) + ".600.1", good + ".600", good + ".600.", good + "..1", good + ".600.1.1", good + ".600.1.", "." + good + ".600.1", good + " .600.1", good + ".600.1\n",
			good + ".-1.1", good + ".600.-1", good + ".600.0", good + ".0600.1", good + ".600.01", good + ".+600.1", good + ".6e2.1", good + ".600.1.5", good + ".600,1", good + ".600.x",
			good + ".253402300800.1", good + ".600.9007199254740992", good + ".99999999999999999999.1", good + ".600." + strings.Repeat("9", 100), good + ".600.1\x00", good + ".٦.1",
		} {
			refuse(path, "cursor="+cursor(v), badCursor)
		}
	}
	refuse(incidents, "cursor="+cursor("c.600.1"), badCursor)
	refuse(comments, "cursor="+cursor("i.600.1"), badCursor)
	for _, v := range []string{"i.600.1", "c.600.1", "m", "m.", "m.0", "m.-1", "m.01", "m.1.1", "m.9007199254740992", "M.1", "m.x"} {
		refuse(monitors, "cursor="+cursor(v), badCursor)
	}
	for _, v := range []string{"x", "RESOLVED", "open,closed", "%20open", "open%20", "opened", "0", "all", "open%00", "%", "open;x"} {
		refuse(incidents, "status="+v, badStatus)
	}
	tags := make([]string, 51)
	for i := range tags {
		tags[i] = fmt.Sprintf("x%d", i)
	}
	refuse(incidents, "monitor_tags="+strings.Join(tags, ","), "At most 50 tags")
	refuse(incidents, "start_ts=x&end_ts=x&monitor_tags="+strings.Join(tags, ",")+"&status=x&limit=x&cursor=x", timestampError("start_ts"))
	refuse(incidents, "end_ts=x&monitor_tags="+strings.Join(tags, ",")+"&status=x&limit=x&cursor=x", timestampError("end_ts"))
	refuse(comments, "limit=0&cursor=x", badLimit)
	refuse(monitors, "limit=0&cursor=x", badLimit)
	refuse("/api/v4/incidents/99/comments", "limit=0", badLimit)
	refusals(t, s, id, rows)
}

func TestPagesHoldEverythingOnce(t *testing.T) {
	t.Parallel()
	s, _ := start(t)
	monitorsNamed(t, s, "earth", "mars")
	// Starts that repeat, so that pages end among equal ones; every third is closed
	// and every other on mars too.
	type row struct {
		id, start    int64
		closed, mars bool
	}
	var rows []row
	for i := range 25 {
		r := row{start: int64(i*7%6) * 60, closed: i%3 == 0, mars: i%2 == 0}
		links := `{"monitor_tag":"earth"}`
		if r.mars {
			links += `,{"monitor_tag":"mars"}`
		}
		r.id = made(t, s, "/api/v4/incidents", fmt.Sprintf(`{"title":"t","start_date_time":%d,"monitors":[%s]}`, r.start, links))
		if r.closed {
			made(t, s, incidentPath(r.id)+"/comments", `{"comment":"c","state":"RESOLVED"}`)
		}
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(a, b row) int {
		if a.start != b.start {
			return int(b.start - a.start)
		}
		return int(b.id - a.id)
	})
	idsWhere := func(keep func(row) bool) []int64 {
		ids := []int64{}
		for _, r := range rows {
			if keep(r) {
				ids = append(ids, r.id)
			}
		}
		return ids
	}
	busy := rows[0].id
	var comments []int64
	for i := range 25 {
		comments = append(comments, made(t, s, incidentPath(busy)+"/comments", fmt.Sprintf(`{"comment":"c","state":"MONITORING","timestamp":%d}`, 600-i/4*60)))
	}
	// Newest time first, and within a minute the id falls: the first four backwards,
	// the next four backwards, and so on.
	for chunk := range slices.Chunk(comments, 4) {
		slices.Reverse(chunk)
	}
	monitors := []int64{}
	for i := range 23 {
		made(t, s, "/api/v4/monitors", fmt.Sprintf(`{"tag":"m%d","name":"N"}`, i))
	}
	for id := int64(25); id >= 1; id-- {
		monitors = append(monitors, id)
	}
	for _, tt := range []struct {
		path string
		want []int64
	}{
		{"/api/v4/incidents", idsWhere(func(row) bool { return true })},
		{"/api/v4/incidents?start_ts=60&end_ts=240", idsWhere(func(r row) bool { return r.start >= 60 && r.start <= 240 })},
		{"/api/v4/incidents?status=open", idsWhere(func(r row) bool { return !r.closed || r.id == busy })},
		{"/api/v4/incidents?status=closed", idsWhere(func(r row) bool { return r.closed && r.id != busy })},
		{"/api/v4/incidents?monitor_tags=earth", idsWhere(func(row) bool { return true })},
		{"/api/v4/incidents?monitor_tags=mars", idsWhere(func(r row) bool { return r.mars })},
		{"/api/v4/incidents?monitor_tags=mars,earth,pluto", idsWhere(func(row) bool { return true })},
		{"/api/v4/incidents?monitor_tags=mars,earth&status=closed", idsWhere(func(r row) bool { return r.closed && r.id != busy })},
		{"/api/v4/incidents?monitor_tags=mars&status=open&start_ts=60", idsWhere(func(r row) bool { return r.mars && (!r.closed || r.id == busy) && r.start >= 60 })},
		{"/api/v4/incidents?monitor_tags=pluto", []int64{}},
		{incidentPath(busy) + "/comments", comments},
		{"/api/v4/monitors", monitors},
		{"/api/v4/monitors?status=ACTIVE&is_hidden=NO", monitors},
		{"/api/v4/monitors?status=INACTIVE", []int64{}},
	} {
		for _, limit := range []int{2, 7, 24, 25, 1000} {
			t.Run(fmt.Sprintf("%s by %d", tt.path, limit), func(t *testing.T) {
				separator := "?"
				if strings.Contains(tt.path, "?") {
					separator = "&"
				}
				pages := allPages(t, s, fmt.Sprintf("%s%slimit=%d", tt.path, separator, limit), nil)
				if diff := cmp.Diff(tt.want, idsOf(t, pages...)); diff != "" {
					t.Errorf("all pages (-want +got):\n%s", diff)
				}
				for i, p := range pages {
					if len(p.items) > limit {
						t.Errorf("page %d has %d items, limit %d", i, len(p.items), limit)
					}
				}
				// Without much to pass over, pages are full and none is empty at the end.
				if want := max(1, (len(tt.want)+limit-1)/limit); len(pages) != want {
					t.Errorf("%d pages, want %d", len(pages), want)
				}
			})
		}
	}
}

func TestPagesWhileOthersWrite(t *testing.T) {
	t.Parallel()
	s, _ := start(t)
	monitorsNamed(t, s, "earth")
	var starts []int64
	for i := range 12 {
		starts = append(starts, int64(6000+i/3*60))
	}
	for _, query := range []string{"", "&monitor_tags=earth", "&status=open"} {
		t.Run("incidents "+query, func(t *testing.T) {
			old := startingAt(t, s, starts...)
			doomed := startingAt(t, s, starts[0], starts[5], starts[11])
			pages := allPages(t, s, "/api/v4/incidents?limit=5"+query, func() {
				// Before and after the cursor, and at the starts that are there already.
				startingAt(t, s, 60_000, 6060, 60)
				if len(doomed) > 0 {
					if got := s.Do("DELETE", incidentPath(doomed[0]), ""); got.Status != http.StatusOK {
						t.Errorf("%d %s", got.Status, got.Body)
					}
					doomed = doomed[1:]
				}
			})
			seen := map[int64]int{}
			for _, id := range idsOf(t, pages...) {
				if seen[id]++; seen[id] > 1 {
					t.Errorf("incident %d comes twice", id)
				}
			}
			for _, id := range old {
				if seen[id] != 1 {
					t.Errorf("incident %d comes %d times", id, seen[id])
				}
			}
		})
	}
	t.Run("comments", func(t *testing.T) {
		path := incidentPath(startingAt(t, s, 600)[0]) + "/comments"
		add := func(at int64) int64 {
			return made(t, s, path, fmt.Sprintf(`{"comment":"c","state":"MONITORING","timestamp":%d}`, at))
		}
		var old []int64
		for i := range 12 {
			old = append(old, add(int64(6000+i/3*60)))
		}
		pages := allPages(t, s, path+"?limit=5", func() { add(60_000); add(6060) })
		seen := map[int64]int{}
		for _, id := range idsOf(t, pages...) {
			if seen[id]++; seen[id] > 1 {
				t.Errorf("comment %d comes twice", id)
			}
		}
		for _, id := range old {
			if seen[id] != 1 {
				t.Errorf("comment %d comes %d times", id, seen[id])
			}
		}
	})
	t.Run("the cursor's own incident is deleted", func(t *testing.T) {
		startingAt(t, s, 90_000, 90_060, 90_120)
		first := getPage(t, s, "/api/v4/incidents?start_ts=90000&limit=1")
		ids := idsOf(t, first)
		s.Do("DELETE", incidentPath(ids[0]), "")
		rest := getPage(t, s, "/api/v4/incidents?start_ts=90000&cursor="+first.next)
		if len(rest.items) != 2 {
			t.Errorf("%d incidents after it, want 2", len(rest.items))
		}
	})
}

// maxPageSize is what a page may take as a Lambda function returns it.
const maxPageSize = 5_500_000

// checkCut reads all pages of a list that does not fit into one and checks that
// each is small enough, that all but the last are nearly full, and that they hold
// want together.
func checkCut(t *testing.T, s *apitest.Server, path string, largest int, want []int64) {
	t.Helper()
	pages := allPages(t, s, path, nil)
	if len(pages) < 2 {
		t.Errorf("GET %s: %d page: this is no test of a cut", path, len(pages))
	}
	for i, p := range pages {
		if p.size > maxPageSize {
			t.Errorf("page %d of %d takes %d bytes, more than %d", i, len(pages), p.size, maxPageSize)
		}
		if i < len(pages)-1 && p.size < maxPageSize-largest-1000 {
			t.Errorf("page %d of %d is cut at %d bytes: an item of %d would have fitted", i, len(pages), p.size, largest)
		}
	}
	if diff := cmp.Diff(want, idsOf(t, pages...)); diff != "" {
		t.Errorf("all pages (-want +got):\n%s", diff)
	}
}

func TestPagesOfLargeComments(t *testing.T) {
	t.Parallel()
	s, _ := start(t)
	id := made(t, s, "/api/v4/incidents", `{"title":"t","start_date_time":0}`)
	// What takes more room in a Lambda response, which carries the JSON as a string,
	// than in the table: seven, six, four and seven bytes a character.
	texts := map[int64]string{}
	var want []int64
	for i := range 16 {
		text := strings.Repeat([]string{"\x01", "<", `"`, "\u2028"}[i%4], statuspage.MaxComment)
		// Past the API: a body can't hold so many control characters.
		c, err := s.Table.Store(nil).CreateComment(t.Context(), id, statuspage.NewComment{Text: text, Time: 60, State: statuspage.Monitoring}, testStart, nil)
		if err != nil {
			t.Fatal(err)
		}
		texts[c.ID] = text
		want = append(want, c.ID)
	}
	slices.Reverse(want)
	checkCut(t, s, incidentPath(id)+"/comments", 7*statuspage.MaxComment+400, want)
	for _, comment := range want[:4] {
		var one struct{ Comment struct{ Comment string } }
		body := s.Do("GET", fmt.Sprintf("%s/comments/%d", incidentPath(id), comment), "").Body
		if err := json.Unmarshal([]byte(body), &one); err != nil || one.Comment.Comment != texts[comment] {
			t.Errorf("the comment of %.5q comes back changed (%v)", texts[comment], err)
		}
	}
}

func TestPagesOfLargeMonitors(t *testing.T) {
	t.Parallel()
	s, _ := start(t)
	var want []int64
	for i := range 36 {
		body := `"description":"` + strings.Repeat("a", 60_000) + `"`
		switch i % 4 {
		case 1:
			body = `"description":"` + strings.Repeat("<", 60_000) + `"`
		case 2:
			body = `"description":"` + strings.Repeat(`\"`, 60_000) + `"`
		case 3:
			body = `"type_data":{"k":"` + strings.Repeat(`\u0001`, 10_000) + `"}`
		}
		want = append(want, made(t, s, "/api/v4/monitors", fmt.Sprintf(`{"tag":"m%d","name":"N",%s}`, i, body)))
	}
	slices.Reverse(want)
	checkCut(t, s, "/api/v4/monitors?status=ACTIVE", 362_000, want)
}

func TestPagesOfManyIncidents(t *testing.T) {
	t.Parallel()
	s, _ := start(t)
	monitorsNamed(t, s, "earth")
	closed := startingAt(t, s, 600)[0]
	made(t, s, incidentPath(closed)+"/comments", `{"comment":"c","state":"RESOLVED"}`)
	open := startingAt(t, s, 660)[0]
	copyIncident(t, s, open, 2099)
	var want []int64
	for id := open + 2099; id >= closed; id-- {
		want = append(want, id)
	}
	for _, tt := range []struct {
		query string
		want  []int64
		pages []int
	}{
		{"", want, []int{1000, 1000, 101}},
		{"?monitor_tags=earth", want, []int{1000, 1000, 101}},
		{"?status=open", want[:2100], []int{1000, 1000, 100}},
		{"?status=closed", want[2100:], []int{1}},
		// A page reads no more than 2,000 rows, also when none of them matches.
		{"?status=closed&monitor_tags=earth", want[2100:], []int{0, 1}},
	} {
		t.Run(tt.query, func(t *testing.T) {
			pages := allPages(t, s, "/api/v4/incidents"+tt.query, nil)
			var sizes []int
			for _, p := range pages {
				sizes = append(sizes, len(p.items))
			}
			if diff := cmp.Diff(tt.pages, sizes); diff != "" {
				t.Errorf("pages (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.want, idsOf(t, pages...)); diff != "" {
				t.Errorf("incidents (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPagesOfLargeIncidents(t *testing.T) {
	t.Parallel()
	s, _ := start(t)
	var tags []string
	for i := range statuspage.MaxIncidentMonitors {
		tags = append(tags, fmt.Sprintf("%s%02d", strings.Repeat("a", 254), i))
	}
	monitorsNamed(t, s, tags...)
	var links []string
	for _, tag := range tags {
		links = append(links, `{"monitor_tag":"`+tag+`","impact":"DEGRADED"}`)
	}
	first := made(t, s, "/api/v4/incidents", `{"title":"`+strings.Repeat(`\u0001`, 255)+`","start_date_time":600,"monitors":[`+strings.Join(links, ",")+`]}`)
	want := []int64{}
	for id := first + 489; id > first; id-- {
		want = append(want, id)
	}
	want = append(want, first)
	copyIncident(t, s, first, 489)
	checkCut(t, s, "/api/v4/incidents", 17_500, want)
}

// copyIncident makes n incidents like the one with the id, under the ids after it,
// and their rows under the incident's last monitor. It goes past the API: each
// would be a transaction of two writes a monitor.
func copyIncident(t *testing.T, s *apitest.Server, id int64, n int) {
	t.Helper()
	ctx, client := context.Background(), s.Table.DynamoDB(nil)
	scan, err := client.Scan(ctx, &dynamodb.ScanInput{TableName: &s.Table.Name, ConsistentRead: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	text := func(v types.AttributeValue) string {
		if s, ok := v.(*types.AttributeValueMemberS); ok {
			return s.Value
		}
		return ""
	}
	old, oldKey := fmt.Sprintf("#%016d", id), "INCIDENT#"+strconv.FormatInt(id, 10)
	var models []map[string]types.AttributeValue
	row := map[string]types.AttributeValue{}
	for _, item := range scan.Items {
		switch {
		case text(item["pk"]) == oldKey:
			models = append(models, item)
		case strings.HasSuffix(text(item["sk"]), old) && (row["pk"] == nil || len(text(item["pk"])) > len(text(row["pk"])) || text(item["pk"]) > text(row["pk"])):
			row = item
		}
	}
	models = append(models, row)
	var writes []types.WriteRequest
	for i := range int64(n) {
		next := fmt.Sprintf("#%016d", id+1+i)
		for _, model := range models {
			item := map[string]types.AttributeValue{}
			for name, v := range model {
				if s := text(v); s == oldKey {
					v = &types.AttributeValueMemberS{Value: "INCIDENT#" + strconv.FormatInt(id+1+i, 10)}
				} else if strings.HasSuffix(s, old) {
					v = &types.AttributeValueMemberS{Value: strings.TrimSuffix(s, old) + next}
				}
				item[name] = v
			}
			if _, ok := item["id"]; ok {
				item["id"] = &types.AttributeValueMemberN{Value: strconv.FormatInt(id+1+i, 10)}
			}
			writes = append(writes, types.WriteRequest{PutRequest: &types.PutRequest{Item: item}})
		}
	}
	for chunk := range slices.Chunk(writes, 25) {
		out, err := client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{s.Table.Name: chunk}})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.UnprocessedItems) > 0 {
			t.Fatal("the engine left writes unprocessed")
		}
	}
}

// Every list of v4 says where it goes on when a page does not hold all of it, and nothing
// when it does.
func TestEveryListSaysWhereItGoesOn(t *testing.T) {
	s, clock := start(t)
	monitorsNamed(t, s, "earth", "mars", "sun")
	for n := range int64(3) {
		made(t, s, "/api/v4/incidents", `{"title":"t","start_date_time":600}`)
		made(t, s, incidentPath(1)+"/comments", `{"comment":"c","state":"MONITORING"}`)
		made(t, s, maintenancesPath, newMaintenance)
		made(t, s, rulesPath, fmt.Sprintf(`{"alert_for":"STATUS","alert_value":"DOWN","monitor_tags":["earth"],"failure_threshold":%d}`, n+1))
		clock.seconds.Add(60)
		postStatus(t, s, testMinute+60*n, "DOWN", "earth")
	}
	s.NewKey(statuspage.NewAPIKey{Name: "k", Scopes: statuspage.Scopes()})
	s.NewKey(statuspage.NewAPIKey{Name: "l", Scopes: statuspage.Scopes()})
	lists := map[string]string{ // by route, the query that it needs
		"/api/v4/incidents": "", "/api/v4/incidents/{incident_id}/comments": "", maintenancesPath: "", "/api/v4/monitors": "", "/api/v4/alert-rules": "", "/api/v4/alerts": "", "/api/v4/keys": "",
		"/api/v4/monitors/{monitor_tag}/data": "&start_ts=0&end_ts=9999999999",
	}
	for _, route := range servedRoutes() {
		pattern, isGET := strings.CutPrefix(route, "GET /api/v4/")
		if query, listed := lists["/api/v4/"+pattern]; isGET && listed {
			path := strings.NewReplacer("{monitor_tag}", "earth", "{incident_id}", "1").Replace("/api/v4/" + pattern)
			seen, cursor := map[string]bool{}, ""
			for page := range 4 {
				got := s.Do(http.MethodGet, path+"?limit=1"+query+cursor, "")
				var answer map[string]json.RawMessage
				if err := json.Unmarshal([]byte(got.Body), &answer); err != nil || got.Status != http.StatusOK {
					t.Fatalf("%s: %d %s", path, got.Status, got.Body)
				}
				next, more := answer["next_cursor"]
				delete(answer, "next_cursor")
				for _, items := range answer {
					seen[string(items)] = true
				}
				if more != (page < 2) || !more && len(answer) != 1 {
					t.Fatalf("%s, page %d: %s", path, page+1, got.Body)
				}
				if !more {
					break
				}
				cursor = "&cursor=" + strings.Trim(string(next), `"`)
			}
			if len(seen) != 3 {
				t.Errorf("%s: the pages hold %d", path, len(seen))
			}
			whole := s.Do(http.MethodGet, path+"?"+strings.TrimPrefix(query, "&"), "")
			if strings.Contains(whole.Body, "next_cursor") {
				t.Errorf("%s: all of it has a cursor: %s", path, whole.Body)
			}
			delete(lists, "/api/v4/"+pattern)
		}
	}
	if len(lists) > 0 {
		t.Errorf("not served: %v", lists)
	}
}
