package dynamo

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"tocsin/internal/statuspage"
)

// loadersAtOnce is how many batches Load has on the way.
const loadersAtOnce = 4

// Load writes the records as they are, 25 a call, and lets the counters follow: the
// quick way to a full table, for tests and measurements. The table must be empty.
func (s *Store) Load(ctx context.Context, incidents iter.Seq[statuspage.Incident], comments []statuspage.Comment, monitors []statuspage.Monitor) error {
	l := newLoader(ctx, s)
	drawn := map[counter]int64{}
	for i := range incidents {
		drawn[incidentIDs] = max(drawn[incidentIDs], i.ID)
		l.put(incidentItem(i))
		for _, m := range i.Monitors {
			l.put(incidentRow(m.MonitorID, i))
		}
		if l.ctx.Err() != nil {
			break
		}
	}
	for _, c := range comments {
		drawn[commentIDs] = max(drawn[commentIDs], c.ID)
		l.put(commentItem(c))
	}
	for _, m := range monitors {
		drawn[monitorIDs] = max(drawn[monitorIDs], m.ID)
		l.put(monitorItem(m))
	}
	for c, n := range drawn {
		it := counterKey(c).attributes()
		it[attrLast] = num(n)
		l.put(it)
	}
	return l.wait()
}

// A loader gathers items into batches and writes them, a few at once.
type loader struct {
	store   *Store
	group   *errgroup.Group
	ctx     context.Context // ends with the first failure
	pending []types.WriteRequest
}

func newLoader(ctx context.Context, s *Store) *loader {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(loadersAtOnce)
	return &loader{store: s, group: g, ctx: ctx}
}

func (l *loader) put(it item) {
	l.pending = append(l.pending, types.WriteRequest{PutRequest: &types.PutRequest{Item: it}})
	if len(l.pending) == batchWriteSize {
		l.send()
	}
}

func (l *loader) send() {
	requests := l.pending
	l.pending = nil
	l.group.Go(func() error { return l.store.batchWrite(l.ctx, requests) })
}

func (l *loader) wait() error {
	l.send()
	return l.group.Wait()
}
