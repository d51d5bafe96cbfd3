package statuspage_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tocsin/internal/opt"
	"tocsin/internal/statuspage"
)

type (
	incident = statuspage.Incident
	links    = []statuspage.AffectedMonitor
)

// closedIncident has something in every field.
func closedIncident() incident {
	return incident{
		ID: 7, Title: "t", Start: 600, End: at(660), State: "RESOLVED", Type: "INCIDENT", Source: "ALERT",
		Monitors: links{{"a", 1, "DOWN"}, {"b", 2, "UP"}}, Created: madeAt, Updated: 1600, Closed: at(1500),
		Legacy:  statuspage.LegacyFields{NoStart: true, StartSeconds: 1, EndSeconds: 2, NoImpact: true, Identified: true, Maintenance: true},
		AlertID: at(9), AutoCloseAfter: opt.Value(int64(3600)), Warning: &statuspage.CloserWarning{Time: 1550, Activity: 1540}, Version: 4,
	}
}

// openIncident is the same one before it was closed, its end known.
func openIncident() incident {
	i := closedIncident()
	i.State, i.Closed = "MONITORING", nil
	return i
}

// disordered ends before it starts, as a legacy client may say.
func disordered() incident {
	i := openIncident()
	i.End = at(540)
	return i
}

// Each write changes of an incident that has everything what it is said to, and nothing
// else.
func TestIncidentWrites(t *testing.T) {
	type (
		patch  = statuspage.IncidentPatch
		write  = func(incident) (incident, error)
		change = func(*incident)
	)
	patched := func(p patch, asked ...statuspage.AffectedMonitor) write {
		return func(i incident) (incident, error) { return i.Patched(p, asked, writeAt) }
	}
	commented := func(state statuspage.State, time int64) write {
		return func(i incident) (incident, error) {
			return i.Commented(statuspage.Comment{ID: 3, IncidentID: 7, Text: "c", Time: time, State: state, Created: writeAt, Updated: writeAt, Version: 1}, writeAt)
		}
	}
	surely := func(f func(i incident) incident) write {
		return func(i incident) (incident, error) { return f(i), nil }
	}
	reported := func(r statuspage.LegacyReport, monitors ...statuspage.AffectedMonitor) write {
		return surely(func(i incident) incident { return i.Reported(r, monitors, writeAt) })
	}
	progressed := func(p statuspage.LegacyProgress) write {
		return surely(func(i incident) incident { return i.Progressed(p, writeAt) })
	}
	closing := func(c statuspage.AutoClosing) write {
		return surely(func(i incident) incident { return i.AutoClosed(c, writeAt) })
	}
	without := func(id int64, want bool) write {
		return func(i incident) (incident, error) {
			next, changed := i.WithoutMonitor(id, true)
			if changed != want {
				return next, errors.New("changed is wrong")
			}
			return next, nil
		}
	}
	// work is what every write of a person changes.
	work := func(i *incident) { i.Updated, i.Warning, i.Version, i.Handled = writeAt, nil, 5, true }
	and := func(f change) change { return func(i *incident) { work(i); f(i) } }
	nothing := func(*incident) {}

	for _, tt := range []struct {
		name   string
		before func() incident
		write  write
		change change
		err    error
	}{
		{"patch of nothing", closedIncident, patched(patch{}), work, nil},
		{"patch of the title", closedIncident, patched(patch{Title: opt.Value("u")}), and(func(i *incident) { i.Title = "u" }), nil},
		{"patch of the start", closedIncident, patched(patch{Start: opt.Value(int64(660))}),
			and(func(i *incident) { i.Start, i.Legacy.NoStart, i.Legacy.StartSeconds = 660, false, 0 }), nil},
		{"patch of the end", closedIncident, patched(patch{End: opt.Value(int64(600))}), and(func(i *incident) { i.End, i.Legacy.EndSeconds = at(600), 0 }), nil},
		{"patch of both", openIncident, patched(patch{Start: opt.Value(int64(6000)), End: opt.Value(int64(6060))}), and(func(i *incident) {
			i.Start, i.Legacy.NoStart, i.Legacy.StartSeconds = 6000, false, 0
			i.End, i.Legacy.EndSeconds = at(6060), 0
		}), nil},
		{"patch that clears the end: the state stays", closedIncident, patched(patch{End: opt.Null[int64]()}),
			and(func(i *incident) { i.End, i.Legacy.EndSeconds, i.Closed = nil, 0, nil }), nil},
		{"patch of the monitors", closedIncident, patched(patch{Monitors: opt.Value([]statuspage.MonitorImpact{{"c", "UP"}, {"b", "DOWN"}})}, links{{"c", 3, "UP"}, {"b", 2, "DOWN"}}...),
			and(func(i *incident) { i.Monitors, i.Legacy.NoImpact = links{{"b", 2, "DOWN"}, {"c", 3, "UP"}}, false }), nil},
		{"patch without monitors", closedIncident, patched(patch{}, links{{"c", 3, "UP"}}...), work, nil},
		{"patch that unlinks all", closedIncident, patched(patch{Monitors: opt.Value([]statuspage.MonitorImpact(nil))}),
			and(func(i *incident) { i.Monitors, i.Legacy.NoImpact = links{}, false }), nil},
		{"patch of the waiting time", closedIncident, patched(patch{AutoCloseAfter: opt.Value(int64(7200))}), and(func(i *incident) { i.AutoCloseAfter = opt.Value(int64(7200)) }), nil},
		{"patch of never", closedIncident, patched(patch{AutoCloseAfter: opt.Null[int64]()}), and(func(i *incident) { i.AutoCloseAfter = opt.Null[int64]() }), nil},
		{"patch of a start after the end", closedIncident, patched(patch{Start: opt.Value(int64(720))}), nil, statuspage.ErrEndBeforeStart},
		{"patch of an end before the start", closedIncident, patched(patch{Title: opt.Value("u"), End: opt.Value(int64(540))}), nil, statuspage.ErrEndBeforeStart},
		{"patch of both in the wrong order", closedIncident, patched(patch{Start: opt.Value(int64(60)), End: opt.Value(int64(0))}), nil, statuspage.ErrEndBeforeStart},
		{"patch of another field, the end before the start", disordered, patched(patch{Title: opt.Value("u")}), and(func(i *incident) { i.Title = "u" }), nil},
		{"patch of a start that is still after the end", disordered, patched(patch{Start: opt.Value(int64(600))}), nil, statuspage.ErrEndBeforeStart},
		{"patch that clears an end before the start", disordered, patched(patch{End: opt.Null[int64]()}), and(func(i *incident) { i.End, i.Legacy.EndSeconds = nil, 0 }), nil},

		{"RESOLVED", openIncident, commented("RESOLVED", 720),
			and(func(i *incident) { i.State, i.End, i.Legacy.EndSeconds, i.Closed = "RESOLVED", at(720), 0, at(writeAt) }), nil},
		{"RESOLVED at the start", openIncident, commented("RESOLVED", 600),
			and(func(i *incident) { i.State, i.End, i.Legacy.EndSeconds, i.Closed = "RESOLVED", at(600), 0, at(writeAt) }), nil},
		{"RESOLVED again", closedIncident, commented("RESOLVED", 720), and(func(i *incident) { i.End, i.Legacy.EndSeconds = at(720), 0 }), nil},
		{"RESOLVED before the start", openIncident, commented("RESOLVED", 540), nil, statuspage.ErrCommentBeforeStart},
		{"RESOLVED again before the start", closedIncident, commented("RESOLVED", 540), nil, statuspage.ErrCommentBeforeStart},
		{"INVESTIGATING before the start", openIncident, commented("INVESTIGATING", 0), and(func(i *incident) { i.State, i.Legacy.Identified = "INVESTIGATING", false }), nil},
		{"INVESTIGATING on a closed one", closedIncident, commented("INVESTIGATING", 720), and(func(i *incident) {
			i.State, i.Legacy.Identified = "INVESTIGATING", false
			i.End, i.Legacy.EndSeconds, i.Closed = nil, 0, nil
		}), nil},
		{"IDENTIFIED", openIncident, commented("IDENTIFIED", 720), and(func(i *incident) { i.State = "IDENTIFIED" }), nil},
		{"MONITORING on a closed one", closedIncident, commented("MONITORING", 720),
			and(func(i *incident) { i.State, i.End, i.Legacy.EndSeconds, i.Closed = "MONITORING", nil, 0, nil }), nil},

		{"legacy comment", closedIncident, surely(func(i incident) incident { return i.Noted(writeAt) }), work, nil},
		{"report of nothing", closedIncident, reported(statuspage.LegacyReport{}), and(func(i *incident) {
			i.Title, i.Start, i.End, i.State, i.Monitors, i.Closed = "", 960, nil, "INVESTIGATING", links{}, nil
			i.Legacy = statuspage.LegacyFields{NoStart: true, NoImpact: true}
		}), nil},
		{"report of everything", openIncident, reported(statuspage.LegacyReport{
			Title: " u ", Body: "b", Tags: []string{"c", "b"}, Start: at(1234), End: at(5678), Impact: "DEGRADED", Maintenance: true, Identified: true, Resolved: true,
		}, links{{"c", 3, "DEGRADED"}, {"b", 2, "DEGRADED"}}...), and(func(i *incident) {
			i.Title, i.Start, i.End, i.State, i.Closed = " u ", 1200, at(5640), "RESOLVED", at(writeAt)
			i.Monitors = links{{"b", 2, "DEGRADED"}, {"c", 3, "DEGRADED"}}
			i.Legacy = statuspage.LegacyFields{StartSeconds: 34, EndSeconds: 38, Identified: true, Maintenance: true}
		}), nil},
		{"progress: resolved", openIncident, progressed(statuspage.LegacyProgress{Resolved: new(true)}), and(func(i *incident) { i.State, i.Closed = "RESOLVED", at(writeAt) }), nil},
		{"progress: not resolved", closedIncident, progressed(statuspage.LegacyProgress{Resolved: new(false), Identified: new(false)}), and(func(i *incident) {
			i.State, i.Legacy.Identified, i.End, i.Legacy.EndSeconds, i.Closed = "INVESTIGATING", false, nil, 0, nil
		}), nil},
		{"progress: an end", closedIncident, progressed(statuspage.LegacyProgress{End: at(1234)}), and(func(i *incident) { i.End, i.Legacy.EndSeconds = at(1200), 34 }), nil},

		{"the closer's warning", openIncident, closing(statuspage.AutoClosing{Warning: &statuspage.CloserWarning{Time: writeAt, Activity: 1600}}),
			func(i *incident) { i.Warning, i.Version = &statuspage.CloserWarning{Time: writeAt, Activity: 1600}, 5 }, nil},
		{"closed by the closer", openIncident, closing(statuspage.AutoClosing{End: 660}), and(func(i *incident) { i.State, i.Closed, i.Handled = "RESOLVED", at(writeAt), false }), nil},
		{"closed by the closer without an end", func() incident { i := openIncident(); i.End, i.Legacy.EndSeconds = nil, 0; return i }, closing(statuspage.AutoClosing{End: 720}),
			and(func(i *incident) { i.State, i.End, i.Closed, i.Handled = "RESOLVED", at(720), at(writeAt), false }), nil},
		{"a monitor leaves", closedIncident, without(1, true), func(i *incident) { i.Monitors, i.Version = links{{"b", 2, "UP"}}, 5 }, nil},
		{"a monitor that is not linked leaves", closedIncident, without(3, false), nothing, nil},
		{"the last monitor leaves", func() incident { i := openIncident(); i.Monitors = links{{"b", 2, "UP"}}; return i }, without(2, true),
			func(i *incident) { i.Monitors, i.Orphan, i.Version = links{}, statuspage.OrphanOfPublic, 5 }, nil},
		{"monitors for one that lost its last", func() incident {
			i := openIncident()
			i.Monitors, i.Orphan = links{}, statuspage.OrphanOfPrivate
			return i
		},
			patched(patch{Monitors: opt.Value([]statuspage.MonitorImpact(nil))}), and(func(i *incident) { i.Monitors, i.Orphan, i.Legacy.NoImpact = links{}, "", false }), nil},
		{"report of one that lost its last monitor", func() incident { i := openIncident(); i.Orphan = statuspage.OrphanOfPrivate; return i }, reported(statuspage.LegacyReport{}), and(func(i *incident) {
			i.Orphan = ""
			i.Title, i.Start, i.End, i.State, i.Monitors, i.Closed = "", 960, nil, "INVESTIGATING", links{}, nil
			i.Legacy = statuspage.LegacyFields{NoStart: true, NoImpact: true}
		}), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := tt.before()
			got, err := tt.write(before)
			if !errors.Is(err, tt.err) {
				t.Fatalf("%v, want %v", err, tt.err)
			}
			want := incident{}
			if tt.err == nil {
				want = tt.before()
				tt.change(&want)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.before(), before); diff != "" {
				t.Errorf("the incident was changed (-before +after):\n%s", diff)
			}
		})
	}
}

