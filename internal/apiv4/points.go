package apiv4

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"tocsin/internal/statuspage"
	"tocsin/internal/web"
)

// PointStore keeps the points of monitors. A point counts as absent the retention (400
// days by default) after its minute or after it was written, whichever is later. All methods return MonitorNotFound
// for a tag without a monitor.
type PointStore interface {
	// RecordPoints sets many points, each of its minute, also of different monitors. errs
	// has one error a point, nil for those that were set. Of two for the same minute the
	// last one is kept.
	RecordPoints(ctx context.Context, points []statuspage.TaggedPoint, now int64) (errs []error)

	// UpdatePoint changes the point of the minute, or makes it.
	UpdatePoint(ctx context.Context, tag string, minute int64, p statuspage.PointPatch, now int64) (statuspage.Point, error)

	// FillRange sets the point of every minute of the range, which is at most
	// MaxRangeDays long. It is not one write: after a failure a part may be set, and
	// doing it again sets the rest.
	FillRange(ctx context.Context, tag string, r statuspage.Range, now int64) error

	// DeleteRange removes the points in the range, and returns how many there were. The days
	// of it are removed one by one: after a failure a part may be gone, and doing it again
	// removes the rest.
	DeleteRange(ctx context.Context, tag string, r statuspage.MinuteRange, now int64) (deleted int64, err error)

	// Point returns the point of the minute, or PointNotFound.
	Point(ctx context.Context, tag string, minute int64, now int64) (statuspage.Point, error)

	// Points calls take with each point in the range, in the order of the query, until take
	// refuses one or the range ends. It returns that one, nil at the end.
	Points(ctx context.Context, tag string, q statuspage.PointQuery, now int64, take func(statuspage.Point) bool) (next *statuspage.Point, err error)

	// Uptime returns the totals of each of the days, by time; today's are those so far. No
	// day is after today.
	Uptime(ctx context.Context, tag string, days statuspage.DayRange, now int64) (statuspage.Monitor, []statuspage.DayTotals, error)
}

type points struct{ store PointStore }

// Points returns the routes of monitors' points: of their data, their uptime, and of what
// probes post.
func Points(store PointStore) []web.Route {
	h := points{store}
	return []web.Route{
		{Group: web.Monitors, Path: "/api/v4/monitors/{monitor_tag}/data", Methods: []web.Method{
			web.GET(statuspage.ScopeMonitorsRead, h.list()),
			web.PATCH(statuspage.ScopeMonitorsWrite, web.Acts(readRange, h.fill, showFilled)),
			web.DELETE(statuspage.ScopeMonitorsWrite, web.Acts(readDeletion, h.remove, showRemoved)),
		}},
		{Group: web.Monitors, Path: "/api/v4/monitors/{monitor_tag}/data/{timestamp}", Methods: []web.Method{
			web.GET(statuspage.ScopeMonitorsRead, web.Acts(pointMinute, h.get, showPoint)),
			web.PATCH(statuspage.ScopeMonitorsWrite, web.Acts(readPointPatch, h.update, showPoint)),
		}},
		{Group: web.Monitors, Path: "/api/v4/monitors/{monitor_tag}/uptime", Methods: []web.Method{
			web.GET(statuspage.ScopeMonitorsRead, web.Acts(readDays, h.uptime, showUptime)),
		}},
		{Group: web.Monitors, Path: "/api/v4/status", Methods: []web.Method{
			web.POST(statuspage.ScopeStatusWrite, web.Creates(h.post)),
		}},
	}
}

