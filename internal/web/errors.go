package web

import (
	"errors"
	"fmt"
	"net/http"

	"tocsin/internal/statuspage"
)

// statuses turns the codes of the domain's errors into HTTP statuses.
var statuses = map[statuspage.Code]int{
	statuspage.CodeBadRequest:          http.StatusBadRequest,
	statuspage.CodeUnauthorized:        http.StatusUnauthorized,
	statuspage.CodeForbidden:           http.StatusForbidden,
	statuspage.CodeNotFound:            http.StatusNotFound,
	statuspage.CodeMethodNotAllowed:    http.StatusMethodNotAllowed,
	statuspage.CodeIdempotencyConflict: http.StatusConflict,
	statuspage.CodePreconditionFailed:  http.StatusPreconditionFailed,
	statuspage.CodeTooLarge:            http.StatusRequestEntityTooLarge,
	statuspage.CodeIdempotencyReused:   http.StatusUnprocessableEntity,
	statuspage.CodeUnavailable:         http.StatusServiceUnavailable,
	statuspage.CodeInternal:            http.StatusInternalServerError,
}

// The errors of requests that no handler sees.
var (
	ErrNoKey        = &statuspage.Error{Code: statuspage.CodeUnauthorized, Message: "Missing or invalid authorization header"}
	errBadKey       = &statuspage.Error{Code: statuspage.CodeUnauthorized, Message: "Invalid API key"}
	errExpiredKey   = &statuspage.Error{Code: statuspage.CodeUnauthorized, Message: "API key has expired"}
	ErrBodyTooLarge = bodyTooLarge(maxBody)
	errNoHook       = &statuspage.Error{Code: statuspage.CodeNotFound, Message: "There is nothing at this address"} // which may have a token in it
	errInternal     = &statuspage.Error{Code: statuspage.CodeInternal, Message: "Internal server error"}
)

// words are the messages that clients get for errors of the domain about what they sent,
// with the names of the fields and headers.
var words = map[*statuspage.Error]string{
	statuspage.ErrEndBeforeStart:     "end_date_time must not be before start_date_time",
	statuspage.ErrCommentBeforeStart: "timestamp must not be before the incident's start_date_time",
	statuspage.ErrIncidentChanged:    "The incident was changed since: its ETag does not match If-Match",
	statuspage.ErrMaintenanceTooLate: "start_date_time plus duration_seconds must not be after the year 9999",
	statuspage.ErrMaintenanceChanged: "The maintenance was changed since: its ETag does not match If-Match",
	statuspage.ErrOccurrenceChanged:  "The event was changed since: its ETag does not match If-Match",
	statuspage.ErrPageChanged:        "The page was changed since: its ETag does not match If-Match",
	statuspage.ErrSettingChanged:     "The setting was changed since: its ETag does not match If-Match",
	statuspage.ErrIntegrationChanged: "The integration was changed since: its ETag does not match If-Match",
	statuspage.ErrSearchTooWide:      "search too wide: narrow it with tags or created_after_utc",
	statuspage.ErrIdempotencyRunning: "A request with this Idempotency-Key is still in progress",
	statuspage.ErrIdempotencyReused:  "This Idempotency-Key was used for another request",
	statuspage.ErrRuleOpensIncidents: lacksScope(statuspage.ScopeIncidentsWrite),
	statuspage.ErrStatusValue:        "alert_value must be DOWN or DEGRADED when alert_for is STATUS",
	statuspage.ErrLatencyValue:       "alert_value must be a number of milliseconds above 0 and at most 1000000000 when alert_for is LATENCY",
	statuspage.ErrUptimeValue:        "alert_value must be a percentage above 0 and at most 100 when alert_for is UPTIME",
	statuspage.ErrNoDataValue:        "alert_value must be a whole number of minutes from 1 to 43200 when alert_for is NO_DATA",
}

