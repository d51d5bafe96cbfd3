package definitions

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tocsin/internal/apiv4"
	"tocsin/internal/assets"
	"tocsin/internal/page"
	"tocsin/internal/publish"
	"tocsin/internal/site"
	"tocsin/internal/statuspage"
)

// Store is what definitions are applied to.
type Store interface {
	Monitor(ctx context.Context, tag string) (statuspage.Monitor, error)
	CreateMonitor(ctx context.Context, m statuspage.Monitor, now int64, once *statuspage.Once[statuspage.Monitor]) (statuspage.Monitor, error)
	UpdateMonitor(ctx context.Context, tag string, p statuspage.MonitorPatch, now int64) (statuspage.Monitor, error)
	AlertRules(ctx context.Context, q statuspage.AlertRuleQuery, take func(statuspage.AlertRule) bool) (after int64, err error)
	CreateAlertRule(ctx context.Context, n statuspage.NewAlertRule, now int64, once *statuspage.Once[statuspage.AlertRule]) (statuspage.AlertRule, error)
	UpdateAlertRule(ctx context.Context, id int64, p statuspage.AlertRulePatch, now int64) (statuspage.AlertRule, error)
	Maintenances(ctx context.Context, q statuspage.MaintenanceQuery, take func(statuspage.Maintenance) bool) (after int64, err error)
	CreateMaintenance(ctx context.Context, n statuspage.NewMaintenance, now int64, once *statuspage.Once[statuspage.Maintenance]) (statuspage.Maintenance, error)
	UpdateMaintenance(ctx context.Context, id int64, p statuspage.MaintenancePatch, now int64, expected statuspage.MaintenancePrecondition) (statuspage.Maintenance, error)
	Page(ctx context.Context, path string) (statuspage.Page, error)
	Pages(ctx context.Context, q statuspage.PageQuery, take func(statuspage.Page) bool) (after int64, err error)
	CreatePage(ctx context.Context, n statuspage.NewPage, now int64, once *statuspage.Once[statuspage.Page]) (statuspage.Page, error)
	UpdatePage(ctx context.Context, path string, p statuspage.PagePatch, now int64, expected statuspage.PagePrecondition) (statuspage.Page, error)
	SiteSettings(ctx context.Context) ([]statuspage.SiteSetting, error)
	SetSiteSetting(ctx context.Context, key, value string, now int64, expected statuspage.SitePrecondition) (statuspage.SiteSetting, error)
	Integrations(ctx context.Context, q statuspage.IntegrationQuery, take func(statuspage.Integration) bool) (after int64, err error)
	CreateIntegration(ctx context.Context, n statuspage.NewIntegration, token string, now int64, once *statuspage.Once[statuspage.Integration]) (statuspage.Integration, error)
	UpdateIntegration(ctx context.Context, id int64, p statuspage.IntegrationPatch, now int64, expected statuspage.IntegrationPrecondition) (statuspage.Integration, error)
}

// Options are how definitions are applied.
type Options struct {
	DryRun bool              // say what would be done, and write nothing
	Line   func(line string) // gets a line for all that is done, in order, and how much it was

	Assets []assets.Asset // pictures that the definitions come with
	Files  publish.Port   // where pictures are; nil: not known, and there are no Assets
}

// Apply makes the things that are not there, and changes those that differ, in what the
// definitions say of them, at now (UTC seconds). It deletes nothing. Before it writes anything it
// finds out what is there, and returns the error of what could not be made or told from another;
// a later error leaves what was done until then, and applying again does the rest.
func (d Definitions) Apply(ctx context.Context, store Store, now int64, o Options) error {
	a := applier{Options: o, store: store, now: now, d: d, monitors: map[string]statuspage.Monitor{}}
	var plans []plan
	for _, make := range []func(context.Context) (plan, error){a.planMonitors, a.planRules, a.planMaintenances, a.planPages, a.planSite, a.planIntegrations, a.planAssets} {
		p, err := make(ctx)
		if err != nil {
			return err
		}
		plans = append(plans, p)
	}
	if err := a.warn(ctx); err != nil {
		return err
	}
	idle := true
	for _, p := range plans {
		if err := a.carryOut(ctx, p); err != nil {
			return err
		}
		idle = idle && len(p.steps) == 0
	}
	if idle {
		a.Line("nothing to change")
	}
	return nil
}

