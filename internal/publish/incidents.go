package publish

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"tocsin/internal/page"
	"tocsin/internal/site"
)

// readAtOnce is how many incidents are read at the same time.
const readAtOnce = 16

// incidentsToMake returns the ids of the incidents whose pages may have to be put, and whether
// each was deleted: those that were changed, those that have begun since, and those that the
// home page links to and that have no page, as far as is known.
func (t *task) incidentsToMake(changed site.Changed) map[int64]bool {
	ids := map[int64]bool{}
	for _, i := range t.site.Incidents() {
		had := t.publisher.known[incidentKeys(i.ID)[0]]
		if had.status != http.StatusOK || i.Start > t.since && i.Start <= t.now {
			ids[i.ID] = false
		}
	}
	for _, i := range changed.Incidents {
		ids[i.ID] = i.Deleted
	}
	return ids
}

// incidentKeys are the keys of the incident's pages, in all languages.
func incidentKeys(id int64) []string {
	var keys []string
	for _, path := range page.IncidentPaths(id) {
		if key, ok := Key(path); ok {
			keys = append(keys, key)
		}
	}
	return keys
}

func keysOf(ids map[int64]bool) []string {
	var keys []string
	for id := range ids {
		keys = append(keys, incidentKeys(id)...)
	}
	return keys
}

// incidents reads the incidents, as they are now, and makes their pages. One that was deleted
// gets a page that says so, and one that is not shown any more none, if it had one.
func (t *task) incidents(ctx context.Context, ids map[int64]bool) ([]output, error) {
	var mu sync.Mutex
	byID := map[int64][]output{}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(readAtOnce)
	for id, deleted := range ids {
		g.Go(func() error {
			i, err := site.LoadIncident(gctx, t.publisher.Store, id, t.now)
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
	}
	return made
}

// noIncident makes what stands in place of the pages of an incident that there is no more.
func (t *task) noIncident(id int64, deleted bool) []output {
	files := page.GoneFiles(t.site, id)
	if !deleted {
		for n, f := range files {
			files[n] = t.notFound(f.Path)
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

// notFound is the page about unknown addresses, at an address that was known once.
func (t *task) notFound(path string) page.File {
	file, ok := t.missing[page.MissingPath(path)]
	if !ok {
		file = page.File{Type: "text/plain; charset=utf-8", Status: http.StatusNotFound, Body: []byte("Not found\n")}
	}
	file.Path = path
	return file
}

// goneMonitors makes what stands in place of the files of monitors that were changed and are
// not shown.
func (t *task) goneMonitors(changed site.Changed) []output {
	shown := map[string]bool{}
	for _, m := range t.site.Monitors() {
		shown[m.Tag] = true
	}
	var files []page.File
	for _, m := range changed.Monitors {
		if shown[m.Tag] {
			continue
		}
		shown[m.Tag] = true // once
		for _, path := range monitorPaths(m.Tag) {
			files = append(files, t.notFound(path))
		}
	}
	return t.over(files)
}

// monitorPaths are the addresses that exist because of a monitor with the tag.
func monitorPaths(tag string) []string {
	without := map[string]bool{}
	for _, f := range page.Files(&site.Site{}) {
		without[f.Path] = true
	}
	m := site.Monitor{Tag: tag, Name: tag, Status: site.Up}
	var paths []string
	for _, f := range page.Files(&site.Site{Groups: []site.Group{{Status: site.Up, Monitors: []site.Monitor{m}}}}) {
		if !without[f.Path] {
			paths = append(paths, f.Path)
		}
	}
	return paths
}

// onlyNew returns those of which there is no page yet.
func (t *task) onlyNew(made []output) []output {
	var all []output
	for _, o := range made {
		if t.publisher.known[o.key].etag == "" {
			all = append(all, o)
		}
	}
	return all
}
