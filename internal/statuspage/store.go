package statuspage

import "context"

// The Store interfaces, and those of the jobs, are the contract with a repository. They
// hold for all of them:
//
//   - A write is whole or not at all, and two writers at once lose nothing.
//   - A write whose answer was lost on the way and that is sent again by the
//     repository itself takes effect once and answers as if nothing had been lost.
//   - Reads are strongly consistent, but for Incidents without tags, SearchIncidents
//     and APIKeys, which follow a write within moments.
//   - A creation that is given a Once keeps its reply with what it makes, or returns
//     ErrIdempotencyRunning and makes nothing when the claim has ended. Nil is for a
//     request that is not idempotent.
//   - A failure that a client may be told of is an *Error; throttling and conflicts
//     that outlast the retries are Unavailable. Any other error is internal.
//   - now is the time of the request in UTC seconds, read once by the caller.

// IncidentStore keeps incidents.
type IncidentStore interface {
	// Incident returns the incident, or IncidentNotFound.
	Incident(ctx context.Context, id int64) (Incident, error)

	// Incidents calls take with each incident that matches, newest start first,
	// then id falling, until take refuses one, the list ends, or the repository has
	// read as many rows as one page may cost. It returns where the next page
	// starts, nil when the list has ended: after the last incident taken or passed
	// over, so that one that was refused comes first on the next page.
	Incidents(ctx context.Context, q IncidentQuery, take func(Incident) bool) (*IncidentPosition, error)

	// CreateIncident makes an open incident in state INVESTIGATING. It returns
	// UnknownMonitor for a tag without a monitor, or ErrEndBeforeStart.
	CreateIncident(ctx context.Context, n NewIncident, now int64, once *Once[Incident]) (Incident, error)

	// UpdateIncident applies the patch. It returns IncidentNotFound, UnknownMonitor,
	// ErrEndBeforeStart or, when the incident is not as expected, ErrIncidentChanged,
	// in this order.
	UpdateIncident(ctx context.Context, id int64, p IncidentPatch, now int64, expected Precondition) (Incident, error)

	// DeleteIncident removes the incident with its comments and its links to
	// monitors. From its return on nothing of it is visible, also when a crash
	// leaves rows behind, which Cleanup removes. It returns IncidentNotFound, or
	// ErrIncidentChanged when the incident is not as expected.
	DeleteIncident(ctx context.Context, id int64, now int64, expected Precondition) error
}

// LegacyStore is the legacy API's way to the incidents and comments of the other
// stores.
type LegacyStore interface {
	// LegacyIncident returns the incident with its body, or IncidentNotFound.
	LegacyIncident(ctx context.Context, id int64) (LegacyIncident, error)

	// SearchIncidents returns the incidents that the query finds. It follows a write
	// within moments. It returns ErrSearchTooWide when it would have to read more than
	// a search may cost.
	SearchIncidents(ctx context.Context, q LegacyQuery) ([]LegacyIncident, error)

	// ReportIncident makes an incident. It returns ErrUnknownTags.
	ReportIncident(ctx context.Context, r LegacyReport, now int64, once *Once[LegacyIncident]) (LegacyIncident, error)

	// ReplaceIncident makes the incident what the report says. It returns
	// ErrUnknownTags or IncidentNotFound, in this order.
	ReplaceIncident(ctx context.Context, id int64, r LegacyReport, now int64) (LegacyIncident, error)

	// CheckTags returns ErrUnknownTags when one of the tags has no monitor.
	CheckTags(ctx context.Context, tags []string) error

	// ProgressIncident applies the progress, or returns IncidentNotFound.
	ProgressIncident(ctx context.Context, id int64, p LegacyProgress, now int64, once *Once[LegacyIncident]) (LegacyIncident, error)

	// AddNote adds a comment that takes its incident's state and changes nothing of it but
	// the time of its update.
	// It returns IncidentNotFound.
	AddNote(ctx context.Context, incidentID int64, text string, now int64, once *Once[Comment]) (Comment, error)

	// Notes calls take with each comment of the incident, the last made first, until
	// take refuses one. It returns IncidentNotFound.
	Notes(ctx context.Context, incidentID int64, take func(Comment) bool) error
}

// A Precondition reports whether the incident is as a writer expects it. The write
// takes effect only on the very incident that it was asked about. Nil expects
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

