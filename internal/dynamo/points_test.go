package dynamo_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"tocsin/internal/ddb"
	"tocsin/internal/dynamo"
	"tocsin/internal/dynamotest"
	"tocsin/internal/statuspage"
)

const hour = 60 * minute

// midnight is the start of the UTC day that holds now.
const midnight = now - now%day

func probe(at int64, s statuspage.Status, latency float64) statuspage.Point {
	return statuspage.Point{Time: at, Status: s, Latency: &latency, Source: statuspage.SourceProbe}
}

func manual(at int64, s statuspage.Status, latency float64) statuspage.Point {
	p := probe(at, s, latency)
	p.Source = statuspage.SourceManual
	return p
}

// pointsOf lists the points of monitor "a" from one minute up to another.
func pointsOf(t testing.TB, s *dynamo.Store, from, to, at int64) []statuspage.Point {
	t.Helper()
	var all []statuspage.Point
	next, err := s.Points(context.Background(), "a", statuspage.PointQuery{From: from, To: to}, at, func(p statuspage.Point) bool {
		all = append(all, p)
		return true
	})
	if err != nil || next != nil {
		t.Errorf("points: next %v, %v", next, err)
	}
	return all
}

func newPoints(t *testing.T, tags ...string) (*dynamotest.Table, *dynamo.Store) {
	t.Helper()
	tb := dynamotest.NewTable(t)
	s := tb.Store(nil)
	for _, tag := range tags {
		m := newMonitor(tag)
		m.DefaultStatus = new("DEGRADED")
		if _, err := s.CreateMonitor(context.Background(), m, now, nil); err != nil {
			t.Fatal(err)
		}
	}
	return tb, s
}

