// Package delivery carries out what a tool sends of its alarms, whatever way it came, over HTTP or as
// an event: it takes the signals, and notes the delivery for the people who look after the
// integration (docs/integrations.md, Deliveries).
package delivery

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"tocsin/internal/statuspage"
)

// Store is what a delivery needs of a repository.
type Store interface {
	// TakeSignals applies the signals of one delivery at now (UTC seconds). Of a single signal it
	// tells expect, if that is given, what will probably come of it while it waits for the table;
	// what it returns counts. An error is a failure of the repository, after everything was tried;
	// to do all of it again does no harm.
	TakeSignals(ctx context.Context, i statuspage.Integration, signals []statuspage.Signal, now int64, expect func(statuspage.Taken)) (statuspage.Taken, error)

	// RecordDelivery keeps the delivery for a while, in place of one with the same time and nonce.
	RecordDelivery(ctx context.Context, d statuspage.Delivery) error

	// NoteIntegrationSeen notes that a delivery of the integration came at now (UTC seconds), and what
	// its operator should know of; nil: all is well.
	NoteIntegrationSeen(ctx context.Context, i statuspage.Integration, now int64, lastError *string) error
}

// notePatience is how long the notes about a delivery may take. The sender waits for them, since a
// function may be frozen once it has answered.
const notePatience = time.Second

// A Receiver receives deliveries.
type Receiver struct {
	Store Store
	Log   *slog.Logger
}

// A Delivery is what came, and how it is read and answered.
type Delivery struct {
	Integration statuspage.Integration
	Time        int64    // UTC milliseconds
	Body        string   // as it is to be recorded
	Tokens      []string // that were shown, which are never recorded; "" none

	// Read returns what is in it. An error is a *statuspage.Error that says what is wrong with it, or
	// a failure of ours.
	Read func(context.Context) (Content, error)

	// Status is the status of HTTP with which it is answered, by the error of Receive.
	Status func(error) int
}

// Content is what a delivery says.
type Content struct {
	Signals []statuspage.Signal

	Remark  string // what it is when it is not about an alarm
	Problem bool   // whether the operator should know of that
}

// Receive takes the signals of the delivery, then notes it. Its error is a *statuspage.Error: one with
// the code statuspage.CodeUnavailable is a failure of ours, and the delivery should come again;
// any other one says what is wrong with the delivery.
func (r Receiver) Receive(ctx context.Context, d Delivery) (statuspage.Taken, error) {
	notes := notes{Receiver: r, of: d, nonce: rand.Text()}
	taken, err := r.take(ctx, d, func(expected statuspage.Taken) { notes.expect(ctx, expected) })
	if err != nil {
		taken.Reason = message(err)
		taken.LastError = &taken.Reason
	}
	notes.finish(ctx, taken, err)
	return taken, err
}

// Seen notes that something of the integration came at now (UTC seconds) of which nothing is to be
// recorded.
func (r Receiver) Seen(ctx context.Context, i statuspage.Integration, now int64) {
	ctx, cancel := context.WithTimeout(ctx, notePatience)
	defer cancel()
	if err := r.Store.NoteIntegrationSeen(ctx, i, now, nil); err != nil {
		r.Log.WarnContext(ctx, "a delivery was not noted", "integration", i.ID, "cause", err.Error())
	}
}

func (r Receiver) take(ctx context.Context, d Delivery, expect func(statuspage.Taken)) (taken statuspage.Taken, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = statuspage.Unavailable(fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
	}()
	content, err := d.Read(ctx)
	signals := d.tokenless(content.Signals)
	switch {
	case err != nil:
		return taken, ours(err)
	case content.Problem:
		return statuspage.Taken{Received: 1, Ignored: 1, Reason: content.Remark, LastError: &content.Remark}, nil
	case content.Remark != "":
		return statuspage.Taken{Received: 1, Ignored: 1, Reason: content.Remark}, nil
	}
	if !d.Integration.Active {
		return statuspage.Taken{Received: len(signals), Ignored: len(signals), Reason: "The integration is not active"}, nil
	}
	taken, err = r.Store.TakeSignals(ctx, d.Integration, signals, d.Time/1000, expect)
	if err != nil {
		return taken, statuspage.Unavailable(err)
	}
	return taken, nil
}

