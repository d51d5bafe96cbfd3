package closer

import (
	"strings"
	"testing"
	"time"

	"tocsin/internal/opt"
	"tocsin/internal/statuspage"
)

const (
	hour  = 3600
	start = 1_763_799_960 // UTC seconds, a whole minute
)

var (
	policy = Policy{StaleAfter: 72 * hour, WarnBefore: 24 * hour}
	open   = statuspage.Incident{ID: 1, Start: start, State: statuspage.Identified, Created: start, Updated: start}
)

// with returns the open incident after the changes.
func with(changes ...func(*statuspage.Incident)) statuspage.Incident {
	i := open
	for _, c := range changes {
		c(&i)
	}
	return i
}

func ends(at int64) func(*statuspage.Incident) { return func(i *statuspage.Incident) { i.End = &at } }
func updated(at int64) func(*statuspage.Incident) {
	return func(i *statuspage.Incident) { i.Updated = at }
}
func starts(at int64) func(*statuspage.Incident) {
	return func(i *statuspage.Incident) { i.Start = at }
}
func after(f opt.Field[int64]) func(*statuspage.Incident) {
	return func(i *statuspage.Incident) { i.AutoCloseAfter = f }
}
func warned(at, of int64) func(*statuspage.Incident) {
	return func(i *statuspage.Incident) { i.Warning = &statuspage.CloserWarning{Time: at, Activity: of} }
}

func point(at int64, status statuspage.Status) *statuspage.Point {
	return &statuspage.Point{Time: at, Status: status}
}

