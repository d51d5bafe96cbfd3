package dynamo_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tocsin/internal/dynamo"
	"tocsin/internal/dynamotest"
	"tocsin/internal/opt"
	"tocsin/internal/statuspage"
)

// degradedRule is downRule for DEGRADED, which DOWN fails too.
func degradedRule(failures int64, tags ...string) statuspage.NewAlertRule {
	n := downRule(failures, tags...)
	n.Condition.Status = degraded
	return n
}

// twoRules makes a rule about DEGRADED and one about DOWN on monitor a.
func twoRules(t testing.TB, s *dynamo.Store) {
	newRule(t, s, degradedRule(1, "a"))
	newRule(t, s, downRule(1, "a"))
}

// An outageRace is writers at once around the alerts of two rules on one monitor.
type outageRace struct {
	name   string
	before []statuspage.Status // a minute each, the last one a minute before begin
	late   bool                // the rules are made after them, so that nobody has judged them
	ops    []alertOp           // the rule of their case is the one about DEGRADED, the other one that about DOWN
	check  func(t testing.TB, s *dynamo.Store, alerts []statuspage.Alert, incidents []statuspage.Incident)
}

var outageRaces = []outageRace{
	{"each fires", []statuspage.Status{down}, true, []alertOp{judgeOne, judgeOther}, oneOutage},
	{"each fires, and a point", []statuspage.Status{down}, true, []alertOp{judgeOne, judgeOther, recordAt(begin, down)}, oneOutage},
	{"both fire", nil, false, []alertOp{recordAt(begin, down), recordAt(begin, down), recordAt(begin, down)}, oneOutage},
	{"both fire, a minute apart", nil, false, []alertOp{recordAt(begin, down), recordAt(begin+minute, down)}, oneOutage},
	{"the other one fires", []statuspage.Status{degraded}, false, []alertOp{recordAt(begin, down), recordAt(begin, down)}, oneOutage},
	{"both recover", []statuspage.Status{down}, false, []alertOp{recordAt(begin, up), recordAt(begin, up), recordAt(begin+minute, up)}, outageOver},
	{"one after the other", []statuspage.Status{down}, false, []alertOp{recordAt(begin, degraded), recordAt(begin+minute, up)}, outageOver},
	{"fires and recovers", []statuspage.Status{degraded}, false, []alertOp{recordAt(begin, down), recordAt(begin+minute, up)}, outageOver},
	{"fires and a person", []statuspage.Status{degraded}, false, []alertOp{recordAt(begin, down), person}, closedByAPerson},
	{"fires and the incident's end", []statuspage.Status{degraded}, false, []alertOp{recordAt(begin, down), endIncident}, lastHasOne},
	{"recovers and the incident's end", []statuspage.Status{down}, false, []alertOp{recordAt(begin, up), endIncident}, noneOpen},
	{"fires and the other's rule", []statuspage.Status{degraded}, false, []alertOp{recordAt(begin, down), endRule}, lastHasOne},
	{"recovers and the other's rule", []statuspage.Status{down}, false, []alertOp{recordAt(begin, up), endRule}, noneOpen},
	{"recovers and the other's rule is not active", []statuspage.Status{down}, false, []alertOp{recordAt(begin, degraded), idleRule}, nil},
	{"fires and the monitor's end", []statuspage.Status{degraded}, false, []alertOp{recordAt(begin, down), endMonitor}, nil},
	{"recovers and the monitor's end", []statuspage.Status{down}, false, []alertOp{recordAt(begin, up), endMonitor}, nil},
}

func judgeOne(c alertCase) op   { return judgeRule(c, c.rule) }
func judgeOther(c alertCase) op { return judgeRule(c, c.other) }

func judgeRule(c alertCase, rule int64) op {
	return func(ctx context.Context, s *dynamo.Store) error {
		_, err := s.JudgeRule(ctx, rule, statuspage.RuleMonitor{Tag: c.tag, MonitorID: c.monitor}, now+minute)
		return err
	}
}

func noneOpen(t testing.TB, _ *dynamo.Store, alerts []statuspage.Alert, incidents []statuspage.Incident) {
	for _, a := range alerts {
		if a.State == statuspage.Triggered {
			t.Errorf("alert %+v is open", a)
		}
	}
	if len(incidents) > 1 {
		t.Errorf("incidents %+v", incidents)
	}
}

