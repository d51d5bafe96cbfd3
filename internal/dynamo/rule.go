package dynamo

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"tocsin/internal/ddb"
	"tocsin/internal/statuspage"
)

const allRules = "RULES"

func ruleKey(id int64) ddb.Key { return ddb.Key{PK: allRules, SK: padID(id)} }

// Attributes of an alert rule and, but for the thresholds, of an alert.
const (
	attrFor            = "alert_for"
	attrStatusValue    = attrStatus // present where the value is a status
	attrLimit          = "limit"    // a text, as latencies are; absent where the value is a status
	attrFailures       = "failures"
	attrSuccesses      = "successes"
	attrSeverity       = "severity"
	attrCreateIncident = "create_incident"
	attrActive         = "active"
)

func putCondition(it ddb.Item, c statuspage.Condition) {
	it[attrFor] = ddb.Str(string(c.For))
	if c.For == statuspage.AlertStatus {
		it[attrStatusValue] = ddb.Str(string(c.Status))
	} else {
		it[attrLimit] = ddb.Float(c.Limit)
	}
	if c.Failures > 0 {
		it[attrFailures], it[attrSuccesses] = ddb.Num(c.Failures), ddb.Num(c.Successes)
	}
}

func readCondition(r *ddb.Reader) statuspage.Condition {
	c := statuspage.Condition{For: statuspage.AlertFor(r.Str(attrFor)), Status: statuspage.Status(r.StrOrEmpty(attrStatusValue))}
	if r.Has(attrLimit) {
		c.Limit = r.Float(attrLimit)
	}
	if r.Has(attrFailures) {
		c.Failures, c.Successes = r.Num(attrFailures), r.Num(attrSuccesses)
	}
	return c
}

func ruleItem(a statuspage.AlertRule) ddb.Item {
	it := ruleKey(a.ID).Item()
	it[ddb.AttrID] = ddb.Num(a.ID)
	putCondition(it, a.Condition)
	it[attrMonitors] = ddb.ListOf(a.Monitors, func(m statuspage.RuleMonitor) types.AttributeValue {
		return ddb.Map(ddb.Item{attrTag: ddb.Str(m.Tag), ddb.AttrID: ddb.Num(m.MonitorID)})
	})
	it[attrSeverity] = ddb.Str(string(a.Severity))
	ddb.PutFlag(it, attrCreateIncident, a.CreateIncident)
	ddb.PutStr(it, attrDescription, a.Description)
	ddb.PutFlag(it, attrActive, a.Active)
	it[attrCreated] = ddb.Num(a.Created)
	it[attrUpdated] = ddb.Num(a.Updated)
	it[ddb.AttrVersion] = ddb.Num(a.Version)
	return it
}

func readRuleMonitor(it ddb.Item) (statuspage.RuleMonitor, error) {
	r := ddb.Reader{Item: it}
	m := statuspage.RuleMonitor{Tag: r.Str(attrTag), MonitorID: r.Num(ddb.AttrID)}
	return m, r.Err
}

func readRule(it ddb.Item) (statuspage.AlertRule, error) {
	r := ddb.Reader{Item: it}
	a := statuspage.AlertRule{
		ID:             r.Num(ddb.AttrID),
		Condition:      readCondition(&r),
		Severity:       statuspage.Severity(r.Str(attrSeverity)),
		CreateIncident: r.Has(attrCreateIncident),
		Description:    r.OptStr(attrDescription),
		Active:         r.Has(attrActive),
		Created:        r.Num(attrCreated),
		Updated:        r.Num(attrUpdated),
		Version:        r.Num(ddb.AttrVersion),
		Monitors:       ddb.ReadList(&r, attrMonitors, readRuleMonitor),
	}
	return a, r.Err
}

// AlertRule implements apiv4.AlertRuleStore.
func (s *Store) AlertRule(ctx context.Context, id int64) (statuspage.AlertRule, error) {
	return find(ctx, s, ruleKey(id), readRule, func() error { return statuspage.AlertRuleNotFound(id) })
}

// AlertRules implements apiv4.AlertRuleStore.
func (s *Store) AlertRules(ctx context.Context, q statuspage.AlertRuleQuery, take func(statuspage.AlertRule) bool) (int64, error) {
	in := ddb.Query{PK: allRules, Low: padID(0), High: beforeID(q.After), Newest: true, Limit: q.Limit + 1}
	return ddb.List(ctx, s.table, ddb.Listing[statuspage.AlertRule, int64]{
		Query: in, Read: ddb.Each(readRule), Take: take, After: q.After, Position: func(r statuspage.AlertRule) int64 { return r.ID },
	})
}

// rulesThat returns the alert rules for which that is true.
func (s *Store) rulesThat(ctx context.Context, that func(statuspage.AlertRule) bool) ([]statuspage.AlertRule, error) {
	var rules []statuspage.AlertRule
	for it, err := range s.table.Items(ctx, ddb.Query{PK: allRules}) {
		if err != nil {
			return nil, err
		}
		r, err := readRule(it)
		if err != nil {
			return nil, err
		}
		if that(r) {
			rules = append(rules, r)
		}
	}
	return rules, nil
}

