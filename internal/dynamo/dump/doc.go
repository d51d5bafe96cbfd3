// Package dump reads and writes a whole table: exports and imports, a table's definition,
// and the quick filling of one for tests and measurements. No function links it.
package dump

import (
	"tocsin/internal/ddb"
	"tocsin/internal/dynamo"
	"tocsin/internal/statuspage"
)

// Dump works on the table of a store. What it writes makes no change rows.
type Dump struct {
	*dynamo.Store
	table *ddb.Table
}

var _ statuspage.ImportStore = (*Dump)(nil)

// New returns the Dump of the store's table.
func New(s *dynamo.Store) *Dump { return &Dump{s, s.Table()} }
