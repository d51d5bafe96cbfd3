package upgrade

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"tocsin/internal/dynamotest"
)

var fromFlag = flag.String("from", "", "a git revision, whose program fills the table; empty: this checkout's own does")

func TestMain(m *testing.M) { dynamotest.Main(m) }

const (
	apiKey  = "kener_00000000000000000000000000000000000000000000000000000000000000aa"
	siteURL = "https://status.example.com"
	table   = "tocsin" // of every tocsin serve
)

// A program is a tocsin command and the checkout that it was built from.
type program struct{ binary, source string }

func build(t *testing.T, source string) program {
	t.Helper()
	p := program{filepath.Join(t.TempDir(), "tocsin"), source}
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", p.binary, "./cmd/tocsin")
	cmd.Dir = source
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", source, err, out)
	}
	return p
}

// A server is a program that serves the table.
type server struct {
	url  string
	stop func()
}

// serve starts the program on the engine. Nothing but requests changes the table: the
// closer is off, and no rule is about missing data.
func (p program) serve(t *testing.T) *server {
	t.Helper()
	var said bytes.Buffer
	cmd := exec.Command(p.binary, "serve", "--port", "0", "--dir", t.TempDir(), "--template", filepath.Join(p.source, "template.yaml"))
	cmd.Env = append(os.Environ(), "DYNAMODB_ENDPOINT="+dynamotest.Endpoint(t), "API_KEY="+apiKey, "SITE_URL="+siteURL, "CLOSER=off", "DATA=memory", "FRESH=") // memory: without monitors of its own
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &server{}
	stopped := false
	s.stop = func() {
		if !stopped {
			stopped = true
			_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
			if err := cmd.Wait(); err != nil {
				t.Errorf("%s ended with %v: %s", p.binary, err, &said)
			}
		}
	}
	t.Cleanup(s.stop)
	lines := bufio.NewReader(out)
	first, err := lines.ReadString('\n')
	if s.url = strings.TrimPrefix(strings.TrimSpace(first), "ready "); err != nil || s.url == "" {
		s.stop()
		t.Fatalf("%s says %q, %v: %s", p.binary, first, err, &said)
	}
	go io.Copy(io.Discard, lines)
	return s
}

// An answer is what a client sees of one.
type answer struct {
	Status int
	Body   string
	ETag   string
}

