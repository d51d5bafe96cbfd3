package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"tocsin/internal/apitest"
)

// terraform sends what the Terraform provider quarks-tech/kener sends and holds the answers
// against what it needs of them.
type terraform struct {
	*testing.T
	server *apitest.Server
	saved  []string // what stands for names in braces: pairs of one and its value
}

func startTerraform(t *testing.T) *terraform {
	s, _ := start(t)
	return &terraform{T: t, server: s}
}

// send sends a request as the provider does and returns the answer, whose numbers must be
// integers, which it reads nothing else into.
func (tf *terraform) send(method, path, body string, status int) string {
	tf.Helper()
	fill := strings.NewReplacer(tf.saved...)
	path, body = "/api/v4"+fill.Replace(path), fill.Replace(body)
	r := tf.server.DoWith(method, path, body, tf.server.Header("Accept", "application/json", "User-Agent", "terraform-provider-kener/0.1.0"))
	if r.Status != status {
		tf.Fatalf("%s %s %s: %d %s", method, path, body, r.Status, r.Body)
	}
	var answer any
	dec := json.NewDecoder(strings.NewReader(r.Body))
	dec.UseNumber()
	if err := dec.Decode(&answer); err != nil {
		tf.Fatalf("%s %s: %v in %s", method, path, err, r.Body)
	}
	everyNumber(answer, func(n json.Number) {
		if strings.Trim(string(n), "0123456789") != "" {
			tf.Errorf("%s %s: %s is not an integer in %s", method, path, n, r.Body)
		}
	})
	return r.Body
}

func everyNumber(value any, check func(json.Number)) {
	switch v := value.(type) {
	case json.Number:
		check(v)
	case []any:
		for _, element := range v {
			everyNumber(element, check)
		}
	case map[string]any:
		for _, field := range v {
			everyNumber(field, check)
		}
	}
}

// holds checks that the object under the key of an answer ("": the whole of it) has the
// fields, in the same bytes.
func (tf *terraform) holds(answer, key, fields string) map[string]json.RawMessage {
	tf.Helper()
	var got, want map[string]json.RawMessage
	if key != "" {
		var envelope map[string]json.RawMessage
		if err := json.Unmarshal([]byte(answer), &envelope); err != nil || len(envelope) != 1 {
			tf.Fatalf("not one object (%v): %s", err, answer)
		}
		answer = string(envelope[key])
	}
	if err := json.Unmarshal([]byte(answer), &got); err != nil {
		tf.Fatalf("%v in %s", err, answer)
	}
	if err := json.Unmarshal([]byte(strings.NewReplacer(tf.saved...).Replace(fields)), &want); err != nil {
		tf.Fatalf("%v in %s", err, fields)
	}
	for name, value := range want {
		if string(got[name]) != string(value) {
			tf.Errorf("%s is %s, want %s", name, got[name], value)
		}
	}
	return got
}

// write sends a POST to the path of a list or a PATCH to that of one record. The answer
// must have the fields, and so must be what is read next: else the next plan would be of a
// change that nobody has asked for. Names in braces in the path of one stand for fields of
// the answer.
func (tf *terraform) write(method, path, one, body, key, fields string) {
	tf.Helper()
	status := http.StatusOK
	if method == http.MethodPost {
		status = http.StatusCreated
	}
	got := tf.holds(tf.send(method, path, body, status), key, fields)
	if method == http.MethodPost && strings.HasSuffix(one, "}") {
		name := one[strings.LastIndex(one, "{"):]
		tf.saved = append(tf.saved, name, string(got["id"]))
	}
	if timestamp := got["timestamp"]; timestamp != nil {
		tf.saved = append(tf.saved, "{timestamp}", string(timestamp))
	}
	tf.holds(tf.send(http.MethodGet, one, "", http.StatusOK), key, fields)
}

// create makes a record, whose list has the path.
func (tf *terraform) create(path, one, body, key, fields string) {
	tf.Helper()
	tf.write(http.MethodPost, path, one, body, key, fields)
}

func (tf *terraform) update(one, body, key, fields string) {
	tf.Helper()
	tf.write(http.MethodPatch, one, one, body, key, fields)
}

// destroy deletes records and wants each to be gone then.
func (tf *terraform) destroy(paths ...string) {
	tf.Helper()
	for _, path := range paths {
		tf.send(http.MethodDelete, path, "", http.StatusOK)
		var failed struct{ Error struct{ Code string } }
		if err := json.Unmarshal([]byte(tf.send(http.MethodGet, path, "", http.StatusNotFound)), &failed); err != nil || failed.Error.Code != "NOT_FOUND" {
			tf.Errorf("%s after its deletion: %+v, %v", path, failed, err)
		}
	}
}

