package apiv4

import (
	"context"
	"net/http"

	"tocsin/internal/opt"
	"tocsin/internal/statuspage"
	"tocsin/internal/web"
)

// CommentStore keeps comments.
type CommentStore interface {
	// Incident returns the incident, or IncidentNotFound.
	Incident(ctx context.Context, id int64) (statuspage.Incident, error)

	// Comment returns a comment of the incident, or IncidentNotFound or
	// CommentNotFound.
	Comment(ctx context.Context, incidentID, id int64) (statuspage.Comment, error)

	// Comments lists the comments of the incident, newest time first, then id falling. It
	// returns IncidentNotFound.
	Comments(ctx context.Context, incidentID int64, q statuspage.CommentQuery, take func(statuspage.Comment) bool) (*statuspage.CommentPosition, error)

	// CreateComment adds a comment and makes its incident follow, see Incident.Commented.
	// It returns IncidentNotFound or ErrCommentBeforeStart.
	CreateComment(ctx context.Context, incidentID int64, n statuspage.NewComment, now int64, once *statuspage.Once[statuspage.Comment]) (statuspage.Comment, error)

	// UpdateComment applies the patch; the incident does not follow. It returns
	// IncidentNotFound or CommentNotFound.
	UpdateComment(ctx context.Context, incidentID, id int64, p statuspage.CommentPatch, now int64) (statuspage.Comment, error)

	// DeleteComment hides the comment for good; the incident does not follow. It
	// returns IncidentNotFound or CommentNotFound.
	DeleteComment(ctx context.Context, incidentID, id int64, now int64) error
}

type comments struct{ store CommentStore }

// Comments returns the routes of incidents' comments.
func Comments(store CommentStore) []web.Route {
	h := comments{store}
	return []web.Route{
		{Group: web.Comments, Path: "/api/v4/incidents/{incident_id}/comments", Methods: []web.Method{
			web.GET(statuspage.ScopeIncidentsRead, h.list()),
			web.POST(statuspage.ScopeIncidentsWrite, web.Creates(h.create)),
		}},
		{Group: web.Comments, Path: "/api/v4/incidents/{incident_id}/comments/{comment_id}", Methods: []web.Method{
			web.GET(statuspage.ScopeIncidentsRead, web.Acts(ofIncident, h.get, showComment)),
			web.PATCH(statuspage.ScopeIncidentsWrite, web.Acts(readCommentPatch, h.update, showComment)),
			web.DELETE(statuspage.ScopeIncidentsWrite, web.Acts(ofIncident, h.remove, showCommentGone)),
		}},
	}
}

var (
	errCommentID     = bad("Comment ID must be a valid integer")
	errTextRequired  = bad("comment is required and must be a non-empty string")
	errTextEmpty     = bad("comment must be a non-empty string")
	errTextLong      = bad("comment must be at most 65536 characters")
	errStateRequired = bad("state is required")
	errState         = bad("state must be one of: INVESTIGATING, IDENTIFIED, MONITORING, RESOLVED")
)

const commentCursor = "c"

// commentQuery asks for a part of an incident's list.
type commentQuery struct {
	incident int64
	statuspage.CommentQuery
}

func readCommentQuery(r *web.Request) (q commentQuery, limit int, err error) {
	id, err := web.ParseID(r.PathValue("incident_id"), errIncidentID)
	if err != nil {
		return q, 0, err
	}
	params := r.Query()
	if q.Limit, err = params.Limit(); err != nil {
		return q, 0, err
	}
	at, after, err := params.TimeCursor(commentCursor)
	if err != nil {
		return q, 0, err
	}
	if after != 0 {
		q.After = &statuspage.CommentPosition{Time: at, ID: after}
	}
	if !id.Exists() {
		return q, 0, statuspage.IncidentNotFound(id.Text)
	}
	q.incident = id.N
	return q, q.Limit, nil
}

func (h comments) list() web.Handler {
	return web.List[commentQuery, statuspage.Comment, *statuspage.CommentPosition]{
		Name:  "comments",
		Query: readCommentQuery,
		Read: func(ctx context.Context, q commentQuery, take func(statuspage.Comment) bool) (*statuspage.CommentPosition, error) {
			return h.store.Comments(ctx, q.incident, q.CommentQuery, take)
		},
		Show: func(_ *web.Request, c statuspage.Comment) any { return toCommentJSON(c) },
		Cursor: func(next *statuspage.CommentPosition) string {
			if next == nil {
				return ""
			}
			return web.EncodeCursor(commentCursor, next.Time, next.ID)
		},
	}.Handler()
}

