package dynamotest

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"regexp"
	"sort"
	"strings"
	"sync"
	"syscall"
	"testing/iotest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func randomName() string { return rand.Text() }

// plain prints an attribute for comparison.
func plain(v types.AttributeValue) string {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return v.Value
	}
	return plainJSON(v)
}

func plainJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(err)
	}
	return string(b)
}

// A Fault is what happens to a call instead of its usual answer.
type Fault int

// The faults.
const (
	None        Fault = iota
	Conflict          // refused for another transaction, nothing is written
	LostAnswer        // takes effect, but the connection breaks before the answer
	LostCall          // the connection breaks before it takes effect
	Throttle          // refused for too many requests
	Unprocessed       // a batch of which nothing was done; DynamoDB asks for it again
	Hang              // no answer until the caller gives up; nothing is written
	CutAnswer         // takes effect, but the connection breaks in the middle of the answer
)

// Applies reports whether DynamoDB can answer such a call with the fault.
func (f Fault) Applies(operation string, body []byte) bool {
	switch f {
	case Conflict:
		// Counters are in no transaction.
		return operation == "TransactWriteItems" || operation == "UpdateItem" && !bytes.Contains(body, []byte(`"COUNTER#`))
	case ThrottleItem:
		return operation == "TransactWriteItems"
	case Unprocessed, Partial:
		return operation == "BatchWriteItem" || operation == "BatchGetItem"
	}
	return true
}

// Random returns an Inject that gives a call, with probability p, one of the
// faults, until there were limit of them.
func Random(seed uint64, p float64, limit int, faults ...Fault) func(operation string, body []byte) Fault {
	var mu sync.Mutex
	random := mathrand.New(mathrand.NewPCG(seed, 0))
	return func(operation string, body []byte) Fault {
		mu.Lock()
		defer mu.Unlock()
		if limit == 0 || random.Float64() >= p {
			return None
		}
		f := faults[random.IntN(len(faults))]
		if !f.Applies(operation, body) {
			return None
		}
		limit--
		return f
	}
}

// First returns an Inject that gives each call to which the fault applies the
// fault at the first try, and lets the tries after it pass.
func First(f Fault) func(operation string, body []byte) Fault {
	var mu sync.Mutex
	seen := map[string]bool{}
	return func(operation string, body []byte) Fault {
		mu.Lock()
		defer mu.Unlock()
		if call := operation + canonical(body); f.Applies(operation, body) && !seen[call] {
			seen[call] = true
			return f
		}
		return None
	}
}

// repeated is what differs between the tries of an UpdateItem: its number, that it leaves
// that as the item's fence, and which try the mark names.
var repeated = regexp.MustCompile(`":fence":\{"N":"\d+"\}|, #fence = :fence|/\d+(")`)

// canonical makes the same text of every try of a call: the SDK writes the keys of a
// map in another order at each.
func canonical(body []byte) string {
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return string(body)
	}
	return repeated.ReplaceAllString(plainJSON(v), "$1")
}

// A Client calls DynamoDB over HTTP, records the calls, and injects faults.
type Client struct {
	// Inject says what happens to a call; nil: nothing does.
	Inject func(operation string, body []byte) Fault

	// Answered is told of a call when its answer is there, before the caller has it; nil:
	// nobody is.
	Answered func(operation string, body []byte)

	// Delay holds every answer back for so long, so that calls made at once surely
	// overlap, also on a busy machine.
	Delay time.Duration

	// Base sends the calls; nil means a client with many connections.
	Base http.RoundTripper

	mu    sync.Mutex
	calls []Call
}

// A Call is one call of DynamoDB.
type Call struct {
	Operation   string
	Began, Done time.Time
	Read, Write float64 // capacity units as the engine reports them
	Items       int     // how many items the answer of a read holds

	answer []byte // that the numbers are in; few calls are asked for them
}

var transport = &http.Transport{MaxIdleConnsPerHost: 256, IdleConnTimeout: time.Minute}

// Do implements aws.HTTPClient.
func (c *Client) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	began := time.Now()
	fault := None
	if c.Inject != nil {
		fault = c.Inject(operation, body)
	}
	switch fault {
	case Conflict:
		return conflict(operation, body), nil
	case Throttle:
		return refused("ProvisionedThroughputExceededException", "injected", ""), nil
	case Unprocessed:
		return unprocessed(operation, body), nil
	case LostCall:
		return nil, errBroken
	case Hang:
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	body = reportCapacity(body)
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	base := c.Base
	if base == nil {
		base = transport
	}
	resp, answer, err := exchange(base, r)
	if err != nil {
		return nil, err
	}
	if c.Answered != nil {
		c.Answered(operation, body)
	}
	select {
	case <-time.After(c.Delay):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	c.mu.Lock()
	c.calls = append(c.calls, Call{Operation: operation, Began: began, Done: time.Now(), answer: answer})
	c.mu.Unlock()
	switch fault {
	case LostAnswer:
		return nil, errBroken
	case CutAnswer:
		resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(answer[:len(answer)/2]), iotest.ErrReader(io.ErrUnexpectedEOF)))
	}
	return resp, nil
}

