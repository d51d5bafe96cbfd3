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
		errTagForm, errTagLong, errNameRequired, errNameEmpty, errNameLong, errConfirmMinutes, errExpression(statuspage.NumeratorSetting), errKeyID, errScopes, errExpiryPast,
		statuspage.ErrEndBeforeStart, statuspage.ErrCommentBeforeStart, statuspage.ErrMonitorTooLarge,
		statuspage.ErrIncidentChanged, web.ErrTimestamp("expires_at"),
		errPagePathRequired, errPagePath, errPagePathLong, errPageTitleRequired, errPageTitle, errPageTitleLong, errPageHeaderRequired, errPageHeader, errPageHeaderLong, errPageMonitors,
		errPageManyMonitors, errPageSettings, errReservedPath("events"), errTagTwice("database"), errPageTextLong("page_subheader"), errValueRequired,
		statuspage.ErrPageTooLarge, statuspage.ErrPageChanged, statuspage.ErrHomePagePath, statuspage.ErrHomePageStays, statuspage.ErrTooManyPages, statuspage.ErrSettingChanged,
		statuspage.PageExists("team"), statuspage.PageNotFound("team"), statuspage.UnknownPageMonitor("pluto"),
		errIntegrationID, errIntegrationKind, errIntegrationOptions, statuspage.ErrIntegrationKind, statuspage.ErrCloudWatchStays, statuspage.ErrNoTokenToRotate, statuspage.ErrTooManyIntegrations,
		statuspage.ErrIntegrationChanged, statuspage.IntegrationNotFound("2"),
		errRuleID, errAlertID, errAlertForRequired, errAlertFor, errAlertValueRequired, errAlertValue, errRuleTags, errRuleTag, errTooManyRuleTags, errSeverity, errRuleDescription,
		errMaintenanceID, errMaintenanceTitle, errMaintenanceNoTitle, errMaintenanceLong, errRuleRequired, errRuleEmpty, errRuleLong, errRule, errDurationRequired, errDuration, errDurationRange,
		errMaintenanceStatus, errMaintenanceText, errTimeZone, errMaintenanceMonitors, errNoOccurrence, errOccurrenceBoth, errOccurrenceState, errEndRequired, errEndNotAfter, errOccurrencesTooMuch,
		statuspage.ErrMaintenanceChanged, statuspage.ErrOccurrenceChanged, statuspage.ErrMaintenanceTooLate, statuspage.ErrMaintenanceDense, statuspage.ErrMaintenanceGrown,
		statuspage.ErrMaintenanceChangeLarge,
		errAlertState, errRuleFilter, statuspage.TooManyRules("search"),
		web.ErrTimestamp("start_date_time"), web.ErrTimestamp("end_date_time"), web.ErrTimestamp("timestamp"), web.ErrTimestamp("start_ts"), web.ErrTimestamp("end_ts"),
	} {
		if !strings.Contains(text, `"message": "`+web.Worded(err).Error()+`"`) {
			t.Errorf("the document has no message %q", web.Worded(err))
		}
	}
}
