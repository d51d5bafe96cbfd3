// Package apilegacy is the legacy API 1.0.0 over HTTP. Old clients, which nobody will
// change, rely on its rules (docs/api.md, The legacy API 1.0.0), so these are kept apart
// from v4's. What package apiv4 says of stores holds here too.
package apilegacy

import (
	"math"
	"net/http"
	"strings"

	"tocsin/internal/statuspage"
	"tocsin/internal/web"
)

const statusPath = "/api/status"

// dialect is how the legacy API reads keys and words errors.
type dialect struct{}

// Secret implements web.Dialect: the scheme is "Bearer" in this case alone, and the key
// by itself will do.
func (dialect) Secret(authorization []string) (string, error) {
	secret := strings.TrimPrefix(strings.Join(authorization, ","), "Bearer ")
	if !statuspage.ValidSecret(secret) {
		return "", web.ErrNoKey
	}
	return secret, nil
}

type errorJSON struct {
	Error  string `json:"error"`
	Status int    `json:"status,omitempty"`
}

// Error implements web.Dialect: an error is flat, and has the status where clients know
// it.
func (dialect) Error(route string, shown web.Shown, status int) (any, int) {
	e := errorJSON{Error: shown.Message}
	switch status {
	case http.StatusUnauthorized:
		e.Error = "invalid token"
	case http.StatusNotFound:
		e.Error = "incident not found"
	case http.StatusBadRequest:
		if route == http.MethodPost+" "+statusPath {
			e.Status = status
		}
	}
	return e, status
}

func bad(format string, args ...any) error { return statuspage.Invalid(format, args...) }

var (
	errNumber = bad("Invalid incidentNumber")
	errBody   = bad("Invalid body")
)

// incidentID reads an incident's number. What is a number to ECMAScript and not written
// as an id, such as 1.5 or 0x1, is one that no incident has.
func incidentID(r *web.Request) (web.PathID, error) {
	segment := r.PathValue("incidentNumber")
	id, err := web.ParseID(segment, errNumber)
	if err != nil && !math.IsNaN(web.ECMANumber(segment)) {
		return web.PathID{Text: segment}, nil
	}
	return id, err
}

// existing is incidentID for an incident that can exist.
func existing(r *web.Request) (int64, error) {
	id, err := incidentID(r)
	if err == nil && !id.Exists() {
		err = statuspage.IncidentNotFound(id.Text)
	}
	return id.N, err
}
