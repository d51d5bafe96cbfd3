package openapi_test

import (
	"bytes"
	"testing"

	"tocsin/internal/openapi"
	"tocsin/internal/openapi/parts"
)

// TestGenerated compares what is served with what the parts give.
func TestGenerated(t *testing.T) {
	files, err := parts.Files()
	if err != nil {
		t.Fatal(err)
	}
	served := map[string][]byte{"openapi.json": openapi.JSON, "docs.html": openapi.Page}
	for _, f := range files {
		if !bytes.Equal(f.Text, served[f.Name]) {
			t.Errorf("%s is not what the parts give: run go generate ./internal/openapi", f.Name)
		}
		delete(served, f.Name)
	}
	if len(served) > 0 {
		t.Errorf("nothing makes %v", served)
	}
}
