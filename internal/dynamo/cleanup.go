package dynamo

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"tocsin/internal/ddb"
	"tocsin/internal/statuspage"
)

const cleanups = "CLEANUP"

// The kinds of CLEANUP rows.
const (
	cleanupIncident    = "INCIDENT"
	cleanupMaintenance = "MAINTENANCE"
	cleanupMonitor     = "MONITOR"
	cleanupRule        = "RULE"
	cleanupAlerts      = "ALERTS"
	cleanupIntegration = "INTEGRATION"
)

func cleanupKey(kind string, id int64) ddb.Key {
	return ddb.Key{PK: cleanups, SK: kind + "#" + padID(id)}
}

// cleanupRuleKey is about the alerts of a rule up to one of its versions.
func cleanupRuleKey(ruleID, version int64) ddb.Key {
	return ddb.Key{PK: cleanups, SK: cleanupRule + "#" + padID(ruleID) + "#" + padID(version)}
}

// cleanupAlertsKey is about the alerts on a monitor up to one of its versions.
func cleanupAlertsKey(monitorID, version int64) ddb.Key {
	return ddb.Key{PK: cleanups, SK: cleanupAlerts + "#" + padID(monitorID) + "#" + padID(version)}
}

// cleanupItem is a CLEANUP row. It names who deletes, and Cleanup's changes are by the
// same.
func cleanupItem(ctx context.Context, kind string, id, now int64) ddb.Item {
	it := cleanupKey(kind, id).Item()
	putActor(it, statuspage.ActorFrom(ctx))
	it[attrCreated] = ddb.Num(now)
	return it
}

// attrPrivate says in the row of a deleted monitor that no public page showed it.
const attrPrivate = "private"

func cleanupMonitorItem(ctx context.Context, m statuspage.Monitor, now int64) ddb.Item {
	it := cleanupItem(ctx, cleanupMonitor, m.ID, now)
	if !m.Public() {
		it[attrPrivate] = ddb.Num(1)
	}
	return it
}

// attrSwept is when the rows of a deleted monitor or integration were removed for the first time (UTC
// seconds). They are looked for once more sweepAgain later. Until then a write that read
// the monitor can still put a row under it: DynamoDB accepts a call for five minutes after
// its time, and a request takes less than one.
const (
	attrSwept  = "swept"
	sweepAgain = 6 * minuteSeconds
)

const (
	rowsAtOnce = 200 // rows of a deleted monitor that its DELETE removes itself; the rest is left to Cleanup
	keysAtOnce = 100 // rows of a monitor, or of CLEANUP, that are looked up at once
)

// finishLater logs the error of the last part of a deletion. The record is deleted and its
// rows are invisible, so the request has succeeded. Cleanup does the rest, by the CLEANUP
// row.
func (s *Store) finishLater(ctx context.Context, err error) {
	if err != nil {
		s.log.WarnContext(ctx, "a deletion is left to the cleanup", "cause", err.Error())
	}
}

// incidentRows is a query of the keys under an incident, from the last key backwards, and
// of these fields of the incident: META is the greatest key, so it is the first item of the
// first page if the incident exists.
func incidentRows(id int64, fields ...string) ddb.Query {
	return ddb.Query{PK: incidentPK(id), Newest: true, Fields: append([]string{}, fields...)}
}

// A rest is what is known of the rows of a deleted incident.
type rest struct {
	keys []ddb.Key
	next ddb.Item // where the rows after them begin; nil at the end
}

// readForDeletion reads the incident and the keys of the first page of what else is
// under it. It returns IncidentNotFound.
//
// META is read before the rest: a comment that is not among the keys then came
// after this version of META, and the deletion, which asks for this version, is
// refused. Read at the same time, or after, META could know of a comment that the
// keys lack, and that would stay for ever.
func (s *Store) readForDeletion(ctx context.Context, id int64) (statuspage.Incident, rest, error) {
	items, next, err := s.table.Page(ctx, incidentRows(id, incidentFields...), nil)
	if err != nil {
		return statuspage.Incident{}, rest{}, err
	}
	if len(items) == 0 || ddb.KeyOf(items[0]) != incidentKey(id) {
		return statuspage.Incident{}, rest{}, statuspage.IncidentNotFound(id)
	}
	i, err := readIncident(items[0])
	return i, rest{keysOf(items[1:]), next}, err
}

func keysOf(items []ddb.Item) []ddb.Key {
	var keys []ddb.Key
	for _, it := range items {
		keys = append(keys, ddb.KeyOf(it))
	}
	return keys
}

