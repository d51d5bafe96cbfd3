package bench

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"tocsin/internal/dynamotest"
	"tocsin/internal/function"
)

// allocationsFile is where the allocations of each route stand.
const allocationsFile = "allocations.json"

// allocation is what one request takes from the heap, from the event's bytes to the
// answer's, with everything between but the network.
type allocation struct {
	Function string `json:"function"`
	Route    string `json:"route"`
	Case     string `json:"case"`
	Go       string `json:"go"` // and the processor, which it depends on a little
	Count    int    `json:"allocations"`
	Bytes    int    `json:"bytes"` // rounded to KB
}

// perRequest are the requests whose allocations are counted. The calls that one makes at
// the same time are of different kinds, so that each gets its own answer.
var perRequest = []struct{ function, route, name string }{
	{function.Incidents, getOne.route, "one"},
	{function.Incidents, "GET " + incidents, "page of 20"},
	{function.Incidents, "GET " + incidents, "page of 50"},
	{function.Incidents, postIncident.route, "two monitors"},
	{function.Incidents, patchTitle.route, "title"},
	{function.Incidents, "GET " + oneLegacy, "one"},
	{function.Incidents, "GET " + oneMaintenance, "one"},
	{function.Incidents, "GET " + maintenances, "page of 20"},
	{function.Incidents, patchWork.route, patchWork.name},
	{function.Comments, "GET " + oneComment, "one"},
	{function.Comments, postComment.route, "one"},
	{function.Monitors, "GET " + oneMonitor, "one"},
	{function.Monitors, "POST " + statusPath, "one point"},
	{function.Monitors, "POST /api/status", "one point"},
	{function.Monitors, "GET " + oneMonitor + "/data/{timestamp}", "one"},
	{function.Settings, "GET " + onePage, "one"},
	{function.Settings, patchPage.route, patchPage.name},
	{function.Settings, "GET " + sitePath, "none set"},
	{function.Edge, "GET /healthcheck", "any"},
}

// A replay answers calls as the engine answered those of a first request.
type replay struct {
	recording bool

	mu      sync.Mutex
	answers map[string][]stubAnswer // by operation
	next    map[string]int
}

func newReplay() *replay {
	return &replay{recording: true, answers: map[string][]stubAnswer{}, next: map[string]int{}}
}

// Do implements aws.HTTPClient.
func (p *replay) Do(r *http.Request) (*http.Response, error) {
	operation := r.Header.Get("X-Amz-Target")
	if p.recording {
		resp, err := transport.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		resp.Body = io.NopCloser(bytes.NewReader(body))
		p.mu.Lock()
		defer p.mu.Unlock()
		p.answers[operation] = append(p.answers[operation], stubAnswer{resp.StatusCode, body})
		return resp, err
	}
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.answers[operation]
	if len(all) == 0 {
		return nil, fmt.Errorf("no answer to %s", operation)
	}
	a := all[p.next[operation]%len(all)]
	p.next[operation]++
	return &http.Response{
		StatusCode: a.status, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body: io.NopCloser(bytes.NewReader(a.body)), ContentLength: int64(len(a.body)), Request: r,
	}, nil
}

// event is the event of a request as API Gateway sends it.
func event(t testing.TB, method, path, body, key string) []byte {
	t.Helper()
	path, query, _ := strings.Cut(path, "?")
	e := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: "$default", RawPath: path, RawQueryString: query, Body: body,
		Headers: map[string]string{
			"authorization": "Bearer " + key, "accept": "*/*", "content-type": "application/json", "content-length": fmt.Sprint(len(body)),
			"host": "abcdefghij.execute-api.us-east-1.amazonaws.com", "user-agent": "curl/8.5.0", "x-amzn-trace-id": "Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e",
			"x-forwarded-for": "192.0.2.1", "x-forwarded-port": "443", "x-forwarded-proto": "https",
		},
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			RouteKey: "$default", AccountID: "123456789012", Stage: "$default", RequestID: "JKJaXmPLvHcESHA=", APIID: "abcdefghij",
			DomainName: "abcdefghij.execute-api.us-east-1.amazonaws.com", DomainPrefix: "abcdefghij", Time: "22/Nov/2026:10:00:00 +0000", TimeEpoch: 1795341600000,
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{Method: method, Path: path, Protocol: "HTTP/1.1", SourceIP: "192.0.2.1", UserAgent: "curl/8.5.0"},
		},
	}
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// find returns the request of a route and case.
func find(t testing.TB, route, name string) request {
	t.Helper()
	for _, r := range requests {
		if r.route == route && r.name == name {
			return r
		}
	}
	t.Fatalf("no request %s, %s", route, name)
	return request{}
}

