package inbound

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"tocsin/internal/statuspage"
)

// TestRefusals reads bodies that are not in the format of their tool.
func TestRefusals(t *testing.T) {
	const alarm = `"resources":["arn:aws:cloudwatch:eu-central-1:210987654321:alarm:a"],"detail-type":"CloudWatch Alarm State Change"`
	for _, tt := range []struct {
		kind       statuspage.IntegrationKind
		body, want string
	}{
		{"generic", ``, "The body is empty"},
		{"generic", `{`, "The body is not JSON: "},
		{"generic", `"x"`, "The body must be a JSON object or an array of them"},
		{"generic", `[[]]`, "The body must be a JSON object or an array of them"},
		{"generic", `[` + strings.Repeat(`{"title":"a","status":"firing"},`, 100) + `{"title":"a","status":"firing"}]`, "At most 100 signals in a request"},
		{"generic", `{}`, "dedup_key or title is required"},
		{"generic", `{"dedup_key":"","title":" ","status":"firing"}`, "dedup_key or title is required"},
		{"generic", `{"dedup_key":1,"status":"firing"}`, "dedup_key must be a string"},
		{"generic", `{"dedup_key":"a"}`, "status must be one of: firing, acknowledged, resolved, note"},
		{"generic", `{"dedup_key":"a","status":"DOWN"}`, "status must be one of: firing, acknowledged, resolved, note"},
		{"generic", `{"dedup_key":"a","status":"firing","impact":"MAINTENANCE"}`, "impact must be one of: DOWN, DEGRADED"},
		{"generic", `{"dedup_key":"a","status":"firing","monitors":"checkout"}`, "monitors must be an array of strings"},
		{"generic", `{"dedup_key":"a","status":"firing","monitors":["checkout",1]}`, "monitors must be an array of strings"},
		{"generic", `{"dedup_key":"a","status":"firing","labels":[]}`, "labels must be an object"},
		{"generic", `{"dedup_key":"a","status":"firing","at":"soon"}`, "at must be a time: "},
		{"generic", `[{"dedup_key":"a","status":"firing"},{"dedup_key":"b","status":"resolved","ended_at":true}]`, "ended_at must be a time: "},
		{"generic", `{"specversion":"1.0","data":"text"}`, "data of the CloudEvent must be a JSON object"},
		{"generic", `{"specversion":"1.0","data_base64":"*"}`, "data of the CloudEvent must be a JSON object"},
		{"fieldmap", `[]`, "The body must be a JSON object"},
		{"fieldmap", `{"id":1}`, "The body has nothing at state"},
		{"fieldmap", `{"id":[],"state":"down"}`, "The body has nothing at id"},
		{"cloudwatch", `{}`, "The body must be of an alarm of CloudWatch, with its name and ARN"},
		{"cloudwatch", `{` + alarm + `}`, "The body must be of an alarm of CloudWatch, with its name and ARN"},
		{"cloudwatch", `{` + alarm + `,"detail":{"alarmName":"a","state":{"value":"MAYBE"}}}`, "The state of an alarm must be one of: ALARM, OK, INSUFFICIENT_DATA"},
		{"cloudwatch", `{"Records":[{"Sns":{"Message":"hello"}}]}`, "The body must be of an alarm of CloudWatch, with its name and ARN"},
		{"aws-health", `{}`, "The body must be an event of AWS Health, with detail.eventArn"},
		{"uptimerobot", `{"monitorID":"*monitorID*","alertType":"*alertType*"}`, "The body has nothing at monitorID"},
		{"betterstack", `{"data":{"id":"1"}}`, "The body has nothing at data.type"},
		{"pingdom", `{}`, "The body has nothing at check_id"},
		{"newrelic", `{"id":"1"}`, "The body has nothing at state"},
		{"azure", `{"schemaId":"AzureMonitorMetricAlert","data":{}}`, "schemaId must be azureMonitorCommonAlertSchema: turn on the common alert schema in the action group"},
		{"gcp", `{"version":"1.2"}`, "The body has nothing at incident.incident_id"},
		{"sentry", `{"project":"checkout"}`, "The body must be a webhook of a Sentry integration, with action and data"},
		{"sentry", `{"action":"triggered","data":{"event":{"title":"x"}}}`, "The alert or issue has no id"},
		{"github", `{}`, "The body must be a webhook of GitHub, with repository"},
		{"heartbeat", `{}`, "An integration of the kind 'heartbeat' takes no messages here"},
	} {
		o := statuspage.DefaultIntegrationOptions()
		o.Fields.Key, o.Fields.Status = "id", "state"
		signals, err := Signals(tt.kind, Message{Body: []byte(tt.body), Header: http.Header{}}, o)
		e, is := errors.AsType[*statuspage.Error](err)
		if !is || e.Code != statuspage.CodeBadRequest || !strings.HasPrefix(e.Message, tt.want) || signals != nil {
			t.Errorf("%s %.80s: %v, %+v, want %s", tt.kind, tt.body, err, signals, tt.want)
		}
	}
}

func TestPaths(t *testing.T) {
	body, err := readObject([]byte(`{"a":{"b":[{"c":1},{"c":"two"}],"-x-":true},"list":[[7,8],["x"]],"text":"{\"in\":{\"a\":[5]}}","":"empty","null":null,"a.b":"dots"}`))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"a.b[0].c": "1", "$.a.b[1].c": "two", "a.-x-": "true", "list[0][1]": "8", "list[1][0]": "x", "list[1]": "x", "text.in.a[0]": "5", "a.b[1]": "",
		"": "", "$": "", "a": "", "b": "", "a.b[2].c": "", "a.b[-1].c": "", "a.b[x].c": "", "a.b[0.c": "", "a.b[0]c": "", "a.b.c": "", "a[0]": "", "null": "", "null.a": "", "list[99999999999999999999]": "",
	} {
		if got := body.textAt(path); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
}
