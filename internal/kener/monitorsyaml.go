package kener

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"tocsin/internal/statuspage"
)

// definitionsYAML is what tocsin apply reads. Its fields have the API's names, in
// the order in which they are written.
type definitionsYAML struct {
	Monitors []definedMonitor `yaml:"monitors"`
	Rules    []definedRule    `yaml:"alert_rules,omitempty"`
}

type definedMonitor struct {
	Tag           string         `yaml:"tag"`
	Name          string         `yaml:"name"`
	Description   string         `yaml:"description,omitempty"`
	Image         string         `yaml:"image,omitempty"`
	Category      string         `yaml:"category_name,omitempty"`
	ExternalURL   string         `yaml:"external_url,omitempty"`
	Status        string         `yaml:"status,omitempty"`
	DefaultStatus string         `yaml:"default_status,omitempty"`
	Hidden        string         `yaml:"is_hidden,omitempty"`
	Included      string         `yaml:"include_degraded_in_downtime,omitempty"`
	Cron          string         `yaml:"cron,omitempty"`
	Type          string         `yaml:"monitor_type"`
	TypeData      map[string]any `yaml:"type_data,omitempty"`
}

type definedRule struct {
	For            string   `yaml:"alert_for"`
	Value          string   `yaml:"alert_value"`
	Tags           []string `yaml:"monitor_tags,flow"`
	Failures       int      `yaml:"failure_threshold"`
	Successes      int      `yaml:"success_threshold"`
	Severity       string   `yaml:"severity"`
	CreateIncident bool     `yaml:"create_incident"`
	Description    string   `yaml:"description,omitempty"`
	Active         bool     `yaml:"is_active"`
}

// ConvertMonitors makes a definitions file, which tocsin apply takes, of the
// monitors.yaml of a Kener 1 or 2, or of monitors with the fields that Kener 3 has for
// them. What it checks goes into type_data in Kener 4's form. warn is told of every field
// that can't be kept as it is. An error is returned of what is no list of monitors.
func ConvertMonitors(file []byte, warn func(format string, args ...any)) ([]byte, error) {
	var document yaml.Node
	if err := yaml.Load(file, &document); err != nil {
		return nil, err
	}
	root := &document
	if root.Kind == yaml.DocumentNode && len(root.Content) == 1 {
		root = resolved(root.Content[0])
	}
	if root.Kind != yaml.SequenceNode {
		return nil, errors.New("it is no list of monitors, as the monitors.yaml of Kener is")
	}
	c := &converter{tags: map[string]string{}}
	monitors := c.named(root.Content, warn)
	out := definitionsYAML{Monitors: []definedMonitor{}}
	for _, m := range monitors {
		c.warn = under(warn, fmt.Sprintf("monitor %q", m.out.Tag))
		out.Monitors = append(out.Monitors, c.monitor(m))
		out.Rules = append(out.Rules, c.rules(m)...)
	}
	return yaml.Dump(out, yaml.WithIndent(2))
}

// sourceMonitor is a monitor of the file on its way.
type sourceMonitor struct {
	fields []field // by the names that Kener 4 has for them
	out    definedMonitor
}

func (m sourceMonitor) get(name string) *yaml.Node {
	for _, f := range m.fields {
		if f.name == name {
			return f.node
		}
	}
	return nil
}

// A field is one of a mapping.
type field struct {
	name string // that the reader knows it by
	at   string // where it stands in the file
	node *yaml.Node
}

// converter converts the monitors of one file, one after another.
type converter struct {
	warn warnFunc          // about the monitor at hand
	tags map[string]string // by the tag in the file, the one here; of two the first
}

// sameField has the names of a monitor's fields that were called otherwise before Kener 4.
var sameField = map[string]string{
	"noData": "default_status", "defaultStatus": "default_status", "category": "category_name", "categoryName": "category_name",
	"hidden": "is_hidden", "isHidden": "is_hidden", "includeDegradedInDowntime": "include_degraded_in_downtime",
	"dayDegradedMinimumCount": "day_degraded_minimum_count", "dayDownMinimumCount": "day_down_minimum_count",
	"monitorType": "monitor_type", "typeData": "type_data", "downTrigger": "down_trigger", "degradedTrigger": "degraded_trigger",
	"externalUrl": "external_url",
}

