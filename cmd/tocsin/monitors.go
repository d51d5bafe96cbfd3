package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"tocsin/internal/definitions"
	"tocsin/internal/demo"
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

With --examples there is no file: the monitors are those of the demo data of tocsin
serve, without any data. The tour in the README works with them.

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
			err = defined.Apply(cmd.Context(), store, time.Now().Unix(), definitions.Options{
				DryRun: dryRun, Line: func(line string) { fmt.Fprintln(c.stdout, printable(line)) },
			})
			if err != nil && len(args) == 1 {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			return err
		},
	}
	importer.Flags().BoolVar(&dryRun, "dry-run", false, "only print what would be done")
	importer.Flags().BoolVar(&examples, "examples", false, "the example monitors in place of a file")
	cmd.AddCommand(importer)
	return cmd
}

// readDefinitions reads the file that the arguments of the command name, or takes the
// example monitors.
func readDefinitions(args []string, examples bool) (definitions.Definitions, error) {
	if examples {
		if len(args) > 0 {
			return definitions.Definitions{}, errors.New("say either which file or --examples, not both")
		}
		return definitions.OfMonitors(demo.Monitors()...), nil
	}
	if len(args) != 1 {
		return definitions.Definitions{}, errors.New("say which file: tocsin monitors import FILE")
	}
	text, err := os.ReadFile(args[0])
	if err != nil {
		return definitions.Definitions{}, fmt.Errorf("reading the definitions: %w", err)
	}
	d, err := definitions.Parse(text)
	if err != nil {
		return d, fmt.Errorf("%s: %w", args[0], err)
	}
	return d, nil
}
