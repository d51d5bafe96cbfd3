// Package definitions makes monitors and alert rules in a repository what a YAML file
// says of them.
package definitions

import (
	"encoding/json"
	"fmt"
	"maps"
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

// Parse reads a file. It checks all that can be known without the repository.
func Parse(text []byte) (Definitions, error) {
	var file map[string][]map[string]any
	if err := yaml.Load(text, &file); err != nil {
		return Definitions{}, fmt.Errorf("it is not YAML of lists called %s and %s: %w", monitorList, ruleList, err)
	}
	for _, list := range slices.Sorted(maps.Keys(file)) {
		if list != monitorList && list != ruleList {
			return Definitions{}, fmt.Errorf("there is no %s to define: only %s and %s", list, monitorList, ruleList)
		}
	}
	var d Definitions
	var err error
	if d.monitors, err = parseMonitors(file[monitorList]); err != nil {
		return d, err
	}
	d.rules, err = parseRules(file[ruleList])
	return d, err
}

func parseMonitors(list []map[string]any) ([]monitor, error) {
	var monitors []monitor
	seen := map[string]bool{}
	for n, fields := range list {
		place := fmt.Sprintf("monitor %d", n+1)
		body, err := definitionJSON(fields, monitorFields)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", place, err)
		}
		var m monitor
		if m.made, m.patch, err = apiv4.DecodeMonitor(body); err != nil {
			return nil, fmt.Errorf("%s: %w", place, err)
		}
		if seen[m.made.Tag] {
			return nil, fmt.Errorf("%s: the tag %s is there twice", place, m.made.Tag)
		}
		seen[m.made.Tag] = true
		monitors = append(monitors, m)
	}
	return monitors, nil
}

func parseRules(list []map[string]any) ([]rule, error) {
	var rules []rule
	seen := map[string]bool{}
	for n, fields := range list {
		place := fmt.Sprintf("alert rule %d", n+1)
		body, err := definitionJSON(fields, ruleFields)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", place, err)
		}
		var r rule
		if r.made, r.patch, err = apiv4.DecodeAlertRule(body); err != nil {
			return nil, fmt.Errorf("%s: %w", place, err)
		}
		name := ruleName(r.made.For, r.made.Severity, r.made.Tags)
		if seen[name] {
			return nil, fmt.Errorf("%s: there are two for %s", place, name)
		}
		seen[name] = true
		rules = append(rules, r)
	}
	return rules, nil
}

// ruleName is what a rule is known by from one import to the next.
func ruleName(of statuspage.AlertFor, severity statuspage.Severity, tags []string) string {
	return fmt.Sprintf("%s %s of %s", of, severity, strings.Join(slices.Sorted(slices.Values(tags)), ", "))
}

// definitionJSON returns a definition as the API would take it. A field that it does
// not know is a mistake: the API passes over those.
func definitionJSON(fields map[string]any, known []string) ([]byte, error) {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("unknown field %s: there are %s", name, strings.Join(known, ", "))
		}
	}
	body, err := json.Marshal(fields)
	if err != nil {
		return nil, fmt.Errorf("what JSON can't say: %w", err)
	}
	return body, nil
}
