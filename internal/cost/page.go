package main

import (
	"fmt"
	"math"
	"strings"
)

// incidents is how many incidents are in the table that the costs were measured in.
const incidents = 10_000

// A Workload is what a month brings, beside what an idle stack does.
type Workload struct {
	Name     string
	Requests []Requests
	Monitors int // whose points the table keeps, and that the page shows
}

// Requests are so many of one request, by its route and case in the measured costs.
type Requests struct {
	Times       float64
	Route, Case string
	What        string // for the reader
}

const (
	status   = "POST /api/v4/status"
	reported = 20 // monitors whose status comes every minute
)

// Workloads are those that the page shows.
var Workloads = []Workload{
	{"100,000 API calls", []Requests{
		{40_000, "GET /api/v4/incidents", "page of 20", "lists of 20 incidents"},
		{20_000, "GET /api/v4/incidents", "page of 10, open", "lists of 10 open incidents"},
		{15_000, "GET /api/v4/incidents/{incident_id}", "one", "reads of one incident"},
		{10_000, "GET /api/v4/incidents/{incident_id}/comments", "30 comments", "reads of 30 comments"},
		{7_000, "POST /api/v4/incidents/{incident_id}/comments", "one", "new comments"},
		{4_000, "POST /api/v4/incidents", "two monitors", "new incidents on two monitors"},
		{4_000, "PATCH /api/v4/incidents/{incident_id}", "title", "changes of a title"},
	}, 0},
	{"A status a minute of 20 monitors, one a call", []Requests{{reported * minutesAMonth, status, "one point", "calls with one point"}}, reported},
	{"The same, 20 a call", []Requests{{minutesAMonth, status, "20 points of 20 monitors", "calls with 20 points"}}, reported},
}

// A Switch is a parameter of the stack that changes what it costs.
type Switch struct {
	Name       string
	Parameters map[string]string
	What       string // for the reader
}

// switches are those that the page shows.
func (s Sources) switches() []Switch {
	return []Switch{
		{"`Alarms=none`", map[string]string{"Alarms": "none"}, "no alarms"},
		{"`Alarms=all`", map[string]string{"Alarms": "all"}, "alarms also about latency, the number of requests, throttling, late pages and the queue of what failed"},
		{"`Metrics=true`", map[string]string{"Metrics": "true"}, "metrics of what the closer does"},
		{"`Dashboard=true`", map[string]string{"Dashboard": "true"}, "the dashboard"},
		{"`GradualDeployment=true`", map[string]string{"GradualDeployment": "true"}, "the alarm that takes a deployment back, and its metric"},
		{"`SystemLogLevel=INFO`", map[string]string{"SystemLogLevel": "INFO"}, "Lambda's lines about the start and the end of each call"},
		{"`AccessLogs=false`", map[string]string{"AccessLogs": "false"}, "no log of the gateway"},
		{"`ENV=prod`", s.Prod, "all that `samconfig.toml` sets for `prod`"},
	}
}

// Columns are what a stack with these parameters takes: idle, and by each workload.
func (s Sources) Columns(parameters map[string]string) ([]Usage, Deployed, error) {
	d, err := ReadDeployed(s.template, parameters)
	if err != nil {
		return nil, d, err
	}
	idle, err := s.Idle(d)
	if err != nil {
		return nil, d, err
	}
	columns := []Usage{idle}
	for _, w := range Workloads {
		u, err := s.Month(w, d)
		if err != nil {
			return nil, d, err
		}
		columns = append(columns, u)
	}
	return columns, d, nil
}

// Month is what the requests of a workload take, what the table keeps of them, and what the public
// page takes beyond that of an idle stack when its monitors are noisy.
func (s Sources) Month(w Workload, d Deployed) (Usage, error) {
	u := d.kept(float64(w.Monitors))
	if w.Monitors > 0 {
		busy, err := s.published(w.Monitors, "noisy", 1)
		if err != nil {
			return nil, err
		}
		idle, err := s.published(0, "idle", 1)
		if err != nil {
			return nil, err
		}
		u.Add(busy.Month(), 1)
		u.Add(idle.Month(), -1)
	}
	for _, r := range w.Requests {
		m, err := find(s.Measured, r.Route, r.Case, incidents)
		if err != nil {
			return nil, err
		}
		u.Add(d.Request(m), r.Times)
	}
	return u, nil
}

// Idle is what a stack takes that nobody calls.
func (s Sources) Idle(d Deployed) (Usage, error) {
	closer, err := find(s.Measured, "closer", "nothing open", 0)
	if err != nil {
		return nil, err
	}
	minute, err := find(s.Measured, "minute", "no rule", 0)
	if err != nil {
		return nil, err
	}
	publisher, err := s.published(0, "idle", 1)
	if err != nil {
		return nil, err
	}
	u := Usage{
		"storage_gb": tableGB, "backup_gb": tableGB,
		"custom_metric": float64(d.CustomMetrics), "alarm_metric": float64(d.AlarmMetrics), "dashboard": float64(d.Dashboards),
	}
	u.Add(d.Run(closer), minutesAMonth/d.CloserEvery.Minutes())
	u.Add(d.Run(minute), minutesAMonth/d.MinuteEvery.Minutes())
	u.Add(publisher.Month(), 1)
	u.Add(Usage{"schedule": 1}, minutesAMonth/d.PublisherEvery.Minutes())
	if d.PlatformLogs {
		u.Add(d.logged(platformLogBytes), minutesAMonth/d.PublisherEvery.Minutes())
	}
	return u, nil
}

