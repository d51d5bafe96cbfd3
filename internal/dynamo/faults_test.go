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
	"slices"
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

// alertWrites come after writes: what two rules make of monitor a.
var alertWrites = []step{
	{"POST rule 1", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return s.CreateAlertRule(ctx, degradedRule(1, "a"), now, nil)
	}},
	{"POST rule 2", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return s.CreateAlertRule(ctx, downRule(1, "a"), now, nil)
	}},
	{"an alert opens incident 4", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return only(recordOn("a", begin, degraded)(ctx, s))
	}},
	{"another one joins it", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return only(recordOn("a", begin+minute, down)(ctx, s))
	}},
	{"and leaves it", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return only(recordOn("a", begin+2*minute, degraded)(ctx, s))
	}},
	{"and joins it again", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return only(recordOn("a", begin+3*minute, down)(ctx, s))
	}},
	{"both recover", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return only(recordOn("a", begin+4*minute, up)(ctx, s))
	}},
	{"both fire", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return only(recordOn("a", begin+5*minute, down)(ctx, s))
	}},
	{"PATCH rule 1", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return s.UpdateAlertRule(ctx, 1, statuspage.AlertRulePatch{Active: opt.Value(false)}, later)
	}},
	{"DELETE incident 4", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return only(s.DeleteIncident(ctx, 4, later, nil))
	}},
	{"DELETE incident 5", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return only(s.DeleteIncident(ctx, 5, later, nil))
	}},
}

// heartbeatWrites come after alertWrites: the pings of a job, and of a monitor in Kener's way.
var heartbeatWrites = []step{
	{"POST integration", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return s.CreateIntegration(ctx, statuspage.NewIntegration{
			Name: "Job", Kind: statuspage.KindHeartbeat, Active: true, Options: `{"heartbeat":{"monitor":"a","period_seconds":60}}`,
		}, "0123456789abcdef0123456789abcdef", now, nil)
	}},
	{"it starts", ping(statuspage.PingStart, later)},
	{"it succeeds", ping(statuspage.PingSuccess, later+5)},
	{"it fails", ping(statuspage.PingFail, later+minute)},
	{"POST monitor", func(ctx context.Context, s *dynamo.Store) (any, error) {
		m := newMonitor("pinged")
		m.Type, m.Status, m.TypeData = new("HEARTBEAT"), new(statuspage.MonitorActive), `{"secretString":"s"}`
		return s.CreateMonitor(ctx, m, now, nil)
	}},
	{"a ping of it", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return only(s.PingMonitor(ctx, "pinged", "s", later))
	}},
	{"a minute is filled", func(ctx context.Context, s *dynamo.Store) (any, error) {
		return s.FillPoints(ctx, []statuspage.TaggedPoint{{Tag: "a", Point: upPoint(later - later%minute)}, {Tag: "pinged", Point: downPoint(later - later%minute + 2*minute)}}, later), nil
	}},
	{"all of them", func(ctx context.Context, s *dynamo.Store) (any, error) { return s.Heartbeats(ctx, later) }},
}

// ping is a ping of the job of the first integration that is made.
func ping(kind statuspage.PingKind, at int64) func(context.Context, *dynamo.Store) (any, error) {
	return func(ctx context.Context, s *dynamo.Store) (any, error) {
		i, err := s.Integration(ctx, 2)
		if err != nil {
			return nil, err
		}
		return only(s.Ping(ctx, i, statuspage.Ping{Kind: kind, At: at * 1000}))
	}
}

// itemsByKey is a table by its keys, without the tokens of claims. A change row
// goes by what it says: its own key is a random one.
func itemsByKey(t *testing.T, tb *dynamotest.Table) map[string]map[string]string {
	t.Helper()
	all := map[string]map[string]string{}
	for _, it := range tb.Items(t) {
		delete(it, "request")
		key := it["pk"] + " " + it["sk"]
		if strings.HasPrefix(key, "CHANGES#") {
			delete(it, "sk")
			delete(it, "gsi2sk")
			for n := 1; n == 1 || all[key] != nil; n++ {
				key = fmt.Sprintf("%s %s %s %d", it["gsi2pk"], it["what"], it["version"]+it["comment_id"]+it["fields"], n)
			}
		}
		all[key] = it
	}
	return all
}

