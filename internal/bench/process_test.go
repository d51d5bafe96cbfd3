package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A figure is what one start of a function took.
type figure struct {
	Init, First time.Duration // from the start of the process to its first poll; from the first event to its answer
	Warm        time.Duration // a later request, the mean

	InitCPU, FirstCPU, WarmCPU time.Duration // of the process; WarmCPU of a request, the mean

	RSS, HWM      int // KB, at the first poll and the most until the end
	Minor, Major  int // page faults until the first poll
	Heap, Mallocs int // by the initialisation of packages, bytes and allocations
	Connections   int // that DynamoDB saw until the first poll
	Requests      int // likewise
}

// A bootstrap is a function to start.
type bootstrap struct {
	name  string
	file  string
	env   []string
	event []byte
	want  string // part of its answer
}

// runtimeAPI plays Lambda's Runtime API for one process.
type runtimeAPI struct {
	polls   chan time.Time
	events  chan []byte
	answers chan []byte
	failed  chan string
}

// ServeHTTP implements http.Handler.
func (a *runtimeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasSuffix(r.URL.Path, "/invocation/next"):
		a.polls <- time.Now()
		event, ok := <-a.events
		if !ok {
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
		w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(25*time.Second).UnixMilli()))
		w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:bench")
		w.Write(event)
	case strings.HasSuffix(r.URL.Path, "/response"):
		answer, err := io.ReadAll(r.Body)
		if err != nil {
			a.failed <- err.Error()
		}
		w.WriteHeader(http.StatusAccepted)
		a.answers <- answer
	default:
		text, _ := io.ReadAll(r.Body)
		a.failed <- r.URL.Path + ": " + string(text)
	}
}

// patience is how long a process may take for one step.
const patience = 20 * time.Second

// run starts the function, sends it one request and then so many more.
func (b bootstrap) run(ctx context.Context, warm int, seen func() (connections, requests int)) (f figure, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return f, err
	}
	api := &runtimeAPI{make(chan time.Time, 1), make(chan []byte), make(chan []byte, 1), make(chan string, 4)}
	server := &http.Server{Handler: api}
	go server.Serve(l)
	defer server.Close()

	var log bytes.Buffer
	cmd := exec.CommandContext(ctx, b.file)
	cmd.Env = append(b.env, "AWS_LAMBDA_RUNTIME_API="+l.Addr().String())
	cmd.Stderr = &log
	connections, requests := seen()
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return f, err
	}
	p := process(cmd.Process.Pid)
	defer func() {
		cmd.Process.Kill()
		cmd.Wait()
		if err != nil {
			err = fmt.Errorf("%s: %w; its log: %s", b.name, err, &log)
		}
	}()
	at, err := await(api, api.polls)
	if err != nil {
		return f, err
	}
	f.Init = at.Sub(began)
	if f.InitCPU, err = p.cpu(); err != nil {
		return f, err
	}
	if err := p.memory(&f); err != nil {
		return f, err
	}
	c, q := seen()
	f.Connections, f.Requests = c-connections, q-requests

	for n := range warm + 1 {
		sent := time.Now()
		api.events <- b.event
		answer, err := await(api, api.answers)
		if err != nil {
			return f, err
		}
		took := time.Since(sent)
		if !strings.Contains(string(answer), b.want) {
			return f, fmt.Errorf("it answered %s, want %s in it", answer, b.want)
		}
		if _, err = await(api, api.polls); err != nil {
			return f, err
		}
		if n == 0 {
			f.First = took
			cpu, err := p.cpu()
			if err != nil {
				return f, err
			}
			f.FirstCPU = cpu - f.InitCPU
		} else {
			f.Warm += took / time.Duration(warm)
		}
	}
	cpu, err := p.cpu()
	if err != nil {
		return f, err
	}
	f.WarmCPU = (cpu - f.InitCPU - f.FirstCPU) / time.Duration(max(warm, 1))
	f.HWM, err = p.status("VmHWM")
	return f, err
}

