package dynamo_test

import (
	gocmp "cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"tocsin/internal/ddb"
	"tocsin/internal/dynamo"
	"tocsin/internal/dynamotest"
	"tocsin/internal/opt"
	"tocsin/internal/statuspage"
)

func startOf(t int64) opt.Field[int64]     { return opt.Value(t) }
func textOf(text string) opt.Field[string] { return opt.Value(text) }

// listed returns the incidents of a query page by page, a limit of 0 being 100.
func listed(t testing.TB, s *dynamo.Store, q statuspage.IncidentQuery) []statuspage.Incident {
	t.Helper()
	if q.To == 0 {
		q.To = statuspage.MaxTimestamp
	}
	if q.Limit == 0 {
		q.Limit = 100
	}
	var all []statuspage.Incident
	for {
		n := 0
		next, err := s.Incidents(context.Background(), q, func(i statuspage.Incident) bool {
			if n == q.Limit {
				return false
			}
			n++
			all = append(all, i)
			return true
		})
		if err != nil {
			t.Errorf("list incidents: %v", err)
			return all
		}
		if next == nil {
			return all
		}
		q.After = next
	}
}

// putItem writes an item of texts.
func putItem(t testing.TB, tb *dynamotest.Table, texts map[string]string) {
	t.Helper()
	it := map[string]types.AttributeValue{}
	for name, text := range texts {
		it[name] = &types.AttributeValueMemberS{Value: text}
	}
	if _, err := tb.DynamoDB(nil).PutItem(context.Background(), &dynamodb.PutItemInput{TableName: &tb.Name, Item: it}); err != nil {
		t.Fatal(err)
	}
}

func TestSchema(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	t.Run("written to an empty table", func(t *testing.T) {
		tb := dynamotest.NewTable(t)
		s := tb.Store(nil)
		if err := s.ReadSchema(ctx); err != nil || len(tb.Items(t)) != 0 {
			t.Errorf("reading the schema of an empty table: %v, %d items", err, len(tb.Items(t)))
		}
		forAll(8, 8, func(int) {
			if err := s.CheckSchema(ctx); err != nil {
				t.Error(err)
			}
		})
		want := []map[string]string{{"pk": "SYSTEM", "sk": "SCHEMA", "version": fmt.Sprint(dynamo.SchemaVersion)}}
		if d := cmp.Diff(want, tb.Items(t)); d != "" {
			t.Errorf("items (-want +got):\n%s", d)
		}
		if err := s.ReadSchema(ctx); err != nil {
			t.Error(err)
		}
	})
	for _, version := range []types.AttributeValue{
		&types.AttributeValueMemberN{Value: "2"}, &types.AttributeValueMemberN{Value: "0"}, &types.AttributeValueMemberS{Value: "1"},
	} {
		t.Run(fmt.Sprintf("%T %v", version, version), func(t *testing.T) {
			tb := dynamotest.NewTable(t)
			_, err := tb.DynamoDB(nil).PutItem(ctx, &dynamodb.PutItemInput{TableName: &tb.Name, Item: map[string]types.AttributeValue{
				"pk": &types.AttributeValueMemberS{Value: "SYSTEM"}, "sk": &types.AttributeValueMemberS{Value: "SCHEMA"}, "version": version,
			}})
			if err != nil {
				t.Fatal(err)
			}
			for name, check := range map[string]func(context.Context) error{"check": tb.Store(nil).CheckSchema, "read": tb.Store(nil).ReadSchema} {
				if err := check(ctx); err == nil || !strings.Contains(err.Error(), "deploy the version") || !strings.Contains(err.Error(), "works with 1") {
					t.Errorf("%s: error %v does not say what to do", name, err)
				}
			}
		})
	}
}