func TestPoints(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	_, s := newPoints(t, "a", "b")
	want := map[int64]statuspage.Point{}
	record := func(points ...statuspage.Point) {
		t.Helper()
		for _, p := range points {
			if err := s.RecordPoint(ctx, "a", p, now); err != nil {
				t.Error(err)
			}
			want[p.Time] = p
		}
	}
	expect := func(from, to int64) {
		t.Helper()
		var in []statuspage.Point
		for _, at := range slices.Sorted(maps.Keys(want)) {
			if at >= from && at < to {
				in = append(in, want[at])
			}
		}
		if d := cmp.Diff(in, pointsOf(t, s, from, to, now)); d != "" {
			t.Errorf("points from %d to %d (-want +got):\n%s", from, to, d)
		}
	}
	none := statuspage.Point{Time: midnight + 2*minute, Status: statuspage.StatusUp, Source: statuspage.SourceProbe}
	record(probe(begin, statuspage.StatusUp, 12.5), probe(begin-minute, statuspage.StatusDown, 0), probe(begin, statuspage.StatusDegraded, 1e9), none,
		probe(midnight, statuspage.StatusUp, -1e9), probe(midnight-minute, statuspage.StatusUp, 0.1), probe(midnight-day, statuspage.StatusUp, 1e-9), probe(0, statuspage.StatusUp, 7))
	expect(0, begin+minute)
	expect(midnight, begin)
	expect(midnight-minute, midnight)
	expect(begin+minute, now+day)

	t.Log("one point, there or not")
	got, err := s.Point(ctx, "a", begin, now)
	if d := cmp.Diff(want[begin], got); d != "" || err != nil {
		t.Errorf("point (-want +got), %v:\n%s", err, d)
	}
	for _, tt := range []struct {
		tag string
		at  int64
		err error
	}{{"a", begin + minute, statuspage.PointNotFound("a", begin+minute)}, {"a", begin + day, statuspage.PointNotFound("a", begin+day)}, {"b", begin, statuspage.PointNotFound("b", begin)}, {"c", begin, statuspage.MonitorNotFound("c")}} {
		if _, err := s.Point(ctx, tt.tag, tt.at, now); !errors.Is(err, tt.err) {
			t.Errorf("point of %s at %d: %v, want %v", tt.tag, tt.at, err, tt.err)
		}
	}

	t.Log("a patch changes what it says; a point that is not there has defaults")
	down := statuspage.StatusDown
	for _, tt := range []struct {
		at    int64
		patch statuspage.PointPatch
		want  statuspage.Point
	}{
		{begin, statuspage.PointPatch{Status: &down}, manual(begin, down, 1e9)},
		{begin, statuspage.PointPatch{Latency: new(3.5)}, manual(begin, down, 3.5)},
		{begin, statuspage.PointPatch{}, manual(begin, down, 3.5)},
		{begin + minute, statuspage.PointPatch{}, manual(begin+minute, statuspage.StatusDegraded, 0)},
		{begin + 9*day, statuspage.PointPatch{Latency: new(1.0)}, manual(begin+9*day, statuspage.StatusDegraded, 1)},
		{midnight - hour, statuspage.PointPatch{Status: &down}, manual(midnight-hour, down, 0)},
		{midnight - minute, statuspage.PointPatch{Status: &down, Latency: new(2.0)}, manual(midnight-minute, down, 2)},
	} {
		got, err := s.UpdatePoint(ctx, "a", tt.at, tt.patch, now)
		if d := cmp.Diff(tt.want, got); d != "" || err != nil {
			t.Errorf("patch (-want +got), %v:\n%s", err, d)
		}
		want[tt.at] = tt.want
	}
	expect(0, now+10*day)

	t.Log("a range takes every minute of it, the last one too")
	for _, r := range [][2]int64{{begin, begin}, {midnight - day - 90*minute, midnight - day + 61*minute}, {midnight - hour, midnight + 2*hour - minute}, {now - now%minute, now - now%minute + 3*hour}} {
		fill := statuspage.Range{From: r[0], To: r[1], Status: statuspage.StatusDegraded, Latency: func(at int64) float64 { return float64(at % 7) }}
		if err := s.FillRange(ctx, "a", fill, now); err != nil {
			t.Error(err)
		}
		for at := r[0]; at <= r[1]; at += minute {
			want[at] = manual(at, statuspage.StatusDegraded, float64(at%7))
		}
		expect(0, now+10*day)
	}
	if err := s.FillRange(ctx, "c", statuspage.Range{Status: down, Latency: func(int64) float64 { return 0 }}, now); !errors.Is(err, statuspage.MonitorNotFound("c")) {
		t.Errorf("a range of no monitor: %v", err)
	}

	t.Log("many at once, each with its own result, the last of a minute")
	errs := s.RecordPoints(ctx, []statuspage.TaggedPoint{
		{Tag: "a", Point: probe(begin, statuspage.StatusUp, 1)}, {Tag: "c", Point: probe(begin, statuspage.StatusUp, 1)}, {Tag: "b", Point: probe(begin, statuspage.StatusUp, 1)},
		{Tag: "a", Point: probe(begin, statuspage.StatusDown, 2)}, {Tag: "A", Point: probe(begin, statuspage.StatusUp, 1)}, {Tag: "a", Point: probe(midnight-2*day, statuspage.StatusUp, 3)},
	}, now)
	for n, err := range []error{nil, statuspage.MonitorNotFound("c"), nil, nil, statuspage.MonitorNotFound("A"), nil} {
		if !errors.Is(errs[n], err) {
			t.Errorf("point %d: %v, want %v", n, errs[n], err)
		}
	}
	want[begin], want[midnight-2*day] = probe(begin, statuspage.StatusDown, 2), probe(midnight-2*day, statuspage.StatusUp, 3)
	expect(0, now+10*day)
}

// Points that nobody renews are kept for 400 days. Afterwards they are gone, also
// while DynamoDB still has them, and a new point in their hour does not bring them
// back.
func TestExpiredPoints(t *testing.T) {
	t.Parallel()
	_, s := newPoints(t, "a")
	const kept = 400 * day
	start := int64(begin - begin%hour)
	if err := s.RecordPoint(t.Context(), "a", probe(begin, statuspage.StatusDown, 1), now); err != nil {
		t.Fatal(err)
	}
	if got := pointsOf(t, s, start, start+hour, now+kept-1); len(got) != 1 {
		t.Errorf("a second before: %v", got)
	}
	late := int64(now + kept)
	if got := pointsOf(t, s, start, start+hour, late); got != nil {
		t.Errorf("after 400 days: %v", got)
	}
	if _, err := s.Point(t.Context(), "a", begin, late); !errors.Is(err, statuspage.PointNotFound("a", begin)) {
		t.Errorf("the point after 400 days: %v", err)
	}
	next := manual(begin+minute, statuspage.StatusUp, 0)
	up := statuspage.StatusUp
	if _, err := s.UpdatePoint(t.Context(), "a", next.Time, statuspage.PointPatch{Status: &up}, late); err != nil {
		t.Error(err)
	}
	if d := cmp.Diff([]statuspage.Point{next}, pointsOf(t, s, start, start+hour, late)); d != "" {
		t.Errorf("a new point in the hour (-want +got):\n%s", d)
	}
	late += kept
	again := probe(begin, statuspage.StatusUp, 2)
	if err := s.RecordPoint(t.Context(), "a", again, late); err != nil {
		t.Error(err)
	}
	if d := cmp.Diff([]statuspage.Point{again}, pointsOf(t, s, start, start+hour, late)); d != "" {
		t.Errorf("another, 400 days later (-want +got):\n%s", d)
	}
}

