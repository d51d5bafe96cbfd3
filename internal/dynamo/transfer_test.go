package dynamo_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tocsin/internal/ddb"
	"tocsin/internal/dynamo"
	"tocsin/internal/dynamo/dump"
	"tocsin/internal/dynamotest"
	"tocsin/internal/statuspage"
)

// rows returns the items of the table by their keys, without the mark of an import. Sets
// are sorted.
func rows(t testing.TB, tb *dynamotest.Table) map[string]map[string]types.AttributeValue {
	t.Helper()
	all := map[string]map[string]types.AttributeValue{}
	for _, it := range tb.Scan(t) {
		text := func(name string) string { return it[name].(*types.AttributeValueMemberS).Value }
		if key := text("pk") + " " + text("sk"); key != "SYSTEM IMPORT" {
			all[key] = it
		}
		for _, v := range it {
			if set, ok := v.(*types.AttributeValueMemberSS); ok {
				slices.Sort(set.Value)
			}
		}
	}
	return all
}

func sameRows(t testing.TB, got, want map[string]map[string]types.AttributeValue) {
	t.Helper()
	if d := gocmp.Diff(want, got, cmpopts.IgnoreUnexported(types.AttributeValueMemberS{}, types.AttributeValueMemberN{}, types.AttributeValueMemberB{},
		types.AttributeValueMemberL{}, types.AttributeValueMemberM{}, types.AttributeValueMemberSS{}, types.AttributeValueMemberNULL{}, types.AttributeValueMemberBOOL{})); d != "" {
		t.Errorf("the table is not what it was (-want +got):\n%s", d)
	}
}

// fillTable puts something of every kind into a new table, and enough of it for several
// pages of a scan.
func fillTable(t *testing.T) *dynamotest.Table {
	t.Helper()
	w := newWorld(t, mode{})
	ctx := t.Context()
	earth, mars := w.monitor(), w.monitor()
	for range 20 {
		w.comment(w.incident(earth, mars))
	}
	// A page ends after 1 MB, and a partition is read by one.
	for n := range 40 {
		w.comment(2)
		w.comments[20+n].Text = strings.Repeat(fmt.Sprintf("<%d> \"\\\n\x00é😀", n), 2000)
	}
	w.load()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(w.store.CheckSchema(ctx))
	for n := range 3 {
		_, err := w.store.CreateAPIKey(ctx, statuspage.NewSecret(), statuspage.NewAPIKey{Name: fmt.Sprint("key ", n), Scopes: statuspage.Scopes()[:n]}, now, nil)
		check(err)
	}
	newRule(t, w.store, downRule(1, earth))
	newRule(t, w.store, degradedRule(1, earth)) // its alert joins the incident of the other one's
	check(w.store.RecordPoint(ctx, earth, statuspage.Point{Time: begin, Status: statuspage.StatusDown, Source: statuspage.SourceProbe, Latency: new(1.5)}, now))
	check(w.store.FillRange(ctx, mars, statuspage.Range{From: begin - 3*24*3600, To: begin, Status: statuspage.StatusUp, Latency: func(int64) float64 { return 7 }}, now))
	_, _, err := w.store.Uptime(ctx, mars, statuspage.LastDays(4, now+600), now+600)
	check(err)
	claim, _, err := w.store.Claim(ctx, statuspage.IdempotentRequest{APIKeyID: 1, Key: "a#\"key\"", Digest: "d"}, now)
	check(err)
	check(w.store.Complete(ctx, claim, []byte{0, 1, 255}))
	_, _, err = w.store.Claim(ctx, statuspage.IdempotentRequest{APIKeyID: 1, Key: "running", Digest: "d"}, now)
	check(err)
	check(w.store.DeleteComment(ctx, 1, 1, now))
	_, err = w.store.ReportIncident(ctx, statuspage.LegacyReport{Title: "Old", Body: "A body", Tags: []string{mars}}, now, nil)
	check(err)
	putItem(t, w.tb, map[string]string{"pk": "CLEANUP", "sk": "INCIDENT#0000000000000099"})
	newMaintenance(t, w.store, "FREQ=DAILY", begin+day, begin, earth, mars)
	newMaintenance(t, w.store, "FREQ=WEEKLY;BYDAY=MO", begin+day, begin)
	newMaintenance(t, w.store, "FREQ=MINUTELY;COUNT=1", begin-30*day, begin, mars)
	_, err = w.store.UpdateOccurrence(ctx, 1, 2, statuspage.OccurrencePatch{State: statuspage.Cancelled}, begin, nil)
	check(err)
	_, err = w.store.UpdateMaintenance(ctx, 2, statuspage.MaintenancePatch{Rule: textOf("FREQ=DAILY;INTERVAL=3"), TimeZone: textOf("Europe/Berlin")}, begin+2*day, nil)
	check(err)
	newMaintenance(t, w.store, "FREQ=DAILY", begin, begin, mars)
	killed(w.tb, 3, func(ctx context.Context, s *dynamo.Store) { _ = s.DeleteMaintenance(ctx, 4, begin, nil) })
	for _, path := range []string{"team", "gone"} {
		_, err = w.store.CreatePage(ctx, statuspage.NewPage{Path: path, Title: "T", Header: "H", Settings: `{"x":1}`, Tags: []string{mars, earth}}, now, nil)
		check(err)
	}
	check(w.store.DeletePage(ctx, "gone", now, nil))
	_, err = w.store.UpdatePage(ctx, "", statuspage.PagePatch{Title: textOf("Home, changed")}, now, nil)
	check(err)
	_, err = w.store.SetSiteSetting(ctx, "siteName", "a name", now, nil)
	check(err)
	_, _, err = w.store.SaveCloserState(ctx, statuspage.CloserState{Day: 1763769600})
	check(err)
	return w.tb
}

