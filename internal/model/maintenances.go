package model

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"tocsin/internal/statuspage"
)

type maintenance struct {
	statuspage.Maintenance
	occurrences map[int64]*statuspage.Occurrence
}

func (s *Store) maintenance(id int64) (*maintenance, error) {
	if m := s.maintenances[id]; m != nil {
		return m, nil
	}
	return nil, statuspage.MaintenanceNotFound(id)
}

// windows are what maintenances do to the monitor from a second up to now, by start.
func (s *Store) windows(monitorID, from, now int64) []statuspage.Window {
	var windows []statuspage.Window
	for _, m := range s.maintenances {
		windows = append(windows, m.Windows(monitorID, from, now+1)...)
	}
	statuspage.SortWindows(windows)
	return windows
}

// overlay is what maintenances make of the monitor's minutes up to now.
func (s *Store) overlay(monitorID, now int64) statuspage.Overlay {
	return statuspage.OverlayOf(s.windows(monitorID, 0, now), now)
}

// judged is the overlay that rules are judged with: maintenances of long ago matter to none.
func (s *Store) judged(monitorID, now int64) statuspage.Overlay {
	return statuspage.OverlayOf(s.windows(monitorID, now-90*86400, now), now)
}

// Maintenance implements apiv4.MaintenanceStore.
func (s *Store) Maintenance(_ context.Context, id int64) (statuspage.Maintenance, error) {
	m, err := s.maintenance(id)
	if err != nil {
		return statuspage.Maintenance{}, err
	}
	return m.Maintenance, nil
}

// names reports whether the maintenance names a monitor that has one of the tags now.
func (s *Store) names(m *maintenance, tags []string) bool {
	return slices.ContainsFunc(m.Monitors, func(a statuspage.AffectedMonitor) bool {
		return slices.Contains(tags, a.Tag) && s.monitors[a.Tag] != nil && s.monitors[a.Tag].ID == a.MonitorID
	})
}

// Maintenances implements apiv4.MaintenanceStore.
func (s *Store) Maintenances(_ context.Context, q statuspage.MaintenanceQuery, take func(statuspage.Maintenance) bool) (int64, error) {
	last := q.After
	for _, m := range falling(s.maintenances) {
		if q.After != 0 && m.ID >= q.After || q.Tag != "" && !s.names(m, []string{q.Tag}) {
			continue
		}
		if (q.Status == "" || m.Status == q.Status) && !take(m.Maintenance) {
			return last, nil
		}
		last = m.ID
	}
	return 0, nil
}

// CreateMaintenance implements apiv4.MaintenanceStore.
func (s *Store) CreateMaintenance(ctx context.Context, n statuspage.NewMaintenance, now int64, once *statuspage.Once[statuspage.Maintenance]) (statuspage.Maintenance, error) {
	if err := n.Check(); err != nil {
		return statuspage.Maintenance{}, err
	}
	monitors, err := s.resolve(n.Monitors)
	if err != nil {
		return statuspage.Maintenance{}, err
	}
	var id int64
	_, err = s.reference.Maintenances(ctx, statuspage.MaintenanceQuery{Limit: 1}, func(made statuspage.Maintenance) bool {
		id = max(id, made.ID)
		return false
	})
	if err != nil {
		return statuspage.Maintenance{}, err
	}
	m := &maintenance{n.Opened(fresh(s.maintenances, id), monitors, now), map[int64]*statuspage.Occurrence{}}
	s.maintenances[m.ID] = m
	if _, err := s.makeDue(ctx, m, now); err != nil {
		return statuspage.Maintenance{}, err
	}
	keep(s, once, m.Maintenance)
	return m.Maintenance, nil
}

// makeDue makes the occurrences that are due, as many as are made at once, under the ids that
// they have in the reference.
func (s *Store) makeDue(ctx context.Context, m *maintenance, now int64) (made int, err error) {
	due := m.Due(now)
	if len(due) == 0 {
		return 0, nil
	}
	list, err := s.reference.OccurrencesOf(ctx, m.ID, statuspage.OccurrenceQuery{Limit: statuspage.MaxOccurrencesCounted}, now)
	if err != nil {
		return 0, err
	}
	ids := make([]int64, len(due))
	for n, at := range due {
		for _, o := range list.Found {
			if o.Planned == at && m.occurrences[o.ID] == nil {
				ids[n] = o.ID
			}
		}
	}
	var all []statuspage.Occurrence
	m.Maintenance, all = m.WithOccurrences(ids, due, now)
	for _, o := range all {
		m.occurrences[o.ID] = &o
	}
	return len(due), nil
}

