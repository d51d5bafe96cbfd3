package definitions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tocsin/internal/apiv4"
	"tocsin/internal/statuspage"
)

// Store is what definitions are applied to.
type Store interface {
	Monitor(ctx context.Context, tag string) (statuspage.Monitor, error)
	CreateMonitor(ctx context.Context, m statuspage.Monitor, now int64, once *statuspage.Once[statuspage.Monitor]) (statuspage.Monitor, error)
	UpdateMonitor(ctx context.Context, tag string, p statuspage.MonitorPatch, now int64) (statuspage.Monitor, error)
	AlertRules(ctx context.Context, q statuspage.AlertRuleQuery, take func(statuspage.AlertRule) bool) (after int64, err error)
	CreateAlertRule(ctx context.Context, n statuspage.NewAlertRule, now int64, once *statuspage.Once[statuspage.AlertRule]) (statuspage.AlertRule, error)
	UpdateAlertRule(ctx context.Context, id int64, p statuspage.AlertRulePatch, now int64) (statuspage.AlertRule, error)
}

// Options are how definitions are applied.
type Options struct {
	DryRun bool              // say what would be done, and write nothing
	Line   func(line string) // gets a line for all that is done, in order, and how much it was
}

// Apply makes the monitors and rules that are not there, and changes those that differ, in
// what the definitions say of them, at now (UTC seconds). It deletes nothing. Before it
// writes anything it finds out what is there, and returns the error of a rule that could
// not be made or told from another; a later error leaves what was done until then, and
// applying again does the rest.
func (d Definitions) Apply(ctx context.Context, store Store, now int64, o Options) error {
	return applier{Options: o, store: store, now: now}.run(ctx, d)
}

// applier applies definitions.
type applier struct {
	Options
	store Store
	now   int64
}

func (a applier) run(ctx context.Context, d Definitions) error {
	monitors := map[string]statuspage.Monitor{} // those that are there
	for _, m := range d.monitors {
		if err := a.find(ctx, m.made.Tag, monitors); err != nil {
			return fmt.Errorf("monitor %s: %w", m.made.Tag, err)
		}
	}
	rules, err := a.findRules(ctx, d, monitors)
	if err != nil {
		return err
	}
	if len(d.monitors) > 0 || len(d.rules) == 0 {
		if err := a.applyMonitors(ctx, d.monitors, monitors); err != nil {
			return err
		}
	}
	return a.applyRules(ctx, d.rules, rules)
}

// find adds the monitor with the tag to those that are there, if it is.
func (a applier) find(ctx context.Context, tag string, there map[string]statuspage.Monitor) error {
	m, err := a.store.Monitor(ctx, tag)
	if errors.Is(err, statuspage.MonitorNotFound(tag)) {
		return nil
	}
	if err == nil {
		there[tag] = m
	}
	return err
}

// findRules returns the rules that are there by their names. It fails for a rule of the
// file that could not be made or told from another.
func (a applier) findRules(ctx context.Context, d Definitions, monitors map[string]statuspage.Monitor) (map[string]statuspage.AlertRule, error) {
	if len(d.rules) == 0 {
		return nil, nil
	}
	found := map[string][]statuspage.AlertRule{}
	const page = 1000
	for q := (statuspage.AlertRuleQuery{Limit: page}); ; {
		next, err := a.store.AlertRules(ctx, q, func(r statuspage.AlertRule) bool {
			tags := make([]string, len(r.Monitors))
			for n, m := range r.Monitors {
				tags[n] = m.Tag
			}
			name := ruleName(r.For, r.Severity, tags)
			found[name] = append(found[name], r)
			return true
		})
		if err != nil {
			return nil, fmt.Errorf("reading the alert rules: %w", err)
		}
		if q.After = next; next == 0 {
			break
		}
	}
	there := maps.Clone(monitors)
	for _, m := range d.monitors {
		there[m.made.Tag] = m.made
	}
	rules := map[string]statuspage.AlertRule{}
	for _, r := range d.rules {
		for _, tag := range r.made.Tags {
			if _, ok := there[tag]; ok {
				continue
			}
			if err := a.find(ctx, tag, there); err != nil {
				return nil, r.fault(err)
			}
			if _, ok := there[tag]; !ok {
				return nil, r.fault(statuspage.UnknownMonitor(tag))
			}
		}
		name := ruleName(r.made.For, r.made.Severity, r.made.Tags)
		switch same := found[name]; len(same) {
		case 0:
		case 1:
			rules[name] = same[0]
		default:
			return nil, r.fault(fmt.Errorf("there are two for %s, %d and %d: delete or change one of them", name, same[1].ID, same[0].ID))
		}
	}
	return rules, nil
}

