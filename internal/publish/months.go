package publish

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"tocsin/internal/page"
	"tocsin/internal/site"
	"tocsin/internal/statuspage"
)

// A span is when an incident went on, in UTC seconds; end 0: it has none.
type span struct{ start, end int64 }

func spanOf(i site.Incident) span {
	s := span{start: i.Start}
	if i.End != nil {
		s.end = *i.End
	}
	return s
}

// String is the span as it is noted with a page.
func (s span) String() string { return fmt.Sprintf("%d %d", s.start, s.end) }

// parseSpan reads a note. There is none with a page that is no incident's.
func parseSpan(note string) (s span, ok bool) {
	_, err := fmt.Sscanf(note, "%d %d", &s.start, &s.end)
	return s, err == nil
}

// monthsTo returns the months from one to another, both included.
func monthsTo(from, to int64) []int64 {
	var all []int64
	for m := statuspage.FloorMonth(from); m <= to; m = statuspage.NextMonth(m) {
		all = append(all, m)
	}
	return all
}

// monthsAtOnce is how many months one pass makes the pages of because of changes, and how many
// because of the sweep.
const monthsAtOnce = 24

// wantMonths plans the pages of the months that are not as they were: those in which the
// incidents go on or went on when their pages were put, those that have begun since the last
// pass, and each hour the current one. The plan is kept until the pages are put: the page of an
// incident forgets when it went on before.
func (t *task) wantMonths(incidents []output) {
	current := statuspage.FloorMonth(t.now)
	if t.next.First == 0 || t.next.First > current {
		t.next.First = current
	}
	wanted := map[int64]bool{}
	add := func(from, to int64) {
		for _, m := range monthsTo(from, min(to, t.now)) {
			wanted[m] = true
		}
	}
	for _, o := range incidents {
		if !t.due(o) { // its months were planned when it was put
			continue
		}
		for _, note := range []string{t.known[o.key].note, o.note} {
			if s, ok := parseSpan(note); ok {
				end := s.end
				if end == 0 {
					end = t.now
				}
				add(s.start, end)
			}
		}
	}
	if len(wanted) > 0 {
		// A page says whether there is something before its month.
		if lowest := slices.Min(slices.Collect(maps.Keys(wanted))); lowest <= t.next.First {
			add(lowest, t.next.First)
			t.next.First, t.next.Rising = lowest, true
		}
	}
	for _, m := range t.next.Months {
		wanted[m] = true
	}
	// The page of a month that has ended leads to the next one. It may be put an hour late.
	begun := t.now
	if done := t.mark.Done; done > 0 {
		begun = min(done, t.now)
	}
	if begun -= 2 * page.Hourly; statuspage.FloorMonth(begun) != current || t.moved(t.before.others, page.Hourly) {
		add(max(begun, t.next.First), current)
	}
	// A pass that did not come to its end is made again with this month, which needs no plan.
	t.current = wanted[current]
	delete(wanted, current)
	t.next.Months = slices.Sorted(maps.Keys(wanted))
	slices.Reverse(t.next.Months)
}

// months makes the pages of the newest months of the plan, and those of the months from the
// first one on, up to one that has an incident. It returns the plan when they are put.
func (t *task) months(ctx context.Context) (made []output, next plan, err error) {
	some := t.next.Months[:min(len(t.next.Months), monthsAtOnce)]
	left := monthsAtOnce - len(some)
	of := some
	if t.current {
		of = slices.Concat([]int64{statuspage.FloorMonth(t.now)}, some)
	}
	var keys []string
	for _, month := range of {
		keys = append(keys, t.monthKeys(month)...)
	}
	if t.next.Rising {
		for month, n := t.next.First, 0; month <= t.now && n < left; month, n = statuspage.NextMonth(month), n+1 {
			keys = append(keys, t.monthKeys(month)...)
		}
	}
	if err := t.know(ctx, keys); err != nil {
		return nil, plan{}, err
	}
	for _, month := range of {
		pages, _, err := t.month(ctx, t.shown, month)
		if err != nil {
			return nil, plan{}, err
		}
		made = append(made, pages...)
	}
	next = t.next
	for ; next.Rising && left > 0; left-- {
		pages, any, err := t.month(ctx, t.shown, next.First)
		if err != nil {
			return nil, plan{}, err
		}
		made = append(made, pages...)
		if after := statuspage.NextMonth(next.First); any || after > t.now {
			next.Rising = false
		} else {
			next.First = after
		}
	}
	next.Oldest, next.Months = t.next.Oldest, next.Months[len(some):]
	if len(next.Months) == 0 {
		next.Months = nil
	}
	return unique(made), next, nil
}

// unique are the files, each once.
func unique(files []output) []output {
	seen := map[string]bool{}
	return slices.DeleteFunc(files, func(o output) bool {
		was := seen[o.key]
		seen[o.key] = true
		return was
	})
}

// month makes the pages of a month, and reports whether an incident was in it.
func (t *task) month(ctx context.Context, shown site.Shown, month int64) (made []output, any bool, err error) {
	m, err := shown.LoadMonth(ctx, t.Store, month, t.now)
	if err != nil {
		return nil, false, fmt.Errorf("reading a month: %w", err)
	}
	if t.next.Oldest == 0 || month < t.next.Oldest {
		t.next.Oldest = month
	}
	made = outputs(page.MonthFiles(t.site, m), statesOf(page.MonthFiles(t.still, m)))
	return t.withDays(month, made), len(m.Incidents) > 0, nil
}

// byDay is the note of the pages of a month whose days have, or had, pages too.
const byDay = "by day"

// withDays notes with the pages of a month that its days have pages. If they had, and some of them
// have no more, there are files in place of these.
func (t *task) withDays(month int64, made []output) []output {
	keys := t.monthKeys(month)
	if len(made) == len(keys) && t.known[keys[0]].note != byDay {
		return made
	}
	is := map[string]bool{}
	for n := range made {
		is[made[n].key] = true
		if slices.Contains(keys, made[n].key) {
			made[n].note = byDay
		}
	}
	var gone []page.File
	for _, path := range page.DayPaths(t.site, month) {
		if key, ok := Key(path); ok && !is[key] {
			gone = append(gone, page.NotFound(t.site, path))
		}
	}
	return append(made, t.over(gone)...)
}

// monthKeys are the keys of the month's pages, in all languages.
func (t *task) monthKeys(month int64) []string { return keysOfPaths(page.MonthPaths(t.site, month)) }

func keysOfPaths(paths []string) []string {
	var keys []string
	for _, path := range paths {
		if key, ok := Key(path); ok {
			keys = append(keys, key)
		}
	}
	return keys
}