// makeByClock is makeDue as a write of its own.
func (s *Store) makeByClock(ctx context.Context, m *maintenance, now int64) (made int, err error) {
	if made, err = s.makeDue(ctx, m, now); made > 0 {
		m.Version++
	}
	return made, err
}

// MakeOccurrences makes what is due of all maintenances, as runs of internal/jobs/occurrences
// do, and returns how much.
func (s *Store) MakeOccurrences(ctx context.Context, now int64) (made int, err error) {
	for _, m := range s.maintenances {
		for {
			n, err := s.makeByClock(ctx, m, now)
			if err != nil || n == 0 {
				if err != nil {
					return made, err
				}
				break
			}
			made += n
		}
	}
	return made, nil
}

// UpdateMaintenance implements apiv4.MaintenanceStore.
func (s *Store) UpdateMaintenance(ctx context.Context, id int64, p statuspage.MaintenancePatch, now int64, expected statuspage.MaintenancePrecondition) (statuspage.Maintenance, error) {
	m, err := s.maintenance(id)
	if err != nil {
		return statuspage.Maintenance{}, err
	}
	asked, err := s.resolve(p.Monitors.Or(nil))
	if err != nil {
		return statuspage.Maintenance{}, err
	}
	if expected != nil && !expected(m.Maintenance) {
		return statuspage.Maintenance{}, statuspage.ErrMaintenanceChanged
	}
	for m.Missed(now) {
		if _, err := s.makeByClock(ctx, m, now); err != nil {
			return statuspage.Maintenance{}, err
		}
	}
	next, gone := m.Patched(p, asked, now)
	if err := next.Check(); err != nil {
		return statuspage.Maintenance{}, err
	}
	m.Maintenance = next
	for _, o := range gone {
		delete(m.occurrences, o.ID)
	}
	_, err = s.makeDue(ctx, m, now)
	return m.Maintenance, err
}

// DeleteMaintenance implements apiv4.MaintenanceStore.
func (s *Store) DeleteMaintenance(_ context.Context, id int64, _ int64, expected statuspage.MaintenancePrecondition) error {
	m, err := s.maintenance(id)
	if err != nil {
		return err
	}
	if expected != nil && !expected(m.Maintenance) {
		return statuspage.ErrMaintenanceChanged
	}
	delete(s.maintenances, id)
	return nil
}

func (s *Store) occurrence(maintenanceID, id int64) (*maintenance, *statuspage.Occurrence, error) {
	m, err := s.maintenance(maintenanceID)
	if err != nil {
		return nil, nil, err
	}
	if o := m.occurrences[id]; o != nil {
		return m, o, nil
	}
	return nil, nil, statuspage.OccurrenceNotFound(id)
}

// Occurrence implements apiv4.OccurrenceStore.
func (s *Store) Occurrence(_ context.Context, maintenanceID, id int64) (statuspage.Occurrence, error) {
	_, o, err := s.occurrence(maintenanceID, id)
	if err != nil {
		return statuspage.Occurrence{}, err
	}
	return *o, nil
}

// UpdateOccurrence implements apiv4.OccurrenceStore.
func (s *Store) UpdateOccurrence(ctx context.Context, maintenanceID, id int64, p statuspage.OccurrencePatch, now int64, expected statuspage.OccurrencePrecondition) (statuspage.Occurrence, error) {
	m, o, err := s.occurrence(maintenanceID, id)
	if err != nil {
		return statuspage.Occurrence{}, err
	}
	if expected != nil && !expected(*o) {
		return statuspage.Occurrence{}, statuspage.ErrOccurrenceChanged
	}
	next, changed, err := o.Patched(m.Maintenance, p, now)
	if err != nil {
		return statuspage.Occurrence{}, err
	}
	m.Maintenance, *o = next, changed
	_, err = s.makeDue(ctx, m, now)
	return changed, err
}

