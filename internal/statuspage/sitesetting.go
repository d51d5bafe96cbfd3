package statuspage

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A SiteSetting is one of the settings of the whole site. Its key is one of SiteKeys.
type SiteSetting struct {
	Key     string
	Value   string // the text itself of a setting that is a text, else compact JSON
	Created int64  // UTC seconds when it was first set; 0: it is the default
	Updated int64  // UTC seconds
	Version int64  // rises with every write; 0: it is the default
}

// How many bytes the value of a setting may have.
const (
	MaxSiteValue = 100_000
	MaxSiteText  = 1_000 // of a text that is in each file of the pages
)

// A SitePrecondition is for a setting what Precondition is for an incident. Of one that
// nobody has set it is called with nothing but the key.
type SitePrecondition func(SiteSetting) bool

// A SiteKey is a setting of the site that there is (docs/api.md, Site).
type SiteKey struct {
	Key     string
	Type    DataType
	Default *string // as SiteSetting.Value; nil: none, it does not exist until it is set

	// DefaultType is the type that the default shows instead of Type; "" for none. The
	// original has it so for two numbers.
	DefaultType DataType

	short bool                    // it has MaxSiteText bytes at most
	valid func(value string) bool // nil: any will do
}

// DataType is what the value of a setting is.
type DataType string

// The types. A NUMBER is kept as a text.
const (
	TextData   DataType = "string"
	ObjectData DataType = "object" // any JSON
	NumberData DataType = "number"
)

// Settings of the site that more than one place uses.
const (
	SiteNameKey = "siteName"
	SiteURLKey  = "siteURL"
)

