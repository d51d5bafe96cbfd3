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

	MaintenanceIDs Counter = "maintenance"
	OccurrenceIDs  Counter = "occurrence"
	PageIDs        Counter = "page"        // the first page has the id after that of home, see CreatePage
	IntegrationIDs Counter = "integration" // likewise, see CreateIntegration
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
	Unknown Kind = iota // no version of this program writes it
	Other
	IsCounter // CounterKey
	IsSystem  // what else the program keeps about the table
	IsChange  // a change row
	IsAPIKey  // or the token of an integration
	IsReply   // an idempotency record, which belongs to an API key
	IsVisible // what makes others visible, or makes something happen: incidents, monitors, maintenances, rules, pages, settings, integrations, and deletions to finish
)

// kinds are the kinds of all items by how their keys are: the rows of the table in the
// documentation of this package. A text that ends with # or is empty is the beginning of a
// longer one.
var kinds = []struct {
	pk, sk string
	kind   Kind
}{
	{incidentPrefix, meta, IsVisible},
	{incidentPrefix, bodySK, Other},
	{incidentPrefix, commentPrefix, Other},
	{incidentPrefix, alertRowPrefix, Other},
	{allMonitors, "", IsVisible},
	{monitorPrefix, incidentRowPrefix, Other},
	{monitorPrefix, hourPrefix, Other},
	{monitorPrefix, dayPrefix, Other},
	{monitorPrefix, openAlertPrefix, Other},
	{monitorPrefix, openIncidentSK, Other},
	{monitorPrefix, alertRowPrefix, Other},
	{alertPrefix, meta, Other},
	{allRules, "", IsVisible},
	{allPages, "", IsVisible},
	{allSettings, "", IsVisible},
	{allIntegrations, "", IsVisible},
	{integrationPrefix, deliveryPrefix, Other},
	{integrationPrefix, signalPrefix, Other},
	{integrationTokenPrefix, meta, IsAPIKey},
	{allMaintenances, "", IsVisible},
	{monitorPrefix, maintenanceRowPrefix, Other},
	{occurrencesPrefix, occurrencePrefix, Other},
	{allHeartbeats, pingedIntegrationPrefix, Other},
	{allHeartbeats, pingedMonitorPrefix, Other},
	{apiKeyPrefix, meta, IsAPIKey},
	{idempotencyPrefix, meta, IsReply},
	{changesPrefix, "", IsChange},
	{cleanups, cleanupIncident + "#", IsVisible},
	{cleanups, cleanupMaintenance + "#", IsVisible},
	{cleanups, cleanupMonitor + "#", IsVisible},
	{cleanups, cleanupIntegration + "#", IsVisible},
	{cleanups, cleanupRule + "#", IsVisible},
	{cleanups, cleanupAlerts + "#", IsVisible},
	{system, counterPrefix + string(IncidentIDs), IsCounter},
	{system, counterPrefix + string(CommentIDs), IsCounter},
	{system, counterPrefix + string(MonitorIDs), IsCounter},
	{system, counterPrefix + string(apiKeyIDs), IsCounter},
	{system, counterPrefix + string(ruleIDs), IsCounter},
	{system, counterPrefix + string(alertIDs), IsCounter},
	{system, counterPrefix + string(MaintenanceIDs), IsCounter},
	{system, counterPrefix + string(OccurrenceIDs), IsCounter},
	{system, counterPrefix + string(PageIDs), IsCounter},
	{system, counterPrefix + string(IntegrationIDs), IsCounter},
	{system, closerKey().SK, IsSystem},
	{system, ImportKey().SK, IsSystem},
	{system, SchemaKey().SK, IsSystem},
}

// KindOf returns what the item with the key is.
func KindOf(k ddb.Key) Kind {
	is := func(text, form string) bool {
		if form == "" || strings.HasSuffix(form, "#") {
			return len(text) > len(form) && strings.HasPrefix(text, form)
		}
		return text == form
	}
	for _, of := range kinds {
		if is(k.PK, of.pk) && is(k.SK, of.sk) {
			return of.kind
		}
	}
	return Unknown
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
