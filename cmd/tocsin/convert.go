package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"unicode"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v4"

	"tocsin/internal/definitions"
	"tocsin/internal/kener"
)

const convertHelp = `Turn the monitors.yaml of a Kener 1 or 2 into a file that tocsin apply takes.
Kener 3 has no such file: for it, write a list of monitors with the fields of its
monitors. The result goes to the standard output; what can't be kept is reported on
the standard error, a line each.

Names, tags, descriptions, images and categories are kept, and what is checked goes
into type_data in the form that Kener 4 has for it: this service checks nothing by
itself. Alerts become alert rules. JavaScript (eval) is left out.

What a running Kener 4 has, tocsin import --from-kener takes.`

const convertExamples = `  tocsin convert kener config/monitors.yaml > status.yaml
  tocsin apply --local --dry-run status.yaml`

func newConvertCommand(c console) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "convert",
		Short: "Turn another tool's monitors into a file for tocsin apply",
		Args:  usage(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	cmd.AddCommand(&cobra.Command{
		Use:     "kener FILE",
		Short:   "Turn a monitors.yaml of Kener into a file for tocsin apply",
		Long:    convertHelp,
		Example: convertExamples,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("say which file: tocsin convert kener FILE")
			}
			text, err := os.ReadFile(args[0])
			if err != nil {
				return fmt.Errorf("reading the monitors: %w", err)
			}
			converted, err := kener.ConvertMonitors(text, func(format string, args ...any) {
				fmt.Fprintln(c.stderr, printable(fmt.Sprintf(format, args...)))
			})
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			if _, err := definitions.Parse(converted); err != nil {
				return fmt.Errorf("%s: what it would become can't be imported: %w", args[0], err)
			}
			if converted, err = escapedYAML(converted); err != nil {
				return err
			}
			_, err = c.stdout.Write(converted)
			return err
		},
	})
	return cmd
}

// escapedYAML is the same document with what is not printable as escapes, which only
// double quotes can hold.
func escapedYAML(text []byte) ([]byte, error) {
	hidden := func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }
	if !bytes.ContainsFunc(text, hidden) {
		return text, nil
	}
	var document yaml.Node
	if err := yaml.Load(text, &document); err != nil {
		return nil, err
	}
	var quote func(n *yaml.Node)
	quote = func(n *yaml.Node) {
		if n.Kind == yaml.ScalarNode && strings.ContainsFunc(n.Value, hidden) {
			n.Style = yaml.DoubleQuotedStyle
		}
		for _, child := range n.Content {
			quote(child)
		}
	}
	quote(&document)
	text, err := yaml.Dump(&document, yaml.WithIndent(2))
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	for _, r := range string(text) {
		switch {
		case !hidden(r):
			b.WriteRune(r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			fmt.Fprintf(&b, `\U%08X`, r)
		}
	}
	return b.Bytes(), nil
}
