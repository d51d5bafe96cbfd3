package apiv4

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"slices"
	"strings"

	"tocsin/internal/opt"
	"tocsin/internal/statuspage"
	"tocsin/internal/web"
)

// MonitorStore keeps monitors.
type MonitorStore interface {
	// Monitor returns the monitor, or MonitorNotFound.
	Monitor(ctx context.Context, tag string) (statuspage.Monitor, error)

	// Monitors lists the monitors that match, id falling.
	Monitors(ctx context.Context, q statuspage.MonitorQuery, take func(statuspage.Monitor) bool) (after int64, err error)

	// CreateMonitor makes the monitor; its id, times and version are set by the
	// repository. It returns MonitorExists.
	CreateMonitor(ctx context.Context, m statuspage.Monitor, now int64, once *statuspage.Once[statuspage.Monitor]) (statuspage.Monitor, error)

	// UpdateMonitor applies the patch. It returns MonitorNotFound or
	// ErrMonitorTooLarge.
	UpdateMonitor(ctx context.Context, tag string, p statuspage.MonitorPatch, now int64) (statuspage.Monitor, error)

	// DeleteMonitor removes the monitor and all that hangs on it, or returns
	// MonitorNotFound. From its return on the tag is free; its place in incidents
	// and its rows follow, at once when they are few, else by Cleanup.
	DeleteMonitor(ctx context.Context, tag string, now int64) error
}

type monitors struct{ store MonitorStore }

// Monitors returns the routes of monitors.
func Monitors(store MonitorStore) []web.Route {
	h := monitors{store}
	return []web.Route{
		{Group: web.Monitors, Path: "/api/v4/monitors", Methods: []web.Method{
			web.GET(statuspage.ScopeMonitorsRead, h.list()),
			web.POST(statuspage.ScopeMonitorsWrite, web.Creates(h.create)),
		}},
		{Group: web.Monitors, Path: "/api/v4/monitors/{monitor_tag}", Methods: []web.Method{
			web.GET(statuspage.ScopeMonitorsRead, web.Gets(monitorTag, store.Monitor, showMonitor)),
			web.PATCH(statuspage.ScopeMonitorsWrite, web.Acts(readMonitorPatch, h.update, showMonitor)),
			web.DELETE(statuspage.ScopeMonitorsWrite, web.Acts(monitorTag, h.remove, showMonitorGone)),
		}},
	}
}

var (
	errTagRequired    = bad("Tag is required and must be a non-empty string")
	errTagForm        = bad("Tag must be URL-friendly: only lowercase letters, numbers, hyphens, and underscores. Must start and end with a letter or number.")
	errTagLong        = bad("Tag must be at most 256 characters")
	errNameRequired   = bad("Name is required and must be a non-empty string")
	errNameEmpty      = bad("Name must be a non-empty string")
	errNameLong       = bad("Name must be at most 255 characters")
	errConfirmMinutes = bad("confirmation_threshold must be an integer between 1 and 60")
)

const monitorCursor = "m"

// allCategories is the category filter that filters nothing.
const allCategories = "All Categories"

func readMonitorQuery(r *web.Request) (q statuspage.MonitorQuery, limit int, err error) {
	params := r.Query()
	q = statuspage.MonitorQuery{
		Status: params.Get("status"), Category: params.Get("category_name"),
		Type: params.Get("monitor_type"), Hidden: params.Get("is_hidden"),
	}
	if q.Category == allCategories {
		q.Category = ""
	}
	q.Limit, q.After, err = params.Page(monitorCursor)
	return q, q.Limit, err
}

func (h monitors) list() web.Handler {
	return web.List[statuspage.MonitorQuery, statuspage.Monitor, int64]{
		Name:   "monitors",
		Query:  readMonitorQuery,
		Read:   h.store.Monitors,
		Show:   func(r *web.Request, m statuspage.Monitor) any { return shownMonitor(r, m) },
		Cursor: web.IDCursor(monitorCursor),
	}.Handler()
}

// monitorTag is the tag in the path.
func monitorTag(r *web.Request) (string, error) { return r.PathValue("monitor_tag"), nil }

func (h monitors) create(r *web.Request) (web.Creation[statuspage.Monitor], error) {
	var c web.Creation[statuspage.Monitor]
	f, err := web.DecodeBody(r.Content)
	if err != nil {
		return c, err
	}
	m, err := newMonitor(f)
	if err != nil {
		return c, err
	}
	c.Create = func(ctx context.Context, once *statuspage.Once[statuspage.Monitor]) (statuspage.Monitor, error) {
		return h.store.CreateMonitor(ctx, m, r.Now, once)
	}
	c.Answer = func(made statuspage.Monitor) web.Answer {
		return web.One(http.StatusCreated, "monitor", shownMonitor(r, made))
	}
	return c, nil
}

