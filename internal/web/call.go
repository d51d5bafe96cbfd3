package web

import "context"

// A Call is what the program around the handler and the handler tell each other about a
// request. Before, the program sets what the gateway knows; afterwards it reads the rest
// for the log line.
type Call struct {
	RequestID string // the gateway's, shown to the client as x-request-id
	Origin    string // scheme and host that the request came to, as the gateway says

	Route string // the pattern that matched, with its method; "" when none did
	KeyID int64  // the API key's id; 0 without a valid key
	Cause error  // why the answer is a 5xx

	Failure []byte // the JSON body of the 500 for a panic, in the words of the route's API
}

type callKey struct{}

// WithCall returns a context that carries the call.
func WithCall(ctx context.Context, c *Call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// CallFrom returns the context's call, or an empty one that nobody will read.
func CallFrom(ctx context.Context) *Call {
	if c, ok := ctx.Value(callKey{}).(*Call); ok {
		return c
	}
	return &Call{}
}
