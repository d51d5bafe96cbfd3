package dynamo

import (
	"context"

	"tocsin/internal/ddb"
	"tocsin/internal/statuspage"
)

// MaxRowsRead is how many rows a page of a list may cost.
const MaxRowsRead = maxRowsRead

// LoadRow writes an item with nothing but its key under a monitor.
func (s *Store) LoadRow(ctx context.Context, monitorID int64, sk string) error {
	_, err := s.table.PutAbsent(ctx, ddb.Key{PK: monitorPK(monitorID), SK: sk}.Item())
	return err
}

// Windows is windows.
func (s *Store) Windows(ctx context.Context, monitorID, from, to int64) ([]statuspage.Window, error) {
	return s.windows(ctx, monitorID, from, to)
}

// StoreMaintenance stores a maintenance as it is, without a look at what there is.
func (s *Store) StoreMaintenance(ctx context.Context, m statuspage.Maintenance, now int64) error {
	var writes []ddb.Write
	for _, it := range MaintenanceItems(m, now) {
		writes = append(writes, s.table.Put(it))
	}
	_, err := s.table.Transact(ctx, writes...)
	return err
}
