package dynamo

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"tocsin/internal/ddb"
	"tocsin/internal/statuspage"
)

// take does what one signal asks for.
func (t *signalTaking) take(ctx context.Context, signal statuspage.Signal) (signalResult, error) {
	if signal.Action == statuspage.SignalIgnored || signal.Key == "" {
		return signalResult{does: statuspage.SignalDoesNothing, reason: "it tells of no problem"}, nil
	}
	a := t.attempt(signal)
	// What CloudWatch tells of the account's other alarms leaves no trace.
	a.foreign = t.of.ID == statuspage.CloudWatchID && len(a.choices) == 0
	if a.foreign && signal.Action != statuspage.SignalResolved {
		return signalResult{does: statuspage.SignalDoesNothing}, nil
	}
	err := a.begin(ctx)
	if err != nil || a.result.does != "" {
		return a.result, err
	}
	err = ddb.Retry(ctx, func() (done bool, err error) { return a.again(ctx) })
	return a.result, err
}

// An attempt is the taking of one signal.
type attempt struct {
	*signalTaking
	signal   statuspage.Signal
	impact   statuspage.Impact
	choices  []statuspage.MonitorChoice
	foreign  bool
	monitors map[string]statuspage.Monitor // by tag; nil: not read yet

	read bool     // whether item is the mark as it was read just now
	item ddb.Item // nil: there is none
	ids  statuspage.FiringIDs

	alertGone bool
	result    signalResult
}

func (t *signalTaking) attempt(s statuspage.Signal) *attempt {
	return &attempt{signalTaking: t, signal: s, impact: t.options.ImpactOf(s), choices: t.options.Concerns(s)}
}

// begin tries a firing signal as a repetition. Where alerts share incidents the monitors are read at
// the same time, so that opening one waits for no more calls than without.
func (a *attempt) begin(ctx context.Context) error {
	if a.signal.Action != statuspage.SignalFiring {
		return nil
	}
	a.expect(signalResult{does: statuspage.SignalRepeats})
	g, gctx := errgroup.WithContext(ctx)
	if a.of.Shares() {
		g.Go(func() error { return a.readMonitors(gctx) })
	}
	repeats := false
	g.Go(func() error {
		it, refused, err := a.table.UpdateOrRead(gctx, signalKey(a.of.ID, a.signal.Key), repetition(a.of, a.signal, a.impact, a.now))
		a.item, a.read, repeats = it, true, !refused
		return err
	})
	if err := g.Wait(); err != nil || !repeats {
		return err
	}
	m, err := readSignal(a.item)
	a.result = signalResult{does: statuspage.SignalRepeats, trouble: m.Trouble}
	return err
}

// again does what the signal asks for of the mark as it is. It is not done when others wrote
// meanwhile.
func (a *attempt) again(ctx context.Context) (done bool, err error) {
	if !a.read {
		if a.result.does == "" && a.signal.Action == statuspage.SignalResolved && !a.foreign {
			a.expect(signalResult{does: statuspage.SignalDoesNothing, reason: statuspage.NoAlert})
		}
		if a.item, err = a.table.Get(ctx, signalKey(a.of.ID, a.signal.Key)); err != nil {
			return false, err
		}
	}
	a.read = false
	m, err := readLiveSignal(a.item, a.now)
	if err != nil {
		return false, err
	}
	does, reason := m.Asks(a.signal, a.impact, a.now)
	a.result = signalResult{does: does, reason: reason}
	var writes []ddb.Write
	switch does {
	case statuspage.SignalOpens:
		writes, err = a.open(ctx, m)
	case statuspage.SignalRepeats:
		a.result.trouble = m.Trouble
		writes = []ddb.Write{a.writeSignal(m, a.of.Repeated(*m, a.signal, a.impact, a.now), a.now)}
	case statuspage.SignalWorsens:
		writes, err = a.worsen(ctx, *m)
	case statuspage.SignalAcknowledges, statuspage.SignalNotes:
		writes, err = a.tell(ctx, *m, does)
	case statuspage.SignalResolves:
		writes, err = a.resolve(ctx, *m, a.of.Resolved(m, a.signal, a.now), a.signal, nil)
	case statuspage.SignalRemembered:
		a.result.does = statuspage.SignalDoesNothing
		if !a.foreign {
			writes = []ddb.Write{a.writeSignal(m, a.of.Resolved(m, a.signal, a.now), a.now)}
		}
	}
	if err != nil || len(writes) == 0 {
		return true, err
	}
	return a.transact(ctx, writes)
}