// CreateAlertRule implements apiv4.AlertRuleStore.
func (s *Store) CreateAlertRule(ctx context.Context, n statuspage.NewAlertRule, now int64, once *statuspage.Once[statuspage.AlertRule]) (statuspage.AlertRule, error) {
	if err := n.Check(); err != nil {
		return statuspage.AlertRule{}, err
	}
	var id int64
	var monitors map[string]watched
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		id, err = s.nextID(gctx, ruleIDs)
		return err
	})
	g.Go(func() (err error) {
		monitors, err = s.watchedMonitors(gctx, n.Tags)
		return err
	})
	if err := g.Wait(); err != nil {
		return statuspage.AlertRule{}, err
	}
	var r statuspage.AlertRule
	err := ddb.Retry(ctx, func() (done bool, err error) {
		on, err := ruleMonitors(n.Tags, monitors)
		if err != nil {
			return false, err
		}
		if r, err = n.Made(id, on, now); err != nil {
			return false, err
		}
		writes, err := s.watchWrites(statuspage.AlertRule{ID: r.ID}, r, monitors)
		if err != nil {
			return false, err
		}
		writes = append(writes, s.table.PutNew(ruleItem(r)), s.changeRow(ctx, ruleChange(r, statuspage.Created, nil), now))
		refused, err := s.transact(ctx, completion(s, once, r), writes...)
		if err != nil || refused == nil {
			return true, err
		}
		monitors, err = s.watchedMonitors(ctx, n.Tags)
		return false, err
	})
	if err != nil {
		return statuspage.AlertRule{}, err
	}
	return r, nil
}

// maxRuleWrites is how many writes of a transaction a change of a rule takes: the rule, its
// monitors of before and of after, the change row, and the row about the alerts to end or the
// reply of a claim.
const maxRuleWrites = 3 + 2*statuspage.MaxRuleMonitors

var _ [ddb.MaxWrites - maxRuleWrites]struct{} // so many are left

// ruleChange is the change row of a rule.
func ruleChange(r statuspage.AlertRule, what statuspage.ChangeKind, fields []string) statuspage.Change {
	c := statuspage.Change{Record: statuspage.RecordAlertRule, ID: r.ID, What: what, Fields: fields}
	if what != statuspage.Deleted {
		c.Version = r.Version
	}
	return c
}

// ruleMonitors finds the monitors of the tags. It returns UnknownMonitor for the
// first one without a monitor.
func ruleMonitors(tags []string, found map[string]watched) ([]statuspage.RuleMonitor, error) {
	monitors := make([]statuspage.RuleMonitor, len(tags))
	for i, tag := range tags {
		m, ok := found[tag]
		if !ok {
			return nil, statuspage.UnknownMonitor(tag)
		}
		monitors[i] = statuspage.RuleMonitor{Tag: tag, MonitorID: m.id}
	}
	return monitors, nil
}

// watchWrites are the writes that replace the conditions of the rule old in its monitors'
// items by those of next. For a monitor whose item does not change, it is a check that the
// monitor still exists. It returns TooManyRules.
func (s *Store) watchWrites(old, next statuspage.AlertRule, found map[string]watched) ([]ddb.Write, error) {
	var writes []ddb.Write
	seen := map[int64]bool{}
	for _, m := range slices.Concat(next.Monitors, old.Monitors) {
		w, ok := found[m.Tag]
		if !ok || w.id != m.MonitorID || seen[m.MonitorID] {
			continue // of the old ones: deleted since
		}
		seen[m.MonitorID] = true
		wanted := slices.DeleteFunc(slices.Clone(w.watches), func(x statuspage.Watch) bool { return x.RuleID == next.ID })
		if next.Active && watches(next, m.MonitorID) {
			if len(wanted) >= statuspage.MaxMonitorRules {
				return nil, statuspage.TooManyRules(m.Tag)
			}
			wanted = append(wanted, statuspage.Watch{RuleID: next.ID, Condition: next.Condition})
			slices.SortFunc(wanted, func(a, b statuspage.Watch) int { return int(a.RuleID - b.RuleID) })
		}
		e := ddb.NewExpr().IfEqual(ddb.AttrID, ddb.Num(w.id))
		if slices.Equal(wanted, w.watches) {
			writes = append(writes, s.table.Check(monitorKey(m.Tag), e))
			continue
		}
		e.IfEqual(ddb.AttrVersion, ddb.Num(w.version)).Increment(ddb.AttrVersion)
		if len(wanted) > 0 {
			e.Set(attrWatches, watchList(wanted))
		} else {
			e.Remove(attrWatches)
		}
		writes = append(writes, s.table.Update(monitorKey(m.Tag), e))
	}
	return writes, nil
}

func watches(r statuspage.AlertRule, monitorID int64) bool {
	return slices.ContainsFunc(r.Monitors, func(m statuspage.RuleMonitor) bool { return m.MonitorID == monitorID })
}

