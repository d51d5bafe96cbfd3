package publish

import (
	"context"
	"errors"
	"fmt"
	"net/http"
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
}

// errUnknown says that a pass met files whose ETags it did not know before it read the
// records. Now they are known, and it begins again.
var errUnknown = errors.New("the file was not known before the records were read")

// know learns of the files with the keys that nothing is known of.
func (p *Publisher) know(ctx context.Context, keys []string) error {
	if p.known == nil {
		p.known = map[string]known{}
	}
	var mu sync.Mutex
	found := map[string]known{}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for _, key := range keys {
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
				found[key] = knownOf(o, etag)
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

func knownOf(o Object, etag string) known {
	return known{etag: etag, digest: digestOfObject(o), status: o.Status, state: o.State, note: o.Note, time: o.Time}
}

func digestOfObject(o Object) string {
	return digest(fmt.Appendf(nil, "%d\n%s\n%s", o.Status, o.Type, o.Body))
}

// putAll puts the files that have to be put, one group after another.
func (p *Publisher) putAll(ctx context.Context, groups [][]output, now int64) error {
	var keys []string
	for _, group := range groups {
		for _, o := range group {
			keys = append(keys, o.key)
		}
	}
	if err := p.know(ctx, keys); err != nil {
		return err
	}
	for _, group := range groups {
		if err := p.putGroup(ctx, group, now); err != nil {
			return err
		}
	}
	return nil
}

// putGroup puts files in no order. What becomes of each is known afterwards, or nothing is.
func (p *Publisher) putGroup(ctx context.Context, group []output, now int64) error {
	var mu sync.Mutex
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for _, o := range group {
		object := Object{Body: o.file.Body, Type: o.file.Type, Status: o.file.Status, State: o.state, Note: o.note, Time: now}
		mu.Lock()
		old := p.known[o.key]
		mu.Unlock()
		if !due(old, o, object) {
			continue
		}
		if err := p.begin(ctx, now); err != nil {
			return errors.Join(err, g.Wait())
		}
		g.Go(func() error {
			etag, err := p.Port.Put(gctx, o.key, object, old.etag)
			mu.Lock()
			defer mu.Unlock()
			if err != nil { // it may have been put all the same
				delete(p.known, o.key)
				return fmt.Errorf("putting %s: %w", o.key, err)
			}
			p.known[o.key] = knownOf(object, etag)
			return nil
		})
	}
	return g.Wait()
}

// due reports whether the file has to be put in place of the old one: not when that is the
// same, and not yet when only figures differ.
func due(old known, o output, next Object) bool {
	switch {
	case o.over && old.status != http.StatusOK:
		return false
	case old.etag == "":
		return true
	case old.digest == digestOfObject(next) && old.note == next.Note:
		return false
	case old.state == next.State && old.note == next.Note && old.status == next.Status:
		age := next.Time - old.time
		return max(age, -age) >= o.file.Every // a clock may have been ahead
	}
	return true
}
