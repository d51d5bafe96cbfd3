package apilegacy

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"tocsin/internal/openapi"
	"tocsin/internal/statuspage"
	"tocsin/internal/web"
)

// TestErrorsAreDescribed looks for every constant message of an error in the OpenAPI
// document.
func TestErrorsAreDescribed(t *testing.T) {
	text := string(openapi.JSON.Unpacked())
	var internal errorJSON
	shown, status := web.ShownOf(errors.New("of which nothing is told"))
	body, status := dialect{}.Error("", shown, status)
	if err := json.Unmarshal(web.Encode(body), &internal); err != nil || status != http.StatusInternalServerError {
		t.Fatal(status, err)
	}
	for _, err := range []error{
		errStatus, errLatency, errSeconds, errFuture, errOld, errTag, errNoTag, errTimestamp, errNumber, errStart, errEnd,
		errTitle, errTags, errBody, errImpact, errMaintenance, errState, errPerPage, errTooManyComments, statuspage.ErrUnknownTags, statuspage.ErrSearchTooWide,
		bad("Invalid page"), bad("Invalid per_page"), bad("Invalid created_after_utc"), bad("Invalid created_before_utc"),
		web.ErrBody, web.ErrIdempotencyKey, web.ErrBodyTooLarge, errors.New(internal.Error), statuspage.Unavailable(nil), statuspage.ErrIdempotencyRunning, statuspage.ErrIdempotencyReused,
		errors.New("invalid token"), errors.New("incident not found"),
	} {
		if !strings.Contains(text, `"error": "`+web.Worded(err).Error()+`"`) {
			t.Errorf("the document has no message %q", web.Worded(err))
		}
	}
}
