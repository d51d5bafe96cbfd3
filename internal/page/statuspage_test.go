package page

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/site"
	"tocsin/internal/site/sitetest"
	"tocsin/internal/statuspage"
)

const (
	pageKeys        = "id name url time_zone updated_at"
	statusKeys      = "indicator description"
	componentKeys   = "id name status created_at updated_at position description showcase start_date group_id page_id group only_show_if_degraded"
	incidentKeys    = "id name status created_at updated_at monitoring_at resolved_at impact shortlink started_at page_id incident_updates components reminder_intervals"
	maintenanceKeys = incidentKeys + " scheduled_for scheduled_until"
	updateKeys      = "id status body incident_id created_at updated_at display_at affected_components deliver_notifications custom_tweet tweet_id"
	affectedKeys    = "code name old_status new_status"
)

// bodies are what each file has beside the page.
var bodies = map[string][]string{
	"status":                          {"status"},
	"summary":                         {"components", "incidents", "scheduled_maintenances", "status"},
	"components":                      {"components"},
	"incidents":                       {"incidents"},
	"incidents/unresolved":            {"incidents"},
	"scheduled-maintenances":          {"scheduled_maintenances"},
	"scheduled-maintenances/upcoming": {"scheduled_maintenances"},
	"scheduled-maintenances/active":   {"scheduled_maintenances"},
}

func readJSON(t *testing.T, s *site.Site, name string) map[string]any {
	t.Helper()
	f := fileAt(t, s, "/api/v2/"+name+".json")
	var body map[string]any
	if err := json.Unmarshal(f.Body, &body); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return body
}

func list(t *testing.T, body map[string]any, key string) []map[string]any {
	t.Helper()
	values, ok := body[key].([]any)
	if !ok {
		t.Fatalf("%s is %v, and no list", key, body[key])
	}
	all := make([]map[string]any, 0)
	for _, v := range values {
		all = append(all, v.(map[string]any))
	}
	return all
}

func checkKeys(t *testing.T, what string, object any, want string, further ...string) {
	t.Helper()
	got := slices.Sorted(maps.Keys(object.(map[string]any)))
	keys := append(strings.Fields(want), further...)
	slices.Sort(keys)
	if diff := cmp.Diff(keys, got); diff != "" {
		t.Errorf("%s has other keys (-want +got):\n%s", what, diff)
	}
}

// TestStatuspageKeys looks that each object of each file has exactly the keys of the format and
// our own, and that each time and each status is written as it is to be.
func TestStatuspageKeys(t *testing.T) {
	for site, s := range sites() {
		for name, keys := range bodies {
			t.Run(site+"/"+name, func(t *testing.T) {
				body := readJSON(t, s, name)
				checkKeys(t, "the body", body, "page", keys...)
				moves := name == "status" || name == "summary"
				if moves {
					checkKeys(t, "the page", body["page"], pageKeys, "generated_at")
				} else {
					checkKeys(t, "the page", body["page"], pageKeys)
				}
				for _, key := range keys {
					switch key {
					case "status":
						checkKeys(t, key, body[key], statusKeys)
					case "components":
						var further []string
						if name == "summary" {
							further = []string{"uptime_90d"}
						}
						checkComponents(t, list(t, body, key), further...)
					case "incidents":
						checkIncidents(t, list(t, body, key), incidentKeys)
					case "scheduled_maintenances":
						checkIncidents(t, list(t, body, key), maintenanceKeys)
					}
				}
				checkTimes(t, body)
			})
		}
	}
}

func checkComponents(t *testing.T, components []map[string]any, further ...string) {
	t.Helper()
	ids := map[any]bool{nil: true}
	for _, c := range components {
		if c["group"] == true {
			checkKeys(t, "a group", c, componentKeys, append(further, "components")...)
		} else {
			checkKeys(t, "a component", c, componentKeys, further...)
		}
		if !slices.Contains([]any{operational, degraded, partialOutage, majorOutage, maintained}, c["status"]) {
			t.Errorf("a component is %v", c["status"])
		}
		ids[c["id"]] = true
	}
	for _, c := range components {
		if len(further) > 0 && !ids[c["group_id"]] {
			t.Errorf("a component is in group %v, which is not there", c["group_id"])
		}
	}
}

func checkIncidents(t *testing.T, incidents []map[string]any, keys string) {
	t.Helper()
	for _, i := range incidents {
		checkKeys(t, "an incident", i, keys)
		checkComponents(t, list(t, i, "components"))
		updates := list(t, i, "incident_updates")
		if len(updates) == 0 {
			t.Errorf("incident %v has no update", i["id"])
		}
		for _, u := range updates {
			checkKeys(t, "an update", u, updateKeys)
			if u["incident_id"] != i["id"] {
				t.Errorf("an update of incident %v is in %v", u["incident_id"], i["id"])
			}
			if u["affected_components"] != nil {
				for _, a := range list(t, u, "affected_components") {
					checkKeys(t, "an affected component", a, affectedKeys)
				}
			}
		}
		if (i["status"] == "resolved" || i["status"] == "completed") != (i["resolved_at"] != nil) {
			t.Errorf("incident %v is %v, and resolved at %v", i["id"], i["status"], i["resolved_at"])
		}
	}
}

