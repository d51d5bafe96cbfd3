package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"tocsin/internal/dynamotest"
	"tocsin/internal/local"
)

// A version is the functions of one state of the source.
type version struct {
	name string // in the report
	dir  string // of the binaries

	// The platform's lock is for these too.
	started int // processes
	killed  int // of them, by the test
	ended   int // of them, by themselves, which no function that works does
}

// build compiles the functions in the source as `sam build` does, for this machine. The
// version's folder has one binary for each.
func build(t testing.TB, name, source string) *version {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("go", "build", "-buildvcs=false", "-tags", "lambda.norpc", "-o", dir, "./functions/...")
	cmd.Dir = source
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building the functions for %s: %v\n%s", name, err, out)
	}
	return &version{name: name, dir: dir}
}

// buildCommit compiles the functions of a commit of this repository.
func buildCommit(t testing.TB, revision string) *version {
	t.Helper()
	source, commit := dynamotest.SourceOf(t, revision)
	return build(t, fmt.Sprintf("processes of %s (%.10s)", revision, commit), source)
}

// A platform runs functions as processes, as Lambda does: it is the other end of the
// Runtime API. An instance works on one event at a time; when there is none that is
// idle another one is started.
type platform struct {
	versions []*version // this checkout's, and that of another commit when there is one
	server   *httptest.Server
	proxy    *dynamotest.Proxy
	log      io.Writer // what the processes write

	mu        sync.Mutex
	instances map[string]*instance
	started   int
}

// newPlatform starts a platform whose instances call DynamoDB through the proxy; also is
// the commit whose functions it has besides, or empty. It ends with the test, and all its
// processes with it.
func newPlatform(t testing.TB, proxy *dynamotest.Proxy, log_ io.Writer, also string) *platform {
	p := &platform{proxy: proxy, log: log_, instances: map[string]*instance{}}
	p.versions = append(p.versions, build(t, "processes of this checkout", dynamotest.Root(t)))
	if also != "" {
		p.versions = append(p.versions, buildCommit(t, also))
	}
	p.server = httptest.NewUnstartedServer(p)
	p.server.Config.ErrorLog = log.New(io.Discard, "", 0) // it would tell of every process that was killed
	p.server.Start()
	t.Cleanup(func() {
		p.mu.Lock()
		var all []*instance
		for _, i := range p.instances {
			all = append(all, i)
		}
		p.mu.Unlock()
		for _, i := range all {
			i.kill()
		}
		p.server.CloseClientConnections()
		p.server.Close()
	})
	return p
}

// An instance is a process of a function.
type instance struct {
	id       string
	platform *platform
	version  *version
	cmd      *exec.Cmd
	events   chan event
	results  chan result
	gone     chan struct{} // closed when the process has ended
	killing  sync.Once
}

type event struct {
	id       string
	deadline time.Time
	payload  []byte
}

type result struct {
	payload []byte
	err     error
}

