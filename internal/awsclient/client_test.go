package awsclient

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tocsin/internal/ddb"
)

// A call that gets no answer in time, or whose body does not end, is tried again; the
// connection of one that does is used again.
func TestHTTPClient(t *testing.T) {
	t.Parallel()
	const timeout = 500 * time.Millisecond
	calls, remotes := 0, map[string]bool{}
	hang := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		calls++
		switch calls {
		case 1:
			select {
			case <-hang:
			case <-r.Context().Done():
			}
			return
		case 2:
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "{")
			w.(http.Flusher).Flush()
			select {
			case <-hang:
			case <-r.Context().Done():
			}
			return
		}
		remotes[r.RemoteAddr] = true
		io.WriteString(w, `{"Item":{"a":{"S":"b"}}}`)
	}))
	defer server.Close()
	defer close(hang)
	client := ddb.NewClient(aws.Config{
		Region: "us-east-1", HTTPClient: NewHTTPClient(timeout), Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}, server.URL)
	in := &dynamodb.GetItemInput{TableName: aws.String("table"), Key: map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "x"}}}
	for range 200 {
		out, err := client.GetItem(t.Context(), in)
		if err != nil || out.Item["a"].(*types.AttributeValueMemberS).Value != "b" {
			t.Fatalf("%v, %v", out, err)
		}
	}
	if calls != 202 || len(remotes) != 1 {
		t.Errorf("%d calls, the good ones over %d connections, want 202 and 1", calls, len(remotes))
	}
}

// A caller that gives up ends the call.
func TestHTTPClientCancelled(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}))
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewHTTPClient(time.Minute).Do(r); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want the end of the caller's time", err)
	}
}
