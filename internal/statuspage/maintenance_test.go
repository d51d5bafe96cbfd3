package statuspage_test

import (
	"cmp"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"tocsin/internal/opt"
	. "tocsin/internal/statuspage"
)

// A book is a maintenance with the records of its occurrences, as a repository has them.
type book struct {
	m       Maintenance
	records map[int64]Occurrence
	never   map[int64]bool // ids of those that were cancelled before they began
	last    int64
}

func (b *book) make(t *rapid.T, now int64) {
	for {
		due := b.m.Due(now)
		if len(due) == 0 {
			return
		}
		var ids []int64
		for range due {
			b.last++
			ids = append(ids, b.last)
		}
		var made []Occurrence
		b.m, made = b.m.WithOccurrences(ids, due, now)
		for _, o := range made {
			b.records[o.ID] = o
			if ahead := b.ahead(now); o.Start > now && ahead > 10 {
				t.Fatalf("one is made so that %d are to come", ahead)
			}
		}
	}
}

// take makes it one that was elsewhere, where it had occurrences by its schedule and others.
func (b *book) take(t *rapid.T, now int64) {
	var all []Occurrence
	before := b.m
	before.Since = 0
	for _, at := range rapid.SliceOfNDistinct(rapid.Int64Range(-60, 60), 0, 30, rapid.ID).Draw(t, "hours") {
		start := FloorMinute(now + at*3600)
		if s := before.Spans(start-3*3600, start); rapid.Bool().Draw(t, "planned") && len(s) > 0 {
			start = s[0].From
		}
		if slices.ContainsFunc(all, func(o Occurrence) bool { return o.Planned == start }) {
			continue
		}
		b.last++
		o := Occurrence{ID: b.last, MaintenanceID: 1, Planned: start, Start: start, End: start + rapid.Int64Range(1, 100).Draw(t, "minutes")*60, Updated: now}
		if rapid.Bool().Draw(t, "cancelled") {
			o.Said, o.Updated = Cancelled, start+rapid.SampledFrom([]int64{-60, 0, 60}).Draw(t, "when")
			b.never[o.ID] = o.Updated < start
		}
		all = append(all, o)
		b.records[o.ID] = o
	}
	b.m = b.m.Taken(all, now)
}

func (b *book) ahead(now int64) (n int) {
	for _, o := range b.records {
		if o.Start > now {
			n++
		}
	}
	return n
}