// unsettable are fields that are known and can't be kept, each with the reason.
var unsettable = map[string]string{
	"day_degraded_minimum_count": "it can't be set here",
	"day_down_minimum_count":     "it can't be set here",
	"eval":                       "no code is run here",
	"pingEval":                   "no code is run here",
	"tcpEval":                    "no code is run here",
	"triggers":                   "alerts send no messages here",
}

func (c *converter) leaveOut(f field) {
	reason := unsettable[f.name]
	if reason == "" {
		reason = "there is no such field here"
	}
	c.warn("%s is left out: %s", f.at, reason)
}

// named returns the monitors of a file with their tags, which are those of the file as far
// as these can be tags here. Kener asked for a tag; one that is missing is made of the name,
// as Kener made the names of its files.
func (c *converter) named(list []*yaml.Node, warn warnFunc) []sourceMonitor {
	var monitors []sourceMonitor
	taken := map[string]bool{}
	for n, node := range list {
		place := fmt.Sprintf("monitor %d", n+1)
		c.warn = under(warn, place)
		if resolved(node).Kind != yaml.MappingNode {
			c.warn("left out: it is no mapping")
			continue
		}
		m := sourceMonitor{fields: fieldsOf(node, "")}
		for i := range m.fields {
			if name := sameField[m.fields[i].name]; name != "" {
				m.fields[i].name = name
			}
		}
		tag, name := strings.TrimSpace(scalar(m.get("tag"))), statuspage.TrimBlank(scalar(m.get("name")))
		if tag == "" && name == "" {
			c.warn("left out: it has neither a tag nor a name")
			continue
		}
		m.out.Name = name
		if name == "" {
			m.out.Name = tag
			c.warn("it has no name: it is called %q", tag)
		}
		m.out.Name = cut(m.out.Name, statuspage.MaxMonitorName, c.warn, "name")
		m.out.Tag = freeTag(asTag(tag, name, n+1), taken)
		taken[m.out.Tag] = true
		switch {
		case tag == "":
			c.warn("it has no tag: it gets %q", m.out.Tag)
		case tag != m.out.Tag:
			c.warn("its tag %q is kept as %q", tag, m.out.Tag)
		}
		if _, there := c.tags[tag]; !there && tag != "" {
			c.tags[tag] = m.out.Tag
		}
		monitors = append(monitors, m)
	}
	return monitors
}

// asTag returns the tag, or else the name, as a tag: in lower case, with hyphens in place
// of what a tag can't have.
func asTag(tag, name string, n int) string {
	if statuspage.ValidTag(tag) {
		return tag
	}
	for _, text := range []string{tag, name} {
		made := strings.Map(func(r rune) rune {
			if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-' || r == '_' {
				return r
			}
			return '-'
		}, strings.ToLower(text))
		made = strings.Trim(made[:min(len(made), statuspage.MaxTag)], "-_")
		if made != "" {
			return made
		}
	}
	return fmt.Sprintf("monitor-%d", n)
}

// freeTag returns the tag, with a number behind it when there is one.
func freeTag(tag string, taken map[string]bool) string {
	free := tag
	for n := 2; taken[free]; n++ {
		number := fmt.Sprintf("-%d", n)
		free = strings.TrimRight(tag[:min(len(tag), statuspage.MaxTag-len(number))], "-_") + number
	}
	return free
}

// monitor returns what the file says of a monitor.
func (c *converter) monitor(m sourceMonitor) definedMonitor {
	out := m.out
	kind := ""
	var data, flat []field // flat: what the first releases had in the monitor itself
	for _, f := range m.fields {
		switch f.name {
		case "tag", "name", "alerts", "down_trigger", "degraded_trigger", "monitor_type", "type_data":
		case "description":
			out.Description = c.text(f)
		case "category_name":
			out.Category = c.text(f)
		case "cron":
			out.Cron = c.text(f)
		case "image":
			out.Image = c.link(f)
		case "external_url":
			out.ExternalURL = c.link(f)
		case "status":
			out.Status = c.oneOr(f, statuspage.MonitorStatuses, statuspage.MonitorInactive)
		case "default_status":
			out.DefaultStatus = c.oneOr(f, statuspage.DefaultStatuses, "NONE")
		case "is_hidden":
			out.Hidden = c.yesNo(f)
		case "include_degraded_in_downtime":
			out.Included = c.yesNo(f)
		case "url", "method", "headers", "body", "timeout", "eval":
			flat = append(flat, f)
		default:
			if sections[f.name] == "" {
				c.leaveOut(f)
			}
		}
	}
	// Where there is more than one check, the first of these is what Kener showed.
	for _, name := range sectionOrder {
		node := m.get(name)
		switch {
		case node == nil || resolved(node).Tag == "!!null":
		case kind != "":
			c.warn("%s is left out: a monitor has one check, and this one has %s", name, kind)
		default:
			kind, data = sections[name], fieldsOf(node, name+".")
		}
	}
	if kind == "" && m.get("url") != nil {
		kind, data = sections["api"], flat
	} else {
		for _, f := range flat {
			c.leaveOut(f)
		}
	}
	if node := m.get("monitor_type"); kind == "" && node != nil {
		kind, data = strings.ToUpper(scalar(node)), fieldsOf(parsed(m.get("type_data")), "type_data.")
	}
	out.Type, out.TypeData = c.check(kind, data)
	return out
}

