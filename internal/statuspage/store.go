package statuspage

import "context"

// The interfaces of a repository are in the packages that use them: apiv4, apilegacy, web
// and those of the jobs. Here are the queries that more than one uses, and the interface
// for imports.

// A Precondition reports whether the incident is as a writer expects it. The write takes
// effect only if the incident is still the one that it was called with. Nil expects
// nothing.
type Precondition func(Incident) bool

// IncidentQuery says which incidents a list holds.
type IncidentQuery struct {
	From, To int64    // bounds of the start, inclusive, UTC seconds
	Tags     []string // any of them; nil: no filter, empty: nothing matches
	Open     *bool    // nil: open and closed ones
	After    *IncidentPosition
	Limit    int // how many incidents take will accept at most
}

// IncidentPosition is the place of an incident in a list.
type IncidentPosition struct {
	Start, ID int64
}

// CommentQuery says which part of a comment list is asked for.
type CommentQuery struct {
	After *CommentPosition
	Limit int
}

// CommentPosition is the place of a comment in its incident's list.
type CommentPosition struct {
	Time, ID int64
}

// MonitorQuery says which monitors a list holds. An empty text is no filter.
type MonitorQuery struct {
	Status, Category, Type, Hidden string
	After                          int64 // an id; 0: from the start
	Limit                          int
}

// Matches reports whether the monitor passes the filters.
func (q MonitorQuery) Matches(m Monitor) bool {
	return matches(q.Status, m.Status) && matches(q.Category, m.Category) &&
		matches(q.Type, m.Type) && matches(q.Hidden, m.Hidden)
}

func matches(want string, have *string) bool {
	return want == "" || have != nil && *have == want
}

// AlertRuleQuery says which part of the list of rules is asked for.
type AlertRuleQuery struct {
	After int64 // an id; 0: from the start
	Limit int
}

// AlertQuery says which alerts a list holds. An empty text and 0 are no filter.
type AlertQuery struct {
	Tag    string // of a monitor
	State  AlertState
	RuleID int64
	After  int64 // an id; 0: from the start
	Limit  int

	IntegrationID int64
}

// Filtered reports whether Matches passes over some alerts.
func (q AlertQuery) Filtered() bool { return q.State != "" || q.RuleID != 0 || q.IntegrationID != 0 }

// Matches reports whether the alert passes the filters by state, rule and integration.
func (q AlertQuery) Matches(a Alert) bool {
	return (q.State == "" || q.State == a.State) && (q.RuleID == 0 || q.RuleID == a.RuleID) &&
		(q.IntegrationID == 0 || a.Signal != nil && q.IntegrationID == a.Signal.IntegrationID)
}

// KeyQuery says which part of the list of keys is asked for.
type KeyQuery struct {
	After int64 // an id; 0: from the start
	Limit int
}

// ImportStore takes records from elsewhere as they are: with their ids and times, and
// without a rule being asked. Everything it makes is made only where there is nothing,
// so that an import that was interrupted goes on when it is done again.
type ImportStore interface {
	// BeginImport marks the repository as being filled from the source, or returns the
	// mark that is there when it is the same source's. It returns ErrImportNotEmpty
	// when there are records from elsewhere, or ErrImportHasKeys when withKeys says that
	// API keys are to come and there are some. Only an error is returned of a mark of
	// another source.
	BeginImport(ctx context.Context, source string, withKeys bool, now int64) (Import, error)

	// RaiseIDs makes every record that is created from then on have a greater id.
	RaiseIDs(ctx context.Context, last LastIDs) error

	// ImportMonitor makes a monitor, and reports whether there was none with its tag.
	ImportMonitor(ctx context.Context, m Monitor) (made bool, err error)

	// ImportPoints sets the points of one UTC hour of the monitor with the id, which is
	// not imported before its points are there, and reports whether there were none in
	// that hour.
	ImportPoints(ctx context.Context, monitorID int64, points []Point, now int64) (made bool, err error)

	// ImportIncident makes an incident, with its links to monitors that are there and
	// after its comments, and reports whether there was none with its id.
	ImportIncident(ctx context.Context, i Incident, comments []Comment) (made bool, err error)

	// ImportMaintenance makes a maintenance, with its links to monitors that are there and
	// after its occurrences, and reports whether there was none with its id.
	ImportMaintenance(ctx context.Context, m Maintenance, occurrences []Occurrence, now int64) (made bool, err error)

	// ImportPage makes a page, home too, and reports whether there was none with its path.
	ImportPage(ctx context.Context, p Page) (made bool, err error)

	// ImportSiteSetting sets a setting, and reports whether it was not set.
	ImportSiteSetting(ctx context.Context, s SiteSetting) (made bool, err error)

	// FinishImport notes that all of the source is there.
	FinishImport(ctx context.Context, source string, now int64) error
}
