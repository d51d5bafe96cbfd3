package apilegacy

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"

	"tocsin/internal/statuspage"
	"tocsin/internal/web"
)

// IncidentStore is the legacy API's way to incidents.
type IncidentStore interface {
	// LegacyIncident returns the incident with its body, or IncidentNotFound.
	LegacyIncident(ctx context.Context, id int64) (statuspage.LegacyIncident, error)

	// SearchIncidents returns the incidents that the query finds. It follows a write
	// within moments. It returns ErrSearchTooWide when it would have to read more than
	// a search may cost.
	SearchIncidents(ctx context.Context, q statuspage.LegacyQuery) ([]statuspage.LegacyIncident, error)

	// ReportIncident makes an incident. It returns ErrUnknownTags.
	ReportIncident(ctx context.Context, r statuspage.LegacyReport, now int64, once *statuspage.Once[statuspage.LegacyIncident]) (statuspage.LegacyIncident, error)

	// ReplaceIncident makes the incident what the report says. It returns
	// ErrUnknownTags or IncidentNotFound, in this order.
	ReplaceIncident(ctx context.Context, id int64, r statuspage.LegacyReport, now int64) (statuspage.LegacyIncident, error)

	// CheckTags returns ErrUnknownTags when one of the tags has no monitor.
	CheckTags(ctx context.Context, tags []string) error

	// ProgressIncident applies the progress, or returns IncidentNotFound.
	ProgressIncident(ctx context.Context, id int64, p statuspage.LegacyProgress, now int64, once *statuspage.Once[statuspage.LegacyIncident]) (statuspage.LegacyIncident, error)
}

type incidents struct{ store IncidentStore }

// Incidents returns the routes of incidents.
func Incidents(store IncidentStore) []web.Route {
	h := incidents{store}
	return []web.Route{
		{Group: web.Incidents, Path: "/api/incident", Dialect: dialect{}, Methods: []web.Method{
			web.GET(statuspage.ScopeIncidentsRead, web.Acts(readSearch, h.search, showFound)),
			web.POST(statuspage.ScopeIncidentsWrite, web.Creates(h.create)),
		}},
		{Group: web.Incidents, Path: "/api/incident/{incidentNumber}", Dialect: dialect{}, Methods: []web.Method{
			web.GET(statuspage.ScopeIncidentsRead, web.Gets(shownID, store.LegacyIncident, showIncident)),
			web.PATCH(statuspage.ScopeIncidentsWrite, web.Acts(readReplacement, h.replace, showIncident)),
		}},
		{Group: web.Incidents, Path: "/api/incident/{incidentNumber}/status", Dialect: dialect{}, Methods: []web.Method{
			web.POST(statuspage.ScopeIncidentsWrite, web.Creates(h.progress)),
		}},
	}
}

var (
	errStart       = bad("Invalid startDatetime")
	errEnd         = bad("Invalid endDatetime")
	errTitle       = bad("Invalid title")
	errTags        = bad("Invalid tags")
	errImpact      = bad("Invalid impact")
	errMaintenance = bad("Invalid isMaintenance")
	errState       = bad("state must be open or closed")
	errPerPage     = bad("per_page is too large")
)

const (
	perPage    = 10
	maxPerPage = 100
	maxSkipped = 10_000 // page × per_page
)

// incidentJSON is an incident of the legacy API, its fields in the order that
// its clients know.
type incidentJSON struct {
	Created     int64    `json:"createdAt"`
	Closed      *int64   `json:"closedAt"`
	Title       string   `json:"title"`
	Tags        []string `json:"tags"`
	Number      int64    `json:"incidentNumber"`
	Start       *int64   `json:"startDatetime"`
	End         *int64   `json:"endDatetime"`
	Body        string   `json:"body"`
	Impact      *string  `json:"impact"`
	Maintenance bool     `json:"isMaintenance"`
	Identified  bool     `json:"isIdentified"`
	Resolved    bool     `json:"isResolved"`
}

func toIncidentJSON(i statuspage.LegacyIncident) incidentJSON {
	shown := incidentJSON{
		Created: i.Created, Closed: i.Closed, Title: i.Title, Tags: i.LegacyTags(), Number: i.ID,
		Start: i.LegacyStart(), End: i.LegacyEnd(), Body: i.Body,
		Maintenance: i.Legacy.Maintenance, Identified: i.IsIdentified(), Resolved: i.State == statuspage.Resolved,
	}
	if impact := i.LegacyImpact(); impact != "" {
		shown.Impact = new(string(impact))
	}
	return shown
}

func incidentAnswer(i statuspage.LegacyIncident) web.Answer { return web.OK(toIncidentJSON(i)) }

func showIncident(_ *web.Request, i statuspage.LegacyIncident) web.Answer { return incidentAnswer(i) }

