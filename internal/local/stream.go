package local

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

const (
	streamPoll       = 250 * time.Millisecond // between two looks at a shard, as Lambda's four a second
	streamPause      = time.Second            // after a failure, and twice as long after each more of them,
	streamLongPause  = 30 * time.Second       // up to this
	shardsPoll       = 10 * time.Second       // between two looks at which shards there are
	maxRecordsToRead = 1000                   // that GetRecords gives at once
)

// A Poller does what Lambda does with the template's event source mappings: it reads the table's
// stream and calls functions with the records that their filters let through. Records of one item
// come in their order; a batch that fails holds up the shard that it is from until it succeeds or
// is given up.
type Poller struct {
	readers []*reader
}

// reader reads the stream for one mapping.
type reader struct {
	invoker
	mapping Stream
	client  *dynamodbstreams.Client
	arn     string // of the stream
	log     *slog.Logger

	shards map[string]*shard // all that were ever seen, by id
	looked time.Time         // when the shards were listed
}

// shard is a part of a stream, and how far it is read.
type shard struct {
	id, parent string
	from       types.ShardIteratorType // where reading begins while after is ""
	after      string                  // sequence number of the last record that was read
	iterator   *string                 // nil: to be had
	read       bool                    // to its end
}

// NewPoller returns the poller of the template's functions on the stream with the ARN. It is at the
// stream's end, LATEST, when it returns: whatever is written from then on will be read. handlers has
// one for each function that has a mapping, by its logical id.
func NewPoller(ctx context.Context, t *Template, handlers map[string]lambda.Handler, client *dynamodbstreams.Client, arn string, o GatewayOptions) (*Poller, error) {
	p := &Poller{}
	for _, f := range t.Functions {
		for _, mapping := range f.Streams {
			if handlers[f.ID] == nil {
				return nil, fmt.Errorf("the function %s has a stream but no handler here", f.ID)
			}
			r := &reader{invoker: invoker{f, handlers[f.ID]}, mapping: mapping, client: client, arn: arn, log: cmp.Or(o.Log, slog.Default())}
			if err := r.begin(ctx); err != nil {
				return nil, fmt.Errorf("%s: %w", mapping.ID, err)
			}
			p.readers = append(p.readers, r)
		}
	}
	return p, nil
}

// Run reads and calls until ctx ends.
func (p *Poller) Run(ctx context.Context) {
	var g sync.WaitGroup
	for _, r := range p.readers {
		g.Go(func() { r.run(ctx) })
	}
	g.Wait()
}

func (r *reader) run(ctx context.Context) {
	pause := streamPoll
	for ctx.Err() == nil {
		switch err := r.poll(ctx); {
		case err == nil:
			pause = streamPoll
		case ctx.Err() == nil:
			if pause == streamPoll { // once for all failures in a row
				r.log.Error("stream", "mapping", r.mapping.ID, "cause", err.Error())
			}
			pause = longer(pause)
		}
		wait(ctx, pause)
	}
}

