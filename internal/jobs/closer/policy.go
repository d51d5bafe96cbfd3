// Package closer closes incidents that people forgot. It decides by what the
// incident's own record and its monitors say at a given second, and knows neither
// AWS nor HTTP.
package closer

import (
	"fmt"
	"strings"
	"time"

	"tocsin/internal/statuspage"
)

// A Policy says when an incident is stale.
type Policy struct {
	StaleAfter int64 // seconds without activity; 0: only incidents with a waiting time of their own
	WarnBefore int64 // seconds between warning and closing, at most half of the waiting time
}

// DefaultPolicy is the policy where nothing else is said.
var DefaultPolicy = Policy{StaleAfter: 72 * 3600, WarnBefore: 24 * 3600}

// ParsePolicy reads a policy from durations such as 72h or 5s; an empty one is the
// default's. 0 is allowed for both.
func ParsePolicy(staleAfter, warnBefore string) (Policy, error) {
	p := DefaultPolicy
	for _, v := range []struct {
		name, text string
		seconds    *int64
	}{{"STALE_AFTER", staleAfter, &p.StaleAfter}, {"WARN_BEFORE", warnBefore, &p.WarnBefore}} {
		if v.text == "" {
			continue
		}
		d, err := time.ParseDuration(v.text)
		if err != nil || d < 0 || d%time.Second != 0 {
			return p, fmt.Errorf("%s must be a duration in whole seconds such as 72h, 90m or 5s, not %q", v.name, v.text)
		}
		*v.seconds = int64(d / time.Second)
	}
	return p, nil
}

// waiting returns after how many seconds without activity the incident is closed and
// how many before that it is warned; false when it is never closed for that.
func (p Policy) waiting(i statuspage.Incident) (wait, warn int64, ok bool) {
	wait = i.AutoCloseAfter.Or(p.StaleAfter)
	if i.AutoCloseAfter.IsNull() || wait == 0 {
		return 0, 0, false
	}
	return wait, min(p.WarnBefore, wait/2), true
}

// Kind is what a decision is.
type Kind int

// The kinds.
const (
	Keep Kind = iota
	Warn
	Close
)

// Reason is why an incident is kept.
type Reason string

// The reasons, as summaries show them.
const (
	KeepClosed  Reason = "closed meanwhile"
	KeepGone    Reason = "deleted meanwhile"
	KeepEnd     Reason = "end ahead"
	KeepNever   Reason = "never closed"
	KeepActive  Reason = "activity"
	KeepWarned  Reason = "warned"
	KeepFailing Reason = "monitor failing"
	KeepAlert   Reason = "alert triggered"
)

// Reasons are all of them.
var Reasons = []Reason{KeepActive, KeepWarned, KeepFailing, KeepAlert, KeepNever, KeepEnd, KeepClosed, KeepGone}

// A Decision is what becomes of an incident.
type Decision struct {
	Kind     Kind
	Reason   Reason // why it is kept
	End      int64  // UTC seconds, of one that is closed
	Activity int64  // UTC seconds: the last one, of one that is warned
	Text     string // of the comment
	why      string // for line
}

// Decide says what becomes of an incident at now (UTC seconds). facts are those of the
// monitors that it is linked to; without facts it decides by the incident's own record
// alone, and an incident that it then keeps it also keeps with facts.
//
// An alarm of a tool that repeats them keeps its incident as long as it is repeated. Any other one
// counts as activity when it was last heard of.
func Decide(i statuspage.Incident, facts []statuspage.MonitorFacts, alarms []statuspage.SignalMark, p Policy, now int64) Decision {
	if i.Closed != nil {
		return Decision{Reason: KeepClosed}
	}
	if i.End != nil {
		return decideEnd(*i.End, *i.LegacyEnd(), now)
	}
	wait, warn, ok := p.waiting(i)
	if !ok {
		return Decision{Reason: KeepNever}
	}
	// It is too early for the closing and for another warning, whatever the monitors say.
	if i.Warning != nil && now < i.Warning.Time+warn {
		return Decision{Reason: KeepWarned}
	}
	for _, f := range facts {
		if f.Failing(now) {
			return Decision{Reason: KeepFailing}
		}
	}
	for _, f := range facts {
		if f.Alert {
			return Decision{Reason: KeepAlert}
		}
	}
	for _, m := range alarms {
		if m.Stale != nil && now < *m.Stale {
			return Decision{Reason: KeepAlert}
		}
	}
	active := activity(i, facts, alarms)
	due := active + wait + maintained(facts, active, now)
	if now < due-warn {
		return Decision{Reason: KeepActive}
	}
	warned := i.Warning != nil && active <= i.Warning.Activity
	switch {
	case !warned:
		return warning(active, max(due, now+warn))
	case now < due:
		return Decision{Reason: KeepWarned}
	}
	return closing(i, facts, active, wait)
}

