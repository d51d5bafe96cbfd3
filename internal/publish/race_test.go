package publish_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"tocsin/internal/awsclient"
	"tocsin/internal/bucket"
	"tocsin/internal/bucket/buckettest"
	"tocsin/internal/publish"
	"tocsin/internal/site"
	"tocsin/internal/statuspage"
)

var races = flag.Int("races", 1, "random histories that TestNoOlderPage goes through")

// Eight publishers race over an S3 that fails in every way it can, while 200 changes are made
// of which the indexes know only later. Some publishers end in the middle of a pass, and
// others without memory take their places. No file is ever replaced by an older one, and once
// it is quiet the files are those of the table.
func TestNoOlderPage(t *testing.T) {
	for seed := range uint64(*races) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { race(t, seed) })
	}
}

func race(t *testing.T, seed uint64) {
	const publishers, readers, changes = 8, 2, 200
	h := newHistory(t, seed, size{monitors: 2, incidents: 8, past: 40 * day, looks: 20})
	stored := newWitness("stored")
	server := buckettest.New(t)
	server.Stored = stored.look
	faulty := &faulty{
		reads:  buckettest.Random(seed, 0.005, hasty, buckettest.SlowDown, buckettest.Internal, buckettest.Lost, buckettest.LostAfter, buckettest.Late),
		writes: buckettest.Random(seed, 0.06, 4*hasty, buckettest.SlowDown, buckettest.SlowAfter, buckettest.Internal, buckettest.Refused, buckettest.Conflict, buckettest.Lost, buckettest.LostAfter, buckettest.Late, buckettest.Held, buckettest.Held),
	}
	server.Inject = faulty.at
	store := &lagging{Store: h.store, seed: seed}
	store.learn(h)

	var workers []*worker
	done := &calls{}
	for n := range publishers {
		w := &worker{store: store, port: openBucket(server, hasty), done: done, random: rand.New(rand.NewPCG(seed, uint64(n)+10))}
		w.begin()
		workers = append(workers, w)
	}
	ctx, end := context.WithCancel(t.Context())
	var reading sync.WaitGroup
	var seen []*witness
	for range readers {
		w, port := newWitness("read"), openBucket(server, hasty)
		seen = append(seen, w)
		reading.Go(func() { w.read(ctx, port, stored.keys) })
	}
	for n := range changes / 20 {
		// So many publishers are at work while some changes are made. Then others go on.
		atWork := workers[:[]int{1, 2, 3, publishers}[n%4]]
		shift, over := context.WithCancel(ctx)
		var working sync.WaitGroup
		for _, w := range atWork {
			working.Go(func() {
				for shift.Err() == nil {
					w.work(shift, h)
				}
			})
		}
		for n := range 20 {
			done.wait(callsAChange, time.Minute)
			if n == 10 { // a run takes no longer than a minute of the clock, as the function's does
				h.pass(0, minute)
			}
			h.change()
			store.learn(h)
		}
		over()
		working.Wait()
		server.Wait() // for what nobody waits for any more
		h.pass(0, 5*minute, 30*minute, 2*hour)
		store.learn(h)
		h.random.Shuffle(len(workers), func(a, b int) { workers[a], workers[b] = workers[b], workers[a] })
	}
	end()
	reading.Wait()
	faulty.quiet.Store(true)
	store.end()
	t.Logf("%d files, %v; %s", len(stored.keys()), server.Counts(), sum(workers))
	for _, w := range append(seen, stored) {
		t.Logf("%d newer versions were %s", w.versions, w.what)
		if w.versions < changes {
			t.Error("this tests nothing")
		}
		for _, err := range w.faults {
			t.Error(err)
		}
	}
	patient := openBucket(server, time.Minute)
	for _, w := range workers {
		w.publisher.Port = patient
		run(t, w.publisher, h.now)
	}
	h.pass(7 * hour) // by then all figures are due
	run(t, workers[0].publisher, h.now)
	compare(h, patient, stored.all(), sameBytes)
}

// hasty is how long a call waits for its answer, which a held-up PUT gives too late.
const hasty = 250 * time.Millisecond

// openBucket returns the bucket with connections of its own.
func openBucket(s *buckettest.Server, timeout time.Duration) publish.Port {
	cfg := s.Config()
	cfg.HTTPClient = awsclient.NewHTTPClient(timeout)
	return bucket.New(s3.New(bucket.NewClient(cfg, s.URL).Options(), buckettest.AtOnce), buckettest.Bucket)
}