// TestFaultsAreInvisible runs every write with the first try of every call going
// wrong: answers and table are as if nothing had happened. The draw of an id is
// left alone: one whose answer is lost leaves an id unused.
func TestFaultsAreInvisible(t *testing.T) {
	writes := slices.Concat(writes, alertWrites, heartbeatWrites)
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
		table = itemsByKey(t, tb)
		for key, it := range table {
			if strings.Contains(key, " HOUR#") { // every try makes it another one
				delete(it, "rev")
				delete(it, "w")
			}
		}
		return answers, table
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

// lateTries is an http.RoundTripper that has a fate for each of the first calls that match:
// 'h' is held up until arrive, while the caller sees the connection break; 'l'
// takes effect, and its answer is lost; 'p' passes. Before one with a capital letter, another
// writer comes.
type lateTries struct {
	of    dynamotest.Match
	fates string
	other func() error
	held  []*http.Request
}

// RoundTrip implements http.RoundTripper.
func (l *lateTries) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if l.fates == "" || !l.of(operation, body) {
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
		late := r.Clone(context.Background())
		late.Body = io.NopCloser(bytes.NewReader(body))
		l.held = append(l.held, late)
	}
	return nil, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
}

// arrive lets what was held up reach DynamoDB, and returns how many of it took effect, or
// were answered as if: DynamoDB answers a transaction that it knows as the first time.
func (l *lateTries) arrive(t *testing.T) (done int) {
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
		switch {
		case err == nil && resp.StatusCode == http.StatusOK:
			done++
		case err != nil || !bytes.Contains(body, []byte("ConditionalCheckFailed")):
			t.Errorf("a try that comes late is answered %d %s %v", resp.StatusCode, body, err)
		}
	}
	return done
}

// fates of the tries of one call.
var fates = []string{"h", "hh", "lh", "hl", "hlh", "hH", "hL", "lH", "hlP"}

type storeFunc = func(context.Context, *dynamo.Store) error

func setTitle(text string) storeFunc {
	return func(ctx context.Context, s *dynamo.Store) error {
		_, err := s.UpdateIncident(ctx, 1, titled(text), later, nil)
		return err
	}
}

func setPoint(at int64, status statuspage.Status, clock int64) storeFunc {
	return func(ctx context.Context, s *dynamo.Store) error {
		return s.RecordPoint(ctx, "a", probe(at, status, 1), clock)
	}
}

func fillUp(from, to, clock int64) storeFunc {
	return func(ctx context.Context, s *dynamo.Store) error {
		return s.FillRange(ctx, "a", statuspage.Range{From: from, To: to, Status: up, Latency: func(int64) float64 { return 1 }}, clock)
	}
}

