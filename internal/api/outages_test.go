package api_test

import (
	"fmt"
	"strings"
	"testing"

	"tocsin/internal/apitest"
)

// outage is a monitor, earth, that rule 1 watches for DEGRADED and rule 2 for DOWN, with an
// incident each.
type outage struct {
	*testing.T
	*apitest.Server
	at func(n int64) int64 // sets the clock to half a minute after the n-th minute
}

func newOutage(t *testing.T) outage {
	s, clock := start(t)
	monitorsNamed(t, s, "earth", "mars")
	made(t, s, rulesPath, `{"alert_for":"STATUS","alert_value":"DEGRADED","monitor_tags":["earth"],"severity":"WARNING","create_incident":true,"description":"Look."}`)
	made(t, s, rulesPath, `{"alert_for":"STATUS","alert_value":"DOWN","monitor_tags":["earth"],"create_incident":true,"description":"Call Ada."}`)
	return outage{t, s, func(n int64) int64 {
		clock.seconds.Store(testStart + 60*n)
		return testStart + 60*n
	}}
}

// post posts statuses of earth, a minute each from the n-th on, in one call at the last of them.
func (o outage) post(n int64, statuses ...string) {
	o.Helper()
	var points []string
	for i, status := range statuses {
		points = append(points, fmt.Sprintf(`{"monitor_tag":"earth","status":"%s","timestamp":%d}`, status, testMinute+60*(n+int64(i))))
	}
	o.at(n + int64(len(statuses)) - 1)
	if got := o.Do("POST", "/api/v4/status", `{"points":[`+strings.Join(points, ",")+`]}`); got.Status != 200 || strings.Contains(got.Body, "error") {
		o.Fatalf("%d %s", got.Status, got.Body)
	}
}

// do sends what a person does.
func (o outage) do(n int64, method, path, body string) {
	o.Helper()
	o.at(n)
	if got := o.Do(method, path, body); got.Status >= 300 {
		o.Fatalf("%s %s: %d %s", method, path, got.Status, got.Body)
	}
}

// incident is that of the id. Its times are minutes from testMinute, -1 for no end.
func (o outage) incident(id int64, title string, start, end int64, state, monitors string, created, updated int64) string {
	ends := "null"
	if end >= 0 {
		ends = fmt.Sprint(testMinute + 60*end)
	}
	return fmt.Sprintf(`{"id":%d,"title":"N STATUS: %s","start_date_time":%d,"end_date_time":%s,"state":"%s","incident_source":"ALERT","monitors":[%s],"created_at":%s,"updated_at":%s,`+
		`"url":"http://localhost:3000/incidents/%[1]d"}`, id, title, testMinute+60*start, ends, state, monitors, isoText(testStart+60*created), isoText(testStart+60*updated))
}

func onEarth(impact string) string { return `{"monitor_tag":"earth","impact":"` + impact + `"}` }

// alert is that of the id, of rule 1 or 2. resolved is a minute, -1 for none.
func (o outage) alert(id, rule int64, incident string, created, updated, resolved int64) string {
	state, at := "TRIGGERED", "null"
	if resolved >= 0 {
		state, at = "RESOLVED", isoText(testStart+60*resolved)
	}
	a := alertRecord(id, rule, state, incident, testStart+60*created, testStart+60*updated, at)
	if rule == 1 {
		a = replaced(a, "alert_value", `"DEGRADED"`, "severity", `"WARNING"`)
	}
	return a
}

func (o outage) incidents(what string, want ...string) {
	o.Helper()
	answers(o.T, o.Server, what, "/api/v4/incidents", `{"incidents":[`+strings.Join(want, ",")+`]}`)
}

func (o outage) alerts(what string, want ...string) {
	o.Helper()
	answers(o.T, o.Server, what, alertsPath+"?monitor_tag=earth", `{"alerts":[`+strings.Join(want, ",")+`]}`)
}

// comments are those of an incident, the newest first: "minute STATE text" each, the ids in
// the order of their making from first on.
func (o outage) comments(what string, incident, first int64, want ...string) {
	o.Helper()
	var list []string
	for n, text := range want {
		var at int64
		var state string
		_, err := fmt.Sscanf(text, "%d %s", &at, &state)
		if err != nil {
			o.Fatal(err)
		}
		_, text, _ = strings.Cut(text, state+" ")
		list = append(list, fmt.Sprintf(`{"id":%d,"incident_id":%d,"comment":"%s","timestamp":%d,"state":"%s","created_at":%s,"updated_at":%[6]s}`,
			first+int64(len(want)-1-n), incident, text, testMinute+60*at, state, isoText(testStart+60*at)))
	}
	answers(o.T, o.Server, what, fmt.Sprintf("/api/v4/incidents/%d/comments", incident), `{"comments":[`+strings.Join(list, ",")+`]}`)
}