// siteKeys are all settings: those with a default first, which is the order of their list.
var siteKeys = []SiteKey{
	{Key: "title", Type: TextData, Default: new("Status"), valid: notBlank},
	{Key: SiteNameKey, Type: TextData, short: true, Default: new(""), valid: notBlank},
	{Key: SiteURLKey, Type: TextData, short: true, Default: new(""), valid: func(text string) bool { return siteURL().MatchString(text) }},
	{Key: "home", Type: TextData, Default: new("/"), valid: notBlank},
	{Key: "logo", Type: TextData, short: true, Default: new("")},
	{Key: "favicon", Type: TextData, short: true, Default: new("/favicon.svg")},
	{Key: "metaTags", Type: ObjectData, Default: new(`[{"key":"description","value":"The status of our services"},{"key":"og:title","value":"Status"},{"key":"og:description","value":"The status of our services"},{"key":"og:type","value":"website"}]`)},
	{Key: "nav", Type: ObjectData, Default: new(`[]`), valid: links},
	{Key: "hero", Type: ObjectData, Default: new(`{"title":"Status","subtitle":"The status of our services"}`), valid: hero},
	{Key: "footerHTML", Type: TextData, Default: new("")},
	{Key: "i18n", Type: ObjectData, Default: new(`{"defaultLocale":"en","locales":[{"code":"en","name":"English","selected":true,"disabled":false},{"code":"de","name":"Deutsch","selected":true,"disabled":false}]}`)},
	{Key: "pattern", Type: TextData, Default: new("none"), valid: word("dots", "squares", "tiles", "none", "radial-blue", "radial-mono", "radial-midnight",
		"circle-mono", "carbon-fibre", "texture-sky", "angular-mono", "angular-spring", "angular-bloom", "pets")},
	{Key: "analytics", Type: ObjectData, Default: new(`[]`), valid: analytics},
	{Key: "theme", Type: TextData, Default: new("none"), valid: word("light", "dark", "system", "none")},
	{Key: "themeToggle", Type: TextData, Default: new("YES")},
	{Key: "tzToggle", Type: TextData, Default: new("YES")},
	{Key: "barStyle", Type: TextData, Default: new("PARTIAL"), valid: word("PARTIAL", "FULL")},
	{Key: "barRoundness", Type: TextData, Default: new("SHARP"), valid: word("SHARP", "ROUNDED")},
	{Key: "summaryStyle", Type: TextData, Default: new("CURRENT"), valid: word("CURRENT", "DAY")},
	{Key: "colors", Type: ObjectData, Default: new(`{"UP":"#67ab95","DOWN":"#ca3038","DEGRADED":"#e6ca61","MAINTENANCE":"#6679cc","ACCENT":"#f4f4f5","ACCENT_FOREGROUND":"#e96e2d"}`), valid: colors},
	{Key: "colorsDark", Type: ObjectData, Default: new(`{"UP":"#67ab95","DOWN":"#ca3038","DEGRADED":"#e6ca61","MAINTENANCE":"#6679cc","ACCENT":"#27272a","ACCENT_FOREGROUND":"#e96e2d"}`), valid: colors},
	{Key: "font", Type: ObjectData, Default: new(`{"cssSrc":"","family":""}`)},
	{Key: "categories", Type: ObjectData, Default: new(`[]`)},
	{Key: "homeIncidentCount", Type: TextData, Default: new("5.0"), DefaultType: NumberData, valid: atLeast(0)},
	{Key: "homeIncidentStartTimeWithin", Type: TextData, Default: new("30.0"), DefaultType: NumberData, valid: atLeast(1)},
	{Key: "homeDataMaxDays", Type: ObjectData, Default: new(`{"desktop":{"maxDays":90,"selectableDays":[1,7,14,30,60,90]},"mobile":{"maxDays":90,"selectableDays":[1,7,14,30,60,90]}}`)},
	{Key: "kenerTheme", Type: TextData, Default: new("system")},
	{Key: "showSiteStatus", Type: TextData, Default: new("NO")},
	{Key: "subscriptionsSettings", Type: ObjectData, Default: new(`{"enable":false,"methods":{"emails":{"incidents":false,"maintenances":false}}}`)},
	{Key: "subMenuOptions", Type: ObjectData, Default: new(`{"showShareBadgeMonitor":true,"showShareEmbedMonitor":true,"showRssFeed":true}`)},
	{Key: "dataRetentionPolicy", Type: ObjectData, Default: new(`{"enabled":true,"retentionDays":90}`)},
	{Key: "eventDisplaySettings", Type: ObjectData, Default: new(`{"showInlineEvents":false,"incidents":{"enabled":true,"ongoing":{"show":true},"resolved":{"show":true,"maxCount":5,"daysInPast":7}},"maintenances":{"enabled":true,"ongoing":{"show":true},"past":{"show":true,"maxCount":5,"daysInPast":7},"upcoming":{"show":true,"maxCount":5,"daysInFuture":7}}}`)},
	{Key: "globalPageVisibilitySettings", Type: ObjectData, Default: new(`{"showSwitcher":true,"forceExclusivity":false}`)},
	{Key: "dateAndTimeFormat", Type: ObjectData, Default: new(`{"datePlusTime":"PPp","dateOnly":"PP","timeOnly":"p"}`)},
	{Key: "sitemap", Type: ObjectData, Default: new(`{"mode":"off","urls":[]}`)},
	{Key: "globalMaintenanceNotificationSettings", Type: ObjectData, Default: new(`{"event_types":{"created":false,"reminder":true,"started":true,"ended":true},"reminder_buffer_hours":1}`)},

	{Key: "customCSS", Type: TextData},
	{Key: "monitorSort", Type: ObjectData, valid: array},
	{Key: "incidentGroupView", Type: TextData, valid: notBlank},
	{Key: "analytics.googleTagManager", Type: ObjectData},
	{Key: "analytics.plausible", Type: ObjectData},
	{Key: "analytics.mixpanel", Type: ObjectData},
	{Key: "analytics.amplitude", Type: ObjectData},
	{Key: "analytics.clarity", Type: ObjectData},
	{Key: "analytics.umami", Type: ObjectData},
	{Key: "analytics.posthog", Type: ObjectData},
	{Key: "announcement", Type: ObjectData},
	{Key: "socialPreviewImage", Type: TextData, short: true},
	{Key: "pageOrderingSettings", Type: ObjectData},
	{Key: "metaSiteTitle", Type: TextData, short: true},
	{Key: "metaSiteDescription", Type: TextData, short: true},
}

// SiteKeys lists every setting of the site: those with a default first.
func SiteKeys() []SiteKey { return slices.Clone(siteKeys) }

// SiteKeyOf returns the setting with the key.
func SiteKeyOf(key string) (k SiteKey, there bool) {
	at := slices.IndexFunc(siteKeys, func(k SiteKey) bool { return k.Key == key })
	if at < 0 {
		return k, false
	}
	return siteKeys[at], true
}

