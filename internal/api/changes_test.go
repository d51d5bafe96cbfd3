package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"tocsin/internal/apitest"
	"tocsin/internal/ddb"
	"tocsin/internal/dynamo"
	"tocsin/internal/dynamo/dump"
	"tocsin/internal/dynamotest"
	"tocsin/internal/jobs/nodata"
	"tocsin/internal/openapi"
	"tocsin/internal/statuspage"
)

// A trail is the change rows in a table, as far as they were read.
type trail struct {
	table *dynamotest.Table
	seen  map[string]dynamotest.Attributes // by sort key
}

// startTrail returns the trail after what is there already.
func startTrail(t *testing.T, table *dynamotest.Table) *trail {
	t.Helper()
	r := &trail{table, map[string]dynamotest.Attributes{}}
	r.next(t)
	return r
}

// next returns the rows that have come since the last call, as text and in the order of
// that. Those that were there before must be there still, as they were: a trail only grows.
func (r *trail) next(t *testing.T) []string {
	t.Helper()
	now := map[string]dynamotest.Attributes{}
	var texts []string
	for _, row := range r.table.Contents(t).Changes {
		sk := row.Text("sk")
		now[sk] = row
		if r.seen[sk] == nil {
			texts = append(texts, changeText(row))
		}
	}
	for sk, row := range r.seen {
		if !reflect.DeepEqual(row, now[sk]) {
			t.Errorf("the row %s is now %s", changeText(row), changeText(now[sk]))
		}
	}
	r.seen = now
	slices.Sort(texts)
	return texts
}

// changeText is a change row, such as
// INCIDENT 1 v2 COMMENT_CREATED isIdentified,state comment 3 by API_KEY 1.
func changeText(row dynamotest.Attributes) string {
	words := []string{row.Text("record"), row.Text("id")}
	add := func(before, attr string) {
		if row.Has(attr) {
			words = append(words, before+row.Text(attr))
		}
	}
	add("", "tag")
	add("v", "version")
	words = append(words, row.Text("what"))
	if fields := fieldsOf(row); fields != nil {
		words = append(words, strings.Join(fields, ","))
	}
	add("comment ", "comment_id")
	add("event ", "event_id")
	if !row.Has("by") {
		words = append(words, "by operator")
	}
	add("by ", "by")
	add("", "by_id")
	return strings.Join(words, " ")
}

func fieldsOf(row dynamotest.Attributes) []string {
	set, ok := row["fields"].(*types.AttributeValueMemberSS)
	if !ok {
		return nil
	}
	return slices.Sorted(slices.Values(set.Value))
}

// mark is in every text that the walk gives to the API. No tag can have it: a tag is an
// address, and rows about monitors have it.
const mark = "Quokka"

// A step is a request and the change rows that it makes. In all texts {earth} is
// the number that an earlier step has given this name, {new incident} the next id of an
// incident, {last event} the last of an event, {minute} the minute of now, and {last} the one before.
type step struct {
	name    string
	request string // method and path
	body    string
	status  int
	rows    []string // as changeText has them; by the key of the request unless they say who
	as      string   // the name of what it makes: name=new incident
	ifMatch string
	answer  string // a part of the answer
}

