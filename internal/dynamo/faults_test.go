package dynamo_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"tocsin/internal/dynamo"
	"tocsin/internal/dynamotest"
	"tocsin/internal/opt"
	"tocsin/internal/statuspage"
)

// TestEngineHonoursRequestTokens shows that the engine applies a transaction once
// however often it comes with the same token: without that the tests of lost
// answers would prove nothing.
func TestEngineHonoursRequestTokens(t *testing.T) {
	tb := dynamotest.NewTable(t)
	client := tb.DynamoDB(nil)
	increment := func(token string, by string) error {
		_, err := client.TransactWriteItems(context.Background(), &dynamodb.TransactWriteItemsInput{
			ClientRequestToken: aws.String(token),
			TransactItems: []types.TransactWriteItem{{Update: &types.Update{
				TableName:                 &tb.Name,
				Key:                       map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "p"}, "sk": &types.AttributeValueMemberS{Value: "s"}},
				UpdateExpression:          aws.String("ADD n :by"),
				ExpressionAttributeValues: map[string]types.AttributeValue{":by": &types.AttributeValueMemberN{Value: by}},
			}}},
		})
		return err
	}
	first, second := rand.Text(), rand.Text() // the engine knows tokens across tables
	for _, token := range []string{first, first, second, first} {
		if err := increment(token, "1"); err != nil {
			t.Fatal(err)
		}
	}
	if got := tb.Items(t)[0]["n"]; got != "2" {
		t.Errorf("two tokens, four calls: n is %s, want 2", got)
	}
	mismatch := increment(first, "7")
	if _, ok := errors.AsType[*types.IdempotentParameterMismatchException](mismatch); !ok {
		t.Errorf("the same token with another transaction: %v", mismatch)
	}
}

// A step is one operation; those of steps follow one another.
type step struct {
	name string
	run  func(context.Context, *dynamo.Store) (any, error)
}

func only(err error) (any, error) { return nil, err }

const (
	keySecret   = "kener_0000000000000000000000000000000000000000000000000000000000000001"
	otherSecret = "kener_0000000000000000000000000000000000000000000000000000000000000002"
)

