package apiv4

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"math"
	"net/http"
	"strconv"
	"strings"

	"tocsin/internal/opt"
	"tocsin/internal/statuspage"
	"tocsin/internal/web"
)

// IncidentStore keeps incidents.
type IncidentStore interface {
	// Incident returns the incident, or IncidentNotFound.
	Incident(ctx context.Context, id int64) (statuspage.Incident, error)

	// Incidents lists the incidents that match, newest start first, then id falling.
	Incidents(ctx context.Context, q statuspage.IncidentQuery, take func(statuspage.Incident) bool) (*statuspage.IncidentPosition, error)

	// CreateIncident makes an open incident in state INVESTIGATING. It returns
	// UnknownMonitor for a tag without a monitor, or ErrEndBeforeStart.
	CreateIncident(ctx context.Context, n statuspage.NewIncident, now int64, once *statuspage.Once[statuspage.Incident]) (statuspage.Incident, error)

	// UpdateIncident applies the patch. It returns IncidentNotFound, UnknownMonitor,
	// ErrEndBeforeStart or, when the incident is not as expected, ErrIncidentChanged,
	// in this order.
	UpdateIncident(ctx context.Context, id int64, p statuspage.IncidentPatch, now int64, expected statuspage.Precondition) (statuspage.Incident, error)

	// DeleteIncident removes the incident with its comments and its links to
	// monitors. From its return on nothing of it is visible, also when a crash
	// leaves rows behind, which Cleanup removes. It returns IncidentNotFound, or
	// ErrIncidentChanged when the incident is not as expected.
	DeleteIncident(ctx context.Context, id int64, now int64, expected statuspage.Precondition) error
}

type incidents struct{ store IncidentStore }

// Incidents returns the routes of incidents.
func Incidents(store IncidentStore) []web.Route {
	h := incidents{store}
	id := web.Existing("incident_id", errIncidentID, statuspage.IncidentNotFound[string])
	return []web.Route{
		{Group: web.Incidents, Path: "/api/v4/incidents", Methods: []web.Method{
			web.GET(statuspage.ScopeIncidentsRead, h.list()),
			web.POST(statuspage.ScopeIncidentsWrite, web.Creates(h.create)),
		}},
		{Group: web.Incidents, Path: "/api/v4/incidents/{incident_id}", Methods: []web.Method{
			web.GET(statuspage.ScopeIncidentsRead, web.Gets(id, store.Incident, showIncident)),
			web.PATCH(statuspage.ScopeIncidentsWrite, web.Acts(readIncidentPatch, h.update, showIncident)),
			web.DELETE(statuspage.ScopeIncidentsWrite, web.Deletes(id, h.remove, "Incident with id '%d' deleted successfully")),
		}},
	}
}

var (
	errIncidentID    = bad("Incident ID must be a valid integer")
	errStatusFilter  = bad("status must be open or closed")
	errTooManyTags   = bad("At most 50 tags")
	errTitleRequired = bad("Title is required and must be a non-empty string")
	errTitleEmpty    = bad("Title must be a non-empty string")
	errTitleLong     = bad("Title must be at most 255 characters")
	errStartRequired = bad("start_date_time is required")
	errMonitors      = bad("monitors must be an array")
	errMonitorTag    = bad("Each monitor must have a valid monitor_tag")
	errTooManyLinks  = bad("At most %d monitors", statuspage.MaxIncidentMonitors)
	errSource        = bad("Tocsin-Source must be API or MANUAL")
	errAutoClose     = bad("auto_close_after must be an integer between 3600 and 31536000, or null")
)

func bad(format string, args ...any) error { return statuspage.Invalid(format, args...) }

const incidentCursor = "i"

