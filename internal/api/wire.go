package api

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"tocsin/internal/statuspage"
)

type errorJSON struct {
	Error errorBody `json:"error"`
}

type errorBody struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

type healthJSON struct {
	Status string `json:"status"`
}

type messageJSON struct {
	Message string `json:"message"`
}

// incidentJSON is an incident (contract v4, section 2). In lists it has no type.
type incidentJSON struct {
	ID        int64           `json:"id"`
	Title     string          `json:"title"`
	Start     int64           `json:"start_date_time"`
	End       *int64          `json:"end_date_time"`
	State     string          `json:"state"`
	Type      string          `json:"incident_type,omitempty"`
	Source    string          `json:"incident_source"`
	Monitors  []monitorImpact `json:"monitors"`
	AutoClose **int64         `json:"auto_close_after,omitempty"` // nil: not set, of nil: null
	Created   string          `json:"created_at"`
	Updated   string          `json:"updated_at"`
	URL       string          `json:"url"`
}

type monitorImpact struct {
	Tag    string `json:"monitor_tag"`
	Impact string `json:"impact"`
}

type incidentEnvelope struct {
	Incident incidentJSON `json:"incident"`
}

func (s *service) incidentJSON(r *request, i statuspage.Incident) incidentJSON {
	monitors := make([]monitorImpact, len(i.Monitors))
	for n, m := range i.Monitors {
		monitors[n] = monitorImpact{m.Tag, string(m.Impact)}
	}
	var autoClose **int64
	if i.AutoCloseAfter.IsSet() {
		autoClose = new(i.AutoCloseAfter.Ptr(nil))
	}
	return incidentJSON{
		ID: i.ID, Title: i.Title, Start: i.Start, End: i.End, State: string(i.State),
		Type: i.Type, Source: i.Source, Monitors: monitors, AutoClose: autoClose,
		Created: isoTime(i.Created), Updated: isoTime(i.Updated),
		URL: s.siteURL(r) + "/incidents/" + strconv.FormatInt(i.ID, 10),
	}
}

// etag is the entity tag of the incident as one is shown (contract v4, part A,
// Beyond the original): a digest of all but the url, which depends on the address
// that it was asked for at.
func (i incidentJSON) etag() string {
	i.URL = ""
	sum := sha256.Sum256(encode(i))
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:etagBytes]) + `"`
}

// etagBytes of a digest are enough to tell the versions of one incident apart.
const etagBytes = 16

func (s *service) siteURL(r *request) string {
	if s.SiteURL != "" {
		return strings.TrimRight(s.SiteURL, "/")
	}
	return r.call.Origin
}

// commentJSON is a comment (contract v4, section 3).
type commentJSON struct {
	ID         int64  `json:"id"`
	IncidentID int64  `json:"incident_id"`
	Comment    string `json:"comment"`
	Timestamp  int64  `json:"timestamp"`
	State      string `json:"state"`
	Created    string `json:"created_at"`
	Updated    string `json:"updated_at"`
}

type commentEnvelope struct {
	Comment commentJSON `json:"comment"`
}

func toCommentJSON(c statuspage.Comment) commentJSON {
	return commentJSON{
		ID: c.ID, IncidentID: c.IncidentID, Comment: c.Text, Timestamp: c.Time, State: string(c.State),
		Created: isoTime(c.Created), Updated: isoTime(c.Updated),
	}
}

// monitorJSON is a monitor (contract v4, section 4).
type monitorJSON struct {
	ID                    int64           `json:"id"`
	Tag                   string          `json:"tag"`
	Name                  string          `json:"name"`
	Description           *string         `json:"description"`
	Image                 *string         `json:"image"`
	Cron                  *string         `json:"cron"`
	DefaultStatus         *string         `json:"default_status"`
	Status                *string         `json:"status"`
	Category              *string         `json:"category_name"`
	Type                  *string         `json:"monitor_type"`
	DownTrigger           *string         `json:"down_trigger"`
	DegradedTrigger       *string         `json:"degraded_trigger"`
	TypeData              json.RawMessage `json:"type_data"`
	DayDegradedMinimum    *int64          `json:"day_degraded_minimum_count"`
	DayDownMinimum        *int64          `json:"day_down_minimum_count"`
	IncludeDegraded       *string         `json:"include_degraded_in_downtime"`
	Created               string          `json:"created_at"`
	Updated               string          `json:"updated_at"`
	Hidden                *string         `json:"is_hidden"`
	Settings              json.RawMessage `json:"monitor_settings_json"`
	ExternalURL           *string         `json:"external_url"`
	ConfirmationThreshold int64           `json:"confirmation_threshold"`
}

