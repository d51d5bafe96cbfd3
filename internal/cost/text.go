package main

// The sentences of the page.
const (
	intro = `# What it costs

On AWS you pay for requests, for what is kept, and for what watches over it; there is nothing that costs by the hour. Computed
with the list prices of %s, noted on %s, before taxes, from the costs of requests that the tests measure
([costs.json](../internal/bench/testdata/costs.json)) and from what ` + "`template.yaml`" + ` deploys with the defaults of its parameters:

`

	workloadsIntro = `
## What is counted

Measured in a table of 10,000 incidents; a request costs the same in one of 100. The units of DynamoDB are those of AWS's rules:

`

	assumptions = `
The idle stack runs ` + "`minute`" + ` every minute and ` + "`closer`" + ` every five, and has %d metrics that alarms look at (%d of them only while DynamoDB throttles), %d custom
metrics and %d dashboard. Its logs are kept for 30 days.

Not measured but assumed: a table of %s GB with its indexes; a function needs %s ms of its own and %s ms for each call of DynamoDB, at %s MB;
Lambda logs %s bytes about a call besides our own line, the gateway %s about a request; an answer has %s bytes of headers. Cold starts,
a few hundred milliseconds each after some minutes without a request, are left out, as are the notifications of alarms.

What lowers it, with the parameters of the stack: ` + "`AccessLogs=false`" + ` and ` + "`Dashboard=false`" + `. What raises it: ` + "`RouteMetrics=true`" + `, five custom metrics for
each route that is used, and ` + "`Tracing=Active`" + `, X-Ray's price for each trace.

`

	pricesIntro = `## The prices

List prices of %s, noted on %s. They stand in [prices.json](../internal/cost/prices.json); with other ones there,
` + "`go run ./internal/cost`" + ` writes this page anew. Where AWS lowers a price for large amounts the first step is taken. What is free is what
every account has always; new accounts have more for a year.

`
)
