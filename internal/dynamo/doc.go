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
//	maintenance on a monitor  MONITOR#monitor id  MAINTENANCE#id        lsi1 MAINTENANCE#last end#id, of ACTIVE ones only
//	maintenance on everything MONITOR#0           MAINTENANCE#id        lsi1 as above
//	minutes of an hour        MONITOR#monitor id  HOUR#2026-11-22T10    time to live
//	totals of a day           MONITOR#monitor id  DAY#2026-11-22        time to live
//	mark of an open alert     MONITOR#monitor id  OPENALERT#rule id
//	incident that these share MONITOR#monitor id  OPENINCIDENT
//	alert on a monitor        MONITOR#monitor id  ALERT#id
//	alert                     ALERT#id            META                  gsi1 ALERTS / id
//	alert rule                RULES               id
//	maintenance               MAINTENANCES        id                    gsi1 MAINTENANCES / last end#id
//	                                                                    gsi2 MAINTENANCESDUE / due#id
//	its occurrence            MAINTENANCE#id      OCCURRENCE#id         lsi1 start#id
//	                                                                    gsi1 OCCURRENCES / start#id
//	state of a heartbeat      HEARTBEATS          INTEGRATION#id        time to live
//	last ping of a monitor    HEARTBEATS          MONITOR#id            time to live
//	page                      PAGES               path, or ~home        lsi1 id
//	setting of the site       SITE                key
//	integration               INTEGRATIONS        id
//	delivery of its tool      INTEGRATION#id      DELIVERY#ms#random    time to live
//	its token                 INTEGRATIONTOKEN#sha256
//	                                              META
//	problem of an integration INTEGRATION#id      SIGNAL#sha256         gsi1 SIGNALS / incident#alert, open ones with an incident
//	                                                                    gsi2 SIGNALSDUE / due#0, open ones that time does something to
//	                                                                    time to live, of those that are over
//	open one that shares      MONITOR#monitor id  OPENALERT#SIGNAL#alert id
//	API key                   APIKEY#sha256       META                  gsi1 APIKEYS / id
//	idempotency record        IDEMPOTENCY#key id#header
//	                                              META                  time to live
//	change row                CHANGES#2026-11-22  time#random           gsi2 CHANGES#record#id / time#random
//	                                                                    time to live
//	deletion still to finish  CLEANUP             kind#id
//	alerts of a rule to end   CLEANUP             RULE#id#version
//	alerts on a monitor, too  CLEANUP             ALERTS#monitor id#version
//	counter                   SYSTEM              COUNTER#kind
//	the closer's place        SYSTEM              CLOSER
//	import into the table     SYSTEM              IMPORT
//	schema version            SYSTEM              SCHEMA
//
// gsi3 is made of gsi2's partition key and gsi1's sort key. An incident's item holds its
// monitors, so that one read answers for it. The rows under a monitor have nothing but
// start and id, so that they change only when those do. The rows of a monitor have its id
// in the key and not its tag, so that a tag that is used again inherits nothing.
//
// A monitor's item has the conditions of its active alert rules, so that a point is judged
// without reading the rules. There is one mark of an open alert for a rule and a monitor,
// so that the rule never has two open alerts there. It names the incident that the alert
// shares with others.
//
// The rows of a maintenance under its monitors have its calendar: schedules, and what was
// changed of single occurrences. So two queries, of the monitor's rows and of those on
// everything, tell when maintenances did what to it, whatever the number of occurrences.
// Every write to a maintenance or to one of its occurrences asks for the version of the
// maintenance, so that they follow one another. A row is due when more of its occurrences are
// to be made.
//
// The home page, the settings of the site and the integration of CloudWatch have no item until
// somebody changes them, or the first alarm comes. A page
// has the ids and tags of its monitors, and a deleted monitor is taken off it as it is off
// alert rules: all are read, which are few.
//
// The public pages read the change rows of the last minutes by their day and time, to know
// which incidents the indexes may not have yet. They read a monitor's days and hours by two
// queries of its partition, and the days at half the price, eventually consistent.
//
// # Writes
//
// A change of a record and its change row are one transaction. It is made from the record
// as it was read, and refused when that has changed since; then the record is read again
// and the change is made from that. The exceptions are single updates that may take effect
// twice: points of a day that is not over, states of heartbeats, counters, the last use of an
// API key, when an integration was last heard of and what was wrong, the totals of a day, the
// time at which a maintenance is due, and the note that a deleted monitor's rows are gone.
//
// A request with an idempotency key first claims the key's record. The transaction of its
// effect also writes the reply into that record, if the claim is still held. So the reply
// is there only together with the effect, and a try that has lost its claim has no effect.
package dynamo
