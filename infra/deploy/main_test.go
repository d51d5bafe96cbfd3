package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const before = `# A comment.
version = 0.1

[dev.global.parameters]
stack_name = "tocsin-dev"
parameter_overrides = "LogLevel=DEBUG CloserSchedule=\"rate(1 minute)\" Empty=\"\""

[dev.deploy.parameters]
capabilities = "CAPABILITY_IAM"
`

// answered runs the questions with these lines as answers, and returns the file that was
// before, as it is after them, and what was said.
func answered(t *testing.T, env, file, region string, lines ...string) (after, said string, err error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "samconfig.toml")
	if err := os.WriteFile(name, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	var in, out strings.Builder
	for _, line := range lines {
		in.WriteString(line + "\n")
	}
	err = run(env, name, "../../template.yaml", region, strings.NewReader(in.String()), &out)
	text, readErr := os.ReadFile(name)
	if readErr != nil {
		t.Fatal(readErr)
	}
	if _, invalid := parseConfig(string(text), env); invalid != nil && err == nil {
		t.Errorf("%v in\n%s", invalid, text)
	}
	return string(text), out.String(), err
}

func TestAnswers(t *testing.T) {
	for _, tt := range []struct {
		name, env, before, region string
		answers                   []string
		want                      string
	}{
		{"Enter for all", "dev", before, "eu-central-1", []string{"", "", "", "", ""}, `# A comment.
version = 0.1

[dev.global.parameters]
stack_name = "tocsin-dev"
parameter_overrides = "LogLevel=DEBUG CloserSchedule=\"rate(1 minute)\" Empty=\"\""
region = "eu-central-1"

[dev.deploy.parameters]
capabilities = "CAPABILITY_IAM"
`},
		{"all answered", "dev", before, "", []string{
			"mine", "us-gov-west-1", "https://status.example.com", "https://a.example,https://b.example", "arn:aws-us-gov:sns:us-gov-west-1:123456789012:alarms",
		}, `# A comment.
version = 0.1

[dev.global.parameters]
stack_name = "mine"
parameter_overrides = "LogLevel=DEBUG CloserSchedule=\"rate(1 minute)\" Empty=\"\" SiteUrl=\"https://status.example.com\" AllowedOrigins=\"https://a.example,https://b.example\" AlarmTopicArn=\"arn:aws-us-gov:sns:us-gov-west-1:123456789012:alarms\""
region = "us-gov-west-1"

[dev.deploy.parameters]
capabilities = "CAPABILITY_IAM"
`},
		{"another environment", "eu-2", before, "eu-west-1", []string{"", "", "", "*", ""}, before + `
[eu-2.global.parameters]
stack_name = "tocsin-eu-2"
region = "eu-west-1"
parameter_overrides = "AllowedOrigins=\"*\""

[eu-2.deploy.parameters]
capabilities = "CAPABILITY_IAM"
resolve_s3 = true
s3_prefix = "tocsin-eu-2"
confirm_changeset = false
fail_on_empty_changeset = false
`},
		// What an earlier version of `make deploy` has kept is what counts.
		{"kept for deploy", "a", `[a.deploy.parameters]
stack_name = "s"
parameter_overrides = "SiteUrl=\"http://old\" LogLevel=\"WARN\""
`, "eu-west-1", []string{"", "", "http://new", "", ""}, `[a.deploy.parameters]
stack_name = "s"
parameter_overrides = "SiteUrl=\"http://new\" LogLevel=\"WARN\""

[a.global.parameters]
region = "eu-west-1"
`},
		// Whatever TOML allows on a line stays there.
		{"comments", "a", ` [ a.global.parameters ] # mine [x]
stack_name = 'tocsin-a' # "its" name
  parameter_overrides='SiteUrl="http://old" LogLevel=WARN' # more

# For deploy.
[a.deploy.parameters] # here
resolve_s3 = true`, "eu-west-1", []string{"", "", "http://new", "", ""}, ` [ a.global.parameters ] # mine [x]
stack_name = 'tocsin-a' # "its" name
  parameter_overrides="SiteUrl=\"http://new\" LogLevel=WARN" # more
region = "eu-west-1"

# For deploy.
[a.deploy.parameters] # here
resolve_s3 = true`},
		{"CRLF", "a", "[a.global.parameters]\r\nstack_name = \"s\"\r\n\r\n[b.global.parameters]\r\nregion = \"us-east-1\"\r\n", "eu-west-1", []string{"t", "", "", "", ""},
			"[a.global.parameters]\r\nstack_name = \"t\"\r\nregion = \"eu-west-1\"\r\n\r\n[b.global.parameters]\r\nregion = \"us-east-1\"\r\n\r\n" +
				"[a.deploy.parameters]\r\ncapabilities = \"CAPABILITY_IAM\"\r\nresolve_s3 = true\r\ns3_prefix = \"t\"\r\nconfirm_changeset = false\r\nfail_on_empty_changeset = false\r\n"},
		{"no end of the last line", "a", "[a.deploy.parameters]\n[a.global.parameters] # here", "eu-west-1", []string{"s", "", "", "", ""},
			"[a.deploy.parameters]\n[a.global.parameters] # here\nstack_name = \"s\"\nregion = \"eu-west-1\"\n"},
	} {
		after, said, err := answered(t, tt.env, tt.before, tt.region, tt.answers...)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if d := cmp.Diff(tt.want, after); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
		if n := strings.Count(said, "]: "); n != 5 {
			t.Errorf("%s: %d questions, want 5:\n%s", tt.name, n, said)
		}
	}
}