// writes is every write of the store, in an order in which all succeed on an empty
// table. Ids are those that the counters give there.
var writes = []step{
	{"check schema", func(ctx context.Context, s *dynamo.Store) (any, error) { return only(s.CheckSchema(ctx)) }},
	{"POST monitor a", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return s.CreateMonitor(ctx, newMonitor("a"), now, nil)
	}},
	{"POST monitor b", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return s.CreateMonitor(ctx, newMonitor("b"), now, nil)
	}},
	{"PATCH monitor a", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return s.UpdateMonitor(ctx, "a", statuspage.MonitorPatch{Name: opt.Value("New")}, later)
	}},
	{"POST incident 1", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return s.CreateIncident(ctx, statuspage.NewIncident{Title: "One", Start: begin, Monitors: links(statuspage.Down, "a", "b")}, now, nil)
	}},
	{"POST incident 2", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return s.CreateIncident(ctx, statuspage.NewIncident{Title: "Two", Start: begin, Monitors: links(statuspage.Up, "b")}, now, nil)
	}},
	{"PATCH title", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return s.UpdateIncident(ctx, 1, titled("New"), later, nil)
	}},
	{"PATCH end", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return s.UpdateIncident(ctx, 1, statuspage.IncidentPatch{End: opt.Value[int64](begin + minute)}, later, nil)
	}},
	{"PATCH nothing", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return s.UpdateIncident(ctx, 1, statuspage.IncidentPatch{}, later+1, nil)
	}},
	{"POST RESOLVED comment", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return s.CreateComment(ctx, 1, statuspage.NewComment{Text: "Done", Time: begin + 2*minute, State: statuspage.Resolved}, later, nil)
	}},
	{"POST MONITORING comment", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return s.CreateComment(ctx, 1, statuspage.NewComment{Text: "Not yet", Time: begin + 2*minute, State: statuspage.Monitoring}, later, nil)
	}},
	{"POST RESOLVED comment again", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return s.CreateComment(ctx, 1, statuspage.NewComment{Text: "Done", Time: begin + 3*minute, State: statuspage.Resolved}, later, nil)
	}},
	{"PATCH end null", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return s.UpdateIncident(ctx, 1, statuspage.IncidentPatch{End: opt.Null[int64]()}, later, nil)
	}},
	{"PATCH start", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return s.UpdateIncident(ctx, 1, statuspage.IncidentPatch{Start: opt.Value[int64](begin - minute)}, later, nil)
	}},
	{"PATCH monitors", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return s.UpdateIncident(ctx, 1, statuspage.IncidentPatch{Monitors: opt.Value(links(statuspage.Degraded, "b"))}, later, nil)
	}},
	{"PATCH comment", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return s.UpdateComment(ctx, 1, 1, statuspage.CommentPatch{Text: opt.Value("Other"), Time: opt.Value[int64](begin)}, later)
	}},
	{"DELETE comment", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return only(s.DeleteComment(ctx, 1, 2, later))
	}},
	{"POST comment on 2", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return s.CreateComment(ctx, 2, statuspage.NewComment{Text: "News", Time: begin, State: statuspage.Identified}, later, nil)
	}},
	{"DELETE monitor", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return only(s.DeleteMonitor(ctx, "b", later))
	}},
	{"DELETE incident", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return only(s.DeleteIncident(ctx, 2, later, nil))
	}},
	{"report incident 3", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return s.ReportIncident(ctx, statuspage.LegacyReport{Title: "Three", Tags: []string{"a"}, Body: "text", End: new(int64(begin + 61))}, now, nil)
	}},
	{"replace incident 3", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return s.ReplaceIncident(ctx, 3, statuspage.LegacyReport{Title: "Third", Tags: []string{"a"}, Body: "more", Start: new(int64(begin + 1)), Impact: statuspage.Degraded}, later)
	}},
	{"progress of incident 3", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return s.ProgressIncident(ctx, 3, statuspage.LegacyProgress{Identified: new(true), Resolved: new(true)}, later, nil)
	}},
	{"no progress of incident 3, once", func(ctx context.Context, s *dynamo.Store) (any, error) {
		c, _, err := s.Claim(ctx, statuspage.IdempotentRequest{APIKeyID: 1, Key: "progress", Digest: "d"}, now)
		if err != nil {
			return nil, err
		}
		return s.ProgressIncident(ctx, 3, statuspage.LegacyProgress{}, later, &statuspage.Once[statuspage.LegacyIncident]{Claim: c, Reply: func(i statuspage.LegacyIncident) []byte { return []byte(i.Body) }})
	}},
	{"note on incident 3", func(ctx context.Context, s *dynamo.Store) (any, error) { return s.AddNote(ctx, 3, "note", later, nil) }},
	{"POST key", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return s.CreateAPIKey(ctx, keySecret, statuspage.NewAPIKey{Name: "one", Scopes: statuspage.Scopes()}, now, nil)
	}},
	{"claim", func(ctx context.Context, s *dynamo.Store) (any, error) {
		c, reply, err := s.Claim(ctx, statuspage.IdempotentRequest{APIKeyID: 1, Key: "a", Digest: "d"}, now)
		c.Token = "" // another one each time
		return []any{c, reply}, err
	}},
	{"claim, make and keep the reply", func(ctx context.Context, s *dynamo.Store) (any, error) {
		c, _, err := s.Claim(ctx, statuspage.IdempotentRequest{APIKeyID: 1, Key: "b", Digest: "d"}, now)
		if err != nil {
			return nil, err
		}
		return s.CreateMonitor(ctx, newMonitor("once"), now, &statuspage.Once[statuspage.Monitor]{Claim: c, Reply: func(m statuspage.Monitor) []byte { return []byte(m.Tag) }})
	}},
	{"claim again", func(ctx context.Context, s *dynamo.Store) (any, error) {
		_, reply, err := s.Claim(ctx, statuspage.IdempotentRequest{APIKeyID: 1, Key: "b", Digest: "d"}, later)
		return string(reply), err
	}},
	{"claim and release", func(ctx context.Context, s *dynamo.Store) (any, error) {
		c, _, err := s.Claim(ctx, statuspage.IdempotentRequest{APIKeyID: 1, Key: "c", Digest: "d"}, now)
		if err != nil {
			return nil, err
		}
		return only(s.Release(ctx, c))
	}},
	{"revoke key", func(ctx context.Context, s *dynamo.Store) (any, error) { return s.RevokeAPIKey(ctx, 1, later) }},
	{"ensure key that is revoked", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return s.EnsureAPIKey(ctx, keySecret, statuspage.NewAPIKey{Name: "one"}, later)
	}},
	{"ensure key that is new", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return s.EnsureAPIKey(ctx, otherSecret, statuspage.NewAPIKey{Name: "two", Scopes: []statuspage.Scope{statuspage.ScopeAdmin}}, later)
	}},
}

