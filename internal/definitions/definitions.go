// Package definitions makes monitors, alert rules, maintenances, pages, settings of the site and
// integrations in a repository what a YAML file says of them.
package definitions

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"tocsin/internal/apiv4"
	"tocsin/internal/statuspage"
)

// Definitions are what a file defines, in its order.
type Definitions struct {
	monitors     []monitor
	rules        []rule
	maintenances []maintenance
	pages        []definedPage
	settings     []setting
	integrations []integration
}

type monitor struct {
	made  statuspage.Monitor      // where there is none of its tag
	patch statuspage.MonitorPatch // where there is one
}

type rule struct {
	entry
	made  statuspage.NewAlertRule   // where there is none like it
	patch statuspage.AlertRulePatch // where there is one
}

type maintenance struct {
	entry
	made  statuspage.NewMaintenance   // where there is none of its title
	patch statuspage.MaintenancePatch // where there is one
}

type definedPage struct {
	entry
	made  statuspage.NewPage   // where there is none at its path
	patch statuspage.PagePatch // where there is one, as the home page always is
}

// name is what clients call the page.
func (p definedPage) name() string { return statuspage.PageName(p.made.Path) }

type setting struct {
	key   statuspage.SiteKey
	value string // as statuspage.SiteSetting has it
}

type integration struct {
	entry
	made  statuspage.NewIntegration   // where there is none of its name
	patch statuspage.IntegrationPatch // where there is one
}

// OfMonitors defines monitors that are made if they do not exist. One that exists stays as
// it is.
func OfMonitors(monitors ...statuspage.Monitor) Definitions {
	var d Definitions
	for _, m := range monitors {
		d.monitors = append(d.monitors, monitor{made: m})
	}
	return d
}

// What a file can have: lists, and the site, which has fields.
const (
	monitorList     = "monitors"
	ruleList        = "alert_rules"
	maintenanceList = "maintenances"
	pageList        = "pages"
	siteFields      = "site"
	integrationList = "integrations"
)

// parts are the names of what a file can have.
var parts = []string{monitorList, ruleList, maintenanceList, pageList, siteFields, integrationList}

// monitorFields are the fields that a monitor can have in a file.
var monitorFields = []string{
	"tag", "name", "description", "image", "cron", "default_status", "status", "category_name", "monitor_type", "type_data",
	"include_degraded_in_downtime", "is_hidden", "monitor_settings_json", "external_url", "confirmation_threshold",
}

// ruleFields are the fields that an alert rule can have in a file.
var ruleFields = []string{
	"alert_for", "alert_value", "monitor_tags", "failure_threshold", "success_threshold", "severity", "create_incident", "description", "is_active",
}

// maintenanceFields are the fields that a maintenance can have in a file.
var maintenanceFields = []string{
	"title", "description", "start_date_time", "rrule", "time_zone", "duration_seconds", "status", "monitors",
}

// pageFields are the fields that a page can have in a file.
var pageFields = []string{"page_path", "page_title", "page_header", "page_subheader", "page_logo", "page_settings", "monitors"}

// integrationFields are the fields that an integration can have in a file.
var integrationFields = []string{"name", "kind", "options", "is_active"}

// Parse reads a file. It checks all that can be known without the repository. An error
// begins with the line of the mistake, and says what to write.
func Parse(text []byte) (Definitions, error) {
	lists, err := readYAML(text)
	if err != nil {
		return Definitions{}, err
	}
	var d Definitions
	for _, list := range lists {
		switch list.name {
		case monitorList:
			d.monitors, err = parseMonitors(list)
		case ruleList:
			d.rules, err = parseRules(list)
		case maintenanceList:
			d.maintenances, err = parseMaintenances(list)
		case pageList:
			d.pages, err = parsePages(list)
		case siteFields:
			d.settings, err = parseSite(list)
		case integrationList:
			d.integrations, err = parseIntegrations(list)
		default:
			err = unknownPart(list)
		}
		if err != nil {
			return Definitions{}, err
		}
	}
	return d, nil
}

