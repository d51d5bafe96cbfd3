package publish_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/internal/dynamo"
	"tocsin/internal/dynamotest"
	"tocsin/internal/opt"
	"tocsin/internal/page"
	"tocsin/internal/publish"
	"tocsin/internal/site"
	"tocsin/internal/statuspage"
)

var histories = flag.Int("histories", 4, "random histories that TestFilesAreThoseOfTheTable goes through")

// Whatever is changed, and wherever a pass is interrupted: once it is quiet, the files are
// those that a publisher makes who begins with nothing.
func TestFilesAreThoseOfTheTable(t *testing.T) {
	for seed := range uint64(*histories) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := newHistory(t, seed)
			for range 20 {
				w.step()
			}
			w.now += 2 * hour // by then all figures are due
			last := w.publisher()
			run(t, last, w.now)
			w.compare()
		})
	}
}

// history is a table that is changed at random, and publishers that are at work meanwhile.
type history struct {
	t         *testing.T
	random    *rand.Rand
	store     *dynamo.Store
	dir       string
	port      *flaky
	now       int64
	working   []*publish.Publisher
	tags      []string
	incidents []int64
}

func newHistory(t *testing.T, seed uint64) *history {
	w := &history{
		t: t, random: rand.New(rand.NewPCG(seed, 1)), store: dynamotest.NewTable(t).Store(nil), dir: t.TempDir(), now: start(),
	}
	folder, err := publish.OpenFolder(w.dir)
	if err != nil {
		t.Fatal(err)
	}
	w.port = &flaky{Port: folder, after: -1}
	w.working = []*publish.Publisher{w.publisher(), w.publisher()}
	w.newMonitor()
	return w
}

func (w *history) publisher() *publish.Publisher {
	return &publish.Publisher{Store: w.store, Config: config, Port: w.port, Pause: time.Millisecond}
}

// step lets some time go by, changes something, and lets a publisher work.
func (w *history) step() {
	w.now += []int64{0, minute, 3 * minute, hour, 9 * day, 40 * day}[w.random.IntN(6)] / minute * minute
	changes := []func(){
		w.newMonitor, w.changeMonitor, w.newIncident, w.newIncident, w.newIncident, w.moveIncident, w.moveIncident, w.comment, w.comment, w.deleteIncident,
	}
	changes[w.random.IntN(len(changes))]()
	p := w.random.IntN(len(w.working))
	switch w.random.IntN(5) {
	case 0: // nobody comes to work
	case 1: // the pass ends in the middle
		w.port.after = w.random.IntN(40)
		_, err := w.working[p].Run(w.t.Context(), w.now)
		if w.port.after = -1; err != nil && !errors.Is(err, errEnded) {
			w.t.Fatal(err)
		}
	case 2: // so does the process
		w.port.after = w.random.IntN(40)
		_, err := w.working[p].Run(w.t.Context(), w.now)
		if w.port.after = -1; err != nil && !errors.Is(err, errEnded) {
			w.t.Fatal(err)
		}
		w.working[p] = w.publisher()
	default:
		run(w.t, w.working[p], w.now)
	}
}

func (w *history) ok(err error) {
	w.t.Helper()
	if known, is := errors.AsType[*statuspage.Error](err); err != nil && (!is || known.Code != statuspage.CodeBadRequest && known.Code != statuspage.CodeNotFound) {
		w.t.Fatal(err)
	}
}

func (w *history) newMonitor() {
	tag := fmt.Sprintf("m%d", w.random.IntN(5))
	if _, err := w.store.Monitor(w.t.Context(), tag); err == nil {
		return
	}
	monitorNamed(w.t, w.store, tag, w.now)
	w.tags = append(w.tags, tag)
}

func (w *history) changeMonitor() {
	tag := w.tags[w.random.IntN(len(w.tags))]
	var p statuspage.MonitorPatch
	switch w.random.IntN(4) {
	case 0:
		p.Hidden = opt.Value(statuspage.Yes)
	case 1:
		p.Hidden = opt.Value(statuspage.No)
	case 2:
		p.Name = opt.Value(fmt.Sprintf("Name %d", w.random.IntN(100)))
	case 3:
		w.ok(w.store.DeleteMonitor(w.t.Context(), tag, w.now))
		return
	}
	_, err := w.store.UpdateMonitor(w.t.Context(), tag, p, w.now)
	w.ok(err)
}

// someTime is up to half a year ago.
func (w *history) someTime() int64 {
	return statuspage.FloorMinute(w.now - w.random.Int64N([]int64{hour, 50 * day, 180 * day}[w.random.IntN(3)]))
}

func (w *history) newIncident() {
	var tags []string
	for _, tag := range w.tags {
		if _, err := w.store.Monitor(w.t.Context(), tag); err == nil && w.random.IntN(2) == 0 && !strings.Contains(strings.Join(tags, " "), tag) {
			tags = append(tags, tag)
		}
	}
	w.incidents = append(w.incidents, incidentOn(w.t, w.store, fmt.Sprintf("Incident %d", w.random.IntN(100)), w.someTime(), w.now, tags...))
}

