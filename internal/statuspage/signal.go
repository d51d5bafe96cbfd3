package statuspage

import (
	"crypto/sha256"
	"encoding/hex"
)

// A Signal is what a tool says of a problem: the same whatever the tool. Its texts come from
// outside and are never taken for HTML or Markdown.
type Signal struct {
	Key     string // which problem it is at its source, the same from firing to resolved, see SignalKey
	Action  SignalAction
	At      int64  // UTC milliseconds: the source's own time of this change; 0: it says none
	Started int64  // UTC milliseconds: when the problem began; 0: it does not say
	Ended   int64  // UTC milliseconds: when it was over; 0: it does not say
	Episode string // tells one time from the next under the same key; "" nothing does

	Title    string // without the decorations of the tool
	Message  string
	Link     string // to the tool
	Severity string // in the words of the tool; "" it says none

	Monitors []string // tags that the tool names
	Impact   Impact   // that the tool names; "" none
	Labels   map[string]string

	// Guesses are texts that may be tags of monitors, in order: the first group counts in which
	// any is, and what is none is no mistake.
	Guesses [][]string

	Group bool // it is of a group of problems: At is when one of them began, not when the group was first told of

	Unclear string // why a resolved one does not mean that all is well; "" it does
	News    bool   // a firing one has news each time that it comes, as a note does
	Last    bool   // no resolved one will follow, as far as the tool's settings say
}

// SignalAction is what a signal says of its problem.
type SignalAction string

// The actions.
const (
	SignalFiring       SignalAction = "firing"
	SignalAcknowledged SignalAction = "acknowledged"
	SignalResolved     SignalAction = "resolved"
	SignalNote         SignalAction = "note"    // it is news of an open problem, which changes nothing
	SignalIgnored      SignalAction = "ignored" // it says nothing of a problem, such as a test
)

// maxSignalKey is how long a key may be to be kept as it is, in bytes.
const maxSignalKey = 255

// SignalKey is the key that stands for a tool's own: itself, or the hash of a long one. Forms and
// addresses can have bytes that are no text, which the table would keep as something else.
func SignalKey(text string) string {
	if text = ValidText(text); len(text) <= maxSignalKey {
		return text
	}
	sum := sha256.Sum256([]byte(text))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Taken is what became of the signals of one delivery.
type Taken struct {
	Received, Opened, Resolved, Ignored int

	Reason    string  // why signals were ignored, or what was left out, for the delivery; "" none
	LastError *string // what the operator should know of, for the integration; nil: all is well
}

// A SignalPlan is what a signal would do.
type SignalPlan struct {
	Signal   Signal
	Monitors []string // tags of those that it concerns, as far as that matters
	Unknown  []string // tags without an active monitor
	Impact   Impact   // "" it makes no incident
	Does     SignalDoing
	Reason   string // why it does nothing, or not all; "" none
}
