package demo

import (
	"fmt"
	"math"
	"time"

	"tocsin/internal/statuspage"
)

// Company is whose services the monitors are.
const Company = "Otterbrook"

// Monitors are the services of the company, as the example monitors of a new table too.
func Monitors() []statuspage.Monitor {
	const shop, customers, partners = "Shop", "Customers", "Partners"
	var all []statuspage.Monitor
	for _, m := range []struct{ tag, name, category, description string }{
		{"website", "Website", shop, "Pages, pictures and the basket"},
		{"search", "Search", shop, "Finding and filtering products"},
		{"checkout", "Checkout", shop, "Orders, and payments by card, invoice and voucher"},
		{"accounts", "Accounts and sign-in", customers, "Signing in, addresses and past orders"},
		{"email", "E-mail delivery", customers, "Order confirmations, invoices and shipping notices"},
		{"api", "API", partners, "Stock, prices and webhooks for warehouses and resellers"},
	} {
		made := statuspage.NewMonitor(m.tag, m.name)
		made.Category, made.Description = new(m.category), new(m.description)
		made.IncludeDegraded = new(statuspage.Yes)
		all = append(all, made)
	}
	return all
}

// An incident is one of the story.
type incident struct {
	title    string
	start    int64 // UTC seconds, a whole minute
	monitors []statuspage.MonitorImpact
	comments []update
}

type update struct {
	after int64 // minutes after the start
	state statuspage.State
	text  string
}

// end is when the incident ends, or a time that never comes.
func (i incident) end() int64 {
	if last := i.comments[len(i.comments)-1]; last.state == statuspage.Resolved {
		return i.start + last.after*minute
	}
	return math.MaxInt64
}

// openTitle is that of the incident that is going on when the story is loaded.
const openTitle = "E-mails arrive late"

// theEnd is the last update of the incident that is going on. Continue makes it when its time
// has come.
var theEnd = update{4 * 60, statuspage.Resolved, "The queue is empty, and new messages arrive within a minute. All delayed messages have been delivered, **each of them once**."}

// incidents are in the order of their starts. The last one is open.
func incidents(now int64) []incident {
	ago := func(days, hours, minutes int64) int64 {
		return statuspage.FloorDay(now) - days*day + hours*hour + minutes*minute
	}
	began := statuspage.FloorMinute(now) - 52*minute
	next := time.Unix(statuspage.FloorMinute(now)/(10*minute)*(10*minute)+50*minute, 0).UTC().Format("15:04 UTC")
	down, degraded := statuspage.Down, statuspage.Degraded
	return []incident{
		{"Sign-in fails", ago(52, 13, 7),
			[]statuspage.MonitorImpact{{Tag: "accounts", Impact: down}, {Tag: "checkout", Impact: degraded}},
			[]update{
				{5, statuspage.Investigating, "Nobody can sign in at the moment. Ordering as a guest works, a little more slowly than usual."},
				{23, statuspage.Identified, "The certificate of our session store has expired, and its replacement was not picked up. We are putting it in place by hand.\n\n- **Customers**: please order as a guest.\n- **Partners**: the API is not affected."},
				{61, statuspage.Monitoring, "Signing in works again. Until everybody has a new session, it can take a few seconds."},
				{84, statuspage.Resolved, "Signing in works as before. No data was lost or exposed.\n\nCertificates are now renewed 30 days ahead, and a check fails when one is not. [What we have learned](https://otterbrook.example/blog/expired-certificate)"},
			}},
		{"Card payments fail", ago(17, 7, 48),
			[]statuspage.MonitorImpact{{Tag: "checkout", Impact: down}},
			[]update{
				{4, statuspage.Investigating, "Orders paid by card end with an error. Invoice and voucher work."},
				{16, statuspage.Identified, "A release from 07:45 UTC sends a field that our payment provider refuses. We are rolling it back."},
				{37, statuspage.Resolved, "Rolled back: card payments go through. Cards of failed orders **were not charged**, and the baskets are still there."},
			}},
		{openTitle, began,
			[]statuspage.MonitorImpact{{Tag: "email", Impact: degraded}},
			[]update{
				{6, statuspage.Investigating, "Order confirmations and invoices arrive up to 25 minutes late. Orders themselves are not affected."},
				{21, statuspage.Identified, "One of our two mail servers stopped sending, and the other one carries all messages. **No message is lost.**\n\nYou need not order again: your order is listed under [Past orders](https://otterbrook.example/orders) at once."},
				{44, statuspage.Monitoring, fmt.Sprintf("Both servers are sending again. Order confirmations and invoices still arrive about 8 minutes late, and the delay is getting shorter. We will write again by %s, or when all messages are out.", next)},
			}},
	}
}

// maintenance is the one of tomorrow.
func maintenance(now int64) statuspage.NewMaintenance {
	return statuspage.NewMaintenance{
		Title:       "Database upgrade",
		Description: new("Customers' accounts move to a newer database. While they do, **nobody can sign in**. Ordering as a guest works, a little more slowly than usual."),
		Schedule:    statuspage.Schedule{Start: statuspage.FloorDay(now) + day + 3*hour, Rule: "FREQ=MINUTELY;COUNT=1", Duration: 45 * minute},
		Monitors:    []statuspage.MonitorImpact{{Tag: "accounts", Impact: statuspage.UnderMaintenance}, {Tag: "checkout", Impact: statuspage.Degraded}},
	}
}

// A span is a time in which a service was not well.
type span struct {
	tag      string
	from, to int64 // UTC seconds; to is not included
	status   statuspage.Status
}

// spans are what the incidents do to the services.
func spans(all []incident) []span {
	var made []span
	for _, i := range all {
		for _, m := range i.monitors {
			made = append(made, span{m.Tag, i.start, i.end(), statuspage.Status(m.Impact)})
		}
	}
	return made
}

// disturbances are those that no incident tells of. In each the service was slow and not down.
func disturbances(now int64) []span {
	var made []span
	for _, d := range []struct {
		tag                        string
		days, hours, minutes, for_ int64
	}{
		{"search", 83, 2, 10, 19},
		{"api", 77, 22, 41, 7},
		{"website", 71, 4, 2, 3},
		{"search", 66, 11, 26, 34},
		{"email", 61, 6, 15, 48},
		{"search", 45, 19, 3, 12},
		{"api", 38, 3, 30, 4},
		{"website", 34, 20, 11, 16},
		{"email", 29, 8, 50, 27},
		{"search", 23, 9, 37, 41},
		{"search", 22, 9, 12, 22},
		{"accounts", 12, 17, 55, 9},
		{"checkout", 9, 12, 20, 6},
		{"search", 4, 15, 44, 14},
		{"website", 1, 18, 32, 11},
	} {
		from := statuspage.FloorDay(now) - d.days*day + d.hours*hour + d.minutes*minute
		made = append(made, span{d.tag, from, from + d.for_*minute, statuspage.StatusDegraded})
	}
	return made
}
