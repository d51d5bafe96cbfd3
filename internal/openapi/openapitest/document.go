package openapitest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"tocsin/internal/openapi"
	"tocsin/internal/statuspage"
)

// document is the OpenAPI document made ready to check with.
type document struct {
	paths     []*path
	elsewhere map[int]*response // of requests that belong to no operation
	legacy    map[int]*response // the same of paths of the legacy API
}

type path struct {
	legacy     bool // of the legacy API
	segments   []string
	operations map[string]*operation // by method
}

type operation struct {
	id           string
	needsKey     bool
	parameters   []*parameter
	body         *jsonschema.Schema // nil: none is looked at
	trimmedNames []string           // texts in the body whose white space is cut off
	answers      map[int]*response
}

// A parameter is one of a request, or a header of an answer.
type parameter struct {
	name, in string
	required bool
	list     bool // values between commas
	schema   *jsonschema.Schema
}

type response struct {
	headers []*parameter
	content map[string]*jsonschema.Schema // by media type; nil: no body
}

// elsewhere names the shared responses that answer requests to no operation.
var elsewhere = map[int]string{
	http.StatusPermanentRedirect:     "TrailingSlash",
	http.StatusUnauthorized:          "Unauthorized",
	http.StatusNotFound:              "NoRoute",
	http.StatusMethodNotAllowed:      "MethodNotAllowed",
	http.StatusRequestEntityTooLarge: "TooLarge",
	http.StatusTooManyRequests:       "Throttled",
	http.StatusInternalServerError:   "Failure",
	http.StatusServiceUnavailable:    "Unavailable",
}

// legacyElsewhere does the same for paths of the legacy API, where it has answers of
// its own.
var legacyElsewhere = map[int]string{
	http.StatusUnauthorized:        "LegacyUnauthorized",
	http.StatusMethodNotAllowed:    "LegacyMethodNotAllowed",
	http.StatusInternalServerError: "LegacyFailure",
	http.StatusServiceUnavailable:  "LegacyUnavailable",
}

// loader reads the document. Schemas of requests are open, those of answers closed:
// a client may send what the service passes over, and the service answers nothing
// that the document leaves out.
type loader struct {
	root         any
	open, closed *jsonschema.Compiler
}

// A place is a part of the document and the JSON pointer to it.
type place struct {
	l       *loader
	pointer string
	value   any
}

const documentURL = "file:///openapi.json"

func newLoader() (*loader, error) {
	l := &loader{open: jsonschema.NewCompiler(), closed: jsonschema.NewCompiler()}
	for _, c := range []*jsonschema.Compiler{l.open, l.closed} {
		root, err := jsonschema.UnmarshalJSON(bytes.NewReader(openapi.JSON.Unpacked()))
		if err != nil {
			return nil, err
		}
		if c == l.closed {
			closeObjects(root)
		}
		l.root = root
		c.DefaultDraft(jsonschema.Draft2020)
		c.AssertFormat()
		if err := c.AddResource(documentURL, root); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func load() (*document, error) {
	l, err := newLoader()
	if err != nil {
		return nil, err
	}
	d := &document{elsewhere: map[int]*response{}, legacy: map[int]*response{}}
	root := place{l, "", l.root}
	for name, item := range root.get("paths").fields() {
		p, err := newPath(name, item)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		d.paths = append(d.paths, p)
	}
	shared := root.get("components").get("responses")
	for _, kind := range []struct {
		names map[int]string
		into  map[int]*response
	}{{elsewhere, d.elsewhere}, {legacyElsewhere, d.legacy}} {
		for status, name := range kind.names {
			r, err := newResponse(shared.get(name))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			kind.into[status] = r
		}
	}
	return d, nil
}

// closeObjects lets the schemas below v have no properties but those they name.
func closeObjects(v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, child := range v {
			closeObjects(child)
		}
		if _, ok := v["properties"].(map[string]any); ok && v["type"] == "object" {
			v["additionalProperties"] = false
		}
	case []any:
		for _, child := range v {
			closeObjects(child)
		}
	}
}

func newPath(name string, item place) (*path, error) {
	p := &path{
		legacy:   strings.HasPrefix(name, "/api/") && !strings.HasPrefix(name, "/api/v4/"),
		segments: strings.Split(name, "/"), operations: map[string]*operation{},
	}
	for _, method := range []string{"get", "post", "put", "patch", "delete"} {
		if item.get(method).value == nil {
			continue
		}
		op, err := newOperation(item, item.get(method))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", method, err)
		}
		p.operations[strings.ToUpper(method)] = op
	}
	return p, nil
}

