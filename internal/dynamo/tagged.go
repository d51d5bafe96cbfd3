package dynamo

import (
	"context"
	"strings"

	"golang.org/x/sync/errgroup"

	"tocsin/internal/ddb"
	"tocsin/internal/statuspage"
)

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
	m := merge{table: s.table, chunk: q.Limit + 1}
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
		ids := make([]int64, len(positions))
		for n, p := range positions {
			ids[n] = p.ID
		}
		found, err := s.IncidentsByID(ctx, ids)
		if err != nil {
			return nil, err
		}
		for _, p := range positions {
			// An incident that is gone by now was deleted since its row was read.
			if i, there := found[p.ID]; there && (q.Open == nil || *q.Open == (i.Closed == nil)) {
				if !take(i) {
					return last, nil
				}
				taken++
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
		// The filter let few pass, so the next step reads more rows: a page takes few
		// steps.
		step = min(max(4*step, ddb.BatchGetSize/2), maxRowsRead-read)
		m.chunk = step
	}
	return last, nil
}

// merge merges the incident rows of several monitors, newest first, each incident
// once.
type merge struct {
	table *ddb.Table
	chunk int // rows a query asks for
	rows  []*monitorRows
	last  statuspage.IncidentPosition
}

// monitorRows is what was read and not yet merged of one monitor's rows.
type monitorRows struct {
	monitorID int64
	low, high string
	buffer    []statuspage.IncidentPosition
	next      ddb.Item
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
			g.Go(func() error { return r.read(gctx, m.table, m.chunk) })
		}
	}
	return g.Wait()
}

func (r *monitorRows) read(ctx context.Context, t *ddb.Table, limit int) error {
	q := ddb.Query{PK: monitorPK(r.monitorID), Low: incidentRowPrefix + r.low, High: incidentRowPrefix + r.high, Newest: true, Limit: limit}
	for len(r.buffer) == 0 && !r.done {
		items, next, err := t.Page(ctx, q, r.next)
		if err != nil {
			return err
		}
		for _, it := range items {
			start, id, err := parseTimeAndID(strings.TrimPrefix(ddb.KeyOf(it).SK, incidentRowPrefix))
			if err != nil {
				return err
			}
			r.buffer = append(r.buffer, statuspage.IncidentPosition{Start: start, ID: id})
		}
		r.next, r.done = next, next == nil
	}
	return nil
}
