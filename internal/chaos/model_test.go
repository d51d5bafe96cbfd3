package chaos

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What of a record a client knows, since nobody else writes it.

type incident struct {
	id     int64
	token  string // its title begins with it
	legacy bool   // made by the legacy API, and only written by that

	title  string
	start  int64
	end    *int64
	anyEnd bool // it has an end, which the service chose
	state  string
	closed bool
	links  map[string]string // monitor's tag → impact; "" for an impact that is not looked at
	auto   string            // auto_close_after as JSON; "" where it was never set

	body       string // of a legacy one
	identified bool   // of a legacy one

	comments map[int64]*comment
	etag     string // "" when it is not known

	busy      bool // a request about it is put aside
	unsure    bool // a request about it was given up: nobody can say whether it had an effect
	quiet     bool // no client writes to it any more
	forgotten bool // the closer is to warn of it and to close it
	deleted   bool
}

type comment struct {
	text  string
	time  int64  // 0: the service chose it
	state string // "": as the incident's was
}

type point struct {
	Status  string
	Latency *float64
	Type    string
}

type monitor struct {
	tag, name   string
	description *string
	typeData    map[string]int
	points      map[int64]point
	linked      *incident // the one that it is linked to
	page        *page     // the one that it is on
	deleted     bool
}

type rule struct {
	id          int64
	value       float64
	active      bool
	description string
	deleted     bool
}

type apiKey struct {
	id      int64
	name    string
	revoked bool
}

// own is what one client has made.
type own struct {
	incidents []*incident
	monitors  []*monitor // the first ones are never deleted
	rules     []*rule
	keys      []*apiKey
	common    map[int64]point // its minutes of the common monitor
	current   map[int64]point // and of the one with minutes of the last hour
	fresh     int64           // minutes that were used by posts with a key
	alert     struct {
		tag    string
		minute int64
		open   bool
		cycles int
	}
	noData  string // tag of the monitor without data
	counter int    // its part of the counter in a title

	maintenances []*maintenance
	pages        []*page

	problems [][]*problem // of each integration

	setting        string // its own one, "" while it has not set it
	settingCounter int    // its part of the counter in the common one

	merged int // its part of the common type_data
	field  any // its field of the common incident
}

// The records as the API shows them.

type incidentJSON struct {
	ID       int64  `json:"id"`
	Title    string `json:"title"`
	Start    int64  `json:"start_date_time"`
	End      *int64 `json:"end_date_time"`
	State    string `json:"state"`
	Source   string `json:"incident_source"`
	Monitors []struct {
		Tag    string `json:"monitor_tag"`
		Impact string `json:"impact"`
	} `json:"monitors"`
	AutoClose json.RawMessage `json:"auto_close_after"`
}

type legacyJSON struct {
	Number     int64    `json:"incidentNumber"`
	Title      string   `json:"title"`
	Tags       []string `json:"tags"`
	End        *int64   `json:"endDatetime"`
	Closed     *int64   `json:"closedAt"`
	Body       string   `json:"body"`
	Identified bool     `json:"isIdentified"`
	Resolved   bool     `json:"isResolved"`
}

type commentJSON struct {
	ID    int64  `json:"id"`
	Text  string `json:"comment"`
	Time  int64  `json:"timestamp"`
	State string `json:"state"`
}

type monitorJSON struct {
	ID          int64          `json:"id"`
	Tag         string         `json:"tag"`
	Name        string         `json:"name"`
	Description *string        `json:"description"`
	TypeData    map[string]int `json:"type_data"`
}

type ruleJSON struct {
	ID          int64    `json:"id"`
	Value       any      `json:"alert_value"`
	Tags        []string `json:"monitor_tags"`
	Description *string  `json:"description"`
	Active      bool     `json:"is_active"`
}

type alertJSON struct {
	ID       int64  `json:"id"`
	RuleID   int64  `json:"alert_rule_id"`
	Tag      string `json:"monitor_tag"`
	State    string `json:"alert_status"`
	Incident *int64 `json:"incident_id"`
	Key      string `json:"dedup_key"` // of an integration's
	Count    int    `json:"count"`
}

type pointJSON struct {
	Tag     string   `json:"monitor_tag"`
	Time    int64    `json:"timestamp"`
	Status  string   `json:"status"`
	Latency *float64 `json:"latency"`
	Type    string   `json:"type"`
}

// differs says what of the incident is not as it should be, "" when nothing.
func (m *incident) differs(got incidentJSON) string {
	links := map[string]string{}
	for _, l := range got.Monitors {
		links[l.Tag] = l.Impact
		if m.links[l.Tag] == "" {
			links[l.Tag] = ""
		}
	}
	switch {
	case got.Title != m.title:
		return fmt.Sprintf("its title is %q, not %q", got.Title, m.title)
	case got.State != m.state:
		return fmt.Sprintf("its state is %s, not %s", got.State, m.state)
	case !maps.Equal(links, m.links):
		return fmt.Sprintf("its monitors are %v, not %v", links, m.links)
	case string(got.AutoClose) != m.auto:
		return fmt.Sprintf("its auto_close_after is %q, not %q", got.AutoClose, m.auto)
	case m.start != 0 && got.Start != m.start:
		return fmt.Sprintf("its start is %d, not %d", got.Start, m.start)
	case !m.anyEnd && show(got.End) != show(m.end), m.anyEnd && got.End == nil:
		return fmt.Sprintf("its end is %s, not %s", show(got.End), show(m.end))
	}
	return ""
}

