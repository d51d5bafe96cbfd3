package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tocsin/internal/statuspage"
)

// Claim implements statuspage.IdempotencyStore. It is one conditional write: its
// refusal brings what stands in its way. The token that the write leaves in the
// record anyway, to know itself again, is the claim's.
func (s *Store) Claim(ctx context.Context, r statuspage.IdempotentRequest, now int64) (statuspage.Claim, []byte, error) {
	e := newExpr().ifUnclaimed(now).
		set(attrDigest, str(r.Digest)).set(attrClaimed, num(now)).set(attrTTL, num(now+statuspage.ReplyKept)).remove(attrReply)
	it, refused, err := s.updateInPlace(ctx, idempotencyKey(r.APIKeyID, r.Key), e, attrRequest, newToken())
	if err != nil {
		return statuspage.Claim{}, nil, err
	}
	rd := reader{item: it}
	token, digest, reply := rd.str(attrRequest), rd.str(attrDigest), rd.optBytes(attrReply)
	switch {
	case rd.err != nil:
		return statuspage.Claim{}, nil, rd.err
	case !refused:
		return statuspage.Claim{APIKeyID: r.APIKeyID, Key: r.Key, Token: token}, nil, nil
	case digest != r.Digest:
		return statuspage.Claim{}, nil, statuspage.ErrIdempotencyReused
	case reply == nil:
		return statuspage.Claim{}, nil, statuspage.ErrIdempotencyRunning
	}
	return statuspage.Claim{}, reply, nil
}

// ifUnclaimed asks that the idempotency record is not there, is past its time
// though not yet removed, or is a claim whose maker has died.
func (e *expr) ifUnclaimed(now int64) *expr {
	ttl, reply, claimed := e.name(attrTTL), e.name(attrReply), e.name(attrClaimed)
	e.conditions = append(e.conditions, "(attribute_not_exists("+e.name(attrPK)+")"+
		" OR "+ttl+" <= "+e.value("now", num(now))+
		" OR (attribute_not_exists("+reply+") AND "+claimed+" <= "+e.value("lapsed", num(now-statuspage.ClaimHeld))+"))")
	return e
}

// ifHeld asks that the idempotency record is the claim's and not completed.
func (e *expr) ifHeld(c statuspage.Claim) *expr {
	return e.ifCompare(attrRequest, "=", attrRequest, str(c.Token)).ifHas(attrReply, false)
}

// Release implements statuspage.IdempotencyStore.
func (s *Store) Release(ctx context.Context, c statuspage.Claim) error {
	_, err := s.transact(ctx, s.remove(idempotencyKey(c.APIKeyID, c.Key), newExpr().ifHeld(c)))
	return err
}

// Complete implements statuspage.IdempotencyStore.
func (s *Store) Complete(ctx context.Context, c statuspage.Claim, reply []byte) error {
	_, err := s.transact(ctx, s.completion(c, reply))
	return err
}

// completion is the write that keeps a claim's reply, refused when it has ended.
func (s *Store) completion(c statuspage.Claim, reply []byte) types.TransactWriteItem {
	e := newExpr().ifHeld(c).set(attrReply, &types.AttributeValueMemberB{Value: reply})
	return s.update(idempotencyKey(c.APIKeyID, c.Key), e)
}

// transactOnce is transact for writes that make something, together with the reply
// that completes the claim of once, unless that is nil. It returns
// ErrIdempotencyRunning when the claim has ended: another try has the request now.
func transactOnce[T any](ctx context.Context, s *Store, once *statuspage.Once[T], made T, writes ...types.TransactWriteItem) (*refusal, error) {
	if once == nil {
		return s.transact(ctx, writes...)
	}
	last := len(writes)
	refused, err := s.transact(ctx, append(writes, s.completion(once.Claim, once.Reply(made)))...)
	if err == nil && refused != nil && refused.failed(last) {
		return nil, statuspage.ErrIdempotencyRunning
	}
	return refused, err
}
