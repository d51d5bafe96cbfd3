package closer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"tocsin/internal/statuspage"
)

const (
	pageSize  = 100 // open incidents a call
	chunkSize = 25  // incidents that are decided together
	tries     = 20  // of an incident that others write to all the time; the next run has it again
)

// incidents goes through the open incidents, from where the last run stopped to the
// end and then from the beginning to there.
func (r *run) incidents(ctx context.Context) error {
	from := r.state.After
	if err := r.pages(ctx, from, nil); err != nil || r.sum.Goes || from == nil {
		return err
	}
	return r.pages(ctx, nil, from)
}

// pages goes through the open incidents after one position up to another, nil for
// the first and the last of all.
func (r *run) pages(ctx context.Context, after, to *statuspage.IncidentPosition) error {
	for {
		if !r.More() {
			return r.stopAt(ctx, after)
		}
		open, next, unreadable, err := r.store.OpenIncidents(ctx, after, pageSize)
		if err != nil {
			return err
		}
		r.sum.Failed += len(unreadable)
		r.failed = append(r.failed, unreadable...)
		if n := slices.IndexFunc(open, func(i statuspage.Incident) bool { return to != nil && !passed(*to, i) }); n >= 0 {
			open, next = open[:n], nil
		}
		for some := range slices.Chunk(open, chunkSize) {
			if !r.More() {
				return r.stopAt(ctx, after)
			}
			if err := r.chunk(ctx, some); err != nil {
				return err
			}
			last := some[len(some)-1]
			after = &statuspage.IncidentPosition{Start: last.Start, ID: last.ID}
		}
		// Not after the last one read: all of a page may be unreadable.
		after = next
		if err := r.keepPlace(ctx, after); err != nil || after == nil {
			return err
		}
	}
}

// passed reports whether the incident stands at the position or before it.
func passed(to statuspage.IncidentPosition, i statuspage.Incident) bool {
	return i.Start < to.Start || i.Start == to.Start && i.ID <= to.ID
}

// stopAt ends the way through the open incidents before it is complete.
func (r *run) stopAt(ctx context.Context, after *statuspage.IncidentPosition) error {
	r.sum.Goes = true
	return r.keepPlace(ctx, after)
}

// keepPlace keeps where the next run goes on, nil for the first incident.
func (r *run) keepPlace(ctx context.Context, after *statuspage.IncidentPosition) error {
	if after == nil && r.state.After == nil {
		return nil
	}
	return r.save(ctx, func(st *statuspage.CloserState) { st.After = after })
}

// chunk decides about some incidents and does it.
func (r *run) chunk(ctx context.Context, open []statuspage.Incident) error {
	r.sum.Looked += len(open)
	var candidates []int64
	for _, i := range open {
		if d := Decide(i, nil, nil, r.policy, r.now); d.Kind == Keep {
			r.sum.Skipped[d.Reason]++
		} else {
			candidates = append(candidates, i.ID)
		}
	}
	if len(candidates) == 0 {
		return nil
	}
	current, err := r.store.IncidentsByID(ctx, candidates)
	if err != nil {
		return err
	}
	doings := make([]doing, 0, len(candidates))
	for _, id := range candidates {
		i, there := current[id]
		if !there {
			r.sum.Skipped[KeepGone]++
			continue
		}
		doings = append(doings, doing{incident: i})
	}
	if err := r.findInactive(ctx, doings); err != nil {
		return err
	}
	since := map[int64]int64{}
	for _, d := range doings {
		for _, m := range r.watched(d.incident) {
			if start, ok := since[m.MonitorID]; !ok || d.incident.Start < start {
				since[m.MonitorID] = d.incident.Start
			}
		}
	}
	r.each(len(doings), func(n int) { doings[n].err = r.decide(ctx, &doings[n], since) })
	if err := r.write(ctx, doings); err != nil {
		return err
	}
	for n := range doings {
		r.count(&doings[n])
	}
	return nil
}

// findInactive finds out which of the monitors by which is decided are INACTIVE.
func (r *run) findInactive(ctx context.Context, doings []doing) (err error) {
	var tags []string
	for _, d := range doings {
		if d.incident.End != nil {
			continue // its monitors don't matter
		}
		for _, m := range d.incident.Monitors {
			tags = append(tags, m.Tag)
		}
	}
	if len(tags) > 0 {
		r.inactive, err = r.store.InactiveMonitors(ctx, tags)
	}
	return err
}

// watched are the monitors of the incident that matter: an INACTIVE one is as good as not
// linked to it.
func (r *run) watched(i statuspage.Incident) []statuspage.AffectedMonitor {
	return slices.DeleteFunc(slices.Clone(i.Monitors), func(m statuspage.AffectedMonitor) bool { return r.inactive[m.MonitorID] })
}

// doing is what is done about one incident.
type doing struct {
	incident statuspage.Incident
	decision Decision
	rests    []statuspage.MonitorFacts
	err      error
}

