// Package ddb is DynamoDB without any entity: one table's keys, items, expressions,
// reads and writes. What the items mean is package dynamo's.
//
// # One way to write
//
// A change is a transaction, see Table.Transact: it carries one request token over all its
// tries, so that it takes effect once, also when an answer is lost or a try arrives late.
// DynamoDB keeps a token for ten minutes after the transaction and refuses a request five
// minutes after its time stamp, so it recognises every late try. A change of an item that
// was read asks that it still has the id and the version that it had then, see Expr.IfSame.
//
// A single UpdateItem, see Table.UpdateAtLeastOnce, is only for changes that may be made
// twice.
//
// Errors are those of package statuspage: Unavailable for what is likely to pass
// (throttling, conflicts, a deadline), and an internal error for all else.
package ddb
