package dynamo

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"tocsin/internal/ddb"
	"tocsin/internal/statuspage"
)

const (
	incidentPrefix = "INCIDENT#"
	allIncidents   = "INCIDENTS" // partition of gsi1
	openOnes       = "OPEN"      // partitions of gsi2 and gsi3
	closedOnes     = "CLOSED"
)

func incidentPK(id int64) string { return incidentPrefix + strconv.FormatInt(id, 10) }

func incidentKey(id int64) ddb.Key { return ddb.Key{PK: incidentPK(id), SK: meta} }

const incidentRowPrefix = "INCIDENT#"

// incidentRowKey is the row of an incident under one of its monitors.
func incidentRowKey(monitorID, start, id int64) ddb.Key {
	return ddb.Key{PK: monitorPK(monitorID), SK: incidentRowPrefix + timeAndID(start, id)}
}

// Attributes of an incident, and those that other records have too.
const (
	attrTitle    = "title"
	attrStart    = "start"
	attrEnd      = "end"
	attrState    = "state"
	attrType     = "type"
	attrSource   = "source"
	attrMonitors = "monitors"
	attrClosed   = "closed"
	attrTag      = "tag"
	attrImpact   = "impact"
	attrAlert    = "alert_id"
	attrAlertOn  = "alert_monitor_id"
	attrHandled  = "handled"
	attrCreated  = "created"
	attrUpdated  = "updated"

	// For the legacy API; there only when they say something, see statuspage.LegacyFields.
	attrNoStart      = "no_start"
	attrStartSeconds = "start_seconds"
	attrEndSeconds   = "end_seconds"
	attrOrphan       = "orphan"
	attrNoImpact     = "no_impact"
	attrIdentified   = "identified"
	attrMaintenance  = "maintenance"

	attrAutoClose = "auto_close" // seconds, or NULL for never
	attrWarned    = "warned"     // UTC seconds: of the closer's warning
	attrWarnedOf  = "warned_of"  // UTC seconds: the last activity that it knew
)

// openOrClosed is the partition of gsi2 and gsi3 that an incident is in.
func openOrClosed(closed bool) string {
	if closed {
		return closedOnes
	}
	return openOnes
}

