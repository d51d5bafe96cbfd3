package web

import (
	"strings"
	"testing"

	"tocsin/internal/openapi"
	"tocsin/internal/statuspage"
)

// TestErrorsAreDescribed looks for every code and every constant message of an error in
// the OpenAPI document.
func TestErrorsAreDescribed(t *testing.T) {
	text := string(openapi.JSON.Unpacked())
	for code := range statuses {
		if !strings.Contains(text, `"const": "`+string(code)+`"`) {
			t.Errorf("the document has no code %s", code)
		}
	}
	for _, err := range []error{
		ErrBody, ErrBadCursor, errLimit, ErrIdempotencyKey, ErrNoKey, errBadKey, errExpiredKey, ErrBodyTooLarge, errInternal,
		statuspage.Unavailable(nil), statuspage.ErrIdempotencyRunning, statuspage.ErrIdempotencyReused,
	} {
		if !strings.Contains(text, `"message": "`+Worded(err).Error()+`"`) {
			t.Errorf("the document has no message %q", Worded(err))
		}
	}
}