// Minutes go when the operator says, and the totals of their days stay. A day of which hours
// go is not changed any more: what was left of it would be taken for all.
func TestRetention(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	tb, long := newPoints(t, "a")
	s := long.WithRetention(30)
	yesterday := int64(midnight - day)
	for n, p := range []statuspage.Point{
		probe(yesterday, statuspage.StatusUp, 2), probe(yesterday+minute, statuspage.StatusDown, 2), probe(yesterday+23*hour, statuspage.StatusUp, 4),
	} {
		if err := s.RecordPoint(ctx, "a", p, statuspage.FloorHour(p.Time)); err != nil {
			t.Fatalf("point %d: %v", n, err)
		}
	}
	totals := statuspage.Totals{Up: 2, Down: 1, LatencySum: 6, LatencyCount: 2}
	expect := func(at int64, points int, want statuspage.Totals) {
		t.Helper()
		if got := len(pointsOf(t, s, yesterday, midnight, at)); got != points {
			t.Errorf("%d seconds after the day: %d points, want %d", at-midnight, got, points)
		}
		for range 2 {
			_, days, err := s.Uptime(ctx, "a", statuspage.DayRange{From: yesterday, To: yesterday}, at)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, days[0].Totals); d != "" {
				t.Errorf("%d seconds after the day (-want +got):\n%s", at-midnight, d)
			}
		}
	}
	status := statuspage.StatusUp
	writes := func(at int64) []error {
		_, patched := s.UpdatePoint(ctx, "a", yesterday+hour, statuspage.PointPatch{Status: &status, Latency: new(2.0)}, at)
		filled := s.FillRange(ctx, "a", statuspage.Range{From: yesterday + hour, To: yesterday + hour, Status: status, Latency: func(int64) float64 { return 2 }}, at)
		posted := s.RecordPoint(ctx, "a", probe(yesterday+hour, statuspage.StatusUp, 2), at)
		_, deleted := s.DeleteRange(ctx, "a", statuspage.MinuteRange{From: yesterday + hour, To: yesterday + hour}, at)
		return []error{patched, filled, posted, deleted}
	}
	expect(now, 3, totals)
	// While there is time to make the totals again before the first hour goes.
	last := yesterday + 28*day - 1
	if err := errors.Join(writes(last)...); err != nil {
		t.Errorf("two days before the first hour goes: %v", err)
	}
	expect(last+15*minute, 3, totals) // and no range is being filled
	for _, at := range []int64{last + 15*minute + 2*day, yesterday + 200*day, yesterday + 500*day} {
		for n, err := range writes(at)[:3] {
			if !errors.Is(err, statuspage.DayClosed(yesterday)) {
				t.Errorf("write %d, %d days after the day: %v", n, (at-yesterday)/day, err)
			}
		}
	}
	expect(yesterday+30*day-1, 3, totals)
	expect(yesterday+30*day, 1, totals) // the first hour is gone
	if _, err := s.DeleteRange(ctx, "a", statuspage.MinuteRange{From: yesterday, To: midnight}, yesterday+30*day); !errors.Is(err, statuspage.DayClosed(yesterday)) {
		t.Errorf("deletion of what is left: %v", err)
	}
	expect(yesterday+31*day, 0, totals)
	expect(yesterday+800*day, 0, totals)
	expect(yesterday+900*day, 0, statuspage.Totals{})

	t.Log("minutes of long ago are kept from their writing on, when there are no totals")
	old := int64(midnight - 1000*day)
	if _, err := s.UpdatePoint(ctx, "a", old, statuspage.PointPatch{Status: &status}, now); err != nil {
		t.Error(err)
	}
	if _, err := s.UpdatePoint(ctx, "a", old+minute, statuspage.PointPatch{Status: &status}, now+30*day-1); err != nil {
		t.Error(err)
	}
	if got := len(pointsOf(t, s, old, old+day, now+60*day-2)); got != 2 {
		t.Errorf("%d minutes of long ago, want 2", got)
	}
	for _, it := range tb.Items(t) {
		if it["sk"] == "DAY#2023-02-26" && it["totals"] != "" {
			t.Errorf("the totals of a day of long ago are stored: %v", it)
		}
	}
}

