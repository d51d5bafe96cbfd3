package occurrences

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/statuspage"
)

// store is a Store of maintenances that miss so many occurrences.
type store struct {
	mu      sync.Mutex
	missing map[int64]int
	fails   map[int64]bool
	calls   int
}

func (s *store) DueMaintenances(_ context.Context, _ int64, most int) ([]int64, error) {
	if s.fails[0] {
		return nil, errors.New("no list")
	}
	ids := slices.Sorted(maps.Keys(s.missing))
	return ids[:min(most, len(ids))], nil
}

func (s *store) MakeOccurrences(_ context.Context, id, _ int64) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if s.fails[id] {
		return 0, fmt.Errorf("maintenance %d", id)
	}
	n := min(s.missing[id], statuspage.MaxDue)
	if s.missing[id] -= n; s.missing[id] == 0 {
		delete(s.missing, id)
	}
	return n, nil
}

func TestRun(t *testing.T) {
	many := map[int64]int{}
	for id := range int64(maintenancesARun + 100) {
		many[id+1] = 1
	}
	for _, tt := range []struct {
		name    string
		missing map[int64]int
		fails   map[int64]bool
		want    Summary
		left    map[int64]int
		calls   int
		errors  []string
	}{
		{name: "nothing is due", want: Summary{}},
		{name: "due, and nothing is missing", missing: map[int64]int{1: 0}, want: Summary{Maintenances: 1}, calls: 1},
		{name: "some", missing: map[int64]int{1: 1, 2: 3}, want: Summary{2, 4}, calls: 2},
		{name: "a month was missed", missing: map[int64]int{1: 745, 2: 1, 3: 40}, want: Summary{3, 786}, calls: 38 + 1 + 3},
		{name: "one fails", missing: map[int64]int{1: 1, 2: 50, 3: 30, 4: 1}, fails: map[int64]bool{2: true, 4: true}, want: Summary{4, 31},
			left: map[int64]int{2: 50, 4: 1}, calls: 5, errors: []string{"maintenance 2", "maintenance 4"}},
		{name: "more than a run does", missing: many, want: Summary{maintenancesARun, maintenancesARun}, left: map[int64]int{501: 1}, calls: maintenancesARun},
		{name: "far more of each", missing: map[int64]int{1: 1 << 20, 2: 100}, want: Summary{2, 100 + (stepsARun-6)*statuspage.MaxDue},
			left: map[int64]int{1: 1<<20 - (stepsARun-6)*statuspage.MaxDue}, calls: stepsARun},
		{name: "the list fails", missing: map[int64]int{1: 1}, fails: map[int64]bool{0: true}, left: map[int64]int{1: 1}, errors: []string{"no list"}},
	} {
		s := &store{missing: maps.Clone(tt.missing), fails: tt.fails}
		sum, err := Run(t.Context(), s, 0)
		if sum != tt.want || s.calls != tt.calls {
			t.Errorf("%s: %+v in %d calls, want %+v in %d", tt.name, sum, s.calls, tt.want, tt.calls)
		}
		for id, n := range tt.left {
			if s.missing[id] != n {
				t.Errorf("%s: maintenance %d misses %d, want %d", tt.name, id, s.missing[id], n)
			}
		}
		if tt.left == nil && len(s.missing) != 0 {
			t.Errorf("%s: %v are missing", tt.name, s.missing)
		}
		var told []string
		if err != nil {
			told = strings.Split(err.Error(), "\n")
			slices.Sort(told)
		}
		if d := cmp.Diff(tt.errors, told); d != "" {
			t.Errorf("%s: errors (-want +got):\n%s", tt.name, d)
		}
	}
}