// A wrong answer is asked for again, by the template's rules.
func TestWrongAnswers(t *testing.T) {
	const region = "must be the name of a region"
	for _, tt := range []struct {
		answers []string
		want    string
	}{
		{[]string{"1tocsin", "", "", "", "", ""}, "It must be letters, digits and -"},
		{[]string{"", "Frankfurt", "eu-west-1", "", "", ""}, region},
		{[]string{"", "", "status.example.com", "", "", ""}, "starts with http://"},
		{[]string{"", "", "https://" + strings.Repeat("a", 90), "", "", ""}, "at most 90 characters"},
		{[]string{"", "", `https://"x"`, "", "", ""}, "must have no quotes"},
		{[]string{"", "", "", "https://a.example/path", "", ""}, "(no path)"},
		{[]string{"", "", "", "https://a.example, https://b.example", "", ""}, "without blanks"},
		{[]string{"", "", "", "", "my-topic", ""}, "ARN of an SNS topic"},
		{[]string{"", "", "", "", "arn:aws:sqs:eu-west-1:123456789012:queue", ""}, "ARN of an SNS topic"},
		{[]string{"", "", "", "", "arn:aws:sns:us-east-1:123456789012:alarms", ""}, "must be a topic in eu-west-1"},
	} {
		after, said, err := answered(t, "dev", before, "eu-west-1", tt.answers...)
		if err != nil || !strings.Contains(said, tt.want) || strings.Count(said, "]: ") != 6 {
			t.Errorf("%q: %v; want %q and the question again:\n%s", tt.answers, err, tt.want, said)
		}
		if strings.Contains(after, "AlarmTopicArn") || !strings.Contains(after, `region = "eu-west-1"`) {
			t.Errorf("%q: kept\n%s", tt.answers, after)
		}
	}
	// Where no region is usual, Enter is no answer.
	if _, said, err := answered(t, "dev", before, "", "", "", "eu-west-1", "", "", ""); err != nil || !strings.Contains(said, region) {
		t.Errorf("no region: %v\n%s", err, said)
	}
}

const (
	otherRegion = "arn:aws:sns:us-east-1:123456789012:alarms"
	sameRegion  = "arn:aws:sns:eu-west-1:123456789012:alarms"
)

// What the file has can be taken, replaced or emptied; what is refused is not offered again.
func TestPresets(t *testing.T) {
	const text = "[dev.deploy.parameters]\nparameter_overrides = \"SiteUrl='https://a' AlarmTopicArn=%s\"\n"
	for _, tt := range []struct {
		name, topic string
		answers     []string
		want        string // of the overrides
		prompt      string // the last one
	}{
		{"taken", sameRegion, []string{"", ""}, `SiteUrl='https://a' AlarmTopicArn=` + sameRegion, "AlarmTopicArn (- for none) [" + sameRegion + "]: "},
		{"emptied", sameRegion, []string{"-", "-"}, `SiteUrl="" AlarmTopicArn=""`, "AlarmTopicArn (- for none) [" + sameRegion + "]: "},
		{"refused", otherRegion, []string{"", "", ""}, `SiteUrl='https://a' AlarmTopicArn=""`, "AlarmTopicArn []: "},
		{"refused, then another", otherRegion, []string{"", "", sameRegion}, `SiteUrl='https://a' AlarmTopicArn="` + sameRegion + `"`, "AlarmTopicArn []: "},
		{"still offered after a wrong one", sameRegion, []string{"", "x", ""}, `SiteUrl='https://a' AlarmTopicArn=` + sameRegion, "AlarmTopicArn (- for none) [" + sameRegion + "]: "},
	} {
		answers := append([]string{"", "eu-west-1", tt.answers[0], ""}, tt.answers[1:]...)
		after, said, err := answered(t, "dev", strings.Replace(text, "%s", tt.topic, 1), "", answers...)
		c, _ := parseConfig(after, "dev")
		if got, _ := c.textOf("parameter_overrides"); err != nil || got != tt.want {
			t.Errorf("%s: %v, overrides %s, want %s", tt.name, err, got, tt.want)
		}
		if last := said[strings.LastIndex(said, "  AlarmTopicArn"):]; !strings.HasPrefix(last, "  "+tt.prompt) {
			t.Errorf("%s: the last question is %q, want %q", tt.name, last, tt.prompt)
		}
	}
	// A stack has a name.
	if _, said, err := answered(t, "dev", before, "eu-west-1", "-", "", "", "", "", ""); err != nil || !strings.Contains(said, "It must be letters") || !strings.Contains(said, "\n  Stack name [tocsin-dev]: ") {
		t.Errorf("no name: %v\n%s", err, said)
	}
}

