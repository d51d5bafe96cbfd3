package dynamo

import (
	"cmp"
	"os"
	"strings"
	"testing"

	"tocsin/internal/ddb"
	"tocsin/internal/statuspage"
)

// Every row of the table in the documentation of this package has a kind, and every kind is
// that of a row there.
func TestKindOfEveryRow(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "//\titem ")
	table, _, _ = strings.Cut("item "+table, "\n//\n")
	lines := strings.Split(table, "\n//\t")
	pkAt, skAt, indexAt := strings.Index(lines[0], "pk"), strings.Index(lines[0], "sk"), strings.Index(lines[0], "index")
	column := func(line string, from, to int) string {
		return strings.TrimSpace(line[min(from, len(line)):min(to, len(line))])
	}
	unseen := map[string]bool{}
	for _, k := range kinds {
		unseen[k.pk+" "+k.sk] = true
	}
	rows := 0
	for n, line := range lines[1:] {
		if column(line, 0, pkAt) == "" {
			continue // it goes on with the row before
		}
		rows++
		k := ddb.Key{PK: column(line, pkAt, skAt), SK: column(line, skAt, indexAt)}
		if line[skAt-1] != ' ' { // it takes the place of the sort key, which is in the next line
			k = ddb.Key{PK: column(line, pkAt, len(line)), SK: column(lines[n+2], skAt, indexAt)}
		}
		all := []ddb.Key{k}
		switch k.SK {
		case "COUNTER#kind":
			all = []ddb.Key{CounterKey(IncidentIDs), CounterKey(CommentIDs), CounterKey(MonitorIDs), CounterKey(apiKeyIDs), CounterKey(ruleIDs), CounterKey(alertIDs), CounterKey(MaintenanceIDs), CounterKey(OccurrenceIDs), CounterKey(PageIDs), CounterKey(IntegrationIDs)}
		case "kind#id":
			all = []ddb.Key{cleanupKey(cleanupIncident, 1), cleanupKey(cleanupMaintenance, 1), cleanupKey(cleanupMonitor, 1), cleanupKey(cleanupIntegration, 1)}
		}
		for _, k := range all {
			if KindOf(k) == Unknown {
				t.Errorf("an import would refuse %s %s: no kind", k.PK, k.SK)
			}
			for _, of := range kinds {
				if strings.HasPrefix(k.PK, of.pk) && strings.HasPrefix(k.SK, of.sk) {
					delete(unseen, of.pk+" "+of.sk)
				}
			}
		}
	}
	if len(unseen) > 0 || rows < 20 {
		t.Errorf("%d rows, without one for the kinds of %v", rows, unseen)
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
