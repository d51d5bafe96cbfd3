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

// A loader gathers items into batches and writes them, a few at once.
type loader struct {
	table   *ddb.Table
	group   *errgroup.Group
	ctx     context.Context // ends with the first failure
	pending []types.WriteRequest
}

func newLoader(ctx context.Context, s *Dump) *loader {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(loadersAtOnce)
	return &loader{table: s.table, group: g, ctx: ctx}
}

func (l *loader) put(it ddb.Item) {
	l.pending = append(l.pending, ddb.PutRequest(it))
	if len(l.pending) == ddb.BatchWriteSize {
		l.send()
	}
}

func (l *loader) send() {
	if len(l.pending) == 0 {
		return
	}
	requests := l.pending
	l.pending = nil
	l.group.Go(func() error { return l.table.BatchWrite(l.ctx, requests) })
}

func (l *loader) wait() error {
	l.send()
	return l.group.Wait()
}

// LoadPoints writes hours of points by the ids of their monitors, 25 hours a call: the
// quick way to much monitoring data. There must be none of these hours yet, and no totals
// of their days.
func (s *Dump) LoadPoints(ctx context.Context, hours iter.Seq2[int64, []statuspage.Point], now int64) error {
	l := newLoader(ctx, s)
	for monitorID, points := range hours {
		l.put(dynamo.HourItem(monitorID, points, now))
		if l.ctx.Err() != nil {
			break
		}
	}
	return l.wait()
}
