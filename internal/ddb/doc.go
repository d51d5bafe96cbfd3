// Package ddb is DynamoDB without any entity: one table's keys, items, expressions,
// reads and writes. What the items mean is package dynamo's.
//
// # One way to write
//
// A change is a transaction, see Table.Transact: it carries one request token over all
// its tries, so that one whose answer was lost, or that arrives when it has long been
// repeated, takes effect once. DynamoDB keeps a token for ten minutes after the
// transaction and refuses a request five minutes after its time stamp, so there is no
// late try that it does not recognise. A change of an item that was read asks that it
// still has the id and the version that it had then, see Expr.IfSame.
//
// A single UpdateItem, see Table.Update, is only for what may be done twice.
//
// Errors are those of package statuspage: Unavailable for what is likely to pass
// (throttling, conflicts, a deadline), and an internal error for all else.
package ddb