// dump is a table by its keys, without the tokens of requests and the fences.
func dump(t *testing.T, tb *dynamotest.Table) map[string]map[string]string {
	t.Helper()
	all := map[string]map[string]string{}
	for _, it := range tb.Items(t) {
		delete(it, "request")
		delete(it, "fence")
		all[it["pk"]+" "+it["sk"]] = it
	}
	return all
}

// TestFaultsAreInvisible runs every write with the first try of every call going
// wrong: answers and table are as if nothing had happened. The draw of an id is
// left alone: one whose answer is lost leaves an id unused.
func TestFaultsAreInvisible(t *testing.T) {
	run := func(t *testing.T, inject func(string, []byte) dynamotest.Fault) (answers []any, table map[string]map[string]string) {
		tb := dynamotest.NewTable(t)
		s := tb.Store(&dynamotest.Client{Inject: inject})
		for _, w := range writes {
			ctx, cancel := background()
			answer, err := w.run(ctx, s)
			cancel()
			if err != nil {
				t.Errorf("%s: %v", w.name, err)
			}
			answers = append(answers, answer)
		}
		checkFinished(t, tb)
		return answers, dump(t, tb)
	}
	wantAnswers, wantTable := run(t, nil)
	for fault, name := range map[dynamotest.Fault]string{
		dynamotest.Conflict: "conflict", dynamotest.LostAnswer: "lost answer", dynamotest.LostCall: "lost call", dynamotest.CutAnswer: "cut answer",
		dynamotest.Throttle: "throttling", dynamotest.Unprocessed: "unprocessed batch",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var faults atomic.Int64
			first := dynamotest.First(fault)
			answers, table := run(t, func(operation string, body []byte) dynamotest.Fault {
				if bytes.Contains(body, []byte(`"COUNTER#`)) {
					return dynamotest.None
				}
				f := first(operation, body)
				if f != dynamotest.None {
					faults.Add(1)
				}
				return f
			})
			if faults.Load() == 0 {
				t.Error("nothing went wrong")
			}
			for i, w := range writes {
				if d := cmp.Diff(wantAnswers[i], answers[i]); d != "" {
					t.Errorf("answer of %s (-want +got):\n%s", w.name, d)
				}
			}
			if d := cmp.Diff(wantTable, table); d != "" {
				t.Errorf("table (-want +got):\n%s", d)
			}
		})
	}
}

// lateTries is an http.RoundTripper that has a fate for each of the first UpdateItems:
// 'h' is held up until arrive, while the caller sees the connection break; 'l' takes
// effect, and its answer is lost; 'p' passes. Before one with a capital letter, another
// writer comes.
type lateTries struct {
	fates string
	other func() error
	held  []*http.Request
}

// RoundTrip implements http.RoundTripper.
func (l *lateTries) RoundTrip(r *http.Request) (*http.Response, error) {
	if l.fates == "" || !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".UpdateItem") {
		return http.DefaultTransport.RoundTrip(r)
	}
	fate := l.fates[0]
	l.fates = l.fates[1:]
	if unicode.IsUpper(rune(fate)) {
		if err := l.other(); err != nil {
			return nil, err
		}
	}
	switch unicode.ToLower(rune(fate)) {
	case 'p':
		return http.DefaultTransport.RoundTrip(r)
	case 'l':
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		if err := resp.Body.Close(); err != nil {
			return nil, err
		}
	case 'h':
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		late := r.Clone(context.Background())
		late.Body = io.NopCloser(bytes.NewReader(body))
		l.held = append(l.held, late)
	}
	return nil, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
}

// arrive lets what was held up reach DynamoDB.
func (l *lateTries) arrive(t *testing.T) {
	t.Helper()
	if len(l.held) == 0 || l.fates != "" {
		t.Fatalf("%d tries were held up, %q is left", len(l.held), l.fates)
	}
	for _, r := range l.held {
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusBadRequest || !bytes.Contains(body, []byte("ConditionalCheckFailedException")) {
			t.Errorf("a try that comes late is answered %d %s %v", resp.StatusCode, body, err)
		}
	}
}