const (
	foundDegraded = `0 INVESTIGATING Opened automatically by alert rule 1: status DEGRADED in the minute 2026-01-15 10:00 UTC.\n\nLook.`
	foundDown     = `1 INVESTIGATING Found by alert rule 2 too: status DOWN in the minute 2026-01-15 10:01 UTC.`
)

// TestOneIncidentForOneOutage lets a monitor get worse, better, worse again and well: its two
// alerts share an incident, which ends with the last of them.
func TestOneIncidentForOneOutage(t *testing.T) {
	o := newOutage(t)
	o.post(0, "DEGRADED")
	o.incidents("degraded", o.incident(1, "DEGRADED", 0, -1, "INVESTIGATING", onEarth("DEGRADED"), 0, 0))
	o.post(1, "DOWN")
	o.post(1, "DOWN") // again: nothing more
	o.incidents("down", o.incident(1, "DEGRADED", 0, -1, "INVESTIGATING", onEarth("DOWN"), 0, 1))
	o.alerts("down", o.alert(2, 2, "1", 1, 1, -1), o.alert(1, 1, "1", 0, 0, -1))
	o.comments("down", 1, 1, foundDown, foundDegraded)
	o.do(2, "POST", "/api/v4/incidents/1/comments", `{"comment":"The cable.","state":"IDENTIFIED"}`)
	o.post(3, "DEGRADED")
	o.incidents("degraded again", o.incident(1, "DEGRADED", 0, -1, "IDENTIFIED", onEarth("DOWN"), 0, 2))
	o.alerts("degraded again", o.alert(2, 2, "1", 1, 3, 3), o.alert(1, 1, "1", 0, 0, -1))
	o.post(4, "DOWN")
	o.incidents("down again", o.incident(1, "DEGRADED", 0, -1, "IDENTIFIED", onEarth("DOWN"), 0, 4))
	o.post(5, "UP")
	o.incidents("up", o.incident(1, "DEGRADED", 0, 5, "RESOLVED", onEarth("DOWN"), 0, 5))
	o.alerts("up", o.alert(3, 2, "1", 4, 5, 5), o.alert(2, 2, "1", 1, 3, 3), o.alert(1, 1, "1", 0, 5, 5))
	o.comments("up", 1, 1, `5 RESOLVED Resolved automatically by alert rule 2: status UP in the minute 2026-01-15 10:05 UTC.`,
		`4 IDENTIFIED Found by alert rule 2 too: status DOWN in the minute 2026-01-15 10:04 UTC.`, "2 IDENTIFIED The cable.", foundDown, foundDegraded)

	t.Log("the next outage is another incident; both rules find it at once")
	o.post(6, "DOWN")
	second := []string{
		`6 INVESTIGATING Found by alert rule 2 too: status DOWN in the minute 2026-01-15 10:06 UTC.`,
		`6 INVESTIGATING Opened automatically by alert rule 1: status DOWN in the minute 2026-01-15 10:06 UTC.\n\nLook.`,
	}
	o.comments("at once", 2, 6, second...)
	o.incidents("at once", o.incident(2, "DEGRADED", 6, -1, "INVESTIGATING", onEarth("DOWN"), 6, 6), o.incident(1, "DEGRADED", 0, 5, "RESOLVED", onEarth("DOWN"), 0, 5))

	t.Log("one POST that ends one alert after the other: the incident ends with the monitor's recovery from all")
	o.post(7, "DEGRADED", "UP", "UP")
	o.incidents("recovered", o.incident(2, "DEGRADED", 6, 8, "RESOLVED", onEarth("DOWN"), 6, 9), o.incident(1, "DEGRADED", 0, 5, "RESOLVED", onEarth("DOWN"), 0, 5))
	o.comments("recovered", 2, 6, append([]string{`9 RESOLVED Resolved automatically by alert rule 2: status UP in the minute 2026-01-15 10:09 UTC.`}, second...)...)
	answers(t, o.Server, "the legacy API", "/api/incident/2", fmt.Sprintf(`{"createdAt":%d,"closedAt":%d,"title":"N STATUS: DEGRADED","tags":["earth"],"incidentNumber":2,"startDatetime":%d,"endDatetime":%d,"body":"",`+
		`"impact":"DOWN","isMaintenance":false,"isIdentified":false,"isResolved":true}`, testStart+360, testStart+540, testMinute+360, testMinute+480))
}

