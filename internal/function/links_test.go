package function

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Every folder of functions/ is a function here, and links no more than it needs: each
// package makes a cold start slower. What serves the pages knows no table at all.
func TestLinks(t *testing.T) {
	folders, err := os.ReadDir("../../functions")
	if err != nil {
		t.Fatal(err)
	}
	names := []string{Page}
	for _, f := range withTable {
		names = append(names, f.Name)
	}
	if len(folders) != len(names) {
		t.Errorf("%d folders, %d functions", len(folders), len(names))
	}
	for _, f := range names {
		// Without the tag aws-lambda-go has net/rpc, which has html/template.
		out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-tags", "lambda.norpc", "../../functions/"+f).Output()
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		without := []string{"tocsin/internal/function", "tocsin/internal/local", "tocsin/internal/dynamo/dump", "tocsin/internal/doctor", "tocsin/internal/stack", "html/template"}
		for _, service := range []string{"acm", "cloudformation", "lambda"} { // which the command calls
			without = append(without, "github.com/aws/aws-sdk-go-v2/service/"+service)
		}
		if f == Minute || f == Closer || f == Page || f == Publisher || f == Inbound {
			without = append(without, "tocsin/internal/apiv4", "tocsin/internal/apilegacy", "tocsin/internal/openapi")
		}
		if f == Page {
			without = append(without, "tocsin/internal/dynamo", "tocsin/internal/ddb", "github.com/aws/aws-sdk-go-v2/service/dynamodb")
		} else if f != Publisher {
			without = append(without, "tocsin/internal/page", "tocsin/internal/publish", "github.com/aws/aws-sdk-go-v2/service/s3")
		}
		for _, name := range strings.Fields(string(out)) {
			if slices.Contains(without, name) {
				t.Errorf("%s links %s", f, name)
			}
		}
	}
}
