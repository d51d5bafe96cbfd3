package main

import (
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"tocsin/internal/function"
	"tocsin/internal/jobs/closer"
	"tocsin/internal/local"
	"tocsin/internal/statuspage"
)

const closerHelp = `Close the incidents that people forgot, in the table of a tocsin serve that runs on
this machine (--local) or in one on AWS (--table, with your own AWS credentials):
what functions/closer does on its schedule, once.

An incident whose end has passed is resolved. One without an end and without activity
gets a warning as a comment and is resolved later, unless one of its monitors is
failing or an alert on it is on. Interrupted deletions are finished, and day totals
that are missing are made.

The command prints a line for all that it does, and at last how much it was. With
--dry-run it prints the same and does nothing.

Its old name, tocsin close, is deprecated and goes with the next release.`

const closerExamples = `  tocsin closer --local --dry-run
  tocsin closer --table tocsin-Table-1ABC --stale-after 168h
  tocsin closer --local --dry-run --now 2026-12-01T00:00:00Z`

func newCloserCommand(c console) *cobra.Command {
	t := &tableFlags{calls: new(atomic.Int64)}
	var dryRun bool
	var staleAfter, warnBefore, now string
	cmd := &cobra.Command{
		Use:     "closer",
		Aliases: []string{"close"}, // until the next release
		Short:   "Close the incidents that people forgot",
		Long:    closerHelp,
		Example: closerExamples,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			policy, err := closer.ParsePolicy(staleAfter, warnBefore)
			if err != nil {
				return err
			}
			at, err := parseNow(now)
			if err != nil {
				return err
			}
			store, err := t.store(cmd.Context())
			if err != nil {
				return err
			}
			sum, err := closer.Run(cmd.Context(), store, policy, at, closer.Options{
				DryRun: dryRun, Calls: t.calls.Load,
				Line: func(line string) { fmt.Fprintln(c.stdout, printable(line)) },
			})
			fmt.Fprintln(c.stdout, sum)
			fmt.Fprintf(c.stderr, "%d calls of DynamoDB in %s\n", sum.Calls, sum.Took.Round(time.Millisecond))
			if err != nil {
				return fmt.Errorf("closing incidents: %w", err)
			}
			return nil
		},
	}
	t.add(cmd, c)
	f := cmd.Flags()
	f.BoolVar(&dryRun, "dry-run", false, "print what would be done, and do nothing")
	f.StringVar(&staleAfter, "stale-after", c.envOr("STALE_AFTER", "72h"), "time without activity, 0 for never (environment: STALE_AFTER)")
	f.StringVar(&warnBefore, "warn-before", c.envOr("WARN_BEFORE", "24h"), "time between warning and closing, at most half of --stale-after (environment: WARN_BEFORE)")
	f.StringVar(&now, "now", "", "the time to decide at, 2026-12-01T00:00:00Z or UTC seconds; default now")
	return cmd
}

// parseNow reads an instant, "" is now.
func parseNow(s string) (int64, error) {
	if s == "" {
		return time.Now().Unix(), nil
	}
	at, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		var parsed time.Time
		parsed, err = time.Parse(time.RFC3339, s)
		at = parsed.Unix()
	}
	if err != nil || at < 0 || at > statuspage.MaxTimestamp {
		return 0, fmt.Errorf("--now takes 2026-12-01T00:00:00Z or UTC seconds, not %q", s)
	}
	return at, nil
}

// closerOptions are what the environment says about the closer of a local server.
type closerOptions struct {
	closer, every          string // CLOSER, CLOSER_EVERY
	staleAfter, warnBefore string
}

func (o *closerOptions) read(c console) {
	o.closer, o.every = c.getenv("CLOSER"), c.getenv("CLOSER_EVERY")
	o.staleAfter, o.warnBefore = c.getenv("STALE_AFTER"), c.getenv("WARN_BEFORE")
}

func (o closerOptions) check() error {
	if o.closer != "" && o.closer != "on" && o.closer != "off" {
		return fmt.Errorf("CLOSER must be empty, on or off, not %q", o.closer)
	}
	if d, err := time.ParseDuration(o.every); o.every != "" && (err != nil || d < time.Second) {
		return fmt.Errorf("CLOSER_EVERY must be a duration of at least a second such as 5s or 5m, not %q", o.every)
	}
	_, err := closer.ParsePolicy(o.staleAfter, o.warnBefore)
	return err
}

// apply makes the template's closer run as the environment says.
func (o closerOptions) apply(t *local.Template) {
	for n := range t.Functions {
		f := &t.Functions[n]
		if f.Name != function.Closer {
			continue
		}
		if every, err := time.ParseDuration(o.every); err == nil {
			f.Schedules = []time.Duration{every}
		}
		if o.closer == "off" {
			f.Schedules = nil
		}
		for name, value := range map[string]string{"STALE_AFTER": o.staleAfter, "WARN_BEFORE": o.warnBefore} {
			if value != "" {
				f.Environment[name] = value
			}
		}
	}
}