// TestJoinedImpactAndStart opens the incident by the one rule and lets the other, which needs
// more points, join it.
func TestJoinedImpactAndStart(t *testing.T) {
	for _, tt := range []struct {
		name     string
		patch    string // of the incident before
		monitors string
		start    int64
	}{
		{"the earlier start", "", onEarth("DOWN"), 0},
		{"a start of a person's", fmt.Sprintf(`{"start_date_time":%d}`, testMinute+180), onEarth("DOWN"), 3},
		{"an impact of a person's", `{"monitors":[{"monitor_tag":"earth","impact":"UP"}]}`, onEarth("DEGRADED"), 0},
		{"maintenance is worse", `{"monitors":[{"monitor_tag":"earth","impact":"MAINTENANCE"}]}`, onEarth("MAINTENANCE"), 0},
		{"monitors of a person's", `{"monitors":[{"monitor_tag":"earth","impact":"UP"},{"monitor_tag":"mars","impact":"UP"}]}`,
			onEarth("DEGRADED") + `,{"monitor_tag":"mars","impact":"UP"}`, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := newOutage(t)
			o.do(0, "PATCH", rulesPath+"/1", `{"failure_threshold":4}`)
			o.post(0, "DEGRADED", "DEGRADED", "DOWN")
			o.incidents("down", o.incident(1, "DOWN", 2, -1, "INVESTIGATING", onEarth("DOWN"), 2, 2))
			if tt.patch != "" {
				o.do(2, "PATCH", "/api/v4/incidents/1", tt.patch)
			}
			o.post(3, "DOWN")
			o.incidents("both", o.incident(1, "DOWN", tt.start, -1, "INVESTIGATING", tt.monitors, 2, 3))
			o.comments("both", 1, 1, `3 INVESTIGATING Found by alert rule 1 too: status DOWN and DEGRADED in the last 4 recorded minutes, 2026-01-15 10:00 UTC to 2026-01-15 10:03 UTC.`,
				`2 INVESTIGATING Opened automatically by alert rule 2: status DOWN in the minute 2026-01-15 10:02 UTC.\n\nCall Ada.`)
			o.alerts("both", o.alert(2, 1, "1", 3, 3, -1), o.alert(1, 2, "1", 2, 2, -1))
			o.post(5, "UP")
			answers(t, o.Server, "the lists by tag follow", "/api/v4/incidents?monitor_tags=earth", `{"incidents":[`+o.incident(1, "DOWN", tt.start, 5, "RESOLVED", tt.monitors, 2, 5)+`]}`)
		})
	}
}

