package dynamo

import (
	"context"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"tocsin/internal/statuspage"
)

// AlertRule implements statuspage.AlertStore.
func (s *Store) AlertRule(ctx context.Context, id int64) (statuspage.AlertRule, error) {
	it, err := s.get(ctx, ruleKey(id))
	if err != nil {
		return statuspage.AlertRule{}, err
	}
	if it == nil {
		return statuspage.AlertRule{}, statuspage.AlertRuleNotFound(id)
	}
	return readRule(it)
}

const rulesQuery = attrPK + " = :pk AND " + attrSK + " < :before"

// AlertRules implements statuspage.AlertStore.
func (s *Store) AlertRules(ctx context.Context, q statuspage.AlertRuleQuery, take func(statuspage.AlertRule) bool) (int64, error) {
	before := "~"
	if q.After != 0 {
		before = padID(q.After)
	}
	in := &dynamodb.QueryInput{
		TableName: s.table, ConsistentRead: aws.Bool(true), ScanIndexForward: aws.Bool(false),
		KeyConditionExpression:    aws.String(rulesQuery),
		ExpressionAttributeValues: item{":pk": str(allRules), ":before": str(before)},
		Limit:                     limitOf(q.Limit + 1),
	}
	last := q.After
	more := false
	err := s.eachRule(ctx, in, func(r statuspage.AlertRule) bool {
		if more = !take(r); !more {
			last = r.ID
		}
		return !more
	})
	if err != nil || !more {
		return 0, err
	}
	return last, nil
}

// eachRule calls f with the rules that the query finds until f returns false.
func (s *Store) eachRule(ctx context.Context, in *dynamodb.QueryInput, f func(statuspage.AlertRule) bool) error {
	pages := dynamodb.NewQueryPaginator(s.client, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return failure("query alert rules", err)
		}
		for _, it := range page.Items {
			r, err := readRule(it)
			if err != nil {
				return err
			}
			if !f(r) {
				return nil
			}
		}
	}
	return nil
}

// allOfRules is a strongly consistent query of every alert rule.
func (s *Store) allOfRules() *dynamodb.QueryInput {
	return &dynamodb.QueryInput{
		TableName: s.table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression: aws.String(partitionQuery), ExpressionAttributeValues: item{":pk": str(allRules)},
	}
}

// watched is what of a monitor decides how its points are judged.
type watched struct {
	id             int64
	tag            string
	version        int64
	degradedIsDown bool
	watches        []statuspage.Watch
}

var watchedFields = []string{attrID, attrVersion, attrIncludeDegr, attrWatches}

func readWatched(it item) (watched, error) {
	r := reader{item: it}
	w := watched{id: r.num(attrID), tag: r.str(attrSK), version: r.num(attrVersion), watches: r.watches()}
	w.degradedIsDown = statuspage.Monitor{IncludeDegraded: r.optStr(attrIncludeDegr)}.CountsDegradedAsDown()
	return w, r.err
}

func watchedOf(m statuspage.Monitor) watched {
	return watched{id: m.ID, tag: m.Tag, version: m.Version, degradedIsDown: m.CountsDegradedAsDown(), watches: m.Watches}
}

// watchedMonitors returns the monitors with these tags; a tag without one is missing.
func (s *Store) watchedMonitors(ctx context.Context, tags []string) (map[string]watched, error) {
	found, err := s.monitorItems(ctx, tags, watchedFields...)
	if err != nil {
		return nil, err
	}
	monitors := make(map[string]watched, len(found))
	for k, it := range found {
		if monitors[k.sk], err = readWatched(it); err != nil {
			return nil, err
		}
	}
	return monitors, nil
}

