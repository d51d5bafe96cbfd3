package ddb

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"
)

// Table is one table. It is safe for use by many goroutines. It retries until the deadline
// of the context.
type Table struct {
	client *dynamodb.Client
	name   *string
}

// New returns the table of the name.
func New(client *dynamodb.Client, name string) *Table {
	return &Table{client: client, name: aws.String(name)}
}

// Name is the table's name.
func (t *Table) Name() string { return *t.name }

// Get reads one item, strongly consistent; nil when there is none.
func (t *Table) Get(ctx context.Context, k Key) (Item, error) {
	out, err := t.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: t.name, Key: k.Item(), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return nil, failure("get", err)
	}
	return out.Item, nil
}

// BatchGetSize is how many items one call of BatchGet reads.
const BatchGetSize = 100

// BatchGet reads items, strongly consistent; those that do not exist are missing
// from the result. More than BatchGetSize keys go in parallel. fields, when given, are
// all that is returned beside the key.
func (t *Table) BatchGet(ctx context.Context, keys []Key, fields ...string) (map[Key]Item, error) {
	var chunks [][]Key
	for len(keys) > BatchGetSize {
		chunks, keys = append(chunks, keys[:BatchGetSize]), keys[BatchGetSize:]
	}
	if len(keys) > 0 {
		chunks = append(chunks, keys)
	}
	results := make([][]Item, len(chunks))
	g, gctx := errgroup.WithContext(ctx)
	for i, chunk := range chunks {
		g.Go(func() (err error) {
			results[i], err = t.batchGetOnce(gctx, chunk, fields)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	found := map[Key]Item{}
	for _, items := range results {
		for _, it := range items {
			found[KeyOf(it)] = it
		}
	}
	return found, nil
}

func (t *Table) batchGetOnce(ctx context.Context, keys []Key, fields []string) ([]Item, error) {
	request := types.KeysAndAttributes{ConsistentRead: aws.Bool(true)}
	for _, k := range keys {
		request.Keys = append(request.Keys, k.Item())
	}
	if len(fields) > 0 {
		e := NewExpr()
		request.ProjectionExpression, request.ExpressionAttributeNames = e.projection(fields...), e.names
	}
	var items []Item
	err := Retry(ctx, func() (done bool, err error) {
		out, err := t.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
			RequestItems: map[string]types.KeysAndAttributes{*t.name: request},
		})
		if err != nil {
			return false, failure("batch get", err)
		}
		items = append(items, out.Responses[*t.name]...)
		rest, more := out.UnprocessedKeys[*t.name]
		request = rest
		return !more, nil
	})
	return items, err
}

// Index is a way into the table: an index, or the table itself.
type Index struct {
	name, pk, sk string
	lags         bool // follows a write within moments, else strongly consistent
}

// The ways into the table, as template.yaml defines them. GSI3 is made of GSI2's
// partition key and GSI1's sort key.
var (
	Main = Index{"", AttrPK, AttrSK, false}
	LSI1 = Index{"lsi1", AttrPK, AttrLSI1SK, false}
	GSI1 = Index{"gsi1", AttrGSI1PK, AttrGSI1SK, true}
	GSI2 = Index{"gsi2", AttrGSI2PK, AttrGSI2SK, true}
	GSI3 = Index{"gsi3", AttrGSI2PK, AttrGSI1SK, true}
)

// Query says which items of one partition are read, in the order of their sort keys.
type Query struct {
	Index  Index // the zero Index is Main
	PK     string
	Low    string // bounds of the sort key, inclusive; both "" for all of the partition
	High   string
	Newest bool     // the greatest sort key first
	Limit  int      // items a call; 0: as many as fit into 1 MB
	Fields []string // all that is returned beside the key; nil: everything
	Absent string   // an attribute that items must not have; "": none

	// Eventual reads at half the price what was true a moment ago, also of what is not an
	// index that lags.
	Eventual bool
}

// Page reads the items of the query after the position from, nil for the beginning, in one
// call. next is where the following page begins, nil at the end.
func (t *Table) Page(ctx context.Context, q Query, from Item) (items []Item, next Item, err error) {
	if q.Index == (Index{}) {
		q.Index = Main
	}
	in := &dynamodb.QueryInput{
		TableName: t.name, ConsistentRead: aws.Bool(!q.Index.lags && !q.Eventual), ScanIndexForward: aws.Bool(!q.Newest),
		KeyConditionExpression:    aws.String(q.Index.pk + " = :pk"),
		ExpressionAttributeValues: Item{":pk": Str(q.PK)},
		ExclusiveStartKey:         from,
	}
	if q.Index.name != "" {
		in.IndexName = aws.String(q.Index.name)
	}
	if q.Low != "" || q.High != "" {
		if q.Low > q.High { // DynamoDB refuses an empty range
			return nil, nil, nil
		}
		in.KeyConditionExpression = aws.String(q.Index.pk + " = :pk AND " + q.Index.sk + " BETWEEN :low AND :high")
		in.ExpressionAttributeValues[":low"], in.ExpressionAttributeValues[":high"] = Str(q.Low), Str(q.High)
	}
	if q.Limit > 0 {
		in.Limit = aws.Int32(int32(q.Limit))
	}
	if q.Fields != nil || q.Absent != "" {
		e := NewExpr()
		if q.Fields != nil {
			in.ProjectionExpression = e.projection(q.Fields...)
		}
		if q.Absent != "" {
			in.FilterExpression = e.IfHas(q.Absent, false).condition()
		}
		in.ExpressionAttributeNames = e.names
	}
	out, err := t.client.Query(ctx, in)
	if err != nil {
		return nil, nil, failure("query", err)
	}
	return out.Items, out.LastEvaluatedKey, nil
}

// Pages reads the items of the query, a page for each call, when they are asked for. It
// ends with the first error.
func (t *Table) Pages(ctx context.Context, q Query) iter.Seq2[[]Item, error] {
	return func(yield func([]Item, error) bool) {
		var from Item
		for {
			items, next, err := t.Page(ctx, q, from)
			if !yield(items, err) || err != nil || next == nil {
				return
			}
			from = next
		}
	}
}

// Items reads the items of the query, one after another. It ends with the first error.
func (t *Table) Items(ctx context.Context, q Query) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		for items, err := range t.Pages(ctx, q) {
			if err != nil {
				yield(nil, err)
				return
			}
			for _, it := range items {
				if !yield(it, nil) {
					return
				}
			}
		}
	}
}

