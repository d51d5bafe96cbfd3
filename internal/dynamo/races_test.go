package dynamo_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/dynamo"
	"tocsin/internal/dynamotest"
	"tocsin/internal/opt"
	"tocsin/internal/statuspage"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "seed of the faults; 0 draws one")
	racesFlag = flag.Int("races", 15, "how often each pair of writers races in each mode")
)

// seed returns the seed of the faults of a test, and logs it.
func seed(t testing.TB) uint64 {
	s := *seedFlag
	if s == 0 {
		s = rand.Uint64()
	}
	t.Logf("repeat with -seed %d", s)
	return s
}

const (
	atOnce     = 10 // races at the same time
	unevenness = 3 * time.Millisecond
	opTimeout  = 20 * time.Second // of one operation; reaching it fails the test
	now        = 1_763_800_000    // UTC seconds
	later      = now + 5
	begin      = 1_763_799_960 // a whole minute
	minute     = 60
)

// A mode is what goes wrong during the races.
type mode struct {
	name   string
	faults []dynamotest.Fault
}

var modes = []mode{
	{name: "plain"},
	{"conflicts", []dynamotest.Fault{dynamotest.Conflict}},
	{"lost answers", []dynamotest.Fault{dynamotest.LostAnswer, dynamotest.LostCall}},
}

// world is what the races of one scenario and mode share. The records that they
// need are collected first and written together by load.
type world struct {
	t     *testing.T
	tb    *dynamotest.Table
	store *dynamo.Store // without faults
	mode  mode

	tags      int
	monitors  []statuspage.Monitor
	incidents []statuspage.Incident
	comments  []statuspage.Comment

	maintenances []statuspage.NewMaintenance
	pages        []statuspage.NewPage
	settings     int // races for one
}

func newWorld(t *testing.T, m mode) *world {
	tb := dynamotest.NewTable(t)
	return &world{t: t, tb: tb, store: tb.Store(nil), mode: m}
}

// tag returns a tag that no monitor has.
func (w *world) tag() string {
	w.tags++
	return fmt.Sprintf("m%d", w.tags)
}

// monitor adds a monitor of its own.
func (w *world) monitor() string {
	m := newMonitor(w.tag())
	m.ID, m.Created, m.Updated, m.Version = int64(len(w.monitors)+1), now, now, 1
	w.monitors = append(w.monitors, m)
	return m.Tag
}

func newMonitor(tag string) statuspage.Monitor {
	return statuspage.Monitor{Tag: tag, Name: tag, ConfirmationThreshold: 1}
}

// incident adds an incident on the monitors, all of them down.
func (w *world) incident(tags ...string) int64 {
	i := statuspage.Incident{
		ID: int64(len(w.incidents) + 1), Title: "Outage", Start: begin, State: statuspage.Investigating,
		Type: statuspage.TypeIncident, Source: statuspage.SourceAPI, Created: now, Updated: now, Version: 1,
	}
	for _, m := range w.monitors {
		if slices.Contains(tags, m.Tag) {
			i.Monitors = append(i.Monitors, statuspage.AffectedMonitor{Tag: m.Tag, MonitorID: m.ID, Impact: statuspage.Down})
		}
	}
	w.incidents = append(w.incidents, i)
	return i.ID
}

func (w *world) comment(incident int64) int64 {
	c := statuspage.Comment{
		ID: int64(len(w.comments) + 1), IncidentID: incident, Text: "Looking", Time: begin, State: statuspage.Identified,
		Created: now, Updated: now, Version: 1,
	}
	w.comments = append(w.comments, c)
	return c.ID
}

func (w *world) load() {
	w.t.Helper()
	if err := w.tb.Dump(nil).Load(context.Background(), slices.Values(w.incidents), w.comments, w.monitors); err != nil {
		w.t.Fatal(err)
	}
	for _, m := range w.maintenances { // their ids are as many as there are
		if _, err := w.store.CreateMaintenance(context.Background(), m, now, nil); err != nil {
			w.t.Fatal(err)
		}
	}
	for _, p := range w.pages {
		if _, err := w.store.CreatePage(context.Background(), p, now, nil); err != nil {
			w.t.Fatal(err)
		}
	}
}

// faulty returns a store with the mode's faults. There are few enough of them that
// no operation runs out of tries.
func (w *world) faulty(seed uint64) *dynamo.Store {
	client := &dynamotest.Client{}
	if w.mode.faults != nil {
		client.Inject = dynamotest.Random(seed, 0.4, 3, w.mode.faults...)
	}
	return w.tb.Store(client)
}

func background() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), opTimeout)
}

func links(impact statuspage.Impact, tags ...string) []statuspage.MonitorImpact {
	l := []statuspage.MonitorImpact{}
	for _, tag := range tags {
		l = append(l, statuspage.MonitorImpact{Tag: tag, Impact: impact})
	}
	return l
}

// op is one of two operations at once.
type op func(context.Context, *dynamo.Store) error

func patchIncident(id int64, p statuspage.IncidentPatch) op {
	return func(ctx context.Context, s *dynamo.Store) error {
		_, err := s.UpdateIncident(ctx, id, p, later, nil)
		return err
	}
}

