package dynamo

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"tocsin/internal/ddb"
	"tocsin/internal/statuspage"
)

const allAlerts = "ALERTS" // partition of gsi1

const alertPrefix = "ALERT#"

func alertKey(id int64) ddb.Key {
	return ddb.Key{PK: alertPrefix + strconv.FormatInt(id, 10), SK: meta}
}

const alertRowPrefix = "ALERT#"

// alertRowKey is the row of an alert under its monitor.
func alertRowKey(monitorID, id int64) ddb.Key {
	return ddb.Key{PK: monitorPK(monitorID), SK: alertRowPrefix + padID(id)}
}

// alertOfRow is the alert that a row under a monitor is about.
func alertOfRow(row ddb.Key) (ddb.Key, error) {
	id, err := parseID(strings.TrimPrefix(row.SK, alertRowPrefix))
	return alertKey(id), err
}

const openAlertPrefix = "OPENALERT#"

// openAlertKey is the mark of the one alert of a rule on a monitor that is open.
func openAlertKey(monitorID, ruleID int64) ddb.Key {
	return ddb.Key{PK: monitorPK(monitorID), SK: openAlertPrefix + padID(ruleID)}
}

// Attributes of an alert and of the mark of one that is open.
const (
	attrRuleID         = "rule_id"
	attrRuleVersion    = "rule_version" // of the rule that fired
	attrMonitorID      = "monitor_id"
	attrMonitorVersion = "monitor_version" // of the monitor on which it fired
	attrResolved       = "resolved"
)

func alertItem(a statuspage.Alert) ddb.Item {
	it := alertKey(a.ID).Item()
	it[ddb.AttrGSI1PK] = ddb.Str(allAlerts)
	it[ddb.AttrGSI1SK] = ddb.Str(padID(a.ID))
	it[ddb.AttrID] = ddb.Num(a.ID)
	it[attrRuleID] = ddb.Num(a.RuleID)
	it[attrTag] = ddb.Str(a.Tag)
	it[attrMonitorID] = ddb.Num(a.MonitorID)
	putCondition(it, a.Condition)
	it[attrSeverity] = ddb.Str(string(a.Severity))
	it[attrState] = ddb.Str(string(a.State))
	ddb.PutNum(it, attrIncidentID, a.IncidentID)
	it[attrCreated] = ddb.Num(a.Created)
	it[attrUpdated] = ddb.Num(a.Updated)
	ddb.PutNum(it, attrResolved, a.Resolved)
	it[ddb.AttrVersion] = ddb.Num(a.Version)
	if a.Signal != nil {
		putSignalAlert(it, *a.Signal)
	}
	return it
}

func readAlert(it ddb.Item) (statuspage.Alert, error) {
	r := ddb.Reader{Item: it}
	a := statuspage.Alert{
		ID:         r.Num(ddb.AttrID),
		RuleID:     r.Num(attrRuleID),
		Tag:        r.Str(attrTag),
		MonitorID:  r.Num(attrMonitorID),
		Condition:  readCondition(&r),
		Severity:   statuspage.Severity(r.Str(attrSeverity)),
		State:      statuspage.AlertState(r.Str(attrState)),
		IncidentID: r.OptNum(attrIncidentID),
		Created:    r.Num(attrCreated),
		Updated:    r.Num(attrUpdated),
		Resolved:   r.OptNum(attrResolved),
		Version:    r.Num(ddb.AttrVersion),
	}
	if r.Has(attrIntegrationID) {
		a.Signal = readSignalAlert(&r)
	}
	return a, r.Err
}

// An openAlert is the mark of an alert that is open. It keeps a rule from having two on a
// monitor.
type openAlert struct {
	alertID        int64
	incidentID     *int64 // that it opened; it may be deleted since
	ruleVersion    int64  // of the rule as it fired
	monitorVersion int64  // of the monitor then; 0 in marks of the program before
}

