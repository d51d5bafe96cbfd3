package dynamo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"tocsin/internal/statuspage"
)

// Store keeps the records of package statuspage in one table. It is safe for use
// by many goroutines. How long it retries is the caller's to say, by the deadline
// of the context.
type Store struct {
	client *dynamodb.Client
	table  *string
	log    *slog.Logger
}

var _ interface {
	statuspage.IncidentStore
	statuspage.CommentStore
	statuspage.LegacyStore
	statuspage.MonitorStore
	statuspage.PointStore
	statuspage.AlertStore
	statuspage.KeyStore
	statuspage.IdempotencyStore
	statuspage.CleanupStore
	statuspage.CloserStore
	statuspage.ImportStore
} = (*Store)(nil)

// New returns the store in the table. It logs to slog's default logger, see
// WithLog.
func New(client *dynamodb.Client, table string) *Store {
	return &Store{client: client, table: aws.String(table), log: slog.Default()}
}

// WithLog returns the store with another logger. It logs only what no caller is
// told: work that was left for later.
func (s *Store) WithLog(log *slog.Logger) *Store {
	c := *s
	c.log = log
	return &c
}

// maxAttempts is how often a call is tried that DynamoDB did not answer, or could not.
const maxAttempts = 8

// NewClient returns a client for the region and credentials of cfg, or for the
// endpoint when one is given (DynamoDB Local, an emulator).
//
// It retries throttling, server errors and lost connections up to eight times,
// without the SDK's budget for retries: that budget is meant for long-lived
// servers, and a function that used it up would fail the requests after it.
func NewClient(cfg aws.Config, endpoint string, optFns ...func(*dynamodb.Options)) *dynamodb.Client {
	return dynamodb.NewFromConfig(cfg, append([]func(*dynamodb.Options){func(o *dynamodb.Options) {
		if endpoint != "" {
			o.BaseEndpoint = aws.String(endpoint)
		}
		o.Retryer = retry.NewStandard(func(so *retry.StandardOptions) {
			so.MaxAttempts = maxAttempts
			// The SDK's own backoff counts in seconds: with a limit below one second it
			// waits for exactly that limit, without jitter.
			so.Backoff = retry.BackoffDelayerFunc(func(attempt int, _ error) (time.Duration, error) {
				return jitter(firstBackoff, max(attempt-1, 0)), nil
			})
			so.RateLimiter = ratelimit.None
			so.Retryables = append(so.Retryables, retry.IsErrorRetryableFunc(isCutAnswer))
		})
	}}, optFns...)...)
}

// isCutAnswer says that an answer whose end is missing may be asked for again. The SDK
// does so when a connection breaks before an answer, but not in the middle of one.
func isCutAnswer(err error) aws.Ternary {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return aws.TrueTernary
	}
	return aws.UnknownTernary
}

// get reads one item, strongly consistent; nil when there is none.
func (s *Store) get(ctx context.Context, k key) (item, error) {
	out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: s.table, Key: k.attributes(), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return nil, failure("get", err)
	}
	return out.Item, nil
}

const batchGetSize = 100