// An hour of usual latencies is one write unit.
func TestFullHourIsSmall(t *testing.T) {
	t.Parallel()
	tb, s := newPoints(t, "a")
	var points []statuspage.TaggedPoint
	for m := range int64(60) {
		points = append(points, statuspage.TaggedPoint{Tag: "a", Point: probe(midnight+m*minute, statuspage.StatusDegraded, 1234.5+float64(m))})
	}
	for _, err := range s.RecordPoints(t.Context(), points, now) {
		if err != nil {
			t.Error(err)
		}
	}
	out, err := tb.DynamoDB(nil).UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: &tb.Name, Key: map[string]types.AttributeValue{
			"pk": &types.AttributeValueMemberS{Value: "MONITOR#1"}, "sk": &types.AttributeValueMemberS{Value: "HOUR#" + "2025-11-22T00"},
		},
		ConditionExpression: aws.String("attribute_exists(m59)"), UpdateExpression: aws.String("REMOVE x"), ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	})
	if err != nil || *out.ConsumedCapacity.CapacityUnits != 1 {
		t.Errorf("a full hour: %v, %+v", err, out)
	}
}

// uptime returns the monitor's totals by day, and fails the test for an error.
func uptime(t testing.TB, s *dynamo.Store, days int, at int64) []statuspage.Totals {
	t.Helper()
	_, totals, err := s.Uptime(context.Background(), "a", statuspage.LastDays(days, at), at)
	if err != nil {
		t.Fatal(err)
	}
	plain := make([]statuspage.Totals, len(totals))
	for n, d := range totals {
		plain[n] = d.Totals
		if want := statuspage.FloorDay(at) - int64(days-1-n)*day; d.Day != want {
			t.Errorf("day %d is %d, want %d", n, d.Day, want)
		}
	}
	return plain
}

func TestUptime(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	tb, s := newPoints(t, "a")
	for n, p := range []statuspage.Point{
		probe(midnight-day-minute, statuspage.StatusDown, 9), // the day before yesterday's last minute
		probe(midnight-day, statuspage.StatusUp, 1), probe(midnight-minute, statuspage.StatusDegraded, 3),
		probe(midnight, statuspage.StatusUp, 5),
	} {
		if err := s.RecordPoint(ctx, "a", p, now); err != nil {
			t.Fatalf("point %d: %v", n, err)
		}
	}
	want := []statuspage.Totals{
		{}, {Down: 1}, {Up: 1, Degraded: 1, LatencySum: 4, LatencyCount: 2}, {Up: 1, LatencySum: 5, LatencyCount: 1},
	}
	for range 2 {
		if d := cmp.Diff(want, uptime(t, s, 4, now)); d != "" {
			t.Errorf("totals (-want +got):\n%s", d)
		}
	}
	t.Log("a point of an earlier day changes its totals")
	if err := s.RecordPoint(ctx, "a", probe(midnight-day, statuspage.StatusDown, 2), now); err != nil {
		t.Fatal(err)
	}
	want[2] = statuspage.Totals{Degraded: 1, Down: 1, LatencySum: 3, LatencyCount: 1}
	for range 2 {
		if d := cmp.Diff(want, uptime(t, s, 4, now)); d != "" {
			t.Errorf("totals after a change (-want +got):\n%s", d)
		}
	}
	t.Log("a day's totals are stored once it is over for a quarter of an hour")
	for _, tt := range []struct {
		at     int64
		stored bool
	}{{midnight + day, false}, {midnight + day + 15*minute - 1, false}, {midnight + day + 15*minute, true}} {
		if d := cmp.Diff(append(want[:4:4], statuspage.Totals{}), uptime(t, s, 5, tt.at)); d != "" {
			t.Errorf("totals of tomorrow (-want +got):\n%s", d)
		}
		stored := false
		for _, it := range tb.Items(t) {
			stored = stored || it["sk"] == "DAY#2025-11-22" && it["totals"] != ""
		}
		if stored != tt.stored {
			t.Errorf("%d seconds after the day: stored %t, want %t", tt.at-midnight-day, stored, tt.stored)
		}
	}
	if _, _, err := s.Uptime(ctx, "b", statuspage.LastDays(1, now), now); !errors.Is(err, statuspage.MonitorNotFound("b")) {
		t.Errorf("no monitor: %v", err)
	}
}

