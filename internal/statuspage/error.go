package statuspage

import (
	"fmt"
	"time"
)

// Code says what kind of failure an Error is. The edge turns it into a status.
type Code string

// The codes, as the v4 API shows them.
const (
	CodeBadRequest          Code = "BAD_REQUEST"
	CodeUnauthorized        Code = "UNAUTHORIZED"
	CodeForbidden           Code = "FORBIDDEN"
	CodeNotFound            Code = "NOT_FOUND"
	CodeMethodNotAllowed    Code = "METHOD_NOT_ALLOWED"
	CodeIdempotencyConflict Code = "IDEMPOTENCY_CONFLICT"
	CodePreconditionFailed  Code = "PRECONDITION_FAILED"
	CodeTooLarge            Code = "PAYLOAD_TOO_LARGE"
	CodeIdempotencyReused   Code = "IDEMPOTENCY_KEY_REUSED"
	CodeUnavailable         Code = "SERVICE_UNAVAILABLE"
	CodeInternal            Code = "INTERNAL_ERROR"
)

// Error is a failure that a client may be told of. Any error that is none is an
// internal failure, whose cause only the log gets.
type Error struct {
	Code    Code
	Message string // for the client
	Err     error  // the cause, for the log; may be nil
}

// Error returns the message and the cause.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is an Error of the same code and message, whatever
// the cause.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code && t.Message == e.Message
}

// The errors of the domain's rules. Package web has other messages for those that are about
// what a client sent, with the names that the client knows.
var (
	ErrEndBeforeStart         = &Error{Code: CodeBadRequest, Message: "The end must not be before the start"}
	ErrCommentBeforeStart     = &Error{Code: CodeBadRequest, Message: "The comment must not be before the start of its incident"}
	ErrMonitorTooLarge        = &Error{Code: CodeBadRequest, Message: "Monitor must be at most 64 KiB"}
	ErrKeyNotFound            = &Error{Code: CodeNotFound, Message: "API key not found"}
	ErrPageTooLarge           = &Error{Code: CodeBadRequest, Message: "page_settings must be at most 32 KiB"}
	ErrPageChanged            = &Error{Code: CodePreconditionFailed, Message: "The page was changed since it was seen"}
	ErrHomePagePath           = &Error{Code: CodeBadRequest, Message: "Home page path cannot be changed"}
	ErrHomePageStays          = &Error{Code: CodeBadRequest, Message: "Cannot delete the home page"}
	ErrTooManyPages           = Invalid("At most %d pages", MaxPages)
	ErrSettingChanged         = &Error{Code: CodePreconditionFailed, Message: "The setting was changed since it was seen"}
	ErrIncidentChanged        = &Error{Code: CodePreconditionFailed, Message: "The incident was changed since it was seen"}
	ErrMaintenanceChanged     = &Error{Code: CodePreconditionFailed, Message: "The maintenance was changed since it was seen"}
	ErrOccurrenceChanged      = &Error{Code: CodePreconditionFailed, Message: "The event was changed since it was seen"}
	ErrMaintenanceTooLate     = &Error{Code: CodeBadRequest, Message: "The maintenance would not end before the year 10000"}
	ErrMaintenanceDense       = Invalid("More than %d events of the maintenance would be on at the same time", MaxAtOnce)
	ErrMaintenanceGrown       = &Error{Code: CodeBadRequest, Message: "Too many changes of events that are not over: create another maintenance"}
	ErrMaintenanceChangeLarge = &Error{Code: CodeBadRequest, Message: "Too much for one request: change the monitors and the schedule by two"}
	ErrUnknownTags            = &Error{Code: CodeBadRequest, Message: "unknown tags"}
	ErrRuleOpensIncidents     = &Error{Code: CodeForbidden, Message: "A rule that opens incidents needs the right to write incidents"}
	ErrStatusValue            = &Error{Code: CodeBadRequest, Message: "A rule about a status is about DOWN or DEGRADED"}
	ErrLatencyValue           = &Error{Code: CodeBadRequest, Message: "The limit of a latency must be above 0 and at most 1000000000 milliseconds"}
	ErrUptimeValue            = &Error{Code: CodeBadRequest, Message: "The limit of an uptime must be a percentage above 0 and at most 100"}
	ErrNoDataValue            = &Error{Code: CodeBadRequest, Message: "The limit of missing data must be a whole number of minutes from 1 to 43200"}
	ErrIntegrationChanged     = &Error{Code: CodePreconditionFailed, Message: "The integration was changed since it was seen"}
	ErrTooManyIntegrations    = Invalid("At most %d integrations", MaxIntegrations)
	ErrNoIntegrationToken     = &Error{Code: CodeUnauthorized, Message: "Missing or invalid integration token"}
	ErrIntegrationKind        = &Error{Code: CodeBadRequest, Message: "kind can't be changed: make another integration"}
	ErrCloudWatchStays        = &Error{Code: CodeBadRequest, Message: "The integration of CloudWatch can't be deleted: switch it off"}
	ErrNoTokenToRotate        = &Error{Code: CodeBadRequest, Message: "The integration of CloudWatch has no token: its alarms come by EventBridge"}
	ErrOtherTopic             = &Error{Code: CodeForbidden, Message: "The integration takes messages of another SNS topic"}
	ErrNoPingedMonitor        = &Error{Code: CodeBadRequest, Message: "Monitor not found"}
	ErrPingSecret             = &Error{Code: CodeBadRequest, Message: "Invalid heartbeat secret"}
	ErrSearchTooWide          = &Error{Code: CodeBadRequest, Message: "The search would have to read too much"}
	ErrIdempotencyRunning     = &Error{Code: CodeIdempotencyConflict, Message: "A request with this idempotency key is still in progress"}
	ErrIdempotencyReused      = &Error{Code: CodeIdempotencyReused, Message: "This idempotency key was used for another request"}
)