// applier applies definitions.
type applier struct {
	Options
	store    Store
	now      int64
	d        Definitions
	monitors map[string]statuspage.Monitor // those that are there, as far as they were asked for
}

// A step is one thing that has to be done.
type step struct {
	line  string // "+ ", "~ ", and what it does
	about string // what its error is about
	write func(ctx context.Context) error
}

// A plan is what has to be done to all things of a kind.
type plan struct {
	kind  string
	all   int // how many there are in the definitions
	steps []step
}

func (p *plan) add(line, about string, write func(ctx context.Context) error) {
	p.steps = append(p.steps, step{line, about, write})
}

// carryOut does the steps of a plan and says how much it was.
func (a applier) carryOut(ctx context.Context, p plan) error {
	made := 0
	for _, s := range p.steps {
		a.Line(s.line)
		if strings.HasPrefix(s.line, "+") {
			made++
		}
		if a.DryRun {
			continue
		}
		if err := s.write(ctx); err != nil {
			return fmt.Errorf("%s: %w", s.about, err)
		}
	}
	if p.all == 0 {
		return nil
	}
	done := ""
	if a.DryRun {
		done = " (dry run: nothing was written)"
	}
	var counts []string
	for _, c := range []struct {
		n    int
		what string
	}{{made, "made"}, {len(p.steps) - made, "changed"}, {p.all - len(p.steps), "as they should be"}} {
		if c.n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", c.n, c.what))
		}
	}
	a.Line(fmt.Sprintf("= %s: %s%s", p.kind, strings.Join(counts, ", "), done))
	return nil
}

func (a applier) planMonitors(ctx context.Context) (plan, error) {
	p := plan{kind: "monitors", all: len(a.d.monitors)}
	for _, m := range a.d.monitors {
		about := "monitor " + m.made.Tag
		if err := a.find(ctx, m.made.Tag); err != nil {
			return p, fmt.Errorf("%s: %w", about, err)
		}
		old, there := a.monitors[m.made.Tag]
		if !there {
			p.add("+ "+about, about, func(ctx context.Context) error {
				_, err := a.store.CreateMonitor(ctx, m.made, a.now, nil)
				return err
			})
			continue
		}
		next, err := old.Apply(m.patch, a.now)
		if err != nil {
			return p, fmt.Errorf("%s: %w", about, err)
		}
		if changes := differences(apiv4.EncodeMonitor(old), apiv4.EncodeMonitor(next)); changes != "" {
			p.add(fmt.Sprintf("~ %s: %s", about, changes), about, func(ctx context.Context) error {
				_, err := a.store.UpdateMonitor(ctx, old.Tag, m.patch, a.now)
				return err
			})
		}
	}
	return p, nil
}

// find adds the monitor with the tag to those that are there, if it is.
func (a applier) find(ctx context.Context, tag string) error {
	m, err := a.store.Monitor(ctx, tag)
	if errors.Is(err, statuspage.MonitorNotFound(tag)) {
		return nil
	}
	if err == nil {
		a.monitors[tag] = m
	}
	return err
}

// checkTags fails for a tag of the entry whose monitor is neither there nor in the file.
func (a applier) checkTags(ctx context.Context, e entry, tags []string) error {
	for _, tag := range tags {
		if _, ok := a.monitors[tag]; ok || slices.ContainsFunc(a.d.monitors, func(m monitor) bool { return m.made.Tag == tag }) {
			continue
		}
		if err := a.find(ctx, tag); err != nil {
			return e.fault(err)
		}
		if _, ok := a.monitors[tag]; !ok {
			return e.fault(statuspage.UnknownMonitor(tag))
		}
	}
	return nil
}

// monitorID is the id of the monitor with the tag. One that the file makes has none until then:
// it gets a negative one, its own by n.
func (a applier) monitorID(tag string, n int) int64 {
	if m, there := a.monitors[tag]; there {
		return m.ID
	}
	return int64(-1 - n)
}

// inPages calls read for one page of a list after another: after is where it begins.
func inPages(read func(after int64) (next int64, err error)) error {
	for after := int64(0); ; {
		next, err := read(after)
		if err != nil || next == 0 {
			return err
		}
		after = next
	}
}

const listPage = 1000 // records of a list at a time