func await[T any](api *runtimeAPI, from chan T) (v T, err error) {
	select {
	case v = <-from:
		return v, nil
	case why := <-api.failed:
		return v, fmt.Errorf("it failed: %s", why)
	case <-time.After(patience):
		return v, fmt.Errorf("nothing came within %s", patience)
	}
}

// initialised is a package and what its initialisation took from the heap.
type initialised struct {
	name  string
	bytes int
}

// inits starts the function once and adds up what Go says of its packages'
// initialisation; heaviest is the one that took the most.
func (b bootstrap) inits(ctx context.Context) (heap, mallocs int, heaviest initialised, err error) {
	traced := b
	trace, err := os.CreateTemp("", "inittrace")
	if err != nil {
		return 0, 0, heaviest, err
	}
	defer os.Remove(trace.Name())
	defer trace.Close()
	traced.env = append(append([]string(nil), b.env...), "GODEBUG=inittrace=1")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, 0, heaviest, err
	}
	api := &runtimeAPI{make(chan time.Time, 1), make(chan []byte), make(chan []byte, 1), make(chan string, 4)}
	server := &http.Server{Handler: api}
	go server.Serve(l)
	defer server.Close()
	cmd := exec.CommandContext(ctx, b.file)
	cmd.Env, cmd.Stderr = append(traced.env, "AWS_LAMBDA_RUNTIME_API="+l.Addr().String()), trace
	if err := cmd.Start(); err != nil {
		return 0, 0, heaviest, err
	}
	_, err = await(api, api.polls)
	cmd.Process.Kill()
	cmd.Wait()
	if err != nil {
		return 0, 0, heaviest, fmt.Errorf("%s: %w", b.name, err)
	}
	text, err := os.ReadFile(trace.Name())
	if err != nil {
		return 0, 0, heaviest, err
	}
	for _, m := range initLine.FindAllStringSubmatch(string(text), -1) {
		bytes, _ := strconv.Atoi(m[2])
		allocs, _ := strconv.Atoi(m[3])
		heap, mallocs = heap+bytes, mallocs+allocs
		if bytes > heaviest.bytes {
			heaviest = initialised{m[1], bytes}
		}
	}
	return heap, mallocs, heaviest, nil
}

var initLine = regexp.MustCompile(`(?m)^init (\S+) .* (\d+) bytes, (\d+) allocs$`)

// process is a process by its id, as Linux shows it.
type process int

func (p process) file(parts ...string) string {
	return filepath.Join(append([]string{"/proc", strconv.Itoa(int(p))}, parts...)...)
}

// cpu is what all threads have used. A process that waits is first given the time to be
// put off the processor, which is when Linux adds it up.
func (p process) cpu() (time.Duration, error) {
	time.Sleep(2 * time.Millisecond)
	threads, err := os.ReadDir(p.file("task"))
	if err != nil {
		return 0, err
	}
	var sum time.Duration
	for _, thread := range threads {
		text, err := os.ReadFile(p.file("task", thread.Name(), "schedstat"))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return 0, err
		}
		var ns time.Duration
		if _, err := fmt.Sscan(string(text), &ns); err != nil {
			return 0, fmt.Errorf("schedstat %q: %w", text, err)
		}
		sum += ns
	}
	return sum, nil
}

// memory fills in what the process has touched.
func (p process) memory(f *figure) (err error) {
	if f.RSS, err = p.status("VmRSS"); err != nil {
		return err
	}
	text, err := os.ReadFile(p.file("stat"))
	if err != nil {
		return err
	}
	// After the name, which is in parentheses: state, five ids, flags, minflt, cminflt, majflt.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if f.Minor, err = strconv.Atoi(fields[7]); err != nil {
		return err
	}
	f.Major, err = strconv.Atoi(fields[9])
	return err
}

// status is a value of /proc/PID/status in KB.
func (p process) status(name string) (int, error) {
	text, err := os.ReadFile(p.file("status"))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			return strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")))
		}
	}
	return 0, fmt.Errorf("no %s in the status of the process", name)
}
