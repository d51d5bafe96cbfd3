package main

// The sentences of the page.
const (
	intro = `# What it costs

On AWS you pay for requests, for what is kept, and for alarms, metrics and logs. Nothing costs by the hour. The table is computed from

- the list prices of %s, noted on %s, before taxes
- what requests cost in the tests ([costs.json](../internal/bench/testdata/costs.json))
- what ` + "`template.yaml`" + ` deploys with the defaults of its parameters

`

	switchesIntro = `
## What each parameter adds

The table above is about a stack with the defaults of its parameters. This is what another value adds to its sums:

`

	switchesMore = `
` + "`RouteMetrics=true`" + ` adds five custom metrics for each route that is used, and ` + "`Tracing=Active`" + ` X-Ray's price for each trace.
[operate.md](operate.md#parameters) says what each parameter does.
`

	workloadsIntro = `
## What is counted

The requests were measured in a table of 10,000 incidents; a request costs the same in a table of 100. The units of DynamoDB follow AWS's rules:

`

	assumptions = `
The idle stack runs ` + "`minute`" + ` every minute and ` + "`closer`" + ` every five. It has %d metrics that alarms look at, %d custom metrics and %d dashboards. Its logs are kept
for 30 days.

These values are not measured but assumed:

- The table of an idle stack has %s GB with its indexes. Each GB costs %s a month.
- The points of %d monitors are %s GB: they are kept for %s days, and those of an hour take %s bytes. The columns with a status a minute include them.
- The incidents and comments of 100,000 API calls add at most %s GB a month to the table, which stay. That is not included.
- A function needs %s ms of its own and %s ms for each call of DynamoDB, at %s MB.
- The gateway logs %s bytes about a request. With ` + "`SystemLogLevel=INFO`" + ` Lambda logs %s bytes about a call besides our own line.
- An answer has %s bytes of headers.
- ` + "`Alarms=all`" + ` is counted as if DynamoDB throttled all the time: %d of its metrics exist only then.

Cold starts and the notifications of alarms are left out. A cold start takes a few hundred milliseconds and comes after some minutes without a request.

`

	pricesIntro = `## The prices

These are list prices of %s, noted on %s. [prices.json](../internal/cost/prices.json) has them. After a change there,
` + "`go run ./internal/cost`" + ` writes this page again. Where AWS lowers a price for large amounts, the price for the first amount is taken. Only what every
account has free without a time limit counts as free; new accounts have more for a year.

`
)
