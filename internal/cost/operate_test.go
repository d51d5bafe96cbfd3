package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"tocsin/internal/dynamotest"
)

// operated is the part of the template that docs/operate.md is about.
type operated struct {
	Parameters map[string]struct {
		Default string `yaml:"Default"`
	} `yaml:"Parameters"`
	Resources map[string]struct {
		Type      string `yaml:"Type"`
		Condition string `yaml:"Condition"`
	} `yaml:"Resources"`
}

func readOperated(t *testing.T) operated {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dynamotest.Root(t), "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var o operated
	if err := yaml.Unmarshal(text, &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// TestOperatorsDocument holds the tables of docs/operate.md against the template: every
// parameter with its default, every alarm, and nothing that is not there.
func TestOperatorsDocument(t *testing.T) {
	o := readOperated(t)
	text, err := os.ReadFile(filepath.Join(dynamotest.Root(t), "docs", "operate.md"))
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]string{} // what the second column says
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\|([^|]*)\\|").FindAllStringSubmatch(string(text), -1) {
		told[row[1]] = strings.Trim(strings.TrimSpace(row[2]), "`")
	}
	for name, p := range o.Parameters {
		if value, ok := told[name]; !ok || value != p.Default {
			t.Errorf("the parameter %s has the default %q, docs/operate.md says %q", name, p.Default, value)
		}
		delete(told, name)
	}
	for name, r := range o.Resources {
		if r.Type == "AWS::CloudWatch::Alarm" {
			if told[name] == "" {
				t.Errorf("docs/operate.md does not say what to do about %s", name)
			}
			delete(told, name)
		}
	}
	for name := range told {
		t.Errorf("docs/operate.md has %s, the template has not", name)
	}
	// Which alarms there are without asking for more.
	var essential, said []string
	for name, r := range o.Resources {
		if r.Type == "AWS::CloudWatch::Alarm" && r.Condition == "EssentialAlarms" {
			essential = append(essential, name)
		}
	}
	_, sentence, _ := strings.Cut(string(text), "\n`essential` are ")
	sentence, _, _ = strings.Cut(sentence, ".")
	for _, name := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(sentence, -1) {
		said = append(said, name[1])
	}
	slices.Sort(essential)
	slices.Sort(said)
	if !slices.Equal(essential, said) {
		t.Errorf("the essential alarms are %q, docs/operate.md says %q", essential, said)
	}
}

// TestDeployersRights asks that docs/operate.md says, for each kind of resource that the
// template makes, what the deploying account must be allowed to do, and names no other kind.
func TestDeployersRights(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(dynamotest.Root(t), "docs", "operate.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## What the deploying account may do\n")
	section, _, _ = strings.Cut(section, "\n## ")
	told := map[string]bool{}
	for _, row := range regexp.MustCompile(`(?m)^\|([^|]*)\|`).FindAllStringSubmatch(section, -1) {
		for _, kind := range regexp.MustCompile("`(AWS::[A-Za-z0-9:]+)`").FindAllStringSubmatch(row[1], -1) {
			told[kind[1]] = true
		}
	}
	made := map[string]bool{}
	for _, r := range readOperated(t).Resources {
		made[r.Type] = true
		if !told[r.Type] {
			t.Errorf("docs/operate.md does not say what deploying takes for %s", r.Type)
		}
	}
	for kind := range told {
		if !made[kind] {
			t.Errorf("docs/operate.md has %s, the template has not", kind)
		}
	}
}