// everyStep goes through all routes of both APIs, one record after another.
var everyStep = []step{
	{name: "a monitor with all its texts", request: "POST /api/v4/monitors", status: 201, as: "earth=new monitor",
		body: `{"tag":"earth","name":"Quokka","description":"Quokka","image":"/Quokka","cron":"Quokka","default_status":"UP","status":"ACTIVE","category_name":"Quokka","monitor_type":"PING",
			"type_data":{"url":"Quokka","headers":[{"Quokka":"Quokka"}]},"include_degraded_in_downtime":"NO","is_hidden":"NO","monitor_settings_json":{"Quokka":"Quokka"},"external_url":"http://Quokka"}`,
		rows: []string{"MONITOR {new monitor} earth v1 CREATED"}},
	{name: "another monitor", request: "POST /api/v4/monitors", body: `{"tag":"mars","name":"Quokka"}`, status: 201, as: "mars=new monitor",
		rows: []string{"MONITOR {new monitor} mars v1 CREATED"}},
	{name: "the longest tag", request: "POST /api/v4/monitors", body: `{"tag":"{long}","name":"Quokka"}`, status: 201, as: "longest=new monitor",
		rows: []string{"MONITOR {new monitor} {long} v1 CREATED"}},
	{name: "a tag that is taken", request: "POST /api/v4/monitors", body: `{"tag":"mars","name":"Quokka"}`, status: 400},
	{name: "no name", request: "POST /api/v4/monitors", body: `{"tag":"pluto"}`, status: 400},
	{name: "another name", request: "PATCH /api/v4/monitors/earth", body: `{"name":"Quokka 2"}`, status: 200,
		rows: []string{"MONITOR {earth} earth v2 UPDATED name"}},
	{name: "all of a monitor", request: "PATCH /api/v4/monitors/earth", body: wholeMonitor, status: 200,
		rows: []string{"MONITOR {earth} earth v3 UPDATED category_name,confirmation_threshold,cron,default_status,description,external_url,image,include_degraded_in_downtime,is_hidden,monitor_settings_json,monitor_type,name,status,type_data"}},
	{name: "all of a monitor again", request: "PATCH /api/v4/monitors/earth", body: wholeMonitor, status: 200},
	{name: "nothing of a monitor", request: "PATCH /api/v4/monitors/earth", body: `{}`, status: 200},
	{name: "a monitor's status, which is no value of a rule", request: "PATCH /api/v4/monitors/earth", body: `{"status":"ACTIVE"}`, status: 200,
		rows: []string{"MONITOR {earth} earth v6 UPDATED status"}},
	{name: "no description", request: "PATCH /api/v4/monitors/earth", body: `{"description":null}`, status: 200,
		rows: []string{"MONITOR {earth} earth v7 UPDATED description"}},
	{name: "a name that is none", request: "PATCH /api/v4/monitors/earth", body: `{"name":"","description":"Quokka"}`, status: 400},
	{name: "too large a monitor", request: "PATCH /api/v4/monitors/earth", body: `{"description":"{huge}"}`, status: 400},
	{name: "the largest row", request: "PATCH /api/v4/monitors/{long}", body: wholeMonitor, status: 200,
		rows: []string{"MONITOR {longest} {long} v2 UPDATED category_name,confirmation_threshold,cron,default_status,description,external_url,image,include_degraded_in_downtime,is_hidden,monitor_settings_json,monitor_type,name,status,type_data"}},
	{name: "no such monitor", request: "PATCH /api/v4/monitors/pluto", body: `{"name":"Quokka"}`, status: 404},
	{name: "monitors", request: "GET /api/v4/monitors", status: 200},
	{name: "a monitor", request: "GET /api/v4/monitors/earth", status: 200},

	{name: "a rule that makes incidents", request: "POST /api/v4/alert-rules", status: 201, as: "down=new rule",
		body: `{"alert_for":"STATUS","alert_value":"DOWN","monitor_tags":["earth"],"create_incident":true,"description":"Quokka"}`,
		rows: []string{"ALERT_RULE {new rule} v1 CREATED"}},
	{name: "a rule that makes none", request: "POST /api/v4/alert-rules", status: 201, as: "quiet=new rule",
		body: `{"alert_for":"STATUS","alert_value":"DOWN","monitor_tags":["mars"],"description":"Quokka"}`,
		rows: []string{"ALERT_RULE {new rule} v1 CREATED"}},
	{name: "a rule for no monitor", request: "POST /api/v4/alert-rules", status: 400, body: `{"alert_for":"STATUS","alert_value":"DOWN","monitor_tags":["mars","pluto"],"description":"Quokka"}`},
	{name: "all of a rule", request: "PATCH /api/v4/alert-rules/{quiet}", body: wholeRule, status: 200,
		rows: []string{"ALERT_RULE {quiet} v2 UPDATED alert_for,alert_value,create_incident,description,failure_threshold,is_active,monitor_tags,severity,success_threshold"}},
	{name: "all of a rule again", request: "PATCH /api/v4/alert-rules/{quiet}", body: wholeRule, status: 200},
	{name: "another kind of value", request: "PATCH /api/v4/alert-rules/{quiet}", body: `{"alert_for":"STATUS","alert_value":"DEGRADED"}`, status: 200,
		rows: []string{"ALERT_RULE {quiet} v4 UPDATED alert_for,alert_value"}},
	{name: "another value", request: "PATCH /api/v4/alert-rules/{quiet}", body: `{"alert_value":"DOWN","failure_threshold":1}`, status: 200,
		rows: []string{"ALERT_RULE {quiet} v5 UPDATED alert_value,failure_threshold"}},
	{name: "active for mars alone, without incidents", request: "PATCH /api/v4/alert-rules/{quiet}", body: `{"is_active":true,"create_incident":false,"success_threshold":1,"monitor_tags":["mars"]}`, status: 200,
		rows: []string{"ALERT_RULE {quiet} v6 UPDATED create_incident,is_active,monitor_tags,success_threshold"}},
	{name: "a value of another kind", request: "PATCH /api/v4/alert-rules/{quiet}", body: `{"alert_value":5,"description":"Quokka"}`, status: 400},
	{name: "no such rule", request: "PATCH /api/v4/alert-rules/999", body: `{"description":"Quokka"}`, status: 404},
	{name: "rules", request: "GET /api/v4/alert-rules", status: 200},
	{name: "a rule", request: "GET /api/v4/alert-rules/{quiet}", status: 200},

	// What a probe posts is no change. What a rule makes of it is the rule's.
	{name: "a post", request: "POST /api/v4/status", body: `{"points":[{"monitor_tag":"earth","status":"UP"},{"monitor_tag":"mars","status":"UP","latency":4}]}`, status: 200},
	{name: "a post for no monitor", request: "POST /api/v4/status", body: `{"points":[{"monitor_tag":"pluto","status":"DOWN"}]}`, status: 400},
	{name: "no post", request: "POST /api/v4/status", body: `{"points":[]}`, status: 400},
	{name: "a post by which a rule fires", request: "POST /api/v4/status", body: `{"points":[{"monitor_tag":"earth","status":"DOWN"}]}`, status: 200, as: "fired=new incident",
		rows: []string{"INCIDENT {new incident} v1 CREATED comment {new comment} by ALERT_RULE {down}"}},
	{name: "a post while it is on", request: "POST /api/v4/status", body: `{"points":[{"monitor_tag":"earth","status":"DOWN"}]}`, status: 200},
	{name: "a post by which it recovers", request: "POST /api/v4/status", body: `{"points":[{"monitor_tag":"earth","status":"UP"}]}`, status: 200,
		rows: []string{"INCIDENT {fired} v2 COMMENT_CREATED closedAt,end_date_time,state comment {new comment} by ALERT_RULE {down}"}},
	{name: "an alert without an incident", request: "POST /api/v4/status", body: `{"points":[{"monitor_tag":"mars","status":"DOWN"}]}`, status: 200},
	{name: "it is on", request: "GET /api/v4/alerts?monitor_tag=mars", status: 200, answer: `"alert_status":"TRIGGERED","incident_id":null`},
	{name: "its end", request: "POST /api/v4/status", body: `{"points":[{"monitor_tag":"mars","status":"UP"}]}`, status: 200},
	{name: "it is over", request: "GET /api/v4/alerts?monitor_tag=mars", status: 200, answer: `"alert_status":"RESOLVED","incident_id":null`},
	{name: "a legacy post", request: "POST /api/status", body: `{"tag":"earth","status":"UP","latency":4}`, status: 200},
	{name: "a legacy post for no monitor", request: "POST /api/status", body: `{"tag":"pluto","status":"UP","latency":4}`, status: 400},
	{name: "a legacy post by which a rule fires", request: "POST /api/status", body: `{"tag":"earth","status":"DOWN","latency":4}`, status: 200, as: "fired=new incident",
		rows: []string{"INCIDENT {new incident} v1 CREATED comment {new comment} by ALERT_RULE {down}"}},
	{name: "a legacy post by which it recovers", request: "POST /api/status", body: `{"tag":"earth","status":"UP","latency":4}`, status: 200,
		rows: []string{"INCIDENT {fired} v2 COMMENT_CREATED closedAt,end_date_time,state comment {new comment} by ALERT_RULE {down}"}},
	{name: "a legacy status", request: "GET /api/status?tag=earth", status: 200},
	{name: "alerts", request: "GET /api/v4/alerts", status: 200},
	{name: "an alert", request: "GET /api/v4/alerts/1", status: 200},

	// What a person sets is a change, and a rule can fire by it beside.
	{name: "a minute by hand", request: "PATCH /api/v4/monitors/earth/data/{past}", body: `{"status":"DOWN","latency":7}`, status: 200,
		rows: []string{"MONITOR {earth} earth DATA_UPDATED"}},
	{name: "the same minute again", request: "PATCH /api/v4/monitors/earth/data/{past}", body: `{"status":"DOWN","latency":7}`, status: 200},
	{name: "nothing of a minute", request: "PATCH /api/v4/monitors/earth/data/{past}", body: `{}`, status: 200},
	{name: "a minute of no monitor", request: "PATCH /api/v4/monitors/pluto/data/{past}", body: `{"status":"DOWN"}`, status: 404},
	{name: "a minute's status that is none", request: "PATCH /api/v4/monitors/earth/data/{past}", body: `{"status":"Quokka"}`, status: 400},
	{name: "this minute, by which a rule fires", request: "PATCH /api/v4/monitors/earth/data/{minute}", body: `{"status":"DOWN"}`, status: 200, as: "fired=new incident",
		rows: []string{"INCIDENT {new incident} v1 CREATED comment {new comment} by ALERT_RULE {down}", "MONITOR {earth} earth DATA_UPDATED"}},
	{name: "minutes by which it recovers", request: "PATCH /api/v4/monitors/earth/data", body: `{"start_ts":{past},"end_ts":{minute},"status":"UP","latency":5}`, status: 200,
		rows: []string{"INCIDENT {fired} v2 COMMENT_CREATED closedAt,end_date_time,state comment {new comment} by ALERT_RULE {down}", "MONITOR {earth} earth DATA_UPDATED"}},
	{name: "minutes by hand", request: "PATCH /api/v4/monitors/mars/data", body: wholeRange, status: 200,
		rows: []string{"MONITOR {mars} mars DATA_UPDATED"}},
	// A range is not compared with the year of minutes that there may be, so this is one more.
	{name: "the same minutes again", request: "PATCH /api/v4/monitors/mars/data", body: wholeRange, status: 200,
		rows: []string{"MONITOR {mars} mars DATA_UPDATED"}},
	{name: "minutes of no monitor", request: "PATCH /api/v4/monitors/pluto/data", body: wholeRange, status: 404},
	{name: "minutes that are none", request: "PATCH /api/v4/monitors/mars/data", body: `{"start_ts":60,"end_ts":60,"status":"UP","latency":5}`, status: 400},
	{name: "minutes go", request: "DELETE /api/v4/monitors/mars/data?start_ts={past}&end_ts={past}.5", status: 200, answer: `"deleted_count":1`,
		rows: []string{"MONITOR {mars} mars DATA_DELETED"}},
	{name: "minutes that are gone", request: "DELETE /api/v4/monitors/mars/data?start_ts={past}&end_ts={past}.5", status: 200, answer: `"deleted_count":0`},
	{name: "minutes of no monitor go", request: "DELETE /api/v4/monitors/pluto/data?start_ts={past}&end_ts={minute}", status: 404},
	{name: "a bad minute, by which a rule fires", request: "PATCH /api/v4/monitors/earth/data/{minute}", body: `{"status":"DOWN"}`, status: 200, as: "fired=new incident",
		rows: []string{"INCIDENT {new incident} v1 CREATED comment {new comment} by ALERT_RULE {down}", "MONITOR {earth} earth DATA_UPDATED"}},
	{name: "it goes, by which the rule recovers", request: "DELETE /api/v4/monitors/earth/data?start_ts={last}&end_ts={minute}", status: 200, answer: `"deleted_count":1`,
		rows: []string{"INCIDENT {fired} v2 COMMENT_CREATED closedAt,end_date_time,state comment {new comment} by ALERT_RULE {down}", "MONITOR {earth} earth DATA_DELETED"}},
	{name: "minutes", request: "GET /api/v4/monitors/mars/data?start_ts={past}&end_ts={minute}", status: 200},
	{name: "a minute", request: "GET /api/v4/monitors/earth/data/{past}", status: 200},
	{name: "uptime, of which the totals are kept", request: "GET /api/v4/monitors/mars/uptime?days=5", status: 200},

	{name: "an incident", request: "POST /api/v4/incidents", status: 201, as: "i=new incident",
		body: `{"title":"Quokka","start_date_time":{past},"monitors":[{"monitor_tag":"earth"},{"monitor_tag":"mars","impact":"DEGRADED"}],"auto_close_after":7200}`,
		rows: []string{"INCIDENT {new incident} v1 CREATED"}},
	{name: "an incident on no monitor", request: "POST /api/v4/incidents", body: `{"title":"Quokka","start_date_time":60,"monitors":[{"monitor_tag":"pluto"}]}`, status: 400},
	{name: "an incident that ends too early", request: "POST /api/v4/incidents", body: `{"title":"Quokka","start_date_time":600,"end_date_time":60}`, status: 400},
	{name: "another title", request: "PATCH /api/v4/incidents/{i}", body: `{"title":"Quokka 2"}`, status: 200,
		rows: []string{"INCIDENT {i} v2 UPDATED title"}},
	{name: "the same title", request: "PATCH /api/v4/incidents/{i}", body: `{"title":"Quokka 2"}`, status: 200},
	{name: "nothing of an incident", request: "PATCH /api/v4/incidents/{i}", body: `{}`, status: 200},
	{name: "all of an incident", request: "PATCH /api/v4/incidents/{i}", body: wholeIncident, status: 200,
		rows: []string{"INCIDENT {i} v5 UPDATED auto_close_after,end_date_time,monitors,start_date_time,title"}},
	{name: "all of an incident again", request: "PATCH /api/v4/incidents/{i}", body: wholeIncident, status: 200},
	{name: "what somebody has changed since", request: "PATCH /api/v4/incidents/{i}", body: `{"title":"Quokka 4"}`, ifMatch: `"other"`, status: 412},
	{name: "an incident's monitor that is none", request: "PATCH /api/v4/incidents/{i}", body: `{"title":"Quokka 4","monitors":[{"monitor_tag":"pluto"}]}`, status: 400},
	{name: "no such incident", request: "PATCH /api/v4/incidents/999", body: `{"title":"Quokka"}`, status: 404},
	{name: "incidents", request: "GET /api/v4/incidents", status: 200},
	{name: "an incident", request: "GET /api/v4/incidents/{i}", status: 200},

	{name: "a comment", request: "POST /api/v4/incidents/{i}/comments", body: `{"comment":"Quokka","state":"IDENTIFIED"}`, status: 201, as: "c=new comment",
		rows: []string{"INCIDENT {i} v7 COMMENT_CREATED isIdentified,state comment {new comment}"}},
	{name: "a comment that changes nothing else", request: "POST /api/v4/incidents/{i}/comments", body: `{"comment":"Quokka","state":"IDENTIFIED"}`, status: 201,
		rows: []string{"INCIDENT {i} v8 COMMENT_CREATED comment {new comment}"}},
	{name: "a comment that closes the incident", request: "POST /api/v4/incidents/{i}/comments", body: `{"comment":"Quokka","state":"RESOLVED"}`, status: 201,
		rows: []string{"INCIDENT {i} v9 COMMENT_CREATED closedAt,end_date_time,state comment {new comment}"}},
	{name: "open again", request: "PATCH /api/v4/incidents/{i}", body: `{"end_date_time":null}`, status: 200,
		rows: []string{"INCIDENT {i} v10 UPDATED closedAt,end_date_time"}},
	{name: "a comment on no incident", request: "POST /api/v4/incidents/999/comments", body: `{"comment":"Quokka","state":"IDENTIFIED"}`, status: 404},
	{name: "a comment that would end it too early", request: "POST /api/v4/incidents/{i}/comments", body: `{"comment":"Quokka","state":"RESOLVED","timestamp":60}`, status: 400},
	{name: "another text", request: "PATCH /api/v4/incidents/{i}/comments/{c}", body: `{"comment":"Quokka 2","state":"MONITORING","timestamp":{past}}`, status: 200,
		rows: []string{"INCIDENT {i} COMMENT_UPDATED comment {c}"}},
	{name: "the same text", request: "PATCH /api/v4/incidents/{i}/comments/{c}", body: `{"comment":"Quokka 2","state":"MONITORING","timestamp":{past}}`, status: 200},
	{name: "a comment's state that is none", request: "PATCH /api/v4/incidents/{i}/comments/{c}", body: `{"comment":"Quokka 3","state":"Quokka"}`, status: 400},
	{name: "no such comment", request: "PATCH /api/v4/incidents/{i}/comments/999", body: `{"comment":"Quokka"}`, status: 404},
	{name: "comments", request: "GET /api/v4/incidents/{i}/comments", status: 200},
	{name: "a comment", request: "GET /api/v4/incidents/{i}/comments/{c}", status: 200},
	{name: "a comment goes", request: "DELETE /api/v4/incidents/{i}/comments/{c}", status: 200,
		rows: []string{"INCIDENT {i} COMMENT_DELETED comment {c}"}},
	{name: "a comment that is gone", request: "DELETE /api/v4/incidents/{i}/comments/{c}", status: 404},
	{name: "a comment of no incident", request: "DELETE /api/v4/incidents/999/comments/{c}", status: 404},
	{name: "the text of a comment that is gone", request: "PATCH /api/v4/incidents/{i}/comments/{c}", body: `{"comment":"Quokka"}`, status: 404},

	{name: "a legacy incident", request: "POST /api/incident", status: 200, as: "old=new incident",
		body: `{"title":"Quokka","tags":["earth"],"body":"Quokka","startDatetime":{past}}`,
		rows: []string{"INCIDENT {new incident} v1 CREATED"}},
	{name: "a legacy incident on no monitor", request: "POST /api/incident", body: `{"title":"Quokka","tags":["pluto"],"body":"Quokka"}`, status: 400},
	{name: "the same legacy incident", request: "PATCH /api/incident/{old}", body: `{"title":"Quokka","tags":["earth"],"body":"Quokka","startDatetime":{past}}`, status: 200},
	{name: "another body", request: "PATCH /api/incident/{old}", body: `{"title":"Quokka","tags":["earth"],"body":"Quokka 2","startDatetime":{past}}`, status: 200,
		rows: []string{"INCIDENT {old} v3 UPDATED body"}},
	{name: "another impact, which v4 has had", request: "PATCH /api/incident/{old}", body: `{"title":"Quokka","tags":["earth"],"body":"Quokka 2","startDatetime":{past},"impact":"DOWN"}`, status: 200,
		rows: []string{"INCIDENT {old} v4 UPDATED monitors"}},
	{name: "all of a legacy incident", request: "PATCH /api/incident/{old}", body: wholeReport, status: 200,
		rows: []string{"INCIDENT {old} v5 UPDATED body,closedAt,end_date_time,isIdentified,isMaintenance,monitors,start_date_time,state,title"}},
	{name: "all of a legacy incident again", request: "PATCH /api/incident/{old}", body: wholeReport, status: 200},
	{name: "no tags", request: "PATCH /api/incident/{old}", body: `{"title":"Quokka 3","body":"Quokka"}`, status: 400},
	{name: "no such legacy incident", request: "PATCH /api/incident/999", body: wholeReport, status: 404},
	{name: "a legacy status that says nothing", request: "POST /api/incident/{old}/status", body: `{}`, status: 200},
	{name: "a legacy status that says what is known", request: "POST /api/incident/{old}/status", body: `{"isIdentified":true,"isResolved":true}`, status: 200},
	{name: "a legacy incident is open again", request: "POST /api/incident/{old}/status", body: `{"isResolved":false}`, status: 200,
		rows: []string{"INCIDENT {old} v8 UPDATED closedAt,end_date_time,state"}},
	{name: "a legacy end", request: "POST /api/incident/{old}/status", body: `{"endDatetime":{minute}}`, status: 200,
		rows: []string{"INCIDENT {old} v9 UPDATED end_date_time"}},
	{name: "the cause is not known", request: "POST /api/incident/{old}/status", body: `{"isIdentified":false}`, status: 200,
		rows: []string{"INCIDENT {old} v10 UPDATED isIdentified,state"}},
	{name: "a legacy end that is none", request: "POST /api/incident/{old}/status", body: `{"isIdentified":true,"endDatetime":"Quokka"}`, status: 400},
	{name: "a legacy status of no incident", request: "POST /api/incident/999/status", body: `{"isIdentified":true}`, status: 404},
	{name: "a legacy comment", request: "POST /api/incident/{old}/comment", body: `{"body":"Quokka"}`, status: 200,
		rows: []string{"INCIDENT {old} v11 COMMENT_CREATED comment {new comment}"}},
	{name: "a legacy comment without a text", request: "POST /api/incident/{old}/comment", body: `{"body":""}`, status: 400},
	{name: "a legacy comment on no incident", request: "POST /api/incident/999/comment", body: `{"body":"Quokka"}`, status: 404},
	{name: "legacy incidents", request: "GET /api/incident?title_like=quokka", status: 200},
	{name: "a legacy incident", request: "GET /api/incident/{old}", status: 200},
	{name: "legacy comments", request: "GET /api/incident/{old}/comment", status: 200},

	{name: "a maintenance", request: "POST /api/v4/maintenances", status: 201, as: "m=new maintenance",
		body: `{"title":"Quokka","description":"Quokka","start_date_time":{past},"rrule":"FREQ=DAILY","duration_seconds":600,"time_zone":"Europe/Berlin","monitors":[{"monitor_tag":"earth"},{"monitor_tag":"mars","impact":"DOWN"}]}`,
		rows: []string{"MAINTENANCE {new maintenance} v1 CREATED"}},
	{name: "a maintenance on no monitor", request: "POST /api/v4/maintenances", status: 400,
		body: `{"title":"Quokka","start_date_time":60,"rrule":"FREQ=DAILY","duration_seconds":600,"monitors":[{"monitor_tag":"pluto"}]}`},
	{name: "a rule that is none", request: "POST /api/v4/maintenances", body: `{"title":"Quokka","start_date_time":60,"rrule":"Quokka","duration_seconds":600}`, status: 400},
	{name: "another title of a maintenance", request: "PATCH /api/v4/maintenances/{m}", body: `{"title":"Quokka 2"}`, status: 200,
		rows: []string{"MAINTENANCE {m} v2 UPDATED title"}},
	{name: "the same title of a maintenance", request: "PATCH /api/v4/maintenances/{m}", body: `{"title":"Quokka 2"}`, status: 200},
	{name: "nothing of a maintenance", request: "PATCH /api/v4/maintenances/{m}", body: `{}`, status: 200},
	{name: "all of a maintenance", request: "PATCH /api/v4/maintenances/{m}", body: wholeMaintenance, status: 200,
		rows: []string{"MAINTENANCE {m} v5 UPDATED description,duration_seconds,monitors,rrule,start_date_time,status,time_zone,title"}},
	{name: "all of a maintenance again", request: "PATCH /api/v4/maintenances/{m}", body: wholeMaintenance, status: 200},
	{name: "a maintenance that somebody has changed since", request: "PATCH /api/v4/maintenances/{m}", body: `{"title":"Quokka 4"}`, ifMatch: `"other"`, status: 412},
	{name: "a maintenance's monitor that is none", request: "PATCH /api/v4/maintenances/{m}", body: `{"title":"Quokka 4","monitors":[{"monitor_tag":"pluto"}]}`, status: 400},
	{name: "no such maintenance", request: "PATCH /api/v4/maintenances/999", body: `{"title":"Quokka"}`, status: 404},
	{name: "maintenances", request: "GET /api/v4/maintenances", status: 200},
	{name: "a maintenance that is there", request: "GET /api/v4/maintenances/{m}", status: 200},
	{name: "a maintenance of one time", request: "POST /api/v4/maintenances", status: 201, as: "once=new maintenance",
		body: `{"title":"Quokka","start_date_time":1900000000,"rrule":"FREQ=MINUTELY;COUNT=1","duration_seconds":600}`,
		rows: []string{"MAINTENANCE {new maintenance} v1 CREATED"}},
	{name: "its event", request: "GET /api/v4/maintenances/{once}/events", status: 200, as: "e=last event"},
	{name: "events of all", request: "GET /api/v4/maintenances/events", status: 200},
	{name: "an event", request: "GET /api/v4/maintenances/{once}/events/{e}", status: 200},
	{name: "an event is moved", request: "PATCH /api/v4/maintenances/{once}/events/{e}", body: `{"start_date_time":1900001000,"end_date_time":1900002000}`, status: 200,
		rows: []string{"MAINTENANCE {once} v2 EVENT_UPDATED event {e}"}},
	{name: "an event is moved to where it is", request: "PATCH /api/v4/maintenances/{once}/events/{e}", body: `{"start_date_time":1900001000,"end_date_time":1900002000}`, status: 200},
	{name: "an event that somebody has changed since", request: "PATCH /api/v4/maintenances/{once}/events/{e}", body: `{"status":"CANCELLED"}`, ifMatch: `"other"`, status: 412},
	{name: "an event's status that it can't have", request: "PATCH /api/v4/maintenances/{once}/events/{e}", body: `{"status":"COMPLETED"}`, status: 400},
	{name: "an event is cancelled", request: "PATCH /api/v4/maintenances/{once}/events/{e}", body: `{"status":"CANCELLED"}`, status: 200,
		rows: []string{"MAINTENANCE {once} v4 EVENT_UPDATED event {e}"}},
	{name: "no such event", request: "PATCH /api/v4/maintenances/{m}/events/{e}", body: `{"status":"CANCELLED"}`, status: 404},
	{name: "an event that somebody has changed goes", request: "DELETE /api/v4/maintenances/{once}/events/{e}", ifMatch: `"other"`, status: 412},
	{name: "an event goes", request: "DELETE /api/v4/maintenances/{once}/events/{e}", status: 200,
		rows: []string{"MAINTENANCE {once} v5 EVENT_DELETED event {e}"}},
	{name: "an event that is gone", request: "DELETE /api/v4/maintenances/{once}/events/{e}", status: 404},
	{name: "a maintenance that somebody has changed goes", request: "DELETE /api/v4/maintenances/{once}", ifMatch: `"other"`, status: 412},
	{name: "a maintenance goes", request: "DELETE /api/v4/maintenances/{once}", status: 200, rows: []string{"MAINTENANCE {once} DELETED"}},
	{name: "a maintenance that is gone", request: "DELETE /api/v4/maintenances/{once}", status: 404},

	{name: "a page", request: "POST /api/v4/pages", status: 201, as: "page=new page",
		body: `{"page_path":"Team","page_title":"Quokka","page_header":"Quokka","page_subheader":"Quokka","page_logo":"/Quokka","page_settings":{"meta_page_title":"Quokka"},"monitors":["mars","earth"]}`,
		rows: []string{"PAGE {new page} team v1 CREATED"}},
	{name: "another page", request: "POST /api/v4/pages", body: `{"page_path":"other","page_title":"Quokka","page_header":"Quokka"}`, status: 201, as: "other=new page",
		rows: []string{"PAGE {new page} other v1 CREATED"}},
	{name: "a path that is taken", request: "POST /api/v4/pages", body: `{"page_path":"team","page_title":"Quokka","page_header":"Quokka"}`, status: 400},
	{name: "a page of no monitor", request: "POST /api/v4/pages", body: `{"page_path":"none","page_title":"Quokka","page_header":"Quokka","monitors":["pluto"]}`, status: 400},
	{name: "another title of a page", request: "PATCH /api/v4/pages/team", body: `{"page_title":"Quokka 2"}`, status: 200,
		rows: []string{"PAGE {page} team v2 UPDATED page_title"}},
	{name: "the same title of a page", request: "PATCH /api/v4/pages/team", body: `{"page_title":"Quokka 2"}`, status: 200},
	{name: "nothing of a page", request: "PATCH /api/v4/pages/team", body: `{}`, status: 200},
	{name: "all of a page", request: "PATCH /api/v4/pages/team", body: wholePage, status: 200,
		rows: []string{"PAGE {page} crew v5 UPDATED monitors,page_header,page_logo,page_path,page_settings,page_subheader,page_title"}},
	{name: "all of a page again", request: "PATCH /api/v4/pages/crew", body: wholePage, status: 200},
	{name: "a page that is not there any more", request: "PATCH /api/v4/pages/team", body: wholePage, status: 404},
	{name: "another's path", request: "PATCH /api/v4/pages/crew", body: `{"page_path":"other","page_title":"Quokka 4"}`, status: 400},
	{name: "a page's monitor that is none", request: "PATCH /api/v4/pages/crew", body: `{"page_title":"Quokka 4","monitors":["pluto"]}`, status: 400},
	{name: "a page that somebody has changed since", request: "PATCH /api/v4/pages/crew", body: `{"page_title":"Quokka 4"}`, ifMatch: `"other"`, status: 412},
	{name: "home that somebody has changed since", request: "PATCH /api/v4/pages/~home", body: `{"page_title":"Quokka"}`, ifMatch: `"other"`, status: 412},
	{name: "home's title", request: "PATCH /api/v4/pages/~home", body: `{"page_title":"Quokka"}`, status: 200,
		rows: []string{"PAGE 1 ~home v1 UPDATED page_title"}},
	{name: "home's monitors", request: "PATCH /api/v4/pages/~home", body: `{"monitors":[]}`, status: 200,
		rows: []string{"PAGE 1 ~home v2 UPDATED monitors"}},
	{name: "home's path", request: "PATCH /api/v4/pages/~home", body: `{"page_path":"team"}`, status: 400},
	{name: "pages", request: "GET /api/v4/pages", status: 200},
	{name: "a page that is there", request: "GET /api/v4/pages/crew", status: 200},
	{name: "a page that somebody has changed goes", request: "DELETE /api/v4/pages/other", ifMatch: `"other"`, status: 412},
	{name: "a page goes", request: "DELETE /api/v4/pages/other", status: 200, rows: []string{"PAGE {other} other DELETED"}},
	{name: "a page that is gone", request: "DELETE /api/v4/pages/other", status: 404},
	{name: "home goes", request: "DELETE /api/v4/pages/~home", status: 400},

	{name: "a setting", request: "PATCH /api/v4/site/siteName", body: `{"value":"Quokka"}`, status: 200, rows: []string{"SITE_SETTING 0 siteName v1 UPDATED value"}},
	{name: "the same setting", request: "PATCH /api/v4/site/siteName", body: `{"value":"Quokka"}`, status: 200},
	{name: "another value of a setting", request: "PATCH /api/v4/site/siteName", body: `{"value":["Quokka",2]}`, status: 200, rows: []string{"SITE_SETTING 0 siteName v3 UPDATED value"}},
	{name: "a setting that somebody has changed since", request: "PATCH /api/v4/site/siteName", body: `{"value":"Quokka"}`, ifMatch: `"other"`, status: 412},
	{name: "a value that it can't have", request: "PATCH /api/v4/site/nav", body: `{"value":"Quokka"}`, status: 400},
	{name: "no such setting", request: "PATCH /api/v4/site/Quokka", body: `{"value":"Quokka"}`, status: 404},
	{name: "settings", request: "GET /api/v4/site", status: 200, answer: `{"key":"siteName","value":"Quokka,2","data_type":"string"}`},
	{name: "a setting that is there", request: "GET /api/v4/site/siteName", status: 200},

	{name: "an integration", request: "POST /api/v4/integrations", body: `{"name":"Quokka","kind":"generic","options":{"monitors":["Quokka"]},"is_active":false}`, status: 201, as: "tool=new integration",
		rows: []string{"INTEGRATION {new integration} v1 CREATED"}},
	{name: "an option that there is not", request: "POST /api/v4/integrations", body: `{"name":"Quokka","kind":"generic","options":{"Quokka":1}}`, status: 400},
	{name: "another name of an integration", request: "PATCH /api/v4/integrations/{tool}", body: `{"name":"Quokka 2"}`, status: 200,
		rows: []string{"INTEGRATION {tool} v2 UPDATED name"}},
	{name: "the same name of an integration", request: "PATCH /api/v4/integrations/{tool}", body: `{"name":"Quokka 2"}`, status: 200},
	{name: "all of an integration", request: "PATCH /api/v4/integrations/{tool}", body: `{"name":"Quokka 3","kind":"generic","options":{"monitors":["Quokka 3"]},"is_active":true}`, status: 200,
		rows: []string{"INTEGRATION {tool} v4 UPDATED is_active,name,options"}},
	{name: "another kind of an integration", request: "PATCH /api/v4/integrations/{tool}", body: `{"kind":"grafana"}`, status: 400},
	{name: "an integration that somebody has changed since", request: "PATCH /api/v4/integrations/{tool}", body: `{"name":"Quokka"}`, ifMatch: `"other"`, status: 412},
	{name: "no such integration", request: "PATCH /api/v4/integrations/999", body: `{"name":"Quokka"}`, status: 404},
	{name: "another token", request: "POST /api/v4/integrations/{tool}/rotate", status: 200, rows: []string{"INTEGRATION {tool} v5 UPDATED token"}},
	{name: "another token of CloudWatch", request: "POST /api/v4/integrations/1/rotate", status: 400},
	{name: "another token of none", request: "POST /api/v4/integrations/999/rotate", status: 404},
	{name: "the integration of CloudWatch", request: "PATCH /api/v4/integrations/1", body: `{"is_active":false}`, status: 200,
		rows: []string{"INTEGRATION 1 v1 UPDATED is_active"}},
	{name: "integrations", request: "GET /api/v4/integrations", status: 200, answer: `"name":"Quokka 3"`},
	{name: "an integration that is there", request: "GET /api/v4/integrations/{tool}", status: 200},
	{name: "its deliveries", request: "GET /api/v4/integrations/{tool}/deliveries", status: 200, answer: `{"deliveries":[]}`},
	{name: "a signal", request: "POST /api/v4/integrations/{tool}/signals", status: 200, as: "signalled=new incident",
		body: `{"dedup_key":"Quokka","title":"Quokka","message":"Quokka","link":"https://quokka.example","severity":"Quokka","status":"firing","monitors":["earth"],"labels":{"Quokka":"Quokka"}}`,
		rows: []string{"INCIDENT {new incident} v1 CREATED comment {new comment} by INTEGRATION {tool}"}, answer: `{"received":1,"opened":1,"resolved":0,"ignored":0}`},
	{name: "the same signal", request: "POST /api/v4/integrations/{tool}/signals", body: `{"dedup_key":"Quokka","status":"firing","monitors":["earth"]}`, status: 200,
		answer: `{"received":1,"opened":0,"resolved":0,"ignored":0}`},
	{name: "a signal that is none", request: "POST /api/v4/integrations/{tool}/signals", body: `{"dedup_key":"Quokka","status":"Quokka"}`, status: 400},
	{name: "a signal for none", request: "POST /api/v4/integrations/999/signals", body: `{"dedup_key":"Quokka","status":"firing"}`, status: 404},
	{name: "what the end would do", request: "POST /api/v4/integrations/{tool}/test", status: 200, answer: `"does":"resolve"`,
		body: `{"body":{"dedup_key":"Quokka","status":"resolved"},"headers":{"X-Quokka":"Quokka"},"query":{"Quokka":"Quokka"}}`},
	{name: "what no signal would do", request: "POST /api/v4/integrations/{tool}/test", body: `{"body":"Quokka"}`, status: 400},
	{name: "what another integration would do", request: "POST /api/v4/integrations/999/test", body: `{"body":{"title":"Quokka","status":"firing"}}`, status: 404},
	{name: "an integration that somebody has changed goes", request: "DELETE /api/v4/integrations/{tool}", ifMatch: `"other"`, status: 412},
	{name: "an integration goes", request: "DELETE /api/v4/integrations/{tool}", status: 200, rows: []string{"INTEGRATION {tool} DELETED"}},
	{name: "an integration that is gone", request: "DELETE /api/v4/integrations/{tool}", status: 404},
	{name: "that of CloudWatch goes", request: "DELETE /api/v4/integrations/1", status: 400},
	{name: "an integration that stays", request: "POST /api/v4/integrations", body: `{"name":"Quokka","kind":"grafana"}`, status: 201,
		rows: []string{"INTEGRATION {new integration} v1 CREATED"}},

	{name: "a key", request: "POST /api/v4/keys", body: `{"name":"Quokka","scopes":["monitors:read"],"expires_at":1900000000}`, status: 201, as: "key=new key",
		rows: []string{"API_KEY {new key} CREATED"}},
	{name: "a key that has ended", request: "POST /api/v4/keys", body: `{"name":"Quokka","scopes":["monitors:read"],"expires_at":60}`, status: 400},
	{name: "keys", request: "GET /api/v4/keys", status: 200},
	{name: "a key ends", request: "DELETE /api/v4/keys/{key}", status: 200,
		rows: []string{"API_KEY {key} UPDATED revoked_at"}},
	{name: "a key that has ended ends", request: "DELETE /api/v4/keys/{key}", status: 200},
	{name: "no such key", request: "DELETE /api/v4/keys/999", status: 404},

	{name: "the rule goes", request: "DELETE /api/v4/alert-rules/{quiet}", status: 200, rows: []string{"ALERT_RULE {quiet} DELETED"}},
	{name: "a rule that is gone", request: "DELETE /api/v4/alert-rules/{quiet}", status: 404},
	{name: "an incident that somebody has changed goes", request: "DELETE /api/v4/incidents/{i}", ifMatch: `"other"`, status: 412},
	{name: "the incident goes, its comments too", request: "DELETE /api/v4/incidents/{i}", status: 200, rows: []string{"INCIDENT {i} DELETED"}},
	{name: "an incident that is gone", request: "DELETE /api/v4/incidents/{i}", status: 404},
	{name: "the incident of an alert goes", request: "DELETE /api/v4/incidents/{fired}", status: 200, rows: []string{"INCIDENT {fired} DELETED"}},
	{name: "a third monitor", request: "POST /api/v4/monitors", body: `{"tag":"venus","name":"Quokka"}`, status: 201, as: "venus=new monitor",
		rows: []string{"MONITOR {new monitor} venus v1 CREATED"}},
	{name: "an incident on it", request: "POST /api/v4/incidents", body: `{"title":"Quokka","start_date_time":600,"monitors":[{"monitor_tag":"venus"},{"monitor_tag":"mars"}]}`, status: 201, as: "on=new incident",
		rows: []string{"INCIDENT {new incident} v1 CREATED"}},
	{name: "a rule with it", request: "POST /api/v4/alert-rules", body: `{"alert_for":"NO_DATA","alert_value":600,"monitor_tags":["venus","mars"],"description":"Quokka"}`, status: 201, as: "with=new rule",
		rows: []string{"ALERT_RULE {new rule} v1 CREATED"}},
	{name: "a maintenance of it", request: "POST /api/v4/maintenances", status: 201, as: "of=new maintenance",
		body: `{"title":"Quokka","start_date_time":{past},"rrule":"FREQ=DAILY","duration_seconds":600,"monitors":[{"monitor_tag":"venus"}]}`,
		rows: []string{"MAINTENANCE {new maintenance} v1 CREATED"}},
	{name: "a page with it", request: "PATCH /api/v4/pages/crew", body: `{"monitors":["venus"]}`, status: 200, rows: []string{"PAGE {page} crew v7 UPDATED monitors"}},
	{name: "the monitor goes, from all", request: "DELETE /api/v4/monitors/venus", status: 200,
		rows: []string{"ALERT_RULE {with} v2 UPDATED monitor_tags", "INCIDENT {on} v2 UPDATED monitors", "MAINTENANCE {of} v2 UPDATED monitors", "MONITOR {venus} venus DELETED", "PAGE {page} crew v8 UPDATED monitors"}},
	{name: "a monitor that is gone", request: "DELETE /api/v4/monitors/venus", status: 404},
	{name: "the monitor with the longest tag goes", request: "DELETE /api/v4/monitors/{long}", status: 200, rows: []string{"MONITOR {longest} {long} DELETED"}},

	{name: "health", request: "GET /healthcheck", status: 200},
	{name: "the description", request: "GET /openapi.json", status: 200},
	{name: "its page", request: "GET /docs", status: 200},
}

