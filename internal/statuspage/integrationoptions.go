package statuspage

import (
	"slices"
	"strings"
)

// IntegrationOptions are the options of an integration with what they are by default
// (docs/integrations.md, Options).
type IntegrationOptions struct {
	Monitors   []string          // tags of those that a signal concerns when nothing else says
	Rules      []IntegrationRule // in order: the first that matches counts
	Severities map[string]Impact // by the words of the tool, in lower case; "" makes no incident
	Impact     Impact            // where nothing else says; Down or Degraded

	GroupBy      GroupBy
	Reopen       int64 // minutes: a problem that is back so soon opens its incident again
	OpenAfter    int64 // seconds that a problem lasts before it opens an incident
	StaleAfter   int64 // seconds after which a tool that repeats its alarms should have been heard of; 0: never
	ResolveAfter int64 // hours after which an alarm that never resolves is over; 0: never
	AllowGlobal  bool  // whether a problem without a monitor opens an incident, which then concerns everything
	Publish      PublishedText
	PublishLink  bool // whether the first comment has the link to the tool

	InsufficientData   InsufficientData // of CloudWatch
	RespectSuppression bool             // of CloudWatch's composite alarms
	NoData             bool             // whether missing data of Grafana opens an incident
	FailedDeploys      bool             // whether those of GitHub open incidents
	IssueAlerts        bool             // whether those of Sentry do
	Topics             []string         // ARNs of the SNS topics that it takes messages of; nil: of the one that is confirmed first
	SignatureV2        bool             // whether SNS has to sign with SHA-256

	Fields    FieldMap  // of KindFieldMap
	Heartbeat Heartbeat // of KindHeartbeat
}

// GroupBy says which signals share an incident.
type GroupBy string

// The groupings.
const (
	GroupByDefault GroupBy = ""          // by group for the tools that have groups, by key for others
	GroupByKey     GroupBy = "dedup_key" // each problem has its own
	GroupByGroup   GroupBy = "group"     // the groups of Alertmanager and Grafana, each of which is one problem
	GroupByMonitor GroupBy = "monitor"   // those on the same monitor, alert rules' too
)

// PublishedText is which of a tool's texts may become public.
type PublishedText string

// The texts.
const (
	PublishNothing PublishedText = "nothing" // the title is made of the monitor's name
	PublishTitle   PublishedText = "title"
	PublishMessage PublishedText = "title_and_message"
)

// InsufficientData is what CloudWatch's state INSUFFICIENT_DATA is taken for.
type InsufficientData string

// The ways to take it.
const (
	InsufficientNote    InsufficientData = "note"
	InsufficientOpen    InsufficientData = "open"
	InsufficientResolve InsufficientData = "resolve"
	InsufficientIgnore  InsufficientData = "ignore"
)

// An IntegrationRule says which monitors a signal concerns that has a label. In Value a * stands
// for any text.
type IntegrationRule struct {
	Label, Value string
	Monitors     []string // tags
	Impact       Impact   // "" as the signal says
}

// Matches reports whether the rule is about a signal with the labels.
func (r IntegrationRule) Matches(labels map[string]string) bool {
	value, there := labels[r.Label]
	if !there {
		return false
	}
	parts := strings.Split(r.Value, "*")
	if len(parts) == 1 {
		return value == r.Value
	}
	rest, is := strings.CutPrefix(value, parts[0])
	for _, part := range parts[1 : len(parts)-1] {
		at := strings.Index(rest, part)
		if is = is && at >= 0; !is {
			return false
		}
		rest = rest[at+len(part):]
	}
	return is && strings.HasSuffix(rest, parts[len(parts)-1])
}

// A FieldMap says where a JSON body has what a signal is made of: each a path such as
// a.b[0].c.
type FieldMap struct {
	Key, Status, Title, Message, Link, Severity, Monitors, At, Started, Ended string

	Firing, Acknowledged, Resolved []string // values of Status, in any case
}

// A Heartbeat says when a job has to ping.
type Heartbeat struct {
	Monitor  string // tag of the one that the pings are points of
	Period   int64  // seconds; it does not count with Cron
	Cron     string // see recurrence.ParseCron; "" each Period
	TimeZone string // of Cron, IANA; "" UTC
	Grace    int64  // seconds
	PostOnly bool   // whether a GET does not count, which previews of links are
}

// DefaultIntegrationOptions are those of an integration that has none of its own.
func DefaultIntegrationOptions() IntegrationOptions {
	return IntegrationOptions{
		Impact: Down, Reopen: 15, Publish: PublishNothing, InsufficientData: InsufficientNote, RespectSuppression: true,
		Fields:    FieldMap{Firing: []string{"firing", "alerting", "down", "open", "critical", "problem", "offline"}, Resolved: []string{"resolved", "ok", "up", "closed", "recovered", "online"}, Acknowledged: []string{"acknowledged"}},
		Heartbeat: Heartbeat{Period: day, Grace: hour},
	}
}