// Worded returns the error with the message that a client gets, for programs that show it
// without HTTP.
func Worded(err error) error {
	if e, ok := errors.AsType[*statuspage.Error](err); ok && words[e] != "" {
		return &statuspage.Error{Code: e.Code, Message: words[e]}
	}
	return err
}

func missingScope(s statuspage.Scope) error {
	return &statuspage.Error{Code: statuspage.CodeForbidden, Message: lacksScope(s)}
}

func lacksScope(s statuspage.Scope) string { return fmt.Sprintf("API key lacks the scope '%s'", s) }

func bodyTooLarge(most int) *statuspage.Error {
	return &statuspage.Error{Code: statuspage.CodeTooLarge, Message: fmt.Sprintf("The request body must be at most %d KiB", most/1024)}
}

func methodNotAllowed(method string) error {
	return &statuspage.Error{Code: statuspage.CodeMethodNotAllowed, Message: method + " method not allowed"}
}

func noRoute(path string) error {
	return &statuspage.Error{Code: statuspage.CodeNotFound, Message: fmt.Sprintf("No API route matches '%s'", path)}
}

// A Shown is what a client is told of an error.
type Shown struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// ShownOf returns what a client is told of an error, and the status that says the same. An
// error that is no *statuspage.Error, or whose code has no status, is an internal failure:
// its message is for the log alone.
func ShownOf(err error) (Shown, int) {
	e, ok := errors.AsType[*statuspage.Error](err)
	status := 0
	if ok {
		status = statuses[e.Code]
	}
	if status == 0 {
		e, status = errInternal, http.StatusInternalServerError
	}
	if own, ok := words[e]; ok {
		return Shown{Code: string(e.Code), Message: own}, status
	}
	return Shown{Code: string(e.Code), Message: e.Message}, status
}

// A Dialect is how an API reads the key of a request and words its errors. All else is
// the same for every API.
type Dialect interface {
	// Secret returns the API key that the Authorization headers carry. What can't be one
	// is an error: it is not worth a read.
	Secret(authorization []string) (secret string, err error)

	// Error returns the body, to be sent as JSON, of the answer to an error, and the answer's
	// status, of which status is the usual one. route is the pattern that matched, with its
	// method.
	Error(route string, e Shown, status int) (body any, as int)
}

// Standard is the dialect of the API v4, and of what belongs to no API.
var Standard Dialect = standard{}

type standard struct{}

// Secret implements Dialect.
func (standard) Secret(authorization []string) (string, error) { return bearer(authorization) }

// Error implements Dialect.
func (standard) Error(_ string, e Shown, status int) (any, int) {
	return struct {
		Error Shown `json:"error"`
	}{e}, status
}

// failed is the one place where an error becomes an answer. The cause of a failure goes
// to the log.
func failed(r *Request, d Dialect, err error) Answer {
	shown, status := ShownOf(err)
	if status >= http.StatusInternalServerError {
		r.call.Cause = err
	}
	body, status := d.Error(r.call.Route, shown, status)
	a := JSON(status, Encode(body))
	switch status {
	case http.StatusUnauthorized:
		a.Header = http.Header{"Www-Authenticate": {"Bearer"}} // RFC 9110, section 15.5.2
	case http.StatusServiceUnavailable, http.StatusConflict:
		a.Header = http.Header{"Retry-After": {"1"}}
	}
	return a
}

// Failed returns the answer to an error that is to have more headers than errors have.
func (r *Request) Failed(d Dialect, err error) Answer { return failed(r, d, err) }

// InternalError is the body of an answer to a failure that no handler could put into
// words, such as a panic.
func InternalError() []byte { return internalError(Standard) }

func internalError(d Dialect) []byte {
	shown, status := ShownOf(errInternal)
	body, _ := d.Error("", shown, status)
	return Encode(body)
}

// StatusOf returns the status of an answer to a request that ended with the error, or with none.
func StatusOf(err error) int {
	if err == nil {
		return http.StatusOK
	}
	_, status := ShownOf(err)
	return status
}