func incidentItem(i statuspage.Incident) ddb.Item {
	it := incidentKey(i.ID).Item()
	it[ddb.AttrGSI1PK] = ddb.Str(allIncidents)
	it[ddb.AttrGSI1SK] = ddb.Str(timeAndID(i.Start, i.ID))
	it[ddb.AttrGSI2PK] = ddb.Str(openOrClosed(i.Closed != nil))
	it[ddb.AttrGSI2SK] = ddb.Str(timeAndID(i.Created, i.ID))
	it[ddb.AttrID] = ddb.Num(i.ID)
	it[attrTitle] = ddb.Str(i.Title)
	it[attrStart] = ddb.Num(i.Start)
	ddb.PutNum(it, attrEnd, i.End)
	it[attrState] = ddb.Str(string(i.State))
	it[attrType] = ddb.Str(i.Type)
	it[attrSource] = ddb.Str(i.Source)
	it[attrMonitors] = affectedList(i.Monitors)
	if i.Orphan != "" {
		it[attrOrphan] = ddb.Str(string(i.Orphan))
	}
	ddb.PutNum(it, attrAlert, i.AlertID)
	if i.AlertMonitorID != 0 {
		it[attrAlertOn] = ddb.Num(i.AlertMonitorID)
	}
	ddb.PutFlag(it, attrHandled, i.Handled)
	if i.AutoCloseAfter.IsSet() {
		it[attrAutoClose] = ddb.OptNum(i.AutoCloseAfter)
	}
	if i.Warning != nil {
		it[attrWarned], it[attrWarnedOf] = ddb.Num(i.Warning.Time), ddb.Num(i.Warning.Activity)
	}
	it[attrCreated] = ddb.Num(i.Created)
	it[attrUpdated] = ddb.Num(i.Updated)
	ddb.PutNum(it, attrClosed, i.Closed)
	it[ddb.AttrVersion] = ddb.Num(i.Version)
	for name, n := range map[string]int64{
		attrNoStart: flag(i.Legacy.NoStart), attrStartSeconds: i.Legacy.StartSeconds, attrEndSeconds: i.Legacy.EndSeconds,
		attrNoImpact: flag(i.Legacy.NoImpact), attrIdentified: flag(i.Legacy.Identified), attrMaintenance: flag(i.Legacy.Maintenance),
	} {
		if n != 0 {
			it[name] = ddb.Num(n)
		}
	}
	return it
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// incidentFields are the attributes that readIncident needs.
var incidentFields = []string{
	ddb.AttrID, attrTitle, attrStart, attrEnd, attrState, attrType, attrSource, attrMonitors, attrAlert, attrAlertOn, attrCreated, attrUpdated, attrClosed, ddb.AttrVersion,
	attrNoStart, attrStartSeconds, attrEndSeconds, attrNoImpact, attrIdentified, attrMaintenance,
	attrAutoClose, attrWarned, attrWarnedOf, attrOrphan, attrHandled,
}

func affectedList(monitors []statuspage.AffectedMonitor) types.AttributeValue {
	return ddb.ListOf(monitors, func(m statuspage.AffectedMonitor) types.AttributeValue {
		return ddb.Map(ddb.Item{attrTag: ddb.Str(m.Tag), ddb.AttrID: ddb.Num(m.MonitorID), attrImpact: ddb.Str(string(m.Impact))})
	})
}

func readAffected(it ddb.Item) (statuspage.AffectedMonitor, error) {
	r := ddb.Reader{Item: it}
	m := statuspage.AffectedMonitor{Tag: r.Str(attrTag), MonitorID: r.Num(ddb.AttrID), Impact: statuspage.Impact(r.Str(attrImpact))}
	return m, r.Err
}

func readIncident(it ddb.Item) (statuspage.Incident, error) {
	r := ddb.Reader{Item: it}
	i := statuspage.Incident{
		ID:       r.Num(ddb.AttrID),
		Title:    r.Str(attrTitle),
		Start:    r.Num(attrStart),
		End:      r.OptNum(attrEnd),
		State:    statuspage.State(r.Str(attrState)),
		Type:     r.Str(attrType),
		Source:   r.Str(attrSource),
		Monitors: ddb.ReadList(&r, attrMonitors, readAffected),
		AlertID:  r.OptNum(attrAlert),
		Created:  r.Num(attrCreated),
		Updated:  r.Num(attrUpdated),
		Closed:   r.OptNum(attrClosed),
		Version:  r.Num(ddb.AttrVersion),
		Legacy: statuspage.LegacyFields{
			NoStart: r.Has(attrNoStart), StartSeconds: r.NumOrZero(attrStartSeconds), EndSeconds: r.NumOrZero(attrEndSeconds),
			NoImpact: r.Has(attrNoImpact), Identified: r.Has(attrIdentified), Maintenance: r.Has(attrMaintenance),
		},
		AutoCloseAfter: r.Field(attrAutoClose),
		AlertMonitorID: r.NumOrZero(attrAlertOn),
		Handled:        r.Has(attrHandled),
		Orphan:         statuspage.Orphan(r.StrOrEmpty(attrOrphan)),
	}
	if warned := r.OptNum(attrWarned); warned != nil {
		i.Warning = &statuspage.CloserWarning{Time: *warned, Activity: r.Num(attrWarnedOf)}
	}
	return i, r.Err
}

// Incident implements apiv4.IncidentStore.
func (s *Store) Incident(ctx context.Context, id int64) (statuspage.Incident, error) {
	return find(ctx, s, incidentKey(id), readIncident, func() error { return statuspage.IncidentNotFound(id) })
}

// IncidentsByID returns the incidents with the ids; one that does not exist is missing.
func (s *Store) IncidentsByID(ctx context.Context, ids []int64) (map[int64]statuspage.Incident, error) {
	keys := make([]ddb.Key, len(ids))
	for n, id := range ids {
		keys[n] = incidentKey(id)
	}
	found, err := s.table.BatchGet(ctx, keys)
	if err != nil {
		return nil, err
	}
	incidents := make(map[int64]statuspage.Incident, len(found))
	for _, it := range found {
		i, err := readIncident(it)
		if err != nil {
			return nil, err
		}
		incidents[i.ID] = i
	}
	return incidents, nil
}

// Incidents implements apiv4.IncidentStore. Without tags it reads an index,
// which follows a write within moments; with tags it reads the rows under the
// monitors and then the incidents, strongly consistent.
func (s *Store) Incidents(ctx context.Context, q statuspage.IncidentQuery, take func(statuspage.Incident) bool) (*statuspage.IncidentPosition, error) {
	low, high := timeAndID(q.From, 0), maxTimeAndID(q.To)
	if q.After != nil {
		high = min(high, timeAndID(q.After.Start, q.After.ID-1))
	}
	if q.Tags != nil {
		return s.taggedIncidents(ctx, q, low, high, take)
	}
	in := ddb.Query{Index: ddb.GSI1, PK: allIncidents, Low: low, High: high, Newest: true, Limit: q.Limit + 1}
	if q.Open != nil {
		in.Index, in.PK = ddb.GSI3, openOrClosed(!*q.Open)
	}
	return ddb.List(ctx, s.table, ddb.Listing[statuspage.Incident, *statuspage.IncidentPosition]{
		Query: in, Read: ddb.Each(readIncident), Take: take, After: q.After, Position: func(i statuspage.Incident) *statuspage.IncidentPosition {
			return &statuspage.IncidentPosition{Start: i.Start, ID: i.ID}
		},
	})
}

// maxIncidentWrites is how many writes of a transaction a change of an incident takes: the
// incident, a row deleted and one written for each of its monitors, the change row, and the
// legacy body or the reply of a claim. A closing takes as many: two hours of each monitor,
// and the comment.
const maxIncidentWrites = 3 + 2*statuspage.MaxIncidentMonitors

var _ [ddb.MaxWrites - maxIncidentWrites]struct{} // so many are left

// CreateIncident implements apiv4.IncidentStore.
func (s *Store) CreateIncident(ctx context.Context, n statuspage.NewIncident, now int64, once *statuspage.Once[statuspage.Incident]) (statuspage.Incident, error) {
	id, monitors, err := s.beforeIncident(ctx, func(ctx context.Context) ([]statuspage.AffectedMonitor, error) { return s.resolve(ctx, n.Monitors) })
	if err != nil {
		return statuspage.Incident{}, err
	}
	i, err := n.Opened(id, monitors, now)
	if err != nil {
		return statuspage.Incident{}, err
	}
	return i, s.createIncident(ctx, i, completion(s, once, i), now)
}

// beforeIncident draws the id of a new incident and finds its monitors, at once.
func (s *Store) beforeIncident(ctx context.Context, resolve func(context.Context) ([]statuspage.AffectedMonitor, error)) (id int64, monitors []statuspage.AffectedMonitor, err error) {
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		id, err = s.nextID(gctx, IncidentIDs)
		return err
	})
	g.Go(func() (err error) {
		monitors, err = resolve(gctx)
		return err
	})
	return id, monitors, g.Wait()
}

