package main

import (
	"fmt"
	"strings"
)

// incidents is how many incidents are in the table that the costs were measured in.
const incidents = 10_000

// A Workload is what a month brings, beside what an idle stack does.
type Workload struct {
	Name     string
	Requests []Requests
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
	}},
	{"A status a minute of 20 monitors, one a call", []Requests{{reported * minutesAMonth, status, "one point", "calls with one point"}}},
	{"The same, 20 a call", []Requests{{minutesAMonth, status, "20 points of 20 monitors", "calls with 20 points"}}},
}

// Month is what the requests of a workload take.
func (w Workload) Month(measured []Measured) (Usage, error) {
	u := Usage{}
	for _, r := range w.Requests {
		m, err := find(measured, r.Route, r.Case, incidents)
		if err != nil {
			return nil, err
		}
		u.Add(m.Request(), r.Times)
	}
	return u, nil
}

// Idle is what a stack takes that nobody calls.
func Idle(measured []Measured, d Deployed) (Usage, error) {
	closer, err := find(measured, "closer", "nothing open", 0)
	if err != nil {
		return nil, err
	}
	minute, err := find(measured, "minute", "no rule", 0)
	if err != nil {
		return nil, err
	}
	u := Usage{
		"storage_gb": tableGB, "backup_gb": tableGB,
		"custom_metric": float64(d.CustomMetrics), "alarm_metric": float64(d.AlarmMetrics), "dashboard": float64(d.Dashboards),
	}
	u.Add(closer.Run(), minutesAMonth/d.CloserEvery.Minutes())
	u.Add(minute.Run(), minutesAMonth/d.MinuteEvery.Minutes())
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
func Page(p Prices, measured []Measured, d Deployed) (string, error) {
	idle, err := Idle(measured, d)
	if err != nil {
		return "", err
	}
	usages, names := []Usage{idle}, []string{"Idle"}
	for _, w := range Workloads {
		u, err := w.Month(measured)
		if err != nil {
			return "", err
		}
		usages, names = append(usages, u), append(names, w.Name)
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
		whole.Add(idle, 1)
		if n > 0 {
			whole.Add(u, 1)
		}
		_, beyond := p.Total(whole)
		fmt.Fprintf(&b, " %s |", dollars(beyond))
	}
	b.WriteString("\n\nThe first column is what a stack costs without any request. The other columns come on top of it; the last row includes it.\n")
	writeWorkloads(&b, measured)
	fmt.Fprintf(&b, assumptions, d.AlarmMetrics, queriedMetrics, d.CustomMetrics, d.Dashboards, plain(tableGB), plain(ownMilliseconds), plain(callMilliseconds), plain(memoryGB*1024),
		plain(platformLogBytes), plain(accessLogBytes), plain(answerHeaderBytes))
	writePrices(&b, p)
	return b.String(), nil
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
