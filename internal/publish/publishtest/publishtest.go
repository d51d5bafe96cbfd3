// Package publishtest has the test that every publish.Port passes.
package publishtest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"tocsin/internal/publish"
)

// Contract tests what publish.Port promises. open returns a Port without a file.
func Contract(t *testing.T, open func(*testing.T) publish.Port) {
	t.Run("conditions", func(t *testing.T) { conditions(t, open(t)) })
	t.Run("objects", func(t *testing.T) { objects(t, open(t)) })
	t.Run("keys", func(t *testing.T) { keys(t, open(t)) })
	t.Run("first of many", func(t *testing.T) { firstOfMany(t, open(t)) })
	t.Run("one after another", func(t *testing.T) { oneAfterAnother(t, open(t)) })
	t.Run("cancelled", func(t *testing.T) { cancelled(t, open(t)) })
}

const key = "public/a.html"

// conditions puts one thing after another, each on condition of an ETag of before.
func conditions(t *testing.T, p publish.Port) {
	etags := map[string]string{"none": "", "foreign": `"d41d8cd98f00b204e9800998ecf8427e"`}
	for n, step := range []struct {
		on, body string
		want     error
	}{
		{"foreign", "one", publish.ErrChanged},
		{"none", "one", nil},
		{"none", "one", publish.ErrChanged},
		{"none", "two", publish.ErrChanged},
		{"foreign", "two", publish.ErrChanged},
		{"one", "two", nil},
		{"one", "one", publish.ErrChanged},
		{"one", "three", publish.ErrChanged},
		{"two", "two", nil},
		{"two", "three", nil},
	} {
		before, _, _ := p.Get(t.Context(), key)
		etag, err := p.Put(t.Context(), key, object(step.body), etags[step.on])
		if !errors.Is(err, step.want) {
			t.Fatalf("%d: Put: %v, want %v", n, err, step.want)
		}
		want := object(step.body)
		if err != nil {
			want = before
		} else {
			etags[step.body] = etag
		}
		got, found, err := p.Get(t.Context(), key)
		if n == 0 {
			if !errors.Is(err, publish.ErrNotFound) {
				t.Fatalf("%d: Get: %v", n, err)
			}
			continue
		}
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%d: %v\n%s", n, err, d)
		}
		if step.want == nil && (found != etag || found == "") {
			t.Errorf("%d: Get has the ETag %s, Put %s", n, found, etag)
		}
	}
	if etags["one"] == etags["two"] || etags["two"] == etags["three"] {
		t.Errorf("other bytes have the same ETag: %v", etags)
	}
}

func object(body string) publish.Object {
	return publish.Object{Body: []byte(body), Type: "text/html; charset=utf-8", Status: 200, State: "s-" + body, Note: "n-" + body, Time: 1_763_800_000}
}

