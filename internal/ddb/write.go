package ddb

import (
	"context"
	"crypto/rand"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// MaxWrites is how many writes a transaction can have.
const MaxWrites = 100

// Write is one write of a transaction.
type Write = types.TransactWriteItem

// NewToken returns a random text of 128 bits.
func NewToken() string { return rand.Text() }

// A Refusal says which conditions of a transaction did not hold.
type Refusal struct {
	reasons []types.CancellationReason
}

// Failed reports whether the condition of the n-th write did not hold.
func (r *Refusal) Failed(n int) bool {
	return n < len(r.reasons) && aws.ToString(r.reasons[n].Code) == "ConditionalCheckFailed"
}

// Item returns what the n-th write found in the table, nil when nothing.
func (r *Refusal) Item(n int) Item {
	if n < len(r.reasons) && len(r.reasons[n].Item) > 0 {
		return r.reasons[n].Item
	}
	return nil
}

// transientReasons are the reasons for which the same transaction can succeed a
// moment later.
var transientReasons = map[string]bool{
	"None": true, "TransactionConflict": true, "ThrottlingError": true, "ProvisionedThroughputExceeded": true,
}

// Transact applies the writes together. A refusal (with no error) says that a
// condition did not hold and nothing was written. Conflicts with other writers are
// retried until ctx is about to end, then Unavailable is returned.
//
// One token goes with every try, so that a transaction that took effect while its
// answer was lost is not applied again and is answered as a success.
func (t *Table) Transact(ctx context.Context, writes ...Write) (*Refusal, error) {
	in := &dynamodb.TransactWriteItemsInput{TransactItems: writes, ClientRequestToken: aws.String(NewToken())}
	var refusal *Refusal
	err := patiently(ctx, isConflictOrCanceled, func() error {
		_, err := t.client.TransactWriteItems(ctx, in)
		if canceled, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
			r := &Refusal{canceled.CancellationReasons}
			for n := range r.reasons {
				if r.Failed(n) {
					refusal = r
					return nil
				}
			}
		}
		return err
	})
	if err != nil {
		return nil, failure("transaction", err)
	}
	return refusal, nil
}

// isConflictOrCanceled reports whether a transaction failed for a reason that passes.
func isConflictOrCanceled(err error) bool {
	canceled, ok := errors.AsType[*types.TransactionCanceledException](err)
	if !ok {
		return isConflict(err)
	}
	for _, reason := range canceled.CancellationReasons {
		if !transientReasons[aws.ToString(reason.Code)] {
			return false
		}
	}
	return true
}

// Put is a write that makes or replaces an item.
func (t *Table) Put(it Item) Write {
	return Write{Put: &types.Put{TableName: t.name, Item: it}}
}

// PutNew is a write that makes an item, refused when there is one.
func (t *Table) PutNew(it Item) Write { return t.PutIf(it, NewExpr().IfNew()) }

