package site

import (
	"slices"

	"tocsin/internal/statuspage"
)

// An episode is an incident that is shown, with what it does to the monitors that are.
type episode struct {
	statuspage.Incident
	global   bool
	affected []Affected // in the order of the incident's monitors
}

// episodes are those of the incidents that are shown: all but those that concern only
// monitors which are not, or concerned such a one that was deleted.
func episodes(incidents []statuspage.Incident, monitors []statuspage.Monitor) []episode {
	byID := monitorsByID(monitors)
	var shown []episode
	for _, i := range incidents {
		e := episode{Incident: i, global: len(i.Monitors) == 0 && i.Orphan == ""}
		for _, link := range i.Monitors {
			if m, is := byID[link.MonitorID]; is {
				e.affected = append(e.affected, Affected{MonitorID: m.ID, Tag: m.Tag, Name: m.Name, Status: effect(i, link.Impact)})
			}
		}
		if e.global || len(e.affected) > 0 || i.Orphan == statuspage.OrphanOfPublic {
			shown = append(shown, e)
		}
	}
	return shown
}

func monitorsByID(monitors []statuspage.Monitor) map[int64]statuspage.Monitor {
	byID := map[int64]statuspage.Monitor{}
	for _, m := range monitors {
		byID[m.ID] = m
	}
	return byID
}

// effect is what an incident does to a monitor that it is linked to. One that a legacy
// client made without an impact does nothing that is known, though v4 shows DOWN.
func effect(i statuspage.Incident, impact statuspage.Impact) Status {
	if i.Legacy.NoImpact || !statuspage.ValidImpact(impact) {
		return NoData
	}
	return Status(impact)
}

// resolved reports whether the incident is over.
func (e episode) resolved() bool { return e.Closed != nil }

// running reports whether the incident has begun and is not over.
func (e episode) running(now int64) bool { return !e.resolved() && e.Start <= now }

// until is the second before which the incident was going on: its end or, of an open one,
// the end of this minute.
func (e episode) until(now int64) int64 {
	switch {
	case !e.resolved():
		return statuspage.FloorMinute(now) + minute
	case e.End == nil:
		return max(e.Start, statuspage.FloorMinute(*e.Closed))
	}
	return max(e.Start, *e.End)
}

// status is the worst that the incident does; NoData when it has no impact.
func (e episode) status() Status {
	worst := NoData
	for _, a := range e.affected {
		worst = worst.Worse(a.Status)
	}
	return worst
}

// on returns what the incident does to the monitor, and whether it concerns it.
func (e episode) on(monitorID int64) (Status, bool) {
	for _, a := range e.affected {
		if a.MonitorID == monitorID {
			return a.Status, true
		}
	}
	return NoData, e.global
}

// touches reports whether the incident was going on in the time from one second up to
// another. One that ended as it began was there for a moment.
func (e episode) touches(from, to, now int64) bool {
	return e.Start < to && (e.until(now) > from || e.Start >= from) && e.Start <= now
}

// view is what the pages show of the incident, with its comments, the newest first.
func (e episode) view(comments []statuspage.Comment) Incident {
	i := Incident{
		ID: e.ID, Title: e.Title, State: e.state(comments), Status: e.status(), Start: e.Start,
		Created: e.Created, Updated: e.Incident.Updated, Global: e.global, Affected: e.affected,
	}
	if e.resolved() {
		i.End = new(e.until(0))
	}
	for _, c := range comments {
		i.Updates = append(i.Updates, Update{ID: c.ID, Time: c.Time, State: c.State, Text: c.Text, Created: c.Created, Updated: c.Updated})
		i.Updated = max(i.Updated, c.Updated)
	}
	return i
}

// reopened reports whether the incident was opened again without a word.
func (e episode) reopened() bool { return !e.resolved() && e.State == statuspage.Resolved }

// state is the incident's state, RESOLVED exactly when it is over. One that was reopened is in
// the state that it had before it was resolved.
func (e episode) state(comments []statuspage.Comment) statuspage.State {
	switch {
	case e.resolved():
		return statuspage.Resolved
	case !e.reopened():
		return e.State
	}
	n := slices.IndexFunc(comments, func(c statuspage.Comment) bool { return c.State != statuspage.Resolved })
	if n < 0 {
		return statuspage.Investigating
	}
	return comments[n].State
}
