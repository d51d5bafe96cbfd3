package dynamo

import (
	"context"
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
	attrRuleID      = "rule_id"
	attrRuleVersion = "rule_version" // of the rule that fired
	attrMonitorID   = "monitor_id"
	attrResolved    = "resolved"
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
	return a, r.Err
}

// An openAlert is the mark of an alert that is open. It keeps a rule from having two on a
// monitor.
type openAlert struct {
	alertID     int64
	incidentID  *int64 // that it opened; it may be deleted since
	ruleVersion int64  // of the rule as it fired
}

func openAlertItem(a statuspage.Alert, ruleVersion int64) ddb.Item {
	it := openAlertKey(a.MonitorID, a.RuleID).Item()
	it[attrAlert] = ddb.Num(a.ID)
	ddb.PutNum(it, attrIncidentID, a.IncidentID)
	it[attrRuleID] = ddb.Num(a.RuleID)
	it[attrRuleVersion] = ddb.Num(ruleVersion)
	return it
}

func readOpenAlert(it ddb.Item) (ruleID int64, o openAlert, err error) {
	r := ddb.Reader{Item: it}
	ruleID, o = r.Num(attrRuleID), openAlert{r.Num(attrAlert), r.OptNum(attrIncidentID), r.Num(attrRuleVersion)}
	return ruleID, o, r.Err
}

// openAlerts returns the marks of the open alerts on the monitor, by rule.
func (s *Store) openAlerts(ctx context.Context, monitorID int64) (map[int64]openAlert, error) {
	alerts := map[int64]openAlert{}
	for it, err := range s.table.Items(ctx, ddb.Query{PK: monitorPK(monitorID), Low: openAlertPrefix, High: openAlertPrefix + "~"}) {
		if err != nil {
			return nil, err
		}
		ruleID, open, err := readOpenAlert(it)
		if err != nil {
			return nil, err
		}
		alerts[ruleID] = open
	}
	return alerts, nil
}

// Alert implements apiv4.AlertStore.
func (s *Store) Alert(ctx context.Context, id int64) (statuspage.Alert, error) {
	return find(ctx, s, alertKey(id), readAlert, func() error { return statuspage.AlertNotFound(id) })
}

// Alerts implements apiv4.AlertStore. Without a tag it reads an index, with one
// the rows under the monitor and then the alerts, strongly consistent.
func (s *Store) Alerts(ctx context.Context, q statuspage.AlertQuery, take func(statuspage.Alert) bool) (int64, error) {
	in := ddb.Query{Index: ddb.GSI1, PK: allAlerts, Low: padID(0), High: beforeID(q.After), Newest: true, Limit: q.Limit + 1}
	read := ddb.Each(readAlert)
	if q.Tag != "" {
		m, err := s.Monitor(ctx, q.Tag)
		if err != nil {
			return 0, err
		}
		in.Index, in.PK, in.Low, in.High = ddb.Main, monitorPK(m.ID), alertRowPrefix+padID(0), alertRowPrefix+beforeID(q.After)
		read = s.alertsOfRows
	}
	if q.State != "" || q.RuleID != 0 {
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
	return alerts, nil
}

// endAlert resolves an alert and takes its mark away. It is refused when it is not
// the rule's open alert.
func (s *Store) endAlert(mark ddb.Key, id, now int64) []ddb.Write {
	e := ddb.NewExpr().IfEqual(attrState, ddb.Str(string(statuspage.Triggered))).
		Set(attrState, ddb.Str(string(statuspage.AlertResolved))).Set(attrResolved, ddb.Num(now)).Set(attrUpdated, ddb.Num(now)).Increment(ddb.AttrVersion)
	return []ddb.Write{
		s.table.Update(alertKey(id), e),
		s.table.Delete(mark, ddb.NewExpr().IfEqual(attrAlert, ddb.Num(id))),
	}
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
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(callsAtOnce)
	for k, it := range marks {
		_, open, err := readOpenAlert(it)
		if err != nil {
			return err
		}
		if open.ruleVersion > version {
			continue // the rule was made active again and has fired since
		}
		g.Go(func() error {
			_, err := s.table.Transact(gctx, s.endAlert(k, open.alertID, now)...)
			return err // refused: it has ended
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return s.table.DeleteAll(ctx, []ddb.Key{row})
}

// drawFiring draws the ids that are missing: that of the alert, and those of its incident
// and the first comment, or the comment's alone.
func (s *Store) drawFiring(ctx context.Context, ids *statuspage.FiringIDs, alert, comment bool) error {
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
	draw(alert && comment, IncidentIDs, &ids.Incident)
	draw(comment, CommentIDs, &ids.Comment)
	return g.Wait()
}

// firingWrites open the alert, refused when the rule has one open on the monitor, or is
// not as it was read.
func (s *Store) firingWrites(ctx context.Context, f statuspage.Firing, r statuspage.AlertRule, now int64) []ddb.Write {
	a := f.Alert
	writes := []ddb.Write{
		s.table.PutNew(openAlertItem(a, r.Version)),
		s.table.Check(ruleKey(r.ID), ddb.NewExpr().IfSame(ruleItem(r))),
		s.table.Check(monitorKey(a.Tag), ddb.NewExpr().IfEqual(ddb.AttrID, ddb.Num(a.MonitorID))),
		s.table.PutNew(alertItem(a)),
		s.table.Put(alertRowKey(a.MonitorID, a.ID).Item()),
	}
	if f.Incident == nil {
		return writes
	}
	opened := statuspage.Change{
		Record: statuspage.RecordIncident, ID: f.Incident.ID, Version: f.Incident.Version, What: statuspage.Created, CommentID: f.Opening.ID,
	}
	writes = append(writes, s.newIncident(*f.Incident)...)
	return append(writes, s.table.PutNew(CommentItem(f.Opening)), s.changeRow(byRule(ctx, r), opened, now))
}

// byRule makes what is written the rule's doing, not that of who posted the point.
func byRule(ctx context.Context, r statuspage.AlertRule) context.Context {
	return statuspage.WithActor(ctx, statuspage.Actor{Kind: statuspage.ByAlertRule, ID: r.ID})
}
