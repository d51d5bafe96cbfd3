package dynamo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"tocsin/internal/statuspage"
)

const (
	exportSegments = 4  // parts of the table that are read at once
	importAtOnce   = 16 // puts at once
)

// ExportOptions change an export.
type ExportOptions struct {
	WithoutKeys bool                // leave out API keys, and idempotency records, which belong to them
	Progress    func(records int64) // told how many are written, one call at a time; may be nil
}

// Export writes every record of the table to w, in any order, and returns the header
// and how many records they are. Left out are those that are past their time to live,
// and the mark of an import.
//
// This is the one place where the table is scanned. The reads are strongly consistent,
// but an export is no snapshot: of records that change meanwhile it may hold one as it
// was before and another as it was after the same transaction. Memory does not grow with
// the table. Throttling is waited out until ctx ends. After an error what was written
// lacks the trailer, so that Import refuses it.
func (s *Store) Export(ctx context.Context, w io.Writer, o ExportOptions, now int64) (ExportHeader, int64, error) {
	h := newExportHeader(*s.table, !o.WithoutKeys, now)
	if err := s.ReadSchema(ctx); err != nil {
		return h, 0, err
	}
	out := bufio.NewWriterSize(w, 1<<20)
	e, err := newExportWriter(out, h, o.Progress)
	if err != nil {
		return h, 0, err
	}
	g, gctx := errgroup.WithContext(ctx)
	for segment := range exportSegments {
		g.Go(func() error { return s.exportSegment(gctx, segment, e, o, now) })
	}
	if err := g.Wait(); err != nil {
		return h, e.records, err
	}
	if err := e.finish(); err != nil {
		return h, e.records, err
	}
	return h, e.records, out.Flush()
}

func (s *Store) exportSegment(ctx context.Context, segment int, e *exportWriter, o ExportOptions, now int64) error {
	in := &dynamodb.ScanInput{
		TableName: s.table, ConsistentRead: aws.Bool(true),
		Segment: aws.Int32(int32(segment)), TotalSegments: aws.Int32(exportSegments),
	}
	var lines []byte
	for {
		page, err := s.scan(ctx, in)
		if err != nil {
			return err
		}
		lines = lines[:0]
		items := 0
		for _, it := range page.Items {
			k := keyOf(it)
			if expired(it, now) || k == importKey() || o.WithoutKeys && isKeyRecord(k) {
				continue
			}
			if lines, err = appendItem(lines, it); err != nil {
				return fmt.Errorf("record %s %s: %w", k.pk, k.sk, err)
			}
			lines = append(lines, '\n')
			items++
		}
		if err := e.write(lines, items); err != nil {
			return err
		}
		if page.LastEvaluatedKey == nil {
			return nil
		}
		in.ExclusiveStartKey = page.LastEvaluatedKey
	}
}

func (s *Store) scan(ctx context.Context, in *dynamodb.ScanInput) (out *dynamodb.ScanOutput, err error) {
	err = patiently(ctx, func() error {
		out, err = s.client.Scan(ctx, in)
		return err
	})
	if err != nil {
		return nil, failure("scan", err)
	}
	return out, nil
}

// patiently does a call again for as long as it is throttled or in conflict, until ctx
// ends.
func patiently(ctx context.Context, call func() error) error {
	for attempt := 0; ; attempt++ {
		err := call()
		if err == nil || !throttles.IsErrorThrottle(err).Bool() && !isConflict(err) {
			return err
		}
		if err := pause(ctx, attempt, err); err != nil {
			return err
		}
	}
}

// expired reports whether the item is past its time to live, and so counts as absent.
func expired(it item, now int64) bool {
	if it[attrTTL] == nil {
		return false
	}
	r := reader{item: it}
	return r.num(attrTTL) <= now
}

// isKeyRecord reports whether the item is an API key, or belongs to one.
func isKeyRecord(k key) bool {
	return strings.HasPrefix(k.pk, apiKeyPrefix) || strings.HasPrefix(k.pk, idempotencyPrefix)
}