func (m *incident) differsAsLegacy(got legacyJSON) string {
	slices.Sort(got.Tags)
	switch {
	case got.Title != m.title:
		return fmt.Sprintf("its title is %q, not %q", got.Title, m.title)
	case got.Body != m.body:
		return fmt.Sprintf("its body is %q, not %q", got.Body, m.body)
	case !slices.Equal(got.Tags, slices.Sorted(maps.Keys(m.links))):
		return fmt.Sprintf("its tags are %v, not %v", got.Tags, m.links)
	case got.Identified != m.identified:
		return fmt.Sprintf("isIdentified is %v", got.Identified)
	case got.Resolved != (m.state == "RESOLVED"), (got.Closed != nil) != m.closed:
		return fmt.Sprintf("isResolved is %v, closedAt %s, the state should be %s, closed: %v", got.Resolved, show(got.Closed), m.state, m.closed)
	case !m.anyEnd && show(got.End) != show(m.end), m.anyEnd && got.End == nil:
		return fmt.Sprintf("its end is %s, not %s", show(got.End), show(m.end))
	}
	return ""
}

func show[T any](p *T) string {
	if p == nil {
		return "null"
	}
	return fmt.Sprint(*p)
}

// An operation is one thing that clients do, and how often.
type operation struct {
	weight int
	do     func(*client)
}

var operations = []operation{
	{12, (*client).createIncident}, {8, (*client).reportIncident}, {2, (*client).forgetIncident},
	{12, (*client).createComment}, {5, (*client).addNote}, {9, (*client).commentTogether},
	{10, (*client).updateIncident}, {6, (*client).updateIncidentAsSeen}, {3, (*client).replaceIncident}, {4, (*client).progressIncident},
	{3, (*client).updateComment}, {3, (*client).deleteComment}, {3, (*client).deleteIncident},
	{6, (*client).postPoints}, {4, (*client).postLegacyPoint}, {4, (*client).updatePoint}, {2, (*client).fillRange}, {3, (*client).postCommonPoints},
	{6, (*client).postCurrentPoint}, {8, (*client).sendSignals},
	{2, (*client).createMonitor}, {2, (*client).updateMonitor}, {1, (*client).deleteMonitor}, {3, (*client).mergeTypeData},
	{2, (*client).createRule}, {2, (*client).updateRule}, {1, (*client).deleteRule}, {4, (*client).changeAlert},
	{1, (*client).createKey}, {1, (*client).revokeKey},
	{5, (*client).createMaintenance}, {5, (*client).updateMaintenance}, {1, (*client).deleteMaintenance}, {5, (*client).changeEvent},
	{4, (*client).createPage}, {5, (*client).updatePage}, {2, (*client).movePage}, {1, (*client).deletePage},
	{3, (*client).writeSetting}, {3, (*client).countSetting},
	{3, (*client).countUp}, {2, (*client).writeField},
	{4, (*client).look}, {2, (*client).lookAtUptime},
}

var operationWeights = func() (sum int) {
	for _, o := range operations {
		sum += o.weight
	}
	return sum
}()

// act does one thing.
func (c *client) act() {
	c.seeToAside(false)
	n := c.random.IntN(operationWeights)
	for _, o := range operations {
		if n -= o.weight; n < 0 {
			o.do(c)
			return
		}
	}
}

