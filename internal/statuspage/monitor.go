package statuspage

import (
	"strings"

	"tocsin/internal/opt"
)

// Limits of a monitor (docs/api.md, Bodies and paths).
const (
	MaxTag         = 256
	MaxMonitorName = 255       // UTF-16 units
	MaxMonitorSize = 64 * 1024 // bytes, all its texts and JSON together
	MaxThreshold   = 60
)

// Values of a monitor's fields. Records that older programs made can have others.
const (
	MonitorActive   = "ACTIVE"
	MonitorInactive = "INACTIVE"
	Yes             = "YES"
	No              = "NO"
)

// The values that a client can give to a monitor's fields; case counts (docs/api.md,
// Monitors).
var (
	MonitorStatuses = []string{MonitorActive, MonitorInactive}
	DefaultStatuses = []string{"UP", "DOWN", "DEGRADED", "MAINTENANCE", "NO_DATA", "NONE"}
	MonitorTypes    = []string{"API", "PING", "TCP", "DNS", "NONE", "GROUP", "SSL", "SQL", "HEARTBEAT", "GAMEDIG", "GRPC", "PROMETHEUS", "DOCKER"}
	YesOrNo         = []string{Yes, No}
)

// DefaultSettings is what a monitor without settings of its own shows.
var DefaultSettings = JSONObject(`{"` + NumeratorSetting + `":"` + DefaultFormula.Numerator + `","` + DenominatorSetting + `":"` + DefaultFormula.Denominator + `"}`)

// A Monitor is a thing whose status is watched. Its tag is unique among the
// monitors that exist; a deleted monitor's tag can be used again, by a monitor
// with another id that inherits nothing.
//
// Many fields are the client's own words, kept and given back: the service attaches no
// meaning to them (docs/api.md, Monitors), but for a monitor that takes pings, see TakesPings.
type Monitor struct {
	ID                    int64
	Tag                   string
	Name                  string
	Description           *string
	Image                 *string
	Cron                  *string
	DefaultStatus         *string // one of DefaultStatuses
	Status                *string // one of MonitorStatuses
	Category              *string
	Type                  *string // one of MonitorTypes
	DownTrigger           *string
	DegradedTrigger       *string
	TypeData              JSONObject // "" shows as {}
	DayDegradedMinimum    *int64     // minutes
	DayDownMinimum        *int64     // minutes
	IncludeDegraded       *string    // Yes: degraded minutes count as downtime
	Hidden                *string    // Yes or No
	Settings              JSONObject // "" shows as DefaultSettings
	ExternalURL           *string
	ConfirmationThreshold int64
	Created               int64 // UTC seconds
	Updated               int64 // UTC seconds
	Version               int64 // rises with every write

	Watches []Watch // of the active alert rules on it; the repository keeps them
}

// DefaultThreshold is the confirmation threshold of a monitor that is given none.
const DefaultThreshold = 1

// NewMonitor returns a monitor that has nothing but a tag, a name and the defaults
// (docs/api.md, Monitors).
func NewMonitor(tag, name string) Monitor {
	return Monitor{
		Tag: tag, Name: name,
		DefaultStatus: new("UP"), Status: new(MonitorActive), Type: new("API"),
		IncludeDegraded: new(No), Hidden: new(No),
		ConfirmationThreshold: DefaultThreshold,
	}
}

// Inactive reports whether the monitor is retired: its points are kept, but no alert rule
// fires on it and no incident waits for it (docs/api.md, Monitors).
func (m Monitor) Inactive() bool { return m.Status != nil && *m.Status == MonitorInactive }

// Public reports whether public pages show the monitor: it is neither hidden nor retired.
func (m Monitor) Public() bool { return !m.Inactive() && (m.Hidden == nil || *m.Hidden != Yes) }

// ValidTag reports whether a monitor can have the tag.
func ValidTag(tag string) bool { return len(tag) <= MaxTag && WellFormedTag(tag) }

