package main

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/BurntSushi/toml"
)

// config is the text of samconfig.toml, of which the settings of one environment are read
// and set, each on a line of its own; all else stays as it is.
type config struct {
	text string
	env  string
	tree map[string]any // what the text says
}

func parseConfig(text, env string) (config, error) {
	c := config{text: text, env: env}
	_, err := toml.Decode(text, &c.tree)
	return c, err
}

// Where SAM CLI looks for a setting of `sam deploy`, in this order.
var commands = []string{"deploy", "global"}

// section returns the settings for a command; nil when there is no such section.
func (c config) section(command string) map[string]any {
	env, _ := c.tree[c.env].(map[string]any)
	parent, _ := env[command].(map[string]any)
	settings, _ := parent["parameters"].(map[string]any)
	return settings
}

// get returns a setting, nil when there is none.
func (c config) get(name string) any {
	for _, command := range commands {
		if value, ok := c.section(command)[name]; ok && value != "" {
			return value
		}
	}
	return nil
}

// textOf returns a setting that must be a text; "" when there is none.
func (c config) textOf(name string) (string, error) {
	value := c.get(name)
	if text, ok := value.(string); ok || value == nil {
		return text, nil
	}
	return "", fmt.Errorf("%s must be a text in quotes", name)
}

// eol is how the lines of the file end.
func (c config) eol() string {
	if strings.Contains(c.text, "\r\n") {
		return "\r\n"
	}
	return "\n"
}

// A value and a comment may follow the name of a setting.
const settingLine = `^([ \t]*%s[ \t]*=[ \t]*)("(?:[^"\\]|\\.)*"|'[^']*')([ \t]*(?:#.*)?\r?\n?)$`

// set sets a setting where it stands, or else for all commands of the environment. It fails
// when the text is not written as this program can change it, and then changes nothing.
func (c *config) set(name, value string) error {
	command := "global"
	for _, has := range commands {
		if _, ok := c.section(has)[name]; ok {
			command = has
			break
		}
	}
	if c.section(command)[name] == value {
		return nil
	}
	pair, err := toml.Marshal(map[string]string{name: value})
	if err != nil {
		return err
	}
	line := strings.TrimSuffix(string(pair), "\n")
	head := regexp.MustCompile(`^[ \t]*\[[ \t]*` + c.env + `[ \t]*\.[ \t]*` + command + `[ \t]*\.[ \t]*parameters[ \t]*\][ \t]*(#.*)?\r?\n?$`)
	old := regexp.MustCompile(fmt.Sprintf(settingLine, name))
	var lines []string
	here, end, done := false, -1, false // end: after the section's last line that is not empty and no comment
	for l := range strings.Lines(c.text) {
		trimmed := strings.TrimSpace(l)
		if strings.HasPrefix(trimmed, "[") {
			here = head.MatchString(l)
		}
		if found := old.FindStringSubmatch(l); here && found != nil {
			_, written, _ := strings.Cut(line, " = ")
			l, done = found[1]+written+found[3], true
		}
		lines = append(lines, l)
		if here && trimmed != "" && trimmed[0] != '#' {
			end = len(lines)
		}
	}
	text := strings.Join(lines, "")
	switch {
	case done:
	case end < 0:
		text = c.with("["+c.env+"."+command+".parameters]", line)
	default:
		before := strings.Join(lines[:end], "")
		if !strings.HasSuffix(before, "\n") {
			before += c.eol()
		}
		text = before + line + c.eol() + strings.Join(lines[end:], "")
	}
	return c.replace(text, command, map[string]any{name: value})
}

// addDeploy adds the section for `sam deploy` when there is none.
func (c *config) addDeploy(lines string) error {
	if c.section("deploy") != nil {
		return nil
	}
	var settings map[string]any
	if _, err := toml.Decode(lines, &settings); err != nil {
		return err
	}
	return c.replace(c.with("["+c.env+".deploy.parameters]", strings.Split(strings.TrimSpace(lines), "\n")...), "deploy", settings)
}

// with returns the text with a section at its end.
func (c config) with(header string, lines ...string) string {
	text := strings.TrimRight(c.text, "\r\n")
	if text != "" {
		text += c.eol() + c.eol()
	}
	return text + header + c.eol() + strings.Join(lines, c.eol()) + c.eol()
}

// replace takes a new text that must say what the old one says and these settings, and
// nothing else: the lines of a text may be other than they look.
func (c *config) replace(text, command string, settings map[string]any) error {
	changed, err := parseConfig(text, c.env)
	if err == nil {
		want, _ := parseConfig(c.text, c.env)
		for name, value := range settings {
			put(&want.tree, value, c.env, command, "parameters", name)
		}
		if !reflect.DeepEqual(changed.tree, want.tree) {
			err = errors.New("other settings would change")
		}
	}
	if err != nil {
		return fmt.Errorf("the answers can't be kept there (%w): write [%s.%s.parameters] on a line of its own, and under it a line like name = \"value\" for each setting", err, c.env, command)
	}
	*c = changed
	return nil
}

// put sets a value below a path of names. What stands in the way stays.
func put(tree *map[string]any, value any, path ...string) {
	if *tree == nil {
		*tree = map[string]any{}
	}
	if len(path) == 1 {
		(*tree)[path[0]] = value
		return
	}
	below, ok := (*tree)[path[0]].(map[string]any)
	if _, other := (*tree)[path[0]]; other && !ok {
		return
	}
	put(&below, value, path[1:]...)
	(*tree)[path[0]] = below
}

// overrides are the parameters in parameter_overrides, in their order. A value stands as it
// does there, with its quotes.
type overrides []struct{ name, value string }

var override = regexp.MustCompile(`^([A-Za-z0-9]+)=("[^"]*"|'[^']*'|[^ "'\\]*)( +|$)`)

// parseOverrides reads parameter_overrides, which must be a text of NAME=VALUE and
// NAME="VALUE".
func parseOverrides(text string) (o overrides, err error) {
	for rest := strings.TrimSpace(text); rest != ""; {
		found := override.FindStringSubmatch(rest)
		if found == nil {
			return nil, fmt.Errorf("parameter_overrides must be one text like \"Name=value Other=\\\"value\\\"\", at %s", rest)
		}
		o = append(o, struct{ name, value string }{found[1], found[2]})
		rest = rest[len(found[0]):]
	}
	return o, nil
}

// get returns the value of a parameter, without quotes; "" when there is none.
func (o overrides) get(name string) string {
	for _, p := range o {
		if p.name == name {
			return strings.Trim(p.value, `"'`)
		}
	}
	return ""
}

func (o *overrides) set(name, value string) {
	value = `"` + value + `"`
	for n := range *o {
		if (*o)[n].name == name {
			(*o)[n].value = value
			return
		}
	}
	*o = append(*o, struct{ name, value string }{name, value})
}

func (o overrides) String() string {
	var all []string
	for _, p := range o {
		all = append(all, p.name+"="+p.value)
	}
	return strings.Join(all, " ")
}
