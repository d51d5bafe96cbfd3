package statuspage

import (
	"crypto/rand"
	"encoding/hex"
	"slices"

	"tocsin/internal/opt"
)

// Limits of an integration (docs/integrations.md).
const (
	MaxIntegrationName    = 255       // UTF-16 units
	MaxIntegrationOptions = 16 * 1024 // bytes
	MaxIntegrations       = 200
)

// An Integration is another tool that tells of its alarms. Its token lets the tool do that and
// nothing else.
type Integration struct {
	ID      int64
	Name    string
	Kind    IntegrationKind
	Options JSONObject // what was set, see IntegrationOptions; "" nothing
	Active  bool

	Tokens []IntegrationToken // the one that is valid, the first, and one that a rotation replaced; nil of one without

	// Topics are the SNS topics that it takes messages of: of none at first, so that the one
	// that is confirmed first becomes the only one.
	Topics []string

	Created  int64  // UTC seconds
	Updated  int64  // UTC seconds: of the last change by a person
	LastSeen *int64 // UTC seconds, to the minute: of the last delivery; nil: none yet
	Version  int64  // rises with every change by a person, and when a topic is pinned; 0 before the first

	LastError   *string // what went wrong last, see Seen; nil: nothing since the options were changed
	LastErrorAt *int64  // UTC seconds, to the minute
}

// CloudWatchID is the id of the integration that CloudWatch's alarms come through by EventBridge.
// It is there from the start, has no token, and stays.
const CloudWatchID = 1

// DefaultCloudWatch is that integration before anybody has changed it.
func DefaultCloudWatch() Integration {
	return Integration{ID: CloudWatchID, Name: "CloudWatch", Kind: KindCloudWatch, Active: true}
}

// An IntegrationToken is a token as it is kept: its hash alone.
type IntegrationToken struct {
	Hash  string // see HashSecret
	Until *int64 // UTC seconds; nil: for good
}

// RotatedFor is for how many seconds a token works on after another one took its place.
const RotatedFor = day

// tokenBytes are as many as a routing key of PagerDuty has, which senders check.
const tokenBytes = 16

// NewIntegrationToken returns a new random token: 32 lower-case hexadecimal digits.
func NewIntegrationToken() string {
	var b [tokenBytes]byte
	rand.Read(b[:]) // never fails: the runtime ends the program instead
	return hex.EncodeToString(b[:])
}

// ValidIntegrationToken reports whether s has the form of a token.
func ValidIntegrationToken(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == tokenBytes && hex.EncodeToString(b) == s
}

// Takes reports whether the integration takes the token with the hash at now (UTC seconds).
func (i Integration) Takes(hash string, now int64) bool {
	return slices.ContainsFunc(i.Tokens, func(t IntegrationToken) bool { return t.Hash == hash && (t.Until == nil || now < *t.Until) })
}

// IntegrationKind is the format in which a tool tells of its alarms.
type IntegrationKind string

// The kinds.
const (
	KindGeneric      IntegrationKind = "generic"  // Tocsin's own
	KindFieldMap     IntegrationKind = "fieldmap" // any JSON, by its option fields
	KindCloudWatch   IntegrationKind = "cloudwatch"
	KindAWSHealth    IntegrationKind = "aws-health"
	KindAlertmanager IntegrationKind = "alertmanager"
	KindGrafana      IntegrationKind = "grafana"
	KindDatadog      IntegrationKind = "datadog"
	KindPagerDuty    IntegrationKind = "pagerduty"
	KindOpsgenie     IntegrationKind = "opsgenie"
	KindUptimeKuma   IntegrationKind = "uptimekuma"
	KindUptimeRobot  IntegrationKind = "uptimerobot"
	KindBetterStack  IntegrationKind = "betterstack"
	KindPingdom      IntegrationKind = "pingdom"
	KindSentry       IntegrationKind = "sentry"
	KindNewRelic     IntegrationKind = "newrelic"
	KindAzure        IntegrationKind = "azure"
	KindGCP          IntegrationKind = "gcp"
	KindGitHub       IntegrationKind = "github"
	KindHeartbeat    IntegrationKind = "heartbeat"
)

// IntegrationKinds lists every kind.
func IntegrationKinds() []IntegrationKind {
	return []IntegrationKind{
		KindGeneric, KindFieldMap, KindCloudWatch, KindAWSHealth, KindAlertmanager, KindGrafana, KindDatadog, KindPagerDuty, KindOpsgenie, KindUptimeKuma,
		KindUptimeRobot, KindBetterStack, KindPingdom, KindSentry, KindNewRelic, KindAzure, KindGCP, KindGitHub, KindHeartbeat,
	}
}

// NewIntegration is what a client gives to make an integration.
type NewIntegration struct {
	Name    string
	Kind    IntegrationKind
	Options JSONObject
	Active  bool
}

// Made returns the integration with the id as it is made at now (UTC seconds). token is the
// token itself. An option that is null is none. It returns the error of CheckIntegrationOptions.
func (n NewIntegration) Made(id int64, token string, now int64) (Integration, error) {
	n.Options = n.Options.withoutNulls()
	if err := CheckIntegrationOptions(n.Kind, n.Options); err != nil {
		return Integration{}, err
	}
	return Integration{
		ID: id, Name: n.Name, Kind: n.Kind, Options: n.Options, Active: n.Active, Tokens: []IntegrationToken{{Hash: HashSecret(token)}},
		Created: now, Updated: now, Version: 1,
	}, nil
}

