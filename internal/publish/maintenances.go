package publish

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"tocsin/internal/page"
	"tocsin/internal/site"
	"tocsin/internal/statuspage"
)

// listPrefix begins the keys of files, which are no public addresses, with the ids of the
// occurrences of a maintenance that have pages, rising. When the maintenance is deleted, or its
// schedule changes, nothing else tells which pages there are.
const listPrefix = "maintenances/"

func listKey(id int64) string { return fmt.Sprintf("%s%d.json", listPrefix, id) }

// pagesAtOnce is how many occurrences of one maintenance a pass makes the pages of because the
// maintenance was changed, and of how many occurrences those of the past.
const pagesAtOnce = 100

// A walk makes the pages of the older occurrences of a maintenance again, the newest first.
type walk struct {
	ID   int64 `json:"id"`
	Left int   `json:"left"` // of the ids in its list, how many of the first ones are still to come
}

// A round makes the pages of occurrences of all maintenances, the newest first.
type round struct {
	Before statuspage.OccurrencePosition `json:"before"` // the last one whose page was made
	From   int64                         `json:"from"`   // UTC seconds; those that start later, 0: all
	Listed bool                          `json:"listed,omitempty"`
	Last   int64                         `json:"last"`        // the highest id so far
	LastOf int64                         `json:"last_series"` // and that of a maintenance
}

func newRound(from int64) *round {
	return &round{Before: statuspage.OccurrencePosition{Start: statuspage.MaxTimestamp, ID: math.MaxInt32}, From: from}
}

// catchUp plans a round through the occurrences that may have ended since the last pass, if that
// was so long ago that the site does not have all of these.
func (t *task) catchUp() {
	done := max(t.mark.Done, t.done)
	if from := done - overlap - statuspage.MaxDuration; done > 0 && t.now-done > site.KeptAfter && (t.next.Round == nil || t.next.Round.From > from) {
		t.next.Round = newRound(max(from, 1))
	}
}

// wanted are ids of occurrences whose pages are to be made, by maintenance.
type wanted map[int64]map[int64]bool

func (w wanted) add(maintenance int64, occurrences ...int64) {
	if w[maintenance] == nil {
		w[maintenance] = map[int64]bool{}
	}
	for _, id := range occurrences {
		w[maintenance][id] = true
	}
}

// changedMaintenances makes the pages of the maintenances that may be other than they were:
// those that were changed, and the occurrences whose state is another one since the last pass,
// or than their page says, and those that the home page links to and that have no page.
func (t *task) changedMaintenances(ctx context.Context) (lists, pages []output, err error) {
	want := wanted{}
	for _, m := range t.changed.Maintenances {
		want.add(m.ID, m.Occurrences...)
	}
	changed := slices.Collect(maps.Keys(want))
	for _, m := range t.site.Everything().Maintenances {
		if t.isNew(m) {
			want.add(m.Of, m.ID)
		}
	}
	for _, m := range site.Next(t.site.Everything().Maintenances) {
		for _, key := range slices.Concat(t.occurrenceKeys(m.ID), t.seriesKeys(m.Of)) {
			if t.known[key].status != http.StatusOK {
				want.add(m.Of, m.ID)
			}
		}
	}
	if err := t.know(ctx, listsOf(want)); err != nil { // which name more
		return nil, nil, err
	}
	for _, id := range changed {
		ids := t.known[listKey(id)].ids
		want.add(id, ids[max(0, len(ids)-pagesAtOnce):]...)
	}
	if err := t.know(ctx, t.keysOfWanted(want)); err != nil {
		return nil, nil, err
	}
	return t.maintenances(ctx, t.shown, want)
}

// isNew reports whether the state of the occurrence is another one since the last pass, or than
// its page says.
func (t *task) isNew(m site.Maintenance) bool {
	for _, at := range []int64{m.Start - statuspage.Reminder, m.Start, m.End} {
		if t.since < at && at <= t.now {
			return true
		}
	}
	had, is := t.known[t.occurrenceKeys(m.ID)[0]]
	return is && had.status == http.StatusOK && had.note != occurrenceNote(m)
}

// occurrenceNote is what is noted with the page of an occurrence: its state, and of which
// maintenance it is.
func occurrenceNote(m site.Maintenance) string { return fmt.Sprintf("%s %d", m.State, m.Of) }

func (t *task) occurrenceKeys(id int64) []string {
	return keysOfPaths(page.OccurrencePaths(t.site, id))
}
func (t *task) seriesKeys(id int64) []string { return keysOfPaths(page.SeriesPaths(t.site, id)) }

func listsOf(want wanted) []string {
	var keys []string
	for id := range want {
		keys = append(keys, listKey(id))
	}
	return keys
}

