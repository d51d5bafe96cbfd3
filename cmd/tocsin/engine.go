package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"tocsin/internal/local"
)

const engineHelp = `Run DynamoDB Local, alone or for the time of another command.

The command after -- finds the engine's address in the environment variable
` + local.EndpointVariable + `, as the tests do; its exit status becomes this one's.
Without a command the engine runs until Ctrl-C.

Another engine, dynoxide, is there for tests, on Linux and x86-64 only; npm fetches it.`

const engineExamples = `  tocsin engine --memory -- go test ./...
  tocsin engine --memory --kind dynoxide -- go test ./internal/dynamo
  tocsin engine`

func newEngineCommand(c console) *cobra.Command {
	var o engineFlags
	var memory bool
	var kind string
	cmd := &cobra.Command{
		Use:     "engine [flags] [-- COMMAND [ARGUMENT...]]",
		Short:   "Run DynamoDB Local",
		Long:    engineHelp,
		Example: engineExamples,
		RunE: func(cmd *cobra.Command, args []string) error {
			data := ""
			if !memory {
				data = filepath.Join(o.dir, "data", "engine")
			}
			options := o.options(data, c)
			options.Kind = local.EngineKind(kind)
			return runEngine(cmd.Context(), options, args, c)
		},
	}
	cmd.Flags().BoolVar(&memory, "memory", false, "keep the data in memory instead of in the --dir folder")
	cmd.Flags().StringVar(&kind, "kind", string(local.DynamoDBLocal), fmt.Sprintf("which engine: %s or %s", local.DynamoDBLocal, local.Dynoxide))
	o.add(cmd)
	return cmd
}

// engineFlags say where the engine comes from.
type engineFlags struct{ dir, pom string }

func (f *engineFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.dir, "dir", ".local", "folder for the engine and the data")
	cmd.Flags().StringVar(&f.pom, "pom", filepath.Join("infra", "local", "pom.xml"), "Maven project that names DynamoDB Local")
}

func (f *engineFlags) options(data string, c console) local.EngineOptions {
	return local.EngineOptions{Dir: f.dir, Data: data, POM: f.pom, Log: c.stderr}
}

func runEngine(ctx context.Context, o local.EngineOptions, command []string, c console) error {
	engine, err := local.StartEngine(ctx, o)
	if err != nil {
		return err
	}
	if len(command) > 0 {
		return errors.Join(runCommand(ctx, command, engine.Endpoint(), c), engine.Stop())
	}
	fmt.Fprintln(c.stdout, "ready", engine.Endpoint())
	select {
	case <-ctx.Done():
	case <-engine.Done():
	}
	return errors.Join(engine.Err(), engine.Stop())
}

func runCommand(ctx context.Context, command []string, endpoint string, c console) error {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, c.stdout, c.stderr
	cmd.Env = append(os.Environ(), local.EndpointVariable+"="+endpoint)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	err := cmd.Run()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok && failed.Exited() {
		return exitStatus(failed.ExitCode())
	}
	return err
}