// faulty makes faults until it is quiet.
type faulty struct {
	reads, writes func(buckettest.Request) (buckettest.Fault, time.Duration)
	quiet         atomic.Bool
}

func (f *faulty) at(r buckettest.Request) (buckettest.Fault, time.Duration) {
	switch {
	case f.quiet.Load():
		return buckettest.None, 0
	case r.Method == http.MethodPut:
		return f.writes(r)
	}
	return f.reads(r)
}

// worker is a place where one publisher after another works.
type worker struct {
	store     site.Store
	port      publish.Port
	done      *calls
	random    *rand.Rand
	publisher *publish.Publisher

	passes, failed, ended, begun int
}

// work lets the publisher work once. One time in four it ends in the middle, and then every
// other time its memory is lost too.
func (w *worker) work(ctx context.Context, h *history) {
	ctx, end := context.WithCancel(ctx)
	defer end()
	port := &ending{Port: w.port, done: w.done, end: end, after: -1, holdUp: w.random.IntN(200)}
	if w.random.IntN(4) == 0 {
		port.after = w.random.IntN(200)
	}
	w.publisher.Port = port
	_, err := w.publisher.Run(ctx, h.clock())
	switch {
	case err == nil:
		w.passes++
		w.done.count(callsAChange / 4) // it may have had nothing to do
	case ctx.Err() == nil:
		w.failed++ // S3 did, again and again
	default:
		w.ended++
		if w.random.IntN(2) == 0 {
			w.begin()
		}
	}
	w.publisher.Port = w.port
}

// begin puts a publisher without memory in place of the one that is there.
func (w *worker) begin() {
	w.publisher = &publish.Publisher{Store: w.store, Config: config, Port: w.port, Pause: 5 * time.Millisecond}
	w.begun++
}

// callsAChange is how many calls of S3 publishers make from one change to the next.
const callsAChange = 25

// calls counts them. It is the clock of a race, so that a slow machine races as a fast one does.
type calls struct{ made atomic.Int64 }

func (c *calls) count(n int64) { c.made.Add(n) }

// wait returns when n more were made, or after a while.
func (c *calls) wait(n int64, most time.Duration) {
	until := time.Now().Add(most)
	for from := c.made.Load(); c.made.Load() < from+n && time.Now().Before(until); {
		time.Sleep(time.Millisecond)
	}
}

// ending is a Port whose user is held up once, and may end with one of its calls, which is
// done or not.
type ending struct {
	publish.Port
	done *calls
	end  func()

	mu     sync.Mutex
	after  int // calls; negative: no end is near
	holdUp int // after so many calls there is a hold-up
}

func (e *ending) Get(ctx context.Context, key string) (publish.Object, string, error) {
	e.count()
	return e.Port.Get(ctx, key)
}

func (e *ending) Put(ctx context.Context, key string, o publish.Object, etag string) (string, error) {
	e.count()
	return e.Port.Put(ctx, key, o, etag)
}

// count notes a call. When it is its turn, it holds up this one and all later ones, while other
// publishers go on.
func (e *ending) count() {
	e.done.count(1)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.after == 0 {
		time.AfterFunc(rand.N(3*time.Millisecond), e.end)
	}
	if e.holdUp == 0 {
		e.done.wait(6*callsAChange, time.Second)
	}
	e.after, e.holdUp = e.after-1, e.holdUp-1
}

func sum(workers []*worker) string {
	var all worker
	for _, w := range workers {
		all.passes, all.failed, all.ended, all.begun = all.passes+w.passes, all.failed+w.failed, all.ended+w.ended, all.begun+w.begun
	}
	return fmt.Sprintf("%d passes, %d failed, %d ended in the middle, %d publishers", all.passes, all.failed, all.ended, all.begun)
}

// lagging is a repository whose lists of incidents are as they were some changes ago.
type lagging struct {
	site.Store
	seed uint64

	mu    sync.Mutex
	lists []indexed
	calls uint64
}

// indexed are all incidents as a list had them, the newest start first, and all maintenances.
type indexed struct {
	at    int64
	all   []statuspage.Incident
	works []statuspage.Maintenance
}

const (
	maxLag     = 8          // changes
	maxLagTime = 4 * minute // an index lags by less than that
)

