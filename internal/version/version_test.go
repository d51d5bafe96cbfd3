package version

import (
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"testing"
)

// The number is that of the newest version in the changelog, which is in the form of Keep
// a Changelog: what is not released comes first, then the versions, the newest first, each
// with its date.
func TestNumber(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "CHANGELOG.md"))
	if err != nil {
		t.Fatal(err)
	}
	headings := regexp.MustCompile(`(?m)^## (.*)$`).FindAllStringSubmatch(string(text), -1)
	if len(headings) < 2 || headings[0][1] != "[Unreleased]" {
		t.Fatalf("the changelog has the sections %q", headings)
	}
	for n, heading := range headings[1:] {
		version := regexp.MustCompile(`^\[(\d+\.\d+\.\d+)\] - \d{4}-\d\d-\d\d$`).FindStringSubmatch(heading[1])
		if version == nil {
			t.Errorf("the section %q is not [VERSION] - DATE", heading[1])
		} else if n == 0 && version[1] != Number {
			t.Errorf("this is %s, the newest version in the changelog is %s", Number, version[1])
		}
	}
}

func TestString(t *testing.T) {
	defer func(was string) { commit = was }(commit)
	end := ", " + runtime.Version() + ", " + runtime.GOOS + "/" + runtime.GOARCH
	commit = "v0.1.0-3-gabcdef0"
	if got, want := String(), Number+" (v0.1.0-3-gabcdef0)"+end; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	commit = "" // the binary of a test has none either
	if got, want := String(), Number+end; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
