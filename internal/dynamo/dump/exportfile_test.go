package dump

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"tocsin/internal/ddb"
	"tocsin/internal/dynamo"
)

// exportOf is an export with these lines as its records, whatever they are.
func exportOf(t testing.TB, lines ...string) string {
	t.Helper()
	var b bytes.Buffer
	e, err := newExportWriter(&b, newExportHeader("test", true, 1795389780), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		if err := e.write([]byte(line+"\n"), 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.finish(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// itemLines are lines of items, some of which no export has.
var itemLines = []string{
	`{"pk":{"S":"SYSTEM"},"sk":{"S":"SCHEMA"},"version":{"N":"1"}}`,
	`{"n":{"N":"7"},"pk":{"S":"SYSTEM"},"sk":{"S":"COUNTER#incident"}}`,
	`{"a":{"BOOL":false},"b":{"B":"AAH/"},"bs":{"BS":["AA==","AQ=="]},"l":{"L":[{"NULL":true},{"M":{}}]},"m":{"M":{"x":{"N":"-1.5E+10"}}},"ns":{"NS":["1","2"]},"pk":{"S":"P"},"sk":{"S":"S"},"ss":{"SS":["","é\u0000\u000a"]}}`,
	`{"a":{"S":"\u000a\"\\/<>&😀"},"pk":{"S":"P"},"sk":{"S":"S"}}`,
	`{"pk":{"S":"P"},"sk":{"S":"S"},"expires":{"N":"1"}}`,
	`{"expires":{"S":"1"},"pk":{"S":"P"},"sk":{"S":"S"}}`,
	`{"pk":{"S":"P"},"pk":{"S":"P"},"sk":{"S":"S"}}`,
	`{"pk":{"S":""},"sk":{"S":"S"}}`, `{"pk":{"N":"1"},"sk":{"S":"S"}}`, `{"pk":{"S":"P"}}`, `{"lsi1sk":{"N":"1"},"pk":{"S":"P"},"sk":{"S":"S"}}`,
	`{"a":{"N":"01"},"pk":{"S":"P"},"sk":{"S":"S"}}`, `{"a":{"N":"NaN"},"pk":{"S":"P"},"sk":{"S":"S"}}`, `{"a":{"SS":[]},"pk":{"S":"P"},"sk":{"S":"S"}}`,
	`{"a":{"SS":["b","a"]},"pk":{"S":"P"},"sk":{"S":"S"}}`, `{"a":{"SS":["a","a"]},"pk":{"S":"P"},"sk":{"S":"S"}}`, `{"a":{"NULL":false},"pk":{"S":"P"},"sk":{"S":"S"}}`,
	`{"a":{"S":"1","N":"1"},"pk":{"S":"P"},"sk":{"S":"S"}}`, `{"a":{},"pk":{"S":"P"},"sk":{"S":"S"}}`, `{"a":{"X":1},"pk":{"S":"P"},"sk":{"S":"S"}}`,
	`{"a":{"S":null},"pk":{"S":"P"},"sk":{"S":"S"}}`, `{"a":null,"pk":{"S":"P"},"sk":{"S":"S"}}`, `{"":{"S":"1"},"pk":{"S":"P"},"sk":{"S":"S"}}`,
	`{"a":{"L":null},"pk":{"S":"P"},"sk":{"S":"S"}}`, `{"a":{"M":null},"pk":{"S":"P"},"sk":{"S":"S"}}`, `{"a":{"S":"` + "\xff" + `"},"pk":{"S":"P"},"sk":{"S":"S"}}`,
	"", "null", "[]", "1", `"x"`, "{", "{}", `{"pk": {"S":"P"},"sk":{"S":"S"}}`,
	`{"a":` + strings.Repeat(`{"L":[`, 40) + strings.Repeat(`]}`, 40) + `,"pk":{"S":"P"},"sk":{"S":"S"}}`,
}

// TestItemLines shows which of the lines are items.
func TestItemLines(t *testing.T) {
	t.Parallel()
	var taken []string
	for _, line := range itemLines {
		it, err := parseItem([]byte(line))
		if err != nil {
			continue
		}
		again, err := appendItem(nil, it)
		if err != nil || string(again) != line {
			t.Errorf("%s is written as %s (%v)", line, again, err)
		}
		taken = append(taken, line)
	}
	if want := itemLines[:4]; !slices.Equal(taken, want) {
		t.Errorf("items:\n%s\nwant\n%s", strings.Join(taken, "\n"), strings.Join(want, "\n"))
	}
}

// FuzzExport reads any text as an export. What is accepted has the count and checksum of
// its items, each of which is written as the line that it was; nothing else is, and
// nothing panics.
func FuzzExport(f *testing.F) {
	for _, line := range itemLines {
		f.Add(exportOf(f, line), "")
		f.Add("", line)
	}
	whole := exportOf(f, itemLines[:2]...)
	for n := 0; n < len(whole); n += 40 {
		f.Add(whole[:n], "")
	}
	f.Add(whole+"\n", "")
	f.Add(strings.TrimSuffix(whole, "\n"), "")
	f.Add(strings.Replace(whole, `"version":1`, `"version":2`, 1), "")
	f.Add(strings.Replace(whole, `"schema_version":1`, `"schema_version":2`, 1), "")
	f.Add(strings.Replace(whole, `"7"`, `"8"`, 1), "")
	f.Fuzz(func(t *testing.T, text, line string) {
		if sum, err := readExport(strings.NewReader(text)); err == nil {
			checkExport(t, text, sum)
		}
		it, err := parseItem([]byte(line))
		if err != nil {
			return
		}
		again, err := appendItem(nil, it)
		if err != nil || string(again) != line {
			t.Fatalf("%q is written as %q (%v)", line, again, err)
		}
		if strings.Contains(line, "\n") {
			t.Errorf("%q is an item on two lines", line)
		}
		// A file with this line is read to its end, unless the item is one that the
		// program itself keeps or does not know, and its loss is seen.
		text = exportOf(t, line)
		if _, err := readExport(strings.NewReader(text)); err != nil && ddb.KeyOf(it).PK != "SYSTEM" && dynamo.KindOf(ddb.KeyOf(it)) != dynamo.Unknown {
			t.Errorf("an export of %q: %v", line, err)
		}
		if _, err := readExport(strings.NewReader(strings.Replace(text, line+"\n", "", 1))); err == nil {
			t.Errorf("the loss of %q is not seen", line)
		}
	})
}

func checkExport(t *testing.T, text string, sum exportSum) {
	t.Helper()
	if lines := int64(strings.Count(strings.TrimSuffix(text, "\n"), "\n")) - 1; sum.records != lines {
		t.Errorf("%d records of %d lines", sum.records, lines)
	}
	if sum.header.Format != exportFormat || sum.header.Version != exportVersion || sum.header.Schema != dynamo.SchemaVersion || sum.header.ID == "" {
		t.Errorf("the header is %+v", sum.header)
	}
	for n := 1; n < 10; n++ {
		cut := len(strings.TrimSuffix(text, "\n")) * n / 10
		if _, err := readExport(strings.NewReader(text[:cut])); err == nil {
			t.Errorf("the first %d of %d bytes are an export of their own", cut, len(text))
		}
	}
}

// TestBadExports reads files that are not all of an export.
func TestBadExports(t *testing.T) {
	t.Parallel()
	whole := exportOf(t, itemLines[:2]...)
	lines := strings.SplitAfter(whole, "\n")
	for name, c := range map[string]struct{ text, want string }{
		"empty":             {"", "not a file that tocsin export has written"},
		"another file":      {"tag: earth\n", "not a file that tocsin export has written"},
		"another JSON":      {"{}\n", "not a file that tocsin export has written"},
		"no line ends":      {strings.Repeat("x", maxExportLine+1), "not a file that tocsin export has written"},
		"a newer format":    {strings.Replace(whole, `"version":1`, `"version":2`, 1), "version 2 of the export format, this program reads 1"},
		"a newer schema":    {strings.Replace(whole, `"schema_version":1`, `"schema_version":2`, 1), "schema version 2, this program works with 1"},
		"only a header":     {lines[0], "the file is cut"},
		"no trailer":        {lines[0] + lines[1] + lines[2], "the file is cut"},
		"half a trailer":    {whole[:len(whole)-10], "the file is cut"},
		"half a line":       {lines[0] + lines[1][:20], "the file is cut"},
		"a line lost":       {lines[0] + lines[2] + lines[3], "the file has 1 records, but its last line says 2"},
		"a line twice":      {lines[0] + lines[1] + lines[1] + lines[2] + lines[3], "the file has 3 records, but its last line says 2"},
		"a line changed":    {strings.Replace(whole, `"7"`, `"8"`, 1), "its checksum is another"},
		"another table":     {strings.Replace(whole, `"table":"test"`, `"table":"text"`, 1), "its checksum is another"},
		"more after it":     {whole + lines[1], "line 5: it comes after the end"},
		"a long line":       {lines[0] + strings.Repeat("x", maxExportLine+1), "line 2: it is longer than a record can be"},
		"no record":         {exportOf(t, `{"pk":{"S":"P"}}`), "line 2: it is a record without the key sk"},
		"a counter of text": {exportOf(t, `{"n":{"S":"7"},"pk":{"S":"SYSTEM"},"sk":{"S":"COUNTER#incident"}}`), "line 2: it is a counter without a number"},
		"a mark":            {exportOf(t, `{"pk":{"S":"SYSTEM"},"sk":{"S":"IMPORT"}}`), "line 2: it is a record that no export has"},
		"unknown keys":      {exportOf(t, `{"pk":{"S":"PAGE#1"},"sk":{"S":"META"}}`), `line 2: it is a record of a kind that this program does not know, "PAGE#1" "META"`},
		"an unknown part":   {exportOf(t, `{"pk":{"S":"INCIDENT#1"},"sk":{"S":"OTHER#1"}}`), `does not know, "INCIDENT#1" "OTHER#1"`},
		"an unknown number": {exportOf(t, `{"n":{"N":"1"},"pk":{"S":"SYSTEM"},"sk":{"S":"COUNTER#planet"}}`), `does not know, "SYSTEM" "COUNTER#planet"`},
		"no id":             {exportOf(t, `{"pk":{"S":"INCIDENT#"},"sk":{"S":"META"}}`), "does not know"},
		"a large record":    {exportOf(t, largeLine(400<<10+1)), "line 2: it has 409601 bytes, and DynamoDB takes records of at most 409600"},
		"a long key":        {exportOf(t, `{"pk":{"S":"MONITORS"},"sk":{"S":"`+strings.Repeat("a", 1025)+`"}}`), "line 2: its key sk is not a text of at most 1024 bytes"},
		"a long number":     {exportOf(t, `{"n":{"N":"`+strings.Repeat("1", 39)+`"},"pk":{"S":"MONITORS"},"sk":{"S":"a"}}`), `line 2: its attribute "n" has the number "` + strings.Repeat("1", 39) + `", which DynamoDB does not take`},
		"no number":         {exportOf(t, `{"n":{"N":"NaN"},"pk":{"S":"MONITORS"},"sk":{"S":"a"}}`), `line 2: its attribute "n" has the number "NaN", which DynamoDB does not take`},
		"a number deep in":  {exportOf(t, `{"m":{"M":{"x":{"L":[{"N":"1E126"}]}}},"pk":{"S":"MONITORS"},"sk":{"S":"a"}}`), `line 2: its attribute "m" has the number "1E126", which`},
		"a number of a set": {exportOf(t, `{"n":{"NS":["1","1E-131"]},"pk":{"S":"MONITORS"},"sk":{"S":"a"}}`), `line 2: its attribute "n" has the number "1E-131", which`},
		"deep lists":        {exportOf(t, deepLine(32)), `line 2: its attribute "a" has more than 31 lists and maps in each other`},
		"a map too deep":    {exportOf(t, strings.Replace(deepLine(31), `[]`, `[{"M":{}}]`, 1)), `line 2: its attribute "a" has more than 31 lists and maps in each other`},
		"a long name":       {exportOf(t, namedLine(1<<16)), `line 2: the name of its attribute "` + strings.Repeat("n", 50) + `"… has 65536 bytes, and DynamoDB takes at most 65535`},
		"a long name in it": {exportOf(t, `{"m":{"M":{"`+strings.Repeat("n", 1<<16)+`":{"S":""}}},"pk":{"S":"MONITORS"},"sk":{"S":"a"}}`), "has 65536 bytes, and DynamoDB takes at most 65535"},
		"twice too large":   {exportOf(t, indexedLine(200<<10+1)), "line 2: it has 204801 bytes, and DynamoDB takes records of at most 204800 that are also in a local index"},
		"two schemas":       {exportOf(t, `{"pk":{"S":"SYSTEM"},"sk":{"S":"SCHEMA"},"version":{"N":"2"}}`), "line 2: the table has schema version 2"},
	} {
		if _, err := readExport(strings.NewReader(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if _, err := readExport(strings.NewReader(strings.TrimSuffix(whole, "\n"))); err != nil {
		t.Errorf("without the last line end: %v", err)
	}
	broken := errors.New("a disk that breaks")
	if _, err := readExport(struct {
		io.Reader
		io.Seeker
	}{io.MultiReader(strings.NewReader(lines[0]), errReader{broken}), strings.NewReader("")}); !errors.Is(err, broken) {
		t.Errorf("a disk that breaks: %v", err)
	}
}

// largeLine is the line of a monitor of so many bytes.
func largeLine(size int) string {
	const rest = len("apkMONITORSska")
	return `{"a":{"S":"` + strings.Repeat("x", size-rest) + `"},"pk":{"S":"MONITORS"},"sk":{"S":"a"}}`
}

// indexedLine is such a line of a monitor that is in the local index.
func indexedLine(size int) string {
	const more = `"lsi1sk":{"S":"1"},`
	return strings.Replace(largeLine(size-len("lsi1sk1")), `"pk"`, more+`"pk"`, 1)
}

// deepLine is the line of a monitor with so many lists in each other.
func deepLine(lists int) string {
	return `{"a":` + strings.Repeat(`{"L":[`, lists) + strings.Repeat(`]}`, lists) + `,"pk":{"S":"MONITORS"},"sk":{"S":"a"}}`
}

// namedLine is the line of a monitor with an attribute that has a name of so many bytes.
func namedLine(size int) string {
	return `{"` + strings.Repeat("n", size) + `":{"S":""},"pk":{"S":"MONITORS"},"sk":{"S":"a"}}`
}

// largestLines are lines of items that DynamoDB just takes.
func largestLines() map[string]string {
	return map[string]string{
		"large": largeLine(400 << 10), "large and in the local index": indexedLine(200 << 10), "deep": deepLine(31), "a long name": namedLine(1<<16 - 1),
		"a scalar in it": strings.Replace(deepLine(31), `[]`, `[{"N":"1"}]`, 1),
	}
}

// TestLimits shows what is just small enough for DynamoDB.
func TestLimits(t *testing.T) {
	t.Parallel()
	for name, line := range largestLines() {
		if _, err := readExport(strings.NewReader(exportOf(t, line))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for s, want := range map[string]string{
		"0": "0", "-0": "0", "0.000": "0", "0E9999": "0", "7": "7E0", "-7": "-7E0", "70": "7E1", "7E1": "7E1", "7.0e+1": "7E1", "0.07": "7E-2", "1.50": "15E0", "10.05": "1005E1",
		strings.Repeat("9", 38): strings.Repeat("9", 38) + "E37", strings.Repeat("9", 38) + "000": strings.Repeat("9", 38) + "E40", strings.Repeat("9", 39): "",
		"0." + strings.Repeat("1", 38): strings.Repeat("1", 38) + "E-1", "1." + strings.Repeat("1", 38): "",
		"9.99E125": "999E125", "1E126": "", "1E+125": "1E125", "10E125": "", "1E-130": "1E-130", "-1E-130": "-1E-130", "1E-131": "", "0.1E-129": "1E-130", "0.1E-130": "",
		"1" + strings.Repeat("0", 125): "1E125", "1" + strings.Repeat("0", 126): "",
		"": "", "01": "", "+1": "", "1.": "", ".1": "", "0x1": "", "NaN": "", "1E": "", " 1": "", "1E99999999999999999999": "", "\"1\"": "",
	} {
		got, ok := number(s)
		if !ok {
			got = ""
		}
		if got != want {
			t.Errorf("number(%q) = %q, %t, want %q", s, got, ok, want)
		}
	}
	for _, sets := range []string{`{"NS":["1","1.0"]}`, `{"NS":["0","-0"]}`, `{"BS":["AA==","AA=="]}`, `{"NS":["1","1E126"]}`} {
		if _, err := parseItem([]byte(`{"a":` + sets + `,"pk":{"S":"P"},"sk":{"S":"S"}}`)); err == nil {
			t.Errorf("%s is a set", sets)
		}
	}
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }
