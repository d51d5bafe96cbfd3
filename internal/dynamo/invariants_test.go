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
		if monitorIDs[monitor] == "" && !c.cleaning("MONITOR", monitor) {
			c.problem("%d rows under monitor %d, which is not there", len(sks), monitor)
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
	slices.Sort(c.problems)
	return c.problems
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