// shownID reads the number of an incident to show. For text that is no number it returns
// IncidentNotFound too.
func shownID(r *web.Request) (int64, error) {
	id, err := incidentID(r)
	if err != nil || !id.Exists() {
		return 0, statuspage.IncidentNotFound(id.Text)
	}
	return id.N, nil
}

func (h incidents) create(r *web.Request) (web.Creation[statuspage.LegacyIncident], error) {
	var c web.Creation[statuspage.LegacyIncident]
	f, err := web.DecodeBody(r.Content)
	if err != nil {
		return c, err
	}
	reported, err := report(f)
	if err != nil {
		return c, err
	}
	c.Create = func(ctx context.Context, once *statuspage.Once[statuspage.LegacyIncident]) (statuspage.LegacyIncident, error) {
		if err := h.checkMaintenance(ctx, f, reported); err != nil {
			return statuspage.LegacyIncident{}, err
		}
		return h.store.ReportIncident(ctx, reported, r.Now, once)
	}
	c.Answer = incidentAnswer
	return c, nil
}

// checkMaintenance returns the error for an isMaintenance that is no boolean. It looks the
// tags up before that, since the error for an unknown tag comes first.
func (h incidents) checkMaintenance(ctx context.Context, f web.Fields, report statuspage.LegacyReport) error {
	if !given(f, "isMaintenance") || f.Kind("isMaintenance") == web.KindBool {
		return nil
	}
	if err := h.store.CheckTags(ctx, report.Tags); err != nil {
		return err
	}
	return errMaintenance
}

// replacement is what a PATCH puts in the place of an incident.
type replacement struct {
	id     web.PathID
	sent   web.Fields
	report statuspage.LegacyReport
}

func readReplacement(r *web.Request) (p replacement, err error) {
	if p.sent, err = web.DecodeBody(r.Content); err != nil {
		return p, err
	}
	if p.id, err = incidentID(r); err != nil {
		return p, err
	}
	p.report, err = report(p.sent)
	return p, err
}

func (h incidents) replace(r *web.Request, p replacement) (none statuspage.LegacyIncident, err error) {
	if err := h.checkMaintenance(r.Context(), p.sent, p.report); err != nil {
		return none, err
	}
	if !p.id.Exists() {
		if err := h.store.CheckTags(r.Context(), p.report.Tags); err != nil {
			return none, err
		}
		return none, statuspage.IncidentNotFound(p.id.Text)
	}
	return h.store.ReplaceIncident(r.Context(), p.id.N, p.report, r.Now)
}

// report reads an incident, but for a wrong isMaintenance, see checkMaintenance.
func report(f web.Fields) (statuspage.LegacyReport, error) {
	var r statuspage.LegacyReport
	var err error
	if r.Start, err = seconds(f, "startDatetime", errStart); err != nil {
		return r, err
	}
	if r.End, err = seconds(f, "endDatetime", errEnd); err != nil {
		return r, err
	}
	if r.Start != nil && r.End != nil && *r.End <= *r.Start {
		return r, errEnd
	}
	r.Title, _ = f.Text("title")
	if statuspage.TrimBlank(r.Title) == "" || statuspage.Length(r.Title) > statuspage.MaxTitle {
		return r, errTitle
	}
	if r.Tags, err = tags(f); err != nil {
		return r, err
	}
	if given(f, "body") {
		text, isText := f.Text("body")
		if r.Body = statuspage.TrimBlank(text); !isText || statuspage.Length(r.Body) > statuspage.MaxIncidentBody {
			return r, errBody
		}
	}
	if given(f, "impact") {
		text, _ := f.Text("impact")
		if r.Impact = statuspage.Impact(text); r.Impact != statuspage.Down && r.Impact != statuspage.Degraded {
			return r, errImpact
		}
	}
	r.Maintenance, r.Identified, r.Resolved = isTrue(f, "isMaintenance"), isTrue(f, "isIdentified"), isTrue(f, "isResolved")
	return r, nil
}

func tags(f web.Fields) ([]string, error) {
	elements, err := f.Array("tags", errTags)
	if err != nil || len(elements) == 0 || len(elements) > statuspage.MaxIncidentMonitors {
		return nil, errTags
	}
	tags := make([]string, len(elements))
	for n, raw := range elements {
		if web.KindOf(raw) != web.KindString {
			return nil, errTags
		}
		tags[n] = web.DecodeString(raw)
	}
	return tags, nil
}

// given reports whether an optional field says something: absent, null, "", 0
// and false are all the same.
func given(f web.Fields, name string) bool {
	switch f.Kind(name) {
	case web.KindAbsent, web.KindNull:
		return false
	case web.KindBool:
		return isTrue(f, name)
	case web.KindString:
		return web.DecodeString(f[name]) != ""
	case web.KindNumber:
		return web.ECMANumberOf(f[name]) != 0
	}
	return true
}

