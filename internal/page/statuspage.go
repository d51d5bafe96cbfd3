package page

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"tocsin/internal/site"
	"tocsin/internal/statuspage"
)

// The eight files below /api/v2 are in the public format of Statuspage, which aggregators and
// exporters read. Every key is always there, null where there is nothing, and no list is null.
// Our own additions are further keys: generated_at of the page, and uptime_90d of the
// components, both in files that move every five minutes anyway. All else moves only when
// something happens.
//
// An incident that begins later is in none of them: readers would take it for an outage.

const (
	maxIncidents = 50 // in a list of all states

	// maxText is the length limit of a text in UTF-16 units in files that carry many of them.
	// The incident's page has the whole text.
	maxText = 20_000

	// maxTexts is the length limit of all texts of an incident in such files. Older updates are
	// left out.
	maxTexts = 100_000
)

// What is open, as status.json says it.
const (
	indicatorNone        = "none"
	indicatorMaintenance = "maintenance"
	indicatorMinor       = "minor"
	indicatorMajor       = "major"
	indicatorCritical    = "critical"
)

// The statuses of a component.
const (
	operational   = "operational"
	degraded      = "degraded_performance"
	partialOutage = "partial_outage"
	majorOutage   = "major_outage"
	maintained    = "under_maintenance"
)

type pageJSON struct {
	ID          string  `json:"id"`
	Name        string  `json:"name"`
	URL         string  `json:"url"`
	TimeZone    string  `json:"time_zone"`
	UpdatedAt   string  `json:"updated_at"`
	GeneratedAt *string `json:"generated_at,omitempty"`
}

type statusJSON struct {
	Indicator   string `json:"indicator"`
	Description string `json:"description"`
}

// A componentJSON is a monitor, or a group of them, which then has Components.
type componentJSON struct {
	ID                 string   `json:"id"`
	Name               string   `json:"name"`
	Status             string   `json:"status"`
	CreatedAt          string   `json:"created_at"`
	UpdatedAt          string   `json:"updated_at"`
	Position           int      `json:"position"`
	Description        *string  `json:"description"`
	Showcase           bool     `json:"showcase"`
	StartDate          *string  `json:"start_date"`
	GroupID            *string  `json:"group_id"`
	PageID             string   `json:"page_id"`
	Group              bool     `json:"group"`
	OnlyShowIfDegraded bool     `json:"only_show_if_degraded"`
	Components         []string `json:"components,omitempty"`
}

// A measuredJSON is a component with its uptime: percent, three decimals, cut; null when
// nothing was counted, and for a group.
type measuredJSON struct {
	componentJSON
	Uptime90d *json.Number `json:"uptime_90d"`
}

type incidentJSON struct {
	ID                string          `json:"id"`
	Name              string          `json:"name"`
	Status            string          `json:"status"`
	CreatedAt         string          `json:"created_at"`
	UpdatedAt         string          `json:"updated_at"`
	MonitoringAt      *string         `json:"monitoring_at"`
	ResolvedAt        *string         `json:"resolved_at"`
	Impact            string          `json:"impact"`
	Shortlink         string          `json:"shortlink"`
	StartedAt         string          `json:"started_at"`
	PageID            string          `json:"page_id"`
	IncidentUpdates   []updateJSON    `json:"incident_updates"`
	Components        []componentJSON `json:"components"`
	ReminderIntervals *string         `json:"reminder_intervals"`
}

type maintenanceJSON struct {
	incidentJSON
	ScheduledFor   string `json:"scheduled_for"`
	ScheduledUntil string `json:"scheduled_until"`
}

type updateJSON struct {
	ID                   string         `json:"id"`
	Status               string         `json:"status"`
	Body                 string         `json:"body"`
	IncidentID           string         `json:"incident_id"`
	CreatedAt            string         `json:"created_at"`
	UpdatedAt            string         `json:"updated_at"`
	DisplayAt            string         `json:"display_at"`
	AffectedComponents   []affectedJSON `json:"affected_components"` // null when it has none
	DeliverNotifications bool           `json:"deliver_notifications"`
	CustomTweet          *string        `json:"custom_tweet"`
	TweetID              *string        `json:"tweet_id"`
}

type affectedJSON struct {
	Code      string `json:"code"`
	Name      string `json:"name"`
	OldStatus string `json:"old_status"`
	NewStatus string `json:"new_status"`
}

// pageID is an id that the page keeps, whatever its address.
func pageID(s *site.Site) string {
	if s.Page.Path == "" {
		return "tocsin-main"
	}
	return "tocsin-" + strconv.FormatInt(s.Page.ID, 10)
}

func pageOf(s *site.Site) pageJSON {
	return pageJSON{ID: pageID(s), Name: titleOf(s), URL: cmp.Or(link(s, s.Page.Base()), "/"), TimeZone: "Etc/UTC", UpdatedAt: milliTime(s.Changed)}
}

