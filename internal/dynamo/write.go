package dynamo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tocsin/internal/statuspage"
)

const (
	firstPause   = 5 * time.Millisecond  // after a conflict: the other writer is done soon
	firstBackoff = 25 * time.Millisecond // after throttling or a lost connection
	maxPause     = 500 * time.Millisecond
)

// jitter is how long to wait before another try: anything up to a limit that starts
// at first and doubles with each attempt.
func jitter(first time.Duration, attempt int) time.Duration {
	return mathrand.N(min(first<<min(attempt, 10), maxPause)) + time.Millisecond
}

var errUnprocessed = errors.New("DynamoDB left part of a batch unprocessed")

// A refusal says which conditions of a transaction did not hold.
type refusal struct {
	reasons []types.CancellationReason
}

// failed reports whether the condition of the n-th write did not hold.
func (r *refusal) failed(n int) bool {
	return n < len(r.reasons) && aws.ToString(r.reasons[n].Code) == reasonCondition
}

// item returns what the n-th write found in the table, nil when nothing.
func (r *refusal) item(n int) item {
	if n < len(r.reasons) && len(r.reasons[n].Item) > 0 {
		return r.reasons[n].Item
	}
	return nil
}

const reasonCondition = "ConditionalCheckFailed"

// transientReasons are the reasons for which the same transaction can succeed a
// moment later.
var transientReasons = map[string]bool{
	"None": true, "TransactionConflict": true, "ThrottlingError": true, "ProvisionedThroughputExceeded": true,
}

// transact applies the writes together. A refusal (with no error) says that a
// condition did not hold and nothing was written. Conflicts with other writers are
// retried until ctx is about to end, then Unavailable is returned.
//
// One token goes with every try, so that a transaction that took effect while its
// answer was lost is not applied again and is answered as a success.
func (s *Store) transact(ctx context.Context, writes ...types.TransactWriteItem) (*refusal, error) {
	in := &dynamodb.TransactWriteItemsInput{TransactItems: writes, ClientRequestToken: aws.String(newToken())}
	for attempt := 0; ; attempt++ {
		_, err := s.client.TransactWriteItems(ctx, in)
		if err == nil {
			return nil, nil
		}
		if canceled, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
			r := &refusal{canceled.CancellationReasons}
			transient := true
			for i, reason := range r.reasons {
				if r.failed(i) {
					return r, nil
				}
				transient = transient && transientReasons[aws.ToString(reason.Code)]
			}
			if !transient {
				return nil, failure("transaction", err)
			}
		} else if !isConflict(err) {
			return nil, failure("transaction", err)
		}
		if err := pause(ctx, attempt, err); err != nil {
			return nil, err
		}
	}
}

// updateInPlace is one conditional UpdateItem that returns the item as it is
// afterwards. When the condition does not hold, refused is true and the item is
// what the table has, nil when nothing. It adds to e, which is of no use after it.
//
// However often it has to be tried, the write takes effect once, and not after it was
// reported:
//
//   - It leaves token in the attribute mark and asks that it is not there yet: a try
//     that took effect while its answer was lost is recognised on the next, which the
//     token makes fail. With the token stands which try it was, so that one that is
//     applied again leaves another text than before.
//   - Each try has a greater number than the one before, and asks that the item has no
//     fence as great. One that follows a try of which nobody knows what came of it
//     leaves its own number as the fence. So a try that is held up on the way and
//     arrives when it has long been repeated can't undo what others wrote since.
//
// When its answer was lost and another writer came before the next try, that one is
// judged, and applied, after the other's. So is one that was refused while an earlier one
// may still have been on its way. Numbers are microseconds of this machine's
// clock. One that is behind is refused by the fences of others, and counts on from
// those.
func (s *Store) updateInPlace(ctx context.Context, k key, e *expr, mark, token string) (it item, refused bool, err error) {
	return s.updateReturning(ctx, types.ReturnValueAllNew, k, e, mark, token)
}

// updateReturning is updateInPlace that, where AllOld is asked for and the condition holds,
// returns the item as it was before: nil when there was none, or when it had to be tried
// again and it can't be told.
func (s *Store) updateReturning(ctx context.Context, which types.ReturnValue, k key, e *expr, mark, token string) (it item, refused bool, err error) {
	e.set(mark, str(token)).ifNotBegins(mark, "own", token).ifBelow(attrFence)
	number := time.Now().UnixMicro()
	failures, lost := 0, 0 // tries that DynamoDB failed, and of these, of which nobody knows what came of them
	fences := false        // whether e leaves a fence
	raised := false        // whether there is a fence against all tries before the last refusal
	for attempt := 0; ; attempt++ {
		e.value(attrFence, num(number))
		if attempt > 0 {
			e.value(mark, str(token+tryPrefix+strconv.Itoa(attempt)))
		}
		out, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: s.table, Key: k.attributes(),
			UpdateExpression: e.update(), ConditionExpression: e.condition(),
			ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values,
			ReturnValues:                        which,
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		}, triedOnce)
		if err == nil {
			// Of an item that was not there, Dynoxide answers with the key.
			if which == types.ReturnValueAllOld && (fences || len(out.Attributes) <= len(k.attributes())) {
				return nil, false, nil
			}
			return out.Attributes, false, nil
		}
		first := firstPause
		if failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
			if len(failed.Item) == 0 {
				return nil, true, nil
			}
			r := reader{item: failed.Item}
			fence, own := r.optNum(attrFence), strings.HasPrefix(r.strOrEmpty(mark), token)
			if r.err != nil {
				return nil, false, r.err
			}
			if own && !raised {
				lost-- // the one that took effect; after raised it may be one from before
			}
			if own || fence == nil || *fence < number {
				it, err := r.item, error(nil)
				if lost > 0 {
					it, err = s.raiseFence(ctx, k, number)
				}
				switch {
				case err != nil:
					return nil, false, err
				case own && which == types.ReturnValueAllOld:
					return nil, false, nil
				case own || lost == 0:
					return it, !own, nil
				}
				// Nothing is on its way any more, but something may have come before the
				// fence, and others may have written since the refusal.
				lost, raised = 0, true
			} else {
				number = *fence
			}
		} else if !isConflict(err) {
			if failures++; failures == maxAttempts || !s.client.Options().Retryer.IsErrorRetryable(err) {
				return nil, false, failure("update", err)
			}
			first = firstBackoff
			if !throttles.IsErrorThrottle(err).Bool() {
				if lost++; !fences {
					fences = true
					e.leaveFence()
				}
			}
		}
		if err := wait(ctx, jitter(first, attempt), err); err != nil {
			return nil, false, err
		}
		number = max(number+1, time.Now().UnixMicro())
	}
}

