package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"
)

// What becomes of a monitors.yaml of Kener can be imported, and importing it again changes
// nothing.
func TestConvertKener(t *testing.T) {
	flags, dir := rootFlags(t)
	port := freePort(t, dir)
	s := startServer(t, map[string]string{"PORT": port, "DATA": "memory"}, flags...)
	source, made := filepath.Join(t.TempDir(), "kener.yaml"), filepath.Join(t.TempDir(), "monitors.yaml")
	const old = `
- name: Orders API
  tag: Orders_API
  image: /orders.png
  hidden: true
  includeDegradedInDowntime: true
  dayDownMinimumCount: 2
  api: {url: "https://orders.example.com", headers: {A: b}, eval: "(function(){\x1b})"}
  alerts: {DOWN: {failureThreshold: 3, createIncident: true, triggers: [chat]}}
- name: "Mail \u202e\e[2J"
  tag: "m\e"
  status: INACTIVE
  "\e[31mcolour": red
  ping: {hostsV4: [mail.example.com]}
`
	if err := os.WriteFile(source, []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	status, converted, leftOut := tocsin(t, nil, "convert", "kener", source)
	wantLeftOut := `monitor 1: its tag "Orders_API" is kept as "orders_api"
monitor 2: its tag "m\x1b" is kept as "m"
monitor "orders_api": dayDownMinimumCount is left out: it can't be set here
monitor "orders_api": api.eval is left out: no code is run here
monitor "orders_api": alerts.DOWN.triggers is left out: alerts send no messages here
monitor "m": \x1b[31mcolour is left out: there is no such field here
`
	if diff := cmp.Diff(wantLeftOut, leftOut); status != 0 || diff != "" {
		t.Errorf("%d (-want +got):\n%s", status, diff)
	}
	if strings.ContainsFunc(converted, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) || !strings.Contains(converted, `"Mail \u202E\e[2J"`) {
		t.Errorf("it has what is not printable as it is: %q", converted)
	}
	if err := os.WriteFile(made, []byte(converted), 0o600); err != nil {
		t.Fatal(err)
	}
	const dry = " (dry run: nothing was written)"
	const all = "+ monitor orders_api\n+ monitor m\n= monitors: 2 made%\n+ alert rule STATUS CRITICAL of orders_api: DOWN\n= alert rules: 1 made%\n"
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"--dry-run"}, strings.ReplaceAll(all, "%", dry)},
		{nil, strings.ReplaceAll(all, "%", "")},
		{nil, "= monitors: 2 as they should be\n= alert rules: 1 as they should be\nnothing to change\n"},
	} {
		status, out, errs := tocsin(t, nil, append([]string{"monitors", "import", "--local", "--port", port, "--dir", dir, made}, tt.args...)...)
		if diff := cmp.Diff(tt.want, out+errs); status != 0 || diff != "" {
			t.Errorf("%v: %d (-want +got):\n%s", tt.args, status, diff)
		}
	}
	monitor := call(t, s.url+"/api/v4/monitors/orders_api", s.key(), "")["monitor"].(map[string]any)
	want := map[string]any{"url": "https://orders.example.com", "method": "GET", "headers": []any{map[string]any{"key": "A", "value": "b"}}}
	if diff := cmp.Diff(want, monitor["type_data"]); diff != "" || monitor["is_hidden"] != "YES" || monitor["include_degraded_in_downtime"] != "YES" || monitor["image"] != "/orders.png" {
		t.Errorf("the monitor is %v; type_data (-want +got):\n%s", monitor, diff)
	}
}

func TestConvertKenerRefusals(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "kener.yaml")
	long := "- {tag: a, name: A, description: " + strings.Repeat("x", 65_000) + ", category: " + strings.Repeat("y", 1000) + "}"
	for _, tt := range []struct {
		text   string
		args   []string
		status int
		want   string
	}{
		{"", nil, 2, "tocsin: say which file: tocsin convert kener FILE\n"},
		{"", []string{file, file}, 2, "tocsin: say which file: tocsin convert kener FILE\n"},
		{"", []string{"--local", file}, 2, "tocsin: unknown flag: --local\n"},
		{"", []string{filepath.Join(dir, "missing")}, 1, "tocsin: reading the monitors: open " + filepath.Join(dir, "missing") + ": no such file or directory\n"},
		{"monitors: []", []string{file}, 1, "tocsin: " + file + ": it is no list of monitors, as the monitors.yaml of Kener is\n"},
		{long, []string{file}, 1, "tocsin: " + file + ": what it would become can't be imported: line 2: monitor 1: "},
	} {
		if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		status, out, errs := tocsin(t, nil, append([]string{"convert", "kener"}, tt.args...)...)
		if status != tt.status || out != "" || !strings.HasPrefix(errs, tt.want) {
			t.Errorf("%v: %d %q %q, want %q", tt.args, status, out, errs, tt.want)
		}
	}
	if status, out, _ := tocsin(t, nil, "convert"); status != 0 || !strings.Contains(out, "kener") {
		t.Errorf("help: %d %s", status, out)
	}
	if status, _, errs := tocsin(t, nil, "convert", "statuspage"); status != 2 || errs != "tocsin: unknown command \"statuspage\" for \"tocsin convert\"\n" {
		t.Errorf("another tool: %d %s", status, errs)
	}
}

// What is escaped reads as it was, wherever it stands.
func TestEscapedYAML(t *testing.T) {
	want := map[string]any{
		"a\u202eb": "x\u202e: y", "list": []any{"#\u00a0", "\u200b", "it's \u2066", "\U000e0001\\", "line\n\u202eline\n", "é😀", strings.Repeat("long ", 60) + "\u202e"}, "n": 7, "no": "7\u00ad", "yes": "true",
	}
	text, err := yaml.Dump(want, yaml.WithIndent(2))
	if err != nil {
		t.Fatal(err)
	}
	escaped, err := escapedYAML(text)
	if err != nil {
		t.Fatal(err)
	}
	if strings.ContainsFunc(string(escaped), func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) {
		t.Errorf("it has what is not printable as it is: %q", escaped)
	}
	var got map[string]any
	if err := yaml.Load(escaped, &got); err != nil {
		t.Fatalf("%v: %s", err, escaped)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s\n%s", diff, escaped)
	}
	if same, err := escapedYAML([]byte("a:  b # c\n")); err != nil || string(same) != "a:  b # c\n" {
		t.Errorf("%q, %v", same, err)
	}
}
