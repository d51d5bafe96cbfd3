package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"tocsin/internal/lambdajob"
	"tocsin/internal/lambdapublish"
	"tocsin/internal/local"
)

// Deployed is what the template deploys that is billed by the month, starts by itself or
// changes what a request costs.
type Deployed struct {
	AlarmMetrics  int // that alarms look at
	CustomMetrics int // that the stack makes itself
	Dashboards    int

	PlatformLogs bool    // whether Lambda logs the start and the end of each call
	AccessLogs   bool    // whether the gateway logs each request
	LogMonths    float64 // how long logs are kept

	RetentionDays float64 // how long the minutes of monitors are kept

	MinuteEvery, CloserEvery, PublisherEvery time.Duration // how often the functions run
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

	given map[string]string // parameters with another value than their default
}

// ReadDeployed reads the template with these parameters, and the defaults of the others.
func ReadDeployed(file string, parameters map[string]string) (Deployed, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return Deployed{}, err
	}
	var s stack
	if err := yaml.Unmarshal(text, &s); err != nil {
		return Deployed{}, fmt.Errorf("%s: %w", file, err)
	}
	s.given = parameters
	for name := range parameters {
		if _, ok := s.Parameters[name]; !ok {
			return Deployed{}, fmt.Errorf("%s: there is no parameter %s", file, name)
		}
	}
	var d Deployed
	if err := d.readSchedules(file, parameters); err != nil {
		return d, err
	}
	days, err := strconv.ParseFloat(s.parameter("LogRetentionDays"), 64)
	if err != nil {
		return d, fmt.Errorf("%s: LogRetentionDays: %w", file, err)
	}
	d.LogMonths = days / 30
	if d.RetentionDays, err = strconv.ParseFloat(s.parameter("RetentionDays"), 64); err != nil {
		return d, fmt.Errorf("%s: RetentionDays: %w", file, err)
	}
	metrics := map[string]bool{} // by name
	if made, err := s.condition("WithMetrics"); err != nil {
		return d, fmt.Errorf("%s: %w", file, err)
	} else if made {
		for _, name := range lambdajob.CustomMetrics() {
			metrics[name] = true
		}
	}
	if d.PlatformLogs, err = s.condition("SystemLogs"); err != nil {
		return d, fmt.Errorf("%s: %w", file, err)
	}
	if d.AccessLogs, err = s.condition("WithAccessLogs"); err != nil {
		return d, fmt.Errorf("%s: %w", file, err)
	}
	for id, r := range s.Resources {
		if r.Condition != "" {
			made, err := s.condition(r.Condition)
			if err != nil {
				return d, fmt.Errorf("%s: %w", file, err)
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
		case "AWS::Logs::MetricFilter":
			var filter struct {
				MetricTransformations []struct {
					MetricName string `yaml:"MetricName"`
				} `yaml:"MetricTransformations"`
			}
			if err := r.Properties.Decode(&filter); err != nil {
				return d, fmt.Errorf("%s: %s: %w", file, id, err)
			}
			for _, m := range filter.MetricTransformations {
				metrics[m.MetricName] = true
			}
		}
	}
	d.CustomMetrics = len(metrics)
	return d, nil
}

// readSchedules reads how often the functions run that have a schedule.
func (d *Deployed) readSchedules(file string, parameters map[string]string) error {
	template, err := local.ReadTemplate(file, local.TemplateOptions{Parameters: parameters})
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
			case lambdapublish.Function.Name:
				d.PublisherEvery = every
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

// parameter returns the value of a parameter.
func (s *stack) parameter(name string) string {
	if value, ok := s.given[name]; ok {
		return value
	}
	return s.Parameters[name].Default
}

// condition evaluates the condition of this name.
func (s *stack) condition(name string) (bool, error) {
	c, ok := s.Conditions[name]
	if !ok {
		return false, fmt.Errorf("there is no condition %s", name)
	}
	held, err := s.holds(&c)
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return held, err
}

// holds evaluates a condition.
func (s *stack) holds(n *yaml.Node) (bool, error) {
	switch n.Tag {
	case "!Equals":
		if len(n.Content) == 2 && n.Content[0].Tag == "!Ref" {
			return s.parameter(n.Content[0].Value) == n.Content[1].Value, nil
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
