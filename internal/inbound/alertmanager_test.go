package inbound

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"tocsin/internal/statuspage"

	"pgregory.net/rapid"
)

// read returns the signals of a body in short, see short.
func read(t testing.TB, kind statuspage.IntegrationKind, body, options string) []string {
	t.Helper()
	signals, err := Signals(kind, Message{Body: []byte(body)}, statuspage.Integration{Options: statuspage.JSONObject(options)}.Settings())
	if err != nil {
		return []string{err.Error()}
	}
	var list []string
	for _, s := range signals {
		list = append(list, short(s))
	}
	return list
}

// short is what most tests look at: key, action, seconds of at, start, end and episode, severity and title.
func short(s statuspage.Signal) string {
	text := fmt.Sprintf("%s %s %d-%d@%d", s.Key, s.Action, s.Started/1000, s.Ended/1000, s.At/1000)
	for _, more := range []string{s.Severity, s.Title, s.Message, s.Unclear} {
		if more != "" {
			text += " | " + more
		}
	}
	return text
}

// alerts are those of messages that the tests make: name, status, seconds of start and end, and
// further fields.
func alert(name, status string, start, end int, more string) string {
	return fmt.Sprintf(`{"status":%q,"startsAt":%d,"endsAt":%d,"fingerprint":%q%s}`, status, start, end, name, more)
}

func TestAlertmanager(t *testing.T) {
	const key = `"version":"4","groupKey":"g","groupLabels":{"alertname":"A","zone":"z"},`
	firing, resolved := alert("f", "firing", 10, 0, ""), alert("r", "resolved", 5, 20, "")
	labelled := func(severity, more string) string {
		return alert(severity, "firing", 10, 0, fmt.Sprintf(`,"labels":{"alertname":"A","severity":%q%s},"annotations":{"summary":"s %s"}`, severity, more, severity))
	}
	for name, c := range map[string]struct {
		body, options string
		want          []string
	}{
		"each alert by its own status": {`{` + key + `"status":"resolved","alerts":[` + resolved + `,` + firing + `]}`, "", []string{"g firing 10-0@10 | A z"}},
		"none fires":                   {`{` + key + `"status":"firing","alerts":[` + resolved + `]}`, "", []string{"g resolved 5-20@20 | A z"}},
		"those that fire are cut off":  {`{` + key + `"status":"firing","truncatedAlerts":7,"alerts":[` + resolved + `]}`, "", []string{"g firing 5-0@20 | A z | and 7 more"}},
		"cut off, and none fires":      {`{` + key + `"status":"resolved","truncatedAlerts":"7","alerts":[` + resolved + `]}`, "", []string{"g resolved 5-20@20 | A z | and 7 more"}},
		"a signal an alert":            {`{` + key + `"alerts":[` + resolved + `,` + firing + `]}`, `{"group_by":"dedup_key"}`, []string{"r resolved 5-20@20 | A z", "f firing 10-0@10 | A z"}},
		"by monitor":                   {`{` + key + `"alerts":[` + resolved + `]}`, `{"group_by":"monitor"}`, []string{"r resolved 5-20@20 | A z"}},
		"by group":                     {`{` + key + `"alerts":[` + resolved + `]}`, `{"group_by":"group"}`, []string{"g resolved 5-20@20 | A z"}},
		"without a key of the group":   {`{"alerts":[` + firing + `]}`, "", []string{"f firing 10-0@10 | Alert"}},
		"severities that differ":       {`{` + key + `"alerts":[` + labelled("warning", "") + `,` + labelled("critical", "") + `]}`, "", []string{"g firing 10-0@10 | critical | A z"}},
		"one severity":                 {`{` + key + `"alerts":[` + labelled("warning", "") + `]}`, "", []string{"g firing 10-0@10 | warning | s warning"}},
		"no alerts, but a group":       {`{` + key + `"status":"firing","alerts":[],"commonAnnotations":{"summary":"s"}}`, "", []string{"g firing 0-0@0 | s"}},
		"neither":                      {`{"status":"firing"}`, "", []string{"This is no message of Alertmanager or Grafana: it has no alerts"}},
		"no status":                    {`{"alerts":[{"fingerprint":"a","startsAt":10,"endsAt":"0001-01-01T00:00:00Z"},{"fingerprint":"b","startsAt":10,"endsAt":20}]}`, "", []string{"a firing 10-0@10 | Alert", "b resolved 10-20@20 | Alert"}},
		"no fingerprint":               {`{"alerts":[{"status":"firing","labels":{"alertname":"A","n":1}}]}`, "", []string{"7b24cc5312df4237 firing 0-0@0 | A"}},
		"an end to come":               {`{"alerts":[` + alert("a", "firing", 10, 99, "") + `]}`, "", []string{"a firing 10-0@10 | Alert"}},
		"wrong types":                  {`{"groupKey":7,"alerts":[null,3,{"status":1,"labels":"x","annotations":[],"startsAt":{},"endsAt":true}]}`, "", []string{"7 firing 0-0@0 | Alert"}},
	} {
		if got := read(t, statuspage.KindAlertmanager, c.body, c.options); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, not %q", name, got, c.want)
		}
	}

	signals, err := Signals(statuspage.KindAlertmanager, Message{Body: []byte(`{` + key + `"alerts":[` + labelled("a", `,"tocsin_monitor":"web,api","monitor":"m1","instance":"i1"`) + `,` + labelled("b", `,"tocsin_monitor":"db,web","monitor":"m2","instance":"i2"`) + `]}`)}, statuspage.DefaultIntegrationOptions())
	if err != nil {
		t.Fatal(err)
	}
	if s := signals[0]; !slices.Equal(s.Monitors, []string{"web", "api", "db"}) || !slices.Equal(s.Guesses[0], []string{"m1", "m2"}) || s.Labels["instance"] != "i1" {
		t.Errorf("monitors %v, guesses %v, labels %v", s.Monitors, s.Guesses, s.Labels)
	}
}

