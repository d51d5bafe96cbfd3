package chaos

import (
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tocsin/internal/dynamotest"
)

// weights is how often each fault is drawn, among those that a call can have.
var weights = []struct {
	fault  dynamotest.Fault
	weight int
}{
	{dynamotest.Conflict, 16}, {dynamotest.Throttle, 8}, {dynamotest.ThrottleAll, 8}, {dynamotest.ThrottleItem, 8},
	{dynamotest.ServerError, 10}, {dynamotest.Unavailable, 8}, {dynamotest.LostCall, 12}, {dynamotest.LostAnswer, 16}, {dynamotest.CutAnswer, 10},
	{dynamotest.Unprocessed, 5}, {dynamotest.Partial, 8}, {dynamotest.Slow, 8}, {dynamotest.Hang, 1},
}

const (
	calmFault  = 0.08 // of the calls in calm weather have a fault
	stormFault = 0.45 // of those in a storm
	worstFault = 0.92 // of those in a storm that no retries outlast
	worst      = 0.3  // of the storms are so
	killFault  = 0.03 // of the calls of a process end it
)

// Weather says what happens to the calls of DynamoDB. It comes in bursts: a storm of
// some dozen calls, then a calm of some more.
type weather struct {
	off atomic.Bool

	mu       sync.Mutex
	random   *rand.Rand
	rate     float64 // of the calls that have a fault
	left     int     // calls until it changes
	calls    int
	injected map[dynamotest.Fault]int
}

func newWeather(seed uint64) *weather {
	return &weather{random: rand.New(rand.NewPCG(seed, 1)), injected: map[dynamotest.Fault]int{}}
}

// inject is the Inject of a dynamotest.Proxy.
func (w *weather) inject(call dynamotest.ProxiedCall) (dynamotest.Fault, time.Duration) {
	if w.off.Load() {
		return dynamotest.None, 0
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls++
	if w.left--; w.left <= 0 {
		w.change()
	}
	f := w.draw(call)
	if f != dynamotest.None {
		w.injected[f]++
	}
	delay := time.Duration(20+w.random.IntN(280)) * time.Millisecond
	if w.random.IntN(20) == 0 {
		delay = callTimeout + 100*time.Millisecond // the caller gives up before
	}
	return f, delay
}

// change makes a storm of a calm, and a calm of a storm.
func (w *weather) change() {
	switch {
	case w.rate > calmFault:
		w.rate, w.left = calmFault, 30+w.random.IntN(220)
	case w.random.Float64() < worst:
		w.rate, w.left = worstFault, 10+w.random.IntN(90)
	default:
		w.rate, w.left = stormFault, 10+w.random.IntN(110)
	}
}

func (w *weather) draw(call dynamotest.ProxiedCall) dynamotest.Fault {
	if isProcess(call.Caller) && w.random.Float64() < killFault {
		if w.random.IntN(2) == 0 {
			return dynamotest.KillBefore
		}
		return dynamotest.KillAfter
	}
	if w.random.Float64() >= w.rate {
		return dynamotest.None
	}
	sum := 0
	for _, k := range weights {
		if k.fault.Applies(call.Operation, call.Body) {
			sum += k.weight
		}
	}
	n := w.random.IntN(sum)
	for _, k := range weights {
		if !k.fault.Applies(call.Operation, call.Body) {
			continue
		}
		if n -= k.weight; n < 0 {
			return k.fault
		}
	}
	return dynamotest.None
}

// inProcess is the caller's name of the functions that run in the test's process.
const inProcess = "here"

func isProcess(caller string) bool { return strings.Contains(caller, "-") }
