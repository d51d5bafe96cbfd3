package chaos

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tocsin/internal/dynamotest"
)

// verify compares all there is, as the API shows it and as the table has it, with what
// was acknowledged.
func (r *run) verify() {
	c := r.clients[0]
	r.stage("the lists of incidents")
	open, closed := all[incidentJSON](c, "/api/v4/incidents?status=open", "incidents"), all[incidentJSON](c, "/api/v4/incidents?status=closed", "incidents")
	shown := map[int64]incidentJSON{}
	for _, list := range [][]incidentJSON{open, closed} {
		for _, i := range list {
			if _, twice := shown[i.ID]; twice {
				c.fail("incident %d is in a list twice", i.ID)
			}
			shown[i.ID] = i
		}
	}
	isClosed := map[int64]bool{}
	for _, i := range closed {
		isClosed[i.ID] = true
	}
	r.stage(fmt.Sprintf("each of %d incidents, the minutes, the alerts", len(shown)))
	var mu sync.Mutex
	known := map[int64]bool{r.counterID: true, r.fieldsID: true}
	for _, id := range r.shared {
		known[id] = true
	}
	r.each(func(c *client) {
		for _, m := range c.incidents {
			mu.Lock()
			if known[m.id] {
				c.fail("the id %d was given twice", m.id)
			}
			known[m.id] = true
			mu.Unlock()
			got, there := shown[m.id]
			c.verifyIncident(m, got, there, isClosed[m.id])
		}
		c.verifyPoints()
		c.verifyAlerts(shown)
	})
	r.stage("signals")
	r.verifySignals(c, shown)
	r.stage("monitors, rules, keys")
	r.verifyMonitors(c)
	r.verifyRules(c)
	r.verifyKeys(c)
	r.stage("maintenances")
	r.verifyMaintenances(c)
	r.stage("pages and settings")
	r.verifyPages(c)
	r.verifySettings(c)
	r.stage("what all wrote to")
	r.verifyShared(c, shown)
	for id, i := range shown {
		if !known[id] && i.Source != "ALERT" && !r.wasGivenUp(i.Title) {
			r.doubled.Add(1)
			c.fail("incident %d %q is one too many", id, i.Title)
		}
	}
	r.stage("the table")
	r.verifyTable(c)
}

// verifyProcesses says when a version had no part in it. Clients would not notice: they
// send again what a process that can't start has not answered.
func (r *run) verifyProcesses() {
	r.platform.mu.Lock()
	defer r.platform.mu.Unlock()
	for _, v := range r.platform.versions {
		if r.events[v.name] == 0 {
			r.t.Errorf("%s have answered no event", v.name)
		}
		if v.ended > 0 {
			r.t.Errorf("%s: %d ended by themselves", v.name, v.ended)
		}
	}
}

// all reads a list to its end: path has a question mark, name is the list's in the answer.
func all[T any](c *client, path, name string) []T {
	var list []T
	for cursor := ""; ; {
		var page map[string]json.RawMessage
		c.get(path+"&cursor="+url.QueryEscape(cursor), &page)
		var part []T
		if err := json.Unmarshal(page[name], &part); err != nil {
			c.fail("GET %s is answered %s: %v", path, page, err)
			return list
		}
		list = append(list, part...)
		next, more := page["next_cursor"]
		if !more {
			return list
		}
		if err := json.Unmarshal(next, &cursor); err != nil || cursor == "" {
			c.fail("GET %s is answered with the cursor %s: %v", path, next, err)
			return list
		}
	}
}

func (c *client) verifyIncident(m *incident, got incidentJSON, there, closed bool) {
	switch {
	case m.deleted && there:
		c.lost.Add(1)
		c.fail("incident %d was deleted and is there", m.id)
		return
	case m.deleted:
		return
	case !there:
		c.lost.Add(1)
		c.fail("incident %d %q is lost", m.id, m.title)
		return
	}
	comments := c.commentsOf(m.id)
	if m.forgotten {
		if n := len(comments); n != 2 || got.State != "RESOLVED" || !closed {
			c.fail("incident %d was forgotten and has %d comments (%+v) and the state %s, closed: %v", m.id, n, comments, got.State, closed)
		}
		return
	}
	c.compareComments(m, comments)
	if m.unsure {
		return
	}
	if m.legacy {
		var shown legacyJSON
		c.get(legacyPath(m.id), &shown)
		if diff := m.differsAsLegacy(shown); diff != "" {
			c.lost.Add(1)
			c.fail("incident %d (legacy): %s", m.id, diff)
		}
	} else if diff := m.differs(got); diff != "" {
		c.lost.Add(1)
		c.fail("incident %d: %s", m.id, diff)
	}
	if m.closed != closed {
		c.fail("incident %d is in the list of the closed ones: %v, want %v", m.id, closed, m.closed)
	}
}