// longer is the pause after one more failure.
func longer(pause time.Duration) time.Duration {
	return min(max(streamPause, 2*pause), streamLongPause)
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// begin goes to the end of the stream: of those shards that no other came from yet.
func (r *reader) begin(ctx context.Context) error {
	r.shards = map[string]*shard{}
	if err := r.list(ctx, types.ShardIteratorTypeLatest); err != nil {
		return err
	}
	for _, s := range r.shards {
		if parent := r.shards[s.parent]; parent != nil {
			parent.read = true
		}
	}
	for _, s := range r.open() {
		if err := r.position(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// list adds the shards that were not there before, and says from where they are to be read.
func (r *reader) list(ctx context.Context, from types.ShardIteratorType) error {
	var start *string
	for {
		out, err := r.client.DescribeStream(ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: &r.arn, ExclusiveStartShardId: start})
		if err != nil {
			return err
		}
		for _, s := range out.StreamDescription.Shards {
			if id := aws.ToString(s.ShardId); r.shards[id] == nil {
				r.shards[id] = &shard{id: id, parent: aws.ToString(s.ParentShardId), from: from}
			}
		}
		if start = out.StreamDescription.LastEvaluatedShardId; start == nil {
			r.looked = time.Now()
			return nil
		}
	}
}

// open returns the shards that can be read now: a shard comes after the one that it came from.
func (r *reader) open() []*shard {
	var open []*shard
	for _, s := range r.shards {
		if parent := r.shards[s.parent]; !s.read && (parent == nil || parent.read) {
			open = append(open, s)
		}
	}
	slices.SortFunc(open, func(a, b *shard) int { return cmp.Compare(a.id, b.id) })
	return open
}

// position gets the iterator of a shard.
func (r *reader) position(ctx context.Context, s *shard) error {
	in := &dynamodbstreams.GetShardIteratorInput{StreamArn: &r.arn, ShardId: &s.id, ShardIteratorType: s.from}
	if s.after != "" {
		in.ShardIteratorType, in.SequenceNumber = types.ShardIteratorTypeAfterSequenceNumber, &s.after
	}
	out, err := r.client.GetShardIterator(ctx, in)
	if err != nil {
		return err
	}
	s.iterator = out.ShardIterator
	return nil
}

// poll reads what is new in all shards.
func (r *reader) poll(ctx context.Context) error {
	open := r.open()
	if len(open) == 0 || time.Since(r.looked) >= shardsPoll {
		if err := r.list(ctx, types.ShardIteratorTypeTrimHorizon); err != nil {
			return r.recover(ctx, &shard{}, err)
		}
		open = r.open()
	}
	for _, s := range open {
		if err := r.follow(ctx, s); err != nil {
			return r.recover(ctx, s, err)
		}
	}
	return nil
}

// follow reads a shard until nothing more is there.
func (r *reader) follow(ctx context.Context, s *shard) error {
	for ctx.Err() == nil {
		if s.iterator == nil {
			if err := r.position(ctx, s); err != nil {
				return err
			}
		}
		out, err := r.client.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{
			ShardIterator: s.iterator, Limit: aws.Int32(int32(min(r.mapping.BatchSize, maxRecordsToRead))),
		})
		if err != nil {
			return err
		}
		if err := r.deliver(ctx, out.Records); err != nil {
			return err
		}
		if n := len(out.Records); n > 0 {
			s.after = aws.ToString(out.Records[n-1].Dynamodb.SequenceNumber)
		}
		if s.iterator = out.NextShardIterator; s.iterator == nil {
			s.read = true
			r.looked = time.Time{} // look at once for the one that comes after it
		}
		if s.read || len(out.Records) == 0 {
			return nil
		}
	}
	return nil
}

// recover prepares how reading the shard goes on after a failure, and returns it if it is one to
// tell of.
func (r *reader) recover(ctx context.Context, s *shard, err error) error {
	if _, expired := errors.AsType[*types.ExpiredIteratorException](err); expired {
		s.iterator = nil
		return nil
	}
	if _, trimmed := errors.AsType[*types.TrimmedDataAccessException](err); trimmed { // records were missed
		s.iterator, s.after, s.from = nil, "", types.ShardIteratorTypeTrimHorizon
		return err
	}
	if _, gone := errors.AsType[*types.ResourceNotFoundException](err); gone {
		// A shard that is gone, or all of them: what is there now is read from its end.
		if again := r.begin(ctx); again != nil {
			return again
		}
	}
	return err
}

// deliver calls the function with those of the records that the filters let through, until it
// succeeds or they are given up, which is logged. Only the end of ctx is an error.
func (r *reader) deliver(ctx context.Context, records []types.Record) error {
	var event events.DynamoDBEvent
	for _, record := range records {
		converted := eventRecord(record, r.arn)
		if r.mapping.admits(converted) {
			event.Records = append(event.Records, converted)
		}
	}
	if len(event.Records) == 0 {
		return nil
	}
	payload, err := json.Marshal(event)
	if err != nil {
		return fmt.Errorf("making the event of a stream: %w", err)
	}
	began, pause := time.Now(), time.Duration(0)
	for try := 0; ; try++ {
		err := r.invoker.run(ctx, payload)
		if err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
		pause = longer(pause)
		if r.mapping.Retries != forEver && try >= r.mapping.Retries || r.mapping.MaxAge > 0 && time.Since(began)+pause > r.mapping.MaxAge {
			r.log.Error("stream: a batch was given up", "mapping", r.mapping.ID, "records", len(event.Records), "tries", try+1, "cause", err.Error())
			return nil
		}
		r.log.Error("stream: a batch failed and is tried again", "mapping", r.mapping.ID, "records", len(event.Records), "pause", pause.String(), "cause", err.Error())
		wait(ctx, pause)
	}
}

// admits reports whether one of the mapping's filters lets the record through.
func (s Stream) admits(record events.DynamoDBEventRecord) bool {
	if len(s.Filters) == 0 {
		return true
	}
	text, err := json.Marshal(record)
	var v any
	if err == nil {
		err = json.Unmarshal(text, &v)
	}
	return err == nil && slices.ContainsFunc(s.Filters, func(p Pattern) bool { return p.matches(v) })
}

// eventRecord makes what Lambda makes of a record of the stream.
func eventRecord(r types.Record, arn string) events.DynamoDBEventRecord {
	change := r.Dynamodb
	e := events.DynamoDBEventRecord{
		AWSRegion: aws.ToString(r.AwsRegion),
		Change: events.DynamoDBStreamRecord{
			ApproximateCreationDateTime: events.SecondsEpochTime{Time: aws.ToTime(change.ApproximateCreationDateTime)},
			Keys:                        eventItem(change.Keys),
			NewImage:                    eventItem(change.NewImage),
			OldImage:                    eventItem(change.OldImage),
			SequenceNumber:              aws.ToString(change.SequenceNumber),
			SizeBytes:                   aws.ToInt64(change.SizeBytes),
			StreamViewType:              string(change.StreamViewType),
		},
		EventID:        aws.ToString(r.EventID),
		EventName:      string(r.EventName),
		EventSource:    aws.ToString(r.EventSource),
		EventVersion:   aws.ToString(r.EventVersion),
		EventSourceArn: arn,
	}
	if u := r.UserIdentity; u != nil {
		e.UserIdentity = &events.DynamoDBUserIdentity{Type: aws.ToString(u.Type), PrincipalID: aws.ToString(u.PrincipalId)}
	}
	return e
}

func eventItem(item map[string]types.AttributeValue) map[string]events.DynamoDBAttributeValue {
	if item == nil {
		return nil
	}
	out := map[string]events.DynamoDBAttributeValue{}
	for name, v := range item {
		out[name] = eventValue(v)
	}
	return out
}

func eventValue(v types.AttributeValue) events.DynamoDBAttributeValue {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return events.NewStringAttribute(v.Value)
	case *types.AttributeValueMemberN:
		return events.NewNumberAttribute(v.Value)
	case *types.AttributeValueMemberB:
		return events.NewBinaryAttribute(v.Value)
	case *types.AttributeValueMemberBOOL:
		return events.NewBooleanAttribute(v.Value)
	case *types.AttributeValueMemberSS:
		return events.NewStringSetAttribute(v.Value)
	case *types.AttributeValueMemberNS:
		return events.NewNumberSetAttribute(v.Value)
	case *types.AttributeValueMemberBS:
		return events.NewBinarySetAttribute(v.Value)
	case *types.AttributeValueMemberM:
		return events.NewMapAttribute(eventItem(v.Value))
	case *types.AttributeValueMemberL:
		list := make([]events.DynamoDBAttributeValue, 0, len(v.Value))
		for _, element := range v.Value {
			list = append(list, eventValue(element))
		}
		return events.NewListAttribute(list)
	}
	return events.NewNullAttribute()
}
