package model

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"tocsin/internal/statuspage"
)

func (s *Store) incident(id int64) (*incident, error) {
	if i := s.incidents[id]; i != nil {
		return i, nil
	}
	return nil, statuspage.IncidentNotFound(id)
}

// Incident implements apiv4.IncidentStore.
func (s *Store) Incident(_ context.Context, id int64) (statuspage.Incident, error) {
	i, err := s.incident(id)
	if err != nil {
		return statuspage.Incident{}, err
	}
	return i.Incident, nil
}

// Incidents implements apiv4.IncidentStore. With tags, the rows that a filter by
// status passes over count as looked at, so that a page may end after one of them.
func (s *Store) Incidents(_ context.Context, q statuspage.IncidentQuery, take func(statuspage.Incident) bool) (*statuspage.IncidentPosition, error) {
	last := q.After
	for _, i := range slices.SortedFunc(maps.Values(s.incidents), newestFirst) {
		if i.Start < q.From || i.Start > q.To || q.After != nil && !after(i, *q.After) || q.Tags != nil && !s.onAny(i, q.Tags) {
			continue
		}
		position := &statuspage.IncidentPosition{Start: i.Start, ID: i.ID}
		if q.Open == nil || *q.Open == (i.Closed == nil) {
			if !take(i.Incident) {
				return last, nil
			}
			last = position
		} else if q.Tags != nil {
			last = position
		}
	}
	return nil, nil
}

func after(i *incident, p statuspage.IncidentPosition) bool {
	return i.Start < p.Start || i.Start == p.Start && i.ID < p.ID
}

func (s *Store) onAny(i *incident, tags []string) bool {
	return slices.ContainsFunc(i.Monitors, func(m statuspage.AffectedMonitor) bool { return slices.Contains(tags, m.Tag) })
}

// resolve finds the monitors of links.
func (s *Store) resolve(links []statuspage.MonitorImpact) ([]statuspage.AffectedMonitor, error) {
	var monitors []statuspage.AffectedMonitor
	for _, l := range links {
		m := s.monitors[l.Tag]
		if m == nil {
			return nil, statuspage.UnknownMonitor(l.Tag)
		}
		monitors = append(monitors, statuspage.AffectedMonitor{Tag: l.Tag, MonitorID: m.ID, Impact: l.Impact})
	}
	return monitors, nil
}

// CreateIncident implements apiv4.IncidentStore.
func (s *Store) CreateIncident(ctx context.Context, n statuspage.NewIncident, now int64, once *statuspage.Once[statuspage.Incident]) (statuspage.Incident, error) {
	monitors, err := s.resolve(n.Monitors)
	if err != nil {
		return statuspage.Incident{}, err
	}
	id, err := s.newIncidentID(ctx)
	if err != nil {
		return statuspage.Incident{}, err
	}
	i, err := n.Opened(id, monitors, now)
	if err != nil {
		return statuspage.Incident{}, err
	}
	s.open(i, "")
	keep(s, once, i)
	return i, nil
}

// open keeps a new incident.
func (s *Store) open(i statuspage.Incident, body string) *incident {
	s.incidents[i.ID] = &incident{Incident: i, body: body, comments: map[int64]*statuspage.Comment{}}
	return s.incidents[i.ID]
}

// UpdateIncident implements apiv4.IncidentStore.
func (s *Store) UpdateIncident(_ context.Context, id int64, p statuspage.IncidentPatch, now int64, expected statuspage.Precondition) (statuspage.Incident, error) {
	i, err := s.incident(id)
	if err != nil {
		return statuspage.Incident{}, err
	}
	asked, err := s.resolve(p.Monitors.Or(nil))
	if err != nil {
		return statuspage.Incident{}, err
	}
	next, err := i.Patched(p, asked, now)
	if err != nil {
		return statuspage.Incident{}, err
	}
	if expected != nil && !expected(i.Incident) {
		return statuspage.Incident{}, statuspage.ErrIncidentChanged
	}
	i.Incident = next
	return next, nil
}