// oneOutage asks for two open alerts that share one open incident.
func oneOutage(t testing.TB, s *dynamo.Store, alerts []statuspage.Alert, incidents []statuspage.Incident) {
	if len(incidents) != 1 || incidents[0].Closed != nil || incidents[0].Monitors[0].Impact != statuspage.Down {
		t.Errorf("incidents %+v, want one that is open, with DOWN", incidents)
		return
	}
	if len(alerts) != 2 || alerts[0].State != statuspage.Triggered || alerts[1].State != statuspage.Triggered ||
		*alerts[0].IncidentID != incidents[0].ID || *alerts[1].IncidentID != incidents[0].ID {
		t.Errorf("alerts %+v, want two that are open, with incident %d", alerts, incidents[0].ID)
	}
	if got := commentsOf(t, s, incidents[0].ID); len(got) != 2 || !strings.HasPrefix(got[0].Text, "Opened") || !strings.HasPrefix(got[1].Text, "Found") {
		t.Errorf("comments %+v", got)
	}
}

// outageOver asks for one incident, resolved once, by the last alert.
func outageOver(t testing.TB, s *dynamo.Store, alerts []statuspage.Alert, incidents []statuspage.Incident) {
	noneOpen(t, s, alerts, incidents)
	for _, i := range incidents {
		comments := commentsOf(t, s, i.ID)
		last := comments[len(comments)-1].Text
		if i.Closed == nil || strings.Count(fmt.Sprint(comments), "Resolved automatically") != 1 || !strings.HasPrefix(last, "Resolved automatically") {
			t.Errorf("incident %+v with the comments %+v", i, comments)
		}
	}
}

func closedByAPerson(t testing.TB, _ *dynamo.Store, alerts []statuspage.Alert, incidents []statuspage.Incident) {
	if len(alerts) != 2 || len(incidents) != 1 || incidents[0].Closed == nil || *alerts[0].IncidentID != incidents[0].ID {
		t.Errorf("alerts %+v and incidents %+v, want two and one that is closed", alerts, incidents)
	}
}

// lastHasOne asks that the newest alert, of the rule about DOWN, is open with an open
// incident, unless that is the one that went.
func lastHasOne(t testing.TB, _ *dynamo.Store, alerts []statuspage.Alert, incidents []statuspage.Incident) {
	last := alerts[0]
	if len(alerts) != 2 || last.State != statuspage.Triggered || last.Condition.Status != down || len(incidents) > 2 {
		t.Errorf("alerts %+v and incidents %+v", alerts, incidents)
	}
	for _, i := range incidents {
		if i.Closed != nil {
			t.Errorf("incident %+v is closed", i)
		}
	}
}

// TestOutageRaces runs each race on monitors and rules of its own, without faults, with
// conflicts and with lost answers.
func TestOutageRaces(t *testing.T) {
	for _, m := range modes {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			random := seed(t)
			w := newWorld(t, m)
			type try struct {
				outageRace
				tag string
			}
			var tries []try
			for _, r := range outageRaces {
				for range alertTries() {
					tries = append(tries, try{r, w.monitor()})
				}
			}
			w.load()
			forAll(len(tries), atOnce, func(n int) { w.outageRace(tries[n].outageRace, tries[n].tag, random+uint64(n)) })
			checkFinished(t, w.tb)
		})
	}
}

func (w *world) outageRace(r outageRace, tag string, seed uint64) {
	t := &namedTB{w.t, r.name}
	ctx := context.Background()
	record := func() error {
		return errors.Join(w.store.RecordPoints(ctx, points(tag, begin-minute, r.before...), begin-minute)...)
	}
	var early, late error
	if r.late {
		early = record()
	}
	one, oneErr := w.store.CreateAlertRule(ctx, degradedRule(1, tag), now-hour, nil)
	other, otherErr := w.store.CreateAlertRule(ctx, downRule(1, tag), now-hour, nil)
	if !r.late {
		late = record()
	}
	m, err := w.store.Monitor(ctx, tag)
	if err := errors.Join(early, oneErr, otherErr, late, err); err != nil {
		t.Errorf("%v", err)
		return
	}
	c := alertCase{tag: tag, monitor: m.ID, rule: one.ID, other: other.ID}
	alerts := func() []statuspage.Alert { return alertsOf(t, w.store, statuspage.AlertQuery{Tag: tag}) }
	if len(r.before) > 0 && !r.late {
		c.incident = *alerts()[0].IncidentID
	}
	var wg sync.WaitGroup
	for i, make := range r.ops {
		f, s := make(c), w.faulty(seed+uint64(i)<<32)
		wg.Go(func() {
			ctx, cancel := background()
			defer cancel()
			if err := f(ctx, s); err != nil {
				t.Errorf("%v", err)
			}
		})
	}
	wg.Wait()
	if r.check != nil {
		r.check(t, w.store, alerts(), listed(t, w.store, statuspage.IncidentQuery{Tags: []string{tag}}))
	}
}

