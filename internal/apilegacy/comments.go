package apilegacy

import (
	"context"
	"math"
	"slices"

	"tocsin/internal/statuspage"
	"tocsin/internal/web"
)

// CommentStore is the legacy API's way to comments.
type CommentStore interface {
	// AddNote adds a comment that takes its incident's state and changes nothing of it but
	// the time of its update. It returns IncidentNotFound.
	AddNote(ctx context.Context, incidentID int64, text string, now int64, once *statuspage.Once[statuspage.Comment]) (statuspage.Comment, error)

	// Notes calls take with each comment of the incident, the last made first, until
	// take refuses one. It returns IncidentNotFound.
	Notes(ctx context.Context, incidentID int64, take func(statuspage.Comment) bool) error
}

type comments struct{ store CommentStore }

// Comments returns the routes of incidents' comments.
func Comments(store CommentStore) []web.Route {
	h := comments{store}
	return []web.Route{{Group: web.Comments, Path: "/api/incident/{incidentNumber}/comment", Dialect: dialect{}, Methods: []web.Method{
		web.GET(statuspage.ScopeIncidentsRead, web.Acts(existing, h.list, show)),
		web.POST(statuspage.ScopeIncidentsWrite, web.Creates(h.create)),
	}}}
}

type commentJSON struct {
	ID      int64  `json:"commentID"`
	Body    string `json:"body"`
	Created int64  `json:"createdAt"`
}

func toCommentJSON(c statuspage.Comment) commentJSON { return commentJSON{c.ID, c.Text, c.Created} }

// errTooManyComments says that comments don't fit into one answer: they are never dropped
// in silence (docs/api.md, The legacy API 1.0.0).
var errTooManyComments = bad("too many comments for one answer: read them with limit and cursor from /api/v4/incidents/{incident_id}/comments")

// list returns an incident's comments, oldest first. There is no paging, so the answer must
// hold all.
func (h comments) list(r *web.Request, incident int64) ([]commentJSON, error) {
	shown, full := []commentJSON{}, false
	p := r.Page("", math.MaxInt)
	err := h.store.Notes(r.Context(), incident, func(c statuspage.Comment) bool {
		note := toCommentJSON(c)
		full = !p.Add(note)
		shown = append(shown, note)
		return !full
	})
	if err == nil && full {
		err = errTooManyComments
	}
	slices.Reverse(shown)
	return shown, err
}

func (h comments) create(r *web.Request) (web.Creation[statuspage.Comment], error) {
	var c web.Creation[statuspage.Comment]
	id, err := incidentID(r)
	if err != nil {
		return c, err
	}
	f, err := web.DecodeBody(r.Content)
	if err != nil {
		return c, err
	}
	text, _ := f.Text("body")
	if statuspage.TrimBlank(text) == "" || statuspage.Length(text) > statuspage.MaxComment {
		return c, errBody
	}
	if !id.Exists() {
		c.Refused = statuspage.IncidentNotFound(id.Text)
	}
	c.Create = func(ctx context.Context, once *statuspage.Once[statuspage.Comment]) (statuspage.Comment, error) {
		return h.store.AddNote(ctx, id.N, text, r.Now, once)
	}
	c.Answer = func(made statuspage.Comment) web.Answer { return web.OK(toCommentJSON(made)) }
	return c, nil
}
