package page

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"tocsin/internal/site"
)

// allTag is what stands for all monitors in the addresses of badges and data. No monitor can
// have it as its tag.
const allTag = "_"

// Data is what /data/{tag}.json says of one monitor, or /data/_.json of all together. Badges with
// parameters and embeds of fewer days are made of it, without a look at the repository.
//
// The file is public. It is one JSON object, in which all times are UTC Unix seconds:
//
//   - version: 1. Keys may be added; if one changes or goes, the number rises.
//   - site: name of the site. as_of: when the figures were read.
//   - id, tag, name, description, url, image, created_at, updated_at: of the monitor, "" where
//     there is nothing. Of all together: id 0, tag "_" and the site's name.
//   - status: "UP", "DEGRADED", "MAINTENANCE", "DOWN" or "NO_DATA".
//   - measured: false when the days are made of what was declared, and not of points.
//   - newest: the minute of the newest point; 0 without any.
//   - uptime_90d: percent of the minutes in days, null without any. Those of a maintenance count
//     neither way; degraded ones are up, unless degraded_is_down is true.
//   - latency_90d: milliseconds on average, null when it was not measured.
//   - days: 90 UTC days, the oldest first; the last one is today. hours: the last 48 alike. Each has
//     its start, the minutes up, degraded, maintenance and down, and the latency as above. A day
//     also has the worst status of its minutes, and the ids of the incidents that went on in it.
//     A minute without data is counted nowhere.
type Data struct {
	Site    string
	AsOf    int64
	Monitor site.Monitor
}

const dataVersion = 1

type dataJSON struct {
	Version        int         `json:"version"`
	Site           string      `json:"site"`
	AsOf           int64       `json:"as_of"`
	ID             int64       `json:"id"`
	Tag            string      `json:"tag"`
	Name           string      `json:"name"`
	Description    string      `json:"description"`
	URL            string      `json:"url"`
	Image          string      `json:"image"`
	Created        int64       `json:"created_at"`
	Updated        int64       `json:"updated_at"`
	Status         site.Status `json:"status"`
	Measured       bool        `json:"measured"`
	Newest         int64       `json:"newest"`
	Uptime         *float64    `json:"uptime_90d"`
	Latency        *float64    `json:"latency_90d"`
	DegradedIsDown bool        `json:"degraded_is_down"`
	Days           []dayJSON   `json:"days"`
	Hours          []hourJSON  `json:"hours"`
}

type dayJSON struct {
	Start  int64       `json:"start"`
	Status site.Status `json:"status"`
	countsJSON
	Incidents []int64 `json:"incidents"`
}

type hourJSON struct {
	Start int64 `json:"start"`
	countsJSON
}

type countsJSON struct {
	Up          int64    `json:"up"`
	Degraded    int64    `json:"degraded"`
	Maintenance int64    `json:"maintenance"`
	Down        int64    `json:"down"`
	Latency     *float64 `json:"latency"`
}

// dataPath is the address of a monitor's data.
func dataPath(tag string) string { return "/data/" + tag + ".json" }

func (d Data) file() File {
	m := d.Monitor
	j := dataJSON{
		Version: dataVersion, Site: d.Site, AsOf: d.AsOf, ID: m.ID, Tag: m.Tag, Name: m.Name, Description: m.Description, URL: m.URL, Image: m.Image,
		Created: m.Created, Updated: m.Updated, Status: m.Status, Measured: m.Measured, Newest: m.Newest, Uptime: m.Uptime, Latency: m.Latency,
		DegradedIsDown: m.DegradedIsDown, Days: []dayJSON{}, Hours: []hourJSON{},
	}
	for _, day := range m.Days {
		incidents := day.Incidents
		if incidents == nil {
			incidents = []int64{}
		}
		j.Days = append(j.Days, dayJSON{day.Start, day.Status, countsJSON(day.Counts), incidents})
	}
	for _, hour := range m.Hours {
		j.Hours = append(j.Hours, hourJSON{hour.Start, countsJSON(hour.Counts)})
	}
	return jsonFile(dataPath(m.Tag), Hourly, j)
}