// Each returns a Listing's Read that reads each item by the function.
func Each[T any](read func(Item) (T, error)) func(context.Context, []Item) ([]T, error) {
	return func(_ context.Context, items []Item) ([]T, error) {
		all := make([]T, len(items))
		for n, it := range items {
			var err error
			if all[n], err = read(it); err != nil {
				return nil, err
			}
		}
		return all, nil
	}
}

// A Listing is a page of a list of records T, whose places in the list are positions P.
type Listing[T, P any] struct {
	Query    Query
	Most     int                                        // records that may be read; 0: no limit
	Read     func(context.Context, []Item) ([]T, error) // makes records of a page of items, see Each
	Matches  func(T) bool                               // which ones the list has; nil: all
	Take     func(T) bool                               // gets them in order, and ends the page by refusing one
	After    P                                          // where the page begins
	Position func(T) P
}

// List gives the records of a page to its Take. It returns where the next page begins: after
// the last record that was taken or passed over, and the zero P when there is none left.
func List[T, P any](ctx context.Context, t *Table, l Listing[T, P]) (next P, err error) {
	var from Item
	var end P
	var last *T // that was taken or passed over
	place := func() P {
		if last == nil {
			return l.After
		}
		return l.Position(*last)
	}
	for seen := 0; l.Most == 0 || seen < l.Most; {
		items, rest, err := t.Page(ctx, l.Query, from)
		if err != nil {
			return end, err
		}
		records, err := l.Read(ctx, items)
		if err != nil {
			return end, err
		}
		for n, record := range records {
			if l.Most > 0 && seen == l.Most || (l.Matches == nil || l.Matches(record)) && !l.Take(record) {
				return place(), nil
			}
			last = &records[n]
			seen++
		}
		if from = rest; from == nil {
			return end, nil
		}
	}
	return place(), nil
}
