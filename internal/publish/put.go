package publish

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// atOnce is how many files are read or put at the same time.
const atOnce = 16

// known is what a file is like. The zero value is one that is not there.
type known struct {
	etag   string
	digest string // of its bytes, type and status
	status int
	state  string
	note   string
	time   int64
	ids    []int64 // of a list
}

// errUnknown says that a pass met files whose ETags it did not know before it read the
// records. Now they are known, and it begins again.
var errUnknown = errors.New("the file was not known before the records were read")

func setOf(keys []string) map[string]bool {
	set := map[string]bool{}
	for _, key := range keys {
		set[key] = true
	}
	return set
}

// know learns of the files with the keys that nothing is known of.
func (p *Publisher) know(ctx context.Context, keys []string) error {
	if p.known == nil {
		p.known = map[string]known{}
	}
	var mu sync.Mutex
	found := map[string]known{}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for key := range setOf(keys) {
		if _, ok := p.known[key]; ok {
			continue
		}
		g.Go(func() error {
			o, etag, err := p.Port.Get(gctx, key)
			if err != nil && !errors.Is(err, ErrNotFound) {
				return fmt.Errorf("reading %s: %w", key, err)
			}
			mu.Lock()
			defer mu.Unlock()
			if found[key] = (known{}); err == nil {
				found[key] = knownOf(key, o, etag)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for key, k := range found {
		p.known[key] = k
	}
	if len(found) > 0 {
		return errUnknown
	}
	return nil
}

func knownOf(key string, o Object, etag string) known {
	k := known{etag: etag, digest: digestOfObject(o), status: o.Status, state: o.State, note: o.Note, time: o.Time}
	if strings.HasPrefix(key, listPrefix) && json.Unmarshal(o.Body, &k.ids) != nil {
		k.ids = nil // as if it were empty
	}
	return k
}

func digestOfObject(o Object) string {
	return digest(fmt.Appendf(nil, "%d\n%s\n%s", o.Status, o.Type, o.Body))
}

// put puts those of the files that have to be put, one group after another and each in no
// order. What becomes of each is known afterwards, or nothing is.
func (t *task) put(ctx context.Context, groups ...[]output) error {
	var keys []string
	for _, o := range slices.Concat(groups...) {
		keys = append(keys, o.key)
	}
	if err := t.know(ctx, keys); err != nil {
		return err
	}
	any := false
	keys = nil
	for n, files := range groups {
		groups[n] = slices.DeleteFunc(files, func(o output) bool { return !t.due(o) })
		for _, o := range groups[n] {
			any = true
			if !isLead(o.key) || t.known[o.key].state != o.state { // more than its figures moved
				keys = append(keys, o.key)
			}
		}
	}
	if !any {
		return nil
	}
	if err := t.begin(ctx, t.next, keys, t.now); err != nil {
		return err
	}
	for _, files := range groups {
		if err := t.putGroup(ctx, files); err != nil {
			return err
		}
	}
	return nil
}

func (t *task) putGroup(ctx context.Context, files []output) error {
	var mu sync.Mutex
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for _, o := range files {
		mu.Lock()
		old := t.known[o.key]
		mu.Unlock()
		g.Go(func() error {
			object := t.object(o)
			etag, err := t.Port.Put(gctx, o.key, object, old.etag)
			mu.Lock()
			defer mu.Unlock()
			if err != nil { // it may have been put all the same
				delete(t.known, o.key)
				return fmt.Errorf("putting %s: %w", o.key, err)
			}
			t.known[o.key] = knownOf(o.key, object, etag)
			return nil
		})
	}
	return g.Wait()
}

func (t *task) object(o output) Object {
	return Object{Body: o.file.Body, Type: o.file.Type, Status: o.file.Status, State: o.state, Note: o.note, Time: t.now}
}

// due reports whether the file has to be put in place of the old one: not when that is the
// same, and not yet when only figures differ.
func (t *task) due(o output) bool {
	old, next := t.known[o.key], t.object(o)
	switch {
	case o.over && old.status != http.StatusOK:
		return false
	case old.etag == "":
		return true
	case old.digest == digestOfObject(next) && old.note == next.Note:
		return false
	case !t.exact && old.state == next.State && old.note == next.Note && old.status == next.Status:
		return turn(next.Time, o.file.Every) != turn(old.time, o.file.Every)
	}
	return true
}
