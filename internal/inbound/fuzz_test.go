package inbound

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode"

	"tocsin/internal/statuspage"
)

// fuzz gives the adapter of a kind any body, with every payload of it in testdata to begin with.
func fuzz(f *testing.F, kind statuspage.IntegrationKind) {
	for _, path := range payloads(f, string(kind)) {
		m, _ := payload(f, path)
		f.Add(string(m.Body), m.Header.Get("Content-Type"), "")
	}
	for _, body := range []string{"", "{}", "[]", "null", "1", `"x"`, "{", `{"a":1}{`, "\ufeff{}", "\x00", `{"alerts":[null,{}]}`} {
		f.Add(body, "application/json", "a=b")
	}
	f.Fuzz(func(t *testing.T, body, contentType, query string) {
		parameters, _ := url.ParseQuery(query)
		m := Message{Header: http.Header{"Content-Type": {contentType}}, Query: parameters, Body: []byte(body)}
		for _, options := range []string{"", `{"group_by":"dedup_key","no_data":"open"}`} {
			signals, err := Signals(kind, m, statuspage.Integration{Options: statuspage.JSONObject(options)}.Settings())
			possibleSignals(t, err, signals...)
		}
	})
}

// possibleSignals fails the test for an error that is not the sender's fault, and for a signal beyond the
// limits.
func possibleSignals(t testing.TB, err error, signals ...statuspage.Signal) {
	t.Helper()
	if known := new(statuspage.Error); err != nil && (!errors.As(err, &known) || known.Code != statuspage.CodeBadRequest) {
		t.Fatalf("%v", err)
	}
	if err != nil {
		return
	}
	actions := []statuspage.SignalAction{statuspage.SignalFiring, statuspage.SignalAcknowledged, statuspage.SignalResolved, statuspage.SignalNote, statuspage.SignalIgnored}
	for _, s := range signals {
		control := strings.ContainsFunc(s.Title+s.Severity+s.Unclear, unicode.IsControl)
		for _, text := range s.Labels {
			control = control || strings.ContainsFunc(text+s.Message, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' })
		}
		tags := slices.Concat(append(slices.Clone(s.Guesses), s.Monitors)...)
		switch {
		case s.Key == "" || len(s.Key) > 255 || len(s.Episode) > 255 || !slices.Contains(actions, s.Action):
		case statuspage.Length(s.Title) > statuspage.MaxTitle || control:
		case min(s.At, s.Started, s.Ended) < 0 || max(s.At, s.Started, s.Ended) > statuspage.MaxTimestamp*1000:
		case s.Link != "" && !strings.HasPrefix(s.Link, "http") || len(s.Labels) > maxLabels || len(s.Monitors) > statuspage.MaxIncidentMonitors || slices.Contains(tags, ""):
		default:
			continue
		}
		t.Fatalf("%+v", s)
	}
}

func FuzzAlertmanager(f *testing.F) { fuzz(f, statuspage.KindAlertmanager) }
func FuzzGrafana(f *testing.F)      { fuzz(f, statuspage.KindGrafana) }
func FuzzUptimeKuma(f *testing.F)   { fuzz(f, statuspage.KindUptimeKuma) }
func FuzzDatadog(f *testing.F)      { fuzz(f, statuspage.KindDatadog) }

// FuzzPagerDuty reads any body as an event, of either version, and as a change event.
func FuzzPagerDuty(f *testing.F) {
	for _, path := range payloads(f, "pagerduty") {
		m, _ := payload(f, path)
		f.Add(string(m.Body))
	}
	f.Add(`{"service_key":"7f3a0c9be1d24658a0b1c2d3e4f50617","event_type":"trigger","description":"d","details":{"a":1},"contexts":[{"type":"link","href":"https://a.example"}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		for _, read := range []func([]byte) (PagerDutyEvent, error){ReadPagerDuty, ReadPagerDutyChange} {
			e, err := read([]byte(body))
			if err != nil || e.Errors == nil {
				possibleSignals(t, err, e.Signal)
			}
			if err == nil && e.Key == "" {
				t.Error("no key to answer with")
			}
		}
	})
}

// FuzzOpsgenie reads any body as an alert, and as what is done to one.
func FuzzOpsgenie(f *testing.F) {
	for _, path := range payloads(f, "opsgenie") {
		m, _ := payload(f, path)
		f.Add("close", "alias/1", string(m.Body))
	}
	for _, action := range []string{"acknowledge", "notes", "priority", "", "?"} {
		f.Add(action, "", `{"note":"n","priority":"P1"}`)
	}
	f.Fuzz(func(t *testing.T, action, identifier, body string) {
		s, err := ReadOpsgenieAlert([]byte(body))
		possibleSignals(t, err, s)
		s, err = ReadOpsgenieAction(action, identifier, []byte(body))
		possibleSignals(t, err, s)
	})
}

func FuzzGeneric(f *testing.F)     { fuzz(f, statuspage.KindGeneric) }
func FuzzCloudWatch(f *testing.F)  { fuzz(f, statuspage.KindCloudWatch) }
func FuzzAWSHealth(f *testing.F)   { fuzz(f, statuspage.KindAWSHealth) }
func FuzzUptimeRobot(f *testing.F) { fuzz(f, statuspage.KindUptimeRobot) }
func FuzzBetterStack(f *testing.F) { fuzz(f, statuspage.KindBetterStack) }
func FuzzPingdom(f *testing.F)     { fuzz(f, statuspage.KindPingdom) }
func FuzzSentry(f *testing.F)      { fuzz(f, statuspage.KindSentry) }
func FuzzNewRelic(f *testing.F)    { fuzz(f, statuspage.KindNewRelic) }
func FuzzAzure(f *testing.F)       { fuzz(f, statuspage.KindAzure) }
func FuzzGCP(f *testing.F)         { fuzz(f, statuspage.KindGCP) }
func FuzzGitHub(f *testing.F)      { fuzz(f, statuspage.KindGitHub) }

// FuzzFieldMap reads any body by any paths.
func FuzzFieldMap(f *testing.F) {
	for _, path := range payloads(f, "fieldmap") {
		m, o := payload(f, path)
		f.Add(string(m.Body), o.Fields.Key, o.Fields.Status, o.Fields.At)
	}
	for _, path := range []string{"", ".", "$", "$.", "[", "]", "[0]", "a[", "a[-1]", "a[99999999999999999999]", "a[0]x", "a..b", "a[0][0]"} {
		f.Add(`{"a":[[{"b":1}]],"":{"":"x"},"$":2,"b":"{\"c\":\"down\"}"}`, path, "b.c", path)
	}
	f.Fuzz(func(t *testing.T, body, key, status, at string) {
		o := statuspage.DefaultIntegrationOptions()
		o.Fields.Key, o.Fields.Status, o.Fields.At, o.Fields.Title, o.Fields.Monitors = key, status, at, at, key
		o.Rules = []statuspage.IntegrationRule{{Label: at, Value: "*", Monitors: []string{"m"}}}
		signals, err := Signals(statuspage.KindFieldMap, Message{Body: []byte(body)}, o)
		possibleSignals(t, err, signals...)
	})
}
