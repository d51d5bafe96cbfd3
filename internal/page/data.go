package page

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"tocsin/internal/site"
	"tocsin/internal/statuspage"
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
//   - language: code of the language that badges and embeds are in; it is not there when they are
//     in English. date_format, colors and colors_dark: of the site's settings, if there are any.
//   - id, tag, name, description, url, image, created_at, updated_at: of the monitor, "" where
//     there is nothing. Of all together: id 0, tag "_" and the site's name.
//   - status: "UP", "DEGRADED", "MAINTENANCE", "DOWN" or "NO_DATA".
//   - measured: false when the days are made of what was declared, and not of points.
//   - newest: the minute of the newest point; 0 without any.
//   - uptime_90d: percent of the minutes in days by the monitor's formula, null without any. That
//     is the value of uptime_numerator divided by that of uptime_denominator, such as "up +
//     maintenance". degraded_is_down is true when a degraded minute is less than all uptime.
//   - latency_90d: milliseconds on average, null when it was not measured.
//   - days: 90 UTC days, the oldest first; the last one is today. hours: the last 48 alike. Each has
//     its start, the minutes up, degraded, maintenance and down, and the latency as above. A day
//     also has the worst status of its minutes, and the ids of the incidents that went on in it.
//     A minute without data is counted nowhere.
type Data struct {
	Site     string
	AsOf     int64
	Monitor  site.Monitor
	Language string // one of Languages; "" the first of them

	DateFormat           string            // as in site.Formats
	Colours, DarkColours map[string]string // as in site.Settings
}

const dataVersion = 1

type dataJSON struct {
	Version        int         `json:"version"`
	Site           string      `json:"site"`
	AsOf           int64       `json:"as_of"`
	Language       string      `json:"language,omitempty"`
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
	Numerator      string      `json:"uptime_numerator"`
	Denominator    string      `json:"uptime_denominator"`
	Days           []dayJSON   `json:"days"`
	Hours          []hourJSON  `json:"hours"`

	DateFormat  string            `json:"date_format,omitempty"`
	Colours     map[string]string `json:"colors,omitempty"`
	DarkColours map[string]string `json:"colors_dark,omitempty"`
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
		Version: dataVersion, Site: d.Site, AsOf: d.AsOf, Language: d.Language, ID: m.ID, Tag: m.Tag, Name: m.Name, Description: m.Description, URL: m.URL, Image: m.Image,
		Created: m.Created, Updated: m.Updated, Status: m.Status, Measured: m.Measured, Newest: m.Newest, Uptime: m.Uptime, Latency: m.Latency,
		DegradedIsDown: m.Formula.IsDowntime(statuspage.StatusDegraded), Numerator: m.Formula.Numerator, Denominator: m.Formula.Denominator, Days: []dayJSON{}, Hours: []hourJSON{},
		DateFormat: d.DateFormat, Colours: d.Colours, DarkColours: d.DarkColours,
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
	return jsonFile(dataPath(m.Tag), every(m.Status), j)
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
		Status: j.Status, Measured: j.Measured, Newest: j.Newest, Uptime: j.Uptime, Latency: j.Latency, Formula: statuspage.UptimeFormula{Numerator: j.Numerator, Denominator: j.Denominator},
	}
	if m.Formula == (statuspage.UptimeFormula{}) && j.DegradedIsDown { // a program before this one wrote no formula
		m.Formula = statuspage.StrictFormula
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
	return Data{Site: j.Site, AsOf: j.AsOf, Monitor: m, Language: j.Language, DateFormat: j.DateFormat, Colours: j.Colours, DarkColours: j.DarkColours}, nil
}

// dataOf is the data of all of the home page together, and then of each monitor.
func dataOf(s *site.Site) []Data {
	all := []Data{dataAbout(s, together(s))}
	for _, m := range s.Everything().Monitors() {
		all = append(all, dataAbout(s, m))
	}
	return all
}

func dataAbout(s *site.Site, m site.Monitor) Data {
	d := Data{Site: s.Name, AsOf: s.AsOf, Monitor: m, DateFormat: s.Settings.Formats.Date, Colours: s.Settings.Colours, DarkColours: s.Settings.DarkColours}
	if lang := mainLanguage(s); lang != Languages[0] {
		d.Language = lang
	}
	return d
}

// together is the whole site as if it were one monitor: it has the minutes of all of them.
func together(s *site.Site) site.Monitor {
	status, _ := headlineOf(s)
	all := site.Monitor{Tag: allTag, Name: titleOf(s), Status: status, Formula: statuspage.DefaultFormula}
	days, hours, worst := map[int64][]site.Counts{}, map[int64][]site.Counts{}, map[int64]site.Status{}
	for _, m := range s.Monitors() {
		all.Measured = all.Measured || m.Measured
		all.Newest = max(all.Newest, m.Newest)
		for _, d := range m.Days {
			if _, ok := worst[d.Start]; !ok {
				worst[d.Start] = d.Status
			}
			worst[d.Start] = worst[d.Start].Worse(d.Status)
			days[d.Start] = append(days[d.Start], d.As(m.Formula))
		}
		for _, h := range m.Hours {
			hours[h.Start] = append(hours[h.Start], h.As(m.Formula))
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
	if percent, counted := sum.Uptime(all.Formula); counted {
		all.Uptime = &percent
	}
	all.Latency = sum.Latency
	return all
}
