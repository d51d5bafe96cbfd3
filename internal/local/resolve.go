package local

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// value is a place in the template: what stands there, and the path to it, for
// errors. Reading a place resolves the intrinsic functions in it. The first failure
// is kept by the resolver; everything read after it is empty, so that readers need
// not check each step.
type value struct {
	r    *resolver
	at   string     // the path
	name string     // its last element
	node *yaml.Node // nil: there is nothing
}

// resolver knows what the intrinsic functions of a template give.
type resolver struct {
	root       value
	options    TemplateOptions
	tableID    string // the table's logical id
	evaluating []string
	steps      int
	err        error
}

// Limits of what is read. Aliases, conditions and substitutions that build on each
// other would let a short template go on for ever; the service's own takes some 1,100
// steps, and Lambda takes 4 KB of environment.
const (
	maxSteps = 50_000
	maxText  = 64 << 10
)

func parseYAML(text []byte) (value, error) {
	var doc yaml.Node
	if err := yaml.Load(text, &doc); err != nil {
		return value{}, err
	}
	root := &doc
	if root.Kind == yaml.DocumentNode {
		root = root.Content[0]
	}
	if err := checkKeys(root); err != nil {
		return value{}, err
	}
	return value{node: root}, nil
}

// Scalars returns the texts in a node of a template as they are written, however deep.
func Scalars(n *yaml.Node) []string {
	if n.Kind == yaml.ScalarNode {
		return []string{n.Value}
	}
	var texts []string
	for _, c := range n.Content {
		texts = append(texts, Scalars(c)...)
	}
	return texts
}

// checkKeys refuses a mapping with a key twice, of which CloudFormation would take
// one, and the key that merges another mapping into this one.
func checkKeys(n *yaml.Node) error {
	seen := map[string]bool{}
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			if seen[c.Value] {
				return fmt.Errorf("line %d: %s stands there twice", c.Line, c.Value)
			}
			if c.Tag == "!!merge" {
				return fmt.Errorf("line %d: merging with %s is not understood here", c.Line, c.Value)
			}
			seen[c.Value] = true
		}
		if err := checkKeys(c); err != nil {
			return err
		}
	}
	return nil
}

// newResolver makes the resolver of root's template and gives it to root.
func newResolver(root value, o TemplateOptions) *resolver {
	r := &resolver{options: o}
	root.r = r
	r.root = root
	for _, resource := range root.get("Resources").fields() {
		if resource.get("Type").text() != "AWS::DynamoDB::Table" {
			continue
		}
		if r.tableID != "" {
			resource.fail("a second table can't be served locally")
		}
		r.tableID = resource.name
	}
	return r
}

// checkParameters fails for a value given for a parameter that AWS would refuse.
func (r *resolver) checkParameters() {
	parameters := r.root.get("Parameters")
	for _, name := range slices.Sorted(maps.Keys(r.options.Parameters)) {
		p := parameters.get(name)
		if !p.exists() {
			parameters.fail("there is no parameter %s", name)
			continue
		}
		p.checkGiven(r.options.Parameters[name])
	}
}

// checkGiven compares the text given for the parameter that stands here with what
// the parameter allows.
func (v value) checkGiven(text string) {
	ok, why := true, ""
	if allowed := v.get("AllowedValues"); allowed.exists() {
		var texts []string
		for _, a := range allowed.items() {
			texts = append(texts, a.text())
		}
		ok, why = slices.Contains(texts, text), "must be one of "+strings.Join(texts, ", ")
	}
	if pattern := v.get("AllowedPattern"); ok && pattern.exists() {
		expression, err := regexp.Compile(pattern.text())
		if err != nil {
			pattern.fail("%s", err)
			return
		}
		ok, why = expression.MatchString(text), "must match "+expression.String()
	}
	if constraint := v.get("ConstraintDescription"); constraint.exists() {
		why = constraint.text()
	}
	if !ok {
		v.fail("%s, not %q", why, text)
	}
}

// excluded reports whether the resource's condition leaves it out.
func (r *resolver) excluded(resource value) bool {
	c := resource.get("Condition")
	return c.exists() && !r.condition(c.text(), c)
}

func (v value) fail(format string, args ...any) {
	if v.r.err == nil {
		v.r.err = fmt.Errorf("%s: %s", cmp.Or(v.at, "the template"), fmt.Sprintf(format, args...))
	}
}

func (v value) child(name string, node *yaml.Node) value {
	at := name
	if v.at != "" {
		at = v.at + "." + name
	}
	return value{r: v.r, at: at, name: name, node: node}
}

// with returns the place with another node in it.
func (v value) with(node *yaml.Node) value {
	v.node = node
	return v
}

func (v value) exists() bool { return v.chosen().node != nil }

