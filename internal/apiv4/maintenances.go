package apiv4

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"tocsin/internal/opt"
	"tocsin/internal/recurrence"
	"tocsin/internal/statuspage"
	"tocsin/internal/web"
)

// MaintenanceStore keeps maintenances.
type MaintenanceStore interface {
	// Maintenance returns the maintenance, or MaintenanceNotFound.
	Maintenance(ctx context.Context, id int64) (statuspage.Maintenance, error)

	// Maintenances lists the maintenances that match, by falling id.
	Maintenances(ctx context.Context, q statuspage.MaintenanceQuery, take func(statuspage.Maintenance) bool) (after int64, err error)

	// CreateMaintenance makes an ACTIVE maintenance with the occurrences that are due. It
	// returns the error of Schedule.Check, or UnknownMonitor for a tag without a monitor.
	CreateMaintenance(ctx context.Context, n statuspage.NewMaintenance, now int64, once *statuspage.Once[statuspage.Maintenance]) (statuspage.Maintenance, error)

	// UpdateMaintenance applies the patch and makes the occurrences that are due then. It
	// returns MaintenanceNotFound, UnknownMonitor, ErrMaintenanceChanged when the
	// maintenance is not as expected, the error of Schedule.Check,
	// ErrMaintenanceGrown or ErrMaintenanceChangeLarge, in this order.
	UpdateMaintenance(ctx context.Context, id int64, p statuspage.MaintenancePatch, now int64, expected statuspage.MaintenancePrecondition) (statuspage.Maintenance, error)

	// DeleteMaintenance removes the maintenance with its occurrences. From its return on
	// nothing of it counts or can be asked for by its id, also when a crash leaves rows
	// behind, which Cleanup removes. It returns MaintenanceNotFound, or
	// ErrMaintenanceChanged when the maintenance is not as expected.
	DeleteMaintenance(ctx context.Context, id int64, now int64, expected statuspage.MaintenancePrecondition) error
}

type maintenances struct{ store MaintenanceStore }

// Maintenances returns the routes of maintenances.
func Maintenances(store MaintenanceStore) []web.Route {
	h := maintenances{store}
	id := web.Existing("maintenance_id", errMaintenanceID, statuspage.MaintenanceNotFound[string])
	return []web.Route{
		{Group: web.Incidents, Path: "/api/v4/maintenances", Methods: []web.Method{
			web.GET(statuspage.ScopeIncidentsRead, h.list()),
			web.POST(statuspage.ScopeIncidentsWrite, web.Creates(h.create)),
		}},
		{Group: web.Incidents, Path: "/api/v4/maintenances/{maintenance_id}", Methods: []web.Method{
			web.GET(statuspage.ScopeIncidentsRead, web.Gets(id, store.Maintenance, showMaintenance)),
			web.PATCH(statuspage.ScopeIncidentsWrite, web.Acts(readMaintenancePatch, h.update, showMaintenance)),
			web.DELETE(statuspage.ScopeIncidentsWrite, web.Deletes(id, h.remove, "Maintenance with id '%d' deleted successfully")),
		}},
	}
}

var (
	errMaintenanceID       = bad("Maintenance ID must be a valid integer")
	errMaintenanceTitle    = bad("title is required and must be a non-empty string")
	errMaintenanceNoTitle  = bad("title must be a non-empty string")
	errMaintenanceLong     = bad("title must be at most %d characters", statuspage.MaxMaintenanceTitle)
	errRuleRequired        = bad("rrule is required and must be a non-empty string")
	errRuleEmpty           = bad("rrule must be a non-empty string")
	errRuleLong            = bad("rrule must be at most %d bytes", statuspage.MaxRule)
	errRule                = bad("rrule is not a valid iCalendar RRULE string")
	errDurationRequired    = bad("duration_seconds is required")
	errDuration            = bad("duration_seconds must be a positive number")
	errDurationRange       = bad("duration_seconds must be between 1 and %d", statuspage.MaxDuration)
	errMaintenanceStatus   = bad("status must be 'ACTIVE' or 'INACTIVE'")
	errMaintenanceText     = bad("description must be at most %d characters", statuspage.MaxMaintenanceText)
	errTimeZone            = bad("time_zone must be the name of a time zone such as Europe/Berlin, or null")
	errMaintenanceMonitors = bad("At most %d monitors", statuspage.MaxMaintenanceMonitors)
)

const maintenanceCursor = "mt"

func (h maintenances) list() web.Handler {
	return web.List[statuspage.MaintenanceQuery, statuspage.Maintenance, int64]{
		Name: "maintenances",
		Query: func(r *web.Request) (q statuspage.MaintenanceQuery, limit int, err error) {
			params := r.Query()
			q.Tag = params.Get("monitor_tag")
			if s := statuspage.MaintenanceStatus(params.Get("status")); statuspage.ValidMaintenanceStatus(s) {
				q.Status = s
			}
			q.Limit, q.After, err = params.Page(maintenanceCursor)
			return q, q.Limit, err
		},
		Read:   h.store.Maintenances,
		Show:   func(r *web.Request, m statuspage.Maintenance) any { return toMaintenanceJSON(m, r.Site()) },
		Cursor: web.IDCursor(maintenanceCursor),
	}.Handler()
}

