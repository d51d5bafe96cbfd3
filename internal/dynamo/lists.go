package dynamo

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"golang.org/x/sync/errgroup"

	"tocsin/internal/statuspage"
)

// maxRowsRead is how many rows one page of a list may cost (contract v4, part A,
// Beyond the original).
const maxRowsRead = 2000

const (
	gsi1Query = attrGSI1PK + " = :pk AND " + attrGSI1SK + " BETWEEN :low AND :high"
	gsi3Query = attrGSI2PK + " = :pk AND " + attrGSI1SK + " BETWEEN :low AND :high"
	rowsQuery = attrPK + " = :pk AND " + attrSK + " BETWEEN :low AND :high"
)

// Incidents implements statuspage.IncidentStore. Without tags it reads an index,
// which follows a write within moments; with tags it reads the rows under the
// monitors and then the incidents, strongly consistent.
func (s *Store) Incidents(ctx context.Context, q statuspage.IncidentQuery, take func(statuspage.Incident) bool) (*statuspage.IncidentPosition, error) {
	low, high := timeAndID(q.From, 0), maxTimeAndID(q.To)
	if q.After != nil {
		high = min(high, timeAndID(q.After.Start, q.After.ID-1))
	}
	if low > high { // DynamoDB refuses an empty range
		return nil, nil
	}
	if q.Tags != nil {
		return s.taggedIncidents(ctx, q, low, high, take)
	}
	in := &dynamodb.QueryInput{
		TableName: s.table, IndexName: aws.String(indexGSI1), ScanIndexForward: aws.Bool(false),
		KeyConditionExpression:    aws.String(gsi1Query),
		ExpressionAttributeValues: item{":pk": str(allIncidents), ":low": str(low), ":high": str(high)},
		Limit:                     limitOf(q.Limit + 1),
	}
	if q.Open != nil {
		in.IndexName, in.KeyConditionExpression = aws.String(indexGSI3), aws.String(gsi3Query)
		in.ExpressionAttributeValues[":pk"] = openOrClosed(!*q.Open)
	}
	pages := dynamodb.NewQueryPaginator(s.client, in)
	last := q.After
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, failure("query incidents", err)
		}
		for _, it := range page.Items {
			i, err := readIncident(it)
			if err != nil {
				return nil, err
			}
			if !take(i) {
				return last, nil
			}
			last = &statuspage.IncidentPosition{Start: i.Start, ID: i.ID}
		}
	}
	return nil, nil
}

// taggedIncidents lists the incidents on any of the tags' monitors, by merging
// their rows, newest first, and reading the incidents that these point to.
func (s *Store) taggedIncidents(ctx context.Context, q statuspage.IncidentQuery, low, high string, take func(statuspage.Incident) bool) (*statuspage.IncidentPosition, error) {
	ids, err := s.monitorIDs(ctx, q.Tags)
	if err != nil {
		return nil, err
	}
	// One row more than can be taken tells whether there is a next page. With a filter
	// by status its incident has to tell, so that is read too.
	step := q.Limit
	if q.Open != nil {
		step++
	}
	m := merge{store: s, chunk: q.Limit + 1}
	for _, id := range ids {
		m.rows = append(m.rows, &monitorRows{monitorID: id, low: low, high: high})
	}
	last, taken, read := q.After, 0, 0
	for read < maxRowsRead {
		positions, err := m.next(ctx, step)
		if err != nil {
			return nil, err
		}
		if len(positions) == 0 {
			return nil, nil
		}
		keys := make([]key, len(positions))
		for i, p := range positions {
			keys[i] = incidentKey(p.ID)
		}
		found, err := s.batchGet(ctx, keys)
		if err != nil {
			return nil, err
		}
		for _, p := range positions {
			// An incident that is gone by now was deleted since its row was read.
			if it := found[incidentKey(p.ID)]; it != nil {
				i, err := readIncident(it)
				if err != nil {
					return nil, err
				}
				if q.Open == nil || *q.Open == (i.Closed == nil) {
					if !take(i) {
						return last, nil
					}
					taken++
				}
			}
			last = &statuspage.IncidentPosition{Start: p.Start, ID: p.ID}
		}
		read += len(positions)
		if q.Open == nil && taken == q.Limit {
			more, err := m.more(ctx)
			if err != nil || !more {
				return nil, err
			}
			return last, nil
		}
		// Few of them passed the filter: the next step is longer, so that there are few.
		step = min(max(4*step, batchGetSize/2), maxRowsRead-read)
		m.chunk = step
	}
	return last, nil
}

