package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"tocsin/internal/statuspage"
)

// Alert implements statuspage.AlertStore.
func (s *Store) Alert(ctx context.Context, id int64) (statuspage.Alert, error) {
	it, err := s.get(ctx, alertKey(id))
	if err != nil {
		return statuspage.Alert{}, err
	}
	if it == nil {
		return statuspage.Alert{}, statuspage.AlertNotFound(id)
	}
	return readAlert(it)
}

const alertsQuery = attrGSI1PK + " = :pk AND " + attrGSI1SK + " < :before"

// Alerts implements statuspage.AlertStore. Without a tag it reads an index, with one
// the rows under the monitor and then the alerts, strongly consistent.
func (s *Store) Alerts(ctx context.Context, q statuspage.AlertQuery, take func(statuspage.Alert) bool) (int64, error) {
	limit := q.Limit + 1
	if q.State != "" || q.RuleID != 0 {
		limit = maxRowsRead
	}
	in := &dynamodb.QueryInput{TableName: s.table, ScanIndexForward: aws.Bool(false), Limit: limitOf(limit)}
	if q.Tag == "" {
		before := "~"
		if q.After != 0 {
			before = padID(q.After)
		}
		in.IndexName, in.KeyConditionExpression = aws.String(indexGSI1), aws.String(alertsQuery)
		in.ExpressionAttributeValues = item{":pk": str(allAlerts), ":before": str(before)}
	} else {
		m, err := s.Monitor(ctx, q.Tag)
		if err != nil {
			return 0, err
		}
		last := int64(statuspage.MaxID)
		if q.After != 0 {
			last = q.After - 1
		}
		in.ConsistentRead, in.KeyConditionExpression = aws.Bool(true), aws.String(rowsQuery)
		in.ExpressionAttributeValues = item{
			":pk": str(monitorPK(m.ID)), ":low": str(alertRowKey(m.ID, 0).sk), ":high": str(alertRowKey(m.ID, last).sk),
		}
	}
	pages := dynamodb.NewQueryPaginator(s.client, in)
	last, read := q.After, 0
	for pages.HasMorePages() {
		if read >= maxRowsRead {
			return last, nil
		}
		page, err := pages.NextPage(ctx)
		if err != nil {
			return 0, failure("query alerts", err)
		}
		items := page.Items
		if q.Tag != "" {
			if items, err = s.alertsOfRows(ctx, items); err != nil {
				return 0, err
			}
		}
		for _, it := range items {
			a, err := readAlert(it)
			if err != nil {
				return 0, err
			}
			if read == maxRowsRead || q.Matches(a) && !take(a) {
				return last, nil
			}
			last = a.ID
			read++
		}
	}
	return 0, nil
}

// alertsOfRows reads the alerts that the rows of a monitor point to, in their order.
func (s *Store) alertsOfRows(ctx context.Context, rows []item) ([]item, error) {
	var keys []key
	for _, it := range rows {
		k, err := alertOfRow(keyOf(it))
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	found, err := s.batchGet(ctx, keys)
	if err != nil {
		return nil, err
	}
	var items []item
	for _, k := range keys {
		if found[k] != nil {
			items = append(items, found[k])
		}
	}
	return items, nil
}

// endAlert resolves an alert and takes its mark away. It is refused when it is not
// the rule's open alert.
func (s *Store) endAlert(mark key, id, now int64) []types.TransactWriteItem {
	e := newExpr().ifCompare(attrState, "=", "triggered", str(string(statuspage.Triggered))).
		set(attrState, str(string(statuspage.AlertResolved))).set(attrResolved, num(now)).set(attrUpdated, num(now)).increment(attrVersion)
	return []types.TransactWriteItem{
		s.update(alertKey(id), e),
		s.remove(mark, newExpr().ifCompare(attrAlert, "=", attrAlert, num(id))),
	}
}

// A firing is what an alert that opens writes beside itself.
type firing struct {
	alert    statuspage.Alert
	incident *statuspage.Incident // nil: the rule makes none
	comment  statuspage.Comment
}

// firingIDs are the ids that a firing needs; 0 is for one that is not drawn yet.
type firingIDs struct {
	alert, incident, comment int64
}

// draw draws the ids that are missing: that of the alert, and those of its incident
// and the first comment, or the comment's alone.
func (s *Store) draw(ctx context.Context, ids *firingIDs, alert, comment bool) error {
	g, gctx := errgroup.WithContext(ctx)
	draw := func(needed bool, c counter, id *int64) {
		if needed && *id == 0 {
			g.Go(func() (err error) {
				*id, err = s.nextID(gctx, c)
				return err
			})
		}
	}
	draw(alert, alertIDs, &ids.alert)
	draw(alert && comment, incidentIDs, &ids.incident)
	draw(comment, commentIDs, &ids.comment)
	return g.Wait()
}

// newFiring is the alert that the judgement opens, with its incident. The incident
// starts with the first point that the judgement rests on.
func newFiring(r statuspage.AlertRule, m statuspage.Monitor, j statuspage.Judgement, ids firingIDs, now int64) firing {
	condition := r.Condition
	condition.Failures, condition.Successes = 0, 0
	f := firing{alert: statuspage.Alert{
		ID: ids.alert, RuleID: r.ID, Tag: m.Tag, MonitorID: m.ID, Condition: condition, Severity: r.Severity, State: statuspage.Triggered,
		Created: now, Updated: now, Version: 1,
	}}
	if !r.CreateIncident {
		return f
	}
	f.alert.IncidentID = &ids.incident
	f.incident = &statuspage.Incident{
		ID: ids.incident, Title: r.IncidentTitle(m.Name), Start: j.Since, State: statuspage.Investigating,
		Type: statuspage.TypeIncident, Source: statuspage.SourceAlert, AlertID: &ids.alert,
		Monitors: []statuspage.AffectedMonitor{{Tag: m.Tag, MonitorID: m.ID, Impact: r.IncidentImpact()}},
		Created:  now, Updated: now, Version: 1,
	}
	f.comment = statuspage.Comment{
		ID: ids.comment, IncidentID: ids.incident, Text: r.OpeningComment(j), Time: statuspage.FloorMinute(now), State: statuspage.Investigating,
		Created: now, Updated: now, Version: 1,
	}
	return f
}

// writes opens the alert, refused when the rule has one open on the monitor, or is
// not as it was read.
func (f firing) writes(s *Store, r statuspage.AlertRule) []types.TransactWriteItem {
	a := f.alert
	writes := []types.TransactWriteItem{
		s.putNew(openAlertItem(a, r.Version)),
		s.check(ruleKey(r.ID), newExpr().ifVersion(r.Version)),
		s.checkMonitor(statuspage.AffectedMonitor{Tag: a.Tag, MonitorID: a.MonitorID}),
		s.putNew(alertItem(a)),
		s.put(alertRowKey(a.MonitorID, a.ID).attributes()),
	}
	if f.incident != nil {
		writes = append(writes, s.putNew(incidentItem(*f.incident)), s.put(incidentRow(a.MonitorID, *f.incident)), s.putNew(commentItem(f.comment)))
	}
	return writes
}
