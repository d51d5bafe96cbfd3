package parts

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"go.yaml.in/yaml/v4"
)

// The page of the document for people.
//
//go:embed docs.tmpl
var pageTemplate string

// page is what the template shows.
type page struct {
	Title, Version, Summary string
	Licence                 string
	Intro                   template.HTML
	Sections                []section
	Everywhere              []failure // errors of every operation that needs a key
	Elsewhere               []failure // answers that belong to no operation
}

// section is a tag of the document.
type section struct {
	ID, Name    string
	Description template.HTML
	Operations  []operation
	Objects     []object
}

type operation struct {
	ID, Method, Path string
	Summary          string
	Description      template.HTML
	Scope            string // "" when it needs no key
	Parameters       []field
	Body             []field
	Requests         []sample
	Answers          []answer
	Errors           []failure
}

// object is a schema that answers have in them.
type object struct {
	Name        string
	Description template.HTML
	Fields      []field
}

type field struct {
	Name        string
	Where       string // path, query or header, for a parameter
	Type        template.HTML
	Required    bool
	Default     string
	Description template.HTML
}

type answer struct {
	Status      string
	Description template.HTML
	Headers     []field
	Fields      []field
	Samples     []sample
}

// sample is an example with its caption.
type sample struct {
	Caption string
	Text    template.HTML
}

// failure is a response that is an error. What the gateway says has no code.
type failure struct {
	Status      string
	Code        string
	Description template.HTML
	Messages    []string
	Gateway     string
	Headers     []field
}

func pageHTML(root *yaml.Node) ([]byte, error) {
	t, err := template.New("docs").Funcs(template.FuncMap{"path": pathHTML, "lower": strings.ToLower}).Parse(pageTemplate)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, newPage(node{root, root, ""})); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

var methods = []string{"get", "post", "put", "patch", "delete"}

func newPage(root node) page {
	info := root.get("info")
	p := page{
		Title: info.text("title"), Version: info.text("version"), Summary: info.text("summary"),
		Licence: info.get("license").text("name"), Intro: markdown(info.text("description")),
	}
	common := commonResponses(root)
	shown := map[string]bool{}
	for _, tag := range root.get("tags").items() {
		s := section{ID: strings.ToLower(tag.text("name")), Name: tag.text("name"), Description: markdown(tag.text("description"))}
		for _, path := range root.get("paths").fields() {
			for _, method := range methods {
				op := path.get(method)
				if op.Node == nil || op.get("tags").items()[0].Value != tag.text("name") {
					continue
				}
				s.Operations = append(s.Operations, newOperation(path, method, op, common))
				s.Objects = append(s.Objects, newObjects(op, shown)...)
			}
		}
		p.Sections = append(p.Sections, s)
	}
	used := usedResponses(root)
	for _, r := range root.get("components").get("responses").fields() {
		switch status := map[string]string{"TrailingSlash": "308", "NoRoute": "404", "MethodNotAllowed": "405"}[r.name]; {
		case slices.Contains(common, r.name) && strings.HasPrefix(r.name, "Legacy"): // the same errors, in its own form
		case slices.Contains(common, r.name):
			p.Everywhere = append(p.Everywhere, newFailure(used[r.name], r))
		case status != "":
			p.Elsewhere = append(p.Elsewhere, newFailure(status, r))
		}
	}
	slices.SortStableFunc(p.Everywhere, func(a, b failure) int { return strings.Compare(a.Status, b.Status) })
	return p
}

// usedResponses are the shared responses that operations have, with their statuses.
func usedResponses(root node) map[string]string {
	used := map[string]string{}
	for _, op := range operations(root) {
		for _, r := range op.get("responses").fields() {
			if name := r.ref(); name != "" {
				used[name] = r.name
			}
		}
	}
	return used
}

// commonResponses are the shared responses that every operation with a key has, of the
// legacy API or of all others.
func commonResponses(root node) []string {
	var common []string
	for name := range usedResponses(root) {
		everywhere := true
		for _, op := range operations(root) {
			if strings.HasPrefix(name, "Legacy") != (op.get("tags").items()[0].Value == "Legacy") && name != "Throttled" {
				continue
			}
			has := slices.ContainsFunc(op.get("responses").fields(), func(r node) bool { return r.ref() == name })
			everywhere = everywhere && (has || scopeOf(op) == "")
		}
		if everywhere {
			common = append(common, name)
		}
	}
	return common
}