// TestCommentMovesIncident shows what a new comment does to the stored incident.
func TestCommentMovesIncident(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mode{})
	ctx := context.Background()
	const at = begin + 5*minute
	open := func(end *int64) statuspage.Incident {
		i := w.incidents[w.incident()-1]
		i.End = end
		return i
	}
	closed := func() statuspage.Incident {
		i := open(new(int64(begin + minute)))
		i.State, i.Closed = statuspage.Resolved, new(int64(now+1))
		return i
	}
	tests := []struct {
		name    string
		before  statuspage.Incident
		comment statuspage.NewComment
		want    func(*statuspage.Incident)
		err     error
	}{
		{"other state, open", open(nil), statuspage.NewComment{State: statuspage.Monitoring, Time: at}, func(i *statuspage.Incident) {
			i.State, i.Legacy.Identified = statuspage.Monitoring, true
		}, nil},
		{"other state, open with an end", open(new(int64(begin + minute))), statuspage.NewComment{State: statuspage.Identified, Time: at}, func(i *statuspage.Incident) {
			i.State, i.Legacy.Identified = statuspage.Identified, true
		}, nil},
		{"other state before the start", open(nil), statuspage.NewComment{State: statuspage.Identified, Time: 0}, func(i *statuspage.Incident) {
			i.State, i.Legacy.Identified = statuspage.Identified, true
		}, nil},
		{"other state, closed", closed(), statuspage.NewComment{State: statuspage.Investigating, Time: at}, func(i *statuspage.Incident) {
			i.State, i.End, i.Closed = statuspage.Investigating, nil, nil
		}, nil},
		{"RESOLVED, open", open(nil), statuspage.NewComment{State: statuspage.Resolved, Time: at}, func(i *statuspage.Incident) {
			i.State, i.End, i.Closed = statuspage.Resolved, new(int64(at)), new(int64(later))
		}, nil},
		{"RESOLVED, open with an end", open(new(int64(begin + minute))), statuspage.NewComment{State: statuspage.Resolved, Time: at}, func(i *statuspage.Incident) {
			i.State, i.End, i.Closed = statuspage.Resolved, new(int64(at)), new(int64(later))
		}, nil},
		{"RESOLVED, closed", closed(), statuspage.NewComment{State: statuspage.Resolved, Time: at}, func(i *statuspage.Incident) {
			i.End = new(int64(at)) // closed keeps its first value
		}, nil},
		{"RESOLVED at the start", open(nil), statuspage.NewComment{State: statuspage.Resolved, Time: begin}, func(i *statuspage.Incident) {
			i.State, i.End, i.Closed = statuspage.Resolved, new(int64(begin)), new(int64(later))
		}, nil},
		{"RESOLVED before the start", open(nil), statuspage.NewComment{State: statuspage.Resolved, Time: begin - minute}, nil, statuspage.ErrCommentBeforeStart},
		{"RESOLVED before the start, closed", closed(), statuspage.NewComment{State: statuspage.Resolved, Time: begin - minute}, nil, statuspage.ErrCommentBeforeStart},
	}
	for _, tt := range tests {
		w.incidents[tt.before.ID-1] = tt.before
	}
	w.load()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.comment.Text = "News"
			c, err := w.store.CreateComment(ctx, tt.before.ID, tt.comment, later, nil)
			if !errors.Is(err, tt.err) {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			want := tt.before
			if tt.err == nil {
				want.Updated, want.Version = later, 2
				tt.want(&want)
				wantComment := statuspage.Comment{
					ID: c.ID, IncidentID: want.ID, Text: "News", Time: tt.comment.Time, State: tt.comment.State, Created: later, Updated: later, Version: 1,
				}
				stored, err := w.store.Comment(ctx, want.ID, c.ID)
				if d := cmp.Diff([]any{wantComment, wantComment, error(nil)}, []any{c, stored, err}); d != "" {
					t.Errorf("comment, answered and stored (-want +got):\n%s", d)
				}
			}
			got, err := w.store.Incident(ctx, want.ID)
			if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" || err != nil {
				t.Errorf("incident (-want +got), %v:\n%s", err, d)
			}
			// Neither an edit nor the deletion of a comment moves the incident.
			if tt.err == nil {
				if _, err := w.store.UpdateComment(ctx, want.ID, c.ID, statuspage.CommentPatch{State: opt.Value(statuspage.Identified), Time: opt.Value[int64](0)}, later+1); err != nil {
					t.Error(err)
				}
				if err := w.store.DeleteComment(ctx, want.ID, c.ID, later+1); err != nil {
					t.Error(err)
				}
				if again, err := w.store.Incident(ctx, want.ID); err != nil || !cmp.Equal(got, again) {
					t.Errorf("an edited comment moved the incident: %v\n%s", err, cmp.Diff(got, again))
				}
			}
		})
	}
	checkFinished(t, w.tb)
}

