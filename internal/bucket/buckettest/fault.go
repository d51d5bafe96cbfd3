package buckettest

import (
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// A Fault is what happens to a request instead of the usual.
type Fault int

// The faults. What is done is done as if there were no fault: a PUT still needs its condition.
const (
	None      Fault = iota
	SlowDown        // 503 SlowDown; nothing is done
	SlowAfter       // 503 SlowDown, and it is done
	Internal        // 500 InternalError; nothing is done
	Refused         // 412 without a reason; nothing is done
	Conflict        // 409 ConditionalRequestConflict without a reason; nothing is done
	Lost            // the connection breaks; nothing is done
	LostAfter       // it is done, and the connection breaks before the answer
	Late            // it is done at once, and the answer comes later
	Held            // it is done later, whether or not the client still waits for the answer
)

// before reports whether the fault comes before the request is done, which it never is then.
func (f Fault) before() bool {
	return f == SlowDown || f == Internal || f == Refused || f == Conflict || f == Lost
}

// silent reports whether the client gets no answer.
func (f Fault) silent() bool { return f == Lost || f == LostAfter }

// refusal is the answer in place of the usual one; nil: that one is given.
func (f Fault) refusal() *answer {
	switch f {
	case SlowDown, SlowAfter:
		return refuse(http.StatusServiceUnavailable, "SlowDown")
	case Internal:
		return refuse(http.StatusInternalServerError, "InternalError")
	case Refused:
		return refuse(http.StatusPreconditionFailed, "PreconditionFailed")
	case Conflict:
		return refuse(http.StatusConflict, "ConditionalRequestConflict")
	}
	return nil
}

// Random returns an Inject that gives a request, with probability p, one of the faults that
// its method can meet, for up to longest.
func Random(seed uint64, p float64, longest time.Duration, faults ...Fault) func(Request) (Fault, time.Duration) {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, 0))
	return func(r Request) (Fault, time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		if random.Float64() >= p {
			return None, 0
		}
		f, delay := faults[random.IntN(len(faults))], time.Duration(random.Int64N(int64(longest)+1))
		if r.Method == http.MethodGet && (f == Refused || f == Conflict) {
			return None, 0
		}
		return f, delay
	}
}