// What deploy.sh is told of an environment.
func TestSettings(t *testing.T) {
	for _, tt := range []struct{ file, want, err string }{
		{"[b.global.parameters]\nregion = \"us-east-1\"\n", "", ""},
		{"[a.deploy.parameters]\n", "stack_name=\nregion=\nprofile=\narchitecture=arm64\n", ""},
		{"[a.global.parameters] # here\r\nstack_name = 's' # mine\r\nregion=\"eu-west-1\" # \"mine\"\r\nprofile = \"a \\\"b\\\"\"\r\nparameter_overrides = 'A=b Architecture=\"x86_64\"'\r\n",
			"stack_name=s\nregion=eu-west-1\nprofile=a \"b\"\narchitecture=x86_64\n", ""},
		{"[a.global.parameters]\nstack_name = \"s\"\nregion = \"us-east-1\"\nparameter_overrides = [\"A=b\", \"Architecture=x86_64\"]\n[a.deploy.parameters]\nregion = \"eu-west-1\"\nstack_name = \"\"\n",
			"stack_name=s\nregion=eu-west-1\nprofile=\narchitecture=x86_64\n", ""},
		{"[a.global.parameters.parameter_overrides]\nArchitecture = \"x86_64\"\n", "stack_name=\nregion=\nprofile=\narchitecture=x86_64\n", ""},
		{"[a.global.parameters]\nregion = 1\n", "", "[a.…]: region must be a text in quotes"},
		{"[a.global.parameters]\nstack_name = \"s\\nregion=x\"\n", "", "[a.…]: stack_name must be one line"},
		{"[a.global.parameters]\nregion = eu-west-1\n", "", "line 2"},
	} {
		name := filepath.Join(t.TempDir(), "samconfig.toml")
		if err := os.WriteFile(name, []byte(tt.file), 0o600); err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		err := printSettings("a", name, &out)
		if tt.err == "" && (err != nil || out.String() != tt.want) || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
			t.Errorf("%s: %v, want %q; says\n%swant\n%s", tt.file, err, tt.err, &out, tt.want)
		}
	}
}

// Who gives up, or whose file is not understood, finds it as it was.
func TestNothingKept(t *testing.T) {
	list := strings.Replace(before, `"LogLevel=DEBUG`, `["LogLevel=DEBUG"] # "`, 1)
	for _, tt := range []struct {
		env, before string
		answers     []string
		want        string
	}{
		{"dev", before, []string{"", "eu-west-1", "", ""}, "no answer for AlarmTopicArn"},
		{"dev", list, []string{"", "", "", "", ""}, "[dev.…]: parameter_overrides must be"},
		{"a b", before, []string{"", "", "", "", ""}, "ENV must be"},
		{"dev", "[dev.global.parameters]\nstack_name = tocsin\n", nil, "line 2"},
		{"dev", before + "[dev.global.parameters]\n", nil, "has already been defined"},
		// TOML that is not understood line by line.
		{"dev", "dev = { global = { parameters = { stack_name = \"s\" } } }\n", nil, "write [dev.global.parameters] on a line of its own"},
		{"dev", "dev = 1\n", nil, "write [dev.global.parameters] on a line of its own"},
		{"dev", "[dev]\nglobal.parameters.stack_name = \"s\"\n", nil, "write [dev.global.parameters] on a line of its own"},
		{"dev", "[dev.\"global\".parameters]\nx = 1\n", nil, "write [dev.global.parameters] on a line of its own"},
		{"dev", "[dev.global.parameters]\nstack_name = \"\"\"\ns\"\"\"\n", nil, "write [dev.global.parameters] on a line of its own"},
		{"dev", "[x]\ny = '''\n[dev.global.parameters]\nstack_name = \"s\"\n'''\n", nil, "(other settings would change)"},
	} {
		after, said, err := answered(t, tt.env, tt.before, "eu-west-1", tt.answers...)
		if err == nil || !strings.Contains(err.Error(), tt.want) || after != tt.before {
			t.Errorf("error %v, want %q; the file is\n%s", err, tt.want, after)
		}
		if tt.answers == nil && said != "" {
			t.Errorf("%s: asked\n%s", tt.before, said)
		}
	}
}
