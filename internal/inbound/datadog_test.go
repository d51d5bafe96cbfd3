package inbound

import (
	"slices"
	"testing"

	"tocsin/internal/statuspage"
)

func TestDatadog(t *testing.T) {
	said := func(transition, more string) string {
		return `{"dedup_key":"c","transition":"` + transition + `","title":"[` + transition + `] T","alert_type":"error","date_ms":"10000000000000"` + more + `}`
	}
	const at = "10000000000"
	for name, c := range map[string]struct {
		body, options string
		want          []string
	}{
		"triggered":             {said("Triggered", ""), "", []string{"c firing " + at + "-0@" + at + " | error | T"}},
		"again":                 {said("Re-Triggered", ""), "", []string{"c firing " + at + "-0@" + at + " | error | T"}},
		"renotified":            {said("Renotify", ""), "", []string{"c firing " + at + "-0@" + at + " | error | T"}},
		"renotified, a warning": {said("Renotify", `,"priority":"P1","alert_type":"warning"`), "", []string{"c firing " + at + "-0@" + at + " | warning | T"}},
		"a warning":             {said("Warn", `,"priority":"P1"`), "", []string{"c firing " + at + "-0@" + at + " | warning | T"}},
		"a priority":            {said("Triggered", `,"priority":"P4"`), "", []string{"c firing " + at + "-0@" + at + " | P4 | T"}},
		"no data":               {said("No Data", ""), "", []string{"c note 0-0@" + at + " | error | T"}},
		"no data opens":         {said("Re-No Data", ""), `{"no_data":"open"}`, []string{"c firing " + at + "-0@" + at + " | error | T"}},
		"recovered":             {said("Recovered", ""), "", []string{"c resolved 0-" + at + "@" + at + " | error | T"}},
		"an event of no alert":  {`{"dedup_key":"c","title":"T","transition":"null"}`, "", []string{"c ignored 0-0@0 | T"}},
		"a test":                {`{"dedup_key":"c","title":"[TEST] [Triggered] T","transition":"Triggered"}`, "", []string{"c ignored 0-0@0 | T"}},
		"without a cycle":       {`{"dedup_key":"$ALERT_CYCLE_KEY","monitor_id":"8","scope":"env:prod","transition":"Triggered","title":"T","priority":"$ALERT_PRIORITY"}`, "", []string{"8/env:prod firing 0-0@0 | T"}},
		"by default":            {`{"body":"b","date":"1795598043000","id":"1","title":"[P2] [Triggered on {host:a}] T","org":{"id":"1"}}`, "", []string{"T firing 1795598043-0@1795598043 | T | b"}},
		"by default, recovered": {`{"body":"b","title":"[Recovered on {host:a}] T"}`, "", []string{"T resolved 0-0@0 | T | b"}},
		"nothing":               {`{"body":"b"}`, "", []string{"This is no message of Datadog: it has no dedup_key and no title"}},
	} {
		if got := read(t, statuspage.KindDatadog, c.body, c.options); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, not %q", name, got, c.want)
		}
	}
}
