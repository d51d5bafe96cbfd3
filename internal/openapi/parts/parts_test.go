package parts

import (
	"testing"
	"testing/fstest"
)

// TestPartsThatDoNotFit puts parts together that define the same, or what is no part.
func TestPartsThatDoNotFit(t *testing.T) {
	const common = "openapi: 3.1.0\ntags: [{name: A}]\npaths: {/a: {}}\ncomponents:\n  schemas: {ID: {type: integer}}\n  headers: {ID: {}}\n"
	for _, tt := range []struct{ name, keys, want string }{
		{"nothing in common", "tags: [{name: B}]\npaths: {/b: {}}\ncomponents: {schemas: {Key: {}}, responses: {ID: {}}}", ""},
		{"component", "components: {schemas: {ID: {}}}", "keys.yaml: components.schemas.ID is in common.yaml already"},
		{"path", "paths: {/b: {}, /a: {}}", "keys.yaml: paths./a is in common.yaml already"},
		{"tag", "tags: [{name: B}, {name: A}]", "keys.yaml: tags.A is in common.yaml already"},
		{"what only one part can have", "openapi: 3.1.0", "keys.yaml: openapi is in common.yaml already"},
		{"twice in one part", "paths:\n  /b: {}\n  /b: {}", "keys.yaml: line 3: /b stands there twice"},
		{"another kind", "tags: {A: 1}", "keys.yaml: line 1: tags is not what it is elsewhere"},
		{"no kind", "x: 1\ncomponents: {schemas: 1}", "keys.yaml: line 2: components.schemas is not what it is elsewhere"},
		{"no JSON", "x: 0x10", "keys.yaml: line 1: 0x10 is not written as in JSON"},
	} {
		files := fstest.MapFS{"common.yaml": {Data: []byte(common)}, "keys.yaml": {Data: []byte(tt.keys)}}
		_, err := read(files, []string{"common.yaml", "keys.yaml"})
		if got := message(err); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	_, err := read(fstest.MapFS{"a.yaml": {Data: []byte("x: 1")}, "b.yaml": {Data: []byte("y: 1")}}, []string{"a.yaml"})
	if want := "b.yaml has no place in the order of the parts"; message(err) != want {
		t.Errorf("a file too many: %v, want %s", err, want)
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
