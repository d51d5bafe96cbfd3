package api

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"tocsin/internal/statuspage"
)

// The legacy API 1.0.0. Its rules are those of old clients that nobody will change
// (contract legacy 1.0.0), so they stand here, apart from v4's.

const (
	legacyStatusPath = "/api/status"
	legacyPerPage    = 10
	legacyMaxPerPage = 100
	legacyMaxSkipped = 10_000 // page × per_page
	legacyMaxTime    = 8.64e12
)

// The messages of the legacy API. That of a key that is none and that of an incident
// that is not there are in legacyError.
var (
	errLegacyStatus      = bad("status missing")
	errLegacyLatency     = bad("latency missing or not a number")
	errLegacySeconds     = bad("timestampInSeconds not a number")
	errLegacyFuture      = bad("timestampInSeconds is in future")
	errLegacyOld         = bad("timestampInSeconds is older than 90days")
	errLegacyTag         = bad("invalid tag")
	errLegacyNoTag       = bad("tag missing")
	errLegacyTimestamp   = bad("Invalid timestamp")
	errLegacyNumber      = bad("Invalid incidentNumber")
	errLegacyStart       = bad("Invalid startDatetime")
	errLegacyEnd         = bad("Invalid endDatetime")
	errLegacyTitle       = bad("Invalid title")
	errLegacyTags        = bad("Invalid tags")
	errLegacyBody        = bad("Invalid body")
	errLegacyImpact      = bad("Invalid impact")
	errLegacyMaintenance = bad("Invalid isMaintenance")
	errLegacyState       = bad("state must be open or closed")
	errLegacyPerPage     = bad("per_page is too large")
)

// legacyErrorJSON is an error of the legacy API.
type legacyErrorJSON struct {
	Error  string `json:"error"`
	Status int    `json:"status,omitempty"`
}

// legacyError is an error as the legacy API shows it: flat, and with the status where
// its clients know it.
func legacyError(r *request, shown errorBody, status int) legacyErrorJSON {
	e := legacyErrorJSON{Error: shown.Message}
	switch status {
	case http.StatusUnauthorized:
		e.Error = "invalid token"
	case http.StatusNotFound:
		e.Error = "incident not found"
	case http.StatusBadRequest:
		if r.Method == http.MethodPost && r.URL.Path == legacyStatusPath {
			e.Status = status
		}
	}
	return e
}

// legacyBearer is bearer for the legacy API: the scheme is "Bearer" in this case
// alone, and the key by itself will do.
func legacyBearer(headers []string) (secret string, err error) {
	secret = strings.TrimPrefix(strings.Join(headers, ","), "Bearer ")
	if !statuspage.ValidSecret(secret) {
		return "", errNoKey
	}
	return secret, nil
}

type legacyRecordedJSON struct {
	Status  int    `json:"status"`
	Message string `json:"message"`
}

// legacyPostStatus is POST /api/status.
func legacyPostStatus(s *service, r *request) (creation[int64], error) {
	var c creation[int64]
	f, err := decodeBody(r.body)
	if err != nil {
		return c, err
	}
	p, err := f.legacyPoint(r.now)
	if err != nil {
		return c, err
	}
	c.create = func(once *statuspage.Once[int64]) (int64, error) {
		err := s.store(r).RecordPoints(r.Context(), []statuspage.TaggedPoint{p}, r.now)[0]
		if err != nil {
			return 0, legacyTagError(err)
		}
		keepAfter(s, r, once, p.Time)
		return p.Time, nil
	}
	c.answer = func(at int64) answer {
		return ok(legacyRecordedJSON{http.StatusOK, fmt.Sprintf("success at %d", at)})
	}
	return c, nil
}

// legacyTagError is the error for a tag without a monitor.
func legacyTagError(err error) error {
	if shown, ok := errors.AsType[*statuspage.Error](err); ok && shown.Code == statuspage.CodeNotFound {
		return errLegacyTag
	}
	return err
}

