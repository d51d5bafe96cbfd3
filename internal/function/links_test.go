package function

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Every folder of functions/ is a function here, and links no more than it needs: each
// package makes a cold start slower.
func TestLinks(t *testing.T) {
	folders, err := os.ReadDir("../../functions")
	if err != nil {
		t.Fatal(err)
	}
	if len(folders) != len(all) {
		t.Errorf("%d folders, %d functions", len(folders), len(all))
	}
	for _, f := range all {
		// Without the tag aws-lambda-go has net/rpc, which has html/template.
		out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-tags", "lambda.norpc", "../../functions/"+f.Name).Output()
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		without := []string{"tocsin/internal/function", "tocsin/internal/local", "tocsin/internal/dynamo/dump", "html/template"}
		if f.Name == Minute || f.Name == Closer {
			without = append(without, "tocsin/internal/apiv4", "tocsin/internal/apilegacy", "tocsin/internal/openapi")
		}
		for _, name := range strings.Fields(string(out)) {
			if slices.Contains(without, name) {
				t.Errorf("%s links %s", f.Name, name)
			}
		}
	}
}