// decideEnd decides about an incident with an end, which a client of the legacy API
// may have given to the second.
func decideEnd(end, exact, now int64) Decision {
	if now < exact {
		return Decision{Reason: KeepEnd}
	}
	return Decision{
		Kind: Close, End: end,
		Text: fmt.Sprintf("Closed automatically: the end of this incident, %s, has passed. %s", clock(exact), reopen),
		why:  "its end has passed",
	}
}

const reopen = "A comment with another state opens it again."

// activity is the time (UTC seconds) of the last activity: the incident's start, a person's
// write, a signal of one of its alarms, or a change of status of one of its monitors.
func activity(i statuspage.Incident, facts []statuspage.MonitorFacts, alarms []statuspage.SignalMark) int64 {
	last := max(i.Start, i.Updated)
	for _, m := range alarms {
		last = max(last, m.LastSeen)
	}
	for _, f := range facts {
		if f.Changed != nil {
			last = max(last, *f.Changed)
		}
	}
	return last
}

// maintained is for how many seconds since the last activity maintenances were on on one of
// the monitors. That time is no silence.
func maintained(facts []statuspage.MonitorFacts, active, now int64) int64 {
	var windows []statuspage.Window
	for _, f := range facts {
		windows = append(windows, f.Windows...)
	}
	return 60 * statuspage.OverlayOf(windows, now).Count(active, now).Minutes()
}

// warning says that the incident is closed at a time, at the earliest.
func warning(active, at int64) Decision {
	return Decision{
		Kind: Warn, Activity: active,
		Text: fmt.Sprintf("Nothing has happened here since %s. If nothing does, this incident will be closed automatically, not before %s. "+
			"To keep it open, add a comment or change the incident.", clock(active), clock(at)),
		why: fmt.Sprintf("no activity since %s", clock(active)),
	}
}

func closing(i statuspage.Incident, facts []statuspage.MonitorFacts, active, wait int64) Decision {
	end, what := max(statuspage.FloorMinute(active), i.Start), "the time of the last activity"
	var last *int64
	for _, f := range facts {
		if f.NotUp != nil && *f.NotUp >= i.Start && (last == nil || *f.NotUp > *last) {
			last = f.NotUp
		}
	}
	if last != nil {
		end, what = *last, "the last minute in which one of its monitors was not UP"
	}
	return Decision{
		Kind: Close, End: end,
		Text: fmt.Sprintf("Closed automatically: nothing has happened here since %s, for %s or more, and nothing came after the warning of %s. "+
			"Its end is %s, %s. %s", clock(active), duration(wait), clock(i.Warning.Time), clock(end), what, reopen),
		why: fmt.Sprintf("no activity since %s", clock(active)),
	}
}

// line says in one line what the decision does to the incident, in the same words for a dry
// run.
func (d Decision) line(i statuspage.Incident) string {
	if d.Kind == Warn {
		return fmt.Sprintf("warn incident %d %q: %s", i.ID, i.Title, d.why)
	}
	return fmt.Sprintf("close incident %d %q: %s, end %s", i.ID, i.Title, d.why, clock(d.End))
}

// clock writes UTC seconds for people, to the minute where that is exact.
func clock(t int64) string {
	layout := "2006-01-02 15:04 UTC"
	if t%60 != 0 {
		layout = "2006-01-02 15:04:05 UTC"
	}
	return time.Unix(t, 0).UTC().Format(layout)
}

// duration writes seconds for people: the largest units that it has.
func duration(seconds int64) string {
	var parts []string
	for _, u := range []struct {
		name string
		size int64
	}{{"hour", 3600}, {"minute", 60}, {"second", 1}} {
		if n := seconds / u.size; n > 0 {
			text := fmt.Sprintf("%d %s", n, u.name)
			if n > 1 {
				text += "s"
			}
			parts = append(parts, text)
			seconds %= u.size
		}
	}
	return strings.Join(parts, " ")
}
