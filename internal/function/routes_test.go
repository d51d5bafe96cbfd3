package function

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/openapi"
)

// TestOpenAPIHasTheSameRoutes compares the routes, and the scopes they need, with the
// OpenAPI document.
func TestOpenAPIHasTheSameRoutes(t *testing.T) {
	type operation struct {
		Security []map[string][]string
	}
	var document struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(openapi.JSON, &document); err != nil {
		t.Fatal(err)
	}
	described := map[string]string{}
	for path, item := range document.Paths {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
			raw, ok := item[strings.ToLower(method)]
			if !ok {
				continue
			}
			var op operation
			if err := json.Unmarshal(raw, &op); err != nil {
				t.Fatalf("%s %s: %v", method, path, err)
			}
			scope := ""
			for _, requirement := range op.Security {
				scope += strings.Join(requirement["bearerAuth"], "+")
			}
			described[method+" "+path] = scope
		}
	}
	served := map[string]string{}
	for _, r := range Routes(nil) {
		for _, m := range r.Methods {
			served[m.Name+" "+r.Path] = string(m.Scope)
		}
	}
	if diff := cmp.Diff(served, described); diff != "" {
		t.Errorf("routes and scopes (-served +described):\n%s", diff)
	}
}