func newOperation(item, n place) (*operation, error) {
	op := &operation{answers: map[int]*response{}}
	op.id, _ = n.get("operationId").value.(string)
	security, _ := n.get("security").value.([]any)
	op.needsKey = len(security) > 0
	for _, p := range append(item.get("parameters").items(), n.get("parameters").items()...) {
		name, _ := p.get("name").value.(string)
		parameter, err := newParameter(name, p, n.l.open)
		if err != nil {
			return nil, err
		}
		op.parameters = append(op.parameters, parameter)
	}
	if schema := n.get("requestBody").get("content").get("application/json").get("schema"); schema.value != nil {
		var err error
		if op.body, err = schema.compile(n.l.open); err != nil {
			return nil, err
		}
		for name, property := range schema.get("properties").fields() {
			if property.get("x-trimmed").value == true {
				op.trimmedNames = append(op.trimmedNames, name)
			}
		}
	}
	for name, answer := range n.get("responses").fields() {
		status, err := strconv.Atoi(name)
		if err != nil {
			return nil, err
		}
		if op.answers[status], err = newResponse(answer); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return op, nil
}

func newParameter(name string, n place, c *jsonschema.Compiler) (*parameter, error) {
	p := &parameter{name: name}
	p.in, _ = n.get("in").value.(string)
	p.required, _ = n.get("required").value.(bool)
	p.list = n.get("schema").get("type").value == "array"
	if explode, given := n.get("explode").value.(bool); p.list && (!given || explode) {
		return nil, fmt.Errorf("%s: only lists with explode: false are understood here", name)
	}
	var err error
	p.schema, err = n.get("schema").compile(c)
	return p, err
}

func newResponse(n place) (*response, error) {
	if n.value == nil {
		return nil, errors.New("there is no such response")
	}
	r := &response{}
	for name, h := range n.get("headers").fields() {
		header, err := newParameter(name, h, n.l.closed)
		if err != nil {
			return nil, err
		}
		r.headers = append(r.headers, header)
	}
	for kind, content := range n.get("content").fields() {
		schema, err := content.get("schema").compile(n.l.closed)
		if err != nil {
			return nil, err
		}
		if r.content == nil {
			r.content = map[string]*jsonschema.Schema{}
		}
		r.content[kind] = schema
	}
	return r, nil
}

// get is the part under the key, or of what the place refers to.
func (p place) get(key string) place {
	fields, _ := p.value.(map[string]any)
	value, ok := fields[key]
	if ref, refers := fields["$ref"].(string); !ok && refers {
		return p.target(ref).get(key)
	}
	return place{p.l, p.pointer + "/" + escapeToken(key), value}
}

func (p place) fields() map[string]place {
	fields, _ := p.value.(map[string]any)
	if ref, ok := fields["$ref"].(string); ok {
		return p.target(ref).fields()
	}
	all := map[string]place{}
	for key := range fields {
		all[key] = p.get(key)
	}
	return all
}

func (p place) items() []place {
	items, _ := p.value.([]any)
	var all []place
	for i, value := range items {
		all = append(all, place{p.l, p.pointer + "/" + strconv.Itoa(i), value})
	}
	return all
}

func (p place) target(ref string) place {
	target := place{p.l, "", p.l.root}
	for _, token := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
		target = target.get(strings.NewReplacer("~1", "/", "~0", "~").Replace(token))
	}
	return target
}