// TestLateTriesUndoNothing lets tries of one writer arrive when they have long been
// repeated, and another has written since. What took effect is reported as a success,
// also when the other wrote between the tries.
func TestLateTriesUndoNothing(t *testing.T) {
	midnight := statuspage.NextDay(now)
	point := func(status statuspage.Status) func(context.Context, *dynamo.Store) error {
		return func(ctx context.Context, s *dynamo.Store) error {
			return s.RecordPoint(ctx, "a", statuspage.Point{Time: statuspage.FloorHour(later) - minute, Status: status, Latency: new(1.0)}, later)
		}
	}
	title := func(text string) func(context.Context, *dynamo.Store) error {
		return func(ctx context.Context, s *dynamo.Store) error {
			_, err := s.UpdateIncident(ctx, 1, titled(text), later, nil)
			return err
		}
	}
	tooEarly := func(ctx context.Context, s *dynamo.Store) error {
		_, err := s.UpdateIncident(ctx, 1, statuspage.IncidentPatch{End: opt.Value[int64](begin - minute)}, later, nil)
		return err
	}
	earlier := func(ctx context.Context, s *dynamo.Store) error {
		_, err := s.UpdateIncident(ctx, 1, statuspage.IncidentPatch{Start: opt.Value[int64](begin - hour)}, later, nil)
		return err
	}
	for _, tt := range []struct {
		name       string
		own, other func(context.Context, *dynamo.Store) error
		wantErr    error
	}{
		{"title", title("Own"), title("Other"), nil},
		{"title, then a transaction", title("Own"), earlier, nil},
		{"end that is too early until the start changes", tooEarly, earlier, statuspage.ErrEndBeforeStart},
		{"point", point(down), point(up), nil},
		{"an incident that is not there", func(ctx context.Context, s *dynamo.Store) error {
			_, err := s.UpdateIncident(ctx, 2, titled("Own"), later, nil)
			return err
		}, func(ctx context.Context, s *dynamo.Store) error { return s.DeleteMonitor(ctx, "a", later) }, statuspage.IncidentNotFound(int64(2))},
		{"point before midnight, then a range after it", func(ctx context.Context, s *dynamo.Store) error {
			return s.RecordPoint(ctx, "a", statuspage.Point{Time: midnight - minute, Status: down, Latency: new(1.0)}, midnight-1)
		}, func(ctx context.Context, s *dynamo.Store) error {
			return s.FillRange(ctx, "a", statuspage.Range{From: midnight - day, To: midnight - minute, Status: up, Latency: func(int64) float64 { return 1 }}, midnight+minute)
		}, nil},
		{"point, then a range", point(down), func(ctx context.Context, s *dynamo.Store) error {
			return s.FillRange(ctx, "a", statuspage.Range{From: statuspage.FloorDay(later), To: statuspage.FloorMinute(later), Status: up, Latency: func(int64) float64 { return 1 }}, later)
		}, nil},
	} {
		for _, fates := range []string{"h", "hh", "lh", "hl", "hlh", "hH", "hL", "lH", "hlP", "hlpP", "lhpP", "hLpP"} {
			if tt.wantErr != nil && strings.Trim(fates, "h") != "" {
				continue // it never takes effect
			}
			t.Run(tt.name+"/"+fates, func(t *testing.T) {
				t.Parallel()
				tb := dynamotest.NewTable(t)
				s := tb.Store(nil)
				ctx, cancel := background()
				defer cancel()
				if _, err := s.CreateMonitor(ctx, newMonitor("a"), now, nil); err != nil {
					t.Fatal(err)
				}
				if _, err := s.CreateIncident(ctx, statuspage.NewIncident{Title: "One", Start: begin}, now, nil); err != nil {
					t.Fatal(err)
				}
				tries := &lateTries{fates: fates, other: func() error { return tt.other(ctx, s) }}
				if err := tt.own(ctx, tb.Store(&dynamotest.Client{Base: tries})); !errors.Is(err, tt.wantErr) {
					t.Fatalf("%v, want %v", err, tt.wantErr)
				}
				if err := tt.other(ctx, s); err != nil {
					t.Fatal(err)
				}
				before := tb.Items(t)
				tries.arrive(t)
				if d := cmp.Diff(before, tb.Items(t)); d != "" {
					t.Errorf("a late try changed the table (-before +after):\n%s", d)
				}
			})
		}
	}
}

