package publish

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestKey(t *testing.T) {
	for address, want := range map[string]string{
		"/":                            "public/index.html",
		"/de/":                         "public/de/index.html",
		"/monitors/api":                "public/monitors/api.html",
		"/de/monitors/api":             "public/de/monitors/api.html",
		"/history":                     "public/history.html",
		"/events/November-2026":        "public/events/November-2026.html",
		"/404":                         "public/404.html",
		"/rss.xml":                     "public/rss.xml",
		"/monitors/api/rss.xml":        "public/monitors/api/rss.xml",
		"/api/v2/status.json":          "public/api/v2/status.json",
		"/badge/_/status":              "public/badge/_/status.svg",
		"/badge/api/status.json":       "public/badge/api/status.json",
		"/team":                        "public/team.html",
		"/team/de/history":             "public/team/de/history.html",
		"/team/badge/_/status":         "public/team/badge/_/status.svg",
		"/team/badge/_/status.json":    "public/team/badge/_/status.json",
		"/team/api/v2/status.json":     "public/team/api/v2/status.json",
		"/data/a_b-c.json":             "public/data/a_b-c.json",
		"/" + strings.Repeat("a", 511): "public/" + strings.Repeat("a", 511) + ".html",

		"": "", "a": "", "//": "", "//a": "", "/a//b": "", "/a//": "", "/.": "", "/..": "", "/../a": "", "/a/..": "", "/a/../b": "", "/.a": "", "/a/.b/c": "",
		"/a\\b": "", "/a\x00b": "", "/a b": "", "/ä": "", "/a%2fb": "", "/a:b": "", "/\xff": "", "/a\n": "",
		"/" + strings.Repeat("a", 512): "",
	} {
		if got, ok := Key(address); got != want || ok != (want != "") {
			t.Errorf("Key(%.40q) = %.60q, %t, want %.60q", address, got, ok, want)
		}
	}
}

// A key is safe in a file's name, whatever the address.
func FuzzKey(f *testing.F) {
	for _, address := range []string{"/", "/de/", "/a/../b", "/a.b", "/badge/a/b", "/%2e", "/a\\b", "//"} {
		f.Add(address)
	}
	folder := &Folder{dir: "/folder"}
	f.Fuzz(func(t *testing.T, address string) {
		key, ok := Key(address)
		if !ok {
			return
		}
		file, state, err := folder.paths(key)
		if err != nil {
			t.Fatalf("%q has the key %q: %v", address, key, err)
		}
		for _, name := range []string{file, state} {
			if name != filepath.Clean(name) || !strings.HasPrefix(name, "/folder/") || len(filepath.Base(name)) > 200 {
				t.Errorf("%q is in %q", address, name)
			}
		}
		if !strings.HasPrefix(file, "/folder/public/") || !strings.HasPrefix(state, "/folder/state/public/") {
			t.Errorf("%q is in %q and %q", address, file, state)
		}
	})
}

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	f, err := OpenFolder(filepath.Join(dir, "site"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := OpenFolder(filepath.Join(dir, "x", "..", "site"))
	if err != nil || again != f {
		t.Errorf("the same folder opened twice: %p and %p, %v", f, again, err)
	}
	etag := ""
	for _, body := range []string{"one", "two"} {
		if etag, err = f.Put(t.Context(), "public/a.html", Object{Body: []byte(body)}, etag); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := os.ReadFile(filepath.Join(dir, "site", "public", "a.html")); err != nil || string(text) != "two" {
		t.Errorf("the file has %q, %v", text, err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "site", "*", ".next-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
}

func TestFolderRefusesKeys(t *testing.T) {
	f, err := OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"", ".", "..", "../a", "a/../../b", "/a", "a//b", "a/", "a\\b", "a\x00", "state/public/a", ".a", strings.Repeat("a/", 600) + "a"} {
		if _, _, err := f.Get(t.Context(), key); err == nil || errors.Is(err, ErrNotFound) {
			t.Errorf("Get of %.20q: %v", key, err)
		}
		if _, err := f.Put(t.Context(), key, Object{}, ""); err == nil || errors.Is(err, ErrChanged) {
			t.Errorf("Put of %.20q: %v", key, err)
		}
	}
}

// When the process ended between the two files, there is none: the next pass puts it.
func TestFolderAfterAnEndBetweenTwoFiles(t *testing.T) {
	dir := t.TempDir()
	f, err := OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	const key = "public/a.html"
	if _, err := f.Put(t.Context(), key, Object{Body: []byte("new")}, ""); err != nil {
		t.Fatal(err)
	}
	for _, left := range []func() error{
		func() error { return os.WriteFile(filepath.Join(dir, key), []byte("old"), 0o600) },
		func() error { return os.Remove(filepath.Join(dir, key)) },
		func() error { return os.Remove(filepath.Join(dir, "state", key)) },
		func() error { return os.WriteFile(filepath.Join(dir, "state", key), nil, 0o600) },
		func() error { return os.WriteFile(filepath.Join(dir, "state", key), []byte(`{"type":`), 0o600) },
	} {
		if err := left(); err != nil {
			t.Fatal(err)
		}
		if _, _, err := f.Get(t.Context(), key); !errors.Is(err, ErrNotFound) {
			t.Errorf("Get: %v", err)
		}
		if _, err := f.Put(t.Context(), key, Object{Body: []byte("new")}, ""); err != nil {
			t.Errorf("Put: %v", err)
		}
	}
}
