package dynamo

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"tocsin/internal/statuspage"
)

// maxSearchPages is how many pages of the index, of 1 MB each, one search may read
// (contract legacy 1.0.0, Incidents).
const maxSearchPages = 20

// LegacyIncident implements statuspage.LegacyStore.
func (s *Store) LegacyIncident(ctx context.Context, id int64) (statuspage.LegacyIncident, error) {
	found, err := s.batchGet(ctx, []key{incidentKey(id), bodyKey(id)})
	if err != nil {
		return statuspage.LegacyIncident{}, err
	}
	it := found[incidentKey(id)]
	if it == nil {
		return statuspage.LegacyIncident{}, statuspage.IncidentNotFound(id)
	}
	return readLegacyIncident(it, found[bodyKey(id)])
}

// readLegacyIncident reads an incident and its body, whose item may be nil.
func readLegacyIncident(it, body item) (statuspage.LegacyIncident, error) {
	i, err := readIncident(it)
	if err != nil || body == nil {
		return statuspage.LegacyIncident{Incident: i}, err
	}
	r := reader{item: body}
	return statuspage.LegacyIncident{Incident: i, Body: r.str(attrText)}, r.err
}

// bodyWrite is the write that makes the incident's body what it is to be: one that is
// empty has no item.
func (s *Store) bodyWrite(id int64, body string) types.TransactWriteItem {
	if body == "" {
		return s.remove(bodyKey(id), nil)
	}
	it := bodyKey(id).attributes()
	it[attrText] = str(body)
	return s.put(it)
}

// ReportIncident implements statuspage.LegacyStore.
func (s *Store) ReportIncident(ctx context.Context, r statuspage.LegacyReport, now int64, once *statuspage.Once[statuspage.LegacyIncident]) (statuspage.LegacyIncident, error) {
	blank := statuspage.Incident{Type: statuspage.TypeIncident, Source: statuspage.SourceAPI, Created: now}
	var monitors []statuspage.AffectedMonitor
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		blank.ID, err = s.nextID(gctx, incidentIDs)
		return err
	})
	g.Go(func() (err error) {
		monitors, err = s.resolveTags(gctx, r.Links())
		return err
	})
	if err := g.Wait(); err != nil {
		return statuspage.LegacyIncident{}, err
	}
	for attempt := 0; ; attempt++ {
		made := statuspage.LegacyIncident{Incident: r.Apply(blank, monitors, now), Body: r.Body}
		writes := []types.TransactWriteItem{s.putNew(incidentItem(made.Incident))}
		if made.Body != "" {
			writes = append(writes, s.bodyWrite(made.ID, made.Body))
		}
		for _, m := range made.Monitors {
			writes = append(writes, s.put(incidentRow(m.MonitorID, made.Incident)), s.checkMonitor(m))
		}
		refused, err := transactOnce(ctx, s, once, made, writes...)
		if err != nil || refused == nil {
			return made, err
		}
		// A monitor went, or went and came back as another, since it was read.
		if monitors, err = s.resolveTags(ctx, r.Links()); err != nil {
			return statuspage.LegacyIncident{}, err
		}
		if err := pause(ctx, attempt, errContended); err != nil {
			return statuspage.LegacyIncident{}, err
		}
	}
}

// resolveTags is resolve with the error of the legacy API.
func (s *Store) resolveTags(ctx context.Context, links []statuspage.MonitorImpact) ([]statuspage.AffectedMonitor, error) {
	monitors, err := s.resolve(ctx, links)
	if shown, ok := errors.AsType[*statuspage.Error](err); ok && shown.Code == statuspage.CodeBadRequest {
		err = statuspage.ErrUnknownTags
	}
	return monitors, err
}

// CheckTags implements statuspage.LegacyStore.
func (s *Store) CheckTags(ctx context.Context, tags []string) error {
	_, err := s.resolveTags(ctx, statuspage.LegacyReport{Tags: tags}.Links())
	return err
}