// DeleteIncident implements apiv4.IncidentStore.
func (s *Store) DeleteIncident(_ context.Context, id int64, _ int64, expected statuspage.Precondition) error {
	i, err := s.incident(id)
	if err != nil {
		return err
	}
	if expected != nil && !expected(i.Incident) {
		return statuspage.ErrIncidentChanged
	}
	delete(s.incidents, id)
	maps.DeleteFunc(s.outages, func(_ int64, o *statuspage.Outage) bool { return o.IncidentID == id })
	for _, a := range s.alerts {
		if a.IncidentID != nil && *a.IncidentID == id {
			a.IncidentID = nil
		}
	}
	return nil
}

func (s *Store) comment(incidentID, id int64) (*statuspage.Comment, error) {
	i, err := s.incident(incidentID)
	if err != nil {
		return nil, err
	}
	if c := i.comments[id]; c != nil {
		return c, nil
	}
	return nil, statuspage.CommentNotFound(id, incidentID)
}

// Comment implements apiv4.CommentStore.
func (s *Store) Comment(_ context.Context, incidentID, id int64) (statuspage.Comment, error) {
	c, err := s.comment(incidentID, id)
	if err != nil {
		return statuspage.Comment{}, err
	}
	return *c, nil
}

// Comments implements apiv4.CommentStore.
func (s *Store) Comments(_ context.Context, incidentID int64, q statuspage.CommentQuery, take func(statuspage.Comment) bool) (*statuspage.CommentPosition, error) {
	i, err := s.incident(incidentID)
	if err != nil {
		return nil, err
	}
	last := q.After
	for _, c := range slices.SortedFunc(maps.Values(i.comments), func(a, b *statuspage.Comment) int {
		return cmp.Or(cmp.Compare(b.Time, a.Time), cmp.Compare(b.ID, a.ID))
	}) {
		if q.After != nil && (c.Time > q.After.Time || c.Time == q.After.Time && c.ID >= q.After.ID) {
			continue
		}
		if !take(*c) {
			return last, nil
		}
		last = &statuspage.CommentPosition{Time: c.Time, ID: c.ID}
	}
	return nil, nil
}

// becomes makes the incident what it is with a new comment.
func (i *incident) becomes(next statuspage.Incident, c statuspage.Comment) {
	i.Incident, i.comments[c.ID], i.last = next, &c, max(c.ID, i.last)
}

// CreateComment implements apiv4.CommentStore.
func (s *Store) CreateComment(ctx context.Context, incidentID int64, n statuspage.NewComment, now int64, once *statuspage.Once[statuspage.Comment]) (statuspage.Comment, error) {
	i, err := s.incident(incidentID)
	if err != nil {
		return statuspage.Comment{}, err
	}
	id, err := s.newCommentID(ctx, i.ID, i.last)
	if err != nil {
		return statuspage.Comment{}, err
	}
	c := n.Made(incidentID, id, now)
	next, err := i.Commented(c, now)
	if err != nil {
		return statuspage.Comment{}, err
	}
	i.becomes(next, c)
	keep(s, once, c)
	return c, nil
}

// UpdateComment implements apiv4.CommentStore.
func (s *Store) UpdateComment(_ context.Context, incidentID, id int64, p statuspage.CommentPatch, now int64) (statuspage.Comment, error) {
	c, err := s.comment(incidentID, id)
	if err != nil {
		return statuspage.Comment{}, err
	}
	*c = c.Apply(p, now)
	return *c, nil
}

// DeleteComment implements apiv4.CommentStore.
func (s *Store) DeleteComment(_ context.Context, incidentID, id int64, _ int64) error {
	if _, err := s.comment(incidentID, id); err != nil {
		return err
	}
	delete(s.incidents[incidentID].comments, id)
	return nil
}

// LegacyIncident implements apilegacy.IncidentStore.
func (s *Store) LegacyIncident(_ context.Context, id int64) (statuspage.LegacyIncident, error) {
	i, err := s.incident(id)
	if err != nil {
		return statuspage.LegacyIncident{}, err
	}
	return i.legacy(), nil
}

func (i *incident) legacy() statuspage.LegacyIncident {
	return statuspage.LegacyIncident{Incident: i.Incident, Body: i.body}
}

