package publish

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
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

	// Table names where the records are. When it is another one, as after a recovery, the pages
	// of all incidents are made again.
	Table string

	// Pause is how long a pass that another publisher got in the way of waits on average
	// before it begins again; 0: a tenth of a second.
	Pause time.Duration

	loader  *site.Loader
	known   map[string]known // by key, what the file is like as far as this publisher knows
	learned int64            // when the first of known was
	last    lastPass
	done    int64  // UTC seconds of its last complete pass; 0: there was none
	id      string // that no other publisher has
	mark    markState
	exact   bool // All is at work: a file whose figures alone differ is put too
	whole   bool // all is to be made again, and no mark says so yet
}

// A lastPass is what the last complete pass has told of. As long as it is the same, and the
// figures are not due, there is nothing to put.
type lastPass struct {
	lead    string          // digest of the site that stands still, for the lead files; "": they have to be looked at
	others  string          // likewise, for all others
	at      int64           // when, UTC seconds
	every   int64           // seconds after which the figures of the lead files move
	changes map[string]bool // that it knew of
}

// Times in seconds.
const (
	// overlap is how long before the last complete pass changes are looked for: a change is as
	// old as the request that made it.
	overlap = 10 * 60

	// unsettled is for how long a change is told of by every pass. The items of a transaction
	// can become visible one after another, and the clocks of two machines differ.
	unsettled = 2 * 60

	// forget is how long what is known of the files is believed. A file that somebody else put
	// back to what it was, or removed, would stay so otherwise.
	forget = 24 * 60 * 60

	defaultPause = 100 * time.Millisecond
)

// Run makes one pass at now (UTC seconds): it puts the pages that tell of changes, the home
// page and the others that have the whole in them, and, after a change of what all files look
// like, some of those of the past. more reports that there are more of these: the next Run goes
// on with them, also one of another publisher. When Run returns an error some files may be as
// they were; the next one puts them.
func (p *Publisher) Run(ctx context.Context, now int64) (more bool, err error) {
	if now-p.learned >= forget {
		p.forget()
		p.learned = now
	}
	p.mark.looked, p.mark.put = false, false
	// What this publisher remembers tells whether there is something to do, unless another one
	// has put files since.
	if err := p.readMark(ctx, now); err != nil {
		return false, err
	}
	for again := false; ; again = true {
		more, err = p.pass(ctx, now, again)
		switch {
		case errors.Is(err, ErrChanged):
			if err := p.wait(ctx); err != nil {
				return false, err
			}
		case !errors.Is(err, errUnknown):
			return more, err
		}
	}
}

// All looks at every file anew, and makes those that are not as they should be. It takes many
// passes, each of which asks for the time (UTC seconds).
func (p *Publisher) All(ctx context.Context, now func() int64) error {
	p.loader, p.whole, p.exact = nil, true, true
	defer func() { p.exact = false }()
	p.forget()
	for more := true; more; {
		var err error
		if more, err = p.Run(ctx, now()); err != nil {
			return err
		}
	}
	return nil
}

// forget forgets what the files are like.
func (p *Publisher) forget() { p.known, p.last = nil, lastPass{} }

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
func (p *Publisher) pass(ctx context.Context, now int64, again bool) (more bool, err error) {
	if !again && p.last.lead != "" && turn(now, p.last.every) == turn(p.last.at, p.last.every) {
		t, err := p.read(ctx, now, true)
		if err != nil {
			return false, err
		}
		if !t.any() {
			p.done = now
			return false, nil
		}
	}
	if again {
		if err := p.readMark(ctx, now); err != nil {
			return false, err
		}
	}
	if err := p.learn(ctx); err != nil {
		return false, err
	}
	t, err := p.read(ctx, now, false)
	if err != nil {
		return false, err
	}
	t.next = p.mark.plan
	t.takePrefixes()
	t.catchUp()
	incidents, err := t.changedIncidents(ctx)
	if err != nil {
		return false, err
	}
	lists, maintenances, err := t.changedMaintenances(ctx)
	if err != nil {
		return false, err
	}
	t.wantMonths(incidents)
	gone := append(t.goneMonitors(), t.gonePages()...)
	// A page is there before another one links to it.
	var lead, others []output
	if t.moved(t.before.lead, page.LeadEvery(t.site)) {
		lead = t.outputs(page.LeadFiles)
	}
	if err := t.put(ctx, lists, append(incidents, maintenances...), lead); err != nil {
		return false, err
	}
	months, next, err := t.months(ctx)
	if err != nil {
		return false, err
	}
	if t.moved(t.before.others, page.Hourly) {
		others = t.outputs(page.OtherFiles)
	}
	if err := t.put(ctx, months, others, gone); err != nil {
		return false, err
	}
	t.next = next
	t.next.Tags, t.next.Pages = t.tags(), t.pages()
	if err := t.sweep(ctx); err != nil {
		return false, err
	}
	if !t.left {
		if err := t.walk(ctx); err != nil {
			return false, err
		}
		if err := t.round(ctx); err != nil {
			return false, err
		}
	}
	if t.next.Sweep == nil && t.next.Round == nil { // which have taken away what there was in other languages
		t.next.Prefixes = prefixesOf(page.Prefixes(t.site))
	}
	if err := p.end(ctx, t.next, now); err != nil {
		return false, err
	}
	p.done, p.whole = now, false
	p.last = lastPass{lead: t.state, others: t.state, at: now, every: page.LeadEvery(t.site), changes: map[string]bool{}}
	for _, c := range t.changes {
		p.last.changes[fmt.Sprint(c)] = true
	}
	return t.next.more() && !t.left, nil
}