func openAlertItem(a statuspage.Alert, ruleVersion, monitorVersion int64) ddb.Item {
	it := openAlertKey(a.MonitorID, a.RuleID).Item()
	it[attrAlert] = ddb.Num(a.ID)
	ddb.PutNum(it, attrIncidentID, a.IncidentID)
	it[attrRuleID] = ddb.Num(a.RuleID)
	it[attrRuleVersion] = ddb.Num(ruleVersion)
	it[attrMonitorVersion] = ddb.Num(monitorVersion)
	return it
}

func readOpenAlert(it ddb.Item) (ruleID int64, o openAlert, err error) {
	r := ddb.Reader{Item: it}
	ruleID, o = r.Num(attrRuleID), openAlert{r.Num(attrAlert), r.OptNum(attrIncidentID), r.Num(attrRuleVersion), r.NumOrZero(attrMonitorVersion)}
	return ruleID, o, r.Err
}

const openIncidentSK = "OPENINCIDENT"

// outageKey is the row of the incident that the open alerts on a monitor share.
func outageKey(monitorID int64) ddb.Key {
	return ddb.Key{PK: monitorPK(monitorID), SK: openIncidentSK}
}

const attrRecovered = "recovered"

// outageItem has the id of the incident as its own.
func outageItem(monitorID int64, o statuspage.Outage) ddb.Item {
	it := outageKey(monitorID).Item()
	it[ddb.AttrID] = ddb.Num(o.IncidentID)
	it[attrStart] = ddb.Num(o.Start)
	if o.Recovered != 0 {
		it[attrRecovered] = ddb.Num(o.Recovered)
	}
	it[ddb.AttrVersion] = ddb.Num(o.Version)
	return it
}

func readOutage(it ddb.Item) (statuspage.Outage, error) {
	r := ddb.Reader{Item: it}
	o := statuspage.Outage{
		IncidentID: r.Num(ddb.AttrID), Start: r.Num(attrStart), Recovered: r.NumOrZero(attrRecovered), Version: r.Num(ddb.AttrVersion),
	}
	return o, r.Err
}

// ifOutageOf asks that the row is of the incident, or not there.
func ifOutageOf(incidentID int64) *ddb.Expr {
	e := ddb.NewExpr()
	return e.If("(attribute_not_exists(" + e.Name(ddb.AttrPK) + ") OR " + e.Name(ddb.AttrID) + " = " + e.Value("incident", ddb.Num(incidentID)) + ")")
}

// incidentAlertKey is the row under an incident of an alert that joined it; the one that
// opened it has none.
func incidentAlertKey(incidentID, alertID int64) ddb.Key {
	return ddb.Key{PK: incidentPK(incidentID), SK: alertRowPrefix + padID(alertID)}
}

// openings are what is open on a monitor: the marks of its alerts, by rule, those of
// integrations, and the outage that those share of rules which make incidents. Which these are
// the marks say. An outage that none of them names is over: a function of an older version, which
// does not know of outages, has ended its alerts.
type openings struct {
	outage  *statuspage.Outage
	alerts  map[int64]openAlert
	signals []openAlert // of integrations, those alone that share
}

// openOn reads the openings on the monitor. It reads the row of the outage before the marks:
// an alert that joined or left in between has changed that row, and a write that asks for it
// is refused.
func (s *Store) openOn(ctx context.Context, monitorID int64) (openings, error) {
	o := openings{alerts: map[int64]openAlert{}}
	row := outageKey(monitorID)
	for it, err := range s.table.Items(ctx, ddb.Query{PK: row.PK, Low: openAlertPrefix, High: row.SK, Newest: true}) {
		if err != nil {
			return o, err
		}
		if ddb.KeyOf(it) == row {
			outage, err := readOutage(it)
			if err != nil {
				return o, err
			}
			o.outage = &outage
			continue
		}
		ruleID, open, err := readOpenAlert(it)
		if err != nil {
			return o, err
		}
		if ruleID == 0 {
			o.signals = append(o.signals, open)
			continue
		}
		o.alerts[ruleID] = open
	}
	return o, nil
}

