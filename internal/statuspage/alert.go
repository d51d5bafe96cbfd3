package statuspage

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"tocsin/internal/opt"
)

// Limits of alert rules.
const (
	MaxRuleMonitors    = 48    // monitors of a rule
	MaxMonitorRules    = 20    // active rules of a monitor
	MaxRuleDescription = 1024  // UTF-16 units
	MaxAlertThreshold  = 60    // points
	MaxNoData          = 43200 // minutes: 30 days
)

// AlertFor is what an alert rule watches.
type AlertFor string

// What rules watch: the status of a point, its latency, the uptime over many
// points, or that points stay away.
const (
	AlertStatus  AlertFor = "STATUS"
	AlertLatency AlertFor = "LATENCY"
	AlertUptime  AlertFor = "UPTIME"
	AlertNoData  AlertFor = "NO_DATA"
)

// ValidAlertFor reports whether f is one of them; case counts.
func ValidAlertFor(f AlertFor) bool {
	return f == AlertStatus || f == AlertLatency || f == AlertUptime || f == AlertNoData
}

// Severity says how bad it is when a rule fires.
type Severity string

// The severities; case counts.
const (
	Critical Severity = "CRITICAL"
	Warning  Severity = "WARNING"
)

// ValidSeverity reports whether s is one of the severities; case counts.
func ValidSeverity(s Severity) bool { return s == Critical || s == Warning }

// SourceAlert is the source of an incident that an alert opened.
const SourceAlert = "ALERT"

// A Condition is what a rule asks of a monitor's points.
type Condition struct {
	For    AlertFor
	Status Status  // of AlertStatus: StatusDown, or StatusDegraded, which DOWN fails too
	Limit  float64 // milliseconds, a percentage, or whole minutes without a point

	Failures  int64 // so many of the newest recorded points make it fire, 1…MaxAlertThreshold
	Successes int64 // so many make it recover
}

// Value is the condition's value as text: a status, or a number.
func (c Condition) Value() string {
	if c.For == AlertStatus {
		return string(c.Status)
	}
	return number(c.Limit)
}

// Check returns an Invalid error for a value that the kind of condition can't have.
func (c Condition) Check() error {
	switch c.For {
	case AlertStatus:
		if c.Status != StatusDown && c.Status != StatusDegraded {
			return ErrStatusValue
		}
	case AlertLatency:
		if !(c.Limit > 0 && c.Limit <= MaxLatency) {
			return ErrLatencyValue
		}
	case AlertUptime:
		if !(c.Limit > 0 && c.Limit <= 100) {
			return ErrUptimeValue
		}
	case AlertNoData:
		if c.Limit != math.Trunc(c.Limit) || !(c.Limit >= 1 && c.Limit <= MaxNoData) {
			return ErrNoDataValue
		}
	}
	return nil
}

// An AlertRule says when monitors are failing and what is done then.
type AlertRule struct {
	ID int64
	Condition
	Monitors       []RuleMonitor // at most MaxRuleMonitors, each once, in the order given
	Severity       Severity
	CreateIncident bool
	Description    *string
	Active         bool
	Created        int64 // UTC seconds
	Updated        int64 // UTC seconds
	Version        int64 // rises with every write
}

// RuleMonitor is a monitor that a rule watches.
type RuleMonitor struct {
	Tag       string
	MonitorID int64
}

// NewAlertRule is what a client gives to make a rule.
type NewAlertRule struct {
	Condition
	Tags           []string // at most MaxRuleMonitors, each once
	Severity       Severity
	CreateIncident bool
	Description    *string
	Active         bool
}

// Made returns the rule with the id as it is made at now (UTC seconds) for the monitors,
// which are those of Tags. It returns the error of Condition.Check.
func (n NewAlertRule) Made(id int64, monitors []RuleMonitor, now int64) (AlertRule, error) {
	if err := n.Check(); err != nil {
		return AlertRule{}, err
	}
	return AlertRule{
		ID: id, Condition: n.Condition, Monitors: monitors, Severity: n.Severity, CreateIncident: n.CreateIncident,
		Description: n.Description, Active: n.Active, Created: now, Updated: now, Version: 1,
	}, nil
}