func (p place) compile(c *jsonschema.Compiler) (*jsonschema.Schema, error) {
	if p.value == nil {
		return nil, fmt.Errorf("there is nothing at %s", p.pointer)
	}
	return c.Compile(documentURL + "#" + p.pointer)
}

// escapeToken writes a key as a JSON pointer in a URL has it.
func escapeToken(key string) string {
	return strings.NewReplacer("~", "~0", "/", "~1", "%", "%25", "{", "%7B", "}", "%7D").Replace(key)
}

// match returns the path's entry in the document and what its variables stand for. One
// without variables comes before others.
func (d *document) match(decoded string) (found *path, of map[string]string) {
	segments := strings.Split(decoded, "/")
	for _, p := range d.paths {
		if variables, ok := p.match(segments); ok && (found == nil || len(variables) == 0) {
			found, of = p, variables
		}
	}
	return found, of
}

func (p *path) match(segments []string) (map[string]string, bool) {
	if len(segments) != len(p.segments) {
		return nil, false
	}
	var variables map[string]string
	for i, s := range p.segments {
		name, isVariable := strings.CutPrefix(s, "{")
		switch got := segments[i]; {
		case !isVariable && got != s, isVariable && (got == "" || got == "." || got == ".."):
			return nil, false
		case isVariable:
			if variables == nil {
				variables = map[string]string{}
			}
			variables[strings.TrimSuffix(name, "}")] = got
		}
	}
	return variables, true
}

// operation is the path's operation for the method; HEAD is answered as GET.
func (p *path) operation(method string) *operation {
	if p == nil {
		return nil
	}
	if method == http.MethodHead {
		method = http.MethodGet
	}
	return p.operations[method]
}

// check checks a value as it stands in a path, a query or a header, where a number is
// a text too.
func (p *parameter) check(value string) error {
	if p.list {
		items := []any{}
		for item := range strings.SplitSeq(value, ",") {
			items = append(items, item)
		}
		return p.schema.Validate(items)
	}
	err := p.schema.Validate(value)
	if err == nil || !digits.MatchString(value) {
		return err
	}
	number := strings.TrimLeft(value, "0")
	if number == "" {
		number = "0"
	}
	return p.schema.Validate(json.Number(number))
}

var digits = regexp.MustCompile(`^[0-9]+$`)

func decode(body string) (any, error) { return jsonschema.UnmarshalJSON(strings.NewReader(body)) }

// decodeRequest reads a body as the service does: without a byte-order mark, invalid
// UTF-8 as U+FFFD, numbers as doubles. Each UTF-16 unit becomes one character: it is
// what lengths in the document count.
func decodeRequest(body string) (any, error) {
	v, err := decode(statuspage.ValidText(strings.TrimPrefix(body, "\ufeff")))
	if err != nil {
		return nil, err
	}
	return asCounted(v), nil
}

func asCounted(v any) any {
	switch v := v.(type) {
	case string:
		return astral.ReplaceAllString(v, "\ufffd\ufffd")
	case json.Number:
		if f, err := v.Float64(); err == nil {
			return f
		}
	case []any:
		for i := range v {
			v[i] = asCounted(v[i])
		}
	case map[string]any:
		for key := range maps.Keys(v) {
			v[key] = asCounted(v[key])
		}
	}
	return v
}

var astral = regexp.MustCompile(`[\x{10000}-\x{10ffff}]`)

// trimmed cuts white space off the texts of the body for which the document says so.
func (op *operation) trimmed(body any) any {
	if fields, ok := body.(map[string]any); ok {
		for _, name := range op.trimmedNames {
			if text, ok := fields[name].(string); ok {
				fields[name] = statuspage.TrimBlank(text)
			}
		}
	}
	return body
}