func (h maintenances) create(r *web.Request) (web.Creation[statuspage.Maintenance], error) {
	var c web.Creation[statuspage.Maintenance]
	f, err := web.DecodeBody(r.Content)
	if err != nil {
		return c, err
	}
	n, err := newMaintenance(f)
	if err != nil {
		return c, err
	}
	c.Create = func(ctx context.Context, once *statuspage.Once[statuspage.Maintenance]) (statuspage.Maintenance, error) {
		return h.store.CreateMaintenance(ctx, n, r.Now, once)
	}
	c.Answer = func(m statuspage.Maintenance) web.Answer { return maintenanceAnswer(r, http.StatusCreated, m) }
	return c, nil
}

// newMaintenance checks what Kener checks first, in its order.
func newMaintenance(f web.Fields) (n statuspage.NewMaintenance, err error) {
	if n.Title, err = f.Trimmed("title", statuspage.MaxMaintenanceTitle, errMaintenanceTitle, errMaintenanceLong); err != nil {
		return n, err
	}
	if k := f.Kind("start_date_time"); k == web.KindAbsent || k == web.KindNull {
		return n, errStartRequired
	}
	if n.Start, err = f.Timestamp("start_date_time"); err != nil {
		return n, err
	}
	if n.Rule, err = rrule(f, errRuleRequired); err != nil {
		return n, err
	}
	if k := f.Kind("duration_seconds"); k == web.KindAbsent || k == web.KindNull {
		return n, errDurationRequired
	}
	if n.Duration, err = duration(f); err != nil {
		return n, err
	}
	linked, err := links(f, statuspage.MaxMaintenanceMonitors, errMaintenanceMonitors, maintenanceImpact)
	if err != nil {
		return n, err
	}
	n.Monitors = linked.Or(nil)
	description, err := maintenanceText(f)
	if err != nil {
		return n, err
	}
	if description.Or("") != "" {
		n.Description = description.Ptr(nil)
	}
	zone, err := timeZone(f)
	if err != nil {
		return n, err
	}
	n.TimeZone = zone.Or("")
	return n, n.Schedule.Check()
}

// rrule returns the rule of a schedule; empty is the error for none. Blanks around it are
// part of it, and no rule has any.
func rrule(f web.Fields, empty error) (string, error) {
	rule, _ := f.Text("rrule")
	switch {
	case statuspage.TrimBlank(rule) == "":
		return "", empty
	case len(rule) > statuspage.MaxRule:
		return "", errRuleLong
	}
	_, err := recurrence.Parse(rule)
	if refused, ok := errors.AsType[*recurrence.RefusedError](err); ok {
		return "", bad("rrule: %s", refused.Reason)
	}
	if err != nil {
		return "", errRule
	}
	return rule, nil
}

// duration returns the whole seconds of a duration.
func duration(f web.Fields) (int64, error) {
	switch n, _ := f.Float("duration_seconds"); {
	case n <= 0:
		return 0, errDuration
	case n < 1, n > statuspage.MaxDuration:
		return 0, errDurationRange
	default:
		return int64(n), nil
	}
}

// maintenanceImpact takes what ECMAScript takes for false as not said, as Kener does.
func maintenanceImpact(link web.Fields) (statuspage.Impact, error) {
	switch string(link["impact"]) {
	case `""`, "false", "0":
		return statuspage.MaintenanceImpact, nil
	}
	return impactOr(link, statuspage.MaintenanceImpact)
}

func maintenanceText(f web.Fields) (opt.Field[string], error) {
	text, err := f.NullableText("description")
	if err == nil && statuspage.Length(text.Or("")) > statuspage.MaxMaintenanceText {
		err = errMaintenanceText
	}
	return text, err
}

func timeZone(f web.Fields) (opt.Field[string], error) {
	switch f.Kind("time_zone") {
	case web.KindAbsent:
		return opt.Field[string]{}, nil
	case web.KindNull:
		return opt.Null[string](), nil
	}
	name, _ := f.Text("time_zone")
	if name == "" || len(name) > statuspage.MaxTimeZone {
		return opt.Field[string]{}, errTimeZone
	}
	if _, err := recurrence.LoadZone(name); err != nil {
		return opt.Field[string]{}, errTimeZone
	}
	return opt.Value(name), nil
}

// maintenancePatch is what a PATCH changes, and of which maintenance.
type maintenancePatch struct {
	id int64
	statuspage.MaintenancePatch
}

