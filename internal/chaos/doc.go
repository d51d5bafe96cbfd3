// Package chaos tests the whole service while everything that can fail does: the
// functions run behind the local gateway, some in the test's process and some as
// processes of their own, as Lambda runs them, and call DynamoDB Local through a proxy
// that throttles, refuses, is silent, is slow and breaks connections. Processes are killed
// in the middle of a request. Clients write all the time, and at the end every write
// that was acknowledged is there exactly once.
//
// See docs/testing.md. The package has only tests.
package chaos
