package definitions

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// maxValues is how many values a file can have, each counted as often as aliases repeat it.
const maxValues = 100_000

// fault is a mistake in a line of the file.
func fault(line int, format string, args ...any) error {
	return fmt.Errorf("line %d: "+format, append([]any{line}, args...)...)
}

// A field is a value with its name, and where they are in the file.
type field struct {
	name  string
	value any // as encoding/json decodes it, but for integers
	node  *yaml.Node
	line  int // of the name
}

// reader reads the nodes of a file.
type reader struct {
	values int
	within map[*yaml.Node]bool // what is being read, for aliases in what they stand for
}

// readYAML returns the fields of the mapping that the text is, without their values.
func readYAML(text []byte) ([]field, error) {
	var document yaml.Node
	if err := yaml.Load(text, &document); err != nil {
		return nil, syntaxFault(string(text), err)
	}
	root := document.Content[0]
	if root.Kind == yaml.ScalarNode && root.ShortTag() == "!!null" {
		return nil, fault(root.Line, "%s", needLists)
	}
	if root.Kind == yaml.SequenceNode {
		return nil, fault(root.Line, "the file must begin with one of %s, and a colon; this one is a list: write %s: above it", strings.Join(parts, ", "), monitorList)
	}
	if root.Kind != yaml.MappingNode {
		return nil, fault(root.Line, "%s, not with %s", needLists, kindOf(root))
	}
	return (&reader{}).names(root, "the file")
}

const needLists = "the file must have " + monitorList + ":, " + ruleList + ":, " + maintenanceList + ":, " + pageList + ":, " + siteFields + ": or " + integrationList + ":, each with what it is to define"

// resolve returns what an alias stands for.
func resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// names returns the fields of a mapping without their values: its own, in order, then
// those that it takes over with <<. One that is there twice is a fault.
func (r *reader) names(n *yaml.Node, in string) ([]field, error) {
	if err := r.enter(n); err != nil {
		return nil, err
	}
	defer delete(r.within, n)
	var own, taken []field
	lines := map[string]int{} // of those that are its own
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.ShortTag() == "!!merge" {
			more, err := r.merged(value, in)
			if err != nil {
				return nil, err
			}
			taken = append(taken, more...)
			continue
		}
		if key = resolve(key); key.Kind != yaml.ScalarNode || key.ShortTag() != "!!str" {
			return nil, fault(n.Content[i].Line, "the name of a field must be a text, not %s%s", kindOf(key), quotesFor(key))
		}
		if first := lines[key.Value]; first > 0 {
			return nil, fault(n.Content[i].Line, "%s is there twice in %s, the first time in line %d: keep one", key.Value, in, first)
		}
		lines[key.Value] = n.Content[i].Line
		own = append(own, field{name: key.Value, node: value, line: n.Content[i].Line})
	}
	for _, f := range taken {
		if lines[f.name] == 0 {
			lines[f.name] = f.line
			own = append(own, f)
		}
	}
	return own, nil
}

// merged returns the fields that the value of << brings.
func (r *reader) merged(value *yaml.Node, in string) ([]field, error) {
	switch n := resolve(value); n.Kind {
	case yaml.MappingNode:
		return r.names(n, in)
	case yaml.SequenceNode:
		if err := r.enter(n); err != nil {
			return nil, err
		}
		defer delete(r.within, n)
		var all []field
		for _, entry := range n.Content {
			more, err := r.merged(entry, in)
			if err != nil {
				return nil, err
			}
			all = append(all, more...)
		}
		return all, nil
	default:
		return nil, fault(value.Line, "<< takes the fields of another entry, not %s: write <<: *NAME, and &NAME at that entry", kindOf(n))
	}
}

// enter begins to read a mapping or a list.
func (r *reader) enter(n *yaml.Node) error {
	if err := r.count(1+len(n.Content), n.Line); err != nil {
		return err
	}
	if r.within[n] {
		return fault(n.Line, "&%s contains itself", n.Anchor)
	}
	if r.within == nil {
		r.within = map[*yaml.Node]bool{}
	}
	r.within[n] = true
	return nil
}

// fields returns the fields of a mapping.
func (r *reader) fields(n *yaml.Node, in string) ([]field, error) {
	all, err := r.names(n, in)
	for i := range all {
		if err == nil {
			all[i].value, err = r.value(all[i].node)
		}
	}
	return all, err
}

// value returns what a node says, as encoding/json decodes it, but for integers.
func (r *reader) value(n *yaml.Node) (any, error) {
	line := n.Line
	n = resolve(n)
	switch n.Kind {
	case yaml.MappingNode:
		fields, err := r.names(n, "one mapping")
		if err == nil {
			err = r.enter(n)
		}
		if err != nil {
			return nil, err
		}
		defer delete(r.within, n)
		values := make(map[string]any, len(fields))
		for _, f := range fields {
			if values[f.name], err = r.value(f.node); err != nil {
				return nil, err
			}
		}
		return values, nil
	case yaml.SequenceNode:
		if err := r.enter(n); err != nil {
			return nil, err
		}
		defer delete(r.within, n)
		values := make([]any, len(n.Content))
		for i, entry := range n.Content {
			var err error
			if values[i], err = r.value(entry); err != nil {
				return nil, err
			}
		}
		return values, nil
	}
	return scalar(n, line)
}

