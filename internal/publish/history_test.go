package publish_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"tocsin/internal/dynamo"
	"tocsin/internal/dynamotest"
	"tocsin/internal/opt"
	"tocsin/internal/statuspage"
)

// history is a table that is changed at random. Titles, names and texts say their version,
// see versionsIn.
type history struct {
	t      *testing.T
	random *rand.Rand
	table  *dynamotest.Table
	store  *dynamo.Store

	size
	tags    []string // of monitors that are or were there
	made    []int64  // the incidents, those that were deleted too
	works   []int64  // likewise the maintenances
	there   int      // of these, how many are there
	late    bool     // points were posted that show later
	version int      // of the newest text

	mu  sync.Mutex
	now int64
}

// size is how much there is in a history.
type size struct {
	monitors  int   // at a time
	incidents int   // at a time
	past      int64 // how many seconds ago they may begin
	looks     int   // of so many changes one is of a monitor, after which all files look different
}

func newHistory(t *testing.T, seed uint64, of size) *history {
	h := &history{t: t, random: rand.New(rand.NewPCG(seed, 1)), table: dynamotest.NewTable(t), size: of, now: start()}
	h.store = h.table.Store(nil)
	h.newMonitor()
	return h
}

// clock returns the time of the history.
func (h *history) clock() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

// pass lets one of the times go by.
func (h *history) pass(times ...int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = statuspage.FloorMinute(h.now + times[h.random.IntN(len(times))])
}

// change changes something, of the past or of the present.
func (h *history) change() {
	changes := []func(){
		h.newIncident, h.newIncident, h.newIncident, h.moveIncident, h.moveIncident, h.retitleIncident, h.relinkIncident,
		h.comment, h.comment, h.changeComment, h.deleteIncident, h.points, h.points, h.points, h.fill, h.deletePoints,
		h.newMaintenance, h.changeMaintenance, h.changeMaintenance, h.changeOccurrence, h.changeOccurrence, h.deleteMaintenance,
	}
	if h.random.IntN(h.looks) == 0 {
		changes = []func(){
			h.newMonitor, h.newMonitor, h.changeMonitor, h.changeMonitor,
			h.newPage, h.changePage, h.changePage, h.deletePage, h.changeHome, h.changeSetting, h.changeSetting,
		}
	}
	changes[h.random.IntN(len(changes))]()
	if h.random.IntN(3) > 0 { // else the minute's function is late
		h.makeOccurrences()
	}
}

// ok fails the test, unless the error says that a change could not be made.
func (h *history) ok(err error) {
	h.t.Helper()
	if known, is := errors.AsType[*statuspage.Error](err); err != nil && (!is || known.Code != statuspage.CodeBadRequest && known.Code != statuspage.CodeNotFound) {
		h.t.Fatal(err)
	}
}

// text is a new text of the thing that is called so.
func (h *history) text(name string) string {
	h.version++
	return fmt.Sprintf("%s-v%d.", name, h.version)
}

// A tag that was used before is used again.
func (h *history) newMonitor() {
	tag := fmt.Sprintf("m%d", h.random.IntN(h.monitors))
	if _, err := h.store.Monitor(h.t.Context(), tag); err == nil {
		return
	}
	if _, err := h.store.CreateMonitor(h.t.Context(), statuspage.NewMonitor(tag, h.text(tag)), h.now, nil); err != nil {
		h.t.Fatal(err)
	}
	h.tags = append(h.tags, tag)
}

func (h *history) someTag() string { return h.tags[h.random.IntN(len(h.tags))] }

func (h *history) changeMonitor() {
	tag := h.someTag()
	var p statuspage.MonitorPatch
	switch h.random.IntN(5) {
	case 0:
		p.Hidden = opt.Value(statuspage.Yes)
	case 1:
		p.Hidden = opt.Value(statuspage.No)
	case 2:
		p.Status = opt.Value([]string{statuspage.MonitorActive, statuspage.MonitorInactive}[h.random.IntN(2)])
	case 3:
		h.ok(h.store.DeleteMonitor(h.t.Context(), tag, h.now))
		return
	}
	p.Name = opt.Value(h.text(tag))
	_, err := h.store.UpdateMonitor(h.t.Context(), tag, p, h.now)
	h.ok(err)
}