// exported is an export of the table.
func exported(t testing.TB, tb *dynamotest.Table, o dump.ExportOptions, at int64) *bytes.Reader {
	t.Helper()
	var b bytes.Buffer
	h, records, err := tb.Dump(nil).Export(context.Background(), &b, o, at)
	if err != nil {
		t.Fatal(err)
	}
	if lines := int64(bytes.Count(b.Bytes(), []byte("\n"))) - 2; lines != records || h.Table != tb.Name {
		t.Errorf("%d records on %d lines, of table %s", records, lines, h.Table)
	}
	return bytes.NewReader(b.Bytes())
}

// TestExportImport moves a table into another, twice, and finds every item in it as it
// was.
func TestExportImport(t *testing.T) {
	t.Parallel()
	source := fillTable(t)
	want := rows(t, source)
	var progress atomic.Int64
	file := exported(t, source, dump.ExportOptions{Progress: func(n int64) { progress.Store(n) }}, now)
	if progress.Load() != int64(len(want)) {
		t.Errorf("the progress ends at %d of %d", progress.Load(), len(want))
	}
	target := dynamotest.NewTable(t)
	s := target.Store(nil)
	r, err := dump.New(s).Import(t.Context(), file, dump.ImportOptions{Progress: func(n int64) { progress.Store(n) }}, now)
	if err != nil {
		t.Fatal(err)
	}
	if all := int64(len(want)); r.Records != all || r.Put != all || r.There != 0 || r.Changed+r.LeftOut != 0 || r.Before || progress.Load() != all {
		t.Errorf("of %d records: %+v, progress %d", all, r, progress.Load())
	}
	sameRows(t, rows(t, target), want)
	ctx, cancel := context.WithTimeout(t.Context(), opTimeout)
	defer cancel()
	id, err := s.CreateIncident(ctx, statuspage.NewIncident{Title: "Next", Start: begin}, now, nil)
	if err != nil || id.ID != 23 {
		t.Errorf("the next incident is %d, %v", id.ID, err)
	}
	m := newMaintenance(t, s, "FREQ=DAILY", begin+30*day, begin+2*day)
	if m.ID != 5 || m.Recent[0].ID != 42 {
		t.Errorf("the next maintenance is %d, its first occurrence %d", m.ID, m.Recent[0].ID)
	}
	if p, err := s.CreatePage(ctx, statuspage.NewPage{Path: "next", Title: "T", Header: "H"}, now, nil); err != nil || p.ID != 4 {
		t.Errorf("the next page is %d, %v", p.ID, err)
	}
	if r, err := dump.New(s).Import(t.Context(), file, dump.ImportOptions{}, later); err != nil || !r.Before || r.Put != 0 {
		t.Errorf("again: %+v, %v", r, err)
	}
	// The mark is the table's own: an export of the copy has the same records.
	other := dynamotest.NewTable(t)
	if _, err := other.Dump(nil).Import(t.Context(), exported(t, target, dump.ExportOptions{}, now), dump.ImportOptions{}, now); err != nil {
		t.Fatal(err)
	}
	sameRows(t, rows(t, other), rows(t, target))
}

