package local

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/google/go-cmp/cmp"

	"tocsin/internal/dynamo/dump"
)

func streamsClient(endpoint string) *dynamodbstreams.Client {
	return dynamodbstreams.New(dynamodbstreams.Options{
		Region: Region, BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider(Region, Region, ""), Retryer: aws.NopRetryer{},
	})
}

// changesOf is a template with a function that gets the rows of CHANGES#.
func changesOf(t *testing.T) *Template {
	t.Helper()
	p, err := parsePattern(`{"dynamodb":{"NewImage":{"pk":{"S":[{"prefix":"CHANGES#"}]}}}}`)
	if err != nil {
		t.Fatal(err)
	}
	return &Template{Functions: []Function{{ID: "F", Timeout: time.Minute, Streams: []Stream{{ID: "S", BatchSize: 2, Filters: []Pattern{p}, Retries: 5}}}}}
}

// received is a function that keeps the records that it is called with.
type received struct {
	mu      sync.Mutex
	records []events.DynamoDBEventRecord
	largest int // number of records in a call
}

func (r *received) Invoke(_ context.Context, payload []byte) ([]byte, error) {
	var e events.DynamoDBEvent
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.records = append(r.records, e.Records...)
	r.largest = max(r.largest, len(e.Records))
	return nil, nil
}

// names returns the sort keys of the records.
func (r *received) names() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var names []string
	for _, record := range r.records {
		names = append(names, record.Change.Keys["sk"].String())
	}
	return names
}

func (r *received) wants(t *testing.T, want ...string) {
	t.Helper()
	for range 1000 {
		if len(r.names()) >= len(want) {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if diff := cmp.Diff(want, r.names()); diff != "" {
		t.Fatalf("records (-want +got):\n%s", diff)
	}
}

// follow runs a poller until the test ends.
func follow(t *testing.T, f lambda.Handler, endpoint, arn string, log io.Writer) {
	t.Helper()
	p, err := NewPoller(t.Context(), changesOf(t), map[string]lambda.Handler{"F": f}, streamsClient(endpoint), arn, GatewayOptions{Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan bool)
	go func() { p.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
}

// TestPoller reads the stream of an engine that ends and starts again.
func TestPoller(t *testing.T) {
	o := realEngine()
	o.Data = filepath.Join(t.TempDir(), "data")
	first := startEngine(t, o)
	// The engine has another port when it starts again, and a client has one address.
	var target atomic.Pointer[url.URL]
	proxy := httptest.NewServer(&httputil.ReverseProxy{ErrorLog: stdlog.New(io.Discard, "", 0), Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target.Load()) }})
	defer proxy.Close()
	at := func(e *Engine) *dynamodb.Client {
		u, err := url.Parse(e.Endpoint())
		if err != nil {
			t.Fatal(err)
		}
		target.Store(u)
		return engineClient(e)
	}
	client := at(first)
	d := dump.TableDefinition{Attributes: map[string]string{"pk": "S", "sk": "S"}, PartitionKey: "pk", SortKey: "sk", StreamView: streamView}
	if err := dump.CreateTable(t.Context(), client, "things", d); err != nil {
		t.Fatal(err)
	}
	arn, err := dump.EnableStream(t.Context(), client, "things", d)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := dump.EnableStream(t.Context(), client, "things", d); again != arn || err != nil {
		t.Fatalf("turned on twice: %s, %v, before %s", again, err, arn)
	}
	key := func(pk, sk string) map[string]dynamodbtypes.AttributeValue {
		return map[string]dynamodbtypes.AttributeValue{"pk": &dynamodbtypes.AttributeValueMemberS{Value: pk}, "sk": &dynamodbtypes.AttributeValueMemberS{Value: sk}}
	}
	put := func(pk, sk string) {
		t.Helper()
		if _, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("things"), Item: key(pk, sk)}); err != nil {
			t.Fatal(err)
		}
	}
	put("CHANGES#1", "before")
	var got received
	follow(t, &got, proxy.URL, arn, t.Output())
	put("CHANGES#1", "one")
	put("MONITOR#1", "hour")
	if _, err := client.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String("things"), Key: key("CHANGES#1", "one")}); err != nil {
		t.Fatal(err)
	}
	want := []string{"one"}
	for i := range 7 { // more than a call takes
		want = append(want, fmt.Sprint("many ", i))
		put("CHANGES#1", want[i+1])
	}
	got.wants(t, want...)
	got.mu.Lock()
	if record := got.records[0]; record.EventSourceArn != arn || record.EventName != "INSERT" || got.largest > 2 {
		t.Errorf("record %+v, at most %d at once", record, got.largest)
	}
	got.mu.Unlock()
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	client = at(startEngine(t, o))
	put("CHANGES#1", "after")
	got.wants(t, append(want, "after")...)
}