const (
	maxOptionMonitors = MaxIncidentMonitors
	maxOptionRules    = 100
	maxOptionList     = 50
	maxOptionText     = 500 // UTF-16 units
)

// integrationOptions are all of them, in the order in which they are checked.
var integrationOptions = []setting[IntegrationOptions]{
	texts("monitors", maxOptionMonitors, func(o *IntegrationOptions) *[]string { return &o.Monitors }),
	{"rules", "an array of at most 100 objects with label, value and monitors, and perhaps impact: DOWN or DEGRADED", putRules},
	{"severities", "an object whose values are DOWN, DEGRADED or NONE", putSeverities},
	oneOf("default_impact", func(o *IntegrationOptions) *Impact { return &o.Impact }, Down, Degraded),
	oneOf("group_by", func(o *IntegrationOptions) *GroupBy { return &o.GroupBy }, GroupByKey, GroupByGroup, GroupByMonitor),
	between("reopen_minutes", 0, 1440, func(o *IntegrationOptions) *int64 { return &o.Reopen }),
	between("open_after_seconds", 0, 3600, func(o *IntegrationOptions) *int64 { return &o.OpenAfter }),
	between("stale_after_seconds", 0, 30*day, func(o *IntegrationOptions) *int64 { return &o.StaleAfter }),
	between("auto_resolve_hours", 0, 720, func(o *IntegrationOptions) *int64 { return &o.ResolveAfter }),
	flag("allow_global", func(o *IntegrationOptions) *bool { return &o.AllowGlobal }),
	oneOf("publish", func(o *IntegrationOptions) *PublishedText { return &o.Publish }, PublishNothing, PublishTitle, PublishMessage),
	flag("publish_link", func(o *IntegrationOptions) *bool { return &o.PublishLink }),
	oneOf("insufficient_data", func(o *IntegrationOptions) *InsufficientData { return &o.InsufficientData }, InsufficientNote, InsufficientOpen, InsufficientResolve, InsufficientIgnore),
	flag("respect_suppression", func(o *IntegrationOptions) *bool { return &o.RespectSuppression }),
	opens("no_data", func(o *IntegrationOptions) *bool { return &o.NoData }),
	opens("failed_deploys", func(o *IntegrationOptions) *bool { return &o.FailedDeploys }),
	opens("issue_alerts", func(o *IntegrationOptions) *bool { return &o.IssueAlerts }),
	texts("topics", maxOptionList, func(o *IntegrationOptions) *[]string { return &o.Topics }),
	flag("signature_v2", func(o *IntegrationOptions) *bool { return &o.SignatureV2 }),

	object[IntegrationOptions]("fields"),
	shortText("fields.dedup_key", func(o *IntegrationOptions) *string { return &o.Fields.Key }),
	shortText("fields.status", func(o *IntegrationOptions) *string { return &o.Fields.Status }),
	texts("fields.firing_values", maxOptionList, func(o *IntegrationOptions) *[]string { return &o.Fields.Firing }),
	texts("fields.acknowledged_values", maxOptionList, func(o *IntegrationOptions) *[]string { return &o.Fields.Acknowledged }),
	texts("fields.resolved_values", maxOptionList, func(o *IntegrationOptions) *[]string { return &o.Fields.Resolved }),
	shortText("fields.title", func(o *IntegrationOptions) *string { return &o.Fields.Title }),
	shortText("fields.message", func(o *IntegrationOptions) *string { return &o.Fields.Message }),
	shortText("fields.link", func(o *IntegrationOptions) *string { return &o.Fields.Link }),
	shortText("fields.severity", func(o *IntegrationOptions) *string { return &o.Fields.Severity }),
	shortText("fields.monitors", func(o *IntegrationOptions) *string { return &o.Fields.Monitors }),
	shortText("fields.at", func(o *IntegrationOptions) *string { return &o.Fields.At }),
	shortText("fields.started_at", func(o *IntegrationOptions) *string { return &o.Fields.Started }),
	shortText("fields.ended_at", func(o *IntegrationOptions) *string { return &o.Fields.Ended }),

	object[IntegrationOptions]("heartbeat"),
	shortText("heartbeat.monitor", func(o *IntegrationOptions) *string { return &o.Heartbeat.Monitor }),
	between("heartbeat.period_seconds", minute, 366*day, func(o *IntegrationOptions) *int64 { return &o.Heartbeat.Period }),
	shortText("heartbeat.cron", func(o *IntegrationOptions) *string { return &o.Heartbeat.Cron }),
	shortText("heartbeat.time_zone", func(o *IntegrationOptions) *string { return &o.Heartbeat.TimeZone }),
	between("heartbeat.grace_seconds", minute, 30*day, func(o *IntegrationOptions) *int64 { return &o.Heartbeat.Grace }),
	flag("heartbeat.post_only", func(o *IntegrationOptions) *bool { return &o.Heartbeat.PostOnly }),
}

