package dynamo

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"tocsin/internal/ddb"
	"tocsin/internal/statuspage"
)

// maxSearchPages is how many pages of the index, of 1 MB each, one search may read
// (docs/api.md, The legacy API 1.0.0).
const maxSearchPages = 20

const bodySK = "BODY"

// bodyKey is the item of an incident's body. Only the legacy API reads it, so it is not in
// the incident's item, which lists read.
func bodyKey(incidentID int64) ddb.Key { return ddb.Key{PK: incidentPK(incidentID), SK: bodySK} }

// fieldBody is the body in a Change.
const fieldBody = "body"

// bodyWrite is the write that sets the incident's body. An empty one has no item.
func (s *Store) bodyWrite(id int64, body string) ddb.Write {
	if body == "" {
		return s.table.Delete(bodyKey(id), nil)
	}
	it := bodyKey(id).Item()
	it[attrText] = ddb.Str(body)
	return s.table.Put(it)
}

func readBody(it ddb.Item) (string, error) {
	if it == nil {
		return "", nil
	}
	r := ddb.Reader{Item: it}
	return r.Str(attrText), r.Err
}

// LegacyIncident implements apilegacy.IncidentStore.
func (s *Store) LegacyIncident(ctx context.Context, id int64) (statuspage.LegacyIncident, error) {
	found, err := s.table.BatchGet(ctx, []ddb.Key{incidentKey(id), bodyKey(id)})
	if err != nil {
		return statuspage.LegacyIncident{}, err
	}
	it := found[incidentKey(id)]
	if it == nil {
		return statuspage.LegacyIncident{}, statuspage.IncidentNotFound(id)
	}
	var i statuspage.LegacyIncident
	if i.Incident, err = readIncident(it); err != nil {
		return statuspage.LegacyIncident{}, err
	}
	i.Body, err = readBody(found[bodyKey(id)])
	return i, err
}

// ReportIncident implements apilegacy.IncidentStore.
func (s *Store) ReportIncident(ctx context.Context, r statuspage.LegacyReport, now int64, once *statuspage.Once[statuspage.LegacyIncident]) (statuspage.LegacyIncident, error) {
	id, monitors, err := s.beforeIncident(ctx, func(ctx context.Context) ([]statuspage.AffectedMonitor, error) { return s.resolveTags(ctx, r.Links()) })
	if err != nil {
		return statuspage.LegacyIncident{}, err
	}
	i := statuspage.LegacyIncident{Incident: r.Opened(id, monitors, now), Body: r.Body}
	var body []ddb.Write
	if i.Body != "" {
		body = append(body, s.bodyWrite(id, i.Body))
	}
	return i, s.createIncident(ctx, i.Incident, completion(s, once, i), now, body...)
}

// resolveTags is resolve with the error of the legacy API.
func (s *Store) resolveTags(ctx context.Context, links []statuspage.MonitorImpact) ([]statuspage.AffectedMonitor, error) {
	monitors, err := s.resolve(ctx, links)
	if shown, ok := errors.AsType[*statuspage.Error](err); ok && shown.Code == statuspage.CodeBadRequest {
		err = statuspage.ErrUnknownTags
	}
	return monitors, err
}

// CheckTags implements apilegacy.IncidentStore.
func (s *Store) CheckTags(ctx context.Context, tags []string) error {
	_, err := s.resolveTags(ctx, statuspage.LegacyReport{Tags: tags}.Links())
	return err
}

// ReplaceIncident implements apilegacy.IncidentStore.
func (s *Store) ReplaceIncident(ctx context.Context, id int64, r statuspage.LegacyReport, now int64) (statuspage.LegacyIncident, error) {
	var old statuspage.LegacyIncident
	var missing error
	var monitors []statuspage.AffectedMonitor
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		// Unknown tags are the first error, so keep this one for later.
		old, missing = s.LegacyIncident(gctx, id)
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
	next, err := s.changeIncident(ctx, old.Incident, now, func(i statuspage.Incident) (incidentChange, error) {
		c := incidentChange{next: i.Reported(r, monitors, now), also: []ddb.Write{s.bodyWrite(id, r.Body)}}
		if r.Body != old.Body || i.Version != old.Version { // another writer may have changed it too
			c.fields = []string{fieldBody}
		}
		return c, nil
	})
	if err != nil {
		return statuspage.LegacyIncident{}, err
	}
	return statuspage.LegacyIncident{Incident: next, Body: r.Body}, nil
}