// start starts an instance of the function.
func (p *platform) start(f local.Function, v *version) (*instance, error) {
	p.mu.Lock()
	p.started++
	v.started++
	i := &instance{
		id: fmt.Sprintf("%s-%d", f.Name, p.started), platform: p, version: v,
		events: make(chan event), results: make(chan result, 1), gone: make(chan struct{}),
	}
	p.mu.Unlock()
	i.cmd = exec.Command(filepath.Join(v.dir, f.Name))
	for name, value := range f.Environment {
		i.cmd.Env = append(i.cmd.Env, name+"="+value)
	}
	i.cmd.Env = append(i.cmd.Env,
		"DYNAMODB_ENDPOINT="+p.proxy.Endpoint(i.id), "AWS_REGION="+dynamotest.Region, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		"AWS_LAMBDA_FUNCTION_NAME="+f.ID, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE="+strconv.Itoa(f.MemoryMB),
		"AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(p.server.URL, "http://")+"/"+i.id)
	i.cmd.Stdout, i.cmd.Stderr = p.log, p.log
	// Who looks the instance up finds one that was started.
	p.mu.Lock()
	err := i.cmd.Start()
	if err == nil {
		p.instances[i.id] = i
	}
	p.mu.Unlock()
	if err != nil {
		return nil, err
	}
	go func() {
		_ = i.cmd.Wait() // how it ended is seen by who waits for its answer
		i.killing.Do(func() {
			p.mu.Lock()
			v.ended++
			p.mu.Unlock()
		})
		p.mu.Lock()
		delete(p.instances, i.id)
		p.mu.Unlock()
		close(i.gone)
	}()
	return i, nil
}

// kill ends the process as the kernel does, without a last word, and returns when
// nothing that it had sent can take effect any more.
func (i *instance) kill() {
	i.killing.Do(func() { _ = i.cmd.Process.Kill() }) // it may have ended by itself
	<-i.gone
	i.platform.proxy.Retire(i.id)
}

// Kill kills the instance with this id, if there is one still.
func (p *platform) Kill(id string) {
	p.mu.Lock()
	i := p.instances[id]
	p.mu.Unlock()
	if i != nil {
		i.killing.Do(func() { // two of its calls may end it at once
			p.mu.Lock()
			i.version.killed++
			p.mu.Unlock()
			_ = i.cmd.Process.Kill()
		})
		<-i.gone
	}
}

// ServeHTTP is the Runtime API: /{instance}/2018-06-01/runtime/….
func (p *platform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	p.mu.Lock()
	i := p.instances[id]
	p.mu.Unlock()
	if i == nil {
		http.Error(w, "no such instance", http.StatusNotFound)
		return
	}
	path = strings.TrimPrefix(path, "2018-06-01/runtime/")
	if path == "invocation/next" {
		select {
		case e := <-i.events:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", e.id)
			w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(e.deadline.UnixMilli(), 10))
			w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:"+dynamotest.Region+":000000000000:function:"+id)
			w.Write(e.payload)
		case <-i.gone:
		case <-r.Context().Done():
		}
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // killed in the middle of its answer, which nobody gets
	}
	answer := result{payload: body}
	if !strings.HasSuffix(path, "/response") {
		answer = result{err: fmt.Errorf("%s: %s", path, body)}
	}
	select {
	case i.results <- answer:
	default:
	}
	w.WriteHeader(http.StatusAccepted)
}

var errKilled = errors.New("the function's process was killed")

// A pool is the instances of one version of a function; it is a lambda.Handler.
type pool struct {
	platform *platform
	function local.Function
	version  *version

	// plan returns after how long the instance that gets an event is killed; 0: it is
	// not, at least not for that.
	plan func() time.Duration

	mu   sync.Mutex
	idle []*instance
}

// Invoke implements lambda.Handler.
func (p *pool) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	i, err := p.take()
	if err != nil {
		return nil, err
	}
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(p.function.Timeout)
	}
	id := "local"
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		id = lc.AwsRequestID
	}
	select {
	case i.events <- event{id, deadline, payload}:
	case <-i.gone:
		return nil, p.lost(i)
	case <-ctx.Done():
		i.kill() // it never came up
		return nil, ctx.Err()
	}
	var fate <-chan time.Time
	if after := p.plan(); after > 0 {
		timer := time.NewTimer(after)
		defer timer.Stop()
		fate = timer.C
	}
	select {
	case r := <-i.results:
		p.put(i)
		return r.payload, r.err
	case <-fate:
		p.platform.Kill(i.id)
		return nil, p.lost(i)
	case <-i.gone:
		return nil, p.lost(i)
	case <-ctx.Done():
		i.kill() // Lambda too ends a function that runs into its timeout
		return nil, ctx.Err()
	}
}

// lost is the end of an event whose instance has gone.
func (p *pool) lost(i *instance) error {
	i.kill()
	return errKilled
}

// pools returns a pool for each version that has the function: what a commit does not
// have is left to today's code.
func (p *platform) pools(f local.Function, plan func() time.Duration) []*pool {
	var list []*pool
	for _, v := range p.versions {
		if _, err := os.Stat(filepath.Join(v.dir, f.Name)); err == nil {
			list = append(list, &pool{platform: p, version: v, function: f, plan: plan})
		}
	}
	return list
}

// take returns an instance that is idle, or a new one.
func (p *pool) take() (*instance, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.idle) > 0 {
		i := p.idle[len(p.idle)-1]
		p.idle = p.idle[:len(p.idle)-1]
		select {
		case <-i.gone:
		default:
			return i, nil
		}
	}
	return p.platform.start(p.function, p.version)
}

func (p *pool) put(i *instance) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, i)
}