// merge merges the incident rows of several monitors, newest first, each incident
// once.
type merge struct {
	store *Store
	chunk int // rows a query asks for
	rows  []*monitorRows
	last  statuspage.IncidentPosition
}

// monitorRows is what was read and not yet merged of one monitor's rows.
type monitorRows struct {
	monitorID int64
	low, high string
	buffer    []statuspage.IncidentPosition
	next      item
	done      bool
}

// next returns up to n positions; fewer only at the end.
func (m *merge) next(ctx context.Context, n int) ([]statuspage.IncidentPosition, error) {
	var out []statuspage.IncidentPosition
	for len(out) < n {
		newest, err := m.newest(ctx)
		if err != nil {
			return nil, err
		}
		if newest == nil {
			break
		}
		m.last = newest.buffer[0]
		out = append(out, m.last)
	}
	return out, nil
}

// more reports whether there is another position.
func (m *merge) more(ctx context.Context) (bool, error) {
	newest, err := m.newest(ctx)
	return newest != nil, err
}

// newest returns the monitor whose first row is the next position, nil at the end.
func (m *merge) newest(ctx context.Context) (*monitorRows, error) {
	for {
		if err := m.fill(ctx); err != nil {
			return nil, err
		}
		var newest *monitorRows
		for _, r := range m.rows {
			if len(r.buffer) > 0 && (newest == nil || before(r.buffer[0], newest.buffer[0])) {
				newest = r
			}
		}
		if newest == nil || newest.buffer[0] != m.last {
			return newest, nil
		}
		newest.buffer = newest.buffer[1:] // already returned, for another monitor or this one
	}
}

// before reports whether a comes before b in a list.
func before(a, b statuspage.IncidentPosition) bool {
	if a.Start != b.Start {
		return a.Start > b.Start
	}
	return a.ID > b.ID
}

// fill reads the next rows of every monitor that has none left, at once.
func (m *merge) fill(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(16)
	for _, r := range m.rows {
		if len(r.buffer) == 0 && !r.done {
			g.Go(func() error { return r.read(gctx, m.store, m.chunk) })
		}
	}
	return g.Wait()
}

func (r *monitorRows) read(ctx context.Context, s *Store, limit int) error {
	for len(r.buffer) == 0 && !r.done {
		out, err := s.client.Query(ctx, &dynamodb.QueryInput{
			TableName: s.table, ConsistentRead: aws.Bool(true), ScanIndexForward: aws.Bool(false),
			KeyConditionExpression: aws.String(rowsQuery),
			ExpressionAttributeValues: item{
				":pk": str(monitorPK(r.monitorID)), ":low": str(incidentRowPrefix + r.low), ":high": str(incidentRowPrefix + r.high),
			},
			Limit: limitOf(limit), ExclusiveStartKey: r.next,
		})
		if err != nil {
			return failure("query a monitor's incidents", err)
		}
		for _, it := range out.Items {
			start, id, err := parseTimeAndID(strings.TrimPrefix(keyOf(it).sk, incidentRowPrefix))
			if err != nil {
				return err
			}
			r.buffer = append(r.buffer, statuspage.IncidentPosition{Start: start, ID: id})
		}
		r.next, r.done = out.LastEvaluatedKey, out.LastEvaluatedKey == nil
	}
	return nil
}