// CreateAlertRule implements statuspage.AlertStore.
func (s *Store) CreateAlertRule(ctx context.Context, n statuspage.NewAlertRule, now int64, once *statuspage.Once[statuspage.AlertRule]) (statuspage.AlertRule, error) {
	r := statuspage.AlertRule{
		Condition: n.Condition, Severity: n.Severity, CreateIncident: n.CreateIncident, Description: n.Description, Active: n.Active,
		Created: now, Updated: now, Version: 1,
	}
	if err := r.Check(); err != nil {
		return statuspage.AlertRule{}, err
	}
	var monitors map[string]watched
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		r.ID, err = s.nextID(gctx, ruleIDs)
		return err
	})
	g.Go(func() (err error) {
		monitors, err = s.watchedMonitors(gctx, n.Tags)
		return err
	})
	if err := g.Wait(); err != nil {
		return statuspage.AlertRule{}, err
	}
	for attempt := 0; ; attempt++ {
		var err error
		if r.Monitors, err = ruleMonitors(n.Tags, monitors); err != nil {
			return statuspage.AlertRule{}, err
		}
		writes, err := s.watchWrites(statuspage.AlertRule{ID: r.ID}, r, monitors)
		if err != nil {
			return statuspage.AlertRule{}, err
		}
		refused, err := transactOnce(ctx, s, once, r, append([]types.TransactWriteItem{s.putNew(ruleItem(r))}, writes...)...)
		if err != nil {
			return statuspage.AlertRule{}, err
		}
		if refused == nil {
			return r, nil
		}
		if err := pause(ctx, attempt, errContended); err != nil {
			return statuspage.AlertRule{}, err
		}
		if monitors, err = s.watchedMonitors(ctx, n.Tags); err != nil {
			return statuspage.AlertRule{}, err
		}
	}
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

// watchWrites makes the monitors carry what the rule says after it was old and is
// next. A monitor of which nothing changes is only asked to be there still. It
// returns TooManyRules.
func (s *Store) watchWrites(old, next statuspage.AlertRule, found map[string]watched) ([]types.TransactWriteItem, error) {
	var writes []types.TransactWriteItem
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
		e := newExpr().ifCompare(attrID, "=", attrID, num(w.id))
		if slices.Equal(wanted, w.watches) {
			writes = append(writes, s.check(monitorKey(m.Tag), e))
			continue
		}
		e.ifVersion(w.version).increment(attrVersion)
		if len(wanted) > 0 {
			e.set(attrWatches, watchList(wanted))
		} else {
			e.remove(attrWatches)
		}
		writes = append(writes, s.update(monitorKey(m.Tag), e))
	}
	return writes, nil
}

func watches(r statuspage.AlertRule, monitorID int64) bool {
	return slices.ContainsFunc(r.Monitors, func(m statuspage.RuleMonitor) bool { return m.MonitorID == monitorID })
}

// UpdateAlertRule implements statuspage.AlertStore. The rule and what its monitors
// carry of it change in one transaction, which leaves a CLEANUP row where open alerts
// have to end.
func (s *Store) UpdateAlertRule(ctx context.Context, id int64, p statuspage.AlertRulePatch, now int64) (statuspage.AlertRule, error) {
	for attempt := 0; ; attempt++ {
		old, err := s.AlertRule(ctx, id)
		if err != nil {
			return statuspage.AlertRule{}, err
		}
		asked, relinks := p.Tags.Get()
		found, err := s.watchedMonitors(ctx, append(ruleTags(old), asked...))
		if err != nil {
			return statuspage.AlertRule{}, err
		}
		monitors := slices.DeleteFunc(slices.Clone(old.Monitors), func(m statuspage.RuleMonitor) bool {
			return found[m.Tag].id != m.MonitorID
		})
		if relinks {
			if monitors, err = ruleMonitors(asked, found); err != nil {
				return statuspage.AlertRule{}, err
			}
		}
		next, err := old.Apply(p, now)
		if err != nil {
			return statuspage.AlertRule{}, err
		}
		next.Monitors = monitors
		refused, err := s.replaceRule(ctx, old, &next, found, now)
		if err != nil {
			return statuspage.AlertRule{}, err
		}
		if refused == nil {
			return next, nil
		}
		if err := pause(ctx, attempt, errContended); err != nil {
			return statuspage.AlertRule{}, err
		}
	}
}

func ruleTags(r statuspage.AlertRule) []string {
	tags := make([]string, len(r.Monitors))
	for i, m := range r.Monitors {
		tags[i] = m.Tag
	}
	return tags
}

// DeleteAlertRule implements statuspage.AlertStore.
func (s *Store) DeleteAlertRule(ctx context.Context, id int64, now int64) error {
	for attempt := 0; ; attempt++ {
		old, err := s.AlertRule(ctx, id)
		if err != nil {
			return err
		}
		found, err := s.watchedMonitors(ctx, ruleTags(old))
		if err != nil {
			return err
		}
		refused, err := s.replaceRule(ctx, old, nil, found, now)
		if err != nil || refused == nil {
			return err
		}
		if err := pause(ctx, attempt, errContended); err != nil {
			return err
		}
	}
}

