package alertmanager

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tocsin/internal/apitest"
	"tocsin/internal/dynamotest"
)

var binary = flag.String("alertmanager", "", "the program; empty: no test")

func TestMain(m *testing.M) { dynamotest.Main(m) }

// patience is how long something may take that takes a few seconds.
const patience = 2 * time.Minute

// receivers are the paths at which Alertmanager's three kinds of receivers are told.
var receivers = map[string]string{"alertmanager": "/hooks", "pagerduty": "/v2/enqueue", "opsgenie": "/v2/alerts"}

// TestAlertmanager fires two alerts of one group while the service answers 503, and ends one after
// the other: each receiver has one incident from its first answer to the end of the second one.
func TestAlertmanager(t *testing.T) {
	if *binary == "" {
		t.Skip("make test-alertmanager runs it")
	}
	s := apitest.New(t, apitest.Options{})
	tokens := map[string]string{}
	for kind := range receivers {
		must(t, s, "POST", "/api/v4/monitors", fmt.Sprintf(`{"tag":%q,"name":%q}`, kind, kind))
		var made struct {
			Integration struct{ Token string }
		}
		decode(t, must(t, s, "POST", "/api/v4/integrations", fmt.Sprintf(`{"name":%q,"kind":%q,"options":{"monitors":[%q]}}`, kind, kind, kind)), &made)
		tokens[kind] = made.Integration.Token
	}
	gate := newGate(t, s.URL)
	am := start(t, fmt.Sprintf(`
route: {receiver: tocsin, group_by: [alertname], group_wait: 1s, group_interval: 4s, repeat_interval: 1h}
receivers:
- name: tocsin
  webhook_configs: [{url: '%[1]s/hooks', http_config: {authorization: {credentials: %[2]s}}}]
  pagerduty_configs: [{url: '%[1]s/v2/enqueue', routing_key: %[3]s, severity: critical}]
  opsgenie_configs: [{api_url: '%[1]s/', api_key: %[4]s, priority: P1, update_alerts: true}]
`, gate.url, tokens["alertmanager"], tokens["pagerduty"], tokens["opsgenie"]))

	began := time.Now()
	one, two := began.Add(-2*time.Second), began.Add(-time.Second)
	am.set(t, "one", one, began.Add(time.Hour))
	am.set(t, "two", two, began.Add(time.Hour))
	gate.wait(t, "503", func(seen counts) bool { return seen.refused > 0 })
	if n := len(incidents(t, s)); n != 0 {
		t.Errorf("%d incidents of requests that were refused", n)
	}
	gate.open()
	gate.wait(t, "taken", func(seen counts) bool { return seen.taken > 0 })
	checkIncidents(t, s, "both fire", "INVESTIGATING", "TRIGGERED")

	before := gate.seen()
	am.set(t, "one", one, time.Now())
	for kind, path := range receivers {
		gate.waitFor(t, kind, path, "told that one ended", func(seen counts) bool { return seen.taken > before[path].taken })
	}
	checkIncidents(t, s, "one ended", "INVESTIGATING", "TRIGGERED")

	am.set(t, "two", two, time.Now())
	until(t, "all incidents are resolved", func() bool {
		for _, i := range incidents(t, s) {
			if i.State != "RESOLVED" {
				return false
			}
		}
		return true
	})
	checkIncidents(t, s, "both ended", "RESOLVED", "RESOLVED")
	for kind, token := range tokens {
		if strings.Contains(s.Log.String(), token) {
			t.Errorf("the log has the token of %s", kind)
		}
	}
	for path, seen := range gate.seen() {
		if seen.other > 0 {
			t.Errorf("%s: %d answers that are neither a 2xx nor a 503", path, seen.other)
		}
	}
}

// An incident is what the test looks at of one.
type incident struct {
	ID       int64
	Title    string
	State    string
	Monitors []struct {
		Tag string `json:"monitor_tag"`
	}
}

func incidents(t *testing.T, s *apitest.Server) []incident {
	t.Helper()
	var list struct{ Incidents []incident }
	decode(t, must(t, s, "GET", "/api/v4/incidents", ""), &list)
	return list.Incidents
}

