package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	engineStartLimit = 60 * time.Second // cold caches on a busy machine; usually it takes one or two seconds
	engineStopGrace  = 5 * time.Second
	enginePortTries  = 5
)

// EndpointVariable is the environment variable that tells tests which engine to use.
const EndpointVariable = "TOCSIN_TEST_ENDPOINT"

// EngineKind names one of the engines that can be started.
type EngineKind string

// The engines: AWS's own, which everything runs on, and another that tests run on too.
const (
	DynamoDBLocal EngineKind = "dynamodb-local"
	Dynoxide      EngineKind = "dynoxide"
)

// EngineKinds lists them.
func EngineKinds() []EngineKind { return []EngineKind{DynamoDBLocal, Dynoxide} }

// EngineOptions says which engine to start, where it lives and what it does with its
// data.
type EngineOptions struct {
	Kind EngineKind // "" means DynamoDBLocal
	Dir  string     // folder for downloads, made when absent
	Data string     // folder for the data, made when absent; "" keeps them in memory
	POM  string     // path of the Maven project that names DynamoDB Local
	Log  io.Writer  // progress, in lines for a person; nil for none
}

// software is what an engine runs.
type software interface {
	name() string // for messages

	// prepare fetches what is not there yet and returns how it is started.
	prepare(ctx context.Context, o EngineOptions) (runner, error)
}

// A runner starts an engine.
type runner struct {
	program string
	args    func(port int) []string
	taken   string                 // what the engine prints when the port is taken
	advice  func(out string) error // the error for what else it printed; nil for nothing known
}

// Engine is a running engine. It ends with this process, however that
// ends (on Linux; elsewhere unless this process is killed).
type Engine struct {
	software string // its name
	runner   runner
	endpoint string
	process  *os.Process
	output   *tail

	stop     sync.Once
	stopping chan struct{} // closed when Stop is called
	exited   chan struct{} // closed when the process is gone
	died     chan struct{} // closed when it went by itself
	err      error         // why it went by itself; readable after died is closed
}

// StartEngine starts an engine on a free port and returns when it answers. It fetches
// the engine first if Dir hasn't it yet. The context bounds the start only.
func StartEngine(ctx context.Context, o EngineOptions) (*Engine, error) {
	if o.Log == nil {
		o.Log = io.Discard
	}
	var sw software
	switch o.Kind {
	case DynamoDBLocal, "":
		sw = dynamoDBLocal{}
	case Dynoxide:
		sw = dynoxide{}
	default:
		return nil, fmt.Errorf("no engine is called %q: there are %v", o.Kind, EngineKinds())
	}
	run, err := sw.prepare(ctx, o)
	if err != nil {
		return nil, err
	}
	if o.Data != "" {
		if err := os.MkdirAll(o.Data, 0o700); err != nil {
			return nil, fmt.Errorf("folder for the data: %w", err)
		}
	}
	for try := 1; ; try++ {
		e, err := startOnFreePort(ctx, sw.name(), run)
		if errors.Is(err, errPortTaken) && try < enginePortTries {
			continue
		}
		return e, err
	}
}

// dynamoDBLocal is AWS's own engine, in Java. It can't be told which address to listen on:
// it listens on all of them, without authentication. So its port is a random one.
type dynamoDBLocal struct{}

func (dynamoDBLocal) name() string { return "DynamoDB Local" }

func (dynamoDBLocal) prepare(ctx context.Context, o EngineOptions) (runner, error) {
	java, err := findJava()
	if err != nil {
		return runner{}, err
	}
	lib, err := fetchEngine(ctx, o)
	if err != nil {
		return runner{}, err
	}
	return runner{
		program: java,
		args:    func(port int) []string { return engineArgs(lib, o.Data, port) },
		taken:   "java.net.BindException",
		advice: func(out string) error {
			switch {
			case strings.Contains(out, "UnsupportedClassVersionError"):
				return fmt.Errorf("%s is older than Java 17, which DynamoDB Local needs: %s", javaName(), javaAdvice)
			case strings.Contains(out, "Unable to locate a Java Runtime"): // what macOS has in place of java
				return errNoJava
			}
			return nil
		},
	}, nil
}

// Endpoint returns the address to give to a DynamoDB client.
func (e *Engine) Endpoint() string { return e.endpoint }

// Done is closed if the engine ends without Stop; Err then says why.
func (e *Engine) Done() <-chan struct{} { return e.died }

// Err returns why the engine ended by itself, nil if it didn't.
func (e *Engine) Err() error {
	select {
	case <-e.died:
		return e.err
	default:
		return nil
	}
}

// Stop ends the engine and waits until it is gone. It may be called again, and
// after the engine has ended by itself.
func (e *Engine) Stop() error { return e.stopWithin(engineStopGrace) }

func (e *Engine) stopWithin(grace time.Duration) error {
	e.stop.Do(func() { close(e.stopping) })
	if err := e.process.Signal(syscall.SIGTERM); err == nil {
		select {
		case <-e.exited:
		case <-time.After(grace):
		}
	}
	if err := e.process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stopping %s: %w", e.software, err)
	}
	<-e.exited
	return nil
}

var errPortTaken = errors.New("the port that the engine was to use was taken at the same moment: try again")

