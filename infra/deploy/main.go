// Deploy asks the five things that a new stack needs to know, and keeps the answers in
// samconfig.toml, where `sam deploy` finds them. infra/deploy/deploy.sh runs it, at a
// terminal, when an environment has no region there yet, and with -show for what the file says.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
)

func main() {
	env := flag.String("env", "dev", "the environment")
	config := flag.String("config", "samconfig.toml", "the file with the environments")
	template := flag.String("template", "template.yaml", "the template with the parameters")
	show := flag.Bool("show", false, "ask nothing, and print what make deploy needs to know of the environment")
	flag.Parse()
	var err error
	if *show {
		err = printSettings(*env, *config, os.Stdout)
	} else {
		err = run(*env, *config, *template, usualRegion(), os.Stdin, os.Stderr)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "make deploy:", err)
		os.Exit(1)
	}
}

// usualRegion returns the region that the user's tools use, or "".
func usualRegion() string {
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		if region := os.Getenv(name); region != "" {
			return region
		}
	}
	region, err := exec.Command("aws", "configure", "get", "region").Output()
	if err != nil {
		return "" // without that tool the region has to be typed
	}
	return strings.TrimSpace(string(region))
}

// readConfig reads the file with the environments, of which env is meant.
func readConfig(env, file string) (config, error) {
	if !regexp.MustCompile(`^[A-Za-z0-9_-]+$`).MatchString(env) {
		return config{}, fmt.Errorf("ENV must be letters, digits, - and _, not %q", env)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return config{}, err
	}
	c, err := parseConfig(string(text), env)
	if err != nil {
		return config{}, fmt.Errorf("%s: %w", file, err)
	}
	return c, nil
}

// architecture is where parameter_overrides, in any form that SAM CLI takes, have it.
var architecture = regexp.MustCompile(`\bArchitecture[=:]["']?([a-z0-9_]*)`)

// printSettings prints what deploy.sh needs to know of an environment, a line NAME=VALUE
// each; nothing when there is no such environment.
func printSettings(env, file string, out io.Writer) error {
	c, err := readConfig(env, file)
	if err != nil || c.tree[env] == nil {
		return err
	}
	for _, name := range []string{"stack_name", "region", "profile"} {
		value, err := c.textOf(name)
		if err == nil && strings.ContainsAny(value, "\r\n") {
			err = fmt.Errorf("%s must be one line", name)
		}
		if err != nil {
			return fmt.Errorf("%s, [%s.…]: %w", file, env, err)
		}
		fmt.Fprintf(out, "%s=%s\n", name, value)
	}
	value := "arm64"
	if found := architecture.FindStringSubmatch(fmt.Sprint(c.get("parameter_overrides"))); found != nil && found[1] != "" {
		value = found[1]
	}
	_, err = fmt.Fprintf(out, "architecture=%s\n", value)
	return err
}

// run asks on out, reads the answers from in, and writes them all at once into the config
// file. Without an answer to each question it writes nothing.
func run(env, configFile, templateFile, region string, in io.Reader, out io.Writer) error {
	c, err := readConfig(env, configFile)
	if err != nil {
		return err
	}
	questions, err := readQuestions(templateFile)
	if err != nil {
		return err
	}
	wrong := func(err error) error { return fmt.Errorf("%s, [%s.…]: %w", configFile, env, err) }
	stack, err := c.textOf("stack_name")
	if err != nil {
		return wrong(err)
	}
	given, err := c.textOf("parameter_overrides")
	if err != nil {
		return wrong(err)
	}
	overrides, err := parseOverrides(given)
	if err != nil {
		return wrong(err)
	}
	// Whether answers can be kept is known before anything is asked.
	if _, err := c.answered("any", "any", "Any=any"); err != nil {
		return wrong(err)
	}

	fmt.Fprintf(out, "\nFive questions about the stack of %s. Enter takes what is in brackets, and - means none. Every other parameter has its default, which docs/operate.md describes.\n", env)
	a := asker{in: bufio.NewReader(in), out: out}
	if stack == "" {
		stack = "tocsin-" + env
	}
	if stack, err = a.ask("Name of the stack.", "Stack name", stack, matches(`^[a-zA-Z][a-zA-Z0-9-]{0,127}$`, "must be letters, digits and -, beginning with a letter")); err != nil {
		return err
	}
	if region, err = a.ask("Region of AWS, for instance eu-central-1. All of them work; take another than the one that your own services are in.", "Region", region,
		matches(`^[a-z]{2}(-[a-z]+)+-[0-9]+$`, "must be the name of a region, like eu-central-1")); err != nil {
		return err
	}
	for _, q := range questions {
		answer, err := a.ask(q.Description, q.name, overrides.get(q.name), func(answer string) error { return q.check(answer, region) })
		if err != nil {
			return err
		}
		if answer != overrides.get(q.name) {
			overrides.set(q.name, answer)
		}
	}

	if c, err = c.answered(stack, region, overrides.String()); err != nil {
		return wrong(err)
	}
	if err := os.WriteFile(configFile, []byte(c.text), 0o644); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nThe answers are in %s, under [%s.…], and are not asked for again: change them there.\n\n", configFile, env)
	return nil
}

