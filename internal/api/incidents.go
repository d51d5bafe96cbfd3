package api

import (
	"fmt"
	"net/http"

	"tocsin/internal/opt"
	"tocsin/internal/statuspage"
)

const incidentCursor = "i"

// listIncidents is GET /api/v4/incidents.
func listIncidents(s *service, r *request) (answer, error) {
	q, err := incidentQuery(queryOf(r))
	if err != nil {
		return answer{}, err
	}
	p := page{name: "incidents", limit: q.Limit}
	next, err := s.store(r).Incidents(r.Context(), q, func(i statuspage.Incident) bool {
		row := s.incidentJSON(r, i)
		row.Type = ""
		return p.add(row)
	})
	if err != nil {
		return answer{}, err
	}
	cursor := ""
	if next != nil {
		cursor = encodeCursor(incidentCursor, next.Start, next.ID)
	}
	return p.answer(cursor), nil
}

func incidentQuery(params query) (statuspage.IncidentQuery, error) {
	q := statuspage.IncidentQuery{To: statuspage.MaxTimestamp}
	from, _, err := params.timestamp("start_ts")
	if err != nil {
		return q, err
	}
	q.From = from
	to, given, err := params.timestamp("end_ts")
	if err != nil {
		return q, err
	}
	if given {
		q.To = to
	}
	if q.Tags, err = params.tags("monitor_tags"); err != nil {
		return q, err
	}
	if q.Open, err = params.open(); err != nil {
		return q, err
	}
	if q.Limit, err = params.limit(); err != nil {
		return q, err
	}
	after, err := params.cursor(incidentCursor, 2)
	if err != nil {
		return q, err
	}
	if after != nil {
		if after[0] > statuspage.MaxTimestamp || !statuspage.ValidID(after[1]) {
			return q, errBadCursor
		}
		q.After = &statuspage.IncidentPosition{Start: after[0], ID: after[1]}
	}
	return q, nil
}

// createIncident is POST /api/v4/incidents.
func createIncident(s *service, r *request) (creation[statuspage.Incident], error) {
	var c creation[statuspage.Incident]
	f, err := decodeBody(r.body)
	if err != nil {
		return c, err
	}
	n := statuspage.NewIncident{Source: statuspage.SourceAPI}
	if n.Title, err = f.trimmed("title", statuspage.MaxTitle, errTitleRequired, errTitleLong); err != nil {
		return c, err
	}
	if k := f.kind("start_date_time"); k == kindAbsent || k == kindNull {
		return c, errStartRequired
	}
	if n.Start, err = f.timestamp("start_date_time"); err != nil {
		return c, err
	}
	end, err := f.nullableTimestamp("end_date_time")
	if err != nil {
		return c, err
	}
	n.End = end.Ptr(nil)
	links, err := f.links()
	if err != nil {
		return c, err
	}
	n.Monitors = links.Or(nil)
	if n.AutoCloseAfter, err = f.autoClose(); err != nil {
		return c, err
	}
	c.create = func(once *statuspage.Once[statuspage.Incident]) (statuspage.Incident, error) {
		return s.store(r).CreateIncident(r.Context(), n, r.now, once)
	}
	c.answer = func(i statuspage.Incident) answer { return s.incidentAnswer(r, http.StatusCreated, i) }
	return c, nil
}

// incidentAnswer shows one incident, with the tag that If-Match is compared with.
func (s *service) incidentAnswer(r *request, status int, i statuspage.Incident) answer {
	shown := s.incidentJSON(r, i)
	return answer{status: status, body: incidentEnvelope{shown}, etag: shown.etag()}
}

func incidentID(r *request) (pathID, error) {
	return parseID(r.PathValue("incident_id"), errIncidentID)
}

// getIncident is GET /api/v4/incidents/{incident_id}.
func getIncident(s *service, r *request) (answer, error) {
	id, err := incidentID(r)
	if err != nil {
		return answer{}, err
	}
	if !id.exists() {
		return answer{}, statuspage.IncidentNotFound(id.text)
	}
	i, err := s.store(r).Incident(r.Context(), id.n)
	if err != nil {
		return answer{}, err
	}
	return s.incidentAnswer(r, http.StatusOK, i), nil
}

// updateIncident is PATCH /api/v4/incidents/{incident_id}.
func updateIncident(s *service, r *request) (answer, error) {
	id, err := incidentID(r)
	if err != nil {
		return answer{}, err
	}
	f, err := decodeBody(r.body)
	if err != nil {
		return answer{}, err
	}
	var p statuspage.IncidentPatch
	if f.kind("title") != kindAbsent {
		title, err := f.trimmed("title", statuspage.MaxTitle, errTitleEmpty, errTitleLong)
		if err != nil {
			return answer{}, err
		}
		p.Title = opt.Value(title)
	}
	if p.Start, err = f.optTimestamp("start_date_time"); err != nil {
		return answer{}, err
	}
	if p.End, err = f.nullableTimestamp("end_date_time"); err != nil {
		return answer{}, err
	}
	if p.Monitors, err = f.links(); err != nil {
		return answer{}, err
	}
	if p.AutoCloseAfter, err = f.autoClose(); err != nil {
		return answer{}, err
	}
	if !id.exists() {
		return answer{}, statuspage.IncidentNotFound(id.text)
	}
	i, err := s.store(r).UpdateIncident(r.Context(), id.n, p, r.now, s.ifMatch(r))
	if err != nil {
		return answer{}, err
	}
	return s.incidentAnswer(r, http.StatusOK, i), nil
}

// deleteIncident is DELETE /api/v4/incidents/{incident_id}.
func deleteIncident(s *service, r *request) (answer, error) {
	id, err := incidentID(r)
	if err != nil {
		return answer{}, err
	}
	if !id.exists() {
		return answer{}, statuspage.IncidentNotFound(id.text)
	}
	if err := s.store(r).DeleteIncident(r.Context(), id.n, r.now, s.ifMatch(r)); err != nil {
		return answer{}, err
	}
	return ok(messageJSON{fmt.Sprintf("Incident with id '%d' deleted successfully", id.n)}), nil
}
