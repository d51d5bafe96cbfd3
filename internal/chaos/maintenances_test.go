package chaos

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"tocsin/internal/statuspage"
)

// maintenance is what a client knows of one that nobody else writes.
type maintenance struct {
	id     int64
	token  string // its title begins with it
	title  string
	start  int64
	rule   string
	length int64
	status string
	links  map[string]string

	said    map[int64]string // the status of an event that was cancelled, "" of one that was deleted
	deleted bool
	unsure  bool // a request about it was given up
}

type maintenanceJSON struct {
	ID       int64  `json:"id"`
	Title    string `json:"title"`
	Start    int64  `json:"start_date_time"`
	Rule     string `json:"rrule"`
	Length   int64  `json:"duration_seconds"`
	Status   string `json:"status"`
	Monitors []struct {
		Tag    string `json:"monitor_tag"`
		Impact string `json:"impact"`
	} `json:"monitors"`
}

type eventJSON struct {
	ID     int64  `json:"id"`
	Start  int64  `json:"start_date_time"`
	End    int64  `json:"end_date_time"`
	Status string `json:"status"`
}

func (m *maintenance) differs(got maintenanceJSON) string {
	links := map[string]string{}
	for _, l := range got.Monitors {
		links[l.Tag] = l.Impact
	}
	if got.ID == m.id && got.Title == m.title && got.Start == m.start && got.Rule == m.rule && got.Length == m.length && got.Status == m.status && maps.Equal(links, m.links) {
		return ""
	}
	return fmt.Sprintf("it is %+v, not %+v", got, m)
}

const (
	daily   = "FREQ=DAILY"
	oneTime = "FREQ=MINUTELY;COUNT=1"
)

func maintenancePath(id int64) string { return fmt.Sprintf("/api/v4/maintenances/%d", id) }

// draw gives it other contents and returns the body that says so. None begins while the test
// runs: the closer would wait for its end.
func (m *maintenance) draw(c *client) map[string]any {
	c.seq++
	m.title = m.token + strconv.Itoa(c.seq)
	m.start, m.rule, m.length = c.soon(), one(c.random, daily, daily, oneTime), 60*(1+c.random.Int64N(60))
	m.links = c.drawLinks()
	return map[string]any{"title": m.title, "start_date_time": m.start, "rrule": m.rule, "duration_seconds": m.length, "monitors": linksJSON(m.links)}
}

func (c *client) createMaintenance() {
	m := &maintenance{token: c.token("maintenance"), status: "ACTIVE", said: map[int64]string{}}
	body := m.draw(c)
	r := &call{kind: "create maintenance", method: http.MethodPost, path: "/api/v4/maintenances", body: body, key: c.keyFor(m.token, 0.1), token: m.title}
	c.post(r, func(a answer, ok bool) {
		if !ok {
			return
		}
		var made struct{ Maintenance maintenanceJSON }
		a.decode(c, &made)
		m.id = made.Maintenance.ID
		if diff := m.differs(made.Maintenance); diff != "" {
			c.fail("maintenance %d as it was made: %s", m.id, diff)
		}
		c.maintenances = append(c.maintenances, m)
	})
}

// pickMaintenance returns an own one that this client may write, nil when there is none.
func (c *client) pickMaintenance() *maintenance {
	live := slices.DeleteFunc(slices.Clone(c.maintenances), func(m *maintenance) bool { return m.deleted || m.unsure })
	if len(live) == 0 {
		return nil
	}
	return one(c.random, live...)
}

// updateMaintenance changes some fields. Another schedule takes away the events that have not
// begun, but for what a person cancelled.
func (c *client) updateMaintenance() {
	m := c.pickMaintenance()
	if m == nil {
		return
	}
	next := *m
	body := next.draw(c)
	if c.chance(0.5) {
		next.start, next.rule, next.length = m.start, m.rule, m.length
		for _, name := range []string{"start_date_time", "rrule", "duration_seconds"} {
			delete(body, name)
		}
	}
	if c.chance(0.5) {
		next.links = m.links
		delete(body, "monitors")
	}
	if c.chance(0.3) {
		next.status = one(c.random, "ACTIVE", "INACTIVE")
		body["status"] = next.status
	}
	a, ok := c.do(&call{kind: "PATCH maintenance", method: http.MethodPatch, path: maintenancePath(m.id), body: body})
	if m.unsure = !ok; !ok {
		return
	}
	*m = next
	var now struct{ Maintenance maintenanceJSON }
	a.decode(c, &now)
	if diff := m.differs(now.Maintenance); diff != "" {
		c.fail("maintenance %d after a PATCH: %s", m.id, diff)
	}
}

func (c *client) deleteMaintenance() {
	m := c.pickMaintenance()
	if m == nil {
		return
	}
	if _, ok := c.do(&call{kind: "DELETE maintenance", method: http.MethodDelete, path: maintenancePath(m.id)}, http.StatusNotFound); ok {
		m.deleted = true
	}
}