func TestGrafana(t *testing.T) {
	const key = `"groupKey":"g","orgId":1,`
	named := func(fingerprint, status, labels, reason string) string {
		return alert(fingerprint, status, 10, 20, fmt.Sprintf(`,"labels":{%s},"annotations":{"grafana_state_reason":%q},"values":null`, labels, reason))
	}
	noData := named("n", "firing", `"alertname":"DatasourceNoData","rulename":"R"`, "")
	for name, c := range map[string]struct {
		body, options string
		want          []string
	}{
		"no data is a note":             {`{` + key + `"alerts":[` + noData + `]}`, "", []string{"n note 10-0@10 | DatasourceNoData R"}},
		"no data opens":                 {`{` + key + `"alerts":[` + noData + `]}`, `{"no_data":"open"}`, []string{"n firing 10-0@10 | DatasourceNoData R"}},
		"an error is alone too":         {`{` + key + `"alerts":[` + named("e", "resolved", `"alertname":"DatasourceError"`, "") + `]}`, `{"no_data":"open"}`, []string{"e resolved 10-20@20 | DatasourceError"}},
		"never merged":                  {`{` + key + `"state":"alerting","alerts":[` + noData + `,` + named("a", "resolved", `"alertname":"A"`, "") + `]}`, "", []string{"n note 10-0@10 | DatasourceNoData R", "g resolved 10-20@20 | A"}},
		"the series went away":          {`{` + key + `"alerts":[` + named("a", "resolved", `"alertname":"A"`, "MissingSeries") + `]}`, "", []string{"g resolved 10-20@20 | A | there is no data any more"}},
		"one of two went away":          {`{` + key + `"alerts":[` + named("a", "resolved", `"alertname":"A"`, "") + `,` + named("b", "resolved", `"alertname":"A"`, "Paused") + `]}`, "", []string{"g resolved 10-20@20 | A | the alert rule was paused"}},
		"changed":                       {`{` + key + `"alerts":[` + named("a", "resolved", `"alertname":"A"`, "Updated") + `]}`, `{"group_by":"dedup_key"}`, []string{"a resolved 10-20@20 | A | the alert rule was changed"}},
		"a reason while it fires":       {`{` + key + `"alerts":[` + named("a", "firing", `"alertname":"A"`, "NoData") + `]}`, "", []string{"g firing 10-0@10 | A"}},
		"the button Test":               {`{` + key + `"alerts":[` + named("t", "firing", `"alertname":"TestAlert","instance":"Grafana"`, "") + `]}`, "", []string{"t ignored 0-0@0 | Test of the contact point"}},
		"legacy, over":                  {`{"ruleId":29,"orgId":2,"state":"ok","ruleName":"R","title":"[OK] R"}`, "", []string{"2/29 resolved 0-0@0 | R"}},
		"legacy, without a name":        {`{"ruleId":29,"orgId":2,"state":"alerting","title":"[Alerting] R","tags":null}`, "", []string{"2/29 firing 0-0@0 | R"}},
		"legacy, no data":               {`{"ruleId":29,"orgId":2,"state":"no_data","ruleName":"R"}`, "", []string{"2/29 note 0-0@0 | R"}},
		"legacy, no data opens":         {`{"ruleId":29,"orgId":2,"state":"no_data","ruleName":"R"}`, `{"no_data":"open"}`, []string{"2/29 firing 0-0@0 | R"}},
		"legacy, paused":                {`{"ruleId":29,"orgId":2,"state":"paused","ruleName":"R"}`, "", []string{"2/29 note 0-0@0 | R"}},
		"legacy, pending":               {`{"ruleId":29,"orgId":2,"state":"pending","ruleName":"R"}`, "", []string{"2/29 ignored 0-0@0 | R"}},
		"legacy, a test":                {`{"ruleId":0,"orgId":0,"state":"alerting","ruleName":"Test notification"}`, "", []string{"0/0 ignored 0-0@0 | Test notification"}},
		"neither the one nor the other": {`{"title":"t"}`, "", []string{"This is no message of Alertmanager or Grafana: it has no alerts"}},
	} {
		if got := read(t, statuspage.KindGrafana, c.body, c.options); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, not %q", name, got, c.want)
		}
	}
}