// Tags are those of all monitors that the options name, each once.
func (n NewIntegration) Tags() []string {
	o := Integration{Kind: n.Kind, Options: n.Options}.Settings()
	tags := slices.Clone(o.Monitors)
	for _, r := range o.Rules {
		tags = append(tags, r.Monitors...)
	}
	if o.Heartbeat.Monitor != "" {
		tags = append(tags, o.Heartbeat.Monitor)
	}
	slices.Sort(tags)
	return slices.Compact(tags)
}

// IntegrationPatch is a partial update of an integration. What is not set stays, and so does
// an option that is not named; one that is null goes. Kind is what the client takes it for, ""
// nothing.
type IntegrationPatch struct {
	Kind    IntegrationKind
	Name    opt.Field[string]
	Options opt.Field[JSONObject]
	Active  opt.Field[bool]
}

// Patched returns the integration with the patch in it at now (UTC seconds). It returns
// ErrIntegrationKind for another kind, or the error of CheckIntegrationOptions.
func (i Integration) Patched(p IntegrationPatch, now int64) (Integration, error) {
	if p.Kind != "" && p.Kind != i.Kind {
		return Integration{}, ErrIntegrationKind
	}
	i.Name, i.Active = p.Name.Or(i.Name), p.Active.Or(i.Active)
	if options, set := p.Options.Get(); set {
		i.Options = i.Options.Merge(options).withoutNulls()
		i.LastError, i.LastErrorAt = nil, nil
	}
	return i.worked(now), CheckIntegrationOptions(i.Kind, i.Options)
}

// Former is until when (UTC seconds) the token works on that a rotation replaced, nil when none does
// at now.
func (i Integration) Former(now int64) *int64 {
	for _, t := range i.Tokens {
		if t.Until != nil && now < *t.Until {
			return t.Until
		}
	}
	return nil
}

// Rotated returns the integration with another token at now (UTC seconds). The one before works
// on for RotatedFor, and one before that no longer.
func (i Integration) Rotated(token string, now int64) Integration {
	next := []IntegrationToken{{Hash: HashSecret(token)}}
	if len(i.Tokens) > 0 {
		next = append(next, IntegrationToken{Hash: i.Tokens[0].Hash, Until: new(now + RotatedFor)})
	}
	i.Tokens = next
	return i.worked(now)
}

// Seen returns the integration after a delivery at now (UTC seconds), and whether that is something
// new to keep. problem is what was wrong with it; nil leaves the last one, which would be gone with
// the next alarm otherwise.
func (i Integration) Seen(now int64, problem *string) (next Integration, changed bool) {
	at := FloorMinute(now)
	if changed = i.LastSeen == nil || *i.LastSeen < at; changed {
		i.LastSeen = &at
	}
	if problem != nil && (i.LastError == nil || i.LastErrorAt == nil || *i.LastError != *problem || *i.LastErrorAt < at) {
		i.LastError, i.LastErrorAt, changed = problem, &at, true
	}
	return i, changed
}

// Pinned returns the integration with the SNS topic as its only one. It returns ErrOtherTopic when
// it has another one, and changed is false when it has this one already.
func (i Integration) Pinned(topic string) (next Integration, changed bool, err error) {
	switch {
	case slices.Equal(i.Topics, []string{topic}):
		return i, false, nil
	case len(i.Topics) > 0:
		return i, false, ErrOtherTopic
	}
	i.Topics = []string{topic}
	i.Version++
	return i, true, nil
}

func (i Integration) worked(now int64) Integration {
	if i.Created == 0 {
		i.Created = now
	}
	i.Updated = now
	i.Version++
	return i
}

// An IntegrationPrecondition reports whether the integration is as a writer expects it. Nil
// expects nothing.
type IntegrationPrecondition func(Integration) bool

// IntegrationQuery says which part of the list of integrations is asked for.
type IntegrationQuery struct {
	After int64 // an id; 0: from the start
	Limit int
}

// DeliveryKept is for how many seconds a delivery is kept, and MaxDeliveries how many are shown of
// an integration: the newest.
const (
	DeliveryKept    = 7 * day
	MaxDeliveries   = 50
	MaxDeliveryBody = 16 * 1024 // bytes; what is longer is cut
)

// A Delivery is a request of a tool, or an event, as it came, with what was made of it. No header
// is in it, and no token.
type Delivery struct {
	Integration int64
	Time        int64  // UTC milliseconds
	Nonce       string // tells it from others of the same millisecond
	Body        string // at most MaxDeliveryBody bytes
	Cut         bool   // whether the body was longer
	Outcome     DeliveryOutcome
	Reason      string // of what was refused or ignored; "" none
}

// DeliveryOutcome is how a delivery was answered, and what its signals did.
type DeliveryOutcome struct {
	Status                              int // of HTTP
	Received, Opened, Resolved, Ignored int
}
