package dynamo

import (
	"context"
	"errors"

	"tocsin/internal/ddb"
	"tocsin/internal/statuspage"
)

// DueSignals implements signals.Store.
func (s *Store) DueSignals(ctx context.Context, now int64, most int) ([]statuspage.SignalMark, error) {
	items, _, err := s.table.Page(ctx, ddb.Query{
		Index: ddb.GSI2, PK: dueSignals, Low: timeAndID(0, 0), High: maxTimeAndID(now), Limit: most,
	}, nil)
	if err != nil {
		return nil, err
	}
	return ddb.Each(readSignal)(ctx, items)
}

// SettleSignal implements signals.Store.
func (s *Store) SettleSignal(ctx context.Context, due statuspage.SignalMark, now int64) (statuspage.SignalDoing, error) {
	i, err := s.Integration(ctx, due.Integration)
	if e, is := errors.AsType[*statuspage.Error](err); is && e.Code == statuspage.CodeNotFound {
		return statuspage.SignalDoesNothing, nil // its deletion ends the alert
	}
	if err != nil {
		return "", err
	}
	t := s.taking(i, 1, now)
	a := &attempt{signalTaking: t, signal: statuspage.Signal{Key: due.Key}}
	ctx = t.actor(ctx)
	err = ddb.Retry(ctx, func() (done bool, err error) { return a.settle(ctx) })
	return a.result.does, err
}

// settle does what is due about the mark as it is.
func (a *attempt) settle(ctx context.Context) (done bool, err error) {
	a.result = signalResult{does: statuspage.SignalDoesNothing}
	it, err := a.table.Get(ctx, signalKey(a.of.ID, a.signal.Key))
	if err != nil {
		return false, err
	}
	m, err := readLiveSignal(it, a.now)
	if err != nil || m == nil || !m.Open {
		return true, err
	}
	past := func(t *int64) bool { return t != nil && *t <= a.now }
	var writes []ddb.Write
	switch {
	case past(m.Over):
		a.result.does = statuspage.SignalResolves
		next := m.Closed(a.now)
		next.Version++
		writes, err = a.resolve(ctx, *m, next, statuspage.Signal{}, func(i statuspage.Incident, recovered, comment int64) (statuspage.Incident, statuspage.Comment, bool) {
			return a.of.Over(i, *m, recovered, comment, a.now)
		})
	case past(m.Opens):
		next := m.Told()
		next.Opens, next.Stale = nil, m.Stale
		writes, err = a.withAlert(ctx, *m, next, func(alert statuspage.Alert) statuspage.Alert { return alert.Touched(a.now) })
	case past(m.Stale):
		a.result.does = statuspage.SignalNotes
		writes, err = a.silent(ctx, *m)
	}
	if err != nil || len(writes) == 0 {
		return true, err
	}
	return a.transact(ctx, writes)
}

// silent are the writes that tell of a tool that has fallen silent about an alert.
func (a *attempt) silent(ctx context.Context, m statuspage.SignalMark) ([]ddb.Write, error) {
	return a.say(ctx, m, m.Told(), func(i statuspage.Incident) (statuspage.Incident, statuspage.Comment, bool) {
		return a.of.Silent(i, m, a.ids.Comment, a.now)
	})
}

// SignalsOf implements closer.Store. It follows a write within moments.
func (s *Store) SignalsOf(ctx context.Context, incidentID int64) ([]statuspage.SignalMark, error) {
	var marks []statuspage.SignalMark
	q := ddb.Query{Index: ddb.GSI1, PK: incidentSignals, Low: padID(incidentID) + "#", High: padID(incidentID) + "#~"}
	for it, err := range s.table.Items(ctx, q) {
		if err != nil {
			return nil, err
		}
		m, err := readSignal(it)
		if err != nil {
			return nil, err
		}
		marks = append(marks, m)
	}
	return marks, nil
}
