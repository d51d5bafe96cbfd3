package statuspage

import (
	"crypto/subtle"
	"encoding/json"
	"time"

	"tocsin/internal/recurrence"
)

// PingKind is what a job says of itself by a ping.
type PingKind string

// The kinds.
const (
	PingSuccess PingKind = "success"
	PingStart   PingKind = "start" // of a run that is to succeed within the grace
	PingFail    PingKind = "fail"
	PingLog     PingKind = "log" // it changes nothing
)

// A Ping is a call of a job (docs/integrations.md, Heartbeats).
type Ping struct {
	Kind    PingKind
	At      int64    // UTC milliseconds
	Run     string   // what the job calls this run, so that the start and the end of one are known as such; "" nothing
	Latency *float64 // milliseconds, as the job measured; nil: from the start to the end of the run
}

// MaxRunName is how long the name of a run may be, in bytes.
const MaxRunName = 64

// A HeartbeatState is what the pings of a job have said so far. Its zero value is that of a job
// that has never pinged.
type HeartbeatState struct {
	Succeeded int64  // UTC milliseconds: of the last success; 0: there was none
	Failed    int64  // UTC milliseconds: of the last failure; 0: none since the last success
	Started   int64  // UTC milliseconds: of the run that is on; 0: none is
	Run       string // what that one is called
	Version   int64  // rises with every write
}

// After returns the state after a ping, and for how many milliseconds the run that it ended was
// on, nil when that is not known. A run that has a name ends by a success of the same name, by one
// without a name, or by any failure.
func (s HeartbeatState) After(p Ping) (next HeartbeatState, took *float64) {
	took = p.Latency
	switch p.Kind {
	case PingLog:
		return s, nil
	case PingStart:
		s.Started, s.Run = p.At, p.Run
		return s, nil
	case PingFail:
		s.Failed = p.At
	case PingSuccess:
		s.Succeeded, s.Failed = max(s.Succeeded, p.At), 0
	}
	if s.Started == 0 {
		return s, took
	}
	if lasted := p.At - s.Started; took == nil && p.Run == s.Run && 0 <= lasted && lasted <= MaxLatency {
		took = new(float64(lasted))
	}
	if p.Run == s.Run || p.Run == "" || p.Kind == PingFail {
		s.Started, s.Run = 0, ""
	}
	return s, took
}

// StatusAt returns what the job is at now, UTC seconds: DOWN when its last run failed, when a run
// was started and has not ended within the grace, or when no success came in time. made (UTC
// seconds) is since when a success is waited for.
func (h Heartbeat) StatusAt(s HeartbeatState, made, now int64) Status {
	overdue := func(since int64) bool { return since+h.Grace <= now }
	if s.Failed != 0 || s.Started != 0 && overdue(s.Started/1000) || overdue(h.due(max(made, s.Succeeded/1000))) {
		return StatusDown
	}
	return StatusUp
}

// due returns by when, without the grace, a success has to follow the one at last.
func (h Heartbeat) due(last int64) int64 {
	if h.Cron == "" {
		return last + h.Period
	}
	cron, zone, err := h.schedule()
	if err != nil {
		return MaxTimestamp // nobody could set such a one
	}
	return cron.After(last, zone)
}

func (h Heartbeat) schedule() (recurrence.Cron, *time.Location, error) {
	cron, err := recurrence.ParseCron(h.Cron)
	if err != nil {
		return cron, nil, Invalid("heartbeat.cron is no schedule: %s", err.Error())
	}
	if h.TimeZone == "" {
		return cron, time.UTC, nil
	}
	zone, err := recurrence.LoadZone(h.TimeZone)
	if err != nil {
		return cron, nil, Invalid("heartbeat.time_zone must be a time zone of the IANA database, such as Europe/Berlin")
	}
	return cron, zone, nil
}

// check returns the error for a schedule that nothing can follow.
func (h Heartbeat) check() error {
	if h.Monitor == "" {
		return Invalid("options.heartbeat needs monitor")
	}
	if h.Cron == "" && h.TimeZone == "" {
		return nil
	}
	if h.Cron == "" {
		return Invalid("heartbeat.time_zone needs heartbeat.cron")
	}
	_, _, err := h.schedule()
	return err
}

// A Job is what pings an integration of the kind heartbeat, and what it has said so far.
type Job struct {
	Integration Integration
	State       HeartbeatState
}

// StatusAt returns what the job is at now, UTC seconds, see Heartbeat.StatusAt. One that has never
// pinged is late when the first success did not follow the making of its integration in time.
func (j Job) StatusAt(now int64) Status {
	return j.Integration.Settings().Heartbeat.StatusAt(j.State, j.Integration.Created, now)
}

// Heartbeats are all that jobs ping.
type Heartbeats struct {
	Jobs     []Job // also of integrations that are not active
	Monitors []PingedMonitor
}

// A PingedMonitor is a monitor that jobs ping by its tag and a secret, as in Kener, and when one
// did so last (docs/integrations.md, Heartbeats).
type PingedMonitor struct {
	Monitor Monitor
	Last    int64 // UTC seconds
}

// heartbeatType is Kener's type of such a monitor. It is DEGRADED and DOWN after so many minutes
// without a ping, unless its type_data says other numbers.
const (
	heartbeatType        = "HEARTBEAT"
	degradedAfterMinutes = 5
	downAfterMinutes     = 10
)

// TakesPings reports whether jobs can ping the monitor by its tag and a secret.
func (m Monitor) TakesPings() bool {
	return m.Status != nil && *m.Status == MonitorActive && m.Type != nil && *m.Type == heartbeatType
}

// HasPingSecret reports whether the secret is that of the monitor. A monitor without a secret has
// none.
func (m Monitor) HasPingSecret(secret string) bool {
	value, _ := find(m.TypeData.tree(), "secretString")
	own, _ := value.(string)
	return own != "" && subtle.ConstantTimeCompare([]byte(own), []byte(secret)) == 1
}

// StatusAt returns what the monitor is at now, UTC seconds, by how long ago the last ping was, in
// whole minutes of the clock.
func (p PingedMonitor) StatusAt(now int64) Status {
	silent := FloorMinute(now) - FloorMinute(p.Last)
	switch {
	case silent > p.minutes("downRemainingMinutes", downAfterMinutes)*minute:
		return StatusDown
	case silent > p.minutes("degradedRemainingMinutes", degradedAfterMinutes)*minute:
		return StatusDegraded
	}
	return StatusUp
}

// minutes returns a number of type_data, which Kener keeps as a number or as a text.
func (p PingedMonitor) minutes(name string, otherwise int64) int64 {
	value, _ := find(p.Monitor.TypeData.tree(), name)
	if text, is := value.(string); is {
		value = json.Number(text)
	}
	if n, is := wholeNumber(value); is && n >= 0 {
		return n
	}
	return otherwise
}