// noCheck is Kener's type of a monitor that nothing checks.
const noCheck = "NONE"

// sections are the types of checks by the names of their sections in a monitors.yaml.
var sections = map[string]string{
	"api": "API", "ping": "PING", "dns": "DNS", "tcp": "TCP", "ssl": "SSL", "sql": "SQL", "heartbeat": "HEARTBEAT", "group": "GROUP", "gamedig": "GAMEDIG",
}

var sectionOrder = []string{"api", "ping", "dns", "tcp", "ssl", "sql", "heartbeat", "group", "gamedig"}

// A checkField is a field of a check: how it is read, and what it is called in Kener 4
// when that is another name; needed ones must be there.
type checkField struct {
	read   func(*converter, field) (any, bool)
	into   string
	needed bool
}

// checkFields are the fields that Kener 4 has in type_data, by the type of the check. Of a
// type that is not here, which only Kener 4 has, they are kept as they stand in the file.
var checkFields = map[string]map[string]checkField{
	"API": {
		"url": {read: anyText, needed: true}, "method": {read: upperText}, "headers": {read: headers}, "body": {read: anyText}, "timeout": {read: number},
		"allowSelfSignedCert": {read: boolean},
	},
	"PING": {"hosts": {read: pingHosts, needed: true}, "hostsV4": {read: pingHosts, into: "hosts"}, "hostsV6": {read: pingHosts, into: "hosts"}},
	"TCP":  {"hosts": {read: tcpHosts, needed: true}},
	"DNS": {
		"host": {read: anyText, needed: true}, "lookupRecord": {read: upperText, needed: true}, "nameServer": {read: anyText}, "matchType": {read: upperText}, "values": {read: texts, needed: true},
	},
	"SSL": {"host": {read: anyText, needed: true}, "port": {read: anyText}, "degradedRemainingHours": {read: number}, "downRemainingHours": {read: number}},
	"SQL": {"dbType": {read: anyText}, "connectionString": {read: anyText, needed: true}, "query": {read: anyText}, "timeout": {read: number}},
	"HEARTBEAT": {
		"degradedRemainingMinutes": {read: number}, "downRemainingMinutes": {read: number}, "secretString": {read: anyText},
	},
	"GROUP": {"monitors": {read: members, needed: true}, "executionDelay": {read: number}, "latencyCalculation": {read: upperText}},
	"GAMEDIG": {
		"gameId": {read: anyText, needed: true}, "host": {read: anyText, needed: true}, "port": {read: number}, "timeout": {read: number},
		"guessPort": {read: boolean}, "requestRules": {read: boolean},
	},
}

// check returns the type of a check and its type_data, NONE and nothing where there is no
// check that can be kept.
func (c *converter) check(kind string, data []field) (string, map[string]any) {
	if kind == "" || kind == noCheck {
		return noCheck, nil
	}
	if !slices.Contains(statuspage.MonitorTypes, kind) {
		c.warn("its check is left out: there is no type %q", kind)
		return noCheck, nil
	}
	known, listed := checkFields[kind]
	out := map[string]any{}
	for _, f := range data {
		k, ok := known[f.name]
		if !listed && unsettable[f.name] == "" {
			k, ok = checkField{read: asItStands}, true
		}
		if !ok {
			c.leaveOut(f)
			continue
		}
		value, ok := k.read(c, f)
		if !ok {
			continue
		}
		name := f.name
		if k.into != "" {
			name = k.into
		}
		if more, isList := value.([]any); isList {
			before, _ := out[name].([]any)
			value = append(before, more...)
		}
		out[name] = value
	}
	var missing []string
	for _, name := range slices.Sorted(maps.Keys(known)) {
		list, isList := out[name].([]any)
		if known[name].needed && (out[name] == nil || isList && len(list) == 0) {
			missing = append(missing, name)
		}
	}
	if missing != nil {
		c.warn("its check %s is left out: it has no %s", kind, strings.Join(missing, ", "))
		return noCheck, nil
	}
	if kind == "API" && out["method"] == nil {
		out["method"] = "GET"
	}
	if text, err := yaml.Dump(out); err != nil || len(text) > statuspage.MaxMonitorSize/2 {
		c.warn("its check %s is left out: it is too large", kind)
		return noCheck, nil
	}
	return kind, out
}