// count counts values that are read in a line.
func (r *reader) count(values, line int) error {
	if r.values += values; r.values > maxValues {
		return fault(line, "the file has too many values")
	}
	return nil
}

// scalar returns a single value. A date is a text, as it is written.
func scalar(n *yaml.Node, line int) (any, error) {
	switch tag := n.ShortTag(); tag {
	case "!!str", "!!timestamp", "!!merge":
		return n.Value, nil
	case "!!null", "!!bool", "!!int", "!!float":
		var v any
		if n.Load(&v) != nil {
			return nil, fault(line, "%s is not what %s says: leave %s out", n.Value, tag, tag)
		}
		if number, ok := v.(float64); ok && (math.IsNaN(number) || math.IsInf(number, 0)) {
			return nil, fault(line, "%s is no number that can be kept: write digits, or \"%s\" for a text", n.Value, n.Value)
		}
		return v, nil
	default:
		return nil, fault(line, "%s means nothing here: leave it out", tag)
	}
}

// kindOf says in words what a node is.
func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "fields"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.ShortTag() {
	case "!!null":
		return "nothing"
	case "!!bool":
		return "the truth value " + n.Value
	case "!!int", "!!float":
		return "the number " + n.Value
	}
	return fmt.Sprintf("the text %q", n.Value)
}

// quotesFor says that quotes make a text of a scalar which is none without.
func quotesFor(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" || n.ShortTag() == "!!str" {
		return ""
	}
	return fmt.Sprintf(": write %q", n.Value)
}

const notAligned = "the line is not indented as those before it: put each - of a list, and all fields of an entry, below one another; or a value goes on after its quotes or brackets: put all of it into quotes"

// syntaxMeans says in plain words what the messages of the YAML decoder mean, and what to
// write.
var syntaxMeans = []struct{ message, means string }{
	{"mapping values are not allowed", `there is a second ": " in the line, or it is indented too far: put a value with ": " into quotes`},
	{"did not find expected key", notAligned},
	{"did not find expected '-' indicator", notAligned},
	{"found character that cannot start any token", "no value can begin with this character: put it into quotes"},
	{"found unknown escape character", `there is no such escape: write \\ for a backslash, or put the value into single quotes`},
	{"did not find expected ',' or", "the bracket is not closed, or a comma is missing in it"},
	{"did not find expected node content", "a value is missing, or a bracket is not closed"},
	{"could not find expected ':'", `a field must have ": " after its name`},
	{"block sequence entries are not allowed", "an entry that begins with - must have a line of its own"},
	{"expected single document", "the file must be one document: leave out the lines ---"},
	{"no documents in stream", needLists},
}

// syntaxFault says what is wrong with a text that the YAML decoder refused with err, in
// which line, and what to write.
func syntaxFault(text string, err error) error {
	if line, ok := unreadable(text); ok {
		return fault(line, "there is a character that is none of UTF-8 text: save the file as UTF-8, without control characters")
	}
	e, ok := errors.AsType[*yaml.LoadError](err)
	if !ok {
		return fmt.Errorf("it is not YAML: %w", err)
	}
	line, begin := max(e.Mark.Line, 1), e.ContextMark.Line
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for n := max(min(begin, line), 1); n <= min(line, len(lines)); n++ {
		if indentation, _, _ := strings.Cut(lines[n-1], strings.TrimLeft(lines[n-1], " \t")); strings.Contains(indentation, "\t") {
			return fault(n, "it is indented with a tab: YAML takes only spaces")
		}
	}
	if e.ContextMsg == "while scanning a quoted scalar" && e.Message == "found unexpected end of stream" {
		return fault(begin, "the quotes that begin here are not closed")
	}
	if name, ok := strings.CutPrefix(e.Message, "unknown anchor '"); ok {
		name, _, _ = strings.Cut(name, "'")
		return fault(line, "there is no &%s for *%s: put a text that begins with * into quotes", name, name)
	}
	for _, m := range syntaxMeans {
		if !strings.Contains(e.Message, m.message) {
			continue
		}
		if strings.HasPrefix(e.ContextMsg, "while parsing a flow") || e.ContextMsg == "while scanning a simple key" {
			line = begin
		}
		if m.message == "expected single document" {
			line = secondDocument(lines)
		}
		return fault(min(line, len(lines)), "%s", m.means)
	}
	return fault(line, "it is not YAML: %s", e.Message)
}

// unreadable returns the line of the first character that no YAML file can have.
func unreadable(text string) (int, bool) {
	for at, r := range text {
		_, size := utf8.DecodeRuneInString(text[at:])
		if r == utf8.RuneError && size == 1 || r < ' ' && !strings.ContainsRune("\t\n\r", r) || r == 0x7f {
			return 1 + strings.Count(text[:at], "\n"), true
		}
	}
	return 0, false
}

// secondDocument returns the line at which the second document begins.
func secondDocument(lines []string) int {
	content := false
	for n, line := range lines {
		if strings.HasPrefix(line, "---") && content {
			return n + 1
		}
		content = content || line != "" && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "%")
	}
	return 1
}

// nearest returns the name that is most like s, or "" when none is like it.
func nearest(s string, names []string) string {
	best, least := "", 1+max(2, len(s)/3)
	for _, name := range names {
		if d := distance(s, name); d < least {
			best, least = name, d
		}
	}
	return best
}

// distance is how many letters have to be put in, taken out or replaced to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := before
			if a[i] != b[j] {
				replaced++
			}
			before = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
