package dump

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tocsin/internal/ddb"
	"tocsin/internal/dynamo"
)

// An export is a text of lines, each a JSON value: a header, then an item a line, then
// a trailer with the number of items and the SHA-256 of all lines before it. An item is
// in DynamoDB's own JSON form, {"pk":{"S":"SYSTEM"},…}, without white space, its keys
// and sets sorted: an item has exactly one line that is its own.
const (
	exportFormat  = "tocsin-export"
	exportVersion = 1

	// An item has at most 400 KB, and a byte of it takes up to six in JSON.
	maxExportLine = 4 << 20
)

// ExportHeader is the first line of an export.
type ExportHeader struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
	Schema  int64  `json:"schema_version"`
	ID      string `json:"export_id"` // random: tells one export from all others
	Time    string `json:"time"`      // UTC, of its beginning
	Table   string `json:"table"`
	Keys    bool   `json:"keys"` // whether API keys and idempotency records are in it
}

type exportTrailer struct {
	Records int64  `json:"records"`
	SHA256  string `json:"sha256"`
}

// trailerStart is what a trailer starts with, and no item.
const trailerStart = `{"records":`

// exportWriter writes an export. It is safe for use by many goroutines.
type exportWriter struct {
	mu       sync.Mutex
	w        io.Writer
	sum      hash.Hash
	records  int64
	progress func(records int64)
}

func newExportWriter(w io.Writer, h ExportHeader, progress func(int64)) (*exportWriter, error) {
	if progress == nil {
		progress = func(int64) {}
	}
	sum := sha256.New()
	e := &exportWriter{w: io.MultiWriter(w, sum), sum: sum, progress: progress}
	return e, e.line(h)
}

func newExportHeader(table string, keys bool, now int64) ExportHeader {
	return ExportHeader{
		Format: exportFormat, Version: exportVersion, Schema: dynamo.SchemaVersion, ID: rand.Text(),
		Time: time.Unix(now, 0).UTC().Format(time.RFC3339), Table: table, Keys: keys,
	}
}

func (e *exportWriter) line(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = e.w.Write(append(text, '\n'))
	return err
}

// write writes so many items, which have their line ends.
func (e *exportWriter) write(lines []byte, items int) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, err := e.w.Write(lines); err != nil {
		return fmt.Errorf("writing the export: %w", err)
	}
	e.records += int64(items)
	e.progress(e.records)
	return nil
}

func (e *exportWriter) finish() error {
	return e.line(exportTrailer{e.records, hex.EncodeToString(e.sum.Sum(nil))})
}

// Errors of a file that is no export, or not all of one.
var (
	errNoExport  = errors.New("this is not a file that tocsin export has written")
	errCutExport = errors.New("the file is cut: its last line, with the number of records, is missing")
)

// exportReader reads an export.
type exportReader struct {
	header  ExportHeader
	r       *bufio.Reader
	text    []byte // of the line last read
	sum     hash.Hash
	number  int // of the line last read
	records int64
}

// newExportReader reads the header. One of another format, version or schema version
// is an error.
func newExportReader(r io.Reader) (*exportReader, error) {
	e := &exportReader{r: bufio.NewReaderSize(r, 64<<10), sum: sha256.New()}
	line, err := e.line()
	if err != nil || json.Unmarshal(line, &e.header) != nil || e.header.Format != exportFormat {
		if err != nil && err != io.EOF && err != errLongLine {
			return nil, err
		}
		return nil, errNoExport
	}
	h := e.header
	if h.Version != exportVersion {
		return nil, fmt.Errorf("the file has version %d of the export format, this program reads %d: use the version of the program that wrote it", h.Version, exportVersion)
	}
	if h.Schema != dynamo.SchemaVersion {
		return nil, fmt.Errorf("the file's records have schema version %d, this program works with %d: use the version of the program that wrote it", h.Schema, dynamo.SchemaVersion)
	}
	if h.ID == "" {
		return nil, errNoExport
	}
	e.sum.Write(line)
	e.sum.Write([]byte{'\n'})
	return e, nil
}

var errLongLine = errors.New("it is longer than a record can be")

// line returns the next line without its end. It is valid until the next call.
func (e *exportReader) line() ([]byte, error) {
	e.number++
	e.text = e.text[:0]
	for {
		part, err := e.r.ReadSlice('\n')
		e.text = append(e.text, part...)
		switch {
		case len(e.text) > maxExportLine:
			return nil, errLongLine
		case err == bufio.ErrBufferFull:
			continue
		case err == io.EOF && len(e.text) > 0:
			err = nil // as a file whose last line end an editor took
		}
		return bytes.TrimSuffix(e.text, []byte{'\n'}), err
	}
}

