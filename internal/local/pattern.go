package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Pattern says which records of a stream a function is called with, as Lambda's filters do, or which
// events, as EventBridge's rules do. It is a tree with the fields of a record; at its ends are tests
// of the value there.
type Pattern struct {
	Fields map[string]Pattern // all of them must match
	Tests  []Test             // at an end: one of them must hold
}

// Test is a test of one value. It has one of these fields; without, the value must be Equals.
type Test struct {
	Equals  any          // a text or a truth value
	Prefix  *string      // the value is a text that begins so
	Exists  *bool        // whether there is a value
	None    []string     // there is a value, and it is none of these texts
	Numeric []Comparison // the value is a number that stands all of these
}

// Comparison is the comparison of a number.
type Comparison struct {
	Operator string // =, <, <=, > or >=
	Number   float64
}

// parsePattern reads a filter's pattern for the stream of a DynamoDB table. Of those that Lambda
// knows, it understands equality of texts and truth values, prefix, exists, anything-but and
// numeric. As in Lambda, only what a record has below dynamodb can be filtered by.
func parsePattern(text string) (Pattern, error) {
	var root any
	if err := json.Unmarshal([]byte(text), &root); err != nil {
		return Pattern{}, fmt.Errorf("the pattern is not JSON: %w", err)
	}
	fields, ok := root.(map[string]any)
	if _, there := fields["dynamodb"].(map[string]any); !ok || !there || len(fields) != 1 {
		return Pattern{}, errors.New("the pattern must have the field dynamodb and no other, and in it an object")
	}
	return patternOf(fields, "")
}

func patternOf(v any, at string) (Pattern, error) {
	switch v := v.(type) {
	case map[string]any:
		p := Pattern{Fields: map[string]Pattern{}}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if name == "$or" {
				return Pattern{}, fmt.Errorf("the pattern%s: $or is not understood here", at)
			}
			field, err := patternOf(v[name], at+" "+name)
			if err != nil {
				return Pattern{}, err
			}
			p.Fields[name] = field
		}
		if len(v) > 0 {
			return p, nil
		}
	case []any:
		var p Pattern
		for _, element := range v {
			test, err := testOf(element)
			if err != nil {
				return Pattern{}, fmt.Errorf("the pattern%s: %w", at, err)
			}
			p.Tests = append(p.Tests, test)
		}
		if len(v) > 0 {
			return p, nil
		}
	}
	return Pattern{}, fmt.Errorf("the pattern%s: must be an object or a list with something in it", at)
}

func testOf(v any) (Test, error) {
	switch v := v.(type) {
	case string, bool:
		return Test{Equals: v}, nil
	case map[string]any:
		if len(v) != 1 {
			break
		}
		for operator, argument := range v {
			return operatorTest(operator, argument)
		}
	}
	return Test{}, errors.New("a test must be a text, true, false, or an object with one operator")
}

func operatorTest(operator string, argument any) (Test, error) {
	switch operator {
	case "prefix":
		if text, ok := argument.(string); ok && text != "" {
			return Test{Prefix: &text}, nil
		}
		return Test{}, errors.New("prefix takes a text")
	case "exists":
		if there, ok := argument.(bool); ok {
			return Test{Exists: &there}, nil
		}
		return Test{}, errors.New("exists takes true or false")
	case "anything-but":
		list, ok := argument.([]any)
		if !ok {
			list = []any{argument}
		}
		var t Test
		for _, element := range list {
			text, ok := element.(string)
			if !ok {
				return Test{}, errors.New("anything-but takes a text or a list of texts here")
			}
			t.None = append(t.None, text)
		}
		if t.None == nil {
			return Test{}, errors.New("anything-but takes a text or a list of texts here")
		}
		return t, nil
	case "numeric":
		comparisons, err := comparisonsOf(argument)
		return Test{Numeric: comparisons}, err
	}
	return Test{}, fmt.Errorf("the operator %s is not understood here", operator)
}

// comparisonsOf reads [operator, number], or a range [lower, number, upper, number].
func comparisonsOf(v any) ([]Comparison, error) {
	list, _ := v.([]any)
	var out []Comparison
	for i := 0; i+1 < len(list); i += 2 {
		operator, _ := list[i].(string)
		number, ok := list[i+1].(float64)
		if !ok || !slices.Contains([]string{"=", "<", "<=", ">", ">="}, operator) {
			out = nil
			break
		}
		out = append(out, Comparison{operator, number})
	}
	isRange := len(list) == 4 && len(out) == 2 && strings.HasPrefix(out[0].Operator, ">") && strings.HasPrefix(out[1].Operator, "<") && out[0].Number < out[1].Number
	if !isRange && !(len(list) == 2 && len(out) == 1) {
		return nil, errors.New(`numeric takes a comparison like ["=", 5], or a range like [">", 0, "<=", 5]`)
	}
	return out, nil
}

// matches reports whether what encoding/json made of a record, or of a part of it, is as the
// pattern says. An element of a list is enough, as in Lambda.
func (p Pattern) matches(v any) bool {
	if list, ok := v.([]any); ok {
		if len(list) > 0 {
			return slices.ContainsFunc(list, p.matches)
		}
		v = nil
	}
	if p.Fields == nil {
		return slices.ContainsFunc(p.Tests, func(t Test) bool { return t.holds(v) })
	}
	fields, _ := v.(map[string]any)
	for name, field := range p.Fields {
		if !field.matches(fields[name]) {
			return false
		}
	}
	return true
}

// holds tests a value; nil is none. An object is none either: Lambda's exists, too, looks
// at the ends of a record alone.
func (t Test) holds(v any) bool {
	if _, object := v.(map[string]any); object {
		v = nil
	}
	text, isText := v.(string)
	switch {
	case t.Prefix != nil:
		return isText && strings.HasPrefix(text, *t.Prefix)
	case t.Exists != nil:
		return *t.Exists == (v != nil)
	case t.None != nil:
		return v != nil && !(isText && slices.Contains(t.None, text))
	case t.Numeric != nil:
		number, ok := v.(float64)
		return ok && !slices.ContainsFunc(t.Numeric, func(c Comparison) bool { return !c.holds(number) })
	}
	return v != nil && v == t.Equals
}

func (c Comparison) holds(n float64) bool {
	switch c.Operator {
	case "<":
		return n < c.Number
	case "<=":
		return n <= c.Number
	case ">":
		return n > c.Number
	case ">=":
		return n >= c.Number
	}
	return n == c.Number
}
