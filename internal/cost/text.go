package main

// The sentences of the page.
const (
	intro = `# What it costs

On AWS you pay for requests, for what is kept, and for alarms, metrics, logs and the dashboard. Nothing costs by the hour. The table is computed from

- the list prices of %s, noted on %s, before taxes
- what requests cost in the tests ([costs.json](../internal/bench/testdata/costs.json))
- what ` + "`template.yaml`" + ` deploys with the defaults of its parameters

`

	workloadsIntro = `
## What is counted

The requests were measured in a table of 10,000 incidents; a request costs the same in a table of 100. The units of DynamoDB follow AWS's rules:

`

	assumptions = `
The idle stack runs ` + "`minute`" + ` every minute and ` + "`closer`" + ` every five. It has %d metrics that alarms look at (%d of them only while DynamoDB throttles), %d custom
metrics and %d dashboard. Its logs are kept for 30 days.

These values are not measured but assumed:

- The table has %s GB with its indexes.
- A function needs %s ms of its own and %s ms for each call of DynamoDB, at %s MB.
- Lambda logs %s bytes about a call besides our own line, and the gateway logs %s bytes about a request.
- An answer has %s bytes of headers.

Cold starts and the notifications of alarms are left out. A cold start takes a few hundred milliseconds and comes after some minutes without a request.

These parameters of the stack lower the cost: ` + "`AccessLogs=false`" + ` and ` + "`Dashboard=false`" + `. These raise it: ` + "`RouteMetrics=true`" + ` by five custom metrics for
each route that is used, and ` + "`Tracing=Active`" + ` by X-Ray's price for each trace.

`

	pricesIntro = `## The prices

These are list prices of %s, noted on %s. [prices.json](../internal/cost/prices.json) has them. After a change there,
` + "`go run ./internal/cost`" + ` writes this page again. Where AWS lowers a price for large amounts, the price for the first amount is taken. Only what every
account has free without a time limit counts as free; new accounts have more for a year.

`
)
