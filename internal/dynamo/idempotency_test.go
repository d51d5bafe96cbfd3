package dynamo_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/dynamo"
	"tocsin/internal/dynamotest"
	"tocsin/internal/statuspage"
)

// claims is a table in which requests are claimed at times of the test's own.
type claims struct {
	*testing.T
	tb    *dynamotest.Table
	store *dynamo.Store
}

func newClaims(t *testing.T) *claims {
	tb := dynamotest.NewTable(t)
	return &claims{t, tb, tb.Store(nil)}
}

// claim asks for the claim of key "k", and for the error or the reply.
func (c *claims) claim(digest string, at int64, wantErr error, wantReply string) statuspage.Claim {
	c.Helper()
	claim, reply, err := c.store.Claim(c.Context(), statuspage.IdempotentRequest{APIKeyID: 1, Key: "k", Digest: digest}, at)
	if !errors.Is(err, wantErr) || string(reply) != wantReply {
		c.Errorf("claim of %s at %d: reply %q, error %v, want %q, %v", digest, at-now, reply, err, wantReply, wantErr)
	}
	if got := claim.Token != ""; got != (wantErr == nil && wantReply == "") {
		c.Errorf("claim of %s at %d: %+v", digest, at-now, claim)
	}
	return claim
}

// complete makes a monitor with the claim.
func (c *claims) complete(claim statuspage.Claim, tag, reply string, want error) {
	c.Helper()
	_, err := c.store.CreateMonitor(c.Context(), newMonitor(tag), now, &statuspage.Once[statuspage.Monitor]{
		Claim: claim, Reply: func(statuspage.Monitor) []byte { return []byte(reply) },
	})
	if !errors.Is(err, want) {
		c.Errorf("making %s: %v, want %v", tag, err, want)
	}
}

func (c *claims) monitors() []string {
	return slices.Sorted(func(yield func(string) bool) {
		for tag := range c.tb.Contents(c).Monitors {
			yield(tag)
		}
	})
}

const day = 24 * 60 * minute

func TestClaim(t *testing.T) {
	t.Parallel()
	c := newClaims(t)

	t.Log("a claim keeps others out for 60 seconds, then lapses, for whatever request comes next")
	first := c.claim("a", now, nil, "")
	c.claim("a", now, statuspage.ErrIdempotencyRunning, "")
	c.claim("a", now+59, statuspage.ErrIdempotencyRunning, "")
	c.claim("b", now+59, statuspage.ErrIdempotencyReused, "")
	second := c.claim("b", now+60, nil, "")
	c.claim("b", now+119, statuspage.ErrIdempotencyRunning, "")
	third := c.claim("b", now+120, nil, "")
	if first.Token == second.Token || second.Token == third.Token {
		t.Error("two claims have the same token")
	}

	t.Log("who has lost the claim has no effect, and can't take it from its owner")
	c.complete(first, "first", "1", statuspage.ErrIdempotencyRunning)
	c.complete(second, "second", "2", statuspage.ErrIdempotencyRunning)
	if err := c.store.Release(t.Context(), second); err != nil {
		t.Error(err)
	}
	c.claim("b", now+121, statuspage.ErrIdempotencyRunning, "")
	c.complete(third, "third", "3", nil)
	if got := c.monitors(); !slices.Equal(got, []string{"third"}) {
		t.Errorf("monitors %v, want the third alone", got)
	}

	t.Log("a kept reply is given for a day from its claim, and can't be released or replaced")
	for _, err := range []error{c.store.Release(t.Context(), third), c.store.Release(t.Context(), first)} {
		if err != nil {
			t.Error(err)
		}
	}
	c.complete(third, "fourth", "4", statuspage.ErrIdempotencyRunning)
	c.claim("b", now+121, nil, "3")
	c.claim("b", now+120+day-1, nil, "3")
	c.claim("a", now+120+day-1, statuspage.ErrIdempotencyReused, "")
	fifth := c.claim("a", now+120+day, nil, "")

	t.Log("a released claim is free at once")
	if err := c.store.Release(t.Context(), fifth); err != nil {
		t.Error(err)
	}
	for _, it := range c.tb.Items(t) {
		if strings.HasPrefix(it["pk"], "IDEMPOTENCY#") {
			t.Errorf("a released claim is still there: %v", it)
		}
	}
	c.claim("other", now, nil, "")
	checkFinished(t, c.tb)
}

// Keys belong to the API key that they come with, whatever is in them.
func TestClaimsAreApart(t *testing.T) {
	t.Parallel()
	c := newClaims(t)
	for _, r := range []statuspage.IdempotentRequest{
		{APIKeyID: 1, Key: "k"}, {APIKeyID: 11, Key: "k"}, {APIKeyID: 1, Key: "1#k"}, {APIKeyID: 11, Key: "#k"}, {APIKeyID: 1, Key: "#1#k"},
		{APIKeyID: 1, Key: "K"}, {APIKeyID: 1, Key: "k,k"}, {APIKeyID: 1, Key: strings.Repeat("~", statuspage.MaxIdempotencyKey)},
		{APIKeyID: statuspage.MaxID, Key: strings.Repeat("~", statuspage.MaxIdempotencyKey)},
	} {
		r.Digest = "d"
		if claim, reply, err := c.store.Claim(t.Context(), r, now); err != nil || reply != nil || claim.Token == "" {
			t.Errorf("%+v: %+v, %q, %v", r, claim, reply, err)
		}
	}
	checkFinished(t, c.tb)
}

