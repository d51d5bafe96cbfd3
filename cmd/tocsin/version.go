package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"tocsin/internal/version"
)

func newVersionCommand(c console) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Say which version this is",
		Long:  "Say the version, the commit that it was built from, Go's version, the system and\nthe processor. The versions are described in CHANGELOG.md.",
		Args:  cobra.NoArgs,
		Run:   func(*cobra.Command, []string) { fmt.Fprintln(c.stdout, "tocsin", version.String()) },
	}
}
