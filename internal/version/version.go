// Package version says which version of Tocsin this is.
package version

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
)

// Number is the newest version of CHANGELOG.md. A program built from a later commit has it
// too: the commit tells them apart.
const Number = "0.1.0"

// UserAgent is how Tocsin introduces itself where it is the client.
const UserAgent = "tocsin/" + Number

// commit is what git describe says of the source, set by -ldflags -X; "" for not known.
var commit string

// String says the version, the commit, Go's version, the system and the processor in one
// line. The commit is missing when neither -ldflags nor go build has put it in.
func String() string {
	of := cmp.Or(commit, recorded())
	if of != "" {
		of = " (" + of + ")"
	}
	return fmt.Sprintf("%s%s, %s, %s/%s", Number, of, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// recorded returns the commit that go build has put in, as git describe shortens and marks
// it, or "".
func recorded() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	of := settings["vcs.revision"]
	of = of[:min(len(of), 7)]
	if of != "" && settings["vcs.modified"] == "true" {
		of += "-dirty"
	}
	return of
}