func (a applier) planRules(ctx context.Context) (plan, error) {
	p := plan{kind: "alert rules", all: len(a.d.rules)}
	if p.all == 0 {
		return p, nil
	}
	found := map[string][]statuspage.AlertRule{} // by name
	err := inPages(func(after int64) (int64, error) {
		return a.store.AlertRules(ctx, statuspage.AlertRuleQuery{After: after, Limit: listPage}, func(r statuspage.AlertRule) bool {
			tags := make([]string, len(r.Monitors))
			for n, m := range r.Monitors {
				tags[n] = m.Tag
			}
			name := ruleName(r.For, r.Severity, tags)
			found[name] = append(found[name], r)
			return true
		})
	})
	if err != nil {
		return p, fmt.Errorf("reading the alert rules: %w", err)
	}
	for _, r := range a.d.rules {
		if err := a.checkTags(ctx, r.entry, r.made.Tags); err != nil {
			return p, err
		}
		name := ruleName(r.made.For, r.made.Severity, r.made.Tags)
		about := "alert rule " + name
		switch same := found[name]; len(same) {
		case 0:
			p.add(fmt.Sprintf("+ %s: %s", about, r.made.Value()), about, func(ctx context.Context) error {
				_, err := a.store.CreateAlertRule(ctx, r.made, a.now, nil)
				return err
			})
		case 1:
			old := same[0]
			next, err := old.Apply(r.patch, a.now)
			if err != nil {
				return p, r.fault(err)
			}
			if changes := differences(apiv4.EncodeAlertRule(old), apiv4.EncodeAlertRule(next)); changes != "" {
				p.add(fmt.Sprintf("~ alert rule %d, %s: %s", old.ID, name, changes), about, func(ctx context.Context) error {
					_, err := a.store.UpdateAlertRule(ctx, old.ID, r.patch, a.now)
					return err
				})
			}
		default:
			return p, r.fault(fmt.Errorf("there are two for %s, %d and %d: delete or change one of them", name, same[1].ID, same[0].ID))
		}
	}
	return p, nil
}

func (a applier) planMaintenances(ctx context.Context) (plan, error) {
	p := plan{kind: "maintenances", all: len(a.d.maintenances)}
	if p.all == 0 {
		return p, nil
	}
	found := map[string][]statuspage.Maintenance{} // by title
	err := inPages(func(after int64) (int64, error) {
		return a.store.Maintenances(ctx, statuspage.MaintenanceQuery{After: after, Limit: listPage}, func(m statuspage.Maintenance) bool {
			found[m.Title] = append(found[m.Title], m)
			return true
		})
	})
	if err != nil {
		return p, fmt.Errorf("reading the maintenances: %w", err)
	}
	for _, m := range a.d.maintenances {
		var tags []string
		for _, l := range m.made.Monitors {
			tags = append(tags, l.Tag)
		}
		if err := a.checkTags(ctx, m.entry, tags); err != nil {
			return p, err
		}
		about := fmt.Sprintf("maintenance %q", m.made.Title)
		switch same := found[m.made.Title]; len(same) {
		case 0:
			p.add(fmt.Sprintf("+ %s: %s", about, m.made.Rule), about, func(ctx context.Context) error { return a.makeMaintenance(ctx, m) })
		case 1:
			old := same[0]
			if changes := a.changesOfMaintenance(old, m.patch); changes != "" {
				p.add(fmt.Sprintf("~ maintenance %d, %q: %s", old.ID, old.Title, changes), about, func(ctx context.Context) error {
					_, err := a.store.UpdateMaintenance(ctx, old.ID, m.patch, a.now, nil)
					return err
				})
			}
		default:
			return p, m.fault(fmt.Errorf("there are two with the title %q, %d and %d: give one of them another title, or delete it", m.made.Title, same[1].ID, same[0].ID))
		}
	}
	return p, nil
}

// makeMaintenance makes one that is ACTIVE, as the API does, and then what the file says. When
// it fails in between, applying again does the rest.
func (a applier) makeMaintenance(ctx context.Context, m maintenance) error {
	made, err := a.store.CreateMaintenance(ctx, m.made, a.now, nil)
	if err == nil && m.patch.Status.Or(made.Status) != made.Status {
		_, err = a.store.UpdateMaintenance(ctx, made.ID, statuspage.MaintenancePatch{Status: m.patch.Status}, a.now, nil)
	}
	return err
}

func (a applier) changesOfMaintenance(old statuspage.Maintenance, p statuspage.MaintenancePatch) string {
	var asked []statuspage.AffectedMonitor
	for n, l := range p.Monitors.Or(nil) {
		asked = append(asked, statuspage.AffectedMonitor{Tag: l.Tag, MonitorID: a.monitorID(l.Tag, n), Impact: l.Impact})
	}
	next, _ := old.Patched(p, asked, a.now)
	return differences(apiv4.EncodeMaintenance(old), apiv4.EncodeMaintenance(next))
}