// legacyPoint reads the status of a monitor at now (UTC seconds).
func (f fields) legacyPoint(now int64) (statuspage.TaggedPoint, error) {
	p := statuspage.TaggedPoint{Point: statuspage.Point{Time: statuspage.FloorMinute(now), Source: statuspage.SourceProbe}}
	status, _ := f.text("status")
	if p.Status = statuspage.Status(status); !statuspage.ValidStatus(p.Status) {
		return p, errLegacyStatus
	}
	var err error
	if p.Latency, err = f.legacyLatency(); err != nil {
		return p, err
	}
	if f.kind("timestampInSeconds") != kindAbsent {
		seconds := ecmaNumberOf(f["timestampInSeconds"])
		this := p.Time
		switch {
		case math.IsNaN(seconds):
			return p, errLegacySeconds
		case seconds >= float64(this+60):
			return p, errLegacyFuture
		case seconds <= -legacyMaxTime:
			return p, errLegacyOld
		}
		p.Time = statuspage.FloorMinute(int64(seconds))
		if this-p.Time > maxPointAge {
			return p, errLegacyOld
		}
	}
	if p.Tag, _ = f.text("tag"); p.Tag == "" {
		return p, errLegacyTag
	}
	return p, nil
}

// legacyLatency reads a latency: a number or a string that reads as one. Null and a
// blank string are none.
func (f fields) legacyLatency() (*float64, error) {
	const name = "latency"
	n := math.NaN()
	switch f.kind(name) {
	case kindNull:
		return nil, nil
	case kindString:
		text := decodeString(f[name])
		if statuspage.TrimBlank(text) == "" {
			return nil, nil
		}
		n = ecmaNumber(text)
	case kindNumber:
		n = ecmaNumberOf(f[name])
	}
	if math.IsNaN(n) {
		return nil, errLegacyLatency
	}
	if n == 0 {
		n = 0 // and not -0
	}
	return new(min(max(n, -statuspage.MaxLatency), statuspage.MaxLatency)), nil
}

type legacyStatusJSON struct {
	Status  *string `json:"status"`
	Uptime  string  `json:"uptime"`
	Updated *int64  `json:"lastUpdatedAt"`
}

// legacyGetStatus is GET /api/status.
func legacyGetStatus(s *service, r *request) (answer, error) {
	params := queryOf(r)
	tag := params.Get("tag")
	if tag == "" {
		return answer{}, errLegacyNoTag
	}
	until := r.now
	if params.Has("timestamp") {
		text := params.Get("timestamp")
		seconds := ecmaNumber(text)
		if statuspage.TrimBlank(text) == "" || math.IsNaN(seconds) {
			return answer{}, errLegacyTimestamp
		}
		// Nothing was ever before or will be after these.
		until = int64(min(max(math.Floor(seconds), 0), statuspage.MaxTimestamp))
	}
	m, totals, newest, err := s.store(r).DaySoFar(r.Context(), tag, until, r.now)
	if err != nil {
		return answer{}, legacyTagError(err)
	}
	shown := legacyStatusJSON{Uptime: statuspage.LegacyUptime(totals, m.CountsDegradedAsDown())}
	if newest != nil {
		shown.Status, shown.Updated = new(string(newest.Status)), &newest.Time
	}
	return ok(shown), nil
}

