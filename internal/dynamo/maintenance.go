package dynamo

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"tocsin/internal/ddb"
	"tocsin/internal/statuspage"
)

const (
	allMaintenances = "MAINTENANCES"
	dueMaintenances = "MAINTENANCESDUE" // partition of gsi2: those of which more occurrences are to be made, by when
)

func maintenanceKey(id int64) ddb.Key { return ddb.Key{PK: allMaintenances, SK: padID(id)} }

// Rows of a maintenance under each monitor that it names, or under everything. They have its
// calendar, so that one query tells when maintenances do what to a monitor.
const (
	maintenanceRowPrefix = "MAINTENANCE#"
	everything           = 0 // the monitor id under which those are that concern everything
)

func maintenanceRowKey(monitorID, id int64) ddb.Key {
	return ddb.Key{PK: monitorPK(monitorID), SK: maintenanceRowPrefix + padID(id)}
}

// Attributes of a maintenance, beside those shared with other items.
const (
	attrRule     = "rrule"
	attrTimeZone = "time_zone"
	attrDuration = "duration_seconds"
	attrSince    = "since"
	attrFormer   = "former"
	attrChanged  = "changed"
	attrMade     = "made"
	attrRecent   = "occurrences"
	attrPlanned  = "planned"
	attrSaid     = "said"
	attrFrom     = "from"
	attrTo       = "to"
	attrOf       = "of" // the maintenance of an occurrence
)

func putSchedule(it ddb.Item, s statuspage.Schedule) {
	it[attrStart], it[attrRule], it[attrDuration] = ddb.Num(s.Start), ddb.Str(s.Rule), ddb.Num(s.Duration)
	if s.TimeZone != "" {
		it[attrTimeZone] = ddb.Str(s.TimeZone)
	}
}

func readSchedule(r *ddb.Reader) statuspage.Schedule {
	return statuspage.Schedule{Start: r.Num(attrStart), Rule: r.Str(attrRule), TimeZone: r.StrOrEmpty(attrTimeZone), Duration: r.Num(attrDuration)}
}

func putCalendar(it ddb.Item, c statuspage.Calendar) {
	putSchedule(it, c.Schedule)
	it[attrSince] = ddb.Num(c.Since)
	if len(c.Former) > 0 {
		it[attrFormer] = ddb.ListOf(c.Former, func(p statuspage.Period) types.AttributeValue {
			m := ddb.Item{attrFrom: ddb.Num(p.From), attrTo: ddb.Num(p.To)}
			putSchedule(m, p.Schedule)
			return ddb.Map(m)
		})
	}
	if len(c.Changed) > 0 {
		it[attrChanged] = ddb.ListOf(c.Changed, func(o statuspage.ChangedOccurrence) types.AttributeValue {
			return ddb.Map(ddb.Item{attrPlanned: ddb.Num(o.Planned), attrFrom: ddb.Num(o.From), attrTo: ddb.Num(o.To)})
		})
	}
}

func readCalendar(r *ddb.Reader) statuspage.Calendar {
	return statuspage.Calendar{
		Schedule: readSchedule(r),
		Since:    r.Num(attrSince),
		Former: ddb.ReadOptList(r, attrFormer, func(it ddb.Item) (statuspage.Period, error) {
			r := ddb.Reader{Item: it}
			p := statuspage.Period{Schedule: readSchedule(&r), From: r.Num(attrFrom), To: r.Num(attrTo)}
			return p, r.Err
		}),
		Changed: ddb.ReadOptList(r, attrChanged, func(it ddb.Item) (statuspage.ChangedOccurrence, error) {
			r := ddb.Reader{Item: it}
			c := statuspage.ChangedOccurrence{Planned: r.Num(attrPlanned), From: r.Num(attrFrom), To: r.Num(attrTo)}
			return c, r.Err
		}),
	}
}