// someTime is a time of the past.
func (h *history) someTime() int64 {
	return statuspage.FloorMinute(h.now - h.random.Int64N([]int64{hour, h.past / 4, h.past}[h.random.IntN(3)]))
}

// someMonitors are those on which an incident is.
func (h *history) someMonitors() []statuspage.MonitorImpact {
	on := map[string]bool{}
	var all []statuspage.MonitorImpact
	for _, tag := range h.tags {
		if _, err := h.store.Monitor(h.t.Context(), tag); err == nil && h.random.IntN(2) == 0 && !on[tag] {
			on[tag] = true
			all = append(all, statuspage.MonitorImpact{Tag: tag, Impact: []statuspage.Impact{statuspage.Down, statuspage.Degraded}[h.random.IntN(2)]})
		}
	}
	return all
}

// someTags are those of monitors that are there, in some order.
func (h *history) someTags() []string {
	var tags []string
	for _, m := range h.someMonitors() {
		tags = append(tags, m.Tag)
	}
	h.random.Shuffle(len(tags), func(a, b int) { tags[a], tags[b] = tags[b], tags[a] })
	return tags
}

// somePath is that of a page that may be there.
func (h *history) somePath() string { return fmt.Sprintf("p%d", h.random.IntN(3)) }

func (h *history) newPage() {
	path := h.somePath()
	_, err := h.store.CreatePage(h.t.Context(), statuspage.NewPage{Path: path, Title: h.text(path), Header: "Header", Tags: h.someTags()}, h.now, nil)
	h.ok(err)
}

func (h *history) changePage() {
	path := h.somePath()
	p := statuspage.PagePatch{Title: opt.Value(h.text(path))}
	switch h.random.IntN(4) {
	case 0:
		p.Path = opt.Value(h.somePath())
	case 1:
		p.Monitors = opt.Value(h.someTags())
	case 2:
		p.Settings = opt.Value(statuspage.JSONObject(`{"monitor_layout_style":"compact-grid"}`))
	}
	_, err := h.store.UpdatePage(h.t.Context(), path, p, h.now, nil)
	h.ok(err)
}

func (h *history) deletePage() {
	h.ok(h.store.DeletePage(h.t.Context(), h.somePath(), h.now, nil))
}

func (h *history) changeHome() {
	var p statuspage.PagePatch
	switch h.random.IntN(3) {
	case 0:
		p.Title, p.Header = opt.Value(h.text("p9")), opt.Value([]string{"Header", ""}[h.random.IntN(2)])
	case 1:
		p.Settings = opt.Value(statuspage.JSONObject([]string{`{"meta_page_title":"Meta","incidents":{"resolved":{"max_count":1}}}`, `{"meta_page_title":"","monitor_status_history_days":{"mobile":9}}`}[h.random.IntN(2)]))
	default:
		p.Monitors = opt.Value(h.someTags())
	}
	_, err := h.store.UpdatePage(h.t.Context(), "", p, h.now, nil)
	h.ok(err)
}

func (h *history) changeSetting() {
	values := map[string][]string{
		"siteName":                     {h.text("s0")},
		"i18n":                         {`{"defaultLocale":"de","locales":[{"code":"en","selected":true}]}`, `{"defaultLocale":"en","locales":[]}`, `{"defaultLocale":"de"}`, "null"},
		"globalPageVisibilitySettings": {`{"forceExclusivity":true}`, `{"showSwitcher":false}`, "null"},
		"pageOrderingSettings":         {`{"enabled":true,"order":[3,2,1]}`, "null"},
		"announcement":                 {`{"title":"` + h.text("s1") + `"}`, "5"},
		"customCSS":                    {"a{color:red}", ""},
		"nav":                          {`[{"name":"Docs","url":"/docs","iconURL":"/i.svg"}]`, "[]"},
		"theme":                        {"dark", "none"},
		"colors":                       {`{"UP":"#123456"}`, "null"},
		"footerHTML":                   {"<b>foot</b>", ""},
		"logo":                         {"/logo.svg", ""},
		"metaSiteTitle":                {"Title", ""},
		"dateAndTimeFormat":            {`{"datePlusTime":"yyyy-MM-dd HH:mm"}`, "null"},
		"eventDisplaySettings":         {`{"maintenances":{"upcoming":{"maxCount":1}},"incidents":{"ongoing":{"show":false}}}`, "null"},
		"subMenuOptions":               {`{"showRssFeed":false,"showShareBadgeMonitor":false}`, "null"},
	}
	keys := slices.Sorted(maps.Keys(values))
	key := keys[h.random.IntN(len(keys))]
	_, err := h.store.SetSiteSetting(h.t.Context(), key, values[key][h.random.IntN(len(values[key]))], h.now, nil)
	h.ok(err)
}