// TestBoundaries holds every rule one second before it applies and at the second.
func TestBoundaries(t *testing.T) {
	const warnAt, closeAt = start + 48*hour, start + 72*hour
	changed := func(at int64) []statuspage.MonitorFacts {
		return []statuspage.MonitorFacts{{Newest: point(at, statuspage.StatusUp), Changed: &at}}
	}
	newest := func(at int64, status statuspage.Status) []statuspage.MonitorFacts {
		return []statuspage.MonitorFacts{{Newest: point(at, statuspage.StatusUp)}, {Newest: point(at, status)}}
	}
	alert := []statuspage.MonitorFacts{{Alert: true}}
	timely := warned(warnAt, start)
	maintained := func(impact statuspage.Impact, from, to int64) []statuspage.MonitorFacts {
		return []statuspage.MonitorFacts{{Windows: []statuspage.Window{{From: from, To: to, Impact: impact}}}}
	}
	for _, tt := range []struct {
		name     string
		incident statuspage.Incident
		facts    []statuspage.MonitorFacts
		policy   Policy
		now      int64 // from this second on it is after, before it is before
		before   any   // a Reason or a Kind
		after    any
	}{
		{"rule 1: the end", with(ends(start + hour)), nil, policy, start + hour, KeepEnd, Close},
		{"rule 1 knows no rule 3", with(ends(start + hour)), append(newest(start+hour, statuspage.StatusDown), alert...), policy, start + hour, KeepEnd, Close},
		{"rule 1 when rule 2 is off", with(ends(start + hour)), nil, Policy{}, start + hour, KeepEnd, Close},
		{"rule 1 when it is never closed", with(ends(start+hour), after(opt.Null[int64]())), nil, policy, start + hour, KeepEnd, Close},
		{"an end ahead is no activity to wait for", with(ends(closeAt + hour)), nil, policy, closeAt, KeepEnd, KeepEnd},
		{"warning", open, nil, policy, warnAt, KeepActive, Warn},
		{"closing", with(timely), nil, policy, closeAt, KeepWarned, Close},
		{"activity later than the start", with(updated(start + 100)), nil, policy, warnAt + 100, KeepActive, Warn},
		{"a start later than the activity", with(starts(start + 120)), nil, policy, warnAt + 120, KeepActive, Warn},
		{"a start ahead", with(starts(closeAt)), nil, policy, closeAt + 48*hour, KeepActive, Warn},
		{"a change of status", open, changed(start + 600), policy, warnAt + 600, KeepActive, Warn},
		{"a change of status before the start", open, changed(start - 600), policy, warnAt, KeepActive, Warn},
		{"a late warning", with(warned(closeAt+hour, start)), nil, policy, closeAt + 25*hour, KeepWarned, Close},
		{"switched on late: a warning first", open, nil, policy, start + 1000*hour, Warn, Warn},
		{"a change after the warning", with(warned(warnAt, start)), changed(warnAt + 60), policy, warnAt + 60 + 48*hour, KeepActive, Warn},
		{"a warning that knew the change", with(warned(warnAt+60, start+60)), changed(start + 60), policy, closeAt + 60, KeepWarned, Close},
		{"no second warning so soon after the first", with(timely), changed(start + 60), policy, warnAt + 24*hour, KeepWarned, Warn},
		{"off", open, nil, Policy{WarnBefore: 24 * hour}, closeAt, KeepNever, KeepNever},
		{"never", with(after(opt.Null[int64]())), nil, policy, closeAt, KeepNever, KeepNever},
		{"a waiting time of its own", with(after(opt.Value[int64](hour))), nil, policy, start + hour/2, KeepActive, Warn},
		{"a waiting time of its own when rule 2 is off", with(after(opt.Value[int64](hour))), nil, Policy{WarnBefore: 60}, start + hour - 60, KeepActive, Warn},
		{"its closing", with(after(opt.Value[int64](hour)), warned(start+hour/2, start)), nil, policy, start + hour, KeepWarned, Close},
		{"a warning is at most half of the time ahead", open, nil, Policy{StaleAfter: 5, WarnBefore: 24 * hour}, start + 3, KeepActive, Warn},
		{"no time between warning and closing", open, nil, Policy{StaleAfter: 5}, start + 5, KeepActive, Warn},
		{"and then the closing", with(warned(start+5, start)), nil, Policy{StaleAfter: 5}, start + 5, KeepWarned, Close},
		{"rule 3: DOWN keeps from the warning", open, newest(warnAt-60, statuspage.StatusDown), policy, warnAt + 14*60 + 1, KeepFailing, Warn},
		{"rule 3: DEGRADED keeps from the closing", with(timely), newest(closeAt, statuspage.StatusDegraded), policy, closeAt + 15*60 + 1, KeepFailing, Close},
		{"rule 3: UP keeps from nothing", with(timely), newest(closeAt-60, statuspage.StatusUp), policy, closeAt, KeepWarned, Close},
		{"rule 3: an alert keeps", with(timely), alert, policy, closeAt, KeepWarned, KeepAlert},
		{"a maintenance is no silence", open, maintained(statuspage.Down, start+hour, start+11*hour), policy, warnAt + 10*hour, KeepActive, Warn},
		{"for the closing neither", with(timely), maintained(statuspage.UnderMaintenance, warnAt, warnAt+hour), policy, closeAt + hour, KeepWarned, Close},
		{"one that is on", open, maintained(statuspage.Degraded, warnAt-hour, closeAt+100*hour), policy, closeAt + 100*hour + hour, KeepActive, Warn},
		{"of several monitors at once", open, append(maintained(statuspage.Down, start+hour, start+11*hour), maintained(statuspage.Degraded, start+6*hour, start+16*hour)...), policy, warnAt + 15*hour, KeepActive, Warn},
		{"one before the last activity", with(updated(start + 6*hour)), maintained(statuspage.Down, start-100*hour, start+11*hour), policy, warnAt + 11*hour, KeepActive, Warn},
		{"one that does nothing", open, maintained(statuspage.Up, start+hour, start+11*hour), policy, warnAt, KeepActive, Warn},
		{"one to come", open, maintained(statuspage.Down, warnAt+hour, warnAt+11*hour), policy, warnAt, KeepActive, Warn},
	} {
		for at, want := range map[int64]any{tt.now - 1: tt.before, tt.now: tt.after} {
			d := Decide(tt.incident, tt.facts, nil, tt.policy, at)
			var got any = d.Kind
			if d.Kind == Keep {
				got = d.Reason
			}
			if got != want {
				t.Errorf("%s: at %+d it is %v (%s), want %v", tt.name, at-tt.now, got, d.Text, want)
			}
			// Without facts nothing is kept that is not kept with them.
			if alone := Decide(tt.incident, nil, nil, tt.policy, at); alone.Kind == Keep && d.Kind != Keep {
				t.Errorf("%s: at %+d its own record alone keeps it", tt.name, at-tt.now)
			}
		}
	}
}

// TestEndOfAForgottenIncident shows which end it gets.
func TestEndOfAForgottenIncident(t *testing.T) {
	up, down := statuspage.StatusUp, statuspage.StatusDown
	at := func(n int64) *int64 { return new(start + n*60) }
	facts := func(changed, notUp *int64) statuspage.MonitorFacts {
		return statuspage.MonitorFacts{Newest: point(start+hour, up), Changed: changed, NotUp: notUp}
	}
	for name, tt := range map[string]struct {
		incident statuspage.Incident
		facts    []statuspage.MonitorFacts
		want     int64
	}{
		"no monitors: the start":                          {open, nil, start},
		"the minute of the last activity":                 {with(updated(start + 119)), nil, start + 60},
		"the last minute not UP":                          {open, []statuspage.MonitorFacts{facts(at(6), at(5))}, start + 300},
		"of all monitors the last":                        {open, []statuspage.MonitorFacts{facts(at(6), at(5)), facts(at(9), at(8)), facts(nil, nil)}, start + 480},
		"the first minute counts":                         {open, []statuspage.MonitorFacts{facts(at(1), at(0))}, start},
		"the minute before does not":                      {with(updated(start + 600)), []statuspage.MonitorFacts{facts(at(0), at(-1))}, start + 600},
		"before the last comment: still the minute":       {with(updated(start + 7200)), []statuspage.MonitorFacts{facts(at(6), at(5))}, start + 300},
		"a monitor that has been DOWN without news since": {open, []statuspage.MonitorFacts{{Newest: point(start+600, down), NotUp: at(10)}}, start + 600},
	} {
		i := tt.incident
		now := i.Updated + 10*hour + 73*hour
		i.Warning = &statuspage.CloserWarning{Time: now - 24*hour, Activity: now}
		if d := Decide(i, tt.facts, nil, policy, now); d.Kind != Close || d.End != tt.want {
			t.Errorf("%s: %v, end %+d, want %+d", name, d.Kind, d.End-start, tt.want-start)
		}
	}
}