// maintenanceItem is the item of a maintenance of which occurrences are due next at due, UTC
// seconds; statuspage.MaxTimestamp: never.
func maintenanceItem(m statuspage.Maintenance, due int64) ddb.Item {
	it := maintenanceKey(m.ID).Item()
	it[ddb.AttrGSI1PK], it[ddb.AttrGSI1SK] = ddb.Str(allMaintenances), ddb.Str(timeAndID(m.LastEnd(), m.ID))
	if due < statuspage.MaxTimestamp {
		it[ddb.AttrGSI2PK], it[ddb.AttrGSI2SK] = ddb.Str(dueMaintenances), ddb.Str(timeAndID(due, m.ID))
	}
	it[ddb.AttrID] = ddb.Num(m.ID)
	it[attrTitle] = ddb.Str(m.Title)
	ddb.PutStr(it, attrDescription, m.Description)
	it[attrStatus] = ddb.Str(string(m.Status))
	it[attrMonitors] = affectedList(m.Monitors)
	if m.Orphan != "" {
		it[attrOrphan] = ddb.Str(string(m.Orphan))
	}
	putCalendar(it, m.Calendar)
	it[attrMade] = ddb.Num(m.Made)
	it[attrRecent] = ddb.ListOf(m.Recent, func(o statuspage.Occurrence) types.AttributeValue {
		row := ddb.Item{}
		putOccurrence(row, o)
		return ddb.Map(row)
	})
	it[attrCreated] = ddb.Num(m.Created)
	it[attrUpdated] = ddb.Num(m.Updated)
	it[ddb.AttrVersion] = ddb.Num(m.Version)
	return it
}

func readMaintenance(it ddb.Item) (statuspage.Maintenance, error) {
	r := ddb.Reader{Item: it}
	m := statuspage.Maintenance{
		ID:          r.Num(ddb.AttrID),
		Title:       r.Str(attrTitle),
		Description: r.OptStr(attrDescription),
		Status:      statuspage.MaintenanceStatus(r.Str(attrStatus)),
		Monitors:    ddb.ReadList(&r, attrMonitors, readAffected),
		Orphan:      statuspage.Orphan(r.StrOrEmpty(attrOrphan)),
		Created:     r.Num(attrCreated),
		Updated:     r.Num(attrUpdated),
		Version:     r.Num(ddb.AttrVersion),
		Calendar:    readCalendar(&r),
		Made:        r.Num(attrMade),
		Recent:      ddb.ReadList(&r, attrRecent, readOccurrence),
	}
	return m, r.Err
}

// maintenanceRows are the rows of a maintenance by their keys. That of one that is INACTIVE
// is in no index: it is looked for by the maintenance's name alone.
func maintenanceRows(m statuspage.Maintenance) map[ddb.Key]ddb.Item {
	rows := map[ddb.Key]ddb.Item{}
	add := func(monitorID int64, impact statuspage.Impact) {
		k := maintenanceRowKey(monitorID, m.ID)
		it := k.Item()
		if m.Status == statuspage.MaintenanceActive {
			it[ddb.AttrLSI1SK] = ddb.Str(maintenanceRowPrefix + timeAndID(m.LastEnd(), m.ID))
		}
		it[attrImpact] = ddb.Str(string(impact))
		putCalendar(it, m.Calendar)
		rows[k] = it
	}
	for _, a := range m.Monitors {
		add(a.MonitorID, a.Impact)
	}
	if m.Global() {
		add(everything, statuspage.MaintenanceImpact)
	}
	return rows
}

// MaintenanceItems are the items of a maintenance as it is at now (UTC seconds): the record,
// then its rows.
func MaintenanceItems(m statuspage.Maintenance, now int64) []ddb.Item {
	return slices.AppendSeq([]ddb.Item{maintenanceItem(m, m.NextDue(now))}, maps.Values(maintenanceRows(m)))
}