// Whatever is made with a claim that has ended, by itself or by another, is not made,
// and nothing else of the request is left either.
func TestLateCreation(t *testing.T) {
	t.Parallel()
	c := newClaims(t)
	if _, err := c.store.CreateMonitor(t.Context(), newMonitor("a"), now, nil); err != nil {
		t.Fatal(err)
	}
	i, err := c.store.CreateIncident(t.Context(), statuspage.NewIncident{Title: "Outage", Start: begin, Monitors: links(statuspage.Down, "a")}, now, nil)
	if err != nil {
		t.Fatal(err)
	}
	claim := c.claim("d", now, nil, "")
	c.claim("d", now+60, nil, "")
	before := itemsByKey(t, c.tb)
	never := func() []byte { return []byte("never") }
	for name, err := range map[string]error{
		"incident": second(c.store.CreateIncident(t.Context(), statuspage.NewIncident{Title: "Late", Start: begin, Monitors: links(statuspage.Down, "a")}, later,
			&statuspage.Once[statuspage.Incident]{Claim: claim, Reply: func(statuspage.Incident) []byte { return never() }})),
		"comment": second(c.store.CreateComment(t.Context(), i.ID, statuspage.NewComment{Text: "Late", Time: begin, State: statuspage.Resolved}, later,
			&statuspage.Once[statuspage.Comment]{Claim: claim, Reply: func(statuspage.Comment) []byte { return never() }})),
		"monitor": second(c.store.CreateMonitor(t.Context(), newMonitor("late"), later,
			&statuspage.Once[statuspage.Monitor]{Claim: claim, Reply: func(statuspage.Monitor) []byte { return never() }})),
		"API key": second(c.store.CreateAPIKey(t.Context(), keySecret, statuspage.NewAPIKey{Name: "late"}, later,
			&statuspage.Once[statuspage.APIKey]{Claim: claim, Reply: func(statuspage.APIKey) []byte { return never() }})),
	} {
		if !errors.Is(err, statuspage.ErrIdempotencyRunning) {
			t.Errorf("%s: %v, want %v", name, err, statuspage.ErrIdempotencyRunning)
		}
	}
	after := itemsByKey(t, c.tb)
	for key := range after {
		if strings.HasPrefix(key, "SYSTEM COUNTER#") { // ids may stay unused
			delete(before, key)
			delete(after, key)
		}
	}
	if d := cmp.Diff(before, after); d != "" {
		t.Errorf("the table changed (-before +after):\n%s", d)
	}
}

// A key's last use is written once an hour, and a failure of the call is the
// caller's to see.
func TestMarkAPIKeyUsed(t *testing.T) {
	t.Parallel()
	tb := dynamotest.NewTable(t)
	client := &dynamotest.Client{}
	s := tb.Store(client)
	ctx := context.Background()
	k, err := s.CreateAPIKey(ctx, keySecret, statuspage.NewAPIKey{Name: "one", Scopes: statuspage.Scopes()}, now, nil)
	if err != nil {
		t.Fatal(err)
	}
	hour := statuspage.FloorHour(now)
	for _, tt := range []struct{ mark, want int64 }{{hour, hour}, {hour, hour}, {hour - 3600, hour}, {hour + 3600, hour + 3600}} {
		if err := s.MarkAPIKeyUsed(ctx, k.Hash, tt.mark); err != nil {
			t.Error(err)
		}
		got, err := s.APIKeyByHash(ctx, k.Hash)
		k.LastUsed = &tt.want
		if d := cmp.Diff(k, got); d != "" || err != nil {
			t.Errorf("after a use at %d (-want +got), %v:\n%s", tt.mark, err, d)
		}
	}
	if err := s.MarkAPIKeyUsed(ctx, statuspage.HashSecret(otherSecret), hour); err != nil {
		t.Error(err)
	}
	if len(tb.Contents(t).Counters) != 1 || len(tb.Items(t)) != 3 {
		t.Errorf("a key that is not there was made by its use: %v", tb.Items(t))
	}
	client.Inject = dynamotest.First(dynamotest.Conflict)
	if err := s.MarkAPIKeyUsed(ctx, k.Hash, hour+7200); err != nil {
		t.Errorf("a conflict: %v", err)
	}
	if got, err := s.APIKeyByHash(ctx, k.Hash); err != nil || *got.LastUsed != hour+7200 {
		t.Errorf("after a conflict: %+v, %v", got, err)
	}
}
