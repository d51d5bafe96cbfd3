package dynamo

import (
	"context"

	"golang.org/x/sync/errgroup"

	"tocsin/internal/ddb"
	"tocsin/internal/statuspage"
)

const commentPrefix = "COMMENT#"

func commentKey(incidentID, id int64) ddb.Key {
	return ddb.Key{PK: incidentPK(incidentID), SK: commentPrefix + padID(id)}
}

// Attributes of a comment.
const (
	attrIncidentID = "incident_id"
	attrText       = "text"
	attrTime       = "time"
	attrDeleted    = "deleted"
)

// CommentItem is the item of a comment.
func CommentItem(c statuspage.Comment) ddb.Item {
	it := commentKey(c.IncidentID, c.ID).Item()
	it[ddb.AttrLSI1SK] = ddb.Str(timeAndID(c.Time, c.ID))
	it[ddb.AttrID] = ddb.Num(c.ID)
	it[attrIncidentID] = ddb.Num(c.IncidentID)
	it[attrText] = ddb.Str(c.Text)
	it[attrTime] = ddb.Num(c.Time)
	it[attrState] = ddb.Str(string(c.State))
	it[attrCreated] = ddb.Num(c.Created)
	it[attrUpdated] = ddb.Num(c.Updated)
	it[ddb.AttrVersion] = ddb.Num(c.Version)
	return it
}

func readComment(it ddb.Item) (statuspage.Comment, error) {
	r := ddb.Reader{Item: it}
	c := statuspage.Comment{
		ID:         r.Num(ddb.AttrID),
		IncidentID: r.Num(attrIncidentID),
		Text:       r.Str(attrText),
		Time:       r.Num(attrTime),
		State:      statuspage.State(r.Str(attrState)),
		Created:    r.Num(attrCreated),
		Updated:    r.Num(attrUpdated),
		Version:    r.Num(ddb.AttrVersion),
	}
	return c, r.Err
}

// Comment implements apiv4.CommentStore.
func (s *Store) Comment(ctx context.Context, incidentID, id int64) (statuspage.Comment, error) {
	found, err := s.table.BatchGet(ctx, []ddb.Key{incidentKey(incidentID), commentKey(incidentID, id)})
	if err != nil {
		return statuspage.Comment{}, err
	}
	if found[incidentKey(incidentID)] == nil {
		return statuspage.Comment{}, statuspage.IncidentNotFound(incidentID)
	}
	it := found[commentKey(incidentID, id)]
	if it == nil || it[attrDeleted] != nil {
		return statuspage.Comment{}, statuspage.CommentNotFound(id, incidentID)
	}
	return readComment(it)
}

// Comments implements apiv4.CommentStore.
func (s *Store) Comments(ctx context.Context, incidentID int64, q statuspage.CommentQuery, take func(statuspage.Comment) bool) (*statuspage.CommentPosition, error) {
	in := ddb.Query{
		Index: ddb.LSI1, PK: incidentPK(incidentID), Low: timeAndID(0, 0), High: maxTimeAndID(statuspage.MaxTimestamp), Newest: true, Limit: q.Limit + 1,
	}
	if q.After != nil {
		in.High = timeAndID(q.After.Time, q.After.ID-1)
	}
	return s.listComments(ctx, incidentID, in, q.After, take)
}

// NewestComments implements site.Store. It does not ask whether there is such an incident.
func (s *Store) NewestComments(ctx context.Context, incidentID int64, limit int) ([]statuspage.Comment, error) {
	q := ddb.Query{
		Index: ddb.LSI1, PK: incidentPK(incidentID), Low: timeAndID(0, 0), High: maxTimeAndID(statuspage.MaxTimestamp), Newest: true, Limit: limit,
	}
	var comments []statuspage.Comment
	for it, err := range s.table.Items(ctx, q) {
		if err != nil {
			return nil, err
		}
		c, err := readComment(it)
		if err != nil {
			return nil, err
		}
		if comments = append(comments, c); len(comments) == limit {
			break
		}
	}
	return comments, nil
}

