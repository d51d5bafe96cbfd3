// Tocsin is the command for people: it serves the API on one machine, opens and resolves
// incidents, and makes and revokes API keys there and on AWS. What runs in Lambda is under
// functions/.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the command at once
	os.Exit(run(ctx, os.Args[1:], console{os.Getenv, os.Stdout, os.Stderr}))
}

// console is what the command has around it.
type console struct {
	getenv func(string) string
	stdout io.Writer
	stderr io.Writer
}

// run runs the command and returns its exit status.
func run(ctx context.Context, args []string, c console) int {
	root := &cobra.Command{
		Use:           "tocsin",
		Short:         "Serve the incident API on this machine, and manage incidents, keys, monitors, whole tables and stacks",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs, // with RunE: an unknown command is an error, not a page of help
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetOut(c.stdout)
	root.SetErr(c.stderr)
	root.SetArgs(args)
	root.AddCommand(newServeCommand(c), newKeysCommand(c), newApplyCommand(c), newMonitorsCommand(c), newIncidentCommand(c), newCloserCommand(c), newExportCommand(c), newImportCommand(c), newTableCommand(c), newPublishCommand(c), newDoctorCommand(c), newConvertCommand(c), newEngineCommand(c), newVersionCommand(c))
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if status, ok := errors.AsType[exitStatus](err); ok {
		return int(status)
	}
	fmt.Fprintln(c.stderr, "tocsin:", oneLine(err))
	if _, ok := errors.AsType[usageError](err); ok {
		return 2
	}
	return 1
}

// exitStatus is the error of a command that only passes on another's exit status.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// usageError is the error of a command that is not used as its help says.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// usage makes a usageError of what is wrong with the arguments of a command.
func usage(args cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, given []string) error {
		if err := args(cmd, given); err != nil {
			return usageError{err}
		}
		return nil
	}
}

// unlessStopped returns err, or nil when ctx has ended: for a command that runs until
// it is told to stop, that is no failure, whatever it was doing.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func oneLine(err error) string {
	return printable(strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' || r == '\r' }), "; "))
}

// envOr returns the environment variable, or fallback when it is unset or empty.
func (c console) envOr(name, fallback string) string {
	if v := c.getenv(name); v != "" {
		return v
	}
	return fallback
}
