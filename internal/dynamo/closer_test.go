package dynamo_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/dynamo"
	"tocsin/internal/dynamo/dump"
	"tocsin/internal/dynamotest"
	"tocsin/internal/jobs/closer"
	"tocsin/internal/opt"
	"tocsin/internal/statuspage"
)

// quick is a policy that warns after 30 minutes and closes after an hour.
var quick = closer.Policy{StaleAfter: hour, WarnBefore: 30 * minute}

// closes runs the closer and returns its lines.
func closes(t testing.TB, s *dynamo.Store, p closer.Policy, at int64, o closer.Options) (closer.Summary, []string) {
	t.Helper()
	var lines []string
	o.Line = func(line string) { lines = append(lines, line) }
	sum, err := closer.Run(context.Background(), s, p, at, o)
	if err != nil {
		t.Fatalf("run at %+d: %v", at-begin, err)
	}
	return sum, lines
}

func newIncident(t testing.TB, s *dynamo.Store, n statuspage.NewIncident, at int64) int64 {
	t.Helper()
	if n.Title == "" {
		n.Title = "Outage"
	}
	i, err := s.CreateIncident(context.Background(), n, at, nil)
	if err != nil {
		t.Fatal(err)
	}
	return i.ID
}

func getIncident(t testing.TB, s *dynamo.Store, id int64) statuspage.Incident {
	t.Helper()
	i, err := s.Incident(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// TestLifeOfAForgottenIncident goes from the last activity over warning and closing
// to the closing after it was reopened, field by field.
func TestLifeOfAForgottenIncident(t *testing.T) {
	t.Parallel()
	_, s := newPoints(t, "a")
	post(t, s, "a", begin+10*minute, down, down, up)
	id := newIncident(t, s, statuspage.NewIncident{Start: begin, Monitors: links(statuspage.Down, "a")}, begin)
	before := getIncident(t, s, id)
	active := int64(begin + 10*minute)
	for _, at := range []int64{active, active + 30*minute - 1} {
		if sum, _ := closes(t, s, quick, at, closer.Options{}); sum.Looked != 1 || sum.Warned+sum.Closed != 0 || sum.Skipped[closer.KeepActive] != 1 {
			t.Errorf("at %+d: %+v", at-begin, sum)
		}
	}
	if d := cmp.Diff(before, getIncident(t, s, id), optFields); d != "" {
		t.Errorf("a run that does nothing changed the incident:\n%s", d)
	}
	warnedAt := active + 30*minute
	for n := range 3 {
		sum, lines := closes(t, s, quick, warnedAt+int64(n), closer.Options{})
		if want := (n == 0); (sum.Warned == 1) != want || (len(lines) == 1) != want {
			t.Errorf("run %d: %+v, %q", n, sum, lines)
		}
	}
	want := before
	want.Version, want.Warning = before.Version+1, &statuspage.CloserWarning{Time: warnedAt, Activity: active}
	if d := cmp.Diff(want, getIncident(t, s, id), optFields); d != "" {
		t.Errorf("warned (-want +got):\n%s", d)
	}
	c := commentsOf(t, s, id)
	if len(c) != 1 || c[0].State != statuspage.Investigating || c[0].Time != warnedAt || c[0].Created != warnedAt || !strings.HasPrefix(c[0].Text, "Nothing has happened here") {
		t.Errorf("comments after the warning: %+v", c)
	}
	closedAt := active + hour
	if sum, _ := closes(t, s, quick, closedAt-1, closer.Options{}); sum.Skipped[closer.KeepWarned] != 1 {
		t.Errorf("before the closing: %+v", sum)
	}
	if sum, _ := closes(t, s, quick, closedAt, closer.Options{}); sum.Closed != 1 {
		t.Errorf("the closing: %+v", sum)
	}
	want.Version, want.Warning, want.State, want.Updated, want.Closed, want.End = want.Version+1, nil, statuspage.Resolved, closedAt, &closedAt, new(int64(begin+9*minute))
	if d := cmp.Diff(want, getIncident(t, s, id), optFields); d != "" {
		t.Errorf("closed (-want +got):\n%s", d)
	}
	if c = commentsOf(t, s, id); len(c) != 2 || c[1].State != statuspage.Resolved || !strings.HasPrefix(c[1].Text, "Closed automatically: ") {
		t.Errorf("comments after the closing: %+v", c)
	}
	// Reopened it waits anew, with a warning of its own.
	reopened := closedAt + 5*hour
	if _, err := s.UpdateIncident(t.Context(), id, statuspage.IncidentPatch{End: opt.Null[int64]()}, reopened, nil); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		at             int64
		warned, closed int
	}{{reopened, 0, 0}, {reopened + 30*minute - 1, 0, 0}, {reopened + 2*hour, 1, 0}, {reopened + 2*hour + 30*minute - 1, 0, 0}, {reopened + 2*hour + 30*minute, 0, 1}} {
		if sum, _ := closes(t, s, quick, step.at, closer.Options{}); sum.Warned != step.warned || sum.Closed != step.closed {
			t.Errorf("reopened, at %+d: %+v", step.at-reopened, sum)
		}
	}
}

// TestInactiveMonitorsDontCount closes an incident as if it were not linked to its
// INACTIVE monitor, which fails, changed its status lately, and has an alert that the
// program before left open.
func TestInactiveMonitorsDontCount(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	tb, s := newPoints(t, "a", "b")
	newRule(t, s, downRule(1, "a"))
	post(t, s, "b", begin+5*minute, down, up)
	post(t, s, "a", begin+2*hour, up, down)
	id := newIncident(t, s, statuspage.NewIncident{Start: begin, Monitors: links(statuspage.Down, "a", "b")}, begin)
	at := int64(begin + 2*hour)
	if sum, _ := closes(t, s, quick, at, closer.Options{}); sum.Skipped[closer.KeepFailing] != 1 {
		t.Fatalf("while it is ACTIVE: %+v", sum)
	}
	retiredBefore(t, tb)
	setStatus(t, s, "b", statuspage.MonitorActive, at)
	if f, err := s.MonitorFacts(ctx, 1, begin, at); err != nil || !f.Alert || !f.Failing(at) {
		t.Fatalf("%+v, %v", f, err)
	}
	if sum, _ := closes(t, s, quick, at, closer.Options{}); sum.Warned != 1 || sum.Looked != 2 {
		t.Errorf("INACTIVE: %+v", sum)
	}
	if sum, _ := closes(t, s, quick, at+30*minute, closer.Options{}); sum.Closed != 1 {
		t.Errorf("INACTIVE, after the warning: %+v", sum)
	}
	// The last minute that was not UP is b's.
	if i := getIncident(t, s, id); i.End == nil || *i.End != begin+4*minute {
		t.Errorf("%+v", i)
	}
}

// optFields lets cmp look into the fields of incidents.
var optFields = cmp.AllowUnexported(opt.Field[int64]{})

// TestMonitorFacts shows what is read of a monitor's history.
func TestMonitorFacts(t *testing.T) {
	t.Parallel()
	_, s := newPoints(t, "a", "b", "c", "d", "e")
	at := func(n int64) *int64 { return new(begin + n*minute) }
	record := func(tag string, minutes map[int64]statuspage.Status) {
		for n, status := range minutes {
			if err := s.RecordPoint(t.Context(), tag, probe(*at(n), status, 1), begin); err != nil {
				t.Fatal(err)
			}
		}
	}
	record("b", map[int64]statuspage.Status{-100: down, -50: up, -3: up, 4: down})
	record("c", map[int64]statuspage.Status{-16: degraded})
	record("d", map[int64]statuspage.Status{-15: degraded, -20: up})
	record("e", map[int64]statuspage.Status{-60*24*30 - 1: down, -60 * 24 * 30: up})
	for n := int64(60 * 24 * 29); n > 0; n -= 60 * 7 {
		record("e", map[int64]statuspage.Status{-n: up})
	}
	for _, tt := range []struct {
		monitor, since  int64
		newest          *int64
		changed, notUp  *int64
		failing, covers bool // now; the year before
	}{
		{1, begin, nil, nil, nil, false, true},
		{2, *at(-60), at(-3), at(-50), at(-100), false, true},
		{2, *at(-50), at(-3), at(-50), at(-100), false, true},
		{2, *at(-10), at(-3), nil, nil, false, false}, // what is before does not matter
		{3, *at(-60), at(-16), nil, at(-16), false, true},
		{4, *at(-60), at(-15), nil, at(-15), true, true}, // it is protected, whatever else is
		{5, *at(-60 * 24 * 40), nil, at(-60 * 24 * 30), at(-60*24*30 - 1), false, true},
		{5, *at(-60), nil, nil, nil, false, false},
	} {
		f, err := s.MonitorFacts(t.Context(), tt.monitor, tt.since, begin)
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("monitor %d since %+d", tt.monitor, (tt.since-begin)/minute)
		if tt.newest != nil && (f.Newest == nil || f.Newest.Time != *tt.newest) {
			t.Errorf("%s: newest %v, want %d", name, f.Newest, *tt.newest)
		}
		if d := cmp.Diff([]any{tt.changed, tt.notUp, tt.failing, tt.covers}, []any{f.Changed, f.NotUp, f.Failing(begin), f.Covers(begin - 365*day)}); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
	newRule(t, s, downRule(1, "b"))
	post(t, s, "b", begin, down)
	if f, err := s.MonitorFacts(t.Context(), 2, begin, begin); err != nil || !f.Alert {
		t.Errorf("with an alert: %+v, %v", f, err)
	}
}

// TestDryRunIsTheRun compares the lines of a dry run, which writes nothing, with
// those of the run after it.
func TestDryRunIsTheRun(t *testing.T) {
	t.Parallel()
	tb, s := newPoints(t, "a", "b")
	post(t, s, "a", begin, up, down, up)
	for n := range int64(60) {
		i := statuspage.NewIncident{Start: begin + n*minute, Title: fmt.Sprintf("Number %d", n)}
		switch n % 5 {
		case 0:
			i.End = new(begin + n*minute + hour)
		case 1:
			i.Monitors = links(statuspage.Down, "a")
		case 2:
			i.Monitors = links(statuspage.Down, "b")
		case 3:
			i.AutoCloseAfter = opt.Null[int64]()
		}
		newIncident(t, s, i, begin+n*minute)
	}
	gone := newIncident(t, s, statuspage.NewIncident{Start: begin}, begin)
	if err := interrupted(tb).DeleteIncident(t.Context(), gone, begin, nil); err != nil {
		t.Fatal(err)
	}
	for _, at := range []int64{begin + 20*minute, begin + 40*minute, begin + hour, begin + 70*minute, begin + 2*hour, begin + 3*hour, begin + day, begin + day + hour, begin + 3*day} {
		if at == begin+70*minute {
			post(t, s, "b", at, down)
		}
		before := itemsByKey(t, tb)
		dry, would := closes(t, s, quick, at, closer.Options{DryRun: true})
		if d := cmp.Diff(before, itemsByKey(t, tb)); d != "" {
			t.Errorf("at %+d the dry run wrote:\n%s", at-begin, d)
		}
		real, did := closes(t, s, quick, at, closer.Options{})
		if d := cmp.Diff(would, did); d != "" {
			t.Errorf("at %+d (-dry +real):\n%s", at-begin, d)
		}
		dry.Calls, dry.Took, real.Calls, real.Took = 0, 0, 0, 0
		if d := cmp.Diff(dry, real); d != "" {
			t.Errorf("summary at %+d (-dry +real):\n%s", at-begin, d)
		}
		if again, lines := closes(t, s, quick, at, closer.Options{}); len(lines) != 0 {
			t.Errorf("at %+d once more: %+v, %q", at-begin, again, lines)
		}
		t.Logf("%+d: %+v", at-begin, real)
	}
	checkFinished(t, tb)
}

// interrupted returns a store whose deletions do not come to their end.
func interrupted(tb *dynamotest.Table) *dynamo.Store {
	return tb.Store(&dynamotest.Client{Inject: dynamotest.On(dynamotest.Deletes("CLEANUP"), dynamotest.Throttle)})
}

// A closerOp is what somebody else does at the same time to an incident on the
// monitor with the tag.
type closerOp func(id int64, tag string) op

// closerRaces are a run at due and others at the same time. The incident is on a
// monitor of its own, and due for what the name says.
var closerRaces = []struct {
	name  string
	other closerOp // nil: another run
	check func(t testing.TB, s *dynamo.Store, i *statuspage.Incident, automatic, others []statuspage.Comment)
}{
	{"close, a second run", nil, closedOnce},
	{"end, a second run", nil, closedOnce},
	{"warn, a second run", nil, warnedOnce},
	{"close, comment", commentAt(statuspage.Monitoring), personWins},
	{"warn, comment", commentAt(statuspage.Monitoring), personWins},
	{"end, comment", commentAt(statuspage.Monitoring), func(t testing.TB, s *dynamo.Store, i *statuspage.Incident, automatic, others []statuspage.Comment) {
		// An end that has passed closes it, unless the comment came after that and
		// reopened it.
		if len(automatic) != 1 || len(others) != 1 || (i.Closed != nil) != (i.State == statuspage.Resolved) || (i.Closed == nil) != (i.End == nil) {
			t.Errorf("incident %+v, comments %+v and %+v", i, automatic, others)
		}
	}},
	{"close, RESOLVED comment", commentAt(statuspage.Resolved), func(t testing.TB, s *dynamo.Store, i *statuspage.Incident, automatic, others []statuspage.Comment) {
		if i.Closed == nil || *i.End != due || len(others) != 1 || len(automatic) > 1 {
			t.Errorf("incident %+v, comments %+v and %+v", i, automatic, others)
		}
	}},
	{"close, PATCH title", patchAt(statuspage.IncidentPatch{Title: opt.Value("New")}), patchStands},
	{"warn, PATCH title", patchAt(statuspage.IncidentPatch{Title: opt.Value("New")}), patchStands},
	{"close, PATCH start and title", patchAt(statuspage.IncidentPatch{Title: opt.Value("New"), Start: opt.Value[int64](begin - minute)}), patchStands},
	{"close, PATCH that reopens", patchAt(statuspage.IncidentPatch{Title: opt.Value("New"), End: opt.Null[int64]()}), func(t testing.TB, s *dynamo.Store, i *statuspage.Incident, automatic, others []statuspage.Comment) {
		if i.Closed != nil || i.End != nil || i.Title != "New" || i.Warning != nil {
			t.Errorf("the person does not win: %+v, %+v", i, automatic)
		}
	}},
	{"close, PATCH to never", patchAt(statuspage.IncidentPatch{Title: opt.Value("New"), AutoCloseAfter: opt.Null[int64]()}), patchStands},
	{"close, PATCH monitors", patchAt(statuspage.IncidentPatch{Title: opt.Value("New"), Monitors: opt.Value(links(statuspage.Degraded, "b"))}), patchStands},
	{"close, DOWN", downAt(due), func(t testing.TB, s *dynamo.Store, i *statuspage.Incident, automatic, others []statuspage.Comment) {
		if (i.Closed != nil) != (len(automatic) == 1) {
			t.Errorf("incident %+v, comments %+v", i, automatic)
		}
	}},
	{"close, DELETE incident", func(id int64, _ string) op { return deleteIncident(id) }, func(t testing.TB, s *dynamo.Store, i *statuspage.Incident, automatic, others []statuspage.Comment) {
		if i != nil {
			t.Errorf("it is still there: %+v", i)
		}
	}},
	{"close, DELETE monitor", func(_ int64, tag string) op { return deleteMonitor(tag) }, func(t testing.TB, s *dynamo.Store, i *statuspage.Incident, automatic, others []statuspage.Comment) {
		closedOnce(t, s, i, automatic, others)
		if len(i.Monitors) != 0 {
			t.Errorf("monitors %+v", i.Monitors)
		}
	}},
}

func commentAt(state statuspage.State) closerOp {
	return func(id int64, _ string) op {
		return func(ctx context.Context, s *dynamo.Store) error {
			_, err := s.CreateComment(ctx, id, statuspage.NewComment{Text: "News", Time: due, State: state}, due, nil)
			return err
		}
	}
}

func downAt(at int64) closerOp {
	return func(_ int64, tag string) op {
		return func(ctx context.Context, s *dynamo.Store) error {
			return s.RecordPoint(ctx, tag, probe(at, down, 1), at)
		}
	}
}

// due is the time of the races' runs, a whole minute.
const due = begin + 7200

func patchAt(p statuspage.IncidentPatch) closerOp {
	return func(id int64, _ string) op {
		return func(ctx context.Context, s *dynamo.Store) error {
			_, err := s.UpdateIncident(ctx, id, p, due, nil)
			return err
		}
	}
}

func closedOnce(t testing.TB, _ *dynamo.Store, i *statuspage.Incident, automatic, others []statuspage.Comment) {
	t.Helper()
	if i.Closed == nil || *i.Closed != due || i.State != statuspage.Resolved || *i.End != begin || i.Warning != nil || i.Updated != due || len(automatic) != 1 || len(others) != 0 {
		t.Errorf("incident %+v, comments %+v and %+v", i, automatic, others)
	}
}

func warnedOnce(t testing.TB, _ *dynamo.Store, i *statuspage.Incident, automatic, others []statuspage.Comment) {
	t.Helper()
	if i.Closed != nil || i.Warning == nil || i.Warning.Time != due || i.Version != 2 || len(automatic) != 1 || automatic[0].State != i.State || len(others) != 0 {
		t.Errorf("incident %+v, comments %+v and %+v", i, automatic, others)
	}
}

// personWins asks that the incident is open as the comment says, whoever came first.
func personWins(t testing.TB, _ *dynamo.Store, i *statuspage.Incident, automatic, others []statuspage.Comment) {
	t.Helper()
	if i.Closed != nil || i.End != nil || i.State != statuspage.Monitoring || i.Updated != due || i.Warning != nil || len(automatic) > 1 || len(others) != 1 {
		t.Errorf("incident %+v, comments %+v and %+v", i, automatic, others)
	}
}

// patchStands asks that the patch is in the incident, and that it was closed before
// it or not at all.
func patchStands(t testing.TB, _ *dynamo.Store, i *statuspage.Incident, automatic, others []statuspage.Comment) {
	t.Helper()
	if i.Title != "New" || i.Updated != due || i.Warning != nil || len(automatic) > 1 || i.Closed != nil && len(automatic) != 1 || len(others) != 0 || (i.Closed != nil) != (i.End != nil) {
		t.Errorf("incident %+v, comments %+v and %+v", i, automatic, others)
	}
}

func runAt(at int64) op {
	return func(ctx context.Context, s *dynamo.Store) error {
		_, err := closer.Run(ctx, s, quick, at, closer.Options{})
		return err
	}
}

// arrangeClosing makes incidents, one on each of the monitors with the tags, which
// are the first of their table, due as a name of closerRaces says.
func arrangeClosing(t testing.TB, s *dynamo.Store, name string, tags ...string) {
	t.Helper()
	kind, _, _ := strings.Cut(name, ",")
	var all []statuspage.Incident
	var points []statuspage.TaggedPoint
	for n, tag := range tags {
		i := statuspage.Incident{
			ID: int64(n + 1), Title: "Outage", Start: begin, State: statuspage.Identified, Type: statuspage.TypeIncident, Source: statuspage.SourceAPI,
			Created: begin, Updated: begin, Version: 1, Monitors: []statuspage.AffectedMonitor{{Tag: tag, MonitorID: int64(n + 1), Impact: statuspage.Down}},
		}
		switch kind {
		case "close":
			i.Warning = &statuspage.CloserWarning{Time: begin + hour, Activity: begin}
		case "end":
			i.End = new(int64(begin))
		}
		all = append(all, i)
		points = append(points, statuspage.TaggedPoint{Tag: tag, Point: probe(begin+hour, up, 1)})
	}
	if err := dump.New(s).Load(context.Background(), slices.Values(all), nil, nil); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.RecordPoints(context.Background(), points, begin+hour)...); err != nil {
		t.Fatal(err)
	}
}

// A closingCheck looks at what an incident has become, nil when it is gone, with the
// closer's comments and the others.
type closingCheck = func(t testing.TB, s *dynamo.Store, i *statuspage.Incident, automatic, others []statuspage.Comment)

func checkClosing(t testing.TB, s *dynamo.Store, id int64, check closingCheck) {
	t.Helper()
	var automatic, others []statuspage.Comment
	i, err := s.Incident(context.Background(), id)
	switch {
	case errors.Is(err, statuspage.IncidentNotFound(id)):
		check(t, s, nil, nil, nil)
	case err != nil:
		t.Error(err)
	default:
		for _, c := range commentsOf(t, s, id) {
			if c.Text == "News" {
				others = append(others, c)
			} else {
				automatic = append(automatic, c)
			}
		}
		check(t, s, &i, automatic, others)
	}
}

func TestCloserRaces(t *testing.T) {
	const together = 10 // incidents of a table
	tags := make([]string, together)
	for n := range tags {
		tags[n] = fmt.Sprintf("a%d", n)
	}
	for _, m := range modes {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			random := seed(t)
			rounds := (max(*racesFlag/7, 10) + together - 1) / together
			if *racesFlag >= 200 {
				rounds = (*racesFlag + together - 1) / together
			}
			forAll(len(closerRaces)*rounds, 2, func(n int) {
				raceClosings(t, m, n%len(closerRaces), n/len(closerRaces), random+uint64(100*n), tags)
			})
		})
	}
}

