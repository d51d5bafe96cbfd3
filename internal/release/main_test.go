package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"
)

const root = "../.."

var whole = flag.Bool("whole", false, "compare whole releases, for every processor and system, in place of one function")

// TestReproducible makes a release here, and one in a copy of the source elsewhere, later
// and for nobody else to read. With -whole it is all of a release, which takes minutes.
func TestReproducible(t *testing.T) {
	build := func(source string) map[string][]byte {
		content, err := functionZip(source, "closer", "x86_64")
		if err != nil {
			t.Fatal(err)
		}
		return map[string][]byte{"closer.zip": content}
	}
	if *whole {
		build = func(source string) map[string][]byte { return wholeRelease(t, source) }
	}
	here := build(root)
	elsewhere := filepath.Join(t.TempDir(), "another", "folder")
	copySource(t, elsewhere)
	defer syscall.Umask(syscall.Umask(0o077))
	there := build(elsewhere)
	if names, others := slices.Sorted(maps.Keys(here)), slices.Sorted(maps.Keys(there)); !slices.Equal(names, others) {
		t.Fatalf("%q here, %q elsewhere", names, others)
	}
	for name, content := range here {
		t.Logf("%x  %s", sha256.Sum256(content), name)
		if !bytes.Equal(content, there[name]) {
			t.Errorf("%s: %d bytes here, %d bytes elsewhere, and not the same", name, len(content), len(there[name]))
		}
	}
}

// wholeRelease returns all files of a release, after a look at their checksums.
func wholeRelease(t *testing.T, source string) map[string][]byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "release")
	if err := release(source, out, all); err != nil {
		t.Fatal(err)
	}
	paths, err := filepath.Glob(filepath.Join(out, "*"))
	if err != nil {
		t.Fatal(err)
	}
	files, sums := map[string][]byte{}, ""
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(path)
		files[name] = content
		if name != "SHA256SUMS" {
			sums += fmt.Sprintf("%x  %s\n", sha256.Sum256(content), name)
		}
	}
	sorted := func(s string) []string { return slices.Sorted(strings.Lines(s)) }
	if diff := cmp.Diff(sorted(sums), sorted(string(files["SHA256SUMS"]))); diff != "" {
		t.Errorf("SHA256SUMS (-files +SHA256SUMS):\n%s", diff)
	}
	if want := 1 + len(all.architectures)*(1+len(all.systems)); len(files) != want {
		t.Errorf("the release has %d files, want %d", len(files), want)
	}
	return files
}

// copySource copies the checkout, but for its history and what was built in it.
func copySource(t *testing.T, to string) {
	t.Helper()
	if err := os.MkdirAll(to, 0o755); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		from, to := filepath.Join(root, e.Name()), filepath.Join(to, e.Name())
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if e.IsDir() {
			err = os.CopyFS(to, os.DirFS(from))
		} else {
			var content []byte
			if content, err = os.ReadFile(from); err == nil {
				err = os.WriteFile(to, content, 0o644)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestZip looks at the header of a file in an archive.
func TestZip(t *testing.T) {
	content, err := zipOf([]file{{name: "bootstrap", content: []byte("B"), executable: true}})
	if err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	if len(z.File) != 1 || z.File[0].Name != "bootstrap" || z.File[0].Mode() != 0o755 || !z.File[0].Modified.Equal(packedAt) {
		t.Errorf("the zip has %+v", z.File[0].FileHeader)
	}
}

// TestZipOrder gives files in two orders.
func TestZipOrder(t *testing.T) {
	files := []file{{name: "b", content: []byte("B")}, {name: "a", content: []byte("A"), executable: true}}
	one, err := zipOf(slices.Clone(files))
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(files)
	two, err := zipOf(files)
	if err != nil || !bytes.Equal(one, two) {
		t.Errorf("%x\n%x, %v", one, two, err)
	}
}

// TestPackagedTemplate compares the packaged template with the one that it is made of.
func TestPackagedTemplate(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	folders, err := os.ReadDir(filepath.Join(root, "functions"))
	if err != nil {
		t.Fatal(err)
	}
	for arch := range architectures {
		packaged, names, err := packagedTemplate(string(text), arch)
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(names)
		var want []string
		for _, f := range folders {
			want = append(want, f.Name())
		}
		if diff := cmp.Diff(want, names); diff != "" {
			t.Errorf("functions (-want +got):\n%s", diff)
		}
		var from, to map[string]any
		if err := yaml.Load(text, &from); err != nil {
			t.Fatal(err)
		}
		if err := yaml.Load([]byte(packaged), &to); err != nil {
			t.Fatal(err)
		}
		for _, r := range from["Resources"].(map[string]any) {
			r := r.(map[string]any)
			if r["Type"] != "AWS::Serverless::Function" {
				continue
			}
			delete(r, "Metadata")
			p := r["Properties"].(map[string]any)
			p["CodeUri"] = strings.TrimSuffix(strings.TrimPrefix(p["CodeUri"].(string), "functions/"), "/") + ".zip"
		}
		processor := from["Parameters"].(map[string]any)["Architecture"].(map[string]any)
		processor["AllowedValues"], processor["Default"] = []any{arch}, arch
		if diff := cmp.Diff(from, to); diff != "" {
			t.Errorf("%s (-want +got):\n%s", arch, diff)
		}
	}
	if _, _, err := packagedTemplate("Resources:\n", "arm64"); err == nil {
		t.Error("a template without functions was packaged")
	}
}