// Bodies that change all that they can.
const (
	wholeMonitor = `{"name":"Quokka 3","description":"Quokka 3","image":"/Quokka 3","cron":"Quokka 3","default_status":"DOWN","status":"INACTIVE","category_name":"Quokka 3","monitor_type":"NONE",` +
		`"type_data":{"url":"Quokka 3"},"is_hidden":true,"include_degraded_in_downtime":true,"monitor_settings_json":{"Quokka":"Quokka 3"},"external_url":"http://Quokka 3","confirmation_threshold":5}`
	wholeRule = `{"alert_for":"LATENCY","alert_value":800,"monitor_tags":["earth","mars"],"failure_threshold":2,"success_threshold":3,"severity":"WARNING",` +
		`"create_incident":true,"description":"Quokka 2","is_active":false}`
	wholeRange       = `{"start_ts":{past},"end_ts":{minute},"status":"UP","latency":5,"deviation":2}`
	wholeIncident    = `{"title":"Quokka 3","start_date_time":1768300000,"end_date_time":1768300600,"monitors":[{"monitor_tag":"mars","impact":"UP"}],"auto_close_after":null}`
	wholeMaintenance = `{"title":"Quokka 3","description":"Quokka 3","start_date_time":1900000000,"rrule":"FREQ=WEEKLY","duration_seconds":1200,"time_zone":"Asia/Tokyo","status":"INACTIVE","monitors":[{"monitor_tag":"mars","impact":"UP"}]}`
	wholePage        = `{"page_path":"Crew","page_title":"Quokka 3","page_header":"Quokka 3","page_subheader":"Quokka 3","page_logo":"/Quokka 3","page_settings":{"meta_page_title":"Quokka 3"},"monitors":["earth"]}`
	wholeReport      = `{"title":"Quokka 2","tags":["mars"],"body":"Quokka 3","startDatetime":1768300001,"endDatetime":1768300601,"impact":"DEGRADED",` +
		`"isMaintenance":true,"isIdentified":true,"isResolved":true}`
)

