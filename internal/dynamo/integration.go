package dynamo

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"tocsin/internal/ddb"
	"tocsin/internal/statuspage"
)

const (
	allIntegrations        = "INTEGRATIONS"
	integrationPrefix      = "INTEGRATION#"
	integrationTokenPrefix = "INTEGRATIONTOKEN#"
)

func integrationKey(id int64) ddb.Key { return ddb.Key{PK: allIntegrations, SK: padID(id)} }

// integrationPK is the partition of what belongs to an integration.
func integrationPK(id int64) string { return integrationPrefix + strconv.FormatInt(id, 10) }

func integrationTokenKey(hash string) ddb.Key {
	return ddb.Key{PK: integrationTokenPrefix + hash, SK: meta}
}

// Attributes of an integration, beside those shared with other items.
const (
	attrKind        = "kind"
	attrOptions     = "options"
	attrToken       = "tokens"
	attrUntil       = "valid_until"
	attrTopics      = "topics"
	attrLastSeen    = "last_seen"
	attrLastError   = "last_error"
	attrLastErrorAt = "last_error_at"
)

// integrationItem is the item of an integration.
func integrationItem(i statuspage.Integration) ddb.Item {
	it := integrationKey(i.ID).Item()
	it[ddb.AttrID] = ddb.Num(i.ID)
	it[attrName] = ddb.Str(i.Name)
	it[attrKind] = ddb.Str(string(i.Kind))
	if i.Options != "" {
		it[attrOptions] = ddb.Str(string(i.Options))
	}
	ddb.PutFlag(it, attrActive, i.Active)
	if len(i.Tokens) > 0 {
		it[attrToken] = ddb.ListOf(i.Tokens, func(t statuspage.IntegrationToken) types.AttributeValue {
			token := ddb.Item{attrHash: ddb.Str(t.Hash)}
			ddb.PutNum(token, attrUntil, t.Until)
			return ddb.Map(token)
		})
	}
	if len(i.Topics) > 0 {
		it[attrTopics] = ddb.Set(i.Topics)
	}
	it[attrCreated] = ddb.Num(i.Created)
	it[attrUpdated] = ddb.Num(i.Updated)
	ddb.PutNum(it, attrLastSeen, i.LastSeen)
	ddb.PutStr(it, attrLastError, i.LastError)
	ddb.PutNum(it, attrLastErrorAt, i.LastErrorAt)
	it[ddb.AttrVersion] = ddb.Num(i.Version)
	return it
}

func readIntegration(it ddb.Item) (statuspage.Integration, error) {
	r := ddb.Reader{Item: it}
	i := statuspage.Integration{
		ID:      r.Num(ddb.AttrID),
		Name:    r.Str(attrName),
		Kind:    statuspage.IntegrationKind(r.Str(attrKind)),
		Options: statuspage.JSONObject(r.StrOrEmpty(attrOptions)),
		Active:  r.Has(attrActive),
		Tokens: ddb.ReadOptList(&r, attrToken, func(it ddb.Item) (statuspage.IntegrationToken, error) {
			r := ddb.Reader{Item: it}
			t := statuspage.IntegrationToken{Hash: r.Str(attrHash), Until: r.OptNum(attrUntil)}
			return t, r.Err
		}),
		Topics:      r.Set(attrTopics),
		Created:     r.Num(attrCreated),
		Updated:     r.Num(attrUpdated),
		LastSeen:    r.OptNum(attrLastSeen),
		LastError:   r.OptStr(attrLastError),
		LastErrorAt: r.OptNum(attrLastErrorAt),
		Version:     r.Num(ddb.AttrVersion),
	}
	return i, r.Err
}

// integrationTokenItem is the row by which the integration is found that has the token.
func integrationTokenItem(hash string, id int64) ddb.Item {
	it := integrationTokenKey(hash).Item()
	it[ddb.AttrID] = ddb.Num(id)
	return it
}