// Points that were deleted are as if they had never been: whatever was written, whatever
// totals were stored. Their hours' items stay and have another revision.
func TestDeletedPointsWereNeverThere(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for n := range uint64(12) {
		random := rand.New(rand.NewPCG(seed(t), n))
		tb, s := newPoints(t, "a", "b")
		r := statuspage.MinuteRange{From: midnight - 3*day + minute*random.Int64N(4*24*60)}
		r.To = r.From + minute*random.Int64N(2*24*60)
		inside := int64(0)
		var all []statuspage.TaggedPoint
		seen := map[int64]bool{}
		for range 300 {
			at := midnight - 3*day + minute*random.Int64N(3*24*60+now%day/minute)
			p := probe(at, []statuspage.Status{up, down, statuspage.StatusDegraded}[random.IntN(3)], float64(random.IntN(100)))
			all = append(all, statuspage.TaggedPoint{Tag: "a", Point: p})
			if at < r.From || at > r.To {
				all = append(all, statuspage.TaggedPoint{Tag: "b", Point: p})
			} else if !seen[at] {
				inside++
			}
			seen[at] = true
		}
		if err := errors.Join(s.RecordPoints(ctx, all, now)...); err != nil {
			t.Fatal(err)
		}
		uptime(t, s, 5, now) // stores totals
		before := itemsByKey(t, tb)
		if deleted, err := s.DeleteRange(ctx, "a", r, now); err != nil || deleted != inside {
			t.Errorf("%d deleted, %v, want %d", deleted, err, inside)
		}
		for key, it := range before {
			after := itemsByKey(t, tb)[key]
			if after == nil {
				t.Errorf("%s is gone", key)
			}
			touched := false
			for attr := range it {
				touched = touched || strings.HasPrefix(key, "MONITOR#1 HOUR#") && after[attr] == ""
			}
			if touched && (after["rev"] == it["rev"] || after["w"] == it["w"]) {
				t.Errorf("%s is as marked as before", key)
			}
		}
		for range 2 { // made, then stored
			_, got, err := s.Uptime(ctx, "a", statuspage.LastDays(5, now), now)
			_, want, err2 := s.Uptime(ctx, "b", statuspage.LastDays(5, now), now)
			if d := cmp.Diff(want, got); d != "" || err != nil || err2 != nil {
				t.Errorf("uptime (-never there +deleted), %v, %v:\n%s", err, err2, d)
			}
			var sum, total statuspage.Totals
			for _, day := range want {
				sum = sum.Plus(day.Totals)
			}
			for _, p := range pointsOf(t, s, 0, now+day, now) {
				total.Add(p)
			}
			if d := cmp.Diff(total, sum); d != "" {
				t.Errorf("totals (-of the points that remain +got):\n%s", d)
			}
		}
	}
}

// An hour that goes while its points are being deleted is as one whose points are deleted.
func TestDeletionOfWhatHasGone(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	tb, s := newPoints(t, "a")
	for _, at := range []int64{midnight - day, midnight - day + hour} {
		if err := s.RecordPoint(ctx, "a", probe(at, statuspage.StatusDown, 1), now); err != nil {
			t.Fatal(err)
		}
	}
	gone := ddb.Key{PK: "MONITOR#1", SK: "HOUR#2025-11-21T01"}
	once := sync.Once{}
	client := &dynamotest.Client{Inject: func(operation string, _ []byte) dynamotest.Fault {
		if operation == "TransactWriteItems" {
			once.Do(func() {
				if _, err := s.Table().Transact(ctx, s.Table().Delete(gone, nil)); err != nil {
					t.Error(err)
				}
			})
		}
		return dynamotest.None
	}}
	deleted, err := tb.Store(client).DeleteRange(ctx, "a", statuspage.MinuteRange{From: midnight - day, To: midnight - minute}, now)
	if err != nil || deleted != 1 {
		t.Errorf("%d deleted, %v, want the one that was still there", deleted, err)
	}
	for _, it := range tb.Items(t) {
		if it["sk"] == gone.SK {
			t.Errorf("the hour is back: %v", it)
		}
	}
	if got := pointsOf(t, s, 0, now+day, now); got != nil {
		t.Errorf("left: %v", got)
	}
}

