package demo

import (
	"context"
	"iter"
	"reflect"
	"testing"

	"tocsin/internal/statuspage"
)

const now = 1_796_010_015 // UTC seconds, within a minute

// A recorder is a store that keeps what it gets.
type recorder struct {
	Points    map[int64][]statuspage.Point
	Incidents []statuspage.NewIncident
	Comments  []statuspage.NewComment
	times     []int64 // that incidents and comments were made at
}

func (r *recorder) CreateIncident(_ context.Context, n statuspage.NewIncident, at int64, _ *statuspage.Once[statuspage.Incident]) (statuspage.Incident, error) {
	r.Incidents, r.times = append(r.Incidents, n), append(r.times, at)
	return n.Opened(int64(len(r.Incidents)), nil, at)
}

func (r *recorder) CreateComment(_ context.Context, id int64, n statuspage.NewComment, at int64, _ *statuspage.Once[statuspage.Comment]) (statuspage.Comment, error) {
	r.Comments, r.times = append(r.Comments, n), append(r.times, at)
	return n.Made(id, int64(len(r.Comments)), at), nil
}

func (r *recorder) LoadPoints(_ context.Context, hours iter.Seq2[int64, []statuspage.Point], _ int64) error {
	for id, points := range hours {
		for _, p := range points {
			if statuspage.FloorHour(p.Time) != statuspage.FloorHour(points[0].Time) {
				panic("points of two hours")
			}
		}
		r.Points[id] = append(r.Points[id], points...)
	}
	return nil
}

func load(t *testing.T, at int64) *recorder {
	t.Helper()
	r := &recorder{Points: map[int64][]statuspage.Point{}}
	if err := Load(t.Context(), r, map[string]int64{"earth": 1, "checkout-service": 2, "google": 3}, at); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestLoad(t *testing.T) {
	one, two := load(t, now), load(t, now)
	if !reflect.DeepEqual(one, two) {
		t.Error("it is not the same twice")
	}
	for n := 1; n < len(one.times); n++ {
		if one.times[n] > now || one.times[n] < Begin(now) {
			t.Errorf("something was made at %d, from %d to %d", one.times[n], Begin(now), now)
		}
	}
	for id, points := range one.Points {
		want := Begin(now)
		for _, p := range points {
			if p.Time != want || (p.Latency == nil) != (p.Status == statuspage.StatusDown) || p.Latency != nil && *p.Latency <= 0 {
				t.Fatalf("monitor %d has the point %+v, want one at %d", id, p, want)
			}
			want += every
		}
		if last := points[len(points)-1].Time; last >= now || last < now-every-minute {
			t.Errorf("monitor %d has its last point at %d", id, last)
		}
	}
	// The monitor that is slow at the end, and one that is not there.
	last := one.Points[2][len(one.Points[2])-1]
	if last.Status != statuspage.StatusDegraded {
		t.Errorf("the last point of the checkout is %+v", last)
	}
	for _, i := range one.Incidents {
		for _, m := range i.Monitors {
			if m.Tag == "database" || m.Tag == "api-gateway" {
				t.Errorf("%s is about %s", i.Title, m.Tag)
			}
		}
	}
}

// At midnight there is no hour without a point.
func TestMidnight(t *testing.T) {
	midnight := statuspage.FloorDay(now)
	if points := load(t, midnight).Points[1]; points[len(points)-1].Time != midnight-every {
		t.Errorf("the last point is %+v", points[len(points)-1])
	}
	if points := load(t, midnight+59).Points[1]; points[len(points)-1].Time != midnight-every {
		t.Errorf("the last point is %+v", points[len(points)-1])
	}
}