// outageSteps are what opens, joins, leaves and ends outages on monitor a, with rule 1 about
// DEGRADED and rule 2 about DOWN.
var outageSteps = []struct {
	name string
	run  op
	done error // what doing it again may say
}{
	{"one fires", recordOn("a", begin, degraded), nil},
	{"the other joins", recordOn("a", begin+minute, down), nil},
	{"and leaves", recordOn("a", begin+2*minute, degraded), nil},
	{"and joins", recordOn("a", begin+3*minute, down), nil},
	{"both end", recordOn("a", begin+4*minute, up), nil},
	{"both fire", recordOn("a", begin+5*minute, down), nil},
	{"the incident goes", deleteIncident(2), statuspage.IncidentNotFound(int64(2))},
	{"one leaves nothing", recordOn("a", begin+6*minute, degraded), nil},
	{"and opens another", recordOn("a", begin+7*minute, down), nil},
	{"and ends it", recordOn("a", begin+8*minute, up), nil},
	{"both fire again", recordOn("a", begin+9*minute, down), nil},
	{"a rule goes", func(ctx context.Context, s *dynamo.Store) error { return s.DeleteAlertRule(ctx, 1, begin+10*minute) }, statuspage.AlertRuleNotFound(int64(1))},
	{"the other rule is not active", func(ctx context.Context, s *dynamo.Store) error {
		_, err := s.UpdateAlertRule(ctx, 2, statuspage.AlertRulePatch{Active: opt.Value(false)}, begin+11*minute)
		return err
	}, nil},
}

func recordOn(tag string, at int64, status statuspage.Status) op {
	return func(ctx context.Context, s *dynamo.Store) error {
		return s.RecordPoint(ctx, tag, probe(at, status, 1), at)
	}
}

// TestOutagesAfterAKill kills the function at every call of every step, sends the same again
// and cleans up: incidents, comments and alerts are as if it had lived.
func TestOutagesAfterAKill(t *testing.T) {
	t.Parallel()
	type outcome struct {
		Incidents []statuspage.Incident
		Comments  [][]string
		Alerts    []statuspage.Alert
	}
	// Ids that were drawn before a kill stay unused.
	anyID := cmpopts.IgnoreFields(statuspage.Incident{}, "ID", "AlertID", "Version", "Updated")
	anyAlert := cmpopts.IgnoreFields(statuspage.Alert{}, "ID", "IncidentID", "Updated", "Version")
	run := func(kill int, applied bool) (o outcome, killed bool) {
		tb, s := newPoints(t, "a")
		twoRules(t, s)
		for _, step := range outageSteps {
			own := step.run
			if step.name == "the incident goes" {
				open := alertsOf(t, s, statuspage.AlertQuery{State: statuspage.Triggered})
				own, step.done = deleteIncident(*open[0].IncidentID), statuspage.IncidentNotFound(*open[0].IncidentID)
			}
			store, ctx, dead := dying(tb, kill, applied)
			if err := own(ctx, store); err != nil && !dead() {
				t.Fatalf("%s: %v", step.name, err)
			}
			if !dead() {
				continue
			}
			killed = true
			if err := own(context.Background(), s); err != nil && !errors.Is(err, step.done) {
				t.Errorf("%s, killed at call %d, again: %v", step.name, kill, err)
			}
			if _, err := s.Cleanup(context.Background(), begin+12*minute); err != nil {
				t.Errorf("%s, killed at call %d, cleanup: %v", step.name, kill, err)
			}
			checkTable(t, tb)
		}
		checkFinished(t, tb)
		o = outcome{Incidents: listed(t, s, statuspage.IncidentQuery{}), Alerts: alertsOf(t, s, statuspage.AlertQuery{Tag: "a"})}
		for _, i := range o.Incidents {
			var texts []string
			for _, c := range commentsOf(t, s, i.ID) {
				texts = append(texts, c.Text)
			}
			o.Comments = append(o.Comments, texts)
		}
		for n, a := range o.Alerts {
			if a.Resolved != nil {
				o.Alerts[n].Resolved = new(int64(1)) // when the rule's end was finished
			}
		}
		return o, killed
	}
	want, _ := run(0, false)
	if len(want.Incidents) != 3 || len(want.Alerts) != 8 {
		t.Errorf("without a kill %d incidents and %d alerts", len(want.Incidents), len(want.Alerts))
	}
	for _, applied := range []bool{false, true} {
		t.Run(fmt.Sprintf("applied %v", applied), func(t *testing.T) {
			t.Parallel()
			for kill := 1; ; kill++ {
				got, killed := run(kill, applied)
				if d := cmp.Diff(want, got, anyID, anyAlert); d != "" {
					t.Errorf("killed at call %d (-want +got):\n%s", kill, d)
				}
				if !killed {
					return
				}
			}
		})
	}
}

