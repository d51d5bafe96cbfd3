package kener

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"sync"

	"golang.org/x/sync/errgroup"

	"tocsin/internal/publish"
	"tocsin/internal/statuspage"
)

const (
	requestsAtOnce = 2    // of Kener, which answers one after another
	writesAtOnce   = 8    // of a monitor's hours
	originalLimit  = 1000 // incidents in a list of Kener, which has no pages

	daySeconds = 24 * 60 * 60

	// MaxDataDays is how far back monitoring data can be taken: what is older counts as
	// absent here.
	MaxDataDays = 399
)

// Options change an import.
type Options struct {
	DataDays int                              // how many days of monitoring data, at most MaxDataDays
	Progress func(Report)                     // one call at a time; may be nil
	Warn     func(format string, args ...any) // told of what could not be kept as it was, one call at a time
	Files    publish.Port                     // where the pictures go; nil: they stay at Kener
}

// A Report counts what was taken.
type Report struct {
	Monitors, Points, Incidents, Comments, Maintenances, Events, Pages, Settings, Pictures int64

	Unknown int64 // points without a status, or with one that there is none of here; they are left out
	There   int64 // monitors, hours of points, incidents, maintenances, pages and settings that an earlier run had brought
	Before  bool  // the whole import was done already, and nothing was read
}

// Import brings what a Kener has into the store, which must be empty but for API keys:
// monitors with their data, incidents with their comments, maintenances with their events, pages, settings of the site and
// pictures, under the same ids and with the same times. What Kener has set itself at its first start is not taken. It can be repeated, and goes on after an interruption: data is taken up to
// the first beginning. A record that Kener loses meanwhile is passed over.
//
// Errors are the store's (statuspage.ImportStore), or say what Kener answered.
func Import(ctx context.Context, c *Client, store statuspage.ImportStore, o Options, now int64) (Report, error) {
	i := &importer{c: c, store: store, o: o, now: now, ids: map[string]int64{}, pictures: map[string]string{}}
	monitors, err := c.monitors(ctx) // before anything is written: this finds a wrong address or key
	if err != nil {
		return i.report, err
	}
	source := "Kener at " + c.Address()
	begun, err := store.BeginImport(ctx, source, false, now)
	if err != nil {
		return i.report, err
	}
	if begun.Completed != nil {
		i.report.Before = true
		return i.report, nil
	}
	i.until = statuspage.FloorMinute(begun.Started)
	incidents, err := c.incidentIDs(ctx, now)
	if err != nil {
		return i.report, err
	}
	if err := i.takeMonitors(ctx, monitors, incidents); err != nil {
		return i.report, err
	}
	if err := i.each(ctx, len(incidents), func(ctx context.Context, n int) error { return i.takeIncident(ctx, incidents[n]) }); err != nil {
		return i.report, err
	}
	maintenances, err := c.maintenances(ctx)
	if err != nil {
		return i.report, err
	}
	if err := i.each(ctx, len(maintenances), func(ctx context.Context, n int) error { return i.takeMaintenance(ctx, maintenances[n]) }); err != nil {
		return i.report, err
	}
	if err := i.takePages(ctx); err != nil {
		return i.report, err
	}
	if err := i.takeSettings(ctx); err != nil {
		return i.report, err
	}
	return i.report, store.FinishImport(ctx, source, now)
}

// importer is one import.
type importer struct {
	c     *Client
	store statuspage.ImportStore
	o     Options
	now   int64
	until int64            // UTC seconds: data from then on is not taken
	ids   map[string]int64 // of the monitors that are taken, by tag

	mu     sync.Mutex
	report Report

	taking   sync.Mutex
	pictures map[string]string // what takes the place of a path of Kener's

	raising   sync.Mutex
	commentID int64 // the greatest so far
}

// note changes the report.
func (i *importer) note(change func(*Report)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change(&i.report)
	if i.o.Progress != nil {
		i.o.Progress(i.report)
	}
}

// made counts in n what was made, and what was there.
func (i *importer) made(made bool, count func(*Report)) {
	i.note(func(r *Report) {
		count(r)
		if !made {
			r.There++
		}
	})
}

func (i *importer) warn(format string, args ...any) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.o.Warn != nil {
		i.o.Warn(format, args...)
	}
}

// each calls f with 0 to n-1, a few at once.
func (i *importer) each(ctx context.Context, n int, f func(ctx context.Context, n int) error) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(requestsAtOnce)
	for k := range n {
		if gctx.Err() != nil {
			break
		}
		g.Go(func() error { return f(gctx, k) })
	}
	return cmp.Or(g.Wait(), ctx.Err())
}