// wholeJSON are the two of the eight files that tell of the whole.
func wholeJSON(s *site.Site) []File {
	components, byID := componentsOf(s)
	page, status := pageOf(s), statusOf(s)
	page.GeneratedAt = new(milliTime(s.AsOf))
	return []File{
		jsonFile("/api/v2/status.json", LeadEvery(s), struct {
			Page   pageJSON   `json:"page"`
			Status statusJSON `json:"status"`
		}{page, status}),
		jsonFile("/api/v2/summary.json", LeadEvery(s), struct {
			Page                  pageJSON          `json:"page"`
			Components            []measuredJSON    `json:"components"`
			Incidents             []incidentJSON    `json:"incidents"`
			ScheduledMaintenances []maintenanceJSON `json:"scheduled_maintenances"`
			Status                statusJSON        `json:"status"`
		}{page, measured(s, components), incidentsJSON(s, s.Open, byID), maintenancesJSON(s, site.Next(s.Maintenances), byID), status}),
	}
}

// statuspageFiles are the other six.
func statuspageFiles(s *site.Site) []File {
	components, byID := componentsOf(s)
	next := site.Next(s.Maintenances)
	running, planned := divide(next)
	active, upcoming := maintenancesJSON(s, running, byID), maintenancesJSON(s, planned, byID)
	over := slices.DeleteFunc(slices.Clone(s.Maintenances), func(m site.Maintenance) bool { return m.State != statuspage.Completed })
	newest := maintenancesJSON(s, append(over, next...), byID)
	slices.SortStableFunc(newest, func(a, b maintenanceJSON) int { return strings.Compare(b.ScheduledFor, a.ScheduledFor) })

	page := pageOf(s)
	type incidents struct {
		Page      pageJSON       `json:"page"`
		Incidents []incidentJSON `json:"incidents"`
	}
	type scheduled struct {
		Page                  pageJSON          `json:"page"`
		ScheduledMaintenances []maintenanceJSON `json:"scheduled_maintenances"`
	}
	return []File{
		jsonFile("/api/v2/components.json", Hourly, struct {
			Page       pageJSON        `json:"page"`
			Components []componentJSON `json:"components"`
		}{page, components}),
		jsonFile("/api/v2/incidents.json", Hourly, incidents{page, incidentsJSON(s, begun(s), byID)}),
		jsonFile("/api/v2/incidents/unresolved.json", Hourly, incidents{page, incidentsJSON(s, s.Open, byID)}),
		jsonFile("/api/v2/scheduled-maintenances.json", Hourly, scheduled{page, newest[:min(len(newest), maxIncidents)]}),
		jsonFile("/api/v2/scheduled-maintenances/upcoming.json", Hourly, scheduled{page, upcoming}),
		jsonFile("/api/v2/scheduled-maintenances/active.json", Hourly, scheduled{page, active}),
	}
}

// jsonFile is a file that a program reads; v is of a type of this package, which always can be
// written.
func jsonFile(path string, every int64, v any) File {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return File{Path: path, Type: "application/json; charset=utf-8", Status: 200, Body: b.Bytes(), Every: every}
}

// milliTime writes t (UTC seconds) as Statuspage does, "2026-11-27T02:42:21.000Z".
func milliTime(t int64) string { return time.Unix(t, 0).UTC().Format("2006-01-02T15:04:05.000Z") }

// link is the whole address of a path, or the path alone when the site's URL is not known.
func link(s *site.Site, path string) string { return s.URL + path }

// statusOf is how the whole is, in the words of the format, which are English: as bad as the worst component, and never better than an open
// incident.
func statusOf(s *site.Site) statusJSON {
	worst := s.Status
	for _, m := range s.Monitors() {
		worst = worst.Worse(lastKnown(m))
	}
	switch {
	case worst == site.Down && everythingDown(s):
		return statusJSON{indicatorCritical, "Major Service Outage"}
	case worst == site.Down:
		return statusJSON{indicatorMajor, "Partial System Outage"}
	case worst == site.Degraded:
		return statusJSON{indicatorMinor, "Partially Degraded Service"}
	case len(s.Open) > 0 && worst != site.UnderMaintenance:
		return statusJSON{indicatorMinor, "Minor Service Outage"}
	case worst == site.UnderMaintenance || slices.ContainsFunc(s.Maintenances, site.Maintenance.Running):
		return statusJSON{indicatorMaintenance, "Service Under Maintenance"}
	}
	return statusJSON{indicatorNone, "All Systems Operational"}
}

// everythingDown reports whether all monitors of which something is known are down, or an open
// incident says that all are.
func everythingDown(s *site.Site) bool {
	down := false
	for _, m := range s.Monitors() {
		status := lastKnown(m)
		if status != site.Down && status != site.NoData {
			down = false
			break
		}
		down = down || status == site.Down
	}
	return down || slices.ContainsFunc(s.Open, func(i site.Incident) bool { return impact(s, i) == indicatorCritical })
}