// operations are all operations of the document.
func operations(root node) []node {
	var all []node
	for _, path := range root.get("paths").fields() {
		for _, method := range methods {
			if op := path.get(method); op.Node != nil {
				all = append(all, op)
			}
		}
	}
	return all
}

func scopeOf(op node) string {
	for _, requirement := range op.get("security").items() {
		for _, scheme := range requirement.fields() {
			for _, role := range scheme.items() {
				return role.Value
			}
		}
	}
	return ""
}

func newOperation(path node, method string, n node, common []string) operation {
	op := operation{
		ID: n.text("operationId"), Method: strings.ToUpper(method), Path: path.name,
		Summary: n.text("summary"), Description: markdown(n.text("description")), Scope: scopeOf(n),
	}
	call := path.name
	for _, p := range append(path.get("parameters").items(), n.get("parameters").items()...) {
		p = p.resolved()
		op.Parameters = append(op.Parameters, field{
			Name: p.text("name"), Where: p.text("in"), Type: typeHTML(p.get("schema"), true), Required: p.text("required") == "true",
			Default: p.get("schema").resolved().text("default"), Description: markdown(p.text("description")),
		})
		call = strings.ReplaceAll(call, "{"+p.text("name")+"}", url.PathEscape(p.text("example")))
	}
	curl := "curl "
	if method != "get" && method != "post" {
		curl += "-X " + op.Method + " "
	}
	curl += `"$URL` + call + `"`
	if op.Scope != "" {
		curl += " \\\n  -H \"Authorization: Bearer $KEY\""
	}
	for _, body := range n.get("requestBody").get("content").fields() {
		op.Body = fieldsOf(body.get("schema"), "", true)
		for _, e := range body.get("examples").fields() {
			e = e.resolved()
			op.Requests = append(op.Requests, sample{e.text("summary"), escaped(curl + " \\\n  -d '" + strings.ReplaceAll(readable(e.get("value")), "'", `'\''`) + "'")})
		}
	}
	if op.Requests == nil {
		op.Requests = []sample{{"", escaped(curl)}}
	}
	for _, r := range n.get("responses").fields() {
		switch {
		case r.name < "400":
			op.Answers = append(op.Answers, newAnswer(r))
		case !slices.Contains(common, r.ref()):
			op.Errors = append(op.Errors, newFailure(r.name, r.resolved()))
		}
	}
	return op
}

func newAnswer(r node) answer {
	r = r.resolved()
	a := answer{Status: r.name, Description: markdown(r.text("description")), Headers: headersOf(r)}
	for _, content := range r.get("content").fields() {
		a.Fields = fieldsOf(content.get("schema"), "", false)
		for _, e := range content.get("examples").fields() {
			e = e.resolved()
			text := highlighted(e.get("value"))
			if content.name != "application/json" {
				text = escaped(e.text("value"))
			}
			a.Samples = append(a.Samples, sample{e.text("summary"), text})
		}
	}
	return a
}

// headersOf are the response's headers but for those that all have.
func headersOf(r node) []field {
	var out []field
	for _, h := range r.get("headers").fields() {
		if name := strings.ToLower(h.name); name != "x-request-id" && !strings.HasSuffix(h.ref(), "CacheControl") {
			out = append(out, field{Name: name, Description: markdown(h.resolved().text("description"))})
		}
	}
	return out
}

func newFailure(status string, r node) failure {
	f := failure{Status: status, Description: markdown(r.text("description")), Headers: headersOf(r)}
	for _, content := range r.get("content").fields() {
		for _, e := range content.get("examples").fields() {
			body := e.resolved().get("value")
			switch own := body.get("error"); {
			case own.Node == nil:
				f.Gateway = spaced(body)
			case own.Node.Kind == yaml.ScalarNode: // of the legacy API
				f.Messages = append(f.Messages, own.Node.Value)
			default:
				f.Code = own.text("code")
				f.Messages = append(f.Messages, own.text("message"))
			}
		}
	}
	return f
}