// next returns the line of the next item, valid until the next call, or io.EOF after a
// trailer that is right. A file that is cut or was changed is another error.
func (e *exportReader) next() ([]byte, error) {
	line, err := e.line()
	switch {
	case err == io.EOF:
		return nil, errCutExport
	case err == errLongLine:
		return nil, e.bad(err.Error())
	case err != nil:
		return nil, err
	case bytes.HasPrefix(line, []byte(trailerStart)):
		return nil, e.end(line)
	case len(line) == len(e.text):
		return nil, errCutExport // within the line
	}
	e.sum.Write(line)
	e.sum.Write([]byte{'\n'})
	e.records++
	return line, nil
}

// end compares the trailer with what was read, and returns io.EOF when it is right.
func (e *exportReader) end(line []byte) error {
	var t exportTrailer
	if json.Unmarshal(line, &t) != nil {
		return errCutExport
	}
	if t.Records != e.records {
		return fmt.Errorf("the file has %d records, but its last line says %d", e.records, t.Records)
	}
	if t.SHA256 != hex.EncodeToString(e.sum.Sum(nil)) {
		return errors.New("the file was changed since it was written: its checksum is another")
	}
	if _, err := e.line(); err != io.EOF {
		return e.bad("it comes after the end of the export")
	}
	return io.EOF
}

// bad is the error for the line last read.
func (e *exportReader) bad(reason string) error { return fmt.Errorf("line %d: %s", e.number, reason) }

// appendItem appends the line of an item, without a line end.
func appendItem(b []byte, it ddb.Item) ([]byte, error) {
	b = append(b, '{')
	for n, name := range slices.Sorted(maps.Keys(it)) {
		if n > 0 {
			b = append(b, ',')
		}
		b = append(appendText(b, name), ':')
		var err error
		if b, err = appendValue(b, it[name]); err != nil {
			return nil, fmt.Errorf("attribute %q: %w", name, err)
		}
	}
	return append(b, '}'), nil
}

func appendValue(b []byte, v types.AttributeValue) ([]byte, error) {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return append(appendText(append(b, `{"S":`...), v.Value), '}'), nil
	case *types.AttributeValueMemberN:
		return append(appendText(append(b, `{"N":`...), v.Value), '}'), nil
	case *types.AttributeValueMemberB:
		return append(appendBytes(append(b, `{"B":`...), v.Value), '}'), nil
	case *types.AttributeValueMemberBOOL:
		return append(strconv.AppendBool(append(b, `{"BOOL":`...), v.Value), '}'), nil
	case *types.AttributeValueMemberNULL:
		return append(b, `{"NULL":true}`...), nil
	case *types.AttributeValueMemberSS:
		return appendSet(append(b, `{"SS":`...), slices.Sorted(slices.Values(v.Value)), appendText), nil
	case *types.AttributeValueMemberNS:
		return appendSet(append(b, `{"NS":`...), slices.Sorted(slices.Values(v.Value)), appendText), nil
	case *types.AttributeValueMemberBS:
		return appendSet(append(b, `{"BS":`...), slices.SortedFunc(slices.Values(v.Value), bytes.Compare), appendBytes), nil
	case *types.AttributeValueMemberM:
		b, err := appendItem(append(b, `{"M":`...), v.Value)
		return append(b, '}'), err
	case *types.AttributeValueMemberL:
		b = append(b, `{"L":[`...)
		for n, part := range v.Value {
			if n > 0 {
				b = append(b, ',')
			}
			var err error
			if b, err = appendValue(b, part); err != nil {
				return nil, err
			}
		}
		return append(b, "]}"...), nil
	}
	return nil, fmt.Errorf("a value of the unknown type %T", v)
}

func appendSet[T any](b []byte, set []T, one func([]byte, T) []byte) []byte {
	b = append(b, '[')
	for n, v := range set {
		if n > 0 {
			b = append(b, ',')
		}
		b = one(b, v)
	}
	return append(b, "]}"...)
}

const hexDigits = "0123456789abcdef"

