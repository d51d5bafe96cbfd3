package ddb

import (
	"context"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tocsin/internal/statuspage"
)

// maxAttempts is how many times a call is tried when DynamoDB throttles, fails or does not
// answer.
const maxAttempts = 8

const (
	firstPause   = 5 * time.Millisecond  // after a conflict: the other writer is done soon
	firstBackoff = 25 * time.Millisecond // after throttling or a lost connection
	maxPause     = 500 * time.Millisecond
)

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

// isCutAnswer makes the SDK try a call again when the connection broke in the middle of the
// answer. By itself the SDK does so only when it broke before the answer.
func isCutAnswer(err error) aws.Ternary {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return aws.TrueTernary
	}
	return aws.UnknownTernary
}

// CountCalls is an option of NewClient that adds every call of DynamoDB to n, each
// try of it.
func CountCalls(n *atomic.Int64) func(*dynamodb.Options) {
	return func(o *dynamodb.Options) { o.HTTPClient = countingClient{o.HTTPClient, n} }
}

type countingClient struct {
	dynamodb.HTTPClient
	n *atomic.Int64
}

// Do implements dynamodb.HTTPClient.
func (c countingClient) Do(r *http.Request) (*http.Response, error) {
	c.n.Add(1)
	return c.HTTPClient.Do(r)
}

// jitter is how long to wait before another try: anything up to a limit that starts
// at first and doubles with each attempt.
func jitter(first time.Duration, attempt int) time.Duration {
	return mathrand.N(min(first<<min(attempt, 10), maxPause)) + time.Millisecond
}

var errContended = errors.New("other writers, or DynamoDB's limits, were in the way at every try")

// Retry calls f until it is done or fails. Between two calls it waits, longer each
// time and with jitter. It returns Unavailable when ctx is about to end.
func Retry(ctx context.Context, f func() (done bool, err error)) error {
	for attempt := 0; ; attempt++ {
		if done, err := f(); done || err != nil {
			return err
		}
		if err := pause(ctx, attempt, errContended); err != nil {
			return err
		}
	}
}

// patiently repeats a call, with pauses, for as long as its error is retryable.
func patiently(ctx context.Context, retryable func(error) bool, call func() error) error {
	for attempt := 0; ; attempt++ {
		err := call()
		if err == nil || !retryable(err) {
			return err
		}
		if err := pause(ctx, attempt, err); err != nil {
			return err
		}
	}
}

// pause waits before another try, longer with each attempt and with jitter, or
// returns Unavailable with the cause when ctx ends before.
func pause(ctx context.Context, attempt int, cause error) error {
	d := jitter(firstPause, attempt)
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

// isConflict reports whether DynamoDB refused a call because of another transaction on the
// same item. The SDK does not retry that.
func isConflict(err error) bool {
	_, conflict := errors.AsType[*types.TransactionConflictException](err)
	_, running := errors.AsType[*types.TransactionInProgressException](err)
	return conflict || running
}

func isBusy(err error) bool { return throttles.IsErrorThrottle(err).Bool() || isConflict(err) }

// failure is the error to return for a call that the SDK has given up.
func failure(op string, err error) error {
	if _, shown := errors.AsType[*statuspage.Error](err); shown {
		return err
	}
	err = fmt.Errorf("%s: %w", op, err)
	if isBusy(err) || errors.Is(err, context.DeadlineExceeded) {
		return statuspage.Unavailable(err)
	}
	return err
}
