package dynamo

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tocsin/internal/statuspage"
)

var errContended = errors.New("other writers changed the record at every try")

// rowsAtOnce is how many rows of a deleted monitor its DELETE removes itself; the
// rest is left to Cleanup.
const rowsAtOnce = 200

// keysAtOnce is how many rows of a monitor, or of CLEANUP, are looked up at once.
const keysAtOnce = 100

func cleanupItem(kind string, id, now int64) item {
	it := cleanupKey(kind, id).attributes()
	it[attrCreated] = num(now)
	return it
}

// finishLater takes the error of the last part of a deletion. The deletion itself
// stands and its rows are invisible, so the caller's request has succeeded; its
// CLEANUP row makes Cleanup do the rest.
func (s *Store) finishLater(ctx context.Context, err error) {
	if err != nil {
		s.log.WarnContext(ctx, "a deletion is left to the cleanup", "cause", err.Error())
	}
}

const partitionQuery = attrPK + " = :pk"

// rows are keys of items in one partition.
type rows struct {
	keys []key
	next item // where the partition's next page starts; nil at its end
}

// under is a strongly consistent query of all items under pk, cut to their keys and
// these fields.
func (s *Store) under(pk string, fields ...string) *dynamodb.QueryInput {
	e := newExpr()
	return &dynamodb.QueryInput{
		TableName: s.table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression: aws.String(partitionQuery), ExpressionAttributeValues: item{":pk": str(pk)},
		ProjectionExpression: e.projection(fields...), ExpressionAttributeNames: e.names,
	}
}

func (s *Store) query(ctx context.Context, in *dynamodb.QueryInput) ([]item, rows, error) {
	out, err := s.client.Query(ctx, in)
	if err != nil {
		return nil, rows{}, failure("query keys", err)
	}
	r := rows{next: out.LastEvaluatedKey}
	for _, it := range out.Items {
		r.keys = append(r.keys, keyOf(it))
	}
	return out.Items, r, nil
}

// incidentRows reads a page of the keys under an incident, from the last key
// backwards, and with fields of the incident: META is the greatest key, so it is
// the first item of the first page if the incident exists.
func (s *Store) incidentRows(ctx context.Context, id int64, start item, fields ...string) ([]item, rows, error) {
	in := s.under(incidentPK(id), fields...)
	in.ScanIndexForward, in.ExclusiveStartKey = aws.Bool(false), start
	return s.query(ctx, in)
}

// readForDeletion reads the incident and the keys of the first page of what else is
// under it. It returns IncidentNotFound.
//
// META is read before the rest: a comment that is not among the keys then came
// after this version of META, and the deletion, which asks for this version, is
// refused. Read at the same time, or after, META could know of a comment that the
// keys lack, and that would stay for ever.
func (s *Store) readForDeletion(ctx context.Context, id int64) (statuspage.Incident, rows, error) {
	items, page, err := s.incidentRows(ctx, id, nil, incidentFields...)
	if err != nil {
		return statuspage.Incident{}, rows{}, err
	}
	if len(items) == 0 || page.keys[0] != incidentKey(id) {
		return statuspage.Incident{}, rows{}, statuspage.IncidentNotFound(id)
	}
	i, err := readIncident(items[0])
	page.keys = page.keys[1:]
	return i, page, err
}

// finishIncident removes what a deleted incident left: the page of rows that is
// known, the pages after it, then the CLEANUP row. Nothing is added to a deleted
// incident, so one pass is enough.
func (s *Store) finishIncident(ctx context.Context, id int64, page rows) error {
	for {
		if err := s.deleteAll(ctx, page.keys); err != nil {
			return err
		}
		if page.next == nil {
			return s.deleteAll(ctx, []key{cleanupKey(cleanupIncident, id)})
		}
		var err error
		if _, page, err = s.incidentRows(ctx, id, page.next); err != nil {
			return err
		}
	}
}

