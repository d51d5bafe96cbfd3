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
	var h statuspage.History
	for start := q.Days.From; start <= q.Days.To; start += 86400 {
		h.Days = append(h.Days, statuspage.DayTotals{Day: start})
	}
	for _, p := range points {
		day, start := p.Time-p.Time%86400, p.Time-p.Time%3600
		ofDays := day >= q.Days.From && day <= q.Days.To
		if ofDays {
			h.Days[(day-q.Days.From)/86400].Add(p)
		}
		ofHours := start >= q.Hours
		if last := len(h.Hours) - 1; ofHours && (last < 0 || h.Hours[last].Hour != start) {
			h.Hours = append(h.Hours, statuspage.HourTotals{Hour: start})
		}
		if ofHours {
			h.Hours[len(h.Hours)-1].Add(p)
		}
		if ofDays || ofHours {
			h.Newest = &p
		}
	}
	return h, nil
}
