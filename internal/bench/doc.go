// Package bench measures what the service costs: DynamoDB calls and capacity, bytes and
// allocations of each route, which are exact and compared with testdata on every test
// run, and start times, CPU and throughput on this machine, which `make bench` writes
// into docs/performance.md and nothing is held against.
package bench