// appendText appends a JSON string in which nothing is escaped that need not be, so that
// each text has one spelling.
func appendText(b []byte, s string) []byte {
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ':
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

func appendBytes(b []byte, v []byte) []byte {
	return append(base64.StdEncoding.AppendEncode(append(b, '"'), v), '"')
}

// errNoItem is the error of a line that appendItem does not write.
var errNoItem = errors.New("it is not a record")

// parseItem undoes appendItem. What appendItem does not write is an error, and so is an
// item that no table of ours takes.
func parseItem(line []byte) (ddb.Item, error) {
	it, err := parseMap(line, 0)
	if err != nil {
		return nil, err
	}
	again, err := appendItem(nil, it)
	if err != nil || !bytes.Equal(again, line) {
		return nil, errNoItem
	}
	for _, name := range []string{ddb.AttrPK, ddb.AttrSK} {
		if it[name] == nil {
			return nil, fmt.Errorf("it is a record without the key %s", name)
		}
	}
	for name, most := range map[string]int{
		ddb.AttrPK: maxPartitionKey, ddb.AttrGSI1PK: maxPartitionKey, ddb.AttrGSI2PK: maxPartitionKey,
		ddb.AttrSK: maxSortKey, ddb.AttrLSI1SK: maxSortKey, ddb.AttrGSI1SK: maxSortKey, ddb.AttrGSI2SK: maxSortKey,
	} {
		if v := it[name]; v != nil {
			if s, ok := v.(*types.AttributeValueMemberS); !ok || s.Value == "" || len(s.Value) > most {
				return nil, fmt.Errorf("its key %s is not a text of at most %d bytes", name, most)
			}
		}
	}
	if n := itemSize(it); it[ddb.AttrLSI1SK] == nil && n > maxItem {
		return nil, fmt.Errorf("it has %d bytes, and DynamoDB takes records of at most %d", n, maxItem)
	} else if it[ddb.AttrLSI1SK] != nil && 2*n > maxItem {
		return nil, fmt.Errorf("it has %d bytes, and DynamoDB takes records of at most %d that are also in a local index, where all of it is once more", n, maxItem/2)
	}
	if v := it[ddb.AttrTTL]; v != nil {
		if r := (ddb.Reader{Item: it}); r.Num(ddb.AttrTTL) < 0 || r.Err != nil {
			return nil, fmt.Errorf("its attribute %s is not a time", ddb.AttrTTL)
		}
	}
	return it, nil
}

// What DynamoDB takes, in bytes. An item and its copies in local indexes count together.
const (
	maxItem         = 400 << 10
	maxPartitionKey = 2048
	maxSortKey      = 1024
	maxName         = 1<<16 - 1 // of an attribute
)

// maxNesting is how many lists and maps can be in each other: with what is in the last of
// them they are the 32 levels that an attribute can have.
const maxNesting = 31

// parseMap reads an item, at level 0, or a map within so many lists and maps.
func parseMap(text []byte, level int) (ddb.Item, error) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(text, &fields) != nil || fields == nil {
		return nil, errNoItem
	}
	it := make(ddb.Item, len(fields))
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if name == "" {
			return nil, errNoItem
		}
		if len(name) > maxName {
			return nil, fmt.Errorf("the name of its attribute %.50q… has %d bytes, and DynamoDB takes at most %d", name, len(name), maxName)
		}
		v, err := parseValue(fields[name], level)
		if n, ok := errors.AsType[unfitError](err); ok && level == 0 {
			err = fmt.Errorf("its attribute %.50q has %w", name, n)
		}
		if err != nil {
			return nil, err
		}
		it[name] = v
	}
	return it, nil
}

// unfitError says what a value has that DynamoDB does not take.
type unfitError string

func (e unfitError) Error() string { return string(e) }

func unfitNumber(s string) error {
	return unfitError(fmt.Sprintf("the number %.200q, which DynamoDB does not take", s))
}

