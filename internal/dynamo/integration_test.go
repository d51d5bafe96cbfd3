package dynamo_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tocsin/internal/dynamo"
	"tocsin/internal/dynamotest"
	"tocsin/internal/opt"
	"tocsin/internal/statuspage"
)

// integrationsOf lists the integrations by requests for so many at a time.
func integrationsOf(t testing.TB, s *dynamo.Store, limit int) []statuspage.Integration {
	t.Helper()
	var all []statuspage.Integration
	for q := (statuspage.IntegrationQuery{Limit: limit}); ; {
		taken := 0
		next, err := s.Integrations(context.Background(), q, func(i statuspage.Integration) bool {
			if taken == limit {
				return false
			}
			taken++
			all = append(all, i)
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
		if q.After = next; next == 0 {
			return all
		}
	}
}

func hashes(tokens ...string) []string {
	for n, token := range tokens {
		tokens[n] = statuspage.HashSecret(token)
	}
	return tokens
}

func TestIntegrations(t *testing.T) {
	ctx := t.Context()
	tb := dynamotest.NewTable(t)
	s := tb.Store(nil)
	cloudWatch := statuspage.DefaultCloudWatch()
	for _, limit := range []int{1, 5} {
		if diff := cmp.Diff([]statuspage.Integration{cloudWatch}, integrationsOf(t, s, limit)); diff != "" {
			t.Errorf("a new table's (-want +got):\n%s", diff)
		}
	}
	token := statuspage.NewIntegrationToken()
	tool, err := s.CreateIntegration(ctx, statuspage.NewIntegration{
		Name: "Tool", Kind: statuspage.KindAlertmanager, Options: `{"publish":null,"monitors":["earth"]}`, Active: true,
	}, token, now, nil)
	want := statuspage.Integration{
		ID: 2, Name: "Tool", Kind: statuspage.KindAlertmanager, Options: `{"monitors":["earth"]}`, Active: true,
		Tokens: []statuspage.IntegrationToken{{Hash: statuspage.HashSecret(token)}}, Created: now, Updated: now, Version: 1,
	}
	if diff := cmp.Diff(want, tool); err != nil || diff != "" {
		t.Fatalf("%v (-want +got):\n%s", err, diff)
	}
	other, err := s.CreateIntegration(ctx, statuspage.NewIntegration{Name: "Tool", Kind: statuspage.KindGeneric}, statuspage.NewIntegrationToken(), now, nil)
	if err != nil || other.ID != 3 {
		t.Fatalf("%v, %v", other, err)
	}
	for _, limit := range []int{1, 2, 3} {
		if diff := cmp.Diff([]statuspage.Integration{cloudWatch, tool, other}, integrationsOf(t, s, limit)); diff != "" {
			t.Errorf("by %d (-want +got):\n%s", limit, diff)
		}
	}

	t.Run("what is refused", func(t *testing.T) {
		patch := func(id int64, p statuspage.IntegrationPatch, expected statuspage.IntegrationPrecondition) error {
			_, err := s.UpdateIntegration(ctx, id, p, later, expected)
			return err
		}
		rotate := func(id int64) error {
			_, err := s.RotateIntegrationToken(ctx, id, statuspage.NewIntegrationToken(), later, nil)
			return err
		}
		create := func(n statuspage.NewIntegration) error {
			_, err := s.CreateIntegration(ctx, n, statuspage.NewIntegrationToken(), later, nil)
			return err
		}
		_, noDeliveries := s.Deliveries(ctx, 9, later)
		_, unknown := s.IntegrationByToken(ctx, statuspage.HashSecret(statuspage.NewIntegrationToken()), later)
		never := func(statuspage.Integration) bool { return false }
		missing := statuspage.IntegrationNotFound(int64(9))
		for name, tt := range map[string]struct{ got, want error }{
			"an option that there is not":         {create(statuspage.NewIntegration{Name: "n", Kind: statuspage.KindGeneric, Options: `{"x":1}`}), statuspage.Invalid("Unknown option 'x'")},
			"an option that the kind needs":       {create(statuspage.NewIntegration{Name: "n", Kind: statuspage.KindFieldMap}), statuspage.Invalid("options.fields needs dedup_key and status")},
			"an integration that is not there":    {patch(9, statuspage.IntegrationPatch{Kind: statuspage.KindGCP}, never), missing},
			"another kind":                        {patch(2, statuspage.IntegrationPatch{Kind: statuspage.KindGCP, Name: opt.Value("x")}, never), statuspage.ErrIntegrationKind},
			"an option in a patch":                {patch(2, statuspage.IntegrationPatch{Options: opt.Value[statuspage.JSONObject](`{"publish":1}`)}, never), statuspage.Invalid("publish must be one of: nothing, title, title_and_message")},
			"one that is not as seen":             {patch(2, statuspage.IntegrationPatch{Name: opt.Value("x")}, never), statuspage.ErrIntegrationChanged},
			"a token of CloudWatch":               {rotate(1), statuspage.ErrNoTokenToRotate},
			"a token of none":                     {rotate(9), missing},
			"a topic of none":                     {s.PinTopic(ctx, 9, "arn", later), missing},
			"deliveries of none":                  {noDeliveries, missing},
			"an unknown token":                    {unknown, statuspage.ErrNoIntegrationToken},
			"deletion of CloudWatch":              {s.DeleteIntegration(ctx, 1, later, never), statuspage.ErrCloudWatchStays},
			"deletion of none":                    {s.DeleteIntegration(ctx, 9, later, never), missing},
			"deletion of one that is not as seen": {s.DeleteIntegration(ctx, 2, later, never), statuspage.ErrIntegrationChanged},
		} {
			if !errors.Is(tt.got, tt.want) {
				t.Errorf("%s: %v, want %v", name, tt.got, tt.want)
			}
		}
		if diff := cmp.Diff([]statuspage.Integration{cloudWatch, tool, other}, integrationsOf(t, s, 10)); diff != "" {
			t.Errorf("afterwards (-want +got):\n%s", diff)
		}
	})

	t.Run("a topic", func(t *testing.T) {
		for range 2 {
			if err := s.PinTopic(ctx, 2, "arn:a", later); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.PinTopic(ctx, 2, "arn:b", later); !errors.Is(err, statuspage.ErrOtherTopic) {
			t.Errorf("another topic: %v", err)
		}
		want.Topics, want.Version = []string{"arn:a"}, 2
		if got, err := s.Integration(ctx, 2); err != nil || !cmp.Equal(want, got) {
			t.Errorf("%v (-want +got):\n%s", err, cmp.Diff(want, got))
		}
	})

	t.Run("what was seen", func(t *testing.T) {
		const minute = now/60*60 + 60
		problem := "no monitor"
		for n, tt := range []struct {
			at        int64
			problem   *string
			seen      int64
			error     *string
			errorTime *int64
		}{
			{minute, nil, minute, nil, nil},
			{minute + 59, &problem, minute, &problem, new(int64(minute))},
			{minute + 60, nil, minute + 60, &problem, new(int64(minute))},
			{minute + 30, nil, minute + 60, &problem, new(int64(minute))},
			{minute + 125, &problem, minute + 120, &problem, new(int64(minute + 120))},
		} {
			for _, id := range []int64{1, 2} {
				i, err := s.Integration(ctx, id)
				if err != nil {
					t.Fatal(err)
				}
				if err := s.NoteIntegrationSeen(ctx, i, tt.at, tt.problem); err != nil {
					t.Fatal(err)
				}
				next, err := s.Integration(ctx, id)
				if i.LastSeen, i.LastError, i.LastErrorAt = &tt.seen, tt.error, tt.errorTime; err != nil || !cmp.Equal(i, next) {
					t.Errorf("%d of integration %d: %v (-want +got):\n%s", n, id, err, cmp.Diff(i, next))
				}
			}
		}
		// Of one that is remembered from before it was written, what a person has set since stays.
		if _, err := s.UpdateIntegration(ctx, 1, statuspage.IntegrationPatch{Active: opt.Value(false), Options: opt.Value[statuspage.JSONObject](`{"publish":"title"}`)}, later, nil); err != nil {
			t.Fatal(err)
		}
		if err := s.NoteIntegrationSeen(ctx, cloudWatch, minute+600, nil); err != nil {
			t.Fatal(err)
		}
		got, err := s.Integration(ctx, 1)
		cloudWatch.Active, cloudWatch.Options, cloudWatch.LastSeen, cloudWatch.Created, cloudWatch.Updated, cloudWatch.Version = false, `{"publish":"title"}`, new(int64(minute+600)), later, later, 1
		if diff := cmp.Diff(cloudWatch, got); err != nil || diff != "" {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		// Of one that is gone nothing is kept.
		if err := s.NoteIntegrationSeen(ctx, statuspage.Integration{ID: 9}, minute, &problem); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Integration(ctx, 9); !errors.Is(err, statuspage.IntegrationNotFound(int64(9))) {
			t.Errorf("one that is not there, after it was seen: %v", err)
		}
	})

	t.Run("deletion", func(t *testing.T) {
		if err := s.RecordDelivery(ctx, statuspage.Delivery{Integration: 2, Time: later * 1000, Body: "b"}); err != nil {
			t.Fatal(err)
		}
		if err := s.DeleteIntegration(ctx, 2, later, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := s.IntegrationByToken(ctx, statuspage.HashSecret(token), later); !errors.Is(err, statuspage.ErrNoIntegrationToken) {
			t.Errorf("its token: %v", err)
		}
		for n, at := range []int64{later, later, later + 3600} { // what comes after the first one is looked for later
			if _, err := s.Cleanup(ctx, at); err != nil {
				t.Fatal(err)
			}
			c := tb.Contents(t)
			if problems := c.Check(); len(problems) > 0 || c.Deliveries[2] != n%2 || c.Cleaning("INTEGRATION", 2) != (at == later) {
				t.Errorf("at %d: %v, %d deliveries, cleaning %t", at, problems, c.Deliveries[2], c.Cleaning("INTEGRATION", 2))
			}
			if n == 0 { // by a process that remembers the token
				if err := s.RecordDelivery(ctx, statuspage.Delivery{Integration: 2, Time: later * 1000}); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

// At most MaxIntegrations can be made.
func TestManyIntegrations(t *testing.T) {
	s := dynamotest.NewTable(t).Store(nil)
	var g sync.WaitGroup
	for range 8 {
		g.Go(func() {
			for range statuspage.MaxIntegrations / 8 {
				if _, err := s.CreateIntegration(t.Context(), statuspage.NewIntegration{Name: "n", Kind: statuspage.KindGeneric}, statuspage.NewIntegrationToken(), now, nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
	g.Wait()
	_, err := s.CreateIntegration(t.Context(), statuspage.NewIntegration{Name: "n", Kind: statuspage.KindGeneric}, statuspage.NewIntegrationToken(), now, nil)
	if all := integrationsOf(t, s, 1000); len(all) != statuspage.MaxIntegrations+1 || !errors.Is(err, statuspage.ErrTooManyIntegrations) {
		t.Errorf("%d integrations, then %v", len(all), err)
	}
}

// TestIntegrationTokens gives integrations other tokens, at random and at random times, and asks each time
// for all tokens that there ever were.
func TestIntegrationTokens(t *testing.T) {
	dynamotest.Usually(t, "rapid.checks", 5)
	rapid.Check(t, func(rt *rapid.T) {
		s := dynamotest.NewTable(t).Store(nil)
		ctx, at := context.Background(), int64(now)
		type token struct {
			text  string
			until int64 // 0: for good
		}
		valid := map[int64][]token{}
		all := map[string]int64{}
		draw := func(id int64) (text string) {
			text = statuspage.NewIntegrationToken()
			all[text] = id
			return text
		}
		rt.Repeat(map[string]func(*rapid.T){
			"make": func(t *rapid.T) {
				text := statuspage.NewIntegrationToken()
				i, err := s.CreateIntegration(ctx, statuspage.NewIntegration{Name: "n", Kind: statuspage.KindGeneric}, text, at, nil)
				if err != nil {
					t.Fatal(err)
				}
				all[text], valid[i.ID] = i.ID, []token{{text, 0}}
			},
			"rotate": func(t *rapid.T) {
				id := rapid.Int64Range(2, 4).Draw(t, "id")
				text := draw(id)
				_, err := s.RotateIntegrationToken(ctx, id, text, at, nil)
				if valid[id] == nil {
					if !errors.Is(err, statuspage.IntegrationNotFound(id)) {
						t.Fatal(err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				valid[id] = []token{{text, 0}, {valid[id][0].text, at + 86400}}
			},
			"delete": func(t *rapid.T) {
				id := rapid.Int64Range(2, 4).Draw(t, "id")
				if err := s.DeleteIntegration(ctx, id, at, nil); (err == nil) != (valid[id] != nil) {
					t.Fatal(err)
				}
				delete(valid, id)
			},
			"wait": func(t *rapid.T) { at += rapid.SampledFrom([]int64{1, 3600, 43200, 86399, 86400}).Draw(t, "seconds") },
			"": func(t *rapid.T) {
				for text, id := range all {
					works := slices.ContainsFunc(valid[id], func(v token) bool { return v.text == text && (v.until == 0 || at < v.until) })
					i, err := s.IntegrationByToken(ctx, statuspage.HashSecret(text), at)
					if works && (err != nil || i.ID != id) || !works && !errors.Is(err, statuspage.ErrNoIntegrationToken) {
						t.Fatalf("a token of integration %d, which works: %t, is of %d, %v", id, works, i.ID, err)
					}
				}
			},
		})
	})
}

// Two writers at once lose nothing: each of many rotations and patches is there, and the last two
// tokens work.
func TestIntegrationRaces(t *testing.T) {
	tb := dynamotest.NewTable(t)
	s := tb.Store(nil)
	ctx := t.Context()
	if _, err := s.CreateIntegration(ctx, statuspage.NewIntegration{Name: "n", Kind: statuspage.KindGeneric, Active: true}, statuspage.NewIntegrationToken(), now, nil); err != nil {
		t.Fatal(err)
	}
	options := []string{"allow_global", "publish_link", "signature_v2", "respect_suppression"}
	var g sync.WaitGroup
	tokens := make([]string, len(options))
	for n, name := range options {
		g.Go(func() {
			if _, err := s.UpdateIntegration(ctx, 2, statuspage.IntegrationPatch{Options: opt.Value(statuspage.JSONObject(fmt.Sprintf(`{%q:true}`, name)))}, later, nil); err != nil {
				t.Error(err)
			}
		})
		tokens[n] = statuspage.NewIntegrationToken()
		g.Go(func() {
			if _, err := s.RotateIntegrationToken(ctx, 2, tokens[n], later, nil); err != nil {
				t.Error(err)
			}
		})
		g.Go(func() { _ = s.PinTopic(ctx, 2, fmt.Sprint("arn:", n), later) })
		g.Go(func() {
			if err := s.NoteIntegrationSeen(ctx, statuspage.Integration{ID: statuspage.CloudWatchID}, later, nil); err != nil {
				t.Error(err)
			}
		})
	}
	g.Wait()
	i, err := s.Integration(ctx, 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range options {
		if !strings.Contains(string(i.Options), name) {
			t.Errorf("%s is not in %s", name, i.Options)
		}
	}
	working := 0
	for _, hash := range hashes(tokens...) {
		if _, err := s.IntegrationByToken(ctx, hash, later); err == nil {
			working++
		}
	}
	if working != 2 || len(i.Topics) != 1 || i.Version != int64(1+2*len(options)+1) {
		t.Errorf("%d tokens work, topics %v, version %d", working, i.Topics, i.Version)
	}
	if problems := tb.Contents(t).Check(); len(problems) > 0 {
		t.Error(problems)
	}
}

// The newest 50 are shown, as they came, and of more than that not many are kept.
func TestDeliveries(t *testing.T) {
	ctx := t.Context()
	tb := dynamotest.NewTable(t)
	s := tb.Store(nil)
	if got, err := s.Deliveries(ctx, statuspage.CloudWatchID, now); err != nil || got != nil {
		t.Errorf("before any: %v, %v", got, err)
	}
	var want []statuspage.Delivery
	const all = 200
	for n := range int64(all) {
		d := statuspage.Delivery{
			Integration: 1, Time: now*1000 + n, Body: fmt.Sprint("body ", n), Cut: n%2 == 0, Reason: []string{"", "why"}[n%2],
			Outcome: statuspage.DeliveryOutcome{Status: 200, Received: int(n), Opened: 1, Resolved: 2, Ignored: 3},
		}
		if err := s.RecordDelivery(ctx, d); err != nil {
			t.Fatal(err)
		}
		want = slices.Insert(want, 0, d)
	}
	got, err := s.Deliveries(ctx, 1, now)
	if diff := cmp.Diff(want[:statuspage.MaxDeliveries], got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if c := tb.Contents(t); c.Deliveries[1] >= statuspage.MaxDeliveries+33 || len(c.Check()) > 0 {
		t.Errorf("%d deliveries are kept, %v", c.Deliveries[1], c.Check())
	}
	if got, err := s.Deliveries(ctx, 1, now+statuspage.DeliveryKept); err != nil || len(got) != 0 {
		t.Errorf("a week later: %v, %v", got, err)
	}
}