func (r *run) count(d *doing) {
	switch {
	case d.err != nil:
		r.sum.Failed++
		r.failed = append(r.failed, fmt.Errorf("incident %d: %w", d.incident.ID, d.err))
		return
	case d.decision.Kind == Keep:
		r.sum.Skipped[d.decision.Reason]++
		return
	case d.decision.Kind == Warn:
		r.sum.Warned++
	case d.decision.Kind == Close:
		r.sum.Closed++
	}
	r.Line(d.decision.line(d.incident))
}

// decide decides about an incident, with the facts of its monitors when its own
// record does not say enough. since is how far back the facts of a monitor are needed,
// for this and for other incidents.
func (r *run) decide(ctx context.Context, d *doing, since map[int64]int64) error {
	d.rests = nil
	d.decision = Decide(d.incident, nil, nil, r.policy, r.now)
	if d.decision.Kind == Keep || d.incident.End != nil {
		return nil
	}
	for _, m := range r.watched(d.incident) {
		from, ok := since[m.MonitorID]
		if !ok {
			from = d.incident.Start
		}
		f, err := r.factsOf(ctx, m.MonitorID, from, d.incident.Start, nil)
		if err != nil {
			return err
		}
		d.rests = append(d.rests, f)
		if f.Failing(r.now) {
			break // that is enough
		}
	}
	d.decision = Decide(d.incident, d.rests, nil, r.policy, r.now)
	if d.decision.Kind == Keep || d.incident.AlertID == nil {
		return nil
	}
	alarms, err := r.store.SignalsOf(ctx, d.incident.ID)
	d.decision = Decide(d.incident, d.rests, alarms, r.policy, r.now)
	return err
}

// factsOf returns the facts of a monitor. It reads them unless they are known, as far back
// as start and newer than old; nil: of any age.
func (r *run) factsOf(ctx context.Context, monitorID, since, start int64, old *statuspage.MonitorFacts) (statuspage.MonitorFacts, error) {
	r.mu.Lock()
	f := r.facts[monitorID]
	if f == nil {
		f = &monitorFacts{}
		r.facts[monitorID] = f
	}
	r.mu.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.read && f.Covers(start) && (old == nil || !slices.Equal(f.Seen, old.Seen)) {
		return f.MonitorFacts, nil
	}
	read, err := r.store.MonitorFacts(ctx, monitorID, since, r.now)
	if err != nil {
		return read, err
	}
	f.read, f.MonitorFacts = true, read
	return read, nil
}

// write writes what was decided. It decides again about an incident that others have
// written to since.
func (r *run) write(ctx context.Context, doings []doing) error {
	var due []*doing
	for n := range doings {
		if d := &doings[n]; d.err == nil && d.decision.Kind != Keep {
			due = append(due, d)
		}
	}
	if r.DryRun || len(due) == 0 {
		return nil
	}
	first, err := r.store.CommentIDs(ctx, len(due))
	if err != nil {
		return err
	}
	r.each(len(due), func(n int) { due[n].err = r.do(ctx, due[n], first+int64(n)) })
	return nil
}

// do writes one decision with the comment of the given id.
func (r *run) do(ctx context.Context, d *doing, commentID int64) error {
	for range tries {
		outcome, err := r.store.AutoClose(ctx, r.closing(d, commentID), r.now)
		if err != nil || outcome == statuspage.Written {
			return err
		}
		if outcome == statuspage.MonitorsChanged {
			for n := range d.rests {
				if _, err := r.factsOf(ctx, d.rests[n].MonitorID, d.rests[n].Since, d.incident.Start, &d.rests[n]); err != nil {
					return err
				}
			}
		}
		current, err := r.store.IncidentsByID(ctx, []int64{d.incident.ID})
		if err != nil {
			return err
		}
		i, there := current[d.incident.ID]
		if !there {
			d.decision = Decision{Reason: KeepGone}
			return nil
		}
		d.incident = i
		if err := r.decide(ctx, d, nil); err != nil || d.decision.Kind == Keep {
			return err
		}
	}
	return statuspage.Unavailable(errors.New("others wrote to it at every try"))
}

func (r *run) closing(d *doing, commentID int64) statuspage.AutoClosing {
	c := statuspage.AutoClosing{
		Incident: d.incident, Rests: d.rests, End: d.decision.End,
		Comment: statuspage.Comment{
			ID: commentID, IncidentID: d.incident.ID, Text: d.decision.Text, Time: statuspage.FloorMinute(r.now), State: statuspage.Resolved,
			Created: r.now, Updated: r.now, Version: 1,
		},
	}
	if d.decision.Kind == Warn {
		c.Comment.State = d.incident.State
		c.Warning = &statuspage.CloserWarning{Time: r.now, Activity: d.decision.Activity}
	}
	return c
}