// raceClosings lets a run race with others about all incidents of a table.
func raceClosings(t *testing.T, m mode, n, round int, seed uint64, tags []string) {
	tt := closerRaces[n]
	tb, s := newPoints(t, append(slices.Clone(tags), "b")...)
	arrangeClosing(t, s, tt.name, tags...)
	ops := []op{runAt(due)}
	if tt.other == nil {
		ops = append(ops, runAt(due))
	} else {
		for n, tag := range tags {
			ops = append(ops, tt.other(int64(n+1), tag))
		}
	}
	var wg sync.WaitGroup
	errs := make([]error, len(ops))
	for i, f := range ops {
		client := &dynamotest.Client{}
		if m.faults != nil {
			client.Inject = dynamotest.Random(seed+uint64(i), 0.4, 3, m.faults...)
		}
		wg.Go(func() {
			ctx, cancel := background()
			defer cancel()
			// A run reads the incidents, their monitors, and then writes.
			if i > 0 {
				time.Sleep(rand.N(25 * time.Millisecond))
			}
			errs[i] = f(ctx, tb.Store(client))
		})
	}
	wg.Wait()
	named := &namedTB{t, fmt.Sprintf("%s, round %d", tt.name, round)}
	if err := errors.Join(errs...); err != nil {
		named.Error(err)
	}
	for n := range tags {
		checkClosing(named, s, int64(n+1), tt.check)
	}
	checkFinished(named, tb)
}

