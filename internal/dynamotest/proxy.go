package dynamotest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// Faults that only a Proxy makes.
const (
	ServerError  Fault = iota + 100 // 500 InternalServerError; nothing is written
	Unavailable                     // 503; nothing is written
	ThrottleAll                     // ThrottlingException; nothing is written
	ThrottleItem                    // a transaction cancelled because one of its items is throttled
	Partial                         // a batch of which only the first half was done
	Slow                            // takes effect at once, the answer comes late
	KillBefore                      // the caller is killed before the call takes effect
	KillAfter                       // the caller is killed after the call took effect
)

var faultNames = map[Fault]string{
	None: "none", Conflict: "transaction conflict", LostAnswer: "connection lost after the write", LostCall: "connection lost before the write",
	Throttle: "ProvisionedThroughputExceededException", Unprocessed: "batch unprocessed", Hang: "no answer",
	ServerError: "500", Unavailable: "503", ThrottleAll: "ThrottlingException", ThrottleItem: "transaction throttled", Partial: "batch half done",
	Slow: "slow answer", CutAnswer: "answer cut", KillBefore: "killed before the write", KillAfter: "killed after the write",
}

// String names the fault for people.
func (f Fault) String() string { return faultNames[f] }

// A ProxiedCall is a call as it comes to a Proxy.
type ProxiedCall struct {
	Caller    string // the first segment of the path, see Proxy.Endpoint
	Operation string
	Body      []byte
}

// A Proxy is an HTTP server in front of an engine, which injects faults where they
// happen in the field: on the connection.
type Proxy struct {
	// Inject says what happens to a call, with how long a slow answer is held back.
	Inject func(ProxiedCall) (Fault, time.Duration)

	// Kill ends the caller, and returns when it is gone.
	Kill func(caller string)

	engine string
	server *httptest.Server

	mu      sync.Mutex
	idle    *sync.Cond      // told when a number of running reaches 0
	running map[string]int  // by caller: calls on their way to the engine and back
	retired map[string]bool // by caller
}

// NewProxy starts a proxy in front of the engine of the table; it ends with the test.
// Its fields may be set until the first call.
func NewProxy(t testing.TB, tb *Table) *Proxy {
	p := &Proxy{engine: tb.Endpoint, running: map[string]int{}, retired: map[string]bool{}}
	p.idle = sync.NewCond(&p.mu)
	p.server = httptest.NewUnstartedServer(p)
	p.server.Config.ErrorLog = log.New(io.Discard, "", 0) // it would tell of every caller that was killed
	p.server.Start()
	t.Cleanup(func() {
		p.server.CloseClientConnections()
		p.server.Close()
	})
	return p
}

// Endpoint is the address for a caller's client.
func (p *Proxy) Endpoint(caller string) string { return p.server.URL + "/" + caller }

// Retire says that the caller is gone: none of its calls takes effect any more once
// Retire has returned.
func (p *Proxy) Retire(caller string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.retired[caller] = true
	for p.running[caller] > 0 {
		p.idle.Wait()
	}
	delete(p.running, caller)
}

// enter lets a call of the caller in, unless that is gone. Whoever is let in calls
// leave once the call can't take effect any more.
func (p *Proxy) enter(caller string) (leave func(), ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.retired[caller] {
		return nil, false
	}
	p.running[caller]++
	return sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.running[caller]--; p.running[caller] == 0 {
			p.idle.Broadcast()
		}
	}), true
}

// ServeHTTP implements http.Handler.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	caller, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	done, ok := p.enter(caller)
	if !ok {
		drop(w)
		return
	}
	defer done()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	fault, delay := p.Inject(ProxiedCall{caller, operation, body})
	if refusal := refusedBy(fault, operation, body); refusal != nil {
		copyAnswer(w, refusal)
		return
	}
	switch fault {
	case LostCall:
		drop(w)
		return
	case Hang:
		done()
		<-r.Context().Done()
		return
	case KillBefore:
		done()
		p.Kill(caller)
		return
	}
	rest := ""
	if fault == Partial {
		body, rest = half(operation, body)
	}
	resp, err := p.forward(r, body)
	done()
	if err != nil {
		drop(w)
		return
	}
	defer resp.Body.Close()
	switch fault {
	case LostAnswer:
		drop(w)
	case KillAfter:
		p.Kill(caller)
	case CutAnswer:
		cut(w, resp)
	case Partial:
		copyAnswer(w, withRest(resp, rest))
	case Slow:
		select {
		case <-time.After(delay):
		case <-r.Context().Done():
		}
		copyAnswer(w, resp)
	default:
		copyAnswer(w, resp)
	}
}