func (c *client) eventsOf(id int64) (all []eventJSON) {
	for page := 1; ; page++ {
		var list struct{ Events []eventJSON }
		c.get(fmt.Sprintf("%s/events?limit=100&page=%d", maintenancePath(id), page), &list)
		if all = append(all, list.Events...); len(list.Events) < 100 {
			return all
		}
	}
}

// changeEvent cancels or deletes an event that nobody has cancelled.
func (c *client) changeEvent() {
	m := c.pickMaintenance()
	if m == nil {
		return
	}
	free := slices.DeleteFunc(c.eventsOf(m.id), func(e eventJSON) bool { return m.said[e.ID] != "" })
	if len(free) == 0 {
		return
	}
	e := one(c.random, free...)
	path := fmt.Sprintf("%s/events/%d", maintenancePath(m.id), e.ID)
	if c.chance(0.4) {
		if _, ok := c.do(&call{kind: "DELETE event", method: http.MethodDelete, path: path}, http.StatusNotFound); ok {
			m.said[e.ID] = ""
		} else {
			m.unsure = true
		}
		return
	}
	_, ok := c.do(&call{kind: "PATCH event", method: http.MethodPatch, path: path, body: map[string]any{"status": "CANCELLED"}}, http.StatusBadRequest)
	if m.unsure = !ok; ok {
		m.said[e.ID] = "CANCELLED"
	}
}

// missed is how many maintenances the minute schedule has to catch up with, and missedDays for
// how long nothing was made of them.
const (
	missed     = 6
	missedDays = 45
)

// missMaintenances makes maintenances as if nobody had looked after them since. Their events
// are half a day away from now.
func (r *run) missMaintenances() {
	at := thisMinute() + day/2 - missedDays*day
	for n := range missed {
		_, err := r.table.Store(nil).CreateMaintenance(context.Background(), statuspage.NewMaintenance{
			Title: fmt.Sprintf("missed %d", n), Schedule: statuspage.Schedule{Start: at, Rule: daily, Duration: 60},
			Monitors: []statuspage.MonitorImpact{{Tag: r.pool[n%len(r.pool)], Impact: statuspage.Down}},
		}, at-day, nil)
		if err != nil {
			r.t.Fatal(err)
		}
	}
}

// verifyMaintenances: those that were acknowledged are there, each event once, what was said of
// one stands, and what is to come is there.
func (r *run) verifyMaintenances(c *client) {
	shown := map[int64]maintenanceJSON{}
	for _, m := range all[maintenanceJSON](c, "/api/v4/maintenances?", "maintenances") {
		shown[m.ID] = m
	}
	for _, c := range r.clients {
		for _, m := range c.maintenances {
			got, there := shown[m.id]
			delete(shown, m.id)
			switch {
			case there == m.deleted:
				r.lost.Add(1)
				c.fail("maintenance %d is there: %v, deleted: %v", m.id, there, m.deleted)
			case there && !m.unsure:
				if diff := m.differs(got); diff != "" {
					r.lost.Add(1)
					c.fail("maintenance %d: %s", m.id, diff)
				}
				c.verifyEvents(m)
			}
		}
	}
	for id, m := range shown {
		if n := 0; scan(m.Title, &n) {
			r.verifyMissed(c, id)
		} else if !r.wasGivenUp(m.Title) {
			r.doubled.Add(1)
			c.fail("maintenance %d %q is one too many", id, m.Title)
		}
	}
}

func scan(title string, n *int) bool {
	_, err := fmt.Sscanf(title, "missed %d", n)
	return err == nil
}

func (c *client) verifyEvents(m *maintenance) {
	open := 0
	seen := map[int64]string{}
	for _, e := range c.eventsOf(m.id) {
		if seen[e.ID] = e.Status; e.Status != "CANCELLED" {
			open++
		}
		if said, known := m.said[e.ID]; known && e.Status != said || !known && e.Status == "CANCELLED" {
			c.lost.Add(1)
			c.fail("event %+v of maintenance %d should be %q", e, m.id, said)
		}
	}
	for id, said := range m.said {
		if said != "" && seen[id] == "" {
			c.lost.Add(1)
			c.fail("event %d of maintenance %d, which was cancelled, is lost", id, m.id)
		}
	}
	if want := 10; m.rule == daily && len(seen) < want {
		c.fail("maintenance %d has %d events ahead, %d of them not cancelled", m.id, len(seen), open)
	}
}

// verifyMissed: each day since then has one event, and so have the next ten.
func (r *run) verifyMissed(c *client, id int64) {
	events := c.eventsOf(id)
	if len(events) < missedDays+9 || len(events) > missedDays+11 {
		c.fail("maintenance %d, which was missed, has %d events", id, len(events))
	}
	for n, e := range events {
		if n > 0 && e.Start != events[n-1].Start+day {
			r.lost.Add(1)
			c.fail("maintenance %d has the events %+v and %+v one after another", id, events[n-1], e)
		}
	}
	if last := events[len(events)-1]; last.Start < time.Now().Unix()+9*day {
		c.fail("the last event of maintenance %d is %+v", id, last)
	}
}
