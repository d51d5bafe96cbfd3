package site_test

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/dynamo"
	"tocsin/internal/dynamotest"
	"tocsin/internal/site"
	"tocsin/internal/statuspage"
)

const (
	minute = 60
	hour   = 60 * minute
	day    = 24 * hour
)

// now is a time of the recent past, since the engine deletes what is out of date by its own
// clock: the 30th second of 12:10.
var now = statuspage.FloorDay(time.Now().Unix()) - day + 12*hour + 10*minute + 30

// A world is a table with records.
type world struct {
	t     *testing.T
	table *dynamotest.Table
	store *dynamo.Store
}

func newWorld(t *testing.T) *world {
	table := dynamotest.NewTable(t)
	return &world{t, table, table.Store(nil)}
}

// monitor makes a monitor long ago.
func (w *world) monitor(tag string, change func(*statuspage.Monitor)) statuspage.Monitor {
	w.t.Helper()
	m := statuspage.NewMonitor(tag, "Monitor "+tag)
	if change != nil {
		change(&m)
	}
	m, err := w.store.CreateMonitor(w.t.Context(), m, now-200*day, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return m
}

// fill gives each minute from one to another, both included, the status. It is done a day
// ago, so that totals of days can be stored now.
func (w *world) fill(tag string, from, to int64, status statuspage.Status) {
	w.t.Helper()
	w.fillAt(tag, from, to, status, now-day)
}

func (w *world) fillAt(tag string, from, to int64, status statuspage.Status, at int64) {
	w.t.Helper()
	r := statuspage.Range{From: from, To: to, Status: status, Latency: func(int64) float64 { return 20 }}
	if err := w.store.FillRange(w.t.Context(), tag, r, at); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) deleteMinutes(tag string, from, to, at int64) {
	w.t.Helper()
	if _, err := w.store.DeleteRange(w.t.Context(), tag, statuspage.MinuteRange{From: from, To: to}, at); err != nil {
		w.t.Fatal(err)
	}
}

// point posts an UP of the minute.
func (w *world) point(tag string, minute, at int64) {
	w.t.Helper()
	p := statuspage.Point{Time: minute, Status: statuspage.StatusUp, Latency: new(7.0), Source: statuspage.SourceProbe}
	if err := w.store.RecordPoint(w.t.Context(), tag, p, at); err != nil {
		w.t.Fatal(err)
	}
}

// incident makes an open incident at a time.
func (w *world) incident(start, at int64, monitors ...statuspage.MonitorImpact) statuspage.Incident {
	w.t.Helper()
	n := statuspage.NewIncident{Title: "Outage", Start: statuspage.FloorMinute(start), Source: statuspage.SourceAPI, Monitors: monitors}
	i, err := w.store.CreateIncident(w.t.Context(), n, at, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return i
}

func (w *world) comment(incident, at int64, state statuspage.State) statuspage.Comment {
	w.t.Helper()
	c, err := w.store.CreateComment(w.t.Context(), incident, statuspage.NewComment{Text: "News", Time: statuspage.FloorMinute(at), State: state}, at, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *world) shown() site.Shown {
	w.t.Helper()
	shown, err := site.LoadShown(w.t.Context(), w.store)
	if err != nil {
		w.t.Fatal(err)
	}
	return shown
}

func (w *world) load() *site.Site {
	w.t.Helper()
	s, err := site.Load(w.t.Context(), w.store, site.Config{Name: "Example", URL: "https://status.example.com"}, now)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func down(tag string) statuspage.MonitorImpact {
	return statuspage.MonitorImpact{Tag: tag, Impact: statuspage.Down}
}

func incidentIDs(incidents []site.Incident) []int64 {
	var all []int64
	for _, i := range incidents {
		all = append(all, i.ID)
	}
	return all
}

func TestLoadOfNothing(t *testing.T) {
	w := newWorld(t)
	want := &site.Site{Name: "Example", URL: "https://status.example.com", AsOf: now, Status: site.NoData}
	if d := cmp.Diff(want, w.load()); d != "" {
		t.Error(d)
	}
}

func TestLoadMeasured(t *testing.T) {
	w := newWorld(t)
	m := w.monitor("api", func(m *statuspage.Monitor) { m.DayDownMinimum = new(int64(11)) })
	at := statuspage.FloorMinute(now)
	today := statuspage.FloorDay(now)
	w.fill("api", today-10*day, at, statuspage.StatusUp)
	w.fill("api", today-5*day+hour, today-5*day+hour+9*minute, statuspage.StatusDown)  // 10 minutes
	w.fill("api", today-4*day+hour, today-4*day+hour+10*minute, statuspage.StatusDown) // 11
	w.fill("api", today-3*day+hour, today-3*day+hour+4*minute, statuspage.StatusDegraded)
	w.fill("api", at-hour, at-hour, statuspage.StatusDegraded)

	got := w.load().Groups[0].Monitors[0]
	if got.ID != m.ID || !got.Measured || got.Status != site.Up || got.Newest != at || len(got.Days) != site.Days || len(got.Hours) != 48 {
		t.Errorf("%+v", got)
	}
	for ago, want := range map[int]site.Day{
		11: {Status: site.NoData},
		10: {Status: site.Up, Counts: site.Counts{Up: 1440, Latency: new(20.0)}},
		5:  {Status: site.Up, Counts: site.Counts{Up: 1430, Down: 10, Latency: new(20.0)}},
		4:  {Status: site.Down, Counts: site.Counts{Up: 1429, Down: 11, Latency: new(20.0)}},
		3:  {Status: site.Degraded, Counts: site.Counts{Up: 1435, Degraded: 5, Latency: new(20.0)}},
		0:  {Status: site.Degraded, Counts: site.Counts{Up: 12*60 + 10, Degraded: 1, Latency: new(20.0)}},
	} {
		want.Start = today - int64(ago)*day
		if d := cmp.Diff(want, got.Days[site.Days-1-ago]); d != "" {
			t.Errorf("%d days ago: %s", ago, d)
		}
	}
	all := int64(10*1440) + 12*60 + 11
	if want := float64(all-21) / float64(all) * 100; got.Uptime == nil || *got.Uptime != want {
		t.Errorf("uptime %v, want %v", got.Uptime, want)
	}
	if got.Latency == nil || *got.Latency != 20 {
		t.Errorf("latency %v", got.Latency)
	}
	if last := got.Hours[47]; last.Start != statuspage.FloorHour(now) || last.Up != 10+1 {
		t.Errorf("this hour: %+v", last)
	}
	if again := w.load().Groups[0].Monitors[0]; !cmp.Equal(got, again) { // totals are stored now
		t.Error(cmp.Diff(got, again))
	}
}

func TestLoadShowsNothingPrivate(t *testing.T) {
	w := newWorld(t)
	w.monitor("shown", nil)
	w.monitor("hidden", func(m *statuspage.Monitor) { m.Hidden = new(statuspage.Yes) })
	w.monitor("retired", func(m *statuspage.Monitor) { m.Status = new(statuspage.MonitorInactive) })
	w.incident(now-hour, now-hour, down("hidden"))
	both := w.incident(now-hour, now-hour, down("hidden"), statuspage.MonitorImpact{Tag: "shown", Impact: statuspage.Degraded})
	retired := w.incident(now-hour, now-hour, down("retired"))

	s := w.load()
	if len(s.Groups) != 1 || len(s.Groups[0].Monitors) != 1 || s.Groups[0].Monitors[0].Tag != "shown" {
		t.Errorf("%+v", s.Groups)
	}
	if d := cmp.Diff([]int64{both.ID}, incidentIDs(s.Incidents())); d != "" {
		t.Error(d)
	}
	if i := s.Open[0]; s.Status != site.Degraded || i.Status != site.Degraded || len(i.Affected) != 1 || i.Affected[0].Tag != "shown" {
		t.Errorf("%s, %+v", s.Status, i)
	}
	if _, err := w.shown().LoadIncident(t.Context(), w.store, retired.ID); !errors.Is(err, statuspage.IncidentNotFound(retired.ID)) {
		t.Error(err)
	}
	if _, err := w.shown().LoadIncident(t.Context(), w.store, 999); !errors.Is(err, statuspage.IncidentNotFound(int64(999))) {
		t.Error(err)
	}
}

func TestLoadDeclared(t *testing.T) {
	w := newWorld(t)
	w.monitor("api", nil)
	past := w.incident(now-5*day, now-5*day, down("api"))
	w.comment(past.ID, now-5*day+20*minute, statuspage.Resolved)
	early := w.incident(now+hour, now-day, down("api"))
	global := w.incident(now-30*minute, now-30*minute)

	s := w.load()
	m := s.Groups[0].Monitors[0]
	if m.Measured || m.Status != site.Up || s.Status != site.Degraded || m.Newest != 0 || m.Latency != nil {
		t.Errorf("%s %+v", s.Status, m)
	}
	if d := cmp.Diff([][]int64{{global.ID}, {early.ID}, {past.ID}}, [][]int64{incidentIDs(s.Open), incidentIDs(s.Upcoming), incidentIDs(s.Past)}); d != "" {
		t.Error(d)
	}
	today := statuspage.FloorDay(now)
	for ago, want := range map[int]site.Day{
		89: {Status: site.Up, Counts: site.Counts{Up: 1440}},
		5:  {Status: site.Down, Counts: site.Counts{Up: 1420, Down: 20}, Incidents: []int64{past.ID}},
		0:  {Status: site.Up, Counts: site.Counts{Up: 12*60 + 11}, Incidents: []int64{global.ID}},
	} {
		want.Start = today - int64(ago)*day
		if d := cmp.Diff(want, m.Days[site.Days-1-ago]); d != "" {
			t.Errorf("%d days ago: %s", ago, d)
		}
	}
	if i := s.Past[0]; i.State != statuspage.Resolved || i.End == nil || *i.End-i.Start != 20*minute || len(i.Updates) != 1 {
		t.Errorf("%+v", i)
	}
}

// Of 50 monitors, which are measured or not, the calls wait for one another at most four
// times.
func TestLoadTakesFourSteps(t *testing.T) {
	w := newWorld(t)
	for n := range int64(50) {
		tag := fmt.Sprintf("m%d", n)
		w.monitor(tag, nil)
		if n%2 == 0 {
			w.fill(tag, now-now%minute-3*hour, now-now%minute, statuspage.StatusUp)
		}
	}
	for n := range int64(40) {
		i := w.incident(now-n*hour, now-n*hour, down("m0"))
		w.comment(i.ID, now-n*hour+minute, statuspage.Resolved)
	}
	client := &dynamotest.Client{Delay: 400 * time.Millisecond}
	// A pause of the machine can pull calls apart that are made at the same time, never push
	// them together: the lowest of a few counts is the right one.
	steps := func(most int) {
		t.Helper()
		least := math.MaxInt
		for range 4 {
			client.Reset()
			if _, err := site.Load(t.Context(), w.table.Store(client), site.Config{}, now); err != nil {
				t.Fatal(err)
			}
			if least = min(least, client.Sequential()); least <= most {
				return
			}
		}
		t.Errorf("%d steps, want at most %d", least, most)
	}
	steps(4)
	for n := range int64(50) {
		if _, _, err := w.store.Uptime(t.Context(), fmt.Sprintf("m%d", n), statuspage.LastDays(site.Days, now), now); err != nil { // stores them
			t.Fatal(err)
		}
	}
	steps(2)
}

// Who may not write gets the same site: totals that are missing are made each time.
func TestLoadWithoutRightToWrite(t *testing.T) {
	w := newWorld(t)
	w.monitor("api", nil)
	w.fill("api", now-now%minute-4*day, now-now%minute, statuspage.StatusUp)
	reader := w.table.Store(&dynamotest.Client{Base: readOnly{http.DefaultTransport}})
	got, err := site.Load(t.Context(), reader, site.Config{Name: "Example", URL: "https://status.example.com"}, now)
	if err != nil {
		t.Fatal(err)
	}
	stored := func() (days int) {
		for _, it := range w.table.Items(t) {
			if strings.HasPrefix(it["sk"], "DAY#") && it["totals"] != "" {
				days++
			}
		}
		return days
	}
	if n := stored(); n != 0 {
		t.Errorf("the totals of %d days are stored", n)
	}
	if d := cmp.Diff(w.load(), got); d != "" {
		t.Error(d)
	}
	if stored() == 0 {
		t.Error("who may write stores none")
	}
}

// readOnly refuses every call that writes, as AWS refuses who has no right to it.
type readOnly struct{ http.RoundTripper }

func (r readOnly) RoundTrip(q *http.Request) (*http.Response, error) {
	_, operation, _ := strings.Cut(q.Header.Get("X-Amz-Target"), ".")
	if operation == "Query" || strings.HasSuffix(operation, "GetItem") {
		return r.RoundTripper.RoundTrip(q)
	}
	return &http.Response{
		StatusCode: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}}, Request: q,
		Body: io.NopCloser(strings.NewReader(`{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"not authorized"}`)),
	}, nil
}
