package dynamo_test

import (
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

// checkFinished is checkTable for a table in which no deletion may be unfinished.
func checkFinished(t testing.TB, tb *dynamotest.Table) *dynamotest.Contents {
	t.Helper()
	c := checkTable(t, tb)
	for row := range c.Cleanups {
		t.Errorf("the deletion of %s is not finished", row)
	}
	return c
}