// Totals that a program before this one has stored count the latencies of DOWN minutes. They
// are made again while the hours are there, and else are what there is.
func TestTotalsOfAnOlderProgram(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	tb, s := newPoints(t, "a")
	for n, p := range []statuspage.Point{
		probe(midnight-2*day, statuspage.StatusUp, 1), probe(midnight-2*day+minute, statuspage.StatusDown, 30000),
		probe(midnight-day, statuspage.StatusUp, 3),
	} {
		if err := s.RecordPoint(ctx, "a", p, now); err != nil {
			t.Fatalf("point %d: %v", n, err)
		}
	}
	older := func(at, up, down int64, latencySum float64) {
		t.Helper()
		e := ddb.NewExpr().Set("totals", ddb.Map(ddb.Item{
			"up": ddb.Num(up), "degraded": ddb.Num(0), "down": ddb.Num(down), "latency_sum": ddb.Float(latencySum), "latency_count": ddb.Num(up + down),
		}))
		k := ddb.Key{PK: "MONITOR#1", SK: "DAY#" + time.Unix(at, 0).UTC().Format(time.DateOnly)}
		if _, err := s.Table().Transact(ctx, s.Table().Update(k, e)); err != nil {
			t.Fatal(err)
		}
	}
	made := []statuspage.Totals{{Up: 1, Down: 1, LatencySum: 1, LatencyCount: 1}, {Up: 1, LatencySum: 3, LatencyCount: 1}, {}}
	for _, tt := range []struct {
		at   int64
		want []statuspage.Totals
	}{
		{now, made},
		{midnight + 398*day - 1, made}, // the second before the first hour may go
		{midnight + 398*day, []statuspage.Totals{{Up: 1, Down: 1, LatencySum: 30001, LatencyCount: 2}, made[1], {}}},
	} {
		older(midnight-2*day, 1, 1, 30001)
		older(midnight-day, 1, 0, 3)
		if tt.at > now {
			_, err := s.UpdatePoint(ctx, "a", midnight-2*day+hour, statuspage.PointPatch{}, tt.at)
			if !errors.Is(err, statuspage.DayClosed(midnight-2*day)) {
				t.Errorf("%d days later a change: %v", (tt.at-midnight)/day, err)
			}
		}
		for range 2 { // made, then stored
			_, totals, err := s.Uptime(ctx, "a", statuspage.DayRange{From: midnight - 2*day, To: midnight}, tt.at)
			if err != nil {
				t.Fatal(err)
			}
			var got []statuspage.Totals
			for _, d := range totals[:2] {
				got = append(got, d.Totals)
			}
			if d := cmp.Diff(tt.want[:2], got); d != "" {
				t.Errorf("%d days later (-want +got):\n%s", (tt.at-midnight)/day, d)
			}
		}
	}
	// The second time it was read from the totals, which say now until when they can be made.
	for _, it := range tb.Items(t) {
		if it["sk"] == "DAY#2025-11-20" && strings.Contains(it["totals"], "until") {
			t.Errorf("the totals that stay are %s", it["totals"])
		}
	}
}