func isCounter(k key) bool { return k.pk == system && strings.HasPrefix(k.sk, counterPrefix) }

// ImportOptions change an import.
type ImportOptions struct {
	WithoutKeys bool                // leave out API keys, and idempotency records, which belong to them
	Progress    func(records int64) // told how many are done, one call at a time; may be nil
}

// ImportReport says what became of an export's records.
type ImportReport struct {
	Header  ExportHeader
	Records int64 // in the file
	Put     int64
	There   int64 // there already, the same
	Changed int64 // there already, and changed since
	LeftOut int64 // keys that are not wanted, and what is past its time to live

	Before bool // the whole import was done already, and nothing was written
}

// Import puts the records of an export into the table. The file is read to its end
// first: one that is cut, was changed, or has a line that is no record is an error and
// nothing is written. The table must be empty or hold a part of this very import, see
// statuspage.ImportStore for the errors; a table that has API keys is taken when none
// are to come.
//
// A record is put only where there is none, so that an import can be repeated and goes
// on after an interruption; a counter becomes the greater of both. Counters come first,
// so that nothing made meanwhile gets an id of the file. What makes others visible or
// makes something happen comes after what belongs to it: incidents, monitors, rules and
// unfinished deletions last but one, and API keys last. Throttling is waited out until
// ctx ends.
func (s *Store) Import(ctx context.Context, file io.ReadSeeker, o ImportOptions, now int64) (ImportReport, error) {
	sum, err := readExport(file)
	if err != nil {
		return ImportReport{}, err
	}
	r := ImportReport{Header: sum.header, Records: sum.records}
	if err := s.CheckSchema(ctx); err != nil {
		return r, err
	}
	source, withKeys := "export "+sum.header.ID, sum.header.Keys && !o.WithoutKeys
	if sum.header.Keys && o.WithoutKeys {
		source += " without keys"
	}
	begun, err := s.BeginImport(ctx, source, withKeys, now)
	if err != nil {
		return r, err
	}
	if begun.Completed != nil {
		r.Before = true
		return r, nil
	}
	for c, last := range sum.counters {
		if err := s.raiseID(ctx, c, last); err != nil {
			return r, err
		}
	}
	w := &importWriter{s: s, o: o, now: now}
	w.done.Store(int64(len(sum.counters)))
	for rank := range importRanks {
		if sum.ranks[rank] == 0 {
			continue
		}
		if err := w.putRank(ctx, file, rank); err != nil {
			return w.report(r), err
		}
	}
	r = w.report(r)
	r.Put += int64(len(sum.counters))
	return r, s.FinishImport(ctx, source, now)
}

// importRanks is how many groups of records are put one after another.
const importRanks = 3

// importRank is the group that the item with the key is in.
func importRank(k key) int {
	switch {
	case strings.HasPrefix(k.pk, apiKeyPrefix):
		return 2
	case k.pk == allMonitors, k.pk == allRules, k.pk == cleanups, strings.HasPrefix(k.pk, incidentPrefix) && k.sk == meta:
		return 1
	}
	return 0
}

// exportSum is what is known of an export that was read to its end.
type exportSum struct {
	header   ExportHeader
	records  int64
	counters map[counter]int64
	ranks    [importRanks]int64 // how many records of each there are, without counters
}

// readExport reads an export to its end. An error is about the file.
func readExport(file io.ReadSeeker) (exportSum, error) {
	sum := exportSum{counters: map[counter]int64{}}
	e, err := eachItem(file, func(it item, _ []byte) error {
		k := keyOf(it)
		switch {
		case k == importKey():
			return errors.New("it is a record that no export has")
		case k == schemaKey():
			return checkSchemaItem(it)
		case isCounter(k):
			r := reader{item: it}
			last := r.num(attrLast)
			if r.err != nil || last < 0 || last > statuspage.MaxID {
				return errors.New("it is a counter without a number")
			}
			sum.counters[counter(strings.TrimPrefix(k.sk, counterPrefix))] = last
		default:
			sum.ranks[importRank(k)]++
		}
		return nil
	})
	if err != nil {
		return sum, err
	}
	sum.header, sum.records = e.header, e.records
	return sum, nil
}

