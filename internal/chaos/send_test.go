package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"tocsin/internal/openapi/openapitest"
)

// The bodies that a 5xx may have: the service's two, in the form of both APIs, and the
// gateway's own where a function was killed.
var failures = map[int][]string{
	http.StatusInternalServerError: {
		`{"error":{"code":"INTERNAL_ERROR","message":"Internal server error"}}`, `{"error":"Internal server error"}`, `{"message":"Internal Server Error"}`,
	},
	http.StatusServiceUnavailable: {
		`{"error":{"code":"SERVICE_UNAVAILABLE","message":"Service unavailable, try again"}}`, `{"error":"Service unavailable, try again"}`, `{"message":"Service Unavailable"}`,
	},
}

const (
	patience   = 35 * time.Second // of a client that has to know what came of its request: longer than the gateway's
	busyTries  = 4                // 409s after which a client sees to something else first
	asideFor   = 15 * time.Second
	giveUp     = 5 * time.Minute // a request that is not answered by then is a failure of the test
	abandoning = 0.02            // of the unanswered tries are a client's last
	impatience = 0.02            // of the tries of a request with a key are not waited for
	replaying  = 0.03            // of the answered requests with a key are sent again
)

// A call is a request that a client makes, as often as it takes.
type call struct {
	kind   string // in the report
	method string
	path   string
	body   any
	key    string // Idempotency-Key
	match  string // If-Match
	token  string // of what a POST makes: it is in the text of that and nowhere else

	keyless bool // without the API key

	text      string // the body
	began     time.Time
	ambiguous bool // there was a try without an answer, or with one that says nothing of its effect
	busy      int  // how often it was answered 409
}

// An answer is what came of a call.
type answer struct {
	status int
	header http.Header
	body   string
}

// ok reports whether a write counts as acknowledged.
func (a answer) ok() bool { return a.status >= 200 && a.status < 300 }

// byGateway reports whether the gateway has answered for a function that could not.
func (a answer) byGateway() bool {
	return a.status >= 500 && strings.HasPrefix(a.body, `{"message":`)
}

func (a answer) decode(c *client, into any) {
	if err := json.Unmarshal([]byte(a.body), into); err != nil {
		c.fail("the answer %s: %v", a.body, err)
	}
}

// A client sends requests one after another.
type client struct {
	*run
	n      int
	random *rand.Rand
	seq    int
	own    // what it has made
	aside  []waiting
}

// waiting is a request that another try of its own is still in the way of.
type waiting struct {
	call *call
	then func(answer, bool)
	from time.Time
}

// token is a text that nothing else in the run has.
func (c *client) token(kind string) string {
	c.seq++
	return fmt.Sprintf("%s.%d.%d.", kind, c.n, c.seq)
}

func (c *client) chance(p float64) bool { return c.random.Float64() < p }

// fail is an error of the service.
func (c *client) fail(format string, args ...any) {
	c.violations.Add(1)
	c.t.Errorf("client %d: %s", c.n, fmt.Sprintf(format, args...))
}

// once sends one try.
func (c *client) once(r *call, timeout time.Duration) (answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	var reader io.Reader
	if r.text != "" {
		reader = strings.NewReader(r.text)
	}
	q, err := http.NewRequestWithContext(ctx, r.method, c.server.URL+r.path, reader)
	if err != nil {
		return answer{}, err
	}
	if !r.keyless {
		q.Header.Set("Authorization", "Bearer "+c.server.Key)
	}
	if r.text != "" {
		q.Header.Set("Content-Type", "application/json")
	}
	if r.key != "" {
		q.Header.Set("Idempotency-Key", r.key)
	}
	if r.match != "" {
		q.Header.Set("If-Match", r.match)
	}
	resp, err := clientHTTP.Do(q)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, err
	}
	a := answer{resp.StatusCode, resp.Header, string(body)}
	c.checkAnswer(q, r, a)
	return a, nil
}

var clientHTTP = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}

// checkAnswer holds an answer against the OpenAPI document, and a 5xx against the
// bodies that it may have. Those of the gateway the document does not know.
func (c *client) checkAnswer(q *http.Request, r *call, a answer) {
	if a.status >= 500 && !slices.Contains(failures[a.status], a.body) {
		c.fail("%s %s is answered %d %s", r.method, r.path, a.status, a.body)
	}
	if a.byGateway() {
		return
	}
	err := openapitest.Check(openapitest.Exchange{
		Method: r.method, Path: q.URL.Path, Query: q.URL.RawQuery, Header: q.Header, Body: r.text,
		Status: a.status, AnswerHeader: a.header, AnswerBody: a.body,
	})
	if err != nil {
		c.fail("%v", err)
	}
}

