package statuspage

import (
	"fmt"
	"slices"
	"strings"
)

// Limits of what is kept of a tool's texts, in UTF-16 units.
const (
	maxSignalMessage = 2000
	maxSignalLink    = 2000
	maxSignalWord    = 100 // a severity
	maxSignalLabels  = 50
	maxSignalLabel   = 200 // a name or a value
)

// PlainText returns text as Markdown that shows it as it is written, line by line.
func PlainText(text string) string {
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	var b strings.Builder
	for n, line := range lines {
		line = strings.TrimFunc(line, isBlank)
		b.WriteString(plainLine(line))
		if n < len(lines)-1 {
			if line != "" && strings.TrimFunc(lines[n+1], isBlank) != "" {
				b.WriteByte('\\') // a break, which Markdown would make a space
			}
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// plainLine escapes what Markdown reads anywhere in a line, and at its beginning.
func plainLine(line string) string {
	var b strings.Builder
	digits := 0
	for digits < len(line) && '0' <= line[digits] && line[digits] <= '9' {
		digits++
	}
	for at, r := range line {
		begins := at == 0 && strings.ContainsRune("#+-=~", r) || at == digits && at > 0 && (r == '.' || r == ')')
		if begins || strings.ContainsRune("\\`*_[]<>&", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// incidentTitle is the title of the incident that the alert of the integration opens. It is
// public: what the tool says is in it only when that is asked for.
func (i Integration) incidentTitle(o IntegrationOptions, a SignalAlert, name string) string {
	if o.Publish != PublishNothing && a.Title != "" {
		return a.Title
	}
	says := titleImpact(a.Impact)
	if n := len(a.Monitors); n > 1 {
		says = fmt.Sprintf(" and %d more", n-1) + says
	}
	if name == "" {
		name = i.Name
	}
	return Shorten(name, MaxTitle-Length(says)) + says
}

// titleImpact is how a title that is made of a monitor's name ends.
func titleImpact(impact Impact) string { return ": " + strings.ToLower(string(impact)) }

// retitle gives an incident whose title says that its monitors are degraded one that says that they
// are down, if one of them is by now. was is what they were.
func (i *Incident) retitle(was []AffectedMonitor) {
	down := func(m AffectedMonitor) bool { return m.Impact == Down }
	if name, says := strings.CutSuffix(i.Title, titleImpact(Degraded)); says && slices.ContainsFunc(i.Monitors, down) && !slices.ContainsFunc(was, down) {
		i.Title = name + titleImpact(Down)
	}
}

func (i Integration) openingComment(o IntegrationOptions, a SignalAlert) string {
	return i.says("Opened automatically by the integration %s.", o, a)
}

func (i Integration) joiningComment(o IntegrationOptions, a SignalAlert) string {
	return i.says("Found by the integration %s too.", o, a)
}

func (i Integration) againComment(o IntegrationOptions, a SignalAlert) string {
	return i.says("Found again by the integration %s.", o, a)
}

// says is a sentence with the integration's name, and of the tool's words what may be public.
func (i Integration) says(sentence string, o IntegrationOptions, a SignalAlert) string {
	text := fmt.Sprintf(sentence, PlainText(i.Name))
	if o.Publish == PublishMessage && a.Message != "" {
		text += "\n\n" + PlainText(a.Message)
	}
	if o.PublishLink && publishable(a.Link) {
		text += "\n\n<" + a.Link + ">"
	}
	return text
}

// publishable reports whether the link can stand between angle brackets as an address of the web.
func publishable(link string) bool {
	return (strings.HasPrefix(link, "https://") || strings.HasPrefix(link, "http://")) && ValidLink(link) &&
		!strings.ContainsFunc(link, func(r rune) bool { return isBlank(r) || r == '<' || r == '>' || r == '\\' })
}

func (i Integration) worseComment(o IntegrationOptions, a SignalAlert) string {
	return i.says("The integration %s says that it is worse: "+strings.ToLower(string(a.Impact))+".", o, a)
}

func (i Integration) acknowledgedComment() string {
	return fmt.Sprintf("Somebody works on it, says the integration %s.", PlainText(i.Name))
}

func (i Integration) resolvedComment() string {
	return fmt.Sprintf("Resolved automatically by the integration %s.", PlainText(i.Name))
}

// recoveredComment is for an incident that is left to a person. unclear is as in Signal.
func (i Integration) recoveredComment(unclear string) string {
	text := fmt.Sprintf("The alarm of the integration %s has recovered.", PlainText(i.Name))
	if unclear != "" {
		text = fmt.Sprintf("The alarm of the integration %s is over: %s.", PlainText(i.Name), strings.TrimSuffix(unclear, "."))
	}
	return text
}

func (i Integration) overComment(m SignalMark) string {
	return fmt.Sprintf("Resolved automatically: the integration %s has not told of it since %s.", PlainText(i.Name), clock(FloorMinute(m.LastSeen)))
}

func (i Integration) staleComment(m SignalMark) string {
	return fmt.Sprintf("The integration %s has not told of it since %s. It may be over.", PlainText(i.Name), clock(FloorMinute(m.LastSeen)))
}

// noteComment is what a note has to say in public, "" for nothing.
func (i Integration) noteComment(o IntegrationOptions, s Signal) string {
	text := ""
	if s.Unclear != "" {
		text = fmt.Sprintf("A note of the integration %s: %s.", PlainText(i.Name), strings.TrimSuffix(s.Unclear, "."))
	}
	if said := Shorten(ManyLines(s.Message), maxSignalMessage); o.Publish == PublishMessage && said != "" {
		if text == "" {
			text = fmt.Sprintf("A note of the integration %s:", PlainText(i.Name))
		}
		text += "\n\n" + PlainText(said)
	}
	return text
}
