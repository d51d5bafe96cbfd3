// Package lambdajob makes Lambda functions of the jobs that schedules start.
package lambdajob

import (
	"fmt"
	"runtime/debug"
)

// panicked makes an error of a panic, which would end the process without a line in
// the log. It is for defer.
func panicked(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
	}
}
