package publish

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"tocsin/internal/page"
	"tocsin/internal/site"
	"tocsin/internal/statuspage"
)

// readAtOnce is how many incidents are read at the same time.
const readAtOnce = 16

// toCome is at the end of the note of a page that was put before its incident began.
const toCome = " to come"

// changedIncidents makes the pages of the incidents that may be other than they were.
func (t *task) changedIncidents(ctx context.Context) ([]output, error) {
	ids := t.incidentsToMake()
	if err := t.know(ctx, t.keysOf(ids)); err != nil { // what is noted of them is needed
		return nil, err
	}
	return t.incidents(ctx, t.shown, ids)
}

// incidentsToMake returns the ids of the incidents whose pages may have to be put, and whether
// each was deleted: those that were changed, those that have begun since or whose page does not
// say so, and those that the home page links to and that have no page, as far as is known.
func (t *task) incidentsToMake() map[int64]bool {
	ids := map[int64]bool{}
	for _, i := range t.site.Everything().Incidents() {
		for _, key := range t.incidentKeys(i.ID) {
			had, begun := t.known[key], i.Start <= t.now
			if had.status != http.StatusOK || begun && (i.Start > t.since || strings.HasSuffix(had.note, toCome)) {
				ids[i.ID] = false
			}
		}
	}
	for _, i := range t.changed.Incidents {
		ids[i.ID] = i.Deleted
	}
	return ids
}

// incidentKeys are the keys of the incident's pages, in all languages.
func (t *task) incidentKeys(id int64) []string { return keysOfPaths(page.IncidentPaths(t.site, id)) }

func (t *task) keysOf(ids map[int64]bool) []string {
	var keys []string
	for id := range ids {
		keys = append(keys, t.incidentKeys(id)...)
	}
	return keys
}

// incidents reads the incidents, as they are now, and makes their pages. One that was deleted
// gets a page that says so, and one that is not shown any more none, if it had one.
func (t *task) incidents(ctx context.Context, shown site.Shown, ids map[int64]bool) ([]output, error) {
	var mu sync.Mutex
	byID := map[int64][]output{}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(readAtOnce)
	for id, deleted := range ids {
		g.Go(func() error {
			i, err := shown.LoadIncident(gctx, t.Store, id)
			if err != nil && !isNotFound(err) {
				return fmt.Errorf("reading incident %d: %w", id, err)
			}
			made := t.incidentPages(i)
			if err != nil {
				made = t.noIncident(id, deleted)
			}
			mu.Lock()
			defer mu.Unlock()
			byID[id] = made
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var all []output
	for _, made := range byID {
		all = append(all, made...)
	}
	slices.SortFunc(all, func(a, b output) int { return strings.Compare(a.key, b.key) })
	return all, nil
}

// incidentPages makes the pages of an incident. Their note is its time, for the months.
func (t *task) incidentPages(i site.Incident) []output {
	made := outputs(page.IncidentFiles(t.site, i), statesOf(page.IncidentFiles(t.still, i)))
	for n := range made {
		made[n].note = spanOf(i).String()
		if i.Start > t.now {
			made[n].note += toCome // which the state does not say
		}
	}
	return made
}

// noIncident makes what stands in place of the pages of an incident that there is no more.
func (t *task) noIncident(id int64, deleted bool) []output {
	files := page.GoneFiles(t.site, id)
	if !deleted {
		for n, f := range files {
			files[n] = page.NotFound(t.site, f.Path)
		}
	}
	return t.over(files)
}

// over makes files that are put only where there is a page.
func (t *task) over(files []page.File) []output {
	made := outputs(files, statesOf(files))
	for n := range made {
		made[n].over = true
	}
	return made
}

// goneMonitors makes what stands in place of the files of monitors that have files, or were
// changed, and are not shown. It plans that all have files that have some or get some now.
func (t *task) goneMonitors() []output {
	shown := t.tags()
	with := slices.Clone(t.next.Tags)
	for _, m := range t.changed.Monitors {
		with = append(with, m.Tag)
	}
	slices.Sort(with)
	var files []page.File
	for _, tag := range slices.Compact(with) {
		if _, is := slices.BinarySearch(shown, tag); is {
			continue
		}
		for _, path := range t.monitorPaths(tag) {
			files = append(files, page.NotFound(t.site, path))
		}
	}
	t.next.Tags = union(t.next.Tags, shown)
	return t.over(files)
}

// gonePages makes what stands in place of the files of pages that have files and are not there
// any more, and of the site's own style if it has none. It plans that all have files that have some or get some now.
func (t *task) gonePages() []output {
	there := t.pages()
	var files []page.File
	for _, path := range t.next.Pages {
		if _, is := slices.BinarySearch(there, path); is {
			continue
		}
		for _, f := range page.PageFiles(&site.Site{Settings: t.site.Settings, Taken: t.site.Taken, Page: site.Page{Path: path}}) {
			files = append(files, page.NotFound(t.site, f.Path))
		}
	}
	t.next.Pages = union(t.next.Pages, there)
	if t.site.Settings.CSS == "" {
		files = append(files, page.NotFound(t.site, page.StylePath))
	}
	return t.over(files)
}

// pages are the paths of the pages, but for home, sorted.
func (t *task) pages() []string {
	var paths []string
	for _, other := range t.site.Pages {
		paths = append(paths, other.Page.Path)
	}
	slices.Sort(paths)
	return paths
}

// union is each of the texts once, sorted.
func union(a, b []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(slices.Concat(a, b))))
}

// tags are those of the monitors that are shown, sorted.
func (t *task) tags() []string { return tagsOf(t.site.Everything()) }

func tagsOf(s *site.Site) []string {
	var tags []string
	for _, m := range s.Monitors() {
		tags = append(tags, m.Tag)
	}
	slices.Sort(tags)
	return tags
}

// monitorPaths are the addresses that exist because of a monitor with the tag.
func (t *task) monitorPaths(tag string) []string {
	without := map[string]bool{}
	for _, f := range page.Files(&site.Site{Settings: t.site.Settings, Taken: t.site.Taken}) {
		without[f.Path] = true
	}
	m := site.Monitor{Tag: tag, Name: tag, Status: site.Up}
	var paths []string
	for _, f := range page.Files(&site.Site{Settings: t.site.Settings, Taken: t.site.Taken, Groups: []site.Group{{Status: site.Up, Monitors: []site.Monitor{m}}}}) {
		if !without[f.Path] {
			paths = append(paths, f.Path)
		}
	}
	return paths
}

// isNotFound reports whether there is no such record, or none that is shown.
func isNotFound(err error) bool {
	known, ok := errors.AsType[*statuspage.Error](err)
	return ok && known.Code == statuspage.CodeNotFound
}