// listComments lists comments of an incident, and reads beside the first page whether there
// is such an incident. It returns IncidentNotFound.
func (s *Store) listComments(ctx context.Context, incidentID int64, q ddb.Query, after *statuspage.CommentPosition, take func(statuspage.Comment) bool) (*statuspage.CommentPosition, error) {
	var missing error
	known := make(chan struct{})
	go func() {
		defer close(known)
		_, missing = s.Incident(ctx, incidentID)
	}()
	next, err := ddb.List(ctx, s.table, ddb.Listing[statuspage.Comment, *statuspage.CommentPosition]{
		Query: q, Take: take, After: after,
		Read: func(ctx context.Context, items []ddb.Item) ([]statuspage.Comment, error) {
			if <-known; missing != nil {
				return nil, missing
			}
			return ddb.Each(readComment)(ctx, items)
		},
		Position: func(c statuspage.Comment) *statuspage.CommentPosition {
			return &statuspage.CommentPosition{Time: c.Time, ID: c.ID}
		},
	})
	<-known
	return next, err
}

// CreateComment implements apiv4.CommentStore. The comment and its effect on
// the incident are one transaction.
func (s *Store) CreateComment(ctx context.Context, incidentID int64, n statuspage.NewComment, now int64, once *statuspage.Once[statuspage.Comment]) (statuspage.Comment, error) {
	id, old, err := s.beforeComment(ctx, incidentID)
	if err != nil {
		return statuspage.Comment{}, err
	}
	c := n.Made(incidentID, id, now)
	_, err = s.changeIncident(ctx, old, now, func(old statuspage.Incident) (incidentChange, error) {
		next, err := old.Commented(c, now)
		return s.withComment(next, c, once), err
	})
	if err != nil {
		return statuspage.Comment{}, err
	}
	return c, nil
}

// beforeComment draws the id of a new comment and reads its incident, at once.
func (s *Store) beforeComment(ctx context.Context, incidentID int64) (id int64, incident statuspage.Incident, err error) {
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		id, err = s.nextID(gctx, CommentIDs)
		return err
	})
	g.Go(func() (err error) {
		incident, err = s.Incident(gctx, incidentID)
		return err
	})
	err = g.Wait()
	return id, incident, err
}

// withComment is the change of an incident that its new comment makes.
func (s *Store) withComment(next statuspage.Incident, c statuspage.Comment, once *statuspage.Once[statuspage.Comment]) incidentChange {
	return incidentChange{
		next: next, what: statuspage.Change{What: statuspage.CommentCreated, CommentID: c.ID},
		also: []ddb.Write{s.table.PutNew(CommentItem(c))}, completion: completion(s, once, c),
	}
}

// commentChange is the change row of a comment whose incident stays as it is.
func commentChange(incidentID, id int64, what statuspage.ChangeKind) statuspage.Change {
	return statuspage.Change{Record: statuspage.RecordIncident, ID: incidentID, CommentID: id, What: what}
}

// UpdateComment implements apiv4.CommentStore.
func (s *Store) UpdateComment(ctx context.Context, incidentID, id int64, p statuspage.CommentPatch, now int64) (statuspage.Comment, error) {
	var next statuspage.Comment
	err := ddb.Retry(ctx, func() (done bool, err error) {
		old, err := s.Comment(ctx, incidentID, id)
		if err != nil {
			return false, err
		}
		next = old.Apply(p, now)
		was, is := CommentItem(old), CommentItem(next)
		writes := []ddb.Write{s.table.Check(incidentKey(incidentID), ddb.NewExpr().IfExists()), s.table.Change(was, is)}
		if changedFields(statuspage.RecordIncident, was, is) != nil {
			writes = append(writes, s.changeRow(ctx, commentChange(incidentID, id, statuspage.CommentUpdated), now))
		}
		refused, err := s.table.Transact(ctx, writes...)
		return refused == nil, err
	})
	if err != nil {
		return statuspage.Comment{}, err
	}
	return next, nil
}

// DeleteComment implements apiv4.CommentStore. It needs no read: the refusal
// says which of the two does not exist.
func (s *Store) DeleteComment(ctx context.Context, incidentID, id int64, now int64) error {
	e := ddb.NewExpr().IfExists().IfHas(attrDeleted, false).
		Set(attrDeleted, ddb.Num(now)).Set(attrUpdated, ddb.Num(now)).Increment(ddb.AttrVersion).Remove(ddb.AttrLSI1SK)
	refused, err := s.table.Transact(ctx,
		s.table.Check(incidentKey(incidentID), ddb.NewExpr().IfExists()),
		s.table.Update(commentKey(incidentID, id), e),
		s.changeRow(ctx, commentChange(incidentID, id, statuspage.CommentDeleted), now))
	switch {
	case err != nil:
		return err
	case refused == nil:
		return nil
	case refused.Failed(0):
		return statuspage.IncidentNotFound(incidentID)
	default:
		return statuspage.CommentNotFound(id, incidentID)
	}
}