// SearchIncidents implements apilegacy.IncidentStore.
func (s *Store) SearchIncidents(_ context.Context, q statuspage.LegacyQuery) ([]statuspage.LegacyIncident, error) {
	matches := q.Matcher()
	var found []statuspage.LegacyIncident
	for _, i := range slices.SortedFunc(maps.Values(s.incidents), func(a, b *incident) int {
		return cmp.Or(cmp.Compare(b.Created, a.Created), cmp.Compare(b.ID, a.ID))
	}) {
		if (i.Closed != nil) == q.Closed && i.Created >= q.From && i.Created <= q.To && matches(i.Incident) {
			found = append(found, i.legacy())
		}
	}
	found = found[min(q.Skip, len(found)):]
	return found[:min(q.Limit, len(found))], nil
}

func (s *Store) resolveLegacy(r statuspage.LegacyReport) ([]statuspage.AffectedMonitor, error) {
	monitors, err := s.resolve(r.Links())
	if err != nil {
		err = statuspage.ErrUnknownTags
	}
	return monitors, err
}

// ReportIncident implements apilegacy.IncidentStore.
func (s *Store) ReportIncident(ctx context.Context, r statuspage.LegacyReport, now int64, once *statuspage.Once[statuspage.LegacyIncident]) (statuspage.LegacyIncident, error) {
	monitors, err := s.resolveLegacy(r)
	if err != nil {
		return statuspage.LegacyIncident{}, err
	}
	id, err := s.newIncidentID(ctx)
	if err != nil {
		return statuspage.LegacyIncident{}, err
	}
	i := s.open(r.Opened(id, monitors, now), r.Body)
	keep(s, once, i.legacy())
	return i.legacy(), nil
}

// ReplaceIncident implements apilegacy.IncidentStore.
func (s *Store) ReplaceIncident(_ context.Context, id int64, r statuspage.LegacyReport, now int64) (statuspage.LegacyIncident, error) {
	monitors, err := s.resolveLegacy(r)
	if err != nil {
		return statuspage.LegacyIncident{}, err
	}
	i, err := s.incident(id)
	if err != nil {
		return statuspage.LegacyIncident{}, err
	}
	i.Incident, i.body = i.Reported(r, monitors, now), r.Body
	return i.legacy(), nil
}

// CheckTags implements apilegacy.IncidentStore.
func (s *Store) CheckTags(_ context.Context, tags []string) error {
	_, err := s.resolveLegacy(statuspage.LegacyReport{Tags: tags})
	return err
}

// ProgressIncident implements apilegacy.IncidentStore.
func (s *Store) ProgressIncident(_ context.Context, id int64, p statuspage.LegacyProgress, now int64, once *statuspage.Once[statuspage.LegacyIncident]) (statuspage.LegacyIncident, error) {
	i, err := s.incident(id)
	if err != nil {
		return statuspage.LegacyIncident{}, err
	}
	if !p.Empty() {
		i.Incident = i.Progressed(p, now)
	}
	keep(s, once, i.legacy())
	return i.legacy(), nil
}

// AddNote implements apilegacy.CommentStore.
func (s *Store) AddNote(ctx context.Context, incidentID int64, text string, now int64, once *statuspage.Once[statuspage.Comment]) (statuspage.Comment, error) {
	i, err := s.incident(incidentID)
	if err != nil {
		return statuspage.Comment{}, err
	}
	id, err := s.newCommentID(ctx, i.ID, i.last)
	if err != nil {
		return statuspage.Comment{}, err
	}
	c := statuspage.NewComment{Text: text, Time: statuspage.FloorMinute(now), State: i.State}.Made(incidentID, id, now)
	i.becomes(i.Noted(now), c)
	keep(s, once, c)
	return c, nil
}

// Notes implements apilegacy.CommentStore.
func (s *Store) Notes(_ context.Context, incidentID int64, take func(statuspage.Comment) bool) error {
	i, err := s.incident(incidentID)
	if err != nil {
		return err
	}
	for _, c := range falling(i.comments) {
		if !take(*c) {
			break
		}
	}
	return nil
}