func (a applier) planPages(ctx context.Context) (plan, error) {
	p := plan{kind: "pages", all: len(a.d.pages)}
	if p.all == 0 {
		return p, nil
	}
	there := map[string]statuspage.Page{} // by path
	err := inPages(func(after int64) (int64, error) {
		return a.store.Pages(ctx, statuspage.PageQuery{After: after, Limit: listPage}, func(p statuspage.Page) bool {
			there[p.Path] = p
			return true
		})
	})
	if err != nil {
		return p, fmt.Errorf("reading the pages: %w", err)
	}
	made := 0
	for _, defined := range a.d.pages {
		if err := a.checkTags(ctx, defined.entry, defined.patch.Monitors.Or(nil)); err != nil {
			return p, err
		}
		about := "page " + defined.name()
		old, is := there[defined.made.Path]
		if !is {
			if made++; len(there)-1+made > statuspage.MaxPages { // home is not one of them
				return p, defined.fault(statuspage.ErrTooManyPages)
			}
			p.add("+ "+about, about, func(ctx context.Context) error {
				_, err := a.store.CreatePage(ctx, defined.made, a.now, nil)
				return err
			})
			continue
		}
		changes, err := a.changesOfPage(old, defined.patch)
		if err != nil {
			return p, defined.fault(err)
		}
		if changes != "" {
			p.add(fmt.Sprintf("~ %s: %s", about, changes), about, func(ctx context.Context) error {
				_, err := a.store.UpdatePage(ctx, old.Path, defined.patch, a.now, nil)
				return err
			})
		}
	}
	return p, nil
}

func (a applier) changesOfPage(old statuspage.Page, p statuspage.PagePatch) (string, error) {
	var monitors []statuspage.PageMonitor
	for n, tag := range p.Monitors.Or(nil) {
		monitors = append(monitors, statuspage.PageMonitor{MonitorID: a.monitorID(tag, n), Tag: tag})
	}
	next, err := old.Patched(p, monitors, a.now)
	if err != nil {
		return "", err
	}
	return differencesOf(shownPage(old), shownPage(next)), nil
}

// shownPage is the page as the API shows it, but for what it shows of a page that has no monitors
// or settings of its own.
func shownPage(p statuspage.Page) map[string]any {
	shown := decoded(apiv4.EncodePage(p)).(map[string]any)
	shown["page_settings"] = decoded([]byte(cmp.Or(string(p.Settings), "{}")))
	if p.All {
		shown["monitors"] = "all"
	}
	return shown
}

func (a applier) planSite(ctx context.Context) (plan, error) {
	p := plan{kind: "settings of the site", all: len(a.d.settings)}
	if p.all == 0 {
		return p, nil
	}
	set, err := a.store.SiteSettings(ctx)
	if err != nil {
		return p, fmt.Errorf("reading the settings of the site: %w", err)
	}
	there := map[string]string{}
	for _, v := range set {
		there[v.Key] = v.Value
	}
	for _, s := range a.d.settings {
		about := "site " + s.key.Key
		// One that nobody has set is not the same as one that is set to its default: colours, for one.
		line := fmt.Sprintf("+ %s: %s", about, settingShown(s.key, s.value))
		if old, is := there[s.key.Key]; is {
			changes := settingChanges(s.key, old, s.value)
			if changes == "" {
				continue
			}
			line = fmt.Sprintf("~ %s: %s", about, changes)
		}
		p.add(line, about, func(ctx context.Context) error {
			_, err := a.store.SetSiteSetting(ctx, s.key.Key, s.value, a.now, nil)
			return err
		})
	}
	return p, nil
}

