// Package definitions makes monitors and alert rules in a repository what a YAML file
// says of them.
package definitions

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"tocsin/internal/apiv4"
	"tocsin/internal/statuspage"
)

// Definitions are what a file defines, in its order.
type Definitions struct {
	monitors []monitor
	rules    []rule
}

type monitor struct {
	made  statuspage.Monitor      // where there is none of its tag
	patch statuspage.MonitorPatch // where there is one
}

type rule struct {
	entry
	made  statuspage.NewAlertRule   // where there is none like it
	patch statuspage.AlertRulePatch // where there is one
}

// OfMonitors defines monitors that are made if they do not exist. One that exists stays as
// it is.
func OfMonitors(monitors ...statuspage.Monitor) Definitions {
	var d Definitions
	for _, m := range monitors {
		d.monitors = append(d.monitors, monitor{made: m})
	}
	return d
}

// The lists that a file can have.
const (
	monitorList = "monitors"
	ruleList    = "alert_rules"
)

// monitorFields are the fields that a monitor can have in a file.
var monitorFields = []string{
	"tag", "name", "description", "image", "cron", "default_status", "status", "category_name", "monitor_type", "type_data",
	"include_degraded_in_downtime", "is_hidden", "monitor_settings_json", "external_url", "confirmation_threshold",
}

// ruleFields are the fields that an alert rule can have in a file.
var ruleFields = []string{
	"alert_for", "alert_value", "monitor_tags", "failure_threshold", "success_threshold", "severity", "create_incident", "description", "is_active",
}

// Parse reads a file. It checks all that can be known without the repository. An error
// begins with the line of the mistake, and says what to write.
func Parse(text []byte) (Definitions, error) {
	lists, err := readYAML(text)
	if err != nil {
		return Definitions{}, err
	}
	var d Definitions
	for _, list := range lists {
		switch list.name {
		case monitorList:
			d.monitors, err = parseMonitors(list)
		case ruleList:
			d.rules, err = parseRules(list)
		default:
			err = fault(list.line, "there is no %s to define: only %s and %s", list.name, monitorList, ruleList)
		}
		if err != nil {
			return Definitions{}, err
		}
	}
	return d, nil
}

// An entry is a monitor or a rule of a file.
type entry struct {
	place  string // which one it is, for errors
	line   int
	fields []field
}

// parseEntries reads the entries of a list. A field that is not known is a mistake: the API
// passes over those.
func parseEntries(list field, kind string, known []string) ([]entry, error) {
	n := resolve(list.node)
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		return nil, nil
	}
	if n.Kind != yaml.SequenceNode {
		return nil, fault(list.line, "%s must be a list, each entry of it beginning with -, not %s", list.name, kindOf(n))
	}
	r := &reader{}
	var entries []entry
	for i, node := range n.Content {
		e := entry{place: fmt.Sprintf("%s %d", kind, i+1), line: node.Line}
		m := resolve(node)
		if m.Kind != yaml.MappingNode {
			return nil, fault(e.line, "%s must have fields, such as %s: VALUE, not %s", e.place, known[0], kindOf(m))
		}
		var err error
		if e.fields, err = r.fields(m, e.place); err != nil {
			return nil, err
		}
		for _, f := range e.fields {
			if slices.Contains(known, f.name) {
				continue
			}
			if near := nearest(f.name, known); near != "" {
				return nil, fault(f.line, "%s: unknown field %s: write %s", e.place, f.name, near)
			}
			return nil, fault(f.line, "%s: unknown field %s: there are %s", e.place, f.name, strings.Join(known, ", "))
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// body returns the entry as the API would take it.
func (e entry) body() ([]byte, error) {
	values := map[string]any{}
	for _, f := range e.fields {
		values[f.name] = f.value
	}
	return json.Marshal(values)
}

// fault says what is wrong with the entry, in the line of the field that the error is
// about, if it is about one, and what to write there when the type is wrong.
func (e entry) fault(err error) error {
	about, _, _ := strings.Cut(strings.ToLower(err.Error()), " ")
	switch about {
	case "each", "at", "monitor": // monitor tag must be …, most … monitors, with tag … not found
		about = "monitor_tags"
	}
	for _, f := range e.fields {
		if f.name == about {
			return fault(f.line, "%s: %w%s", e.place, err, f.correction(err))
		}
	}
	return fault(e.line, "%s: %w", e.place, err)
}

// correction says what to write in place of a value whose type the error is about, "" when
// that is not known.
func (f field) correction(err error) string {
	message := err.Error()
	n := resolve(f.node)
	if n.Kind == yaml.SequenceNode && strings.HasSuffix(message, "string") {
		for _, member := range n.Content {
			if quotes := quotesFor(resolve(member)); quotes != "" {
				return quotes
			}
		}
	}
	if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" {
		return ""
	}
	switch tag := n.ShortTag(); {
	case strings.Contains(message, "string") && tag != "!!str":
		return fmt.Sprintf(": write %s: %q", f.name, n.Value)
	case strings.HasSuffix(message, "boolean"):
		return fmt.Sprintf(": write %s: true or %s: false", f.name, f.name)
	case strings.HasSuffix(message, "array"):
		return fmt.Sprintf(": write %s: [%s]", f.name, n.Value)
	case strings.HasSuffix(message, "object"):
		return fmt.Sprintf(": write %s: {NAME: VALUE}", f.name)
	}
	return ""
}

func parseMonitors(list field) ([]monitor, error) {
	entries, err := parseEntries(list, "monitor", monitorFields)
	if err != nil {
		return nil, err
	}
	var monitors []monitor
	lines := map[string]int{} // by tag
	for _, e := range entries {
		body, err := e.body()
		if err != nil {
			return nil, e.fault(err)
		}
		var m monitor
		if m.made, m.patch, err = apiv4.DecodeMonitor(body); err != nil {
			return nil, e.fault(err)
		}
		if first := lines[m.made.Tag]; first > 0 {
			return nil, fault(e.line, "%s: the tag %s is there twice, the first time in line %d: give it another tag, or leave it out", e.place, m.made.Tag, first)
		}
		lines[m.made.Tag] = e.line
		monitors = append(monitors, m)
	}
	return monitors, nil
}

func parseRules(list field) ([]rule, error) {
	entries, err := parseEntries(list, "alert rule", ruleFields)
	if err != nil {
		return nil, err
	}
	var rules []rule
	lines := map[string]int{} // by name
	for _, e := range entries {
		body, err := e.body()
		if err != nil {
			return nil, e.fault(err)
		}
		r := rule{entry: e}
		if r.made, r.patch, err = apiv4.DecodeAlertRule(body); err != nil {
			return nil, e.fault(err)
		}
		name := ruleName(r.made.For, r.made.Severity, r.made.Tags)
		if first := lines[name]; first > 0 {
			return nil, fault(e.line, "%s: there are two for %s, the first in line %d: give it another severity, or leave it out", e.place, name, first)
		}
		lines[name] = e.line
		rules = append(rules, r)
	}
	return rules, nil
}

// ruleName is what a rule is known by from one import to the next.
func ruleName(of statuspage.AlertFor, severity statuspage.Severity, tags []string) string {
	return fmt.Sprintf("%s %s of %s", of, severity, strings.Join(slices.Sorted(slices.Values(tags)), ", "))
}