// rules returns the alert rules of a monitor: alerts in Kener 2, triggers in Kener 3.
func (c *converter) rules(m sourceMonitor) []definedRule {
	var rules []definedRule
	for _, source := range []struct{ status, severity, trigger string }{{"DOWN", "CRITICAL", "down_trigger"}, {"DEGRADED", "WARNING", "degraded_trigger"}} {
		at, node := source.trigger, parsed(m.get(source.trigger))
		for _, f := range fieldsOf(m.get("alerts"), "alerts.") {
			if f.name == source.status {
				at, node = f.at, f.node
			}
		}
		if resolved(node).Kind != yaml.MappingNode {
			continue
		}
		r := definedRule{For: "STATUS", Value: source.status, Tags: []string{m.out.Tag}, Failures: 1, Successes: 1, Severity: source.severity, Active: true}
		for _, f := range fieldsOf(node, at+".") {
			switch f.name {
			case "failureThreshold":
				r.Failures = c.threshold(f)
			case "successThreshold":
				r.Successes = c.threshold(f)
			case "createIncident":
				r.CreateIncident = c.yesNo(f) == "YES"
			case "active":
				r.Active = c.yesNo(f) != "NO"
			case "description":
				r.Description = cut(c.text(f), statuspage.MaxRuleDescription, c.warn, f.at)
			case "severity":
				if s := c.oneOf(f, "CRITICAL", "WARNING"); s != "" {
					r.Severity = s
				}
			default:
				c.leaveOut(f)
			}
		}
		if len(rules) > 0 && rules[0].Severity == r.Severity {
			c.warn("%s is left out: the alert of %s has the severity %s too", at, rules[0].Value, r.Severity)
			continue
		}
		rules = append(rules, r)
	}
	for _, f := range fieldsOf(m.get("alerts"), "alerts.") {
		if f.name != "DOWN" && f.name != "DEGRADED" {
			c.leaveOut(f)
		}
	}
	return rules
}

// threshold returns a number of points, 1 for what is no number.
func (c *converter) threshold(f field) int {
	n, err := strconv.Atoi(scalar(f.node)) // of a number that is too great the greatest
	kept := min(max(n, 1), statuspage.MaxAlertThreshold)
	if err != nil || n != kept {
		c.warn("%s %q is kept as %d: it must be from 1 to %d", f.at, scalar(f.node), kept, statuspage.MaxAlertThreshold)
	}
	return kept
}

// text returns a text as it stands in the file; "" for none.
func (c *converter) text(f field) string {
	if n := resolved(f.node); n.Kind != yaml.ScalarNode {
		c.warn("%s is left out: it is no text", f.at)
		return ""
	}
	return scalar(f.node)
}

// oneOf returns one of the words, in which case it is written; "" for another one.
func (c *converter) oneOf(f field, words ...string) string {
	word := strings.ToUpper(c.text(f))
	if word != "" && !slices.Contains(words, word) {
		c.warn("%s %q is left out: it must be one of %s", f.at, word, strings.Join(words, ", "))
		return ""
	}
	return word
}

// oneOr is oneOf where another word becomes the fallback, as in an import from a running
// Kener; "" for none.
func (c *converter) oneOr(f field, words []string, fallback string) string {
	word := strings.ToUpper(c.text(f))
	if word != "" && !slices.Contains(words, word) {
		c.warn("%s %q is kept as %s: it must be one of %s", f.at, word, fallback, strings.Join(words, ", "))
		return fallback
	}
	return word
}

