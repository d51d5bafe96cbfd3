package dynamo

import (
	"net/http"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

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