// oneIncident returns a table with an incident, and a context for what is done to it.
func oneIncident(t *testing.T) (*dynamotest.Table, *dynamo.Store, context.Context) {
	t.Helper()
	tb := dynamotest.NewTable(t)
	s := tb.Store(nil)
	ctx, cancel := background()
	t.Cleanup(cancel)
	if _, err := s.CreateIncident(ctx, statuspage.NewIncident{Title: "One", Start: begin}, now, nil); err != nil {
		t.Fatal(err)
	}
	return tb, s, ctx
}

// TestRefusedWithATryOnItsWay lets others write between the refusal of an update of which
// an earlier try may still be on its way, and the fence against that one: it is judged
// again.
func TestRefusedWithATryOnItsWay(t *testing.T) {
	t.Parallel()
	t.Run("the late try is covered", func(t *testing.T) {
		t.Parallel()
		tb, s, ctx := oneIncident(t)
		tries := &lateTries{fates: "hpP"}
		tries.other = func() error {
			if _, err := s.UpdateIncident(ctx, 1, statuspage.IncidentPatch{Start: opt.Value[int64](begin - hour)}, later, nil); err != nil {
				return err
			}
			if resp, err := http.DefaultTransport.RoundTrip(tries.held[0]); err != nil {
				return err
			} else if resp.Body.Close(); resp.StatusCode != http.StatusOK {
				return fmt.Errorf("the late try is answered %s", resp.Status)
			}
			_, err := s.UpdateIncident(ctx, 1, titled("Other"), later, nil)
			return err
		}
		i, err := tb.Store(&dynamotest.Client{Base: tries}).UpdateIncident(ctx, 1, statuspage.IncidentPatch{End: opt.Value[int64](begin - minute)}, later, nil)
		if err != nil || i.End == nil || *i.End != begin-minute || i.Title != "Other" {
			t.Errorf("answer %+v, %v", i, err)
		}
	})
	t.Run("the late try is found after the fence", func(t *testing.T) {
		t.Parallel()
		tb, s, ctx := oneIncident(t)
		end := func(at int64) statuspage.IncidentPatch { return statuspage.IncidentPatch{End: opt.Value(at)} }
		tries := &lateTries{fates: "hpPhp"}
		tries.other = func() error {
			if _, err := s.UpdateIncident(ctx, 1, statuspage.IncidentPatch{Start: opt.Value[int64](begin - hour)}, later, nil); err != nil {
				return err
			}
			resp, err := http.DefaultTransport.RoundTrip(tries.held[0])
			if err != nil {
				return err
			}
			tries.held = nil
			return resp.Body.Close()
		}
		if _, err := tb.Store(&dynamotest.Client{Base: tries}).UpdateIncident(ctx, 1, end(begin-minute), later, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := s.UpdateIncident(ctx, 1, end(begin-2*minute), later, nil); err != nil {
			t.Fatal(err)
		}
		tries.arrive(t)
		if i, err := s.Incident(ctx, 1); err != nil || *i.End != begin-2*minute {
			t.Errorf("%+v, %v", i, err)
		}
	})
	// And what is tried again is lost again, or not.
	for _, fates := range []string{"hpP", "hpPhp"} {
		t.Run("the claim in the way goes/"+fates, func(t *testing.T) {
			t.Parallel()
			tb := dynamotest.NewTable(t)
			s := tb.Store(nil)
			ctx, cancel := background()
			defer cancel()
			request := statuspage.IdempotentRequest{APIKeyID: 1, Key: "k", Digest: "d"}
			first, _, err := s.Claim(ctx, request, now)
			if err != nil {
				t.Fatal(err)
			}
			tries := &lateTries{fates: fates, other: func() error { return s.Release(ctx, first) }}
			claim, reply, err := tb.Store(&dynamotest.Client{Base: tries}).Claim(ctx, request, now)
			if err != nil || reply != nil {
				t.Fatalf("reply %q, %v", reply, err)
			}
			tries.arrive(t)
			if _, _, err := s.Claim(ctx, request, now); !errors.Is(err, statuspage.ErrIdempotencyRunning) {
				t.Errorf("beside the claim: %v", err)
			}
			if err := s.Release(ctx, claim); err != nil {
				t.Error(err)
			}
			if _, _, err := s.Claim(ctx, request, now); err != nil {
				t.Errorf("after its release: %v", err)
			}
		})
	}
}

// TestTriesOfAnUpdate counts the calls of an update in place, for what happens to them.
func TestTriesOfAnUpdate(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		inject func(string, []byte) dynamotest.Fault
		want   int
		done   bool
		fence  bool
	}{
		{"nothing", nil, 1, true, false},
		{"throttled", dynamotest.First(dynamotest.Throttle), 2, true, false},
		{"answer lost", dynamotest.First(dynamotest.LostAnswer), 2, true, false},
		{"call lost", dynamotest.First(dynamotest.LostCall), 2, true, true},
		{"throttled for ever", func(string, []byte) dynamotest.Fault { return dynamotest.Throttle }, 8, false, false},
		{"lost for ever", func(string, []byte) dynamotest.Fault { return dynamotest.LostCall }, 8, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tb, _, ctx := oneIncident(t)
			tries := 0
			client := &dynamotest.Client{Inject: func(operation string, body []byte) dynamotest.Fault {
				tries++
				if tt.inject == nil {
					return dynamotest.None
				}
				return tt.inject(operation, body)
			}}
			_, err := tb.Store(client).UpdateIncident(ctx, 1, titled("New"), later, nil)
			if tries != tt.want || (err == nil) != tt.done {
				t.Errorf("%d tries, want %d: %v", tries, tt.want, err)
			}
			if ctx.Err() != nil {
				t.Error("it took all the time there was")
			}
			fences := 0
			for _, it := range tb.Items(t) {
				if it["fence"] != "" {
					fences++
				}
			}
			if (fences > 0) != tt.fence {
				t.Errorf("%d fences", fences)
			}
		})
	}
}