// PutIf is a write that makes or replaces an item under the conditions of e; when
// refused, the refusal holds the item as it is.
func (t *Table) PutIf(it Item, e *Expr) Write {
	return Write{Put: &types.Put{
		TableName: t.name, Item: it,
		ConditionExpression: e.condition(), ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.valuesOrNil(),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}

// Change is a write that turns the item old, as it was read, into next: it sets and removes
// the attributes in which they differ. An attribute that neither has stays: a newer version
// of the program may have written it. The write is refused unless the item is still the
// same, see Expr.IfSame; the refusal then holds the item as it is.
func (t *Table) Change(old, next Item) Write {
	e := NewExpr().IfSame(old)
	for _, name := range Differences(old, next) {
		e.SetOrRemove(name, next[name])
	}
	return t.Update(KeyOf(old), e)
}

// Update is a write that changes an item, or makes it, under the conditions of e; when
// refused, the refusal holds the item as it is.
func (t *Table) Update(k Key, e *Expr) Write {
	return Write{Update: &types.Update{
		TableName: t.name, Key: k.Item(),
		UpdateExpression: e.update(), ConditionExpression: e.condition(),
		ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.valuesOrNil(),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}

// Check is a write that changes nothing and only asks for the conditions of e.
func (t *Table) Check(k Key, e *Expr) Write {
	return Write{ConditionCheck: &types.ConditionCheck{
		TableName: t.name, Key: k.Item(),
		ConditionExpression: e.condition(), ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.valuesOrNil(),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}

// Delete is a write that deletes an item, under the conditions of e unless nil.
func (t *Table) Delete(k Key, e *Expr) Write {
	d := &types.Delete{TableName: t.name, Key: k.Item()}
	if e != nil {
		d.ConditionExpression, d.ExpressionAttributeNames, d.ExpressionAttributeValues = e.condition(), e.namesOrNil(), e.valuesOrNil()
	}
	return Write{Delete: d}
}

// UpdateAtLeastOnce is a single UpdateItem, outside of a transaction. It can take effect more
// than once, also some minutes after its return, when a try was held up on its way: it is
// for changes that may be done twice. It returns the item as it is afterwards, cut to what
// was changed. When a condition of e does not hold, refused is true and nothing is
// written.
func (t *Table) UpdateAtLeastOnce(ctx context.Context, k Key, e *Expr) (changed Item, refused bool, err error) {
	in := &dynamodb.UpdateItemInput{
		TableName: t.name, Key: k.Item(),
		UpdateExpression: e.update(), ConditionExpression: e.condition(),
		ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.valuesOrNil(),
		ReturnValues: types.ReturnValueUpdatedNew,
	}
	err = patiently(ctx, isConflict, func() error {
		out, err := t.client.UpdateItem(ctx, in)
		if err == nil {
			changed = out.Attributes
		}
		return err
	})
	if _, failed := errors.AsType[*types.ConditionalCheckFailedException](err); failed {
		return nil, true, nil
	}
	if err != nil {
		return nil, false, failure("update", err)
	}
	return changed, false, nil
}

// UpdateOrRead is UpdateAtLeastOnce that returns the whole item as it is afterwards; when refused
// the one that did not have what e asks for, nil when there is none.
func (t *Table) UpdateOrRead(ctx context.Context, k Key, e *Expr) (it Item, refused bool, err error) {
	in := &dynamodb.UpdateItemInput{
		TableName: t.name, Key: k.Item(),
		UpdateExpression: e.update(), ConditionExpression: e.condition(),
		ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.valuesOrNil(),
		ReturnValues: types.ReturnValueAllNew, ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	err = patiently(ctx, isConflict, func() error {
		out, err := t.client.UpdateItem(ctx, in)
		if err == nil {
			it = out.Attributes
		}
		return err
	})
	if failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return failed.Item, true, nil
	}
	if err != nil {
		return nil, false, failure("update", err)
	}
	return it, false, nil
}

// Count adds n to a counter and returns what it is then. A try whose answer was lost is
// counted too.
func (t *Table) Count(ctx context.Context, k Key, attr string, n int64) (int64, error) {
	changed, _, err := t.UpdateAtLeastOnce(ctx, k, NewExpr().Add(attr, n))
	if err != nil {
		return 0, err
	}
	r := Reader{Item: changed}
	last := r.Num(attr)
	return last, r.Err
}

// BatchWriteSize is how many items one call of BatchWrite writes at most.
const BatchWriteSize = 25

// PutRequest is a part of BatchWrite that makes or replaces an item.
func PutRequest(it Item) types.WriteRequest {
	return types.WriteRequest{PutRequest: &types.PutRequest{Item: it}}
}

// DeleteAll deletes items, BatchWriteSize a call.
func (t *Table) DeleteAll(ctx context.Context, keys []Key) error {
	for len(keys) > 0 {
		n := min(len(keys), BatchWriteSize)
		requests := make([]types.WriteRequest, n)
		for i, k := range keys[:n] {
			requests[i].DeleteRequest = &types.DeleteRequest{Key: k.Item()}
		}
		keys = keys[n:]
		if err := t.BatchWrite(ctx, requests); err != nil {
			return err
		}
	}
	return nil
}

// BatchWrite makes at most BatchWriteSize writes, without conditions and in no order.
func (t *Table) BatchWrite(ctx context.Context, requests []types.WriteRequest) error {
	return Retry(ctx, func() (done bool, err error) {
		out, err := t.client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
			RequestItems: map[string][]types.WriteRequest{*t.name: requests},
		})
		if err != nil {
			return false, failure("batch write", err)
		}
		requests = out.UnprocessedItems[*t.name]
		return len(requests) == 0, nil
	})
}

// PutAbsent puts an item where there is none, else it returns the one that is there.
// Throttling is waited out until ctx ends. A try whose answer was lost finds what it
// put itself.
func (t *Table) PutAbsent(ctx context.Context, it Item) (there Item, err error) {
	e := NewExpr().IfNew()
	in := &dynamodb.PutItemInput{
		TableName: t.name, Item: it, ConditionExpression: e.condition(), ExpressionAttributeNames: e.names,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	err = patiently(ctx, isBusy, func() error {
		_, err := t.client.PutItem(ctx, in)
		return err
	})
	if failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return failed.Item, nil
	}
	if err != nil {
		return nil, failure("put", err)
	}
	return nil, nil
}

// Scan reads a page of the whole table, strongly consistent, of one of so many segments.
// It is for exports. Throttling is waited out until ctx ends.
func (t *Table) Scan(ctx context.Context, segment, segments int, from Item) (items []Item, next Item, err error) {
	in := &dynamodb.ScanInput{
		TableName: t.name, ConsistentRead: aws.Bool(true), ExclusiveStartKey: from,
		Segment: aws.Int32(int32(segment)), TotalSegments: aws.Int32(int32(segments)),
	}
	var out *dynamodb.ScanOutput
	err = patiently(ctx, isBusy, func() (err error) {
		out, err = t.client.Scan(ctx, in)
		return err
	})
	if err != nil {
		return nil, nil, failure("scan", err)
	}
	return out.Items, out.LastEvaluatedKey, nil
}
