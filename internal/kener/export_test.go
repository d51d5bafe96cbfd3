package kener

import (
	"context"
	"time"
)

// NoWait makes the client try again at once, and tells waited how long it would have
// waited.
func (c *Client) NoWait(waited func(time.Duration)) {
	c.wait = func(ctx context.Context, d time.Duration) error {
		waited(d)
		return ctx.Err()
	}
}

// IncidentIDs lists the ids of all incidents.
func (c *Client) IncidentIDs(ctx context.Context, now int64) ([]int64, error) {
	return c.incidentIDs(ctx, now)
}
