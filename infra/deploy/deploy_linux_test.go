package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// fakeSAM stands in for the SAM CLI: it notes how it is called, knows the stack after a
// deployment, and asks before it deploys prod, as SAM CLI does when confirm_changeset says so.
const fakeSAM = `#!/bin/sh
echo "$*" >>"$FAKE/calls"
case $1 in
	list)
		[ -e "$FAKE/stack" ] || { echo 'Error: The input stack does not exist on Cloudformation' >&2; exit 1; }
		printf '[\n {\n  "OutputKey": "ApiUrl",\n  "OutputValue": "https://api"\n },\n {\n  "OutputKey": "TableName",\n  "OutputValue": "table"\n }\n]\n'
		;;
	deploy)
		case $* in *"--config-env prod"*) read -r yes && [ "$yes" = y ] || exit 1 ;; esac
		touch "$FAKE/stack"
		;;
esac
`

// makeDeploy is a place for `make deploy` with a SAM CLI that deploys nothing.
type makeDeploy struct{ dir string }

func newMakeDeploy(t *testing.T) makeDeploy {
	t.Helper()
	m := makeDeploy{dir: t.TempDir()}
	config, err := os.ReadFile("../../samconfig.toml")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"sam": fakeSAM, "samconfig.toml": string(config), "calls": ""} {
		if err := os.WriteFile(filepath.Join(m.dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func (m makeDeploy) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(m.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// run runs deploy.sh, at a terminal with these lines typed, or without one, and returns what
// it said and what SAM CLI was called with meanwhile.
func (m makeDeploy) run(t *testing.T, env string, terminal bool, typed ...string) (said string, calls []string, err error) {
	t.Helper()
	past := len(m.read(t, "calls"))
	c := exec.CommandContext(t.Context(), "./deploy.sh", "--tags", "a=b")
	c.Env = append(os.Environ(), "ENV="+env, "SAM="+m.dir+"/sam", "CONFIG="+m.dir+"/samconfig.toml", "BUILD="+m.dir+"/build", "FAKE="+m.dir, "AWS_REGION=eu-west-1")
	if terminal {
		ours, its := openTerminal(t)
		c.Stdin = its
		if _, err := ours.WriteString(strings.Join(typed, "\n") + "\n"); err != nil {
			t.Fatal(err)
		}
	}
	text, err := c.CombinedOutput()
	return string(text), strings.Split(strings.TrimSpace(m.read(t, "calls")[past:]), "\n"), err
}

// openTerminal returns the two sides of a new terminal.
func openTerminal(t *testing.T) (ours, its *os.File) {
	t.Helper()
	ours, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ours.Close() })
	var locked, number uint32
	for request, value := range map[uintptr]*uint32{syscall.TIOCSPTLCK: &locked, syscall.TIOCGPTN: &number} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, ours.Fd(), request, uintptr(unsafe.Pointer(value))); errno != 0 {
			t.Fatal(errno)
		}
	}
	if its, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { its.Close() })
	return ours, its
}

var asks = regexp.MustCompile(`(?m)^  [A-Za-z ]+ \[`)