// chosen follows aliases and Fn::If to what stands there in the end; AWS::NoValue
// is nothing.
func (v value) chosen() value {
	for v.step() && v.node != nil {
		if v.node.Kind == yaml.AliasNode {
			v.node = v.node.Alias
			continue
		}
		name, argument := v.intrinsic()
		switch {
		case name == "Ref" && argument.node.Value == "AWS::NoValue":
			return v.with(nil)
		case name != "Fn::If":
			return v
		}
		branches := argument.list()
		if len(branches) != 3 {
			v.fail("Fn::If takes a condition and two values")
			break
		}
		if v.r.condition(branches[0].text(), v) {
			v = branches[1]
		} else {
			v = branches[2]
		}
	}
	return v.with(nil)
}

// step reports whether reading may go on.
func (v value) step() bool {
	if v.r.steps++; v.r.steps > maxSteps {
		v.fail("the template builds on itself too often")
	}
	return v.r.err == nil
}

// intrinsic returns the long name of the intrinsic function that stands here and
// its argument, or "".
func (v value) intrinsic() (string, value) {
	if tag := v.node.Tag; strings.HasPrefix(tag, "!") && !strings.HasPrefix(tag, "!!") {
		name := tag[1:]
		if name != "Ref" && name != "Condition" {
			name = "Fn::" + name
		}
		plain := *v.node
		plain.Tag = ""
		return name, v.with(&plain)
	}
	if v.node.Kind == yaml.MappingNode && len(v.node.Content) == 2 {
		name := v.node.Content[0].Value
		if name == "Ref" || strings.HasPrefix(name, "Fn::") {
			return name, v.with(v.node.Content[1])
		}
	}
	return "", value{}
}

// plain returns what stands here, which must be of the kind and no intrinsic
// function; nothing when there is nothing.
func (v value) plain(kind yaml.Kind, what string) value {
	v = v.chosen()
	if v.node == nil {
		return v
	}
	if name, _ := v.intrinsic(); name != "" {
		v.fail("%s is not understood here", name)
		return v.with(nil)
	}
	if v.node.Kind != kind {
		v.fail("must be %s", what)
		return v.with(nil)
	}
	return v
}

// fields returns the entries of the mapping that stands here, in order.
func (v value) fields() []value {
	v = v.plain(yaml.MappingNode, "a mapping")
	if v.node == nil {
		return nil
	}
	var out []value
	for i := 0; i < len(v.node.Content); i += 2 {
		if f := v.child(v.node.Content[i].Value, v.node.Content[i+1]); f.exists() {
			out = append(out, f)
		}
	}
	return out
}

// get returns the entry of the mapping that stands here, and does not look at the
// others.
func (v value) get(name string) value {
	v = v.plain(yaml.MappingNode, "a mapping")
	if v.node == nil {
		return v.child(name, nil)
	}
	for i := 0; i < len(v.node.Content); i += 2 {
		if v.node.Content[i].Value == name {
			return v.child(name, v.node.Content[i+1])
		}
	}
	return v.child(name, nil)
}

// allow fails for an entry that is none of keys.
func (v value) allow(keys ...string) {
	for _, f := range v.fields() {
		if !slices.Contains(keys, f.name) {
			f.fail("is not understood here")
		}
	}
}

// items returns the elements of the list that stands here.
func (v value) items() []value {
	v = v.plain(yaml.SequenceNode, "a list")
	if v.node == nil {
		return nil
	}
	return v.list()
}

// list is items for an argument of an intrinsic function.
func (v value) list() []value {
	if v.node.Kind != yaml.SequenceNode {
		v.fail("must be a list")
		return nil
	}
	var out []value
	for i, node := range v.node.Content {
		out = append(out, value{r: v.r, at: fmt.Sprintf("%s[%d]", v.at, i), node: node})
	}
	return out
}

// texts returns the texts of the list that stands here, be it written out or made by
// Fn::Split.
func (v value) texts() []string {
	v = v.chosen()
	if v.node == nil {
		return nil
	}
	if name, argument := v.intrinsic(); name == "Fn::Split" {
		return argument.split()
	}
	var out []string
	for _, item := range v.items() {
		out = append(out, item.text())
	}
	return out
}

// split returns what Fn::Split gives for its argument that stands here.
func (v value) split() []string {
	parts := v.list()
	if len(parts) != 2 {
		v.fail("Fn::Split takes a delimiter and a text")
		return nil
	}
	delimiter, text := parts[0].text(), parts[1].text()
	if delimiter == "" {
		parts[0].fail("the delimiter is empty")
		return nil
	}
	return strings.Split(text, delimiter)
}

// text returns the scalar that stands here.
func (v value) text() string {
	v = v.chosen()
	if v.r.err != nil {
		return ""
	}
	if v.node == nil {
		v.fail("is missing")
		return ""
	}
	switch name, argument := v.intrinsic(); name {
	case "Ref":
		return v.r.ref(argument.text(), v)
	case "Fn::Sub":
		return argument.substitute()
	}
	return v.literal()
}