// TestPatchIncident shows what each patch stores.
func TestPatchIncident(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mode{})
	ctx := context.Background()
	a, b, c := w.monitor(), w.monitor(), w.monitor()
	link := func(tag string, impact statuspage.Impact) statuspage.AffectedMonitor {
		return statuspage.AffectedMonitor{Tag: tag, MonitorID: map[string]int64{a: 1, b: 2, c: 3}[tag], Impact: impact}
	}
	end := func(t int64) opt.Field[int64] { return opt.Value(t) }
	tests := []struct {
		name   string
		closed bool
		patch  statuspage.IncidentPatch
		want   func(*statuspage.Incident)
		err    error
	}{
		{"nothing", false, statuspage.IncidentPatch{}, func(*statuspage.Incident) {}, nil},
		{"title", false, titled("New"), func(i *statuspage.Incident) { i.Title = "New" }, nil},
		{"end", false, statuspage.IncidentPatch{End: end(begin)}, func(i *statuspage.Incident) { i.End = new(int64(begin)) }, nil},
		{"end of a closed one", true, statuspage.IncidentPatch{End: end(begin)}, func(i *statuspage.Incident) { i.End = new(int64(begin)) }, nil},
		{"end before the start", false, statuspage.IncidentPatch{Title: opt.Value("New"), End: end(begin - minute)}, nil, statuspage.ErrEndBeforeStart},
		{"end null", true, statuspage.IncidentPatch{End: opt.Null[int64]()}, func(i *statuspage.Incident) { i.End, i.Closed = nil, nil }, nil},
		{"end null and start", true, statuspage.IncidentPatch{End: opt.Null[int64](), Start: startOf(begin + 5*minute)}, func(i *statuspage.Incident) {
			i.End, i.Closed, i.Start = nil, nil, begin+5*minute
		}, nil},
		{"start", true, statuspage.IncidentPatch{Start: startOf(0)}, func(i *statuspage.Incident) { i.Start = 0 }, nil},
		{"the same start", true, statuspage.IncidentPatch{Start: startOf(begin)}, func(*statuspage.Incident) {}, nil},
		{"start after the end", true, statuspage.IncidentPatch{Start: startOf(begin + 2*minute)}, nil, statuspage.ErrEndBeforeStart},
		{"start and end", false, statuspage.IncidentPatch{Start: startOf(begin + 2*minute), End: end(begin + 3*minute)}, func(i *statuspage.Incident) {
			i.Start, i.End = begin+2*minute, new(int64(begin+3*minute))
		}, nil},
		{"start after the new end", false, statuspage.IncidentPatch{Start: startOf(begin + 2*minute), End: end(begin + minute)}, nil, statuspage.ErrEndBeforeStart},
		{"monitors", true, statuspage.IncidentPatch{Monitors: opt.Value(append(links(statuspage.Up, c), links(statuspage.Degraded, b)...))}, func(i *statuspage.Incident) {
			i.Monitors = []statuspage.AffectedMonitor{link(b, statuspage.Degraded), link(c, statuspage.Up)}
		}, nil},
		{"no monitors", false, statuspage.IncidentPatch{Monitors: opt.Value(links(statuspage.Up))}, func(i *statuspage.Incident) { i.Monitors = nil }, nil},
		{"all", false, statuspage.IncidentPatch{Title: opt.Value("New"), Start: startOf(0), End: end(0), Monitors: opt.Value(links(statuspage.Up, c))}, func(i *statuspage.Incident) {
			i.Title, i.Start, i.End, i.Monitors = "New", 0, new(int64(0)), []statuspage.AffectedMonitor{link(c, statuspage.Up)}
		}, nil},
		{"unknown monitor and a wrong end", false, statuspage.IncidentPatch{
			Title: opt.Value("New"), End: end(0), Monitors: opt.Value(links(statuspage.Up, c, "pluto")),
		}, nil, statuspage.UnknownMonitor("pluto")},
		{"monitor with an impossible tag", false, statuspage.IncidentPatch{Monitors: opt.Value(links(statuspage.Up, ""))}, nil, statuspage.UnknownMonitor("")},
	}
	for _, tt := range tests {
		i := &w.incidents[w.incident(a, b)-1]
		if tt.closed {
			i.State, i.End, i.Closed = statuspage.Resolved, new(int64(begin+minute)), new(int64(now+1))
		}
	}
	w.load()
	for n, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := w.incidents[n]
			got, err := w.store.UpdateIncident(ctx, want.ID, tt.patch, later, nil)
			if !errors.Is(err, tt.err) {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			if tt.err == nil {
				want.Updated, want.Version = later, 2
				tt.want(&want)
				if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
					t.Errorf("answer (-want +got):\n%s", d)
				}
			}
			stored, err := w.store.Incident(ctx, want.ID)
			if d := cmp.Diff(want, stored, cmpopts.EquateEmpty()); d != "" || err != nil {
				t.Errorf("incident (-want +got), %v:\n%s", err, d)
			}
		})
	}
	checkFinished(t, w.tb)
}

// TestMostMonitors shows that an incident with as many monitors as it may have can
// be moved and linked anew: its transactions stay within DynamoDB's limit.
func TestMostMonitors(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mode{})
	var first, second []string
	for range statuspage.MaxIncidentMonitors {
		first, second = append(first, w.monitor()), append(second, w.monitor())
	}
	w.load()
	ctx := context.Background()
	i, err := w.store.CreateIncident(ctx, statuspage.NewIncident{Title: "Outage", Start: begin, Monitors: links(statuspage.Down, first...)}, now, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := w.store.UpdateIncident(ctx, i.ID, statuspage.IncidentPatch{
		Title: opt.Value("New"), Start: startOf(0), End: opt.Null[int64](), Monitors: opt.Value(links(statuspage.Up, second...)),
	}, later, nil)
	if err != nil || len(got.Monitors) != statuspage.MaxIncidentMonitors {
		t.Errorf("%v, %d monitors", err, len(got.Monitors))
	}
	checkFinished(t, w.tb)
	if err := w.store.DeleteIncident(ctx, i.ID, later, nil); err != nil {
		t.Error(err)
	}
	nothingLeft(t, w.tb)
}

