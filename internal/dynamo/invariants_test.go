package dynamo_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tocsin/internal/dynamotest"
)

// attributes reads the attributes of an item as texts; lists stay apart.
type attributes map[string]types.AttributeValue

func (a attributes) has(name string) bool { return a[name] != nil }

func (a attributes) text(name string) string {
	switch v := a[name].(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return v.Value
	}
	return ""
}

func (a attributes) num(name string) int64 {
	n, err := strconv.ParseInt(a.text(name), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// links returns the monitors of an incident: id → tag.
func (a attributes) links() map[int64]string {
	links := map[int64]string{}
	list, _ := a["monitors"].(*types.AttributeValueMemberL)
	if list == nil {
		return links
	}
	for _, v := range list.Value {
		m := attributes(v.(*types.AttributeValueMemberM).Value)
		links[m.num("id")] = m.text("tag")
	}
	return links
}

func timeAndID(t, id int64) string { return fmt.Sprintf("%012d#%016d", t, id) }

// contents is a table, taken apart by what its rows are about.
type contents struct {
	incidents map[int64]attributes
	bodies    map[int64]bool                 // of incidents
	comments  map[int64]map[int64]attributes // incident → id
	monitors  map[string]attributes
	rows      map[int64]map[string]bool // monitor → sort key
	other     map[int64][]string        // monitor → sort keys of what else is under it
	cleanups  map[string]bool           // kind and id
	rules     map[int64]attributes
	alerts    map[int64]attributes
	counters  map[string]int64
	problems  []string
}

func (c *contents) problem(format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

func read(t testing.TB, tb *dynamotest.Table) *contents {
	t.Helper()
	c := &contents{
		incidents: map[int64]attributes{}, bodies: map[int64]bool{}, comments: map[int64]map[int64]attributes{}, monitors: map[string]attributes{},
		rows: map[int64]map[string]bool{}, other: map[int64][]string{}, cleanups: map[string]bool{}, counters: map[string]int64{},
		rules: map[int64]attributes{}, alerts: map[int64]attributes{},
	}
	for _, it := range tb.Scan(t) {
		a := attributes(it)
		pk, sk := a.text("pk"), a.text("sk")
		kind, name, _ := strings.Cut(pk, "#")
		id, _ := strconv.ParseInt(name, 10, 64)
		switch {
		case kind == "INCIDENT" && sk == "META":
			c.incidents[id] = a
		case kind == "INCIDENT" && strings.HasPrefix(sk, "COMMENT#"):
			if c.comments[id] == nil {
				c.comments[id] = map[int64]attributes{}
			}
			c.comments[id][a.num("id")] = a
			if want := fmt.Sprintf("COMMENT#%016d", a.num("id")); sk != want {
				c.problem("comment %s %s has the id %d", pk, sk, a.num("id"))
			}
		case kind == "INCIDENT" && sk == "BODY":
			c.bodies[id] = true
			if a.text("text") == "" {
				c.problem("the body of incident %d is empty", id)
			}
		case kind == "MONITOR" && strings.HasPrefix(sk, "INCIDENT#"):
			if c.rows[id] == nil {
				c.rows[id] = map[string]bool{}
			}
			c.rows[id][sk] = true
		case kind == "MONITOR":
			c.other[id] = append(c.other[id], sk)
		case pk == "RULES":
			c.rules[a.num("id")] = a
		case kind == "ALERT" && sk == "META":
			c.alerts[id] = a
		case pk == "MONITORS":
			c.monitors[sk] = a
		case pk == "CLEANUP":
			kind, digits, _ := strings.Cut(sk, "#")
			c.cleanups[kind+" "+strings.TrimLeft(digits, "0")] = true
		case pk == "SYSTEM" && strings.HasPrefix(sk, "COUNTER#"):
			c.counters[strings.TrimPrefix(sk, "COUNTER#")] = a.num("n")
		case kind == "IDEMPOTENCY" && sk == "META":
			if !a.has("digest") || a.num("expires") != a.num("claimed")+24*60*60 {
				c.problem("%s has the digest %q, was claimed at %d and goes at %d", pk, a.text("digest"), a.num("claimed"), a.num("expires"))
			}
		case pk == "SYSTEM" || kind == "APIKEY":
		default:
			c.problem("an item of no known kind: %s %s", pk, sk)
		}
	}
	return c
}

// cleaning reports whether a deletion is still to finish.
func (c *contents) cleaning(kind string, id int64) bool {
	return c.cleanups[fmt.Sprintf("%s %d", kind, id)]
}

// check returns what in the table contradicts itself. What a CLEANUP row is about
// may be half there.
func (c *contents) check() []string {
	monitorIDs := map[int64]string{}
	for tag, m := range c.monitors {
		id := m.num("id")
		if monitorIDs[id] != "" {
			c.problem("monitors %s and %s have the id %d", tag, monitorIDs[id], id)
		}
		monitorIDs[id] = tag
		if want := fmt.Sprintf("%016d", id); m.text("lsi1sk") != want {
			c.problem("monitor %s: lsi1sk is %q, not %q", tag, m.text("lsi1sk"), want)
		}
	}
	for id, i := range c.incidents {
		c.checkIncident(id, i)
		for monitor, tag := range i.links() {
			if c.cleaning("MONITOR", monitor) {
				continue
			}
			if monitorIDs[monitor] != tag {
				c.problem("incident %d names monitor %d as %s, which is %q", id, monitor, tag, monitorIDs[monitor])
			}
			if sk := "INCIDENT#" + timeAndID(i.num("start"), id); !c.rows[monitor][sk] {
				c.problem("incident %d has no row %s under monitor %d", id, sk, monitor)
			}
		}
	}
	for monitor, rows := range c.rows {
		for sk := range rows {
			if c.cleaning("MONITOR", monitor) {
				continue
			}
			_, digits, _ := strings.Cut(strings.TrimPrefix(sk, "INCIDENT#"), "#")
			id, _ := strconv.ParseInt(digits, 10, 64)
			i := c.incidents[id]
			if i == nil || i.links()[monitor] == "" || sk != "INCIDENT#"+timeAndID(i.num("start"), id) {
				c.problem("row %s under monitor %d belongs to no incident", sk, monitor)
			}
		}
	}
	for monitor, sks := range c.other {
		if monitorIDs[monitor] != "" || c.cleaning("MONITOR", monitor) {
			continue
		}
		// A point that was under way when its monitor was deleted leaves an hour or a day,
		// which nobody can see and which goes by its time to live.
		for _, sk := range sks {
			if !strings.HasPrefix(sk, "HOUR#") && !strings.HasPrefix(sk, "DAY#") {
				c.problem("row %s under monitor %d, which is not there", sk, monitor)
			}
		}
	}
	for incident := range c.bodies {
		if c.incidents[incident] == nil && !c.cleaning("INCIDENT", incident) {
			c.problem("the body of incident %d, which is not there", incident)
		}
	}
	for incident, comments := range c.comments {
		if c.incidents[incident] == nil && !c.cleaning("INCIDENT", incident) {
			c.problem("%d comments of incident %d, which is not there", len(comments), incident)
		}
		for id, m := range comments {
			want := timeAndID(m.num("time"), id)
			if m.has("deleted") {
				want = ""
			}
			if m.text("lsi1sk") != want || m.num("incident_id") != incident {
				c.problem("comment %d of incident %d: lsi1sk is %q, not %q; incident_id is %d", id, incident, m.text("lsi1sk"), want, m.num("incident_id"))
			}
			if id > c.counters["comment"] {
				c.problem("comment %d is above its counter", id)
			}
		}
	}
	c.checkAlerts(monitorIDs)
	slices.Sort(c.problems)
	return c.problems
}

// checkAlerts compares alerts with their marks and rows, rules with what the monitors
// carry of them, and incidents with the alerts that opened them.
func (c *contents) checkAlerts(monitorIDs map[int64]string) {
	for id, a := range c.alerts {
		monitor := a.num("monitor_id")
		mark := fmt.Sprintf("OPENALERT#%016d", a.num("rule_id"))
		open := slices.Contains(c.other[monitor], mark)
		if c.cleaning("MONITOR", monitor) {
			continue
		}
		if a.text("state") == "TRIGGERED" && !open {
			c.problem("alert %d is open without a mark", id)
		}
		if !slices.Contains(c.other[monitor], fmt.Sprintf("ALERT#%016d", id)) {
			c.problem("alert %d has no row under monitor %d", id, monitor)
		}
		if a.has("incident_id") && c.incidents[a.num("incident_id")].num("alert_id") != id {
			c.problem("alert %d names incident %d, which is not there or not its own", id, a.num("incident_id"))
		}
		if want := fmt.Sprintf("%016d", id); a.text("gsi1pk") != "ALERTS" || a.text("gsi1sk") != want {
			c.problem("alert %d is in the index as %s %s", id, a.text("gsi1pk"), a.text("gsi1sk"))
		}
	}
	for monitor, sks := range c.other {
		if c.cleaning("MONITOR", monitor) {
			continue
		}
		for _, sk := range sks {
			if digits, ok := strings.CutPrefix(sk, "ALERT#"); ok {
				id, _ := strconv.ParseInt(digits, 10, 64)
				if c.alerts[id] == nil {
					c.problem("row %s under monitor %d belongs to no alert", sk, monitor)
				}
			}
			if digits, ok := strings.CutPrefix(sk, "OPENALERT#"); ok {
				rule, _ := strconv.ParseInt(digits, 10, 64)
				open := 0
				for _, a := range c.alerts {
					if a.num("rule_id") == rule && a.num("monitor_id") == monitor && a.text("state") == "TRIGGERED" {
						open++
					}
				}
				if open != 1 {
					c.problem("%d open alerts of rule %d on monitor %d, which has a mark", open, rule, monitor)
				}
			}
		}
	}
	carried := map[string]bool{}
	for _, m := range c.monitors {
		for id := range m.carried() {
			carried[fmt.Sprintf("rule %d on monitor %d", id, m.num("id"))] = true
		}
	}
	for id, r := range c.rules {
		for monitor, tag := range r.links() {
			if c.cleaning("MONITOR", monitor) {
				continue
			}
			if monitorIDs[monitor] != tag {
				c.problem("rule %d names monitor %d as %s, which is %q", id, monitor, tag, monitorIDs[monitor])
			}
			pair := fmt.Sprintf("rule %d on monitor %d", id, monitor)
			if r.has("active") != carried[pair] {
				c.problem("%s: active is %v, carried %v", pair, r.has("active"), carried[pair])
			}
			delete(carried, pair)
		}
	}
	for pair := range carried {
		c.problem("%s is carried, but the rule does not have it", pair)
	}
}

// carried returns the ids of the alert rules that a monitor carries.
func (a attributes) carried() map[int64]bool {
	ids := map[int64]bool{}
	if list, ok := a["watches"].(*types.AttributeValueMemberL); ok {
		for _, v := range list.Value {
			ids[attributes(v.(*types.AttributeValueMemberM).Value).num("id")] = true
		}
	}
	return ids
}

func (c *contents) checkIncident(id int64, i attributes) {
	partition := "OPEN"
	if i.has("closed") {
		partition = "CLOSED"
	}
	want := map[string]string{
		"id":     strconv.FormatInt(id, 10),
		"gsi1pk": "INCIDENTS", "gsi1sk": timeAndID(i.num("start"), id),
		"gsi2pk": partition, "gsi2sk": timeAndID(i.num("created"), id),
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got := i.text(name); got != want[name] {
			c.problem("incident %d: %s is %q, not %q", id, name, got, want[name])
		}
	}
	if i.has("end") && i.num("end") < i.num("start") {
		c.problem("incident %d ends before it starts", id)
	}
	if i.has("closed") && !i.has("end") {
		c.problem("incident %d is closed without an end", id)
	}
	if i.num("version") < 1 {
		c.problem("incident %d has no version", id)
	}
	if id > c.counters["incident"] {
		c.problem("incident %d is above its counter", id)
	}
}

// checkTable fails the test for everything in the table that contradicts itself.
func checkTable(t testing.TB, tb *dynamotest.Table) *contents {
	t.Helper()
	c := read(t, tb)
	for _, p := range c.check() {
		t.Error(p)
	}
	return c
}

// checkFinished is checkTable for a table in which no deletion may be unfinished.
func checkFinished(t testing.TB, tb *dynamotest.Table) *contents {
	t.Helper()
	c := checkTable(t, tb)
	for row := range c.cleanups {
		t.Errorf("the deletion of %s is not finished", row)
	}
	return c
}