func newMonitor(f web.Fields) (statuspage.Monitor, error) {
	var m statuspage.Monitor
	tag, _ := f.Text("tag")
	tag = statuspage.TrimBlank(tag)
	switch {
	case tag == "":
		return m, errTagRequired
	case !statuspage.WellFormedTag(tag):
		return m, errTagForm
	case len(tag) > statuspage.MaxTag:
		return m, errTagLong
	}
	name, err := f.Trimmed("name", statuspage.MaxMonitorName, errNameRequired, errNameLong)
	if err != nil {
		return m, err
	}
	p, err := monitorPatch(f)
	if err != nil {
		return m, err
	}
	// A text that has a default is not null at first, even if it was sent as null.
	m = statuspage.NewMonitor(tag, name)
	*m.DefaultStatus = p.DefaultStatus.Or(*m.DefaultStatus)
	*m.Status = p.Status.Or(*m.Status)
	*m.Type = p.Type.Or(*m.Type)
	*m.Hidden = p.Hidden.Or(*m.Hidden)
	*m.IncludeDegraded = p.IncludeDegraded.Or(*m.IncludeDegraded)
	m.Description, m.Image, m.Cron = p.Description.Ptr(nil), p.Image.Ptr(nil), p.Cron.Ptr(nil)
	m.Category, m.ExternalURL = p.Category.Ptr(nil), p.ExternalURL.Ptr(nil)
	m.TypeData, m.Settings = p.TypeData.Or(""), p.Settings.Or("")
	m.ConfirmationThreshold = p.ConfirmationThreshold.Or(m.ConfirmationThreshold)
	if m.Size() > statuspage.MaxMonitorSize {
		return m, statuspage.ErrMonitorTooLarge
	}
	return m, nil
}

// monitorPatch reads the fields that POST and PATCH of a monitor share: all but the
// tag and the name.
func monitorPatch(f web.Fields) (statuspage.MonitorPatch, error) {
	var p statuspage.MonitorPatch
	var err error
	if p.ConfirmationThreshold, err = threshold(f); err != nil {
		return p, err
	}
	for _, text := range []struct {
		name  string
		read  func(f web.Fields, name string) (opt.Field[string], error)
		field *opt.Field[string]
	}{
		{"description", web.Fields.NullableText, &p.Description},
		{"image", link, &p.Image},
		{"cron", web.Fields.NullableText, &p.Cron},
		{"default_status", oneOf(statuspage.DefaultStatuses), &p.DefaultStatus},
		{"status", oneOf(statuspage.MonitorStatuses), &p.Status},
		{"category_name", web.Fields.NullableText, &p.Category},
		{"monitor_type", oneOf(statuspage.MonitorTypes), &p.Type},
		{"include_degraded_in_downtime", yesOrNo, &p.IncludeDegraded},
		{"is_hidden", yesOrNo, &p.Hidden},
		{"external_url", link, &p.ExternalURL},
	} {
		if *text.field, err = text.read(f, text.name); err != nil {
			return p, err
		}
	}
	if p.TypeData, err = f.Object("type_data"); err != nil {
		return p, err
	}
	if p.Settings, err = f.Object("monitor_settings_json"); err != nil {
		return p, err
	}
	if key := p.Settings.Or("").MalformedExpression(); key != "" {
		return p, errExpression(key)
	}
	return p, nil
}

// errExpression is the error for a setting that is no expression of an uptime formula.
func errExpression(key string) error {
	return bad("%s in monitor_settings_json must be up, down, degraded and maintenance with + - * or / between them, such as 'up + degraded', in at most %d bytes", key, statuspage.MaxExpression)
}

// oneOf returns what reads a text that is one of the values, or null.
func oneOf(values []string) func(f web.Fields, name string) (opt.Field[string], error) {
	return func(f web.Fields, name string) (opt.Field[string], error) {
		text, err := f.NullableText(name)
		s, given := text.Get()
		switch {
		case err != nil: // no text: the message shows it as it was sent
			s = string(f[name])
		case !given || slices.Contains(values, s):
			return text, nil
		}
		return opt.Field[string]{}, bad("Invalid %s '%s'. Must be one of: %s", name, s, strings.Join(values, ", "))
	}
}

// yesOrNo returns a YES or NO that can be null. As in Kener a boolean says it too.
func yesOrNo(f web.Fields, name string) (opt.Field[string], error) {
	if f.Kind(name) != web.KindBool {
		return oneOf(statuspage.YesOrNo)(f, name)
	}
	if yes, _ := f.Boolean(name); yes.Or(false) {
		return opt.Value(statuspage.Yes), nil
	}
	return opt.Value(statuspage.No), nil
}

// link returns the address of something that pages show or link to, which can be null or
// empty.
func link(f web.Fields, name string) (opt.Field[string], error) {
	text, err := f.NullableText(name)
	if s := text.Or(""); err == nil && s != "" && !statuspage.ValidLink(s) {
		return opt.Field[string]{}, bad("%s must be an http or https URL, or a path that begins with one slash", name)
	}
	return text, err
}

