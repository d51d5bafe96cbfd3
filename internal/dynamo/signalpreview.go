package dynamo

import (
	"cmp"
	"context"

	"golang.org/x/sync/errgroup"

	"tocsin/internal/statuspage"
)

// PreviewSignals returns what TakeSignals would do with the signals, in their order, and writes
// nothing. Of several that share an incident each is looked at as if the others did not.
func (s *Store) PreviewSignals(ctx context.Context, i statuspage.Integration, signals []statuspage.Signal, now int64) ([]statuspage.SignalPlan, error) {
	t := s.taking(i, 1, now)
	plans := make([]statuspage.SignalPlan, len(signals))
	marks := map[string]*statuspage.SignalMark{}
	for n, signal := range signals {
		a := &attempt{signalTaking: t, signal: signal, impact: t.options.ImpactOf(signal), choices: t.options.Concerns(signal)}
		m, known := marks[signal.Key]
		if !known {
			it, err := s.table.Get(ctx, signalKey(i.ID, signal.Key))
			if err != nil {
				return nil, err
			}
			if m, err = readLiveSignal(it, now); err != nil {
				return nil, err
			}
		}
		var err error
		if plans[n], marks[signal.Key], err = a.preview(ctx, m); err != nil {
			return nil, err
		}
	}
	return plans, nil
}

// preview returns what the signal would do to the problem of the mark, and the mark after it.
func (a *attempt) preview(ctx context.Context, m *statuspage.SignalMark) (statuspage.SignalPlan, *statuspage.SignalMark, error) {
	p := statuspage.SignalPlan{Signal: a.signal, Impact: a.impact}
	if p.Does, p.Reason = m.Asks(a.signal, a.impact, a.now); a.signal.Key == "" {
		p.Does = statuspage.SignalDoesNothing
	}
	switch p.Does {
	case statuspage.SignalRepeats, statuspage.SignalWorsens:
		next := a.of.Repeated(*m, a.signal, a.impact, a.now)
		p.Does, p.Reason = statuspage.SignalRepeats, m.Trouble
		return p, &next, nil
	case statuspage.SignalResolves, statuspage.SignalRemembered:
		next := a.of.Resolved(m, a.signal, a.now)
		if p.Does == statuspage.SignalRemembered {
			p.Does = statuspage.SignalDoesNothing
		}
		return p, &next, nil
	case statuspage.SignalOpens:
	default:
		return p, m, nil
	}
	if err := a.readMonitors(ctx); err != nil {
		return p, m, err
	}
	monitors, unknown := statuspage.Choose(a.choices, a.monitors, a.impact)
	alert := a.of.Alert(1, a.signal, a.impact, monitors, a.now)
	next := a.of.Fired(m, a.signal, alert.ID, a.impact, a.now)
	p.Monitors, p.Unknown = alert.Signal.Tags(), unknown
	reason, trouble := said(a.options, a.signal, *alert.Signal, unknown)
	p.Reason = cmp.Or(trouble, reason)
	switch opens := alert.Signal.OpensAt(a.options, a.now); {
	case !alert.Signal.Incidental(a.options):
		return p, &next, nil
	case opens != nil:
		p.Does = statuspage.SignalWaits
		return p, &next, nil
	}
	var r around
	g, gctx := errgroup.WithContext(ctx)
	a.lookAround(gctx, g, m, alert.MonitorID, &r)
	if err := g.Wait(); err != nil {
		return p, &next, err
	}
	_, next, _, err := a.attach(ctx, alert, next, r)
	p.Does = a.result.does
	return p, &next, err
}