// replaceRule puts next in the place of old, or nothing when it is nil, and ends the
// alerts that have lost their reason.
func (s *Store) replaceRule(ctx context.Context, old statuspage.AlertRule, next *statuspage.AlertRule, found map[string]watched, now int64) (*refusal, error) {
	after := statuspage.AlertRule{ID: old.ID}
	e := newExpr().ifVersion(old.Version)
	writes := []types.TransactWriteItem{s.remove(ruleKey(old.ID), e)}
	if next != nil {
		after = *next
		writes[0] = s.putIf(ruleItem(after), e)
	}
	changes, err := s.watchWrites(old, after, found)
	if err != nil {
		return nil, err
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
		it := row.attributes()
		it[attrCreated] = num(now)
		it[attrMonitors] = numList(ended)
		writes = append(writes, s.put(it))
	}
	refused, err := s.transact(ctx, writes...)
	if err == nil && refused == nil && len(ended) > 0 {
		s.finishLater(ctx, s.finishRule(ctx, row, old.ID, old.Version, ended, now))
	}
	return refused, err
}

func numList(ns []int64) types.AttributeValue {
	list := make([]types.AttributeValue, len(ns))
	for i, n := range ns {
		list[i] = num(n)
	}
	return &types.AttributeValueMemberL{Value: list}
}

// finishRule resolves the alerts that the rule had opened on the monitors up to the
// version, then removes the CLEANUP row.
func (s *Store) finishRule(ctx context.Context, row key, ruleID, version int64, monitorIDs []int64, now int64) error {
	keys := make([]key, len(monitorIDs))
	for i, id := range monitorIDs {
		keys[i] = openAlertKey(id, ruleID)
	}
	marks, err := s.batchGet(ctx, keys)
	if err != nil {
		return err
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(callsAtOnce)
	for k, it := range marks {
		_, open, err := readOpenAlert(it)
		if err != nil {
			return err
		}
		if open.ruleVersion > version {
			continue // the rule was made active again and has fired since
		}
		g.Go(func() error {
			_, err := s.transact(gctx, s.endAlert(k, open.alertID, now)...)
			return err // refused: it has ended
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return s.deleteAll(ctx, []key{row})
}

// finishRuleRow is finishRule for a CLEANUP row, of which only the key is known.
func (s *Store) finishRuleRow(ctx context.Context, row key, ruleID, version, now int64) error {
	it, err := s.get(ctx, row)
	if err != nil || it == nil {
		return err
	}
	r := reader{item: it}
	var monitorIDs []int64
	for _, v := range r.list(attrMonitors) {
		n, ok := v.(*types.AttributeValueMemberN)
		if !ok {
			r.fail(attrMonitors)
			break
		}
		id, err := strconv.ParseInt(n.Value, 10, 64)
		if err != nil {
			return err
		}
		monitorIDs = append(monitorIDs, id)
	}
	if r.err != nil {
		return r.err
	}
	return s.finishRule(ctx, row, ruleID, version, monitorIDs, now)
}

// leaveRules takes a deleted monitor out of the alert rules.
func (s *Store) leaveRules(ctx context.Context, monitorID int64) error {
	var in []int64
	err := s.eachRule(ctx, s.allOfRules(), func(r statuspage.AlertRule) bool {
		if watches(r, monitorID) {
			in = append(in, r.ID)
		}
		return true
	})
	if err != nil {
		return err
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(callsAtOnce)
	for _, id := range in {
		g.Go(func() error { return s.leaveRule(gctx, id, monitorID) })
	}
	return g.Wait()
}

// leaveRule takes a deleted monitor out of the rule. The rule's update time stays:
// nobody worked on it.
func (s *Store) leaveRule(ctx context.Context, id, monitorID int64) error {
	for attempt := 0; ; attempt++ {
		it, err := s.get(ctx, ruleKey(id))
		if err != nil || it == nil {
			return err
		}
		r, err := readRule(it)
		if err != nil || !watches(r, monitorID) {
			return err
		}
		version := r.Version
		r.Version++
		r.Monitors = slices.DeleteFunc(r.Monitors, func(m statuspage.RuleMonitor) bool { return m.MonitorID == monitorID })
		e := newExpr().ifVersion(version).increment(attrVersion).set(attrMonitors, ruleItem(r)[attrMonitors])
		refused, err := s.transact(ctx, s.update(ruleKey(id), e))
		if err != nil || refused == nil {
			return err
		}
		if err := pause(ctx, attempt, errContended); err != nil {
			return err
		}
	}
}