// TestMostMonitorsElsewhere does what else writes for each monitor of an incident, with as
// many as it may have: the legacy API with a body and a claim, and the closer with two hours
// of each monitor.
func TestMostMonitorsElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mode{})
	var first, second []string
	for range statuspage.MaxIncidentMonitors {
		first, second = append(first, w.monitor()), append(second, w.monitor())
	}
	w.load()
	ctx := t.Context()
	claim, _, err := w.store.Claim(ctx, statuspage.IdempotentRequest{APIKeyID: 1, Key: "k", Digest: "d"}, now)
	if err != nil {
		t.Fatal(err)
	}
	report := statuspage.LegacyReport{Title: "Outage", Start: new(int64(begin)), Tags: first, Impact: statuspage.Down, Body: "Text"}
	once := &statuspage.Once[statuspage.LegacyIncident]{Claim: claim, Reply: func(statuspage.LegacyIncident) []byte { return []byte("reply") }}
	i, err := w.store.ReportIncident(ctx, report, now, once)
	if err != nil {
		t.Fatal(err)
	}
	report.Tags, report.Start, report.Body = second, new(int64(begin+minute)), "Other"
	if i, err = w.store.ReplaceIncident(ctx, i.ID, report, later); err != nil || len(i.Monitors) != len(second) {
		t.Fatalf("%v, %d monitors", err, len(i.Monitors))
	}

	const at = begin - begin%hour + 3*hour + 5*minute // five minutes into an hour: the one before counts too
	closing := func(warning *statuspage.CloserWarning) {
		t.Helper()
		var points []statuspage.TaggedPoint
		for _, tag := range second {
			for _, minutes := range []int64{1, 7} {
				points = append(points, statuspage.TaggedPoint{
					Tag: tag, Point: statuspage.Point{Time: at - minutes*minute, Status: statuspage.StatusUp, Source: statuspage.SourceProbe},
				})
			}
		}
		if err := errors.Join(w.store.RecordPoints(ctx, points, at)...); err != nil {
			t.Fatal(err)
		}
		c := statuspage.AutoClosing{Warning: warning, End: at - at%minute}
		if c.Incident, err = w.store.Incident(ctx, i.ID); err != nil {
			t.Fatal(err)
		}
		id, err := w.store.CommentIDs(ctx, 1)
		if err != nil {
			t.Fatal(err)
		}
		c.Comment = statuspage.NewComment{Text: "Stale", Time: c.End, State: statuspage.Resolved}.Made(i.ID, id, at)
		for _, m := range c.Incident.Monitors {
			f, err := w.store.MonitorFacts(ctx, m.MonitorID, begin, at)
			if err != nil || len(f.Seen) != 2 {
				t.Fatalf("%v, %d hours", err, len(f.Seen))
			}
			c.Rests = append(c.Rests, f)
		}
		if outcome, err := w.store.AutoClose(ctx, c, at); outcome != statuspage.Written || err != nil {
			t.Errorf("closing: %v, %v", outcome, err)
		}
	}
	closing(&statuspage.CloserWarning{Time: at, Activity: begin})
	closing(nil)
	checkFinished(t, w.tb)
}

// TestMostMonitorsOfARule moves a rule from as many monitors as it may have to as many
// others, with an alert that ends by it.
func TestMostMonitorsOfARule(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mode{})
	var first, second []string
	for range statuspage.MaxRuleMonitors {
		first, second = append(first, w.monitor()), append(second, w.monitor())
	}
	w.load()
	ctx := t.Context()
	r, err := w.store.CreateAlertRule(ctx, statuspage.NewAlertRule{
		Condition: statuspage.Condition{For: statuspage.AlertStatus, Status: statuspage.StatusDown, Failures: 1, Successes: 1},
		Severity:  statuspage.Critical, Tags: first, Active: true,
	}, now, nil)
	if err != nil {
		t.Fatal(err)
	}
	point := statuspage.Point{Time: statuspage.FloorMinute(now), Status: statuspage.StatusDown, Source: statuspage.SourceProbe}
	if err := w.store.RecordPoint(ctx, first[0], point, now); err != nil {
		t.Fatal(err)
	}
	if r, err = w.store.UpdateAlertRule(ctx, r.ID, statuspage.AlertRulePatch{Tags: opt.Value(second)}, later); err != nil || len(r.Monitors) != len(second) {
		t.Errorf("%v, %d monitors", err, len(r.Monitors))
	}
	if a, err := w.store.Alert(ctx, 1); err != nil || a.State != statuspage.AlertResolved {
		t.Errorf("the alert: %+v, %v", a, err)
	}
	if err := w.store.DeleteAlertRule(ctx, r.ID, later); err != nil {
		t.Error(err)
	}
	checkFinished(t, w.tb)
}

// TestChangeOfTheNewest lets others write before the first try and in the pause after its
// refusal: the second try is made of what is there then, and is the last.
func TestChangeOfTheNewest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mode{})
	incident := w.incident()
	w.load()
	var calls []bool // whether it writes the incident
	comments := 0
	writes := dynamotest.Writes("INCIDENT#")
	s := w.tb.Store(&dynamotest.Client{Inject: func(operation string, body []byte) dynamotest.Fault {
		calls = append(calls, writes(operation, body))
		if len(calls) == 2 || len(calls) == 3 {
			comments++
			if _, err := w.store.CreateComment(context.Background(), incident, statuspage.NewComment{Text: "New", Time: begin, State: statuspage.Identified}, now, nil); err != nil {
				t.Error(err)
			}
		}
		return dynamotest.None
	}})
	got, err := s.UpdateIncident(t.Context(), incident, statuspage.IncidentPatch{Title: opt.Value("New")}, later, nil)
	if err != nil || got.Version != int64(2+comments) || got.State != statuspage.Identified {
		t.Errorf("%+v, %v", got, err)
	}
	if want := []bool{false, true, false, true}; !slices.Equal(calls, want) {
		t.Errorf("calls that write %v, want %v", calls, want)
	}
	checkFinished(t, w.tb)
}

// TestCommentIDTaken has a counter that is behind: a comment whose id another one has fails
// at once, since that does not pass.
func TestCommentIDTaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mode{})
	incident := w.incident()
	w.comment(incident)
	w.load()
	_, err := w.tb.DynamoDB(nil).UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: aws.String(w.tb.Name), Key: dynamo.CounterKey(dynamo.CommentIDs).Item(),
		UpdateExpression: aws.String("SET n = :n"), ExpressionAttributeValues: ddb.Item{":n": ddb.Num(0)},
	})
	if err != nil {
		t.Fatal(err)
	}
	before := w.tb.Contents(t).Incidents[incident].Num("version")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_, err = w.store.CreateComment(ctx, incident, statuspage.NewComment{Text: "New", Time: begin, State: statuspage.Identified}, now, nil)
	if shown, ok := errors.AsType[*statuspage.Error](err); err == nil || ok {
		t.Errorf("%v, %v, want an internal error", err, shown)
	}
	if after := w.tb.Contents(t).Incidents[incident].Num("version"); after != before {
		t.Errorf("version %d, want %d", after, before)
	}
}