// Whoever writes what in whatever order, and whoever reads meanwhile: in the end the
// totals are those of the minutes that stand.
func TestTotalsFollowTheMinutes(t *testing.T) {
	const rounds, writers = 6, 8
	master := seed(t)
	for _, m := range modes {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			for round := range rounds {
				tb, s := newPoints(t, "a")
				w := &world{t: t, tb: tb, store: s, mode: m}
				var g sync.WaitGroup
				for n := range writers {
					random := rand.New(rand.NewPCG(master, uint64(round*writers+n)))
					store := w.faulty(random.Uint64())
					g.Go(func() {
						statuses := []statuspage.Status{statuspage.StatusUp, statuspage.StatusDown, statuspage.StatusDegraded}
						for range 12 {
							at := midnight - 2*day + minute*random.Int64N(2*24*60+now%day/minute)
							status := statuses[random.IntN(3)]
							ctx, cancel := background()
							var err error
							switch random.IntN(6) {
							case 0, 1:
								err = store.RecordPoint(ctx, "a", probe(at, status, float64(random.IntN(100))/8), now)
							case 2:
								_, err = store.UpdatePoint(ctx, "a", at, statuspage.PointPatch{Status: &status}, now)
							case 3:
								r := statuspage.Range{From: at, To: at + minute*random.Int64N(200), Status: status, Latency: func(at int64) float64 { return float64(at%11) / 8 }}
								err = store.FillRange(ctx, "a", r, now)
							case 4:
								_, err = store.DeleteRange(ctx, "a", statuspage.MinuteRange{From: at, To: at + minute*random.Int64N(2000)}, now)
							case 5:
								_, _, err = store.Uptime(ctx, "a", statuspage.LastDays(3, now), now)
							}
							cancel()
							if err != nil {
								t.Error(err)
							}
						}
					})
				}
				g.Wait()
				// While a range may still be being filled, afterwards, and stored.
				for _, at := range []int64{now, now + 5*minute, now + 5*minute} {
					var want [3]statuspage.Totals
					for _, p := range pointsOf(t, s, midnight-2*day, statuspage.FloorMinute(at)+minute, at) {
						want[(p.Time-midnight+2*day)/day].Add(p)
					}
					if d := cmp.Diff(want[:], uptime(t, s, 3, at)); d != "" {
						t.Errorf("round %d: totals (-of the minutes +got):\n%s", round, d)
					}
				}
				checkFinished(t, tb)
			}
		})
	}
}

// A batch has no conditions: only whole hours of days that are over are in one, also soon after
// midnight.
func TestBatchesOfARange(t *testing.T) {
	t.Parallel()
	for _, at := range []int64{midnight - 1, midnight + 15*minute - 1, midnight + 15*minute, midnight + 12*hour + 30} {
		tb, s := newPoints(t, "a")
		var mu sync.Mutex
		batched, sizes := map[string]int{}, map[int]int{}
		store := tb.Store(&dynamotest.Client{Inject: func(operation string, body []byte) dynamotest.Fault {
			if r, err := dynamotest.ParseRequest(operation, body); operation == "BatchWriteItem" && err == nil {
				mu.Lock()
				defer mu.Unlock()
				sizes[len(r.Writes)]++
				for _, k := range r.Writes {
					batched[k.SK]++
				}
			}
			return dynamotest.None
		}})
		from, to := int64(midnight-2*day+90*minute), int64(midnight+2*day-minute)
		if err := store.FillRange(t.Context(), "a", statuspage.Range{From: from, To: to, Status: up, Latency: func(int64) float64 { return 1 }}, at); err != nil {
			t.Fatal(err)
		}
		over := int64(midnight - day)
		if at >= midnight+15*minute {
			over = midnight
		}
		want, wantSizes := map[string]int{}, map[int]int{}
		for start := statuspage.FloorHour(from) + hour; start < over; start += hour {
			want["HOUR#"+time.Unix(start, 0).UTC().Format("2006-01-02T15")]++
		}
		for left := len(want); left > 0; left -= 25 {
			wantSizes[min(left, 25)]++
		}
		if d := cmp.Diff(want, batched) + cmp.Diff(wantSizes, sizes); d != "" {
			t.Errorf("at %+d the batches (-want +got):\n%s", at-midnight, d)
		}
		if got := len(pointsOf(t, s, midnight-3*day, midnight+3*day, at)); got != int((to-from)/minute)+1 {
			t.Errorf("at %+d there are %d points", at-midnight, got)
		}
	}
}

