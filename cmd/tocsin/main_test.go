package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/demo"
	"tocsin/internal/dynamo"
	"tocsin/internal/dynamotest"
	"tocsin/internal/statuspage"
	"tocsin/internal/version"
)

// tocsin runs the command to its end.
func tocsin(t *testing.T, env map[string]string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = run(t.Context(), args, console{func(name string) string { return env[name] }, &out, &errs})
	return status, out.String(), errs.String()
}

// server is a tocsin serve that runs.
type server struct {
	url    string
	hello  string // what it printed after the ready line
	stop   context.CancelFunc
	exited chan int
	stderr *bytes.Buffer // to be read after the end
}

func startServer(t *testing.T, env map[string]string, args ...string) *server {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, w := io.Pipe()
	s := &server{stop: cancel, exited: make(chan int, 1), stderr: &bytes.Buffer{}}
	go func() {
		s.exited <- run(ctx, append([]string{"serve"}, args...), console{func(name string) string { return env[name] }, w, s.stderr})
		w.Close()
	}()
	t.Cleanup(func() { s.stopAndWait(t) })
	lines := bufio.NewReader(r)
	first, err := lines.ReadString('\n')
	if err != nil {
		cancel()
		status := <-s.exited
		close(s.exited)
		t.Fatalf("serve ended with %d: %s", status, s.stderr)
	}
	ready := regexp.MustCompile(`^ready (http://127\.0\.0\.1:\d+)\n$`).FindStringSubmatch(first)
	if ready == nil {
		t.Fatalf("the first line is %q", first)
	}
	s.url = ready[1]
	for !strings.Contains(s.hello, "# all incidents\ncurl") && !strings.Contains(s.hello, "--from-kener") {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("serve printed only %s", s.hello)
		}
		s.hello += line
	}
	go io.Copy(io.Discard, lines)
	return s
}

func (s *server) stopAndWait(t *testing.T) {
	t.Helper()
	s.stop()
	status, running := <-s.exited
	if !running {
		return
	}
	close(s.exited)
	if status != 0 {
		t.Errorf("serve ended with %d: %s", status, s.stderr)
	}
}

// key is the API key that the server printed, "" for none.
func (s *server) key() string {
	return regexp.MustCompile(`kener_[0-9a-f]{64}`).FindString(s.hello)
}

// call sends a request and decodes the answer, which must be a success.
func call(t *testing.T, url, key, body string) map[string]any {
	t.Helper()
	method, reader := http.MethodGet, io.Reader(nil)
	if body != "" {
		method, reader = http.MethodPost, strings.NewReader(body)
	}
	req, err := http.NewRequest(method, url, reader)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded") // as curl -d does
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer map[string]any
	if resp.StatusCode >= 300 || json.Unmarshal(text, &answer) != nil {
		t.Fatalf("%s %s %s: %s %s", method, url, body, resp.Status, text)
	}
	return answer
}

// monitorTags lists the server's monitors.
func (s *server) monitorTags(t *testing.T, key string) []string {
	t.Helper()
	tags := []string{}
	for _, m := range call(t, s.url+"/api/v4/monitors", key, "")["monitors"].([]any) {
		tags = append(tags, m.(map[string]any)["tag"].(string))
	}
	return tags
}

// freePort returns a port that is free for now, and forgets what the tests' server
// on it leaves.
func freePort(t *testing.T, dir string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	t.Cleanup(func() {
		os.RemoveAll(dataDir(dir, port))
		os.Remove(dataDir(dir, port) + ".lock")
	})
	return strconv.Itoa(port)
}

// rootFlags let the command run in the test's folder.
func rootFlags(t *testing.T) (flags []string, dir string) {
	root := dynamotest.Root(t)
	dir = filepath.Join(root, ".local")
	return []string{"--dir", dir, "--pom", filepath.Join(root, "infra", "local", "pom.xml"), "--template", filepath.Join(root, "template.yaml")}, dir
}

var curlLine = regexp.MustCompile(`curl -sS (\S+) -H "Authorization: Bearer (\S+)"(?: -d '([^']*)')?`)