// TestErrors gives each operation what it must refuse.
func TestErrors(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mode{})
	ctx := context.Background()
	monitor := w.monitor()
	incident, other := w.incident(monitor), w.incident()
	comment := w.comment(incident)
	deleted := w.comment(incident)
	w.load()
	s := w.store
	if err := s.DeleteComment(ctx, incident, deleted, now); err != nil {
		t.Fatal(err)
	}
	before := itemsByKey(t, w.tb)
	none := func(statuspage.Comment) bool { return false }
	long := strings.Repeat("x", statuspage.MaxMonitorSize)
	for _, tt := range []struct {
		name string
		err  error
		want error
	}{
		{"GET incident", second(s.Incident(ctx, 99)), statuspage.IncidentNotFound[int64](99)},
		{"PATCH incident", second(s.UpdateIncident(ctx, 99, titled("x"), now, nil)), statuspage.IncidentNotFound[int64](99)},
		{"PATCH start", second(s.UpdateIncident(ctx, 99, statuspage.IncidentPatch{Start: startOf(0)}, now, nil)), statuspage.IncidentNotFound[int64](99)},
		{"PATCH unknown monitor", second(s.UpdateIncident(ctx, 99, statuspage.IncidentPatch{Monitors: opt.Value(links("UP", "pluto"))}, now, nil)), statuspage.IncidentNotFound[int64](99)},
		{"DELETE incident", s.DeleteIncident(ctx, 99, now, nil), statuspage.IncidentNotFound[int64](99)},
		{"POST unknown monitor", second(s.CreateIncident(ctx, statuspage.NewIncident{Start: begin, End: new(int64(0)), Monitors: links("UP", monitor, "pluto", "mars")}, now, nil)), statuspage.UnknownMonitor("pluto")},
		{"POST end before start", second(s.CreateIncident(ctx, statuspage.NewIncident{Start: begin, End: new(int64(0))}, now, nil)), statuspage.ErrEndBeforeStart},
		{"list comments", second(s.Comments(ctx, 99, statuspage.CommentQuery{Limit: 1}, none)), statuspage.IncidentNotFound[int64](99)},
		{"GET comment of no incident", second(s.Comment(ctx, 99, comment)), statuspage.IncidentNotFound[int64](99)},
		{"GET comment of another incident", second(s.Comment(ctx, other, comment)), statuspage.CommentNotFound(comment, other)},
		{"GET deleted comment", second(s.Comment(ctx, incident, deleted)), statuspage.CommentNotFound(deleted, incident)},
		{"POST comment", second(s.CreateComment(ctx, 99, statuspage.NewComment{State: "RESOLVED"}, now, nil)), statuspage.IncidentNotFound[int64](99)},
		{"PATCH comment of no incident", second(s.UpdateComment(ctx, 99, comment, statuspage.CommentPatch{}, now)), statuspage.IncidentNotFound[int64](99)},
		{"PATCH comment of another incident", second(s.UpdateComment(ctx, other, comment, statuspage.CommentPatch{}, now)), statuspage.CommentNotFound(comment, other)},
		{"PATCH deleted comment", second(s.UpdateComment(ctx, incident, deleted, statuspage.CommentPatch{}, now)), statuspage.CommentNotFound(deleted, incident)},
		{"DELETE comment of no incident", s.DeleteComment(ctx, 99, comment, now), statuspage.IncidentNotFound[int64](99)},
		{"DELETE comment of another incident", s.DeleteComment(ctx, other, comment, now), statuspage.CommentNotFound(comment, other)},
		{"DELETE deleted comment", s.DeleteComment(ctx, incident, deleted, now), statuspage.CommentNotFound(deleted, incident)},
		{"GET monitor", second(s.Monitor(ctx, "pluto")), statuspage.MonitorNotFound("pluto")},
		{"GET monitor of an impossible tag", second(s.Monitor(ctx, "")), statuspage.MonitorNotFound("")},
		{"POST monitor", second(s.CreateMonitor(ctx, newMonitor(monitor), now, nil)), statuspage.MonitorExists(monitor)},
		{"PATCH monitor", second(s.UpdateMonitor(ctx, "pluto", statuspage.MonitorPatch{}, now)), statuspage.MonitorNotFound("pluto")},
		{"PATCH monitor to be too large", second(s.UpdateMonitor(ctx, monitor, statuspage.MonitorPatch{Description: opt.Value(long)}, now)), statuspage.ErrMonitorTooLarge},
		{"DELETE monitor", s.DeleteMonitor(ctx, "pluto", now), statuspage.MonitorNotFound("pluto")},
		{"GET key", second(s.APIKeyByHash(ctx, "x")), statuspage.ErrKeyNotFound},
		{"revoke key", second(s.RevokeAPIKey(ctx, 99, now)), statuspage.KeyNotFound[int64](99)},
		{"revoke impossible key", second(s.RevokeAPIKey(ctx, -1, now)), statuspage.KeyNotFound[int64](-1)},
	} {
		if !errors.Is(tt.err, tt.want) {
			t.Errorf("%s: error %v, want %v", tt.name, tt.err, tt.want)
		}
	}
	after := itemsByKey(t, w.tb)
	for key := range after {
		if strings.HasPrefix(key, "SYSTEM COUNTER#") { // an id may stay unused
			delete(before, key)
			delete(after, key)
		}
	}
	if d := cmp.Diff(before, after); d != "" {
		t.Errorf("what was refused changed the table (-before +after):\n%s", d)
	}
}

