package dynamotest_test

import (
	"flag"
	"testing"

	"tocsin/internal/dynamotest"
)

var number = flag.Int("number-of-flags-test", 100, "a flag for TestUsually alone")

// Each test that says so has its own value, not only the first one.
func TestUsually(t *testing.T) {
	for _, value := range []int{3, 4} {
		t.Run("", func(t *testing.T) {
			dynamotest.Usually(t, "number-of-flags-test", value)
			if *number != value {
				t.Errorf("it is %d", *number)
			}
		})
		if *number != 100 {
			t.Errorf("then it is %d", *number)
		}
	}
}