// The first time `make deploy` asks five questions and deploys with the answers; the second
// time it asks nothing.
func TestFirstDeployment(t *testing.T) {
	for _, tt := range []struct {
		env, stack string
		typed      []string // after the answers
	}{{"dev", "tocsin-dev", nil}, {"prod", "tocsin-prod", []string{"y"}}, {"staging", "tocsin-staging", nil}} {
		m := newMakeDeploy(t)
		said, calls, err := m.run(t, tt.env, true, append([]string{"", "", "https://status.example.com", "", ""}, tt.typed...)...)
		if err != nil || len(asks.FindAllString(said, -1)) != 5 {
			t.Fatalf("%s: %v\n%s", tt.env, err, said)
		}
		wantCalls := []string{
			"list stack-outputs --stack-name " + tt.stack + " --output json --region eu-west-1",
			"build --config-file " + m.dir + "/samconfig.toml --config-env " + tt.env,
			"deploy --no-fail-on-empty-changeset --config-file " + m.dir + "/samconfig.toml --config-env " + tt.env + " --template-file " + m.dir + "/build/template.yaml --tags a=b",
			"list stack-outputs --stack-name " + tt.stack + " --output json --region eu-west-1",
		}
		if len(calls) != len(wantCalls) {
			t.Fatalf("%s: SAM CLI was called with\n%s", tt.env, strings.Join(calls, "\n"))
		}
		for n, want := range wantCalls {
			if !strings.HasPrefix(calls[n], want) || strings.Contains(calls[n], "--guided") {
				t.Errorf("%s: SAM CLI was called with\n%s\nwant\n%s", tt.env, calls[n], want)
			}
		}
		if !strings.Contains(said, "https://api") || !strings.Contains(said, "keys create --table table --region eu-west-1") {
			t.Errorf("%s: does not say where the API is and how to make a key:\n%s", tt.env, said)
		}
		kept := m.read(t, "samconfig.toml")
		if !strings.Contains(kept, `SiteUrl=\"https://status.example.com\"`) {
			t.Errorf("%s: kept\n%s", tt.env, kept)
		}
		said, calls, err = m.run(t, tt.env, true, tt.typed...)
		if err != nil || asks.MatchString(said) || len(calls) != 4 || m.read(t, "samconfig.toml") != kept {
			t.Errorf("%s, again: %v, %d calls\n%s", tt.env, err, len(calls), said)
		}
	}
}

// Without a terminal `make deploy` asks nothing, and deploys what the file and the options say.
func TestDeploymentWithoutTerminal(t *testing.T) {
	m := newMakeDeploy(t)
	before := m.read(t, "samconfig.toml")
	said, calls, err := m.run(t, "dev", false)
	if err != nil || asks.MatchString(said) || len(calls) != 4 || !strings.HasSuffix(calls[2], "--no-progressbar --tags a=b") || m.read(t, "samconfig.toml") != before {
		t.Errorf("%v\n%s\n%s", err, said, strings.Join(calls, "\n"))
	}
	said, _, err = m.run(t, "staging", false)
	if err == nil || !strings.Contains(said, "knows no environment staging") {
		t.Errorf("an environment that is not there: %v\n%s", err, said)
	}
	// Who gives up has deployed nothing.
	_, calls, err = m.run(t, "prod", true, "", "\x04")
	if err == nil || calls[0] != "" || m.read(t, "samconfig.toml") != before {
		t.Errorf("given up: %v, calls %q", err, calls)
	}
}

// The file may be written in any way that TOML allows.
func TestDeploymentOfAnyTOML(t *testing.T) {
	m := newMakeDeploy(t)
	text := "[dev.global.parameters] # here\r\nstack_name = 'tocsin-x' # mine\r\nparameter_overrides = 'Architecture=\"x86_64\"' # \"\r\n"
	file := filepath.Join(m.dir, "samconfig.toml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	said, calls, err := m.run(t, "dev", true, "", "", "", "", "")
	if err != nil || len(asks.FindAllString(said, -1)) != 5 || !strings.Contains(said, "Stack name [tocsin-x]: ") {
		t.Fatalf("%v\n%s", err, said)
	}
	kept := m.read(t, "samconfig.toml")
	if !strings.HasPrefix(kept, text+"region = \"eu-west-1\"\r\n") {
		t.Errorf("kept\n%s", kept)
	}
	check := func(calls []string) {
		t.Helper()
		if len(calls) != 4 || calls[0] != "list stack-outputs --stack-name tocsin-x --output json --region eu-west-1" || !strings.HasSuffix(calls[1], "--parameter-overrides Architecture=x86_64") || calls[3] != calls[0] {
			t.Errorf("SAM CLI was called with\n%s", strings.Join(calls, "\n"))
		}
	}
	check(calls)
	if err := os.WriteFile(file, []byte(strings.Replace(kept, "-1\"", "-1\" # mine", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	said, calls, err = m.run(t, "dev", true)
	if err != nil || asks.MatchString(said) {
		t.Errorf("%v\n%s", err, said)
	}
	check(calls)
	if err := os.WriteFile(file, []byte(text+"[dev.global.parameters]\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	said, calls, err = m.run(t, "dev", true)
	if err == nil || calls[0] != "" || !strings.Contains(said, "has already been defined") {
		t.Errorf("no TOML: %v, calls %q\n%s", err, calls, said)
	}
}
