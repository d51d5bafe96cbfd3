// Package statuspage is the domain of Tocsin: incidents, their comments, the monitors they
// affect, API keys, and the rules that hold between them. It knows no HTTP, no AWS and no
// encoding of its types: the edges (packages web, apiv4 and apilegacy) and the repository
// (package dynamo) translate to and from it.
//
// Instants are UTC Unix seconds (int64). Those a client sends are floored to the
// minute by [FloorMinute]; those the service sets itself (created, updated,
// closed) keep their second.
package statuspage