func (h incidents) list() web.Handler {
	return web.List[statuspage.IncidentQuery, statuspage.Incident, *statuspage.IncidentPosition]{
		Name: "incidents",
		Query: func(r *web.Request) (statuspage.IncidentQuery, int, error) {
			q, err := incidentQuery(r.Query())
			return q, q.Limit, err
		},
		Read: h.store.Incidents,
		Show: func(r *web.Request, i statuspage.Incident) any {
			row := toIncidentJSON(i, r.Site())
			row.Type = ""
			return row
		},
		Cursor: func(next *statuspage.IncidentPosition) string {
			if next == nil {
				return ""
			}
			return web.EncodeCursor(incidentCursor, next.Start, next.ID)
		},
	}.Handler()
}

func incidentQuery(params web.Query) (statuspage.IncidentQuery, error) {
	q := statuspage.IncidentQuery{To: statuspage.MaxTimestamp}
	from, _, err := params.Timestamp("start_ts")
	if err != nil {
		return q, err
	}
	q.From = from
	to, given, err := params.Timestamp("end_ts")
	if err != nil {
		return q, err
	}
	if given {
		q.To = to
	}
	if q.Tags, err = filterTags(params, "monitor_tags"); err != nil {
		return q, err
	}
	if q.Open, err = filterOpen(params); err != nil {
		return q, err
	}
	if q.Limit, err = params.Limit(); err != nil {
		return q, err
	}
	start, id, err := params.TimeCursor(incidentCursor)
	if id != 0 {
		q.After = &statuspage.IncidentPosition{Start: start, ID: id}
	}
	return q, err
}

// filterTags returns the tags of a filter: nil when there is none, and an empty list,
// which nothing matches, when it names none.
func filterTags(q web.Query, name string) ([]string, error) {
	s := q.Get(name)
	if s == "" {
		return nil, nil
	}
	tags := []string{}
	for t := range strings.SplitSeq(s, ",") {
		if t = statuspage.TrimBlank(t); t != "" {
			tags = append(tags, t)
		}
	}
	if len(tags) > statuspage.MaxFilterTags {
		return nil, errTooManyTags
	}
	return tags, nil
}

// filterOpen returns the filter by status: nil when there is none.
func filterOpen(q web.Query) (*bool, error) {
	switch strings.ToLower(q.Get("status")) {
	case "":
		return nil, nil
	case "open":
		return new(true), nil
	case "closed":
		return new(false), nil
	}
	return nil, errStatusFilter
}

func (h incidents) create(r *web.Request) (web.Creation[statuspage.Incident], error) {
	var c web.Creation[statuspage.Incident]
	f, err := web.DecodeBody(r.Content)
	if err != nil {
		return c, err
	}
	var n statuspage.NewIncident
	if n.Title, err = f.Trimmed("title", statuspage.MaxTitle, errTitleRequired, errTitleLong); err != nil {
		return c, err
	}
	if k := f.Kind("start_date_time"); k == web.KindAbsent || k == web.KindNull {
		return c, errStartRequired
	}
	if n.Start, err = f.Timestamp("start_date_time"); err != nil {
		return c, err
	}
	end, err := f.NullableTimestamp("end_date_time")
	if err != nil {
		return c, err
	}
	n.End = end.Ptr(nil)
	linked, err := links(f, statuspage.MaxIncidentMonitors, errTooManyLinks, incidentImpact)
	if err != nil {
		return c, err
	}
	n.Monitors = linked.Or(nil)
	if n.AutoCloseAfter, err = autoClose(f); err != nil {
		return c, err
	}
	if n.Source, err = source(r); err != nil {
		return c, err
	}
	c.Create = func(ctx context.Context, once *statuspage.Once[statuspage.Incident]) (statuspage.Incident, error) {
		return h.store.CreateIncident(ctx, n, r.Now, once)
	}
	c.Answer = func(i statuspage.Incident) web.Answer { return incidentAnswer(r, http.StatusCreated, i) }
	return c, nil
}

// source returns where an incident comes from, which a header may say (docs/api.md,
// Incidents).
func source(r *web.Request) (string, error) {
	values := r.Header.Values("Tocsin-Source")
	switch text := strings.Join(values, ","); {
	case values == nil:
		return statuspage.SourceAPI, nil
	case text == statuspage.SourceAPI, text == statuspage.SourcePerson:
		return text, nil
	}
	return "", errSource
}