// CommentStore keeps comments.
type CommentStore interface {
	// Comment returns a comment of the incident, or IncidentNotFound or
	// CommentNotFound.
	Comment(ctx context.Context, incidentID, id int64) (Comment, error)

	// Comments calls take with each comment of the incident, newest time first, then
	// id falling, as IncidentStore.Incidents does. It returns IncidentNotFound.
	Comments(ctx context.Context, incidentID int64, q CommentQuery, take func(Comment) bool) (*CommentPosition, error)

	// CreateComment adds a comment and makes its incident follow, see Incident.Commented.
	// It returns IncidentNotFound or ErrCommentBeforeStart.
	CreateComment(ctx context.Context, incidentID int64, n NewComment, now int64, once *Once[Comment]) (Comment, error)

	// UpdateComment applies the patch; the incident does not follow. It returns
	// IncidentNotFound or CommentNotFound.
	UpdateComment(ctx context.Context, incidentID, id int64, p CommentPatch, now int64) (Comment, error)

	// DeleteComment hides the comment for good; the incident does not follow. It
	// returns IncidentNotFound or CommentNotFound.
	DeleteComment(ctx context.Context, incidentID, id int64, now int64) error
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

// MonitorStore keeps monitors.
type MonitorStore interface {
	// Monitor returns the monitor, or MonitorNotFound.
	Monitor(ctx context.Context, tag string) (Monitor, error)

	// Monitors calls take with each monitor that matches, id falling, as
	// IncidentStore.Incidents does. The next page starts after the id returned, 0
	// when the list has ended.
	Monitors(ctx context.Context, q MonitorQuery, take func(Monitor) bool) (after int64, err error)

	// CreateMonitor makes the monitor; its id, times and version are set by the
	// repository. It returns MonitorExists.
	CreateMonitor(ctx context.Context, m Monitor, now int64, once *Once[Monitor]) (Monitor, error)

	// UpdateMonitor applies the patch. It returns MonitorNotFound or
	// ErrMonitorTooLarge.
	UpdateMonitor(ctx context.Context, tag string, p MonitorPatch, now int64) (Monitor, error)

	// DeleteMonitor removes the monitor and all that hangs on it, or returns
	// MonitorNotFound. From its return on the tag is free; its place in incidents
	// and its rows follow, at once when they are few, else by Cleanup.
	DeleteMonitor(ctx context.Context, tag string, now int64) error
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

// PointStore keeps what is known of monitors minute by minute. A point that is kept
// for 400 days after its minute, and after its writing, counts as absent from then
// on. All methods return MonitorNotFound for a tag without a monitor.
type PointStore interface {
	// RecordPoint sets the point of its minute.
	RecordPoint(ctx context.Context, tag string, p Point, now int64) error

	// RecordPoints sets many, also of different monitors. errs has one error a point,
	// nil for those that were set. Of two for the same minute the last one stands.
	RecordPoints(ctx context.Context, points []TaggedPoint, now int64) (errs []error)

	// UpdatePoint changes the point of the minute, or makes it.
	UpdatePoint(ctx context.Context, tag string, minute int64, p PointPatch, now int64) (Point, error)

	// FillRange sets the point of every minute of the range, which is at most
	// MaxRangeDays long. It is not one write: after a failure a part may be set, and
	// doing it again sets the rest.
	FillRange(ctx context.Context, tag string, r Range, now int64) error

	// Point returns the point of the minute, or PointNotFound.
	Point(ctx context.Context, tag string, minute int64, now int64) (Point, error)

	// Points calls take with each point in the range, time rising, until take refuses
	// one or the range ends. It returns the minute of the one refused, 0 at the end.
	Points(ctx context.Context, tag string, q PointQuery, now int64, take func(Point) bool) (next int64, err error)

	// DaySoFar returns the monitor's totals of the UTC day that holds until (UTC
	// seconds), up to and including that second, and the newest point of that time,
	// nil when there is none.
	DaySoFar(ctx context.Context, tag string, until, now int64) (Monitor, Totals, *Point, error)

	// Uptime returns the totals of each of the last so many UTC days, today's so far
	// included and last.
	Uptime(ctx context.Context, tag string, days int, now int64) (Monitor, []DayTotals, error)
}

// AlertStore keeps alert rules and alerts. PointStore's writes judge the rules of
// their monitors: a point that is the monitor's newest at or before now opens and
// resolves alerts, and incidents, before the write returns. When that fails the
// point is set and the error is returned: the same write sent again judges again.
type AlertStore interface {
	// AlertRule returns the rule, or AlertRuleNotFound.
	AlertRule(ctx context.Context, id int64) (AlertRule, error)

	// AlertRules calls take with each rule, id falling, as IncidentStore.Incidents
	// does. The next page starts after the id returned, 0 when the list has ended.
	AlertRules(ctx context.Context, q AlertRuleQuery, take func(AlertRule) bool) (after int64, err error)

	// CreateAlertRule makes a rule. It returns UnknownMonitor for a tag without a
	// monitor, or TooManyRules.
	CreateAlertRule(ctx context.Context, n NewAlertRule, now int64, once *Once[AlertRule]) (AlertRule, error)

	// UpdateAlertRule applies the patch. It returns AlertRuleNotFound,
	// UnknownMonitor, the error of Condition.Check or TooManyRules. The open alerts of
	// a rule that is not active afterwards, and those on monitors that it does not
	// have any more, are resolved; their incidents stay.
	UpdateAlertRule(ctx context.Context, id int64, p AlertRulePatch, now int64) (AlertRule, error)

	// DeleteAlertRule removes the rule and resolves its open alerts, or returns
	// AlertRuleNotFound. The alerts and their incidents stay.
	DeleteAlertRule(ctx context.Context, id int64, now int64) error

	// Alert returns the alert, or AlertNotFound.
	Alert(ctx context.Context, id int64) (Alert, error)

	// Alerts calls take with each alert that matches, id falling, as
	// IncidentStore.Incidents does; without a tag it follows a write within moments.
	// It returns MonitorNotFound for a tag without a monitor.
	Alerts(ctx context.Context, q AlertQuery, take func(Alert) bool) (after int64, err error)
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
}

// Matches reports whether the alert passes the filters by state and rule.
func (q AlertQuery) Matches(a Alert) bool {
	return (q.State == "" || q.State == a.State) && (q.RuleID == 0 || q.RuleID == a.RuleID)
}

// KeyStore keeps API keys.
type KeyStore interface {
	// APIKeyByHash returns the key with the hash, revoked and expired ones too, or
	// ErrKeyNotFound.
	APIKeyByHash(ctx context.Context, hash string) (APIKey, error)

	// APIKeys calls take with each key, revoked and expired ones too, id falling, as
	// IncidentStore.Incidents does. The next page starts after the id returned, 0
	// when the list has ended.
	APIKeys(ctx context.Context, q KeyQuery, take func(APIKey) bool) (after int64, err error)

	// CreateAPIKey makes the record of a key that the caller has drawn; secret must
	// be a ValidSecret.
	CreateAPIKey(ctx context.Context, secret string, n NewAPIKey, now int64, once *Once[APIKey]) (APIKey, error)

	// RevokeAPIKey ends the key, or returns KeyNotFound. A key that is revoked
	// already keeps the time it was revoked at. The key is found by an index, which
	// follows its making within moments.
	RevokeAPIKey(ctx context.Context, id int64, now int64) (APIKey, error)

	// MarkAPIKeyUsed notes that the key with the hash was used in the hour (UTC
	// seconds). It writes nothing when that, or a later one, is noted already.
	MarkAPIKeyUsed(ctx context.Context, hash string, hour int64) error
}

// KeyQuery says which part of the list of keys is asked for.
type KeyQuery struct {
	After int64 // an id; 0: from the start
	Limit int
}

// IdempotencyStore remembers requests with an idempotency key.
type IdempotencyStore interface {
	// Claim returns the claim of a request that is to be carried out now, or the
	// reply of one that was. It returns ErrIdempotencyRunning while another try holds
	// the claim, or ErrIdempotencyReused for a key that another request has.
	Claim(ctx context.Context, r IdempotentRequest, now int64) (c Claim, reply []byte, err error)

	// Complete keeps the reply of a claim whose effect does not repeat when the request
	// is sent again, after the effect. A claim that has ended stays as it is.
	Complete(ctx context.Context, c Claim, reply []byte) error

	// Release ends a claim whose request had no effect, so that it can be sent again
	// at once. A claim that was completed, or lost to another try, stays.
	Release(ctx context.Context, c Claim) error
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

	// FinishImport notes that all of the source is there.
	FinishImport(ctx context.Context, source string, now int64) error
}