// takeMonitors takes the monitors with their data. From then on new records have ids above
// those of Kener.
func (i *importer) takeMonitors(ctx context.Context, all []monitorJSON, incidents []int64) error {
	var monitors []statuspage.Monitor
	var last statuspage.LastIDs
	tags := map[int64]string{} // by id
	for _, shown := range all {
		m, ok := shown.monitor(i.now, i.warn)
		if !ok {
			continue
		}
		// Two of one id would share their rows here.
		if tag, taken := tags[m.ID]; taken {
			i.warn("monitor %q: left out, with its data: its id %d is that of monitor %q", m.Tag, m.ID, tag)
			continue
		}
		if id := i.ids[m.Tag]; id != 0 {
			i.warn("monitor %q: left out, with its data: there is another one with this tag, %d and %d", m.Tag, m.ID, id)
			continue
		}
		if m.Image != nil && *m.Image != "" {
			m.Image = new(i.picture(ctx, *m.Image, under(i.warn, fmt.Sprintf("monitor %q", m.Tag)), "image"))
		}
		monitors = append(monitors, m)
		i.ids[m.Tag], tags[m.ID] = m.ID, m.Tag
		last.Monitor = max(last.Monitor, m.ID)
	}
	if len(incidents) > 0 {
		last.Incident = incidents[len(incidents)-1]
	}
	if err := i.store.RaiseIDs(ctx, last); err != nil {
		return err
	}
	return i.each(ctx, len(monitors), func(ctx context.Context, n int) error {
		// The data first: nobody makes totals of a monitor that is not there.
		if err := i.takeData(ctx, monitors[n]); err != nil {
			return err
		}
		made, err := i.store.ImportMonitor(ctx, monitors[n])
		if err == nil {
			i.made(made, func(r *Report) { r.Monitors++ })
		}
		return err
	})
}

// takeData takes a monitor's data, a day a request.
func (i *importer) takeData(ctx context.Context, m statuspage.Monitor) error {
	from := statuspage.FloorHour(i.until - int64(i.o.DataDays)*daySeconds)
	for start := from; start < i.until; start += daySeconds {
		hours := map[int64]map[int64]statuspage.Point{}
		unknown := int64(0)
		end := min(start+daySeconds, i.until)
		query := url.Values{"start_ts": {strconv.FormatInt(start, 10)}, "end_ts": {strconv.FormatInt(end, 10)}}
		_, err := list(ctx, i.c, "/monitors/"+url.PathEscape(m.Tag)+"/data", query, "data", func(shown pointJSON) {
			p, ok := shown.point()
			if p.Time < start || p.Time >= end {
				return
			}
			if !ok {
				unknown++
				return
			}
			hour := statuspage.FloorHour(p.Time)
			if hours[hour] == nil {
				hours[hour] = map[int64]statuspage.Point{}
			}
			hours[hour][p.Time] = p
		})
		if errors.Is(err, errGone) {
			i.warn("monitor %q: its data is gone", m.Tag)
			return nil
		}
		if err != nil {
			return err
		}
		g, gctx := errgroup.WithContext(ctx)
		g.SetLimit(writesAtOnce)
		for _, points := range hours {
			g.Go(func() error {
				made, err := i.store.ImportPoints(gctx, m.ID, slices.Collect(maps.Values(points)), i.now)
				if err == nil {
					i.made(made, func(r *Report) { r.Points += int64(len(points)) })
				}
				return err
			})
		}
		if err := g.Wait(); err != nil {
			return err
		}
		i.note(func(r *Report) { r.Unknown += unknown })
	}
	return nil
}