func TestOpened(t *testing.T) {
	monitors := links{{"b", 2, "DOWN"}, {"a", 1, "UP"}}
	n := statuspage.NewIncident{
		Title: "t", Start: 600, End: at(600), Monitors: []statuspage.MonitorImpact{{"b", "DOWN"}, {"a", "UP"}}, Source: "API", AutoCloseAfter: opt.Null[int64](),
	}
	got, err := n.Opened(7, monitors, madeAt)
	want := incident{
		ID: 7, Title: "t", Start: 600, End: at(600), State: "INVESTIGATING", Type: "INCIDENT", Source: "API", Monitors: monitors,
		Created: madeAt, Updated: madeAt, AutoCloseAfter: opt.Null[int64](), Version: 1,
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	n.Start = 660
	if got, err := n.Opened(7, monitors, madeAt); !errors.Is(err, statuspage.ErrEndBeforeStart) || !cmp.Equal(incident{}, got) {
		t.Errorf("an end before the start: %+v, %v", got, err)
	}
}

func TestLegacyReportOpened(t *testing.T) {
	monitors := links{{"b", 2, "DOWN"}, {"a", 1, "DOWN"}}
	for _, tt := range []struct {
		name   string
		report statuspage.LegacyReport
		want   incident
	}{
		{"open, of now", statuspage.LegacyReport{Title: " t ", Body: "b", Tags: []string{"b", "a"}}, incident{
			Title: " t ", Start: 960, State: "INVESTIGATING", Legacy: statuspage.LegacyFields{NoStart: true, NoImpact: true},
		}},
		{"closed", statuspage.LegacyReport{Title: "t", Tags: []string{"b", "a"}, Start: at(661), End: at(602), Impact: "DOWN", Maintenance: true, Identified: true, Resolved: true}, incident{
			Title: "t", Start: 660, End: at(600), State: "RESOLVED", Closed: at(madeAt),
			Legacy: statuspage.LegacyFields{StartSeconds: 1, EndSeconds: 2, Identified: true, Maintenance: true},
		}},
	} {
		tt.want.ID, tt.want.Type, tt.want.Source, tt.want.Monitors, tt.want.Created, tt.want.Updated, tt.want.Version = 7, "INCIDENT", "API", monitors, madeAt, madeAt, 1
		if diff := cmp.Diff(tt.want, tt.report.Opened(7, monitors, madeAt)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// An incident is written to at random. It keeps what holds of all incidents, and none of
// what it was before changes.
func TestIncidentLife(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &life{now: madeAt}
		l.open(t)
		l.keep(t)
		t.Repeat(map[string]func(*rapid.T){
			"patch": l.patch, "comment": l.comment, "recover": l.recover, "note": l.note, "report": l.report, "progress": l.progress,
			"close": l.close, "lose a monitor": l.loseMonitor,
		})
		for _, s := range l.seen {
			if diff := cmp.Diff(s.copied, s.incident); diff != "" {
				t.Fatalf("a write changed what the incident was before (-before +after):\n%s", diff)
			}
		}
	})
}

// life is an incident with all that it was.
type life struct {
	now  int64
	is   incident
	seen []struct{ incident, copied incident }
}

// keep notes what the incident is, and checks what holds of every one.
func (l *life) keep(t *rapid.T) {
	i := l.is
	copied := i
	copied.Monitors = slices.Clone(i.Monitors)
	for _, p := range []**int64{&copied.End, &copied.Closed, &copied.AlertID} {
		if *p != nil {
			*p = new(**p)
		}
	}
	if i.Warning != nil {
		copied.Warning = new(*i.Warning)
	}
	l.seen = append(l.seen, struct{ incident, copied incident }{i, copied})

	if i.Closed != nil && (i.End == nil || i.State != "RESOLVED") {
		t.Fatalf("closed without an end, or in another state than RESOLVED: %+v", i)
	}
	f := i.Legacy
	if i.End == nil && f.EndSeconds != 0 || f.NoStart && f.StartSeconds != 0 || min(f.StartSeconds, f.EndSeconds) < 0 || max(f.StartSeconds, f.EndSeconds) > 59 {
		t.Fatalf("seconds of no time: %+v", i)
	}
	if i.Start%60 != 0 || i.End != nil && *i.End%60 != 0 {
		t.Fatalf("no whole minutes: %+v", i)
	}
	linked := map[int64]bool{}
	for _, m := range i.Monitors {
		if linked[m.MonitorID] {
			t.Fatalf("linked twice: %+v", i)
		}
		linked[m.MonitorID] = true
	}
}

// becomes is any write.
func (l *life) becomes(t *rapid.T, next incident) {
	before := l.is
	if next.Version != before.Version+1 {
		t.Fatalf("version %d after %d", next.Version, before.Version)
	}
	made := func(i incident) incident {
		return incident{ID: i.ID, Type: i.Type, Source: i.Source, Created: i.Created, AlertID: i.AlertID}
	}
	if diff := cmp.Diff(made(before), made(next)); diff != "" {
		t.Fatalf("what it is from its making on has changed (-before +after):\n%s", diff)
	}
	if next.Closed != nil && *next.Closed != l.now && !cmp.Equal(before.Closed, next.Closed) || before.Closed != nil && next.Closed != nil && *before.Closed != *next.Closed {
		t.Fatalf("closed at %v, after %v, at %d", *next.Closed, before.Closed, l.now)
	}
	l.is = next
	l.keep(t)
}

// worked is a write that counts as work.
func (l *life) worked(t *rapid.T, next incident) {
	if next.Updated != l.now || next.Warning != nil {
		t.Fatalf("updated at %d, warning %v", next.Updated, next.Warning)
	}
	l.becomes(t, next)
}

// left is a write that leaves the time of the update.
func (l *life) left(t *rapid.T, next incident) {
	if next.Updated != l.is.Updated {
		t.Fatalf("updated at %d, was %d", next.Updated, l.is.Updated)
	}
	l.becomes(t, next)
}

func ordered(i incident) bool { return i.End == nil || *i.End >= i.Start }

// inOrder is a write that must not put the end before the start.
func (l *life) inOrder(t *rapid.T, next incident, sets bool, err, want error) {
	switch {
	case err != nil && (!errors.Is(err, want) || !cmp.Equal(incident{}, next)):
		t.Fatalf("%v, with %+v", err, next)
	case err != nil:
	case (sets || ordered(l.is)) && !ordered(next):
		t.Fatalf("it ends before it starts: %+v", next)
	default:
		l.worked(t, next)
	}
}

func (l *life) tick(t *rapid.T) { l.now += rapid.Int64Range(0, 200).Draw(t, "seconds") }

var (
	someState   = rapid.SampledFrom([]statuspage.State{"INVESTIGATING", "IDENTIFIED", "MONITORING", "RESOLVED"})
	someSeconds = rapid.Int64Range(0, 3000)
	someMinute  = rapid.Map(someSeconds, statuspage.FloorMinute)
	someLinks   = rapid.SliceOfNDistinct(rapid.Map(rapid.Int64Range(1, 4), func(id int64) statuspage.AffectedMonitor {
		return statuspage.AffectedMonitor{Tag: string(rune('a' + id)), MonitorID: id, Impact: "DOWN"}
	}), 0, 3, func(m statuspage.AffectedMonitor) int64 { return m.MonitorID })
)

func field[T any](values *rapid.Generator[T], null bool) *rapid.Generator[opt.Field[T]] {
	states := []*rapid.Generator[opt.Field[T]]{rapid.Just(opt.Field[T]{}), rapid.Map(values, opt.Value[T])}
	if null {
		states = append(states, rapid.Just(opt.Null[T]()))
	}
	return rapid.OneOf(states...)
}

func asks(monitors links) []statuspage.MonitorImpact {
	asked := make([]statuspage.MonitorImpact, len(monitors))
	for n, m := range monitors {
		asked[n] = statuspage.MonitorImpact{Tag: m.Tag, Impact: m.Impact}
	}
	return asked
}

func aReport(t *rapid.T) (statuspage.LegacyReport, links) {
	return statuspage.LegacyReport{
		Title: "legacy", Start: rapid.Ptr(someSeconds, true).Draw(t, "start"), End: rapid.Ptr(someSeconds, true).Draw(t, "end"),
		Impact:     rapid.SampledFrom([]statuspage.Impact{"", "DOWN"}).Draw(t, "impact"),
		Identified: rapid.Bool().Draw(t, "identified"), Resolved: rapid.Bool().Draw(t, "resolved"),
	}, someLinks.Draw(t, "monitors")
}

func (l *life) open(t *rapid.T) {
	switch rapid.SampledFrom([]string{"v4", "legacy", "alert"}).Draw(t, "opened by") {
	case "v4":
		n := statuspage.NewIncident{Title: "v4", Start: someMinute.Draw(t, "start"), End: rapid.Ptr(someMinute, true).Draw(t, "end"), Source: "API"}
		i, err := n.Opened(1, someLinks.Draw(t, "monitors"), l.now)
		if (err == nil) != (n.End == nil || *n.End >= n.Start) {
			t.Fatalf("%+v: %v", n, err)
		}
		if err != nil {
			t.Skip("an end before the start")
		}
		l.is = i
	case "legacy":
		r, monitors := aReport(t)
		l.is = r.Opened(1, monitors, l.now)
	case "alert":
		r := statuspage.AlertRule{ID: 2, Condition: statuspage.Condition{For: "STATUS", Status: "DOWN"}, CreateIncident: true}
		j := statuspage.Judgement{Verdict: statuspage.Failing, Since: someMinute.Draw(t, "since")}
		l.is = *r.Fired(statuspage.Monitor{ID: 1, Tag: "b", Name: "B"}, j, statuspage.FiringIDs{Alert: 1, Incident: 1, Comment: 1}, l.now).Incident
	}
	if l.is.Version != 1 || l.is.Created != l.now || l.is.Updated != l.now {
		t.Fatalf("%+v", l.is)
	}
}

func (l *life) patch(t *rapid.T) {
	l.tick(t)
	asked := someLinks.Draw(t, "monitors")
	p := statuspage.IncidentPatch{
		Title: field(rapid.SampledFrom([]string{"one", "two"}), false).Draw(t, "title"),
		Start: field(someMinute, false).Draw(t, "start"), End: field(someMinute, true).Draw(t, "end"),
		Monitors:       field(rapid.Just(asks(asked)), false).Draw(t, "links"),
		AutoCloseAfter: field(rapid.Just(int64(3600)), true).Draw(t, "auto close"),
	}
	next, err := l.is.Patched(p, asked, l.now)
	l.inOrder(t, next, p.Start.IsSet() || p.End.IsSet(), err, statuspage.ErrEndBeforeStart)
}

func (l *life) comment(t *rapid.T) {
	l.tick(t)
	c := statuspage.NewComment{Text: "c", Time: someMinute.Draw(t, "time"), State: someState.Draw(t, "state")}.Made(l.is.ID, 1, l.now)
	before := l.is
	next, err := before.Commented(c, l.now)
	if refused := c.State == "RESOLVED" && c.Time < before.Start; refused != (err != nil) {
		t.Fatalf("%+v on %+v: %v", c, before, err)
	}
	if err == nil && (next.State != c.State || (next.Closed != nil) != (c.State == "RESOLVED")) {
		t.Fatalf("%+v made it %+v", c, next)
	}
	l.inOrder(t, next, c.State == "RESOLVED", err, statuspage.ErrCommentBeforeStart)
}

// recover resolves it, when it is open, as its alert does, whatever its start. An end that has
// passed stays.
func (l *life) recover(t *rapid.T) {
	l.tick(t)
	if l.is.Closed != nil {
		t.Skip("closed")
	}
	at := someMinute.Draw(t, "recovered")
	next := l.is.Recovered(at, l.now)
	given := l.is.LegacyEnd()
	stays := given != nil && *given <= l.now
	if next.Closed == nil || next.State != "RESOLVED" || stays && *next.LegacyEnd() != *given || !stays && *next.End != max(at, l.is.Start) {
		t.Fatalf("recovered at %d: %+v", at, next)
	}
	if start := next.LegacyStart(); start != nil && !stays && *next.LegacyEnd() < *start {
		t.Fatalf("recovered at %d, for the legacy API before its start: %+v", at, next)
	}
	l.worked(t, next)
}

func (l *life) note(t *rapid.T) {
	l.tick(t)
	l.worked(t, l.is.Noted(l.now))
}

func (l *life) report(t *rapid.T) {
	l.tick(t)
	r, monitors := aReport(t)
	next := l.is.Reported(r, monitors, l.now)
	if (next.Closed != nil) != r.Resolved {
		t.Fatalf("%+v made it %+v", r, next)
	}
	l.worked(t, next)
}

func (l *life) progress(t *rapid.T) {
	l.tick(t)
	p := statuspage.LegacyProgress{
		Identified: rapid.Ptr(rapid.Bool(), true).Draw(t, "identified"), Resolved: rapid.Ptr(rapid.Bool(), true).Draw(t, "resolved"),
		End: rapid.Ptr(someSeconds, true).Draw(t, "end"),
	}
	next := l.is.Progressed(p, l.now)
	if closed := next.Closed != nil; p.Resolved == nil && closed != (l.is.Closed != nil) || p.Resolved != nil && closed != *p.Resolved {
		t.Fatalf("%+v made it %+v", p, next)
	}
	l.worked(t, next)
}

// close lets the closer warn or, one that is open, close.
func (l *life) close(t *rapid.T) {
	l.tick(t)
	if l.is.Closed != nil {
		t.Skip("closed")
	}
	if w := (statuspage.CloserWarning{Time: l.now, Activity: l.is.Updated}); rapid.Bool().Draw(t, "warn") {
		next := l.is.AutoClosed(statuspage.AutoClosing{Incident: l.is, Warning: &w}, l.now)
		if next.Warning == nil || *next.Warning != w {
			t.Fatalf("warning %v", next.Warning)
		}
		l.left(t, next)
		return
	}
	end := someMinute.Draw(t, "end")
	if l.is.End != nil {
		end = *l.is.End
	}
	next := l.is.AutoClosed(statuspage.AutoClosing{Incident: l.is, End: end}, l.now)
	if next.Closed == nil || *next.End != end {
		t.Fatalf("%+v", next)
	}
	l.worked(t, next)
}

// orphan is what an incident is after a monitor of it was deleted.
func orphan(i statuspage.Incident, public bool) statuspage.Orphan {
	switch {
	case len(i.Monitors) > 0:
		return ""
	case public:
		return statuspage.OrphanOfPublic
	default:
		return statuspage.OrphanOfPrivate
	}
}

func (l *life) loseMonitor(t *rapid.T) {
	l.tick(t)
	id := rapid.Int64Range(1, 4).Draw(t, "monitor")
	public := rapid.Bool().Draw(t, "public")
	next, changed := l.is.WithoutMonitor(id, public)
	switch linked := slices.ContainsFunc(l.is.Monitors, func(m statuspage.AffectedMonitor) bool { return m.MonitorID == id }); {
	case changed != linked || len(next.Monitors) != len(l.is.Monitors) && !linked:
		t.Fatalf("changed %t, linked %t", changed, linked)
	case !changed && !cmp.Equal(l.is, next):
		t.Fatalf("%+v became %+v", l.is, next)
	case changed && next.Orphan != orphan(next, public):
		t.Fatalf("public %t: %+v", public, next)
	case changed && !cmp.Equal(l.is.Warning, next.Warning):
		t.Fatalf("warning %v", next.Warning)
	case changed:
		l.left(t, next)
	}
}
