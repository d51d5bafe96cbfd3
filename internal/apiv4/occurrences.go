package apiv4

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"tocsin/internal/statuspage"
	"tocsin/internal/web"
)

// OccurrenceStore keeps the occurrences of maintenances.
type OccurrenceStore interface {
	// Occurrence returns an occurrence of the maintenance, or MaintenanceNotFound or
	// OccurrenceNotFound.
	Occurrence(ctx context.Context, maintenanceID, id int64) (statuspage.Occurrence, error)

	// Occurrences lists the occurrences that match at now, by start, then id.
	Occurrences(ctx context.Context, q statuspage.OccurrenceQuery, now int64) (statuspage.OccurrenceList, error)

	// OccurrencesOf is Occurrences for those of one maintenance, without their total. It
	// returns MaintenanceNotFound.
	OccurrencesOf(ctx context.Context, maintenanceID int64, q statuspage.OccurrenceQuery, now int64) (statuspage.OccurrenceList, error)

	// UpdateOccurrence applies the patch. It returns MaintenanceNotFound, OccurrenceNotFound,
	// ErrOccurrenceChanged when the occurrence is not as expected, the error of
	// Occurrence.Patched, or ErrMaintenanceGrown, in this order.
	UpdateOccurrence(ctx context.Context, maintenanceID, id int64, p statuspage.OccurrencePatch, now int64, expected statuspage.OccurrencePrecondition) (statuspage.Occurrence, error)

	// DeleteOccurrence removes the occurrence, which is not made again. It returns
	// MaintenanceNotFound, OccurrenceNotFound, ErrOccurrenceChanged when the occurrence is not
	// as expected, or ErrMaintenanceGrown, in this order.
	DeleteOccurrence(ctx context.Context, maintenanceID, id, now int64, expected statuspage.OccurrencePrecondition) error
}

type occurrences struct{ store OccurrenceStore }

// Occurrences returns the routes of the occurrences of maintenances, which are events to
// clients.
func Occurrences(store OccurrenceStore) []web.Route {
	h := occurrences{store}
	return []web.Route{
		{Group: web.Incidents, Path: "/api/v4/maintenances/events", Methods: []web.Method{
			web.GET(statuspage.ScopeIncidentsRead, web.Acts(readOccurrenceQuery, h.all, asAnswered)),
		}},
		{Group: web.Incidents, Path: "/api/v4/maintenances/{maintenance_id}/events", Methods: []web.Method{
			web.GET(statuspage.ScopeIncidentsRead, web.Acts(readOccurrencesOf, h.of, asAnswered)),
		}},
		{Group: web.Incidents, Path: "/api/v4/maintenances/{maintenance_id}/events/{event_id}", Methods: []web.Method{
			web.GET(statuspage.ScopeIncidentsRead, web.Acts(ofMaintenance, h.get, showOccurrence)),
			web.PATCH(statuspage.ScopeIncidentsWrite, web.Acts(readOccurrencePatch, h.update, showOccurrence)),
			web.DELETE(statuspage.ScopeIncidentsWrite, web.Acts(ofMaintenance, h.remove, showOccurrenceGone)),
		}},
	}
}

var (
	errNoOccurrence       = &statuspage.Error{Code: statuspage.CodeNotFound, Message: "Event not found"}
	errOccurrenceBoth     = bad("Cannot update status and start/end times in the same request")
	errOccurrenceState    = bad("status must be COMPLETED or CANCELLED")
	errEndRequired        = bad("end_date_time is required")
	errEndNotAfter        = bad("end_date_time must be after start_date_time")
	errOccurrencesTooMuch = bad("The events do not fit into one answer: ask for them with a lower limit")
)

const (
	occurrenceCursor       = "e"
	defaultOccurrenceLimit = 20
	maxOccurrenceLimit     = 100
)

// occurrencePage is a page of a list of occurrences: which one, and its parameters, which
// count as in Kener, where what is none is passed over.
type occurrencePage struct {
	maintenance int64 // 0: of the list of all
	page        int64
	query       statuspage.OccurrenceQuery
}

func readOccurrencePage(params web.Query) (p occurrencePage, err error) {
	p.page = 1
	if n, ok := parseInt(params.Get("page")); ok {
		p.page = max(1, n)
	}
	limit := int64(defaultOccurrenceLimit)
	if n, ok := parseInt(params.Get("limit")); ok && n != 0 {
		limit = min(maxOccurrenceLimit, max(1, n))
	}
	p.query.Limit = int(limit)
	p.query.Skip = int(min(p.page-1, statuspage.MaxOccurrencesCounted) * limit)
	start, id, err := params.TimeCursor(occurrenceCursor)
	if id != 0 {
		p.query.After = &statuspage.OccurrencePosition{Start: start, ID: id}
	}
	return p, err
}

