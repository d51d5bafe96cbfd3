package dynamo

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"tocsin/internal/statuspage"
)

// Incident implements statuspage.IncidentStore.
func (s *Store) Incident(ctx context.Context, id int64) (statuspage.Incident, error) {
	it, err := s.get(ctx, incidentKey(id))
	if err != nil {
		return statuspage.Incident{}, err
	}
	if it == nil {
		return statuspage.Incident{}, statuspage.IncidentNotFound(id)
	}
	return readIncident(it)
}

// CreateIncident implements statuspage.IncidentStore.
func (s *Store) CreateIncident(ctx context.Context, n statuspage.NewIncident, now int64, once *statuspage.Once[statuspage.Incident]) (statuspage.Incident, error) {
	i := statuspage.Incident{
		Title: n.Title, Start: n.Start, End: n.End,
		State: statuspage.Investigating, Type: statuspage.TypeIncident, Source: n.Source,
		AutoCloseAfter: n.AutoCloseAfter,
		Created:        now, Updated: now, Version: 1,
	}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		i.ID, err = s.nextID(gctx, incidentIDs)
		return err
	})
	g.Go(func() (err error) {
		i.Monitors, err = s.resolve(gctx, n.Monitors)
		return err
	})
	if err := g.Wait(); err != nil {
		return statuspage.Incident{}, err
	}
	if err := statuspage.CheckTimes(i.Start, i.End); err != nil {
		return statuspage.Incident{}, err
	}
	for attempt := 0; ; attempt++ {
		writes := []types.TransactWriteItem{s.putNew(incidentItem(i))}
		for _, m := range i.Monitors {
			writes = append(writes, s.put(incidentRow(m.MonitorID, i)), s.checkMonitor(m))
		}
		refused, err := transactOnce(ctx, s, once, i, writes...)
		if err != nil {
			return statuspage.Incident{}, err
		}
		if refused == nil {
			return i, nil
		}
		// A monitor went, or went and came back as another, since it was read.
		if i.Monitors, err = s.resolve(ctx, n.Monitors); err != nil {
			return statuspage.Incident{}, err
		}
		if err := pause(ctx, attempt, errContended); err != nil {
			return statuspage.Incident{}, err
		}
	}
}

// resolve finds the monitors of the links asked for. It returns UnknownMonitor for
// the first tag that has none.
func (s *Store) resolve(ctx context.Context, links []statuspage.MonitorImpact) ([]statuspage.AffectedMonitor, error) {
	tags := make([]string, len(links))
	for i, l := range links {
		tags[i] = l.Tag
	}
	ids, err := s.monitorIDs(ctx, tags)
	if err != nil {
		return nil, err
	}
	affected := make([]statuspage.AffectedMonitor, len(links))
	for i, l := range links {
		id, ok := ids[l.Tag]
		if !ok {
			return nil, statuspage.UnknownMonitor(l.Tag)
		}
		affected[i] = statuspage.AffectedMonitor{Tag: l.Tag, MonitorID: id, Impact: l.Impact}
	}
	return affected, nil
}

// incidentRow is the incident's row under one of its monitors.
func incidentRow(monitorID int64, i statuspage.Incident) item {
	return incidentRowKey(monitorID, i.Start, i.ID).attributes()
}

// checkMonitor asks that the monitor still exists and is the same one.
func (s *Store) checkMonitor(m statuspage.AffectedMonitor) types.TransactWriteItem {
	return s.check(monitorKey(m.Tag), newExpr().ifCompare(attrID, "=", attrID, num(m.MonitorID)))
}

// worked is what every write of a person changes of an incident: its update time and
// its version rise, and the closer's warning is taken back.
func (e *expr) worked(now int64) *expr {
	return e.set(attrUpdated, num(now)).increment(attrVersion).remove(attrWarned).remove(attrWarnedOf)
}