// ReplaceIncident implements statuspage.LegacyStore.
func (s *Store) ReplaceIncident(ctx context.Context, id int64, r statuspage.LegacyReport, now int64) (statuspage.LegacyIncident, error) {
	for attempt := 0; ; attempt++ {
		var old statuspage.Incident
		var missing error
		var monitors []statuspage.AffectedMonitor
		g, gctx := errgroup.WithContext(ctx)
		g.Go(func() error {
			// Unknown tags are the first error, so keep this one for later.
			old, missing = s.Incident(gctx, id)
			return nil
		})
		g.Go(func() (err error) {
			monitors, err = s.resolveTags(gctx, r.Links())
			return err
		})
		if err := g.Wait(); err != nil {
			return statuspage.LegacyIncident{}, err
		}
		if missing != nil {
			return statuspage.LegacyIncident{}, missing
		}
		next := r.Apply(old, monitors, now)
		writes := append(s.relinkWrites(old, next, rewriteExpr(next)), s.bodyWrite(id, r.Body))
		refused, err := s.transact(ctx, writes...)
		if err != nil || refused == nil {
			return statuspage.LegacyIncident{Incident: next, Body: r.Body}, err
		}
		if err := pause(ctx, attempt, errContended); err != nil {
			return statuspage.LegacyIncident{}, err
		}
	}
}

// rewriteExpr sets all that can change of an incident, but for start and monitors,
// which move rows too.
func rewriteExpr(next statuspage.Incident) *expr {
	e := newExpr().set(attrTitle, str(next.Title)).set(attrState, str(string(next.State))).
		setOrRemove(attrEnd, next.End).setOrRemove(attrClosed, next.Closed).set(attrGSI2PK, openOrClosed(next.Closed != nil)).
		worked(next.Updated)
	for _, a := range legacyAttrs(next.Legacy) {
		if a.value == 0 {
			e.remove(a.name)
		} else {
			e.set(a.name, num(a.value))
		}
	}
	return e
}

// ProgressIncident implements statuspage.LegacyStore.
func (s *Store) ProgressIncident(ctx context.Context, id int64, p statuspage.LegacyProgress, now int64, once *statuspage.Once[statuspage.LegacyIncident]) (statuspage.LegacyIncident, error) {
	for attempt := 0; ; attempt++ {
		i, err := s.LegacyIncident(ctx, id)
		if err != nil || p.Empty() && once == nil {
			return i, err
		}
		write := s.check(incidentKey(id), newExpr().ifVersion(i.Version))
		if !p.Empty() {
			seen := i.Version
			i.Incident = p.Apply(i.Incident, now)
			write = s.update(incidentKey(id), rewriteExpr(i.Incident).ifVersion(seen))
		}
		refused, err := transactOnce(ctx, s, once, i, write)
		if err != nil || refused == nil {
			return i, err
		}
		if err := pause(ctx, attempt, errContended); err != nil {
			return statuspage.LegacyIncident{}, err
		}
	}
}

// gsi2Query finds the open or the closed incidents by the time of their making.
const gsi2Query = attrGSI2PK + " = :pk AND " + attrGSI2SK + " BETWEEN :low AND :high"

// SearchIncidents implements statuspage.LegacyStore. It reads the index until it has
// what is asked for, and then the bodies of that.
func (s *Store) SearchIncidents(ctx context.Context, q statuspage.LegacyQuery) ([]statuspage.LegacyIncident, error) {
	low, high := timeAndID(q.From, 0), maxTimeAndID(q.To)
	if low > high { // DynamoDB refuses an empty range
		return nil, nil
	}
	in := &dynamodb.QueryInput{
		TableName: s.table, IndexName: aws.String(indexGSI2), ScanIndexForward: aws.Bool(false),
		KeyConditionExpression:    aws.String(gsi2Query),
		ExpressionAttributeValues: item{":pk": openOrClosed(q.Closed), ":low": str(low), ":high": str(high)},
	}
	if !q.Filtered() {
		in.Limit = limitOf(q.Skip + q.Limit)
	}
	pages, matches := dynamodb.NewQueryPaginator(s.client, in), q.Matcher()
	var found []statuspage.Incident
	for skipped, read := 0, 0; len(found) < q.Limit && pages.HasMorePages(); read++ {
		if read == maxSearchPages {
			return nil, statuspage.ErrSearchTooWide
		}
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, failure("search incidents", err)
		}
		for _, it := range page.Items {
			i, err := readIncident(it)
			if err != nil {
				return nil, err
			}
			switch {
			case len(found) == q.Limit || !matches(i):
			case skipped < q.Skip:
				skipped++
			default:
				found = append(found, i)
			}
		}
	}
	return s.withBodies(ctx, found)
}

