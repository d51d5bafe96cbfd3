package parts

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"tocsin/internal/local"
)

func document(t *testing.T) node {
	t.Helper()
	root, err := read(sources, order)
	if err != nil {
		t.Fatal(err)
	}
	return node{root, root, ""}
}

func text(t *testing.T, name string) []byte {
	t.Helper()
	files, err := Files()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if f.Name == name {
			return f.Text
		}
	}
	t.Fatalf("there is no %s", name)
	return nil
}

func TestDocumentIsValid(t *testing.T) {
	loader := openapi3.NewLoader()
	d, err := loader.LoadFromData(text(t, "openapi.json"))
	if err != nil {
		t.Fatal(err)
	}
	if !d.IsOpenAPI31OrLater() {
		t.Errorf("the document is OpenAPI %s, not 3.1", d.OpenAPI)
	}
	if err := d.Validate(t.Context(), openapi3.IsOpenAPI31OrLater(), openapi3.EnableSchemaPatternValidation(), openapi3.EnableSchemaDefaultsValidation()); err != nil {
		t.Error(err)
	}
}

func TestOperationIDs(t *testing.T) {
	seen := map[string]bool{}
	camelCase := regexp.MustCompile(`^[a-z]+([A-Z]+[a-z]*)*$`)
	for _, op := range operations(document(t)) {
		id := op.text("operationId")
		if !camelCase.MatchString(id) || seen[id] {
			t.Errorf("operationId %q: not in camel case, or not the only one", id)
		}
		seen[id] = true
		if op.text("summary") == "" || len(op.get("tags").items()) != 1 {
			t.Errorf("%s: there must be a summary and one tag", id)
		}
		if op.get("security").Node == nil {
			t.Errorf("%s: there must be a security requirement, an empty one if no key is needed", id)
		}
	}
	if len(seen) == 0 {
		t.Error("no operations")
	}
}

// TestTemplateHasTheSameRoutes compares the document with what API Gateway will serve.
func TestTemplateHasTheSameRoutes(t *testing.T) {
	template, err := local.ReadTemplate("../../../template.yaml", local.TemplateOptions{TableName: "tocsin", Region: "local"})
	if err != nil {
		t.Fatal(err)
	}
	var served, described []string
	for _, f := range template.Functions {
		for _, r := range f.Routes {
			if r.Method != "ANY" {
				served = append(served, r.Method+" "+r.Path)
			}
		}
	}
	for _, path := range document(t).get("paths").fields() {
		for _, method := range methods {
			if path.get(method).Node != nil {
				described = append(described, strings.ToUpper(method)+" "+path.name)
			}
		}
	}
	slices.Sort(served)
	slices.Sort(described)
	if diff := cmp.Diff(served, described); diff != "" {
		t.Errorf("routes (-template +document):\n%s", diff)
	}
}

// TestEverythingIsDescribed looks for what has no description.
func TestEverythingIsDescribed(t *testing.T) {
	root := document(t)
	var visit func(n node, at string)
	visit = func(n node, at string) {
		for _, p := range n.get("properties").fields() {
			if p.resolved().text("description") == "" {
				t.Errorf("%s.%s has no description", at, p.name)
			}
		}
		for _, f := range n.fields() {
			visit(f, at+"."+f.name)
		}
		for _, i := range n.items() {
			visit(i, at+"[]")
		}
	}
	schemas := root.get("components").get("schemas")
	visit(schemas, "schemas")
	for _, s := range schemas.fields() {
		if s.resolved().text("description") == "" {
			t.Errorf("the schema %s has no description", s.name)
		}
	}
	for _, kind := range []string{"parameters", "headers", "responses"} {
		for _, f := range root.get("components").get(kind).fields() {
			if f.text("description") == "" {
				t.Errorf("%s.%s has no description", kind, f.name)
			}
		}
	}
	for _, op := range operations(root) {
		for _, p := range op.get("parameters").items() {
			if p.resolved().text("description") == "" {
				t.Errorf("%s: the parameter %s has no description", op.text("operationId"), p.text("name"))
			}
		}
	}
}

// TestPageHasEveryOperation looks for each operation and each of its errors in the
// page.
func TestPageHasEveryOperation(t *testing.T) {
	page := string(text(t, "docs.html"))
	root := document(t)
	for _, op := range operations(root) {
		id := op.text("operationId")
		for _, want := range []string{`<article class="operation" id="` + id + `"`, `href="#` + id + `"`, ">" + op.text("summary") + "<"} {
			if !strings.Contains(page, want) {
				t.Errorf("%s: the page has no %s", id, want)
			}
		}
	}
	for _, address := range regexp.MustCompile(`(?:src|href|action|url)\s*[=(]\s*["']?([^"'\s)>]*)`).FindAllStringSubmatch(page, -1) {
		switch target := address[1]; {
		case strings.HasPrefix(target, "#"):
			if !strings.Contains(page, ` id="`+target[1:]+`"`) {
				t.Errorf("the link %s leads nowhere", target)
			}
		case target != "/openapi.json" && target != "data:," && target != "https://kener.ing":
			t.Errorf("the page names the address %q", target)
		}
	}
	if strings.Contains(page, "<script") {
		t.Error("the page has a script")
	}
}