// createIncident writes a new incident, together with also. No condition asks that its
// monitors still exist: the deletion of a monitor looks for such incidents once more, when
// every write that read the monitor has ended, see sweepAgain.
func (s *Store) createIncident(ctx context.Context, i statuspage.Incident, completion []ddb.Write, now int64, also ...ddb.Write) error {
	writes := append(s.newIncident(i), also...)
	writes = append(writes, s.changeRow(ctx, statuspage.Change{Record: statuspage.RecordIncident, ID: i.ID, Version: i.Version, What: statuspage.Created}, now))
	refused, err := s.transact(ctx, completion, writes...)
	if err == nil && refused != nil {
		err = errors.New("the id that was drawn for an incident is taken")
	}
	return err
}

// newIncident are the writes that make an incident and its rows.
func (s *Store) newIncident(i statuspage.Incident) []ddb.Write {
	items := IncidentItems(i)
	writes := []ddb.Write{s.table.PutNew(items[0])}
	for _, row := range items[1:] {
		writes = append(writes, s.table.Put(row))
	}
	return writes
}

// IncidentItems are the items of an incident: the record, then its row under each of its
// monitors.
func IncidentItems(i statuspage.Incident) []ddb.Item {
	items := []ddb.Item{incidentItem(i)}
	for _, m := range i.Monitors {
		items = append(items, incidentRowKey(m.MonitorID, i.Start, i.ID).Item())
	}
	return items
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

// UpdateIncident implements apiv4.IncidentStore.
func (s *Store) UpdateIncident(ctx context.Context, id int64, p statuspage.IncidentPatch, now int64, expected statuspage.Precondition) (statuspage.Incident, error) {
	var old statuspage.Incident
	var asked []statuspage.AffectedMonitor
	var askedErr error
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		old, err = s.Incident(gctx, id)
		return err
	})
	if links, relinks := p.Monitors.Get(); relinks {
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
	return s.changeIncident(ctx, old, now, func(old statuspage.Incident) (incidentChange, error) {
		next, err := old.Patched(p, asked, now)
		if err == nil && expected != nil && !expected(old) {
			err = statuspage.ErrIncidentChanged
		}
		return incidentChange{next: next}, err
	})
}

// An incidentChange is what becomes of an incident, and what is written with it.
type incidentChange struct {
	next       statuspage.Incident
	what       statuspage.Change // its What and CommentID; the rest follows
	also       []ddb.Write
	fields     []string // that changed in also
	completion []ddb.Write
}