// impact is how bad an incident is, or was.
func impact(s *site.Site, i site.Incident) string {
	switch i.Status {
	case site.Down:
		down := 0
		for _, a := range i.Affected {
			if a.Status == site.Down {
				down++
			}
		}
		if i.Global || down > 0 && down == len(s.Monitors()) {
			return indicatorCritical
		}
		return indicatorMajor
	case site.Degraded, site.UnderMaintenance:
		return indicatorMinor
	}
	return indicatorNone
}

func componentStatus(s site.Status) string {
	switch s {
	case site.Down:
		return majorOutage
	case site.Degraded:
		return degraded
	case site.UnderMaintenance:
		return maintained
	}
	return operational
}

// lastKnown is the monitor's status, or when there is no data, that of its newest point.
func lastKnown(m site.Monitor) site.Status {
	if known(m.Status) == site.NoData {
		return known(m.Last)
	}
	return m.Status
}

// componentsOf are the monitors, each category as a group before its members, and the same by
// their ids.
func componentsOf(s *site.Site) (all []componentJSON, byID map[string]componentJSON) {
	all, byID = []componentJSON{}, map[string]componentJSON{}
	position := 0
	for _, g := range s.Groups {
		if g.Name == "" {
			for _, m := range g.Monitors {
				position++
				all = append(all, leaf(m, position, nil))
			}
			continue
		}
		position++
		group := groupOf(g, position)
		all = append(all, group)
		for i, m := range g.Monitors {
			all = append(all, leaf(m, i+1, &group.ID))
		}
	}
	for n := range all {
		all[n].PageID = pageID(s)
		byID[all[n].ID] = all[n]
	}
	return all, byID
}

// componentID is of the monitor's number, since a tag can be used again by another monitor.
func componentID(monitor int64) string { return "m" + strconv.FormatInt(monitor, 10) }

func leaf(m site.Monitor, position int, group *string) componentJSON {
	c := componentJSON{
		ID: componentID(m.ID), Name: monitorName(m), Status: componentStatus(lastKnown(m)),
		CreatedAt: milliTime(m.Created), UpdatedAt: milliTime(m.Updated), Position: position,
		Showcase: true, StartDate: new(machineDay(m.Created)), GroupID: group,
	}
	if m.Description != "" {
		c.Description = &m.Description
	}
	return c
}

// groupOf is a category. It has no number, so its id is made of its name.
func groupOf(g site.Group, position int) componentJSON {
	digest := sha256.Sum256([]byte(g.Name))
	c := componentJSON{ID: "g" + hex.EncodeToString(digest[:6]), Name: g.Name, Position: position, Group: true}
	created, updated, down, worst := g.Monitors[0].Created, int64(0), 0, site.NoData
	for _, m := range g.Monitors {
		c.Components = append(c.Components, componentID(m.ID))
		created, updated = min(created, m.Created), max(updated, m.Updated)
		status := lastKnown(m)
		worst = worst.Worse(status)
		if status == site.Down {
			down++
		}
	}
	c.CreatedAt, c.UpdatedAt = milliTime(created), milliTime(updated)
	c.Status = componentStatus(worst)
	if down > 0 && down < len(g.Monitors) {
		c.Status = partialOutage
	}
	return c
}

// measured adds the uptimes.
func measured(s *site.Site, components []componentJSON) []measuredJSON {
	uptimes := map[string]*json.Number{}
	for _, m := range s.Monitors() {
		if m.Uptime != nil {
			uptimes[componentID(m.ID)] = new(json.Number(site.FormatUptime(*m.Uptime)))
		}
	}
	all := make([]measuredJSON, 0, len(components))
	for _, c := range components {
		all = append(all, measuredJSON{c, uptimes[c.ID]})
	}
	return all
}

// begun are the newest incidents that have begun, all open ones among them.
func begun(s *site.Site) []site.Incident {
	past := s.Past[:min(len(s.Past), max(0, maxIncidents-len(s.Open)))]
	all := (&site.Site{Open: s.Open, Past: past}).Incidents()
	return all[:min(len(all), maxIncidents)]
}

func incidentsJSON(s *site.Site, incidents []site.Incident, components map[string]componentJSON) []incidentJSON {
	all := make([]incidentJSON, 0, len(incidents))
	for _, i := range incidents {
		all = append(all, incidentOf(s, i, components))
	}
	return all
}