func unknownPart(list field) error {
	if near := nearest(list.name, parts); near != "" {
		return fault(list.line, "there is no %s to define: write %s", list.name, near)
	}
	return fault(list.line, "there is no %s to define: there are %s", list.name, strings.Join(parts, ", "))
}

// An entry is a monitor, a rule, a maintenance, a page or an integration of a file.
type entry struct {
	place  string // which one it is, for errors
	line   int
	fields []field
}

// parseEntries reads the entries of a list. A field that is not known is a mistake: the API
// passes over those.
func parseEntries(list field, kind string, known []string) ([]entry, error) {
	n := resolve(list.node)
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		return nil, nil
	}
	if n.Kind != yaml.SequenceNode {
		return nil, fault(list.line, "%s must be a list, each entry of it beginning with -, not %s", list.name, kindOf(n))
	}
	r := &reader{}
	var entries []entry
	for i, node := range n.Content {
		e := entry{place: fmt.Sprintf("%s %d", kind, i+1), line: node.Line}
		m := resolve(node)
		if m.Kind != yaml.MappingNode {
			return nil, fault(e.line, "%s must have fields, such as %s: VALUE, not %s", e.place, known[0], kindOf(m))
		}
		var err error
		if e.fields, err = r.fields(m, e.place); err != nil {
			return nil, err
		}
		for _, f := range e.fields {
			if slices.Contains(known, f.name) {
				continue
			}
			return nil, unknownField(f, e.place, known)
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// unknownField says which field is not known, and what to write.
func unknownField(f field, place string, known []string) error {
	if near := nearest(f.name, known); near != "" {
		return fault(f.line, "%s: unknown field %s: write %s", place, f.name, near)
	}
	return fault(f.line, "%s: unknown field %s: there are %s", place, f.name, strings.Join(known, ", "))
}

// body returns the entry as the API would take it.
func (e entry) body() ([]byte, error) {
	values := map[string]any{}
	for _, f := range e.fields {
		values[f.name] = f.value
	}
	return json.Marshal(values)
}

// fault says what is wrong with the entry, in the line of the field that the error is
// about, if it is about one, and what to write there when the type is wrong.
func (e entry) fault(err error) error {
	about, _, _ := strings.Cut(strings.ToLower(err.Error()), " ")
	about = strings.TrimSuffix(about, ":")
	linked := about == "each" || about == "at" || about == "monitor" || // monitor tag must be …, most … monitors, with tag … not found
		strings.HasPrefix(err.Error(), "Invalid impact ")
	for _, f := range e.fields {
		if f.name == about || linked && (f.name == "monitor_tags" || f.name == "monitors") {
			return fault(f.line, "%s: %w%s", e.place, err, f.correction(err))
		}
	}
	return fault(e.line, "%s: %w", e.place, err)
}

// correction says what to write in place of a value whose type the error is about, "" when
// that is not known.
func (f field) correction(err error) string {
	message := err.Error()
	n := resolve(f.node)
	if n.Kind == yaml.SequenceNode && strings.HasSuffix(message, "string") {
		for _, member := range n.Content {
			if quotes := quotesFor(resolve(member)); quotes != "" {
				return quotes
			}
		}
	}
	if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" {
		return ""
	}
	switch tag := n.ShortTag(); {
	case strings.Contains(message, "string") && tag != "!!str":
		return fmt.Sprintf(": write %s: %q", f.name, n.Value)
	case strings.HasSuffix(message, "boolean"):
		return fmt.Sprintf(": write %s: true or %s: false", f.name, f.name)
	case strings.HasSuffix(message, "array"):
		return fmt.Sprintf(": write %s: [%s]", f.name, n.Value)
	case strings.HasSuffix(message, "object"):
		return fmt.Sprintf(": write %s: {NAME: VALUE}", f.name)
	case strings.HasSuffix(message, "timestamp (UTC seconds)"):
		return fmt.Sprintf(", or a date with its offset such as %s: 2026-12-07T03:00:00+01:00", f.name)
	}
	return ""
}

func parseMonitors(list field) ([]monitor, error) {
	entries, err := parseEntries(list, "monitor", monitorFields)
	if err != nil {
		return nil, err
	}
	var monitors []monitor
	lines := map[string]int{} // by tag
	for _, e := range entries {
		body, err := e.body()
		if err != nil {
			return nil, e.fault(err)
		}
		var m monitor
		if m.made, m.patch, err = apiv4.DecodeMonitor(body); err != nil {
			return nil, e.fault(err)
		}
		if first := lines[m.made.Tag]; first > 0 {
			return nil, fault(e.line, "%s: the tag %s is there twice, the first time in line %d: give it another tag, or leave it out", e.place, m.made.Tag, first)
		}
		lines[m.made.Tag] = e.line
		monitors = append(monitors, m)
	}
	return monitors, nil
}

func parseRules(list field) ([]rule, error) {
	entries, err := parseEntries(list, "alert rule", ruleFields)
	if err != nil {
		return nil, err
	}
	var rules []rule
	lines := map[string]int{} // by name
	for _, e := range entries {
		body, err := e.body()
		if err != nil {
			return nil, e.fault(err)
		}
		r := rule{entry: e}
		if r.made, r.patch, err = apiv4.DecodeAlertRule(body); err != nil {
			return nil, e.fault(err)
		}
		name := ruleName(r.made.For, r.made.Severity, r.made.Tags)
		if first := lines[name]; first > 0 {
			return nil, fault(e.line, "%s: there are two for %s, the first in line %d: give it another severity, or leave it out", e.place, name, first)
		}
		lines[name] = e.line
		rules = append(rules, r)
	}
	return rules, nil
}

func parseMaintenances(list field) ([]maintenance, error) {
	entries, err := parseEntries(list, "maintenance", maintenanceFields)
	if err != nil {
		return nil, err
	}
	var maintenances []maintenance
	lines := map[string]int{} // by title
	for _, e := range entries {
		for n, f := range e.fields {
			text, _ := f.value.(string)
			if at, err := time.Parse(time.RFC3339, text); err == nil && f.name == "start_date_time" {
				e.fields[n].value = at.Unix()
			}
		}
		body, err := e.body()
		if err != nil {
			return nil, e.fault(err)
		}
		m := maintenance{entry: e}
		if m.made, m.patch, err = apiv4.DecodeMaintenance(body); err != nil {
			return nil, e.fault(err)
		}
		if first := lines[m.made.Title]; first > 0 {
			return nil, fault(e.line, "%s: the title %q is there twice, the first time in line %d: give it another title, or leave it out", e.place, m.made.Title, first)
		}
		lines[m.made.Title] = e.line
		maintenances = append(maintenances, m)
	}
	return maintenances, nil
}

func parsePages(list field) ([]definedPage, error) {
	entries, err := parseEntries(list, "page", pageFields)
	if err != nil {
		return nil, err
	}
	var pages []definedPage
	lines := map[string]int{} // by path
	for _, e := range entries {
		body, err := e.body()
		if err != nil {
			return nil, e.fault(err)
		}
		p := definedPage{entry: e}
		if p.made, p.patch, err = apiv4.DecodePage(body); err != nil {
			return nil, e.fault(err)
		}
		if err := e.checkPage(); err != nil {
			return nil, err
		}
		if first := lines[p.made.Path]; first > 0 {
			return nil, fault(e.line, "%s: the path %s is there twice, the first time in line %d: give it another path, or leave it out", e.place, p.name(), first)
		}
		lines[p.made.Path] = e.line
		pages = append(pages, p)
	}
	return pages, nil
}

// checkPage fails for what the API passes over in a page: monitors that are no list, and settings
// that there are none of.
func (e entry) checkPage() error {
	for _, f := range e.fields {
		n := resolve(f.node)
		if f.name == "monitors" && n.Kind != yaml.SequenceNode {
			return fault(f.line, "%s: monitors must be a list of tags, not %s: write monitors: [TAG]", e.place, kindOf(n))
		}
		if f.name == "page_settings" {
			if err := checkSettings(n, statuspage.PageSettingNames(), "", e.place+": "+f.name); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkSettings fails for a name in a mapping of settings that all, the names of all of them, have none
// of below the names in front of it.
func checkSettings(n *yaml.Node, all []string, in, place string) error {
	if n = resolve(n); n.Kind != yaml.MappingNode {
		return nil
	}
	var known []string
	for _, name := range all {
		if name, is := strings.CutPrefix(name, in); is && !strings.Contains(name, ".") {
			known = append(known, name)
		}
	}
	if len(known) == 0 { // it may have any names
		return nil
	}
	fields, err := (&reader{}).names(n, place)
	if err != nil {
		return err
	}
	for _, f := range fields {
		if !slices.Contains(known, f.name) {
			return unknownField(f, place, known)
		}
		if err := checkSettings(f.node, all, in+f.name+".", place+": "+f.name); err != nil {
			return err
		}
	}
	return nil
}

func parseIntegrations(list field) ([]integration, error) {
	entries, err := parseEntries(list, "integration", integrationFields)
	if err != nil {
		return nil, err
	}
	var integrations []integration
	lines := map[string]int{} // by name
	for _, e := range entries {
		for _, f := range e.fields {
			if f.name == "options" {
				if err := checkSettings(f.node, statuspage.IntegrationOptionNames(), "", e.place+": "+f.name); err != nil {
					return nil, err
				}
			}
		}
		body, err := e.body()
		if err != nil {
			return nil, e.fault(err)
		}
		i := integration{entry: e}
		if i.made, i.patch, err = apiv4.DecodeIntegration(body); err != nil {
			return nil, e.fault(err)
		}
		if first := lines[i.made.Name]; first > 0 {
			return nil, fault(e.line, "%s: the name %q is there twice, the first time in line %d: give it another name, or leave it out", e.place, i.made.Name, first)
		}
		lines[i.made.Name] = e.line
		integrations = append(integrations, i)
	}
	return integrations, nil
}

// siteNames are the keys of all settings.
func siteNames() []string {
	var names []string
	for _, k := range statuspage.SiteKeys() {
		names = append(names, k.Key)
	}
	return names
}

func parseSite(site field) ([]setting, error) {
	n := resolve(site.node)
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		return nil, nil
	}
	if n.Kind != yaml.MappingNode {
		return nil, fault(site.line, "%s must have fields, such as siteName: VALUE, not %s", site.name, kindOf(n))
	}
	fields, err := (&reader{}).fields(n, site.name)
	if err != nil {
		return nil, err
	}
	var settings []setting
	for _, f := range fields {
		s := setting{}
		var known bool
		if s.key, known = statuspage.SiteKeyOf(f.name); !known {
			return nil, unknownField(f, site.name, siteNames())
		}
		if err := f.checkText(s.key); err != nil {
			return nil, err
		}
		body, err := json.Marshal(f.value)
		if err != nil {
			return nil, fault(f.line, "%s %s: %w", site.name, f.name, err)
		}
		if s.value, err = apiv4.DecodeSetting(f.name, body); err != nil {
			return nil, fault(f.line, "%s: %w", site.name, err)
		}
		settings = append(settings, s)
	}
	return settings, nil
}

// checkText fails for what is no text where the setting is one: the API would make a text of
// anything, true of YES too.
func (f field) checkText(k statuspage.SiteKey) error {
	n := resolve(f.node)
	if tag := n.ShortTag(); k.Type == statuspage.ObjectData || n.Kind == yaml.ScalarNode && (tag == "!!str" || tag == "!!int" && k.DefaultType == statuspage.NumberData) {
		return nil
	}
	return fault(f.line, "site: %s must be a text, not %s%s", f.name, kindOf(n), quotesFor(n))
}

// ruleName is what a rule is known by from one import to the next.
func ruleName(of statuspage.AlertFor, severity statuspage.Severity, tags []string) string {
	return fmt.Sprintf("%s %s of %s", of, severity, strings.Join(slices.Sorted(slices.Values(tags)), ", "))
}