// checkTimes looks that what is named …_at or scheduled_… is a time with milliseconds, or null.
func checkTimes(t *testing.T, v any) {
	t.Helper()
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			checkTimes(t, e)
		}
	case map[string]any:
		for key, e := range v {
			if text, ok := e.(string); ok && (strings.HasSuffix(key, "_at") || strings.HasPrefix(key, "scheduled_")) {
				if at, err := time.Parse("2006-01-02T15:04:05.000Z", text); err != nil || at.Format("2006-01-02T15:04:05.000Z") != text {
					t.Errorf("%s is %q", key, text)
				}
			}
			checkTimes(t, e)
		}
	}
}

// TestStatuspageOfPage looks that all that a page's files have is of that page.
func TestStatuspageOfPage(t *testing.T) {
	for _, url := range []string{"https://status.example.com", ""} {
		s := team()
		s.URL = url
		read := 0
		for _, f := range PageFiles(s) {
			if !strings.HasPrefix(f.Path, "/team/api/v2/") {
				continue
			}
			read++
			var body map[string]any
			if err := json.Unmarshal(f.Body, &body); err != nil {
				t.Fatal(err)
			}
			of := body["page"].(map[string]any)
			if of["id"] != "tocsin-2" || of["name"] != "Team · Example Shop" || of["url"] != url+"/team" {
				t.Errorf("%s is of %v", f.Path, of)
			}
			if n, own := strings.Count(string(f.Body), `"page_id":`), strings.Count(string(f.Body), `"page_id":"tocsin-2"`); n != own {
				t.Errorf("%s: %d of %d are of this page:\n%s", f.Path, own, n, f.Body)
			}
		}
		if read != len(bodies) {
			t.Errorf("%d files", read)
		}
	}
}

func ids(all []map[string]any) []string {
	got := []string{}
	for _, i := range all {
		got = append(got, i["id"].(string))
	}
	return got
}

func TestStatuspageLists(t *testing.T) {
	for _, c := range []struct {
		name, key string
		want      []string
	}{
		{"summary", "incidents", []string{"12"}},
		{"summary", "scheduled_maintenances", []string{"m3", "m4"}},
		{"incidents", "incidents", []string{"12", "11", "9"}},
		{"incidents/unresolved", "incidents", []string{"12"}},
		{"scheduled-maintenances", "scheduled_maintenances", []string{"m4", "m3", "m2"}},
		{"scheduled-maintenances/upcoming", "scheduled_maintenances", []string{"m4"}},
		{"scheduled-maintenances/active", "scheduled_maintenances", []string{"m3"}},
	} {
		if got := ids(list(t, readJSON(t, shop(), c.name), c.key)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %s are %v, want %v", c.name, c.key, got, c.want)
		}
	}
	many := sitetest.Sample(3, 60)
	many.Open[0].Start = many.AsOf - 400*day
	all := ids(list(t, readJSON(t, many, "incidents"), "incidents"))
	if len(all) != maxIncidents || all[maxIncidents-1] != "61" {
		t.Errorf("%d incidents: %v", len(all), all)
	}
}

// TestIndicator looks that the indicator is the worst of monitors and incidents.
func TestIndicator(t *testing.T) {
	monitors := func(statuses ...site.Status) *site.Site {
		s := &site.Site{Status: site.NoData}
		for n, status := range statuses {
			s.Status = s.Status.Worse(status)
			s.Groups = append(s.Groups, site.Group{Name: string(rune('a' + n)), Status: status, Monitors: []site.Monitor{{ID: int64(n + 1), Status: status}}})
		}
		return s
	}
	with := func(s *site.Site, i site.Incident) *site.Site {
		s.Open, s.Status = append(s.Open, i), s.Status.Worse(i.Status)
		return s
	}
	maintained := func(running bool) *site.Site {
		s := monitors(site.Up)
		s.Maintenances = []site.Maintenance{{State: statuspage.Scheduled}}
		if running {
			s.Maintenances[0].State = statuspage.Ongoing
		}
		return s
	}
	silent := func(last site.Status, s *site.Site) *site.Site {
		s.Groups[0].Monitors[0].Last = last
		return s
	}
	one := []site.Affected{{MonitorID: 1, Status: site.Down}}
	for _, c := range []struct {
		name string
		site *site.Site
		want string
	}{
		{"nothing", monitors(), indicatorNone},
		{"no data", monitors(site.NoData), indicatorNone},
		{"up", monitors(site.Up, site.Up), indicatorNone},
		{"maintenance", monitors(site.Up, site.UnderMaintenance), indicatorMaintenance},
		{"degraded", monitors(site.Up, site.Degraded, site.UnderMaintenance), indicatorMinor},
		{"one down", monitors(site.Down, site.Up), indicatorMajor},
		{"all down", monitors(site.Down, site.Down), indicatorCritical},
		{"all down that are known", monitors(site.Down, site.NoData), indicatorCritical},
		{"silent since it was down", silent(site.Down, monitors(site.NoData, site.Up)), indicatorMajor},
		{"silent since it was degraded", silent(site.Degraded, monitors(site.NoData)), indicatorMinor},
		{"silent since it was up, the other one down", silent(site.Up, monitors(site.NoData, site.Down)), indicatorMajor},
		{"an incident without impact", with(monitors(site.Up), site.Incident{Status: site.NoData}), indicatorMinor},
		{"the same during maintenance", with(monitors(site.UnderMaintenance), site.Incident{Status: site.NoData}), indicatorMaintenance},
		{"an incident without monitors", with(monitors(), site.Incident{Status: site.NoData, Global: true}), indicatorMinor},
		{"an incident on one of two", with(monitors(site.Up, site.Up), site.Incident{Status: site.Down, Affected: one}), indicatorMajor},
		{"an incident on all", with(monitors(site.Up), site.Incident{Status: site.Down, Affected: one}), indicatorCritical},
		{"a global incident", with(monitors(site.Up, site.Up), site.Incident{Status: site.Down, Global: true}), indicatorCritical},
		{"a running maintenance of nothing", maintained(true), indicatorMaintenance},
		{"a maintenance to come", maintained(false), indicatorNone},
	} {
		status := readJSON(t, c.site, "status")["status"].(map[string]any)
		if status["indicator"] != c.want {
			t.Errorf("%s: got %v, want %s", c.name, status, c.want)
		}
	}
}