// TestAPersonsWordOnAnOutage shows what people do with an incident that alerts share.
func TestAPersonsWordOnAnOutage(t *testing.T) {
	t.Run("resolved", func(t *testing.T) {
		t.Parallel()
		o := newOutage(t)
		o.post(0, "DEGRADED")
		o.do(1, "POST", "/api/v4/incidents/1/comments", `{"comment":"Done.","state":"RESOLVED"}`)
		closed := o.incident(1, "DEGRADED", 0, 1, "RESOLVED", onEarth("DEGRADED"), 0, 1)
		o.post(2, "DOWN")
		o.incidents("no second one", closed)
		o.alerts("it joins", o.alert(2, 2, "1", 2, 2, -1), o.alert(1, 1, "1", 0, 0, -1))
		o.post(3, "DEGRADED")
		o.post(4, "DOWN")
		o.incidents("still none", closed)
		o.comments("no comment", 1, 1, "1 RESOLVED Done.", foundDegraded)
		o.post(5, "UP")
		o.incidents("recovered", closed)
		o.post(6, "DOWN")
		o.incidents("the next one", o.incident(2, "DEGRADED", 6, -1, "INVESTIGATING", onEarth("DOWN"), 6, 6), closed)
	})
	t.Run("resolved and opened again", func(t *testing.T) {
		t.Parallel()
		o := newOutage(t)
		o.post(0, "DEGRADED")
		o.do(1, "POST", "/api/v4/incidents/1/comments", `{"comment":"Done.","state":"RESOLVED"}`)
		o.do(2, "PATCH", "/api/v4/incidents/1", `{"end_date_time":null}`)
		o.post(3, "DOWN")
		o.incidents("it is under investigation", o.incident(1, "DEGRADED", 0, -1, "INVESTIGATING", onEarth("DOWN"), 0, 3))
		o.comments("and so is the comment", 1, 1, `3 INVESTIGATING Found by alert rule 2 too: status DOWN in the minute 2026-01-15 10:03 UTC.`, "1 RESOLVED Done.", foundDegraded)
		o.post(4, "UP")
		o.incidents("recovered", o.incident(1, "DEGRADED", 0, 4, "RESOLVED", onEarth("DOWN"), 0, 4))
	})
	t.Run("the monitor is taken out", func(t *testing.T) {
		t.Parallel()
		o := newOutage(t)
		o.post(0, "DEGRADED")
		o.do(1, "PATCH", "/api/v4/incidents/1", `{"monitors":[{"monitor_tag":"mars","impact":"UP"}]}`)
		o.post(2, "DOWN")
		asItWas := o.incident(1, "DEGRADED", 0, -1, "INVESTIGATING", `{"monitor_tag":"mars","impact":"UP"}`, 0, 1)
		o.incidents("as it was", asItWas)
		o.alerts("it joins", o.alert(2, 2, "1", 2, 2, -1), o.alert(1, 1, "1", 0, 0, -1))
		o.post(3, "UP")
		o.incidents("recovered", asItWas)
		o.comments("no comment", 1, 1, foundDegraded)
		o.alerts("both end", o.alert(2, 2, "1", 2, 3, 3), o.alert(1, 1, "1", 0, 3, 3))
		o.post(4, "DOWN")
		o.incidents("the next one", o.incident(2, "DEGRADED", 4, -1, "INVESTIGATING", onEarth("DOWN"), 4, 4), asItWas)
	})
	t.Run("the monitor is taken out, of one alert", func(t *testing.T) {
		t.Parallel()
		o := newOutage(t)
		o.post(0, "DEGRADED")
		o.do(1, "PATCH", "/api/v4/incidents/1", `{"monitors":[]}`)
		o.post(2, "UP")
		o.incidents("as it was", o.incident(1, "DEGRADED", 0, -1, "INVESTIGATING", "", 0, 1))
		o.comments("no comment", 1, 1, foundDegraded)
		o.alerts("it ends", o.alert(1, 1, "1", 0, 2, 2))
	})
	t.Run("another monitor is added", func(t *testing.T) {
		t.Parallel()
		o := newOutage(t)
		o.post(0, "DEGRADED")
		both := onEarth("DEGRADED") + `,{"monitor_tag":"mars","impact":"UP"}`
		o.do(1, "PATCH", "/api/v4/incidents/1", `{"monitors":[`+both+`]}`)
		o.post(2, "UP")
		o.incidents("resolved", o.incident(1, "DEGRADED", 0, 2, "RESOLVED", both, 0, 2))
	})
	t.Run("an end that has passed", func(t *testing.T) {
		t.Parallel()
		o := newOutage(t)
		o.post(0, "DEGRADED")
		o.do(2, "PATCH", "/api/v4/incidents/1", fmt.Sprintf(`{"end_date_time":%d}`, testMinute+60))
		o.post(3, "UP")
		o.incidents("it stays", o.incident(1, "DEGRADED", 0, 1, "RESOLVED", onEarth("DEGRADED"), 0, 3))
	})
	t.Run("an end ahead", func(t *testing.T) {
		t.Parallel()
		o := newOutage(t)
		o.post(0, "DEGRADED")
		o.do(2, "PATCH", "/api/v4/incidents/1", fmt.Sprintf(`{"end_date_time":%d}`, testMinute+240))
		o.post(3, "UP")
		o.incidents("the recovery counts", o.incident(1, "DEGRADED", 0, 3, "RESOLVED", onEarth("DEGRADED"), 0, 3))
	})
	t.Run("deleted", func(t *testing.T) {
		t.Parallel()
		o := newOutage(t)
		o.post(0, "DEGRADED")
		o.post(1, "DOWN")
		o.post(2, "DEGRADED")
		o.post(3, "DOWN")
		o.do(4, "DELETE", "/api/v4/incidents/1", "")
		gone := []string{o.alert(2, 2, "null", 1, 2, 2), o.alert(1, 1, "null", 0, 0, -1)}
		o.alerts("without it", append([]string{o.alert(3, 2, "null", 3, 3, -1)}, gone...)...)
		o.post(5, "DEGRADED")
		o.post(6, "DOWN")
		o.incidents("the next rule to fire", o.incident(2, "DOWN", 6, -1, "INVESTIGATING", onEarth("DOWN"), 6, 6))
		o.alerts("has its own", append([]string{o.alert(4, 2, "2", 6, 6, -1), o.alert(3, 2, "null", 3, 5, 5)}, gone...)...)
		o.post(7, "UP")
		o.incidents("which it ends", o.incident(2, "DOWN", 6, 7, "RESOLVED", onEarth("DOWN"), 6, 7))
	})
	t.Run("the rule goes", func(t *testing.T) {
		t.Parallel()
		o := newOutage(t)
		o.post(0, "DEGRADED")
		o.post(1, "DOWN")
		o.do(2, "DELETE", rulesPath+"/1", "")
		o.alerts("its alert ends", o.alert(2, 2, "1", 1, 1, -1), o.alert(1, 1, "1", 0, 2, 2))
		o.post(3, "UP")
		o.incidents("the other one is the last", o.incident(1, "DEGRADED", 0, 3, "RESOLVED", onEarth("DOWN"), 0, 3))
	})
	t.Run("the rule of the last one goes", func(t *testing.T) {
		t.Parallel()
		o := newOutage(t)
		o.post(0, "DEGRADED")
		o.post(1, "DOWN")
		o.post(2, "DEGRADED")
		o.do(3, "PATCH", rulesPath+"/1", `{"is_active":false}`)
		first := o.incident(1, "DEGRADED", 0, -1, "INVESTIGATING", onEarth("DOWN"), 0, 1)
		o.incidents("the incident stays", first)
		o.post(4, "DOWN")
		o.incidents("the next one is another", o.incident(2, "DOWN", 4, -1, "INVESTIGATING", onEarth("DOWN"), 4, 4), first)
	})
}

