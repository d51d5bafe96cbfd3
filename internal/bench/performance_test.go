package bench

import (
	"archive/zip"
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tocsin/internal/apitest"
	"tocsin/internal/dynamotest"
	"tocsin/internal/function"
	"tocsin/internal/local"
)

var (
	performance = flag.String("performance", "", "measure start times, CPU and throughput, and write all that is measured into this document")
	repeats     = flag.Int("repeats", 7, "starts of each function")
	warmed      = flag.Int("warm", 100, "requests after the first of each start")
	seconds     = flag.Int("seconds", 3, "for each measurement of throughput")
)

// A built is a function that was built for Lambda, with what it showed.
type built struct {
	bootstrap
	size, zip, zipARM int // bytes
	heap, mallocs     int // of package initialisation
	heaviest          initialised
	figures           []figure
	stub              *stubServer // its DynamoDB; nil: none
}

// median is the middle of what all starts showed.
func median[T int | time.Duration](b *built, value func(figure) T) T {
	var all []T
	for _, f := range b.figures {
		all = append(all, value(f))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// TestPerformance measures what depends on the machine and writes docs/performance.md. It
// does so only when it is told where, by `make bench`; nothing is held against these
// figures.
func TestPerformance(t *testing.T) {
	if *performance == "" {
		return
	}
	r := report{Date: time.Now().UTC().Format(time.DateOnly), Go: runtime.Version(), Repeats: *repeats, Warm: *warmed, Seconds: *seconds}
	r.CPU, r.Cores = machine()
	r.Busy = loadAverage()
	readGolden(t, costsFile, &r.Costs)
	readGolden(t, allocationsFile, &r.Allocations)
	b := newSmallBench(t)
	r.Starts = starts(t, b)
	if *seconds > 0 {
		r.Loads = loads(t, b.table)
	}
	text, err := r.text()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(*performance, text, 0o644); err != nil {
		t.Fatal(err)
	}
}

// machine is the processor's name and how many cores there are.
func machine() (cpu string, cores int) {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value), runtime.NumCPU()
		}
	}
	return runtime.GOARCH, runtime.NumCPU()
}

// loadAverage says how many programs wanted a core in the last minute; "unknown" where the
// system does not tell it so.
func loadAverage() string {
	text, _ := os.ReadFile("/proc/loadavg")
	if minute, _, ok := strings.Cut(string(text), " "); ok {
		return minute
	}
	return "unknown"
}

const (
	overTLS = ", TLS"
	sdk     = "hello with the SDK" // testdata/sdk
)