// TestLargestRecords moves records that DynamoDB just takes.
func TestLargestRecords(t *testing.T) {
	t.Parallel()
	source := dynamotest.NewTable(t)
	if err := source.Store(nil).CheckSchema(t.Context()); err != nil {
		t.Fatal(err)
	}
	deep := ddb.Num(1)
	for range 31 {
		deep = ddb.ListOf([]types.AttributeValue{deep}, func(v types.AttributeValue) types.AttributeValue { return v })
	}
	const keys = len("pkMONITORSska" + "a")
	for sk, it := range map[string]ddb.Item{
		"a": {"a": ddb.Str(strings.Repeat("x", 400<<10-keys))},
		"b": {"a": ddb.Str(strings.Repeat("x", 200<<10-keys-len("lsi1sk1"))), "lsi1sk": ddb.Str("1")},
		"c": {"a": deep},
		"d": {strings.Repeat("n", 1<<16-1): ddb.Str(""), "m": ddb.Map(ddb.Item{strings.Repeat("n", 1<<16-1): ddb.Str("")})},
		"e": {"a": &types.AttributeValueMemberN{Value: strings.Repeat("9", 38)}},
	} {
		it["pk"], it["sk"] = ddb.Str("MONITORS"), ddb.Str(sk)
		if _, err := source.DynamoDB(nil).PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &source.Name, Item: it}); err != nil {
			t.Fatal(sk, err)
		}
	}
	target := dynamotest.NewTable(t)
	if _, err := target.Dump(nil).Import(t.Context(), exported(t, source, dump.ExportOptions{}, now), dump.ImportOptions{}, now); err != nil {
		t.Fatal(err)
	}
	// Lists in each other take cmp too long.
	got, want := rows(t, target), rows(t, source)
	for key, it := range want {
		if !reflect.DeepEqual(got[key], it) {
			t.Errorf("%s is not what it was", key)
		}
	}
	if len(got) != len(want) || len(want) != 6 {
		t.Errorf("%d items of %d", len(got), len(want))
	}
}

var recordsFlag = flag.Int("records", 1000, "how many records TestTransferSpeed moves")