func readMaintenancePatch(r *web.Request) (p maintenancePatch, err error) {
	id, err := web.ParseID(r.PathValue("maintenance_id"), errMaintenanceID)
	if err != nil {
		return p, err
	}
	f, err := web.DecodeBody(r.Content)
	if err != nil {
		return p, err
	}
	if p.MaintenancePatch, err = patchOfMaintenance(f); err != nil {
		return p, err
	}
	if !id.Exists() {
		return p, statuspage.MaintenanceNotFound(id.Text)
	}
	p.id = id.N
	return p, nil
}

// patchOfMaintenance checks what Kener checks first, in its order.
func patchOfMaintenance(f web.Fields) (p statuspage.MaintenancePatch, err error) {
	if f.Kind("rrule") != web.KindAbsent {
		rule, err := rrule(f, errRuleEmpty)
		if err != nil {
			return p, err
		}
		p.Rule = opt.Value(rule)
	}
	if f.Kind("duration_seconds") != web.KindAbsent {
		seconds, err := duration(f)
		if err != nil {
			return p, err
		}
		p.Duration = opt.Value(seconds)
	}
	if f.Kind("status") != web.KindAbsent {
		text, _ := f.Text("status")
		status := statuspage.MaintenanceStatus(text)
		if !statuspage.ValidMaintenanceStatus(status) {
			return p, errMaintenanceStatus
		}
		p.Status = opt.Value(status)
	}
	if p.Monitors, err = links(f, statuspage.MaxMaintenanceMonitors, errMaintenanceMonitors, maintenanceImpact); err != nil {
		return p, err
	}
	if f.Kind("title") != web.KindAbsent {
		title, err := f.Trimmed("title", statuspage.MaxMaintenanceTitle, errMaintenanceNoTitle, errMaintenanceLong)
		if err != nil {
			return p, err
		}
		p.Title = opt.Value(title)
	}
	if p.Description, err = maintenanceText(f); err != nil {
		return p, err
	}
	if p.Start, err = f.OptTimestamp("start_date_time"); err != nil {
		return p, err
	}
	p.TimeZone, err = timeZone(f)
	return p, err
}

func (h maintenances) update(r *web.Request, p maintenancePatch) (statuspage.Maintenance, error) {
	return h.store.UpdateMaintenance(r.Context(), p.id, p.MaintenancePatch, r.Now, expectedMaintenance(r))
}

func (h maintenances) remove(r *web.Request, id int64) error {
	return h.store.DeleteMaintenance(r.Context(), id, r.Now, expectedMaintenance(r))
}

func expectedMaintenance(r *web.Request) statuspage.MaintenancePrecondition {
	return ifMatch(r, func(m statuspage.Maintenance) string { return toMaintenanceJSON(m, r.Site()).etag() })
}

// maintenanceJSON is a maintenance (docs/api.md, Maintenances).
type maintenanceJSON struct {
	ID          int64           `json:"id"`
	Title       string          `json:"title"`
	Description *string         `json:"description"`
	Start       int64           `json:"start_date_time"`
	Rule        string          `json:"rrule"`
	TimeZone    string          `json:"time_zone,omitempty"`
	Duration    int64           `json:"duration_seconds"`
	Status      string          `json:"status"`
	Monitors    []monitorImpact `json:"monitors"`
	Created     string          `json:"created_at"`
	Updated     string          `json:"updated_at"`
	URL         string          `json:"url"`
}

// toMaintenanceJSON shows a maintenance; site is the origin of its link.
func toMaintenanceJSON(m statuspage.Maintenance, site string) maintenanceJSON {
	return maintenanceJSON{
		ID: m.ID, Title: m.Title, Description: m.Description, Start: m.Start, Rule: m.Rule, TimeZone: m.TimeZone,
		Duration: m.Duration, Status: string(m.Status), Monitors: toImpacts(m.Monitors),
		Created: web.ISOTime(m.Created), Updated: web.ISOTime(m.Updated),
		URL: maintenanceURL(site, m.ID) + "?type=maintenance",
	}
}

// maintenanceURL is the address of the page of an occurrence; a parameter makes it that of
// the maintenance with the id.
func maintenanceURL(site string, id int64) string {
	return site + "/maintenances/" + strconv.FormatInt(id, 10)
}

// etag is the entity tag of the maintenance as one is shown.
func (m maintenanceJSON) etag() string {
	m.URL = ""
	return entityTag(m)
}

// maintenanceAnswer shows one maintenance, with the tag that If-Match is compared with.
func maintenanceAnswer(r *web.Request, status int, m statuspage.Maintenance) web.Answer {
	shown := toMaintenanceJSON(m, r.Site())
	a := web.One(status, "maintenance", shown)
	a.ETag = shown.etag()
	return a
}

func showMaintenance(r *web.Request, m statuspage.Maintenance) web.Answer {
	return maintenanceAnswer(r, http.StatusOK, m)
}