// monitorFields are those of every monitor. Its settings are sent as null too, which leaves
// the defaults, and the provider keeps its own.
const monitorFields = `"description":null,"image":null,"cron":null,"category_name":null,"external_url":null,"type_data":{"url":"https://example.com"},"monitor_type":"API"`

// monitors makes monitors with the tags.
func (tf *terraform) monitors(tags ...string) {
	tf.Helper()
	for _, tag := range tags {
		fields := fmt.Sprintf(`"tag":%q,"name":"M",%s`, tag, monitorFields)
		tf.create("/monitors", "/monitors/"+tag, `{`+fields+`,"monitor_settings_json":null}`, "monitor", `{`+fields+`}`)
	}
}

func monitorAddresses(tags ...string) (all []string) {
	for _, tag := range tags {
		all = append(all, "/monitors/"+tag)
	}
	return all
}

func TestTerraformMonitor(t *testing.T) {
	t.Parallel()
	tf := startTerraform(t)
	const one = "/monitors/tf-acc-monitor"
	made := `"tag":"tf-acc-monitor","name":"TF Acc Monitor",` + monitorFields
	tf.create("/monitors", one, `{`+made+`,"monitor_settings_json":null}`, "monitor",
		`{"id":1,`+made+`,"status":"ACTIVE","default_status":"UP","is_hidden":"NO","include_degraded_in_downtime":"NO","confirmation_threshold":1}`)
	changed := `"name":"TF Acc Monitor Renamed",` + strings.Replace(monitorFields, "null", `"managed by terraform"`, 1) +
		`,"default_status":"UP","status":"INACTIVE","include_degraded_in_downtime":"NO","is_hidden":"YES","confirmation_threshold":3`
	tf.update(one, `{`+changed+`,"monitor_settings_json":null}`, "monitor", `{"id":1,"tag":"tf-acc-monitor",`+changed+`}`)
	tf.destroy(one)
}

func TestTerraformIncident(t *testing.T) {
	t.Parallel()
	tf := startTerraform(t)
	tf.monitors("tf-acc-inc-mon")
	const one, comment, links = "/incidents/{incident}", "/incidents/{incident}/comments/{comment}", `"monitors":[{"monitor_tag":"tf-acc-inc-mon","impact":"DEGRADED"}]`
	const shown = `"incident_type":"INCIDENT","incident_source":"API"`
	// Times are whole minutes: the provider keeps its own.
	tf.create("/incidents", one, `{"title":"TF Acc Incident","start_date_time":1700000000,"end_date_time":null,`+links+`}`, "incident",
		`{"title":"TF Acc Incident","start_date_time":1699999980,"end_date_time":null,"state":"INVESTIGATING",`+shown+`,`+links+`}`)
	tf.create("/incidents/{incident}/comments", comment, `{"comment":"Investigating the issue","state":"INVESTIGATING"}`, "comment",
		`{"incident_id":{incident},"comment":"Investigating the issue","state":"INVESTIGATING"}`)
	tf.holds(tf.send("GET", one, "", 200), "incident", `{"id":{incident},"url":"http://localhost:3000/incidents/{incident}"}`)
	tf.update(one, `{"title":"TF Acc Incident Updated","start_date_time":1700000000,"end_date_time":1700003600,`+links+`}`, "incident",
		`{"id":{incident},"title":"TF Acc Incident Updated","start_date_time":1699999980,"end_date_time":1700003580,`+shown+`,`+links+`}`)
	tf.update(comment, `{"comment":"Issue resolved","state":"RESOLVED","timestamp":{timestamp}}`, "comment",
		`{"id":{comment},"incident_id":{incident},"comment":"Issue resolved","state":"RESOLVED","timestamp":{timestamp}}`)
	var list struct {
		Comments []struct{ State string }
	}
	text := tf.send("GET", "/incidents/{incident}/comments", "", 200)
	if err := json.Unmarshal([]byte(text), &list); err != nil || len(list.Comments) != 1 || list.Comments[0].State != "RESOLVED" {
		t.Errorf("comments are %s (%v)", text, err)
	}
	tf.destroy(comment, one, "/monitors/tf-acc-inc-mon")
}

func TestTerraformIncidentOfThreeMonitors(t *testing.T) {
	t.Parallel()
	tf := startTerraform(t)
	tags := []string{"tf-acc-inc-m1", "tf-acc-inc-m2", "tf-acc-inc-m3"}
	tf.monitors(tags...)
	const links = `"monitors":[{"monitor_tag":"tf-acc-inc-m1","impact":"DOWN"},{"monitor_tag":"tf-acc-inc-m2","impact":"DEGRADED"},{"monitor_tag":"tf-acc-inc-m3","impact":"MAINTENANCE"}]`
	tf.create("/incidents", "/incidents/{incident}", `{"title":"TF Acc Multi Incident","start_date_time":1700000000,"end_date_time":null,`+links+`}`, "incident", `{`+links+`}`)
	tf.destroy("/incidents/{incident}")
	tf.destroy(monitorAddresses(tags...)...)
}

