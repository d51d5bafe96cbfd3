package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"tocsin/internal/dynamo/dump"
	"tocsin/internal/kener"
)

const exportHelp = `Write every record of a table to a file, from which tocsin import makes the same
table again: ids, times, API keys (their hashes), monitoring data, all of it.

The file is a line of JSON a record, between a line that says what it is and one with
the number of records and a checksum. It is made new and for your eyes only (mode
0600); - is the standard output.

The table is read while it is in use, so what is written meanwhile may be in the file
by half. For a snapshot, export from a copy that point-in-time recovery has made:
docs/recovery.md.`

const exportExamples = `  tocsin export --local backup.jsonl
  tocsin export --table tocsin-Table-1ABC backup.jsonl
  tocsin export --table tocsin-Table-1ABC --without-keys - | gzip > backup.jsonl.gz`

func newExportCommand(c console) *cobra.Command {
	t := &tableFlags{}
	var withoutKeys, force bool
	cmd := &cobra.Command{
		Use:     "export FILE",
		Short:   "Write every record of a table to a file",
		Long:    exportHelp,
		Example: exportExamples,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("say which file: tocsin export FILE")
			}
			store, err := t.store(cmd.Context())
			if err != nil {
				return err
			}
			out, err := createExport(args[0], force, c.stdout)
			if err != nil {
				return err
			}
			p := newProgress(c.stderr, "records")
			h, records, err := dump.New(store).Export(cmd.Context(), out, dump.ExportOptions{WithoutKeys: withoutKeys, Progress: p.at}, time.Now().Unix())
			if err = out.close(err); err != nil {
				return fmt.Errorf("exporting table %s: %w", h.Table, err)
			}
			p.end(records)
			fmt.Fprintf(c.stderr, "table %s, export %s of %s\n", h.Table, h.ID, h.Time)
			return nil
		},
	}
	t.add(cmd, c)
	cmd.Flags().BoolVar(&withoutKeys, "without-keys", false, "leave out the API keys and the idempotency records, which belong to them")
	cmd.Flags().BoolVar(&force, "force", false, "replace the file if it exists, once the export is complete")
	return cmd
}

// exportOutput is where an export goes. What is not complete leaves nothing behind.
type exportOutput struct {
	io.Writer
	file *os.File // nil: the standard output
	name string   // that the file gets at last; "" when it has it
}

// createExport opens a file that must not exist, unless force lets it be replaced at last.
func createExport(name string, force bool, stdout io.Writer) (*exportOutput, error) {
	if name == "-" {
		return &exportOutput{Writer: stdout}, nil
	}
	if force {
		f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*.part") // its mode is 0600
		if err != nil {
			return nil, fmt.Errorf("making the file: %w", err)
		}
		return &exportOutput{f, f, name}, nil
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%s exists: choose another name, or say --force to replace it", name)
	}
	if err != nil {
		return nil, fmt.Errorf("making the file: %w", err)
	}
	return &exportOutput{f, f, ""}, nil
}

// close keeps the file, or removes it when there was an error, which it returns.
func (o *exportOutput) close(err error) error {
	if o.file == nil {
		return err
	}
	if err == nil {
		err = o.file.Sync()
	}
	err = cmp.Or(err, o.file.Close())
	if err == nil && o.name != "" {
		err = os.Rename(o.file.Name(), o.name)
	}
	if err != nil {
		o.file.Close()
		os.Remove(o.file.Name())
	}
	return err
}

const importTableHelp = `Put the records of a file that tocsin export has written into an empty table, or
those of a running Kener 4 (--from-kener).

From a file: it is read to its end first, and refused when it is cut or damaged.
A record is put only where there is none, so that the import can be repeated and goes
on after an interruption; API keys come last, so that no client can write before all
is there. The table must be empty. With --without-keys, or for an export without keys,
it may have API keys of its own.

From Kener: the monitors, the incidents with their comments, the maintenances with
their events, the pages, the settings of the site, and the monitoring data of the last
--data-days days, over Kener's REST API v4, with their ids and times. Pictures that were
uploaded to it come along with --local and --stack, and have addresses below
/assets/kener/ then; with --table they stay at Kener. The API key of Kener is read from
the environment variable that --api-key-env names. What can't be kept as it is, is said.
The table may have API keys; Kener's don't come.`

const importTableExamples = `  tocsin import --table tocsin-Table-1ABC backup.jsonl
  tocsin import --local --without-keys backup.jsonl
  KENER_API_KEY=kener_... tocsin import --stack tocsin-prod --from-kener https://status.example.org`