// literal is text without intrinsic functions.
func (v value) literal() string {
	const what = "a text or a number"
	v = v.plain(yaml.ScalarNode, what)
	if v.node == nil {
		return ""
	}
	if v.node.Tag == "!!null" {
		v.fail("must be %s", what)
		return ""
	}
	return v.node.Value
}

// number returns the whole number from low to high that stands here.
func (v value) number(low, high int) int {
	text := v.text()
	n, err := strconv.Atoi(text)
	if v.r.err == nil && (err != nil || n < low || n > high) {
		v.fail("must be a whole number from %d to %d, not %q", low, high, text)
	}
	return n
}

// ref returns what !Ref name gives; v is where it stands.
func (r *resolver) ref(name string, v value) string {
	pseudo := map[string]string{
		"AWS::Region":    r.options.Region,
		"AWS::AccountId": localAccount,
		"AWS::Partition": "aws",
		"AWS::StackName": "tocsin",
		"AWS::URLSuffix": "amazonaws.com",
	}
	if text, ok := pseudo[name]; ok {
		return text
	}
	if name == r.tableID {
		return r.options.TableName
	}
	resource, _, _ := strings.Cut(name, ".")
	if kind := r.root.get("Resources").get(resource).get("Type"); kind.exists() && slices.Contains(elsewhere, kind.text()) {
		return ""
	}
	parameter := r.root.get("Parameters").get(name)
	if !parameter.exists() {
		v.fail("a reference to %s is not understood here", name)
		return ""
	}
	if text, ok := r.options.Parameters[name]; ok {
		return text
	}
	fallback := parameter.get("Default")
	if !fallback.exists() {
		v.fail("the parameter %s has no default and no value was given", name)
		return ""
	}
	return fallback.literal() // or a parameter could be given by itself
}

// elsewhere are the types of resources that are not on this machine: they have neither a name
// nor attributes.
var elsewhere = []string{"AWS::S3::Bucket", "AWS::Serverless::HttpApi", "AWS::CloudFront::Distribution"}

// localAccount is the AWS account that everything local belongs to.
const localAccount = "000000000000"

var substitution = regexp.MustCompile(`\$\{([^}]*)\}`)

// substitute returns what Fn::Sub gives for its argument that stands here: a text,
// or a list of a text and the names that only it knows.
func (v value) substitute() string {
	text, own := v, value{r: v.r}
	if v.node.Kind == yaml.SequenceNode {
		parts := v.list()
		if len(parts) != 2 {
			v.fail("Fn::Sub takes a text, or a text and a mapping")
			return ""
		}
		text, own = parts[0], parts[1]
	}
	size := 0
	return substitution.ReplaceAllStringFunc(text.text(), func(match string) string {
		name := match[2 : len(match)-1]
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			return "${" + literal + "}"
		}
		name = strings.TrimSpace(name)
		var given string
		if mine := own.get(name); mine.exists() {
			given = mine.text()
		} else {
			given = v.r.ref(name, v)
		}
		if size += len(given); size > maxText {
			v.fail("Fn::Sub gives more than %d bytes", maxText)
		}
		return given
	})
}

// condition returns what the condition called name says; v is where it is asked
// for.
func (r *resolver) condition(name string, v value) bool {
	if r.err != nil {
		return false
	}
	if slices.Contains(r.evaluating, name) {
		v.fail("the condition %s depends on itself", name)
		return false
	}
	r.evaluating = append(r.evaluating, name)
	defer func() { r.evaluating = r.evaluating[:len(r.evaluating)-1] }()
	// This can evaluate the condition itself, so it comes after the check above.
	c := r.root.get("Conditions").get(name)
	if r.err == nil && c.node == nil {
		v.fail("there is no condition %q", name)
	}
	return c.holds()
}

// holds evaluates the condition that stands here.
func (v value) holds() bool {
	if !v.step() {
		return false
	}
	if v.node.Kind == yaml.AliasNode {
		v = v.with(v.node.Alias)
	}
	name, argument := v.intrinsic()
	if name == "" && v.node.Kind == yaml.MappingNode && len(v.node.Content) == 2 && v.node.Content[0].Value == "Condition" {
		name, argument = "Condition", v.child("Condition", v.node.Content[1])
	}
	if name == "Condition" {
		return v.r.condition(argument.text(), v)
	}
	var parts []value
	if name != "" {
		parts = argument.list()
	}
	switch {
	case name == "Fn::Equals" && len(parts) == 2:
		return parts[0].text() == parts[1].text()
	case name == "Fn::Not" && len(parts) == 1:
		return !parts[0].holds()
	case name == "Fn::And" && len(parts) >= 2:
		return !slices.ContainsFunc(parts, func(p value) bool { return !p.holds() })
	case name == "Fn::Or" && len(parts) >= 2:
		return slices.ContainsFunc(parts, value.holds)
	}
	v.fail("is not a condition that is understood here")
	return false
}
