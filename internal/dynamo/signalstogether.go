package dynamo

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"tocsin/internal/ddb"
	"tocsin/internal/statuspage"
)

// Alerts that share an incident all write to it, and to the outage, so that they are taken one after
// the other. Of a delivery with many of them several join in one transaction, and several end in one.

const (
	togetherFrom = 3  // signals of a lane
	joinAtOnce   = 12 // each has seven writes, and two are for all
	leaveAtOnce  = 30 // each has three writes, and one is for all
)

// takeTogether takes the first signals of the lane in one transaction, and returns what became of them.
// Those that it can't take so, because they repeat something, say, or because others wrote
// meanwhile, it leaves: so many, alone, are to be taken one by one.
func (t *signalTaking) takeTogether(ctx context.Context, lane []statuspage.Signal) (done []signalResult, alone int, err error) {
	most := map[statuspage.SignalAction]int{statuspage.SignalFiring: joinAtOnce, statuspage.SignalResolved: leaveAtOnce}[lane[0].Action]
	var keys []ddb.Key
	for _, s := range lane[:min(most, len(lane))] {
		key := signalKey(t.of.ID, s.Key)
		if s.Action != lane[0].Action || s.News || s.Key == "" || slices.Contains(keys, key) {
			break
		}
		keys = append(keys, key)
	}
	if len(keys) < togetherFrom {
		return nil, max(len(keys), 1), nil
	}
	items, err := t.table.BatchGet(ctx, keys)
	if err != nil {
		return nil, 0, err
	}
	var some []*attempt
	var marks []*statuspage.SignalMark
scan:
	for n, key := range keys {
		a := t.attempt(lane[n])
		m, err := readLiveSignal(items[key], t.now)
		if err != nil {
			return nil, 0, err
		}
		a.result.does, a.result.reason = m.Asks(a.signal, a.impact, t.now)
		fits := a.result.does == statuspage.SignalOpens || a.result.does == statuspage.SignalResolves
		switch {
		case !fits && len(some) == 0:
			alone = n + 1
			continue
		case fits && alone > 0:
			return nil, alone, nil
		case !fits:
			break scan
		}
		some, marks = append(some, a), append(marks, m)
	}
	if len(some) < togetherFrom {
		return nil, max(alone, len(some)), nil
	}
	var writes []ddb.Write
	if lane[0].Action == statuspage.SignalFiring {
		writes, done, err = t.joinTogether(ctx, some, marks)
	} else {
		writes, done, err = t.leaveTogether(ctx, some, marks)
	}
	if err != nil || len(done) == 0 {
		return nil, len(some), err
	}
	refused, err := t.table.Transact(ctx, writes...)
	if err != nil || refused != nil {
		return nil, len(done), err
	}
	return done, 0, nil
}

// joinTogether are the writes that open alerts which join the incident that others on their monitor
// share. There are none for the first one that does anything else, and for those after it.
func (t *signalTaking) joinTogether(ctx context.Context, some []*attempt, marks []*statuspage.SignalMark) (writes []ddb.Write, done []signalResult, err error) {
	all := t.attempt(some[0].signal)
	for _, a := range some[1:] {
		all.choices = append(all.choices, a.choices...)
	}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return all.readMonitors(gctx) })
	for _, a := range some {
		a.draw(gctx, g, true, false, true)
	}
	if err := g.Wait(); err != nil {
		return nil, nil, err
	}
	monitorID := int64(0)
	var on openings
	var was, incident statuspage.Incident
	var outage statuspage.Outage
	for n, a := range some {
		a.monitors = all.monitors
		alert, next := a.fired(marks[n])
		if !alert.Signal.Incidental(t.options) || alert.Signal.OpensAt(t.options, t.now) != nil || alert.MonitorID == 0 || n > 0 && alert.MonitorID != monitorID {
			break
		}
		if n == 0 {
			monitorID = alert.MonitorID
			if on, err = t.openOn(ctx, monitorID); err != nil || !on.sharedByOthers(0) {
				return nil, nil, err
			}
			shared, err := t.readIncidentIfThere(ctx, on.outage.IncidentID)
			if err != nil || shared == nil {
				return nil, nil, err
			}
			was, incident, outage = *shared, *shared, *on.outage
		}
		f := t.of.Joined(alert, incident, outage, a.ids, t.now)
		if len(t.moveRows(incident, *f.Incident)) > 0 {
			break
		}
		joins := t.alarmWrites(ctx, f, &incident, on, t.now)[1:] // without the outage
		joins = slices.DeleteFunc(joins, func(w ddb.Write) bool { return w.Update != nil })
		writes = append(append(writes, joins...), t.table.Put(openSignalItem(monitorID, alert.ID, incident.ID)))
		writes = append(writes, a.alertWrites(marks[n], next.LinkedTo(incident.ID, monitorID), f.Alert)...)
		incident, outage = *f.Incident, f.Outage
		a.result.does = statuspage.SignalJoins
		done = append(done, a.result)
	}
	if len(done) == 0 {
		return nil, nil, nil
	}
	return append(writes, t.table.Change(incidentItem(was), incidentItem(incident)), t.table.Change(outageItem(monitorID, *on.outage), outageItem(monitorID, outage))), done, nil
}

// leaveTogether are the writes that end alerts whose incident others on their monitor still share.
// There are none for the first one that does anything else, and for those after it.
func (t *signalTaking) leaveTogether(ctx context.Context, some []*attempt, marks []*statuspage.SignalMark) (writes []ddb.Write, done []signalResult, err error) {
	monitorID := marks[0].MonitorID
	if monitorID == 0 {
		return nil, nil, nil
	}
	on, err := t.openOn(ctx, monitorID)
	if err != nil || on.outage == nil {
		return nil, nil, err
	}
	left, outage := on, *on.outage
	for n, a := range some {
		m := marks[n]
		if m.MonitorID != monitorID || !left.shares(m.AlertID) || !left.sharedByOthers(m.AlertID) {
			break
		}
		writes = append(writes, t.table.Update(alertKey(m.AlertID), endsAs(*m, t.now)), t.writeSignal(m, t.of.Resolved(m, a.signal, t.now), t.now))
		writes = append(writes, t.table.Delete(openSignalKey(monitorID, m.AlertID), nil))
		left.signals = slices.DeleteFunc(slices.Clone(left.signals), func(o openAlert) bool { return o.alertID == m.AlertID })
		outage = outage.Left(a.signal.EndedAt(t.now))
		done = append(done, a.result)
	}
	if len(done) == 0 {
		return nil, nil, nil
	}
	return append(writes, t.table.Change(outageItem(monitorID, *on.outage), outageItem(monitorID, outage))), done, nil
}
