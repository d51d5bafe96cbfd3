package model

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"tocsin/internal/statuspage"
)

func (s *Store) monitor(tag string) (*monitor, error) {
	if m := s.monitors[tag]; m != nil {
		return m, nil
	}
	return nil, statuspage.MonitorNotFound(tag)
}

// Monitor implements apiv4.MonitorStore.
func (s *Store) Monitor(_ context.Context, tag string) (statuspage.Monitor, error) {
	m, err := s.monitor(tag)
	if err != nil {
		return statuspage.Monitor{}, err
	}
	return m.Monitor, nil
}

// Monitors implements apiv4.MonitorStore.
func (s *Store) Monitors(_ context.Context, q statuspage.MonitorQuery, take func(statuspage.Monitor) bool) (int64, error) {
	last := q.After
	for _, m := range slices.SortedFunc(maps.Values(s.monitors), func(a, b *monitor) int { return cmp.Compare(b.ID, a.ID) }) {
		if q.After != 0 && m.ID >= q.After {
			continue
		}
		if q.Matches(m.Monitor) && !take(m.Monitor) {
			return last, nil
		}
		last = m.ID
	}
	return 0, nil
}

// CreateMonitor implements apiv4.MonitorStore.
func (s *Store) CreateMonitor(ctx context.Context, m statuspage.Monitor, now int64, once *statuspage.Once[statuspage.Monitor]) (statuspage.Monitor, error) {
	if s.monitors[m.Tag] != nil {
		return statuspage.Monitor{}, statuspage.MonitorExists(m.Tag)
	}
	made, err := s.reference.Monitor(ctx, m.Tag)
	if err != nil {
		return statuspage.Monitor{}, err
	}
	m.ID, m.Created, m.Updated = made.ID, now, now
	for _, other := range s.monitors {
		if m.ID <= other.ID {
			m.ID = 0 // and that will show
		}
	}
	s.monitors[m.Tag] = &monitor{m, map[int64]*hour{}}
	keep(s, once, m)
	return m, nil
}

// UpdateMonitor implements apiv4.MonitorStore.
func (s *Store) UpdateMonitor(_ context.Context, tag string, p statuspage.MonitorPatch, now int64) (statuspage.Monitor, error) {
	m, err := s.monitor(tag)
	if err != nil {
		return statuspage.Monitor{}, err
	}
	next, err := m.Apply(p, now)
	if err != nil {
		return statuspage.Monitor{}, err
	}
	m.Monitor = next
	if next.Inactive() {
		s.endAlerts(func(a statuspage.Alert) bool { return a.MonitorID == m.ID }, now)
	}
	return next, nil
}

// DeleteMonitor implements apiv4.MonitorStore.
func (s *Store) DeleteMonitor(_ context.Context, tag string, _ int64) error {
	m, err := s.monitor(tag)
	if err != nil {
		return err
	}
	delete(s.monitors, tag)
	delete(s.outages, m.ID)
	for _, i := range s.incidents {
		i.Incident, _ = i.WithoutMonitor(m.ID, m.Public())
	}
	for _, work := range s.maintenances {
		work.Maintenance, _ = work.WithoutMonitor(m.ID, m.Public())
	}
	for path, p := range s.pages {
		s.pages[path], _ = p.WithoutMonitor(m.ID)
	}
	for _, r := range s.rules {
		r.Monitors = slices.DeleteFunc(slices.Clone(r.Monitors), func(a statuspage.RuleMonitor) bool { return a.MonitorID == m.ID })
	}
	maps.DeleteFunc(s.alerts, func(_ int64, a *statuspage.Alert) bool { return a.MonitorID == m.ID })
	return nil
}

// all returns the points that are there at now, by time.
func (m *monitor) all(now int64) []statuspage.Point {
	var points []statuspage.Point
	for _, h := range m.hours {
		if now < h.until {
			points = slices.AppendSeq(points, maps.Values(h.points))
		}
	}
	slices.SortFunc(points, func(a, b statuspage.Point) int { return cmp.Compare(a.Time, b.Time) })
	return points
}

// between returns the points from one second to another, both included.
func (m *monitor) between(from, to, now int64) []statuspage.Point {
	return slices.DeleteFunc(m.all(now), func(p statuspage.Point) bool { return p.Time < from || p.Time > to })
}

// upTo returns the points at or before now.
func (m *monitor) upTo(now int64) []statuspage.Point { return m.between(0, now, now) }

// keptUntil is when the hour of a minute goes after a write at now.
func keptUntil(minute, now int64) int64 {
	const kept = 400 * 86400
	return max(minute-minute%3600, now) + kept
}

func (m *monitor) set(p statuspage.Point, now int64) {
	start := p.Time - p.Time%3600
	h := m.hours[start]
	if h == nil || h.until <= now {
		h = &hour{points: map[int64]statuspage.Point{}}
		m.hours[start] = h
	}
	h.until = keptUntil(p.Time, now)
	h.points[p.Time] = p
}

// RecordPoint is RecordPoints for one.
func (s *Store) RecordPoint(ctx context.Context, tag string, p statuspage.Point, now int64) error {
	return s.RecordPoints(ctx, []statuspage.TaggedPoint{{Tag: tag, Point: p}}, now)[0]
}