// changeIncident stores what change makes of the incident as it was read. When others wrote
// to it meanwhile, it is read again and change is called again. The incident, the rows
// under its monitors and the change row are one transaction.
func (s *Store) changeIncident(ctx context.Context, old statuspage.Incident, now int64, change func(old statuspage.Incident) (incidentChange, error)) (statuspage.Incident, error) {
	var c incidentChange
	refusedBefore := false
	err := ddb.Retry(ctx, func() (done bool, err error) {
		// The item in the refusal is as old as the pause since. With many writers at once a
		// change made from that would hardly ever succeed.
		if refusedBefore {
			if old, err = s.Incident(ctx, old.ID); err != nil {
				return false, err
			}
		}
		if c, err = change(old); err != nil {
			return false, err
		}
		refused, err := s.transact(ctx, c.completion, s.incidentWrites(ctx, old, c, now)...)
		if err != nil || refused == nil {
			return true, err
		}
		if !refused.Failed(0) {
			return false, errors.New("the id that was drawn for a comment is taken") // no other write of a change has a condition
		}
		refusedBefore = true
		return false, nil
	})
	if err != nil {
		return statuspage.Incident{}, err
	}
	return c.next, nil
}

// incidentWrites are the writes of a change, that of the incident first.
func (s *Store) incidentWrites(ctx context.Context, old statuspage.Incident, c incidentChange, now int64) []ddb.Write {
	was, is := incidentItem(old), incidentItem(c.next)
	writes := append([]ddb.Write{s.table.Change(was, is)}, s.moveRows(old, c.next)...)
	writes = append(writes, c.also...)
	row := c.what
	row.Record, row.ID, row.Version = statuspage.RecordIncident, old.ID, c.next.Version
	row.Fields = append(changedFields(row.Record, was, is), c.fields...)
	if row.What == "" {
		row.What = statuspage.Updated
	}
	if row.What != statuspage.Updated || row.Fields != nil {
		writes = append(writes, s.changeRow(ctx, row, now))
	}
	return writes
}

// moveRows are the writes of the rows that a change of start or monitors moves.
func (s *Store) moveRows(old, next statuspage.Incident) []ddb.Write {
	var writes []ddb.Write
	for _, m := range old.Monitors {
		if next.Start != old.Start || !linked(next, m.MonitorID) {
			writes = append(writes, s.table.Delete(incidentRowKey(m.MonitorID, old.Start, old.ID), nil))
		}
	}
	for _, m := range next.Monitors {
		if next.Start != old.Start || !linked(old, m.MonitorID) {
			writes = append(writes, s.table.Put(incidentRowKey(m.MonitorID, next.Start, next.ID).Item()))
		}
	}
	return writes
}

func linked(i statuspage.Incident, monitorID int64) bool {
	return slices.ContainsFunc(i.Monitors, func(m statuspage.AffectedMonitor) bool { return m.MonitorID == monitorID })
}

// DeleteIncident implements apiv4.IncidentStore. One transaction deletes the incident and
// writes a CLEANUP row. From then on its comments and its body are invisible; they are
// deleted next, or by Cleanup after a crash.
func (s *Store) DeleteIncident(ctx context.Context, id int64, now int64, expected statuspage.Precondition) error {
	alertGone, otherOutage := false, false
	return ddb.Retry(ctx, func() (done bool, err error) {
		i, rest, err := s.readForDeletion(ctx, id)
		if err != nil {
			return false, err
		}
		if expected != nil && !expected(i) {
			return false, statuspage.ErrIncidentChanged
		}
		writes := []ddb.Write{
			s.table.Delete(incidentKey(id), ddb.NewExpr().IfSame(incidentItem(i))),
			s.table.Put(cleanupItem(ctx, cleanupIncident, id, now)),
			s.changeRow(ctx, statuspage.Change{Record: statuspage.RecordIncident, ID: id, What: statuspage.Deleted}, now),
		}
		for _, m := range i.Monitors {
			writes = append(writes, s.table.Delete(incidentRowKey(m.MonitorID, i.Start, id), nil))
		}
		alert, outage := -1, -1
		if i.AlertID != nil && !alertGone {
			alert = len(writes)
			writes = append(writes, s.table.Update(alertKey(*i.AlertID), ddb.NewExpr().IfExists().Increment(ddb.AttrVersion).Remove(attrIncidentID)))
		}
		if i.AlertMonitorID != 0 && !otherOutage {
			outage = len(writes)
			writes = append(writes, s.table.Delete(outageKey(i.AlertMonitorID), ifOutageOf(id)))
		}
		refused, err := s.table.Transact(ctx, writes...)
		if err != nil {
			return false, err
		}
		if refused != nil {
			alertGone = alertGone || alert >= 0 && refused.Failed(alert) // its monitor was deleted
			otherOutage = otherOutage || outage >= 0 && refused.Failed(outage)
			return false, nil
		}
		s.finishLater(ctx, s.finishIncident(ctx, id, rest))
		return true, nil
	})
}