// AlertRulePatch is a partial update of a rule. What is not set stays; only the
// description can be null.
type AlertRulePatch struct {
	For            opt.Field[AlertFor]
	Status         opt.Field[Status]
	Limit          opt.Field[float64]
	Failures       opt.Field[int64]
	Successes      opt.Field[int64]
	Tags           opt.Field[[]string]
	Severity       opt.Field[Severity]
	CreateIncident opt.Field[bool]
	Description    opt.Field[string]
	Active         opt.Field[bool]

	// NoIncidents says that the rule must not open incidents afterwards.
	NoIncidents bool
}

// Apply returns the rule with the patch in it, but for its monitors, updated at now
// (UTC seconds). It returns ErrRuleOpensIncidents or the error of Condition.Check.
func (r AlertRule) Apply(p AlertRulePatch, now int64) (AlertRule, error) {
	r.For = p.For.Or(r.For)
	if status, ok := p.Status.Get(); ok {
		r.Status, r.Limit = status, 0
	}
	if limit, ok := p.Limit.Get(); ok {
		r.Status, r.Limit = "", limit
	}
	r.Failures = p.Failures.Or(r.Failures)
	r.Successes = p.Successes.Or(r.Successes)
	r.Severity = p.Severity.Or(r.Severity)
	r.CreateIncident = p.CreateIncident.Or(r.CreateIncident)
	r.Description = p.Description.Ptr(r.Description)
	r.Active = p.Active.Or(r.Active)
	r.Updated = now
	r.Version++
	if p.NoIncidents && r.CreateIncident {
		return r, ErrRuleOpensIncidents
	}
	return r, r.Check()
}

// A Watch is the part of an active rule that its monitors carry, so that a point is
// judged without reading rules.
type Watch struct {
	RuleID int64
	Condition
}

// AlertState is whether an alert is still on.
type AlertState string

// The states of an alert; case counts.
const (
	Triggered     AlertState = "TRIGGERED"
	AlertResolved AlertState = "RESOLVED"
)

// ValidAlertState reports whether s is one of the states.
func ValidAlertState(s AlertState) bool { return s == Triggered || s == AlertResolved }

// An Alert is one time that a rule found one of its monitors failing, or that another tool told of
// a problem. It keeps what was said then. A rule has at most one alert on a monitor that is
// TRIGGERED, an integration at most one for a key.
type Alert struct {
	ID         int64
	RuleID     int64  // 0: an integration's
	Tag        string // of the monitor; of an integration's the first one, "" without any
	MonitorID  int64
	Condition  // without thresholds
	Severity   Severity
	State      AlertState
	IncidentID *int64 // the incident that it opened or joined; nil: none, or deleted since
	Created    int64  // UTC seconds: when it was triggered
	Updated    int64  // UTC seconds
	Resolved   *int64 // UTC seconds
	Version    int64  // rises with every write

	Signal *SignalAlert // of an integration's; nil: a rule's
}

// Ended returns the alert resolved at now (UTC seconds).
func (a Alert) Ended(now int64) Alert {
	a.State, a.Resolved, a.Updated = AlertResolved, &now, now
	a.Version++
	return a
}

// A Verdict is what a condition says of a monitor.
type Verdict int

// The verdicts. Undecided leaves an alert as it is.
const (
	Undecided Verdict = iota
	Failing
	Recovered
)

// Asks reports whether the verdict asks for another state of the alert than there is: to
// open one, or to resolve the one that is open.
func (v Verdict) Asks(open bool) bool {
	return v == Failing && !open || v == Recovered && open
}

// A Judgement is a verdict with what it rests on.
type Judgement struct {
	Verdict Verdict
	Since   int64  // UTC seconds, a whole minute: of the first point that it rests on
	Reason  string // what was measured, for a comment: a sentence without a full stop
}

// Points returns how many of the newest points the condition may need.
func (c Condition) Points() int {
	if c.For == AlertNoData {
		return 1
	}
	return int(max(c.Failures, c.Successes))
}