func isTrue(f web.Fields, name string) bool { return f.Kind(name) == web.KindBool && f[name][0] == 't' }

// seconds reads a time in whole UTC seconds; nil when it is not given.
func seconds(f web.Fields, name string, invalid error) (*int64, error) {
	if !given(f, name) {
		return nil, nil
	}
	n := math.NaN()
	if f.Kind(name) == web.KindNumber {
		n = web.ECMANumberOf(f[name])
	}
	if n != math.Trunc(n) || n < 1 || n > statuspage.MaxTimestamp {
		return nil, invalid
	}
	return new(int64(n)), nil
}

func (h incidents) progress(r *web.Request) (web.Creation[statuspage.LegacyIncident], error) {
	var c web.Creation[statuspage.LegacyIncident]
	f, err := web.DecodeBody(r.Content)
	if err != nil {
		return c, err
	}
	id, err := incidentID(r)
	if err != nil {
		return c, err
	}
	var p statuspage.LegacyProgress
	if f.Kind("isIdentified") != web.KindAbsent {
		p.Identified = new(isTrue(f, "isIdentified"))
	}
	if f.Kind("isResolved") != web.KindAbsent {
		p.Resolved = new(isTrue(f, "isResolved"))
	}
	if p.End, err = seconds(f, "endDatetime", errEnd); err != nil {
		return c, err
	}
	if !id.Exists() {
		c.Refused = statuspage.IncidentNotFound(id.Text)
	}
	c.Create = func(ctx context.Context, once *statuspage.Once[statuspage.LegacyIncident]) (statuspage.LegacyIncident, error) {
		return h.store.ProgressIncident(ctx, id.N, p, r.Now, once)
	}
	c.Answer = incidentAnswer
	return c, nil
}

func readSearch(r *web.Request) (statuspage.LegacyQuery, error) { return searchQuery(r.Query()) }

// search returns the page that is found: it has no cursor, so it must hold all.
func (h incidents) search(r *web.Request, q statuspage.LegacyQuery) (*web.Page, error) {
	found, err := h.store.SearchIncidents(r.Context(), q)
	if err != nil {
		return nil, err
	}
	p := r.Page("", q.Limit)
	for _, i := range found {
		if !p.Add(toIncidentJSON(i)) {
			return nil, errPerPage
		}
	}
	return p, nil
}

func showFound(_ *web.Request, p *web.Page) web.Answer { return web.JSON(http.StatusOK, p.List()) }

// searchQuery reads the filters of a search.
func searchQuery(q web.Query) (statuspage.LegacyQuery, error) {
	var l statuspage.LegacyQuery
	switch q.Get("state") {
	case "", "open":
	case "closed":
		l.Closed = true
	default:
		return l, errState
	}
	page, err := count(q, "page", 1)
	if err != nil {
		return l, err
	}
	if l.Limit, err = count(q, "per_page", perPage); err != nil {
		return l, err
	}
	l.Limit = min(l.Limit, maxPerPage)
	if l.From, err = bound(q, "created_after_utc", 0, math.Ceil); err != nil {
		return l, err
	}
	if l.To, err = bound(q, "created_before_utc", statuspage.MaxTimestamp, math.Floor); err != nil {
		return l, err
	}
	if page > maxSkipped/l.Limit {
		return l, statuspage.ErrSearchTooWide
	}
	l.Skip = (page - 1) * l.Limit
	l.Title = q.Get("title_like")
	if tags := q.Get("tags"); tags != "" {
		l.Tags = []string{}
		for tag := range strings.SplitSeq(tags, ",") {
			l.Tags = append(l.Tags, statuspage.TrimBlank(tag))
		}
	}
	return l, nil
}

// count reads a whole number from 1 on. One that is too large for an int becomes the
// largest int.
func count(q web.Query, name string, otherwise int) (int, error) {
	s := q.Get(name)
	if s == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(s)
	if strings.Trim(s, "0123456789") != "" || n < 1 || err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, bad("Invalid %s", name)
	}
	return n, nil
}

// bound reads a bound in UTC seconds and rounds it to whole ones within the
// times that there are.
func bound(q web.Query, name string, otherwise int64, round func(float64) float64) (int64, error) {
	s := q.Get(name)
	if s == "" {
		return otherwise, nil
	}
	n := web.ECMANumber(s)
	if statuspage.TrimBlank(s) == "" || !(math.Abs(n) <= maxTime) {
		return 0, bad("Invalid %s", name)
	}
	return int64(min(max(round(n), -1), statuspage.MaxTimestamp+1)), nil
}