func integrationChange(i statuspage.Integration, what statuspage.ChangeKind, fields []string) statuspage.Change {
	c := statuspage.Change{Record: statuspage.RecordIntegration, ID: i.ID, What: what, Fields: fields}
	if what != statuspage.Deleted {
		c.Version = i.Version
	}
	return c
}

// Integration implements apiv4.IntegrationStore.
func (s *Store) Integration(ctx context.Context, id int64) (statuspage.Integration, error) {
	i, _, err := s.integration(ctx, id)
	return i, err
}

// integration returns the integration, and whether there is an item of it: that of CloudWatch has
// none until somebody changes it, or an alarm comes.
func (s *Store) integration(ctx context.Context, id int64) (i statuspage.Integration, there bool, err error) {
	it, err := s.table.Get(ctx, integrationKey(id))
	switch {
	case err != nil:
		return i, false, err
	case it != nil:
		i, err = readIntegration(it)
		return i, true, err
	case id == statuspage.CloudWatchID:
		return statuspage.DefaultCloudWatch(), false, nil
	}
	return i, false, statuspage.IntegrationNotFound(id)
}

// IntegrationByToken returns the integration that takes the token with the hash at now (UTC
// seconds), active or not, or ErrNoIntegrationToken. It is strongly consistent.
func (s *Store) IntegrationByToken(ctx context.Context, hash string, now int64) (statuspage.Integration, error) {
	row, err := s.table.Get(ctx, integrationTokenKey(hash))
	if err != nil {
		return statuspage.Integration{}, err
	}
	if row == nil {
		return statuspage.Integration{}, statuspage.ErrNoIntegrationToken
	}
	r := ddb.Reader{Item: row}
	id := r.Num(ddb.AttrID)
	if r.Err != nil {
		return statuspage.Integration{}, r.Err
	}
	i, err := find(ctx, s, integrationKey(id), readIntegration, func() error { return statuspage.ErrNoIntegrationToken })
	if err == nil && !i.Takes(hash, now) {
		err = statuspage.ErrNoIntegrationToken
	}
	if err != nil {
		return statuspage.Integration{}, err
	}
	return i, nil
}

// Integrations implements apiv4.IntegrationStore.
func (s *Store) Integrations(ctx context.Context, q statuspage.IntegrationQuery, take func(statuspage.Integration) bool) (int64, error) {
	first := q.After < statuspage.CloudWatchID
	return ddb.List(ctx, s.table, ddb.Listing[statuspage.Integration, int64]{
		Query: ddb.Query{PK: allIntegrations, Low: padID(q.After + 1), High: "~", Limit: q.Limit + 1},
		Read: func(ctx context.Context, items []ddb.Item) ([]statuspage.Integration, error) {
			all, err := ddb.Each(readIntegration)(ctx, items)
			if err == nil && first && (len(all) == 0 || all[0].ID != statuspage.CloudWatchID) {
				all = slices.Insert(all, 0, statuspage.DefaultCloudWatch())
			}
			first = false
			return all, err
		},
		Take: take, After: q.After, Position: func(i statuspage.Integration) int64 { return i.ID },
	})
}

// CreateIntegration implements apiv4.IntegrationStore.
func (s *Store) CreateIntegration(ctx context.Context, n statuspage.NewIntegration, token string, now int64, once *statuspage.Once[statuspage.Integration]) (statuspage.Integration, error) {
	if _, err := n.Made(0, token, now); err != nil {
		return statuspage.Integration{}, err
	}
	var id int64
	var there []ddb.Item
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		for err == nil && id <= statuspage.CloudWatchID { // which is the first that a table draws
			id, err = s.nextID(gctx, IntegrationIDs)
		}
		return err
	})
	g.Go(func() (err error) { // 200 keys are one page
		there, _, err = s.table.Page(gctx, ddb.Query{PK: allIntegrations, Fields: []string{}}, nil)
		return err
	})
	if err := g.Wait(); err != nil {
		return statuspage.Integration{}, err
	}
	if len(there) >= statuspage.MaxIntegrations {
		return statuspage.Integration{}, statuspage.ErrTooManyIntegrations
	}
	i, err := n.Made(id, token, now)
	if err != nil {
		return statuspage.Integration{}, err
	}
	_, err = s.transact(ctx, completion(s, once, i),
		s.table.PutNew(integrationItem(i)), s.table.PutNew(integrationTokenItem(i.Tokens[0].Hash, id)),
		s.changeRow(ctx, integrationChange(i, statuspage.Created, nil), now))
	if err != nil {
		return statuspage.Integration{}, err
	}
	return i, nil
}