// A task is one pass at work.
type task struct {
	*Publisher
	site, still *site.Site
	shown       site.Shown
	state       string              // digest of still
	since, now  int64               // UTC seconds; what was changed in this time was looked for
	changes     []statuspage.Change // since then
	changed     site.Changed        // by those of them that are to be told of
	before      lastPass
	next        plan // that is left when all is done
	current     bool // the pages of this month are to be made
	left        bool // the sweep was left to another publisher
}

// read reads the records. Of a lax reading no page is made.
func (p *Publisher) read(ctx context.Context, now int64, lax bool) (*task, error) {
	t := &task{Publisher: p, before: p.last, since: now - overlap, now: now}
	if done := max(p.mark.Done, p.done); done > 0 { // else there was no pass yet, and the sweep makes everything
		t.since = max(min(done, now)-overlap, now-statuspage.ChangeKept)
	}
	if p.loader == nil {
		p.loader = site.NewLoader(p.Store, p.Config)
	}
	var err error
	if t.site, t.changes, err = p.loader.LoadSince(ctx, t.since, now, lax); err != nil {
		return nil, fmt.Errorf("reading the site: %w", err)
	}
	t.shown, t.still = p.loader.Shown(), t.site.Still()
	toCome := map[int64]bool{} // incidents, whose pages become others when they begin
	for _, i := range t.site.Everything().Incidents() {
		if i.Start > now {
			toCome[i.ID] = true
		}
	}
	text, err := json.Marshal([]any{t.still, toCome})
	if err != nil {
		return nil, fmt.Errorf("the site can't be encoded: %w", err) // a fault of the program
	}
	t.state = digest(text)
	var changes []statuspage.Change
	for _, c := range t.changes {
		if !p.last.changes[fmt.Sprint(c)] || now-c.Time < unsettled {
			changes = append(changes, c)
		}
	}
	t.changed = site.ChangedIn(changes)
	return t, nil
}

// any reports whether there may be something to put.
func (t *task) any() bool {
	return t.whole || t.changed.Any() || t.moved(t.before.lead, page.LeadEvery(t.site)) || t.moved(t.before.others, page.Hourly) ||
		t.mark.more() || t.mark.Look != t.look()
}

// moved reports whether files may have to be put that told of the state, and whose figures
// move every so many seconds.
func (t *task) moved(state string, every int64) bool {
	return t.state != state || turn(t.now, every) != turn(t.before.at, every)
}

// takePrefixes plans that pages which begin with other prefixes than the site's, because it was
// in other languages, are taken away.
func (t *task) takePrefixes() {
	prefixes, had := page.Prefixes(t.site), t.next.Prefixes
	if had == nil {
		had = page.Prefixes(&site.Site{})
	}
	for _, prefix := range had {
		if !slices.Contains(prefixes, prefix) {
			t.site.Taken = append(t.site.Taken, prefix)
		}
	}
	for _, s := range []*site.Site{t.site, t.still} {
		for _, of := range slices.Concat(s.Pages, []*site.Site{s, s.Everything()}) {
			of.Taken = t.site.Taken
		}
	}
	t.next.Prefixes = prefixesOf(append(prefixes, t.site.Taken...))
}

// prefixesOf is how a plan has the prefixes.
func prefixesOf(prefixes []string) []string {
	if slices.Equal(prefixes, page.Prefixes(&site.Site{})) {
		return nil
	}
	return prefixes
}

// turn is how often figures have moved at a time that move every so many seconds: all at once,
// so that most passes have none.
func turn(at, every int64) int64 { return at / every }

// output is a file that a pass has made.
type output struct {
	key   string
	file  page.File
	state string // digest of the file without its moving figures
	note  string
	over  bool // it is put only in place of a page
}

// outputs are files that are made of the site alone.
func (t *task) outputs(of func(*site.Site) []page.File) []output {
	states := statesOf(of(t.still)) // which are forgotten before there are the others: both are large
	return outputs(of(t.site), states)
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
		all = append(all, output{key: key, file: f, state: states[f.Path], over: f.Gone})
	}
	return all
}

func digestOf(f page.File) string {
	return digest(fmt.Appendf(nil, "%d\n%s\n%s", f.Status, f.Type, f.Body))[:16]
}
