package main

// The sentences of the page.
const (
	intro = `# What it costs

On AWS you pay for requests, for what is kept, and for alarms, metrics and logs. Nothing costs by the hour. The table is computed from

- the list prices of %s, noted on %s, before taxes
- what requests cost in the tests ([costs.json](../internal/bench/testdata/costs.json))
- what ` + "`template.yaml`" + ` deploys with the defaults of its parameters

`

	pagesIntro = `
## What the public page costs

The first table includes these sums: the idle stack that of a page on which nothing moves, the columns with 20 monitors what a noisy day adds. Readers are not in it: with CloudFront they cost nothing up to what
every account has free, without it a request is one of API Gateway and one of Lambda.

`

	pagesMore = `

The numbers come from simulated time, in which the clock goes on by a minute at a time, a probe posts all monitors each minute, and the publisher runs each minute and after each change ([publishing.json](../internal/bench/testdata/publishing.json)):

    make publishing   # whole days of 20 monitors and six hours of 100, half an hour; make test goes through two hours

- Noisy means that each monitor is DOWN or DEGRADED every third day on average, for 3 to 12 minutes, that every fourth one has an alert rule that opens and closes an incident after three minutes, and that people write an incident a
  day, with a new title and three updates. Stormy means that each monitor fails every day, and that people write three incidents a day. When all is well, the figures alone move.
- Two containers in turn is the worst case of Lambda's: each run is one of the process that did not make the last one, so that it does not know what the files are like.
- A run has %s MB. That it takes so long is assumed: the time of the processor measured on the machine of the simulation, divided by the %s of one that Lambda gives, and %s ms for each call that waits for the one before.
- The bucket keeps a file that was replaced for %d days, which is in the storage.

`

	switchesIntro = `
## What each parameter adds

The table above is about a stack with the defaults of its parameters. This is what another value adds to its sums:

`

	switchesMore = `
` + "`RouteMetrics=true`" + ` adds five custom metrics for each route that is used, and ` + "`Tracing=Active`" + ` X-Ray's price for each trace.
` + "`CloudFront=true`" + ` adds nothing by the month, and what readers load beyond what CloudFront gives every account a month for nothing: 1 TB, 10,000,000 requests and 2,000,000 runs of
its functions, two of which a request takes.
A job's heartbeat adds 0.03 dollars a month ([integrations.md](integrations.md#heartbeats)).
A thousand alarms of other tools that open an incident each and close it take 49,000 write units and 3,000 read units of DynamoDB ([costs.json](../internal/bench/testdata/costs.json)), 0.03 dollars, and 0.003 for the gateway and Lambda.
[operate.md](operate.md#parameters) says what each parameter does.
`

	workloadsIntro = `
## What is counted

The requests were measured in a table of 10,000 incidents; a request costs the same in a table of 100. The units of DynamoDB follow AWS's rules:

`

	assumptions = `
The idle stack runs ` + "`minute`" + ` and ` + "`publisher`" + ` every minute and ` + "`closer`" + ` every five. It has %d metrics that alarms look at, %d custom metrics and %d dashboards. Its logs are kept
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