// eachItem calls f with every item of an export and its line, which is valid for the
// time of the call. An error of f is returned with the number of the line.
func eachItem(file io.ReadSeeker, f func(it item, line []byte) error) (*exportReader, error) {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	e, err := newExportReader(file)
	if err != nil {
		return nil, err
	}
	for {
		line, err := e.next()
		if err == io.EOF {
			return e, nil
		}
		if err != nil {
			return nil, err
		}
		it, err := parseItem(line)
		if err == nil {
			err = f(it, line)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", e.number, err)
		}
	}
}

// importWriter puts items and counts what became of them.
type importWriter struct {
	s   *Store
	o   ImportOptions
	now int64

	done, put, there, changed, leftOut atomic.Int64
}

func (w *importWriter) report(r ImportReport) ImportReport {
	r.Put, r.There, r.Changed, r.LeftOut = w.put.Load(), w.there.Load(), w.changed.Load(), w.leftOut.Load()
	return r
}

// putRank puts the items of one rank.
func (w *importWriter) putRank(ctx context.Context, file io.ReadSeeker, rank int) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(importAtOnce)
	_, err := eachItem(file, func(it item, line []byte) error {
		k := keyOf(it)
		if isCounter(k) || importRank(k) != rank {
			return nil
		}
		if gctx.Err() != nil {
			return gctx.Err()
		}
		if w.o.Progress != nil {
			w.o.Progress(w.done.Add(1))
		}
		if expired(it, w.now) || w.o.WithoutKeys && isKeyRecord(k) {
			w.leftOut.Add(1)
			return nil
		}
		line = slices.Clone(line)
		g.Go(func() error { return w.putItem(gctx, it, line) })
		return nil
	})
	if failed := g.Wait(); failed != nil {
		return failed
	}
	return err
}

func (w *importWriter) putItem(ctx context.Context, it item, line []byte) error {
	old, err := w.s.putAbsent(ctx, it)
	if err != nil {
		k := keyOf(it)
		return fmt.Errorf("record %s %s: %w", k.pk, k.sk, err)
	}
	if old == nil {
		w.put.Add(1)
		return nil
	}
	// What the program itself keeps about the table is its own.
	if was, err := appendItem(nil, old); err == nil && string(was) != string(line) && keyOf(it).pk != system {
		w.changed.Add(1)
		return nil
	}
	w.there.Add(1)
	return nil
}

// putAbsent puts an item where there is none, else it returns the one that is there.
func (s *Store) putAbsent(ctx context.Context, it item) (old item, err error) {
	e := newExpr().ifNew()
	in := &dynamodb.PutItemInput{
		TableName: s.table, Item: it, ConditionExpression: e.condition(), ExpressionAttributeNames: e.names,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	err = patiently(ctx, func() error {
		_, err := s.client.PutItem(ctx, in)
		return err
	})
	if failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return failed.Item, nil
	}
	if err != nil {
		return nil, failure("put", err)
	}
	return nil, nil
}

// Attributes of the mark of an import.
const (
	attrImported  = "imported"  // what is imported
	attrCompleted = "completed" // UTC seconds; absent while it is under way
)

// BeginImport implements statuspage.ImportStore. The table is looked through by a
// strongly consistent Scan up to the first record that must not be there, then marked. Who
// writes between the two is not seen.
func (s *Store) BeginImport(ctx context.Context, source string, withKeys bool, now int64) (statuspage.Import, error) {
	for attempt := 0; ; attempt++ {
		it, err := s.get(ctx, importKey())
		if err != nil {
			return statuspage.Import{}, err
		}
		if it != nil {
			return readImport(it, source)
		}
		if err := s.checkEmpty(ctx, withKeys, now); err != nil {
			return statuspage.Import{}, err
		}
		mark := importKey().attributes()
		mark[attrImported], mark[attrCreated] = str(source), num(now)
		refused, err := s.transact(ctx, s.putNew(mark))
		if err != nil {
			return statuspage.Import{}, err
		}
		if refused == nil {
			return statuspage.Import{Source: source, Started: now}, nil
		}
		if err := pause(ctx, attempt, errContended); err != nil {
			return statuspage.Import{}, err
		}
	}
}