func second[T any](_ T, err error) error { return err }

// TestIncidentLists draws filters and limits: the pages together hold what a filter
// over all incidents gives, in order, and each incident that a page refuses comes
// first on the next.
func TestIncidentLists(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mode{})
	tags := []string{w.monitor(), w.monitor(), w.monitor(), w.monitor()}
	for n := range 90 {
		var on []string
		for bit, tag := range tags[:3] {
			if n>>bit&1 == 1 {
				on = append(on, tag)
			}
		}
		i := &w.incidents[w.incident(on...)-1]
		i.Start = begin + int64(n*7%11)*minute
		if n%5 == 0 {
			i.State, i.End, i.Closed = statuspage.Resolved, new(i.Start), new(int64(now))
		}
	}
	w.load()
	all := slices.Clone(w.incidents)
	slices.SortFunc(all, newestFirst)
	rapid.Check(t, func(t *rapid.T) {
		q := statuspage.IncidentQuery{To: statuspage.MaxTimestamp, Limit: rapid.SampledFrom([]int{1, 2, 7, 30, 1000}).Draw(t, "limit")}
		q.From = rapid.SampledFrom([]int64{0, 0, begin, begin + minute, begin + 3*minute, begin + 11*minute}).Draw(t, "from")
		q.To = rapid.SampledFrom([]int64{0, begin - 1, begin + 2*minute, begin + 5*minute, statuspage.MaxTimestamp, statuspage.MaxTimestamp}).Draw(t, "to")
		if rapid.Bool().Draw(t, "tagged") {
			q.Tags = rapid.SliceOfN(rapid.SampledFrom(append(tags, "pluto", "")), 0, 5).Draw(t, "tags")
		}
		if rapid.Bool().Draw(t, "by status") {
			q.Open = new(rapid.Bool().Draw(t, "open"))
		}
		var want, got []statuspage.Incident
		for _, i := range all {
			tagged := q.Tags == nil || slices.ContainsFunc(i.Monitors, func(m statuspage.AffectedMonitor) bool { return slices.Contains(q.Tags, m.Tag) })
			if i.Start >= q.From && i.Start <= q.To && tagged && (q.Open == nil || *q.Open == isOpen(i)) {
				want = append(want, i)
			}
		}
		for {
			var taken []statuspage.Incident
			var refused *statuspage.Incident
			next, err := w.store.Incidents(context.Background(), q, func(i statuspage.Incident) bool {
				if refused != nil {
					t.Fatal("asked again after a refusal")
				}
				// A page may also be full before its limit: of large items.
				if len(taken) == q.Limit || len(taken) > 0 && rapid.IntRange(0, 9).Draw(t, "full") == 9 {
					refused = &i
					return false
				}
				taken = append(taken, i)
				return true
			})
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, taken...)
			if more := len(got) < len(want); more != (next != nil) {
				t.Fatalf("the next page starts at %v after %d of %d", next, len(got), len(want))
			}
			if next == nil {
				break
			}
			q.After = next
		}
		if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("incidents (-want +got):\n%s", d)
		}
	})
}

// TestCommentLists goes through the comments of an incident page by page.
func TestCommentLists(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mode{})
	incident, other := w.incident(), w.incident()
	var want []statuspage.Comment
	for n := range 40 {
		w.comment(other)
		c := &w.comments[w.comment(incident)-1]
		c.Time = int64(n*7%5) * minute
		want = append(want, *c)
	}
	w.load()
	if err := w.store.DeleteComment(context.Background(), incident, want[11].ID, now); err != nil {
		t.Fatal(err)
	}
	want = slices.Delete(want, 11, 12)
	slices.SortFunc(want, func(a, b statuspage.Comment) int {
		return gocmp.Or(gocmp.Compare(b.Time, a.Time), gocmp.Compare(b.ID, a.ID))
	})
	for _, limit := range []int{1, 3, 39, 40, 1000} {
		q := statuspage.CommentQuery{Limit: limit}
		var got []statuspage.Comment
		for {
			n := 0
			next, err := w.store.Comments(context.Background(), incident, q, func(c statuspage.Comment) bool {
				if n == limit {
					return false
				}
				n++
				got = append(got, c)
				return true
			})
			if err != nil {
				t.Fatal(err)
			}
			if next == nil {
				break
			}
			q.After = next
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("limit %d (-want +got):\n%s", limit, d)
		}
	}
}

