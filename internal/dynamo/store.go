package dynamo

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"tocsin/internal/ddb"
	"tocsin/internal/statuspage"
)

// Store keeps the records of package statuspage in one table. It is safe for use by many
// goroutines. It retries until the deadline of the context.
type Store struct {
	table *ddb.Table
	log   *slog.Logger
	kept  int64 // seconds that the minutes of an hour are kept

	deliveries *atomic.Int64 // that were kept, see RecordDelivery
}

// New returns the store in the table. It logs to slog's default logger, see WithLog, and
// keeps minutes for statuspage.DefaultRetention days, see WithRetention.
func New(client *dynamodb.Client, table string) *Store {
	return &Store{table: ddb.New(client, table), log: slog.Default(), kept: statuspage.DefaultRetention * daySeconds, deliveries: new(atomic.Int64)}
}

// WithRetention returns the store with another number of days that the minutes which it
// writes are kept. Those that are there keep theirs until their hour is written to.
func (s *Store) WithRetention(days int) *Store {
	c := *s
	c.kept = int64(days) * daySeconds
	return &c
}

// WithLog returns the store with another logger. It logs only what no caller is
// told: work that was left for later.
func (s *Store) WithLog(log *slog.Logger) *Store {
	c := *s
	c.log = log
	return &c
}

// Table is the table that the store is in.
func (s *Store) Table() *ddb.Table { return s.table }

// callsAtOnce is how many calls of a write or a read that takes many are on their way.
const callsAtOnce = 8

// maxRowsRead is how many rows are read at most for one page of a list (docs/api.md,
// Lists).
const maxRowsRead = 2000

// find reads a record, strongly consistent, or returns the error that it is missing.
func find[T any](ctx context.Context, s *Store, k ddb.Key, read func(ddb.Item) (T, error), missing func() error) (T, error) {
	it, err := s.table.Get(ctx, k)
	if err == nil && it == nil {
		err = missing()
	}
	if err != nil {
		return *new(T), err
	}
	return read(it)
}

// AttrLast is the last id that a counter has given out.
const AttrLast = "n"

// nextID draws an id. A try whose answer was lost leaves an id unused.
func (s *Store) nextID(ctx context.Context, c Counter) (int64, error) {
	return s.table.Count(ctx, CounterKey(c), AttrLast, 1)
}

// transact is Table.Transact of the writes and the one that completes a claim, see
// completion. It returns ErrIdempotencyRunning when the claim has ended: another try has
// the request now.
func (s *Store) transact(ctx context.Context, completion []ddb.Write, writes ...ddb.Write) (*ddb.Refusal, error) {
	refused, err := s.table.Transact(ctx, append(writes, completion...)...)
	if err == nil && refused != nil && len(completion) > 0 && refused.Failed(len(writes)) {
		return nil, statuspage.ErrIdempotencyRunning
	}
	return refused, err
}

// SchemaVersion is the version of the table's layout that this package reads and
// writes. It rises when an item gets a form that an older program would misread.
const SchemaVersion = 1

// CheckSchema compares the table's schema version with SchemaVersion, and writes
// it to a table that has none. A table of another version is an error: this
// program would misread it.
func (s *Store) CheckSchema(ctx context.Context) error {
	it, err := s.table.Get(ctx, SchemaKey())
	if err != nil {
		return err
	}
	if it != nil {
		return CheckSchemaItem(it)
	}
	it = SchemaKey().Item()
	it[ddb.AttrVersion] = ddb.Num(SchemaVersion)
	refused, err := s.table.Transact(ctx, s.table.PutNew(it))
	if err != nil || refused == nil {
		return err
	}
	return CheckSchemaItem(refused.Item(0))
}

// ReadSchema is CheckSchema for a caller that may not write: a table without a
// version passes, since it is empty or about to get one.
func (s *Store) ReadSchema(ctx context.Context) error {
	it, err := s.table.Get(ctx, SchemaKey())
	if err != nil || it == nil {
		return err
	}
	return CheckSchemaItem(it)
}

// CheckSchemaItem returns an error unless the item says that the table has this
// program's SchemaVersion.
func CheckSchemaItem(it ddb.Item) error {
	r := ddb.Reader{Item: it}
	if v := r.Num(ddb.AttrVersion); r.Err != nil || v != SchemaVersion {
		return fmt.Errorf("the table has schema version %d, this program works with %d: deploy the version of the program that belongs to the table", v, SchemaVersion)
	}
	return nil
}
