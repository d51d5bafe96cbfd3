package dynamo_test

import (
	"strings"
	"testing"

	"tocsin/internal/dynamotest"
)

// checkTable fails the test for everything in the table that contradicts itself.
func checkTable(t testing.TB, tb *dynamotest.Table) *dynamotest.Contents {
	t.Helper()
	c := tb.Contents(t)
	for _, p := range c.Check() {
		t.Error(p)
	}
	return c
}

// longAfter is a time (UTC seconds) at which no write of a test can be under way any more.
const longAfter = now + 365*24*60*60

// checkFinished is checkTable for a table in which no deletion may be unfinished. The rows of
// a deleted monitor are looked for once more some minutes after its deletion: that is done.
func checkFinished(t testing.TB, tb *dynamotest.Table) *dynamotest.Contents {
	t.Helper()
	for row := range checkTable(t, tb).Cleanups {
		if !strings.HasPrefix(row, "MONITOR ") {
			t.Errorf("the deletion of %s is not finished", row)
		}
	}
	if _, err := tb.Store(nil).Cleanup(t.Context(), longAfter); err != nil {
		t.Error(err)
	}
	c := checkTable(t, tb)
	for row := range c.Cleanups {
		t.Errorf("the deletion of %s is not finished", row)
	}
	return c
}