// UpdateIntegration implements apiv4.IntegrationStore.
func (s *Store) UpdateIntegration(ctx context.Context, id int64, patch statuspage.IntegrationPatch, now int64, expected statuspage.IntegrationPrecondition) (statuspage.Integration, error) {
	return s.changeIntegration(ctx, id, now, nil, func(old statuspage.Integration) (statuspage.Integration, []ddb.Write, error) {
		next, err := old.Patched(patch, now)
		if err == nil && expected != nil && !expected(old) {
			err = statuspage.ErrIntegrationChanged
		}
		return next, nil, err
	})
}

// RotateIntegrationToken implements apiv4.IntegrationStore.
func (s *Store) RotateIntegrationToken(ctx context.Context, id int64, token string, now int64, once *statuspage.Once[statuspage.Integration]) (statuspage.Integration, error) {
	return s.changeIntegration(ctx, id, now, once, func(old statuspage.Integration) (statuspage.Integration, []ddb.Write, error) {
		if id == statuspage.CloudWatchID {
			return old, nil, statuspage.ErrNoTokenToRotate
		}
		next := old.Rotated(token, now)
		writes := []ddb.Write{s.table.PutNew(integrationTokenItem(next.Tokens[0].Hash, id))}
		for _, t := range old.Tokens {
			if t.Until != nil {
				writes = append(writes, s.table.Delete(integrationTokenKey(t.Hash), nil))
			}
		}
		return next, writes, nil
	})
}

// PinTopic makes the SNS topic the only one that the integration takes messages of, as its first
// one. It returns IntegrationNotFound, or ErrOtherTopic when it has another one by now.
func (s *Store) PinTopic(ctx context.Context, id int64, topic string, now int64) error {
	ctx = statuspage.WithActor(ctx, statuspage.Actor{Kind: statuspage.ByIntegration, ID: id})
	_, err := s.changeIntegration(ctx, id, now, nil, func(old statuspage.Integration) (statuspage.Integration, []ddb.Write, error) {
		next, _, err := old.Pinned(topic)
		return next, nil, err
	})
	return err
}

// changeIntegration stores what change makes of the integration, with the writes that belong to it.
// The version stays when nothing is to change.
func (s *Store) changeIntegration(ctx context.Context, id, now int64, once *statuspage.Once[statuspage.Integration],
	change func(statuspage.Integration) (statuspage.Integration, []ddb.Write, error),
) (statuspage.Integration, error) {
	var next statuspage.Integration
	err := ddb.Retry(ctx, func() (done bool, err error) {
		old, there, err := s.integration(ctx, id)
		if err != nil {
			return false, err
		}
		var writes []ddb.Write
		if next, writes, err = change(old); err != nil {
			return false, err
		}
		if next.Version == old.Version {
			return true, nil
		}
		was, is := integrationItem(old), integrationItem(next)
		first := s.table.PutNew(is)
		if there {
			first = s.table.Change(was, is)
		}
		writes = append([]ddb.Write{first}, writes...)
		if fields := changedFields(statuspage.RecordIntegration, was, is); fields != nil {
			writes = append(writes, s.changeRow(ctx, integrationChange(next, statuspage.Updated, fields), now))
		}
		refused, err := s.transact(ctx, completion(s, once, next), writes...)
		return err == nil && refused == nil, err
	})
	if err != nil {
		return statuspage.Integration{}, err
	}
	return next, nil
}

