package dynamotest_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tocsin/internal/dynamotest"
)

func TestMain(m *testing.M) { dynamotest.Main(m) }

// proxied returns a client that calls through a proxy with the fault, and tries once.
func proxied(t *testing.T, tb *dynamotest.Table, fault dynamotest.Fault) (*dynamodb.Client, *dynamotest.Proxy) {
	p := dynamotest.NewProxy(t, tb)
	p.Inject = func(dynamotest.ProxiedCall) (dynamotest.Fault, time.Duration) { return fault, 50 * time.Millisecond }
	return dynamodb.New(dynamodb.Options{
		Region: dynamotest.Region, BaseEndpoint: aws.String(p.Endpoint("caller")), Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""), HTTPClient: &http.Client{Timeout: time.Second},
	}), p
}

func itemOf(pk string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: pk}, "sk": &types.AttributeValueMemberS{Value: "s"}}
}

// What a fault does to a write: whether it takes effect, and what the caller is told.
func TestProxyFaults(t *testing.T) {
	t.Parallel()
	tb := dynamotest.NewTable(t)
	for _, tt := range []struct {
		fault   dynamotest.Fault
		written bool
		err     string // in the error; "" for none. That of a broken connection has many forms
	}{
		{dynamotest.None, true, ""},
		{dynamotest.Slow, true, ""},
		{dynamotest.LostAnswer, true, "TransactWriteItems"},
		{dynamotest.CutAnswer, true, "unexpected EOF"},
		{dynamotest.KillAfter, true, "TransactWriteItems"},
		{dynamotest.LostCall, false, "TransactWriteItems"},
		{dynamotest.KillBefore, false, "TransactWriteItems"},
		{dynamotest.Hang, false, "Timeout"},
		{dynamotest.Throttle, false, "ProvisionedThroughputExceededException"},
		{dynamotest.ThrottleAll, false, "ThrottlingException"},
		{dynamotest.ThrottleItem, false, "TransactionCanceledException"},
		{dynamotest.Conflict, false, "TransactionCanceledException"},
		{dynamotest.ServerError, false, "InternalServerError"},
		{dynamotest.Unavailable, false, "503"},
	} {
		t.Run(tt.fault.String(), func(t *testing.T) {
			client, p := proxied(t, tb, tt.fault)
			var killed atomic.Value
			p.Kill = func(caller string) { killed.Store(caller); panic(http.ErrAbortHandler) } // its connection breaks
			pk := tt.fault.String()
			_, err := client.TransactWriteItems(context.Background(), &dynamodb.TransactWriteItemsInput{
				TransactItems: []types.TransactWriteItem{{Put: &types.Put{TableName: &tb.Name, Item: itemOf(pk)}}},
			})
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("the caller is told %v, want %q", err, tt.err)
			}
			got, err := tb.DynamoDB(nil).GetItem(context.Background(), &dynamodb.GetItemInput{TableName: &tb.Name, Key: itemOf(pk)})
			if err != nil || (got.Item != nil) != tt.written {
				t.Errorf("written: %v, want %v (%v)", got.Item != nil, tt.written, err)
			}
			if kills := tt.fault == dynamotest.KillBefore || tt.fault == dynamotest.KillAfter; kills != (killed.Load() == "caller") {
				t.Errorf("killed: %v", killed.Load())
			}
		})
	}
}

// A batch of which a part was done says which one was not.
func TestProxyPartial(t *testing.T) {
	t.Parallel()
	tb := dynamotest.NewTable(t)
	client, _ := proxied(t, tb, dynamotest.Partial)
	var writes []types.WriteRequest
	keys := types.KeysAndAttributes{ConsistentRead: aws.Bool(true)}
	for n := range 5 {
		writes = append(writes, types.WriteRequest{PutRequest: &types.PutRequest{Item: itemOf(fmt.Sprint(n))}})
		keys.Keys = append(keys.Keys, itemOf(fmt.Sprint(n)))
	}
	out, err := client.BatchWriteItem(context.Background(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{tb.Name: writes}})
	if err != nil {
		t.Fatal(err)
	}
	if written, left := len(tb.Scan(t)), len(out.UnprocessedItems[tb.Name]); written != 3 || left != 2 {
		t.Errorf("%d of 5 are written, %d left", written, left)
	}
	read, err := client.BatchGetItem(context.Background(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{tb.Name: keys}})
	if err != nil {
		t.Fatal(err)
	}
	left := read.UnprocessedKeys[tb.Name]
	if len(read.Responses[tb.Name]) != 3 || len(left.Keys) != 2 || !aws.ToBool(left.ConsistentRead) {
		t.Errorf("%d of 5 are read, %d left (%+v)", len(read.Responses[tb.Name]), len(left.Keys), left)
	}
}

// Nothing of a caller that is gone takes effect.
func TestProxyRetire(t *testing.T) {
	t.Parallel()
	tb := dynamotest.NewTable(t)
	client, p := proxied(t, tb, dynamotest.None)
	p.Retire("caller")
	if _, err := client.PutItem(context.Background(), &dynamodb.PutItemInput{TableName: &tb.Name, Item: itemOf("late")}); err == nil || len(tb.Scan(t)) != 0 {
		t.Errorf("a call of a retired caller is answered %v and has left %d items", err, len(tb.Scan(t)))
	}
}
