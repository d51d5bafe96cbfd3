package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The example monitors come into a table that has none, with the names that the first
// run gives them, and a table that has them stays as it is.
func TestImportExamples(t *testing.T) {
	flags, dir := rootFlags(t)
	port := freePort(t, dir)
	s := startServer(t, map[string]string{"PORT": port, "DATA": "memory"}, flags...)
	for _, tt := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"--examples", "monitors.yaml"}, 1, "tocsin: say either which file or --examples, not both\n"},
		{[]string{"--examples"}, 0, "+ monitor website\n+ monitor search\n+ monitor checkout\n+ monitor accounts\n+ monitor email\n+ monitor api\n= monitors: 6 made\n"},
		{[]string{"--examples"}, 0, "= monitors: 6 as they should be\nnothing to change\n"},
	} {
		status, out, errs := tocsin(t, nil, append([]string{"monitors", "import", "--local", "--port", port, "--dir", dir}, tt.args...)...)
		if diff := cmp.Diff(tt.want, out+errs); status != tt.status || diff != "" {
			t.Errorf("%v: %d (-want +got):\n%s", tt.args, status, diff)
		}
	}
	monitor := call(t, s.url+"/api/v4/monitors/accounts", s.key(), "")["monitor"].(map[string]any)
	if monitor["name"] != "Accounts and sign-in" {
		t.Errorf("name %v", monitor["name"])
	}
}

// A file is taken from its place, and named where it can't be.
func TestImportFile(t *testing.T) {
	flags, dir := rootFlags(t)
	port := freePort(t, dir)
	startServer(t, map[string]string{"PORT": port}, flags...)
	file, missing := filepath.Join(t.TempDir(), "monitors.yaml"), filepath.Join(t.TempDir(), "missing.yaml")
	const want = "+ monitor mars\n= monitors: 1 made"
	for _, tt := range []struct {
		text   string
		args   []string
		status int
		want   string
	}{
		{"", nil, 1, "tocsin: say which file: tocsin monitors import FILE\n"},
		{"", []string{missing}, 1, "tocsin: reading the definitions: open " + missing + ": no such file or directory\n"},
		{"monitors: [{tag: mars}]", []string{file}, 1, "tocsin: " + file + ": line 1: monitor 1: Name is required and must be a non-empty string\n"},
		{"monitors: [{tag: mars, name: Mars}]", []string{"--dry-run", file}, 0, want + " (dry run: nothing was written)\n"},
		{"monitors: [{tag: mars, name: Mars}]", []string{file}, 0, want + "\n"},
		{"alert_rules: [{alert_for: NO_DATA, alert_value: 5, monitor_tags: [pluto]}]", []string{file}, 1, "tocsin: " + file + ": line 1: alert rule 1: Monitor with tag 'pluto' not found\n"},
	} {
		if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		status, out, errs := tocsin(t, nil, append([]string{"monitors", "import", "--local", "--port", port, "--dir", dir}, tt.args...)...)
		if diff := cmp.Diff(tt.want, out+errs); status != tt.status || diff != "" {
			t.Errorf("%s %v: %d (-want +got):\n%s", tt.text, tt.args, status, diff)
		}
	}
}