// TestTransferSpeed moves a table with many records, and says how long it takes: with
// -records 100000 -v it makes the figures of docs/recovery.md.
func TestTransferSpeed(t *testing.T) {
	if *recordsFlag <= 1000 {
		t.Parallel()
	}
	w := newWorld(t, mode{})
	tags := []string{w.monitor(), w.monitor()}
	for range *recordsFlag / 5 { // an incident, a row under each monitor, two comments
		id := w.incident(tags...)
		w.comment(id)
		w.comment(id)
	}
	w.load()
	path := filepath.Join(t.TempDir(), "export.jsonl")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	began := time.Now()
	_, records, err := dump.New(w.store).Export(t.Context(), out, dump.ExportOptions{}, now)
	exported := time.Since(began)
	if err != nil || records < int64(*recordsFlag) {
		t.Fatalf("%d records, %v", records, err)
	}
	info, err := out.Stat()
	if err != nil {
		t.Fatal(err)
	}
	target := dynamotest.NewTable(t)
	began = time.Now()
	r, err := target.Dump(nil).Import(t.Context(), out, dump.ImportOptions{}, now)
	imported := time.Since(began)
	if err != nil || r.Put != records {
		t.Fatalf("%+v, %v", r, err)
	}
	t.Logf("%d records, %d KB: exported in %.1f s (%.0f a second), imported in %.1f s (%.0f a second)", records, info.Size()>>10,
		exported.Seconds(), float64(records)/exported.Seconds(), imported.Seconds(), float64(records)/imported.Seconds())
}

// TestImportGoesOn interrupts imports at many places, with and without faults, and lets
// them go on. No key is there before all else is.
func TestImportGoesOn(t *testing.T) {
	t.Parallel()
	source := fillTable(t)
	want := rows(t, source)
	file := exported(t, source, dump.ExportOptions{}, now)
	var keys, others int64
	for key := range want {
		switch {
		case strings.HasPrefix(key, "APIKEY#"):
			keys++
		case !strings.HasPrefix(key, "SYSTEM "):
			others++
		}
	}
	for name, faults := range map[string][]dynamotest.Fault{
		"plain":  {dynamotest.None},
		"faults": {dynamotest.Throttle, dynamotest.LostAnswer, dynamotest.LostCall, dynamotest.Conflict},
	} {
		t.Run(name, func(t *testing.T) {
			target := dynamotest.NewTable(t)
			random := dynamotest.Random(seed(t), 0.1, 60, faults...)
			isPut := dynamotest.Writes("")
			for _, puts := range []int64{0, 1, 40, 100, 1 << 40} {
				ctx, cancel := context.WithCancel(t.Context())
				var left atomic.Int64
				left.Store(puts)
				client := &dynamotest.Client{Inject: func(operation string, body []byte) dynamotest.Fault {
					if !isPut(operation, body) {
						return dynamotest.None
					}
					if left.Add(-1) < 0 {
						cancel()
					}
					return random(operation, body)
				}}
				_, err := target.Dump(client).Import(ctx, bytes.NewReader(all(t, file)), dump.ImportOptions{}, now)
				cancel()
				last := left.Load() > 0
				if (err == nil) != last {
					t.Errorf("with %d puts left: %v", puts, err)
				}
				var haveKeys, haveOthers int64
				for key := range rows(t, target) {
					switch {
					case strings.HasPrefix(key, "APIKEY#"):
						haveKeys++
					case !strings.HasPrefix(key, "SYSTEM "):
						haveOthers++
					}
				}
				if haveKeys > 0 && haveOthers < others {
					t.Errorf("%d keys of %d with %d other records of %d", haveKeys, keys, haveOthers, others)
				}
			}
			sameRows(t, rows(t, target), want)
		})
	}
}

func all(t testing.TB, r *bytes.Reader) []byte {
	t.Helper()
	b := make([]byte, r.Size())
	if _, err := r.ReadAt(b, 0); err != nil {
		t.Fatal(err)
	}
	return b
}