// forward sends the call on. What has come this far takes effect, whatever becomes of
// the caller.
func (p *Proxy) forward(r *http.Request, body []byte) (*http.Response, error) {
	out, err := http.NewRequestWithContext(context.WithoutCancel(r.Context()), r.Method, p.engine+"/", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	out.Header = r.Header.Clone()
	resp, answer, err := exchange(transport, out)
	if err != nil {
		return nil, err
	}
	resp.ContentLength = int64(len(answer))
	return resp, nil
}

// refusedBy is the answer of a call that does not reach the engine, nil for one that
// does or that gets no answer.
func refusedBy(f Fault, operation string, body []byte) *http.Response {
	switch f {
	case Conflict:
		return conflict(operation, body)
	case Throttle:
		return refused("ProvisionedThroughputExceededException", "injected", "")
	case ThrottleAll:
		return refused("ThrottlingException", "injected", "")
	case ThrottleItem:
		return cancelled(body, "ThrottlingError", "injected")
	case Unprocessed:
		return unprocessed(operation, body)
	case ServerError:
		return answered(http.StatusInternalServerError, "InternalServerError", `{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"injected"}`)
	case Unavailable:
		return answered(http.StatusServiceUnavailable, "", "Service Unavailable")
	}
	return nil
}

func copyAnswer(w http.ResponseWriter, resp *http.Response) {
	defer resp.Body.Close()
	for name, values := range resp.Header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Length", fmt.Sprint(resp.ContentLength))
	w.WriteHeader(resp.StatusCode)
	io.Copy(w, resp.Body)
}

// drop breaks the connection without an answer: every second time with a reset.
func drop(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok && time.Now().UnixNano()%2 == 0 {
		tcp.SetLinger(0)
	}
	conn.Close()
}

// cut sends the head and half of the body of an answer, then breaks the connection.
func cut(w http.ResponseWriter, resp *http.Response) {
	body, _ := io.ReadAll(resp.Body)
	conn, out, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	fmt.Fprintf(out, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\n", resp.StatusCode, http.StatusText(resp.StatusCode), resp.Header.Get("Content-Type"))
	if checksum := resp.Header.Get("X-Amz-Crc32"); checksum != "" {
		fmt.Fprintf(out, "X-Amz-Crc32: %s\r\n", checksum)
	}
	fmt.Fprintf(out, "Content-Length: %d\r\n\r\n%s", len(body), body[:len(body)/2])
	out.Flush()
	conn.Close()
}

// half returns the call for the first half of a batch, and the other half as the
// answer shows what was left.
func half(operation string, body []byte) (first []byte, rest string) {
	var call map[string]json.RawMessage
	if json.Unmarshal(body, &call) != nil {
		return body, ""
	}
	done, left := map[string]any{}, map[string]any{}
	if operation == "BatchWriteItem" {
		var requests map[string][]json.RawMessage
		json.Unmarshal(call["RequestItems"], &requests)
		for table, writes := range requests {
			middle := (len(writes) + 1) / 2
			done[table] = writes[:middle]
			if middle < len(writes) {
				left[table] = writes[middle:]
			}
		}
	} else {
		var requests map[string]map[string]json.RawMessage
		json.Unmarshal(call["RequestItems"], &requests)
		for table, reads := range requests {
			var keys []json.RawMessage
			json.Unmarshal(reads["Keys"], &keys)
			middle := (len(keys) + 1) / 2
			done[table] = withKeys(reads, keys[:middle])
			if middle < len(keys) {
				left[table] = withKeys(reads, keys[middle:])
			}
		}
	}
	call["RequestItems"] = json.RawMessage(plainJSON(done))
	return []byte(plainJSON(call)), plainJSON(left)
}

func withKeys(reads map[string]json.RawMessage, keys []json.RawMessage) map[string]any {
	out := map[string]any{"Keys": keys}
	for name, value := range reads {
		if name != "Keys" {
			out[name] = value
		}
	}
	return out
}

// withRest adds what was left of a batch to the answer.
func withRest(resp *http.Response, rest string) *http.Response {
	body, _ := io.ReadAll(resp.Body)
	var answer map[string]json.RawMessage
	if resp.StatusCode != http.StatusOK || json.Unmarshal(body, &answer) != nil {
		resp.Body = io.NopCloser(bytes.NewReader(body))
		return resp
	}
	name := "UnprocessedItems"
	if _, reads := answer["Responses"]; reads {
		name = "UnprocessedKeys"
	}
	answer[name] = json.RawMessage(rest)
	return answered(http.StatusOK, "", plainJSON(answer))
}
