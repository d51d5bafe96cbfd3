package api

import (
	"fmt"

	"tocsin/internal/opt"
	"tocsin/internal/statuspage"
)

const monitorCursor = "m"

// allCategories is the category filter that filters nothing.
const allCategories = "All Categories"

// listMonitors is GET /api/v4/monitors.
func listMonitors(s *service, r *request) (answer, error) {
	params := queryOf(r)
	q := statuspage.MonitorQuery{
		Status: params.Get("status"), Category: params.Get("category_name"),
		Type: params.Get("monitor_type"), Hidden: params.Get("is_hidden"),
	}
	if q.Category == allCategories {
		q.Category = ""
	}
	var err error
	if q.Limit, err = params.limit(); err != nil {
		return answer{}, err
	}
	if q.After, err = params.idCursor(monitorCursor); err != nil {
		return answer{}, err
	}
	p := page{name: "monitors", limit: q.Limit}
	next, err := s.store(r).Monitors(r.Context(), q, func(m statuspage.Monitor) bool { return p.add(toMonitorJSON(m)) })
	if err != nil {
		return answer{}, err
	}
	return p.answer(encodeIDCursor(monitorCursor, next)), nil
}

// getMonitor is GET /api/v4/monitors/{monitor_tag}.
func getMonitor(s *service, r *request) (answer, error) {
	m, err := s.store(r).Monitor(r.Context(), r.PathValue("monitor_tag"))
	if err != nil {
		return answer{}, err
	}
	return ok(monitorEnvelope{toMonitorJSON(m)}), nil
}

// createMonitor is POST /api/v4/monitors.
func createMonitor(s *service, r *request) (creation[statuspage.Monitor], error) {
	f, err := decodeBody(r.body)
	if err != nil {
		return creation[statuspage.Monitor]{}, err
	}
	m, err := newMonitor(f)
	if err != nil {
		return creation[statuspage.Monitor]{}, err
	}
	return creation[statuspage.Monitor]{
		create: func(once *statuspage.Once[statuspage.Monitor]) (statuspage.Monitor, error) {
			return s.store(r).CreateMonitor(r.Context(), m, r.now, once)
		},
		answer: func(made statuspage.Monitor) answer { return created(monitorEnvelope{toMonitorJSON(made)}) },
	}, nil
}

func newMonitor(f fields) (statuspage.Monitor, error) {
	var m statuspage.Monitor
	tag, _ := f.text("tag")
	tag = statuspage.TrimBlank(tag)
	switch {
	case tag == "":
		return m, errTagRequired
	case !statuspage.WellFormedTag(tag):
		return m, errTagForm
	case len(tag) > statuspage.MaxTag:
		return m, errTagLong
	}
	name, err := f.trimmed("name", statuspage.MaxMonitorName, errNameRequired, errNameLong)
	if err != nil {
		return m, err
	}
	p, err := monitorPatch(f)
	if err != nil {
		return m, err
	}
	include, err := f.nullableText("include_degraded_in_downtime")
	if err != nil {
		return m, err
	}
	// A text that has a default is not null at first, even if it was sent as null.
	m = statuspage.NewMonitor(tag, name)
	*m.DefaultStatus = p.DefaultStatus.Or(*m.DefaultStatus)
	*m.Status = p.Status.Or(*m.Status)
	*m.Type = p.Type.Or(*m.Type)
	*m.Hidden = p.Hidden.Or(*m.Hidden)
	*m.IncludeDegraded = include.Or(*m.IncludeDegraded)
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
// tag, the name and include_degraded_in_downtime, which PATCH passes over, as in
// the original.
func monitorPatch(f fields) (statuspage.MonitorPatch, error) {
	var p statuspage.MonitorPatch
	var err error
	if p.ConfirmationThreshold, err = f.threshold(); err != nil {
		return p, err
	}
	for _, text := range []struct {
		name  string
		field *opt.Field[string]
	}{
		{"description", &p.Description},
		{"image", &p.Image},
		{"cron", &p.Cron},
		{"default_status", &p.DefaultStatus},
		{"status", &p.Status},
		{"category_name", &p.Category},
		{"monitor_type", &p.Type},
		{"is_hidden", &p.Hidden},
		{"external_url", &p.ExternalURL},
	} {
		if *text.field, err = f.nullableText(text.name); err != nil {
			return p, err
		}
	}
	if p.TypeData, err = f.object("type_data"); err != nil {
		return p, err
	}
	p.Settings, err = f.object("monitor_settings_json")
	return p, err
}

// updateMonitor is PATCH /api/v4/monitors/{monitor_tag}.
func updateMonitor(s *service, r *request) (answer, error) {
	f, err := decodeBody(r.body)
	if err != nil {
		return answer{}, err
	}
	name := opt.Field[string]{}
	if f.kind("name") != kindAbsent {
		text, err := f.trimmed("name", statuspage.MaxMonitorName, errNameEmpty, errNameLong)
		if err != nil {
			return answer{}, err
		}
		name = opt.Value(text)
	}
	p, err := monitorPatch(f)
	if err != nil {
		return answer{}, err
	}
	p.Name = name
	m, err := s.store(r).UpdateMonitor(r.Context(), r.PathValue("monitor_tag"), p, r.now)
	if err != nil {
		return answer{}, err
	}
	return ok(monitorEnvelope{toMonitorJSON(m)}), nil
}

// deleteMonitor is DELETE /api/v4/monitors/{monitor_tag}.
func deleteMonitor(s *service, r *request) (answer, error) {
	tag := r.PathValue("monitor_tag")
	if err := s.store(r).DeleteMonitor(r.Context(), tag, r.now); err != nil {
		return answer{}, err
	}
	return ok(messageJSON{fmt.Sprintf("Monitor '%s' deleted successfully", tag)}), nil
}