// finishIncident removes what a deleted incident left: the rows that are known, those
// after them, then the CLEANUP row. Nothing is added to a deleted incident, so one pass is
// enough.
func (s *Store) finishIncident(ctx context.Context, id int64, known rest) error {
	for {
		if err := s.forgetIncident(ctx, id, known.keys); err != nil {
			return err
		}
		if err := s.table.DeleteAll(ctx, known.keys); err != nil {
			return err
		}
		if known.next == nil {
			return s.table.DeleteAll(ctx, []ddb.Key{cleanupKey(cleanupIncident, id)})
		}
		items, next, err := s.table.Page(ctx, incidentRows(id), known.next)
		if err != nil {
			return err
		}
		known = rest{keysOf(items), next}
	}
}

// forgetIncident takes a deleted incident from the alerts that had joined it: those whose
// rows are among the keys.
func (s *Store) forgetIncident(ctx context.Context, id int64, keys []ddb.Key) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(callsAtOnce)
	for _, k := range keys {
		if !strings.HasPrefix(k.SK, alertRowPrefix) {
			continue
		}
		alert, err := alertOfRow(k)
		if err != nil {
			return err
		}
		g.Go(func() error {
			e := ddb.NewExpr().IfEqual(attrIncidentID, ddb.Num(id)).Increment(ddb.AttrVersion).Remove(attrIncidentID)
			_, _, err := s.table.UpdateAtLeastOnce(gctx, alert, e) // refused: it was done, or its monitor is deleted
			return err
		})
	}
	return g.Wait()
}

// sweepMonitor removes the rows of a deleted monitor, and the monitor from alert rules, pages,
// incidents and maintenances. public says whether public pages showed it. Then it notes in the
// CLEANUP row that this is done. It stops after about most rows (0: no limit), without the
// note, and leaves the rest to Cleanup.
func (s *Store) sweepMonitor(ctx context.Context, id int64, public bool, most int, now int64) error {
	if err := s.leaveRules(ctx, id, now); err != nil {
		return err
	}
	if err := s.leavePages(ctx, id, now); err != nil {
		return err
	}
	for read := 0; ; {
		items, _, err := s.table.Page(ctx, ddb.Query{PK: monitorPK(id), Limit: keysAtOnce, Fields: []string{attrIntegrationID}}, nil)
		if err != nil {
			return err
		}
		if len(items) == 0 {
			e := ddb.NewExpr().IfExists().SetIfAbsent(attrSwept, ddb.Num(now))
			_, _, err := s.table.UpdateAtLeastOnce(ctx, cleanupKey(cleanupMonitor, id), e)
			return err
		}
		if read += len(items); most > 0 && read > most {
			return nil
		}
		var plain []ddb.Key
		for n, k := range keysOf(items) {
			switch {
			case strings.HasPrefix(k.SK, alertRowPrefix) && items[n][attrIntegrationID] != nil:
				plain = append(plain, k) // the alert is its integration's
			case strings.HasPrefix(k.SK, alertRowPrefix):
				alert, err := alertOfRow(k)
				if err != nil {
					return err
				}
				plain = append(plain, alert, k)
			case strings.HasPrefix(k.SK, incidentRowPrefix):
				if err := s.unlink(ctx, k, id, public, now); err != nil {
					return err
				}
			case strings.HasPrefix(k.SK, maintenanceRowPrefix):
				if err := s.leaveMaintenance(ctx, k, id, public, now); err != nil {
					return err
				}
			default:
				plain = append(plain, k)
			}
		}
		if err := s.table.DeleteAll(ctx, plain); err != nil {
			return err
		}
	}
}

// unlink takes a deleted monitor out of the incident that its row points to, and
// removes the row.
func (s *Store) unlink(ctx context.Context, row ddb.Key, monitorID int64, public bool, now int64) error {
	_, incidentID, err := parseTimeAndID(strings.TrimPrefix(row.SK, incidentRowPrefix))
	if err != nil {
		return err
	}
	return ddb.Retry(ctx, func() (done bool, err error) {
		it, err := s.table.Get(ctx, incidentKey(incidentID))
		if err != nil {
			return false, err
		}
		if it == nil {
			return true, s.table.DeleteAll(ctx, []ddb.Key{row})
		}
		i, err := readIncident(it)
		if err != nil {
			return false, err
		}
		// Another sweep may have taken the monitor out since, and a write that read it
		// before its deletion may be linking it again. The row must then stay, for the next
		// sweep.
		writes := []ddb.Write{s.table.Check(incidentKey(incidentID), ddb.NewExpr().IfSame(incidentItem(i)))}
		next, linked := i.WithoutMonitor(monitorID, public)
		if linked {
			writes = s.incidentWrites(ctx, i, incidentChange{next: next}, now)
		}
		if !linked || row != incidentRowKey(monitorID, i.Start, i.ID) {
			writes = append(writes, s.table.Delete(row, nil))
		}
		refused, err := s.table.Transact(ctx, writes...)
		return refused == nil, err
	})
}

