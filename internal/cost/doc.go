// Package cost computes what the service costs a month on AWS, from the costs of its
// requests that the tests measure, from what the template deploys, and from AWS's list
// prices. The page is docs/cost.md; go test ./internal/cost -update writes it.
package cost