// ProgressIncident implements apilegacy.IncidentStore.
func (s *Store) ProgressIncident(ctx context.Context, id int64, p statuspage.LegacyProgress, now int64, once *statuspage.Once[statuspage.LegacyIncident]) (i statuspage.LegacyIncident, err error) {
	err = ddb.Retry(ctx, func() (done bool, err error) {
		if i, err = s.LegacyIncident(ctx, id); err != nil || p.Empty() && once == nil {
			return true, err
		}
		old := i.Incident
		var writes []ddb.Write
		if p.Empty() {
			writes = append(writes, s.table.Check(incidentKey(id), ddb.NewExpr().IfSame(incidentItem(old))))
		} else {
			i.Incident = old.Progressed(p, now)
			writes = s.incidentWrites(ctx, old, incidentChange{next: i.Incident}, now)
		}
		refused, err := s.transact(ctx, completion(s, once, i), writes...)
		return refused == nil, err
	})
	return i, err
}

// SearchIncidents implements apilegacy.IncidentStore. It reads the index until it has found
// enough, and then the bodies.
func (s *Store) SearchIncidents(ctx context.Context, q statuspage.LegacyQuery) ([]statuspage.LegacyIncident, error) {
	in := ddb.Query{Index: ddb.GSI2, PK: openOrClosed(q.Closed), Low: timeAndID(q.From, 0), High: maxTimeAndID(q.To), Newest: true}
	if !q.Filtered() {
		in.Limit = q.Skip + q.Limit
	}
	matches := q.Matcher()
	var found []statuspage.Incident
	var from ddb.Item
	for skipped, pages := 0, 0; len(found) < q.Limit; pages++ {
		if pages == maxSearchPages {
			return nil, statuspage.ErrSearchTooWide
		}
		items, next, err := s.table.Page(ctx, in, from)
		if err != nil {
			return nil, err
		}
		for _, it := range items {
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
		if from = next; from == nil {
			break
		}
	}
	return s.withBodies(ctx, found)
}

// withBodies adds the bodies to incidents.
func (s *Store) withBodies(ctx context.Context, incidents []statuspage.Incident) ([]statuspage.LegacyIncident, error) {
	keys := make([]ddb.Key, len(incidents))
	for n, i := range incidents {
		keys[n] = bodyKey(i.ID)
	}
	bodies, err := s.table.BatchGet(ctx, keys)
	if err != nil {
		return nil, err
	}
	all := make([]statuspage.LegacyIncident, len(incidents))
	for n, i := range incidents {
		all[n].Incident = i
		if all[n].Body, err = readBody(bodies[keys[n]]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// AddNote implements apilegacy.CommentStore.
func (s *Store) AddNote(ctx context.Context, incidentID int64, text string, now int64, once *statuspage.Once[statuspage.Comment]) (statuspage.Comment, error) {
	id, old, err := s.beforeComment(ctx, incidentID)
	if err != nil {
		return statuspage.Comment{}, err
	}
	n := statuspage.NewComment{Text: text, Time: statuspage.FloorMinute(now)}
	var c statuspage.Comment
	_, err = s.changeIncident(ctx, old, now, func(old statuspage.Incident) (incidentChange, error) {
		n.State = old.State
		c = n.Made(incidentID, id, now)
		return s.withComment(old.Noted(now), c, once), nil
	})
	if err != nil {
		return statuspage.Comment{}, err
	}
	return c, nil
}

// Notes implements apilegacy.CommentStore. The comments are read by id: a later one has a
// greater id.
func (s *Store) Notes(ctx context.Context, incidentID int64, take func(statuspage.Comment) bool) error {
	q := ddb.Query{PK: incidentPK(incidentID), Low: commentPrefix, High: commentPrefix + "~", Newest: true, Absent: attrDeleted}
	_, err := s.listComments(ctx, incidentID, q, nil, take)
	return err
}
