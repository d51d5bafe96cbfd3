// Package web is what every HTTP surface of the service shares: the way of a request from
// its path to an answer, API keys, idempotency, pages of a list, and the reading of
// bodies and queries. It knows no resource and no platform.
//
// Every request goes the same way (see New): trailing slash, key, route, method, scope,
// size of the body, then the route's Handler, which checks what it was sent in the order of
// docs/api.md and returns an Action. Only an Action asks the table anything. One
// place writes answers, and one turns errors into them, in the Dialect of the route.
package web
