package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"tocsin/internal/lambdajob"
	"tocsin/internal/local"
)

// Deployed is what the template deploys, with the defaults of its parameters, that is
// billed by the month or starts by itself.
type Deployed struct {
	AlarmMetrics  int // that alarms look at
	CustomMetrics int
	Dashboards    int

	MinuteEvery, CloserEvery time.Duration // how often the functions run
}

// stack is the part of a template that is looked at.
type stack struct {
	Parameters map[string]struct {
		Default string `yaml:"Default"`
	} `yaml:"Parameters"`
	Conditions map[string]yaml.Node `yaml:"Conditions"`
	Resources  map[string]struct {
		Type       string    `yaml:"Type"`
		Condition  string    `yaml:"Condition"`
		Properties yaml.Node `yaml:"Properties"`
	} `yaml:"Resources"`
}

// ReadDeployed reads the template.
func ReadDeployed(file string) (Deployed, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return Deployed{}, err
	}
	var s stack
	if err := yaml.Unmarshal(text, &s); err != nil {
		return Deployed{}, fmt.Errorf("%s: %w", file, err)
	}
	d := Deployed{CustomMetrics: len(lambdajob.CustomMetrics())}
	if err := d.readSchedules(file); err != nil {
		return d, err
	}
	for id, r := range s.Resources {
		if r.Condition != "" {
			condition := s.Conditions[r.Condition]
			made, err := s.holds(&condition)
			if err != nil {
				return d, fmt.Errorf("%s: %s: %w", file, r.Condition, err)
			}
			if !made {
				continue
			}
		}
		switch r.Type {
		case "AWS::CloudWatch::Dashboard":
			d.Dashboards++
		case "AWS::CloudWatch::Alarm":
			n, err := alarmMetrics(&r.Properties)
			if err != nil {
				return d, fmt.Errorf("%s: %s: %w", file, id, err)
			}
			d.AlarmMetrics += n
		}
	}
	return d, nil
}

// readSchedules reads how often the functions run that have a schedule.
func (d *Deployed) readSchedules(file string) error {
	template, err := local.ReadTemplate(file, local.TemplateOptions{})
	if err != nil {
		return err
	}
	for _, f := range template.Functions {
		for _, every := range f.Schedules {
			switch f.Name {
			case lambdajob.Minute.Name:
				d.MinuteEvery = every
			case lambdajob.Closer.Name:
				d.CloserEvery = every
			default:
				return fmt.Errorf("%s: the schedule of %s has no price here", file, f.Name)
			}
		}
	}
	return nil
}

// alarmMetrics counts the metrics that an alarm looks at: one, those of its
// expressions, or those that its query finds.
func alarmMetrics(properties *yaml.Node) (int, error) {
	var alarm struct {
		Metrics []struct {
			Expression yaml.Node `yaml:"Expression"`
			MetricStat yaml.Node `yaml:"MetricStat"`
		} `yaml:"Metrics"`
	}
	if err := properties.Decode(&alarm); err != nil {
		return 0, err
	}
	if len(alarm.Metrics) == 0 {
		return 1, nil
	}
	n := 0
	for _, m := range alarm.Metrics {
		switch {
		case !m.MetricStat.IsZero():
			n++
		case slices.ContainsFunc(local.Scalars(&m.Expression), func(s string) bool { return strings.HasPrefix(s, "SELECT ") }):
			n += queriedMetrics
		}
	}
	return n, nil
}

// holds evaluates a condition with the defaults of the parameters.
func (s *stack) holds(n *yaml.Node) (bool, error) {
	switch n.Tag {
	case "!Equals":
		if len(n.Content) == 2 && n.Content[0].Tag == "!Ref" {
			return s.Parameters[n.Content[0].Value].Default == n.Content[1].Value, nil
		}
	case "!Not":
		if len(n.Content) == 1 {
			held, err := s.holds(n.Content[0])
			return !held, err
		}
	case "!And":
		for _, c := range n.Content {
			if held, err := s.holds(c); !held || err != nil {
				return false, err
			}
		}
		return true, nil
	}
	return false, fmt.Errorf("a condition of the kind %q is not understood here", n.Tag)
}
