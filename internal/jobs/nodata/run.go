// Package nodata judges the alert rules about missing data on a schedule, because a point
// that is missing starts no request. It knows neither AWS nor HTTP.
package nodata

import (
	"context"
	"errors"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"tocsin/internal/statuspage"
)

const (
	pageSize = 1000 // rules a call
	atOnce   = 8    // monitors at the same time
)

// Store is what a run needs of a repository. Its reads are strongly consistent.
type Store interface {
	// AlertRules is that of apiv4.AlertRuleStore.
	AlertRules(ctx context.Context, q statuspage.AlertRuleQuery, take func(statuspage.AlertRule) bool) (after int64, err error)

	// NewestPoint returns the monitor's newest point at or before now, nil when there is
	// none.
	NewestPoint(ctx context.Context, monitorID, now int64) (*statuspage.Point, error)

	// AlertingRules returns the ids of the rules that have an alert open on the monitor.
	AlertingRules(ctx context.Context, monitorID int64) ([]int64, error)

	// JudgeRule opens or resolves the alert of the rule on the monitor if rule and points
	// ask for it at now, in one transaction, and returns the state that it gave it, ""
	// when there was nothing to do. Two at once open no alert twice.
	JudgeRule(ctx context.Context, ruleID int64, on statuspage.RuleMonitor, now int64) (statuspage.AlertState, error)
}

// A Summary is what a run did.
type Summary struct {
	Rules    int // that are active
	Monitors int // that they watch
	Opened   int // alerts
	Resolved int // alerts
}

// Run judges every active rule about missing data on each of its monitors at now (UTC
// seconds). A failure of one does not stop the others; all failures are returned together.
func Run(ctx context.Context, store Store, now int64) (Summary, error) {
	rules, err := rulesOf(ctx, store)
	if err != nil {
		return Summary{}, err
	}
	monitors := byMonitor(rules)
	sum := Summary{Rules: len(rules), Monitors: len(monitors)}
	var failed []error
	var mu sync.Mutex
	var g errgroup.Group
	g.SetLimit(atOnce)
	for on, rules := range monitors {
		g.Go(func() error {
			opened, resolved, err := judge(ctx, store, on, rules, now)
			mu.Lock()
			defer mu.Unlock()
			sum.Opened, sum.Resolved, failed = sum.Opened+opened, sum.Resolved+resolved, append(failed, err)
			return nil
		})
	}
	_ = g.Wait() // the errors are in failed
	return sum, errors.Join(failed...)
}

func rulesOf(ctx context.Context, store Store) ([]statuspage.AlertRule, error) {
	var rules []statuspage.AlertRule
	for q := (statuspage.AlertRuleQuery{Limit: pageSize}); ; {
		next, err := store.AlertRules(ctx, q, func(r statuspage.AlertRule) bool {
			if concerns(r) {
				rules = append(rules, r)
			}
			return true
		})
		if q.After = next; err != nil || next == 0 {
			slices.Reverse(rules) // of two on a monitor the older one opens the incident
			return rules, err
		}
	}
}

// judge judges the rules on one monitor.
func judge(ctx context.Context, store Store, on statuspage.RuleMonitor, rules []statuspage.AlertRule, now int64) (opened, resolved int, err error) {
	var newest *statuspage.Point
	var alerting []int64
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		newest, err = store.NewestPoint(gctx, on.MonitorID, now)
		return err
	})
	g.Go(func() (err error) {
		alerting, err = store.AlertingRules(gctx, on.MonitorID)
		return err
	})
	if err := g.Wait(); err != nil {
		return 0, 0, err
	}
	var failed []error
	for _, r := range asking(rules, newest, alerting, now) {
		state, err := store.JudgeRule(ctx, r.ID, on, now)
		switch {
		case err != nil:
			failed = append(failed, err)
		case state == statuspage.Triggered:
			opened++
		case state == statuspage.AlertResolved:
			resolved++
		}
	}
	return opened, resolved, errors.Join(failed...)
}