// transact writes, the end of an alert first if there is one.
func (a *attempt) transact(ctx context.Context, writes []ddb.Write) (done bool, err error) {
	if !a.foreign {
		a.expect(a.result)
	}
	refused, err := a.table.Transact(ctx, writes...)
	if err != nil || refused == nil {
		return true, err
	}
	ends := writes[0].Update != nil && strings.HasPrefix(ddb.KeyOf(writes[0].Update.Key).PK, alertPrefix)
	a.alertGone = a.alertGone || ends && refused.Failed(0)
	a.ids.Comment = 0 // of two comments of one minute the later one has the greater id
	return false, nil
}

func (a *attempt) readMonitors(ctx context.Context) error {
	found, err := a.monitorItems(ctx, statuspage.TagsOf(a.choices))
	if err != nil {
		return err
	}
	a.monitors = map[string]statuspage.Monitor{}
	for _, it := range found {
		m, err := readMonitor(it)
		if err != nil {
			return err
		}
		a.monitors[m.Tag] = m
	}
	return nil
}

// draw draws the ids that are asked for and missing.
func (a *attempt) draw(ctx context.Context, g *errgroup.Group, alert, incident, comment bool) {
	for _, x := range []struct {
		asked bool
		block *idBlock
		id    *int64
	}{{alert, a.alerts, &a.ids.Alert}, {incident, a.incidents, &a.ids.Incident}, {comment, a.comments, &a.ids.Comment}} {
		if x.asked && *x.id == 0 {
			g.Go(func() (err error) {
				*x.id, err = x.block.draw(ctx)
				return err
			})
		}
	}
}

// readIncidentIfThere returns the incident, nil when it is deleted.
func (s *Store) readIncidentIfThere(ctx context.Context, id int64) (*statuspage.Incident, error) {
	it, err := s.table.Get(ctx, incidentKey(id))
	if err != nil || it == nil {
		return nil, err
	}
	i, err := readIncident(it)
	return &i, err
}

// around is what is there where an alert is to have an incident.
type around struct {
	former *statuspage.Incident // that the last alert had; nil: none, or deleted
	on     openings
}

// lookAround reads the incident that the mark names and what is open on the monitor, if alerts share
// incidents there.
func (a *attempt) lookAround(ctx context.Context, g *errgroup.Group, m *statuspage.SignalMark, monitorID int64, r *around) {
	if m != nil && m.IncidentID != nil {
		g.Go(func() (err error) {
			r.former, err = a.readIncidentIfThere(ctx, *m.IncidentID)
			return err
		})
	}
	if a.of.Shares() && monitorID != 0 {
		g.Go(func() (err error) {
			r.on, err = a.openOn(ctx, monitorID)
			return err
		})
	}
}

