package inbound

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"tocsin/internal/statuspage"
)

func TestUptimeKuma(t *testing.T) {
	beat := func(status, monitor string) string {
		return `{"heartbeat":{"monitorID":7,"status":` + status + `,"time":"2026-11-25 09:14:03.121","msg":"503"},"monitor":` + monitor + `,"msg":"m"}`
	}
	for name, c := range map[string]struct {
		body string
		want []string
	}{
		"down, by a text":      {beat(`"0"`, `{"id":"7","name":"Checkout"}`), []string{"7 firing 1795598043-0@1795598043 | Checkout is down | 503"}},
		"pending":              {beat("2", `{"id":7,"name":"Checkout"}`), []string{"7 note 0-0@1795598043 | Checkout is down | 503"}},
		"in maintenance":       {beat("3", `{"id":7,"name":"Checkout"}`), []string{"7 note 0-0@1795598043 | Checkout is down | 503"}},
		"no monitor":           {beat("0", "null"), []string{"7 firing 1795598043-0@1795598043 | Monitor 7 is down | 503"}},
		"neither in the test":  {`{"heartbeat":null,"monitor":null,"msg":"tocsin Testing"}`, []string{"msg note 0-0@0 | tocsin Testing"}},
		"no id":                {`{"heartbeat":{"status":0},"monitor":{},"msg":"m"}`, []string{"This is no message of Uptime Kuma: its monitor has no id"}},
		"nothing":              {`{}`, []string{"This is no message of Uptime Kuma: it has no heartbeat and no msg"}},
		"a template, not JSON": {"Checkout is down", []string{"The body is not JSON: invalid character 'C' looking for beginning of value"}},
	} {
		if got := read(t, statuspage.KindUptimeKuma, c.body, ""); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, not %q", name, got, c.want)
		}
	}
	s, err := Signals(statuspage.KindUptimeKuma, Message{Body: []byte(beat("0", `{"id":1,"tags":[{"name":"tocsin","value":"a"},{"name":"tocsin","value":"b"},{"name":"monitor","value":"c"},{"name":"plain","value":""}]}`))}, statuspage.DefaultIntegrationOptions())
	if err != nil || !slices.Equal(s[0].Monitors, []string{"a", "b"}) || !slices.Equal(s[0].Guesses[0], []string{"c"}) || len(s[0].Labels) != 2 {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestUptimeKumaForms sends what Uptime Kuma sends as JSON in the other ways that it has.
func TestUptimeKumaForms(t *testing.T) {
	body, err := os.ReadFile("testdata/uptimekuma/firing.json")
	if err != nil {
		t.Fatal(err)
	}
	want := read(t, statuspage.KindUptimeKuma, string(body), "")

	var parts bytes.Buffer
	w := multipart.NewWriter(&parts)
	w.WriteField("data", string(body))
	w.Close()
	fields, _ := readObject(body)
	whole := func(name string) string {
		from := strings.Index(string(body), `"`+name+`": {`) + len(name) + 4
		return string(body)[from : from+strings.Index(string(body)[from:], "\n  }")+4]
	}
	for name, m := range map[string]Message{
		"parts": {Body: parts.Bytes(), Header: http.Header{"Content-Type": {w.FormDataContentType()}}},
		"form":  {Body: []byte(url.Values{"data": {string(body)}}.Encode()), Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}},
		"query": {Query: url.Values{"heartbeat": {whole("heartbeat")}, "monitor": {whole("monitor")}, "msg": {fields.text("msg")}, "token": {"t"}}},
	} {
		signals, err := Signals(statuspage.KindUptimeKuma, m, statuspage.DefaultIntegrationOptions())
		if err != nil || len(signals) != 1 || short(signals[0]) != want[0] || !slices.Equal(signals[0].Monitors, []string{"checkout"}) {
			t.Errorf("%s: %+v, %v, not %s", name, signals, err, want)
		}
	}
}