// needed is what the steps of a route have to show, by its method. Each is tried with a key
// that may change nothing too, and each POST is sent again.
var needed = map[string][]string{
	http.MethodGet:    {"an answer"},
	http.MethodPost:   {"a change", "a refusal"},
	http.MethodPatch:  {"a change", "a refusal", "an answer"},
	http.MethodDelete: {"a change", "not found"},
}

// shows is what a step shows of its route.
func (st step) shows() []string {
	switch {
	case st.status == http.StatusNotFound:
		return []string{"a refusal", "not found"}
	case st.status >= http.StatusBadRequest:
		return []string{"a refusal"}
	case len(st.rows) > 0:
		return []string{"a change"}
	}
	return []string{"an answer"}
}

// fillRoute is the PATCH that is a change each time.
const fillRoute = "PATCH /api/v4/monitors/{monitor_tag}/data"

// tryRoute is the POST that never is one.
const tryRoute = "POST /api/v4/integrations/{integration_id}/test"

// TestChangesOfEveryRoute sends requests of all routes, and reads after each which rows
// about changes there are more.
func TestChangesOfEveryRoute(t *testing.T) {
	t.Parallel()
	s, clock := start(t)
	w := &walk{server: s, clock: clock, routes: http.NewServeMux(), shown: map[string]map[string]bool{}, sent: map[string][]any{}}
	for _, route := range servedRoutes() {
		w.routes.Handle(route, http.NotFoundHandler())
	}
	w.keys[0], w.keys[1] = s.Key, s.NewKey(statuspage.NewAPIKey{Name: mark, Scopes: statuspage.Scopes()})
	w.reader = s.NewKey(statuspage.NewAPIKey{Name: mark, Scopes: []statuspage.Scope{statuspage.ScopeIncidentsRead, statuspage.ScopeMonitorsRead}})
	w.secrets = []string{w.keys[0], w.keys[1], w.reader}
	w.names = map[string]string{
		"long": strings.Repeat("a", statuspage.MaxTag), "huge": mark + strings.Repeat("a", statuspage.MaxMonitorSize), "past": strconv.Itoa(testMinute - 86400),
	}
	w.trail = startTrail(t, s.Table)
	for n, st := range everyStep {
		t.Run(st.name, func(t *testing.T) { w.do(t, n, st) })
	}

	for _, route := range servedRoutes() {
		method, _, _ := strings.Cut(route, " ")
		if needed[method] == nil {
			t.Errorf("it is not said what the steps of %s have to show", route)
		}
		for _, what := range needed[method] {
			if route == tryRoute && what == "a change" {
				what = "an answer" // it may only ask
			}
			if !w.shown[route][what] && !(route == fillRoute && what == "an answer") {
				t.Errorf("no step of %s shows %s", route, what)
			}
		}
	}
	contents := s.Table.Contents(t)
	for _, problem := range contents.Check() {
		t.Error(problem)
	}
	var d schema
	if err := json.Unmarshal(openapi.JSON.Unpacked(), &d); err != nil {
		t.Fatal(err)
	}
	w.everyTextIsMarked(t, d)
	fieldsAreTheAPIs(t, d, contents.Changes)
	w.rowsSayNothing(t)
	w.rowsStay(t)
}