// TestClockBehindFence writes with a clock that is behind that of a writer who left a
// fence.
func TestClockBehindFence(t *testing.T) {
	tb, _, ctx := oneIncident(t)
	ahead := time.Now().Add(time.Hour).UnixMicro()
	_, err := tb.DynamoDB(nil).UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                 &tb.Name,
		Key:                       map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "INCIDENT#1"}, "sk": &types.AttributeValueMemberS{Value: "META"}},
		UpdateExpression:          aws.String("SET fence = :ahead"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":ahead": &types.AttributeValueMemberN{Value: strconv.FormatInt(ahead, 10)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"Two", "Three"} {
		client := &dynamotest.Client{}
		i, err := tb.Store(client).UpdateIncident(ctx, 1, titled(text), later, nil)
		if err != nil || i.Title != text || len(client.Calls()) != 2 {
			t.Errorf("%q after %d calls, %v", i.Title, len(client.Calls()), err)
		}
	}
}

func every(statuspage.Incident) bool { return true }

// reads is every read of the store.
var reads = []step{
	{"GET incident", func(ctx context.Context, s *dynamo.Store) (any, error) { return s.Incident(ctx, 1) }},
	{"list incidents", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return s.Incidents(ctx, statuspage.IncidentQuery{To: statuspage.MaxTimestamp, Limit: 10}, every)
	}},
	{"list open incidents", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return s.Incidents(ctx, statuspage.IncidentQuery{To: statuspage.MaxTimestamp, Limit: 10, Open: new(true)}, every)
	}},
	{"list incidents by tag", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return s.Incidents(ctx, statuspage.IncidentQuery{To: statuspage.MaxTimestamp, Limit: 10, Tags: []string{"a"}}, every)
	}},
	{"GET comment", func(ctx context.Context, s *dynamo.Store) (any, error) { return s.Comment(ctx, 1, 1) }},
	{"list comments", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return s.Comments(ctx, 1, statuspage.CommentQuery{Limit: 10}, func(statuspage.Comment) bool { return true })
	}},
	{"GET legacy incident", func(ctx context.Context, s *dynamo.Store) (any, error) { return s.LegacyIncident(ctx, 1) }},
	{"search", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return s.SearchIncidents(ctx, statuspage.LegacyQuery{To: statuspage.MaxTimestamp, Limit: 10})
	}},
	{"check tags", func(ctx context.Context, s *dynamo.Store) (any, error) { return only(s.CheckTags(ctx, []string{"a"})) }},
	{"list notes", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return only(s.Notes(ctx, 1, func(statuspage.Comment) bool { return true }))
	}},
	{"GET monitor", func(ctx context.Context, s *dynamo.Store) (any, error) { return s.Monitor(ctx, "a") }},
	{"list monitors", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return s.Monitors(ctx, statuspage.MonitorQuery{Limit: 10}, func(statuspage.Monitor) bool { return true })
	}},
	{"GET key", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return s.APIKeyByHash(ctx, statuspage.HashSecret(keySecret))
	}},
	{"list keys", func(ctx context.Context, s *dynamo.Store) (any, error) { return allKeys(ctx, s) }},
	{"read schema", func(ctx context.Context, s *dynamo.Store) (any, error) { return only(s.ReadSchema(ctx)) }},
	{"cleanup", func(ctx context.Context, s *dynamo.Store) (any, error) { return s.Cleanup(ctx, now) }},
}

