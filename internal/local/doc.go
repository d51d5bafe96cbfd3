// Package local runs Tocsin on one machine, without AWS: [StartEngine] is the life
// of DynamoDB Local, [ReadTemplate] reads routes, schedules, streams, environment and
// table from the SAM template, and three stand-ins call the functions: [Gateway] for
// the API Gateway in front of them, [Scheduler] for their schedules, [Poller] for what
// the table's stream tells them. The template is the only source of all that, and the
// functions are called with the very events that AWS would send, so that what works
// here works there.
//
// Nothing that runs in Lambda may import this package: it is for the command and
// for tests.
package local
