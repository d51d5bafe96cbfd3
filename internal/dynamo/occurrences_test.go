package dynamo_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/dynamo"
	"tocsin/internal/dynamo/dump"
	"tocsin/internal/dynamotest"
	"tocsin/internal/jobs/occurrences"
	"tocsin/internal/opt"
	"tocsin/internal/statuspage"
)

func newMaintenance(t testing.TB, s *dynamo.Store, rule string, start, at int64, tags ...string) statuspage.Maintenance {
	t.Helper()
	n := statuspage.NewMaintenance{Title: "Backup", Schedule: statuspage.Schedule{Start: start, Rule: rule, Duration: hour}, Monitors: links(statuspage.UnderMaintenance, tags...)}
	m, err := s.CreateMaintenance(context.Background(), n, at, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func makes(t testing.TB, s *dynamo.Store, at int64, want occurrences.Summary) {
	t.Helper()
	if got, err := occurrences.Run(context.Background(), s, at); got != want || err != nil {
		t.Errorf("at %+d: %+v, %v; want %+v", at-begin, got, err, want)
	}
}

// changesOf are the kinds of the changes of a maintenance, the oldest first.
func changesOf(t testing.TB, tb *dynamotest.Table, id int64) (kinds []string, by []string) {
	t.Helper()
	c := checkTable(t, tb)
	rows := slices.DeleteFunc(c.Changes, func(a dynamotest.Attributes) bool {
		return a.Text("record") != string(statuspage.RecordMaintenance) || a.Num("id") != id
	})
	slices.SortFunc(rows, func(a, b dynamotest.Attributes) int { return int(a.Num("version") - b.Num("version")) })
	for _, r := range rows {
		kinds, by = append(kinds, r.Text("what")), append(by, r.Text("by"))
	}
	return kinds, by
}

// The clock jumps, and each run makes what is missing: those that have begun meanwhile, and
// ten that are to come.
func TestOccurrencesAreMadeAhead(t *testing.T) {
	t.Parallel()
	tb, s := newPoints(t, "a")
	const first = begin + day
	m := newMaintenance(t, s, "FREQ=DAILY", first, begin, "a")
	for _, tt := range []struct {
		name string
		at   int64
		want occurrences.Summary
		all  int
	}{
		{"they are made", begin + hour, occurrences.Summary{}, 10},
		{"a second before the first begins", first - 1, occurrences.Summary{}, 10},
		{"it begins", first, occurrences.Summary{Maintenances: 1, Made: 1}, 11},
		{"again", first, occurrences.Summary{}, 11},
		{"a jump of three days", first + 3*day + 5, occurrences.Summary{Maintenances: 1, Made: 3}, 14},
		{"a jump back", first, occurrences.Summary{}, 14},
		{"a month without a run", first + 33*day + 5, occurrences.Summary{Maintenances: 1, Made: 30}, 44},
	} {
		makes(t, s, tt.at, tt.want)
		all := occurrencesOf(t, s, m.ID, tt.at)
		if len(all) != tt.all {
			t.Errorf("%s: %d occurrences, want %d", tt.name, len(all), tt.all)
		}
		for n, o := range all {
			if want := int64(first + n*day); o.Planned != want || o.Start != want || o.End != want+hour || o.ID != int64(n+1) {
				t.Errorf("%s: %+v, want the start %d", tt.name, o, want)
			}
		}
		checkTable(t, tb)
	}
	if m, err := s.Maintenance(t.Context(), m.ID); err != nil || len(m.Recent) != 12 {
		t.Errorf("%d recent ones, want that of yesterday, the one of this minute and ten, %v", len(m.Recent), err)
	}
	kinds, by := changesOf(t, tb, m.ID)
	if d := cmp.Diff([]string{"CREATED", "EVENTS_CREATED", "EVENTS_CREATED", "EVENTS_CREATED", "EVENTS_CREATED"}, kinds); d != "" {
		t.Errorf("changes (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"", "CLOCK", "CLOCK", "CLOCK", "CLOCK"}, by); d != "" {
		t.Errorf("by (-want +got):\n%s", d)
	}
}

// Nobody is told of a maintenance that is due while nothing is missing, and it is not due the
// next minute again.
func TestDueWithoutOccurrences(t *testing.T) {
	t.Parallel()
	tb, s := newPoints(t)
	m := newMaintenance(t, s, "FREQ=DAILY", begin+day, begin)
	// The first is put off, beyond the second: when that begins, ten are still to come.
	all := occurrencesOf(t, s, m.ID, begin)
	for _, o := range all[:2] {
		if _, err := s.UpdateOccurrence(t.Context(), m.ID, o.ID, statuspage.OccurrencePatch{Start: begin + 3*hour, End: begin + 4*hour}, begin, nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.UpdateOccurrence(t.Context(), m.ID, all[0].ID, statuspage.OccurrencePatch{Start: begin + 50*day, End: begin + 51*day}, begin, nil); err != nil {
		t.Fatal(err)
	}
	makes(t, s, begin+3*hour, occurrences.Summary{Maintenances: 1, Made: 1})
	if _, err := s.UpdateOccurrence(t.Context(), m.ID, all[1].ID, statuspage.OccurrencePatch{Start: begin + 40*day, End: begin + 41*day}, begin+3*hour, nil); err != nil {
		t.Fatal(err)
	}
	before, err := s.Maintenance(t.Context(), m.ID)
	if err != nil {
		t.Fatal(err)
	}
	kinds, _ := changesOf(t, tb, m.ID)
	makes(t, s, begin+3*day, occurrences.Summary{Maintenances: 1}) // eleven were to come
	makes(t, s, begin+3*day, occurrences.Summary{})
	after, err := s.Maintenance(t.Context(), m.ID)
	if d := cmp.Diff(before, after); d != "" || err != nil {
		t.Errorf("the maintenance changed, %v:\n%s", err, d)
	}
	if now, _ := changesOf(t, tb, m.ID); !slices.Equal(now, kinds) {
		t.Errorf("changes %v, then %v", kinds, now)
	}
	makes(t, s, begin+4*day, occurrences.Summary{Maintenances: 1, Made: 1})
}

// The last occurrence of a schedule leaves nothing that is due.
func TestNoMoreOccurrences(t *testing.T) {
	t.Parallel()
	_, s := newPoints(t)
	newMaintenance(t, s, "FREQ=MINUTELY;COUNT=1", begin-30*day, begin)
	newMaintenance(t, s, "FREQ=DAILY;COUNT=12", begin+day, begin)
	makes(t, s, begin, occurrences.Summary{})
	makes(t, s, begin+2*day, occurrences.Summary{Maintenances: 1, Made: 2})
	makes(t, s, begin+400*day, occurrences.Summary{})
}

// A table that was restored from an export goes on where that was made: a month later the
// missed occurrences have their records, and no id is given twice.
func TestRestoredMaintenancesGoOn(t *testing.T) {
	t.Parallel()
	tb, s := newPoints(t, "a")
	newMaintenance(t, s, "FREQ=DAILY", begin+day, begin, "a")
	newMaintenance(t, s, "FREQ=MINUTELY;COUNT=1", begin-day, begin)
	target := dynamotest.NewTable(t)
	if _, err := target.Dump(nil).Import(t.Context(), exported(t, tb, dump.ExportOptions{}, begin), dump.ImportOptions{}, begin); err != nil {
		t.Fatal(err)
	}
	restored := target.Store(nil)
	for _, s := range []*dynamo.Store{s, restored} {
		makes(t, s, begin+30*day, occurrences.Summary{Maintenances: 1, Made: 30})
	}
	if d := cmp.Diff(occurrencesOf(t, s, 1, begin+30*day), occurrencesOf(t, restored, 1, begin+30*day)); d != "" {
		t.Errorf("the first table (-), the restored one (+):\n%s", d)
	}
	if err := restored.DeleteMonitor(t.Context(), "a", begin+30*day); err != nil {
		t.Fatal(err)
	}
	if err := restored.DeleteMaintenance(t.Context(), 2, begin+30*day, nil); err != nil {
		t.Fatal(err)
	}
	checkFinished(t, target)
}

// While nothing is due a run is one query.
func TestIdleRunIsOneQuery(t *testing.T) {
	t.Parallel()
	tb, s := newPoints(t)
	for range 30 {
		newMaintenance(t, s, "FREQ=DAILY", begin+day, begin)
	}
	var calls atomic.Int64
	client := &dynamotest.Client{Inject: func(operation string, _ []byte) dynamotest.Fault {
		if calls.Add(1); operation != "Query" {
			t.Errorf("a %s", operation)
		}
		return dynamotest.None
	}}
	makes(t, tb.Store(client), begin+hour, occurrences.Summary{})
	if n := calls.Load(); n != 1 {
		t.Errorf("%d calls", n)
	}
}

// Runs that meet each other, faults, and a person who changes the schedule make nothing twice,
// and lose nothing.
func TestRunsThatMeet(t *testing.T) {
	t.Parallel()
	tb, s := newPoints(t, "a", "b")
	var all []statuspage.Maintenance
	for _, tags := range [][]string{nil, {"a"}, {"a", "b"}} {
		all = append(all, newMaintenance(t, s, "FREQ=DAILY", begin+day, begin, tags...))
	}
	const at = begin + 40*day
	runs := seed(t)
	forAll(6, 6, func(n int) {
		ctx, cancel := background()
		defer cancel()
		store := tb.Store(&dynamotest.Client{Inject: dynamotest.Random(runs+uint64(n), 0.3, 10, dynamotest.Throttle, dynamotest.LostAnswer, dynamotest.Conflict)})
		if n == 5 {
			p := statuspage.MaintenancePatch{Title: opt.Value("Backups"), Duration: opt.Value[int64](2 * hour)}
			if _, err := store.UpdateMaintenance(ctx, all[2].ID, p, at, nil); err != nil {
				t.Error(err)
			}
			return
		}
		if _, err := occurrences.Run(ctx, store, at); err != nil {
			t.Error(err)
		}
	})
	for _, m := range all {
		made := occurrencesOf(t, s, m.ID, at)
		if len(made) != 50 {
			t.Errorf("maintenance %d has %d occurrences", m.ID, len(made))
		}
		for n, o := range made {
			if want := int64(begin + day + n*day); o.Planned != want {
				t.Errorf("occurrence %d of maintenance %d is planned for %d, want %d", n, m.ID, o.Planned, want)
			}
		}
	}
	checkFinished(t, tb)
}