// shares reports whether the alert is one of the outage's.
func (o openings) shares(alertID int64) bool {
	return o.sharing(func(a openAlert) bool { return a.alertID == alertID })
}

// sharedByOthers reports whether other alerts than that one are the outage's.
func (o openings) sharedByOthers(alertID int64) bool {
	return o.sharing(func(a openAlert) bool { return a.alertID != alertID })
}

func (o openings) sharing(is func(openAlert) bool) bool {
	of := func(a openAlert) bool {
		return o.outage != nil && a.incidentID != nil && *a.incidentID == o.outage.IncidentID && is(a)
	}
	return slices.ContainsFunc(slices.Collect(maps.Values(o.alerts)), of) || slices.ContainsFunc(o.signals, of)
}

// Alert implements apiv4.AlertStore.
func (s *Store) Alert(ctx context.Context, id int64) (statuspage.Alert, error) {
	a, err := find(ctx, s, alertKey(id), readAlert, func() error { return statuspage.AlertNotFound(id) })
	if err != nil {
		return a, err
	}
	alerts, err := s.heardOf(ctx, []statuspage.Alert{a})
	return alerts[0], err
}

// Alerts implements apiv4.AlertStore. Without a tag it reads an index, with one
// the rows under the monitor and then the alerts, strongly consistent.
func (s *Store) Alerts(ctx context.Context, q statuspage.AlertQuery, take func(statuspage.Alert) bool) (int64, error) {
	in := ddb.Query{Index: ddb.GSI1, PK: allAlerts, Low: padID(0), High: beforeID(q.After), Newest: true, Limit: q.Limit + 1}
	each := ddb.Each(readAlert)
	read := func(ctx context.Context, items []ddb.Item) ([]statuspage.Alert, error) {
		alerts, err := each(ctx, items)
		if err != nil {
			return nil, err
		}
		return s.heardOf(ctx, alerts)
	}
	if q.Tag != "" {
		m, err := s.Monitor(ctx, q.Tag)
		if err != nil {
			return 0, err
		}
		in.Index, in.PK, in.Low, in.High = ddb.Main, monitorPK(m.ID), alertRowPrefix+padID(0), alertRowPrefix+beforeID(q.After)
		read = s.alertsOfRows
	}
	if q.Filtered() {
		in.Limit = maxRowsRead
	}
	return ddb.List(ctx, s.table, ddb.Listing[statuspage.Alert, int64]{
		Query: in, Most: maxRowsRead, Read: read, Matches: q.Matches, Take: take,
		After: q.After, Position: func(a statuspage.Alert) int64 { return a.ID },
	})
}