// TestUnavailable runs every operation while DynamoDB refuses every call, or does
// not answer at all: it ends in time, as Unavailable, and has changed nothing.
func TestUnavailable(t *testing.T) {
	const late = 10 * time.Second // a busy machine
	// What the operations are about, so that they would come to the write.
	needed := map[string]bool{
		"POST monitor a": true, "POST monitor b": true, "POST incident 1": true, "POST incident 2": true, "report incident 3": true,
		"POST RESOLVED comment": true, "POST MONITORING comment": true, "POST key": true, "revoke key": true,
	}
	all := append(reads[:len(reads):len(reads)], writes...)
	for _, tt := range []struct {
		name     string
		fault    dynamotest.Fault
		steps    []step
		deadline time.Duration
	}{
		{"throttling that outlasts the retries", dynamotest.Throttle, all, 20 * time.Second},
		{"throttling that outlasts the deadline", dynamotest.Throttle, all, 500 * time.Millisecond},
		{"conflicts that outlast the deadline", dynamotest.Conflict, writes, time.Second},
		{"no answer", dynamotest.Hang, all, 500 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tb := dynamotest.NewTable(t)
			for _, w := range writes {
				if needed[w.name] {
					if _, err := w.run(context.Background(), tb.Store(nil)); err != nil {
						t.Fatalf("%s: %v", w.name, err)
					}
				}
			}
			before := dump(t, tb)
			forAll(len(tt.steps), 12, func(n int) {
				op := tt.steps[n]
				var faults atomic.Int64
				client := &dynamotest.Client{Inject: func(operation string, body []byte) dynamotest.Fault {
					if !tt.fault.Applies(operation, body) {
						return dynamotest.None
					}
					faults.Add(1)
					return tt.fault
				}}
				ctx, cancel := context.WithTimeout(context.Background(), tt.deadline)
				defer cancel()
				began := time.Now()
				_, err := op.run(ctx, tb.Store(client))
				if took := time.Since(began); took > tt.deadline+late {
					t.Errorf("%s took %v", op.name, took)
				}
				// On a busy machine the time can be over before the first of them.
				if faults.Load() == 0 && ctx.Err() == nil {
					t.Errorf("%s: nothing went wrong", op.name)
				}
				if e, ok := errors.AsType[*statuspage.Error](err); !ok || e.Code != statuspage.CodeUnavailable || e.Err == nil {
					t.Errorf("%s: error %v, want Unavailable with its cause", op.name, err)
				}
			})
			after := dump(t, tb)
			for key := range after {
				if strings.HasPrefix(key, "SYSTEM COUNTER#") {
					delete(before, key)
					delete(after, key)
				}
			}
			if d := cmp.Diff(before, after); d != "" {
				t.Errorf("the table changed (-before +after):\n%s", d)
			}
		})
	}
}

// TestThrottledForAMoment shows that a short shortage of capacity is waited out.
func TestThrottledForAMoment(t *testing.T) {
	tb := dynamotest.NewTable(t)
	var calls atomic.Int64
	client := &dynamotest.Client{Inject: func(string, []byte) dynamotest.Fault {
		if calls.Add(1) <= 5 {
			return dynamotest.Throttle
		}
		return dynamotest.None
	}}
	began := time.Now()
	if _, err := tb.Store(client).CreateMonitor(context.Background(), newMonitor("a"), now, nil); err != nil {
		t.Fatal(err)
	}
	// Five pauses whose limits add up to 775 ms, and a busy machine.
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("five refusals were waited out in %v", took)
	}
}
