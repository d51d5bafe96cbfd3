package chaos

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"tocsin/internal/statuspage"
)

// An integration is one whose tool has two instances, which tell of the same at the same time.
type integration struct {
	options statuspage.JSONObject
	tags    []string // of the monitors that problems are on
	each    int      // problems of a client on each of these; 0: two
	shares  bool     // alerts on a monitor share an incident
	waits   bool     // a problem that is soon over has no incident
	reopens bool     // a problem that is back has the incident of before

	id    int64
	token string
}

var integrations = []integration{
	{options: `{"reopen_minutes":0}`, tags: []string{"alarm-0"}},
	{options: `{"reopen_minutes":1440}`, tags: []string{"alarm-1"}, reopens: true},
	{options: `{"reopen_minutes":0,"open_after_seconds":60}`, tags: []string{"alarm-2"}, waits: true},
	{options: `{"group_by":"monitor"}`, tags: []string{"alarm-3", "alarm-4"}, each: 6, shares: true},
}

// A problem is what a client knows of one that only it tells of.
type problem struct {
	key, tag string

	firing      bool
	at, started int64 // of the last signal, and of the time that it began last
	cycles      int   // times that it began
	fired       int   // firing signals that were taken
	said        int   // comments that these make, but for the end of what others share
	acked       bool  // since it began last

	late []map[string]any // signals of before
}

// lateSignals of the problems that are told of have an old signal, too.
const lateSignals = 0.1

func (r *run) prepareSignals() {
	for n := range integrations {
		i := integrations[n]
		i.token = statuspage.NewIntegrationToken()
		made, err := r.table.Store(nil).CreateIntegration(context.Background(), statuspage.NewIntegration{
			Name: fmt.Sprintf("integration %d", n), Kind: statuspage.KindGeneric, Options: i.options, Active: true,
		}, i.token, thisMinute(), nil)
		if err != nil {
			r.t.Fatal(err)
		}
		i.id = made.ID
		r.integrations = append(r.integrations, &i)
		for _, c := range r.clients {
			var own []*problem
			for k := range cmp.Or(i.each, 2) * len(i.tags) {
				own = append(own, &problem{key: fmt.Sprintf("%d/%d", c.n, k), tag: i.tags[k%len(i.tags)]})
			}
			c.problems = append(c.problems, own)
		}
	}
}

// next is what the problem's tool says next.
func (p *problem) next(c *client) map[string]any {
	p.at = max(p.at+1, time.Now().Unix())
	status := "firing"
	switch {
	case !p.firing:
		p.firing, p.acked, p.started = true, false, p.at
		p.cycles++
		p.said++
	case c.chance(0.5):
		status = "resolved"
		p.firing = false
		p.said++
	case !p.acked && c.chance(0.4):
		status = "acknowledged"
		p.acked = true
		p.said++
	}
	return map[string]any{
		"dedup_key": p.key, "status": status, "title": "Problem " + p.key, "monitors": []string{p.tag}, "severity": "critical", "at": p.at, "started_at": p.started,
	}
}

// sendSignals lets both instances of a tool tell of some of its problems at once, each until it was
// told that this was taken.
func (c *client) sendSignals() {
	n := c.random.IntN(len(c.integrations))
	var body []map[string]any
	firing := map[*problem]int{}
	for _, p := range c.problems[n] {
		if len(body) > 0 && c.chance(0.4) {
			continue
		}
		if len(p.late) > 0 && c.chance(lateSignals) {
			body = append(body, one(c.random, p.late...))
		}
		s := p.next(c)
		if body = append(body, s); s["status"] == "firing" {
			firing[p]++
		}
		p.late = append(p.late, s)
	}
	c.random.Shuffle(len(body), func(i, j int) { body[i], body[j] = body[j], body[i] })
	var pair sync.WaitGroup
	answers := make([]string, 2)
	for m := range answers {
		pair.Go(func() {
			a, _ := c.do(&call{kind: "signals", method: http.MethodPost, path: "/hooks/" + c.integrations[n].token, body: body, keyless: true})
			answers[m] = a.body
		})
	}
	pair.Wait()
	for _, a := range answers {
		if want := fmt.Sprintf(`{"received":%d,`, len(body)); !strings.HasPrefix(a, want) {
			c.fail("%d signals are answered %s", len(body), a)
		}
	}
	for p, n := range firing {
		p.fired += len(answers) * n
	}
}

