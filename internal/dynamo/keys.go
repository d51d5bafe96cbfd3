package dynamo

import (
	"fmt"
	"strconv"
	"strings"

	"tocsin/internal/ddb"
)

const (
	meta   = "META"   // sort key of a record that has a partition of its own
	system = "SYSTEM" // partition of what the program keeps about the table itself
)

// A Counter is a kind of record that has ids of its own.
type Counter string

// The counters.
const (
	IncidentIDs Counter = "incident"
	CommentIDs  Counter = "comment"
	MonitorIDs  Counter = "monitor"
	apiKeyIDs   Counter = "apikey"
	ruleIDs     Counter = "rule"
	alertIDs    Counter = "alert"
)

const counterPrefix = "COUNTER#"

// CounterKey is the item of a counter, see AttrLast.
func CounterKey(c Counter) ddb.Key { return ddb.Key{PK: system, SK: counterPrefix + string(c)} }

// SchemaKey is the item of the table's schema version.
func SchemaKey() ddb.Key { return ddb.Key{PK: system, SK: "SCHEMA"} }

// ImportKey is the mark of an import into the table, see package dump.
func ImportKey() ddb.Key { return ddb.Key{PK: system, SK: "IMPORT"} }

// Kind is what an item is, as far as an export has to know.
type Kind int

// The kinds of items.
const (
	Other     Kind = iota
	IsCounter      // CounterKey
	IsSystem       // what else the program keeps about the table
	IsChange       // a change row
	IsAPIKey
	IsReply   // an idempotency record, which belongs to an API key
	IsVisible // what makes others visible, or makes something happen: incidents, monitors, rules, and deletions to finish
)

// KindOf returns what the item with the key is.
func KindOf(k ddb.Key) Kind {
	switch {
	case k.PK == system && strings.HasPrefix(k.SK, counterPrefix):
		return IsCounter
	case k.PK == system:
		return IsSystem
	case strings.HasPrefix(k.PK, changesPrefix):
		return IsChange
	case strings.HasPrefix(k.PK, apiKeyPrefix):
		return IsAPIKey
	case strings.HasPrefix(k.PK, idempotencyPrefix):
		return IsReply
	case k.PK == allMonitors, k.PK == allRules, k.PK == cleanups, strings.HasPrefix(k.PK, incidentPrefix) && k.SK == meta:
		return IsVisible
	}
	return Other
}

// CounterOf returns the counter whose item has the key.
func CounterOf(k ddb.Key) Counter { return Counter(strings.TrimPrefix(k.SK, counterPrefix)) }

// timeAndID is a sort key by time (UTC seconds), then id.
func timeAndID(t, id int64) string { return fmt.Sprintf("%012d#%s", t, padID(id)) }

// maxTimeAndID is greater than every timeAndID of the same time.
func maxTimeAndID(t int64) string { return fmt.Sprintf("%012d#~", t) }

func padID(id int64) string { return fmt.Sprintf("%016d", id) }

// beforeID is the greatest padID of a list by falling id that goes on after an id, 0 for
// its beginning.
func beforeID(after int64) string {
	if after == 0 {
		return "~"
	}
	return padID(after - 1)
}

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