// A walk sends steps.
type walk struct {
	server  *apitest.Server
	clock   *clock
	trail   *trail
	routes  *http.ServeMux
	keys    [2]string         // take turns, so that a row of another key than the request's is found
	reader  string            // a key that may change nothing
	names   map[string]string // of numbers, see step
	shown   map[string]map[string]bool
	sent    map[string][]any // bodies of requests that were answered 2xx, by route
	secrets []string         // every API key and token that there is or was
}

var secretText = regexp.MustCompile(`kener_[0-9a-f]{64}|\b[0-9a-f]{32}\b`)

func (w *walk) do(t *testing.T, n int, st step) {
	w.clock.seconds.Add(60)
	now := w.clock.seconds.Load()
	fill := w.filler(t, now)
	method, target, _ := strings.Cut(fill(st.request), " ")
	body := fill(st.body)
	send := func(key string) apitest.Response {
		header := http.Header{"Authorization": {"Bearer " + key}}
		if method == http.MethodPost {
			header.Set("Idempotency-Key", fmt.Sprint(mark, "-", n))
		}
		if st.ifMatch != "" {
			header.Set("If-Match", st.ifMatch)
		}
		got := w.server.DoWith(method, target, body, header)
		w.secrets = append(w.secrets, secretText.FindAllString(got.Body, -1)...)
		return got
	}
	if method == http.MethodGet {
		w.server.DoWith(http.MethodHead, target, "", w.server.Header())
	} else if got := send(w.reader); got.Status != http.StatusForbidden {
		t.Errorf("with a key that may change nothing: %d %s", got.Status, got.Body)
	}
	got := send(w.keys[n%len(w.keys)])
	if got.Status != st.status {
		t.Fatalf("%s: %d %s, want %d", st.request, got.Status, got.Body, st.status)
	}
	if !strings.Contains(got.Body, st.answer) {
		t.Errorf("%s: %s, want %s in it", st.request, got.Body, st.answer)
	}
	if method == http.MethodPost && st.status < http.StatusBadRequest {
		if again := send(w.keys[n%len(w.keys)]); again.Status != st.status || again.Header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("sent again: %d %v %s", again.Status, again.Header, again.Body)
		}
	}

	var want []string
	for _, row := range st.rows {
		if !strings.Contains(row, " by ") {
			row += fmt.Sprint(" by API_KEY ", n%len(w.keys)+1)
		}
		want = append(want, fill(row))
	}
	known := maps.Clone(w.trail.seen)
	if diff := cmp.Diff(want, w.trail.next(t)); diff != "" {
		t.Errorf("%s %s: change rows (-want +got):\n%s", st.request, st.body, diff)
	}
	for sk, row := range w.trail.seen {
		if known[sk] == nil && row.Num("time") != now {
			t.Errorf("%s is of %d, not %d", changeText(row), row.Num("time"), now)
		}
	}

	if name, of, ok := strings.Cut(st.as, "="); ok {
		w.names[name] = fill("{" + of + "}")
	}
	_, route := w.routes.Handler(&http.Request{Method: method, URL: pathOf(t, target)})
	if w.shown[route] == nil {
		w.shown[route] = map[string]bool{}
	}
	for _, what := range st.shows() {
		w.shown[route][what] = true
	}
	if body != "" && st.status < http.StatusBadRequest {
		var sent any
		if err := json.Unmarshal([]byte(body), &sent); err != nil {
			t.Fatal(err)
		}
		w.sent[route] = append(w.sent[route], sent)
	}
}