// verifySignals: each problem that is on has one open alert with one open incident, each that is over
// has none, and each time that one was on there is one alert.
func (r *run) verifySignals(c *client, incidents map[int64]incidentJSON) {
	named := map[int64]bool{} // incidents that an alert has
	for n, i := range r.integrations {
		alerts := map[string][]alertJSON{}
		for _, a := range all[alertJSON](c, fmt.Sprintf("/api/v4/alerts?integration_id=%d", i.id), "alerts") {
			if alerts[a.Key] = append(alerts[a.Key], a); a.Incident != nil {
				named[*a.Incident] = true
			}
		}
		shared := map[string]map[int64]bool{} // incidents of open alerts, by the monitor
		for _, tag := range i.tags {
			shared[tag] = map[int64]bool{}
		}
		for _, c := range r.clients {
			for _, p := range c.problems[n] {
				c.verifyProblem(i, p, alerts[p.key], incidents)
				for _, a := range alerts[p.key] {
					if a.State == "TRIGGERED" && a.Incident != nil {
						shared[p.tag][*a.Incident] = true
					}
				}
				delete(alerts, p.key)
			}
		}
		for key := range alerts {
			r.doubled.Add(1)
			c.fail("integration %d has alerts of %s, which it was never told of", i.id, key)
		}
		if !i.shares {
			continue
		}
		for tag, on := range shared {
			open := 0
			for _, shown := range incidents {
				if shown.State != "RESOLVED" && strings.HasPrefix(shown.Title, tag+":") {
					open++
				}
			}
			if len(on) > 1 || open != len(on) {
				r.doubled.Add(1)
				c.fail("%d incidents of %s are open, the open alerts there have %v", open, tag, on)
			}
		}
	}
	for id, shown := range incidents {
		if strings.HasPrefix(shown.Title, "alarm-") && !named[id] {
			r.doubled.Add(1)
			c.fail("incident %d %q is of no alert", id, shown.Title)
		}
	}
}

func (c *client) verifyProblem(i *integration, p *problem, alerts []alertJSON, incidents map[int64]incidentJSON) {
	if len(alerts) < p.cycles {
		c.lost.Add(1)
	} else if len(alerts) > p.cycles {
		c.doubled.Add(1)
	}
	if len(alerts) != p.cycles {
		c.fail("problem %s of integration %d began %d times and has %d alerts", p.key, i.id, p.cycles, len(alerts))
	}
	open, counted := 0, 0
	had := map[int64]incidentJSON{}
	for _, a := range alerts {
		on := a.State == "TRIGGERED"
		if on {
			open++
		}
		counted += a.Count
		if a.Incident == nil {
			if on || !i.waits {
				c.fail("alert %d of %s has no incident", a.ID, p.key)
			}
			continue
		}
		shown, there := incidents[*a.Incident]
		if !there || on && shown.State == "RESOLVED" {
			c.fail("alert %d of %s is %s, its incident %d %+v", a.ID, p.key, a.State, *a.Incident, shown)
		}
		had[*a.Incident] = shown
	}
	if (open == 1) != p.firing || open > 1 {
		c.fail("problem %s of integration %d is on: %v, and %d of its alerts are", p.key, i.id, p.firing, open)
	}
	if counted < p.fired {
		c.lost.Add(1)
		c.fail("of problem %s of integration %d %d firing signals were taken, and %d counted", p.key, i.id, p.fired, counted)
	}
	if i.shares {
		return
	}
	open, said := 0, 0
	for id, shown := range had {
		if shown.State != "RESOLVED" {
			open++
		}
		said += len(c.commentsOf(id))
	}
	if (open == 1) != p.firing || open > 1 {
		c.fail("problem %s of integration %d is on: %v, and %d of its incidents are open", p.key, i.id, p.firing, open)
	}
	if said > p.said || said < p.said && !i.waits {
		c.fail("the incidents of problem %s of integration %d have %d comments, not %d", p.key, i.id, said, p.said)
	}
	if want := p.cycles; !i.reopens && !i.waits && len(had) != want {
		c.fail("problem %s of integration %d began %d times and had %d incidents", p.key, i.id, want, len(had))
	}
}
