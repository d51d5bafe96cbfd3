package dynamotest

import (
	"flag"
	"strconv"
	"sync"
	"testing"
)

// given are the flags of the command line, asked for before Usually sets any: to package flag
// one that was set and put back is given too.
var given = sync.OnceValue(func() map[string]bool {
	names := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { names[f.Name] = true })
	return names
})

// Usually sets a flag for the test, unless it was given.
func Usually(t testing.TB, name string, value int) {
	if given()[name] {
		return
	}
	before := flag.Lookup(name).Value.String()
	if err := flag.Set(name, strconv.Itoa(value)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := flag.Set(name, before); err != nil {
			t.Error(err)
		}
	})
}