// withBodies adds the bodies to incidents.
func (s *Store) withBodies(ctx context.Context, incidents []statuspage.Incident) ([]statuspage.LegacyIncident, error) {
	keys := make([]key, len(incidents))
	for n, i := range incidents {
		keys[n] = bodyKey(i.ID)
	}
	bodies, err := s.batchGet(ctx, keys)
	if err != nil {
		return nil, err
	}
	all := make([]statuspage.LegacyIncident, len(incidents))
	for n, i := range incidents {
		all[n].Incident = i
		if it := bodies[keys[n]]; it != nil {
			r := reader{item: it}
			if all[n].Body = r.str(attrText); r.err != nil {
				return nil, r.err
			}
		}
	}
	return all, nil
}

// AddNote implements statuspage.LegacyStore. Somebody worked on the incident, so its
// update time and its version change: its deletion relies on that, see readForDeletion.
func (s *Store) AddNote(ctx context.Context, incidentID int64, text string, now int64, once *statuspage.Once[statuspage.Comment]) (statuspage.Comment, error) {
	c := statuspage.Comment{
		IncidentID: incidentID, Text: text, Time: statuspage.FloorMinute(now),
		Created: now, Updated: now, Version: 1,
	}
	var incident statuspage.Incident
	var err error
	if c.ID, incident, err = s.beforeComment(ctx, incidentID); err != nil {
		return statuspage.Comment{}, err
	}
	for attempt := 0; ; attempt++ {
		c.State = incident.State
		e := newExpr().ifCompare(attrState, "=", attrState, str(string(c.State))).worked(now)
		refused, err := transactOnce(ctx, s, once, c, s.update(incidentKey(incidentID), e), s.putNew(commentItem(c)))
		if err != nil || refused == nil {
			return c, err
		}
		it := refused.item(0)
		if it == nil {
			return statuspage.Comment{}, statuspage.IncidentNotFound(incidentID)
		}
		if incident, err = readIncident(it); err != nil {
			return statuspage.Comment{}, err
		}
		if err := pause(ctx, attempt, errContended); err != nil {
			return statuspage.Comment{}, err
		}
	}
}

// Notes implements statuspage.LegacyStore. The comments are read by their ids, which
// rise with their making, and the incident beside their first page.
func (s *Store) Notes(ctx context.Context, incidentID int64, take func(statuspage.Comment) bool) error {
	e := newExpr().ifHas(attrDeleted, false)
	pages := dynamodb.NewQueryPaginator(s.client, &dynamodb.QueryInput{
		TableName: s.table, ConsistentRead: aws.Bool(true), ScanIndexForward: aws.Bool(false),
		KeyConditionExpression: aws.String(rowsQuery),
		ExpressionAttributeValues: item{
			":pk": str(incidentPK(incidentID)), ":low": str(commentPrefix), ":high": str(commentPrefix + "~"),
		},
		FilterExpression: e.condition(), ExpressionAttributeNames: e.names,
	})
	var page *dynamodb.QueryOutput
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		_, err := s.Incident(gctx, incidentID)
		return err
	})
	g.Go(func() (err error) {
		page, err = pages.NextPage(gctx)
		return err
	})
	if err := g.Wait(); err != nil {
		return failure("query comments", err)
	}
	for {
		for _, it := range page.Items {
			c, err := readComment(it)
			if err != nil {
				return err
			}
			if !take(c) {
				return nil
			}
		}
		if !pages.HasMorePages() {
			return nil
		}
		var err error
		if page, err = pages.NextPage(ctx); err != nil {
			return failure("query comments", err)
		}
	}
}
