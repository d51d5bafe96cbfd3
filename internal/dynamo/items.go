package dynamo

import (
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tocsin/internal/opt"
	"tocsin/internal/statuspage"
)

// item is a DynamoDB item. Items are built and read by hand: reflection costs
// three to ten times the allocations on every request.
type item = map[string]types.AttributeValue

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func num(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

// optNum is the number of a field that is set, or NULL.
func optNum(f opt.Field[int64]) types.AttributeValue {
	if n, ok := f.Get(); ok {
		return num(n)
	}
	return &types.AttributeValueMemberNULL{Value: true}
}

func putOptNum(it item, name string, n *int64) {
	if n != nil {
		it[name] = num(*n)
	}
}

func putOptStr(it item, name string, s *string) {
	if s != nil {
		it[name] = str(*s)
	}
}

// reader takes attributes out of an item and remembers the first that is missing
// or of the wrong type.
type reader struct {
	item item
	err  error
}

func (r *reader) fail(name string) {
	if r.err == nil {
		r.err = fmt.Errorf("item %v: attribute %q is missing or malformed", r.item[attrPK], name)
	}
}

func (r *reader) str(name string) string {
	v, ok := r.item[name].(*types.AttributeValueMemberS)
	if !ok {
		r.fail(name)
		return ""
	}
	return v.Value
}

func (r *reader) optStr(name string) *string {
	if _, ok := r.item[name]; !ok {
		return nil
	}
	s := r.str(name)
	return &s
}

// strOr returns the attribute, or "" when the item has none.
func (r *reader) strOrEmpty(name string) string {
	if s := r.optStr(name); s != nil {
		return *s
	}
	return ""
}

func (r *reader) num(name string) int64 {
	v, ok := r.item[name].(*types.AttributeValueMemberN)
	if !ok {
		r.fail(name)
		return 0
	}
	n, err := strconv.ParseInt(v.Value, 10, 64)
	if err != nil {
		r.fail(name)
	}
	return n
}

func (r *reader) optNum(name string) *int64 {
	if _, ok := r.item[name]; !ok {
		return nil
	}
	n := r.num(name)
	return &n
}

// optField undoes optNum; it is absent when the item has no such attribute.
func (r *reader) optField(name string) opt.Field[int64] {
	switch r.item[name].(type) {
	case nil:
		return opt.Field[int64]{}
	case *types.AttributeValueMemberNULL:
		return opt.Null[int64]()
	}
	return opt.Value(r.num(name))
}

// optBytes returns the attribute, or nil when the item has none.
func (r *reader) optBytes(name string) []byte {
	if _, ok := r.item[name]; !ok {
		return nil
	}
	v, ok := r.item[name].(*types.AttributeValueMemberB)
	if !ok {
		r.fail(name)
		return nil
	}
	return v.Value
}

func (r *reader) list(name string) []types.AttributeValue {
	v, ok := r.item[name].(*types.AttributeValueMemberL)
	if !ok {
		r.fail(name)
		return nil
	}
	return v.Value
}

// Attributes of more than one kind of item.
const (
	attrID      = "id"
	attrCreated = "created"
	attrUpdated = "updated"
	attrVersion = "version"
	attrName    = "name"
	attrTTL     = "expires" // UTC seconds; from then on the item counts as absent, and DynamoDB removes it
	attrRequest = "request" // token of the last UpdateItem, see updateInPlace
)

// Attributes of an incident.
const (
	attrTitle    = "title"
	attrStart    = "start"
	attrEnd      = "end"
	attrState    = "state"
	attrType     = "type"
	attrSource   = "source"
	attrMonitors = "monitors"
	attrClosed   = "closed"
	attrTag      = "tag"
	attrImpact   = "impact"
	attrAlert    = "alert_id"

	// For the legacy API; there only when they say something, see statuspage.LegacyFields.
	attrNoStart      = "no_start"
	attrStartSeconds = "start_seconds"
	attrEndSeconds   = "end_seconds"
	attrNoImpact     = "no_impact"
	attrIdentified   = "identified"
	attrMaintenance  = "maintenance"
	attrAutoClose    = "auto_close" // seconds, or NULL for never
	attrWarned       = "warned"     // UTC seconds: of the closer's warning
	attrWarnedOf     = "warned_of"  // UTC seconds: the last activity that it knew
)

// openOrClosed is the partition of gsi2 and gsi3 that an incident is in.
func openOrClosed(closed bool) types.AttributeValue {
	if closed {
		return str(closedOnes)
	}
	return str(openOnes)
}

func incidentItem(i statuspage.Incident) item {
	it := incidentKey(i.ID).attributes()
	it[attrGSI1PK] = str(allIncidents)
	it[attrGSI1SK] = str(timeAndID(i.Start, i.ID))
	it[attrGSI2PK] = openOrClosed(i.Closed != nil)
	it[attrGSI2SK] = str(timeAndID(i.Created, i.ID))
	it[attrID] = num(i.ID)
	it[attrTitle] = str(i.Title)
	it[attrStart] = num(i.Start)
	putOptNum(it, attrEnd, i.End)
	it[attrState] = str(string(i.State))
	it[attrType] = str(i.Type)
	it[attrSource] = str(i.Source)
	it[attrMonitors] = affectedList(i.Monitors)
	putOptNum(it, attrAlert, i.AlertID)
	if i.AutoCloseAfter.IsSet() {
		it[attrAutoClose] = optNum(i.AutoCloseAfter)
	}
	if i.Warning != nil {
		it[attrWarned], it[attrWarnedOf] = num(i.Warning.Time), num(i.Warning.Activity)
	}
	it[attrCreated] = num(i.Created)
	it[attrUpdated] = num(i.Updated)
	putOptNum(it, attrClosed, i.Closed)
	it[attrVersion] = num(i.Version)
	for _, a := range legacyAttrs(i.Legacy) {
		if a.value != 0 {
			it[a.name] = num(a.value)
		}
	}
	return it
}

// A legacyAttr is an attribute of an incident for the legacy API; 0 is for absent.
type legacyAttr struct {
	name  string
	value int64
}

func legacyAttrs(f statuspage.LegacyFields) []legacyAttr {
	flag := func(b bool) int64 {
		if b {
			return 1
		}
		return 0
	}
	return []legacyAttr{
		{attrNoStart, flag(f.NoStart)}, {attrStartSeconds, f.StartSeconds}, {attrEndSeconds, f.EndSeconds},
		{attrNoImpact, flag(f.NoImpact)}, {attrIdentified, flag(f.Identified)}, {attrMaintenance, flag(f.Maintenance)},
	}
}

func (r *reader) legacyFields() statuspage.LegacyFields {
	value := func(name string) int64 {
		if n := r.optNum(name); n != nil {
			return *n
		}
		return 0
	}
	return statuspage.LegacyFields{
		NoStart: value(attrNoStart) != 0, StartSeconds: value(attrStartSeconds), EndSeconds: value(attrEndSeconds),
		NoImpact: value(attrNoImpact) != 0, Identified: value(attrIdentified) != 0, Maintenance: value(attrMaintenance) != 0,
	}
}

func affectedList(monitors []statuspage.AffectedMonitor) types.AttributeValue {
	list := make([]types.AttributeValue, len(monitors))
	for i, m := range monitors {
		list[i] = &types.AttributeValueMemberM{Value: item{
			attrTag: str(m.Tag), attrID: num(m.MonitorID), attrImpact: str(string(m.Impact)),
		}}
	}
	return &types.AttributeValueMemberL{Value: list}
}

// incidentFields are the attributes that readIncident needs.
var incidentFields = []string{
	attrID, attrTitle, attrStart, attrEnd, attrState, attrType, attrSource, attrMonitors, attrAlert, attrCreated, attrUpdated, attrClosed, attrVersion,
	attrNoStart, attrStartSeconds, attrEndSeconds, attrNoImpact, attrIdentified, attrMaintenance,
	attrAutoClose, attrWarned, attrWarnedOf,
}

func readIncident(it item) (statuspage.Incident, error) {
	r := reader{item: it}
	i := statuspage.Incident{
		ID:      r.num(attrID),
		Title:   r.str(attrTitle),
		Start:   r.num(attrStart),
		End:     r.optNum(attrEnd),
		State:   statuspage.State(r.str(attrState)),
		Type:    r.str(attrType),
		Source:  r.str(attrSource),
		AlertID: r.optNum(attrAlert),
		Created: r.num(attrCreated),
		Updated: r.num(attrUpdated),
		Closed:  r.optNum(attrClosed),
		Version: r.num(attrVersion),
	}
	i.AutoCloseAfter = r.optField(attrAutoClose)
	if warned := r.optNum(attrWarned); warned != nil {
		i.Warning = &statuspage.CloserWarning{Time: *warned, Activity: r.num(attrWarnedOf)}
	}
	i.Monitors = r.affected()
	i.Legacy = r.legacyFields()
	return i, r.err
}

// affected reads the monitors of an incident.
func (r *reader) affected() []statuspage.AffectedMonitor {
	list := r.list(attrMonitors)
	monitors := make([]statuspage.AffectedMonitor, len(list))
	for n, v := range list {
		m, ok := v.(*types.AttributeValueMemberM)
		if !ok {
			r.fail(attrMonitors)
			break
		}
		mr := reader{item: m.Value}
		monitors[n] = statuspage.AffectedMonitor{
			Tag: mr.str(attrTag), MonitorID: mr.num(attrID), Impact: statuspage.Impact(mr.str(attrImpact)),
		}
		if mr.err != nil {
			r.fail(attrMonitors)
		}
	}
	return monitors
}

// Attributes of a comment.
const (
	attrIncidentID = "incident_id"
	attrText       = "text"
	attrTime       = "time"
	attrDeleted    = "deleted"
)

func commentItem(c statuspage.Comment) item {
	it := commentKey(c.IncidentID, c.ID).attributes()
	it[attrLSI1SK] = str(timeAndID(c.Time, c.ID))
	it[attrID] = num(c.ID)
	it[attrIncidentID] = num(c.IncidentID)
	it[attrText] = str(c.Text)
	it[attrTime] = num(c.Time)
	it[attrState] = str(string(c.State))
	it[attrCreated] = num(c.Created)
	it[attrUpdated] = num(c.Updated)
	it[attrVersion] = num(c.Version)
	return it
}

func readComment(it item) (statuspage.Comment, error) {
	r := reader{item: it}
	c := statuspage.Comment{
		ID:         r.num(attrID),
		IncidentID: r.num(attrIncidentID),
		Text:       r.str(attrText),
		Time:       r.num(attrTime),
		State:      statuspage.State(r.str(attrState)),
		Created:    r.num(attrCreated),
		Updated:    r.num(attrUpdated),
		Version:    r.num(attrVersion),
	}
	return c, r.err
}

// Attributes of a monitor, beside those shared with other items.
const (
	attrDescription = "description"
	attrImage       = "image"
	attrCron        = "cron"
	attrDefault     = "default_status"
	attrStatus      = "status"
	attrCategory    = "category_name"
	attrMonitorType = "monitor_type"
	attrDownTrigger = "down_trigger"
	attrDegrTrigger = "degraded_trigger"
	attrTypeData    = "type_data"
	attrDayDegraded = "day_degraded_minimum_count"
	attrDayDown     = "day_down_minimum_count"
	attrIncludeDegr = "include_degraded_in_downtime"
	attrHidden      = "is_hidden"
	attrSettings    = "monitor_settings_json"
	attrExternalURL = "external_url"
	attrThreshold   = "confirmation_threshold"
	attrWatches     = "watches" // see watchList
)

func monitorItem(m statuspage.Monitor) item {
	it := monitorKey(m.Tag).attributes()
	it[attrLSI1SK] = str(padID(m.ID))
	it[attrID] = num(m.ID)
	it[attrName] = str(m.Name)
	putOptStr(it, attrDescription, m.Description)
	putOptStr(it, attrImage, m.Image)
	putOptStr(it, attrCron, m.Cron)
	putOptStr(it, attrDefault, m.DefaultStatus)
	putOptStr(it, attrStatus, m.Status)
	putOptStr(it, attrCategory, m.Category)
	putOptStr(it, attrMonitorType, m.Type)
	putOptStr(it, attrDownTrigger, m.DownTrigger)
	putOptStr(it, attrDegrTrigger, m.DegradedTrigger)
	if m.TypeData != "" {
		it[attrTypeData] = str(string(m.TypeData))
	}
	putOptNum(it, attrDayDegraded, m.DayDegradedMinimum)
	putOptNum(it, attrDayDown, m.DayDownMinimum)
	putOptStr(it, attrIncludeDegr, m.IncludeDegraded)
	putOptStr(it, attrHidden, m.Hidden)
	if m.Settings != "" {
		it[attrSettings] = str(string(m.Settings))
	}
	putOptStr(it, attrExternalURL, m.ExternalURL)
	it[attrThreshold] = num(m.ConfirmationThreshold)
	if len(m.Watches) > 0 {
		it[attrWatches] = watchList(m.Watches)
	}
	it[attrCreated] = num(m.Created)
	it[attrUpdated] = num(m.Updated)
	it[attrVersion] = num(m.Version)
	return it
}

func readMonitor(it item) (statuspage.Monitor, error) {
	r := reader{item: it}
	m := statuspage.Monitor{
		ID:                    r.num(attrID),
		Tag:                   r.str(attrSK),
		Name:                  r.str(attrName),
		Description:           r.optStr(attrDescription),
		Image:                 r.optStr(attrImage),
		Cron:                  r.optStr(attrCron),
		DefaultStatus:         r.optStr(attrDefault),
		Status:                r.optStr(attrStatus),
		Category:              r.optStr(attrCategory),
		Type:                  r.optStr(attrMonitorType),
		DownTrigger:           r.optStr(attrDownTrigger),
		DegradedTrigger:       r.optStr(attrDegrTrigger),
		TypeData:              statuspage.JSONObject(r.strOrEmpty(attrTypeData)),
		DayDegradedMinimum:    r.optNum(attrDayDegraded),
		DayDownMinimum:        r.optNum(attrDayDown),
		IncludeDegraded:       r.optStr(attrIncludeDegr),
		Hidden:                r.optStr(attrHidden),
		Settings:              statuspage.JSONObject(r.strOrEmpty(attrSettings)),
		ExternalURL:           r.optStr(attrExternalURL),
		ConfirmationThreshold: r.num(attrThreshold),
		Created:               r.num(attrCreated),
		Updated:               r.num(attrUpdated),
		Version:               r.num(attrVersion),
		Watches:               r.watches(),
	}
	return m, r.err
}

// Attributes of an API key.
const (
	attrScopes   = "scopes"
	attrExpires  = "expires_at" // not attrTTL: an expired key is kept
	attrRevoked  = "revoked"
	attrLastUsed = "last_used"
	attrHash     = "hash"
)

func scopeSet(scopes []statuspage.Scope) types.AttributeValue {
	names := make([]string, len(scopes))
	for i, s := range scopes {
		names[i] = string(s)
	}
	return &types.AttributeValueMemberSS{Value: names}
}

func apiKeyItem(k statuspage.APIKey) item {
	it := apiKeyKey(k.Hash).attributes()
	it[attrGSI1PK] = str(allAPIKeys)
	it[attrGSI1SK] = str(padID(k.ID))
	it[attrID] = num(k.ID)
	it[attrHash] = str(k.Hash)
	it[attrName] = str(k.Name)
	if len(k.Scopes) > 0 { // DynamoDB knows no empty set
		it[attrScopes] = scopeSet(k.Scopes)
	}
	it[attrCreated] = num(k.Created)
	putOptNum(it, attrExpires, k.Expires)
	putOptNum(it, attrRevoked, k.Revoked)
	putOptNum(it, attrLastUsed, k.LastUsed)
	return it
}

func readAPIKey(it item) (statuspage.APIKey, error) {
	r := reader{item: it}
	k := statuspage.APIKey{
		ID:       r.num(attrID),
		Hash:     r.str(attrHash),
		Name:     r.str(attrName),
		Created:  r.num(attrCreated),
		Expires:  r.optNum(attrExpires),
		Revoked:  r.optNum(attrRevoked),
		LastUsed: r.optNum(attrLastUsed),
	}
	if v, ok := it[attrScopes].(*types.AttributeValueMemberSS); ok {
		// A set has no order: show the scopes in ours.
		for _, s := range statuspage.Scopes() {
			for _, name := range v.Value {
				if name == string(s) {
					k.Scopes = append(k.Scopes, s)
				}
			}
		}
	}
	return k, r.err
}

// Attributes of an idempotency record.
const (
	attrDigest  = "digest"
	attrClaimed = "claimed" // UTC seconds
	attrReply   = "reply"   // absent while the claim is open
)

// Attributes of a day of a monitor.
const (
	attrDayVersion   = "v"       // rises with every write to the day after its end
	attrTotals       = "totals"  // absent until they are made from the points
	attrFilling      = "filling" // UTC seconds until when a range may be being filled
	attrUp           = "up"
	attrDegraded     = "degraded"
	attrDown         = "down"
	attrLatencySum   = "latency_sum" // a text: DynamoDB's numbers are not a float64's
	attrLatencyCount = "latency_count"
)

// Attributes of an alert rule and, but for the thresholds, of an alert.
const (
	attrFor            = "alert_for"
	attrLimit          = "limit" // a text, as latencies are; absent where the value is a status
	attrFailures       = "failures"
	attrSuccesses      = "successes"
	attrSeverity       = "severity"
	attrCreateIncident = "create_incident" // present when it does
	attrActive         = "active"          // present when it is
	attrRuleID         = "rule_id"
	attrRuleVersion    = "rule_version" // of an open alert's mark: of the rule that fired
	attrMonitorID      = "monitor_id"
	attrResolved       = "resolved"
)

// attrWrite is a text in an hour's item that is another after each write.
const attrWrite = "w"

func putFlag(it item, name string, on bool) {
	if on {
		it[name] = &types.AttributeValueMemberBOOL{Value: true}
	}
}

func (r *reader) flag(name string) bool {
	_, on := r.item[name]
	return on
}

func putCondition(it item, c statuspage.Condition) {
	it[attrFor] = str(string(c.For))
	if c.For == statuspage.AlertStatus {
		it[attrStatus] = str(string(c.Status))
	} else {
		it[attrLimit] = str(strconv.FormatFloat(c.Limit, 'g', -1, 64))
	}
	if c.Failures > 0 {
		it[attrFailures], it[attrSuccesses] = num(c.Failures), num(c.Successes)
	}
}

func (r *reader) condition() statuspage.Condition {
	c := statuspage.Condition{For: statuspage.AlertFor(r.str(attrFor)), Status: statuspage.Status(r.strOrEmpty(attrStatus))}
	if text := r.optStr(attrLimit); text != nil {
		var err error
		if c.Limit, err = strconv.ParseFloat(*text, 64); err != nil {
			r.fail(attrLimit)
		}
	}
	if n := r.optNum(attrFailures); n != nil {
		c.Failures, c.Successes = *n, r.num(attrSuccesses)
	}
	return c
}

// watchList is what a monitor's item holds of its active alert rules.
func watchList(watches []statuspage.Watch) types.AttributeValue {
	list := make([]types.AttributeValue, len(watches))
	for i, w := range watches {
		m := item{attrID: num(w.RuleID)}
		putCondition(m, w.Condition)
		list[i] = &types.AttributeValueMemberM{Value: m}
	}
	return &types.AttributeValueMemberL{Value: list}
}

func (r *reader) watches() []statuspage.Watch {
	if _, ok := r.item[attrWatches]; !ok {
		return nil
	}
	var watches []statuspage.Watch
	for _, v := range r.list(attrWatches) {
		m, ok := v.(*types.AttributeValueMemberM)
		if !ok {
			r.fail(attrWatches)
			break
		}
		wr := reader{item: m.Value}
		watches = append(watches, statuspage.Watch{RuleID: wr.num(attrID), Condition: wr.condition()})
		if wr.err != nil {
			r.fail(attrWatches)
		}
	}
	return watches
}

func ruleItem(a statuspage.AlertRule) item {
	it := ruleKey(a.ID).attributes()
	it[attrID] = num(a.ID)
	putCondition(it, a.Condition)
	list := make([]types.AttributeValue, len(a.Monitors))
	for i, m := range a.Monitors {
		list[i] = &types.AttributeValueMemberM{Value: item{attrTag: str(m.Tag), attrID: num(m.MonitorID)}}
	}
	it[attrMonitors] = &types.AttributeValueMemberL{Value: list}
	it[attrSeverity] = str(string(a.Severity))
	putFlag(it, attrCreateIncident, a.CreateIncident)
	putOptStr(it, attrDescription, a.Description)
	putFlag(it, attrActive, a.Active)
	it[attrCreated] = num(a.Created)
	it[attrUpdated] = num(a.Updated)
	it[attrVersion] = num(a.Version)
	return it
}

func readRule(it item) (statuspage.AlertRule, error) {
	r := reader{item: it}
	a := statuspage.AlertRule{
		ID:             r.num(attrID),
		Condition:      r.condition(),
		Severity:       statuspage.Severity(r.str(attrSeverity)),
		CreateIncident: r.flag(attrCreateIncident),
		Description:    r.optStr(attrDescription),
		Active:         r.flag(attrActive),
		Created:        r.num(attrCreated),
		Updated:        r.num(attrUpdated),
		Version:        r.num(attrVersion),
	}
	for _, v := range r.list(attrMonitors) {
		m, ok := v.(*types.AttributeValueMemberM)
		if !ok {
			r.fail(attrMonitors)
			break
		}
		mr := reader{item: m.Value}
		a.Monitors = append(a.Monitors, statuspage.RuleMonitor{Tag: mr.str(attrTag), MonitorID: mr.num(attrID)})
		if mr.err != nil {
			r.fail(attrMonitors)
		}
	}
	return a, r.err
}

func alertItem(a statuspage.Alert) item {
	it := alertKey(a.ID).attributes()
	it[attrGSI1PK] = str(allAlerts)
	it[attrGSI1SK] = str(padID(a.ID))
	it[attrID] = num(a.ID)
	it[attrRuleID] = num(a.RuleID)
	it[attrTag] = str(a.Tag)
	it[attrMonitorID] = num(a.MonitorID)
	putCondition(it, a.Condition)
	it[attrSeverity] = str(string(a.Severity))
	it[attrState] = str(string(a.State))
	putOptNum(it, attrIncidentID, a.IncidentID)
	it[attrCreated] = num(a.Created)
	it[attrUpdated] = num(a.Updated)
	putOptNum(it, attrResolved, a.Resolved)
	it[attrVersion] = num(a.Version)
	return it
}

func readAlert(it item) (statuspage.Alert, error) {
	r := reader{item: it}
	a := statuspage.Alert{
		ID:         r.num(attrID),
		RuleID:     r.num(attrRuleID),
		Tag:        r.str(attrTag),
		MonitorID:  r.num(attrMonitorID),
		Condition:  r.condition(),
		Severity:   statuspage.Severity(r.str(attrSeverity)),
		State:      statuspage.AlertState(r.str(attrState)),
		IncidentID: r.optNum(attrIncidentID),
		Created:    r.num(attrCreated),
		Updated:    r.num(attrUpdated),
		Resolved:   r.optNum(attrResolved),
		Version:    r.num(attrVersion),
	}
	return a, r.err
}

// An openAlert is the mark of an alert that is open.
type openAlert struct {
	alertID     int64
	incidentID  *int64 // that it opened; it may be deleted since
	ruleVersion int64  // of the rule as it fired
}

func openAlertItem(a statuspage.Alert, ruleVersion int64) item {
	it := openAlertKey(a.MonitorID, a.RuleID).attributes()
	it[attrAlert] = num(a.ID)
	putOptNum(it, attrIncidentID, a.IncidentID)
	it[attrRuleID] = num(a.RuleID)
	it[attrRuleVersion] = num(ruleVersion)
	return it
}

func readOpenAlert(it item) (ruleID int64, o openAlert, err error) {
	r := reader{item: it}
	ruleID, o = r.num(attrRuleID), openAlert{r.num(attrAlert), r.optNum(attrIncidentID), r.num(attrRuleVersion)}
	return ruleID, o, r.err
}