// exchange sends a request and reads the whole answer, which the response still has.
func exchange(by http.RoundTripper, r *http.Request) (*http.Response, []byte, error) {
	resp, err := by.RoundTrip(r)
	if err != nil {
		return nil, nil, err
	}
	answer, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		return nil, nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(answer))
	return resp, answer, nil
}

// errBroken is a connection that breaks, which the SDK retries.
var errBroken = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}

// Reset forgets the calls so far.
func (c *Client) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = nil
}

// Calls returns the calls since Reset, in the order in which they began.
func (c *Client) Calls() []Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	calls := append([]Call(nil), c.calls...)
	for n := range calls {
		call := &calls[n]
		call.Items = items(call.answer)
		call.Read, call.Write = capacity(call.Operation, call.answer)
	}
	sort.Slice(calls, func(i, j int) bool { return calls[i].Began.Before(calls[j].Began) })
	return calls
}

// Sequential counts the calls that had to wait for one another: calls at the same
// time count once.
func (c *Client) Sequential() int {
	n := 0
	var done time.Time
	for _, call := range c.Calls() {
		if n == 0 || !call.Began.Before(done) {
			n++
			done = call.Done
		} else if call.Done.Before(done) {
			done = call.Done
		}
	}
	return n
}

// Items sums the items that the calls read.
func (c *Client) Items() int {
	n := 0
	for _, call := range c.Calls() {
		n += call.Items
	}
	return n
}

// Capacity sums the read and write units of the calls.
func (c *Client) Capacity() (read, write float64) {
	for _, call := range c.Calls() {
		read += call.Read
		write += call.Write
	}
	return read, write
}

func reportCapacity(body []byte) []byte {
	if !bytes.HasPrefix(body, []byte("{")) || bytes.Equal(body, []byte("{}")) {
		return body
	}
	return append([]byte(`{"ReturnConsumedCapacity":"TOTAL",`), body[1:]...)
}

// capacity reads the consumed capacity of an answer: an object, or a list of them
// for batches and transactions.
func capacity(operation string, answer []byte) (read, write float64) {
	var parsed struct{ ConsumedCapacity json.RawMessage }
	if json.Unmarshal(answer, &parsed) != nil || len(parsed.ConsumedCapacity) == 0 {
		return 0, 0
	}
	type units struct{ CapacityUnits float64 }
	var all []units
	if json.Unmarshal(parsed.ConsumedCapacity, &all) != nil {
		var one units
		if json.Unmarshal(parsed.ConsumedCapacity, &one) != nil {
			return 0, 0
		}
		all = []units{one}
	}
	sum := 0.0
	for _, u := range all {
		sum += u.CapacityUnits
	}
	switch operation {
	case "GetItem", "BatchGetItem", "Query":
		return sum, 0
	}
	return 0, sum
}

// items counts the items that the answer of a read holds.
func items(answer []byte) int {
	var parsed struct {
		Item      map[string]json.RawMessage
		Items     []json.RawMessage
		Responses map[string][]json.RawMessage
	}
	if json.Unmarshal(answer, &parsed) != nil {
		return 0
	}
	n := len(parsed.Items)
	if parsed.Item != nil {
		n++
	}
	for _, r := range parsed.Responses {
		n += len(r)
	}
	return n
}

// unprocessed is DynamoDB's answer to a batch when it is short of capacity.
func unprocessed(operation string, body []byte) *http.Response {
	var in struct{ RequestItems json.RawMessage }
	json.Unmarshal(body, &in)
	if operation == "BatchGetItem" {
		return answered(http.StatusOK, "", fmt.Sprintf(`{"Responses":{},"UnprocessedKeys":%s}`, in.RequestItems))
	}
	return answered(http.StatusOK, "", fmt.Sprintf(`{"UnprocessedItems":%s}`, in.RequestItems))
}

// conflict is DynamoDB's answer to a write that another transaction is in the way
// of; DynamoDB Local never gives it.
func conflict(operation string, body []byte) *http.Response {
	if operation != "TransactWriteItems" {
		return refused("TransactionConflictException", "Transaction is ongoing for the item", "")
	}
	return cancelled(body, "TransactionConflict", "Transaction is ongoing for the item")
}

// cancelled is DynamoDB's answer to a transaction of which the first item is the
// reason for a refusal.
func cancelled(body []byte, code, message string) *http.Response {
	var in struct{ TransactItems []json.RawMessage }
	json.Unmarshal(body, &in)
	reasons := make([]string, len(in.TransactItems))
	for i := range reasons {
		reasons[i] = `{"Code":"None"}`
	}
	reasons[0] = fmt.Sprintf(`{"Code":%q,"Message":%q}`, code, message)
	return refused("TransactionCanceledException", "Transaction cancelled",
		`,"CancellationReasons":[`+strings.Join(reasons, ",")+`]`)
}

func refused(code, message, more string) *http.Response {
	return answered(http.StatusBadRequest, code,
		fmt.Sprintf(`{"__type":"com.amazonaws.dynamodb.v20120810#%s","message":%q,"Message":%q%s}`, code, message, message, more))
}

func answered(status int, code, body string) *http.Response {
	header := http.Header{"Content-Type": {"application/x-amz-json-1.0"}}
	if code != "" {
		header.Set("X-Amzn-Errortype", code)
	}
	return &http.Response{
		StatusCode: status, Status: fmt.Sprintf("%d %s", status, http.StatusText(status)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}