func deleteIncident(id int64) op {
	return func(ctx context.Context, s *dynamo.Store) error { return s.DeleteIncident(ctx, id, later, nil) }
}

func postComment(incident int64, state statuspage.State, at int64) op {
	return func(ctx context.Context, s *dynamo.Store) error {
		_, err := s.CreateComment(ctx, incident, statuspage.NewComment{Text: "News", Time: at, State: state}, later, nil)
		return err
	}
}

func progressIncident(id int64, p statuspage.LegacyProgress) op {
	return func(ctx context.Context, s *dynamo.Store) error {
		_, err := s.ProgressIncident(ctx, id, p, later, nil)
		return err
	}
}

func replaceIncident(id int64, r statuspage.LegacyReport) op {
	return func(ctx context.Context, s *dynamo.Store) error {
		_, err := s.ReplaceIncident(ctx, id, r, later)
		return err
	}
}

func addNote(id int64) op {
	return func(ctx context.Context, s *dynamo.Store) error {
		_, err := s.AddNote(ctx, id, "note", later, nil)
		return err
	}
}

func patchComment(incident, id int64, p statuspage.CommentPatch) op {
	return func(ctx context.Context, s *dynamo.Store) error {
		_, err := s.UpdateComment(ctx, incident, id, p, later)
		return err
	}
}

func patchMonitor(tag string, p statuspage.MonitorPatch) op {
	return func(ctx context.Context, s *dynamo.Store) error {
		_, err := s.UpdateMonitor(ctx, tag, p, later)
		return err
	}
}

func deleteMonitor(tag string) op {
	return func(ctx context.Context, s *dynamo.Store) error { return s.DeleteMonitor(ctx, tag, later) }
}

// unchanged expects an incident as world makes it.
func unchanged(i statuspage.Incident) bool { return i.Title == "Outage" && i.Version == 1 }

func patchAsSeen(id int64, p statuspage.IncidentPatch) op {
	return func(ctx context.Context, s *dynamo.Store) error {
		_, err := s.UpdateIncident(ctx, id, p, later, unchanged)
		return err
	}
}

func deleteAsSeen(id int64) op {
	return func(ctx context.Context, s *dynamo.Store) error { return s.DeleteIncident(ctx, id, later, unchanged) }
}

// postOnce makes an incident on the monitor, or gets the reply to it, by an
// idempotency key that is the tag.
func postOnce(tag string) op {
	return func(ctx context.Context, s *dynamo.Store) error {
		claim, reply, err := s.Claim(ctx, statuspage.IdempotentRequest{APIKeyID: 1, Key: tag, Digest: tag}, now)
		if err != nil {
			return err
		}
		if reply != nil {
			if string(reply) != tag {
				return fmt.Errorf("reply %q, want %q", reply, tag)
			}
			return nil
		}
		_, err = s.CreateIncident(ctx, statuspage.NewIncident{Title: "Outage", Start: begin, Monitors: links(statuspage.Down, tag)}, now,
			&statuspage.Once[statuspage.Incident]{Claim: claim, Reply: func(statuspage.Incident) []byte { return []byte(tag) }})
		return err
	}
}

// A race is two operations at once and what must hold afterwards.
type race struct {
	a, b  op
	check func(r *result)
}

// result is how a race ended.
type result struct {
	*world
	a, b error
}

func (r *result) errorf(format string, args ...any) {
	r.t.Helper()
	r.t.Errorf("%s (answers: %v, %v)", fmt.Sprintf(format, args...), r.a, r.b)
}

// bothStand asks that both operations succeeded.
func (r *result) bothStand() {
	r.t.Helper()
	if r.a != nil || r.b != nil {
		r.errorf("not both succeeded")
	}
}

// oneIsLate asks that one of two that had seen the same incident changed it, and
// the other was told.
func (r *result) oneIsLate() {
	r.t.Helper()
	r.oneOf(r.a, statuspage.ErrIncidentChanged)
	r.oneOf(r.b, statuspage.ErrIncidentChanged)
	if (r.a == nil) == (r.b == nil) {
		r.errorf("not exactly one was first")
	}
}

// oneOf asks that the error is nil or one of those.
func (r *result) oneOf(err error, allowed ...error) {
	r.t.Helper()
	if err != nil && !slices.ContainsFunc(allowed, func(a error) bool { return errors.Is(err, a) }) {
		r.errorf("an operation failed with %v", err)
	}
}

func (r *result) incident(id int64) statuspage.Incident {
	r.t.Helper()
	i, err := r.store.Incident(context.Background(), id)
	if err != nil {
		r.errorf("incident %d: %v", id, err)
	}
	return i
}

// incidentVersion asks how often the incident was written since it was made.
func (r *result) incidentVersion(i statuspage.Incident, writes int64) {
	r.t.Helper()
	if got := i.Version - 1; got != writes {
		r.errorf("incident %d was written %d times, want %d", i.ID, got, writes)
	}
}

func (r *result) incidentGone(id int64) {
	r.t.Helper()
	if _, err := r.store.Incident(context.Background(), id); !errors.Is(err, statuspage.IncidentNotFound(id)) {
		r.errorf("incident %d after its deletion: %v", id, err)
	}
}

func (r *result) diff(what string, want, got any) {
	r.t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		r.errorf("%s (-want +got):\n%s", what, d)
	}
}