func (c *client) data(tag string) map[int64]pointJSON {
	return c.dataOf(tag, c.pointsFrom-day, c.pointsFrom+(allDays+1)*day)
}

func (c *client) dataOf(tag string, from, to int64) map[int64]pointJSON {
	points := map[int64]pointJSON{}
	for _, p := range all[pointJSON](c, fmt.Sprintf("%s?start_ts=%d&end_ts=%d&order=asc", dataPath(tag), from, to), "data") {
		points[p.Time] = p
	}
	return points
}

func (c *client) comparePoints(tag string, want map[int64]point, got map[int64]pointJSON) {
	for at, p := range want {
		if g, there := got[at]; !there || !p.equal(g) {
			c.lost.Add(1)
			c.fail("minute %d of %s is %+v (there: %v), want %s", at, tag, g, there, p)
		}
	}
	for at, g := range got {
		if _, ok := want[at]; !ok {
			c.doubled.Add(1)
			c.fail("minute %d of %s is %+v and was never set", at, tag, g)
		}
	}
	counts := map[string]int{}
	for _, g := range got {
		counts[g.Status]++
	}
	c.compareUptime(tag, counts)
}

func (c *client) verifyPoints() {
	for _, m := range c.monitors[:ownMonitors] {
		c.comparePoints(m.tag, m.points, c.data(m.tag))
	}
}

func (c *client) alertsOf(tag string) []alertJSON {
	return all[alertJSON](c, "/api/v4/alerts?monitor_tag="+tag, "alerts")
}

// verifyAlerts: an alert for each time that the monitor failed, with an incident each,
// that is resolved when the alert is.
func (c *client) verifyAlerts(incidents map[int64]incidentJSON) {
	alerts := c.alertsOf(c.alert.tag)
	if len(alerts) != c.alert.cycles {
		c.fail("%s failed %d times and has %d alerts", c.alert.tag, c.alert.cycles, len(alerts))
	}
	opened := 0
	for _, i := range incidents {
		if i.Source == "ALERT" && strings.HasPrefix(i.Title, c.alert.tag+" ") {
			opened++
		}
	}
	if opened != c.alert.cycles {
		c.fail("%s failed %d times and has %d incidents", c.alert.tag, c.alert.cycles, opened)
	}
	on := 0
	for _, a := range alerts {
		want := 2
		if a.State == "TRIGGERED" {
			on++
			want = 1
		}
		if a.Incident == nil {
			c.fail("alert %d has no incident", a.ID)
			continue
		}
		comments := c.commentsOf(*a.Incident)
		if i := incidents[*a.Incident]; len(comments) != want || (i.State == "RESOLVED") != (want == 2) {
			c.fail("alert %d is %s, its incident %+v has %d comments", a.ID, a.State, i, len(comments))
		}
	}
	if (on == 1) != c.alert.open || on > 1 {
		c.fail("%d alerts of %s are on, want one: %v", on, c.alert.tag, c.alert.open)
	}
	if noData := c.alertsOf(c.noData); len(noData) != 1 || noData[0].State != "TRIGGERED" || noData[0].Incident == nil {
		c.fail("%s has no data and the alerts %+v", c.noData, noData)
	}
}