// MeasuredWithin is how many seconds before the newest point a point must be more recent
// than to take the place of one without a latency, see Judge.
const MeasuredWithin = day

// Judge returns what the condition says of points, by time, which end with the
// monitor's newest one. A point without a latency says nothing about latencies and
// is passed over: then older ones than the newest Points count, if they are of the last
// MeasuredWithin before the newest. AlertNoData is Undecided: see AlertRule.JudgeNoData.
func (c Condition) Judge(points []Point, f UptimeFormula) Judgement {
	if c.For == AlertLatency {
		var measured []Point
		for n, p := range points {
			counts := n >= len(points)-c.Points() || p.Time > points[len(points)-1].Time-MeasuredWithin
			if counts && p.Latency != nil {
				measured = append(measured, p)
			}
		}
		points = measured
	}
	return c.judge(points, f)
}

// judge is Judge of points that all count.
func (c Condition) judge(points []Point, f UptimeFormula) Judgement {
	if run, ok := newest(points, c.Failures); ok && c.fails(run, f) {
		return Judgement{Failing, run[0].Time, c.measured(run, f)}
	}
	if run, ok := newest(points, c.Successes); ok && c.succeeds(run, f) {
		return Judgement{Recovered, run[0].Time, c.measured(run, f)}
	}
	return Judgement{}
}

// JudgeNoData returns what a rule with an AlertNoData condition says of a monitor at now
// (UTC seconds) by its newest point, nil for none; those in windows of the overlay are left
// out. A monitor without any point counts as if its newest were of the minute in which the
// rule was made. It fails when so many whole minutes have passed without a point, and since
// the last window.
func (r AlertRule) JudgeNoData(newest *Point, o Overlay, now int64) Judgement {
	last := FloorMinute(r.Created)
	why := "there is no point since the rule was made at " + clock(last)
	if newest != nil {
		last = newest.Time
		why = "the newest point is of " + clock(last)
	}
	passed := wholeMinutes(last, FloorMinute(now))
	if newest != nil && float64(passed) < r.Limit {
		return Judgement{Recovered, last, "there is a point of " + clock(last)}
	}
	if maintained, ok := o.LastBefore(now); ok && maintained > last {
		last, passed = maintained, wholeMinutes(maintained, FloorMinute(now))
		why += ", the last maintenance ended at " + clock(last+minute)
	}
	if float64(passed) >= r.Limit {
		return Judgement{Failing, last + minute, fmt.Sprintf("no data for %s, %s", plural(passed, "minute"), why)}
	}
	return Judgement{}
}

// RecoveredAt returns the minute (UTC seconds) in which a monitor recovered that is judged
// Recovered by points, which are by time and end with its newest one (docs/api.md, Alert rules
// and alerts). Points before start (UTC seconds) do not count. When enough is false, points
// before the first one of these, and not before start, can make it earlier.
func (c Condition) RecoveredAt(points []Point, f UptimeFormula, start int64) (at int64, enough bool) {
	enough = len(points) > 0 && points[0].Time <= start
	points = slices.DeleteFunc(slices.Clone(points), func(p Point) bool { return p.Time < start || c.For == AlertLatency && p.Latency == nil })
	at = start
	if c.For == AlertUptime {
		return c.uptimeBack(points, f, start, enough)
	}
	for n, p := range slices.Backward(points) {
		if c.For != AlertNoData && c.failing(p) {
			return at, true
		}
		at = p.Time
		if c.For == AlertNoData && n > 0 && float64(wholeMinutes(points[n-1].Time, p.Time)) >= c.Limit {
			return at, true
		}
	}
	return at, enough
}

// uptimeBack is RecoveredAt for a rule about uptime. How many points it takes to fire does not
// matter: these can be below the limit long after the monitor has recovered. The points by which
// it recovered first can begin with some that are down: the monitor recovered after them.
func (c Condition) uptimeBack(points []Point, f UptimeFormula, start int64, enough bool) (at int64, _ bool) {
	n := len(points)
	for ; int64(n) > c.Successes; n-- {
		if run, _ := newest(points[:n-1], c.Successes); !c.succeeds(run, f) {
			enough = true
			break
		}
	}
	at = start
	for _, p := range slices.Backward(points[max(0, n-int(c.Successes)):n]) {
		if at != start && f.IsDowntime(p.Status) {
			break
		}
		at = p.Time
	}
	return at, enough
}

