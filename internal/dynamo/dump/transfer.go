package dump

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"tocsin/internal/ddb"
	"tocsin/internal/dynamo"
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
func (s *Dump) Export(ctx context.Context, w io.Writer, o ExportOptions, now int64) (ExportHeader, int64, error) {
	h := newExportHeader(s.table.Name(), !o.WithoutKeys, now)
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

func (s *Dump) exportSegment(ctx context.Context, segment int, e *exportWriter, o ExportOptions, now int64) error {
	var lines []byte
	var from ddb.Item
	for {
		items, next, err := s.table.Scan(ctx, segment, exportSegments, from)
		if err != nil {
			return err
		}
		lines = lines[:0]
		written := 0
		for _, it := range items {
			k := ddb.KeyOf(it)
			if ddb.Expired(it, now) || k == dynamo.ImportKey() || o.WithoutKeys && isKeyRecord(k) {
				continue
			}
			if lines, err = appendItem(lines, it); err != nil {
				return fmt.Errorf("record %s %s: %w", k.PK, k.SK, err)
			}
			lines = append(lines, '\n')
			written++
		}
		if err := e.write(lines, written); err != nil {
			return err
		}
		if from = next; from == nil {
			return nil
		}
	}
}

// isKeyRecord reports whether the item is an API key, or belongs to one.
func isKeyRecord(k ddb.Key) bool {
	kind := dynamo.KindOf(k)
	return kind == dynamo.IsAPIKey || kind == dynamo.IsReply
}

// ImportOptions change an import.
type ImportOptions struct {
	WithoutKeys bool                // leave out API keys, and idempotency records, which belong to them
	Progress    func(records int64) // told how many are done, one call at a time; may be nil
}

// ImportReport says what became of an export's records.
type ImportReport struct {
	Header  ExportHeader
	Records int64 // in the file
	Put     int64 // also what the program itself keeps about the table, which the import makes first
	There   int64 // there already, the same
	Changed int64 // there already, and changed since
	LeftOut int64 // keys that are not wanted, and what is past its time to live

	Before bool // the whole import was done already, and nothing was written
}

// Import puts the records of an export into the table. The file is read to its end
// first: one that is cut, is damaged, or has a line that is no record, one of an unknown
// kind, or one that DynamoDB would not take, is an error and nothing is written. The table must be empty or hold a part of this very import, see
// statuspage.ImportStore for the errors; a table that has API keys is taken when none
// are to come.
//
// A record is put only where there is none, so that an import can be repeated and goes
// on after an interruption; a dynamo.Counter becomes the greater of both. Counters come first,
// so that nothing made meanwhile gets an id of the file. What makes others visible or
// makes something happen comes after what belongs to it: incidents, monitors, maintenances,
// rules, pages, settings and unfinished deletions last but one, and API keys last. Throttling is waited out until
// ctx ends.
func (s *Dump) Import(ctx context.Context, file io.ReadSeeker, o ImportOptions, now int64) (ImportReport, error) {
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
func importRank(k ddb.Key) int {
	switch dynamo.KindOf(k) {
	case dynamo.IsAPIKey:
		return 2
	case dynamo.IsVisible:
		return 1
	}
	return 0
}

// exportSum is what is known of an export that was read to its end.
type exportSum struct {
	header   ExportHeader
	records  int64
	counters map[dynamo.Counter]int64
	ranks    [importRanks]int64 // how many records of each there are, without counters
}

// readExport reads an export to its end. An error is about the file.
func readExport(file io.ReadSeeker) (exportSum, error) {
	sum := exportSum{counters: map[dynamo.Counter]int64{}}
	e, err := eachItem(file, func(it ddb.Item, _ []byte) error {
		k := ddb.KeyOf(it)
		switch {
		case k == dynamo.ImportKey():
			return errors.New("it is a record that no export has")
		case dynamo.KindOf(k) == dynamo.Unknown:
			return fmt.Errorf("it is a record of a kind that this program does not know, %.50q %.50q: use the version of the program that wrote the file", k.PK, k.SK)
		case k == dynamo.SchemaKey():
			return dynamo.CheckSchemaItem(it)
		case dynamo.KindOf(k) == dynamo.IsCounter:
			r := ddb.Reader{Item: it}
			last := r.Num(dynamo.AttrLast)
			if r.Err != nil || last < 0 || last > statuspage.MaxID {
				return errors.New("it is a counter without a number")
			}
			sum.counters[dynamo.CounterOf(k)] = last
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
func eachItem(file io.ReadSeeker, f func(it ddb.Item, line []byte) error) (*exportReader, error) {
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
	s   *Dump
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
	_, err := eachItem(file, func(it ddb.Item, line []byte) error {
		k := ddb.KeyOf(it)
		if dynamo.KindOf(k) == dynamo.IsCounter || importRank(k) != rank {
			return nil
		}
		if gctx.Err() != nil {
			return gctx.Err()
		}
		if w.o.Progress != nil {
			w.o.Progress(w.done.Add(1))
		}
		if ddb.Expired(it, w.now) || w.o.WithoutKeys && isKeyRecord(k) {
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

func (w *importWriter) putItem(ctx context.Context, it ddb.Item, line []byte) error {
	old, err := w.s.table.PutAbsent(ctx, it)
	if err != nil {
		k := ddb.KeyOf(it)
		return fmt.Errorf("record %s %s: %w", k.PK, k.SK, err)
	}
	if old == nil {
		w.put.Add(1)
		return nil
	}
	if dynamo.KindOf(ddb.KeyOf(it)) == dynamo.IsSystem {
		w.put.Add(1)
		return nil
	}
	if was, err := appendItem(nil, old); err == nil && string(was) != string(line) {
		w.changed.Add(1)
		return nil
	}
	w.there.Add(1)
	return nil
}

// Attributes of the mark of an import.
const (
	attrImported  = "imported"  // what is imported
	attrCreated   = "created"   // UTC seconds
	attrCompleted = "completed" // UTC seconds; absent while it is under way
)

// BeginImport implements statuspage.ImportStore. The table is looked through by a
// strongly consistent Scan up to the first record that must not be there, then marked. Who
// writes between the two is not seen.
func (s *Dump) BeginImport(ctx context.Context, source string, withKeys bool, now int64) (statuspage.Import, error) {
	var begun statuspage.Import
	err := ddb.Retry(ctx, func() (done bool, err error) {
		it, err := s.table.Get(ctx, dynamo.ImportKey())
		if err != nil {
			return false, err
		}
		if it != nil {
			begun, err = readImport(it, source)
			return true, err
		}
		if err := s.checkEmpty(ctx, withKeys, now); err != nil {
			return false, err
		}
		mark := dynamo.ImportKey().Item()
		mark[attrImported], mark[attrCreated] = ddb.Str(source), ddb.Num(now)
		begun = statuspage.Import{Source: source, Started: now}
		refused, err := s.table.Transact(ctx, s.table.PutNew(mark))
		return refused == nil, err
	})
	return begun, err
}

func readImport(it ddb.Item, source string) (statuspage.Import, error) {
	r := ddb.Reader{Item: it}
	i := statuspage.Import{Source: r.Str(attrImported), Started: r.Num(attrCreated), Completed: r.OptNum(attrCompleted)}
	if r.Err == nil && i.Source != source {
		return statuspage.Import{}, fmt.Errorf("the table was filled from another import (%s): import into an empty table", i.Source)
	}
	return i, r.Err
}

// checkEmpty returns ErrImportNotEmpty or ErrImportHasKeys. What the program itself
// keeps about a table is in an empty one too.
func (s *Dump) checkEmpty(ctx context.Context, withKeys bool, now int64) error {
	keys := false
	var from ddb.Item
	for {
		items, next, err := s.table.Scan(ctx, 0, 1, from)
		if err != nil {
			return err
		}
		for _, it := range items {
			switch kind := dynamo.KindOf(ddb.KeyOf(it)); {
			case ddb.Expired(it, now) || kind == dynamo.IsCounter || kind == dynamo.IsSystem || kind == dynamo.IsChange:
			case kind == dynamo.IsAPIKey:
				keys = true
			default:
				return statuspage.ErrImportNotEmpty
			}
		}
		if from = next; from == nil {
			break
		}
	}
	if keys && withKeys {
		return statuspage.ErrImportHasKeys
	}
	return nil
}

// FinishImport implements statuspage.ImportStore.
func (s *Dump) FinishImport(ctx context.Context, source string, now int64) error {
	e := ddb.NewExpr().IfEqual(attrImported, ddb.Str(source)).SetIfAbsent(attrCompleted, ddb.Num(now))
	refused, err := s.table.Transact(ctx, s.table.Update(dynamo.ImportKey(), e))
	if err == nil && refused != nil {
		return errors.New("the mark of the import was removed from the table meanwhile")
	}
	return err
}

// RaiseIDs implements statuspage.ImportStore.
func (s *Dump) RaiseIDs(ctx context.Context, last statuspage.LastIDs) error {
	for c, id := range map[dynamo.Counter]int64{
		dynamo.IncidentIDs: last.Incident, dynamo.CommentIDs: last.Comment, dynamo.MonitorIDs: last.Monitor,
		dynamo.MaintenanceIDs: last.Maintenance, dynamo.OccurrenceIDs: last.Occurrence,
		dynamo.PageIDs: last.Page,
	} {
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
func (s *Dump) ImportMonitor(ctx context.Context, m statuspage.Monitor) (bool, error) {
	there, err := s.table.PutAbsent(ctx, dynamo.MonitorItem(m))
	return there == nil, err
}

// ImportPoints implements statuspage.ImportStore. An hour is one write. It leaves the
// day alone: nobody has made totals of a monitor that is not there yet.
func (s *Dump) ImportPoints(ctx context.Context, monitorID int64, points []statuspage.Point, now int64) (bool, error) {
	there, err := s.table.PutAbsent(ctx, dynamo.HourItem(monitorID, points, now))
	return there == nil, err
}

// ImportIncident implements statuspage.ImportStore. Each comment is a write of its own;
// the incident and its links are one transaction.
func (s *Dump) ImportIncident(ctx context.Context, i statuspage.Incident, comments []statuspage.Comment) (bool, error) {
	for _, c := range comments {
		if _, err := s.table.PutAbsent(ctx, dynamo.CommentItem(c)); err != nil {
			return false, err
		}
	}
	return s.importRecord(ctx, dynamo.IncidentItems(i))
}

// importRecord puts a record, the first of the items, with its rows, unless it is there.
func (s *Dump) importRecord(ctx context.Context, items []ddb.Item) (made bool, err error) {
	writes := []ddb.Write{s.table.PutNew(items[0])}
	for _, row := range items[1:] {
		writes = append(writes, s.table.Put(row))
	}
	refused, err := s.table.Transact(ctx, writes...)
	return refused == nil, err
}

// ImportMaintenance implements statuspage.ImportStore. Each occurrence is a write of its own;
// the maintenance and its rows are one transaction.
func (s *Dump) ImportMaintenance(ctx context.Context, m statuspage.Maintenance, occurrences []statuspage.Occurrence, now int64) (bool, error) {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(importAtOnce)
	for _, o := range occurrences {
		g.Go(func() error {
			_, err := s.table.PutAbsent(gctx, dynamo.OccurrenceItem(o))
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return false, err
	}
	return s.importRecord(ctx, dynamo.MaintenanceItems(m, now))
}

// ImportPage implements statuspage.ImportStore.
func (s *Dump) ImportPage(ctx context.Context, p statuspage.Page) (bool, error) {
	there, err := s.table.PutAbsent(ctx, dynamo.PageItem(p))
	return there == nil, err
}

// ImportSiteSetting implements statuspage.ImportStore.
func (s *Dump) ImportSiteSetting(ctx context.Context, v statuspage.SiteSetting) (bool, error) {
	there, err := s.table.PutAbsent(ctx, dynamo.SettingItem(v))
	return there == nil, err
}

// raiseID makes a counter give out only greater ids than last.
func (s *Dump) raiseID(ctx context.Context, c dynamo.Counter, last int64) error {
	_, err := s.table.Transact(ctx, s.table.Update(dynamo.CounterKey(c), ddb.NewExpr().Raise(dynamo.AttrLast, last)))
	return err
}
