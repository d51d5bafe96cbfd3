package heartbeats

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/statuspage"
)

const (
	minute = 60
	noon   = 1_763_812_800 // UTC seconds
)

// store is a Store of a repository in which some tags have no monitor.
type store struct {
	all     statuspage.Heartbeats
	missing map[string]bool
	fails   map[string]bool // by tag, and "" for the list

	mu      sync.Mutex
	points  map[string]statuspage.Point
	batches []int
}

func (s *store) Heartbeats(context.Context, int64) (statuspage.Heartbeats, error) {
	if s.fails[""] {
		return s.all, errors.New("no list")
	}
	return s.all, nil
}

func (s *store) FillPoints(_ context.Context, points []statuspage.TaggedPoint, _ int64) []error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batches = append(s.batches, len(points))
	errs := make([]error, len(points))
	for n, p := range points {
		switch {
		case s.missing[p.Tag]:
			errs[n] = statuspage.MonitorNotFound(p.Tag)
		case s.fails[p.Tag]:
			errs[n] = errors.New(p.Tag)
		default:
			s.points[p.Tag] = p.Point
		}
	}
	return errs
}

// job is one that pings once an hour, and did so last so many minutes ago.
func job(tag string, ago int64) statuspage.Job {
	return statuspage.Job{
		Integration: statuspage.Integration{
			Kind: statuspage.KindHeartbeat, Active: true, Created: noon - 1e6,
			Options: statuspage.JSONObject(fmt.Sprintf(`{"heartbeat":{"monitor":%q,"period_seconds":3600,"grace_seconds":60}}`, tag)),
		},
		State: statuspage.HeartbeatState{Succeeded: (noon - ago*minute) * 1000, Version: 1},
	}
}

func kener(tag string, ago int64) statuspage.PingedMonitor {
	return statuspage.PingedMonitor{Monitor: statuspage.Monitor{Tag: tag}, Last: noon - ago*minute}
}

func TestRun(t *testing.T) {
	asleep, failed := job("asleep", 90), job("failed", 5)
	asleep.Integration.Active = false
	failed.State.Failed = noon * 1000
	s := &store{
		all: statuspage.Heartbeats{
			Jobs:     []statuspage.Job{job("a", 1), job("late", 61), failed, asleep, job("nobody", 1), job("two", 1), job("two", 90), job("two", 2), job("mixed", 1), job("broken", 90)},
			Monitors: []statuspage.PingedMonitor{kener("k", 5), kener("slow", 6), kener("mixed", 7), kener("dead", 11)},
		},
		missing: map[string]bool{"nobody": true}, fails: map[string]bool{"broken": true}, points: map[string]statuspage.Point{},
	}
	sum, err := Run(t.Context(), s, noon+59)
	if want := (Summary{Monitors: 9, Late: 7, Missing: 1}); sum != want || err == nil || err.Error() != "broken" {
		t.Errorf("%+v, %v, want %+v", sum, err, want)
	}
	want := map[string]statuspage.Point{}
	for tag, status := range map[string]statuspage.Status{
		"a": statuspage.StatusUp, "late": statuspage.StatusDown, "failed": statuspage.StatusDown, "two": statuspage.StatusDown,
		"k": statuspage.StatusUp, "slow": statuspage.StatusDegraded, "mixed": statuspage.StatusDegraded, "dead": statuspage.StatusDown,
	} {
		want[tag] = statuspage.Point{Time: noon, Status: status, Source: statuspage.SourceProbe}
	}
	if d := cmp.Diff(want, s.points); d != "" {
		t.Errorf("points (-want +got):\n%s", d)
	}

	s.fails[""] = true
	if sum, err := Run(t.Context(), s, noon); err == nil || sum != (Summary{}) {
		t.Errorf("without a list: %+v, %v", sum, err)
	}
}

// However many there are, each is in one batch, and no batch is larger than one call takes.
func TestManyHeartbeats(t *testing.T) {
	for _, n := range []int{0, 1, 100, 101, 350} {
		s := &store{points: map[string]statuspage.Point{}}
		for i := range n {
			s.all.Jobs = append(s.all.Jobs, job(fmt.Sprint("m", i), int64(i)))
		}
		sum, err := Run(t.Context(), s, noon)
		if err != nil || sum.Monitors != n || len(s.points) != n || len(s.batches) != (n+99)/100 {
			t.Errorf("%d: %+v, %v, points of %d, batches %v", n, sum, err, len(s.points), s.batches)
		}
		for _, size := range s.batches {
			if size > statuspage.MaxBatch {
				t.Errorf("%d: batches %v", n, s.batches)
			}
		}
	}
}
