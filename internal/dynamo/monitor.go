package dynamo

import (
	"context"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tocsin/internal/ddb"
	"tocsin/internal/statuspage"
)

const allMonitors = "MONITORS"

func monitorKey(tag string) ddb.Key { return ddb.Key{PK: allMonitors, SK: tag} }

const monitorPrefix = "MONITOR#"

// monitorPK is the partition of the rows of a monitor. It has the monitor's id and not its
// tag, so that a tag that is used again inherits nothing.
func monitorPK(id int64) string { return monitorPrefix + strconv.FormatInt(id, 10) }

// Attributes of a monitor, beside those shared with other items.
const (
	attrName        = "name"
	attrDescription = "description"
	attrImage       = "image"
	attrCron        = "cron"
	attrDefault     = "default_status"
	attrStatus      = "status"
	attrCategory    = "category_name"
	attrMonitorType = "monitor_type"
	attrDownTrigger = "down_trigger"
	attrDegrTrigger = "degraded_trigger"
	attrTypeData    = "type_data"
	attrDayDegraded = "day_degraded_minimum_count"
	attrDayDown     = "day_down_minimum_count"
	attrIncludeDegr = "include_degraded_in_downtime"
	attrHidden      = "is_hidden"
	attrSettings    = "monitor_settings_json"
	attrExternalURL = "external_url"
	attrThreshold   = "confirmation_threshold"
	attrWatches     = "watches" // see watchList
)

// MonitorItem is the item of a monitor.
func MonitorItem(m statuspage.Monitor) ddb.Item {
	it := monitorKey(m.Tag).Item()
	it[ddb.AttrLSI1SK] = ddb.Str(padID(m.ID))
	it[ddb.AttrID] = ddb.Num(m.ID)
	it[attrName] = ddb.Str(m.Name)
	ddb.PutStr(it, attrDescription, m.Description)
	ddb.PutStr(it, attrImage, m.Image)
	ddb.PutStr(it, attrCron, m.Cron)
	ddb.PutStr(it, attrDefault, m.DefaultStatus)
	ddb.PutStr(it, attrStatus, m.Status)
	ddb.PutStr(it, attrCategory, m.Category)
	ddb.PutStr(it, attrMonitorType, m.Type)
	ddb.PutStr(it, attrDownTrigger, m.DownTrigger)
	ddb.PutStr(it, attrDegrTrigger, m.DegradedTrigger)
	if m.TypeData != "" {
		it[attrTypeData] = ddb.Str(string(m.TypeData))
	}
	ddb.PutNum(it, attrDayDegraded, m.DayDegradedMinimum)
	ddb.PutNum(it, attrDayDown, m.DayDownMinimum)
	ddb.PutStr(it, attrIncludeDegr, m.IncludeDegraded)
	ddb.PutStr(it, attrHidden, m.Hidden)
	if m.Settings != "" {
		it[attrSettings] = ddb.Str(string(m.Settings))
	}
	ddb.PutStr(it, attrExternalURL, m.ExternalURL)
	it[attrThreshold] = ddb.Num(m.ConfirmationThreshold)
	if len(m.Watches) > 0 {
		it[attrWatches] = watchList(m.Watches)
	}
	it[attrCreated] = ddb.Num(m.Created)
	it[attrUpdated] = ddb.Num(m.Updated)
	it[ddb.AttrVersion] = ddb.Num(m.Version)
	return it
}

func readMonitor(it ddb.Item) (statuspage.Monitor, error) {
	r := ddb.Reader{Item: it}
	m := statuspage.Monitor{
		ID:                    r.Num(ddb.AttrID),
		Tag:                   r.Str(ddb.AttrSK),
		Name:                  r.Str(attrName),
		Description:           r.OptStr(attrDescription),
		Image:                 r.OptStr(attrImage),
		Cron:                  r.OptStr(attrCron),
		DefaultStatus:         r.OptStr(attrDefault),
		Status:                r.OptStr(attrStatus),
		Category:              r.OptStr(attrCategory),
		Type:                  r.OptStr(attrMonitorType),
		DownTrigger:           r.OptStr(attrDownTrigger),
		DegradedTrigger:       r.OptStr(attrDegrTrigger),
		TypeData:              statuspage.JSONObject(r.StrOrEmpty(attrTypeData)),
		DayDegradedMinimum:    r.OptNum(attrDayDegraded),
		DayDownMinimum:        r.OptNum(attrDayDown),
		IncludeDegraded:       r.OptStr(attrIncludeDegr),
		Hidden:                r.OptStr(attrHidden),
		Settings:              statuspage.JSONObject(r.StrOrEmpty(attrSettings)),
		ExternalURL:           r.OptStr(attrExternalURL),
		ConfirmationThreshold: r.Num(attrThreshold),
		Created:               r.Num(attrCreated),
		Updated:               r.Num(attrUpdated),
		Version:               r.Num(ddb.AttrVersion),
		Watches:               readWatches(&r),
	}
	return m, r.Err
}

