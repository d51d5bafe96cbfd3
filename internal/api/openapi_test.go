package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/openapi"
	"tocsin/internal/statuspage"
)

// TestOpenAPIHasTheSameRoutes compares the routes, and the scopes they need, with the
// OpenAPI document.
func TestOpenAPIHasTheSameRoutes(t *testing.T) {
	type operation struct {
		Security []map[string][]string
	}
	var document struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(openapi.JSON.Unpacked(), &document); err != nil {
		t.Fatal(err)
	}
	described := map[string]string{}
	for path, item := range document.Paths {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
			raw, ok := item[strings.ToLower(method)]
			if !ok {
				continue
			}
			var op operation
			if err := json.Unmarshal(raw, &op); err != nil {
				t.Fatalf("%s %s: %v", method, path, err)
			}
			scope := ""
			for _, requirement := range op.Security {
				scope += strings.Join(requirement["bearerAuth"], "+")
			}
			described[method+" "+path] = scope
		}
	}
	served := map[string]string{}
	for _, r := range routes {
		for _, m := range r.methods {
			served[m.name+" "+r.path] = string(m.scope)
		}
	}
	if diff := cmp.Diff(served, described); diff != "" {
		t.Errorf("routes and scopes (-served +described):\n%s", diff)
	}
}

// TestOpenAPIHasTheSameErrors looks for every code and every constant message of an
// error in the OpenAPI document.
func TestOpenAPIHasTheSameErrors(t *testing.T) {
	text := string(openapi.JSON.Unpacked())
	for code := range statuses {
		if !strings.Contains(text, `"const": "`+string(code)+`"`) {
			t.Errorf("the document has no code %s", code)
		}
	}
	for _, err := range []error{
		errBody, errIncidentID, errCommentID, errBadCursor, errLimit, errStatusFilter, errTooManyTags, errTitleRequired, errTitleEmpty, errTitleLong,
		errStartRequired, errMonitors, errMonitorTag, errTooManyLinks, errAutoClose, errTextRequired, errTextEmpty, errTextLong, errStateRequired, errState, errTagRequired,
		errTagForm, errTagLong, errNameRequired, errNameEmpty, errNameLong, errConfirmMinutes, errKeyID, errScopes, errExpiryPast, errIdempotencyKey, errNoKey, errBadKey, errExpiredKey, errBodyTooLarge, errInternal,
		statuspage.ErrEndBeforeStart, statuspage.ErrCommentBeforeStart, statuspage.ErrMonitorTooLarge, statuspage.Unavailable(nil),
		statuspage.ErrIncidentChanged, statuspage.ErrIdempotencyRunning, statuspage.ErrIdempotencyReused, errTimestamp("expires_at"),
		errRuleID, errAlertID, errAlertForRequired, errAlertFor, errAlertValueRequired, errAlertValue, errRuleTags, errRuleTag, errTooManyRuleTags, errSeverity, errRuleDescription,
		errAlertState, errRuleFilter, statuspage.TooManyRules("search"),
		errTimestamp("start_date_time"), errTimestamp("end_date_time"), errTimestamp("timestamp"), errTimestamp("start_ts"), errTimestamp("end_ts"),
	} {
		if !strings.Contains(text, `"message": "`+err.Error()+`"`) {
			t.Errorf("the document has no message %q", err)
		}
	}
}

// TestOpenAPIHasTheSameLegacyErrors does the same for the legacy API.
func TestOpenAPIHasTheSameLegacyErrors(t *testing.T) {
	text := string(openapi.JSON.Unpacked())
	for _, err := range []error{
		errLegacyStatus, errLegacyLatency, errLegacySeconds, errLegacyFuture, errLegacyOld, errLegacyTag, errLegacyNoTag, errLegacyTimestamp, errLegacyNumber, errLegacyStart, errLegacyEnd,
		errLegacyTitle, errLegacyTags, errLegacyBody, errLegacyImpact, errLegacyMaintenance, errLegacyState, errLegacyPerPage, statuspage.ErrUnknownTags, statuspage.ErrSearchTooWide,
		bad("Invalid page"), bad("Invalid per_page"), bad("Invalid created_after_utc"), bad("Invalid created_before_utc"),
		errBody, errIdempotencyKey, errBodyTooLarge, errInternal, statuspage.Unavailable(nil), statuspage.ErrIdempotencyRunning, statuspage.ErrIdempotencyReused,
		errors.New("invalid token"), errors.New("incident not found"),
	} {
		if !strings.Contains(text, `"error": "`+err.Error()+`"`) {
			t.Errorf("the document has no message %q", err)
		}
	}
}
