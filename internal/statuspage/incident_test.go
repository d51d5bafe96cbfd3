package statuspage_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tocsin/internal/opt"
	"tocsin/internal/statuspage"
)

func TestFloorMinute(t *testing.T) {
	for _, tt := range []struct{ in, want int64 }{
		{0, 0}, {1, 0}, {59, 0}, {60, 60}, {61, 60}, {119, 60},
		{1700000000, 1699999980},
		{-1, -60}, {-59, -60}, {-60, -60}, {-61, -120},
		{statuspage.MaxTimestamp, statuspage.MaxTimestamp - 59},
	} {
		if got := statuspage.FloorMinute(tt.in); got != tt.want {
			t.Errorf("FloorMinute(%d) = %d, want %d", tt.in, got, tt.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.Int64Range(-statuspage.MaxTimestamp, statuspage.MaxTimestamp).Draw(t, "at")
		got := statuspage.FloorMinute(at)
		if got%60 != 0 || got > at || at-got >= 60 {
			t.Errorf("FloorMinute(%d) = %d", at, got)
		}
	})
}

func TestValid(t *testing.T) {
	for _, tt := range []struct {
		name string
		got  bool
		want bool
	}{
		{"id 0", statuspage.ValidID(0), false},
		{"id 1", statuspage.ValidID(1), true},
		{"id -1", statuspage.ValidID(-1), false},
		{"greatest id", statuspage.ValidID(1<<53 - 1), true},
		{"id 2^53", statuspage.ValidID(1 << 53), false},
		{"RESOLVED", statuspage.ValidState("RESOLVED"), true},
		{"INVESTIGATING", statuspage.ValidState("INVESTIGATING"), true},
		{"IDENTIFIED", statuspage.ValidState("IDENTIFIED"), true},
		{"MONITORING", statuspage.ValidState("MONITORING"), true},
		{"resolved", statuspage.ValidState("resolved"), false},
		{"no state", statuspage.ValidState(""), false},
		{"UP", statuspage.ValidImpact("UP"), true},
		{"DOWN", statuspage.ValidImpact("DOWN"), true},
		{"DEGRADED", statuspage.ValidImpact("DEGRADED"), true},
		{"down", statuspage.ValidImpact("down"), false},
		{"MAINTENANCE", statuspage.ValidImpact("MAINTENANCE"), true},
		{"no impact", statuspage.ValidImpact(""), false},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: valid = %t, want %t", tt.name, tt.got, tt.want)
		}
	}
}

func TestWorseImpact(t *testing.T) {
	rising := []statuspage.Impact{"", "UP", "DEGRADED", "MAINTENANCE", "DOWN"}
	for n, i := range rising {
		for m, other := range rising {
			if got, want := i.Worse(other), rising[max(n, m)]; got != want {
				t.Errorf("%q.Worse(%q): %q, want %q", i, other, got, want)
			}
		}
	}
}