// finishMonitor removes what a deleted monitor left, its place in alert rules and
// incidents too, and at last the CLEANUP row. It stops after about limit rows (0: none) and
// reports whether it came to the end.
func (s *Store) finishMonitor(ctx context.Context, id int64, limit int) (done bool, err error) {
	if err := s.leaveRules(ctx, id); err != nil {
		return false, err
	}
	for read := 0; ; {
		in := s.under(monitorPK(id))
		in.Limit = limitOf(keysAtOnce)
		_, page, err := s.query(ctx, in)
		if err != nil {
			return false, err
		}
		if len(page.keys) == 0 {
			return true, s.deleteAll(ctx, []key{cleanupKey(cleanupMonitor, id)})
		}
		if read += len(page.keys); limit > 0 && read > limit {
			return false, nil
		}
		var plain []key
		for _, k := range page.keys {
			if strings.HasPrefix(k.sk, alertRowPrefix) {
				alert, err := alertOfRow(k)
				if err != nil {
					return false, err
				}
				plain = append(plain, alert, k)
				continue
			}
			if !strings.HasPrefix(k.sk, incidentRowPrefix) {
				plain = append(plain, k)
				continue
			}
			if err := s.unlink(ctx, k, id); err != nil {
				return false, err
			}
		}
		if err := s.deleteAll(ctx, plain); err != nil {
			return false, err
		}
	}
}

// unlink takes a deleted monitor out of the incident that its row points to, and
// removes the row. The incident's update time stays: nobody worked on it.
func (s *Store) unlink(ctx context.Context, row key, monitorID int64) error {
	_, incidentID, err := parseTimeAndID(strings.TrimPrefix(row.sk, incidentRowPrefix))
	if err != nil {
		return err
	}
	for attempt := 0; ; attempt++ {
		it, err := s.get(ctx, incidentKey(incidentID))
		if err != nil {
			return err
		}
		writes := []types.TransactWriteItem{s.remove(row, nil)}
		if it != nil {
			i, err := readIncident(it)
			if err != nil {
				return err
			}
			var kept []statuspage.AffectedMonitor
			for _, m := range i.Monitors {
				if m.MonitorID != monitorID {
					kept = append(kept, m)
				}
			}
			if len(kept) != len(i.Monitors) {
				e := newExpr().ifVersion(i.Version).set(attrMonitors, affectedList(kept)).increment(attrVersion)
				writes = append(writes, s.update(incidentKey(incidentID), e))
			}
		}
		refused, err := s.transact(ctx, writes...)
		if err != nil {
			return err
		}
		if refused == nil {
			return nil
		}
		if err := pause(ctx, attempt, errContended); err != nil {
			return err
		}
	}
}

// Cleanup implements statuspage.CleanupStore. A deletion that can't be finished
// does not keep the others from it; the errors are returned together.
func (s *Store) Cleanup(ctx context.Context, now int64) (finished int, err error) {
	var failed []error
	var start item
	for {
		in := s.under(cleanups)
		in.Limit, in.ExclusiveStartKey = limitOf(keysAtOnce), start
		_, page, err := s.query(ctx, in)
		if err != nil {
			return finished, errors.Join(append(failed, err)...)
		}
		for _, k := range page.keys {
			if err := s.finish(ctx, k, now); err != nil {
				failed = append(failed, fmt.Errorf("cleanup of %s: %w", k.sk, err))
				if ctx.Err() != nil {
					return finished, errors.Join(failed...)
				}
				continue
			}
			finished++
		}
		if page.next == nil {
			return finished, errors.Join(failed...)
		}
		start = page.next
	}
}

// finish does the rest of the deletion that a CLEANUP row is about.
func (s *Store) finish(ctx context.Context, row key, now int64) error {
	kind, digits, _ := strings.Cut(row.sk, "#")
	digits, version, _ := strings.Cut(digits, "#")
	id, err := parseID(digits)
	if err != nil {
		return err
	}
	switch kind {
	case cleanupIncident:
		_, page, err := s.incidentRows(ctx, id, nil)
		if err != nil {
			return err
		}
		return s.finishIncident(ctx, id, page)
	case cleanupMonitor:
		_, err := s.finishMonitor(ctx, id, 0)
		return err
	case cleanupRule:
		version, err := parseID(version)
		if err != nil {
			return err
		}
		return s.finishRuleRow(ctx, row, id, version, now)
	}
	return fmt.Errorf("unknown kind %q", kind)
}
