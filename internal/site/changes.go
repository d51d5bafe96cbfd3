package site

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"tocsin/internal/statuspage"
)

// Changed is what was changed in a time.
type Changed struct {
	Incidents []ChangedIncident // by id; also when only a comment was changed
	Monitors  []ChangedMonitor  // by id
}

// Any reports whether something was changed.
func (c Changed) Any() bool { return len(c.Incidents)+len(c.Monitors) > 0 }

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

// Changes reads which incidents and monitors were changed since a time, strongly
// consistent; both are UTC seconds. Minutes that a probe posts are no changes. A change is
// as old as the request that made it, which may have taken half a minute: ask from some time
// before the last look on.
func Changes(ctx context.Context, store Store, since, now int64) (Changed, error) {
	rows, err := store.ChangesSince(ctx, since, now)
	if err != nil {
		return Changed{}, err
	}
	incidents, monitors := map[int64]ChangedIncident{}, map[int64]ChangedMonitor{}
	for _, c := range rows {
		deleted := c.What == statuspage.Deleted
		switch c.Record {
		case statuspage.RecordIncident:
			incidents[c.ID] = ChangedIncident{c.ID, deleted || incidents[c.ID].Deleted}
		case statuspage.RecordMonitor:
			monitors[c.ID] = ChangedMonitor{c.ID, c.Tag, deleted || monitors[c.ID].Deleted}
		}
	}
	return Changed{
		Incidents: slices.SortedFunc(maps.Values(incidents), func(a, b ChangedIncident) int { return cmp.Compare(a.ID, b.ID) }),
		Monitors:  slices.SortedFunc(maps.Values(monitors), func(a, b ChangedMonitor) int { return cmp.Compare(a.ID, b.ID) }),
	}, nil
}
