package inbound

import (
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tocsin/internal/statuspage"
)

var update = flag.Bool("update", false, "write the signals that the payloads in testdata stand for")

// A goldenSignal is a signal as the files in testdata have it: times for people, and nothing that
// is empty.
type goldenSignal struct {
	Key      string
	Action   statuspage.SignalAction
	At       string            `json:",omitempty"`
	Started  string            `json:",omitempty"`
	Ended    string            `json:",omitempty"`
	Episode  string            `json:",omitempty"`
	Title    string            `json:",omitempty"`
	Message  string            `json:",omitempty"`
	Link     string            `json:",omitempty"`
	Severity string            `json:",omitempty"`
	Monitors []string          `json:",omitempty"`
	Impact   statuspage.Impact `json:",omitempty"`
	Labels   map[string]string `json:",omitempty"`
	Guesses  [][]string        `json:",omitempty"`
	Unclear  string            `json:",omitempty"`
	News     bool              `json:",omitempty"`
	Last     bool              `json:",omitempty"`
}

func golden(signals []statuspage.Signal) string {
	written := make([]goldenSignal, len(signals))
	for n, s := range signals {
		written[n] = goldenSignal{
			s.Key, s.Action, clock(s.At), clock(s.Started), clock(s.Ended), s.Episode, s.Title, s.Message, s.Link, s.Severity, s.Monitors, s.Impact, s.Labels, s.Guesses, s.Unclear, s.News, s.Last,
		}
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(written); err != nil {
		panic(err)
	}
	return b.String()
}

func clock(ms int64) string {
	if ms == 0 {
		return ""
	}
	return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z")
}

// payload returns the message of a file in testdata, and the options that are to read it: those
// beside it, as the API takes them, else the default ones.
func payload(t testing.TB, path string) (Message, statuspage.IntegrationOptions) {
	t.Helper()
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	base := strings.TrimSuffix(path, ".json")
	header := http.Header{}
	if fields, err := os.ReadFile(base + ".header.json"); err == nil {
		if err := json.Unmarshal(fields, &header); err != nil {
			t.Fatal(err)
		}
	}
	options, _ := os.ReadFile(base + ".options.json")
	if err := statuspage.CheckIntegrationOptions(kindOf(path), statuspage.JSONObject(options)); err != nil {
		t.Fatal(err)
	}
	return Message{Header: header, Body: body}, statuspage.Integration{Options: statuspage.JSONObject(options)}.Settings()
}

// kindOf is the kind of a payload: the name of its folder.
func kindOf(path string) statuspage.IntegrationKind {
	return statuspage.IntegrationKind(filepath.Base(filepath.Dir(path)))
}

// payloads lists the files with payloads of a kind, or of all with *.
func payloads(t testing.TB, kind string) []string {
	t.Helper()
	all, err := filepath.Glob("testdata/" + kind + "/*.json")
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, path := range all {
		if strings.Count(filepath.Base(path), ".") == 1 && kindOf(path) != "fuzz" {
			paths = append(paths, path)
		}
	}
	return paths
}

// TestPayloads reads every payload in testdata. x.json is read with the options x.options.json and
// the header x.header.json, if they are there, and stands for x.signals.json.
func TestPayloads(t *testing.T) {
	paths := payloads(t, "*")
	if len(paths) < 16 {
		t.Errorf("%d payloads", len(paths))
	}
	for _, path := range paths {
		t.Run(strings.TrimPrefix(path, "testdata/"), func(t *testing.T) {
			m, options := payload(t, path)
			signals, err := Signals(kindOf(path), m, options)
			if err != nil {
				t.Fatal(err)
			}
			got, file := golden(signals), strings.TrimSuffix(path, ".json")+".signals.json"
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil || got != string(want) {
				t.Errorf("%s\nexpected\n%s%v", got, want, err)
			}
		})
	}
}

// TestLife holds the payloads of each tool that are about one problem against what makes any order of them
// end in the same state: one key, one episode, and times that rise.
func TestLife(t *testing.T) {
	for kind, names := range map[string][]string{
		"alertmanager": {"firing", "resolved"}, "grafana": {"firing", "resolved"}, "pagerduty": {"firing", "acknowledged", "resolved"},
		"uptimekuma": {"firing", "resolved"}, "datadog": {"firing", "resolved"},
	} {
		var first, last statuspage.Signal
		for n, name := range names {
			m, options := payload(t, "testdata/"+kind+"/"+name+".json")
			signals, err := Signals(statuspage.IntegrationKind(kind), m, options)
			if err != nil || len(signals) != 1 {
				t.Fatalf("%s/%s: %v, %v", kind, name, signals, err)
			}
			s := signals[0]
			if n == 0 {
				first, last = s, s
			}
			if s.Key != first.Key || s.Episode != first.Episode && s.Episode != "" || s.At != 0 && s.At < last.At {
				t.Errorf("%s/%s: %s %s after %s %s", kind, name, short(s), s.Episode, short(last), last.Episode)
			}
			last = s
		}
		if first.Action != statuspage.SignalFiring || last.Action != statuspage.SignalResolved {
			t.Errorf("%s: from %s to %s", kind, first.Action, last.Action)
		}
	}
}