// impacts is what an incident does to its monitors.
func impacts(i statuspage.Incident) map[string]statuspage.Impact {
	m := map[string]statuspage.Impact{}
	for _, a := range i.Monitors {
		m[a.Tag] = a.Impact
	}
	return m
}

func impactsOf(links []statuspage.MonitorImpact) map[string]statuspage.Impact {
	m := map[string]statuspage.Impact{}
	for _, l := range links {
		m[l.Tag] = l.Impact
	}
	return m
}

func titled(title string) statuspage.IncidentPatch {
	return statuspage.IncidentPatch{Title: opt.Value(title)}
}

// A scenario is a pair of writers that must lose nothing.
type scenario struct {
	name    string
	rare    bool // not one of the likely pairs: a fifth of the races will do
	arrange func(*world) race
}

// scenarios are those about incidents, comments and monitors.
var scenarios = []scenario{
	{"PATCH title, PATCH end", false, func(w *world) race {
		id := w.incident()
		return race{
			patchIncident(id, titled("New")),
			patchIncident(id, statuspage.IncidentPatch{End: opt.Value[int64](begin + minute)}),
			func(r *result) {
				r.bothStand()
				i := r.incident(id)
				r.diff("title and end", []any{"New", new(int64(begin + minute))}, []any{i.Title, i.End})
				r.incidentVersion(i, 2)
			},
		}
	}},
	{"PATCH title, RESOLVED comment", false, func(w *world) race {
		id := w.incident(w.monitor())
		return race{
			patchIncident(id, titled("New")),
			postComment(id, statuspage.Resolved, begin+minute),
			func(r *result) {
				r.bothStand()
				i := r.incident(id)
				r.diff("title, state, end, closed",
					[]any{"New", statuspage.Resolved, new(int64(begin + minute)), new(int64(later))}, []any{i.Title, i.State, i.End, i.Closed})
				r.incidentVersion(i, 2)
			},
		}
	}},
	{"PATCH title and start, RESOLVED comment", false, func(w *world) race {
		id := w.incident(w.monitor(), w.monitor())
		return race{
			patchIncident(id, statuspage.IncidentPatch{Title: opt.Value("New"), Start: opt.Value[int64](begin - minute)}),
			postComment(id, statuspage.Resolved, begin+minute),
			func(r *result) {
				r.bothStand()
				i := r.incident(id)
				r.diff("title, start, state, end, closed",
					[]any{"New", int64(begin - minute), statuspage.Resolved, new(int64(begin + minute)), new(int64(later))},
					[]any{i.Title, i.Start, i.State, i.End, i.Closed})
				r.incidentVersion(i, 2)
			},
		}
	}},
	{"PATCH start behind the comment, RESOLVED comment", true, func(w *world) race {
		id := w.incident(w.monitor())
		return race{
			patchIncident(id, statuspage.IncidentPatch{Start: opt.Value[int64](begin + 2*minute)}),
			postComment(id, statuspage.Resolved, begin+minute),
			func(r *result) {
				r.oneOf(r.a, statuspage.ErrEndBeforeStart)
				r.oneOf(r.b, statuspage.ErrCommentBeforeStart)
				i := r.incident(id)
				if (r.a == nil) == (r.b == nil) || (r.a == nil) != (i.Start == begin+2*minute) || (r.b == nil) != (i.Closed != nil) {
					r.errorf("start %d, closed %v", i.Start, i.Closed)
				}
				r.incidentVersion(i, 1)
			},
		}
	}},
	{"RESOLVED comment, INVESTIGATING comment", true, func(w *world) race {
		id := w.incident()
		return race{
			postComment(id, statuspage.Resolved, begin+minute),
			postComment(id, statuspage.Investigating, begin+minute),
			func(r *result) {
				r.bothStand()
				i := r.incident(id)
				if closed := i.State == statuspage.Resolved; closed != (i.Closed != nil) || closed != (i.End != nil) {
					r.errorf("state %s, closed %v, end %v", i.State, i.Closed, i.End)
				}
				r.incidentVersion(i, 2)
			},
		}
	}},
	{"PATCH end null, RESOLVED comment", true, func(w *world) race {
		id := w.incident()
		return race{
			patchIncident(id, statuspage.IncidentPatch{End: opt.Null[int64]()}),
			postComment(id, statuspage.Resolved, begin+minute),
			func(r *result) {
				r.bothStand()
				i := r.incident(id)
				if i.State != statuspage.Resolved || (i.Closed != nil) != (i.End != nil) {
					r.errorf("state %s, closed %v, end %v", i.State, i.Closed, i.End)
				}
				r.incidentVersion(i, 2)
			},
		}
	}},
	{"legacy progress, RESOLVED comment", false, func(w *world) race {
		id := w.incident(w.monitor())
		return race{
			progressIncident(id, statuspage.LegacyProgress{Identified: new(true), End: new(int64(begin + 5*minute + 7))}),
			postComment(id, statuspage.Resolved, begin+minute),
			func(r *result) {
				r.bothStand()
				i := r.incident(id)
				// The flag stands whoever was first; the end is the last one's.
				if i.State != statuspage.Resolved || i.Closed == nil || !i.IsIdentified() {
					r.errorf("state %s, closed %v, identified %t", i.State, i.Closed, i.IsIdentified())
				}
				if end := i.LegacyEnd(); end == nil || *end != begin+minute && *end != begin+5*minute+7 {
					r.errorf("end %v", end)
				}
				r.incidentVersion(i, 2)
			},
		}
	}},
	{"legacy progress, PATCH title and start", true, func(w *world) race {
		id := w.incident(w.monitor(), w.monitor())
		return race{
			progressIncident(id, statuspage.LegacyProgress{Resolved: new(true), End: new(int64(begin + 5*minute + 7))}),
			patchIncident(id, statuspage.IncidentPatch{Title: opt.Value("New"), Start: opt.Value[int64](begin - minute)}),
			func(r *result) {
				r.bothStand()
				i := r.incident(id)
				r.diff("title, start, end, state, closed",
					[]any{"New", new(int64(begin - minute)), new(int64(begin + 5*minute + 7)), statuspage.Resolved, new(int64(later))},
					[]any{i.Title, i.LegacyStart(), i.LegacyEnd(), i.State, i.Closed})
				r.incidentVersion(i, 2)
			},
		}
	}},
	{"legacy progress, PATCH title", true, func(w *world) race {
		id := w.incident()
		return race{
			progressIncident(id, statuspage.LegacyProgress{Identified: new(true)}),
			patchIncident(id, titled("New")),
			func(r *result) {
				r.bothStand()
				i := r.incident(id)
				r.diff("title and state", []any{"New", statuspage.Identified}, []any{i.Title, i.State})
				r.incidentVersion(i, 2)
			},
		}
	}},
	{"legacy PATCH, PATCH monitors", true, func(w *world) race {
		a, b := w.monitor(), w.monitor()
		id := w.incident(a)
		return race{
			replaceIncident(id, statuspage.LegacyReport{Title: "New", Tags: []string{a}, Body: "text", Start: new(int64(begin - minute + 3))}),
			patchIncident(id, statuspage.IncidentPatch{Monitors: opt.Value(links(statuspage.Degraded, b))}),
			func(r *result) {
				r.bothStand()
				i := r.incident(id)
				tags := i.LegacyTags()
				if i.Title != "New" || i.LegacyStart() == nil || *i.LegacyStart() != begin-minute+3 || len(tags) != 1 || (tags[0] == a) != i.Legacy.NoImpact {
					r.errorf("incident %+v", i)
				}
				r.incidentVersion(i, 2)
			},
		}
	}},
	{"legacy PATCH, legacy PATCH", true, func(w *world) race {
		a, b := w.monitor(), w.monitor()
		id := w.incident(a, b)
		return race{
			replaceIncident(id, statuspage.LegacyReport{Title: "text", Tags: []string{a}, Body: "text"}),
			replaceIncident(id, statuspage.LegacyReport{Title: "", Tags: []string{b}}),
			func(r *result) {
				r.bothStand()
				i, err := r.store.LegacyIncident(context.Background(), id)
				if err != nil || i.Body != i.Title || len(i.Monitors) != 1 {
					r.errorf("a mixture: %+v, %v", i, err)
				}
				r.incidentVersion(i.Incident, 2)
			},
		}
	}},
	{"legacy PATCH, DELETE incident", false, func(w *world) race {
		a, b := w.monitor(), w.monitor()
		id := w.incident(a)
		return race{
			replaceIncident(id, statuspage.LegacyReport{Title: "New", Tags: []string{b}, Body: "text"}),
			deleteIncident(id),
			func(r *result) {
				r.oneOf(r.a, statuspage.IncidentNotFound(id))
				r.oneOf(r.b)
				r.incidentGone(id)
			},
		}
	}},
	{"legacy POST, DELETE monitor", true, func(w *world) race {
		tag := w.monitor()
		return race{
			func(ctx context.Context, s *dynamo.Store) error {
				_, err := s.ReportIncident(ctx, statuspage.LegacyReport{Title: "New", Tags: []string{tag}, Body: "text"}, later, nil)
				return err
			},
			deleteMonitor(tag),
			func(r *result) {
				r.oneOf(r.a, statuspage.ErrUnknownTags)
				r.oneOf(r.b)
			},
		}
	}},
	{"legacy comment, RESOLVED comment", true, func(w *world) race {
		id := w.incident()
		return race{
			addNote(id),
			postComment(id, statuspage.Resolved, begin+minute),
			func(r *result) {
				r.bothStand()
				i := r.incident(id)
				if i.State != statuspage.Resolved || i.Closed == nil {
					r.errorf("state %s, closed %v", i.State, i.Closed)
				}
				if n := len(allComments(r.t, r.store, id)); n != 2 {
					r.errorf("%d comments", n)
				}
				r.incidentVersion(i, 2)
			},
		}
	}},
	{"legacy comment, DELETE incident", false, func(w *world) race {
		id := w.incident(w.monitor())
		w.comment(id)
		return race{
			addNote(id),
			deleteIncident(id),
			func(r *result) {
				r.oneOf(r.a, statuspage.IncidentNotFound(id))
				r.oneOf(r.b)
				r.incidentGone(id)
			},
		}
	}},
	{"POST comment, DELETE incident", false, func(w *world) race {
		id := w.incident(w.monitor())
		w.comment(id)
		return race{
			postComment(id, statuspage.Monitoring, begin),
			deleteIncident(id),
			func(r *result) {
				r.oneOf(r.a, statuspage.IncidentNotFound(id))
				r.oneOf(r.b)
				r.incidentGone(id)
			},
		}
	}},
	{"PATCH title, DELETE incident", true, func(w *world) race {
		id := w.incident(w.monitor())
		return race{
			patchIncident(id, titled("New")),
			deleteIncident(id),
			func(r *result) {
				r.oneOf(r.a, statuspage.IncidentNotFound(id))
				r.oneOf(r.b)
				r.incidentGone(id)
			},
		}
	}},
	{"PATCH monitors, PATCH monitors", false, func(w *world) race {
		a, b, c := w.monitor(), w.monitor(), w.monitor()
		id := w.incident(a, b)
		first, second := links(statuspage.Degraded, a, c), links(statuspage.Up, b, c)
		return race{
			patchIncident(id, statuspage.IncidentPatch{Monitors: opt.Value(first)}),
			patchIncident(id, statuspage.IncidentPatch{Monitors: opt.Value(second)}),
			func(r *result) {
				r.bothStand()
				i := r.incident(id)
				got := impacts(i)
				if !cmp.Equal(got, impactsOf(first)) && !cmp.Equal(got, impactsOf(second)) {
					r.errorf("monitors %v are neither of the sets", got)
				}
				r.incidentVersion(i, 2)
			},
		}
	}},
	{"PATCH monitors, DELETE incident", false, func(w *world) race {
		a, b := w.monitor(), w.monitor()
		id := w.incident(a)
		return race{
			patchIncident(id, statuspage.IncidentPatch{Monitors: opt.Value(links(statuspage.Up, b))}),
			deleteIncident(id),
			func(r *result) {
				r.oneOf(r.a, statuspage.IncidentNotFound(id))
				r.oneOf(r.b)
				r.incidentGone(id)
			},
		}
	}},
	{"PATCH start, PATCH monitors", false, func(w *world) race {
		a, b := w.monitor(), w.monitor()
		id := w.incident(a)
		asked := links(statuspage.Degraded, a, b)
		return race{
			patchIncident(id, statuspage.IncidentPatch{Start: opt.Value[int64](begin - minute)}),
			patchIncident(id, statuspage.IncidentPatch{Monitors: opt.Value(asked)}),
			func(r *result) {
				r.bothStand()
				i := r.incident(id)
				r.diff("start and monitors", []any{int64(begin - minute), impactsOf(asked)}, []any{i.Start, impacts(i)})
				r.incidentVersion(i, 2)
			},
		}
	}},
	{"DELETE incident, DELETE incident", false, func(w *world) race {
		id := w.incident(w.monitor())
		w.comment(id)
		return race{
			deleteIncident(id), deleteIncident(id),
			func(r *result) {
				r.oneOf(r.a, statuspage.IncidentNotFound(id))
				r.oneOf(r.b, statuspage.IncidentNotFound(id))
				if (r.a == nil) == (r.b == nil) {
					r.errorf("not exactly one deleted incident %d", id)
				}
				r.incidentGone(id)
			},
		}
	}},
	{"PATCH comment text, PATCH comment state", false, func(w *world) race {
		incident := w.incident()
		id := w.comment(incident)
		return race{
			patchComment(incident, id, statuspage.CommentPatch{Text: opt.Value("Other"), Time: opt.Value[int64](begin + minute)}),
			patchComment(incident, id, statuspage.CommentPatch{State: opt.Value(statuspage.Monitoring)}),
			func(r *result) {
				r.bothStand()
				c, err := r.store.Comment(context.Background(), incident, id)
				r.diff("comment",
					[]any{error(nil), "Other", int64(begin + minute), statuspage.Monitoring, int64(3)},
					[]any{err, c.Text, c.Time, c.State, c.Version})
			},
		}
	}},
	{"PATCH comment, DELETE comment", false, func(w *world) race {
		incident := w.incident()
		id := w.comment(incident)
		return race{
			patchComment(incident, id, statuspage.CommentPatch{Text: opt.Value("Other"), Time: opt.Value[int64](begin + minute)}),
			func(ctx context.Context, s *dynamo.Store) error { return s.DeleteComment(ctx, incident, id, later) },
			func(r *result) {
				r.oneOf(r.a, statuspage.CommentNotFound(id, incident))
				r.oneOf(r.b)
				if _, err := r.store.Comment(context.Background(), incident, id); !errors.Is(err, statuspage.CommentNotFound(id, incident)) {
					r.errorf("comment after its deletion: %v", err)
				}
				if listed := allComments(r.t, r.store, incident); len(listed) > 0 {
					r.errorf("comments after the deletion of the only one: %v", listed)
				}
			},
		}
	}},
	{"DELETE comment, DELETE comment", true, func(w *world) race {
		incident := w.incident()
		id := w.comment(incident)
		remove := func(ctx context.Context, s *dynamo.Store) error { return s.DeleteComment(ctx, incident, id, later) }
		return race{
			remove, remove,
			func(r *result) {
				r.oneOf(r.a, statuspage.CommentNotFound(id, incident))
				r.oneOf(r.b, statuspage.CommentNotFound(id, incident))
				if (r.a == nil) == (r.b == nil) {
					r.errorf("not exactly one deleted comment %d", id)
				}
			},
		}
	}},
	{"PATCH comment, DELETE incident", true, func(w *world) race {
		incident := w.incident()
		id := w.comment(incident)
		return race{
			patchComment(incident, id, statuspage.CommentPatch{Text: opt.Value("Other")}),
			deleteIncident(incident),
			func(r *result) {
				r.oneOf(r.a, statuspage.IncidentNotFound(incident))
				r.oneOf(r.b)
				r.incidentGone(incident)
			},
		}
	}},
	{"PATCH monitor, PATCH monitor", false, func(w *world) race {
		tag := w.monitor()
		return race{
			patchMonitor(tag, statuspage.MonitorPatch{Name: opt.Value("New"), TypeData: opt.Value(statuspage.JSONObject(`{"a":1}`))}),
			patchMonitor(tag, statuspage.MonitorPatch{Status: opt.Value("INACTIVE"), TypeData: opt.Value(statuspage.JSONObject(`{"b":2}`))}),
			func(r *result) {
				r.bothStand()
				m, err := r.store.Monitor(context.Background(), tag)
				r.diff("monitor", []any{error(nil), "New", new("INACTIVE"), int64(3)}, []any{err, m.Name, m.Status, m.Version})
				if m.TypeData != `{"a":1,"b":2}` && m.TypeData != `{"b":2,"a":1}` {
					r.errorf("type data %s", m.TypeData)
				}
			},
		}
	}},
	{"POST monitor, POST monitor of the same tag", false, func(w *world) race {
		tag := w.tag()
		post := func(ctx context.Context, s *dynamo.Store) error {
			_, err := s.CreateMonitor(ctx, newMonitor(tag), now, nil)
			return err
		}
		return race{
			post, post,
			func(r *result) {
				r.oneOf(r.a, statuspage.MonitorExists(tag))
				r.oneOf(r.b, statuspage.MonitorExists(tag))
				if (r.a == nil) == (r.b == nil) {
					r.errorf("not exactly one made monitor %s", tag)
				}
			},
		}
	}},
	{"DELETE monitor, POST incident on it", false, func(w *world) race {
		tag, other := w.monitor(), w.monitor()
		var id int64
		return race{
			deleteMonitor(tag),
			func(ctx context.Context, s *dynamo.Store) error {
				i, err := s.CreateIncident(ctx, statuspage.NewIncident{Title: "Outage", Start: begin, Monitors: links(statuspage.Down, other, tag)}, now, nil)
				id = i.ID
				return err
			},
			func(r *result) {
				r.oneOf(r.a)
				r.oneOf(r.b, statuspage.UnknownMonitor(tag))
				if r.b == nil {
					r.linkStands(id, other)
				}
			},
		}
	}},
	{"DELETE monitor, PATCH incident to it", false, func(w *world) race {
		tag, other := w.monitor(), w.monitor()
		id := w.incident(other)
		return race{
			deleteMonitor(tag),
			patchIncident(id, statuspage.IncidentPatch{Monitors: opt.Value(links(statuspage.Up, tag, other))}),
			func(r *result) {
				r.oneOf(r.a)
				r.oneOf(r.b, statuspage.UnknownMonitor(tag))
				r.linkStands(id, other)
			},
		}
	}},
	{"DELETE monitor, PATCH start of an incident on it", true, func(w *world) race {
		tag, other := w.monitor(), w.monitor()
		id := w.incident(tag, other)
		return race{
			deleteMonitor(tag),
			patchIncident(id, statuspage.IncidentPatch{Start: opt.Value[int64](begin - minute)}),
			func(r *result) {
				r.bothStand()
				r.linkLost(id, tag, other)
				if i := r.incident(id); i.Start != begin-minute {
					r.errorf("start %d", i.Start)
				}
			},
		}
	}},
	{"DELETE monitor, PATCH monitors of an incident on it", true, func(w *world) race {
		tag, other, third := w.monitor(), w.monitor(), w.monitor()
		id := w.incident(tag, other)
		asked := links(statuspage.Degraded, other, third)
		return race{
			deleteMonitor(tag),
			patchIncident(id, statuspage.IncidentPatch{Monitors: opt.Value(asked)}),
			func(r *result) {
				r.bothStand()
				r.diff("monitors", impactsOf(asked), impacts(r.incident(id)))
			},
		}
	}},
	{"DELETE monitor, DELETE incident on it", true, func(w *world) race {
		tag, other := w.monitor(), w.monitor()
		id := w.incident(tag, other)
		return race{
			deleteMonitor(tag),
			deleteIncident(id),
			func(r *result) {
				r.bothStand()
				r.incidentGone(id)
			},
		}
	}},
	{"DELETE monitor, PATCH monitor", true, func(w *world) race {
		tag := w.monitor()
		return race{
			deleteMonitor(tag),
			patchMonitor(tag, statuspage.MonitorPatch{Name: opt.Value("New")}),
			func(r *result) {
				r.oneOf(r.a)
				r.oneOf(r.b, statuspage.MonitorNotFound(tag))
				if _, err := r.store.Monitor(context.Background(), tag); !errors.Is(err, statuspage.MonitorNotFound(tag)) {
					r.errorf("monitor after its deletion: %v", err)
				}
			},
		}
	}},
	{"DELETE monitor, DELETE monitor", true, func(w *world) race {
		tag := w.monitor()
		w.incident(tag)
		return race{
			deleteMonitor(tag), deleteMonitor(tag),
			func(r *result) {
				r.oneOf(r.a, statuspage.MonitorNotFound(tag))
				r.oneOf(r.b, statuspage.MonitorNotFound(tag))
				if (r.a == nil) == (r.b == nil) {
					r.errorf("not exactly one deleted monitor %s", tag)
				}
			},
		}
	}},
	{"PATCH title as seen, PATCH end as seen", false, func(w *world) race {
		id := w.incident()
		return race{
			patchAsSeen(id, titled("New")),
			patchAsSeen(id, statuspage.IncidentPatch{End: opt.Value[int64](begin + minute)}),
			func(r *result) {
				r.oneIsLate()
				i := r.incident(id)
				want := []any{"New", (*int64)(nil)}
				if r.b == nil {
					want = []any{"Outage", new(int64(begin + minute))}
				}
				r.diff("title and end", want, []any{i.Title, i.End})
				r.incidentVersion(i, 1)
			},
		}
	}},
	{"PATCH monitors as seen, PATCH start as seen", false, func(w *world) race {
		a, b := w.monitor(), w.monitor()
		id := w.incident(a)
		return race{
			patchAsSeen(id, statuspage.IncidentPatch{Monitors: opt.Value(links(statuspage.Degraded, b))}),
			patchAsSeen(id, statuspage.IncidentPatch{Start: opt.Value[int64](begin - minute)}),
			func(r *result) {
				r.oneIsLate()
				i := r.incident(id)
				want := []any{map[string]statuspage.Impact{b: statuspage.Degraded}, int64(begin)}
				if r.b == nil {
					want = []any{map[string]statuspage.Impact{a: statuspage.Down}, int64(begin - minute)}
				}
				r.diff("monitors and start", want, []any{impacts(i), i.Start})
				r.incidentVersion(i, 1)
			},
		}
	}},
	{"PATCH title as seen, RESOLVED comment", false, func(w *world) race {
		id := w.incident(w.monitor())
		return race{
			patchAsSeen(id, titled("New")),
			postComment(id, statuspage.Resolved, begin+minute),
			func(r *result) {
				r.oneOf(r.a, statuspage.ErrIncidentChanged)
				i := r.incident(id)
				want, writes := []any{"New", statuspage.Resolved}, int64(2)
				if r.a != nil {
					want, writes = []any{"Outage", statuspage.Resolved}, 1
				}
				r.diff("title and state", want, []any{i.Title, i.State})
				r.incidentVersion(i, writes)
				if r.b != nil {
					r.errorf("the comment was refused")
				}
			},
		}
	}},
	{"DELETE incident as seen, PATCH title", false, func(w *world) race {
		id := w.incident(w.monitor())
		w.comment(id)
		return race{
			deleteAsSeen(id),
			patchIncident(id, titled("New")),
			func(r *result) {
				r.oneOf(r.a, statuspage.ErrIncidentChanged)
				r.oneOf(r.b, statuspage.IncidentNotFound(id))
				switch {
				case r.a == nil:
					r.incidentGone(id)
				case r.b != nil:
					r.errorf("neither deleted nor changed incident %d", id)
				default:
					r.diff("title", "New", r.incident(id).Title)
				}
			},
		}
	}},
	{"DELETE incident as seen, DELETE incident as seen", true, func(w *world) race {
		id := w.incident(w.monitor())
		return race{
			deleteAsSeen(id),
			deleteAsSeen(id),
			func(r *result) {
				r.oneOf(r.a, statuspage.IncidentNotFound(id))
				r.oneOf(r.b, statuspage.IncidentNotFound(id))
				if (r.a == nil) == (r.b == nil) {
					r.errorf("not exactly one deleted incident %d", id)
				}
				r.incidentGone(id)
			},
		}
	}},
	{"POST incident once, the same again", false, func(w *world) race {
		tag := w.monitor()
		return race{
			postOnce(tag),
			postOnce(tag),
			func(r *result) {
				r.oneOf(r.a, statuspage.ErrIdempotencyRunning)
				r.oneOf(r.b, statuspage.ErrIdempotencyRunning)
				if r.a != nil && r.b != nil {
					r.errorf("both were told that the other is at it")
				}
				made := listed(r.t, r.store, statuspage.IncidentQuery{Tags: []string{tag}, Limit: 10})
				if len(made) != 1 {
					r.errorf("%d incidents on monitor %s, want one", len(made), tag)
				}
			},
		}
	}},
}

