package closer

import (
	"context"

	"tocsin/internal/statuspage"
)

// Store is what a run needs of a repository. What package apiv4 says of stores holds here
// too.
type Store interface {
	StateStore
	IncidentStore
	CleanupStore
	TotalsStore
}

// StateStore keeps how far the closer has come.
type StateStore interface {
	CloserState(ctx context.Context) (statuspage.CloserState, error)

	// SaveCloserState keeps the state, unless another was kept since it was read, and
	// returns the one that is kept.
	SaveCloserState(ctx context.Context, st statuspage.CloserState) (kept statuspage.CloserState, saved bool, err error)
}

// IncidentStore reads incidents and the facts of their monitors, and writes what was
// decided.
type IncidentStore interface {
	// OpenIncidents returns open incidents by start, then id, rising, and where the next
	// page starts, nil at the end. It follows a write within moments. unreadable are the
	// errors of records that are passed over.
	OpenIncidents(ctx context.Context, after *statuspage.IncidentPosition, limit int) (open []statuspage.Incident, next *statuspage.IncidentPosition, unreadable []error, err error)

	// IncidentsByID returns the incidents with the ids; one that does not exist is missing.
	IncidentsByID(ctx context.Context, ids []int64) (map[int64]statuspage.Incident, error)

	// InactiveMonitors returns the ids of those of the monitors with these tags that are
	// INACTIVE. Its reads are strongly consistent.
	InactiveMonitors(ctx context.Context, tags []string) (map[int64]bool, error)

	// MonitorFacts reads the facts of a monitor at now, as far back as incidents need
	// them that start at since (UTC seconds) or later.
	MonitorFacts(ctx context.Context, monitorID, since, now int64) (statuspage.MonitorFacts, error)

	// SignalsOf returns the marks of the alerts of integrations that are open and have the incident.
	// It follows a write within moments.
	SignalsOf(ctx context.Context, incidentID int64) ([]statuspage.SignalMark, error)

	// CommentIDs draws so many ids of comments, one after another, and returns the first.
	CommentIDs(ctx context.Context, n int) (int64, error)

	// AutoClose writes a closing or a warning together with its comment.
	AutoClose(ctx context.Context, c statuspage.AutoClosing, now int64) (statuspage.Outcome, error)
}

// CleanupStore finishes deletions that were interrupted or left for later.
type CleanupStore interface {
	// PendingCleanups names the deletions that Cleanup has to finish. due says that it has
	// something to do: for these, or to look once more for the rows of a deleted monitor.
	PendingCleanups(ctx context.Context, now int64) (names []string, due bool, err error)

	// Cleanup works through the deletions still to finish until none is left or ctx
	// ends, and returns how many it finished. Two at once do no harm.
	Cleanup(ctx context.Context, now int64) (finished int, err error)
}

// TotalsStore has the monitors and their day totals.
type TotalsStore interface {
	// Monitors is that of apiv4.MonitorStore.
	Monitors(ctx context.Context, q statuspage.MonitorQuery, take func(statuspage.Monitor) bool) (after int64, err error)

	// MissingTotals returns which of the last so many UTC days that are over, and which of
	// the earlier ones that something was written to since, have no totals of the monitor,
	// and makes those unless look is set.
	MissingTotals(ctx context.Context, m statuspage.Monitor, days int, look bool, now int64) ([]int64, error)
}