// keysOfWanted are those of the pages.
func (t *task) keysOfWanted(w wanted) []string {
	keys := listsOf(w)
	for id, occurrences := range w {
		keys = append(keys, t.seriesKeys(id)...)
		for of := range occurrences {
			keys = append(keys, t.occurrenceKeys(of)...)
		}
	}
	return keys
}

// maintenances reads the maintenances, as they are now, and makes their pages, those of what is
// on and to come and of the occurrences that are wanted, and the lists of these. It plans what
// is left to do.
func (t *task) maintenances(ctx context.Context, shown site.Shown, want wanted) (lists, pages []output, err error) {
	var mu sync.Mutex
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(readAtOnce)
	for id, occurrences := range want {
		g.Go(func() error {
			asked := slices.Sorted(maps.Keys(occurrences))
			series, found, err := shown.LoadSeries(gctx, t.Store, id, asked, t.now)
			if err != nil && !isNotFound(err) {
				return fmt.Errorf("reading maintenance %d: %w", id, err)
			}
			var made []output
			if err != nil {
				if made, err = t.noSeries(gctx, id, asked); err != nil {
					return err
				}
			} else {
				made = t.seriesPages(series, asked, found)
			}
			mu.Lock()
			defer mu.Unlock()
			pages = append(pages, made...)
			lists = append(lists, t.list(id, series, found)...)
			t.planWalk(id, made)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, nil, err
	}
	slices.SortFunc(pages, func(a, b output) int { return strings.Compare(a.key, b.key) })
	slices.SortFunc(t.next.Walks, func(a, b walk) int { return cmp.Compare(a.ID, b.ID) })
	return lists, pages, nil
}

// seriesPages makes the pages of a maintenance and of occurrences of it: those it has, and those
// that are asked for, of which found are there.
func (t *task) seriesPages(series site.Series, asked []int64, found map[int64]site.Maintenance) []output {
	made := outputs(page.SeriesFiles(t.site, series), statesOf(page.SeriesFiles(t.still, series)))
	for n := range made {
		made[n].note = seriesNote(series)
	}
	all := maps.Clone(found)
	for _, m := range series.Occurrences {
		all[m.ID] = m
	}
	for _, m := range all {
		of := outputs(page.OccurrenceFiles(t.site, m), statesOf(page.OccurrenceFiles(t.still, m)))
		for n := range of {
			of[n].note = occurrenceNote(m)
		}
		made = append(made, of...)
	}
	for _, id := range asked {
		if _, is := all[id]; !is {
			made = append(made, t.over(page.GoneOccurrenceFiles(t.site, id))...)
		}
	}
	return made
}

// seriesNote is what is noted with the page of a maintenance: a digest of what the pages of all
// occurrences have of it.
func seriesNote(series site.Series) string {
	m := series.Maintenance
	text, err := json.Marshal([]any{m.Title, m.Description, m.Schedule, m.Global, m.Affected})
	if err != nil {
		panic(err) // it is of a type that always can be written
	}
	return digest(text)[:16]
}

// noSeries makes what stands in place of the pages of a maintenance that there is no more, or
// that is not shown any more.
func (t *task) noSeries(ctx context.Context, id int64, asked []int64) ([]output, error) {
	there, err := t.Store.MaintenancesByID(ctx, []int64{id})
	if err != nil {
		return nil, fmt.Errorf("reading maintenance %d: %w", id, err)
	}
	files := page.GoneSeriesFiles(t.site, id)
	for _, of := range asked {
		files = append(files, page.GoneOccurrenceFiles(t.site, of)...)
	}
	if len(there) > 0 {
		for n, f := range files {
			files[n] = page.NotFound(t.site, f.Path)
		}
	}
	return t.over(files), nil
}

// list is the file with the ids of the occurrences of a maintenance that have pages, if it has
// to be another one.
func (t *task) list(id int64, series site.Series, found map[int64]site.Maintenance) []output {
	had := t.known[listKey(id)].ids
	ids := slices.Concat(had, slices.Collect(maps.Keys(found)))
	for _, m := range series.Occurrences {
		ids = append(ids, m.ID)
	}
	slices.Sort(ids)
	if ids = slices.Compact(ids); len(ids) == len(had) {
		return nil
	}
	body, err := json.Marshal(ids)
	if err != nil {
		panic(err) // numbers always can be written
	}
	file := page.File{Path: listKey(id), Type: "application/json", Status: http.StatusOK, Body: body, Every: page.Hourly}
	return []output{{key: listKey(id), file: file, state: digest(body)[:16]}}
}

// planWalk plans the pages of older occurrences of the maintenance, if these are other than they
// were.
func (t *task) planWalk(id int64, made []output) {
	key, left := t.seriesKeys(id)[0], len(t.known[listKey(id)].ids)-pagesAtOnce
	n := slices.IndexFunc(made, func(o output) bool { return o.key == key })
	if left <= 0 || n < 0 || !t.due(made[n]) || made[n].note == t.known[key].note && made[n].file.Status == t.known[key].status {
		return
	}
	t.next.Walks = append(slices.DeleteFunc(slices.Clone(t.next.Walks), func(w walk) bool { return w.ID == id }), walk{id, left})
}

// walk goes on with the walks that are planned.
func (t *task) walk(ctx context.Context) error {
	walks := slices.Clone(t.next.Walks)
	if len(walks) == 0 {
		return nil
	}
	of, want := &walks[0], wanted{}
	// What is known of the files now is older than what is read below.
	if err := t.know(ctx, []string{listKey(of.ID)}); err != nil && !errors.Is(err, errUnknown) {
		return err
	}
	ids := t.known[listKey(of.ID)].ids
	ids = ids[:min(of.Left, len(ids))]
	want.add(of.ID, ids[max(0, len(ids)-pagesAtOnce):]...)
	if err := t.makeOld(ctx, want); err != nil {
		return err
	}
	if of.Left = len(ids) - pagesAtOnce; of.Left <= 0 {
		walks = walks[1:]
	}
	if t.next.Walks = walks; len(walks) == 0 {
		t.next.Walks = nil
	}
	return nil
}

// round goes on with the round that is planned.
func (t *task) round(ctx context.Context) error {
	if t.next.Round == nil {
		return nil
	}
	r := *t.next.Round
	want, n := wanted{}, 0
	if r.Listed {
		return t.takeAwayMaintenances(ctx, r)
	}
	err := t.Store.OccurrencesBefore(ctx, 0, r.Before, func(o statuspage.Occurrence) bool {
		if o.Start < r.From || n == pagesAtOnce {
			return false
		}
		n++
		want.add(o.MaintenanceID, o.ID)
		r.Before = statuspage.OccurrencePosition{Start: o.Start, ID: o.ID}
		r.Last, r.LastOf = max(r.Last, o.ID), max(r.LastOf, o.MaintenanceID)
		return true
	})
	if err != nil {
		return fmt.Errorf("listing the occurrences of maintenances: %w", err)
	}
	if err := t.makeOld(ctx, want); err != nil {
		return err
	}
	r.Listed = n < pagesAtOnce
	if t.next.Round = &r; r.Listed && r.From > 0 {
		t.next.Round = nil
	}
	return nil
}

// makeOld makes pages that no other page waits for, and forgets what they are like.
func (t *task) makeOld(ctx context.Context, want wanted) error {
	if err := t.know(ctx, t.keysOfWanted(want)); err != nil && !errors.Is(err, errUnknown) {
		return err
	}
	shown, err := site.LoadShown(ctx, t.Store)
	if err != nil {
		return fmt.Errorf("reading the monitors: %w", err)
	}
	lists, pages, err := t.maintenances(ctx, shown, want)
	if err != nil {
		return err
	}
	// Those of what is on and to come are among them.
	var keys []string
	for _, o := range slices.Concat(lists, pages) {
		keys = append(keys, o.key)
	}
	if err := t.know(ctx, keys); errors.Is(err, errUnknown) {
		lists, pages, err = t.maintenances(ctx, shown, want)
		if err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	if err := t.put(ctx, lists, pages); err != nil {
		return err
	}
	needed := wanted{}
	for _, m := range t.site.Everything().Maintenances {
		needed.add(m.Of, m.ID)
	}
	still := setOf(t.keysOfWanted(needed))
	for _, key := range keys {
		if !still[key] {
			delete(t.known, key)
		}
	}
	return nil
}

// takeAwayMaintenances makes the pages with higher ids than any that were listed, which there is
// nothing behind when the table is one of an earlier moment. The round ends when there are no
// pages with the next ids.
func (t *task) takeAwayMaintenances(ctx context.Context, r round) error {
	series, occurrences := map[int64]string{}, map[int64]string{} // keys by id
	for n := range int64(lookAhead) {
		series[r.LastOf+1+n], occurrences[r.Last+1+n] = t.seriesKeys(r.LastOf + 1 + n)[0], t.occurrenceKeys(r.Last + 1 + n)[0]
	}
	keys := slices.Concat(slices.Collect(maps.Values(series)), slices.Collect(maps.Values(occurrences)))
	if err := t.know(ctx, keys); err != nil && !errors.Is(err, errUnknown) {
		return err
	}
	want := wanted{}
	for id, key := range series {
		if t.known[key].status == http.StatusOK {
			want.add(id)
		}
	}
	for id, key := range occurrences {
		var of int64
		had := t.known[key]
		if _, err := fmt.Sscanf(had.note, "%s %d", new(string), &of); err == nil && had.status == http.StatusOK {
			want.add(of, id)
		}
	}
	if len(want) == 0 {
		t.next.Round = nil
		return nil
	}
	r.Last, r.LastOf = r.Last+lookAhead, r.LastOf+lookAhead
	t.next.Round = &r
	return t.makeOld(ctx, want)
}