// TestGroupOrder holds the signals of a group against those of the same alerts in any order, and
// doubled: they are the same.
func TestGroupOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type fields struct {
			Status      string            `json:"status"`
			Start       int               `json:"startsAt"`
			End         int               `json:"endsAt"`
			Fingerprint string            `json:"fingerprint"`
			Labels      map[string]string `json:"labels"`
			Annotations map[string]string `json:"annotations"`
		}
		var list []fields
		for n := range rapid.IntRange(1, 5).Draw(t, "alerts") {
			word := rapid.SampledFrom([]string{"", "a", "b"})
			list = append(list, fields{
				Status: rapid.SampledFrom([]string{"firing", "resolved"}).Draw(t, "status"), Start: rapid.IntRange(1, 3).Draw(t, "start"), End: rapid.IntRange(3, 5).Draw(t, "end"),
				Fingerprint: fmt.Sprint(n), Labels: map[string]string{"tocsin_monitor": word.Draw(t, "monitor"), "severity": word.Draw(t, "severity")},
				Annotations: map[string]string{"summary": word.Draw(t, "summary"), "description": word.Draw(t, "description")},
			})
		}
		other := rapid.Permutation(append(slices.Clone(list), list[rapid.IntRange(0, len(list)-1).Draw(t, "doubled")])).Draw(t, "other")
		signals := func(list []fields, options statuspage.IntegrationOptions) []statuspage.Signal {
			body, err := json.Marshal(map[string]any{"groupKey": "g", "alerts": list})
			if err != nil {
				t.Fatal(err)
			}
			signals, err := Signals(statuspage.KindAlertmanager, Message{Body: body}, options)
			if err != nil {
				t.Fatal(err)
			}
			return signals
		}
		options := statuspage.DefaultIntegrationOptions()
		one, two := signals(list, options), signals(other, options)
		if golden(one) != golden(two) {
			t.Errorf("%s\n%s", golden(one), golden(two))
		}
		firing := slices.ContainsFunc(list, func(f fields) bool { return f.Status == "firing" })
		if got := one[0].Action == statuspage.SignalFiring; got != firing {
			t.Errorf("any fires: %t, %s", firing, golden(one))
		}

		options.GroupBy = statuspage.GroupByKey
		for n, s := range signals(list, options) {
			if f := list[n]; s.Key != f.Fingerprint || string(s.Action) != f.Status {
				t.Errorf("%+v is %s", f, short(s))
			}
		}
	})
}