// Check returns the error for a value that the setting can't have.
func (k SiteKey) Check(value string) error {
	most := MaxSiteValue
	if k.short {
		most = MaxSiteText
	}
	switch {
	case k.valid != nil && !k.valid(value):
		return Invalid("Invalid value for config key '%s'", k.Key)
	case len(value) > most:
		return Invalid("The value of config key '%s' must be at most %d bytes", k.Key, most)
	}
	return nil
}

// siteURL is what the address of a site has to look like: empty, or a host with a scheme and
// a path or without.
// It is compiled when it is asked for: every function has it, and one needs it.
var siteURL = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?i:(https?://)?((localhost|[\da-z.-]+\.[a-z]{2,10})(:[0-9]{1,5})?)?(/[\w .-]*)*/?)$`)
})

func notBlank(text string) bool { return TrimBlank(text) != "" }

func word(words ...string) func(string) bool {
	return func(text string) bool { return slices.Contains(words, text) }
}

// atLeast takes a text that begins with a whole number, as the original reads numbers.
func atLeast(least int64) func(string) bool {
	return func(text string) bool {
		text = TrimBlank(text)
		sign := ""
		if rest, negative := strings.CutPrefix(text, "-"); negative {
			sign, text = "-", rest
		} else {
			text = strings.TrimPrefix(text, "+")
		}
		digits := text[:len(text)-len(strings.TrimLeft(text, "0123456789"))]
		n, err := strconv.ParseFloat(sign+digits, 64)
		return digits != "" && err == nil && n >= float64(least)
	}
}

// elements returns those of a JSON array that are objects; all says whether they all are.
func elements(value string) (objects []map[string]any, all bool) {
	var raw []any
	if !array(value) || json.Unmarshal([]byte(value), &raw) != nil {
		return nil, false
	}
	for _, one := range raw {
		element, is := one.(map[string]any)
		if !is {
			return nil, false
		}
		objects = append(objects, element)
	}
	return objects, true
}

func array(value string) bool { return strings.HasPrefix(value, "[") }

// links takes an array whose elements have a name and a url.
func links(value string) bool {
	all, ok := elements(value)
	return ok && !slices.ContainsFunc(all, func(link map[string]any) bool { return !truthy(link["name"]) || !truthy(link["url"]) })
}

// truthy reports whether ECMAScript takes a JSON value for true.
func truthy(value any) bool {
	switch v := value.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return v != ""
	case float64:
		return v != 0
	}
	return true
}

// hero takes an object or an array; when it has a title, that and the subtitle have to be
// texts.
func hero(value string) bool {
	var tree map[string]any
	if array(value) {
		return true
	}
	if json.Unmarshal([]byte(value), &tree) != nil || tree == nil {
		return false
	}
	_, title := tree["title"].(string)
	_, subtitle := tree["subtitle"].(string)
	return !truthy(tree["title"]) || title && subtitle
}

// analytics takes an array whose elements have texts as id and type.
func analytics(value string) bool {
	all, ok := elements(value)
	return ok && !slices.ContainsFunc(all, func(one map[string]any) bool {
		_, id := one["id"].(string)
		_, kind := one["type"].(string)
		return !id || !kind
	})
}

var color = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^#[0-9A-Fa-f]{6}$`) })

// colors takes an object with the colours of the statuses, and may have those of accents.
func colors(value string) bool {
	tree := JSONObject(value).tree()
	for _, name := range []string{"UP", "DOWN", "DEGRADED", "MAINTENANCE", "ACCENT", "ACCENT_FOREGROUND"} {
		value, there := tree[name]
		text, _ := value.(string)
		if optional := strings.HasPrefix(name, "ACCENT"); !color().MatchString(text) && !(optional && !there) {
			return false
		}
	}
	return tree != nil
}

// SiteKeyUnknown returns the error for a key that no setting has.
func SiteKeyUnknown(key string) error {
	return &Error{Code: CodeNotFound, Message: fmt.Sprintf("Config key '%s' is not a valid configuration key", key)}
}

// SiteSettingNotFound returns the error for a setting without a default that nobody has set.
func SiteSettingNotFound(key string) error {
	return &Error{Code: CodeNotFound, Message: fmt.Sprintf("Config key '%s' not found", key)}
}
