package inbound

import (
	"os"
	"slices"
	"strings"
	"testing"

	"tocsin/internal/statuspage"
)

func TestOpsgenie(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		want []string
	}{
		"without a priority":           {`{"message":"m","alias":"a"}`, []string{"a firing 0-0@0 | P3 | m"}},
		"of Alertmanager":              {`{"message":"[FIRING:1] HighErrorRate checkout (critical)","alias":"a","description":"d","priority":"P2","details":{"n":1}}`, []string{"a firing 0-0@0 | P2 | HighErrorRate checkout (critical) | d"}},
		"without a message":            {`{"alias":"a"}`, []string{"Message can not be empty."}},
		"of its webhook":               {`{"action":"Create","alert":{"alertId":"i","alias":"a","message":"m","priority":"P1","createdAt":1795598043121,"updatedAt":1795598043121000000}}`, []string{"a firing 1795598043-0@1795598043 | P1 | m"}},
		"of its webhook, closed":       {`{"action":"Close","alert":{"alertId":"i","message":"m","updatedAt":1795598043121000000}}`, []string{"i resolved 0-1795598043@1795598043 | P3 | m"}},
		"of its webhook, acknowledged": {`{"action":"Acknowledge","alert":{"alias":"a","message":"m"}}`, []string{"a acknowledged 0-0@0 | P3 | m"}},
		"of its webhook, a note":       {`{"action":"AddNote","alert":{"alias":"a","message":"m"}}`, []string{"a note 0-0@0 | P3 | m"}},
		"wrong types":                  {`{"message":7,"alias":true,"tags":{},"details":"x","entity":[]}`, []string{"true firing 0-0@0 | P3 | 7"}},
	} {
		if got := read(t, statuspage.KindOpsgenie, c.body, ""); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, not %q", name, got, c.want)
		}
	}

	s, err := ReadOpsgenieAlert([]byte(`{"message":"m","tags":["prod","tocsin_monitor:web","tocsin_monitor:api"],"entity":"db"}`))
	if err != nil || len(s.Key) < 26 || !slices.Equal(s.Monitors, []string{"web", "api"}) {
		t.Errorf("%+v, %v", s, err)
	}
	if len(s.Guesses) != 2 || s.Guesses[0][0] != "db" || s.Guesses[1][0] != "prod" {
		t.Errorf("guesses %v", s.Guesses)
	}
}

func TestOpsgenieActions(t *testing.T) {
	closing, err := os.ReadFile("testdata/opsgenie-resolved.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ action, identifier, body, want string }{
		{"close", "checkout-error-rate", string(closing), "checkout-error-rate resolved 0-0@0 | The rate is below 5 % again"},
		{"close", "a/b c", "", "a/b c resolved 0-0@0"},
		{"acknowledge", "a", "{}", "a acknowledged 0-0@0"},
		{"unacknowledge", "a", "{}", "a note 0-0@0"},
		{"notes", "a", `{"note":"n"}`, "a note 0-0@0 | n"},
		{"snooze", "a", `{"endTime":"2026-11-25T09:14:03Z","note":"n"}`, "a note 0-0@0 | n"},
		{"message", "a", `{"message":"[FIRING:2] m"}`, "a note 0-0@0 | m"},
		{"description", "a", `{"description":"d"}`, "a note 0-0@0 | d"},
		{"priority", "a", `{"priority":"P1"}`, "a note 0-0@0 | P1"},
		{"close", strings.Repeat("a", 300), "{}", statuspage.SignalKey(strings.Repeat("a", 300)) + " resolved 0-0@0"},
		{"reopen", "a", "{}", "Unknown action 'reopen'"},
		{"close", "", "{}", "The identifier of the alert is missing"},
		{"close", "a", "[]", "The body must be a JSON object"},
	} {
		s, err := ReadOpsgenieAction(c.action, c.identifier, []byte(c.body))
		got := short(s)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}
