package publish

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"tocsin/internal/page"
	"tocsin/internal/site"
	"tocsin/internal/statuspage"
)

// A Publisher keeps the files as new as the records are. Any number of them may work at the
// same time: an older file never replaces a newer one. For that, a pass
//
//  1. knows the ETag of every file that it may put,
//  2. then reads the records,
//  3. makes the files, and
//  4. puts those that differ, each on condition that it still has that ETag.
//
// If the condition does not hold, another one has put a file since, and the pass begins again.
// What was read at 2 is at least as new as what the file was made of that has the ETag.
//
// The methods of one Publisher are called one after another.
type Publisher struct {
	Store  site.Store
	Config site.Config
	Port   Port

	// Pause is how long a pass that another publisher got in the way of waits on average
	// before it begins again; 0: a tenth of a second.
	Pause time.Duration

	loader  *site.Loader
	known   map[string]known // by key, what the file is like as far as this publisher knows
	learned int64            // when the first of known was
	done    int64            // UTC seconds of its last complete pass; 0: there was none
	mark    markState
	sweep   *sweep
}

// Times in seconds.
const (
	// overlap is how long before the last complete pass changes are looked for: a change is as
	// old as the request that made it.
	overlap = 10 * 60

	// forget is how long what is known of the files is believed. A file that somebody else put
	// back to what it was, or removed, would stay so otherwise.
	forget = 60 * 60

	defaultPause = 100 * time.Millisecond
)

// Run makes one pass at now (UTC seconds): it puts the pages that tell of changes, the home
// page and the others that have the whole in them, and, after a change of what all files look
// like, some of those of the past. more reports that there are more of these: the next Run goes
// on with them. When Run returns an error some files may be as they were; the next one puts
// them.
func (p *Publisher) Run(ctx context.Context, now int64) (more bool, err error) {
	if now-p.learned >= forget {
		p.known, p.learned = nil, now
	}
	if err := p.readMark(ctx); err != nil {
		return false, err
	}
	for {
		more, err = p.pass(ctx, now)
		switch {
		case errors.Is(err, ErrChanged):
			if err := p.wait(ctx); err != nil {
				return false, err
			}
			if err := p.readMark(ctx); err != nil {
				return false, err
			}
		case !errors.Is(err, errUnknown):
			return more, err
		}
	}
}

// All looks at every file anew, and makes those that are not as they should be.
func (p *Publisher) All(ctx context.Context, now int64) error {
	p.loader, p.known, p.sweep = nil, nil, &sweep{}
	for more := true; more; {
		var err error
		if more, err = p.Run(ctx, now); err != nil {
			return err
		}
	}
	return nil
}

// wait lets other publishers go first.
func (p *Publisher) wait(ctx context.Context) error {
	pause := p.Pause
	if pause == 0 {
		pause = defaultPause
	}
	t := time.NewTimer(rand.N(2 * pause))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// pass is one try of Run. It returns ErrChanged when another publisher came between, and
// errUnknown when it found files that it had known nothing of, which it does now.
func (p *Publisher) pass(ctx context.Context, now int64) (more bool, err error) {
	since := now - overlap
	if done := max(p.mark.Done, p.done); done > 0 { // else there was no pass yet, and the sweep makes everything
		since = max(min(done, now)-overlap, now-statuspage.ChangeKept)
	}
	changed, err := site.Changes(ctx, p.Store, since, now)
	if err != nil {
		return false, fmt.Errorf("reading the changes: %w", err)
	}
	if p.loader == nil {
		p.loader = site.NewLoader(p.Store, p.Config)
	}
	s, err := p.loader.Load(ctx, now)
	if err != nil {
		return false, fmt.Errorf("reading the site: %w", err)
	}
	t := task{publisher: p, site: s, still: s.Still(), since: since, now: now, next: p.mark.mark}
	lead, rest := t.pages()
	ids := t.incidentsToMake(changed)
	if err := p.know(ctx, keysOf(ids)); err != nil { // what is noted of them is needed below
		return false, err
	}
	incidents, err := t.incidents(ctx, ids)
	if err != nil {
		return false, err
	}
	months, first, err := t.months(ctx, incidents)
	if err != nil {
		return false, err
	}
	// A page is there before another one links to it, and the months from which an incident
	// was moved are right before its page forgets that it was in them.
	order := [][]output{t.onlyNew(incidents), months, incidents, lead, rest, t.goneMonitors(changed)}
	if err := p.putAll(ctx, order, now); err != nil {
		return false, err
	}
	t.next.First = first
	if more, err = t.sweep(ctx); err != nil {
		return false, err
	}
	if !more {
		t.next.Done = now
	}
	if err := p.end(ctx, t.next, now); err != nil {
		return false, err
	}
	p.done = t.next.Done
	return more, nil
}

// A task is one pass at work.
type task struct {
	publisher   *Publisher
	site, still *site.Site
	since, now  int64 // UTC seconds; what was changed in this time was looked for
	next        mark  // that is left when all is done

	missing map[string]page.File // the pages about unknown addresses, by path
}

// output is a file that a pass has made.
type output struct {
	key   string
	file  page.File
	state string // digest of the file without its moving figures
	note  string
	over  bool // it is put only in place of a page
}

// statesOf are the digests of files of the site that stands still, by path.
func statesOf(still []page.File) map[string]string {
	states := map[string]string{}
	for _, f := range still {
		states[f.Path] = digestOf(f)
	}
	return states
}

// outputs pairs files with their states.
func outputs(files []page.File, states map[string]string) []output {
	var all []output
	for _, f := range files {
		key, ok := Key(f.Path)
		if !ok {
			continue // an address that nobody could ask for
		}
		all = append(all, output{key: key, file: f, state: states[f.Path]})
	}
	return all
}

func digestOf(f page.File) string {
	return digest(fmt.Appendf(nil, "%d\n%s\n%s", f.Status, f.Type, f.Body))[:16]
}

// pages are the files that are made of the site alone: first those that a reader sees first.
func (t *task) pages() (lead, rest []output) {
	t.missing = map[string]page.File{}
	states := statesOf(page.Files(t.still)) // which are forgotten before there are the others: both are large
	for _, o := range outputs(page.Files(t.site), states) {
		if o.file.Status == http.StatusNotFound {
			t.missing[o.file.Path] = o.file
		}
		if isLead(o.file.Path) {
			lead = append(lead, o)
		} else {
			rest = append(rest, o)
		}
	}
	return lead, rest
}

func isLead(path string) bool {
	return path == "/api/v2/status.json" || path == "/api/v2/summary.json" || slices.Contains(page.Homes(), path)
}

// isNotFound reports whether there is no such record, or none that is shown.
func isNotFound(err error) bool {
	known, ok := errors.AsType[*statuspage.Error](err)
	return ok && known.Code == statuspage.CodeNotFound
}
