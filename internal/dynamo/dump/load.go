package dump

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"tocsin/internal/ddb"
	"tocsin/internal/dynamo"
	"tocsin/internal/statuspage"
)

// loadersAtOnce is how many batches Load has on the way.
const loadersAtOnce = 4

// Load writes the records as they are, 25 a call, and lets the counters follow: the
// quick way to a full table, for tests and measurements. The table must be empty.
func (s *Dump) Load(ctx context.Context, incidents iter.Seq[statuspage.Incident], comments []statuspage.Comment, monitors []statuspage.Monitor) error {
	l := newLoader(ctx, s)
	drawn := map[dynamo.Counter]int64{}
	for i := range incidents {
		drawn[dynamo.IncidentIDs] = max(drawn[dynamo.IncidentIDs], i.ID)
		for _, it := range dynamo.IncidentItems(i) {
			l.put(it)
		}
		if l.ctx.Err() != nil {
			break
		}
	}
	for _, c := range comments {
		drawn[dynamo.CommentIDs] = max(drawn[dynamo.CommentIDs], c.ID)
		l.put(dynamo.CommentItem(c))
	}
	for _, m := range monitors {
		drawn[dynamo.MonitorIDs] = max(drawn[dynamo.MonitorIDs], m.ID)
		l.put(dynamo.MonitorItem(m))
	}
	for c, n := range drawn {
		it := dynamo.CounterKey(c).Item()
		it[dynamo.AttrLast] = ddb.Num(n)
		l.put(it)
	}
	return l.wait()
}

// LoadMaintenances is Load for maintenances with the records of their occurrences, as they are
// at now (UTC seconds), into a table without any. Their monitors must be there.
func (s *Dump) LoadMaintenances(ctx context.Context, maintenances iter.Seq[statuspage.Maintenance], occurrences []statuspage.Occurrence, now int64) error {
	l := newLoader(ctx, s)
	var last statuspage.LastIDs
	for m := range maintenances {
		last.Maintenance = max(last.Maintenance, m.ID)
		for _, it := range dynamo.MaintenanceItems(m, now) {
			l.put(it)
		}
		if l.ctx.Err() != nil {
			break
		}
	}
	for _, o := range occurrences {
		last.Occurrence = max(last.Occurrence, o.ID)
		l.put(dynamo.OccurrenceItem(o))
	}
	if err := l.wait(); err != nil {
		return err
	}
	return s.RaiseIDs(ctx, last)
}

// A loader gathers items and writes them, some a call and a few calls at once.
type loader struct {
	write   func(context.Context, []ddb.Item) error
	size    int // of the items of a call
	group   *errgroup.Group
	ctx     context.Context // ends with the first failure
	pending []ddb.Item
}

// newLoader returns a loader whose items may be as large as items can be.
func newLoader(ctx context.Context, s *Dump) *loader {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(loadersAtOnce)
	write := func(ctx context.Context, items []ddb.Item) error {
		var requests []types.WriteRequest
		for _, it := range items {
			requests = append(requests, ddb.PutRequest(it))
		}
		return s.table.BatchWrite(ctx, requests)
	}
	return &loader{write: write, size: ddb.BatchWriteSize, group: g, ctx: ctx}
}

// newSmallLoader returns a loader of items of at most 20 KB. It writes them in transactions,
// each of which DynamoDB Local brings to the disk at once, which is eight times as fast.
func newSmallLoader(ctx context.Context, s *Dump) *loader {
	l := newLoader(ctx, s)
	l.size = 100
	l.write = func(ctx context.Context, items []ddb.Item) error {
		var writes []ddb.Write
		for _, it := range items {
			writes = append(writes, s.table.Put(it))
		}
		_, err := s.table.Transact(ctx, writes...)
		return err
	}
	return l
}

func (l *loader) put(it ddb.Item) {
	l.pending = append(l.pending, it)
	if len(l.pending) == l.size {
		l.send()
	}
}

func (l *loader) send() {
	if len(l.pending) == 0 {
		return
	}
	items := l.pending
	l.pending = nil
	l.group.Go(func() error { return l.write(l.ctx, items) })
}

func (l *loader) wait() error {
	l.send()
	return l.group.Wait()
}

// LoadPoints writes hours of points by the ids of their monitors: the quick way to much
// monitoring data. There must be none of these hours yet, and no totals
// of their days.
func (s *Dump) LoadPoints(ctx context.Context, hours iter.Seq2[int64, []statuspage.Point], now int64) error {
	l := newSmallLoader(ctx, s)
	for monitorID, points := range hours {
		l.put(dynamo.HourItem(monitorID, points, now))
		if l.ctx.Err() != nil {
			break
		}
	}
	return l.wait()
}

// LoadDays writes totals of ended days by the ids of their monitors. There must be no points
// of these days, and none can be set later.
func (s *Dump) LoadDays(ctx context.Context, days iter.Seq2[int64, statuspage.DayTotals], now int64) error {
	l := newSmallLoader(ctx, s)
	for monitorID, t := range days {
		l.put(dynamo.DayItem(monitorID, t, now))
		if l.ctx.Err() != nil {
			break
		}
	}
	return l.wait()
}