// A replayed request is a handler that only needs to be called.
type replayed struct {
	handler lambda.Handler
	event   []byte
}

func (b *bench) replayed(name string, r request) replayed {
	b.t.Helper()
	client := newReplay()
	log := slog.New(slog.NewJSONHandler(io.Discard, nil))
	handler, err := function.NewWith(name, b.table.Getenv(map[string]string{"SITE_URL": "https://status.example.com"}), function.Options{Now: now, HTTPClient: client, Log: log})
	if err != nil {
		b.t.Fatal(err)
	}
	if r.route != "GET /healthcheck" { // the key is cached then
		warm := map[string]string{function.Incidents: incidents + "/4", function.Comments: incidents + "/1/comments/1", function.Monitors: monitors + "/all"}[name]
		if _, err := handler.Invoke(b.t.Context(), event(b.t, "GET", warm, "", b.server.Key)); err != nil {
			b.t.Fatal(err)
		}
	}
	client.answers = map[string][]stubAnswer{}
	path, body, _ := b.fill(r)
	p := replayed{handler, event(b.t, cmp.Or(r.method, "GET"), path, body, b.server.Key)}
	want := fmt.Sprintf(`"statusCode":%d,`, cmp.Or(r.status, http.StatusOK))
	for range 2 {
		answer, err := p.invoke(b.t)
		if err != nil || !strings.Contains(string(answer), want) {
			b.t.Fatalf("%s, %s: %s, %v", r.route, r.name, answer, err)
		}
		client.recording = false
	}
	return p
}

func (p replayed) invoke(t testing.TB) ([]byte, error) {
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "8476a536-e9f4-11e8-9739-2dfe598c3fcd"})
	return p.handler.Invoke(ctx, p.event)
}

// newSmallBench is the service on a table of 100 incidents, with what the requests expect.
func newSmallBench(t testing.TB) *bench {
	t.Helper()
	a := dynamotest.NewArchive(t, sizes[1])
	b := newBench(t, a.Table, a.Size)
	b.prepare()
	return b
}

// toolchain is what allocations depend on.
func toolchain() string { return runtime.Version() + " " + runtime.GOARCH }

// Another compiler allocates otherwise, and maps and pools differ from run to run: the
// counts may differ by so many for a thousand.
const (
	sameToolchain  = 5  // of 1000, and at least 1
	otherToolchain = 50 // of 1000
)

// TestAllocations compares what each route takes from the heap with the file. The race
// detector changes that, so that `make test` runs this test once more without it.
func TestAllocations(t *testing.T) {
	b := newSmallBench(t)
	var known, measured []allocation
	readGolden(t, allocationsFile, &known)
	for _, p := range perRequest {
		measured = append(measured, allocations(t, p.function, b.replayed(p.function, find(t, p.route, p.name)), p.route, p.name))
	}
	if raceDetector {
		return
	}
	if *update {
		compareGolden(t, allocationsFile, measured, known)
		return
	}
	if len(known) != len(measured) {
		t.Fatalf("%s has %d entries, %d were measured: go test ./internal/bench -update", allocationsFile, len(known), len(measured))
	}
	for n, m := range measured {
		k := known[n]
		tolerance := max(1, k.Count*sameToolchain/1000)
		if k.Go != m.Go {
			tolerance = k.Count * otherToolchain / 1000
		}
		if k.Route != m.Route || k.Case != m.Case || m.Count < k.Count-tolerance || m.Count > k.Count+tolerance {
			t.Errorf("%s, %s: %d allocations, %s has %s, %s with %d (±%d)", m.Route, m.Case, m.Count, allocationsFile, k.Route, k.Case, k.Count, tolerance)
		}
	}
}

// maxAllocations is the goal for a request with one read.
const maxAllocations = 420

func allocations(t *testing.T, name string, p replayed, route, kase string) allocation {
	t.Helper()
	const runs = 200
	call := func() {
		if _, err := p.invoke(t); err != nil {
			t.Error(err)
		}
	}
	a := allocation{Function: name, Route: route, Case: kase, Go: toolchain()}
	a.Count = int(testing.AllocsPerRun(runs, call))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		call()
	}
	runtime.ReadMemStats(&after)
	a.Bytes = int((after.TotalAlloc-before.TotalAlloc)/runs+512) / 1024 * 1024
	return a
}

// BenchmarkRequest is the same with times: go test ./internal/bench -run '^$' -bench . -benchmem
func BenchmarkRequest(b *testing.B) {
	small := newSmallBench(b)
	for _, p := range perRequest {
		r := small.replayed(p.function, find(b, p.route, p.name))
		b.Run(strings.ReplaceAll(p.route, " ", "_")+"/"+strings.ReplaceAll(p.name, " ", "_"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.invoke(b); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