func incidentOf(s *site.Site, i site.Incident, components map[string]componentJSON) incidentJSON {
	id, w := strconv.FormatInt(i.ID, 10), mainWords(s)
	j := incidentJSON{
		ID: id, Name: w.title(i), Status: strings.ToLower(string(i.State)), CreatedAt: milliTime(i.Created), UpdatedAt: milliTime(i.Updated),
		Impact: impact(s, i), Shortlink: link(s, incidentPath(i.ID)), StartedAt: milliTime(i.Start), PageID: pageID(s),
		IncidentUpdates: []updateJSON{}, Components: componentsAt(i.Affected, components),
	}
	if i.Resolved() && i.End != nil {
		j.ResolvedAt = new(milliTime(*i.End))
	}
	updates := updatesOf(i)
	for at, u := range updates {
		var before statuspage.State
		if at+1 < len(updates) {
			before = updates[at+1].State
		}
		if u.State == statuspage.Monitoring && before != statuspage.Monitoring && j.MonitoringAt == nil {
			j.MonitoringAt = new(milliTime(u.Time))
		}
		j.IncidentUpdates = append(j.IncidentUpdates, updateJSON{
			ID: updateID(i, u), Status: strings.ToLower(string(u.State)), Body: updateBody(w, i, u), IncidentID: id,
			CreatedAt: milliTime(u.Created), UpdatedAt: milliTime(u.Updated), DisplayAt: milliTime(u.Time),
			AffectedComponents: affectedAt(i.Affected, before, u.State), DeliverNotifications: true,
		})
	}
	return j
}

func componentsAt(affected []site.Affected, components map[string]componentJSON) []componentJSON {
	all := []componentJSON{}
	for _, a := range affected {
		if c, ok := components[componentID(a.MonitorID)]; ok {
			all = append(all, c)
		}
	}
	return all
}

// affectedAt is what an update did to the monitors. Only the impact of now is kept, so it is
// taken for that of all updates but the resolving ones, after which everything is well.
func affectedAt(affected []site.Affected, before, after statuspage.State) []affectedJSON {
	var all []affectedJSON
	for _, a := range affected {
		well, ill := operational, componentStatus(a.Status)
		j := affectedJSON{Code: componentID(a.MonitorID), Name: a.Name, OldStatus: ill, NewStatus: ill}
		if before == "" || before == statuspage.Resolved {
			j.OldStatus = well
		}
		if after == statuspage.Resolved {
			j.NewStatus = well
		}
		all = append(all, j)
	}
	return all
}

// maintenancesJSON are occurrences of maintenances. Of one that repeats those that are on are
// shown, and else the next one.
func maintenancesJSON(s *site.Site, maintenances []site.Maintenance, components map[string]componentJSON) []maintenanceJSON {
	all := make([]maintenanceJSON, 0, len(maintenances))
	for _, m := range maintenances {
		all = append(all, maintenanceOf(s, m, components))
	}
	return all
}

func maintenanceOf(s *site.Site, m site.Maintenance, components map[string]componentJSON) maintenanceJSON {
	number := strconv.FormatInt(m.ID, 10)
	id, w := "m"+number, mainWords(s) // no incident has that id
	j := maintenanceJSON{incidentJSON{
		ID: id, Name: w.maintenanceTitle(m), CreatedAt: milliTime(m.Created), UpdatedAt: milliTime(m.Updated),
		Impact: indicatorMaintenance, Shortlink: link(s, occurrencePath(m.ID)), StartedAt: milliTime(m.Created), PageID: pageID(s),
		Components: componentsAt(m.Affected, components),
	}, milliTime(m.Start), milliTime(m.End)}
	// tell adds what happened at a time, after which the components have other statuses.
	tell := func(status, body string, at int64, before, after func(site.Status) string) {
		u := updateJSON{
			ID: id + "-" + status, Status: status, Body: body, IncidentID: id,
			CreatedAt: milliTime(at), UpdatedAt: milliTime(at), DisplayAt: milliTime(at), DeliverNotifications: true,
		}
		for _, a := range m.Affected {
			u.AffectedComponents = append(u.AffectedComponents, affectedJSON{componentID(a.MonitorID), a.Name, before(a.Status), after(a.Status)})
		}
		j.Status, j.IncidentUpdates = status, append([]updateJSON{u}, j.IncidentUpdates...)
	}
	well := func(site.Status) string { return operational }
	tell("scheduled", statuspage.Shorten(m.Description, maxText), m.Created, well, well)
	j.IncidentUpdates[0].UpdatedAt = j.UpdatedAt
	if m.Running() || m.State == statuspage.Completed {
		j.StartedAt, j.UpdatedAt = milliTime(m.Start), milliTime(max(m.Start, m.Updated))
		tell("in_progress", w.say("HasBegun"), m.Start, well, componentStatus)
	}
	if m.State == statuspage.Completed {
		j.ResolvedAt, j.UpdatedAt = new(milliTime(m.End)), milliTime(max(m.End, m.Updated))
		tell("completed", w.say("IsOver"), m.End, componentStatus, well)
	}
	return j
}
