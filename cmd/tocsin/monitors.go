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

	"tocsin/internal/api"
	"tocsin/internal/statuspage"
)

const importHelp = `Make monitors as a YAML file defines them, or bring those that are there up to date.

  monitors:
    - tag: checkout-service
      name: Checkout Service
      description: Takes the orders
      include_degraded_in_downtime: "YES"

A monitor has the fields of POST /api/v4/monitors. One that is there already gets the
fields that the file names; what the file does not name stays, and nothing is ever
deleted, so that importing a file again changes nothing.

The command prints what it does, a line each: + for what is made, ~ for what is
changed, and how much is as it should be.`

const importExamples = `  tocsin monitors import --local monitors.yaml
  tocsin monitors import --local --dry-run monitors.yaml
  tocsin monitors import --table tocsin-Table-1ABC monitors.yaml`

func newMonitorsCommand(c console) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "monitors",
		Short: "Make monitors from a file",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	t := &tableFlags{}
	t.add(cmd, c)
	var dryRun bool
	importer := &cobra.Command{
		Use:     "import FILE",
		Short:   "Make monitors as a YAML file defines them",
		Long:    importHelp,
		Example: importExamples,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("say which file: tocsin monitors import FILE")
			}
			text, err := os.ReadFile(args[0])
			if err != nil {
				return fmt.Errorf("reading the definitions: %w", err)
			}
			defined, err := parseDefinitions(text)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
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
	cmd.AddCommand(importer)
	return cmd
}

// definitions are what a file defines, in its order.
type definitions struct {
	monitors []monitorDefinition
}

type monitorDefinition struct {
	made  statuspage.Monitor      // where there is none of its tag
	patch statuspage.MonitorPatch // where there is one
}

// monitorFields are the fields that a monitor can have in a file.
var monitorFields = []string{
	"tag", "name", "description", "image", "cron", "default_status", "status", "category_name", "monitor_type", "type_data",
	"include_degraded_in_downtime", "is_hidden", "monitor_settings_json", "external_url", "confirmation_threshold",
}

// parseDefinitions reads a file. All of it is checked before anything is done.
func parseDefinitions(text []byte) (definitions, error) {
	var file map[string][]map[string]any
	if err := yaml.Load(text, &file); err != nil {
		return definitions{}, fmt.Errorf("it is not YAML of lists called monitors: %w", err)
	}
	var d definitions
	for _, list := range slices.Sorted(maps.Keys(file)) {
		if list != "monitors" {
			return d, fmt.Errorf("there is no %s to define: only monitors", list)
		}
	}
	seen := map[string]bool{}
	for n, fields := range file["monitors"] {
		place := fmt.Sprintf("monitor %d", n+1)
		body, err := definitionJSON(fields, monitorFields)
		if err != nil {
			return d, fmt.Errorf("%s: %w", place, err)
		}
		var m monitorDefinition
		if m.made, m.patch, err = api.DecodeMonitor(body); err != nil {
			return d, fmt.Errorf("%s: %w", place, err)
		}
		if seen[m.made.Tag] {
			return d, fmt.Errorf("%s: the tag %s is there twice", place, m.made.Tag)
		}
		seen[m.made.Tag] = true
		d.monitors = append(d.monitors, m)
	}
	return d, nil
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

// importer does what a file defines.
type importer struct {
	store  statuspage.MonitorStore
	now    int64 // UTC seconds
	dryRun bool
	out    io.Writer
}

func (i importer) run(ctx context.Context, d definitions) error {
	made, changed := 0, 0
	for _, m := range d.monitors {
		old, err := i.store.Monitor(ctx, m.made.Tag)
		switch {
		case errors.Is(err, statuspage.MonitorNotFound(m.made.Tag)):
			made++
			err = i.makeMonitor(ctx, m.made)
		case err == nil:
			var differs bool
			if differs, err = i.updateMonitor(ctx, old, m.patch); differs {
				changed++
			}
		}
		if err != nil {
			return fmt.Errorf("monitor %s: %w", m.made.Tag, err)
		}
	}
	done := ""
	if i.dryRun {
		done = " (dry run: nothing was written)"
	}
	fmt.Fprintf(i.out, "monitors: %d made, %d changed, %d as they should be%s\n", made, changed, len(d.monitors)-made-changed, done)
	return nil
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
	changes := differences(api.EncodeMonitor(old), api.EncodeMonitor(next))
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