func (b *book) ids() []int64 {
	var ids []int64
	for id := range b.records {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

var testRules = []string{"FREQ=MINUTELY;COUNT=1", "FREQ=DAILY", "FREQ=HOURLY;INTERVAL=5", "FREQ=WEEKLY;BYDAY=MO,TH", "FREQ=DAILY;COUNT=3", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"}

func drawSchedule(t *rapid.T, now int64) Schedule {
	const hour = 3600
	return Schedule{
		Start:    FloorMinute(now + rapid.Int64Range(-50*hour, 80*hour).Draw(t, "start")),
		Rule:     rapid.SampledFrom(testRules).Draw(t, "rule"),
		Duration: rapid.SampledFrom([]int64{1, 60, hour, 30 * hour}).Draw(t, "duration"),
	}
}

// Whatever is done to a maintenance and to its occurrences: their records are never two of
// one planned start, and the times at which the maintenance is on are those of the records.
func TestCalendarIsThatOfTheRecords(t *testing.T) {
	t.Parallel()
	const day = 24 * 3600
	const begin = int64(1_790_000_000)
	rapid.Check(t, func(t *rapid.T) {
		now := begin
		b := &book{records: map[int64]Occurrence{}, never: map[int64]bool{}}
		b.m = NewMaintenance{Title: "M", Schedule: drawSchedule(t, now)}.Opened(1, nil, now)
		if rapid.Bool().Draw(t, "from elsewhere") {
			b.take(t, now)
		}
		b.make(t, now)
		finished := map[int64]Occurrence{}
		t.Repeat(map[string]func(*rapid.T){
			"time passes": func(t *rapid.T) {
				now += rapid.SampledFrom([]int64{60, 3600, day, 9 * day}).Draw(t, "seconds")
				b.make(t, now)
			},
			"other schedule": func(t *rapid.T) {
				s := drawSchedule(t, now)
				next, gone := b.m.Patched(MaintenancePatch{Start: opt.Value(s.Start), Rule: opt.Value(s.Rule), Duration: opt.Value(s.Duration)}, nil, now)
				for _, o := range gone {
					if o.Start <= now || o.Said != "" {
						t.Fatalf("at %d the schedule removes %+v", now, o)
					}
					delete(b.records, o.ID)
				}
				b.m = next
				b.make(t, now)
			},
			"other times": func(t *rapid.T) {
				if len(b.records) == 0 {
					t.Skip("no occurrence")
				}
				o := b.records[rapid.SampledFrom(b.ids()).Draw(t, "id")]
				start := FloorMinute(now + rapid.Int64Range(-5*day, 5*day).Draw(t, "start"))
				m, changed, err := o.Patched(b.m, OccurrencePatch{Start: start, End: start + 60*rapid.Int64Range(1, 100).Draw(t, "minutes")}, now)
				if err != nil {
					t.Fatal(err)
				}
				b.m, b.records[o.ID] = m, changed
				b.make(t, now)
			},
			"a person's word": func(t *rapid.T) {
				if len(b.records) == 0 {
					t.Skip("no occurrence")
				}
				o := b.records[rapid.SampledFrom(b.ids()).Draw(t, "id")]
				state := o.State(now)
				said := rapid.SampledFrom([]OccurrenceState{Completed, Cancelled}).Draw(t, "state")
				m, changed, err := o.Patched(b.m, OccurrencePatch{State: said}, now)
				allowed := state == Ongoing || said == Cancelled && (state == Scheduled || state == Ready)
				if allowed != (err == nil) {
					t.Fatalf("from %s to %s: %v", state, said, err)
				}
				if err == nil {
					b.m, b.records[o.ID], b.never[o.ID] = m, changed, state != Ongoing
					b.make(t, now)
				}
			},
			"deletion": func(t *rapid.T) {
				if len(b.records) == 0 {
					t.Skip("no occurrence")
				}
				o := b.records[rapid.SampledFrom(b.ids()).Draw(t, "id")]
				b.m = b.m.WithoutOccurrence(o, now)
				delete(b.records, o.ID)
				delete(finished, o.ID)
				b.make(t, now)
			},
			"": func(t *rapid.T) {
				planned := map[int64]int64{}
				var want []Span
				for _, id := range b.ids() {
					o := b.records[id]
					if other, twice := planned[o.Planned]; twice {
						t.Fatalf("%d and %d are planned for %d", other, id, o.Planned)
					}
					planned[o.Planned] = id
					if !b.never[id] && o.Start <= now && o.Start < o.End {
						want = append(want, Span{o.Start, o.End})
					}
				}
				slices.SortFunc(want, func(x, y Span) int { return cmp.Or(cmp.Compare(x.From, y.From), cmp.Compare(x.To, y.To)) })
				got := b.m.Spans(0, now+1)
				if d := gocmp.Diff(want, got); d != "" {
					t.Fatalf("at %d: records (-), calendar (+):\n%s\n%+v", now, d, b.m)
				}
				for _, over := range want[max(0, len(want)-10):] {
					if over.To > now {
						continue
					}
					part := slices.DeleteFunc(slices.Clone(want), func(s Span) bool { return s.To <= over.To })
					if d := gocmp.Diff(part, b.m.Spans(over.To, now+1), cmpopts.EquateEmpty()); d != "" {
						t.Fatalf("at %d, from %d on: records (-), calendar (+):\n%s\n%+v", now, over.To, d, b.m)
					}
				}
				for _, o := range b.m.Recent {
					if d := gocmp.Diff(b.records[o.ID], o); d != "" {
						t.Fatalf("record (-), the maintenance's own (+): %s", d)
					}
				}
				if due := b.m.NextDue(now); due <= now {
					t.Fatalf("at %d the next is due at %d, and nothing is", now, due)
				}
				if last := b.m.LastEnd(); len(got) > 0 && last < got[len(got)-1].To && last < now {
					t.Fatalf("at %d the last end is %d, after %v", now, last, got[len(got)-1])
				}
			},
		})
	})
}

// The record of a maintenance has an end, and what is still to come is not forgotten for it.
func TestGrownMaintenance(t *testing.T) {
	t.Parallel()
	const now, hour, day = int64(1_790_000_040), 3600, 24 * 3600
	opened := func() *book {
		m := NewMaintenance{Title: "M", Schedule: Schedule{Start: now, Rule: "FREQ=HOURLY", Duration: 60}}.Opened(1, nil, now)
		return &book{m: m, records: map[int64]Occurrence{}}
	}
	for name, test := range map[string]struct {
		change func(m Maintenance, o Occurrence) Maintenance
		want   int // changes
	}{
		"deleted": {func(m Maintenance, o Occurrence) Maintenance { return m.WithoutOccurrence(o, now) }, 500},
		"moved to now until the end of time": {func(m Maintenance, o Occurrence) Maintenance {
			m, _, err := o.Patched(m, OccurrencePatch{Start: now - 60, End: MaxTimestamp - 59}, now)
			if err != nil {
				t.Fatal(err)
			}
			return m
		}, 200 - 11},
	} {
		b := opened()
		changes := 0
		for {
			due := b.m.Due(now)
			ids := make([]int64, len(due))
			for n := range ids {
				b.last++
				ids[n] = b.last
			}
			b.m, _ = b.m.WithOccurrences(ids, due, now)
			o := b.m.Recent[len(b.m.Recent)-1]
			next := test.change(b.m, o)
			due = next.Due(now)
			full, _ := next.WithOccurrences(make([]int64, len(due)), due, now)
			if full.Grown(b.m) || changes > 1000 {
				break
			}
			b.m = next
			changes++
		}
		if changes != test.want {
			t.Errorf("%s: %d changes, want %d", name, changes, test.want)
		}
		if got := b.m.Changed; len(got) != changes || b.m.Grown(b.m) {
			t.Errorf("%s: %d changes are kept of %d", name, len(got), changes)
		}
		title, _ := b.m.Patched(MaintenancePatch{Title: opt.Value("N")}, nil, now)
		if title.Grown(b.m) {
			t.Errorf("%s: it can't be given another title", name)
		}
	}
	b := opened()
	for n := range int64(700) { // one a day, ended by a person
		at := now + n*day
		o := Occurrence{ID: n + 1, MaintenanceID: 1, Planned: at, Start: at, End: at + hour}
		next, _, err := o.Patched(b.m, OccurrencePatch{State: Completed}, at+60)
		if err != nil || next.Grown(b.m) {
			t.Fatalf("day %d: %v, grown: %v", n, err, next.Grown(b.m))
		}
		b.m = next
	}
	if got := b.m.Changed; len(got) != 500 || got[0].Planned != now+200*day {
		t.Errorf("%d changes are kept, from %+v on", len(got), got[0])
	}
	b = opened()
	for n := range int64(300) {
		rule := opt.Value("FREQ=DAILY;INTERVAL=" + []string{"1", "2"}[n%2])
		next, _ := b.m.Patched(MaintenancePatch{Rule: rule, Start: opt.Value(now + n*day)}, nil, now+n*day+60)
		if next.Grown(b.m) {
			t.Fatalf("day %d: grown", n)
		}
		b.m = next
	}
	if len(b.m.Former) != 100 {
		t.Errorf("%d former schedules are kept", len(b.m.Former))
	}
}