// newObjects are the objects inside the operation's answers that were not shown yet.
func newObjects(op node, shown map[string]bool) []object {
	var all []object
	var visit func(schema node, top bool)
	visit = func(schema node, top bool) {
		name := schema.ref()
		schema = schema.resolved()
		if item := schema.get("items"); item.Node != nil {
			visit(item, false)
		}
		properties := schema.get("properties").fields()
		if !top && name != "" && len(properties) > 0 {
			if shown[name] {
				return
			}
			shown[name] = true
			all = append(all, object{name, markdown(schema.text("description")), fieldsOf(schema, "", false)})
		}
		for _, p := range properties {
			visit(p, false)
		}
	}
	for _, r := range op.get("responses").fields() {
		if r.name < "300" {
			for _, content := range r.get("content").fields() {
				visit(content.get("schema"), true)
			}
		}
	}
	return all
}

// fieldsOf are an object's properties; of a request, those of the objects in it too.
func fieldsOf(schema node, prefix string, request bool) []field {
	schema = schema.resolved()
	var required []string
	for _, r := range schema.get("required").items() {
		required = append(required, r.Value)
	}
	var all []field
	for _, p := range schema.get("properties").fields() {
		resolved := p.resolved()
		all = append(all, field{
			Name: prefix + p.name, Type: typeHTML(p, request), Required: slices.Contains(required, p.name),
			Default: resolved.text("default"), Description: markdown(resolved.text("description")),
		})
		if items := resolved.get("items"); request && items.Node != nil {
			all = append(all, fieldsOf(items, prefix+p.name+"[].", true)...)
		}
	}
	return all
}

// anyInteger is the largest integer that a double holds: a limit that limits nothing.
const anyInteger = "9007199254740991"

// typeHTML says in words what a schema takes, with limits in a request. Objects that
// the page shows are links.
func typeHTML(schema node, request bool) template.HTML {
	name := schema.ref()
	schema = schema.resolved()
	if title := schema.text("title"); title != "" {
		return escaped(title)
	}
	var words []string
	for _, value := range slices.Concat(schema.get("enum").items(), existing(schema.get("const"))) {
		if value.ShortTag() == "!!null" {
			words = append(words, "null")
		} else {
			words = append(words, "<code>"+template.HTMLEscapeString(value.Value)+"</code>")
		}
	}
	for _, option := range schema.get("anyOf").items() {
		if option.text("maxLength") != "0" { // the empty parameter, which is none
			words = append(words, string(typeHTML(option, request)))
		}
	}
	if words != nil {
		return template.HTML(strings.Join(words, " or "))
	}
	types := []string{schema.text("type")}
	if list := schema.get("type").items(); list != nil {
		types = nil
		for _, t := range list {
			types = append(types, t.Value)
		}
	}
	for _, t := range types {
		switch item := schema.get("items"); {
		case t == "array" && item.get("type").Node != nil:
			words = append(words, "array of "+string(typeHTML(item, request))+"s")
		case t == "array" && request:
			words = append(words, "array of objects")
			if item.resolved().get("enum").Node != nil {
				words = []string{"array of " + string(typeHTML(item, true))}
			}
		case t == "array" && item.resolved().get("enum").Node != nil:
			words = append(words, "array of "+string(typeHTML(item, false)))
		case t == "array":
			words = append(words, `array of <a href="#`+item.ref()+`">`+item.ref()+"</a>")
		case t == "object" && name != "" && !request && schema.get("properties").Node != nil:
			words = append(words, `<a href="#`+name+`">`+name+"</a>")
		case (t == "integer" || t == "number") && request && schema.text("maximum") != "" && schema.text("maximum") != anyInteger:
			words = append(words, t+" from "+schema.text("minimum")+" to "+schema.text("maximum"))
		default:
			words = append(words, t)
		}
	}
	return template.HTML(strings.Join(words, " or "))
}

func existing(n node) []node {
	if n.Node == nil {
		return nil
	}
	return []node{n}
}

// pathHTML is a path with its variables marked and with places to break it.
func pathHTML(path string) template.HTML {
	text := strings.ReplaceAll(template.HTMLEscapeString(path), "/", "/<wbr>")
	return template.HTML(regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(text, "<var>$0</var>"))
}

// markdown is a text of the document as HTML. Headings in it are one level below the
// section's.
func markdown(text string) template.HTML {
	var b bytes.Buffer
	if err := goldmark.Convert([]byte(text), &b); err != nil {
		panic(fmt.Sprintf("markdown: %v", err)) // a bytes.Buffer never fails
	}
	html := strings.ReplaceAll(b.String(), "<pre>", `<pre tabindex="0">`)
	return template.HTML(strings.TrimSpace(html))
}