// A range of which only a part is set, while others read: the totals are those of
// the part.
func TestTotalsOfAnInterruptedRange(t *testing.T) {
	t.Parallel()
	tb, s := newPoints(t, "a")
	fill := statuspage.Range{From: midnight - 4*day, To: midnight - minute, Status: statuspage.StatusUp, Latency: func(int64) float64 { return 1 }}
	if err := s.FillRange(t.Context(), "a", fill, now-hour); err != nil {
		t.Fatal(err)
	}
	want := []statuspage.Totals{{Up: 1440, LatencySum: 1440, LatencyCount: 1440}, {Up: 1440, LatencySum: 1440, LatencyCount: 1440}}
	for range 2 {
		if d := cmp.Diff(want, uptime(t, s, 3, now)[:2]); d != "" {
			t.Fatalf("totals before (-want +got):\n%s", d)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	batches := make(chan struct{}, 1)
	fills := dynamotest.Writes("HOUR#")
	dying := tb.Store(&dynamotest.Client{Inject: func(operation string, body []byte) dynamotest.Fault {
		if !fills(operation, body) {
			return dynamotest.None
		}
		select {
		case batches <- struct{}{}: // the first one
			uptime(t, s, 3, now)
			return dynamotest.None
		default:
			cancel()
			return dynamotest.Hang
		}
	}})
	fill.Status = statuspage.StatusDown
	if err := dying.FillRange(ctx, "a", fill, now); err == nil {
		t.Fatal("the range was set as a whole")
	}
	var minutes statuspage.Totals
	for _, p := range pointsOf(t, s, midnight-4*day, midnight, now) {
		minutes.Add(p)
	}
	if minutes.Up == 0 && minutes.Down == 0 {
		t.Fatalf("nothing or all is set: %+v", minutes)
	}
	for _, at := range []int64{now, now + 5*minute, now + 5*minute} {
		var got statuspage.Totals
		for _, d := range uptime(t, s, 5, at)[:4] {
			got = got.Plus(d)
		}
		if d := cmp.Diff(minutes, got); d != "" {
			t.Errorf("totals %d seconds later (-of the minutes +got):\n%s", at-now, d)
		}
	}
	if err := s.FillRange(t.Context(), "a", fill, now+minute); err != nil {
		t.Fatal(err)
	}
	want = []statuspage.Totals{{Down: 1440}, {Down: 1440}}
	for _, at := range []int64{now + minute, now + 6*minute, now + 6*minute} {
		if d := cmp.Diff(want, uptime(t, s, 3, at)[:2]); d != "" {
			t.Errorf("totals of the range sent again, %d seconds later (-want +got):\n%s", at-now, d)
		}
	}
}

// Twenty clients that post the same day minute by minute, each in an order of its
// own, leave one point a minute.
func TestTheSameMinutesFromManyClients(t *testing.T) {
	t.Parallel()
	const clients = 20
	_, s := newPoints(t, "a")
	end := int64(midnight + day - minute)
	var g sync.WaitGroup
	for c := range clients {
		g.Go(func() {
			order := rand.New(rand.NewPCG(1, uint64(c))).Perm(24 * 60)
			for part := range slices.Chunk(order, statuspage.MaxBatch) {
				var points []statuspage.TaggedPoint
				for _, m := range part {
					status := statuspage.StatusUp
					if m%4 == 0 {
						status = statuspage.StatusDown
					}
					points = append(points, statuspage.TaggedPoint{Tag: "a", Point: probe(midnight+int64(m)*minute, status, float64(m))})
				}
				for _, err := range s.RecordPoints(context.Background(), points, end) {
					if err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	g.Wait()
	if got := len(pointsOf(t, s, midnight, midnight+day, end)); got != 1440 {
		t.Errorf("%d points, want 1440", got)
	}
	want := []statuspage.Totals{{Up: 1080, Down: 360, LatencySum: 1439*1440/2 - 4*359*360/2, LatencyCount: 1080}}
	if d := cmp.Diff(want, uptime(t, s, 1, end)); d != "" {
		t.Errorf("totals (-want +got):\n%s", d)
	}
}

// A deleted monitor's points go with it, and a new one of its tag has none.
func TestPointsOfADeletedMonitor(t *testing.T) {
	t.Parallel()
	tb, s := newPoints(t, "a")
	ctx := t.Context()
	for h := range int64(30) {
		if err := s.RecordPoint(ctx, "a", probe(midnight-h*hour, statuspage.StatusUp, 1), now); err != nil {
			t.Fatal(err)
		}
	}
	uptime(t, s, 3, now)
	if err := s.DeleteMonitor(ctx, "a", later); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateMonitor(ctx, newMonitor("a"), later, nil); err != nil {
		t.Fatal(err)
	}
	if got := pointsOf(t, s, 0, now+day, later); got != nil {
		t.Errorf("%d points were inherited", len(got))
	}
	for _, it := range tb.Items(t) {
		if it["pk"] == "MONITOR#1" {
			t.Errorf("left: %s", fmt.Sprint(it))
		}
	}
}