func TestTexts(t *testing.T) {
	for _, tt := range []struct {
		name, text, line string
		d                Decision
	}{
		{"end", "Closed automatically: the end of this incident, 2025-11-22 09:26 UTC, has passed. A comment with another state opens it again.",
			`close incident 1 "": its end has passed, end 2025-11-22 09:26 UTC`, Decide(with(ends(start+hour)), nil, nil, policy, start+hour)},
		{"warning", "Nothing has happened here since 2025-11-22 08:26 UTC. If nothing does, this incident will be closed automatically, not before 2025-11-25 08:26 UTC. " +
			"To keep it open, add a comment or change the incident.",
			`warn incident 1 "": no activity since 2025-11-22 08:26 UTC`, Decide(open, nil, nil, policy, start+48*hour)},
		{"closing", "Closed automatically: nothing has happened here since 2025-11-22 08:26:05 UTC, for 1 hour 1 second or more, and nothing came after the warning of 2025-11-22 08:56 UTC. " +
			"Its end is 2025-11-22 08:26 UTC, the time of the last activity. A comment with another state opens it again.",
			`close incident 1 "": no activity since 2025-11-22 08:26:05 UTC, end 2025-11-22 08:26 UTC`,
			Decide(with(updated(start+5), after(opt.Value[int64](3601)), warned(start+1800, start+5)), nil, nil, policy, start+9*hour)},
	} {
		if tt.d.Text != tt.text || tt.d.line(open) != tt.line {
			t.Errorf("%s:\n%s\n%s\nwant\n%s\n%s", tt.name, tt.d.Text, tt.d.line(open), tt.text, tt.line)
		}
	}
}

func TestParsePolicy(t *testing.T) {
	for _, tt := range []struct {
		stale, warn string
		want        Policy
		refused     string
	}{
		{"", "", DefaultPolicy, ""},
		{"5s", "2s", Policy{5, 2}, ""},
		{"0", "0s", Policy{}, ""},
		{"72h", "", Policy{72 * hour, 24 * hour}, ""},
		{"x", "", Policy{}, "STALE_AFTER"}, {"-1h", "", Policy{}, "STALE_AFTER"}, {"1.5s", "", Policy{}, "STALE_AFTER"}, {"72", "", Policy{}, "STALE_AFTER"},
		{"", "1ms", Policy{}, "WARN_BEFORE"},
	} {
		got, err := ParsePolicy(tt.stale, tt.warn)
		if tt.refused != "" {
			if err == nil || !strings.HasPrefix(err.Error(), tt.refused+" must be a duration") {
				t.Errorf("%q, %q: %v, want it refused for %s", tt.stale, tt.warn, err, tt.refused)
			}
		} else if err != nil || got != tt.want {
			t.Errorf("%q, %q: %v, %v, want %v", tt.stale, tt.warn, got, err, tt.want)
		}
	}
	if DefaultPolicy.StaleAfter != int64((72*time.Hour).Seconds()) || DefaultPolicy.WarnBefore != int64((24*time.Hour).Seconds()) {
		t.Errorf("the default is %v", DefaultPolicy)
	}
}

// TestAlarms has an incident that is due, with alarms of other tools on.
func TestAlarms(t *testing.T) {
	const closeAt = start + 72*hour
	timely := with(warned(start+48*hour, start))
	seen := func(at int64, stale *int64) statuspage.SignalMark {
		return statuspage.SignalMark{Open: true, LastSeen: at, Stale: stale}
	}
	for _, tt := range []struct {
		name   string
		alarms []statuspage.SignalMark
		want   any
	}{
		{"none", nil, Close},
		{"one that was heard of before the warning knew", []statuspage.SignalMark{seen(start, nil)}, Close},
		{"one that was heard of since", []statuspage.SignalMark{seen(start, nil), seen(closeAt-hour, nil)}, KeepActive},
		{"one that is repeated", []statuspage.SignalMark{seen(start, new(int64(closeAt+1)))}, KeepAlert},
		{"one that was repeated", []statuspage.SignalMark{seen(start, new(int64(closeAt)))}, Close},
	} {
		d := Decide(timely, nil, tt.alarms, policy, closeAt)
		var got any = d.Kind
		if d.Kind == Keep {
			got = d.Reason
		}
		if got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}