// TestWithoutKeys leaves keys out on the way out and on the way in.
func TestWithoutKeys(t *testing.T) {
	t.Parallel()
	source := fillTable(t)
	want := rows(t, source)
	keys := 0
	for key := range want {
		if strings.HasPrefix(key, "APIKEY#") || strings.HasPrefix(key, "IDEMPOTENCY#") {
			delete(want, key)
			keys++
		}
	}
	if keys != 5 {
		t.Fatalf("%d keys and records of keys", keys)
	}
	for name, c := range map[string]struct {
		out    dump.ExportOptions
		in     dump.ImportOptions
		source string
	}{
		"export": {out: dump.ExportOptions{WithoutKeys: true}},
		"import": {in: dump.ImportOptions{WithoutKeys: true}},
	} {
		t.Run(name, func(t *testing.T) {
			file := exported(t, source, c.out, now)
			if text := string(all(t, file)); strings.Contains(text, "IDEMPOTENCY#") != (name == "import") || strings.Contains(text, "APIKEY#") != (name == "import") {
				t.Error("the file has keys, or lacks them")
			}
			// A table with a key of its own is taken.
			target := dynamotest.NewTable(t)
			s := target.Store(nil)
			for range 4 {
				if _, err := s.CreateAPIKey(t.Context(), statuspage.NewSecret(), statuspage.NewAPIKey{Name: "own"}, now, nil); err != nil {
					t.Fatal(err)
				}
			}
			own := rows(t, target)
			if _, err := dump.New(s).Import(t.Context(), file, c.in, now); err != nil {
				t.Fatal(err)
			}
			got := rows(t, target)
			for key := range own {
				if got[key] == nil {
					t.Errorf("%s is gone", key)
				}
				delete(got, key)
			}
			wanted := map[string]map[string]types.AttributeValue{}
			for key, it := range want {
				if own[key] == nil {
					wanted[key] = it
				}
			}
			sameRows(t, got, wanted)
			// The counter of the keys is the greater of both.
			k, err := s.CreateAPIKey(t.Context(), statuspage.NewSecret(), statuspage.NewAPIKey{Name: "next"}, now, nil)
			if err != nil || k.ID != 5 {
				t.Errorf("the next key is %d, %v", k.ID, err)
			}
			// With keys it would be another import.
			if name == "import" {
				if _, err := dump.New(s).Import(t.Context(), file, dump.ImportOptions{}, now); err == nil || !strings.Contains(err.Error(), "filled from another import") {
					t.Errorf("with keys, afterwards: %v", err)
				}
			}
		})
	}
}

// TestImportRefused holds imports against tables that they must not go into, which stay
// as they are.
func TestImportRefused(t *testing.T) {
	t.Parallel()
	source := fillTable(t)
	file := exported(t, source, dump.ExportOptions{}, now)
	for name, c := range map[string]struct {
		prepare func(s *dynamo.Store) error
		want    string
		is      error
	}{
		"a monitor": {func(s *dynamo.Store) error {
			_, err := s.CreateMonitor(t.Context(), newMonitor("venus"), now, nil)
			return err
		}, "import into an empty table", statuspage.ErrImportNotEmpty},
		"a key": {func(s *dynamo.Store) error {
			_, err := s.CreateAPIKey(t.Context(), statuspage.NewSecret(), statuspage.NewAPIKey{Name: "own"}, now, nil)
			return err
		}, "import without keys", statuspage.ErrImportHasKeys},
		"another import": {func(s *dynamo.Store) error {
			_, err := dump.New(s).BeginImport(t.Context(), "export OTHER", true, now)
			return err
		}, "filled from another import (export OTHER)", nil},
		"another import that is done": {func(s *dynamo.Store) error {
			_, err := dump.New(s).BeginImport(t.Context(), "export OTHER", true, now)
			return cmp.Or(err, dump.New(s).FinishImport(t.Context(), "export OTHER", now))
		}, "filled from another import (export OTHER)", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := dynamotest.NewTable(t)
			s := target.Store(nil)
			if err := cmp.Or(s.CheckSchema(t.Context()), c.prepare(s)); err != nil {
				t.Fatal(err)
			}
			before := rows(t, target)
			_, err := dump.New(s).Import(t.Context(), bytes.NewReader(all(t, file)), dump.ImportOptions{}, now)
			if err == nil || !strings.Contains(err.Error(), c.want) || c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("%v, want %q", err, c.want)
			}
			sameRows(t, rows(t, target), before)
		})
	}
	t.Run("a cut file", func(t *testing.T) {
		t.Parallel()
		target := dynamotest.NewTable(t)
		text := all(t, file)
		if _, err := target.Dump(nil).Import(t.Context(), bytes.NewReader(text[:len(text)-100]), dump.ImportOptions{}, now); err == nil || !strings.Contains(err.Error(), "cut") {
			t.Errorf("%v", err)
		}
		if left := target.Items(t); len(left) != 0 {
			t.Errorf("%d items were written", len(left))
		}
	})
	t.Run("a table of another schema version", func(t *testing.T) {
		t.Parallel()
		target := dynamotest.NewTable(t)
		putItem(t, target, map[string]string{"pk": "SYSTEM", "sk": "SCHEMA", "version": "9"})
		if _, err := target.Dump(nil).Import(t.Context(), bytes.NewReader(all(t, file)), dump.ImportOptions{}, now); err == nil || !strings.Contains(err.Error(), "schema version") {
			t.Errorf("%v", err)
		}
		var b bytes.Buffer
		if _, _, err := target.Dump(nil).Export(t.Context(), &b, dump.ExportOptions{}, now); err == nil || b.Len() != 0 {
			t.Errorf("exported: %v, %d bytes", err, b.Len())
		}
	})
}