type monitorEnvelope struct {
	Monitor monitorJSON `json:"monitor"`
}

func toMonitorJSON(m statuspage.Monitor) monitorJSON {
	return monitorJSON{
		ID: m.ID, Tag: m.Tag, Name: m.Name,
		Description: m.Description, Image: m.Image, Cron: m.Cron,
		DefaultStatus: m.DefaultStatus, Status: m.Status, Category: m.Category, Type: m.Type,
		DownTrigger: m.DownTrigger, DegradedTrigger: m.DegradedTrigger,
		TypeData:           objectJSON(m.TypeData, "{}"),
		DayDegradedMinimum: m.DayDegradedMinimum, DayDownMinimum: m.DayDownMinimum,
		IncludeDegraded: m.IncludeDegraded,
		Created:         isoTime(m.Created), Updated: isoTime(m.Updated),
		Hidden:      m.Hidden,
		Settings:    objectJSON(m.Settings, statuspage.DefaultSettings),
		ExternalURL: m.ExternalURL, ConfirmationThreshold: m.ConfirmationThreshold,
	}
}

func objectJSON(o, empty statuspage.JSONObject) json.RawMessage {
	if o == "" {
		o = empty
	}
	return json.RawMessage(o)
}

// keyJSON is an API key. Only the answer to its making has the key itself, and a
// replay of that answer null in its place.
type keyJSON struct {
	ID       int64    `json:"id"`
	Name     string   `json:"name"`
	Scopes   []string `json:"scopes"`
	Created  string   `json:"created_at"`
	Expires  *int64   `json:"expires_at"`
	LastUsed *string  `json:"last_used_at"`
	Revoked  *string  `json:"revoked_at"`
}

type newKeyJSON struct {
	keyJSON
	Key *string `json:"key"`
}

type newKeyEnvelope struct {
	Key newKeyJSON `json:"api_key"`
}

func toKeyJSON(k statuspage.APIKey) keyJSON {
	scopes := make([]string, len(k.Scopes))
	for i, s := range k.Scopes {
		scopes[i] = string(s)
	}
	return keyJSON{
		ID: k.ID, Name: k.Name, Scopes: scopes, Created: isoTime(k.Created), Expires: k.Expires,
		LastUsed: isoTimeOrNull(k.LastUsed), Revoked: isoTimeOrNull(k.Revoked),
	}
}

func isoTimeOrNull(t *int64) *string {
	if t == nil {
		return nil
	}
	return new(isoTime(*t))
}

// pointJSON is a monitor's status in one minute (contract v4, section 5).
type pointJSON struct {
	Tag       string   `json:"monitor_tag"`
	Timestamp int64    `json:"timestamp"`
	Status    string   `json:"status"`
	Latency   *float64 `json:"latency"`
	Type      string   `json:"type"`
}

type pointEnvelope struct {
	Data pointJSON `json:"data"`
}

func toPointJSON(tag string, p statuspage.Point) pointJSON {
	return pointJSON{Tag: tag, Timestamp: p.Time, Status: string(p.Status), Latency: p.Latency, Type: string(p.Source)}
}

type updatedJSON struct {
	Message string `json:"message"`
	Count   int64  `json:"updated_count"`
}

// pointResultJSON is what became of a posted point: its minute, or why it was not
// taken.
type pointResultJSON struct {
	Tag       *string    `json:"monitor_tag"`
	Timestamp *int64     `json:"timestamp"`
	Error     *errorBody `json:"error,omitempty"`
}

type resultsEnvelope struct {
	Results []pointResultJSON `json:"results"`
}

func resultsJSON(results []pointResult) resultsEnvelope {
	e := resultsEnvelope{Results: make([]pointResultJSON, len(results))}
	for n, r := range results {
		shown := pointResultJSON{}
		if r.tag != "" {
			shown.Tag = &r.tag
		}
		if r.err == nil {
			shown.Timestamp = &r.time
		} else {
			body, _ := shownError(r.err)
			shown.Error = &body
		}
		e.Results[n] = shown
	}
	return e
}

