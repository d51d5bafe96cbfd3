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
func (s *Store) NewestComments(_ context.Context, incidentID int64, limit int) ([]statuspage.Comment, error) {
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

// ChangesSince implements site.Store. The model keeps no change rows, and none of its lists
// lags.
func (s *Store) ChangesSince(context.Context, int64, int64) ([]statuspage.Change, error) {
	return nil, nil
}

// History implements site.Store. It counts every point each time.
func (s *Store) History(_ context.Context, monitorID int64, q statuspage.HistoryQuery, now int64) (statuspage.History, error) {
	var points []statuspage.Point
	for _, m := range s.monitors {
		if m.ID == monitorID {
			points = m.upTo(now)
		}
	}
	overlay := statuspage.OverlayOf(q.Windows, now)
	within := func(from, to int64) (t statuspage.Totals) {
		t = overlay.Count(from, to)
		for _, p := range overlay.Outside(points) {
			if p.Time >= from && p.Time < to {
				t.Add(p)
			}
		}
		return t
	}
	var h statuspage.History
	for start := q.Days.From; start <= q.Days.To; start += 86400 {
		h.Days = append(h.Days, statuspage.DayTotals{Day: start, Totals: within(start, start+86400)})
	}
	for start := q.Hours; start <= now; start += 3600 {
		if t := within(start, start+3600); t.Minutes() > 0 {
			h.Hours = append(h.Hours, statuspage.HourTotals{Hour: start, Totals: t})
		}
	}
	for _, p := range points {
		if day := p.Time - p.Time%86400; day >= q.Days.From && day <= q.Days.To || p.Time >= q.Hours {
			h.Newest = &p
		}
	}
	return h, nil
}
