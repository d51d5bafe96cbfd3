package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"tocsin/internal/assets"
	"tocsin/internal/awsclient"
	"tocsin/internal/bucket"
	"tocsin/internal/ddb"
	"tocsin/internal/definitions"
	"tocsin/internal/demo"
	"tocsin/internal/dynamo"
	"tocsin/internal/publish"
)

const applyHelp = `Make monitors, alert rules, maintenances, pages and settings of the site as a YAML file
says, or bring those that are there up to date.

  monitors:
    - tag: checkout-service
      name: Checkout Service
      include_degraded_in_downtime: "YES"
  alert_rules:
    - alert_for: STATUS
      alert_value: DOWN
      monitor_tags: [checkout-service]
      failure_threshold: 3
      create_incident: true
  maintenances:
    - title: Weekly backup
      start_date_time: 2026-12-07T03:00:00+01:00
      rrule: FREQ=WEEKLY
      time_zone: Europe/Berlin
      duration_seconds: 3600
      monitors: [{monitor_tag: checkout-service}]
  pages:
    - page_path: shop
      page_title: Shop
      page_header: Status of the shop
      monitors: [checkout-service]
  site:
    siteName: Example & Sons
    logo: /assets/logo.png

Monitors, alert rules, maintenances and pages have the fields that the API takes to make
them, the site has the keys of /api/v4/site. A maintenance's start can also be a date.
~home as a page_path is the home page, which is there always. A setting is a text, or what
becomes JSON: fields, a list.

What is there already gets the fields that the file names; what the file does not name
stays, and nothing is ever deleted, so that applying a file again changes nothing. A
monitor is known by its tag, a rule by its alert_for, its severity (CRITICAL when none is
given) and its monitors together, a maintenance by its title, a page by its path.

Pictures in the folder assets beside the file are put among the files of the pages, and
have addresses below /assets/: png, jpg, gif, webp, svg, ico and avif, up to 1 MiB each.
With --table it isn't known where these files are: say --stack instead.

The command checks everything first. Then it says what it does, a line each: + for what is
made, ~ for what is changed, with each value before and after, ! for what you should know,
and after = how much it was.`

const applyExamples = `  tocsin apply --local --dry-run status.yaml
  tocsin apply --local status.yaml
  tocsin apply --stack tocsin-prod status.yaml`

func newApplyCommand(c console) *cobra.Command {
	p := &placeFlags{}
	var dryRun bool
	cmd := &cobra.Command{
		Use:     "apply FILE",
		Short:   "Make monitors, rules, maintenances, pages, settings and integrations as a YAML file says",
		Long:    applyHelp,
		Example: applyExamples,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("say which file: tocsin apply FILE")
			}
			return applyFile(cmd.Context(), p, args[0], dryRun, c)
		},
	}
	p.add(cmd, c)
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only print what would be done")
	return cmd
}

// applyFile makes what the file and the pictures beside it define.
func applyFile(ctx context.Context, p *placeFlags, file string, dryRun bool, c console) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("reading the definitions: %w", err)
	}
	defined, err := definitions.Parse(text)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	warn := func(line string) { fmt.Fprintln(c.stdout, printable("! "+line)) }
	pictures, err := assets.Read(filepath.Join(filepath.Dir(file), "assets"), func(file string) {
		warn(file + " is left out: no picture has such a name")
	})
	if err != nil {
		return fmt.Errorf("reading the assets: %w", err)
	}
	store, files, err := p.open(ctx, c)
	if err != nil {
		return err
	}
	if len(pictures) > 0 && files == nil {
		warn("the pictures in assets are left out: say --stack NAME in place of --table NAME to put them")
		pictures = nil
	}
	o := applyOptions(dryRun, c)
	o.Assets, o.Files = pictures, files
	if err := defined.Apply(ctx, store, time.Now().Unix(), o); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// applyExampleMonitors makes the monitors of the demo, without any data.
func applyExampleMonitors(ctx context.Context, p *placeFlags, dryRun bool, c console) error {
	store, _, err := p.open(ctx, c)
	if err != nil {
		return err
	}
	return definitions.OfMonitors(demo.Monitors()...).Apply(ctx, store, time.Now().Unix(), applyOptions(dryRun, c))
}

func applyOptions(dryRun bool, c console) definitions.Options {
	return definitions.Options{DryRun: dryRun, Line: func(line string) { fmt.Fprintln(c.stdout, printable(line)) }}
}

// placeFlags say which table is meant, and with it which files of the pages.
type placeFlags struct {
	tableFlags

	stack string
}

func (p *placeFlags) add(cmd *cobra.Command, c console) {
	p.tableFlags.add(cmd, c)
	cmd.PersistentFlags().StringVar(&p.stack, "stack", "", "the table of a stack on AWS, by the stack's name, and the bucket of its pages")
}

// open returns the table, and where the files of the pages are: nil when that is not known.
func (p *placeFlags) open(ctx context.Context, c console) (*dynamo.Store, publish.Port, error) {
	given := 0
	for _, is := range []bool{p.local, p.table != "", p.stack != ""} {
		if is {
			given++
		}
	}
	if given != 1 {
		return nil, nil, errors.New("say which table: one of --local, --stack NAME and --table NAME")
	}
	if p.stack != "" {
		return p.openStack(ctx, c)
	}
	store, err := p.store(ctx)
	if err != nil || !p.local {
		return store, nil, err
	}
	files, err := p.localFiles()
	return store, files, err
}

func (p *placeFlags) openStack(ctx context.Context, c console) (*dynamo.Store, publish.Port, error) {
	cfg, found, err := (&stackFlags{awsFlags: p.awsFlags, stack: p.stack}).read(ctx)
	if err != nil {
		return nil, nil, err
	}
	table, name := found.Outputs["TableName"], found.Outputs["SiteBucketName"]
	if table == "" || name == "" {
		return nil, nil, fmt.Errorf("the stack %s has no output TableName or none SiteBucketName: deploy a version that makes public pages", p.stack)
	}
	store := dynamo.New(ddb.NewClient(cfg, "", p.options()...), table)
	return store, bucket.New(bucket.NewClient(cfg, awsclient.Endpoint(c.getenv, "S3")), name), store.ReadSchema(ctx)
}

// localFiles is the folder with the files of the server's pages.
func (p *placeFlags) localFiles() (publish.Port, error) {
	port, err := parsePort(p.port)
	if err != nil {
		return nil, err
	}
	folder, err := readSiteDir(p.dir, port)
	if err != nil {
		return nil, err
	}
	return publish.OpenFolder(folder)
}
