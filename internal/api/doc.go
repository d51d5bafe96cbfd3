// Package api is the HTTP edge of the API: it turns requests into calls of the
// domain's stores and answers in JSON. The contract is Kener's REST API v4, with
// the departures that docs/api.md lists. The older API 1.0.0 is served beside it, from
// legacy.go: its routes know that they belong to it, and so do keys and errors.
//
// Every request goes the same way (see serve): trailing slash, key, route, method,
// scope, size of the body, then the route's own handler, which checks what it was
// sent in the contract's order before it asks the table anything. A handler
// returns an answer or an error; one place writes answers and one turns errors
// into them.
//
// A new route is a line in routes.go and a handler.
package api
