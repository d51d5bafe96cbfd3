package inbound

import (
	"cmp"
	"strings"

	"tocsin/internal/statuspage"
)

// healthSeverity is that of a problem of an AWS service, which need not be one of what runs on it.
const healthSeverity = "degraded"

// awsHealth reads an event of AWS Health, as EventBridge has it (docs/integrations.md, AWS Health).
// Its ARN is the same in all accounts that it concerns.
func awsHealth(m Message, _ statuspage.IntegrationOptions) ([]statuspage.Signal, error) {
	body, err := readObject(m.Body)
	if err != nil {
		return nil, err
	}
	detail := body.object("detail")
	arn, account := detail.text("eventArn"), cmp.Or(detail.text("affectedAccount"), body.text("account"))
	service, region := detail.text("service"), detail.text("eventRegion")
	switch {
	case arn == "" && body.text("detail-type") == "":
		return nil, statuspage.Invalid("The body must be an event of AWS Health, with detail.eventArn")
	case arn == "" || detail.text("eventTypeCategory") != "issue":
		return ignored("Event " + cmp.Or(detail.text("eventTypeCode"), body.text("detail-type"))), nil
	}
	s := statuspage.Signal{
		Key: arn + "/" + account, Action: statuspage.SignalIgnored, Severity: healthSeverity,
		Title: "AWS " + service + " in " + region + ": " + healthWords(service, detail.text("eventTypeCode")), Message: healthText(detail),
		At: detail.time("lastUpdatedTime"), Started: detail.time("startTime"), Ended: detail.time("endTime"), Labels: map[string]string{},
	}
	detail.setLabels(s.Labels, "service", "eventTypeCode", "eventRegion", "eventScopeCode", "affectedAccount")
	for _, entity := range detail.objects("affectedEntities") {
		entity.object("tags").setLabels(s.Labels, "tocsin-monitor", "tocsin_monitor", "tocsin-impact", "tocsin_impact")
	}
	if s.At == 0 {
		s.At = body.time("time")
	}
	status := detail.text("statusCode")
	if status == "" { // older events end by their end
		if status = "open"; s.Ended != 0 {
			status = "closed"
		}
	}
	switch status {
	case "open":
		s.Action, s.News = statuspage.SignalFiring, true
	case "closed":
		s.Action = statuspage.SignalResolved
	}
	return []statuspage.Signal{timed(s)}, nil
}

// healthWords returns what a code such as AWS_EC2_OPERATIONAL_ISSUE says of the service.
func healthWords(service, code string) string {
	code = strings.TrimPrefix(strings.TrimPrefix(code, "AWS_"), service+"_")
	return strings.ToLower(strings.ReplaceAll(code, "_", " "))
}

// healthText returns the description in English, else the first.
func healthText(detail object) string {
	all := detail.objects("eventDescription")
	for _, d := range all {
		if strings.HasPrefix(d.text("language"), "en") {
			return d.text("latestDescription")
		}
	}
	if len(all) > 0 {
		return all[0].text("latestDescription")
	}
	return ""
}