// UpdateIncident implements statuspage.IncidentStore. A patch of title and end that
// expects nothing needs no read: it is one conditional write.
func (s *Store) UpdateIncident(ctx context.Context, id int64, p statuspage.IncidentPatch, now int64, expected statuspage.Precondition) (statuspage.Incident, error) {
	if p.Start.IsSet() || p.Monitors.IsSet() || expected != nil {
		return s.updateAsRead(ctx, id, p, now, expected)
	}
	e := patchExpr(p, now).ifExists()
	end, ends := p.End.Get()
	if ends {
		e.ifCompare(attrStart, "<=", attrEnd, num(end))
	}
	it, refused, err := s.updateInPlace(ctx, incidentKey(id), e, attrRequest, newToken())
	switch {
	case err != nil:
		return statuspage.Incident{}, err
	case it == nil:
		return statuspage.Incident{}, statuspage.IncidentNotFound(id)
	case refused:
		return statuspage.Incident{}, statuspage.ErrEndBeforeStart
	}
	return readIncident(it)
}

// patchExpr sets what the patch carries, but for start and monitors, which move
// rows too.
func patchExpr(p statuspage.IncidentPatch, now int64) *expr {
	e := newExpr().worked(now)
	if title, ok := p.Title.Get(); ok {
		e.set(attrTitle, str(title))
	}
	if end, ok := p.End.Get(); ok {
		e.set(attrEnd, num(end))
	}
	// What the legacy API knew better, see LegacyFields.Patched.
	if p.Start.IsSet() {
		e.remove(attrNoStart).remove(attrStartSeconds)
	}
	if p.End.IsSet() {
		e.remove(attrEndSeconds)
	}
	if p.Monitors.IsSet() {
		e.remove(attrNoImpact)
	}
	if p.AutoCloseAfter.IsSet() {
		e.set(attrAutoClose, optNum(p.AutoCloseAfter))
	}
	if p.Reopens() {
		e.remove(attrEnd).remove(attrClosed).set(attrGSI2PK, openOrClosed(false))
	}
	return e
}

// updateAsRead applies a patch that changes the start or the monitors, and with
// them the incident's rows, or that expects something of the incident: it reads
// first and writes only to the version read.
func (s *Store) updateAsRead(ctx context.Context, id int64, p statuspage.IncidentPatch, now int64, expected statuspage.Precondition) (statuspage.Incident, error) {
	links, relinks := p.Monitors.Get()
	for attempt := 0; ; attempt++ {
		var old statuspage.Incident
		var asked []statuspage.AffectedMonitor
		var askedErr error
		g, gctx := errgroup.WithContext(ctx)
		g.Go(func() (err error) {
			old, err = s.Incident(gctx, id)
			return err
		})
		if relinks {
			g.Go(func() error {
				// A missing incident is the first error, so keep this one for later.
				asked, askedErr = s.resolve(gctx, links)
				return nil
			})
		}
		if err := g.Wait(); err != nil {
			return statuspage.Incident{}, err
		}
		if askedErr != nil {
			return statuspage.Incident{}, askedErr
		}
		if !relinks {
			asked = old.Monitors
			if attempt > 0 {
				// The last try may have failed because a linked monitor went.
				var err error
				if asked, err = s.stillThere(ctx, old.Monitors); err != nil {
					return statuspage.Incident{}, err
				}
			}
		}
		next, err := patched(old, asked, p, now)
		if err != nil {
			return statuspage.Incident{}, err
		}
		if expected != nil && !expected(old) {
			return statuspage.Incident{}, statuspage.ErrIncidentChanged
		}
		refused, err := s.transact(ctx, s.relinkWrites(old, next, patchExpr(p, now))...)
		if err != nil {
			return statuspage.Incident{}, err
		}
		if refused == nil {
			return next, nil
		}
		if err := pause(ctx, attempt, errContended); err != nil {
			return statuspage.Incident{}, err
		}
	}
}

