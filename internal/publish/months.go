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

// months makes the pages of the months that are not as they were: those in which the incidents
// go on or went on when their pages were put, and those that have begun since the last pass.
// It also returns the first month that has an incident, as far as is known. A page says whether
// there is something before its month: when the first month is touched all are made.
func (t *task) months(ctx context.Context, incidents []output) (made []output, first int64, err error) {
	current := statuspage.FloorMonth(t.now)
	first = t.publisher.mark.First
	if first == 0 || first > current {
		first = current
	}
	wanted := map[int64]bool{}
	add := func(from, to int64) {
		for _, m := range monthsTo(from, min(to, t.now)) {
			wanted[m] = true
		}
	}
	// The page of a month that has ended leads to the next one. It may be put an hour late.
	begun := t.now
	if done := t.publisher.mark.Done; done > 0 {
		begun = min(done, t.now)
	}
	add(begun-2*page.Hourly, current)
	for _, o := range incidents {
		for _, note := range []string{t.publisher.known[o.key].note, o.note} {
			if s, ok := parseSpan(note); ok {
				end := s.end
				if end == 0 {
					end = t.now
				}
				add(s.start, end)
			}
		}
	}
	lowest := slices.Min(slices.Collect(maps.Keys(wanted)))
	whole := lowest <= first
	if whole {
		add(lowest, t.now)
		first = current
	}
	for _, month := range slices.Sorted(maps.Keys(wanted)) {
		m, err := site.LoadMonth(ctx, t.publisher.Store, month, t.now)
		if err != nil {
			return nil, 0, fmt.Errorf("reading a month: %w", err)
		}
		if whole && len(m.Incidents) > 0 {
			first = min(first, month)
		}
		made = append(made, t.monthPages(m)...)
	}
	return made, first, nil
}

func (t *task) monthPages(m site.Month) []output {
	return outputs(page.MonthFiles(t.site, m), statesOf(page.MonthFiles(t.still, m)))
}
