package main

import (
	"fmt"
	"regexp"
	"strings"
)

// config is the text of samconfig.toml, of which the settings of one environment are read
// and set, each on a line of its own; all else stays as it is.
type config struct {
	text string
	env  string
}

// sections are where SAM CLI looks for a setting of `sam deploy`, in this order.
func (c config) sections() []string {
	return []string{"[" + c.env + ".deploy.parameters]", "[" + c.env + ".global.parameters]"}
}

// find returns where the line with a setting begins and ends in the text.
func (c config) find(section, name string) (from, to int, found bool) {
	here, at := false, 0
	for line := range strings.Lines(c.text) {
		if strings.HasPrefix(line, "[") {
			here = strings.TrimSpace(line) == section
		}
		if key, _, ok := strings.Cut(line, "="); here && ok && strings.TrimSpace(key) == name {
			return at, at + len(line), true
		}
		at += len(line)
	}
	return 0, 0, false
}

// get returns the value of a setting as it stands there, without its outer quotes; "" when
// there is none.
func (c config) get(name string) string {
	for _, section := range c.sections() {
		if from, to, ok := c.find(section, name); ok {
			_, value, _ := strings.Cut(c.text[from:to], "=")
			value = strings.TrimSpace(value)
			if len(value) > 1 && strings.HasPrefix(value, `"`) && strings.HasSuffix(value, `"`) {
				value = value[1 : len(value)-1]
			}
			return value
		}
	}
	return ""
}

// set sets a setting where it stands, or else for all commands of the environment.
func (c *config) set(name, value string) {
	line := fmt.Sprintf("%s = \"%s\"\n", name, value)
	for _, section := range c.sections() {
		if from, to, ok := c.find(section, name); ok {
			c.text = c.text[:from] + line + c.text[to:]
			return
		}
	}
	global := c.sections()[1] + "\n"
	if !strings.Contains(c.text, global) {
		c.text = strings.TrimRight(c.text, "\n") + "\n\n" + global
	}
	before, after, _ := strings.Cut(c.text, global)
	// At the section's end.
	own, next, more := strings.Cut(after, "\n[")
	own = strings.TrimRight(own, "\n")
	if own != "" {
		own += "\n"
	}
	c.text = before + global + own + line
	if more {
		c.text += "\n[" + next
	}
}

// overrides are the parameters in parameter_overrides, in their order. A value stands as it
// does in the file, where quotes are \".
type overrides []struct{ name, value string }

var override = regexp.MustCompile(`^([A-Za-z0-9]+)=(\\"[^"]*\\"|[^ "\\]*)( +|$)`)

// parseOverrides reads parameter_overrides, which must be a text of NAME=VALUE and
// NAME=\"VALUE\".
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
			return strings.Trim(p.value, `\"`)
		}
	}
	return ""
}

func (o *overrides) set(name, value string) {
	value = `\"` + value + `\"`
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