// NoteIntegrationSeen keeps that a delivery came at now (UTC seconds), and what was wrong with it
// unless lastError is nil. i is the integration as the caller knows it: what it has already is not
// written again, see statuspage.Integration.Seen. It may be done twice. Of a deleted integration
// nothing is kept.
func (s *Store) NoteIntegrationSeen(ctx context.Context, i statuspage.Integration, now int64, lastError *string) error {
	next, changed := i.Seen(now, lastError)
	if !changed {
		return nil
	}
	e := ddb.NewExpr().IfExists()
	if next.LastSeen != i.LastSeen {
		e.Set(attrLastSeen, ddb.Num(*next.LastSeen))
	}
	if next.LastErrorAt != i.LastErrorAt {
		e.Set(attrLastError, ddb.Str(*next.LastError)).Set(attrLastErrorAt, ddb.Num(*next.LastErrorAt))
	}
	for {
		_, missing, err := s.table.UpdateAtLeastOnce(ctx, integrationKey(i.ID), e)
		if err != nil || !missing || i.ID != statuspage.CloudWatchID {
			return err
		}
		// It is the first that is written of it. An UpdateItem, so that who takes alarms needs no right to put
		// an integration.
		first, _ := statuspage.DefaultCloudWatch().Seen(now, lastError)
		made := ddb.NewExpr().IfNew()
		for name, v := range integrationItem(first) {
			if name != ddb.AttrPK && name != ddb.AttrSK {
				made.Set(name, v)
			}
		}
		_, there, err := s.table.UpdateAtLeastOnce(ctx, integrationKey(i.ID), made)
		if err != nil || !there {
			return err
		}
	}
}

// DeleteIntegration implements apiv4.IntegrationStore. What belongs to it is left to Cleanup: its
// open alerts end with the next run of the closer, since who may change integrations need not be
// able to change incidents.
func (s *Store) DeleteIntegration(ctx context.Context, id int64, now int64, expected statuspage.IntegrationPrecondition) error {
	if id == statuspage.CloudWatchID {
		return statuspage.ErrCloudWatchStays
	}
	return ddb.Retry(ctx, func() (done bool, err error) {
		i, err := s.Integration(ctx, id)
		if err != nil {
			return false, err
		}
		if expected != nil && !expected(i) {
			return false, statuspage.ErrIntegrationChanged
		}
		writes := []ddb.Write{
			s.table.Delete(integrationKey(id), ddb.NewExpr().IfSame(integrationItem(i))),
			s.table.Put(cleanupItem(ctx, cleanupIntegration, id, now)),
			s.changeRow(ctx, integrationChange(i, statuspage.Deleted, nil), now),
		}
		for _, t := range i.Tokens {
			writes = append(writes, s.table.Delete(integrationTokenKey(t.Hash), nil))
		}
		refused, err := s.table.Transact(ctx, writes...)
		return err == nil && refused == nil, err
	})
}

// sweepIntegration removes what a deleted integration left: its deliveries and what is known of its
// signals. Then it notes in the CLEANUP row that this is done. A process that remembers the token
// can still write some; they are looked for once more, see sweepAgain.
func (s *Store) sweepIntegration(ctx context.Context, id, now int64) error {
	for {
		items, _, err := s.table.Page(ctx, ddb.Query{PK: integrationPK(id), Limit: keysAtOnce, Fields: []string{}}, nil)
		if err != nil {
			return err
		}
		if len(items) == 0 {
			e := ddb.NewExpr().IfExists().SetIfAbsent(attrSwept, ddb.Num(now))
			_, _, err := s.table.UpdateAtLeastOnce(ctx, cleanupKey(cleanupIntegration, id), e)
			return err
		}
		for _, k := range keysOf(items) {
			if strings.HasPrefix(k.SK, signalPrefix) {
				if err := s.endSignal(ctx, k, now); err != nil {
					return err
				}
			}
		}
		if err := s.table.DeleteAll(ctx, keysOf(items)); err != nil {
			return err
		}
	}
}