func (c *converter) yesNo(f field) string {
	switch word := strings.ToUpper(c.text(f)); word {
	case "TRUE", "YES":
		return "YES"
	case "FALSE", "NO":
		return "NO"
	case "":
		return ""
	default:
		c.warn("%s %q is left out: it must be true or false", f.at, word)
		return ""
	}
}

// link returns an address that a page can link to.
func (c *converter) link(f field) string {
	text := c.text(f)
	if text == "" || statuspage.ValidLink(text) {
		return text
	}
	c.warn("%s %q is left out: it must be an http or https address, or a path that starts with /", f.at, text)
	return ""
}

func anyText(c *converter, f field) (any, bool) {
	text := c.text(f)
	return text, text != ""
}

// maxValueDepth is how deep a value may be nested that is kept as it stands.
const maxValueDepth = 50

// asItStands returns a value of JSON.
func asItStands(c *converter, f field) (value any, ok bool) {
	var read any
	err := resolved(f.node).Decode(&read)
	var text []byte
	if err == nil {
		text, err = json.Marshal(read)
	}
	if err == nil {
		err = json.Unmarshal(text, &value)
	}
	if err != nil || deeper(value, maxValueDepth) {
		c.warn("%s is left out: it can't be written as JSON, or is nested too deep", f.at)
		return nil, false
	}
	return value, true
}

// deeper reports whether a value of JSON is nested more than n levels deep.
func deeper(value any, n int) bool {
	within := func(v any) bool { return n == 0 || deeper(v, n-1) }
	switch v := value.(type) {
	case []any:
		return slices.ContainsFunc(v, within)
	case map[string]any:
		return slices.ContainsFunc(slices.Collect(maps.Values(v)), within)
	}
	return false
}

func upperText(c *converter, f field) (any, bool) {
	text := strings.ToUpper(c.text(f))
	return text, text != ""
}

func boolean(c *converter, f field) (any, bool) {
	word := c.yesNo(f)
	return word == "YES", word != ""
}

func number(c *converter, f field) (any, bool) {
	text := c.text(f)
	if text == "" {
		return nil, false
	}
	n, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil || math.IsNaN(n) || math.IsInf(n, 0):
		c.warn("%s %q is left out: it is no number", f.at, text)
		return nil, false
	case n == math.Trunc(n) && math.Abs(n) <= statuspage.MaxID:
		return int64(n), true
	}
	return n, true
}

func texts(c *converter, f field) (any, bool) {
	var list []any
	for _, item := range itemsOf(f) {
		if text := c.text(item); text != "" {
			list = append(list, text)
		}
	}
	return list, true
}

// headers returns a list of key and value, which Kener 3 and 4 have, of that or of a
// mapping.
func headers(c *converter, f field) (any, bool) {
	var list []any
	if resolved(f.node).Kind == yaml.MappingNode {
		for _, h := range fieldsOf(f.node, f.at+".") {
			list = append(list, map[string]any{"key": h.name, "value": c.text(h)})
		}
		return list, list != nil
	}
	for _, item := range itemsOf(f) {
		h := sourceMonitor{fields: fieldsOf(item.node, item.at+".")}
		if key := scalar(h.get("key")); key != "" {
			list = append(list, map[string]any{"key": key, "value": scalar(h.get("value"))})
		}
	}
	return list, list != nil
}

// The defaults of a host in Kener 3 and 4.
const (
	hostTimeout = 1000 // milliseconds
	pingCount   = 3
)

func pingHosts(c *converter, f field) (any, bool) {
	return c.hosts(f, map[string]any{"timeout": int64(hostTimeout), "count": int64(pingCount)})
}

func tcpHosts(c *converter, f field) (any, bool) {
	return c.hosts(f, map[string]any{"timeout": int64(hostTimeout)})
}

