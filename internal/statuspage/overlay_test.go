package statuspage_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tocsin/internal/statuspage"
)

const overlayDay = 86400 // UTC seconds: the start of a day

// shown writes minutes of overlayDay: "12 MAINTENANCE MAINTENANCE 5".
func shown(points []statuspage.Point) []string {
	var all []string
	for _, p := range points {
		text := fmt.Sprintf("%d %s %s", (p.Time-overlayDay)/60, p.Status, p.Source)
		if p.Latency != nil {
			text += fmt.Sprintf(" %v", *p.Latency)
		}
		all = append(all, text)
	}
	return all
}

func TestOver(t *testing.T) {
	at := func(m int64) int64 { return overlayDay + m*60 }
	window := func(from, to int64, impact statuspage.Impact) statuspage.Window {
		return statuspage.Window{From: at(from), To: at(to), Impact: impact}
	}
	point := func(m int64, s statuspage.Status, latency *float64) statuspage.Point {
		return statuspage.Point{Time: at(m), Status: s, Latency: latency, Source: statuspage.SourceProbe}
	}
	posted := []statuspage.Point{point(1, "UP", nil), point(3, "DOWN", new(5.0)), point(7, "UP", new(7.0))}
	for _, tt := range []struct {
		name    string
		windows []statuspage.Window
		now     int64
		want    []string
	}{
		{"no window", nil, at(9), []string{"1 UP API", "3 DOWN API 5", "7 UP API 7"}},
		{"one", []statuspage.Window{window(2, 5, "MAINTENANCE")}, at(9), []string{"1 UP API", "2 MAINTENANCE MAINTENANCE", "3 MAINTENANCE MAINTENANCE 5", "4 MAINTENANCE MAINTENANCE", "7 UP API 7"}},
		{"it is on", []statuspage.Window{window(2, 90, "DOWN")}, at(3) + 59, []string{"1 UP API", "2 DOWN MAINTENANCE", "3 DOWN MAINTENANCE 5", "7 UP API 7"}},
		{"it is to come", []statuspage.Window{window(2, 90, "DOWN")}, at(2) - 1, []string{"1 UP API", "3 DOWN API 5", "7 UP API 7"}},
		{"it does nothing", []statuspage.Window{window(0, 9, "UP")}, at(9), []string{"1 UP API", "3 DOWN API 5", "7 UP API 7"}},
		{"it is empty", []statuspage.Window{window(3, 3, "DOWN"), window(5, 2, "DOWN")}, at(9), []string{"1 UP API", "3 DOWN API 5", "7 UP API 7"}},
		{"it begins and ends within a minute", []statuspage.Window{{From: at(1) + 1, To: at(2) + 1, Impact: "DEGRADED"}}, at(9), []string{"1 UP API", "2 DEGRADED MAINTENANCE", "3 DOWN API 5", "7 UP API 7"}},
		{"DOWN, MAINTENANCE, DEGRADED", []statuspage.Window{window(0, 4, "DEGRADED"), window(1, 3, "MAINTENANCE"), window(2, 5, "DOWN"), window(0, 9, "UP")}, at(9), []string{
			"0 DEGRADED MAINTENANCE", "1 MAINTENANCE MAINTENANCE", "2 DOWN MAINTENANCE", "3 DOWN MAINTENANCE 5", "4 DOWN MAINTENANCE", "7 UP API 7",
		}},
		{"they touch and overlap", []statuspage.Window{window(4, 6, "DOWN"), window(2, 4, "DOWN"), window(3, 5, "DOWN")}, at(9), []string{
			"1 UP API", "2 DOWN MAINTENANCE", "3 DOWN MAINTENANCE 5", "4 DOWN MAINTENANCE", "5 DOWN MAINTENANCE", "7 UP API 7",
		}},
		{"beyond the query", []statuspage.Window{window(-9, 1, "DOWN"), window(8, 99, "DOWN")}, at(99), []string{"0 DOWN MAINTENANCE", "1 UP API", "3 DOWN API 5", "7 UP API 7", "8 DOWN MAINTENANCE"}},
	} {
		o := statuspage.OverlayOf(tt.windows, tt.now)
		q := statuspage.PointQuery{From: at(0), To: at(9)}
		if diff := cmp.Diff(tt.want, shown(slices.Collect(o.Over(q, slices.Values(posted))))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// minuteByMinute is what windows make of points, decided for each minute by itself.
func minuteByMinute(posted map[int64]statuspage.Point, windows []statuspage.Window, from, to, now int64) []statuspage.Point {
	var all []statuspage.Point
	for at := from; at < to; at += 60 {
		p, known := posted[at]
		for _, impact := range []statuspage.Impact{statuspage.Degraded, statuspage.UnderMaintenance, statuspage.Down} {
			for _, w := range windows {
				if w.Impact == impact && w.From <= at && at < w.To && at <= now {
					p.Time, p.Status, p.Source, known = at, statuspage.Status(impact), statuspage.SourceMaintenance, true
				}
			}
		}
		if known {
			all = append(all, p)
		}
	}
	return all
}

func TestOverlayProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		minute := rapid.Int64Range(-10, 50)
		second := rapid.Map(rapid.Int64Range(-300, 3000), func(s int64) int64 { return overlayDay + s })
		var windows []statuspage.Window
		for range rapid.IntRange(0, 6).Draw(t, "windows") {
			from := second.Draw(t, "from")
			windows = append(windows, statuspage.Window{
				From: from, To: from + rapid.Int64Range(0, 900).Draw(t, "duration"),
				Impact: rapid.SampledFrom([]statuspage.Impact{"UP", "DOWN", "DEGRADED", "MAINTENANCE"}).Draw(t, "impact"),
			})
		}
		posted := map[int64]statuspage.Point{}
		for range rapid.IntRange(0, 20).Draw(t, "points") {
			p := statuspage.Point{Time: overlayDay + minute.Draw(t, "minute")*60, Status: rapid.SampledFrom([]statuspage.Status{"UP", "DOWN", "DEGRADED"}).Draw(t, "status"), Source: "API"}
			if rapid.Bool().Draw(t, "measured") {
				p.Latency = new(float64(p.Time % 7))
			}
			posted[p.Time] = p
		}
		q := statuspage.PointQuery{From: overlayDay + minute.Draw(t, "from")*60, To: overlayDay + minute.Draw(t, "to")*60}
		now := second.Draw(t, "now")
		want := minuteByMinute(posted, windows, q.From, q.To, now)

		o := statuspage.OverlayOf(windows, now)
		var in []statuspage.Point // of the query
		for at := q.From; at < q.To; at += 60 {
			if p, ok := posted[at]; ok {
				in = append(in, p)
			}
		}
		got := slices.Collect(o.Over(q, slices.Values(in)))
		if diff := cmp.Diff(shown(want), shown(got)); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
		slices.Reverse(in)
		q.Newest = true
		back := slices.Collect(o.Over(q, slices.Values(in)))
		slices.Reverse(back)
		if diff := cmp.Diff(shown(want), shown(back)); diff != "" {
			t.Fatalf("the newest first (-want +got):\n%s", diff)
		}
		// What windows count, and the points beside them, are all.
		var sum, counted statuspage.Totals
		for _, p := range want {
			sum.Add(p)
		}
		slices.Reverse(in)
		for _, p := range in {
			if _, on := o.At(p.Time); !on {
				counted.Add(p)
			}
		}
		if counted = counted.Plus(o.Count(q.From, q.To)); q.From < q.To && counted != sum {
			t.Fatalf("counted %+v, want %+v", counted, sum)
		}
		// The newest minute of a window up to a time.
		t0 := second.Draw(t, "before")
		wantLast, wantOK := int64(0), false
		for _, p := range minuteByMinute(nil, windows, 0, t0+1, now) {
			wantLast, wantOK = p.Time, true
		}
		if last, ok := o.LastBefore(t0); last != wantLast || ok != wantOK {
			t.Fatalf("last %d, %t, want %d, %t", last, ok, wantLast, wantOK)
		}
	})
}