func startOnFreePort(ctx context.Context, name string, run runner) (*Engine, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	e := &Engine{
		software: name,
		runner:   run,
		endpoint: "http://127.0.0.1:" + strconv.Itoa(port),
		output:   newTail(20),
		stopping: make(chan struct{}),
		exited:   make(chan struct{}),
		died:     make(chan struct{}),
	}
	if err := e.launch(run.program, run.args(port)); err != nil {
		return nil, fmt.Errorf("starting %s: %w", run.program, err)
	}
	if err := e.waitReady(ctx); err != nil {
		return nil, errors.Join(err, e.Stop())
	}
	e.output.reset() // how it started says nothing of how it ends
	return e, nil
}

func engineArgs(lib, data string, port int) []string {
	args := []string{
		// A short-lived process on a developer's machine: the quick compiler alone and
		// the simple collector take a third less memory and half the CPU.
		"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m",
		"-Dorg.sqlite.lib.path=" + filepath.Join(lib, nativeFolder()),
		"-cp", filepath.Join(lib, "*"),
		"com.amazonaws.services.dynamodbv2.local.main.ServerRunner",
		"-port", strconv.Itoa(port), "-disableTelemetry", "-sharedDb",
	}
	if data == "" {
		return append(args, "-inMemory")
	}
	return append(args, "-dbPath", data)
}

// launch starts the process and follows it to its end. The goroutine keeps its
// thread meanwhile: the kernel kills the engine when the thread that started it
// ends, not when the process does.
func (e *Engine) launch(program string, args []string) error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		cmd := exec.Command(program, args...)
		cmd.Stdout, cmd.Stderr = e.output, e.output
		cmd.SysProcAttr = engineProcAttr()
		err := cmd.Start()
		e.process = cmd.Process
		started <- err
		if err != nil {
			return
		}
		err = cmd.Wait()
		select {
		case <-e.stopping:
		default:
			e.err = e.endedByItself(err)
			close(e.died)
		}
		close(e.exited)
	}()
	return <-started
}

func (e *Engine) endedByItself(err error) error {
	out := e.output.String()
	if taken := e.runner.taken; taken != "" && strings.Contains(out, taken) {
		return errPortTaken
	}
	if e.runner.advice != nil {
		if known := e.runner.advice(out); known != nil {
			return known
		}
	}
	if err == nil {
		err = errors.New("exit status 0")
	}
	if out == "" {
		return fmt.Errorf("%s ended by itself (%w)", e.software, err)
	}
	return fmt.Errorf("%s ended by itself (%w); its last words: %s", e.software, err, out)
}

// waitReady returns when the engine has listed its tables, which takes a loaded
// SQLite library, not only an open port.
func (e *Engine) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, engineStartLimit)
	defer cancel()
	var last error
	for {
		if last = e.listTables(ctx); last == nil {
			break
		}
		select {
		case <-e.died:
			return e.err
		case <-ctx.Done():
			return fmt.Errorf("%s did not start within %s (%w; %w); its last words: %s",
				e.software, engineStartLimit, ctx.Err(), last, e.output)
		case <-time.After(25 * time.Millisecond):
		}
	}
	// Whoever took the port in between may be the one that answered.
	select {
	case <-e.died:
		return e.err
	case <-time.After(10 * time.Millisecond):
		return nil
	}
}

func (e *Engine) listTables(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.endpoint, strings.NewReader("{}"))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Target", "DynamoDB_20120810.ListTables")
	req.Header.Set("X-Amz-Date", "20200101T000000Z")
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=local/20200101/local/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("it answers %s", resp.Status)
	}
	return nil
}

// freePort returns a port that is free on all addresses, as the engine needs it.
func freePort() (int, error) {
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		return 0, fmt.Errorf("looking for a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

const javaAdvice = "install Java 17 or newer (Debian: openjdk-17-jre-headless, macOS: brew install openjdk) or set JAVA_HOME to one, or set DYNAMODB_ENDPOINT to an engine that runs already"

var errNoJava = errors.New("no java here, which DynamoDB Local needs: " + javaAdvice)

func findJava() (string, error) {
	java, err := exec.LookPath(javaName())
	if err != nil {
		return "", errNoJava
	}
	return java, nil
}

// javaName is the java that Maven would use too.
func javaName() string {
	if home := os.Getenv("JAVA_HOME"); home != "" {
		return filepath.Join(home, "bin", "java")
	}
	return "java"
}

// tail keeps the last lines written to it.
type tail struct {
	mu    sync.Mutex
	max   int
	lines []string
	open  string // the line that has no end yet
}

func newTail(max int) *tail { return &tail{max: max} }

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	parts := strings.Split(t.open+string(p), "\n")
	t.open = parts[len(parts)-1]
	for _, line := range parts[:len(parts)-1] {
		if line = strings.TrimSpace(line); line != "" {
			t.lines = append(t.lines, line)
		}
	}
	t.lines = t.lines[max(0, len(t.lines)-t.max):]
	return len(p), nil
}

func (t *tail) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines, t.open = nil, ""
}

// String returns the lines as one, to go into an error.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := t.lines
	if open := strings.TrimSpace(t.open); open != "" {
		lines = append(lines[:len(lines):len(lines)], open)
	}
	return strings.Join(lines, " | ")
}
