package dynamo

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"tocsin/internal/ddb"
	"tocsin/internal/statuspage"
)

const (
	occurrencesPrefix = "MAINTENANCE#"
	occurrencePrefix  = "OCCURRENCE#"
	allOccurrences    = "OCCURRENCES" // partition of gsi1
)

// occurrencesPK is the partition of the occurrences of a maintenance.
func occurrencesPK(maintenanceID int64) string {
	return occurrencesPrefix + strconv.FormatInt(maintenanceID, 10)
}

func occurrenceKey(maintenanceID, id int64) ddb.Key {
	return ddb.Key{PK: occurrencesPK(maintenanceID), SK: occurrencePrefix + padID(id)}
}

// maintenanceOfRow returns the id of the maintenance that a row under a monitor points to.
func maintenanceOfRow(k ddb.Key) (int64, error) {
	return parseID(strings.TrimPrefix(k.SK, maintenanceRowPrefix))
}

func putOccurrence(it ddb.Item, o statuspage.Occurrence) {
	it[ddb.AttrID], it[attrOf] = ddb.Num(o.ID), ddb.Num(o.MaintenanceID)
	it[attrPlanned], it[attrStart], it[attrEnd] = ddb.Num(o.Planned), ddb.Num(o.Start), ddb.Num(o.End)
	if o.Said != "" {
		it[attrSaid] = ddb.Str(string(o.Said))
	}
	it[attrCreated], it[attrUpdated] = ddb.Num(o.Created), ddb.Num(o.Updated)
}

func readOccurrence(it ddb.Item) (statuspage.Occurrence, error) {
	r := ddb.Reader{Item: it}
	o := statuspage.Occurrence{
		ID: r.Num(ddb.AttrID), MaintenanceID: r.Num(attrOf), Planned: r.Num(attrPlanned), Start: r.Num(attrStart), End: r.Num(attrEnd),
		Said: statuspage.OccurrenceState(r.StrOrEmpty(attrSaid)), Created: r.Num(attrCreated), Updated: r.Num(attrUpdated),
	}
	return o, r.Err
}

// OccurrenceItem is the item of an occurrence.
func OccurrenceItem(o statuspage.Occurrence) ddb.Item {
	it := occurrenceKey(o.MaintenanceID, o.ID).Item()
	at := ddb.Str(timeAndID(o.Start, o.ID))
	it[ddb.AttrLSI1SK], it[ddb.AttrGSI1PK], it[ddb.AttrGSI1SK] = at, ddb.Str(allOccurrences), at
	putOccurrence(it, o)
	return it
}

// Occurrence implements apiv4.OccurrenceStore.
func (s *Store) Occurrence(ctx context.Context, maintenanceID, id int64) (statuspage.Occurrence, error) {
	of, k := maintenanceKey(maintenanceID), occurrenceKey(maintenanceID, id)
	found, err := s.table.BatchGet(ctx, []ddb.Key{of, k})
	switch {
	case err != nil:
		return statuspage.Occurrence{}, err
	case found[of] == nil:
		return statuspage.Occurrence{}, statuspage.MaintenanceNotFound(maintenanceID)
	case found[k] == nil:
		return statuspage.Occurrence{}, statuspage.OccurrenceNotFound(id)
	}
	return readOccurrence(found[k])
}

// UpdateOccurrence implements apiv4.OccurrenceStore.
func (s *Store) UpdateOccurrence(ctx context.Context, maintenanceID, id int64, p statuspage.OccurrencePatch, now int64, expected statuspage.OccurrencePrecondition) (statuspage.Occurrence, error) {
	var next statuspage.Occurrence
	err := s.changeOccurrence(ctx, maintenanceID, id, now, func(m statuspage.Maintenance, o statuspage.Occurrence) (c maintenanceChanged, err error) {
		if expected != nil && !expected(o) {
			return c, statuspage.ErrOccurrenceChanged
		}
		c.next, next, err = o.Patched(m, p, now)
		c.put = []statuspage.Occurrence{next}
		if o.Updated = next.Updated; o != next {
			c.what = statuspage.OccurrenceUpdated
		}
		return c, err
	})
	return next, err
}