// RecordPoints implements apiv4.PointStore.
func (s *Store) RecordPoints(ctx context.Context, points []statuspage.TaggedPoint, now int64) []error {
	errs := make([]error, len(points))
	written := map[string]map[int64]bool{}
	for n, p := range points {
		m, err := s.monitor(p.Tag)
		if err != nil {
			errs[n] = err
			continue
		}
		m.set(p.Point, now)
		if written[p.Tag] == nil {
			written[p.Tag] = map[int64]bool{}
		}
		written[p.Tag][p.Time] = true
	}
	for _, tag := range slices.Sorted(maps.Keys(written)) {
		if err := s.judge(ctx, tag, func(t int64) bool { return written[tag][t] }, now); err != nil {
			return slices.Repeat([]error{err}, len(points))
		}
	}
	return errs
}

// UpdatePoint implements apiv4.PointStore.
func (s *Store) UpdatePoint(ctx context.Context, tag string, minute int64, p statuspage.PointPatch, now int64) (statuspage.Point, error) {
	m, err := s.monitor(tag)
	if err != nil {
		return statuspage.Point{}, err
	}
	old := statuspage.Point{Time: minute, Status: m.DefaultStatusOrUp(), Latency: new(float64)}
	if there := m.between(minute, minute, now); len(there) > 0 {
		old = there[0]
	}
	next := p.Apply(old)
	m.set(next, now)
	return s.overlay(m.ID, now).Point(next), s.judge(ctx, tag, func(t int64) bool { return t == minute }, now)
}

// FillRange implements apiv4.PointStore.
func (s *Store) FillRange(ctx context.Context, tag string, r statuspage.Range, now int64) error {
	m, err := s.monitor(tag)
	if err != nil {
		return err
	}
	for t := r.From; t <= r.To; t += 60 {
		m.set(statuspage.Point{Time: t, Status: r.Status, Latency: new(r.Latency(t)), Source: "MANUAL"}, now)
	}
	return s.judge(ctx, tag, func(t int64) bool { return t >= r.From && t <= r.To }, now)
}

// DeleteRange implements apiv4.PointStore.
func (s *Store) DeleteRange(ctx context.Context, tag string, r statuspage.MinuteRange, now int64) (int64, error) {
	m, err := s.monitor(tag)
	if err != nil {
		return 0, err
	}
	gone := m.between(r.From, r.To, now)
	for _, p := range gone {
		h := m.hours[p.Time-p.Time%3600]
		delete(h.points, p.Time)
		h.until = keptUntil(p.Time, now)
	}
	if r.From > now {
		return int64(len(gone)), nil
	}
	return int64(len(gone)), s.judge(ctx, tag, func(newest int64) bool { return newest <= r.To }, now)
}

// Point implements apiv4.PointStore.
func (s *Store) Point(_ context.Context, tag string, minute, now int64) (statuspage.Point, error) {
	m, err := s.monitor(tag)
	if err != nil {
		return statuspage.Point{}, err
	}
	there := slices.Values(m.between(minute, minute, now))
	for p := range s.overlay(m.ID, now).Over(statuspage.PointQuery{From: minute, To: minute + 60}, there) {
		return p, nil
	}
	return statuspage.Point{}, statuspage.PointNotFound(tag, minute)
}

// Points implements apiv4.PointStore.
func (s *Store) Points(_ context.Context, tag string, q statuspage.PointQuery, now int64, take func(statuspage.Point) bool) (*statuspage.Point, error) {
	m, err := s.monitor(tag)
	if err != nil {
		return nil, err
	}
	points := m.between(q.From, q.To-1, now)
	if q.Newest {
		slices.Reverse(points)
	}
	for p := range s.overlay(m.ID, now).Over(q, slices.Values(points)) {
		if !take(p) {
			return &p, nil
		}
	}
	return nil, nil
}

// DaySoFar implements apilegacy.StatusStore.
func (s *Store) DaySoFar(_ context.Context, tag string, until, now int64) (statuspage.Monitor, statuspage.Totals, *statuspage.Point, error) {
	var totals statuspage.Totals
	var newest *statuspage.Point
	m, err := s.monitor(tag)
	if err != nil {
		return statuspage.Monitor{}, totals, nil, err
	}
	q := statuspage.PointQuery{From: until - until%86400, To: until - until%60 + 60}
	for p := range s.overlay(m.ID, now).Over(q, slices.Values(m.between(q.From, until, now))) {
		totals.Add(p)
		newest = &p
	}
	return m.Monitor, totals, newest, nil
}

// Uptime implements apiv4.PointStore. It counts every point each time.
func (s *Store) Uptime(_ context.Context, tag string, days statuspage.DayRange, now int64) (statuspage.Monitor, []statuspage.DayTotals, error) {
	m, err := s.monitor(tag)
	if err != nil {
		return statuspage.Monitor{}, nil, err
	}
	overlay := s.overlay(m.ID, now)
	var all []statuspage.DayTotals
	for start := days.From; start <= days.To; start += 86400 {
		d := statuspage.DayTotals{Day: start, Totals: overlay.Count(start, start+86400)}
		for _, p := range overlay.Outside(m.between(start, min(start+86399, now), now)) {
			d.Add(p)
		}
		all = append(all, d)
	}
	return m.Monitor, all, nil
}