var (
	errRangeQuery     = bad("Both start_ts and end_ts query parameters are required")
	errRangeIntegers  = bad("start_ts and end_ts must be valid integers (UTC timestamps in seconds)")
	errRangeOrder     = bad("start_ts must be less than end_ts")
	errRangeRequired  = bad("start_ts and end_ts are required")
	errRangeNumbers   = bad("start_ts and end_ts must be numbers (UTC timestamps in seconds)")
	errRangeLong      = bad("The range must be at most 366 days")
	errRangeStatus    = bad("status is required and must be one of: UP, DOWN, DEGRADED")
	errRangeLatency   = bad("latency is required and must be a non-negative number")
	errDeviation      = bad("deviation must be a non-negative number")
	errPointTimestamp = bad("Timestamp must be a valid integer (UTC timestamp in seconds)")
	errPointStatus    = bad("status must be one of: UP, DOWN, DEGRADED")
	errPointLatency   = bad("latency must be a non-negative number")
	errPoints         = bad("points must be a non-empty array")
	errTooManyPoints  = bad("At most 100 points")
	errPointObject    = bad("Each point must be an object")
	errPointTag       = bad("monitor_tag must be a non-empty string")
	errPointFuture    = bad("timestamp must be at most 60 seconds in the future")
	errPointOld       = bad("timestamp must not be older than 90 days")
	errRangeAhead     = bad("end_ts must be at most one day from now")
	errPointAhead     = bad("Timestamp must be at most one day from now")
	errOrder          = bad("order must be asc or desc")
	errRangeWhole     = bad("The range has more minutes than one answer can hold: use limit and cursor, or a shorter range")
	errNoPoint        = bad("No point was accepted")
	errDays           = bad("days must be an integer between 1 and 366")
	errDaysAndRange   = bad("days can't be combined with from and to")
	errFromAndTo      = bad("from and to must be given together")
	errDayFormat      = bad("from and to must be UTC days (YYYY-MM-DD)")
	errDayOrder       = bad("from must not be after to")
	errDayFuture      = bad("to must not be after today")
)

// The kinds of cursors of points, the oldest first and the newest first.
const (
	pointCursor       = "d"
	newestPointCursor = "dn"
)

// pointQuery asks for points of a monitor, at now.
type pointQuery struct {
	tag   string
	now   int64
	paged bool // by somebody who knows that there are pages
	statuspage.PointQuery
}

func (q pointQuery) cursorKind() string {
	if q.Newest {
		return newestPointCursor
	}
	return pointCursor
}

func readPointQuery(r *web.Request) (q pointQuery, limit int, err error) {
	q.tag, q.now = r.PathValue("monitor_tag"), r.Now
	params := r.Query()
	if q.PointQuery, err = minutes(params); err != nil {
		return q, 0, err
	}
	limit = math.MaxInt // Kener has none, and a day has 1440 minutes
	if params.Get("limit") != "" {
		if limit, err = params.Limit(); err != nil {
			return q, 0, err
		}
	}
	order := params.Get("order")
	if order != "" && order != "asc" && order != "desc" {
		return q, 0, errOrder
	}
	q.Newest = order == "desc"
	q.paged = params.Get("limit") != "" || params.Get("cursor") != "" || order != ""
	after, err := params.Cursor(q.cursorKind(), 1)
	if err != nil {
		return q, 0, err
	}
	if after != nil {
		if after[0] < q.From || after[0] >= q.To || after[0] != statuspage.FloorMinute(after[0]) {
			return q, 0, web.ErrBadCursor
		}
		if q.Newest {
			q.To = after[0] + 60
		} else {
			q.From = after[0]
		}
	}
	return q, limit, nil
}

func (h points) list() web.Handler {
	return web.List[pointQuery, statuspage.Point, string]{
		Name:  "data",
		Query: readPointQuery,
		Read: func(ctx context.Context, q pointQuery, take func(statuspage.Point) bool) (cursor string, err error) {
			next, err := h.store.Points(ctx, q.tag, q.PointQuery, q.now, take)
			if err == nil && next != nil {
				cursor = web.EncodeCursor(q.cursorKind(), next.Time)
			}
			return cursor, err
		},
		Show:   func(r *web.Request, p statuspage.Point) any { return toPointJSON(r.PathValue("monitor_tag"), p) },
		Cursor: func(cursor string) string { return cursor },
		Whole: func(q pointQuery) error {
			if q.paged {
				return nil
			}
			return errRangeWhole
		},
	}.Handler()
}