// DeleteOccurrence implements apiv4.OccurrenceStore.
func (s *Store) DeleteOccurrence(ctx context.Context, maintenanceID, id, now int64, expected statuspage.OccurrencePrecondition) error {
	return s.changeOccurrence(ctx, maintenanceID, id, now, func(m statuspage.Maintenance, o statuspage.Occurrence) (c maintenanceChanged, err error) {
		if expected != nil && !expected(o) {
			return c, statuspage.ErrOccurrenceChanged
		}
		return maintenanceChanged{next: m.WithoutOccurrence(o, now), gone: []statuspage.Occurrence{o}, what: statuspage.OccurrenceDeleted}, nil
	})
}

// changeOccurrence is changeMaintenance for one of its occurrences. Whoever changes an
// occurrence changes its maintenance too, so that asking for that one's version is enough: it
// is read before the occurrence.
func (s *Store) changeOccurrence(ctx context.Context, maintenanceID, id, now int64, change func(statuspage.Maintenance, statuspage.Occurrence) (maintenanceChanged, error)) error {
	_, err := s.changeMaintenance(ctx, maintenanceID, now, func(m statuspage.Maintenance) (maintenanceChanged, error) {
		o, err := find(ctx, s, occurrenceKey(maintenanceID, id), readOccurrence, func() error { return statuspage.OccurrenceNotFound(id) })
		if err != nil {
			return maintenanceChanged{}, err
		}
		c, err := change(m, o)
		c.occurrence = id
		return c, err
	})
	return err
}

// Occurrences implements apiv4.OccurrenceStore. Those of all maintenances are read from an
// index, which follows a write within moments; those of one, or of the maintenances that name
// a monitor, strongly consistent.
func (s *Store) Occurrences(ctx context.Context, q statuspage.OccurrenceQuery, now int64) (statuspage.OccurrenceList, error) {
	list, found, err := s.occurrences(ctx, q, now, true)
	if err != nil {
		return list, err
	}
	ids := make([]int64, len(found))
	for n, o := range found {
		ids[n] = o.MaintenanceID
	}
	of, err := s.MaintenancesByID(ctx, ids)
	if err != nil {
		return list, err
	}
	for _, o := range found {
		if m, there := of[o.MaintenanceID]; there { // else deleted since
			list.Found = append(list.Found, statuspage.ListedOccurrence{Occurrence: o, Maintenance: m})
		}
	}
	return list, nil
}

// OccurrencesOf implements apiv4.OccurrenceStore.
func (s *Store) OccurrencesOf(ctx context.Context, maintenanceID int64, q statuspage.OccurrenceQuery, now int64) (statuspage.OccurrenceList, error) {
	m, err := s.Maintenance(ctx, maintenanceID)
	if err != nil {
		return statuspage.OccurrenceList{}, err
	}
	q.MaintenanceID = maintenanceID
	list, found, err := s.occurrences(ctx, q, now, false)
	for _, o := range found {
		list.Found = append(list.Found, statuspage.ListedOccurrence{Occurrence: o, Maintenance: m})
	}
	return list, err
}

// occurrences looks for the occurrences of a page, and counts on after it if all are to be
// counted.
func (s *Store) occurrences(ctx context.Context, q statuspage.OccurrenceQuery, now int64, count bool) (list statuspage.OccurrenceList, found []statuspage.Occurrence, err error) {
	read := 0
	var last statuspage.OccurrencePosition
	err = s.eachOccurrence(ctx, q, func(o statuspage.Occurrence) bool {
		if read == statuspage.MaxOccurrencesCounted {
			list.Next = &last
			return false
		}
		read++
		last = statuspage.OccurrencePosition{Start: o.Start, ID: o.ID}
		if q.State != "" && o.State(now) != q.State {
			return true
		}
		if list.Total++; list.Total > q.Skip && len(found) < q.Limit {
			found = append(found, o)
		}
		return count || len(found) < q.Limit
	})
	return list, found, err
}

