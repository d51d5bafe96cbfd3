package function_test

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"
)

// TestForwardedAlarms looks that infra/forward/alarms.yaml forwards what the stack's rule takes, and
// that the policy of the event bus lets it in.
func TestForwardedAlarms(t *testing.T) {
	read := func(path string) (template struct {
		Resources map[string]struct {
			Properties struct {
				EventPattern map[string]any `yaml:"EventPattern"`
				Events       map[string]struct {
					Properties struct {
						Pattern map[string]any `yaml:"Pattern"`
					} `yaml:"Properties"`
				} `yaml:"Events"`
				Statement struct {
					Action    string                       `yaml:"Action"`
					Condition map[string]map[string]string `yaml:"Condition"`
				} `yaml:"Statement"`
			} `yaml:"Properties"`
		} `yaml:"Resources"`
	}) {
		t.Helper()
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var nodes yaml.Node
		if err := yaml.Unmarshal(text, &nodes); err != nil {
			t.Fatal(err)
		}
		untagged(&nodes)
		// Properties of other kinds of resources do not fit, and are not looked at.
		if err := nodes.Decode(&template); err != nil && len(template.Resources) == 0 {
			t.Fatal(err)
		}
		return template
	}
	stack, forward := read("../../template.yaml"), read("../../infra/forward/alarms.yaml")
	sent, taken := forward.Resources["Forward"].Properties.EventPattern, stack.Resources["InboundFunction"].Properties.Events["AlarmChanged"].Properties.Pattern
	for _, field := range []string{"source", "detail-type"} {
		if d := cmp.Diff(taken[field], sent[field]); d != "" || taken[field] == nil {
			t.Errorf("%s (-taken +forwarded):\n%s", field, d)
		}
	}
	policy := stack.Resources["AlarmBusPolicy"].Properties.Statement
	if policy.Action != "events:PutEvents" || !cmp.Equal(taken["source"], []any{policy.Condition["ForAllValues:StringEquals"]["events:source"]}) {
		t.Errorf("the policy is %+v", policy)
	}
}

// untagged takes the tags of CloudFormation's functions away.
func untagged(n *yaml.Node) {
	if len(n.Tag) > 1 && n.Tag[0] == '!' && n.Tag[1] != '!' {
		n.Tag = ""
	}
	for _, child := range n.Content {
		untagged(child)
	}
}
