package dynamo

import (
	"cmp"
	"strings"
	"testing"

	"tocsin/internal/ddb"
	"tocsin/internal/statuspage"
)

// TestKindsOfAlertsRows asks that an import knows what alerts leave in a table.
func TestKindsOfAlertsRows(t *testing.T) {
	for k, want := range map[ddb.Key]Kind{
		outageKey(1): Other, incidentAlertKey(1, 2): Other, alertRowKey(1, 2): Other, openAlertKey(1, 2): Other, alertKey(1): Other,
		cleanupAlertsKey(1, 2): IsVisible, {PK: monitorPK(1), SK: "OPENINCIDENTS"}: Unknown,
	} {
		if got := KindOf(k); got != want {
			t.Errorf("%v is %d, want %d", k, got, want)
		}
	}
}

// FuzzSortKey reads any text as a sort key by time and id. Only what timeAndID writes
// is one, it is read as what was written, and keys sort as their times and ids do.
func FuzzSortKey(f *testing.F) {
	for _, s := range []string{
		"", "#", "000000000600#0000000000000004", "000000000600#0000000000000004x", "000000000600#0000000000000004 ", "000000000600#4", "600#0000000000000004", " 00000000600#0000000000000004",
		"+00000000600#0000000000000004", "-00000000600#0000000000000004", "000000000600#-000000000000004", "000000000600", "0000000006000#0000000000000004", "000000000600#~", "00_0000_0600#0000000000000004",
		"00000000060٠#0000000000000004", "999999999999#9999999999999999",
	} {
		f.Add(s, int64(600), int64(4), int64(600), int64(5))
	}
	f.Add("", int64(0), int64(1), int64(statuspage.MaxTimestamp), int64(statuspage.MaxID))
	f.Fuzz(func(t *testing.T, s string, time, id, otherTime, otherID int64) {
		if at, of, err := parseTimeAndID(s); err == nil && timeAndID(at, of) != s {
			t.Errorf("%q is read as time %d, id %d, which is %q", s, at, of, timeAndID(at, of))
		}
		valid := func(time, id int64) bool {
			return time >= 0 && time <= statuspage.MaxTimestamp && statuspage.ValidID(id)
		}
		if !valid(time, id) || !valid(otherTime, otherID) {
			return
		}
		key, other := timeAndID(time, id), timeAndID(otherTime, otherID)
		if at, of, err := parseTimeAndID(key); err != nil || at != time || of != id {
			t.Errorf("time %d, id %d is %q, which is read as %d, %d, %v", time, id, key, at, of, err)
		}
		if got, want := strings.Compare(key, other), cmp.Or(cmp.Compare(time, otherTime), cmp.Compare(id, otherID)); got != want {
			t.Errorf("%q and %q compare as %d, want %d", key, other, got, want)
		}
		if last := maxTimeAndID(time); last <= key || last <= other != (time < otherTime) {
			t.Errorf("the last key of %d is %q, which does not part %q and %q", time, last, key, other)
		}
	})
}
