package statuspage

import "tocsin/internal/opt"

// MaxComment is the length limit of a comment in UTF-16 units (docs/api.md, Bodies and paths).
const MaxComment = 65536

// A Comment is one update on an incident's timeline. Comment ids are unique
// across incidents.
type Comment struct {
	ID         int64
	IncidentID int64
	Text       string
	Time       int64 // UTC seconds, a whole minute
	State      State
	Created    int64 // UTC seconds
	Updated    int64 // UTC seconds
	Version    int64 // rises with every write of the comment
}

// NewComment is what a client gives to comment on an incident.
type NewComment struct {
	Text  string
	Time  int64 // UTC seconds, a whole minute
	State State
}

// Made returns the comment with the id as it is made at now (UTC seconds). Its incident
// follows, see Incident.Commented.
func (n NewComment) Made(incidentID, id, now int64) Comment {
	return Comment{
		ID: id, IncidentID: incidentID, Text: n.Text, Time: n.Time, State: n.State, Created: now, Updated: now, Version: 1,
	}
}

// CommentPatch is a partial update of a comment. None of its fields can be null.
type CommentPatch struct {
	Text  opt.Field[string]
	Time  opt.Field[int64]
	State opt.Field[State]
}

// Apply returns the comment with the patch in it, updated at now (UTC seconds).
// The incident does not follow (docs/api.md, Incidents).
func (c Comment) Apply(p CommentPatch, now int64) Comment {
	c.Text = p.Text.Or(c.Text)
	c.Time = p.Time.Or(c.Time)
	c.State = p.State.Or(c.State)
	c.Updated = now
	c.Version++
	return c
}
