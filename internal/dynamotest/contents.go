package dynamotest

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tocsin/internal/ddb"
	"tocsin/internal/dynamo"
	"tocsin/internal/statuspage"
)

// Attributes reads the attributes of an item as texts; lists stay apart.
type Attributes map[string]types.AttributeValue

// Has reports whether there is an attribute of the name.
func (a Attributes) Has(name string) bool { return a[name] != nil }

// Text returns a text or a number as text, "" for anything else.
func (a Attributes) Text(name string) string {
	switch v := a[name].(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return v.Value
	}
	return ""
}

// Num returns a whole number, -1 for anything else.
func (a Attributes) Num(name string) int64 {
	n, err := strconv.ParseInt(a.Text(name), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// links returns the monitors of an incident: id → tag.
func (a Attributes) links() map[int64]string {
	links := map[int64]string{}
	list, _ := a["monitors"].(*types.AttributeValueMemberL)
	if list == nil {
		return links
	}
	for _, v := range list.Value {
		m := Attributes(v.(*types.AttributeValueMemberM).Value)
		links[m.Num("id")] = m.Text("tag")
	}
	return links
}

func timeAndID(t, id int64) string { return fmt.Sprintf("%012d#%016d", t, id) }

// Contents is a table, taken apart by what its rows are about.
type Contents struct {
	Incidents map[int64]Attributes
	Bodies    map[int64]bool                 // of incidents
	Comments  map[int64]map[int64]Attributes // incident → id
	Monitors  map[string]Attributes
	Rows      map[int64]map[string]bool // monitor → sort key
	Other     map[int64][]string        // monitor → sort keys of what else is under it
	Cleanups  map[string]bool           // kind and id
	Rules     map[int64]Attributes
	Alerts    map[int64]Attributes
	Joined    map[int64][]int64      // incident → alerts that joined it
	Outages   map[int64]Attributes   // monitor → the incident that its open alerts share
	Marks     map[int64][]Attributes // monitor → marks of its open alerts
	Counters  map[string]int64
	Changes   []Attributes

	Maintenances    map[int64]Attributes
	Occurrences     map[int64]map[int64]Attributes // maintenance → id
	MaintenanceRows map[int64]map[int64]Attributes // monitor, or 0 for everything → maintenance

	Pages    map[string]Attributes // by path, home's as its sort key
	Settings map[string]Attributes

	Integrations map[int64]Attributes
	Tokens       map[string]int64 // of integrations, by hash
	Deliveries   map[int64]int    // how many of an integration there are

	Signals map[string]Attributes // marks of the problems of integrations, by their keys in the table

	problems []string
}

func put(of map[int64]map[int64]Attributes, first, second int64, a Attributes) {
	if of[first] == nil {
		of[first] = map[int64]Attributes{}
	}
	of[first][second] = a
}

func (c *Contents) problem(format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

// Contents reads the whole table.
func (tb *Table) Contents(t testing.TB) *Contents {
	t.Helper()
	c := &Contents{
		Incidents: map[int64]Attributes{}, Bodies: map[int64]bool{}, Comments: map[int64]map[int64]Attributes{}, Monitors: map[string]Attributes{},
		Rows: map[int64]map[string]bool{}, Other: map[int64][]string{}, Cleanups: map[string]bool{}, Counters: map[string]int64{},
		Rules: map[int64]Attributes{}, Alerts: map[int64]Attributes{},
		Joined: map[int64][]int64{}, Outages: map[int64]Attributes{}, Marks: map[int64][]Attributes{},
		Maintenances: map[int64]Attributes{}, Occurrences: map[int64]map[int64]Attributes{}, MaintenanceRows: map[int64]map[int64]Attributes{},
		Pages: map[string]Attributes{}, Settings: map[string]Attributes{}, Signals: map[string]Attributes{},
		Integrations: map[int64]Attributes{}, Tokens: map[string]int64{}, Deliveries: map[int64]int{},
	}
	for _, it := range tb.Scan(t) {
		a := Attributes(it)
		pk, sk := a.Text("pk"), a.Text("sk")
		if dynamo.KindOf(ddb.KeyOf(it)) == dynamo.Unknown {
			c.problem("an import would refuse %s %s: dynamo.KindOf does not know it", pk, sk)
		}
		kind, name, _ := strings.Cut(pk, "#")
		id, _ := strconv.ParseInt(name, 10, 64)
		switch {
		case kind == "INCIDENT" && sk == "META":
			c.Incidents[id] = a
		case kind == "INCIDENT" && strings.HasPrefix(sk, "COMMENT#"):
			if c.Comments[id] == nil {
				c.Comments[id] = map[int64]Attributes{}
			}
			c.Comments[id][a.Num("id")] = a
			if want := fmt.Sprintf("COMMENT#%016d", a.Num("id")); sk != want {
				c.problem("comment %s %s has the id %d", pk, sk, a.Num("id"))
			}
		case kind == "INCIDENT" && sk == "BODY":
			c.Bodies[id] = true
			if a.Text("text") == "" {
				c.problem("the body of incident %d is empty", id)
			}
		case kind == "INCIDENT" && strings.HasPrefix(sk, "ALERT#"):
			alert, _ := strconv.ParseInt(strings.TrimPrefix(sk, "ALERT#"), 10, 64)
			c.Joined[id] = append(c.Joined[id], alert)
		case kind == "MONITOR" && strings.HasPrefix(sk, "INCIDENT#"):
			if c.Rows[id] == nil {
				c.Rows[id] = map[string]bool{}
			}
			c.Rows[id][sk] = true
		case kind == "MONITOR" && strings.HasPrefix(sk, "MAINTENANCE#"):
			maintenance, _ := strconv.ParseInt(strings.TrimPrefix(sk, "MAINTENANCE#"), 10, 64)
			put(c.MaintenanceRows, id, maintenance, a)
		case kind == "MONITOR":
			c.Other[id] = append(c.Other[id], sk)
			if sk == "OPENINCIDENT" {
				c.Outages[id] = a
			} else if strings.HasPrefix(sk, "OPENALERT#") {
				c.Marks[id] = append(c.Marks[id], a)
			}
		case pk == "MAINTENANCES":
			c.Maintenances[a.Num("id")] = a
		case kind == "MAINTENANCE" && sk == fmt.Sprintf("OCCURRENCE#%016d", a.Num("id")):
			put(c.Occurrences, id, a.Num("id"), a)
		case pk == "RULES":
			c.Rules[a.Num("id")] = a
		case kind == "ALERT" && sk == "META":
			c.Alerts[id] = a
		case pk == "MONITORS":
			c.Monitors[sk] = a
		case pk == "PAGES":
			c.Pages[sk] = a
		case pk == "SITE":
			c.Settings[sk] = a
		case pk == "CLEANUP":
			kind, digits, _ := strings.Cut(sk, "#")
			c.Cleanups[kind+" "+strings.TrimLeft(digits, "0")] = true
		case kind == "CHANGES":
			c.Changes = append(c.Changes, a)
			c.checkChange(name, a)
		case pk == "SYSTEM" && strings.HasPrefix(sk, "COUNTER#"):
			c.Counters[strings.TrimPrefix(sk, "COUNTER#")] = a.Num("n")
		case kind == "IDEMPOTENCY" && sk == "META":
			if !a.Has("digest") || a.Num("expires") != a.Num("claimed")+24*60*60 {
				c.problem("%s has the digest %q, was claimed at %d and goes at %d", pk, a.Text("digest"), a.Num("claimed"), a.Num("expires"))
			}
		case pk == "INTEGRATIONS":
			c.Integrations[a.Num("id")] = a
		case kind == "INTEGRATIONTOKEN":
			c.Tokens[name] = a.Num("id")
		case kind == "INTEGRATION" && strings.HasPrefix(sk, "DELIVERY#"):
			c.Deliveries[id]++
			if want := a.Num("delivered")/1000 + 7*24*60*60; a.Num("expires") != want {
				c.problem("%s %s goes at %d, not %d", pk, sk, a.Num("expires"), want)
			}
		case kind == "INTEGRATION" && strings.HasPrefix(sk, "SIGNAL#"):
			c.Signals[pk+" "+sk] = a
		case pk == "HEARTBEATS":
			if of, _, _ := strings.Cut(sk, "#"); of == "MONITOR" && a.Text("tag") == "" || a.Num("version") < 1 || !a.Has("expires") {
				c.problem("the heartbeat %s has the version %d and goes at %d", sk, a.Num("version"), a.Num("expires"))
			}
		case pk == "SYSTEM" || kind == "APIKEY":
		default:
			c.problem("an item of no known kind: %s %s", pk, sk)
		}
	}
	return c
}

// CheckKinds lets the test fail for an item that an import would refuse.
func (tb *Table) CheckKinds(t testing.TB) {
	t.Helper()
	for _, it := range tb.Scan(t) {
		if k := ddb.KeyOf(it); dynamo.KindOf(k) == dynamo.Unknown {
			t.Errorf("an import would refuse %s %s: dynamo.KindOf does not know it", k.PK, k.SK)
		}
	}
}

// changeAttributes are all that a change row may have. None is a text that somebody
// wrote, or a value of a field.
var changeAttributes = []string{
	"by", "by_id", "comment_id", "event_id", "expires", "fields", "gsi2pk", "gsi2sk", "id", "pk", "record", "sk", "tag", "time", "version", "what",
}

// checkChange holds a change row, of the UTC day, against its form.
func (c *Contents) checkChange(day string, a Attributes) {
	for name := range a {
		if !slices.Contains(changeAttributes, name) {
			c.problem("a change row has the attribute %s", name)
		}
	}
	at, sk := a.Num("time"), a.Text("sk")
	if want := time.Unix(at, 0).UTC().Format(time.DateOnly); day != want || !strings.HasPrefix(sk, fmt.Sprintf("%012d#", at)) {
		c.problem("the change row at %d is %s %s", at, day, sk)
	}
	if a.Num("expires") != at+400*24*60*60 {
		c.problem("the change row at %d goes at %d", at, a.Num("expires"))
	}
	record := fmt.Sprintf("CHANGES#%s#%d", a.Text("record"), a.Num("id"))
	if a.Text("gsi2pk") != record || a.Text("gsi2sk") != sk || a.Text("what") == "" {
		c.problem("the row %s about a change is in the index as %s %s", record, a.Text("gsi2pk"), a.Text("gsi2sk"))
	}
}

// Cleaning reports whether a deletion is still to finish.
func (c *Contents) Cleaning(kind string, id int64) bool {
	return c.Cleanups[fmt.Sprintf("%s %d", kind, id)]
}

// endingAlerts reports whether open alerts on the monitor are still to end.
func (c *Contents) endingAlerts(monitor int64) bool {
	for row := range c.Cleanups {
		if strings.HasPrefix(row, fmt.Sprintf("ALERTS %d#", monitor)) {
			return true
		}
	}
	return false
}

// Check returns what in the table contradicts itself. What a CLEANUP row is about
// may be half there.
func (c *Contents) Check() []string {
	monitorIDs := map[int64]string{}
	for tag, m := range c.Monitors {
		id := m.Num("id")
		if monitorIDs[id] != "" {
			c.problem("monitors %s and %s have the id %d", tag, monitorIDs[id], id)
		}
		monitorIDs[id] = tag
		if want := fmt.Sprintf("%016d", id); m.Text("lsi1sk") != want {
			c.problem("monitor %s: lsi1sk is %q, not %q", tag, m.Text("lsi1sk"), want)
		}
	}
	for id, i := range c.Incidents {
		c.checkIncident(id, i)
		for monitor, tag := range i.links() {
			if c.Cleaning("MONITOR", monitor) {
				continue
			}
			if monitorIDs[monitor] != tag {
				c.problem("incident %d names monitor %d as %s, which is %q", id, monitor, tag, monitorIDs[monitor])
			}
			if sk := "INCIDENT#" + timeAndID(i.Num("start"), id); !c.Rows[monitor][sk] {
				c.problem("incident %d has no row %s under monitor %d", id, sk, monitor)
			}
		}
	}
	for monitor, rows := range c.Rows {
		for sk := range rows {
			if c.Cleaning("MONITOR", monitor) {
				continue
			}
			_, digits, _ := strings.Cut(strings.TrimPrefix(sk, "INCIDENT#"), "#")
			id, _ := strconv.ParseInt(digits, 10, 64)
			i := c.Incidents[id]
			if i == nil || i.links()[monitor] == "" || sk != "INCIDENT#"+timeAndID(i.Num("start"), id) {
				c.problem("row %s under monitor %d belongs to no incident", sk, monitor)
			}
		}
	}
	for monitor, sks := range c.Other {
		if monitorIDs[monitor] != "" || c.Cleaning("MONITOR", monitor) {
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
	for incident := range c.Bodies {
		if c.Incidents[incident] == nil && !c.Cleaning("INCIDENT", incident) {
			c.problem("the body of incident %d, which is not there", incident)
		}
	}
	for incident, comments := range c.Comments {
		if c.Incidents[incident] == nil && !c.Cleaning("INCIDENT", incident) {
			c.problem("%d comments of incident %d, which is not there", len(comments), incident)
		}
		for id, m := range comments {
			want := timeAndID(m.Num("time"), id)
			if m.Has("deleted") {
				want = ""
			}
			if m.Text("lsi1sk") != want || m.Num("incident_id") != incident {
				c.problem("comment %d of incident %d: lsi1sk is %q, not %q; incident_id is %d", id, incident, m.Text("lsi1sk"), want, m.Num("incident_id"))
			}
			if id > c.Counters["comment"] {
				c.problem("comment %d is above its counter", id)
			}
		}
	}
	c.checkAlerts(monitorIDs)
	c.checkOutages(monitorIDs)
	c.checkSignals()
	c.checkMaintenances(monitorIDs)
	c.checkPages(monitorIDs)
	c.checkIntegrations()
	slices.Sort(c.problems)
	return c.problems
}

// checkPages holds pages against their monitors and the counter, and settings against the keys
// that there are.
func (c *Contents) checkPages(monitorIDs map[int64]string) {
	paths := map[int64]string{}
	for path, p := range c.Pages {
		id := p.Num("id")
		if paths[id] != "" || (id == 1) != (path == "~home") || id > 1 && id > c.Counters["page"] {
			c.problem("page %s has the id %d, as %q, and the counter is at %d", path, id, paths[id], c.Counters["page"])
		}
		paths[id] = path
		if want := fmt.Sprintf("%016d", id); p.Text("lsi1sk") != want || p.Num("version") < 1 {
			c.problem("page %s: lsi1sk is %q, not %q, and the version %d", path, p.Text("lsi1sk"), want, p.Num("version"))
		}
		for monitor, tag := range p.links() {
			if monitorIDs[monitor] != tag && !c.Cleaning("MONITOR", monitor) {
				c.problem("page %s names monitor %d as %s, which is %q", path, monitor, tag, monitorIDs[monitor])
			}
		}
	}
	for key, v := range c.Settings {
		if k, there := statuspage.SiteKeyOf(key); !there || k.Check(v.Text("value")) != nil || v.Num("version") < 1 {
			c.problem("setting %s is %q, version %d", key, v.Text("value"), v.Num("version"))
		}
	}
}

// checkAlerts compares alerts with their marks and rows, rules with what the monitors
// carry of them, and incidents with the alerts that opened them.
func (c *Contents) checkAlerts(monitorIDs map[int64]string) {
	for id, a := range c.Alerts {
		monitor := a.Num("monitor_id")
		mark := fmt.Sprintf("OPENALERT#%016d", a.Num("rule_id"))
		open := slices.Contains(c.Other[monitor], mark)
		if c.Cleaning("MONITOR", monitor) {
			continue
		}
		incident := a.Num("incident_id")
		if a.Has("incident_id") && c.Incidents[incident].Num("alert_id") != id && !slices.Contains(c.Joined[incident], id) {
			c.problem("alert %d names incident %d, which is not there or not its own", id, incident)
		}
		if want := fmt.Sprintf("%016d", id); a.Text("gsi1pk") != "ALERTS" || a.Text("gsi1sk") != want {
			c.problem("alert %d is in the index as %s %s", id, a.Text("gsi1pk"), a.Text("gsi1sk"))
		}
		if a.Has("integration_id") {
			continue // see checkSignals
		}
		if a.Text("state") == "TRIGGERED" && !open {
			c.problem("alert %d is open without a mark", id)
		}
		if m := c.Monitors[monitorIDs[monitor]]; a.Text("state") == "TRIGGERED" && m.Text("status") == "INACTIVE" && !c.endingAlerts(monitor) {
			c.problem("alert %d is open on monitor %d, which is INACTIVE", id, monitor)
		}
		if !slices.Contains(c.Other[monitor], fmt.Sprintf("ALERT#%016d", id)) {
			c.problem("alert %d has no row under monitor %d", id, monitor)
		}
	}
	for monitor, sks := range c.Other {
		if c.Cleaning("MONITOR", monitor) {
			continue
		}
		for _, sk := range sks {
			if digits, ok := strings.CutPrefix(sk, "ALERT#"); ok {
				id, _ := strconv.ParseInt(digits, 10, 64)
				if c.Alerts[id] == nil {
					c.problem("row %s under monitor %d belongs to no alert", sk, monitor)
				}
			}
			if digits, ok := strings.CutPrefix(sk, "OPENALERT#"); ok && !strings.HasPrefix(digits, "SIGNAL#") {
				rule, _ := strconv.ParseInt(digits, 10, 64)
				open := 0
				for _, a := range c.Alerts {
					if a.Num("rule_id") == rule && a.Num("monitor_id") == monitor && a.Text("state") == "TRIGGERED" {
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
	for _, m := range c.Monitors {
		for id := range m.carried() {
			carried[fmt.Sprintf("rule %d on monitor %d", id, m.Num("id"))] = true
		}
	}
	for id, r := range c.Rules {
		for monitor, tag := range r.links() {
			if c.Cleaning("MONITOR", monitor) {
				continue
			}
			if monitorIDs[monitor] != tag {
				c.problem("rule %d names monitor %d as %s, which is %q", id, monitor, tag, monitorIDs[monitor])
			}
			pair := fmt.Sprintf("rule %d on monitor %d", id, monitor)
			if r.Has("active") != carried[pair] {
				c.problem("%s: active is %v, carried %v", pair, r.Has("active"), carried[pair])
			}
			delete(carried, pair)
		}
	}
	for pair := range carried {
		c.problem("%s is carried, but the rule does not have it", pair)
	}
}

// checkOutages compares the incidents that open alerts share with the marks of these, and the
// alerts that joined an incident with it.
func (c *Contents) checkOutages(monitorIDs map[int64]string) {
	for incident, alerts := range c.Joined {
		if c.Cleaning("INCIDENT", incident) {
			continue
		}
		if c.Incidents[incident] == nil {
			c.problem("alerts %v joined incident %d, which is not there", alerts, incident)
		}
		on := c.Incidents[incident].Num("alert_monitor_id")
		for _, id := range alerts {
			a := c.Alerts[id]
			if a == nil && (monitorIDs[on] == "" || c.Cleaning("MONITOR", on)) {
				continue // it went with its monitor
			}
			if a == nil || a.Num("incident_id") != incident || !a.Has("integration_id") && a.Num("monitor_id") != on {
				c.problem("alert %d joined incident %d of monitor %d, but is %v", id, incident, on, a)
			}
		}
	}
	for monitor, o := range c.Outages {
		if c.Cleaning("MONITOR", monitor) {
			continue
		}
		shared := slices.ContainsFunc(c.Marks[monitor], func(mark Attributes) bool { return mark.Num("incident_id") == o.Num("id") })
		if i := c.Incidents[o.Num("id")]; !shared || i == nil || i.Num("alert_monitor_id") != monitor {
			c.problem("the open alerts on monitor %d share incident %d: %v; the incident is %v", monitor, o.Num("id"), shared, i)
		}
	}
	for monitor, marks := range c.Marks {
		if c.Cleaning("MONITOR", monitor) {
			continue
		}
		for _, mark := range marks {
			// An incident of an older version of the program is of one alert alone.
			i := c.Incidents[mark.Num("incident_id")]
			if i.Has("alert_monitor_id") && c.Outages[monitor].Num("id") != i.Num("id") {
				c.problem("%s on monitor %d has the incident %d, which open alerts there do not share", mark.Text("sk"), monitor, i.Num("id"))
			}
		}
	}
}

// carried returns the ids of the alert rules that a monitor carries.
func (a Attributes) carried() map[int64]bool {
	ids := map[int64]bool{}
	if list, ok := a["watches"].(*types.AttributeValueMemberL); ok {
		for _, v := range list.Value {
			ids[Attributes(v.(*types.AttributeValueMemberM).Value).Num("id")] = true
		}
	}
	return ids
}

func (c *Contents) checkIncident(id int64, i Attributes) {
	partition := "OPEN"
	if i.Has("closed") {
		partition = "CLOSED"
	}
	want := map[string]string{
		"id":     strconv.FormatInt(id, 10),
		"gsi1pk": "INCIDENTS", "gsi1sk": timeAndID(i.Num("start"), id),
		"gsi2pk": partition, "gsi2sk": timeAndID(i.Num("created"), id),
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got := i.Text(name); got != want[name] {
			c.problem("incident %d: %s is %q, not %q", id, name, got, want[name])
		}
	}
	// Without a start of its own an incident shows that of its making, and a legacy client may give any end.
	if i.Has("end") && i.Num("end") < i.Num("start") && !i.Has("no_start") {
		c.problem("incident %d ends before it starts", id)
	}
	if i.Has("closed") && !i.Has("end") {
		c.problem("incident %d is closed without an end", id)
	}
	if i.Num("version") < 1 {
		c.problem("incident %d has no version", id)
	}
	if id > c.Counters["incident"] {
		c.problem("incident %d is above its counter", id)
	}
}

// calendar are the attributes of a maintenance that its rows have too.
var calendar = []string{"changed", "duration_seconds", "former", "rrule", "since", "start", "time_zone"}

// checkMaintenances compares maintenances with their rows under monitors and with the records
// of their occurrences.
func (c *Contents) checkMaintenances(monitorIDs map[int64]string) {
	for id, m := range c.Maintenances {
		links := m.impacts()
		if len(links) == 0 && !m.Has("orphan") {
			links[0] = "MAINTENANCE" // it concerns everything
		}
		for monitor, impact := range links {
			row := c.MaintenanceRows[monitor][id]
			switch {
			case c.Cleaning("MONITOR", monitor):
			case row == nil:
				c.problem("maintenance %d has no row under monitor %d", id, monitor)
			case row.Text("impact") != impact:
				c.problem("maintenance %d has the impact %s under monitor %d, not %s", id, row.Text("impact"), monitor, impact)
			}
		}
		for monitor, tag := range m.links() {
			if monitorIDs[monitor] != tag && !c.Cleaning("MONITOR", monitor) {
				c.problem("maintenance %d names monitor %d as %s, which is %q", id, monitor, tag, monitorIDs[monitor])
			}
		}
		if !strings.HasSuffix(m.Text("gsi1sk"), fmt.Sprintf("#%016d", id)) || m.Text("gsi1pk") != "MAINTENANCES" || m.Has("gsi2pk") != m.Has("gsi2sk") {
			c.problem("maintenance %d is in the indexes as %s %s and %s %s", id, m.Text("gsi1pk"), m.Text("gsi1sk"), m.Text("gsi2pk"), m.Text("gsi2sk"))
		}
		if id > c.Counters["maintenance"] || m.Num("version") < 1 {
			c.problem("maintenance %d has the version %d, and the counter is at %d", id, m.Num("version"), c.Counters["maintenance"])
		}
		list, _ := m["occurrences"].(*types.AttributeValueMemberL)
		if list == nil {
			c.problem("maintenance %d has no list of occurrences", id)
			continue
		}
		for _, v := range list.Value {
			if own := Attributes(v.(*types.AttributeValueMemberM).Value); !c.Occurrences[id][own.Num("id")].has(own) {
				c.problem("maintenance %d says of occurrence %d %v, its record %v", id, own.Num("id"), own, c.Occurrences[id][own.Num("id")])
			}
		}
	}
	for monitor, rows := range c.MaintenanceRows {
		for id, row := range rows {
			m := c.Maintenances[id]
			if c.Cleaning("MONITOR", monitor) {
				continue
			}
			if m == nil || m.impacts()[monitor] == "" && (monitor != 0 || len(m.impacts()) > 0 || m.Has("orphan")) {
				c.problem("maintenance %d has a row under monitor %d and does not name it", id, monitor)
				continue
			}
			if row.Has("lsi1sk") != (m.Text("status") == "ACTIVE") || row.Has("lsi1sk") && row.Text("lsi1sk") != "MAINTENANCE#"+m.Text("gsi1sk") {
				c.problem("the row of maintenance %d, which is %s until %s, is in the index as %q", id, m.Text("status"), m.Text("gsi1sk"), row.Text("lsi1sk"))
			}
			for _, name := range calendar {
				if !reflect.DeepEqual(row[name], m[name]) {
					c.problem("the row of maintenance %d under monitor %d has another %s", id, monitor, name)
				}
			}
		}
	}
	of := map[int64]int64{}
	for maintenance, occurrences := range c.Occurrences {
		planned := map[int64]int64{}
		for id, o := range occurrences {
			if c.Maintenances[maintenance] == nil && !c.Cleaning("MAINTENANCE", maintenance) {
				c.problem("occurrence %d of maintenance %d, which is not there", id, maintenance)
			}
			if other, twice := of[id]; twice {
				c.problem("maintenances %d and %d have an occurrence %d", other, maintenance, id)
			}
			of[id] = maintenance
			if other, twice := planned[o.Num("planned")]; twice {
				c.problem("occurrences %d and %d of maintenance %d are planned for %d", other, id, maintenance, o.Num("planned"))
			}
			planned[o.Num("planned")] = id
			at := timeAndID(o.Num("start"), id)
			if o.Text("lsi1sk") != at || o.Text("gsi1sk") != at || o.Text("gsi1pk") != "OCCURRENCES" || o.Num("of") != maintenance || o.Num("start") > o.Num("end") {
				c.problem("occurrence %d of maintenance %d is %v", id, maintenance, o)
			}
			if id > c.Counters["occurrence"] {
				c.problem("occurrence %d is above its counter", id)
			}
		}
	}
}

// has reports whether the attributes of part are among these.
func (a Attributes) has(part Attributes) bool {
	for name, v := range part {
		if !reflect.DeepEqual(a[name], v) {
			return false
		}
	}
	return true
}

// impacts are what a maintenance does to the monitors that it names, by their ids.
func (a Attributes) impacts() map[int64]string {
	impacts := map[int64]string{}
	if list, ok := a["monitors"].(*types.AttributeValueMemberL); ok {
		for _, v := range list.Value {
			m := Attributes(v.(*types.AttributeValueMemberM).Value)
			impacts[m.Num("id")] = m.Text("impact")
		}
	}
	return impacts
}