// uptimeJSON counts a monitor's minutes.
type uptimeJSON struct {
	Up       int64    `json:"minutes_up"`
	Degraded int64    `json:"minutes_degraded"`
	Down     int64    `json:"minutes_down"`
	Uptime   *float64 `json:"uptime"`          // percent; null without a minute
	Latency  *float64 `json:"average_latency"` // milliseconds; null when none was measured
}

type dayJSON struct {
	Date string `json:"date"`
	uptimeJSON
}

type monitorUptimeJSON struct {
	Tag   string     `json:"monitor_tag"`
	Days  []dayJSON  `json:"days"`
	Total uptimeJSON `json:"total"`
}

type uptimeEnvelope struct {
	Uptime monitorUptimeJSON `json:"uptime"`
}

func toUptimeJSON(m statuspage.Monitor, days []statuspage.DayTotals) uptimeEnvelope {
	count := func(t statuspage.Totals) uptimeJSON {
		shown := uptimeJSON{Up: t.Up, Degraded: t.Degraded, Down: t.Down}
		if percent, ok := t.Uptime(m.CountsDegradedAsDown()); ok {
			shown.Uptime = &percent
		}
		if latency, ok := t.Latency(); ok {
			shown.Latency = &latency
		}
		return shown
	}
	u := monitorUptimeJSON{Tag: m.Tag, Days: make([]dayJSON, len(days))}
	var total statuspage.Totals
	for n, d := range days {
		u.Days[n] = dayJSON{time.Unix(d.Day, 0).UTC().Format(time.DateOnly), count(d.Totals)}
		total = total.Plus(d.Totals)
	}
	u.Total = count(total)
	return uptimeEnvelope{u}
}

// alertRuleJSON is an alert rule.
type alertRuleJSON struct {
	ID             int64    `json:"id"`
	For            string   `json:"alert_for"`
	Value          any      `json:"alert_value"`
	Tags           []string `json:"monitor_tags"`
	Failures       int64    `json:"failure_threshold"`
	Successes      int64    `json:"success_threshold"`
	Severity       string   `json:"severity"`
	CreateIncident bool     `json:"create_incident"`
	Description    *string  `json:"description"`
	Active         bool     `json:"is_active"`
	Created        string   `json:"created_at"`
	Updated        string   `json:"updated_at"`
}

type alertRuleEnvelope struct {
	Rule alertRuleJSON `json:"alert_rule"`
}

func toAlertRuleJSON(r statuspage.AlertRule) alertRuleJSON {
	tags := make([]string, len(r.Monitors))
	for n, m := range r.Monitors {
		tags[n] = m.Tag
	}
	return alertRuleJSON{
		ID: r.ID, For: string(r.For), Value: alertValueJSON(r.Condition), Tags: tags, Failures: r.Failures, Successes: r.Successes,
		Severity: string(r.Severity), CreateIncident: r.CreateIncident, Description: r.Description, Active: r.Active,
		Created: isoTime(r.Created), Updated: isoTime(r.Updated),
	}
}

// alertValueJSON is a status or a number.
func alertValueJSON(c statuspage.Condition) any {
	if c.For == statuspage.AlertStatus {
		return string(c.Status)
	}
	return c.Limit
}

// alertJSON is an alert.
type alertJSON struct {
	ID         int64   `json:"id"`
	RuleID     int64   `json:"alert_rule_id"`
	Tag        string  `json:"monitor_tag"`
	For        string  `json:"alert_for"`
	Value      any     `json:"alert_value"`
	Severity   string  `json:"severity"`
	State      string  `json:"alert_status"`
	IncidentID *int64  `json:"incident_id"`
	Created    string  `json:"created_at"`
	Updated    string  `json:"updated_at"`
	Resolved   *string `json:"resolved_at"`
}

type alertEnvelope struct {
	Alert alertJSON `json:"alert"`
}

func toAlertJSON(a statuspage.Alert) alertJSON {
	return alertJSON{
		ID: a.ID, RuleID: a.RuleID, Tag: a.Tag, For: string(a.For), Value: alertValueJSON(a.Condition), Severity: string(a.Severity),
		State: string(a.State), IncidentID: a.IncidentID,
		Created: isoTime(a.Created), Updated: isoTime(a.Updated), Resolved: isoTimeOrNull(a.Resolved),
	}
}