// streamService stands for DynamoDB with shards that end, and with what it answers in 15 minutes
// and in 24 hours.
type streamService struct {
	mu     sync.Mutex
	shards []*testShard
	asked  []string
}

type testShard struct {
	id, parent string
	records    []string
	ended      bool
	failures   []string // what reading the shard is answered next
}

func (s *streamService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var in struct{ ShardId, ShardIteratorType, SequenceNumber, ShardIterator, ExclusiveStartShardId string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		panic(err)
	}
	fail := func(name string) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"__type":"com.amazonaws.dynamodb.v20120810#%s","message":"no"}`, name)
	}
	at := func(id string) *testShard {
		return s.shards[slices.IndexFunc(s.shards, func(s *testShard) bool { return s.id == id })]
	}
	_, call, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	switch call {
	case "DescribeStream": // a shard at a time
		i := 1 + slices.IndexFunc(s.shards, func(s *testShard) bool { return s.id == in.ExclusiveStartShardId })
		shard, last, ending := s.shards[i], "null", "null"
		if i < len(s.shards)-1 {
			last = `"` + shard.id + `"`
		}
		if shard.ended {
			ending = `"9"`
		}
		fmt.Fprintf(w, `{"StreamDescription":{"LastEvaluatedShardId":%s,"Shards":[{"ShardId":%q,"ParentShardId":%q,"SequenceNumberRange":{"StartingSequenceNumber":"1","EndingSequenceNumber":%s}}]}}`,
			last, shard.id, shard.parent, ending)
	case "GetShardIterator":
		s.asked = append(s.asked, strings.TrimSpace(in.ShardId+" "+in.ShardIteratorType+" "+in.SequenceNumber))
		position := map[string]string{"LATEST": fmt.Sprint(len(at(in.ShardId).records)), "TRIM_HORIZON": "0", "AFTER_SEQUENCE_NUMBER": in.SequenceNumber}[in.ShardIteratorType]
		fmt.Fprintf(w, `{"ShardIterator":"%s %s"}`, in.ShardId, position)
	case "GetRecords":
		var id string
		var position int
		fmt.Sscan(in.ShardIterator, &id, &position)
		shard := at(id)
		if len(shard.failures) > 0 {
			fail(shard.failures[0])
			shard.failures = shard.failures[1:]
			return
		}
		next, records := fmt.Sprintf(`"%s %d"`, id, len(shard.records)), []string{}
		if shard.ended {
			next = "null"
		}
		for i, name := range shard.records[position:] {
			records = append(records, fmt.Sprintf(`{"eventName":"INSERT","dynamodb":{"Keys":{"sk":{"S":%q}},"NewImage":{"pk":{"S":"CHANGES#"}},"SequenceNumber":"%d"}}`, name, position+i+1))
		}
		fmt.Fprintf(w, `{"NextShardIterator":%s,"Records":[%s]}`, next, strings.Join(records, ","))
	}
}

func (s *streamService) do(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func TestPollerFollowsShards(t *testing.T) {
	a := &testShard{id: "a", records: []string{"old"}, ended: true}
	b := &testShard{id: "b", parent: "a", records: []string{"older"}}
	c := &testShard{id: "c", parent: "b", records: []string{"c1"}}
	d := &testShard{id: "d", parent: "b", records: []string{"d1"}}
	service := &streamService{shards: []*testShard{a, b}}
	server := httptest.NewServer(service)
	defer server.Close()
	var log bytes.Buffer
	var got received
	t.Run("", func(t *testing.T) { // the log is read when the poller has ended
		follow(t, &got, server.URL, "arn:the-stream", &log)
		service.do(func() { b.records = append(b.records, "b1") })
		got.wants(t, "b1")
		service.do(func() { b.failures = []string{"ExpiredIteratorException"}; b.records = append(b.records, "b2") })
		got.wants(t, "b1", "b2")
		// The shard ends. Its children can be seen a little later.
		service.do(func() { b.records, b.ended = append(b.records, "b3"), true })
		got.wants(t, "b1", "b2", "b3")
		service.do(func() { service.shards = append(service.shards, c) })
		got.wants(t, "b1", "b2", "b3", "c1")
		service.do(func() {
			c.failures = []string{"TrimmedDataAccessException"}
			c.records = append(c.records, "c2")
		})
		got.wants(t, "b1", "b2", "b3", "c1", "c1", "c2")
		// The stream is another one: what is written from then on is read.
		service.do(func() { c.failures, service.shards = []string{"ResourceNotFoundException"}, []*testShard{a, b, c, d} })
		for range 500 {
			time.Sleep(10 * time.Millisecond)
			var at int
			service.do(func() { at = len(service.asked) })
			if at >= 6 {
				break
			}
		}
		service.do(func() { d.records = append(d.records, "d2") })
		got.wants(t, "b1", "b2", "b3", "c1", "c1", "c2", "d2")
	})
	want := []string{"b LATEST", "b AFTER_SEQUENCE_NUMBER 2", "c TRIM_HORIZON", "c TRIM_HORIZON", "c LATEST", "d LATEST"}
	if diff := cmp.Diff(want, service.asked); diff != "" {
		t.Errorf("iterators (-want +got):\n%s", diff)
	}
	if text := log.String(); strings.Count(text, "level=ERROR") != 2 || !strings.Contains(text, "TrimmedDataAccessException") || !strings.Contains(text, "ResourceNotFoundException") {
		t.Errorf("log:\n%s", text)
	}
}

func TestNewPollerRefuses(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		io.WriteString(w, `{"__type":"com.amazonaws.dynamodb.v20120810#UnknownOperationException","message":"no streams here"}`)
	}))
	defer server.Close()
	for want, handlers := range map[string]map[string]lambda.Handler{
		"the function F has a stream but no handler here": nil,
		"no streams here": {"F": &received{}},
	} {
		_, err := NewPoller(t.Context(), changesOf(t), handlers, streamsClient(server.URL), "arn:the-stream", GatewayOptions{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestDeliver has a function fail, on a clock that does not wait.
func TestDeliver(t *testing.T) {
	const s = time.Second
	tests := []struct {
		name     string
		mapping  Stream
		failures int             // then it succeeds
		calls    []time.Duration // when it is called
		log      string
	}{
		{"it succeeds", Stream{Retries: 5}, 0, []time.Duration{0}, ""},
		{"the third time", Stream{Retries: 5}, 2, []time.Duration{0, 1 * s, 3 * s}, ""},
		{"the last time", Stream{Retries: 2}, 2, []time.Duration{0, 1 * s, 3 * s}, ""},
		{"too often", Stream{Retries: 2}, 3, []time.Duration{0, 1 * s, 3 * s}, "tries=3"},
		{"no second time", Stream{Retries: 0}, 1, []time.Duration{0}, "tries=1"},
		{"too old", Stream{Retries: forEver, MaxAge: 60 * s}, 9, []time.Duration{0, 1 * s, 3 * s, 7 * s, 15 * s, 31 * s}, "tries=6"},
		{"for ever", Stream{Retries: forEver}, 8, []time.Duration{0, 1 * s, 3 * s, 7 * s, 15 * s, 31 * s, 61 * s, 91 * s, 121 * s}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				var calls []time.Duration
				began := time.Now()
				f := handlerFunc(func(context.Context, []byte) ([]byte, error) {
					if calls = append(calls, time.Since(began)); len(calls) <= tt.failures {
						return nil, errors.New("no luck")
					}
					return nil, nil
				})
				r := &reader{invoker: invoker{Function{ID: "F", Timeout: time.Minute}, f}, mapping: tt.mapping, log: slog.New(slog.NewTextHandler(&log, nil))}
				if err := r.deliver(t.Context(), []types.Record{{Dynamodb: &types.StreamRecord{}}}); err != nil {
					t.Error(err)
				}
				if diff := cmp.Diff(tt.calls, calls); diff != "" {
					t.Errorf("calls (-want +got):\n%s", diff)
				}
				if text := log.String(); strings.Contains(text, "given up") != (tt.log != "") || !strings.Contains(text, tt.log) {
					t.Errorf("log:\n%s", text)
				}
			})
		})
	}
}

// TestEventRecord compares an event with what AWS documents of one.
func TestEventRecord(t *testing.T) {
	item := map[string]types.AttributeValue{
		"s": &types.AttributeValueMemberS{Value: "text"}, "n": &types.AttributeValueMemberN{Value: "1.5"}, "b": &types.AttributeValueMemberB{Value: []byte("x")},
		"ss": &types.AttributeValueMemberSS{Value: []string{"a", "b"}}, "ns": &types.AttributeValueMemberNS{Value: []string{"1"}}, "bs": &types.AttributeValueMemberBS{Value: [][]byte{[]byte("x")}},
		"l": &types.AttributeValueMemberL{Value: []types.AttributeValue{&types.AttributeValueMemberBOOL{Value: true}, &types.AttributeValueMemberNULL{Value: true}}},
		"m": &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"k": &types.AttributeValueMemberS{Value: ""}}},
	}
	const itemJSON = `{"b":{"B":"eA=="},"bs":{"BS":["eA=="]},"l":{"L":[{"BOOL":true},{"NULL":true}]},"m":{"M":{"k":{"S":""}}},"n":{"N":"1.5"},"ns":{"NS":["1"]},"s":{"S":"text"},"ss":{"SS":["a","b"]}}`
	record := types.Record{
		AwsRegion: aws.String("local"), EventID: aws.String("id"), EventName: types.OperationTypeModify, EventSource: aws.String("aws:dynamodb"), EventVersion: aws.String("1.1"),
		Dynamodb: &types.StreamRecord{
			ApproximateCreationDateTime: aws.Time(time.Unix(1796048580, 0)), Keys: map[string]types.AttributeValue{"pk": item["s"]}, NewImage: item, OldImage: item,
			SequenceNumber: aws.String("7"), SizeBytes: aws.Int64(26), StreamViewType: types.StreamViewTypeNewAndOldImages,
		},
	}
	const want = `{"awsRegion":"local","dynamodb":{"ApproximateCreationDateTime":1796048580,"Keys":{"pk":{"S":"text"}},"NewImage":` + itemJSON + `,"OldImage":` + itemJSON +
		`,"SequenceNumber":"7","SizeBytes":26,"StreamViewType":"NEW_AND_OLD_IMAGES"},"eventID":"id","eventName":"MODIFY","eventSource":"aws:dynamodb","eventVersion":"1.1","eventSourceARN":"arn"}`
	got, err := json.Marshal(eventRecord(record, "arn"))
	if err != nil || string(got) != want {
		t.Errorf("%s, %v, want\n%s", got, err, want)
	}
	expired := types.Record{
		EventName: types.OperationTypeRemove, UserIdentity: &types.Identity{Type: aws.String("Service"), PrincipalId: aws.String("dynamodb.amazonaws.com")},
		Dynamodb: &types.StreamRecord{ApproximateCreationDateTime: aws.Time(time.Unix(1796048580, 0)), Keys: map[string]types.AttributeValue{"pk": item["s"]}, OldImage: map[string]types.AttributeValue{"pk": item["s"]}},
	}
	const wantExpired = `"Keys":{"pk":{"S":"text"}},"OldImage":{"pk":{"S":"text"}},"SequenceNumber":"","SizeBytes":0,"StreamViewType":""},"eventID":"","eventName":"REMOVE","eventSource":"","eventVersion":"",` +
		`"eventSourceARN":"arn","userIdentity":{"type":"Service","principalId":"dynamodb.amazonaws.com"}}`
	if got, err := json.Marshal(eventRecord(expired, "arn")); err != nil || !strings.HasSuffix(string(got), wantExpired) {
		t.Errorf("%s, %v, want ...%s", got, err, wantExpired)
	}
}