// Unavailable returns the error for a failure that is likely to pass: throttling
// or conflicts that outlasted the retries.
func Unavailable(cause error) error {
	return &Error{Code: CodeUnavailable, Message: "Service unavailable, try again", Err: cause}
}

// Invalid returns the error for input that breaks a rule.
func Invalid(format string, args ...any) error {
	return &Error{Code: CodeBadRequest, Message: fmt.Sprintf(format, args...)}
}

// IncidentNotFound returns the error for an incident that does not exist. id is as
// the client is to see it.
func IncidentNotFound[ID int64 | string](id ID) error {
	return &Error{Code: CodeNotFound, Message: fmt.Sprintf("Incident with id '%v' not found", id)}
}

// CommentNotFound returns the error for a comment that its incident does not have.
func CommentNotFound[ID int64 | string](id ID, incidentID ID) error {
	return &Error{Code: CodeNotFound, Message: fmt.Sprintf("Comment with id '%v' not found for incident '%v'", id, incidentID)}
}

// KeyNotFound returns the error for an API key that is asked for by its id.
func KeyNotFound[ID int64 | string](id ID) error {
	return &Error{Code: CodeNotFound, Message: fmt.Sprintf("API key with id '%v' not found", id)}
}

// AlertRuleNotFound returns the error for an alert rule that does not exist.
func AlertRuleNotFound[ID int64 | string](id ID) error {
	return &Error{Code: CodeNotFound, Message: fmt.Sprintf("Alert rule with id '%v' not found", id)}
}

// AlertNotFound returns the error for an alert that does not exist.
func AlertNotFound[ID int64 | string](id ID) error {
	return &Error{Code: CodeNotFound, Message: fmt.Sprintf("Alert with id '%v' not found", id)}
}

// MaintenanceNotFound returns the error for a maintenance that does not exist.
func MaintenanceNotFound[ID int64 | string](id ID) error {
	return &Error{Code: CodeNotFound, Message: fmt.Sprintf("Maintenance with id '%v' not found", id)}
}

// OccurrenceNotFound returns the error for an occurrence that its maintenance does not have.
func OccurrenceNotFound[ID int64 | string](id ID) error {
	return &Error{Code: CodeNotFound, Message: fmt.Sprintf("Event with id '%v' not found for this maintenance", id)}
}

// PageNotFound returns the error for a page that does not exist. path is as the client is to
// see it.
func PageNotFound(path string) error {
	return &Error{Code: CodeNotFound, Message: fmt.Sprintf("Page with path '%s' not found", path)}
}

// PageExists returns the error for a path that is taken.
func PageExists(path string) error { return Invalid("Page with path '%s' already exists", path) }

// UnknownPageMonitor returns the error for a tag without a monitor in what a client gives for
// a page.
func UnknownPageMonitor(tag string) error {
	return Invalid("Monitor with tag '%s' does not exist", tag)
}

// TooManyRules returns the error for one active rule too many on a monitor.
func TooManyRules(tag string) error {
	return Invalid("Monitor '%s' has %d active alert rules already", tag, MaxMonitorRules)
}

// IntegrationNotFound returns the error for an integration that does not exist.
func IntegrationNotFound[ID int64 | string](id ID) error {
	return &Error{Code: CodeNotFound, Message: fmt.Sprintf("Integration with id '%v' not found", id)}
}

// MonitorNotFound returns the error for a monitor that does not exist.
func MonitorNotFound(tag string) error {
	return &Error{Code: CodeNotFound, Message: monitorNotFound(tag)}
}

// PointNotFound returns the error for a minute (UTC seconds) in which a monitor has
// no point.
func PointNotFound(tag string, minute int64) error {
	return &Error{Code: CodeNotFound, Message: fmt.Sprintf("No monitoring data found for monitor '%s' at timestamp %d", tag, minute)}
}

// DayClosed returns the error for a change of a UTC day (its first second) of which some
// minutes are no longer kept, or are about to go: its totals could not be made again.
func DayClosed(day int64) error {
	return Invalid("Minutes of %s can't be changed: of that UTC day only the totals are kept", time.Unix(day, 0).UTC().Format(time.DateOnly))
}

// UnknownMonitor returns the error for a tag without a monitor in what a client gives.
func UnknownMonitor(tag string) error {
	return &Error{Code: CodeBadRequest, Message: monitorNotFound(tag)}
}

func monitorNotFound(tag string) string { return fmt.Sprintf("Monitor with tag '%s' not found", tag) }

// MonitorExists returns the error for a tag that is taken.
func MonitorExists(tag string) error {
	return &Error{Code: CodeBadRequest, Message: fmt.Sprintf("Monitor with tag '%s' already exists", tag)}
}