// raiseFence makes the item refuse all tries with a lower number, and returns it, nil
// when there is none.
func (s *Store) raiseFence(ctx context.Context, k key, number int64) (item, error) {
	e := newExpr().ifExists().raise(attrFence, num(number))
	for attempt := 0; ; attempt++ {
		out, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: s.table, Key: k.attributes(),
			UpdateExpression: e.update(), ConditionExpression: e.condition(),
			ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values,
			ReturnValues:                        types.ReturnValueAllNew,
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		})
		if err == nil {
			return out.Attributes, nil
		}
		if failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
			return failed.Item, nil
		}
		if !isConflict(err) {
			return nil, failure("update", err)
		}
		if err := pause(ctx, attempt, err); err != nil {
			return nil, err
		}
	}
}

// tryPrefix stands between a token and the number of the try that left it.
const tryPrefix = "/"

// attrFence is a number that a try of updateInPlace must be above. Few items have one.
const attrFence = "fence"

func (e *expr) leaveFence() { e.sets = append(e.sets, e.name(attrFence)+" = :"+attrFence) }

// triedOnce leaves it to the caller to try again.
func triedOnce(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} }

// isConflict reports whether err says that a transaction was in the way, which the
// SDK does not retry.
func isConflict(err error) bool {
	_, conflict := errors.AsType[*types.TransactionConflictException](err)
	_, running := errors.AsType[*types.TransactionInProgressException](err)
	return conflict || running
}

// pause waits before another try, longer with each attempt and with jitter, or
// returns Unavailable with the cause when ctx ends before.
func pause(ctx context.Context, attempt int, cause error) error {
	return wait(ctx, jitter(firstPause, attempt), cause)
}

func wait(ctx context.Context, d time.Duration, cause error) error {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= d {
		return statuspage.Unavailable(cause)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return statuspage.Unavailable(cause)
	}
}

// throttles are the error codes for which DynamoDB asks to come back later.
var throttles = retry.ThrottleErrorCode{Codes: retry.DefaultThrottleErrorCodes}

// failure is the error of a call that the SDK gave up: Unavailable for what is
// likely to pass (throttling, conflicts, a deadline), internal for all else.
func failure(op string, err error) error {
	err = fmt.Errorf("%s: %w", op, err)
	if throttles.IsErrorThrottle(err).Bool() || isConflict(err) || errors.Is(err, context.DeadlineExceeded) {
		return statuspage.Unavailable(err)
	}
	return err
}

func newToken() string { return rand.Text() }

// putNew is a write that makes an item, refused when there is one.
func (s *Store) putNew(it item) types.TransactWriteItem {
	return s.putIf(it, newExpr().ifNew())
}

// putIf is a write that makes or replaces an item under the conditions of e.
func (s *Store) putIf(it item, e *expr) types.TransactWriteItem {
	return types.TransactWriteItem{Put: &types.Put{
		TableName: s.table, Item: it,
		ConditionExpression: e.condition(), ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.valuesOrNil(),
	}}
}

// put is a write that makes or replaces an item.
func (s *Store) put(it item) types.TransactWriteItem {
	return types.TransactWriteItem{Put: &types.Put{TableName: s.table, Item: it}}
}

// update is a write that changes an item under the conditions of e; when refused,
// the refusal holds the item as it is.
func (s *Store) update(k key, e *expr) types.TransactWriteItem {
	return types.TransactWriteItem{Update: &types.Update{
		TableName: s.table, Key: k.attributes(),
		UpdateExpression: e.update(), ConditionExpression: e.condition(),
		ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.valuesOrNil(),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}

// check is a write that changes nothing and only asks for the conditions of e.
func (s *Store) check(k key, e *expr) types.TransactWriteItem {
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: s.table, Key: k.attributes(),
		ConditionExpression: e.condition(), ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.valuesOrNil(),
	}}
}

// remove is a write that deletes an item, under the conditions of e unless nil.
func (s *Store) remove(k key, e *expr) types.TransactWriteItem {
	d := &types.Delete{TableName: s.table, Key: k.attributes()}
	if e != nil {
		d.ConditionExpression, d.ExpressionAttributeNames, d.ExpressionAttributeValues = e.condition(), e.namesOrNil(), e.valuesOrNil()
	}
	return types.TransactWriteItem{Delete: d}
}