// hosts returns a list of hosts with these numbers where the file has none. A host may be
// no more than its name or address.
func (c *converter) hosts(f field, numbers map[string]any) (any, bool) {
	var list []any
	for _, item := range itemsOf(f) {
		h := sourceMonitor{fields: fieldsOf(item.node, item.at+".")}
		out := map[string]any{}
		for name, n := range numbers {
			out[name] = n
		}
		host := scalar(item.node)
		if resolved(item.node).Kind == yaml.MappingNode {
			host = ""
			for _, hf := range h.fields {
				_, numeric := numbers[hf.name]
				switch {
				case hf.name == "host":
					host = c.text(hf)
				case hf.name == "type":
					if kind := c.oneOf(hf, "IP4", "IP6", "DOMAIN"); kind != "" {
						out["type"] = kind
					}
				case numeric, hf.name == "port" && numbers["count"] == nil:
					if n, ok := number(c, hf); ok {
						out[hf.name] = n
					}
				default:
					c.leaveOut(hf)
				}
			}
		}
		// An early Kener 3 pinged by TCP, and took a port behind the host.
		if name, port, ok := strings.Cut(host, ":"); ok && numbers["count"] != nil && !strings.Contains(port, ":") {
			c.warn("%s: the port of %q is left out", item.at, host)
			host = name
		}
		if host == "" {
			c.warn("%s is left out: it has no host", item.at)
			continue
		}
		out["host"] = host
		if out["type"] == nil {
			out["type"] = hostType(host)
		}
		list = append(list, out)
	}
	return list, true
}

func hostType(host string) string {
	address, err := netip.ParseAddr(host)
	switch {
	case err != nil:
		return "DOMAIN"
	case address.Is4():
		return "IP4"
	}
	return "IP6"
}

// members returns the monitors of a group, by the tags that they have here.
func members(c *converter, f field) (any, bool) {
	var list []any
	for _, item := range itemsOf(f) {
		m := sourceMonitor{fields: fieldsOf(item.node, item.at+".")}
		tag := scalar(item.node)
		if resolved(item.node).Kind == yaml.MappingNode {
			tag = scalar(m.get("tag"))
		}
		here, ok := c.tags[tag]
		if !ok {
			c.warn("%s is left out: there is no monitor %q", item.at, tag)
			continue
		}
		member := map[string]any{"tag": here}
		for _, mf := range m.fields {
			if mf.name == "weight" {
				if n, ok := number(c, mf); ok {
					member["weight"] = n
				}
			}
		}
		list = append(list, member)
	}
	return list, true
}

// resolved is the node that an alias stands for; one without a kind for none.
func resolved(n *yaml.Node) *yaml.Node {
	for i := 0; n != nil && n.Kind == yaml.AliasNode && i < 100; i++ {
		n = n.Alias
	}
	if n == nil {
		return &yaml.Node{}
	}
	return n
}

// scalar is the text of a scalar as it stands in the file; "" for anything else.
func scalar(n *yaml.Node) string {
	if n = resolved(n); n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return ""
	}
	return statuspage.ValidText(n.Value)
}

// maxMerges is how deep mappings may be merged into one another.
const maxMerges = 10

// fieldsOf returns the fields of a mapping in their order, those that are merged into it
// after its own; none of anything else.
func fieldsOf(n *yaml.Node, at string) []field { return mergedFields(n, at, maxMerges) }

func mergedFields(n *yaml.Node, at string, depth int) []field {
	if n = resolved(n); n.Kind != yaml.MappingNode || depth == 0 {
		return nil
	}
	var own, merged []field
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := resolved(n.Content[i]), n.Content[i+1]
		if key.Value != "<<" {
			own = append(own, field{key.Value, at + key.Value, value})
			continue
		}
		from := []*yaml.Node{value}
		if resolved(value).Kind == yaml.SequenceNode {
			from = resolved(value).Content
		}
		for _, m := range from {
			merged = append(merged, mergedFields(m, at, depth-1)...)
		}
	}
	for _, f := range merged {
		if !slices.ContainsFunc(own, func(o field) bool { return o.name == f.name }) {
			own = append(own, f)
		}
	}
	return own
}

// itemsOf returns the items of a list as fields with their places; a single one stands for
// a list of it.
func itemsOf(f field) []field {
	n := resolved(f.node)
	if n.Kind != yaml.SequenceNode {
		if n.Tag == "!!null" {
			return nil
		}
		return []field{f}
	}
	items := make([]field, len(n.Content))
	for i, item := range n.Content {
		items[i] = field{f.name, fmt.Sprintf("%s[%d]", f.at, i), item}
	}
	return items
}

// parsed returns the node, or what it says if it is a text of JSON, as Kener 3 keeps it.
func parsed(n *yaml.Node) *yaml.Node {
	text := scalar(n)
	if !strings.HasPrefix(strings.TrimSpace(text), "{") {
		return n
	}
	var document yaml.Node
	if yaml.Load([]byte(text), &document) != nil || len(document.Content) != 1 {
		return n
	}
	return document.Content[0]
}
