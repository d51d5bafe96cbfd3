package site

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"tocsin/internal/statuspage"
)

// A work is a maintenance that is shown, with what it does to the monitors that are.
type work struct {
	statuspage.Maintenance
	affected []Affected        // in the order of the maintenance's monitors
	spans    []statuspage.Span // when it was on in the days that are shown
}

// worksOf are those of the maintenances that are shown: the ACTIVE ones that concern
// everything, or a monitor that is shown, or concerned such a one that was deleted.
func worksOf(maintenances []statuspage.Maintenance, monitors []statuspage.Monitor, now int64) []work {
	byID := monitorsByID(monitors)
	var shown []work
	for _, m := range maintenances {
		if m.Status != statuspage.MaintenanceActive {
			continue
		}
		w := work{Maintenance: m}
		for _, link := range m.Monitors {
			if of, is := byID[link.MonitorID]; is {
				w.affected = append(w.affected, Affected{MonitorID: of.ID, Tag: of.Tag, Name: of.Name, Status: Status(link.Impact)})
			}
		}
		if m.Global() || len(w.affected) > 0 || m.Orphan == statuspage.OrphanOfPublic {
			w.spans = w.Spans(dayRange(now).From, now+1)
			shown = append(shown, w)
		}
	}
	return shown
}

// on returns what the maintenance does to the monitor, and whether it concerns it.
func (w work) on(monitorID int64) (Status, bool) {
	for _, a := range w.affected {
		if a.MonitorID == monitorID {
			return a.Status, true
		}
	}
	return Status(statuspage.MaintenanceImpact), w.Global()
}

// view is what the pages show of the maintenance, without an occurrence.
func (w work) view() Maintenance {
	m := Maintenance{
		Of: w.ID, Title: w.Title, Description: statuspage.TrimBlank(text(w.Description)), Schedule: w.Schedule, Status: Status(statuspage.MaintenanceImpact),
		Global: w.Global(), Affected: w.affected, Created: w.Created, Updated: w.Updated,
	}
	if len(w.affected) > 0 {
		m.Status = NoData
		for _, a := range w.affected {
			m.Status = m.Status.Worse(a.Status)
		}
	}
	return m
}

// KeptAfter is for how many seconds after its end an occurrence is part of a site.
const KeptAfter = day

// occurrences are what the pages show of those of the occurrences that are part of a site at
// now.
func (w work) occurrences(of []statuspage.Occurrence, now int64) []Maintenance {
	var all []Maintenance
	for _, o := range of {
		if o.End+KeptAfter > now {
			all = append(all, w.occurrence(o, now))
		}
	}
	return all
}

// ended are those of the newest occurrences that have taken place and are over since so many days.
func (w work) ended(days, now int64) []Maintenance {
	var all []Maintenance
	for _, o := range w.Recent {
		if m := w.occurrence(o, now); m.State == statuspage.Completed && m.End > now-days*day {
			all = append(all, m)
		}
	}
	return all
}

func (w work) occurrence(o statuspage.Occurrence, now int64) Maintenance {
	m := w.view()
	m.ID, m.Start, m.End, m.State = o.ID, o.Start, o.End, o.State(now)
	m.Created, m.Updated = o.Created, max(m.Updated, o.Updated)
	return m
}

func sortMaintenances(all []Maintenance) {
	slices.SortFunc(all, func(a, b Maintenance) int { return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.ID, b.ID)) })
}

// windowsOn is what the maintenances do to the monitor, by start.
func windowsOn(works []work, monitorID int64) []statuspage.Window {
	var all []statuspage.Window
	for _, w := range works {
		if effect, on := w.on(monitorID); on {
			for _, s := range w.spans {
				all = append(all, statuspage.Window{From: s.From, To: s.To, Impact: statuspage.Impact(effect)})
			}
		}
	}
	statuspage.SortWindows(all)
	return all
}

// listMaintenances lists those that pages of now may show.
func listMaintenances(ctx context.Context, store Store, now int64) ([]statuspage.Maintenance, error) {
	var all []statuspage.Maintenance
	err := store.MaintenancesSince(ctx, dayRange(now).From, func(m statuspage.Maintenance) bool {
		all = append(all, m)
		return len(all) < MaxMaintenances
	})
	return sortedMaintenances(all), err
}

func sortedMaintenances(all []statuspage.Maintenance) []statuspage.Maintenance {
	slices.SortFunc(all, func(a, b statuspage.Maintenance) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

// mergeMaintenances returns the maintenances, by id: as they are by their keys if the changes
// name them, else as they were listed.
func mergeMaintenances(ctx context.Context, store Store, changes []statuspage.Change, listed []statuspage.Maintenance) ([]statuspage.Maintenance, error) {
	versions := versionsIn(changes, statuspage.RecordMaintenance)
	fresh, err := readFresh(ctx, versions, store.MaintenancesByID, func(m statuspage.Maintenance) int64 { return m.Version })
	if err != nil {
		return nil, err
	}
	all := slices.Collect(maps.Values(fresh))
	for _, m := range listed {
		if _, changed := versions[m.ID]; !changed {
			all = append(all, m)
		}
	}
	return sortedMaintenances(all), nil
}
