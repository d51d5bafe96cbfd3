package statuspage

import (
	"slices"
	"strings"
)

// severities are what the words of tools make of a monitor, in lower case; "" makes no incident
// (docs/integrations.md, Severities).
var severities = map[string]Impact{
	"critical": Down, "fatal": Down, "emergency": Down, "page": Down, "error": Down, "high": Down, "p1": Down, "p2": Down, "sev0": Down, "sev1": Down, "down": Down,
	"warning": Degraded, "warn": Degraded, "medium": Degraded, "p3": Degraded, "sev2": Degraded, "sev3": Degraded, "degraded": Degraded,
	"info": "", "none": "", "low": "", "p4": "", "p5": "", "sev4": "", "debug": "", "ok": "",
}

// ImpactOf is what the signal does to its monitors; "" makes no incident. What the payload says
// counts first, then the first rule that matches, then the severity, then the default.
func (o IntegrationOptions) ImpactOf(s Signal) Impact {
	if s.Impact == Down || s.Impact == Degraded {
		return s.Impact
	}
	if r, is := o.rule(s); is && r.Impact != "" {
		return r.Impact
	}
	word := strings.ToLower(TrimBlank(s.Severity))
	if impact, own := o.Severities[word]; own {
		return impact
	}
	if impact, known := severities[word]; known {
		return impact
	}
	return o.Impact
}

func (o IntegrationOptions) rule(s Signal) (IntegrationRule, bool) {
	at := slices.IndexFunc(o.Rules, func(r IntegrationRule) bool { return r.Matches(s.Labels) })
	if at < 0 {
		return IntegrationRule{}, false
	}
	return o.Rules[at], true
}

// A MonitorChoice is a list of tags of which those count that monitors have.
type MonitorChoice struct {
	Tags  []string
	Quiet bool // a tag without a monitor is no mistake
}

// Concerns returns where the signal may have its monitors, in order: the first list with a monitor
// counts (docs/integrations.md, Monitors).
func (o IntegrationOptions) Concerns(s Signal) []MonitorChoice {
	r, _ := o.rule(s)
	all := []MonitorChoice{{Tags: s.Monitors}}
	for _, tags := range s.Guesses {
		all = append(all, MonitorChoice{Tags: tags, Quiet: true})
	}
	var choices []MonitorChoice
	for _, c := range append(all, MonitorChoice{Tags: r.Monitors}, MonitorChoice{Tags: o.Monitors}) {
		c.Tags = unique(c.Tags)
		if len(c.Tags) > 0 {
			choices = append(choices, c)
		}
	}
	return choices
}

// unique returns the texts, each once at its first place, at most MaxIncidentMonitors.
func unique(texts []string) []string {
	var once []string
	for _, text := range texts {
		if text != "" && !slices.Contains(once, text) && len(once) < MaxIncidentMonitors {
			once = append(once, text)
		}
	}
	return once
}

// TagsOf are all tags of the choices.
func TagsOf(choices []MonitorChoice) []string {
	var tags []string
	for _, c := range choices {
		tags = append(tags, c.Tags...)
	}
	return tags
}

// Choose returns the monitors of the first choice that has one, with the impact, and the tags
// before them that should have had one. monitors are by tag; one that is INACTIVE counts as
// none.
func Choose(choices []MonitorChoice, monitors map[string]Monitor, impact Impact) (found []AffectedMonitor, unknown []string) {
	for _, c := range choices {
		for _, tag := range c.Tags {
			switch m, there := monitors[tag]; {
			case there && !m.Inactive():
				found = append(found, AffectedMonitor{Tag: m.Tag, MonitorID: m.ID, Impact: impact})
			case !c.Quiet:
				unknown = append(unknown, tag)
			}
		}
		if len(found) > 0 {
			break
		}
	}
	return found, unique(unknown)
}
