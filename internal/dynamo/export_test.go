package dynamo

import (
	"context"

	"tocsin/internal/ddb"
)

// MaxRowsRead is how many rows a page of a list may cost.
const MaxRowsRead = maxRowsRead

// LoadRow writes an item with nothing but its key under a monitor.
func (s *Store) LoadRow(ctx context.Context, monitorID int64, sk string) error {
	_, err := s.table.PutAbsent(ctx, ddb.Key{PK: monitorPK(monitorID), SK: sk}.Item())
	return err
}
