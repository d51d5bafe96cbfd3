package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
)

// Months have 730 hours, as in AWS's own calculator.
const (
	minutesAMonth = 730 * 60
	gigabyte      = 1e9
)

// A Price is what AWS asks for an amount of something, without taxes.
type Price struct {
	ID   string  `json:"id"`
	Name string  `json:"name"`
	USD  float64 `json:"usd"`
	Per  float64 `json:"per"` // so many units
	Unit string  `json:"unit"`
	Free float64 `json:"free"` // units a month that every account has for nothing, always
}

// Prices are AWS's list prices of one region, and the day on which they were noted.
type Prices struct {
	Date   string  `json:"date"`
	Region string  `json:"region"`
	Prices []Price `json:"prices"`
}

//go:embed prices.json
var priceList []byte

// ListPrices returns the prices in prices.json.
func ListPrices() (Prices, error) {
	var p Prices
	if err := json.Unmarshal(priceList, &p); err != nil {
		return p, fmt.Errorf("the list of prices: %w", err)
	}
	for _, price := range p.Prices {
		if price.USD <= 0 || price.Per <= 0 {
			return p, fmt.Errorf("the list of prices: %s has no price", price.ID)
		}
	}
	return p, nil
}

// Usage is what is used in a month, by the price's id.
type Usage map[string]float64

// Add adds times as much as u has.
func (u Usage) Add(more Usage, times float64) {
	for id, n := range more {
		u[id] += n * times
	}
}

// Total returns what u costs, in US dollars: all of it, and what is above what every
// account has for nothing.
func (p Prices) Total(u Usage) (all, beyondFree float64) {
	for _, price := range p.Prices {
		n := u[price.ID]
		all += n / price.Per * price.USD
		beyondFree += max(n-price.Free, 0) / price.Per * price.USD
	}
	return all, beyondFree
}

// A Measured is what one request, or one run of a scheduled function, takes.
type Measured struct {
	Route       string  `json:"route"`
	Case        string  `json:"case"`
	Incidents   int     `json:"incidents"`
	Calls       float64 `json:"calls"` // of DynamoDB that wait for one another
	Read        float64 `json:"read_aws"`
	Write       float64 `json:"write_aws"`
	AnswerBytes float64 `json:"answer_bytes"`
	LogBytes    float64 `json:"log_bytes"`
}

// What can't be measured without an account: these are assumptions, and the page names
// them.
const (
	ownMilliseconds   = 3     // of a function, beside its calls of DynamoDB
	callMilliseconds  = 5     // of a call of DynamoDB
	platformLogBytes  = 700   // Lambda's lines about the start and the end of a call
	accessLogBytes    = 500   // the gateway's line about a request
	answerHeaderBytes = 400   // of an answer, before its body
	memoryGB          = 0.5   // of every function, as the template says
	tableGB           = 0.1   // what the table of an idle stack holds, its indexes included
	hourBytes         = 1_100 // of the item with a monitor's points in an hour
	queriedMetrics    = 4     // that the query of an alarm finds
)

// kept is what the table holds of a status a minute of so many monitors.
func (d Deployed) kept(monitors float64) Usage {
	gb := monitors * d.RetentionDays * 24 * hourBytes / gigabyte
	return Usage{"storage_gb": gb, "backup_gb": gb}
}

// logged is what lines of so many bytes take.
func (d Deployed) logged(bytes float64) Usage {
	return Usage{"log_gb": bytes / gigabyte, "log_storage_gb": bytes / gigabyte * d.LogMonths}
}

// invocation is what one run of a function takes.
func (d Deployed) invocation(m Measured) Usage {
	bytes := m.LogBytes
	if d.PlatformLogs {
		bytes += platformLogBytes
	}
	u := Usage{
		"lambda_request":   1,
		"lambda_gb_second": (ownMilliseconds + callMilliseconds*m.Calls) / 1000 * memoryGB,
		"read_unit":        m.Read,
		"write_unit":       m.Write,
	}
	u.Add(d.logged(bytes), 1)
	return u
}

// Request is what one request through the gateway takes.
func (d Deployed) Request(m Measured) Usage {
	u := d.invocation(m)
	u.Add(Usage{
		"gateway_request": 1,
		"transfer_gb":     (m.AnswerBytes + answerHeaderBytes) / gigabyte,
	}, 1)
	if d.AccessLogs {
		u.Add(d.logged(accessLogBytes), 1)
	}
	return u
}

// Run is what one run that the scheduler starts takes.
func (d Deployed) Run(m Measured) Usage {
	u := d.invocation(m)
	u["schedule"] = 1
	return u
}
