package api

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

// The errors of the edge itself. Those of fields stand beside their checks, in
// decode.go.
var (
	errNoKey        = &statuspage.Error{Code: statuspage.CodeUnauthorized, Message: "Missing or invalid authorization header"}
	errBadKey       = &statuspage.Error{Code: statuspage.CodeUnauthorized, Message: "Invalid API key"}
	errExpiredKey   = &statuspage.Error{Code: statuspage.CodeUnauthorized, Message: "API key has expired"}
	errBodyTooLarge = &statuspage.Error{Code: statuspage.CodeTooLarge, Message: "The request body must be at most 256 KiB"}
	errInternal     = &statuspage.Error{Code: statuspage.CodeInternal, Message: "Internal server error"}
)

func missingScope(s statuspage.Scope) error {
	return &statuspage.Error{Code: statuspage.CodeForbidden, Message: fmt.Sprintf("API key lacks the scope '%s'", s)}
}

func methodNotAllowed(method string) error {
	return &statuspage.Error{Code: statuspage.CodeMethodNotAllowed, Message: method + " method not allowed"}
}

func noRoute(path string) error {
	return &statuspage.Error{Code: statuspage.CodeNotFound, Message: fmt.Sprintf("No API route matches '%s'", path)}
}

// shownError returns what a client is told of an error, and the status that says
// the same. What is no *statuspage.Error, or is one without a status, is an internal
// failure, of which nothing is told.
func shownError(err error) (errorBody, int) {
	shown, ok := errors.AsType[*statuspage.Error](err)
	status := 0
	if ok {
		status = statuses[shown.Code]
	}
	if status == 0 {
		shown, status = errInternal, http.StatusInternalServerError
	}
	return errorBody{Code: string(shown.Code), Message: shown.Message}, status
}

// errorAnswer is the one place where an error becomes an answer, in the form of the
// API that the route belongs to. The cause of a failure goes to the log.
func errorAnswer(w http.ResponseWriter, r *request, err error) answer {
	body, status := shownError(err)
	if status >= http.StatusInternalServerError {
		r.call.Cause = err
	}
	if status == http.StatusServiceUnavailable || status == http.StatusConflict {
		w.Header().Set("Retry-After", "1")
	}
	if r.legacy {
		return answer{status: status, body: legacyError(r, body, status)}
	}
	return answer{status: status, body: errorJSON{body}}
}

// InternalError is the body of an answer to a failure that no handler could put
// into words, such as a panic.
func InternalError() []byte {
	return encode(errorJSON{errorBody{Code: string(errInternal.Code), Message: errInternal.Message}})
}