// TestMonitors keeps every field of a monitor, and goes through the list with each
// filter.
func TestMonitors(t *testing.T) {
	t.Parallel()
	tb := dynamotest.NewTable(t)
	s := tb.Store(nil)
	ctx := context.Background()
	full := statuspage.Monitor{
		Tag: "full", Name: "Full", Description: new("d"), Image: new(""), Cron: new("c"), DefaultStatus: new("DOWN"), Status: new("INACTIVE"),
		Category: new("k"), Type: new("PING"), DownTrigger: new("x"), DegradedTrigger: new("y"), TypeData: `{"b":1.50,"a":[null]}`,
		DayDegradedMinimum: new(int64(3)), DayDownMinimum: new(int64(4)), IncludeDegraded: new("YES"), Hidden: new("YES"), Settings: `{"s":1}`,
		ExternalURL: new("https://example.com"), ConfirmationThreshold: 7,
	}
	var want []statuspage.Monitor
	for _, m := range []statuspage.Monitor{full, newMonitor("empty"), newMonitor(strings.Repeat("x", statuspage.MaxTag))} {
		got, err := s.CreateMonitor(ctx, m, now, nil)
		if err != nil {
			t.Fatal(err)
		}
		m.ID, m.Created, m.Updated, m.Version = got.ID, now, now, 1
		stored, err := s.Monitor(ctx, m.Tag)
		if d := cmp.Diff([]any{m, m, error(nil)}, []any{got, stored, err}); d != "" {
			t.Errorf("monitor, answered and stored (-want +got):\n%s", d)
		}
		want = append(want, m)
	}
	for n := range 20 {
		m := newMonitor(fmt.Sprintf("m%d", 19-n))
		if n%2 == 0 {
			m.Status, m.Category = new("ACTIVE"), new("even")
		}
		m, err := s.CreateMonitor(ctx, m, now, nil)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, m)
	}
	slices.Reverse(want) // ids rise
	for _, q := range []statuspage.MonitorQuery{
		{}, {Status: "ACTIVE"}, {Status: "INACTIVE", Category: "k", Type: "PING", Hidden: "YES"}, {Category: "even"}, {Hidden: "NO"}, {Status: "active"},
	} {
		for _, limit := range []int{1, 4, 1000} {
			q.Limit, q.After = limit, 0
			var matching, got []statuspage.Monitor
			for _, m := range want {
				if q.Matches(m) {
					matching = append(matching, m)
				}
			}
			for {
				n := 0
				next, err := s.Monitors(ctx, q, func(m statuspage.Monitor) bool {
					if n == limit {
						return false
					}
					n++
					got = append(got, m)
					return true
				})
				if err != nil {
					t.Fatal(err)
				}
				if q.After = next; next == 0 {
					break
				}
			}
			if d := cmp.Diff(matching, got); d != "" {
				t.Errorf("%+v (-want +got):\n%s", q, d)
			}
		}
	}
}

// TestTagUsedAgain deletes a monitor and makes another of its tag: it has another
// id and none of the incidents.
func TestTagUsedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mode{})
	tag := w.monitor()
	id := w.incident(tag)
	w.load()
	ctx := context.Background()
	if err := w.store.DeleteMonitor(ctx, tag, later); err != nil {
		t.Fatal(err)
	}
	m, err := w.store.CreateMonitor(ctx, newMonitor(tag), later, nil)
	if err != nil || m.ID == 1 {
		t.Fatalf("monitor %d, %v", m.ID, err)
	}
	if got := listed(t, w.store, statuspage.IncidentQuery{Tags: []string{tag}}); len(got) != 0 {
		t.Errorf("the new monitor has %d incidents", len(got))
	}
	want := w.incidents[id-1]
	want.Monitors, want.Orphan, want.Version = nil, statuspage.OrphanOfPublic, 2 // the update time stays
	got, err := w.store.Incident(ctx, id)
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" || err != nil {
		t.Errorf("incident (-want +got), %v:\n%s", err, d)
	}
	checkFinished(t, w.tb)
}

// allKeys returns all keys, oldest first, read in pages of two.
func allKeys(ctx context.Context, s *dynamo.Store) ([]statuspage.APIKey, error) {
	var keys []statuspage.APIKey
	q := statuspage.KeyQuery{Limit: 2}
	for {
		taken := 0
		next, err := s.APIKeys(ctx, q, func(k statuspage.APIKey) bool {
			if taken == q.Limit {
				return false
			}
			taken++
			keys = append(keys, k)
			return true
		})
		if err != nil || next == 0 {
			slices.Reverse(keys)
			return keys, err
		}
		q.After = next
	}
}