// TestServeTwice runs the server, stops it, and runs it again on its data.
func TestServeTwice(t *testing.T) {
	flags, dir := rootFlags(t)
	env := map[string]string{"PORT": freePort(t, dir)}
	first := startServer(t, env, flags...)
	if first.url != "http://127.0.0.1:"+env["PORT"] {
		t.Errorf("ready at %s, want port %s", first.url, env["PORT"])
	}
	key := first.key()
	want := []string{"api", "email", "accounts", "checkout", "search", "website"}
	if diff := cmp.Diff(want, first.monitorTags(t, key)); diff != "" {
		t.Errorf("example monitors (-want +got):\n%s", diff)
	}
	calls := curlLine.FindAllStringSubmatch(first.hello, -1)
	if len(calls) != 4 {
		t.Errorf("%d calls to try in %s", len(calls), first.hello)
	}
	var answer map[string]any
	for _, c := range calls {
		if !strings.Contains(c[1], "$ID") {
			answer = call(t, c[1], c[2], c[3])
		}
	}
	if list := fmt.Sprint(answer); strings.Count(list, "title:") != 4 || !strings.Contains(list, "title:Checkout is slow") {
		t.Errorf("after the calls the incidents are %s", list)
	}

	status, _, stderr := tocsin(t, env, append([]string{"serve"}, flags...)...)
	if want := "tocsin: port " + env["PORT"] + " is taken: "; status != 1 || !strings.HasPrefix(stderr, want) {
		t.Errorf("a second server: %d %q, want %q", status, stderr, want)
	}

	local := []string{"--local", "--dir", dir}
	status, created, stderr := tocsin(t, env, append([]string{"keys", "create", "--name", "reader", "--scope", "monitors:read", "--expires", "30d"}, local...)...)
	created = strings.TrimSpace(created)
	if status != 0 || !statuspage.ValidSecret(created) || !strings.Contains(stderr, "key 2 (reader), scopes monitors:read, expires 2") {
		t.Fatalf("keys create: %d %q %q", status, created, stderr)
	}
	first.monitorTags(t, created)
	if status, stdout, _ := tocsin(t, env, append([]string{"keys", "revoke", "2"}, local...)...); status != 0 || !strings.HasPrefix(stdout, "key 2 (reader) revoked at 2") {
		t.Errorf("keys revoke: %d %q", status, stdout)
	}
	if status, _, stderr := tocsin(t, env, append([]string{"keys", "revoke", "9"}, local...)...); status != 1 || stderr != "tocsin: there is no key 9: tocsin keys list shows them\n" {
		t.Errorf("keys revoke of no key: %d %q", status, stderr)
	}
	_, list, _ := tocsin(t, env, append([]string{"keys", "list"}, local...)...)
	if rows := strings.Split(list, "\n"); len(rows) != 4 || !strings.Contains(rows[1], `"make run"`) || !strings.Contains(rows[2], `"reader"`) {
		t.Errorf("keys list: %s", list)
	}
	if strings.Contains(list, "kener_") || strings.Contains(list, statuspage.HashSecret(key)) {
		t.Errorf("keys list shows a key: %s", list)
	}

	first.stopAndWait(t)
	if status, _, stderr := tocsin(t, env, append([]string{"keys", "list"}, local...)...); status != 1 || !strings.HasPrefix(stderr, "tocsin: nothing serves on port "+env["PORT"]) {
		t.Errorf("keys list after the end: %d %q", status, stderr)
	}

	second := startServer(t, env, flags...)
	number, err := strconv.Atoi(env["PORT"])
	if err != nil {
		t.Fatal(err)
	}
	file, data := keyFile(dir, number), dataDir(dir, number)
	if !strings.Contains(first.hello, "Data: kept in "+data+"; the same") || !strings.Contains(first.hello, "API key: "+key+" (kept in "+file+")\n") ||
		!strings.Contains(first.hello, "start without them: make run FRESH=1 DATA=none PORT="+env["PORT"]+"\n") {
		t.Errorf("the first run says %s", first.hello)
	}
	if second.key() != "" || !strings.Contains(second.hello, "Data: kept in "+data+", as earlier runs have left it; the same command with FRESH=1 deletes it first\nDemo: ") ||
		!strings.Contains(second.hello, "API key: that of the first run, in "+file+"\n") ||
		!strings.Contains(second.hello, "\nKEY=$(cat "+file+")\n") || !strings.Contains(second.hello, "Bearer $KEY") {
		t.Errorf("the second run says %s", second.hello)
	}
	if kept, err := os.ReadFile(file); err != nil || string(kept) != key+"\n" {
		t.Errorf("the file of the key has %q, %v", kept, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if diff := cmp.Diff(want, second.monitorTags(t, key)); diff != "" {
		t.Errorf("monitors of the second run (-want +got):\n%s", diff)
	}
	second.stopAndWait(t)

	// The key in the file is none of this table.
	if err := os.WriteFile(file, []byte(statuspage.NewSecret()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	third := startServer(t, env, flags...)
	if strings.Contains(third.hello, file) || !strings.Contains(third.hello, "API key: the one that the first run showed is still valid; make another with\n  "+quoted(os.Args[0])+" keys create --local --port "+env["PORT"]+" --name NAME\n") {
		t.Errorf("the third run says %s", third.hello)
	}
	third.stopAndWait(t)

	// Afresh, with all else below the folder as it was.
	other := filepath.Join(dataDir(dir, number+1), "kept-by-a-test")
	if err := os.MkdirAll(other, 0o700); err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(other)
	env["FRESH"], env["DATA"] = "1", "none"
	fourth := startServer(t, env, flags...)
	if fourth.key() == "" || fourth.key() == key || !strings.Contains(fourth.hello, "Data: kept in "+data+"; the same") {
		t.Errorf("afresh it says %s", fourth.hello)
	}
	if list := fmt.Sprint(call(t, fourth.url+"/api/v4/incidents", fourth.key(), "")["incidents"]); list != "[]" || strings.Contains(fourth.hello, "Demo:") {
		t.Errorf("afresh it has the incidents %s, and says %s", list, fourth.hello)
	}
	if tags := fourth.monitorTags(t, fourth.key()); len(tags) > 0 {
		t.Errorf("afresh it has the monitors %v", tags)
	}
	if _, err := os.Stat(other); err != nil {
		t.Error(err)
	}
}

// TestServeOnDataInUse has servers on one port and two addresses. The data is that of the
// first alone, also when it keeps none: other commands find its engine there.
func TestServeOnDataInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Skip("this machine has no second address")
	}
	l.Close()
	flags, dir := rootFlags(t)
	port := freePort(t, dir)
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	first := startServer(t, map[string]string{"PORT": port, "DATA": "memory"}, flags...)
	kept := filepath.Join(dataDir(dir, number), "kept")
	if err := os.WriteFile(kept, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	endpoint, err := os.ReadFile(endpointFile(dir, number))
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("tocsin: the data of port %d, in %s, is another server's that runs: stop it, or choose another port, for instance PORT=%d\n", number, dataDir(dir, number), number+1)
	for _, env := range []map[string]string{{"FRESH": "1"}, {}, {"DATA": "memory"}, {"DATA": "demo"}} {
		env["PORT"] = port
		// The time is for a server that would start.
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		var out, errs bytes.Buffer
		status := run(ctx, append([]string{"serve", "--host", "127.0.0.2"}, flags...), console{func(name string) string { return env[name] }, &out, &errs})
		cancel()
		if status != 1 || out.Len() > 0 || errs.String() != want {
			t.Errorf("%v: %d %q %q, want %q", env, status, &out, &errs, want)
		}
		if _, err := os.Stat(kept); err != nil {
			t.Errorf("%v: %v", env, err)
		}
		if now, err := os.ReadFile(endpointFile(dir, number)); err != nil || string(now) != string(endpoint) {
			t.Errorf("%v: the first server's engine is at %q, %v, want %q", env, now, err, endpoint)
		}
	}
	// What the first leaves is the next one's.
	first.stopAndWait(t)
	unlock, err := lockData(dir, number)
	if err != nil {
		t.Fatal(err)
	}
	unlock()
}

func TestServeProgram(t *testing.T) {
	file := filepath.Join(t.TempDir(), "its own", "tocsin")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", filepath.Dir(file))
	for started, want := range map[string]string{
		file:               "'" + file + "'",
		"tocsin":           "tocsin",
		"nowhere/tocsin":   ".local/bin/tocsin",
		"tocsin-nowhere":   ".local/bin/tocsin",
		filepath.Dir(file): ".local/bin/tocsin",
	} {
		if got := program(started); got != want {
			t.Errorf("started as %s: %s, want %s", started, got, want)
		}
	}
}

// TestServeDemo starts with 90 days of demo data.
func TestServeDemo(t *testing.T) {
	flags, dir := rootFlags(t)
	env := map[string]string{"PORT": freePort(t, dir), "DATA": "demo", "CLOSER": "off"}
	began := time.Now()
	s := startServer(t, env, flags...)
	t.Logf("ready after %s", time.Since(began))
	key := s.key()
	states := map[string]int{}
	for _, i := range call(t, s.url+"/api/v4/incidents", key, "")["incidents"].([]any) {
		i := i.(map[string]any)
		states[i["state"].(string)]++
		comments := call(t, fmt.Sprintf("%s/api/v4/incidents/%v/comments", s.url, i["id"]), key, "")["comments"].([]any)
		if len(comments) == 0 {
			t.Errorf("no comments on %v", i["title"])
		}
	}
	if diff := cmp.Diff(map[string]int{"RESOLVED": 2, "MONITORING": 1}, states); diff != "" {
		t.Errorf("incidents by state (-want +got):\n%s", diff)
	}
	for _, m := range demo.Monitors() {
		days := call(t, s.url+"/api/v4/monitors/"+m.Tag+"/uptime?days=90", key, "")["uptime"].(map[string]any)["days"].([]any)
		for n, d := range days {
			d := d.(map[string]any)
			minutes := d["minutes_up"].(float64) + d["minutes_degraded"].(float64) + d["minutes_down"].(float64)
			if today := n == 0 || n == len(days)-1; !today && (minutes != 24*60 || d["uptime"].(float64) < 90) || len(days) != 90 {
				t.Errorf("%s, %d days, one of them %v", m.Tag, len(days), d)
			}
		}
	}
	for _, c := range curlLine.FindAllStringSubmatch(s.hello, -1) {
		if !strings.Contains(c[1], "$ID") {
			call(t, c[1], c[2], c[3])
		}
	}
	if strings.Contains(s.hello, "kept in") || !strings.Contains(s.hello, "start without them: make run DATA=none PORT="+env["PORT"]+"\n") {
		t.Errorf("it says %s", s.hello)
	}
}

func TestServeInMemory(t *testing.T) {
	flags, dir := rootFlags(t)
	key := statuspage.NewSecret()
	env := map[string]string{
		"PORT": freePort(t, dir), "DATA": "memory", "API_KEY": key, "SITE_URL": "https://status.example.com", "ALLOWED_ORIGINS": "https://status.example.com",
	}
	s := startServer(t, env, flags...)
	if s.key() != key {
		t.Errorf("it printed the key %q", s.key())
	}
	if tags := s.monitorTags(t, key); len(tags) != 0 {
		t.Errorf("it has the monitors %v", tags)
	}
	calls := curlLine.FindAllStringSubmatch(s.hello, -1)
	if len(calls) != 5 {
		t.Errorf("%d calls to try in %s", len(calls), s.hello)
	}
	var answer map[string]any
	for _, c := range calls {
		answer = call(t, c[1], c[2], c[3])
	}
	if list := fmt.Sprint(answer); !strings.Contains(list, "url:https://status.example.com/incidents/1") {
		t.Errorf("after the calls the incidents are %s", list)
	}
	req, err := http.NewRequest(http.MethodOptions, s.url+"/api/v4/incidents", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{"Origin": {env["ALLOWED_ORIGINS"]}, "Access-Control-Request-Method": {http.MethodPost}}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if origin := resp.Header.Get("Access-Control-Allow-Origin"); resp.StatusCode != http.StatusNoContent || origin != env["ALLOWED_ORIGINS"] {
		t.Errorf("a preflight request is answered %s for the origin %q", resp.Status, origin)
	}
}

// TestServeRunsSchedules starts the server on a table with a rule about missing data
// whose time has come.
func TestServeRunsSchedules(t *testing.T) {
	flags, dir := rootFlags(t)
	env := map[string]string{"PORT": freePort(t, dir), "DATA": "none"}
	first := startServer(t, env, flags...)
	key := first.key()
	call(t, first.url+"/api/v4/monitors", key, `{"tag":"earth","name":"Earth"}`)
	port, err := strconv.Atoi(env["PORT"])
	if err != nil {
		t.Fatal(err)
	}
	endpoint, err := readEndpoint(dir, port)
	if err != nil {
		t.Fatal(err)
	}
	_, err = dynamo.New(newLocalClient(endpoint), localTable).CreateAlertRule(t.Context(), statuspage.NewAlertRule{
		Condition: statuspage.Condition{For: statuspage.AlertNoData, Limit: 5, Failures: 1, Successes: 1},
		Tags:      []string{"earth"}, Severity: statuspage.Warning, CreateIncident: true, Active: true,
	}, time.Now().Unix()-3600, nil)
	if err != nil {
		t.Fatal(err)
	}
	first.stopAndWait(t)
	second := startServer(t, env, flags...)
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		alerts := fmt.Sprint(call(t, second.url+"/api/v4/alerts?monitor_tag=earth", key, "")["alerts"])
		if strings.Contains(alerts, "alert_status:TRIGGERED") && strings.Contains(alerts, "incident_id:1") {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("alerts %s", alerts)
		}
	}
	second.stopAndWait(t)
}

// TestEngineCommand hands the engine's address to a command and passes on its exit
// status.
func TestEngineCommand(t *testing.T) {
	flags, _ := rootFlags(t)
	args := append([]string{"engine", "--memory"}, flags[:4]...)
	status, stdout, stderr := tocsin(t, nil, append(args, "--", "sh", "-c", "echo at $TOCSIN_TEST_ENDPOINT; exit 7")...)
	if status != 7 || !strings.HasPrefix(stdout, "at http://127.0.0.1:") {
		t.Errorf("status %d, output %q %q", status, stdout, stderr)
	}
	if status, _, stderr := tocsin(t, nil, append(args, "--", "/nowhere")...); status != 1 || !strings.HasPrefix(stderr, "tocsin: fork/exec /nowhere") {
		t.Errorf("no such command: %d %q", status, stderr)
	}
}

func TestVersion(t *testing.T) {
	status, stdout, stderr := tocsin(t, nil, "version")
	if want := "tocsin " + version.String() + "\n"; status != 0 || stdout != want || stderr != "" {
		t.Errorf("%d %q %q, want %q", status, stdout, stderr, want)
	}
}

func TestRefusals(t *testing.T) {
	flags, _ := rootFlags(t)
	template := flags[4:]
	key := statuspage.NewSecret()
	tests := []struct {
		name string
		env  map[string]string
		args []string
		want string
	}{
		{"unknown command", nil, []string{"server"}, `unknown command "server" for "tocsin"`},
		{"unknown keys command", nil, []string{"keys", "delete"}, `unknown command "delete" for "tocsin keys"`},
		{"port", map[string]string{"PORT": "http"}, []string{"serve"}, `the port must be a number from 0 to 65535 (0: any free one), not "http"`},
		{"data", map[string]string{"DATA": "disk"}, []string{"serve"}, `DATA must be one of demo, empty, memory, none, or left out, not "disk"`},
		{"fresh", map[string]string{"FRESH": "yes"}, []string{"serve"}, `FRESH must be 1, or left out, not "yes"`},
		{"nothing to be fresh", map[string]string{"FRESH": "1", "DATA": "memory"}, []string{"serve"},
			"FRESH deletes the data that tocsin keeps itself, which is none with DATA=demo, DATA=memory or DYNAMODB_ENDPOINT: leave one of them out"},
		{"short API key", map[string]string{"API_KEY": "secret"}, []string{"serve"}, "API_KEY must be kener_ and 64 lower-case hexadecimal digits; leave it out to have one made"},
		{"API key elsewhere", map[string]string{"API_KEY": key, "DYNAMODB_ENDPOINT": "http://dynamodb.eu-central-1.amazonaws.com"}, []string{"serve"},
			"API_KEY is for an engine on this machine, which http://dynamodb.eu-central-1.amazonaws.com is not: leave it out and make a key with tocsin keys create"},
		{"endpoint", map[string]string{"DYNAMODB_ENDPOINT": "localhost:8000"}, []string{"serve"}, `DYNAMODB_ENDPOINT must be an address like http://127.0.0.1:8000, not "localhost:8000"`},
		{"no template", nil, []string{"serve", "--port", "0", "--template", "nowhere.yaml"}, "reading the template: open nowhere.yaml: no such file or directory"},
		{"site URL", map[string]string{"PORT": "0", "SITE_URL": "status"}, append([]string{"serve"}, template...), template[1] + `: Parameters.SiteUrl: must be empty or an address that starts with http:// or https://, of at most 90 characters, not "status"`},
		{"allowed origins", map[string]string{"PORT": "0", "ALLOWED_ORIGINS": "https://a.example/"}, append([]string{"serve"}, template...),
			template[1] + `: Parameters.AllowedOrigins: must be empty, * or origins like https://status.example.com (no path), separated by commas without blanks, not "https://a.example/"`},
		{"allowed origins by flag", map[string]string{"PORT": "0", "ALLOWED_ORIGINS": "*"}, append([]string{"serve", "--allowed-origins", "a b"}, template...),
			template[1] + `: Parameters.AllowedOrigins: must be empty, * or origins like https://status.example.com (no path), separated by commas without blanks, not "a b"`},
		{"no table", nil, []string{"keys", "list"}, "say which table: either --local or --table NAME"},
		{"two tables", nil, []string{"keys", "list", "--local", "--table", "x"}, "say which table: either --local or --table NAME"},
		{"no server", nil, []string{"keys", "list", "--local", "--port", "1", "--dir", t.TempDir()}, "nothing serves on port 1: start it with make run, or name its port with --port"},
		{"no name", nil, []string{"keys", "create", "--local"}, "say what the key is for: --name NAME"},
		{"unknown scope", nil, []string{"keys", "create", "--local", "--name", "x", "--scope", "all"}, `unknown scope "all": choose from incidents:read,incidents:write,monitors:read,monitors:write,status:write,pages:read,pages:write,integrations:read,integrations:write,admin`},
		{"no key", nil, []string{"keys", "revoke", "--local"}, "say which key: tocsin keys revoke ID"},
		{"key id", nil, []string{"keys", "revoke", "--local", "0"}, `"0" is no id of a key: tocsin keys list shows them`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			status, stdout, stderr := tocsin(t, test.env, test.args...)
			if status != 1 || stdout != "" || stderr != "tocsin: "+test.want+"\n" {
				t.Errorf("status %d, stdout %q, stderr\n%swant\ntocsin: %s", status, stdout, stderr, test.want)
			}
		})
	}
}

// TestStaleEndpoint has the file of a server that was killed.
func TestStaleEndpoint(t *testing.T) {
	dir := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	endpoint := "http://" + l.Addr().String()
	remove, err := writeEndpoint(dir, 3000, endpoint)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := readEndpoint(dir, 3000); got != endpoint || err != nil {
		t.Errorf("endpoint %q, %v", got, err)
	}
	l.Close()
	if _, err := readEndpoint(dir, 3000); err == nil {
		t.Error("an endpoint where nothing listens was accepted")
	}
	remove()
	if _, err := os.Stat(endpointFile(dir, 3000)); !os.IsNotExist(err) {
		t.Errorf("the file is still there (%v)", err)
	}
}

func TestNewAPIKey(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		name    string
		scopes  []string
		expires string
		want    statuspage.NewAPIKey
		err     string
	}{
		{" ci ", []string{"admin", "incidents:read", "admin"}, "", statuspage.NewAPIKey{Name: "ci", Scopes: []statuspage.Scope{"incidents:read", "admin"}}, ""},
		{"probe", []string{"status:write"}, "", statuspage.NewAPIKey{Name: "probe", Scopes: []statuspage.Scope{"status:write"}}, ""},
		{"ci", []string{"admin"}, "90d", statuspage.NewAPIKey{Name: "ci", Scopes: []statuspage.Scope{"admin"}, Expires: new(now.AddDate(0, 0, 90).Unix())}, ""},
		{"ci", []string{"admin"}, "2027-01-31", statuspage.NewAPIKey{Name: "ci", Scopes: []statuspage.Scope{"admin"}, Expires: new(int64(1801353600))}, ""},
		{"ci", []string{"admin"}, "2027-01-31T01:00:00+01:00", statuspage.NewAPIKey{Name: "ci", Scopes: []statuspage.Scope{"admin"}, Expires: new(int64(1801353600))}, ""},
		{" ", []string{"admin"}, "", statuspage.NewAPIKey{}, "say what the key is for"},
		{strings.Repeat("x", 256), []string{"admin"}, "", statuspage.NewAPIKey{}, "at most 255 characters"},
		{"ci", nil, "", statuspage.NewAPIKey{}, "allows nothing"},
		{"ci", []string{"admin"}, "2026-11-22", statuspage.NewAPIKey{}, "not in the future"},
		{"ci", []string{"admin"}, "2026-11-22T12:00:00.5Z", statuspage.NewAPIKey{}, "not in the future"}, // in whole seconds
		{"ci", []string{"admin"}, "-1d", statuspage.NewAPIKey{}, "--expires takes"},
		{"ci", []string{"admin"}, "tomorrow", statuspage.NewAPIKey{}, "--expires takes"},
		{"ci", []string{"admin"}, "4000000d", statuspage.NewAPIKey{}, "after the year 9999"},
	}
	for _, test := range tests {
		got, err := newAPIKey(test.name, test.scopes, test.expires, now)
		switch {
		case test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)):
			t.Errorf("%q %v %q: error %v, want %s", test.name, test.scopes, test.expires, err, test.err)
		case test.err == "" && (err != nil || !cmp.Equal(test.want, got)):
			t.Errorf("%q %v %q: %+v, %v", test.name, test.scopes, test.expires, got, err)
		}
	}
}

