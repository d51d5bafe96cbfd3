// Package model is a repository in maps, for tests alone: they compare internal/dynamo with
// it. It is the simplest thing that fulfils the Store interfaces, has no code of
// internal/dynamo, and is for one caller at a time.
//
// What it computes itself, and so checks: which records there are and which of them a write
// concerns, what refuses it and which error comes first, what a deletion takes with it,
// every list with its filters, order and pages, which points there are and their sums, when
// alerts open and end, which occurrences are there. What a write makes of a record that it concerns is a function of
// package statuspage, such as Incident.Patched and AlertRule.Fired, and so are the rules
// without records, such as Condition.Judge. The repository calls the same functions. The
// comparison checks that it reads and keeps all that they take and return; tests of their
// own check that they are right.
//
// The contract says only that ids rise. So the model takes the ids of new records from the
// repository, see Reference.
package model

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"tocsin/internal/apilegacy"
	"tocsin/internal/apiv4"
	"tocsin/internal/statuspage"
	"tocsin/internal/web"
)

// Reference is the repository that is held against the model. Each call is made there
// first. What is new there tells the ids that the model uses.
type Reference interface {
	apilegacy.CommentStore
	apiv4.IncidentStore
	apiv4.MonitorStore
	apiv4.AlertRuleStore
	apiv4.AlertStore
	apiv4.MaintenanceStore
	apiv4.OccurrenceStore
	apiv4.PageStore
}

// APIs is all that the APIs ask of a repository, but for the making of API keys: what the
// model fulfils.
type APIs interface {
	web.Store
	apiv4.IncidentStore
	apiv4.CommentStore
	apiv4.MonitorStore
	apiv4.PointStore
	apiv4.AlertRuleStore
	apiv4.AlertStore
	apiv4.MaintenanceStore
	apiv4.OccurrenceStore
	apiv4.PageStore
	apiv4.SiteStore
	apilegacy.IncidentStore
	apilegacy.CommentStore
	apilegacy.StatusStore
}

var _ APIs = (*Store)(nil)

// Store is the model.
type Store struct {
	reference Reference
	key       statuspage.APIKey

	incidents map[int64]*incident
	monitors  map[string]*monitor // by tag
	rules     map[int64]*statuspage.AlertRule
	alerts    map[int64]*statuspage.Alert
	outages   map[int64]*statuspage.Outage // by monitor
	claims    map[string]*claim
	closer    statuspage.CloserState

	maintenances map[int64]*maintenance

	pages    map[string]statuspage.Page // by path; home only once somebody has changed it
	settings map[string]statuspage.SiteSetting
}

type incident struct {
	statuspage.Incident
	body     string
	comments map[int64]*statuspage.Comment
	last     int64 // the greatest id that one of them has had
}

type monitor struct {
	statuspage.Monitor
	hours map[int64]*hour // by their start
}

// hour is an hour of a monitor. Its points are kept together: 400 days after its start,
// and after the last write to one of them.
type hour struct {
	until  int64
	points map[int64]statuspage.Point
}

// New returns a model without records that takes ids from the reference and knows one
// API key.
func New(reference Reference, key statuspage.APIKey) *Store {
	return &Store{
		reference: reference, key: key,
		incidents: map[int64]*incident{}, monitors: map[string]*monitor{}, rules: map[int64]*statuspage.AlertRule{},
		alerts: map[int64]*statuspage.Alert{}, outages: map[int64]*statuspage.Outage{}, claims: map[string]*claim{},
		maintenances: map[int64]*maintenance{}, pages: map[string]statuspage.Page{}, settings: map[string]statuspage.SiteSetting{},
	}
}

// falling returns the values by falling key.
func falling[V any](m map[int64]V) []V {
	var all []V
	for _, id := range slices.Backward(slices.Sorted(maps.Keys(m))) {
		all = append(all, m[id])
	}
	return all
}

// fresh returns the id unless it was used before: then the reference has made nothing,
// and 0 will show it.
func fresh[V any](used map[int64]V, id int64) int64 {
	if _, ok := used[id]; ok {
		return 0
	}
	return id
}

// newIncidentID is the greatest id of an incident in the reference.
func (s *Store) newIncidentID(ctx context.Context) (int64, error) {
	var id int64
	_, err := s.reference.Incidents(ctx, statuspage.IncidentQuery{To: statuspage.MaxTimestamp, Limit: 1000}, func(i statuspage.Incident) bool {
		id = max(id, i.ID)
		return true
	})
	return fresh(s.incidents, id), err
}

// newCommentID is that of the comment of the incident that was made next in the
// reference, after the last one here; 0 when there is none.
func (s *Store) newCommentID(ctx context.Context, incidentID, last int64) (int64, error) {
	var id int64
	err := s.reference.Notes(ctx, incidentID, func(c statuspage.Comment) bool {
		if c.ID > last {
			id = c.ID
		}
		return c.ID > last
	})
	return id, err
}

// APIKeyByHash implements web.Store.
func (s *Store) APIKeyByHash(_ context.Context, hash string) (statuspage.APIKey, error) {
	if hash != s.key.Hash {
		return statuspage.APIKey{}, statuspage.ErrKeyNotFound
	}
	return s.key, nil
}

// MarkAPIKeyUsed implements web.Store.
func (s *Store) MarkAPIKeyUsed(context.Context, string, int64) error { return nil }

type claim struct {
	digest  string
	reply   []byte
	claimed int64
}

func claimName(keyID int64, key string) string { return string(rune(keyID)) + key }

// Claim implements web.Store.
func (s *Store) Claim(_ context.Context, r statuspage.IdempotentRequest, now int64) (statuspage.Claim, []byte, error) {
	name := claimName(r.APIKeyID, r.Key)
	if c := s.claims[name]; c != nil && now < c.claimed+statuspage.ReplyKept && (c.reply != nil || now < c.claimed+statuspage.ClaimHeld) {
		switch {
		case c.digest != r.Digest:
			return statuspage.Claim{}, nil, statuspage.ErrIdempotencyReused
		case c.reply == nil:
			return statuspage.Claim{}, nil, statuspage.ErrIdempotencyRunning
		}
		return statuspage.Claim{}, c.reply, nil
	}

	s.claims[name] = &claim{digest: r.Digest, claimed: now}
	return statuspage.Claim{APIKeyID: r.APIKeyID, Key: r.Key}, nil, nil
}

// Complete implements web.Store.
func (s *Store) Complete(_ context.Context, c statuspage.Claim, reply []byte) error {
	s.claims[claimName(c.APIKeyID, c.Key)].reply = reply
	return nil
}

// Release implements web.Store.
func (s *Store) Release(_ context.Context, c statuspage.Claim) error {
	delete(s.claims, claimName(c.APIKeyID, c.Key))
	return nil
}

// keep keeps the reply of what was made.
func keep[T any](s *Store, once *statuspage.Once[T], made T) {
	if once != nil {
		s.claims[claimName(once.Claim.APIKeyID, once.Claim.Key)].reply = once.Reply(made)
	}
}

// newestFirst is the order of incidents in lists.
func newestFirst(a, b *incident) int {
	return cmp.Or(cmp.Compare(b.Start, a.Start), cmp.Compare(b.ID, a.ID))
}