// open are the writes that open an alert, with its incident.
func (a *attempt) open(ctx context.Context, m *statuspage.SignalMark) ([]ddb.Write, error) {
	var r around
	var monitors []statuspage.AffectedMonitor
	g, gctx := errgroup.WithContext(ctx)
	waits := a.of.Alert(0, a.signal, a.impact, nil, a.now).Signal.OpensAt(a.options, a.now) != nil
	incidental := a.impact != "" && !waits
	a.draw(gctx, g, true, incidental, incidental)
	if a.monitors == nil {
		g.Go(func() error { return a.readMonitors(gctx) })
	} else {
		monitors, _ = statuspage.Choose(a.choices, a.monitors, a.impact)
	}
	if incidental {
		a.lookAround(gctx, g, m, firstID(monitors), &r)
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	alert, next := a.fired(m)
	var writes []ddb.Write
	var err error
	switch opens := alert.Signal.OpensAt(a.options, a.now); {
	case !alert.Signal.Incidental(a.options):
	case opens != nil:
		next.Opens, a.result.does = opens, statuspage.SignalWaits
	default:
		alert, next, writes, err = a.attach(ctx, alert, next, r)
	}
	return append(writes, a.alertWrites(m, next, alert)...), err
}

// fired is the alert that the signal opens, without an incident, and the mark after it.
func (a *attempt) fired(m *statuspage.SignalMark) (statuspage.Alert, statuspage.SignalMark) {
	monitors, unknown := statuspage.Choose(a.choices, a.monitors, a.impact)
	alert := a.of.Alert(a.ids.Alert, a.signal, a.impact, monitors, a.now)
	next := a.of.Fired(m, a.signal, alert.ID, a.impact, a.now)
	a.result.reason, next.Trouble = said(a.options, a.signal, *alert.Signal, unknown)
	a.result.trouble = next.Trouble
	return alert, next
}

// alertWrites make the alert, and of the mark, nil for none, the next one.
func (a *attempt) alertWrites(m *statuspage.SignalMark, next statuspage.SignalMark, alert statuspage.Alert) []ddb.Write {
	writes := []ddb.Write{a.writeSignal(m, next, a.now), a.table.PutNew(alertItem(alert))}
	if alert.MonitorID != 0 {
		row := alertRowKey(alert.MonitorID, alert.ID).Item()
		row[attrIntegrationID] = ddb.Num(a.of.ID)
		writes = append(writes, a.table.Put(row))
	}
	return writes
}

func firstID(monitors []statuspage.AffectedMonitor) int64 {
	if len(monitors) == 0 {
		return 0
	}
	return monitors[0].MonitorID
}

// said is what the delivery says of an alert that is opened, and what the operator should know of.
func said(o statuspage.IntegrationOptions, s statuspage.Signal, a statuspage.SignalAlert, unknown []string) (reason, trouble string) {
	var troubles []string
	if len(unknown) > 0 {
		troubles = append(troubles, fmt.Sprintf("No active monitor has the tag %s", strings.Join(unknown, ", ")))
	}
	if a.Impact != "" && len(a.Monitors) == 0 && !o.AllowGlobal {
		troubles = append(troubles, fmt.Sprintf("No monitor was found for the alarm %s, so it opened no incident", cmp.Or(a.Title, s.Key)))
	}
	if s.Last {
		troubles = append(troubles, fmt.Sprintf("The alarm %s never reports its recovery", cmp.Or(a.Title, s.Key)))
	}
	if a.Impact == "" {
		reason = "its severity opens no incident"
	}
	return reason, statuspage.Shorten(strings.Join(troubles, ". "), 500)
}

// attach gives an alert its incident: the one that others on its monitor share, the one that the
// last alert of the same problem had, or a new one. It returns alert and mark with it.
func (a *attempt) attach(ctx context.Context, alert statuspage.Alert, next statuspage.SignalMark, r around) (statuspage.Alert, statuspage.SignalMark, []ddb.Write, error) {
	var f statuspage.Firing
	var joined *statuspage.Incident
	if r.on.sharedByOthers(alert.ID) {
		shared, err := a.readIncidentIfThere(ctx, r.on.outage.IncidentID)
		if err != nil {
			return alert, next, nil, err
		}
		joined = shared
	}
	switch {
	case joined != nil:
		a.result.does = statuspage.SignalJoins
		f = a.of.Joined(alert, *joined, *r.on.outage, a.ids, a.now)
	case r.former != nil && (!a.of.Shares() || r.former.AlertMonitorID == alert.MonitorID) && (r.former.Closed == nil || next.Reopens(*r.former, a.options, a.now)):
		joined, a.result.does = r.former, statuspage.SignalJoins
		if joined.Closed != nil {
			a.result.does = statuspage.SignalReopens
		}
		f = a.of.Again(alert, *joined, a.ids, a.now)
	default:
		a.result.does = statuspage.SignalOpens
		name := ""
		if len(alert.Signal.Monitors) > 0 {
			name = a.monitors[alert.Tag].Name
		}
		f = a.of.Opened(alert, name, a.ids, a.now)
	}
	writes := a.alarmWrites(ctx, f, joined, r.on, a.now)
	shares := int64(0)
	if f.Outage.IncidentID != 0 {
		shares = alert.MonitorID
		writes = append(writes, a.table.Put(openSignalItem(shares, alert.ID, f.Incident.ID)))
	}
	return f.Alert, next.LinkedTo(f.Incident.ID, shares), writes, nil
}

// worsen are the writes of a repetition that says that it is worse. An alert that had no incident
// because of what it said gets one.
func (a *attempt) worsen(ctx context.Context, m statuspage.SignalMark) ([]ddb.Write, error) {
	next := a.of.Repeated(m, a.signal, a.impact, a.now)
	return a.withAlert(ctx, m, next, func(alert statuspage.Alert) statuspage.Alert { return alert.Worsened(a.impact, a.now) })
}

// withAlert are the writes of a change of an alert that is open, which gets an incident if it has
// none and is to have one by now, and makes worse the one that it has.
func (a *attempt) withAlert(ctx context.Context, m, next statuspage.SignalMark, change func(statuspage.Alert) statuspage.Alert) ([]ddb.Write, error) {
	it, err := a.table.Get(ctx, alertKey(m.AlertID))
	if err != nil {
		return nil, err
	}
	if it == nil { // nobody deletes alerts, but an import may lack one
		next.Opens = nil
		return []ddb.Write{a.writeSignal(&m, next, a.now)}, nil
	}
	was, err := readAlert(it)
	if err != nil {
		return nil, err
	}
	alert := change(was)
	var r around
	g, gctx := errgroup.WithContext(ctx)
	a.draw(gctx, g, false, !m.Linked, true)
	if a.choices = []statuspage.MonitorChoice{{Tags: alert.Signal.Tags()}}; len(a.choices[0].Tags) > 0 {
		g.Go(func() error { return a.readMonitors(gctx) })
	}
	a.lookAround(gctx, g, &m, alert.MonitorID, &r)
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var writes []ddb.Write
	waits := next.Opens != nil && *next.Opens > a.now
	switch {
	case m.Linked && r.former != nil:
		if i, c, is := a.of.Worse(*r.former, *alert.Signal, a.ids.Comment, a.now); is {
			writes = a.incidentWrites(ctx, *r.former, a.withComment(i, c, nil), a.now)
		}
	case !m.Linked && alert.Signal.Incidental(a.options) && !waits:
		alert, next, writes, err = a.attach(ctx, alert, next, r)
	}
	return append(writes, a.writeSignal(&m, next, a.now), a.table.Change(alertItem(was), alertItem(alert))), err
}

// tell are the writes of a signal that only the incident tells of: that somebody takes care, or a
// note.
func (a *attempt) tell(ctx context.Context, m statuspage.SignalMark, does statuspage.SignalDoing) ([]ddb.Write, error) {
	return a.say(ctx, m, a.of.Noted(m, a.signal, a.now), func(i statuspage.Incident) (statuspage.Incident, statuspage.Comment, bool) {
		if does == statuspage.SignalNotes {
			return a.of.NoteOn(i, a.signal, a.ids.Comment, a.now)
		}
		next, c, is := a.of.Acknowledged(i, a.ids.Comment, a.now)
		if !is {
			a.result.does, a.result.reason = statuspage.SignalDoesNothing, "its incident is past that"
		}
		return next, c, is
	})
}

// say are the writes of the next mark and of a comment on the alert's incident, if it has one and
// there is something to say.
func (a *attempt) say(ctx context.Context, m, next statuspage.SignalMark, comment func(statuspage.Incident) (statuspage.Incident, statuspage.Comment, bool)) ([]ddb.Write, error) {
	writes := []ddb.Write{a.writeSignal(&m, next, a.now)}
	if !m.Linked {
		return writes, nil
	}
	var i *statuspage.Incident
	g, gctx := errgroup.WithContext(ctx)
	a.draw(gctx, g, false, false, true)
	g.Go(func() (err error) {
		i, err = a.readIncidentIfThere(gctx, *m.IncidentID)
		return err
	})
	if err := g.Wait(); err != nil || i == nil {
		return writes, err
	}
	if told, c, is := comment(*i); is {
		writes = append(writes, a.incidentWrites(ctx, *i, a.withComment(told, c, nil), a.now)...)
	}
	return writes, nil
}

// resolve are the writes that end the alert of the mark, which becomes the next one, and its incident
// unless others share that. over, if given, says why no signal did.
func (a *attempt) resolve(ctx context.Context, m, next statuspage.SignalMark, by statuspage.Signal, over func(statuspage.Incident, int64, int64) (statuspage.Incident, statuspage.Comment, bool)) ([]ddb.Write, error) {
	var i *statuspage.Incident
	var on openings
	g, gctx := errgroup.WithContext(ctx)
	if m.Linked {
		a.draw(gctx, g, false, false, true)
		g.Go(func() (err error) {
			i, err = a.readIncidentIfThere(gctx, *m.IncidentID)
			return err
		})
	}
	if m.MonitorID != 0 {
		g.Go(func() (err error) {
			on, err = a.openOn(gctx, m.MonitorID)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var writes []ddb.Write
	if !a.alertGone {
		writes = append(writes, a.table.Update(alertKey(m.AlertID), endsAs(m, a.now)))
	}
	writes = append(writes, a.writeSignal(&m, next, a.now))
	recovered := int64(0)
	if m.MonitorID != 0 {
		writes = append(writes, a.table.Delete(openSignalKey(m.MonitorID, m.AlertID), nil))
		writes = append(writes, a.leaveOutage(m.MonitorID, m.AlertID, on, by.EndedAt(a.now))...)
		if on.shares(m.AlertID) {
			if on.sharedByOthers(m.AlertID) {
				return writes, nil
			}
			recovered = on.outage.Recovered
		}
	}
	if i == nil {
		return writes, nil
	}
	if over == nil {
		over = func(i statuspage.Incident, recovered, comment int64) (statuspage.Incident, statuspage.Comment, bool) {
			return a.of.Ended(i, by, recovered, comment, a.now)
		}
	}
	ended, c, is := over(*i, recovered, a.ids.Comment)
	if !is { // nor by the time the alert ends
		return append(writes, a.table.Check(incidentKey(i.ID), ddb.NewExpr().IfEqual(ddb.AttrVersion, ddb.Num(i.Version)))), nil
	}
	return append(writes, a.incidentWrites(ctx, *i, a.withComment(ended, c, nil), a.now)...), nil
}
