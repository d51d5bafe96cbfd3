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
	} {
		after, _, err := answered(t, tt.env, tt.before, "eu-west-1", tt.answers...)
		if err == nil || !strings.Contains(err.Error(), tt.want) || after != tt.before {
			t.Errorf("error %v, want %q; the file is\n%s", err, tt.want, after)
		}
	}
}