// wholeMinutes is how many whole minutes lie between two minutes (UTC seconds).
func wholeMinutes(from, to int64) int64 { return (to-from)/minute - 1 }

// newest returns the last n points, and false when there are fewer.
func newest(points []Point, n int64) ([]Point, bool) {
	if int64(len(points)) < n {
		return nil, false
	}
	return points[int64(len(points))-n:], n > 0
}

func (c Condition) fails(run []Point, f UptimeFormula) bool {
	if c.For == AlertUptime {
		up, counted := uptimeOf(run, f)
		return counted && up < c.Limit
	}
	for _, p := range run {
		if !c.failing(p) {
			return false
		}
	}
	return c.For == AlertStatus || c.For == AlertLatency
}

func (c Condition) succeeds(run []Point, f UptimeFormula) bool {
	if c.For == AlertUptime {
		up, counted := uptimeOf(run, f)
		return counted && up >= c.Limit
	}
	for _, p := range run {
		if c.failing(p) {
			return false
		}
	}
	return c.For == AlertStatus || c.For == AlertLatency
}

// failing reports whether a single point fails. A point of DOWN fails a rule about
// DEGRADED too: it is worse.
func (c Condition) failing(p Point) bool {
	switch c.For {
	case AlertStatus:
		return p.Status == StatusDown || p.Status == c.Status
	case AlertLatency:
		return *p.Latency > c.Limit
	}
	return false
}

func uptimeOf(points []Point, f UptimeFormula) (float64, bool) {
	var t Totals
	for _, p := range points {
		t.Add(p)
	}
	return f.Percent(t)
}

// measured says in words what the points of a run were.
func (c Condition) measured(run []Point, f UptimeFormula) string {
	span := "in the minute " + clock(run[0].Time)
	if len(run) > 1 {
		span = fmt.Sprintf("in the last %d recorded minutes, %s to %s", len(run), clock(run[0].Time), clock(run[len(run)-1].Time))
	}
	switch c.For {
	case AlertLatency:
		sum, highest := 0.0, 0.0
		for _, p := range run {
			sum, highest = sum+*p.Latency, max(highest, *p.Latency)
		}
		return fmt.Sprintf("latency %s ms on average and %s ms at most, limit %s ms, %s",
			number(math.Round(sum/float64(len(run))*100)/100), number(highest), number(c.Limit), span)
	case AlertUptime:
		up, _ := uptimeOf(run, f)
		return fmt.Sprintf("uptime %s %%, limit %s %%, %s", number(math.Round(up*10000)/10000), number(c.Limit), span)
	}
	var seen []string
	for _, s := range []Status{StatusDown, StatusDegraded, StatusUp} {
		for _, p := range run {
			if p.Status == s {
				seen = append(seen, string(s))
				break
			}
		}
	}
	return "status " + strings.Join(seen, " and ") + " " + span
}

// An Outage is the one incident that the alerts which are open on a monitor share. It lasts
// until the last of them has ended, whatever people make of the incident.
type Outage struct {
	IncidentID int64
	Start      int64 // UTC seconds: of the incident, as its alerts have it
	Recovered  int64 // UTC seconds: the last minute in which the monitor recovered for one of its alerts; 0: none yet
	Version    int64 // rises with every alert that joins or leaves it
}

// Left returns the outage after one of its alerts has ended while others have not: in the
// minute recovered (UTC seconds), or 0 when it lost its reason.
func (o Outage) Left(recovered int64) Outage {
	o.Recovered = max(o.Recovered, recovered)
	o.Version++
	return o
}