// alertsOfRows reads the alerts that the rows of a monitor point to, in their order.
func (s *Store) alertsOfRows(ctx context.Context, rows []ddb.Item) ([]statuspage.Alert, error) {
	var keys []ddb.Key
	for _, it := range rows {
		k, err := alertOfRow(ddb.KeyOf(it))
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	found, err := s.table.BatchGet(ctx, keys)
	if err != nil {
		return nil, err
	}
	var alerts []statuspage.Alert
	for _, k := range keys {
		if found[k] == nil {
			continue
		}
		a, err := readAlert(found[k])
		if err != nil {
			return nil, err
		}
		alerts = append(alerts, a)
	}
	return s.heardOf(ctx, alerts)
}

// endAlert resolves an alert and takes its mark away. It is refused when it is not
// the rule's open alert.
func (s *Store) endAlert(mark ddb.Key, id, now int64) []ddb.Write {
	return []ddb.Write{
		s.table.Update(alertKey(id), alertEnds(now)),
		s.table.Delete(mark, ddb.NewExpr().IfEqual(attrAlert, ddb.Num(id))),
	}
}

// alertEnds resolves an alert that is open.
func alertEnds(now int64) *ddb.Expr {
	return ddb.NewExpr().IfEqual(attrState, ddb.Str(string(statuspage.Triggered))).
		Set(attrState, ddb.Str(string(statuspage.AlertResolved))).Set(attrResolved, ddb.Num(now)).Set(attrUpdated, ddb.Num(now)).Increment(ddb.AttrVersion)
}

// endAlerts resolves the alerts that the rule had opened on the monitors up to the
// version, then removes the CLEANUP row that says so.
func (s *Store) endAlerts(ctx context.Context, row ddb.Key, ruleID, version int64, monitorIDs []int64, now int64) error {
	keys := make([]ddb.Key, len(monitorIDs))
	for i, id := range monitorIDs {
		keys[i] = openAlertKey(id, ruleID)
	}
	marks, err := s.table.BatchGet(ctx, keys)
	if err != nil {
		return err
	}
	old := func(o openAlert) bool { return o.ruleVersion <= version } // else the rule was made active again and has fired since
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(callsAtOnce)
	for n, monitorID := range monitorIDs {
		if marks[keys[n]] == nil {
			continue
		}
		_, open, err := readOpenAlert(marks[keys[n]])
		if err != nil {
			return err
		}
		g.Go(func() error { return s.endAlertOf(gctx, monitorID, ruleID, open, old, now) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return s.table.DeleteAll(ctx, []ddb.Key{row})
}

// endAlertsOn resolves the alerts on the monitor that were opened up to its version, then
// removes the CLEANUP row that says so. They can share an outage: one goes after the other.
func (s *Store) endAlertsOn(ctx context.Context, monitorID, version, now int64) error {
	on, err := s.openOn(ctx, monitorID)
	if err != nil {
		return err
	}
	old := func(o openAlert) bool { return o.monitorVersion <= version } // else the monitor was made ACTIVE again since
	for ruleID, open := range on.alerts {
		if err := s.endAlertOf(ctx, monitorID, ruleID, open, old, now); err != nil {
			return err
		}
	}
	return s.table.DeleteAll(ctx, []ddb.Key{cleanupAlertsKey(monitorID, version)})
}

// endAlertOf resolves the rule's open alert on the monitor if it is old. Its incident stays
// as it is.
func (s *Store) endAlertOf(ctx context.Context, monitorID, ruleID int64, open openAlert, old func(openAlert) bool, now int64) error {
	return ddb.Retry(ctx, func() (done bool, err error) {
		var on openings
		if open.incidentID != nil {
			if on, err = s.openOn(ctx, monitorID); err != nil {
				return false, err
			}
			var isOpen bool
			if open, isOpen = on.alerts[ruleID]; !isOpen {
				return true, nil
			}
		}
		if !old(open) {
			return true, nil
		}
		refused, err := s.table.Transact(ctx, append(s.endAlert(openAlertKey(monitorID, ruleID), open.alertID, now), s.leaveOutage(monitorID, open.alertID, on, 0)...)...)
		ended := refused != nil && (refused.Failed(0) || refused.Failed(1))
		return refused == nil || ended, err
	})
}

// leaveOutage takes the alert, which ended, out of the outage that it shares; the last one
// ends the outage. recovered is as in Outage.Left.
func (s *Store) leaveOutage(monitorID, alertID int64, on openings, recovered int64) []ddb.Write {
	if !on.shares(alertID) {
		return nil
	}
	was := outageItem(monitorID, *on.outage)
	if on.sharedByOthers(alertID) {
		return []ddb.Write{s.table.Change(was, outageItem(monitorID, on.outage.Left(recovered)))}
	}
	return []ddb.Write{s.table.Delete(outageKey(monitorID), ddb.NewExpr().IfSame(was))}
}

// drawFiring draws the ids that are asked for and missing.
func (s *Store) drawFiring(ctx context.Context, ids *statuspage.FiringIDs, alert, incident, comment bool) error {
	g, gctx := errgroup.WithContext(ctx)
	draw := func(needed bool, c Counter, id *int64) {
		if needed && *id == 0 {
			g.Go(func() (err error) {
				*id, err = s.nextID(gctx, c)
				return err
			})
		}
	}
	draw(alert, alertIDs, &ids.Alert)
	draw(incident, IncidentIDs, &ids.Incident)
	draw(comment, CommentIDs, &ids.Comment)
	return g.Wait()
}

// firingWrites open the alert, refused when the rule has one open on the monitor, or the
// rule or the monitor is not as it was read: one that is INACTIVE by now has no open alert.
// The alert joins the incident of the outage that others share, or opens one.
func (s *Store) firingWrites(ctx context.Context, m statuspage.Monitor, r statuspage.AlertRule, on openings, j statuspage.Judgement, ids *statuspage.FiringIDs, now int64) ([]ddb.Write, error) {
	var joined *statuspage.Incident
	g, gctx := errgroup.WithContext(ctx)
	joins := r.CreateIncident && on.sharedByOthers(on.alerts[r.ID].alertID)
	g.Go(func() error { return s.drawFiring(gctx, ids, true, r.CreateIncident && !joins, r.CreateIncident) })
	if joins {
		g.Go(func() error {
			it, err := s.table.Get(gctx, incidentKey(on.outage.IncidentID))
			if err != nil || it == nil { // deleted since
				return err
			}
			i, err := readIncident(it)
			joined = &i
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if joined == nil && joins {
		if err := s.drawFiring(ctx, ids, false, true, false); err != nil {
			return nil, err
		}
	}
	var f statuspage.Firing
	if joined != nil {
		f = r.Joined(m, j, *joined, *on.outage, *ids, now)
	} else {
		f = r.Fired(m, j, *ids, now)
	}
	a := f.Alert
	writes := []ddb.Write{
		s.table.PutNew(openAlertItem(a, r.Version, m.Version)),
		s.table.Check(ruleKey(r.ID), ddb.NewExpr().IfSame(ruleItem(r))),
		s.table.Check(monitorKey(a.Tag), ddb.NewExpr().IfSame(MonitorItem(m))),
		s.table.PutNew(alertItem(a)),
		s.table.Put(alertRowKey(a.MonitorID, a.ID).Item()),
	}
	return append(writes, s.alarmWrites(byRule(ctx, r), f, joined, on, now)...), nil
}

// alarmWrites make the incident of a firing, or what becomes of the one that it joins as it was
// read, and the outage if it has one. on is what is open on the alert's monitor.
func (s *Store) alarmWrites(ctx context.Context, f statuspage.Firing, joined *statuspage.Incident, on openings, now int64) []ddb.Write {
	if f.Incident == nil {
		return nil
	}
	var writes []ddb.Write
	if f.Outage.IncidentID != 0 {
		is := outageItem(f.Alert.MonitorID, f.Outage)
		outage := s.table.PutNew(is)
		if on.outage != nil {
			outage = s.table.Change(outageItem(f.Alert.MonitorID, *on.outage), is)
		}
		writes = append(writes, outage)
	}
	if joined == nil {
		opened := statuspage.Change{
			Record: statuspage.RecordIncident, ID: f.Incident.ID, Version: f.Incident.Version, What: statuspage.Created, CommentID: f.Comment.ID,
		}
		writes = append(writes, s.newIncident(*f.Incident)...)
		return append(writes, s.table.PutNew(CommentItem(*f.Comment)), s.changeRow(ctx, opened, now))
	}
	change := incidentChange{next: *f.Incident}
	if f.Comment != nil {
		change = s.withComment(*f.Incident, *f.Comment, nil)
	}
	writes = append(writes, s.table.Put(incidentAlertKey(joined.ID, f.Alert.ID).Item()))
	return append(writes, s.incidentWrites(ctx, *joined, change, now)...)
}

// byRule makes the alert rule the actor of the writes, not the API key that posted the
// point.
func byRule(ctx context.Context, r statuspage.AlertRule) context.Context {
	return statuspage.WithActor(ctx, statuspage.Actor{Kind: statuspage.ByAlertRule, ID: r.ID})
}