func readImport(it item, source string) (statuspage.Import, error) {
	r := reader{item: it}
	i := statuspage.Import{Source: r.str(attrImported), Started: r.num(attrCreated), Completed: r.optNum(attrCompleted)}
	if r.err == nil && i.Source != source {
		return statuspage.Import{}, fmt.Errorf("the table was filled from another import (%s): import into an empty table", i.Source)
	}
	return i, r.err
}

// checkEmpty returns ErrImportNotEmpty or ErrImportHasKeys. What the program itself
// keeps about a table is in an empty one too.
func (s *Store) checkEmpty(ctx context.Context, withKeys bool, now int64) error {
	in := &dynamodb.ScanInput{TableName: s.table, ConsistentRead: aws.Bool(true)}
	keys := false
	for {
		page, err := s.scan(ctx, in)
		if err != nil {
			return err
		}
		for _, it := range page.Items {
			switch k := keyOf(it); {
			case k.pk == system || expired(it, now):
			case strings.HasPrefix(k.pk, apiKeyPrefix):
				keys = true
			default:
				return statuspage.ErrImportNotEmpty
			}
		}
		if page.LastEvaluatedKey == nil {
			break
		}
		in.ExclusiveStartKey = page.LastEvaluatedKey
	}
	if keys && withKeys {
		return statuspage.ErrImportHasKeys
	}
	return nil
}

// FinishImport implements statuspage.ImportStore.
func (s *Store) FinishImport(ctx context.Context, source string, now int64) error {
	e := newExpr().ifCompare(attrImported, "=", attrImported, str(source)).setIfAbsent(attrCompleted, num(now))
	refused, err := s.transact(ctx, s.update(importKey(), e))
	if err == nil && refused != nil {
		return errors.New("the mark of the import was removed from the table meanwhile")
	}
	return err
}

// RaiseIDs implements statuspage.ImportStore.
func (s *Store) RaiseIDs(ctx context.Context, last statuspage.LastIDs) error {
	for c, id := range map[counter]int64{incidentIDs: last.Incident, commentIDs: last.Comment, monitorIDs: last.Monitor} {
		if id == 0 {
			continue
		}
		if err := s.raiseID(ctx, c, id); err != nil {
			return err
		}
	}
	return nil
}

// ImportMonitor implements statuspage.ImportStore.
func (s *Store) ImportMonitor(ctx context.Context, m statuspage.Monitor) (bool, error) {
	old, err := s.putAbsent(ctx, monitorItem(m))
	return old == nil, err
}

// ImportPoints implements statuspage.ImportStore. An hour is one write. It leaves the
// day alone: nobody has made totals of a monitor that is not there yet.
func (s *Store) ImportPoints(ctx context.Context, monitorID int64, points []statuspage.Point, now int64) (bool, error) {
	start := statuspage.FloorHour(points[0].Time)
	it := hourKey(monitorID, start).attributes()
	it[attrTTL], it[attrWrite] = num(keptUntil(start, now)), str(writeToken())
	for _, p := range points {
		it[minuteAttr(p.Time)] = str(pointText(p))
	}
	old, err := s.putAbsent(ctx, it)
	return old == nil, err
}

// ImportIncident implements statuspage.ImportStore. Each comment is a write of its own;
// the incident and its links are one transaction.
func (s *Store) ImportIncident(ctx context.Context, i statuspage.Incident, comments []statuspage.Comment) (bool, error) {
	for _, c := range comments {
		if _, err := s.putAbsent(ctx, commentItem(c)); err != nil {
			return false, err
		}
	}
	writes := []types.TransactWriteItem{s.putNew(incidentItem(i))}
	for _, m := range i.Monitors {
		writes = append(writes, s.put(incidentRow(m.MonitorID, i)))
	}
	refused, err := s.transact(ctx, writes...)
	return refused == nil, err
}