// learn takes note of the incidents and maintenances as they are.
func (l *lagging) learn(h *history) {
	h.t.Helper()
	now := indexed{at: h.now}
	if _, err := l.Store.Incidents(h.t.Context(), statuspage.IncidentQuery{To: statuspage.MaxTimestamp, Limit: 10_000}, func(i statuspage.Incident) bool {
		now.all = append(now.all, i)
		return true
	}); err != nil {
		h.t.Fatal(err)
	}
	if err := l.Store.MaintenancesSince(h.t.Context(), 0, func(m statuspage.Maintenance) bool {
		now.works = append(now.works, m)
		return true
	}); err != nil {
		h.t.Fatal(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lists = slices.DeleteFunc(append(l.lists, now), func(old indexed) bool { return old.at < now.at-maxLagTime })
	l.lists = l.lists[max(0, len(l.lists)-maxLag):]
}

// end lets the lists be as new as all else from now on.
func (l *lagging) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lists = nil
}

// some returns one of the newest lists; ok is false when they do not lag any more.
func (l *lagging) some() (list indexed, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lists) == 0 {
		return indexed{}, false
	}
	l.calls++
	return l.lists[rand.New(rand.NewPCG(l.seed, l.calls)).IntN(len(l.lists))], true
}

func (l *lagging) Incidents(ctx context.Context, q statuspage.IncidentQuery, take func(statuspage.Incident) bool) (*statuspage.IncidentPosition, error) {
	list, ok := l.some()
	if !ok {
		return l.Store.Incidents(ctx, q, take)
	}
	var last *statuspage.IncidentPosition
	for _, i := range list.all {
		after := q.After == nil || i.Start < q.After.Start || i.Start == q.After.Start && i.ID < q.After.ID
		if i.Start < q.From || i.Start > q.To || !after || q.Open != nil && *q.Open != (i.Closed == nil) {
			continue
		}
		if !take(i) {
			return last, nil
		}
		last = &statuspage.IncidentPosition{Start: i.Start, ID: i.ID}
	}
	return nil, nil
}

func (l *lagging) MaintenancesSince(ctx context.Context, since int64, take func(statuspage.Maintenance) bool) error {
	list, ok := l.some()
	if !ok {
		return l.Store.MaintenancesSince(ctx, since, take)
	}
	for _, m := range list.works {
		if m.LastEnd() >= since && !take(m) {
			return nil
		}
	}
	return nil
}

// versionsIn finds the versions of what a file tells of: of a monitor's name, of the title of
// an incident, a maintenance or a page, of the newest comment of an incident, and of settings.
var versionsIn = regexp.MustCompile(`\b([imcwps]\d+)-v(\d+)\.`)

// witness looks at the versions in files, one file after another.
type witness struct {
	what string

	mu       sync.Mutex
	newest   map[string]map[string]int // by key of the file and name of the thing
	versions int                       // how many newer ones there were
	faults   []error
}

func newWitness(what string) *witness {
	return &witness{what: what, newest: map[string]map[string]int{}}
}

// read reads the files, again and again.
func (w *witness) read(ctx context.Context, port publish.Port, keys func() []string) {
	for ctx.Err() == nil {
		for _, key := range keys() {
			if o, _, err := port.Get(ctx, key); err == nil {
				w.look(key, o.Body)
			}
			time.Sleep(20 * time.Millisecond)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (w *witness) look(key string, body []byte) {
	found := map[string]int{}
	for _, match := range versionsIn.FindAllSubmatch(body, -1) {
		n, err := strconv.Atoi(string(match[2]))
		if err != nil {
			panic(err)
		}
		found[string(match[1])] = max(found[string(match[1])], n)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	newest := w.newest[key]
	if newest == nil {
		newest = map[string]int{}
		w.newest[key] = newest
	}
	for name, n := range found {
		switch {
		case n < newest[name]:
			w.faults = append(w.faults, fmt.Errorf("%s: %s of version %d is %s after version %d", key, name, n, w.what, newest[name]))
		case n > newest[name]:
			newest[name] = n
			w.versions++
		}
	}
}

func (w *witness) keys() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Sorted(maps.Keys(w.newest))
}

func (w *witness) all() map[string]bool {
	all := map[string]bool{}
	for _, key := range w.keys() {
		if strings.HasPrefix(key, publish.Public) {
			all[key] = true
		}
	}
	return all
}