// TestCloserAfterAKill kills the run at every one of its calls and starts it again:
// one comment, and the table of a run that lived.
func TestCloserAfterAKill(t *testing.T) {
	t.Parallel()
	for _, applied := range []bool{false, true} {
		for name, check := range map[string]closingCheck{
			"close": closedOnce, "end": closedOnce, "warn": warnedOnce,
		} {
			t.Run(fmt.Sprintf("%s, applied %v", name, applied), func(t *testing.T) {
				t.Parallel()
				for kill := 1; ; kill++ {
					tb, s := newPoints(t, "a")
					arrangeClosing(t, s, name, "a")
					store, ctx, dead := dying(tb, kill, applied)
					if _, err := closer.Run(ctx, store, quick, due, closer.Options{}); err != nil && !dead() {
						t.Fatal(err)
					}
					if _, err := closer.Run(context.Background(), s, quick, due, closer.Options{}); err != nil {
						t.Fatal(err)
					}
					named := &namedTB{t, fmt.Sprintf("killed at call %d", kill)}
					checkClosing(named, s, 1, check)
					checkFinished(named, tb)
					if !dead() {
						if kill < 6 {
							t.Errorf("a run makes only %d calls", kill-1)
						}
						return
					}
				}
			})
		}
	}
}

// TestCloserFaults lets the first try of every call of a run go wrong: the table is
// as if nothing had.
func TestCloserFaults(t *testing.T) {
	t.Parallel()
	run := func(t *testing.T, inject func(string, []byte) dynamotest.Fault) (map[string]map[string]string, []string) {
		tb, s := newPoints(t, "a", "b")
		post(t, s, "a", begin+2*minute, down, up)
		newIncident(t, s, statuspage.NewIncident{Start: begin, Monitors: links(statuspage.Down, "a")}, begin)
		newIncident(t, s, statuspage.NewIncident{Start: begin, End: new(int64(begin + hour))}, begin)
		newIncident(t, s, statuspage.NewIncident{Start: begin, Monitors: links(statuspage.Down, "b")}, begin)
		faulty := tb.Store(&dynamotest.Client{Inject: inject})
		var all []string
		for _, at := range []int64{begin + 20*minute, begin + 40*minute, begin + 2*hour, begin + day} {
			_, lines := closes(t, faulty, quick, at, closer.Options{})
			all = append(all, lines...)
		}
		table := itemsByKey(t, tb)
		for _, it := range table {
			delete(it, "w") // another one each time
		}
		delete(table, "SYSTEM COUNTER#comment") // a draw whose answer is lost leaves ids unused
		return table, all
	}
	wantTable, wantLines := run(t, nil)
	if len(wantLines) < 6 {
		t.Errorf("lines %q", wantLines)
	}
	for fault, name := range map[dynamotest.Fault]string{
		dynamotest.Conflict: "conflict", dynamotest.LostAnswer: "lost answer", dynamotest.LostCall: "lost call", dynamotest.Throttle: "throttling", dynamotest.Unprocessed: "unprocessed batch",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first := dynamotest.First(fault)
			table, lines := run(t, func(operation string, body []byte) dynamotest.Fault {
				if strings.Contains(string(body), `"COUNTER#`) {
					return dynamotest.None
				}
				return first(operation, body)
			})
			if d := cmp.Diff(wantLines, lines); d != "" {
				t.Errorf("lines (-want +got):\n%s", d)
			}
			want := maps.Clone(wantTable)
			if fault == dynamotest.Conflict { // another writer of the day: its totals are left to the next reader
				maps.DeleteFunc(want, func(key string, _ map[string]string) bool { return strings.Contains(key, " DAY#") && table[key] == nil })
			}
			if d := cmp.Diff(want, table); d != "" {
				t.Errorf("table (-want +got):\n%s", d)
			}
		})
	}
}

