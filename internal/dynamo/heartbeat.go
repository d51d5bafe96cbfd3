package dynamo

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"tocsin/internal/ddb"
	"tocsin/internal/statuspage"
)

const (
	allHeartbeats           = "HEARTBEATS"
	pingedIntegrationPrefix = "INTEGRATION#"
	pingedMonitorPrefix     = "MONITOR#"
)

// heartbeatKept is for how many seconds a row is kept after the last ping: longer than the longest
// period and grace.
const heartbeatKept = 800 * daySeconds

func heartbeatKey(integrationID int64) ddb.Key {
	return ddb.Key{PK: allHeartbeats, SK: pingedIntegrationPrefix + padID(integrationID)}
}

func pingedMonitorKey(monitorID int64) ddb.Key {
	return ddb.Key{PK: allHeartbeats, SK: pingedMonitorPrefix + padID(monitorID)}
}

// Attributes of a heartbeat's row, beside those shared with other items.
const (
	attrSucceeded = "succeeded"
	attrFailed    = "failed"
	attrStarted   = "started"
	attrRun       = "run"
)

func readHeartbeat(it ddb.Item, now int64) (statuspage.HeartbeatState, error) {
	if it == nil || ddb.Expired(it, now) {
		return statuspage.HeartbeatState{}, nil
	}
	r := ddb.Reader{Item: it}
	s := statuspage.HeartbeatState{
		Succeeded: r.NumOrZero(attrSucceeded), Failed: r.NumOrZero(attrFailed), Started: r.NumOrZero(attrStarted), Run: r.StrOrEmpty(attrRun),
		Version: r.Num(ddb.AttrVersion),
	}
	return s, r.Err
}

// Ping keeps what a ping says of the job of an integration, and sets a point of its monitor: UP
// after a success, DOWN after a failure, none after anything else, or while the integration is not
// active. It may be done twice. It returns MonitorNotFound when there is no such monitor; the
// state is kept then too.
func (s *Store) Ping(ctx context.Context, i statuspage.Integration, p statuspage.Ping) error {
	if p.Kind == statuspage.PingLog {
		return nil
	}
	k, now := heartbeatKey(i.ID), p.At/1000
	state, err := s.heartbeat(ctx, k, now)
	if err != nil {
		return err
	}
	var kept, recorded error
	var g sync.WaitGroup
	g.Go(func() { kept = s.keepPing(ctx, k, state, p) })
	if i.Active && p.Kind != statuspage.PingStart {
		point := statuspage.Point{Time: statuspage.FloorMinute(now), Status: statuspage.StatusUp, Source: statuspage.SourceProbe}
		if p.Kind == statuspage.PingFail {
			point.Status = statuspage.StatusDown
		}
		_, point.Latency = state.After(p)
		g.Go(func() { recorded = s.RecordPoint(ctx, i.Settings().Heartbeat.Monitor, point, now) })
	}
	g.Wait()
	return cmp.Or(kept, recorded)
}

func (s *Store) heartbeat(ctx context.Context, k ddb.Key, now int64) (statuspage.HeartbeatState, error) {
	it, err := s.table.Get(ctx, k)
	if err != nil {
		return statuspage.HeartbeatState{}, err
	}
	return readHeartbeat(it, now)
}

// keepPing writes the state after a ping. state is the one before, as it was read.
func (s *Store) keepPing(ctx context.Context, k ddb.Key, state statuspage.HeartbeatState, p statuspage.Ping) error {
	now := p.At / 1000
	return ddb.Retry(ctx, func() (done bool, err error) {
		next, _ := state.After(p)
		if next == state {
			return true, nil
		}
		e := ddb.NewExpr()
		if state.Version == 0 {
			e.IfGone(now)
		} else {
			e.IfEqual(ddb.AttrVersion, ddb.Num(state.Version))
		}
		e.Set(ddb.AttrVersion, ddb.Num(state.Version+1)).Set(ddb.AttrTTL, ddb.Num(now+heartbeatKept))
		for name, of := range map[string]int64{attrSucceeded: next.Succeeded, attrFailed: next.Failed, attrStarted: next.Started} {
			if of == 0 {
				e.Remove(name)
			} else {
				e.Set(name, ddb.Num(of))
			}
		}
		if next.Run == "" {
			e.Remove(attrRun)
		} else {
			e.Set(attrRun, ddb.Str(next.Run))
		}
		_, refused, err := s.table.UpdateAtLeastOnce(ctx, k, e)
		if err != nil || !refused {
			return true, err
		}
		// Another ping came between, or a try of this one whose answer was lost.
		state, err = s.heartbeat(ctx, k, now)
		return false, err
	})
}

