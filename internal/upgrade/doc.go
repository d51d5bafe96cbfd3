// Package upgrade tests that a table of an earlier version is the same to this one, and that
// the earlier version still reads it afterwards, as it must while an update is under way or
// is rolled back.
//
// See docs/testing.md. The package has only tests.
package upgrade
