package inbound

import (
	"os"
	"slices"
	"strings"
	"testing"

	"tocsin/internal/statuspage"
)

const routingKey = `"routing_key":"7f3a0c9be1d24658a0b1c2d3e4f50617"`

func TestPagerDuty(t *testing.T) {
	const severities = "'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')"
	full := func(more string) string {
		return `{"event_action":"trigger","dedup_key":"k","payload":{"summary":"s","source":"h","severity":"error"` + more + `}}`
	}
	for name, c := range map[string]struct {
		body string
		want []string
	}{
		"with what it must have":    {full(""), []string{"k firing 0-0@0 | error | s"}},
		"a time":                    {full(`,"timestamp":"2026-11-25T09:14:03.121+0000"`), []string{"k firing 1795598043-0@1795598043 | error | s"}},
		"details as a text":         {full(`,"custom_details":"disk full"`), []string{"k firing 0-0@0 | error | s | disk full"}},
		"details as a text of JSON": {full(`,"custom_details":"{\"description\":\"disk full\"}"`), []string{"k firing 0-0@0 | error | s | disk full"}},
		"details as a list":         {full(`,"custom_details":["a"]`), []string{"k firing 0-0@0 | error | s"}},
		"of Alertmanager":           {`{"event_action":"trigger","dedup_key":"k","payload":{"summary":"[FIRING:2] HighErrorRate checkout","source":"Alertmanager","severity":"critical"}}`, []string{"k firing 0-0@0 | critical | HighErrorRate checkout"}},
		"a source that is a number": {`{"event_action":"trigger","dedup_key":7,"payload":{"summary":"s","source":1,"severity":"CRITICAL"}}`, []string{"7 firing 0-0@0 | CRITICAL | s"}},
		"over":                      {`{"event_action":"resolve","dedup_key":"k","payload":null}`, []string{"k resolved 0-0@0"}},
		"over, at a time":           {`{"event_action":"resolve","dedup_key":"k","payload":{"timestamp":20}}`, []string{"k resolved 0-20@20"}},
		"acknowledged":              {`{"event_action":"acknowledge","dedup_key":"k"}`, []string{"k acknowledged 0-0@0"}},
		"nothing":                   {`{}`, []string{"Event object is invalid: 'event_action' is missing or blank"}},
		"no payload":                {`{"event_action":"trigger","payload":[]}`, []string{"Event object is invalid: 'payload' is missing or blank"}},
		"an empty payload":          {`{"event_action":"trigger","payload":{"summary":" "}}`, []string{"Event object is invalid: 'payload.summary' is missing or blank, 'payload.source' is missing or blank, 'payload.severity' is missing or blank"}},
		"a severity of another":     {`{"event_action":"trigger","payload":{"summary":"s","source":"h","severity":"none"}}`, []string{"Event object is invalid: " + severities}},
		"an unknown action":         {`{"event_action":"open"}`, []string{"Event object is invalid: 'event_action' is invalid (must be one of the following: 'trigger', 'acknowledge' or 'resolve')"}},
		"over, but what":            {`{"event_action":"resolve"}`, []string{"Event object is invalid: 'dedup_key' is missing or blank"}},
		"v1":                        {`{"event_type":"trigger","incident_key":"k","description":"d","details":"text"}`, []string{"k firing 0-0@0 | d | text"}},
		"v1, over":                  {`{"service_key":"x","event_type":"resolve","incident_key":"k"}`, []string{"k resolved 0-0@0"}},
		"v1, without a text":        {`{"service_key":"x","event_type":"trigger"}`, []string{"Event object is invalid: Description is missing or blank"}},
		"v1, without a type":        {`{"service_key":"x"}`, []string{"Event object is invalid: Event type is missing or blank"}},
		"v1, an unknown type":       {`{"event_type":"x"}`, []string{"Event object is invalid: Event type is invalid (must be one of the following: trigger, acknowledge or resolve)"}},
		"v1, over, but what":        {`{"event_type":"resolve"}`, []string{"Event object is invalid: Incident key is missing or blank"}},
		"no JSON":                   {`routing_key=a`, []string{"The body is not JSON: invalid character 'r' looking for beginning of value"}},
	} {
		if got := read(t, statuspage.KindPagerDuty, c.body, ""); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, not %q", name, got, c.want)
		}
	}
}

func TestPagerDutyKeys(t *testing.T) {
	for body, want := range map[string]string{
		`{` + routingKey + `}`:   "",
		`{"routing_key":"7f3a"}`: "Length of 'routing_key' is incorrect (should be 32 characters)",
		`{"routing_key":null}`:   "'routing_key' cannot be blank",
		`{"service_key":"7f3a"}`: "Service key is the wrong length (should be 32 characters)",
		strings.ReplaceAll(`{`+routingKey+`}`, "routing", "service"): "",
	} {
		e, err := ReadPagerDuty([]byte(body))
		if got := strings.Join(e.KeyErrors(), ","); err != nil || got != want {
			t.Errorf("%s: %q, %v", body, got, err)
		}
	}

	body, err := os.ReadFile("testdata/pagerduty-firing-no-dedup-key.json")
	if err != nil {
		t.Fatal(err)
	}
	one, err := ReadPagerDuty(body)
	if err != nil {
		t.Fatal(err)
	}
	two, _ := ReadPagerDuty(body)
	if one.Key == two.Key || one.Key != one.Signal.Key || len(one.Key) < 26 || one.Errors != nil {
		t.Errorf("%+v, %+v", one, two)
	}

	long := strings.Repeat("k", 300)
	e, err := ReadPagerDuty([]byte(`{"event_action":"resolve","dedup_key":"` + long + `"}`))
	if err != nil || e.Key != long || e.Signal.Key != statuspage.SignalKey(long) {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestPagerDutyChange(t *testing.T) {
	body, err := os.ReadFile("testdata/pagerduty-change.json")
	if err != nil {
		t.Fatal(err)
	}
	e, err := ReadPagerDutyChange(body)
	if err != nil || e.Errors != nil || e.RoutingKey != "7f3a0c9be1d24658a0b1c2d3e4f50617" {
		t.Fatalf("%+v, %v", e, err)
	}
	if e.Signal.Key != e.Key || e.Key == "" {
		t.Errorf("key %q, %q", e.Key, e.Signal.Key)
	}
	e.Signal.Key = "made"
	if got, want := golden([]statuspage.Signal{e.Signal}), `[
  {
    "Key": "made",
    "Action": "note",
    "At": "2026-11-25T09:08:00.000Z",
    "Title": "Deployed checkout 4.12.0",
    "Link": "https://ci.example.org/build/20661",
    "Labels": {
      "build": "20661",
      "commit": "b7e1f40",
      "links": "https://ci.example.org/build/20661",
      "source": "ci-runner-7"
    }
  }
]
`; got != want {
		t.Errorf("%s\nexpected\n%s", got, want)
	}
	for body, want := range map[string]string{`{}`: "'payload' is missing or blank", `{"payload":{"summary":""}}`: "'payload.summary' is missing or blank"} {
		if e, err := ReadPagerDutyChange([]byte(body)); err != nil || !slices.Equal(e.Errors, []string{want}) {
			t.Errorf("%s: %q, %v", body, e.Errors, err)
		}
	}
}
