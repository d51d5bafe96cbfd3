package apilegacy

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"

	"tocsin/internal/statuspage"
	"tocsin/internal/web"
)

// StatusStore keeps the status of monitors minute by minute. Both methods return
// MonitorNotFound for a tag without a monitor.
type StatusStore interface {
	// RecordPoints sets many points, see apiv4.PointStore.
	RecordPoints(ctx context.Context, points []statuspage.TaggedPoint, now int64) (errs []error)

	// DaySoFar returns the monitor's totals of the UTC day that holds until (UTC
	// seconds), up to and including that second, and the newest point of that time,
	// nil when there is none.
	DaySoFar(ctx context.Context, tag string, until, now int64) (statuspage.Monitor, statuspage.Totals, *statuspage.Point, error)
}

type status struct{ store StatusStore }

// Status returns the routes of the status of a monitor.
func Status(store StatusStore) []web.Route {
	h := status{store}
	return []web.Route{{Group: web.Monitors, Path: statusPath, Dialect: dialect{}, Methods: []web.Method{
		web.GET(statuspage.ScopeMonitorsRead, web.Acts(readStatusQuery, h.get, show)),
		web.POST(statuspage.ScopeStatusWrite, web.Creates(h.post)),
	}}}
}

var (
	errStatus    = bad("status missing")
	errLatency   = bad("latency missing or not a number")
	errSeconds   = bad("timestampInSeconds not a number")
	errFuture    = bad("timestampInSeconds is in future")
	errOld       = bad("timestampInSeconds is older than 90days")
	errTag       = bad("invalid tag")
	errNoTag     = bad("tag missing")
	errTimestamp = bad("Invalid timestamp")
)

const (
	maxTime     = 8.64e12
	maxPointAge = 90 * 24 * 60 * 60 // seconds
)

type recordedJSON struct {
	Status  int    `json:"status"`
	Message string `json:"message"`
}

// post is POST /api/status.
func (h status) post(r *web.Request) (web.Creation[int64], error) {
	c := web.Creation[int64]{Repeatable: true}
	f, err := web.DecodeBody(r.Content)
	if err != nil {
		return c, err
	}
	p, err := point(f, r.Now)
	if err != nil {
		return c, err
	}
	c.Create = func(ctx context.Context, _ *statuspage.Once[int64]) (int64, error) {
		return p.Time, tagError(h.store.RecordPoints(ctx, []statuspage.TaggedPoint{p}, r.Now)[0])
	}
	c.Answer = func(at int64) web.Answer {
		return web.OK(recordedJSON{http.StatusOK, fmt.Sprintf("success at %d", at)})
	}
	return c, nil
}

// tagError is the error for a tag without a monitor; any other stays.
func tagError(err error) error {
	if shown, ok := errors.AsType[*statuspage.Error](err); ok && shown.Code == statuspage.CodeNotFound {
		return errTag
	}
	return err
}

// point reads the status of a monitor at now (UTC seconds).
func point(f web.Fields, now int64) (statuspage.TaggedPoint, error) {
	p := statuspage.TaggedPoint{Point: statuspage.Point{Time: statuspage.FloorMinute(now), Source: statuspage.SourceProbe}}
	status, _ := f.Text("status")
	if p.Status = statuspage.Status(status); !statuspage.ValidStatus(p.Status) {
		return p, errStatus
	}
	var err error
	if p.Latency, err = latency(f); err != nil {
		return p, err
	}
	if f.Kind("timestampInSeconds") != web.KindAbsent {
		seconds := web.ECMANumberOf(f["timestampInSeconds"])
		this := p.Time
		switch {
		case math.IsNaN(seconds):
			return p, errSeconds
		case seconds >= float64(this+60):
			return p, errFuture
		case seconds <= -maxTime:
			return p, errOld
		}
		p.Time = statuspage.FloorMinute(int64(seconds))
		if this-p.Time > maxPointAge {
			return p, errOld
		}
	}
	if p.Tag, _ = f.Text("tag"); p.Tag == "" {
		return p, errTag
	}
	return p, nil
}

// latency reads a latency: a number or a string that reads as one. Null and a
// blank string are none.
func latency(f web.Fields) (*float64, error) {
	const name = "latency"
	n := math.NaN()
	switch f.Kind(name) {
	case web.KindNull:
		return nil, nil
	case web.KindString:
		text := web.DecodeString(f[name])
		if statuspage.TrimBlank(text) == "" {
			return nil, nil
		}
		n = web.ECMANumber(text)
	case web.KindNumber:
		n = web.ECMANumberOf(f[name])
	}
	if math.IsNaN(n) {
		return nil, errLatency
	}
	if n == 0 {
		n = 0 // and not -0
	}
	return new(min(max(n, -statuspage.MaxLatency), statuspage.MaxLatency)), nil
}

type statusJSON struct {
	Status  *string `json:"status"`
	Uptime  string  `json:"uptime"`
	Updated *int64  `json:"lastUpdatedAt"`
}

// statusQuery asks for a monitor's status at a time in UTC seconds.
type statusQuery struct {
	tag   string
	until int64
}

func readStatusQuery(r *web.Request) (q statusQuery, err error) {
	params := r.Query()
	if q.tag = params.Get("tag"); q.tag == "" {
		return q, errNoTag
	}
	q.until = r.Now
	if params.Has("timestamp") {
		text := params.Get("timestamp")
		seconds := web.ECMANumber(text)
		if statuspage.TrimBlank(text) == "" || math.IsNaN(seconds) {
			return q, errTimestamp
		}
		// No point can be outside these bounds.
		q.until = int64(min(max(math.Floor(seconds), 0), statuspage.MaxTimestamp))
	}
	return q, nil
}

// get is GET /api/status.
func (h status) get(r *web.Request, q statusQuery) (statusJSON, error) {
	m, totals, newest, err := h.store.DaySoFar(r.Context(), q.tag, q.until, r.Now)
	if err != nil {
		return statusJSON{}, tagError(err)
	}
	shown := statusJSON{Uptime: statuspage.LegacyUptime(totals, m.UptimeFormula())}
	if newest != nil {
		shown.Status, shown.Updated = new(string(newest.Status)), &newest.Time
	}
	return shown, nil
}

// show shows what is JSON already.
func show[T any](_ *web.Request, v T) web.Answer { return web.OK(v) }