// PingMonitor sets a point UP of the monitor with the tag for a ping at now (UTC seconds), and
// keeps when it was. It may be done twice. It returns ErrNoPingedMonitor for a monitor that takes
// no pings, and ErrPingSecret for another secret than the monitor's.
func (s *Store) PingMonitor(ctx context.Context, tag, secret string, now int64) error {
	if !statuspage.ValidTag(tag) {
		return statuspage.ErrNoPingedMonitor
	}
	m, err := find(ctx, s, monitorKey(tag), readMonitor, func() error { return statuspage.ErrNoPingedMonitor })
	switch {
	case err != nil:
		return err
	case !m.TakesPings():
		return statuspage.ErrNoPingedMonitor
	case !m.HasPingSecret(secret):
		return statuspage.ErrPingSecret
	}
	var g errgroup.Group
	g.Go(func() error {
		e := ddb.NewExpr().Raise(attrSucceeded, now*1000).Add(ddb.AttrVersion, 1).
			Set(ddb.AttrTTL, ddb.Num(now+heartbeatKept)).Set(attrTag, ddb.Str(tag))
		_, _, err := s.table.UpdateAtLeastOnce(ctx, pingedMonitorKey(m.ID), e) // refused: a later ping is kept
		return err
	})
	g.Go(func() error {
		point := statuspage.Point{Time: statuspage.FloorMinute(now), Status: statuspage.StatusUp, Source: statuspage.SourceProbe}
		return s.RecordPoint(ctx, tag, point, now)
	})
	return g.Wait()
}

// Heartbeats implements heartbeats.Store: two queries, and one more read when monitors are
// pinged in Kener's way. Integrations are read eventually consistent: one that was
// changed a moment ago may be as it was.
func (s *Store) Heartbeats(ctx context.Context, now int64) (statuspage.Heartbeats, error) {
	var all statuspage.Heartbeats
	rows := map[ddb.Key]ddb.Item{}
	for it, err := range s.table.Items(ctx, ddb.Query{PK: allIntegrations, Eventual: true}) {
		if err != nil {
			return all, err
		}
		i, err := readIntegration(it)
		if err != nil {
			return all, err
		}
		if i.Kind == statuspage.KindHeartbeat {
			all.Jobs = append(all.Jobs, statuspage.Job{Integration: i})
		}
	}
	for it, err := range s.table.Items(ctx, ddb.Query{PK: allHeartbeats}) {
		if err != nil {
			return all, err
		}
		rows[ddb.KeyOf(it)] = it
	}
	for n := range all.Jobs {
		k := heartbeatKey(all.Jobs[n].Integration.ID)
		var err error
		if all.Jobs[n].State, err = readHeartbeat(rows[k], now); err != nil {
			return all, err
		}
		delete(rows, k)
	}
	var err error
	all.Monitors, err = s.pingedMonitors(ctx, rows)
	return all, err
}

// pingedMonitors returns the monitors that the rows are of. Rows whose monitor or integration was
// deleted go: no other one gets its id.
func (s *Store) pingedMonitors(ctx context.Context, rows map[ddb.Key]ddb.Item) ([]statuspage.PingedMonitor, error) {
	of, wanted := map[ddb.Key]ddb.Key{}, map[ddb.Key]bool{} // what a row is of, and all of that once
	last := map[ddb.Key]int64{}
	for k, it := range rows {
		r := ddb.Reader{Item: it}
		last[k] = r.NumOrZero(attrSucceeded) / 1000
		digits, isMonitor := strings.CutPrefix(k.SK, pingedMonitorPrefix)
		if isMonitor {
			of[k] = monitorKey(r.Str(attrTag))
		} else {
			id, err := parseID(strings.TrimPrefix(digits, pingedIntegrationPrefix))
			if err != nil {
				return nil, err
			}
			of[k] = integrationKey(id)
		}
		if r.Err != nil {
			return nil, r.Err
		}
		wanted[of[k]] = true
	}
	found, err := s.table.BatchGet(ctx, slices.Collect(maps.Keys(wanted)))
	if err != nil {
		return nil, err
	}
	var monitors []statuspage.PingedMonitor
	var gone []ddb.Write
	for k := range rows {
		it := found[of[k]]
		switch {
		case it == nil:
			gone = append(gone, s.table.Delete(k, nil))
		case strings.HasPrefix(k.SK, pingedMonitorPrefix):
			m, err := readMonitor(it)
			if err != nil {
				return nil, err
			}
			if k != pingedMonitorKey(m.ID) { // another one has the tag now
				gone = append(gone, s.table.Delete(k, nil))
			} else if m.TakesPings() {
				monitors = append(monitors, statuspage.PingedMonitor{Monitor: m, Last: last[k]})
			}
		}
	}
	for chunk := range slices.Chunk(gone, ddb.MaxWrites) {
		if _, err := s.table.Transact(ctx, chunk...); err != nil {
			return nil, err
		}
	}
	return monitors, nil
}
