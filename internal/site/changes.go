package site

import (
	"cmp"
	"maps"
	"slices"

	"tocsin/internal/statuspage"
)

// Changed is what was changed in a time.
type Changed struct {
	Incidents []ChangedIncident // by id; also when only a comment was changed
	Monitors  []ChangedMonitor  // by id

	Maintenances []ChangedMaintenance // by id; also when only an occurrence was changed
}

// Any reports whether something was changed.
func (c Changed) Any() bool { return len(c.Incidents)+len(c.Monitors)+len(c.Maintenances) > 0 }

// A ChangedIncident is an incident that was changed. It may be one that is not shown.
type ChangedIncident struct {
	ID      int64
	Deleted bool
}

// A ChangedMonitor is a monitor that was changed. It may be one that is not shown.
type ChangedMonitor struct {
	ID      int64
	Tag     string
	Deleted bool // the one with this id; there may be another one with the tag
}

// A ChangedMaintenance is a maintenance that was changed. It may be one that is not shown.
type ChangedMaintenance struct {
	ID          int64
	Deleted     bool
	Occurrences []int64 // that were changed or deleted by themselves
}

// ChangedIn returns which incidents, monitors and maintenances the changes are about. Minutes that a probe
// posts are no changes.
func ChangedIn(changes []statuspage.Change) Changed {
	incidents, monitors, maintenances := map[int64]ChangedIncident{}, map[int64]ChangedMonitor{}, map[int64]ChangedMaintenance{}
	for _, c := range changes {
		deleted := c.What == statuspage.Deleted
		switch c.Record {
		case statuspage.RecordIncident:
			incidents[c.ID] = ChangedIncident{c.ID, deleted || incidents[c.ID].Deleted}
		case statuspage.RecordMonitor:
			monitors[c.ID] = ChangedMonitor{c.ID, c.Tag, deleted || monitors[c.ID].Deleted}
		case statuspage.RecordMaintenance:
			was := maintenances[c.ID]
			was.ID, was.Deleted = c.ID, deleted || was.Deleted
			if c.OccurrenceID != 0 {
				was.Occurrences = append(was.Occurrences, c.OccurrenceID)
			}
			maintenances[c.ID] = was
		}
	}
	return Changed{
		Incidents: slices.SortedFunc(maps.Values(incidents), func(a, b ChangedIncident) int { return cmp.Compare(a.ID, b.ID) }),
		Monitors:  slices.SortedFunc(maps.Values(monitors), func(a, b ChangedMonitor) int { return cmp.Compare(a.ID, b.ID) }),

		Maintenances: slices.SortedFunc(maps.Values(maintenances), func(a, b ChangedMaintenance) int { return cmp.Compare(a.ID, b.ID) }),
	}
}
