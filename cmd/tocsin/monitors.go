package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v4"

	"tocsin/internal/apiv4"
	"tocsin/internal/statuspage"
)

const importHelp = `Make monitors and alert rules as a YAML file defines them, or bring those that are
there up to date.

  monitors:
    - tag: checkout-service
      name: Checkout Service
      description: Takes the orders
      include_degraded_in_downtime: "YES"
  alert_rules:
    - alert_for: STATUS
      alert_value: DOWN
      monitor_tags: [checkout-service]
      failure_threshold: 3
      create_incident: true

A monitor has the fields of POST /api/v4/monitors, an alert rule those of POST
/api/v4/alert-rules. What is there already gets the fields that the file names; what
the file does not name stays, and nothing is ever deleted, so that importing a file
again changes nothing. A monitor is known by its tag, a rule by its alert_for, its
severity (CRITICAL when none is given) and its monitors together.

With --examples there is no file: the monitors are those that the first run of
tocsin serve makes, with which the tour in the README works.

The command prints what it does, a line each: + for what is made, ~ for what is
changed, and how much is as it should be.`

const importExamples = `  tocsin monitors import --local monitors.yaml
  tocsin monitors import --local --dry-run monitors.yaml
  tocsin monitors import --table tocsin-Table-1ABC monitors.yaml
  tocsin monitors import --table tocsin-Table-1ABC --examples`

func newMonitorsCommand(c console) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "monitors",
		Short: "Make monitors and alert rules from a file",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	t := &tableFlags{}
	t.add(cmd, c)
	var dryRun, examples bool
	importer := &cobra.Command{
		Use:     "import {FILE | --examples}",
		Short:   "Make monitors and alert rules as a YAML file defines them",
		Long:    importHelp,
		Example: importExamples,
		RunE: func(cmd *cobra.Command, args []string) error {
			defined, err := readDefinitions(args, examples)
			if err != nil {
				return err
			}
			store, err := t.store(cmd.Context())
			if err != nil {
				return err
			}
			i := importer{store: store, now: time.Now().Unix(), dryRun: dryRun, out: c.stdout}
			return i.run(cmd.Context(), defined)
		},
	}
	importer.Flags().BoolVar(&dryRun, "dry-run", false, "only print what would be done")
	importer.Flags().BoolVar(&examples, "examples", false, "the example monitors in place of a file")
	cmd.AddCommand(importer)
	return cmd
}

// definitions are what a file defines, in its order.
type definitions struct {
	monitors []monitorDefinition
	rules    []ruleDefinition
}

type monitorDefinition struct {
	made  statuspage.Monitor      // where there is none of its tag
	patch statuspage.MonitorPatch // where there is one
}

