// Package apiv4 is the API v4 over HTTP: its resources, a file each, with its routes, its
// handlers, its JSON and what it needs of a repository. The contract is Kener's REST API
// v4, with the departures that docs/api.md lists.
//
// # Stores
//
// The Store interfaces are the contract with a repository. They hold for all of them:
//
//   - A write is whole or not at all, and two writers at once lose nothing.
//   - A write whose answer was lost on the way and that is sent again by the
//     repository itself takes effect once and answers as if nothing had been lost.
//   - Reads are strongly consistent, but for lists of incidents without tags, searches
//     and lists of API keys, which follow a write within moments.
//   - A creation that is given a Once keeps its reply with what it makes, or returns
//     ErrIdempotencyRunning and makes nothing when the claim has ended. Nil is for a
//     request that is not idempotent.
//   - A failure that a client may be told of is a *statuspage.Error; throttling and
//     conflicts that outlast the retries are Unavailable. Any other error is internal.
//   - now is the time of the request in UTC seconds, read once by the caller.
//   - A list calls take with each record that matches, in the list's order, until take
//     refuses one, the list ends, or the repository has read as many rows as one page may
//     cost. It returns where the next page starts, nil or 0 when the list has ended: after
//     the last record taken or passed over, so that one that was refused comes first on the
//     next page.
package apiv4