// A Firing is what comes of a rule that finds a monitor failing.
type Firing struct {
	Alert    Alert
	Incident *Incident // a new one, or the one that the alert joins as it is then; nil: the rule makes none
	Comment  *Comment  // of the incident; nil: none
	Outage   Outage    // of the incident
}

// FiringIDs are the ids of what a Firing makes; those of the incident and its comment
// are for a rule that makes them.
type FiringIDs struct {
	Alert, Incident, Comment int64
}

// alert is the alert that the rule opens on the monitor at now (UTC seconds).
func (r AlertRule) alert(m Monitor, id, now int64) Alert {
	condition := r.Condition
	condition.Failures, condition.Successes = 0, 0
	return Alert{
		ID: id, RuleID: r.ID, Tag: m.Tag, MonitorID: m.ID, Condition: condition, Severity: r.Severity, State: Triggered,
		Created: now, Updated: now, Version: 1,
	}
}

// Fired returns the alert that the judgement opens on the monitor at now (UTC seconds),
// with its incident. The incident starts with the first point that the judgement rests on.
func (r AlertRule) Fired(m Monitor, j Judgement, ids FiringIDs, now int64) Firing {
	if !r.CreateIncident {
		return Firing{Alert: r.alert(m, ids.Alert, now)}
	}
	return r.alarm(m, j, ids, now).opens(ids, now)
}

// Joined returns the alert that the judgement opens on the monitor at now (UTC seconds) while
// others are open there that share the incident i: it joins them, see alarm.joins.
func (r AlertRule) Joined(m Monitor, j Judgement, i Incident, o Outage, ids FiringIDs, now int64) Firing {
	return r.alarm(m, j, ids, now).joins(i, o, ids, now)
}

func (r AlertRule) alarm(m Monitor, j Judgement, ids FiringIDs, now int64) alarm {
	return alarm{
		alert: r.alert(m, ids.Alert, now), title: r.IncidentTitle(m.Name), start: j.Since, told: FloorMinute(now), shares: true,
		monitors: []AffectedMonitor{{Tag: m.Tag, MonitorID: m.ID, Impact: r.IncidentImpact()}},
		opening:  r.OpeningComment(j), joining: r.JoiningComment(j),
	}
}

// An alarm is what an alert brings to the incident that it opens or joins.
type alarm struct {
	alert            Alert
	title            string
	start            int64 // UTC seconds, a whole minute
	monitors         []AffectedMonitor
	opening, joining string // comments
	told             int64  // UTC seconds, a whole minute: of the opening one
	shares           bool   // whether alerts on the monitor share the incident, see Outage
}

// opens returns the alert at now (UTC seconds) with an incident of its own.
func (a alarm) opens(ids FiringIDs, now int64) Firing {
	f := Firing{Alert: a.alert}
	i := NewIncident{Title: a.title, Start: a.start, Source: SourceAlert}.opened(ids.Incident, a.monitors, now)
	i.AlertID, f.Alert.IncidentID = &a.alert.ID, &ids.Incident
	opening := NewComment{Text: a.opening, Time: a.told, State: Investigating}.Made(ids.Incident, ids.Comment, now)
	f.Incident, f.Comment = &i, &opening
	if a.shares {
		i.AlertMonitorID, f.Outage = a.alert.MonitorID, Outage{IncidentID: i.ID, Start: i.Start, Version: 1}
	}
	return f
}

// joins returns the alert at now (UTC seconds) that joins others, which share the incident i. The
// worse impact counts, and the earlier start as long as nobody has changed start or monitors. An
// incident that does not follow the alert, see Incident.Follows, stays as it is. One that is open
// in the state RESOLVED, because a person cleared its end, is under investigation again.
func (a alarm) joins(i Incident, o Outage, ids FiringIDs, now int64) Firing {
	f := Firing{Alert: a.alert, Incident: &i, Outage: o}
	f.Alert.IncidentID = &i.ID
	f.Outage.Version++
	if !i.Follows(a.alert.MonitorID) {
		i.Version++ // it has one more alert
		return f
	}
	if i.Start == o.Start && i.Legacy.StartSeconds == 0 && !i.Legacy.NoStart && len(i.Monitors) == 1 {
		i.Start = min(i.Start, a.start)
		f.Outage.Start = i.Start
	}
	i.affects(a.monitors)
	if i.State == Resolved {
		i.State, i.Legacy.Identified = Investigating, false
	}
	i = i.worked(now)
	joining := NewComment{Text: a.joining, Time: FloorMinute(now), State: i.State}.Made(i.ID, ids.Comment, now)
	f.Comment = &joining
	return f
}