// DeleteOccurrence implements apiv4.OccurrenceStore.
func (s *Store) DeleteOccurrence(ctx context.Context, maintenanceID, id, now int64, expected statuspage.OccurrencePrecondition) error {
	m, o, err := s.occurrence(maintenanceID, id)
	if err != nil {
		return err
	}
	if expected != nil && !expected(*o) {
		return statuspage.ErrOccurrenceChanged
	}
	m.Maintenance = m.WithoutOccurrence(*o, now)
	delete(m.occurrences, id)
	_, err = s.makeDue(ctx, m, now)
	return err
}

// sorted are the occurrences of all maintenances, or of one, by start, then id.
func (s *Store) sorted(maintenanceID int64) []statuspage.ListedOccurrence {
	var all []statuspage.ListedOccurrence
	for id, m := range s.maintenances {
		for _, o := range m.occurrences {
			if maintenanceID == 0 || maintenanceID == id {
				all = append(all, statuspage.ListedOccurrence{Occurrence: *o, Maintenance: m.Maintenance})
			}
		}
	}
	slices.SortFunc(all, func(a, b statuspage.ListedOccurrence) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.ID, b.ID))
	})
	return all
}

// Occurrences implements apiv4.OccurrenceStore.
func (s *Store) Occurrences(_ context.Context, q statuspage.OccurrenceQuery, now int64) (statuspage.OccurrenceList, error) {
	var list statuspage.OccurrenceList
	for _, o := range s.sorted(q.MaintenanceID) {
		if o.Start < q.From || q.State != "" && o.State(now) != q.State || q.Tags != nil && !s.names(s.maintenances[o.MaintenanceID], q.Tags) {
			continue
		}
		if list.Total++; list.Total > q.Skip && len(list.Found) < q.Limit {
			list.Found = append(list.Found, o)
		}
	}
	return list, nil
}

// OccurrencesOf implements apiv4.OccurrenceStore.
func (s *Store) OccurrencesOf(ctx context.Context, maintenanceID int64, q statuspage.OccurrenceQuery, now int64) (statuspage.OccurrenceList, error) {
	if _, err := s.maintenance(maintenanceID); err != nil {
		return statuspage.OccurrenceList{}, err
	}
	q.MaintenanceID = maintenanceID
	return s.Occurrences(ctx, q, now)
}

// MaintenancesSince implements site.Store.
func (s *Store) MaintenancesSince(_ context.Context, since int64, take func(statuspage.Maintenance) bool) error {
	for _, m := range slices.SortedFunc(maps.Values(s.maintenances), func(a, b *maintenance) int {
		return cmp.Or(cmp.Compare(b.LastEnd(), a.LastEnd()), cmp.Compare(b.ID, a.ID))
	}) {
		if m.LastEnd() >= since && !take(m.Maintenance) {
			return nil
		}
	}
	return nil
}

// MaintenancesByID implements site.Store.
func (s *Store) MaintenancesByID(_ context.Context, ids []int64) (map[int64]statuspage.Maintenance, error) {
	found := map[int64]statuspage.Maintenance{}
	for _, id := range ids {
		if m := s.maintenances[id]; m != nil {
			found[id] = m.Maintenance
		}
	}
	return found, nil
}

// OccurrencesByID implements site.Store.
func (s *Store) OccurrencesByID(_ context.Context, maintenanceID int64, ids []int64) (map[int64]statuspage.Occurrence, error) {
	found := map[int64]statuspage.Occurrence{}
	for _, id := range ids {
		if _, o, err := s.occurrence(maintenanceID, id); err == nil {
			found[id] = *o
		}
	}
	return found, nil
}

// OccurrencesBefore implements site.Store.
func (s *Store) OccurrencesBefore(_ context.Context, maintenanceID int64, before statuspage.OccurrencePosition, take func(statuspage.Occurrence) bool) error {
	for _, o := range slices.Backward(s.sorted(maintenanceID)) {
		if (o.Start < before.Start || o.Start == before.Start && o.ID < before.ID) && !take(o.Occurrence) {
			return nil
		}
	}
	return nil
}