func (h *history) newIncident() {
	if h.there == h.incidents {
		h.deleteIncident()
		return
	}
	n := statuspage.NewIncident{Title: h.text(fmt.Sprintf("i%d", len(h.made))), Start: h.someTime(), Source: statuspage.SourceAPI, Monitors: h.someMonitors()}
	i, err := h.store.CreateIncident(h.t.Context(), n, h.now, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	h.made, h.there = append(h.made, i.ID), h.there+1
}

// patchIncident changes one of the incidents, if there is one.
func (h *history) patchIncident(p statuspage.IncidentPatch) {
	if len(h.made) == 0 {
		return
	}
	n := h.random.IntN(len(h.made))
	p.Title = opt.Value(h.text(fmt.Sprintf("i%d", n)))
	_, err := h.store.UpdateIncident(h.t.Context(), h.made[n], p, h.now, nil)
	h.ok(err)
}

func (h *history) retitleIncident() { h.patchIncident(statuspage.IncidentPatch{}) }

func (h *history) relinkIncident() {
	h.patchIncident(statuspage.IncidentPatch{Monitors: opt.Value(h.someMonitors())})
}

func (h *history) moveIncident() {
	begins := h.someTime()
	p := statuspage.IncidentPatch{Start: opt.Value(begins), End: opt.Value(min(h.now, begins+h.random.Int64N(h.past/4)/minute*minute))}
	if h.random.IntN(3) == 0 {
		p.End = opt.Null[int64]()
	}
	h.patchIncident(p)
}

func (h *history) comment() {
	if len(h.made) == 0 {
		return
	}
	n := h.random.IntN(len(h.made))
	state := []statuspage.State{statuspage.Investigating, statuspage.Identified, statuspage.Monitoring, statuspage.Resolved}[h.random.IntN(4)]
	c := statuspage.NewComment{Text: h.text(fmt.Sprintf("c%d", n)), Time: h.now, State: state}
	_, err := h.store.CreateComment(h.t.Context(), h.made[n], c, h.now, nil)
	h.ok(err)
}

// changeComment rewrites the newest comment of an incident.
func (h *history) changeComment() {
	if len(h.made) == 0 {
		return
	}
	n := h.random.IntN(len(h.made))
	newest, err := h.store.NewestComments(h.t.Context(), h.made[n], 1)
	if err != nil || len(newest) == 0 {
		h.ok(err)
		return
	}
	_, err = h.store.UpdateComment(h.t.Context(), h.made[n], newest[0].ID, statuspage.CommentPatch{Text: opt.Value(h.text(fmt.Sprintf("c%d", n)))}, h.now)
	h.ok(err)
}

func (h *history) deleteIncident() {
	if len(h.made) == 0 {
		return
	}
	err := h.store.DeleteIncident(h.t.Context(), h.made[h.random.IntN(len(h.made))], h.now, nil)
	if h.ok(err); err == nil {
		h.there--
	}
}

// somePast is a time within the days that pages show.
func (h *history) somePast() int64 {
	return statuspage.FloorMinute(h.now - h.random.Int64N([]int64{hour, 2 * day, 89 * day}[h.random.IntN(3)]))
}

func (h *history) someStatus() statuspage.Status {
	return []statuspage.Status{statuspage.StatusUp, statuspage.StatusDegraded, statuspage.StatusDown}[h.random.IntN(3)]
}

// points posts some points: the newest ones, or those of a probe that is late. These show up to
// an hour later.
func (h *history) points() {
	tag, from := h.someTag(), h.now
	if h.random.IntN(3) == 0 {
		from, h.late = h.somePast(), true
	}
	var points []statuspage.TaggedPoint
	for at := from; at <= h.now && len(points) < 5; at += minute {
		points = append(points, statuspage.TaggedPoint{Tag: tag, Point: statuspage.Point{Time: at, Status: h.someStatus(), Latency: new(20.0), Source: statuspage.SourceAPI}})
	}
	for _, err := range h.store.RecordPoints(h.t.Context(), points, h.now) {
		h.ok(err)
	}
}

// fill corrects some hours.
func (h *history) fill() {
	from := h.somePast()
	r := statuspage.Range{From: from, To: min(from+3*hour, h.now), Status: h.someStatus(), Latency: func(int64) float64 { return 30 }}
	h.ok(h.store.FillRange(h.t.Context(), h.someTag(), r, h.now))
}

func (h *history) deletePoints() {
	from := h.somePast()
	_, err := h.store.DeleteRange(h.t.Context(), h.someTag(), statuspage.MinuteRange{From: from, To: min(from+day, h.now)}, h.now)
	h.ok(err)
}

func (h *history) newMaintenance() {
	n := statuspage.NewMaintenance{Title: h.text(fmt.Sprintf("w%d", len(h.works))), Schedule: h.someSchedule(), Monitors: h.someMonitors()}
	m, err := h.store.CreateMaintenance(h.t.Context(), n, h.now, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	h.works = append(h.works, m.ID)
}

// someSchedule begins in the past or in the time to come, at once often.
func (h *history) someSchedule() statuspage.Schedule {
	ahead := []int64{-30 * day, -hour, 0, 2 * minute, 2 * hour, 9 * day}
	durations := []int64{minute, 40 * minute, 3 * hour, 2 * day}
	return statuspage.Schedule{
		Start:    statuspage.FloorMinute(h.now + ahead[h.random.IntN(len(ahead))]),
		Rule:     []string{"FREQ=MINUTELY;COUNT=1", "FREQ=DAILY", "FREQ=WEEKLY", "FREQ=DAILY;COUNT=3"}[h.random.IntN(4)],
		Duration: durations[h.random.IntN(len(durations))],
	}
}

// someWork is the number of a maintenance in works, and whether there is one.
func (h *history) someWork() (n int, ok bool) {
	return h.random.IntN(max(1, len(h.works))), len(h.works) > 0
}

func (h *history) changeMaintenance() {
	n, ok := h.someWork()
	if !ok {
		return
	}
	p := statuspage.MaintenancePatch{Title: opt.Value(h.text(fmt.Sprintf("w%d", n)))}
	switch h.random.IntN(4) {
	case 0:
		p.Monitors = opt.Value(h.someMonitors())
	case 1:
		s := h.someSchedule()
		p.Start, p.Rule, p.Duration = opt.Value(s.Start), opt.Value(s.Rule), opt.Value(s.Duration)
	case 2:
		p.Status = opt.Value([]statuspage.MaintenanceStatus{statuspage.MaintenanceActive, statuspage.MaintenanceInactive}[h.random.IntN(2)])
	}
	_, err := h.store.UpdateMaintenance(h.t.Context(), h.works[n], p, h.now, nil)
	h.ok(err)
}

// changeOccurrence ends one, moves it or deletes it.
func (h *history) changeOccurrence() {
	n, ok := h.someWork()
	if !ok {
		return
	}
	ctx, id := h.t.Context(), h.works[n]
	m, err := h.store.Maintenance(ctx, id)
	if err != nil || len(m.Recent) == 0 {
		h.ok(err)
		return
	}
	o := m.Recent[h.random.IntN(len(m.Recent))]
	p := statuspage.OccurrencePatch{State: statuspage.Cancelled}
	switch h.random.IntN(4) {
	case 0:
		h.ok(h.store.DeleteOccurrence(ctx, id, o.ID, h.now, nil))
		return
	case 1:
		p.State = statuspage.Completed
	case 2:
		start := statuspage.FloorMinute(h.now + h.random.Int64N(4*hour) - hour)
		p = statuspage.OccurrencePatch{Start: start, End: start + hour}
	}
	_, err = h.store.UpdateOccurrence(ctx, id, o.ID, p, h.now, nil)
	h.ok(err)
}

func (h *history) deleteMaintenance() {
	if n, ok := h.someWork(); ok {
		h.ok(h.store.DeleteMaintenance(h.t.Context(), h.works[n], h.now, nil))
	}
}

// makeOccurrences is what the function minute does.
func (h *history) makeOccurrences() {
	ids, err := h.store.DueMaintenances(h.t.Context(), h.now, 1000)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, id := range ids {
		if _, err := h.store.MakeOccurrences(h.t.Context(), id, h.now); err != nil {
			h.t.Fatal(err)
		}
	}
}
