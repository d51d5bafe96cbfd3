package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"tocsin/internal/statuspage"
)

// MaxRowsRead is how many rows a page of a list may cost.
const MaxRowsRead = maxRowsRead

// Load writes the records as they are, 25 a call, and lets the counters follow: the
// quick way to a full table.
func (s *Store) Load(ctx context.Context, incidents []statuspage.Incident, comments []statuspage.Comment, monitors []statuspage.Monitor) error {
	var items []item
	drawn := map[counter]int64{}
	for _, i := range incidents {
		drawn[incidentIDs] = max(drawn[incidentIDs], i.ID)
		items = append(items, incidentItem(i))
		for _, m := range i.Monitors {
			items = append(items, incidentRow(m.MonitorID, i))
		}
	}
	for _, c := range comments {
		drawn[commentIDs] = max(drawn[commentIDs], c.ID)
		items = append(items, commentItem(c))
	}
	for _, m := range monitors {
		drawn[monitorIDs] = max(drawn[monitorIDs], m.ID)
		items = append(items, monitorItem(m))
	}
	for c, n := range drawn {
		it := counterKey(c).attributes()
		it["n"] = num(n)
		items = append(items, it)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for len(items) > 0 {
		n := min(len(items), batchWriteSize)
		requests := make([]types.WriteRequest, n)
		for i, it := range items[:n] {
			requests[i].PutRequest = &types.PutRequest{Item: it}
		}
		items = items[n:]
		g.Go(func() error {
			_, err := s.client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
				RequestItems: map[string][]types.WriteRequest{*s.table: requests},
			})
			return err
		})
	}
	return g.Wait()
}

// LoadRow writes an item with nothing but its key under a monitor.
func (s *Store) LoadRow(ctx context.Context, monitorID int64, sk string) error {
	_, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: s.table, Item: key{monitorPK(monitorID), sk}.attributes()})
	return err
}
