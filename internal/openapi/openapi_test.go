package openapi_test

import (
	"bytes"
	"compress/gzip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/openapi"
	"tocsin/internal/openapi/parts"
)

var served = map[string]openapi.File{"openapi.json": openapi.JSON, "docs.html": openapi.Page}

// TestGenerated compares what is served with what the parts give. It unpacks it first:
// another version of Go may compress the same text to other bytes.
func TestGenerated(t *testing.T) {
	files, err := parts.Files()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !bytes.Equal(f.Text, served[f.Name].Unpacked()) {
			t.Errorf("%s.gz is not what the parts give: run go generate ./internal/openapi", f.Name)
		}
	}
	if len(files) != len(served) {
		t.Errorf("%d files are made, %d served", len(files), len(served))
	}
}

// TestPacked checks that the files are small, and that nothing is in them but the text.
func TestPacked(t *testing.T) {
	for name, f := range served {
		if len(f) >= 60_000 {
			t.Errorf("%s.gz has %d bytes", name, len(f))
		}
		r, err := gzip.NewReader(bytes.NewReader(f))
		if err != nil {
			t.Fatal(err)
		}
		const unknownSystem = 255
		if diff := cmp.Diff(gzip.Header{OS: unknownSystem}, r.Header); diff != "" {
			t.Errorf("%s.gz (-want +got):\n%s", name, diff)
		}
	}
}