// UpdateAlertRule implements apiv4.AlertRuleStore. The rule and what its monitors
// carry of it change in one transaction, which leaves a CLEANUP row where open alerts
// have to end.
func (s *Store) UpdateAlertRule(ctx context.Context, id int64, p statuspage.AlertRulePatch, now int64) (statuspage.AlertRule, error) {
	var next statuspage.AlertRule
	err := ddb.Retry(ctx, func() (done bool, err error) {
		old, err := s.AlertRule(ctx, id)
		if err != nil {
			return false, err
		}
		asked, relinks := p.Tags.Get()
		found, err := s.watchedMonitors(ctx, append(ruleTags(old), asked...))
		if err != nil {
			return false, err
		}
		monitors := slices.DeleteFunc(slices.Clone(old.Monitors), func(m statuspage.RuleMonitor) bool {
			return found[m.Tag].id != m.MonitorID
		})
		if relinks {
			if monitors, err = ruleMonitors(asked, found); err != nil {
				return false, err
			}
		}
		if next, err = old.Apply(p, now); err != nil {
			return false, err
		}
		next.Monitors = monitors
		return s.replaceRule(ctx, old, &next, found, now)
	})
	if err != nil {
		return statuspage.AlertRule{}, err
	}
	return next, nil
}

func ruleTags(r statuspage.AlertRule) []string {
	tags := make([]string, len(r.Monitors))
	for i, m := range r.Monitors {
		tags[i] = m.Tag
	}
	return tags
}

// DeleteAlertRule implements apiv4.AlertRuleStore.
func (s *Store) DeleteAlertRule(ctx context.Context, id int64, now int64) error {
	return ddb.Retry(ctx, func() (done bool, err error) {
		old, err := s.AlertRule(ctx, id)
		if err != nil {
			return false, err
		}
		found, err := s.watchedMonitors(ctx, ruleTags(old))
		if err != nil {
			return false, err
		}
		return s.replaceRule(ctx, old, nil, found, now)
	})
}

// replaceRule turns the rule old into next, or deletes it when next is nil, and resolves
// the open alerts on monitors that it does not judge any more. done is false when the rule
// or its monitors were not as they were read: then nothing was written.
func (s *Store) replaceRule(ctx context.Context, old statuspage.AlertRule, next *statuspage.AlertRule, found map[string]watched, now int64) (done bool, err error) {
	was := ruleItem(old)
	after := statuspage.AlertRule{ID: old.ID}
	var writes []ddb.Write
	if next == nil {
		writes = []ddb.Write{s.table.Delete(ruleKey(old.ID), ddb.NewExpr().IfSame(was)), s.changeRow(ctx, ruleChange(old, statuspage.Deleted, nil), now)}
	} else {
		after = *next
		is := ruleItem(after)
		writes = []ddb.Write{s.table.Change(was, is)}
		if fields := changedFields(statuspage.RecordAlertRule, was, is); fields != nil {
			writes = append(writes, s.changeRow(ctx, ruleChange(after, statuspage.Updated, fields), now))
		}
	}
	changes, err := s.watchWrites(old, after, found)
	if err != nil {
		return false, err
	}
	writes = append(writes, changes...)
	var ended []int64
	for _, m := range old.Monitors {
		if old.Active && !(after.Active && watches(after, m.MonitorID)) {
			ended = append(ended, m.MonitorID)
		}
	}
	row := cleanupRuleKey(old.ID, old.Version)
	if len(ended) > 0 {
		it := row.Item()
		it[attrCreated] = ddb.Num(now)
		it[attrMonitors] = ddb.ListOf(ended, ddb.Num)
		writes = append(writes, s.table.Put(it))
	}
	refused, err := s.table.Transact(ctx, writes...)
	if err != nil || refused != nil {
		return false, err
	}
	if len(ended) > 0 {
		s.finishLater(ctx, s.endAlerts(ctx, row, old.ID, old.Version, ended, now))
	}
	return true, nil
}

// leaveRules takes a deleted monitor out of the alert rules.
func (s *Store) leaveRules(ctx context.Context, monitorID, now int64) error {
	in, err := s.rulesThat(ctx, func(r statuspage.AlertRule) bool { return watches(r, monitorID) })
	if err != nil {
		return err
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(callsAtOnce)
	for _, r := range in {
		g.Go(func() error { return s.leaveRule(gctx, r, monitorID, now) })
	}
	return g.Wait()
}

// leaveRule takes a deleted monitor out of the rule. The rule's update time stays, since no
// person changed it.
func (s *Store) leaveRule(ctx context.Context, r statuspage.AlertRule, monitorID, now int64) error {
	return ddb.Retry(ctx, func() (done bool, err error) {
		was := ruleItem(r)
		r.Version++
		r.Monitors = slices.DeleteFunc(slices.Clone(r.Monitors), func(m statuspage.RuleMonitor) bool { return m.MonitorID == monitorID })
		is := ruleItem(r)
		fields := changedFields(statuspage.RecordAlertRule, was, is)
		refused, err := s.table.Transact(ctx, s.table.Change(was, is), s.changeRow(ctx, ruleChange(r, statuspage.Updated, fields), now))
		if err != nil || refused == nil {
			return true, err
		}
		it := refused.Item(0)
		if it == nil {
			return true, nil
		}
		r, err = readRule(it)
		return !watches(r, monitorID), err
	})
}