// takeIncident takes an incident with its comments.
func (i *importer) takeIncident(ctx context.Context, id int64) error {
	path := "/incidents/" + strconv.FormatInt(id, 10)
	var shown struct {
		Incident incidentJSON `json:"incident"`
	}
	var comments []statuspage.Comment
	seen := map[int64]bool{}
	err := i.c.get(ctx, path, nil, &shown)
	if err == nil {
		_, err = list(ctx, i.c, path+"/comments", nil, "comments", func(c commentJSON) {
			switch {
			case !statuspage.ValidID(c.ID):
			case seen[c.ID]:
				i.warn("comment %d of incident %d: left out: there is another one with this id", c.ID, id)
			default:
				seen[c.ID] = true
				comments = append(comments, c.comment(id, i.now, i.warn))
			}
		})
	}
	if errors.Is(err, errGone) {
		i.warn("incident %d: it was deleted meanwhile", id)
		return nil
	}
	if err != nil {
		return err
	}
	if shown.Incident.ID != id {
		return fmt.Errorf("GET %s%s: the answer is about incident %d", i.c.Address(), path, shown.Incident.ID)
	}
	if err := i.raiseComments(ctx, comments); err != nil {
		return err
	}
	made, err := i.store.ImportIncident(ctx, shown.Incident.incident(i.ids, comments, i.now, i.warn), comments)
	if err == nil {
		i.made(made, func(r *Report) {
			r.Incidents++
			r.Comments += int64(len(comments))
		})
	}
	return err
}

// raiseComments makes new comments have ids above these.
func (i *importer) raiseComments(ctx context.Context, comments []statuspage.Comment) error {
	i.raising.Lock()
	defer i.raising.Unlock()
	before := i.commentID
	for _, c := range comments {
		i.commentID = max(i.commentID, c.ID)
	}
	if i.commentID == before {
		return nil
	}
	return i.store.RaiseIDs(ctx, statuspage.LastIDs{Comment: i.commentID})
}

// monitors lists the monitors.
func (c *Client) monitors(ctx context.Context) ([]monitorJSON, error) {
	var all []monitorJSON
	_, err := list(ctx, c, "/monitors", nil, "monitors", func(m monitorJSON) { all = append(all, m) })
	return all, err
}

// incidentIDs lists the ids of all incidents, rising. Kener cuts its list after
// 1,000 without a word: a list that is as long is asked for again in two parts, by start.
func (c *Client) incidentIDs(ctx context.Context, now int64) ([]int64, error) {
	ids := map[int64]bool{}
	if err := c.collectIDs(ctx, nil, nil, now, ids); err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(ids)), nil
}

// collectIDs adds the ids of the incidents that start from low to high (UTC seconds, nil
// for no bound).
func (c *Client) collectIDs(ctx context.Context, low, high *int64, now int64, ids map[int64]bool) error {
	query := url.Values{}
	if low != nil {
		query.Set("start_ts", strconv.FormatInt(*low, 10))
	}
	if high != nil {
		query.Set("end_ts", strconv.FormatInt(*high, 10))
	}
	n := 0
	paged, err := list(ctx, c, "/incidents", query, "incidents", func(i incidentJSON) {
		if statuspage.ValidID(i.ID) {
			ids[i.ID] = true
		}
		n++
	})
	if err != nil || paged || n < originalLimit {
		return err
	}
	middle, ok := between(low, high, now)
	if !ok {
		return fmt.Errorf("GET %s/api/v4/incidents?%s: more incidents start in one minute than Kener lists, %d", c.base, query.Encode(), originalLimit)
	}
	if err := c.collectIDs(ctx, low, &middle, now, ids); err != nil {
		return err
	}
	return c.collectIDs(ctx, new(middle+1), high, now, ids)
}

// between returns a time that parts the incidents from low to high, or false when there is
// none. Kener takes a bound of 0 for none.
func between(low, high *int64, now int64) (int64, bool) {
	const latest = 8_640_000_000_000 // the greatest that Kener takes
	switch {
	case low == nil && high == nil:
		return now, true
	case low == nil:
		return *high / 2, *high > 1
	case high == nil:
		return *low * 2, *low < latest
	}
	return *low + (*high-*low)/2, *low < *high
}

// list calls take with every element of a list, page by page, and reports whether the
// answer had pages, which ours has and Kener's has not.
func list[T any](ctx context.Context, c *Client, path string, query url.Values, name string, take func(T)) (paged bool, err error) {
	query = maps.Clone(query)
	if query == nil {
		query = url.Values{}
	}
	for {
		var page map[string]json.RawMessage
		if err := c.get(ctx, path, query, &page); err != nil {
			return paged, err
		}
		var elements []T
		if raw := page[name]; len(raw) == 0 || json.Unmarshal(raw, &elements) != nil {
			return paged, fmt.Errorf("GET %s/api/v4%s: the answer has no list of %s", c.base, path, name)
		}
		for _, e := range elements {
			take(e)
		}
		var next string
		if raw := page["next_cursor"]; len(raw) == 0 || json.Unmarshal(raw, &next) != nil || next == "" {
			return paged, nil
		}
		paged = true
		query.Set("cursor", next)
	}
}