func removeItem(t *testing.T, tb *dynamotest.Table, it map[string]types.AttributeValue) {
	t.Helper()
	key := map[string]types.AttributeValue{"pk": it["pk"], "sk": it["sk"]}
	if _, err := tb.DynamoDB(nil).DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &tb.Name, Key: key}); err != nil {
		t.Fatal(err)
	}
}

func replaceItem(t *testing.T, tb *dynamotest.Table, it map[string]types.AttributeValue) {
	t.Helper()
	if _, err := tb.DynamoDB(nil).PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &tb.Name, Item: it}); err != nil {
		t.Fatal(err)
	}
}

// asBefore makes what opened the alerts on monitor 1 what the version before wrote.
func asBefore(t *testing.T, tb *dynamotest.Table) {
	t.Helper()
	for _, it := range tb.Scan(t) {
		a := dynamotest.Attributes(it)
		switch {
		case a.Text("sk") == "OPENINCIDENT":
			removeItem(t, tb, it)
		case a.Has("alert_monitor_id"):
			delete(it, "alert_monitor_id")
			replaceItem(t, tb, it)
		}
	}
}

// TestOutageOfTheVersionBefore has an alert that the version before opened, and rules beside
// it.
func TestOutageOfTheVersionBefore(t *testing.T) {
	t.Parallel()
	tb, s := newPoints(t, "a")
	twoRules(t, s)
	post(t, s, "a", now, degraded)
	asBefore(t, tb)
	post(t, s, "a", now+minute, down)
	got := listed(t, s, statuspage.IncidentQuery{})
	if len(got) != 2 || got[0].Title != "a STATUS: DOWN" || got[1].Monitors[0].Impact != statuspage.Degraded {
		t.Errorf("incidents %+v, want one of each rule", got)
	}
	post(t, s, "a", now+2*minute, degraded)
	if i := getIncident(t, s, 2); i.Closed == nil || *i.End != begin+2*minute {
		t.Errorf("the incident of rule 2: %+v", i)
	}
	post(t, s, "a", now+3*minute, up)
	if i := getIncident(t, s, 1); i.Closed == nil || *i.End != begin+3*minute {
		t.Errorf("the incident of rule 1: %+v", i)
	}
	if err := errors.Join(s.DeleteIncident(t.Context(), 1, later, nil), s.DeleteIncident(t.Context(), 2, later, nil)); err != nil {
		t.Error(err)
	}
	checkFinished(t, tb)
}

