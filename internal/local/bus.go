package local

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-lambda-go/lambda"
	"go.yaml.in/yaml/v4"
)

// A Bus does what EventBridge does with the template's rules: it calls each function that has a rule
// whose pattern an event matches. An event that fails is not tried again.
type Bus struct {
	rules []busRule
}

type busRule struct {
	invoker
	pattern Pattern
}

// NewBus returns the bus of the template's functions. handlers has one for each function that has a
// rule, by its logical id.
func NewBus(t *Template, handlers map[string]lambda.Handler) (*Bus, error) {
	b := &Bus{}
	for _, f := range t.Functions {
		for _, pattern := range f.Rules {
			if handlers[f.ID] == nil {
				return nil, fmt.Errorf("the function %s has a rule but no handler here", f.ID)
			}
			b.rules = append(b.rules, busRule{invoker{f, handlers[f.ID]}, pattern})
		}
	}
	return b, nil
}

// Put sends an event to the bus. It returns how many rules it matches, and the first failure.
func (b *Bus) Put(ctx context.Context, event []byte) (matched int, err error) {
	var v any
	if err := json.Unmarshal(event, &v); err != nil {
		return 0, fmt.Errorf("the event is not JSON: %w", err)
	}
	for _, rule := range b.rules {
		if !rule.pattern.matches(v) {
			continue
		}
		matched++
		if e := rule.run(ctx, event); e != nil && err == nil {
			err = e
		}
	}
	return matched, err
}

// readRule reads the properties of an EventBridgeRule of the default bus. What becomes of an event
// that can't be delivered has no meaning locally.
func readRule(properties value) Pattern {
	properties.allow("Pattern", "RetryPolicy", "DeadLetterConfig")
	v := properties.get("Pattern")
	pattern, err := patternOf(v.tree(), "")
	if err != nil {
		v.fail("%s", err)
	}
	return pattern
}

// tree returns what stands here as encoding/json would make it of JSON.
func (v value) tree() any {
	v = v.chosen()
	switch {
	case v.node == nil:
		return nil
	case v.node.Kind == yaml.SequenceNode:
		list := []any{}
		for _, item := range v.items() {
			list = append(list, item.tree())
		}
		return list
	case v.node.Kind == yaml.MappingNode:
		fields := map[string]any{}
		for _, f := range v.fields() {
			fields[f.name] = f.tree()
		}
		return fields
	case v.node.Tag == "!!bool":
		return v.text() == "true"
	}
	return v.text()
}
