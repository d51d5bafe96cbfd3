package main

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"
)

const root = "../.."

// TestReproducible builds a function here and in a copy of the source elsewhere.
func TestReproducible(t *testing.T) {
	elsewhere := filepath.Join(t.TempDir(), "another", "folder")
	for _, part := range []string{"functions", "internal", "infra/lambda"} {
		if err := os.CopyFS(filepath.Join(elsewhere, part), os.DirFS(filepath.Join(root, part))); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(elsewhere, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	here, err := functionZip(root, "closer", "x86_64")
	if err != nil {
		t.Fatal(err)
	}
	there, err := functionZip(elsewhere, "closer", "x86_64")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(here, there) {
		t.Errorf("%d bytes here, %d bytes elsewhere, and not the same", len(here), len(there))
	}
	z, err := zip.NewReader(bytes.NewReader(here), int64(len(here)))
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
