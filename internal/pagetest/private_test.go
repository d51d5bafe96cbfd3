package pagetest

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/internal/dynamo/dump"
	"tocsin/internal/dynamotest"
	"tocsin/internal/opt"
	"tocsin/internal/pagehttp"
	"tocsin/internal/publish"
	"tocsin/internal/site"
	"tocsin/internal/statuspage"
)

// secret is in all that nobody may see.
const secret = "geheim"

// world fills a table with what is shown and what is not. What is not has the word secret.
func world(t *testing.T, now int64) *dump.Dump {
	t.Helper()
	s, ctx := dynamotest.NewTable(t).Dump(nil), t.Context()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	monitor := func(tag string, change func(*statuspage.Monitor)) {
		t.Helper()
		m := statuspage.NewMonitor(tag, "Name of "+tag)
		m.TypeData = `{"host":"` + secret + `","geheim":1}`
		m.Settings = `{"uptime_formula_numerator":"up","note":"` + secret + `"}`
		m.Cron, m.DownTrigger, m.DegradedTrigger = new(secret), new(secret), new(secret)
		change(&m)
		_, err := s.CreateMonitor(ctx, m, now-9*hour, nil)
		check(err)
		check(s.RecordPoint(ctx, tag, statuspage.Point{Time: statuspage.FloorMinute(now) - minute, Status: statuspage.StatusUp, Source: statuspage.SourceProbe}, now))
	}
	private := func(m *statuspage.Monitor) {
		m.Description, m.Category, m.Image, m.ExternalURL = new(secret), new(secret), new("/"+secret+".png"), new("https://example.com/"+secret)
	}
	monitor("shown", func(*statuspage.Monitor) {})
	monitor("hidden-"+secret, func(m *statuspage.Monitor) { private(m); m.Hidden = new(statuspage.Yes) })
	monitor("retired-"+secret, func(m *statuspage.Monitor) { private(m); m.Status = new(statuspage.MonitorInactive) })
	monitor("deleted-"+secret, private)
	check(s.DeleteMonitor(ctx, "deleted-"+secret, now-hour))

	incident := func(title string, start int64, tags ...string) int64 {
		t.Helper()
		n := statuspage.NewIncident{Title: title, Start: statuspage.FloorMinute(start), Source: statuspage.SourceAPI}
		for _, tag := range tags {
			n.Monitors = append(n.Monitors, statuspage.MonitorImpact{Tag: tag, Impact: statuspage.Down})
		}
		i, err := s.CreateIncident(ctx, n, start, nil)
		check(err)
		return i.ID
	}
	comment := func(id int64, text string, state statuspage.State) int64 {
		t.Helper()
		c, err := s.CreateComment(ctx, id, statuspage.NewComment{Text: text, Time: statuspage.FloorMinute(now) - hour, State: state}, now-hour, nil)
		check(err)
		return c.ID
	}
	for _, tags := range [][]string{{"hidden-" + secret}, {"retired-" + secret}, {"hidden-" + secret, "retired-" + secret}} {
		comment(incident(secret, now-2*hour, tags...), secret, statuspage.Identified)
		comment(incident(secret, now-40*day, tags...), secret, statuspage.Resolved)
	}
	// Of these a part is shown.
	open := incident(secret, now-3*hour, "shown", "hidden-"+secret, "retired-"+secret)
	_, err := s.UpdateIncident(ctx, open, statuspage.IncidentPatch{Title: opt.Value("The shown one is down")}, now-2*hour, nil)
	check(err)
	comment(open, "We know why.", statuspage.Identified)
	changed := comment(open, secret, statuspage.Identified)
	_, err = s.UpdateComment(ctx, open, changed, statuspage.CommentPatch{Text: opt.Value("We know more.")}, now-hour)
	check(err)
	check(s.DeleteComment(ctx, open, comment(open, secret, statuspage.Identified), now-hour))
	everything := incident("All was slow", now-50*day)
	comment(everything, "It is over.", statuspage.Resolved)
	check(s.DeleteIncident(ctx, incident(secret, now-5*hour, "shown"), now-hour, nil))

	maintenance := func(title string, start int64, tags ...string) int64 {
		t.Helper()
		n := statuspage.NewMaintenance{Title: title, Description: new(title), Schedule: statuspage.Schedule{Start: statuspage.FloorMinute(start), Rule: "FREQ=DAILY", Duration: hour}}
		for _, tag := range tags {
			n.Monitors = append(n.Monitors, statuspage.MonitorImpact{Tag: tag, Impact: statuspage.UnderMaintenance})
		}
		m, err := s.CreateMaintenance(ctx, n, now-2*hour, nil)
		check(err)
		return m.ID
	}
	for _, tags := range [][]string{{"hidden-" + secret}, {"retired-" + secret, "hidden-" + secret}} {
		maintenance(secret, now-minute, tags...)
		maintenance(secret, now+hour, tags...)
	}
	maintenance("New disks", now-minute, "shown", "hidden-"+secret, "retired-"+secret)
	inactive := maintenance(secret, now-minute, "shown")
	_, err = s.UpdateMaintenance(ctx, inactive, statuspage.MaintenancePatch{Status: opt.Value(statuspage.MaintenanceInactive)}, now-hour, nil)
	check(err)
	check(s.DeleteMaintenance(ctx, maintenance(secret, now-minute, "shown"), now-hour, nil))

	_, err = s.CreateAPIKey(ctx, statuspage.NewSecret(), statuspage.NewAPIKey{Name: secret, Scopes: statuspage.Scopes()}, now, nil)
	check(err)
	_, err = s.CreateAlertRule(ctx, statuspage.NewAlertRule{
		Condition: statuspage.Condition{For: statuspage.AlertStatus, Status: statuspage.StatusDown, Failures: 1, Successes: 1},
		Tags:      []string{"shown"}, Severity: statuspage.Warning, Description: new(secret), Active: true,
	}, now, nil)
	check(err)
	check(s.RecordPoint(ctx, "shown", statuspage.Point{Time: statuspage.FloorMinute(now), Status: statuspage.StatusDown, Source: statuspage.SourceProbe}, now))
	return s
}