// parseValue reads a value within so many lists and maps.
func parseValue(text []byte, level int) (types.AttributeValue, error) {
	var typed map[string]json.RawMessage
	if json.Unmarshal(text, &typed) != nil || len(typed) != 1 {
		return nil, errNoItem
	}
	for kind, raw := range typed {
		switch kind {
		case "S":
			s, err := parseJSON[string](raw)
			return &types.AttributeValueMemberS{Value: s}, err
		case "N":
			n, err := parseJSON[string](raw)
			if _, valid := number(n); err == nil && !valid {
				err = unfitNumber(n)
			}
			return &types.AttributeValueMemberN{Value: n}, err
		case "B":
			b, err := parseJSON[[]byte](raw)
			return &types.AttributeValueMemberB{Value: b}, err
		case "BOOL":
			b, err := parseJSON[bool](raw)
			return &types.AttributeValueMemberBOOL{Value: b}, err
		case "NULL":
			b, err := parseJSON[bool](raw)
			if !b {
				err = errNoItem
			}
			return &types.AttributeValueMemberNULL{Value: true}, err
		case "SS":
			set, err := parseSet(raw, func(s string) (string, error) { return s, nil })
			return &types.AttributeValueMemberSS{Value: set}, err
		case "NS":
			set, err := parseSet(raw, func(s string) (string, error) {
				if spelling, valid := number(s); valid {
					return spelling, nil
				}
				return "", unfitNumber(s)
			})
			return &types.AttributeValueMemberNS{Value: set}, err
		case "BS":
			set, err := parseSet(raw, func(b []byte) (string, error) { return string(b), nil })
			return &types.AttributeValueMemberBS{Value: set}, err
		case "M", "L":
			if level == maxNesting {
				return nil, unfitError(fmt.Sprintf("more than %d lists and maps in each other, which DynamoDB does not take", maxNesting))
			}
			if kind == "M" {
				m, err := parseMap(raw, level+1)
				return &types.AttributeValueMemberM{Value: m}, err
			}
			parts, err := parseJSON[[]json.RawMessage](raw)
			list := make([]types.AttributeValue, len(parts))
			for n, part := range parts {
				if list[n], err = parseValue(part, level+1); err != nil {
					return nil, err
				}
			}
			return &types.AttributeValueMemberL{Value: list}, err
		}
	}
	return nil, errNoItem
}

// parseJSON reads a value that is not null.
func parseJSON[T any](raw []byte) (v T, err error) {
	if string(raw) == "null" || json.Unmarshal(raw, &v) != nil {
		return v, errNoItem
	}
	return v, nil
}

// parseSet reads a set, which has members, each once. key returns what two members that
// are the same have in common.
func parseSet[T any](raw []byte, key func(T) (string, error)) ([]T, error) {
	set, err := parseJSON[[]T](raw)
	seen := map[string]bool{}
	for _, member := range set {
		k, err := key(member)
		if err != nil {
			return nil, err
		}
		if seen[k] {
			return nil, errNoItem
		}
		seen[k] = true
	}
	if len(set) == 0 {
		err = errNoItem
	}
	return set, err
}

// DynamoDB keeps numbers of at most so many digits, whose first digit is worth 10 to a power
// in this range.
const (
	maxDigits = 38
	minPower  = -130
	maxPower  = 125
)

// number returns the one spelling of a number that DynamoDB can hold.
func number(s string) (spelling string, ok bool) {
	var n json.Number
	if len(s) > 400 || json.Unmarshal([]byte(s), &n) != nil || string(n) != s {
		return "", false
	}
	mantissa, exponent, _ := strings.Cut(strings.ToLower(strings.TrimPrefix(s, "-")), "e")
	power := 0
	if exponent != "" {
		var err error
		if power, err = strconv.Atoi(exponent); err != nil {
			return "", false
		}
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	power += len(whole) - 1 - (len(whole) + len(fraction) - len(digits)) // of the first digit that counts
	digits = strings.TrimRight(digits, "0")
	if digits == "" {
		return "0", true
	}
	sign := s[:len(s)-len(strings.TrimPrefix(s, "-"))]
	return fmt.Sprintf("%s%sE%d", sign, digits, power), len(digits) <= maxDigits && power >= minPower && power <= maxPower
}

// itemSize is the size of an item, as DynamoDB counts it.
func itemSize(it ddb.Item) int {
	n := 0
	for name, v := range it {
		n += len(name) + valueSize(v)
	}
	return n
}

func valueSize(v types.AttributeValue) int {
	const collection = 3 // a list or map, and 1 more for each of its members
	n := 0
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return len(v.Value)
	case *types.AttributeValueMemberN:
		return numberSize(v.Value)
	case *types.AttributeValueMemberB:
		return len(v.Value)
	case *types.AttributeValueMemberSS:
		for _, s := range v.Value {
			n += len(s)
		}
		return n
	case *types.AttributeValueMemberNS:
		for _, s := range v.Value {
			n += numberSize(s)
		}
		return n
	case *types.AttributeValueMemberBS:
		for _, b := range v.Value {
			n += len(b)
		}
		return n
	case *types.AttributeValueMemberL:
		for _, e := range v.Value {
			n += 1 + valueSize(e)
		}
		return collection + n
	case *types.AttributeValueMemberM:
		return collection + len(v.Value) + itemSize(v.Value)
	}
	return 1 // true, false, null
}

// numberSize is a byte for each two digits that count, and one more.
func numberSize(s string) int {
	spelling, _ := number(s)
	digits, _, _ := strings.Cut(strings.TrimPrefix(spelling, "-"), "E")
	return (len(digits)+1)/2 + 1
}