// TestOutageThatTheVersionBeforeEnded lets the version before, which knows nothing of it, end
// the alerts of an outage, or all but one.
func TestOutageThatTheVersionBeforeEnded(t *testing.T) {
	t.Parallel()
	for _, all := range []bool{false, true} {
		t.Run(fmt.Sprint(all), func(t *testing.T) {
			t.Parallel()
			tb, s := newPoints(t, "a")
			twoRules(t, s)
			post(t, s, "a", now, down)
			for _, it := range tb.Scan(t) {
				a := dynamotest.Attributes(it)
				if strings.HasPrefix(a.Text("sk"), "OPENALERT#") && (all || a.Num("rule_id") == 2) {
					removeItem(t, tb, it)
				}
				if a.Text("gsi1pk") == "ALERTS" && (all || a.Num("rule_id") == 2) {
					it["state"], it["resolved"] = &types.AttributeValueMemberS{Value: "RESOLVED"}, it["created"]
					replaceItem(t, tb, it)
				}
			}
			if all {
				post(t, s, "a", now+minute, down)
				if got := listed(t, s, statuspage.IncidentQuery{}); len(got) != 2 || len(alertsOf(t, s, statuspage.AlertQuery{State: statuspage.Triggered})) != 2 {
					t.Errorf("incidents %+v, want another one", got)
				}
			}
			post(t, s, "a", now+2*minute, up)
			if got := listed(t, s, statuspage.IncidentQuery{}); got[0].Closed == nil {
				t.Errorf("incident %+v is open", got[0])
			}
			checkFinished(t, tb)
		})
	}
}

// TestDeletedIncidentOfManyAlerts deletes an incident that more alerts joined than one read of
// its rows shows beside long comments.
func TestDeletedIncidentOfManyAlerts(t *testing.T) {
	t.Parallel()
	tb, s := newPoints(t, "a")
	twoRules(t, s)
	post(t, s, "a", now, degraded)
	for n := range int64(5) {
		post(t, s, "a", now+(2*n+1)*minute, down)
		post(t, s, "a", now+(2*n+2)*minute, degraded)
	}
	for range 40 {
		n := statuspage.NewComment{Text: strings.Repeat("x", 40_000), Time: begin, State: statuspage.Investigating}
		if _, err := s.CreateComment(t.Context(), 1, n, later, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.DeleteIncident(t.Context(), 1, later, nil); err != nil {
		t.Fatal(err)
	}
	for _, a := range alertsOf(t, s, statuspage.AlertQuery{}) {
		if a.IncidentID != nil {
			t.Errorf("alert %+v", a)
		}
	}
	if got := alertsOf(t, s, statuspage.AlertQuery{}); len(got) != 6 {
		t.Errorf("%d alerts", len(got))
	}
	checkFinished(t, tb)
	// And one whose monitor is gone.
	post(t, s, "a", now+hour, up)
	post(t, s, "a", now+hour+minute, degraded)
	post(t, s, "a", now+hour+2*minute, down)
	if err := errors.Join(s.DeleteMonitor(t.Context(), "a", later), s.DeleteIncident(t.Context(), 2, later, nil)); err != nil {
		t.Error(err)
	}
	checkFinished(t, tb)
}

// TestOlderIncidentOfAMonitor deletes one while another outage of its monitor is on.
func TestOlderIncidentOfAMonitor(t *testing.T) {
	t.Parallel()
	tb, s := newPoints(t, "a")
	twoRules(t, s)
	post(t, s, "a", now, down)
	post(t, s, "a", now+minute, up)
	post(t, s, "a", now+2*minute, down)
	if err := s.DeleteIncident(t.Context(), 1, later, nil); err != nil {
		t.Fatal(err)
	}
	checkFinished(t, tb)
	post(t, s, "a", now+3*minute, up)
	if i := getIncident(t, s, 2); i.Closed == nil {
		t.Errorf("incident %+v", i)
	}
	checkFinished(t, tb)
}

// TestMonitorLinkedAgainJustNow takes the monitor from the incident of an alert, and links it
// again when the alert is about to end without the incident.
func TestMonitorLinkedAgainJustNow(t *testing.T) {
	t.Parallel()
	tb, s := newPoints(t, "a")
	newRule(t, s, downRule(1, "a"))
	post(t, s, "a", now, down)
	link := func(monitors ...statuspage.MonitorImpact) {
		if _, err := s.UpdateIncident(t.Context(), 1, statuspage.IncidentPatch{Monitors: opt.Value(monitors)}, now, nil); err != nil {
			t.Error(err)
		}
	}
	link()
	again := func() { link(statuspage.MonitorImpact{Tag: "a", Impact: statuspage.Down}) }
	post(t, tb.Store(&dynamotest.Client{Inject: dynamotest.Before(dynamotest.Writes("ALERT#"), again)}), "a", now+minute, up)
	noneOpen(t, s, alertsOf(t, s, statuspage.AlertQuery{}), nil)
	if i := getIncident(t, s, 1); i.Closed == nil || *i.End != begin+minute {
		t.Errorf("incident %+v", i)
	}
	checkFinished(t, tb)
}