// windows returns what maintenances do to the monitor from one second up to another, by
// start, strongly consistent. It takes two calls, at once.
func (s *Store) windows(ctx context.Context, monitorID, from, to int64) ([]statuspage.Window, error) {
	of := []int64{monitorID, everything}
	found := make([][]statuspage.Window, len(of))
	g, gctx := errgroup.WithContext(ctx)
	for n, id := range of {
		g.Go(func() error {
			q := ddb.Query{Index: ddb.LSI1, PK: monitorPK(id), Low: maintenanceRowPrefix + timeAndID(max(from, 0), 0), High: maintenanceRowPrefix + "~"}
			for it, err := range s.table.Items(gctx, q) {
				if err != nil {
					return err
				}
				r := ddb.Reader{Item: it}
				c, impact := readCalendar(&r), statuspage.Impact(r.Str(attrImpact))
				if r.Err != nil {
					return r.Err
				}
				found[n] = append(found[n], c.Windows(impact, from, to)...)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	all := slices.Concat(found...)
	statuspage.SortWindows(all)
	return all, nil
}

// Maintenance implements apiv4.MaintenanceStore.
func (s *Store) Maintenance(ctx context.Context, id int64) (statuspage.Maintenance, error) {
	return find(ctx, s, maintenanceKey(id), readMaintenance, func() error { return statuspage.MaintenanceNotFound(id) })
}

// Maintenances implements apiv4.MaintenanceStore. With a tag it reads the rows under the
// monitor and then the maintenances.
func (s *Store) Maintenances(ctx context.Context, q statuspage.MaintenanceQuery, take func(statuspage.Maintenance) bool) (int64, error) {
	l := ddb.Listing[statuspage.Maintenance, int64]{
		Query: ddb.Query{PK: allMaintenances, Low: padID(0), High: beforeID(q.After), Newest: true, Limit: q.Limit + 1},
		Most:  maxRowsRead, Read: ddb.Each(readMaintenance),
		Matches: func(m statuspage.Maintenance) bool { return q.Status == "" || m.Status == q.Status },
		Take:    take, After: q.After, Position: func(m statuspage.Maintenance) int64 { return m.ID },
	}
	if q.Tag != "" {
		ids, err := s.monitorIDs(ctx, []string{q.Tag})
		if err != nil || len(ids) == 0 {
			return 0, err
		}
		l.Query.PK, l.Query.Low, l.Query.High = monitorPK(ids[q.Tag]), maintenanceRowPrefix+padID(0), maintenanceRowPrefix+beforeID(q.After)
		l.Query.Fields = []string{}
		l.Read = s.maintenancesOfRows
	}
	if q.Status != "" {
		l.Query.Limit = maxRowsRead
	}
	return ddb.List(ctx, s.table, l)
}

// maintenancesOfRows reads the maintenances that rows under a monitor point to, in their
// order.
func (s *Store) maintenancesOfRows(ctx context.Context, rows []ddb.Item) ([]statuspage.Maintenance, error) {
	ids := make([]int64, len(rows))
	for n, it := range rows {
		var err error
		if ids[n], err = maintenanceOfRow(ddb.KeyOf(it)); err != nil {
			return nil, err
		}
	}
	found, err := s.MaintenancesByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	var all []statuspage.Maintenance
	for _, id := range ids {
		if m, there := found[id]; there { // else deleted since
			all = append(all, m)
		}
	}
	return all, nil
}

// MaintenancesByID returns the maintenances with the ids, strongly consistent; one that does
// not exist is missing.
func (s *Store) MaintenancesByID(ctx context.Context, ids []int64) (map[int64]statuspage.Maintenance, error) {
	keys := make([]ddb.Key, 0, len(ids))
	for _, id := range ids {
		if k := maintenanceKey(id); !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	items, err := s.table.BatchGet(ctx, keys)
	if err != nil {
		return nil, err
	}
	found := make(map[int64]statuspage.Maintenance, len(items))
	for _, it := range items {
		m, err := readMaintenance(it)
		if err != nil {
			return nil, err
		}
		found[m.ID] = m
	}
	return found, nil
}

// MaintenancesSince lists the maintenances that are not over for good before a time (UTC
// seconds), INACTIVE ones among them. It may lag behind writes.
func (s *Store) MaintenancesSince(ctx context.Context, since int64, take func(statuspage.Maintenance) bool) error {
	q := ddb.Query{Index: ddb.GSI1, PK: allMaintenances, Low: timeAndID(since, 0), High: "~", Newest: true}
	for it, err := range s.table.Items(ctx, q) {
		if err != nil {
			return err
		}
		m, err := readMaintenance(it)
		if err != nil {
			return err
		}
		if !take(m) {
			return nil
		}
	}
	return nil
}

// CreateMaintenance implements apiv4.MaintenanceStore.
func (s *Store) CreateMaintenance(ctx context.Context, n statuspage.NewMaintenance, now int64, once *statuspage.Once[statuspage.Maintenance]) (statuspage.Maintenance, error) {
	if err := n.Schedule.Check(); err != nil {
		return statuspage.Maintenance{}, err
	}
	due := n.Opened(0, nil, now).Due(now)
	var monitors []statuspage.AffectedMonitor
	var id int64
	var ids []int64
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		id, err = s.nextID(gctx, MaintenanceIDs)
		return err
	})
	g.Go(func() (err error) {
		ids, err = s.occurrenceIDs(gctx, len(due))
		return err
	})
	g.Go(func() (err error) {
		monitors, err = s.resolve(gctx, n.Monitors)
		return err
	})
	if err := g.Wait(); err != nil {
		return statuspage.Maintenance{}, err
	}
	m, made := n.Opened(id, monitors, now).WithOccurrences(ids, due, now)
	writes := []ddb.Write{s.table.PutNew(maintenanceItem(m, m.NextDue(now)))}
	for _, row := range maintenanceRows(m) {
		writes = append(writes, s.table.Put(row))
	}
	for _, o := range made {
		writes = append(writes, s.table.Put(OccurrenceItem(o)))
	}
	writes = append(writes, s.changeRow(ctx, maintenanceChange(m, statuspage.Created, nil), now))
	refused, err := s.transact(ctx, completion(s, once, m), writes...)
	if err == nil && refused != nil {
		err = errors.New("the id that was drawn for a maintenance is taken")
	}
	return m, err
}

// A new maintenance takes as many writes of a transaction: itself, its rows, its occurrences,
// the change row and the reply of a claim.
const maxMaintenanceWrites = 3 + statuspage.MaxMaintenanceMonitors + statuspage.MaxDue

var _ [ddb.MaxWrites - maxMaintenanceWrites]struct{} // so many are left

// occurrenceIDs draws so many ids.
func (s *Store) occurrenceIDs(ctx context.Context, n int) ([]int64, error) {
	if n == 0 {
		return nil, nil
	}
	last, err := s.table.Count(ctx, CounterKey(OccurrenceIDs), AttrLast, int64(n))
	ids := make([]int64, n)
	for i := range ids {
		ids[i] = last - int64(n-1-i)
	}
	return ids, err
}

func maintenanceChange(m statuspage.Maintenance, what statuspage.ChangeKind, fields []string) statuspage.Change {
	c := statuspage.Change{Record: statuspage.RecordMaintenance, ID: m.ID, What: what, Fields: fields}
	if what != statuspage.Deleted {
		c.Version = m.Version
	}
	return c
}

// A maintenanceChanged is what becomes of a maintenance and of its occurrences.
type maintenanceChanged struct {
	next       statuspage.Maintenance
	gone       []statuspage.Occurrence
	put        []statuspage.Occurrence // new or changed
	what       statuspage.ChangeKind   // "": Updated
	occurrence int64                   // that the change is about; 0: none
}

// changeMaintenance stores what change makes of the maintenance as it is read. When others
// wrote to it meanwhile, all is done again. The occurrences that are due are made in the same
// transaction.
func (s *Store) changeMaintenance(ctx context.Context, id, now int64, change func(old statuspage.Maintenance) (maintenanceChanged, error)) (statuspage.Maintenance, error) {
	var next statuspage.Maintenance
	var ids []int64 // drawn, and used by no try so far
	err := ddb.Retry(ctx, func() (done bool, err error) {
		old, err := s.Maintenance(ctx, id)
		if err != nil {
			return false, err
		}
		c, err := change(old)
		if err != nil {
			return false, err
		}
		due := c.next.Due(now)
		if missing := len(due) - len(ids); missing > 0 {
			more, err := s.occurrenceIDs(ctx, missing)
			if err != nil {
				return false, err
			}
			ids = append(ids, more...)
		}
		var made []statuspage.Occurrence
		next, made = c.next.WithOccurrences(ids[:len(due)], due, now)
		c.next, c.put = next, append(c.put, made...)
		if c.what != statuspage.OccurrencesMade && next.Grown(old) {
			return false, statuspage.ErrMaintenanceGrown
		}
		writes := s.maintenanceWrites(ctx, old, c, now)
		if len(writes) > ddb.MaxWrites {
			return false, statuspage.ErrMaintenanceChangeLarge
		}
		refused, err := s.table.Transact(ctx, writes...)
		return err == nil && refused == nil, err
	})
	return next, err
}

// maintenanceWrites are the writes of a change, that of the maintenance first.
func (s *Store) maintenanceWrites(ctx context.Context, old statuspage.Maintenance, c maintenanceChanged, now int64) []ddb.Write {
	was, is := maintenanceItem(old, old.NextDue(now)), maintenanceItem(c.next, c.next.NextDue(now))
	writes := []ddb.Write{s.table.PutIf(is, ddb.NewExpr().IfEqual(ddb.AttrVersion, ddb.Num(old.Version)))}
	before, after := maintenanceRows(old), maintenanceRows(c.next)
	for k := range before {
		if _, stays := after[k]; !stays {
			writes = append(writes, s.table.Delete(k, nil))
		}
	}
	for k, row := range after {
		if had, ok := before[k]; !ok || len(ddb.Differences(had, row)) > 0 {
			writes = append(writes, s.table.Put(row))
		}
	}
	for _, o := range c.gone {
		writes = append(writes, s.table.Delete(occurrenceKey(o.MaintenanceID, o.ID), nil))
	}
	for _, o := range c.put {
		writes = append(writes, s.table.Put(OccurrenceItem(o)))
	}
	row := maintenanceChange(c.next, statuspage.Updated, changedFields(statuspage.RecordMaintenance, was, is))
	if c.what != "" {
		row.What, row.Fields, row.OccurrenceID = c.what, nil, c.occurrence
	}
	if row.What != statuspage.Updated || row.Fields != nil {
		writes = append(writes, s.changeRow(ctx, row, now))
	}
	return writes
}

// UpdateMaintenance implements apiv4.MaintenanceStore.
func (s *Store) UpdateMaintenance(ctx context.Context, id int64, p statuspage.MaintenancePatch, now int64, expected statuspage.MaintenancePrecondition) (statuspage.Maintenance, error) {
	var asked []statuspage.AffectedMonitor
	var askedErr error
	if links, relinks := p.Monitors.Get(); relinks {
		asked, askedErr = s.resolve(ctx, links)
	}
	change := func(old statuspage.Maintenance) (maintenanceChanged, error) {
		if askedErr != nil { // a missing maintenance is the first error
			return maintenanceChanged{}, askedErr
		}
		if expected != nil && !expected(old) {
			return maintenanceChanged{}, statuspage.ErrMaintenanceChanged
		}
		if old.Missed(now) {
			return maintenanceChanged{}, errMissed
		}
		next, gone := old.Patched(p, asked, now)
		return maintenanceChanged{next: next, gone: gone}, next.Schedule.Check()
	}
	for {
		m, err := s.changeMaintenance(ctx, id, now, change)
		if !errors.Is(err, errMissed) {
			return m, err
		}
		if _, err := s.MakeOccurrences(ctx, id, now); err != nil {
			return m, err
		}
	}
}

// errMissed ends a change of a maintenance until the clock has done its part, see
// statuspage.Maintenance.Missed.
var errMissed = errors.New("occurrences were missed")

// DeleteMaintenance implements apiv4.MaintenanceStore. One transaction deletes the
// maintenance with its rows and writes a CLEANUP row. From then on its occurrences are
// invisible; they are deleted next, or by Cleanup after a crash.
func (s *Store) DeleteMaintenance(ctx context.Context, id, now int64, expected statuspage.MaintenancePrecondition) error {
	return ddb.Retry(ctx, func() (done bool, err error) {
		m, err := s.Maintenance(ctx, id)
		if err != nil {
			return false, err
		}
		if expected != nil && !expected(m) {
			return false, statuspage.ErrMaintenanceChanged
		}
		writes := []ddb.Write{
			s.table.Delete(maintenanceKey(id), ddb.NewExpr().IfEqual(ddb.AttrVersion, ddb.Num(m.Version))),
			s.table.Put(cleanupItem(ctx, cleanupMaintenance, id, now)),
			s.changeRow(ctx, maintenanceChange(m, statuspage.Deleted, nil), now),
		}
		for k := range maintenanceRows(m) {
			writes = append(writes, s.table.Delete(k, nil))
		}
		refused, err := s.table.Transact(ctx, writes...)
		if err != nil || refused != nil {
			return false, err
		}
		s.finishLater(ctx, s.finishMaintenance(ctx, id))
		return true, nil
	})
}

// finishMaintenance removes the occurrences of a deleted maintenance, then the CLEANUP row.
func (s *Store) finishMaintenance(ctx context.Context, id int64) error {
	for items, err := range s.table.Pages(ctx, ddb.Query{PK: occurrencesPK(id), Fields: []string{}}) {
		if err != nil {
			return err
		}
		if err := s.table.DeleteAll(ctx, keysOf(items)); err != nil {
			return err
		}
	}
	return s.table.DeleteAll(ctx, []ddb.Key{cleanupKey(cleanupMaintenance, id)})
}

// leaveMaintenance takes a deleted monitor out of the maintenance that its row points to, and
// removes the row.
func (s *Store) leaveMaintenance(ctx context.Context, row ddb.Key, monitorID int64, public bool, now int64) error {
	id, err := maintenanceOfRow(row)
	if err != nil {
		return err
	}
	return ddb.Retry(ctx, func() (done bool, err error) {
		old, err := s.Maintenance(ctx, id)
		if errors.Is(err, statuspage.MaintenanceNotFound(id)) {
			return true, s.table.DeleteAll(ctx, []ddb.Key{row})
		}
		if err != nil {
			return false, err
		}
		// One that is not linked may be linked again by a write that read the monitor before
		// its deletion. The row must then stay, for the next sweep.
		writes := []ddb.Write{s.table.Check(maintenanceKey(id), ddb.NewExpr().IfEqual(ddb.AttrVersion, ddb.Num(old.Version))), s.table.Delete(row, nil)}
		if next, linked := old.WithoutMonitor(monitorID, public); linked {
			writes = s.maintenanceWrites(ctx, old, maintenanceChanged{next: next}, now)
		}
		refused, err := s.table.Transact(ctx, writes...)
		return refused == nil, err
	})
}

// DueMaintenances implements occurrences.Store.
func (s *Store) DueMaintenances(ctx context.Context, now int64, most int) ([]int64, error) {
	var ids []int64
	for it, err := range s.table.Items(ctx, ddb.Query{Index: ddb.GSI2, PK: dueMaintenances, Low: timeAndID(0, 0), High: maxTimeAndID(now), Limit: most}) {
		if err != nil {
			return nil, err
		}
		r := ddb.Reader{Item: it}
		if ids = append(ids, r.Num(ddb.AttrID)); r.Err != nil || len(ids) == most {
			return ids, r.Err
		}
	}
	return ids, nil
}

// errNothingDue ends a change that is to make occurrences and finds none to make.
var errNothingDue = errors.New("no occurrence is due")

// MakeOccurrences implements occurrences.Store.
func (s *Store) MakeOccurrences(ctx context.Context, id, now int64) (made int, err error) {
	ctx = statuspage.WithActor(ctx, statuspage.Actor{Kind: statuspage.ByClock})
	var read statuspage.Maintenance
	_, err = s.changeMaintenance(ctx, id, now, func(old statuspage.Maintenance) (maintenanceChanged, error) {
		if read, made = old, len(old.Due(now)); made == 0 {
			return maintenanceChanged{}, errNothingDue
		}
		next := old
		next.Version++
		return maintenanceChanged{next: next, what: statuspage.OccurrencesMade}, nil
	})
	switch {
	case errors.Is(err, errNothingDue):
		return 0, s.moveDue(ctx, read, now)
	case errors.Is(err, statuspage.MaintenanceNotFound(id)):
		return 0, nil
	case err != nil:
		return 0, err
	}
	return made, nil
}

// moveDue notes when occurrences of the maintenance, of which none is due at now, are due
// next. Its record as clients see it does not change, so it has no change row and keeps its
// version. Whoever wrote to it since has noted the time as well.
func (s *Store) moveDue(ctx context.Context, m statuspage.Maintenance, now int64) error {
	e := ddb.NewExpr().IfEqual(ddb.AttrVersion, ddb.Num(m.Version))
	if due := m.NextDue(now); due < statuspage.MaxTimestamp {
		e.Set(ddb.AttrGSI2SK, ddb.Str(timeAndID(due, m.ID)))
	} else {
		e.Remove(ddb.AttrGSI2PK).Remove(ddb.AttrGSI2SK)
	}
	_, _, err := s.table.UpdateAtLeastOnce(ctx, maintenanceKey(m.ID), e)
	return err
}
