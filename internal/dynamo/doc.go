// Package dynamo keeps the records of package statuspage in one DynamoDB table: a file an
// entity, with its keys, its item and its queries. With package ddb, which knows no
// entity, it is all that knows DynamoDB.
//
// # Access patterns
//
// Numbers in keys are zero-padded so that they sort. All projections are ALL, and index
// attributes are only on the items named here.
//
//	item                      pk                  sk                    index
//	incident                  INCIDENT#id         META                  gsi1 INCIDENTS / start#id
//	                                                                    gsi2 OPEN|CLOSED / created#id
//	                                                                    gsi3 OPEN|CLOSED / start#id
//	its body, if it has one   INCIDENT#id         BODY
//	comment                   INCIDENT#id         COMMENT#id            lsi1 time#id, live ones only
//	alert that joined it      INCIDENT#id         ALERT#id
//	monitor                   MONITORS            tag                   lsi1 id
//	incident on a monitor     MONITOR#monitor id  INCIDENT#start#id
//	minutes of an hour        MONITOR#monitor id  HOUR#2026-11-22T10    time to live
//	totals of a day           MONITOR#monitor id  DAY#2026-11-22        time to live
//	mark of an open alert     MONITOR#monitor id  OPENALERT#rule id
//	incident that these share MONITOR#monitor id  OPENINCIDENT
//	alert on a monitor        MONITOR#monitor id  ALERT#id
//	alert                     ALERT#id            META                  gsi1 ALERTS / id
//	alert rule                RULES               id
//	API key                   APIKEY#sha256       META                  gsi1 APIKEYS / id
//	idempotency record        IDEMPOTENCY#key id#header
//	                                              META                  time to live
//	row about a change        CHANGES#2026-11-22  time#random           gsi2 CHANGES#record#id / time#random
//	                                                                    time to live
//	deletion still to finish  CLEANUP             kind#id
//	alerts of a rule to end   CLEANUP             RULE#id#version
//	counter                   SYSTEM              COUNTER#kind
//	how far the closer came   SYSTEM              CLOSER
//	import into the table     SYSTEM              IMPORT
//	schema version            SYSTEM              SCHEMA
//
// gsi3 is made of gsi2's partition key and gsi1's sort key. An incident's item
// holds its monitors, so that one read answers for it; the rows under a monitor
// carry nothing but start and id, so that they change only when those do. Rows of
// a monitor go by its number, never by its tag: a tag used again inherits nothing.
//
// A monitor's item carries the conditions of its active alert rules, so that a point
// is judged without reading them. The mark of an open alert keeps a rule from having
// two on a monitor, and names the incident that it shares with others.
//
// # Writes
//
// A change of a record is one transaction with the row that tells of it. It is made of the
// record as it was read, and refused when that has changed since; then it is made again of
// what is there. The exceptions are single updates that may take effect twice: the points
// of today, counters, the last use of a key, and notes about what is done.
//
// A request with an idempotency key first claims its record, and the transaction of
// its effect completes the claim: the record gets the reply only together with the
// effect, and a try that has lost its claim has no effect.
package dynamo