func TestTerraformMaintenance(t *testing.T) {
	t.Parallel()
	tf := startTerraform(t)
	tags := []string{"tf-acc-maint-m1", "tf-acc-maint-m2"}
	tf.monitors(tags...)
	const one, links = "/maintenances/{maintenance}", `"monitors":[{"monitor_tag":"tf-acc-maint-m1","impact":"MAINTENANCE"},{"monitor_tag":"tf-acc-maint-m2","impact":"DEGRADED"}]`
	made := `"title":"TF Acc Maintenance","description":null,"start_date_time":1700000400,"rrule":"FREQ=WEEKLY;BYDAY=SU","duration_seconds":3600,`
	tf.create("/maintenances", one, `{`+made+links+`}`, "maintenance", `{`+made+`"status":"ACTIVE",`+links+`}`)
	// The status is not in the first request: the second makes it what is wanted.
	made += `"status":"INACTIVE",` + links
	tf.update(one, `{`+made+`}`, "maintenance", `{"id":{maintenance},`+made+`,"url":"http://localhost:3000/maintenances/{maintenance}?type=maintenance"}`)
	changed := `"title":"TF Acc Maintenance Updated","description":null,"start_date_time":1700000400,"rrule":"FREQ=DAILY;INTERVAL=2","duration_seconds":1800,"status":"ACTIVE",` + links
	tf.update(one, `{`+changed+`}`, "maintenance", `{"id":{maintenance},`+changed+`}`)
	tf.destroy(one)
	tf.destroy(monitorAddresses(tags...)...)
}

func TestTerraformPage(t *testing.T) {
	t.Parallel()
	tf := startTerraform(t)
	tf.monitors("tf-acc-page-mon")
	const one, texts = "/pages/tf-acc-page", `"page_path":"tf-acc-page","page_title":"TF Acc Page","page_header":"All Systems Operational"`
	tf.create("/pages", one, `{`+texts+`,"monitors":["tf-acc-page-mon"]}`, "page",
		`{`+texts+`,"page_subheader":null,"page_logo":null,"monitors":[{"monitor_tag":"tf-acc-page-mon","position":0}]}`)
	tf.update(one, `{"page_title":"TF Acc Page","page_header":"Renamed Header","page_subheader":"updated","monitors":[]}`, "page",
		`{"page_path":"tf-acc-page","page_title":"TF Acc Page","page_header":"Renamed Header","page_subheader":"updated","page_logo":null,"monitors":[]}`)
	tf.destroy(one, "/monitors/tf-acc-page-mon")
}

func TestTerraformPageOfThreeMonitors(t *testing.T) {
	t.Parallel()
	tf := startTerraform(t)
	tags := []string{"tf-acc-page-m1", "tf-acc-page-m2", "tf-acc-page-m3"}
	tf.monitors(tags...)
	const one, texts = "/pages/tf-acc-page-multi", `"page_path":"tf-acc-page-multi","page_title":"TF Acc Multi Page","page_header":"Multi"`
	tf.create("/pages", one, `{`+texts+`,"monitors":["tf-acc-page-m1","tf-acc-page-m2","tf-acc-page-m3"]}`, "page",
		`{`+texts+`,"monitors":[{"monitor_tag":"tf-acc-page-m1","position":0},{"monitor_tag":"tf-acc-page-m2","position":1},{"monitor_tag":"tf-acc-page-m3","position":2}]}`)
	// No acceptance test changes the order, but configurations do.
	tf.update(one, `{"page_title":"TF Acc Multi Page","page_header":"Multi","monitors":["tf-acc-page-m3","tf-acc-page-m1"]}`, "page",
		`{`+texts+`,"monitors":[{"monitor_tag":"tf-acc-page-m3","position":0},{"monitor_tag":"tf-acc-page-m1","position":1}]}`)
	tf.destroy(one)
	tf.destroy(monitorAddresses(tags...)...)
}

func TestTerraformSiteConfig(t *testing.T) {
	t.Parallel()
	tf := startTerraform(t)
	const one = "/site/siteName"
	tf.update(one, `{"value":"TF Acc Site"}`, "", `{"key":"siteName","value":"TF Acc Site","data_type":"string"}`)
	const renamed = `{"key":"siteName","value":"TF Acc Site Renamed","data_type":"string"}`
	tf.update(one, `{"value":"TF Acc Site Renamed"}`, "", renamed)
	// Nothing is sent when it is destroyed.
	tf.holds(tf.send("GET", one, "", 200), "", renamed)
}