// TestOutageOfARuleWithoutIncidents has rules beside each other of which one makes none.
func TestOutageOfARuleWithoutIncidents(t *testing.T) {
	o := newOutage(t)
	o.do(0, "PATCH", rulesPath+"/1", `{"create_incident":false}`)
	o.post(0, "DEGRADED")
	o.post(1, "DOWN")
	o.incidents("of rule 2 alone", o.incident(1, "DOWN", 1, -1, "INVESTIGATING", onEarth("DOWN"), 1, 1))
	o.alerts("both", o.alert(2, 2, "1", 1, 1, -1), o.alert(1, 1, "null", 0, 0, -1))
	o.post(2, "DEGRADED")
	o.incidents("rule 1 does not keep it open", o.incident(1, "DOWN", 1, 2, "RESOLVED", onEarth("DOWN"), 1, 2))
}

// TestOutageOfMissingData has two rules that one run of the schedule finds firing and
// recovering: the older one opens the incident, the other one joins and ends it.
func TestOutageOfMissingData(t *testing.T) {
	s, clock := start(t)
	monitorsNamed(t, s, "earth")
	for _, minutes := range []string{"3", "2"} {
		made(t, s, rulesPath, `{"alert_for":"NO_DATA","alert_value":`+minutes+`,"monitor_tags":["earth"],"create_incident":true}`)
	}
	postStatus(t, s, testStart, "UP", "earth")
	clock.seconds.Store(testMinute + 300)
	s.Tick()
	incident := func(end, state string, updated int64) string {
		return fmt.Sprintf(`{"incidents":[{"id":1,"title":"N NO_DATA: 3","start_date_time":%d,"end_date_time":%s,"state":"%s","incident_source":"ALERT","monitors":[{"monitor_tag":"earth","impact":"DOWN"}],`+
			`"created_at":%s,"updated_at":%s,"url":"http://localhost:3000/incidents/1"}]}`, testMinute+60, end, state, isoText(testMinute+300), isoText(updated))
	}
	comment := func(id int64, text string, at int64, state string) string {
		return fmt.Sprintf(`{"id":%d,"incident_id":1,"comment":"%s","timestamp":%d,"state":"%s","created_at":%s,"updated_at":%s}`, id, text, at, state, isoText(at), isoText(at))
	}
	found := comment(2, "Found by alert rule 2 too: no data for 4 minutes, the newest point is of 2026-01-15 10:00 UTC.", testMinute+300, "INVESTIGATING") + "," +
		comment(1, "Opened automatically by alert rule 1: no data for 4 minutes, the newest point is of 2026-01-15 10:00 UTC.", testMinute+300, "INVESTIGATING")
	answers(t, s, "missing", "/api/v4/incidents", incident("null", "INVESTIGATING", testMinute+300))
	answers(t, s, "missing", "/api/v4/incidents/1/comments", `{"comments":[`+found+`]}`)
	clock.seconds.Store(testMinute + 350)
	postStatus(t, s, testMinute+350, "UP", "earth")
	clock.seconds.Store(testMinute + 420)
	s.Tick()
	answers(t, s, "there", "/api/v4/incidents", incident(fmt.Sprint(testMinute+300), "RESOLVED", testMinute+420))
	answers(t, s, "there", "/api/v4/incidents/1/comments", `{"comments":[`+
		comment(3, "Resolved automatically by alert rule 2: there is a point of 2026-01-15 10:05 UTC.", testMinute+420, "RESOLVED")+","+found+`]}`)
}