// WellFormedTag reports whether the tag has only lower-case letters, digits,
// hyphens and underscores, with a letter or digit at both ends. Its length is not
// looked at.
func WellFormedTag(tag string) bool {
	for i := range len(tag) {
		c := tag[i]
		inner := c == '-' || c == '_'
		if !inner && !('a' <= c && c <= 'z') && !('0' <= c && c <= '9') {
			return false
		}
		if inner && (i == 0 || i == len(tag)-1) {
			return false
		}
	}
	return tag != ""
}

// ValidLink reports whether a page can link to the address: it is an http or https URL, or
// a path, which begins with one slash. Control characters, which browsers drop before they
// look at an address, are in none of them.
func ValidLink(s string) bool {
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return false
	}
	scheme, rest, isURL := strings.Cut(s, "://")
	if isURL && (strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https")) {
		return rest != "" && rest[0] != '/' && rest[0] != '\\'
	}
	return strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "//") && !strings.HasPrefix(s, `/\`)
}

// Size is what MaxMonitorSize limits: the bytes of the monitor's texts and JSON.
func (m Monitor) Size() int {
	n := len(m.Tag) + len(m.Name) + len(m.TypeData) + len(m.Settings)
	for _, s := range []*string{
		m.Description, m.Image, m.Cron, m.DefaultStatus, m.Status, m.Category, m.Type,
		m.DownTrigger, m.DegradedTrigger, m.IncludeDegraded, m.Hidden, m.ExternalURL,
	} {
		if s != nil {
			n += len(*s)
		}
	}
	return n
}

// MonitorPatch is a partial update of a monitor; null clears a field that can be
// empty. TypeData and Settings are merged one level deep into what is there.
type MonitorPatch struct {
	Name                  opt.Field[string]
	Description           opt.Field[string]
	Image                 opt.Field[string]
	Cron                  opt.Field[string]
	DefaultStatus         opt.Field[string]
	Status                opt.Field[string]
	Category              opt.Field[string]
	Type                  opt.Field[string]
	Hidden                opt.Field[string]
	IncludeDegraded       opt.Field[string]
	ExternalURL           opt.Field[string]
	TypeData              opt.Field[JSONObject]
	Settings              opt.Field[JSONObject]
	ConfirmationThreshold opt.Field[int64]
}

// Apply returns the monitor with the patch in it, updated at now (UTC seconds).
// It returns ErrMonitorTooLarge when the result is over MaxMonitorSize.
func (m Monitor) Apply(p MonitorPatch, now int64) (Monitor, error) {
	m.Name = p.Name.Or(m.Name)
	m.Description = p.Description.Ptr(m.Description)
	m.Image = p.Image.Ptr(m.Image)
	m.Cron = p.Cron.Ptr(m.Cron)
	m.DefaultStatus = p.DefaultStatus.Ptr(m.DefaultStatus)
	m.Status = p.Status.Ptr(m.Status)
	m.Category = p.Category.Ptr(m.Category)
	m.Type = p.Type.Ptr(m.Type)
	m.Hidden = p.Hidden.Ptr(m.Hidden)
	m.IncludeDegraded = p.IncludeDegraded.Ptr(m.IncludeDegraded)
	m.ExternalURL = p.ExternalURL.Ptr(m.ExternalURL)
	m.TypeData = mergeField(m.TypeData, p.TypeData, "")
	m.Settings = mergeField(m.Settings, p.Settings, DefaultSettings)
	m.ConfirmationThreshold = p.ConfirmationThreshold.Or(m.ConfirmationThreshold)
	m.Updated = now
	m.Version++
	if m.Size() > MaxMonitorSize {
		return Monitor{}, ErrMonitorTooLarge
	}
	return m, nil
}

func mergeField(old JSONObject, f opt.Field[JSONObject], empty JSONObject) JSONObject {
	if f.IsNull() {
		return ""
	}
	update, ok := f.Get()
	if !ok {
		return old
	}
	if old == "" {
		old = empty
	}
	return old.Merge(update)
}