// send sends the request until it has an answer that says what came of it, and
// reports whether it has: a client may also give up, and of a request with a key that
// is still being worked on say that it is to be put aside.
func (c *client) send(r *call) (a answer, answered, busy bool) {
	if r.began.IsZero() {
		r.began = time.Now()
		if r.body != nil {
			text, err := json.Marshal(r.body)
			if err != nil {
				panic(err)
			}
			r.text = string(text)
		}
	}
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		timeout := patience
		if r.key != "" && c.chance(impatience) {
			timeout = time.Duration(5+c.random.IntN(150)) * time.Millisecond
		}
		a, err := c.once(r, timeout)
		c.count(r, a, err)
		switch {
		case err != nil && r.key == "" && !errors.Is(err, io.EOF):
			c.fail("%s %s: %v", r.method, r.path, err)
			return a, false, false
		case err != nil || a.status >= 500:
			r.ambiguous = true
		case a.status == http.StatusConflict:
			if !r.ambiguous || r.key == "" {
				c.fail("%s %s, which was never sent before, is answered %s", r.method, r.path, a.body)
				return a, true, false
			}
			if r.busy++; r.busy%busyTries == 0 {
				return a, false, true
			}
		default:
			return a, true, false
		}
		if time.Since(r.began) > giveUp {
			c.fail("%s %s has no answer after %s; the last one: %d %s", r.method, r.path, giveUp, a.status, a.body)
			return a, false, false
		}
		if r.token != "" && (r.key == "" || c.chance(abandoning)) {
			return a, false, false // without a key a POST can't be sent again
		}
		c.retries.Add(1)
		time.Sleep(pause)
	}
}

// do sends a request that must be answered with one of the statuses, or 2xx.
func (c *client) do(r *call, also ...int) (answer, bool) {
	a, answered, _ := c.send(r)
	if !answered {
		return a, false
	}
	if a.ok() {
		c.acknowledge(r)
		return a, true
	}
	for _, s := range also {
		if a.status == s && r.ambiguous {
			return a, true
		}
	}
	c.fail("%s %s %s (sent before without an answer: %v) is answered %d %s", r.method, r.path, r.text, r.ambiguous, a.status, a.body)
	return a, false
}

// post sends a POST that makes something. then is called once its answer is there,
// or with false when it is given up, which may be later.
func (c *client) post(r *call, then func(answer, bool)) {
	c.try(r, then)
}

func (c *client) try(r *call, then func(answer, bool)) {
	a, answered, busy := c.send(r)
	switch {
	case busy:
		c.aside = append(c.aside, waiting{r, then, time.Now()})
		return
	case !answered:
		c.abandoned(r)
		then(a, false)
		return
	case !a.ok():
		c.fail("%s %s %s is answered %d %s", r.method, r.path, r.text, a.status, a.body)
		c.abandoned(r)
		then(a, false)
		return
	}
	c.acknowledge(r)
	c.made(r, a)
	then(a, true)
	if r.key != "" && r.path != "/api/v4/keys" && r.token != "" && c.chance(replaying) {
		c.replay(r, a)
	}
}

// replay sends a request again that was answered: the answer is the same, byte for
// byte.
func (c *client) replay(r *call, first answer) {
	again := *r
	again.ambiguous, again.began, again.token = true, time.Time{}, ""
	a, answered, _ := c.send(&again)
	if !answered {
		return
	}
	c.replays.Add(1)
	if a.status != first.status || a.body != first.body || a.header.Get("Idempotent-Replayed") != "true" {
		c.fail("%s %s sent again is answered %d %s (replayed: %q), the first time %d %s", r.method, r.path, a.status, a.body, a.header.Get("Idempotent-Replayed"), first.status, first.body)
	}
}

// get reads until there is an answer.
func (c *client) get(path string, into any) answer {
	r := &call{kind: "read", method: http.MethodGet, path: path}
	a, answered, _ := c.send(r)
	switch {
	case answered && !a.ok():
		c.fail("GET %s is answered %d %s", path, a.status, a.body)
	case answered && into != nil:
		a.decode(c, into)
	}
	return a
}

// seeToAside sends again what was put aside long enough ago, or all of it.
func (c *client) seeToAside(all bool) {
	old := c.aside
	c.aside = nil
	for _, w := range old {
		if all || time.Since(w.from) > asideFor {
			c.try(w.call, w.then)
		} else {
			c.aside = append(c.aside, w)
		}
	}
}
