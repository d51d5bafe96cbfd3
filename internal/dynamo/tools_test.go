package dynamo_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"tocsin/internal/dynamo"
	"tocsin/internal/inbound"
	"tocsin/internal/statuspage"
)

// afterPayloads is a time (UTC seconds) after everything that the payloads of package inbound tell of.
const afterPayloads = 1_795_603_000

// signalsOf reads a payload of package inbound, as kind/name, with the options that are beside it and
// what every integration of the test has.
func signalsOf(t *testing.T, i statuspage.Integration, name string) []statuspage.Signal {
	t.Helper()
	base := "../inbound/testdata/" + string(i.Kind) + "/" + name
	body, err := os.ReadFile(base + ".json")
	if err != nil {
		t.Fatal(err)
	}
	m := inbound.Message{Body: body, Header: http.Header{}}
	if fields, err := os.ReadFile(base + ".header.json"); err == nil {
		if err := json.Unmarshal(fields, &m.Header); err != nil {
			t.Fatal(err)
		}
	}
	options := i.Options
	if beside, err := os.ReadFile(base + ".options.json"); err == nil {
		options = options.Merge(statuspage.JSONObject(beside))
	}
	signals, err := inbound.Signals(i.Kind, m, statuspage.Integration{Kind: i.Kind, Options: options}.Settings())
	if err != nil {
		t.Fatal(err)
	}
	return signals
}

// orders returns every order of the names, each once.
func orders(names []string) [][]string {
	if len(names) == 0 {
		return [][]string{nil}
	}
	var all [][]string
	for n, name := range names {
		if slices.Contains(names[:n], name) {
			continue
		}
		for _, rest := range orders(slices.Delete(slices.Clone(names), n, n+1)) {
			all = append(all, append([]string{name}, rest...))
		}
	}
	return all
}

// TestToolsInAnyOrder takes what each tool sends of a problem, all of it twice, in every order: it
// is over at the end, with one alert and one incident, or none when the end came first.
func TestToolsInAnyOrder(t *testing.T) {
	t.Parallel()
	id := int64(100)
	for _, tt := range []struct {
		kind  statuspage.IntegrationKind
		names []string // from the beginning to the end
	}{
		{statuspage.KindCloudWatch, []string{"eventbridge-firing", "eventbridge-resolved"}},
		{statuspage.KindCloudWatch, []string{"sns-firing", "sns-resolved"}},
		{statuspage.KindAWSHealth, []string{"firing", "resolved"}},
		{statuspage.KindAlertmanager, []string{"firing", "resolved"}},
		{statuspage.KindGrafana, []string{"firing", "resolved"}},
		{statuspage.KindDatadog, []string{"firing", "resolved"}},
		{statuspage.KindUptimeKuma, []string{"firing", "resolved"}},
		{statuspage.KindUptimeRobot, []string{"firing", "resolved"}},
		{statuspage.KindBetterStack, []string{"firing", "resolved"}},
		{statuspage.KindPingdom, []string{"firing", "resolved"}},
		{statuspage.KindNewRelic, []string{"firing", "resolved"}},
		{statuspage.KindAzure, []string{"firing", "resolved"}},
		{statuspage.KindGCP, []string{"firing", "resolved"}},
		{statuspage.KindSentry, []string{"metric-firing", "metric-resolved"}},
		{statuspage.KindGitHub, []string{"workflow-run-failed-open", "workflow-run-succeeded-open"}},
		{statuspage.KindFieldMap, []string{"firing", "resolved"}},
	} {
		t.Run(string(tt.kind)+"/"+tt.names[0], func(t *testing.T) {
			_, s := newPoints(t, "checkout")
			for _, order := range orders(slices.Concat(tt.names, tt.names)) {
				id++
				i := statuspage.Integration{ID: id, Name: "Tool", Kind: tt.kind, Options: `{"monitors":["checkout"],"default_impact":"DOWN"}`, Active: true, Version: 1}
				for n, name := range order {
					if _, err := s.TakeSignals(t.Context(), i, signalsOf(t, i, name), afterPayloads+int64(n), nil); err != nil {
						t.Fatal(err)
					}
				}
				alerts := alertsOf(t, s, statuspage.AlertQuery{IntegrationID: id})
				most := 1
				if order[0] == tt.names[1] {
					most = 0
				}
				if len(alerts) != most {
					t.Errorf("%s: %d alerts", strings.Join(order, ", "), len(alerts))
				}
				for _, a := range alerts {
					if a.State != statuspage.AlertResolved || a.IncidentID == nil || getIncident(t, s, *a.IncidentID).State != statuspage.Resolved {
						t.Errorf("%s: %+v", strings.Join(order, ", "), a)
					}
				}
			}
		})
	}
}

// TestNewsOfAWSHealth takes two events of the same problem: what the second one says is news, what the
// first one says is in the comment that opens the incident.
func TestNewsOfAWSHealth(t *testing.T) {
	t.Parallel()
	_, s := newPoints(t, "checkout")
	i := statuspage.Integration{ID: 2, Name: "AWS", Kind: statuspage.KindAWSHealth, Options: `{"monitors":["checkout"],"publish":"title_and_message"}`, Active: true, Version: 1}
	first := signalsOf(t, i, "firing")
	second := slices.Clone(first)
	for n := range second {
		second[n].At += 600_000
		second[n].Message = "We know why."
	}
	for n, signals := range [][]statuspage.Signal{first, first, second, second, signalsOf(t, i, "resolved")} {
		if _, err := s.TakeSignals(t.Context(), i, signals, afterPayloads+int64(n), nil); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		"Opened automatically by the integration AWS.\n\nWe are looking into increased error rates of DynamoDB APIs in the EU-CENTRAL-1 Region.",
		"A note of the integration AWS:\n\nWe know why.",
		"Resolved automatically by the integration AWS.",
	}
	if got := commentTexts(t, s, 1); !slices.Equal(got, want) {
		t.Errorf("the comments are %q", got)
	}
	incident := getIncident(t, s, 1)
	if got := fmt.Sprintf("%s %s", incident.Title, incident.Monitors[0].Impact); got != "AWS DYNAMODB in eu-central-1: operational issue DEGRADED" {
		t.Errorf("the incident is %s", got)
	}
}

// commentTexts are those of the incident's comments, the oldest first.
func commentTexts(t *testing.T, s *dynamo.Store, incidentID int64) []string {
	t.Helper()
	all := commentsOf(t, s, incidentID)
	slices.SortFunc(all, func(a, b statuspage.Comment) int { return int(a.ID - b.ID) })
	var texts []string
	for _, c := range all {
		texts = append(texts, c.Text)
	}
	return texts
}