func (a applier) planIntegrations(ctx context.Context) (plan, error) {
	p := plan{kind: "integrations", all: len(a.d.integrations)}
	if p.all == 0 {
		return p, nil
	}
	found := map[string][]statuspage.Integration{} // by name
	there := 0
	err := inPages(func(after int64) (int64, error) {
		return a.store.Integrations(ctx, statuspage.IntegrationQuery{After: after, Limit: listPage}, func(i statuspage.Integration) bool {
			found[i.Name] = append(found[i.Name], i)
			there++
			return true
		})
	})
	if err != nil {
		return p, fmt.Errorf("reading the integrations: %w", err)
	}
	for _, i := range a.d.integrations {
		if err := a.checkTags(ctx, i.entry, i.made.Tags()); err != nil {
			return p, err
		}
		about := fmt.Sprintf("integration %q", i.made.Name)
		switch same := found[i.made.Name]; len(same) {
		case 0:
			if there++; there > statuspage.MaxIntegrations {
				return p, i.fault(statuspage.ErrTooManyIntegrations)
			}
			p.add(fmt.Sprintf("+ %s: %s", about, i.made.Kind), about, func(ctx context.Context) error { return a.makeIntegration(ctx, i) })
		case 1:
			old := same[0]
			next, err := old.Patched(i.patch, a.now)
			if err != nil {
				return p, i.fault(err)
			}
			if changes := differences(apiv4.EncodeIntegration(old), apiv4.EncodeIntegration(next)); changes != "" {
				p.add(fmt.Sprintf("~ integration %d, %q: %s", old.ID, old.Name, changes), about, func(ctx context.Context) error {
					_, err := a.store.UpdateIntegration(ctx, old.ID, i.patch, a.now, nil)
					return err
				})
			}
		default:
			return p, i.fault(fmt.Errorf("there are two with the name %q, %d and %d: give one of them another name, or delete it", i.made.Name, same[0].ID, same[1].ID))
		}
	}
	return p, nil
}

// makeIntegration makes one and says its token, which nobody can find out afterwards.
func (a applier) makeIntegration(ctx context.Context, i integration) error {
	token := statuspage.NewIntegrationToken()
	if _, err := a.store.CreateIntegration(ctx, i.made, token, a.now, nil); err != nil {
		return err
	}
	a.Line(fmt.Sprintf("  its token, shown this once: %s (the address to send to: %s)", token, apiv4.IntegrationURL("", i.made.Kind, token)))
	return nil
}

func (a applier) planAssets(ctx context.Context) (plan, error) {
	p := plan{kind: "assets", all: len(a.Assets)}
	for _, asset := range a.Assets {
		found, err := assets.Look(ctx, a.Files, asset)
		if err != nil {
			return p, err
		}
		write := func(ctx context.Context) error { return assets.Put(ctx, a.Files, asset, found, a.now) }
		about := "asset " + asset.Address
		switch {
		case found.Size < 0:
			p.add(fmt.Sprintf("+ %s: %d bytes", about, len(asset.Body)), about, write)
		case !found.Same:
			p.add(fmt.Sprintf("~ %s: %d bytes → %d", about, found.Size, len(asset.Body)), about, write)
		}
	}
	return p, nil
}

// warn says what can be applied and is not as somebody will have meant it.
func (a applier) warn(ctx context.Context) error {
	for _, p := range a.d.pictures() {
		if !site.IsImage(p.address) {
			a.Line(fmt.Sprintf("! %s: %s is neither a path that begins with a slash nor an address of https: no page shows it", p.of, p.address))
			continue
		}
		if a.Files == nil || !strings.HasPrefix(p.address, assets.Prefix) || slices.ContainsFunc(a.Assets, func(is assets.Asset) bool { return is.Address == p.address }) {
			continue
		}
		there, err := assets.Exists(ctx, a.Files, p.address)
		if err != nil {
			return fmt.Errorf("reading %s: %w", p.address, err)
		}
		if !there {
			a.Line(fmt.Sprintf("! %s: %s is neither beside the file nor there already", p.of, p.address))
		}
	}
	colours := map[string]map[string]string{}
	for _, s := range a.d.settings {
		if s.key.Key == "dateAndTimeFormat" {
			for _, warning := range page.FormatWarnings(texts(s.value)) {
				a.Line("! site " + warning)
			}
		}
		if s.key.Key == "colors" || s.key.Key == "colorsDark" {
			colours[s.key.Key] = nil
		}
	}
	if len(colours) == 0 {
		return nil
	}
	set, err := a.store.SiteSettings(ctx)
	if err != nil {
		return fmt.Errorf("reading the settings of the site: %w", err)
	}
	for _, v := range set {
		colours[v.Key] = texts(v.Value)
	}
	for _, s := range a.d.settings {
		colours[s.key.Key] = texts(s.value)
	}
	for _, warning := range page.ColourWarnings(colours["colors"], colours["colorsDark"]) {
		a.Line("! site " + warning)
	}
	return nil
}
