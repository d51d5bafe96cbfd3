// Package api is the tests of both APIs as a client sees them, over HTTP, on a table in a
// real engine.
package api