// A connection that sends nothing ends, and the largest body gets through at 1 Mbit/s.
func TestServerTimeouts(t *testing.T) {
	s := newServer(http.NotFoundHandler())
	if s.ReadHeaderTimeout <= 0 || s.IdleTimeout <= 0 || s.ReadTimeout < 80*time.Second || s.ReadTimeout > 5*time.Minute {
		t.Errorf("timeouts %s, %s, %s", s.ReadHeaderTimeout, s.ReadTimeout, s.IdleTimeout)
	}
}

func TestWriteKeys(t *testing.T) {
	var b strings.Builder
	err := writeKeys(&b, []statuspage.APIKey{
		{ID: 1, Name: "make run", Scopes: statuspage.Scopes(), Created: 1700000000},
		{ID: 12, Name: "a\tb", Scopes: []statuspage.Scope{"admin"}, Created: 1700000000, Expires: new(int64(1800000000)), Revoked: new(int64(1700000060)), LastUsed: new(int64(1700000040))},
	})
	want := `ID  NAME        SCOPES                                                                                                                                      CREATED               EXPIRES               REVOKED               LAST USED IN HOUR
1   "make run"  incidents:read,incidents:write,monitors:read,monitors:write,status:write,pages:read,pages:write,integrations:read,integrations:write,admin  2023-11-14T22:13:20Z  never                 no                    never
12  "a\tb"      admin                                                                                                                                       2023-11-14T22:13:20Z  2027-01-15T08:00:00Z  2023-11-14T22:14:20Z  2023-11-14T22Z
`
	if err != nil || b.String() != want {
		t.Errorf("%v\n%s\nwant\n%s", err, b.String(), want)
	}
}

func TestIsLoopback(t *testing.T) {
	for address, want := range map[string]bool{
		"http://127.0.0.1:8000":      true,
		"http://localhost":           true,
		"http://[::1]:8000":          true,
		"http://192.0.2.1:8000":      false,
		"http://localhost.evil:8000": false,
		"http://dynamodb:8000":       false,
		":":                          false,
	} {
		if got := isLoopback(address); got != want {
			t.Errorf("%s: %t", address, got)
		}
	}
}
