package inbound

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"tocsin/internal/statuspage"
)

// Limits of what is kept of a signal, in UTF-16 units but for the labels.
const (
	maxMessage    = 10000
	maxLink       = 2000
	maxSeverity   = 50
	maxLabels     = 50
	maxLabelName  = 200
	maxLabelValue = 500
)

// tidied returns a signal as an adapter made it within the limits, its texts without control
// characters, and with what labels of every tool can say: the tags of monitors, and the impact. It
// changes nothing of one that is tidied.
func tidied(s statuspage.Signal) statuspage.Signal {
	s.Key, s.Episode = statuspage.SignalKey(s.Key), statuspage.SignalKey(s.Episode)
	s.Title = statuspage.Shorten(line(s.Title), statuspage.MaxTitle)
	s.Message = statuspage.Shorten(lines(s.Message), maxMessage)
	s.Link = webAddress(s.Link)
	s.Severity = statuspage.Shorten(line(s.Severity), maxSeverity)
	s.Unclear = line(s.Unclear)

	named := s.Labels
	label := func(names ...string) string {
		for _, name := range names {
			if named[name] != "" {
				return named[name]
			}
		}
		return ""
	}
	if s.Monitors == nil {
		s.Monitors = tagList(label("tocsin_monitor", "tocsin-monitor"))
	}
	if s.Impact == "" {
		s.Impact = impactOf(label("tocsin_impact", "tocsin-impact"))
	}
	if guess := tagList(label("monitor")); guess != nil {
		s.Guesses = slices.Insert(s.Guesses, 0, guess)
	}
	s.Monitors = fewTags(s.Monitors)
	var guesses [][]string
	for _, guess := range s.Guesses {
		if guess = fewTags(guess); guess != nil && !slices.ContainsFunc(guesses, func(g []string) bool { return slices.Equal(g, guess) }) {
			guesses = append(guesses, guess)
		}
	}
	s.Guesses = guesses
	s.Labels = fewLabels(s.Labels)
	return s
}

// impactOf returns the impact that a tool names: "" for none, and for what is none.
func impactOf(text string) statuspage.Impact {
	switch impact := statuspage.Impact(strings.ToUpper(strings.TrimSpace(text))); impact {
	case statuspage.Down, statuspage.Degraded:
		return impact
	}
	return ""
}

// fewTags returns the tags that can be those of monitors, as many as an incident can have.
func fewTags(tags []string) []string {
	var few []string
	for _, tag := range tags {
		if tag = line(tag); tag != "" && len(tag) <= statuspage.MaxTag && len(few) < statuspage.MaxIncidentMonitors {
			few = append(few, tag)
		}
	}
	return few
}

func fewLabels(labels map[string]string) map[string]string {
	few := make(map[string]string, len(labels))
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		value := statuspage.Shorten(lines(labels[name]), maxLabelValue)
		if name = line(name); name != "" && value != "" && statuspage.Length(name) <= maxLabelName && len(few) < maxLabels {
			few[name] = value
		}
	}
	return few
}

// line returns a text on one line.
func line(text string) string { return statuspage.OneLine(statuspage.ValidText(text)) }

// lines returns a text without what can't be seen.
func lines(text string) string { return statuspage.ManyLines(statuspage.ValidText(text)) }

// webAddress returns a link that a browser can follow, else nothing.
func webAddress(link string) string {
	link = strings.TrimSpace(link)
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || len(link) > maxLink {
		return ""
	}
	return u.Scheme + link[len(u.Scheme):] // in lower case
}