// count prints how much was done of a kind.
func (a applier) count(kind string, made, changed, all int) {
	done := ""
	if a.DryRun {
		done = " (dry run: nothing was written)"
	}
	var counts []string
	for _, c := range []struct {
		n    int
		what string
	}{{made, "made"}, {changed, "changed"}, {all - made - changed, "as they should be"}} {
		if c.n > 0 || all == 0 && c.what == "made" {
			counts = append(counts, fmt.Sprintf("%d %s", c.n, c.what))
		}
	}
	a.Line(fmt.Sprintf("%s: %s%s", kind, strings.Join(counts, ", "), done))
}

func (a applier) applyMonitors(ctx context.Context, monitors []monitor, there map[string]statuspage.Monitor) error {
	made, changed := 0, 0
	for _, m := range monitors {
		var err error
		if old, ok := there[m.made.Tag]; ok {
			var differs bool
			if differs, err = a.updateMonitor(ctx, old, m.patch); differs {
				changed++
			}
		} else {
			made++
			err = a.makeMonitor(ctx, m.made)
		}
		if err != nil {
			return fmt.Errorf("monitor %s: %w", m.made.Tag, err)
		}
	}
	a.count("monitors", made, changed, len(monitors))
	return nil
}

func (a applier) applyRules(ctx context.Context, rules []rule, there map[string]statuspage.AlertRule) error {
	if len(rules) == 0 {
		return nil
	}
	made, changed := 0, 0
	for _, r := range rules {
		name := ruleName(r.made.For, r.made.Severity, r.made.Tags)
		var err error
		if old, ok := there[name]; ok {
			var differs bool
			if differs, err = a.updateRule(ctx, name, old, r.patch); differs {
				changed++
			}
		} else {
			made++
			err = a.makeRule(ctx, name, r.made)
		}
		if err != nil {
			return fmt.Errorf("alert rule %s: %w", name, err)
		}
	}
	a.count("alert rules", made, changed, len(rules))
	return nil
}

func (a applier) makeRule(ctx context.Context, name string, n statuspage.NewAlertRule) error {
	a.Line(fmt.Sprintf("+ alert rule %s: %s", name, n.Value()))
	if a.DryRun {
		return nil
	}
	_, err := a.store.CreateAlertRule(ctx, n, a.now, nil)
	return err
}

// updateRule reports whether the rule is not as it should be.
func (a applier) updateRule(ctx context.Context, name string, old statuspage.AlertRule, p statuspage.AlertRulePatch) (bool, error) {
	next, err := old.Apply(p, a.now)
	if err != nil {
		return false, err
	}
	changes := differences(apiv4.EncodeAlertRule(old), apiv4.EncodeAlertRule(next))
	if changes == "" {
		return false, nil
	}
	a.Line(fmt.Sprintf("~ alert rule %d, %s: %s", old.ID, name, changes))
	if a.DryRun {
		return true, nil
	}
	_, err = a.store.UpdateAlertRule(ctx, old.ID, p, a.now)
	return true, err
}

func (a applier) makeMonitor(ctx context.Context, m statuspage.Monitor) error {
	a.Line(fmt.Sprintf("+ monitor %s", m.Tag))
	if a.DryRun {
		return nil
	}
	_, err := a.store.CreateMonitor(ctx, m, a.now, nil)
	return err
}

// updateMonitor reports whether the monitor is not as it should be.
func (a applier) updateMonitor(ctx context.Context, old statuspage.Monitor, p statuspage.MonitorPatch) (bool, error) {
	next, err := old.Apply(p, a.now)
	if err != nil {
		return false, err
	}
	changes := differences(apiv4.EncodeMonitor(old), apiv4.EncodeMonitor(next))
	if changes == "" {
		return false, nil
	}
	a.Line(fmt.Sprintf("~ monitor %s: %s", old.Tag, changes))
	if a.DryRun {
		return true, nil
	}
	_, err = a.store.UpdateMonitor(ctx, old.Tag, p, a.now)
	return true, err
}

// differences lists the fields in which two records differ, but for the time of the
// change itself; "" for none. What type_data says stays out of it: it can hold credentials,
// and a terminal's lines end up in logs.
func differences(old, next []byte) string {
	var before, after map[string]json.RawMessage
	if json.Unmarshal(old, &before) != nil || json.Unmarshal(next, &after) != nil {
		panic("definitions: the API's own JSON can't be read")
	}
	var list []string
	for _, name := range slices.Sorted(maps.Keys(after)) {
		switch {
		case name == "updated_at" || string(before[name]) == string(after[name]):
		case name == "type_data":
			list = append(list, "type_data (not shown)")
		default:
			list = append(list, fmt.Sprintf("%s %s → %s", name, before[name], after[name]))
		}
	}
	return strings.Join(list, ", ")
}