// The closer's part.

// CloserState implements closer.Store.
func (s *Store) CloserState(context.Context) (statuspage.CloserState, error) { return s.closer, nil }

// SaveCloserState implements closer.Store.
func (s *Store) SaveCloserState(_ context.Context, st statuspage.CloserState) (statuspage.CloserState, bool, error) {
	s.closer = st
	return st, true, nil
}

// OpenIncidents implements closer.Store.
func (s *Store) OpenIncidents(_ context.Context, after *statuspage.IncidentPosition, limit int) ([]statuspage.Incident, *statuspage.IncidentPosition, []error, error) {
	var open []statuspage.Incident
	for _, i := range slices.SortedFunc(maps.Values(s.incidents), func(a, b *incident) int { return newestFirst(b, a) }) {
		passed := after != nil && (i.Start < after.Start || i.Start == after.Start && i.ID <= after.ID)
		if i.Closed == nil && !passed {
			open = append(open, i.Incident)
		}
	}
	if len(open) >= limit {
		return nil, nil, nil, errors.New("the model has one page of open incidents")
	}
	return open, nil, nil, nil
}

// IncidentsByID implements closer.Store.
func (s *Store) IncidentsByID(_ context.Context, ids []int64) (map[int64]statuspage.Incident, error) {
	found := map[int64]statuspage.Incident{}
	for _, id := range ids {
		if i := s.incidents[id]; i != nil {
			found[id] = i.Incident
		}
	}
	return found, nil
}

// InactiveMonitors implements closer.Store.
func (s *Store) InactiveMonitors(_ context.Context, tags []string) (map[int64]bool, error) {
	inactive := map[int64]bool{}
	for _, tag := range tags {
		if m := s.monitors[tag]; m != nil && m.Status != nil && *m.Status == "INACTIVE" {
			inactive[m.ID] = true
		}
	}
	return inactive, nil
}

// SignalsOf implements closer.Store: no other tool tells the model of anything.
func (s *Store) SignalsOf(context.Context, int64) ([]statuspage.SignalMark, error) { return nil, nil }

// MonitorFacts implements closer.Store.
func (s *Store) MonitorFacts(_ context.Context, monitorID, _, now int64) (statuspage.MonitorFacts, error) {
	f := statuspage.MonitorFacts{MonitorID: monitorID, Complete: true, Windows: s.windows(monitorID, 0, now)}
	var points []statuspage.Point
	for _, m := range s.monitors {
		if m.ID == monitorID {
			points = m.upTo(now)
		}
	}
	for n, p := range points {
		f.Newest = &p
		if n > 0 && points[n-1].Status != p.Status {
			f.Changed = &p.Time
		}
		if p.Status != "UP" {
			f.NotUp = &p.Time
		}
	}
	for _, a := range s.alerts {
		f.Alert = f.Alert || a.MonitorID == monitorID && a.State == "TRIGGERED"
	}
	return f, nil
}

// CommentIDs implements closer.Store. AutoClose finds the ids.
func (s *Store) CommentIDs(context.Context, int) (int64, error) { return 1, nil }

// AutoClose implements closer.Store.
func (s *Store) AutoClose(ctx context.Context, c statuspage.AutoClosing, now int64) (statuspage.Outcome, error) {
	i := s.incidents[c.Incident.ID]
	var err error
	if c.Comment.ID, err = s.newCommentID(ctx, i.ID, i.last); err != nil {
		return statuspage.IncidentChanged, err
	}
	i.becomes(i.AutoClosed(c, now), c.Comment)
	return statuspage.Written, nil
}

// MissingTotals implements closer.Store: the model stores none.
func (s *Store) MissingTotals(context.Context, statuspage.Monitor, int, bool, int64) ([]int64, error) {
	return nil, nil
}

// PendingCleanups implements closer.Store: a deletion is whole at once.
func (s *Store) PendingCleanups(context.Context, int64) ([]string, bool, error) {
	return nil, false, nil
}

// Cleanup implements closer.Store.
func (s *Store) Cleanup(context.Context, int64) (int, error) { return 0, nil }