// linkLost asks that the incident is on the other monitor alone. The deletion did
// that itself: it had few rows to go through.
func (r *result) linkLost(id int64, gone, other string) {
	r.t.Helper()
	i := r.incident(id)
	if _, ok := impacts(i)[gone]; ok || len(i.Monitors) != 1 || i.Monitors[0].Tag != other {
		r.errorf("incident %d is on %v after the deletion of %s", id, i.Monitors, gone)
	}
}

// linkStands asks that the incident is on the other monitor. The link to a monitor that was
// deleted at the same moment goes some minutes later, which checkFinished waits for.
func (r *result) linkStands(id int64, other string) {
	r.t.Helper()
	if i := r.incident(id); impacts(i)[other] == "" {
		r.errorf("incident %d is on %v", id, i.Monitors)
	}
}

func allComments(t testing.TB, s *dynamo.Store, incident int64) []statuspage.Comment {
	t.Helper()
	var all []statuspage.Comment
	_, err := s.Comments(context.Background(), incident, statuspage.CommentQuery{Limit: 1000}, func(c statuspage.Comment) bool {
		all = append(all, c)
		return true
	})
	if err != nil {
		t.Errorf("comments of incident %d: %v", incident, err)
	}
	return all
}

// TestRaces runs each pair of writers many times at once, every time on records of
// their own, and looks at the whole table in the end.
func TestRaces(t *testing.T) {
	master := seed(t)
	for _, s := range slices.Concat(scenarios, maintenanceScenarios, pageScenarios) {
		for _, m := range modes {
			t.Run(s.name+"/"+m.name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, m)
				races := *racesFlag
				if s.rare {
					races /= 5
				}
				arranged := make([]race, races)
				for n := range arranged {
					arranged[n] = s.arrange(w)
				}
				w.load()
				var aFirst atomic.Int64
				forAll(races, atOnce, func(n int) {
					random := rand.New(rand.NewPCG(master, uint64(n)))
					r := &result{world: w}
					var doneA, doneB time.Time
					var wg sync.WaitGroup
					run := func(o op, err *error, done *time.Time) {
						// An uneven start gives either a chance to be first.
						delay, store := time.Duration(random.Int64N(int64(unevenness))), w.faulty(random.Uint64())
						wg.Go(func() {
							ctx, cancel := background()
							defer cancel()
							time.Sleep(delay)
							*err = o(ctx, store)
							*done = time.Now()
						})
					}
					run(arranged[n].a, &r.a, &doneA)
					run(arranged[n].b, &r.b, &doneB)
					wg.Wait()
					if doneA.Before(doneB) {
						aFirst.Add(1)
					}
					arranged[n].check(r)
				})
				t.Logf("the first operation ended first in %d of %d races", aFirst.Load(), races)
				checkFinished(t, w.tb)
			})
		}
	}
}