func (w *history) some() (id int64, ok bool) {
	if len(w.incidents) == 0 {
		return 0, false
	}
	return w.incidents[w.random.IntN(len(w.incidents))], true
}

func (w *history) moveIncident() {
	id, ok := w.some()
	if !ok {
		return
	}
	begins := w.someTime()
	p := statuspage.IncidentPatch{Start: opt.Value(begins), End: opt.Value(min(w.now, begins+w.random.Int64N(40*day)/minute*minute))}
	if w.random.IntN(3) == 0 {
		p.End = opt.Null[int64]()
	}
	_, err := w.store.UpdateIncident(w.t.Context(), id, p, w.now, nil)
	w.ok(err)
}

func (w *history) comment() {
	id, ok := w.some()
	if !ok {
		return
	}
	state := []statuspage.State{statuspage.Investigating, statuspage.Identified, statuspage.Monitoring, statuspage.Resolved}[w.random.IntN(4)]
	_, err := w.store.CreateComment(w.t.Context(), id, statuspage.NewComment{Text: fmt.Sprintf("Comment %d", w.random.IntN(100)), Time: w.now, State: state}, w.now, nil)
	w.ok(err)
}

func (w *history) deleteIncident() {
	if id, ok := w.some(); ok {
		w.ok(w.store.DeleteIncident(w.t.Context(), id, w.now, nil))
	}
}

// compare holds the files against those of a new publisher in an empty folder. Files that
// only the old folder has say that there is nothing.
func (w *history) compare() {
	w.t.Helper()
	dir := w.t.TempDir()
	folder, err := publish.OpenFolder(dir)
	if err != nil {
		w.t.Fatal(err)
	}
	run(w.t, &publish.Publisher{Store: w.store, Config: config, Port: folder}, w.now)
	want, got := keysIn(w.t, dir), keysIn(w.t, w.dir)
	if len(want) < 20 {
		w.t.Fatalf("only %d files", len(want))
	}
	for key := range want {
		// A month in which nothing went on may have a page or none: nothing leads to it.
		o, _, err := folder.Get(w.t.Context(), key)
		if err != nil {
			w.t.Fatal(err)
		}
		if !got[key] && w.emptyMonth(key, o) {
			continue
		}
		w.same(key, folder)
	}
	for key := range got {
		if o, _, err := w.port.Get(w.t.Context(), key); err != nil || !want[key] && o.Status == 200 && !w.emptyMonth(key, o) {
			w.t.Errorf("%s is there: %d, %v", key, o.Status, err)
		}
	}
}

func (w *history) same(key string, folder publish.Port) {
	w.t.Helper()
	want, _, err := folder.Get(w.t.Context(), key)
	if err != nil {
		w.t.Fatal(err)
	}
	got, _, err := w.port.Get(w.t.Context(), key)
	if err != nil || got.Status != want.Status || got.Type != want.Type || !bytes.Equal(got.Body, want.Body) {
		at := 0
		for at < min(len(got.Body), len(want.Body)) && got.Body[at] == want.Body[at] {
			at++
		}
		around := func(b []byte) string { return string(b[max(0, at-60):min(len(b), at+60)]) }
		w.t.Errorf("%s: %d %q, want %d %q, %v", key, got.Status, around(got.Body), want.Status, around(want.Body), err)
	}
}

// emptyMonth reports whether the file is about a month in which nothing went on. The page of
// one stays when its incidents are moved.
func (w *history) emptyMonth(key string, o publish.Object) bool {
	name := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(key, "public/"), "de/"), ".html")
	begins, err := time.Parse("January-2006", strings.TrimPrefix(name, "events/"))
	if err != nil {
		return false
	}
	m, err := site.LoadMonth(w.t.Context(), w.store, begins.Unix(), w.now)
	if err != nil {
		w.t.Fatal(err)
	}
	s, err := site.Load(w.t.Context(), w.store, config, w.now)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range page.MonthFiles(s, m) {
		if k, _ := publish.Key(f.Path); k == key {
			return len(m.Incidents) == 0 && bytes.Equal(f.Body, o.Body)
		}
	}
	return false
}

// keysIn are the keys of the files in a folder.
func keysIn(t *testing.T, dir string) map[string]bool {
	t.Helper()
	keys := map[string]bool{}
	err := filepath.WalkDir(filepath.Join(dir, "public"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		key, err := filepath.Rel(dir, path)
		keys[filepath.ToSlash(key)] = true
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

var errEnded = errors.New("the process ended here")

// flaky is a Port that fails for ever after some puts; -1: never. The last put may have been
// done.
type flaky struct {
	publish.Port
	mu    sync.Mutex
	after int
}

func (f *flaky) Put(ctx context.Context, key string, o publish.Object, etag string) (string, error) {
	left := f.count()
	if left == 0 {
		return "", errEnded
	}
	next, err := f.Port.Put(ctx, key, o, etag)
	if left == 1 && err == nil {
		return "", errEnded
	}
	return next, err
}

// count returns how many puts are left, this one included; negative: no end is near.
func (f *flaky) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	left := f.after
	if f.after > 0 {
		f.after--
	}
	return left
}