func TestUniqueImpacts(t *testing.T) {
	type links = []statuspage.MonitorImpact
	for _, tt := range []struct {
		name     string
		in, want links
	}{
		{"none", nil, links{}},
		{"one", links{{"a", "DOWN"}}, links{{"a", "DOWN"}}},
		{"the last wins, the place is the first's",
			links{{"a", "DOWN"}, {"b", "UP"}, {"a", "UP"}, {"c", "DOWN"}, {"a", "DEGRADED"}},
			links{{"a", "DEGRADED"}, {"b", "UP"}, {"c", "DOWN"}}},
		{"case counts", links{{"a", "DOWN"}, {"A", "UP"}}, links{{"a", "DOWN"}, {"A", "UP"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := append(links(nil), tt.in...)
			if diff := cmp.Diff(tt.want, statuspage.UniqueImpacts(tt.in)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, tt.in); diff != "" {
				t.Errorf("the argument was changed (-before +after):\n%s", diff)
			}
		})
	}
}

func TestRelinkMonitors(t *testing.T) {
	type links = []statuspage.AffectedMonitor
	old := links{{"a", 1, "DOWN"}, {"b", 2, "UP"}, {"c", 3, "DEGRADED"}}
	for _, tt := range []struct {
		name             string
		old, asked, want links
	}{
		{"nothing", nil, nil, links{}},
		{"all go", old, links{}, links{}},
		{"first ones", nil, old, old},
		{"kept ones keep their place", old, links{{"c", 3, "DEGRADED"}, {"a", 1, "DOWN"}, {"b", 2, "UP"}}, old},
		{"kept ones get the new impact", old, links{{"b", 2, "DOWN"}}, links{{"b", 2, "DOWN"}}},
		{"new ones follow in the order asked",
			old, links{{"e", 5, "UP"}, {"c", 3, "DOWN"}, {"d", 4, "UP"}, {"a", 1, "UP"}},
			links{{"a", 1, "UP"}, {"c", 3, "DOWN"}, {"e", 5, "UP"}, {"d", 4, "UP"}}},
		{"a tag made anew is another monitor",
			old, links{{"a", 9, "DOWN"}, {"b", 2, "UP"}},
			links{{"b", 2, "UP"}, {"a", 9, "DOWN"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := append(links(nil), tt.old...)
			if diff := cmp.Diff(tt.want, statuspage.RelinkMonitors(tt.old, tt.asked)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, tt.old); diff != "" {
				t.Errorf("the old links were changed (-before +after):\n%s", diff)
			}
		})
	}
}

func TestCommentedState(t *testing.T) {
	const at, now, before = 600, 700, 500
	for _, tt := range []struct {
		state       statuspage.State
		closed      bool
		end, closes *int64 // afterwards
		identified  bool
	}{
		{"RESOLVED", false, new(int64(at)), new(int64(now)), false},
		{"RESOLVED", true, new(int64(at)), new(int64(before)), false},
		{"INVESTIGATING", false, new(int64(before)), nil, false},
		{"INVESTIGATING", true, nil, nil, false},
		{"IDENTIFIED", false, new(int64(before)), nil, true},
		{"IDENTIFIED", true, nil, nil, true},
		{"MONITORING", false, new(int64(before)), nil, true},
		{"MONITORING", true, nil, nil, true},
	} {
		i := statuspage.Incident{Start: 300, End: new(int64(before)), State: "IDENTIFIED"}
		if tt.closed {
			i.State, i.Closed = "RESOLVED", new(int64(before))
		}
		got, err := i.Commented(statuspage.Comment{State: tt.state, Time: at}, now)
		want := []any{tt.state, tt.end, tt.closes, tt.identified}
		if diff := cmp.Diff(want, []any{got.State, got.End, got.Closed, got.Legacy.Identified}); diff != "" || err != nil {
			t.Errorf("%s on closed=%t: %v (-want +got):\n%s", tt.state, tt.closed, err, diff)
		}
	}
}

func TestReopens(t *testing.T) {
	for _, tt := range []struct {
		name  string
		patch statuspage.IncidentPatch
		want  bool
	}{
		{"nothing", statuspage.IncidentPatch{}, false},
		{"an end", statuspage.IncidentPatch{End: opt.Value(int64(60))}, false},
		{"an end of null", statuspage.IncidentPatch{End: opt.Null[int64]()}, true},
	} {
		i, err := statuspage.Incident{Start: 0, End: new(int64(60)), Closed: new(int64(60))}.Patched(tt.patch, nil, 90)
		if got := i.Closed == nil; got != tt.want || err != nil {
			t.Errorf("%s: reopened %t, want %t, %v", tt.name, got, tt.want, err)
		}
	}
}

func TestCheckTimes(t *testing.T) {
	for _, tt := range []struct {
		name  string
		start int64
		end   *int64
		want  error
	}{
		{"no end", 60, nil, nil},
		{"the same minute", 60, new(int64(60)), nil},
		{"later", 60, new(int64(120)), nil},
		{"before", 60, new(int64(0)), statuspage.ErrEndBeforeStart},
	} {
		if got := statuspage.CheckTimes(tt.start, tt.end); !errors.Is(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestCommentApply(t *testing.T) {
	old := statuspage.Comment{ID: 3, IncidentID: 2, Text: "t", Time: 60, State: "IDENTIFIED", Created: 61, Updated: 62, Version: 4}
	for _, tt := range []struct {
		name  string
		patch statuspage.CommentPatch
		want  statuspage.Comment
	}{
		{"nothing", statuspage.CommentPatch{},
			statuspage.Comment{ID: 3, IncidentID: 2, Text: "t", Time: 60, State: "IDENTIFIED", Created: 61, Updated: 99, Version: 5}},
		{"everything", statuspage.CommentPatch{Text: opt.Value("u"), Time: opt.Value(int64(0)), State: opt.Value(statuspage.Resolved)},
			statuspage.Comment{ID: 3, IncidentID: 2, Text: "u", Time: 0, State: "RESOLVED", Created: 61, Updated: 99, Version: 5}},
	} {
		if diff := cmp.Diff(tt.want, old.Apply(tt.patch, 99)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestCommentMade(t *testing.T) {
	got := statuspage.NewComment{Text: "t", Time: 60, State: "IDENTIFIED"}.Made(2, 3, 99)
	want := statuspage.Comment{ID: 3, IncidentID: 2, Text: "t", Time: 60, State: "IDENTIFIED", Created: 99, Updated: 99, Version: 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