// links returns the monitors that a record is to be linked to, each tag once. tooMany is the
// error for more than most of them, and impact reads what a link says.
func links(f web.Fields, most int, tooMany error, impact func(link web.Fields) (statuspage.Impact, error)) (opt.Field[[]statuspage.MonitorImpact], error) {
	var none opt.Field[[]statuspage.MonitorImpact]
	if f.Kind("monitors") == web.KindAbsent {
		return none, nil
	}
	elements, err := f.Array("monitors", errMonitors)
	if err != nil {
		return none, err
	}
	var linked []statuspage.MonitorImpact
	for _, raw := range elements {
		link, err := web.DecodeObject(raw)
		if err != nil {
			return none, errMonitorTag
		}
		tag, _ := link.Text("monitor_tag")
		if tag == "" {
			return none, errMonitorTag
		}
		i, err := impact(link)
		if err != nil {
			return none, err
		}
		linked = append(linked, statuspage.MonitorImpact{Tag: tag, Impact: i})
	}
	linked = statuspage.UniqueImpacts(linked)
	if len(linked) > most {
		return none, tooMany
	}
	return opt.Value(linked), nil
}

func incidentImpact(link web.Fields) (statuspage.Impact, error) {
	return impactOr(link, statuspage.Down)
}

// impactOr is the impact that a link says, or the fallback when it says none.
func impactOr(link web.Fields, fallback statuspage.Impact) (statuspage.Impact, error) {
	switch link.Kind("impact") {
	case web.KindAbsent, web.KindNull:
		return fallback, nil
	case web.KindString:
		impact := statuspage.Impact(web.DecodeString(link["impact"]))
		if statuspage.ValidImpact(impact) {
			return impact, nil
		}
		return "", errImpact(string(impact))
	}
	return "", errImpact(string(link["impact"]))
}

func errImpact(impact string) error {
	return bad("Invalid impact '%s'. Must be one of: UP, DOWN, DEGRADED, MAINTENANCE", impact)
}

// autoClose returns after how many seconds an incident is to be closed
// automatically, or null.
func autoClose(f web.Fields) (opt.Field[int64], error) {
	const name = "auto_close_after"
	switch f.Kind(name) {
	case web.KindAbsent:
		return opt.Field[int64]{}, nil
	case web.KindNull:
		return opt.Null[int64](), nil
	case web.KindNumber:
		n, _ := f.Float(name)
		if n == math.Trunc(n) && n >= statuspage.MinAutoClose && n <= statuspage.MaxAutoClose {
			return opt.Value(int64(n)), nil
		}
	}
	return opt.Field[int64]{}, errAutoClose
}

// incidentPatch is what a PATCH changes, and of which incident.
type incidentPatch struct {
	id int64
	statuspage.IncidentPatch
}

func readIncidentPatch(r *web.Request) (p incidentPatch, err error) {
	id, err := web.ParseID(r.PathValue("incident_id"), errIncidentID)
	if err != nil {
		return p, err
	}
	f, err := web.DecodeBody(r.Content)
	if err != nil {
		return p, err
	}
	if f.Kind("title") != web.KindAbsent {
		title, err := f.Trimmed("title", statuspage.MaxTitle, errTitleEmpty, errTitleLong)
		if err != nil {
			return p, err
		}
		p.Title = opt.Value(title)
	}
	if p.Start, err = f.OptTimestamp("start_date_time"); err != nil {
		return p, err
	}
	if p.End, err = f.NullableTimestamp("end_date_time"); err != nil {
		return p, err
	}
	if p.Monitors, err = links(f, statuspage.MaxIncidentMonitors, errTooManyLinks, incidentImpact); err != nil {
		return p, err
	}
	if p.AutoCloseAfter, err = autoClose(f); err != nil {
		return p, err
	}
	if !id.Exists() {
		return p, statuspage.IncidentNotFound(id.Text)
	}
	p.id = id.N
	return p, nil
}

func (h incidents) update(r *web.Request, p incidentPatch) (statuspage.Incident, error) {
	return h.store.UpdateIncident(r.Context(), p.id, p.IncidentPatch, r.Now, expectedIncident(r))
}