// TestInterleavings stops one operation before each of its calls in turn, lets the
// other run from beginning to end meanwhile, and then goes on: every order that two
// writers can come in, as far as one of them is not interrupted.
func TestInterleavings(t *testing.T) {
	const callsAtMost = 15
	for _, s := range slices.Concat(scenarios, maintenanceScenarios, pageScenarios) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, mode{name: "interleaved"})
			var arranged []race
			for range 2 * callsAtMost {
				arranged = append(arranged, s.arrange(w))
			}
			w.load()
			for _, swapped := range []bool{false, true} {
				for n := 1; ; n++ {
					if n > callsAtMost {
						t.Fatalf("an operation makes more than %d calls", callsAtMost)
					}
					next := arranged[0]
					arranged = arranged[1:]
					r := &result{world: w}
					stopped, rival, stoppedErr, rivalErr := next.a, next.b, &r.a, &r.b
					if swapped {
						stopped, rival, stoppedErr, rivalErr = rival, stopped, rivalErr, stoppedErr
					}
					ctx, cancel := background()
					interrupted := false
					client := &dynamotest.Client{Inject: before(n, func() {
						interrupted = true
						*rivalErr = rival(ctx, w.store)
					})}
					*stoppedErr = stopped(ctx, w.tb.Store(client))
					if !interrupted { // it has fewer calls
						cancel()
						break
					}
					cancel()
					next.check(r)
				}
			}
			checkFinished(t, w.tb)
		})
	}
}

