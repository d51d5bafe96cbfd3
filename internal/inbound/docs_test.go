package inbound

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"tocsin/internal/statuspage"
)

// TestDocumentedSnippets reads what docs/integrations.md gives to paste: integrations, which must be
// possible ones, and bodies of tools, which must be read as those of testdata are.
func TestDocumentedSnippets(t *testing.T) {
	document, err := os.ReadFile("../../docs/integrations.md")
	if err != nil {
		t.Fatal(err)
	}
	read := map[string]int{}
	for _, block := range regexp.MustCompile("(?s)```(json|yaml)\n(.*?)```|-d '({.*?})'").FindAllSubmatch(document, -1) {
		if string(block[1]) == "yaml" {
			var any any
			if err := yaml.Unmarshal(block[2], &any); err != nil {
				t.Errorf("%s\n%v", block[2], err)
			}
			read["yaml"]++
			continue
		}
		text := string(block[2]) + string(block[3])
		fields, err := readObject([]byte(text))
		if err != nil {
			t.Errorf("%s\n%v", text, err)
			continue
		}
		switch {
		case fields["kind"] != nil:
			options, _ := json.Marshal(fields["options"])
			if err := statuspage.CheckIntegrationOptions(statuspage.IntegrationKind(fields.text("kind")), statuspage.JSONObject(options)); err != nil {
				t.Errorf("%s\n%v", text, err)
			}
			read["integration"]++
		case fields["monitorID"] != nil:
			template(t, statuspage.KindUptimeRobot, fields)
			read["uptimerobot"]++
		case fields["aggreg_key"] != nil:
			template(t, statuspage.KindDatadog, fields)
			read["datadog"]++
		case fields["dedup_key"] != nil:
			signals, err := Signals(statuspage.KindGeneric, Message{Body: []byte(text)}, statuspage.DefaultIntegrationOptions())
			want := map[string]statuspage.SignalAction{"firing": statuspage.SignalFiring, "resolved": statuspage.SignalResolved}[fields.text("status")]
			if err != nil || len(signals) != 1 || signals[0].Action != want || want == statuspage.SignalFiring && len(signals[0].Monitors) != 1 {
				t.Errorf("%s\n%+v, %v", text, signals, err)
			}
			read["generic"]++
		default:
			read["other"]++
		}
	}
	for what, least := range map[string]int{"yaml": 7, "integration": 5, "uptimerobot": 1, "datadog": 1, "generic": 3} {
		if read[what] < least {
			t.Errorf("read %v", read)
		}
	}
}

// template fills a body with variables in with the values of the payload in testdata, which
// must say the same as that payload.
func template(t *testing.T, kind statuspage.IntegrationKind, fields object) {
	t.Helper()
	m, options := payload(t, "testdata/"+string(kind)+"/firing.json")
	values, err := readObject(m.Body)
	if err != nil {
		t.Fatal(err)
	}
	for name, variable := range fields {
		value, there := values[name]
		if text, is := variable.(string); !there || !is || strings.Trim(text, "$*") == text {
			t.Errorf("%s: %v is no variable, or nothing in testdata", name, variable)
		}
		fields[name] = value
	}
	body, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	want, err := Signals(kind, m, options)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Signals(kind, Message{Header: m.Header, Body: body}, options); err != nil || golden(got) != golden(want) {
		t.Errorf("%s: %v, %s, want %s", kind, err, golden(got), golden(want))
	}
}