func (h incidents) remove(r *web.Request, id int64) error {
	return h.store.DeleteIncident(r.Context(), id, r.Now, expectedIncident(r))
}

func expectedIncident(r *web.Request) statuspage.Precondition {
	return ifMatch(r, func(i statuspage.Incident) string { return toIncidentJSON(i, r.Site()).etag() })
}

// ifMatch returns what the request's If-Match header expects of a record, nil when there is
// none (docs/api.md, Not overwriting what others wrote). etag is the record's tag. A star
// expects no more than that the record exists, which every write does. What is no entity tag,
// and a weak one, matches nothing: a writer that says it has seen something is not to
// overwrite what it may not have seen.
func ifMatch[T any](r *web.Request, etag func(T) string) func(T) bool {
	values := r.Header.Values("If-Match")
	if values == nil {
		return nil
	}
	listed := map[string]bool{}
	for tag := range strings.SplitSeq(strings.Join(values, ","), ",") { // our own tags have no comma
		listed[strings.Trim(tag, " \t")] = true
	}
	if listed["*"] {
		return nil
	}
	return func(record T) bool { return listed[etag(record)] }
}

// incidentJSON is an incident (docs/api.md, Incidents). In lists it has no type.
type incidentJSON struct {
	ID        int64           `json:"id"`
	Title     string          `json:"title"`
	Start     int64           `json:"start_date_time"`
	End       *int64          `json:"end_date_time"`
	State     string          `json:"state"`
	Type      string          `json:"incident_type,omitempty"`
	Source    string          `json:"incident_source"`
	Monitors  []monitorImpact `json:"monitors"`
	AutoClose **int64         `json:"auto_close_after,omitempty"` // nil: not set, of nil: null
	Created   string          `json:"created_at"`
	Updated   string          `json:"updated_at"`
	URL       string          `json:"url"`
}

type monitorImpact struct {
	Tag    string `json:"monitor_tag"`
	Impact string `json:"impact"`
}

// incidentAnswer shows one incident, with the tag that If-Match is compared with.
func incidentAnswer(r *web.Request, status int, i statuspage.Incident) web.Answer {
	shown := toIncidentJSON(i, r.Site())
	a := web.One(status, "incident", shown)
	a.ETag = shown.etag()
	return a
}

func showIncident(r *web.Request, i statuspage.Incident) web.Answer {
	return incidentAnswer(r, http.StatusOK, i)
}

// toIncidentJSON shows an incident; site is the origin of its link.
func toIncidentJSON(i statuspage.Incident, site string) incidentJSON {
	var autoClose **int64
	if i.AutoCloseAfter.IsSet() {
		autoClose = new(i.AutoCloseAfter.Ptr(nil))
	}
	return incidentJSON{
		ID: i.ID, Title: i.Title, Start: i.Start, End: i.End, State: string(i.State),
		Type: i.Type, Source: i.Source, Monitors: toImpacts(i.Monitors), AutoClose: autoClose,
		Created: web.ISOTime(i.Created), Updated: web.ISOTime(i.Updated),
		URL: site + "/incidents/" + strconv.FormatInt(i.ID, 10),
	}
}

func toImpacts(linked []statuspage.AffectedMonitor) []monitorImpact {
	monitors := make([]monitorImpact, len(linked))
	for n, m := range linked {
		monitors[n] = monitorImpact{m.Tag, string(m.Impact)}
	}
	return monitors
}

// etag is the entity tag of the incident as one is shown.
func (i incidentJSON) etag() string {
	i.URL = ""
	return entityTag(i)
}

// entityTag is the entity tag of a record as one is shown (docs/api.md, Not overwriting what
// others wrote): a digest of it. It is given without its url, which depends on the address
// that it was asked for at.
func entityTag(shown any) string {
	sum := sha256.Sum256(web.Encode(shown))
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:etagBytes]) + `"`
}

// etagBytes of a digest are enough to tell the versions of one record apart.
const etagBytes = 16
