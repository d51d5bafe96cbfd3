package api

import (
	"fmt"

	"tocsin/internal/opt"
	"tocsin/internal/statuspage"
)

const commentCursor = "c"

// listComments is GET /api/v4/incidents/{incident_id}/comments.
func listComments(s *service, r *request) (answer, error) {
	id, err := incidentID(r)
	if err != nil {
		return answer{}, err
	}
	params := queryOf(r)
	var q statuspage.CommentQuery
	if q.Limit, err = params.limit(); err != nil {
		return answer{}, err
	}
	after, err := params.cursor(commentCursor, 2)
	if err != nil {
		return answer{}, err
	}
	if after != nil {
		if after[0] > statuspage.MaxTimestamp || !statuspage.ValidID(after[1]) {
			return answer{}, errBadCursor
		}
		q.After = &statuspage.CommentPosition{Time: after[0], ID: after[1]}
	}
	if !id.exists() {
		return answer{}, statuspage.IncidentNotFound(id.text)
	}
	p := page{name: "comments", limit: q.Limit}
	next, err := s.store(r).Comments(r.Context(), id.n, q, func(c statuspage.Comment) bool { return p.add(toCommentJSON(c)) })
	if err != nil {
		return answer{}, err
	}
	cursor := ""
	if next != nil {
		cursor = encodeCursor(commentCursor, next.Time, next.ID)
	}
	return p.answer(cursor), nil
}

// createComment is POST /api/v4/incidents/{incident_id}/comments.
func createComment(s *service, r *request) (creation[statuspage.Comment], error) {
	var c creation[statuspage.Comment]
	id, err := incidentID(r)
	if err != nil {
		return c, err
	}
	f, err := decodeBody(r.body)
	if err != nil {
		return c, err
	}
	n := statuspage.NewComment{Time: statuspage.FloorMinute(r.now)}
	if n.Text, err = f.trimmed("comment", statuspage.MaxComment, errTextRequired, errTextLong); err != nil {
		return c, err
	}
	at, err := f.nullableTimestamp("timestamp")
	if err != nil {
		return c, err
	}
	n.Time = at.Or(n.Time)
	state, _ := f.text("state")
	if state == "" {
		return c, errStateRequired
	}
	n.State = statuspage.State(state)
	if !statuspage.ValidState(n.State) {
		return c, errState
	}
	c.create = func(once *statuspage.Once[statuspage.Comment]) (statuspage.Comment, error) {
		if !id.exists() {
			return statuspage.Comment{}, statuspage.IncidentNotFound(id.text)
		}
		return s.store(r).CreateComment(r.Context(), id.n, n, r.now, once)
	}
	c.answer = func(made statuspage.Comment) answer { return created(commentEnvelope{toCommentJSON(made)}) }
	return c, nil
}

// commentIDs reads both ids of a comment's path.
func commentIDs(r *request) (incident, comment pathID, err error) {
	if incident, err = incidentID(r); err != nil {
		return
	}
	comment, err = parseID(r.PathValue("comment_id"), errCommentID)
	return
}

// commentExists returns the error for ids that no comment can have, nil otherwise.
func (s *service) commentExists(r *request, incident, comment pathID) error {
	switch {
	case !incident.exists():
		return statuspage.IncidentNotFound(incident.text)
	case !comment.exists():
		// The incident is asked for first, so that the error says which is missing.
		if _, err := s.store(r).Incident(r.Context(), incident.n); err != nil {
			return err
		}
		return statuspage.CommentNotFound(comment.text, incident.text)
	}
	return nil
}

// getComment is GET /api/v4/incidents/{incident_id}/comments/{comment_id}.
func getComment(s *service, r *request) (answer, error) {
	incident, comment, err := commentIDs(r)
	if err != nil {
		return answer{}, err
	}
	if err := s.commentExists(r, incident, comment); err != nil {
		return answer{}, err
	}
	c, err := s.store(r).Comment(r.Context(), incident.n, comment.n)
	if err != nil {
		return answer{}, err
	}
	return ok(commentEnvelope{toCommentJSON(c)}), nil
}

// updateComment is PATCH /api/v4/incidents/{incident_id}/comments/{comment_id}. The
// state is looked at first, as in the original.
func updateComment(s *service, r *request) (answer, error) {
	incident, comment, err := commentIDs(r)
	if err != nil {
		return answer{}, err
	}
	f, err := decodeBody(r.body)
	if err != nil {
		return answer{}, err
	}
	var p statuspage.CommentPatch
	if f.kind("state") != kindAbsent {
		state, _ := f.text("state")
		if !statuspage.ValidState(statuspage.State(state)) {
			return answer{}, errState
		}
		p.State = opt.Value(statuspage.State(state))
	}
	if f.kind("comment") != kindAbsent {
		text, err := f.trimmed("comment", statuspage.MaxComment, errTextEmpty, errTextLong)
		if err != nil {
			return answer{}, err
		}
		p.Text = opt.Value(text)
	}
	if p.Time, err = f.optTimestamp("timestamp"); err != nil {
		return answer{}, err
	}
	if err := s.commentExists(r, incident, comment); err != nil {
		return answer{}, err
	}
	c, err := s.store(r).UpdateComment(r.Context(), incident.n, comment.n, p, r.now)
	if err != nil {
		return answer{}, err
	}
	return ok(commentEnvelope{toCommentJSON(c)}), nil
}

// deleteComment is DELETE /api/v4/incidents/{incident_id}/comments/{comment_id}.
func deleteComment(s *service, r *request) (answer, error) {
	incident, comment, err := commentIDs(r)
	if err != nil {
		return answer{}, err
	}
	if err := s.commentExists(r, incident, comment); err != nil {
		return answer{}, err
	}
	if err := s.store(r).DeleteComment(r.Context(), incident.n, comment.n, r.now); err != nil {
		return answer{}, err
	}
	return ok(messageJSON{fmt.Sprintf("Comment with id '%d' deleted successfully", comment.n)}), nil
}
