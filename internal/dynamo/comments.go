package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"golang.org/x/sync/errgroup"

	"tocsin/internal/statuspage"
)

// Comment implements statuspage.CommentStore.
func (s *Store) Comment(ctx context.Context, incidentID, id int64) (statuspage.Comment, error) {
	found, err := s.batchGet(ctx, []key{incidentKey(incidentID), commentKey(incidentID, id)})
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

// commentsQuery lists the live comments of an incident, newest first.
const commentsQuery = attrPK + " = :pk AND " + attrLSI1SK + " BETWEEN :low AND :high"

// Comments implements statuspage.CommentStore. The incident is read beside the
// first page.
func (s *Store) Comments(ctx context.Context, incidentID int64, q statuspage.CommentQuery, take func(statuspage.Comment) bool) (*statuspage.CommentPosition, error) {
	high := maxTimeAndID(statuspage.MaxTimestamp)
	if q.After != nil {
		high = timeAndID(q.After.Time, q.After.ID-1)
	}
	in := &dynamodb.QueryInput{
		TableName: s.table, IndexName: aws.String(indexLSI1), ConsistentRead: aws.Bool(true), ScanIndexForward: aws.Bool(false),
		KeyConditionExpression: aws.String(commentsQuery),
		ExpressionAttributeValues: item{
			":pk": str(incidentPK(incidentID)), ":low": str(timeAndID(0, 0)), ":high": str(high),
		},
		Limit: limitOf(q.Limit + 1),
	}
	pages := dynamodb.NewQueryPaginator(s.client, in)

	var page *dynamodb.QueryOutput
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		it, err := s.get(gctx, incidentKey(incidentID))
		if err == nil && it == nil {
			err = statuspage.IncidentNotFound(incidentID)
		}
		return err
	})
	g.Go(func() (err error) {
		page, err = pages.NextPage(gctx)
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, failure("query comments", err)
	}
	last := q.After
	for {
		for _, it := range page.Items {
			c, err := readComment(it)
			if err != nil {
				return nil, err
			}
			if !take(c) {
				return last, nil
			}
			last = &statuspage.CommentPosition{Time: c.Time, ID: c.ID}
		}
		if !pages.HasMorePages() {
			return nil, nil
		}
		var err error
		if page, err = pages.NextPage(ctx); err != nil {
			return nil, failure("query comments", err)
		}
	}
}

// CreateComment implements statuspage.CommentStore. The comment and its effect on
// the incident are one transaction, conditional on what decides that effect:
// whether the incident is closed and, for RESOLVED, its start.
func (s *Store) CreateComment(ctx context.Context, incidentID int64, n statuspage.NewComment, now int64, once *statuspage.Once[statuspage.Comment]) (statuspage.Comment, error) {
	c := statuspage.Comment{
		IncidentID: incidentID, Text: n.Text, Time: n.Time, State: n.State,
		Created: now, Updated: now, Version: 1,
	}
	var incident statuspage.Incident
	var err error
	if c.ID, incident, err = s.beforeComment(ctx, incidentID); err != nil {
		return statuspage.Comment{}, err
	}
	for attempt := 0; ; attempt++ {
		e, err := transition(incident, c, now)
		if err != nil {
			return statuspage.Comment{}, err
		}
		refused, err := transactOnce(ctx, s, once, c, s.update(incidentKey(incidentID), e), s.putNew(commentItem(c)))
		if err != nil {
			return statuspage.Comment{}, err
		}
		if refused == nil {
			return c, nil
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

// beforeComment draws the id of a new comment and reads its incident, at once.
func (s *Store) beforeComment(ctx context.Context, incidentID int64) (id int64, incident statuspage.Incident, err error) {
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		id, err = s.nextID(gctx, commentIDs)
		return err
	})
	g.Go(func() (err error) {
		incident, err = s.Incident(gctx, incidentID)
		return err
	})
	err = g.Wait()
	return id, incident, err
}

// transition is the effect of a new comment on its incident, conditional on what
// decides it: whether the incident is closed and, for RESOLVED, its start. It returns
// ErrCommentBeforeStart. A warning of the closer is taken back.
func transition(incident statuspage.Incident, c statuspage.Comment, now int64) (*expr, error) {
	closed := incident.Closed != nil
	t := statuspage.TransitionOf(c.State, c.Time, closed)
	e := newExpr().ifExists().ifHas(attrClosed, closed).worked(now).
		set(attrState, str(string(t.State))).set(attrGSI2PK, openOrClosed(t.Closes))
	if t.Closes {
		if c.Time < incident.Start {
			return nil, statuspage.ErrCommentBeforeStart
		}
		e.ifCompare(attrStart, "<=", attrEnd, num(c.Time)).setIfAbsent(attrClosed, num(now))
	} else {
		e.remove(attrClosed)
	}
	if t.End.IsSet() {
		e.setOrRemove(attrEnd, t.End.Ptr(nil)).remove(attrEndSeconds)
	}
	if identified, ok := t.Identified.Get(); ok {
		e.setIf(attrIdentified, identified)
	}
	return e, nil
}

// UpdateComment implements statuspage.CommentStore.
func (s *Store) UpdateComment(ctx context.Context, incidentID, id int64, p statuspage.CommentPatch, now int64) (statuspage.Comment, error) {
	for attempt := 0; ; attempt++ {
		old, err := s.Comment(ctx, incidentID, id)
		if err != nil {
			return statuspage.Comment{}, err
		}
		c := old.Apply(p, now)
		e := newExpr().ifVersion(old.Version).ifHas(attrDeleted, false).
			set(attrText, str(c.Text)).set(attrTime, num(c.Time)).set(attrState, str(string(c.State))).
			set(attrUpdated, num(c.Updated)).set(attrVersion, num(c.Version)).set(attrLSI1SK, str(timeAndID(c.Time, c.ID)))
		refused, err := s.transact(ctx,
			s.check(incidentKey(incidentID), newExpr().ifExists()),
			s.update(commentKey(incidentID, id), e))
		if err != nil {
			return statuspage.Comment{}, err
		}
		if refused == nil {
			return c, nil
		}
		if err := pause(ctx, attempt, errContended); err != nil {
			return statuspage.Comment{}, err
		}
	}
}

// DeleteComment implements statuspage.CommentStore. It needs no read: the refusal
// says which of the two does not exist.
func (s *Store) DeleteComment(ctx context.Context, incidentID, id int64, now int64) error {
	e := newExpr().ifExists().ifHas(attrDeleted, false).
		set(attrDeleted, num(now)).set(attrUpdated, num(now)).increment(attrVersion).remove(attrLSI1SK)
	refused, err := s.transact(ctx,
		s.check(incidentKey(incidentID), newExpr().ifExists()),
		s.update(commentKey(incidentID, id), e))
	switch {
	case err != nil:
		return err
	case refused == nil:
		return nil
	case refused.failed(0):
		return statuspage.IncidentNotFound(incidentID)
	default:
		return statuspage.CommentNotFound(id, incidentID)
	}
}