// objects puts whatever a file can be, and gets the same back.
func objects(t *testing.T, p publish.Port) {
	all := []byte{}
	for b := range 256 {
		all = append(all, byte(b))
	}
	for name, o := range map[string]publish.Object{
		"page":         object("<p>ä</p>"),
		"empty":        {Body: []byte{}, Type: "text/plain; charset=utf-8", Status: 200, Time: 1},
		"deleted":      {Body: []byte("gone"), Type: "text/html; charset=utf-8", Status: 410, State: "0123456789abcdef", Time: 1},
		"picture":      {Body: all, Type: "image/png", Status: 404, Time: 1},
		"large":        {Body: bytes.Repeat(all, 5<<20/len(all)), Type: "application/json", Status: 200, Time: 1},
		"notes":        {Body: []byte("a"), Type: "text/html", Status: 200, State: `"%2B+ =?UTF-8?Q?a?= \`, Note: "  1763800000 ä–日 \n 100%, a;b  ", Time: 1},
		"long notes":   {Body: []byte("a"), Type: "text/html", Status: 200, State: strings.Repeat("s", 64), Note: strings.Repeat("n", 500), Time: 253402300799},
		"without time": {Body: []byte("a"), Type: "text/html", Status: 200},
	} {
		key := "public/" + strings.ReplaceAll(name, " ", "/") + ".html"
		etag, err := p.Put(t.Context(), key, o, "")
		if err != nil {
			t.Errorf("%s: Put: %v", name, err)
			continue
		}
		got, found, err := p.Get(t.Context(), key)
		if !bytes.Equal(got.Body, o.Body) {
			t.Errorf("%s: Get has other bytes, %d", name, len(got.Body))
		}
		got.Body, o.Body = nil, nil // a large one takes long to compare
		if d := cmp.Diff(o, got); d != "" || err != nil || found != etag {
			t.Errorf("%s: Get: %s, want %s, %v\n%s", name, found, etag, err, d)
		}
	}
}

// keys puts files whose keys have all that a key can have.
func keys(t *testing.T, p publish.Port) {
	tag := strings.Repeat("a", 256)
	all := []string{"publisher.json", "public/index.html", "public/de/index.html", "public/badge/_/status.svg", "public/A.html", "public/a-b_c.d.json"}
	for _, address := range []string{"/monitors/" + tag, "/monitors/" + tag[1:] + "b", "/monitors/" + tag + "/rss.xml", "/data/" + tag + ".json", "/" + strings.Repeat("a", 511)} {
		k, ok := publish.Key(address)
		if !ok {
			t.Fatalf("%.20s has no key", address)
		}
		all = append(all, k)
	}
	for _, k := range all {
		if _, err := p.Put(t.Context(), k, object(k), ""); err != nil {
			t.Errorf("%.40s: Put: %v", k, err)
		}
	}
	for _, k := range all {
		if got, _, err := p.Get(t.Context(), k); err != nil || string(got.Body) != k {
			t.Errorf("%.40s: Get: %.40q, %v", k, got.Body, err)
		}
		if _, _, err := p.Get(t.Context(), k+"/b.html"); !errors.Is(err, publish.ErrNotFound) && len(k) < 500 {
			t.Errorf("%.40s: Get of what is below: %v", k, err)
		}
	}
}

const writers = 8

// firstOfMany lets many writers make the same file at once: one of them does.
func firstOfMany(t *testing.T, p publish.Port) {
	for round := range 10 {
		k := fmt.Sprintf("public/%d.html", round)
		var winners atomic.Int64
		var g errgroup.Group
		for n := range writers {
			g.Go(func() error {
				_, err := p.Put(t.Context(), k, object(fmt.Sprint(n)), "")
				if err == nil {
					winners.Add(1)
				}
				return but(err, publish.ErrChanged)
			})
		}
		if err := g.Wait(); err != nil || winners.Load() != 1 {
			t.Fatalf("%d writers made the file, %v", winners.Load(), err)
		}
	}
}

// oneAfterAnother lets many writers count in one file. None counts over another, and no reader
// sees a smaller number after a greater one.
func oneAfterAnother(t *testing.T, p publish.Port) {
	const each = 20
	read := func(ctx context.Context) (n uint64, etag string, err error) {
		o, etag, err := p.Get(ctx, key)
		if err != nil {
			return 0, "", but(err, publish.ErrNotFound)
		}
		return binary.BigEndian.Uint64(o.Body), etag, nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	var readers, all errgroup.Group
	readers.Go(func() error {
		for last := uint64(0); ctx.Err() == nil; {
			n, _, err := read(t.Context())
			if err != nil {
				return err
			}
			if n < last {
				return fmt.Errorf("%d after %d", n, last)
			}
			last = n
		}
		return nil
	})
	for range writers {
		all.Go(func() error {
			for done := 0; done < each; {
				n, etag, err := read(t.Context())
				if err != nil {
					return err
				}
				_, err = p.Put(t.Context(), key, publish.Object{Body: binary.BigEndian.AppendUint64(nil, n+1), Type: "a/b", Status: 200}, etag)
				if err == nil {
					done++
				}
				if err := but(err, publish.ErrChanged); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := all.Wait()
	cancel()
	if err := errors.Join(err, readers.Wait()); err != nil {
		t.Fatal(err)
	}
	if n, _, err := read(t.Context()); n != writers*each || err != nil {
		t.Errorf("%d, want %d, %v", n, writers*each, err)
	}
}

// but is the error, unless it is the expected one.
func but(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}

// cancelled asks after the time is up. Whatever comes back, it does not say that there is no
// file, or another one.
func cancelled(t *testing.T, p publish.Port) {
	etag, err := p.Put(t.Context(), key, object("one"), "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := p.Get(ctx, key); errors.Is(err, publish.ErrNotFound) {
		t.Errorf("Get: %v", err)
	}
	if _, err := p.Put(ctx, key, object("two"), etag); errors.Is(err, publish.ErrChanged) {
		t.Errorf("Put: %v", err)
	}
}