// threshold returns a monitor's confirmation threshold: a whole number from 1 to
// 60, or true or a decimal string that ECMAScript's Number makes one of; null is 1
// (docs/api.md, Monitors).
func threshold(f web.Fields) (opt.Field[int64], error) {
	const name = "confirmation_threshold"
	n := math.NaN()
	switch f.Kind(name) {
	case web.KindAbsent:
		return opt.Field[int64]{}, nil
	case web.KindNull:
		n = statuspage.DefaultThreshold
	case web.KindBool, web.KindNumber:
		n = web.ECMANumberOf(f[name])
	case web.KindString:
		n = web.ECMADecimal(web.DecodeString(f[name]))
	}
	if n != math.Trunc(n) || n < 1 || n > statuspage.MaxThreshold {
		return opt.Field[int64]{}, errConfirmMinutes
	}
	return opt.Value(int64(n)), nil
}

// readMonitorPatch reads what a PATCH changes.
func readMonitorPatch(r *web.Request) (p statuspage.MonitorPatch, err error) {
	f, err := web.DecodeBody(r.Content)
	if err != nil {
		return p, err
	}
	name := opt.Field[string]{}
	if f.Kind("name") != web.KindAbsent {
		text, err := f.Trimmed("name", statuspage.MaxMonitorName, errNameEmpty, errNameLong)
		if err != nil {
			return p, err
		}
		name = opt.Value(text)
	}
	p, err = monitorPatch(f)
	p.Name = name
	return p, err
}

func (h monitors) update(r *web.Request, p statuspage.MonitorPatch) (statuspage.Monitor, error) {
	return h.store.UpdateMonitor(r.Context(), r.PathValue("monitor_tag"), p, r.Now)
}

func (h monitors) remove(r *web.Request, tag string) (string, error) {
	return tag, h.store.DeleteMonitor(r.Context(), tag, r.Now)
}

// monitorJSON is a monitor (docs/api.md, Monitors).
type monitorJSON struct {
	ID                    int64           `json:"id"`
	Tag                   string          `json:"tag"`
	Name                  string          `json:"name"`
	Description           *string         `json:"description"`
	Image                 *string         `json:"image"`
	Cron                  *string         `json:"cron"`
	DefaultStatus         *string         `json:"default_status"`
	Status                *string         `json:"status"`
	Category              *string         `json:"category_name"`
	Type                  *string         `json:"monitor_type"`
	DownTrigger           *string         `json:"down_trigger"`
	DegradedTrigger       *string         `json:"degraded_trigger"`
	TypeData              json.RawMessage `json:"type_data"`
	DayDegradedMinimum    *int64          `json:"day_degraded_minimum_count"`
	DayDownMinimum        *int64          `json:"day_down_minimum_count"`
	IncludeDegraded       *string         `json:"include_degraded_in_downtime"`
	Created               string          `json:"created_at"`
	Updated               string          `json:"updated_at"`
	Hidden                *string         `json:"is_hidden"`
	Settings              json.RawMessage `json:"monitor_settings_json"`
	ExternalURL           *string         `json:"external_url"`
	ConfirmationThreshold int64           `json:"confirmation_threshold"`
}

// shownMonitor is the monitor as the request's key may see it: its type_data can hold
// credentials, and shows to who can set them alone.
func shownMonitor(r *web.Request, m statuspage.Monitor) monitorJSON {
	if !r.Key.Allows(statuspage.ScopeMonitorsWrite) {
		m.TypeData = ""
	}
	return toMonitorJSON(m)
}

func toMonitorJSON(m statuspage.Monitor) monitorJSON {
	return monitorJSON{
		ID: m.ID, Tag: m.Tag, Name: m.Name,
		Description: m.Description, Image: m.Image, Cron: m.Cron,
		DefaultStatus: m.DefaultStatus, Status: m.Status, Category: m.Category, Type: m.Type,
		DownTrigger: m.DownTrigger, DegradedTrigger: m.DegradedTrigger,
		TypeData:           objectJSON(m.TypeData, "{}"),
		DayDegradedMinimum: m.DayDegradedMinimum, DayDownMinimum: m.DayDownMinimum,
		IncludeDegraded: m.IncludeDegraded,
		Created:         web.ISOTime(m.Created), Updated: web.ISOTime(m.Updated),
		Hidden:      m.Hidden,
		Settings:    objectJSON(m.Settings, statuspage.DefaultSettings),
		ExternalURL: m.ExternalURL, ConfirmationThreshold: m.ConfirmationThreshold,
	}
}

func objectJSON(o, empty statuspage.JSONObject) json.RawMessage {
	if o == "" {
		o = empty
	}
	return json.RawMessage(o)
}

func showMonitor(r *web.Request, m statuspage.Monitor) web.Answer {
	return web.One(http.StatusOK, "monitor", shownMonitor(r, m))
}

func showMonitorGone(_ *web.Request, tag string) web.Answer {
	return web.Message("Monitor '%s' deleted successfully", tag)
}