type ruleDefinition struct {
	made  statuspage.NewAlertRule   // where there is none like it
	patch statuspage.AlertRulePatch // where there is one
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

// readDefinitions reads the file that the arguments of the command name, or takes the
// example monitors.
func readDefinitions(args []string, examples bool) (definitions, error) {
	if examples {
		if len(args) > 0 {
			return definitions{}, errors.New("say either which file or --examples, not both")
		}
		var d definitions
		for _, m := range exampleMonitors {
			d.monitors = append(d.monitors, monitorDefinition{made: statuspage.NewMonitor(m[0], m[1])})
		}
		return d, nil
	}
	if len(args) != 1 {
		return definitions{}, errors.New("say which file: tocsin monitors import FILE")
	}
	text, err := os.ReadFile(args[0])
	if err != nil {
		return definitions{}, fmt.Errorf("reading the definitions: %w", err)
	}
	d, err := parseDefinitions(text)
	if err != nil {
		return d, fmt.Errorf("%s: %w", args[0], err)
	}
	return d, nil
}

// parseDefinitions reads a file. All of it is checked before anything is done.
func parseDefinitions(text []byte) (definitions, error) {
	var file map[string][]map[string]any
	if err := yaml.Load(text, &file); err != nil {
		return definitions{}, fmt.Errorf("it is not YAML of lists called %s and %s: %w", monitorList, ruleList, err)
	}
	for _, list := range slices.Sorted(maps.Keys(file)) {
		if list != monitorList && list != ruleList {
			return definitions{}, fmt.Errorf("there is no %s to define: only %s and %s", list, monitorList, ruleList)
		}
	}
	var d definitions
	var err error
	if d.monitors, err = parseMonitors(file[monitorList]); err != nil {
		return d, err
	}
	d.rules, err = parseRules(file[ruleList])
	return d, err
}

func parseMonitors(list []map[string]any) ([]monitorDefinition, error) {
	var monitors []monitorDefinition
	seen := map[string]bool{}
	for n, fields := range list {
		place := fmt.Sprintf("monitor %d", n+1)
		body, err := definitionJSON(fields, monitorFields)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", place, err)
		}
		var m monitorDefinition
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

func parseRules(list []map[string]any) ([]ruleDefinition, error) {
	var rules []ruleDefinition
	seen := map[string]bool{}
	for n, fields := range list {
		place := fmt.Sprintf("alert rule %d", n+1)
		body, err := definitionJSON(fields, ruleFields)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", place, err)
		}
		var r ruleDefinition
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

// importStore is what an importer needs of the repository.
type importStore interface {
	apiv4.MonitorStore
	apiv4.AlertRuleStore
}

// importer does what a file defines.
type importer struct {
	store  importStore
	now    int64 // UTC seconds
	dryRun bool
	out    io.Writer
}

// run finds out what is there and checks what the rules need before it writes
// anything.
func (i importer) run(ctx context.Context, d definitions) error {
	monitors := map[string]statuspage.Monitor{} // those that are there
	for _, m := range d.monitors {
		if err := i.find(ctx, m.made.Tag, monitors); err != nil {
			return fmt.Errorf("monitor %s: %w", m.made.Tag, err)
		}
	}
	rules, err := i.findRules(ctx, d, monitors)
	if err != nil {
		return err
	}
	if err := i.importMonitors(ctx, d.monitors, monitors); err != nil {
		return err
	}
	return i.importRules(ctx, d.rules, rules)
}

// find adds the monitor with the tag to those that are there, if it is.
func (i importer) find(ctx context.Context, tag string, there map[string]statuspage.Monitor) error {
	m, err := i.store.Monitor(ctx, tag)
	if errors.Is(err, statuspage.MonitorNotFound(tag)) {
		return nil
	}
	if err == nil {
		there[tag] = m
	}
	return err
}

// findRules returns the rules that are there by their names. It fails for a rule of the
// file that could not be made or told from another.
func (i importer) findRules(ctx context.Context, d definitions, monitors map[string]statuspage.Monitor) (map[string]statuspage.AlertRule, error) {
	if len(d.rules) == 0 {
		return nil, nil
	}
	found := map[string][]statuspage.AlertRule{}
	const page = 1000
	for q := (statuspage.AlertRuleQuery{Limit: page}); ; {
		next, err := i.store.AlertRules(ctx, q, func(r statuspage.AlertRule) bool {
			tags := make([]string, len(r.Monitors))
			for n, m := range r.Monitors {
				tags[n] = m.Tag
			}
			name := ruleName(r.For, r.Severity, tags)
			found[name] = append(found[name], r)
			return true
		})
		if err != nil {
			return nil, fmt.Errorf("reading the alert rules: %w", err)
		}
		if q.After = next; next == 0 {
			break
		}
	}
	there := maps.Clone(monitors)
	for _, m := range d.monitors {
		there[m.made.Tag] = m.made
	}
	rules := map[string]statuspage.AlertRule{}
	for n, r := range d.rules {
		place := fmt.Sprintf("alert rule %d", n+1)
		for _, tag := range r.made.Tags {
			if _, ok := there[tag]; ok {
				continue
			}
			if err := i.find(ctx, tag, there); err != nil {
				return nil, fmt.Errorf("%s: %w", place, err)
			}
			if _, ok := there[tag]; !ok {
				return nil, fmt.Errorf("%s: %w", place, statuspage.UnknownMonitor(tag))
			}
		}
		name := ruleName(r.made.For, r.made.Severity, r.made.Tags)
		switch same := found[name]; len(same) {
		case 0:
		case 1:
			rules[name] = same[0]
		default:
			return nil, fmt.Errorf("%s: there are two for %s, %d and %d: delete or change one of them", place, name, same[1].ID, same[0].ID)
		}
	}
	return rules, nil
}

// count prints how much was done of a kind.
func (i importer) count(kind string, made, changed, all int) {
	done := ""
	if i.dryRun {
		done = " (dry run: nothing was written)"
	}
	fmt.Fprintf(i.out, "%s: %d made, %d changed, %d as they should be%s\n", kind, made, changed, all-made-changed, done)
}

func (i importer) importMonitors(ctx context.Context, monitors []monitorDefinition, there map[string]statuspage.Monitor) error {
	made, changed := 0, 0
	for _, m := range monitors {
		var err error
		if old, ok := there[m.made.Tag]; ok {
			var differs bool
			if differs, err = i.updateMonitor(ctx, old, m.patch); differs {
				changed++
			}
		} else {
			made++
			err = i.makeMonitor(ctx, m.made)
		}
		if err != nil {
			return fmt.Errorf("monitor %s: %w", m.made.Tag, err)
		}
	}
	i.count("monitors", made, changed, len(monitors))
	return nil
}

func (i importer) importRules(ctx context.Context, rules []ruleDefinition, there map[string]statuspage.AlertRule) error {
	if len(rules) == 0 {
		return nil
	}
	made, changed := 0, 0
	for _, r := range rules {
		name := ruleName(r.made.For, r.made.Severity, r.made.Tags)
		var err error
		if old, ok := there[name]; ok {
			var differs bool
			if differs, err = i.updateRule(ctx, name, old, r.patch); differs {
				changed++
			}
		} else {
			made++
			err = i.makeRule(ctx, name, r.made)
		}
		if err != nil {
			return fmt.Errorf("alert rule %s: %w", name, err)
		}
	}
	i.count("alert rules", made, changed, len(rules))
	return nil
}

func (i importer) makeRule(ctx context.Context, name string, n statuspage.NewAlertRule) error {
	fmt.Fprintf(i.out, "+ alert rule %s: %s\n", name, n.Value())
	if i.dryRun {
		return nil
	}
	_, err := i.store.CreateAlertRule(ctx, n, i.now, nil)
	return err
}

// updateRule reports whether the rule is not as it should be.
func (i importer) updateRule(ctx context.Context, name string, old statuspage.AlertRule, p statuspage.AlertRulePatch) (bool, error) {
	next, err := old.Apply(p, i.now)
	if err != nil {
		return false, err
	}
	changes := differences(apiv4.EncodeAlertRule(old), apiv4.EncodeAlertRule(next))
	if changes == "" {
		return false, nil
	}
	fmt.Fprintf(i.out, "~ alert rule %d, %s: %s\n", old.ID, name, changes)
	if i.dryRun {
		return true, nil
	}
	_, err = i.store.UpdateAlertRule(ctx, old.ID, p, i.now)
	return true, err
}

func (i importer) makeMonitor(ctx context.Context, m statuspage.Monitor) error {
	fmt.Fprintf(i.out, "+ monitor %s\n", m.Tag)
	if i.dryRun {
		return nil
	}
	_, err := i.store.CreateMonitor(ctx, m, i.now, nil)
	return err
}

// updateMonitor reports whether the monitor is not as it should be.
func (i importer) updateMonitor(ctx context.Context, old statuspage.Monitor, p statuspage.MonitorPatch) (bool, error) {
	next, err := old.Apply(p, i.now)
	if err != nil {
		return false, err
	}
	changes := differences(apiv4.EncodeMonitor(old), apiv4.EncodeMonitor(next))
	if changes == "" {
		return false, nil
	}
	fmt.Fprintf(i.out, "~ monitor %s: %s\n", old.Tag, changes)
	if i.dryRun {
		return true, nil
	}
	_, err = i.store.UpdateMonitor(ctx, old.Tag, p, i.now)
	return true, err
}

// differences lists the fields in which two records differ, but for the time of the
// change itself; "" for none.
func differences(old, next []byte) string {
	var before, after map[string]json.RawMessage
	if json.Unmarshal(old, &before) != nil || json.Unmarshal(next, &after) != nil {
		panic("tocsin: the API's own JSON can't be read")
	}
	var list []string
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if name != "updated_at" && string(before[name]) != string(after[name]) {
			list = append(list, fmt.Sprintf("%s %s → %s", name, before[name], after[name]))
		}
	}
	return strings.Join(list, ", ")
}
