package inbound

import (
	"maps"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"tocsin/internal/statuspage"
)

// cloudWatch reads an alarm of Amazon CloudWatch: the event that EventBridge has of it, what it
// publishes to an SNS topic, or the records with which SNS calls a function
// (docs/integrations.md, CloudWatch).
func cloudWatch(m Message, o statuspage.IntegrationOptions) ([]statuspage.Signal, error) {
	body, err := readObject(m.Body)
	if err != nil {
		return nil, err
	}
	if body["Records"] == nil {
		return cloudWatchBody(body, o)
	}
	var all []statuspage.Signal
	for _, record := range body.objects("Records") {
		signals, err := cloudWatchBody(record.object("Sns").object("Message"), o)
		if err != nil {
			return nil, err
		}
		all = append(all, signals...)
	}
	return all, nil
}

func cloudWatchBody(body object, o statuspage.IntegrationOptions) ([]statuspage.Signal, error) {
	if body.text("detail-type") != "" {
		return cloudWatchEvent(body, o)
	}
	return cloudWatchMessage(body, o)
}

// cloudWatchEvent reads an event of EventBridge. It comes whether or not the alarm has actions.
func cloudWatchEvent(body object, o statuspage.IntegrationOptions) ([]statuspage.Signal, error) {
	a := cloudWatchAlarm{
		arn:         body.textAt("resources[0]"),
		name:        body.textAt("detail.alarmName"),
		description: body.textAt("detail.configuration.description"),
		state:       body.textAt("detail.state.value"),
		reason:      body.textAt("detail.state.reason"),
		at:          body.timeAt("detail.state.timestamp"),
		suppressed:  body.textAt("detail.state.actionsSuppressedBy") != "",
		tags:        objectOf(body.at("detail.alarmTags")).labels(),
	}
	switch kind := body.text("detail-type"); {
	case kind == "CloudWatch Alarm Configuration Change" && body.textAt("detail.operation") == "delete":
		return a.deleted(body.timeAt("time"))
	case kind == "CloudWatch Alarm State Change":
		return a.signals(o)
	}
	return ignored(body.text("detail-type")), nil
}

// cloudWatchMessage reads what an alarm publishes to a topic. It does so only for the states
// that have an action.
func cloudWatchMessage(body object, o statuspage.IntegrationOptions) ([]statuspage.Signal, error) {
	back, has := body["OKActions"].([]any)
	return cloudWatchAlarm{
		arn:         body.textAt("AlarmArn"),
		name:        body.textAt("AlarmName"),
		description: body.textAt("AlarmDescription"),
		state:       body.textAt("NewStateValue"),
		reason:      body.textAt("NewStateReason"),
		at:          body.timeAt("StateChangeTime"),
		tags:        body.object("AlarmTags").labels(),
		silent:      has && len(back) == 0,
	}.signals(o)
}

type cloudWatchAlarm struct {
	arn, name, description, state, reason string

	at         int64 // UTC milliseconds
	suppressed bool  // whether a composite alarm's actions are, by another alarm
	silent     bool  // whether it says nothing when it is over
	tags       map[string]string
}

func (a cloudWatchAlarm) signals(o statuspage.IntegrationOptions) ([]statuspage.Signal, error) {
	s, err := a.signal()
	if err != nil {
		return nil, err
	}
	switch a.state {
	case "ALARM":
		s.Action = statuspage.SignalFiring
		if a.suppressed && o.RespectSuppression {
			s.Action = statuspage.SignalNote
		}
	case "OK":
		s.Action = statuspage.SignalResolved
	case "INSUFFICIENT_DATA":
		s.Action = insufficientData(o.InsufficientData)
	default:
		return nil, statuspage.Invalid("The state of an alarm must be one of: ALARM, OK, INSUFFICIENT_DATA")
	}
	s.At, s.Message = a.at, a.reason
	switch s.Action {
	case statuspage.SignalFiring:
		s.Started, s.Episode, s.Last = a.at, episode(a.at), a.silent
	case statuspage.SignalResolved:
		s.Ended = a.at
	case statuspage.SignalNote:
		if !a.suppressed {
			s.Unclear = "The alarm has no data."
		}
	}
	return []statuspage.Signal{s}, nil
}

func insufficientData(as statuspage.InsufficientData) statuspage.SignalAction {
	switch as {
	case statuspage.InsufficientOpen:
		return statuspage.SignalFiring
	case statuspage.InsufficientResolve:
		return statuspage.SignalResolved
	case statuspage.InsufficientIgnore:
		return statuspage.SignalIgnored
	}
	return statuspage.SignalNote
}

// deleted is the end of an alarm that nothing will be heard of again. at (UTC milliseconds) is of the
// event, a whole second, in which the alarm may have changed before.
func (a cloudWatchAlarm) deleted(at int64) ([]statuspage.Signal, error) {
	s, err := a.signal()
	if err != nil {
		return nil, err
	}
	s.Action, s.Unclear = statuspage.SignalResolved, "The alarm was deleted."
	if at != 0 {
		s.At, s.Ended = at+999, at+999
	}
	return []statuspage.Signal{s}, nil
}

// cloudWatchWords are what the description of an alarm says of monitors and impact, for alarms whose
// tags are not sent along.
var cloudWatchWords = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)\btocsin[-_](monitor|impact):\s*([a-z0-9_-]+(?:\s*,\s*[a-z0-9_-]+)*)`)
})

// signal returns what all signals of the alarm have in common.
func (a cloudWatchAlarm) signal() (statuspage.Signal, error) {
	// arn:partition:cloudwatch:region:account:alarm:name
	arn := strings.SplitN(a.arn, ":", 7)
	if len(arn) < 7 || a.name == "" {
		return statuspage.Signal{}, statuspage.Invalid("The body must be of an alarm of CloudWatch, with its name and ARN")
	}
	partition, region, account := arn[1], arn[3], arn[4]
	labels := map[string]string{}
	for _, word := range cloudWatchWords().FindAllStringSubmatch(a.description, -1) {
		labels["tocsin-"+strings.ToLower(word[1])] = word[2]
	}
	maps.Copy(labels, a.tags)
	labels["alarmName"], labels["account"], labels["region"] = a.name, account, region

	title, _, _ := strings.Cut(statuspage.TrimBlank(a.description), "\n")
	if title = statuspage.TrimBlank(cloudWatchWords().ReplaceAllString(title, "")); title == "" {
		title = a.name
	}
	return statuspage.Signal{
		Key: a.arn, Title: title, Labels: labels,
		Link: "https://" + cloudWatchConsole(partition, region) + "/cloudwatch/home?region=" + region + "#alarmsV2:alarm/" + url.PathEscape(a.name),
	}, nil
}

func cloudWatchConsole(partition, region string) string {
	switch partition {
	case "aws-cn":
		return "console.amazonaws.cn"
	case "aws-us-gov":
		return "console.amazonaws-us-gov.com"
	}
	return region + ".console.aws.amazon.com"
}
