package dynamo

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"tocsin/internal/statuspage"
)

// How signals are taken. Each key of an integration has a mark, which says whether an alert is open
// and what came last. A firing signal first tries to be a repetition, in one call; the refusal has
// the mark as it is. All else is one transaction that asks for the mark, the incident and the
// outage as they were read, so that of two senders at once only one opens or resolves, and the
// other one begins again.

const (
	signalsAtOnce = 16 // keys
	idsAtOnce     = 25 // of a delivery with many
)

// TakeSignals does what the signals of one delivery of the integration ask for at now (UTC
// seconds), those of one key in the order of their own times. A failure of one key does not stop
// the others; an error says that it is worth to send all again. Of a single signal it tells expect,
// if that is given, what will probably come of it.
func (s *Store) TakeSignals(ctx context.Context, i statuspage.Integration, signals []statuspage.Signal, now int64, expect func(statuspage.Taken)) (statuspage.Taken, error) {
	t := s.taking(i, len(signals), now)
	if len(signals) == 1 && expect != nil {
		t.expect = func(r signalResult) { expect(taken(1, []signalResult{r})) }
	}
	ctx = t.actor(ctx)
	lanes := t.lanes(signals)
	results := make([][]signalResult, len(lanes))
	failed := make([]error, len(lanes))
	var g errgroup.Group
	g.SetLimit(signalsAtOnce)
	for n, lane := range lanes {
		g.Go(func() error {
			alone := 1 // which opens what others join
			for len(lane) > 0 {
				if t.of.Shares() && alone == 0 && len(lane) >= togetherFrom {
					var done []signalResult
					done, alone, _ = t.takeTogether(ctx, lane) // one by one they say what fails
					if len(done) > 0 {
						results[n], lane = append(results[n], done...), lane[len(done):]
						continue
					}
				}
				signal := lane[0]
				lane, alone = lane[1:], max(alone-1, 0)
				r, err := t.take(ctx, signal)
				if err == nil && signal.News && !r.does.Fires() { // what opens an alert is told already
					signal.Action = statuspage.SignalNote
					_, err = t.take(ctx, signal)
				}
				if err != nil {
					failed[n] = errors.Join(failed[n], err)
					continue
				}
				results[n] = append(results[n], r)
			}
			return nil
		})
	}
	_ = g.Wait() // the errors are in failed
	return taken(len(signals), slices.Concat(results...)), firstError(failed)
}

// firstError returns one of the errors, if there are some: one that passes rather than another.
func firstError(errs []error) error {
	var first error
	for _, err := range errs {
		if e, is := errors.AsType[*statuspage.Error](err); is && e.Code == statuspage.CodeUnavailable {
			return err
		}
		first = cmp.Or(first, err)
	}
	return first
}

// A signalResult is what became of a signal.
type signalResult struct {
	does    statuspage.SignalDoing
	reason  string // why it did nothing, or not all; "" none
	trouble string // what the operator should know of
}

const maxReasons = 10

func taken(received int, results []signalResult) statuspage.Taken {
	t := statuspage.Taken{Received: received}
	var reasons []string
	add := func(reason string) {
		if reason != "" && !slices.Contains(reasons, reason) && len(reasons) < maxReasons {
			reasons = append(reasons, reason)
		}
	}
	for _, r := range results {
		switch {
		case r.does.Fires():
			t.Opened++
		case r.does == statuspage.SignalResolves:
			t.Resolved++
		case r.does == statuspage.SignalDoesNothing:
			t.Ignored++
		}
		add(r.reason)
		add(r.trouble)
		if r.trouble != "" && t.LastError == nil {
			t.LastError = new(r.trouble)
		}
	}
	t.Reason = strings.Join(reasons, "; ")
	return t
}

// A signalTaking takes the signals of one delivery.
type signalTaking struct {
	*Store
	of  statuspage.Integration
	now int64

	expect func(signalResult)

	options                     statuspage.IntegrationOptions
	alerts, incidents, comments *idBlock
}

func (s *Store) taking(i statuspage.Integration, signals int, now int64) *signalTaking {
	block := func(c Counter) *idBlock {
		return &idBlock{of: s, counter: c, size: int64(min(max(signals, 1), idsAtOnce))}
	}
	return &signalTaking{Store: s, of: i, now: now, expect: func(signalResult) {}, options: i.Settings(), alerts: block(alertIDs), incidents: block(IncidentIDs), comments: block(CommentIDs)}
}

func (t *signalTaking) actor(ctx context.Context) context.Context {
	return statuspage.WithActor(ctx, statuspage.Actor{Kind: statuspage.ByIntegration, ID: t.of.ID})
}

// lanes are the signals that are taken one after the other: those of one key, by their times, the
// resolved ones last; and, where alerts on a monitor share an incident, those of all keys that name
// the same monitor first, which would only be in each other's way. The first tag that any signal of
// a key names counts for all of them: the end of a problem often names none.
func (t *signalTaking) lanes(signals []statuspage.Signal) [][]statuspage.Signal {
	tags := map[string]string{} // by the key
	for _, s := range signals {
		if named := statuspage.TagsOf(t.options.Concerns(s)); t.of.Shares() && tags[s.Key] == "" && len(named) > 0 {
			tags[s.Key] = named[0]
		}
	}
	var lanes [][]statuspage.Signal
	at := map[string]int{}
	for _, s := range signals {
		name := "key " + s.Key
		if tag := tags[s.Key]; tag != "" {
			name = "monitor " + tag
		}
		n, there := at[name]
		if !there {
			n = len(lanes)
			at[name], lanes = n, append(lanes, nil)
		}
		lanes[n] = append(lanes[n], s)
	}
	when := func(s statuspage.Signal) int64 { return cmp.Or(s.Stamp(t.now), t.now*1000) }
	last := func(s statuspage.Signal) int {
		if s.Action == statuspage.SignalResolved {
			return 1
		}
		return 0
	}
	for _, lane := range lanes {
		slices.SortStableFunc(lane, func(a, b statuspage.Signal) int {
			return cmp.Or(cmp.Compare(when(a), when(b)), cmp.Compare(last(a), last(b)))
		})
	}
	return lanes
}

// An idBlock draws ids, many at once for a delivery of many signals. Some stay unused.
type idBlock struct {
	of      *Store
	counter Counter
	size    int64

	mu         sync.Mutex
	next, last int64
}

func (b *idBlock) draw(ctx context.Context) (int64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next >= b.last {
		last, err := b.of.table.Count(ctx, CounterKey(b.counter), AttrLast, b.size)
		if err != nil {
			return 0, err
		}
		b.next, b.last = last-b.size, last
	}
	b.next++
	return b.next, nil
}
