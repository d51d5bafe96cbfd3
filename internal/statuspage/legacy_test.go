package statuspage_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tocsin/internal/opt"
	"tocsin/internal/statuspage"
)

// Times of the tests: an incident is made at 1010 and written to at 2030.
const (
	madeAt  = 1010
	writeAt = 2030
)

func at(t int64) *int64 { return &t }

// legacyView is what the legacy API shows of an incident.
type legacyView struct {
	Start, End, Closed              *int64
	Impact                          statuspage.Impact
	Identified, Maintenance, Solved bool
}

func viewOf(i statuspage.Incident) legacyView {
	return legacyView{
		i.LegacyStart(), i.LegacyEnd(), i.Closed, i.LegacyImpact(), i.IsIdentified(), i.Legacy.Maintenance, i.State == statuspage.Resolved,
	}
}

func TestLegacyReport(t *testing.T) {
	old := statuspage.Incident{
		ID: 7, Title: "old", Start: 600, End: at(660), State: "RESOLVED", Created: madeAt, Updated: madeAt, Closed: at(1500), Version: 3,
		Monitors: []statuspage.AffectedMonitor{{Tag: "b", MonitorID: 2, Impact: "UP"}},
		Legacy:   statuspage.LegacyFields{StartSeconds: 1, EndSeconds: 2, Identified: true, Maintenance: true},
	}
	open := old
	open.State, open.End, open.Closed, open.Legacy = "MONITORING", nil, nil, statuspage.LegacyFields{}
	for _, tt := range []struct {
		name   string
		before statuspage.Incident
		report statuspage.LegacyReport
		view   legacyView
		start  int64
		end    *int64
		state  statuspage.State
	}{
		{"nothing is cleared", old, statuspage.LegacyReport{}, legacyView{}, 960, nil, "INVESTIGATING"},
		{"to the second", open, statuspage.LegacyReport{Start: at(1234), End: at(5678)}, legacyView{Start: at(1234), End: at(5678)}, 1200, at(5640), "INVESTIGATING"},
		{"an end alone, before the making", open, statuspage.LegacyReport{End: at(5)}, legacyView{End: at(5)}, 960, at(0), "INVESTIGATING"},
		{"identified", old, statuspage.LegacyReport{Identified: true, Impact: "DEGRADED"}, legacyView{Identified: true, Impact: "DEGRADED"}, 960, nil, "IDENTIFIED"},
		{"maintenance", open, statuspage.LegacyReport{Maintenance: true, Impact: "DOWN"}, legacyView{Maintenance: true, Impact: "DOWN"}, 960, nil, "INVESTIGATING"},
		{"resolved without an end", open, statuspage.LegacyReport{Resolved: true}, legacyView{End: at(1980), Closed: at(writeAt), Solved: true}, 960, at(1980), "RESOLVED"},
		{"resolved with an end to come", open, statuspage.LegacyReport{Resolved: true, Identified: true, End: at(9001)},
			legacyView{End: at(9001), Closed: at(writeAt), Solved: true, Identified: true}, 960, at(9000), "RESOLVED"},
		{"resolved again", old, statuspage.LegacyReport{Resolved: true, Start: at(600), End: at(700)},
			legacyView{Start: at(600), End: at(700), Closed: at(1500), Solved: true}, 600, at(660), "RESOLVED"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := tt.before
			tt.report.Title, tt.report.Tags = " new ", []string{"a", "b", "a"}
			impact := tt.report.Impact
			if impact == "" {
				impact = "DOWN"
			}
			links := tt.report.Links()
			if diff := cmp.Diff([]statuspage.MonitorImpact{{Tag: "a", Impact: impact}, {Tag: "b", Impact: impact}}, links); diff != "" {
				t.Errorf("links (-want +got):\n%s", diff)
			}
			got := tt.before.Reported(tt.report, []statuspage.AffectedMonitor{{Tag: "a", MonitorID: 1, Impact: impact}, {Tag: "b", MonitorID: 2, Impact: impact}}, writeAt)
			if diff := cmp.Diff(before, tt.before); diff != "" {
				t.Errorf("the old incident was changed (-before +after):\n%s", diff)
			}
			if diff := cmp.Diff(tt.view, viewOf(got)); diff != "" {
				t.Errorf("legacy (-want +got):\n%s", diff)
			}
			want := statuspage.Incident{
				ID: 7, Title: " new ", Start: tt.start, End: tt.end, State: tt.state, Created: madeAt, Updated: writeAt, Closed: tt.view.Closed, Version: 4,
				Monitors: []statuspage.AffectedMonitor{{Tag: "b", MonitorID: 2, Impact: impact}, {Tag: "a", MonitorID: 1, Impact: impact}},
			}
			if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(want, "Legacy")); diff != "" {
				t.Errorf("v4 (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{"a", "b"}, got.LegacyTags()); diff != "" {
				t.Errorf("tags (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLegacyProgress(t *testing.T) {
	yes, no := new(true), new(false)
	closed := func(identified bool) statuspage.Incident {
		return statuspage.Incident{State: "RESOLVED", Start: 600, End: at(660), Closed: at(1500), Legacy: statuspage.LegacyFields{EndSeconds: 3, Identified: identified}}
	}
	open := func(state statuspage.State, end *int64) statuspage.Incident {
		return statuspage.Incident{State: state, Start: 600, End: end}
	}
	halfOpen := statuspage.Incident{State: "RESOLVED", Start: 600, Legacy: statuspage.LegacyFields{Identified: true}} // by a v4 PATCH
	type progress = statuspage.LegacyProgress
	for _, tt := range []struct {
		name   string
		before statuspage.Incident
		say    progress
		state  statuspage.State
		view   legacyView
	}{
		{"identified", open("INVESTIGATING", at(720)), progress{Identified: yes}, "IDENTIFIED", legacyView{End: at(720), Identified: true}},
		{"not identified", open("MONITORING", nil), progress{Identified: no}, "INVESTIGATING", legacyView{}},
		{"identified, monitoring before", open("MONITORING", nil), progress{Identified: yes}, "IDENTIFIED", legacyView{Identified: true}},
		{"resolved", open("INVESTIGATING", nil), progress{Resolved: yes}, "RESOLVED", legacyView{End: at(1980), Closed: at(writeAt), Solved: true}},
		{"resolved keeps what was identified", open("MONITORING", nil), progress{Resolved: yes}, "RESOLVED", legacyView{End: at(1980), Closed: at(writeAt), Solved: true, Identified: true}},
		{"resolved, its end known", open("IDENTIFIED", at(9000)), progress{Resolved: yes}, "RESOLVED", legacyView{End: at(9000), Closed: at(writeAt), Solved: true, Identified: true}},
		{"resolved with an end", open("IDENTIFIED", at(9000)), progress{Resolved: yes, End: at(61)}, "RESOLVED", legacyView{End: at(61), Closed: at(writeAt), Solved: true, Identified: true}},
		{"resolved again", closed(false), progress{Resolved: yes}, "RESOLVED", legacyView{End: at(663), Closed: at(1500), Solved: true}},
		{"resolved and reopened by v4", halfOpen, progress{Resolved: yes}, "RESOLVED", legacyView{End: at(1980), Closed: at(writeAt), Solved: true, Identified: true}},
		{"resolved and identified", open("INVESTIGATING", nil), progress{Resolved: yes, Identified: yes}, "RESOLVED", legacyView{End: at(1980), Closed: at(writeAt), Solved: true, Identified: true}},
		{"identified when it is resolved", closed(false), progress{Identified: yes}, "RESOLVED", legacyView{End: at(663), Closed: at(1500), Solved: true, Identified: true}},
		{"not identified when it is resolved", closed(true), progress{Identified: no}, "RESOLVED", legacyView{End: at(663), Closed: at(1500), Solved: true}},
		{"not resolved", closed(true), progress{Resolved: no}, "IDENTIFIED", legacyView{Identified: true}},
		{"not resolved, not identified before", closed(false), progress{Resolved: no}, "INVESTIGATING", legacyView{}},
		{"not resolved, identified now", closed(false), progress{Resolved: no, Identified: yes}, "IDENTIFIED", legacyView{Identified: true}},
		{"not resolved, with an end", closed(false), progress{Resolved: no, End: at(777)}, "INVESTIGATING", legacyView{End: at(777)}},
		{"not resolved, after v4 reopened it", halfOpen, progress{Resolved: no}, "IDENTIFIED", legacyView{Identified: true}},
		{"not resolved, but it was open", open("MONITORING", at(720)), progress{Resolved: no}, "IDENTIFIED", legacyView{End: at(720), Identified: true}},
		{"an end", open("MONITORING", nil), progress{End: at(601)}, "MONITORING", legacyView{End: at(601), Identified: true}},
		{"an end of a closed one", closed(true), progress{End: at(5)}, "RESOLVED", legacyView{End: at(5), Closed: at(1500), Solved: true, Identified: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.view.Start = at(600)
			got := tt.before.Progressed(tt.say, writeAt)
			if got.State != tt.state || got.Updated != writeAt || got.Version != 1 {
				t.Errorf("state %s, updated %d, version %d", got.State, got.Updated, got.Version)
			}
			if diff := cmp.Diff(tt.view, viewOf(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if tt.say.Empty() {
				t.Error("it says nothing")
			}
		})
	}
	if !(progress{}).Empty() {
		t.Error("nothing is something")
	}
}

// What a v4 patch sets is all that is known afterwards.
func TestLegacyFieldsPatched(t *testing.T) {
	all := statuspage.LegacyFields{NoStart: true, StartSeconds: 1, EndSeconds: 2, NoImpact: true, Identified: true, Maintenance: true}
	for _, tt := range []struct {
		name   string
		patch  statuspage.IncidentPatch
		change func(*statuspage.LegacyFields)
	}{
		{"title", statuspage.IncidentPatch{Title: opt.Value("t")}, func(*statuspage.LegacyFields) {}},
		{"start", statuspage.IncidentPatch{Start: opt.Value(int64(60))}, func(f *statuspage.LegacyFields) { f.NoStart, f.StartSeconds = false, 0 }},
		{"end", statuspage.IncidentPatch{End: opt.Value(int64(60))}, func(f *statuspage.LegacyFields) { f.EndSeconds = 0 }},
		{"end null", statuspage.IncidentPatch{End: opt.Null[int64]()}, func(f *statuspage.LegacyFields) { f.EndSeconds = 0 }},
		{"monitors", statuspage.IncidentPatch{Monitors: opt.Value([]statuspage.MonitorImpact{})}, func(f *statuspage.LegacyFields) { f.NoImpact = false }},
	} {
		want := all
		tt.change(&want)
		if diff := cmp.Diff(want, all.Patched(tt.patch)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestLegacyImpact(t *testing.T) {
	for _, tt := range []struct {
		impacts []statuspage.Impact
		none    bool
		want    statuspage.Impact
	}{
		{nil, false, ""},
		{[]statuspage.Impact{"UP"}, false, ""},
		{[]statuspage.Impact{"UP", "DEGRADED"}, false, "DEGRADED"},
		{[]statuspage.Impact{"DEGRADED", "DOWN", "UP"}, false, "DOWN"},
		{[]statuspage.Impact{"MAINTENANCE"}, false, ""},
		{[]statuspage.Impact{"MAINTENANCE", "DEGRADED", "UP"}, false, "DEGRADED"},
		{[]statuspage.Impact{"DEGRADED", "MAINTENANCE", "DOWN"}, false, "DOWN"},
		{[]statuspage.Impact{"DOWN", "DOWN"}, true, ""},
	} {
		i := statuspage.Incident{Legacy: statuspage.LegacyFields{NoImpact: tt.none}}
		for n, impact := range tt.impacts {
			i.Monitors = append(i.Monitors, statuspage.AffectedMonitor{MonitorID: int64(n), Impact: impact})
		}
		if got := i.LegacyImpact(); got != tt.want {
			t.Errorf("%v, none given %t: %q, want %q", tt.impacts, tt.none, got, tt.want)
		}
	}
}

func TestLegacyQuery(t *testing.T) {
	i := statuspage.Incident{Title: "Outage in  MÜNCHEN", Monitors: []statuspage.AffectedMonitor{{Tag: "earth", MonitorID: 2}, {Tag: "mars", MonitorID: 1}}}
	for _, tt := range []struct {
		query          statuspage.LegacyQuery
		filtered, want bool
	}{
		{statuspage.LegacyQuery{}, false, true},
		{statuspage.LegacyQuery{Title: "  "}, false, true},
		{statuspage.LegacyQuery{Title: "münchen out"}, true, true},
		{statuspage.LegacyQuery{Title: " OUT\tage "}, true, true},
		{statuspage.LegacyQuery{Title: "outage paris"}, true, false},
		{statuspage.LegacyQuery{Title: "outagein"}, true, false},
		{statuspage.LegacyQuery{Tags: []string{}}, true, false},
		{statuspage.LegacyQuery{Tags: []string{"pluto"}}, true, false},
		{statuspage.LegacyQuery{Tags: []string{"pluto", "mars"}}, true, true},
		{statuspage.LegacyQuery{Tags: []string{"MARS", ""}}, true, false},
		{statuspage.LegacyQuery{Tags: []string{"mars"}, Title: "paris"}, true, false},
	} {
		if got := tt.query.Matcher()(i); got != tt.want || tt.query.Filtered() != tt.filtered {
			t.Errorf("%+v: matches %t, filtered %t; want %t, %t", tt.query, got, tt.query.Filtered(), tt.want, tt.filtered)
		}
	}
	if diff := cmp.Diff([]string{"mars", "earth"}, i.LegacyTags()); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
}

// The values are ECMAScript's: ((up/all)*100).toFixed(4), or toFixed(0) for 0, all and
// multiples of ten.
func TestLegacyUptime(t *testing.T) {
	for _, tt := range []struct {
		up, degraded, down int64
		strict             bool
		want               string
	}{
		{0, 0, 0, false, "-"},
		{0, 0, 3, false, "0"},
		{0, 2, 0, true, "0"},
		{0, 2, 0, false, "100"},
		{1, 1, 0, true, "50"},
		{2, 0, 1, false, "66.6667"},
		{1, 1, 1, true, "33.3333"},
		{7, 0, 3, false, "70"},
		{3, 0, 7, false, "30"},
		{1, 0, 9, false, "10"},
		{1, 0, 3, false, "25.0000"},
		{1, 0, 127, false, "0.7813"},  // half up, where half to even is 0.7812
		{3, 0, 125, false, "2.3438"},  //
		{5, 0, 123, false, "3.9063"},  //
		{23, 0, 617, false, "3.5937"}, // of the double, which is below the fraction
		{1, 0, 299, false, "0.3333"},
		{1, 0, 1439, false, "0.0694"},
		{1439, 0, 1, false, "99.9306"},
		{399, 0, 1, false, "99.7500"},
		{1, 0, 1_999_999, false, "0.0000"},
		{1, 0, 9_999_999, false, "0.0000"},
		{9_999_999, 0, 1, false, "100.0000"},
	} {
		formula := statuspage.DefaultFormula
		if tt.strict {
			formula = statuspage.StrictFormula
		}
		if got := statuspage.LegacyUptime(statuspage.Totals{Up: tt.up, Degraded: tt.degraded, Down: tt.down}, formula); got != tt.want {
			t.Errorf("%d up, %d degraded, %d down, strict %t: %s, want %s", tt.up, tt.degraded, tt.down, tt.strict, got, tt.want)
		}
	}
}

// A formula of a monitor's own can give any number, which is written as the others are.
func TestLegacyUptimeOfAFormula(t *testing.T) {
	totals := statuspage.Totals{Up: 5, Degraded: 1, Down: 7, Maintenance: 3}
	for _, tt := range []struct{ numerator, denominator, want string }{
		{"", "", "56.2500"},
		{"up + degraded", "up + down + degraded", "46.1538"},
		{"up", "down", "71.4286"},
		{"up - down", "up + degraded", "-33.3333"},
		{"up - down", "up", "-40"},
		{"down", "maintenance", "233.3333"},
		{"up", "up - up", "-"},
		{"up / degraded", "up", "100"},
	} {
		if got := statuspage.LegacyUptime(totals, statuspage.UptimeFormula{Numerator: tt.numerator, Denominator: tt.denominator}); got != tt.want {
			t.Errorf("(%s) / (%s): %s, want %s", tt.numerator, tt.denominator, got, tt.want)
		}
	}
}

// TestLegacyUptimeOfADay compares the uptimes of all days with up to dayMinutes points
// with what ECMAScript gave: a digest of all texts in a row, as of
//
//	d = 0; for (all = 1; all <= 300; all++) for (up = 1; up < all; up++) { … for (c of text) d = (d*31 + c.charCodeAt(0)) >>> 0 }
func TestLegacyUptimeOfADay(t *testing.T) {
	const dayMinutes, want = 300, 1228963134
	digest := uint32(0)
	for all := int64(1); all <= dayMinutes; all++ {
		for up := int64(1); up < all; up++ {
			for _, c := range statuspage.LegacyUptime(statuspage.Totals{Up: up, Down: all - up}, statuspage.DefaultFormula) {
				digest = digest*31 + uint32(c)
			}
		}
	}
	if digest != want {
		t.Errorf("digest %d, want %d", digest, want)
	}
}