// checkIncidents fails the test unless each receiver's monitor has one incident in the state, and
// there are as many alerts with the status.
func checkIncidents(t *testing.T, s *apitest.Server, when, state, status string) {
	t.Helper()
	found := map[string]int{}
	for _, i := range incidents(t, s) {
		for _, m := range i.Monitors {
			found[m.Tag]++
		}
		if i.State != state {
			t.Errorf("%s: incident %d, %s, is %s", when, i.ID, i.Title, i.State)
		}
	}
	for kind := range receivers {
		if found[kind] != 1 {
			t.Errorf("%s: %d incidents of %s", when, found[kind], kind)
		}
	}
	var list struct {
		Alerts []struct {
			Status string `json:"alert_status"`
		}
	}
	decode(t, must(t, s, "GET", "/api/v4/alerts", ""), &list)
	for _, a := range list.Alerts {
		if a.Status != status {
			t.Errorf("%s: an alert is %s", when, a.Status)
		}
	}
	if len(list.Alerts) != len(receivers) {
		t.Errorf("%s: %d alerts", when, len(list.Alerts))
	}
	if t.Failed() {
		t.FailNow()
	}
}

func must(t *testing.T, s *apitest.Server, method, path, body string) string {
	t.Helper()
	r := s.Do(method, path, body)
	if r.Status >= 300 {
		t.Fatalf("%s %s: %d %s", method, path, r.Status, r.Body)
	}
	return r.Body
}

func decode(t *testing.T, body string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), into); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
}

// until waits for something that is about to be.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not after %v", what, patience)
		}
	}
}

// counts are answers to a receiver.
type counts struct{ refused, taken, other int }

// A gate is in front of the service. It answers 503 in its place until it is opened.
type gate struct {
	url    string
	mu     sync.Mutex
	opened bool
	counts map[string]counts // by the beginning of the path
}

func newGate(t *testing.T, service string) *gate {
	t.Helper()
	to, err := url.Parse(service)
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{counts: map[string]counts{}}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) },
		ModifyResponse: func(r *http.Response) error {
			g.count(r.Request.URL.Path, r.StatusCode)
			return nil
		},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		opened := g.opened
		g.mu.Unlock()
		if !opened {
			g.count(r.URL.Path, http.StatusServiceUnavailable)
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	g.url = server.URL
	return g
}

func (g *gate) count(path string, status int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, start := range receivers {
		if strings.HasPrefix(path, start) {
			seen := g.counts[start]
			switch {
			case status == http.StatusServiceUnavailable:
				seen.refused++
			case status < 300:
				seen.taken++
			default:
				seen.other++
			}
			g.counts[start] = seen
		}
	}
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.opened = true
}

// seen returns the answers so far, by the beginning of the path.
func (g *gate) seen() map[string]counts {
	g.mu.Lock()
	defer g.mu.Unlock()
	seen := map[string]counts{}
	for _, path := range receivers {
		seen[path] = g.counts[path]
	}
	return seen
}

// wait waits until the answers to each receiver are so.
func (g *gate) wait(t *testing.T, what string, so func(counts) bool) {
	t.Helper()
	for kind, path := range receivers {
		g.waitFor(t, kind, path, what, so)
	}
}

func (g *gate) waitFor(t *testing.T, kind, path, what string, so func(counts) bool) {
	t.Helper()
	until(t, kind+": "+what, func() bool { return so(g.seen()[path]) })
}

// An alertmanager is a running one.
type alertmanager struct{ url string }

// start starts an Alertmanager with the configuration; it ends with the test.
func start(t *testing.T, configuration string) alertmanager {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "alertmanager.yml")
	if err := os.WriteFile(file, []byte(configuration), 0o600); err != nil {
		t.Fatal(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()

	var said bytes.Buffer
	cmd := exec.Command(*binary, "--config.file="+file, "--storage.path="+filepath.Join(dir, "data"), "--web.listen-address="+address, "--cluster.listen-address=")
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s", said.String())
		}
	})
	am := alertmanager{"http://" + address}
	until(t, "Alertmanager answers", func() bool {
		r, err := http.Get(am.url + "/-/ready")
		if err != nil {
			return false
		}
		r.Body.Close()
		return r.StatusCode == http.StatusOK
	})
	return am
}

// set tells of an alert as Prometheus does.
func (am alertmanager) set(t *testing.T, instance string, from, to time.Time) {
	t.Helper()
	body, err := json.Marshal([]any{map[string]any{
		"labels": map[string]string{"alertname": "HighErrorRate", "instance": instance, "severity": "critical"}, "annotations": map[string]string{"summary": "Many errors"},
		"startsAt": from, "endsAt": to,
	}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.Post(am.url+"/api/v2/alerts", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != http.StatusOK {
		t.Fatalf("Alertmanager answers %s", r.Status)
	}
}
