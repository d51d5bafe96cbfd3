package publish_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tocsin/internal/dynamo"
	"tocsin/internal/dynamotest"
	"tocsin/internal/opt"
	"tocsin/internal/publish"
	"tocsin/internal/site"
	"tocsin/internal/statuspage"
)

const (
	minute = 60
	hour   = 60 * minute
	day    = 24 * hour
)

var config = site.Config{Name: "Example", URL: "https://status.example.com"}

// start is a whole hour of the past, when figures have just become due: the tests have clocks of
// their own, which end before now.
func start() int64 { return statuspage.FloorHour(time.Now().Unix() - 300*day) }

func openFolder(t *testing.T) *publish.Folder {
	t.Helper()
	f, err := publish.OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func monitorNamed(t *testing.T, s *dynamo.Store, tag string, now int64) {
	t.Helper()
	if _, err := s.CreateMonitor(t.Context(), statuspage.NewMonitor(tag, "Monitor "+tag), now, nil); err != nil {
		t.Fatal(err)
	}
}

func incidentOn(t *testing.T, s *dynamo.Store, title string, begins, now int64, tags ...string) int64 {
	t.Helper()
	n := statuspage.NewIncident{Title: title, Start: begins, Source: statuspage.SourceAPI}
	for _, tag := range tags {
		n.Monitors = append(n.Monitors, statuspage.MonitorImpact{Tag: tag, Impact: statuspage.Down})
	}
	i, err := s.CreateIncident(t.Context(), n, now, nil)
	if err != nil {
		t.Fatal(err)
	}
	return i.ID
}

// run makes passes until nothing is left to do.
func run(t *testing.T, p *publish.Publisher, now int64) {
	t.Helper()
	for more := true; more; {
		var err error
		if more, err = p.Run(t.Context(), now); err != nil {
			t.Fatal(err)
		}
	}
}

// at returns the file of the address; its status is 0 when there is none.
func at(t *testing.T, port publish.Port, address string) publish.Object {
	t.Helper()
	key, ok := publish.Key(address)
	if !ok {
		t.Fatalf("%q has no key", address)
	}
	o, _, err := port.Get(t.Context(), key)
	if err != nil && !errors.Is(err, publish.ErrNotFound) {
		t.Fatal(err)
	}
	return o
}

func TestPass(t *testing.T) {
	table := dynamotest.NewTable(t)
	store, port, now := table.Store(nil), openFolder(t), start()
	monitorNamed(t, store, "api", now)
	id := incidentOn(t, store, "First", now, now, "api")
	p := &publish.Publisher{Store: store, Config: config, Port: port}
	run(t, p, now)
	page := fmt.Sprintf("/incidents/%d", id)
	for _, address := range []string{"/", "/de/", "/monitors/api", page, "/de" + page, "/api/v2/summary.json", "/history", "/404"} {
		if o := at(t, port, address); o.Status == 0 || len(o.Body) == 0 {
			t.Errorf("%s: %d, %d bytes", address, o.Status, len(o.Body))
		}
	}
	if month := "/events/" + time.Unix(now, 0).UTC().Format("January-2006"); at(t, port, month).Status != 200 {
		t.Errorf("%s is missing", month)
	}
	for address, want := range map[string]string{"/": "First", page: "First", "/api/v2/summary.json": "First"} {
		if o := at(t, port, address); !strings.Contains(string(o.Body), want) {
			t.Errorf("%s does not say %s", address, want)
		}
	}
	// A change shows at once, figures only later.
	before := at(t, port, "/")
	run(t, p, now+minute)
	if after := at(t, port, "/"); after.Time != before.Time {
		t.Error("the home page was put although only its time is another one")
	}
	if _, err := store.UpdateIncident(t.Context(), id, statuspage.IncidentPatch{Title: opt.Value("Second")}, now+minute, nil); err != nil {
		t.Fatal(err)
	}
	run(t, p, now+minute)
	for _, address := range []string{"/", page} {
		if o := at(t, port, address); !strings.Contains(string(o.Body), "Second") || o.Time != now+minute {
			t.Errorf("%s does not tell of the change", address)
		}
	}
	run(t, p, now+10*minute)
	if after := at(t, port, "/"); after.Time != now+10*minute {
		t.Error("the home page's time stays for ever")
	}
}

// The page of a month leads to the next one soon after that has begun, also when it was put
// just before.
func TestMonthEnds(t *testing.T) {
	table := dynamotest.NewTable(t)
	store, port := table.Store(nil), openFolder(t)
	at0 := time.Unix(start(), 0).UTC()
	end := time.Date(at0.Year(), at0.Month()+1, 1, 0, 0, 0, 0, time.UTC)
	last, next := "/events/"+end.Add(-minute*time.Second).Format("January-2006"), "/events/"+end.Format("January-2006")
	monitorNamed(t, store, "api", end.Unix()-hour)
	incidentOn(t, store, "Late", end.Unix()-10*minute, end.Unix()-10*minute, "api")
	p := &publish.Publisher{Store: store, Config: config, Port: port}
	for now := end.Unix() - 10*minute; now < end.Unix()+100*minute; now += 10 * minute {
		run(t, p, now)
	}
	if page := at(t, port, last); !strings.Contains(string(page.Body), `href="`+next+`"`) {
		t.Errorf("%s does not lead to %s", last, next)
	}
	if at(t, port, next).Status != 200 {
		t.Errorf("%s is missing", next)
	}
}

// The page of an incident that is to come is another one as soon as it has begun.
func TestIncidentBegins(t *testing.T) {
	for name, monitors := range map[string][]string{"of a monitor": {"api"}, "of all": nil} {
		t.Run(name, func(t *testing.T) {
			store, port, now := dynamotest.NewTable(t).Store(nil), openFolder(t), statuspage.FloorHour(start())
			monitorNamed(t, store, "api", now)
			begins := now + 20*minute
			address := fmt.Sprintf("/incidents/%d", incidentOn(t, store, "Planned", begins, now, monitors...))
			p := &publish.Publisher{Store: store, Config: config, Port: port}
			for ; now < begins+30*minute; now += minute {
				run(t, p, now)
				if got := strings.Contains(string(at(t, port, address).Body), "Not over yet"); got != (now >= begins) {
					t.Fatalf("%d minutes after its begin: it has begun: %t", (now-begins)/minute, got)
				}
			}
		})
	}
}

// Pages that a clock which was ahead has put go on to be made.
func TestClockWasAhead(t *testing.T) {
	table := dynamotest.NewTable(t)
	store, port, now := table.Store(nil), openFolder(t), statuspage.FloorDay(start())+10*hour
	monitorNamed(t, store, "api", now-day)
	run(t, &publish.Publisher{Store: store, Config: config, Port: port}, now+2*hour)
	p := &publish.Publisher{Store: store, Config: config, Port: port}
	run(t, p, now)
	if home := at(t, port, "/"); home.Time != now {
		t.Errorf("the home page is as of %d, and it is %d", home.Time, now)
	}
	run(t, p, now+minute)
	if home := at(t, port, "/"); home.Time != now {
		t.Errorf("the home page was put again after a minute")
	}
}

// What is not shown any more is gone from everywhere, of any time, and comes back when it is
// shown again.
func TestHiddenAndDeleted(t *testing.T) {
	table := dynamotest.NewTable(t)
	store, port, now := table.Store(nil), openFolder(t), start()
	monitorNamed(t, store, "api", now)
	monitorNamed(t, store, "web", now)
	old := fmt.Sprintf("/incidents/%d", incidentOn(t, store, "Old", now-100*day, now, "api"))
	kept := incidentOn(t, store, "Kept", now, now, "web")
	p := &publish.Publisher{Store: store, Config: config, Port: port}
	run(t, p, now)
	status := func(want int, addresses ...string) {
		t.Helper()
		for _, address := range addresses {
			if o := at(t, port, address); o.Status != want {
				t.Errorf("%s: %d, want %d", address, o.Status, want)
			}
		}
	}
	status(200, old, "/de"+old, "/monitors/api", "/monitors/web")
	hide := func(yes string, now int64) {
		t.Helper()
		if _, err := store.UpdateMonitor(t.Context(), "api", statuspage.MonitorPatch{Hidden: opt.Value(yes)}, now); err != nil {
			t.Fatal(err)
		}
		run(t, p, now)
	}
	hide(statuspage.Yes, now+minute)
	status(404, old, "/de"+old, "/monitors/api")
	status(200, "/monitors/web", fmt.Sprintf("/incidents/%d", kept))
	hide(statuspage.No, now+2*minute)
	status(200, old, "/de"+old, "/monitors/api")
	if err := store.DeleteIncident(t.Context(), kept, now+3*minute, nil); err != nil {
		t.Fatal(err)
	}
	if err := store.DeleteMonitor(t.Context(), "web", now+3*minute); err != nil {
		t.Fatal(err)
	}
	run(t, p, now+3*minute)
	status(410, fmt.Sprintf("/incidents/%d", kept))
	status(404, "/monitors/web")
	status(200, old, "/monitors/api")
}