func find(measured []Measured, route, name string, size int) (Measured, error) {
	for _, m := range measured {
		if m.Route == route && m.Case == name && m.Incidents == size {
			return m, nil
		}
	}
	return Measured{}, fmt.Errorf("%s, %s, %d incidents, was not measured", route, name, size)
}

// Page returns docs/cost.md.
func (s Sources) Page() (string, error) {
	p := s.Prices
	usages, d, err := s.Columns(nil)
	if err != nil {
		return "", err
	}
	names := []string{"Idle"}
	for _, w := range Workloads {
		names = append(names, w.Name)
	}
	var b strings.Builder
	fmt.Fprintf(&b, intro, p.Region, p.Date)
	b.WriteString("| US dollars a month | " + strings.Join(names, " | ") + " |\n|" + strings.Repeat(" --- |", len(names)+1) + "\n")
	for _, price := range p.Prices {
		fmt.Fprintf(&b, "| %s |", price.Name)
		for _, u := range usages {
			fmt.Fprintf(&b, " %s |", dollars(u[price.ID]/price.Per*price.USD))
		}
		b.WriteString("\n")
	}
	b.WriteString("| **sum** |")
	for _, u := range usages {
		all, _ := p.Total(u)
		fmt.Fprintf(&b, " **%s** |", dollars(all))
	}
	b.WriteString("\n| sum with the idle stack, after what every account has free |")
	for n, u := range usages {
		whole := Usage{}
		whole.Add(usages[0], 1)
		if n > 0 {
			whole.Add(u, 1)
		}
		_, beyond := p.Total(whole)
		fmt.Fprintf(&b, " %s |", dollars(beyond))
	}
	b.WriteString("\n\nThe first column is what a stack costs without any request. The other columns come on top of it; the last row includes it.\n")
	if err := s.writePages(&b); err != nil {
		return "", err
	}
	if err := s.writeSwitches(&b, names, usages); err != nil {
		return "", err
	}
	writeWorkloads(&b, s.Measured)
	fmt.Fprintf(&b, assumptions, d.AlarmMetrics, d.CustomMetrics, d.Dashboards,
		plain(tableGB), dollars(p.gigabyte()), reported, fmt.Sprintf("%.1f", d.kept(reported)["storage_gb"]), plain(d.RetentionDays), plain(hourBytes), fmt.Sprintf("%.1f", usages[1]["write_unit"]*1000/gigabyte),
		plain(ownMilliseconds), plain(callMilliseconds), plain(memoryGB*1024), plain(accessLogBytes), plain(platformLogBytes), plain(answerHeaderBytes), queriedMetrics)
	writePrices(&b, p)
	return b.String(), nil
}

// gigabyte is what a gigabyte more in the table costs a month.
func (p Prices) gigabyte() float64 {
	all, _ := p.Total(Usage{"storage_gb": 1, "backup_gb": 1})
	return all
}

// writeSwitches says what each of the switches adds to the columns.
func (s Sources) writeSwitches(b *strings.Builder, names []string, defaults []Usage) error {
	b.WriteString(switchesIntro)
	b.WriteString("| parameter | " + strings.Join(names, " | ") + " | what it is |\n|" + strings.Repeat(" --- |", len(names)+2) + "\n")
	for _, w := range s.switches() {
		columns, _, err := s.Columns(w.Parameters)
		if err != nil {
			return err
		}
		fmt.Fprintf(b, "| %s |", w.Name)
		for n := range columns {
			more, _ := s.Prices.Total(columns[n])
			less, _ := s.Prices.Total(defaults[n])
			fmt.Fprintf(b, " %s |", difference(more-less))
		}
		fmt.Fprintf(b, " %s |\n", w.What)
	}
	b.WriteString(switchesMore)
	return nil
}

// difference writes an amount that is added, to the cent.
func difference(usd float64) string {
	switch text := dollars(math.Abs(usd)); {
	case math.Abs(usd) < 1e-9:
		return ""
	case text == "< 0.01":
		return text
	case usd < 0:
		return "-" + text
	default:
		return "+" + text
	}
}

// writeWorkloads says what the requests of each column are, and what each takes.
func writeWorkloads(b *strings.Builder, measured []Measured) {
	b.WriteString(workloadsIntro)
	b.WriteString("| column | times a month | request | DynamoDB calls, one after another | read units | write units |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, w := range Workloads {
		for _, r := range w.Requests {
			m, _ := find(measured, r.Route, r.Case, incidents)
			fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s |\n", w.Name, plain(r.Times), r.What, plain(m.Calls), plain(m.Read), plain(m.Write))
		}
	}
}

func writePrices(b *strings.Builder, p Prices) {
	fmt.Fprintf(b, pricesIntro, p.Region, p.Date)
	b.WriteString("| | US dollars | for | free a month |\n| --- | --- | --- | --- |\n")
	for _, price := range p.Prices {
		free := ""
		if price.Free > 0 {
			free = plain(price.Free)
		}
		fmt.Fprintf(b, "| %s | %s | %s %s | %s |\n", price.Name, strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.10f", price.USD), "0"), "."), plain(price.Per), price.Unit, free)
	}
}

// dollars writes an amount to the cent; less than half a cent is shown as nothing much.
func dollars(usd float64) string {
	switch {
	case usd == 0:
		return ""
	case usd < 0.005:
		return "< 0.01"
	}
	return fmt.Sprintf("%.2f", usd)
}

// plain writes a number with a comma at each thousand.
func plain(n float64) string {
	text := fmt.Sprintf("%g", n)
	if n >= 1000 {
		text = fmt.Sprintf("%.0f", n)
		for i := len(text) - 3; i > 0; i -= 3 {
			text = text[:i] + "," + text[i:]
		}
	}
	return text
}