// lateTry runs own with the fates, then other, and returns the table's items and what was
// held up.
func lateTry(t *testing.T, fates string, own, other storeFunc) (*dynamotest.Table, *lateTries) {
	t.Helper()
	tb := dynamotest.NewTable(t)
	s := tb.Store(nil)
	ctx, cancel := background()
	t.Cleanup(cancel)
	if _, err := s.CreateMonitor(ctx, newMonitor("a"), now, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateIncident(ctx, statuspage.NewIncident{Title: "One", Start: begin}, now, nil); err != nil {
		t.Fatal(err)
	}
	tries := &lateTries{of: dynamotest.Writes("INCIDENT#", "HOUR#"), fates: fates, other: func() error { return other(ctx, s) }}
	if err := own(ctx, tb.Store(&dynamotest.Client{Base: tries})); err != nil {
		t.Fatal(err)
	}
	if err := other(ctx, s); err != nil {
		t.Fatal(err)
	}
	return tb, tries
}

// TestLateTriesUndoNothing lets tries of one writer arrive when they have long been
// repeated, and another has written since. What took effect is reported as a success,
// also when the other wrote between the tries.
func TestLateTriesUndoNothing(t *testing.T) {
	t.Parallel()
	earlier := func(ctx context.Context, s *dynamo.Store) error {
		_, err := s.UpdateIncident(ctx, 1, statuspage.IncidentPatch{Start: opt.Value[int64](begin - hour)}, later, nil)
		return err
	}
	comment := func(ctx context.Context, s *dynamo.Store) error {
		_, err := s.CreateComment(ctx, 1, statuspage.NewComment{Text: "News", Time: begin, State: statuspage.Resolved}, later, nil)
		return err
	}
	correct := func(status statuspage.Status) storeFunc {
		return func(ctx context.Context, s *dynamo.Store) error {
			_, err := s.UpdatePoint(ctx, "a", begin, statuspage.PointPatch{Status: &status, Latency: new(1.0)}, later)
			return err
		}
	}
	for _, tt := range []struct {
		name       string
		own, other storeFunc
	}{
		{"title", setTitle("Own"), setTitle("Other")},
		{"title, then start", setTitle("Own"), earlier},
		{"start, then title", earlier, setTitle("Other")},
		{"comment", comment, setTitle("Other")},
		{"correction of a minute", correct(down), correct(up)},
		{"correction of a minute, then a probe", correct(down), setPoint(begin, up, later)},
		{"point of a day that is over", setPoint(begin-day, down, later), setPoint(begin-day, up, later)},
	} {
		for _, fates := range fates {
			t.Run(tt.name+"/"+fates, func(t *testing.T) {
				t.Parallel()
				tb, tries := lateTry(t, fates, tt.own, tt.other)
				before := tb.Items(t)
				tries.arrive(t)
				if d := cmp.Diff(before, tb.Items(t)); d != "" {
					t.Errorf("a late try changed the table (-before +after):\n%s", d)
				}
			})
		}
	}
}

// TestLateTryOfAPoint lets tries of a probe's point of today arrive late. They do what they
// would have done in time, so that they can undo a correction of the same minute; other
// minutes stay, and the hour's revision rises with each, so that nothing which rests on
// an older one is written.
func TestLateTryOfAPoint(t *testing.T) {
	t.Parallel()
	midnight := statuspage.NextDay(now)
	minuteOf := statuspage.FloorHour(later) - minute
	for _, tt := range []struct {
		name  string
		at    int64 // of the point
		clock int64 // of its request
		other storeFunc
	}{
		{"then another", minuteOf, later, setPoint(minuteOf, up, later)},
		{"then a range", minuteOf, later, fillUp(statuspage.FloorDay(later), statuspage.FloorMinute(later), later)},
		{"before midnight, then a range after it", midnight - minute, midnight - 1, fillUp(midnight-day, midnight-minute, midnight+minute)},
	} {
		for _, fates := range []string{"h", "hh", "lh", "hl", "hlh", "hlP"} {
			t.Run(tt.name+"/"+fates, func(t *testing.T) {
				t.Parallel()
				tb, tries := lateTry(t, fates, setPoint(tt.at, down, tt.clock), tt.other)
				before, held := pointsIn(t, tb), len(tries.held)
				revision := revisionOf(t, tb, tt.at)
				if done := tries.arrive(t); done != held {
					t.Errorf("%d of %d late tries took effect", done, held)
				}
				before[tt.at] = down
				if d := cmp.Diff(before, pointsIn(t, tb)); d != "" {
					t.Errorf("points after a late try (-want +got):\n%s", d)
				}
				if got := revisionOf(t, tb, tt.at); got != revision+int64(held) {
					t.Errorf("the revision rose from %d to %d with %d late tries", revision, got, held)
				}
				totals := statuspage.Totals{}
				for at, status := range before {
					if statuspage.FloorDay(at) == statuspage.FloorDay(tt.at) {
						totals.Add(statuspage.Point{Status: status, Latency: new(1.0)})
					}
				}
				clock := statuspage.NextDay(tt.at) + hour
				for range 2 { // made, and as stored
					days := uptime(t, tb.Store(nil), 2, clock)
					if d := cmp.Diff(totals, days[0]); d != "" {
						t.Errorf("totals of the day (-want +got):\n%s", d)
					}
				}
			})
		}
	}
}

// pointsIn are the statuses of monitor a's minutes.
func pointsIn(t *testing.T, tb *dynamotest.Table) map[int64]statuspage.Status {
	t.Helper()
	points := map[int64]statuspage.Status{}
	_, err := tb.Store(nil).Points(t.Context(), "a", statuspage.PointQuery{From: begin - 3*day, To: begin + 3*day}, now, func(p statuspage.Point) bool {
		points[p.Time] = p.Status
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return points
}

// revisionOf is the revision of the hour of monitor a that holds the minute.
func revisionOf(t *testing.T, tb *dynamotest.Table, minute int64) int64 {
	t.Helper()
	for _, it := range tb.Items(t) {
		if it["sk"] == "HOUR#"+time.Unix(minute, 0).UTC().Format("2006-01-02T15") {
			n, err := strconv.ParseInt(it["rev"], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatal("there is no such hour")
	return 0
}

// TestLateClaim lets the try of a claim arrive when another request has the key.
func TestLateClaim(t *testing.T) {
	t.Parallel()
	for _, fates := range []string{"h", "hl", "lh", "hh"} {
		t.Run(fates, func(t *testing.T) {
			t.Parallel()
			tb := dynamotest.NewTable(t)
			s := tb.Store(nil)
			ctx, cancel := background()
			defer cancel()
			request := statuspage.IdempotentRequest{APIKeyID: 1, Key: "k", Digest: "d"}
			tries := &lateTries{of: dynamotest.Writes("IDEMPOTENCY#"), fates: fates}
			claim, reply, err := tb.Store(&dynamotest.Client{Base: tries}).Claim(ctx, request, now)
			if err != nil || reply != nil {
				t.Fatalf("reply %q, %v", reply, err)
			}
			if err := s.Release(ctx, claim); err != nil {
				t.Fatal(err)
			}
			tries.arrive(t)
			next, _, err := s.Claim(ctx, request, now)
			if err != nil {
				t.Fatalf("after its release: %v", err)
			}
			if err := s.Complete(ctx, next, []byte("done")); err != nil {
				t.Fatal(err)
			}
			if _, reply, err := s.Claim(ctx, request, now); err != nil || string(reply) != "done" {
				t.Errorf("reply %q, %v", reply, err)
			}
		})
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

// TestTriesOfATransaction counts the calls of a change, for what happens to them.
func TestTriesOfATransaction(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		inject func(string, []byte) dynamotest.Fault
		want   int
		done   bool
	}{
		{"nothing", nil, 1, true},
		{"throttled", dynamotest.First(dynamotest.Throttle), 2, true},
		{"answer lost", dynamotest.First(dynamotest.LostAnswer), 2, true},
		{"call lost", dynamotest.First(dynamotest.LostCall), 2, true},
		{"throttled for ever", func(string, []byte) dynamotest.Fault { return dynamotest.Throttle }, 8, false},
		{"lost for ever", func(string, []byte) dynamotest.Fault { return dynamotest.LostCall }, 8, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tb, _, ctx := oneIncident(t)
			tries := 0
			changes := dynamotest.Writes("INCIDENT#")
			client := &dynamotest.Client{Inject: func(operation string, body []byte) dynamotest.Fault {
				if !changes(operation, body) {
					return dynamotest.None
				}
				tries++
				if tt.inject == nil {
					return dynamotest.None
				}
				return tt.inject(operation, body)
			}}
			i, err := tb.Store(client).UpdateIncident(ctx, 1, titled("New"), later, nil)
			if tries != tt.want || (err == nil) != tt.done {
				t.Errorf("%d tries, want %d: %v", tries, tt.want, err)
			}
			if tt.done && i.Version != 2 {
				t.Errorf("it was written %d times", i.Version-1)
			}
			if ctx.Err() != nil {
				t.Error("it took all the time there was")
			}
		})
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
		"POST RESOLVED comment": true, "POST MONITORING comment": true, "POST key": true,
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
			before := itemsByKey(t, tb)
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
			after := itemsByKey(t, tb)
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