// eachOccurrence calls take with the occurrences of the query, but for its state, in order
// until take returns false.
func (s *Store) eachOccurrence(ctx context.Context, q statuspage.OccurrenceQuery, take func(statuspage.Occurrence) bool) error {
	low := timeAndID(q.From, 0)
	if q.After != nil {
		low = timeAndID(q.After.Start, q.After.ID+1)
	}
	in := ddb.Query{Index: ddb.GSI1, PK: allOccurrences, Low: low, High: "~"}
	if q.MaintenanceID != 0 {
		in.Index, in.PK = ddb.LSI1, occurrencesPK(q.MaintenanceID)
	}
	switch {
	case q.Tags == nil:
		return s.queryOccurrences(ctx, in, take)
	case q.MaintenanceID != 0:
		return s.occurrencesOn(ctx, q, func(id int64) bool { return id == q.MaintenanceID }, low, take)
	}
	return s.occurrencesOn(ctx, q, func(int64) bool { return true }, low, take)
}

func (s *Store) queryOccurrences(ctx context.Context, q ddb.Query, take func(statuspage.Occurrence) bool) error {
	for it, err := range s.table.Items(ctx, q) {
		if err != nil {
			return err
		}
		o, err := readOccurrence(it)
		if err != nil {
			return err
		}
		if !take(o) {
			return nil
		}
	}
	return nil
}

// occurrencesOn are the occurrences of the maintenances that name one of the query's
// monitors.
func (s *Store) occurrencesOn(ctx context.Context, q statuspage.OccurrenceQuery, wanted func(id int64) bool, low string, take func(statuspage.Occurrence) bool) error {
	monitors, err := s.monitorIDs(ctx, q.Tags)
	if err != nil {
		return err
	}
	of := map[int64]bool{}
	for _, monitorID := range monitors {
		for it, err := range s.table.Items(ctx, ddb.Query{PK: monitorPK(monitorID), Low: maintenanceRowPrefix + padID(0), High: maintenanceRowPrefix + "~", Fields: []string{}}) {
			if err != nil {
				return err
			}
			id, err := maintenanceOfRow(ddb.KeyOf(it))
			if err != nil {
				return err
			}
			if wanted(id) {
				of[id] = true
			}
		}
	}
	var mu sync.Mutex
	var all []statuspage.Occurrence
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(callsAtOnce)
	for id := range of {
		g.Go(func() error {
			n := 0
			return s.queryOccurrences(gctx, ddb.Query{Index: ddb.LSI1, PK: occurrencesPK(id), Low: low, High: "~"}, func(o statuspage.Occurrence) bool {
				mu.Lock()
				defer mu.Unlock()
				all = append(all, o)
				n++
				return n <= statuspage.MaxOccurrencesCounted
			})
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b statuspage.Occurrence) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.ID, b.ID))
	})
	for _, o := range all {
		if !take(o) {
			return nil
		}
	}
	return nil
}

// OccurrencesByID implements site.Store.
func (s *Store) OccurrencesByID(ctx context.Context, maintenanceID int64, ids []int64) (map[int64]statuspage.Occurrence, error) {
	keys := make([]ddb.Key, 0, len(ids))
	for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
		keys = append(keys, occurrenceKey(maintenanceID, id))
	}
	items, err := s.table.BatchGet(ctx, keys)
	if err != nil {
		return nil, err
	}
	found := make(map[int64]statuspage.Occurrence, len(items))
	for _, it := range items {
		o, err := readOccurrence(it)
		if err != nil {
			return nil, err
		}
		found[o.ID] = o
	}
	return found, nil
}

// OccurrencesBefore implements site.Store. Those of all maintenances are read from an index,
// which follows a write within moments; those of one strongly consistent.
func (s *Store) OccurrencesBefore(ctx context.Context, maintenanceID int64, before statuspage.OccurrencePosition, take func(statuspage.Occurrence) bool) error {
	q := ddb.Query{Index: ddb.GSI1, PK: allOccurrences, Low: timeAndID(0, 0), High: timeAndID(before.Start, before.ID-1), Newest: true, Limit: 200}
	if maintenanceID != 0 {
		q.Index, q.PK = ddb.LSI1, occurrencesPK(maintenanceID)
	}
	return s.queryOccurrences(ctx, q, take)
}
