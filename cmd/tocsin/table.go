package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/spf13/cobra"

	"tocsin/internal/dynamo/dump"
	"tocsin/internal/local"
)

const tablePrepareHelp = `Give a table that DynamoDB has restored what a restore leaves out, as template.yaml has
it: time to live, point-in-time recovery, stream and deletion protection. It says the
stream's ARN, which is the stack's parameter ExistingTableStreamArn. While the restore
still runs, the command waits for it. It changes nothing that is as it should be,
so it can be repeated, and no record. docs/recovery.md has the steps around it.`

const tableCreateHelp = `Make an empty table, as template.yaml has it, for tocsin import: with its keys, indexes,
time to live, point-in-time recovery, stream and deletion protection. A stack makes its own
table; this one is for a stack that is to use another (docs/recovery.md). The command
can be repeated.`

func newTableCommand(c console) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "table",
		Short: "Make a table, and make a restored one ready for use",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		newTableChange(c, "prepare", "Turn on what a restored table lacks", tablePrepareHelp, dump.Prepare),
		newTableChange(c, "create", "Make an empty table", tableCreateHelp, dump.Create),
	)
	return cmd
}

type tableChange = func(ctx context.Context, client *dynamodb.Client, name string, d dump.TableDefinition, poll time.Duration, say func(line string)) error

func newTableChange(c console, name, short, long string, change tableChange) *cobra.Command {
	t := &tableFlags{}
	var template string
	cmd := &cobra.Command{
		Use:     name + " --table NAME",
		Short:   short,
		Long:    long,
		Example: "  tocsin table " + name + " --table tocsin-restored",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if t.table == "" {
				return errors.New("say which table: --table NAME")
			}
			wanted, err := local.ReadTemplate(template, local.TemplateOptions{TableName: t.table, Region: t.region})
			if err != nil {
				return err
			}
			client, err := t.awsClient(cmd.Context())
			if err != nil {
				return err
			}
			return change(cmd.Context(), client, t.table, wanted.Table, dump.PreparePoll, func(line string) { fmt.Fprintln(c.stdout, line) })
		},
	}
	t.addAWS(cmd, "the table on AWS, by its name")
	cmd.Flags().StringVar(&template, "template", "template.yaml", "SAM template with the table as it should be")
	return cmd
}
