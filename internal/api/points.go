package api

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"tocsin/internal/statuspage"
)

// listPoints is GET /api/v4/monitors/{monitor_tag}/data.
func listPoints(s *service, r *request) (answer, error) {
	params := queryOf(r)
	q, err := params.minutes()
	if err != nil {
		return answer{}, err
	}
	limit := math.MaxInt // the original has none, and a day has 1440 minutes
	if params.Get("limit") != "" {
		if limit, err = params.limit(); err != nil {
			return answer{}, err
		}
	}
	after, err := params.cursor(pointCursor, 1)
	if err != nil {
		return answer{}, err
	}
	if after != nil {
		if after[0] < q.From || after[0] >= q.To || after[0] != statuspage.FloorMinute(after[0]) {
			return answer{}, errBadCursor
		}
		q.From = after[0]
	}
	tag := r.PathValue("monitor_tag")
	p := page{name: "data", limit: limit}
	next, err := s.store(r).Points(r.Context(), tag, q, r.now, func(point statuspage.Point) bool { return p.add(toPointJSON(tag, point)) })
	if err != nil {
		return answer{}, err
	}
	cursor := ""
	if next != 0 {
		cursor = encodeCursor(pointCursor, next)
	}
	return p.answer(cursor), nil
}

const pointCursor = "d"

// minutes returns the range of a list of points: the start is in it, the end is not.
func (q query) minutes() (statuspage.PointQuery, error) {
	from, to := q.Get("start_ts"), q.Get("end_ts")
	if from == "" || to == "" {
		return statuspage.PointQuery{}, errRangeQuery
	}
	start, ok := leadingInt(from)
	end, ok2 := leadingInt(to)
	if !ok || !ok2 {
		return statuspage.PointQuery{}, errRangeIntegers
	}
	r := statuspage.PointQuery{From: statuspage.FloorMinute(start), To: statuspage.FloorMinute(end)}
	if r.From >= r.To {
		return statuspage.PointQuery{}, errRangeOrder
	}
	return r, nil
}

// leadingInt reads the digits that s starts with, as ECMAScript's parseInt does
// (contract v4, section 5), and reports whether they are a timestamp.
func leadingInt(s string) (int64, bool) {
	s = statuspage.TrimBlank(s)
	s = strings.TrimPrefix(s, "+")
	end := 0
	for end < len(s) && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	n, err := strconv.ParseInt(s[:end], 10, 64)
	return n, err == nil && n <= statuspage.MaxTimestamp
}

// fillRange is PATCH /api/v4/monitors/{monitor_tag}/data. The minute of the end is
// written too, and not counted, as in the original.
func fillRange(s *service, r *request) (answer, error) {
	f, err := decodeBody(r.body)
	if err != nil {
		return answer{}, err
	}
	fill, count, err := f.pointRange()
	if err != nil {
		return answer{}, err
	}
	if err := s.store(r).FillRange(r.Context(), r.PathValue("monitor_tag"), fill, r.now); err != nil {
		return answer{}, err
	}
	return ok(updatedJSON{"Monitoring data updated successfully", count}), nil
}

func (f fields) pointRange() (r statuspage.Range, count int64, err error) {
	const start, end = "start_ts", "end_ts"
	if f.kind(start) == kindAbsent || f.kind(end) == kindAbsent {
		return r, 0, errRangeRequired
	}
	if f.kind(start) != kindNumber || f.kind(end) != kindNumber {
		return r, 0, errRangeNumbers
	}
	var bounds [2]float64
	for n, name := range []string{start, end} {
		if _, err := f.seconds(name); err != nil {
			return r, 0, err
		}
		bounds[n], _ = strconv.ParseFloat(string(f[name]), 64)
	}
	if bounds[0] >= bounds[1] {
		return r, 0, errRangeOrder
	}
	r.From, r.To = statuspage.FloorMinute(int64(bounds[0])), statuspage.FloorMinute(int64(bounds[1]))
	if r.To-r.From > statuspage.MaxRangeDays*24*60*60 {
		return r, 0, errRangeLong
	}
	status, _ := f.text("status")
	if r.Status = statuspage.Status(status); !statuspage.ValidStatus(r.Status) {
		return r, 0, errRangeStatus
	}
	latency, ok := f.latency("latency")
	if !ok {
		return r, 0, errRangeLatency
	}
	deviation := 0.0
	if k := f.kind("deviation"); k != kindAbsent && k != kindNull {
		if deviation, ok = f.latency("deviation"); !ok {
			return r, 0, errDeviation
		}
	}
	r.Latency = func(minute int64) float64 { return deviated(latency, deviation, minute) }
	return r, (r.To - r.From) / 60, nil
}

// latency returns the milliseconds called name, and false for what is none.
func (f fields) latency(name string) (float64, bool) {
	if f.kind(name) != kindNumber {
		return 0, false
	}
	n, _ := strconv.ParseFloat(string(f[name]), 64)
	if n == 0 {
		n = 0 // and not -0
	}
	return n, n >= 0 && n <= statuspage.MaxLatency
}

// deviated returns a latency that is up to so much away from the given one. It goes
// by the minute, so that a range that is written again is the same.
func deviated(latency, deviation float64, minute int64) float64 {
	if deviation == 0 {
		return latency
	}
	share := 2*rand.New(rand.NewPCG(uint64(minute), 0)).Float64() - 1 // from -1 up to 1
	return min(max(0, math.Round((latency+share*deviation)*100)/100), statuspage.MaxLatency)
}