// eachCleanup calls f with each CLEANUP row that there is something to do about at now.
// begun says that a deletion is to be finished; otherwise its rows are only looked for once
// more.
func (s *Store) eachCleanup(ctx context.Context, now int64, f func(row ddb.Item, begun bool) error) error {
	for row, err := range s.table.Items(ctx, ddb.Query{PK: cleanups, Limit: keysAtOnce}) {
		if err != nil {
			return err
		}
		r := ddb.Reader{Item: row}
		swept := r.OptNum(attrSwept)
		// A sweep notes the time of its run, which can have begun before the deletion.
		if swept != nil && max(*swept, r.NumOrZero(attrCreated))+sweepAgain > now {
			continue
		}
		if err := f(row, swept == nil); err != nil {
			return err
		}
	}
	return nil
}

// PendingCleanups implements closer.Store.
func (s *Store) PendingCleanups(ctx context.Context, now int64) (names []string, due bool, err error) {
	err = s.eachCleanup(ctx, now, func(row ddb.Item, begun bool) error {
		if due = true; begun {
			names = append(names, ddb.KeyOf(row).SK)
		}
		return nil
	})
	return names, due, err
}

// Cleanup implements closer.Store. A deletion that can't be finished
// does not keep the others from it; the errors are returned together.
func (s *Store) Cleanup(ctx context.Context, now int64) (finished int, err error) {
	var failed []error
	err = s.eachCleanup(ctx, now, func(row ddb.Item, begun bool) error {
		if err := s.finish(ctx, row, now); err != nil {
			failed = append(failed, fmt.Errorf("cleanup of %s: %w", ddb.KeyOf(row).SK, err))
			return ctx.Err()
		}
		if begun {
			finished++
		}
		return nil
	})
	return finished, errors.Join(append(failed, err)...)
}

// finish does what there is to do about a CLEANUP row.
func (s *Store) finish(ctx context.Context, row ddb.Item, now int64) error {
	k := ddb.KeyOf(row)
	kind, digits, _ := strings.Cut(k.SK, "#")
	digits, version, _ := strings.Cut(digits, "#")
	id, err := parseID(digits)
	if err != nil {
		return err
	}
	by, err := readActor(row)
	if err != nil {
		return err
	}
	ctx = statuspage.WithActor(ctx, by)
	switch kind {
	case cleanupIncident:
		items, next, err := s.table.Page(ctx, incidentRows(id), nil)
		if err != nil {
			return err
		}
		return s.finishIncident(ctx, id, rest{keysOf(items), next})
	case cleanupMaintenance:
		return s.finishMaintenance(ctx, id)
	case cleanupMonitor:
		if err := s.sweepMonitor(ctx, id, row[attrPrivate] == nil, 0, now); err != nil || row[attrSwept] == nil {
			return err
		}
		return s.table.DeleteAll(ctx, []ddb.Key{k})
	case cleanupIntegration:
		if err := s.sweepIntegration(ctx, id, now); err != nil || row[attrSwept] == nil {
			return err
		}
		return s.table.DeleteAll(ctx, []ddb.Key{k})
	case cleanupRule:
		version, err := parseID(version)
		if err != nil {
			return err
		}
		monitorIDs, err := readCleanupMonitors(row)
		if err != nil {
			return err
		}
		return s.endAlerts(ctx, k, id, version, monitorIDs, now)
	case cleanupAlerts:
		version, err := parseID(version)
		if err != nil {
			return err
		}
		return s.endAlertsOn(ctx, id, version, now)
	}
	return fmt.Errorf("unknown kind %q", kind)
}

// readCleanupMonitors returns the ids of the monitors on which a rule's alerts are to end.
func readCleanupMonitors(row ddb.Item) ([]int64, error) {
	list, ok := row[attrMonitors].(*types.AttributeValueMemberL)
	if !ok {
		return nil, fmt.Errorf("attribute %q is missing or malformed", attrMonitors)
	}
	ids := make([]int64, len(list.Value))
	for i, v := range list.Value {
		n, ok := v.(*types.AttributeValueMemberN)
		if !ok {
			return nil, fmt.Errorf("attribute %q is malformed", attrMonitors)
		}
		var err error
		if ids[i], err = strconv.ParseInt(n.Value, 10, 64); err != nil {
			return nil, err
		}
	}
	return ids, nil
}
