package apiv4

import (
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
	for _, err := range []error{
		errIncidentID, errCommentID, errStatusFilter, errTooManyTags, errTitleRequired, errTitleEmpty, errTitleLong,
		errStartRequired, errMonitors, errMonitorTag, errTooManyLinks, errAutoClose, errSource, errTextRequired, errTextEmpty, errTextLong, errStateRequired, errState, errTagRequired,
		errTagForm, errTagLong, errNameRequired, errNameEmpty, errNameLong, errConfirmMinutes, errKeyID, errScopes, errExpiryPast,
		statuspage.ErrEndBeforeStart, statuspage.ErrCommentBeforeStart, statuspage.ErrMonitorTooLarge,
		statuspage.ErrIncidentChanged, web.ErrTimestamp("expires_at"),
		errRuleID, errAlertID, errAlertForRequired, errAlertFor, errAlertValueRequired, errAlertValue, errRuleTags, errRuleTag, errTooManyRuleTags, errSeverity, errRuleDescription,
		errAlertState, errRuleFilter, statuspage.TooManyRules("search"),
		web.ErrTimestamp("start_date_time"), web.ErrTimestamp("end_date_time"), web.ErrTimestamp("timestamp"), web.ErrTimestamp("start_ts"), web.ErrTimestamp("end_ts"),
	} {
		if !strings.Contains(text, `"message": "`+web.Worded(err).Error()+`"`) {
			t.Errorf("the document has no message %q", web.Worded(err))
		}
	}
}