// getPoint is GET /api/v4/monitors/{monitor_tag}/data/{timestamp}.
func getPoint(s *service, r *request) (answer, error) {
	minute, err := pointMinute(r)
	if err != nil {
		return answer{}, err
	}
	tag := r.PathValue("monitor_tag")
	p, err := s.store(r).Point(r.Context(), tag, minute, r.now)
	if err != nil {
		return answer{}, err
	}
	return ok(pointEnvelope{toPointJSON(tag, p)}), nil
}

func pointMinute(r *request) (int64, error) {
	t, ok := leadingInt(r.PathValue("timestamp"))
	if !ok {
		return 0, errPointTimestamp
	}
	return statuspage.FloorMinute(t), nil
}

// updatePoint is PATCH /api/v4/monitors/{monitor_tag}/data/{timestamp}.
func updatePoint(s *service, r *request) (answer, error) {
	minute, err := pointMinute(r)
	if err != nil {
		return answer{}, err
	}
	f, err := decodeBody(r.body)
	if err != nil {
		return answer{}, err
	}
	var p statuspage.PointPatch
	if f.kind("status") != kindAbsent {
		text, _ := f.text("status")
		status := statuspage.Status(text)
		if !statuspage.ValidStatus(status) {
			return answer{}, errPointStatus
		}
		p.Status = &status
	}
	if f.kind("latency") != kindAbsent {
		latency, ok := f.latency("latency")
		if !ok {
			return answer{}, errPointLatency
		}
		p.Latency = &latency
	}
	tag := r.PathValue("monitor_tag")
	point, err := s.store(r).UpdatePoint(r.Context(), tag, minute, p, r.now)
	if err != nil {
		return answer{}, err
	}
	return ok(pointEnvelope{toPointJSON(tag, point)}), nil
}

// The age that a posted point may have, in seconds.
const maxPointAge = 90 * 24 * 60 * 60

// postPoints is POST /api/v4/status: many points in one call, each with a result of
// its own. A post that is repeated changes nothing, so its answer is kept after it.
func postPoints(s *service, r *request) (creation[[]pointResult], error) {
	var c creation[[]pointResult]
	f, err := decodeBody(r.body)
	if err != nil {
		return c, err
	}
	elements, err := f.array("points", errPoints)
	if err != nil {
		return c, err
	}
	if len(elements) == 0 {
		return c, errPoints
	}
	if len(elements) > statuspage.MaxBatch {
		return c, errTooManyPoints
	}
	results := make([]pointResult, len(elements))
	var good []statuspage.TaggedPoint
	var places []int
	for n, raw := range elements {
		p, err := decodePostedPoint(raw, r.now)
		results[n] = pointResult{tag: p.Tag, time: p.Time, err: err}
		if err == nil {
			good, places = append(good, p), append(places, n)
		}
	}
	c.create = func(once *statuspage.Once[[]pointResult]) ([]pointResult, error) {
		var failed error
		for i, err := range s.store(r).RecordPoints(r.Context(), good, r.now) {
			results[places[i]].err = err
			if shown, ok := errors.AsType[*statuspage.Error](err); err != nil && (!ok || statuses[shown.Code] >= 500) {
				failed = errors.Join(failed, err)
			}
		}
		// Who gets a failure of the service for one of the points sends all again.
		if failed != nil {
			return nil, failed
		}
		keepAfter(s, r, once, results)
		return results, nil
	}
	c.answer = func(results []pointResult) answer { return ok(resultsJSON(results)) }
	return c, nil
}

// keepAfter keeps the reply of an effect that a repetition does not repeat. If it
// can't be kept the request is carried out again when it is sent again.
func keepAfter[T any](s *service, r *request, once *statuspage.Once[T], made T) {
	if once == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), time.Second)
	defer cancel()
	_ = s.store(r).Complete(ctx, once.Claim, once.Reply(made))
}

// A pointResult is what became of one posted point.
type pointResult struct {
	tag  string
	time int64
	err  error
}

// decodePostedPoint reads one point of a post at now (UTC seconds).
func decodePostedPoint(raw []byte, now int64) (statuspage.TaggedPoint, error) {
	p := statuspage.TaggedPoint{Point: statuspage.Point{Time: statuspage.FloorMinute(now), Source: statuspage.SourceProbe}}
	f, err := decodeObject(raw)
	if err != nil {
		return p, errPointObject
	}
	if p.Tag, _ = f.text("monitor_tag"); p.Tag == "" {
		return p, errPointTag
	}
	status, _ := f.text("status")
	if p.Status = statuspage.Status(status); !statuspage.ValidStatus(p.Status) {
		return p, errPointStatus
	}
	if k := f.kind("latency"); k != kindAbsent && k != kindNull {
		latency, ok := f.latency("latency")
		if !ok {
			return p, errPointLatency
		}
		p.Latency = &latency
	}
	at, err := f.nullableTimestamp("timestamp")
	if err != nil {
		return p, err
	}
	this := p.Time
	p.Time = at.Or(this)
	switch {
	case p.Time > this:
		return p, errPointFuture
	case this-p.Time > maxPointAge:
		return p, errPointOld
	}
	return p, nil
}

// getUptime is GET /api/v4/monitors/{monitor_tag}/uptime.
func getUptime(s *service, r *request) (answer, error) {
	days, err := queryOf(r).days()
	if err != nil {
		return answer{}, err
	}
	m, totals, err := s.store(r).Uptime(r.Context(), r.PathValue("monitor_tag"), days, r.now)
	if err != nil {
		return answer{}, err
	}
	return ok(toUptimeJSON(m, totals)), nil
}

const (
	defaultDays = 90
	maxDays     = 366
)

func (q query) days() (int, error) {
	s := q.Get("days")
	if s == "" {
		return defaultDays, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > maxDays || s[0] == '+' {
		return 0, errDays
	}
	return n, nil
}
