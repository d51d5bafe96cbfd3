package publish_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/internal/page"
	"tocsin/internal/publish"
	"tocsin/internal/site"
)

var histories = flag.Int("histories", 4, "random histories that TestFilesAreThoseOfTheTable goes through")

// Whatever is changed, and wherever a pass is interrupted: once it is quiet, the files are
// those that a publisher makes who begins with nothing, whoever made the last pass.
func TestFilesAreThoseOfTheTable(t *testing.T) {
	for seed := range uint64(*histories) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			dir := t.TempDir()
			folder, err := publish.OpenFolder(dir)
			if err != nil {
				t.Fatal(err)
			}
			w := &work{history: newHistory(t, seed, size{monitors: 5, incidents: 100, past: 180 * day, looks: 4}), port: &flaky{Port: folder, after: -1}}
			w.working = []*publish.Publisher{w.publisher(), w.publisher()}
			for range 20 {
				w.pass(0, minute, 3*minute, hour, 9*day, 40*day)
				w.change()
				w.publish()
			}
			some := append(w.working, w.publisher())
			run(t, some[w.random.IntN(len(some))], w.now)
			if !w.late {
				compare(w.history, w.port, keysIn(t, dir), sameState)
			}
			w.pass(7 * hour) // by then all figures are due
			run(t, some[w.random.IntN(len(some))], w.now)
			compare(w.history, w.port, keysIn(t, dir), sameBytes)
		})
	}
}

// work is a history, and publishers that are at work meanwhile.
type work struct {
	*history
	port    *flaky
	working []*publish.Publisher
}

func (w *work) publisher() *publish.Publisher {
	return &publish.Publisher{Store: w.store, Config: config, Port: w.port, Pause: time.Millisecond}
}

// publish lets a publisher work.
func (w *work) publish() {
	p := w.random.IntN(len(w.working))
	switch w.random.IntN(5) {
	case 0: // nobody comes to work
	case 1: // the pass ends in the middle
		w.endInTheMiddle(w.working[p])
	case 2: // so does the process
		w.endInTheMiddle(w.working[p])
		w.working[p] = w.publisher()
	default:
		run(w.t, w.working[p], w.now)
	}
}

func (w *work) endInTheMiddle(p *publish.Publisher) {
	w.port.after = w.random.IntN(40)
	defer func() { w.port.after = -1 }()
	if _, err := p.Run(w.t.Context(), w.now); err != nil && !errors.Is(err, errEnded) {
		w.t.Fatal(err)
	}
}

// compare holds the files with the keys against those of a new publisher in an empty folder.
// Files that only they have say that there is nothing.
func compare(h *history, port publish.Port, got map[string]bool, same func(got, want publish.Object) bool) {
	h.t.Helper()
	dir := h.t.TempDir()
	folder, err := publish.OpenFolder(dir)
	if err != nil {
		h.t.Fatal(err)
	}
	run(h.t, &publish.Publisher{Store: h.store, Config: config, Port: folder}, h.now)
	want := keysIn(h.t, dir)
	if len(want) < 20 {
		h.t.Fatalf("only %d files", len(want))
	}
	for key := range want {
		// A month in which nothing went on may have a page or none: nothing leads to it.
		o, _, err := folder.Get(h.t.Context(), key)
		if err != nil {
			h.t.Fatal(err)
		}
		if got[key] || !h.emptyMonth(key, o) {
			h.same(key, port, o, same)
		}
	}
	for key := range got {
		if o, _, err := port.Get(h.t.Context(), key); err != nil || !want[key] && o.Status == 200 && !h.emptyMonth(key, o) {
			h.t.Errorf("%s is there: %d, %v", key, o.Status, err)
		}
	}
}

func sameBytes(got, want publish.Object) bool { return bytes.Equal(got.Body, want.Body) }

// sameState reports whether the files differ in figures alone, if at all.
func sameState(got, want publish.Object) bool { return got.State == want.State }

func (h *history) same(key string, port publish.Port, want publish.Object, same func(got, want publish.Object) bool) {
	h.t.Helper()
	got, _, err := port.Get(h.t.Context(), key)
	if err != nil || got.Status != want.Status || got.Type != want.Type || !same(got, want) {
		at := 0
		for at < min(len(got.Body), len(want.Body)) && got.Body[at] == want.Body[at] {
			at++
		}
		around := func(b []byte) string { return string(b[max(0, at-60):min(len(b), at+60)]) }
		h.t.Errorf("%s: %d %q, want %d %q, %v", key, got.Status, around(got.Body), want.Status, around(want.Body), err)
	}
}

// emptyMonth reports whether the file is about a month in which nothing went on. The page of
// one stays when its incidents are moved.
func (h *history) emptyMonth(key string, o publish.Object) bool {
	name := strings.TrimSuffix(strings.TrimPrefix(key, "public/"), ".html")
	for _, lang := range page.Languages {
		name = strings.TrimPrefix(name, lang+"/")
	}
	begins, err := time.Parse("January-2006", strings.TrimPrefix(name, "events/"))
	if err != nil {
		return false
	}
	shown, err := site.LoadShown(h.t.Context(), h.store)
	if err != nil {
		h.t.Fatal(err)
	}
	m, err := shown.LoadMonth(h.t.Context(), h.store, begins.Unix(), h.now)
	if err != nil {
		h.t.Fatal(err)
	}
	s, err := site.Load(h.t.Context(), h.store, config, h.now)
	if err != nil {
		h.t.Fatal(err)
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