// parseInt is the whole number that a text begins with, as ECMAScript's parseInt reads it,
// within MaxID; false when it begins with none.
func parseInt(s string) (int64, bool) {
	s = statuspage.TrimBlank(s)
	digits := strings.TrimLeft(s, "+-")
	if len(s)-len(digits) > 1 {
		return 0, false
	}
	digits = digits[:len(digits)-len(strings.TrimLeft(digits, "0123456789"))]
	if digits == "" {
		return 0, false
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n > statuspage.MaxID {
		n = statuspage.MaxID
	}
	if s[0] == '-' {
		n = -n
	}
	return n, true
}

func readOccurrenceQuery(r *web.Request) (occurrencePage, error) {
	params := r.Query()
	p, err := readOccurrencePage(params)
	if err != nil {
		return p, err
	}
	p.query.From = r.Now
	if t, ok := parseInt(params.Get("event_start_date_time")); ok {
		p.query.From = max(0, statuspage.FloorMinute(t))
	}
	state := statuspage.OccurrenceState(strings.ToUpper(params.Get("event_status")))
	if statuspage.ValidOccurrenceState(state) {
		p.query.State = state
	}
	p.query.MaintenanceID, _ = parseInt(params.Get("maintenance_id"))
	p.query.Tags, err = filterTags(params, "monitors")
	return p, err
}

func readOccurrencesOf(r *web.Request) (occurrencePage, error) {
	id, err := web.ParseID(r.PathValue("maintenance_id"), errMaintenanceID)
	if err != nil {
		return occurrencePage{}, err
	}
	p, err := readOccurrencePage(r.Query())
	if err == nil && !id.Exists() {
		err = statuspage.MaintenanceNotFound(id.Text)
	}
	p.maintenance = id.N
	return p, err
}

func (h occurrences) all(r *web.Request, p occurrencePage) (web.Answer, error) {
	list, err := h.store.Occurrences(r.Context(), p.query, r.Now)
	if err != nil {
		return web.Answer{}, err
	}
	return p.answer(r, list, &list.Total, func(o statuspage.ListedOccurrence) any { return toListedJSON(r, o) })
}

func (h occurrences) of(r *web.Request, p occurrencePage) (web.Answer, error) {
	list, err := h.store.OccurrencesOf(r.Context(), p.maintenance, p.query, r.Now)
	if err != nil {
		return web.Answer{}, err
	}
	return p.answer(r, list, nil, func(o statuspage.ListedOccurrence) any { return toOccurrenceJSON(r, o.Occurrence) })
}

// answer shows the page, with the total if there is one.
func (p occurrencePage) answer(r *web.Request, list statuspage.OccurrenceList, total *int, show func(statuspage.ListedOccurrence) any) (web.Answer, error) {
	events := r.Page("events", p.query.Limit)
	for _, o := range list.Found {
		if !events.Add(show(o)) {
			return web.Answer{}, errOccurrencesTooMuch
		}
	}
	next := ""
	if list.Next != nil {
		next = web.EncodeCursor(occurrenceCursor, list.Next.Start, list.Next.ID)
	}
	return web.OK(struct {
		Events json.RawMessage `json:"events"`
		Page   int64           `json:"page"`
		Limit  int             `json:"limit"`
		Total  *int            `json:"total,omitempty"`
		Next   string          `json:"next_cursor,omitempty"`
	}{events.List(), p.page, p.query.Limit, total, next}), nil
}

func asAnswered(_ *web.Request, a web.Answer) web.Answer { return a }

// occurrencePath is the ids of an occurrence's path.
type occurrencePath struct{ maintenance, event web.PathID }

func readOccurrencePath(r *web.Request) (p occurrencePath, err error) {
	if p.maintenance, err = web.ParseID(r.PathValue("maintenance_id"), errMaintenanceID); err != nil {
		return p, err
	}
	p.event, err = web.ParseID(r.PathValue("event_id"), errNoOccurrence)
	return p, err
}

// ofMaintenance reads the path of an occurrence whose maintenance can exist.
func ofMaintenance(r *web.Request) (occurrencePath, error) {
	p, err := readOccurrencePath(r)
	if err == nil && !p.maintenance.Exists() {
		err = statuspage.MaintenanceNotFound(p.maintenance.Text)
	}
	return p, err
}

// worded is the store's error in the words of the path. It is asked for an id that none can
// have as well, so that a missing maintenance is the first error.
func (p occurrencePath) worded(err error) error {
	if !p.event.Exists() && errors.Is(err, statuspage.OccurrenceNotFound(p.event.N)) {
		return statuspage.OccurrenceNotFound(p.event.Text)
	}
	return err
}

func (h occurrences) get(r *web.Request, p occurrencePath) (statuspage.Occurrence, error) {
	o, err := h.store.Occurrence(r.Context(), p.maintenance.N, p.event.N)
	return o, p.worded(err)
}

// occurrencePatch is what a PATCH changes, and of which occurrence.
type occurrencePatch struct {
	path occurrencePath
	statuspage.OccurrencePatch
}

func readOccurrencePatch(r *web.Request) (p occurrencePatch, err error) {
	if p.path, err = readOccurrencePath(r); err != nil {
		return p, err
	}
	f, err := web.DecodeBody(r.Content)
	if err != nil {
		return p, err
	}
	if p.OccurrencePatch, err = decodeOccurrencePatch(f); err != nil {
		return p, err
	}
	if !p.path.maintenance.Exists() {
		err = statuspage.MaintenanceNotFound(p.path.maintenance.Text)
	}
	return p, err
}

// decodeOccurrencePatch reads either a state or both times.
func decodeOccurrencePatch(f web.Fields) (p statuspage.OccurrencePatch, err error) {
	start, end := f.Kind("start_date_time"), f.Kind("end_date_time")
	if f.Kind("status") != web.KindAbsent {
		if start != web.KindAbsent || end != web.KindAbsent {
			return p, errOccurrenceBoth
		}
		state, _ := f.Text("status")
		p.State = statuspage.OccurrenceState(state)
		if p.State != statuspage.Completed && p.State != statuspage.Cancelled {
			return p, errOccurrenceState
		}
		return p, nil
	}
	if start == web.KindAbsent || start == web.KindNull {
		return p, errStartRequired
	}
	if end == web.KindAbsent || end == web.KindNull {
		return p, errEndRequired
	}
	if p.Start, err = f.Timestamp("start_date_time"); err != nil {
		return p, err
	}
	if p.End, err = f.Timestamp("end_date_time"); err != nil {
		return p, err
	}
	if p.End <= p.Start {
		return p, errEndNotAfter
	}
	return p, nil
}

func (h occurrences) update(r *web.Request, p occurrencePatch) (statuspage.Occurrence, error) {
	o, err := h.store.UpdateOccurrence(r.Context(), p.path.maintenance.N, p.path.event.N, p.OccurrencePatch, r.Now, expectedOccurrence(r))
	return o, p.path.worded(err)
}

func (h occurrences) remove(r *web.Request, p occurrencePath) (id int64, err error) {
	err = h.store.DeleteOccurrence(r.Context(), p.maintenance.N, p.event.N, r.Now, expectedOccurrence(r))
	return p.event.N, p.worded(err)
}

func expectedOccurrence(r *web.Request) statuspage.OccurrencePrecondition {
	return ifMatch(r, func(o statuspage.Occurrence) string { return toOccurrenceJSON(r, o).etag() })
}

// occurrenceJSON is an occurrence (docs/api.md, Maintenances).
type occurrenceJSON struct {
	ID            int64  `json:"id"`
	MaintenanceID int64  `json:"maintenance_id"`
	Start         int64  `json:"start_date_time"`
	End           int64  `json:"end_date_time"`
	State         string `json:"status"`
	Created       string `json:"created_at"`
	Updated       string `json:"updated_at"`
	URL           string `json:"url"`
}

func toOccurrenceJSON(r *web.Request, o statuspage.Occurrence) occurrenceJSON {
	return occurrenceJSON{
		ID: o.ID, MaintenanceID: o.MaintenanceID, Start: o.Start, End: o.End, State: string(o.State(r.Now)),
		Created: web.ISOTime(o.Created), Updated: web.ISOTime(o.Updated), URL: maintenanceURL(r.Site(), o.ID),
	}
}

// etag is the entity tag of the occurrence as one is shown, so it is another one when the
// clock changes the state: who completes what has not begun, or moves what is on, is told so.
func (o occurrenceJSON) etag() string {
	o.URL = ""
	return entityTag(o)
}

// listedJSON is an occurrence with its maintenance, in the list of all.
type listedJSON struct {
	MaintenanceID int64           `json:"maintenance_id"`
	ID            int64           `json:"event_id"`
	Start         int64           `json:"event_start_date_time"`
	End           int64           `json:"event_end_date_time"`
	State         string          `json:"event_status"`
	Title         string          `json:"maintenance_title"`
	Description   *string         `json:"maintenance_description"`
	Status        string          `json:"maintenance_status"`
	Rule          string          `json:"maintenance_rrule"`
	TimeZone      string          `json:"maintenance_time_zone,omitempty"`
	Duration      int64           `json:"maintenance_duration_seconds"`
	Monitors      []monitorImpact `json:"monitors"`
	URL           string          `json:"url"`
}

func toListedJSON(r *web.Request, o statuspage.ListedOccurrence) listedJSON {
	m := o.Maintenance
	return listedJSON{
		MaintenanceID: m.ID, ID: o.ID, Start: o.Start, End: o.End, State: string(o.State(r.Now)),
		Title: m.Title, Description: m.Description, Status: string(m.Status), Rule: m.Rule, TimeZone: m.TimeZone, Duration: m.Duration,
		Monitors: toImpacts(m.Monitors), URL: maintenanceURL(r.Site(), o.ID),
	}
}

// showOccurrence shows one occurrence, with the tag that If-Match is compared with.
func showOccurrence(r *web.Request, o statuspage.Occurrence) web.Answer {
	shown := toOccurrenceJSON(r, o)
	a := web.One(http.StatusOK, "event", shown)
	a.ETag = shown.etag()
	return a
}

func showOccurrenceGone(_ *web.Request, id int64) web.Answer {
	return web.Message("Event with id '%d' deleted successfully", id)
}