func (r *run) verifyMonitors(c *client) {
	shown := map[string]monitorJSON{}
	for _, m := range all[monitorJSON](c, "/api/v4/monitors?", "monitors") {
		shown[m.Tag] = m
	}
	known := map[string]bool{r.commonTag: true, r.currentTag: true}
	for _, tag := range append(r.pool, r.newest...) {
		known[tag] = true
	}
	for _, i := range r.integrations {
		for _, tag := range i.tags {
			known[tag] = true
		}
	}
	for _, c := range r.clients {
		known[c.alert.tag], known[c.noData] = true, true
		for _, m := range c.monitors {
			known[m.tag] = true
			got, there := shown[m.tag]
			if there == m.deleted {
				r.lost.Add(1)
				c.fail("monitor %s is there: %v, deleted: %v", m.tag, there, m.deleted)
			} else if there {
				c.compareMonitor(m, got)
			}
		}
		if got := shown[r.commonTag].TypeData[fmt.Sprintf("c%d", c.n)]; got != c.merged {
			r.lost.Add(1)
			c.fail("its field of the common monitor is %d, not %d", got, c.merged)
		}
	}
	for tag, m := range shown {
		if !known[tag] && !r.wasGivenUp(m.Name) {
			r.doubled.Add(1)
			c.fail("monitor %s is one too many", tag)
		}
	}
}

func (r *run) verifyRules(c *client) {
	shown := map[int64]ruleJSON{}
	for _, x := range all[ruleJSON](c, "/api/v4/alert-rules?", "alert_rules") {
		shown[x.ID] = x
	}
	for _, c := range r.clients {
		for _, m := range c.rules {
			got, there := shown[m.id]
			if there == m.deleted {
				r.lost.Add(1)
				c.fail("alert rule %d is there: %v, deleted: %v", m.id, there, m.deleted)
			} else if there {
				c.compareRule(m, got)
			}
			delete(shown, m.id)
		}
	}
	for _, x := range shown {
		if x.Description != nil && !r.wasGivenUp(*x.Description) {
			r.doubled.Add(1)
			c.fail("alert rule %+v is one too many", x)
		}
	}
}

func (r *run) verifyKeys(c *client) {
	type keyJSON struct {
		ID      int64
		Name    string
		Revoked *string `json:"revoked_at"`
	}
	shown := map[int64]keyJSON{}
	for _, k := range all[keyJSON](c, "/api/v4/keys?", "keys") {
		shown[k.ID] = k
	}
	for _, c := range r.clients {
		for _, m := range c.keys {
			if got := shown[m.id]; got.Name != m.name || (got.Revoked != nil) != m.revoked {
				r.lost.Add(1)
				c.fail("API key %+v is shown as %+v", m, got)
			}
			delete(shown, m.id)
		}
	}
	for _, k := range shown {
		if k.Name != "test" && !r.wasGivenUp(k.Name) {
			r.doubled.Add(1)
			c.fail("API key %+v is one too many", k)
		}
	}
}

// verifyShared looks at what all clients wrote to.
func (r *run) verifyShared(c *client, shown map[int64]incidentJSON) {
	for _, id := range r.shared {
		seen := map[string]int{}
		for _, x := range c.commentsOf(id) {
			seen[x.Text]++
			if _, acknowledged := r.comments[id][x.Text]; !acknowledged && !r.wasGivenUp(x.Text) || seen[x.Text] > 1 {
				r.doubled.Add(1)
				c.fail("comment %q of the common incident %d is one too many", x.Text, id)
			}
		}
		for text := range r.comments[id] {
			if seen[text] == 0 {
				r.lost.Add(1)
				c.fail("comment %q of the common incident %d is lost", text, id)
			}
		}
	}
	counts := parseCounts(shown[r.counterID].Title)
	want, current := map[int64]point{}, map[int64]point{}
	for _, c := range r.clients {
		if counts[c.n] != c.counter {
			r.lost.Add(1)
			c.fail("counted to %d, not to %d", counts[c.n], c.counter)
		}
		maps.Copy(want, c.common)
		maps.Copy(current, c.current)
		if c.n < len(commonFields) && c.field != nil {
			name := commonFields[c.n]
			if got := fieldOf(shown[r.fieldsID], name); got != asJSON(c.field) {
				r.lost.Add(1)
				c.fail("%s of the common incident is %s, not %s", name, got, asJSON(c.field))
			}
		}
	}
	c.comparePoints(r.commonTag, want, c.data(r.commonTag))
	lately := func(tag string) map[int64]pointJSON { return c.dataOf(tag, r.today-2*day, r.today+2*day) }
	points := lately(r.currentTag)
	c.comparePoints(r.currentTag, current, points)
	c.compareAlert(r.currentTag, points)
	for _, tag := range r.newest {
		c.compareAlert(tag, lately(tag))
	}
}