// tokenless returns the signals without the tokens: a job can report the command that failed, with the
// address that it was to call.
func (d Delivery) tokenless(signals []statuspage.Signal) []statuspage.Signal {
	for n := range signals {
		s := &signals[n]
		for _, text := range []*string{&s.Key, &s.Episode, &s.Title, &s.Message, &s.Link, &s.Severity} {
			*text = d.without(*text)
		}
		for n, tag := range s.Monitors {
			s.Monitors[n] = d.without(tag)
		}
		for name, value := range s.Labels {
			delete(s.Labels, name)
			s.Labels[d.without(name)] = d.without(value)
		}
	}
	return signals
}

// ours returns the error as one that tells the sender to come again, unless it says what is wrong
// with what came.
func ours(err error) error {
	if e, ok := errors.AsType[*statuspage.Error](err); ok && e.Code != statuspage.CodeInternal {
		return e
	}
	return statuspage.Unavailable(err)
}

// message is what an error of ours tells people.
func message(err error) string {
	if e, ok := errors.AsType[*statuspage.Error](err); ok {
		return e.Message
	}
	return err.Error()
}

// notes are about one delivery: that it came, and what came of it. They are written while its signals
// are taken, as far as that can be foreseen, so that the sender does not wait for them too.
type notes struct {
	Receiver
	of    Delivery
	nonce string

	written *statuspage.Delivery // the last one; nil: none yet
	seen    bool
	writing sync.WaitGroup
}

// expect begins to note what is expected of the delivery.
func (n *notes) expect(ctx context.Context, taken statuspage.Taken) {
	n.writing.Wait()
	n.write(ctx, taken, nil)
}

// finish notes what came of the delivery, unless that was expected. A failure changes nothing of the
// answer.
func (n *notes) finish(ctx context.Context, taken statuspage.Taken, err error) {
	n.writing.Wait()
	n.write(ctx, taken, err)
	n.writing.Wait()
}

// write begins to record the delivery and, once, when the integration was seen. CloudWatch tells of
// every alarm of the account: of those that ask for nothing nothing is kept.
func (n *notes) write(ctx context.Context, taken statuspage.Taken, err error) {
	d := n.of
	if err == nil && d.Integration.ID == statuspage.CloudWatchID && taken.Ignored == taken.Received && taken.LastError == nil {
		return
	}
	body, cut := d.recorded()
	row := statuspage.Delivery{
		Integration: d.Integration.ID, Time: d.Time, Nonce: n.nonce, Body: body, Cut: cut, Reason: d.without(taken.Reason),
		Outcome: statuspage.DeliveryOutcome{Status: d.Status(err), Received: taken.Received, Opened: taken.Opened, Resolved: taken.Resolved, Ignored: taken.Ignored},
	}
	if n.written == nil || *n.written != row {
		n.begin(ctx, func(ctx context.Context) error { return n.Store.RecordDelivery(ctx, row) })
		n.written = &row
	}
	var lastError *string
	if taken.LastError != nil {
		lastError = new(d.without(*taken.LastError))
	}
	if !n.seen || lastError != nil {
		n.begin(ctx, func(ctx context.Context) error {
			return n.Store.NoteIntegrationSeen(ctx, d.Integration, d.Time/1000, lastError)
		})
		n.seen = true
	}
}

func (n *notes) begin(ctx context.Context, write func(context.Context) error) {
	n.writing.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, notePatience)
		defer cancel()
		if err := write(ctx); err != nil {
			n.Log.WarnContext(ctx, "a delivery was not noted", "integration", n.of.Integration.ID, "cause", err.Error())
		}
	})
}

// recorded returns what is kept of the body: no token, at most as much as is kept, and whether it is
// less than all.
func (d Delivery) recorded() (kept string, cut bool) {
	body := strings.ToValidUTF8(d.without(d.Body), "\ufffd")
	if len(body) <= statuspage.MaxDeliveryBody {
		return body, false
	}
	end := statuspage.MaxDeliveryBody
	for !utf8.RuneStart(body[end]) {
		end--
	}
	return body[:end], true
}

// without returns the text without the tokens.
func (d Delivery) without(text string) string {
	for _, token := range d.Tokens {
		if token != "" {
			text = strings.ReplaceAll(text, token, "(token)")
		}
	}
	return text
}
