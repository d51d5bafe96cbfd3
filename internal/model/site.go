package model

import (
	"cmp"
	"context"
	"slices"

	"tocsin/internal/site"
	"tocsin/internal/statuspage"
)

var _ site.Store = (*Store)(nil)

// NewestComments implements site.Store.
func (s *Store) NewestComments(ctx context.Context, incidentID int64, limit int) ([]statuspage.Comment, error) {
	var all []statuspage.Comment
	if i := s.incidents[incidentID]; i != nil {
		for _, c := range i.comments {
			all = append(all, *c)
		}
	}
	slices.SortFunc(all, func(a, b statuspage.Comment) int {
		return cmp.Or(cmp.Compare(b.Time, a.Time), cmp.Compare(b.ID, a.ID))
	})
	return all[:min(len(all), limit)], nil
}

// ChangesSince implements site.Store. The model keeps no change rows and none of its lists
// lags.
func (s *Store) ChangesSince(context.Context, int64, int64) ([]statuspage.Change, error) {
	return nil, nil
}

// History implements site.Store. It counts every point each time.
func (s *Store) History(_ context.Context, monitorID int64, q statuspage.HistoryQuery, now int64) (statuspage.History, error) {
	var h statuspage.History
	var points []statuspage.Point
	for _, m := range s.monitors {
		if m.ID == monitorID {
			points = m.between(q.Days.From, now, now)
		}
	}
	for start := q.Days.From; start <= q.Days.To; start += 86400 {
		d := statuspage.DayTotals{Day: start}
		for _, p := range points {
			if p.Time-p.Time%86400 == start {
				d.Add(p)
			}
		}
		h.Days = append(h.Days, d)
	}
	for n, p := range points {
		h.Newest = &points[n]
		start := p.Time - p.Time%3600
		if start < q.Hours {
			continue
		}
		if last := len(h.Hours) - 1; last < 0 || h.Hours[last].Hour != start {
			h.Hours = append(h.Hours, statuspage.HourTotals{Hour: start})
		}
		h.Hours[len(h.Hours)-1].Add(p)
	}
	return h, nil
}
