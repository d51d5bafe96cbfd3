package main

import (
	"errors"

	"github.com/spf13/cobra"
)

const importHelp = `The same as tocsin apply FILE, whose help says all about the file.

With --examples there is no file: the monitors are those of the demo data of tocsin
serve, without any data. The tour in the README works with them.`

const importExamples = `  tocsin monitors import --local monitors.yaml
  tocsin monitors import --table tocsin-Table-1ABC --examples`

func newMonitorsCommand(c console) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "monitors",
		Short: "Make the example monitors, or what a file defines as tocsin apply does",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	p := &placeFlags{}
	p.add(cmd, c)
	var dryRun, examples bool
	importer := &cobra.Command{
		Use:     "import {FILE | --examples}",
		Short:   "Do as tocsin apply, or make the example monitors",
		Long:    importHelp,
		Example: importExamples,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case examples && len(args) > 0:
				return errors.New("say either which file or --examples, not both")
			case examples:
				return applyExampleMonitors(cmd.Context(), p, dryRun, c)
			case len(args) != 1:
				return errors.New("say which file: tocsin monitors import FILE")
			}
			return applyFile(cmd.Context(), p, args[0], dryRun, c)
		},
	}
	importer.Flags().BoolVar(&dryRun, "dry-run", false, "only print what would be done")
	importer.Flags().BoolVar(&examples, "examples", false, "the example monitors in place of a file")
	cmd.AddCommand(importer)
	return cmd
}