func newImportCommand(c console) *cobra.Command {
	t := &placeFlags{}
	var withoutKeys bool
	var from, keyEnv string
	var days int
	cmd := &cobra.Command{
		Use:     "import FILE",
		Short:   "Fill an empty table from a file or from a Kener",
		Long:    importTableHelp,
		Example: importTableExamples,
		RunE: func(cmd *cobra.Command, args []string) error {
			if (len(args) == 1) == (from != "") || len(args) > 1 {
				return errors.New("say what to import: either tocsin import FILE or tocsin import --from-kener URL")
			}
			if from != "" {
				return importKener(cmd.Context(), t, c, from, keyEnv, days)
			}
			return importFile(cmd.Context(), t, c, args[0], withoutKeys)
		},
	}
	t.add(cmd, c)
	f := cmd.Flags()
	f.BoolVar(&withoutKeys, "without-keys", false, "leave out the API keys of the file and the idempotency records, which belong to them")
	f.StringVar(&from, "from-kener", "", "the address of a Kener 4 to import from")
	f.StringVar(&keyEnv, "api-key-env", "KENER_API_KEY", "with --from-kener: the environment variable that has its API key")
	f.IntVar(&days, "data-days", 90, fmt.Sprintf("with --from-kener: how many days of monitoring data to take, 0 to %d", kener.MaxDataDays))
	return cmd
}

func importFile(ctx context.Context, t *placeFlags, c console, name string, withoutKeys bool) error {
	if name == "-" {
		return errors.New("an export is read more than once, so it can't come from the standard input: write it to a file first")
	}
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("opening the file: %w", err)
	}
	defer f.Close()
	store, _, err := t.open(ctx, c)
	if err != nil {
		return err
	}
	p := newProgress(c.stderr, "records")
	r, err := dump.New(store).Import(ctx, f, dump.ImportOptions{WithoutKeys: withoutKeys, Progress: p.at}, time.Now().Unix())
	if err != nil {
		return fmt.Errorf("importing %s: %w%s", name, err, goesOn(r.Put+r.There > 0))
	}
	if r.Before {
		fmt.Fprintf(c.stdout, "export %s is in the table already: nothing to do\n", printable(r.Header.ID))
		return nil
	}
	p.end(r.Records)
	fmt.Fprintf(c.stdout, "export %s of %s: %d records, %d put", printable(r.Header.ID), printable(r.Header.Time), r.Records, r.Put)
	for _, other := range []struct {
		n    int64
		what string
	}{{r.There, "there already"}, {r.Changed, "there and changed since"}, {r.LeftOut, "left out"}} {
		if other.n > 0 {
			fmt.Fprintf(c.stdout, ", %d %s", other.n, other.what)
		}
	}
	fmt.Fprintln(c.stdout)
	return nil
}

// goesOn ends the message about an import that stopped on its way.
func goesOn(begun bool) string {
	if !begun {
		return ""
	}
	return " (the same command goes on from here)"
}

func importKener(ctx context.Context, t *placeFlags, c console, address, keyEnv string, days int) error {
	if days < 0 || days > kener.MaxDataDays {
		return fmt.Errorf("--data-days must be from 0 to %d", kener.MaxDataDays)
	}
	key := c.getenv(keyEnv)
	if key == "" {
		return fmt.Errorf("no API key of Kener: put one into the environment variable %s", keyEnv)
	}
	client, err := kener.NewClient(address, key)
	if err != nil {
		return err
	}
	store, files, err := t.open(ctx, c)
	if err != nil {
		return err
	}
	if err := store.CheckSchema(ctx); err != nil {
		return err
	}
	p := newProgress(c.stderr, "points and incidents")
	r, err := kener.Import(ctx, client, dump.New(store), kener.Options{
		DataDays: days, Files: files,
		Progress: func(r kener.Report) { p.at(r.Points + r.Incidents) },
		Warn:     func(format string, args ...any) { fmt.Fprintln(c.stderr, printable(fmt.Sprintf(format, args...))) },
	}, time.Now().Unix())
	if err != nil {
		return fmt.Errorf("importing from Kener: %w%s", err, goesOn(r.Points+r.Monitors+r.Incidents+r.Maintenances > 0))
	}
	if r.Before {
		fmt.Fprintf(c.stdout, "all of %s is in the table already: nothing to do\n", client.Address())
		return nil
	}
	p.end(r.Points + r.Incidents)
	fmt.Fprintf(c.stdout, "%d monitors, %d points, %d incidents, %d comments, %d maintenances, %d events, %d pages, %d settings, %d pictures; %d points without a status left out\n",
		r.Monitors, r.Points, r.Incidents, r.Comments, r.Maintenances, r.Events, r.Pages, r.Settings, r.Pictures, r.Unknown)
	if r.There > 0 {
		fmt.Fprintf(c.stdout, "%d of the monitors, hours of points, incidents, maintenances, pages and settings were there from an earlier run\n", r.There)
	}
	return nil
}

// progressEvery is how often a line about the progress is written.
const progressEvery = 2 * time.Second

// A progress writes how far a long command has come.
type progress struct {
	w     io.Writer
	what  string
	began time.Time

	mu   sync.Mutex
	last time.Time
}

func newProgress(w io.Writer, what string) *progress {
	now := time.Now()
	return &progress{w: w, what: what, began: now, last: now}
}

// at is told how many are done.
func (p *progress) at(done int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := time.Now(); now.Sub(p.last) >= progressEvery {
		p.last = now
		p.line(done, now)
	}
}

func (p *progress) end(done int64) { p.line(done, time.Now()) }

func (p *progress) line(done int64, now time.Time) {
	seconds := now.Sub(p.began).Seconds()
	fmt.Fprintf(p.w, "%d %s in %.1f s, %.0f a second\n", done, p.what, seconds, float64(done)/max(seconds, 0.001))
}