func (h comments) create(r *web.Request) (web.Creation[statuspage.Comment], error) {
	var c web.Creation[statuspage.Comment]
	id, err := web.ParseID(r.PathValue("incident_id"), errIncidentID)
	if err != nil {
		return c, err
	}
	f, err := web.DecodeBody(r.Content)
	if err != nil {
		return c, err
	}
	n := statuspage.NewComment{Time: statuspage.FloorMinute(r.Now)}
	if n.Text, err = f.Trimmed("comment", statuspage.MaxComment, errTextRequired, errTextLong); err != nil {
		return c, err
	}
	at, err := f.NullableTimestamp("timestamp")
	if err != nil {
		return c, err
	}
	n.Time = at.Or(n.Time)
	state, _ := f.Text("state")
	if state == "" {
		return c, errStateRequired
	}
	n.State = statuspage.State(state)
	if !statuspage.ValidState(n.State) {
		return c, errState
	}
	if !id.Exists() {
		c.Refused = statuspage.IncidentNotFound(id.Text)
	}
	c.Create = func(ctx context.Context, once *statuspage.Once[statuspage.Comment]) (statuspage.Comment, error) {
		return h.store.CreateComment(ctx, id.N, n, r.Now, once)
	}
	c.Answer = func(made statuspage.Comment) web.Answer {
		return web.One(http.StatusCreated, "comment", toCommentJSON(made))
	}
	return c, nil
}

// commentPath is the ids of a comment's path.
type commentPath struct{ incident, comment web.PathID }

func readCommentPath(r *web.Request) (p commentPath, err error) {
	if p.incident, err = web.ParseID(r.PathValue("incident_id"), errIncidentID); err != nil {
		return p, err
	}
	p.comment, err = web.ParseID(r.PathValue("comment_id"), errCommentID)
	return p, err
}

// ofIncident reads the path of a comment whose incident can exist.
func ofIncident(r *web.Request) (commentPath, error) {
	p, err := readCommentPath(r)
	if err == nil && !p.incident.Exists() {
		err = statuspage.IncidentNotFound(p.incident.Text)
	}
	return p, err
}

// exists returns the error for a comment's id that none can have, nil otherwise. The
// incident is asked for first, so that the error says which is missing.
func (h comments) exists(ctx context.Context, p commentPath) error {
	if p.comment.Exists() {
		return nil
	}
	if _, err := h.store.Incident(ctx, p.incident.N); err != nil {
		return err
	}
	return statuspage.CommentNotFound(p.comment.Text, p.incident.Text)
}

func (h comments) get(r *web.Request, p commentPath) (statuspage.Comment, error) {
	if err := h.exists(r.Context(), p); err != nil {
		return statuspage.Comment{}, err
	}
	return h.store.Comment(r.Context(), p.incident.N, p.comment.N)
}

// commentPatch is what a PATCH changes, and of which comment.
type commentPatch struct {
	path commentPath
	statuspage.CommentPatch
}

// readCommentPatch looks at the state first, as Kener does.
func readCommentPatch(r *web.Request) (p commentPatch, err error) {
	if p.path, err = readCommentPath(r); err != nil {
		return p, err
	}
	f, err := web.DecodeBody(r.Content)
	if err != nil {
		return p, err
	}
	if f.Kind("state") != web.KindAbsent {
		state, _ := f.Text("state")
		if !statuspage.ValidState(statuspage.State(state)) {
			return p, errState
		}
		p.State = opt.Value(statuspage.State(state))
	}
	if f.Kind("comment") != web.KindAbsent {
		text, err := f.Trimmed("comment", statuspage.MaxComment, errTextEmpty, errTextLong)
		if err != nil {
			return p, err
		}
		p.Text = opt.Value(text)
	}
	if p.Time, err = f.OptTimestamp("timestamp"); err != nil {
		return p, err
	}
	if !p.path.incident.Exists() {
		err = statuspage.IncidentNotFound(p.path.incident.Text)
	}
	return p, err
}

func (h comments) update(r *web.Request, p commentPatch) (statuspage.Comment, error) {
	if err := h.exists(r.Context(), p.path); err != nil {
		return statuspage.Comment{}, err
	}
	return h.store.UpdateComment(r.Context(), p.path.incident.N, p.path.comment.N, p.CommentPatch, r.Now)
}

func (h comments) remove(r *web.Request, p commentPath) (id int64, err error) {
	if err := h.exists(r.Context(), p); err != nil {
		return 0, err
	}
	return p.comment.N, h.store.DeleteComment(r.Context(), p.incident.N, p.comment.N, r.Now)
}

// commentJSON is a comment (docs/api.md, Incidents).
type commentJSON struct {
	ID         int64  `json:"id"`
	IncidentID int64  `json:"incident_id"`
	Comment    string `json:"comment"`
	Timestamp  int64  `json:"timestamp"`
	State      string `json:"state"`
	Created    string `json:"created_at"`
	Updated    string `json:"updated_at"`
}

func toCommentJSON(c statuspage.Comment) commentJSON {
	return commentJSON{
		ID: c.ID, IncidentID: c.IncidentID, Comment: c.Text, Timestamp: c.Time, State: string(c.State),
		Created: web.ISOTime(c.Created), Updated: web.ISOTime(c.Updated),
	}
}

func showComment(_ *web.Request, c statuspage.Comment) web.Answer {
	return web.One(http.StatusOK, "comment", toCommentJSON(c))
}

func showCommentGone(_ *web.Request, id int64) web.Answer {
	return web.Message("Comment with id '%d' deleted successfully", id)
}
