package dynamo

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// The table's key attributes and indexes, as template.yaml defines them.
const (
	attrPK     = "pk"
	attrSK     = "sk"
	attrLSI1SK = "lsi1sk"
	attrGSI1PK = "gsi1pk"
	attrGSI1SK = "gsi1sk"
	attrGSI2PK = "gsi2pk"
	attrGSI2SK = "gsi2sk"

	indexLSI1 = "lsi1"
	indexGSI1 = "gsi1"
	indexGSI2 = "gsi2"
	indexGSI3 = "gsi3"
)

const (
	allIncidents = "INCIDENTS" // partition of gsi1
	openOnes     = "OPEN"      // partitions of gsi2 and gsi3
	closedOnes   = "CLOSED"
	allMonitors  = "MONITORS"
	allAPIKeys   = "APIKEYS" // partition of gsi1
	allAlerts    = "ALERTS"  // partition of gsi1
	allRules     = "RULES"
	cleanups     = "CLEANUP"
	system       = "SYSTEM"
	meta         = "META"
	schemaSK     = "SCHEMA"
)

// A counter is a kind of record that has ids of its own.
type counter string

const (
	incidentIDs counter = "incident"
	commentIDs  counter = "comment"
	monitorIDs  counter = "monitor"
	apiKeyIDs   counter = "apikey"
	ruleIDs     counter = "rule"
	alertIDs    counter = "alert"
)

type key struct{ pk, sk string }

func (k key) attributes() item {
	return item{attrPK: str(k.pk), attrSK: str(k.sk)}
}

const incidentPrefix = "INCIDENT#"

func incidentPK(id int64) string { return incidentPrefix + strconv.FormatInt(id, 10) }
func monitorPK(id int64) string  { return "MONITOR#" + strconv.FormatInt(id, 10) }

func incidentKey(id int64) key { return key{incidentPK(id), meta} }

// bodyKey is the item of an incident's body, which only the legacy API reads: lists
// are not to pay for it.
func bodyKey(incidentID int64) key { return key{incidentPK(incidentID), "BODY"} }

const commentPrefix = "COMMENT#"

func commentKey(incidentID, id int64) key {
	return key{incidentPK(incidentID), commentPrefix + padID(id)}
}

func monitorKey(tag string) key { return key{allMonitors, tag} }

const incidentRowPrefix = "INCIDENT#"

// incidentRowKey is the row of an incident under one of its monitors.
func incidentRowKey(monitorID, start, id int64) key {
	return key{monitorPK(monitorID), incidentRowPrefix + timeAndID(start, id)}
}

const (
	hourPrefix = "HOUR#"
	hourLayout = "2006-01-02T15"
	dayPrefix  = "DAY#"
)

// hourKey is the item of the hour that holds t (UTC seconds) of a monitor.
func hourKey(monitorID, t int64) key {
	return key{monitorPK(monitorID), hourPrefix + time.Unix(t, 0).UTC().Format(hourLayout)}
}

// parseHour returns the start of an hour from its sort key.
func parseHour(sk string) (int64, error) {
	at, err := time.Parse(hourPrefix+hourLayout, sk)
	if err != nil {
		return 0, fmt.Errorf("sort key of an hour: %w", err)
	}
	return at.Unix(), nil
}

// dayKey is the item of the UTC day that holds t (UTC seconds) of a monitor.
func dayKey(monitorID, t int64) key {
	return key{monitorPK(monitorID), dayPrefix + time.Unix(t, 0).UTC().Format(time.DateOnly)}
}

func ruleKey(id int64) key { return key{allRules, padID(id)} }

func alertKey(id int64) key { return key{"ALERT#" + strconv.FormatInt(id, 10), meta} }

const alertRowPrefix = "ALERT#"

// alertRowKey is the row of an alert under its monitor.
func alertRowKey(monitorID, id int64) key {
	return key{monitorPK(monitorID), alertRowPrefix + padID(id)}
}

// openAlertKey is the mark of the one alert of a rule on a monitor that is open.
func openAlertKey(monitorID, ruleID int64) key {
	return key{monitorPK(monitorID), openAlertPrefix + padID(ruleID)}
}

const openAlertPrefix = "OPENALERT#"

const apiKeyPrefix = "APIKEY#"

func apiKeyKey(hash string) key { return key{apiKeyPrefix + hash, meta} }

const idempotencyPrefix = "IDEMPOTENCY#"

// idempotencyKey is the record of a request by its API key's id and its own
// idempotency key, which may be anything: it comes last.
func idempotencyKey(apiKeyID int64, header string) key {
	return key{idempotencyPrefix + strconv.FormatInt(apiKeyID, 10) + "#" + header, meta}
}

const counterPrefix = "COUNTER#"

func counterKey(c counter) key { return key{system, counterPrefix + string(c)} }

func closerKey() key { return key{system, "CLOSER"} }

func schemaKey() key { return key{system, schemaSK} }

// importKey is the mark of an import into the table.
func importKey() key { return key{system, "IMPORT"} }

// What a row under CLEANUP is about.
const (
	cleanupIncident = "INCIDENT"
	cleanupMonitor  = "MONITOR"
	cleanupRule     = "RULE"
)

func cleanupKey(kind string, id int64) key { return key{cleanups, kind + "#" + padID(id)} }

// cleanupRuleKey is about the alerts of a rule up to one of its versions.
func cleanupRuleKey(ruleID, version int64) key {
	return key{cleanups, cleanupRule + "#" + padID(ruleID) + "#" + padID(version)}
}

// timeAndID is a sort key by time (UTC seconds), then id.
func timeAndID(t, id int64) string { return fmt.Sprintf("%012d#%s", t, padID(id)) }

// maxTimeAndID is greater than every timeAndID of the same time.
func maxTimeAndID(t int64) string { return fmt.Sprintf("%012d#~", t) }

func padID(id int64) string { return fmt.Sprintf("%016d", id) }

// parseID undoes padID.
func parseID(digits string) (int64, error) {
	id, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || padID(id) != digits {
		return 0, fmt.Errorf("%q in a sort key is not an id", digits)
	}
	return id, nil
}

// parseTimeAndID undoes timeAndID. What timeAndID would write in another way is an
// error.
func parseTimeAndID(s string) (t, id int64, err error) {
	first, second, _ := strings.Cut(s, "#")
	t, errTime := strconv.ParseInt(first, 10, 64)
	id, errID := strconv.ParseInt(second, 10, 64)
	if errTime != nil || errID != nil || timeAndID(t, id) != s {
		return 0, 0, fmt.Errorf("sort key %q is not a time and an id", s)
	}
	return t, id, nil
}

func keyOf(it map[string]types.AttributeValue) key {
	r := reader{item: it}
	return key{r.str(attrPK), r.str(attrSK)}
}