func TestGroupStatus(t *testing.T) {
	for _, c := range []struct {
		monitors []site.Status
		want     string
	}{
		{[]site.Status{site.Up, site.NoData}, operational},
		{[]site.Status{site.Down, site.Down}, majorOutage},
		{[]site.Status{site.Down, site.Up}, partialOutage},
		{[]site.Status{site.Degraded, site.Up}, degraded},
		{[]site.Status{site.Degraded, site.Degraded}, degraded},
		{[]site.Status{site.UnderMaintenance, site.Up}, maintained},
		{[]site.Status{site.NoData}, operational},
	} {
		g := site.Group{Name: "g"}
		for n, status := range c.monitors {
			g.Monitors = append(g.Monitors, site.Monitor{ID: int64(n), Status: status})
		}
		if got := groupOf(g, 1).Status; got != c.want {
			t.Errorf("%v: got %s, want %s", c.monitors, got, c.want)
		}
	}
}

func TestLastKnown(t *testing.T) {
	bad := []site.Day{{Status: site.Down}} // which it was no more at the end
	for _, c := range []struct {
		monitor site.Monitor
		want    site.Status
	}{
		{site.Monitor{Status: site.Up, Last: site.Down}, site.Up},
		{site.Monitor{Status: site.NoData, Last: site.Down}, site.Down},
		{site.Monitor{Status: site.NoData, Last: site.Up, Days: bad}, site.Up},
		{site.Monitor{Status: site.NoData, Last: site.NoData, Days: bad}, site.NoData},
		{site.Monitor{Status: site.NoData}, site.NoData},
	} {
		if got := lastKnown(c.monitor); got != c.want {
			t.Errorf("%+v: got %s", c.monitor, got)
		}
	}
}

// TestTimeline looks at what is said of the monitors from update to update, and when the watching began.
func TestTimeline(t *testing.T) {
	i := site.Incident{ID: 1, State: statuspage.Monitoring, Affected: []site.Affected{{MonitorID: 5, Name: "X", Status: site.Degraded}}}
	for n, state := range []statuspage.State{statuspage.Investigating, statuspage.Monitoring, statuspage.Resolved, statuspage.Identified, statuspage.Monitoring, statuspage.Monitoring} {
		i.Updates = append([]site.Update{{ID: int64(n + 1), State: state, Time: int64(n)}}, i.Updates...)
	}
	j := incidentOf(&site.Site{}, i, nil)
	got := [][2]string{}
	for _, u := range slices.Backward(j.IncidentUpdates) {
		got = append(got, [2]string{u.AffectedComponents[0].OldStatus, u.AffectedComponents[0].NewStatus})
	}
	want := [][2]string{{operational, degraded}, {degraded, degraded}, {degraded, operational}, {operational, degraded}, {degraded, degraded}, {degraded, degraded}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if j.MonitoringAt == nil || *j.MonitoringAt != milliTime(4) {
		t.Errorf("watched since %v", j.MonitoringAt)
	}
}

// TestUptimeOfSummary looks that the figure is a number, cut to three decimals.
func TestUptimeOfSummary(t *testing.T) {
	if body := fileAt(t, shop(), "/api/v2/summary.json").Body; !bytes.Contains(body, []byte(`"uptime_90d":99.969`)) || !bytes.Contains(body, []byte(`"uptime_90d":null`)) {
		t.Errorf("%s", body)
	}
}
