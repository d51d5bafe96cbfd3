package function

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/apihooks"
	"tocsin/internal/apiv4"
	"tocsin/internal/delivery"
	"tocsin/internal/lambdaapi"
	"tocsin/internal/local"
	"tocsin/internal/openapi"
	"tocsin/internal/web"
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
	if err := json.Unmarshal(openapi.JSON.Unpacked(), &document); err != nil {
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
	for _, r := range lambdaapi.Routes(nil) {
		for _, m := range r.Methods {
			served[m.Name+" "+r.Path] = string(m.Scope)
		}
	}
	if diff := cmp.Diff(served, described); diff != "" {
		t.Errorf("routes and scopes (-served +described):\n%s", diff)
	}
}

// TestTemplateHasTheSameRoutes compares the routes, and the function that serves each,
// with the events in template.yaml. A path takes every other method too, so that its
// function can say which ones there are.
func TestTemplateHasTheSameRoutes(t *testing.T) {
	template, err := local.ReadTemplate("../../template.yaml", local.TemplateOptions{TableName: "tocsin", Region: "local"})
	if err != nil {
		t.Fatal(err)
	}
	events := map[string]string{}
	for _, f := range template.Functions {
		for _, r := range f.Routes {
			events[r.Method+" "+r.Path] = f.Name
		}
	}
	served := map[string]string{"ANY $default": Page, "ANY /api/v2/{proxy+}": Page, "ANY /api": Edge, "ANY /api/{proxy+}": Edge}
	for path := range hooksInTemplate {
		served["ANY "+path] = Inbound
	}
	for _, r := range lambdaapi.Routes(nil) {
		for _, m := range r.Methods {
			served[m.Name+" "+r.Path], served["ANY "+r.Path] = string(r.Group), string(r.Group)
		}
	}
	if diff := cmp.Diff(served, events); diff != "" {
		t.Errorf("routes and their functions (-served +template.yaml):\n%s", diff)
	}
}

// hooksInTemplate are the paths of template.yaml that other tools send to, as patterns.
var hooksInTemplate = map[string]*regexp.Regexp{
	"/hooks":                                regexp.MustCompile(`^/hooks$`),
	"/hooks/{proxy+}":                       regexp.MustCompile(`^/hooks/`),
	"/v2/{proxy+}":                          regexp.MustCompile(`^/v2/`),
	"/ping/{proxy+}":                        regexp.MustCompile(`^/ping/`),
	"/ext/heartbeat/{proxy+}":               regexp.MustCompile(`^/ext/heartbeat/`),
	"/generic/2010-04-15/create_event.json": regexp.MustCompile(`^/generic/2010-04-15/create_event\.json$`),
}

// TestTemplateHasTheHooks has every route of what other tools send come to its function. Each path
// takes every method, and most take whatever follows.
func TestTemplateHasTheHooks(t *testing.T) {
	for _, r := range apihooks.Routes(nil, delivery.Receiver{}, nil) {
		covered := slices.ContainsFunc(apiv4.Signals(), func(s web.Route) bool { return s.Path == r.Path && s.Methods[0].Scope == r.Methods[0].Scope })
		for _, pattern := range hooksInTemplate {
			covered = covered || pattern.MatchString(r.Path)
		}
		if !covered || r.Group != web.Inbound {
			t.Errorf("%s of the group %s is in no event of template.yaml", r.Path, r.Group)
		}
	}
}

// TestEveryResourceIsServed looks for the functions that return routes, and are not asked
// for them.
func TestEveryResourceIsServed(t *testing.T) {
	wiring, err := os.ReadFile("../lambdaapi/lambdaapi.go")
	if err != nil {
		t.Fatal(err)
	}
	returnsRoutes := regexp.MustCompile(`(?m)^func ([A-Z]\w*)\(.*\) \[\]web\.Route \{$`)
	for _, api := range []string{"apiv4", "apilegacy"} {
		files, err := filepath.Glob("../" + api + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		resources := 0
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range returnsRoutes.FindAllStringSubmatch(string(text), -1) {
				resources++
				if !strings.Contains(string(wiring), api+"."+name[1]+"(") {
					t.Errorf("%s: the routes of %s are not among Routes", file, name[1])
				}
			}
		}
		if resources == 0 {
			t.Errorf("no resources in %s", api)
		}
	}
}