// ParseData reads what /data/{tag}.json says. It returns an error for anything that this package
// has not written.
func ParseData(body []byte) (Data, error) {
	var j dataJSON
	if err := json.Unmarshal(body, &j); err != nil {
		return Data{}, fmt.Errorf("data of a monitor: %w", err)
	}
	if j.Version != dataVersion || !slices.Contains(site.Statuses, j.Status) || len(j.Days) > site.Days || len(j.Hours) > 48 {
		return Data{}, fmt.Errorf("data of monitor %q: version %d, status %q, %d days, %d hours", j.Tag, j.Version, j.Status, len(j.Days), len(j.Hours))
	}
	m := site.Monitor{
		ID: j.ID, Tag: j.Tag, Name: j.Name, Description: j.Description, URL: j.URL, Image: j.Image, Created: j.Created, Updated: j.Updated,
		Status: j.Status, Measured: j.Measured, Newest: j.Newest, Uptime: j.Uptime, Latency: j.Latency, DegradedIsDown: j.DegradedIsDown,
	}
	for _, day := range j.Days {
		d := site.Day{Start: day.Start, Status: day.Status, Counts: site.Counts(day.countsJSON)}
		if len(day.Incidents) > 0 {
			d.Incidents = day.Incidents
		}
		m.Days = append(m.Days, d)
	}
	for _, hour := range j.Hours {
		m.Hours = append(m.Hours, site.Hour{Start: hour.Start, Counts: site.Counts(hour.countsJSON)})
	}
	return Data{Site: j.Site, AsOf: j.AsOf, Monitor: m}, nil
}

// dataOf is the data of all together, and then of each monitor.
func dataOf(s *site.Site) []Data {
	all := []Data{{s.Name, s.AsOf, together(s)}}
	for _, m := range s.Monitors() {
		all = append(all, Data{s.Name, s.AsOf, m})
	}
	return all
}

// together is the whole site as if it were one monitor: it has the minutes of all of them.
func together(s *site.Site) site.Monitor {
	status, _ := headlineOf(s)
	all := site.Monitor{Tag: allTag, Name: titleOf(s), Status: status}
	days, hours, worst := map[int64][]site.Counts{}, map[int64][]site.Counts{}, map[int64]site.Status{}
	for _, m := range s.Monitors() {
		all.Measured = all.Measured || m.Measured
		all.Newest = max(all.Newest, m.Newest)
		for _, d := range m.Days {
			if _, ok := worst[d.Start]; !ok {
				worst[d.Start] = d.Status
			}
			worst[d.Start] = worst[d.Start].Worse(d.Status)
			days[d.Start] = append(days[d.Start], asUptime(d.Counts, m.DegradedIsDown))
		}
		for _, h := range m.Hours {
			hours[h.Start] = append(hours[h.Start], asUptime(h.Counts, m.DegradedIsDown))
		}
	}
	var total []site.Counts
	for _, start := range slices.Sorted(maps.Keys(days)) {
		all.Days = append(all.Days, site.Day{Start: start, Status: worst[start], Counts: site.Sum(days[start])})
		total = append(total, days[start]...)
	}
	for _, start := range slices.Sorted(maps.Keys(hours)) {
		all.Hours = append(all.Hours, site.Hour{Start: start, Counts: site.Sum(hours[start])})
	}
	sum := site.Sum(total)
	if percent, counted := sum.Uptime(false); counted {
		all.Uptime = &percent
	}
	all.Latency = sum.Latency
	return all
}

// asUptime counts degraded minutes as down if that is what they are to the monitor, so that
// they can be added to those of monitors to which they are not.
func asUptime(c site.Counts, degradedIsDown bool) site.Counts {
	if degradedIsDown {
		c.Down, c.Degraded = c.Down+c.Degraded, 0
	}
	return c
}