// loadOpen loads open incidents; each is on two of ten monitors and ready to be warned at
// begin+day.
func loadOpen(t *testing.T, open int) *dynamo.Store {
	t.Helper()
	tags := make([]string, 10)
	for n := range tags {
		tags[n] = fmt.Sprintf("m%d", n)
	}
	_, s := newPoints(t, tags...)
	for _, tag := range tags {
		post(t, s, tag, begin, down, up)
	}
	var all []statuspage.Incident
	for n := range open {
		i := statuspage.Incident{
			ID: int64(n + 1), Title: "Outage", Start: begin - int64(n)*minute, State: statuspage.Identified, Type: statuspage.TypeIncident, Source: statuspage.SourceAPI,
			Created: begin, Updated: begin, Version: 1,
		}
		for _, m := range []int{n % 10, (n + 1) % 10} {
			i.Monitors = append(i.Monitors, statuspage.AffectedMonitor{Tag: tags[m], MonitorID: int64(m + 1), Impact: statuspage.Down})
		}
		all = append(all, i)
	}
	if err := dump.New(s).Load(context.Background(), slices.Values(all), nil, nil); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestManyOpenIncidents lets runs that stop early go through many open incidents,
// 10,000 with -races 200: each goes on where the last stopped, and none is left out or
// done twice.
func TestManyOpenIncidents(t *testing.T) {
	t.Parallel()
	many, parts := 1_000, int64(20)
	if *racesFlag >= 200 {
		many, parts = 10_000, 200
	}
	p := closer.Policy{StaleAfter: 1000 * hour, WarnBefore: 1000 * hour}
	s := loadOpen(t, many)
	warned, runs := 0, 0
	began := time.Now()
	for at := int64(begin + 500*hour); warned < many; at += 5 * minute {
		var n atomic.Int64
		sum, _ := closes(t, s, p, at, closer.Options{More: func() bool { return n.Add(1) < parts }})
		warned, runs = warned+sum.Warned, runs+1
		if runs > 4 || sum.Looked == 0 || !sum.Goes {
			t.Fatalf("run %d: %v", runs, sum)
		}
	}
	if warned != many || runs < 3 {
		t.Errorf("%d of %d warned in %d runs", warned, many, runs)
	}
	t.Logf("%d warned in %v", warned, time.Since(began))
	began = time.Now()
	sum, _ := closes(t, s, p, begin+1100*hour, closer.Options{})
	t.Logf("%d closed in %v", sum.Closed, time.Since(began))
	if sum.Closed != many || sum.Goes {
		t.Errorf("%v", sum)
	}
	if left := listed(t, s, statuspage.IncidentQuery{Open: new(true)}); len(left) != 0 {
		t.Errorf("%d are still open", len(left))
	}
}

// TestDayTotalsOfARun makes missing totals once a day, goes on where it stopped, and
// makes them equal to what a reader would.
func TestDayTotalsOfARun(t *testing.T) {
	t.Parallel()
	tb := dynamotest.NewTable(t)
	s := tb.Store(nil)
	midnight := statuspage.FloorDay(begin)
	const monitors = 250
	for n := range monitors {
		m := newMonitor(fmt.Sprintf("m%03d", n))
		if _, err := s.CreateMonitor(t.Context(), m, midnight-2*day+hour, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, at := range []int64{midnight - 2*day + 2*hour, midnight - 3*day, midnight - hour, midnight - minute} {
		if err := s.RecordPoint(t.Context(), "m007", probe(at, down, 5), at); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.RecordPoint(t.Context(), "m007", probe(midnight-5*day, down, 5), midnight-day); err != nil {
		t.Fatal(err)
	}
	stored := func() (n int) {
		for _, it := range tb.Items(t) {
			if strings.HasPrefix(it["sk"], "DAY#") && it["totals"] != "" {
				n++
			}
		}
		return n
	}
	if sum, _ := closes(t, s, quick, midnight+15*minute-1, closer.Options{}); sum.Days != 0 || stored() != 0 {
		t.Errorf("before the day is finished: %+v", sum)
	}
	// Parts: the way through the incidents, the cleanup, then a page of monitors each.
	var parts atomic.Int64
	sum, _ := closes(t, s, quick, midnight+15*minute, closer.Options{More: func() bool { return parts.Add(1) < 4 }})
	if !sum.Goes || sum.Days == 0 {
		t.Errorf("stopped early: %+v", sum)
	}
	first := sum.Days
	sum, lines := closes(t, s, quick, midnight+20*minute, closer.Options{})
	// Two days each since they were made, and one before that something was written to.
	if sum.Goes || first+sum.Days != 2*monitors+1 || stored() != 2*monitors+1 {
		t.Errorf("went on: %+v after %d, %d stored", sum, first, stored())
	}
	date := func(start int64) string { return time.Unix(start, 0).UTC().Format(time.DateOnly) }
	if want := []string{fmt.Sprintf("make %d day totals of 150 monitors, from %s to %s", sum.Days, date(midnight-5*day), date(midnight-day))}; !slices.Equal(lines, want) {
		t.Errorf("it says %q, want %q", lines, want)
	}
	if sum, _ = closes(t, s, quick, midnight+25*minute, closer.Options{}); sum.Days != 0 || sum.Goes {
		t.Errorf("once more the same day: %+v", sum)
	}
	if sum, _ = closes(t, s, quick, midnight+day+15*minute, closer.Options{}); sum.Days != monitors {
		t.Errorf("the next day: %+v", sum)
	}
	// A day of long before that somebody has changed since.
	if _, err := s.UpdatePoint(t.Context(), "m008", midnight-300*day, statuspage.PointPatch{}, midnight+day+hour); err != nil {
		t.Fatal(err)
	}
	sum, lines = closes(t, s, quick, midnight+2*day+15*minute, closer.Options{})
	if want := []string{fmt.Sprintf("make %d day totals of %d monitors, from %s to %s", monitors+1, monitors, date(midnight-300*day), date(midnight+day))}; sum.Days != monitors+1 || !slices.Equal(lines, want) {
		t.Errorf("a change of a day of long before: %+v, it says %q, want %q", sum, lines, want)
	}
	if sum, _ = closes(t, s, quick, midnight+3*day+15*minute, closer.Options{}); sum.Days != monitors {
		t.Errorf("the day after: %+v", sum)
	}
}

// An oracle knows by itself what was written, and says what a run must do.
type oracle struct {
	points map[int64]map[int64]statuspage.Status // by monitor id and minute
	warned map[int64]int64                       // when an incident was warned, while nothing came since
	knew   map[int64]int64                       // the last change of status then
}

// lastChange returns the last change of status of the incident's monitors, the last
// minute not UP since its start, and whether one is failing.
func (o *oracle) history(i statuspage.Incident, at int64) (change, notUp int64, failing bool) {
	for _, m := range i.Monitors {
		minutes := []int64{}
		for n := range o.points[m.MonitorID] {
			if n <= at {
				minutes = append(minutes, n)
			}
		}
		slices.Sort(minutes)
		for n, t := range minutes {
			status := o.points[m.MonitorID][t]
			if n > 0 && o.points[m.MonitorID][minutes[n-1]] != status {
				change = max(change, t)
			}
			if status != up && t >= i.Start {
				notUp = max(notUp, t)
			}
			if n == len(minutes)-1 && status != up && t >= at-15*minute {
				failing = true
			}
		}
	}
	return change, notUp, failing
}

// TestCloserProperty draws sequences of what people, probes and the closer do, and
// holds each run against the oracle: no incident is closed that rule 3 protects, none
// is left open that rules 1 and 2 close, and none is warned or closed else.
func TestCloserProperty(t *testing.T) {
	t.Parallel()
	master := seed(t)
	sequences := 8
	if *racesFlag >= 200 {
		sequences = 200
	}
	var told atomic.Bool
	forAll(sequences, 3, func(n int) { randomClosing(t, rand.New(rand.NewPCG(master, uint64(n))), &told) })
}

func randomClosing(t *testing.T, random *rand.Rand, told *atomic.Bool) {
	tags := []string{"a", "b", "c"}
	_, s := newPoints(t, tags...)
	ctx := context.Background()
	o := oracle{map[int64]map[int64]statuspage.Status{1: {}, 2: {}, 3: {}}, map[int64]int64{}, map[int64]int64{}}
	at := int64(begin)
	var log []string
	var ids []int64
	rule := newRule(t, s, downRule(2, "c"))
	rule.CreateIncident = false
	done := func(id int64, err error, what string) {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		delete(o.warned, id) // a person was there
		log = append(log, fmt.Sprintf("%+d %s", at-begin, what))
	}
	somebody := func() int64 { return ids[random.IntN(len(ids))] }
	some := func() []statuspage.MonitorImpact {
		return links(statuspage.Down, tags[:random.IntN(4)]...)
	}
	for range 60 {
		at += []int64{0, 1, 59, 5 * minute, 15 * minute, 29 * minute, hour}[random.IntN(7)]
		switch what := random.IntN(14); {
		case what == 0 || len(ids) == 0:
			i := statuspage.NewIncident{Start: statuspage.FloorMinute(at) - int64(random.IntN(3)-1)*hour, Monitors: some()}
			switch random.IntN(4) {
			case 0:
				i.AutoCloseAfter = opt.Value[int64](2 * hour)
			case 1:
				i.AutoCloseAfter = opt.Null[int64]()
			}
			if random.IntN(4) == 0 {
				i.End = new(i.Start + int64(random.IntN(3))*hour)
			}
			id := newIncident(t, s, i, at)
			ids = append(ids, id)
			done(id, nil, fmt.Sprintf("POST incident %d %+v", id, i))
		case what == 1:
			id := somebody()
			i := getIncident(t, s, id)
			state := []statuspage.State{statuspage.Monitoring, statuspage.Identified, statuspage.Resolved}[random.IntN(3)]
			_, err := s.CreateComment(ctx, id, statuspage.NewComment{Text: "News", Time: max(statuspage.FloorMinute(at), i.Start), State: state}, at, nil)
			done(id, err, fmt.Sprintf("comment on %d %s", id, state))
		case what == 2:
			id := somebody()
			p := []statuspage.IncidentPatch{titled("New"), {End: opt.Null[int64]()}, {Monitors: opt.Value(some())}, {AutoCloseAfter: opt.Value[int64](hour)}, {AutoCloseAfter: opt.Null[int64]()}}[random.IntN(5)]
			_, err := s.UpdateIncident(ctx, id, p, at, nil)
			done(id, err, fmt.Sprintf("PATCH %d %+v", id, p))
		case what < 8:
			m := random.IntN(3)
			status := []statuspage.Status{up, up, down, degraded}[random.IntN(4)]
			minuteOf := statuspage.FloorMinute(at) - int64(random.IntN(3))*minute
			if random.IntN(8) == 0 {
				minuteOf -= int64(random.IntN(5)) * hour
			}
			if err := s.RecordPoint(ctx, tags[m], probe(minuteOf, status, 1), at); err != nil {
				t.Error(err)
			}
			o.points[int64(m+1)][minuteOf] = status
			log = append(log, fmt.Sprintf("%+d point %s %+d %s", at-begin, tags[m], minuteOf-begin, status))
		default:
			o.run(t, s, at, &log)
		}
		if t.Failed() {
			if told.Swap(true) {
				return
			}
			t.Logf("what came before:\n%s", strings.Join(log[max(0, len(log)-60):], "\n"))
			return
		}
	}
}

func (o *oracle) run(t *testing.T, s *dynamo.Store, at int64, log *[]string) {
	t.Helper()
	before := listed(t, s, statuspage.IncidentQuery{Open: new(true)})
	alerts := alertsOf(t, s, statuspage.AlertQuery{State: statuspage.Triggered})
	_, lines := closes(t, s, quick, at, closer.Options{})
	*log = append(*log, fmt.Sprintf("%+d run %q", at-begin, lines))
	for _, i := range before {
		after := getIncident(t, s, i.ID)
		warned, closed := after.Warning != nil && after.Warning.Time == at && after.Version > i.Version, after.Closed != nil
		change, notUp, failing := o.history(i, at)
		protected := failing || slices.ContainsFunc(alerts, func(a statuspage.Alert) bool {
			return slices.ContainsFunc(i.Monitors, func(m statuspage.AffectedMonitor) bool { return m.MonitorID == a.MonitorID })
		})
		wait := int64(hour)
		if i.AutoCloseAfter.IsSet() {
			wait = i.AutoCloseAfter.Or(0)
		}
		active := max(i.Start, i.Updated, change)
		wantWarned, wantClosed, end := false, false, i.End
		warnedAt, isWarned := o.warned[i.ID]
		isWarned = isWarned && active <= o.knew[i.ID]
		switch {
		case i.End != nil:
			wantClosed = at >= *i.End
		case wait == 0 || protected:
		case isWarned:
			wantClosed = at >= active+wait && at >= warnedAt+30*minute
			if end = new(notUp); notUp == 0 {
				end = new(statuspage.FloorMinute(active))
			}
		default:
			wantWarned = (i.Warning == nil || at >= i.Warning.Time+30*minute) && at >= active+wait-30*minute
		}
		if warned != wantWarned || closed != wantClosed || closed && *after.End != *end {
			t.Errorf("at %+d: %+v\nbecame %+v\nwarned %v, closed %v, want %v, %v; active %+d, protected %v, warning %+d", at-begin, i, after, warned, closed, wantWarned, wantClosed, active-begin, protected, warnedAt-begin)
		}
		if warned {
			o.warned[i.ID], o.knew[i.ID] = at, active
		}
		if closed {
			delete(o.warned, i.ID)
		}
	}
}

// TestLastMoment lets somebody write between the run's reading and its transaction:
// what was decided before does not count any more.
func TestLastMoment(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		kind   string
		other  closerOp
		reason closer.Reason // "": it is done anyway
	}{
		{"DOWN, closing", "close", downAt(due), closer.KeepFailing},
		{"DOWN, warning", "warn", downAt(due), closer.KeepFailing},
		{"DOWN of the hour before", "close", downAt(due - 10*minute), closer.KeepFailing},
		{"DOWN, but the end has passed", "end", downAt(due), ""},
		{"comment, closing", "close", commentAt(statuspage.Monitoring), closer.KeepActive},
		{"comment, warning", "warn", commentAt(statuspage.Monitoring), closer.KeepActive},
		{"closed", "close", commentAt(statuspage.Resolved), closer.KeepClosed},
		{"title, closing", "close", patchAt(titled("New")), closer.KeepActive},
		{"never", "close", patchAt(statuspage.IncidentPatch{AutoCloseAfter: opt.Null[int64]()}), closer.KeepNever},
		{"another end", "end", patchAt(statuspage.IncidentPatch{End: opt.Value[int64](due + hour)}), closer.KeepEnd},
		{"deleted", "close", func(id int64, _ string) op { return deleteIncident(id) }, closer.KeepGone},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tb, s := newPoints(t, "a")
			arrangeClosing(t, s, tt.kind, "a")
			late := tb.Store(&dynamotest.Client{Inject: dynamotest.Before(dynamotest.Writes("INCIDENT#"), func() {
				if err := tt.other(1, "a")(context.Background(), s); err != nil {
					t.Error(err)
				}
			})})
			sum, lines := closes(t, late, quick, due, closer.Options{})
			want := 0
			if tt.reason == "" {
				want = 1
			}
			if sum.Warned+sum.Closed != want || len(lines) != want || tt.reason != "" && sum.Skipped[tt.reason] != 1 {
				t.Errorf("%v, %q", sum, lines)
			}
		})
	}
}

// TestLastMomentOfTheHourBefore is about a point of the hour before, in which there was
// none, that is written between the reading and the transaction.
func TestLastMomentOfTheHourBefore(t *testing.T) {
	t.Parallel()
	const at = begin + 159*minute // 11:05
	// The older one is a change of status, and so takes the warning back.
	for minutes, reason := range map[int64]closer.Reason{10: closer.KeepFailing, 16: closer.KeepActive} {
		tb, s := newPoints(t, "a")
		arrangeClosing(t, s, "close", "a")
		late := tb.Store(&dynamotest.Client{Inject: dynamotest.Before(dynamotest.Writes("INCIDENT#"), func() {
			if err := downAt(at-minutes*minute)(1, "a")(context.Background(), s); err != nil {
				t.Error(err)
			}
		})})
		sum, _ := closes(t, late, quick, at, closer.Options{})
		if sum.Closed != 0 || sum.Skipped[reason] != 1 {
			t.Errorf("%d minutes before: %v", minutes, sum)
		}
	}
}

// TestCloserKillRaces lets a run die at some call, beside another run, and then a third
// one start: each incident has one comment, as if one run had done it.
func TestCloserKillRaces(t *testing.T) {
	const together = 10
	tags := make([]string, together)
	for n := range tags {
		tags[n] = fmt.Sprintf("a%d", n)
	}
	kinds := []struct {
		name  string
		check closingCheck
	}{{"close", closedOnce}, {"end", closedOnce}, {"warn", warnedOnce}}
	for _, m := range modes {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			random := seed(t)
			rounds := 1
			if *racesFlag >= 200 {
				rounds = (*racesFlag + together - 1) / together
			}
			forAll(len(kinds)*rounds, 2, func(n int) {
				kind := kinds[n%len(kinds)]
				draw := rand.New(rand.NewPCG(random, uint64(n)))
				tb, s := newPoints(t, tags...)
				arrangeClosing(t, s, kind.name, tags...)
				call, applied := 1+draw.IntN(4+3*together), draw.IntN(2) == 0
				killed, ctx, dead := dying(tb, call, applied)
				client := &dynamotest.Client{}
				if m.faults != nil {
					client.Inject = dynamotest.Random(random+uint64(n), 0.4, 3, m.faults...)
				}
				pause := time.Duration(draw.Int64N(int64(25 * time.Millisecond)))
				named := &namedTB{t, fmt.Sprintf("%s, killed at call %d, applied %v", kind.name, call, applied)}
				var wg sync.WaitGroup
				wg.Go(func() {
					if _, err := closer.Run(ctx, killed, quick, due, closer.Options{}); err != nil && !dead() {
						named.Error(err)
					}
				})
				wg.Go(func() {
					time.Sleep(pause)
					if _, err := closer.Run(context.Background(), tb.Store(client), quick, due, closer.Options{}); err != nil {
						named.Error(err)
					}
				})
				wg.Wait()
				if _, err := closer.Run(context.Background(), s, quick, due, closer.Options{}); err != nil {
					named.Error(err)
				}
				for n := range tags {
					checkClosing(named, s, int64(n+1), kind.check)
				}
				checkFinished(named, tb)
			})
		})
	}
}