// answered returns the file with the answers.
func (c config) answered(stack, region, overrides string) (config, error) {
	for _, setting := range [][2]string{{"stack_name", stack}, {"region", region}, {"parameter_overrides", overrides}} {
		if setting[1] == "" {
			continue
		}
		if err := c.set(setting[0], setting[1]); err != nil {
			return c, err
		}
	}
	return c, c.addDeploy(fmt.Sprintf(newEnvironment, stack))
}

// newEnvironment is what `sam deploy` needs to know besides.
const newEnvironment = `
capabilities = "CAPABILITY_IAM"
resolve_s3 = true
s3_prefix = "%s"
confirm_changeset = false
fail_on_empty_changeset = false
`

// asked are the parameters that are asked for, in this order.
var asked = []string{"SiteUrl", "AllowedOrigins", "AlarmTopicArn"}

// A question is a parameter of the template that is asked for, by the template's own words
// and rules.
type question struct {
	name        string
	Description string `yaml:"Description"`
	Pattern     string `yaml:"AllowedPattern"`
	MaxLength   int    `yaml:"MaxLength"`
	Constraint  string `yaml:"ConstraintDescription"`
}

func readQuestions(file string) ([]question, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var template struct {
		Parameters map[string]question `yaml:"Parameters"`
	}
	if err := yaml.Unmarshal(text, &template); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var questions []question
	for _, name := range asked {
		q, ok := template.Parameters[name]
		if !ok {
			return nil, fmt.Errorf("%s has no parameter %s", file, name)
		}
		if _, err := regexp.Compile(q.Pattern); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", file, name, err)
		}
		q.name = name
		questions = append(questions, q)
	}
	return questions, nil
}

// check says what is wrong with an answer for a stack in this region.
func (q question) check(answer, region string) error {
	switch {
	case !regexp.MustCompile(q.Pattern).MatchString(answer), q.MaxLength > 0 && len(answer) > q.MaxLength:
		return errors.New(q.Constraint)
	case strings.ContainsAny(answer, `"'\`):
		return errors.New(`must have no quotes and no \`)
	}
	// An alarm can only notify a topic of its own region.
	if part := strings.Split(answer, ":"); q.name == "AlarmTopicArn" && len(part) > 3 && part[3] != region {
		return fmt.Errorf("must be a topic in %s, where the stack is to be", region)
	}
	return nil
}

// matches returns a check by a pattern.
func matches(pattern, otherwise string) func(string) error {
	return func(answer string) error {
		if !regexp.MustCompile(pattern).MatchString(answer) {
			return errors.New(otherwise)
		}
		return nil
	}
}

type asker struct {
	in  *bufio.Reader
	out io.Writer
}

// ask asks until the answer is right. An empty answer takes the default, which is not
// offered again when it is wrong; - is an answer that is empty.
func (a asker) ask(what, name, otherwise string, check func(string) error) (string, error) {
	fmt.Fprintf(a.out, "\n%s\n", what)
	optional := check("") == nil
	for {
		none := ""
		if optional && otherwise != "" {
			none = " (- for none)"
		}
		fmt.Fprintf(a.out, "  %s%s [%s]: ", name, none, otherwise)
		line, err := a.in.ReadString('\n')
		if err != nil {
			fmt.Fprintln(a.out)
			return "", fmt.Errorf("no answer for %s: nothing was kept", name)
		}
		answer, offered := strings.TrimSpace(line), false
		switch answer {
		case "":
			answer, offered = otherwise, true
		case "-":
			answer = ""
		}
		if err := check(answer); err != nil {
			fmt.Fprintf(a.out, "  It %s.\n", err)
			if offered {
				otherwise = ""
			}
			continue
		}
		return answer, nil
	}
}