// IntegrationOptionNames are the names of all options, those of objects with dots in between.
func IntegrationOptionNames() []string {
	names := make([]string, len(integrationOptions))
	for n, o := range integrationOptions {
		names[n] = o.name
	}
	return names
}

// CheckIntegrationOptions returns the error for the first option that is not what it has to be,
// or that is missing for the kind. Unknown ones are an error: a name that is misspelt would change
// nothing.
func CheckIntegrationOptions(kind IntegrationKind, o JSONObject) error {
	if len(o) > MaxIntegrationOptions {
		return Invalid("options must be at most %d KiB", MaxIntegrationOptions/1024)
	}
	if name := unknownOption("", o.tree()); name != "" {
		return Invalid("Unknown option '%s'", name)
	}
	options, err := withSettings(DefaultIntegrationOptions(), integrationOptions, o)
	switch {
	case err != nil:
		return err
	case kind == KindFieldMap && (options.Fields.Key == "" || options.Fields.Status == ""):
		return Invalid("options.fields needs dedup_key and status")
	case kind == KindHeartbeat:
		return options.Heartbeat.check()
	}
	return nil
}

// Settings returns the options of the integration.
func (i Integration) Settings() IntegrationOptions {
	o, _ := withSettings(DefaultIntegrationOptions(), integrationOptions, i.Options)
	return o
}

func unknownOption(in string, tree map[string]any) string {
	for name, value := range tree {
		known := slices.ContainsFunc(integrationOptions, func(s setting[IntegrationOptions]) bool { return s.name == in+name })
		if !known {
			return in + name
		}
		if inner, is := value.(map[string]any); is && name != "severities" {
			if unknown := unknownOption(in+name+".", inner); unknown != "" {
				return unknown
			}
		}
	}
	return ""
}

// texts is a setting that is an array of at most so many texts.
func texts[S any](name string, most int, of func(*S) *[]string) setting[S] {
	return setting[S]{name, "an array of strings, at most " + number(float64(most)), func(s *S, value any) bool {
		list, is := textList(value)
		*of(s) = list
		return is && len(list) <= most
	}}
}

func textList(value any) (list []string, is bool) {
	elements, is := value.([]any)
	for _, e := range elements {
		text, isText := e.(string)
		is = is && isText && text != "" && Length(text) <= maxOptionText
		list = append(list, text)
	}
	return list, is
}

// shortText is a setting that is a short text.
func shortText[S any](name string, of func(*S) *string) setting[S] {
	return setting[S]{name, "a string of at most " + number(maxOptionText) + " characters", func(s *S, value any) bool {
		text, is := value.(string)
		*of(s) = text
		return is && Length(text) <= maxOptionText
	}}
}

// opens is a setting that says whether something opens incidents or is a note.
func opens[S any](name string, of func(*S) *bool) setting[S] {
	return setting[S]{name, "one of: note, open", func(s *S, value any) bool {
		*of(s) = value == "open"
		return value == "open" || value == "note"
	}}
}

func putRules(o *IntegrationOptions, value any) bool {
	elements, is := value.([]any)
	o.Rules = nil
	for _, e := range elements {
		fields, isObject := e.(map[string]any)
		label, hasLabel := fields["label"].(string)
		match, hasValue := fields["value"].(string)
		monitors, hasMonitors := textList(fields["monitors"])
		impact, hasImpact := fields["impact"].(string)
		_, there := fields["impact"]
		named := 3
		if there {
			named++
		}
		rule := IntegrationRule{Label: label, Value: match, Monitors: monitors, Impact: Impact(impact)}
		is = is && isObject && len(fields) == named && hasLabel && label != "" && hasValue && hasMonitors && len(monitors) > 0 && len(monitors) <= maxOptionMonitors &&
			Length(label) <= maxOptionText && Length(match) <= maxOptionText &&
			(!there || hasImpact && (rule.Impact == Down || rule.Impact == Degraded))
		o.Rules = append(o.Rules, rule)
	}
	return is && len(elements) <= maxOptionRules
}

func putSeverities(o *IntegrationOptions, value any) bool {
	words, is := value.(map[string]any)
	o.Severities = map[string]Impact{}
	for word, v := range words {
		switch v {
		case string(Down), string(Degraded):
			o.Severities[strings.ToLower(word)] = Impact(v.(string))
		case "NONE":
			o.Severities[strings.ToLower(word)] = ""
		default:
			return false
		}
	}
	return is && len(words) <= maxOptionList
}

// withoutNulls returns o without the keys whose value is null, "" when there is no other.
func (o JSONObject) withoutNulls() JSONObject {
	keys, values := o.fields()
	keys = slices.DeleteFunc(keys, func(k string) bool { return string(values[k]) == "null" })
	if len(keys) == 0 {
		return ""
	}
	return written(keys, values)
}