// TestExpiredIsLeftOut exports and imports when some records are past their time to
// live.
func TestExpiredIsLeftOut(t *testing.T) {
	t.Parallel()
	source := fillTable(t)
	want := rows(t, source)
	file := exported(t, source, dump.ExportOptions{}, now)
	const afterADay = now + statuspage.ReplyKept
	gone := 0
	for key := range want {
		if strings.HasPrefix(key, "IDEMPOTENCY#") {
			delete(want, key)
			gone++
		}
	}
	for _, c := range []struct {
		file    *bytes.Reader
		leftOut int64
	}{{file, int64(gone)}, {exported(t, source, dump.ExportOptions{}, afterADay), 0}} {
		target := dynamotest.NewTable(t)
		r, err := target.Dump(nil).Import(t.Context(), c.file, dump.ImportOptions{}, afterADay)
		if err != nil || r.LeftOut != c.leftOut || r.Records != r.Put+r.There+r.LeftOut {
			t.Errorf("%+v, %v; want %d left out", r, err, c.leftOut)
		}
		sameRows(t, rows(t, target), want)
	}
}

// TestChangedSince lets an import go on that was interrupted, in a table that was worked
// in meanwhile: what was changed stays.
func TestChangedSince(t *testing.T) {
	t.Parallel()
	source := fillTable(t)
	file := exported(t, source, dump.ExportOptions{}, now)
	target := dynamotest.NewTable(t)
	ctx, cancel := context.WithCancel(t.Context())
	client := &dynamotest.Client{Inject: dynamotest.Before(dynamotest.Writes("APIKEY#"), cancel)}
	if _, err := target.Dump(client).Import(ctx, file, dump.ImportOptions{}, now); err == nil {
		t.Fatal("the import was not interrupted")
	}
	s := target.Store(nil)
	made, err := s.CreateIncident(t.Context(), statuspage.NewIncident{Title: "Meanwhile", Start: begin}, now, nil)
	if err != nil || made.ID != 23 {
		t.Errorf("an incident made meanwhile is %d, %v", made.ID, err)
	}
	if _, err := s.UpdateIncident(t.Context(), 7, statuspage.IncidentPatch{Title: textOf("Changed")}, now, nil); err != nil {
		t.Fatal(err)
	}
	r, err := dump.New(s).Import(t.Context(), file, dump.ImportOptions{}, now)
	if err != nil || r.Changed != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	if i, err := s.Incident(t.Context(), 7); err != nil || i.Title != "Changed" {
		t.Errorf("%+v, %v", i, err)
	}
	// The incident, and the rows about it and about the change.
	if got, want := len(rows(t, target)), len(rows(t, source))+3; got != want {
		t.Errorf("%d items, want %d", got, want)
	}
}