// affects links the incident to the monitors, as far as there is room, with the worse impact.
func (i *Incident) affects(monitors []AffectedMonitor) {
	i.Monitors = slices.Clone(i.Monitors)
	for _, m := range monitors {
		at := slices.IndexFunc(i.Monitors, func(a AffectedMonitor) bool { return a.MonitorID == m.MonitorID })
		switch {
		case at >= 0:
			i.Monitors[at].Impact = i.Monitors[at].Impact.Worse(m.Impact)
		case len(i.Monitors) < MaxIncidentMonitors:
			i.Monitors = append(i.Monitors, m)
		}
	}
}

// Follows reports whether the incident follows the alerts on the monitor that share it. A
// person's word stands: it does not when it is closed, or no longer linked to the monitor.
func (i Incident) Follows(monitorID int64) bool {
	return i.Closed == nil && slices.ContainsFunc(i.Monitors, func(a AffectedMonitor) bool { return a.MonitorID == monitorID })
}

// RecoveryComment returns the comment with the id that tells at now (UTC seconds) that the
// monitor recovered for the rule, and that Incident.Recovered is made with.
func (i Incident) RecoveryComment(id, ruleID int64, j Judgement, now int64) Comment {
	return NewComment{Text: ClosingComment(ruleID, j), Time: FloorMinute(now), State: Resolved}.Made(i.ID, id, now)
}

// Recovered returns the incident of an alert that was resolved at now (UTC seconds). It ends
// in the minute at (UTC seconds) in which the monitor recovered, see Condition.RecoveredAt, or
// where it starts when that is later. An end that a person gave and that has passed stays.
func (i Incident) Recovered(at, now int64) Incident {
	i.State, i.Closed = Resolved, &now
	if end := i.LegacyEnd(); end != nil && *end <= now {
		return i.worked(now)
	}
	i.End, i.Legacy.EndSeconds = new(max(at, i.Start)), 0
	if at <= i.Start {
		i.Legacy.EndSeconds = i.Legacy.StartSeconds
	}
	return i.worked(now)
}

// IncidentTitle is the title of the incident that the rule opens for a monitor, whose name
// is cut when it leaves too little room for what the rule found.
func (r AlertRule) IncidentTitle(monitorName string) string {
	found := fmt.Sprintf(" %s: %s", r.For, r.Value())
	return Shorten(monitorName, MaxTitle-Length(found)) + found
}

// IncidentImpact is what the incident that the rule opens says of its monitor.
func (r AlertRule) IncidentImpact() Impact {
	if r.For == AlertLatency || r.For == AlertStatus && r.Status == StatusDegraded {
		return Degraded
	}
	return Down
}

// OpeningComment is the first comment of the incident that the rule opens.
func (r AlertRule) OpeningComment(j Judgement) string {
	text := fmt.Sprintf("Opened automatically by alert rule %d: %s.", r.ID, j.Reason)
	if r.Description != nil && TrimBlank(*r.Description) != "" {
		text += "\n\n" + *r.Description
	}
	return text
}

// JoiningComment is the comment on an incident that another rule has opened.
func (r AlertRule) JoiningComment(j Judgement) string {
	return fmt.Sprintf("Found by alert rule %d too: %s.", r.ID, j.Reason)
}

// ClosingComment is the comment that resolves the incident of an alert of the rule.
func ClosingComment(ruleID int64, j Judgement) string {
	return fmt.Sprintf("Resolved automatically by alert rule %d: %s.", ruleID, j.Reason)
}

func number(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

func clock(t int64) string { return time.Unix(t, 0).UTC().Format("2006-01-02 15:04 UTC") }

func plural(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
