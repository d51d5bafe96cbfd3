// Package local runs Tocsin on one machine, without AWS: [StartEngine] is the life
// of DynamoDB Local, [ReadTemplate] reads routes, environment and table from the
// SAM template, and [Gateway] stands in for the API Gateway in front of the
// functions. The template is the only source of all three, and the functions are
// called with the very events that AWS would send, so that what works here works
// there.
//
// Nothing that runs in Lambda may import this package: it is for the command and
// for tests.
package local