// starts starts hello and every function again and again, in turn.
func starts(t *testing.T, b *bench) []*built {
	t.Helper()
	roots := rootsFile(t)
	plain, secure := newStub(t, b.table.Endpoint, roots)
	quiet := dynamotest.NewTable(t)
	dir := t.TempDir()
	all := []*built{build(t, dir, "hello")}
	ids := map[string]string{
		sdk: incidents + "/4", function.Incidents: incidents + "/4", function.Comments: incidents + "/1/comments/1", function.Monitors: monitors + "/all",
		function.Edge: "/healthcheck", function.Alerts: "", function.Closer: "",
	}
	for _, name := range []string{sdk, function.Incidents, function.Comments, function.Monitors, function.Edge, function.Alerts, function.Closer} {
		f := build(t, dir, name)
		f.event, f.want = []byte("{}"), "null"
		if ids[name] != "" {
			f.event, f.want = event(t, "GET", ids[name], "", b.server.Key), `"statusCode":200`
		}
		table := b.table
		if ids[name] == "" {
			table = quiet // nothing to do on a schedule
		}
		f.on(t, table, plain, roots)
		all = append(all, f)
		if name == function.Incidents {
			tls := &built{bootstrap: f.bootstrap, size: f.size, zip: f.zip, zipARM: f.zipARM}
			tls.name += overTLS
			tls.on(t, table, secure, roots)
			all = append(all, tls)
		}
	}
	all[0].event, all[0].want = event(t, "GET", incidents+"/4", "", b.server.Key), `"statusCode":200`
	all[0].env = []string{"GOMAXPROCS=1"}
	for _, f := range all {
		var err error
		if f.heap, f.mallocs, f.heaviest, err = f.inits(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for n := range *repeats + 1 {
		for _, f := range all {
			seen, err := f.run(t.Context(), *warmed, f.stub.seen)
			if err != nil {
				t.Fatal(err)
			}
			if n > 0 { // the first fills the caches
				f.figures = append(f.figures, seen)
			}
		}
	}
	return all
}

// on gives the function the environment that the template and Lambda give it, with the
// stub as DynamoDB.
func (f *built) on(t *testing.T, table *dynamotest.Table, s *stubServer, roots string) {
	t.Helper()
	template, err := local.ReadTemplate(filepath.Join(dynamotest.Root(t), "template.yaml"), local.TemplateOptions{
		Parameters: map[string]string{"DynamoDBEndpoint": s.URL}, TableName: table.Name, Region: dynamotest.Region,
	})
	if err != nil {
		t.Fatal(err)
	}
	f.stub = s
	f.env = []string{
		"AWS_REGION=" + dynamotest.Region, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_SESSION_TOKEN=test",
		"AWS_LAMBDA_FUNCTION_NAME=bench", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=512", "SSL_CERT_FILE=" + roots,
	}
	for _, function := range template.Functions {
		if name := strings.TrimSuffix(f.name, overTLS); function.Name != name && name != sdk {
			continue
		}
		for name, value := range function.Environment {
			f.env = append(f.env, name+"="+value)
		}
		return
	}
	t.Fatalf("the template has no function %s", f.name)
}

// build makes a function as infra/lambda/functions.mk says, for this machine, and zips it,
// for arm64 too.
func build(t *testing.T, dir, name string) *built {
	t.Helper()
	f := &built{bootstrap: bootstrap{name: name}}
	folder := name
	switch name {
	case "hello":
		folder = "../internal/bench/testdata/hello"
	case sdk:
		folder = "../internal/bench/testdata/sdk"
	}
	for _, arch := range []string{runtime.GOARCH, "arm64"} {
		out := filepath.Join(dir, filepath.Base(folder), arch)
		cmd := exec.CommandContext(t.Context(), "make", "-s", "-f", "-", "bench")
		cmd.Dir = dynamotest.Root(t)
		cmd.Stdin = strings.NewReader("include infra/lambda/functions.mk\nbench:\n\t$(call build," + folder + ")\n")
		cmd.Env = append(os.Environ(), "ARTIFACTS_DIR="+out, "GOARCH="+arch, "MAKEFLAGS=", "MAKELEVEL=")
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("building %s for %s: %v\n%s", name, arch, err, text)
		}
		file := filepath.Join(out, "bootstrap")
		size, zipped, err := sizesOf(file)
		if err != nil {
			t.Fatal(err)
		}
		if arch == "arm64" {
			f.zipARM = zipped
		}
		if arch == runtime.GOARCH {
			f.file, f.size, f.zip = file, size, zipped
		}
	}
	return f
}

// sizesOf returns a file's size and that of a zip archive of it.
func sizesOf(file string) (size, zipped int, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, 0, err
	}
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	w, err := z.Create("bootstrap")
	if err != nil {
		return 0, 0, err
	}
	if _, err := w.Write(text); err != nil {
		return 0, 0, err
	}
	return len(text), archive.Len(), z.Close()
}

// A load is what clients at once got through the local gateway.
type load struct {
	Route, Case string
	Clients     int
	PerSecond   float64
	P50, P99    time.Duration
}

// loads sends requests through the local gateway, on this machine's own loopback, from one
// client and from many, for some seconds each. The engine takes most of the CPU.
func loads(t *testing.T, table *dynamotest.Table) []load {
	t.Helper()
	server := apitest.New(t, apitest.Options{Table: table, Now: now, NewLog: infoLog})
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: manyClients}}
	defer client.CloseIdleConnections()
	var all []load
	for _, r := range []request{getOne, find(t, "GET "+incidents, "page of 20"), find(t, "POST "+statusPath, "one point"), find(t, "GET /healthcheck", "any")} {
		body := strings.ReplaceAll(r.body, "{minute-0}", fmt.Sprint(clock.Unix()))
		for _, clients := range []int{1, manyClients} {
			var mu sync.Mutex
			var took []time.Duration
			var failed atomic.Int64
			var g sync.WaitGroup
			began := time.Now()
			end := began.Add(time.Duration(*seconds) * time.Second)
			for range clients {
				g.Go(func() {
					var mine []time.Duration
					for time.Now().Before(end) {
						sent := time.Now()
						if err := exchange(client, server, r, body); err != nil {
							failed.Add(1)
							t.Error(err)
							return
						}
						mine = append(mine, time.Since(sent))
					}
					mu.Lock()
					defer mu.Unlock()
					took = append(took, mine...)
				})
			}
			g.Wait()
			if failed.Load() > 0 || len(took) == 0 {
				t.Fatalf("%s: %d clients failed", r.route, failed.Load())
			}
			slices.Sort(took)
			all = append(all, load{
				Route: r.route, Case: r.name, Clients: clients, PerSecond: float64(len(took)) / time.Since(began).Seconds(),
				P50: took[len(took)/2], P99: took[len(took)*99/100],
			})
		}
	}
	return all
}

const manyClients = 16

func exchange(client *http.Client, server *apitest.Server, r request, body string) error {
	req, err := http.NewRequest(cmp.Or(r.method, "GET"), server.URL+r.path, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header = server.Header("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", r.route, resp.Status)
	}
	return nil
}
