// Package doctor looks whether a deployed stack is as it should be. Each look is a function of
// what AWS answered, which makes a finding of it. No function links it.
package doctor

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/smithy-go"
)

// A Level says how it stands with one thing.
type Level string

// The levels.
const (
	OK      Level = "ok"
	Warn    Level = "warn"    // it works, but somebody should know
	Missing Level = "missing" // it is not as it should be
)

// A Finding is what was found out about one thing.
type Finding struct {
	Level Level  `json:"level"`
	About string `json:"about"`
	Text  string `json:"text"`
	ToDo  string `json:"to_do,omitempty"` // a command, or what else helps
}

// String returns the finding as a line for a person.
func (f Finding) String() string {
	line := fmt.Sprintf("%-7s  %s: %s", f.Level, f.About, f.Text)
	if f.ToDo != "" {
		line += ". To do: " + f.ToDo
	}
	return line
}

func ok(about, format string, args ...any) Finding {
	return Finding{Level: OK, About: about, Text: fmt.Sprintf(format, args...)}
}

func warn(about, todo, format string, args ...any) Finding {
	return Finding{Level: Warn, About: about, Text: fmt.Sprintf(format, args...), ToDo: todo}
}

func missing(about, todo, format string, args ...any) Finding {
	return Finding{Level: Missing, About: about, Text: fmt.Sprintf(format, args...), ToDo: todo}
}

// notSeen is the finding when AWS did not say how it stands with a thing, for instance because
// the caller may not ask.
func notSeen(about string, err error) Finding {
	text := err.Error()
	if refused, is := errors.AsType[smithy.APIError](err); is {
		text = refused.ErrorCode()
		if message := refused.ErrorMessage(); message != "" && message != text {
			text += ": " + message
		}
	}
	return warn(about, "", "could not look (%s)", strings.Join(strings.Fields(text), " "))
}

// isCode reports whether AWS answered with this error.
func isCode(err error, codes ...string) bool {
	refused, is := errors.AsType[smithy.APIError](err)
	for _, code := range codes {
		if is && refused.ErrorCode() == code {
			return true
		}
	}
	return false
}

// age writes how long ago something was, for a person.
func age(d time.Duration) string {
	switch {
	case d < 0:
		return "0 s" // the clocks differ
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}