// TestNothingPrivate publishes a site, and looks for what nobody may see in every file, and
// in all that a crawler finds from the home page on.
func TestNothingPrivate(t *testing.T) {
	now := time.Now().Unix()
	dir := t.TempDir()
	folder, err := publish.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(&pagehttp.Handler{Files: folder, Name: "Example"})
	defer server.Close()
	publisher := publish.Publisher{Store: world(t, now), Config: site.Config{Name: "Example", URL: server.URL}, Port: folder}
	if err := publisher.All(t.Context(), func() int64 { return now }); err != nil {
		t.Fatal(err)
	}

	files := 0
	err = filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files++
		content, err := os.ReadFile(path)
		if strings.Contains(path+string(content), secret) {
			t.Errorf("%s tells what nobody may see", path)
		}
		return err
	})
	if err != nil || files < 20 {
		t.Fatalf("%d files, %v", files, err)
	}

	found := crawl(t, server.URL, append(public,
		"/monitors/shown/rss.xml", "/badge/shown/status", "/badge/shown/uptime?sinceLast=3600", "/embed/monitor-shown", "/embed/monitor-shown?days=7", "/data/shown.json",
	), func(path, text string) {
		if strings.Contains(text, secret) {
			t.Errorf("%s tells what nobody may see", path)
		}
	})
	for _, path := range []string{"/monitors/shown", "/history", "/de/"} {
		if !slices.Contains(found, path) {
			t.Errorf("the crawler did not find %s", path)
		}
	}
	for _, tag := range []string{"hidden-" + secret, "retired-" + secret, "deleted-" + secret} {
		for _, path := range []string{"/monitors/" + tag, "/de/monitors/" + tag, "/embed/monitor-" + tag, "/badge/" + tag + "/status", "/data/" + tag + ".json", "/monitors/" + tag + "/rss.xml"} {
			resp, err := http.Get(server.URL + path)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusNotFound && resp.StatusCode != http.StatusGone {
				t.Errorf("%s is answered %s", path, resp.Status)
			}
		}
	}
}

const (
	minute = 60
	hour   = 60 * minute
	day    = 24 * hour
)
