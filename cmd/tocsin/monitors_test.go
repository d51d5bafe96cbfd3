package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// definitionFile writes a file of definitions.
func definitionFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "monitors.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestImportMonitors(t *testing.T) {
	flags, dir := rootFlags(t)
	port := freePort(t, dir)
	startServer(t, map[string]string{"PORT": port}, flags...)
	first := definitionFile(t, `
monitors:
  - {tag: earth, name: Mother Earth, cron: "* * * * *"}   # an example monitor
  - tag: mars
    name: Mars
    include_degraded_in_downtime: "YES"
    type_data: {url: https://mars.example, timeout: 5}
  - {tag: google, name: Google}                           # as it is
`)
	want := `~ monitor earth: cron null → "* * * * *", name "Earth" → "Mother Earth"
+ monitor mars
monitors: 1 made, 1 changed, 1 as they should be`
	again := "monitors: 0 made, 0 changed, 3 as they should be\n"
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"--dry-run"}, want + " (dry run: nothing was written)\n"},
		{nil, want + "\n"},
		{nil, again},
	} {
		status, out, errs := tocsin(t, nil, append([]string{"monitors", "import", "--local", "--port", port, "--dir", dir, first}, tt.args...)...)
		if diff := cmp.Diff(tt.want, out); status != 0 || diff != "" {
			t.Errorf("%v: %d, %s (-want +got):\n%s", tt.args, status, errs, diff)
		}
	}
	second := definitionFile(t, "monitors: [{tag: mars, name: Mars, include_degraded_in_downtime: 'NO', cron: null, type_data: {timeout: 9}}]")
	status, out, errs := tocsin(t, nil, "monitors", "import", "--local", "--port", port, "--dir", dir, second)
	want = `~ monitor mars: include_degraded_in_downtime "YES" → "NO", type_data {"timeout":5,"url":"https://mars.example"} → {"timeout":9,"url":"https://mars.example"}
monitors: 0 made, 1 changed, 0 as they should be
`
	if diff := cmp.Diff(want, out); status != 0 || diff != "" {
		t.Errorf("%d, %s (-want +got):\n%s", status, errs, diff)
	}
}

// A file with a mistake in it does nothing, and says where the mistake is.
func TestImportMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"monitors: [{tag: a, name: A}, {tag: b}]":          "monitor 2: Name is required and must be a non-empty string",
		"monitors: [{tag: A, name: A}]":                    "monitor 1: Tag must be URL-friendly",
		"monitors: [{tag: a, name: A, latency: 5}]":        "monitor 1: unknown field latency: there are tag, name,",
		"monitors: [{tag: a, name: A}, {tag: a, name: B}]": "monitor 2: the tag a is there twice",
		"monitors: [{tag: a, name: A, image: 5}]":          "monitor 1: image must be a string",
		"monitors: [{tag: a, name: A, type_data: {1: 2}}]": "monitor 1: ",
		"pages: []":        "there is no pages to define",
		"monitors: [5]":    "it is not YAML of lists",
		"monitors: {a: b}": "it is not YAML of lists",
		"monitors: [":      "it is not YAML of lists",
		"monitors: [{tag: a, name: A, confirmation_threshold: 61}]": "monitor 1: confirmation_threshold must be an integer between 1 and 60",
	} {
		_, err := parseDefinitions([]byte(text))
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s…", text, err, want)
		}
	}
	status, out, errs := tocsin(t, nil, "monitors", "import", "--local", "no-such-file.yaml")
	if status != 1 || out != "" || !strings.HasPrefix(errs, "tocsin: reading the definitions: ") {
		t.Errorf("no such file: %d %q %q", status, out, errs)
	}
}