func TestAPIKeys(t *testing.T) {
	t.Parallel()
	tb := dynamotest.NewTable(t)
	s := tb.Store(nil)
	ctx := context.Background()
	var want []statuspage.APIKey
	var secrets []string
	for n, k := range []statuspage.NewAPIKey{
		{Name: "all", Scopes: statuspage.Scopes()},
		{Name: "none"},
		{Name: "one", Scopes: []statuspage.Scope{statuspage.ScopeMonitorsRead}, Expires: new(int64(now + 60))},
		{Name: "all", Scopes: []statuspage.Scope{statuspage.ScopeAdmin, statuspage.ScopeIncidentsRead}},
	} {
		secret := statuspage.NewSecret()
		got, err := s.CreateAPIKey(ctx, secret, k, now, nil)
		if err != nil {
			t.Fatal(err)
		}
		made := statuspage.APIKey{
			ID: int64(n + 1), Hash: statuspage.HashSecret(secret), Name: k.Name, Scopes: k.Scopes, Created: now, Expires: k.Expires,
		}
		if d := cmp.Diff(made, got); d != "" {
			t.Errorf("answer (-want +got):\n%s", d)
		}
		stored, err := s.APIKeyByHash(ctx, made.Hash)
		if d := cmp.Diff(made, stored, cmpopts.SortSlices(func(a, b statuspage.Scope) bool { return a < b })); d != "" || err != nil {
			t.Errorf("stored (-want +got), %v:\n%s", err, d)
		}
		want, secrets = append(want, stored), append(secrets, secret)
	}
	keys := func() {
		t.Helper()
		got, err := allKeys(ctx, s)
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("keys (-want +got), %v:\n%s", err, d)
		}
	}
	keys()

	t.Log("a secret is made a key only once, and only when it is one")
	if _, err := s.CreateAPIKey(ctx, secrets[0], statuspage.NewAPIKey{Name: "again"}, later, nil); err == nil {
		t.Error("a key was made twice")
	}
	for _, bad := range []string{"", "kener_", strings.ToUpper(secrets[0]), secrets[0] + "0"} {
		if _, err := s.CreateAPIKey(ctx, bad, statuspage.NewAPIKey{Name: "bad"}, later, nil); err == nil {
			t.Errorf("%q was made a key", bad)
		}
		if _, err := s.EnsureAPIKey(ctx, bad, statuspage.NewAPIKey{Name: "bad"}, later); err == nil {
			t.Errorf("%q was made a key", bad)
		}
	}
	keys()

	t.Log("revoking keeps the first time")
	want[1].Revoked = new(int64(later))
	for n := range int64(2) {
		got, err := s.RevokeAPIKey(ctx, 2, later+n)
		if d := cmp.Diff(want[1], got); d != "" || err != nil {
			t.Errorf("revoked key (-want +got), %v:\n%s", err, d)
		}
	}
	keys()

	t.Log("ensuring makes a key as it is asked for, whatever it was")
	for _, tt := range []struct {
		n      int
		key    statuspage.NewAPIKey
		change func(*statuspage.APIKey)
	}{
		{0, statuspage.NewAPIKey{Name: "other", Scopes: statuspage.Scopes()}, func(*statuspage.APIKey) {}},
		{1, statuspage.NewAPIKey{Name: "none", Scopes: []statuspage.Scope{statuspage.ScopeAdmin}}, func(k *statuspage.APIKey) {
			k.Revoked, k.Scopes = nil, []statuspage.Scope{statuspage.ScopeAdmin}
		}},
		{2, statuspage.NewAPIKey{Name: "one", Scopes: []statuspage.Scope{statuspage.ScopeMonitorsRead}}, func(k *statuspage.APIKey) { k.Expires = nil }},
		{3, statuspage.NewAPIKey{Name: "all", Expires: new(int64(now))}, func(k *statuspage.APIKey) { k.Scopes, k.Expires = nil, new(int64(now)) }},
	} {
		tt.change(&want[tt.n])
		got, err := s.EnsureAPIKey(ctx, secrets[tt.n], tt.key, later+9)
		if d := cmp.Diff(want[tt.n], got); d != "" || err != nil {
			t.Errorf("ensured key %d (-want +got), %v:\n%s", tt.n+1, err, d)
		}
	}
	keys()
	secrets = append(secrets, statuspage.NewSecret())
	made, err := s.EnsureAPIKey(ctx, secrets[4], statuspage.NewAPIKey{Name: "new", Scopes: statuspage.Scopes()}, later)
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, made)
	keys()

	for _, it := range tb.Items(t) {
		for _, secret := range secrets {
			if text := fmt.Sprint(it); strings.Contains(text, strings.TrimPrefix(secret, "kener_")) {
				t.Errorf("the table holds a secret: %s", text)
			}
		}
	}
}

// TestEnsureAPIKeyOfAnotherVersion makes sure of a key with a scope that this program does
// not know, as a table has it that was another version's.
func TestEnsureAPIKeyOfAnotherVersion(t *testing.T) {
	t.Parallel()
	tb := dynamotest.NewTable(t)
	s := tb.Store(nil)
	secret := statuspage.NewSecret()
	if _, err := s.CreateAPIKey(t.Context(), secret, statuspage.NewAPIKey{Name: "key", Scopes: []statuspage.Scope{statuspage.ScopeAdmin, "pages:read"}}, now, nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	for _, scopes := range [][]statuspage.Scope{{statuspage.ScopeMonitorsRead}, nil} {
		if _, err := s.EnsureAPIKey(ctx, secret, statuspage.NewAPIKey{Name: "key", Scopes: scopes}, later); err != nil {
			t.Fatal(err)
		}
		k, err := s.APIKeyByHash(ctx, statuspage.HashSecret(secret))
		if d := cmp.Diff(scopes, k.Scopes); d != "" || err != nil {
			t.Errorf("scopes (-want +got), %v:\n%s", err, d)
		}
	}
}

// TestEnsureAPIKeyAtOnce lets many make sure of one key at the same time, as two
// copies of a program that start together do.
func TestEnsureAPIKeyAtOnce(t *testing.T) {
	t.Parallel()
	tb := dynamotest.NewTable(t)
	store := tb.Store(nil)
	secret := statuspage.NewSecret()
	errs := make(chan error)
	const copies = 20
	for range copies {
		go func() {
			_, err := store.EnsureAPIKey(context.Background(), secret, statuspage.NewAPIKey{Name: "shared", Scopes: statuspage.Scopes()}, now)
			errs <- err
		}()
	}
	for range copies {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if keys, err := allKeys(context.Background(), store); err != nil || len(keys) != 1 {
		t.Errorf("%d keys, %v, want one", len(keys), err)
	}
}