// The digest of a day is the same when the day's minutes are.
func TestDigest(t *testing.T) {
	digest := func(windows ...statuspage.Window) string {
		return statuspage.OverlayOf(windows, 9*overlayDay).Digest(overlayDay)
	}
	window := func(from, to int64, impact statuspage.Impact) statuspage.Window {
		return statuspage.Window{From: overlayDay + from, To: overlayDay + to, Impact: impact}
	}
	one := digest(window(0, 600, "DOWN"))
	if len(one) != 16 {
		t.Errorf("%q", one)
	}
	for _, same := range []string{
		digest(window(300, 600, "DOWN"), window(0, 300, "DOWN")),
		digest(window(-900, 600, "DOWN")),
		digest(window(0, 600, "DOWN"), window(30, 90, "DEGRADED"), window(0, 86400, "UP"), window(86400, 90000, "DOWN")),
	} {
		if same != one {
			t.Errorf("%q, want %q", same, one)
		}
	}
	if whole := digest(window(-90000, 90000, "DOWN")); whole != digest(window(0, 86400, "DOWN")) || whole == one {
		t.Errorf("a whole day is %q", whole)
	}
	for _, other := range []string{digest(window(0, 660, "DOWN")), digest(window(60, 600, "DOWN")), digest(window(0, 600, "MAINTENANCE")), digest(window(0, 600, "DOWN"), window(0, 1200, "DEGRADED"))} {
		if other == one || other == "" {
			t.Errorf("another window has the digest %q", other)
		}
	}
	if got := digest(window(-600, 0, "DOWN"), window(86400, 90000, "DOWN"), window(0, 600, "UP")); got != "" {
		t.Errorf("a day without a window has the digest %q", got)
	}
}

func TestGaps(t *testing.T) {
	at := func(m int64) int64 { return overlayDay + m*60 }
	o := statuspage.OverlayOf([]statuspage.Window{
		{From: at(10), To: at(12), Impact: statuspage.Down}, {From: at(12), To: at(13), Impact: statuspage.Degraded},
		{From: at(15), To: at(20), Impact: statuspage.Up}, {From: at(30), To: at(40), Impact: statuspage.Down},
	}, at(34))
	for _, tt := range []struct {
		from, to int64
		want     []int64
	}{
		{0, 50, []int64{0, 10, 13, 30, 35, 50}},
		{10, 13, nil},
		{11, 12, nil},
		{12, 14, []int64{13, 14}},
		{5, 5, nil},
		{33, 11, nil},
	} {
		var got []int64
		for gap := range o.Gaps(at(tt.from), at(tt.to)) {
			got = append(got, (gap.From-overlayDay)/60, (gap.To-overlayDay)/60)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("from %d to %d: %v, want %v", tt.from, tt.to, got, tt.want)
		}
	}
}