// minutes returns the range of a list of points: the start is in it, the end is not.
func minutes(q web.Query) (statuspage.PointQuery, error) {
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
// (docs/api.md, Monitoring data), and reports whether they are a timestamp.
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

// filling is a range to be set.
type filling struct {
	statuspage.Range
	minutes int64 // without that of the end, which is set too and not counted, as in Kener
}

func readRange(r *web.Request) (fill filling, err error) {
	f, err := web.DecodeBody(r.Content)
	if err != nil {
		return fill, err
	}
	fill.Range, fill.minutes, err = pointRange(f, r.Now)
	return fill, err
}

func (h points) fill(r *web.Request, fill filling) (minutes int64, err error) {
	return fill.minutes, h.store.FillRange(r.Context(), r.PathValue("monitor_tag"), fill.Range, r.Now)
}

func showFilled(_ *web.Request, minutes int64) web.Answer {
	return web.OK(updatedJSON{"Monitoring data updated successfully", minutes})
}

func pointRange(f web.Fields, now int64) (r statuspage.Range, count int64, err error) {
	const start, end = "start_ts", "end_ts"
	if f.Kind(start) == web.KindAbsent || f.Kind(end) == web.KindAbsent {
		return r, 0, errRangeRequired
	}
	if f.Kind(start) != web.KindNumber || f.Kind(end) != web.KindNumber {
		return r, 0, errRangeNumbers
	}
	var bounds [2]float64
	for n, name := range []string{start, end} {
		if _, err := f.Seconds(name); err != nil {
			return r, 0, err
		}
		bounds[n], _ = f.Float(name)
	}
	minutes, err := minuteRange(bounds[0], bounds[1])
	if err != nil {
		return r, 0, err
	}
	r.From, r.To = minutes.From, minutes.To
	if r.To > now+statuspage.MaxPointLead {
		return r, 0, errRangeAhead
	}
	status, _ := f.Text("status")
	if r.Status = statuspage.Status(status); !statuspage.ValidStatus(r.Status) {
		return r, 0, errRangeStatus
	}
	base, ok := latency(f, "latency")
	if !ok {
		return r, 0, errRangeLatency
	}
	deviation := 0.0
	if k := f.Kind("deviation"); k != web.KindAbsent && k != web.KindNull {
		if deviation, ok = latency(f, "deviation"); !ok {
			return r, 0, errDeviation
		}
	}
	r.Latency = func(minute int64) float64 { return deviated(base, deviation, minute) }
	return r, (r.To - r.From) / 60, nil
}

// minuteRange returns the minutes from that of one second to that of another.
func minuteRange(start, end float64) (r statuspage.MinuteRange, err error) {
	if start >= end {
		return r, errRangeOrder
	}
	r = statuspage.MinuteRange{From: statuspage.FloorMinute(int64(start)), To: statuspage.FloorMinute(int64(end))}
	if r.To-r.From > statuspage.MaxRangeDays*24*60*60 {
		return r, errRangeLong
	}
	return r, nil
}

// readDeletion reads the range that is to be removed. What is a timestamp only by its
// leading digits is none here: it would remove what nobody asked for.
func readDeletion(r *web.Request) (statuspage.MinuteRange, error) {
	q := r.Query()
	var bounds [2]float64
	for _, name := range []string{"start_ts", "end_ts"} {
		if q.Get(name) == "" {
			return statuspage.MinuteRange{}, errRangeQuery
		}
	}
	for n, name := range []string{"start_ts", "end_ts"} {
		if _, _, err := q.Timestamp(name); err != nil {
			return statuspage.MinuteRange{}, err
		}
		bounds[n], _ = strconv.ParseFloat(q.Get(name), 64) // digits, as has been seen
	}
	return minuteRange(bounds[0], bounds[1])
}

func (h points) remove(r *web.Request, minutes statuspage.MinuteRange) (deleted int64, err error) {
	return h.store.DeleteRange(r.Context(), r.PathValue("monitor_tag"), minutes, r.Now)
}

func showRemoved(_ *web.Request, minutes int64) web.Answer {
	return web.OK(deletedJSON{"Monitoring data deleted successfully", minutes})
}

// latency returns the milliseconds called name, and false for what is none.
func latency(f web.Fields, name string) (float64, bool) {
	n, ok := f.Float(name)
	if n == 0 {
		n = 0 // and not -0
	}
	return n, ok && n >= 0 && n <= statuspage.MaxLatency
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

// pointMinute is the minute in the path.
func pointMinute(r *web.Request) (int64, error) {
	t, ok := leadingInt(r.PathValue("timestamp"))
	if !ok {
		return 0, errPointTimestamp
	}
	return statuspage.FloorMinute(t), nil
}

func (h points) get(r *web.Request, minute int64) (statuspage.Point, error) {
	return h.store.Point(r.Context(), r.PathValue("monitor_tag"), minute, r.Now)
}

// pointPatch is what a PATCH changes, and of which minute.
type pointPatch struct {
	minute int64
	statuspage.PointPatch
}

func readPointPatch(r *web.Request) (p pointPatch, err error) {
	if p.minute, err = pointMinute(r); err != nil {
		return p, err
	}
	if p.minute > r.Now+statuspage.MaxPointLead {
		return p, errPointAhead
	}
	f, err := web.DecodeBody(r.Content)
	if err != nil {
		return p, err
	}
	if f.Kind("status") != web.KindAbsent {
		text, _ := f.Text("status")
		status := statuspage.Status(text)
		if !statuspage.ValidStatus(status) {
			return p, errPointStatus
		}
		p.Status = &status
	}
	if f.Kind("latency") != web.KindAbsent {
		latency, ok := latency(f, "latency")
		if !ok {
			return p, errPointLatency
		}
		p.Latency = &latency
	}
	return p, nil
}

func (h points) update(r *web.Request, p pointPatch) (statuspage.Point, error) {
	return h.store.UpdatePoint(r.Context(), r.PathValue("monitor_tag"), p.minute, p.PointPatch, r.Now)
}

// The age that a posted point may have, in seconds.
const maxPointAge = 90 * 24 * 60 * 60

// post takes many points in one call, each with a result of its own.
func (h points) post(r *web.Request) (web.Creation[[]pointResult], error) {
	c := web.Creation[[]pointResult]{Repeatable: true}
	f, err := web.DecodeBody(r.Content)
	if err != nil {
		return c, err
	}
	elements, err := f.Array("points", errPoints)
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
		p, err := decodePostedPoint(raw, r.Now)
		results[n] = pointResult{tag: p.Tag, time: p.Time, err: err}
		if err == nil {
			good, places = append(good, p), append(places, n)
		}
	}
	c.Create = func(ctx context.Context, _ *statuspage.Once[[]pointResult]) ([]pointResult, error) {
		var failed error
		for i, err := range h.store.RecordPoints(ctx, good, r.Now) {
			results[places[i]].err = err
			if err == nil {
				continue
			}
			if _, status := web.ShownOf(err); status >= http.StatusInternalServerError {
				failed = errors.Join(failed, err)
			}
		}
		// Who gets a failure of the service for one of the points sends all again.
		return results, failed
	}
	c.Answer = showResults
	return c, nil
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
	f, err := web.DecodeObject(raw)
	if err != nil {
		return p, errPointObject
	}
	if p.Tag, _ = f.Text("monitor_tag"); p.Tag == "" {
		return p, errPointTag
	}
	status, _ := f.Text("status")
	if p.Status = statuspage.Status(status); !statuspage.ValidStatus(p.Status) {
		return p, errPointStatus
	}
	if k := f.Kind("latency"); k != web.KindAbsent && k != web.KindNull {
		latency, ok := latency(f, "latency")
		if !ok {
			return p, errPointLatency
		}
		p.Latency = &latency
	}
	if k := f.Kind("timestamp"); k == web.KindAbsent || k == web.KindNull {
		return p, nil
	}
	at, err := f.Seconds("timestamp")
	this := p.Time
	switch {
	case err != nil:
		return p, err
	case at > now+statuspage.MaxClockLead:
		return p, errPointFuture
	case this-statuspage.FloorMinute(at) > maxPointAge:
		return p, errPointOld
	}
	p.Time = min(statuspage.FloorMinute(at), this)
	return p, nil
}

func readDays(r *web.Request) (statuspage.DayRange, error) { return days(r.Query(), r.Now) }

// uptime is the totals of days of a monitor.
type uptime struct {
	monitor statuspage.Monitor
	days    []statuspage.DayTotals
}

func (h points) uptime(r *web.Request, days statuspage.DayRange) (u uptime, err error) {
	u.monitor, u.days, err = h.store.Uptime(r.Context(), r.PathValue("monitor_tag"), days, r.Now)
	return u, err
}

func showUptime(_ *web.Request, u uptime) web.Answer {
	return web.One(http.StatusOK, "uptime", toUptimeJSON(u.monitor, u.days))
}

const (
	defaultDays = 90
	maxDays     = 366
)

// days returns the days that are asked for at now: the last ones, or those of a range.
func days(q web.Query, now int64) (statuspage.DayRange, error) {
	s, from, to := q.Get("days"), q.Get("from"), q.Get("to")
	switch {
	case from == "" && to == "":
		n := defaultDays
		if s != "" {
			var err error
			if n, err = strconv.Atoi(s); err != nil || n < 1 || n > maxDays || s[0] == '+' {
				return statuspage.DayRange{}, errDays
			}
		}
		return statuspage.LastDays(n, now), nil
	case s != "":
		return statuspage.DayRange{}, errDaysAndRange
	case from == "" || to == "":
		return statuspage.DayRange{}, errFromAndTo
	}
	first, ok := utcDay(from)
	last, ok2 := utcDay(to)
	r := statuspage.DayRange{From: first, To: last}
	switch {
	case !ok || !ok2:
		return r, errDayFormat
	case first > last:
		return r, errDayOrder
	case last > now:
		return r, errDayFuture
	case r.Days() > maxDays:
		return r, errRangeLong
	}
	return r, nil
}

// utcDay returns the first second of a day such as 2026-01-31, and false for what is none
// or is before 1970.
func utcDay(s string) (int64, bool) {
	at, err := time.Parse(time.DateOnly, s)
	return at.Unix(), err == nil && at.Unix() >= 0
}

// pointJSON is a monitor's status in one minute (docs/api.md, Monitoring data).
type pointJSON struct {
	Tag       string   `json:"monitor_tag"`
	Timestamp int64    `json:"timestamp"`
	Status    string   `json:"status"`
	Latency   *float64 `json:"latency"`
	Type      string   `json:"type"`
}

func toPointJSON(tag string, p statuspage.Point) pointJSON {
	return pointJSON{Tag: tag, Timestamp: p.Time, Status: string(p.Status), Latency: p.Latency, Type: string(p.Source)}
}

func showPoint(r *web.Request, p statuspage.Point) web.Answer {
	return web.One(http.StatusOK, "data", toPointJSON(r.PathValue("monitor_tag"), p))
}

type updatedJSON struct {
	Message string `json:"message"`
	Count   int64  `json:"updated_count"`
}

type deletedJSON struct {
	Message string `json:"message"`
	Count   int64  `json:"deleted_count"`
}

// pointResultJSON is what became of a posted point: its minute, or why it was not
// taken.
type pointResultJSON struct {
	Tag       *string    `json:"monitor_tag"`
	Timestamp *int64     `json:"timestamp"`
	Error     *web.Shown `json:"error,omitempty"`
}

// showResults is a refusal when no point was accepted: a client that looks at the status
// alone learns of it.
func showResults(results []pointResult) web.Answer {
	all := struct {
		Results []pointResultJSON `json:"results"`
		Error   *web.Shown        `json:"error,omitempty"`
	}{Results: resultsJSON(results)}
	if slices.ContainsFunc(results, func(r pointResult) bool { return r.err == nil }) {
		return web.OK(all)
	}
	shown, status := web.ShownOf(errNoPoint)
	all.Error = &shown
	return web.JSON(status, web.Encode(all))
}

func resultsJSON(results []pointResult) []pointResultJSON {
	all := make([]pointResultJSON, len(results))
	for n, r := range results {
		shown := pointResultJSON{}
		if r.tag != "" {
			shown.Tag = &r.tag
		}
		if r.err == nil {
			shown.Timestamp = &r.time
		} else {
			body, _ := web.ShownOf(r.err)
			shown.Error = &body
		}
		all[n] = shown
	}
	return all
}

// uptimeJSON counts a monitor's minutes.
type uptimeJSON struct {
	Up          int64    `json:"minutes_up"`
	Degraded    int64    `json:"minutes_degraded"`
	Down        int64    `json:"minutes_down"`
	Maintenance int64    `json:"minutes_maintenance"`
	Uptime      *float64 `json:"uptime"`          // percent; null when the formula counts no minute
	Latency     *float64 `json:"average_latency"` // milliseconds; null when none was measured
}

type dayJSON struct {
	Date string `json:"date"`
	uptimeJSON
}

type monitorUptimeJSON struct {
	Tag   string     `json:"monitor_tag"`
	Days  []dayJSON  `json:"days"`
	Total uptimeJSON `json:"total"`
}

func toUptimeJSON(m statuspage.Monitor, days []statuspage.DayTotals) monitorUptimeJSON {
	formula := m.UptimeFormula()
	count := func(t statuspage.Totals) uptimeJSON {
		shown := uptimeJSON{Up: t.Up, Degraded: t.Degraded, Down: t.Down, Maintenance: t.Maintenance}
		if percent, ok := formula.Percent(t); ok {
			shown.Uptime = &percent
		}
		if latency, ok := t.Latency(); ok {
			shown.Latency = &latency
		}
		return shown
	}
	u := monitorUptimeJSON{Tag: m.Tag, Days: make([]dayJSON, len(days))}
	var total statuspage.Totals
	for n, d := range days {
		u.Days[n] = dayJSON{time.Unix(d.Day, 0).UTC().Format(time.DateOnly), count(d.Totals)}
		total = total.Plus(d.Totals)
	}
	u.Total = count(total)
	return u
}