// batchGet reads items, strongly consistent; those that do not exist are missing
// from the result. Over 100 keys go in parallel. fields, when given, are all that
// is returned beside the key.
func (s *Store) batchGet(ctx context.Context, keys []key, fields ...string) (map[key]item, error) {
	var chunks [][]key
	for len(keys) > batchGetSize {
		chunks, keys = append(chunks, keys[:batchGetSize]), keys[batchGetSize:]
	}
	if len(keys) > 0 {
		chunks = append(chunks, keys)
	}
	results := make([][]item, len(chunks))
	g, gctx := errgroup.WithContext(ctx)
	for i, chunk := range chunks {
		g.Go(func() (err error) {
			results[i], err = s.batchGetOnce(gctx, chunk, fields)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	found := map[key]item{}
	for _, items := range results {
		for _, it := range items {
			found[keyOf(it)] = it
		}
	}
	return found, nil
}

func (s *Store) batchGetOnce(ctx context.Context, keys []key, fields []string) ([]item, error) {
	request := types.KeysAndAttributes{ConsistentRead: aws.Bool(true)}
	for _, k := range keys {
		request.Keys = append(request.Keys, k.attributes())
	}
	if len(fields) > 0 {
		e := newExpr()
		request.ProjectionExpression, request.ExpressionAttributeNames = e.projection(fields...), e.names
	}
	var items []item
	for attempt := 0; ; attempt++ {
		out, err := s.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
			RequestItems: map[string]types.KeysAndAttributes{*s.table: request},
		})
		if err != nil {
			return nil, failure("batch get", err)
		}
		items = append(items, out.Responses[*s.table]...)
		rest, more := out.UnprocessedKeys[*s.table]
		if !more {
			return items, nil
		}
		request = rest
		if err := pause(ctx, attempt, errUnprocessed); err != nil {
			return nil, err
		}
	}
}

const batchWriteSize = 25

// deleteAll deletes the items, 25 a call.
func (s *Store) deleteAll(ctx context.Context, keys []key) error {
	for len(keys) > 0 {
		n := min(len(keys), batchWriteSize)
		requests := make([]types.WriteRequest, n)
		for i, k := range keys[:n] {
			requests[i].DeleteRequest = &types.DeleteRequest{Key: k.attributes()}
		}
		keys = keys[n:]
		if err := s.batchWrite(ctx, requests); err != nil {
			return err
		}
	}
	return nil
}

// batchWrite does at most batchWriteSize writes, each of which may come before or
// after any other writer's.
func (s *Store) batchWrite(ctx context.Context, requests []types.WriteRequest) error {
	for attempt := 0; len(requests) > 0; attempt++ {
		if attempt > 0 {
			if err := pause(ctx, attempt, errUnprocessed); err != nil {
				return err
			}
		}
		out, err := s.client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
			RequestItems: map[string][]types.WriteRequest{*s.table: requests},
		})
		if err != nil {
			return failure("batch write", err)
		}
		requests = out.UnprocessedItems[*s.table]
	}
	return nil
}

// nextID draws an id. A try whose answer was lost leaves an id unused.
func (s *Store) nextID(ctx context.Context, c counter) (int64, error) { return s.nextIDs(ctx, c, 1) }

// nextIDs draws so many ids, one after another, and returns the last.
func (s *Store) nextIDs(ctx context.Context, c counter, n int) (int64, error) {
	out, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                 s.table,
		Key:                       counterKey(c).attributes(),
		UpdateExpression:          aws.String("ADD " + attrLast + " :n"),
		ExpressionAttributeValues: item{":n": num(int64(n))},
		ReturnValues:              types.ReturnValueUpdatedNew,
	})
	if err != nil {
		return 0, failure("draw an id", err)
	}
	r := reader{item: out.Attributes}
	last := r.num(attrLast)
	return last, r.err
}

// attrLast is the last id that a counter has given out.
const attrLast = "n"

// raiseID makes a counter give out only greater ids than last.
func (s *Store) raiseID(ctx context.Context, c counter, last int64) error {
	_, err := s.transact(ctx, s.update(counterKey(c), newExpr().raise(attrLast, num(last))))
	return err
}

// SchemaVersion is the version of the table's layout that this package reads and
// writes.
const SchemaVersion = 1

// CheckSchema compares the table's schema version with SchemaVersion, and writes
// it to a table that has none. A table of another version is an error: this
// program would misread it.
func (s *Store) CheckSchema(ctx context.Context) error {
	it, err := s.get(ctx, schemaKey())
	if err != nil {
		return err
	}
	if it == nil {
		return s.writeSchema(ctx)
	}
	return checkSchemaItem(it)
}

// ReadSchema is CheckSchema for a caller that may not write: a table without a
// version passes, since it is empty or about to get one.
func (s *Store) ReadSchema(ctx context.Context) error {
	it, err := s.get(ctx, schemaKey())
	if err != nil || it == nil {
		return err
	}
	return checkSchemaItem(it)
}

func checkSchemaItem(it item) error {
	r := reader{item: it}
	if v := r.num(attrVersion); r.err != nil || v != SchemaVersion {
		return fmt.Errorf("the table has schema version %d, this program works with %d: deploy the version of the program that belongs to the table", v, SchemaVersion)
	}
	return nil
}

func (s *Store) writeSchema(ctx context.Context) error {
	it := schemaKey().attributes()
	it[attrVersion] = num(SchemaVersion)
	e := newExpr().ifNew()
	refusal, err := s.transact(ctx, types.TransactWriteItem{Put: &types.Put{
		TableName: s.table, Item: it,
		ConditionExpression: e.condition(), ExpressionAttributeNames: e.names,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}})
	if err != nil || refusal == nil {
		return err
	}
	return checkSchemaItem(refusal.item(0))
}

func limitOf(n int) *int32 { return aws.Int32(int32(n)) }
