package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

// TestExportAndImport moves a server's records into another's table by a file, and into a
// third one's over the API.
func TestExportAndImport(t *testing.T) {
	flags, dir := rootFlags(t)
	start := func(data string) (*server, []string) {
		port := freePort(t, dir)
		s := startServer(t, map[string]string{"PORT": port, "DATA": data, "CLOSER": "off"}, flags...)
		return s, []string{"--local", "--port", port, "--dir", dir}
	}
	source, from := start("memory")
	key := source.key()
	call(t, source.url+"/api/v4/monitors", key, `{"tag":"earth","name":"Earth"}`)
	call(t, source.url+"/api/v4/incidents", key, `{"title":"Outage","start_date_time":1795389780,"monitors":[{"monitor_tag":"earth"}]}`)
	call(t, source.url+"/api/v4/incidents/1/comments", key, `{"comment":"Looking","state":"IDENTIFIED"}`)

	file := filepath.Join(t.TempDir(), "backup.jsonl")
	command := func(wantStatus int, want string, args ...string) string {
		t.Helper()
		status, out, errs := tocsin(t, map[string]string{"KENER_API_KEY": key, "WRONG": "kener_wrong"}, args...)
		if status != wantStatus || !strings.Contains(out+errs, want) || strings.Contains(out+errs, key) {
			t.Errorf("%q: %d, %s%s; want %d, %q", args, status, out, errs, wantStatus, want)
		}
		return out
	}
	with := func(table []string, args ...string) []string { return append(args, table...) }
	command(0, "records in ", with(from, "export", file)...)
	info, err := os.Stat(file)
	if err != nil || info.Mode() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	command(1, "backup.jsonl exists: choose another name, or say --force", with(from, "export", file)...)
	if same, err := os.ReadFile(file); err != nil || string(same) != string(text) {
		t.Errorf("the file was changed: %v", err)
	}
	command(0, "records in ", with(from, "export", "--force", file)...)
	if others, err := os.ReadDir(filepath.Dir(file)); err != nil || len(others) != 1 {
		t.Errorf("files left: %v, %v", others, err)
	}
	if text, err := os.ReadFile(file); err != nil || !strings.Contains(string(text), `"APIKEY#`) {
		t.Errorf("%s, %v", text, err)
	}
	if out := command(0, `"keys":false`, with(from, "export", "--without-keys", "-")...); strings.Contains(out, "APIKEY#") || !strings.HasPrefix(out, `{"format":"tocsin-export"`) || !strings.Contains(out, "\n"+`{"records":`) {
		t.Errorf("the standard output is %s", out)
	}
	command(1, "say which file", with(from, "export")...)
	command(1, "making the file: ", with(from, "export", filepath.Join(file, "x"))...)
	command(1, "say which table", "export", file+"2")
	if _, err := os.Stat(file + "2"); err == nil {
		t.Error("a file was made for no export")
	}

	target, to := start("empty")
	importing := quoted(os.Args[0]) + " import --local --port " + to[2]
	if want := "; the same command with FRESH=1 deletes it first\n\nNothing is here yet. Import what tocsin export has written, or a Kener:\n\n" + importing + " FILE\n" +
		"KENER_API_KEY=kener_... " + importing + " --from-kener https://status.example.org\n"; !strings.HasSuffix(target.hello, want) || strings.Contains(target.hello, "curl") {
		t.Errorf("an empty server says %s, want at its end %s", target.hello, want)
	}
	cut := filepath.Join(t.TempDir(), "cut.jsonl")
	if err := os.WriteFile(cut, text[:len(text)-50], 0o600); err != nil {
		t.Fatal(err)
	}
	command(1, "importing "+cut+": the file is cut", with(to, "import", cut)...)
	command(1, "opening the file: ", with(to, "import", cut+"2")...)
	command(1, "write it to a file first", with(to, "import", "-")...)
	command(1, "either tocsin import FILE or tocsin import --from-kener URL", with(to, "import")...)
	command(1, "either tocsin import FILE or tocsin import --from-kener URL", with(to, "import", "--from-kener", source.url, file)...)
	command(1, "the table has records that are not of this import", with(from, "import", file)...)
	if out := command(0, " records, ", with(to, "import", file)...); !regexp.MustCompile(`^export \S+ of \S+: (\d+) records, \d+ put\n$`).MatchString(out) {
		t.Errorf("a first import says %s", out)
	}
	command(0, "is in the table already: nothing to do", with(to, "import", file)...)
	same := func(path string, s *server, key string) {
		t.Helper()
		was, is := call(t, source.url+path, source.key(), ""), call(t, s.url+path, key, "")
		if d := cmp.Diff(strings.ReplaceAll(fmt.Sprint(was), source.url, "URL"), strings.ReplaceAll(fmt.Sprint(is), s.url, "URL")); d != "" {
			t.Errorf("%s (-was +is):\n%s", path, d)
		}
	}
	same("/api/v4/incidents", target, key)
	same("/api/v4/incidents/1/comments", target, key)

	other, to := start("memory")
	command(1, "no API key of Kener: put one into the environment variable NONE", with(to, "import", "--from-kener", source.url, "--api-key-env", "NONE")...)
	command(1, "/api/v4/monitors: it does not accept the API key", with(to, "import", "--from-kener", source.url, "--api-key-env", "WRONG")...)
	command(1, "the address of Kener must be like", with(to, "import", "--from-kener", "example")...)
	command(1, "--data-days must be from 0 to 399", with(to, "import", "--from-kener", source.url, "--data-days", "400")...)
	command(0, "1 monitors, 0 points, 1 incidents, 1 comments", with(to, "import", "--from-kener", source.url, "--data-days", "2")...)
	command(0, "is in the table already: nothing to do", with(to, "import", "--from-kener", source.url)...)
	command(1, "the table was filled from another import (Kener at "+source.url, with(to, "import", "--without-keys", file)...)
	same("/api/v4/incidents", other, other.key())
	same("/api/v4/monitors", other, other.key())
	same("/api/v4/incidents/1/comments", other, other.key())

	// A server that wants to write into the terminal.
	var answer atomic.Pointer[string]
	hostile := rawServer(t, &answer)
	_, to = start("memory")
	for _, tt := range []struct{ answer, want string }{
		{"418 \x1b[31mred \x9b1m\r\n\r\n", `it answers 418 \x1b[31mred \x9b1m`},
		{"302 Found\r\nLocation: /\x9b1m\u202e\r\n\r\n", `to /\x9b1m\u202e`},
		{"200 OK\r\nContent-Type: application/json\r\n\r\n" + `{"monitors":[{"id":2,"tag":"mars","created_at":["` + "\u009b1m" + `"]}],"incidents":[],"data":[]}`, `its created_at "[\"\u009b1m\"]" is no time`},
	} {
		answer.Store(&tt.answer)
		_, out, errs := tocsin(t, map[string]string{"KENER_API_KEY": key}, with(to, "import", "--from-kener", hostile)...)
		if text := out + errs; !strings.Contains(text, tt.want) || strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) {
			t.Errorf("%q, want %q", text, tt.want)
		}
	}
}

// rawServer answers each request with a text that no HTTP server would send, and returns
// its address.
func rawServer(t *testing.T, answer *atomic.Pointer[string]) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					io.WriteString(conn, "HTTP/1.1 "+*answer.Load())
				}
			}()
		}
	}()
	return "http://" + l.Addr().String()
}
