package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"tocsin/internal/dynamo/dump"
	"tocsin/internal/local"
)

const tablePrepareHelp = `Give a table that DynamoDB has restored what a restore leaves out, as template.yaml has
it: time to live, point-in-time recovery and deletion protection. While the restore
still runs, the command waits for it. It changes nothing that is as it should be,
so it can be repeated, and no record. docs/recovery.md has the steps around it.`

func newTableCommand(c console) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "table",
		Short: "Make a restored table ready for use",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	t := &tableFlags{}
	var template string
	prepare := &cobra.Command{
		Use:     "prepare --table NAME",
		Short:   "Turn on what a restored table lacks",
		Long:    tablePrepareHelp,
		Example: "  tocsin table prepare --table tocsin-restored",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if t.table == "" {
				return errors.New("say which table: --table NAME")
			}
			// Of the parameters, the table depends on none but the one that leaves it out.
			wanted, err := local.ReadTemplate(template, local.TemplateOptions{TableName: t.table})
			if err != nil {
				return err
			}
			client, err := t.awsClient(cmd.Context())
			if err != nil {
				return err
			}
			return dump.Prepare(cmd.Context(), client, t.table, wanted.Table, dump.PreparePoll, func(line string) { fmt.Fprintln(c.stdout, line) })
		},
	}
	t.addAWS(prepare, "the table on AWS, by its name")
	prepare.Flags().StringVar(&template, "template", "template.yaml", "SAM template with the table as it should be")
	cmd.AddCommand(prepare)
	return cmd
}
