package nodata

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/statuspage"
)

const (
	minute = 60
	noon   = 1_763_812_800 // UTC seconds
)

// rule is an active rule that fires after two whole minutes without data, made at noon.
func rule(id int64, monitors ...string) statuspage.AlertRule {
	r := statuspage.AlertRule{
		ID: id, Condition: statuspage.Condition{For: statuspage.AlertNoData, Limit: 2, Failures: 1, Successes: 1}, Active: true, Created: noon,
	}
	for _, tag := range monitors {
		r.Monitors = append(r.Monitors, on(tag))
	}
	return r
}

// on is a monitor with a tag of one letter.
func on(tag string) statuspage.RuleMonitor {
	return statuspage.RuleMonitor{Tag: tag, MonitorID: int64(tag[0])}
}

// store is a Store that has two rules a page. JudgeRule decides by itself, as a
// repository does.
type store struct {
	mu     sync.Mutex
	rules  []statuspage.AlertRule // id falling
	newest map[int64]int64        // the minute of a monitor's newest point
	open   map[string]bool        // "rule/monitor"
	judged []string               // "rule/monitor" of each call
	fails  map[string]bool        // calls, by their names and the monitor's tag
}

func (s *store) failure(call string, monitorID int64) error {
	if name := fmt.Sprintf("%s %c", call, rune(monitorID)); s.fails[name] {
		return errors.New(name)
	}
	return nil
}

func name(ruleID, monitorID int64) string { return fmt.Sprintf("%d/%c", ruleID, rune(monitorID)) }

func (s *store) AlertRules(_ context.Context, q statuspage.AlertRuleQuery, take func(statuspage.AlertRule) bool) (int64, error) {
	if s.fails["AlertRules"] {
		return 0, errors.New("AlertRules")
	}
	n := 0
	for _, r := range s.rules {
		switch {
		case q.After != 0 && r.ID >= q.After:
			continue
		case n == 2:
			return r.ID + 1, nil
		}
		take(r)
		n++
	}
	return 0, nil
}

func (s *store) NewestPoint(_ context.Context, monitorID, _ int64) (*statuspage.Point, error) {
	if at, ok := s.newest[monitorID]; ok {
		return &statuspage.Point{Time: at}, s.failure("NewestPoint", monitorID)
	}
	return nil, s.failure("NewestPoint", monitorID)
}

func (s *store) AlertingRules(_ context.Context, monitorID int64) ([]int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []int64
	for _, r := range s.rules {
		if s.open[name(r.ID, monitorID)] {
			ids = append(ids, r.ID)
		}
	}
	return ids, s.failure("AlertingRules", monitorID)
}

func (s *store) JudgeRule(ctx context.Context, ruleID int64, on statuspage.RuleMonitor, now int64) (statuspage.AlertState, error) {
	newest, _ := s.NewestPoint(ctx, on.MonitorID, now)
	s.mu.Lock()
	defer s.mu.Unlock()
	id := name(ruleID, on.MonitorID)
	s.judged = append(s.judged, id)
	if err := s.failure("JudgeRule", on.MonitorID); err != nil {
		return "", err
	}
	r := s.rules[slices.IndexFunc(s.rules, func(r statuspage.AlertRule) bool { return r.ID == ruleID })]
	if !r.JudgeNoData(newest, statuspage.Overlay{}, now).Verdict.Asks(s.open[id]) {
		return "", nil
	}
	if s.open[id] = !s.open[id]; s.open[id] {
		return statuspage.Triggered, nil
	}
	return statuspage.AlertResolved, nil
}

// run makes a run and returns what it judged, sorted.
func (s *store) run(t *testing.T, now int64) (Summary, []string, error) {
	t.Helper()
	s.judged = nil
	sum, err := Run(t.Context(), s, now)
	slices.Sort(s.judged)
	return sum, s.judged, err
}

// TestRun goes from the first data that is missing to data again: only what asks for
// something is judged, and what is no rule about missing data never.
func TestRun(t *testing.T) {
	idle, status := rule(4, "a"), rule(3, "a")
	idle.Active, status.For = false, statuspage.AlertStatus
	s := &store{
		rules:  []statuspage.AlertRule{rule(5, "a"), idle, status, rule(2, "c"), rule(1, "a", "b")},
		newest: map[int64]int64{'a': noon + minute}, open: map[string]bool{},
	}
	for _, tt := range []struct {
		name             string
		now              int64
		a                int64 // its newest point
		opened, resolved int
		judged           []string
	}{
		{"nothing is missing", noon + 3*minute - 1, noon + minute, 0, 0, nil},
		{"b and c never had data", noon + 3*minute, noon + minute, 2, 0, []string{"1/b", "2/c"}},
		{"they are open", noon + 4*minute - 1, noon + minute, 0, 0, nil},
		{"a has none", noon + 4*minute, noon + minute, 2, 0, []string{"1/a", "5/a"}},
		{"all are open", noon + 9*minute, noon + minute, 0, 0, nil},
		{"a has some", noon + 9*minute, noon + 8*minute, 0, 2, []string{"1/a", "5/a"}},
	} {
		s.newest['a'] = tt.a
		sum, judged, err := s.run(t, tt.now)
		if want := (Summary{Rules: 3, Monitors: 3, Opened: tt.opened, Resolved: tt.resolved}); sum != want || err != nil {
			t.Errorf("%s: %+v, %v; want %+v", tt.name, sum, err, want)
		}
		if d := cmp.Diff(tt.judged, judged); d != "" {
			t.Errorf("%s: judged (-want +got):\n%s", tt.name, d)
		}
	}
}

// Another run may have done it since it was read.
func TestTwoRuns(t *testing.T) {
	s := &store{rules: []statuspage.AlertRule{rule(1, "a")}, open: map[string]bool{"1/a": true}}
	sum, err := Run(t.Context(), late{s}, noon+9*minute)
	if want := (Summary{Rules: 1, Monitors: 1}); sum != want || err != nil || len(s.judged) != 1 {
		t.Errorf("%+v, judged %v, %v; want %+v", sum, s.judged, err, want)
	}
}

// late reads the alerts as they were before any was open.
type late struct{ *store }

func (late) AlertingRules(context.Context, int64) ([]int64, error) { return nil, nil }

// What fails keeps no other from its turn, and is told.
func TestFailures(t *testing.T) {
	s := &store{
		rules: []statuspage.AlertRule{rule(2, "a"), rule(1, "a", "b", "c", "d")}, open: map[string]bool{},
		fails: map[string]bool{"JudgeRule a": true, "NewestPoint b": true, "AlertingRules c": true},
	}
	sum, judged, err := s.run(t, noon+9*minute)
	if want := (Summary{Rules: 2, Monitors: 4, Opened: 1}); sum != want || !slices.Equal(judged, []string{"1/a", "1/d", "2/a"}) {
		t.Errorf("%+v, judged %v; want %+v", sum, judged, want)
	}
	if err == nil {
		t.Fatal("no error")
	}
	told := strings.Split(err.Error(), "\n")
	slices.Sort(told)
	if d := cmp.Diff([]string{"AlertingRules c", "JudgeRule a", "JudgeRule a", "NewestPoint b"}, told); d != "" {
		t.Errorf("errors (-want +got):\n%s", d)
	}
	s.fails = map[string]bool{"AlertRules": true}
	if sum, judged, err := s.run(t, noon); err == nil || judged != nil || sum != (Summary{}) {
		t.Errorf("without rules: %+v, %v, %v", sum, judged, err)
	}
}