// watchList is what a monitor's item holds of its active alert rules, so that a point is
// judged without reading them.
func watchList(watches []statuspage.Watch) types.AttributeValue {
	return ddb.ListOf(watches, func(w statuspage.Watch) types.AttributeValue {
		m := ddb.Item{ddb.AttrID: ddb.Num(w.RuleID)}
		putCondition(m, w.Condition)
		return ddb.Map(m)
	})
}

func readWatches(r *ddb.Reader) []statuspage.Watch {
	return ddb.ReadOptList(r, attrWatches, readWatch)
}

func readWatch(it ddb.Item) (statuspage.Watch, error) {
	r := ddb.Reader{Item: it}
	w := statuspage.Watch{RuleID: r.Num(ddb.AttrID), Condition: readCondition(&r)}
	return w, r.Err
}

// monitorChange is the change row of a monitor.
func monitorChange(m statuspage.Monitor, what statuspage.ChangeKind, fields []string) statuspage.Change {
	c := statuspage.Change{Record: statuspage.RecordMonitor, ID: m.ID, Tag: m.Tag, What: what, Fields: fields}
	if what == statuspage.Created || what == statuspage.Updated {
		c.Version = m.Version
	}
	return c
}

// Monitor implements apiv4.MonitorStore.
func (s *Store) Monitor(ctx context.Context, tag string) (statuspage.Monitor, error) {
	if !statuspage.ValidTag(tag) {
		return statuspage.Monitor{}, statuspage.MonitorNotFound(tag)
	}
	return find(ctx, s, monitorKey(tag), readMonitor, func() error { return statuspage.MonitorNotFound(tag) })
}

// monitorItems reads the monitors with these tags, cut to the fields; a tag without a
// monitor is missing from the result. A tag that no monitor can have is not looked
// up: DynamoDB would refuse it as a key.
func (s *Store) monitorItems(ctx context.Context, tags []string, fields ...string) (map[ddb.Key]ddb.Item, error) {
	seen := map[string]bool{}
	var keys []ddb.Key
	for _, tag := range tags {
		if statuspage.ValidTag(tag) && !seen[tag] {
			seen[tag] = true
			keys = append(keys, monitorKey(tag))
		}
	}
	return s.table.BatchGet(ctx, keys, fields...)
}

// monitorIDs returns the ids of the monitors with these tags.
func (s *Store) monitorIDs(ctx context.Context, tags []string) (map[string]int64, error) {
	found, err := s.monitorItems(ctx, tags, ddb.AttrID)
	if err != nil {
		return nil, err
	}
	ids := make(map[string]int64, len(found))
	for k, it := range found {
		r := ddb.Reader{Item: it}
		ids[k.SK] = r.Num(ddb.AttrID)
		if r.Err != nil {
			return nil, r.Err
		}
	}
	return ids, nil
}

// watched is the part of a monitor by which its points are judged.
type watched struct {
	id       int64
	tag      string
	version  int64
	inactive bool
	formula  statuspage.UptimeFormula
	watches  []statuspage.Watch
}

var watchedFields = []string{ddb.AttrID, ddb.AttrVersion, attrStatus, attrIncludeDegr, attrSettings, attrWatches}

func readWatched(it ddb.Item) (watched, error) {
	r := ddb.Reader{Item: it}
	w := watchedOf(statuspage.Monitor{
		ID: r.Num(ddb.AttrID), Tag: r.Str(ddb.AttrSK), Version: r.Num(ddb.AttrVersion),
		Status: r.OptStr(attrStatus), IncludeDegraded: r.OptStr(attrIncludeDegr),
		Settings: statuspage.JSONObject(r.StrOrEmpty(attrSettings)), Watches: readWatches(&r),
	})
	return w, r.Err
}

func watchedOf(m statuspage.Monitor) watched {
	return watched{id: m.ID, tag: m.Tag, version: m.Version, inactive: m.Inactive(), formula: m.UptimeFormula(), watches: m.Watches}
}