func (s *server) do(t *testing.T, method, path, body string, header ...string) answer {
	t.Helper()
	r, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+apiKey)
	for n := 0; n < len(header); n += 2 {
		r.Header.Set(header[n], header[n+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, string(text), resp.Header.Get("ETag")}
}

// A call writes. NOW in its path and body is a minute that has passed (UTC seconds), NOW-60
// the one before it, NOW-120 that before.
type call struct{ method, path, body, once string }

func (c call) at(minute int64) call {
	replace := strings.NewReplacer("NOW-120", fmt.Sprint(minute-120), "NOW-60", fmt.Sprint(minute-60), "NOW", fmt.Sprint(minute))
	c.path, c.body = replace.Replace(c.path), replace.Replace(c.body)
	return c
}

// made are writes of every kind, of both APIs. All of them succeed.
var made = []call{
	{"POST", "/api/v4/monitors", `{"tag":"earth","name":"Earth"}`, ""},
	{"POST", "/api/v4/monitors", `{"tag":"google","name":"Google"}`, ""},
	{"POST", "/api/v4/monitors", `{"tag":"api-gateway","name":"API Gateway"}`, ""},
	{"POST", "/api/v4/monitors", `{"tag":"checkout-service","name":"Checkout Service"}`, ""},
	{"POST", "/api/v4/monitors", `{"tag":"database","name":"Database"}`, ""},
	{"POST", "/api/v4/monitors", `{"tag":"search","name":"Search","description":"Finds","cron":"* * * * *","category_name":"Web","type_data":{"url":"https://search.example","n":1.5}}`, "monitor"},
	{"POST", "/api/v4/monitors", `{"tag":"mail","name":"Mail","default_status":"DOWN","confirmation_threshold":3}`, ""},
	{"POST", "/api/v4/monitors", `{"tag":"gone","name":"Gone"}`, ""},
	{"PATCH", "/api/v4/monitors/mail", `{"name":"E-mail","type_data":{"a":{"b":[1,"2",null]}}}`, ""},
	{"POST", "/api/v4/incidents", `{"title":"Search finds nothing","start_date_time":NOW-120,"monitors":[{"monitor_tag":"search","impact":"DOWN"},{"monitor_tag":"gone"},{"monitor_tag":"earth","impact":"DEGRADED"}],"auto_close_after":7200}`, "incident"},
	{"POST", "/api/v4/incidents", `{"title":"Over","start_date_time":NOW-120,"end_date_time":NOW,"monitors":[{"monitor_tag":"mail"}]}`, ""},
	{"POST", "/api/v4/incidents", `{"title":"A mistake","start_date_time":NOW}`, ""},
	{"POST", "/api/v4/incidents/1/comments", `{"comment":"Looking","state":"INVESTIGATING"}`, "comment"},
	{"POST", "/api/v4/incidents/1/comments", `{"comment":"Found: <b>index</b>","state":"IDENTIFIED"}`, ""},
	{"POST", "/api/v4/incidents/1/comments", `{"comment":"Typo","state":"MONITORING"}`, ""},
	{"PATCH", "/api/v4/incidents/1/comments/2", `{"comment":"Found: the index"}`, ""},
	{"DELETE", "/api/v4/incidents/1/comments/3", ``, ""},
	{"PATCH", "/api/v4/incidents/1", `{"title":"Search finds too little","monitors":[{"monitor_tag":"search","impact":"DEGRADED"},{"monitor_tag":"gone"}]}`, ""},
	{"POST", "/api/v4/incidents/2/comments", `{"comment":"Done","state":"RESOLVED"}`, ""},
	{"DELETE", "/api/v4/incidents/3", ``, ""},
	{"DELETE", "/api/v4/monitors/gone", ``, ""},
	{"PATCH", "/api/v4/monitors/search/data", `{"start_ts":NOW-120,"end_ts":NOW-60,"status":"DEGRADED","latency":900,"deviation":50}`, ""},
	{"POST", "/api/v4/status", `{"points":[{"monitor_tag":"search","status":"UP","latency":12.5,"timestamp":NOW},{"monitor_tag":"mail","status":"DOWN","timestamp":NOW},{"monitor_tag":"earth","status":"DEGRADED","latency":0,"timestamp":NOW-60}]}`, ""},
	{"PATCH", "/api/v4/monitors/mail/data/NOW-60", `{"status":"UP","latency":5}`, ""},
	{"POST", "/api/v4/alert-rules", `{"alert_for":"STATUS","alert_value":"DOWN","monitor_tags":["database","google"],"failure_threshold":2,"create_incident":true,"description":"Call Ada."}`, "rule"},
	{"POST", "/api/v4/alert-rules", `{"alert_for":"LATENCY","alert_value":800.5,"monitor_tags":["search"],"severity":"WARNING"}`, ""},
	{"POST", "/api/v4/alert-rules", `{"alert_for":"UPTIME","alert_value":99,"monitor_tags":["earth"],"is_active":false}`, ""},
	{"POST", "/api/v4/alert-rules", `{"alert_for":"STATUS","alert_value":"DEGRADED","monitor_tags":["earth"]}`, ""},
	{"PATCH", "/api/v4/alert-rules/2", `{"alert_value":700,"success_threshold":2}`, ""},
	{"DELETE", "/api/v4/alert-rules/4", ``, ""},
	{"POST", "/api/v4/status", `{"points":[{"monitor_tag":"database","status":"DOWN","timestamp":NOW-120},{"monitor_tag":"google","status":"DOWN","timestamp":NOW-120}]}`, ""},
	{"POST", "/api/v4/status", `{"points":[{"monitor_tag":"database","status":"DOWN","timestamp":NOW-60},{"monitor_tag":"google","status":"DOWN","timestamp":NOW-60}]}`, ""},
	{"POST", "/api/v4/status", `{"points":[{"monitor_tag":"google","status":"UP","latency":3,"timestamp":NOW}]}`, ""},
	{"POST", "/api/status", `{"status":"UP","latency":7,"timestampInSeconds":NOW,"tag":"checkout-service"}`, ""},
	{"POST", "/api/incident", `{"title":"Backup is late","body":"Since this morning","tags":["database","mail"],"impact":"DEGRADED","startDatetime":NOW}`, "legacy"},
	{"POST", "/api/incident/6/comment", `{"body":"It runs again"}`, ""},
	{"POST", "/api/incident/6/status", `{"isIdentified":true}`, ""},
	{"POST", "/api/v4/keys", `{"name":"reader","scopes":["incidents:read"]}`, ""},
	{"POST", "/api/v4/keys", `{"name":"old","scopes":["admin"]}`, ""},
	{"DELETE", "/api/v4/keys/3", ``, ""},
}

// more are writes to what was made before them by another version, and new records.
var more = []call{
	{"PATCH", "/api/v4/incidents/1", `{"title":"Search finds all again","end_date_time":NOW}`, ""},
	{"POST", "/api/v4/incidents/1/comments", `{"comment":"Over","state":"RESOLVED"}`, "more-comment"},
	{"POST", "/api/v4/incidents/2/comments", `{"comment":"Not quite","state":"MONITORING"}`, ""},
	{"DELETE", "/api/v4/incidents/1/comments/1", ``, ""},
	{"POST", "/api/v4/status", `{"points":[{"monitor_tag":"database","status":"UP","latency":4,"timestamp":NOW},{"monitor_tag":"search","status":"DOWN","timestamp":NOW}]}`, ""},
	{"PATCH", "/api/v4/alert-rules/1", `{"monitor_tags":["database","search"]}`, ""},
	{"PATCH", "/api/v4/monitors/search", `{"description":null,"type_data":{"n":2}}`, ""},
	{"DELETE", "/api/v4/monitors/google", ``, ""},
	{"POST", "/api/v4/monitors", `{"tag":"chat","name":"Chat"}`, ""},
	{"POST", "/api/v4/incidents", `{"title":"Chat is quiet","start_date_time":NOW,"monitors":[{"monitor_tag":"chat"},{"monitor_tag":"search"}]}`, "more-incident"},
	{"PATCH", "/api/incident/6", `{"title":"Backup was late","tags":["database"],"isResolved":true}`, ""},
	{"DELETE", "/api/v4/keys/2", ``, ""},
}

// reads are the routes that read, with what there is to read.
func reads(t *testing.T, s *server, minute int64) []string {
	t.Helper()
	paths := []string{
		"/api/v4/incidents", "/api/v4/incidents?status=open", "/api/v4/incidents?status=closed", "/api/v4/incidents?monitor_tags=search,earth,mail",
		"/api/v4/monitors", "/api/v4/alert-rules", "/api/v4/alert-rules?monitor_tag=search", "/api/v4/alerts", "/api/v4/alerts?monitor_tag=database", "/api/v4/keys",
		"/api/incident?page=1&per_page=50", "/api/incident?state=open&tags=database",
	}
	for id := 1; id <= 8; id++ {
		paths = append(paths, fmt.Sprintf("/api/v4/incidents/%d", id), fmt.Sprintf("/api/v4/incidents/%d/comments", id), fmt.Sprintf("/api/incident/%d", id),
			fmt.Sprintf("/api/incident/%d/comment", id), fmt.Sprintf("/api/v4/alert-rules/%d", id), fmt.Sprintf("/api/v4/alerts/%d", id))
		for comment := 1; comment <= 8; comment++ {
			paths = append(paths, fmt.Sprintf("/api/v4/incidents/%d/comments/%d", id, comment))
		}
	}
	for _, tag := range []string{"earth", "google", "api-gateway", "checkout-service", "database", "search", "mail", "gone", "chat"} {
		m := "/api/v4/monitors/" + tag
		paths = append(paths, m, m+"/uptime?days=3", fmt.Sprintf("%s/data?start_ts=%d&end_ts=%d", m, minute-7200, minute+60), fmt.Sprintf("%s/data/%d", m, minute-60),
			fmt.Sprintf("/api/status?tag=%s&timestamp=%d", tag, minute+59))
	}
	return paths
}

// The hour that a key was last used in goes on.
var lastUsed = regexp.MustCompile(`"last_used_at":("[^"]*"|null)`)

// read reads everything.
func (s *server) read(t *testing.T, minute int64) map[string]answer {
	t.Helper()
	all := map[string]answer{}
	for _, path := range reads(t, s, minute) {
		a := s.do(t, http.MethodGet, path, "")
		if a.Status != 200 && a.Status != 404 && a.Status != 400 {
			t.Errorf("GET %s: %d %s", path, a.Status, a.Body)
		}
		a.Body = lastUsed.ReplaceAllString(a.Body, `"last_used_at":"…"`)
		// Each program gives the key of API_KEY all the scopes that it knows.
		a.Body = strings.ReplaceAll(a.Body, `"monitors:write","status:write","pages:read","pages:write","integrations:read","integrations:write","admin"`, `"monitors:write","admin"`)
		// 0.1.0 counts no minutes in maintenance.
		a.Body = strings.ReplaceAll(a.Body, `,"minutes_maintenance":0`, "")
		all[path] = a
	}
	return all
}

// write makes calls, which must succeed, and returns the answers of those with an
// Idempotency-Key.
func (s *server) write(t *testing.T, calls []call, minute int64) map[string]answer {
	t.Helper()
	answers := map[string]answer{}
	for _, c := range calls {
		c = c.at(minute)
		var header []string
		if c.once != "" {
			header = []string{"Idempotency-Key", c.once}
		}
		a := s.do(t, c.method, c.path, c.body, header...)
		if a.Status >= 300 || strings.Contains(a.Body, `"error"`) {
			t.Fatalf("%s %s %s: %d %s", c.method, c.path, c.body, a.Status, a.Body)
		}
		if c.once != "" {
			answers[c.once] = a
		}
	}
	return answers
}

// TestUpgrade fills a table with the earlier program, and compares what the programs read
// of it: after that, and after this checkout's program has written to it too.
func TestUpgrade(t *testing.T) {
	client := dynamotest.NewTable(t).DynamoDB(nil)
	drop := func() { // it may not be there
		_, _ = client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: aws.String(table)})
	}
	drop()
	t.Cleanup(drop)
	today := build(t, dynamotest.Root(t))
	earlier := today
	if *fromFlag != "" {
		source, commit := dynamotest.SourceOf(t, *fromFlag)
		earlier = build(t, source)
		t.Logf("the table is filled by %s", commit)
	}
	minute := time.Now().Unix()/60*60 - 60

	s := earlier.serve(t)
	first := s.write(t, made, minute)
	was := s.read(t, minute)
	found := 0
	for _, a := range was {
		if a.Status == 200 {
			found++
		}
	}
	if found < 60 {
		t.Fatalf("only %d reads find something", found)
	}
	s.stop()

	s = today.serve(t)
	if diff := cmp.Diff(was, s.read(t, minute)); diff != "" {
		t.Errorf("this program reads the table otherwise than the one that filled it (-that +this):\n%s", diff)
	}
	// What was sent to the earlier one is not done again.
	if diff := cmp.Diff(first, s.write(t, onlyOnce(made), minute)); diff != "" {
		t.Errorf("answers to requests that are sent again (-that +this):\n%s", diff)
	}
	if diff := cmp.Diff(was, s.read(t, minute)); diff != "" {
		t.Errorf("they had an effect again (-that +this):\n%s", diff)
	}
	// An ETag of the earlier one is still that of the incident.
	if a := s.do(t, http.MethodPatch, "/api/v4/incidents/2", `{"title":"Over at last"}`, "If-Match", was["/api/v4/incidents/2"].ETag); a.Status != 200 {
		t.Errorf("a change with the ETag of the earlier program: %d %s", a.Status, a.Body)
	}
	second := s.write(t, more, minute)
	var chat struct{ Incident struct{ ID int } }
	if err := json.Unmarshal([]byte(second["more-incident"].Body), &chat); err != nil || chat.Incident.ID != 7 {
		t.Errorf("the next incident is %s, %v", second["more-incident"].Body, err)
	}
	is := s.read(t, minute)
	s.stop()

	s = earlier.serve(t)
	if diff := cmp.Diff(is, s.read(t, minute)); diff != "" {
		t.Errorf("the earlier program reads the table otherwise than this one, which wrote to it (-this +earlier):\n%s", diff)
	}
	if diff := cmp.Diff(second, s.write(t, onlyOnce(more), minute)); diff != "" {
		t.Errorf("answers of the earlier program to requests that are sent again (-this +earlier):\n%s", diff)
	}
	s.stop()
}

// onlyOnce are the calls with an Idempotency-Key.
func onlyOnce(calls []call) []call {
	var once []call
	for _, c := range calls {
		if c.once != "" {
			once = append(once, c)
		}
	}
	return once
}
