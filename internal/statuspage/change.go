package statuspage

import "context"

// A Change says who changed which fields of a record, and when. It names the fields and
// never holds a value of one, such as a text or a credential. It is kept for ChangeKept and
// never changed.
type Change struct {
	Record    RecordKind
	ID        int64      // of the record
	Tag       string     // of a monitor; the path of a page, the key of a setting; "" for all else
	Version   int64      // of the record after the change; 0: it is gone, or did not change itself
	What      ChangeKind //
	Fields    []string   // the record's fields that have another value now; nil when it was made or deleted
	CommentID int64      // of a comment that was made, changed or deleted; 0: none

	OccurrenceID int64 // of an occurrence that was changed or deleted; 0: none
	By           Actor
	Time         int64 // UTC seconds
}

// ChangeKept is for how many seconds changes are kept.
const ChangeKept = 400 * day

// RecordKind is a kind of record whose changes are kept. A comment is a part of its
// incident, an occurrence one of its maintenance.
type RecordKind string

// The kinds of records.
const (
	RecordIncident RecordKind = "INCIDENT"
	RecordMonitor  RecordKind = "MONITOR"

	RecordMaintenance RecordKind = "MAINTENANCE"
	RecordPage        RecordKind = "PAGE"
	RecordSiteSetting RecordKind = "SITE_SETTING" // its key is in Change.Tag
	RecordAlertRule   RecordKind = "ALERT_RULE"
	RecordAPIKey      RecordKind = "API_KEY"
	RecordIntegration RecordKind = "INTEGRATION"
)

// ChangeKind is what happened to a record.
type ChangeKind string

// The kinds of changes. Minutes of a monitor that a probe posts are no change; those that
// a person sets or deletes are.
const (
	Created        ChangeKind = "CREATED"
	Updated        ChangeKind = "UPDATED"
	Deleted        ChangeKind = "DELETED"
	CommentCreated ChangeKind = "COMMENT_CREATED"
	CommentUpdated ChangeKind = "COMMENT_UPDATED"
	CommentDeleted ChangeKind = "COMMENT_DELETED"
	DataUpdated    ChangeKind = "DATA_UPDATED"
	DataDeleted    ChangeKind = "DATA_DELETED"

	OccurrencesMade   ChangeKind = "EVENTS_CREATED" // by the clock; of a client's change they are a part
	OccurrenceUpdated ChangeKind = "EVENT_UPDATED"
	OccurrenceDeleted ChangeKind = "EVENT_DELETED"
)

// Actor is who changes something. The zero Actor is an operator: somebody with access to
// the table, by the tocsin command.
type Actor struct {
	Kind ActorKind
	ID   int64 // of the API key, the alert rule or the integration
}

// ActorKind is a kind of Actor.
type ActorKind string

// The kinds of actors.
const (
	ByOperator  ActorKind = ""
	ByAPIKey    ActorKind = "API_KEY"
	ByAlertRule ActorKind = "ALERT_RULE"
	ByCloser    ActorKind = "CLOSER"
	ByClock     ActorKind = "CLOCK" // what happens when it is time

	ByIntegration ActorKind = "INTEGRATION"
)

type actorKey struct{}

// WithActor returns a context whose writes are the actor's.
func WithActor(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// ActorFrom returns who the writes of the context are by.
func ActorFrom(ctx context.Context) Actor {
	a, _ := ctx.Value(actorKey{}).(Actor)
	return a
}