// watchedMonitors returns the monitors with these tags; a tag without one is missing.
func (s *Store) watchedMonitors(ctx context.Context, tags []string) (map[string]watched, error) {
	found, err := s.monitorItems(ctx, tags, watchedFields...)
	if err != nil {
		return nil, err
	}
	monitors := make(map[string]watched, len(found))
	for k, it := range found {
		if monitors[k.SK], err = readWatched(it); err != nil {
			return nil, err
		}
	}
	return monitors, nil
}

// Monitors implements apiv4.MonitorStore.
func (s *Store) Monitors(ctx context.Context, q statuspage.MonitorQuery, take func(statuspage.Monitor) bool) (int64, error) {
	in := ddb.Query{Index: ddb.LSI1, PK: allMonitors, Low: padID(0), High: beforeID(q.After), Newest: true, Limit: q.Limit + 1}
	if q.Status != "" || q.Category != "" || q.Type != "" || q.Hidden != "" {
		in.Limit = maxRowsRead
	}
	return ddb.List(ctx, s.table, ddb.Listing[statuspage.Monitor, int64]{
		Query: in, Most: maxRowsRead, Read: ddb.Each(readMonitor), Matches: q.Matches, Take: take,
		After: q.After, Position: func(m statuspage.Monitor) int64 { return m.ID },
	})
}

// CreateMonitor implements apiv4.MonitorStore.
func (s *Store) CreateMonitor(ctx context.Context, m statuspage.Monitor, now int64, once *statuspage.Once[statuspage.Monitor]) (statuspage.Monitor, error) {
	var err error
	if m.ID, err = s.nextID(ctx, MonitorIDs); err != nil {
		return statuspage.Monitor{}, err
	}
	m.Created, m.Updated, m.Version = now, now, 1
	refused, err := s.transact(ctx, completion(s, once, m),
		s.table.PutNew(MonitorItem(m)), s.changeRow(ctx, monitorChange(m, statuspage.Created, nil), now))
	if err != nil {
		return statuspage.Monitor{}, err
	}
	if refused != nil {
		return statuspage.Monitor{}, statuspage.MonitorExists(m.Tag)
	}
	return m, nil
}

// UpdateMonitor implements apiv4.MonitorStore. The transaction that leaves the monitor
// INACTIVE leaves a CLEANUP row too, and its open alerts end then.
func (s *Store) UpdateMonitor(ctx context.Context, tag string, p statuspage.MonitorPatch, now int64) (statuspage.Monitor, error) {
	var next statuspage.Monitor
	err := ddb.Retry(ctx, func() (done bool, err error) {
		old, err := s.Monitor(ctx, tag)
		if err != nil {
			return false, err
		}
		if next, err = old.Apply(p, now); err != nil {
			return false, err
		}
		was, is := MonitorItem(old), MonitorItem(next)
		writes := []ddb.Write{s.table.Change(was, is)}
		if fields := changedFields(statuspage.RecordMonitor, was, is); fields != nil {
			writes = append(writes, s.changeRow(ctx, monitorChange(next, statuspage.Updated, fields), now))
		}
		if next.Inactive() {
			it := cleanupAlertsKey(next.ID, next.Version).Item()
			it[attrCreated] = ddb.Num(now)
			writes = append(writes, s.table.Put(it))
		}
		refused, err := s.table.Transact(ctx, writes...)
		if err == nil && refused == nil && next.Inactive() {
			s.finishLater(ctx, s.endAlertsOn(ctx, next.ID, next.Version, now))
		}
		return refused == nil, err
	})
	if err != nil {
		return statuspage.Monitor{}, err
	}
	return next, nil
}

// DeleteMonitor implements apiv4.MonitorStore. One transaction deletes the monitor and
// writes a CLEANUP row; its links and rows are removed next.
func (s *Store) DeleteMonitor(ctx context.Context, tag string, now int64) error {
	return ddb.Retry(ctx, func() (done bool, err error) {
		m, err := s.Monitor(ctx, tag)
		if err != nil {
			return false, err
		}
		refused, err := s.table.Transact(ctx,
			s.table.Delete(monitorKey(tag), ddb.NewExpr().IfEqual(ddb.AttrID, ddb.Num(m.ID))),
			s.table.Put(cleanupMonitorItem(ctx, m, now)),
			s.changeRow(ctx, monitorChange(m, statuspage.Deleted, nil), now))
		if err != nil || refused != nil {
			return false, err
		}
		s.finishLater(ctx, s.sweepMonitor(ctx, m.ID, m.Public(), rowsAtOnce, now))
		return true, nil
	})
}