// before returns an Inject that calls f before the n-th call. Calls that are made
// beside it do not wait.
func before(n int, f func()) func(string, []byte) dynamotest.Fault {
	var count atomic.Int64
	return func(string, []byte) dynamotest.Fault {
		if count.Add(1) == int64(n) {
			f()
		}
		return dynamotest.None
	}
}

// forAll calls f with 0…n-1, some at once.
func forAll(n, atOnce int, f func(int)) {
	var wg sync.WaitGroup
	var next atomic.Int64
	for range atOnce {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				f(int(i))
			}
		})
	}
	wg.Wait()
}

// TestIDsAtOnce makes many incidents at once: no two may get the same id.
func TestIDsAtOnce(t *testing.T) {
	master := seed(t)
	const many = 200
	for _, m := range modes {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, m)
			var mu sync.Mutex
			ids := map[int64]bool{}
			forAll(many, many, func(n int) {
				ctx, cancel := background()
				defer cancel()
				i, err := w.faulty(master+uint64(n)).CreateIncident(ctx, statuspage.NewIncident{Title: "Outage", Start: begin}, now, nil)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				ids[i.ID] = true
			})
			if got := len(checkFinished(t, w.tb).Incidents); len(ids) != many || got != many {
				t.Errorf("%d incidents got %d ids and left %d records", many, len(ids), got)
			}
		})
	}
}