func escaped(text string) template.HTML { return template.HTML(template.HTMLEscapeString(text)) }

// compactJSON is a value of the document in JSON, without the escapes that the
// document's file has.
func compactJSON(n node) []byte {
	var b bytes.Buffer
	if err := writeJSON(&b, n.Node); err != nil {
		panic(err) // documentJSON has written all of it before
	}
	var raw json.RawMessage = b.Bytes()
	for _, escape := range regexp.MustCompile(`\\u[0-9a-f]{4}`).FindAll(raw, -1) {
		var s string
		if err := json.Unmarshal([]byte(`"`+string(escape)+`"`), &s); err == nil {
			raw = bytes.ReplaceAll(raw, escape, []byte(s))
		}
	}
	return raw
}

// spaced is a value in JSON on one line, with blanks where people put them.
func spaced(n node) string {
	var b strings.Builder
	quoted := false
	text := string(compactJSON(n))
	for i, r := range text {
		b.WriteRune(r)
		if r == '"' && (i == 0 || text[i-1] != '\\') {
			quoted = !quoted
		}
		if !quoted && (r == ',' || r == ':') {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// readable is spaced, or indented where the line would get long.
func readable(n node) string {
	const width = 40
	line := spaced(n)
	if len(line) <= width {
		return line
	}
	var parts []string
	brackets := "[]"
	for _, f := range n.fields() {
		brackets = "{}"
		parts = append(parts, spaced(node{&yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: f.name}, n.root, ""})+": "+readable(f))
	}
	for _, i := range n.items() {
		parts = append(parts, readable(i))
	}
	if parts == nil {
		return line
	}
	return brackets[:1] + "\n  " + strings.ReplaceAll(strings.Join(parts, ",\n"), "\n", "\n  ") + "\n" + brackets[1:]
}

var tokens = regexp.MustCompile(`("(?:[^"\\]|\\.)*")(:?)|\b(?:true|false|null)\b|-?\b[0-9][0-9.eE+-]*`)

// highlighted is a value in readable JSON with its parts marked.
func highlighted(n node) template.HTML {
	return template.HTML(tokens.ReplaceAllStringFunc(readable(n), func(token string) string {
		class := "n"
		switch key, isKey := strings.CutSuffix(token, ":"); {
		case isKey:
			return `<b>` + template.HTMLEscapeString(key) + `</b>:`
		case token[0] == '"':
			class = "s"
		}
		return `<i class="` + class + `">` + template.HTMLEscapeString(token) + `</i>`
	}))
}

// node is a place in the document. Its zero Node is a place where nothing stands; all
// that is read from there is empty.
type node struct {
	*yaml.Node
	root *yaml.Node
	name string // the key that it stands under
}

func (n node) fields() []node {
	if n.Node == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	var all []node
	for i := 0; i < len(n.Content); i += 2 {
		all = append(all, node{n.Content[i+1], n.root, n.Content[i].Value})
	}
	return all
}

func (n node) items() []node {
	if n.Node == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	var all []node
	for _, c := range n.Content {
		all = append(all, node{c, n.root, ""})
	}
	return all
}

func (n node) get(key string) node {
	for _, f := range n.fields() {
		if f.name == key {
			return f
		}
	}
	return node{root: n.root}
}

// text is the scalar under the key, "" when there is none.
func (n node) text(key string) string {
	if f := n.get(key); f.Node != nil && f.Kind == yaml.ScalarNode {
		return f.Value
	}
	return ""
}

// ref is the name of the component that the node refers to.
func (n node) ref() string {
	ref := n.text("$ref")
	return ref[strings.LastIndex(ref, "/")+1:]
}

// resolved is the node with what it refers to, over which its own fields lie.
func (n node) resolved() node {
	ref := n.text("$ref")
	if ref == "" {
		return n
	}
	target := node{n.root, n.root, ""}
	for _, key := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
		target = target.get(key)
	}
	target = target.resolved()
	merged := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for i := 0; i < len(n.Content); i += 2 {
		if n.Content[i].Value != "$ref" {
			merged.Content = append(merged.Content, n.Content[i], n.Content[i+1])
		}
	}
	for _, f := range target.fields() {
		if n.get(f.name).Node == nil {
			merged.Content = append(merged.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: f.name}, f.Node)
		}
	}
	return node{merged, n.root, n.name}
}