func pathOf(t *testing.T, target string) *url.URL {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// filler returns what puts numbers for the names in a text, see step.
func (w *walk) filler(t *testing.T, now int64) func(string) string {
	t.Helper()
	pairs := []string{"{minute}", fmt.Sprint(statuspage.FloorMinute(now)), "{last}", fmt.Sprint(statuspage.FloorMinute(now) - 60)}
	counters := w.server.Table.Contents(t).Counters
	for what, counter := range map[string]string{"incident": "incident", "comment": "comment", "monitor": "monitor", "rule": "rule", "key": "apikey", "maintenance": "maintenance"} {
		pairs = append(pairs, "{new "+what+"}", fmt.Sprint(counters[counter]+1))
	}
	pairs = append(pairs, "{new page}", fmt.Sprint(max(counters["page"], statuspage.HomePageID)+1))
	pairs = append(pairs, "{new integration}", fmt.Sprint(max(counters["integration"], statuspage.CloudWatchID)+1))
	pairs = append(pairs, "{last event}", fmt.Sprint(counters["occurrence"]))
	for name, number := range w.names {
		pairs = append(pairs, "{"+name+"}", number)
	}
	return strings.NewReplacer(pairs...).Replace
}

// everyTextIsMarked asks that each field of a request in which the API takes any text or any
// object was sent with the mark in it, in a request that had an effect.
func (w *walk) everyTextIsMarked(t *testing.T, d schema) {
	t.Helper()
	texts := 0
	for _, route := range servedRoutes() {
		method, path, _ := strings.Cut(route, " ")
		fields := d.at(d, "paths", path, strings.ToLower(method), "requestBody", "content", "application/json", "schema", "properties")
		for field := range fields {
			if field == "tag" || field == "page_path" || field == "time_zone" || !takesText(d, fields.at(d, field)) {
				continue
			}
			texts++
			if !slices.ContainsFunc(w.sent[route], func(body any) bool { return strings.Contains(fmt.Sprint(body.(map[string]any)[field]), mark) }) {
				t.Errorf("no step of %s sends %s with the mark", route, field)
			}
		}
	}
	if texts < 36 {
		t.Errorf("the document has only %d fields for texts", texts)
	}
}

// rowsSayNothing looks for texts and for keys and their hashes in all that the rows hold.
func (w *walk) rowsSayNothing(t *testing.T) {
	t.Helper()
	forbidden := []string{strings.ToLower(mark), "kener_"}
	for _, secret := range w.secrets {
		forbidden = append(forbidden, secret, strings.TrimPrefix(secret, "kener_"), statuspage.HashSecret(secret))
	}
	rows, elsewhere := 0, map[string]bool{}
	for _, it := range w.server.Table.Items(t) {
		size := 0
		isChange := strings.HasPrefix(it["pk"], "CHANGES#")
		for name, value := range it {
			size += len(name) + len(value)
			for _, text := range forbidden {
				if !strings.Contains(strings.ToLower(name+" "+value), text) {
					continue
				}
				if isChange {
					t.Errorf("a change row has %s %q, and in it %s", name, value, text)
				}
				kind, _, _ := strings.Cut(it["pk"], "#")
				elsewhere[kind] = true
			}
		}
		if isChange {
			rows++
			if size > 4096 {
				t.Errorf("a change row has %d bytes: %v", size, it)
			}
		}
	}
	// What is found nowhere proves nothing of the rows.
	for _, kind := range []string{"INCIDENT", "MAINTENANCES", "MONITORS", "RULES", "PAGES", "SITE", "INTEGRATIONS", "APIKEY", "IDEMPOTENCY"} {
		if !elsewhere[kind] {
			t.Errorf("nothing of what is looked for is in a record of %s", kind)
		}
	}
	if rows < 50 {
		t.Errorf("only %d change rows", rows)
	}
}

// rowsStay asks the index for the rows about records that are gone.
func (w *walk) rowsStay(t *testing.T) {
	t.Helper()
	for record, want := range map[string][]string{
		"INCIDENT#{i}": {
			"CREATED", "UPDATED", "UPDATED", "COMMENT_CREATED", "COMMENT_CREATED", "COMMENT_CREATED", "UPDATED", "COMMENT_UPDATED", "COMMENT_DELETED", "DELETED",
		},
		"MAINTENANCE#{once}": {"CREATED", "EVENT_UPDATED", "EVENT_UPDATED", "EVENT_DELETED", "DELETED"},
		"MONITOR#{venus}":    {"CREATED", "DELETED"},
		"ALERT_RULE#{quiet}": {"CREATED", "UPDATED", "UPDATED", "UPDATED", "UPDATED", "DELETED"},
	} {
		var got []string
		pk := "CHANGES#" + w.filler(t, 0)(record)
		for it, err := range w.server.Table.Store(nil).Table().Items(t.Context(), ddb.Query{Index: ddb.GSI2, PK: pk}) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, dynamotest.Attributes(it).Text("what"))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", pk, diff)
		}
	}
}