// legacyIncidentJSON is an incident of the legacy API, its fields in the order that
// its clients know.
type legacyIncidentJSON struct {
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

func toLegacyJSON(i statuspage.LegacyIncident) legacyIncidentJSON {
	shown := legacyIncidentJSON{
		Created: i.Created, Closed: i.Closed, Title: i.Title, Tags: i.LegacyTags(), Number: i.ID,
		Start: i.LegacyStart(), End: i.LegacyEnd(), Body: i.Body,
		Maintenance: i.Legacy.Maintenance, Identified: i.IsIdentified(), Resolved: i.State == statuspage.Resolved,
	}
	if impact := i.LegacyImpact(); impact != "" {
		shown.Impact = new(string(impact))
	}
	return shown
}

func legacyIncidentAnswer(i statuspage.LegacyIncident) answer { return ok(toLegacyJSON(i)) }

// legacyID reads an incident's number. What is a number to ECMAScript and not written
// as an id, such as 1.5 or 0x1, is one that no incident has.
func legacyID(r *request) (pathID, error) {
	segment := r.PathValue("incidentNumber")
	id, err := parseID(segment, errLegacyNumber)
	if err != nil && !math.IsNaN(ecmaNumber(segment)) {
		return pathID{text: segment}, nil
	}
	return id, err
}

// legacyGetIncident is GET /api/incident/{incidentNumber}.
func legacyGetIncident(s *service, r *request) (answer, error) {
	id, err := legacyID(r)
	if err != nil || !id.exists() {
		return answer{}, statuspage.IncidentNotFound(id.text)
	}
	i, err := s.store(r).LegacyIncident(r.Context(), id.n)
	if err != nil {
		return answer{}, err
	}
	return legacyIncidentAnswer(i), nil
}

// legacyCreateIncident is POST /api/incident.
func legacyCreateIncident(s *service, r *request) (creation[statuspage.LegacyIncident], error) {
	var c creation[statuspage.LegacyIncident]
	f, err := decodeBody(r.body)
	if err != nil {
		return c, err
	}
	report, err := f.legacyReport()
	if err != nil {
		return c, err
	}
	c.create = func(once *statuspage.Once[statuspage.LegacyIncident]) (statuspage.LegacyIncident, error) {
		if err := s.checkMaintenance(r, f, report); err != nil {
			return statuspage.LegacyIncident{}, err
		}
		return s.store(r).ReportIncident(r.Context(), report, r.now, once)
	}
	c.answer = legacyIncidentAnswer
	return c, nil
}

// checkMaintenance returns the error for a flag that is none. The tags are looked up
// first then, because they come before it in the order of checks.
func (s *service) checkMaintenance(r *request, f fields, report statuspage.LegacyReport) error {
	if !f.legacyGiven("isMaintenance") || f.kind("isMaintenance") == kindBool {
		return nil
	}
	if err := s.store(r).CheckTags(r.Context(), report.Tags); err != nil {
		return err
	}
	return errLegacyMaintenance
}

// legacyUpdateIncident is PATCH /api/incident/{incidentNumber}. It replaces the
// incident.
func legacyUpdateIncident(s *service, r *request) (answer, error) {
	f, err := decodeBody(r.body)
	if err != nil {
		return answer{}, err
	}
	id, err := legacyID(r)
	if err != nil {
		return answer{}, err
	}
	report, err := f.legacyReport()
	if err != nil {
		return answer{}, err
	}
	if err := s.checkMaintenance(r, f, report); err != nil {
		return answer{}, err
	}
	if !id.exists() {
		if err := s.store(r).CheckTags(r.Context(), report.Tags); err != nil {
			return answer{}, err
		}
		return answer{}, statuspage.IncidentNotFound(id.text)
	}
	i, err := s.store(r).ReplaceIncident(r.Context(), id.n, report, r.now)
	if err != nil {
		return answer{}, err
	}
	return legacyIncidentAnswer(i), nil
}

// legacyReport reads an incident, but for a wrong isMaintenance, see checkMaintenance.
func (f fields) legacyReport() (statuspage.LegacyReport, error) {
	var r statuspage.LegacyReport
	var err error
	if r.Start, err = f.legacyTime("startDatetime", errLegacyStart); err != nil {
		return r, err
	}
	if r.End, err = f.legacyTime("endDatetime", errLegacyEnd); err != nil {
		return r, err
	}
	if r.Start != nil && r.End != nil && *r.End <= *r.Start {
		return r, errLegacyEnd
	}
	r.Title, _ = f.text("title")
	if statuspage.TrimBlank(r.Title) == "" || statuspage.Length(r.Title) > statuspage.MaxTitle {
		return r, errLegacyTitle
	}
	if r.Tags, err = f.legacyTags(); err != nil {
		return r, err
	}
	if f.legacyGiven("body") {
		text, isText := f.text("body")
		if r.Body = statuspage.TrimBlank(text); !isText || statuspage.Length(r.Body) > statuspage.MaxIncidentBody {
			return r, errLegacyBody
		}
	}
	if f.legacyGiven("impact") {
		text, _ := f.text("impact")
		if r.Impact = statuspage.Impact(text); r.Impact != statuspage.Down && r.Impact != statuspage.Degraded {
			return r, errLegacyImpact
		}
	}
	r.Maintenance, r.Identified, r.Resolved = f.legacyTrue("isMaintenance"), f.legacyTrue("isIdentified"), f.legacyTrue("isResolved")
	return r, nil
}

func (f fields) legacyTags() ([]string, error) {
	elements, err := f.array("tags", errLegacyTags)
	if err != nil || len(elements) == 0 || len(elements) > statuspage.MaxIncidentMonitors {
		return nil, errLegacyTags
	}
	tags := make([]string, len(elements))
	for n, raw := range elements {
		if kindOf(raw) != kindString {
			return nil, errLegacyTags
		}
		tags[n] = decodeString(raw)
	}
	return tags, nil
}

// legacyGiven reports whether an optional field says something: absent, null, "", 0
// and false are all the same.
func (f fields) legacyGiven(name string) bool {
	switch f.kind(name) {
	case kindAbsent, kindNull:
		return false
	case kindBool:
		return f.legacyTrue(name)
	case kindString:
		return decodeString(f[name]) != ""
	case kindNumber:
		return ecmaNumberOf(f[name]) != 0
	}
	return true
}

func (f fields) legacyTrue(name string) bool { return f.kind(name) == kindBool && f[name][0] == 't' }

// legacyTime reads a time in whole UTC seconds; nil when it is not given.
func (f fields) legacyTime(name string, invalid error) (*int64, error) {
	if !f.legacyGiven(name) {
		return nil, nil
	}
	n := math.NaN()
	if f.kind(name) == kindNumber {
		n = ecmaNumberOf(f[name])
	}
	if n != math.Trunc(n) || n < 1 || n > statuspage.MaxTimestamp {
		return nil, invalid
	}
	return new(int64(n)), nil
}

// legacyProgressIncident is POST /api/incident/{incidentNumber}/status.
func legacyProgressIncident(s *service, r *request) (creation[statuspage.LegacyIncident], error) {
	var c creation[statuspage.LegacyIncident]
	f, err := decodeBody(r.body)
	if err != nil {
		return c, err
	}
	id, err := legacyID(r)
	if err != nil {
		return c, err
	}
	var p statuspage.LegacyProgress
	if f.kind("isIdentified") != kindAbsent {
		p.Identified = new(f.legacyTrue("isIdentified"))
	}
	if f.kind("isResolved") != kindAbsent {
		p.Resolved = new(f.legacyTrue("isResolved"))
	}
	if p.End, err = f.legacyTime("endDatetime", errLegacyEnd); err != nil {
		return c, err
	}
	c.create = func(once *statuspage.Once[statuspage.LegacyIncident]) (statuspage.LegacyIncident, error) {
		if !id.exists() {
			return statuspage.LegacyIncident{}, statuspage.IncidentNotFound(id.text)
		}
		return s.store(r).ProgressIncident(r.Context(), id.n, p, r.now, once)
	}
	c.answer = legacyIncidentAnswer
	return c, nil
}

// legacySearch is GET /api/incident.
func legacySearch(s *service, r *request) (answer, error) {
	q, err := queryOf(r).legacySearch()
	if err != nil {
		return answer{}, err
	}
	found, err := s.store(r).SearchIncidents(r.Context(), q)
	if err != nil {
		return answer{}, err
	}
	p := page{limit: q.Limit}
	for _, i := range found {
		if !p.add(toLegacyJSON(i)) {
			return answer{}, errLegacyPerPage
		}
	}
	return ok(slices.Concat([]byte("["), p.items.Bytes(), []byte("]"))), nil
}

// legacySearch reads the filters of a search.
func (q query) legacySearch() (statuspage.LegacyQuery, error) {
	var l statuspage.LegacyQuery
	switch q.Get("state") {
	case "", "open":
	case "closed":
		l.Closed = true
	default:
		return l, errLegacyState
	}
	page, err := q.legacyCount("page", 1)
	if err != nil {
		return l, err
	}
	if l.Limit, err = q.legacyCount("per_page", legacyPerPage); err != nil {
		return l, err
	}
	l.Limit = min(l.Limit, legacyMaxPerPage)
	if l.From, err = q.legacyBound("created_after_utc", 0, math.Ceil); err != nil {
		return l, err
	}
	if l.To, err = q.legacyBound("created_before_utc", statuspage.MaxTimestamp, math.Floor); err != nil {
		return l, err
	}
	if page > legacyMaxSkipped/l.Limit {
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

// legacyCount reads a number from 1 on. One that is too large for an int is as large
// as that can be.
func (q query) legacyCount(name string, otherwise int) (int, error) {
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

// legacyBound reads a bound in UTC seconds and rounds it to whole ones within the
// times that there are.
func (q query) legacyBound(name string, otherwise int64, round func(float64) float64) (int64, error) {
	s := q.Get(name)
	if s == "" {
		return otherwise, nil
	}
	n := ecmaNumber(s)
	if statuspage.TrimBlank(s) == "" || !(math.Abs(n) <= legacyMaxTime) {
		return 0, bad("Invalid %s", name)
	}
	return int64(min(max(round(n), -1), statuspage.MaxTimestamp+1)), nil
}

type legacyCommentJSON struct {
	ID      int64  `json:"commentID"`
	Body    string `json:"body"`
	Created int64  `json:"createdAt"`
}

func toLegacyCommentJSON(c statuspage.Comment) legacyCommentJSON {
	return legacyCommentJSON{c.ID, c.Text, c.Created}
}

// legacyListComments is GET /api/incident/{incidentNumber}/comment. There is no
// paging: of more than fits the newest are shown.
func legacyListComments(s *service, r *request) (answer, error) {
	id, err := legacyID(r)
	if err != nil {
		return answer{}, err
	}
	if !id.exists() {
		return answer{}, statuspage.IncidentNotFound(id.text)
	}
	shown := []legacyCommentJSON{}
	p := page{limit: math.MaxInt}
	err = s.store(r).Notes(r.Context(), id.n, func(c statuspage.Comment) bool {
		note := toLegacyCommentJSON(c)
		if !p.add(note) {
			return false
		}
		shown = append(shown, note)
		return true
	})
	if err != nil {
		return answer{}, err
	}
	slices.Reverse(shown)
	return ok(shown), nil
}

// legacyCreateComment is POST /api/incident/{incidentNumber}/comment.
func legacyCreateComment(s *service, r *request) (creation[statuspage.Comment], error) {
	var c creation[statuspage.Comment]
	id, err := legacyID(r)
	if err != nil {
		return c, err
	}
	f, err := decodeBody(r.body)
	if err != nil {
		return c, err
	}
	text, _ := f.text("body")
	if statuspage.TrimBlank(text) == "" || statuspage.Length(text) > statuspage.MaxComment {
		return c, errLegacyBody
	}
	c.create = func(once *statuspage.Once[statuspage.Comment]) (statuspage.Comment, error) {
		if !id.exists() {
			return statuspage.Comment{}, statuspage.IncidentNotFound(id.text)
		}
		return s.store(r).AddNote(r.Context(), id.n, text, r.now, once)
	}
	c.answer = func(made statuspage.Comment) answer { return ok(toLegacyCommentJSON(made)) }
	return c, nil
}