// compareAlert asks for an open alert on the monitor when its newest point is DOWN, and
// none otherwise.
func (c *client) compareAlert(tag string, points map[int64]pointJSON) {
	newest := slices.Max(append(slices.Collect(maps.Keys(points)), 0))
	want, on := 0, 0
	if points[newest].Status == "DOWN" {
		want = 1
	}
	for _, a := range c.alertsOf(tag) {
		if a.State == "TRIGGERED" {
			on++
		}
	}
	if on != want {
		c.fail("%d alerts of %s are on, and its newest point is %+v", on, tag, points[newest])
	}
}

func asJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func fieldOf(i incidentJSON, name string) string {
	switch name {
	case "title":
		return asJSON(i.Title)
	case "start_date_time":
		return asJSON(i.Start)
	case "end_date_time":
		return asJSON(i.End)
	case "monitors":
		links := map[string]string{}
		for _, l := range i.Monitors {
			links[l.Tag] = l.Impact
		}
		return asJSON(linksJSON(links))
	}
	return string(i.AutoClose)
}

// verifyTable looks at the items themselves: nothing contradicts itself, nothing is
// left to clean up, every token is there once, and a record of an idempotency key has a
// reply if and only if what the request makes is there.
func (r *run) verifyTable(c *client) {
	contents := r.table.Contents(r.t)
	for _, p := range contents.Check() {
		c.fail("the table: %s", p)
	}
	for row := range contents.Cleanups {
		c.fail("the deletion of %s is not finished", row)
	}
	tokens := map[string]int{}
	for _, i := range contents.Incidents {
		tokens[i.Text("title")]++
	}
	for _, comments := range contents.Comments {
		for _, m := range comments {
			text, _, _ := strings.Cut(m.Text("text"), "-")
			tokens[text]++
		}
	}
	for _, m := range contents.Monitors {
		tokens[m.Text("name")]++
	}
	for _, m := range contents.Maintenances {
		tokens[m.Text("title")]++
	}
	for _, m := range contents.Pages {
		tokens[m.Text("title")]++
	}
	for _, m := range contents.Rules {
		tokens[m.Text("description")]++
	}
	replies := map[string][]byte{}
	for _, it := range r.table.Scan(r.t) {
		a := dynamotest.Attributes(it)
		if a.Has("hash") {
			tokens[a.Text("name")]++
		}
		if kind, rest, _ := strings.Cut(a.Text("pk"), "#"); kind == "IDEMPOTENCY" {
			_, key, _ := strings.Cut(rest, "#")
			if reply, ok := it["reply"].(*types.AttributeValueMemberB); ok {
				replies[key] = reply.Value
			}
		}
	}
	for _, p := range r.posts {
		r.verifyPost(c, p, tokens, replies)
	}
	for token, n := range tokens {
		if n > 1 && strings.Count(token, ".") == 3 {
			r.doubled.Add(1)
			c.fail("%q is in the table %d times", token, n)
		}
	}
}

func (r *run) verifyPost(c *client, p *posted, tokens map[string]int, replies map[string][]byte) {
	reply, kept := replies[p.call.key]
	makes := p.call.token != "" && !strings.HasSuffix(p.call.path, "/status")
	switch {
	case p.call.key == "" || p.call.path == "/api/v4/status" || p.call.path == "/api/status":
		// Nothing is kept, or it is kept after the effect.
	case p.answer == nil && makes:
		if kept != (tokens[p.call.token] > 0) {
			c.fail("%s %s was given up; its reply is kept: %v, what it makes is there %d times", p.call.method, p.call.path, kept, tokens[p.call.token])
		}
	case p.answer != nil:
		_, body, _ := bytes.Cut(reply, []byte("\n"))
		if !kept || p.call.path != "/api/v4/keys" && string(body) != p.answer.body {
			r.lost.Add(1)
			c.fail("%s %s was answered %s, the reply that is kept is %s", p.call.method, p.call.path, p.answer.body, reply)
		}
	}
	if n := tokens[p.call.token]; p.answer == nil && makes && n > 1 {
		r.doubled.Add(1)
		c.fail("%q was given up and is there %d times", p.call.token, n)
	}
}