func one[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// keyFor is an idempotency key of its own, or none with the probability p.
func (c *client) keyFor(token string, none float64) string {
	if c.chance(none) {
		return ""
	}
	return "key-" + token
}

// links draws monitors that an incident is about.
func (c *client) drawLinks() map[string]string {
	links := map[string]string{}
	for range c.random.IntN(4) {
		links[one(c.random, c.pool...)] = one(c.random, "DOWN", "DEGRADED", "UP", "MAINTENANCE")
	}
	return links
}

func linksJSON(links map[string]string) []map[string]string {
	list := []map[string]string{}
	for _, tag := range slices.Sorted(maps.Keys(links)) {
		list = append(list, map[string]string{"monitor_tag": tag, "impact": links[tag]})
	}
	return list
}

// past is a minute at least three days ago, soon one within the next month.
func (c *client) past() int64 { return c.today - 3*day - c.random.Int64N(20*day)/60*60 }
func (c *client) soon() int64 { return c.today + 2*day + c.random.Int64N(20*day)/60*60 }

func incidentPath(id int64) string { return fmt.Sprintf("/api/v4/incidents/%d", id) }
func legacyPath(id int64) string   { return fmt.Sprintf("/api/incident/%d", id) }
func commentPath(incident, id int64) string {
	return fmt.Sprintf("/api/v4/incidents/%d/comments/%d", incident, id)
}

// pick returns one of the newest own incidents that this client may write, nil when
// there is none.
func (c *client) pick(of func(*incident) bool) *incident {
	var free []*incident
	for n := len(c.incidents) - 1; n >= 0 && len(free) < 15; n-- {
		if m := c.incidents[n]; !m.busy && !m.unsure && !m.quiet && !m.forgotten && !m.deleted && of(m) {
			free = append(free, m)
		}
	}
	if len(free) == 0 {
		return nil
	}
	return one(c.random, free...)
}

func byV4(m *incident) bool     { return !m.legacy }
func byLegacy(m *incident) bool { return m.legacy }
func by(*incident) bool         { return true }

func (c *client) createIncident() { c.newIncident(&incident{links: c.drawLinks()}) }

// forgetIncident makes an incident that the closer is to close.
func (c *client) forgetIncident() {
	c.newIncident(&incident{links: c.drawLinks(), auto: "3600", forgotten: true})
}

func (c *client) newIncident(m *incident) {
	m.token = c.token("incident")
	m.title, m.start, m.state, m.comments = m.token+"0", c.past(), "INVESTIGATING", map[int64]*comment{}
	body := map[string]any{"title": m.title, "start_date_time": m.start, "monitors": linksJSON(m.links)}
	if !m.forgotten && c.chance(0.3) {
		m.end = new(c.soon())
		body["end_date_time"] = *m.end
	}
	if m.auto != "" {
		body["auto_close_after"] = json.RawMessage(m.auto)
	}
	r := &call{kind: "create incident", method: http.MethodPost, path: "/api/v4/incidents", body: body, key: c.keyFor(m.token, 0.1), token: m.title}
	c.post(r, func(a answer, ok bool) {
		if !ok {
			return
		}
		var made struct{ Incident incidentJSON }
		a.decode(c, &made)
		m.id, m.etag = made.Incident.ID, a.header.Get("ETag")
		if diff := m.differs(made.Incident); diff != "" {
			c.fail("incident %d as it was made: %s", m.id, diff)
		}
		c.incidents = append(c.incidents, m)
	})
}

// draw gives a legacy incident other contents and returns the body that says so.
func (m *incident) drawReport(c *client, title string) map[string]any {
	m.title, m.links, m.end, m.anyEnd, m.body = title, map[string]string{}, nil, false, ""
	for range 1 + c.random.IntN(3) {
		m.links[one(c.random, c.pool...)] = ""
	}
	body := map[string]any{"title": m.title, "tags": slices.Sorted(maps.Keys(m.links))}
	m.start = 0
	if c.chance(0.7) {
		m.start = c.past()
		body["startDatetime"] = m.start
	}
	if c.chance(0.6) {
		m.body = "body of " + m.title
		body["body"] = m.body
	}
	if c.chance(0.3) {
		m.end = new(c.soon())
		body["endDatetime"] = *m.end
	}
	if c.chance(0.5) {
		body["impact"] = one(c.random, "DOWN", "DEGRADED")
	}
	m.identified = c.chance(0.3)
	body["isIdentified"] = m.identified
	m.state = "INVESTIGATING"
	if m.identified {
		m.state = "IDENTIFIED"
	}
	m.closed = c.chance(0.2)
	if m.closed {
		body["isResolved"] = true
		m.state, m.anyEnd = "RESOLVED", m.end == nil
	}
	return body
}

func (c *client) reportIncident() {
	m := &incident{token: c.token("report"), legacy: true, comments: map[int64]*comment{}}
	body := m.drawReport(c, m.token+"0")
	r := &call{kind: "report incident (legacy)", method: http.MethodPost, path: "/api/incident", body: body, key: c.keyFor(m.token, 0.1), token: m.title}
	c.post(r, func(a answer, ok bool) {
		if !ok {
			return
		}
		var made legacyJSON
		a.decode(c, &made)
		m.id = made.Number
		c.compareLegacy(m, made)
		c.incidents = append(c.incidents, m)
	})
}

func (c *client) compareLegacy(m *incident, got legacyJSON) {
	if diff := m.differsAsLegacy(got); diff != "" || got.Number != m.id {
		c.fail("incident %d (legacy), shown as %d: %s", m.id, got.Number, diff)
	}
}

var states = []string{"INVESTIGATING", "IDENTIFIED", "MONITORING", "RESOLVED"}

func (c *client) createComment() {
	m := c.pick(byV4)
	if m == nil {
		return
	}
	n := &comment{text: c.token("comment"), time: c.today - day - c.random.Int64N(day)/60*60, state: one(c.random, states...)}
	r := &call{
		kind: "create comment", method: http.MethodPost, path: incidentPath(m.id) + "/comments", key: c.keyFor(n.text, 0.05), token: n.text,
		body: map[string]any{"comment": n.text, "timestamp": n.time, "state": n.state},
	}
	m.busy = true
	c.post(r, func(a answer, ok bool) {
		m.busy, m.etag = false, ""
		if !ok {
			m.unsure = true
			return
		}
		var made struct{ Comment commentJSON }
		a.decode(c, &made)
		if got := made.Comment; got.Text != n.text || got.Time != n.time || got.State != n.state {
			c.fail("comment %+v of incident %d is shown as %+v", n, m.id, got)
		}
		m.comments[made.Comment.ID] = n
		switch {
		case n.state == "RESOLVED":
			m.end, m.anyEnd, m.closed = &n.time, false, true
		case m.closed:
			m.end, m.anyEnd, m.closed = nil, false, false
		}
		m.state = n.state
	})
}

func (c *client) addNote() {
	m := c.pick(by)
	if m == nil {
		return
	}
	n := &comment{text: c.token("note"), state: m.state}
	r := &call{
		kind: "create comment (legacy)", method: http.MethodPost, path: legacyPath(m.id) + "/comment", key: c.keyFor(n.text, 0.05), token: n.text,
		body: map[string]any{"body": n.text},
	}
	m.busy = true
	c.post(r, func(a answer, ok bool) {
		m.busy, m.etag = false, ""
		if !ok {
			m.unsure = true
			return
		}
		var made struct {
			ID   int64  `json:"commentID"`
			Body string `json:"body"`
		}
		a.decode(c, &made)
		if made.Body != n.text {
			c.fail("note %+v of incident %d is shown as %+v", n, m.id, made)
		}
		m.comments[made.ID] = n
	})
}

// commentTogether comments on an incident that all clients comment on.
func (c *client) commentTogether() {
	id := c.shared[int(c.acks.Load())*len(c.shared)/(c.writes+1)%len(c.shared)]
	text := c.token("together")
	r := &call{kind: "create comment on a common incident", method: http.MethodPost, path: incidentPath(id) + "/comments", key: c.keyFor(text, 0.05), token: text}
	r.body = map[string]any{"comment": text, "state": one(c.random, states...)}
	if c.chance(0.3) {
		r.path, r.body = legacyPath(id)+"/comment", map[string]any{"body": text}
	}
	c.post(r, func(a answer, ok bool) {
		if ok {
			c.together(id, text)
		}
	})
}

// drawPatch changes the incident and returns the PATCH that says so.
func (m *incident) drawPatch(c *client) map[string]any {
	c.seq++
	m.title = m.token + strconv.Itoa(c.seq)
	patch := map[string]any{"title": m.title}
	if c.chance(0.3) {
		m.start = c.past()
		patch["start_date_time"] = m.start
	}
	if c.chance(0.3) {
		m.links = c.drawLinks()
		patch["monitors"] = linksJSON(m.links)
	}
	if c.chance(0.2) {
		m.auto = one(c.random, "null", "31536000")
		patch["auto_close_after"] = json.RawMessage(m.auto)
	}
	switch {
	case c.chance(0.2):
		m.end, m.closed = nil, false
		patch["end_date_time"] = nil
	case c.chance(0.2):
		m.end = new(c.soon())
		patch["end_date_time"] = *m.end
	}
	if patch["start_date_time"] != nil && c.chance(0.5) {
		delete(patch, "title")
	}
	return patch
}

// updateIncident changes an incident, one that the legacy API made by that.
func (c *client) updateIncident() {
	m := c.pick(byV4)
	if m == nil {
		return
	}
	before := m.title
	body := m.drawPatch(c)
	if body["title"] == nil {
		m.title = before
	}
	a, ok := c.do(&call{kind: "PATCH incident", method: http.MethodPatch, path: incidentPath(m.id), body: body})
	c.patched(m, a, ok)
}

func (c *client) patched(m *incident, a answer, ok bool) {
	if m.unsure = !ok; !ok {
		return
	}
	var now struct{ Incident incidentJSON }
	a.decode(c, &now)
	m.etag = a.header.Get("ETag")
	if diff := m.differs(now.Incident); diff != "" || now.Incident.ID != m.id {
		c.fail("incident %d after a PATCH: %s", m.id, diff)
	}
}

// updateIncidentAsSeen is a PATCH with If-Match. Nobody else writes the incident, so
// only a try of its own can be in the way.
func (c *client) updateIncidentAsSeen() {
	m := c.pick(byV4)
	if m == nil {
		return
	}
	if m.etag == "" {
		m.etag = c.get(incidentPath(m.id), nil).header.Get("ETag")
	}
	before := m.title
	body := m.drawPatch(c)
	if body["title"] == nil {
		m.title = before
	}
	r := &call{kind: "PATCH incident, If-Match", method: http.MethodPatch, path: incidentPath(m.id), body: body, match: m.etag}
	a, ok := c.do(r, http.StatusPreconditionFailed)
	if ok && !a.ok() { // an earlier try had its effect
		a = c.get(incidentPath(m.id), nil)
		c.observed.Add(1)
	}
	c.patched(m, a, ok)
}

func (c *client) replaceIncident() {
	m := c.pick(byLegacy)
	if m == nil {
		return
	}
	c.seq++
	body := m.drawReport(c, m.token+strconv.Itoa(c.seq))
	a, ok := c.do(&call{kind: "PATCH incident (legacy)", method: http.MethodPatch, path: legacyPath(m.id), body: body})
	if m.unsure = !ok; !ok {
		return
	}
	var now legacyJSON
	a.decode(c, &now)
	c.compareLegacy(m, now)
}

func (c *client) progressIncident() {
	m := c.pick(byLegacy)
	if m == nil {
		return
	}
	next := *m
	body := map[string]any{}
	if c.chance(0.5) {
		next.identified = c.chance(0.5)
		body["isIdentified"] = next.identified
		if next.state != "RESOLVED" {
			next.state = map[bool]string{true: "IDENTIFIED", false: "INVESTIGATING"}[next.identified]
		}
	}
	switch c.random.IntN(3) {
	case 0:
		body["isResolved"] = true
		next.state, next.closed, next.anyEnd = "RESOLVED", true, next.anyEnd || next.end == nil
	case 1:
		body["isResolved"] = false
		if next.closed {
			next.end, next.anyEnd = nil, false
		}
		next.closed = false
		next.state = map[bool]string{true: "IDENTIFIED", false: "INVESTIGATING"}[next.identified]
	}
	token := c.token("progress")
	r := &call{kind: "status of an incident (legacy)", method: http.MethodPost, path: legacyPath(m.id) + "/status", body: body, key: "key-" + token, token: token}
	m.busy = true
	c.post(r, func(a answer, ok bool) {
		m.busy = false
		if m.unsure = !ok; !ok {
			return
		}
		// What was noted of it meanwhile stays: nothing, it was busy.
		*m = next
		m.busy = false
		var now legacyJSON
		a.decode(c, &now)
		c.compareLegacy(m, now)
	})
}

// pickComment returns a comment of an own incident, nil when there is none.
func (c *client) pickComment() (*incident, int64) {
	m := c.pick(func(m *incident) bool { return len(m.comments) > 0 })
	if m == nil {
		return nil, 0
	}
	return m, one(c.random, slices.Sorted(maps.Keys(m.comments))...)
}

func (c *client) updateComment() {
	m, id := c.pickComment()
	if m == nil {
		return
	}
	n := m.comments[id]
	c.seq++
	text, _, _ := strings.Cut(n.text, "-")
	n.text = text + "-" + strconv.Itoa(c.seq)
	a, ok := c.do(&call{kind: "PATCH comment", method: http.MethodPatch, path: commentPath(m.id, id), body: map[string]any{"comment": n.text}})
	if !ok {
		return
	}
	var now struct{ Comment commentJSON }
	a.decode(c, &now)
	if now.Comment.ID != id || now.Comment.Text != n.text {
		c.fail("comment %d with the text %s is shown as %+v", id, n.text, now.Comment)
	}
}

func (c *client) deleteComment() {
	m, id := c.pickComment()
	if m == nil {
		return
	}
	if _, ok := c.do(&call{kind: "DELETE comment", method: http.MethodDelete, path: commentPath(m.id, id)}, http.StatusNotFound); ok {
		delete(m.comments, id)
	}
}

func (c *client) deleteIncident() {
	m := c.pick(by)
	if m == nil {
		return
	}
	if _, ok := c.do(&call{kind: "DELETE incident", method: http.MethodDelete, path: incidentPath(m.id)}, http.StatusNotFound); ok {
		m.deleted = true
	}
}

// Points. Those that are posted with a key have minutes that are set once, the others
// minutes that are set again and again.

const (
	keyedDays = 25
	allDays   = 50 // that have points; the first one is 60 days ago
)

func (c *client) drawPoint(kind string) point {
	p := point{Status: one(c.random, "UP", "UP", "DOWN", "DEGRADED"), Type: kind}
	if kind == "MANUAL" || c.chance(0.8) {
		p.Latency = new(float64(c.random.IntN(100_000)) / 100)
	}
	return p
}

// body is the point in a post.
func (p point) body(tag string, at int64) map[string]any {
	j := map[string]any{"monitor_tag": tag, "timestamp": at, "status": p.Status}
	if p.Latency != nil {
		j["latency"] = *p.Latency
	}
	return j
}

func (c *client) freshMinute() int64 {
	c.fresh++
	return c.pointsFrom + c.fresh%(keyedDays*day/60)*60
}

func (c *client) drawMinute() int64 {
	return c.pointsFrom + keyedDays*day + c.random.Int64N((allDays-keyedDays)*day)/60*60
}

// ownMonitor is one that is never deleted.
func (c *client) ownMonitor() *monitor { return c.monitors[c.random.IntN(ownMonitors)] }

func (c *client) postPoints() {
	size := 1
	if c.chance(0.5) {
		size = 2 + c.random.IntN(30)
	}
	key := c.keyFor(c.token("points"), 0.6)
	var list []map[string]any
	var set []func()
	near := c.drawMinute()
	for range size {
		m, p, at := c.ownMonitor(), c.drawPoint("API"), near+c.random.Int64N(90)*60
		if key != "" {
			at = c.freshMinute()
		}
		at = min(at, c.pointsFrom+allDays*day-60)
		list = append(list, p.body(m.tag, at))
		set = append(set, func() { m.points[at] = p })
	}
	kind := "post a point"
	if size > 1 {
		kind = "post points"
	}
	c.setPoints(&call{kind: kind, method: http.MethodPost, path: "/api/v4/status", body: map[string]any{"points": list}, key: key}, set, list)
}

// setPoints sends points until they are set. A post with a key that is put aside is
// about minutes that no other one sets.
func (c *client) setPoints(r *call, set []func(), list []map[string]any) {
	done := func(a answer, ok bool) {
		if !ok {
			return
		}
		for _, f := range set {
			f()
		}
		if list == nil {
			return
		}
		var got struct {
			Results []struct {
				Tag   string          `json:"monitor_tag"`
				Time  int64           `json:"timestamp"`
				Error json.RawMessage `json:"error"`
			}
		}
		a.decode(c, &got)
		for n, x := range got.Results {
			if x.Error != nil || x.Tag != list[n]["monitor_tag"] || x.Time != list[n]["timestamp"] {
				c.fail("point %v: %+v, %s", list[n], x, x.Error)
			}
		}
	}
	if r.key != "" {
		c.post(r, done)
		return
	}
	done(c.do(r))
}

func (c *client) postLegacyPoint() {
	m, p, at := c.ownMonitor(), c.drawPoint("API"), c.drawMinute()
	key := c.keyFor(c.token("point"), 0.6)
	if key != "" {
		at = c.freshMinute()
	}
	body := map[string]any{"tag": m.tag, "status": p.Status, "timestampInSeconds": at + c.random.Int64N(60), "latency": nil}
	if p.Latency != nil {
		body["latency"] = *p.Latency
	}
	c.setPoints(&call{kind: "post a point (legacy)", method: http.MethodPost, path: "/api/status", body: body, key: key}, []func(){func() { m.points[at] = p }}, nil)
}

func dataPath(tag string) string { return "/api/v4/monitors/" + url.PathEscape(tag) + "/data" }

func (c *client) updatePoint() {
	m, at := c.ownMonitor(), c.drawMinute()
	if known := slices.Collect(maps.Keys(m.points)); len(known) > 0 && c.chance(0.5) {
		slices.Sort(known)
		if i, _ := slices.BinarySearch(known, at); i < len(known) {
			at = known[i]
		}
	}
	p, was := m.points[at]
	if !was {
		p = point{Status: "UP", Latency: new(float64)}
	}
	p.Type = "MANUAL"
	body := map[string]any{}
	drawn := c.drawPoint("MANUAL")
	if c.chance(0.7) {
		p.Status = drawn.Status
		body["status"] = p.Status
	}
	if c.chance(0.7) {
		p.Latency = drawn.Latency
		body["latency"] = *p.Latency
	}
	a, ok := c.do(&call{kind: "PATCH a point", method: http.MethodPatch, path: fmt.Sprintf("%s/%d", dataPath(m.tag), at), body: body})
	if !ok {
		return
	}
	m.points[at] = p
	var got struct{ Data pointJSON }
	a.decode(c, &got)
	if g := got.Data; g.Time != at || !p.equal(g) {
		c.fail("point %d of %s: %s, want %s", at, m.tag, a.body, p)
	}
}

func (p point) equal(got pointJSON) bool {
	return got.Status == p.Status && got.Type == p.Type && show(got.Latency) == show(p.Latency)
}

func (p point) String() string { return fmt.Sprintf("%s %s %s", p.Status, show(p.Latency), p.Type) }

func (c *client) fillRange() {
	m, p, from := c.ownMonitor(), c.drawPoint("MANUAL"), c.drawMinute()
	to := min(from+(1+c.random.Int64N(300))*60, c.pointsFrom+allDays*day-60)
	if from >= to {
		return
	}
	body := map[string]any{"start_ts": from, "end_ts": to, "status": p.Status, "latency": *p.Latency}
	if _, ok := c.do(&call{kind: "PATCH a range of points", method: http.MethodPatch, path: dataPath(m.tag), body: body}); !ok {
		return
	}
	for at := from; at <= to; at += 60 {
		m.points[at] = p
	}
}

// postCommonPoints sets minutes of a monitor that all clients post to: each has
// minutes of its own in every hour.
func (c *client) postCommonPoints() {
	var list []map[string]any
	var set []func()
	near := c.drawMinute()
	for range 1 + c.random.IntN(5) {
		at := near + c.random.Int64N(120)*60
		at -= (at/60%clients - int64(c.n)) * 60
		p := c.drawPoint("API")
		list = append(list, p.body(c.commonTag, at))
		set = append(set, func() { c.common[at] = p })
	}
	c.setPoints(&call{kind: "post points of a common monitor", method: http.MethodPost, path: "/api/v4/status", body: map[string]any{"points": list}}, set, list)
}

// thisMinute is one that no function's clock is before.
func thisMinute() int64 { return time.Now().Unix() / 60 * 60 }

// postCurrentPoint sets a minute of its own in the last hour, whose item all clients
// write to at once.
func (c *client) postCurrentPoint() {
	at := thisMinute() - c.random.Int64N(60)*60
	at -= ((at/60-int64(c.n))%clients + clients) % clients * 60
	p := c.drawPoint("API")
	list := []map[string]any{p.body(c.currentTag, at)}
	c.setPoints(&call{kind: "post a point of the last hour", method: http.MethodPost, path: "/api/v4/status", body: map[string]any{"points": list}},
		[]func(){func() { c.current[at] = p }}, list)
}

// postNewestPoint sets a minute, that of now, of a monitor for which the others do so at the same
// time: which of them is the last nobody knows, but an alert must be there when it is DOWN.
func (c *client) postNewestPoint(tag string, at int64) {
	list := []map[string]any{{"monitor_tag": tag, "timestamp": at, "status": one(c.random, "UP", "DOWN")}}
	c.setPoints(&call{kind: "post a point of now", method: http.MethodPost, path: "/api/v4/status", body: map[string]any{"points": list}}, nil, list)
}

func (c *client) createMonitor() { c.newMonitor(c.keyForMonitor()) }

func (c *client) keyForMonitor() string { return c.keyFor(c.token("m"), 0.1) }

func (c *client) newMonitor(key string) {
	name := c.token("monitor")
	m := &monitor{tag: strings.ReplaceAll(name, ".", "-") + "m", name: name, typeData: map[string]int{}, points: map[int64]point{}}
	r := &call{kind: "create monitor", method: http.MethodPost, path: "/api/v4/monitors", body: map[string]any{"tag": m.tag, "name": m.name}, key: key, token: m.name}
	c.post(r, func(a answer, ok bool) {
		if !ok {
			return
		}
		var made struct{ Monitor monitorJSON }
		a.decode(c, &made)
		c.monitors = append(c.monitors, m)
		c.compareMonitor(m, made.Monitor)
		if len(c.monitors) > ownMonitors && c.chance(0.7) {
			m.linked = &incident{links: map[string]string{m.tag: "DOWN", c.pool[0]: "UP"}, quiet: true}
			c.newIncident(m.linked)
		}
		if len(c.monitors) > ownMonitors {
			c.newPageOf(m)
		}
	})
}

func (c *client) compareMonitor(m *monitor, got monitorJSON) {
	if got.Tag != m.tag || got.Name != m.name || show(got.Description) != show(m.description) || !maps.Equal(got.TypeData, m.typeData) {
		c.fail("monitor %+v is shown as %+v", m, got)
	}
}

func monitorPath(tag string) string { return "/api/v4/monitors/" + url.PathEscape(tag) }

func (c *client) updateMonitor() {
	m := c.ownMonitor()
	c.seq++
	body := map[string]any{}
	if c.chance(0.7) {
		m.description = new(fmt.Sprintf("description %d", c.seq))
		body["description"] = *m.description
	}
	if c.chance(0.5) {
		field := fmt.Sprintf("f%d", c.random.IntN(5))
		m.typeData[field] = c.seq
		body["type_data"] = map[string]int{field: c.seq}
	}
	a, ok := c.do(&call{kind: "PATCH monitor", method: http.MethodPatch, path: monitorPath(m.tag), body: body})
	if !ok {
		return
	}
	var now struct{ Monitor monitorJSON }
	a.decode(c, &now)
	c.compareMonitor(m, now.Monitor)
}

func (c *client) deleteMonitor() {
	for _, m := range c.monitors[ownMonitors:] {
		if m.deleted || m.linked != nil && m.linked.id == 0 || m.page != nil && m.page.id == 0 {
			continue // it is not known yet whether it is linked or on a page
		}
		if _, ok := c.do(&call{kind: "DELETE monitor", method: http.MethodDelete, path: monitorPath(m.tag)}, http.StatusNotFound); ok {
			m.deleted = true
			if m.linked != nil {
				delete(m.linked.links, m.tag)
			}
			if m.page != nil {
				m.page.tags = slices.DeleteFunc(m.page.tags, func(tag string) bool { return tag == m.tag })
			}
		}
		return
	}
}

// mergeTypeData writes this client's field of an object that all write to.
func (c *client) mergeTypeData() {
	c.merged++
	field := fmt.Sprintf("c%d", c.n)
	body := map[string]any{"type_data": map[string]int{field: c.merged}}
	a, ok := c.do(&call{kind: "PATCH a field of a common monitor", method: http.MethodPatch, path: monitorPath(c.commonTag), body: body})
	if !ok {
		return
	}
	var now struct{ Monitor monitorJSON }
	a.decode(c, &now)
	if now.Monitor.TypeData[field] != c.merged {
		c.fail("type_data.%s of the common monitor is %d, not %d", field, now.Monitor.TypeData[field], c.merged)
	}
}

const maxRules = 6 // of a client at a time: a monitor has at most 20

func (c *client) liveRules() []*rule {
	return slices.DeleteFunc(slices.Clone(c.rules), func(r *rule) bool { return r.deleted })
}

func (c *client) createRule() {
	if len(c.liveRules()) >= maxRules {
		c.deleteRule()
		return
	}
	m := &rule{value: 999_000_000 + float64(c.random.IntN(1000)), active: true, description: c.token("rule")}
	body := map[string]any{"alert_for": "LATENCY", "alert_value": m.value, "monitor_tags": []string{c.monitors[0].tag, c.monitors[1].tag}, "description": m.description}
	r := &call{kind: "create alert rule", method: http.MethodPost, path: "/api/v4/alert-rules", body: body, key: c.keyFor(m.description, 0.1), token: m.description}
	c.post(r, func(a answer, ok bool) {
		if !ok {
			return
		}
		var made struct {
			Rule ruleJSON `json:"alert_rule"`
		}
		a.decode(c, &made)
		m.id = made.Rule.ID
		c.compareRule(m, made.Rule)
		c.rules = append(c.rules, m)
	})
}

func (c *client) compareRule(m *rule, got ruleJSON) {
	if got.ID != m.id || got.Value != m.value || got.Active != m.active || show(got.Description) != m.description {
		c.fail("rule %+v is shown as %+v", m, got)
	}
}

func rulePath(id int64) string { return fmt.Sprintf("/api/v4/alert-rules/%d", id) }

func (c *client) updateRule() {
	live := c.liveRules()
	if len(live) == 0 {
		return
	}
	m := one(c.random, live...)
	m.value, m.active = 999_000_000+float64(c.random.IntN(1000)), c.chance(0.7)
	a, ok := c.do(&call{kind: "PATCH alert rule", method: http.MethodPatch, path: rulePath(m.id), body: map[string]any{"alert_value": m.value, "is_active": m.active}})
	if !ok {
		return
	}
	var now struct {
		Rule ruleJSON `json:"alert_rule"`
	}
	a.decode(c, &now)
	c.compareRule(m, now.Rule)
}

func (c *client) deleteRule() {
	live := c.liveRules()
	if len(live) == 0 {
		return
	}
	m := one(c.random, live...)
	if _, ok := c.do(&call{kind: "DELETE alert rule", method: http.MethodDelete, path: rulePath(m.id)}, http.StatusNotFound); ok {
		m.deleted = true
	}
}

// changeAlert makes a monitor fail or recover, and looks whether it has an alert.
func (c *client) changeAlert() {
	status, want := "DOWN", 1
	if c.alert.open {
		status, want = "UP", 0
	}
	c.alert.minute += 60
	body := map[string]any{"points": []map[string]any{{"monitor_tag": c.alert.tag, "status": status, "timestamp": c.alert.minute}}}
	if _, ok := c.do(&call{kind: "post a point that opens or resolves an alert", method: http.MethodPost, path: "/api/v4/status", body: body}); !ok {
		return
	}
	if c.alert.open = !c.alert.open; c.alert.open {
		c.alert.cycles++
	}
	var open struct{ Alerts []alertJSON }
	c.get("/api/v4/alerts?alert_status=TRIGGERED&monitor_tag="+c.alert.tag, &open)
	if len(open.Alerts) != want || want == 1 && open.Alerts[0].Incident == nil {
		c.fail("%d alerts %+v are on for %s after a point that is %s", len(open.Alerts), open.Alerts, c.alert.tag, status)
	}
}

func (c *client) createKey() {
	m := &apiKey{name: c.token("key")}
	r := &call{
		kind: "create API key", method: http.MethodPost, path: "/api/v4/keys", key: c.keyFor(m.name, 0.1), token: m.name,
		body: map[string]any{"name": m.name, "scopes": []string{"incidents:read"}},
	}
	c.post(r, func(a answer, ok bool) {
		if !ok {
			return
		}
		var made struct {
			Key struct {
				ID   int64
				Name string
			} `json:"api_key"`
		}
		a.decode(c, &made)
		if m.id = made.Key.ID; made.Key.Name != m.name {
			c.fail("API key %s is shown as %s", m.name, a.body)
		}
		c.keys = append(c.keys, m)
	})
}

func (c *client) revokeKey() {
	for _, m := range c.keys {
		if !m.revoked {
			if _, ok := c.do(&call{kind: "revoke API key", method: http.MethodDelete, path: fmt.Sprintf("/api/v4/keys/%d", m.id)}); ok {
				m.revoked = true
			}
			return
		}
	}
}

// countUp raises this client's number in a title that all clients change, with
// If-Match.
func (c *client) countUp() {
	var seen struct{ Incident incidentJSON }
	a := c.get(incidentPath(c.counterID), &seen)
	counts := parseCounts(seen.Incident.Title)
	if counts[c.n] != c.counter {
		c.fail("the count of client %d is %d, not %d", c.n, counts[c.n], c.counter)
		c.counter = counts[c.n]
	}
	counts[c.n]++
	r := &call{
		kind: "PATCH a counter, If-Match", method: http.MethodPatch, path: incidentPath(c.counterID), match: a.header.Get("ETag"),
		body: map[string]any{"title": formatCounts(counts)},
	}
	a, answered, _ := c.send(r)
	switch {
	case !answered:
		c.fail("the counter has no answer")
	case a.ok():
		c.acknowledge(r)
		c.counter++
	case a.status != http.StatusPreconditionFailed:
		c.fail("the counter is answered %d %s", a.status, a.body)
	case r.ambiguous: // an earlier try may have had its effect
		c.get(incidentPath(c.counterID), &seen)
		if now := parseCounts(seen.Incident.Title)[c.n]; now == c.counter+1 {
			c.counter++
			c.observed.Add(1)
		}
	}
}

func parseCounts(title string) []int {
	counts := make([]int, clients)
	for n, text := range strings.Fields(title) {
		counts[n], _ = strconv.Atoi(text)
	}
	return counts
}

func formatCounts(counts []int) string {
	return strings.Trim(fmt.Sprint(counts), "[]")
}

// writeField writes this client's field of an incident of which each client has
// another one, so that patches at once must all stand.
func (c *client) writeField() {
	name := commonFields[c.n%len(commonFields)]
	if c.n >= len(commonFields) {
		c.commentTogether()
		return
	}
	c.seq++
	var value any
	switch name {
	case "title":
		value = fmt.Sprintf("common fields %d", c.seq)
	case "start_date_time":
		value = c.past()
	case "end_date_time":
		value = c.soon()
	case "monitors":
		value = linksJSON(map[string]string{one(c.random, c.pool...): "DOWN", one(c.random, c.pool...): "UP"})
	case "auto_close_after":
		value = 3_000_000 + c.seq
	}
	if _, ok := c.do(&call{kind: "PATCH a field of a common incident", method: http.MethodPatch, path: incidentPath(c.fieldsID), body: map[string]any{name: value}}); ok {
		c.field = value
	}
}

var commonFields = []string{"title", "start_date_time", "end_date_time", "monitors", "auto_close_after"}

// look reads an own incident and its comments.
func (c *client) look() {
	m := c.pick(by)
	if m == nil {
		return
	}
	if m.legacy {
		var got legacyJSON
		c.get(legacyPath(m.id), &got)
		c.compareLegacy(m, got)
	} else {
		var got struct{ Incident incidentJSON }
		a := c.get(incidentPath(m.id), &got)
		if diff := m.differs(got.Incident); diff != "" {
			c.fail("incident %d: %s", m.id, diff)
		}
		if tag := a.header.Get("ETag"); m.etag != "" && tag != m.etag {
			c.fail("incident %d has the tag %s, not %s", m.id, tag, m.etag)
		}
	}
	c.compareComments(m, c.commentsOf(m.id))
}

// lookAtUptime compares what the service has counted of an own monitor with its
// minutes.
func (c *client) lookAtUptime() {
	if len(c.aside) > 0 {
		return // a post of minutes may be among what is put aside
	}
	m := c.ownMonitor()
	counts := map[string]int{}
	for _, p := range m.points {
		counts[p.Status]++
	}
	c.compareUptime(m.tag, counts)
}

func (c *client) compareUptime(tag string, want map[string]int) {
	var got struct {
		Uptime struct {
			Total struct {
				Up       int `json:"minutes_up"`
				Degraded int `json:"minutes_degraded"`
				Down     int `json:"minutes_down"`
			}
		}
	}
	c.get(monitorPath(tag)+"/uptime?days=62", &got)
	if n := got.Uptime.Total; n.Up != want["UP"] || n.Degraded != want["DEGRADED"] || n.Down != want["DOWN"] {
		c.fail("the uptime of %s counts %+v, its minutes are %v", tag, n, want)
	}
}

// commentsOf lists all comments of an incident.
func (c *client) commentsOf(incident int64) []commentJSON {
	var all []commentJSON
	for cursor := ""; ; {
		var page struct {
			Comments []commentJSON
			Next     string `json:"next_cursor"`
		}
		c.get(incidentPath(incident)+"/comments?cursor="+url.QueryEscape(cursor), &page)
		all = append(all, page.Comments...)
		if cursor = page.Next; cursor == "" {
			return all
		}
	}
}

// compareComments looks whether the incident's comments are those that it should
// have, each once. What was given up may be there.
func (c *client) compareComments(m *incident, got []commentJSON) {
	seen := map[int64]bool{}
	for _, x := range got {
		want := m.comments[x.ID]
		switch {
		case seen[x.ID]:
			c.fail("comment %d of incident %d is there twice", x.ID, m.id)
		case want == nil && c.wasGivenUp(x.Text):
		case want == nil:
			c.doubled.Add(1)
			c.fail("comment %d %q of incident %d is one too many", x.ID, x.Text, m.id)
		case x.Text != want.text, want.time != 0 && x.Time != want.time, want.state != "" && x.State != want.state:
			c.fail("comment %+v of incident %d is %+v", want, m.id, x)
		}
		seen[x.ID] = true
	}
	for id, want := range m.comments {
		if !seen[id] {
			c.lost.Add(1)
			c.fail("comment %d %q of incident %d is lost", id, want.text, m.id)
		}
	}
}