// A schema is a part of the OpenAPI document.
type schema map[string]any

// at returns what is at the path; references are followed, in the document d.
func (s schema) at(d schema, path ...string) schema {
	for _, name := range path {
		s, _ = s[name].(map[string]any)
		if ref, ok := s["$ref"].(string); ok {
			s = d.at(d, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
		}
	}
	return s
}

// takesText reports whether a field can be any text, the mark for one, or any object.
func takesText(d, field schema) bool {
	if choices, ok := field["anyOf"].([]any); ok {
		return slices.ContainsFunc(choices, func(choice any) bool { return takesText(d, schema{"it": choice}.at(d, "it")) })
	}
	is := func(kind string) bool {
		kinds, _ := field["type"].([]any)
		return field["type"] == kind || slices.Contains(kinds, any(kind))
	}
	pattern, _ := field["pattern"].(string)
	return is("object") || is("string") && field["enum"] == nil && regexp.MustCompile(pattern).MatchString(mark)
}

// fieldsAreTheAPIs asks that the fields which rows name are fields that one of the APIs
// shows of such a record: who reads the rows knows no others.
func fieldsAreTheAPIs(t *testing.T, d schema, rows []dynamotest.Attributes) {
	t.Helper()
	schemas := map[string][]string{"INCIDENT": {"Incident", "LegacyIncident"}, "MONITOR": {"Monitor"}, "ALERT_RULE": {"AlertRule"}, "API_KEY": {"Key"}, "MAINTENANCE": {"Maintenance"}, "PAGE": {"Page"}, "SITE_SETTING": {"Setting"}, "INTEGRATION": {"CreatedIntegration"}}
	for _, row := range rows {
		for _, field := range fieldsOf(row) {
			if !slices.ContainsFunc(schemas[row.Text("record")], func(name string) bool { return d.at(d, "components", "schemas", name, "properties")[field] != nil }) {
				t.Errorf("%s: the API has no field %s", changeText(row), field)
			}
		}
	}
}

// TestChangesOfEveryJob does what is done without a request, and reads after each which rows
// about changes there are more.
func TestChangesOfEveryJob(t *testing.T) {
	t.Parallel()
	s, clock := start(t)
	store := s.Table.Store(nil)
	ctx := t.Context()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	do := func(method, path, body string) {
		t.Helper()
		if got := s.Do(method, path, body); got.Status >= 300 {
			t.Fatalf("%s %s: %d %s", method, path, got.Status, got.Body)
		}
	}
	later := func(seconds int64) int64 { return clock.seconds.Add(seconds) }
	now := clock.seconds.Load
	noData := func() {
		t.Helper()
		_, err := nodata.Run(ctx, store, now())
		check(err)
	}
	cleanup := func() {
		t.Helper()
		_, err := store.Cleanup(ctx, now())
		check(err)
	}
	const hour = 3600
	secret := statuspage.NewSecret()
	scopes := []statuspage.Scope{statuspage.ScopeMonitorsRead}
	ensure := func(scopes ...statuspage.Scope) {
		t.Helper()
		_, err := store.EnsureAPIKey(ctx, secret, statuspage.NewAPIKey{Name: "ensured", Scopes: scopes}, now())
		check(err)
	}

	r := startTrail(t, s.Table)
	for _, job := range []struct {
		name string
		do   func()
		rows []string
	}{
		{"what the closer is for", func() {
			do("POST", "/api/v4/incidents", fmt.Sprintf(`{"title":"forgotten","start_date_time":%d}`, testMinute))
			do("POST", "/api/v4/incidents", fmt.Sprintf(`{"title":"with an end","start_date_time":%d,"end_date_time":%d}`, testMinute, testMinute+600))
			do("POST", "/api/v4/incidents", fmt.Sprintf(`{"title":"kept","start_date_time":%d}`, testMinute))
		}, []string{"INCIDENT 1 v1 CREATED by API_KEY 1", "INCIDENT 2 v1 CREATED by API_KEY 1", "INCIDENT 3 v1 CREATED by API_KEY 1"}},
		{"a run with nothing to do", s.Tick, nil},
		{"an end has passed", func() { later(hour); s.Tick() }, []string{"INCIDENT 2 v2 COMMENT_CREATED closedAt,state comment 1 by CLOSER"}},
		{"warnings", func() { later(48 * hour); s.Tick() }, []string{
			"INCIDENT 1 v2 COMMENT_CREATED warning comment 2 by CLOSER", "INCIDENT 3 v2 COMMENT_CREATED warning comment 3 by CLOSER",
		}},
		{"they are there", s.Tick, nil},
		// The same title says that somebody still works on it, so it takes the warning back.
		{"somebody keeps one open", func() { later(60); do("PATCH", "/api/v4/incidents/3", `{"title":"kept"}`) }, []string{"INCIDENT 3 v3 UPDATED warning by API_KEY 1"}},
		{"the other is closed", func() { later(24 * hour); s.Tick() }, []string{"INCIDENT 1 v3 COMMENT_CREATED closedAt,end_date_time,state,warning comment 4 by CLOSER"}},
		{"it is", s.Tick, nil},

		{"what the judge of missing data is for", func() {
			do("POST", "/api/v4/monitors", `{"tag":"earth","name":"E"}`)
			do("POST", "/api/v4/monitors", `{"tag":"mars","name":"M"}`)
			do("POST", rulesPath, `{"alert_for":"NO_DATA","alert_value":3,"monitor_tags":["earth"],"create_incident":true}`)
			do("POST", rulesPath, `{"alert_for":"NO_DATA","alert_value":3,"monitor_tags":["mars"]}`)
		}, []string{
			"ALERT_RULE 1 v1 CREATED by API_KEY 1", "ALERT_RULE 2 v1 CREATED by API_KEY 1", "MONITOR 1 earth v1 CREATED by API_KEY 1", "MONITOR 2 mars v1 CREATED by API_KEY 1",
		}},
		{"too early", noData, nil},
		{"no data", func() { later(300); noData() }, []string{"INCIDENT 4 v1 CREATED comment 5 by ALERT_RULE 1"}},
		{"still none", func() { noData(); s.Tick() }, nil},
		{"there is data, which is not judged at once", func() {
			do("POST", "/api/v4/status", `{"points":[{"monitor_tag":"earth","status":"UP"},{"monitor_tag":"mars","status":"UP"}]}`)
		}, nil},
		{"recovery", noData, []string{"INCIDENT 4 v2 COMMENT_CREATED closedAt,end_date_time,state comment 6 by ALERT_RULE 1"}},
		{"it has", noData, nil},
		{"no data, by the schedule", func() { later(300); s.Tick() }, []string{"INCIDENT 5 v1 CREATED comment 7 by ALERT_RULE 1"}},
		{"recovery of what a person has resolved", func() {
			do("POST", "/api/v4/incidents/5/comments", `{"comment":"c","state":"RESOLVED"}`)
			do("POST", "/api/v4/status", `{"points":[{"monitor_tag":"earth","status":"UP"},{"monitor_tag":"mars","status":"UP"}]}`)
			noData()
		}, []string{"INCIDENT 5 v2 COMMENT_CREATED closedAt,end_date_time,state comment 8 by API_KEY 1"}},

		{"what the cleanup is for", func() {
			do("POST", "/api/v4/monitors", `{"tag":"venus","name":"V"}`)
			for range 2 {
				do("POST", "/api/v4/incidents", `{"title":"linked","start_date_time":600,"monitors":[{"monitor_tag":"venus"}]}`)
			}
			do("POST", rulesPath, `{"alert_for":"STATUS","alert_value":"DOWN","monitor_tags":["venus","mars"]}`)
		}, []string{"ALERT_RULE 3 v1 CREATED by API_KEY 1", "INCIDENT 6 v1 CREATED by API_KEY 1", "INCIDENT 7 v1 CREATED by API_KEY 1", "MONITOR 3 venus v1 CREATED by API_KEY 1"}},
		{"nothing to clean up", cleanup, nil},
		{"an interrupted deletion of a monitor", func() {
			killed(t, s.Table, func(ctx context.Context, store *dynamo.Store) error { return store.DeleteMonitor(ctx, "venus", now()) })
		}, []string{"MONITOR 3 venus DELETED by API_KEY 1"}},
		// Whoever has the rest done, it is the key that has deleted the monitor.
		{"its rest", func() { later(60); s.Tick() }, []string{
			"ALERT_RULE 3 v2 UPDATED monitor_tags by API_KEY 1", "INCIDENT 6 v2 UPDATED monitors by API_KEY 1", "INCIDENT 7 v2 UPDATED monitors by API_KEY 1",
		}},
		{"it is done, and once more when nobody can write to the monitor", func() { later(hour); cleanup(); cleanup() }, nil},
		{"an interrupted deletion of an incident", func() {
			killed(t, s.Table, func(ctx context.Context, store *dynamo.Store) error { return store.DeleteIncident(ctx, 1, now(), nil) })
		}, []string{"INCIDENT 1 DELETED by API_KEY 1"}},
		{"its rest", cleanup, nil},

		{"a key", func() { ensure(scopes...) }, []string{"API_KEY 2 CREATED by operator"}},
		{"the same key", func() { ensure(scopes...) }, nil},
		{"with another scope", func() { ensure(statuspage.ScopeAdmin) }, []string{"API_KEY 2 UPDATED scopes by operator"}},
		{"as programs before made it", func() { makeEarly(t, s, secret) }, nil},
		{"with these scopes and no more", func() { ensure(statuspage.ScopeAdmin) }, []string{"API_KEY 2 UPDATED scopes by operator"}},
		{"its use", func() { check(store.MarkAPIKeyUsed(ctx, statuspage.HashSecret(secret), statuspage.FloorHour(now()))) }, nil},
		{"its end", func() { _, err := store.RevokeAPIKey(ctx, 2, now()); check(err) }, []string{"API_KEY 2 UPDATED revoked_at by operator"}},
		{"its end again", func() { _, err := store.RevokeAPIKey(ctx, 2, later(60)); check(err) }, nil},
		{"it is wanted again", func() { ensure(statuspage.ScopeAdmin) }, []string{"API_KEY 2 UPDATED revoked_at by operator"}},
	} {
		t.Run(job.name, func(t *testing.T) {
			job.do()
			if diff := cmp.Diff(job.rows, r.next(t)); diff != "" {
				t.Errorf("change rows (-want +got):\n%s", diff)
			}
		})
	}
	contents := s.Table.Contents(t)
	silent := 0 // alerts of the rule that makes no incident
	for _, alert := range contents.Alerts {
		if alert.Num("rule_id") == 2 {
			silent++
		}
	}
	if silent != 2 {
		t.Errorf("the rule without incidents fired %d times, want 2", silent)
	}
	if len(contents.Cleanups) > 0 {
		t.Errorf("still to clean up: %v", contents.Cleanups)
	}
	for _, problem := range contents.Check() {
		t.Error(problem)
	}
}

// killed does something for an API key with a store that makes no more calls after the
// first that writes a row about a change, the one that counts.
func killed(t *testing.T, table *dynamotest.Table, do func(context.Context, *dynamo.Store) error) {
	t.Helper()
	ctx, die := context.WithCancel(statuspage.WithActor(t.Context(), statuspage.Actor{Kind: statuspage.ByAPIKey, ID: 1}))
	defer die()
	var done atomic.Bool
	counts := dynamotest.Writes("CHANGES#")
	client := &dynamotest.Client{Inject: func(operation string, body []byte) dynamotest.Fault {
		if done.Load() {
			die()
			return dynamotest.LostCall
		}
		done.Store(counts(operation, body))
		return dynamotest.None
	}}
	if err := do(ctx, table.Store(client).WithLog(slog.New(slog.DiscardHandler))); err != nil {
		t.Error(err)
	}
}

// TestChangesOfAnImport exports records with their change rows and imports them, and
// imports records from elsewhere: neither is a change.
func TestChangesOfAnImport(t *testing.T) {
	t.Parallel()
	s, clock := start(t)
	monitorsNamed(t, s, "earth")
	i := made(t, s, "/api/v4/incidents", `{"title":"t","start_date_time":600,"monitors":[{"monitor_tag":"earth"}]}`)
	made(t, s, incidentPath(i)+"/comments", `{"comment":"c","state":"IDENTIFIED"}`)
	made(t, s, rulesPath, `{"alert_for":"STATUS","alert_value":"DOWN","monitor_tags":["earth"]}`)
	if got := s.Do("DELETE", incidentPath(i), ""); got.Status != http.StatusOK {
		t.Fatalf("%d %s", got.Status, got.Body)
	}
	var file bytes.Buffer
	if _, _, err := s.Table.Dump(nil).Export(t.Context(), &file, dump.ExportOptions{}, clock.seconds.Load()); err != nil {
		t.Fatal(err)
	}
	for _, o := range []dump.ImportOptions{{}, {WithoutKeys: true}} {
		table := dynamotest.NewTable(t)
		if _, err := table.Dump(nil).Import(t.Context(), bytes.NewReader(file.Bytes()), o, clock.seconds.Load()+60); err != nil {
			t.Fatal(err)
		}
		want, got := startTrail(t, s.Table).seen, startTrail(t, table).seen
		if len(want) != 6 || !reflect.DeepEqual(want, got) {
			t.Errorf("%+v: %d change rows came as %d, or others", o, len(want), len(got))
		}
	}

	table := dynamotest.NewTable(t)
	d, now := table.Dump(nil), clock.seconds.Load()
	m := statuspage.NewMonitor("earth", "E")
	m.ID, m.Created, m.Updated, m.Version = 7, now, now, 1
	incident := statuspage.Incident{
		ID: 7, Title: "t", Start: 600, State: statuspage.Identified, Type: statuspage.TypeIncident, Source: statuspage.SourceAPI, Created: now, Updated: now, Version: 1,
		Monitors: []statuspage.AffectedMonitor{{Tag: "earth", MonitorID: 7, Impact: statuspage.Down}},
	}
	comments := []statuspage.Comment{{ID: 7, IncidentID: 7, Text: "c", Time: 600, State: statuspage.Identified, Created: now, Updated: now, Version: 1}}
	_, err := d.BeginImport(t.Context(), "elsewhere", false, now)
	steps := []error{err, d.RaiseIDs(t.Context(), statuspage.LastIDs{Incident: 7, Comment: 7, Monitor: 7})}
	_, err = d.ImportMonitor(t.Context(), m)
	steps = append(steps, err)
	_, err = d.ImportPoints(t.Context(), 7, []statuspage.Point{{Time: testMinute, Status: statuspage.StatusUp, Source: statuspage.SourceProbe}}, now)
	steps = append(steps, err)
	_, err = d.ImportIncident(t.Context(), incident, comments)
	for n, err := range append(steps, err, d.FinishImport(t.Context(), "elsewhere", now)) {
		if err != nil {
			t.Errorf("step %d: %v", n+1, err)
		}
	}
	contents := table.Contents(t)
	if len(contents.Changes) != 0 || len(contents.Incidents) != 1 || len(contents.Monitors) != 1 || len(contents.Comments[7]) != 1 {
		t.Errorf("%d change rows of %d incidents and %d monitors", len(contents.Changes), len(contents.Incidents), len(contents.Monitors))
	}
}