// patched returns the incident as it is after the patch.
func patched(old statuspage.Incident, asked []statuspage.AffectedMonitor, p statuspage.IncidentPatch, now int64) (statuspage.Incident, error) {
	next := old
	next.Title = p.Title.Or(old.Title)
	next.Start = p.Start.Or(old.Start)
	next.End = p.End.Ptr(old.End)
	if p.Reopens() {
		next.Closed = nil
	}
	next.Monitors = statuspage.RelinkMonitors(old.Monitors, asked)
	next.Legacy = old.Legacy.Patched(p)
	if p.AutoCloseAfter.IsSet() {
		next.AutoCloseAfter = p.AutoCloseAfter
	}
	next.Warning = nil
	next.Updated = now
	next.Version++
	if p.Start.IsSet() || p.End.IsSet() {
		if err := statuspage.CheckTimes(next.Start, next.End); err != nil {
			return statuspage.Incident{}, err
		}
	}
	return next, nil
}

// relinkWrites turns old into next, with e for what changes beside start and monitors:
// at most the incident, 32 rows that go, 32 that come and 32 checks that their monitors
// exist.
func (s *Store) relinkWrites(old, next statuspage.Incident, e *expr) []types.TransactWriteItem {
	e.ifVersion(old.Version)
	e.set(attrMonitors, affectedList(next.Monitors))
	if next.Start != old.Start {
		e.set(attrStart, num(next.Start)).set(attrGSI1SK, str(timeAndID(next.Start, next.ID)))
	}
	writes := []types.TransactWriteItem{s.update(incidentKey(next.ID), e)}
	for _, m := range old.Monitors {
		if next.Start != old.Start || !linked(next, m.MonitorID) {
			writes = append(writes, s.remove(incidentRowKey(m.MonitorID, old.Start, old.ID), nil))
		}
	}
	for _, m := range next.Monitors {
		if next.Start != old.Start || !linked(old, m.MonitorID) {
			writes = append(writes, s.put(incidentRow(m.MonitorID, next)), s.checkMonitor(m))
		}
	}
	return writes
}

func linked(i statuspage.Incident, monitorID int64) bool {
	return slices.ContainsFunc(i.Monitors, func(m statuspage.AffectedMonitor) bool { return m.MonitorID == monitorID })
}

// stillThere returns the links whose monitors exist.
func (s *Store) stillThere(ctx context.Context, links []statuspage.AffectedMonitor) ([]statuspage.AffectedMonitor, error) {
	tags := make([]string, len(links))
	for i, l := range links {
		tags[i] = l.Tag
	}
	ids, err := s.monitorIDs(ctx, tags)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(links), func(l statuspage.AffectedMonitor) bool {
		id, ok := ids[l.Tag]
		return !ok || id != l.MonitorID
	}), nil
}

// DeleteIncident implements statuspage.IncidentStore. The incident goes in one
// transaction that leaves a CLEANUP row; what is left under it is invisible from
// then on and goes next, or by Cleanup after a crash.
func (s *Store) DeleteIncident(ctx context.Context, id int64, now int64, expected statuspage.Precondition) error {
	alertGone := false
	for attempt := 0; ; attempt++ {
		i, rest, err := s.readForDeletion(ctx, id)
		if err != nil {
			return err
		}
		if expected != nil && !expected(i) {
			return statuspage.ErrIncidentChanged
		}
		writes := []types.TransactWriteItem{
			s.remove(incidentKey(id), newExpr().ifVersion(i.Version)),
			s.put(cleanupItem(cleanupIncident, id, now)),
		}
		for _, m := range i.Monitors {
			writes = append(writes, s.remove(incidentRowKey(m.MonitorID, i.Start, id), nil))
		}
		last := len(writes)
		if i.AlertID != nil && !alertGone {
			writes = append(writes, s.update(alertKey(*i.AlertID), newExpr().ifExists().increment(attrVersion).remove(attrIncidentID)))
		}
		refused, err := s.transact(ctx, writes...)
		if err != nil {
			return err
		}
		if refused == nil {
			s.finishLater(ctx, s.finishIncident(ctx, id, rest))
			return nil
		}
		alertGone = alertGone || refused.failed(last) // its monitor was deleted
		if err := pause(ctx, attempt, errContended); err != nil {
			return err
		}
	}
}
